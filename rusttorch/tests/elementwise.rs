//! Elementwise ops by their algebra, and PyTorch's answers where its rules are odd.

#![allow(clippy::unwrap_used, reason = "a failing test should stop")]

use proptest::prelude::*;
use rusttorch::{DType, ErrorKind, Result, Rounding, Scalar, Tensor};

fn ints(values: &[i64]) -> Tensor {
    Tensor::from_slice(values, &[values.len()]).unwrap()
}

fn floats(values: &[f64]) -> Tensor {
    Tensor::from_slice(values, &[values.len()]).unwrap()
}

fn i64s(t: Result<Tensor>) -> Vec<i64> {
    t.unwrap().to_vec().unwrap()
}

fn f64s(t: Result<Tensor>) -> Vec<f64> {
    t.unwrap().to_f64_vec().unwrap()
}

fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * (1.0 + a.abs().max(b.abs()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn erfinv_inverts_erf(x in -5.0f64..5.0) {
        let back = f64s(floats(&[x]).erf().unwrap().erfinv())[0];
        // Where erf is flat, a unit of its last place is a long way back.
        let unit = f64::EPSILON * (x * x).exp();
        prop_assert!((back - x).abs() <= 2.0 * unit + 4.0 * f64::EPSILON * x.abs(), "{x} became {back}");
    }

    #[test]
    fn gcd_times_lcm_is_the_product(a in -100_000i64..100_000, b in -100_000i64..100_000) {
        let (gcd, lcm) = (i64s(ints(&[a]).gcd(&ints(&[b])))[0], i64s(ints(&[a]).lcm(&ints(&[b])))[0]);
        prop_assert_eq!(gcd * lcm, (a * b).abs());
        prop_assert!(gcd >= 0 && (gcd == 0 || (a % gcd == 0 && b % gcd == 0)));
    }

    #[test]
    fn rounded_quotients_differ_by_the_sign(a in any::<i64>(), b in any::<i64>()) {
        prop_assume!(b != 0);
        let (x, y) = (ints(&[a]), ints(&[b]));
        let floor = i64s(x.div_mode(&y, Some(Rounding::Floor)))[0];
        let trunc = i64s(x.div_mode(&y, Some(Rounding::Trunc)))[0];
        prop_assert_eq!(trunc, a.wrapping_div(b));
        let below = a.wrapping_rem(b) != 0 && (a < 0) != (b < 0);
        prop_assert_eq!(floor, trunc.wrapping_sub(i64::from(below)));
        // The two remainders belong to the two quotients.
        prop_assert_eq!(i64s(x.remainder(&y))[0], a.wrapping_sub(floor.wrapping_mul(b)));
        prop_assert_eq!(i64s(x.fmod(&y))[0], a.wrapping_sub(trunc.wrapping_mul(b)));
    }

    #[test]
    fn gamma_obeys_its_recurrence(x in 0.01f64..50.0) {
        let at = |x: f64| floats(&[x]);
        // gamma(x + 1) = x gamma(x), and its logarithmic derivatives.
        let lgamma = |x| f64s(at(x).lgamma())[0];
        prop_assert!(close(lgamma(x + 1.0), lgamma(x) + x.ln(), 1e-14));
        let digamma = |x| f64s(at(x).digamma())[0];
        prop_assert!(close(digamma(x + 1.0), digamma(x) + 1.0 / x, 1e-13));
        for n in 1..4 {
            let polygamma = |x| f64s(at(x).polygamma(n))[0];
            let sign = if n % 2 == 0 { 1.0 } else { -1.0 };
            let factorial: f64 = (1..=n).map(|k| k as f64).product();
            let step = sign * factorial / x.powi(n as i32 + 1);
            let (a, b) = (polygamma(x + 1.0), polygamma(x));
            prop_assert!((a - (b + step)).abs() <= 1e-13 * (b.abs() + step.abs()), "{n}: {a} {b} {step}");
        }
    }

    #[test]
    fn zeta_sums_its_terms(s in 1.1f64..20.0, q in 0.05f64..30.0) {
        let zeta = |q: f64| f64s(floats(&[s]).zeta(&floats(&[q])))[0];
        let (all, rest) = (zeta(q), zeta(q + 1.0));
        prop_assert!((all - (rest + q.powf(-s))).abs() <= 1e-13 * all);
    }

    #[test]
    fn logit_inverts_sigmoid(x in -15.0f64..15.0) {
        let back = f64s(floats(&[x]).sigmoid().unwrap().logit(None))[0];
        // A unit of the last place of a probability near 1 is a long way back.
        prop_assert!((back - x).abs() <= 4.0 * f64::EPSILON * (1.0 + x.abs() + x.exp()), "{x} became {back}");
    }

    #[test]
    fn logaddexp_is_the_logarithm_of_the_sum(a in -300.0f64..300.0, b in -300.0f64..300.0) {
        let (x, y) = (floats(&[a]), floats(&[b]));
        prop_assert!(close(f64s(x.logaddexp(&y))[0], (a.exp() + b.exp()).ln(), 1e-14));
        prop_assert!(close(f64s(x.logaddexp2(&y))[0], (a.exp2() + b.exp2()).log2(), 1e-14));
        prop_assert_eq!(f64s(x.logaddexp(&y)), f64s(y.logaddexp(&x)));
    }

    #[test]
    fn nextafter_goes_one_step_and_back(a in any::<f32>(), up in any::<bool>()) {
        prop_assume!(a.is_finite());
        let end = if up { f32::INFINITY } else { f32::NEG_INFINITY };
        let (x, to) = (Tensor::from_slice(&[a], &[1]).unwrap(), Tensor::from_slice(&[end], &[1]).unwrap());
        let next = x.nextafter(&to).unwrap();
        let expected = if up { a.next_up() } else { a.next_down() };
        prop_assert_eq!(next.to_vec::<f32>().unwrap(), [expected]);
        prop_assert_eq!(next.nextafter(&x).unwrap().to_vec::<f32>().unwrap(), [a]);
    }

    #[test]
    fn ldexp_is_exact_for_whole_exponents(a in any::<f64>(), e in -1000i64..1000) {
        prop_assume!(a.is_finite());
        let there = floats(&[a]).ldexp(&ints(&[e])).unwrap();
        let there = there.to_vec::<f64>().unwrap()[0];
        // Powers of two are exact, and so is a product with one unless it leaves the normal range.
        if there.is_normal() && a.is_normal() {
            let half = |n: i64| 2f64.powi(n as i32);
            let (first, second) = (e / 2, e - e / 2);
            if (a * half(first)).is_normal() {
                prop_assert_eq!(there, a * half(first) * half(second));
            }
        }
    }

    #[test]
    fn shifts_are_products_with_powers_of_two(a in any::<i32>(), n in 0i32..32) {
        let x = Tensor::from_slice(&[a], &[1]).unwrap();
        let left = x.bitwise_left_shift(n).unwrap().to_vec::<i32>().unwrap()[0];
        let right = x.bitwise_right_shift(n).unwrap().to_vec::<i32>().unwrap()[0];
        prop_assert_eq!(left, a.wrapping_shl(n as u32));
        prop_assert_eq!(right, a >> n);
    }

    /// With one rounding, where a product and a sum would have two.
    #[test]
    fn alpha_is_fused(a in -1e3f32..1e3, b in -1e3f32..1e3, alpha in -10.0f32..10.0) {
        let (x, y) = (Tensor::from_slice(&[a], &[1]).unwrap(), Tensor::from_slice(&[b], &[1]).unwrap());
        let sum = x.add_alpha(&y, alpha).unwrap().to_vec::<f32>().unwrap()[0];
        let exact = f64::from(alpha).mul_add(f64::from(b), f64::from(a)) as f32;
        prop_assert_eq!(sum, exact);
        prop_assert_eq!(x.sub_alpha(&y, -alpha).unwrap().to_vec::<f32>().unwrap()[0], exact);
        prop_assert_eq!(y.rsub(&x, -alpha).unwrap().to_vec::<f32>().unwrap()[0], exact);
    }

    #[test]
    fn what_is_close(a in -1e6f64..1e6, d in -1.0f64..1.0) {
        let (x, y) = (floats(&[a]), floats(&[a + d]));
        prop_assert!(x.isclose(&x, 0.0, 0.0, false).unwrap().item().unwrap().to_bool());
        let close = x.allclose(&y, 0.0, 0.5, false).unwrap();
        prop_assert_eq!(close, ((a + d) - a).abs() <= 0.5);
        prop_assert_eq!(x.equal(&y).unwrap(), a == a + d);
    }
}

/// `value` keeps every bit of an i64, which an f64 would not.
#[test]
fn factors_are_exact_integers() {
    let one = ints(&[1]);
    let value = (1i64 << 62) + 1;
    assert_eq!(i64s(ints(&[0]).addcmul(&one, &one, value)), [value]);
    assert_eq!(i64s(one.add_alpha(&one, value)), [value + 1]);
    assert_eq!(i64s(one.addcmul(&one, &one, 2.9)), [3]);
    let target = ints(&[5]);
    target.addcmul_(&one, &one, value).unwrap();
    assert_eq!(i64s(Ok(target)), [value + 5]);
}

#[test]
fn in_place_forms_write_into_views() {
    let x = floats(&[1.0, 2.0, 3.0, 4.0]);
    let odd = x.slice(0, Some(1), None, 2).unwrap();
    odd.add_alpha_(10.0, 2).unwrap();
    assert_eq!(f64s(Ok(x.clone())), [1.0, 22.0, 3.0, 24.0]);
    odd.clamp_(None, 23.0).unwrap();
    odd.div_mode_(4.0, Some(Rounding::Trunc)).unwrap();
    assert_eq!(f64s(Ok(x.clone())), [1.0, 5.0, 3.0, 5.0]);
    odd.lerp_(&floats(&[0.0, 0.0]), 0.5).unwrap();
    odd.masked_fill_(&odd.gt(100.0).unwrap().logical_not().unwrap(), &floats(&[7.5]).squeeze(0).unwrap())
        .unwrap();
    assert_eq!(f64s(Ok(x)), [1.0, 7.5, 3.0, 7.5]);
}

#[test]
fn errors_name_the_form_that_failed() {
    let i = ints(&[1]);
    for (result, op) in [
        (i.add_(1.5), "add_"),
        (i.sqrt_(), "sqrt_"),
        (i.bitwise_and_(&floats(&[1.0])), "bitwise_and_"),
        (i.clamp_(0.5, 1.5), "clamp_"),
        (i.add(&ints(&[1, 2, 3]).narrow(0, 0, 2).unwrap()).and_then(|t| t.add(&ints(&[1, 2, 3]))), "add"),
        (i.logit_(None), "logit_"),
    ] {
        assert_eq!(result.unwrap_err().op(), op);
    }
}

/// The order in which PyTorch looks at dtypes: a cast that cannot be comes before a kernel that is not there.
#[test]
fn kinds_of_refusals() {
    let (i, b, f) = (ints(&[1]), Tensor::from_slice(&[true], &[1]).unwrap(), floats(&[1.0]));
    assert_eq!(kind(i.hypot(&i)), ErrorKind::NotImplemented);
    assert_eq!(kind(i.hypot_(&f)), ErrorKind::DType);
    assert_eq!(kind(f.gcd_(&i)), ErrorKind::NotImplemented);
    assert_eq!(kind(b.sub_(1)), ErrorKind::NotImplemented);
    assert_eq!(kind(b.floor_divide_(2)), ErrorKind::DType);
    assert_eq!(kind(b.remainder_(true)), ErrorKind::NotImplemented);
    assert_eq!(kind(b.square_()), ErrorKind::DType);
    assert_eq!(kind(f.to_dtype(DType::F32).unwrap().float_power_(2)), ErrorKind::DType);
    assert_eq!(kind(f.heaviside(&i)), ErrorKind::DType);
    assert_eq!(kind(f.ldexp(&b)), ErrorKind::NotImplemented);
    assert_eq!(kind(i.pow(-1)), ErrorKind::Value);
    assert_eq!(kind(i.to_dtype(DType::I8).unwrap().pow(200)), ErrorKind::Value);
    assert_eq!(kind(i.addcdiv(&i, &i, 1)), ErrorKind::DType);
    assert_eq!(kind(f.addcdiv(&i, &b, 1)), ErrorKind::DType);
    assert_eq!(kind(f.clamp(None, None)), ErrorKind::Value);
    assert_eq!(kind(i.add_alpha(&i, 2.5)), ErrorKind::Value);
    assert_eq!(kind(f.add_alpha(&f, true)), ErrorKind::Value);
    assert_eq!(kind(f.isclose(&f, -1.0, 0.0, false)), ErrorKind::Value);
    assert_eq!(kind(f.allclose(&i, 0.0, 0.0, false)), ErrorKind::DType);
    assert_eq!(kind(b.positive()), ErrorKind::NotImplemented);
    assert_eq!(kind(f.polygamma(-1)), ErrorKind::Value);
    assert_eq!(kind(i.round_decimals(1)), ErrorKind::NotImplemented);
    assert_eq!(kind(f.masked_fill(&b, &ints(&[1]))), ErrorKind::Shape);
    let step = f.requires_grad_(true).unwrap().heaviside(&floats(&[0.5])).unwrap();
    assert_eq!(kind(step.sum().unwrap().backward()), ErrorKind::Autograd);
}

/// Bools count as PyTorch counts them.
#[test]
fn powers_and_squares_of_bools() {
    let b = Tensor::from_slice(&[true, false], &[2]).unwrap();
    assert_eq!(b.square().unwrap().to_vec::<i64>().unwrap(), [1, 0]);
    assert_eq!(b.pow(true).unwrap().to_vec::<bool>().unwrap(), [true, false]);
    assert_eq!(b.pow(false).unwrap().to_vec::<bool>().unwrap(), [true, true]);
    assert_eq!(b.pow(2).unwrap().dtype(), DType::I64);
    assert_eq!(kind(b.pow(&b)), ErrorKind::NotImplemented);
    assert_eq!(kind(b.rpow(true)), ErrorKind::NotImplemented);
    assert_eq!(b.add_alpha(&b.logical_not().unwrap(), 0).unwrap().to_vec::<bool>().unwrap(), [true, false]);
}

/// The quotient of an operator is taken of one, that of the function is not, as in PyTorch.
#[test]
fn numbers_over_tensors() {
    let x = Tensor::from_slice(&[1.1f32, 2.3, 4.7, 0.9], &[4]).unwrap();
    let by_operator = (3.0 / &x).unwrap().to_vec::<f32>().unwrap();
    let by_function = x.rdiv(3.0).unwrap().to_vec::<f32>().unwrap();
    for ((x, a), b) in x.to_vec::<f32>().unwrap().into_iter().zip(by_operator).zip(by_function) {
        assert_eq!((a, b), (1.0 / x * 3.0, 3.0 / x));
    }
    assert_eq!(i64s(7i64 % &ints(&[4, -4])), [3, -1]);
    assert_eq!(i64s(1i64 << &ints(&[3, 64])), [8, 0]);
    assert_eq!(i64s(&ints(&[6]) & &ints(&[3])), [2]);
    assert_eq!(i64s(!&ints(&[6])), [-7]);
    assert_eq!(i64s(ints(&[2, 3]).rpow(2)), [4, 8]);
}

#[test]
fn second_names_are_the_same_ops() {
    let (x, y) = (floats(&[0.5, -0.25]), floats(&[0.25, 0.5]));
    assert_eq!(f64s(x.absolute()), f64s(x.abs()));
    assert_eq!(f64s(x.arcsin()), f64s(x.asin()));
    assert_eq!(f64s(x.multiply(&y)), f64s(x.mul(&y)));
    assert_eq!(f64s(x.subtract(&y)), f64s(x.sub(&y)));
    assert_eq!(f64s(x.clip(0.0, None)), [0.5, 0.0]);
    assert_eq!(f64s(x.greater_equal(&y)), [1.0, 0.0]);
    let z = x.copy().unwrap();
    z.fix_().unwrap();
    assert_eq!(f64s(Ok(z)), [0.0, 0.0]);
    assert!(x.positive().unwrap().is_same(&x));
}

/// An element's value does not depend on how a number reaches it.
#[test]
fn replaced_numbers() {
    let x = floats(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0]);
    assert_eq!(f64s(x.nan_to_num(None, None, None)), [0.0, f64::MAX, f64::MIN, 0.0]);
    assert_eq!(f64s(x.nan_to_num(Some(1.0), Some(2.0), Some(3.0)))[..3], [1.0, 2.0, 3.0]);
    let mask = x.isfinite().unwrap().logical_not().unwrap();
    assert_eq!(f64s(x.masked_fill(&mask, Scalar::Int(7))), [7.0, 7.0, 7.0, 0.0]);
    let value = floats(&[2.0]).squeeze(0).unwrap().requires_grad_(true).unwrap();
    x.masked_fill(&mask, &value).unwrap().sum().unwrap().backward().unwrap();
    assert_eq!(value.grad().unwrap().item_f64().unwrap(), 3.0);
}

use proptest::prelude::*;
use rusttorch_backend::ops::BinaryOp::{self, *};
use rusttorch_backend::{Backend, Boolean, DType, Element, ErrorKind, bf16, f16};

use crate::Naive;
use crate::testing::{Array, INF, NAN, assert_close, assert_same, kind, result};

fn apply<T: Element>(op: BinaryOp, a: &[T], b: &[T]) -> Vec<T> {
    let (a, b) = (Array::of(a), Array::of(b));
    result(a.shape(), T::DTYPE, |out| Naive.binary(op, a.view(), b.view(), out)).unwrap().to_vec()
}

/// The same in f64 and, for numbers that f32 holds, in f32.
#[track_caller]
fn check(op: BinaryOp, a: &[f64], b: &[f64], expected: &[f64]) {
    assert_same(&apply(op, a, b), expected);
    let narrow = |v: &[f64]| v.iter().map(|&x| x as f32).collect::<Vec<_>>();
    let got: Vec<f64> = apply(op, &narrow(a), &narrow(b)).into_iter().map(f64::from).collect();
    let expected: Vec<f64> = narrow(expected).into_iter().map(f64::from).collect();
    assert_close(&got, &expected, 1e-6);
}

/// What PyTorch 2.15 gives, in f32 and f64 alike.
#[test]
fn float_quotients() {
    let a = [5.0, -5.0, 6.0, -6.0, 0.0, -0.0, 1.0, -0.0, INF, 5.0, -5.0, 5.0, NAN, 7.5, -7.5, 0.0];
    let b = [-INF, INF, -3.0, 3.0, 3.0, 3.0, 0.1, -3.0, 2.0, 0.0, -INF, INF, 2.0, -2.0, 2.0, 0.0];
    // Just below 0.1, as 0.1 lies above the tenth.
    let m = 1.0 % 0.1;
    check(
        Remainder,
        &a,
        &b,
        &[-INF, INF, 0.0, -0.0, 0.0, -0.0, m, -0.0, NAN, NAN, -5.0, 5.0, NAN, -0.5, 0.5, NAN],
    );
    check(
        Fmod,
        &a,
        &b,
        &[5.0, -5.0, 0.0, -0.0, 0.0, -0.0, m, -0.0, NAN, NAN, -5.0, 5.0, NAN, 1.5, -1.5, NAN],
    );
    check(
        FloorDivide,
        &a,
        &b,
        &[-1.0, -1.0, -2.0, -2.0, 0.0, -0.0, 9.0, 0.0, NAN, INF, 0.0, 0.0, NAN, -4.0, -4.0, NAN],
    );
    check(Div, &[1.0, -1.0, 0.0, 1.0], &[-0.0, 0.0, 0.0, INF], &[-INF, -INF, NAN, 0.0]);
}

#[test]
fn extremes_of_floats() {
    let (a, b) = ([NAN, 1.0, -0.0, 0.0, NAN, -INF, 3.0], [1.0, NAN, 0.0, -0.0, NAN, INF, 2.0]);
    check(Maximum, &a, &b, &[NAN, NAN, 0.0, 0.0, NAN, INF, 3.0]);
    check(Minimum, &a, &b, &[NAN, NAN, -0.0, -0.0, NAN, -INF, 2.0]);
    check(Fmax, &a, &b, &[1.0, 1.0, 0.0, 0.0, NAN, INF, 3.0]);
    check(Fmin, &a, &b, &[1.0, 1.0, -0.0, -0.0, NAN, -INF, 2.0]);
}

#[test]
fn powers() {
    let a = [0.0, NAN, 1.0, -8.0, -0.0, -INF, -INF, -1.0, 2.0, 2.0];
    let b = [0.0, 0.0, NAN, 1.0 / 3.0, -1.0, 3.0, 0.5, INF, -INF, 10.0];
    check(Pow, &a, &b, &[1.0, 1.0, 1.0, NAN, -INF, -INF, INF, 1.0, 0.0, 1024.0]);
    assert_eq!(apply(Pow, &[1i64, -1, 2, 0, -1, 0], &[-1, -1, -1, -1, -2, 0]), [1, -1, 0, 0, 1, 1]);
    assert_eq!(apply(Pow, &[2i64, 3, 2, -1], &[62, 63, 64, i64::MIN]), [1 << 62, -3237885987332494933, 0, 1]);
    assert_eq!(apply(Pow, &[3u8, 2], &[5, 200]), [243, 0]);
    assert_eq!(apply(Pow, &[2i64], &[i64::MAX]), [0]);
}

#[test]
fn integer_quotients_round_down() {
    assert_eq!(apply(FloorDivide, &[-7i32, 7, -7, 6], &[2, -2, -2, 3]), [-4, -4, 3, 2]);
    assert_eq!(apply(Remainder, &[-7i32, 7, -6], &[2, -2, 3]), [1, -1, 0]);
    assert_eq!(apply(Fmod, &[-7i32, 7], &[2, -2]), [-1, 1]);
    assert_eq!(apply(FloorDivide, &[200u8], &[7]), [28]);
    assert_eq!(apply(Remainder, &[200u8], &[7]), [4]);
}

#[test]
fn the_most_negative_integer_by_minus_one_wraps() {
    macro_rules! check {
        ($($t:ty),*) => { $(
            // At several lengths: no trap, whatever the loop is compiled to.
            for n in [1, 3, 64] {
                let (a, b) = (vec![<$t>::MIN; n], vec![-1; n]);
                assert_eq!(apply(FloorDivide, &a, &b), vec![<$t>::MIN; n]);
                assert_eq!(apply(Remainder, &a, &b), vec![0; n]);
                assert_eq!(apply(Fmod, &a, &b), vec![0; n]);
            }
        )* };
    }
    check!(i8, i16, i32, i64);
}

#[test]
fn integers_wrap() {
    assert_eq!(apply(Add, &[i32::MAX], &[1]), [i32::MIN]);
    assert_eq!(apply(Sub, &[1u8], &[2]), [255]);
    assert_eq!(apply(Add, &[i64::MAX], &[1]), [i64::MIN]);
    assert_eq!(apply(Mul, &[i64::MAX], &[2]), [-2]);
    assert_eq!(apply(Sub, &[i64::MIN], &[1]), [i64::MAX]);
    assert_eq!(apply(Maximum, &[i64::MIN], &[i64::MIN + 1]), [i64::MIN + 1]);
    assert_eq!(apply(BitwiseXor, &[0xF0u8], &[0xFF]), [0x0F]);
    assert_eq!(apply(BitwiseAnd, &[-4i16], &[7]), [4]);
    assert_eq!(apply(BitwiseOr, &[-4i16], &[1]), [-3]);
}

#[test]
fn bools_are_logic() {
    let (a, b) =
        ([false, false, true, true].map(Boolean::from), [false, true, false, true].map(Boolean::from));
    for op in [Add, Maximum, Fmax, BitwiseOr, Heaviside] {
        assert_eq!(apply(op, &a, &b), [false, true, true, true].map(Boolean::from));
    }
    for op in [Mul, Minimum, Fmin, BitwiseAnd] {
        assert_eq!(apply(op, &a, &b), [false, false, false, true].map(Boolean::from));
    }
    assert_eq!(apply(BitwiseXor, &a, &b), [false, true, true, false].map(Boolean::from));
}

/// The quotient is rounded before its fraction is cut off, as in PyTorch; floor_divide is exact.
#[test]
fn truncated_quotients() {
    let (a, b) = ([1.0, -7.0, 7.0, 0.5, -0.5, 1.0, 0.0, INF], [0.1, 2.0, -2.0, 1.0, 1.0, 0.0, 0.0, 2.0]);
    check(TruncDivide, &a, &b, &[10.0, -3.0, -3.0, 0.0, -0.0, INF, NAN, INF]);
    assert_eq!(apply(TruncDivide, &[-7i32, 7, -7, i32::MIN], &[2, -2, -2, -1]), [-3, -3, 3, i32::MIN]);
    assert_eq!(apply(TruncDivide, &[200u8], &[7]), [28]);
}

#[test]
fn signs_lengths_and_steps() {
    check(
        Copysign,
        &[1.0, -1.0, NAN, 0.0, INF],
        &[-0.0, 2.0, 1.0, -INF, -1.0],
        &[-1.0, 1.0, NAN, -0.0, -INF],
    );
    check(Hypot, &[3.0, INF, NAN, -0.0], &[-4.0, NAN, 1.0, -0.0], &[5.0, INF, NAN, 0.0]);
    assert_eq!(apply(Hypot, &[3e300], &[4e300]), [5e300]);
    check(Heaviside, &[-1.0, 0.0, -0.0, 2.0, NAN], &[5.0, 5.0, NAN, 5.0, 5.0], &[0.0, 5.0, NAN, 1.0, 0.0]);
    assert_eq!(apply(Heaviside, &[-3i32, 0, 7], &[5, 5, 5]), [0, 5, 1]);
}

#[test]
fn nextafter_steps_in_its_own_dtype() {
    let edges = apply(Nextafter, &[1.0f64, 0.0, f64::MAX, INF, -1.0], &[2.0, -1.0, INF, 0.0, -1.0]);
    assert_same(&edges, &[1.0 + f64::EPSILON, -f64::from_bits(1), INF, f64::MAX, -1.0]);
    let narrow = apply(Nextafter, &[1.0f32, -1.0, 0.0, 1.0], &[2.0, 0.0, 1.0, f32::NAN]);
    assert_eq!(narrow[..3], [1.0 + f32::EPSILON, -1.0 + f32::EPSILON / 2.0, f32::from_bits(1)]);
    assert!(narrow[3].is_nan());
    let one = f16::ONE;
    assert_eq!(
        apply(Nextafter, &[one, f16::ZERO], &[f16::ZERO, -one]),
        [f16::from_bits(0x3BFF), f16::from_bits(0x8001)]
    );
    assert_eq!(apply(Nextafter, &[bf16::ONE], &[bf16::INFINITY]), [bf16::from_bits(0x3F81)]);
    // Equal numbers: the second, with its sign.
    assert_same(&apply(Nextafter, &[0.0, -0.0], &[-0.0, 0.0]), &[-0.0, 0.0]);
}

/// PyTorch's answers, for the most negative number too.
#[test]
fn common_divisors_and_multiples() {
    assert_eq!(apply(Gcd, &[12i32, -12, 0, 0, 7], &[18, 18, 5, 0, -7]), [6, 6, 5, 0, 7]);
    assert_eq!(apply(Gcd, &[-128i8, -128, -128], &[0, 2, 18]), [-128, 2, -2]);
    assert_eq!(apply(Gcd, &[i64::MIN, i64::MIN], &[-1, i64::MIN]), [1, i64::MIN]);
    assert_eq!(apply(Lcm, &[12i32, -4, 0], &[18, 6, 5]), [36, 12, 0]);
    assert_eq!(apply(Lcm, &[-127i8, 12], &[2, 126]), [-2, -4]);
    assert_eq!(apply(Lcm, &[i32::MAX, i32::MAX - 1], &[2, 12]), [2, 4]);
    assert_eq!(apply(Lcm, &[12u8], &[254]), [244]);
    assert_eq!(apply(Lcm, &[i32::MIN], &[i32::MIN + 1]), [i32::MIN]);
}

#[test]
fn shifts_out_of_range() {
    assert_eq!(apply(BitwiseLeftShift, &[1i8, 3, 1, 1, -1], &[7, 7, 8, -1, 1]), [-128, -128, 0, 0, -2]);
    assert_eq!(apply(BitwiseRightShift, &[-128i8, 127, -1, -5, 5], &[7, 7, 100, -1, -1]), [-1, 0, -1, -1, 0]);
    assert_eq!(apply(BitwiseLeftShift, &[1i64, 1, i64::MAX], &[63, 64, 1]), [i64::MIN, 0, -2]);
    assert_eq!(apply(BitwiseRightShift, &[i64::MIN, i64::MAX], &[63, 64]), [-1, 0]);
    assert_eq!(apply(BitwiseRightShift, &[255u8, 255], &[7, 8]), [1, 0]);
}

#[test]
fn signed_zeros_and_angles() {
    use std::f64::consts::PI;
    check(Add, &[-0.0, -0.0], &[0.0, -0.0], &[0.0, -0.0]);
    check(Atan2, &[0.0, -0.0, 0.0, -0.0, 1.0], &[-0.0, -0.0, 0.0, 0.0, 0.0], &[PI, -PI, 0.0, -0.0, PI / 2.0]);
}

#[test]
fn halves_are_rounded_as_by_f32() {
    let (a, b) = (f16::from_f32(0.1), f16::from_f32(7.0));
    assert_eq!(apply(Div, &[a], &[b]), [f16::from_f32(a.to_f32() / b.to_f32())]);
    let (a, b) = (bf16::from_f32(1.0), bf16::from_f32(1.0 / 256.0));
    assert_eq!(apply(Add, &[a], &[b]), [bf16::from_f32(a.to_f32() + b.to_f32())]);
}

#[test]
fn errors() {
    let (a, zero) = (Array::of(&[1i32, 2]), Array::of(&[1i32, 0]));
    for op in [FloorDivide, TruncDivide, Remainder, Fmod] {
        let mut out = Array::of(&[5i32, 6]);
        let error = Naive.binary(op, a.view(), zero.view(), out.out()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ZeroDivision);
        assert_eq!(error.op(), op.name());
        assert_eq!(kind(Naive.binary_assign(op, out.out(), zero.view())), ErrorKind::ZeroDivision);
        assert_eq!(out.to_vec::<i32>(), [5, 6], "nothing is written");
    }
    let mut out = Array::of(&[0i32, 0]);
    assert_eq!(kind(Naive.binary(Div, a.view(), a.view(), out.out())), ErrorKind::DType);
    assert_eq!(kind(Naive.binary_assign(Atan2, out.out(), a.view())), ErrorKind::DType);
    let float = Array::of(&[1f32, 2.0]);
    assert_eq!(kind(Naive.binary(Add, a.view(), float.view(), out.out())), ErrorKind::DType);
    assert_eq!(kind(Naive.binary(Add, float.view(), float.view(), out.out())), ErrorKind::DType);
    let mut out = Array::garbage(&[2], DType::Bool);
    let bools = Array::cast(&[2], &[1.0, 0.0], DType::Bool);
    assert_eq!(kind(Naive.binary(Sub, bools.view(), bools.view(), out.out())), ErrorKind::DType);
    assert_eq!(kind(Naive.binary(Pow, bools.view(), bools.view(), out.out())), ErrorKind::DType);
}

proptest! {
    /// Rounding the f64 result once gives what f32 arithmetic gives.
    #[test]
    fn f32_is_rounded_as_in_f32(a in any::<f32>(), b in any::<f32>()) {
        let one = |op| apply(op, &[a], &[b])[0];
        let same = |a: f32, b: f32| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        prop_assert!(same(one(Add), a + b));
        prop_assert!(same(one(Sub), a - b));
        prop_assert!(same(one(Mul), a * b));
        prop_assert!(same(one(Div), a / b));
        prop_assert!(same(one(Fmod), a % b));
    }

    #[test]
    fn a_quotient_and_its_remainder_make_the_dividend(a in any::<i64>(), b in any::<i64>()) {
        prop_assume!(b != 0);
        let (q, r) = (apply(FloorDivide, &[a], &[b])[0], apply(Remainder, &[a], &[b])[0]);
        prop_assert_eq!(q.wrapping_mul(b).wrapping_add(r), a);
        prop_assert!(r == 0 || (r < 0) == (b < 0));
        prop_assert!(r.unsigned_abs() < b.unsigned_abs());
    }

    #[test]
    fn floor_divide_is_the_floor_of_the_exact_quotient(a in -1_000_000i32..1_000_000, b in -5000i32..5000) {
        prop_assume!(b != 0);
        let expected = a.div_euclid(b) - i32::from(b < 0 && a.rem_euclid(b) != 0);
        // Sixteenths, so that dividends and divisors are not whole.
        let (x, y) = (f64::from(a) / 16.0, f64::from(b) / 16.0);
        prop_assert_eq!(apply(FloorDivide, &[x], &[y])[0], f64::from(expected));
        prop_assert_eq!(apply(FloorDivide, &[a], &[b])[0], expected);
    }

    #[test]
    fn narrow_integers_wrap_as_rust_has_it(a in any::<i8>(), b in any::<i8>(), n in 0i8..100) {
        prop_assert_eq!(apply(Add, &[a], &[b])[0], a.wrapping_add(b));
        prop_assert_eq!(apply(Mul, &[a], &[b])[0], a.wrapping_mul(b));
        prop_assert_eq!(apply(Pow, &[a], &[n])[0], a.wrapping_pow(n as u32));
    }
}

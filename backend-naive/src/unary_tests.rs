use proptest::prelude::*;
use rusttorch_backend::ops::UnaryOp;
use rusttorch_backend::{Backend, DType, ErrorKind, f16};

use crate::Naive;
use crate::testing::{Array, INF, NAN, assert_close, assert_same, kind, result};

fn apply(op: UnaryOp, x: &Array) -> Array {
    result(x.shape(), op.rule().result(x.view().dtype()), |out| Naive.unary(op, x.view(), out)).unwrap()
}

fn floats(op: UnaryOp, x: &[f64]) -> Vec<f64> {
    let f64s = apply(op, &Array::of(x)).floats();
    // What is exact in both must be the same in f32.
    let narrow: Vec<f32> = x.iter().map(|&x| x as f32).collect();
    let f32s = apply(op, &Array::of(&narrow)).floats();
    assert_eq!(f64s.len(), f32s.len());
    f64s
}

#[test]
fn nan_stays_nan_but_for_sign() {
    for &op in UnaryOp::ALL {
        if op.rule().computes().contains(DType::F32) && op.rule().result(DType::F32) == DType::F32 {
            let y = floats(op, &[NAN])[0];
            assert!(y.is_nan() || op == UnaryOp::Sign, "{} gave {y}", op.name());
        }
    }
    assert_same(&floats(UnaryOp::Sign, &[NAN, -0.0, 0.0, -2.0, INF]), &[0.0, 0.0, 0.0, -1.0, 1.0]);
}

#[test]
fn signs_of_zero_are_kept() {
    use UnaryOp::*;
    for op in [
        Ceil, Floor, Round, Trunc, Sqrt, Tanh, Sin, Tan, Asin, Atan, Sinh, Asinh, Atanh, Expm1, Log1p, Erf,
        Erfinv,
    ] {
        assert_same(&floats(op, &[-0.0, 0.0]), &[-0.0, 0.0]);
    }
    assert_same(&floats(Round, &[-0.4]), &[-0.0]);
    assert_same(&floats(Rsqrt, &[-0.0, 0.0, -1.0]), &[-INF, INF, NAN]);
    assert_same(&floats(Reciprocal, &[-0.0, 0.0, INF]), &[-INF, INF, 0.0]);
    assert_same(&floats(Neg, &[0.0]), &[-0.0]);
    assert_same(&floats(Abs, &[-0.0]), &[0.0]);
    assert_eq!(floats(Relu, &[-0.0, -1.0]), [0.0, 0.0]);
    assert_same(&floats(Frac, &[-1.5, INF, -0.0]), &[-0.5, NAN, 0.0]);
}

#[test]
fn halves_round_to_even() {
    assert_same(&floats(UnaryOp::Round, &[0.5, 1.5, 2.5, -0.5]), &[0.0, 2.0, 2.0, -0.0]);
}

#[test]
fn limits_are_exact() {
    use UnaryOp::*;
    let x = Array::of(&[88.8f32, -104.0, 1e-40]);
    assert_eq!(apply(Exp, &x).to_vec::<f32>(), [f32::INFINITY, 0.0, 1.0]);
    assert_eq!(apply(Neg, &x).to_vec::<f32>()[2], -1e-40);
    assert_same(&floats(Log, &[0.0, -0.0, -1.0, 1.0]), &[-INF, -INF, NAN, 0.0]);
    assert_same(&floats(Log2, &[0.0, 8.0]), &[-INF, 3.0]);
    assert_same(&floats(Log10, &[0.0, 1000.0]), &[-INF, 3.0]);
    assert_same(&floats(Log1p, &[-1.0, -2.0]), &[-INF, NAN]);
    assert_same(&floats(Sigmoid, &[1000.0, -1000.0, 0.0]), &[1.0, 0.0, 0.5]);
    assert_close(&floats(Sigmoid, &[-720.0]), &[2.032_230_802_424_6e-313], 1e-9);
    assert_same(&floats(Acosh, &[-5.0, -1e30, 0.5, -1.0, 1.0]), &[NAN, NAN, NAN, NAN, 0.0]);
    assert_same(&floats(Atanh, &[1.0, -1.0, 1.5]), &[INF, -INF, NAN]);
    assert_same(&floats(Asin, &[1.5]), &[NAN]);
    assert_same(&floats(Sin, &[INF]), &[NAN]);
    assert_same(&floats(Erfc, &[-INF, INF]), &[2.0, 0.0]);
}

#[test]
fn integers_wrap_and_stay_integers() {
    use UnaryOp::*;
    let x = Array::of(&[i64::MIN, -3, 0, 5]);
    assert_eq!(apply(Abs, &x).to_vec::<i64>(), [i64::MIN, 3, 0, 5]);
    assert_eq!(apply(Neg, &x).to_vec::<i64>(), [i64::MIN, 3, 0, -5]);
    assert_eq!(apply(Square, &x).to_vec::<i64>(), [0, 9, 0, 25]);
    assert_eq!(apply(Sign, &x).to_vec::<i64>(), [-1, -1, 0, 1]);
    assert_eq!(apply(Relu, &x).to_vec::<i64>(), [0, 0, 0, 5]);
    assert_eq!(apply(BitwiseNot, &x).to_vec::<i64>(), [i64::MAX, 2, -1, -6]);
    for op in [Ceil, Floor, Round, Trunc] {
        assert_eq!(apply(op, &x).to_vec::<i64>(), [i64::MIN, -3, 0, 5]);
    }
    assert_eq!(apply(Neg, &Array::of(&[-128i8])).to_vec::<i8>(), [-128]);
    assert_eq!(apply(Abs, &Array::of(&[i32::MIN])).to_vec::<i32>(), [i32::MIN]);
    assert_eq!(apply(Neg, &Array::of(&[1u8])).to_vec::<u8>(), [255]);
    assert_eq!(apply(BitwiseNot, &Array::of(&[5u8])).to_vec::<u8>(), [250]);
    assert_eq!(apply(Square, &Array::of(&[20u8])).to_vec::<u8>(), [144]);
}

#[test]
fn predicates() {
    use UnaryOp::*;
    let x = Array::of(&[NAN, -INF, 0.0, -0.0, 2.0]);
    assert_eq!(apply(Isnan, &x).floats(), [1.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(apply(Isinf, &x).floats(), [0.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(apply(Isfinite, &x).floats(), [0.0, 0.0, 1.0, 1.0, 1.0]);
    assert_eq!(apply(LogicalNot, &x).floats(), [0.0, 0.0, 1.0, 1.0, 0.0]);
    assert_eq!(apply(Isneginf, &x).floats(), [0.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(apply(Isposinf, &x).floats(), [0.0; 5]);
    assert_eq!(apply(Signbit, &x).floats(), [0.0, 1.0, 0.0, 1.0, 0.0]);
    assert_eq!(apply(Signbit, &Array::of(&[-1i8, 0, 1])).floats(), [1.0, 0.0, 0.0]);
    let x = Array::of(&[i64::MIN, i64::MAX, 0]);
    assert_eq!(apply(Isfinite, &x).floats(), [1.0, 1.0, 1.0]);
    assert_eq!(apply(LogicalNot, &x).floats(), [0.0, 0.0, 1.0]);
    let x = Array::cast(&[2], &[0.0, 1.0], DType::Bool);
    assert_eq!(apply(LogicalNot, &x).floats(), [1.0, 0.0]);
    assert_eq!(apply(BitwiseNot, &x).floats(), [1.0, 0.0]);
    assert_eq!(apply(Sign, &x).floats(), [0.0, 1.0]);
    assert_eq!(apply(Isfinite, &x).floats(), [1.0, 1.0]);
}

/// Against the platform's functions, so that no two rows of the table are mixed up.
#[test]
fn functions_agree_with_std() {
    use UnaryOp::*;
    type Function = fn(f64) -> f64;
    let pairs: [(UnaryOp, Function); 29] = [
        (Abs, f64::abs),
        (Ceil, f64::ceil),
        (Floor, f64::floor),
        (Trunc, f64::trunc),
        (Frac, f64::fract),
        (Sqrt, f64::sqrt),
        (Rsqrt, |x| x.sqrt().recip()),
        (Square, |x| x.powi(2)),
        (Reciprocal, f64::recip),
        (Exp, f64::exp),
        (Exp2, f64::exp2),
        (Expm1, f64::exp_m1),
        (Log, f64::ln),
        (Log2, f64::log2),
        (Log10, f64::log10),
        (Log1p, f64::ln_1p),
        (Sin, f64::sin),
        (Cos, f64::cos),
        (Tan, f64::tan),
        (Asin, f64::asin),
        (Acos, f64::acos),
        (Atan, f64::atan),
        (Sinh, f64::sinh),
        (Cosh, f64::cosh),
        (Tanh, f64::tanh),
        (Asinh, f64::asinh),
        (Acosh, f64::acosh),
        (Atanh, f64::atanh),
        (Sigmoid, |x| (1.0 + (-x).exp()).recip()),
    ];
    let x: Vec<f64> = (-60..60).map(|i| 0.137 * f64::from(i)).collect();
    for (op, f) in pairs {
        let expected: Vec<f64> = x.iter().map(|&x| f(x)).collect();
        assert_close(&apply(op, &Array::of(&x)).floats(), &expected, 1e-13);
    }
    // scipy.special.erf and erfc.
    assert_close(&floats(Erf, &[0.5, -2.0]), &[0.520_499_877_813_046_5, -0.995_322_265_018_952_7], 1e-15);
    assert_close(&floats(Erfc, &[0.5, 10.0]), &[0.479_500_122_186_953_5, 2.088_487_583_762_545e-45], 1e-14);
}

#[test]
fn halves_are_rounded_once_through_f32() {
    let x = Array::of(&[f16::from_f32(0.1), f16::from_f32(60000.0)]);
    let y = apply(UnaryOp::Square, &x).to_vec::<f16>();
    let expected = f16::from_f32(f16::from_f32(0.1).to_f32().powi(2));
    assert_eq!(y, [expected, f16::INFINITY]);
}

#[test]
fn a_dtype_without_a_formula_is_refused() {
    let x = Array::of(&[1i32]);
    let mut out = Array::of(&[0i32]);
    assert_eq!(kind(Naive.unary(UnaryOp::Exp, x.view(), out.out())), ErrorKind::DType);
    assert_eq!(kind(Naive.unary_assign(UnaryOp::Frac, out.out())), ErrorKind::DType);
    assert_eq!(kind(Naive.unary_assign(UnaryOp::Isnan, out.out())), ErrorKind::DType);
    let mut out = Array::of(&[1.0f32]);
    assert_eq!(kind(Naive.unary(UnaryOp::Abs, x.view(), out.out())), ErrorKind::DType);
    assert_eq!(kind(Naive.unary_assign(UnaryOp::BitwiseNot, out.out())), ErrorKind::DType);
    let mut out = Array::cast(&[1], &[1.0], DType::Bool);
    assert_eq!(kind(Naive.unary_assign(UnaryOp::Neg, out.out())), ErrorKind::DType);
    Naive.unary_assign(UnaryOp::LogicalNot, out.out()).unwrap();
    assert_eq!(out.floats(), [0.0]);
}

proptest! {
    /// Rounding the f64 result once gives what f32 arithmetic gives.
    #[test]
    fn f32_is_rounded_as_in_f32(x in any::<f32>()) {
        let one = |op| apply(op, &Array::of(&[x])).to_vec::<f32>()[0];
        let same = |a: f32, b: f32| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        prop_assert!(same(one(UnaryOp::Sqrt), x.sqrt()));
        prop_assert!(same(one(UnaryOp::Reciprocal), 1.0 / x));
        prop_assert!(same(one(UnaryOp::Square), x * x));
        prop_assert!(same(one(UnaryOp::Round), x.round_ties_even()));
        prop_assert!(same(one(UnaryOp::Frac), x - x.trunc()));
    }
}

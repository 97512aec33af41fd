//! Through the backend, so that what is tested is what is compiled: errors in units of the last place, special values,
//! and the same bits on every level. All f32 numbers are looked at by `make accuracy`.

use rusttorch_backend::ops::{Activation, BinaryOp, UnaryOp};
use rusttorch_backend::{Backend, Element};
use rusttorch_backend_naive::Naive;

use crate::testing::{Array, Numbers, result, rounded};
use crate::{Level, Simd};

/// A function, and how many units of the last place it may be off in f32 and f64.
#[derive(Clone, Copy)]
enum Op {
    Unary(UnaryOp),
    Activation(Activation),
    Binary(BinaryOp),
}

const FUNCTIONS: &[(Op, f64, f64)] = {
    use Op::{Activation as A, Binary as B, Unary as U};
    &[
        (U(UnaryOp::Exp), 0.9, 1.0),
        (U(UnaryOp::Exp2), 0.9, 1.0),
        (U(UnaryOp::Expm1), 1.4, 1.6),
        (U(UnaryOp::Log), 0.9, 0.9),
        (U(UnaryOp::Log2), 1.1, 1.1),
        (U(UnaryOp::Log10), 1.1, 1.1),
        (U(UnaryOp::Log1p), 0.9, 0.9),
        (U(UnaryOp::Sin), 1.6, 1.5),
        (U(UnaryOp::Cos), 1.6, 1.5),
        (U(UnaryOp::Tan), 2.0, 2.0),
        (U(UnaryOp::Asin), 1.5, 1.5),
        (U(UnaryOp::Acos), 1.3, 1.3),
        (U(UnaryOp::Atan), 1.6, 1.8),
        (U(UnaryOp::Sinh), 1.1, 1.1),
        (U(UnaryOp::Cosh), 1.1, 1.1),
        (U(UnaryOp::Tanh), 1.3, 1.3),
        (U(UnaryOp::Asinh), 1.3, 1.3),
        (U(UnaryOp::Acosh), 1.9, 1.6),
        (U(UnaryOp::Atanh), 1.1, 1.1),
        (U(UnaryOp::Erf), 1.1, 1.2),
        (U(UnaryOp::Erfc), 2.0, 2.0),
        (U(UnaryOp::Erfinv), 1.9, 1.7),
        (U(UnaryOp::Lgamma), 0.6, 3.0),
        (U(UnaryOp::Digamma), 0.6, 3.0),
        (U(UnaryOp::Sinc), 0.6, 2.5),
        (U(UnaryOp::Sigmoid), 2.0, 2.0),
        (A(Activation::Silu), 2.0, 2.0),
        (A(Activation::Mish), 2.7, 2.4),
        (A(Activation::Gelu), 2.0, 2.2),
        (A(Activation::GeluTanh), 2.0, 2.0),
        (A(Activation::Softplus { beta: 1.0, threshold: 1000.0 }), 2.2, 2.0),
        (A(Activation::LogSigmoid), 2.2, 2.0),
        (B(BinaryOp::Pow), 1.3, 1.3),
        (B(BinaryOp::Atan2), 1.7, 1.7),
        (B(BinaryOp::Hypot), 1.1, 1.1),
        (B(BinaryOp::Xlogy), 1.9, 1.9),
    ]
};

impl Op {
    fn name(self) -> &'static str {
        match self {
            Op::Unary(op) => op.name(),
            Op::Activation(op) => op.name(),
            Op::Binary(op) => op.name(),
        }
    }

    fn on<T: Element>(self, backend: &dyn Backend, a: &[T], b: &[T]) -> Vec<T> {
        let (x, y) = (Array::of(a), Array::of(b));
        let out = result::<T>(&[a.len()], |out| match self {
            Op::Unary(op) => backend.unary(op, x.view(), out),
            Op::Activation(op) => backend.activation(op, x.view(), out),
            Op::Binary(op) => backend.binary(op, x.view(), y.view(), out),
        });
        out.values()
    }
}

/// The number of units in the last place between a value, `digits` long, and an exact one plus `more` units.
fn ulp(found: f64, exact: f64, more: f64, digits: i32, least: i32) -> f64 {
    if found.to_bits() == exact.to_bits() || (found.is_nan() && exact.is_nan()) {
        return more.abs();
    }
    if !found.is_finite() || !exact.is_finite() {
        return f64::INFINITY;
    }
    let exponent = ((exact.abs().to_bits() >> 52) as i32 - 1023).max(least);
    // In two steps, as the unit may be subnormal.
    let distance =
        (found - exact) * 2f64.powi(60) / (2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2));
    (distance * 2f64.powi(digits - 61) - more).abs()
}

const SPECIAL: &[f64] = &[
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    -2.0,
    3.0,
    -3.0,
    1e-45,
    -1e-45,
    1e-40,
    -1e-40,
    1.2e-38,
    -1.2e-38,
    1e-30,
    -1e-30,
    16_777_215.0,
    -16_777_215.0,
    16_777_216.0,
    -16_777_216.0,
    88.7,
    -88.7,
    88.8,
    -103.9,
    -104.1,
    89.4,
    -89.5,
    1e5,
    -1e5,
    100_001.0,
    -100_001.0,
    1e10,
    -1e10,
    3e38,
    -3e38,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

/// Every pair of special values, for an op of one operand the first of each.
fn specials<T: Element>() -> (Vec<T>, Vec<T>) {
    let values: Vec<T> = rounded(SPECIAL);
    values.iter().flat_map(|&a| values.iter().map(move |&b| (a, b))).unzip()
}

/// Numbers of all sizes, of moderate ones, and for a second operand more of these.
fn operands(n: usize) -> (Vec<f32>, Vec<f32>) {
    let mut numbers = Numbers::new(7);
    let mut draw = |i: usize| match i % 4 {
        0 => f32::from_bits(numbers.whole(1 << 32) as u32),
        1 => numbers.many(1, -2.0, 2.0)[0] as f32,
        2 => numbers.many(1, -12.0, 12.0)[0] as f32,
        _ => numbers.many(1, -110.0, 110.0)[0] as f32,
    };
    (0..n).map(|i| (draw(i), draw(i / 4))).unzip()
}

#[test]
fn f32_is_within_its_bound() {
    let (mut a, mut b) = operands(20_000);
    let (x, y) = specials::<f32>();
    a.extend(x);
    b.extend(y);
    let wide = |x: &[f32]| -> Vec<f64> { x.iter().map(|&v| f64::from(v)).collect() };
    for &(op, bound, _) in FUNCTIONS {
        let found = op.on(&Simd::new(), &a, &b);
        let exact = op.on(&Naive::new(), &wide(&a), &wide(&b));
        for (i, (&found, &exact)) in found.iter().zip(&exact).enumerate() {
            let overflows = exact.abs() > f64::from(f32::MAX) && found == exact as f32;
            // A difference of f64 that f32 rounds away, to a zero of which the sign is free.
            let vanishes = found == 0.0 && exact.abs() < 7e-46;
            let mut error = ulp(f64::from(found), exact, 0.0, 24, -126);
            if matches!(op, Op::Activation(Activation::Gelu)) && a[i] < -0.75 && exact.is_finite() {
                // Where it is small beside x: in ulp of x, and not off by much itself.
                let distance = (f64::from(found) - exact).abs();
                assert!(distance <= 2e-3 * exact.abs() + 1e-44, "gelu of {}: {found}, exact {exact}", a[i]);
                error = distance / f64::from(a[i].abs() * f32::EPSILON);
            }
            assert!(
                error <= bound || overflows || vanishes || (found == 0.0 && exact == 0.0),
                "{} of {:e} ({:e}): {found:e}, exact {exact:e}, {error} ulp",
                op.name(),
                a[i],
                b[i]
            );
        }
    }
}

#[test]
fn f64_is_within_its_bound_on_recorded_values() {
    let mut seen = 0;
    for &(op, _, bound) in FUNCTIONS {
        for line in include_str!("points.txt").lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let [name, numbers @ .., more] = &words[..] else { panic!("{line}") };
            if *name != op.name() {
                continue;
            }
            let numbers: Vec<f64> =
                numbers.iter().map(|w| f64::from_bits(u64::from_str_radix(w, 16).unwrap())).collect();
            let (exact, operands) = numbers.split_last().unwrap();
            let found = op.on(&Simd::new(), &operands[..1], &operands[operands.len() - 1..])[0];
            let error = ulp(found, *exact, more.parse().unwrap(), 53, -1022);
            assert!(error <= bound, "{name} of {operands:?}: {found:e}, exact {exact:e}, {error} ulp");
            seen += 1;
        }
    }
    assert!(seen > 2100, "{seen}");
}

/// NaN, infinities, and zeros with their sign are what the reference gives.
#[test]
fn special_values_are_those_of_the_reference() {
    fn check<T: Element>() {
        let (a, b) = specials::<T>();
        for &(op, ..) in FUNCTIONS {
            let found = op.on(&Simd::new(), &a, &b);
            let expected = op.on(&Naive::new(), &a, &b);
            for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let (x, y) = (found.to_scalar().to_f64(), expected.to_scalar().to_f64());
                let of = (a[i].to_scalar().to_f64(), b[i].to_scalar().to_f64());
                assert_eq!(x.is_nan(), y.is_nan(), "{} of {of:?}", op.name());
                let special = y.is_infinite() || x.is_infinite();
                assert!(!special || x == y, "{} of {of:?}: {x}, not {y}", op.name());
                // The sign of log(sigmoid(x)) that vanishes is free.
                let zeros = x == 0.0 && y == 0.0 && !matches!(op, Op::Activation(Activation::LogSigmoid));
                assert!(!zeros || x.to_bits() == y.to_bits(), "{} of {of:?}: {x}, not {y}", op.name());
            }
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn every_level_gives_the_same_bits() {
    fn check<T: Element>(a: &[T], b: &[T]) {
        for &(op, ..) in FUNCTIONS {
            let bits = |level: &Level| -> Vec<u64> {
                let values = op.on(&Simd::at(*level), a, b);
                let bits = |v: &T| {
                    let v = v.to_scalar().to_f64();
                    if v.is_nan() { u64::MAX } else { v.to_bits() }
                };
                values.iter().map(bits).collect()
            };
            let levels = Level::all();
            let expected = bits(&levels[0]);
            for level in &levels[1..] {
                assert!(bits(level) == expected, "{} {level}", op.name());
            }
        }
    }
    let (a, b) = operands(10_000);
    check(&a, &b);
    let (a, b) = specials::<f32>();
    check(&a, &b);
    let mut numbers = Numbers::new(11);
    let (a, b) = (numbers.many(10_000, -30.0, 30.0), numbers.many(10_000, -30.0, 30.0));
    check(&a, &b);
    let (a, b) = specials::<f64>();
    check(&a, &b);
}

/// Against the reference, with nothing to cancel: of a zero and a small number the smaller one is the result.
#[test]
fn logaddexp2_of_zero_is_exact_to_the_smaller_operand() {
    let smaller: Vec<f64> = (1..2000).map(|i| -f64::from(i) * 0.4873).collect();
    let zeros = vec![0.0; smaller.len()];
    let op = Op::Binary(BinaryOp::Logaddexp2);
    let (found, exact) = (op.on(&Simd::new(), &zeros, &smaller), op.on(&Naive::new(), &zeros, &smaller));
    for (i, (&found, &exact)) in found.iter().zip(&exact).enumerate() {
        assert!(ulp(found, exact, 0.0, 53, -1022) <= 4.0, "{}: {found:e}, exact {exact:e}", smaller[i]);
    }
    let smaller: Vec<f32> = smaller[..240].iter().map(|&v| v as f32).collect();
    let found = op.on(&Simd::new(), &vec![0f32; smaller.len()], &smaller);
    for (&x, &found) in smaller.iter().zip(&found) {
        let exact = (f64::from(x).exp2()).ln_1p() / std::f64::consts::LN_2;
        assert!(ulp(f64::from(found), exact, 0.0, 24, -126) <= 4.0, "{x}: {found:e}, exact {exact:e}");
    }
    let found =
        op.on(&Simd::new(), &[1.0, f64::INFINITY, 2.0], &[f64::NEG_INFINITY, f64::INFINITY, f64::INFINITY]);
    assert_eq!(found, [1.0, f64::INFINITY, f64::INFINITY]);
}

#[test]
fn powers_by_short_exponents_do_not_depend_on_their_neighbours() {
    let (a, _) = operands(4096);
    for exponent in [-1.0f32, 0.5, 1.0, 2.0, 3.0, 1.5] {
        let alone = Op::Binary(BinaryOp::Pow).on(&Simd::new(), &a, &vec![exponent; a.len()]);
        let mut mixed = vec![exponent; a.len()];
        mixed.iter_mut().step_by(3).for_each(|e| *e = 0.7);
        let beside = Op::Binary(BinaryOp::Pow).on(&Simd::new(), &a, &mixed);
        for (i, (alone, beside)) in alone.iter().zip(&beside).enumerate() {
            let same = alone.to_bits() == beside.to_bits() || (alone.is_nan() && beside.is_nan());
            assert!(i % 3 == 0 || same, "{:e}^{exponent}", a[i]);
        }
    }
}

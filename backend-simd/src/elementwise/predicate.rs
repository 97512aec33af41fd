//! Ops of one operand whose result is bool.

use rusttorch_backend::ops::UnaryOp;
use rusttorch_backend::{Boolean, DType, Element, Result, View, ViewMut, bf16, f16, match_dtype};

use super::loop1;
use crate::arch::Level;
use crate::drive;
use crate::float::{Half, widened1};
use crate::tuning::Cost;

/// The ops.
pub(super) const OPS: &[&str] =
    &["isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit", "logical_not"];

/// The op, of any dtype.
pub(super) fn unary(level: Level, op: UnaryOp, x: &View<'_>, out: &mut ViewMut<'_>) -> Option<Result<()>> {
    macro_rules! of {
        ($T:ty, $f:expr) => {
            Some(drive::map1(op.name(), Cost::LIGHT, x, out, &|x: &[$T], out: &mut [Boolean]| {
                $f(level, op, x, out)
            }))
        };
    }
    match x.dtype() {
        DType::F32 => of!(f32, single),
        DType::F64 => of!(f64, double),
        DType::F16 => of!(f16, half::<f16>),
        DType::BF16 => of!(bf16, half::<bf16>),
        DType::Bool => of!(Boolean, |level, op, x: &[Boolean], out: &mut [Boolean]| match op {
            UnaryOp::LogicalNot => loop1(level, |x: Boolean| (!x.get()).into(), x, out),
            _ => out.fill((op == UnaryOp::Isfinite).into()),
        }),
        dtype => match_dtype!(ints dtype, T => of!(T, |level, op, x: &[T], out: &mut [Boolean]| {
            const ZERO: T = 0;
            match op {
                UnaryOp::LogicalNot => loop1(level, |x: T| (x == ZERO).into(), x, out),
                UnaryOp::Signbit => loop1(level, |x: T| (x.to_scalar().to_i64() < 0).into(), x, out),
                _ => out.fill((op == UnaryOp::Isfinite).into()),
            }
        }), else None),
    }
}

/// A half type has the NaN, the infinities and the signs of its f32.
fn half<H: Half>(level: Level, op: UnaryOp, x: &[H], out: &mut [Boolean]) {
    widened1(x, out, |x, out| single(level, op, x, out));
}

macro_rules! floats {
    ($($name:ident $T:ident)*) => { $(
        fn $name(level: Level, op: UnaryOp, x: &[$T], out: &mut [Boolean]) {
            type T = $T;
            match op {
                UnaryOp::Isnan => loop1(level, |x: T| x.is_nan().into(), x, out),
                UnaryOp::Isinf => loop1(level, |x: T| (x.abs() == T::INFINITY).into(), x, out),
                UnaryOp::Isfinite => loop1(level, |x: T| (x.abs() < T::INFINITY).into(), x, out),
                UnaryOp::Isposinf => loop1(level, |x: T| (x == T::INFINITY).into(), x, out),
                UnaryOp::Isneginf => loop1(level, |x: T| (x == T::NEG_INFINITY).into(), x, out),
                UnaryOp::Signbit => loop1(level, |x: T| x.is_sign_negative().into(), x, out),
                _ => loop1(level, |x: T| (x == 0.0).into(), x, out),
            }
        }
    )* };
}
floats!(single f32 double f64);

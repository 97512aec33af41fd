//! Ops of one operand on integers and bools.

use rusttorch_backend::ops::UnaryOp;
use rusttorch_backend::{Boolean, DType, Element, Result, View, ViewMut, match_dtype};

use super::loop1;
use crate::arch::Level;
use crate::drive;
use crate::tuning::Cost;

/// Runs `$body` with `$T` bound to the type of integers or bools.
macro_rules! integral {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            DType::Bool => {
                type $T = Boolean;
                $body
            }
            dtype => match_dtype!(ints dtype, $T => $body, else None),
        }
    };
}

/// The op; `None` where there is no kernel.
pub(super) fn unary(level: Level, op: UnaryOp, x: &View<'_>, out: &mut ViewMut<'_>) -> Option<Result<()>> {
    integral!(x.dtype(), T => {
        let f = <T as Integral>::function(op)?;
        Some(drive::map1(op.name(), Cost::LIGHT, x, out, &|x: &[T], out: &mut [T]| f(level, x, out)))
    })
}

/// The op in place; `None` where there is no kernel.
pub(super) fn unary_assign(level: Level, op: UnaryOp, io: &mut ViewMut<'_>) -> Option<Result<()>> {
    integral!(io.dtype(), T => {
        let f = <T as Integral>::function(op)?;
        Some(drive::assign1(Cost::LIGHT, io, &|x: &[T], io: &mut [T]| f(level, x, io)))
    })
}

/// An op on slices.
type Slices<T> = fn(Level, &[T], &mut [T]);

trait Integral: Element {
    /// The op; `None` where there is no kernel.
    fn function(op: UnaryOp) -> Option<Slices<Self>>;
}

impl Integral for Boolean {
    fn function(op: UnaryOp) -> Option<Slices<Boolean>> {
        Some(match op {
            UnaryOp::Sign => |level, x, out| loop1(level, |x: Boolean| x.get().into(), x, out),
            UnaryOp::BitwiseNot | UnaryOp::LogicalNot => {
                |level, x, out| loop1(level, |x: Boolean| (!x.get()).into(), x, out)
            }
            _ => return None,
        })
    }
}

macro_rules! integers {
    ($($T:ident: $abs:expr, $sign:expr;)*) => { $(
        impl Integral for $T {
            fn function(op: UnaryOp) -> Option<Slices<$T>> {
                use UnaryOp::*;
                type T = $T;
                Some(match op {
                    Abs => |level, x, out| loop1(level, $abs, x, out),
                    Neg => |level, x, out| loop1(level, T::wrapping_neg, x, out),
                    Sign => |level, x, out| loop1(level, $sign, x, out),
                    Ceil | Floor | Round | Trunc => |_, x, out| out.copy_from_slice(x),
                    Square => |level, x, out| loop1(level, |x: T| x.wrapping_mul(x), x, out),
                    Relu => |level, x, out| loop1(level, |x: T| x.max(0), x, out),
                    BitwiseNot => |level, x, out| loop1(level, |x: T| !x, x, out),
                    _ => return None,
                })
            }
        }
    )* };
}
integers! {
    u8: |x: u8| x, |x: u8| x.min(1);
    i8: i8::wrapping_abs, i8::signum;
    i16: i16::wrapping_abs, i16::signum;
    i32: i32::wrapping_abs, i32::signum;
    i64: i64::wrapping_abs, i64::signum;
}

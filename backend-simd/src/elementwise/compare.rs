//! Comparisons.

use rusttorch_backend::ops::CompareOp;
use rusttorch_backend::{
    Boolean, Capabilities, DType, DTypeSet, Element, Family, Result, View, ViewMut, bf16, f16, match_dtype,
};

use super::loop2;
use crate::arch::Level;
use crate::drive;
use crate::float::{Half, widened2};
use crate::tuning::Cost;

/// The comparison, of any dtype.
pub(crate) fn compare(
    level: Level,
    op: CompareOp,
    a: &View<'_>,
    b: &View<'_>,
    out: &mut ViewMut<'_>,
) -> Option<Result<()>> {
    Some(match a.dtype() {
        DType::F16 => halves::<f16>(level, op, a, b, out),
        DType::BF16 => halves::<bf16>(level, op, a, b, out),
        DType::F32 => numbers::<f32>(level, op, a, b, out),
        DType::F64 => numbers::<f64>(level, op, a, b, out),
        DType::Bool => drive::map2(
            op.name(),
            Cost::LIGHT,
            a,
            b,
            out,
            &|a: &[Boolean], b: &[Boolean], out: &mut [Boolean]| {
                truths(level, op, a, b, out);
            },
        ),
        dtype => match_dtype!(ints dtype, T => numbers::<T>(level, op, a, b, out), else return None),
    })
}

fn numbers<T: Element + PartialOrd + Default>(
    level: Level,
    op: CompareOp,
    a: &View<'_>,
    b: &View<'_>,
    out: &mut ViewMut<'_>,
) -> Result<()> {
    drive::map2(op.name(), Cost::LIGHT, a, b, out, &|a: &[T], b: &[T], out: &mut [Boolean]| {
        related(level, op, a, b, out);
    })
}

fn halves<H: Half>(
    level: Level,
    op: CompareOp,
    a: &View<'_>,
    b: &View<'_>,
    out: &mut ViewMut<'_>,
) -> Result<()> {
    drive::map2(op.name(), Cost::LIGHT, a, b, out, &|a: &[H], b: &[H], out: &mut [Boolean]| {
        widened2(a, b, out, |a, b, out| related::<f32>(level, op, a, b, out));
    })
}

/// The relation. NaN is unequal to everything, zero included, and in no order; Rust's operators say so too.
fn related<T: Copy + PartialOrd + Default>(
    level: Level,
    op: CompareOp,
    a: &[T],
    b: &[T],
    out: &mut [Boolean],
) {
    use CompareOp::*;
    let zero = T::default();
    match op {
        Eq => loop2(level, |a: T, b: T| (a == b).into(), a, b, out),
        Ne => loop2(level, |a: T, b: T| (a != b).into(), a, b, out),
        Lt => loop2(level, less::<T>, a, b, out),
        Gt => loop2(level, less::<T>, b, a, out),
        Le => loop2(level, at_most::<T>, a, b, out),
        Ge => loop2(level, at_most::<T>, b, a, out),
        LogicalAnd => loop2(level, |a: T, b: T| ((a != zero) & (b != zero)).into(), a, b, out),
        LogicalOr => loop2(level, |a: T, b: T| ((a != zero) | (b != zero)).into(), a, b, out),
        LogicalXor => loop2(level, |a: T, b: T| ((a != zero) ^ (b != zero)).into(), a, b, out),
    }
}

#[inline(always)]
fn less<T: PartialOrd>(a: T, b: T) -> Boolean {
    (a < b).into()
}

#[inline(always)]
fn at_most<T: PartialOrd>(a: T, b: T) -> Boolean {
    (a <= b).into()
}

/// The relation of truth values; any byte but 0 is true.
fn truths(level: Level, op: CompareOp, a: &[Boolean], b: &[Boolean], out: &mut [Boolean]) {
    use CompareOp::*;
    type B = Boolean;
    match op {
        Eq => loop2(level, |a: B, b: B| (a.get() == b.get()).into(), a, b, out),
        Ne | LogicalXor => loop2(level, |a: B, b: B| (a.get() ^ b.get()).into(), a, b, out),
        Lt => loop2(level, |a: B, b: B| (!a.get() & b.get()).into(), a, b, out),
        Gt => loop2(level, |a: B, b: B| (a.get() & !b.get()).into(), a, b, out),
        Le => loop2(level, |a: B, b: B| (!a.get() | b.get()).into(), a, b, out),
        Ge => loop2(level, |a: B, b: B| (a.get() | !b.get()).into(), a, b, out),
        LogicalAnd => loop2(level, |a: B, b: B| (a.get() & b.get()).into(), a, b, out),
        LogicalOr => loop2(level, |a: B, b: B| (a.get() | b.get()).into(), a, b, out),
    }
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims.with(Family::Compare, DTypeSet::ALL)
}

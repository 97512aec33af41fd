//! Elementwise ops of three operands, in PyTorch's order of operations.

use rusttorch_backend::ops::TernaryOp;
use rusttorch_backend::{Element, Result, View, ViewMut, match_dtype};

use crate::check::refused;
use crate::walk::map3;
use crate::wide::{Number, Wide, match_wide};

/// `out[i] = op(a[i], b[i], c[i])`.
pub(crate) fn ternary(op: TernaryOp, a: View<'_>, b: View<'_>, c: View<'_>, out: ViewMut<'_>) -> Result<()> {
    let refuse = || Err(refused(op.name(), a.dtype()));
    let x = [a, b, c];
    match op {
        TernaryOp::Addcmul { value } => match_wide!(numbers a.dtype(), T, W => {
            let value = W::of(value);
            map::<T, W>(op, x, out, |a, b, c| a.plus(value.times(b).times(c)))
        }, else refuse()),
        TernaryOp::Addcdiv { value } => match_dtype!(floats a.dtype(), T => {
            map::<T, f64>(op, x, out, |a, b, c| a + value * b / c)
        }, else refuse()),
        TernaryOp::Lerp => {
            match_dtype!(floats a.dtype(), T => map::<T, f64>(op, x, out, lerp), else refuse())
        }
        TernaryOp::Clamp => match_wide!(numbers a.dtype(), T, W => {
            map::<T, W>(op, x, out, |a, low, high| a.larger(low).smaller(high))
        }, else refuse()),
    }
}

fn map<T: Element, W: Wide>(
    op: TernaryOp,
    operands: [View<'_>; 3],
    out: ViewMut<'_>,
    f: impl Fn(W, W, W) -> W,
) -> Result<()> {
    map3(op.name(), operands, out, |a: T, b: T, c: T| f(W::of(a), W::of(b), W::of(c)).to::<T>())
}

/// From the nearer end, so that weight 0 gives `a` and weight 1 gives `b` exactly.
fn lerp(a: f64, b: f64, weight: f64) -> f64 {
    if weight.abs() < 0.5 { a + weight * (b - a) } else { b - (b - a) * (1.0 - weight) }
}

#[cfg(test)]
#[path = "ternary_tests.rs"]
mod tests;

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
            let value = W::parameter(value);
            map::<T, W>(op, x, out, |a, b, c| a.plus_product(value.times(b), c))
        }, else refuse()),
        TernaryOp::Addcdiv { value } => match_dtype!(floats a.dtype(), T => {
            let value = value.to_f64();
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

/// From the nearer end, so that weight 0 gives `a` and weight 1 gives `b` exactly; product and sum are rounded
/// once, as in PyTorch.
fn lerp(a: f64, b: f64, weight: f64) -> f64 {
    if weight.abs() < 0.5 { weight.mul_add(b - a, a) } else { (a - b).mul_add(1.0 - weight, b) }
}

#[cfg(test)]
#[path = "ternary_tests.rs"]
mod tests;

//! Softmax and log-softmax.

use super::calc::Calc;
use crate::backend::Backend;
use crate::error::Result;
use crate::ops::{BinaryOp, ReduceOp, SoftmaxOp, UnaryOp};
use crate::view::{View, ViewMut};

/// A 0-d operand is one row of one element: it has no axis to reduce.
fn axes_of(axis: &usize, rank: usize) -> &[usize] {
    if rank == 0 { &[] } else { std::slice::from_ref(axis) }
}

/// Default of [`Backend::softmax`]: with `m = max(x)` and `s = sum(e^(x - m))` along `axis`,
/// softmax is `e^(x - m) / s` and log-softmax `(x - m) - log(s)`.
///
/// Equal shapes, one float dtype. Subtracting the maximum keeps every exponential in [0, 1]. A row of
/// -inf alone, a row with +inf and a row with NaN are NaN throughout; other -inf give exactly 0, or -inf.
pub fn softmax<B: Backend + ?Sized>(
    be: &B,
    op: SoftmaxOp,
    x: View<'_>,
    axis: usize,
    out: ViewMut<'_>,
) -> Result<()> {
    if out.numel() == 0 {
        return Ok(());
    }
    let axes = axes_of(&axis, x.shape().len());
    let c = Calc::new(be, x.dtype());
    let x = c.input(x)?;
    let shifted = c.sub(&x, &c.reduce(ReduceOp::Amax, &x, axes)?)?;
    let exp = c.unary(UnaryOp::Exp, &shifted)?;
    let sum = c.reduce(ReduceOp::Sum, &exp, axes)?;
    match op {
        SoftmaxOp::Softmax => c.finish(out, |out| c.binary_to(BinaryOp::Div, &exp, &sum, out)),
        // In this order: `m + log(s)` would lose `log(s)` beside a large maximum.
        SoftmaxOp::LogSoftmax => {
            drop(exp);
            let log = c.unary(UnaryOp::Log, &sum)?;
            c.finish(out, |out| c.binary_to(BinaryOp::Sub, &shifted, &log, out))
        }
    }
}

/// Default of [`Backend::softmax_backward`], from the gradient `g` of the result and the result `y`:
/// softmax `y * (g - sum(g * y))`, log-softmax `g - e^y * sum(g)`, sums along `axis`.
///
/// Equal shapes, one float dtype. NaN in a row makes all of the row NaN.
pub fn softmax_backward<B: Backend + ?Sized>(
    be: &B,
    op: SoftmaxOp,
    grad: View<'_>,
    y: View<'_>,
    axis: usize,
    out: ViewMut<'_>,
) -> Result<()> {
    if out.numel() == 0 {
        return Ok(());
    }
    let axes = axes_of(&axis, y.shape().len());
    let c = Calc::new(be, y.dtype());
    let (grad, y) = (c.input(grad)?, c.input(y)?);
    match op {
        SoftmaxOp::Softmax => {
            let dot = c.reduce(ReduceOp::Sum, &c.mul(&grad, &y)?, axes)?;
            let centred = c.sub(&grad, &dot)?;
            c.finish(out, |out| c.binary_to(BinaryOp::Mul, &y, &centred, out))
        }
        SoftmaxOp::LogSoftmax => {
            let sum = c.reduce(ReduceOp::Sum, &grad, axes)?;
            let share = c.mul(&c.unary(UnaryOp::Exp, &y)?, &sum)?;
            c.finish(out, |out| c.binary_to(BinaryOp::Sub, &grad, &share, out))
        }
    }
}

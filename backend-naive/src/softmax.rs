//! Softmax and log-softmax along one axis, and their gradients: plain formulas in f64, rounded once.

use rusttorch_backend::ops::SoftmaxOp;
use rusttorch_backend::{Element, Result, View, ViewMut, match_dtype};

use crate::check::refused;
use crate::walk::{along, lines};
use crate::wide::{Number, Sum, Wide};

/// `e^(x - m) / sum` or `x - m - log(sum)`, with `sum = sum(e^(x - m))` and m the largest of the line.
pub(crate) fn softmax(op: SoftmaxOp, x: View<'_>, axis: usize, out: ViewMut<'_>) -> Result<()> {
    match_dtype!(floats x.dtype(), T => forward::<T>(op, x, axis, out), else Err(refused(op.name(), x.dtype())))
}

fn forward<T: Element>(op: SoftmaxOp, x: View<'_>, axis: usize, mut out: ViewMut<'_>) -> Result<()> {
    let layouts = [x.layout(), out.layout()];
    let (x, out) = (x.host::<T>()?, out.host_mut::<T>()?);
    lines(op.name(), layouts, axis, |[x_at, out_at]| {
        let [xs, os] = layouts.map(|l| l.strides()[axis]);
        let line = 0..layouts[0].shape()[axis];
        let x = |i| f64::of(x[along(x_at, i, xs)]);

        let max = line.clone().map(x).fold(f64::LOWEST, f64::larger);
        let sum = Sum::of(line.clone().map(|i| libm::exp(x(i) - max)));
        let log = libm::log(sum);
        for i in line {
            let y = match op {
                SoftmaxOp::Softmax => libm::exp(x(i) - max) / sum,
                SoftmaxOp::LogSoftmax => x(i) - max - log,
            };
            out[along(out_at, i, os)] = y.to();
        }
    })
}

/// From the gradient of the result and the result: `y (g - sum(g y))` or `g - e^y sum(g)`.
pub(crate) fn backward(
    op: SoftmaxOp,
    grad: View<'_>,
    y: View<'_>,
    axis: usize,
    out: ViewMut<'_>,
) -> Result<()> {
    match_dtype!(floats y.dtype(), T => gradient::<T>(op, grad, y, axis, out), else {
        Err(refused(op.name(), y.dtype()))
    })
}

fn gradient<T: Element>(
    op: SoftmaxOp,
    grad: View<'_>,
    y: View<'_>,
    axis: usize,
    mut out: ViewMut<'_>,
) -> Result<()> {
    let layouts = [grad.layout(), y.layout(), out.layout()];
    let (grad, y, out) = (grad.host::<T>()?, y.host::<T>()?, out.host_mut::<T>()?);
    lines(op.name(), layouts, axis, |[g_at, y_at, out_at]| {
        let [gs, ys, os] = layouts.map(|l| l.strides()[axis]);
        let line = 0..layouts[0].shape()[axis];
        let g = |i| f64::of(grad[along(g_at, i, gs)]);
        let y = |i| f64::of(y[along(y_at, i, ys)]);

        let sum = Sum::of(line.clone().map(|i| match op {
            SoftmaxOp::Softmax => g(i) * y(i),
            SoftmaxOp::LogSoftmax => g(i),
        }));
        for i in line {
            let dx = match op {
                SoftmaxOp::Softmax => y(i) * (g(i) - sum),
                SoftmaxOp::LogSoftmax => g(i) - libm::exp(y(i)) * sum,
            };
            out[along(out_at, i, os)] = dx.to();
        }
    })
}

#[cfg(test)]
#[path = "softmax_tests.rs"]
mod tests;

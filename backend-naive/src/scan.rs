//! Running reductions along one axis: each result is the reduction of the line up to and including its
//! place, with the accumulator that `reduce` has. (A running log-sum-exp cannot know the largest term before
//! it has come: it scales its sum down when a larger one does.)

use rusttorch_backend::ops::ScanOp;
use rusttorch_backend::{Element, ErrorKind, Result, TensorError, View, ViewMut, match_dtype};

use crate::check::refused;
use crate::walk::{along, lines};
use crate::wide::{Number, Sum, Wide, match_wide};

/// Running reduction along `axis`.
pub(crate) fn scan(
    op: ScanOp,
    x: View<'_>,
    axis: usize,
    out: ViewMut<'_>,
    indices: Option<ViewMut<'_>>,
) -> Result<()> {
    let dtype = x.dtype();
    match (op, indices) {
        (ScanOp::Cumsum, None) => match_dtype!(floats dtype, T => sums::<T, f64, T>(op, x, axis, out),
            else match_dtype!(dtype, T => sums::<T, i64, i64>(op, x, axis, out))),
        (ScanOp::Cumprod, None) => match_dtype!(floats dtype, T => products::<T, f64, T>(op, x, axis, out),
            else match_dtype!(dtype, T => products::<T, i64, i64>(op, x, axis, out))),
        (ScanOp::Cummax, Some(indices)) => {
            match_wide!(dtype, T, W => extremes::<T, W>(op, x, axis, out, indices, |x, best| x >= best))
        }
        (ScanOp::Cummin, Some(indices)) => {
            match_wide!(dtype, T, W => extremes::<T, W>(op, x, axis, out, indices, |x, best| x <= best))
        }
        (ScanOp::Logcumsumexp, None) => match_dtype!(floats dtype, T => {
            running(op, x, axis, out, LogSum::NOTHING, |sum, x: T| {
                sum.add(f64::of(x));
                sum.value().to::<T>()
            })
        }, else Err(refused(op.name(), dtype))),
        (ScanOp::Cumsum | ScanOp::Cumprod | ScanOp::Logcumsumexp, Some(_))
        | (ScanOp::Cummax | ScanOp::Cummin, None) => Err(TensorError::new(
            ErrorKind::Internal,
            op.name(),
            "indices are of cummax and cummin, and only of them",
        )),
    }
}

fn sums<T: Element, W: Number, O: Element>(
    op: ScanOp,
    x: View<'_>,
    axis: usize,
    out: ViewMut<'_>,
) -> Result<()> {
    running(op, x, axis, out, Sum::<W>::NOTHING, |sum, x: T| {
        sum.add(W::of(x));
        sum.value().to::<O>()
    })
}

fn products<T: Element, W: Number, O: Element>(
    op: ScanOp,
    x: View<'_>,
    axis: usize,
    out: ViewMut<'_>,
) -> Result<()> {
    running(op, x, axis, out, W::ONE, |product, x: T| {
        *product = product.times(W::of(x));
        product.to::<O>()
    })
}

/// A running `log(sum(e^x))`, as the largest `x` so far and the sum of `e^(x - largest)`.
#[derive(Clone, Copy)]
struct LogSum {
    largest: f64,
    sum: Sum<f64>,
}

impl LogSum {
    const NOTHING: LogSum = LogSum { largest: f64::NEG_INFINITY, sum: Sum::NOTHING };

    fn add(&mut self, x: f64) {
        let largest = self.largest.larger(x);
        // An infinity or NaN says it all; what the sum then holds is not asked.
        if largest.is_finite() {
            if largest > self.largest {
                self.sum = self.sum.scaled(libm::exp(self.largest - largest));
            }
            self.sum.add(libm::exp(x - largest));
        }
        self.largest = largest;
    }

    fn value(self) -> f64 {
        if self.largest.is_finite() { self.largest + libm::log(self.sum.value()) } else { self.largest }
    }
}

/// `out[i] = step(state, x[i])` along each line, with a state that starts afresh.
fn running<T: Element, O: Element, S: Copy>(
    op: ScanOp,
    x: View<'_>,
    axis: usize,
    mut out: ViewMut<'_>,
    start: S,
    step: impl Fn(&mut S, T) -> O,
) -> Result<()> {
    let layouts = [x.layout(), out.layout()];
    let (x, out) = (x.host::<T>()?, out.host_mut::<O>()?);
    lines(op.name(), layouts, axis, |[from, to]| {
        let [xs, os] = layouts.map(|l| l.strides()[axis]);
        let mut state = start;
        for i in 0..layouts[0].shape()[axis] {
            out[along(to, i, os)] = step(&mut state, x[along(from, i, xs)]);
        }
    })
}

/// The extreme element so far and its index. Of equals the latest; from the first NaN on the latest NaN.
#[allow(clippy::eq_op, reason = "x != x is NaN, for floats and integers alike")]
fn extremes<T: Element, W: Number>(
    op: ScanOp,
    x: View<'_>,
    axis: usize,
    mut out: ViewMut<'_>,
    mut indices: ViewMut<'_>,
    replaces: fn(W, W) -> bool,
) -> Result<()> {
    let layouts = [x.layout(), out.layout(), indices.layout()];
    let (x, out, indices) = (x.host::<T>()?, out.host_mut::<T>()?, indices.host_mut::<i64>()?);
    lines(op.name(), layouts, axis, |[from, to, index_to]| {
        let [xs, os, is] = layouts.map(|l| l.strides()[axis]);
        let mut best = (x[from], 0);
        for i in 0..layouts[0].shape()[axis] {
            let element = x[along(from, i, xs)];
            let (new, old) = (W::of(element), W::of(best.0));
            if new != new || (old == old && replaces(new, old)) {
                best = (element, i as i64);
            }
            (out[along(to, i, os)], indices[along(index_to, i, is)]) = best;
        }
    })
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;

//! Sums of exponentials, stable: of the distances to the largest.

use rusttorch_backend::ops::ReduceOp;
use rusttorch_backend::{Result, View, ViewMut};

use super::exponentials::sum_of_exponentials;
use super::fold::{Max, Nothing, Number, Sum, fold_columns, fold_row};
use super::forms::{Columns, Reduction, Rows, lanes};
use super::plan::reduce as walk;
use super::source::Source;
use super::steps::{Each, Exponential, each};
use crate::arch::{Isa, Kernel, Level, Scalar};
use crate::tuning::Cost;
use crate::tuning::sequences as tuning;

/// The largest of some elements, and the sum of `e^(x - largest)`; 0 where the largest is not finite, as that says
/// it all.
#[derive(Debug, Clone, Copy, Default)]
struct LogSum {
    largest: f64,
    sum: f64,
}

struct LogSums {
    level: Level,
}

struct RowSums<'a, T> {
    rows: &'a Rows<'a, T>,
    out: &'a mut [LogSum],
}

impl<T: Number> Kernel for RowSums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        for (i, out) in self.out.iter_mut().enumerate() {
            let x = self.rows.row(i);
            let largest = fold_row(isa, (Max, Nothing), x, T::zeroed()).0;
            *out = LogSum { largest: largest.to_f64(), sum: 0.0 };
            if out.largest.is_finite() {
                out.sum = sum_of_exponentials::<I, T, false>(isa, x, largest, &mut [], x.len()).to_f64();
            }
        }
    }
}

struct ColumnSums<'a, T> {
    columns: &'a Columns<'a, T>,
    out: &'a mut [LogSum],
}

impl<T: Number> Kernel for ColumnSums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let (columns, width) = (self.columns, self.out.len());
        let mut largest = vec![T::zeroed(); width];
        fold_columns(isa, (Max, Nothing), columns, &[], &mut largest, &mut []);
        let mut exponentials = vec![T::zeroed(); columns.rows.len() * tuning::EXPONENTIALS.min(width)];
        let mut sums = [T::zeroed(); tuning::EXPONENTIALS];
        let mut at = 0;
        while at < width {
            let n = tuning::EXPONENTIALS.min(width - at).max(lanes::<T>());
            // A last tile that is narrower than a vector takes columns again, to the same end.
            at = at.min(width - n);
            let largest = &largest[at..at + n];
            for (out, &row) in exponentials.chunks_exact_mut(n).zip(columns.rows) {
                let x = &columns.data[row + at..][..n];
                each(isa, Exponential, (x, x), (Each(largest), Each(largest)), out, false);
            }
            let rows: Vec<usize> = (0..columns.rows.len()).map(|i| i * n).collect();
            let tile = Columns { data: &exponentials, rows: &rows, first: 0 };
            fold_columns(isa, (Sum, Nothing), &tile, &[], &mut sums[..n], &mut []);
            for ((out, &largest), &sum) in self.out[at..at + n].iter_mut().zip(largest).zip(&sums) {
                let largest = largest.to_f64();
                *out = LogSum { largest, sum: if largest.is_finite() { sum.to_f64() } else { 0.0 } };
            }
            at += n;
        }
    }
}

impl<T: Number> Reduction<T> for LogSums {
    type Part = LogSum;

    fn rows(&self, rows: &Rows<'_, T>, out: &mut [LogSum]) {
        self.level.enter(RowSums { rows, out });
    }

    fn columns(&self, columns: &Columns<'_, T>, out: &mut [LogSum]) {
        self.level.enter(ColumnSums { columns, out });
    }

    fn merge(&self, (a, _): (LogSum, usize), (b, _): (LogSum, usize)) -> LogSum {
        let largest = if a.largest > b.largest || a.largest.is_nan() { a.largest } else { b.largest };
        if !largest.is_finite() {
            return LogSum { largest, sum: 0.0 };
        }
        let share = |part: LogSum| match part.largest == largest {
            true => part.sum,
            false => part.sum * libm::exp(part.largest - largest),
        };
        LogSum { largest, sum: share(a) + share(b) }
    }

    fn nothing(&self) -> LogSum {
        LogSum { largest: f64::NEG_INFINITY, sum: 0.0 }
    }
}

/// `log(sum(e^x))`.
pub(super) fn logsumexp<E: Source<Wide: Number>>(
    level: Level,
    x: View<'_>,
    axes: &[usize],
    out: ViewMut<'_>,
) -> Result<()> {
    let op = ReduceOp::Logsumexp.name();
    walk::<E, LogSum, E>(op, Cost(500), (x, axes), out, &LogSums { level }, &|parts, out| {
        for (out, part) in out.iter_mut().zip(parts) {
            let v = match part.largest {
                m if m.is_finite() => m + libm::log(part.sum),
                m if m.is_nan() => f64::NAN,
                m => m,
            };
            *out = E::narrow(E::Wide::from_f64(v));
        }
    })
}

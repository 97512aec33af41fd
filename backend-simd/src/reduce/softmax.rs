//! Softmax and log-softmax, and their gradients.
//!
//! The sum of a line is that of `fold`, chunk by chunk: a line has the same results as a row and as a column.

use rusttorch_backend::ops::SoftmaxOp;
use rusttorch_backend::{Capabilities, DTypeSet, Family, Result, View, ViewMut, match_dtype};

use super::exponentials::sum_of_exponentials;
use super::fold::{Fold as _, Max, Nothing, Number, Sum, fold_columns, fold_row};
use super::forms::{Columns, Merger, chunk};
use super::lines::{self, Among, LineOp};
use super::steps::{
    Centred, Each, Exponential, Logarithm, One, Product, Reciprocal, Remainder, Scaled, Shifted, alone, each,
    each_in_place,
};
use crate::arch::{Isa, Kernel, Level};
use crate::tuning::Cost;
use crate::tuning::lines as tuning;

/// `None` where there is no kernel for the call.
pub(crate) fn softmax(
    level: Level,
    op: SoftmaxOp,
    x: View<'_>,
    axis: usize,
    out: ViewMut<'_>,
) -> Option<Result<()>> {
    Some(match_dtype!(floats x.dtype(), T => {
        lines::map::<T, 1>(op.name(), Cost(700), [x], axis, out, &Forward { level, op })
    }, else return None))
}

/// `None` where there is no kernel for the call.
pub(crate) fn backward(
    level: Level,
    op: SoftmaxOp,
    grad: View<'_>,
    y: View<'_>,
    axis: usize,
    out: ViewMut<'_>,
) -> Option<Result<()>> {
    Some(match_dtype!(floats y.dtype(), T => {
        lines::map::<T, 2>(op.name(), Cost(400), [grad, y], axis, out, &Backward { level, op })
    }, else return None))
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims.with(Family::Softmax, DTypeSet::FLOATS).with(Family::SoftmaxBackward, DTypeSet::FLOATS)
}

/// Lines that are computed together.
const TOGETHER: usize = 2;

/// The sum of a line.
#[inline(always)]
fn row_sum<I: Isa, T: Number>(isa: I, x: &[T]) -> T {
    if x.len() <= chunk::<T>() {
        return fold_row(isa, (Sum, Nothing), x, T::zeroed()).0;
    }
    let mut sums = RowSum::new();
    for x in x.chunks(chunk::<T>()) {
        sums.add(isa, x);
    }
    sums.total()
}

/// A sum of chunks.
struct RowSum<T>(Merger<T>);

impl<T: Number> RowSum<T> {
    fn new() -> Self {
        RowSum(Merger::new())
    }

    #[inline(always)]
    fn add<I: Isa>(&mut self, isa: I, x: &[T]) {
        let sum = fold_row(isa, (Sum, Nothing), x, T::zeroed()).0;
        self.0.push(sum, x.len(), |(a, _), (b, _)| Sum.join_one(a, b));
    }

    fn total(mut self) -> T {
        self.0.finish(|(a, _), (b, _)| Sum.join_one(a, b)).unwrap_or(T::zeroed())
    }
}

/// `sum e^(x - largest)` of a line, whose terms are put to `out` if `KEEP`. What lies `ahead` elements behind is asked for.
#[inline(always)]
fn exponentials<I: Isa, T: Number, const KEEP: bool>(
    isa: I,
    x: &[T],
    largest: T,
    out: &mut [T],
    ahead: usize,
) -> T {
    let length = chunk::<T>();
    if x.len() <= length {
        return sum_of_exponentials::<I, T, KEEP>(isa, x, largest, out, ahead);
    }
    let mut sums = RowSum::new();
    for (x, out) in x.chunks(length).zip(out.chunks_mut(length)) {
        let sum = sum_of_exponentials::<I, T, KEEP>(isa, x, largest, out, ahead);
        sums.0.push(sum, x.len(), |(a, _), (b, _)| Sum.join_one(a, b));
    }
    sums.total()
}

/// The sums of the columns of a tile.
#[inline(always)]
fn column_sums<I: Isa, T: Number>(isa: I, tile: &[T], rows: &[usize], out: &mut [T]) {
    if rows.len() <= chunk::<T>() {
        let columns = Columns { data: tile, rows, first: 0 };
        return fold_columns(isa, (Sum, Nothing), &columns, &[], out, &mut []);
    }
    let width = out.len();
    let mut sums = Vec::new();
    for rows in rows.chunks(chunk::<T>()) {
        let columns = Columns { data: tile, rows, first: 0 };
        fold_columns(isa, (Sum, Nothing), &columns, &[], out, &mut []);
        sums.extend_from_slice(out);
    }
    for (i, out) in out.iter_mut().enumerate() {
        let mut merger = Merger::new();
        for &sum in sums[i..].iter().step_by(width) {
            merger.push(sum, 1, |(a, _), (b, _)| Sum.join_one(a, b));
        }
        *out = merger.finish(|(a, _), (b, _)| Sum.join_one(a, b)).unwrap_or(T::zeroed());
    }
}

/// Where the rows of a tile start.
fn starts(n: usize, width: usize) -> Vec<usize> {
    (0..n).map(|i| i * width).collect()
}

struct Forward {
    level: Level,
    op: SoftmaxOp,
}

struct ForwardRows<'a, T> {
    op: SoftmaxOp,
    x: &'a [T],
    /// Elements of a line.
    n: usize,
    among: Among,
    out: &'a mut [T],
}

struct ForwardTile<'a, T> {
    op: SoftmaxOp,
    x: &'a [T],
    width: usize,
    out: &'a mut [T],
}

impl<T: Number> LineOp<T, 1> for Forward {
    fn row(&self, [x]: [&[T]; 1], out: &mut [T]) {
        self.rows([x], x.len(), Among { more: false, stream: false }, out);
    }

    fn rows(&self, [x]: [&[T]; 1], n: usize, among: Among, out: &mut [T]) {
        self.level.enter(ForwardRows { op: self.op, x, n, among, out });
    }

    fn tile(&self, [x]: [&[T]; 1], width: usize, out: &mut [T]) {
        self.level.enter(ForwardTile { op: self.op, x, width, out });
    }
}

impl<T: Number> Kernel for ForwardRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let (n, Among { more, stream }) = (self.n, self.among);
        // Short lines two at a time: until a maximum or a sum is there, which takes as long as some ten vectors, the CPU works
        // on the other line.
        let together = if n <= chunk::<T>() { TOGETHER } else { 1 };
        let mut rest = self.x.len();
        for (x, out) in self.x.chunks(together * n).zip(self.out.chunks_mut(together * n)) {
            rest -= x.len();
            // The next lines come from memory meanwhile, or what comes next of a longer one.
            let ahead = match rest > 0 || more {
                true if n * size_of::<T>() <= tuning::NEXT => x.len(),
                _ if n > chunk::<T>() => chunk::<T>(),
                _ => 0,
            };
            let mut largest = [T::zeroed(); TOGETHER];
            for (largest, x) in largest.iter_mut().zip(x.chunks(n)) {
                *largest = fold_row(isa, (Max, Nothing), x, T::zeroed()).0;
            }
            let mut sums = [T::zeroed(); TOGETHER];
            let lines = x.chunks(n).zip(out.chunks_mut(n));
            for ((sum, largest), (x, out)) in sums.iter_mut().zip(largest).zip(lines) {
                *sum = match self.op {
                    SoftmaxOp::Softmax => exponentials::<I, T, true>(isa, x, largest, out, ahead),
                    SoftmaxOp::LogSoftmax => exponentials::<I, T, false>(isa, x, largest, out, ahead),
                };
            }
            let lines = x.chunks(n).zip(out.chunks_mut(n));
            for ((sum, largest), (x, out)) in sums.into_iter().zip(largest).zip(lines) {
                match self.op {
                    // The terms are there already, in the caches.
                    SoftmaxOp::Softmax => {
                        each_in_place(isa, Scaled, (One(alone(isa, Reciprocal, sum)), One(sum)), out);
                    }
                    SoftmaxOp::LogSoftmax => {
                        let shifts = (One(largest), One(alone(isa, Logarithm, sum)));
                        each(isa, Shifted, (x, x), shifts, out, stream);
                    }
                }
            }
        }
        if stream {
            isa.finish_streams();
        }
    }
}

impl<T: Number> Kernel for ForwardTile<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let (x, out, width) = (self.x, self.out, self.width);
        let rows = starts(x.len() / width, width);
        let mut largest = vec![T::zeroed(); width];
        let columns = Columns { data: x, rows: &rows, first: 0 };
        fold_columns(isa, (Max, Nothing), &columns, &[], &mut largest, &mut []);
        let largest = Each(&largest);
        for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            each(isa, Exponential, (x, x), (largest, largest), out, false);
        }
        let mut sums = vec![T::zeroed(); width];
        column_sums(isa, out, &rows, &mut sums);
        let sums = Each(&sums);
        let mut last = vec![T::zeroed(); width];
        match self.op {
            SoftmaxOp::Softmax => {
                each(isa, Reciprocal, (sums.0, sums.0), (sums, sums), &mut last, false);
                for out in out.chunks_exact_mut(width) {
                    each_in_place(isa, Scaled, (Each(&last), sums), out);
                }
            }
            SoftmaxOp::LogSoftmax => {
                each(isa, Logarithm, (sums.0, sums.0), (sums, sums), &mut last, false);
                for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
                    each(isa, Shifted, (x, x), (largest, Each(&last)), out, false);
                }
            }
        }
    }
}

struct Backward {
    level: Level,
    op: SoftmaxOp,
}

struct BackwardRow<'a, T> {
    op: SoftmaxOp,
    grad: &'a [T],
    y: &'a [T],
    out: &'a mut [T],
}

struct BackwardTile<'a, T> {
    op: SoftmaxOp,
    grad: &'a [T],
    y: &'a [T],
    width: usize,
    out: &'a mut [T],
}

impl<T: Number> LineOp<T, 2> for Backward {
    fn row(&self, [grad, y]: [&[T]; 2], out: &mut [T]) {
        self.level.enter(BackwardRow { op: self.op, grad, y, out });
    }

    fn tile(&self, [grad, y]: [&[T]; 2], width: usize, out: &mut [T]) {
        self.level.enter(BackwardTile { op: self.op, grad, y, width, out });
    }
}

impl<T: Number> Kernel for BackwardRow<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let (grad, y, out) = (self.grad, self.y, self.out);
        let none = One(T::zeroed());
        match self.op {
            SoftmaxOp::Softmax => {
                each(isa, Product, (grad, y), (none, none), out, false);
                let sum = One(row_sum(isa, out));
                each(isa, Centred, (grad, y), (sum, sum), out, false);
            }
            SoftmaxOp::LogSoftmax => {
                let sum = One(row_sum(isa, grad));
                each(isa, Remainder, (grad, y), (sum, sum), out, false);
            }
        }
    }
}

impl<T: Number> Kernel for BackwardTile<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let (grad, y, out, width) = (self.grad, self.y, self.out, self.width);
        let rows = starts(y.len() / width, width);
        let none = One(T::zeroed());
        let mut sums = vec![T::zeroed(); width];
        if self.op == SoftmaxOp::Softmax {
            each(isa, Product, (grad, y), (none, none), out, false);
            column_sums(isa, out, &rows, &mut sums);
        } else {
            column_sums(isa, grad, &rows, &mut sums);
        }
        let sums = Each(&sums);
        let lines = grad.chunks_exact(width).zip(y.chunks_exact(width)).zip(out.chunks_exact_mut(width));
        for ((grad, y), out) in lines {
            match self.op {
                SoftmaxOp::Softmax => each(isa, Centred, (grad, y), (sums, sums), out, false),
                SoftmaxOp::LogSoftmax => each(isa, Remainder, (grad, y), (sums, sums), out, false),
            }
        }
    }
}

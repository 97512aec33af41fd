//! A row times long columns of a matrix, whose elements lie side by side: a lane has the chain of a block of k, so that a
//! column is read from its start to its end.

use rusttorch_backend::Result;

use super::Number;
use super::micro::{DEPTH, Matrix, Target};
use super::pack::Scratch;
use super::vector::{SQUARE, task};
use crate::arch::threads::parallel_chunks_mut;
use crate::arch::{Isa, Kernel, Level, Real};

/// Columns whose elements lie side by side, of whole blocks, at least as many as there are lanes.
pub(super) fn long_columns<T: Number>(
    level: Level,
    x: &[T],
    b: Matrix<'_, T>,
    mut c: Target<'_, T>,
    lanes: usize,
) -> Result<()> {
    let columns = b.columns();
    let turned = (x.len() / DEPTH).next_multiple_of(lanes) * DEPTH;
    let mut scratch = Scratch::new::<T>(turned + columns)?;
    let (turned, sums) = scratch.get_mut::<T>()[..turned + columns].split_at_mut(turned);
    level.enter(Turn { x, to: turned });
    let turned = &*turned;
    let per_task = (task::<T>() / x.len()).max(1);
    parallel_chunks_mut(sums, per_task, |i, to| {
        level.enter(LongColumns { turned, b, first: i * per_task, to });
    });
    match c.line(0) {
        Some(line) => line.copy_from_slice(sums),
        None => sums.iter().enumerate().for_each(|(j, &sum)| c.set(0, j, sum)),
    }
    Ok(())
}

/// The first block of a span of as many blocks as there are lanes. The last span overlaps the one before it where the
/// blocks do not fill it.
#[inline(always)]
fn first_block(span: usize, lanes: usize, blocks: usize) -> usize {
    (span * lanes).min(blocks - lanes)
}

/// Span by span, the elements of one place in each block side by side.
struct Turn<'a, T> {
    x: &'a [T],
    to: &'a mut [T],
}

impl<T: Number> Kernel for Turn<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let lanes = T::V::<I>::LANES;
        for (span, to) in self.to.chunks_exact_mut(lanes * DEPTH).enumerate() {
            let x = &self.x[first_block(span, lanes, self.x.len() / DEPTH) * DEPTH..];
            for k in (0..DEPTH).step_by(lanes) {
                T::V::<I>::transpose(isa, &x[k..], DEPTH, &mut to[k * lanes..], lanes);
            }
        }
    }
}

struct LongColumns<'a, T> {
    /// The row, as [`Turn`] leaves it.
    turned: &'a [T],
    b: Matrix<'a, T>,
    /// The first column.
    first: usize,
    /// A sum for each column.
    to: &'a mut [T],
}

impl<T: Number> Kernel for LongColumns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let lanes = T::V::<I>::LANES;
        let b = self.b.transposed();
        let blocks = b.columns() / DEPTH;
        for (j, to) in (self.first..).zip(self.to) {
            let mut sum = None;
            for (span, x) in self.turned.chunks_exact(lanes * DEPTH).enumerate() {
                let first = first_block(span, lanes, blocks);
                let mut terms = T::V::<I>::zeros();
                span_of::<T, I>(isa, x, b, j, first * DEPTH).store(&mut terms);
                for &term in &terms.as_ref()[span * lanes - first..] {
                    sum = Some(sum.map_or(term, |sum| sum + term));
                }
            }
            *to = sum.unwrap_or(T::zeroed());
        }
    }
}

/// The products of a span of `x` with that of row `j` of `b` that begins at `from`, a block to a lane.
#[inline(always)]
fn span_of<T: Number, I: Isa>(isa: I, x: &[T], b: Matrix<'_, T>, j: usize, from: usize) -> T::V<I> {
    let lanes = T::V::<I>::LANES;
    let y = &b.line(j)[from..];
    let next = (j + 1).min(b.rows() - 1);
    let mut sum = T::V::<I>::constant(isa, 0.0);
    let mut room = [T::zeroed(); SQUARE];
    for (k, x) in (0..DEPTH).step_by(lanes).zip(x.chunks_exact(lanes * lanes)) {
        // In the order in which it lies.
        for line in k..k + lanes {
            b.fetch(next, from + line * lanes);
        }
        T::V::<I>::transpose(isa, &y[k..], DEPTH, &mut room, lanes);
        for (x, y) in T::V::<I>::chunks(x).0.iter().zip(T::V::<I>::chunks(&room).0) {
            sum = T::V::<I>::load(isa, x).mul_add(T::V::<I>::load(isa, y), sum);
        }
    }
    sum
}

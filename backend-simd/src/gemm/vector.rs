//! A row times a matrix, which is bound by how fast the matrix is read: `[1, K] x [K, N]`.
//!
//! Blocks of k are independent chains, so that each gives a row of partial results, of which the first thread to come
//! takes any, and which are then added in order. Within a block:
//!
//! - **Rows of `b` side by side**: eight rows are read at a time, from their starts to their ends, as memory likes
//!   it, and the next eight asked for; the sums wait in the first cache.
//! - **Columns of `b` side by side**: squares are transposed, and a lane has the chain of a column.
//! - **Long columns**: a lane has the chain of a block of k, so that a column is read from its start to its end.
//! - **Few columns**: a lane has the chain of a block of k; both factors are transposed.

use rusttorch_backend::Result;

use super::Number;
use super::long_columns::long_columns;
use super::micro::{DEPTH, Matrix, Plane, Target};
use super::pack::Scratch;
use crate::arch::threads::parallel_chunks_mut;
use crate::arch::{Isa, Kernel, Level, Real};
use crate::tuning::gemm as tuning;

/// Lanes of the widest vector, and elements of the largest square.
const LANES: usize = 16;
pub(super) const SQUARE: usize = LANES * LANES;

/// Blocks of columns that are read together.
const PARTS: usize = 4;

/// Rows of `b` that are read together.
const TOGETHER: usize = 8;

/// `c = a @ b` for a single row; `None` where `b` has an order that is read here no faster than elsewhere.
pub(super) fn product<T: Number>(
    level: Level,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: Target<'_, T>,
) -> Option<Result<()>> {
    let Plane { rows: depth, columns, row, column } = b.plane();
    let lanes = LANES * size_of::<f32>() / size_of::<T>();
    let dots = columns == 1 || (row == 1 && columns < lanes);
    if !dots && (columns < lanes || (column != 1 && (row != 1 || column < 0))) {
        return None;
    }
    Some((|| {
        let mut scratch = Scratch::new::<T>(if a.plane().column == 1 { 0 } else { depth })?;
        let x = straight(a, scratch.get_mut());
        if dots {
            dot_products(level, x, b, c)
        } else if column != 1 && depth >= lanes * DEPTH && depth.is_multiple_of(DEPTH) {
            long_columns(level, x, b, c, lanes)
        } else {
            columns_of(level, x, b, c, lanes)
        }
    })())
}

/// A single row as a slice, copied if need be.
fn straight<'a, T: Number>(a: Matrix<'a, T>, room: &'a mut [T]) -> &'a [T] {
    if a.plane().column == 1 {
        return a.line(0);
    }
    let room = &mut room[..a.columns()];
    for (k, slot) in room.iter_mut().enumerate() {
        *slot = a.get(0, k);
    }
    room
}

/// How many elements are worth a task.
pub(super) fn task<T>() -> usize {
    tuning::VECTOR_TASK / size_of::<T>()
}

// ---- many columns -----------------------------------------------------------------------------------------

fn columns_of<T: Number>(
    level: Level,
    x: &[T],
    b: Matrix<'_, T>,
    mut c: Target<'_, T>,
    lanes: usize,
) -> Result<()> {
    let (depth, columns) = (b.rows(), b.columns());
    let blocks = depth.div_ceil(DEPTH);
    let vectors = columns.div_ceil(lanes);
    // Segments of columns: wide where rows are read, and narrow where columns are.
    let by_rows = b.plane().column == 1;
    let most = if by_rows { tuning::SEGMENT / LANES } else { 2 };
    let segment = vectors.min(most).max(1);
    let width = segment * lanes;
    let segments = vectors.div_ceil(segment);
    // Blocks of a task, all of one segment. Of columns, some are read together.
    let step = if by_rows { 1 } else { PARTS };
    let per_task = (task::<T>() / (DEPTH * width)).clamp(1, blocks).next_multiple_of(step);
    let padded = blocks.next_multiple_of(per_task);
    let mut scratch = Scratch::new::<T>(segments * padded * width)?;
    let partial = &mut scratch.get_mut::<T>()[..segments * padded * width];
    let some = |i: usize, to: &mut [T]| {
        let (segment_index, block) = (i * per_task / padded, i * per_task % padded);
        let to = &mut to[..(blocks - block).min(per_task) * width];
        level.enter(Partial { x, b, vector: segment_index * segment, block, width, to });
    };
    if depth * columns <= task::<T>() {
        // Less than a task in all, which a fork would take longer than.
        partial.chunks_mut(per_task * width).enumerate().for_each(|(i, to)| some(i, to));
    } else {
        parallel_chunks_mut(partial, per_task * width, some);
    }
    level.enter(Sum { partial, blocks, padded, width });
    for v in 0..vectors {
        // The last vector overlaps the one before it where the columns do not fill it.
        let from = (v * lanes).min(columns - lanes);
        let sums = &partial[v / segment * padded * width + v % segment * lanes..][..lanes];
        match c.line(0) {
            Some(line) => line[from..from + lanes].copy_from_slice(sums),
            None => (0..lanes).for_each(|j| c.set(0, from + j, sums[j])),
        }
    }
    Ok(())
}

/// Adds up the blocks of each segment, in order, in the place of the first.
struct Sum<'a, T> {
    partial: &'a mut [T],
    blocks: usize,
    /// As many blocks as a segment has room for.
    padded: usize,
    width: usize,
}

impl<T: Number> Kernel for Sum<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        if self.width == 1 {
            let sum = self.partial.iter().copied().reduce(|sum, term| sum + term);
            return if let (Some(first), Some(sum)) = (self.partial.first_mut(), sum) {
                *first = sum;
            };
        }
        for segment in self.partial.chunks_exact_mut(self.padded * self.width) {
            let (sums, more) = segment[..self.blocks * self.width].split_at_mut(self.width);
            for terms in more.chunks_exact(self.width) {
                let terms = T::V::<I>::chunks(terms).0;
                for (sum, term) in T::V::<I>::chunks_mut(sums).0.iter_mut().zip(terms) {
                    T::V::<I>::load(isa, sum).add(T::V::<I>::load(isa, term)).store(sum);
                }
            }
        }
    }
}

/// Some blocks of k of a segment of columns: the sums of one after the other.
struct Partial<'a, T> {
    x: &'a [T],
    b: Matrix<'a, T>,
    /// The first vector of columns.
    vector: usize,
    /// The first block.
    block: usize,
    /// Columns of a segment; the last one may have fewer.
    width: usize,
    to: &'a mut [T],
}

impl<T: Number> Kernel for Partial<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let lanes = T::V::<I>::LANES;
        let (depth, columns) = (self.b.rows(), self.b.columns());
        let from = self.vector * lanes;
        if self.b.plane().column == 1 {
            let end = columns.min(from + self.width);
            // All vectors but the last one of all follow each other.
            let whole = (end - from) / lanes * lanes;
            let far = self.b.plane().is_far::<T>();
            for (i, to) in self.to.chunks_exact_mut(self.width).enumerate() {
                let start = (self.block + i) * DEPTH;
                let k = start..depth.min(start + DEPTH);
                let x = &self.x[k.clone()];
                let (to, last) = to.split_at_mut(whole);
                rows::<T, I>(isa, x, self.b.part(k.clone(), from..from + whole), to, far);
                if from + whole < end {
                    rows::<T, I>(isa, x, self.b.part(k, columns - lanes..columns), &mut last[..lanes], far);
                }
            }
            return;
        }
        // The columns of each vector, of which the last one overlaps, and where there is one, it comes twice.
        let at: [usize; 2] = [0, self.width - lanes].map(|j| (from + j).min(columns - lanes));
        let mut room = self.to;
        let mut start = self.block * DEPTH;
        while !room.is_empty() {
            let blocks = room.len() / self.width;
            let whole = depth.saturating_sub(start) / DEPTH;
            let together = if blocks.min(whole) >= PARTS { PARTS } else { 1 };
            let (to, more) = room.split_at_mut(together * self.width);
            if together == PARTS {
                let k = start..start + PARTS * DEPTH;
                parts::<T, I>(isa, &self.x[k.clone()], self.b.part(k, 0..columns), at, self.width, to);
            } else {
                let k = start..depth.min(start + DEPTH);
                let b = at.map(|j| self.b.part(k.clone(), j..j + lanes));
                let sums = squares::<T, I>(isa, &self.x[k], b);
                for (sum, to) in sums.into_iter().zip(T::V::<I>::chunks_mut(to).0) {
                    sum.store(to);
                }
            }
            start += together * DEPTH;
            room = more;
        }
    }
}

/// A block of rows that are read side by side, while the next ones are asked for if they are `far`; `to` has as many elements as a row.
#[inline(always)]
fn rows<T: Number, I: Isa>(isa: I, x: &[T], b: Matrix<'_, T>, to: &mut [T], far: bool) {
    let to = T::V::<I>::chunks_mut(to).0;
    to.fill(T::V::<I>::zeros());
    let mut k = 0;
    while k + TOGETHER <= x.len() {
        if far {
            some_rows::<T, I, TOGETHER, true>(isa, &x[k..], b, k, to);
        } else {
            some_rows::<T, I, TOGETHER, false>(isa, &x[k..], b, k, to);
        }
        k += TOGETHER;
    }
    while k < x.len() {
        some_rows::<T, I, 1, false>(isa, &x[k..], b, k, to);
        k += 1;
    }
}

#[inline(always)]
fn some_rows<T: Number, I: Isa, const R: usize, const FAR: bool>(
    isa: I,
    x: &[T],
    b: Matrix<'_, T>,
    k: usize,
    to: &mut [<T::V<I> as Real>::Array],
) {
    let rows: [&[_]; R] = std::array::from_fn(|r| &T::V::<I>::chunks(b.line(k + r)).0[..to.len()]);
    let factors: [T::V<I>; R] = std::array::from_fn(|r| T::V::<I>::splat(isa, x[r]));
    for (i, to) in to.iter_mut().enumerate() {
        let mut sum = T::V::<I>::load(isa, to);
        for r in 0..R {
            if FAR {
                b.fetch(k + R + r, i * T::V::<I>::LANES);
            }
            sum = factors[r].mul_add(T::V::<I>::load(isa, &rows[r][i]), sum);
        }
        sum.store(to);
    }
}

/// A block of two vectors of columns, whose elements lie side by side, a chain to a lane.
#[inline(always)]
fn squares<T: Number, I: Isa>(isa: I, x: &[T], b: [Matrix<'_, T>; 2]) -> [T::V<I>; 2] {
    let lanes = T::V::<I>::LANES;
    const { assert!(tuning::FETCH.is_multiple_of(LANES)) };
    let step = b[0].plane().column as usize;
    let mut sums = [T::V::<I>::constant(isa, 0.0); 2];
    let (whole, rest) = x.split_at(x.len() - x.len() % lanes);
    for (i, x) in whole.chunks(tuning::FETCH).enumerate() {
        let k = i * tuning::FETCH;
        if k + tuning::FETCH < whole.len() {
            b.iter().for_each(|&b| fetch_columns(b.part(k + tuning::FETCH..whole.len(), 0..lanes), lanes));
        }
        let from = b.each_ref().map(|b| b.part(k..k + x.len(), 0..lanes).tail());
        sums = T::V::<I>::add_columns::<false>(isa, sums, from, (x.len(), step, 0), x);
    }
    for (k, &x) in (whole.len()..).zip(rest) {
        for (sum, b) in sums.iter_mut().zip(&b) {
            let mut row = T::V::<I>::zeros();
            row.as_mut().iter_mut().enumerate().for_each(|(j, v)| *v = b.get(k, j));
            *sum = T::V::<I>::splat(isa, x).mul_add(T::V::<I>::load(isa, &row), *sum);
        }
    }
    sums
}

/// Asks for the next elements of some columns. Apart, for among the chains its addresses would be worked out beforehand, for
/// which there are no registers.
#[inline(never)]
fn fetch_columns<T: Copy>(b: Matrix<'_, T>, lanes: usize) {
    for k in (0..b.rows().min(tuning::FETCH)).step_by(lanes) {
        for j in 0..b.columns() {
            b.fetch(k, j);
        }
    }
}

/// [`PARTS`] whole blocks of two vectors of columns, from `at` on. A quarter of the lanes has the chains of one
/// block, so that a quarter of a vector's columns is read at a time: few enough for their lines to stay in the first
/// cache even where the columns are a power of two apart.
#[inline(always)]
fn parts<T: Number, I: Isa>(isa: I, x: &[T], b: Matrix<'_, T>, at: [usize; 2], width: usize, to: &mut [T]) {
    let lanes = T::V::<I>::LANES;
    let few = lanes / PARTS;
    let step = b.plane().column as usize;
    for j in (0..lanes).step_by(few) {
        let mut sums = [T::V::<I>::constant(isa, 0.0); 2];
        for k in (0..DEPTH).step_by(lanes) {
            let from = at.map(|at| b.part(k..b.rows(), at + j..at + j + few).tail());
            // The same places of the next columns, which after those of both vectors are the next segment's.
            for next in at.map(|at| if j + few < lanes { at + j + few } else { at + 2 * lanes }) {
                for (part, column) in (0..lanes).map(|i| (i / few, i % few)) {
                    b.fetch(part * DEPTH + k, next + column);
                }
            }
            sums = T::V::<I>::add_columns::<true>(isa, sums, from, (lanes, step, DEPTH), &x[k..]);
        }
        for (v, sum) in sums.into_iter().enumerate().take(width / lanes) {
            let mut found = T::V::<I>::zeros();
            sum.store(&mut found);
            for (block, found) in found.as_ref().chunks_exact(few).enumerate() {
                to[block * width + v * lanes + j..][..few].copy_from_slice(found);
            }
        }
    }
}

// ---- few columns ------------------------------------------------------------------------------------------

fn dot_products<T: Number>(level: Level, x: &[T], b: Matrix<'_, T>, mut c: Target<'_, T>) -> Result<()> {
    let (depth, blocks) = (x.len(), x.len().div_ceil(DEPTH));
    let gathers = b.plane().row != 1;
    let mut room = Scratch::new::<T>(if gathers { depth } else { 0 })?;
    let padded = blocks.next_multiple_of(LANES);
    let mut partial = Scratch::new::<T>(padded)?;
    let partial = &mut partial.get_mut::<T>()[..padded];
    let chunk = (task::<T>() / DEPTH).next_multiple_of(LANES);
    for j in 0..b.columns() {
        let y = straight(b.part(0..depth, j..j + 1).transposed(), room.get_mut());
        parallel_chunks_mut(partial, chunk, |i, to| {
            let from = i * chunk * DEPTH;
            level.enter(Dots { x: &x[from.min(depth)..], y: &y[from.min(depth)..], to });
        });
        level.enter(Sum { partial: &mut partial[..blocks], blocks, padded: blocks, width: 1 });
        c.set(0, j, partial[0]);
    }
    Ok(())
}

/// The products of blocks of two vectors, one element of `to` each, which has whole vectors.
struct Dots<'a, T> {
    x: &'a [T],
    y: &'a [T],
    to: &'a mut [T],
}

impl<T: Number> Kernel for Dots<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let lanes = T::V::<I>::LANES;
        let span = lanes * DEPTH;
        if self.x.len() <= DEPTH {
            let mut sum = T::V::<I>::constant(isa, 0.0);
            for (&x, &y) in self.x.iter().zip(self.y) {
                sum = T::V::<I>::splat(isa, x).mul_add(T::V::<I>::splat(isa, y), sum);
            }
            return sum.store(&mut T::V::<I>::chunks_mut(self.to).0[0]);
        }
        for (i, to) in T::V::<I>::chunks_mut(self.to).0.iter_mut().enumerate() {
            let from = (i * span).min(self.x.len());
            let (x, y) = (&self.x[from..], &self.y[from..]);
            let sum = match (x.get(..span), y.get(..span)) {
                (Some(x), Some(y)) => blocks::<T, I>(isa, x, y, DEPTH),
                _ if x.is_empty() => continue,
                _ => {
                    // Fewer blocks, or a short one. The product of what fills them up is -0, which changes no sum.
                    let (mut few_x, mut few_y) =
                        ([-T::zeroed(); DEPTH * LANES], [T::zeroed(); DEPTH * LANES]);
                    few_x[..x.len()].copy_from_slice(x);
                    few_y[..y.len()].copy_from_slice(y);
                    let depth = x.len().min(DEPTH).next_multiple_of(lanes);
                    blocks::<T, I>(isa, &few_x, &few_y, depth)
                }
            };
            sum.store(to);
        }
    }
}

/// The first `depth` products of as many blocks as there are lanes.
#[inline(always)]
fn blocks<T: Number, I: Isa>(isa: I, x: &[T], y: &[T], depth: usize) -> T::V<I> {
    let lanes = T::V::<I>::LANES;
    let mut sum = T::V::<I>::constant(isa, 0.0);
    let mut room = [[T::zeroed(); SQUARE]; 2];
    for k in (0..depth).step_by(lanes) {
        T::V::<I>::transpose(isa, &x[k..], DEPTH, &mut room[0], lanes);
        T::V::<I>::transpose(isa, &y[k..], DEPTH, &mut room[1], lanes);
        let rows = room.each_ref().map(|room| T::V::<I>::chunks(room).0);
        for (x, y) in rows[0].iter().zip(rows[1]).take(lanes) {
            sum = T::V::<I>::load(isa, x).mul_add(T::V::<I>::load(isa, y), sum);
        }
    }
    sum
}

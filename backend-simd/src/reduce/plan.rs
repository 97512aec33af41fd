//! From views and axes to lines of elements: how all reductions walk.
//!
//! What one result is made of is the *sequence* of the elements along the reduced axes, in row-major order. It is
//! cut into chunks of 8 KiB, each of which gives a *part*, and the parts of a sequence are merged pairwise by
//! their number. So neither the layout nor the threads have a say in a result.
//!
//! The elements come to a [`Reduction`] in one of two forms. *Rows*: the chunks of some sequences, each without
//! gaps. *Columns*: the chunks of sequences that lie side by side, so that one row of memory holds one element of
//! each. Where memory has neither form, a tile is gathered that has one of them: columns of sequences that are
//! short or lie across, else one sequence after the other.

use std::ops::Range;

use rusttorch_backend::{Element, ErrorKind, Layout, Nest, Result, TensorError, View, ViewMut};

use super::forms::{Columns, Merger, Reduction, Rows, chunk, lanes};
use super::source::{Source, gather};
use crate::arch::threads::parallel_chunks_mut;
use crate::tuning::Cost;
use crate::tuning::sequences as tuning;

/// Error: `Internal` for a call that breaks the contract.
fn check(op: &'static str, x: &Layout, axes: &[usize], out: &Layout) -> Result<()> {
    let ascending = axes.windows(2).all(|w| w[0] < w[1]) && axes.last().is_none_or(|&axis| axis < x.rank());
    let kept = |axis: usize, n: usize| if axes.contains(&axis) { 1 } else { n };
    let fits = ascending
        && x.rank() == out.rank()
        && x.shape().iter().zip(out.shape()).enumerate().all(|(axis, (&n, &m))| m == kept(axis, n));
    if fits {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::Internal, op, "axes or output do not fit the operand")
        .with("operand", x.shape())
        .with("out", out.shape()))
}

/// The stride of the sequence along `axes`, if it has one throughout.
fn single_stride(layout: &Layout, axes: &[usize]) -> Option<isize> {
    let mut run: Option<(isize, isize)> = None;
    for &axis in axes.iter().rev() {
        let (size, stride) = (layout.shape()[axis], layout.strides()[axis]);
        if size == 1 {
            continue;
        }
        let inner = match run {
            None => stride,
            Some((inner, next)) if stride == next => inner,
            Some(_) => return None,
        };
        run = Some((inner, stride.checked_mul(size as isize)?));
    }
    Some(run.map_or(1, |(inner, _)| inner))
}

/// The stride from one element of the sequence to the next, within the innermost axis.
fn inner_stride(layout: &Layout, axes: impl DoubleEndedIterator<Item = usize>) -> isize {
    let inner = axes.rev().find(|&axis| layout.shape()[axis] != 1);
    inner.map_or(1, |axis| layout.strides()[axis])
}

/// Everything that is known of a call.
struct Plan<'a, E> {
    data: &'a [E],
    /// Over the kept axes: where the sequences start.
    kept: Nest<1>,
    /// Over the reduced axes.
    reduced: Nest<1>,
    base: isize,
    /// Elements of a sequence.
    n: usize,
    outputs: usize,
    /// The sequences lie without gaps.
    dense: bool,
    inner: isize,
}

/// Reduces `axes` of `x`: `finish` makes results of merged parts.
pub(super) fn reduce<E: Source, P: Copy + Default + Send + Sync, O: Element>(
    op: &'static str,
    cost: Cost,
    (x, axes): (View<'_>, &[usize]),
    mut out: ViewMut<'_>,
    reduction: &dyn Reduction<E::Wide, Part = P>,
    finish: &(dyn Fn(&[P], &mut [O]) + Sync),
) -> Result<()> {
    let (from, to) = (x.layout(), out.layout());
    check(op, from, axes, to)?;
    let (data, out) = (x.host::<E>()?, out.host_mut::<O>()?);
    if to.is_empty() {
        return Ok(());
    }
    let outputs = to.numel();
    if let Some(range) = to.contiguous_range() {
        run(cost, data, from, axes, &mut out[range], reduction, finish);
    } else {
        let mut results = vec![O::zeroed(); outputs];
        run(cost, data, from, axes, &mut results, reduction, finish);
        let mut results = results.into_iter();
        Nest::new([to]).for_each(|[at]| {
            if let Some(result) = results.next() {
                out[at] = result;
            }
        });
    }
    Ok(())
}

/// As [`reduce`], to an output without gaps.
fn run<E: Source, P: Copy + Default + Send + Sync, O: Element>(
    cost: Cost,
    data: &[E],
    layout: &Layout,
    axes: &[usize],
    out: &mut [O],
    reduction: &dyn Reduction<E::Wide, Part = P>,
    finish: &(dyn Fn(&[P], &mut [O]) + Sync),
) {
    let outputs = out.len();
    if layout.is_empty() {
        // Sizes next to a zero may be huge; without elements there is nothing to walk.
        let parts = vec![reduction.nothing(); outputs.min(tuning::BATCH)];
        out.chunks_mut(tuning::BATCH).for_each(|out| finish(&parts[..out.len()], out));
        return;
    }
    let whole = outputs == 1 && layout.is_contiguous() && layout.numel() <= chunk::<E::Wide>();
    if let (true, Some(data)) = (whole, E::direct(data)) {
        // One sequence of one chunk, as it lies: what small tensors are.
        let (start, length) = (layout.offset(), layout.numel());
        let mut part = [P::default()];
        reduction.rows(&Rows { data, start, stride: 0, length, first: 0, step: 0 }, &mut part);
        return finish(&part, out);
    }
    let kept = || (0..layout.rank()).filter(|axis| !axes.contains(axis));
    let plan = Plan {
        data,
        kept: Nest::over([layout], kept()),
        reduced: Nest::over([layout], axes.iter().copied()),
        base: layout.offset() as isize,
        n: layout.numel() / outputs,
        outputs,
        dense: single_stride(layout, axes) == Some(1),
        inner: inner_stride(layout, axes.iter().copied()),
    };
    let chunks = plan.n.div_ceil(chunk::<E::Wide>());
    // Neighbouring columns go to one thread: it reads whole lines, and long stretches of them.
    let side_by_side = inner_stride(layout, kept()) == 1 && !plan.dense;
    let per_task = |items: usize, tasks: usize| match (tasks, side_by_side) {
        (1, _) => items,
        (_, true) => tuning::columns(items, tasks, lanes::<E::Wide>()),
        (_, false) => items.div_ceil(tasks),
    };
    if chunks == 1 {
        let per = per_task(outputs, cost.tasks(outputs, plan.n));
        parallel_chunks_mut(out, per, |i, out| {
            let mut parts = vec![P::default(); out.len().min(tuning::BATCH)];
            let mut at = i * per;
            for out in out.chunks_mut(tuning::BATCH) {
                let parts = &mut parts[..out.len()];
                plan.parts(0, at..at + out.len(), reduction, parts);
                finish(parts, out);
                at += out.len();
            }
        });
        return;
    }
    let mut parts = vec![P::default(); chunks * outputs];
    let per = per_task(parts.len(), cost.tasks(parts.len(), chunk::<E::Wide>()));
    parallel_chunks_mut(&mut parts, per, |i, parts| plan.any_parts(i * per, reduction, parts));
    let merge = |a, b| reduction.merge(a, b);
    let length = |c: usize| (plan.n - c * chunk::<E::Wide>()).min(chunk::<E::Wide>());
    let mut merger = Merger::new();
    let merged = |k: usize| {
        for c in 0..chunks {
            merger.push(parts[plan.number(c, k)], length(c), merge);
        }
        merger.finish(merge).unwrap_or_default()
    };
    let all: Vec<P> = (0..outputs).map(merged).collect();
    finish(&all, out);
}

/// Sequences that wait until there are enough of them to be gathered side by side: where each starts, and its
/// place in the output.
#[derive(Default)]
struct Waiting {
    starts: Vec<isize>,
    places: Vec<usize>,
}

/// What is gathered, to be used again.
struct Scratch<W, P> {
    tile: Vec<W>,
    parts: Vec<P>,
    /// Where the elements of the chunk lie from the start of a sequence on.
    offsets: Vec<isize>,
    /// Where the rows start.
    rows: Vec<usize>,
}

impl<E: Source> Plan<'_, E> {
    fn chunks(&self) -> usize {
        self.n.div_ceil(chunk::<E::Wide>())
    }

    /// The number of chunk `c` of sequence `k` among all parts: in the order of memory.
    fn number(&self, c: usize, k: usize) -> usize {
        if self.dense { k * self.chunks() + c } else { c * self.outputs + k }
    }

    /// The parts from number `first` on.
    fn any_parts<P: Copy + Default + Send + Sync>(
        &self,
        first: usize,
        reduction: &dyn Reduction<E::Wide, Part = P>,
        out: &mut [P],
    ) {
        let (mut done, mut number) = (0, first);
        while done < out.len() {
            let left = out.len() - done;
            let n = if self.dense {
                let chunks = self.chunks();
                let (k, c) = (number / chunks, number % chunks);
                let n = if c == 0 && left >= chunks { left - left % chunks } else { left.min(chunks - c) };
                self.chunks_of(k..k + n.div_ceil(chunks), c, reduction, &mut out[done..done + n]);
                n
            } else {
                let (c, k) = (number / self.outputs, number % self.outputs);
                let n = left.min(self.outputs - k);
                self.parts(c, k..k + n, reduction, &mut out[done..done + n]);
                n
            };
            (done, number) = (done + n, number + n);
        }
    }

    /// The parts of sequences without gaps, all of them or those of a single one from chunk `c` on: chunks are rows.
    fn chunks_of<P: Copy + Default + Send + Sync>(
        &self,
        sequences: Range<usize>,
        c: usize,
        reduction: &dyn Reduction<E::Wide, Part = P>,
        out: &mut [P],
    ) {
        let per = out.len() / sequences.len();
        let Some(data) = E::direct(self.data) else {
            for (i, out) in out.chunks_mut(1).enumerate() {
                let k = sequences.start + i / per;
                self.parts(c + i % per, k..k + 1, reduction, out);
            }
            return;
        };
        let length = chunk::<E::Wide>();
        let whole = (self.n / length - c).min(per);
        let mut out = out.chunks_exact_mut(per);
        self.kept.for_each_run_in(sequences, |[start], count, [stride]| {
            for (i, out) in out.by_ref().take(count).enumerate() {
                let start = start + i as isize * stride;
                let (start, first) = (start as usize + c * length, c * length);
                let (full, last) = out.split_at_mut(whole);
                reduction
                    .rows(&Rows { data, start, stride: length as isize, length, first, step: length }, full);
                if !last.is_empty() {
                    let (start, first) = (start + whole * length, first + whole * length);
                    let rows = Rows { data, start, stride: 0, length: self.n % length, first, step: 0 };
                    reduction.rows(&rows, last);
                }
            }
        });
    }

    /// `out` = the parts of chunk `c` of some sequences.
    fn parts<P: Copy + Default + Send + Sync>(
        &self,
        c: usize,
        sequences: Range<usize>,
        reduction: &dyn Reduction<E::Wide, Part = P>,
        out: &mut [P],
    ) {
        let first = c * chunk::<E::Wide>();
        let length = (self.n - first).min(chunk::<E::Wide>());
        let lanes = lanes::<E::Wide>();
        let direct = E::direct(self.data);
        let few = sequences.len() < lanes;
        let side = (tuning::TILE / length).clamp(lanes, tuning::SIDE);
        let mut scratch =
            Scratch { tile: Vec::new(), parts: Vec::new(), offsets: Vec::new(), rows: Vec::new() };
        let mut waiting = Waiting::default();
        let mut done = 0;
        self.kept.for_each_run_in(sequences, |[start], count, [stride]| {
            let mut results = done..done + count;
            done += count;
            match direct {
                Some(data) if self.dense && (few || length >= tuning::SHORT) => {
                    let start = start as usize + first;
                    reduction.rows(&Rows { data, start, stride, length, first, step: 0 }, &mut out[results]);
                    return;
                }
                Some(data) if stride == 1 && count >= lanes => {
                    self.list_offsets(&mut scratch.offsets, first, length);
                    scratch.rows.clear();
                    scratch.rows.extend(scratch.offsets.iter().map(|offset| (start + offset) as usize));
                    reduction.columns(&Columns { data, rows: &scratch.rows, first }, &mut out[results]);
                    return;
                }
                _ => {}
            }
            let mut start = start;
            if few || (length >= tuning::SHORT && self.inner.unsigned_abs() <= stride.unsigned_abs().max(1)) {
                for at in results {
                    self.line(start, first, length, &mut scratch.tile, reduction, &mut out[at..=at]);
                    start += stride;
                }
                return;
            }
            while results.len() >= lanes {
                let n = results.len().min(side);
                self.list_offsets(&mut scratch.offsets, first, length);
                self.gather_run(start, stride, n, &mut scratch);
                self.columns_of_tile(n, first, reduction, &mut scratch, |i, part| {
                    out[results.start + i] = part;
                });
                start += n as isize * stride;
                results.start += n;
            }
            for at in results {
                waiting.starts.push(start);
                waiting.places.push(at);
                start += stride;
            }
            if waiting.starts.len() >= side {
                self.list_offsets(&mut scratch.offsets, first, length);
                self.waiting(&mut waiting, first, &mut scratch, reduction, out);
            }
        });
        if waiting.starts.len() >= lanes {
            self.list_offsets(&mut scratch.offsets, first, length);
            self.waiting(&mut waiting, first, &mut scratch, reduction, out);
        }
        for (&start, &at) in waiting.starts.iter().zip(&waiting.places) {
            self.line(start, first, length, &mut scratch.tile, reduction, &mut out[at..=at]);
        }
    }

    /// Lists where the elements of a chunk lie from the start of a sequence on, unless it is done.
    fn list_offsets(&self, offsets: &mut Vec<isize>, first: usize, length: usize) {
        if !offsets.is_empty() {
            return;
        }
        offsets.reserve(length);
        self.reduced.for_each_run_in(first..first + length, |[start], count, [stride]| {
            offsets.extend((0..count as isize).map(|i| start - self.base + i * stride));
        });
    }

    /// One chunk of one sequence, gathered.
    fn line<P: Copy + Default + Send + Sync>(
        &self,
        start: isize,
        first: usize,
        length: usize,
        tile: &mut Vec<E::Wide>,
        reduction: &dyn Reduction<E::Wide, Part = P>,
        out: &mut [P],
    ) {
        tile.resize(length.max(tile.len()), E::Wide::default());
        let mut filled = 0;
        self.reduced.for_each_run_in(first..first + length, |[at], count, [stride]| {
            gather(self.data, at - self.base + start, stride, &mut tile[filled..filled + count]);
            filled += count;
        });
        reduction.rows(&Rows { data: tile, start: 0, stride: 0, length, first, step: 0 }, out);
    }

    /// A tile of `n` sequences as columns, of which each starts `stride` behind the one before.
    fn gather_run<P>(&self, start: isize, stride: isize, n: usize, scratch: &mut Scratch<E::Wide, P>) {
        let Scratch { tile, offsets, .. } = scratch;
        tile.resize((offsets.len() * n).max(tile.len()), E::Wide::default());
        let length = offsets.len();
        if let (true, Some(data)) = (self.dense && stride == length as isize, E::direct(self.data)) {
            // Short lines one behind the other: a small matrix that is transposed.
            let from = (start + offsets[0]) as usize;
            if transposed(&data[from..from + n * length], length, &mut tile[..n * length]) {
                return;
            }
        }
        for (row, &offset) in tile.chunks_exact_mut(n).zip(&*offsets) {
            gather(self.data, start + offset, stride, row);
        }
    }

    /// The columns of a gathered tile.
    fn columns_of_tile<P: Copy + Default + Send + Sync>(
        &self,
        n: usize,
        first: usize,
        reduction: &dyn Reduction<E::Wide, Part = P>,
        scratch: &mut Scratch<E::Wide, P>,
        mut put: impl FnMut(usize, P),
    ) {
        let Scratch { tile, parts, offsets, rows } = scratch;
        rows.clear();
        rows.extend((0..offsets.len()).map(|i| i * n));
        parts.resize(n, P::default());
        reduction.columns(&Columns { data: tile, rows, first }, parts);
        parts.iter().enumerate().for_each(|(i, &part)| put(i, part));
    }

    /// One chunk each of the sequences that wait, gathered as columns.
    fn waiting<P: Copy + Default + Send + Sync>(
        &self,
        waiting: &mut Waiting,
        first: usize,
        scratch: &mut Scratch<E::Wide, P>,
        reduction: &dyn Reduction<E::Wide, Part = P>,
        out: &mut [P],
    ) {
        let n = waiting.starts.len();
        let Scratch { tile, offsets, .. } = scratch;
        tile.resize((offsets.len() * n).max(tile.len()), E::Wide::default());
        for (row, &offset) in tile.chunks_exact_mut(n).zip(&*offsets) {
            for (to, &start) in row.iter_mut().zip(&waiting.starts) {
                *to = self.data[(start + offset) as usize].widen();
            }
        }
        self.columns_of_tile(n, first, reduction, scratch, |i, part| out[waiting.places[i]] = part);
        waiting.starts.clear();
        waiting.places.clear();
    }
}

/// `tile` = the lines of `length` elements as columns; false where the length is not among the short ones that have
/// code of their own.
fn transposed<T: Copy>(lines: &[T], length: usize, tile: &mut [T]) -> bool {
    fn fixed<T: Copy, const N: usize>(lines: &[T], tile: &mut [T]) -> bool {
        let lines = lines.as_chunks::<N>().0;
        for (j, row) in tile.chunks_exact_mut(lines.len()).enumerate().take(N) {
            for (to, line) in row.iter_mut().zip(lines) {
                *to = line[j];
            }
        }
        true
    }
    match length {
        2 => fixed::<T, 2>(lines, tile),
        3 => fixed::<T, 3>(lines, tile),
        4 => fixed::<T, 4>(lines, tile),
        5 => fixed::<T, 5>(lines, tile),
        6 => fixed::<T, 6>(lines, tile),
        8 => fixed::<T, 8>(lines, tile),
        _ => false,
    }
}

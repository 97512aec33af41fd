//! From views and an axis to lines, for ops that give a result for each element.
//!
//! A line is what lies along the axis. Long lines without gaps are computed as they lie. Others are copied to
//! tiles, side by side as columns where they are short or lie across, so that an op has two bodies: one for a
//! line, one for a tile of columns; both give the same bits.

use std::cell::Cell;

use rusttorch_backend::{Element, ErrorKind, Layout, Nest, Result, TensorError, View, ViewMut};

use super::forms::lanes;
use super::source::{Source, gather};
use crate::arch::threads::{parallel_chunks_mut, parallel_columns_mut};
use crate::tuning::Cost;
use crate::tuning::lines as tuning;

/// An op on the lines of `K` operands.
pub(super) trait LineOp<T, const K: usize>: Sync {
    /// The results of a line. All slices have its length.
    fn row(&self, x: [&[T]; K], out: &mut [T]);
    /// The results of lines of `n` elements that follow each other, some of those of a call.
    fn rows(&self, x: [&[T]; K], n: usize, _among: Among, out: &mut [T]) {
        for (i, out) in out.chunks_exact_mut(n).enumerate() {
            self.row(x.map(|x| &x[i * n..(i + 1) * n]), out);
        }
    }
    /// The results of `width` lines, which are the columns of tiles: row by row, `width` elements each, which are
    /// a vector at least.
    fn tile(&self, x: [&[T]; K], width: usize, out: &mut [T]);
}

/// What there is beside some lines that follow each other.
#[derive(Clone, Copy)]
pub(super) struct Among {
    /// Whether other lines follow them in memory.
    pub(super) more: bool,
    /// Whether the results of all lines together are better written past the caches.
    pub(super) stream: bool,
}

/// Error: `Internal` for a call that breaks the contract.
pub(super) fn check(op: &'static str, layouts: &[&Layout], axis: usize) -> Result<()> {
    let fits = layouts.windows(2).all(|w| w[0].shape() == w[1].shape())
        && layouts.first().is_none_or(|l| axis < l.rank().max(1));
    if fits {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::Internal, op, "axis or shapes do not fit").with("axis", axis))
}

/// The shape of an output without gaps, as `[outer, n, inner]`.
#[derive(Clone, Copy)]
pub(super) struct Shape3 {
    pub(super) outer: usize,
    pub(super) n: usize,
    pub(super) inner: usize,
}

impl Shape3 {
    pub(super) fn of(shape: &[usize], axis: usize) -> Self {
        let Some(&n) = shape.get(axis) else { return Shape3 { outer: 1, n: 1, inner: 1 } };
        Shape3 { outer: shape[..axis].iter().product(), n, inner: shape[axis + 1..].iter().product() }
    }
}

/// `out[i] = result[i]`, in row-major order.
pub(super) fn spread<O: Element>(layout: &Layout, results: Vec<O>, out: &mut [O]) {
    let mut results = results.into_iter();
    Nest::new([layout]).for_each(|[at]| {
        if let Some(result) = results.next() {
            out[at] = result;
        }
    });
}

/// Elements of which each thread keeps some memory at hand: to ask the system for it costs more than to use it.
pub(super) trait Scratch: Element + Default {
    /// Runs `body` with `n` elements, which hold anything.
    fn with_scratch<R>(n: usize, body: impl FnOnce(&mut [Self]) -> R) -> R;
}

macro_rules! scratch {
    ($($t:ty)*) => { $(
        impl Scratch for $t {
            fn with_scratch<R>(n: usize, body: impl FnOnce(&mut [$t]) -> R) -> R {
                thread_local! {
                    static SCRATCH: Cell<Vec<$t>> = const { Cell::new(Vec::new()) };
                }
                let mut scratch = SCRATCH.take();
                if scratch.len() < n {
                    scratch.resize(n, 0.0);
                }
                let result = body(&mut scratch[..n]);
                if scratch.capacity() * size_of::<$t>() <= tuning::KEPT {
                    SCRATCH.set(scratch);
                }
                result
            }
        }
    )* };
}
scratch!(f32 f64);

/// The operands of a call.
struct Lines<'a, E, const K: usize> {
    data: [&'a [E]; K],
    /// Over all axes but the one of the lines.
    starts: Nest<K>,
    strides: [isize; K],
    n: usize,
    /// Whether the results are better written past the caches.
    stream: bool,
}

/// `out = op(x)` along `axis`.
pub(super) fn map<E: Source<Wide: Scratch>, const K: usize>(
    op: &'static str,
    cost: Cost,
    x: [View<'_>; K],
    axis: usize,
    mut out: ViewMut<'_>,
    body: &dyn LineOp<E::Wide, K>,
) -> Result<()> {
    let to = out.layout();
    for x in &x {
        check(op, &[x.layout(), to], axis)?;
    }
    let mut data: [&[E]; K] = [&[]; K];
    for (data, x) in data.iter_mut().zip(&x) {
        *data = x.host::<E>()?;
    }
    let out = out.host_mut::<E>()?;
    if to.is_empty() {
        return Ok(());
    }
    let layouts: [&Layout; K] = std::array::from_fn(|k| x[k].layout());
    let shape = Shape3::of(to.shape(), axis);
    let lines = Lines {
        data,
        starts: Nest::over(layouts, (0..to.rank()).filter(|&d| d != axis)),
        strides: layouts.map(|l| l.strides().get(axis).copied().unwrap_or(1)),
        n: shape.n,
        stream: to.contiguous_range().is_some() && tuning::streams(to.numel() * size_of::<E>()),
    };
    if let Some(range) = to.contiguous_range() {
        lines.run(cost, shape, &mut out[range], body);
    } else {
        let mut results = vec![E::zeroed(); to.numel()];
        lines.run(cost, shape, &mut results, body);
        spread(to, results, out);
    }
    Ok(())
}

impl<E: Source<Wide: Scratch>, const K: usize> Lines<'_, E, K> {
    fn run(&self, cost: Cost, shape: Shape3, out: &mut [E], body: &dyn LineOp<E::Wide, K>) {
        let Shape3 { outer, n, inner } = shape;
        let vector = lanes::<E::Wide>();
        if inner >= vector && n <= tuning::LONG {
            let stretch = if n <= tuning::LONG / tuning::STRETCH { tuning::STRETCH * vector } else { vector };
            let widest = (tuning::TILE / n).clamp(stretch, tuning::WIDEST) / vector * vector;
            let least = stretch.min(inner);
            let width = match cost.tasks(outer * inner, n) {
                1 => widest,
                tasks => (outer * inner).div_ceil(tasks).clamp(least, widest),
            };
            parallel_columns_mut(out, (n, inner), width, |block, first, mut out| {
                let lines = out.width();
                let width = lines.max(vector);
                self.with_tiles(width, |tiles, result| {
                    self.gather_tiles(block * inner + first, lines, tiles);
                    body.tile(std::array::from_fn(|k| &*tiles[k]), width, result);
                    for (i, row) in result.chunks_exact(width).enumerate() {
                        E::narrow_all(row, out.row(i));
                    }
                });
            });
            return;
        }
        let per = match cost.tasks(outer, n * inner) {
            1 => outer,
            tasks => outer.div_ceil(tasks),
        };
        parallel_chunks_mut(out, per * n * inner, |i, out| {
            let first = i * per * inner;
            if n < tuning::SHORT || (inner > 1 && n <= tuning::ACROSS) {
                self.across(first, inner, out, body);
            } else {
                self.rows(first, inner, out, body);
            }
        });
    }

    /// Runs `body` with tiles of `width` columns, for the operands and for the result. What they hold is left over.
    fn with_tiles(&self, width: usize, body: impl FnOnce(&mut [&mut [E::Wide]; K], &mut [E::Wide])) {
        let size = self.n * width;
        E::Wide::with_scratch((K + 1) * size, |scratch| {
            let (result, rest) = scratch.split_at_mut(size);
            let mut tiles = rest.chunks_exact_mut(size);
            body(&mut std::array::from_fn(|_| tiles.next().unwrap_or_default()), result);
        });
    }

    /// Copies lines from number `first` on to the columns of tiles.
    fn gather_tiles(&self, first: usize, lines: usize, tiles: &mut [&mut [E::Wide]; K]) {
        let mut done = 0;
        self.starts.for_each_run_in(first..first + lines, |starts, count, strides| {
            for k in 0..K {
                let width = tiles[k].len() / self.n;
                for (i, row) in tiles[k].chunks_exact_mut(width).enumerate() {
                    let from = starts[k] + i as isize * self.strides[k];
                    gather(self.data[k], from, strides[k], &mut row[done..done + count]);
                }
            }
            done += count;
        });
    }

    /// Lines from number `first` on, side by side. `out` is `[.., n, inner]`.
    fn across(&self, first: usize, inner: usize, out: &mut [E], body: &dyn LineOp<E::Wide, K>) {
        let n = self.n;
        let vector = lanes::<E::Wide>();
        let lines = out.len() / n;
        let most = (tuning::TILE / n).clamp(vector, tuning::WIDEST).min(lines).max(vector);
        self.with_tiles(most, |tiles, result| {
            for at in (0..lines).step_by(most) {
                let count = most.min(lines - at);
                self.gather_tiles(first + at, count, tiles);
                body.tile(std::array::from_fn(|k| &*tiles[k]), most, result);
                for line in 0..count {
                    let (block, column) = ((at + line) / inner, (at + line) % inner);
                    let start = block * n * inner + column;
                    for (i, row) in result.chunks_exact(most).enumerate() {
                        out[start + i * inner] = E::narrow(row[line]);
                    }
                }
            }
        });
    }

    /// Lines from number `first` on, one after the other. `out` is `[.., n, inner]`.
    fn rows(&self, first: usize, inner: usize, out: &mut [E], body: &dyn LineOp<E::Wide, K>) {
        let n = self.n;
        let lines = out.len() / n;
        let mut copies: [Vec<E::Wide>; K] = [const { Vec::new() }; K];
        let mut result = Vec::new();
        let mut done = 0;
        self.starts.for_each_run_in(first..first + lines, |starts, count, strides| {
            let follow = inner == 1 && self.strides == [1; K] && strides == [n as isize; K];
            let whole: [Option<&[E::Wide]>; K] = std::array::from_fn(|k| {
                let from = starts[k] as usize;
                follow.then(|| E::direct(&self.data[k][from..from + count * n])).flatten()
            });
            if whole.iter().all(Option::is_some)
                && let Some(to) = E::direct_mut(&mut out[done * n..(done + count) * n])
            {
                done += count;
                let more = (0..K).all(|k| starts[k] as usize + (count + 1) * n <= self.data[k].len());
                let among = Among { more, stream: self.stream };
                return body.rows(whole.map(Option::unwrap_or_default), n, among, to);
            }
            for line in 0..count {
                let from: [isize; K] = std::array::from_fn(|k| starts[k] + line as isize * strides[k]);
                let direct: [Option<&[E::Wide]>; K] = std::array::from_fn(|k| match self.strides[k] {
                    1 => E::direct(&self.data[k][from[k] as usize..from[k] as usize + n]),
                    _ => None,
                });
                for k in 0..K {
                    if direct[k].is_none() {
                        copies[k].resize(n, E::Wide::default());
                        gather(self.data[k], from[k], self.strides[k], &mut copies[k]);
                    }
                }
                let x: [&[E::Wide]; K] = std::array::from_fn(|k| direct[k].unwrap_or(&copies[k]));
                let (block, column) = (done / inner, done % inner);
                let to = &mut out[block * n * inner..(block + 1) * n * inner];
                done += 1;
                if inner == 1
                    && let Some(to) = E::direct_mut(to)
                {
                    body.row(x, to);
                    continue;
                }
                result.resize(n, E::Wide::default());
                body.row(x, &mut result);
                for (i, &v) in result.iter().enumerate() {
                    to[column + i * inner] = E::narrow(v);
                }
            }
        });
    }
}

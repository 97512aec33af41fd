//! Copies of blocks of the operands, as the register tile reads them fastest.

use std::ops::Range;

use rusttorch_backend::{Element, HostBuffer, Result};

use super::micro::{Matrix, Plane};
use crate::arch::{Isa, LINE, Real};
use crate::float::Float;
use crate::tuning::gemm::AHEAD;

/// Memory for copies, from the pool.
#[derive(Debug)]
pub(super) struct Scratch(HostBuffer);

impl Scratch {
    /// Room for some elements. Error: `Memory`.
    pub(super) fn new<T: Element>(elements: usize) -> Result<Scratch> {
        HostBuffer::alloc(elements.saturating_mul(size_of::<T>())).map(Scratch)
    }

    pub(super) fn get<T: Element>(&self) -> &[T] {
        bytemuck::cast_slice(self.0.as_bytes())
    }

    pub(super) fn get_mut<T: Element>(&mut self) -> &mut [T] {
        // Memory of the pool is never read-only.
        self.0.as_bytes_mut().map_or(&mut [], bytemuck::cast_slice_mut)
    }
}

/// Rows in tiles of at most `most`: the first one full, as it may have to copy `b`, the others of equal height,
/// since a tile of one or two rows left over would waste most of the multiplier.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiles {
    rows: usize,
    most: usize,
}

impl Tiles {
    pub(super) fn new(rows: usize, most: usize) -> Self {
        Tiles { rows, most }
    }

    pub(super) fn count(self) -> usize {
        self.rows.div_ceil(self.most)
    }

    #[inline(always)]
    pub(super) fn range(self, index: usize) -> Range<usize> {
        if index == 0 {
            return 0..self.rows.min(self.most);
        }
        let (rest, count) = (self.rows - self.most, self.count() - 1);
        let start = |i: usize| self.most + rest * i / count;
        start(index - 1)..start(index)
    }
}

/// Rows of `b` of `width` elements, short ones filled up with zeros, which no result sees.
#[inline(always)]
pub(super) fn panel<V: Real>(isa: V::Isa, b: Matrix<'_, V::Scalar>, width: usize, to: &mut [V::Scalar])
where
    V::Scalar: Element,
{
    let Plane { rows: depth, columns, row, column } = b.plane();
    let to = &mut to[..depth * width];
    if columns < width {
        to.fill(V::Scalar::default());
    }
    if column == 1 {
        for (k, to) in to.chunks_exact_mut(width).enumerate() {
            let from = b.line(k);
            // A CPU that foresees steps does so within a page.
            for lane in (0..width).step_by(V::LANES) {
                b.fetch(k + AHEAD, lane);
            }
            if from.len() == width {
                let (from, to) = (V::chunks(from).0, V::chunks_mut(to).0);
                for (from, to) in from.iter().zip(to) {
                    *to = *from;
                }
            } else {
                to[..columns].copy_from_slice(from);
            }
        }
        return;
    }
    let mut done = 0;
    if row == 1 && column > 0 {
        while done + V::LANES <= columns {
            let whole = depth - depth % V::LANES;
            for k in (0..whole).step_by(V::LANES) {
                let from = b.part(k..k + V::LANES, done..done + V::LANES).tail();
                V::transpose(isa, from, column as usize, &mut to[k * width + done..], width);
            }
            for k in whole..depth {
                for j in done..done + V::LANES {
                    to[k * width + j] = b.get(k, j);
                }
            }
            done += V::LANES;
        }
    }
    for j in done..columns {
        if row == 1 {
            for (to, &v) in to[j..].iter_mut().step_by(width).zip(b.transposed().line(j)) {
                *to = v;
            }
        } else {
            for (k, to) in to[j..].iter_mut().step_by(width).enumerate() {
                *to = b.get(k, j);
            }
        }
    }
}

/// A copy of a block of `a`: row by row, or tile by tile where its columns lie side by side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left<'a, T> {
    data: &'a [T],
    tiles: Tiles,
    depth: usize,
    tiled: bool,
}

impl<'a, T: Float> Left<'a, T> {
    /// Copies a block; `to` has room for its elements.
    #[inline(always)]
    pub(super) fn pack(a: Matrix<'_, T>, most: usize, to: &'a mut [T]) -> Left<'a, T> {
        let Plane { rows, columns: depth, row, column } = a.plane();
        let tiles = Tiles::new(rows, most);
        let tiled = row == 1 && column != 1;
        let data = &mut to[..rows * depth];
        if tiled {
            for range in (0..tiles.count()).map(|i| tiles.range(i)) {
                tile(a.part(range.clone(), 0..depth), &mut data[range.start * depth..range.end * depth]);
            }
        } else if depth > 0 {
            for (i, to) in data.chunks_exact_mut(depth).enumerate() {
                if column == 1 {
                    // Rows lie apart, and each would begin with a wait.
                    for k in (0..depth).step_by(LINE / size_of::<T>()) {
                        a.fetch(i + 1, k);
                    }
                    to.copy_from_slice(a.line(i));
                } else {
                    for (k, to) in to.iter_mut().enumerate() {
                        *to = a.get(i, k);
                    }
                }
            }
        }
        Left { data, tiles, depth, tiled }
    }

    /// A block that lies in memory as [`pack`](Self::pack) left it.
    pub(super) fn packed(a: Matrix<'_, T>, most: usize, data: &'a [T]) -> Left<'a, T> {
        let Plane { rows, columns: depth, row, column } = a.plane();
        Left { data, tiles: Tiles::new(rows, most), depth, tiled: row == 1 && column != 1 }
    }

    /// The rows of a tile.
    #[inline(always)]
    pub(super) fn tile(&self, index: usize) -> Matrix<'a, T> {
        let range = self.tiles.range(index);
        let data = &self.data[range.start * self.depth..range.end * self.depth];
        match self.tiled {
            true => Matrix::dense(data, self.depth, range.len()).transposed(),
            false => Matrix::dense(data, range.len(), self.depth),
        }
    }
}

/// Columns of a few elements one after the other. Each is copied as more than it is, where there is more, and the
/// next one overwrites what is too much.
#[inline(always)]
fn tile<T: Float>(a: Matrix<'_, T>, to: &mut [T]) {
    const MORE: usize = 16;
    let (rows, columns) = (a.rows(), a.transposed());
    for k in 0..columns.rows() {
        let from = columns.part(k..k + 1, 0..rows).tail();
        let to = &mut to[k * rows..];
        match (from.first_chunk::<MORE>(), to.first_chunk_mut::<MORE>()) {
            (Some(from), Some(to)) => *to = *from,
            _ => to[..rows].copy_from_slice(&from[..rows]),
        }
    }
}

/// The width of a panel of columns on this level.
#[inline(always)]
pub(super) fn width<V: Real>() -> usize {
    <V::Isa as Isa>::COLUMNS * V::LANES
}

//! Tiles: copies of elements that do not lie side by side. They belong to a thread and are kept, since filling
//! fresh ones with zeros would cost more than many an op.

use std::cell::Cell;

use rusttorch_backend::Element;

use super::turn::Turn;
use crate::arch::plain::{bytes_of, bytes_of_mut, elements_of, elements_of_mut};
use crate::arch::{Isa, Kernel, Level};

/// Bytes of a tile: those of the operands of an op stay in the first cache.
pub(super) const TILE_BYTES: usize = 8192;

/// Elements that are gathered at a time, of any type.
pub(super) const TILE: usize = 1024;

/// Columns of a block whose columns, or some operand's, lie side by side.
pub(super) const COLUMNS: usize = 32;

/// Rows of such a block: a read of a column takes whole lines of the cache, as many as a tile has room for.
pub(super) const fn rows(size: usize) -> usize {
    if size < 8 { 64 } else { 32 }
}

/// Runs `$body` with `$W` bound to a type of so many bytes.
macro_rules! by_size {
    ($size:expr, $W:ident => $body:expr) => {
        match $size {
            1 => {
                type $W = u8;
                $body
            }
            2 => {
                type $W = i16;
                $body
            }
            4 => {
                type $W = i32;
                $body
            }
            _ => {
                type $W = i64;
                $body
            }
        }
    };
}

#[repr(align(64))]
struct Lines<const N: usize>([[i64; TILE_BYTES / 8]; N]);

macro_rules! kept {
    ($(#[$doc:meta])* $Name:ident, $KEPT:ident of $n:literal) => {
        thread_local! {
            static $KEPT: Cell<Option<Box<Lines<$n>>>> = const { Cell::new(None) };
        }

        $(#[$doc])*
        pub(super) struct $Name(Option<Box<Lines<$n>>>);

        impl $Name {
            /// Those of this thread; fresh ones while others have them.
            pub(super) fn take() -> $Name {
                let kept = $KEPT.try_with(Cell::take).ok().flatten();
                $Name(Some(kept.unwrap_or_else(|| Box::new(Lines([[0; TILE_BYTES / 8]; $n])))))
            }
        }

        impl Drop for $Name {
            fn drop(&mut self) {
                // A thread that ends keeps nothing.
                let _ = $KEPT.try_with(|kept| kept.set(self.0.take()));
            }
        }
    };
}
kept! {
    /// The tiles of three operands and a result.
    Tiles, TILES of 4
}
kept! {
    /// A tile for what a body in place overwrites.
    Aside, ASIDE of 1
}

impl Tiles {
    /// The tiles, that of the result first.
    pub(super) fn split(&mut self) -> (&mut [u8], [&mut [u8]; 3]) {
        match &mut self.0 {
            Some(lines) => {
                let [out, a, b, c] = &mut lines.0;
                (bytes_of_mut(out), [bytes_of_mut(a), bytes_of_mut(b), bytes_of_mut(c)])
            }
            // Only while it is dropped.
            None => (&mut [], [&mut [], &mut [], &mut []]),
        }
    }
}

impl Aside {
    /// As elements.
    pub(super) fn elements<T: Element>(&mut self) -> &mut [T] {
        match &mut self.0 {
            Some(lines) => elements_of_mut(bytes_of_mut(&mut lines.0[0])),
            None => &mut [],
        }
    }
}

/// A line of elements in an operand: where it starts, how far apart they are, how many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) from: isize,
    pub(super) stride: isize,
    pub(super) n: usize,
}

/// Copies a run of elements of `size` bytes to place `at` of a tile.
pub(super) fn gather(size: usize, tile: &mut [u8], at: usize, data: &[u8], run: Run) {
    by_size!(size, W => gather_run::<W>(&mut elements_of_mut(tile)[at..at + run.n], elements_of(data), run));
}

#[inline(always)]
fn gather_run<W: Element>(slots: &mut [W], data: &[W], Run { from, stride, n }: Run) {
    match stride {
        1 => slots.copy_from_slice(&data[from as usize..from as usize + n]),
        0 => slots.fill(data[from as usize]),
        2.. => {
            let spread = data[from as usize..].iter().step_by(stride as usize);
            slots.iter_mut().zip(spread).for_each(|(slot, &v)| *slot = v);
        }
        -1 => reverse(slots, &data[from as usize + 1 - n..][..n]),
        _ => {
            let spread = data[..from as usize + 1].iter().rev().step_by(stride.unsigned_abs());
            slots.iter_mut().zip(spread).for_each(|(slot, &v)| *slot = v);
        }
    }
}

/// Copies elements of a slice of equal length, the last one first. By arrays, which vectors turn round in a few steps.
fn reverse<W: Element>(slots: &mut [W], run: &[W]) {
    let (slots, last) = slots.as_chunks_mut::<16>();
    let (first, run) = run.as_rchunks::<16>();
    for (slots, run) in slots.iter_mut().zip(run.iter().rev()) {
        *slots = *run;
        slots.reverse();
    }
    for (slot, &v) in last.iter_mut().zip(first.iter().rev()) {
        *slot = v;
    }
}

/// Copies elements of `size` bytes from place `at` of a tile to a run.
pub(super) fn scatter(size: usize, tile: &[u8], at: usize, data: &mut [u8], run: Run) {
    by_size!(size, W => scatter_run::<W>(&elements_of(tile)[at..at + run.n], elements_of_mut(data), run));
}

#[inline(always)]
fn scatter_run<W: Element>(values: &[W], data: &mut [W], Run { from, stride, n }: Run) {
    if stride == 1 {
        data[from as usize..from as usize + n].copy_from_slice(values);
    } else {
        for (i, &v) in values.iter().enumerate() {
            data[(from + i as isize * stride) as usize] = v;
        }
    }
}

/// A rectangle of elements in an operand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) from: isize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// From row to row, and from column to column.
    pub(super) strides: [isize; 2],
}

impl Block {
    /// Whether all of it lies in one piece, row after row.
    pub(super) fn is_piece(&self) -> bool {
        self.strides[1] == 1 && (self.rows == 1 || self.strides[0] == self.columns as isize)
    }

    fn row(&self, i: usize) -> Run {
        Run { from: self.from + i as isize * self.strides[0], stride: self.strides[1], n: self.columns }
    }
}

/// Copies a block to a tile, row after row, reading along the axis on which neighbours are nearer.
pub(super) fn gather_block(size: usize, tile: &mut [u8], data: &[u8], block: Block) {
    by_size!(size, W => gather_rectangle::<W>(elements_of_mut(tile), elements_of(data), block));
}

fn gather_rectangle<W: Element>(tile: &mut [W], data: &[W], block: Block) {
    let Block { from: start, rows, columns, strides: [down, right] } = block;
    if right.unsigned_abs() <= down.unsigned_abs() || right == 0 {
        for (i, slots) in tile[..rows * columns].chunks_mut(columns).enumerate() {
            let run = block.row(i);
            match right {
                // Calls of `memcpy` would take longer than short rows do.
                1 if columns < 16 => {
                    let row = &data[run.from as usize..][..columns];
                    slots.iter_mut().zip(row).for_each(|(slot, &v)| *slot = v);
                }
                _ => gather_run(slots, data, run),
            }
        }
        return;
    }
    if down == 1 {
        // From the first element on, with the columns the other way round if they go backwards.
        let first = if right < 0 { start + (columns as isize - 1) * right } else { start };
        let (from, to) = (bytes_of(&data[first as usize..]), bytes_of_mut(&mut *tile));
        let turn = Turn { from, step: right.unsigned_abs(), to, to_step: columns, rows, columns };
        // Bits are the same on all levels, so the best one is taken.
        if turn.run(Level::current(), size_of::<W>(), false) {
            if right < 0 {
                tile[..rows * columns].chunks_mut(columns).for_each(<[W]>::reverse);
            }
            return;
        }
        if size_of::<W>() < 4 && (rows, columns) == (self::rows(size_of::<W>()), COLUMNS) {
            return Level::current().enter(Shuffle { tile, data, from: start, right });
        }
    }
    for j in 0..columns {
        let at = start + j as isize * right;
        for i in 0..rows {
            tile[i * columns + j] = data[(at + i as isize * down) as usize];
        }
    }
}

/// A whole block of columns that lie side by side, of elements of one or two bytes.
struct Shuffle<'a, W> {
    tile: &'a mut [W],
    data: &'a [W],
    from: isize,
    right: isize,
}

impl<W: Element> Kernel for Shuffle<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        self.shuffle::<64, 128, 512>();
    }
}

impl<'a, W: Element> Shuffle<'a, W> {
    #[inline(always)]
    fn column<const ROWS: usize>(&self, j: usize) -> Option<&'a [W; ROWS]> {
        let at = (self.from + j as isize * self.right) as usize;
        self.data[at..].first_chunk()
    }

    /// Perfect shuffles: with every one that interleaves two or four parts of the block, one or two bits go from
    /// the upper end of an element's position to the lower, and after five it is transposed. Vectors have
    /// instructions for that.
    #[inline(always)]
    fn shuffle<const ROWS: usize, const TWO: usize, const EIGHT: usize>(self) {
        let mut twos = [[[W::zeroed(); 2]; ROWS]; 16];
        for (j, twos) in twos.iter_mut().enumerate() {
            let (Some(a), Some(b)) = (self.column::<ROWS>(j), self.column::<ROWS>(j + 16)) else { return };
            for i in 0..ROWS {
                twos[i] = [a[i], b[i]];
            }
        }
        let mut eights = [[[W::zeroed(); 4]; TWO]; 4];
        for (j, eights) in eights.iter_mut().enumerate() {
            let part = |k: usize| twos[j + 4 * k].as_flattened().first_chunk::<TWO>();
            let (Some(a), Some(b), Some(c), Some(d)) = (part(0), part(1), part(2), part(3)) else { return };
            for i in 0..TWO {
                eights[i] = [a[i], b[i], c[i], d[i]];
            }
        }
        let part = |k: usize| eights[k].as_flattened().first_chunk::<EIGHT>();
        let (Some(a), Some(b), Some(c), Some(d)) = (part(0), part(1), part(2), part(3)) else { return };
        let (tile, _) = self.tile.as_chunks_mut::<4>();
        let Some(tile) = tile.first_chunk_mut::<EIGHT>() else { return };
        for i in 0..EIGHT {
            tile[i] = [a[i], b[i], c[i], d[i]];
        }
    }
}

/// Copies a tile to a block, row after row.
pub(super) fn scatter_block(size: usize, tile: &[u8], data: &mut [u8], block: Block) {
    by_size!(size, W => scatter_rectangle::<W>(elements_of(tile), elements_of_mut(data), block));
}

fn scatter_rectangle<W: Element>(tile: &[W], data: &mut [W], block: Block) {
    if (block.strides[1], block.columns) == (1, COLUMNS) {
        // Of one length, so that it is no call of `memcpy`.
        for (i, row) in tile.as_chunks::<COLUMNS>().0.iter().enumerate() {
            if let Some(to) = data[block.row(i).from as usize..].first_chunk_mut() {
                *to = *row;
            }
        }
        return;
    }
    for (i, row) in tile.chunks(block.columns).enumerate() {
        scatter_run(row, data, block.row(i));
    }
}

/// Fills `n` slots of a tile with `period` elements at `from` that repeat, the first slot being number `phase`.
pub(super) fn repeat(
    size: usize,
    tile: &mut [u8],
    n: usize,
    data: &[u8],
    from: isize,
    period: usize,
    phase: usize,
) {
    by_size!(size, W => {
        let slots = &mut elements_of_mut::<W>(tile)[..n];
        let data = &elements_of::<W>(data)[from as usize..from as usize + period];
        if let [value] = data {
            return slots.fill(*value);
        }
        let first = period.min(n);
        for (i, slot) in slots[..first].iter_mut().enumerate() {
            let at = phase + i;
            *slot = data[if at < period { at } else { at - period }];
        }
        let mut filled = first;
        while filled < n {
            let more = filled.min(n - filled);
            slots.copy_within(..more, filled);
            filled += more;
        }
    });
}

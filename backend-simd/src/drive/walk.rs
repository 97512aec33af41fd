//! The ways to walk: dense, with operands that repeat, in blocks, run by run.

use std::ops::Range;

use rusttorch_backend::Layout;

use super::Way;
use super::loops::{Axis, Loops, OPERANDS};
use super::tile::{
    Block, COLUMNS, Run, TILE, TILE_BYTES, Tiles, gather, gather_block, repeat, rows, scatter, scatter_block,
};
use super::turn::Turn;
use crate::arch::Level;
use crate::arch::threads::{parallel_chunks_mut, parallel_each};
use crate::tuning::Cost;
use crate::tuning::drive as tuning;

/// How a walk in blocks goes: rows along `axis`, columns along the last axis, and the most of each.
#[derive(Debug, Clone, Copy)]
struct Blocks {
    axis: usize,
    rows: usize,
    columns: usize,
}

/// What is handed over at a time where operands repeat.
#[derive(Debug, Clone, Copy)]
enum Piece {
    /// Whole periods of so many elements, as many as a thread has, of the operand as it lies.
    Periods(usize),
    /// So many elements, for which what repeats is copied to a tile once.
    Tiles(usize),
}

/// What a walk hands over: operands, the output, and the way: past the caches only memory of the tensor itself, no tile.
pub(super) type Body<'a> = dyn Fn(&[&[u8]], &mut [u8], Way) + Sync + 'a;

/// Pieces of the tensor itself, and tiles.
const PAST: Way = Way { stream: true, row: 0, shared: false };
const NEAR: Way = Way { stream: false, row: 0, shared: false };

#[derive(Debug, Clone, Copy)]
pub(super) struct Operand<'a> {
    pub(super) data: &'a [u8],
    /// Bytes of an element.
    pub(super) size: usize,
    pub(super) layout: &'a Layout,
}

pub(super) struct Output<'a> {
    pub(super) data: &'a mut [u8],
    /// Bytes of an element.
    pub(super) size: usize,
    pub(super) layout: &'a Layout,
    /// Whether the body reads what the output held.
    pub(super) read: bool,
}

/// What a body does with what it is handed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// It takes slices as long as that of the output.
    Even,
    /// It also takes a slice of one element for an operand that is the same everywhere, of a period for those that repeat, of
    /// one element for each row, and of a row that is the same for all.
    Ones,
    /// It copies the bytes of its only operand, which may therefore be moved without it; past the caches if `stream`.
    Moves { stream: bool },
}

impl Kind {
    fn ones(self) -> bool {
        self == Kind::Ones
    }
}

/// A walk over part of the elements, on one thread.
struct Walk<'a> {
    loops: &'a Loops,
    inputs: &'a [Operand<'a>],
    out_size: usize,
    read: bool,
    kind: Kind,
    body: &'a Body<'a>,
}

/// Calls `body` until every element of the output has been written. Shapes are equal, and not empty; at most three
/// inputs.
pub(super) fn walk(cost: Cost, inputs: &[Operand<'_>], out: Output<'_>, kind: Kind, body: &Body<'_>) {
    let mut layouts = [out.layout; OPERANDS];
    for (layout, input) in layouts[1..].iter_mut().zip(inputs) {
        *layout = input.layout;
    }
    let loops = Loops::new(layouts);
    let n = out.layout.numel();
    let start = loops.base[0] as usize;
    let walk = Walk { loops: &loops, inputs, out_size: out.size, read: out.read, kind, body };
    let dense = loops.period(0) == Some(n);
    if dense {
        let mut periods = [n; OPERANDS];
        let repeating = (1..=inputs.len()).all(|k| match loops.period(k) {
            Some(period) => {
                periods[k] = period;
                true
            }
            None => false,
        });
        if let Some(piece) = repeating.then(|| walk.piece(n, &periods)).flatten() {
            let data = &mut out.data[start * out.size..][..n * out.size];
            let chunk = match piece {
                Piece::Periods(period) => cost.chunk(n).next_multiple_of(period),
                Piece::Tiles(_) => cost.chunk(n),
            };
            parallel_chunks_mut(data, chunk * out.size, |i, out| {
                walk.repeating(i * chunk, piece, &periods, out)
            });
            return;
        }
    }
    // Longer rows than a task is worth are split, too.
    if let Some(row) = walk.whole_rows().filter(|&row| dense && row <= cost.chunk(n)) {
        let data = &mut out.data[start * out.size..][..n * out.size];
        let chunk = cost.chunk(n).next_multiple_of(row);
        parallel_chunks_mut(data, chunk * out.size, |i, out| walk.rows(i * chunk / row, row, out));
        return;
    }
    let blocks = walk.block_axis().or_else(|| walk.row_axis());
    let unit = match blocks {
        Some(blocks) => loops.inner(blocks.axis + 1) * blocks.rows,
        None => 1,
    };
    let task = |range: Range<usize>, out: &mut [u8], start: isize| match blocks {
        Some(blocks) => walk.blocks(blocks, range, out, start),
        None => walk.runs(range, out, start, dense),
    };
    let chunk = cost.chunk(n).next_multiple_of(unit);
    if chunk >= n || !loops.ascending() {
        return task(0..n, out.data, 0);
    }
    // Parts of the memory, one for each range of elements.
    let mut parts = Vec::with_capacity(n.div_ceil(chunk));
    let (mut rest, mut from) = (out.data, 0);
    for first in (0..n).step_by(chunk) {
        let last = n.min(first + chunk);
        let to = match last < n {
            true => loops.position(0..loops.axes.len(), loops.base, last)[0],
            false => from + (rest.len() / out.size) as isize,
        };
        let (part, more) = rest.split_at_mut((to - from) as usize * out.size);
        parts.push((first..last, part, from));
        (rest, from) = (more, to);
    }
    parallel_each(&mut parts, |_, (range, part, from)| task(range.clone(), part, *from));
}

impl Walk<'_> {
    /// What to hand over at a time where operands repeat. `None` where their periods are too long for a tile.
    fn piece(&self, n: usize, periods: &[usize; OPERANDS]) -> Option<Piece> {
        let repeating = || {
            let operands = self.inputs.iter().zip(&periods[1..]);
            operands.filter(|&(_, &period)| period < n && !(self.kind.ones() && period == 1))
        };
        let Some(longest) = repeating().map(|(_, &period)| period).max() else {
            return Some(Piece::Tiles(n));
        };
        if self.kind.ones()
            && longest >= tuning::LONG_PERIOD
            && repeating().all(|(_, &period)| period == longest)
        {
            return Some(Piece::Periods(longest));
        }
        let (mut common, mut room) = (1, n);
        for (input, &period) in repeating() {
            room = room.min(TILE_BYTES / input.size);
            common = lcm(common, period)?;
        }
        (common <= room).then(|| Piece::Tiles(room / common * common))
    }

    /// The elements from number `start` on, of a dense output and operands that are dense or repeat.
    fn repeating(&self, start: usize, piece: Piece, periods: &[usize; OPERANDS], out: &mut [u8]) {
        let total = out.len() / self.out_size;
        let (piece, tiled) = match piece {
            Piece::Periods(_) => (total, false),
            Piece::Tiles(piece) => (piece.min(total), true),
        };
        let mut tiles = None;
        let mut pieces: [&[u8]; 3] = [&[]; 3];
        let all = self.loops.inner(0);
        let repeats = |period: usize| tiled && period < all && !(self.kind.ones() && period == 1);
        if periods[1..=self.inputs.len()].iter().any(|&period| repeats(period)) {
            let (_, slots) = tiles.insert(Tiles::take()).split();
            for ((k, input), tile) in self.inputs.iter().enumerate().zip(slots) {
                let period = periods[k + 1];
                if repeats(period) {
                    let from = self.loops.base[k + 1];
                    repeat(input.size, tile, piece, input.data, from, period, start % period);
                    pieces[k] = tile;
                }
            }
        }
        for (i, out) in out.chunks_mut(piece * self.out_size).enumerate() {
            let n = out.len() / self.out_size;
            let mut operands: [&[u8]; 3] = [&[]; 3];
            for (k, input) in self.inputs.iter().enumerate() {
                let base = self.loops.base[k + 1] as usize;
                operands[k] = match periods[k + 1] {
                    period if repeats(period) => &pieces[k][..n * input.size],
                    period if period < all => &input.data[base * input.size..][..period * input.size],
                    _ => &input.data[(base + start + i * piece) * input.size..][..n * input.size],
                };
            }
            (self.body)(&operands[..self.inputs.len()], out, PAST);
        }
    }

    /// Elements of a row, where every operand is dense, has one element for each row, these side by side, or is the same
    /// everywhere or in every row, for a body that takes such rows many at a time.
    fn whole_rows(&self) -> Option<usize> {
        let [rows, inner] = &self.loops.axes[..] else { return None };
        let n = inner.size as isize;
        let fits = |k: usize| {
            let strides = [rows.strides[k], inner.strides[k]];
            [[n, 1], [1, 0], [0, 1], [0, 0]].contains(&strides)
        };
        (self.kind.ones() && inner.size >= tuning::LONG && (1..=self.inputs.len()).all(fits))
            .then_some(inner.size)
    }

    /// Whole rows of `row` elements, from number `first` on.
    fn rows(&self, first: usize, row: usize, out: &mut [u8]) {
        let [axis, inner] = &self.loops.axes[..] else { return };
        let count = out.len() / self.out_size / row;
        let is_shared = |k: usize| (axis.strides[k], inner.strides[k]) == (0, 1);
        let shared = (1..=self.inputs.len()).any(is_shared);
        if shared && count == row {
            // By its length an operand would not tell which of the two it has.
            let (most, last) = out.split_at_mut((count - 1) * row * self.out_size);
            self.rows(first, row, most);
            self.rows(first + count - 1, row, last);
            return;
        }
        let mut operands: [&[u8]; 3] = [&[]; 3];
        for (k, input) in self.inputs.iter().enumerate() {
            let step = axis.strides[k + 1] as usize;
            let from = self.loops.base[k + 1] as usize + first * step;
            let n = match step {
                0 if is_shared(k + 1) => row,
                0 => 1,
                _ => count * step,
            };
            operands[k] = &input.data[from * input.size..][..n * input.size];
        }
        (self.body)(&operands[..self.inputs.len()], out, Way { stream: true, row, shared });
    }

    /// The axis along which some operand has its neighbours, while the innermost loop jumps from line to line of
    /// the cache.
    fn block_axis(&self) -> Option<Blocks> {
        let (inner, outer) = self.loops.axes.split_last()?;
        if inner.size < tuning::WORTH_BLOCKS {
            return None;
        }
        let axis = self.inputs.iter().enumerate().find_map(|(k, input)| {
            let bytes = |stride: isize| stride.unsigned_abs() * input.size;
            if bytes(inner.strides[k + 1]) < 32 {
                return None;
            }
            outer.iter().position(|axis| {
                axis.size >= tuning::WORTH_BLOCKS && (1..=16).contains(&bytes(axis.strides[k + 1]))
            })
        })?;
        let size = self.inputs.iter().map(|input| input.size).fold(self.out_size, usize::max);
        Some(Blocks { axis, rows: rows(size), columns: COLUMNS })
    }

    /// The axis of which many short rows are taken at a time.
    fn row_axis(&self) -> Option<Blocks> {
        let [.., rows, inner] = &self.loops.axes[..] else { return None };
        let worth = inner.size < tuning::LONG && inner.size * rows.size >= tuning::WORTH_ROWS;
        let axis = self.loops.axes.len() - 2;
        worth.then(|| Blocks { axis, rows: TILE / inner.size, columns: inner.size })
    }

    /// The elements of the numbers in `range`, whole rows along an axis, block by block. Position `start` of the
    /// output is the first of `out`.
    fn blocks(&self, blocks: Blocks, range: Range<usize>, out: &mut [u8], start: isize) {
        let loops = self.loops;
        let axis = blocks.axis;
        let last = loops.axes.len() - 1;
        let (rows, columns) = (loops.axes[axis], loops.axes[last]);
        let inner = loops.inner(axis + 1);
        let mut tiles = Tiles::take();
        let (result, mut slots) = tiles.split();
        let end = range.end / inner;
        let mut row = range.start / inner;
        while row < end {
            let height = blocks.rows.min(rows.size - row % rows.size).min(end - row);
            let corner = loops.position(0..axis + 1, loops.base, row);
            for middle in 0..inner / columns.size {
                let line = loops.position(axis + 1..last, corner, middle);
                if self.turn(height, (rows, columns), line, out, start) {
                    continue;
                }
                for column in (0..columns.size).step_by(blocks.columns) {
                    let width = blocks.columns.min(columns.size - column);
                    let n = height * width;
                    let block = |k: usize| Block {
                        from: line[k] + column as isize * columns.strides[k],
                        rows: height,
                        columns: width,
                        strides: [rows.strides[k], columns.strides[k]],
                    };
                    let mut operands: [&[u8]; 3] = [&[]; 3];
                    for ((k, input), tile) in self.inputs.iter().enumerate().zip(&mut slots) {
                        let block = block(k + 1);
                        operands[k] = if block.is_piece() {
                            &input.data[block.from as usize * input.size..][..n * input.size]
                        } else {
                            gather_block(input.size, tile, input.data, block);
                            &tile[..n * input.size]
                        };
                    }
                    let operands = &operands[..self.inputs.len()];
                    let to = Block { from: block(0).from - start, ..block(0) };
                    if to.is_piece() {
                        let out = &mut out[to.from as usize * self.out_size..][..n * self.out_size];
                        // Too short a piece for stores past the caches.
                        (self.body)(operands, out, NEAR);
                        continue;
                    }
                    let result = &mut result[..n * self.out_size];
                    if self.read {
                        gather_block(self.out_size, result, out, to);
                    }
                    (self.body)(operands, result, NEAR);
                    scatter_block(self.out_size, result, out, to);
                }
            }
            row += height;
        }
    }

    /// Moves `height` whole rows whose neighbours in the operand are those of other rows; false, and nothing done, for others.
    fn turn(
        &self,
        height: usize,
        (rows, columns): (Axis, Axis),
        line: [isize; OPERANDS],
        out: &mut [u8],
        start: isize,
    ) -> bool {
        let (Kind::Moves { stream }, [input]) = (self.kind, self.inputs) else { return false };
        let (Ok(step), Ok(to_step)) = (columns.strides[1].try_into(), rows.strides[0].try_into()) else {
            return false;
        };
        if (rows.strides[1], columns.strides[0]) != (1, 1) || to_step < columns.size {
            return false;
        }
        let (from, to) = (line[1] as usize * input.size, (line[0] - start) as usize * self.out_size);
        let (from, to) = (&input.data[from..], &mut out[to..]);
        Turn { from, step, to, to_step, rows: height, columns: columns.size }.run(
            Level::current(),
            input.size,
            stream,
        )
    }

    /// The elements of the numbers in `range`, run by run. Position `start` of the output is the first of `out`.
    fn runs(&self, range: Range<usize>, out: &mut [u8], start: isize, dense: bool) {
        let count = self.inputs.len();
        let Some(inner) = self.loops.axes.last() else { return };
        let strides = inner.strides;
        let plain = strides[..=count].iter().all(|&stride| stride == 1 || self.kind.ones() && stride == 0);
        let mut tiles = Tiles::take();
        let (result, mut slots) = tiles.split();
        // What waits in the tiles, and where it goes.
        let mut filled = 0;
        let mut pieces: Vec<Run> = Vec::new();
        let flush = |filled: usize,
                     pieces: &mut Vec<Run>,
                     slots: &[&mut [u8]; 3],
                     result: &mut [u8],
                     out: &mut [u8]| {
            if filled == 0 {
                return;
            }
            let operands: [&[u8]; 3] = std::array::from_fn(|k| {
                self.inputs.get(k).map_or(&[][..], |input| &slots[k][..filled * input.size])
            });
            let operands = &operands[..count];
            if let (true, [first, ..]) = (dense, &pieces[..]) {
                let at = first.from as usize * self.out_size;
                (self.body)(operands, &mut out[at..at + filled * self.out_size], PAST);
            } else {
                let result = &mut result[..filled * self.out_size];
                let mut at = 0;
                for &piece in pieces.iter().filter(|_| self.read) {
                    gather(self.out_size, result, at, out, piece);
                    at += piece.n;
                }
                (self.body)(operands, result, NEAR);
                at = 0;
                for &piece in &*pieces {
                    scatter(self.out_size, result, at, out, piece);
                    at += piece.n;
                }
            }
            pieces.clear();
        };
        self.loops.runs(range, |offsets, length| {
            if length >= tuning::LONG && strides[0] == 1 {
                flush(std::mem::take(&mut filled), &mut pieces, &slots, result, out);
                let step = if plain { length } else { TILE };
                for at in (0..length).step_by(step) {
                    let n = step.min(length - at);
                    let mut operands: [&[u8]; 3] = [&[]; 3];
                    for ((k, input), tile) in self.inputs.iter().enumerate().zip(&mut slots) {
                        let stride = strides[k + 1];
                        let from = offsets[k + 1] + at as isize * stride;
                        operands[k] = if stride == 1 || self.kind.ones() && stride == 0 {
                            let n = if stride == 1 { n } else { 1 };
                            &input.data[from as usize * input.size..][..n * input.size]
                        } else {
                            // A value that repeats is copied once, for the first piece of its run.
                            if stride != 0 || at == 0 {
                                gather(input.size, tile, 0, input.data, Run { from, stride, n });
                            }
                            &tile[..n * input.size]
                        };
                    }
                    let to = (offsets[0] - start) as usize + at;
                    (self.body)(
                        &operands[..count],
                        &mut out[to * self.out_size..][..n * self.out_size],
                        PAST,
                    );
                }
                return;
            }
            let mut at = 0;
            while at < length {
                let n = (length - at).min(TILE - filled);
                let part =
                    |k: usize| Run { from: offsets[k] + at as isize * strides[k], stride: strides[k], n };
                for ((k, input), tile) in self.inputs.iter().enumerate().zip(&mut slots) {
                    gather(input.size, tile, filled, input.data, part(k + 1));
                }
                if !dense || filled == 0 {
                    pieces.push(Run { from: part(0).from - start, ..part(0) });
                }
                (filled, at) = (filled + n, at + n);
                if filled == TILE {
                    flush(std::mem::take(&mut filled), &mut pieces, &slots, result, out);
                }
            }
        });
        flush(filled, &mut pieces, &slots, result, out);
    }
}

/// The least common multiple; `None` where it is too long for any tile.
fn lcm(a: usize, b: usize) -> Option<usize> {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x.max(1)).checked_mul(b).filter(|&lcm| lcm <= TILE_BYTES)
}

//! Rectangles whose columns lie side by side and whose rows are wanted so, of elements of four or eight bytes: square
//! by square, each in registers.

use crate::arch::plain::{elements_of, elements_of_mut};
use crate::arch::{Isa, Kernel, LINE, Level, Real, prefetch_far};
use crate::elementwise::put;
use crate::float::Float;
use crate::tuning::drive as tuning;

/// The most lanes of a vector of elements of four bytes or more.
const MOST_LANES: usize = 16;

/// `to[i * to_step + j] = from[j * step + i]` for rows `i` and columns `j`.
pub(super) struct Turn<'a> {
    pub(super) from: &'a [u8],
    pub(super) step: usize,
    pub(super) to: &'a mut [u8],
    pub(super) to_step: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Turn<'_> {
    /// Elements of `size` bytes, where that can be done; false, and nothing done, otherwise. Past the caches if `stream`.
    pub(super) fn run(self, size: usize, stream: bool) -> bool {
        let lanes = match size {
            4 => 16,
            8 => 8,
            _ => return false,
        };
        if self.rows < lanes || self.columns < lanes {
            return false;
        }
        // Its bits are the same on all levels, so it takes the best.
        Level::current().enter(Squares { turn: self, wide: size == 8, stream });
        true
    }
}

struct Squares<'a> {
    turn: Turn<'a>,
    wide: bool,
    stream: bool,
}

impl Kernel for Squares<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        match self.wide {
            false => turn::<I, f32>(isa, self.turn, self.stream),
            true => turn::<I, f64>(isa, self.turn, self.stream),
        }
        if self.stream {
            isa.finish_streams();
        }
    }
}

/// Where squares of `lanes` begin that cover `n`: the last one takes some again where it does not come out even.
fn starts(n: usize, lanes: usize) -> impl Iterator<Item = usize> {
    (0..n).step_by(lanes).map(move |at| at.min(n - lanes))
}

#[inline(always)]
fn turn<I: Isa, T: Float>(isa: I, turn: Turn<'_>, stream: bool) {
    let lanes = T::V::<I>::LANES;
    let Turn { step, to_step, rows, columns, .. } = turn;
    let (from, to) = (elements_of::<T>(turn.from), elements_of_mut::<T>(turn.to));
    // Lines that push each other out of the cache are written whole.
    let aside = stream || (to_step * size_of::<T>()).is_multiple_of(tuning::SAME_SETS);
    let mut square = [T::zeroed(); MOST_LANES * MOST_LANES];
    for j in starts(columns, lanes) {
        // The next columns of the operand begin far away, where the CPU does not look for them by itself.
        for ahead in j + lanes..(j + 2 * lanes).min(columns) {
            for i in (0..rows).step_by(LINE / size_of::<T>()) {
                prefetch_far(from.as_ptr().wrapping_add(ahead * step + i));
            }
        }
        for i in starts(rows, lanes) {
            let (from, to) = (&from[j * step + i..], &mut to[i * to_step + j..]);
            if !aside {
                T::V::<I>::transpose(isa, from, step, to, to_step);
                continue;
            }
            T::V::<I>::transpose(isa, from, step, &mut square, lanes);
            let lines = T::V::<I>::chunks(&square).0.iter().take(lanes);
            for (line, to) in lines.zip(to.chunks_mut(to_step)) {
                let Some(to) = T::V::<I>::chunks_mut(to).0.first_mut() else { return };
                put(T::V::<I>::load(isa, line), to, stream);
            }
        }
    }
}

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
    /// Elements of `size` bytes, where that can be done; false, and nothing done, otherwise. If `stream`, long rows of whole
    /// lines are written past the caches. The bits are the same on all levels.
    pub(super) fn run(self, level: Level, size: usize, stream: bool) -> bool {
        let lanes = match size {
            4 => MOST_LANES,
            8 => MOST_LANES / 2,
            _ => return false,
        };
        if self.rows < lanes || self.columns < lanes {
            return false;
        }
        let pitch = self.to_step * size;
        let whole = self.to.as_ptr().addr().is_multiple_of(LINE) && pitch.is_multiple_of(LINE);
        let stream = stream && whole && self.columns * size >= tuning::LONG_ROW;
        // Lines that push each other out of the cache are written whole.
        let aside = stream || pitch.is_multiple_of(tuning::SAME_SETS);
        level.enter(Squares { turn: self, wide: size == 8, aside, stream });
        true
    }
}

struct Squares<'a> {
    turn: Turn<'a>,
    wide: bool,
    /// By way of a square of its own.
    aside: bool,
    stream: bool,
}

impl Kernel for Squares<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Squares { turn: whole, wide, aside, stream } = self;
        match (wide, aside) {
            (false, false) => turn::<I, f32, false>(isa, whole, stream),
            (false, true) => turn::<I, f32, true>(isa, whole, stream),
            (true, false) => turn::<I, f64, false>(isa, whole, stream),
            (true, true) => turn::<I, f64, true>(isa, whole, stream),
        }
        if stream {
            isa.finish_streams();
        }
    }
}

/// Where squares of `lanes` begin that cover `n`: the last one takes some again where it does not come out even.
fn starts(n: usize, lanes: usize) -> impl Iterator<Item = usize> {
    (0..n).step_by(lanes).map(move |at| at.min(n - lanes))
}

#[inline(always)]
fn turn<I: Isa, T: Float, const ASIDE: bool>(isa: I, turn: Turn<'_>, stream: bool) {
    let lanes = T::V::<I>::LANES;
    let Turn { step, to_step, rows, columns, .. } = turn;
    let (from, to) = (elements_of::<T>(turn.from), elements_of_mut::<T>(turn.to));
    let mut square = [T::zeroed(); MOST_LANES * MOST_LANES];
    for j in starts(columns, lanes) {
        // The next columns of the operand may begin far away, where the CPU does not look for them by itself.
        for ahead in j + lanes..(j + 2 * lanes).min(columns) {
            for i in (0..rows).step_by(LINE / size_of::<T>()) {
                prefetch_far(from.as_ptr().wrapping_add(ahead * step + i));
            }
        }
        for i in starts(rows, lanes) {
            let (from, to) = (&from[j * step + i..], &mut to[i * to_step + j..]);
            if !ASIDE {
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

#[cfg(test)]
mod tests {
    use super::*;
    use rusttorch_backend::{HostBuffer, Scalar};

    use crate::arch::plain::{bytes_of, bytes_of_mut};

    #[test]
    fn levels_turn_alike() {
        fn check<T: Float>(level: Level, [rows, columns, step, to_step, skew]: [usize; 5], stream: bool) {
            let value = |i: usize| T::from_scalar(Scalar::Int(i as i64));
            let from: Vec<T> = (0..columns * step + rows).map(value).collect();
            let mut to = HostBuffer::zeroed((rows * to_step + skew) * size_of::<T>()).unwrap();
            let to: &mut [T] = elements_of_mut(to.as_bytes_mut().unwrap());
            let part = bytes_of_mut(&mut to[skew..]);
            let turn = Turn { from: bytes_of(&from), step, to: part, to_step, rows, columns };
            assert!(turn.run(level, size_of::<T>(), stream));
            for (at, &v) in to.iter().enumerate() {
                let (i, j) = (at.wrapping_sub(skew) / to_step, at.wrapping_sub(skew) % to_step);
                let inside = at >= skew && i < rows && j < columns;
                assert_eq!(v, if inside { value(j * step + i) } else { value(0) }, "{level} {i} {j}");
            }
        }
        for level in Level::all() {
            for (rows, columns) in [(16, 16), (17, 31), (64, 300), (33, 512)] {
                for (to_step, skew) in [(columns, 0), (columns + 1, 3), (512, 0), (1024, 5)] {
                    for (step, stream) in [(rows, true), (rows + 5, false), (1, true)] {
                        if to_step >= columns {
                            let sizes = [rows, columns, step, to_step, skew];
                            check::<f32>(level, sizes, stream);
                            check::<f64>(level, sizes, stream);
                        }
                    }
                }
            }
        }
    }
}

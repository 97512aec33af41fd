//! Walking several layouts of one shape together.
//!
//! A [`Nest`] drops axes of size 1 and merges neighbouring axes that are jointly contiguous, without
//! ever reordering them, so that what is left is a short list of loops whose last one is long. Rank is
//! unlimited, and the logical (row-major) order of the elements is kept: reductions rely on that.

use std::ops::Range;

use smallvec::SmallVec;

use crate::layout::Layout;

/// Sizes of axes and steps of `N` operands along them, outermost first.
pub type Axes<const N: usize> = SmallVec<[(usize, [isize; N]); 4]>;

/// A loop nest over `N` operands.
#[derive(Debug, Clone)]
pub struct Nest<const N: usize> {
    /// Sizes and per-operand strides, outermost first. Never empty; the last is the inner run.
    axes: Axes<N>,
    base: [isize; N],
}

impl<const N: usize> Nest<N> {
    /// The nest over layouts of equal shape.
    pub fn new(layouts: [&Layout; N]) -> Self {
        debug_assert!(layouts.windows(2).all(|w| w[0].shape() == w[1].shape()));
        let rank = layouts.first().map_or(0, |l| l.rank());
        Self::over(layouts, 0..rank)
    }

    /// The nest over some of the axes, in the order given; the other axes stay at index 0.
    pub fn over(layouts: [&Layout; N], axes: impl IntoIterator<Item = usize>) -> Self {
        let mut merged: Axes<N> = SmallVec::new();
        for axis in axes {
            let size = layouts[0].shape()[axis];
            if size == 1 {
                continue;
            }
            let strides = layouts.map(|l| l.strides()[axis]);
            match merged.last_mut() {
                // Beside an axis of size 0 the product of the others may overflow; then they stay apart.
                Some((outer, steps))
                    if outer.checked_mul(size).is_some()
                        && (0..N).all(|k| strides[k].checked_mul(size as isize) == Some(steps[k])) =>
                {
                    *outer *= size;
                    *steps = strides;
                }
                _ => merged.push((size, strides)),
            }
        }
        if merged.is_empty() {
            merged.push((1, [1; N]));
        }
        Nest { axes: merged, base: layouts.map(|l| l.offset() as isize) }
    }

    /// The merged axes, none of which has size 1: no axis where there is one index alone.
    pub fn into_axes(self) -> Axes<N> {
        let mut axes = self.axes;
        axes.retain(|&mut (size, _)| size != 1);
        axes
    }

    /// Calls `run(offsets, length, strides)` for every innermost run, in row-major order. Offsets and
    /// strides count elements from the start of each operand's memory.
    #[inline]
    pub fn for_each_run(&self, run: impl FnMut([isize; N], usize, [isize; N])) {
        self.for_each_run_from(self.base, run);
    }

    /// As [`for_each_run`](Self::for_each_run), with other starting offsets: a nest over the reduced
    /// axes is built once and walked from every kept position.
    #[inline]
    pub fn for_each_run_from(&self, base: [isize; N], mut run: impl FnMut([isize; N], usize, [isize; N])) {
        let Some(((length, strides), outer)) = self.axes.split_last() else { return };
        if outer.is_empty() {
            if *length > 0 {
                run(base, *length, *strides);
            }
            return;
        }
        if *length == 0 || outer.iter().any(|&(n, _)| n == 0) {
            return;
        }
        let mut index: SmallVec<[usize; 4]> = SmallVec::from_elem(0, outer.len());
        let mut offsets = base;
        loop {
            run(offsets, *length, *strides);
            if !Self::advance(outer, &mut index, &mut offsets) {
                return;
            }
        }
    }

    /// As [`for_each_run`](Self::for_each_run), for the elements whose row-major numbers lie in `range` alone: the
    /// first and the last run may be parts. So threads share a nest. The range lies within the number of elements.
    pub fn for_each_run_in(&self, range: Range<usize>, mut run: impl FnMut([isize; N], usize, [isize; N])) {
        let Some(((length, strides), outer)) = self.axes.split_last() else { return };
        if range.is_empty() || *length == 0 {
            return;
        }
        // Where the first element lies.
        let mut index: SmallVec<[usize; 4]> = SmallVec::from_elem(0, outer.len());
        let mut offsets = self.base;
        let mut rest = range.start / length;
        for (digit, (size, steps)) in index.iter_mut().zip(outer).rev() {
            *digit = rest % size;
            rest /= size;
            for k in 0..N {
                offsets[k] += steps[k] * *digit as isize;
            }
        }
        let mut inner = range.start % length;
        let mut left = range.len();
        loop {
            let n = (length - inner).min(left);
            run(std::array::from_fn(|k| offsets[k] + strides[k] * inner as isize), n, *strides);
            left -= n;
            inner = 0;
            if left == 0 || !Self::advance(outer, &mut index, &mut offsets) {
                return;
            }
        }
    }

    /// Counts up like an odometer. False after the last index.
    #[inline]
    fn advance(outer: &[(usize, [isize; N])], index: &mut [usize], offsets: &mut [isize; N]) -> bool {
        for (digit, (size, steps)) in index.iter_mut().zip(outer).rev() {
            *digit += 1;
            for k in 0..N {
                offsets[k] += steps[k];
            }
            if *digit < *size {
                return true;
            }
            *digit = 0;
            for k in 0..N {
                offsets[k] -= steps[k] * *size as isize;
            }
        }
        false
    }

    /// Calls `each(offsets)` for every element, in row-major order.
    #[inline]
    pub fn for_each(&self, each: impl FnMut([usize; N])) {
        self.for_each_from(self.base, each);
    }

    /// As [`for_each`](Self::for_each), with other starting offsets.
    #[inline]
    pub fn for_each_from(&self, base: [isize; N], mut each: impl FnMut([usize; N])) {
        self.for_each_run_from(base, |mut offsets, length, strides| {
            for _ in 0..length {
                each(offsets.map(|o| o as usize));
                for k in 0..N {
                    // Past the last element the offset is never used, so it may wrap.
                    offsets[k] = offsets[k].wrapping_add(strides[k]);
                }
            }
        });
    }
}

#[cfg(test)]
#[path = "nest_tests.rs"]
mod tests;

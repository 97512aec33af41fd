//! The loops over an output and its operands.

use std::cmp::Reverse;
use std::ops::Range;

use rusttorch_backend::Layout;

/// The most operands, the output included. It is the first.
pub(super) const OPERANDS: usize = 4;

/// A loop: how often, and how far each operand moves, in elements.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub(super) size: usize,
    pub(super) strides: [isize; OPERANDS],
}

/// Loops in the order in which the output lies in memory, merged where all operands allow it. Elementwise ops may
/// be computed in any order, so a transposed or flipped output is as good as one in row-major order.
#[derive(Debug)]
pub(super) struct Loops {
    /// Outermost first; never empty. Strides of the output are positive and fall.
    pub(super) axes: Vec<Axis>,
    pub(super) base: [isize; OPERANDS],
}

impl Loops {
    /// Layouts of one shape, none of them empty.
    pub(super) fn new(layouts: [&Layout; OPERANDS]) -> Loops {
        let mut base = layouts.map(|l| l.offset() as isize);
        let mut axes: Vec<Axis> = Vec::with_capacity(layouts[0].rank().max(1));
        for (d, &size) in layouts[0].shape().iter().enumerate() {
            if size == 1 {
                continue;
            }
            let mut strides = layouts.map(|l| l.strides()[d]);
            if strides[0] < 0 {
                for (base, stride) in base.iter_mut().zip(&mut strides) {
                    *base += *stride * (size as isize - 1);
                    *stride = -*stride;
                }
            }
            axes.push(Axis { size, strides });
        }
        if !axes.is_sorted_by_key(|axis| Reverse(axis.strides[0])) {
            axes.sort_by_key(|axis| Reverse(axis.strides[0]));
        }
        axes.dedup_by(|inner, outer| {
            let joined = (0..OPERANDS).all(|k| outer.strides[k] == inner.strides[k] * inner.size as isize);
            if joined {
                *outer = Axis { size: outer.size * inner.size, strides: inner.strides };
            }
            joined
        });
        if axes.is_empty() {
            axes.push(Axis { size: 1, strides: [1; OPERANDS] });
        }
        Loops { axes, base }
    }

    /// Elements of the loops from `axis` inwards.
    pub(super) fn inner(&self, axis: usize) -> usize {
        self.axes[axis..].iter().map(|axis| axis.size).product()
    }

    /// After how many elements an operand starts again; all of them where it lies as densely as the loops run.
    /// `None` where it lies otherwise.
    pub(super) fn period(&self, operand: usize) -> Option<usize> {
        let mut period = 1;
        let mut repeats = false;
        for axis in self.axes.iter().rev() {
            match axis.strides[operand] {
                0 => repeats = true,
                stride if !repeats && stride == period as isize => period *= axis.size,
                _ => return None,
            }
        }
        Some(period)
    }

    /// Whether no index of the output lies before one that comes earlier, and none twice in one place.
    pub(super) fn ascending(&self) -> bool {
        let mut extent = 0;
        self.axes.iter().rev().all(|axis| {
            let clear = axis.strides[0] > extent;
            extent += axis.strides[0] * (axis.size as isize - 1);
            clear
        })
    }

    /// Where the element of a number among the loops of `axes` lies, from `base`.
    pub(super) fn position(
        &self,
        axes: Range<usize>,
        base: [isize; OPERANDS],
        number: usize,
    ) -> [isize; OPERANDS] {
        let (mut at, mut rest) = (base, number);
        for axis in self.axes[axes].iter().rev() {
            let index = (rest % axis.size) as isize;
            rest /= axis.size;
            for (at, stride) in at.iter_mut().zip(axis.strides) {
                *at += index * stride;
            }
        }
        at
    }

    /// `run(offsets, length)` for the innermost runs of the elements of the numbers in `range`, of which the first
    /// and the last may be parts. The strides are those of the last axis.
    pub(super) fn runs(&self, range: Range<usize>, mut run: impl FnMut([isize; OPERANDS], usize)) {
        let Some((inner, outer)) = self.axes.split_last() else { return };
        let mut start = range.start % inner.size;
        let mut left = range.len();
        let first = range.start / inner.size;
        let mut index: Vec<usize> = vec![0; outer.len()];
        let mut rest = first;
        for (digit, axis) in index.iter_mut().zip(outer).rev() {
            (*digit, rest) = (rest % axis.size, rest / axis.size);
        }
        let mut at = self.position(0..outer.len(), self.base, first);
        while left > 0 {
            let n = (inner.size - start).min(left);
            run(std::array::from_fn(|k| at[k] + start as isize * inner.strides[k]), n);
            (left, start) = (left - n, 0);
            for (digit, axis) in index.iter_mut().zip(outer).rev() {
                *digit += 1;
                at.iter_mut().zip(axis.strides).for_each(|(at, stride)| *at += stride);
                if *digit < axis.size {
                    break;
                }
                *digit = 0;
                at.iter_mut().zip(axis.strides).for_each(|(at, stride)| *at -= stride * axis.size as isize);
            }
        }
    }
}

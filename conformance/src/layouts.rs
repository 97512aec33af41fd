//! Layout classes: one dense tensor, laid out in memory in every way that a view can have. The expected
//! value is the same for all of them.

use std::fmt;

use rusttorch_backend::{Layout, Shape, Strides};

use crate::dense::advance;

/// How an operand lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Row-major from the start of the memory.
    Contiguous,
    /// Axes stored in reverse order.
    Transposed,
    /// The middle of a larger tensor: an offset, and gaps behind every row.
    Sliced,
    /// Every second element along every axis, every third along the last.
    Stepped,
    /// Every axis backwards.
    Flipped,
    /// The axes in rotated order, the first backwards, the last in steps, with an offset.
    Mixed,
    /// Axes of size 1 with strides that lead nowhere.
    SizeOne,
}

impl Class {
    /// Every class.
    pub const ALL: [Class; 7] = [
        Class::Contiguous,
        Class::Transposed,
        Class::Sliced,
        Class::Stepped,
        Class::Flipped,
        Class::Mixed,
        Class::SizeOne,
    ];
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Class::Contiguous => "contiguous",
            Class::Transposed => "transposed",
            Class::Sliced => "sliced",
            Class::Stepped => "stepped",
            Class::Flipped => "flipped",
            Class::Mixed => "mixed",
            Class::SizeOne => "size-1",
        })
    }
}

/// A layout and the number of elements of the memory it lies in.
#[derive(Debug, Clone)]
pub struct Placement {
    /// Where the elements lie.
    pub layout: Layout,
    /// Elements of the memory, those outside of the view included.
    pub elements: usize,
}

/// Elements behind the last one of a view, so that writing past the end shows.
const SLACK: usize = 5;

/// Lays out a shape. Every class works for every shape, though for some it is no different from
/// contiguous. `None` only where the layout itself refuses, which for the sizes of cases it does not.
pub fn place(shape: &[usize], class: Class) -> Option<Placement> {
    let rank = shape.len();
    let order: Vec<usize> = match class {
        Class::Transposed => (0..rank).rev().collect(),
        Class::Mixed => (0..rank).map(|d| (d + 1) % rank.max(1)).collect(),
        _ => (0..rank).collect(),
    };
    // Per axis in storage order: stride, then the storage's own size with gaps.
    let mut strides = vec![0isize; rank];
    let mut offset = 0usize;
    let mut step = 1usize;
    for &axis in order.iter().rev() {
        let n = shape[axis];
        let (gap, before, after) = match class {
            Class::Sliced => (1, 1, 2),
            Class::Stepped => (if axis + 1 == rank { 3 } else { 2 }, 0, 1),
            Class::Mixed if axis + 1 == rank => (2, 1, 0),
            _ => (1, 0, 0),
        };
        let backwards = class == Class::Flipped || (class == Class::Mixed && axis == 0);
        let first = before + if backwards { n.saturating_sub(1) * gap } else { 0 };
        offset += first * step;
        strides[axis] = (step * gap) as isize * if backwards { -1 } else { 1 };
        step *= (before + n.saturating_sub(1) * gap + 1 + after).max(1);
    }
    if class == Class::Mixed {
        offset += 3;
        step += 3;
    }
    if class == Class::SizeOne {
        for (d, stride) in strides.iter_mut().enumerate().filter(|&(d, _)| shape[d] == 1) {
            *stride = if d % 2 == 0 { 977 } else { -1009 };
        }
    }
    let layout =
        Layout::new("place", Shape::from_slice(shape), Strides::from_slice(&strides), offset).ok()?;
    Some(Placement { elements: step.max(layout.end()).max(offset) + SLACK, layout })
}

/// Lays out a shape with stride 0 along some axes, as a broadcast view is.
pub fn place_broadcast(shape: &[usize], repeated: &[bool]) -> Option<Placement> {
    let stored: Vec<usize> =
        shape.iter().zip(repeated).map(|(&n, &r)| if r { n.min(1) } else { n }).collect();
    let base = place(&stored, Class::Sliced)?;
    Some(Placement { layout: base.layout.broadcast_to(shape).ok()?, elements: base.elements })
}

/// The position of every element in row-major order.
pub fn positions(layout: &Layout) -> Vec<usize> {
    let mut index = vec![0; layout.rank()];
    (0..layout.numel())
        .map(|_| {
            let steps: isize = index.iter().zip(layout.strides()).map(|(&i, &s)| i as isize * s).sum();
            advance(&mut index, layout.shape());
            (layout.offset() as isize + steps) as usize
        })
        .collect()
}

/// A shape of rank 8 with as many elements: prime factors, then ones between them.
pub fn high_rank(numel: usize) -> Vec<usize> {
    let mut shape = Vec::new();
    let mut rest = numel;
    for p in [2, 3, 5, 7] {
        while shape.len() < 6 && rest > 0 && rest.is_multiple_of(p) {
            shape.push(p);
            rest /= p;
        }
    }
    shape.insert(shape.len() / 2, 1);
    shape.push(rest);
    while shape.len() < 8 {
        shape.insert(0, 1);
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_class_lets_two_elements_share_a_place_or_leave_the_memory() {
        for shape in [&[][..], &[0], &[1], &[5], &[2, 3], &[2, 0, 3], &[2, 1, 3, 2], &[1, 2, 1, 3, 1, 2, 1]] {
            for class in Class::ALL {
                let p = place(shape, class).unwrap();
                let mut at = positions(&p.layout);
                assert_eq!(p.layout.shape(), shape);
                assert!(at.iter().all(|&i| i < p.elements), "{class} {shape:?}");
                at.sort_unstable();
                at.dedup();
                assert_eq!(at.len(), shape.iter().product::<usize>(), "{class} {shape:?}");
            }
        }
    }

    #[test]
    fn classes_are_what_they_say() {
        let strides = |c| place(&[2, 3], c).unwrap().layout.strides().to_vec();
        assert_eq!(strides(Class::Contiguous), [3, 1]);
        assert_eq!(strides(Class::Transposed), [1, 2]);
        assert!(strides(Class::Stepped)[1] == 3 && strides(Class::Flipped).iter().all(|&s| s < 0));
        assert!(place(&[2, 3], Class::Sliced).unwrap().layout.offset() > 0);
        assert_eq!(place_broadcast(&[2, 3], &[true, false]).unwrap().layout.strides()[0], 0);
        assert_eq!(high_rank(12).len(), 8);
        assert_eq!(high_rank(0).iter().product::<usize>(), 0);
        assert_eq!(high_rank(1009).iter().product::<usize>(), 1009);
    }
}

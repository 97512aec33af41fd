//! Where the elements of a view lie: shape, signed strides and offset, all counted in elements.
//!
//! Views are algebra. Every function of this file returns a new [`Layout`] over the same memory and
//! moves no data. All of them end in one constructor, [`Layout::new`], which proves with checked
//! arithmetic that no index of the shape lies before the start of the memory and records where the
//! last one lies ([`Layout::end`]); a [`View`](crate::View) then needs one comparison to be in bounds.

mod views;

use std::fmt;

use smallvec::SmallVec;

use crate::error::{ErrorKind, Result, TensorError};

/// How many dimensions a layout holds without an allocation of its own.
const INLINE: usize = 6;

/// Sizes, one per dimension. Up to six stay inline.
pub type Shape = SmallVec<[usize; INLINE]>;
/// Steps in elements, one per dimension; negative in a flipped view, 0 in a broadcast one.
pub type Strides = SmallVec<[isize; INLINE]>;

/// Shape, strides and offset of a view. See the [module](self).
///
/// Axes stand in arrays of fixed size, and only those of a layout with more than six on the heap: a
/// layout is moved several times per op, and moving plain arrays is cheapest.
#[derive(Clone)]
pub struct Layout {
    sizes: [usize; INLINE],
    strides: [isize; INLINE],
    rank: usize,
    offset: usize,
    numel: usize,
    end: usize,
    /// All axes, where there are more than `INLINE`.
    more: Option<Box<(Shape, Strides)>>,
    /// Kept because every kernel asks.
    contiguous: bool,
    /// The strides are those of [`Layout::contiguous`], at sizes of 1 too. It may be false of an empty layout, and is of one
    /// with more than `INLINE` axes.
    packed: bool,
}

impl PartialEq for Layout {
    fn eq(&self, other: &Self) -> bool {
        (self.shape(), self.strides(), self.offset) == (other.shape(), other.strides(), other.offset)
    }
}

impl Eq for Layout {}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layout")
            .field("shape", &self.shape())
            .field("strides", &self.strides())
            .field("offset", &self.offset)
            .finish()
    }
}

/// The number of elements of `shape`. Error: `Memory` where it, or a single size, exceeds `isize::MAX`.
pub fn numel(op: &'static str, shape: &[usize]) -> Result<usize> {
    const MOST: usize = isize::MAX as usize;
    // A zero anywhere makes the product zero, whatever the other sizes would overflow to.
    let mut product = if shape.contains(&0) { 0 } else { 1usize };
    for &n in shape {
        product = match product.checked_mul(n) {
            Some(p) if p <= MOST && n <= MOST => p,
            _ => {
                return Err(TensorError::new(ErrorKind::Memory, op, "number of elements overflows")
                    .with("shape", shape));
            }
        };
    }
    Ok(product)
}

/// What [`Layout`] knows of its axes beyond the axes themselves, collected from the last axis to the first.
/// Overflows go into flags, since every view is measured: a branch for each would cost more than the sums.
struct Measure {
    numel: usize,
    low: isize,
    high: isize,
    contiguous: bool,
    packed: bool,
    empty: bool,
    uncountable: bool,
    broken: bool,
}

impl Measure {
    #[inline(always)]
    fn from(offset: usize) -> Measure {
        // An offset too large for isize turns negative, which `finish` refuses.
        let start = offset as isize;
        Measure {
            numel: 1,
            low: start,
            high: start,
            contiguous: true,
            packed: true,
            empty: false,
            uncountable: false,
            broken: false,
        }
    }

    /// One more axis, outside of those before.
    #[inline(always)]
    fn axis(&mut self, n: usize, stride: isize) {
        // So far `numel` is the step of a contiguous axis.
        let packed = stride == self.numel as isize;
        self.contiguous &= n == 1 || packed;
        self.packed &= packed;
        let (product, too_many) = self.numel.overflowing_mul(n);
        let (span, too_far) = stride.overflowing_mul((n as isize).wrapping_sub(1));
        let (low, under) = self.low.overflowing_add(span.min(0));
        let (high, over) = self.high.overflowing_add(span.max(0));
        (self.numel, self.low, self.high) = (product, low, high);
        self.empty |= n == 0;
        self.uncountable |= n > isize::MAX as usize;
        self.broken |= too_many | too_far | under | over | (product > isize::MAX as usize);
    }

    /// Element count, end and contiguity; `None` where a rule of [`Layout::new`] is broken.
    #[inline(always)]
    fn finish(self) -> Option<(usize, usize, bool)> {
        match self.empty {
            // Nothing is reached, whatever the other sizes would overflow to.
            true if self.uncountable => None,
            true => Some((0, 0, true)),
            false if self.broken || self.uncountable || self.low < 0 => None,
            false => Some((self.numel, self.high as usize + 1, self.contiguous)),
        }
    }
}

/// `dim` counted from the front. A 0-d tensor accepts 0 and -1, as in PyTorch. Error: `Dim`.
#[inline]
pub fn normalize_dim(op: &'static str, dim: isize, rank: usize) -> Result<usize> {
    let n = rank.max(1) as isize;
    if dim < -n || dim >= n {
        return Err(dim_error(op, dim, rank));
    }
    Ok(if dim < 0 { (dim + n) as usize } else { dim as usize })
}

#[cold]
fn dim_error(op: &'static str, dim: isize, rank: usize) -> TensorError {
    TensorError::new(ErrorKind::Dim, op, "dimension out of range").with("dim", dim).with("rank", rank)
}

/// Several distinct dims counted from the front, as an ascending list. Error: `Dim`.
pub fn normalize_dims(op: &'static str, dims: &[isize], rank: usize) -> Result<SmallVec<[usize; 6]>> {
    let mut out: SmallVec<[usize; 6]> = SmallVec::new();
    for &dim in dims {
        let d = normalize_dim(op, dim, rank)?;
        if out.contains(&d) {
            return Err(TensorError::new(ErrorKind::Shape, op, "dimension appears more than once")
                .with("dim", dim)
                .with("dims", dims));
        }
        out.push(d);
    }
    out.sort_unstable();
    Ok(out)
}

/// The shape to which `a` and `b` broadcast: aligned at the last dimension, where sizes are equal or
/// one of them is 1. Error: `Shape`.
pub fn broadcast_shapes(op: &'static str, a: &[usize], b: &[usize]) -> Result<Shape> {
    let rank = a.len().max(b.len());
    let mut out = Shape::with_capacity(rank);
    for i in 0..rank {
        let size = |s: &[usize]| if i + s.len() >= rank { s[i + s.len() - rank] } else { 1 };
        out.push(match (size(a), size(b)) {
            (m, n) if m == n || n == 1 => m,
            (1, n) => n,
            _ => {
                return Err(TensorError::new(ErrorKind::Shape, op, "shapes cannot be broadcast together")
                    .with("lhs", a)
                    .with("rhs", b));
            }
        });
    }
    Ok(out)
}

/// Row-major strides of `shape`, with PyTorch's convention that a size of 0 counts as 1.
pub fn contiguous_strides(shape: &[usize]) -> Strides {
    let mut strides: Strides = SmallVec::from_elem(0, shape.len());
    let mut step = 1isize;
    for (stride, &n) in strides.iter_mut().zip(shape).rev() {
        *stride = step;
        step = next_step(step, n);
    }
    strides
}

/// The step outside of an axis of `n` elements `step` apart.
#[inline(always)]
fn next_step(step: isize, n: usize) -> isize {
    step.saturating_mul(n.clamp(1, isize::MAX as usize) as isize)
}

impl Layout {
    /// The one constructor. Proves that every index of `shape` lies in `0..=isize::MAX` elements and
    /// records the end of the last one.
    ///
    /// Errors: `Shape` when `shape` and `strides` differ in length; `Memory` when a position
    /// overflows; `Index` when one would lie before the start of the memory.
    #[inline]
    pub fn new(op: &'static str, shape: Shape, strides: Strides, offset: usize) -> Result<Layout> {
        if shape.len() != strides.len() {
            return Err(Self::explain(op, &shape, &strides, offset));
        }
        Self::build(op, shape.len(), offset, |i| (shape[i], strides[i]))
    }

    /// The layout whose axis `i` has the size and stride that `axis(i)` gives: what every view ends in.
    #[inline(always)]
    fn build(
        op: &'static str,
        rank: usize,
        offset: usize,
        axis: impl Fn(usize) -> (usize, isize),
    ) -> Result<Layout> {
        let mut measure = Measure::from(offset);
        if rank > INLINE {
            let (shape, strides): (Shape, Strides) = (0..rank).map(axis).unzip();
            shape.iter().zip(&strides).rev().for_each(|(&n, &stride)| measure.axis(n, stride));
            return match measure.finish() {
                Some(measured) => Ok(Self::spilled(shape, strides, offset, measured)),
                None => Err(Self::explain(op, &shape, &strides, offset)),
            };
        }
        let (mut sizes, mut strides) = ([0; INLINE], [0; INLINE]);
        // First stored, then measured: the arrays are moved next, which waits for young stores.
        for i in 0..rank {
            (sizes[i], strides[i]) = axis(i);
        }
        for i in (0..rank).rev() {
            measure.axis(sizes[i], strides[i]);
        }
        let packed = measure.packed && !measure.empty;
        match measure.finish() {
            Some((numel, end, contiguous)) => {
                Ok(Layout { sizes, strides, rank, offset, numel, end, more: None, contiguous, packed })
            }
            None => Err(Self::explain(op, &sizes[..rank], &strides[..rank], offset)),
        }
    }

    /// A layout of more axes than there is room for.
    #[cold]
    fn spilled(shape: Shape, strides: Strides, offset: usize, measured: (usize, usize, bool)) -> Layout {
        let (numel, end, contiguous) = measured;
        Layout {
            sizes: [0; INLINE],
            strides: [0; INLINE],
            rank: shape.len(),
            offset,
            numel,
            end,
            more: Some(Box::new((shape, strides))),
            contiguous,
            packed: false,
        }
    }

    /// Why there is no layout of this shape, these strides and this offset.
    #[cold]
    fn explain(op: &'static str, shape: &[usize], strides: &[isize], offset: usize) -> TensorError {
        if shape.len() != strides.len() {
            return TensorError::new(ErrorKind::Shape, op, "shape and strides differ in length")
                .with("shape", shape)
                .with("strides", strides);
        }
        let not_counted = numel(op, shape).err();
        let not_reached = || Self::prove(op, shape, strides, offset).err();
        not_counted.or_else(not_reached).unwrap_or_else(|| {
            TensorError::new(ErrorKind::Internal, op, "a layout was refused without a reason")
                .with("shape", shape)
        })
    }

    /// The end of the last element of a non-empty layout.
    fn prove(op: &'static str, shape: &[usize], strides: &[isize], offset: usize) -> Result<usize> {
        let overflow = || {
            TensorError::new(ErrorKind::Memory, op, "a position overflows")
                .with("shape", shape)
                .with("strides", strides)
                .with("offset", offset)
        };
        let (mut low, mut high) = (isize::try_from(offset).map_err(|_| overflow())?, 0isize);
        high += low;
        for (&n, &stride) in shape.iter().zip(strides) {
            let span = stride.checked_mul(n as isize - 1).ok_or_else(overflow)?;
            let bound = if span < 0 { &mut low } else { &mut high };
            *bound = bound.checked_add(span).ok_or_else(overflow)?;
        }
        if low < 0 {
            return Err(TensorError::new(
                ErrorKind::Index,
                op,
                "a position lies before the start of the memory",
            )
            .with("shape", shape)
            .with("strides", strides)
            .with("offset", offset));
        }
        Ok(high as usize + 1)
    }

    /// A row-major layout from offset 0. Error: `Memory` where the element count overflows.
    #[inline]
    pub fn contiguous(op: &'static str, shape: &[usize]) -> Result<Layout> {
        let rank = shape.len();
        if rank > INLINE {
            return Self::new(op, Shape::from_slice(shape), contiguous_strides(shape), 0);
        }
        // Every output of every op comes by here, so nothing is measured that is known.
        let (mut sizes, mut strides) = ([0; INLINE], [0; INLINE]);
        let (mut numel, mut step, mut broken) = (1usize, 1isize, false);
        for (i, &n) in shape.iter().enumerate().rev() {
            (sizes[i], strides[i]) = (n, step);
            let (product, too_many) = numel.overflowing_mul(n);
            numel = product;
            step = next_step(step, n);
            broken |= too_many | (n > isize::MAX as usize) | (product > isize::MAX as usize);
        }
        if broken {
            // A zero behind sizes that overflow still makes an empty layout.
            numel = self::numel(op, shape)?;
        }
        let (end, more) = (numel, None);
        Ok(Layout { sizes, strides, rank, offset: 0, numel, end, more, contiguous: true, packed: true })
    }

    /// The layout of a 0-d tensor at the start of its memory.
    pub fn scalar() -> Layout {
        Layout {
            sizes: [0; INLINE],
            strides: [0; INLINE],
            rank: 0,
            offset: 0,
            numel: 1,
            end: 1,
            more: None,
            contiguous: true,
            packed: true,
        }
    }

    /// One position at the start of the memory that stands for every index of this shape: all strides are 0.
    #[inline]
    pub fn of_one(&self) -> Layout {
        Layout {
            sizes: self.sizes,
            strides: [0; INLINE],
            rank: self.rank,
            offset: 0,
            numel: self.numel,
            end: self.numel.min(1),
            more: self.more.as_ref().map(|axes| Box::new((axes.0.clone(), Strides::from_elem(0, self.rank)))),
            // As measured: only sizes of 1 lie in row-major order without steps.
            contiguous: self.numel <= 1,
            packed: self.rank == 0,
        }
    }

    /// Sizes.
    #[inline]
    pub fn shape(&self) -> &[usize] {
        match &self.more {
            None => &self.sizes[..self.rank],
            Some(axes) => &axes.0,
        }
    }

    /// Whether both have the same sizes. A loop, as a call to compare memory would take longer than so few do.
    #[inline]
    pub fn has_shape_of(&self, other: &Layout) -> bool {
        // A result is often computed in the layout of an operand.
        if std::ptr::eq(self, other) {
            return true;
        }
        // Behind the axes the arrays hold zeros, as they do where there are too many axes.
        let differ =
            self.sizes.iter().zip(&other.sizes).fold(self.rank ^ other.rank, |bits, (m, n)| bits | (m ^ n));
        differ == 0 && (self.more.is_none() || self.shape() == other.shape())
    }

    /// Steps in elements.
    #[inline]
    pub fn strides(&self) -> &[isize] {
        match &self.more {
            None => &self.strides[..self.rank],
            Some(axes) => &axes.1,
        }
    }

    /// Position of the first element, that of index `[0, 0, ..]`.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Number of dimensions.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.numel
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.numel == 0
    }

    /// One past the highest position that an index reaches; 0 for an empty layout. Memory of at
    /// least this many elements holds the whole view.
    pub fn end(&self) -> usize {
        self.end
    }

    /// Whether the elements lie in row-major order without gaps. Dimensions of size 1 have no say.
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        self.contiguous
    }

    /// The positions of a contiguous view as a range, or `None`.
    pub fn contiguous_range(&self) -> Option<std::ops::Range<usize>> {
        self.is_contiguous()
            .then(|| if self.numel == 0 { 0..0 } else { self.offset..self.offset + self.numel })
    }

    /// Whether two indices may share a position. Exact for what view algebra without `as_strided`
    /// and `unfold` gives; otherwise it may err towards `true`.
    pub fn may_overlap_itself(&self) -> bool {
        if self.numel <= 1 || self.is_contiguous() {
            return false;
        }
        let mut axes: SmallVec<[(usize, usize); 6]> = self
            .shape()
            .iter()
            .zip(self.strides())
            .filter(|&(&n, _)| n > 1)
            .map(|(&n, &s)| (s.unsigned_abs(), n))
            .collect();
        axes.sort_unstable();
        let mut reach = 0usize;
        axes.iter().any(|&(stride, n)| {
            let collides = stride <= reach;
            reach = reach.saturating_add(stride.saturating_mul(n - 1));
            collides
        })
    }

    /// The position of an index, which must have one valid entry per dimension. Error: `Index`.
    pub fn position(&self, op: &'static str, index: &[usize]) -> Result<usize> {
        if index.len() != self.rank() || index.iter().zip(self.shape()).any(|(i, n)| i >= n) {
            return Err(TensorError::new(ErrorKind::Index, op, "index out of range")
                .with("index", index)
                .with("shape", self.shape()));
        }
        let steps = index.iter().zip(self.strides()).map(|(&i, &s)| i as isize * s).sum::<isize>();
        Ok((self.offset as isize + steps) as usize)
    }
}

#[cfg(test)]
mod tests;

//! Views as functions from layout to layout.

use smallvec::SmallVec;

use super::{
    INLINE, Layout, Shape, Strides, contiguous_strides, next_step, normalize_dim, normalize_dims, numel,
};
use crate::error::{ErrorKind, Result, TensorError};

impl Layout {
    /// Whether it surely is what [`packed`](Self::packed) gives; of one that is empty or has many axes it may say no.
    #[inline]
    pub fn is_packed(&self) -> bool {
        self.packed && self.offset == 0
    }

    /// The row-major layout from offset 0 of the same shape, whose elements are counted already: nothing can overflow.
    #[inline]
    pub fn packed(&self) -> Layout {
        if !self.packed {
            return self.repacked();
        }
        let &Layout { sizes, strides, rank, numel, .. } = self;
        Layout {
            sizes,
            strides,
            rank,
            offset: 0,
            numel,
            end: numel,
            more: None,
            contiguous: true,
            packed: true,
        }
    }

    fn repacked(&self) -> Layout {
        if let Some(axes) = &self.more {
            return Self::spilled(
                axes.0.clone(),
                contiguous_strides(&axes.0),
                0,
                (self.numel, self.numel, true),
            );
        }
        let (mut strides, mut step) = ([0; INLINE], 1);
        for i in (0..self.rank.min(INLINE)).rev() {
            strides[i] = step;
            step = next_step(step, self.sizes[i]);
        }
        Layout { strides, packed: true, ..self.clone() }.packed()
    }

    /// Axes in the order of `dims`, a permutation of `0..rank`. Errors: `Dim`, `Shape`.
    pub fn permute(&self, dims: &[isize]) -> Result<Layout> {
        const OP: &str = "permute";
        if dims.len() != self.rank() {
            return Err(TensorError::new(ErrorKind::Shape, OP, "number of dims differs from the rank")
                .with("dims", dims)
                .with("shape", self.shape()));
        }
        normalize_dims(OP, dims, self.rank())?;
        let order = dims.iter().map(|&d| normalize_dim(OP, d, self.rank()));
        let order = order.collect::<Result<SmallVec<[usize; 6]>>>()?;
        self.axes(OP, self.rank(), |i| self.axis(order[i]))
    }

    /// The size and stride of one axis.
    #[inline(always)]
    fn axis(&self, i: usize) -> (usize, isize) {
        (self.shape()[i], self.strides()[i])
    }

    /// A layout from the same offset with other axes.
    #[inline(always)]
    fn axes(&self, op: &'static str, rank: usize, axis: impl Fn(usize) -> (usize, isize)) -> Result<Layout> {
        Layout::build(op, rank, self.offset, axis)
    }

    /// Swaps two axes. Error: `Dim`.
    #[inline]
    pub fn transpose(&self, dim0: isize, dim1: isize) -> Result<Layout> {
        const OP: &str = "transpose";
        let a = normalize_dim(OP, dim0, self.rank())?;
        let b = normalize_dim(OP, dim1, self.rank())?;
        self.axes(OP, self.rank(), |i| {
            self.axis(if i == a {
                b
            } else if i == b {
                a
            } else {
                i
            })
        })
    }

    /// `length` indices of `dim` from `start` on; a negative `start` counts from the end.
    /// Errors: `Dim`, `Index`; `Shape` for a 0-d layout.
    #[inline(always)]
    pub fn narrow(&self, dim: isize, start: isize, length: usize) -> Result<Layout> {
        const OP: &str = "narrow";
        if self.rank() == 0 {
            return Err(TensorError::new(ErrorKind::Shape, OP, "cannot be applied to a 0-d tensor"));
        }
        let d = normalize_dim(OP, dim, self.rank())?;
        let size = self.shape()[d];
        let first = if start < 0 { start + size as isize } else { start };
        if first < 0 || first as usize > size || length > size - first as usize {
            let kind = if first < 0 || first as usize > size { ErrorKind::Index } else { ErrorKind::Shape };
            return Err(TensorError::new(kind, OP, "start and length exceed the size")
                .with("start", start)
                .with("length", length)
                .with("size", size));
        }
        self.sub(OP, d, first, 1, length)
    }

    /// Python's `start:stop:step` along `dim`: bounds are clamped as Python clamps them, and the step
    /// may be negative (PyTorch refuses that; here it is free). `None` is the end of the axis.
    /// Errors: `Dim`; `Value` for step 0.
    pub fn slice(
        &self,
        dim: isize,
        start: Option<isize>,
        stop: Option<isize>,
        step: isize,
    ) -> Result<Layout> {
        const OP: &str = "slice";
        if self.rank() == 0 {
            return Err(
                TensorError::new(ErrorKind::Dim, OP, "cannot be applied to a 0-d tensor").with("dim", dim)
            );
        }
        let d = normalize_dim(OP, dim, self.rank())?;
        if step == 0 {
            return Err(TensorError::new(ErrorKind::Value, OP, "step is zero").with("dim", dim));
        }
        let n = self.shape()[d] as isize;
        let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
        let clamp = |v: Option<isize>, default: isize| match v {
            None => default,
            Some(v) if v < 0 => v.saturating_add(n).max(low),
            Some(v) => v.min(high),
        };
        let (first, last) = if step > 0 {
            (clamp(start, low), clamp(stop, high))
        } else {
            (clamp(start, high), clamp(stop, low))
        };
        let span = if step > 0 { last.saturating_sub(first) } else { first.saturating_sub(last) };
        let length = if span <= 0 { 0 } else { (span as usize).div_ceil(step.unsigned_abs()) };
        self.sub(OP, d, first.max(0), step, length)
    }

    /// Index `index` of `dim`, which disappears; a negative index counts from the end.
    /// Errors: `Dim`, `Index`; `Dim` for a 0-d layout.
    pub fn select(&self, dim: isize, index: isize) -> Result<Layout> {
        const OP: &str = "select";
        if self.rank() == 0 {
            return Err(
                TensorError::new(ErrorKind::Dim, OP, "cannot be applied to a 0-d tensor").with("dim", dim)
            );
        }
        let d = normalize_dim(OP, dim, self.rank())?;
        let n = self.shape()[d] as isize;
        if index < -n || index >= n {
            return Err(TensorError::new(ErrorKind::Index, OP, "index out of range")
                .with("index", index)
                .with("dim", dim)
                .with("size", n));
        }
        let index = if index < 0 { index + n } else { index };
        let offset = if self.is_empty() {
            self.offset
        } else {
            (self.offset as isize + index * self.strides()[d]) as usize
        };
        Layout::build(OP, self.rank() - 1, offset, |i| self.axis(i + (i >= d) as usize))
    }

    /// `length` indices of axis `d` from `first` on, `step` apart. The caller has checked them.
    #[inline(always)]
    fn sub(&self, op: &'static str, d: usize, first: isize, step: isize, length: usize) -> Result<Layout> {
        let stride = self.strides()[d];
        // An empty result reaches no memory, so its offset may stay where the parent has it.
        let stays = length == 0 || self.is_empty();
        let offset = if stays { self.offset } else { (self.offset as isize + first * stride) as usize };
        // Only the stride of a single element can overflow, and that one leads nowhere.
        let stepped = stride.saturating_mul(step);
        Layout::build(op, self.rank(), offset, |i| if i == d { (length, stepped) } else { self.axis(i) })
    }

    /// Sizes of 1 stretched to `shape` with stride 0; missing leading axes are added. -1 keeps a
    /// size. Error: `Shape`.
    pub fn expand(&self, shape: &[isize]) -> Result<Layout> {
        const OP: &str = "expand";
        let fail = |rule| {
            TensorError::new(ErrorKind::Shape, OP, rule).with("shape", self.shape()).with("requested", shape)
        };
        if shape.len() < self.rank() {
            return Err(fail("fewer dimensions requested than there are"));
        }
        let lead = shape.len() - self.rank();
        let (mut sizes, mut strides) = (Shape::new(), Strides::new());
        for (i, &wanted) in shape.iter().enumerate() {
            let own = i.checked_sub(lead).map(|d| self.axis(d));
            let (size, stride) = match (own, wanted) {
                (Some(own), -1) => own,
                (Some((n, stride)), w) if w >= 0 && n == w as usize => (n, stride),
                (Some((1, _)) | None, w) if w >= 0 => (w as usize, 0),
                _ => return Err(fail("a size other than 1 cannot be expanded")),
            };
            sizes.push(size);
            strides.push(stride);
        }
        Layout::new(OP, sizes, strides, self.offset)
    }

    /// [`expand`](Self::expand) to a known shape.
    pub fn broadcast_to(&self, shape: &[usize]) -> Result<Layout> {
        if self.shape() == shape {
            return Ok(self.clone());
        }
        numel("expand", shape)?;
        let requested: Strides = shape.iter().map(|&n| n as isize).collect();
        self.expand(&requested)
    }

    /// Removes `dim` if its size is 1, else nothing. Error: `Dim`.
    pub fn squeeze(&self, dim: isize) -> Result<Layout> {
        const OP: &str = "squeeze";
        let d = normalize_dim(OP, dim, self.rank())?;
        if self.shape().get(d) != Some(&1) {
            return Ok(self.clone());
        }
        self.axes(OP, self.rank() - 1, |i| self.axis(i + (i >= d) as usize))
    }

    /// Inserts an axis of size 1 before `dim`, which lies in `-rank-1..=rank`. Error: `Dim`.
    pub fn unsqueeze(&self, dim: isize) -> Result<Layout> {
        const OP: &str = "unsqueeze";
        let d = normalize_dim(OP, dim, self.rank() + 1)?;
        // The stride of a size-1 axis is free; PyTorch's choice keeps a contiguous tensor's strides row-major.
        let new = match d < self.rank() {
            true => self.strides()[d].saturating_mul(self.shape()[d].max(1) as isize),
            false => 1,
        };
        self.axes(OP, self.rank() + 1, |i| if i == d { (1, new) } else { self.axis(i - (i > d) as usize) })
    }

    /// Reverses the order along `dims`. Free here; PyTorch copies. Errors: `Dim`, `Shape`.
    pub fn flip(&self, dims: &[isize]) -> Result<Layout> {
        const OP: &str = "flip";
        let dims = normalize_dims(OP, dims, self.rank())?;
        // A size-1 axis stays as it is: its stride is free and might not have a negative.
        let flips = |i: usize| dims.contains(&i) && self.shape()[i] > 1;
        let mut offset = self.offset as isize;
        if !self.is_empty() {
            let ends = (0..self.rank()).filter(|&i| flips(i));
            offset += ends.map(|i| (self.shape()[i] as isize - 1) * self.strides()[i]).sum::<isize>();
        }
        Layout::build(OP, self.rank(), offset as usize, |i| {
            let (n, stride) = self.axis(i);
            if flips(i) && !self.is_empty() { (n, -stride) } else { (n, stride) }
        })
    }

    /// Windows of `size` along `dim`, `step` apart, as a new last axis: `[.., n, ..]` becomes
    /// `[.., (n - size) / step + 1, .., size]`. Errors: `Dim`; `Value` for step 0 or a size above n.
    pub fn unfold(&self, dim: isize, size: usize, step: usize) -> Result<Layout> {
        const OP: &str = "unfold";
        let d = normalize_dim(OP, dim, self.rank())?;
        let (n, stride) = if self.rank() == 0 { (1, 1) } else { self.axis(d) };
        if step == 0 || size > n {
            return Err(TensorError::new(ErrorKind::Value, OP, "size exceeds the dimension or step is zero")
                .with("size", size)
                .with("step", step)
                .with("dim size", n));
        }
        // With a single window the step leads nowhere, so it may saturate.
        let windows = ((n - size) / step + 1, stride.saturating_mul(step.min(isize::MAX as usize) as isize));
        self.axes(OP, self.rank() + 1, |i| {
            if i == self.rank() {
                (size, stride)
            } else if i == d {
                windows
            } else {
                self.axis(i)
            }
        })
    }

    /// The diagonal `index1 - index0 = offset` of two axes, as a new last axis. Error: `Dim`.
    pub fn diagonal(&self, offset: isize, dim0: isize, dim1: isize) -> Result<Layout> {
        const OP: &str = "diagonal";
        let a = normalize_dim(OP, dim0, self.rank())?;
        let b = normalize_dim(OP, dim1, self.rank())?;
        if a == b || self.rank() < 2 {
            return Err(TensorError::new(ErrorKind::Shape, OP, "needs two different dimensions")
                .with("dim0", dim0)
                .with("dim1", dim1)
                .with("rank", self.rank()));
        }
        let (rows, cols) = (self.shape()[a], self.shape()[b]);
        let skip = offset.unsigned_abs();
        let (length, skipped) = if offset >= 0 {
            (rows.min(cols.saturating_sub(skip)), self.strides()[b])
        } else {
            (rows.saturating_sub(skip).min(cols), self.strides()[a])
        };
        let (mut shape, mut strides) = (Shape::new(), Strides::new());
        for d in (0..self.rank()).filter(|&d| d != a && d != b) {
            shape.push(self.shape()[d]);
            strides.push(self.strides()[d]);
        }
        shape.push(length);
        strides.push(self.strides()[a].saturating_add(self.strides()[b]));
        let start = if length == 0 || self.is_empty() {
            self.offset
        } else {
            (self.offset as isize + skipped * skip as isize) as usize
        };
        Layout::new(OP, shape, strides, start)
    }

    /// The same elements in the same row-major order under another shape, where that needs no copy;
    /// `None` where it does, and where the element counts differ.
    pub fn reshape(&self, shape: &[usize]) -> Option<Layout> {
        const OP: &str = "reshape";
        if numel(OP, shape).ok()? != self.numel {
            return None;
        }
        if self.is_empty() || self.is_contiguous() {
            let strides = contiguous_strides(shape);
            return self.axes(OP, shape.len(), |i| (shape[i], strides[i])).ok();
        }
        // Merge own axes into runs that are contiguous among themselves, then split each run into the new
        // axes whose sizes multiply to the run's length.
        let mut strides: Strides = SmallVec::from_elem(1, shape.len());
        let mut new = shape.len();
        let mut run = 1usize;
        let own: SmallVec<[(usize, isize); 6]> =
            (0..self.rank()).map(|i| self.axis(i)).filter(|&(n, _)| n != 1).collect();
        let mut inner_stride = own.last()?.1;
        for i in (0..own.len()).rev() {
            let (n, stride) = own[i];
            run *= n;
            let merges = i > 0 && own[i - 1].1 == stride.checked_mul(n as isize)?;
            if merges {
                continue;
            }
            let mut filled = 1usize;
            while filled < run {
                new = new.checked_sub(1)?;
                strides[new] = inner_stride.checked_mul(filled as isize)?;
                filled *= shape[new];
            }
            if filled != run {
                return None;
            }
            run = 1;
            if i > 0 {
                inner_stride = own[i - 1].1;
            }
        }
        // What is left over to the left are sizes of 1.
        self.axes(OP, shape.len(), |i| (shape[i], strides[i])).ok()
    }

    /// Any shape and strides over the memory of `len` elements. Errors as [`Layout::new`], and
    /// `Index` where the view would reach past `len`.
    pub fn as_strided(len: usize, shape: &[usize], strides: &[isize], offset: usize) -> Result<Layout> {
        const OP: &str = "as_strided";
        let out = Layout::new(OP, Shape::from_slice(shape), Strides::from_slice(strides), offset)?;
        if out.end > len {
            return Err(TensorError::new(ErrorKind::Index, OP, "a position lies past the end of the memory")
                .with("position", out.end - 1)
                .with("elements", len)
                .with("shape", shape)
                .with("strides", strides));
        }
        Ok(out)
    }
}

//! Views: the same memory under another layout. No element moves.
//!
//! The gradient of any view is the gradient of its result put back where the view took it from. Those
//! that only rename or repeat elements have a shorter rule; all others share [`strided_scatter`], whose
//! own gradient is [`strided_view`].

use rusttorch_backend::layout::{normalize_dim, normalize_dims, numel};
use rusttorch_backend::{DType, ErrorKind, Layout, Result, TensorError};
use smallvec::{SmallVec, smallvec};

use super::reduce::sum_to_shape;
use crate::autograd::{Rule, base_for_view, no_grad, record};
use crate::dispatch;
use crate::tensor::{Memory, Tensor};

/// A view of `x` with its place in the graph.
#[inline(always)]
fn view(title: &'static str, x: &Tensor, layout: Layout, rule: impl FnOnce() -> Rule) -> Tensor {
    record(title, unrecorded(x, layout), [x], |_| rule())
}

/// A view of an `x` that requires no gradient.
#[inline(always)]
fn unrecorded(x: &Tensor, layout: Layout) -> Tensor {
    Tensor::from_parts(Memory::Of(base_for_view(x)), layout, x.dtype())
}

/// A view that takes a part of `x`: `take` is its layout algebra, which the gradient applies once more to
/// a contiguous layout of the shape of `x` to learn which elements it took.
#[inline(always)]
pub(super) fn part(
    title: &'static str,
    x: &Tensor,
    take: impl Fn(&Layout) -> Result<Layout>,
) -> Result<Tensor> {
    let layout = take(x.layout())?;
    if !x.requires_grad() {
        return Ok(unrecorded(x, layout));
    }
    let dense = Layout::contiguous("view", x.shape())?;
    let taken = take(&dense)?;
    Ok(view(title, x, layout, || {
        Box::new(move |_, g| Ok(smallvec![Some(strided_scatter(g, dense.shape(), taken.clone())?)]))
    }))
}

/// A view whose elements are those of `x` in the same row-major order.
pub(super) fn reshaped(title: &'static str, x: &Tensor, layout: Layout) -> Tensor {
    view(title, x, layout, || {
        let shape: SmallVec<[isize; 6]> = x.shape().iter().map(|&n| n as isize).collect();
        Box::new(move |_, g| Ok(smallvec![Some(g.reshape(&shape)?)]))
    })
}

/// `x`, made contiguous, under `region`, a layout over the memory of a contiguous tensor of its shape.
pub(crate) fn strided_view(x: &Tensor, region: Layout) -> Result<Tensor> {
    let x = &x.contiguous()?;
    let start = x.layout().offset();
    let layout = match start {
        0 => region.clone(),
        _ => Layout::new(
            "as_strided",
            region.shape().into(),
            region.strides().into(),
            start + region.offset(),
        )?,
    };
    Ok(view("AsStrided", x, layout, || {
        let shape = x.layout().clone();
        Box::new(move |_, g| Ok(smallvec![Some(strided_scatter(g, shape.shape(), region.clone())?)]))
    }))
}

/// Zeros of `shape` with `g` added at `region`, a layout over the memory of a contiguous tensor of that
/// shape. Where two indices of the region share an element, both are added.
pub(crate) fn strided_scatter(g: &Tensor, shape: &[usize], region: Layout) -> Result<Tensor> {
    let out = Tensor::zeros(shape, g.dtype())?;
    no_grad(|| -> Result<()> {
        let overlaps = region.may_overlap_itself();
        let layout = region.clone();
        if !overlaps {
            let target = Tensor::from_parts(Memory::Own(out.storage().clone()), layout, g.dtype());
            return target.copy_(&g.detach()).map(drop);
        }
        let positions = Tensor::arange(0, out.numel() as i64, 1, DType::I64)?;
        let index = Tensor::from_parts(Memory::Own(positions.storage().clone()), layout, DType::I64);
        out.flatten()?.scatter_add_(0, &index.flatten()?, &g.detach().flatten()?).map(drop)
    })?;
    // What was written above is the tensor's first value, not a change of it.
    Ok(record("StridedScatter", out, [g], |_| {
        Box::new(move |_, g| Ok(smallvec![Some(strided_view(g, region.clone())?)]))
    }))
}

/// The sizes that a requested shape with at most one -1 means. Error: `Shape`.
fn resolve_shape(op: &'static str, own: &[usize], shape: &[isize]) -> Result<SmallVec<[usize; 6]>> {
    let fail =
        |rule| TensorError::new(ErrorKind::Shape, op, rule).with("shape", own).with("requested", shape);
    let count = numel(op, own)?;
    let mut known = 1usize;
    let mut unknown = None;
    for (i, &n) in shape.iter().enumerate() {
        match n {
            -1 if unknown.is_some() => return Err(fail("only one size can be inferred")),
            -1 => unknown = Some(i),
            n if n < -1 => return Err(fail("invalid size")),
            n => known = known.checked_mul(n as usize).ok_or_else(|| fail("number of elements overflows"))?,
        }
    }
    let mut out: SmallVec<[usize; 6]> = shape.iter().map(|&n| n.max(0) as usize).collect();
    if let Some(i) = unknown {
        if known == 0 {
            return Err(match count {
                0 => fail("the size of -1 is ambiguous next to a size of 0"),
                _ => fail("number of elements differs"),
            });
        }
        if count % known != 0 {
            return Err(fail("number of elements differs"));
        }
        out[i] = count / known;
    } else if known != count {
        return Err(fail("number of elements differs"));
    }
    Ok(out)
}

/// Views share the memory of the tensor they are taken from. A negative `dim` counts from the end.
impl Tensor {
    /// The elements in row-major order under another shape; one size may be -1. A view where the strides
    /// allow it, else a copy. PyTorch: `torch.reshape`. Error: `Shape`.
    pub fn reshape(&self, shape: impl AsRef<[isize]>) -> Result<Tensor> {
        let shape = resolve_shape("reshape", self.shape(), shape.as_ref())?;
        match self.layout().reshape(&shape) {
            Some(layout) => Ok(reshaped("View", self, layout)),
            None => {
                let dense = self.copy()?;
                let layout = Layout::contiguous("reshape", &shape)?;
                Ok(reshaped("UnsafeView", &dense, layout))
            }
        }
    }

    /// [`reshape`](Self::reshape) to known sizes. Error: `Shape`.
    pub(crate) fn with_shape(&self, shape: &[usize]) -> Result<Tensor> {
        if self.shape() == shape {
            return Ok(self.clone());
        }
        let sizes: SmallVec<[isize; 6]> = shape.iter().map(|&n| n as isize).collect();
        self.reshape(&sizes)
    }

    /// As [`reshape`](Self::reshape), but never a copy. PyTorch: `Tensor.view`. Error: `Shape`, also where
    /// the strides do not allow it.
    pub fn view(&self, shape: impl AsRef<[isize]>) -> Result<Tensor> {
        let shape = resolve_shape("view", self.shape(), shape.as_ref())?;
        let layout = self.layout().reshape(&shape).ok_or_else(|| {
            TensorError::new(
                ErrorKind::Shape,
                "view",
                "strides do not allow a view of this shape; use reshape",
            )
            .with("shape", self.shape())
            .with("strides", self.strides())
            .with("requested", &shape)
        })?;
        Ok(reshaped("View", self, layout))
    }

    /// All elements along one dimension.
    pub fn flatten(&self) -> Result<Tensor> {
        self.reshape([-1])
    }

    /// Dimensions `start..=end` merged into one. PyTorch: `torch.flatten`. Errors: `Dim`, `Shape` when
    /// start lies behind end.
    pub fn flatten_dims(&self, start: isize, end: isize) -> Result<Tensor> {
        const OP: &str = "flatten";
        let (a, b) = (normalize_dim(OP, start, self.rank())?, normalize_dim(OP, end, self.rank())?);
        if a > b {
            return Err(TensorError::new(ErrorKind::Shape, OP, "start dim lies behind end dim")
                .with("start", start)
                .with("end", end));
        }
        if self.rank() == 0 {
            return self.reshape([1]);
        }
        let mut shape: SmallVec<[isize; 6]> = self.shape()[..a].iter().map(|&n| n as isize).collect();
        // Next to a size of 0 the product of the others may be any number.
        shape.push(numel(OP, &self.shape()[a..=b])? as isize);
        shape.extend(self.shape()[b + 1..].iter().map(|&n| n as isize));
        self.reshape(&shape)
    }

    /// One dimension split into several; one size may be -1. PyTorch: `torch.unflatten`.
    /// Errors: `Dim`, `Shape`.
    pub fn unflatten(&self, dim: isize, sizes: impl AsRef<[isize]>) -> Result<Tensor> {
        const OP: &str = "unflatten";
        if self.rank() == 0 {
            return Err(
                TensorError::new(ErrorKind::Shape, OP, "a 0-d tensor has no dimension").with("dim", dim)
            );
        }
        let d = normalize_dim(OP, dim, self.rank())?;
        if sizes.as_ref().is_empty() {
            return Err(TensorError::new(ErrorKind::Shape, OP, "there are no sizes").with("dim", dim));
        }
        // Inferring within the one dimension gives the error in its terms.
        let line = resolve_shape(OP, &self.shape()[d..=d], sizes.as_ref())?;
        let mut shape: SmallVec<[isize; 6]> = self.shape().iter().map(|&n| n as isize).collect();
        shape.remove(d);
        shape.insert_many(d, line.iter().map(|&n| n as isize));
        self.reshape(&shape)
    }

    /// Dimensions in another order. PyTorch: `torch.permute`. Errors: `Dim`, `Shape`.
    pub fn permute(&self, dims: impl AsRef<[isize]>) -> Result<Tensor> {
        let dims = dims.as_ref();
        let layout = self.layout().permute(dims)?;
        let mut inverse: SmallVec<[isize; 6]> = smallvec![0; dims.len()];
        for (to, &dim) in dims.iter().enumerate() {
            inverse[normalize_dim("permute", dim, self.rank())?] = to as isize;
        }
        Ok(view("Permute", self, layout, || Box::new(move |_, g| Ok(smallvec![Some(g.permute(&inverse)?)]))))
    }

    /// Two dimensions swapped. PyTorch: `torch.transpose`. Error: `Dim`.
    pub fn transpose(&self, dim0: isize, dim1: isize) -> Result<Tensor> {
        let layout = self.layout().transpose(dim0, dim1)?;
        Ok(view("Transpose", self, layout, || {
            Box::new(move |_, g| Ok(smallvec![Some(g.transpose(dim0, dim1)?)]))
        }))
    }

    /// Dimensions `source` moved to `destination`, the others in order. PyTorch: `torch.movedim`.
    /// Errors: `Dim`, `Shape`.
    pub fn movedim(&self, source: impl AsRef<[isize]>, destination: impl AsRef<[isize]>) -> Result<Tensor> {
        const OP: &str = "movedim";
        let (source, destination) = (source.as_ref(), destination.as_ref());
        if source.len() != destination.len() {
            return Err(TensorError::new(ErrorKind::Shape, OP, "source and destination differ in number")
                .with("source", source)
                .with("destination", destination));
        }
        let moved = normalize_dims(OP, source, self.rank())?;
        normalize_dims(OP, destination, self.rank())?;
        let mut order: SmallVec<[isize; 6]> = smallvec![-1; self.rank()];
        for (&from, &to) in source.iter().zip(destination) {
            let to = normalize_dim(OP, to, self.rank())?;
            if let Some(slot) = order.get_mut(to) {
                *slot = normalize_dim(OP, from, self.rank())? as isize;
            }
        }
        let mut rest = (0..self.rank()).filter(|d| !moved.contains(d));
        for slot in order.iter_mut().filter(|d| **d < 0) {
            *slot = rest.next().unwrap_or_default() as isize;
        }
        self.permute(&order)
    }

    /// `length` indices of `dim` from `start` on. PyTorch: `torch.narrow`.
    /// Errors: `Dim`, `Index`, `Shape`.
    #[inline]
    pub fn narrow(&self, dim: isize, start: isize, length: usize) -> Result<Tensor> {
        part("Narrow", self, |l| l.narrow(dim, start, length))
    }

    /// Python's `start:stop:step` along `dim`; `None` is the end of the axis. The step may be negative,
    /// which PyTorch refuses. Errors: `Dim`, `Value` for step 0.
    pub fn slice(
        &self,
        dim: isize,
        start: Option<isize>,
        stop: Option<isize>,
        step: isize,
    ) -> Result<Tensor> {
        part("Slice", self, |l| l.slice(dim, start, stop, step))
    }

    /// Index `index` of `dim`, which disappears. PyTorch: `torch.select`. Errors: `Dim`, `Index`.
    pub fn select(&self, dim: isize, index: isize) -> Result<Tensor> {
        part("Select", self, |l| l.select(dim, index))
    }

    /// Sizes of 1 stretched to `shape` without a copy; -1 keeps a size, missing leading dimensions are
    /// added. PyTorch: `Tensor.expand`. Error: `Shape`.
    pub fn expand(&self, shape: impl AsRef<[isize]>) -> Result<Tensor> {
        Ok(self.expanded(self.layout().expand(shape.as_ref())?))
    }

    /// [`expand`](Self::expand) to a known shape. PyTorch: `torch.broadcast_to`. Error: `Shape`.
    #[inline]
    pub fn broadcast_to(&self, shape: &[usize]) -> Result<Tensor> {
        if self.shape() == shape {
            return Ok(self.clone());
        }
        Ok(self.expanded(self.layout().broadcast_to(shape)?))
    }

    fn expanded(&self, layout: Layout) -> Tensor {
        view("Expand", self, layout, || {
            let shape = self.layout().clone();
            Box::new(move |_, g| Ok(smallvec![Some(sum_to_shape(g, shape.shape())?)]))
        })
    }

    /// Without `dim` if its size is 1, else as it is. PyTorch: `torch.squeeze`. Error: `Dim`.
    pub fn squeeze(&self, dim: isize) -> Result<Tensor> {
        Ok(reshaped("Squeeze", self, self.layout().squeeze(dim)?))
    }

    /// Without all dimensions of size 1. PyTorch: `torch.squeeze` without `dim`.
    pub fn squeeze_all(&self) -> Result<Tensor> {
        let mut layout = self.layout().clone();
        for d in (0..self.rank()).rev() {
            layout = layout.squeeze(d as isize)?;
        }
        Ok(reshaped("Squeeze", self, layout))
    }

    /// With a new dimension of size 1 before `dim`, in `-rank-1..=rank`. PyTorch: `torch.unsqueeze`.
    /// Error: `Dim`.
    pub fn unsqueeze(&self, dim: isize) -> Result<Tensor> {
        Ok(reshaped("Unsqueeze", self, self.layout().unsqueeze(dim)?))
    }

    /// Windows of `size` along `dim`, `step` apart, as a new last dimension. PyTorch: `Tensor.unfold`.
    /// Errors: `Dim`, `Value`.
    pub fn unfold(&self, dim: isize, size: usize, step: usize) -> Result<Tensor> {
        part("Unfold", self, |l| l.unfold(dim, size, step))
    }

    /// The diagonal of two dimensions as a new last one, `offset` above the main one.
    /// PyTorch: `torch.diagonal`. Errors: `Dim`, `Shape`.
    pub fn diagonal(&self, offset: isize, dim0: isize, dim1: isize) -> Result<Tensor> {
        part("Diagonal", self, |l| l.diagonal(offset, dim0, dim1))
    }

    /// Any shape and strides over this tensor's memory, from `offset`, in elements. (Where PyTorch's
    /// `storage_offset` is left out, it is `self.layout().offset()`.) Negative strides are fine, which PyTorch
    /// refuses. PyTorch: `torch.as_strided`. Errors: `Value` where it would leave the memory, `Shape`; `Autograd`
    /// where the tensor requires a gradient and is not contiguous.
    pub fn as_strided(&self, shape: &[usize], strides: &[isize], offset: usize) -> Result<Tensor> {
        const OP: &str = "as_strided";
        let elements = self.storage().bytes() / self.dtype().size();
        let layout = Layout::as_strided(elements, shape, strides, offset).map_err(|e| match e.kind() {
            // A layout cannot know that PyTorch has another class for it here.
            ErrorKind::Index => {
                TensorError::new(ErrorKind::Value, OP, "a position lies outside of the memory")
                    .with("shape", shape)
                    .with("strides", strides)
                    .with("offset", offset)
                    .with("elements", elements)
            }
            _ => e,
        })?;
        if !self.requires_grad() {
            return Ok(unrecorded(self, layout));
        }
        let start = self.layout().contiguous_range().ok_or_else(|| {
            TensorError::new(
                ErrorKind::Autograd,
                OP,
                "cannot be differentiated on a tensor that is not contiguous",
            )
            .with("strides", self.strides())
        })?;
        let inside = offset.checked_sub(start.start).ok_or_else(|| {
            TensorError::new(
                ErrorKind::Autograd,
                OP,
                "cannot be differentiated outside of the tensor's own elements",
            )
            .with("offset", offset)
        })?;
        strided_view(self, Layout::as_strided(self.numel(), shape, strides, inside)?)
    }

    /// A view of everything.
    pub(crate) fn alias(&self) -> Result<Tensor> {
        Ok(reshaped("Alias", self, self.layout().clone()))
    }

    /// The tensor itself where its elements lie in row-major order without gaps, else a copy of which this
    /// is true. PyTorch: `Tensor.contiguous`.
    #[inline]
    pub fn contiguous(&self) -> Result<Tensor> {
        if self.is_contiguous() { Ok(self.clone()) } else { self.copy() }
    }

    /// A tensor of its own with the same elements. PyTorch: `Tensor.clone` (Rust's `clone` gives another
    /// handle of the same tensor).
    pub fn copy(&self) -> Result<Tensor> {
        let out = dispatch::duplicate(self)?;
        Ok(record("Clone", out, [self], |_| Box::new(|_, g| Ok(smallvec![Some(g.clone())]))))
    }
}

//! The largest and the smallest element along a dim, and where they lie.

use rusttorch_backend::ops::ArgReduceOp;
use rusttorch_backend::{DType, ErrorKind, Result, TensorError};

use super::chosen::{along, chosen};
use super::reduce::{drop_axes, kept_shape, not_of_nothing};
use crate::dispatch;
use crate::tensor::Tensor;

/// The index of the extreme element along `axis`, which stays with size 1. Bool counts as u8.
fn places(op: ArgReduceOp, x: &Tensor, axis: usize) -> Result<Tensor> {
    let x = if x.dtype() == DType::Bool { &x.to_dtype(DType::U8)? } else { x };
    let shape = kept_shape(x.shape(), &[axis]);
    dispatch::compute(op.name(), [x], &shape, DType::I64, |b, [x], out| b.arg_reduce(op, x, axis, out))
}

fn arg_reduce(op: ArgReduceOp, x: &Tensor, dim: Option<isize>, keepdim: bool) -> Result<Tensor> {
    let name = op.name();
    if x.dtype() == DType::Bool {
        return Err(TensorError::new(ErrorKind::NotImplemented, name, "not implemented for this dtype")
            .with("dtype", x.dtype()));
    }
    let (lines, axis) = match dim {
        Some(dim) => along(name, x, dim)?,
        None => (x.detach().flatten()?, 0),
    };
    not_of_nothing(name, ErrorKind::Index, &lines, &[axis])?;
    let found = places(op, &lines, axis)?;
    match (dim, keepdim) {
        (None, true) => found.reshape(vec![1; x.rank()]),
        (Some(_), true) if x.rank() > 0 => Ok(found),
        _ => drop_axes(&found, &[axis]),
    }
}

fn extreme_along(
    op: ArgReduceOp,
    (name, title): (&'static str, &'static str),
    x: &Tensor,
    dim: isize,
    keepdim: bool,
) -> Result<(Tensor, Tensor)> {
    let (lines, axis) = along(name, x, dim)?;
    not_of_nothing(name, ErrorKind::Index, &lines, &[axis])?;
    let indices = places(op, &lines, axis)?;
    let values = lines.gather(axis as isize, &indices)?;
    chosen(title, x, axis, (values, indices), keepdim)
}

impl Tensor {
    /// Largest elements along a dim and their indices: the first of equals, the first NaN. The gradient
    /// goes to that element alone. PyTorch: `torch.max(dim)`. Error: `Index` for an empty dimension.
    pub fn max_dim(&self, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        extreme_along(ArgReduceOp::Argmax, ("max", "Max"), self, dim, keepdim)
    }

    /// Smallest elements along a dim and their indices, as [`max_dim`](Self::max_dim).
    pub fn min_dim(&self, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        extreme_along(ArgReduceOp::Argmin, ("min", "Min"), self, dim, keepdim)
    }

    /// Smallest and largest elements, of all or along a dim; NaN if there is one. The gradients are shared
    /// evenly by equals. PyTorch: `torch.aminmax`. Errors: `Dim`, `Shape` for an empty tensor, `Index` for an
    /// empty dimension.
    pub fn aminmax(&self, dim: Option<isize>, keepdim: bool) -> Result<(Tensor, Tensor)> {
        let dims = || dim.map_or_else(super::Dims::all, super::Dims::from);
        Ok((self.amin(dims(), keepdim)?, self.amax(dims(), keepdim)?))
    }

    /// Index of the largest element, of all (row-major) or along a dim: the first of equals, the first NaN.
    /// PyTorch: `torch.argmax`. Errors: `Index` for an empty dimension, `NotImplemented` for bool.
    pub fn argmax(&self, dim: Option<isize>, keepdim: bool) -> Result<Tensor> {
        arg_reduce(ArgReduceOp::Argmax, self, dim, keepdim)
    }

    /// Index of the smallest element, as [`argmax`](Self::argmax).
    pub fn argmin(&self, dim: Option<isize>, keepdim: bool) -> Result<Tensor> {
        arg_reduce(ArgReduceOp::Argmin, self, dim, keepdim)
    }
}

//! Reading and writing by positions in row-major order, and by masks, which stand for positions.

use rusttorch_backend::layout::{broadcast_shapes, normalize_dim};
use rusttorch_backend::ops::ScatterOp;
use rusttorch_backend::{DType, ErrorKind, Result, TensorError};
use smallvec::SmallVec;

use super::gather::{at_least_1d, gather};
use super::index_along::{long, same_dtype};
use super::nonzero::nonzero_flat;
use super::places::{self, Places};
use crate::tensor::Tensor;

fn bool_mask(op: &'static str, mask: &Tensor) -> Result<()> {
    if mask.dtype() == DType::Bool {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::DType, op, "mask is not bool").with("dtype", mask.dtype()))
}

/// Checked operands of `put`: the places and a value for each.
fn put_operands(
    op: &'static str,
    line: &Tensor,
    index: &Tensor,
    source: &Tensor,
) -> Result<(Places, Tensor)> {
    let index = long(op, index, ErrorKind::DType)?;
    same_dtype(op, line, source)?;
    if source.numel() != index.numel() {
        return Err(TensorError::new(ErrorKind::Index, op, "source and index differ in number of elements")
            .with("source", source.numel())
            .with("index", index.numel()));
    }
    let places = Places::flat_checked(op, line.shape(), &index)?;
    Ok((places, source.with_shape(index.shape())?))
}

fn how(accumulate: bool) -> ScatterOp {
    if accumulate { ScatterOp::Add } else { ScatterOp::Assign }
}

/// The places where a mask, of the shape of `line`, is true, and the first elements of `source`, one for each.
fn masked_operands(
    op: &'static str,
    line: &Tensor,
    mask: &Tensor,
    source: &Tensor,
) -> Result<(Places, Tensor)> {
    let positions = nonzero_flat(mask)?;
    let count = positions.numel();
    if source.numel() < count {
        return Err(TensorError::new(
            ErrorKind::Shape,
            op,
            "source has fewer elements than the mask has ones",
        )
        .with("source", source.numel())
        .with("ones", count));
    }
    Ok((Places::flat(line.shape(), positions), source.flatten()?.narrow(0, 0, count)?))
}

impl Tensor {
    /// The elements at positions in row-major order, in the shape of `index` (i64; negative ones count from the
    /// end). PyTorch: `torch.take`. Errors: `DType`, `Index` for a position out of range.
    pub fn take(&self, index: &Tensor) -> Result<Tensor> {
        const OP: &str = "take";
        let index = long(OP, index, ErrorKind::DType)?;
        let line = at_least_1d(self)?;
        places::read(OP, "Take", &line, &Places::flat_checked(OP, line.shape(), &index)?)
    }

    /// A copy with `source` written, or with `accumulate` added, at positions in row-major order (i64; negative
    /// ones count from the end). There is one value for each position, whatever the shapes; of several for one
    /// place the last stays. PyTorch: `Tensor.put`. Errors: `DType`; `Index` for a position out of range and
    /// another number of values.
    pub fn put(&self, index: &Tensor, source: &Tensor, accumulate: bool) -> Result<Tensor> {
        const OP: &str = "put";
        let line = at_least_1d(self)?;
        let (places, source) = put_operands(OP, &line, index, source)?;
        places::write(OP, "Put", how(accumulate), &line, &places, &source)?.with_shape(self.shape())
    }

    /// In-place [`put`](Self::put). Returns the tensor itself.
    pub fn put_(&self, index: &Tensor, source: &Tensor, accumulate: bool) -> Result<Tensor> {
        const OP: &str = "put_";
        let line = at_least_1d(self)?;
        let (places, source) = put_operands(OP, &line, index, source)?;
        places::write_(OP, "Put", how(accumulate), &line, &places, &source)?;
        Ok(self.clone())
    }

    /// As [`gather`](Self::gather) with tensor and index broadcast to each other on the dimensions other than
    /// `dim`, and positions taken modulo the size; without `dim` from the elements in row-major order, which
    /// gives a vector. `indices` is i64. PyTorch: `torch.take_along_dim`. Errors: `DType`, `Dim`, `Shape`,
    /// `ZeroDivision` for an index into an empty dimension; without `dim` `IndexValue` for one out of range.
    pub fn take_along_dim(&self, indices: &Tensor, dim: Option<isize>) -> Result<Tensor> {
        const OP: &str = "take_along_dim";
        let index = long(OP, indices, ErrorKind::DType)?;
        let Some(dim) = dim else { return self.flatten()?.gather(0, &index.flatten()?) };
        if self.rank() != index.rank() {
            return Err(TensorError::new(ErrorKind::Shape, OP, "index and tensor differ in rank")
                .with("index", index.shape())
                .with("tensor", self.shape()));
        }
        if self.rank() == 0 {
            return Err(
                TensorError::new(ErrorKind::Dim, OP, "a 0-d tensor has no dimension").with("dim", dim)
            );
        }
        let d = normalize_dim(OP, dim, self.rank())?;
        let mut shape: SmallVec<[usize; 6]> = self.shape().into();
        shape[d] = index.shape()[d];
        let shape = broadcast_shapes(OP, &shape, index.shape())?;
        let mut own = shape.clone();
        own[d] = self.shape()[d];
        let index = index.remainder(own[d] as i64)?.broadcast_to(&shape)?;
        gather(&self.broadcast_to(&own)?, d, &index)
    }

    /// The elements where `mask` is true, as a vector, in row-major order; both are broadcast to one shape.
    /// PyTorch: `torch.masked_select`. Errors: `DType` for a mask that is not bool, `Shape`.
    pub fn masked_select(&self, mask: &Tensor) -> Result<Tensor> {
        const OP: &str = "masked_select";
        bool_mask(OP, mask)?;
        let shape = broadcast_shapes(OP, self.shape(), mask.shape())?;
        let line = at_least_1d(&self.broadcast_to(&shape)?)?;
        let positions = nonzero_flat(&mask.broadcast_to(&shape)?)?;
        places::read(OP, "MaskedSelect", &line, &Places::flat(line.shape(), positions))
    }

    /// A copy with the first elements of `source`, in row-major order, one for each place where `mask` is true;
    /// tensor and mask are broadcast to one shape. PyTorch: `torch.masked_scatter`. Errors: `DType` for a mask
    /// that is not bool and a source of another dtype, `Shape`, also for too few values.
    pub fn masked_scatter(&self, mask: &Tensor, source: &Tensor) -> Result<Tensor> {
        const OP: &str = "masked_scatter";
        bool_mask(OP, mask)?;
        same_dtype(OP, self, source)?;
        let shape = broadcast_shapes(OP, self.shape(), mask.shape())?;
        let line = at_least_1d(&self.broadcast_to(&shape)?)?;
        let (places, source) = masked_operands(OP, &line, &mask.broadcast_to(&shape)?, source)?;
        places::write(OP, "MaskedScatter", ScatterOp::Assign, &line, &places, &source)?.with_shape(&shape)
    }

    /// In-place [`masked_scatter`](Self::masked_scatter), where the mask broadcasts to the tensor. Returns the
    /// tensor itself.
    pub fn masked_scatter_(&self, mask: &Tensor, source: &Tensor) -> Result<Tensor> {
        const OP: &str = "masked_scatter_";
        bool_mask(OP, mask)?;
        same_dtype(OP, self, source)?;
        super::binary::fits_in_place(OP, self, mask.shape())?;
        let line = at_least_1d(self)?;
        let (places, source) = masked_operands(OP, &line, &mask.broadcast_to(self.shape())?, source)?;
        places::write_(OP, "MaskedScatter", ScatterOp::Assign, &line, &places, &source)?;
        Ok(self.clone())
    }
}

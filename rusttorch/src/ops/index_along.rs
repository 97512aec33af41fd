//! Reading and writing whole slices along one dimension, named by a vector of indices.

use rusttorch_backend::layout::normalize_dim;
use rusttorch_backend::ops::ScatterOp;
use rusttorch_backend::{DType, ErrorKind, Result, Scalar, Shape, TensorError};

use super::args::Operand;
use super::gather::{as_error_of, as_index_error, at_least_1d, index_of_int};
use super::places::{self, Places};
use super::select::castable;
use crate::autograd::in_place;
use crate::tensor::Tensor;

/// The index as a vector. Error: of `kind` above rank 1.
fn vector(op: &'static str, index: &Tensor, kind: ErrorKind) -> Result<Tensor> {
    if index.rank() > 1 {
        return Err(TensorError::new(kind, op, "index must be a vector").with("index", index.shape()));
    }
    at_least_1d(index)
}

/// The index as i64. Error: of `kind` unless it is i64.
pub(crate) fn long(op: &'static str, index: &Tensor, kind: ErrorKind) -> Result<Tensor> {
    if index.dtype() != DType::I64 {
        return Err(TensorError::new(kind, op, "index must be int64").with("dtype", index.dtype()));
    }
    Ok(index.detach())
}

/// Error: `DType` where a source has another dtype than the tensor it is written to.
pub(crate) fn same_dtype(op: &'static str, x: &Tensor, source: &Tensor) -> Result<()> {
    if source.dtype() == x.dtype() {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::DType, op, "source and tensor differ in dtype")
        .with("source", source.dtype())
        .with("tensor", x.dtype()))
}

/// Error: of `kind` where the source has not one slice for every index.
fn one_slice_each(op: &'static str, index: &Tensor, slices: usize, kind: ErrorKind) -> Result<()> {
    if slices == index.numel() {
        return Ok(());
    }
    Err(TensorError::new(kind, op, "number of indices differs from the source's size")
        .with("indices", index.numel())
        .with("size", slices))
}

fn sizes_but(shape: &[usize], dim: usize) -> Shape {
    shape.iter().enumerate().filter(|&(d, _)| d != dim).map(|(_, &n)| n).collect()
}

/// Error: `Shape` where source and tensor differ in another dimension than `dim`.
fn same_slices(op: &'static str, x: &Tensor, dim: usize, source: &Tensor) -> Result<()> {
    if source.rank() == x.rank() && sizes_but(source.shape(), dim) == sizes_but(x.shape(), dim) {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::Shape, op, "source and tensor differ on another dimension")
        .with("source", source.shape())
        .with("tensor", x.shape())
        .with("dim", dim))
}

/// What is written along a dimension: checked operands, none of them 0-d.
pub(crate) struct Slices {
    pub(crate) dim: usize,
    pub(crate) index: Tensor,
    pub(crate) source: Tensor,
}

impl Slices {
    /// Of `index_add` and `index_reduce`.
    pub(crate) fn added(
        op: &'static str,
        x: &Tensor,
        dim: isize,
        index: &Tensor,
        source: &Tensor,
    ) -> Result<Slices> {
        let dim = normalize_dim(op, dim, x.rank())?;
        let index = vector(op, &index_of_int(op, index)?, ErrorKind::Index)?;
        same_dtype(op, x, source)?;
        same_slices(op, x, dim, source)?;
        let source = at_least_1d(source)?;
        one_slice_each(op, &index, source.shape()[dim], ErrorKind::Shape)?;
        Ok(Slices { dim, index, source })
    }

    /// Of `index_copy`: a 0-d source stands for one element of a vector.
    fn copied(op: &'static str, x: &Tensor, dim: isize, index: &Tensor, source: &Tensor) -> Result<Slices> {
        let dim = normalize_dim(op, dim, x.rank())?;
        let index = vector(op, &long(op, index, ErrorKind::DType)?, ErrorKind::Index)?;
        same_dtype(op, x, source)?;
        if x.rank() > 0 && source.rank() > 0 && x.rank() != source.rank() {
            return Err(TensorError::new(ErrorKind::Index, op, "source and tensor differ in rank")
                .with("source", source.shape())
                .with("tensor", x.shape()));
        }
        let source = at_least_1d(source)?;
        same_slices(op, &at_least_1d(x)?, dim, &source)?;
        one_slice_each(op, &index, source.shape()[dim], ErrorKind::Index)?;
        Ok(Slices { dim, index, source })
    }

    fn write(&self, op: &'static str, title: &'static str, how: ScatterOp, x: &Tensor) -> Result<Tensor> {
        let line = at_least_1d(x)?;
        let places = Places::along(line.shape(), self.dim, self.index.clone());
        places::write(op, title, how, &line, &places, &self.source)?.with_shape(x.shape())
    }

    fn write_(&self, op: &'static str, title: &'static str, how: ScatterOp, x: &Tensor) -> Result<Tensor> {
        let line = at_least_1d(x)?;
        let places = Places::along(line.shape(), self.dim, self.index.clone());
        places::write_(op, title, how, &line, &places, &self.source)?;
        Ok(x.clone())
    }

    /// The source times a number. Error: `Value` for one beyond the range of the dtype.
    fn times(mut self, op: &'static str, alpha: Scalar) -> Result<Slices> {
        let dtype = self.source.dtype();
        let alpha = castable(op, alpha, dtype)?;
        if alpha.to_f64() != 1.0 {
            // Of an integer dtype the fraction is cut off, as PyTorch does.
            let alpha = Tensor::full(&[], alpha, dtype)?;
            self.source = self.source.mul(&alpha)?;
        }
        Ok(self)
    }
}

/// Bounds as PyTorch reports them: of vectors an `IndexError`, else a `RuntimeError`.
fn bounds_of_add(op: &'static str, rank: usize, e: TensorError) -> TensorError {
    if rank <= 1 { as_index_error(op, e) } else { as_error_of(op, e) }
}

/// What is filled along a dimension, and with what.
struct Filled {
    /// Of the tensor, which counts as a vector where it is 0-d.
    shape: Shape,
    dim: usize,
    /// In bounds; without elements where there is nothing to fill.
    index: Tensor,
    /// 0-d, of the tensor's dtype.
    value: Tensor,
}

impl Filled {
    fn new(op: &'static str, x: &Tensor, dim: isize, index: &Tensor, value: Operand<'_>) -> Result<Filled> {
        let dim = normalize_dim(op, dim, x.rank())?;
        let index = vector(op, &long(op, index, ErrorKind::Index)?, ErrorKind::Shape)?;
        let value = match value {
            Operand::Scalar(s) => Tensor::full(&[], castable(op, s, x.dtype())?, x.dtype())?,
            Operand::Tensor(t) if t.rank() == 0 => t.to_dtype(x.dtype())?,
            Operand::Tensor(t) => {
                return Err(TensorError::new(ErrorKind::Shape, op, "value must be a number or a 0-d tensor")
                    .with("value", t.shape()));
            }
        };
        let shape: Shape = if x.rank() == 0 { Shape::from_slice(&[1]) } else { x.shape().into() };
        let size = shape[dim];
        let index = if x.numel() == 0 && size > 0 {
            Tensor::empty(&[0], DType::I64)?
        } else {
            places::in_bounds(op, &index, dim, size)?
        };
        Ok(Filled { shape, dim, index, value })
    }

    /// Where the slices are, with sizes of 1 for the dimensions behind: the gradient of the value counts every
    /// place once, however often it is named.
    fn mask(&self) -> Result<Tensor> {
        let size = self.shape[self.dim];
        let mask = Tensor::zeros(&[size], DType::Bool)?;
        mask.i_(&self.index, true)?;
        let mut shape = Shape::from_elem(1, self.shape.len() - self.dim);
        shape[0] = size;
        mask.with_shape(&shape)
    }

    fn fill(&self, x: &Tensor) -> Result<Tensor> {
        let out = Tensor::where_cond(&self.mask()?, &self.value, x)?;
        if x.rank() == 0 { out.reshape([]) } else { Ok(out) }
    }
}

impl Tensor {
    /// The entries of `dim` that a vector of indices names, in its order. PyTorch: `torch.index_select`.
    /// Errors: `Dim`, `DType`, `Index` for an index of more than one dimension and for an element out of bounds
    /// (negative ones are), `Shape` for another number of indices than one into a 0-d tensor.
    pub fn index_select(&self, dim: isize, index: &Tensor) -> Result<Tensor> {
        const OP: &str = "index_select";
        let d = normalize_dim(OP, dim, self.rank())?;
        let index = vector(OP, &index_of_int(OP, index)?, ErrorKind::Index)?;
        if self.rank() == 0 && index.numel() != 1 {
            return Err(TensorError::new(ErrorKind::Shape, OP, "a 0-d tensor takes one index")
                .with("indices", index.numel()));
        }
        let line = at_least_1d(self)?;
        if index.numel() > 0 && line.numel() == 0 {
            // No kernel looks at an index into nothing.
            let size = line.shape()[d] as i64;
            let (low, high) = (index.min()?.item()?.to_i64(), index.max()?.item()?.to_i64());
            if low < 0 || high >= size {
                let first = if low < 0 { low } else { high };
                return Err(TensorError::new(ErrorKind::Index, OP, "index out of range")
                    .with("index", first)
                    .with("size", size));
            }
        }
        let places = Places::along(line.shape(), d, index);
        let out = places::read(OP, "IndexSelect", &line, &places).map_err(|e| as_index_error(OP, e))?;
        if self.rank() == 0 { out.reshape([]) } else { Ok(out) }
    }

    /// A copy with the slices of `source` times `alpha` added along `dim`, each where `index`, a vector of i64 or
    /// i32, says: `out[index[i]] += alpha * source[i]`. `source` has as many slices as there are indices.
    /// PyTorch: `torch.index_add`. Errors: `Dim`, `DType`, `Shape`, `Index` for an index of more than one
    /// dimension, `IndexValue` (of a vector `Index`) for an element out of bounds, `Value` for an `alpha` beyond
    /// the dtype's range.
    pub fn index_add(
        &self,
        dim: isize,
        index: &Tensor,
        source: &Tensor,
        alpha: impl Into<Scalar>,
    ) -> Result<Tensor> {
        const OP: &str = "index_add";
        let slices = Slices::added(OP, self, dim, index, source)?.times(OP, alpha.into())?;
        slices.write(OP, "IndexAdd", ScatterOp::Add, self).map_err(|e| bounds_of_add(OP, self.rank(), e))
    }

    /// In-place [`index_add`](Self::index_add). Returns the tensor itself.
    pub fn index_add_(
        &self,
        dim: isize,
        index: &Tensor,
        source: &Tensor,
        alpha: impl Into<Scalar>,
    ) -> Result<Tensor> {
        const OP: &str = "index_add_";
        let slices = Slices::added(OP, self, dim, index, source)?.times(OP, alpha.into())?;
        slices.write_(OP, "IndexAdd", ScatterOp::Add, self).map_err(|e| bounds_of_add(OP, self.rank(), e))
    }

    /// A copy with the slices of `source` along `dim`, each where `index`, an i64 vector, says; of several for one
    /// place the last stays. PyTorch: `torch.index_copy`. Errors: `Dim`, `DType`, `Shape`; `Index` for an index
    /// of more than one dimension or out of bounds (negative ones are), and where ranks or the numbers of indices
    /// and slices differ.
    pub fn index_copy(&self, dim: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        const OP: &str = "index_copy";
        let slices = Slices::copied(OP, self, dim, index, source)?;
        slices.write(OP, "IndexCopy", ScatterOp::Assign, self).map_err(|e| as_index_error(OP, e))
    }

    /// In-place [`index_copy`](Self::index_copy). Returns the tensor itself.
    pub fn index_copy_(&self, dim: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        const OP: &str = "index_copy_";
        let slices = Slices::copied(OP, self, dim, index, source)?;
        slices.write_(OP, "IndexCopy", ScatterOp::Assign, self).map_err(|e| as_index_error(OP, e))
    }

    /// A copy with `value`, a number or 0-d tensor, in the slices along `dim` that `index`, an i64 vector, names;
    /// negative ones count from the end. PyTorch: `torch.index_fill`. Errors: `Dim`, `Index` for an index of
    /// another dtype or out of range, `Shape`, `Value` for a number beyond the dtype's range.
    pub fn index_fill<'a>(
        &self,
        dim: isize,
        index: &Tensor,
        value: impl Into<Operand<'a>>,
    ) -> Result<Tensor> {
        const OP: &str = "index_fill";
        Filled::new(OP, self, dim, index, value.into())?.fill(self)
    }

    /// In-place [`index_fill`](Self::index_fill). Returns the tensor itself.
    pub fn index_fill_<'a>(
        &self,
        dim: isize,
        index: &Tensor,
        value: impl Into<Operand<'a>>,
    ) -> Result<Tensor> {
        const OP: &str = "index_fill_";
        let filled = Filled::new(OP, self, dim, index, value.into())?;
        let direct = || {
            let line = at_least_1d(&self.detach())?;
            let places = Places::along(&filled.shape, filled.dim, filled.index.clone());
            let value = filled.value.detach().broadcast_to(&places.result_shape())?;
            places::write_(OP, "IndexFill", ScatterOp::Assign, &line, &places, &value).map(drop)
        };
        in_place(OP, self, &[&filled.value], direct, || filled.fill(&self.before_write()?))
    }
}

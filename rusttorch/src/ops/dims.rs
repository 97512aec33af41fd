//! Views that rename, drop or add dimensions, and views in the image of another tensor.

use rusttorch_backend::layout::{broadcast_shapes, normalize_dims};
use rusttorch_backend::{DType, ErrorKind, Layout, Result, Shape, Strides, TensorError};
use smallvec::SmallVec;

use super::view::reshaped;
use crate::tensor::{Memory, Tensor};

/// A shape as a request.
fn request(shape: &[usize]) -> SmallVec<[isize; 6]> {
    shape.iter().map(|&n| n as isize).collect()
}

#[cold]
fn rank_error(op: &'static str, rule: &'static str, x: &Tensor) -> TensorError {
    TensorError::new(ErrorKind::Shape, op, rule).with("shape", x.shape())
}

/// Transposed.
impl Tensor {
    /// The transpose of a matrix; a vector or 0-d tensor as it is. PyTorch: `torch.t`.
    /// Error: `Shape` above rank 2.
    pub fn t(&self) -> Result<Tensor> {
        match self.rank() {
            0 | 1 => self.alias(),
            2 => self.transpose(0, 1),
            _ => Err(rank_error("t", "needs at most 2 dimensions", self)),
        }
    }

    /// All dimensions in reverse order. PyTorch: `Tensor.T`.
    pub fn numpy_t(&self) -> Result<Tensor> {
        let order: SmallVec<[isize; 6]> = (0..self.rank() as isize).rev().collect();
        self.permute(&order)
    }

    /// The last two dimensions swapped; a 0-d tensor as it is. PyTorch: `Tensor.mT`. Error: `Shape` for a vector.
    pub fn mt(&self) -> Result<Tensor> {
        match self.rank() {
            0 => self.alias(),
            1 => Err(rank_error("mT", "needs at least 2 dimensions", self)),
            _ => self.transpose(-2, -1),
        }
    }

    /// The conjugate transpose of matrices, which of real numbers is [`mt`](Self::mt).
    /// PyTorch: `Tensor.mH`, `torch.adjoint`.
    pub fn mh(&self) -> Result<Tensor> {
        self.mt()
    }

    /// The conjugate transpose of one matrix; a 0-d tensor as it is. PyTorch: `Tensor.H`.
    /// Error: `Shape` for other ranks.
    pub fn matrix_h(&self) -> Result<Tensor> {
        match self.rank() {
            0 => self.alias(),
            2 => self.transpose(0, 1),
            _ => Err(rank_error("H", "needs a matrix", self)),
        }
    }

    /// [`transpose`](Self::transpose). PyTorch: `torch.swapaxes`.
    pub fn swapaxes(&self, axis0: isize, axis1: isize) -> Result<Tensor> {
        self.transpose(axis0, axis1)
    }

    /// [`transpose`](Self::transpose). PyTorch: `torch.swapdims`.
    pub fn swapdims(&self, dim0: isize, dim1: isize) -> Result<Tensor> {
        self.transpose(dim0, dim1)
    }

    /// [`movedim`](Self::movedim). PyTorch: `torch.moveaxis`.
    pub fn moveaxis(&self, source: impl AsRef<[isize]>, destination: impl AsRef<[isize]>) -> Result<Tensor> {
        self.movedim(source, destination)
    }
}

/// Fewer and more dimensions.
impl Tensor {
    /// Without those of `dims` whose size is 1; without dims the tensor stays as it is.
    /// PyTorch: `torch.squeeze` with a tuple. Errors: `Dim`, `Shape` for a dim named twice.
    pub fn squeeze_dims(&self, dims: impl AsRef<[isize]>) -> Result<Tensor> {
        let dims = normalize_dims("squeeze", dims.as_ref(), self.rank())?;
        let mut layout = self.layout().clone();
        for &d in dims.iter().rev() {
            layout = layout.squeeze(d as isize)?;
        }
        Ok(reshaped("Squeeze", self, layout))
    }

    /// All elements along one dimension: [`flatten`](Self::flatten). PyTorch: `torch.ravel`.
    pub fn ravel(&self) -> Result<Tensor> {
        self.flatten()
    }

    /// At least a vector: `[]` becomes `[1]`. PyTorch: `torch.atleast_1d`.
    pub fn atleast_1d(&self) -> Result<Tensor> {
        if self.rank() == 0 { self.reshape([1]) } else { Ok(self.clone()) }
    }

    /// At least a matrix: `[]` becomes `[1, 1]`, `[n]` `[1, n]`. PyTorch: `torch.atleast_2d`.
    pub fn atleast_2d(&self) -> Result<Tensor> {
        match self.rank() {
            0 => self.reshape([1, 1]),
            1 => self.unsqueeze(0),
            _ => Ok(self.clone()),
        }
    }

    /// At least three dimensions: `[]` becomes `[1, 1, 1]`, `[n]` `[1, n, 1]`, `[m, n]` `[m, n, 1]`.
    /// PyTorch: `torch.atleast_3d`.
    pub fn atleast_3d(&self) -> Result<Tensor> {
        match self.rank() {
            0 => self.reshape([1, 1, 1]),
            1 => self.unsqueeze(0)?.unsqueeze(-1),
            2 => self.unsqueeze(-1),
            _ => Ok(self.clone()),
        }
    }
}

/// In the image of others.
impl Tensor {
    /// [`view`](Self::view) with the shape of another tensor. PyTorch: `Tensor.view_as`. Error: `Shape`.
    pub fn view_as(&self, other: &Tensor) -> Result<Tensor> {
        self.view(request(other.shape()))
    }

    /// [`reshape`](Self::reshape) to the shape of another tensor. PyTorch: `Tensor.reshape_as`. Error: `Shape`.
    pub fn reshape_as(&self, other: &Tensor) -> Result<Tensor> {
        self.reshape(request(other.shape()))
    }

    /// [`expand`](Self::expand) to the shape of another tensor. PyTorch: `Tensor.expand_as`. Error: `Shape`.
    pub fn expand_as(&self, other: &Tensor) -> Result<Tensor> {
        self.expand(request(other.shape()))
    }

    /// Views of all, broadcast to one shape. PyTorch: `torch.broadcast_tensors`. Error: `Shape`.
    pub fn broadcast_tensors(tensors: &[&Tensor]) -> Result<Vec<Tensor>> {
        let mut shape = Shape::new();
        for t in tensors {
            shape = broadcast_shapes("broadcast_tensors", &shape, t.shape())?;
        }
        tensors.iter().map(|t| t.broadcast_to(&shape)).collect()
    }

    /// The bytes of the elements read as another dtype. Where the new one is narrower or wider, the last dimension
    /// grows or shrinks; it must be contiguous, and for a wider dtype sizes, strides and offset must be whole
    /// numbers of it. The result shares the memory, not the history: no gradient passes.
    /// PyTorch: `Tensor.view(dtype)`. Error: `Shape`.
    pub fn view_dtype(&self, dtype: DType) -> Result<Tensor> {
        const OP: &str = "view";
        let fail = |rule| {
            TensorError::new(ErrorKind::Shape, OP, rule)
                .with("shape", self.shape())
                .with("strides", self.strides())
                .with("dtype", self.dtype())
                .with("requested", dtype)
        };
        let (old, new) = (self.dtype().size(), dtype.size());
        let layout = if old == new {
            self.layout().clone()
        } else {
            let (mut shape, mut strides) = (Shape::from(self.shape()), Strides::from(self.strides()));
            let (Some(last), Some(1)) = (shape.last_mut(), strides.pop()) else {
                return Err(fail("the last dimension must be contiguous to hold elements of another size"));
            };
            // Bytes are whole numbers of either dtype, and of the wider one only by good fortune.
            let whole = |n: usize| {
                let bytes = n.checked_mul(old).ok_or_else(|| fail("size overflows"))?;
                match bytes % new {
                    0 => Ok(bytes / new),
                    _ => Err(fail("sizes, strides and offset must be whole numbers of the wider dtype")),
                }
            };
            *last = whole(*last)?;
            for stride in &mut strides {
                *stride = whole(stride.unsigned_abs())? as isize * stride.signum();
            }
            strides.push(1);
            Layout::new(OP, shape, strides, whole(self.layout().offset())?)?
        };
        Ok(Tensor::from_parts(Memory::Own(self.storage().clone()), layout, dtype))
    }
}

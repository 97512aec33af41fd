//! Order along a dim.

use rusttorch_backend::ops::SortOp;
use rusttorch_backend::{ErrorKind, Result, TensorError};

use super::chosen::{along, chosen};
use crate::dispatch;
use crate::tensor::Tensor;

/// `op` along `axis` of a tensor of rank 1 at least, with nothing recorded.
pub(crate) fn order(op: SortOp, x: &Tensor, axis: usize) -> Result<(Tensor, Tensor)> {
    let mut shape = x.layout().shape().to_vec();
    shape[axis] = op.gives(shape[axis]);
    dispatch::compute_indexed(op.name(), x, &shape, |b, x, values, indices| {
        b.sort(op, x, axis, values, indices)
    })
}

/// Error: `NotImplemented` for a dtype that PyTorch refuses.
pub(crate) fn accepted(op: SortOp, x: &Tensor) -> Result<()> {
    match op.accepts().contains(x.dtype()) {
        true => Ok(()),
        false => {
            Err(TensorError::new(ErrorKind::NotImplemented, op.name(), "not implemented for this dtype")
                .with("dtype", x.dtype()))
        }
    }
}

fn out_of_range(op: &'static str, k: usize, n: usize) -> TensorError {
    TensorError::new(ErrorKind::Value, op, "k out of range").with("k", k).with("size", n)
}

/// Order along `dim`. NaN counts as larger than every number, the zeros as equal, and equals stay in their
/// original order, descending ones too. The gradient of a value goes to the element it is. Error of all: `Dim`.
impl Tensor {
    /// The elements along `dim` in order, and their indices. Always stable. PyTorch: `torch.sort`.
    pub fn sort(&self, dim: isize, descending: bool) -> Result<(Tensor, Tensor)> {
        let (lines, axis) = along("sort", self, dim)?;
        let found = order(SortOp::Sort { descending }, &lines, axis)?;
        chosen("Sort", self, axis, found, true)
    }

    /// The indices that put the elements along `dim` in order. Always stable. PyTorch: `torch.argsort`.
    pub fn argsort(&self, dim: isize, descending: bool) -> Result<Tensor> {
        Ok(self.detach().sort(dim, descending)?.1)
    }

    /// The elements along dim 0 in ascending order. PyTorch: `torch.msort`.
    pub fn msort(&self) -> Result<Tensor> {
        Ok(self.sort(0, false)?.0)
    }

    /// The `k` largest (or smallest) elements along `dim` and their indices, of equals the first; in order, or,
    /// not `sorted`, in any. Linear time but for the order of the `k`. PyTorch: `torch.topk`. Errors:
    /// `NotImplemented` for bool, `Value` for a `k` above the size.
    pub fn topk(&self, k: usize, dim: isize, largest: bool, sorted: bool) -> Result<(Tensor, Tensor)> {
        let op = SortOp::Topk { k, largest, sorted };
        let (lines, axis) = along(op.name(), self, dim)?;
        let n = lines.shape()[axis];
        if k > n {
            return Err(out_of_range(op.name(), k, n));
        }
        accepted(op, self)?;
        // Of a 0-d tensor PyTorch gives the element even where k is 0: the result is 0-d, too.
        let op = if self.rank() == 0 { SortOp::Topk { k: 1, largest, sorted } } else { op };
        chosen("Topk", self, axis, order(op, &lines, axis)?, true)
    }

    /// The `k`-th smallest element along `dim`, counted from 1, and its index, in linear time. Of equals that
    /// index which sorting puts there (PyTorch leaves it open). PyTorch: `torch.kthvalue`. Errors:
    /// `NotImplemented` for bool, `Value` for a `k` outside of 1 to the size, `Index` for an empty dimension.
    pub fn kthvalue(&self, k: usize, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        let op = SortOp::Kth { k: k.saturating_sub(1) };
        let (lines, axis) = along(op.name(), self, dim)?;
        let n = lines.shape()[axis];
        super::reduce::not_of_nothing(op.name(), ErrorKind::Index, &lines, &[axis])?;
        if k == 0 || k > n {
            return Err(out_of_range(op.name(), k, n));
        }
        accepted(op, self)?;
        chosen("Kthvalue", self, axis, order(op, &lines, axis)?, keepdim)
    }
}

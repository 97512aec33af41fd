//! Where a tensor is not zero. How many places there are is known only after a look at all elements, so
//! they are counted first: the running count says at once how many there are and where each goes.

use rusttorch_backend::ops::{ScanOp, ScatterOp};
use rusttorch_backend::{DType, Result};

use crate::dispatch;
use crate::tensor::Tensor;

/// The positions, in row-major order, of the elements that are not zero (NaN is not): i64, `[count]`.
pub(crate) fn nonzero_flat(x: &Tensor) -> Result<Tensor> {
    const OP: &str = "nonzero";
    let mask = &if x.dtype() == DType::Bool { x.detach() } else { x.ne(0i64)? }.flatten()?;
    let n = mask.numel();
    if n == 0 {
        return Tensor::empty(&[0], DType::I64);
    }
    let running = &dispatch::compute(OP, [mask], &[n], DType::I64, |b, [x], out| {
        b.scan(ScanOp::Cumsum, x, 0, out, None)
    })?;
    let count = running.select(0, -1)?.item()?.to_i64() as usize;
    if count == n {
        return Tensor::arange(0, n as i64, 1, DType::I64);
    }
    // Each goes to the place of its count, all zeros to place 0, which is cut off.
    let nothing = &Tensor::repeated(0i64.into(), DType::I64, &[n])?;
    let places = &dispatch::compute(OP, [mask, running, nothing], &[n], DType::I64, |b, [m, a, z], out| {
        b.select(m, a, z, out)
    })?;
    let found = Tensor::zeros(&[count + 1], DType::I64)?;
    let positions = &Tensor::arange(0, n as i64, 1, DType::I64)?;
    dispatch::write_in_place(OP, &found, [places, positions], |b, io, [i, s]| {
        b.scatter(ScatterOp::Assign, io, 0, i, s)
    })?;
    found.narrow(0, 1, count)?.copy()
}

/// The index along each dimension of row-major positions in `shape`, which is not empty.
pub(crate) fn unravel(positions: &Tensor, shape: &[usize]) -> Result<Vec<Tensor>> {
    let mut rest = positions.clone();
    let mut found = Vec::with_capacity(shape.len());
    for (d, &n) in shape.iter().enumerate().rev() {
        if d == 0 {
            found.push(rest.clone());
        } else {
            found.push(rest.remainder(n as i64)?);
            rest = rest.floor_divide(n as i64)?;
        }
    }
    found.reverse();
    Ok(found)
}

impl Tensor {
    /// The index of every element that is not zero (NaN is not), a row each, in row-major order: i64,
    /// `[count, rank]`. Any dtype. PyTorch: `torch.nonzero`.
    pub fn nonzero(&self) -> Result<Tensor> {
        let positions = nonzero_flat(self)?;
        if self.rank() == 0 || positions.numel() == 0 {
            return Tensor::empty(&[positions.numel(), self.rank()], DType::I64);
        }
        if self.rank() == 1 {
            return positions.unsqueeze(1);
        }
        let columns = unravel(&positions, self.shape())?;
        Tensor::stack(&columns.iter().collect::<Vec<_>>(), 1)
    }

    /// The columns of [`nonzero`](Self::nonzero), one vector a dimension, as an index takes them. A 0-d tensor
    /// counts as one of shape `[1]`. PyTorch: `torch.nonzero` with `as_tuple`.
    pub fn nonzero_as_tuple(&self) -> Result<Vec<Tensor>> {
        let positions = nonzero_flat(self)?;
        if self.rank() <= 1 {
            return Ok(vec![positions]);
        }
        if positions.numel() == 0 {
            return (0..self.rank()).map(|_| Tensor::empty(&[0], DType::I64)).collect();
        }
        unravel(&positions, self.shape())
    }

    /// As [`nonzero`](Self::nonzero). PyTorch: `torch.argwhere`.
    pub fn argwhere(&self) -> Result<Tensor> {
        self.nonzero()
    }
}

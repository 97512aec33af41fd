//! Copies in another order: reversed, rotated, rolled over.

use rusttorch_backend::layout::normalize_dim;
use rusttorch_backend::{ErrorKind, Result, TensorError};
use smallvec::{SmallVec, smallvec};

use super::args::Dims;
use super::view::part;
use crate::autograd::{no_grad, record};
use crate::tensor::Tensor;

impl Tensor {
    /// A copy in reverse order along `dims`. PyTorch: `torch.flip`. (A view in reverse order is
    /// [`slice`](Self::slice) with step -1.) Errors: `Dim`, `Shape` for a dim named twice.
    pub fn flip(&self, dims: impl AsRef<[isize]>) -> Result<Tensor> {
        let dims = dims.as_ref();
        part("Flip", self, |l| l.flip(dims))?.copy()
    }

    /// A copy with the columns (dim 1) in reverse order. PyTorch: `torch.fliplr`. Error: `Shape` below rank 2.
    pub fn fliplr(&self) -> Result<Tensor> {
        self.check_rank("fliplr", 2)?;
        self.flip([1])
    }

    /// A copy with the rows (dim 0) in reverse order. PyTorch: `torch.flipud`. Error: `Shape` for a 0-d tensor.
    pub fn flipud(&self) -> Result<Tensor> {
        self.check_rank("flipud", 1)?;
        self.flip([0])
    }

    fn check_rank(&self, op: &'static str, least: usize) -> Result<()> {
        if self.rank() >= least {
            return Ok(());
        }
        Err(TensorError::new(ErrorKind::Shape, op, "too few dimensions")
            .with("shape", self.shape())
            .with("needed", least))
    }

    /// A copy turned `k` times by a quarter in the plane of two dims, from the first towards the second.
    /// PyTorch: `torch.rot90`. Errors: `Dim`, `Shape` below rank 2 and for one dim named twice.
    pub fn rot90(&self, k: isize, dims: [isize; 2]) -> Result<Tensor> {
        const OP: &str = "rot90";
        self.check_rank(OP, 2)?;
        let (a, b) = (normalize_dim(OP, dims[0], self.rank())?, normalize_dim(OP, dims[1], self.rank())?);
        if a == b {
            return Err(TensorError::new(ErrorKind::Shape, OP, "needs two different dimensions")
                .with("dims", &dims[..]));
        }
        let (a, b) = (a as isize, b as isize);
        match k.rem_euclid(4) {
            1 => self.flip([b])?.transpose(a, b),
            2 => self.flip([a, b]),
            3 => self.flip([a])?.transpose(a, b),
            _ => self.copy(),
        }
    }

    /// A copy whose elements have moved on by `shifts` along `dims`, those that leave coming back in at the other
    /// end: as many shifts as dims, which may name a dim twice. Without dims there is one shift, of all elements in
    /// row-major order. PyTorch: `torch.roll`.
    /// Errors: `Dim`, also for a dim of a 0-d tensor; `Value` where the numbers of shifts and dims differ.
    pub fn roll(&self, shifts: impl Into<Dims>, dims: impl Into<Dims>) -> Result<Tensor> {
        const OP: &str = "roll";
        let [shifts, dims] = [shifts.into(), dims.into()].map(|d| d.0.unwrap_or_default());
        match (shifts.len(), dims.len()) {
            (1, 0) => {
                let shape: SmallVec<[isize; 6]> = self.shape().iter().map(|&n| n as isize).collect();
                return self.flatten()?.roll(shifts[0], 0)?.view(&shape);
            }
            (given, wanted) if given == 0 || given != wanted => {
                return Err(TensorError::new(
                    ErrorKind::Value,
                    OP,
                    "numbers of shifts and of dimensions differ",
                )
                .with("shifts", &shifts[..])
                .with("dims", &dims[..]));
            }
            _ => {}
        }
        let mut by: SmallVec<[usize; 6]> = smallvec![0; self.rank()];
        for (&shift, &dim) in shifts.iter().zip(&dims) {
            if self.rank() == 0 {
                return Err(
                    TensorError::new(ErrorKind::Dim, OP, "a 0-d tensor has no dimension").with("dim", dim)
                );
            }
            let d = normalize_dim(OP, dim, self.rank())?;
            let n = self.shape()[d].max(1);
            by[d] = (by[d] + shift.rem_euclid(n as isize) as usize) % n;
        }
        rolled(self, by)
    }
}

/// A copy whose element `i` along axis `d` is the one `by[d]` places before.
fn rolled(x: &Tensor, by: SmallVec<[usize; 6]>) -> Result<Tensor> {
    let out = x.new_empty(x.shape(), None)?;
    no_grad(|| copy_rolled(&x.detach(), &out.detach(), &by, 0))?;
    Ok(record("Roll", out, [x], |_| {
        let shape = x.layout().clone();
        Box::new(move |_, g| {
            let back = by.iter().zip(shape.shape()).map(|(&by, &n)| if by == 0 { 0 } else { n - by });
            Ok(smallvec![Some(rolled(g, back.collect())?)])
        })
    }))
}

/// Copies the two parts of every axis that rolls to where they belong, every element once.
fn copy_rolled(x: &Tensor, out: &Tensor, by: &[usize], from: usize) -> Result<()> {
    let Some(d) = (from..by.len()).find(|&d| by[d] != 0) else {
        return out.copy_(x).map(drop);
    };
    let (dim, shift, n) = (d as isize, by[d], x.shape()[d]);
    let part = |t: &Tensor, start: usize, length: usize| t.narrow(dim, start as isize, length);
    copy_rolled(&part(x, 0, n - shift)?, &part(out, shift, n - shift)?, by, d + 1)?;
    copy_rolled(&part(x, n - shift, shift)?, &part(out, 0, shift)?, by, d + 1)
}

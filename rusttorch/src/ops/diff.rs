//! Differences of neighbours, and areas below a line of samples.

use rusttorch_backend::layout::normalize_dim;
use rusttorch_backend::{DType, ErrorKind, Result, TensorError};

use crate::tensor::Tensor;

/// Neighbours along `dim`: all elements but the first, and all but the last.
fn neighbours(x: &Tensor, dim: isize) -> Result<(Tensor, Tensor)> {
    let n = x.size(dim)?;
    let pairs = n.saturating_sub(1);
    Ok((x.narrow(dim, n.min(1) as isize, pairs)?, x.narrow(dim, 0, pairs)?))
}

/// Error: `Shape` unless `part` fits beside `x` along `dim`.
fn fits_beside(x: &Tensor, part: &Tensor, dim: usize) -> Result<()> {
    let others = |t: &Tensor| -> Vec<usize> {
        t.shape().iter().enumerate().filter(|&(d, _)| d != dim).map(|(_, &n)| n).collect()
    };
    if part.rank() == x.rank() && others(part) == others(x) {
        return Ok(());
    }
    Err(TensorError::new(
        ErrorKind::Shape,
        "diff",
        "what is put before or behind differs on another dimension",
    )
    .with("part", part.shape())
    .with("tensor", x.shape())
    .with("dim", dim))
}

/// How far samples lie apart.
#[derive(Debug, Clone, Copy)]
pub enum Spacing<'a> {
    /// All equally far.
    Step(f64),
    /// At these places: a vector, or a tensor that broadcasts to the samples.
    At(&'a Tensor),
}

impl From<f64> for Spacing<'_> {
    fn from(step: f64) -> Self {
        Spacing::Step(step)
    }
}

impl<'a> From<&'a Tensor> for Spacing<'a> {
    fn from(places: &'a Tensor) -> Self {
        Spacing::At(places)
    }
}

fn refuse_bool(op: &'static str, x: &Tensor) -> Result<()> {
    match x.dtype() {
        DType::Bool => Err(TensorError::new(ErrorKind::NotImplemented, op, "bool is not supported")
            .with("dtype", DType::Bool)),
        _ => Ok(()),
    }
}

/// The distances of neighbours of the samples `y` along `dim`, to be broadcast to their pairs.
fn distances(op: &'static str, y: &Tensor, x: &Tensor, dim: usize) -> Result<Tensor> {
    refuse_bool(op, x)?;
    let mut shape: Vec<isize> = x.shape().iter().map(|&n| n as isize).collect();
    if x.rank() == 1 {
        if x.numel() != y.shape()[dim] {
            return Err(TensorError::new(ErrorKind::Shape, op, "needs one place for each sample")
                .with("places", x.numel())
                .with("samples", y.shape()[dim]));
        }
        shape = vec![1; y.rank()];
        shape[dim] = -1;
    } else if x.rank() < y.rank() {
        shape.splice(0..0, vec![1; y.rank() - x.rank()]);
    }
    let (next, now) = neighbours(&x.reshape(&shape)?, dim as isize)?;
    next.sub(&now)
}

impl Tensor {
    /// `x[i + 1] - x[i]` along `dim`, `n` times over; of bools whether they differ. `prepend` and `append` are put
    /// before and behind the elements first. PyTorch: `torch.diff`. Errors: `Dim`, `Shape` for a 0-d tensor and for
    /// parts that do not fit.
    pub fn diff(
        &self,
        n: usize,
        dim: isize,
        prepend: Option<&Tensor>,
        append: Option<&Tensor>,
    ) -> Result<Tensor> {
        const OP: &str = "diff";
        if self.rank() == 0 {
            return Err(TensorError::new(ErrorKind::Shape, OP, "needs at least one dimension"));
        }
        let axis = normalize_dim(OP, dim, self.rank())?;
        let dim = axis as isize;
        for part in [prepend, append].into_iter().flatten() {
            fits_beside(self, part, axis)?;
        }
        if n == 0 {
            return self.copy();
        }
        let mut x = match (prepend, append) {
            (None, None) => self.clone(),
            _ => {
                let parts: Vec<&Tensor> = [prepend, Some(self), append].into_iter().flatten().collect();
                Tensor::cat(&parts, dim)?
            }
        };
        // As often as there is anything left to subtract.
        for _ in 0..n.min(x.shape()[axis].max(1)) {
            let (next, now) = neighbours(&x, dim)?;
            x = if x.dtype() == DType::Bool { next.logical_xor(&now)? } else { next.sub(&now)? };
        }
        Ok(x)
    }

    /// The area below the samples along `dim`, `sum((y[i + 1] + y[i]) / 2 * (x[i + 1] - x[i]))`, with the
    /// distances all equal or from places. Integers give floats. PyTorch: `torch.trapezoid`, `torch.trapz`.
    /// Errors: `Dim`, `NotImplemented` for bool, `Shape` for places that do not fit.
    pub fn trapezoid<'a>(&self, spacing: impl Into<Spacing<'a>>, dim: isize) -> Result<Tensor> {
        const OP: &str = "trapezoid";
        refuse_bool(OP, self)?;
        let axis = self.axis_of_samples(OP, dim)?;
        let dim = axis as isize;
        match spacing.into() {
            Spacing::Step(step) if self.shape()[axis] > 0 => {
                let ends = self.select(dim, 0)?.add(&self.select(dim, -1)?)?.mul(0.5)?;
                self.sum_dim(dim, false)?.sub(&ends)?.mul(step)
            }
            Spacing::Step(_) => self.sum_with(dim, false, Some(self.dtype())),
            Spacing::At(x) => {
                let (next, now) = neighbours(self, dim)?;
                next.add(&now)?.mul(&distances(OP, self, x, axis)?)?.sum_dim(dim, false)?.div(2.0)
            }
        }
    }

    /// The areas below the samples along `dim` up to each but the first, as [`trapezoid`](Self::trapezoid) has
    /// them. PyTorch: `torch.cumulative_trapezoid`.
    pub fn cumulative_trapezoid<'a>(&self, spacing: impl Into<Spacing<'a>>, dim: isize) -> Result<Tensor> {
        const OP: &str = "cumulative_trapezoid";
        refuse_bool(OP, self)?;
        let axis = self.axis_of_samples(OP, dim)?;
        let dim = axis as isize;
        let (next, now) = neighbours(self, dim)?;
        let sums = next.add(&now)?;
        match spacing.into() {
            Spacing::Step(step) => sums.mul(step / 2.0)?.cumsum(dim, None),
            Spacing::At(x) => sums.mul(&distances(OP, self, x, axis)?)?.cumsum(dim, None)?.div(2.0),
        }
    }

    fn axis_of_samples(&self, op: &'static str, dim: isize) -> Result<usize> {
        if self.rank() == 0 {
            return Err(
                TensorError::new(ErrorKind::Dim, op, "a 0-d tensor has no dimension").with("dim", dim)
            );
        }
        normalize_dim(op, dim, self.rank())
    }
}

//! Triangles and diagonals of matrices.

use rusttorch_backend::layout::normalize_dim;
use rusttorch_backend::{DType, ErrorKind, Result, Scalar, TensorError};
use smallvec::smallvec;

use super::args::Dims;
use super::in_place::by_value;
use crate::autograd::{no_grad, record};
use crate::tensor::Tensor;

/// Which part of a matrix is kept.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Lower,
    Upper,
}

/// A copy with zeros outside of the part on and beyond a diagonal.
fn part(part: Part, x: &Tensor, diagonal: i64) -> Result<Tensor> {
    let (op, title) = match part {
        Part::Lower => ("tril", "Tril"),
        Part::Upper => ("triu", "Triu"),
    };
    let [.., rows, columns] = *x.shape() else {
        return Err(
            TensorError::new(ErrorKind::Shape, op, "needs at least 2 dimensions").with("shape", x.shape())
        );
    };
    let out = no_grad(|| {
        let numbers = |n: usize| Tensor::arange(0i64, n as i64, 1i64, DType::I64);
        // How far above the main diagonal an element lies.
        let above = numbers(columns)?.sub(&numbers(rows)?.unsqueeze(1)?)?;
        let outside = if part == Part::Lower { above.gt(diagonal)? } else { above.lt(diagonal)? };
        x.detach().masked_fill(&outside, zero(x.dtype()))
    })?;
    if !x.dtype().is_float() {
        return Ok(out);
    }
    Ok(record(title, out, [x], |_| Box::new(move |_, g| Ok(smallvec![Some(self::part(part, g, diagonal)?)]))))
}

fn zero(dtype: DType) -> Scalar {
    if dtype == DType::Bool { Scalar::Bool(false) } else { Scalar::Int(0) }
}

/// `x` on the diagonal `offset` of zero matrices that lie in the dimensions `dim1` and `dim2` of the result.
fn embed(op: &'static str, x: &Tensor, offset: isize, dim1: isize, dim2: isize) -> Result<Tensor> {
    let rank = x.rank() + 1;
    let Some((&n, lead)) = x.shape().split_last() else {
        return Err(TensorError::new(ErrorKind::Dim, op, "a 0-d tensor has no dimension").with("dim", dim1));
    };
    let (a, b) = (normalize_dim(op, dim1, rank)?, normalize_dim(op, dim2, rank)?);
    if a == b {
        return Err(TensorError::new(ErrorKind::Shape, op, "the two dimensions are one")
            .with("dim1", dim1)
            .with("dim2", dim2));
    }
    let side = n.checked_add(offset.unsigned_abs()).ok_or_else(|| {
        TensorError::new(ErrorKind::Memory, op, "size overflows").with("size", n).with("offset", offset)
    })?;
    let mut lead = lead.iter();
    let shape: Vec<usize> = (0..rank)
        .map(|d| if d == a || d == b { side } else { lead.next().copied().unwrap_or_default() })
        .collect();
    let out = Tensor::zeros(&shape, x.dtype())?;
    no_grad(|| out.detach().diagonal(offset, a as isize, b as isize)?.copy_(&x.detach()))?;
    if !x.dtype().is_float() {
        return Ok(out);
    }
    Ok(record("DiagEmbed", out, [x], |_| {
        Box::new(move |_, g| Ok(smallvec![Some(g.diagonal(offset, a as isize, b as isize)?)]))
    }))
}

impl Tensor {
    /// A copy with zeros above the diagonal `diagonal` (0 is the main one, 1 the one above it) of every matrix of
    /// a batch. NaN above is gone too. PyTorch: `torch.tril`. Error: `Shape` below rank 2.
    pub fn tril(&self, diagonal: i64) -> Result<Tensor> {
        part(Part::Lower, self, diagonal)
    }

    /// In-place [`tril`](Self::tril). Returns the tensor itself.
    pub fn tril_(&self, diagonal: i64) -> Result<Tensor> {
        by_value("tril_", self, &[], &|x| x.tril(diagonal))
    }

    /// A copy with zeros below the diagonal `diagonal`, as [`tril`](Self::tril) above it.
    /// PyTorch: `torch.triu`. Error: `Shape` below rank 2.
    pub fn triu(&self, diagonal: i64) -> Result<Tensor> {
        part(Part::Upper, self, diagonal)
    }

    /// In-place [`triu`](Self::triu). Returns the tensor itself.
    pub fn triu_(&self, diagonal: i64) -> Result<Tensor> {
        by_value("triu_", self, &[], &|x| x.triu(diagonal))
    }

    /// Of a vector the matrix with it on a diagonal, zero elsewhere; of a matrix a copy of a diagonal. (The
    /// diagonal as a view is [`diagonal`](Self::diagonal).) PyTorch: `torch.diag`.
    /// Error: `Shape` for other ranks.
    pub fn diag(&self, diagonal: isize) -> Result<Tensor> {
        match self.rank() {
            1 => embed("diag", self, diagonal, 0, 1),
            2 => self.diagonal(diagonal, 0, 1)?.copy(),
            _ => Err(TensorError::new(ErrorKind::Shape, "diag", "needs a vector or a matrix")
                .with("shape", self.shape())),
        }
    }

    /// Matrices with the vectors of the last dimension on the diagonal `offset`, zero elsewhere; they lie in the
    /// dimensions `dim1` and `dim2` of the result. PyTorch: `torch.diag_embed`. Errors: `Dim`, also for a 0-d tensor;
    /// `Shape` where the dimensions are one.
    pub fn diag_embed(&self, offset: isize, dim1: isize, dim2: isize) -> Result<Tensor> {
        embed("diag_embed", self, offset, dim1, dim2)
    }

    /// The matrix with all elements, in row-major order, on a diagonal. PyTorch: `torch.diagflat`.
    pub fn diagflat(&self, offset: isize) -> Result<Tensor> {
        embed("diagflat", &self.flatten()?, offset, 0, 1)
    }

    /// The sum of the main diagonal of a matrix. Of integers i64, of `[0, 0]` 0. PyTorch: `torch.trace`.
    /// Errors: `Shape` unless the rank is 2, `NotImplemented` for bool.
    pub fn trace(&self) -> Result<Tensor> {
        const OP: &str = "trace";
        let &[rows, columns] = self.shape() else {
            return Err(TensorError::new(ErrorKind::Shape, OP, "needs a matrix").with("shape", self.shape()));
        };
        if self.dtype() == DType::Bool {
            return Err(TensorError::new(ErrorKind::NotImplemented, OP, "not implemented for this dtype")
                .with("dtype", self.dtype()));
        }
        let out = no_grad(|| self.detach().diagonal(0, 0, 1)?.sum_dim(Dims::all(), false))?;
        if !self.dtype().is_float() {
            return Ok(out);
        }
        Ok(record("Trace", out, [self], |_| {
            Box::new(move |_, g| {
                // Not a product with the identity, which an infinite gradient would make NaN.
                let on = Tensor::eye(rows.max(columns), DType::Bool)?;
                let off = on.narrow(0, 0, rows)?.narrow(1, 0, columns)?.logical_not()?;
                Ok(smallvec![Some(g.broadcast_to(&[rows, columns])?.masked_fill(&off, 0.0)?)])
            })
        }))
    }
}

//! Joining tensors.

use rusttorch_backend::layout::normalize_dim;
use rusttorch_backend::{ErrorKind, Result, ResultType, Shape, TensorError};

use crate::autograd::{no_grad, record_many};
use crate::tensor::Tensor;

impl Tensor {
    /// The tensors one after another along `dim`; their other sizes are equal and their dtypes are promoted.
    /// An empty vector `[0]` fits everything, as in PyTorch. PyTorch: `torch.cat`.
    /// Errors: `Shape` where sizes or ranks differ or a tensor is 0-d, `Argument` for no tensors, `Dim`.
    pub fn cat(tensors: &[&Tensor], dim: isize) -> Result<Tensor> {
        const OP: &str = "cat";
        let dtype = tensors.iter().fold(ResultType::new(), |r, t| r.tensor(t.dtype(), t.rank())).dtype();
        let Some(first) = tensors.first() else {
            return Err(TensorError::new(ErrorKind::Argument, OP, "needs at least one tensor"));
        };
        if let Some(i) = tensors.iter().position(|t| t.rank() == 0) {
            return Err(
                TensorError::new(ErrorKind::Shape, OP, "a 0-d tensor cannot be joined").with("tensor", i)
            );
        }
        let vacuous = |t: &Tensor| t.shape() == [0];
        let model: &Tensor = tensors.iter().find(|t| !vacuous(t)).unwrap_or(first);
        // Where there is nothing to join, PyTorch does not look at the dim.
        let d = if vacuous(model) { 0 } else { normalize_dim(OP, dim, model.rank())? };
        let mut shape: Shape = model.shape().into();
        shape[d] = 0;
        let mut parts = Vec::with_capacity(tensors.len());
        for (i, t) in tensors.iter().enumerate() {
            if vacuous(t) && model.rank() != 1 {
                continue;
            }
            let fits = t.rank() == model.rank() && (0..t.rank()).all(|a| a == d || t.shape()[a] == shape[a]);
            if !fits {
                let rule = match t.rank() == model.rank() {
                    true => "sizes differ on a dimension that is not joined",
                    false => "numbers of dimensions differ",
                };
                return Err(TensorError::new(ErrorKind::Shape, OP, rule)
                    .with("dim", d)
                    .with("tensor", i)
                    .with("shape", t.shape())
                    .with("first", model.shape()));
            }
            shape[d] = shape[d]
                .checked_add(t.shape()[d])
                .ok_or_else(|| TensorError::new(ErrorKind::Memory, OP, "size overflows").with("dim", d))?;
            parts.push(t.to_dtype(dtype)?);
        }
        let out = Tensor::empty(&shape, dtype)?;
        let mut starts = Vec::with_capacity(parts.len());
        no_grad(|| -> Result<()> {
            let mut at = 0;
            for t in &parts {
                starts.push((at as isize, t.shape()[d]));
                out.detach().narrow(d as isize, at as isize, t.shape()[d])?.copy_(&t.detach())?;
                at += t.shape()[d];
            }
            Ok(())
        })?;
        let inputs: Vec<&Tensor> = parts.iter().collect();
        Ok(record_many("Cat", out, &inputs, |_| {
            Box::new(move |context, g| {
                let piece = |(i, &(at, length)): (usize, &(isize, usize))| {
                    context.needs(i).then(|| g.narrow(d as isize, at, length)).transpose()
                };
                starts.iter().enumerate().map(piece).collect()
            })
        }))
    }

    /// The tensors, of equal shape, along a new dimension. PyTorch: `torch.stack`.
    /// Errors: `Shape`, `Value` for no tensors, `Dim`.
    pub fn stack(tensors: &[&Tensor], dim: isize) -> Result<Tensor> {
        const OP: &str = "stack";
        let Some(first) = tensors.first() else {
            return Err(TensorError::new(ErrorKind::Value, OP, "needs at least one tensor"));
        };
        if let Some(i) = tensors.iter().position(|t| t.shape() != first.shape()) {
            return Err(TensorError::new(ErrorKind::Shape, OP, "shapes differ")
                .with("tensor", i)
                .with("shape", tensors[i].shape())
                .with("first", first.shape()));
        }
        let d = normalize_dim(OP, dim, first.rank() + 1)?;
        let raised = tensors.iter().map(|t| t.unsqueeze(d as isize)).collect::<Result<Vec<_>>>()?;
        Tensor::cat(&raised.iter().collect::<Vec<_>>(), d as isize)
    }

    /// The tensors, at least vectors, side by side: along dim 1, vectors along dim 0. PyTorch: `torch.hstack`.
    /// Errors: `Shape`, `Value` for no tensors.
    pub fn hstack(tensors: &[&Tensor]) -> Result<Tensor> {
        let raised = raise("hstack", tensors, Tensor::atleast_1d)?;
        let dim = isize::from(raised[0].rank() > 1);
        Tensor::cat(&raised.iter().collect::<Vec<_>>(), dim)
    }

    /// The tensors, at least matrices, one below the other: along dim 0. PyTorch: `torch.vstack`, `torch.row_stack`.
    /// Errors: `Shape`, `Value` for no tensors.
    pub fn vstack(tensors: &[&Tensor]) -> Result<Tensor> {
        let raised = raise("vstack", tensors, Tensor::atleast_2d)?;
        Tensor::cat(&raised.iter().collect::<Vec<_>>(), 0)
    }

    /// The tensors, of at least three dimensions, one behind the other: along dim 2. PyTorch: `torch.dstack`.
    /// Errors: `Shape`, `Value` for no tensors.
    pub fn dstack(tensors: &[&Tensor]) -> Result<Tensor> {
        let raised = raise("dstack", tensors, Tensor::atleast_3d)?;
        Tensor::cat(&raised.iter().collect::<Vec<_>>(), 2)
    }

    /// The tensors side by side along dim 1, vectors and 0-d tensors as columns. PyTorch: `torch.column_stack`.
    /// Errors: `Shape`, `Value` for no tensors.
    pub fn column_stack(tensors: &[&Tensor]) -> Result<Tensor> {
        let column = |t: &Tensor| if t.rank() < 2 { t.reshape([-1, 1]) } else { Ok(t.clone()) };
        let raised = raise("column_stack", tensors, column)?;
        Tensor::cat(&raised.iter().collect::<Vec<_>>(), 1)
    }

    /// The matrices along the diagonal of a larger one whose other elements are zero; vectors count as one row, 0-d
    /// tensors as one element, and dtypes are promoted. No tensors: `[1, 0]`. PyTorch: `torch.block_diag`.
    /// Error: `Shape` above rank 2.
    pub fn block_diag(tensors: &[&Tensor]) -> Result<Tensor> {
        const OP: &str = "block_diag";
        if let Some(i) = tensors.iter().position(|t| t.rank() > 2) {
            return Err(TensorError::new(ErrorKind::Shape, OP, "needs at most 2 dimensions")
                .with("tensor", i)
                .with("shape", tensors[i].shape()));
        }
        let Some(first) = tensors.first() else {
            return Tensor::empty(&[1, 0], None);
        };
        let dtype = tensors.iter().fold(ResultType::new(), |r, t| r.tensor(t.dtype(), t.rank())).dtype();
        let blocks = tensors.iter().map(|t| t.to_dtype(dtype)?.atleast_2d()).collect::<Result<Vec<_>>>()?;
        let mut corners = Vec::with_capacity(blocks.len());
        let (mut rows, mut columns) = (0usize, 0usize);
        for b in &blocks {
            corners.push(([rows as isize, columns as isize], [b.shape()[0], b.shape()[1]]));
            rows = rows.saturating_add(b.shape()[0]);
            columns = columns.saturating_add(b.shape()[1]);
        }
        let out = first.new_zeros(&[rows, columns], dtype)?;
        let block = |t: &Tensor, (at, size): ([isize; 2], [usize; 2])| {
            t.narrow(0, at[0], size[0])?.narrow(1, at[1], size[1])
        };
        no_grad(|| {
            blocks
                .iter()
                .zip(&corners)
                .try_for_each(|(b, &corner)| block(&out.detach(), corner)?.copy_(&b.detach()).map(drop))
        })?;
        let inputs: Vec<&Tensor> = blocks.iter().collect();
        Ok(record_many("BlockDiag", out, &inputs, |_| {
            Box::new(move |context, g| {
                let piece = |(i, &corner)| context.needs(i).then(|| block(g, corner)).transpose();
                corners.iter().enumerate().map(piece).collect()
            })
        }))
    }
}

/// Each of the tensors, of which there must be one, made fit to be stacked. Error: `Value`.
fn raise(
    op: &'static str,
    tensors: &[&Tensor],
    fit: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Vec<Tensor>> {
    if tensors.is_empty() {
        return Err(TensorError::new(ErrorKind::Value, op, "needs at least one tensor"));
    }
    tensors.iter().map(|t| fit(t)).collect()
}

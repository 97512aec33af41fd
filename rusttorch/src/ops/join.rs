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
        let d = normalize_dim(OP, dim, model.rank())?;
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
}

//! Reading and writing by index tensors along one dimension.

use rusttorch_backend::layout::normalize_dim;
use rusttorch_backend::ops::ScatterOp;
use rusttorch_backend::{DType, ErrorKind, Result, TensorError};
use smallvec::{SmallVec, smallvec};

use crate::autograd::{Saved, in_place, record};
use crate::dispatch;
use crate::tensor::Tensor;

/// Checks what the shape of an index must satisfy against the tensor it points into: equal ranks, and no
/// larger on dimensions other than `dim`. A 0-d tensor counts as one element along dim 0.
fn check_index(
    op: &'static str,
    x: &[usize],
    dim: Option<usize>,
    index: &[usize],
    what: &'static str,
) -> Result<()> {
    let larger = x.len() == index.len()
        && x.iter().zip(index).enumerate().any(|(d, (&n, &i))| dim != Some(d) && i > n);
    if x.len() != index.len() || larger {
        let rule =
            if larger { "index is larger on another dimension" } else { "index and tensor differ in rank" };
        let e = TensorError::new(ErrorKind::Shape, op, rule).with("index", index).with(what, x);
        return Err(match dim {
            Some(dim) => e.with("dim", dim),
            None => e,
        });
    }
    Ok(())
}

fn check_index_dtype(op: &'static str, index: &Tensor) -> Result<Tensor> {
    match index.dtype() {
        DType::I64 => Ok(index.clone()),
        DType::I32 => index.to_dtype(DType::I64),
        other => {
            Err(TensorError::new(ErrorKind::DType, op, "index must be int64 or int32").with("dtype", other))
        }
    }
}

/// `gather` without the rule that an index may be smaller than the tensor on other dimensions.
fn gather(x: &Tensor, dim: usize, index: &Tensor) -> Result<Tensor> {
    let out = dispatch::compute("gather", [x, index], index.shape(), x.dtype(), |b, [x, i], out| {
        b.gather(x, dim, i, out)
    })?;
    if !out.dtype().is_float() {
        return Ok(out);
    }
    Ok(record("Gather", out, [x], |_| {
        let (shape, index) = (x.layout().clone(), Saved::input(&index.detach()));
        Box::new(move |context, g| {
            let zeros = Tensor::zeros(shape.shape(), g.dtype())?;
            Ok(smallvec![Some(scatter(ScatterOp::Add, &zeros, dim, &index.unpack(context)?, g)?)])
        })
    }))
}

/// A copy of `x` with `src` scattered into it.
fn scatter(op: ScatterOp, x: &Tensor, dim: usize, index: &Tensor, src: &Tensor) -> Result<Tensor> {
    let out = dispatch::duplicate(x)?;
    dispatch::write_in_place(op.name(), &out, [index, src], |b, io, [i, s]| b.scatter(op, io, dim, i, s))?;
    if !out.dtype().is_float() {
        return Ok(out);
    }
    let title = if op == ScatterOp::Add { "ScatterAdd" } else { "Scatter" };
    Ok(record(title, out, [x, src], |_| {
        let index = Saved::input(&index.detach());
        Box::new(move |context, g| {
            let index = index.unpack(context)?;
            let of_x = match op {
                ScatterOp::Add => Some(g.clone()),
                ScatterOp::Assign if context.needs(0) => {
                    let zeros = Tensor::zeros(index.shape(), g.dtype())?;
                    Some(scatter(ScatterOp::Assign, g, dim, &index, &zeros)?)
                }
                ScatterOp::Assign => None,
                ScatterOp::Mul | ScatterOp::Amax | ScatterOp::Amin => {
                    return Err(TensorError::new(ErrorKind::Autograd, op.name(), "has no gradient yet"));
                }
            };
            let of_src = context.needs(1).then(|| gather(g, dim, &index)).transpose()?;
            Ok(smallvec![of_x, of_src])
        })
    }))
}

impl Tensor {
    /// `out[.., i, ..] = self[.., index[.., i, ..], ..]` along `dim`; `out` has the shape of `index`, which
    /// has the rank of the tensor and is no larger on the other dimensions. PyTorch: `torch.gather`.
    /// Errors: `Dim`, `Shape`, `DType` for an index that is not i64 or i32, `IndexValue` for an element out of
    /// bounds (negative ones are).
    pub fn gather(&self, dim: isize, index: &Tensor) -> Result<Tensor> {
        const OP: &str = "gather";
        let d = normalize_dim(OP, dim, self.rank())?;
        let index = check_index_dtype(OP, index)?;
        if index.numel() == 0 {
            // PyTorch lets an index without elements have any shape.
            let out = Tensor::empty(index.shape(), self.dtype())?;
            return Ok(record("Gather", out, [self], |_| {
                let shape = self.layout().clone();
                Box::new(move |_, g| Ok(smallvec![Some(Tensor::zeros(shape.shape(), g.dtype())?)]))
            }));
        }
        if self.rank() == 0 || index.rank() == 0 {
            return self.gather_zero_dim(&index);
        }
        check_index(OP, self.shape(), Some(d), index.shape(), "tensor")?;
        gather(self, d, &index)
    }

    /// PyTorch counts a 0-d tensor as one element along dim 0.
    fn gather_zero_dim(&self, index: &Tensor) -> Result<Tensor> {
        if self.rank() > 1 || index.rank() > 1 {
            return Err(TensorError::new(ErrorKind::Shape, "gather", "index and tensor differ in rank")
                .with("index", index.shape())
                .with("tensor", self.shape()));
        }
        let shape: SmallVec<[isize; 1]> = index.shape().iter().map(|&n| n as isize).collect();
        gather(&self.reshape([-1])?, 0, &index.reshape([-1])?)?.reshape(&shape)
    }

    /// The entries of `dim` that a vector of indices names, in its order. PyTorch: `torch.index_select`.
    /// Errors: `Dim`, `DType`, `Index` for an index of more than one dimension and for an element out of bounds
    /// (negative ones are).
    pub fn index_select(&self, dim: isize, index: &Tensor) -> Result<Tensor> {
        const OP: &str = "index_select";
        let d = normalize_dim(OP, dim, self.rank())?;
        let index = check_index_dtype(OP, index)?;
        if index.rank() > 1 {
            return Err(
                TensorError::new(ErrorKind::Index, OP, "index must be a vector").with("index", index.shape())
            );
        }
        let index = index.reshape([-1])?;
        if self.rank() == 0 {
            return gather(&self.reshape([1])?, 0, &index).map_err(|e| as_index_error(OP, e))?.reshape([]);
        }
        let mut shape: SmallVec<[usize; 6]> = self.shape().into();
        shape[d] = index.numel();
        let mut line: SmallVec<[isize; 6]> = smallvec![1; self.rank()];
        line[d] = -1;
        // The same index at every place of the other dimensions: stride 0.
        let index = index.reshape(&line)?.broadcast_to(&shape)?;
        gather(self, d, &index).map_err(|e| as_index_error(OP, e))
    }

    /// A copy with `self[.., index[.., i, ..], ..] = src[.., i, ..]` along `dim`; of several values for one
    /// place the last stays. `index` is no larger than `src`, nor than the tensor on the other dimensions.
    /// PyTorch: `torch.scatter`. Errors as [`gather`](Self::gather).
    pub fn scatter(&self, dim: isize, index: &Tensor, src: &Tensor) -> Result<Tensor> {
        self.scatter_with(ScatterOp::Assign, dim, index, src)
    }

    /// A copy with `self[.., index[.., i, ..], ..] += src[.., i, ..]` along `dim`, in row-major order.
    /// PyTorch: `torch.scatter_add`. Errors as [`gather`](Self::gather).
    pub fn scatter_add(&self, dim: isize, index: &Tensor, src: &Tensor) -> Result<Tensor> {
        self.scatter_with(ScatterOp::Add, dim, index, src)
    }

    /// In-place [`scatter`](Self::scatter). Returns the tensor itself.
    pub fn scatter_(&self, dim: isize, index: &Tensor, src: &Tensor) -> Result<Tensor> {
        self.scatter_in_place(ScatterOp::Assign, dim, index, src)
    }

    /// In-place [`scatter_add`](Self::scatter_add). Returns the tensor itself.
    pub fn scatter_add_(&self, dim: isize, index: &Tensor, src: &Tensor) -> Result<Tensor> {
        self.scatter_in_place(ScatterOp::Add, dim, index, src)
    }

    fn scatter_with(&self, op: ScatterOp, dim: isize, index: &Tensor, src: &Tensor) -> Result<Tensor> {
        let (d, index, src) = self.scatter_operands(op, dim, index, src)?;
        let x = if self.rank() == 0 { self.reshape([1])? } else { self.clone() };
        let out = scatter(op, &x, d, &index, &src)?;
        if self.rank() == 0 { out.reshape([]) } else { Ok(out) }
    }

    fn scatter_in_place(&self, op: ScatterOp, dim: isize, index: &Tensor, src: &Tensor) -> Result<Tensor> {
        let (d, index, src) = self.scatter_operands(op, dim, index, src)?;
        in_place(
            op.name(),
            self,
            &[&src],
            || {
                let target = if self.rank() == 0 { self.detach().reshape([1])? } else { self.clone() };
                dispatch::write_in_place(op.name(), &target, [&index, &src], |b, io, [i, s]| {
                    b.scatter(op, io, d, i, s)
                })
            },
            || self.before_write()?.scatter_with(op, dim, &index, &src),
        )
    }

    /// Checked operands of a scatter: the dim, the index as i64 and `src` cut to its shape, of rank 1 where
    /// they were 0-d.
    fn scatter_operands(
        &self,
        op: ScatterOp,
        dim: isize,
        index: &Tensor,
        src: &Tensor,
    ) -> Result<(usize, Tensor, Tensor)> {
        let name = op.name();
        let d = normalize_dim(name, dim, self.rank())?;
        let index = check_index_dtype(name, index)?;
        if src.dtype() != self.dtype() {
            return Err(TensorError::new(ErrorKind::DType, name, "source and tensor differ in dtype")
                .with("source", src.dtype())
                .with("tensor", self.dtype()));
        }
        let line = |t: &Tensor| if t.rank() == 0 { t.reshape([1]) } else { Ok(t.clone()) };
        let (index, mut src) = (line(&index)?, line(src)?);
        let own: &[usize] = if self.rank() == 0 { &[1] } else { self.shape() };
        if index.numel() > 0 {
            check_index(name, own, Some(d), index.shape(), "tensor")?;
            check_index(name, src.shape(), None, index.shape(), "source")?;
        }
        if src.rank() == index.rank() {
            for (axis, &n) in index.shape().iter().enumerate() {
                if src.shape()[axis] > n {
                    src = src.narrow(axis as isize, 0, n)?;
                }
            }
        } else {
            // Nothing is scattered; any source of the index's shape will do.
            src = Tensor::zeros(index.shape(), src.dtype())?;
        }
        Ok((d, index, src))
    }
}

/// PyTorch raises `IndexError` for a bad element in `index_select` and friends, and `RuntimeError` in `gather`.
pub(crate) fn as_index_error(op: &'static str, e: TensorError) -> TensorError {
    if e.kind() != ErrorKind::IndexValue {
        return e;
    }
    let mut out = TensorError::new(ErrorKind::Index, op, "index out of range");
    for name in ["index", "size"] {
        if let Some(value) = e.value(name) {
            out = out.with(name, value.clone());
        }
    }
    out
}

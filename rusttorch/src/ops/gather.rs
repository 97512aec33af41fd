//! Reading and writing by index tensors along one dimension, with an index for every element.

use rusttorch_backend::layout::normalize_dim;
use rusttorch_backend::ops::ScatterOp;
use rusttorch_backend::{DType, ErrorKind, Result, Scalar, TensorError};
use smallvec::smallvec;

use super::args::Operand;
use super::select::castable;
use crate::autograd::{Rule, Saved, in_place_by_rule, record};
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

/// The index as i64. Error: `DType` unless it is i64 or i32.
pub(crate) fn index_of_int(op: &'static str, index: &Tensor) -> Result<Tensor> {
    match index.dtype() {
        DType::I64 => Ok(index.detach()),
        DType::I32 => index.to_dtype(DType::I64),
        other => {
            Err(TensorError::new(ErrorKind::DType, op, "index must be int64 or int32").with("dtype", other))
        }
    }
}

/// A 0-d tensor as a vector of one element, which PyTorch takes it for.
pub(crate) fn at_least_1d(x: &Tensor) -> Result<Tensor> {
    if x.rank() == 0 { x.reshape([1]) } else { Ok(x.clone()) }
}

/// `gather` of checked operands.
pub(crate) fn gather(x: &Tensor, dim: usize, index: &Tensor) -> Result<Tensor> {
    let out = dispatch::compute("gather", [x, index], index.shape(), x.dtype(), |b, [x, i], out| {
        b.gather(x, dim, i, out)
    })?;
    if !out.dtype().is_float() {
        return Ok(out);
    }
    Ok(record("Gather", out, [x], |_| {
        let (shape, index) = (x.layout().clone(), Saved::input(index));
        Box::new(move |context, g| {
            Ok(smallvec![Some(spread(g, shape.shape(), dim, &index.unpack(context)?)?)])
        })
    }))
}

/// Zeros of `shape` with `g` added where the index points: the gradient of [`gather`].
fn spread(g: &Tensor, shape: &[usize], dim: usize, index: &Tensor) -> Result<Tensor> {
    let out = Tensor::zeros(shape, g.dtype())?;
    scatter_into(ScatterOp::Add, &out, dim, index, &g.detach())?;
    Ok(record("ScatterAdd", out, [g], |_| {
        let index = Saved::input(index);
        Box::new(move |context, g| Ok(smallvec![Some(gather(g, dim, &index.unpack(context)?)?)]))
    }))
}

/// Scatters into `target` itself, with nothing recorded.
pub(crate) fn scatter_into(
    op: ScatterOp,
    target: &Tensor,
    dim: usize,
    index: &Tensor,
    src: &Tensor,
) -> Result<()> {
    dispatch::write_in_place(op.name(), target, [index, src], |b, io, [i, s]| b.scatter(op, io, dim, i, s))
}

/// The gradients of target and source of a scatter: `Assign` or `Add`.
fn scatter_rule(op: ScatterOp, dim: usize, index: &Tensor) -> Rule {
    let index = Saved::input(index);
    Box::new(move |context, g| {
        let index = index.unpack(context)?;
        let of_target = match op {
            ScatterOp::Add => Some(g.clone()),
            _ if context.needs(0) => {
                let zero = Tensor::repeated(Scalar::Int(0), g.dtype(), index.shape())?;
                Some(scatter(ScatterOp::Assign, g, dim, &index, &zero)?)
            }
            _ => None,
        };
        let of_src = context.needs(1).then(|| gather(g, dim, &index)).transpose()?;
        Ok(smallvec![of_target, of_src])
    })
}

fn title(op: ScatterOp) -> &'static str {
    if op == ScatterOp::Add { "ScatterAdd" } else { "Scatter" }
}

/// A copy of `x` with `src` scattered into it: `Assign` or `Add`.
pub(crate) fn scatter(op: ScatterOp, x: &Tensor, dim: usize, index: &Tensor, src: &Tensor) -> Result<Tensor> {
    let out = dispatch::duplicate(x)?;
    scatter_into(op, &out, dim, index, &src.detach())?;
    if !out.dtype().is_float() {
        return Ok(out);
    }
    Ok(record(title(op), out, [x, src], |_| scatter_rule(op, dim, index)))
}

/// The checked operands of a scatter: none of them 0-d, `src` cut to the shape of the index.
pub(crate) struct Scattered {
    pub(crate) dim: usize,
    pub(crate) index: Tensor,
    pub(crate) src: Tensor,
}

impl Scattered {
    /// Errors: `Dim`, `DType`, `Shape`, `Value`.
    pub(crate) fn new(
        op: &'static str,
        x: &Tensor,
        dim: isize,
        index: &Tensor,
        src: Operand<'_>,
    ) -> Result<Scattered> {
        let dim = normalize_dim(op, dim, x.rank())?;
        let empty = index.numel() == 0;
        // PyTorch lets an index without elements have any shape and dtype.
        let index = if empty { Tensor::empty(index.shape(), DType::I64)? } else { index_of_int(op, index)? };
        let index = at_least_1d(&index)?;
        let src = match src {
            Operand::Scalar(s) => Tensor::repeated(castable(op, s, x.dtype())?, x.dtype(), index.shape())?,
            Operand::Tensor(src) => {
                if src.dtype() != x.dtype() {
                    return Err(TensorError::new(ErrorKind::DType, op, "source and tensor differ in dtype")
                        .with("source", src.dtype())
                        .with("tensor", x.dtype()));
                }
                at_least_1d(src)?
            }
        };
        if empty {
            return Ok(Scattered { dim, index, src });
        }
        let own: &[usize] = if x.rank() == 0 { &[1] } else { x.shape() };
        check_index(op, own, Some(dim), index.shape(), "tensor")?;
        check_index(op, src.shape(), None, index.shape(), "source")?;
        let mut cut = src;
        for (axis, &n) in index.shape().iter().enumerate() {
            if cut.shape()[axis] > n {
                cut = cut.narrow(axis as isize, 0, n)?;
            }
        }
        Ok(Scattered { dim, index, src: cut })
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.index.numel() == 0
    }

    /// A copy of `x`, to which nothing is scattered. The source has its place in the graph all the same.
    pub(crate) fn untouched(&self, title: &'static str, x: &Tensor) -> Result<Tensor> {
        let out = dispatch::duplicate(x)?;
        if !out.dtype().is_float() {
            return Ok(out);
        }
        Ok(record(title, out, [x, &self.src], |_| self.untouched_rule()))
    }

    /// `x` itself, to which nothing is scattered, as an in-place op all the same.
    pub(crate) fn untouched_(&self, op: &'static str, title: &'static str, x: &Tensor) -> Result<Tensor> {
        let direct = || dispatch::write_nothing(op, x);
        in_place_by_rule(op, x, &[&self.src], direct, title, || self.untouched_rule())
    }

    fn untouched_rule(&self) -> Rule {
        let src = self.src.layout().clone();
        Box::new(move |_, g| Ok(smallvec![Some(g.clone()), Some(Tensor::zeros(src.shape(), g.dtype())?)]))
    }
}

fn scattered(op: ScatterOp, x: &Tensor, dim: isize, index: &Tensor, src: Operand<'_>) -> Result<Tensor> {
    let s = Scattered::new(op.name(), x, dim, index, src)?;
    if s.is_empty() {
        return s.untouched(title(op), x);
    }
    scatter(op, &at_least_1d(x)?, s.dim, &s.index, &s.src)?.with_shape(x.shape())
}

fn scattered_(op: ScatterOp, x: &Tensor, dim: isize, index: &Tensor, src: Operand<'_>) -> Result<Tensor> {
    let s = Scattered::new(op.name(), x, dim, index, src)?;
    if s.is_empty() {
        return s.untouched_(op.name(), title(op), x);
    }
    let direct = || scatter_into(op, &at_least_1d(&x.detach())?, s.dim, &s.index, &s.src.detach());
    in_place_by_rule(op.name(), x, &[&s.src], direct, title(op), || {
        let rule = scatter_rule(op, s.dim, &s.index);
        if x.rank() > 0 {
            return rule;
        }
        Box::new(move |context, g| {
            let mut grads = rule(context, &g.reshape([1])?)?;
            if let Some(of_x) = &mut grads[0] {
                *of_x = of_x.reshape([])?;
            }
            Ok(grads)
        })
    })
}

impl Tensor {
    /// `out[.., i, ..] = self[.., index[.., i, ..], ..]` along `dim`; `out` has the shape of `index`, which
    /// has the rank of the tensor and is no larger on the other dimensions. An index without elements may have
    /// any shape. PyTorch: `torch.gather`. Errors: `Dim`, `Shape`, `DType` for an index that is not i64 or i32,
    /// `IndexValue` for an element out of bounds (negative ones are).
    pub fn gather(&self, dim: isize, index: &Tensor) -> Result<Tensor> {
        const OP: &str = "gather";
        let d = normalize_dim(OP, dim, self.rank())?;
        if index.numel() == 0 {
            let out = Tensor::empty(index.shape(), self.dtype())?;
            return Ok(record("Gather", out, [self], |_| {
                let shape = self.layout().clone();
                Box::new(move |_, g| Ok(smallvec![Some(Tensor::zeros(shape.shape(), g.dtype())?)]))
            }));
        }
        let index = index_of_int(OP, index)?;
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
        gather(&at_least_1d(self)?, 0, &at_least_1d(index)?)?.with_shape(index.shape())
    }

    /// A copy with `self[.., index[.., i, ..], ..] = src[.., i, ..]` along `dim`; of several values for one
    /// place the last stays. `src` is a number, or a tensor of the same dtype. `index` is no larger than it, nor
    /// than the tensor on the other dimensions. PyTorch: `torch.scatter`.
    /// Errors: as [`gather`](Self::gather); `Value` for a number beyond the dtype's range.
    pub fn scatter<'a>(&self, dim: isize, index: &Tensor, src: impl Into<Operand<'a>>) -> Result<Tensor> {
        scattered(ScatterOp::Assign, self, dim, index, src.into())
    }

    /// A copy with `self[.., index[.., i, ..], ..] += src[.., i, ..]` along `dim`, in row-major order.
    /// PyTorch: `torch.scatter_add`. Errors as [`gather`](Self::gather).
    pub fn scatter_add(&self, dim: isize, index: &Tensor, src: &Tensor) -> Result<Tensor> {
        scattered(ScatterOp::Add, self, dim, index, src.into())
    }

    /// In-place [`scatter`](Self::scatter). Returns the tensor itself.
    pub fn scatter_<'a>(&self, dim: isize, index: &Tensor, src: impl Into<Operand<'a>>) -> Result<Tensor> {
        scattered_(ScatterOp::Assign, self, dim, index, src.into())
    }

    /// In-place [`scatter_add`](Self::scatter_add). Returns the tensor itself.
    pub fn scatter_add_(&self, dim: isize, index: &Tensor, src: &Tensor) -> Result<Tensor> {
        scattered_(ScatterOp::Add, self, dim, index, src.into())
    }
}

/// PyTorch raises `IndexError` for a bad element in `index_select` and friends, and `RuntimeError` in `gather`.
pub(crate) fn as_index_error(op: &'static str, e: TensorError) -> TensorError {
    rephrased(ErrorKind::Index, op, "index out of range", e)
}

/// A bad element that a kernel found, in the name of the op that the user called.
pub(crate) fn as_error_of(op: &'static str, e: TensorError) -> TensorError {
    rephrased(ErrorKind::IndexValue, op, "index out of bounds", e)
}

fn rephrased(kind: ErrorKind, op: &'static str, rule: &'static str, e: TensorError) -> TensorError {
    if e.kind() != ErrorKind::IndexValue {
        return e;
    }
    let mut out = TensorError::new(kind, op, rule);
    for name in ["index", "size"] {
        if let Some(value) = e.value(name) {
            out = out.with(name, value.clone());
        }
    }
    out
}

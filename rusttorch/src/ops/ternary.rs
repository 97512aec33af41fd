//! Elementwise ops of three operands.

use rusttorch_backend::layout::broadcast_shapes;
use rusttorch_backend::ops::TernaryOp;
use rusttorch_backend::{DTypeSet, ErrorKind, Result, ResultType, TensorError};
use smallvec::smallvec;

use super::args::Operand;
use crate::autograd::{Saved, record};
use crate::dispatch;
use crate::tensor::Tensor;

fn accepts(op: TernaryOp) -> DTypeSet {
    match op {
        TernaryOp::Addcmul { .. } | TernaryOp::Clamp => DTypeSet::NUMBERS,
        TernaryOp::Addcdiv { .. } | TernaryOp::Lerp => DTypeSet::FLOATS,
    }
}

/// The gradient of operand `i` of an op, from the operands and the gradient of the result.
pub(super) type Gradient = fn(TernaryOp, usize, [&Tensor; 3], &Tensor) -> Result<Tensor>;

/// `op(a, b, c)` with promotion and broadcasting.
pub(super) fn ternary(
    op: TernaryOp,
    title: &'static str,
    [a, b, c]: [Operand<'_>; 3],
    gradient: Gradient,
) -> Result<Tensor> {
    let dtype = [a, b, c].iter().fold(ResultType::new(), |r, x| x.join(r)).dtype();
    if !accepts(op).contains(dtype) {
        // PyTorch had a meaning for integers once and says so.
        let kind = match op {
            TernaryOp::Addcdiv { .. } if dtype.is_int() => ErrorKind::DType,
            _ => ErrorKind::NotImplemented,
        };
        return Err(TensorError::new(kind, op.name(), "not implemented for this dtype").with("dtype", dtype));
    }
    let a = &a.to_tensor(dtype, &[])?;
    let (b, c) = (&b.to_tensor(dtype, a.shape())?, &c.to_tensor(dtype, a.shape())?);
    let name = op.name();
    let shape = broadcast_shapes(name, a.shape(), &broadcast_shapes(name, b.shape(), c.shape())?)?;
    let (a, b, c) = (&a.broadcast_to(&shape)?, &b.broadcast_to(&shape)?, &c.broadcast_to(&shape)?);
    let out =
        dispatch::compute(name, [a, b, c], &shape, dtype, |be, [a, b, c], out| be.ternary(op, a, b, c, out))?;
    if !dtype.is_float() {
        return Ok(out);
    }
    Ok(record(title, out, [a, b, c], |_| {
        let kept = [a, b, c].map(Saved::input);
        Box::new(move |context, g| {
            let [a, b, c] = [kept[0].unpack(context)?, kept[1].unpack(context)?, kept[2].unpack(context)?];
            let of = |i: usize| context.needs(i).then(|| gradient(op, i, [&a, &b, &c], g)).transpose();
            Ok(smallvec![of(0)?, of(1)?, of(2)?])
        })
    }))
}

/// The gradient of operand `i`.
fn gradient(op: TernaryOp, i: usize, [a, b, c]: [&Tensor; 3], g: &Tensor) -> Result<Tensor> {
    match (op, i) {
        (TernaryOp::Addcmul { .. } | TernaryOp::Addcdiv { .. }, 0) => Ok(g.clone()),
        (TernaryOp::Addcmul { value }, 1) => g.mul(&c.mul(value)?),
        (TernaryOp::Addcmul { value }, _) => g.mul(&b.mul(value)?),
        (TernaryOp::Addcdiv { value }, 1) => g.mul(value)?.div(c),
        (TernaryOp::Addcdiv { value }, _) => g.neg()?.mul(&b.mul(value)?.div(&c.mul(c)?)?),
        (TernaryOp::Lerp, 0) => g.mul(&c.neg()?.add(1.0)?),
        (TernaryOp::Lerp, 1) => g.mul(c),
        (TernaryOp::Lerp, _) => g.mul(&b.sub(a)?),
        (TernaryOp::Clamp, _) => {
            Err(TensorError::new(ErrorKind::Internal, op.name(), "has rules of its own"))
        }
    }
}

impl Tensor {
    /// `self + value * b * c`, broadcast and promoted. PyTorch: `torch.addcmul`. Errors: `Shape`,
    /// `NotImplemented` for bool.
    pub fn addcmul(&self, b: &Tensor, c: &Tensor, value: f64) -> Result<Tensor> {
        ternary(TernaryOp::Addcmul { value }, "Addcmul", [self.into(), b.into(), c.into()], gradient)
    }

    /// `self + value * b / c`, broadcast and promoted; floats only. PyTorch: `torch.addcdiv`.
    pub fn addcdiv(&self, b: &Tensor, c: &Tensor, value: f64) -> Result<Tensor> {
        ternary(TernaryOp::Addcdiv { value }, "Addcdiv", [self.into(), b.into(), c.into()], gradient)
    }

    /// `self + weight * (end - self)`, broadcast; floats only, and of one dtype. PyTorch: `torch.lerp`.
    /// Errors: `Shape`, `NotImplemented` for integers and bool, `DType` where the dtypes differ.
    pub fn lerp<'a>(&self, end: &Tensor, weight: impl Into<Operand<'a>>) -> Result<Tensor> {
        const OP: &str = "lerp";
        let weight: Operand<'_> = weight.into();
        let of_weight = match weight {
            Operand::Tensor(w) if w.rank() > 0 => w.dtype(),
            _ => self.dtype(),
        };
        if end.dtype() != self.dtype() || of_weight != self.dtype() {
            return Err(TensorError::new(ErrorKind::DType, OP, "operands differ in dtype")
                .with("start", self.dtype())
                .with("end", end.dtype())
                .with("weight", of_weight));
        }
        if !self.dtype().is_float() {
            return Err(TensorError::new(ErrorKind::NotImplemented, OP, "not implemented for this dtype")
                .with("dtype", self.dtype()));
        }
        ternary(TernaryOp::Lerp, "Lerp", [self.into(), end.into(), weight], gradient)
    }
}

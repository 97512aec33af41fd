//! Elementwise ops of three operands.

use rusttorch_backend::layout::broadcast_shapes;
use rusttorch_backend::ops::TernaryOp;
use rusttorch_backend::{DType, DTypeSet, ErrorKind, Result, ResultType, TensorError};
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

fn ternary(op: TernaryOp, title: &'static str, a: &Tensor, b: Operand<'_>, c: Operand<'_>) -> Result<Tensor> {
    let dtype = c.join(b.join(ResultType::new().tensor(a.dtype(), a.rank()))).dtype();
    if !accepts(op).contains(dtype) {
        // PyTorch had a meaning for integers once and says so.
        let kind = match op {
            TernaryOp::Addcdiv { .. } if dtype.is_int() => ErrorKind::DType,
            _ => ErrorKind::NotImplemented,
        };
        return Err(TensorError::new(kind, op.name(), "not implemented for this dtype").with("dtype", dtype));
    }
    let (a, b, c) = (&a.to_dtype(dtype)?, &b.to_tensor(dtype, a.shape())?, &c.to_tensor(dtype, a.shape())?);
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
        // Strictly inside of the bounds the input, at and beyond them the bound has the gradient.
        (TernaryOp::Clamp, 0) => g.masked_fill(&a.gt(b)?.logical_and(&a.lt(c)?)?.logical_not()?, 0.0),
        (TernaryOp::Clamp, 1) => g.masked_fill(&a.lt(b)?.logical_and(&b.lt(c)?)?.logical_not()?, 0.0),
        (TernaryOp::Clamp, _) => g.masked_fill(&a.gt(c)?.logical_or(&c.lt(b)?)?.logical_not()?, 0.0),
    }
}

impl Tensor {
    /// `self + value * b * c`, broadcast and promoted. PyTorch: `torch.addcmul`. Errors: `Shape`,
    /// `NotImplemented` for bool.
    pub fn addcmul(&self, b: &Tensor, c: &Tensor, value: f64) -> Result<Tensor> {
        ternary(TernaryOp::Addcmul { value }, "Addcmul", self, b.into(), c.into())
    }

    /// `self + value * b / c`, broadcast and promoted; floats only. PyTorch: `torch.addcdiv`.
    pub fn addcdiv(&self, b: &Tensor, c: &Tensor, value: f64) -> Result<Tensor> {
        ternary(TernaryOp::Addcdiv { value }, "Addcdiv", self, b.into(), c.into())
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
        ternary(TernaryOp::Lerp, "Lerp", self, end.into(), weight)
    }

    /// `min(max(self, low), high)`, broadcast and promoted. NaN anywhere gives NaN; `low > high` gives high.
    /// At a bound the gradient is 0. PyTorch: `torch.clamp`. Errors: `Shape`, `NotImplemented` for bool.
    pub fn clamp<'a, 'b>(&self, low: impl Into<Operand<'a>>, high: impl Into<Operand<'b>>) -> Result<Tensor> {
        ternary(TernaryOp::Clamp, "Clamp", self, low.into(), high.into())
    }

    /// `max(self, low)`. NaN anywhere gives NaN. PyTorch: `torch.clamp_min`.
    pub fn clamp_min<'a>(&self, low: impl Into<Operand<'a>>) -> Result<Tensor> {
        self.clamp_one_sided(low.into(), true)
    }

    /// `min(self, high)`. NaN anywhere gives NaN. PyTorch: `torch.clamp_max`.
    pub fn clamp_max<'a>(&self, high: impl Into<Operand<'a>>) -> Result<Tensor> {
        self.clamp_one_sided(high.into(), false)
    }

    /// A one-sided clamp: as the larger or smaller of the two, but at the bound the gradient is the rule
    /// of clamp, not the even split of `maximum`.
    fn clamp_one_sided(&self, bound: Operand<'_>, below: bool) -> Result<Tensor> {
        let dtype = bound.join(ResultType::new().tensor(self.dtype(), self.rank())).dtype();
        if dtype == DType::Bool {
            return Err(TensorError::new(
                ErrorKind::NotImplemented,
                "clamp",
                "not implemented for this dtype",
            )
            .with("dtype", dtype));
        }
        let (x, bound) = (self.to_dtype(dtype)?, bound.to_tensor(dtype, self.shape())?);
        let outside = if below { x.le(&bound)? } else { x.ge(&bound)? };
        Tensor::where_cond(&outside, &bound, &x)?.keep_nan(&bound)
    }

    /// NaN where `other` is NaN.
    fn keep_nan(&self, other: &Tensor) -> Result<Tensor> {
        match other.dtype().is_float() {
            true => Tensor::where_cond(&other.isnan()?, other, self),
            false => Ok(self.clone()),
        }
    }
}

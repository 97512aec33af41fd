//! Elementwise ops of three operands.

use rusttorch_backend::layout::broadcast_shapes;
use rusttorch_backend::ops::TernaryOp;
use rusttorch_backend::{DType, DTypeSet, ErrorKind, Result, ResultType, Scalar, TensorError};
use smallvec::{SmallVec, smallvec};

use super::args::Operand;
use super::in_place::by_value;
use super::select::castable;
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
        return Err(TensorError::new(ErrorKind::NotImplemented, op.name(), "not implemented for this dtype")
            .with("dtype", dtype));
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
pub(super) fn gradient(op: TernaryOp, i: usize, [a, b, c]: [&Tensor; 3], g: &Tensor) -> Result<Tensor> {
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

/// Error: `DType` for a quotient of two integers, to which PyTorch gave a meaning once and says so.
fn not_of_integers(op: &'static str, b: &Tensor, c: &Tensor) -> Result<()> {
    if b.dtype().is_float() || c.dtype().is_float() {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::DType, op, "the quotient of two integer tensors is not supported")
        .with("numerator", b.dtype())
        .with("denominator", c.dtype()))
}

impl Tensor {
    /// `self + value * b * c`, broadcast and promoted. Integers wrap, and cut the fraction of `value` off.
    /// PyTorch: `torch.addcmul`. Errors: `Shape`, `NotImplemented` for bool, `Value` for one that an integer dtype
    /// cannot hold.
    pub fn addcmul(&self, b: &Tensor, c: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        let operands = [self.into(), b.into(), c.into()];
        let mut value = value.into();
        let dtype = operands.iter().fold(ResultType::new(), |r, x: &Operand<'_>| x.join(r)).dtype();
        if dtype.is_int() {
            value = Scalar::Int(castable("addcmul", value, dtype)?.to_i64());
        }
        ternary(TernaryOp::Addcmul { value }, "Addcmul", operands, gradient)
    }

    /// In-place [`addcmul`](Self::addcmul). Returns the tensor itself.
    pub fn addcmul_(&self, b: &Tensor, c: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        let value = value.into();
        by_value("addcmul_", self, &[b, c], &|x| x.addcmul(b, c, value))
    }

    /// `self + value * b / c`, broadcast and promoted; floats only. PyTorch: `torch.addcdiv`. Errors: `Shape`,
    /// `DType` where `b` and `c` are both integers or bool.
    pub fn addcdiv(&self, b: &Tensor, c: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        not_of_integers("addcdiv", b, c)?;
        let op = TernaryOp::Addcdiv { value: value.into() };
        ternary(op, "Addcdiv", [self.into(), b.into(), c.into()], gradient)
    }

    /// In-place [`addcdiv`](Self::addcdiv). Returns the tensor itself.
    pub fn addcdiv_(&self, b: &Tensor, c: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        let value = value.into();
        by_value("addcdiv_", self, &[b, c], &|x| x.addcdiv(b, c, value))
    }

    /// `self + weight * (end - self)`, broadcast; floats only, and of one dtype. PyTorch: `torch.lerp`.
    /// Errors: `Shape`, `NotImplemented` for integers and bool, `DType` where the dtypes differ, `Value` for a number
    /// beyond the range of the dtype.
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
        if let Operand::Scalar(weight) = weight {
            let wide = if self.dtype().is_half() { DType::F32 } else { self.dtype() };
            castable(OP, weight, wide)?;
        }
        let run = |start: &Tensor, end: &Tensor| {
            ternary(TernaryOp::Lerp, "Lerp", [start.into(), end.into(), weight], gradient)
        };
        // A number is not rounded to a half type first.
        match weight {
            Operand::Scalar(_) if self.dtype().is_half() => {
                run(&self.to_dtype(DType::F32)?, &end.to_dtype(DType::F32)?)?.to_dtype(self.dtype())
            }
            _ => run(self, end),
        }
    }

    /// In-place [`lerp`](Self::lerp). Returns the tensor itself.
    pub fn lerp_<'a>(&self, end: &Tensor, weight: impl Into<Operand<'a>>) -> Result<Tensor> {
        let weight: Operand<'_> = weight.into();
        let inputs: SmallVec<[&Tensor; 2]> = std::iter::once(end).chain(weight.tensor()).collect();
        by_value("lerp_", self, &inputs, &|x| x.lerp(end, weight))
    }
}

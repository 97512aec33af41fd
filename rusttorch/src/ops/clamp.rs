//! Clamping. The value is that of `maximum` and `minimum`; the gradient at a bound depends, in PyTorch, on
//! whether the bound is a number or a tensor.

use rusttorch_backend::ops::{BinaryOp, TernaryOp};
use rusttorch_backend::{DType, ErrorKind, Result, ResultType, Scalar, TensorError};
use smallvec::{SmallVec, smallvec};

use super::args::{Bound, Operand};
use super::binary::binary;
use super::in_place::by_value;
use super::select::{castable, int_range};
use super::ternary::ternary;
use crate::autograd::{Saved, record};
use crate::dispatch;
use crate::tensor::Tensor;

impl Tensor {
    /// `min(max(self, low), high)`, broadcast and promoted; either bound may be `None`. NaN anywhere gives NaN;
    /// `low > high` gives high. At a bound the gradient is 0 if the bounds are numbers, and shared evenly with the
    /// bound if they are tensors. PyTorch: `torch.clamp`. Errors: `Shape`, `NotImplemented` for bool, `Value` for a
    /// number that an integer dtype cannot hold but that would be the result, and without any bound.
    pub fn clamp<'a, 'b>(&self, low: impl Into<Bound<'a>>, high: impl Into<Bound<'b>>) -> Result<Tensor> {
        let (low, high) = match (low.into().0, high.into().0) {
            (Some(low), Some(high)) => (low, high),
            (Some(low), None) => return one_sided(BinaryOp::Maximum, self, low),
            (None, Some(high)) => return one_sided(BinaryOp::Minimum, self, high),
            (None, None) => {
                return Err(TensorError::new(ErrorKind::Value, "clamp", "needs a bound, has none"));
            }
        };
        let dtype = high.join(low.join(ResultType::new().tensor(self.dtype(), self.rank()))).dtype();
        let (low, high) = (representable(low, dtype, true)?, representable(high, dtype, false)?);
        let gradient = match (low, high) {
            (Operand::Scalar(_), Operand::Scalar(_)) => between_numbers,
            _ => between_tensors,
        };
        ternary(TernaryOp::Clamp, "Clamp", [self.into(), low, high], gradient)
    }

    /// In-place [`clamp`](Self::clamp). Returns the tensor itself.
    pub fn clamp_<'a, 'b>(&self, low: impl Into<Bound<'a>>, high: impl Into<Bound<'b>>) -> Result<Tensor> {
        let (low, high) = (low.into(), high.into());
        let inputs: SmallVec<[&Tensor; 2]> = low.tensor().into_iter().chain(high.tensor()).collect();
        by_value("clamp_", self, &inputs, &|x| x.clamp(low, high))
    }

    /// `max(self, low)`. NaN anywhere gives NaN. Gradient at the bound as for [`clamp`](Self::clamp).
    /// PyTorch: `torch.clamp_min`.
    pub fn clamp_min<'a>(&self, low: impl Into<Operand<'a>>) -> Result<Tensor> {
        one_sided(BinaryOp::Maximum, self, low.into())
    }

    /// In-place [`clamp_min`](Self::clamp_min). Returns the tensor itself.
    pub fn clamp_min_<'a>(&self, low: impl Into<Operand<'a>>) -> Result<Tensor> {
        let low: Operand<'_> = low.into();
        by_value("clamp_min_", self, low.tensor().as_slice(), &|x| x.clamp_min(low))
    }

    /// `min(self, high)`. NaN anywhere gives NaN. Gradient at the bound as for [`clamp`](Self::clamp).
    /// PyTorch: `torch.clamp_max`.
    pub fn clamp_max<'a>(&self, high: impl Into<Operand<'a>>) -> Result<Tensor> {
        one_sided(BinaryOp::Minimum, self, high.into())
    }

    /// In-place [`clamp_max`](Self::clamp_max). Returns the tensor itself.
    pub fn clamp_max_<'a>(&self, high: impl Into<Operand<'a>>) -> Result<Tensor> {
        let high: Operand<'_> = high.into();
        by_value("clamp_max_", self, high.tensor().as_slice(), &|x| x.clamp_max(high))
    }
}

/// A number as bound. Of an integer dtype one that can never bind becomes the end of the range; one that would have
/// to be the result although the dtype cannot hold it is the error `Value`, as is any that a float cannot hold.
fn representable(bound: Operand<'_>, dtype: DType, is_low: bool) -> Result<Operand<'_>> {
    if let (Operand::Scalar(number), true) = (bound, dtype.is_float()) {
        castable("clamp", number, dtype)?;
    }
    let (Operand::Scalar(Scalar::Int(v)), Some((least, most))) = (bound, int_range(dtype)) else {
        return Ok(bound);
    };
    let beyond = if is_low { v > most } else { v < least };
    if beyond {
        return Err(TensorError::new(ErrorKind::Value, "clamp", "bound lies outside of the dtype's range")
            .with("bound", v)
            .with("dtype", dtype));
    }
    Ok(Operand::Scalar(Scalar::Int(v.clamp(least, most))))
}

/// The gradient goes to the input strictly between the bounds, and to nothing elsewhere.
fn between_numbers(_: TernaryOp, i: usize, [x, low, high]: [&Tensor; 3], g: &Tensor) -> Result<Tensor> {
    match i {
        0 => g.masked_fill(&x.gt(low)?.logical_and(&x.lt(high)?)?.logical_not()?, 0.0),
        _ => Tensor::zeros_like(g),
    }
}

/// The gradient goes to whichever of the three is the result. The input shares it with a bound that it
/// equals, unless the bounds are equal; a NaN leaves it with the input.
fn between_tensors(_: TernaryOp, i: usize, [x, low, high]: [&Tensor; 3], g: &Tensor) -> Result<Tensor> {
    let crossed = low.gt(high)?;
    let proper = low.lt(high)?;
    let is_low = x.lt(low)?.logical_and(&crossed.logical_not()?)?;
    let is_high = x.gt(high)?.logical_or(&crossed)?;
    let ties_low = x.eq(low)?.logical_and(&proper)?;
    let ties_high = x.eq(high)?.logical_and(&proper)?;
    let (whole, half) = match i {
        0 => (is_low.logical_or(&is_high)?.logical_not()?, ties_low.logical_or(&ties_high)?),
        1 => (is_low, ties_low),
        _ => (is_high, ties_high),
    };
    let halved = Tensor::where_cond(&half, &g.mul(0.5)?, &Tensor::zeros_like(g)?)?;
    Tensor::where_cond(&whole.logical_and(&half.logical_not()?)?, g, &halved)
}

fn one_sided(op: BinaryOp, x: &Tensor, bound: Operand<'_>) -> Result<Tensor> {
    let dtype = bound.join(ResultType::new().tensor(x.dtype(), x.rank())).dtype();
    if dtype == DType::Bool {
        return Err(TensorError::new(ErrorKind::NotImplemented, "clamp", "not implemented for this dtype")
            .with("dtype", dtype));
    }
    let bound = representable(bound, dtype, op == BinaryOp::Maximum)?;
    if matches!(bound, Operand::Tensor(_)) {
        return binary(op, x, bound);
    }
    let (x, bound) = (&x.to_dtype(dtype)?, &bound.to_tensor(dtype, x.shape())?);
    let out = dispatch::compute_like("clamp", [x, bound], dtype, |b, [x, y], out| b.binary(op, x, y, out))?;
    if !dtype.is_float() {
        return Ok(out);
    }
    Ok(record("Clamp", out, [x], |_| {
        let (x, bound) = (Saved::input(x), bound.clone());
        Box::new(move |context, g| {
            let x = x.unpack(context)?;
            let inside = if op == BinaryOp::Maximum { x.gt(&bound)? } else { x.lt(&bound)? };
            Ok(smallvec![Some(g.masked_fill(&inside.logical_not()?, 0.0)?)])
        })
    }))
}

//! Choosing between tensors by a condition, and writing constants and copies.

use rusttorch_backend::layout::broadcast_shapes;
use rusttorch_backend::{DType, ErrorKind, Result, ResultType, Scalar, TensorError, bf16, f16};
use smallvec::smallvec;

use super::args::Operand;
use super::binary::fits_in_place;
use super::in_place::by_value;
use crate::autograd::{Saved, in_place, record};
use crate::dispatch;
use crate::tensor::Tensor;

impl Tensor {
    /// `condition ? a : b` elementwise, all three broadcast to one shape, `a` and `b` promoted to one
    /// dtype. A NaN that is not chosen has no say in the value (but has in the gradient of what made it).
    /// PyTorch: `torch.where`. Errors: `DType` for a condition that is not bool (or u8, as PyTorch still allows),
    /// `Shape`, `Value` for a number beyond the range of the dtype.
    pub fn where_cond<'a, 'b>(
        condition: &Tensor,
        a: impl Into<Operand<'a>>,
        b: impl Into<Operand<'b>>,
    ) -> Result<Tensor> {
        const OP: &str = "where";
        let (a, b): (Operand<'_>, Operand<'_>) = (a.into(), b.into());
        let dtype = b.join(a.join(ResultType::new())).dtype();
        let operand = |x: Operand<'_>| {
            match x {
                // PyTorch rounds to a half without a look at its range.
                Operand::Scalar(s) if !dtype.is_half() => castable(OP, s, dtype).map(drop)?,
                _ => {}
            }
            x.to_tensor(dtype, condition.shape())
        };
        let bytes = match condition.dtype() {
            DType::U8 => Some(condition.to_dtype(DType::Bool)?),
            _ => None,
        };
        where_same_dtype(OP, bytes.as_ref().unwrap_or(condition), &operand(a)?, &operand(b)?)
    }

    /// A copy with `value` (a number or a 0-d tensor) where `mask` is true. The mask broadcasts to the tensor; the
    /// value is cast to its dtype. PyTorch: `torch.masked_fill`. Errors: `DType` for a mask that is not bool, `Shape`,
    /// `Value` beyond the range of an integer dtype.
    pub fn masked_fill<'a>(&self, mask: &Tensor, value: impl Into<Operand<'a>>) -> Result<Tensor> {
        masked_fill("masked_fill", self, mask, value.into())
    }

    /// In-place [`masked_fill`](Self::masked_fill). Returns the tensor itself.
    pub fn masked_fill_<'a>(&self, mask: &Tensor, value: impl Into<Operand<'a>>) -> Result<Tensor> {
        const OP: &str = "masked_fill_";
        let value: Operand<'_> = value.into();
        by_value(OP, self, value.tensor().as_slice(), &|x| masked_fill(OP, x, mask, value))
    }

    /// Writes `value`, cast to the tensor's dtype, into every element. Returns the tensor itself.
    /// Errors: `Alias` for an expanded tensor, `Autograd`, `Value` beyond the range of an integer dtype.
    pub fn fill_(&self, value: impl Into<Scalar>) -> Result<Tensor> {
        let value = castable("fill_", value.into(), self.dtype())?;
        in_place(
            "fill_",
            self,
            &[],
            || dispatch::write_in_place("fill_", self, [], |b, out, []| b.fill(value, out)),
            || Tensor::full(self.shape(), value, self.dtype()),
        )
    }

    /// Writes zeros into every element. Returns the tensor itself.
    pub fn zero_(&self) -> Result<Tensor> {
        self.fill_(0i64)
    }

    /// Writes the elements of `src`, broadcast and cast to this tensor. Returns the tensor itself.
    /// Errors: `Shape`, `Alias` for an expanded tensor, `Autograd`.
    pub fn copy_(&self, src: &Tensor) -> Result<Tensor> {
        const OP: &str = "copy_";
        fits_in_place(OP, self, src.shape())?;
        let src = &src.broadcast_to(self.shape())?;
        in_place(
            OP,
            self,
            &[src],
            || dispatch::write_in_place(OP, self, [src], |b, out, [x]| b.copy(x, out)),
            || {
                let src = src.to_dtype(self.dtype())?;
                let out = dispatch::duplicate(&src)?;
                if !out.dtype().is_float() {
                    return Ok(out);
                }
                // What was there before stays in the graph, with a gradient of zero.
                Ok(record("Copy", out, [self, &src], |_| {
                    Box::new(|context, g| {
                        let of_self = context.needs(0).then(|| Tensor::zeros_like(g)).transpose()?;
                        Ok(smallvec![of_self, Some(g.clone())])
                    })
                }))
            },
        )
    }
}

fn masked_fill(op: &'static str, x: &Tensor, mask: &Tensor, value: Operand<'_>) -> Result<Tensor> {
    let value = match value {
        Operand::Scalar(value) => Tensor::repeated(castable(op, value, x.dtype())?, x.dtype(), &[])?,
        Operand::Tensor(value) if value.rank() == 0 => {
            castable(op, value.detach().item()?, x.dtype())?;
            value.to_dtype(x.dtype())?
        }
        Operand::Tensor(value) => {
            return Err(TensorError::new(ErrorKind::Shape, op, "the value has dimensions")
                .with("value", value.shape()));
        }
    };
    where_same_dtype(op, mask, &value, x)
}

pub(super) fn where_same_dtype(
    op: &'static str,
    condition: &Tensor,
    a: &Tensor,
    b: &Tensor,
) -> Result<Tensor> {
    if condition.dtype() != DType::Bool {
        return Err(
            TensorError::new(ErrorKind::DType, op, "condition is not bool").with("dtype", condition.dtype())
        );
    }
    let shape = broadcast_shapes(op, condition.shape(), &broadcast_shapes(op, a.shape(), b.shape())?)?;
    let (c, a, b) = (&condition.broadcast_to(&shape)?, &a.broadcast_to(&shape)?, &b.broadcast_to(&shape)?);
    let out =
        dispatch::compute(op, [c, a, b], &shape, a.dtype(), |be, [c, a, b], out| be.select(c, a, b, out))?;
    Ok(record("Where", out, [a, b], |_| {
        let c = Saved::input(&c.detach());
        Box::new(move |context, g| {
            let c = c.unpack(context)?;
            let zero = Tensor::full(&[], Scalar::Int(0), g.dtype())?;
            let of_a = context.needs(0).then(|| where_same_dtype("where", &c, g, &zero)).transpose()?;
            let of_b = context.needs(1).then(|| where_same_dtype("where", &c, &zero, g)).transpose()?;
            Ok(smallvec![of_a, of_b])
        })
    }))
}

/// The smallest and the largest value of an integer dtype.
pub(crate) fn int_range(dtype: DType) -> Option<(i64, i64)> {
    match dtype {
        DType::U8 => Some((0, u8::MAX.into())),
        DType::I8 => Some((i8::MIN.into(), i8::MAX.into())),
        DType::I16 => Some((i16::MIN.into(), i16::MAX.into())),
        DType::I32 => Some((i32::MIN.into(), i32::MAX.into())),
        DType::I64 => Some((i64::MIN, i64::MAX)),
        DType::Bool | DType::F16 | DType::BF16 | DType::F32 | DType::F64 => None,
    }
}

/// The largest finite value of a float dtype.
pub(super) fn largest(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => f16::MAX.to_f64(),
        DType::BF16 => bf16::MAX.to_f64(),
        DType::F32 => f32::MAX.into(),
        _ => f64::MAX,
    }
}

/// Error: `Value` for a number beyond the range of a dtype. As in PyTorch fractions are cut off, infinities
/// are floats, and of an unsigned dtype whole negative numbers wrap, so that -1 is the largest one.
pub(crate) fn castable(op: &'static str, value: Scalar, dtype: DType) -> Result<Scalar> {
    let fits = match (int_range(dtype), value) {
        (_, Scalar::Bool(_)) => true,
        (Some((low, high)), Scalar::Int(v)) => (if low == 0 { -high } else { low }) <= v && v <= high,
        // The bounds of i64 are no f64, but one more than the upper bound is.
        (Some((low, high)), Scalar::Float(v)) => {
            !v.is_nan()
                && (if low == 0 { v } else { v.trunc() }) >= low as f64
                && v.trunc() < high as f64 + 1.0
        }
        (None, v) if dtype.is_float() => v.to_f64().abs() <= largest(dtype) || !v.to_f64().is_finite(),
        (None, _) => true,
    };
    if fits {
        return Ok(value);
    }
    Err(TensorError::new(ErrorKind::Value, op, "value lies outside of the dtype's range")
        .with("value", value.to_string())
        .with("dtype", dtype))
}

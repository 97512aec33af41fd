//! Sums, quotients and powers with a parameter, and ops whose number stands on the left.

use std::f64::consts::PI;

use rusttorch_backend::ops::{BinaryOp, TernaryOp};
use rusttorch_backend::{DType, ErrorKind, Result, ResultType, Scalar, Shape, TensorError};
use smallvec::SmallVec;

use super::args::Operand;
use super::binary::{binary_in_place, binary_of};
use super::in_place::by_value;
use super::select::castable;
use super::ternary::{gradient, ternary};
use crate::autograd::{no_grad, record_many};
use crate::tensor::Tensor;

/// How a quotient is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// Down, exactly: that of `floor_divide`.
    Floor,
    /// Towards zero.
    Trunc,
}

/// `a + alpha * b`, or minus, of floats with one rounding. Errors: those of the sum; `Value` for an `alpha` that
/// the dtype of the result cannot hold.
pub(crate) fn scaled(op: BinaryOp, a: Operand<'_>, b: Operand<'_>, alpha: Scalar) -> Result<Tensor> {
    if alpha == Scalar::Int(1) {
        return binary_of(op, a, b);
    }
    let dtype = b.join(a.join(ResultType::new())).dtype();
    let refused = match alpha {
        Scalar::Bool(_) if dtype != DType::Bool => Some("a bool alpha needs a bool result"),
        Scalar::Float(_) if !dtype.is_float() => Some("a float alpha needs a float result"),
        _ => None,
    };
    let is_bool = |x: Operand<'_>| x.join(ResultType::new()).dtype() == DType::Bool;
    if dtype == DType::Bool || (op == BinaryOp::Sub && (is_bool(a) || is_bool(b))) {
        // The plain op knows what it refuses; of truth values `alpha` says no more than whether there is a `b`.
        let kept = binary_of(op, a, b)?;
        return match refused {
            Some(rule) => Err(not_alpha(op, rule, alpha, dtype)),
            None if alpha.to_bool() => Ok(kept),
            None => Ok(a.to_tensor(DType::Bool, kept.shape())?.broadcast_to(kept.shape())?.copy()?),
        };
    }
    if let Some(rule) = refused {
        return Err(not_alpha(op, rule, alpha, dtype));
    }
    castable(op.name(), alpha, dtype)?;
    let (title, factor) = match (op, alpha) {
        (BinaryOp::Sub, Scalar::Int(v)) => ("Sub", Scalar::Int(v.wrapping_neg())),
        (BinaryOp::Sub, v) => ("Sub", Scalar::Float(-v.to_f64())),
        (_, v) => ("Add", v),
    };
    // As a third operand the factor is rounded to the dtype, as PyTorch's is.
    ternary(TernaryOp::Addcmul { value: Scalar::Int(1) }, title, [a, b, factor.into()], gradient)
}

#[cold]
fn not_alpha(op: BinaryOp, rule: &'static str, alpha: Scalar, dtype: DType) -> TensorError {
    TensorError::new(ErrorKind::Value, op.name(), rule).with("alpha", alpha.to_string()).with("result", dtype)
}

fn scaled_in_place(
    op: BinaryOp,
    name: &'static str,
    a: &Tensor,
    b: Operand<'_>,
    alpha: Scalar,
) -> Result<Tensor> {
    match alpha {
        Scalar::Int(1) => binary_in_place(op, a, b),
        _ => by_value(name, a, b.tensor().as_slice(), &|x| scaled(op, x.into(), b, alpha)),
    }
}

/// A quotient with a rounding mode. Its gradient is zero, where `floor_divide` has none.
pub(crate) fn quotient(a: Operand<'_>, b: Operand<'_>, rounding: Option<Rounding>) -> Result<Tensor> {
    match rounding {
        None => binary_of(BinaryOp::Div, a, b),
        Some(Rounding::Trunc) => binary_of(BinaryOp::TruncDivide, a, b),
        Some(Rounding::Floor) => {
            let out = no_grad(|| binary_of(BinaryOp::FloorDivide, a, b))?;
            if !out.dtype().is_float() {
                return Ok(out);
            }
            let inputs: SmallVec<[&Tensor; 2]> = a.tensor().into_iter().chain(b.tensor()).collect();
            Ok(record_many("Div", out, &inputs, |_| {
                let like: SmallVec<[_; 2]> =
                    inputs.iter().map(|t| (Shape::from_slice(t.shape()), t.dtype())).collect();
                Box::new(move |context, _| {
                    let zeros = |(i, (shape, dtype)): (usize, &(Shape, DType))| {
                        context.needs(i).then(|| Tensor::zeros(shape, *dtype)).transpose()
                    };
                    like.iter().enumerate().map(zeros).collect()
                })
            }))
        }
    }
}

/// Powers computed in f64, whatever the operands are.
pub(crate) fn float_power(base: Operand<'_>, exponent: Operand<'_>) -> Result<Tensor> {
    let wide = |x: Operand<'_>| x.tensor().map(|t| t.to_dtype(DType::F64)).transpose();
    let (a, b) = (wide(base)?, wide(exponent)?);
    let operand = |x: Operand<'_>| Operand::Scalar(Scalar::Float(x.scalar().map_or(0.0, Scalar::to_f64)));
    binary_of(
        BinaryOp::Pow,
        a.as_ref().map_or_else(|| operand(base), Operand::from),
        b.as_ref().map_or_else(|| operand(exponent), Operand::from),
    )
}

/// Sums, quotients and powers with a parameter. `other` is a tensor or a number; promotion, broadcasting and errors
/// are those of the op without parameter.
impl Tensor {
    /// `self + alpha * other`, of floats with one rounding. PyTorch: `torch.add(alpha=)`. Error beside those of
    /// `add`: `Value` for a float `alpha` of integers, a bool one of numbers, or one out of the dtype's range.
    pub fn add_alpha<'a>(&self, other: impl Into<Operand<'a>>, alpha: impl Into<Scalar>) -> Result<Tensor> {
        scaled(BinaryOp::Add, self.into(), other.into(), alpha.into())
    }

    /// In-place [`add_alpha`](Self::add_alpha). Returns the tensor itself.
    pub fn add_alpha_<'a>(&self, other: impl Into<Operand<'a>>, alpha: impl Into<Scalar>) -> Result<Tensor> {
        scaled_in_place(BinaryOp::Add, "add_", self, other.into(), alpha.into())
    }

    /// `self - alpha * other`, as [`add_alpha`](Self::add_alpha). PyTorch: `torch.sub(alpha=)`.
    pub fn sub_alpha<'a>(&self, other: impl Into<Operand<'a>>, alpha: impl Into<Scalar>) -> Result<Tensor> {
        scaled(BinaryOp::Sub, self.into(), other.into(), alpha.into())
    }

    /// In-place [`sub_alpha`](Self::sub_alpha). Returns the tensor itself.
    pub fn sub_alpha_<'a>(&self, other: impl Into<Operand<'a>>, alpha: impl Into<Scalar>) -> Result<Tensor> {
        scaled_in_place(BinaryOp::Sub, "sub_", self, other.into(), alpha.into())
    }

    /// `other - alpha * self`. PyTorch: `torch.rsub`.
    pub fn rsub<'a>(&self, other: impl Into<Operand<'a>>, alpha: impl Into<Scalar>) -> Result<Tensor> {
        scaled(BinaryOp::Sub, other.into(), self.into(), alpha.into())
    }

    /// `self / other`, rounded down or towards zero where a mode is given; then integers stay integers, and the
    /// gradient is zero. PyTorch: `torch.div(rounding_mode=)`. Errors: those of `div` and `floor_divide`.
    pub fn div_mode<'a>(&self, other: impl Into<Operand<'a>>, rounding: Option<Rounding>) -> Result<Tensor> {
        quotient(self.into(), other.into(), rounding)
    }

    /// In-place [`div_mode`](Self::div_mode). Returns the tensor itself.
    pub fn div_mode_<'a>(&self, other: impl Into<Operand<'a>>, rounding: Option<Rounding>) -> Result<Tensor> {
        let other: Operand<'_> = other.into();
        match rounding {
            None => self.div_(other),
            Some(_) => by_value("div_", self, other.tensor().as_slice(), &|x| x.div_mode(other, rounding)),
        }
    }

    /// `self ^ exponent`, computed in f64, which is the dtype of the result. PyTorch: `torch.float_power`.
    pub fn float_power<'a>(&self, exponent: impl Into<Operand<'a>>) -> Result<Tensor> {
        float_power(self.into(), exponent.into())
    }

    /// In-place [`float_power`](Self::float_power). Returns the tensor itself. Error: `DType` unless it is f64.
    pub fn float_power_<'a>(&self, exponent: impl Into<Operand<'a>>) -> Result<Tensor> {
        const OP: &str = "float_power_";
        let exponent: Operand<'_> = exponent.into();
        if self.dtype() != DType::F64 {
            return Err(TensorError::new(ErrorKind::DType, OP, "the result is f64, the tensor is not")
                .with("dtype", self.dtype()));
        }
        by_value(OP, self, exponent.tensor().as_slice(), &|x| x.float_power(exponent))
    }

    /// `pi / 180 * self`. PyTorch: `torch.deg2rad`.
    pub fn deg2rad(&self) -> Result<Tensor> {
        self.mul(PI / 180.0)
    }

    /// In-place [`deg2rad`](Self::deg2rad). Returns the tensor itself.
    pub fn deg2rad_(&self) -> Result<Tensor> {
        self.mul_(PI / 180.0)
    }

    /// `180 / pi * self`. PyTorch: `torch.rad2deg`.
    pub fn rad2deg(&self) -> Result<Tensor> {
        self.mul(180.0 / PI)
    }

    /// In-place [`rad2deg`](Self::rad2deg). Returns the tensor itself.
    pub fn rad2deg_(&self) -> Result<Tensor> {
        self.mul_(180.0 / PI)
    }
}

/// The methods of ops that do not commute with the number on the left.
macro_rules! number_on_the_left {
    ($($method:ident $of:ident $op:ident $formula:literal $torch:literal;)*) => {
        /// Ops with a number on the left, which takes part in promotion by its category alone. Errors: those of the
        /// op between tensors.
        impl Tensor {
            $(
                #[doc = concat!("`", $formula, "`: see [`", stringify!($of), "`](Self::", stringify!($of), ").")]
                ///
                #[doc = concat!("PyTorch: `", $torch, "` with a number first.")]
                pub fn $method(&self, number: impl Into<Scalar>) -> Result<Tensor> {
                    binary_of(BinaryOp::$op, number.into().into(), self.into())
                }
            )*
        }
    };
}
number_on_the_left! {
    rpow pow Pow "number ^ self" "torch.pow";
    rremainder remainder Remainder "number - self * floor(number / self)" "torch.remainder";
    rfloor_divide floor_divide FloorDivide "floor(number / self)" "torch.floor_divide";
    rdiv div Div "number / self" "torch.div";
    rxlogy xlogy Xlogy "number * log(self)" "torch.xlogy";
    rzeta zeta Zeta "zeta(number, self)" "torch.special.zeta";
    rbitwise_left_shift bitwise_left_shift BitwiseLeftShift "number * 2^self" "torch.bitwise_left_shift";
    rbitwise_right_shift bitwise_right_shift BitwiseRightShift "floor(number / 2^self)" "torch.bitwise_right_shift";
}

//! Elementwise ops that the contract's tables do not declare: with parameters, or composed.

use rusttorch_backend::ops::BinaryOp;
use rusttorch_backend::{ErrorKind, Result, Scalar, TensorError};

use crate::catalogue::NONE;
use crate::catalogue::macros::rows;
use crate::catalogue::value::TensorOrNumber;
use crate::ops::Operand;
use crate::ops::arithmetic::{Rounding, float_power, quotient, scaled};
use crate::tensor::Tensor;

const ONE: Scalar = Scalar::Int(1);

/// A rounding mode by PyTorch's name. Error: `Value`.
fn rounding(mode: Option<String>) -> Result<Option<Rounding>> {
    match mode.as_deref() {
        None => Ok(None),
        Some("floor") => Ok(Some(Rounding::Floor)),
        Some("trunc") => Ok(Some(Rounding::Trunc)),
        Some(other) => {
            Err(TensorError::new(ErrorKind::Value, "div", "rounding_mode is none of None, trunc, floor")
                .with("rounding_mode", other.to_owned()))
        }
    }
}

fn round(input: &Tensor, decimals: Option<i64>) -> Result<Tensor> {
    decimals.map_or_else(|| input.round(), |d| input.round_decimals(d))
}

fn round_(input: &Tensor, decimals: Option<i64>) -> Result<Tensor> {
    decimals.map_or_else(|| input.round_(), |d| input.round_decimals_(d))
}

rows! { UNARY: Unary;
    "torch.round" (input: Tensor; decimals: Option<i64> = NONE) out
        => round(&input, decimals), in_place round_(&input, decimals);
    "torch.positive" (input: Tensor) => input.positive();
    "torch.deg2rad" (input: Tensor) out => input.deg2rad(), in_place input.deg2rad_();
    "torch.rad2deg" (input: Tensor) out => input.rad2deg(), in_place input.rad2deg_();
    "torch.logit" (input: Tensor, eps: Option<f64> = NONE) out => input.logit(eps), in_place input.logit_(eps);
    "torch.nan_to_num" (
        input: Tensor, nan: Option<f64> = 0.0, posinf: Option<f64> = NONE, neginf: Option<f64> = NONE
    ) out
        => input.nan_to_num(nan, posinf, neginf), in_place input.nan_to_num_(nan, posinf, neginf);
    "torch.polygamma" (n: i64, input: Tensor) out => input.polygamma(n);
    "torch.Tensor.polygamma" (input: Tensor, n: i64) => input.polygamma(n), in_place input.polygamma_(n);
    "torch.special.erf" (input: Tensor) out => input.erf();
    "torch.special.erfc" (input: Tensor) out => input.erfc();
    "torch.special.erfinv" (input: Tensor) out => input.erfinv();
    "torch.special.exp2" (input: Tensor) out => input.exp2();
    "torch.special.expit" (input: Tensor) out => input.sigmoid();
    "torch.special.expm1" (input: Tensor) out => input.expm1();
    "torch.special.gammaln" (input: Tensor) out => input.lgamma();
    "torch.special.log1p" (input: Tensor) out => input.log1p();
    "torch.special.logit" (input: Tensor, eps: Option<f64> = NONE) out => input.logit(eps);
    "torch.special.polygamma" (n: i64, input: Tensor) out => input.polygamma(n);
    "torch.special.psi" (input: Tensor) out => input.digamma();
    "torch.special.digamma" (input: Tensor) out => input.digamma();
    "torch.special.round" (input: Tensor; decimals: Option<i64> = NONE) out => round(&input, decimals);
    "torch.special.sinc" (input: Tensor) out => input.sinc();
}

rows! { ROWS: Elementwise;
    "torch.add" (input: TensorOrNumber, other: TensorOrNumber; alpha: Scalar = ONE) out
        => scaled(BinaryOp::Add, (&input).into(), (&other).into(), alpha),
        in_place input.tensor("add_")?.add_alpha_(&other, alpha);
    "torch.sub" (input: TensorOrNumber, other: TensorOrNumber; alpha: Scalar = ONE) out
        => scaled(BinaryOp::Sub, (&input).into(), (&other).into(), alpha),
        in_place input.tensor("sub_")?.sub_alpha_(&other, alpha);
    "torch.subtract" (input: TensorOrNumber, other: TensorOrNumber; alpha: Scalar = ONE) out
        => scaled(BinaryOp::Sub, (&input).into(), (&other).into(), alpha),
        in_place input.tensor("subtract_")?.sub_alpha_(&other, alpha);
    "torch.rsub" (input: Tensor, other: TensorOrNumber; alpha: Scalar = ONE) => input.rsub(&other, alpha);
    "torch.div" (input: TensorOrNumber, other: TensorOrNumber; rounding_mode: Option<String> = NONE) out
        => quotient((&input).into(), (&other).into(), rounding(rounding_mode)?),
        in_place input.tensor("div_")?.div_mode_(&other, rounding(rounding_mode)?);
    "torch.divide" (input: TensorOrNumber, other: TensorOrNumber; rounding_mode: Option<String> = NONE) out
        => quotient((&input).into(), (&other).into(), rounding(rounding_mode)?),
        in_place input.tensor("divide_")?.div_mode_(&other, rounding(rounding_mode)?);
    "torch.float_power" (input: TensorOrNumber, exponent: TensorOrNumber) out
        => float_power((&input).into(), (&exponent).into()),
        in_place input.tensor("float_power_")?.float_power_(&exponent);
    "torch.special.xlogy" (input: TensorOrNumber, other: TensorOrNumber) out
        => crate::ops::binary::binary_of(BinaryOp::Xlogy, (&input).into(), (&other).into());
    "torch.isclose" (
        input: Tensor, other: Tensor, rtol: f64 = 1e-5, atol: f64 = 1e-8, equal_nan: bool = false
    )
        => input.isclose(&other, rtol, atol, equal_nan);
    "torch.allclose" (
        input: Tensor, other: Tensor, rtol: f64 = 1e-5, atol: f64 = 1e-8, equal_nan: bool = false
    )
        => input.allclose(&other, rtol, atol, equal_nan);
    "torch.equal" (input: Tensor, other: Tensor) => input.equal(&other);
    "torch.addcmul" (input: Tensor, tensor1: Tensor, tensor2: Tensor; value: Scalar = ONE) out
        => input.addcmul(&tensor1, &tensor2, value), in_place input.addcmul_(&tensor1, &tensor2, value);
    "torch.addcdiv" (input: Tensor, tensor1: Tensor, tensor2: Tensor; value: Scalar = ONE) out
        => input.addcdiv(&tensor1, &tensor2, value), in_place input.addcdiv_(&tensor1, &tensor2, value);
    "torch.lerp" (input: Tensor, end: Tensor, weight: TensorOrNumber) out
        => input.lerp(&end, &weight), in_place input.lerp_(&end, &weight);
    "torch.where" (condition: Tensor, input: TensorOrNumber, other: TensorOrNumber) out
        => Tensor::where_cond(&condition, &input, &other);
    "torch.masked_fill" (input: Tensor, mask: Tensor, value: TensorOrNumber)
        => input.masked_fill(&mask, &value), in_place input.masked_fill_(&mask, &value);
    "torch.clamp" (input: Tensor, min: Option<TensorOrNumber> = NONE, max: Option<TensorOrNumber> = NONE) out
        => input.clamp(min.as_ref().map(Operand::from), max.as_ref().map(Operand::from)),
        in_place input.clamp_(min.as_ref().map(Operand::from), max.as_ref().map(Operand::from));
    "torch.clip" (input: Tensor, min: Option<TensorOrNumber> = NONE, max: Option<TensorOrNumber> = NONE) out
        => input.clip(min.as_ref().map(Operand::from), max.as_ref().map(Operand::from)),
        in_place input.clip_(min.as_ref().map(Operand::from), max.as_ref().map(Operand::from));
    "torch.clamp_min" (input: Tensor, min: TensorOrNumber) out
        => input.clamp_min(&min), in_place input.clamp_min_(&min);
    "torch.clamp_max" (input: Tensor, max: TensorOrNumber) out
        => input.clamp_max(&max), in_place input.clamp_max_(&max);
}

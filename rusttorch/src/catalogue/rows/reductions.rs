//! Reductions.

use rusttorch_backend::{DType, ErrorKind, Result, Scalar, TensorError};

use crate::catalogue::NONE;
use crate::catalogue::macros::rows;
use crate::catalogue::op::argument;
use crate::catalogue::value::{TensorOrNumber, Value};
use crate::ops::{Dims, Interpolation, Operand};
use crate::tensor::Tensor;

rows! { ROWS: Reductions;
    "torch.sum" (input: Tensor, dim: Dims = NONE, keepdim: bool = false; dtype: Option<DType> = NONE) out
        => input.sum_with(dim, keepdim, dtype);
    "torch.mean" (input: Tensor, dim: Dims = NONE, keepdim: bool = false; dtype: Option<DType> = NONE) out
        => input.mean_with(dim, keepdim, dtype);
    "torch.prod" (input: Tensor, dim: Option<isize> = NONE, keepdim: bool = false; dtype: Option<DType> = NONE) out
        => input.prod_with(dim, keepdim, dtype);
    "torch.max" (input: Tensor, dim: Value = NONE, keepdim: bool = false; other: Option<Tensor> = NONE) out
        => extreme("max", &input, &dim, keepdim, other.as_ref());
    "torch.min" (input: Tensor, dim: Value = NONE, keepdim: bool = false; other: Option<Tensor> = NONE) out
        => extreme("min", &input, &dim, keepdim, other.as_ref());
    "torch.amax" (input: Tensor, dim: Dims = NONE, keepdim: bool = false) out => input.amax(dim, keepdim);
    "torch.amin" (input: Tensor, dim: Dims = NONE, keepdim: bool = false) out => input.amin(dim, keepdim);
    "torch.aminmax" (input: Tensor; dim: Option<isize> = NONE, keepdim: bool = false) out
        => input.aminmax(dim, keepdim);
    "torch.argmax" (input: Tensor, dim: Option<isize> = NONE, keepdim: bool = false) out
        => input.argmax(dim, keepdim);
    "torch.argmin" (input: Tensor, dim: Option<isize> = NONE, keepdim: bool = false) out
        => input.argmin(dim, keepdim);
    "torch.all" (input: Tensor, dim: Dims = NONE, keepdim: bool = false) out => input.all(dim, keepdim);
    "torch.any" (input: Tensor, dim: Dims = NONE, keepdim: bool = false) out => input.any(dim, keepdim);
    "torch.var" (
        input: Tensor, dim: Value = NONE, unbiased: Option<bool> = NONE, keepdim: bool = false;
        correction: Option<f64> = NONE
    ) out => spread("var", &dim, unbiased, correction).and_then(|(dims, c)| input.var(dims, c, keepdim));
    "torch.std" (
        input: Tensor, dim: Value = NONE, unbiased: Option<bool> = NONE, keepdim: bool = false;
        correction: Option<f64> = NONE
    ) out => spread("std", &dim, unbiased, correction).and_then(|(dims, c)| input.std(dims, c, keepdim));
    "torch.var_mean" (
        input: Tensor, dim: Value = NONE, unbiased: Option<bool> = NONE, keepdim: bool = false;
        correction: Option<f64> = NONE
    ) => spread("var_mean", &dim, unbiased, correction).and_then(|(dims, c)| input.var_mean(dims, c, keepdim));
    "torch.std_mean" (
        input: Tensor, dim: Value = NONE, unbiased: Option<bool> = NONE, keepdim: bool = false;
        correction: Option<f64> = NONE
    ) => spread("std_mean", &dim, unbiased, correction).and_then(|(dims, c)| input.std_mean(dims, c, keepdim));
    "torch.norm" (
        input: Tensor, p: Value = "fro", dim: Dims = NONE, keepdim: bool = false; dtype: Option<DType> = NONE
    ) out => norm(&input, &p, dim, keepdim, dtype);
    "torch.linalg.vector_norm" (
        x: Tensor, ord: f64 = 2.0, dim: Dims = NONE, keepdim: bool = false; dtype: Option<DType> = NONE
    ) out => x.vector_norm(ord, dim, keepdim, dtype);
    "torch.logsumexp" (input: Tensor, dim: Vec<isize>, keepdim: bool = false) out
        => input.logsumexp(&dim[..], keepdim);
    "torch.nansum" (input: Tensor, dim: Dims = NONE, keepdim: bool = false; dtype: Option<DType> = NONE) out
        => input.nansum(dim, keepdim, dtype);
    "torch.nanmean" (input: Tensor, dim: Dims = NONE, keepdim: bool = false; dtype: Option<DType> = NONE) out
        => input.nanmean(dim, keepdim, dtype);
    "torch.count_nonzero" (input: Tensor, dim: Dims = NONE) => input.count_nonzero(dim);
    "torch.median" (input: Tensor, dim: Option<isize> = NONE, keepdim: bool = false) out
        => match dim {
            Some(dim) => input.median_dim(dim, keepdim).map(Value::from),
            None => input.median().map(Value::from),
        };
    "torch.nanmedian" (input: Tensor, dim: Option<isize> = NONE, keepdim: bool = false) out
        => match dim {
            Some(dim) => input.nanmedian_dim(dim, keepdim).map(Value::from),
            None => input.nanmedian().map(Value::from),
        };
    "torch.mode" (input: Tensor, dim: isize = -1, keepdim: bool = false) out => input.mode(dim, keepdim);
    "torch.quantile" (
        input: Tensor, q: TensorOrNumber, dim: Option<isize> = NONE, keepdim: bool = false;
        interpolation: String = "linear"
    ) out => between("quantile", &interpolation).and_then(|i| input.quantile(Operand::from(&q), dim, keepdim, i));
    "torch.nanquantile" (
        input: Tensor, q: TensorOrNumber, dim: Option<isize> = NONE, keepdim: bool = false;
        interpolation: String = "linear"
    ) out => between("nanquantile", &interpolation)
        .and_then(|i| input.nanquantile(Operand::from(&q), dim, keepdim, i));
}

/// `max` and `min`: of all, along a dim with indices, or of two tensors element by element.
fn extreme(
    op: &'static str,
    x: &Tensor,
    dim: &Value,
    keepdim: bool,
    other: Option<&Tensor>,
) -> Result<Value> {
    let largest = op == "max";
    match (dim, other) {
        (Value::Tensor(other), None) | (Value::None, Some(other)) => {
            if largest { x.maximum(other) } else { x.minimum(other) }.map(Value::from)
        }
        (Value::None, None) => if largest { x.max() } else { x.min() }.map(Value::from),
        (dim, None) => {
            let dim = argument(op, "dim", dim)?;
            if largest { x.max_dim(dim, keepdim) } else { x.min_dim(dim, keepdim) }.map(Value::from)
        }
        (_, Some(_)) => Err(TensorError::new(ErrorKind::Type, op, "takes a dim or another tensor, not both")),
    }
}

/// The dims and the correction of a variance. PyTorch's older form has `unbiased` for it, and takes it in the
/// place of the dims, too.
fn spread(
    op: &'static str,
    dim: &Value,
    unbiased: Option<bool>,
    correction: Option<f64>,
) -> Result<(Dims, f64)> {
    let (dims, unbiased) = match (dim, unbiased) {
        (Value::Scalar(Scalar::Bool(unbiased)), None) => (Dims::all(), Some(*unbiased)),
        _ => (argument(op, "dim", dim)?, unbiased),
    };
    match (unbiased, correction) {
        (Some(_), Some(_)) => {
            Err(TensorError::new(ErrorKind::Type, op, "takes unbiased or correction, not both"))
        }
        (unbiased, correction) => {
            Ok((dims, correction.unwrap_or(if unbiased == Some(false) { 0.0 } else { 1.0 })))
        }
    }
}

/// A norm by PyTorch's names for its order; the nuclear one is of matrices.
fn norm(x: &Tensor, p: &Value, dims: Dims, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    let refuse = |kind, rule| TensorError::new(kind, "norm", rule);
    let order = match p {
        Value::None => 2.0,
        Value::Text(name) if name == "fro" => 2.0,
        #[cfg(feature = "linalg")]
        Value::Text(name) if name == "nuc" => {
            let named = dims.0.filter(|dims| !dims.is_empty());
            let dims = named.unwrap_or_else(|| (0..x.rank() as isize).collect());
            let [a, b] = dims[..] else {
                let e = refuse(ErrorKind::Shape, "the nuclear norm is of two dimensions");
                return Err(e.with("dims", &dims[..]));
            };
            return crate::linalg::matrix_norm(x, crate::linalg::MatrixNorm::Nuclear, [a, b], keepdim, dtype);
        }
        Value::Text(name) => {
            return Err(refuse(ErrorKind::Value, "unknown order").with("p", name.clone()));
        }
        p => argument("norm", "p", p)?,
    };
    x.vector_norm(order, dims, keepdim, dtype)
}

fn between(op: &'static str, name: &str) -> Result<Interpolation> {
    Ok(match name {
        "linear" => Interpolation::Linear,
        "lower" => Interpolation::Lower,
        "higher" => Interpolation::Higher,
        "midpoint" => Interpolation::Midpoint,
        "nearest" => Interpolation::Nearest,
        _ => {
            return Err(TensorError::new(ErrorKind::Value, op, "unknown interpolation")
                .with("interpolation", name.to_owned()));
        }
    })
}

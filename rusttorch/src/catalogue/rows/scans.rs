//! Scans.

use rusttorch_backend::{DType, ErrorKind, Result, TensorError};

use super::natural;
use crate::catalogue::NONE;
use crate::catalogue::macros::rows;
use crate::ops::Spacing;
use crate::tensor::Tensor;

rows! { ROWS: Scans;
    "torch.cumsum" (input: Tensor, dim: isize; dtype: Option<DType> = NONE) out
        => input.cumsum(dim, dtype),
        in_place own_dtype("cumsum", &input, dtype).and_then(|()| input.cumsum_(dim));
    "torch.cumprod" (input: Tensor, dim: isize; dtype: Option<DType> = NONE) out
        => input.cumprod(dim, dtype),
        in_place own_dtype("cumprod", &input, dtype).and_then(|()| input.cumprod_(dim));
    "torch.cummax" (input: Tensor, dim: isize) out => input.cummax(dim);
    "torch.cummin" (input: Tensor, dim: isize) out => input.cummin(dim);
    "torch.logcumsumexp" (input: Tensor, dim: isize) out => input.logcumsumexp(dim);
    "torch.diff" (
        input: Tensor, n: i64 = 1, dim: isize = -1, prepend: Option<Tensor> = NONE, append: Option<Tensor> = NONE
    ) out => natural("diff", "n", n).and_then(|n| input.diff(n, dim, prepend.as_ref(), append.as_ref()));
    "torch.trapezoid" (y: Tensor, x: Option<Tensor> = NONE; dx: Option<f64> = NONE, dim: isize = -1)
        => spacing("trapezoid", x.as_ref(), dx).and_then(|s| y.trapezoid(s, dim));
    "torch.trapz" (y: Tensor, x: Option<Tensor> = NONE; dx: Option<f64> = NONE, dim: isize = -1)
        => spacing("trapz", x.as_ref(), dx).and_then(|s| y.trapezoid(s, dim));
    "torch.cumulative_trapezoid" (y: Tensor, x: Option<Tensor> = NONE; dx: Option<f64> = NONE, dim: isize = -1)
        => spacing("cumulative_trapezoid", x.as_ref(), dx).and_then(|s| y.cumulative_trapezoid(s, dim));
}

/// Error: `DType` for another dtype than the tensor's, which an in-place op cannot change.
fn own_dtype(op: &'static str, x: &Tensor, dtype: Option<DType>) -> Result<()> {
    match dtype {
        Some(dtype) if dtype != x.dtype() => Err(TensorError::new(
            ErrorKind::DType,
            op,
            "an in-place op cannot change the dtype of its target",
        )
        .with("dtype", dtype)
        .with("target", x.dtype())),
        _ => Ok(()),
    }
}

fn spacing<'a>(op: &'static str, x: Option<&'a Tensor>, dx: Option<f64>) -> Result<Spacing<'a>> {
    match (x, dx) {
        (Some(_), Some(_)) => Err(TensorError::new(ErrorKind::Type, op, "takes x or dx, not both")),
        (Some(x), None) => Ok(Spacing::At(x)),
        (None, dx) => Ok(Spacing::Step(dx.unwrap_or(1.0))),
    }
}

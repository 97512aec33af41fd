//! Equality, exact and within a tolerance.

use rusttorch_backend::{DType, ErrorKind, Result, TensorError};

use super::args::Dims;
use crate::autograd::no_grad;
use crate::tensor::Tensor;

/// Error: `Value` for a tolerance below zero or NaN.
fn not_negative(name: &'static str, tolerance: f64) -> Result<()> {
    if tolerance >= 0.0 {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::Value, "isclose", "a tolerance is negative").with(name, tolerance))
}

/// Comparisons of whole tensors.
impl Tensor {
    /// Whether `|self - other| <= atol + rtol * |other|`, elementwise and broadcast, as bool; equal elements are close
    /// whatever they are, infinities included, NaN to NaN with `equal_nan` (defaults in PyTorch: 1e-5, 1e-8, false).
    /// PyTorch: `torch.isclose`. Errors: `DType` where the dtypes differ, `Shape`, `Value` for a tolerance below zero.
    pub fn isclose(&self, other: &Tensor, rtol: f64, atol: f64, equal_nan: bool) -> Result<Tensor> {
        const OP: &str = "isclose";
        if self.dtype() != other.dtype() {
            return Err(TensorError::new(ErrorKind::DType, OP, "operands differ in dtype")
                .with("lhs", self.dtype())
                .with("rhs", other.dtype()));
        }
        not_negative("rtol", rtol)?;
        not_negative("atol", atol)?;
        no_grad(|| {
            let mut close = self.eq(other)?;
            if equal_nan && self.dtype().is_float() {
                close = close.logical_or(&self.isnan()?.logical_and(&other.isnan()?)?)?;
            }
            if rtol == 0.0 && atol == 0.0 {
                return Ok(close);
            }
            // As PyTorch, integers from their float: an exact difference might wrap.
            let of_other = &other.to_dtype(other.dtype().or_float())?;
            let of_self = match self.dtype() {
                DType::Bool => self.to_dtype(DType::DEFAULT_FLOAT)?,
                _ => self.clone(),
            };
            let allowed = of_other.mul(rtol)?.abs()?.add(atol)?;
            let error = of_self.sub(of_other)?.abs()?;
            close.logical_or(&error.isfinite()?.logical_and(&error.le(&allowed)?)?)
        })
    }

    /// Whether all elements are close: see [`isclose`](Self::isclose). PyTorch: `torch.allclose`.
    pub fn allclose(&self, other: &Tensor, rtol: f64, atol: f64, equal_nan: bool) -> Result<bool> {
        Ok(self.isclose(other, rtol, atol, equal_nan)?.all(Dims::all(), false)?.item()?.to_bool())
    }

    /// Whether both have the same shape and, promoted to one dtype, the same elements. A NaN equals nothing. PyTorch:
    /// `torch.equal`.
    pub fn equal(&self, other: &Tensor) -> Result<bool> {
        if self.shape() != other.shape() {
            return Ok(false);
        }
        Ok(self.eq(other)?.all(Dims::all(), false)?.item()?.to_bool())
    }
}

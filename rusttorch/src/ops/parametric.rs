//! Elementwise ops of one operand with a parameter.

use rusttorch_backend::{DType, ErrorKind, Result, Scalar, TensorError};
use smallvec::smallvec;

use super::in_place::by_value;
use super::select::{largest, where_same_dtype};
use crate::autograd::{Saved, no_grad, record};
use crate::tensor::Tensor;

/// Error: `NotImplemented` for a tensor that holds no floats.
fn floats_only(op: &'static str, x: &Tensor) -> Result<()> {
    if x.dtype().is_float() {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::NotImplemented, op, "not implemented for this dtype")
        .with("dtype", x.dtype()))
}

/// Computed in f32 where it is a half, and rounded once.
fn in_f32(x: &Tensor, f: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    match x.dtype().is_half() {
        true => f(&x.to_dtype(DType::F32)?)?.to_dtype(x.dtype()),
        false => f(x),
    }
}

/// `10^n`, rounded once; 0 or an infinity beyond the range.
fn power_of_ten(n: u64) -> f64 {
    // Decimal numbers are read correctly rounded.
    format!("1e{n}").parse().unwrap_or(f64::INFINITY)
}

/// `n!`, an infinity beyond the range.
fn factorial(n: i64) -> f64 {
    (2..=n.min(171)).fold(1.0, |product, k| product * k as f64)
}

/// Elementwise ops with parameters.
impl Tensor {
    /// Rounded to `decimals` digits behind the point (before it, if negative), halves to even:
    /// `round(x * 10^decimals) / 10^decimals`. Floats only. PyTorch: `torch.round(decimals=)`.
    /// Error: `NotImplemented` for integers and bool.
    pub fn round_decimals(&self, decimals: i64) -> Result<Tensor> {
        floats_only("round", self)?;
        let power = power_of_ten(decimals.unsigned_abs());
        in_f32(self, |x| match decimals < 0 {
            true => x.div(power)?.round()?.mul(power),
            false => x.mul(power)?.round()?.div(power),
        })
    }

    /// In-place [`round_decimals`](Self::round_decimals). Returns the tensor itself.
    pub fn round_decimals_(&self, decimals: i64) -> Result<Tensor> {
        by_value("round_", self, &[], &|x| x.round_decimals(decimals))
    }

    /// `log(z / (1 - z))` where `z` is the tensor, or with `eps` the tensor clamped to `[eps, 1 - eps]`. Without `eps`
    /// NaN outside of [0, 1], where the gradient is NaN too; with it the gradient is 0 outside of the bounds. A negative
    /// `eps` is none. Integers and bool become floats. PyTorch: `torch.logit`.
    pub fn logit(&self, eps: Option<f64>) -> Result<Tensor> {
        let x = &self.to_dtype(self.dtype().or_float())?;
        let bounds = match eps.filter(|&eps| eps >= 0.0 || eps.is_nan()) {
            // Rounded to the dtype, as PyTorch's are.
            Some(eps) => {
                let bound = |v: f64| Tensor::repeated(Scalar::Float(v), x.dtype(), &[]);
                Some((bound(eps)?, bound(1.0 - eps)?))
            }
            None => None,
        };
        let inside = |x: &Tensor| match &bounds {
            // The lower one first: they may be crossed.
            Some((low, high)) => {
                let below = where_same_dtype("logit", &x.gt(high)?, high, x)?;
                where_same_dtype("logit", &x.lt(low)?, low, &below)
            }
            None => Ok(x.clone()),
        };
        let value = no_grad(|| {
            let z = inside(x)?;
            z.div(&z.neg()?.add(1.0)?)?.log()
        })?;
        Ok(record("Logit", value, [x], |_| {
            let (x, bounds) = (Saved::input(x), bounds.clone());
            Box::new(move |context, g| {
                let x = x.unpack(context)?;
                let slope = g.div(&x.mul(&x.neg()?.add(1.0)?)?)?;
                let (outside, there) = match &bounds {
                    Some((low, high)) => (x.lt(low)?.logical_or(&x.gt(high)?)?, 0.0),
                    None => (x.lt(0.0)?.logical_or(&x.gt(1.0)?)?, f64::NAN),
                };
                Ok(smallvec![Some(slope.masked_fill(&outside, there)?)])
            })
        }))
    }

    /// In-place [`logit`](Self::logit). Returns the tensor itself.
    pub fn logit_(&self, eps: Option<f64>) -> Result<Tensor> {
        by_value("logit_", self, &[], &|x| x.logit(eps))
    }

    /// NaN replaced by `nan` (default 0), +inf by `posinf` and -inf by `neginf` (default: the largest and the lowest
    /// number of the dtype). The gradient of what is replaced is 0. Integers and bool are copied. PyTorch:
    /// `torch.nan_to_num`.
    pub fn nan_to_num(&self, nan: Option<f64>, posinf: Option<f64>, neginf: Option<f64>) -> Result<Tensor> {
        const OP: &str = "nan_to_num";
        if !self.dtype().is_float() {
            return self.copy();
        }
        let top = largest(self.dtype());
        let number = |v: f64| Tensor::repeated(Scalar::Float(v), self.dtype(), &[]);
        let value = no_grad(|| {
            if (posinf, neginf) == (None, None) {
                // All other numbers lie between the two.
                let x = self.detach().clamp(-top, top)?;
                return where_same_dtype(OP, &self.isnan()?, &number(nan.unwrap_or(0.0))?, &x);
            }
            let x = where_same_dtype(OP, &self.isnan()?, &number(nan.unwrap_or(0.0))?, self)?;
            let x = where_same_dtype(OP, &self.isposinf()?, &number(posinf.unwrap_or(top))?, &x)?;
            where_same_dtype(OP, &self.isneginf()?, &number(neginf.unwrap_or(-top))?, &x)
        })?;
        Ok(record("NanToNum", value, [self], |_| {
            let x = Saved::input(self);
            Box::new(move |context, g| Ok(smallvec![Some(g.mul(&x.unpack(context)?.isfinite()?)?)]))
        }))
    }

    /// In-place [`nan_to_num`](Self::nan_to_num). Returns the tensor itself.
    pub fn nan_to_num_(&self, nan: Option<f64>, posinf: Option<f64>, neginf: Option<f64>) -> Result<Tensor> {
        by_value("nan_to_num_", self, &[], &|x| x.nan_to_num(nan, posinf, neginf))
    }

    /// The `n`-th derivative of [`digamma`](Self::digamma): `(-1)^(n + 1) n! zeta(n + 1, x)`. Integers and bool become
    /// floats. PyTorch: `torch.polygamma(n, x)`. Error: `Value` for a negative `n`.
    pub fn polygamma(&self, n: i64) -> Result<Tensor> {
        const OP: &str = "polygamma";
        if n < 0 {
            return Err(TensorError::new(ErrorKind::Value, OP, "the order is negative").with("n", n));
        }
        let x = &self.to_dtype(self.dtype().or_float())?;
        let value = no_grad(|| match n {
            0 => x.digamma(),
            // At the infinities PyTorch's own function has the limits, and zeta has not.
            1 => in_f32(x, |x| {
                let value = x.rzeta(2)?.masked_fill(&x.isposinf()?, 0.0)?;
                value.masked_fill(&x.isneginf()?, f64::NAN)
            }),
            _ => in_f32(x, |x| {
                let sign = if n % 2 == 0 { -1.0 } else { 1.0 };
                x.rzeta((n as f64) + 1.0)?.mul(sign * factorial(n))
            }),
        })?;
        Ok(record("Polygamma", value, [x], |_| {
            let x = Saved::input(x);
            let next = n.saturating_add(1);
            Box::new(move |context, g| Ok(smallvec![Some(g.mul(&x.unpack(context)?.polygamma(next)?)?)]))
        }))
    }

    /// In-place [`polygamma`](Self::polygamma). Returns the tensor itself.
    pub fn polygamma_(&self, n: i64) -> Result<Tensor> {
        by_value("polygamma_", self, &[], &|x| x.polygamma(n))
    }

    /// The tensor itself: unary plus. PyTorch: `torch.positive`. Error: `NotImplemented` for bool.
    pub fn positive(&self) -> Result<Tensor> {
        if self.dtype() == DType::Bool {
            return Err(TensorError::new(
                ErrorKind::NotImplemented,
                "positive",
                "not implemented for this dtype",
            )
            .with("dtype", self.dtype()));
        }
        Ok(self.clone())
    }
}

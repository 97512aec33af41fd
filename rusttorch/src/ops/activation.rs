//! Activations with a fused backward, by the contract's table.

use rusttorch_backend::ops::Activation;
use rusttorch_backend::{DType, ErrorKind, Result, Scalar, TensorError};
use smallvec::smallvec;

use super::in_place::by_value;
use super::loss::wide;
use super::select::castable;
use crate::autograd::{Saved, is_grad_enabled, record};
use crate::dispatch;
use crate::tensor::Tensor;

pub(crate) fn activation(op: Activation, x: &Tensor) -> Result<Tensor> {
    check_parameters(op, x.dtype())?;
    if !x.dtype().is_float() {
        return of_integers(op, x);
    }
    let (op, backward) = (op.rounded(x.dtype()), op.gradient_rounded(x.dtype()));
    let out = dispatch::compute_like(op.name(), [x], x.dtype(), |b, [x], out| b.activation(op, x, out))?;
    Ok(record(op.title(), out, [x], |_| {
        let x = Saved::input(x);
        Box::new(move |context, g| {
            let x = x.unpack(context)?;
            let gx = match is_grad_enabled() {
                true => gradient(backward, &wide(g)?, &wide(&x)?)?.to_dtype(x.dtype())?,
                false => dispatch::compute_like(op.name(), [g, &x], x.dtype(), |b, [g, x], out| {
                    b.activation_backward(backward, g, x, out)
                })?,
            };
            Ok(smallvec![Some(gx)])
        })
    }))
}

/// Error: `Value`, or where PyTorch's is a ValueError `Argument`, for a parameter outside of its domain or of the
/// dtype in which it takes part.
fn check_parameters(op: Activation, dtype: DType) -> Result<()> {
    let fail = |kind, rule| TensorError::new(kind, op.name(), rule);
    match op {
        Activation::Hardtanh { min_val, max_val } if min_val > max_val => {
            return Err(fail(ErrorKind::Argument, "min_val is greater than max_val")
                .with("min_val", min_val)
                .with("max_val", max_val));
        }
        Activation::Softshrink { lambd } if !lambd.is_finite() || lambd < 0.0 => {
            return Err(fail(ErrorKind::Value, "lambd is negative or not finite").with("lambd", lambd));
        }
        Activation::Celu { alpha: 0.0 } => {
            return Err(fail(ErrorKind::Value, "alpha is zero").with("alpha", 0.0));
        }
        _ => {}
    }
    if !dtype.is_float() {
        return Ok(());
    }
    let mut beyond = Ok(());
    op.map(|name, rounding, value| {
        let dtype = rounding.dtype(dtype);
        let mut fits = castable(op.name(), Scalar::Float(value), dtype);
        if matches!(op, Activation::Celu { .. }) {
            // The exponent is a product with its inverse.
            fits = fits.and_then(|_| castable(op.name(), Scalar::Float(1.0 / value), dtype));
        }
        if let (Ok(()), Err(e)) = (&beyond, fits) {
            beyond = Err(e.with("parameter", name));
        }
        value
    });
    beyond
}

/// The few that PyTorch has for integers.
fn of_integers(op: Activation, x: &Tensor) -> Result<Tensor> {
    let (name, dtype) = (op.name(), x.dtype());
    // A whole number counts as one: of an unsigned dtype -1 is the largest.
    let number = |value: f64| match value.trunc() == value && value.abs() < -(i64::MIN as f64) {
        true => castable(name, Scalar::Int(value as i64), dtype),
        false => castable(name, Scalar::Float(value), dtype),
    };
    let bound = |value| Ok(Scalar::Int(castable(name, Scalar::Float(value), DType::I64)?.to_i64()));
    match op {
        // Bounds lose their fractions.
        Activation::Hardtanh { min_val, max_val } if dtype != DType::Bool => {
            x.clamp(bound(min_val)?, bound(max_val)?)
        }
        Activation::Threshold { threshold, value } if dtype != DType::Bool => {
            let below = x.le(&Tensor::full(&[], number(threshold)?, dtype)?)?;
            x.masked_fill(&below, number(value)?)
        }
        // In the integers the denominator may wrap, as PyTorch's does.
        Activation::Softsign if dtype != DType::Bool => x.div(&x.abs()?.add(1)?),
        _ => Err(TensorError::new(ErrorKind::NotImplemented, name, "needs a floating-point tensor")
            .with("dtype", dtype)),
    }
}

/// The gradient of the input in `Tensor` ops, so that it can be differentiated again. Its kinks are those of
/// the fused one.
fn gradient(op: Activation, g: &Tensor, x: &Tensor) -> Result<Tensor> {
    let one = || Tensor::ones_like(x);
    let outside = |low: &Tensor, high: &Tensor| g.masked_fill(&low.logical_or(high)?, 0.0);
    match op {
        Activation::LeakyRelu { negative_slope } => {
            Tensor::where_cond(&x.gt(0.0)?, g, &g.mul(negative_slope)?)
        }
        Activation::Elu { alpha } => elu_gradient(g, x, alpha, 1.0, 1.0),
        Activation::Celu { alpha } => elu_gradient(g, x, alpha, 1.0, alpha),
        Activation::Selu => elu_gradient(g, x, Activation::SELU_ALPHA, Activation::SELU_SCALE, 1.0),
        // s (1 + x (1 - s)) with s = sigmoid(x)
        Activation::Silu => {
            let s = x.sigmoid()?;
            g.mul(&s.mul(&x.mul(&one()?.sub(&s)?)?.add(1.0)?)?)
        }
        // t + x s (1 - t^2) with t = tanh(softplus(x))
        Activation::Mish => {
            let t = activation(Activation::Softplus { beta: 1.0, threshold: 20.0 }, x)?.tanh()?;
            g.mul(&t.add(&x.mul(&x.sigmoid()?)?.mul(&one()?.sub(&t.square()?)?)?)?)
        }
        // Phi(x) + x phi(x)
        Activation::Gelu => {
            let phi = x.mul(-std::f64::consts::FRAC_1_SQRT_2)?.erfc()?.mul(0.5)?;
            let density = x.square()?.mul(-0.5)?.exp()?.mul(0.398_942_280_401_432_7)?;
            g.mul(&phi.add(&x.mul(&density)?)?)
        }
        // s + x s (1 - s) v' with s = sigmoid(v), v = 2 sqrt(2/pi) (x + c x^3). With tanh, 1 + t and 1 - t^2 would
        // cancel.
        Activation::GeluTanh => {
            const SLOPE: f64 = 2.0 * 0.797_884_560_802_865_4;
            const C: f64 = 0.044_715;
            let square = x.square()?;
            let v = x.add(&x.mul(&square)?.mul(C)?)?.mul(SLOPE)?;
            let inner = square.mul(3.0 * C)?.add(1.0)?.mul(SLOPE)?;
            let (s, rest) = (v.sigmoid()?, v.neg()?.sigmoid()?);
            g.mul(&s.add(&x.mul(&s)?.mul(&rest)?.mul(&inner)?)?)
        }
        Activation::Softplus { beta, threshold } => {
            let scaled = x.mul(beta)?;
            Tensor::where_cond(&scaled.gt(threshold)?, g, &g.mul(&scaled.sigmoid()?)?)
        }
        Activation::Softsign => g.mul(&x.abs()?.add(1.0)?.square()?.reciprocal()?),
        Activation::LogSigmoid => g.mul(&x.neg()?.sigmoid()?),
        Activation::Hardtanh { min_val, max_val } => outside(&x.le(min_val)?, &x.ge(max_val)?),
        Activation::Hardsigmoid => {
            let inside = x.gt(-3.0)?.logical_and(&x.lt(3.0)?)?;
            g.div(6.0)?.masked_fill(&inside.logical_not()?, 0.0)
        }
        Activation::Hardswish => {
            let bent = Tensor::where_cond(&x.lt(3.0)?, &g.mul(&x.div(3.0)?.add(0.5)?)?, g)?;
            bent.masked_fill(&x.le(-3.0)?, 0.0)
        }
        Activation::Hardshrink { lambd } | Activation::Softshrink { lambd } => {
            g.masked_fill(&x.ge(-lambd)?.logical_and(&x.le(lambd)?)?, 0.0)
        }
        Activation::Threshold { threshold, .. } => g.masked_fill(&x.le(threshold)?, 0.0),
    }
}

/// `scale` above zero, `scale alpha / divisor e^(x / divisor)` below.
fn elu_gradient(g: &Tensor, x: &Tensor, alpha: f64, scale: f64, divisor: f64) -> Result<Tensor> {
    // What is not chosen must not overflow, or the second derivative is NaN. At 0 that is 0, as in PyTorch.
    let exponent = x.masked_fill(&x.ge(0.0)?, 0.0)?.div(divisor)?;
    let bent = g.mul(&exponent.exp()?.mul(scale * alpha / divisor)?)?;
    Tensor::where_cond(&x.le(0.0)?, &bent, &g.mul(scale)?)
}

/// The in-place method of a row, or nothing where the row has none.
macro_rules! in_place_method {
    (- $method:ident $row:expr, ($($param:ident),*)) => {};
    ($name:ident $method:ident $row:expr, ($($param:ident),*)) => {
        #[doc = concat!("In-place [`", stringify!($method), "`](Self::", stringify!($method), "). Returns the tensor itself.")]
        pub fn $name(&self, $($param: f64),*) -> Result<Tensor> {
            let op = $row;
            by_value(stringify!($name), self, &[], &|x| activation(op, x))
        }
    };
}

macro_rules! activation_methods {
    ($($(#[$doc:meta])* $variant:ident $method:ident $assign:tt $title:ident $torch:literal
        $({ $($(#[$param_doc:meta])* $param:ident: $rounding:ident = $default:expr),* })?;)*) => {
        /// Activations. Every shape. Floats only, but for `hardtanh`, `threshold` and `softsign`, which take
        /// integers, too (error: `NotImplemented`); NaN stays NaN. Errors: `Value` for a parameter that the dtype cannot
        /// hold.
        impl Tensor {
            $(
                $(#[$doc])*
                ///
                $($(#[doc = concat!("- `", stringify!($param), "`:")] $(#[$param_doc])*)* #[doc = ""])?
                #[doc = concat!("PyTorch: `", $torch, "`.")]
                pub fn $method(&self, $($($param: f64),*)?) -> Result<Tensor> {
                    activation(Activation::$variant $({ $($param),* })?, self)
                }
                in_place_method!($assign $method Activation::$variant $({ $($param),* })?, ($($($param),*)?));
            )*
        }
    };
}

rusttorch_backend::activation_table! { activation_methods }

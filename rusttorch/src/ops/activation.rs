//! Activations with a fused backward.

use rusttorch_backend::ops::{Activation, GeluForm};
use rusttorch_backend::{ErrorKind, Result, TensorError};
use smallvec::smallvec;

use crate::autograd::{Saved, is_grad_enabled, record};
use crate::dispatch;
use crate::tensor::Tensor;

pub(crate) fn activation(op: Activation, x: &Tensor) -> Result<Tensor> {
    if !x.dtype().is_float() {
        return Err(TensorError::new(ErrorKind::NotImplemented, op.name(), "needs a floating-point tensor")
            .with("dtype", x.dtype()));
    }
    let out =
        dispatch::compute(op.name(), [x], x.shape(), x.dtype(), |b, [x], out| b.activation(op, x, out))?;
    let title = match op {
        Activation::LeakyRelu { .. } => "LeakyRelu",
        Activation::Elu { .. } | Activation::Selu => "Elu",
        Activation::Silu => "Silu",
        Activation::Mish => "Mish",
        Activation::Gelu { .. } => "Gelu",
        Activation::Softplus { .. } => "Softplus",
        Activation::Softsign => "Softsign",
        Activation::LogSigmoid => "LogSigmoid",
    };
    Ok(record(title, out, [x], |_| {
        let x = Saved::input(x);
        Box::new(move |context, g| {
            let x = x.unpack(context)?;
            let gx = match is_grad_enabled() {
                true => g.mul(&slope(op, &x)?)?,
                false => dispatch::compute(op.name(), [g, &x], x.shape(), x.dtype(), |b, [g, x], out| {
                    b.activation_backward(op, g, x, out)
                })?,
            };
            Ok(smallvec![Some(gx)])
        })
    }))
}

/// The derivative in `Tensor` ops, so that it can be differentiated again.
fn slope(op: Activation, x: &Tensor) -> Result<Tensor> {
    let one = || Tensor::ones_like(x);
    match op {
        Activation::LeakyRelu { negative_slope } => {
            Tensor::where_cond(&x.gt(0.0)?, &one()?, &Tensor::full_like(x, negative_slope)?)
        }
        Activation::Elu { alpha } => elu_slope(x, 1.0, alpha),
        Activation::Selu => elu_slope(x, Activation::SELU_SCALE, Activation::SELU_ALPHA),
        // s (1 + x (1 - s)) with s = sigmoid(x)
        Activation::Silu => {
            let s = x.sigmoid()?;
            s.mul(&x.mul(&one()?.sub(&s)?)?.add(1.0)?)
        }
        // t + x s (1 - t^2) with t = tanh(softplus(x))
        Activation::Mish => {
            let t = activation(Activation::Softplus { beta: 1.0, threshold: 20.0 }, x)?.tanh()?;
            t.add(&x.mul(&x.sigmoid()?)?.mul(&one()?.sub(&t.square()?)?)?)
        }
        // Phi(x) + x phi(x)
        Activation::Gelu { form: GeluForm::Erf } => {
            let phi = x.mul(std::f64::consts::FRAC_1_SQRT_2)?.erf()?.add(1.0)?.mul(0.5)?;
            let density = x.square()?.mul(-0.5)?.exp()?.mul(0.398_942_280_401_432_7)?;
            phi.add(&x.mul(&density)?)
        }
        // With u = sqrt(2/pi) (x + c x^3) and t = tanh(u): (1 + t + x (1 - t^2) u') / 2
        Activation::Gelu { form: GeluForm::Tanh } => {
            const SQRT_2_OVER_PI: f64 = 0.797_884_560_802_865_4;
            const C: f64 = 0.044_715;
            let square = x.square()?;
            let t = x.add(&x.mul(&square)?.mul(C)?)?.mul(SQRT_2_OVER_PI)?.tanh()?;
            let inner = square.mul(3.0 * C)?.add(1.0)?.mul(SQRT_2_OVER_PI)?;
            t.add(1.0)?.add(&x.mul(&one()?.sub(&t.square()?)?)?.mul(&inner)?)?.mul(0.5)
        }
        Activation::Softplus { beta, threshold } => {
            let scaled = x.mul(beta)?;
            Tensor::where_cond(&scaled.gt(threshold)?, &one()?, &scaled.sigmoid()?)
        }
        Activation::Softsign => x.abs()?.add(1.0)?.square()?.reciprocal(),
        Activation::LogSigmoid => x.neg()?.sigmoid(),
    }
}

/// `scale` above zero, `scale alpha e^x` below.
fn elu_slope(x: &Tensor, scale: f64, alpha: f64) -> Result<Tensor> {
    let below = x.clamp_max(0.0)?.exp()?.mul(scale * alpha)?;
    Tensor::where_cond(&x.gt(0.0)?, &Tensor::full_like(x, scale)?, &below)
}

/// Activations; floats only (error: `NotImplemented`), NaN stays NaN. PyTorch: `torch.nn.functional`.
impl Tensor {
    /// `x > 0 ? x : negative_slope * x` (default in PyTorch: 0.01).
    pub fn leaky_relu(&self, negative_slope: f64) -> Result<Tensor> {
        activation(Activation::LeakyRelu { negative_slope }, self)
    }

    /// `x > 0 ? x : alpha * (e^x - 1)` (default in PyTorch: 1).
    pub fn elu(&self, alpha: f64) -> Result<Tensor> {
        activation(Activation::Elu { alpha }, self)
    }

    /// Scaled ELU with the constants of Klambauer et al. 2017.
    pub fn selu(&self) -> Result<Tensor> {
        activation(Activation::Selu, self)
    }

    /// `x * sigmoid(x)`, also called swish.
    pub fn silu(&self) -> Result<Tensor> {
        activation(Activation::Silu, self)
    }

    /// `x * tanh(softplus(x))`.
    pub fn mish(&self) -> Result<Tensor> {
        activation(Activation::Mish, self)
    }

    /// `x * Phi(x)` with the normal distribution function (the erf form, PyTorch's default).
    pub fn gelu(&self) -> Result<Tensor> {
        activation(Activation::Gelu { form: GeluForm::Erf }, self)
    }

    /// The tanh form of [`gelu`](Self::gelu): `approximate="tanh"`.
    pub fn gelu_tanh(&self) -> Result<Tensor> {
        activation(Activation::Gelu { form: GeluForm::Tanh }, self)
    }

    /// `log(1 + e^(beta x)) / beta`, and `x` where `beta x > threshold` (defaults in PyTorch: 1 and 20).
    pub fn softplus(&self, beta: f64, threshold: f64) -> Result<Tensor> {
        activation(Activation::Softplus { beta, threshold }, self)
    }

    /// `x / (1 + |x|)`.
    pub fn softsign(&self) -> Result<Tensor> {
        activation(Activation::Softsign, self)
    }

    /// `log(sigmoid(x))`, stable.
    pub fn logsigmoid(&self) -> Result<Tensor> {
        activation(Activation::LogSigmoid, self)
    }
}

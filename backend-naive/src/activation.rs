//! Activations with parameters and their derivatives: plain formulas in f64, rounded once.
//!
//! NaN stays NaN because it fails every comparison and each formula keeps it on that side, but for the
//! derivative of `leaky_relu`, which is the slope there as it is in PyTorch.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use rusttorch_backend::ops::{Activation, GeluForm};
use rusttorch_backend::{Result, View, ViewMut, match_dtype};

use crate::check::refused;
use crate::unary::sigmoid;
use crate::walk::{map1, map2};
use crate::wide::Wide;

/// `out[i] = op(x[i])`.
pub(crate) fn activation(op: Activation, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
    match_dtype!(floats x.dtype(), T => {
        map1(op.name(), x, out, |x: T| value(op, f64::of(x)).to::<T>())
    }, else Err(refused(op.name(), x.dtype())))
}

/// `out[i] = grad[i] * op'(x[i])`.
pub(crate) fn backward(op: Activation, grad: View<'_>, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
    match_dtype!(floats x.dtype(), T => {
        map2(op.name(), grad, x, out, |g: T, x: T| (f64::of(g) * derivative(op, f64::of(x))).to::<T>())
    }, else Err(refused(op.name(), x.dtype())))
}

/// `f(x)`.
fn value(op: Activation, x: f64) -> f64 {
    match op {
        Activation::LeakyRelu { negative_slope } => {
            if x > 0.0 {
                x
            } else {
                negative_slope * x
            }
        }
        Activation::Elu { alpha } => elu(alpha, x),
        Activation::Selu => Activation::SELU_SCALE * elu(Activation::SELU_ALPHA, x),
        Activation::Silu => x * sigmoid(x),
        Activation::Mish => x * libm::tanh(log_one_plus_exp(x)),
        Activation::Gelu { form: GeluForm::Erf } => x * normal_cdf(x),
        Activation::Gelu { form: GeluForm::Tanh } => x * sigmoid(2.0 * gelu_argument(x)),
        Activation::Softplus { beta, threshold } => {
            if beta * x > threshold {
                x
            } else {
                log_one_plus_exp(beta * x) / beta
            }
        }
        Activation::Softsign => x / (1.0 + x.abs()),
        Activation::LogSigmoid => x.min(0.0) - libm::log1p(libm::exp(-x.abs())),
    }
}

/// `f'(x)`; at a kink PyTorch's choice, which is the slope from the left.
fn derivative(op: Activation, x: f64) -> f64 {
    match op {
        Activation::LeakyRelu { negative_slope } => {
            if x > 0.0 {
                1.0
            } else {
                negative_slope
            }
        }
        Activation::Elu { alpha } => elu_derivative(alpha, x),
        Activation::Selu => Activation::SELU_SCALE * elu_derivative(Activation::SELU_ALPHA, x),
        Activation::Silu => {
            let s = sigmoid(x);
            s * (1.0 + x * (1.0 - s))
        }
        Activation::Mish => {
            let t = libm::tanh(log_one_plus_exp(x));
            t + x * sigmoid(x) * (1.0 - t * t)
        }
        Activation::Gelu { form: GeluForm::Erf } => normal_cdf(x) + x * normal_density(x),
        Activation::Gelu { form: GeluForm::Tanh } => {
            let s = sigmoid(2.0 * gelu_argument(x));
            s + x * 2.0 * s * (1.0 - s) * gelu_argument_derivative(x)
        }
        Activation::Softplus { beta, threshold } => {
            if beta * x > threshold {
                1.0
            } else {
                sigmoid(beta * x)
            }
        }
        Activation::Softsign => 1.0 / ((1.0 + x.abs()) * (1.0 + x.abs())),
        Activation::LogSigmoid => sigmoid(-x),
    }
}

fn elu(alpha: f64, x: f64) -> f64 {
    if x > 0.0 { x } else { alpha * libm::expm1(x) }
}

fn elu_derivative(alpha: f64, x: f64) -> f64 {
    if x > 0.0 { 1.0 } else { alpha * libm::exp(x) }
}

/// `log(1 + e^x)` with an exponential that cannot overflow.
fn log_one_plus_exp(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}

/// The normal distribution function; by `erfc`, so that the left tail keeps its digits.
fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// `e^(-x^2 / 2) / sqrt(2 pi)`.
fn normal_density(x: f64) -> f64 {
    0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * libm::exp(-0.5 * x * x)
}

/// The cubic coefficient of the approximation by Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.
const GELU_CUBIC: f64 = 0.044715;
/// `sqrt(2 / pi)`.
const GELU_SCALE: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;

/// `u` of `x/2 (1 + tanh(u))`, which is `x sigmoid(2 u)`: in that form the left tail keeps its digits.
fn gelu_argument(x: f64) -> f64 {
    GELU_SCALE * (x + GELU_CUBIC * x * x * x)
}

fn gelu_argument_derivative(x: f64) -> f64 {
    GELU_SCALE * (1.0 + 3.0 * GELU_CUBIC * x * x)
}

#[cfg(test)]
#[path = "activation_tests.rs"]
mod tests;

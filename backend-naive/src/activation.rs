//! Activations with parameters and their derivatives: plain formulas in f64, rounded once.
//!
//! A NaN fails every comparison and so takes the last branch of each formula, in a value one that keeps it, in
//! a gradient that of PyTorch.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use rusttorch_backend::ops::Activation;
use rusttorch_backend::{Result, View, ViewMut, match_dtype};

use crate::check::refused;
use crate::unary::sigmoid;
use crate::walk::{map1, map2};
use crate::wide::{Number, Wide};

/// `out[i] = op(x[i])`.
pub(crate) fn activation(op: Activation, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
    match_dtype!(floats x.dtype(), T => {
        map1(op.name(), x, out, |x: T| value(op, f64::of(x)).to::<T>())
    }, else Err(refused(op.name(), x.dtype())))
}

/// `out[i] = grad[i] * op'(x[i])`.
pub(crate) fn backward(op: Activation, grad: View<'_>, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
    match_dtype!(floats x.dtype(), T => {
        map2(op.name(), grad, x, out, |g: T, x: T| gradient(op, f64::of(g), f64::of(x)).to::<T>())
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
        Activation::Elu { alpha } => elu(alpha, 1.0, x),
        Activation::Celu { alpha } => elu(alpha, alpha, x),
        Activation::Selu => Activation::SELU_SCALE * elu(Activation::SELU_ALPHA, 1.0, x),
        Activation::Silu => x * sigmoid(x),
        Activation::Mish => x * libm::tanh(log_one_plus_exp(x)),
        Activation::Gelu => x * normal_cdf(x),
        Activation::GeluTanh => x * sigmoid(2.0 * gelu_argument(x)),
        Activation::Softplus { beta, threshold } => {
            if beta * x > threshold {
                x
            } else {
                log_one_plus_exp(beta * x) / beta
            }
        }
        Activation::Softsign => x / (1.0 + x.abs()),
        Activation::LogSigmoid => x.min(0.0) - libm::log1p(libm::exp(-x.abs())),
        Activation::Hardtanh { min_val, max_val } => between(min_val, x, max_val),
        Activation::Hardsigmoid => between(0.0, x + 3.0, 6.0) / 6.0,
        Activation::Hardswish => x * between(0.0, x + 3.0, 6.0) / 6.0,
        Activation::Hardshrink { lambd } => {
            if -lambd <= x && x <= lambd {
                0.0
            } else {
                x
            }
        }
        Activation::Softshrink { lambd } => x - between(-lambd, x, lambd),
        Activation::Threshold { threshold, value } => {
            if x <= threshold {
                value
            } else {
                x
            }
        }
    }
}

/// `g f'(x)`; at a kink PyTorch's choice. Where the slope is constant 0 or 1 nothing is multiplied, so that an
/// infinite gradient passes or ends there.
fn gradient(op: Activation, g: f64, x: f64) -> f64 {
    match op {
        Activation::LeakyRelu { negative_slope } => {
            if x > 0.0 {
                g
            } else {
                negative_slope * g
            }
        }
        Activation::Elu { alpha } => g * elu_derivative(alpha, 1.0, x),
        Activation::Celu { alpha } => g * elu_derivative(alpha, alpha, x),
        Activation::Selu => g * Activation::SELU_SCALE * elu_derivative(Activation::SELU_ALPHA, 1.0, x),
        Activation::Silu => {
            let s = sigmoid(x);
            g * s * (1.0 + x * (1.0 - s))
        }
        Activation::Mish => {
            let t = libm::tanh(log_one_plus_exp(x));
            g * (t + x * sigmoid(x) * (1.0 - t * t))
        }
        Activation::Gelu => g * (normal_cdf(x) + x * normal_density(x)),
        Activation::GeluTanh => {
            let s = sigmoid(2.0 * gelu_argument(x));
            g * (s + x * 2.0 * s * (1.0 - s) * gelu_argument_derivative(x))
        }
        Activation::Softplus { beta, threshold } => {
            if beta * x > threshold {
                g
            } else {
                g * sigmoid(beta * x)
            }
        }
        Activation::Softsign => g / ((1.0 + x.abs()) * (1.0 + x.abs())),
        Activation::LogSigmoid => g * sigmoid(-x),
        Activation::Hardtanh { min_val, max_val } => {
            if x <= min_val || x >= max_val {
                0.0
            } else {
                g
            }
        }
        Activation::Hardsigmoid => {
            if -3.0 < x && x < 3.0 {
                g / 6.0
            } else {
                0.0
            }
        }
        Activation::Hardswish => {
            if x <= -3.0 {
                0.0
            } else if x < 3.0 {
                g * (x / 3.0 + 0.5)
            } else {
                g
            }
        }
        Activation::Hardshrink { lambd } | Activation::Softshrink { lambd } => {
            if -lambd <= x && x <= lambd {
                0.0
            } else {
                g
            }
        }
        Activation::Threshold { threshold, .. } => {
            if x <= threshold {
                0.0
            } else {
                g
            }
        }
    }
}

/// `alpha (e^(x / divisor) - 1)` below zero.
fn elu(alpha: f64, divisor: f64, x: f64) -> f64 {
    if x > 0.0 { x } else { alpha * libm::expm1(x / divisor) }
}

fn elu_derivative(alpha: f64, divisor: f64, x: f64) -> f64 {
    if x <= 0.0 { alpha / divisor * libm::exp(x / divisor) } else { 1.0 }
}

/// `min(max(x, low), high)`.
fn between(low: f64, x: f64, high: f64) -> f64 {
    x.larger(low).smaller(high)
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

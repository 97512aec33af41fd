//! Activations and their derivatives.
//!
//! Every formula is written so that no intermediate overflows where the result is finite: `exp` is
//! taken of `-|x|` only, or hidden in `sigmoid`, which is stable at both ends.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, SQRT_2};

use super::Temp;
use super::calc::{Calc, Operand};
use crate::backend::Backend;
use crate::error::Result;
use crate::ops::{Activation, BinaryOp, CompareOp, GeluForm, UnaryOp};
use crate::view::{View, ViewMut};

/// `sqrt(2 / pi)`, the slope inside of the tanh form of GELU.
const GELU_SLOPE: f64 = SQRT_2 * FRAC_2_SQRT_PI * 0.5;
/// The cubic coefficient inside of the tanh form of GELU: Hendrycks and Gimpel 2016.
const GELU_CUBIC: f64 = 0.044715;
/// `1 / sqrt(2 pi)`, the height of the normal density.
const NORMAL_DENSITY: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * 0.5;

/// Default of [`Backend::activation`]: `out[i] = op(x[i])` by the formula of the op's row.
///
/// Equal shapes, one float dtype. NaN stays NaN. At -inf, `silu`, `mish` and `gelu` are NaN, as
/// PyTorch's are (`-inf * 0`); `softsign` is NaN at both infinities. The tails of `gelu` keep their relative
/// precision, where `1 + erf` and `1 + tanh` would cancel.
pub fn activation<B: Backend + ?Sized>(be: &B, op: Activation, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
    if out.numel() == 0 {
        return Ok(());
    }
    let c = Calc::new(be, x.dtype());
    let x = &c.input(x)?;
    match op {
        Activation::LeakyRelu { negative_slope } => {
            let (right, left) = (c.compare_with(CompareOp::Gt, x, 0.0)?, c.times(x, negative_slope)?);
            c.finish(out, |out| c.select_to(&right, x, &left, out))
        }
        Activation::Elu { alpha } => elu(&c, x, alpha, 1.0, out),
        Activation::Selu => elu(&c, x, Activation::SELU_ALPHA, Activation::SELU_SCALE, out),
        Activation::Silu => {
            let sigmoid = c.unary(UnaryOp::Sigmoid, x)?;
            c.finish(out, |out| c.binary_to(BinaryOp::Mul, x, &sigmoid, out))
        }
        Activation::Mish => {
            let tanh = c.unary(UnaryOp::Tanh, &softplus(&c, x)?)?;
            c.finish(out, |out| c.binary_to(BinaryOp::Mul, x, &tanh, out))
        }
        Activation::Gelu { form: GeluForm::Erf } => {
            let cdf = normal_cdf(&c, x)?;
            c.finish(out, |out| c.binary_to(BinaryOp::Mul, x, &cdf, out))
        }
        Activation::Gelu { form: GeluForm::Tanh } => {
            let share = c.unary(UnaryOp::Sigmoid, &gelu_exponent(&c, x)?)?;
            c.finish(out, |out| c.binary_to(BinaryOp::Mul, x, &share, out))
        }
        Activation::Softplus { beta, threshold } => {
            let scaled = c.times(x, beta)?;
            let linear = c.compare_with(CompareOp::Gt, &scaled, threshold)?;
            let curve = c.div(&softplus(&c, &scaled)?, &c.constant(beta)?)?;
            c.finish(out, |out| c.select_to(&linear, x, &curve, out))
        }
        Activation::Softsign => {
            let denominator = c.plus(&c.unary(UnaryOp::Abs, x)?, 1.0)?;
            c.finish(out, |out| c.binary_to(BinaryOp::Div, x, &denominator, out))
        }
        Activation::LogSigmoid => {
            let negative = c.binary(BinaryOp::Minimum, x, &c.constant(0.0)?)?;
            let tail = log1p_exp_of_minus_abs(&c, x)?;
            c.finish(out, |out| c.binary_to(BinaryOp::Sub, &negative, &tail, out))
        }
    }
}

/// Default of [`Backend::activation_backward`]: `out[i] = grad[i] * op'(x[i])`.
///
/// Equal shapes, one float dtype. NaN stays NaN, except that `leaky_relu'(nan)` is the slope. At the
/// kinks as PyTorch: `leaky_relu'(0)` is the slope, `elu'(0)` is `alpha` (of SELU `scale * alpha`). Deviations:
/// `elu'(nan)` is NaN, which PyTorch has or not by the position of the element; `softsign'` at the
/// infinities is 0, its limit, where PyTorch has NaN.
pub fn activation_backward<B: Backend + ?Sized>(
    be: &B,
    op: Activation,
    grad: View<'_>,
    x: View<'_>,
    out: ViewMut<'_>,
) -> Result<()> {
    if out.numel() == 0 {
        return Ok(());
    }
    let c = Calc::new(be, x.dtype());
    let (grad, x) = (&c.input(grad)?, &c.input(x)?);
    let derivative = match op {
        Activation::LeakyRelu { negative_slope } => {
            let (right, left) = (c.compare_with(CompareOp::Gt, x, 0.0)?, c.times(grad, negative_slope)?);
            return c.finish(out, |out| c.select_to(&right, grad, &left, out));
        }
        Activation::Elu { alpha } => return elu_backward(&c, grad, x, alpha, 1.0, out),
        Activation::Selu => {
            return elu_backward(&c, grad, x, Activation::SELU_ALPHA, Activation::SELU_SCALE, out);
        }
        Activation::Softplus { beta, threshold } => {
            let scaled = c.times(x, beta)?;
            let linear = c.compare_with(CompareOp::Gt, &scaled, threshold)?;
            let curve = c.mul(grad, &c.unary(UnaryOp::Sigmoid, &scaled)?)?;
            return c.finish(out, |out| c.select_to(&linear, grad, &curve, out));
        }
        Activation::Softsign => {
            let denominator = c.unary(UnaryOp::Square, &c.plus(&c.unary(UnaryOp::Abs, x)?, 1.0)?)?;
            return c.finish(out, |out| c.binary_to(BinaryOp::Div, grad, &denominator, out));
        }
        // s (1 + x (1 - s))
        Activation::Silu => {
            let sigmoid = c.unary(UnaryOp::Sigmoid, x)?;
            let slope = c.mul(x, &c.minus_from(1.0, &sigmoid)?)?;
            c.mul(&sigmoid, &c.plus(&slope, 1.0)?)?
        }
        // t + x s (1 - t^2) with t = tanh(softplus(x)), s = sigmoid(x)
        Activation::Mish => {
            let tanh = c.unary(UnaryOp::Tanh, &softplus(&c, x)?)?;
            let slope = c.minus_from(1.0, &c.unary(UnaryOp::Square, &tanh)?)?;
            let sigmoid = c.mul(x, &c.unary(UnaryOp::Sigmoid, x)?)?;
            c.add(&tanh, &c.mul(&sigmoid, &slope)?)?
        }
        // Phi(x) + x phi(x)
        Activation::Gelu { form: GeluForm::Erf } => {
            let exponent = c.times(&c.unary(UnaryOp::Square, x)?, -0.5)?;
            let density = c.times(&c.unary(UnaryOp::Exp, &exponent)?, NORMAL_DENSITY)?;
            c.add(&normal_cdf(&c, x)?, &c.mul(x, &density)?)?
        }
        // s + x s (1 - s) v' with s = sigmoid(v), v = 2 slope (x + cubic x^3). A product starts with the
        // factor that vanishes, so that a large x meets no overflow of v'.
        Activation::Gelu { form: GeluForm::Tanh } => {
            let exponent = gelu_exponent(&c, x)?;
            let share = c.unary(UnaryOp::Sigmoid, &exponent)?;
            let rest = c.unary(UnaryOp::Sigmoid, &c.unary(UnaryOp::Neg, &exponent)?)?;
            let square = c.times(&c.unary(UnaryOp::Square, x)?, 3.0 * GELU_CUBIC)?;
            let inner = c.times(&c.plus(&square, 1.0)?, 2.0 * GELU_SLOPE)?;
            let bend = c.mul(&c.mul(&c.mul(x, &share)?, &rest)?, &inner)?;
            c.add(&share, &bend)?
        }
        // 1 - sigmoid(x), without the cancellation
        Activation::LogSigmoid => c.unary(UnaryOp::Sigmoid, &c.unary(UnaryOp::Neg, x)?)?,
    };
    c.finish(out, |out| c.binary_to(BinaryOp::Mul, grad, &derivative, out))
}

/// `x < 0 ? alpha scale (e^x - 1) : scale x`, so that NaN and -0 take the branch that keeps them.
fn elu<B: Backend + ?Sized>(
    c: &Calc<'_, B>,
    x: &impl Operand,
    alpha: f64,
    scale: f64,
    out: ViewMut<'_>,
) -> Result<()> {
    let left = c.compare_with(CompareOp::Lt, x, 0.0)?;
    let curve = c.times(&c.unary(UnaryOp::Expm1, x)?, alpha * scale)?;
    let line = c.times(x, scale)?;
    c.finish(out, |out| c.select_to(&left, &curve, &line, out))
}

/// `x > 0 ? scale grad : alpha scale e^x grad`, so that NaN stays NaN.
fn elu_backward<B: Backend + ?Sized>(
    c: &Calc<'_, B>,
    grad: &impl Operand,
    x: &impl Operand,
    alpha: f64,
    scale: f64,
    out: ViewMut<'_>,
) -> Result<()> {
    let right = c.compare_with(CompareOp::Gt, x, 0.0)?;
    let curve = c.mul(&c.times(&c.unary(UnaryOp::Exp, x)?, alpha * scale)?, grad)?;
    let line = c.times(grad, scale)?;
    c.finish(out, |out| c.select_to(&right, &line, &curve, out))
}

/// `log(1 + e^-|x|)`, the part of softplus that bends.
fn log1p_exp_of_minus_abs<B: Backend + ?Sized>(c: &Calc<'_, B>, x: &impl Operand) -> Result<Temp> {
    let negative = c.unary(UnaryOp::Neg, &c.unary(UnaryOp::Abs, x)?)?;
    c.unary(UnaryOp::Log1p, &c.unary(UnaryOp::Exp, &negative)?)
}

/// `log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)`.
fn softplus<B: Backend + ?Sized>(c: &Calc<'_, B>, x: &impl Operand) -> Result<Temp> {
    let positive = c.binary(BinaryOp::Maximum, x, &c.constant(0.0)?)?;
    c.add(&positive, &log1p_exp_of_minus_abs(c, x)?)
}

/// `Phi(x) = erfc(-x / sqrt(2)) / 2`. With `1 + erf` instead, the left tail would cancel.
fn normal_cdf<B: Backend + ?Sized>(c: &Calc<'_, B>, x: &impl Operand) -> Result<Temp> {
    let scaled = c.times(x, -FRAC_1_SQRT_2)?;
    c.times(&c.unary(UnaryOp::Erfc, &scaled)?, 0.5)
}

/// `2 sqrt(2/pi) (x + 0.044715 x^3)`, whose sigmoid is the `(1 + tanh) / 2` of the definition; with
/// `1 + tanh`, the left tail would cancel.
fn gelu_exponent<B: Backend + ?Sized>(c: &Calc<'_, B>, x: &impl Operand) -> Result<Temp> {
    let cube = c.mul(&c.unary(UnaryOp::Square, x)?, x)?;
    c.times(&c.add(x, &c.times(&cube, GELU_CUBIC)?)?, 2.0 * GELU_SLOPE)
}

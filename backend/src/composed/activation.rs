//! Activations and their derivatives.
//!
//! Every formula is written so that no intermediate overflows where the result is finite: `exp` is
//! taken of `-|x|` only, or hidden in `sigmoid`, which is stable at both ends.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, SQRT_2};

use super::Temp;
use super::calc::{Calc, Operand};
use crate::backend::Backend;
use crate::error::Result;
use crate::ops::{Activation, BinaryOp, CompareOp, UnaryOp};
use crate::view::{View, ViewMut};

/// `sqrt(2 / pi)`, the slope inside of the tanh form of GELU.
const GELU_SLOPE: f64 = SQRT_2 * FRAC_2_SQRT_PI * 0.5;
/// The cubic coefficient inside of the tanh form of GELU: Hendrycks and Gimpel 2016.
const GELU_CUBIC: f64 = 0.044715;
/// `1 / sqrt(2 pi)`, the height of the normal density.
const NORMAL_DENSITY: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * 0.5;

/// Default of [`Backend::activation`]: `out[i] = op(x[i])` by the formula of the op's row.
///
/// Equal shapes, one float dtype. NaN stays NaN. At -inf, `silu`, `mish`, `gelu` and `hardswish` are NaN, as
/// PyTorch's are (`-inf * 0`); `softsign` is NaN at both infinities. The tails of `gelu` keep their relative
/// precision, where `1 + erf` and `1 + tanh` would cancel.
pub fn activation<B: Backend + ?Sized>(be: &B, op: Activation, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
    if out.numel() == 0 {
        return Ok(());
    }
    let c = Calc::new(be, x.dtype());
    let x = &c.input(x)?;
    let (a, b) = match op {
        Activation::LeakyRelu { negative_slope } => {
            let (right, left) = (c.compare_with(CompareOp::Gt, x, 0.0)?, c.times(x, negative_slope)?);
            return c.finish(out, |out| c.select_to(&right, x, &left, out));
        }
        Activation::Elu { alpha } => return elu(&c, x, Curve { alpha, scale: 1.0, divisor: 1.0 }, out),
        Activation::Celu { alpha } => return elu(&c, x, Curve { alpha, scale: 1.0, divisor: alpha }, out),
        Activation::Selu => return elu(&c, x, SELU, out),
        Activation::Softplus { beta, threshold } => {
            let scaled = c.times(x, beta)?;
            let linear = c.compare_with(CompareOp::Gt, &scaled, threshold)?;
            let curve = c.div(&softplus(&c, &scaled)?, &c.constant(beta)?)?;
            return c.finish(out, |out| c.select_to(&linear, x, &curve, out));
        }
        Activation::Softsign => {
            let denominator = c.plus(&c.unary(UnaryOp::Abs, x)?, 1.0)?;
            return c.finish(out, |out| c.binary_to(BinaryOp::Div, x, &denominator, out));
        }
        Activation::LogSigmoid => {
            let negative = c.binary(BinaryOp::Minimum, x, &c.constant(0.0)?)?;
            let tail = log1p_exp_of_minus_abs(&c, x)?;
            return c.finish(out, |out| c.binary_to(BinaryOp::Sub, &negative, &tail, out));
        }
        Activation::Hardtanh { min_val, max_val } => {
            return c.finish(out, |out| c.clamp_to(x, min_val, max_val, out));
        }
        Activation::Hardsigmoid => {
            let share = hard_share(&c, x)?;
            return c.finish(out, |out| c.binary_to(BinaryOp::Div, &share, &c.constant(6.0)?, out));
        }
        Activation::Hardswish => {
            let product = c.mul(x, &hard_share(&c, x)?)?;
            return c.finish(out, |out| c.binary_to(BinaryOp::Div, &product, &c.constant(6.0)?, out));
        }
        Activation::Hardshrink { lambd } => {
            let gap = within(&c, x, lambd)?;
            return c.finish(out, |out| c.select_to(&gap, &c.constant(0.0)?, x, out));
        }
        // x - x is 0 inside of the gap.
        Activation::Softshrink { lambd } => {
            let mut middle = c.temp(x.view()?.shape())?;
            c.clamp_to(x, -lambd, lambd, middle.out()?)?;
            return c.finish(out, |out| c.binary_to(BinaryOp::Sub, x, &middle, out));
        }
        Activation::Threshold { threshold, value } => {
            let below = c.compare_with(CompareOp::Le, x, threshold)?;
            return c.finish(out, |out| c.select_to(&below, &c.constant(value)?, x, out));
        }
        // Products with what the function is in the limit of large x, which is 1.
        Activation::Silu => (x, c.unary(UnaryOp::Sigmoid, x)?),
        Activation::Mish => (x, c.unary(UnaryOp::Tanh, &softplus(&c, x)?)?),
        Activation::Gelu => (x, normal_cdf(&c, x)?),
        Activation::GeluTanh => (x, c.unary(UnaryOp::Sigmoid, &gelu_exponent(&c, x)?)?),
    };
    c.finish(out, |out| c.binary_to(BinaryOp::Mul, a, &b, out))
}

/// Default of [`Backend::activation_backward`]: `out[i] = grad[i] * op'(x[i])`, and exactly 0 or `grad[i]` where
/// the slope is constant 0 or 1.
///
/// Equal shapes, one float dtype. NaN stays NaN in smooth functions; in those of pieces it takes the last
/// branch of PyTorch's formula: `leaky_relu'(nan)` is the slope, `elu'(nan)` and `celu'(nan)` are 1 and
/// `selu'(nan)` is `scale`, `hardsigmoid'(nan)` is 0, that of `hardtanh`, `hardswish`, `hardshrink`, `softshrink`
/// and `threshold` is 1. (PyTorch's vector code has other branches in some of these, so that its answer depends on
/// the position of the element.) At the kinks as PyTorch: `leaky_relu'(0)` is the slope, `elu'(0)` is `alpha`
/// (of SELU `scale * alpha`), a bound of `hardtanh`, `hardsigmoid`, `hardshrink`, `softshrink` or `threshold` has 0,
/// `hardswish'` is 0 at -3 and 1 at 3. Deviation: `softsign'` at the infinities is 0, its limit, where PyTorch
/// has NaN.
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
        Activation::Elu { alpha } => {
            return elu_backward(&c, grad, x, Curve { alpha, scale: 1.0, divisor: 1.0 }, out);
        }
        Activation::Celu { alpha } => {
            return elu_backward(&c, grad, x, Curve { alpha, scale: 1.0, divisor: alpha }, out);
        }
        Activation::Selu => return elu_backward(&c, grad, x, SELU, out),
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
        Activation::Hardtanh { min_val, max_val } => {
            let (low, high) =
                (c.compare_with(CompareOp::Le, x, min_val)?, c.compare_with(CompareOp::Ge, x, max_val)?);
            let outside = c.compare(CompareOp::LogicalOr, &low, &high)?;
            return c.finish(out, |out| c.select_to(&outside, &c.constant(0.0)?, grad, out));
        }
        Activation::Hardsigmoid => {
            let (low, high) =
                (c.compare_with(CompareOp::Gt, x, -3.0)?, c.compare_with(CompareOp::Lt, x, 3.0)?);
            let inside = c.compare(CompareOp::LogicalAnd, &low, &high)?;
            let sixth = c.div(grad, &c.constant(6.0)?)?;
            return c.finish(out, |out| c.select_to(&inside, &sixth, &c.constant(0.0)?, out));
        }
        Activation::Hardswish => {
            let (low, bent) =
                (c.compare_with(CompareOp::Le, x, -3.0)?, c.compare_with(CompareOp::Lt, x, 3.0)?);
            let slope = c.plus(&c.div(x, &c.constant(3.0)?)?, 0.5)?;
            let mut upper = c.temp(x.view()?.shape())?;
            c.select_to(&bent, &c.mul(grad, &slope)?, grad, upper.out()?)?;
            return c.finish(out, |out| c.select_to(&low, &c.constant(0.0)?, &upper, out));
        }
        Activation::Hardshrink { lambd } | Activation::Softshrink { lambd } => {
            let gap = within(&c, x, lambd)?;
            return c.finish(out, |out| c.select_to(&gap, &c.constant(0.0)?, grad, out));
        }
        Activation::Threshold { threshold, .. } => {
            let below = c.compare_with(CompareOp::Le, x, threshold)?;
            return c.finish(out, |out| c.select_to(&below, &c.constant(0.0)?, grad, out));
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
        Activation::Gelu => {
            let exponent = c.times(&c.unary(UnaryOp::Square, x)?, -0.5)?;
            let density = c.times(&c.unary(UnaryOp::Exp, &exponent)?, NORMAL_DENSITY)?;
            c.add(&normal_cdf(&c, x)?, &c.mul(x, &density)?)?
        }
        // s + x s (1 - s) v' with s = sigmoid(v), v = 2 slope (x + cubic x^3). A product starts with the
        // factor that vanishes, so that a large x meets no overflow of v'.
        Activation::GeluTanh => {
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

/// `x < 0 ? alpha scale (e^(x / divisor) - 1) : scale x`.
struct Curve {
    alpha: f64,
    scale: f64,
    divisor: f64,
}

const SELU: Curve = Curve { alpha: Activation::SELU_ALPHA, scale: Activation::SELU_SCALE, divisor: 1.0 };

impl Curve {
    /// `op(x / divisor)`.
    fn bent<B: Backend + ?Sized>(&self, c: &Calc<'_, B>, op: UnaryOp, x: &impl Operand) -> Result<Temp> {
        match self.divisor {
            1.0 => c.unary(op, x),
            divisor => c.unary(op, &c.div(x, &c.constant(divisor)?)?),
        }
    }
}

/// By `x < 0`, so that NaN and -0 take the branch that keeps them.
fn elu<B: Backend + ?Sized>(c: &Calc<'_, B>, x: &impl Operand, curve: Curve, out: ViewMut<'_>) -> Result<()> {
    let left = c.compare_with(CompareOp::Lt, x, 0.0)?;
    let bent = c.times(&curve.bent(c, UnaryOp::Expm1, x)?, curve.alpha * curve.scale)?;
    let line = c.times(x, curve.scale)?;
    c.finish(out, |out| c.select_to(&left, &bent, &line, out))
}

/// `x <= 0 ? alpha scale / divisor e^(x / divisor) grad : scale grad`.
fn elu_backward<B: Backend + ?Sized>(
    c: &Calc<'_, B>,
    grad: &impl Operand,
    x: &impl Operand,
    curve: Curve,
    out: ViewMut<'_>,
) -> Result<()> {
    let left = c.compare_with(CompareOp::Le, x, 0.0)?;
    let bent = c.times(&curve.bent(c, UnaryOp::Exp, x)?, curve.alpha * curve.scale / curve.divisor)?;
    let bent = c.mul(&bent, grad)?;
    let line = c.times(grad, curve.scale)?;
    c.finish(out, |out| c.select_to(&left, &bent, &line, out))
}

/// `min(max(x + 3, 0), 6)`.
fn hard_share<B: Backend + ?Sized>(c: &Calc<'_, B>, x: &impl Operand) -> Result<Temp> {
    let shifted = c.plus(x, 3.0)?;
    let mut share = c.temp(shifted.layout().shape())?;
    c.clamp_to(&shifted, 0.0, 6.0, share.out()?)?;
    Ok(share)
}

/// `-bound <= x <= bound`.
fn within<B: Backend + ?Sized>(c: &Calc<'_, B>, x: &impl Operand, bound: f64) -> Result<Temp> {
    let (low, high) = (c.compare_with(CompareOp::Ge, x, -bound)?, c.compare_with(CompareOp::Le, x, bound)?);
    c.compare(CompareOp::LogicalAnd, &low, &high)
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

//! Activations and their gradients, a pass each.
//!
//! | file | subject |
//! |---|---|
//! | `value` | `op(x)` |
//! | `slope` | `grad * op'(x)` |
//! | `smooth` | slopes of the smooth ones |
//!
//! Parameters are values, not types, so that a row is compiled once for each width and instruction set.

mod slope;
mod smooth;
mod value;

#[cfg(test)]
mod tests;

use rusttorch_backend::ops::Activation;
use rusttorch_backend::{Capabilities, DType, DTypeSet, Family, Result, View, ViewMut, bf16, f16};

use crate::arch::Level;
use crate::drive;
use crate::elementwise::{Function1, Function2, map1, map2};
use crate::float::{Float, Half, halves1, halves2};
use crate::tuning::{Cost, streams};

/// `None` where there is no kernel for the call.
pub(crate) fn activation(
    level: Level,
    op: Activation,
    x: &View<'_>,
    out: &mut ViewMut<'_>,
) -> Option<Result<()>> {
    if !x.dtype().is_float() {
        return None;
    }
    let call = Call { level, op: op.name(), x, out };
    Some(match op {
        Activation::LeakyRelu { negative_slope } => {
            call.value(Cost::LIGHT, value::LeakyRelu { slope: negative_slope })
        }
        Activation::Elu { alpha } => call.value(Cost::MEDIUM, value::Elu { alpha, scale: 1.0 }),
        Activation::Celu { alpha } => call.value(Cost::MEDIUM, value::Celu { alpha }),
        Activation::Selu => {
            let (alpha, scale) = (Activation::SELU_ALPHA, Activation::SELU_SCALE);
            call.value(Cost::MEDIUM, value::Elu { alpha, scale })
        }
        Activation::Silu => call.value(Cost::MEDIUM, value::Silu {}),
        Activation::Mish => call.value(Cost::MEDIUM, value::Mish {}),
        Activation::Gelu => call.value(Cost::MEDIUM, value::Gelu {}),
        Activation::GeluTanh => call.value(Cost::MEDIUM, value::GeluTanh {}),
        // Nothing to multiply, nothing to divide by.
        Activation::Softplus { beta: 1.0, threshold } => {
            call.value(Cost::MEDIUM, value::PlainSoftplus { threshold })
        }
        Activation::Softplus { beta, threshold } => {
            call.value(Cost::MEDIUM, value::Softplus { beta, threshold })
        }
        Activation::Softsign => call.value(Cost::LIGHT, value::Softsign {}),
        Activation::LogSigmoid => call.value(Cost::MEDIUM, value::LogSigmoid {}),
        Activation::Hardtanh { min_val, max_val } => {
            call.value(Cost::LIGHT, value::Hardtanh { low: min_val, high: max_val })
        }
        Activation::Hardsigmoid => call.value(Cost::LIGHT, value::Hardsigmoid {}),
        Activation::Hardswish => call.value(Cost::LIGHT, value::Hardswish {}),
        Activation::Hardshrink { lambd } => call.value(Cost::LIGHT, value::Hardshrink { lambd }),
        Activation::Softshrink { lambd } => call.value(Cost::LIGHT, value::Softshrink { lambd }),
        Activation::Threshold { threshold, value } => {
            call.value(Cost::LIGHT, value::Threshold { threshold, value })
        }
    })
}

/// `None` where there is no kernel for the call.
pub(crate) fn backward(
    level: Level,
    op: Activation,
    grad: &View<'_>,
    x: &View<'_>,
    out: &mut ViewMut<'_>,
) -> Option<Result<()>> {
    if !x.dtype().is_float() {
        return None;
    }
    let call = Call { level, op: op.name(), x, out };
    Some(match op {
        Activation::LeakyRelu { negative_slope } => {
            call.gradient(Cost::LIGHT, grad, slope::LeakyRelu { slope: negative_slope })
        }
        Activation::Elu { alpha } => call.gradient(Cost::MEDIUM, grad, slope::Elu { alpha, scale: 1.0 }),
        Activation::Celu { alpha } => call.gradient(Cost::MEDIUM, grad, slope::Celu { alpha }),
        Activation::Selu => {
            let (alpha, scale) = (Activation::SELU_ALPHA, Activation::SELU_SCALE);
            call.gradient(Cost::MEDIUM, grad, slope::Elu { alpha, scale })
        }
        Activation::Silu => call.gradient(Cost::MEDIUM, grad, slope::Silu {}),
        Activation::Mish => call.gradient(Cost::MEDIUM, grad, slope::Mish {}),
        Activation::Gelu => call.gradient(Cost::HEAVY, grad, slope::Gelu {}),
        Activation::GeluTanh => call.gradient(Cost::MEDIUM, grad, slope::GeluTanh {}),
        Activation::Softplus { beta, threshold } => {
            call.gradient(Cost::MEDIUM, grad, slope::Softplus { beta, threshold })
        }
        Activation::Softsign => call.gradient(Cost::LIGHT, grad, slope::Softsign {}),
        Activation::LogSigmoid => call.gradient(Cost::MEDIUM, grad, slope::LogSigmoid {}),
        Activation::Hardtanh { min_val, max_val } => {
            call.gradient(Cost::LIGHT, grad, slope::Hardtanh { low: min_val, high: max_val })
        }
        Activation::Hardsigmoid => call.gradient(Cost::LIGHT, grad, slope::Hardsigmoid {}),
        Activation::Hardswish => call.gradient(Cost::LIGHT, grad, slope::Hardswish {}),
        // The slopes of both are 0 in the gap and 1 beside it.
        Activation::Hardshrink { lambd } | Activation::Softshrink { lambd } => {
            call.gradient(Cost::LIGHT, grad, slope::Shrink { lambd })
        }
        Activation::Threshold { threshold, .. } => {
            call.gradient(Cost::LIGHT, grad, slope::Threshold { threshold })
        }
    })
}

/// A call, but for its function.
struct Call<'c, 'x, 'out> {
    level: Level,
    op: &'static str,
    x: &'c View<'x>,
    out: &'c mut ViewMut<'out>,
}

impl Call<'_, '_, '_> {
    fn value<F: Function1>(self, cost: Cost, f: F) -> Result<()> {
        match self.x.dtype() {
            DType::F64 => self.floats1::<f64, F>(cost, f),
            DType::F16 => self.halves1::<f16, F>(cost, f),
            DType::BF16 => self.halves1::<bf16, F>(cost, f),
            _ => self.floats1::<f32, F>(cost, f),
        }
    }

    fn gradient<F: Function2>(self, cost: Cost, grad: &View<'_>, f: F) -> Result<()> {
        match self.x.dtype() {
            DType::F64 => self.floats2::<f64, F>(cost, grad, f),
            DType::F16 => self.halves2::<f16, F>(cost, grad, f),
            DType::BF16 => self.halves2::<bf16, F>(cost, grad, f),
            _ => self.floats2::<f32, F>(cost, grad, f),
        }
    }

    fn floats1<T: Float, F: Function1>(self, cost: Cost, f: F) -> Result<()> {
        let Call { level, op, x, out } = self;
        let stream = streams(out.numel() * size_of::<T>());
        drive::map1(op, cost, x, out, &move |x: &[T], out: &mut [T]| map1(level, f, x, out, stream))
    }

    fn halves1<H: Half, F: Function1>(self, cost: Cost, f: F) -> Result<()> {
        let Call { level, op, x, out } = self;
        drive::map1(op, cost, x, out, &move |x: &[H], out: &mut [H]| {
            halves1(x, out, |x, out| map1(level, f, x, out, false));
        })
    }

    fn floats2<T: Float, F: Function2>(self, cost: Cost, grad: &View<'_>, f: F) -> Result<()> {
        let Call { level, op, x, out } = self;
        let stream = streams(out.numel() * size_of::<T>());
        drive::map2(op, cost, grad, x, out, &move |g: &[T], x: &[T], out: &mut [T]| {
            map2(level, f, g, x, out, stream);
        })
    }

    fn halves2<H: Half, F: Function2>(self, cost: Cost, grad: &View<'_>, f: F) -> Result<()> {
        let Call { level, op, x, out } = self;
        drive::map2(op, cost, grad, x, out, &move |g: &[H], x: &[H], out: &mut [H]| {
            halves2(g, x, out, |g, x, out| map2(level, f, g, x, out, false));
        })
    }
}

/// What is computed here: all of it.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims.with(Family::Activation, DTypeSet::FLOATS).with(Family::ActivationBackward, DTypeSet::FLOATS)
}

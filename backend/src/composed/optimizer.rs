//! Optimizer steps, in the order of operations of PyTorch's single-tensor implementation.

use super::Temp;
use super::calc::{Calc, Operand};
use crate::backend::{Backend, ParamStep};
use crate::error::{ErrorKind, Result, TensorError};
use crate::ops::{BinaryOp, Optimizer, TernaryOp, UnaryOp};
use crate::view::ViewMut;

/// Default of [`Backend::optimizer_step`]: one step of `optimizer` on every parameter, in place.
///
/// A parameter, its gradient and its states have one shape and one float dtype. States of half types
/// are rounded once per step; the parameter's update uses them unrounded. NaN in a gradient makes the
/// element and its states NaN. With Adam, a gradient that was always 0 leaves the parameter as it was
/// (unless it decays, or `eps` is 0). Error: `Internal` for a wrong number of states.
pub fn optimizer_step<B: Backend + ?Sized>(
    be: &B,
    optimizer: Optimizer,
    params: &mut [ParamStep<'_>],
) -> Result<()> {
    for p in params {
        if p.state.len() != optimizer.state_count() {
            return Err(TensorError::new(
                ErrorKind::Internal,
                optimizer.name(),
                "wrong number of state tensors",
            )
            .with("expected", optimizer.state_count())
            .with("given", p.state.len()));
        }
        if p.param.numel() > 0 {
            step(&Calc::new(be, p.param.dtype()), optimizer, p)?;
        }
    }
    Ok(())
}

fn step<B: Backend + ?Sized>(c: &Calc<'_, B>, optimizer: Optimizer, p: &mut ParamStep<'_>) -> Result<()> {
    match optimizer {
        Optimizer::Sgd { lr, momentum, dampening, weight_decay, nesterov } => {
            let updated = {
                let param = c.input(p.param.as_view())?;
                let mut grad = decayed(c, &c.input(p.grad)?, weight_decay, &param)?;
                if let [buffer] = &mut p.state[..] {
                    // The first step keeps the whole gradient: dampening has nothing to damp yet.
                    let next = if p.step == 1 {
                        Temp::copy_of(c.be, grad.view()?, c.dtype)?
                    } else {
                        let kept = c.times(&c.input(buffer.as_view())?, momentum)?;
                        c.add_scaled(&kept, 1.0 - dampening, &grad)?
                    };
                    store(c, &next, buffer)?;
                    grad = if nesterov { c.add_scaled(&grad, momentum, &next)? } else { next };
                }
                c.add_scaled(&param, -lr, &grad)?
            };
            store(c, &updated, &mut p.param)
        }
        Optimizer::Adam { lr, beta1, beta2, eps, weight_decay, decoupled } => {
            let [first, second] = &mut p.state[..] else { return Ok(()) };
            let updated = {
                let param = c.input(p.param.as_view())?;
                let decay = if decoupled { 0.0 } else { weight_decay };
                let grad = decayed(c, &c.input(p.grad)?, decay, &param)?;
                let m =
                    c.ternary(TernaryOp::Lerp, &c.input(first.as_view())?, &grad, &c.constant(1.0 - beta1)?)?;
                let kept = c.times(&c.input(second.as_view())?, beta2)?;
                let v = c.ternary(TernaryOp::Addcmul { value: (1.0 - beta2).into() }, &kept, &grad, &grad)?;
                drop((kept, grad));

                // Bias corrections are taken in f64, from the step alone. By libm, not std: its bits do not depend
                // on the platform.
                let t = p.step as f64;
                let step_size = lr / (1.0 - libm::pow(beta1, t));
                let correction = (1.0 - libm::pow(beta2, t)).sqrt();
                let root = c.binary(BinaryOp::Div, &c.unary(UnaryOp::Sqrt, &v)?, &c.constant(correction)?)?;
                let denominator = c.plus(&root, eps)?;
                let update = TernaryOp::Addcdiv { value: (-step_size).into() };
                let updated = if decoupled && weight_decay != 0.0 {
                    let shrunk = c.times(&param, 1.0 - lr * weight_decay)?;
                    c.ternary(update, &shrunk, &m, &denominator)?
                } else {
                    c.ternary(update, &param, &m, &denominator)?
                };
                store(c, &m, first)?;
                store(c, &v, second)?;
                updated
            };
            store(c, &updated, &mut p.param)
        }
    }
}

/// `grad + weight_decay * param`, or a copy of `grad` where nothing decays.
fn decayed<B: Backend + ?Sized>(
    c: &Calc<'_, B>,
    grad: &impl Operand,
    weight_decay: f64,
    param: &impl Operand,
) -> Result<Temp> {
    if weight_decay == 0.0 {
        // Not `grad + 0 * param`: an infinite parameter must not turn its gradient into NaN.
        return Temp::copy_of(c.be, grad.view()?, c.dtype);
    }
    c.add_scaled(grad, weight_decay, param)
}

/// Writes a result back, rounded to the dtype of its place.
fn store<B: Backend + ?Sized>(c: &Calc<'_, B>, value: &Temp, place: &mut ViewMut<'_>) -> Result<()> {
    c.be.copy(value.view()?, place.reborrow())
}

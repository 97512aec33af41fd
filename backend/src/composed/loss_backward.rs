//! Gradients of losses by their input.

use super::Temp;
use super::calc::{Calc, Operand};
use super::loss::{per_class, reduce_all};
use super::softmax::softmax;
use crate::backend::Backend;
use crate::dtype::DType;
use crate::element::Scalar;
use crate::error::Result;
use crate::ops::{BinaryOp, CompareOp, Loss, ReduceOp, Reduction, ScatterOp, SoftmaxOp, UnaryOp};
use crate::view::{View, ViewMut};

/// The least denominator in the gradient of `binary_cross_entropy`, which is PyTorch's.
const LEAST_VARIANCE: f64 = 1e-12;

/// Default of [`Backend::loss_backward`]: `grad` times the derivative of [`loss`](super::loss()) by `x`.
///
/// With `d = x - target`: `Mse` `2 d`; `L1` the sign of d, 0 at 0; `SmoothL1` `d / beta` where `|d| < beta`, else the
/// sign; `BinaryCrossEntropy` `d / max(x (1 - x), 1e-12)`. NaN stays NaN where it does in the value. Weights and
/// divisors as in the loss.
///
/// Cross-entropy: a row's loss is `-sum(share * log_softmax(x))`, whose derivative is
/// `softmax(x) * sum(share) - share`; a row that is ignored has shares of 0, which are placed, not multiplied: a
/// weight may be infinite, and a mean may have divided by 0.
///
/// Error: `IndexValue` for a class outside of `0..C`.
#[allow(clippy::too_many_arguments, reason = "the parameters of the op and of the call")]
pub fn loss_backward<B: Backend + ?Sized>(
    be: &B,
    op: Loss,
    reduction: Reduction,
    grad: View<'_>,
    x: View<'_>,
    target: View<'_>,
    weight: Option<View<'_>>,
    out: ViewMut<'_>,
) -> Result<()> {
    if out.numel() == 0 {
        return Ok(());
    }
    let c = &Calc::new(be, x.dtype());
    if let Loss::CrossEntropy { ignore_index, label_smoothing } = op {
        return cross_entropy(c, ignore_index, label_smoothing, reduction, grad, x, target, weight, out);
    }
    let numel = x.numel();
    let (grad, x, target) = (&c.input(grad)?, &c.input(x)?, &c.input(target)?);
    let weight = weight.map(|w| c.input(w)).transpose()?;
    let one = c.constant(1.0)?;
    let mut share = match (reduction, op, &weight) {
        (Reduction::Mean, Loss::Mse | Loss::L1, Some(w)) => c.div(grad, &reduce_all(c, w)?)?,
        (Reduction::Mean, _, _) => c.div(grad, &c.constant(numel as f64)?)?,
        (Reduction::None | Reduction::Sum, _, _) => c.mul(grad, &one)?,
    };
    if let Some(w) = &weight {
        share = c.mul(&share, w)?;
    }
    let d = c.sub(x, target)?;
    let slope = match op {
        Loss::Mse => c.times(&d, 2.0)?,
        Loss::SmoothL1 { beta } if beta > 0.0 => {
            // In this order, so that NaN stays NaN.
            let far = c.compare_with(CompareOp::Ge, &c.unary(UnaryOp::Abs, &d)?, beta)?;
            let (line, curve) = (c.unary(UnaryOp::Sign, &d)?, c.div(&d, &c.constant(beta)?)?);
            let mut slope = c.temp(d.layout().shape())?;
            c.select_to(&far, &line, &curve, slope.out()?)?;
            slope
        }
        Loss::BinaryCrossEntropy => {
            let variance = c.mul(&c.plus(&c.unary(UnaryOp::Neg, x)?, 1.0)?, x)?;
            let least = c.constant(LEAST_VARIANCE)?;
            c.div(&d, &c.binary(BinaryOp::Maximum, &variance, &least)?)?
        }
        // Cross-entropy was handled above.
        Loss::L1 | Loss::SmoothL1 { .. } | Loss::CrossEntropy { .. } => c.unary(UnaryOp::Sign, &d)?,
    };
    c.finish(out, |out| c.binary_to(BinaryOp::Mul, &share, &slope, out))
}

/// By the formula of [`loss_backward`].
#[allow(clippy::too_many_arguments, reason = "the parameters of the op and of the call")]
fn cross_entropy<B: Backend + ?Sized>(
    c: &Calc<'_, B>,
    ignore_index: i64,
    label_smoothing: f64,
    reduction: Reduction,
    grad: View<'_>,
    x: View<'_>,
    target: View<'_>,
    weight: Option<View<'_>>,
    out: ViewMut<'_>,
) -> Result<()> {
    let be = c.be;
    let axis = (x.layout().rank() > 1) as usize;
    let classes = x.shape()[axis];
    let x = c.input(x)?;
    let x = x.view()?;

    let along = target.layout().unsqueeze(axis as isize)?;
    let target = target.with_layout(&along)?;
    let scalar = |value| -> Result<Temp> {
        let mut temp = Temp::new(be, &[], DType::I64)?;
        be.fill(Scalar::Int(value), temp.out()?)?;
        Ok(temp)
    };
    let ignored = c.compare(CompareOp::Eq, &target, &scalar(ignore_index)?)?;
    let mut class = Temp::new(be, along.shape(), DType::I64)?;
    c.select_to(&ignored, &scalar(0)?, &target, class.out()?)?;
    let zero = c.constant(0.0)?;
    let placed = |value: &Temp| -> Result<Temp> {
        let mut placed = c.temp(value.layout().shape())?;
        c.select_to(&ignored, &zero, value, placed.out()?)?;
        Ok(placed)
    };

    // The weights of the targets, and of the classes as a view over all of x.
    let weight = weight.map(|w| c.input(w)).transpose()?;
    let of_classes = match &weight {
        None => None,
        Some(w) => Some((w.view()?, per_class(w.view()?, axis, x.shape())?)),
    };
    let mut of_targets = c.temp(along.shape())?;
    match &of_classes {
        None => be.fill(Scalar::Float(1.0), of_targets.out()?)?,
        Some((w, layout)) => be.gather(w.with_layout(layout)?, axis, class.view()?, of_targets.out()?)?,
    }

    let grad = c.input(grad)?;
    let grad = grad.view()?;
    let rows = match reduction {
        Reduction::None => grad.layout().unsqueeze(axis as isize)?,
        _ => grad.layout().clone(),
    };
    let grad = grad.with_layout(&rows)?;
    let share = match reduction {
        Reduction::Mean => c.div(&grad, &reduce_all(c, &placed(&of_targets)?)?)?,
        _ => c.times(&grad, 1.0)?,
    };

    // What every class of every row counts for: the target's weight at the target, and with label smoothing a
    // share of its own weight everywhere.
    let hits = placed(&c.mul(&c.times(&of_targets, 1.0 - label_smoothing)?, &share)?)?;
    let mut shares = c.temp(x.shape())?;
    be.fill(Scalar::Float(0.0), shares.out()?)?;
    be.scatter(ScatterOp::Assign, shares.out()?, axis, class.view()?, hits.view()?)?;
    if label_smoothing > 0.0 {
        let each = c.constant(label_smoothing / classes as f64)?;
        let spread = match &of_classes {
            None => c.mul(&each, &share)?,
            Some((w, layout)) => c.mul(&c.mul(&w.with_layout(layout)?, &each)?, &share)?,
        };
        let mut everywhere = c.temp(x.shape())?;
        c.select_to(&ignored, &zero, &spread, everywhere.out()?)?;
        shares = c.add(&shares, &everywhere)?;
    }
    let total = c.reduce(ReduceOp::Sum, &shares, &[axis])?;
    let mut probabilities = c.temp(x.shape())?;
    softmax(be, SoftmaxOp::Softmax, x, axis, probabilities.out()?)?;
    let pull = c.mul(&probabilities, &total)?;
    c.finish(out, |out| c.binary_to(BinaryOp::Sub, &pull, &shares, out))
}

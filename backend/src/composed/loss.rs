//! Losses.

use super::Temp;
use super::calc::{Calc, Input, Operand};
use super::softmax::softmax;
use crate::backend::Backend;
use crate::dtype::DType;
use crate::element::Scalar;
use crate::error::{ErrorKind, Result, TensorError};
use crate::layout::Layout;
use crate::ops::{BinaryOp, CompareOp, Loss, ReduceOp, Reduction, SoftmaxOp, UnaryOp};
use crate::view::{View, ViewMut};

/// Where `binary_cross_entropy` clamps logarithms, so that an exact 0 or 1 costs a finite loss.
const LOG_FLOOR: f64 = -100.0;

/// Default of [`Backend::loss`].
///
/// Elementwise losses: `x`, `target`, `weight` of one shape and float dtype. The weight multiplies each
/// loss. Of `Mse` and `L1` the mean of weighted losses is their sum divided by the sum of the weights,
/// of the others by their number, as PyTorch has it. The mean of no loss is NaN.
///
/// Cross-entropy, `x` `[N, C, d..]` or `[C]`, `target` i64 `[N, d..]` or `[]`, `weight` `[C]`: with
/// `l = log_softmax(x)` over the classes, `w` the weight and `s` the smoothing, a target `t` costs
/// `(1 - s) * -w[t] l[t] + s / C * sum over c of -w[c] l[c]`; the mean divides the sums of both terms by that
/// of `w[t]`. A target that is `ignore_index` costs 0 and counts for nothing, in or out of range. If all are
/// ignored, the mean is NaN. A logit of -inf elsewhere costs nothing (unless smoothed), at the target +inf.
///
/// Errors: `IndexValue` for a class outside of `0..C`; `Value` for an input or target of
/// `binary_cross_entropy` outside of [0, 1] or NaN.
pub fn loss<B: Backend + ?Sized>(
    be: &B,
    op: Loss,
    reduction: Reduction,
    x: View<'_>,
    target: View<'_>,
    weight: Option<View<'_>>,
    out: ViewMut<'_>,
) -> Result<()> {
    let c = &Calc::new(be, x.dtype());
    if let Loss::CrossEntropy { ignore_index, label_smoothing } = op {
        return cross_entropy(c, ignore_index, label_smoothing, reduction, x, target, weight, out);
    }
    let (x, target) = (&c.input(x)?, &c.input(target)?);
    let weight = weight.map(|w| c.input(w)).transpose()?;
    let mut each = match op {
        Loss::Mse => c.unary(UnaryOp::Square, &c.sub(x, target)?)?,
        Loss::SmoothL1 { beta } if beta > 0.0 => smooth_l1(c, x, target, beta)?,
        Loss::BinaryCrossEntropy => binary_cross_entropy(c, x, target)?,
        Loss::L1 | Loss::SmoothL1 { .. } => c.unary(UnaryOp::Abs, &c.sub(x, target)?)?,
        // Handled above.
        Loss::CrossEntropy { .. } => return Ok(()),
    };
    if let Some(weight) = &weight {
        each = c.mul(&each, weight)?;
    }
    let divisor = match (op, weight) {
        (Loss::Mse | Loss::L1, Some(weight)) => Some(weight),
        _ => None,
    };
    finish(c, reduction, each, divisor, out)
}

/// Reduces the losses of the elements into `out`. A mean divides by the number of losses, or by the sum
/// of `divisor`.
fn finish<B: Backend + ?Sized>(
    c: &Calc<'_, B>,
    reduction: Reduction,
    each: Temp,
    divisor: Option<Input<'_>>,
    mut out: ViewMut<'_>,
) -> Result<()> {
    let axes: Vec<usize> = (0..each.layout().rank()).collect();
    // A reduction keeps the reduced axes with size 1; the 0-d output gets as many.
    let mut kept = out.layout().clone();
    let op = match (reduction, divisor) {
        (Reduction::None, _) => return c.be.copy(each.view()?, out),
        (Reduction::Sum, _) => ReduceOp::Sum,
        (Reduction::Mean, None) => ReduceOp::Mean,
        (Reduction::Mean, Some(divisor)) => {
            let numerator = reduce_all(c, &each)?;
            let divisor = reduce_all(c, &divisor)?;
            return c.finish(out, |out| c.binary_to(BinaryOp::Div, &numerator, &divisor, out));
        }
    };
    for _ in &axes {
        kept = kept.unsqueeze(0)?;
    }
    c.finish(out.with_layout(&kept)?, |out| c.be.reduce(op, each.view()?, &axes, out))
}

/// A value per class `[C]` as a view over an input of `shape`.
pub(super) fn per_class(weight: View<'_>, axis: usize, shape: &[usize]) -> Result<Layout> {
    let mut layout = weight.layout().clone();
    for _ in axis + 1..shape.len() {
        layout = layout.unsqueeze(-1)?;
    }
    layout.broadcast_to(shape)
}

/// The sum of all elements, 0-d.
pub(super) fn reduce_all<B: Backend + ?Sized>(c: &Calc<'_, B>, x: &impl Operand) -> Result<Temp> {
    let x = x.view()?;
    let mut sum = c.temp(&[])?;
    let kept = Layout::contiguous("sum", &vec![1; x.layout().rank()])?;
    let axes: Vec<usize> = (0..x.layout().rank()).collect();
    c.be.reduce(ReduceOp::Sum, x, &axes, sum.out()?.with_layout(&kept)?)?;
    Ok(sum)
}

/// `d < beta ? d^2 / (2 beta) : d - beta/2` with `d = |x - t|`; NaN takes the second branch.
fn smooth_l1<B: Backend + ?Sized>(
    c: &Calc<'_, B>,
    x: &impl Operand,
    target: &impl Operand,
    beta: f64,
) -> Result<Temp> {
    let distance = c.unary(UnaryOp::Abs, &c.sub(x, target)?)?;
    let near = c.compare_with(CompareOp::Lt, &distance, beta)?;
    let half_square = c.mul(&c.times(&distance, 0.5)?, &distance)?;
    let curve = c.div(&half_square, &c.constant(beta)?)?;
    let line = c.plus(&distance, -0.5 * beta)?;
    let mut each = c.temp(distance.layout().shape())?;
    c.select_to(&near, &curve, &line, each.out()?)?;
    Ok(each)
}

/// `(t - 1) max(log(1 - x), -100) - t max(log x, -100)`.
fn binary_cross_entropy<B: Backend + ?Sized>(
    c: &Calc<'_, B>,
    x: &impl Operand,
    target: &impl Operand,
) -> Result<Temp> {
    require_probabilities(c, x, "elements of the input lie outside of [0, 1]")?;
    require_probabilities(c, target, "elements of the target lie outside of [0, 1]")?;
    let floor = c.constant(LOG_FLOOR)?;
    let hit = c.binary(BinaryOp::Maximum, &c.unary(UnaryOp::Log, x)?, &floor)?;
    let miss = c.unary(UnaryOp::Log1p, &c.unary(UnaryOp::Neg, x)?)?;
    let miss = c.binary(BinaryOp::Maximum, &miss, &floor)?;
    c.sub(&c.mul(&c.plus(target, -1.0)?, &miss)?, &c.mul(target, &hit)?)
}

/// Error: `Value` unless all elements lie in [0, 1], which NaN does not.
fn require_probabilities<B: Backend + ?Sized>(
    c: &Calc<'_, B>,
    x: &impl Operand,
    rule: &'static str,
) -> Result<()> {
    let x = x.view()?;
    let above = c.compare_with(CompareOp::Ge, &x, 0.0)?;
    let below = c.compare_with(CompareOp::Le, &x, 1.0)?;
    let inside = c.compare(CompareOp::LogicalAnd, &above, &below)?;
    let mut all = Temp::new(c.be, &[], DType::Bool)?;
    let kept = Layout::contiguous("all", &vec![1; x.layout().rank()])?;
    let axes: Vec<usize> = (0..x.layout().rank()).collect();
    c.be.reduce(ReduceOp::All, inside.view()?, &axes, all.out()?.with_layout(&kept)?)?;
    // The one byte that a rule about data has to bring to the host.
    let mut answer = [0u8];
    c.be.download(all.view()?.buffer(), 0, &mut answer)?;
    if answer[0] == 0 {
        return Err(TensorError::new(ErrorKind::Value, Loss::BinaryCrossEntropy.name(), rule));
    }
    Ok(())
}

/// The losses of the targets by the formula of [`loss`], reduced.
#[allow(clippy::too_many_arguments, reason = "the parameters of the op and of the call")]
fn cross_entropy<B: Backend + ?Sized>(
    c: &Calc<'_, B>,
    ignore_index: i64,
    label_smoothing: f64,
    reduction: Reduction,
    x: View<'_>,
    target: View<'_>,
    weight: Option<View<'_>>,
    out: ViewMut<'_>,
) -> Result<()> {
    const OP: &str = "cross_entropy";
    let be = c.be;
    let rank = x.layout().rank();
    if rank == 0 || target.layout().rank() != rank - 1 {
        return Err(TensorError::new(
            ErrorKind::Shape,
            OP,
            "target does not have one class axis less than the input",
        )
        .with("input", x.shape())
        .with("target", target.shape()));
    }
    let axis = (rank > 1) as usize;
    let classes = x.shape()[axis];

    // Targets get the axis of the classes with size 1; ignored ones become class 0 until the mask
    // takes their loss away, so that they may have any value.
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

    let x = c.input(x)?;
    let x = x.view()?;
    let mut logs = c.temp(x.shape())?;
    softmax(be, SoftmaxOp::LogSoftmax, x, axis, logs.out()?)?;
    let mut each = c.temp(along.shape())?;
    if along.numel() > 0 {
        be.gather(logs.view()?, axis, class.view()?, each.out()?)?;
    }
    each = c.unary(UnaryOp::Neg, &each)?;

    // Weights of the targets, and of the classes as a view over all of `x`.
    let weight = weight.map(|w| c.input(w)).transpose()?;
    let mut used = c.temp(along.shape())?;
    let of_classes = match &weight {
        None => None,
        Some(weight) => Some((weight.view()?, per_class(weight.view()?, axis, x.shape())?)),
    };
    let zero = c.constant(0.0)?;
    let mut one_each = c.temp(along.shape())?;
    match &of_classes {
        None => be.fill(Scalar::Float(1.0), one_each.out()?)?,
        Some((weight, layout)) => {
            be.gather(weight.with_layout(layout)?, axis, class.view()?, one_each.out()?)?;
            each = c.mul(&each, &one_each)?;
        }
    }
    c.select_to(&ignored, &zero, &one_each, used.out()?)?;

    // Chosen, not multiplied: an ignored row may hold an infinity or NaN.
    let kept = |rows: Temp| -> Result<Temp> {
        let mut kept = c.temp(along.shape())?;
        c.select_to(&ignored, &zero, &rows, kept.out()?)?;
        Ok(kept)
    };
    let hit = reduced(c, reduction, kept(each)?, &used)?;
    let total = if label_smoothing > 0.0 {
        let weighted = match &of_classes {
            None => None,
            Some((weight, layout)) => Some(c.mul(&logs, &weight.with_layout(layout)?)?),
        };
        let spread = c.reduce(ReduceOp::Sum, weighted.as_ref().unwrap_or(&logs), &[axis])?;
        let spread = reduced(c, reduction, kept(c.unary(UnaryOp::Neg, &spread)?)?, &used)?;
        c.add(&c.times(&hit, 1.0 - label_smoothing)?, &c.times(&spread, label_smoothing / classes as f64)?)?
    } else {
        hit
    };
    let total = total.view()?;
    match reduction {
        Reduction::None => be.copy(total.with_layout(&total.layout().squeeze(axis as isize)?)?, out),
        _ => be.copy(total, out),
    }
}

/// Every row's loss, their sum, or that divided by the sum of the weights used.
fn reduced<B: Backend + ?Sized>(
    c: &Calc<'_, B>,
    reduction: Reduction,
    rows: Temp,
    used: &Temp,
) -> Result<Temp> {
    match reduction {
        Reduction::None => Ok(rows),
        Reduction::Sum => reduce_all(c, &rows),
        Reduction::Mean => c.div(&reduce_all(c, &rows)?, &reduce_all(c, used)?),
    }
}

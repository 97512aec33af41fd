//! The losses of the contract, with their gradients.

use rusttorch_backend::ops::{Loss, Reduction};
use rusttorch_backend::{DType, ErrorKind, Result, TensorError};
use smallvec::{SmallVec, smallvec};

use super::gather::as_index_error;
use crate::autograd::{Saved, record};
use crate::dispatch;
use crate::tensor::Tensor;

fn title(op: Loss) -> &'static str {
    match op {
        Loss::Mse => "MseLoss",
        Loss::L1 => "L1Loss",
        Loss::SmoothL1 { .. } => "SmoothL1Loss",
        Loss::BinaryCrossEntropy => "BinaryCrossEntropy",
        Loss::CrossEntropy { .. } => "CrossEntropy",
    }
}

fn needs_float(op: Loss, x: &Tensor) -> Result<()> {
    if x.dtype().is_float() {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::NotImplemented, op.name(), "needs a floating-point input")
        .with("dtype", x.dtype()))
}

/// A loss that compares element by element: input, target and weight are promoted and broadcast.
pub(crate) fn elementwise(
    op: Loss,
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    reduction: Reduction,
) -> Result<Tensor> {
    let name = op.name();
    let dtype = x.dtype().promote(target.dtype());
    let (x, target) = (&x.to_dtype(dtype)?, &target.to_dtype(dtype)?);
    needs_float(op, x)?;
    if let Loss::SmoothL1 { beta } = op
        && (beta < 0.0 || beta.is_nan())
    {
        return Err(TensorError::new(ErrorKind::Value, name, "beta is negative").with("beta", beta));
    }
    if op == Loss::BinaryCrossEntropy && x.shape() != target.shape() {
        return Err(TensorError::new(ErrorKind::Argument, name, "input and target differ in shape")
            .with("input", x.shape())
            .with("target", target.shape()));
    }
    let shape = rusttorch_backend::layout::broadcast_shapes(name, x.shape(), target.shape())?;
    let (x, target) = (&x.broadcast_to(&shape)?, &target.broadcast_to(&shape)?);
    let weight = weight.map(|w| w.to_dtype(dtype)?.broadcast_to(&shape)).transpose()?;
    let out_shape: &[usize] = if reduction == Reduction::None { &shape } else { &[] };
    let out = match &weight {
        None => dispatch::compute(name, [x, target], out_shape, dtype, |b, [x, t], out| {
            b.loss(op, reduction, x, t, None, out)
        })?,
        Some(w) => dispatch::compute(name, [x, target, w], out_shape, dtype, |b, [x, t, w], out| {
            b.loss(op, reduction, x, t, Some(w), out)
        })?,
    };
    Ok(record(title(op), out, [x, target], |_| {
        let (x, target) = (Saved::input(x), Saved::input(target));
        let weight = weight.as_ref().map(|w| Saved::input(&w.detach()));
        Box::new(move |context, g| {
            let (x, target) = (x.unpack(context)?, target.unpack(context)?);
            let mut g = match reduction {
                Reduction::Mean => g.div(x.numel() as f64)?,
                Reduction::None | Reduction::Sum => g.clone(),
            };
            if let Some(w) = &weight {
                g = g.mul(&w.unpack(context)?)?;
            }
            let of_x = context.needs(0).then(|| g.mul(&slope(op, &x, &target)?)).transpose()?;
            let of_target = context.needs(1).then(|| g.mul(&target_slope(op, &x, &target)?)).transpose()?;
            Ok(smallvec![of_x, of_target])
        })
    }))
}

/// The derivative by the input.
fn slope(op: Loss, x: &Tensor, target: &Tensor) -> Result<Tensor> {
    let d = x.sub(target)?;
    match op {
        Loss::Mse => d.mul(2.0),
        Loss::L1 => d.sign(),
        Loss::SmoothL1 { beta: 0.0 } => d.sign(),
        Loss::SmoothL1 { beta } => Tensor::where_cond(&d.abs()?.lt(beta)?, &d.div(beta)?, &d.sign()?),
        // PyTorch keeps the denominator from 0 by the same constant.
        Loss::BinaryCrossEntropy => d.div(&x.neg()?.add(1.0)?.mul(x)?.clamp_min(1e-12)?),
        Loss::CrossEntropy { .. } => {
            Err(TensorError::new(ErrorKind::Internal, op.name(), "is not elementwise"))
        }
    }
}

/// The derivative by the target.
fn target_slope(op: Loss, x: &Tensor, target: &Tensor) -> Result<Tensor> {
    match op {
        // Unlike the value, PyTorch does not clamp these logarithms.
        Loss::BinaryCrossEntropy => x.neg()?.log1p()?.sub(&x.log()?),
        _ => slope(op, x, target)?.neg(),
    }
}

/// Where the classes of a cross-entropy input stand.
fn class_axis(x: &Tensor) -> usize {
    (x.rank() > 1) as usize
}

/// Cross-entropy, by the dtype of the target: class indices (i64) or, of the input's shape, probabilities.
pub(crate) fn cross_entropy(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    ignore_index: i64,
    label_smoothing: f64,
    reduction: Reduction,
) -> Result<Tensor> {
    let op = Loss::CrossEntropy { ignore_index, label_smoothing };
    let name = op.name();
    needs_float(op, x)?;
    if !(0.0..=1.0).contains(&label_smoothing) {
        return Err(TensorError::new(ErrorKind::Value, name, "label smoothing lies outside of [0, 1]")
            .with("label_smoothing", label_smoothing));
    }
    if x.rank() == 0 {
        return Err(TensorError::new(ErrorKind::Shape, name, "input needs at least 1 dimension")
            .with("input", x.shape()));
    }
    let axis = class_axis(x);
    if let Some(w) = weight
        && (w.shape() != [x.shape()[axis]] || w.dtype() != x.dtype())
    {
        return Err(TensorError::new(
            ErrorKind::Shape,
            name,
            "weight needs one value of the input's dtype per class",
        )
        .with("weight", w.shape())
        .with("classes", x.shape()[axis])
        .with("weight dtype", w.dtype())
        .with("input dtype", x.dtype()));
    }
    if target.dtype().is_float() {
        return of_probabilities(x, target, weight, axis, label_smoothing, reduction);
    }
    let mut expected: SmallVec<[usize; 6]> = x.shape().into();
    expected.remove(axis);
    if target.shape() != &expected[..] {
        // PyTorch has a class of its own for batches that differ.
        let batches = (x.rank() > 1).then(|| (x.shape()[0], target.shape().first()));
        let kind = match batches {
            Some((n, Some(&m))) if n != m => ErrorKind::Argument,
            _ => ErrorKind::Shape,
        };
        return Err(TensorError::new(
            kind,
            name,
            "target does not have the input's shape without the classes",
        )
        .with("target", target.shape())
        .with("expected", &expected[..])
        .with("input", x.shape()));
    }
    if target.dtype() != DType::I64 {
        return Err(TensorError::new(ErrorKind::DType, name, "class indices must be int64")
            .with("dtype", target.dtype()));
    }
    let out_shape: &[usize] = if reduction == Reduction::None { target.shape() } else { &[] };
    let out = match weight {
        None => dispatch::compute(name, [x, target], out_shape, x.dtype(), |b, [x, t], out| {
            b.loss(op, reduction, x, t, None, out)
        }),
        Some(w) => dispatch::compute(name, [x, target, w], out_shape, x.dtype(), |b, [x, t, w], out| {
            b.loss(op, reduction, x, t, Some(w), out)
        }),
    }
    .map_err(|e| as_index_error(name, e))?;
    Ok(record(title(op), out, [x], |_| {
        let (x, target) = (Saved::input(x), Saved::input(target));
        let weight = weight.map(|w| Saved::input(&w.detach()));
        Box::new(move |context, g| {
            let x = x.unpack(context)?;
            let weight = weight.as_ref().map(|w| w.unpack(context)).transpose()?;
            let shares = Shares::new(
                &x,
                &target.unpack(context)?,
                weight.as_ref(),
                axis,
                ignore_index,
                label_smoothing,
            )?;
            let g = match reduction {
                Reduction::None => g.unsqueeze(axis as isize)?,
                Reduction::Sum => g.clone(),
                Reduction::Mean => g.div(&shares.total)?,
            };
            // A row's loss is -sum(share * log_softmax(x)), whose derivative is softmax * sum(share) - share.
            let row = shares.each.sum_dim(axis as isize, true)?;
            Ok(smallvec![Some(g.mul(&x.softmax(axis as isize)?.mul(&row)?.sub(&shares.each)?)?)])
        })
    }))
}

/// What every class of every row counts for: the target's weight at the target, and with label smoothing
/// a share of its own weight everywhere; nothing in ignored rows.
struct Shares {
    each: Tensor,
    /// The sum of the weights of the targets that are not ignored: what the mean divides by.
    total: Tensor,
}

impl Shares {
    fn new(
        x: &Tensor,
        target: &Tensor,
        weight: Option<&Tensor>,
        axis: usize,
        ignore_index: i64,
        label_smoothing: f64,
    ) -> Result<Shares> {
        let ignored = target.eq(ignore_index)?.unsqueeze(axis as isize)?;
        let classes = target.unsqueeze(axis as isize)?.masked_fill(&ignored, 0i64)?;
        let ones = Tensor::ones(classes.shape(), x.dtype())?;
        let hit = Tensor::zeros(x.shape(), x.dtype())?.scatter(axis as isize, &classes, &ones)?;
        let mut line: SmallVec<[isize; 6]> = smallvec![1; x.rank()];
        line[axis] = -1;
        let weight = match weight {
            Some(w) => w.reshape(&line)?,
            None => Tensor::ones(&[], x.dtype())?,
        };
        let weighted = hit.mul(&weight)?.masked_fill(&ignored, 0.0)?;
        let total = weighted.sum()?;
        if label_smoothing == 0.0 {
            return Ok(Shares { each: weighted, total });
        }
        let spread = Tensor::ones_like(x)?.mul(&weight)?.mul(label_smoothing / x.shape()[axis] as f64)?;
        let each = weighted.mul(1.0 - label_smoothing)?.add(&spread)?.masked_fill(&ignored, 0.0)?;
        Ok(Shares { each, total })
    }
}

/// `-sum(weight * target * log_softmax(x))` over the classes; the mean divides by the number of rows.
fn of_probabilities(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    axis: usize,
    label_smoothing: f64,
    reduction: Reduction,
) -> Result<Tensor> {
    if target.shape() != x.shape() {
        return Err(TensorError::new(
            ErrorKind::Shape,
            "cross_entropy",
            "probabilities do not have the input's shape",
        )
        .with("target", target.shape())
        .with("input", x.shape()));
    }
    let classes = x.shape()[axis];
    let target = match label_smoothing {
        0.0 => target.clone(),
        s => target.mul(1.0 - s)?.add(s / classes as f64)?,
    };
    let mut terms = x.log_softmax(axis as isize)?.mul(&target)?;
    if let Some(w) = weight {
        let mut line: SmallVec<[isize; 6]> = smallvec![1; x.rank()];
        line[axis] = -1;
        terms = terms.mul(&w.reshape(&line)?)?;
    }
    let rows = terms.sum_dim(axis as isize, false)?.neg()?;
    match reduction {
        Reduction::None => Ok(rows),
        Reduction::Sum => rows.sum(),
        Reduction::Mean => rows.sum()?.div(rows.numel() as f64),
    }
}

//! Losses that compare element by element, with their gradients.

use rusttorch_backend::layout::broadcast_shapes;
use rusttorch_backend::ops::{Loss, Reduction};
use rusttorch_backend::{DType, ErrorKind, Result, TensorError};
use smallvec::smallvec;

use crate::autograd::{Saved, is_grad_enabled, record};
use crate::dispatch;
use crate::tensor::Tensor;

fn title(op: Loss) -> &'static str {
    match op {
        Loss::Mse => "MseLoss",
        Loss::L1 => "L1Loss",
        Loss::SmoothL1 { .. } => "SmoothL1Loss",
        Loss::BinaryCrossEntropy => "BinaryCrossEntropy",
        Loss::CrossEntropy { .. } => "NllLoss",
    }
}

pub(super) fn needs_float(op: Loss, dtype: DType) -> Result<()> {
    if dtype.is_float() {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::NotImplemented, op.name(), "needs a floating-point input")
        .with("dtype", dtype))
}

/// Error: `Autograd`, as in PyTorch, where the weights of a loss that is not differentiated by them ask for it.
pub(super) fn needs_no_gradient(op: Loss, weight: Option<&Tensor>) -> Result<()> {
    if is_grad_enabled() && weight.is_some_and(Tensor::requires_grad) {
        return Err(TensorError::new(
            ErrorKind::Autograd,
            op.name(),
            "is not differentiable with respect to its weight",
        ));
    }
    Ok(())
}

/// How a loss composed of `Tensor` ops ends.
fn reduced(each: Tensor, reduction: Reduction) -> Result<Tensor> {
    match reduction {
        Reduction::None => Ok(each),
        Reduction::Sum => each.sum(),
        Reduction::Mean => each.mean(),
    }
}

/// MSE, L1 or smooth L1: input and target are promoted and broadcast.
pub(crate) fn of_difference(op: Loss, x: &Tensor, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
    let op = match op {
        Loss::SmoothL1 { beta } if beta < 0.0 || beta.is_nan() => {
            return Err(TensorError::new(ErrorKind::Value, op.name(), "beta is negative").with("beta", beta));
        }
        Loss::SmoothL1 { beta: 0.0 } => Loss::L1,
        op => op,
    };
    let (name, dtype) = (op.name(), x.dtype().promote(target.dtype()));
    let shape = broadcast_shapes(name, x.shape(), target.shape())?;
    if op == Loss::L1 {
        for dtype in [x.dtype(), target.dtype()] {
            if dtype == DType::Bool {
                return Err(TensorError::new(ErrorKind::NotImplemented, name, "bool cannot be subtracted")
                    .with("dtype", dtype));
            }
        }
        if dtype.is_int() {
            return reduced(x.sub(target)?.abs()?, reduction);
        }
    }
    needs_float(op, dtype)?;
    let (x, target) = (x.to_dtype(dtype)?, target.to_dtype(dtype)?);
    fused(op, &x.broadcast_to(&shape)?, &target.broadcast_to(&shape)?, None, reduction)
}

/// MSE or L1 where every element has a weight; the mean divides by the sum of the weights. Composed as
/// PyTorch composes it: differentiable by the weight, too, and of integers.
pub(crate) fn weighted_difference(
    op: Loss,
    x: &Tensor,
    target: &Tensor,
    weight: &Tensor,
    reduction: Reduction,
) -> Result<Tensor> {
    if weight.shape() != x.shape() {
        return Err(TensorError::new(ErrorKind::Argument, op.name(), "weight and input differ in shape")
            .with("weight", weight.shape())
            .with("input", x.shape()));
    }
    let difference = x.sub(target)?;
    let each = if op == Loss::Mse { difference.square()? } else { difference.abs()? }.mul(weight)?;
    match reduction {
        Reduction::None => Ok(each),
        Reduction::Sum => each.sum(),
        Reduction::Mean => each.sum()?.div(&weight.sum()?),
    }
}

/// Binary cross-entropy: input and target have one shape and dtype, to which the weight broadcasts.
pub(crate) fn binary_cross_entropy(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    reduction: Reduction,
) -> Result<Tensor> {
    let op = Loss::BinaryCrossEntropy;
    let name = op.name();
    if x.shape() != target.shape() {
        return Err(TensorError::new(ErrorKind::Argument, name, "input and target differ in shape")
            .with("input", x.shape())
            .with("target", target.shape()));
    }
    if let Some(w) = weight
        && broadcast_shapes(name, w.shape(), x.shape())?[..] != *x.shape()
    {
        return Err(TensorError::new(ErrorKind::Shape, name, "weight does not broadcast to the input")
            .with("weight", w.shape())
            .with("input", x.shape()));
    }
    if x.dtype() != target.dtype() {
        return Err(TensorError::new(ErrorKind::DType, name, "input and target differ in dtype")
            .with("input", x.dtype())
            .with("target", target.dtype()));
    }
    needs_float(op, x.dtype())?;
    needs_no_gradient(op, weight)?;
    match weight {
        // A weight of another dtype multiplies in the one that both promote to.
        Some(w) if w.dtype() != x.dtype() => {
            let each = fused(op, x, target, None, Reduction::None)?;
            reduced(each.mul(w)?.to_dtype(x.dtype())?, reduction)
        }
        weight => fused(op, x, target, weight, reduction),
    }
}

/// The contract's loss of operands of one dtype; input and target of one shape.
fn fused(
    op: Loss,
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    reduction: Reduction,
) -> Result<Tensor> {
    let (name, dtype, shape) = (op.name(), x.dtype(), x.shape());
    let weight = weight.map(|w| w.detach().broadcast_to(shape)).transpose()?;
    let out_shape: &[usize] = if reduction == Reduction::None { shape } else { &[] };
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
        let weight = weight.as_ref().map(Saved::input);
        Box::new(move |context, g| {
            let (x, target) = (x.unpack(context)?, target.unpack(context)?);
            // The target's gradient is that of the input with the other sign, or a formula of its own.
            let mirrored = op != Loss::BinaryCrossEntropy;
            if !is_grad_enabled() && (mirrored || !context.needs(1)) {
                let weight = weight.as_ref().map(|w| w.unpack(context)).transpose()?;
                let of_x = kernel_gradient(op, reduction, g, &x, &target, weight.as_ref())?;
                let of_target = context.needs(1).then(|| of_x.neg()).transpose()?;
                return Ok(smallvec![context.needs(0).then_some(of_x), of_target]);
            }
            let (x, target) = (wide(&x)?, wide(&target)?);
            let mut share = match reduction {
                Reduction::Mean => wide(g)?.div(x.numel() as f64)?,
                Reduction::None | Reduction::Sum => wide(g)?,
            };
            if let Some(w) = &weight {
                share = share.mul(&wide(&w.unpack(context)?)?)?;
            }
            let of = |slope: fn(Loss, &Tensor, &Tensor) -> Result<Tensor>| {
                share.mul(&slope(op, &x, &target)?)?.to_dtype(g.dtype())
            };
            let of_x = context.needs(0).then(|| of(slope)).transpose()?;
            let of_target = context.needs(1).then(|| of(target_slope)).transpose()?;
            Ok(smallvec![of_x, of_target])
        })
    }))
}

/// The gradient of the input, with nothing recorded.
pub(super) fn kernel_gradient(
    op: Loss,
    reduction: Reduction,
    g: &Tensor,
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
) -> Result<Tensor> {
    match weight {
        None => dispatch::compute(op.name(), [g, x, target], x.shape(), x.dtype(), |b, [g, x, t], out| {
            b.loss_backward(op, reduction, g, x, t, None, out)
        }),
        Some(w) => {
            dispatch::compute(op.name(), [g, x, target, w], x.shape(), x.dtype(), |b, [g, x, t, w], out| {
                b.loss_backward(op, reduction, g, x, t, Some(w), out)
            })
        }
    }
}

/// The dtype in which a gradient of several steps is computed: halves are rounded once, at its end.
pub(super) fn wide(x: &Tensor) -> Result<Tensor> {
    if x.dtype().is_half() { x.to_dtype(DType::F32) } else { Ok(x.clone()) }
}

/// The derivative by the input.
fn slope(op: Loss, x: &Tensor, target: &Tensor) -> Result<Tensor> {
    let d = x.sub(target)?;
    match op {
        Loss::Mse => d.mul(2.0),
        Loss::L1 => d.sign(),
        // In this order, so that NaN stays NaN.
        Loss::SmoothL1 { beta } => Tensor::where_cond(&d.abs()?.ge(beta)?, &d.sign()?, &d.div(beta)?),
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

//! Cross-entropy by class indices and by probabilities, with its gradients.

use rusttorch_backend::ops::{Loss, Reduction};
use rusttorch_backend::{DType, ErrorKind, Result, TensorError};
use smallvec::{SmallVec, smallvec};

use super::gather::as_index_error;
use super::loss::{kernel_gradient, needs_float, needs_no_gradient, wide};
use crate::autograd::{Saved, is_grad_enabled, record};
use crate::dispatch;
use crate::tensor::Tensor;

const OP: &str = "cross_entropy";

/// A call, its arguments judged.
#[derive(Clone, Copy)]
struct Call<'a> {
    x: &'a Tensor,
    weight: Option<&'a Tensor>,
    /// Where the classes stand.
    axis: usize,
    ignore_index: i64,
    /// In [0, 1].
    label_smoothing: f64,
    reduction: Reduction,
}

/// Cross-entropy of logits `x`: a target of the same shape holds probabilities, any other class indices.
pub(crate) fn cross_entropy(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    ignore_index: i64,
    label_smoothing: f64,
    reduction: Reduction,
) -> Result<Tensor> {
    let fail = |kind, rule| TensorError::new(kind, OP, rule);
    let of_probabilities = x.shape() == target.shape();
    if of_probabilities && !target.dtype().is_float() {
        return Err(fail(ErrorKind::DType, "a target of the input's shape holds probabilities, thus floats")
            .with("dtype", target.dtype()));
    }
    if x.rank() == 0 {
        return Err(fail(ErrorKind::Dim, "a 0-d input has no classes").with("target", target.shape()));
    }
    if of_probabilities && ignore_index >= 0 {
        return Err(
            fail(ErrorKind::Value, "probabilities know no ignore_index").with("ignore_index", ignore_index)
        );
    }
    if label_smoothing > 1.0 {
        return Err(fail(ErrorKind::Value, "label_smoothing lies outside of [0, 1]")
            .with("label_smoothing", label_smoothing));
    }
    // As in PyTorch less than none is none.
    let label_smoothing = label_smoothing.max(0.0);
    let axis = (x.rank() > 1) as usize;
    let classes = x.shape()[axis];
    if let Some(w) = weight
        && w.shape() != [classes]
    {
        return Err(fail(ErrorKind::Shape, "weight does not have one value per class")
            .with("weight", w.shape())
            .with("classes", classes));
    }
    let op = Loss::CrossEntropy { ignore_index, label_smoothing };
    let call = Call { x, weight, axis, ignore_index, label_smoothing, reduction };
    if of_probabilities {
        return call.of_probabilities(target);
    }
    let target = indices(x, target)?;
    needs_float(op, x.dtype())?;
    if let Some(w) = weight
        && w.dtype() != x.dtype()
    {
        return Err(fail(ErrorKind::DType, "weight and input differ in dtype")
            .with("weight", w.dtype())
            .with("input", x.dtype()));
    }
    needs_no_gradient(op, weight)?;
    call.of_classes(op, &target)
}

/// The target as class indices (i64) of the input's shape without the classes.
fn indices(x: &Tensor, target: &Tensor) -> Result<Tensor> {
    let mut expected: SmallVec<[usize; 6]> = x.shape().into();
    expected.remove((x.rank() > 1) as usize);
    let alone = x.rank() == 1 && target.shape() == [1];
    if !alone && target.shape() != &expected[..] {
        // PyTorch has a class of its own for batches that differ.
        let differ = match x.rank() {
            1 => target.rank() == 1,
            _ => target.shape().first() != Some(&x.shape()[0]),
        };
        let kind = if differ { ErrorKind::Argument } else { ErrorKind::Shape };
        return Err(TensorError::new(kind, OP, "target does not have the input's shape without the classes")
            .with("target", target.shape())
            .with("expected", &expected[..])
            .with("input", x.shape()));
    }
    // Bytes are taken for what is not an image.
    let fits = target.dtype() == DType::I64 || target.dtype() == DType::U8 && x.rank() < 3;
    if !fits {
        return Err(TensorError::new(ErrorKind::DType, OP, "class indices must be int64")
            .with("dtype", target.dtype()));
    }
    let target = target.detach().to_dtype(DType::I64)?;
    if alone { target.reshape([]) } else { Ok(target) }
}

impl Call<'_> {
    /// One value per class, to be broadcast over the input.
    fn along_classes(&self, weight: &Tensor) -> Result<Tensor> {
        let mut line: SmallVec<[isize; 6]> = smallvec![1; self.x.rank()];
        line[self.axis] = -1;
        weight.reshape(&line)
    }

    fn of_classes(self, op: Loss, target: &Tensor) -> Result<Tensor> {
        let Call { x, weight, axis, reduction, .. } = self;
        let out_shape: &[usize] = if reduction == Reduction::None { target.shape() } else { &[] };
        let out = match weight {
            None => dispatch::compute(OP, [x, target], out_shape, x.dtype(), |b, [x, t], out| {
                b.loss(op, reduction, x, t, None, out)
            }),
            Some(w) => dispatch::compute(OP, [x, target, w], out_shape, x.dtype(), |b, [x, t, w], out| {
                b.loss(op, reduction, x, t, Some(w), out)
            }),
        }
        .map_err(|e| as_index_error(OP, e))?;
        let (ignore_index, label_smoothing) = (self.ignore_index, self.label_smoothing);
        Ok(record("NllLoss", out, [x], |_| {
            let (x, target) = (Saved::input(x), Saved::input(target));
            let weight = weight.map(|w| Saved::input(&w.detach()));
            Box::new(move |context, g| {
                let x = x.unpack(context)?;
                let weight = weight.as_ref().map(|w| w.unpack(context)).transpose()?;
                if !is_grad_enabled() {
                    let target = target.unpack(context)?;
                    let of_x = kernel_gradient(op, reduction, g, &x, &target, weight.as_ref())?;
                    return Ok(smallvec![Some(of_x)]);
                }
                let x = wide(&x)?;
                let weight = weight.as_ref().map(wide).transpose()?;
                let call =
                    Call { x: &x, weight: weight.as_ref(), axis, ignore_index, label_smoothing, reduction };
                let target = target.unpack(context)?;
                Ok(smallvec![Some(call.gradient(&target, &wide(g)?)?.to_dtype(g.dtype())?)])
            })
        }))
    }

    /// A row's loss is `-sum(share * log_softmax(x))`, whose derivative is `softmax * sum(share) - share`.
    fn gradient(&self, target: &Tensor, g: &Tensor) -> Result<Tensor> {
        let Call { x, axis, .. } = *self;
        let along = axis as isize;
        let ignored = target.eq(self.ignore_index)?.unsqueeze(along)?;
        let classes = target.unsqueeze(along)?.masked_fill(&ignored, 0i64)?;
        let ones = Tensor::ones(classes.shape(), x.dtype())?;
        let weight = self.weight.map(|w| self.along_classes(w)).transpose()?;
        let of_targets = match &weight {
            Some(w) => w.broadcast_to(x.shape())?.gather(along, &classes)?,
            None => ones,
        };
        let g = match self.reduction {
            Reduction::None => g.unsqueeze(along)?,
            Reduction::Sum => g.clone(),
            Reduction::Mean => g.div(&of_targets.masked_fill(&ignored, 0.0)?.sum()?)?,
        };
        // What every class of every row counts for, times its gradient: the target's weight at the target, and
        // with label smoothing a share of its own weight everywhere; nothing in ignored rows. Placed, not
        // multiplied: a weight may be infinite, and a mean may have divided by 0.
        let hits = of_targets.mul(1.0 - self.label_smoothing)?.mul(&g)?.masked_fill(&ignored, 0.0)?;
        let mut shares = Tensor::zeros(x.shape(), x.dtype())?.scatter(along, &classes, &hits)?;
        if self.label_smoothing > 0.0 {
            let each = self.label_smoothing / x.shape()[axis] as f64;
            let spread = match &weight {
                Some(w) => w.mul(each)?.mul(&g)?,
                None => g.mul(each)?,
            };
            shares = shares.add(&spread.broadcast_to(x.shape())?.masked_fill(&ignored, 0.0)?)?;
        }
        x.softmax(along)?.mul(&shares.sum_dim(along, true)?)?.sub(&shares)
    }

    /// `-sum(weight * target * log_softmax(x))` over the classes; the mean divides by the number of rows.
    fn of_probabilities(&self, target: &Tensor) -> Result<Tensor> {
        let Call { x, axis, .. } = *self;
        let along = axis as isize;
        let classes = x.shape()[axis];
        let target = match self.label_smoothing {
            0.0 => target.clone(),
            s => target.mul(1.0 - s)?.add(s / classes as f64)?,
        };
        let mut terms = x.log_softmax(along)?.mul(&target)?;
        if let Some(w) = self.weight {
            terms = terms.mul(&self.along_classes(w)?)?;
        }
        match self.reduction {
            Reduction::None => terms.sum_dim(along, false)?.neg(),
            Reduction::Sum => terms.sum()?.neg(),
            // 0 rows, and rows of 0 classes, have no mean.
            Reduction::Mean => {
                let rows = if x.numel() == 0 { 0 } else { x.numel() / classes };
                terms.sum()?.neg()?.div(rows as f64)
            }
        }
    }
}

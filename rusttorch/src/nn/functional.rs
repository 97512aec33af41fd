//! Losses and layers as functions. PyTorch: `torch.nn.functional`.

use rusttorch_backend::ops::{Loss, Reduction};
use rusttorch_backend::{ErrorKind, Result, TensorError};

use crate::ops::loss;
use crate::tensor::Tensor;

/// `x W^T + b`: x `[.., in]`, weight `[out, in]`, bias `[out]`, result `[.., out]`. Error: `Shape`.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    if let Some(b) = bias
        && (b.rank() > 1 || weight.rank() == 2 && b.rank() == 1 && b.shape()[0] != weight.shape()[0])
    {
        return Err(TensorError::new(ErrorKind::Shape, "linear", "bias does not have one value per output")
            .with("bias", b.shape())
            .with("weight", weight.shape()));
    }
    let y = x.matmul(&weight.t()?)?;
    match bias {
        Some(b) => y.add(b),
        None => Ok(y),
    }
}

/// `(x - t)^2`, reduced. Input and target broadcast. Mean of an empty input: NaN. Errors: `Shape`,
/// `NotImplemented` for integers.
pub fn mse_loss(input: &Tensor, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
    loss::elementwise(Loss::Mse, input, target, None, reduction)
}

/// `|x - t|`, reduced. Input and target broadcast. Errors: `Shape`, `NotImplemented` for integers.
pub fn l1_loss(input: &Tensor, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
    loss::elementwise(Loss::L1, input, target, None, reduction)
}

/// With `d = |x - t|`: `d^2 / (2 beta)` where `d < beta`, else `d - beta / 2`; reduced. Beta 0 is
/// [`l1_loss`]. Errors: `Shape`, `NotImplemented` for integers, `Value` for a negative beta.
pub fn smooth_l1_loss(input: &Tensor, target: &Tensor, beta: f64, reduction: Reduction) -> Result<Tensor> {
    loss::elementwise(Loss::SmoothL1 { beta }, input, target, None, reduction)
}

/// `-w (t log x + (1 - t) log(1 - x))` with the logarithms clamped at -100, reduced. Input in [0, 1] and
/// target of one shape; the weight broadcasts. Errors: `Argument` for shapes that differ, `Value` for an
/// input outside of [0, 1].
pub fn binary_cross_entropy(
    input: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    reduction: Reduction,
) -> Result<Tensor> {
    loss::elementwise(Loss::BinaryCrossEntropy, input, target, weight, reduction)
}

/// Options of [`cross_entropy`], with PyTorch's defaults.
#[derive(Debug, Clone)]
pub struct CrossEntropy<'a> {
    /// One weight per class, `[C]`.
    pub weight: Option<&'a Tensor>,
    /// Target that counts for nothing.
    pub ignore_index: i64,
    /// Share of the target that is spread evenly over all classes, in [0, 1].
    pub label_smoothing: f64,
    /// None, mean (divided by the weights used) or sum.
    pub reduction: Reduction,
}

impl Default for CrossEntropy<'_> {
    fn default() -> Self {
        CrossEntropy { weight: None, ignore_index: -100, label_smoothing: 0.0, reduction: Reduction::Mean }
    }
}

/// `-log_softmax(x)[target]` over the classes: logits `[N, C, d..]` or `[C]`, target class indices (i64)
/// `[N, d..]` or `[]`, or probabilities of the input's shape. Mean of nothing (all ignored): NaN.
/// Errors: `Shape`, `DType`, `Index` for a class out of bounds, `Value` for a smoothing outside of [0, 1].
pub fn cross_entropy(input: &Tensor, target: &Tensor, options: &CrossEntropy<'_>) -> Result<Tensor> {
    loss::cross_entropy(
        input,
        target,
        options.weight,
        options.ignore_index,
        options.label_smoothing,
        options.reduction,
    )
}

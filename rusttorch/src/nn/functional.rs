//! Losses and layers as functions. PyTorch: `torch.nn.functional`.

use rusttorch_backend::Result;
use rusttorch_backend::ops::{Loss, Reduction};

use crate::ops::{addmm, cross_entropy, loss};
use crate::tensor::Tensor;

pub use crate::ops::grids::one_hot;
pub use crate::ops::pad::{PadMode, pad};
pub use crate::ops::sample::dropout;

/// `x W^T + b`: x `[.., in]`, weight `[out, in]`, bias `[out]`, result `[.., out]`. As in PyTorch a bias of another shape is
/// stretched to the product: for a contiguous x and a bias `[n]` or `[n, 1]` as if all leading dimensions were one, else as
/// they are, in place, with the casts and the rounding of that. Errors: `Shape`; `DType` where the dtypes differ.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let Some(bias) = bias else { return x.matmul(&weight.t()?) };
    if let Some(out) = addmm::affine("linear", x, weight, bias) {
        return out;
    }
    let weight_t = weight.t()?;
    // As one op, which rounds halves once.
    match (x.rank(), weight.rank()) {
        (1, 2) => bias.addmm(&x.unsqueeze(0)?, &weight_t, 1, 1)?.squeeze(0),
        (2, _) => bias.addmm(x, &weight_t, 1, 1),
        (3.., _) if matches!(bias.shape(), [_] | [_, 1]) && x.is_contiguous() => {
            let out = bias.addmm(&x.flatten_dims(0, -2)?, &weight_t, 1, 1)?;
            let lead = &x.shape()[..x.rank() - 1];
            out.reshape(lead.iter().chain(&out.shape()[1..]).map(|&n| n as isize).collect::<Vec<_>>())
        }
        _ => x.matmul(&weight_t)?.add_(bias),
    }
}

/// `(x - t)^2`, reduced. Input and target broadcast and promote. Mean of an empty input: NaN. PyTorch:
/// `torch.nn.functional.mse_loss`. Errors: `Shape`, `NotImplemented` where neither is a float.
pub fn mse_loss(input: &Tensor, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
    loss::of_difference(Loss::Mse, input, target, reduction)
}

/// [`mse_loss`] times a weight of the input's shape; the mean is the sum divided by that of the weights. Of
/// integers, too. Errors: `Argument` for a weight of another shape, `Shape`, `NotImplemented` for bool.
pub fn weighted_mse_loss(
    input: &Tensor,
    target: &Tensor,
    weight: &Tensor,
    reduction: Reduction,
) -> Result<Tensor> {
    loss::weighted_difference(Loss::Mse, input, target, weight, reduction)
}

/// `|x - t|`, reduced. Input and target broadcast and promote; the gradient is 0 where they are equal or NaN.
/// PyTorch: `torch.nn.functional.l1_loss`. Errors: `Shape`, `NotImplemented` for bool and for the mean of
/// integers.
pub fn l1_loss(input: &Tensor, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
    loss::of_difference(Loss::L1, input, target, reduction)
}

/// [`l1_loss`] times a weight of the input's shape; the mean is the sum divided by that of the weights. Errors:
/// `Argument` for a weight of another shape, `Shape`, `NotImplemented` for bool.
pub fn weighted_l1_loss(
    input: &Tensor,
    target: &Tensor,
    weight: &Tensor,
    reduction: Reduction,
) -> Result<Tensor> {
    loss::weighted_difference(Loss::L1, input, target, weight, reduction)
}

/// With `d = |x - t|`: `d^2 / (2 beta)` where `d < beta`, else `d - beta / 2`; reduced. Input and target
/// broadcast and promote. Beta 0 is [`l1_loss`]. PyTorch: `torch.nn.functional.smooth_l1_loss`. Errors: `Shape`,
/// `NotImplemented` where neither is a float, `Value` for a beta that is negative or NaN.
pub fn smooth_l1_loss(input: &Tensor, target: &Tensor, beta: f64, reduction: Reduction) -> Result<Tensor> {
    loss::of_difference(Loss::SmoothL1 { beta }, input, target, reduction)
}

/// `-w (t log x + (1 - t) log(1 - x))` with the logarithms clamped at -100, reduced. Input and target in
/// [0, 1], of one shape and dtype; the weight broadcasts to them and is not differentiated. PyTorch:
/// `torch.nn.functional.binary_cross_entropy`. Errors: `Argument` for shapes that differ, `Shape` for a weight
/// that does not broadcast, `DType` for dtypes that differ, `NotImplemented` for integers, `Value` for elements outside
/// of [0, 1], `Autograd` for a weight that requires a gradient.
pub fn binary_cross_entropy(
    input: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    reduction: Reduction,
) -> Result<Tensor> {
    loss::binary_cross_entropy(input, target, weight, reduction)
}

/// Options of [`cross_entropy`], with PyTorch's defaults.
#[derive(Debug, Clone)]
pub struct CrossEntropy<'a> {
    /// One weight per class, `[C]`.
    pub weight: Option<&'a Tensor>,
    /// Class index that counts for nothing; it need not be a class.
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

/// `-log_softmax(x)[target]` over the classes: logits `[N, C, d..]` or `[C]`, target class indices (i64, or u8
/// without `d`) `[N, d..]` or `[]`, or probabilities of the input's shape, which are differentiated, too. Mean of
/// nothing (all ignored): NaN, with a gradient of 0. A weight is differentiated only beside probabilities. PyTorch:
/// `torch.nn.functional.cross_entropy`.
///
/// Errors: `Shape`, `Argument` for batches that differ, `Dim` for a 0-d input, `DType` for other targets and for a
/// weight of another dtype beside class indices, `Index` for a class out of bounds, `Value` for a smoothing above 1
/// or an `ignore_index` that is not negative beside probabilities, `NotImplemented` for integer logits, `Autograd`.
pub fn cross_entropy(input: &Tensor, target: &Tensor, options: &CrossEntropy<'_>) -> Result<Tensor> {
    cross_entropy::cross_entropy(
        input,
        target,
        options.weight,
        options.ignore_index,
        options.label_smoothing,
        options.reduction,
    )
}

//! Losses.

use rusttorch_backend::ops::Reduction;
use rusttorch_backend::{ErrorKind, Result, TensorError};

use crate::catalogue::NONE;
use crate::catalogue::macros::rows;
use crate::nn::functional::{self as nn, CrossEntropy};
use crate::tensor::Tensor;

/// A reduction by its name, or by the two truth values that older programs give. Error: `Argument`.
fn reduction(size_average: Option<bool>, reduce: Option<bool>, name: &str) -> Result<Reduction> {
    if size_average.is_some() || reduce.is_some() {
        return Ok(match (reduce.unwrap_or(true), size_average.unwrap_or(true)) {
            (false, _) => Reduction::None,
            (true, true) => Reduction::Mean,
            (true, false) => Reduction::Sum,
        });
    }
    match name {
        "none" => Ok(Reduction::None),
        "mean" => Ok(Reduction::Mean),
        "sum" => Ok(Reduction::Sum),
        other => Err(TensorError::new(ErrorKind::Argument, "loss", "reduction is none of none, mean, sum")
            .with("reduction", other.to_owned())),
    }
}

rows! { ROWS: Losses;
    "torch.nn.functional.mse_loss"
        (input: Tensor, target: Tensor, size_average: Option<bool> = NONE, reduce: Option<bool> = NONE,
         reduction: String = "mean", weight: Option<Tensor> = NONE)
        => self::reduction(size_average, reduce, &reduction).and_then(|reduction| match &weight {
            Some(weight) => nn::weighted_mse_loss(&input, &target, weight, reduction),
            None => nn::mse_loss(&input, &target, reduction),
        });
    "torch.nn.functional.l1_loss"
        (input: Tensor, target: Tensor, size_average: Option<bool> = NONE, reduce: Option<bool> = NONE,
         reduction: String = "mean", weight: Option<Tensor> = NONE)
        => self::reduction(size_average, reduce, &reduction).and_then(|reduction| match &weight {
            Some(weight) => nn::weighted_l1_loss(&input, &target, weight, reduction),
            None => nn::l1_loss(&input, &target, reduction),
        });
    "torch.nn.functional.smooth_l1_loss"
        (input: Tensor, target: Tensor, size_average: Option<bool> = NONE, reduce: Option<bool> = NONE,
         reduction: String = "mean", beta: f64 = 1.0)
        => self::reduction(size_average, reduce, &reduction)
            .and_then(|reduction| nn::smooth_l1_loss(&input, &target, beta, reduction));
    "torch.nn.functional.binary_cross_entropy"
        (input: Tensor, target: Tensor, weight: Option<Tensor> = NONE, size_average: Option<bool> = NONE,
         reduce: Option<bool> = NONE, reduction: String = "mean")
        => self::reduction(size_average, reduce, &reduction)
            .and_then(|reduction| nn::binary_cross_entropy(&input, &target, weight.as_ref(), reduction));
    "torch.nn.functional.cross_entropy"
        (input: Tensor, target: Tensor, weight: Option<Tensor> = NONE, size_average: Option<bool> = NONE,
         ignore_index: i64 = -100, reduce: Option<bool> = NONE, reduction: String = "mean",
         label_smoothing: f64 = 0.0)
        => self::reduction(size_average, reduce, &reduction).and_then(|reduction| {
            let options = CrossEntropy { weight: weight.as_ref(), ignore_index, label_smoothing, reduction };
            nn::cross_entropy(&input, &target, &options)
        });
}

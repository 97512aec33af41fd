//! Random.
//!
//! `generator` is not a parameter here: [`with_generator`](crate::with_generator) serves all ops.

use rusttorch_backend::{DType, Result};

use super::convert::{bounds_and_size, count, sizes, wrong_kind};
use crate::catalogue::macros::rows;
use crate::catalogue::value::TensorOrNumber;
use crate::catalogue::{NONE, Value};
use crate::nn::functional as nn;
use crate::ops::in_place::by_value;
use crate::tensor::Tensor;

/// `torch.bernoulli(input)`, `torch.bernoulli(input, p)`.
fn bernoulli(input: &Tensor, p: Option<f64>) -> Result<Tensor> {
    match p {
        None => input.bernoulli(),
        Some(p) => input.new_empty(input.shape(), None)?.bernoulli_(p),
    }
}

/// `torch.normal`: of tensors, or of two numbers and a size.
fn normal(
    mean: &TensorOrNumber,
    std: &TensorOrNumber,
    size: Option<&[isize]>,
    dtype: Option<DType>,
) -> Result<Tensor> {
    match (mean, std, size) {
        (TensorOrNumber::Number(mean), TensorOrNumber::Number(std), Some(size)) => {
            Tensor::empty(&sizes("normal", size)?, dtype)?.normal_(mean.to_f64(), std.to_f64())
        }
        (_, _, Some(_)) => Err(wrong_kind("normal", "size", &NONE)),
        _ => Tensor::normal(mean, std),
    }
}

/// The bounds of `randint_like(input, high)` and `randint_like(input, low, high)`.
fn bounds(low: Option<i64>, high: Option<i64>) -> Result<(i64, i64)> {
    match (low, high) {
        (Some(high), None) | (None, Some(high)) => Ok((0, high)),
        (Some(low), Some(high)) => Ok((low, high)),
        (None, None) => Err(wrong_kind("randint_like", "high", &NONE)),
    }
}

/// `Tensor.random_()`, `random_(to)` and `random_(from, to)`.
fn random(input: &Tensor, from: Option<i64>, to: Option<i64>) -> Result<Tensor> {
    match (from, to) {
        (Some(to), None) => input.random_(0, to),
        (from, to) => input.random_(from, to),
    }
}

/// `Tensor.bernoulli_`.
fn bernoulli_(input: &Tensor, p: &TensorOrNumber) -> Result<Tensor> {
    input.bernoulli_(p)
}

rows! { ROWS: Random;
    "torch.rand" (size: Vec<isize>; dtype: Option<DType> = NONE) out
        => Tensor::rand(&sizes("rand", &size)?, dtype);
    "torch.randn" (size: Vec<isize>; dtype: Option<DType> = NONE) out
        => Tensor::randn(&sizes("randn", &size)?, dtype);
    "torch.randint" (low: Value = NONE, high: Value = NONE, size: Value = NONE; dtype: Option<DType> = NONE) out
        => bounds_and_size(&low, &high, &size)
            .and_then(|(low, high, size)| Tensor::randint(low, high, &size, dtype));
    "torch.randperm" (n: isize; dtype: Option<DType> = NONE) out
        => Tensor::randperm_of(count("randperm", "n", n)?, dtype.unwrap_or(DType::I64));
    "torch.rand_like" (input: Tensor; dtype: Option<DType> = NONE) => Tensor::rand_like(&input, dtype);
    "torch.randn_like" (input: Tensor; dtype: Option<DType> = NONE) => Tensor::randn_like(&input, dtype);
    "torch.randint_like"
        (input: Tensor, low: Option<i64> = NONE, high: Option<i64> = NONE; dtype: Option<DType> = NONE)
        => bounds(low, high).and_then(|(low, high)| Tensor::randint_like(&input, low, high, dtype));
    "torch.bernoulli" (input: Tensor, p: Option<f64> = NONE) out => bernoulli(&input, p);
    "torch.normal" (mean: TensorOrNumber = 0.0, std: TensorOrNumber = 1.0, size: Option<Vec<isize>> = NONE;
        dtype: Option<DType> = NONE) out
        => normal(&mean, &std, size.as_deref(), dtype);
    "torch.multinomial" (input: Tensor, num_samples: isize, replacement: bool = false) out
        // PyTorch refuses a negative number as it refuses zero.
        => input.multinomial(count("multinomial", "num_samples", num_samples)?, replacement);
    "torch.Tensor.uniform_" (input: Tensor, from: f64 = 0.0, to: f64 = 1.0) => input.uniform_(from, to);
    "torch.Tensor.normal_" (input: Tensor, mean: f64 = 0.0, std: f64 = 1.0) => input.normal_(mean, std);
    "torch.Tensor.bernoulli_" (input: Tensor, p: TensorOrNumber = 0.5) => bernoulli_(&input, &p);
    "torch.Tensor.exponential_" (input: Tensor, lambd: f64 = 1.0) => input.exponential_(lambd);
    "torch.Tensor.random_" (input: Tensor, from: Option<i64> = NONE, to: Option<i64> = NONE)
        => random(&input, from, to);
    "torch.Tensor.geometric_" (input: Tensor, p: f64) => input.geometric_(p);
    "torch.Tensor.cauchy_" (input: Tensor, median: f64 = 0.0, sigma: f64 = 1.0) => input.cauchy_(median, sigma);
    "torch.Tensor.log_normal_" (input: Tensor, mean: f64 = 1.0, std: f64 = 2.0) => input.log_normal_(mean, std);
    "torch.nn.functional.dropout" (input: Tensor, p: f64 = 0.5, training: bool = true)
        => nn::dropout(&input, p, training),
        in_place by_value("dropout", &input, &[], &|x| nn::dropout(x, p, training));
}

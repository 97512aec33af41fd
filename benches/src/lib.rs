//! What the criterion groups of this package share, and the comparison with PyTorch.
//!
//! The groups are in `benches/`, one per op family; run them with `make bench`. The comparison is
//! [`compare`], its process `src/bin/ops.rs` and the scripts in `pytorch/`; run it with `make bench-pytorch`.

pub mod compare;

use rusttorch::{DType, Result, Tensor};

/// A tensor of the numbers 1, 2, .. in f32.
pub fn counting(shape: &[usize]) -> Result<Tensor> {
    let n: usize = shape.iter().product();
    Tensor::from_vec((1..=n).map(|i| i as f32).collect(), shape)
}

/// A tensor of ones in f32 whose gradient is wanted.
pub fn parameter(shape: &[usize]) -> Result<Tensor> {
    Tensor::ones(shape, DType::F32)?.requires_grad_(true)
}

//! Tensors at which ops are smooth, and the check of both derivatives against finite differences.

use rusttorch::autograd::{gradcheck, gradgradcheck};
use rusttorch::{Result, Tensor};

pub(crate) fn tensor(values: &[f64], shape: &[usize]) -> Tensor {
    Tensor::from_slice(values, shape).unwrap()
}

/// Numbers between -2 and 2 away from the integers and halves, where ops have kinks and jumps.
pub(crate) fn sample(shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    let values: Vec<f64> =
        (0..n).map(|i| ((i * 7 + 3) % 16) as f64 * 0.25 - 1.9 + 0.01 * (i % 5) as f64).collect();
    tensor(&values, shape)
}

pub(crate) fn positive(shape: &[usize]) -> Tensor {
    sample(shape).abs().unwrap().add(0.3).unwrap()
}

pub(crate) fn both(name: &str, f: &dyn Fn(&[Tensor]) -> Result<Tensor>, inputs: &[Tensor]) {
    gradcheck(f, inputs).unwrap_or_else(|e| panic!("{name}: {e}"));
    gradgradcheck(f, inputs).unwrap_or_else(|e| panic!("{name}, second derivative: {e}"));
}

//! The affine layer.

use rusttorch_backend::{DType, ErrorKind, Result, TensorError};

use super::module::Module;
use super::{functional, init};
use crate::tensor::Tensor;

/// `y = x W^T + b`: `[.., in] -> [.., out]`, weight `[out, in]`, bias `[out]`. PyTorch: `torch.nn.Linear`.
#[derive(Debug, Clone)]
pub struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Linear {
    /// A layer with bias, initialised as PyTorch's with the default generator: after the same
    /// `manual_seed` the parameters are PyTorch's. f32. Error: `Memory`.
    pub fn new(in_features: usize, out_features: usize) -> Result<Linear> {
        Self::with_options(in_features, out_features, true, DType::F32)
    }

    /// As [`new`](Self::new), with or without bias and of any float dtype. Error: `DType` for others.
    pub fn with_options(in_features: usize, out_features: usize, bias: bool, dtype: DType) -> Result<Linear> {
        if !dtype.is_float() {
            return Err(TensorError::new(ErrorKind::DType, "Linear", "parameters must be floats")
                .with("dtype", dtype));
        }
        let weight = Tensor::empty(&[out_features, in_features], dtype)?;
        init::kaiming_uniform_(&weight, 5f64.sqrt())?;
        let bias = match bias {
            true => {
                let b = Tensor::empty(&[out_features], dtype)?;
                let bound = if in_features > 0 { 1.0 / (in_features as f64).sqrt() } else { 0.0 };
                Some(b.uniform_(-bound, bound)?.requires_grad_(true)?)
            }
            false => None,
        };
        Ok(Linear { weight: weight.requires_grad_(true)?, bias })
    }

    /// The matrix `[out, in]`.
    pub fn weight(&self) -> &Tensor {
        &self.weight
    }

    /// The vector `[out]`, if there is one.
    pub fn bias(&self) -> Option<&Tensor> {
        self.bias.as_ref()
    }
}

impl Module for Linear {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        functional::linear(x, &self.weight, self.bias.as_ref())
    }

    fn own_parameters(&self) -> Vec<(&str, &Tensor)> {
        let bias = self.bias.as_ref().map(|b| ("bias", b));
        [("weight", &self.weight)].into_iter().chain(bias).collect()
    }
}

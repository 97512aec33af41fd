//! Filling parameters. PyTorch: `torch.nn.init`.

use rusttorch_backend::{ErrorKind, Result, TensorError};

use crate::autograd::no_grad;
use crate::tensor::Tensor;

/// Uniform over `[-b, b)` with `b = sqrt(3) * gain / sqrt(fan_in)`, where `gain = sqrt(2 / (1 + a^2))` suits a
/// leaky ReLU of slope `a` and `fan_in` is the product of all sizes but the first (He et al. 2015). Fills
/// in place and returns the tensor itself. Error: `Value` below 2 dimensions.
pub fn kaiming_uniform_(x: &Tensor, a: f64) -> Result<Tensor> {
    if x.rank() < 2 {
        return Err(TensorError::new(ErrorKind::Value, "kaiming_uniform_", "needs at least 2 dimensions")
            .with("shape", x.shape()));
    }
    if x.numel() == 0 {
        return Ok(x.clone());
    }
    let fan_in: usize = x.shape()[1..].iter().product();
    let gain = (2.0 / (1.0 + a * a)).sqrt();
    let std = gain / (fan_in as f64).sqrt();
    let bound = 3f64.sqrt() * std;
    no_grad(|| x.uniform_(-bound, bound))
}

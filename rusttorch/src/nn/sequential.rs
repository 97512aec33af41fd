//! Modules one after another.

use rusttorch_backend::Result;

use super::module::Module;
use crate::tensor::Tensor;

/// Feeds each module's result to the next. Parameters are named by position: `0.weight`.
/// PyTorch: `torch.nn.Sequential`.
///
/// ```
/// use rusttorch::nn::{Linear, Module, ReLU, Sequential};
/// # fn main() -> rusttorch::Result<()> {
/// let model = Sequential::new().push(Linear::new(64, 32)?).push(ReLU {}).push(Linear::new(32, 10)?);
/// assert_eq!(model.parameters().len(), 4);
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Sequential {
    modules: Vec<Box<dyn Module>>,
}

impl Sequential {
    /// No modules: the identity.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more module at the end.
    #[must_use]
    pub fn push(mut self, module: impl Module + 'static) -> Self {
        self.modules.push(Box::new(module));
        self
    }
}

impl Module for Sequential {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.modules.iter().try_fold(x.clone(), |x, module| module.forward(&x))
    }

    fn children(&self) -> Vec<(String, &dyn Module)> {
        self.modules.iter().enumerate().map(|(i, m)| (i.to_string(), &**m)).collect()
    }
}

//! The `Module` trait.

use rusttorch_backend::{ErrorKind, Result, TensorError};

use crate::autograd::no_grad;
use crate::tensor::Tensor;

/// A function of a tensor with parameters.
///
/// A layer implements [`forward`](Self::forward) and names its own parameters and its children; the rest
/// follows. Names are PyTorch's: `weight`, `0.weight`, `encoder.0.bias`.
pub trait Module: Send + Sync {
    /// The value of the function.
    fn forward(&self, x: &Tensor) -> Result<Tensor>;

    /// The parameters that belong to this module itself, in PyTorch's order.
    fn own_parameters(&self) -> Vec<(&str, &Tensor)> {
        Vec::new()
    }

    /// The modules this one is made of, in PyTorch's order.
    fn children(&self) -> Vec<(String, &dyn Module)> {
        Vec::new()
    }

    /// All parameters with their full names: its own first, then each child's.
    fn named_parameters(&self) -> Vec<(String, Tensor)> {
        let own = self.own_parameters().into_iter().map(|(name, p)| (name.to_string(), p.clone()));
        let below = self.children().into_iter().flat_map(|(child, module)| {
            module.named_parameters().into_iter().map(move |(name, p)| (format!("{child}.{name}"), p))
        });
        own.chain(below).collect()
    }

    /// All parameters, in the order of [`named_parameters`](Self::named_parameters).
    fn parameters(&self) -> Vec<Tensor> {
        self.named_parameters().into_iter().map(|(_, p)| p).collect()
    }

    /// Drops the accumulated gradient of every parameter.
    fn zero_grad(&self) -> Result<()> {
        self.parameters().iter().try_for_each(|p| p.set_grad(None))
    }

    /// Copies values into the parameters by name. All is checked before anything is written. Errors:
    /// `Argument` for a name that is missing or unknown, `Shape` for a shape that differs. Dtypes are cast.
    fn load_state(&self, state: &[(String, Tensor)]) -> Result<()> {
        const OP: &str = "load_state";
        let own = self.named_parameters();
        if let Some((name, _)) = state.iter().find(|(n, _)| own.iter().all(|(o, _)| o != n)) {
            return Err(TensorError::new(ErrorKind::Argument, OP, "the module has no such parameter")
                .with("name", name.clone())
                .with("present", names(&own)));
        }
        let mut pairs = Vec::with_capacity(own.len());
        for (name, parameter) in &own {
            let Some((_, value)) = state.iter().find(|(n, _)| n == name) else {
                return Err(TensorError::new(ErrorKind::Argument, OP, "a parameter is missing")
                    .with("name", name.clone())
                    .with("given", names(state)));
            };
            if value.shape() != parameter.shape() {
                return Err(TensorError::new(ErrorKind::Shape, OP, "shapes differ")
                    .with("name", name.clone())
                    .with("given", value.shape())
                    .with("parameter", parameter.shape()));
            }
            pairs.push((parameter, value));
        }
        no_grad(|| pairs.into_iter().try_for_each(|(parameter, value)| parameter.copy_(value).map(drop)))
    }
}

fn names(list: &[(String, Tensor)]) -> String {
    list.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>().join(", ")
}

//! Tensors that a rule keeps for the backward pass.

use std::sync::Arc;

use rusttorch_backend::{ErrorKind, Result, TensorError};

use super::node::{Context, Node};
use crate::tensor::Tensor;

/// A tensor as it was when its op ran.
pub(crate) struct Saved {
    tensor: Tensor,
    version: u64,
    /// The tensor is the result of the node that keeps it. It is then kept without its place in the
    /// graph, which would make the node own itself.
    is_output: bool,
}

impl Saved {
    /// Keeps an input.
    pub(crate) fn input(tensor: &Tensor) -> Saved {
        Saved { version: tensor.version(), tensor: tensor.clone(), is_output: false }
    }

    /// Keeps the op's own result.
    pub(crate) fn output(tensor: &Tensor) -> Saved {
        Saved { version: tensor.version(), tensor: tensor.detach(), is_output: true }
    }

    /// The tensor, with its place in the graph. Error: `Autograd` when it was overwritten since.
    pub(crate) fn unpack(&self, context: &Context<'_>) -> Result<Tensor> {
        let now = self.tensor.version();
        if now != self.version {
            return Err(TensorError::new(
                ErrorKind::Autograd,
                "backward",
                "a tensor needed for the gradient was modified by an in-place operation",
            )
            .with("node", context.node.name)
            .with("shape", self.tensor.shape())
            .with("version", now)
            .with("expected", self.version));
        }
        let node: &Arc<Node> = context.node;
        Ok(if self.is_output { self.tensor.with_node(node) } else { self.tensor.clone() })
    }
}

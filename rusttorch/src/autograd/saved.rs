//! Tensors that a rule keeps for the backward pass.

use std::cell::Cell;
use std::sync::Arc;

use rusttorch_backend::{ErrorKind, Result, TensorError};

use super::mode::is_grad_enabled;
use super::node::{Context, Node};
use crate::tensor::Tensor;

thread_local! {
    static KEPT: Cell<u64> = const { Cell::new(0) };
}

/// How many tensors this thread has kept for rules. A rule that keeps none has nothing to free, so it may run
/// again.
pub(super) fn kept() -> u64 {
    KEPT.get()
}

/// A tensor as it was when its op ran.
pub(crate) struct Saved {
    tensor: Tensor,
    version: u64,
    place: Place,
}

/// Where a kept tensor stands in the graph. Only a leaf's own place can be left to the tensor: an in-place
/// op may later put the node that keeps it behind any other, and the node would then own itself.
enum Place {
    /// A leaf that requires a gradient.
    Leaf,
    /// The result of this node, or of none.
    At(Option<Arc<Node>>),
    /// The result of the node that keeps it.
    Output,
}

impl Saved {
    /// Keeps an input.
    pub(crate) fn input(tensor: &Tensor) -> Saved {
        KEPT.set(kept() + 1);
        let version = tensor.version();
        if tensor.requires_grad() && tensor.is_leaf() {
            return Saved { version, tensor: tensor.clone(), place: Place::Leaf };
        }
        Saved { version, tensor: tensor.detach(), place: Place::At(tensor.node()) }
    }

    /// Keeps the op's own result.
    pub(crate) fn output(tensor: &Tensor) -> Saved {
        KEPT.set(kept() + 1);
        Saved { version: tensor.version(), tensor: tensor.detach(), place: Place::Output }
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
        let node = match &self.place {
            Place::Leaf => None,
            Place::At(node) => node.as_ref(),
            Place::Output => Some(context.node),
        };
        // Where nothing is recorded nobody asks for the place.
        Ok(match node.filter(|_| is_grad_enabled()) {
            Some(node) => self.tensor.with_node(node),
            None => self.tensor.clone(),
        })
    }
}

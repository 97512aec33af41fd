//! Hooks: functions that see, and may replace, a gradient on its way; and gradients kept for inner tensors.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rusttorch_backend::{ErrorKind, Result, TensorError};

use super::meta::{Kept, Meta};
use super::node::Node;
use crate::tensor::Tensor;

type Hook = Box<dyn Fn(&Tensor) -> Result<Option<Tensor>> + Send + Sync>;

/// The hooks of one tensor, in the order they were registered.
#[derive(Default)]
pub(crate) struct Hooks {
    list: Mutex<HookList>,
}

#[derive(Default)]
struct HookList {
    next: u64,
    hooks: Vec<(u64, Arc<Hook>)>,
    /// Where the gradient is kept for that one of the tensors sharing the node which asked for it.
    retained: Option<Weak<Kept>>,
}

impl Hooks {
    /// Passes a gradient through all hooks and then, where `.grad` is to be filled, keeps it for the tensor
    /// that asked for it.
    pub(crate) fn run(&self, mut grad: Tensor, fill: bool) -> Result<Tensor> {
        // The lock is not held while a hook runs, which may register or remove hooks.
        let hooks: Vec<Arc<Hook>> = self.list.lock().hooks.iter().map(|(_, h)| h.clone()).collect();
        for hook in hooks {
            if let Some(replaced) = hook(&grad)? {
                if replaced.shape() != grad.shape() {
                    return Err(TensorError::new(
                        ErrorKind::Autograd,
                        "hook",
                        "the gradient changed its shape",
                    )
                    .with("before", grad.shape())
                    .with("after", replaced.shape()));
                }
                if replaced.dtype() != grad.dtype() {
                    return Err(TensorError::new(
                        ErrorKind::Autograd,
                        "hook",
                        "the gradient changed its dtype",
                    )
                    .with("before", grad.dtype())
                    .with("after", replaced.dtype()));
                }
                grad = replaced;
            }
        }
        let retained = self.list.lock().retained.clone().filter(|_| fill);
        if let Some(kept) = retained.and_then(|kept| kept.upgrade()) {
            kept.accumulate(&grad)?;
        }
        Ok(grad)
    }
}

/// A registered hook, by which it can be removed.
pub struct HookHandle {
    hooks: Weak<Hooks>,
    id: u64,
}

impl std::fmt::Debug for HookHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HookHandle").field("id", &self.id).finish_non_exhaustive()
    }
}

impl HookHandle {
    /// Removes the hook. Dropping the handle does not.
    pub fn remove(self) {
        if let Some(hooks) = self.hooks.upgrade() {
            let mut list = hooks.list.lock();
            let at = list.hooks.iter().position(|(id, _)| *id == self.id);
            let removed = at.map(|at| list.hooks.remove(at));
            // What the hook owns may look at the tensor when it is dropped, so the lock is free by then.
            drop(list);
            drop(removed);
        }
    }
}

impl Tensor {
    /// Calls `hook` with every gradient that reaches this tensor; what it returns takes the gradient's
    /// place. Error: `Autograd` when the tensor requires no gradient.
    pub fn register_hook(
        &self,
        hook: impl Fn(&Tensor) -> Result<Option<Tensor>> + Send + Sync + 'static,
    ) -> Result<HookHandle> {
        let node = self.node().ok_or_else(|| {
            TensorError::new(
                ErrorKind::Autograd,
                "register_hook",
                "cannot register a hook on a tensor that requires no gradient",
            )
        })?;
        let hooks = match self.is_leaf() {
            // A leaf's accumulator comes and goes with the graphs; its hooks stay.
            true => self.meta(|m| m.hooks.get_or_insert_default().clone()),
            false => node.hooks.lock().get_or_insert_default().clone(),
        };
        *node.hooks.lock() = Some(hooks.clone());
        let mut list = hooks.list.lock();
        let id = list.next;
        list.next += 1;
        list.hooks.push((id, Arc::new(Box::new(hook))));
        drop(list);
        Ok(HookHandle { hooks: Arc::downgrade(&hooks), id })
    }

    /// Keeps the gradient of a tensor that an op made in [`grad`](Self::grad) too, as leaves do.
    /// Error: `Autograd` when the tensor requires no gradient.
    pub fn retain_grad(&self) -> Result<()> {
        if self.is_leaf() && self.requires_grad() {
            return Ok(());
        }
        let node = self.node().ok_or_else(|| {
            TensorError::new(
                ErrorKind::Autograd,
                "retain_grad",
                "cannot keep the gradient of a tensor that requires none",
            )
        })?;
        self.meta(|m| m.retain_at(&node));
        Ok(())
    }
}

impl Meta {
    /// The node keeps a weak handle only, since the tensor owns the node.
    fn retain_at(&mut self, node: &Arc<Node>) {
        let hooks = node.hooks.lock().get_or_insert_default().clone();
        hooks.list.lock().retained = Some(Arc::downgrade(self.grad.get_or_insert_default()));
    }

    /// If [`retain_grad`](Tensor::retain_grad) was called, moves its mark from the present node to this one: the gradient
    /// that is kept is that of the tensor's last value, so an in-place op takes the mark along to the new node.
    pub(super) fn retain_anew(&mut self, node: &Arc<Node>) {
        let (Some(before), Some(grad)) = (&self.node, &self.grad) else { return };
        let Some(hooks) = before.hooks.lock().clone() else { return };
        let retained =
            hooks.list.lock().retained.take_if(|kept| std::ptr::eq(kept.as_ptr(), Arc::as_ptr(grad)));
        if retained.is_some() {
            self.retain_at(node);
        }
    }
}

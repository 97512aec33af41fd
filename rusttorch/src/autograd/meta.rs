//! What a tensor knows of its gradient.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rusttorch_backend::{ErrorKind, Layout, Result, TensorError};
use smallvec::smallvec;

use super::hooks::Hooks;
use super::mode::is_grad_enabled;
use super::node::{Edges, Node, Rule};
use crate::dispatch;
use crate::ops::view::strided_scatter;
use crate::tensor::{Base, Memory, Tensor};

/// Gradient bookkeeping of one tensor.
#[derive(Default)]
pub(crate) struct Meta {
    /// Set by the user on a leaf.
    requires_grad: bool,
    /// The op that made this tensor.
    pub(super) node: Option<Arc<Node>>,
    /// The address of the base's node when `node` was derived, for a view. The graph keeps that node
    /// alive, so the address is not used again while it stands here.
    base_node: Option<usize>,
    /// Where gradients of a leaf end, while a graph refers to it.
    accumulator: Weak<Node>,
    /// Made when first needed, and never replaced: a node may refer to it, too.
    pub(super) grad: Option<Arc<Kept>>,
    pub(super) hooks: Option<Arc<Hooks>>,
}

/// Where a tensor's gradient is kept. By itself, so that a graph can refer to it without keeping the tensor.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Option<Tensor>>);

impl Kept {
    /// Adds a gradient to what is kept.
    pub(crate) fn accumulate(&self, grad: &Tensor) -> Result<()> {
        loop {
            let old = self.0.lock().clone();
            let sum = match &old {
                None if is_grad_enabled() => grad.copy()?,
                // The engine may hand the same tensor to several leaves, so it is kept only when nobody else can
                // see it.
                None if grad.is_uniquely_owned() && grad.is_contiguous() => grad.detach(),
                None => dispatch::duplicate(grad)?,
                Some(old) if is_grad_enabled() || old.layout().may_overlap_itself() => old.add(grad)?,
                Some(old) => {
                    old.add_(grad)?;
                    return Ok(());
                }
            };
            // Another thread may have come first; its gradient must not be lost.
            if self.exchange(old.as_ref(), sum) {
                return Ok(());
            }
        }
    }

    /// Keeps `new` if what is kept still is `old`.
    fn exchange(&self, old: Option<&Tensor>, new: Tensor) -> bool {
        let mut kept = self.0.lock();
        let unchanged = match (&*kept, old) {
            (None, None) => true,
            (Some(now), Some(old)) => now.is_same(old),
            _ => false,
        };
        if unchanged {
            *kept = Some(new);
        }
        unchanged
    }
}

impl Tensor {
    /// Whether a gradient with respect to this tensor is wanted or passes through it.
    #[inline]
    pub fn requires_grad(&self) -> bool {
        self.0.tracked.load(Ordering::Acquire)
            || self.base().is_some_and(|b| b.recorded && b.tensor.0.tracked.load(Ordering::Acquire))
    }

    /// Marks a leaf as one whose gradient is wanted, or not. Returns the tensor itself.
    /// Errors: `DType` for integers and bool; `Autograd` when switched off for a tensor that an op made.
    pub fn requires_grad_(&self, requires: bool) -> Result<Tensor> {
        const OP: &str = "requires_grad_";
        if requires && !self.dtype().is_float() {
            return Err(TensorError::new(
                ErrorKind::DType,
                OP,
                "only floating-point tensors can require gradients",
            )
            .with("dtype", self.dtype()));
        }
        if !self.is_leaf() {
            return match requires {
                true => Ok(self.clone()),
                false => Err(TensorError::new(
                    ErrorKind::Autograd,
                    OP,
                    "can be switched off for leaves only; detach() the tensor instead",
                )),
            };
        }
        self.meta(|m| m.requires_grad = requires);
        self.0.tracked.store(requires, Ordering::Release);
        Ok(self.clone())
    }

    /// Whether no recorded op made this tensor: its gradient, if wanted, is kept in [`grad`](Self::grad).
    pub fn is_leaf(&self) -> bool {
        !self.requires_grad()
            || self.0.meta.lock().as_ref().is_some_and(|m| m.requires_grad && m.node.is_none())
    }

    /// The gradient that backward passes have accumulated, if any.
    pub fn grad(&self) -> Option<Tensor> {
        let kept = self.0.meta.lock().as_ref().and_then(|m| m.grad.clone())?;
        kept.0.lock().clone()
    }

    /// Replaces the accumulated gradient; `None` is what `zero_grad` leaves. Errors: `Autograd` when
    /// shape or dtype differ from the tensor's.
    pub fn set_grad(&self, grad: Option<Tensor>) -> Result<()> {
        if let Some(g) = &grad
            && (g.shape() != self.shape() || g.dtype() != self.dtype())
        {
            return Err(TensorError::new(ErrorKind::Autograd, "grad", "gradient and tensor differ")
                .with("gradient", g.shape())
                .with("tensor", self.shape())
                .with("gradient dtype", g.dtype())
                .with("tensor dtype", self.dtype()));
        }
        if grad.is_none() && self.grad().is_none() {
            return Ok(());
        }
        let kept = self.kept_grad();
        // What was there is dropped once the lock is free.
        let before = std::mem::replace(&mut *kept.0.lock(), grad);
        drop(before);
        Ok(())
    }

    /// Where the gradient is kept.
    pub(super) fn kept_grad(&self) -> Arc<Kept> {
        self.meta(|m| m.grad.get_or_insert_default().clone())
    }

    /// The same elements without their history: shares memory, requires no gradient.
    pub fn detach(&self) -> Tensor {
        Tensor::from_parts(Memory::Own(self.storage().clone()), self.layout().clone(), self.dtype())
    }

    /// The name of the op that made this tensor as PyTorch prints it, for example `AddBackward0`.
    pub fn grad_fn(&self) -> Option<String> {
        if self.is_leaf() {
            return None;
        }
        self.node().map(|n| match n.name {
            // PyTorch's own nodes, not made from a formula.
            "CopySlices" => n.name.to_string(),
            "Copy" => "CopyBackwards".to_string(),
            // A function whose gradient was written elsewhere.
            name if name.ends_with("Backward") => name.to_string(),
            name => format!("{name}Backward0"),
        })
    }

    pub(super) fn meta<R>(&self, f: impl FnOnce(&mut Meta) -> R) -> R {
        f(self.0.meta.lock().get_or_insert_default())
    }

    /// The node to which a gradient of this tensor goes; `None` where none is wanted.
    pub(crate) fn node(&self) -> Option<Arc<Node>> {
        if !self.requires_grad() {
            return None;
        }
        if let Some(base) = self.base().filter(|b| b.recorded)
            && let Some(base_node) = base.tensor.node()
        {
            return Some(self.view_node(&base.tensor, base_node));
        }
        self.meta(|m| {
            if let Some(node) = &m.node {
                return Some(node.clone());
            }
            if !m.requires_grad {
                return None;
            }
            Some(m.accumulator.upgrade().unwrap_or_else(|| {
                let node = Node::accumulate(self.clone());
                *node.hooks.lock() = m.hooks.clone();
                m.accumulator = Arc::downgrade(&node);
                node
            }))
        })
    }

    /// The node of a view, derived anew when an in-place op has given its base another one.
    fn view_node(&self, base: &Tensor, base_node: Arc<Node>) -> Arc<Node> {
        // What was there before is dropped once the lock is free.
        let (node, _before) = self.meta(|m| {
            if let Some(node) = &m.node
                && m.base_node == Some(address(&base_node))
            {
                return (node.clone(), None);
            }
            m.base_node = Some(address(&base_node));
            let (base, region) = (base.detach(), relative(self.layout(), base));
            let rule: Rule = Box::new(move |_, g| {
                let region = region.clone().ok_or_else(|| not_contiguous("backward", &base))?;
                Ok(smallvec![Some(strided_scatter(g, base.shape(), region)?)])
            });
            let node = Node::rule("AsStrided", smallvec![Some(base_node)], || rule);
            m.retain_anew(&node);
            let before = m.node.replace(node.clone());
            (node, before)
        });
        node
    }

    /// Another handle of the same elements with a place in the graph.
    pub(crate) fn with_node(&self, node: &Arc<Node>) -> Tensor {
        let out = self.detach();
        out.set_node(Some(node.clone()));
        out
    }

    pub(super) fn set_node(&self, node: Option<Arc<Node>>) {
        let base_node = self.base().filter(|b| b.recorded).and_then(|b| b.tensor.node()).map(|n| address(&n));
        self.0.tracked.store(node.is_some(), Ordering::Release);
        // What was there before is dropped once the lock is free.
        let _before = self.meta(|m| {
            if let Some(node) = &node {
                m.retain_anew(node);
            }
            m.base_node = base_node;
            std::mem::replace(&mut m.node, node)
        });
    }
}

fn address(node: &Arc<Node>) -> usize {
    Arc::as_ptr(node) as usize
}

/// Where a view lies in its base, as if the base were contiguous from position 0. `None` where the base
/// is not contiguous itself.
pub(super) fn relative(view: &Layout, base: &Tensor) -> Option<Layout> {
    let start = base.layout().contiguous_range()?.start;
    let offset = view.offset().checked_sub(start)?;
    Layout::as_strided(base.numel(), view.shape(), view.strides(), offset).ok()
}

pub(super) fn not_contiguous(op: &'static str, base: &Tensor) -> TensorError {
    TensorError::new(
        ErrorKind::Autograd,
        op,
        "in-place change of a view whose base is not contiguous cannot be differentiated; copy() the base first",
    )
    .with("shape", base.shape())
    .with("strides", base.strides())
}

/// Gives `out`, computed from `inputs`, its place in the graph, if recording is on and a gradient
/// passes. `rule` is made only then, from the result.
#[inline]
pub(crate) fn record<const N: usize>(
    name: &'static str,
    out: Tensor,
    inputs: [&Tensor; N],
    rule: impl FnOnce(&Tensor) -> Rule,
) -> Tensor {
    record_many(name, out, &inputs, rule)
}

/// Whether an op on these inputs is recorded: recording is on and a gradient passes.
#[inline]
pub(crate) fn records(inputs: &[&Tensor]) -> bool {
    is_grad_enabled() && inputs.iter().any(|t| t.requires_grad())
}

/// [`record`] for a number of inputs that is known at run time only.
#[inline]
pub(crate) fn record_many(
    name: &'static str,
    out: Tensor,
    inputs: &[&Tensor],
    rule: impl FnOnce(&Tensor) -> Rule,
) -> Tensor {
    if records(inputs) {
        let edges: Edges = inputs.iter().map(|t| t.node()).collect();
        let node = Node::rule(name, edges, || rule(&out));
        out.set_node(Some(node));
    }
    out
}

/// The base of a view taken from `parent`.
pub(crate) fn base_for_view(parent: &Tensor) -> Base {
    match parent.base() {
        Some(b) => Base { tensor: b.tensor.clone(), recorded: b.recorded && is_grad_enabled() },
        None => Base { tensor: parent.clone(), recorded: is_grad_enabled() },
    }
}

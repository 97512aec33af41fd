//! What a tensor knows of its gradient.
//!
//! # Views and in-place ops
//!
//! A view remembers the tensor it was (transitively) taken from, its *base*. An in-place op on a tensor
//! that takes part in a graph is recorded as: compute the new value out of place, copy it into the
//! memory, and give the tensor the new value's place in the graph. Where the tensor is a view, it is the
//! base that gets a new node, "this region replaced by that value"; every other view of the base sees
//! that the base's node is another one than it was made from, and derives its own anew as a strided
//! view of the base. So gradients follow the memory, as PyTorch's do.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rusttorch_backend::{DType, ErrorKind, Layout, Result, TensorError};
use smallvec::smallvec;

use super::mode::is_grad_enabled;
use super::node::{Edges, Node, Rule};
use crate::dispatch;
use crate::ops::view::{strided_scatter, strided_view};
use crate::tensor::{Base, Inner, Memory, Tensor};

/// Gradient bookkeeping of one tensor.
#[derive(Default)]
pub(crate) struct Meta {
    /// Set by the user on a leaf.
    requires_grad: bool,
    /// The op that made this tensor.
    node: Option<Arc<Node>>,
    /// The address of the base's node when `node` was derived, for a view. The graph keeps that node
    /// alive, so the address is not used again while it stands here.
    base_node: Option<usize>,
    /// Where gradients of a leaf end, while a graph refers to it.
    accumulator: Weak<Node>,
    grad: Option<Tensor>,
    hooks: Option<Arc<Hooks>>,
}

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
    /// The tensor, of those that share the node, that asked for its gradient to be kept.
    retained: Option<Weak<Inner>>,
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
        if let Some(inner) = retained.and_then(|tensor| tensor.upgrade()) {
            accumulate(&Tensor(inner), &grad)?;
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
            hooks.list.lock().hooks.retain(|(id, _)| *id != self.id);
        }
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
        self.0.meta.lock().as_ref().and_then(|m| m.grad.clone())
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
        self.meta(|m| m.grad = grad);
        Ok(())
    }

    /// Sets the gradient if it still is `old`.
    fn exchange_grad(&self, old: Option<&Tensor>, new: Tensor) -> bool {
        self.meta(|m| {
            let unchanged = match (&m.grad, old) {
                (None, None) => true,
                (Some(now), Some(old)) => now.is_same(old),
                _ => false,
            };
            if unchanged {
                m.grad = Some(new);
            }
            unchanged
        })
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
            name => format!("{name}Backward0"),
        })
    }

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
        self.retain_at(&node);
        Ok(())
    }

    /// The node keeps a weak handle only, since the tensor owns the node.
    fn retain_at(&self, node: &Arc<Node>) {
        let hooks = node.hooks.lock().get_or_insert_default().clone();
        hooks.list.lock().retained = Some(Arc::downgrade(&self.0));
    }

    /// Whether [`retain_grad`](Self::retain_grad) was called; forgets it. The gradient that is kept is that
    /// of the tensor's last value, so an in-place op takes the mark along to the new node.
    fn take_retained(&self, node: &Option<Arc<Node>>) -> bool {
        let Some(hooks) = node.as_ref().and_then(|n| n.hooks.lock().clone()) else { return false };
        let mut list = hooks.list.lock();
        let own = list.retained.as_ref().is_some_and(|t| std::ptr::eq(t.as_ptr(), Arc::as_ptr(&self.0)));
        own && list.retained.take().is_some()
    }

    fn meta<R>(&self, f: impl FnOnce(&mut Meta) -> R) -> R {
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
        self.meta(|m| {
            if let Some(node) = &m.node
                && m.base_node == Some(address(&base_node))
            {
                return node.clone();
            }
            m.base_node = Some(address(&base_node));
            let (base, region) = (base.detach(), relative(self.layout(), base));
            let rule: Rule = Box::new(move |_, g| {
                let region = region.clone().ok_or_else(|| not_contiguous("backward", &base))?;
                Ok(smallvec![Some(strided_scatter(g, base.shape(), region)?)])
            });
            let node = Node::rule("AsStrided", smallvec![Some(base_node)], rule);
            if self.take_retained(&m.node) {
                self.retain_at(&node);
            }
            m.node = Some(node.clone());
            node
        })
    }

    /// Another handle of the same elements with a place in the graph.
    pub(crate) fn with_node(&self, node: &Arc<Node>) -> Tensor {
        let out = self.detach();
        out.set_node(Some(node.clone()));
        out
    }

    fn set_node(&self, node: Option<Arc<Node>>) {
        let base_node = self.base().filter(|b| b.recorded).and_then(|b| b.tensor.node()).map(|n| address(&n));
        self.0.tracked.store(node.is_some(), Ordering::Release);
        self.meta(|m| {
            if let Some(node) = &node
                && self.take_retained(&m.node)
            {
                self.retain_at(node);
            }
            m.node = node;
            m.base_node = base_node;
        });
    }
}

fn address(node: &Arc<Node>) -> usize {
    Arc::as_ptr(node) as usize
}

/// Where a view lies in its base, as if the base were contiguous from position 0. `None` where the base
/// is not contiguous itself.
fn relative(view: &Layout, base: &Tensor) -> Option<Layout> {
    let start = base.layout().contiguous_range()?.start;
    let offset = view.offset().checked_sub(start)?;
    Layout::as_strided(base.numel(), view.shape(), view.strides(), offset).ok()
}

fn not_contiguous(op: &'static str, base: &Tensor) -> TensorError {
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

/// [`record`] for a number of inputs that is known at run time only.
#[inline]
pub(crate) fn record_many(
    name: &'static str,
    out: Tensor,
    inputs: &[&Tensor],
    rule: impl FnOnce(&Tensor) -> Rule,
) -> Tensor {
    if is_grad_enabled() && inputs.iter().any(|t| t.requires_grad()) {
        let edges: Edges = inputs.iter().map(|t| t.node()).collect();
        let rule = rule(&out);
        out.set_node(Some(Node::rule(name, edges, rule)));
    }
    out
}

/// An in-place op: `direct` writes the target's memory; where gradients are recorded, `value` computes
/// what it will hold, of the target's shape and dtype, as a recorded op instead. It reads the target
/// through [`Tensor::before_write`].
///
/// `inputs` are the other tensors that take part. Errors: `Autograd` for a leaf that requires a
/// gradient, and views of one; those of `direct` and `value`.
pub(crate) fn in_place(
    op: &'static str,
    target: &Tensor,
    inputs: &[&Tensor],
    direct: impl FnOnce() -> Result<()>,
    value: impl FnOnce() -> Result<Tensor>,
) -> Result<Tensor> {
    let base = target.base();
    let refuse = |rule| Err(TensorError::new(ErrorKind::Autograd, op, rule).with("shape", target.shape()));
    let recording = is_grad_enabled();
    let tracked = target.requires_grad() || inputs.iter().any(|t| t.requires_grad());
    if recording && base.is_some_and(|b| !b.recorded && (tracked || b.tensor.requires_grad())) {
        return refuse("a view made under no_grad is being modified in place with gradients recorded");
    }
    if !recording || !tracked {
        direct()?;
        return Ok(target.clone());
    }
    if target.requires_grad() && target.is_leaf() {
        return refuse(
            "a leaf tensor that requires grad is being used in an in-place operation; use no_grad",
        );
    }
    if base.is_some_and(|b| b.tensor.requires_grad() && b.tensor.is_leaf()) {
        return refuse(
            "a view of a leaf tensor that requires grad is being used in an in-place operation; use no_grad",
        );
    }
    let region =
        base.map(|b| relative(target.layout(), &b.tensor).ok_or_else(|| not_contiguous(op, &b.tensor)));
    let region = region.transpose()?;
    let value = value()?;
    dispatch::write_in_place(op, target, [&value], |b, out, [v]| b.copy(v, out))?;
    match (base, region) {
        (Some(base), Some(region)) => base.tensor.replace_region(region, value.node()),
        _ => target.replace_value(value.node()),
    }
    Ok(target.clone())
}

impl Tensor {
    /// A copy of the elements with this tensor's place in the graph: what the rule of an in-place op may
    /// keep, while the tensor's own memory is overwritten.
    pub(crate) fn before_write(&self) -> Result<Tensor> {
        let out = dispatch::duplicate(self)?;
        out.set_node(self.node());
        Ok(out)
    }

    /// Records that the whole value was replaced by one with its own place in the graph.
    fn replace_value(&self, value: Option<Arc<Node>>) {
        // A value without history leaves the tensor in the graph, as one that passes no gradient on.
        let cut = || {
            self.node().map(|old| {
                let rule: Rule = Box::new(|_, g| Ok(smallvec![Some(Tensor::zeros_like(g)?)]));
                Node::rule("Fill", smallvec![Some(old)], rule)
            })
        };
        self.set_node(value.or_else(cut));
    }

    /// Records that a region of this base was replaced by a value with its own place in the graph.
    fn replace_region(&self, region: Layout, value: Option<Arc<Node>>) {
        let edges: Edges = smallvec![self.node(), value];
        if edges.iter().all(|e| e.is_none()) {
            return;
        }
        let rule: Rule = Box::new(move |context, g| {
            let of_base = context.needs(0).then(|| {
                let replaced = Tensor::zeros(g.shape(), DType::Bool)?;
                strided_view(&replaced, region.clone())?.fill_(true)?;
                g.masked_fill(&replaced, 0.0)
            });
            let of_value = context.needs(1).then(|| strided_view(g, region.clone()));
            Ok(smallvec![of_base.transpose()?, of_value.transpose()?])
        });
        self.set_node(Some(Node::rule("CopySlices", edges, rule)));
    }
}

/// Adds a gradient to a tensor's `.grad`.
pub(crate) fn accumulate(tensor: &Tensor, grad: &Tensor) -> Result<()> {
    loop {
        let old = tensor.grad();
        let sum = match &old {
            None if is_grad_enabled() => grad.copy()?,
            // The engine may hand the same tensor to several leaves, so it is kept only when nobody else can
            // see it.
            None if Arc::strong_count(&grad.0) == 1
                && Arc::strong_count(grad.storage()) == 1
                && grad.is_contiguous() =>
            {
                grad.detach()
            }
            None => dispatch::duplicate(grad)?,
            Some(old) if is_grad_enabled() || old.layout().may_overlap_itself() => old.add(grad)?,
            Some(old) => {
                old.add_(grad)?;
                return Ok(());
            }
        };
        // Another thread may have come first; its gradient must not be lost.
        if tensor.exchange_grad(old.as_ref(), sum) {
            return Ok(());
        }
    }
}

/// The base of a view taken from `parent`.
pub(crate) fn base_for_view(parent: &Tensor) -> Base {
    match parent.base() {
        Some(b) => Base { tensor: b.tensor.clone(), recorded: b.recorded && is_grad_enabled() },
        None => Base { tensor: parent.clone(), recorded: is_grad_enabled() },
    }
}

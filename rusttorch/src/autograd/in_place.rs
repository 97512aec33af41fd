//! In-place ops as a graph sees them.
//!
//! A view remembers the tensor it was (transitively) taken from, its *base*. An in-place op on a tensor
//! that takes part in a graph is recorded as: compute the new value out of place, copy it into the
//! memory, and give the tensor the new value's place in the graph. Where the tensor is a view, it is the
//! base that gets a new node, "this region replaced by that value"; every other view of the base sees
//! that the base's node is another one than it was made from, and derives its own anew as a strided
//! view of the base. So gradients follow the memory, as PyTorch's do.

use std::sync::Arc;

use rusttorch_backend::{DType, ErrorKind, Layout, Result, TensorError};
use smallvec::smallvec;

use super::meta::{not_contiguous, relative};
use super::mode::is_grad_enabled;
use super::node::{Edges, Node, Rule};
use crate::dispatch;
use crate::ops::view::strided_view;
use crate::tensor::Tensor;

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
    if !is_recorded(op, target, inputs)? {
        direct()?;
        return Ok(target.clone());
    }
    replace(op, target, || {
        let value = value()?;
        dispatch::write_in_place(op, target, [&value], |b, out, [v]| b.copy(v, out))?;
        Ok(value.node())
    })
}

/// An in-place op whose rule looks neither at what the target held nor at what it will hold, so that `direct`
/// may write a few of its elements without a copy of all. The rule has the target's gradient first, then
/// those of `inputs`. Errors: as [`in_place`].
pub(crate) fn in_place_by_rule(
    op: &'static str,
    target: &Tensor,
    inputs: &[&Tensor],
    direct: impl FnOnce() -> Result<()>,
    title: &'static str,
    rule: impl FnOnce() -> Rule,
) -> Result<Tensor> {
    if !is_recorded(op, target, inputs)? {
        direct()?;
        return Ok(target.clone());
    }
    replace(op, target, || {
        let mut edges: Edges = smallvec![target.node()];
        edges.extend(inputs.iter().map(|t| t.node()));
        let node = Node::rule(title, edges, rule);
        direct()?;
        Ok(Some(node))
    })
}

/// Whether an in-place op takes part in a graph. Error: `Autograd` where it must not.
fn is_recorded(op: &'static str, target: &Tensor, inputs: &[&Tensor]) -> Result<bool> {
    let base = target.base();
    let refuse = |rule| Err(TensorError::new(ErrorKind::Autograd, op, rule).with("shape", target.shape()));
    let recording = is_grad_enabled();
    let tracked = target.requires_grad() || inputs.iter().any(|t| t.requires_grad());
    if recording && base.is_some_and(|b| !b.recorded && (tracked || b.tensor.requires_grad())) {
        return refuse("a view made under no_grad is being modified in place with gradients recorded");
    }
    if !recording || !tracked {
        return Ok(false);
    }
    if target.requires_grad() && target.is_leaf() {
        return refuse(
            "a leaf tensor that requires grad is being used in an in-place operation; use no_grad",
        );
    }
    // The base need not be the leaf that requires grad: that may be a view itself, of a base that is no part of a graph.
    if target.requires_grad() && base.is_some_and(|b| b.tensor.is_leaf()) {
        return refuse(
            "a view of a leaf tensor that requires grad is being used in an in-place operation; use no_grad",
        );
    }
    Ok(true)
}

/// Lets `write` change the target, and gives it, or the region it is of its base, the place in the graph
/// that `write` returns.
fn replace(
    op: &'static str,
    target: &Tensor,
    write: impl FnOnce() -> Result<Option<Arc<Node>>>,
) -> Result<Tensor> {
    let base = target.base();
    let region =
        base.map(|b| relative(target.layout(), &b.tensor).ok_or_else(|| not_contiguous(op, &b.tensor)));
    let region = region.transpose()?;
    let node = write()?;
    match (base, region) {
        (Some(base), Some(region)) => base.tensor.replace_region(region, node),
        _ => target.replace_value(node),
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
                Node::rule("Fill", smallvec![Some(old)], || rule)
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
        self.set_node(Some(Node::rule("CopySlices", edges, || rule)));
    }
}

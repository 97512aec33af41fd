//! Ops with several outputs, whose gradients look at all of them.
//!
//! A node has one output, so each gets a node of its own, whose rule gives the part of the inputs' gradients that
//! this output has: they add up, for a gradient is linear in those of the outputs. An output that nobody uses
//! costs nothing and adds nothing, not even a NaN. No node refers to another of the same op, which would make them
//! own each other; where the backward pass is recorded, a rule makes their places in the graph anew.

use std::sync::Arc;

use rusttorch_backend::Result;

use super::mode::is_grad_enabled;
use super::node::{Edges, Grads, Node};
use super::saved::Saved;
use crate::tensor::Tensor;

/// From all outputs, the number of one of them and its gradient to the gradients of the inputs.
type JointRule<const N: usize> = dyn Fn(&[Tensor; N], usize, &Tensor) -> Result<Grads> + Send + Sync;

/// Gives the outputs of one op their places in the graph, if recording is on and a gradient passes.
pub(crate) fn record_several<const N: usize>(
    name: &'static str,
    outputs: [Tensor; N],
    inputs: &[&Tensor],
    rule: impl Fn(&[Tensor; N], usize, &Tensor) -> Result<Grads> + Send + Sync + 'static,
) -> [Tensor; N] {
    if is_grad_enabled() && inputs.iter().any(|t| t.requires_grad()) {
        let rule: Arc<JointRule<N>> = Arc::new(rule);
        attach(name, &outputs, inputs.iter().map(|t| t.node()).collect(), &rule);
    }
    outputs
}

fn attach<const N: usize>(name: &'static str, outputs: &[Tensor; N], edges: Edges, rule: &Arc<JointRule<N>>) {
    let values = outputs.each_ref().map(|t| t.detach());
    for (i, output) in outputs.iter().enumerate() {
        let node = Node::rule(name, edges.clone(), || {
            let (kept, rule) = (values.each_ref().map(Saved::input), rule.clone());
            Box::new(move |context, g| {
                let values = kept.iter().map(|saved| saved.unpack(context).map(|t| t.detach()));
                let values = values.collect::<Result<Vec<_>>>()?;
                let Ok(values) = <[Tensor; N]>::try_from(values) else { return Ok(Grads::new()) };
                if is_grad_enabled() {
                    attach(name, &values, context.node.edges.clone(), &rule);
                }
                rule(&values, i, g)
            })
        });
        output.set_node(Some(node));
    }
}

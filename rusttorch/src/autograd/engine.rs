//! The backward pass.
//!
//! A node's number is above those of the nodes it leads to, so nodes are taken from an ordered map,
//! highest number first: when one is taken, every gradient that will reach it has arrived. Nothing
//! recurses, and the order, hence every bit of the result, is fixed by the order in which the program
//! recorded its ops.

use std::collections::btree_map::{BTreeMap, Entry};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rusttorch_backend::{ErrorKind, Result, TensorError};

use super::interrupt;
use super::mode::{is_grad_enabled, with_grad_mode};
use super::node::{Action, Node};
use crate::tensor::Tensor;

/// How a backward pass treats the graph. The default frees it and records nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GradOptions {
    /// Keep the saved tensors, so that the graph can be walked again. Implied by `create_graph`.
    pub retain_graph: bool,
    /// Record the backward pass itself, so that its results can be differentiated.
    pub create_graph: bool,
    /// [`grad`] only: an input that the outputs do not depend on gives `None` rather than an error.
    pub allow_unused: bool,
}

impl Tensor {
    /// Adds the gradient of this scalar with respect to every leaf that requires one to that leaf's
    /// [`grad`](Tensor::grad), and frees the graph. Errors: `Autograd` when the tensor is not a scalar,
    /// requires no gradient, or its graph was freed.
    pub fn backward(&self) -> Result<()> {
        self.backward_with(None, GradOptions::default())
    }

    /// As [`backward`](Self::backward), from a gradient of this tensor (any shape; default 1 for a scalar).
    pub fn backward_with(&self, grad: Option<&Tensor>, options: GradOptions) -> Result<()> {
        run("backward", &[self], &[grad], None, options)?;
        Ok(())
    }
}

/// The gradients of `outputs`, weighted by `grad_outputs` (`None`: 1 for a scalar), with respect to
/// `inputs`, without touching any `.grad`. Errors: `Autograd` as for [`Tensor::backward`], when an input
/// requires no gradient, and when one is not used (unless `allow_unused`).
pub fn grad(
    outputs: &[&Tensor],
    inputs: &[&Tensor],
    grad_outputs: &[Option<&Tensor>],
    options: GradOptions,
) -> Result<Vec<Option<Tensor>>> {
    const OP: &str = "grad";
    let fail = |rule| TensorError::new(ErrorKind::Autograd, OP, rule);
    if !grad_outputs.is_empty() && grad_outputs.len() != outputs.len() {
        return Err(fail("number of grad_outputs differs from that of the outputs")
            .with("outputs", outputs.len())
            .with("grad_outputs", grad_outputs.len()));
    }
    let weights = if grad_outputs.is_empty() { vec![None; outputs.len()] } else { grad_outputs.to_vec() };
    let targets = inputs
        .iter()
        .enumerate()
        .map(|(i, t)| t.node().ok_or_else(|| fail("an input requires no gradient").with("input", i)))
        .collect::<Result<Vec<_>>>()?;
    let mut found = run(OP, outputs, &weights, Some(&targets), options)?;
    let mut out = Vec::with_capacity(targets.len());
    for (i, target) in targets.iter().enumerate() {
        let g = found.get_mut(&target.sequence).cloned();
        if g.is_none() && !options.allow_unused {
            return Err(
                fail("an input was not used in the graph; allow_unused gives None for it").with("input", i)
            );
        }
        out.push(g);
    }
    Ok(out)
}

/// Gradients on their way, by the number of the node they wait for.
type Pending = BTreeMap<u64, (Arc<Node>, Tensor)>;

fn run(
    op: &'static str,
    outputs: &[&Tensor],
    weights: &[Option<&Tensor>],
    targets: Option<&[Arc<Node>]>,
    options: GradOptions,
) -> Result<HashMap<u64, Tensor>> {
    let keep = options.retain_graph || options.create_graph;
    with_grad_mode(options.create_graph, || {
        let mut pending = Pending::new();
        for (i, (output, weight)) in outputs.iter().zip(weights).enumerate() {
            let node = output.node().ok_or_else(|| {
                TensorError::new(ErrorKind::Autograd, op, "an output requires no gradient and has no grad_fn")
                    .with("output", i)
            })?;
            add(&mut pending, node, initial(op, output, *weight)?)?;
        }
        let wanted = targets.map(|t| Wanted::new(&pending, t));
        let mut captured = HashMap::new();
        while let Some((sequence, (node, mut grad))) = pending.pop_last() {
            if wanted.as_ref().is_some_and(|w| !w.on_the_way.contains(&sequence)) {
                continue;
            }
            interrupt::ask()?;
            let hooks = node.hooks.lock().clone();
            if let Some(hooks) = hooks {
                grad = hooks.run(grad, wanted.is_none())?;
            }
            if wanted.as_ref().is_some_and(|w| w.targets.contains(&sequence)) {
                captured.insert(sequence, grad.clone());
            }
            match &node.action {
                Action::Accumulate(leaf) => {
                    // It may have been switched off since the op was recorded.
                    if wanted.is_none() && leaf.requires_grad() {
                        leaf.kept_grad().accumulate(&grad)?;
                    }
                }
                Action::Rule { .. } => {
                    if wanted.as_ref().is_some_and(|w| !w.leads_on.contains(&sequence)) {
                        continue;
                    }
                    let grads = node.apply(&grad, keep)?;
                    drop(grad);
                    for (edge, g) in node.edges.iter().zip(grads) {
                        if let (Some(next), Some(g)) = (edge, g) {
                            add(&mut pending, next.clone(), g)?;
                        }
                    }
                }
            }
        }
        Ok(captured)
    })
}

/// Which nodes matter when only the gradients of some are asked for.
struct Wanted {
    targets: HashSet<u64>,
    /// Targets, and nodes from which one can be reached.
    on_the_way: HashSet<u64>,
    /// Nodes from which a target can be reached through at least one edge.
    leads_on: HashSet<u64>,
}

impl Wanted {
    fn new(roots: &Pending, targets: &[Arc<Node>]) -> Self {
        let mut nodes: BTreeMap<u64, Arc<Node>> = BTreeMap::new();
        let mut stack: Vec<Arc<Node>> = roots.values().map(|(n, _)| n.clone()).collect();
        while let Some(node) = stack.pop() {
            if let Entry::Vacant(slot) = nodes.entry(node.sequence) {
                stack.extend(node.edges.iter().flatten().cloned());
                slot.insert(node);
            }
        }
        let targets: HashSet<u64> = targets.iter().map(|n| n.sequence).collect();
        let (mut on_the_way, mut leads_on) = (HashSet::new(), HashSet::new());
        // Ascending numbers: what a node leads to has been decided before it.
        for (&sequence, node) in &nodes {
            if node.edges.iter().flatten().any(|e| on_the_way.contains(&e.sequence)) {
                leads_on.insert(sequence);
                on_the_way.insert(sequence);
            }
            if targets.contains(&sequence) {
                on_the_way.insert(sequence);
            }
        }
        Wanted { targets, on_the_way, leads_on }
    }
}

/// The gradient with which an output starts.
fn initial(op: &'static str, output: &Tensor, weight: Option<&Tensor>) -> Result<Tensor> {
    match weight {
        None if output.numel() != 1 => Err(TensorError::new(
            ErrorKind::Autograd,
            op,
            "gradient can be created implicitly only for scalar outputs",
        )
        .with("shape", output.shape())),
        None => Tensor::ones_like(output),
        Some(g) if g.shape() != output.shape() => {
            Err(TensorError::new(ErrorKind::Autograd, op, "gradient and output differ in shape")
                .with("gradient", g.shape())
                .with("output", output.shape()))
        }
        Some(g) => g.to_dtype(output.dtype()),
    }
}

/// Adds a gradient to those that wait for a node.
fn add(pending: &mut Pending, node: Arc<Node>, grad: Tensor) -> Result<()> {
    match pending.entry(node.sequence) {
        Entry::Vacant(slot) => {
            slot.insert((node, grad));
        }
        Entry::Occupied(mut slot) => {
            let sum = &mut slot.get_mut().1;
            if sum.is_uniquely_owned() && !is_grad_enabled() && sum.is_contiguous() {
                sum.add_(&grad)?;
            } else {
                *sum = sum.add(&grad)?;
            }
        }
    }
    Ok(())
}

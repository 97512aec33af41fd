//! The graph.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use rusttorch_backend::{ErrorKind, Result, TensorError};
use smallvec::SmallVec;

use super::hooks::Hooks;
use super::saved;
use crate::tensor::Tensor;

/// Gradients of a node's inputs; `None` where none is wanted or it is zero.
pub(crate) type Grads = SmallVec<[Option<Tensor>; 2]>;

/// Edges from a node to those its inputs came from; `None` for inputs that need no gradient.
pub(crate) type Edges = SmallVec<[Option<Arc<Node>>; 2]>;

/// From the gradient of a node's output to those of its inputs.
pub(crate) type Rule = Box<dyn Fn(&Context<'_>, &Tensor) -> Result<Grads> + Send + Sync>;

/// What a rule is told.
pub(crate) struct Context<'a> {
    pub(crate) node: &'a Arc<Node>,
}

impl Context<'_> {
    /// Whether the gradient of input `i` is wanted.
    pub(crate) fn needs(&self, i: usize) -> bool {
        self.node.edges.get(i).is_some_and(|e| e.is_some())
    }
}

/// What happens when a gradient reaches a node.
pub(crate) enum Action {
    /// A rule passes it on. Taken away once it has run without `retain_graph`, if it keeps tensors.
    Rule { slot: Mutex<Option<Arc<Rule>>>, keeps: bool },
    /// It is added to the `.grad` of a leaf.
    Accumulate(Tensor),
}

/// One recorded op, with one output.
pub(crate) struct Node {
    pub(crate) name: &'static str,
    /// Rises with every node: a node's inputs have smaller numbers than itself.
    pub(crate) sequence: u64,
    pub(crate) edges: Edges,
    pub(crate) action: Action,
    /// Hooks of the tensor that is this node's output.
    pub(crate) hooks: Mutex<Option<Arc<Hooks>>>,
}

static SEQUENCE: AtomicU64 = AtomicU64::new(0);

impl Node {
    fn new(name: &'static str, edges: Edges, action: Action) -> Arc<Node> {
        let sequence = SEQUENCE.fetch_add(1, Ordering::Relaxed);
        Arc::new(Node { name, sequence, edges, action, hooks: Mutex::new(None) })
    }

    /// A node with the rule that `make` returns.
    pub(crate) fn rule(name: &'static str, edges: Edges, make: impl FnOnce() -> Rule) -> Arc<Node> {
        let before = saved::kept();
        let rule = make();
        let keeps = saved::kept() != before;
        Node::new(name, edges, Action::Rule { slot: Mutex::new(Some(Arc::new(rule))), keeps })
    }

    pub(crate) fn accumulate(leaf: Tensor) -> Arc<Node> {
        Node::new("AccumulateGrad", Edges::new(), Action::Accumulate(leaf))
    }

    /// Runs the rule. Error: `Autograd` when an earlier backward freed it.
    pub(crate) fn apply(self: &Arc<Self>, grad: &Tensor, keep: bool) -> Result<Grads> {
        let Action::Rule { slot, keeps } = &self.action else { return Ok(Grads::new()) };
        let rule = if keep || !keeps { slot.lock().clone() } else { slot.lock().take() };
        let rule = rule.ok_or_else(|| {
            TensorError::new(
                ErrorKind::Autograd,
                "backward",
                "trying to go backward through the graph a second time; its saved tensors were freed \
                 (keep them with retain_graph)",
            )
            .with("node", self.name)
        })?;
        rule(&Context { node: self }, grad)
    }
}

thread_local! {
    /// What dropped nodes held and nobody has dropped yet; `None` while no drop is under way.
    static REMAINS: RefCell<Option<Vec<Remains>>> = const { RefCell::new(None) };
}

/// What a node holds, with its destructor still to run.
type Remains = (Edges, Option<Arc<Rule>>, Option<Arc<Hooks>>);

impl Drop for Node {
    /// Drops what the node held without recursion, so that a chain of a million ops needs no more stack
    /// than one: while an outer drop is under way, inner ones only hand over what they held.
    fn drop(&mut self) {
        let rule = match &mut self.action {
            Action::Rule { slot, .. } => slot.get_mut().take(),
            Action::Accumulate(_) => None,
        };
        let mut remains = Some((std::mem::take(&mut self.edges), rule, self.hooks.get_mut().take()));
        let outermost = REMAINS.try_with(|cell| {
            let Ok(mut queue) = cell.try_borrow_mut() else { return false };
            match &mut *queue {
                Some(queue) => {
                    queue.extend(remains.take());
                    false
                }
                None => {
                    *queue = Some(Vec::from_iter(remains.take()));
                    true
                }
            }
        });
        // Without thread-local storage (the thread is ending) `remains` is dropped right here.
        if outermost != Ok(true) {
            return;
        }
        loop {
            // The borrow ends before anything is dropped.
            let next = REMAINS.with_borrow_mut(|queue| queue.as_mut().and_then(Vec::pop));
            match next {
                Some(held) => drop(held),
                None => break,
            }
        }
        REMAINS.set(None);
    }
}

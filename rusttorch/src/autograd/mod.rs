//! Reverse-mode differentiation: a dynamic tape above the backend trait.
//!
//! An op on a tensor that requires a gradient records a node: the nodes its inputs came from, and the
//! rule that turns the gradient of its result into those of its inputs. Rules are written in `Tensor` ops,
//! so they run on any backend, and under `create_graph` they are recorded themselves, which gives gradients
//! of gradients. A rule stands beside the value it belongs to, in `ops`.
//!
//! | file | subject |
//! |---|---|
//! | `mode` | `no_grad` and its kin |
//! | `node` | the graph: nodes, edges, drop without recursion |
//! | `saved` | tensors kept for a rule, with the check that none was overwritten |
//! | `meta` | what a tensor knows of its gradient |
//! | `several` | ops with more than one output |
//! | `in_place` | in-place ops, and views of what they write |
//! | `hooks` | functions called with gradients |
//! | `engine` | `backward` and `grad` |
//! | `interrupt` | stopping a backward pass from outside of it |
//! | `custom` | functions whose gradient is written elsewhere |
//! | `check` | gradients against finite differences |

mod check;
mod custom;
mod engine;
mod hooks;
mod in_place;
mod interrupt;
mod meta;
mod mode;
mod node;
mod saved;
#[cfg(feature = "linalg")]
mod several;

pub use check::{gradcheck, gradgradcheck};
pub use custom::record_custom;
pub use engine::{GradOptions, grad};
pub use hooks::HookHandle;
pub use interrupt::{Interrupt, set_interrupt};
pub use mode::{enable_grad, is_grad_enabled, no_grad, set_grad_enabled, with_grad_mode};

pub(crate) use in_place::{in_place, in_place_by_rule};
pub(crate) use meta::{Meta, base_for_view, record, record_many, records};
pub(crate) use node::{Context, Rule};
pub(crate) use saved::Saved;
#[cfg(feature = "linalg")]
pub(crate) use several::record_several;

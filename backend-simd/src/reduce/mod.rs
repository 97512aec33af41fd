//! Reductions along axes.

pub(crate) mod arg;
pub(crate) mod scan;
pub(crate) mod softmax;

use rusttorch_backend::ops::ReduceOp;
use rusttorch_backend::{Capabilities, Result, View, ViewMut};

use crate::arch::Level;

/// `None` where there is no kernel for the call.
pub(crate) fn reduce(
    _level: Level,
    _op: ReduceOp,
    _x: View<'_>,
    _axes: &[usize],
    _out: ViewMut<'_>,
) -> Option<Result<()>> {
    None
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims
}

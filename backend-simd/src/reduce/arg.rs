//! Indices of extreme elements.

use rusttorch_backend::ops::ArgReduceOp;
use rusttorch_backend::{Capabilities, Result, View, ViewMut};

use crate::arch::Level;

/// `None` where there is no kernel for the call.
pub(crate) fn arg_reduce(
    _level: Level,
    _op: ArgReduceOp,
    _x: View<'_>,
    _axis: usize,
    _out: ViewMut<'_>,
) -> Option<Result<()>> {
    None
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims
}

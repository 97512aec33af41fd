//! Ops of two operands.

use rusttorch_backend::ops::BinaryOp;
use rusttorch_backend::{Capabilities, Result, View, ViewMut};

use crate::arch::Level;

/// `None` where there is no kernel for the call.
pub(crate) fn binary(
    _level: Level,
    _op: BinaryOp,
    _a: View<'_>,
    _b: View<'_>,
    _out: ViewMut<'_>,
) -> Option<Result<()>> {
    None
}

/// `None` where there is no kernel for the call.
pub(crate) fn binary_assign(
    _level: Level,
    _op: BinaryOp,
    _io: ViewMut<'_>,
    _b: View<'_>,
) -> Option<Result<()>> {
    None
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims
}

//! Order along an axis.

use rusttorch_backend::ops::SortOp;
use rusttorch_backend::{Capabilities, Result, View, ViewMut};

use crate::arch::Level;

/// `None` where there is no kernel for the call.
pub(crate) fn sort(
    _level: Level,
    _op: SortOp,
    _x: View<'_>,
    _axis: usize,
    _values: ViewMut<'_>,
    _indices: ViewMut<'_>,
) -> Option<Result<()>> {
    None
}

/// `None` where there is no kernel for the call.
pub(crate) fn searchsorted(
    _level: Level,
    _sorted: View<'_>,
    _values: View<'_>,
    _right: bool,
    _out: ViewMut<'_>,
) -> Option<Result<()>> {
    None
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims
}

//! Gather, scatter, embedding.

use rusttorch_backend::ops::ScatterOp;
use rusttorch_backend::{Capabilities, Result, View, ViewMut};

use crate::arch::Level;

/// `None` where there is no kernel for the call.
pub(crate) fn gather(
    _level: Level,
    _x: View<'_>,
    _axis: usize,
    _index: View<'_>,
    _out: ViewMut<'_>,
) -> Option<Result<()>> {
    None
}

/// `None` where there is no kernel for the call.
pub(crate) fn scatter(
    _level: Level,
    _op: ScatterOp,
    _io: ViewMut<'_>,
    _axis: usize,
    _index: View<'_>,
    _src: View<'_>,
) -> Option<Result<()>> {
    None
}

/// `None` where there is no kernel for the call.
pub(crate) fn embedding(
    _level: Level,
    _index: View<'_>,
    _weight: View<'_>,
    _out: ViewMut<'_>,
) -> Option<Result<()>> {
    None
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims
}

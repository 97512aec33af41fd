//! Losses, a pass each.

use rusttorch_backend::ops::{Loss, Reduction};
use rusttorch_backend::{Capabilities, Result, View, ViewMut};

use crate::arch::Level;

/// `None` where there is no kernel for the call.
pub(crate) fn loss(
    _level: Level,
    _op: Loss,
    _reduction: Reduction,
    _x: View<'_>,
    _target: View<'_>,
    _weight: Option<View<'_>>,
    _out: ViewMut<'_>,
) -> Option<Result<()>> {
    None
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims
}

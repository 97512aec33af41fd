//! Activations and their gradients, a pass each.

use rusttorch_backend::ops::Activation;
use rusttorch_backend::{Capabilities, Result, View, ViewMut};

use crate::arch::Level;

/// `None` where there is no kernel for the call.
pub(crate) fn activation(
    _level: Level,
    _op: Activation,
    _x: View<'_>,
    _out: ViewMut<'_>,
) -> Option<Result<()>> {
    None
}

/// `None` where there is no kernel for the call.
pub(crate) fn backward(
    _level: Level,
    _op: Activation,
    _grad: View<'_>,
    _x: View<'_>,
    _out: ViewMut<'_>,
) -> Option<Result<()>> {
    None
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims
}

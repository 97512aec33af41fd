//! Softmax and log-softmax, and their gradients.

use rusttorch_backend::ops::SoftmaxOp;
use rusttorch_backend::{Capabilities, Result, View, ViewMut};

use crate::arch::Level;

/// `None` where there is no kernel for the call.
pub(crate) fn softmax(
    _level: Level,
    _op: SoftmaxOp,
    _x: View<'_>,
    _axis: usize,
    _out: ViewMut<'_>,
) -> Option<Result<()>> {
    None
}

/// `None` where there is no kernel for the call.
pub(crate) fn backward(
    _level: Level,
    _op: SoftmaxOp,
    _grad: View<'_>,
    _y: View<'_>,
    _axis: usize,
    _out: ViewMut<'_>,
) -> Option<Result<()>> {
    None
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims
}

//! Fill, and copies with a cast.

use rusttorch_backend::{Capabilities, Result, Scalar, View, ViewMut};

use crate::arch::Level;

/// `None` where there is no kernel for the call.
pub(crate) fn fill(_level: Level, _value: Scalar, _out: ViewMut<'_>) -> Option<Result<()>> {
    None
}

/// `None` where there is no kernel for the call.
pub(crate) fn copy(_level: Level, _x: View<'_>, _out: ViewMut<'_>) -> Option<Result<()>> {
    None
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims
}

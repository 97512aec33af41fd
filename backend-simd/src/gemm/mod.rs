//! Matrix products.

use rusttorch_backend::{Capabilities, Result, View, ViewMut};

use crate::arch::Level;

/// `None` where there is no kernel for the call.
pub(crate) fn matmul(_level: Level, _a: View<'_>, _b: View<'_>, _out: ViewMut<'_>) -> Option<Result<()>> {
    None
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims
}

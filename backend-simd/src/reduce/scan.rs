//! Running reductions.

use rusttorch_backend::ops::ScanOp;
use rusttorch_backend::{Capabilities, Result, View, ViewMut};

use crate::arch::Level;

/// `None` where there is no kernel for the call.
pub(crate) fn scan(
    _level: Level,
    _op: ScanOp,
    _x: View<'_>,
    _axis: usize,
    _out: ViewMut<'_>,
    _indices: Option<ViewMut<'_>>,
) -> Option<Result<()>> {
    None
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims
}

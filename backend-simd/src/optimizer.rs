//! Optimizer steps over all parameters, a pass each.

use rusttorch_backend::ops::Optimizer;
use rusttorch_backend::{Capabilities, ParamStep, Result};

use crate::arch::Level;

/// `None` where there is no kernel for the call.
pub(crate) fn step(
    _level: Level,
    _optimizer: Optimizer,
    _params: &mut [ParamStep<'_>],
) -> Option<Result<()>> {
    None
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims
}

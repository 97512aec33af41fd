//! Losses and their gradients, a pass each.
//!
//! | file | subject |
//! |---|---|
//! | `elementwise` | losses that compare element by element |
//! | `cross_entropy` | cross-entropy by class indices |
//! | `operands` | operands of any strides and dtype as slices |
//! | `tree` | the order of sums |

mod elementwise;
mod operands;
mod tree;

use rusttorch_backend::ops::{Loss, Reduction};
use rusttorch_backend::{Capabilities, DType, DTypeSet, Family, Result, View, ViewMut, bf16, f16};

use crate::arch::Level;

/// `None` where there is no kernel for the call.
pub(crate) fn loss(
    level: Level,
    op: Loss,
    reduction: Reduction,
    x: View<'_>,
    target: View<'_>,
    weight: Option<View<'_>>,
    out: ViewMut<'_>,
) -> Option<Result<()>> {
    let call = elementwise::Call { level, op, reduction, x, target, weight };
    match x.dtype() {
        DType::F32 => call.value::<f32>(out),
        DType::F64 => call.value::<f64>(out),
        DType::F16 => call.value::<f16>(out),
        DType::BF16 => call.value::<bf16>(out),
        _ => None,
    }
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    const OPS: &[&str] = &["mse_loss", "l1_loss", "smooth_l1_loss", "binary_cross_entropy"];
    claims.with_ops(Family::Loss, OPS, DTypeSet::FLOATS)
}

//! Losses and their gradients, a pass each.
//!
//! | file | subject |
//! |---|---|
//! | `elementwise` | losses that compare element by element |
//! | `cross_entropy`, `rows` | cross-entropy by class indices |
//! | `operands` | operands of any strides and dtype as slices |
//! | `tree` | the order of sums |

mod cross_entropy;
mod elementwise;
mod operands;
mod rows;
mod tree;

#[cfg(test)]
mod tests;

use rusttorch_backend::ops::{Loss, Reduction};
use rusttorch_backend::{Capabilities, DType, DTypeSet, Family, Result, View, ViewMut, bf16, f16};

use crate::arch::Level;
use crate::float::Stored;

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
    let call = Call { level, op, reduction, x, target, weight };
    match x.dtype() {
        DType::F32 => call.value::<f32>(out),
        DType::F64 => call.value::<f64>(out),
        DType::F16 => call.value::<f16>(out),
        DType::BF16 => call.value::<bf16>(out),
        _ => None,
    }
}

/// `None` where there is no kernel for the call.
#[allow(clippy::too_many_arguments, reason = "those of the contract")]
pub(crate) fn backward(
    level: Level,
    op: Loss,
    reduction: Reduction,
    grad: View<'_>,
    x: View<'_>,
    target: View<'_>,
    weight: Option<View<'_>>,
    out: ViewMut<'_>,
) -> Option<Result<()>> {
    let call = Call { level, op, reduction, x, target, weight };
    match x.dtype() {
        DType::F32 => call.gradient::<f32>(grad, out),
        DType::F64 => call.gradient::<f64>(grad, out),
        DType::F16 => call.gradient::<f16>(grad, out),
        DType::BF16 => call.gradient::<bf16>(grad, out),
        _ => None,
    }
}

/// A call, but for its output and its element type.
#[derive(Clone, Copy)]
struct Call<'a> {
    level: Level,
    op: Loss,
    reduction: Reduction,
    x: View<'a>,
    target: View<'a>,
    weight: Option<View<'a>>,
}

impl<'a> Call<'a> {
    fn value<H: Stored>(self, out: ViewMut<'_>) -> Option<Result<()>> {
        match self.op {
            Loss::CrossEntropy { .. } => match self.rows::<H>() {
                Ok(rows) => Some(rows?.value(out)),
                Err(error) => Some(Err(error)),
            },
            _ => self.elementwise_value::<H>(out),
        }
    }

    fn gradient<H: Stored>(self, grad: View<'_>, out: ViewMut<'_>) -> Option<Result<()>> {
        match self.op {
            Loss::CrossEntropy { .. } => match self.rows::<H>() {
                Ok(rows) => rows?.gradient(grad, out),
                Err(error) => Some(Err(error)),
            },
            _ => self.elementwise_gradient::<H>(grad, out),
        }
    }

    fn rows<H: Stored>(self) -> Result<Option<cross_entropy::Call<'a, H>>> {
        let Call { level, op, reduction, x, target, weight } = self;
        cross_entropy::Call::new(level, op, reduction, x, target, weight)
    }
}

/// What is computed here: all of it, but for the gradients of weighted losses that are not reduced.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims.with(Family::Loss, DTypeSet::FLOATS).with(Family::LossBackward, DTypeSet::FLOATS)
}

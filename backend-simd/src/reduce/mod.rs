//! Reductions along axes.
//!
//! | file | subject |
//! |---|---|
//! | `plan` | from views and axes to rows and columns, on threads |
//! | `forms` | these, and what a reduction is |
//! | `source` | elements and what they are computed in |
//! | `fold` | the tree by which a chunk of floats is folded |
//! | `float`, `moments`, `exponential`, `norm` | reductions of floats |
//! | `whole` | those of integers and bool |
//! | `arg` | indices of extremes |
//! | `lines` | from views and an axis to lines, for what gives a result for each element |
//! | `scan`, `softmax`, `steps` | that |

pub(crate) mod arg;
mod exponential;
mod exponentials;
mod float;
mod fold;
mod forms;
mod lines;
mod moments;
mod norm;
mod plan;
pub(crate) mod scan;
pub(crate) mod softmax;
mod source;
mod steps;
mod whole;

#[cfg(test)]
mod tests;

use rusttorch_backend::ops::ReduceOp;
use rusttorch_backend::{
    Capabilities, DType, DTypeSet, ErrorKind, Family, Result, TensorError, View, ViewMut, match_dtype,
};

use crate::arch::Level;
use crate::tuning::Cost;

/// What reading an element costs, and a few instructions.
const READ: Cost = Cost(70);

/// `None` where there is no kernel for the call.
pub(crate) fn reduce(
    level: Level,
    op: ReduceOp,
    x: View<'_>,
    axes: &[usize],
    out: ViewMut<'_>,
) -> Option<Result<()>> {
    if !op.accepts().contains(x.dtype()) {
        return None;
    }
    let chooses = match op {
        ReduceOp::Amax | ReduceOp::Amin => true,
        ReduceOp::Norm { p } => p < 0.0 || p.is_infinite(),
        _ => false,
    };
    if chooses && let Err(error) = not_of_nothing(op.name(), &x, &out) {
        return Some(Err(error));
    }
    let result = match op {
        ReduceOp::All | ReduceOp::Any => whole::truth(level, op, x, axes, out),
        _ => match_dtype!(floats x.dtype(), T => match op {
            ReduceOp::Var { correction } => moments::variance::<T>(level, correction, x, axes, out),
            ReduceOp::Logsumexp => exponential::logsumexp::<T>(level, x, axes, out),
            ReduceOp::Norm { p } => norm::norm::<T>(level, p, x, axes, out),
            _ => float::reduce::<T>(level, op, x, axes, out),
        }, else whole::reduce(level, op, x, axes, out)),
    };
    Some(result)
}

/// An extreme needs an element wherever one is asked for. Error: `Shape`.
fn not_of_nothing(op: &'static str, x: &View<'_>, out: &ViewMut<'_>) -> Result<()> {
    if x.numel() > 0 || out.numel() == 0 {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::Shape, op, "no element to choose from").with("shape", x.shape()))
}

/// Elements of a sequence. As f64: sizes beside a zero may be huge.
fn length(x: &View<'_>, axes: &[usize]) -> f64 {
    axes.iter().filter_map(|&axis| x.shape().get(axis)).map(|&n| n as f64).product()
}

/// What is computed here: all of it.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    const ALL: &[&str] = &["sum", "prod", "amax", "amin", "all", "any"];
    const FLOATS: &[&str] = &["mean", "var", "logsumexp", "norm"];
    claims.with_ops(Family::Reduce, ALL, DTypeSet::ALL).with_ops(Family::Reduce, FLOATS, DTypeSet::FLOATS)
}

/// The error of a dtype that an op does not take.
fn refused(op: &'static str, dtype: DType) -> TensorError {
    TensorError::new(ErrorKind::DType, op, "not defined for the dtype").with("dtype", dtype)
}

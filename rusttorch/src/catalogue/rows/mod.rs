//! The rows, a file a family.

mod activations;
mod convert;
mod creation;
mod elementwise;
mod indexing;
#[cfg(feature = "linalg")]
mod linalg;
mod losses;
mod matrices;
mod random;
mod rearranging;
mod reductions;
mod scans;
mod sorting;
mod tables;
mod views;

use rusttorch_backend::{ErrorKind, Result, TensorError};

use super::op::Op;

pub(super) const LISTS: &[&[Op]] = &[
    creation::ROWS,
    random::ROWS,
    views::ROWS,
    rearranging::ROWS,
    tables::UNARY,
    elementwise::UNARY,
    tables::BINARY,
    tables::COMPARE,
    tables::ALIASES,
    elementwise::ROWS,
    reductions::ROWS,
    scans::ROWS,
    sorting::ROWS,
    indexing::ROWS,
    matrices::ROWS,
    #[cfg(feature = "linalg")]
    linalg::ROWS,
    activations::ROWS,
    losses::ROWS,
];

/// A count, which PyTorch takes as any integer and refuses by its value. Error: `Value` for a negative one.
fn natural(op: &'static str, name: &'static str, value: i64) -> Result<usize> {
    usize::try_from(value)
        .map_err(|_| TensorError::new(ErrorKind::Value, op, "must not be negative").with(name, value))
}

//! The rows, a file a family.

mod activations;
mod convert;
mod creation;
mod elementwise;
mod indexing;
mod losses;
mod matrices;
mod random;
mod rearranging;
mod reductions;
mod scans;
mod sorting;
mod tables;
mod views;

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
    activations::ROWS,
    losses::ROWS,
];

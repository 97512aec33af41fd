//! Comparisons: one relation for all numbers, bools being 0 and 1.

use rusttorch_backend::ops::CompareOp;
use rusttorch_backend::{Boolean, Result, View, ViewMut};

use crate::walk::map2;
use crate::wide::{Number, Wide, match_wide};

/// `out[i] = op(a[i], b[i])`.
pub(crate) fn compare(op: CompareOp, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
    match_wide!(a.dtype(), T, W => {
        let f = relation::<W>(op);
        map2(op.name(), a, b, out, |a: T, b: T| Boolean::from(f(W::of(a), W::of(b))))
    })
}

/// The relation. NaN is unequal to everything, zero included, and in no order; Rust's operators say so too.
fn relation<W: Number>(op: CompareOp) -> fn(W, W) -> bool {
    use CompareOp::*;
    match op {
        Eq => |a, b| a == b,
        Ne => |a, b| a != b,
        Lt => |a, b| a < b,
        Le => |a, b| a <= b,
        Gt => |a, b| a > b,
        Ge => |a, b| a >= b,
        LogicalAnd => |a, b| (a != W::ZERO) & (b != W::ZERO),
        LogicalOr => |a, b| (a != W::ZERO) | (b != W::ZERO),
        LogicalXor => |a, b| (a != W::ZERO) ^ (b != W::ZERO),
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;

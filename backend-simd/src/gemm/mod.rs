//! Matrix products `[.., M, K] x [.., K, N] -> [.., M, N]`.
//!
//! # The definition of a result
//!
//! `k` is cut into blocks of [`DEPTH`](micro::DEPTH). Within a block, an element of the result is a chain of fused
//! multiply-adds over k in order, started at +0; the blocks are added in order. f16 and bf16 are widened to f32,
//! and the sum over all blocks is rounded once. So an element depends on its row of `a`, its column of `b` and K
//! alone (R3), whatever its place in a tile, a panel, a batch or a task, and on every level. Every path of this
//! folder computes exactly this, and what differs is only which chains run side by side.
//!
//! Integers wrap, where any order gives the same.
//!
//! | file | subject |
//! |---|---|
//! | `micro` | the register tile, and checked ways to memory |
//! | `pack` | copies of blocks of the operands |
//! | `product` | one product: blocks, tasks |
//! | `vector` | a row times a matrix, a matrix times a column, dot products |
//! | `long_columns` | a row times columns of many blocks |
//! | `batch` | many products, and one where there seem to be many |
//! | `half` | f16 and bf16 |
//! | `integer` | integers |

mod batch;
mod half;
mod integer;
mod long_columns;
mod micro;
mod pack;
mod product;
mod vector;

#[cfg(test)]
mod tests;

use std::ops::{Add, Neg};

use rusttorch_backend::{Capabilities, DType, DTypeSet, Family, Result, View, ViewMut, bf16, f16};

use crate::arch::Level;
use crate::float::Float;

/// f32 and f64.
trait Number: Float + Add<Output = Self> + Neg<Output = Self> {}

impl<T: Float + Add<Output = T> + Neg<Output = T>> Number for T {}

/// `out = a @ b`. `None` where there is no kernel for the call: bool, and what breaks the contract.
pub(crate) fn matmul(level: Level, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Option<Result<()>> {
    let host = a.is_host() && b.is_host() && out.is_host();
    let legal = match (a.shape(), b.shape(), out.shape()) {
        ([lead_a @ .., m, k], [lead_b @ .., l, n], [lead_out @ .., rows, columns]) => {
            k == l && lead_a == lead_b && lead_a == lead_out && (rows, columns) == (m, n)
        }
        _ => false,
    };
    if !host || !legal || a.dtype() != b.dtype() || a.dtype() != out.dtype() {
        return None;
    }
    Some(match a.dtype() {
        DType::F32 => batch::products::<f32>(level, a, b, out),
        DType::F64 => batch::products::<f64>(level, a, b, out),
        DType::F16 => half::products::<f16>(level, a, b, out),
        DType::BF16 => half::products::<bf16>(level, a, b, out),
        DType::U8 => integer::products::<u8>(level, a, b, out),
        DType::I8 => integer::products::<i8>(level, a, b, out),
        DType::I16 => integer::products::<i16>(level, a, b, out),
        DType::I32 => integer::products::<i32>(level, a, b, out),
        DType::I64 => integer::products::<i64>(level, a, b, out),
        DType::Bool => return None,
    })
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims.with(Family::Matmul, DTypeSet::NUMBERS)
}

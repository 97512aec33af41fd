//! Matrix products `[.., M, K] x [.., K, N] -> [.., M, N]`.
//!
//! Every element is one chain of additions, started at zero, over k in order: in f64 for floats
//! (products of f32, f16 and bf16 are exact in it), modulo 2^64 for integers. Zeros are not skipped.
//! It therefore depends on its row, its column and K alone (R3).
//!
//! For speed, the chains of a panel of neighbouring columns advance together. The panel is widened
//! once into memory without gaps and then serves all rows, so that the layout of `b` costs little.

use rusttorch_backend::{Element, ErrorKind, Layout, Nest, Result, TensorError, View, ViewMut};

use crate::check::refused;
use crate::walk::along;
use crate::wide::{Number, match_wide};

/// Columns whose chains advance together: few enough for their sums to stay in registers.
const PANEL: usize = 16;

/// `out = a @ b`.
pub(crate) fn matmul(a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
    check(a.layout(), b.layout(), out.layout())?;
    match_wide!(numbers a.dtype(), T, W => product::<T, W>(a, b, out), else Err(refused("matmul", a.dtype())))
}

fn product<T: Element, W: Number>(a: View<'_>, b: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
    let layouts = [a.layout(), b.layout(), out.layout()];
    let (a, b, out) = (a.host::<T>()?, b.host::<T>()?, out.host_mut::<T>()?);
    if layouts[2].is_empty() {
        return Ok(());
    }
    let batch = layouts[0].rank() - 2;
    let (rows, inner) = (layouts[0].shape()[batch], layouts[0].shape()[batch + 1]);
    let columns = layouts[1].shape()[batch + 1];
    let [[a_row, a_col], [b_row, b_col], [out_row, out_col]] =
        layouts.map(|l| [l.strides()[batch], l.strides()[batch + 1]]);

    let mut panel = scratch::<W>(inner, columns.min(PANEL))?;
    Nest::over(layouts, 0..batch).for_each(|[a_at, b_at, out_at]| {
        for first in (0..columns).step_by(PANEL) {
            let width = PANEL.min(columns - first);
            panel.clear();
            for k in 0..inner {
                let from = along(b_at, k, b_row);
                panel.extend((first..first + width).map(|j| W::of(b[along(from, j, b_col)])));
            }
            for i in 0..rows {
                let (from, to) = (along(a_at, i, a_row), along(out_at, i, out_row));
                let x = (0..inner).map(|k| W::of(a[along(from, k, a_col)]));
                for (j, sum) in (first..).zip(&chains(x, &panel, width)[..width]) {
                    out[along(to, j, out_col)] = sum.to();
                }
            }
        }
    });
    Ok(())
}

/// One row times a panel of `width` columns: `sums[j] = sum over k of x[k] * panel[k][j]`.
fn chains<W: Number>(x: impl Iterator<Item = W>, panel: &[W], width: usize) -> [W; PANEL] {
    let mut sums = [W::ZERO; PANEL];
    for (x, row) in x.zip(panel.chunks_exact(width)) {
        for (sum, &y) in sums.iter_mut().zip(row) {
            *sum = sum.plus(x.times(y));
        }
    }
    sums
}

/// Room for a panel. Error: `Memory`.
fn scratch<W>(inner: usize, width: usize) -> Result<Vec<W>> {
    let mut room = Vec::new();
    room.try_reserve_exact(inner.saturating_mul(width)).map_err(|e| {
        TensorError::new(ErrorKind::Memory, "matmul", "no room for a panel")
            .with("elements", inner)
            .caused_by(e)
    })?;
    Ok(room)
}

/// Error: `Shape`.
fn check(a: &Layout, b: &Layout, out: &Layout) -> Result<()> {
    let rule = match (a.shape(), b.shape(), out.shape()) {
        ([lead_a @ .., m, k], [lead_b @ .., l, n], [lead_out @ .., rows, columns]) => {
            if k != l {
                "inner sizes differ"
            } else if lead_a != lead_b || lead_a != lead_out {
                "leading sizes differ"
            } else if (rows, columns) != (m, n) {
                "the output has another shape"
            } else {
                return Ok(());
            }
        }
        _ => "a matrix has two dimensions or more",
    };
    Err(TensorError::new(ErrorKind::Shape, "matmul", rule)
        .with("lhs", a.shape())
        .with("rhs", b.shape())
        .with("out", out.shape()))
}

#[cfg(test)]
#[path = "matmul_tests.rs"]
mod tests;

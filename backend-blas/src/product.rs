//! One matrix product: which function of BLAS computes it, and how its operands get there.

use rusttorch_backend::Result;

use crate::ffi::Real;
use crate::matrix::{MatrixMut, VectorMut};
use crate::plane::{Copies, Plane, column, matrix, outside, target, target_column};
use crate::provider::Provider;

/// Memory for what has to be copied, kept from one product to the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    a: Copies,
    b: Copies,
    out: Copies,
}

/// The planes of a product `out = a b`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planes {
    pub(crate) a: Plane,
    pub(crate) b: Plane,
    pub(crate) out: Plane,
}

impl Planes {
    /// `out^T = b^T a^T`: the same product.
    fn transposed(self) -> Planes {
        Planes { a: self.b.transposed(), b: self.a.transposed(), out: self.out.transposed() }
    }

    /// `[m, k, n]`.
    pub(crate) fn sizes(self) -> [usize; 3] {
        [self.out.rows, self.a.columns, self.out.columns]
    }
}

/// Computes a product. Sizes beyond what BLAS takes are cut into several calls. Errors: `Memory`, `Internal`.
pub(crate) fn product<T: Real>(
    provider: &impl Provider,
    a: &[T],
    b: &[T],
    out: &mut [T],
    planes: Planes,
    scratch: &mut Scratch,
) -> Result<()> {
    let [m, k, n] = planes.sizes();
    if m == 0 || n == 0 {
        return Ok(());
    }
    if k == 0 {
        return fill(out, planes.out);
    }
    let limit = provider.limit();
    if m.max(k).max(n) <= limit {
        return part(provider, a, b, out, planes, false, scratch);
    }
    let parts = |size: usize| (0..size).step_by(limit).map(move |at| (at, limit.min(size - at)));
    for (i, rows) in parts(m) {
        for (j, columns) in parts(n) {
            for (l, inner) in parts(k) {
                let planes = Planes {
                    a: planes.a.part(i, rows, l, inner),
                    b: planes.b.part(l, inner, j, columns),
                    out: planes.out.part(i, rows, j, columns),
                };
                part(provider, a, b, out, planes, l > 0, scratch)?;
            }
        }
    }
    Ok(())
}

/// A product of sizes that BLAS takes, none of them 0, written or added.
fn part<T: Real>(
    provider: &impl Provider,
    a: &[T],
    b: &[T],
    out: &mut [T],
    planes: Planes,
    add: bool,
    scratch: &mut Scratch,
) -> Result<()> {
    let limit = provider.limit();
    let [m, _, n] = planes.sizes();
    if n == 1 {
        return by_vector(provider, a, b, out, planes, add, scratch);
    }
    if m == 1 {
        return by_vector(provider, b, a, out, planes.transposed(), add, scratch);
    }
    if planes.out.leading(limit).is_some() {
        return by_matrix(provider, a, b, target(out, planes.out, limit), planes, add, scratch);
    }
    let turned = planes.transposed();
    if turned.out.leading(limit).is_some() {
        return by_matrix(provider, b, a, target(out, turned.out, limit), turned, add, scratch);
    }
    // Neither rows nor columns of the output lie side by side.
    let mut kept = std::mem::take(&mut scratch.out);
    let copy = kept.room::<T>(m.saturating_mul(n))?;
    let dense = Plane { at: 0, rows: m, columns: n, row: n as isize, column: 1 };
    by_matrix(provider, a, b, target(copy, dense, limit), Planes { out: dense, ..planes }, false, scratch)?;
    scatter(copy, out, planes.out, add)?;
    scratch.out = kept;
    Ok(())
}

fn by_matrix<T: Real>(
    provider: &impl Provider,
    a: &[T],
    b: &[T],
    out: Option<MatrixMut<'_, T>>,
    planes: Planes,
    add: bool,
    scratch: &mut Scratch,
) -> Result<()> {
    let limit = provider.limit();
    let a = matrix(a, planes.a, limit, &mut scratch.a)?;
    let b = matrix(b, planes.b, limit, &mut scratch.b)?;
    provider.gemm(a, b, out.ok_or_else(outside)?, add)
}

/// A matrix times a column.
fn by_vector<T: Real>(
    provider: &impl Provider,
    a: &[T],
    b: &[T],
    out: &mut [T],
    planes: Planes,
    add: bool,
    scratch: &mut Scratch,
) -> Result<()> {
    let limit = provider.limit();
    let rows = planes.out.rows;
    let x = column(b, planes.b, limit, &mut scratch.b)?;
    if rows == 1 {
        let row = column(a, planes.a.transposed(), limit, &mut scratch.a)?;
        let sum = provider.dot(row, x)?;
        let place = out.get_mut(planes.out.at).ok_or_else(outside)?;
        *place = if add { *place + sum } else { sum };
        return Ok(());
    }
    let a = matrix(a, planes.a, limit, &mut scratch.a)?;
    let run = |mut y: VectorMut<'_, T>, add: bool| {
        if !add {
            // What lies there may be NaN, and not every BLAS takes care not to multiply it by beta = 0.
            y.fill(T::ZERO);
        }
        provider.gemv(a, x, y, add)
    };
    if let Some(y) = target_column(out, planes.out, limit) {
        return run(y, add);
    }
    let copy = scratch.out.room::<T>(rows)?;
    run(VectorMut::new(copy, rows, 1).ok_or_else(outside)?, false)?;
    scatter(copy, out, planes.out, add)
}

/// Writes what lies row by row to where it belongs.
fn scatter<T: Real>(from: &[T], out: &mut [T], plane: Plane, add: bool) -> Result<()> {
    for (i, line) in from.chunks_exact(plane.columns).enumerate() {
        for (j, &x) in line.iter().enumerate() {
            let place = out.get_mut(plane.position(i, j)).ok_or_else(outside)?;
            *place = if add { *place + x } else { x };
        }
    }
    Ok(())
}

/// A sum without terms.
fn fill<T: Real>(out: &mut [T], plane: Plane) -> Result<()> {
    for i in 0..plane.rows {
        for j in 0..plane.columns {
            *out.get_mut(plane.position(i, j)).ok_or_else(outside)? = T::ZERO;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "product_tests.rs"]
pub(crate) mod tests;

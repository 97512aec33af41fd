//! The calls of faer, each on one matrix, column by column in a slice. One thread; all memory is asked for in a way
//! that may fail.

use faer::diag::DiagMut;
use faer::dyn_stack::{MemBuffer, MemStack, StackReq};
use faer::linalg::cholesky::llt::factor as llt;
use faer::linalg::lu::partial_pivoting::factor as partial;
use faer::linalg::matmul::matmul;
use faer::linalg::qr::no_pivoting::factor as reflections;
use faer::linalg::svd::ComputeSvdVectors;
use faer::linalg::{evd, householder, svd as singular, triangular_solve};
use faer::{Accum, Conj, MatMut, MatRef, Par};
use rusttorch_backend::{ErrorKind, Result, TensorError};

use super::bridge::{Real, room};

const PAR: Par = Par::Seq;

/// Error: `Memory`.
fn scratch(op: &'static str, need: StackReq) -> Result<MemBuffer> {
    MemBuffer::try_new(need).map_err(|_| {
        TensorError::new(ErrorKind::Memory, op, "allocation failed")
            .with("bytes", need.unaligned_bytes_required())
    })
}

/// `A = P L U` in place, L with a diagonal of ones below the diagonal. Row `i` of `L U` is row `order[i]` of A. A pivot
/// that is zero leaves what lies behind it undefined: see `lu`.
pub(super) fn lu<T: Real>(
    op: &'static str,
    a: &mut [T],
    m: usize,
    n: usize,
    order: &mut [usize],
) -> Result<()> {
    let mut inverse = room(op, m, 0)?;
    let mut memory = scratch(op, partial::lu_in_place_scratch::<usize, T>(m, n, PAR, Default::default()))?;
    let a = MatMut::from_column_major_slice_mut(a, m, n);
    partial::lu_in_place(a, order, &mut inverse, PAR, MemStack::new(&mut memory), Default::default());
    Ok(())
}

/// `C -= A B` with A `[m, k]` and B `[k, n]`.
pub(super) fn subtract_product<T: Real>(c: &mut [T], a: &[T], b: &[T], m: usize, k: usize, n: usize) {
    let c = MatMut::from_column_major_slice_mut(c, m, n);
    let (a, b) = (MatRef::from_column_major_slice(a, m, k), MatRef::from_column_major_slice(b, k, n));
    matmul(c, Accum::Add, a, b, -T::ONE, PAR);
}

/// `A = L L^T` in place; only the lower triangle is read and written. False where A is not positive definite.
pub(super) fn cholesky<T: Real>(op: &'static str, a: &mut [T], n: usize) -> Result<bool> {
    let mut memory = scratch(op, llt::cholesky_in_place_scratch::<T>(n, PAR, Default::default()))?;
    let a = MatMut::from_column_major_slice_mut(a, n, n);
    let done =
        llt::cholesky_in_place(a, Default::default(), PAR, MemStack::new(&mut memory), Default::default());
    Ok(done.is_ok())
}

/// `A = Q R`: R replaces the upper triangle of A, the first columns of Q (as many as fit) are written to `q`, which
/// holds those of the identity.
pub(super) fn qr<T: Real>(op: &'static str, a: &mut [T], m: usize, n: usize, q: &mut [T]) -> Result<()> {
    let k = m.min(n);
    if k == 0 {
        return Ok(());
    }
    let block = reflections::recommended_block_size::<T>(m, n);
    let mut factors = room(op, block * k, T::ZERO)?;
    let mut factors = MatMut::from_column_major_slice_mut(&mut factors, block, k);
    let mut memory =
        scratch(op, reflections::qr_in_place_scratch::<T>(m, n, block, PAR, Default::default()))?;
    let mut a = MatMut::from_column_major_slice_mut(a, m, n);
    reflections::qr_in_place(
        a.as_mut(),
        factors.as_mut(),
        PAR,
        MemStack::new(&mut memory),
        Default::default(),
    );
    if q.is_empty() {
        return Ok(());
    }
    let columns = q.len() / m;
    let need =
        householder::apply_block_householder_sequence_on_the_left_in_place_scratch::<T>(m, block, columns);
    let mut memory = scratch(op, need)?;
    householder::apply_block_householder_sequence_on_the_left_in_place_with_conj(
        a.as_ref().subcols(0, k),
        factors.as_ref(),
        Conj::No,
        MatMut::from_column_major_slice_mut(q, m, columns),
        PAR,
        MemStack::new(&mut memory),
    );
    Ok(())
}

/// `A = U diag(s) V^T` with the values in descending order. U and V are written where they are given, whole or thin by
/// the room they have. False where a value is not finite or nothing converged.
pub(super) fn svd<T: Real>(
    op: &'static str,
    a: &mut [T],
    [m, n]: [usize; 2],
    s: &mut [T],
    vectors: Option<[&mut [T]; 2]>,
) -> Result<bool> {
    let k = m.min(n);
    let largest = a.iter().map(|x| x.size()).fold(T::ZERO, |x, y| if y > x { y } else { x });
    if a.iter().any(|x| !x.finite()) {
        return Ok(false);
    }
    // Squares of tiny and huge numbers leave the range.
    let scale = largest.scale();
    a.iter_mut().for_each(|x| *x *= scale);
    if k == 0 {
        for (x, rows) in vectors.into_iter().flat_map(|[u, v]| [(u, m), (v, n)]) {
            identity(x, rows);
        }
        return Ok(true);
    }
    let kind = |columns| if columns > k { ComputeSvdVectors::Full } else { ComputeSvdVectors::Thin };
    let (u, v, of_u, of_v) = match vectors {
        None => (None, None, ComputeSvdVectors::No, ComputeSvdVectors::No),
        Some([u, v]) => {
            let columns = [u.len() / m, v.len() / n];
            let u = MatMut::from_column_major_slice_mut(u, m, columns[0]);
            let v = MatMut::from_column_major_slice_mut(v, n, columns[1]);
            (Some(u), Some(v), kind(columns[0]), kind(columns[1]))
        }
    };
    let mut memory = scratch(op, singular::svd_scratch::<T>(m, n, of_u, of_v, PAR, Default::default()))?;
    let done = singular::svd(
        MatRef::from_column_major_slice(a, m, n),
        DiagMut::from_slice_mut(s),
        u,
        v,
        PAR,
        MemStack::new(&mut memory),
        Default::default(),
    );
    let back = T::ONE / scale;
    s.iter_mut().for_each(|x| *x *= back);
    Ok(done.is_ok())
}

/// `A = V diag(w) V^T` of a symmetric A of which the lower triangle is read, the values in ascending order. False where
/// a value is not finite or nothing converged.
pub(super) fn eigh<T: Real>(
    op: &'static str,
    a: &mut [T],
    n: usize,
    w: &mut [T],
    vectors: Option<&mut [T]>,
) -> Result<bool> {
    if n == 0 {
        return Ok(true);
    }
    let lower = |a: &[T]| {
        let mut largest = Some(T::ZERO);
        for (j, column) in a.chunks_exact(n).enumerate() {
            for x in &column[j..] {
                largest = largest.filter(|_| x.finite()).map(|l| if x.size() > l { x.size() } else { l });
            }
        }
        largest
    };
    let Some(largest) = lower(a) else { return Ok(false) };
    let scale = largest.scale();
    a.iter_mut().for_each(|x| *x *= scale);
    let wanted = match vectors {
        Some(_) => evd::ComputeEigenvectors::Yes,
        None => evd::ComputeEigenvectors::No,
    };
    let need = evd::self_adjoint_evd_scratch::<T>(n, wanted, PAR, Default::default());
    let mut memory = scratch(op, need)?;
    let done = evd::self_adjoint_evd(
        MatRef::from_column_major_slice(a, n, n),
        DiagMut::from_slice_mut(w),
        vectors.map(|v| MatMut::from_column_major_slice_mut(v, n, n)),
        PAR,
        MemStack::new(&mut memory),
        Default::default(),
    );
    let back = T::ONE / scale;
    w.iter_mut().for_each(|x| *x *= back);
    Ok(done.is_ok())
}

/// A triangle of a square matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Triangle {
    pub(super) upper: bool,
    /// The diagonal counts as ones.
    pub(super) unit: bool,
}

/// `B = A^-1 B` with the triangle of A `[n, n]`; B has `columns`. A zero on the diagonal gives infinities and NaN.
pub(super) fn solve_triangle<T: Real>(triangle: Triangle, a: &[T], n: usize, b: &mut [T], columns: usize) {
    let a = MatRef::from_column_major_slice(a, n, n);
    let b = MatMut::from_column_major_slice_mut(b, n, columns);
    match (triangle.upper, triangle.unit) {
        (true, true) => triangular_solve::solve_unit_upper_triangular_in_place(a, b, PAR),
        (true, false) => triangular_solve::solve_upper_triangular_in_place(a, b, PAR),
        (false, true) => triangular_solve::solve_unit_lower_triangular_in_place(a, b, PAR),
        (false, false) => triangular_solve::solve_lower_triangular_in_place(a, b, PAR),
    }
}

/// Writes ones to the diagonal of a zero matrix with this many rows.
pub(super) fn identity<T: Real>(x: &mut [T], rows: usize) {
    x.iter_mut().step_by(rows + 1).for_each(|x| *x = T::ONE);
}

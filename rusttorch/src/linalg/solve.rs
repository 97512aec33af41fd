//! Inverses and linear systems.

use rusttorch_backend::{DType, ErrorKind, Result, TensorError};
use smallvec::smallvec;

use super::bridge::{Batch, Real, about, check_dtype, lead, match_real, same_lead, sizes, square};
use super::kernel::{self, Triangle};
use super::lu::Eliminated;
use crate::autograd::{Saved, no_grad, record};
use crate::tensor::Tensor;

/// `A^-1` of every matrix `[.., N, N]`. PyTorch: `torch.linalg.inv`, `torch.inverse`. Errors: `LinAlg` for a singular
/// matrix; `Shape`, `NotImplemented`.
pub fn inv(a: &Tensor) -> Result<Tensor> {
    const OP: &str = "inv";
    square(OP, a)?;
    let out = inverse(OP, a, true)?;
    Ok(record("LinalgInvEx", out, [a], |out| {
        let out = Saved::output(out);
        Box::new(move |context, g| {
            let x = out.unpack(context)?.mt()?;
            Ok(smallvec![Some(x.matmul(g)?.matmul(&x)?.neg()?)])
        })
    }))
}

/// [`inv`] that gives infinities and NaN for a singular matrix, with nothing recorded.
pub(super) fn inverse_unchecked(a: &Tensor) -> Result<Tensor> {
    inverse("inv", a, false)
}

fn inverse(op: &'static str, a: &Tensor, check: bool) -> Result<Tensor> {
    match_real!(op, a.dtype(), T => {
        let lu = Eliminated::<T>::new(op, Batch::read(op, a)?)?;
        let n = lu.factors.rows;
        let mut out = lu.factors.room(op, n, n)?;
        for i in 0..out.count() {
            kernel::identity(out.get_mut(i), n);
        }
        eliminated_solve(op, &lu, &mut out, check)?;
        out.write()
    })
}

/// Replaces every B by `A^-1 B`. Error: `LinAlg` for a singular matrix, if it is to be checked.
fn eliminated_solve<T: Real>(
    op: &'static str,
    lu: &Eliminated<T>,
    b: &mut Batch<T>,
    check: bool,
) -> Result<()> {
    let (n, columns) = (b.rows, b.columns);
    let mut old = Vec::new();
    for i in 0..b.count() {
        if check && lu.pivots(i).any(|pivot| pivot == T::ZERO) {
            return Err(about(op, "the matrix is singular", b, i));
        }
        let (order, a) = (lu.order(i), lu.factors.get(i));
        let x = b.get_mut(i);
        old.clear();
        old.extend_from_slice(x);
        for (new, old) in x.chunks_exact_mut(n.max(1)).zip(old.chunks_exact(n.max(1))) {
            new.iter_mut().zip(order).for_each(|(x, &from)| *x = old[from]);
        }
        kernel::solve_triangle(Triangle { upper: false, unit: true }, a, n, x, columns);
        kernel::solve_triangle(Triangle { upper: true, unit: false }, a, n, x, columns);
    }
    Ok(())
}

/// Errors: `DType` where the dtypes differ; `Shape` where the sizes do not fit, or B is below rank 2.
fn check_pair(op: &'static str, a: &Tensor, b: &Tensor, left: bool) -> Result<()> {
    if a.dtype() != b.dtype() {
        return Err(TensorError::new(ErrorKind::DType, op, "A and B differ in dtype")
            .with("A", a.dtype())
            .with("B", b.dtype()));
    }
    let (m, n) = sizes(op, b)?;
    let fits = if left { m } else { n };
    if fits != a.size(-1)? {
        let rule =
            if left { "A and the columns of B differ in size" } else { "A and the rows of B differ in size" };
        return Err(TensorError::new(ErrorKind::Shape, op, rule).with("A", a.shape()).with("B", b.shape()));
    }
    Ok(())
}

/// X of `A X = B`, or with `left` false of `X A = B`: `[.., N, N]` and `[.., N, K]`, the leading sizes broadcast. B is
/// a batch of vectors `[.., N]` where it is 1-d or of A's shape without the last size.
/// PyTorch: `torch.linalg.solve`. Errors: `LinAlg` for a singular matrix; `Shape`; `DType` where the dtypes differ;
/// `NotImplemented`.
pub fn solve(a: &Tensor, b: &Tensor, left: bool) -> Result<Tensor> {
    const OP: &str = "solve";
    square(OP, a)?;
    let vector = b.rank() == 1 || (b.rank() + 1 == a.rank() && b.shape() == &a.shape()[..a.rank() - 1]);
    let b = if vector { &b.unsqueeze(-1)? } else { b };
    check_pair(OP, a, b, left)?;
    let (a, b) = same_lead(OP, a, b)?;
    let x = if left { solve_left(&a, &b)? } else { solve_left(&a.mt()?, &b.mt()?)?.mt()? };
    if vector { x.squeeze(-1) } else { Ok(x) }
}

/// X of `A X = B` with equal leading sizes.
fn solve_left(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    const OP: &str = "solve";
    let out = match_real!(OP, a.dtype(), T => {
        let lu = Eliminated::<T>::new(OP, Batch::read(OP, a)?)?;
        let mut x = Batch::<T>::read(OP, b)?;
        eliminated_solve(OP, &lu, &mut x, true)?;
        x.write()
    })?;
    Ok(record("LinalgSolveEx", out, [a, b], |out| {
        let (a, out) = (Saved::input(a), Saved::output(out));
        Box::new(move |context, g| {
            let of_b = solve_left(&a.unpack(context)?.mt()?, g)?;
            let of_a = match context.needs(0) {
                true => Some(of_b.matmul(&out.unpack(context)?.mt()?)?.neg()?),
                false => None,
            };
            Ok(smallvec![of_a, Some(of_b)])
        })
    }))
}

/// X of `A X = B`, or with `left` false of `X A = B`, where of A `[.., N, N]` the upper or lower triangle is read, and
/// with `unitriangular` its diagonal counts as ones. B is `[.., N, K]` and is cast to A's dtype; the leading sizes
/// broadcast. A zero on the diagonal gives infinities and NaN. PyTorch: `torch.linalg.solve_triangular`.
/// Errors: `Shape`, `NotImplemented`.
pub fn solve_triangular(
    a: &Tensor,
    b: &Tensor,
    upper: bool,
    left: bool,
    unitriangular: bool,
) -> Result<Tensor> {
    const OP: &str = "solve_triangular";
    square(OP, a)?;
    let b = &b.to_dtype(a.dtype())?;
    check_pair(OP, a, b, left)?;
    let (a, b) = same_lead(OP, a, b)?;
    let triangle = |upper| Triangle { upper, unit: unitriangular };
    match left {
        true => triangle_left(triangle(upper), &a, &b),
        false => triangle_left(triangle(!upper), &a.mt()?, &b.mt()?)?.mt(),
    }
}

/// X of `A X = B` with the triangle of A and equal leading sizes.
fn triangle_left(triangle: Triangle, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    const OP: &str = "solve_triangular";
    let out = match_real!(OP, a.dtype(), T => {
        let (a, mut x) = (Batch::<T>::read(OP, a)?, Batch::<T>::read(OP, b)?);
        let columns = x.columns;
        for i in 0..x.count() {
            kernel::solve_triangle(triangle, a.get(i), a.rows, x.get_mut(i), columns);
        }
        x.write()
    })?;
    Ok(record("LinalgSolveTriangular", out, [a, b], |out| {
        let (a, out) = (Saved::input(a), Saved::output(out));
        Box::new(move |context, g| {
            let other = Triangle { upper: !triangle.upper, ..triangle };
            let of_b = triangle_left(other, &a.unpack(context)?.mt()?, g)?;
            let of_a = match context.needs(0) {
                true => {
                    let whole = of_b.matmul(&out.unpack(context)?.mt()?)?.neg()?;
                    let inside = i64::from(triangle.unit);
                    Some(if triangle.upper { whole.triu(inside)? } else { whole.tril(-inside)? })
                }
                false => None,
            };
            Ok(smallvec![of_a, Some(of_b)])
        })
    }))
}

/// X of `A X = B` where `A = L L^T`, or with `upper` `A = U^T U`, and L or U is given: `[.., N, N]` and B `[.., N, K]`,
/// the leading sizes broadcast. The other triangle is not read, but the gradient is that of all elements, as if it were.
/// PyTorch: `torch.cholesky_solve`. Errors: `Shape`; `DType` where the dtypes differ; `NotImplemented`.
pub fn cholesky_solve(b: &Tensor, l: &Tensor, upper: bool) -> Result<Tensor> {
    const OP: &str = "cholesky_solve";
    sizes(OP, b)?;
    square(OP, l)?;
    check_pair(OP, l, b, true)?;
    let (l, b) = same_lead(OP, l, b)?;
    factored_solve(&b, &l, upper)
}

/// [`cholesky_solve`] with equal leading sizes.
fn factored_solve(b: &Tensor, l: &Tensor, upper: bool) -> Result<Tensor> {
    let out = no_grad(|| both_triangles(l, &b.detach(), upper))?;
    Ok(record("CholeskySolve", out, [b, l], |out| {
        let (l, out) = (Saved::input(l), Saved::output(out));
        Box::new(move |context, g| {
            let (l, x) = (l.unpack(context)?, out.unpack(context)?);
            let of_b = factored_solve(g, &l, upper)?;
            let of_l = match context.needs(1) {
                true => {
                    let half = of_b.matmul(&x.mt()?)?;
                    let sum = half.add(&half.mt()?)?;
                    Some(if upper { l.matmul(&sum)? } else { sum.matmul(&l)? }.neg()?)
                }
                false => None,
            };
            Ok(smallvec![Some(of_b), of_l])
        })
    }))
}

fn both_triangles(l: &Tensor, b: &Tensor, upper: bool) -> Result<Tensor> {
    let l = &l.detach();
    let (first, second) = if upper { (l.mt()?, l.clone()) } else { (l.clone(), l.mt()?) };
    solve_triangular(&second, &solve_triangular(&first, b, false, true, false)?, true, true, false)
}

/// `A^-1` where `A = L L^T`, or with `upper` `A = U^T U`, and L or U `[.., N, N]` is given. Its gradient as for
/// [`cholesky_solve`]. PyTorch: `torch.cholesky_inverse`. Errors: `LinAlg` where the diagonal has a zero; `Shape`,
/// `NotImplemented`.
pub fn cholesky_inverse(l: &Tensor, upper: bool) -> Result<Tensor> {
    const OP: &str = "cholesky_inverse";
    let n = square(OP, l)?;
    if l.detach().diagonal(0, -2, -1)?.eq(0.0)?.any(crate::Dims::all(), false)?.item()?.to_bool() {
        return Err(TensorError::new(ErrorKind::LinAlg, OP, "the matrix is singular"));
    }
    let ones = Tensor::eye(n, l.dtype())?.broadcast_to(l.shape())?;
    let out = no_grad(|| both_triangles(l, &ones, upper))?;
    Ok(record("CholeskyInverse", out, [l], |out| {
        let (l, out) = (Saved::input(l), Saved::output(out));
        Box::new(move |context, g| {
            let (l, x) = (l.unpack(context)?, out.unpack(context)?);
            let common = x.matmul(&g.add(&g.mt()?)?)?.matmul(&x)?;
            Ok(smallvec![Some(if upper { l.matmul(&common)? } else { common.matmul(&l)? }.neg()?)])
        })
    }))
}

/// X of `A X = B` from what [`lu_factor`](super::lu_factor) gave for A; with `left` false of `X A = B`, with `adjoint`
/// of the transpose of A. B is `[.., N, K]`; the leading sizes broadcast. A singular A gives infinities and NaN.
/// PyTorch: `torch.linalg.lu_solve`. Errors: `Shape`; `DType` where the dtypes differ or the pivots are not i32; `Value`
/// for pivots that are none; `NotImplemented`.
pub fn lu_solve(lu: &Tensor, pivots: &Tensor, b: &Tensor, left: bool, adjoint: bool) -> Result<Tensor> {
    const OP: &str = "lu_solve";
    let n = square(OP, lu)?;
    if pivots.dtype() != DType::I32 {
        return Err(
            TensorError::new(ErrorKind::DType, OP, "pivots are not int32").with("dtype", pivots.dtype())
        );
    }
    if pivots.shape() != &lu.shape()[..lu.rank() - 1] {
        return Err(TensorError::new(ErrorKind::Shape, OP, "needs one pivot for each row")
            .with("LU", lu.shape())
            .with("pivots", pivots.shape()));
    }
    check_pair(OP, lu, b, left)?;
    if !left {
        // X A = B is A^T X^T = B^T.
        return lu_solve(lu, pivots, &b.mt()?, true, !adjoint)?.mt();
    }
    check_dtype(OP, lu)?;
    let order = order_of(OP, pivots, n)?;
    let forward = |b: &Tensor, upper, unit| solve_triangular(lu, b, upper, true, unit);
    if adjoint {
        let back = |b: &Tensor, upper, unit| solve_triangular(&lu.mt()?, b, upper, true, unit);
        return reordered(&back(&back(b, false, false)?, true, true)?, &order.argsort(-1, false)?);
    }
    forward(&forward(&reordered(b, &order)?, false, true)?, true, false)
}

/// Row i of every matrix `[.., N, K]` is row `order[i]` of B, for orders `[.., N]`; the leading sizes broadcast. (A
/// product with the permutation would spread a NaN over its column.)
fn reordered(b: &Tensor, order: &Tensor) -> Result<Tensor> {
    if order.numel() == 0 {
        return Ok(b.clone());
    }
    let (mut b, mut index) = (b.clone(), order.unsqueeze(-1)?);
    while b.rank() < index.rank() {
        b = b.unsqueeze(0)?;
    }
    while index.rank() < b.rank() {
        index = index.unsqueeze(0)?;
    }
    b.take_along_dim(&index, Some(-2))
}

/// Which row of A each row of `P^T A` is, from LAPACK's pivots `[.., N]`. Error: `Value`.
fn order_of(op: &'static str, pivots: &Tensor, n: usize) -> Result<Tensor> {
    let mut rows = Vec::new();
    for exchanges in pivots.to_vec::<i32>()?.chunks_exact(n.max(1)) {
        let mut order: Vec<i64> = (0..n as i64).collect();
        for (i, &j) in exchanges.iter().enumerate() {
            let j = usize::try_from(j).ok().and_then(|j| j.checked_sub(1)).filter(|&j| j < n).ok_or_else(
                || {
                    TensorError::new(ErrorKind::Value, op, "a pivot is no row")
                        .with("pivot", j)
                        .with("rows", n)
                },
            )?;
            order.swap(i, j);
        }
        rows.extend(order);
    }
    Tensor::from_slice(&rows, pivots.shape())
}

/// P with `P[order[i], i] = 1`, from orders `[.., N]`.
pub(super) fn permutation_matrix(order: &Tensor, dtype: DType) -> Result<Tensor> {
    let n = order.size(-1)? as i64;
    let rows = Tensor::arange(0i64, n, 1i64, DType::I64)?.unsqueeze(1)?;
    order.unsqueeze(-2)?.eq(&rows)?.to_dtype(dtype)
}

/// For other files of this module: a triangular system whose sizes are known to fit.
pub(super) fn triangle(a: &Tensor, b: &Tensor, upper: bool, left: bool, unit: bool) -> Result<Tensor> {
    debug_assert_eq!(lead(a), lead(b));
    solve_triangular(a, b, upper, left, unit)
}

//! Cholesky, QR and LU.

use rusttorch_backend::{ErrorKind, Result, TensorError};
use smallvec::smallvec;

use super::bridge::{Batch, about, check_dtype, match_real, sizes, square};
use super::kernel;
use super::lu::Eliminated;
use super::solve::{permutation_matrix, triangle};
use crate::autograd::{Saved, record, record_several};
use crate::tensor::Tensor;

/// The lower triangular L with a positive diagonal of which `L L^T = A`, or with `upper` its transpose, of every
/// symmetric positive definite matrix `[.., N, N]`. Only the triangle that is asked for is read; the gradient is
/// symmetric. PyTorch: `torch.linalg.cholesky`. Errors: `LinAlg` for a matrix that is not positive definite; `Shape`,
/// `NotImplemented`.
pub fn cholesky(a: &Tensor, upper: bool) -> Result<Tensor> {
    const OP: &str = "cholesky";
    let n = square(OP, a)?;
    // The upper triangle of A is the lower one of its transpose.
    let lower = if upper { &a.detach().mt()? } else { a };
    let out = match_real!(OP, a.dtype(), T => {
        let mut batch = Batch::<T>::read(OP, lower)?;
        for i in 0..batch.count() {
            let matrix = batch.get_mut(i);
            if !kernel::cholesky(OP, matrix, n)? {
                return Err(about(OP, "the matrix is not positive definite", &batch, i));
            }
            for (j, column) in matrix.chunks_exact_mut(n.max(1)).enumerate() {
                column[..j].fill(0.0);
            }
        }
        if upper { batch.write_transposed() } else { batch.write() }
    })?;
    Ok(record("LinalgCholeskyEx", out, [a], |out| {
        let out = Saved::output(out);
        Box::new(move |context, g| {
            let out = out.unpack(context)?;
            let (l, g) = if upper { (out.mt()?, g.mt()?) } else { (out, g.clone()) };
            let x = l.mt()?.matmul(&g)?;
            let symmetric = x.tril(0)?.add(&x.tril(-1)?.mt()?)?;
            let half = triangle(&l.mt()?, &symmetric, true, true, false)?;
            Ok(smallvec![Some(triangle(&l, &half, false, false, false)?.mul(0.5)?)])
        })
    }))
}

/// Which factors [`qr`] computes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum QrMode {
    /// Q `[.., M, K]`, R `[.., K, N]` with K the smaller of M and N.
    #[default]
    Reduced,
    /// Q `[.., M, M]`, R `[.., M, N]`. No gradient where M > N.
    Complete,
    /// R alone, as in `Reduced`; Q is `[0]`. No gradient.
    R,
}

/// `A = Q R` of every matrix `[.., M, N]`: Q with orthonormal columns, R upper triangular with the signs of
/// Householder's reflections. A column that is a sum of multiples of those before it adds no row to R.
/// PyTorch: `torch.linalg.qr`. Errors: `Shape`, `NotImplemented`; of the gradient `Autograd`, see [`QrMode`].
pub fn qr(a: &Tensor, mode: QrMode) -> Result<(Tensor, Tensor)> {
    const OP: &str = "qr";
    let (m, n) = sizes(OP, a)?;
    check_dtype(OP, a)?;
    let k = m.min(n);
    let (width, height) = if mode == QrMode::Complete { (m, m) } else { (k, k) };
    let (q, r) = match_real!(OP, a.dtype(), T => {
        let mut batch = Batch::<T>::read(OP, a)?;
        let mut q = batch.room(OP, m, if mode == QrMode::R { 0 } else { width })?;
        let mut r = batch.room(OP, height, n)?;
        for i in 0..batch.count() {
            kernel::identity(q.get_mut(i), m);
            kernel::qr(OP, batch.get_mut(i), m, n, q.get_mut(i))?;
            if height > 0 {
                let columns = r.get_mut(i).chunks_exact_mut(height).zip(batch.get(i).chunks_exact(m));
                for (j, (to, from)) in columns.enumerate() {
                    let above = (j + 1).min(k);
                    to[..above].copy_from_slice(&from[..above]);
                }
            }
        }
        Ok::<_, TensorError>((q.write()?, r.write()?))
    })?;
    if mode == QrMode::R {
        let [r] = record_several("LinalgQr", [r], &[a], |_, _, _| {
            Err(TensorError::new(
                ErrorKind::Autograd,
                OP,
                "mode r has no gradient: it needs Q, which the mode leaves out",
            ))
        });
        return Ok((Tensor::empty(&[0], a.dtype())?, r));
    }
    let [q, r] = record_several("LinalgQr", [q, r], &[a], move |[q, r], i, g| {
        if mode == QrMode::Complete && m > n {
            return Err(TensorError::new(
                ErrorKind::Autograd,
                OP,
                "mode complete has no gradient where there are more rows than columns",
            ));
        }
        Ok(smallvec![Some(qr_gradient(q, r, i == 0, g)?)])
    });
    Ok((q, r))
}

/// The gradient of A from that of Q or that of R, where Q is `[.., M, K]` and R `[.., K, N]`.
fn qr_gradient(q: &Tensor, r: &Tensor, of_q: bool, g: &Tensor) -> Result<Tensor> {
    let (k, n) = (r.size(-2)?, r.size(-1)?);
    if k == n {
        return tall_gradient(q, r, of_q.then_some(g), (!of_q).then_some(g));
    }
    // A = Q [U V]: the first columns decide Q, the others are Q V.
    let first = |t: &Tensor| t.narrow(-1, 0, k);
    let rest = |t: &Tensor| t.narrow(-1, k as isize, n - k);
    let (of_first, of_rest) = if of_q {
        let of_rest = Tensor::zeros(&[&q.shape()[..q.rank() - 1], &[n - k]].concat(), q.dtype())?;
        (tall_gradient(q, &first(r)?, Some(g), None)?, of_rest)
    } else {
        let of_v = rest(g)?;
        let through_q = q.matmul(&rest(r)?)?.matmul(&of_v.mt()?)?;
        (tall_gradient(q, &first(r)?, Some(&through_q), Some(&first(g)?))?, q.matmul(&of_v)?)
    };
    Tensor::cat(&[&of_first, &of_rest], -1)
}

/// The gradient of A where R is square: `(gQ + Q S) R^-T` with S the lower triangle of `R gR^T - gQ^T Q` and its mirror
/// image.
fn tall_gradient(q: &Tensor, r: &Tensor, gq: Option<&Tensor>, gr: Option<&Tensor>) -> Result<Tensor> {
    let inner = match (gq, gr) {
        (Some(gq), Some(gr)) => r.matmul(&gr.mt()?)?.sub(&gq.mt()?.matmul(q)?)?,
        (Some(gq), None) => gq.mt()?.matmul(q)?.neg()?,
        (None, Some(gr)) => r.matmul(&gr.mt()?)?,
        (None, None) => return Tensor::zeros_like(q),
    };
    let symmetric = inner.tril(0)?.add(&inner.tril(-1)?.mt()?)?;
    let through = q.matmul(&symmetric)?;
    let whole = match gq {
        Some(gq) => gq.add(&through)?,
        None => through,
    };
    triangle(&r.mt()?, &whole, false, false, false)
}

/// `A = P L U` of every matrix `[.., M, N]`: P a permutation `[.., M, M]`, L `[.., M, K]` lower triangular with a diagonal of
/// ones, U `[.., K, N]` upper triangular, K the smaller of M and N. A singular matrix has zeros on the diagonal of U.
/// PyTorch: `torch.linalg.lu`. Errors: `Shape`, `NotImplemented`.
pub fn lu(a: &Tensor) -> Result<(Tensor, Tensor, Tensor)> {
    const OP: &str = "lu";
    let (m, n) = sizes(OP, a)?;
    check_dtype(OP, a)?;
    let (factors, order) = match_real!(OP, a.dtype(), T => {
        let lu = Eliminated::<T>::new(OP, Batch::read(OP, a)?)?;
        let orders: Vec<i64> = lu.orders.iter().map(|&i| i as i64).collect();
        Ok::<_, TensorError>((lu.factors.write()?, lu.factors.write_lists(&orders, m)?))
    })?;
    let p = permutation_matrix(&order, a.dtype())?;
    let (l, u) = (lower(&factors, m.min(n))?, upper(&factors, m.min(n))?);
    let kept = p.clone();
    let [l, u] = record_several("LinalgLu", [l, u], &[a], move |[l, u], i, g| {
        let (gl, gu) = if i == 0 { (Some(g), None) } else { (None, Some(g)) };
        Ok(smallvec![Some(lu_gradient(&kept, l, u, gl, gu)?)])
    });
    Ok((p, l, u))
}

/// L of both factors in one matrix.
fn lower(factors: &Tensor, k: usize) -> Result<Tensor> {
    let below = factors.narrow(-1, 0, k)?.tril(-1)?;
    let ones = Tensor::eye(below.size(-2)?.max(k), factors.dtype())?.narrow(0, 0, below.size(-2)?)?;
    below.add(&ones.narrow(1, 0, k)?)
}

/// U of both factors in one matrix.
fn upper(factors: &Tensor, k: usize) -> Result<Tensor> {
    factors.narrow(-2, 0, k)?.triu(0)
}

/// Both factors of [`lu`] in one matrix `[.., M, N]`, L without its diagonal, and as i32 `[.., K]` with which row, counted from
/// 1, each was exchanged: what [`lu_solve`](super::lu_solve) takes. PyTorch: `torch.linalg.lu_factor`.
/// Errors: `Value` for a zero on the diagonal of U; `Shape`, `NotImplemented`.
pub fn lu_factor(a: &Tensor) -> Result<(Tensor, Tensor)> {
    const OP: &str = "lu_factor";
    let (m, n) = sizes(OP, a)?;
    check_dtype(OP, a)?;
    let k = m.min(n);
    let (factors, order, pivots) = match_real!(OP, a.dtype(), T => {
        let lu = Eliminated::<T>::new(OP, Batch::read(OP, a)?)?;
        let mut pivots = Vec::new();
        for i in 0..lu.factors.count() {
            if lu.pivots(i).any(|pivot| pivot == 0.0) {
                // No error of linear algebra to PyTorch, which has factored the matrix.
                let e = TensorError::new(ErrorKind::Value, OP, "the diagonal of U has a zero");
                return Err(e.with("matrix", i));
            }
            pivots.extend(lu.exchanges(i));
        }
        let orders: Vec<i64> = lu.orders.iter().map(|&i| i as i64).collect();
        let pivots = lu.factors.write_lists(&pivots, k)?;
        Ok::<_, TensorError>((lu.factors.write()?, lu.factors.write_lists(&orders, m)?, pivots))
    })?;
    let [factors] = record_several("LinalgLuFactorEx", [factors], &[a], move |[factors], _, g| {
        let p = permutation_matrix(&order, g.dtype())?;
        let (l, u) = (lower(factors, k)?, upper(factors, k)?);
        let (gl, gu) = (g.narrow(-1, 0, k)?, g.narrow(-2, 0, k)?);
        Ok(smallvec![Some(lu_gradient(&p, &l, &u, Some(&gl), Some(&gu))?)])
    });
    Ok((factors, pivots))
}

/// The gradient of A from those of L and U, of which only the parts below and not below the diagonal count. Where A
/// is not square, its first K rows and columns decide the others: `L2 = A2 U^-1` and `U2 = L^-1 A2`.
fn lu_gradient(
    p: &Tensor,
    l: &Tensor,
    u: &Tensor,
    gl: Option<&Tensor>,
    gu: Option<&Tensor>,
) -> Result<Tensor> {
    let (m, n, k) = (l.size(-2)?, u.size(-1)?, l.size(-1)?);
    let top = |t: &Tensor| t.narrow(-2, 0, k);
    let bottom = |t: &Tensor| t.narrow(-2, k as isize, m - k);
    let first = |t: &Tensor| t.narrow(-1, 0, k);
    let rest = |t: &Tensor| t.narrow(-1, k as isize, n - k);
    let (l1, u1) = (top(l)?, first(u)?);
    let zeros = || Tensor::zeros_like(&l1);
    let mut of_l = gl.map_or_else(zeros, |g| l1.mt()?.matmul(&top(g)?))?;
    let mut of_u = gu.map_or_else(zeros, |g| first(g)?.matmul(&u1.mt()?))?;
    if let Some(g) = gu.filter(|_| n > k) {
        of_l = of_l.sub(&rest(g)?.matmul(&rest(u)?.mt()?)?)?;
    }
    if let Some(g) = gl.filter(|_| m > k) {
        of_u = of_u.sub(&bottom(l)?.mt()?.matmul(&bottom(g)?)?)?;
    }
    let inner = of_l.tril(-1)?.add(&of_u.triu(0)?)?;
    let inner = triangle(&l1.mt()?, &inner, true, true, true)?;
    let square = triangle(&u1.mt()?, &inner, false, false, false)?;
    let whole = if n > k {
        let right = match gu {
            Some(g) => triangle(&l1.mt()?, &rest(g)?, true, true, true)?,
            None => Tensor::zeros_like(&rest(u)?)?,
        };
        Tensor::cat(&[&square, &right], -1)?
    } else if m > k {
        let below = match gl {
            Some(g) => triangle(&u1.mt()?, &bottom(g)?, false, false, false)?,
            None => Tensor::zeros_like(&bottom(l)?)?,
        };
        Tensor::cat(&[&square, &below], -2)?
    } else {
        square
    };
    p.matmul(&whole)
}

//! Singular values, eigenvalues of symmetric matrices, and their vectors.

use rusttorch_backend::{Result, TensorError};
use smallvec::smallvec;

use super::bridge::{Batch, about, check_dtype, match_real, sizes, square};
use super::kernel;
use crate::autograd::{is_grad_enabled, record_several};
use crate::tensor::Tensor;

/// `A = U diag(S) Vh` of every matrix `[.., M, N]`, the singular values S `[.., K]` in descending order, K the smaller
/// of M and N. U is `[.., M, M]` and Vh `[.., N, N]`, or without `full_matrices` `[.., M, K]` and `[.., K, N]`; the gradient of
/// what the former have more is passed over. The gradient of vectors is not finite where two singular values are
/// equal or, of a matrix that is not square, one is zero. PyTorch: `torch.linalg.svd`.
/// Errors: `LinAlg` for a matrix that is not finite; `Shape`, `NotImplemented`.
pub fn svd(a: &Tensor, full_matrices: bool) -> Result<(Tensor, Tensor, Tensor)> {
    const OP: &str = "svd";
    let (m, n) = sizes(OP, a)?;
    check_dtype(OP, a)?;
    let k = m.min(n);
    let (of_u, of_v) = if full_matrices { (m, n) } else { (k, k) };
    let (u, s, vh) = match_real!(OP, a.dtype(), T => {
        let mut batch = Batch::<T>::read(OP, a)?;
        let (mut u, mut s) = (batch.room(OP, m, of_u)?, batch.room(OP, k, 1)?);
        let mut v = batch.room(OP, n, of_v)?;
        for i in 0..batch.count() {
            let vectors = [u.get_mut(i), v.get_mut(i)];
            if !kernel::svd(OP, batch.get_mut(i), [m, n], s.get_mut(i), Some(vectors))? {
                return Err(not_finite(OP, &batch, i));
            }
        }
        Ok::<_, TensorError>((u.write()?, s.write_vectors()?, v.write_transposed()?))
    })?;
    let [u, s, vh] = record_several("LinalgSvd", [u, s, vh], &[a], move |[u, s, vh], i, g| {
        let (u, vh) = (u.narrow(-1, 0, k)?, vh.narrow(-2, 0, k)?);
        let gradient = match i {
            0 => of_left_vectors(&u, s, &vh, &g.narrow(-1, 0, k)?)?,
            1 => u.mul(&g.unsqueeze(-2)?)?.matmul(&vh)?,
            // The right vectors are the left ones of the transpose.
            _ => of_left_vectors(&vh.mt()?, s, &u.mt()?, &g.narrow(-2, 0, k)?.mt()?)?.mt()?,
        };
        Ok(smallvec![Some(gradient)])
    });
    Ok((u, s, vh))
}

fn not_finite<T: super::bridge::Real>(op: &'static str, batch: &Batch<T>, i: usize) -> TensorError {
    about(op, "does not converge: the matrix is not finite or ill-conditioned", batch, i)
}

/// `x - x^T`.
fn skew(x: &Tensor) -> Result<Tensor> {
    x.sub(&x.mt()?)
}

/// `from(x[j], x[i])` for all pairs of the last dimension, and ones on the diagonal.
fn gaps(x: &Tensor) -> Result<Tensor> {
    let gaps = x.unsqueeze(-2)?.sub(&x.unsqueeze(-1)?)?;
    let own = Tensor::eye(x.size(-1)?, crate::DType::Bool)?;
    gaps.masked_fill(&own, 1.0)
}

/// The gradient of `A = U diag(S) Vh` from that of U alone:
/// `U (skew(U^T gU) / E) S Vh + (I - U U^T) gU S^-1 Vh` with `E[i, j] = S[j]^2 - S[i]^2`.
fn of_left_vectors(u: &Tensor, s: &Tensor, vh: &Tensor, g: &Tensor) -> Result<Tensor> {
    let (m, k) = (u.size(-2)?, u.size(-1)?);
    // As a product, which loses less than the difference of squares.
    let sums = s.unsqueeze(-2)?.add(&s.unsqueeze(-1)?)?;
    let own = Tensor::eye(k, crate::DType::Bool)?;
    let squares = gaps(s)?.mul(&sums.masked_fill(&own, 1.0)?)?;
    let turned = u.mt()?.matmul(g)?;
    let inside = u.matmul(&skew(&turned)?.div(&squares)?.mul(&s.unsqueeze(-2)?)?)?;
    let whole = if m > k {
        let outside = g.sub(&u.matmul(&turned)?)?.div(&s.unsqueeze(-2)?)?;
        inside.add(&outside)?
    } else {
        inside
    };
    whole.matmul(vh)
}

/// The singular values of every matrix `[.., M, N]`, in descending order. Their gradient is finite always.
/// PyTorch: `torch.linalg.svdvals`. Errors: `LinAlg` for a matrix that is not finite; `Shape`, `NotImplemented`.
pub fn svdvals(a: &Tensor) -> Result<Tensor> {
    const OP: &str = "svdvals";
    if is_grad_enabled() && a.requires_grad() {
        return Ok(svd(a, false)?.1);
    }
    let (m, n) = sizes(OP, a)?;
    check_dtype(OP, a)?;
    match_real!(OP, a.dtype(), T => {
        let mut batch = Batch::<T>::read(OP, a)?;
        let mut s = batch.room(OP, m.min(n), 1)?;
        for i in 0..batch.count() {
            if !kernel::svd(OP, batch.get_mut(i), [m, n], s.get_mut(i), None)? {
                return Err(not_finite(OP, &batch, i));
            }
        }
        s.write_vectors()
    })
}

/// Which triangle of a symmetric matrix is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Uplo {
    /// The lower one. PyTorch: `UPLO="L"`.
    #[default]
    Lower,
    /// The upper one. PyTorch: `UPLO="U"`.
    Upper,
}

impl Uplo {
    /// The matrices with the triangle that is read as the lower one, with nothing recorded.
    fn of(self, a: &Tensor) -> Result<Tensor> {
        if self == Uplo::Upper { a.detach().mt() } else { Ok(a.detach()) }
    }
}

/// `A = V diag(w) V^T` of every symmetric matrix `[.., N, N]`: the eigenvalues w `[.., N]` in ascending order, the
/// eigenvectors in the columns of V. The gradient is symmetric; that of vectors is not finite where two eigenvalues are
/// equal. PyTorch: `torch.linalg.eigh`. Errors: `LinAlg` for a matrix that is not finite; `Shape`, `NotImplemented`.
pub fn eigh(a: &Tensor, uplo: Uplo) -> Result<(Tensor, Tensor)> {
    const OP: &str = "eigh";
    let n = square(OP, a)?;
    let (w, v) = match_real!(OP, a.dtype(), T => {
        let mut batch = Batch::<T>::read(OP, &uplo.of(a)?)?;
        let (mut w, mut v) = (batch.room(OP, n, 1)?, batch.room(OP, n, n)?);
        for i in 0..batch.count() {
            if !kernel::eigh(OP, batch.get_mut(i), n, w.get_mut(i), Some(v.get_mut(i)))? {
                return Err(not_finite(OP, &batch, i));
            }
        }
        Ok::<_, TensorError>((w.write_vectors()?, v.write()?))
    })?;
    let [w, v] = record_several("LinalgEigh", [w, v], &[a], |[w, v], i, g| {
        let gradient = if i == 0 {
            v.mul(&g.unsqueeze(-2)?)?.matmul(&v.mt()?)?
        } else {
            let turned = skew(&v.mt()?.matmul(g)?)?.div(&gaps(w)?)?.mul(0.5)?;
            v.matmul(&turned)?.matmul(&v.mt()?)?
        };
        Ok(smallvec![Some(gradient)])
    });
    Ok((w, v))
}

/// The eigenvalues of every symmetric matrix `[.., N, N]`, in ascending order. Their gradient is finite always.
/// PyTorch: `torch.linalg.eigvalsh`. Errors: `LinAlg` for a matrix that is not finite; `Shape`, `NotImplemented`.
pub fn eigvalsh(a: &Tensor, uplo: Uplo) -> Result<Tensor> {
    const OP: &str = "eigvalsh";
    if is_grad_enabled() && a.requires_grad() {
        return Ok(eigh(a, uplo)?.0);
    }
    let n = square(OP, a)?;
    match_real!(OP, a.dtype(), T => {
        let mut batch = Batch::<T>::read(OP, &uplo.of(a)?)?;
        let mut w = batch.room(OP, n, 1)?;
        for i in 0..batch.count() {
            if !kernel::eigh(OP, batch.get_mut(i), n, w.get_mut(i), None)? {
                return Err(not_finite(OP, &batch, i));
            }
        }
        w.write_vectors()
    })
}

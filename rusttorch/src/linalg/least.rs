//! Pseudoinverse, rank and least squares.

use rusttorch_backend::{DType, ErrorKind, Result, TensorError};
use smallvec::smallvec;

use super::bridge::sizes;
use super::values::{Uplo, eigh, eigvalsh, svd, svdvals};
use crate::Dims;
use crate::autograd::{Saved, no_grad, record};
use crate::tensor::Tensor;

/// Which singular values count as zero: those up to the larger of `absolute` and `relative` times the largest one.
/// Where `relative` is left out it is 0 next to an `absolute` above 0, else the larger size of the matrix times the
/// epsilon of its dtype.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tolerance {
    /// PyTorch: `atol`.
    pub absolute: Option<f64>,
    /// PyTorch: `rtol`.
    pub relative: Option<f64>,
}

fn epsilon(dtype: DType) -> f64 {
    if dtype == DType::F64 { f64::EPSILON } else { f32::EPSILON.into() }
}

impl Tolerance {
    /// Which of the singular values of each matrix, given by their sizes, do not count as zero.
    fn kept(self, a: &Tensor, sizes: &Tensor) -> Result<Tensor> {
        let absolute = self.absolute.unwrap_or(0.0);
        let (m, n) = (a.size(-2)?, a.size(-1)?);
        let relative = self.relative.unwrap_or(match absolute > 0.0 {
            true => 0.0,
            false => m.max(n) as f64 * epsilon(a.dtype()),
        });
        if sizes.size(-1)? == 0 {
            return Tensor::empty(sizes.shape(), DType::Bool);
        }
        // In f64, in which the bounds are given.
        let sizes = sizes.to_dtype(DType::F64)?;
        sizes.gt(&sizes.amax(Dims::from(-1), true)?.mul(relative)?.maximum(absolute)?)
    }
}

/// Error: `DType` for other dtypes than f32 and f64, as PyTorch has it here.
fn only_real(op: &'static str, a: &Tensor) -> Result<()> {
    sizes(op, a)?;
    match a.dtype() {
        DType::F32 | DType::F64 => Ok(()),
        other => Err(TensorError::new(ErrorKind::DType, op, "needs float32 or float64").with("dtype", other)),
    }
}

/// The pseudoinverse `[.., N, M]` of every matrix `[.., M, N]`: singular values that count as zero are left out. With
/// `hermitian` the matrices are taken as symmetric, and their eigenvalues are used. The gradient is right as long as
/// the rank stays the same. PyTorch: `torch.linalg.pinv`. Errors: `LinAlg` for a matrix that is not finite; `Shape`; `DType`
/// for other dtypes than f32 and f64.
pub fn pinv(a: &Tensor, tolerance: Tolerance, hermitian: bool) -> Result<Tensor> {
    const OP: &str = "pinv";
    only_real(OP, a)?;
    let out = no_grad(|| {
        let a = a.detach();
        let inverted = |values: &Tensor| {
            let sizes = values.abs()?;
            let kept = tolerance.kept(&a, &sizes)?;
            values.reciprocal()?.masked_fill(&kept.logical_not()?, 0.0)
        };
        if hermitian {
            let (w, v) = eigh(&a, Uplo::Lower)?;
            return v.mul(&inverted(&w)?.unsqueeze(-2)?)?.matmul(&v.mt()?);
        }
        let (u, s, vh) = svd(&a, false)?;
        vh.mt()?.mul(&inverted(&s)?.unsqueeze(-2)?)?.matmul(&u.mt()?)
    })?;
    Ok(record("LinalgPinv", out, [a], |out| {
        let (a, out) = (Saved::input(a), Saved::output(out));
        Box::new(move |context, g| {
            Ok(smallvec![Some(pinv_gradient(&a.unpack(context)?, &out.unpack(context)?, g)?)])
        })
    }))
}

/// `-P^T G P^T + (I - A P) G^T P P^T + P^T P G^T (I - P A)`.
fn pinv_gradient(a: &Tensor, p: &Tensor, g: &Tensor) -> Result<Tensor> {
    let (pt, gt) = (p.mt()?, g.mt()?);
    let left = gt.matmul(p)?.matmul(&pt)?;
    let right = pt.matmul(p)?.matmul(&gt)?;
    let inside = pt.matmul(g)?.matmul(&pt)?;
    let left = left.sub(&a.matmul(&p.matmul(&left)?)?)?;
    let right = right.sub(&right.matmul(p)?.matmul(a)?)?;
    left.add(&right)?.sub(&inside)
}

/// The number of singular values of every matrix that do not count as zero, as i64; with `hermitian` of eigenvalues.
/// PyTorch: `torch.linalg.matrix_rank`. Errors: `LinAlg` for a matrix that is not finite; `Shape`; `DType` for other dtypes
/// than f32 and f64.
pub fn matrix_rank(a: &Tensor, tolerance: Tolerance, hermitian: bool) -> Result<Tensor> {
    only_real("matrix_rank", a)?;
    let a = &a.detach();
    let sizes = if hermitian { eigvalsh(a, Uplo::Lower)?.abs()? } else { svdvals(a)? };
    tolerance.kept(a, &sizes)?.sum_dim(Dims::from(-1), false)
}

/// PyTorch's `driver` of [`lstsq`]: which results there are besides the solution. All are computed from singular
/// values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Driver {
    /// Solution and rank.
    #[default]
    Gelsy,
    /// Solution and residuals, of matrices of full rank only.
    Gels,
    /// Everything.
    Gelsd,
    /// Everything.
    Gelss,
}

/// What [`lstsq`] gives. What a driver leaves out is of shape `[0]`.
#[derive(Debug, Clone)]
pub struct LeastSquares {
    /// X `[.., N, K]`, or `[.., N]`.
    pub solution: Tensor,
    /// Sums of squares of the columns of `A X - B`: `[.., K]`, where M > N and all matrices are of rank N.
    pub residuals: Tensor,
    /// Rank of each A, as i64.
    pub rank: Tensor,
    /// Singular values of each A, in descending order.
    pub singular_values: Tensor,
}

/// The X that makes `|A X - B|` least, and of those the shortest: A `[.., M, N]`, B `[.., M, K]`, the leading sizes
/// broadcast. B is a batch of vectors `[.., M]` where its rank is one less than A's. Singular values up to `rcond` times the
/// largest count as zero (default: the larger size times the epsilon of the dtype). Gradients of solution
/// and residuals are right for matrices of full rank. PyTorch: `torch.linalg.lstsq`.
/// Errors: `LinAlg` for a matrix that is not finite, or under [`Driver::Gels`] not of full rank; `Shape`; `DType` for other dtypes than f32
/// and f64, or two.
pub fn lstsq(a: &Tensor, b: &Tensor, rcond: Option<f64>, driver: Driver) -> Result<LeastSquares> {
    const OP: &str = "lstsq";
    only_real(OP, a)?;
    let fail = |kind, rule| TensorError::new(kind, OP, rule);
    if a.rank() < b.rank() || a.rank() - b.rank() > 1 {
        return Err(fail(ErrorKind::Shape, "B has neither A's rank nor one less")
            .with("A", a.shape())
            .with("B", b.shape()));
    }
    let vector = a.rank() - b.rank() == 1;
    let b = if vector { &b.unsqueeze(-1)? } else { b };
    if a.size(-2)? != b.size(-2)? {
        return Err(fail(ErrorKind::Shape, "A and B differ in their rows")
            .with("A", a.shape())
            .with("B", b.shape()));
    }
    if a.dtype() != b.dtype() {
        return Err(fail(ErrorKind::DType, "A and B differ in dtype")
            .with("A", a.dtype())
            .with("B", b.dtype()));
    }
    let (a, b) = &super::bridge::same_lead(OP, a, b)?;
    let (m, n) = sizes(OP, a)?;
    let relative = rcond.filter(|r| *r >= 0.0);
    let tolerance = Tolerance { absolute: None, relative };
    let (solution, kept, s) = no_grad(|| {
        let (u, s, vh) = svd(&a.detach(), false)?;
        let kept = tolerance.kept(a, &s)?;
        let inverse = s.reciprocal()?.masked_fill(&kept.logical_not()?, 0.0)?;
        let turned = u.mt()?.matmul(&b.detach())?.mul(&inverse.unsqueeze(-1)?)?;
        Ok((vh.mt()?.matmul(&turned)?, kept, s))
    })?;
    let full = kept.all(Dims::all(), false)?.item()?.to_bool();
    if driver == Driver::Gels && !full {
        return Err(fail(ErrorKind::LinAlg, "a matrix is not of full rank").with("A", a.shape()));
    }
    let solution = record("LinalgLstsq", solution, [a, b], |_| {
        let (a, b) = (Saved::input(a), Saved::input(b));
        Box::new(move |context, g| {
            let (a, b) = (a.unpack(context)?, b.unpack(context)?);
            let p = pinv(&a, Tolerance::default(), false)?;
            let of_a = context.needs(0).then(|| pinv_gradient(&a, &p, &g.matmul(&b.mt()?)?)).transpose()?;
            let of_b = context.needs(1).then(|| p.mt()?.matmul(g)).transpose()?;
            Ok(smallvec![of_a, of_b])
        })
    });
    let nothing = |dtype| Tensor::empty(&[0], dtype);
    let residuals = match driver {
        _ if driver == Driver::Gelsy || m <= n || !full => {
            let none = nothing(a.dtype())?;
            record("LinalgLstsq", none, [a, b], |_| Box::new(|_, _| Ok(smallvec![None, None])))
        }
        _ => a.matmul(&solution)?.sub(b)?.square()?.sum_dim(Dims::from(-2), false)?,
    };
    let rank = match driver {
        Driver::Gels => nothing(DType::I64)?,
        _ => kept.sum_dim(Dims::from(-1), false)?,
    };
    let singular_values = match driver {
        Driver::Gelsd | Driver::Gelss => s,
        _ => nothing(a.dtype())?,
    };
    let solution = if vector { solution.squeeze(-1)? } else { solution };
    Ok(LeastSquares { solution, residuals, rank, singular_values })
}

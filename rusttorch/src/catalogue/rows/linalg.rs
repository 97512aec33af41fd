//! Linear algebra.

#![allow(non_snake_case, reason = "the names of PyTorch's parameters")]

use rusttorch_backend::{DType, ErrorKind, Result, Scalar, TensorError};

use crate::catalogue::NONE;
use crate::catalogue::macros::rows;
use crate::catalogue::value::Value;
use crate::linalg::{self, Driver, MatrixNorm, QrMode, Tolerance, Uplo};
use crate::ops::Dims;
use crate::tensor::Tensor;

rows! { ROWS: LinearAlgebra;
    "torch.linalg.det" (A: Tensor) out => linalg::det(&A);
    "torch.det" (input: Tensor) => linalg::det(&input);
    "torch.linalg.slogdet" (A: Tensor) out => linalg::slogdet(&A);
    "torch.slogdet" (input: Tensor) out => linalg::slogdet(&input);
    "torch.logdet" (input: Tensor) => linalg::logdet(&input);
    "torch.linalg.inv" (A: Tensor) out => linalg::inv(&A);
    "torch.inverse" (input: Tensor) out => linalg::inv(&input);
    "torch.linalg.solve" (A: Tensor, B: Tensor; left: bool = true) out => linalg::solve(&A, &B, left);
    "torch.linalg.solve_triangular"
        (input: Tensor, B: Tensor; upper: bool, left: bool = true, unitriangular: bool = false) out
        => linalg::solve_triangular(&input, &B, upper, left, unitriangular);
    "torch.linalg.cholesky" (input: Tensor; upper: bool = false) out => linalg::cholesky(&input, upper);
    "torch.cholesky_solve" (input: Tensor, input2: Tensor, upper: bool = false) out
        => linalg::cholesky_solve(&input, &input2, upper);
    "torch.cholesky_inverse" (input: Tensor, upper: bool = false) out => linalg::cholesky_inverse(&input, upper);
    "torch.linalg.qr" (A: Tensor, mode: String = "reduced") out
        => qr_mode(&mode).and_then(|mode| linalg::qr(&A, mode));
    "torch.linalg.lu" (A: Tensor; pivot: bool = true) out => pivoting("lu", pivot).and_then(|()| linalg::lu(&A));
    "torch.linalg.lu_factor" (A: Tensor; pivot: bool = true) out
        => pivoting("lu_factor", pivot).and_then(|()| linalg::lu_factor(&A));
    "torch.linalg.lu_solve" (LU: Tensor, pivots: Tensor, B: Tensor; left: bool = true, adjoint: bool = false) out
        => linalg::lu_solve(&LU, &pivots, &B, left, adjoint);
    "torch.linalg.svd" (A: Tensor, full_matrices: bool = true; driver: Option<String> = NONE) out
        => no_driver("svd", driver.as_deref()).and_then(|()| linalg::svd(&A, full_matrices));
    "torch.linalg.svdvals" (A: Tensor; driver: Option<String> = NONE) out
        => no_driver("svdvals", driver.as_deref()).and_then(|()| linalg::svdvals(&A));
    "torch.svd" (input: Tensor, some: bool = true, compute_uv: bool = true) out => svd(&input, some, compute_uv);
    "torch.linalg.eigh" (input: Tensor, UPLO: String = "L") out
        => uplo("eigh", &UPLO).and_then(|uplo| linalg::eigh(&input, uplo));
    "torch.linalg.eigvalsh" (input: Tensor, UPLO: String = "L") out
        => uplo("eigvalsh", &UPLO).and_then(|uplo| linalg::eigvalsh(&input, uplo));
    "torch.linalg.pinv" (
        input: Tensor, rcond: Option<f64> = NONE, hermitian: bool = false;
        atol: Option<f64> = NONE, rtol: Option<f64> = NONE
    ) out => linalg::pinv(&input, Tolerance { absolute: atol, relative: rtol.or(rcond) }, hermitian);
    "torch.pinverse" (input: Tensor, rcond: f64 = 1e-15)
        => linalg::pinv(&input, Tolerance { absolute: None, relative: Some(rcond) }, false);
    "torch.linalg.matrix_rank" (
        input: Tensor, tol: Option<f64> = NONE, hermitian: bool = false;
        atol: Option<f64> = NONE, rtol: Option<f64> = NONE
    ) out => linalg::matrix_rank(&input, rank_tolerance(tol, atol, rtol), hermitian);
    "torch.linalg.lstsq" (input: Tensor, b: Tensor, rcond: Option<f64> = NONE; driver: Option<String> = NONE) out
        => least_squares(&input, &b, rcond, driver.as_deref());
    "torch.linalg.matrix_norm" (
        input: Tensor, ord: Value = "fro", dim: Vec<isize> = vec![-2i64, -1], keepdim: bool = false;
        dtype: Option<DType> = NONE
    ) out => matrix_norm(&input, &ord, &dim, keepdim, dtype);
    "torch.linalg.norm" (
        input: Tensor, ord: Value = NONE, dim: Dims = NONE, keepdim: bool = false; dtype: Option<DType> = NONE
    ) out => order("norm", &ord).and_then(|ord| linalg::norm(&input, ord, dim, keepdim, dtype));
    "torch.linalg.cond" (input: Tensor, p: Value = NONE) out
        => order("cond", &p).and_then(|p| linalg::cond(&input, p));
}

fn bad(op: &'static str, rule: &'static str, name: &'static str, given: &str) -> TensorError {
    TensorError::new(ErrorKind::Value, op, rule).with(name, given.to_owned())
}

fn qr_mode(mode: &str) -> Result<QrMode> {
    match mode {
        "reduced" => Ok(QrMode::Reduced),
        "complete" => Ok(QrMode::Complete),
        "r" => Ok(QrMode::R),
        other => Err(bad("qr", "not a mode", "mode", other)),
    }
}

fn uplo(op: &'static str, text: &str) -> Result<Uplo> {
    match text {
        "L" | "l" => Ok(Uplo::Lower),
        "U" | "u" => Ok(Uplo::Upper),
        other => Err(bad(op, "UPLO is neither L nor U", "UPLO", other)),
    }
}

/// PyTorch has no elimination without pivoting on a CPU either.
fn pivoting(op: &'static str, pivot: bool) -> Result<()> {
    match pivot {
        true => Ok(()),
        false => Err(bad(op, "only with pivoting", "pivot", "false")),
    }
}

/// PyTorch's drivers of `svd` are those of another device.
fn no_driver(op: &'static str, driver: Option<&str>) -> Result<()> {
    driver.map_or(Ok(()), |driver| Err(bad(op, "takes no driver here", "driver", driver)))
}

/// The older form: V rather than its transpose, and zeros where no vectors are asked for.
fn svd(a: &Tensor, some: bool, compute_uv: bool) -> Result<(Tensor, Tensor, Tensor)> {
    if compute_uv {
        let (u, s, vh) = linalg::svd(a, !some)?;
        return Ok((u, s, vh.mt()?));
    }
    let s = linalg::svdvals(a)?;
    let zeros = |n: usize| {
        let shape = [&a.shape()[..a.rank() - 2], &[n, n]].concat();
        Tensor::zeros(&shape, a.dtype())
    };
    Ok((zeros(a.size(-2)?)?, s, zeros(a.size(-1)?)?))
}

/// The older `tol` is an absolute bound alone.
fn rank_tolerance(tol: Option<f64>, atol: Option<f64>, rtol: Option<f64>) -> Tolerance {
    match tol {
        Some(tol) => Tolerance { absolute: Some(tol), relative: Some(rtol.unwrap_or(0.0)) },
        None => Tolerance { absolute: atol, relative: rtol },
    }
}

fn least_squares(
    a: &Tensor,
    b: &Tensor,
    rcond: Option<f64>,
    driver: Option<&str>,
) -> Result<(Tensor, Tensor, Tensor, Tensor)> {
    let driver = match driver {
        None | Some("gelsy") => Driver::Gelsy,
        Some("gels") => Driver::Gels,
        Some("gelsd") => Driver::Gelsd,
        Some("gelss") => Driver::Gelss,
        Some(other) => return Err(bad("lstsq", "not a driver", "driver", other)),
    };
    let found = linalg::lstsq(a, b, rcond, driver)?;
    Ok((found.solution, found.residuals, found.rank, found.singular_values))
}

/// A norm of matrices by PyTorch's `ord`. Errors: `Value` for a word that names none, `Type`.
fn order(op: &'static str, ord: &Value) -> Result<Option<MatrixNorm>> {
    Ok(Some(match ord {
        Value::None => return Ok(None),
        Value::Text(text) => match text.as_str() {
            "fro" => MatrixNorm::Frobenius,
            "nuc" => MatrixNorm::Nuclear,
            other => return Err(bad(op, "there is no norm of this order", "ord", other)),
        },
        Value::Scalar(number @ (Scalar::Int(_) | Scalar::Float(_))) => MatrixNorm::Order(number.to_f64()),
        other => {
            return Err(TensorError::new(ErrorKind::Type, op, "ord is neither a number nor a word")
                .with("given", other.kind()));
        }
    }))
}

fn matrix_norm(
    a: &Tensor,
    ord: &Value,
    dim: &[isize],
    keepdim: bool,
    dtype: Option<DType>,
) -> Result<Tensor> {
    const OP: &str = "matrix_norm";
    let Some(ord) = order(OP, ord)? else {
        return Err(TensorError::new(ErrorKind::Type, OP, "ord is neither a number nor a word"));
    };
    let &[rows, columns] = dim else {
        return Err(TensorError::new(ErrorKind::Shape, OP, "dim must name two dimensions").with("dim", dim));
    };
    linalg::matrix_norm(a, ord, [rows, columns], keepdim, dtype)
}

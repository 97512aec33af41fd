//! Norms of matrices, and condition.

use rusttorch_backend::layout::normalize_dim;
use rusttorch_backend::{DType, ErrorKind, Result, ResultType, TensorError};

use super::bridge::{sizes, square};
use super::solve::inverse_unchecked;
use super::values::svdvals;
use crate::Dims;
use crate::tensor::Tensor;

/// PyTorch's `ord` of a norm of matrices.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum MatrixNorm {
    /// Root of the sum of squares: `"fro"`.
    #[default]
    Frobenius,
    /// Sum of the singular values: `"nuc"`.
    Nuclear,
    /// A number: 1 and -1 are the largest and the smallest sum of absolute values of a column, the infinities those of
    /// a row, 2 and -2 the largest and the smallest singular value. There are no others.
    Order(f64),
}

impl From<f64> for MatrixNorm {
    fn from(order: f64) -> Self {
        MatrixNorm::Order(order)
    }
}

/// What an order comes to.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Frobenius,
    Nuclear,
    /// The largest, or the smallest, singular value.
    Singular {
        largest: bool,
    },
    /// The largest, or the smallest, of the sums of absolute values of columns, or of rows.
    Sums {
        columns: bool,
        largest: bool,
    },
}

impl MatrixNorm {
    fn kind(self) -> Option<Kind> {
        let MatrixNorm::Order(order) = self else {
            return Some(if self == MatrixNorm::Nuclear { Kind::Nuclear } else { Kind::Frobenius });
        };
        let largest = order > 0.0;
        match order.abs() {
            1.0 => Some(Kind::Sums { columns: true, largest }),
            2.0 => Some(Kind::Singular { largest }),
            f64::INFINITY => Some(Kind::Sums { columns: false, largest }),
            _ => None,
        }
    }

    fn text(self) -> String {
        match self {
            MatrixNorm::Frobenius => "fro".to_owned(),
            MatrixNorm::Nuclear => "nuc".to_owned(),
            MatrixNorm::Order(order) => order.to_string(),
        }
    }
}

/// The norm of matrices that lie in two dimensions of a float tensor. With `keepdim` these stay with size 1; with
/// `dtype`, which must hold the tensor's, the elements are cast to it first. Of an empty matrix 0, but for the orders
/// that ask for the smallest of nothing. Gradients at ties are shared, and at 0 they are 0, as far as they do not come
/// through singular vectors. PyTorch: `torch.linalg.matrix_norm`.
///
/// Errors: `Value` for an order that there is not; `NotImplemented` for integers and bool, and for halves where the norm
/// needs singular values; `LinAlg` where it does and the matrix is not finite; `Shape`, `Dim`, `Index` for the smallest
/// of nothing, `DType`.
pub fn matrix_norm(
    a: &Tensor,
    ord: impl Into<MatrixNorm>,
    dims: [isize; 2],
    keepdim: bool,
    dtype: Option<DType>,
) -> Result<Tensor> {
    const OP: &str = "matrix_norm";
    let ord = ord.into();
    sizes(OP, a)?;
    let fail = |kind, rule| TensorError::new(kind, OP, rule);
    if !a.dtype().is_float() {
        return Err(fail(ErrorKind::NotImplemented, "needs a floating-point tensor").with("dtype", a.dtype()));
    }
    let d = [normalize_dim(OP, dims[0], a.rank())?, normalize_dim(OP, dims[1], a.rank())?];
    if d[0] == d[1] {
        return Err(fail(ErrorKind::Shape, "the two dimensions are one").with("dims", &dims[..]));
    }
    let Some(kind) = ord.kind() else {
        return Err(fail(ErrorKind::Value, "there is no norm of this order").with("ord", ord.text()));
    };
    let by_values = matches!(kind, Kind::Nuclear | Kind::Singular { .. });
    if by_values && a.dtype().is_half() {
        return Err(fail(ErrorKind::NotImplemented, "needs float32 or float64").with("dtype", a.dtype()));
    }
    let a = match dtype {
        Some(dtype) => {
            let holds = ResultType::new().tensor(a.dtype(), 1).tensor(dtype, 1).dtype() == dtype;
            if !dtype.is_float() || !holds {
                return Err(fail(ErrorKind::DType, "dtype must be a float that holds the tensor's")
                    .with("dtype", dtype)
                    .with("tensor", a.dtype()));
            }
            &a.to_dtype(dtype)?
        }
        None => a,
    };
    let [rows, columns] = d.map(|d| d as isize);
    let kept = match kind {
        Kind::Frobenius => a.vector_norm(2.0, [rows, columns], true, None)?,
        Kind::Sums { columns: of_columns, largest } => {
            let (along, over) = if of_columns { (rows, columns) } else { (columns, rows) };
            extreme(&a.abs()?.sum_dim(Dims::from(along), true)?, over, largest)?
        }
        Kind::Nuclear | Kind::Singular { .. } => {
            let values = svdvals(&a.movedim([rows, columns], [-2, -1])?)?;
            let one = match kind {
                Kind::Singular { largest } => extreme(&values, -1, largest)?,
                _ => values.sum_dim(Dims::from(-1), true)?,
            };
            one.unsqueeze(-1)?.movedim([-2, -1], [rows, columns])?
        }
    };
    if keepdim {
        return Ok(kept);
    }
    kept.squeeze(d[0].max(d[1]) as isize)?.squeeze(d[0].min(d[1]) as isize)
}

/// The largest or smallest along a dim, which is kept. The largest of nothing is 0. Error: `Index`.
fn extreme(x: &Tensor, dim: isize, largest: bool) -> Result<Tensor> {
    match largest {
        true if x.size(dim)? == 0 => x.sum_dim(Dims::from(dim), true),
        true => x.amax(Dims::from(dim), true),
        false => x.amin(Dims::from(dim), true),
    }
}

/// The norm of vectors or matrices. Without `ord` the root of the sum of squares, of all elements or along one or two
/// dims; with it the norm of vectors along one dim or of a 1-d tensor, and that of matrices in two dims or of a 2-d
/// tensor. PyTorch: `torch.linalg.norm`. Errors: `Shape` for other numbers of dims; those of
/// [`vector_norm`](Tensor::vector_norm) and [`matrix_norm`].
pub fn norm(
    x: &Tensor,
    ord: Option<MatrixNorm>,
    dims: impl Into<Dims>,
    keepdim: bool,
    dtype: Option<DType>,
) -> Result<Tensor> {
    const OP: &str = "norm";
    let dims = dims.into();
    let named = dims.0.as_deref();
    if named.is_some_and(|d| !matches!(d.len(), 1 | 2)) {
        return Err(TensorError::new(ErrorKind::Shape, OP, "dim must name one dimension or two")
            .with("dim", named.unwrap_or_default()));
    }
    let Some(ord) = ord else { return x.vector_norm(2.0, dims, keepdim, dtype) };
    match (ord, named, x.rank()) {
        (_, Some(&[rows, columns]), _) => matrix_norm(x, ord, [rows, columns], keepdim, dtype),
        (_, None, 2) => matrix_norm(x, ord, [0, 1], keepdim, dtype),
        (MatrixNorm::Order(order), Some(_), _) | (MatrixNorm::Order(order), None, 1) => {
            x.vector_norm(order, dims, keepdim, dtype)
        }
        _ => Err(TensorError::new(
            ErrorKind::Shape,
            OP,
            "the norm is one of matrices, or of 1 or 2 dimensions",
        )
        .with("ord", ord.text())
        .with("shape", x.shape())),
    }
}

/// The ratio of the largest and the smallest singular value of every matrix, for `None` and the order 2 (-2: the inverse
/// ratio), else `|A| |A^-1|` of square matrices. Infinite for a singular matrix, 0 of an empty one.
/// PyTorch: `torch.linalg.cond`. Errors: `Argument` for a norm that there is not; `LinAlg` for a matrix that is not finite,
/// where singular values are needed; `Shape`; `NotImplemented` for other dtypes than f32 and f64.
pub fn cond(a: &Tensor, norm: Option<MatrixNorm>) -> Result<Tensor> {
    const OP: &str = "cond";
    let norm = norm.unwrap_or(MatrixNorm::Order(2.0));
    let Some(kind) = norm.kind() else {
        return Err(TensorError::new(ErrorKind::Argument, OP, "there is no norm of this order")
            .with("ord", norm.text()));
    };
    sizes(OP, a)?;
    super::bridge::check_dtype(OP, a)?;
    let by_ratio = matches!(kind, Kind::Singular { .. });
    if !by_ratio {
        square(OP, a)?;
    }
    if a.numel() == 0 {
        return Tensor::zeros(super::bridge::lead(a), a.dtype());
    }
    if let Kind::Singular { largest } = kind {
        let values = svdvals(a)?;
        let (first, last) = (values.select(-1, 0)?, values.select(-1, -1)?);
        return if largest { first.div(&last) } else { last.div(&first) };
    }
    let of = |x: &Tensor| matrix_norm(x, norm, [-2, -1], false, None);
    match super::solve::inv(a) {
        Ok(inverse) => of(a)?.mul(&of(&inverse)?),
        Err(e) if e.kind() == ErrorKind::LinAlg => {
            // Matrix by matrix, for only some are singular.
            let (det, a) = (super::determinant::det(&a.detach())?, a.detach());
            let ones = Tensor::eye(a.size(-1)?, a.dtype())?;
            let singular = det.eq(0.0)?;
            let regular = Tensor::where_cond(&singular.unsqueeze(-1)?.unsqueeze(-1)?, &ones, &a)?;
            of(&a)?.mul(&of(&inverse_unchecked(&regular)?)?)?.masked_fill(&singular, f64::INFINITY)
        }
        Err(e) => Err(e),
    }
}

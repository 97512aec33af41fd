//! From tensors to batches of dense matrices in the order that faer likes, column by column, and back.

use std::ops::{Div, Mul, Neg};

use faer::traits::RealField;
use rusttorch_backend::layout::{broadcast_shapes, numel};
use rusttorch_backend::{DType, Element, ErrorKind, Result, Shape, TensorError};

use crate::tensor::{Tensor, TensorElement};

/// The element types of this module.
pub(super) trait Real:
    RealField
    + Element
    + TensorElement<Element = Self>
    + PartialOrd
    + Copy
    + Neg<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
{
    const ZERO: Self;
    const ONE: Self;
    fn finite(self) -> bool;
    fn size(self) -> Self;
    /// The power of two by which numbers up to this size are multiplied to lie about 1; 1 where their squares
    /// neither overflow nor vanish.
    fn scale(self) -> Self;
}

macro_rules! real {
    ($($t:ty, $safe:literal;)*) => { $(
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            fn finite(self) -> bool {
                self.is_finite()
            }
            fn size(self) -> Self {
                self.abs()
            }
            fn scale(self) -> Self {
                if self == 0.0 || (-$safe..=$safe).contains(&self.log2()) {
                    return 1.0;
                }
                // One step short of the range at both ends: the reciprocal of a power of two is one too.
                let most = <$t>::MAX_EXP as $t - 1.0;
                (-self.log2().round()).clamp(-most, most).exp2()
            }
        }
    )* };
}
real! {
    f32, 40.0;
    f64, 400.0;
}

/// Runs the expression with `$t` as the tensor's element type. Error: `NotImplemented` for other dtypes than f32 and
/// f64.
macro_rules! match_real {
    ($op:expr, $dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            rusttorch_backend::DType::F32 => {
                type $t = f32;
                $body
            }
            rusttorch_backend::DType::F64 => {
                type $t = f64;
                $body
            }
            other => Err($crate::linalg::bridge::refused($op, other)),
        }
    };
}
pub(super) use match_real;

pub(super) fn refused(op: &'static str, dtype: DType) -> TensorError {
    TensorError::new(ErrorKind::NotImplemented, op, "needs float32 or float64").with("dtype", dtype)
}

/// Error: `NotImplemented` for other dtypes than f32 and f64.
pub(super) fn check_dtype(op: &'static str, x: &Tensor) -> Result<()> {
    match x.dtype() {
        DType::F32 | DType::F64 => Ok(()),
        other => Err(refused(op, other)),
    }
}

/// Rows and columns. Error: `Shape` below rank 2.
pub(super) fn sizes(op: &'static str, x: &Tensor) -> Result<(usize, usize)> {
    match *x.shape() {
        [.., m, n] => Ok((m, n)),
        _ => {
            Err(TensorError::new(ErrorKind::Shape, op, "needs at least 2 dimensions")
                .with("shape", x.shape()))
        }
    }
}

/// The side of square matrices. Errors: `Shape`; `NotImplemented` for other dtypes than f32 and f64.
pub(super) fn square(op: &'static str, x: &Tensor) -> Result<usize> {
    let (m, n) = sizes(op, x)?;
    if m != n {
        return Err(
            TensorError::new(ErrorKind::Shape, op, "matrices are not square").with("shape", x.shape())
        );
    }
    check_dtype(op, x)?;
    Ok(n)
}

/// The leading sizes.
pub(super) fn lead(x: &Tensor) -> &[usize] {
    &x.shape()[..x.rank().saturating_sub(2)]
}

/// Both with the leading sizes that theirs broadcast to. Error: `Shape`.
pub(super) fn same_lead(op: &'static str, a: &Tensor, b: &Tensor) -> Result<(Tensor, Tensor)> {
    let joined = broadcast_shapes(op, lead(a), lead(b))?;
    let stretched = |t: &Tensor| {
        let shape: Shape = joined.iter().chain(&t.shape()[t.rank() - 2..]).copied().collect();
        t.broadcast_to(&shape)
    };
    Ok((stretched(a)?, stretched(b)?))
}

/// Matrices one after another, each column by column.
pub(super) struct Batch<T> {
    pub(super) data: Vec<T>,
    pub(super) rows: usize,
    pub(super) columns: usize,
    lead: Shape,
    count: usize,
}

impl<T: Real> Batch<T> {
    /// The matrices of a tensor of this element type and at least rank 2.
    pub(super) fn read(op: &'static str, x: &Tensor) -> Result<Batch<T>> {
        let (rows, columns) = sizes(op, x)?;
        // The leading sizes of matrices without elements may be any.
        let count = numel(op, lead(x))?;
        let data = x.detach().mt()?.elements::<T>(op)?;
        Ok(Batch { data, rows, columns, lead: lead(x).into(), count })
    }

    /// Zeros in a batch of the same leading sizes. Error: `Memory`.
    pub(super) fn room(&self, op: &'static str, rows: usize, columns: usize) -> Result<Batch<T>> {
        let data = room(op, numel(op, &[self.count, rows, columns])?, T::ZERO)?;
        Ok(Batch { data, rows, columns, lead: self.lead.clone(), count: self.count })
    }

    /// How many matrices there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The place of one matrix.
    pub(super) fn at(&self, i: usize) -> std::ops::Range<usize> {
        let size = self.rows * self.columns;
        i * size..(i + 1) * size
    }

    pub(super) fn get(&self, i: usize) -> &[T] {
        &self.data[self.at(i)]
    }

    pub(super) fn get_mut(&mut self, i: usize) -> &mut [T] {
        let at = self.at(i);
        &mut self.data[at]
    }

    /// As a dense tensor `[.., rows, columns]`.
    pub(super) fn write(&self) -> Result<Tensor> {
        let shape: Shape = self.lead.iter().copied().chain([self.columns, self.rows]).collect();
        Ok(Tensor::from_slice(&self.data, &shape)?.mt()?.contiguous()?.detach())
    }

    /// As a dense tensor `[.., columns, rows]`: the transposes.
    pub(super) fn write_transposed(&self) -> Result<Tensor> {
        let shape: Shape = self.lead.iter().copied().chain([self.columns, self.rows]).collect();
        Tensor::from_slice(&self.data, &shape)
    }

    /// Where each matrix is one column: as a dense tensor `[.., rows]`.
    pub(super) fn write_vectors(&self) -> Result<Tensor> {
        let shape: Shape = self.lead.iter().copied().chain([self.rows]).collect();
        Tensor::from_slice(&self.data, &shape)
    }

    /// Numbers, one for each matrix, as a tensor.
    pub(super) fn write_numbers<E: TensorElement>(&self, numbers: &[E]) -> Result<Tensor> {
        Tensor::from_slice(numbers, &self.lead)
    }

    /// Numbers, `n` for each matrix, as a tensor.
    pub(super) fn write_lists<E: TensorElement>(&self, numbers: &[E], n: usize) -> Result<Tensor> {
        let shape: Shape = self.lead.iter().copied().chain([n]).collect();
        Tensor::from_slice(numbers, &shape)
    }
}

/// `count` copies of a value. Error: `Memory`.
pub(super) fn room<T: Clone>(op: &'static str, count: usize, value: T) -> Result<Vec<T>> {
    let mut out = Vec::new();
    out.try_reserve_exact(count).map_err(|e| {
        TensorError::new(ErrorKind::Memory, op, "allocation failed").with("elements", count).caused_by(e)
    })?;
    out.resize(count, value);
    Ok(out)
}

/// An error about one matrix of a batch. Of a single matrix its number says nothing.
pub(super) fn about<T: Real>(
    op: &'static str,
    rule: &'static str,
    batch: &Batch<T>,
    i: usize,
) -> TensorError {
    let e = TensorError::new(ErrorKind::LinAlg, op, rule);
    if batch.lead.is_empty() { e } else { e.with("matrix", i) }
}

//! Argument types that let one method take what PyTorch's takes.

use rusttorch_backend::{DType, Result, ResultType, Scalar, bf16, f16};
use smallvec::SmallVec;

use crate::tensor::Tensor;

/// A tensor or a plain number: the other operand of an elementwise op.
#[derive(Debug, Clone, Copy)]
pub enum Operand<'a> {
    /// A tensor, which takes part in promotion with its dtype.
    Tensor(&'a Tensor),
    /// A number, which takes part with its category alone.
    Scalar(Scalar),
}

impl<'a> From<&'a Tensor> for Operand<'a> {
    fn from(t: &'a Tensor) -> Self {
        Operand::Tensor(t)
    }
}

macro_rules! operand_from {
    ($($t:ty),*) => { $(
        impl From<$t> for Operand<'_> {
            fn from(v: $t) -> Self { Operand::Scalar(v.into()) }
        }
    )* };
}
operand_from!(bool, u8, i8, i16, i32, i64, f16, bf16, f32, f64, Scalar);

impl<'a> Operand<'a> {
    /// Takes part in the choice of a result's dtype.
    pub(crate) fn join(&self, result: ResultType) -> ResultType {
        match self {
            Operand::Tensor(t) => result.tensor(t.dtype(), t.rank()),
            Operand::Scalar(s) => result.scalar(*s),
        }
    }

    /// As a tensor of `dtype`. A scalar becomes one element that stride 0 repeats over `shape`, so that
    /// broadcasting has nothing to do.
    #[inline]
    pub(crate) fn to_tensor(self, dtype: DType, shape: &[usize]) -> Result<Tensor> {
        match self {
            Operand::Tensor(t) => t.to_dtype(dtype),
            Operand::Scalar(s) => Tensor::repeated(s, dtype, shape),
        }
    }

    /// The tensor, if it is one.
    pub(crate) fn tensor(&self) -> Option<&'a Tensor> {
        match self {
            Operand::Tensor(t) => Some(t),
            Operand::Scalar(_) => None,
        }
    }

    /// The number, if it is one.
    pub(crate) fn scalar(&self) -> Option<Scalar> {
        match self {
            Operand::Tensor(_) => None,
            Operand::Scalar(s) => Some(*s),
        }
    }
}

/// A bound of [`clamp`](Tensor::clamp): a tensor, a number, or none.
#[derive(Debug, Clone, Copy)]
pub struct Bound<'a>(pub(crate) Option<Operand<'a>>);

impl<'a> Bound<'a> {
    /// The tensor, if it is one.
    pub(crate) fn tensor(&self) -> Option<&'a Tensor> {
        self.0.as_ref().and_then(Operand::tensor)
    }
}

impl<'a, T: Into<Operand<'a>>> From<T> for Bound<'a> {
    fn from(bound: T) -> Self {
        Bound(Some(bound.into()))
    }
}

impl<'a> From<Option<Operand<'a>>> for Bound<'a> {
    fn from(bound: Option<Operand<'a>>) -> Self {
        Bound(bound)
    }
}

/// One dimension or several, each counted from the end if negative. No list means all; so does an empty one,
/// except to [`all`](Tensor::all) and [`any`](Tensor::any), which then reduce nothing, as PyTorch's do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dims(pub(crate) Option<SmallVec<[isize; 4]>>);

impl Dims {
    /// All dimensions.
    pub fn all() -> Dims {
        Dims(None)
    }
}

impl From<isize> for Dims {
    fn from(dim: isize) -> Self {
        Dims::from([dim])
    }
}

impl From<&[isize]> for Dims {
    fn from(dims: &[isize]) -> Self {
        Dims(Some(SmallVec::from_slice(dims)))
    }
}

impl<const N: usize> From<[isize; N]> for Dims {
    fn from(dims: [isize; N]) -> Self {
        Dims::from(&dims[..])
    }
}

impl<const N: usize> From<&[isize; N]> for Dims {
    fn from(dims: &[isize; N]) -> Self {
        Dims::from(&dims[..])
    }
}

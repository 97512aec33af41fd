//! Copies that repeat.

use rusttorch_backend::layout::normalize_dim;
use rusttorch_backend::{DType, ErrorKind, Result, Shape, TensorError};
use smallvec::SmallVec;

use super::create::reserve;
use crate::tensor::Tensor;

/// How often [`Tensor::repeat_interleave`] repeats.
#[derive(Debug, Clone, Copy)]
pub enum Repeats<'a> {
    /// Every entry as often.
    Times(usize),
    /// Entry `i` as often as element `i` says; a single element counts for all.
    Each(&'a Tensor),
}

impl From<usize> for Repeats<'_> {
    fn from(times: usize) -> Self {
        Repeats::Times(times)
    }
}

impl<'a> From<&'a Tensor> for Repeats<'a> {
    fn from(repeats: &'a Tensor) -> Self {
        Repeats::Each(repeats)
    }
}

impl Tensor {
    /// A copy that repeats the whole `repeats[d]` times along dimension `d`; more repeats than dimensions add
    /// dimensions in front. PyTorch: `Tensor.repeat`. Errors: `Shape` for fewer repeats than dimensions, `Memory`.
    pub fn repeat(&self, repeats: &[usize]) -> Result<Tensor> {
        const OP: &str = "repeat";
        let Some(lead) = repeats.len().checked_sub(self.rank()) else {
            return Err(TensorError::new(ErrorKind::Shape, OP, "fewer repeats than dimensions")
                .with("repeats", repeats)
                .with("shape", self.shape()));
        };
        // Every dimension n becomes [1, n], of which the 1 is expanded, and the two become one.
        let (mut line, mut wide) = (SmallVec::<[isize; 12]>::new(), Shape::new());
        let mut shape: SmallVec<[isize; 6]> = SmallVec::new();
        for (i, &times) in repeats.iter().enumerate() {
            let n = i.checked_sub(lead).map_or(1, |d| self.shape()[d]);
            line.extend([1, n as isize]);
            wide.extend([times, n]);
            let size = n.checked_mul(times).filter(|&size| size <= isize::MAX as usize);
            shape.push(size.ok_or_else(|| {
                TensorError::new(ErrorKind::Memory, OP, "size overflows")
                    .with("repeats", repeats)
                    .with("shape", self.shape())
            })? as isize);
        }
        self.reshape(&line)?.broadcast_to(&wide)?.copy()?.view(&shape)
    }

    /// [`repeat`](Self::repeat), where fewer repeats than dimensions leave the first dimensions as they are.
    /// PyTorch: `torch.tile`. Error: `Memory`.
    pub fn tile(&self, dims: &[usize]) -> Result<Tensor> {
        let missing = self.rank().saturating_sub(dims.len());
        let repeats: Shape = std::iter::repeat_n(1, missing).chain(dims.iter().copied()).collect();
        self.repeat(&repeats)
    }

    /// A copy that repeats every entry of `dim` in its place, or every element in row-major order without `dim`:
    /// a number of times, or as often as a tensor says. `output_size` is the size that is expected of the result
    /// along `dim`. PyTorch: `torch.repeat_interleave`.
    /// Errors: `Dim`, `Shape` for a tensor of repeats that does not fit, `Value` for a negative one and an
    /// `output_size` that is not met, `NotImplemented` for repeats that are not integers.
    pub fn repeat_interleave<'a>(
        &self,
        repeats: impl Into<Repeats<'a>>,
        dim: Option<isize>,
        output_size: Option<usize>,
    ) -> Result<Tensor> {
        const OP: &str = "repeat_interleave";
        let repeats = repeats.into();
        let (x, dim) = match dim {
            None => (self.flatten()?, 0),
            Some(dim) if self.rank() == 0 => {
                return Err(
                    TensorError::new(ErrorKind::Dim, OP, "a 0-d tensor has no dimension").with("dim", dim)
                );
            }
            Some(dim) => (self.clone(), normalize_dim(OP, dim, self.rank())? as isize),
        };
        let n = x.size(dim)?;
        match repeats {
            Repeats::Times(times) => {
                let size = n.checked_mul(times);
                expect_size(output_size, size.unwrap_or(usize::MAX))?;
                let mut wide: Shape = x.shape().into();
                wide.insert(dim as usize + 1, times);
                let mut shape: SmallVec<[isize; 6]> = x.shape().iter().map(|&n| n as isize).collect();
                shape[dim as usize] = size.filter(|&s| s <= isize::MAX as usize).ok_or_else(|| {
                    TensorError::new(ErrorKind::Memory, OP, "size overflows").with("repeats", times)
                })? as isize;
                x.unsqueeze(dim + 1)?.broadcast_to(&wide)?.copy()?.view(&shape)
            }
            Repeats::Each(repeats) => {
                let counts = counts(repeats)?;
                let counts = match counts[..] {
                    [once] if repeats.rank() <= 1 && n != 1 => vec![once; n],
                    _ => counts,
                };
                if repeats.rank() > 1 || counts.len() != n {
                    return Err(TensorError::new(ErrorKind::Shape, OP, "needs one repeat per entry")
                        .with("repeats", repeats.shape())
                        .with("entries", n));
                }
                x.index_select(dim, &positions(&counts, output_size)?)
            }
        }
    }

    /// The index of every element as often as the element says: `[1, 0, 2]` gives `[0, 2, 2]`, of the same integer
    /// dtype. PyTorch: `torch.repeat_interleave(repeats)`. Errors: `Shape` unless the tensor is a vector;
    /// `Value`, `NotImplemented` as [`repeat_interleave`](Self::repeat_interleave).
    pub fn repeats_to_index(&self, output_size: Option<usize>) -> Result<Tensor> {
        if self.rank() != 1 {
            return Err(TensorError::new(ErrorKind::Shape, "repeat_interleave", "repeats must be a vector")
                .with("repeats", self.shape()));
        }
        positions(&counts(self)?, output_size)?.to_dtype(self.dtype())
    }
}

/// The elements of a tensor of repeats. Errors: `NotImplemented`, `Value`.
fn counts(repeats: &Tensor) -> Result<Vec<usize>> {
    const OP: &str = "repeat_interleave";
    if !repeats.dtype().is_int() {
        return Err(TensorError::new(ErrorKind::NotImplemented, OP, "repeats must be integers")
            .with("dtype", repeats.dtype()));
    }
    let counts = repeats.to_dtype(DType::I64)?.to_vec::<i64>()?;
    let count = |&n: &i64| {
        usize::try_from(n)
            .map_err(|_| TensorError::new(ErrorKind::Value, OP, "a repeat is negative").with("repeat", n))
    };
    counts.iter().map(count).collect()
}

/// Every index as often as its count says. Errors: `Value`, `Memory`.
fn positions(counts: &[usize], output_size: Option<usize>) -> Result<Tensor> {
    const OP: &str = "repeat_interleave";
    let total = counts.iter().fold(0usize, |sum, &n| sum.saturating_add(n));
    expect_size(output_size, total)?;
    let mut out: Vec<i64> = reserve(OP, total)?;
    for (i, &count) in counts.iter().enumerate() {
        out.extend(std::iter::repeat_n(i as i64, count));
    }
    Tensor::from_vec(out, &[total])
}

fn expect_size(expected: Option<usize>, size: usize) -> Result<()> {
    match expected {
        Some(expected) if expected != size => {
            Err(TensorError::new(ErrorKind::Value, "repeat_interleave", "output size is another one")
                .with("output_size", expected)
                .with("size", size))
        }
        _ => Ok(()),
    }
}

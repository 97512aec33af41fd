//! Distinct elements, or distinct slices along a dim.
//!
//! Elements are put in order, neighbours are compared, and a running count numbers the groups of equals. How
//! many groups there are is known before their starts are written (`nonzero`). Slices are brought back to single numbers
//! first: each column of them to the numbers of its groups, then pairs of columns to one column, until
//! one is left.

use rusttorch_backend::layout::normalize_dim;
use rusttorch_backend::{DType, ErrorKind, Result, TensorError};

use super::nonzero::nonzero_flat;
use crate::tensor::Tensor;

/// What [`Tensor::unique`] and [`Tensor::unique_consecutive`] find.
#[derive(Debug, Clone)]
pub struct Unique {
    /// One element, or slice, of each group: the first of it.
    pub values: Tensor,
    /// For every element (or slice along the dim) the place of its group in `values`, if that was asked for.
    pub inverse: Option<Tensor>,
    /// How many elements (or slices) each group has, if that was asked for.
    pub counts: Option<Tensor>,
}

/// Which results are asked for beside the values.
#[derive(Clone, Copy)]
struct Asked {
    inverse: bool,
    counts: bool,
}

/// True at the first element of every run of equals along dim 0.
fn run_starts(x: &Tensor) -> Result<Tensor> {
    let n = x.size(0)?;
    let moved = x.narrow(0, 1, n - 1)?.ne(&x.narrow(0, 0, n - 1)?)?;
    let first = Tensor::ones(x.narrow(0, 0, 1)?.shape(), DType::Bool)?;
    Tensor::cat(&[&first, &moved], 0)
}

/// The number of the run that each element along dim 0 belongs to, from 0.
fn run_numbers(starts: &Tensor) -> Result<Tensor> {
    starts.cumsum(0, None)?.sub(1i64)
}

/// The dense rank of each element within its column: equal elements of `[n, m]` get equal numbers from 0, in
/// ascending order.
fn ranks(x: &Tensor) -> Result<Tensor> {
    let (sorted, order) = x.sort(0, false)?;
    let numbers = run_numbers(&run_starts(&sorted)?)?;
    Tensor::empty(x.shape(), DType::I64)?.scatter(0, &order, &numbers)
}

/// One number for each row of `[n, m]`, ordered as the rows are: by the first column, then by the second.
fn row_keys(rows: &Tensor) -> Result<Tensor> {
    let n = rows.size(0)? as i64;
    if rows.size(1)? == 0 {
        return Tensor::zeros(&[rows.size(0)?], DType::I64);
    }
    let mut keys = ranks(rows)?;
    loop {
        let m = keys.size(1)?;
        if m == 1 {
            return keys.squeeze(1);
        }
        let pairs = m / 2;
        let (first, second) = (keys.slice(1, Some(0), None, 2)?, keys.slice(1, Some(1), None, 2)?);
        // Ranks lie below n, so that no two pairs have the same number.
        let joined = ranks(&first.narrow(1, 0, pairs)?.mul(n)?.add(&second)?)?;
        keys = match m % 2 {
            0 => joined,
            _ => Tensor::cat(&[&joined, &keys.narrow(1, -1, 1)?], 1)?,
        };
    }
}

/// The groups that `starts` begins: where they start, and the other results. `order` says which element stands
/// at each place, if they were put in order.
fn groups(starts: &Tensor, order: Option<&Tensor>, asked: Asked) -> Result<(Tensor, Unique)> {
    let n = starts.size(0)?;
    let begins = nonzero_flat(starts)?;
    let counts = match asked.counts {
        true => {
            let end = Tensor::full(&[1], n as i64, DType::I64)?;
            Some(begins.diff(1, 0, None, Some(&end))?)
        }
        false => None,
    };
    let inverse = match (asked.inverse, order) {
        (false, _) => None,
        (true, None) => Some(run_numbers(starts)?),
        (true, Some(order)) => {
            Some(Tensor::empty(&[n], DType::I64)?.scatter(0, order, &run_numbers(starts)?)?)
        }
    };
    let firsts = match order {
        Some(order) => order.gather(0, &begins)?,
        None => begins,
    };
    Ok((firsts.clone(), Unique { values: firsts, inverse, counts }))
}

fn of_elements(x: &Tensor, sort: bool, asked: Asked) -> Result<Unique> {
    let flat = x.detach().flatten()?;
    if flat.numel() == 0 {
        return nothing(&flat, x.shape(), asked);
    }
    let (firsts, mut found) = match sort {
        true => {
            let (sorted, order) = flat.sort(0, false)?;
            groups(&run_starts(&sorted)?, Some(&order), asked)?
        }
        false => groups(&run_starts(&flat)?, None, asked)?,
    };
    found.values = flat.gather(0, &firsts)?;
    let shape: Vec<isize> = x.shape().iter().map(|&n| n as isize).collect();
    found.inverse = found.inverse.map(|inverse| inverse.reshape(&shape)).transpose()?;
    Ok(found)
}

/// The results for no element.
fn nothing(values: &Tensor, inverse: &[usize], asked: Asked) -> Result<Unique> {
    let empty = |asked: bool, shape: &[usize]| asked.then(|| Tensor::empty(shape, DType::I64)).transpose();
    Ok(Unique {
        values: values.copy()?,
        inverse: empty(asked.inverse, inverse)?,
        counts: empty(asked.counts, &[0])?,
    })
}

fn of_slices(op: &'static str, x: &Tensor, dim: isize, sort: bool, asked: Asked) -> Result<Unique> {
    if x.rank() == 0 {
        return Err(TensorError::new(ErrorKind::Dim, op, "a 0-d tensor has no dimension").with("dim", dim));
    }
    let dim = normalize_dim(op, dim, x.rank())?;
    let x = x.detach();
    let n = x.shape()[dim];
    if x.shape().iter().enumerate().any(|(d, &size)| size == 0 && d != dim) {
        return Err(TensorError::new(ErrorKind::Shape, op, "slices without elements cannot be compared")
            .with("dim", dim)
            .with("shape", x.shape()));
    }
    if n == 0 {
        return nothing(&x, &[0], asked);
    }
    let rows = x.movedim([dim as isize], [0])?.reshape([n as isize, -1])?;
    let (firsts, mut found) = match sort {
        true => {
            let (sorted, order) = row_keys(&rows)?.sort(0, false)?;
            groups(&run_starts(&sorted)?, Some(&order), asked)?
        }
        false => groups(&run_starts(&rows)?.any(1, false)?, None, asked)?,
    };
    found.values = x.index_select(dim as isize, &firsts)?;
    Ok(found)
}

/// Distinct elements. NaN equals nothing, not even itself; the zeros are equal. No gradient.
impl Tensor {
    /// The distinct elements in ascending order, as a vector; with `dim`, the distinct slices along it in the
    /// order of their elements. Results beside the values where they are asked for: of the shape of the tensor
    /// (or, with `dim`, a vector of its size) the group of each element, and the number of elements in each
    /// group. n log n. PyTorch: `torch.unique`. Errors: `Dim`, `Shape` where another dimension than `dim` is empty.
    pub fn unique(&self, return_inverse: bool, return_counts: bool, dim: Option<isize>) -> Result<Unique> {
        let asked = Asked { inverse: return_inverse, counts: return_counts };
        match dim {
            Some(dim) => of_slices("unique", self, dim, true, asked),
            None => of_elements(self, true, asked),
        }
    }

    /// One element of every run of equal elements in row-major order, or one slice of every run of equal slices
    /// along `dim`. Results and errors as of [`unique`](Self::unique). Linear time. PyTorch:
    /// `torch.unique_consecutive`.
    pub fn unique_consecutive(
        &self,
        return_inverse: bool,
        return_counts: bool,
        dim: Option<isize>,
    ) -> Result<Unique> {
        let asked = Asked { inverse: return_inverse, counts: return_counts };
        match dim {
            Some(dim) => of_slices("unique_consecutive", self, dim, false, asked),
            None => of_elements(self, false, asked),
        }
    }
}

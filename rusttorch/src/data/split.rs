//! Random, disjoint parts of a data set.

use rusttorch_backend::{ErrorKind, Generator, Result, TensorError};

use crate::tensor::Tensor;

const OP: &str = "random_split";

/// How large the parts of a [`random_split`] are: sizes that add up to the whole (`[1400, 397]`), or
/// fractions that add up to 1 (`[0.8, 0.2]`). An array gives an array of parts, a slice a `Vec`.
pub trait Lengths {
    /// One index tensor per part: `[Tensor; N]` or `Vec<Tensor>`.
    type Parts;
    /// Sizes that add up to `n`. Error: `Argument`.
    fn sizes(&self, n: usize) -> Result<Vec<usize>>;
    /// As many parts as there are lengths, in the form of this type.
    fn parts(parts: Vec<Tensor>) -> Result<Self::Parts>;
}

/// The numbers `0..n` in random order, cut into parts: one i64 index tensor per part, for
/// [`Tensor::index_select`]. PyTorch: `torch.utils.data.random_split`, with the same indices for the same
/// generator.
///
/// Of fractions, part `i` has `floor(n * fraction)` entries, and what is left goes to the parts in turn,
/// one entry each, from the first on. A part may be empty.
///
/// ```
/// use rusttorch::data::{Generator, random_split};
///
/// # fn main() -> rusttorch::Result<()> {
/// let [train, test] = random_split(10, [0.7, 0.3], &mut Generator::new(42))?;
/// assert_eq!(train.to_vec::<i64>()?, [2, 6, 1, 8, 4, 5, 0]);
/// assert_eq!(test.to_vec::<i64>()?, [9, 3, 7]);
/// # Ok(())
/// # }
/// ```
///
/// Errors: `Argument` for sizes that do not add up to `n`, or fractions outside of [0, 1] or that do not
/// add up to 1 (within 1e-9); `Memory`.
pub fn random_split<L: Lengths>(n: usize, lengths: L, generator: &mut Generator) -> Result<L::Parts> {
    let sizes = lengths.sizes(n)?;
    let order = permutation(OP, n, generator)?;
    let mut rest = &order[..];
    let mut parts = Vec::with_capacity(sizes.len());
    for size in sizes {
        let (part, behind) = rest.split_at_checked(size).ok_or_else(|| {
            TensorError::new(ErrorKind::Internal, OP, "sizes exceed the whole").with("n", n)
        })?;
        parts.push(Tensor::from_slice(part, &[size])?);
        rest = behind;
    }
    L::parts(parts)
}

/// `torch.randperm(n, generator=generator)`, with an error where the memory is not there.
pub(super) fn permutation(op: &'static str, n: usize, generator: &mut Generator) -> Result<Vec<i64>> {
    let mut order: Vec<i64> = Vec::new();
    order.try_reserve_exact(n).map_err(|e| {
        TensorError::new(ErrorKind::Memory, op, "allocation failed").with("elements", n).caused_by(e)
    })?;
    order.resize(n, 0);
    generator.fill_permutation(&mut order);
    Ok(order)
}

fn whole_sizes(sizes: &[usize], n: usize) -> Result<Vec<usize>> {
    let sum = sizes.iter().try_fold(0usize, |sum, &size| sum.checked_add(size));
    if sum != Some(n) {
        return Err(TensorError::new(
            ErrorKind::Argument,
            OP,
            "sizes do not add up to the number of samples",
        )
        .with("sizes", sizes)
        .with("samples", n));
    }
    Ok(sizes.to_vec())
}

fn fraction_sizes(fractions: &[f64], n: usize) -> Result<Vec<usize>> {
    if let Some((part, &fraction)) = fractions.iter().enumerate().find(|(_, f)| !(0.0..=1.0).contains(*f)) {
        return Err(TensorError::new(ErrorKind::Argument, OP, "fraction is not in [0, 1]")
            .with("part", part)
            .with("fraction", fraction));
    }
    let fail = |sum| {
        TensorError::new(ErrorKind::Argument, OP, "fractions do not add up to 1")
            .with("fractions", format!("{fractions:?}"))
            .with("sum", sum)
    };
    let sum: f64 = fractions.iter().sum();
    if (sum - 1.0).abs() > 1e-9 {
        return Err(fail(sum));
    }
    let mut sizes: Vec<usize> = fractions.iter().map(|f| (n as f64 * f).floor() as usize).collect();
    // Above 2^53 the products round, possibly to more than there is.
    let taken = sizes.iter().try_fold(0usize, |taken, &size| taken.checked_add(size));
    let mut left = taken.and_then(|taken| n.checked_sub(taken)).ok_or_else(|| fail(sum))?;
    // Rounding can leave more entries than parts where n is huge.
    while left > 0 {
        for size in sizes.iter_mut().take(left) {
            *size += 1;
        }
        left = left.saturating_sub(sizes.len());
    }
    Ok(sizes)
}

macro_rules! lengths {
    ($($t:ty => $sizes:ident),*) => { $(
        impl<const N: usize> Lengths for [$t; N] {
            type Parts = [Tensor; N];
            fn sizes(&self, n: usize) -> Result<Vec<usize>> {
                $sizes(self, n)
            }
            fn parts(parts: Vec<Tensor>) -> Result<[Tensor; N]> {
                parts.try_into().map_err(|_| TensorError::new(ErrorKind::Internal, OP, "number of parts changed"))
            }
        }
        impl Lengths for &[$t] {
            type Parts = Vec<Tensor>;
            fn sizes(&self, n: usize) -> Result<Vec<usize>> {
                $sizes(self, n)
            }
            fn parts(parts: Vec<Tensor>) -> Result<Vec<Tensor>> {
                Ok(parts)
            }
        }
    )* };
}
lengths!(usize => whole_sizes, f64 => fraction_sizes);

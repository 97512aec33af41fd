//! Batches of samples for a training loop.

use std::borrow::Borrow;
use std::iter::FusedIterator;

use rusttorch_backend::{ErrorKind, Generator, Result, TensorError};

use super::split::permutation;
use crate::tensor::Tensor;

const OP: &str = "Batches";

/// Tensors with one entry per sample along their first dimension: a tensor, a tuple of two or three, an
/// array, a slice or a `Vec`, of tensors or of references to them.
pub trait Samples {
    /// The same form with owned tensors, such as `(Tensor, Tensor)` for `(&Tensor, &Tensor)`.
    type Batch;
    /// Applies `take` to every tensor.
    fn each(&self, take: impl FnMut(&Tensor) -> Result<Tensor>) -> Result<Self::Batch>;
}

impl Samples for Tensor {
    type Batch = Tensor;
    fn each(&self, mut take: impl FnMut(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
        take(self)
    }
}

impl Samples for &Tensor {
    type Batch = Tensor;
    fn each(&self, mut take: impl FnMut(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
        take(self)
    }
}

impl<A: Borrow<Tensor>, B: Borrow<Tensor>> Samples for (A, B) {
    type Batch = (Tensor, Tensor);
    fn each(&self, mut take: impl FnMut(&Tensor) -> Result<Tensor>) -> Result<Self::Batch> {
        Ok((take(self.0.borrow())?, take(self.1.borrow())?))
    }
}

impl<A: Borrow<Tensor>, B: Borrow<Tensor>, C: Borrow<Tensor>> Samples for (A, B, C) {
    type Batch = (Tensor, Tensor, Tensor);
    fn each(&self, mut take: impl FnMut(&Tensor) -> Result<Tensor>) -> Result<Self::Batch> {
        Ok((take(self.0.borrow())?, take(self.1.borrow())?, take(self.2.borrow())?))
    }
}

impl<T: Borrow<Tensor>, const N: usize> Samples for [T; N] {
    type Batch = [Tensor; N];
    fn each(&self, take: impl FnMut(&Tensor) -> Result<Tensor>) -> Result<Self::Batch> {
        let taken = self.as_slice().each(take)?;
        taken.try_into().map_err(|_| TensorError::new(ErrorKind::Internal, OP, "number of tensors changed"))
    }
}

impl<T: Borrow<Tensor>> Samples for &[T] {
    type Batch = Vec<Tensor>;
    fn each(&self, take: impl FnMut(&Tensor) -> Result<Tensor>) -> Result<Self::Batch> {
        self.iter().map(T::borrow).map(take).collect()
    }
}

impl<T: Borrow<Tensor>> Samples for Vec<T> {
    type Batch = Vec<Tensor>;
    fn each(&self, take: impl FnMut(&Tensor) -> Result<Tensor>) -> Result<Self::Batch> {
        self.as_slice().each(take)
    }
}

/// Samples cut into batches along the first dimension, for as many epochs as one likes.
/// PyTorch: `torch.utils.data.DataLoader` of a `TensorDataset`.
///
/// ```
/// use rusttorch::{DType, Tensor, data::{Batches, Generator}};
///
/// # fn main() -> rusttorch::Result<()> {
/// let x = Tensor::arange(0, 10, 1, DType::F32)?.reshape([5, 2])?;
/// let y = Tensor::arange(0, 5, 1, DType::I64)?;
/// let batches = Batches::new((&x, &y), 2)?;
/// let mut generator = Generator::new(0);
/// for _epoch in 0..2 {
///     for batch in batches.shuffled(&mut generator)? {
///         let (x, y) = batch?; // [2, 2] and [2], the last [1, 2] and [1]
/// #       assert_eq!(x.shape()[0], y.shape()[0]);
///     }
/// }
/// assert_eq!(batches.drop_last(true).len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Batches<S> {
    samples: S,
    count: usize,
    batch_size: usize,
    drop_last: bool,
}

impl<S: Samples> Batches<S> {
    /// Batches of `batch_size` samples, the last one possibly smaller.
    ///
    /// Errors: `Argument` for batches of 0 or for no tensor; `Shape` for a 0-d tensor, or where the first
    /// dimensions differ.
    pub fn new(samples: S, batch_size: usize) -> Result<Self> {
        if batch_size == 0 {
            return Err(TensorError::new(ErrorKind::Argument, OP, "batch size is zero")
                .with("batch_size", batch_size));
        }
        let mut first: Option<Tensor> = None;
        samples.each(|x| {
            if x.rank() == 0 {
                return Err(TensorError::new(ErrorKind::Shape, OP, "a 0-d tensor has no samples")
                    .with("shape", x.shape()));
            }
            let first = first.get_or_insert_with(|| x.clone());
            if first.shape()[0] != x.shape()[0] {
                return Err(TensorError::new(ErrorKind::Shape, OP, "numbers of samples differ")
                    .with("first", first.shape())
                    .with("other", x.shape()));
            }
            Ok(x.clone())
        })?;
        let first = first.ok_or_else(|| TensorError::new(ErrorKind::Argument, OP, "no tensor given"))?;
        Ok(Batches { samples, count: first.shape()[0], batch_size, drop_last: false })
    }

    /// Whether a last batch smaller than the others is left out.
    #[must_use]
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.drop_last = drop_last;
        self
    }

    /// Number of batches in an epoch.
    pub fn len(&self) -> usize {
        if self.drop_last { self.count / self.batch_size } else { self.count.div_ceil(self.batch_size) }
    }

    /// Whether an epoch has no batch.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of samples, those of a dropped last batch included.
    pub fn samples(&self) -> usize {
        self.count
    }

    /// The batches of an epoch in the order of the samples. They are views of the tensors.
    pub fn iter(&self) -> Epoch<'_, S> {
        Epoch { batches: self, order: None, next: 0 }
    }

    /// The batches of an epoch in a new random order. They are copies.
    ///
    /// The order is that of PyTorch's `DataLoader(.., shuffle=True, generator=generator)`, epoch after epoch.
    /// As that does in an epoch that is run to its end, this takes a seed for its workers (two words) and
    /// two permutations, of which the second is not used; here all of it is taken at once.
    ///
    /// Error: `Memory`.
    pub fn shuffled(&self, generator: &mut Generator) -> Result<Epoch<'_, S>> {
        generator.next_u64();
        let order = permutation(OP, self.count, generator)?;
        permutation(OP, self.count, generator)?;
        let order = Tensor::from_vec(order, &[self.count])?;
        Ok(Epoch { batches: self, order: Some(order), next: 0 })
    }
}

impl<'a, S: Samples> IntoIterator for &'a Batches<S> {
    type Item = Result<S::Batch>;
    type IntoIter = Epoch<'a, S>;
    fn into_iter(self) -> Epoch<'a, S> {
        self.iter()
    }
}

/// The batches of one epoch: see [`Batches::iter`] and [`Batches::shuffled`].
#[derive(Debug, Clone)]
pub struct Epoch<'a, S> {
    batches: &'a Batches<S>,
    order: Option<Tensor>,
    next: usize,
}

impl<S: Samples> Iterator for Epoch<'_, S> {
    type Item = Result<S::Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.batches.len() {
            return None;
        }
        let start = self.next * self.batches.batch_size;
        let size = self.batches.batch_size.min(self.batches.count - start);
        self.next += 1;
        let part = |x: &Tensor| x.narrow(0, start as isize, size);
        Some(match &self.order {
            None => self.batches.samples.each(part),
            Some(order) => {
                part(order).and_then(|index| self.batches.samples.each(|x| x.index_select(0, &index)))
            }
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batches.len() - self.next;
        (left, Some(left))
    }
}

impl<S: Samples> ExactSizeIterator for Epoch<'_, S> {}
impl<S: Samples> FusedIterator for Epoch<'_, S> {}

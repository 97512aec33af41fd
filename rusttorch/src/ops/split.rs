//! Tensors cut into parts, which are views.

use rusttorch_backend::layout::normalize_dim;
use rusttorch_backend::{ErrorKind, Result, TensorError};

use super::create::reserve;
use crate::tensor::Tensor;

/// Where [`Tensor::tensor_split`] cuts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sections {
    /// Into so many parts of nearly equal size.
    Count(usize),
    /// Before these indices, as Python slices from one to the next.
    At(Vec<isize>),
}

impl From<usize> for Sections {
    fn from(count: usize) -> Self {
        Sections::Count(count)
    }
}

impl From<&[isize]> for Sections {
    fn from(indices: &[isize]) -> Self {
        Sections::At(indices.to_vec())
    }
}

impl<const N: usize> From<[isize; N]> for Sections {
    fn from(indices: [isize; N]) -> Self {
        Sections::At(indices.to_vec())
    }
}

impl Tensor {
    /// Pieces of `size` along `dim`; the last may be shorter. PyTorch: `torch.split`.
    /// Errors: `Dim`, `Shape` for a 0-d tensor, `Value` for size 0.
    pub fn split(&self, size: usize, dim: isize) -> Result<Vec<Tensor>> {
        let n = self.size_to_divide("split", dim)?;
        if size == 0 && n > 0 {
            return Err(TensorError::new(ErrorKind::Value, "split", "size is zero").with("dim", dim));
        }
        let size = size.max(1);
        (0..n.div_ceil(size).max(1))
            .map(|i| self.narrow(dim, (i * size) as isize, size.min(n - i * size)))
            .collect()
    }

    /// Pieces of these sizes along `dim`, which add up to its size. PyTorch: `torch.split` with a list.
    /// Errors: `Dim`, `Shape` for a 0-d tensor, `Value` for sizes that add up to something else.
    pub fn split_with_sizes(&self, sizes: &[usize], dim: isize) -> Result<Vec<Tensor>> {
        const OP: &str = "split";
        let n = self.size_to_divide(OP, dim)?;
        if sizes.iter().try_fold(0usize, |sum, &size| sum.checked_add(size)) != Some(n) {
            return Err(TensorError::new(ErrorKind::Value, OP, "sizes do not add up to the dimension's")
                .with("sizes", sizes)
                .with("dim", dim)
                .with("size", n));
        }
        let mut at = 0;
        let mut piece = |&size: &usize| {
            let part = self.narrow(dim, at, size);
            at += size as isize;
            part
        };
        sizes.iter().map(&mut piece).collect()
    }

    /// Parts along `dim`: `n` parts of nearly equal size, the first ones longer by one, or those between the
    /// indices of a list, where an index may lie outside. PyTorch: `torch.tensor_split`.
    /// Errors: `Dim`, `Shape` for a 0-d tensor, `Value` for no parts.
    pub fn tensor_split(&self, sections: impl Into<Sections>, dim: isize) -> Result<Vec<Tensor>> {
        self.cut("tensor_split", &sections.into(), dim)
    }

    fn cut(&self, op: &'static str, sections: &Sections, dim: isize) -> Result<Vec<Tensor>> {
        let n = self.size_to_divide(op, dim)?;
        match sections {
            Sections::Count(0) => {
                Err(TensorError::new(ErrorKind::Value, op, "number of sections is zero").with("dim", dim))
            }
            Sections::Count(count) => {
                let (size, longer) = (n / count, n % count);
                let start = |i: usize| i * size + i.min(longer);
                let mut parts = reserve(op, *count)?;
                for i in 0..*count {
                    parts.push(self.narrow(dim, start(i) as isize, start(i + 1) - start(i))?);
                }
                Ok(parts)
            }
            Sections::At(indices) => {
                let starts = std::iter::once(None).chain(indices.iter().copied().map(Some));
                let stops = indices.iter().copied().map(Some).chain([None]);
                starts.zip(stops).map(|(start, stop)| self.slice(dim, start, stop, 1)).collect()
            }
        }
    }

    /// [`cut`](Self::cut) of a tensor that has enough dimensions, into equal parts only.
    fn cut_evenly(
        &self,
        op: &'static str,
        sections: &Sections,
        dim: usize,
        rank: usize,
    ) -> Result<Vec<Tensor>> {
        if self.rank() < rank {
            return Err(TensorError::new(ErrorKind::Shape, op, "too few dimensions")
                .with("shape", self.shape())
                .with("needed", rank));
        }
        if let Sections::Count(count) = *sections
            && (count == 0 || !self.shape()[dim].is_multiple_of(count))
        {
            return Err(TensorError::new(
                ErrorKind::Value,
                op,
                "size is not divisible by the number of parts",
            )
            .with("size", self.shape()[dim])
            .with("parts", count));
        }
        self.cut(op, sections, dim as isize)
    }

    /// [`tensor_split`](Self::tensor_split) by columns: along dim 1, of a vector along dim 0. A number of parts
    /// must divide the size. PyTorch: `torch.hsplit`. Errors: `Shape` for a 0-d tensor, `Value`.
    pub fn hsplit(&self, sections: impl Into<Sections>) -> Result<Vec<Tensor>> {
        self.cut_evenly("hsplit", &sections.into(), usize::from(self.rank() > 1), 1)
    }

    /// [`tensor_split`](Self::tensor_split) by rows, along dim 0. A number of parts must divide the size.
    /// PyTorch: `torch.vsplit`. Errors: `Shape` below rank 2, `Value`.
    pub fn vsplit(&self, sections: impl Into<Sections>) -> Result<Vec<Tensor>> {
        self.cut_evenly("vsplit", &sections.into(), 0, 2)
    }

    /// [`tensor_split`](Self::tensor_split) by depth, along dim 2. A number of parts must divide the size.
    /// PyTorch: `torch.dsplit`. Errors: `Shape` below rank 3, `Value`.
    pub fn dsplit(&self, sections: impl Into<Sections>) -> Result<Vec<Tensor>> {
        self.cut_evenly("dsplit", &sections.into(), 2, 3)
    }

    /// At most `chunks` pieces of equal size along `dim`, the last one shorter. PyTorch: `torch.chunk`.
    /// Errors: `Dim`, `Shape` for a 0-d tensor, `Value` for none.
    pub fn chunk(&self, chunks: usize, dim: isize) -> Result<Vec<Tensor>> {
        let n = self.size_to_divide("chunk", dim)?;
        if chunks == 0 {
            return Err(
                TensorError::new(ErrorKind::Value, "chunk", "number of chunks is zero").with("dim", dim)
            );
        }
        if n == 0 {
            let mut parts = reserve("chunk", chunks)?;
            for _ in 0..chunks {
                parts.push(self.narrow(dim, 0, 0)?);
            }
            return Ok(parts);
        }
        self.split(n.div_ceil(chunks), dim)
    }

    /// The size of a dimension to be divided. Errors: `Shape` for a 0-d tensor, `Dim`.
    fn size_to_divide(&self, op: &'static str, dim: isize) -> Result<usize> {
        if self.rank() == 0 {
            return Err(
                TensorError::new(ErrorKind::Shape, op, "a 0-d tensor has no dimension").with("dim", dim)
            );
        }
        Ok(self.shape()[normalize_dim(op, dim, self.rank())?])
    }

    /// One tensor per index of `dim`. PyTorch: `torch.unbind`. Error: `Dim`.
    pub fn unbind(&self, dim: isize) -> Result<Vec<Tensor>> {
        let n = self.size(dim).map_err(|e| {
            TensorError::new(e.kind(), "unbind", e.rule()).with("dim", dim).with("shape", self.shape())
        })?;
        (0..n as isize).map(|i| self.select(dim, i)).collect()
    }
}

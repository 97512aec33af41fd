//! Basic indexing: `x[1, .., 2:5, None]`.

use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use rusttorch_backend::{ErrorKind, Result, TensorError};

use crate::tensor::Tensor;

/// One entry of a basic index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// One position, from the end if negative; the dimension disappears.
    At(isize),
    /// Python's `start:stop:step`.
    Slice {
        /// First position; `None` is the beginning in the direction of the step.
        start: Option<isize>,
        /// Position before which the slice ends; `None` is the end.
        stop: Option<isize>,
        /// Step, not 0.
        step: isize,
    },
    /// A new dimension of size 1 (Python's `None`).
    NewAxis,
    /// As many full slices as are needed to reach the last dimensions (Python's `...`).
    Ellipsis,
}

impl From<isize> for Index {
    fn from(i: isize) -> Self {
        Index::At(i)
    }
}

macro_rules! index_from_range {
    ($($range:ty => |$r:ident| $start:expr, $stop:expr;)*) => { $(
        impl From<$range> for Index {
            fn from($r: $range) -> Self { Index::Slice { start: $start, stop: $stop, step: 1 } }
        }
    )* };
}
index_from_range! {
    Range<isize> => |r| Some(r.start), Some(r.end);
    RangeFrom<isize> => |r| Some(r.start), None;
    RangeTo<isize> => |r| None, Some(r.end);
    RangeFull => |_r| None, None;
    // An inclusive end of -1 is the last position, after which there is no position to name.
    RangeInclusive<isize> => |r| Some(*r.start()), after(*r.end());
    RangeToInclusive<isize> => |r| None, after(r.end);
}

fn after(last: isize) -> Option<isize> {
    if last == -1 { None } else { Some(last.saturating_add(1)) }
}

/// What [`Tensor::i`] takes: one entry, a tuple, an array or a slice of them.
pub trait IndexList {
    /// The entries in order.
    fn entries(self) -> Vec<Index>;
}

impl<T: Into<Index>> IndexList for T {
    fn entries(self) -> Vec<Index> {
        vec![self.into()]
    }
}

impl IndexList for &[Index] {
    fn entries(self) -> Vec<Index> {
        self.to_vec()
    }
}

impl IndexList for Vec<Index> {
    fn entries(self) -> Vec<Index> {
        self
    }
}

macro_rules! index_list_for_tuple {
    ($($t:ident),+) => {
        impl<$($t: Into<Index>),+> IndexList for ($($t,)+) {
            #[allow(non_snake_case, reason = "the type parameters name the variables")]
            fn entries(self) -> Vec<Index> {
                let ($($t,)+) = self;
                vec![$($t.into()),+]
            }
        }
    };
}
index_list_for_tuple!(A, B);
index_list_for_tuple!(A, B, C);
index_list_for_tuple!(A, B, C, D);
index_list_for_tuple!(A, B, C, D, E);
index_list_for_tuple!(A, B, C, D, E, F);

impl Tensor {
    /// Basic indexing, a view: `x.i((0, .., 1..3))` is Python's `x[0, :, 1:3]`. Rust's `..` is a full slice;
    /// [`Index::Ellipsis`] and [`Index::NewAxis`] are Python's `...` and `None`. Writing goes through the view:
    /// `x.i(0)?.fill_(1.0)?`. Errors: `Index` for a position out of range, for more entries than dimensions and
    /// for a second ellipsis; `Value` for step 0.
    pub fn i(&self, index: impl IndexList) -> Result<Tensor> {
        const OP: &str = "index";
        let entries = index.entries();
        let consumed = entries.iter().filter(|e| matches!(e, Index::At(_) | Index::Slice { .. })).count();
        if consumed > self.rank() {
            return Err(TensorError::new(ErrorKind::Index, OP, "more indices than dimensions")
                .with("indices", consumed)
                .with("shape", self.shape()));
        }
        if entries.iter().filter(|e| matches!(e, Index::Ellipsis)).count() > 1 {
            return Err(TensorError::new(ErrorKind::Index, OP, "only one ellipsis is possible"));
        }
        let mut out = self.alias()?;
        let mut dim = 0isize;
        for entry in entries {
            match entry {
                Index::At(i) => out = out.select(dim, i)?,
                Index::Slice { start, stop, step } => {
                    if (start, stop, step) != (None, None, 1) {
                        out = out.slice(dim, start, stop, step)?;
                    }
                    dim += 1;
                }
                Index::NewAxis => {
                    out = out.unsqueeze(dim)?;
                    dim += 1;
                }
                Index::Ellipsis => dim += (self.rank() - consumed) as isize,
            }
        }
        Ok(out)
    }
}

//! Python's `x[..]` and `x[..] = v`: basic entries make a view, index tensors read or write places of it.

use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use rusttorch_backend::layout::broadcast_shapes;
use rusttorch_backend::ops::ScatterOp;
use rusttorch_backend::{DType, ErrorKind, Result, Shape, TensorError};
use smallvec::SmallVec;

use super::args::Operand;
use super::in_place::by_value;
use super::places::{self, Places};
use super::select::castable;
use crate::tensor::Tensor;

/// One entry of an index.
#[derive(Debug, Clone)]
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
    /// Everything or nothing, along a new dimension: a mask without dimensions.
    Bool(bool),
    /// Positions (i64, i32; negative ones count from the end), or a mask (bool; u8 as in PyTorch) that stands
    /// for as many dimensions as it has. A 0-d tensor of an integer dtype other than u8 is a plain position.
    Tensor(Tensor),
}

impl From<bool> for Index {
    fn from(all: bool) -> Self {
        Index::Bool(all)
    }
}

impl From<Tensor> for Index {
    fn from(t: Tensor) -> Self {
        Index::Tensor(t)
    }
}

impl From<&Tensor> for Index {
    fn from(t: &Tensor) -> Self {
        Index::Tensor(t.clone())
    }
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

/// Python's `x[()]`: everything.
impl IndexList for () {
    fn entries(self) -> Vec<Index> {
        Vec::new()
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
index_list_for_tuple!(A);
index_list_for_tuple!(A, B);
index_list_for_tuple!(A, B, C);
index_list_for_tuple!(A, B, C, D);
index_list_for_tuple!(A, B, C, D, E);
index_list_for_tuple!(A, B, C, D, E, F);

/// What the basic entries of an index leave: a view, and the index tensors that are still to be applied to it,
/// each with its (first) dimension.
struct Sliced {
    view: Tensor,
    tensors: SmallVec<[(usize, Tensor); 2]>,
}

impl Sliced {
    fn new(op: &'static str, x: &Tensor, entries: &[Index]) -> Result<Sliced> {
        let consumed = entries.iter().map(Index::consumes).sum::<usize>();
        if consumed > x.rank() {
            return Err(TensorError::new(ErrorKind::Index, op, "more indices than dimensions")
                .with("indices", consumed)
                .with("shape", x.shape()));
        }
        let mut tensors = SmallVec::new();
        let mut view: Option<Tensor> = None;
        let mut dim = 0;
        for entry in entries {
            let now = view.as_ref().unwrap_or(x);
            match entry {
                Index::At(i) => view = Some(now.select(dim as isize, *i)?),
                Index::Slice { start: None, stop: None, step: 1 } => dim += 1,
                &Index::Slice { start, stop, step } => {
                    view = Some(now.slice(dim as isize, start, stop, step)?);
                    dim += 1;
                }
                Index::NewAxis => {
                    view = Some(now.unsqueeze(dim as isize)?);
                    dim += 1;
                }
                Index::Ellipsis => dim += x.rank() - consumed,
                Index::Bool(all) => {
                    view = Some(now.unsqueeze(dim as isize)?);
                    tensors.push((dim, all_or_nothing(*all)?));
                    dim += 1;
                }
                Index::Tensor(t) if t.rank() == 0 && is_mask(t) => {
                    let all = t.item()?.to_bool();
                    view = Some(now.unsqueeze(dim as isize)?);
                    tensors.push((dim, all_or_nothing(all)?));
                    dim += 1;
                }
                Index::Tensor(t) if t.rank() == 0 && t.dtype().is_int() => {
                    view = Some(now.select(dim as isize, t.item()?.to_i64() as isize)?);
                }
                Index::Tensor(t) => {
                    tensors.push((dim, t.clone()));
                    dim += entry.consumes();
                }
            }
        }
        let view = match view {
            Some(view) => view,
            None if tensors.is_empty() => x.alias()?,
            None => x.clone(),
        };
        Ok(Sliced { view, tensors })
    }

    fn places(&self, op: &'static str) -> Result<Places> {
        let list: SmallVec<[(usize, &Tensor); 2]> = self.tensors.iter().map(|(d, t)| (*d, t)).collect();
        Places::new(op, self.view.shape(), &list)
    }

    /// From the indices of `index_put`: `None` is a full slice, and 0-d tensors of integers are index tensors.
    fn whole(op: &'static str, x: &Tensor, indices: &[Option<&Tensor>]) -> Result<Sliced> {
        let mut sliced = Sliced { view: x.clone(), tensors: SmallVec::new() };
        let mut dim = 0;
        for index in indices {
            match index {
                Some(t) if t.rank() == 0 && is_mask(t) => {
                    sliced.view = sliced.view.unsqueeze(dim as isize)?;
                    sliced.tensors.push((dim, all_or_nothing(t.item()?.to_bool())?));
                    dim += 1;
                }
                Some(t) => {
                    sliced.tensors.push((dim, Tensor::clone(t)));
                    dim += if is_mask(t) { t.rank() } else { 1 };
                }
                None => dim += 1,
            }
        }
        if dim > sliced.view.rank() {
            return Err(TensorError::new(ErrorKind::Index, op, "more indices than dimensions")
                .with("indices", dim)
                .with("shape", sliced.view.shape()));
        }
        if sliced.tensors.is_empty() {
            return Err(TensorError::new(ErrorKind::Value, op, "needs at least one index tensor"));
        }
        Ok(sliced)
    }

    /// The mask, if there is nothing but one, under which a single value is written everywhere: with sizes of 1
    /// for the dimensions behind it, so that it broadcasts to the view.
    fn lone_mask(&self, op: &'static str) -> Result<Option<Tensor>> {
        let [(first, mask)] = &self.tensors[..] else { return Ok(None) };
        if !is_mask(mask) {
            return Ok(None);
        }
        places::check_mask(op, mask, self.view.shape(), *first)?;
        if mask.dtype() != DType::Bool {
            return Err(
                TensorError::new(ErrorKind::DType, op, "mask is not bool").with("dtype", mask.dtype())
            );
        }
        let behind = self.view.rank() - first - mask.rank();
        let shape: Shape = mask.shape().iter().copied().chain(std::iter::repeat_n(1, behind)).collect();
        mask.detach().with_shape(&shape).map(Some)
    }

    /// What a write is told: the places, how, and the value for each.
    fn aimed(
        &self,
        op: &'static str,
        value: &Tensor,
        accumulate: bool,
    ) -> Result<(Places, ScatterOp, Tensor)> {
        let places = self.places(op)?;
        let value = fitting(op, &self.view, &places, value)?;
        Ok((places, if accumulate { ScatterOp::Add } else { ScatterOp::Assign }, value))
    }

    /// Writes into the view.
    fn put_(&self, op: &'static str, value: &Tensor, accumulate: bool) -> Result<Tensor> {
        if !accumulate
            && value.numel() == 1
            && let Some(mask) = self.lone_mask(op)?
        {
            return by_value(op, &self.view, &[value], &|x| fill_mask(x, &mask, value));
        }
        let (places, how, value) = self.aimed(op, value, accumulate)?;
        places::write_(op, "IndexPut", how, &self.view, &places, &value)
    }

    /// A copy of the view, written into.
    fn put(&self, op: &'static str, value: &Tensor, accumulate: bool) -> Result<Tensor> {
        if !accumulate
            && value.numel() == 1
            && let Some(mask) = self.lone_mask(op)?
        {
            return fill_mask(&self.view, &mask, value);
        }
        let (places, how, value) = self.aimed(op, value, accumulate)?;
        places::write(op, "IndexPut", how, &self.view, &places, &value)
    }
}

fn is_mask(t: &Tensor) -> bool {
    matches!(t.dtype(), DType::Bool | DType::U8)
}

/// The index of a dimension of size 1 that keeps or drops it.
fn all_or_nothing(all: bool) -> Result<Tensor> {
    Tensor::zeros(&[usize::from(all)], DType::I64)
}

impl Index {
    /// How many dimensions of the indexed tensor it stands for.
    fn consumes(&self) -> usize {
        match self {
            Index::At(_) | Index::Slice { .. } => 1,
            Index::NewAxis | Index::Ellipsis | Index::Bool(_) => 0,
            Index::Tensor(t) if is_mask(t) => t.rank(),
            Index::Tensor(_) => 1,
        }
    }
}

/// `value` without leading sizes of 1, which an assignment ignores.
fn without_leading_ones(value: &Tensor) -> Result<Tensor> {
    let ones = value.shape().iter().take_while(|&&n| n == 1).count();
    value.with_shape(&value.shape()[ones..])
}

/// `value` as a tensor of the shape of the places and the dtype of the target.
fn fitting(op: &'static str, target: &Tensor, places: &Places, value: &Tensor) -> Result<Tensor> {
    if value.dtype() != target.dtype() {
        return Err(TensorError::new(ErrorKind::DType, op, "value and target differ in dtype")
            .with("value", value.dtype())
            .with("target", target.dtype()));
    }
    let shape = places.result_shape();
    if !broadcast_shapes(op, value.shape(), &shape).is_ok_and(|joined| joined == shape) {
        return Err(TensorError::new(
            ErrorKind::Shape,
            op,
            "value cannot be broadcast to what the index stands for",
        )
        .with("value", value.shape())
        .with("indexed", &shape));
    }
    value.broadcast_to(&shape)
}

/// Writes one value wherever a mask is true, cast to the dtype of `x`.
fn fill_mask(x: &Tensor, mask: &Tensor, value: &Tensor) -> Result<Tensor> {
    let value = value.reshape([])?.to_dtype(x.dtype())?;
    Tensor::where_cond(mask, &value, x)
}

impl Tensor {
    /// Indexing: `x.i((0, .., 1..3))` is Python's `x[0, :, 1:3]`. Rust's `..` is a full slice; [`Index::Ellipsis`]
    /// and [`Index::NewAxis`] are Python's `...` and `None`; tensors are positions or masks.
    ///
    /// Without tensors the result is a view, and writing goes through it: `x.i(0)?.fill_(1.0)?`. With tensors it
    /// is a copy: the index tensors are broadcast together and their dimensions stand in place of the ones they
    /// index where those are neighbours, else first. Masks count as the positions where they are true.
    ///
    /// ```
    /// # use rusttorch::{Index, Tensor};
    /// # fn main() -> rusttorch::Result<()> {
    /// let x = Tensor::from_vec((0..6).collect::<Vec<i64>>(), &[2, 3])?;
    /// let columns = Tensor::from_vec(vec![2i64, -3], &[2])?;
    /// assert_eq!(x.i((.., &columns))?.to_vec::<i64>()?, [2, 0, 5, 3]);
    /// assert_eq!(x.i(&x.gt(2i64)?)?.to_vec::<i64>()?, [3, 4, 5]);
    /// assert_eq!(x.i((Index::Ellipsis, -1))?.to_vec::<i64>()?, [2, 5]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Errors: `Index` for a position out of range, for more entries than dimensions, a mask of another shape, an
    /// index tensor of another dtype and index tensors that do not broadcast; `Value` for step 0.
    pub fn i(&self, index: impl IndexList) -> Result<Tensor> {
        const OP: &str = "index";
        let sliced = Sliced::new(OP, self, &index.entries())?;
        if sliced.tensors.is_empty() {
            return Ok(sliced.view);
        }
        places::read(OP, "Index", &sliced.view, &sliced.places(OP)?)
    }

    /// In-place indexing: `x.i_((.., 0), 1.0)` is Python's `x[:, 0] = 1.0`. A tensor is broadcast to what the
    /// index stands for (leading sizes of 1 fall away) and, where there are no index tensors or one mask and a
    /// single value, cast to the tensor's dtype. Of several values for one place the last in row-major order of
    /// the index stays (PyTorch leaves it open). Returns the tensor itself.
    ///
    /// ```
    /// # use rusttorch::Tensor;
    /// # fn main() -> rusttorch::Result<()> {
    /// let x = Tensor::from_vec(vec![-1.0f32, 2.0, -3.0, 4.0], &[2, 2])?;
    /// x.i_(&x.lt(0.0)?, 0.0)?;
    /// assert_eq!(x.to_vec::<f32>()?, [0.0, 2.0, 0.0, 4.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Errors: those of [`i`](Self::i); `Shape` for a value that cannot be broadcast, `DType` for one of
    /// another dtype, `Value` for a number beyond the dtype's range; those of in-place ops.
    pub fn i_<'a>(&self, index: impl IndexList, value: impl Into<Operand<'a>>) -> Result<Tensor> {
        const OP: &str = "index_put_";
        let sliced = Sliced::new(OP, self, &index.entries())?;
        let view = &sliced.view;
        let value = match value.into() {
            Operand::Scalar(s) => {
                let s = castable(OP, s, self.dtype())?;
                if sliced.tensors.is_empty() {
                    view.fill_(s)?;
                    return Ok(self.clone());
                }
                Tensor::full(&[], s, self.dtype())?
            }
            Operand::Tensor(t) => without_leading_ones(t)?,
        };
        if sliced.tensors.is_empty() {
            view.copy_(&value)?;
        } else {
            sliced.put_(OP, &value, false)?;
        }
        Ok(self.clone())
    }

    /// A copy with `values` written, or with `accumulate` added, where the index tensors point: `indices` has one
    /// entry a dimension, `None` where it is not indexed, as many dimensions as it has for a mask. `values` is
    /// broadcast. Of several values for one place the last stays; all are added. PyTorch: `torch.index_put`.
    /// Errors: as [`i_`](Self::i_).
    pub fn index_put(
        &self,
        indices: &[Option<&Tensor>],
        values: &Tensor,
        accumulate: bool,
    ) -> Result<Tensor> {
        const OP: &str = "index_put";
        Sliced::whole(OP, self, indices)?.put(OP, values, accumulate)?.with_shape(self.shape())
    }

    /// In-place [`index_put`](Self::index_put). Returns the tensor itself.
    pub fn index_put_(
        &self,
        indices: &[Option<&Tensor>],
        values: &Tensor,
        accumulate: bool,
    ) -> Result<Tensor> {
        const OP: &str = "index_put_";
        Sliced::whole(OP, self, indices)?.put_(OP, values, accumulate)?;
        Ok(self.clone())
    }
}

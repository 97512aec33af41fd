//! Where an index with tensors points, and reading and writing there.
//!
//! Some dimensions of a tensor are indexed, the others run along: the rows. All index tensors together become
//! one, of positions along one line through memory, and the backend's `gather` and `scatter` do the rest. For
//! reading, that line with the rows across is a view of the tensor's own memory, whatever its strides: its step
//! is the greatest common divisor of the steps of the indexed dimensions. Nothing is copied but what is read. For
//! writing, no two indices of a view may share a position; where rows and line would cross, every element is
//! given a position of its own.

use rusttorch_backend::layout::{broadcast_shapes, numel};
use rusttorch_backend::ops::ScatterOp;
use rusttorch_backend::{DType, ErrorKind, Layout, Result, Shape, Strides, TensorError};
use smallvec::{SmallVec, smallvec};

use super::nonzero::{nonzero_flat, unravel};
use crate::autograd::{Context, Rule, Saved, in_place_by_rule, record};
use crate::dispatch;
use crate::tensor::{Memory, Tensor};

/// One index tensor and the dimensions that it points into.
#[derive(Clone)]
struct Group {
    first: usize,
    count: usize,
    /// i64: positions in the row-major order of these dimensions, in bounds.
    index: Tensor,
}

/// Where an index points in a tensor of a certain shape.
#[derive(Clone)]
pub(crate) struct Places {
    /// By ascending dimension.
    groups: SmallVec<[Group; 2]>,
    /// To which the index tensors broadcast.
    index_shape: Shape,
    /// Of the tensor that is indexed.
    shape: Shape,
    /// Before which of the dimensions that run along those of the index stand in the result.
    at: usize,
}

/// How the contract's `gather` and `scatter` are told.
struct Aim {
    layout: Layout,
    axis: usize,
    /// Of the shape of what is read or written.
    index: Tensor,
}

/// An axis of a layout with the index along it.
struct Axis {
    size: usize,
    stride: isize,
    index: Tensor,
}

/// Error: `Index` where a mask at a dimension does not have the sizes from there on.
pub(crate) fn check_mask(op: &'static str, mask: &Tensor, shape: &[usize], dim: usize) -> Result<()> {
    if shape.get(dim..dim + mask.rank()) == Some(mask.shape()) {
        return Ok(());
    }
    Err(TensorError::new(
        ErrorKind::Index,
        op,
        "mask does not have the shape of the dimensions it stands for",
    )
    .with("mask", mask.shape())
    .with("shape", shape)
    .with("dim", dim))
}

fn out_of_range(op: &'static str, index: i64, dim: usize, size: usize) -> TensorError {
    TensorError::new(ErrorKind::Index, op, "index out of range")
        .with("index", index)
        .with("dim", dim)
        .with("size", size)
}

/// The index with negative entries counted from the end. Error: `Index` for one out of range.
pub(crate) fn in_bounds(op: &'static str, index: &Tensor, dim: usize, size: usize) -> Result<Tensor> {
    if index.numel() == 0 {
        return Ok(index.clone());
    }
    let extreme = |t: Result<Tensor>| Ok::<i64, TensorError>(t?.item()?.to_i64());
    let (low, high) = (extreme(index.min())?, extreme(index.max())?);
    let n = size as i64;
    if high >= n || low < -n {
        return Err(out_of_range(op, if high >= n { high } else { low }, dim, size));
    }
    if low >= 0 {
        return Ok(index.clone());
    }
    Tensor::where_cond(&index.lt(0i64)?, &index.add(n)?, index)
}

impl Places {
    /// From index tensors and the (first) dimension each stands for, by ascending dimension: i64 and i32 hold
    /// positions, of bool and u8 those count that are not zero. Errors: `Index` for another dtype, a position
    /// out of range, a mask of another shape, and shapes that do not broadcast.
    pub(crate) fn new(op: &'static str, shape: &[usize], list: &[(usize, &Tensor)]) -> Result<Places> {
        let mut groups: SmallVec<[Group; 2]> = SmallVec::new();
        let mut index_shape = Shape::new();
        for &(first, t) in list {
            let (count, index) = match t.dtype() {
                DType::Bool | DType::U8 => {
                    check_mask(op, t, shape, first)?;
                    (t.rank(), nonzero_flat(t)?)
                }
                DType::I64 | DType::I32 => (1, t.detach().to_dtype(DType::I64)?),
                other => {
                    let rule = "tensors used as indices must be int64, int32, uint8 or bool";
                    return Err(TensorError::new(ErrorKind::Index, op, rule).with("dtype", other));
                }
            };
            index_shape = broadcast_shapes(op, &index_shape, index.shape()).map_err(|_| {
                TensorError::new(ErrorKind::Index, op, "index tensors cannot be broadcast together")
                    .with("indices", &index_shape)
                    .with("index", index.shape())
            })?;
            groups.push(Group { first, count, index });
        }
        let adjacent = groups.windows(2).all(|w| w[0].first + w[0].count == w[1].first);
        let at = if adjacent { groups.first().map_or(0, |g| g.first) } else { 0 };
        let mut places = Places { groups, index_shape, shape: shape.into(), at };
        places.check(op, list)?;
        Ok(places)
    }

    /// Checks index tensors that are no masks, and counts their negative entries from the end. Where nothing
    /// is read they may point anywhere but into a dimension without elements, as in PyTorch.
    fn check(&mut self, op: &'static str, list: &[(usize, &Tensor)]) -> Result<()> {
        if self.index_shape.contains(&0) {
            return Ok(());
        }
        let nothing = self.rest().any(|d| self.shape[d] == 0);
        for (group, (_, given)) in self.groups.iter_mut().zip(list) {
            if matches!(given.dtype(), DType::Bool | DType::U8) {
                continue;
            }
            let size = self.shape[group.first];
            if size == 0 || !nothing {
                group.index = in_bounds(op, &group.index, group.first, size)?;
            }
        }
        Ok(())
    }

    /// One index along one dimension. The caller, or the kernel, sees to the bounds.
    pub(crate) fn along(shape: &[usize], dim: usize, index: Tensor) -> Places {
        let index_shape = index.shape().into();
        let groups = smallvec![Group { first: dim, count: 1, index }];
        Places { groups, index_shape, shape: shape.into(), at: dim }
    }

    /// Positions, in bounds, in the row-major order of a whole tensor of rank 1 or more.
    pub(crate) fn flat(shape: &[usize], index: Tensor) -> Places {
        let index_shape = index.shape().into();
        let groups = smallvec![Group { first: 0, count: shape.len(), index }];
        Places { groups, index_shape, shape: shape.into(), at: 0 }
    }

    /// As [`flat`](Self::flat), of positions that are still to be checked, of which negative ones count from
    /// the end. Error: `Index`.
    pub(crate) fn flat_checked(op: &'static str, shape: &[usize], index: &Tensor) -> Result<Places> {
        Ok(Places::flat(shape, in_bounds(op, index, 0, numel(op, shape)?)?))
    }

    /// The dimensions that run along.
    fn rest(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        (0..self.shape.len())
            .filter(|d| !self.groups.iter().any(|g| (g.first..g.first + g.count).contains(d)))
    }

    /// The shape of what is read: the rest, with `middle` before dimension `at` of it.
    fn shape_with(&self, middle: &[usize]) -> Shape {
        let mut out: Shape = self.rest().take(self.at).map(|d| self.shape[d]).collect();
        out.extend_from_slice(middle);
        out.extend(self.rest().skip(self.at).map(|d| self.shape[d]));
        out
    }

    /// The shape of what is read.
    pub(crate) fn result_shape(&self) -> Shape {
        self.shape_with(&self.index_shape)
    }

    /// How many indices there are.
    fn count(&self) -> usize {
        self.index_shape.iter().product()
    }

    /// The axes of a layout of the indexed shape, each with the index along it. Dimensions under one index are
    /// one axis where their strides allow it.
    fn axes(&self, layout: &Layout) -> Result<SmallVec<[Axis; 2]>> {
        let mut axes: SmallVec<[Axis; 2]> = SmallVec::new();
        for g in &self.groups {
            if g.count == 1 {
                let (size, stride) = (layout.shape()[g.first], layout.strides()[g.first]);
                axes.push(Axis { size, stride, index: g.index.clone() });
                continue;
            }
            let dims = g.first..g.first + g.count;
            let (sizes, strides) = (&layout.shape()[dims.clone()], &layout.strides()[dims]);
            let whole = Layout::new("index", sizes.into(), strides.into(), reach_down(sizes, strides))?;
            match whole.reshape(&[whole.numel()]) {
                Some(merged) => axes.push(Axis {
                    size: merged.shape()[0],
                    stride: merged.strides()[0],
                    index: g.index.clone(),
                }),
                None => {
                    let columns = unravel(&g.index, sizes)?;
                    let parts = columns.into_iter().zip(sizes).zip(strides);
                    axes.extend(parts.map(|((index, &size), &stride)| Axis { size, stride, index }));
                }
            }
        }
        Ok(axes)
    }

    /// The view and the index for reading or writing a tensor of a layout that is not empty, at one place at
    /// least. For writing (`apart`) no two indices of the view share a position.
    fn aim(&self, layout: &Layout, apart: bool) -> Result<Aim> {
        let axes = self.axes(layout)?;
        let (index, size, stride, start) = match &axes[..] {
            [Axis { size, stride, index }] => (index.clone(), *size, *stride, layout.offset()),
            axes => self.line(axes, layout.offset())?,
        };
        let index = index.broadcast_to(&self.index_shape)?.reshape([-1])?;
        let (mut sizes, mut strides) = (self.shape_with(&[size]), Strides::new());
        strides.extend(self.rest().map(|d| layout.strides()[d]));
        strides.insert(self.at, stride);
        if let Ok(rows) = Layout::new("index", sizes.clone(), strides.clone(), start)
            && !(apart && rows.may_overlap_itself())
        {
            sizes[self.at] = self.count();
            let index = index.with_shape(&column(&sizes, self.at))?.broadcast_to(&sizes)?;
            return Ok(Aim { layout: rows, axis: self.at, index });
        }
        // A position for every element, in one line through all memory that the layout spans.
        sizes[self.at] = self.count();
        let index = positions(&index.mul(stride as i64)?, self.at, &sizes, &strides)?;
        let low = start - reach_down(&self.shape_with(&[size]), &strides);
        let index = index.add((start - low) as i64)?.flatten()?;
        let span = Layout::new("index", smallvec![layout.end() - low], smallvec![1], low)?;
        Ok(Aim { layout: span, axis: 0, index })
    }

    /// Several axes as one line through memory: the index along it, its length, its step and its start.
    fn line(&self, axes: &[Axis], offset: usize) -> Result<(Tensor, usize, isize, usize)> {
        let moving = || axes.iter().filter(|a| a.size > 1 && a.stride != 0);
        let step = moving().map(|a| a.stride.unsigned_abs()).fold(0, gcd).max(1) as isize;
        let down: usize =
            moving().filter(|a| a.stride < 0).map(|a| a.stride.unsigned_abs() * (a.size - 1)).sum();
        let length = 1 + moving().map(|a| (a.stride / step).unsigned_abs() * (a.size - 1)).sum::<usize>();
        let mut line: Option<Tensor> = None;
        for axis in moving() {
            let times = (axis.stride / step) as i64;
            let part = if times == 1 { axis.index.clone() } else { axis.index.mul(times)? };
            line = Some(match line {
                None => part,
                Some(sum) => sum.add(&part)?,
            });
        }
        let line = match line {
            None => Tensor::zeros(&self.index_shape, DType::I64)?,
            Some(line) if down > 0 => line.add((down / step as usize) as i64)?,
            Some(line) => line,
        };
        Ok((line, length, step, offset - down))
    }

    /// What stands there, of [`result_shape`](Self::result_shape), with nothing recorded.
    fn read(&self, op: &'static str, x: &Tensor) -> Result<Tensor> {
        let shape = self.result_shape();
        if shape.contains(&0) {
            return dispatch::fresh(op, &dispatch::backend_of([x])?, &shape, x.dtype(), |_| Ok(()));
        }
        let Aim { layout, axis, index } = self.aim(x.layout(), false)?;
        let view = &Tensor::from_parts(Memory::Own(x.storage().clone()), layout, x.dtype());
        let out = dispatch::compute(op, [view, &index], index.shape(), x.dtype(), |b, [x, i], out| {
            b.gather(x, axis, i, out)
        })?;
        if out.shape() == &shape[..] {
            return Ok(out);
        }
        let layout = Layout::contiguous(op, &shape)?;
        Ok(Tensor::from_parts(Memory::Own(out.storage().clone()), layout, x.dtype()))
    }

    /// Writes there, with nothing recorded. `src` has the target's dtype and
    /// [`result_shape`](Self::result_shape). Of several values for one place the last in row-major order of the
    /// index stays, or all are merged in that order.
    fn write(&self, op: &'static str, how: ScatterOp, target: &Tensor, src: &Tensor) -> Result<()> {
        if src.numel() == 0 {
            return dispatch::write_nothing(op, target);
        }
        dispatch::writable(op, target)?;
        let Aim { layout, axis, index } = self.aim(target.layout(), true)?;
        let view = &Tensor::from_parts(Memory::Own(target.storage().clone()), layout, target.dtype());
        let src = src.detach().with_shape(index.shape())?;
        dispatch::write_in_place(op, view, [&index, &src], |b, io, [i, s]| b.scatter(how, io, axis, i, s))
    }

    fn save(&self) -> impl Fn(&Context<'_>) -> Result<Places> + Send + Sync + use<> {
        let saved: SmallVec<[Saved; 2]> = self.groups.iter().map(|g| Saved::input(&g.index)).collect();
        let places = self.clone();
        move |context| {
            let mut places = places.clone();
            for (g, s) in places.groups.iter_mut().zip(&saved) {
                g.index = s.unpack(context)?;
            }
            Ok(places)
        }
    }
}

/// How far below its first element a layout reaches.
fn reach_down(sizes: &[usize], strides: &[isize]) -> usize {
    let down = |(&n, &s): (&usize, &isize)| s.min(0).unsigned_abs() * n.saturating_sub(1);
    sizes.iter().zip(strides).map(down).sum()
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// `sizes[axis]` with sizes of 1 at all other axes.
pub(crate) fn column(sizes: &[usize], axis: usize) -> Shape {
    let mut column = Shape::from_elem(1, sizes.len());
    column[axis] = sizes[axis];
    column
}

/// For every element of `sizes`, whose axis `at` has the positions of `line`, its position in memory.
fn positions(line: &Tensor, at: usize, sizes: &[usize], strides: &[isize]) -> Result<Tensor> {
    let mut sum: Option<Tensor> = None;
    for (d, (&n, &stride)) in sizes.iter().zip(strides).enumerate() {
        let part = match d == at {
            true => line.clone(),
            false => Tensor::arange(0, n as i64, 1, DType::I64)?.mul(stride as i64)?,
        };
        let part = part.with_shape(&column(sizes, d))?;
        sum = Some(match sum {
            None => part,
            Some(sum) => sum.add(&part)?,
        });
    }
    sum.map_or_else(|| Tensor::zeros(sizes, DType::I64), Ok)
}

/// The elements of `x` at some places.
pub(crate) fn read(op: &'static str, title: &'static str, x: &Tensor, places: &Places) -> Result<Tensor> {
    let out = places.read(op, x)?;
    if !out.dtype().is_float() {
        return Ok(out);
    }
    Ok(record(title, out, [x], |_| {
        let places = places.save();
        Box::new(move |context, g| Ok(smallvec![Some(spread(g, &places(context)?)?)]))
    }))
}

/// Zeros with `g` added at some places: the gradient of [`read`].
fn spread(g: &Tensor, places: &Places) -> Result<Tensor> {
    let out = Tensor::zeros(&places.shape, g.dtype())?;
    places.write("index_put", ScatterOp::Add, &out, g)?;
    Ok(record("IndexPut", out, [g], |_| {
        let places = places.save();
        Box::new(move |context, g| Ok(smallvec![Some(read("index", "Index", g, &places(context)?)?)]))
    }))
}

/// The gradients of target and source of a write: `Assign` or `Add`.
fn write_rule(how: ScatterOp, places: &Places) -> Rule {
    let places = places.save();
    Box::new(move |context, g| {
        let places = places(context)?;
        let of_target = match how {
            ScatterOp::Add => Some(g.clone()),
            _ if context.needs(0) => {
                let zero = Tensor::zeros(&[], g.dtype())?.broadcast_to(&places.result_shape())?;
                Some(write("index_put", "IndexPut", ScatterOp::Assign, g, &places, &zero)?)
            }
            _ => None,
        };
        let of_source = context.needs(1).then(|| read("index", "Index", g, &places)).transpose()?;
        Ok(smallvec![of_target, of_source])
    })
}

/// A copy of `x` with `src`, of its dtype and the places' result shape, written (`Assign`) or added (`Add`)
/// at some places.
pub(crate) fn write(
    op: &'static str,
    title: &'static str,
    how: ScatterOp,
    x: &Tensor,
    places: &Places,
    src: &Tensor,
) -> Result<Tensor> {
    let out = dispatch::duplicate(x)?;
    places.write(op, how, &out, src)?;
    if !out.dtype().is_float() {
        return Ok(out);
    }
    Ok(record(title, out, [x, src], |_| write_rule(how, places)))
}

/// [`write`] into `target` itself, which is returned.
pub(crate) fn write_(
    op: &'static str,
    title: &'static str,
    how: ScatterOp,
    target: &Tensor,
    places: &Places,
    src: &Tensor,
) -> Result<Tensor> {
    let direct = || places.write(op, how, target, src);
    if !target.dtype().is_float() {
        return in_place_by_rule(op, target, &[], direct, title, || write_rule(how, places));
    }
    in_place_by_rule(op, target, &[src], direct, title, || write_rule(how, places))
}

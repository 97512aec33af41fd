//! Gather and scatter: moving elements by index.
//!
//! Both walk the index in row-major order. Its entries are checked before anything is written, so that
//! an index out of bounds leaves the output as it was.

use std::collections::HashMap;

use rusttorch_backend::ops::{BinaryOp, ScatterOp};
use rusttorch_backend::{
    Boolean, Element, ErrorKind, Layout, Nest, Result, Strides, TensorError, View, ViewMut, match_dtype,
};

use crate::binary;
use crate::check::{indexed_shape, same_shape};
use crate::walk::{along, visit};
use crate::wide::Wide;

/// `out[.., i, ..] = x[.., index[.., i, ..], ..]`.
pub(crate) fn gather(x: View<'_>, axis: usize, index: View<'_>, out: ViewMut<'_>) -> Result<()> {
    indexed_shape("gather", x.layout(), axis, index.layout())?;
    same_shape("gather", index.layout(), out.layout())?;
    in_bounds("gather", index, x.shape()[axis])?;
    match_dtype!(x.dtype(), T => take::<T>(x, axis, index, out))
}

fn take<T: Element>(x: View<'_>, axis: usize, index: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
    let starts = starts("gather", x.layout(), axis, index.layout())?;
    let (stride, layouts) = (x.layout().strides()[axis], [&starts, index.layout(), out.layout()]);
    let (x, index, out) = (x.host::<T>()?, index.host::<i64>()?, out.host_mut::<T>()?);
    if !layouts[1].is_empty() {
        Nest::new(layouts).for_each(|[start, i, o]| out[o] = x[along(start, index[i] as usize, stride)]);
    }
    Ok(())
}

/// `io[.., index[.., i, ..], ..] = op(that, src[.., i, ..])`.
pub(crate) fn scatter(
    op: ScatterOp,
    io: ViewMut<'_>,
    axis: usize,
    index: View<'_>,
    src: View<'_>,
) -> Result<()> {
    indexed_shape(op.name(), io.layout(), axis, index.layout())?;
    same_shape(op.name(), index.layout(), src.layout())?;
    in_bounds(op.name(), index, io.shape()[axis])?;
    let combine = match op {
        ScatterOp::Assign => {
            return match_dtype!(io.dtype(), T => put::<T>(op, io, axis, index, src, |_, new| new));
        }
        ScatterOp::Add => BinaryOp::Add,
        ScatterOp::Mul => BinaryOp::Mul,
        ScatterOp::Amax => BinaryOp::Maximum,
        ScatterOp::Amin => BinaryOp::Minimum,
    };
    match_dtype!(floats io.dtype(), T => merge::<T, f64>(op, binary::float::<T>(combine), io, axis, index, src),
        else match_dtype!(ints io.dtype(), T => merge::<T, i64>(op, binary::int::<T>(combine), io, axis, index, src),
            else merge::<Boolean, bool>(op, binary::boolean(combine), io, axis, index, src)))
}

/// Scatter with the formula of a binary op, rounded after every element; of halves, which would lose a sum
/// of thousands, once at the end.
fn merge<T: Element, W: Wide>(
    op: ScatterOp,
    f: Option<fn(W, W) -> W>,
    io: ViewMut<'_>,
    axis: usize,
    index: View<'_>,
    src: View<'_>,
) -> Result<()> {
    let f = f.ok_or_else(|| crate::check::refused(op.name(), io.dtype()))?;
    if T::DTYPE.is_half() {
        return gather_up::<T, W>(op, f, io, axis, index, src);
    }
    put::<T>(op, io, axis, index, src, |old, new| f(W::of(old), W::of(new)).to())
}

/// Scatter whose places hold wide numbers until all is merged.
fn gather_up<T: Element, W: Wide>(
    op: ScatterOp,
    f: fn(W, W) -> W,
    mut io: ViewMut<'_>,
    axis: usize,
    index: View<'_>,
    src: View<'_>,
) -> Result<()> {
    let starts = starts(op.name(), io.layout(), axis, index.layout())?;
    let (stride, layouts) = (io.layout().strides()[axis], [&starts, index.layout(), src.layout()]);
    let (io, index, src) = (io.host_mut::<T>()?, index.host::<i64>()?, src.host::<T>()?);
    let mut merged: HashMap<usize, W> = HashMap::new();
    if !layouts[1].is_empty() {
        Nest::new(layouts).for_each(|[start, i, s]| {
            let place = along(start, index[i] as usize, stride);
            let so_far = merged.entry(place).or_insert_with(|| W::of(io[place]));
            *so_far = f(*so_far, W::of(src[s]));
        });
    }
    for (place, value) in merged {
        io[place] = value.to();
    }
    Ok(())
}

fn put<T: Element>(
    op: ScatterOp,
    mut io: ViewMut<'_>,
    axis: usize,
    index: View<'_>,
    src: View<'_>,
    f: impl Fn(T, T) -> T,
) -> Result<()> {
    let starts = starts(op.name(), io.layout(), axis, index.layout())?;
    let (stride, layouts) = (io.layout().strides()[axis], [&starts, index.layout(), src.layout()]);
    let (io, index, src) = (io.host_mut::<T>()?, index.host::<i64>()?, src.host::<T>()?);
    if !layouts[1].is_empty() {
        Nest::new(layouts).for_each(|[start, i, s]| {
            let place = &mut io[along(start, index[i] as usize, stride)];
            *place = f(*place, src[s]);
        });
    }
    Ok(())
}

/// The layout, of the shape of `index`, of the elements of `x` that have index 0 along `axis`.
fn starts(op: &'static str, x: &Layout, axis: usize, index: &Layout) -> Result<Layout> {
    let mut strides = Strides::from_slice(x.strides());
    strides[axis] = 0;
    Layout::new(op, index.shape().into(), strides, x.offset())
}

/// Error: `IndexValue` for an entry outside of `0..size`.
fn in_bounds(op: &'static str, index: View<'_>, size: usize) -> Result<()> {
    let mut outside = None;
    visit(index, |i: i64| {
        if usize::try_from(i).map_or(true, |i| i >= size) {
            outside.get_or_insert(i);
        }
    })?;
    match outside {
        None => Ok(()),
        Some(i) => Err(TensorError::new(ErrorKind::IndexValue, op, "index out of bounds")
            .with("index", i)
            .with("size", size)),
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;

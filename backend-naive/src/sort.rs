//! Order along an axis.
//!
//! A line is read as pairs of a widened element and its index. Ordered by element and then by index no two
//! of them are equal, so that sorting and selecting have one answer each, stable ones included.

use std::cmp::Ordering;

use rusttorch_backend::ops::SortOp;
use rusttorch_backend::{Element, ErrorKind, Nest, Result, TensorError, View, ViewMut};

use crate::check::{refused, resized_shape, same_shape};
use crate::walk::along;
use crate::wide::{Number, match_wide};

/// Sorts along `axis`, or selects by order.
pub(crate) fn sort(
    op: SortOp,
    x: View<'_>,
    axis: usize,
    values: ViewMut<'_>,
    indices: ViewMut<'_>,
) -> Result<()> {
    let n = x.shape().get(axis).copied().unwrap_or(0);
    resized_shape(op.name(), x.layout(), axis, op.gives(n), values.layout())?;
    same_shape(op.name(), values.layout(), indices.layout())?;
    let enough = match op {
        SortOp::Sort { .. } => true,
        SortOp::Topk { k, .. } => k <= n,
        SortOp::Kth { k } => k < n,
        SortOp::Median { .. } => n > 0,
    };
    if !enough && values.numel() > 0 {
        return Err(TensorError::new(ErrorKind::Shape, op.name(), "the axis has too few elements")
            .with("axis", axis)
            .with("shape", x.shape()));
    }
    match_wide!(x.dtype(), T, W => {
        each_line::<T, W>(x, axis, values, indices, |line| arrange(op, line))
    })
}

/// An element and its index.
type Entry<W> = (W, usize);

/// Writes what `arrange` makes of each line.
fn each_line<T: Element, W: Number>(
    x: View<'_>,
    axis: usize,
    mut values: ViewMut<'_>,
    mut indices: ViewMut<'_>,
    arrange: impl Fn(&mut Vec<Entry<W>>),
) -> Result<()> {
    let layouts = [x.layout(), values.layout(), indices.layout()];
    let (x, values, indices) = (x.host::<T>()?, values.host_mut::<T>()?, indices.host_mut::<i64>()?);
    if layouts[1].is_empty() {
        return Ok(());
    }
    let [from_step, value_step, index_step] = layouts.map(|l| l.strides()[axis]);
    let n = layouts[0].shape()[axis];
    let mut line: Vec<Entry<W>> = Vec::with_capacity(n);
    Nest::over(layouts, (0..layouts[0].rank()).filter(|&d| d != axis)).for_each(|[from, value, index]| {
        line.clear();
        line.extend((0..n).map(|i| (W::of(x[along(from, i, from_step)]), i)));
        arrange(&mut line);
        for (place, &(_, i)) in line.iter().enumerate() {
            values[along(value, place, value_step)] = x[along(from, i, from_step)];
            indices[along(index, place, index_step)] = i as i64;
        }
    });
    Ok(())
}

/// Leaves in the line what the op gives.
fn arrange<W: Number>(op: SortOp, line: &mut Vec<Entry<W>>) {
    match op {
        SortOp::Sort { descending } => line.sort_unstable_by(direction(descending)),
        SortOp::Topk { k, largest, sorted } => {
            if 0 < k && k < line.len() {
                line.select_nth_unstable_by(k - 1, direction(largest));
            }
            line.truncate(k);
            if sorted {
                line.sort_unstable_by(direction(largest));
            }
        }
        SortOp::Kth { k } => keep(line, k),
        SortOp::Median { ignore_nan } => {
            let first_nan = line.iter().position(|&(x, _)| is_nan(x));
            let numbers = line.iter().filter(|&&(x, _)| !is_nan(x)).count();
            match first_nan {
                Some(at) if numbers == 0 || !ignore_nan => *line = vec![line[at]],
                // NaN lies above the numbers, so that their middle is where it would be without.
                _ => keep(line, (numbers - 1) / 2),
            }
        }
    }
}

/// Only the element at place `k` of the ascending order.
fn keep<W: Number>(line: &mut Vec<Entry<W>>, k: usize) {
    let (_, &mut kept, _) = line.select_nth_unstable_by(k, direction(false));
    line.clear();
    line.push(kept);
}

/// By element, equal ones by index.
fn direction<W: Number>(descending: bool) -> impl Fn(&Entry<W>, &Entry<W>) -> Ordering {
    move |a, b| {
        let by_element = compare(a.0, b.0);
        let by_element = if descending { by_element.reverse() } else { by_element };
        by_element.then(a.1.cmp(&b.1))
    }
}

/// NaN above every number and equal to itself.
fn compare<W: Number>(a: W, b: W) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| is_nan(a).cmp(&is_nan(b)))
}

#[allow(clippy::eq_op, reason = "x != x is NaN, for floats and integers alike")]
fn is_nan<W: Number>(x: W) -> bool {
    x != x
}

/// Where `values` would be put into the lines of `sorted` along the last axis.
pub(crate) fn searchsorted(sorted: View<'_>, values: View<'_>, right: bool, out: ViewMut<'_>) -> Result<()> {
    const OP: &str = "searchsorted";
    same_shape(OP, values.layout(), out.layout())?;
    let axis = sorted.shape().len().saturating_sub(1);
    let m = values.shape().last().copied().unwrap_or(0);
    resized_shape(OP, sorted.layout(), axis, m, values.layout())?;
    match_wide!(numbers sorted.dtype(), T, W => search::<T, W>(sorted, values, right, out),
        else Err(refused(OP, sorted.dtype())))
}

fn search<T: Element, W: Number>(
    sorted: View<'_>,
    values: View<'_>,
    right: bool,
    mut out: ViewMut<'_>,
) -> Result<()> {
    let layouts = [sorted.layout(), values.layout(), out.layout()];
    let (sorted, values, out) = (sorted.host::<T>()?, values.host::<T>()?, out.host_mut::<i64>()?);
    if layouts[2].is_empty() {
        return Ok(());
    }
    let axis = layouts[0].rank() - 1;
    let [step, value_step, out_step] = layouts.map(|l| l.strides()[axis]);
    let [n, m, _] = layouts.map(|l| l.shape()[axis]);
    Nest::over(layouts, 0..axis).for_each(|[line, value, place]| {
        for i in 0..m {
            let x = W::of(values[along(value, i, value_step)]);
            let (mut low, mut high) = (0, n);
            while low < high {
                let middle = low + (high - low) / 2;
                let element = W::of(sorted[along(line, middle, step)]);
                if if right { element > x } else { element >= x } {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            out[along(place, i, out_step)] = low as i64;
        }
    });
    Ok(())
}

#[cfg(test)]
#[path = "sort_tests.rs"]
mod tests;

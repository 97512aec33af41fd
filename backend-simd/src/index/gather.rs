//! `out[.., i, ..] = x[.., index[.., i, ..], ..]`.

use std::sync::atomic::{AtomicBool, Ordering};

use bytemuck::Pod;
use rusttorch_backend::{Element, Layout, Nest, Result, View, ViewMut};

use super::{fits, in_bounds, joined, match_word, outside, starts};
use crate::arch::threads::parallel_chunks_mut;
use crate::arch::{Level, prefetch};
use crate::scratch::with_dense;
use crate::tuning::Cost;
use crate::tuning::index as tuning;

/// As naive names the op, for errors.
pub(super) const OP: &str = "gather";

/// What an element costs that is fetched by an index of its own.
const SINGLE: Cost = Cost(1000);

/// Bits are copied, whatever the dtype.
pub(crate) fn gather(
    level: Level,
    x: View<'_>,
    axis: usize,
    index: View<'_>,
    out: ViewMut<'_>,
) -> Option<Result<()>> {
    if x.dtype() != out.dtype() || !fits(x.layout(), axis, index, out.layout()) {
        return None;
    }
    Some(match_word!(x.dtype(), T, W => words::<T, W>(out, |out| {
        take::<W>(level, bytemuck::cast_slice(x.host::<T>()?), x.layout(), axis, index, out)
    })))
}

/// Hands the elements of `out`, as words and without gaps, to `write`; nothing where there are none.
pub(super) fn words<T: Element, W: Pod>(
    out: ViewMut<'_>,
    write: impl FnOnce(&mut [W]) -> Result<()>,
) -> Result<()> {
    if out.numel() == 0 {
        return Ok(());
    }
    with_dense::<T>(out, |out| write(bytemuck::cast_slice_mut(out)))
}

/// Writes `out`, which has the elements of the shape of `index` in row-major order, at least one.
fn take<W: Pod + Send + Sync>(
    level: Level,
    x: &[W],
    layout: &Layout,
    axis: usize,
    index: View<'_>,
    out: &mut [W],
) -> Result<()> {
    let (size, stride) = (layout.shape()[axis], layout.strides()[axis]);
    let starts = starts(layout, axis, index.layout())?;
    let layouts = [&starts, index.layout()];
    if let Some((width, [1, 0])) = joined(layouts, axis + 1..starts.rank()) {
        let nest = Nest::over(layouts, 0..=axis);
        return rows(level, Table { x, size, stride, width }, &nest, index, out);
    }
    if size == 0 {
        return Err(outside(OP, index, size));
    }
    let nest = Nest::new(layouts);
    let data = index.host::<i64>()?;
    let bad = AtomicBool::new(false);
    let chunk = SINGLE.chunk(out.len());
    parallel_chunks_mut(out, chunk, |i, out| {
        let (mut done, mut good) = (0, true);
        nest.for_each_run_in(i * chunk..i * chunk + out.len(), |[from, at], n, steps| {
            let out = &mut out[done..done + n];
            done += n;
            good &= line(x, from, (size, stride), (data, at), steps, out);
        });
        if !good {
            bad.store(true, Ordering::Relaxed);
        }
    });
    if bad.into_inner() { Err(outside(OP, index, size)) } else { Ok(()) }
}

/// Writes a run: element `k` starts at `from + k * steps[0]`, goes on by its index times `stride`, and has entry
/// `at + k * steps[1]` of `index`. False where an index is out of bounds; what is written there has no say.
#[inline]
fn line<W: Copy>(
    x: &[W],
    from: isize,
    (size, stride): (usize, isize),
    (index, at): (&[i64], isize),
    [step, index_step]: [isize; 2],
    out: &mut [W],
) -> bool {
    let mut good = true;
    let mut place = |k: usize, i: i64| {
        let inside = (i as usize) < size;
        good &= inside;
        let i = if inside { i as isize } else { 0 };
        (from + k as isize * step + i * stride) as usize
    };
    if index_step != 1 {
        for (k, out) in out.iter_mut().enumerate() {
            *out = x[place(k, index[(at + k as isize * index_step) as usize])];
        }
        return good;
    }
    let index = &index[at as usize..at as usize + out.len()];
    if (step, stride) != (0, 1) {
        for ((k, out), &i) in out.iter_mut().enumerate().zip(index) {
            *out = x[place(k, i)];
        }
        return good;
    }
    // A line that is taken from by many indices needs one check of each.
    let x = &x[from as usize..from as usize + size];
    for (out, &i) in out.iter_mut().zip(index) {
        match x.get(i as usize) {
            Some(&v) => *out = v,
            None => good = false,
        }
    }
    good
}

/// Rows that are taken whole: `width` elements side by side, `size` rows `stride` apart.
#[derive(Clone, Copy)]
pub(super) struct Table<'a, W> {
    pub(super) x: &'a [W],
    pub(super) size: usize,
    pub(super) stride: isize,
    pub(super) width: usize,
}

impl<'a, W> Table<'a, W> {
    #[inline(always)]
    fn row(&self, from: isize, i: i64) -> &'a [W] {
        let first = (from + i as isize * self.stride) as usize;
        &self.x[first..first + self.width]
    }
}

/// Writes one row per element of `nest`, which has the position of row 0 and of the index.
pub(super) fn rows<W: Copy + Send + Sync>(
    level: Level,
    table: Table<'_, W>,
    nest: &Nest<2>,
    index: View<'_>,
    out: &mut [W],
) -> Result<()> {
    in_bounds(level, OP, index, table.size)?;
    let index = index.host::<i64>()?;
    let width = table.width;
    let count = out.len() / width;
    let cost = Cost(Cost::LIGHT.0.max(2000 / width));
    let rows_per_task = count.div_ceil(cost.tasks(count, width));
    let ahead = width * size_of::<W>() >= tuning::AHEAD;
    parallel_chunks_mut(out, rows_per_task * width, |task, out| {
        let first = task * rows_per_task;
        let mut rest = out.chunks_exact_mut(width);
        nest.for_each_run_in(first..first + rest.len(), |[from, at], n, [step, index_step]| {
            let row = |k: usize| {
                let k = k as isize;
                table.row(from + k * step, index[(at + k * index_step) as usize])
            };
            for (k, out) in (0..n).zip(rest.by_ref()) {
                if ahead && k + 1 < n {
                    prefetch(row(k + 1));
                }
                let row = row(k);
                if width < tuning::SHORT_ROW {
                    out.iter_mut().zip(row).for_each(|(out, &v)| *out = v);
                } else {
                    out.copy_from_slice(row);
                }
            }
        });
    });
    Ok(())
}

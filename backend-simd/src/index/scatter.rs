//! `io[.., index[.., i, ..], ..] = op(that, src[.., i, ..])`, in row-major order of the index.
//!
//! Elements that differ in another axis than the one scattered along never meet. So threads share out the other
//! axes, and each walks its part of the index in order: no result depends on their number.

use std::collections::HashMap;

use rusttorch_backend::ops::ScatterOp;
use rusttorch_backend::{DType, Nest, Result, View, ViewMut, bf16, f16, match_dtype};

use super::merge::{Half, Merge, merge_row, with_formula};
use super::{fits, in_bounds, joined, starts};
use crate::arch::threads::{parallel_chunks_mut, parallel_each, threads};
use crate::arch::{Level, Panel, panels};
use crate::tuning::Cost;
use crate::tuning::index as tuning;

/// What an element costs that is merged by an index of its own.
const SINGLE: Cost = Cost(1500);

/// In the dtype itself; sums and products of halves in f64, rounded when all is merged.
pub(crate) fn scatter(
    level: Level,
    op: ScatterOp,
    io: ViewMut<'_>,
    axis: usize,
    index: View<'_>,
    src: View<'_>,
) -> Option<Result<()>> {
    if io.dtype() != src.dtype() || !fits(io.layout(), axis, index, src.layout()) {
        return None;
    }
    let call = Call { level, op, axis, index, src };
    let once = matches!(op, ScatterOp::Add | ScatterOp::Mul);
    Some(match io.dtype() {
        DType::F16 if once => call.run::<f16>(io, wide::<f16>, wide_one_by_one::<f16>),
        DType::BF16 if once => call.run::<bf16>(io, wide::<bf16>, wide_one_by_one::<bf16>),
        dtype => match_dtype!(dtype, T => call.run::<T>(io, narrow::<T>, one_by_one::<T>)),
    })
}

#[derive(Clone, Copy)]
struct Call<'a> {
    level: Level,
    op: ScatterOp,
    axis: usize,
    index: View<'a>,
    src: View<'a>,
}

/// What is merged into a panel: row `a` of `count` and column `c` has the index and the element `a` and `c` strides
/// from the start.
struct Source<'a, T> {
    level: Level,
    op: ScatterOp,
    index: &'a [i64],
    src: &'a [T],
    count: usize,
    /// Of the index and of the elements.
    row_steps: [isize; 2],
    column_steps: [isize; 2],
}

impl<T: Copy> Source<'_, T> {
    #[inline(always)]
    fn position(&self, operand: usize, start: [isize; 2], row: usize, column: usize) -> usize {
        (start[operand]
            + row as isize * self.row_steps[operand]
            + column as isize * self.column_steps[operand]) as usize
    }

    #[inline(always)]
    fn index(&self, start: [isize; 2], row: usize, column: usize) -> usize {
        self.index[self.position(0, start, row, column)] as usize
    }

    #[inline(always)]
    fn element(&self, start: [isize; 2], row: usize, column: usize) -> T {
        self.src[self.position(1, start, row, column)]
    }
}

/// Merges into a panel what belongs there.
type Merger<T> = fn(&Source<'_, T>, [isize; 2], &mut Panel<'_, T>, usize);

impl Call<'_> {
    fn run<T: Merge>(
        self,
        mut io: ViewMut<'_>,
        panel: Merger<T>,
        slow: fn(Self, ViewMut<'_>) -> Result<()>,
    ) -> Result<()> {
        let Call { level, op, axis, index, src } = self;
        let layout = io.layout();
        let size = layout.shape()[axis];
        in_bounds(level, op.name(), index, size)?;
        if index.numel() == 0 {
            return Ok(());
        }
        let layouts = [index.layout(), src.layout()];
        let whole =
            index.shape().iter().zip(layout.shape()).enumerate().all(|(d, (&i, &n))| d == axis || i == n);
        let inner = joined(layouts, axis + 1..layout.rank());
        let (Some(range), true, Some((width, column_steps))) = (layout.contiguous_range(), whole, inner)
        else {
            return slow(self, io);
        };
        let count = index.shape()[axis];
        let source = Source {
            level,
            op,
            index: index.host::<i64>()?,
            src: src.host::<T>()?,
            count,
            row_steps: layouts.map(|l| l.strides()[axis]),
            column_steps,
        };
        let matrices = Nest::over(layouts, 0..axis);
        let io = &mut io.host_mut::<T>()?[range];
        let outer = io.len() / (size * width);
        let by_row = column_steps[0] == 0 && column_steps[1] == 1;
        let cost = if by_row { Cost::LIGHT } else { SINGLE };
        let tasks = cost.tasks(outer * width, count);
        if tasks <= outer {
            let group = outer.div_ceil(tasks);
            parallel_chunks_mut(io, group * size * width, |task, part| {
                let mut parts = part.chunks_exact_mut(size * width);
                let first = task * group;
                matrices.for_each_run_in(first..first + parts.len(), |start, n, steps| {
                    for (k, matrix) in (0..n as isize).zip(parts.by_ref()) {
                        let start = [start[0] + k * steps[0], start[1] + k * steps[1]];
                        panel(&source, start, &mut Panel::whole(matrix, width), size);
                    }
                });
            });
            return Ok(());
        }
        // Few matrices: their columns are shared out, of whole rows to as few threads as there are.
        let least = if by_row { tuning::ROW_PANEL } else { tuning::ELEMENT_PANEL };
        let tasks = if by_row { tasks.min(2 * threads()) } else { tasks };
        let piece = (outer * width).div_ceil(tasks).next_multiple_of(least).min(width);
        let per_matrix = width.div_ceil(piece);
        parallel_each(&mut panels(io, size, width, piece), |i, part| {
            let (matrix, column) = (i / per_matrix, (i % per_matrix * piece) as isize);
            matrices.for_each_run_in(matrix..matrix + 1, |start, _, _| {
                let start = [start[0] + column * column_steps[0], start[1] + column * column_steps[1]];
                panel(&source, start, part, size);
            });
        });
        Ok(())
    }
}

/// Into a panel, in the dtype itself.
fn narrow<T: Merge>(source: &Source<'_, T>, start: [isize; 2], panel: &mut Panel<'_, T>, _: usize) {
    let columns = panel.columns();
    let [index_step, step] = source.column_steps;
    if index_step == 0 && step == 1 && columns > 1 {
        for a in 0..source.count {
            let from = source.position(1, start, a, 0);
            let row = panel.row(source.index(start, a, 0));
            merge_row(source.level, source.op, row, &source.src[from..from + columns]);
        }
        return;
    }
    if let (Some(line), [1, 1]) = (panel.line(), source.row_steps) {
        let [index, src] = [0, 1].map(|operand| source.position(operand, start, 0, 0));
        let (index, src) = (&source.index[index..][..source.count], &source.src[src..][..source.count]);
        with_formula!(source.op, T, f => for (&i, &new) in index.iter().zip(src) {
            let place = &mut line[i as usize];
            *place = f(*place, new);
        });
        return;
    }
    if source.column_steps == [1, 1] {
        with_formula!(source.op, T, f => for a in 0..source.count {
            let [index, src] = [0, 1].map(|operand| source.position(operand, start, a, 0));
            let (index, src) = (&source.index[index..][..columns], &source.src[src..][..columns]);
            for (c, (&i, &new)) in index.iter().zip(src).enumerate() {
                let place = &mut panel.row(i as usize)[c];
                *place = f(*place, new);
            }
        });
        return;
    }
    with_formula!(source.op, T, f => for a in 0..source.count {
        for c in 0..columns {
            let place = &mut panel.row(source.index(start, a, c))[c];
            *place = f(*place, source.element(start, a, c));
        }
    });
}

/// Into a panel of halves: rows that are met are held wide until all is merged.
fn wide<H: Half>(source: &Source<'_, H>, start: [isize; 2], panel: &mut Panel<'_, H>, size: usize) {
    let columns = panel.columns();
    // Where each row is held, plus one.
    let mut held = vec![0usize; size];
    let mut rows = Vec::new();
    let mut values: Vec<f64> = Vec::new();
    with_formula!(source.op, f64, f => for a in 0..source.count {
        for c in 0..columns {
            let row = source.index(start, a, c);
            if held[row] == 0 {
                values.extend(panel.row(row).iter().map(|&x| x.wide()));
                rows.push(row);
                held[row] = rows.len();
            }
            let place = &mut values[(held[row] - 1) * columns + c];
            *place = f(*place, source.element(start, a, c).wide());
        }
    });
    for (row, values) in rows.into_iter().zip(values.chunks_exact(columns)) {
        for (place, &value) in panel.row(row).iter_mut().zip(values) {
            // What nothing was merged into keeps its bits, those of a NaN too.
            if place.wide().to_bits() != value.to_bits() {
                *place = H::rounded(value);
            }
        }
    }
}

/// Any strides, on one thread.
fn one_by_one<T: Merge>(call: Call<'_>, mut io: ViewMut<'_>) -> Result<()> {
    let Call { op, axis, index, src, .. } = call;
    let starts = starts(io.layout(), axis, index.layout())?;
    let stride = io.layout().strides()[axis];
    let nest = Nest::new([&starts, index.layout(), src.layout()]);
    let (io, index, src) = (io.host_mut::<T>()?, index.host::<i64>()?, src.host::<T>()?);
    with_formula!(op, T, f => nest.for_each(|[start, i, s]| {
        let place = &mut io[(start as isize + index[i] as isize * stride) as usize];
        *place = f(*place, src[s]);
    }));
    Ok(())
}

/// Any strides, on one thread; places that are met are held wide until all is merged.
fn wide_one_by_one<H: Half>(call: Call<'_>, mut io: ViewMut<'_>) -> Result<()> {
    let Call { op, axis, index, src, .. } = call;
    let starts = starts(io.layout(), axis, index.layout())?;
    let stride = io.layout().strides()[axis];
    let nest = Nest::new([&starts, index.layout(), src.layout()]);
    let (io, index, src) = (io.host_mut::<H>()?, index.host::<i64>()?, src.host::<H>()?);
    let mut held: HashMap<usize, f64> = HashMap::new();
    with_formula!(op, f64, f => nest.for_each(|[start, i, s]| {
        let place = (start as isize + index[i] as isize * stride) as usize;
        let so_far = held.entry(place).or_insert_with(|| io[place].wide());
        *so_far = f(*so_far, src[s].wide());
    }));
    for (place, value) in held {
        io[place] = H::rounded(value);
    }
    Ok(())
}

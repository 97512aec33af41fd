//! The lines of a tensor along an axis, shared out to threads.

use std::ops::Range;

use rusttorch_backend::ops::SortOp;
use rusttorch_backend::{Nest, Result, View};

use super::key::Sortable;
use super::{arrange, arrange_on_threads};
use crate::arch::threads::{parallel_each, threads};
use crate::arch::{Level, Panel, panels};
use crate::tuning::Cost;
use crate::tuning::sort as tuning;

/// What an element costs that is sorted, and one that is selected from.
const SORTED: Cost = Cost(10_000);
const SELECTED: Cost = Cost(1_500);

struct Lines<'a, T> {
    x: &'a [T],
    /// Over the axes but one.
    starts: Nest<1>,
    n: usize,
    step: isize,
}

impl<T: Sortable> Lines<'_, T> {
    /// Calls `each(number, line)` for some of the lines, numbered from 0.
    fn walk(&self, range: Range<usize>, mut each: impl FnMut(usize, &[T]) -> Result<()>) -> Result<()> {
        let mut copy: Vec<T> = Vec::new();
        let mut result = Ok(());
        let mut number = 0;
        self.starts.for_each_run_in(range, |[start], count, [next]| {
            for line in 0..count as isize {
                let start = start + line * next;
                if result.is_ok() {
                    result = each(number, self.line(start, &mut copy));
                }
                number += 1;
            }
        });
        result
    }

    /// A line, as it lies or copied.
    fn line<'a>(&'a self, start: isize, copy: &'a mut Vec<T>) -> &'a [T] {
        if self.step == 1 {
            return &self.x[start as usize..start as usize + self.n];
        }
        copy.clear();
        copy.extend((0..self.n as isize).map(|i| self.x[(start + i * self.step) as usize]));
        copy
    }
}

/// Where a task writes.
enum Place<'a, T> {
    /// Line after line.
    Rows(&'a mut [T], &'a mut [i64]),
    /// Matrix after matrix, whose columns are the lines.
    Matrices(&'a mut [T], &'a mut [i64]),
    /// Columns of a matrix.
    Columns(Panel<'a, T>, Panel<'a, i64>),
}

/// Some of the lines.
struct Task<'a, T> {
    lines: Range<usize>,
    place: Place<'a, T>,
    result: Result<()>,
}

/// Writes what the op makes of every line of `x`; the results, at least one, lie without gaps.
pub(super) fn each<T: Sortable>(
    level: Level,
    op: SortOp,
    x: View<'_>,
    axis: usize,
    values: &mut [T],
    indices: &mut [i64],
) -> Result<()> {
    let layout = x.layout();
    let shape = layout.shape();
    let starts = Nest::over([layout], (0..shape.len()).filter(|&d| d != axis));
    let lines = Lines { x: x.host::<T>()?, starts, n: shape[axis], step: layout.strides()[axis] };
    let width: usize = shape[axis + 1..].iter().product();
    let gives = op.gives(lines.n);
    let count = values.len() / gives;
    if lines.n >= tuning::LONG_LINE && count < threads() && width == 1 {
        return lines.walk(0..count, |i, line| {
            let range = i * gives..(i + 1) * gives;
            arrange_on_threads(level, op, line, &mut values[range.clone()], &mut indices[range])
        });
    }
    let cost = match op {
        SortOp::Sort { .. } => SORTED,
        _ => SELECTED,
    };
    let number = cost.tasks(count, lines.n);
    let outer = count / width;
    let mut tasks: Vec<Task<'_, T>> = Vec::new();
    let mut next = 0;
    if number <= outer {
        // As many whole matrices to each task, which are lines where there is but one column.
        let group = outer.div_ceil(number) * width;
        let parts = values.chunks_mut(group * gives).zip(indices.chunks_mut(group * gives));
        tasks.extend(parts.map(|(values, indices)| {
            let lines = next..next + values.len() / gives;
            next = lines.end;
            let rows = width == 1;
            let place = if rows { Place::Rows(values, indices) } else { Place::Matrices(values, indices) };
            Task { lines, place, result: Ok(()) }
        }));
    } else {
        let piece = count.div_ceil(number).next_multiple_of(tuning::PANEL_COLUMNS).min(width);
        let parts = panels(values, gives, width, piece).into_iter().zip(panels(indices, gives, width, piece));
        tasks.extend(parts.map(|(values, indices)| {
            let lines = next..next + values.columns();
            next = lines.end;
            Task { lines, place: Place::Columns(values, indices), result: Ok(()) }
        }));
    }
    parallel_each(&mut tasks, |_, task| {
        task.result = run(level, op, &lines, task.lines.clone(), &mut task.place, [gives, width]);
    });
    tasks.into_iter().try_for_each(|task| task.result)
}

fn run<T: Sortable>(
    level: Level,
    op: SortOp,
    lines: &Lines<'_, T>,
    range: Range<usize>,
    place: &mut Place<'_, T>,
    [gives, width]: [usize; 2],
) -> Result<()> {
    let mut room = None;
    if let Place::Rows(values, indices) = place {
        return lines.walk(range, |i, line| {
            let place = i * gives..(i + 1) * gives;
            arrange(level, op, line, &mut room, &mut values[place.clone()], &mut indices[place])
        });
    }
    let (mut sorted, mut from) = (vec![T::zeroed(); gives], vec![0; gives]);
    lines.walk(range, |i, line| {
        arrange(level, op, line, &mut room, &mut sorted, &mut from)?;
        match place {
            Place::Rows(..) => {}
            Place::Matrices(values, indices) => {
                let start = i / width * width * gives + i % width;
                let places = (start..).step_by(width);
                for ((&value, &index), place) in sorted.iter().zip(&from).zip(places) {
                    (values[place], indices[place]) = (value, index);
                }
            }
            Place::Columns(values, indices) => {
                for (row, (&value, &index)) in sorted.iter().zip(&from).enumerate() {
                    (values.row(row)[i], indices.row(row)[i]) = (value, index);
                }
            }
        }
        Ok(())
    })
}

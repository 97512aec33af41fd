//! Many products of one shape.

use rusttorch_backend::nest::Axes;
use rusttorch_backend::{Element, ErrorKind, Layout, Nest, Result, TensorError, View, ViewMut};

use super::Number;
use super::micro::{Matrix, Output, Plane, Target};
use super::product::{Errors, product};
use crate::arch::Level;
use crate::arch::threads::threads;
use crate::tuning::gemm as tuning;

/// The last two axes of a layout.
fn plane(layout: &Layout) -> Plane {
    let lead = layout.rank() - 2;
    let (shape, strides) = (layout.shape(), layout.strides());
    Plane { rows: shape[lead], columns: shape[lead + 1], row: strides[lead], column: strides[lead + 1] }
}

#[cold]
fn outside() -> TensorError {
    TensorError::new(ErrorKind::Internal, "matmul", "an operand lies outside of its memory")
}

/// The operands of a batch: how many products, and where each one lies.
#[derive(Debug)]
pub(super) struct Batch {
    /// Sizes and steps of the leading axes, of `a`, `b` and the output.
    axes: Axes<3>,
    count: usize,
    at: [usize; 3],
    planes: [Plane; 3],
}

impl Batch {
    /// The batch of three layouts whose shapes belong together.
    pub(super) fn new(layouts: [&Layout; 3]) -> Self {
        let lead = layouts[0].rank() - 2;
        let mut planes = layouts.map(plane);
        let mut axes = Nest::over(layouts, 0..lead).into_axes();
        // Where all products share `b`, and the rows of `a` and of the output go on from one to the next, it is one
        // product of more rows: each row's result is its own.
        while let Some(&(size, [a, 0, out])) = axes.last() {
            let [left, _, to] = planes;
            let goes_on =
                |plane: Plane, step: isize| plane.row.checked_mul(plane.rows as isize) == Some(step);
            let single = left.rows == 1;
            let rows = left.rows.checked_mul(size);
            if left.rows == 0 || rows.is_none() || !(single || goes_on(left, a) && goes_on(to, out)) {
                break;
            }
            if single {
                (planes[0].row, planes[2].row) = (a, out);
            }
            (planes[0].rows, planes[2].rows) = (left.rows * size, left.rows * size);
            axes.pop();
        }
        let count = if layouts[2].is_empty() { 0 } else { axes.iter().map(|&(n, _)| n).product() };
        Batch { axes, count, at: layouts.map(Layout::offset), planes }
    }

    /// Where the operands of a product begin.
    fn start(&self, index: usize) -> [usize; 2] {
        let (mut rest, mut at) = (index, [self.at[0] as isize, self.at[1] as isize]);
        for &(size, strides) in self.axes.iter().rev() {
            let i = (rest % size) as isize;
            rest /= size;
            at = [at[0] + i * strides[0], at[1] + i * strides[1]];
        }
        at.map(|at| at as usize)
    }

    /// Runs `body` for each product.
    pub(super) fn run<T: Element>(
        &self,
        a: &[T],
        b: &[T],
        out: &mut [T],
        body: impl Fn(Matrix<'_, T>, Matrix<'_, T>, Target<'_, T>) -> Result<()> + Sync,
    ) -> Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        let matrices = |index| {
            let [left, right] = self.start(index);
            let a = Matrix::new(a, left, self.planes[0]).ok_or_else(outside)?;
            let b = Matrix::new(b, right, self.planes[1]).ok_or_else(outside)?;
            Ok((a, b))
        };
        let lead: Vec<(usize, isize)> = self.axes.iter().map(|&(n, steps)| (n, steps[2])).collect();
        let mut out = Output::new(out, self.at[2], &lead, self.planes[2]).ok_or_else(outside)?;
        let [left, _, to] = self.planes;
        let work = left.rows.saturating_mul(left.columns).saturating_mul(to.columns);
        let work = work.saturating_mul(size_of::<T>()).max(1);
        let threads = threads();
        // Whole products to a thread, unless there are few of them and each is worth several threads.
        let few = threads > 1 && work >= tuning::LARGE && self.count < tuning::TASKS_PER_THREAD * threads;
        if self.count == 1 || few {
            return (0..self.count).try_for_each(|index| {
                let (a, b) = matrices(index)?;
                body(a, b, out.at(index))
            });
        }
        let errors = Errors::default();
        let least = tuning::TASK.div_ceil(work);
        let spread = self.count.div_ceil(threads * tuning::TASKS_PER_THREAD);
        out.for_each(least.max(spread), |index, c| {
            errors.note(matrices(index).and_then(|(a, b)| body(a, b, c)));
        });
        errors.result()
    }
}

/// The products of f32 or f64.
pub(super) fn products<T: Number>(
    level: Level,
    a: View<'_>,
    b: View<'_>,
    mut out: ViewMut<'_>,
) -> Result<()> {
    let layouts = [a.layout(), b.layout(), out.layout()];
    if layouts[0].rank() == 2 {
        // A single one.
        let [left, right, to] = layouts.map(|l| (l.offset(), plane(l)));
        let a = Matrix::new(a.host::<T>()?, left.0, left.1).ok_or_else(outside)?;
        let b = Matrix::new(b.host::<T>()?, right.0, right.1).ok_or_else(outside)?;
        let c = Target::new(out.host_mut::<T>()?, to.0, to.1).ok_or_else(outside)?;
        return product(level, a, b, c);
    }
    let batch = Batch::new(layouts);
    batch.run(a.host::<T>()?, b.host::<T>()?, out.host_mut::<T>()?, |a, b, c| product(level, a, b, c))
}

//! Many products of one shape.
//!
//! They are computed one after the other. Where there are many and BLAS would not use several threads for one of them, or
//! not well, they are shared out to threads, each of which computes its own with one thread of BLAS.

use parking_lot::Mutex;
use rusttorch_backend::nest::Axes;
use rusttorch_backend::{Layout, Nest, Result, threads};

use crate::ffi::Real;
use crate::plane::{Plane, outside};
use crate::product::{Planes, Scratch, product};
use crate::provider::Provider;
use crate::threads::{govern, may_share, worth};

/// The most threads that products are shared out to.
const MOST_THREADS: usize = 256;

/// Multiplications of a batch that are worth starting threads for, which takes some 30 µs each; a thread of a present CPU
/// does about 20 multiplications a nanosecond.
const SHARED: usize = 1 << 22;
/// Multiplications of a product from which BLAS's own threads do it no worse.
const LARGE: usize = 1 << 26;

/// How many products there are, and where each one's operands begin.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Sizes and steps of the leading axes, of `a`, `b` and the output.
    axes: Axes<3>,
    count: usize,
    planes: Planes,
}

impl Batch {
    /// The batch of three layouts whose shapes belong together, of rank 2 or more.
    pub(crate) fn new(layouts: [&Layout; 3]) -> Batch {
        let lead = layouts[0].rank() - 2;
        let [mut a, b, mut out] = layouts.map(|l| Plane {
            at: l.offset(),
            rows: l.shape()[lead],
            columns: l.shape()[lead + 1],
            row: l.strides()[lead],
            column: l.strides()[lead + 1],
        });
        let mut axes = Nest::over(layouts, 0..lead).into_axes();
        // Where all products share `b`, and the rows of `a` and of the output go on from one to the next, it is one
        // product of more rows.
        while let Some(&(size, [step_a, 0, step_out])) = axes.last() {
            let goes_on = |p: Plane, step: isize| p.row.checked_mul(p.rows as isize) == Some(step);
            let single = a.rows == 1;
            let Some(rows) = a.rows.checked_mul(size).filter(|&n| n > 0) else { break };
            if !(single || goes_on(a, step_a) && goes_on(out, step_out)) {
                break;
            }
            if single {
                (a.row, out.row) = (step_a, step_out);
            }
            (a.rows, out.rows) = (rows, rows);
            axes.pop();
        }
        let count = if layouts[2].is_empty() { 0 } else { axes.iter().map(|&(n, _)| n).product() };
        Batch { axes, count, planes: Planes { a, b, out } }
    }

    /// The planes of one of the products.
    fn planes(&self, index: usize) -> Planes {
        let (mut rest, mut at) = (index, [0isize; 3]);
        for &(size, steps) in self.axes.iter().rev() {
            let i = (rest % size) as isize;
            rest /= size;
            for (at, step) in at.iter_mut().zip(steps) {
                *at += i * step;
            }
        }
        let moved = |p: Plane, by: isize| Plane { at: p.at.wrapping_add_signed(by), ..p };
        let Planes { a, b, out } = self.planes;
        Planes { a: moved(a, at[0]), b: moved(b, at[1]), out: moved(out, at[2]) }
    }

    /// The step from one output to the next, where each lies behind the last one.
    fn stride(&self) -> Option<usize> {
        let [(_, [_, _, step])] = self.axes[..] else { return None };
        let Plane { rows, columns, row, column, .. } = self.planes.out;
        let last = |n: usize, step: isize| usize::try_from(step).ok()?.checked_mul(n - 1);
        let span = last(rows, row)?.checked_add(last(columns, column)?)?.checked_add(1)?;
        usize::try_from(step).ok().filter(|&step| step >= span)
    }

    /// Computes every product. Errors: `Memory`, `Internal`.
    pub(crate) fn run<T: Real>(
        &self,
        provider: &impl Provider,
        a: &[T],
        b: &[T],
        out: &mut [T],
    ) -> Result<()> {
        self.run_on(threads::num_threads().min(MOST_THREADS), provider, a, b, out)
    }

    /// The same on a number of threads.
    pub(crate) fn run_on<T: Real>(
        &self,
        threads: usize,
        provider: &impl Provider,
        a: &[T],
        b: &[T],
        out: &mut [T],
    ) -> Result<()> {
        let sizes = self.planes.sizes();
        let work = sizes.iter().fold(1usize, |product, &n| product.saturating_mul(n));
        let many = self.count >= 2 * threads && self.count.saturating_mul(work) >= SHARED;
        // Products that a library shares out by itself, whatever is asked of it, would be more threads than CPUs.
        let alone = provider.threads().is_some() || !provider.shares() || !may_share(sizes);
        if threads > 1
            && many
            && alone
            && work < LARGE
            && let Some(stride) = self.stride()
        {
            return govern(provider, 1, may_share(sizes), true, || {
                self.share_out(provider, a, b, out, stride, threads)
            });
        }
        govern(provider, worth(sizes, threads), may_share(sizes), false, || {
            let mut scratch = Scratch::default();
            (0..self.count)
                .try_for_each(|index| product(provider, a, b, out, self.planes(index), &mut scratch))
        })
    }

    /// Has threads compute the products, a few at a time, each of them on one thread.
    fn share_out<T: Real>(
        &self,
        provider: &impl Provider,
        a: &[T],
        b: &[T],
        out: &mut [T],
        stride: usize,
        threads: usize,
    ) -> Result<()> {
        // Several tasks a thread, as a thread may be suspended, or its CPU be slower.
        let share = self.count.div_ceil(4 * threads);
        let memory = out.get_mut(self.planes.out.at..).ok_or_else(outside)?;
        let parts = memory.chunks_mut(share.saturating_mul(stride)).take(self.count.div_ceil(share));
        let tasks = Mutex::new(parts.enumerate());
        let first_error = Mutex::new(None);
        let work = || {
            let mut scratch = Scratch::default();
            while let Some((task, part)) = tasks.lock().next() {
                let from = task * share;
                let outcome = (from..self.count.min(from + share)).try_for_each(|index| {
                    let planes = self.planes(index);
                    let out = Plane { at: (index - from) * stride, ..planes.out };
                    product(provider, a, b, part, Planes { out, ..planes }, &mut scratch)
                });
                if let Err(error) = outcome {
                    first_error.lock().get_or_insert(error);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads.min(self.count.div_ceil(share)) {
                let thread = std::thread::Builder::new().name("rusttorch-blas".to_owned());
                // Where the system has no thread to give, the others do the work.
                if thread.spawn_scoped(scope, work).is_err() {
                    break;
                }
            }
            work();
        });
        first_error.into_inner().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;

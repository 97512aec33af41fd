//! Integers, whose arithmetic wraps: plain loops that the compiler vectorises.

use rusttorch_backend::{Element, Result, View, ViewMut};

use super::batch::Batch;
use super::micro::{DEPTH, Matrix, Plane, Target};
use crate::arch::threads::threads;
use crate::arch::{Isa, Kernel, Level};
use crate::tuning::gemm as tuning;

/// Columns of a panel, and rows of a tile: the sums stay in registers, those of i64 too.
const WIDE: usize = 16;
const HIGH: usize = 2;

pub(super) trait Integer: Element {
    /// `self + a * b`, modulo the range of the type.
    fn plus_product(self, a: Self, b: Self) -> Self;
}

macro_rules! integer {
    ($($t:ty)*) => { $(
        impl Integer for $t {
            #[inline(always)]
            fn plus_product(self, a: $t, b: $t) -> $t {
                self.wrapping_add(a.wrapping_mul(b))
            }
        }
    )* };
}
integer!(u8 i8 i16 i32 i64);

/// The products of an integer type.
pub(super) fn products<T: Integer>(
    level: Level,
    a: View<'_>,
    b: View<'_>,
    mut out: ViewMut<'_>,
) -> Result<()> {
    let batch = Batch::new([a.layout(), b.layout(), out.layout()]);
    batch.run(a.host::<T>()?, b.host::<T>()?, out.host_mut::<T>()?, |a, b, mut c| {
        let Plane { rows, columns, .. } = c.plane();
        let work =
            rows.saturating_mul(columns).saturating_mul(a.columns() * size_of::<T>()).saturating_mul(4);
        let tasks = if threads() == 1 { 1 } else { (work / tuning::TASK).clamp(1, 64) };
        // By rows if there are many, or else by columns.
        let by_rows = rows >= columns;
        let height = if by_rows { rows.div_ceil(tasks).next_multiple_of(HIGH) } else { rows };
        let width = if by_rows { columns } else { columns.div_ceil(tasks).next_multiple_of(WIDE) };
        c.for_each(height, width, |rows, columns, c| {
            let (a, b) = (a.part(rows, 0..a.columns()), b.part(0..b.rows(), columns));
            level.enter(Block { a, b, c });
        });
        Ok(())
    })
}

struct Block<'a, T> {
    a: Matrix<'a, T>,
    b: Matrix<'a, T>,
    c: Target<'a, T>,
}

impl<T: Integer> Kernel for Block<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, _: I) {
        let Plane { rows, columns, .. } = self.c.plane();
        let depth = self.a.columns();
        let mut panel = [[T::zeroed(); WIDE]; DEPTH];
        let mut left = [[T::zeroed(); DEPTH]; HIGH];
        for j in (0..columns).step_by(WIDE) {
            let wide = WIDE.min(columns - j);
            // At least one block, so that sums of nothing are written too.
            for k in (0..depth.max(1)).step_by(DEPTH) {
                let n = DEPTH.min(depth - k);
                for (r, row) in panel[..n].iter_mut().enumerate() {
                    if self.b.plane().column == 1 {
                        row[..wide].copy_from_slice(&self.b.line(k + r)[j..j + wide]);
                    } else {
                        row[..wide].iter_mut().enumerate().for_each(|(c, to)| *to = self.b.get(k + r, j + c));
                    }
                }
                for i in (0..rows).step_by(HIGH) {
                    let high = HIGH.min(rows - i);
                    for (r, row) in left[..high].iter_mut().enumerate() {
                        if self.a.plane().column == 1 {
                            row[..n].copy_from_slice(&self.a.line(i + r)[k..k + n]);
                        } else {
                            row[..n]
                                .iter_mut()
                                .enumerate()
                                .for_each(|(c, to)| *to = self.a.get(i + r, k + c));
                        }
                    }
                    let mut sums = [[T::zeroed(); WIDE]; HIGH];
                    if k > 0 {
                        for (r, sums) in sums[..high].iter_mut().enumerate() {
                            for (c, sum) in sums[..wide].iter_mut().enumerate() {
                                *sum = self.c.get(i + r, j + c);
                            }
                        }
                    }
                    for (l, row) in panel[..n].iter().enumerate() {
                        for (sums, left) in sums.iter_mut().zip(&left) {
                            for (sum, &v) in sums.iter_mut().zip(row) {
                                *sum = sum.plus_product(left[l], v);
                            }
                        }
                    }
                    for (r, sums) in sums[..high].iter().enumerate() {
                        for (c, &sum) in sums[..wide].iter().enumerate() {
                            self.c.set(i + r, j + c, sum);
                        }
                    }
                }
            }
        }
    }
}

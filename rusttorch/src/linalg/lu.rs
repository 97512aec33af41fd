//! Elimination with partial pivoting, of singular matrices too.
//!
//! faer divides by a pivot of zero, so that what lies behind it is lost. LAPACK, and PyTorch with it, goes on with the
//! next column: the column of L stays zero, the row of U is as it is. That is what happens here: where a zero pivot
//! is found, the part before it stands, and what is left of the matrix behind it is formed and eliminated in turn.

use rusttorch_backend::Result;

use super::bridge::{Batch, Real, room};
use super::kernel;

/// `A = P L U`, L (with a diagonal of ones) and U in one matrix. Row `i` of `L U` is row `order[i]` of A.
pub(super) struct Eliminated<T> {
    pub(super) factors: Batch<T>,
    /// The orders of all matrices, one after another.
    pub(super) orders: Vec<usize>,
}

impl<T: Real> Eliminated<T> {
    pub(super) fn new(op: &'static str, mut batch: Batch<T>) -> Result<Eliminated<T>> {
        let (m, n) = (batch.rows, batch.columns);
        let mut orders = room(op, batch.count() * m, 0)?;
        for i in 0..batch.count() {
            eliminate(op, batch.get_mut(i), m, n, &mut orders[i * m..(i + 1) * m])?;
        }
        Ok(Eliminated { factors: batch, orders })
    }

    pub(super) fn order(&self, i: usize) -> &[usize] {
        let m = self.factors.rows;
        &self.orders[i * m..(i + 1) * m]
    }

    /// The diagonal of U of one matrix.
    pub(super) fn pivots(&self, i: usize) -> impl Iterator<Item = T> + '_ {
        let (m, n) = (self.factors.rows, self.factors.columns);
        self.factors.get(i).iter().step_by(m + 1).copied().take(m.min(n))
    }

    /// Whether the order of the rows is an odd permutation.
    pub(super) fn is_odd(&self, i: usize) -> bool {
        swaps(self.order(i)).filter(|&(i, j)| i != j).count() % 2 == 1
    }

    /// LAPACK's pivots: with which row, counted from 1, row `i` was exchanged in step `i`.
    pub(super) fn exchanges(&self, i: usize) -> Vec<i32> {
        let steps = self.factors.rows.min(self.factors.columns);
        swaps(self.order(i)).take(steps).map(|(_, j)| j as i32 + 1).collect()
    }
}

/// The exchanges that turn `0, 1, ..` into this order, one for each place: `(i, j)` with `j >= i`.
fn swaps(order: &[usize]) -> impl Iterator<Item = (usize, usize)> + '_ {
    // What stands where, and where it stands.
    let mut now: Vec<usize> = (0..order.len()).collect();
    let mut place = now.clone();
    order.iter().enumerate().map(move |(i, &wanted)| {
        let j = place[wanted];
        place.swap(now[i], wanted);
        now.swap(i, j);
        (i, j)
    })
}

fn eliminate<T: Real>(op: &'static str, a: &mut [T], m: usize, n: usize, order: &mut [usize]) -> Result<()> {
    if m == 0 || n == 0 {
        order.iter_mut().enumerate().for_each(|(i, o)| *o = i);
        return Ok(());
    }
    let finite = a.iter().all(|x| x.finite());
    let before = finite.then(|| a.to_vec());
    kernel::lu(op, a, m, n, order)?;
    match (before, stuck(a, m, n)) {
        (Some(before), Some(_)) => singular(op, a, &before, m, n, order),
        _ => Ok(()),
    }
}

/// The first zero pivot that has rows below it.
fn stuck<T: Real>(a: &[T], m: usize, n: usize) -> Option<usize> {
    (0..n.min(m.saturating_sub(1))).find(|&k| a[k * m + k] == T::ZERO)
}

/// Eliminates `before` into `a` where a pivot is zero.
fn singular<T: Real>(
    op: &'static str,
    a: &mut [T],
    before: &[T],
    m: usize,
    n: usize,
    order: &mut [usize],
) -> Result<()> {
    order.iter_mut().enumerate().for_each(|(i, o)| *o = i);
    // What is left of the matrix from row and column `start` on.
    let (mut start, mut left) = (0, before.to_vec());
    while start < m.min(n) {
        let (rows, columns) = (m - start, n - start);
        let at = |i: usize, j: usize| (start + j) * m + start + i;
        if left[..rows].iter().all(|&x| x == T::ZERO) {
            // Nothing to eliminate: the first row is one of U, the rest stays.
            for j in 0..columns {
                a[at(0, j)] = left[j * rows];
            }
            a[at(0, 0) + 1..][..rows - 1].fill(T::ZERO);
            left = part(&left, rows, 1..rows, 1..columns);
            start += 1;
            continue;
        }
        let whole = left.clone();
        let mut moved = room(op, rows, 0)?;
        kernel::lu(op, &mut left, rows, columns, &mut moved)?;
        reorder(&mut order[start..], &moved);
        for column in a.chunks_exact_mut(m).take(start) {
            reorder(&mut column[start..], &moved);
        }
        let Some(k) = stuck(&left, rows, columns) else {
            for j in 0..columns {
                a[at(0, j)..][..rows].copy_from_slice(&left[j * rows..(j + 1) * rows]);
            }
            return Ok(());
        };
        for j in 0..columns {
            // Columns of L and U before the zero pivot, rows of U up to it.
            let height = if j < k { rows } else { k + 1 };
            a[at(0, j)..][..height].copy_from_slice(&left[j * rows..][..height]);
        }
        a[at(k, k) + 1..][..rows - k - 1].fill(T::ZERO);
        let (below, behind) = (k + 1..rows, k + 1..columns);
        let mut rest = whole;
        rest.chunks_exact_mut(rows).for_each(|column| reorder(column, &moved));
        let mut rest = part(&rest, rows, below.clone(), behind.clone());
        let lower = part(&left, rows, below.clone(), 0..k);
        let upper = part(&left, rows, 0..k, behind.clone());
        kernel::subtract_product(&mut rest, &lower, &upper, below.len(), k, behind.len());
        left = rest;
        start += k + 1;
    }
    Ok(())
}

/// Puts what stands at `order[i]` to place `i`.
fn reorder<T: Copy>(x: &mut [T], order: &[usize]) {
    let old = x.to_vec();
    x.iter_mut().zip(order).for_each(|(x, &from)| *x = old[from]);
}

/// Some rows and columns of a matrix with `rows` rows.
fn part<T: Copy>(
    a: &[T],
    rows: usize,
    of_rows: std::ops::Range<usize>,
    of_columns: std::ops::Range<usize>,
) -> Vec<T> {
    of_columns.flat_map(|j| a[j * rows..][of_rows.clone()].iter().copied()).collect()
}

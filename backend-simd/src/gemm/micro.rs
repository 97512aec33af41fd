//! The register tile, and what it reads and writes: the only file outside of `arch` that holds `unsafe`.
//!
//! # Safety
//!
//! A [`Matrix`] and a [`Target`] are made by constructors that prove that every one of their elements lies in their
//! memory, and a part of one is inside of the whole. So an address made of an index within their sizes is valid.
//! A target is the only way to its elements: it is made from a `&mut [T]`, and is split, for tasks, by a grid over
//! indices of which no two share an address.

use std::marker::PhantomData;
use std::ops::Range;

use rusttorch_backend::Element;

use super::Number;
use crate::arch::threads::parallel;
use crate::arch::{Isa, Real, prefetch_far, prefetch_line};
use crate::tuning::gemm::{AHEAD, FAR};

/// Products of a chain: how many k are summed up before their sum is added to the result. Part of the definition
/// of every result (see the folder), so it must never change with the level or the shape.
pub(super) const DEPTH: usize = 256;

/// Elements of the largest tile.
const MOST: usize = 12 * 32;

/// Whether all positions `at + sum of index * stride` lie below `len`.
fn reaches(len: usize, at: usize, axes: &[(usize, isize)]) -> bool {
    if axes.iter().any(|&(n, _)| n == 0) {
        return true;
    }
    let Ok(at) = isize::try_from(at) else { return false };
    let (mut low, mut high) = (at, at);
    for &(n, stride) in axes {
        let span = isize::try_from(n - 1).ok().and_then(|n| n.checked_mul(stride));
        let Some(span) = span else { return false };
        let (Some(l), Some(h)) = (low.checked_add(span.min(0)), high.checked_add(span.max(0))) else {
            return false;
        };
        (low, high) = (l, h);
    }
    low >= 0 && (high as usize) < len
}

/// Whether no two indices share a position, for steps with their sizes. May err towards false.
fn apart(axes: &mut [(usize, usize)]) -> bool {
    axes.sort_unstable();
    let mut reach = 0usize;
    axes.iter().filter(|&&(_, n)| n > 1).all(|&(stride, n)| {
        let clear = stride > reach;
        reach = reach.saturating_add(stride.saturating_mul(n - 1));
        clear
    })
}

/// Sizes and steps of a matrix, rows first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plane {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row: isize,
    pub(super) column: isize,
}

impl Plane {
    pub(super) fn transposed(self) -> Plane {
        Plane { rows: self.columns, columns: self.rows, row: self.column, column: self.row }
    }

    /// Whether it has more elements than stay near.
    pub(super) fn is_far<T>(self) -> bool {
        self.rows.saturating_mul(self.columns).saturating_mul(size_of::<T>()) >= FAR
    }

    fn axes(self) -> [(usize, isize); 2] {
        [(self.rows, self.row), (self.columns, self.column)]
    }

    /// The position of an element relative to the first.
    fn step(self, i: usize, j: usize) -> isize {
        i as isize * self.row + j as isize * self.column
    }

    /// The sizes of a part, and its start. Panics where the part is not inside.
    fn part(self, rows: Range<usize>, columns: Range<usize>) -> (Plane, isize) {
        assert!(rows.start <= rows.end && rows.end <= self.rows);
        assert!(columns.start <= columns.end && columns.end <= self.columns);
        let start = self.step(rows.start, columns.start);
        (Plane { rows: rows.len(), columns: columns.len(), ..self }, start)
    }
}

/// A matrix that is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix<'a, T> {
    /// Every element of `plane`, counted from `at`, is in it.
    data: &'a [T],
    at: isize,
    plane: Plane,
}

impl<'a, T: Copy> Matrix<'a, T> {
    /// `None` where an element lies outside of the data.
    pub(super) fn new(data: &'a [T], at: usize, plane: Plane) -> Option<Self> {
        reaches(data.len(), at, &plane.axes()).then_some(Matrix { data, at: at as isize, plane })
    }

    /// Rows of `columns` elements without gaps. The data must hold them.
    pub(super) fn dense(data: &'a [T], rows: usize, columns: usize) -> Self {
        assert!(rows.checked_mul(columns).is_some_and(|n| n <= data.len()));
        Matrix { data, at: 0, plane: Plane { rows, columns, row: columns as isize, column: 1 } }
    }

    pub(super) fn plane(&self) -> Plane {
        self.plane
    }

    pub(super) fn rows(&self) -> usize {
        self.plane.rows
    }

    pub(super) fn columns(&self) -> usize {
        self.plane.columns
    }

    pub(super) fn transposed(self) -> Self {
        Matrix { plane: self.plane.transposed(), ..self }
    }

    /// A block. Panics where it is not inside.
    #[inline(always)]
    pub(super) fn part(self, rows: Range<usize>, columns: Range<usize>) -> Self {
        let (plane, start) = self.plane.part(rows, columns);
        Matrix { data: self.data, at: self.at + start, plane }
    }

    #[inline(always)]
    pub(super) fn get(&self, i: usize, j: usize) -> T {
        self.data[(self.at + self.plane.step(i, j)) as usize]
    }

    /// A row, where its elements lie side by side.
    #[inline(always)]
    pub(super) fn line(&self, i: usize) -> &'a [T] {
        assert!(self.plane.column == 1 || self.plane.columns <= 1);
        if self.plane.columns == 0 {
            return &[];
        }
        let start = (self.at + self.plane.step(i, 0)) as usize;
        &self.data[start..start + self.plane.columns]
    }

    /// The memory from the first element on.
    #[inline(always)]
    pub(super) fn tail(&self) -> &'a [T] {
        self.data.get(self.at as usize..).unwrap_or(&[])
    }

    /// Asks for the cache line of an element, which need not exist.
    #[inline(always)]
    pub(super) fn fetch(&self, i: usize, j: usize) {
        let (down, right) = (i as isize, j as isize);
        let step = down.wrapping_mul(self.plane.row).wrapping_add(right.wrapping_mul(self.plane.column));
        prefetch_far(self.address().wrapping_offset(step));
    }

    #[inline(always)]
    fn address(&self) -> *const T {
        self.data.as_ptr().wrapping_offset(self.at)
    }
}

/// A matrix that is written, the only way to its elements.
#[derive(Debug)]
pub(super) struct Target<'a, T> {
    /// Of the first element. Every element of `plane` is valid for reads and writes, for this alone.
    first: *mut T,
    plane: Plane,
    /// Whether no two elements share an address.
    apart: bool,
    owner: PhantomData<&'a mut [T]>,
}

// SAFETY: it is a `&mut [T]` with holes.
unsafe impl<T: Send> Send for Target<'_, T> {}
// SAFETY: a `&Target` only reads.
unsafe impl<T: Sync> Sync for Target<'_, T> {}

/// The memory of a batch of matrices that are written.
pub(super) struct Output<'a, T> {
    whole: Target<'a, T>,
    /// Sizes and steps of the leading axes.
    lead: &'a [(usize, isize)],
    count: usize,
}

impl<'a, T: Element> Output<'a, T> {
    /// `None` where an element lies outside of the data.
    pub(super) fn new(
        data: &'a mut [T],
        at: usize,
        lead: &'a [(usize, isize)],
        plane: Plane,
    ) -> Option<Self> {
        if lead.is_empty() {
            return Some(Output { whole: Target::new(data, at, plane)?, lead, count: 1 });
        }
        let axes: Vec<_> = lead.iter().copied().chain(plane.axes()).collect();
        if !reaches(data.len(), at, &axes) {
            return None;
        }
        let mut steps: Vec<_> = axes.iter().map(|&(n, stride)| (stride.unsigned_abs(), n)).collect();
        let apart = apart(&mut steps);
        let count = lead.iter().try_fold(1usize, |n, &(size, _)| n.checked_mul(size))?;
        let first = data.as_mut_ptr().wrapping_add(at);
        Some(Output { whole: Target { first, plane, apart, owner: PhantomData }, lead, count })
    }

    /// The position of a matrix relative to the first.
    fn start(&self, index: usize) -> isize {
        let (mut rest, mut start) = (index, 0);
        for &(size, stride) in self.lead.iter().rev() {
            start += (rest % size) as isize * stride;
            rest /= size;
        }
        start
    }

    /// One of the matrices.
    pub(super) fn at(&mut self, index: usize) -> Target<'_, T> {
        assert!(index < self.count);
        // The leading indices are within their sizes, so this is one of the matrices that the constructor checked,
        // and `self` is borrowed while it lives.
        Target { first: self.whole.first.wrapping_offset(self.start(index)), ..self.whole.reborrow() }
    }

    /// Runs `body(index, matrix)` for every matrix, `per_task` of them to a task.
    pub(super) fn for_each(&mut self, per_task: usize, body: impl Fn(usize, Target<'_, T>) + Sync) {
        let per_task = if self.whole.apart { per_task.max(1) } else { self.count.max(1) };
        let whole = &*self;
        parallel(self.count.div_ceil(per_task), |task| {
            for index in task * per_task..((task + 1) * per_task).min(whole.count) {
                // Each index comes once, in one task. The matrices of two indices share no address, or else there
                // is one task only, and one matrix at a time.
                let first = whole.whole.first.wrapping_offset(whole.start(index));
                let Target { plane, apart, .. } = whole.whole;
                body(index, Target { first, plane, apart, owner: PhantomData });
            }
        });
    }
}

impl<'a, T: Element> Target<'a, T> {
    /// `None` where an element lies outside of the data.
    pub(super) fn new(data: &'a mut [T], at: usize, plane: Plane) -> Option<Self> {
        if !reaches(data.len(), at, &plane.axes()) {
            return None;
        }
        let apart = apart(&mut plane.axes().map(|(n, stride)| (stride.unsigned_abs(), n)));
        Some(Target { first: data.as_mut_ptr().wrapping_add(at), plane, apart, owner: PhantomData })
    }
}

impl<T: Element> Target<'_, T> {
    pub(super) fn plane(&self) -> Plane {
        self.plane
    }

    pub(super) fn transposed(self) -> Self {
        Target { plane: self.plane.transposed(), ..self }
    }

    pub(super) fn reborrow(&mut self) -> Target<'_, T> {
        Target { first: self.first, plane: self.plane, apart: self.apart, owner: PhantomData }
    }

    /// A block, while `self` is borrowed. Panics where it is not inside.
    #[inline(always)]
    pub(super) fn part(&mut self, rows: Range<usize>, columns: Range<usize>) -> Target<'_, T> {
        let (plane, start) = self.plane.part(rows, columns);
        let first = self.first.wrapping_offset(start);
        Target { first, plane, apart: self.apart, owner: PhantomData }
    }

    /// Runs `body(rows, columns, block)` for every block of a grid, each a task.
    pub(super) fn for_each(
        &mut self,
        height: usize,
        width: usize,
        body: impl Fn(Range<usize>, Range<usize>, Target<'_, T>) + Sync,
    ) {
        let Plane { rows, columns, .. } = self.plane;
        let (height, width) =
            if self.apart { (height.max(1), width.max(1)) } else { (rows.max(1), columns.max(1)) };
        let down = rows.div_ceil(height);
        let whole = &*self;
        parallel(down * columns.div_ceil(width), |task| {
            let (i, j) = (task % down * height, task / down * width);
            let (rows, columns) = (i..(i + height).min(rows), j..(j + width).min(columns));
            let (plane, start) = whole.plane.part(rows.clone(), columns.clone());
            // Each block comes once, in one task, and two blocks share no index, thus no address; where indices
            // share addresses there is one block only. `self` is borrowed meanwhile.
            let first = whole.first.wrapping_offset(start);
            body(rows, columns, Target { first, plane, apart: whole.apart, owner: PhantomData });
        });
    }

    /// A row, where its elements lie side by side.
    #[inline(always)]
    pub(super) fn line(&mut self, i: usize) -> Option<&mut [T]> {
        let Plane { rows, columns, column, .. } = self.plane;
        assert!(i < rows);
        if column != 1 || columns == 0 {
            return None;
        }
        let first = self.first.wrapping_offset(self.plane.step(i, 0));
        // SAFETY: the elements of row `i`, which are side by side, are valid, and `self` is borrowed.
        Some(unsafe { std::slice::from_raw_parts_mut(first, columns) })
    }

    #[inline(always)]
    fn address(&self, i: usize, j: usize) -> *mut T {
        assert!(i < self.plane.rows && j < self.plane.columns);
        self.first.wrapping_offset(self.plane.step(i, j))
    }

    #[inline(always)]
    pub(super) fn get(&self, i: usize, j: usize) -> T {
        // SAFETY: an index within the sizes.
        unsafe { *self.address(i, j) }
    }

    #[inline(always)]
    pub(super) fn set(&mut self, i: usize, j: usize, v: T) {
        // SAFETY: an index within the sizes, and `self` is borrowed exclusively.
        unsafe { *self.address(i, j) = v };
    }
}

/// How a tile gets to `c`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Merge {
    /// Nothing is there yet.
    pub(super) first: bool,
    /// The place is asked for before the sums are made, which takes time where it is near and they are short.
    pub(super) fetch: bool,
}

/// Adds `a @ b` to a part of `c`, or puts it there if it is the first block of the sum. `a` has at most
/// [`Isa::ROWS`] rows, `b` has `W` vectors of columns that lie side by side, of which `c` may have fewer.
///
/// A tile of the most rows may copy `b` while it reads it, so that the tiles below find it in the first cache.
/// Only such a tile: it comes first, and others come only after it.
#[inline(always)]
pub(super) fn tile<V: Real, const W: usize, const COPY: bool>(
    isa: V::Isa,
    a: Matrix<'_, V::Scalar>,
    b: Matrix<'_, V::Scalar>,
    c: Target<'_, V::Scalar>,
    how: Merge,
    copy: &mut [V::Scalar],
) where
    V::Scalar: Number,
{
    macro_rules! rows {
        ($($rows:literal)*) => {
            match a.rows() {
                $($rows => {
                    if const { $rows == <V::Isa as Isa>::ROWS || (!COPY && $rows < <V::Isa as Isa>::ROWS) } {
                        merge::<V, $rows, W, COPY>(isa, a, b, c, how, copy);
                    }
                })*
                _ => debug_assert!(false, "a tile of too many rows"),
            }
        };
    }
    const { assert!(<V::Isa as Isa>::ROWS <= 12 && W <= 2 && V::LANES <= 16) };
    rows!(1 2 3 4 5 6 7 8 9 10 11 12);
}

#[inline(always)]
fn merge<V: Real, const R: usize, const W: usize, const COPY: bool>(
    isa: V::Isa,
    a: Matrix<'_, V::Scalar>,
    b: Matrix<'_, V::Scalar>,
    c: Target<'_, V::Scalar>,
    how: Merge,
    copy: &mut [V::Scalar],
) where
    V::Scalar: Number,
{
    let Plane { rows, columns, row, column } = c.plane;
    assert!(rows == R && columns <= W * V::LANES);
    let whole = column == 1 && columns == W * V::LANES;
    if whole && how.fetch {
        for i in 0..R {
            for w in 0..W {
                isa.prefetch_to_write(c.first.wrapping_offset(i as isize * row).wrapping_add(w * V::LANES));
            }
        }
    }
    let sums = chains::<V, R, W, COPY>(isa, a, b, copy);
    if whole {
        for (i, sums) in sums.into_iter().enumerate() {
            for (w, sum) in sums.into_iter().enumerate() {
                let at = c.first.wrapping_offset(i as isize * row).wrapping_add(w * V::LANES);
                // SAFETY: a vector of row `i` of `c`, whose elements lie side by side; `c` is ours.
                let slot = unsafe { &mut *at.cast::<V::Array>() };
                let sum = if how.first { sum } else { V::load(isa, slot).add(sum) };
                sum.store(slot);
            }
        }
        return;
    }
    // Few tiles come here, so they share one loop, which has no vectors.
    let mut lanes = [V::Scalar::default(); MOST];
    for (sum, to) in sums.as_flattened().iter().zip(V::chunks_mut(&mut lanes).0) {
        sum.store(to);
    }
    scatter(&lanes[..R * W * V::LANES], W * V::LANES, c, how.first);
}

/// Adds rows of sums to a part of `c`, element by element.
#[inline(never)]
fn scatter<T: Number>(sums: &[T], width: usize, mut c: Target<'_, T>, first: bool) {
    for (i, sums) in sums.chunks_exact(width).enumerate() {
        for (j, &sum) in sums[..c.plane.columns].iter().enumerate() {
            c.set(i, j, if first { sum } else { c.get(i, j) + sum });
        }
    }
}

/// The chains of a tile: `sums[i][j] = fma(a[i, k], b[k, j], ..)` over k in order, started at zero.
#[inline(always)]
fn chains<V: Real, const R: usize, const W: usize, const COPY: bool>(
    isa: V::Isa,
    a: Matrix<'_, V::Scalar>,
    b: Matrix<'_, V::Scalar>,
    copy: &mut [V::Scalar],
) -> [[V; W]; R] {
    let (left, right) = (a.plane, b.plane);
    let depth = left.columns;
    assert!(left.rows == R && right.rows == depth && right.columns == W * V::LANES);
    assert!(right.column == 1);
    assert!(!COPY || copy.len() >= depth * W * V::LANES);
    let mut to = copy.as_mut_ptr();
    let mut sums = [[V::constant(isa, 0.0); W]; R];
    let (mut x, mut y) = (a.address(), b.address());
    // Need not exist.
    let ahead = (AHEAD as isize).wrapping_mul(right.row);
    for _ in 0..depth {
        let row: [V; W] = std::array::from_fn(|w| {
            let at = y.wrapping_add(w * V::LANES).cast::<V::Array>();
            // SAFETY: a vector of row k of `b`, whose elements lie side by side.
            V::load(isa, unsafe { &*at })
        });
        for w in 0..W {
            prefetch_line(y.wrapping_offset(ahead).wrapping_add(w * V::LANES));
        }
        if COPY {
            for (w, v) in row.iter().enumerate() {
                let at = to.wrapping_add(w * V::LANES).cast::<V::Array>();
                // SAFETY: row k of `copy`, which holds `depth` of them and is borrowed exclusively.
                v.store(unsafe { &mut *at });
            }
            to = to.wrapping_add(W * V::LANES);
        }
        for (i, sums) in sums.iter_mut().enumerate() {
            // SAFETY: the element of row i and column k of `a`.
            let factor = V::splat(isa, unsafe { *x.wrapping_offset(i as isize * left.row) });
            for (sum, &v) in sums.iter_mut().zip(&row) {
                *sum = factor.mul_add(v, *sum);
            }
        }
        x = x.wrapping_offset(left.column);
        y = y.wrapping_offset(right.row);
    }
    sums
}

//! One matrix product: its split into blocks that fit the caches, and into tasks.
//!
//! `k` is worked off in stretches of a few blocks of [`DEPTH`]. In a stretch, `c` is split into tasks, and a task
//! adds one block after the other to its part of `c`. Two ways to split:
//!
//! - **Few rows**: into ranges of columns. Each panel of columns of `b` belongs to one task, which copies it on the
//!   way, while the first tile of rows reads it, unless it is near. `a` is copied beforehand where its rows lie far apart.
//! - **Many rows**: into ranges of rows. The panels of `b` are copied first, by all threads, and then serve all
//!   tasks, each of which copies its own rows of `a`.

use std::ops::Range;
use std::sync::Mutex;

use rusttorch_backend::{Result, TensorError};

use super::micro::{DEPTH, Matrix, Merge, Plane, Target, tile};
use super::pack::{Left, Scratch, Tiles, panel, width};
use super::{Number, vector};
use crate::arch::threads::{parallel_chunks_mut, threads};
use crate::arch::{Isa, Kernel, Level, Real};
use crate::tuning::gemm as tuning;

/// The first error of several tasks.
#[derive(Default)]
pub(super) struct Errors(Mutex<Option<TensorError>>);

impl Errors {
    /// The value, unless there is none, which is kept in mind.
    pub(super) fn note<T>(&self, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                if let Ok(mut first) = self.0.lock() {
                    first.get_or_insert(error);
                }
                None
            }
        }
    }

    pub(super) fn result(self) -> Result<()> {
        match self.0.into_inner() {
            Ok(Some(error)) => Err(error),
            _ => Ok(()),
        }
    }
}

/// `c = a @ b`.
pub(super) fn product<'a, T: Number>(
    level: Level,
    mut a: Matrix<'a, T>,
    mut b: Matrix<'a, T>,
    mut c: Target<'_, T>,
) -> Result<()> {
    let Plane { rows, columns, .. } = c.plane();
    if rows == 0 || columns == 0 {
        return Ok(());
    }
    if a.columns() == 0 {
        zero(c);
        return Ok(());
    }
    let tile = level.enter(Shape(std::marker::PhantomData::<T>));
    if turns(c.plane(), tile) {
        // fma(x, y, z) is fma(y, x, z): the transposed problem has the same bits.
        (a, b, c) = (b.transposed(), a.transposed(), c.transposed());
    }
    if c.plane().rows == 1
        && let Some(result) = vector::product(level, a, b, c.reborrow())
    {
        return result;
    }
    if c.plane().rows > tuning::FEW_ROWS {
        many_rows(level, tile, a, b, c)
    } else {
        few_rows(level, tile, a, b, c)
    }
}

fn zero<T: Number>(mut c: Target<'_, T>) {
    let Plane { rows, columns, .. } = c.plane();
    for i in 0..rows {
        match c.line(i) {
            Some(line) => line.fill(T::zeroed()),
            None => (0..columns).for_each(|j| c.set(i, j, T::zeroed())),
        }
    }
}

/// Whether the transposed product is the cheaper one: its result is written in lines, or fewer lanes lie idle.
fn turns(c: Plane, (_, wide): (usize, usize)) -> bool {
    let Plane { rows, columns, row, column } = c;
    if rows == 1 || columns == 1 {
        return columns == 1 && rows > 1;
    }
    let (here, turned) = (columns.next_multiple_of(wide) * rows, rows.next_multiple_of(wide) * columns);
    let lines = column == 1 || row != 1;
    if lines { turned + turned / 4 < here } else { turned <= here + here / 4 }
}

/// The most rows of a tile, and the width of a panel.
struct Shape<T>(std::marker::PhantomData<T>);

impl<T: Number> Kernel for Shape<T> {
    type Output = (usize, usize);

    #[inline(always)]
    fn run<I: Isa>(self, _: I) -> (usize, usize) {
        (I::ROWS, width::<T::V<I>>())
    }
}

/// Into how many tasks a product of so many multiplications is split.
fn tasks<T>(rows: usize, columns: usize, depth: usize) -> usize {
    let threads = threads();
    let work = rows.saturating_mul(columns).saturating_mul(depth).saturating_mul(size_of::<T>());
    if threads == 1 { 1 } else { (work / tuning::TASK).min(threads * tuning::TASKS_PER_THREAD).max(1) }
}

/// The stretches of k that are worked off together, such that `per_k` elements of copies for each k take up no
/// more than they should.
fn stretches<T>(depth: usize, per_k: usize) -> impl Iterator<Item = Range<usize>> {
    let blocks = (tuning::COPIES / (per_k.max(1) * DEPTH * size_of::<T>())).max(1);
    (0..depth).step_by(blocks * DEPTH).map(move |start| start..depth.min(start + blocks * DEPTH))
}

fn few_rows<T: Number>(
    level: Level,
    (_, wide): (usize, usize),
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    mut c: Target<'_, T>,
) -> Result<()> {
    let Plane { rows, columns, .. } = c.plane();
    let goes_far = c.plane().is_far::<T>();
    let panels = columns.div_ceil(wide);
    let tasks = tasks::<T>(rows, columns, a.columns()).min(panels);
    let task = panels.div_ceil(tasks) * wide;
    let copied = copies_left::<T>(a, columns);
    let far = b.plane().column == 1 && b.plane().is_far::<T>();
    let errors = Errors::default();
    let mut scratch = Scratch::new::<T>(0)?;
    for stretch in stretches::<T>(a.columns(), if copied { rows } else { 0 }) {
        let (a, b) = (a.part(0..rows, stretch.clone()), b.part(stretch.clone(), 0..columns));
        let left = if copied {
            let size = rows * stretch.len();
            if scratch.get::<T>().len() < size {
                scratch = Scratch::new::<T>(size)?;
            }
            parallel_chunks_mut(&mut scratch.get_mut::<T>()[..size], rows * DEPTH, |i, to| {
                level.enter(PackLeft { a: block(a, i), to });
            });
            Lhs::Copied(scratch.get::<T>())
        } else {
            Lhs::Plain
        };
        c.for_each(rows, task, |_, range, c| {
            let b = b.part(0..stretch.len(), range);
            if let Some(mut own) = errors.note(Scratch::new::<T>(wide * DEPTH)) {
                let own = own.get_mut();
                level.enter(Task {
                    a,
                    left,
                    b,
                    right: Rhs::Plain,
                    c,
                    first: stretch.start == 0,
                    far,
                    goes_far,
                    own,
                });
            }
        });
    }
    errors.result()
}

fn many_rows<T: Number>(
    level: Level,
    (high, wide): (usize, usize),
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    mut c: Target<'_, T>,
) -> Result<()> {
    let Plane { rows, columns, .. } = c.plane();
    let goes_far = c.plane().is_far::<T>();
    let errors = Errors::default();
    let mut scratch = Scratch::new::<T>(0)?;
    for from in (0..columns).step_by(tuning::COLUMNS) {
        let range = from..columns.min(from + tuning::COLUMNS);
        let padded = range.len().next_multiple_of(wide);
        let tasks = tasks::<T>(rows, range.len(), a.columns()).max(rows.div_ceil(tuning::MOST_ROWS));
        let height = rows.div_ceil(tasks).next_multiple_of(high);
        for stretch in stretches::<T>(a.columns(), padded) {
            let a = a.part(0..rows, stretch.clone());
            let b = b.part(stretch.clone(), range.clone());
            let size = padded * stretch.len().next_multiple_of(DEPTH);
            if scratch.get::<T>().len() < size {
                scratch = Scratch::new::<T>(size)?;
            }
            let panels = padded / wide;
            parallel_chunks_mut(&mut scratch.get_mut::<T>()[..size], wide * DEPTH, |i, to| {
                let from = i % panels * wide;
                let b = block(b.transposed(), i / panels).transposed();
                level.enter(PackPanel { b: b.part(0..b.rows(), from..b.columns().min(from + wide)), to });
            });
            let right = scratch.get::<T>();
            let c = &mut c.part(0..rows, range.clone());
            c.for_each(height, range.len(), |rows, _, c| {
                let a = a.part(rows.clone(), 0..stretch.len());
                let copied = copies_left::<T>(a, range.len());
                let size = if copied { rows.len() * DEPTH } else { 0 };
                if let Some(mut own) = errors.note(Scratch::new::<T>(size)) {
                    let left = if copied { Lhs::Own } else { Lhs::Plain };
                    let (right, own) = (Rhs::Panels(right), own.get_mut());
                    level.enter(Task {
                        a,
                        left,
                        b,
                        right,
                        c,
                        first: stretch.start == 0,
                        far: false,
                        goes_far,
                        own,
                    });
                }
            });
        }
    }
    errors.result()
}

/// Whether copies of `a` pay: they are read for many columns, and lie close together.
fn copies_left<T: Number>(a: Matrix<'_, T>, columns: usize) -> bool {
    let Plane { rows, columns: depth, row, column } = a.plane();
    if rows <= 1 {
        return column != 1 && columns >= tuning::COPY_COLUMNS;
    }
    let near = match column {
        1 => row.unsigned_abs() < tuning::NEAR,
        _ => column.unsigned_abs() < tuning::NEAR && depth <= tuning::NEAR,
    };
    columns >= tuning::COPY_COLUMNS && !near
}

/// A block of k of a matrix whose columns are k.
#[inline(always)]
fn block<T: Copy>(a: Matrix<'_, T>, index: usize) -> Matrix<'_, T> {
    a.part(0..a.rows(), index * DEPTH..a.columns().min((index + 1) * DEPTH))
}

struct PackPanel<'a, T> {
    b: Matrix<'a, T>,
    to: &'a mut [T],
}

impl<T: Number> Kernel for PackPanel<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        panel::<T::V<I>>(isa, self.b, width::<T::V<I>>(), self.to);
    }
}

struct PackLeft<'a, T> {
    a: Matrix<'a, T>,
    to: &'a mut [T],
}

impl<T: Number> Kernel for PackLeft<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        Left::pack(self.a, I::ROWS, self.to);
    }
}

/// Where a task reads `a`.
#[derive(Clone, Copy)]
enum Lhs<'a, T> {
    /// As it lies.
    Plain,
    /// From copies of all its blocks.
    Copied(&'a [T]),
    /// From a copy that the task makes of each block.
    Own,
}

/// Where a task reads `b`.
#[derive(Clone, Copy)]
enum Rhs<'a, T> {
    /// As it lies, unless it needs a copy.
    Plain,
    /// From copies of all its panels, block by block.
    Panels(&'a [T]),
}

/// A part of `c`, over a stretch of k.
struct Task<'a, T> {
    a: Matrix<'a, T>,
    left: Lhs<'a, T>,
    b: Matrix<'a, T>,
    right: Rhs<'a, T>,
    c: Target<'a, T>,
    /// Whether the stretch is the first, so that `c` holds nothing yet.
    first: bool,
    /// Whether `b` comes from memory, in rows, of which the next are asked for.
    far: bool,
    /// Whether `c` goes to memory.
    goes_far: bool,
    /// Room for copies: of a panel of `b`, or of a block of `a`.
    own: &'a mut [T],
}

impl<T: Number> Kernel for Task<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        let wide = width::<T::V<I>>();
        let depth = self.a.columns();
        let panels = self.b.columns().div_ceil(wide);
        let mut done = 0;
        for index in 0..depth.div_ceil(DEPTH) {
            let a = block(self.a, index);
            let n = a.columns();
            let b = block(self.b.transposed(), index).transposed();
            let how = Merge { first: self.first && index == 0, fetch: self.goes_far || n >= tuning::DEEP };
            let (left, own) = match self.left {
                Lhs::Plain => (None, &mut *self.own),
                Lhs::Copied(data) => {
                    (Some(Left::packed(a, I::ROWS, &data[a.rows() * done..])), &mut *self.own)
                }
                Lhs::Own => (Some(Left::pack(a, I::ROWS, &mut *self.own)), &mut [][..]),
            };
            let range = |p: usize| p * wide..b.columns().min((p + 1) * wide);
            for p in 0..panels {
                let (mut copy, mut next) = (&mut [][..], None);
                let right = match self.right {
                    // In order, so that the CPU sees where it goes.
                    Rhs::Panels(data) => {
                        let at = (index * panels + p) * wide * DEPTH;
                        Matrix::dense(&data[at..at + wide * n], n, wide)
                    }
                    Rhs::Plain => {
                        next = (self.far && p + 1 < panels).then(|| b.part(0..n, range(p + 1)));
                        let b = b.part(0..n, range(p));
                        if b.columns() == wide && b.plane().column == 1 {
                            let span = b.plane().row.unsigned_abs().saturating_mul(n * size_of::<T>());
                            if span > tuning::AT_HAND {
                                copy = &mut *own;
                            }
                            b
                        } else {
                            let wide = if b.columns() <= T::V::<I>::LANES { T::V::<I>::LANES } else { wide };
                            panel::<T::V<I>>(isa, b, wide, own);
                            Matrix::dense(own, n, wide)
                        }
                    }
                };
                let c = self.c.part(0..a.rows(), range(p));
                column::<T, I>(isa, a, left, right, c, how, copy, next);
            }
            done += n;
        }
    }
}

/// A column of tiles. With room for a copy of `b`, the first tile makes one. The tiles that do not share in asking for what
/// is multiplied `next`.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "a block of each operand, and what is known of it")]
fn column<T: Number, I: Isa>(
    isa: I,
    a: Matrix<'_, T>,
    left: Option<Left<'_, T>>,
    b: Matrix<'_, T>,
    mut c: Target<'_, T>,
    how: Merge,
    copy: &mut [T],
    next: Option<Matrix<'_, T>>,
) {
    let tiles = Tiles::new(a.rows(), I::ROWS);
    let (depth, columns) = (a.columns(), c.plane().columns);
    let left = |i: usize| match &left {
        Some(left) => left.tile(i),
        None => a.part(tiles.range(i), 0..depth),
    };
    let (mut b, mut done) = (b, 0);
    if !copy.is_empty() && tiles.count() > 1 {
        any_tile::<T, I, true>(isa, left(0), b, c.part(tiles.range(0), 0..columns), how, copy);
        (b, done) = (Matrix::dense(&*copy, depth, b.columns()), 1);
    }
    let share = depth.div_ceil(tiles.count() - done);
    for i in done..tiles.count() {
        if let Some(next) = &next {
            for k in ((i - done) * share..depth).take(share) {
                (0..columns).step_by(T::V::<I>::LANES).for_each(|j| next.fetch(k, j));
            }
        }
        any_tile::<T, I, false>(isa, left(i), b, c.part(tiles.range(i), 0..columns), how, &mut []);
    }
}

/// A tile as wide as it has to be.
#[inline(always)]
fn any_tile<T: Number, I: Isa, const COPY: bool>(
    isa: I,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: Target<'_, T>,
    how: Merge,
    copy: &mut [T],
) {
    let lanes = T::V::<I>::LANES;
    const { assert!(I::COLUMNS <= 2) };
    if const { I::COLUMNS == 2 } && (COPY || c.plane().columns > lanes) {
        return tile::<T::V<I>, 2, COPY>(isa, a, b, c, how, copy);
    }
    if const { !COPY || I::COLUMNS == 1 } {
        tile::<T::V<I>, 1, COPY>(isa, a, b.part(0..b.rows(), 0..lanes), c, how, copy);
    }
}

//! Indices of extreme elements.
//!
//! Of a row the extreme is found first, which is as fast as memory, and then its first place. Columns carry their
//! extremes and places along, eight rows at a time.

use rusttorch_backend::ops::ArgReduceOp;
use rusttorch_backend::{Capabilities, DTypeSet, Family, Result, View, ViewMut, match_dtype};

use super::fold::{Max, Min, Nothing, Number, fold_row, load};
use super::forms::{Columns, Reduction, Rows, lanes};
use super::plan::reduce as walk;
use super::source::Source;
use super::whole::Whole;
use super::{READ, not_of_nothing};
use crate::arch::{Isa, Kernel, Level, Mask, Real};

/// `None` where there is no kernel for the call.
pub(crate) fn arg_reduce(
    level: Level,
    op: ArgReduceOp,
    x: View<'_>,
    axis: usize,
    out: ViewMut<'_>,
) -> Option<Result<()>> {
    let dtype = x.dtype();
    if !dtype.is_float() && !DTypeSet::INTS.contains(dtype) {
        return None;
    }
    if let Err(error) = not_of_nothing(op.name(), &x, &out) {
        return Some(Err(error));
    }
    let least = op == ArgReduceOp::Argmin;
    let result = match_dtype!(floats dtype, T => call::<T, _>(op, x, axis, out, &Floats { level, least }),
        else match_dtype!(ints dtype, T => call::<T, _>(op, x, axis, out, &Integers { level, least }),
        else return None));
    Some(result)
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims.with(Family::ArgReduce, DTypeSet::FLOATS).with(Family::ArgReduce, DTypeSet::INTS)
}

fn call<E: Source, R: Reduction<E::Wide, Part = Best<E::Wide>>>(
    op: ArgReduceOp,
    x: View<'_>,
    axis: usize,
    out: ViewMut<'_>,
    reduction: &R,
) -> Result<()>
where
    E::Wide: Default,
{
    walk::<E, Best<E::Wide>, i64>(op.name(), READ, (x, &[axis]), out, reduction, &|parts, out| {
        out.iter_mut().zip(parts).for_each(|(out, part)| *out = part.place as i64);
    })
}

/// An extreme element and its number.
#[derive(Debug, Clone, Copy, Default)]
struct Best<W> {
    value: W,
    place: usize,
}

/// Of floats: NaN is more extreme than anything.
struct Floats {
    level: Level,
    least: bool,
}

impl<T: Number + Default> Reduction<T> for Floats {
    type Part = Best<T>;

    fn rows(&self, rows: &Rows<'_, T>, out: &mut [Best<T>]) {
        self.level.enter(FloatRows { least: self.least, rows, out });
    }

    fn columns(&self, columns: &Columns<'_, T>, out: &mut [Best<T>]) {
        match self.least {
            false => self.level.enter(FloatColumns::<T, false> { columns, out }),
            true => self.level.enter(FloatColumns::<T, true> { columns, out }),
        }
    }

    #[allow(clippy::eq_op, reason = "x != x is NaN")]
    fn merge(&self, (a, _): (Best<T>, usize), (b, _): (Best<T>, usize)) -> Best<T> {
        let beats = if self.least { b.value < a.value } else { b.value > a.value };
        if a.value == a.value && (beats || b.value != b.value) { b } else { a }
    }

    fn nothing(&self) -> Best<T> {
        Best::default()
    }
}

struct FloatRows<'a, T> {
    least: bool,
    rows: &'a Rows<'a, T>,
    out: &'a mut [Best<T>],
}

impl<T: Number> Kernel for FloatRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        for (i, out) in self.out.iter_mut().enumerate() {
            let x = self.rows.row(i);
            let value = match self.least {
                false => fold_row(isa, (Max, Nothing), x, T::zeroed()).0,
                true => fold_row(isa, (Min, Nothing), x, T::zeroed()).0,
            };
            *out = Best { value, place: self.rows.first(i) + place_of(isa, x, value) };
        }
    }
}

/// Vectors that are compared before it is asked whether one was equal.
const STRETCH: usize = 4;

/// The first place of an element that is there; NaN is found, too.
#[inline(always)]
fn place_of<I: Isa, T: Number>(isa: I, x: &[T], value: T) -> usize {
    #[allow(clippy::eq_op, reason = "x != x is NaN")]
    let scan = |x: &[T]| match value != value {
        true => x.iter().position(|&x| x != x),
        false => x.iter().position(|&x| x == value),
    };
    let wanted = <T::V<I>>::splat(isa, value);
    let stretch = STRETCH * lanes::<T>();
    let mut passed = 0;
    for vectors in <T::V<I>>::chunks(x).0.as_chunks::<STRETCH>().0 {
        let [a, b, c, d] = [&vectors[0], &vectors[1], &vectors[2], &vectors[3]];
        let e = |x| <T::V<I>>::load(isa, x);
        let found = e(a).eq(wanted).or(e(b).eq(wanted)).or(e(c).eq(wanted).or(e(d).eq(wanted)));
        if found.any() {
            break;
        }
        passed += stretch;
    }
    // Of NaN nothing is equal.
    #[allow(clippy::eq_op, reason = "x != x is NaN")]
    let passed = if value != value { 0 } else { passed };
    passed + scan(&x[passed..]).unwrap_or(0)
}

struct FloatColumns<'a, T, const LEAST: bool> {
    columns: &'a Columns<'a, T>,
    out: &'a mut [Best<T>],
}

/// Rows that are compared at a time, and columns whose extremes stay in the first cache.
const GROUP: usize = 8;
const TILE: usize = 512;

impl<T: Number, const LEAST: bool> Kernel for FloatColumns<'_, T, LEAST> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let (columns, width) = (self.columns, self.out.len());
        let lanes = <T::V<I>>::LANES;
        let (mut best, mut places) = ([T::zeroed(); TILE], [T::zeroed(); TILE]);
        let mut at = 0;
        while at < width {
            let n = TILE.min(width - at).max(lanes);
            // A last tile that is narrower than a vector takes columns again, to the same end.
            at = at.min(width - n);
            best[..n].copy_from_slice(&columns.data[columns.rows[0] + at..][..n]);
            places[..n].fill(T::zeroed());
            let mut first = 0;
            for rows in columns.rows.chunks(GROUP) {
                let mut x: [&[T]; GROUP] = [&[]; GROUP];
                for (x, &row) in x.iter_mut().zip(rows) {
                    *x = &columns.data[row + at..][..n];
                }
                for j in 0..n.div_ceil(lanes) {
                    // The last vector may take columns again: nothing beats itself.
                    let from = (j * lanes).min(n - lanes);
                    let mut value: T::V<I> = load(isa, &best[from..]);
                    let mut place: T::V<I> = load(isa, &places[from..]);
                    for (i, x) in x[..rows.len()].iter().enumerate() {
                        let x: T::V<I> = load(isa, &x[from..]);
                        let stays = if LEAST { value.le(x) } else { x.le(value) }.or(value.unordered(value));
                        value = value.or_else(stays, x);
                        // A number within a chunk is exact as a float.
                        place = place.or_else(stays, <T::V<I>>::constant(isa, (first + i) as f64));
                    }
                    value.store(&mut <T::V<I>>::chunks_mut(&mut best[from..from + lanes]).0[0]);
                    place.store(&mut <T::V<I>>::chunks_mut(&mut places[from..from + lanes]).0[0]);
                }
                first += rows.len();
            }
            for ((out, &value), &place) in self.out[at..at + n].iter_mut().zip(&best).zip(&places) {
                *out = Best { value, place: columns.first + place.to_f64() as usize };
            }
            at += n;
        }
    }
}

/// Of integers.
struct Integers {
    level: Level,
    least: bool,
}

impl<W: Whole + Ord> Reduction<W> for Integers {
    type Part = Best<W>;

    fn rows(&self, rows: &Rows<'_, W>, out: &mut [Best<W>]) {
        self.level.enter(IntegerRows { least: self.least, rows, out });
    }

    fn columns(&self, columns: &Columns<'_, W>, out: &mut [Best<W>]) {
        self.level.enter(IntegerColumns { least: self.least, columns, out });
    }

    fn merge(&self, (a, _): (Best<W>, usize), (b, _): (Best<W>, usize)) -> Best<W> {
        let beats = if self.least { b.value < a.value } else { b.value > a.value };
        if beats { b } else { a }
    }

    fn nothing(&self) -> Best<W> {
        Best::default()
    }
}

struct IntegerRows<'a, W> {
    least: bool,
    rows: &'a Rows<'a, W>,
    out: &'a mut [Best<W>],
}

impl<W: Whole + Ord> Kernel for IntegerRows<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, _isa: I) {
        for (i, out) in self.out.iter_mut().enumerate() {
            let x = self.rows.row(i);
            let [low, high] = W::bounds();
            let value = match self.least {
                false => x.iter().fold(low, |a, &x| a.max(x)),
                true => x.iter().fold(high, |a, &x| a.min(x)),
            };
            // Stretch by stretch without a question for each element.
            let mut passed = 0;
            for stretch in x.chunks(64) {
                if stretch.iter().fold(false, |found, &x| found | (x == value)) {
                    break;
                }
                passed += stretch.len();
            }
            let place = passed + x[passed..].iter().position(|&x| x == value).unwrap_or(0);
            *out = Best { value, place: self.rows.first(i) + place };
        }
    }
}

struct IntegerColumns<'a, W> {
    least: bool,
    columns: &'a Columns<'a, W>,
    out: &'a mut [Best<W>],
}

impl<W: Whole + Ord> Kernel for IntegerColumns<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, _isa: I) {
        let width = self.out.len();
        for (i, &start) in self.columns.rows.iter().enumerate() {
            let row = &self.columns.data[start..start + width];
            let place = self.columns.first + i;
            for (out, &x) in self.out.iter_mut().zip(row) {
                let beats = if self.least { x < out.value } else { x > out.value };
                if beats || i == 0 {
                    *out = Best { value: x, place };
                }
            }
        }
    }
}

//! Variance.
//!
//! A chunk is read once: with an origin near its mean (the mean of its first block), `M2 = sum d^2 - (sum d)^2 / n`
//! with `d = x - origin` loses at most one bit. Where the origin was badly chosen, as the sums tell, the chunk is
//! gone through again with the mean that they give. Neighbouring parts are merged by Chan's formula ("Updating
//! formulae and a pairwise algorithm for computing sample variances", 1979) in f64. Equal elements have a
//! variance of exactly 0, and a common offset costs no digits.

use rusttorch_backend::ops::ReduceOp;
use rusttorch_backend::{Result, View, ViewMut};

use super::fold::{Deviations, Nothing, Number, SquaredDeviations, block, fold_columns, fold_row};
use super::forms::{Columns, Reduction, Rows};
use super::length;
use super::plan::reduce as walk;
use super::source::Source;
use crate::arch::{Isa, Kernel, Level, Scalar};
use crate::tuning::Cost;

/// The mean of some elements, as the sum of an element or so and a small rest, and the sum of the squared
/// distances to it. Two means apart would lose the digits of their difference.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    origin: f64,
    shift: f64,
    squares: f64,
}

impl Moments {
    /// From the sums of distances to an origin.
    #[inline(always)]
    fn of<T: Number>(origin: T, sums: (T, T), n: usize) -> Found<T> {
        let (origin, n) = (origin.to_f64(), n as f64);
        let (sum, squares) = (sums.0.to_f64(), sums.1.to_f64());
        let shift = sum / n;
        let apart = sum * shift;
        let rest = squares - apart;
        let moments = Moments { origin, shift, squares: if rest < 0.0 { 0.0 } else { rest } };
        // An error, too, where a square overflows or is NaN.
        let good = apart <= rest && rest.is_finite();
        if good { Ok(moments) } else { Err((T::from_f64(origin + shift), moments)) }
    }

    /// As exact as f64 is, however large the elements are.
    #[cold]
    fn slowly<T: Number>(x: impl Iterator<Item = T> + Clone) -> Moments {
        let n = x.clone().count() as f64;
        let Some(origin) = x.clone().next().map(T::to_f64) else { return Moments::default() };
        // The quotients first, as a difference of large elements may overflow.
        let shift = x.clone().map(|x| x.to_f64() / n - origin / n).sum::<f64>();
        let distance = |x: T| x.to_f64() - origin - shift;
        Moments { origin, shift, squares: x.map(|x| distance(x) * distance(x)).sum() }
    }

    /// Of two neighbouring parts.
    fn merge((a, na): (Moments, usize), (b, nb): (Moments, usize)) -> Moments {
        let (na, nb) = (na as f64, nb as f64);
        let apart = (b.origin - a.origin) + (b.shift - a.shift);
        let share = nb / (na + nb);
        let squares = a.squares + b.squares + apart * apart * na * share;
        Moments { origin: a.origin, shift: a.shift + apart * share, squares }
    }
}

/// Moments; or an origin that is nearer to the mean, beside what was found with this one, where the difference
/// would cancel.
type Found<T> = std::result::Result<Moments, (T, Moments)>;

/// The moments of a row, which is not empty.
#[inline(always)]
fn row_moments<I: Isa, T: Number>(isa: I, x: &[T]) -> Moments {
    let head = &x[..x.len().min(block::<T>())];
    let sum = fold_row(isa, (Deviations, Nothing), head, x[0]).0;
    let origin = T::from_f64(x[0].to_f64() + sum.to_f64() / head.len() as f64);
    let folds = (Deviations, SquaredDeviations);
    let moments = match Moments::of(origin, fold_row(isa, folds, x, origin), x.len()) {
        Ok(moments) => moments,
        Err((nearer, _)) => {
            let (Ok(moments) | Err((_, moments))) =
                Moments::of(nearer, fold_row(isa, folds, x, nearer), x.len());
            moments
        }
    };
    if moments.squares.is_finite() { moments } else { Moments::slowly(x.iter().copied()) }
}

struct RowMoments<'a, T> {
    rows: &'a Rows<'a, T>,
    out: &'a mut [Moments],
}

impl<T: Number> Kernel for RowMoments<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        for (i, out) in self.out.iter_mut().enumerate() {
            *out = row_moments(isa, self.rows.row(i));
        }
    }
}

struct ColumnMoments<'a, T> {
    columns: &'a Columns<'a, T>,
    out: &'a mut [Moments],
}

impl<T: Number> Kernel for ColumnMoments<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let columns = self.columns;
        let n = columns.rows.len();
        let width = self.out.len();
        let mut sums = vec![T::zeroed(); width];
        let mut squares = vec![T::zeroed(); width];
        let start = columns.rows[0];
        let mut origins = columns.data[start..start + width].to_vec();
        let head = &columns.rows[..n.min(block::<T>())];
        let first = Columns { rows: head, ..*columns };
        fold_columns(isa, (Deviations, Nothing), &first, &origins, &mut sums, &mut []);
        for (origin, &sum) in origins.iter_mut().zip(&sums) {
            *origin = T::from_f64(origin.to_f64() + sum.to_f64() / head.len() as f64);
        }
        let folds = (Deviations, SquaredDeviations);
        fold_columns(isa, folds, columns, &origins, &mut sums, &mut squares);
        let mut again = Vec::new();
        for (i, out) in self.out.iter_mut().enumerate() {
            *out = match Moments::of(origins[i], (sums[i], squares[i]), n) {
                Ok(moments) => moments,
                Err((nearer, moments)) => {
                    origins[i] = nearer;
                    again.push(i);
                    moments
                }
            };
        }
        if again.is_empty() {
            return;
        }
        fold_columns(isa, folds, columns, &origins, &mut sums, &mut squares);
        for i in again {
            let (Ok(moments) | Err((_, moments))) = Moments::of(origins[i], (sums[i], squares[i]), n);
            self.out[i] = if moments.squares.is_finite() {
                moments
            } else {
                Moments::slowly(columns.column(i).copied())
            };
        }
    }
}

struct Variance {
    level: Level,
}

impl<T: Number> Reduction<T> for Variance {
    type Part = Moments;

    fn rows(&self, rows: &Rows<'_, T>, out: &mut [Moments]) {
        self.level.enter(RowMoments { rows, out });
    }

    fn columns(&self, columns: &Columns<'_, T>, out: &mut [Moments]) {
        self.level.enter(ColumnMoments { columns, out });
    }

    fn merge(&self, a: (Moments, usize), b: (Moments, usize)) -> Moments {
        Moments::merge(a, b)
    }

    fn nothing(&self) -> Moments {
        Moments { squares: f64::NAN, ..Moments::default() }
    }
}

/// `sum((x - mean)^2) / max(0, n - correction)`.
pub(super) fn variance<E: Source<Wide: Number>>(
    level: Level,
    correction: f64,
    x: View<'_>,
    axes: &[usize],
    out: ViewMut<'_>,
) -> Result<()> {
    let divisor = (length(&x, axes) - correction).max(0.0);
    let op = ReduceOp::Var { correction }.name();
    walk::<E, Moments, E>(op, Cost(150), (x, axes), out, &Variance { level }, &|parts, out| {
        for (out, part) in out.iter_mut().zip(parts) {
            let v = part.squares / divisor;
            *out = E::narrow(E::Wide::from_f64(if v.is_nan() { f64::NAN } else { v }));
        }
    })
}

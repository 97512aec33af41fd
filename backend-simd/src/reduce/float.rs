//! Sum, mean, product and extremes of floats.

use rusttorch_backend::ops::ReduceOp;
use rusttorch_backend::{Result, View, ViewMut};

use super::fold::{self, Fold, Max, Min, Number, Product, Sum};
use super::forms::{Columns, Reduction, Rows};
use super::plan::reduce as walk;
use super::source::Source;
use super::{READ, length, refused};
use crate::arch::{Level, Scalar};

/// A fold whose parts are numbers of the type of the elements.
struct Folded<F> {
    level: Level,
    fold: F,
    nothing: f64,
}

impl<F: Fold, T: Number> Reduction<T> for Folded<F> {
    type Part = T;

    fn rows(&self, rows: &Rows<'_, T>, out: &mut [T]) {
        fold::rows(self.level, self.fold, rows, out);
    }

    fn columns(&self, columns: &Columns<'_, T>, out: &mut [T]) {
        fold::columns(self.level, self.fold, columns, out);
    }

    fn merge(&self, (a, _): (T, usize), (b, _): (T, usize)) -> T {
        self.fold.join_one(a, b)
    }

    fn nothing(&self) -> T {
        T::from_f64(self.nothing)
    }
}

/// NaN has many bit patterns, of which arithmetic gives this or that one. Results have one.
pub(super) fn canonical<T: Number>(v: T) -> T {
    #[allow(clippy::eq_op, reason = "v != v is NaN")]
    if v != v { T::from_f64(f64::NAN) } else { v }
}

pub(super) fn reduce<E: Source<Wide: Number>>(
    level: Level,
    op: ReduceOp,
    x: View<'_>,
    axes: &[usize],
    out: ViewMut<'_>,
) -> Result<()> {
    match op {
        // A sum of nothing but -0 is +0, as if it had begun with that.
        ReduceOp::Sum => call::<E, _>(level, op, Sum, 0.0, x, axes, out, |v| v + E::Wide::from_f64(0.0)),
        ReduceOp::Mean => {
            let n = E::Wide::from_f64(length(&x, axes));
            call::<E, _>(level, op, Sum, 0.0, x, axes, out, move |v| v / n)
        }
        ReduceOp::Prod => call::<E, _>(level, op, Product, 1.0, x, axes, out, |v| v),
        ReduceOp::Amax => call::<E, _>(level, op, Max, f64::NAN, x, axes, out, |v| v),
        ReduceOp::Amin => call::<E, _>(level, op, Min, f64::NAN, x, axes, out, |v| v),
        _ => Err(refused(op.name(), x.dtype())),
    }
}

#[allow(clippy::too_many_arguments, reason = "a call and its rules")]
fn call<E: Source<Wide: Number>, F: Fold>(
    level: Level,
    op: ReduceOp,
    fold: F,
    nothing: f64,
    x: View<'_>,
    axes: &[usize],
    out: ViewMut<'_>,
    last: impl Fn(E::Wide) -> E::Wide + Sync,
) -> Result<()> {
    let reduction = Folded { level, fold, nothing };
    walk::<E, E::Wide, E>(op.name(), READ, (x, axes), out, &reduction, &|parts, out| {
        for (out, &part) in out.iter_mut().zip(parts) {
            *out = E::narrow(canonical(last(part)));
        }
    })
}

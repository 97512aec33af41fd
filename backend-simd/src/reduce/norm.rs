//! Norms of vectors.

use rusttorch_backend::ops::ReduceOp;
use rusttorch_backend::{Result, View, ViewMut};

use super::READ;
use super::fold::{
    self, Absolutes, Fold, MaxAbsolute, MinAbsolute, NonZeros, Nothing, Number, Squares, Sum, fold_row,
};
use super::forms::{Columns, Reduction, Rows};
use super::plan::reduce as walk;
use super::source::Source;
use crate::arch::{Isa, Kernel, Level, Scalar};
use crate::tuning::Cost;

/// What is added up, or chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    NonZeros,
    Absolutes,
    Squares,
    Largest,
    Smallest,
    Powers(f64),
}

/// Norms; their parts are f64.
struct Norms {
    level: Level,
    order: Order,
}

impl Norms {
    /// The parts of rows or columns, by the fold of the order.
    fn folded<T: Number>(&self, out: &mut [f64], by: &dyn ByFold<T>) {
        let mut values = vec![T::zeroed(); out.len()];
        match self.order {
            Order::NonZeros => by.non_zeros(self.level, &mut values),
            Order::Absolutes => by.absolutes(self.level, &mut values),
            Order::Squares => by.squares(self.level, &mut values),
            Order::Largest => by.largest(self.level, &mut values),
            Order::Smallest => by.smallest(self.level, &mut values),
            Order::Powers(_) => return,
        }
        out.iter_mut().zip(&values).for_each(|(out, value)| *out = value.to_f64());
    }

    /// Whether the sum of a chunk may have lost what f64 keeps: where a square overflowed or vanished.
    fn doubtful<T>(&self, part: f64) -> bool {
        match self.order {
            _ if size_of::<T>() == size_of::<f64>() => false,
            Order::Squares => !(1e-30..f64::INFINITY).contains(&part),
            Order::Absolutes => !part.is_finite(),
            _ => false,
        }
    }

    /// The part in f64, element by element.
    #[cold]
    fn slowly<T: Number>(&self, x: impl Iterator<Item = T> + Clone) -> f64 {
        if x.clone().all(|x| x == T::zeroed()) {
            return 0.0;
        }
        x.map(|x| x.to_f64().abs()).map(|x| if self.order == Order::Squares { x * x } else { x }).sum()
    }
}

/// Rows or columns, to be folded in one of these ways.
trait ByFold<T> {
    fn non_zeros(&self, level: Level, out: &mut [T]);
    fn absolutes(&self, level: Level, out: &mut [T]);
    fn squares(&self, level: Level, out: &mut [T]);
    fn largest(&self, level: Level, out: &mut [T]);
    fn smallest(&self, level: Level, out: &mut [T]);
}

macro_rules! by_fold {
    ($Lines:ident $fold:path: $($name:ident $Fold:ident,)*) => {
        impl<T: Number> ByFold<T> for $Lines<'_, T> {
            $(fn $name(&self, level: Level, out: &mut [T]) {
                $fold(level, $Fold, self, out);
            })*
        }
    };
}
by_fold!(Rows fold::rows: non_zeros NonZeros, absolutes Absolutes, squares Squares, largest MaxAbsolute, smallest MinAbsolute,);
by_fold!(Columns fold::columns: non_zeros NonZeros, absolutes Absolutes, squares Squares, largest MaxAbsolute, smallest MinAbsolute,);

/// The sum of a row of f64.
struct SumOf<'a>(&'a [f64]);

impl Kernel for SumOf<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> f64 {
        fold_row(isa, (Sum, Nothing), self.0, 0.0).0
    }
}

impl Norms {
    /// `sum |x|^p`, in f64.
    fn powers<T: Number>(&self, x: impl Iterator<Item = T>, p: f64, tile: &mut Vec<f64>) -> f64 {
        tile.clear();
        tile.extend(x.map(|x| libm::pow(x.to_f64().abs(), p)));
        self.level.enter(SumOf(tile))
    }
}

impl<T: Number> Reduction<T> for Norms {
    type Part = f64;

    fn rows(&self, rows: &Rows<'_, T>, out: &mut [f64]) {
        if let Order::Powers(p) = self.order {
            let mut tile = Vec::new();
            for (i, out) in out.iter_mut().enumerate() {
                *out = self.powers(rows.row(i).iter().copied(), p, &mut tile);
            }
            return;
        }
        self.folded(out, rows);
        for (i, out) in out.iter_mut().enumerate() {
            if self.doubtful::<T>(*out) {
                *out = self.slowly(rows.row(i).iter().copied());
            }
        }
    }

    fn columns(&self, columns: &Columns<'_, T>, out: &mut [f64]) {
        if let Order::Powers(p) = self.order {
            let mut tile = Vec::new();
            for (i, out) in out.iter_mut().enumerate() {
                *out = self.powers(columns.column(i).copied(), p, &mut tile);
            }
            return;
        }
        self.folded(out, columns);
        for (i, out) in out.iter_mut().enumerate() {
            if self.doubtful::<T>(*out) {
                *out = self.slowly(columns.column(i).copied());
            }
        }
    }

    fn merge(&self, (a, _): (f64, usize), (b, _): (f64, usize)) -> f64 {
        match self.order {
            Order::Largest => MaxAbsolute.join_one(a, b),
            Order::Smallest => MinAbsolute.join_one(a, b),
            _ => a + b,
        }
    }

    fn nothing(&self) -> f64 {
        0.0
    }
}

/// `sum(|x|^p)^(1/p)`, or what that tends to.
pub(super) fn norm<E: Source<Wide: Number>>(
    level: Level,
    p: f64,
    x: View<'_>,
    axes: &[usize],
    out: ViewMut<'_>,
) -> Result<()> {
    let (order, cost) = match p {
        0.0 => (Order::NonZeros, READ),
        1.0 => (Order::Absolutes, READ),
        2.0 => (Order::Squares, READ),
        f64::INFINITY => (Order::Largest, READ),
        f64::NEG_INFINITY => (Order::Smallest, READ),
        p => (Order::Powers(p), Cost(20_000)),
    };
    let op = ReduceOp::Norm { p }.name();
    walk::<E, f64, E>(op, cost, (x, axes), out, &Norms { level, order }, &|parts, out| {
        for (out, &part) in out.iter_mut().zip(parts) {
            let v = match order {
                Order::Squares => part.sqrt(),
                Order::Powers(p) => libm::pow(part, 1.0 / p),
                _ => part,
            };
            *out = E::narrow(E::Wide::from_f64(if v.is_nan() { f64::NAN } else { v }));
        }
    })
}

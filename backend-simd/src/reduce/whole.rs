//! Reductions of integers and bool, and the truth of anything: plain loops, compiled for every level.

use rusttorch_backend::ops::ReduceOp;
use rusttorch_backend::{Boolean, Element, Result, View, ViewMut, match_dtype};

use super::forms::{Columns, Reduction, Rows};
use super::plan::reduce as walk;
use super::source::Source;
use super::{READ, refused};
use crate::arch::{Isa, Kernel, Level};

/// An integer or bool.
pub(super) trait Whole: Source<Wide = Self> + Default {
    fn wide(self) -> i64;
    /// Not above any, and not below any.
    fn bounds() -> [Self; 2];
    fn larger(self, b: Self) -> Self;
    fn smaller(self, b: Self) -> Self;
}

macro_rules! whole {
    ($($t:ty)*) => { $(
        impl Whole for $t {
            #[inline(always)]
            fn wide(self) -> i64 {
                i64::from(self)
            }
            #[inline(always)]
            fn bounds() -> [Self; 2] {
                [<$t>::MIN, <$t>::MAX]
            }
            #[inline(always)]
            fn larger(self, b: Self) -> Self {
                self.max(b)
            }
            #[inline(always)]
            fn smaller(self, b: Self) -> Self {
                self.min(b)
            }
        }
    )* };
}
whole!(i8 i16 i32 i64 u8);

impl Whole for Boolean {
    #[inline(always)]
    fn wide(self) -> i64 {
        i64::from(self.get())
    }
    #[inline(always)]
    fn bounds() -> [Self; 2] {
        [false.into(), true.into()]
    }
    #[inline(always)]
    fn larger(self, b: Self) -> Self {
        (self.get() | b.get()).into()
    }
    #[inline(always)]
    fn smaller(self, b: Self) -> Self {
        (self.get() & b.get()).into()
    }
}

/// A way to fold elements into a part, in any order.
trait Fold<W>: Copy + Sync {
    type Part: Copy + Default + Send + Sync;
    /// Folds that are done early, since nothing changes any more, are asked so often.
    const STOPS: bool = false;
    fn start(self) -> Self::Part;
    fn add(self, part: Self::Part, x: W) -> Self::Part;
    fn join(self, a: Self::Part, b: Self::Part) -> Self::Part;
    fn done(self, _part: Self::Part) -> bool {
        false
    }
}

macro_rules! folds {
    ($($(#[$doc:meta])* $Name:ident<$W:ident: $bound:path> -> $Part:ty, $start:expr, |$a:ident, $x:ident| $add:expr, |$b:ident, $c:ident| $join:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        struct $Name;
        impl<$W: $bound> Fold<$W> for $Name {
            type Part = $Part;
            #[inline(always)]
            fn start(self) -> $Part {
                $start
            }
            #[inline(always)]
            fn add(self, $a: $Part, $x: $W) -> $Part {
                $add
            }
            #[inline(always)]
            fn join(self, $b: $Part, $c: $Part) -> $Part {
                $join
            }
        }
    )* };
}
folds! {
    Sum<W: Whole> -> i64, 0, |a, x| a.wrapping_add(x.wide()), |a, b| a.wrapping_add(b);
    Product<W: Whole> -> i64, 1, |a, x| a.wrapping_mul(x.wide()), |a, b| a.wrapping_mul(b);
}

macro_rules! extremes {
    ($($Name:ident $choose:ident $bound:literal;)*) => { $(
        #[derive(Clone, Copy)]
        struct $Name;
        impl<W: Whole> Fold<W> for $Name {
            type Part = W;
            #[inline(always)]
            fn start(self) -> W {
                W::bounds()[$bound]
            }
            #[inline(always)]
            fn add(self, a: W, x: W) -> W {
                a.$choose(x)
            }
            #[inline(always)]
            fn join(self, a: W, b: W) -> W {
                a.$choose(b)
            }
        }
    )* };
}
extremes! {
    Max larger 0;
    Min smaller 1;
}

macro_rules! truths {
    ($($Name:ident $start:literal |$a:ident, $b:ident| $join:expr;)*) => { $(
        #[derive(Clone, Copy)]
        struct $Name;
        impl<W: Element> Fold<W> for $Name {
            type Part = bool;
            const STOPS: bool = true;
            #[inline(always)]
            fn start(self) -> bool {
                $start
            }
            #[inline(always)]
            fn add(self, $a: bool, x: W) -> bool {
                let $b = x.to_scalar().to_bool();
                $join
            }
            #[inline(always)]
            fn join(self, $a: bool, $b: bool) -> bool {
                $join
            }
            #[inline(always)]
            fn done(self, part: bool) -> bool {
                part != $start
            }
        }
    )* };
}
truths! {
    All true |a, b| a & b;
    Any false |a, b| a | b;
}

/// A fold of lines, on a level.
struct Lines<F> {
    level: Level,
    fold: F,
}

/// Elements between two questions whether a fold is done.
const STRETCH: usize = 512;

struct FoldRows<'a, W, F: Fold<W>> {
    fold: F,
    rows: &'a Rows<'a, W>,
    out: &'a mut [F::Part],
}

impl<W: Element, F: Fold<W>> Kernel for FoldRows<'_, W, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, _isa: I) {
        let fold = self.fold;
        for (i, out) in self.out.iter_mut().enumerate() {
            let row = self.rows.row(i);
            let mut part = fold.start();
            if F::STOPS {
                for stretch in row.chunks(STRETCH) {
                    part = stretch.iter().fold(part, |part, &x| fold.add(part, x));
                    if fold.done(part) {
                        break;
                    }
                }
            } else {
                part = row.iter().fold(part, |part, &x| fold.add(part, x));
            }
            *out = part;
        }
    }
}

struct FoldColumns<'a, W, F: Fold<W>> {
    fold: F,
    columns: &'a Columns<'a, W>,
    out: &'a mut [F::Part],
}

impl<W: Element, F: Fold<W>> Kernel for FoldColumns<'_, W, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, _isa: I) {
        let (fold, width) = (self.fold, self.out.len());
        self.out.fill(fold.start());
        for &start in self.columns.rows {
            let row = &self.columns.data[start..start + width];
            for (out, &x) in self.out.iter_mut().zip(row) {
                *out = fold.add(*out, x);
            }
        }
    }
}

impl<W: Element, F: Fold<W>> Reduction<W> for Lines<F> {
    type Part = F::Part;

    fn rows(&self, rows: &Rows<'_, W>, out: &mut [F::Part]) {
        self.level.enter(FoldRows { fold: self.fold, rows, out });
    }

    fn columns(&self, columns: &Columns<'_, W>, out: &mut [F::Part]) {
        self.level.enter(FoldColumns { fold: self.fold, columns, out });
    }

    fn merge(&self, (a, _): (F::Part, usize), (b, _): (F::Part, usize)) -> F::Part {
        self.fold.join(a, b)
    }

    fn nothing(&self) -> F::Part {
        self.fold.start()
    }
}

/// `op` of integers or bool.
pub(super) fn reduce(
    level: Level,
    op: ReduceOp,
    x: View<'_>,
    axes: &[usize],
    out: ViewMut<'_>,
) -> Result<()> {
    match_dtype!(ints x.dtype(), T => each::<T>(level, op, x, axes, out), else each::<Boolean>(level, op, x, axes, out))
}

fn each<T: Whole>(level: Level, op: ReduceOp, x: View<'_>, axes: &[usize], out: ViewMut<'_>) -> Result<()> {
    let (x, name) = ((x, axes), op.name());
    match op {
        ReduceOp::Sum => walk::<T, i64, i64>(name, READ, x, out, &Lines { level, fold: Sum }, &copied),
        ReduceOp::Prod => walk::<T, i64, i64>(name, READ, x, out, &Lines { level, fold: Product }, &copied),
        ReduceOp::Amax => walk::<T, T, T>(name, READ, x, out, &Lines { level, fold: Max }, &copied),
        ReduceOp::Amin => walk::<T, T, T>(name, READ, x, out, &Lines { level, fold: Min }, &copied),
        _ => Err(refused(name, T::DTYPE)),
    }
}

fn copied<T: Copy>(parts: &[T], out: &mut [T]) {
    out.copy_from_slice(parts);
}

/// Whether all differ from zero, or any.
pub(super) fn truth(level: Level, op: ReduceOp, x: View<'_>, axes: &[usize], out: ViewMut<'_>) -> Result<()> {
    match_dtype!(x.dtype(), T => truth_of::<T>(level, op, x, axes, out))
}

fn truth_of<T: Source>(
    level: Level,
    op: ReduceOp,
    x: View<'_>,
    axes: &[usize],
    out: ViewMut<'_>,
) -> Result<()> {
    let finish = |parts: &[bool], out: &mut [Boolean]| {
        out.iter_mut().zip(parts).for_each(|(out, &part)| *out = part.into());
    };
    let all = Lines { level, fold: All };
    let any = Lines { level, fold: Any };
    let reduction: &dyn Reduction<T::Wide, Part = bool> = if op == ReduceOp::All { &all } else { &any };
    walk::<T, bool, Boolean>(op.name(), READ, (x, axes), out, reduction, &finish)
}

//! What a scatter does where an element meets the one already there.

use rusttorch_backend::ops::ScatterOp;
use rusttorch_backend::{Boolean, Element, bf16, f16};

use crate::arch::{Isa, Kernel, Level};

/// An element with the formulas of a scatter.
pub(super) trait Merge: Element {
    /// The half type's formulas of `Add` and `Mul` are not asked for: their results are rounded once, see
    /// [`Half`].
    fn plus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    /// NaN if either is; -0 lies below +0.
    fn larger(self, other: Self) -> Self;
    /// NaN if either is; -0 lies below +0.
    fn smaller(self, other: Self) -> Self;
}

macro_rules! ints {
    ($($t:ty)*) => { $(
        impl Merge for $t {
            #[inline(always)]
            fn plus(self, other: $t) -> $t {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn times(self, other: $t) -> $t {
                self.wrapping_mul(other)
            }
            #[inline(always)]
            fn larger(self, other: $t) -> $t {
                self.max(other)
            }
            #[inline(always)]
            fn smaller(self, other: $t) -> $t {
                self.min(other)
            }
        }
    )* };
}
ints!(u8 i8 i16 i32 i64);

/// One of two numbers, by their bits: a branch would be foretold wrongly half of the time.
macro_rules! select {
    ($t:ty, $bits:ty, $first:expr, $a:expr, $b:expr) => {{
        let mask = <$bits>::from($first).wrapping_neg();
        <$t>::from_bits(($a.to_bits() & mask) | ($b.to_bits() & !mask))
    }};
}

macro_rules! floats {
    ($($t:ty, $bits:ty, $wide:ty, |$v:ident| $widen:expr, |$w:ident| $narrow:expr;)*) => { $(
        impl Merge for $t {
            #[inline(always)]
            fn plus(self, other: $t) -> $t {
                let wide = |$v: $t| -> $wide { $widen };
                let $w = wide(self) + wide(other);
                $narrow
            }
            #[inline(always)]
            fn times(self, other: $t) -> $t {
                let wide = |$v: $t| -> $wide { $widen };
                let $w = wide(self) * wide(other);
                $narrow
            }
            #[inline(always)]
            fn larger(self, other: $t) -> $t {
                let wide = |$v: $t| -> $wide { $widen };
                let (a, b) = (wide(self), wide(other));
                select!($t, $bits, (a > b) | ((a == b) & a.is_sign_positive()) | a.is_nan(), self, other)
            }
            #[inline(always)]
            fn smaller(self, other: $t) -> $t {
                let wide = |$v: $t| -> $wide { $widen };
                let (a, b) = (wide(self), wide(other));
                select!($t, $bits, (a < b) | ((a == b) & a.is_sign_negative()) | a.is_nan(), self, other)
            }
        }
    )* };
}
floats! {
    f32, u32, f32, |v| v, |w| w;
    f64, u64, f64, |v| v, |w| w;
    f16, u16, f32, |v| v.to_f32(), |w| f16::from_f32(w);
    bf16, u16, f32, |v| v.to_f32(), |w| bf16::from_f32(w);
}

impl Merge for Boolean {
    #[inline(always)]
    fn plus(self, other: Boolean) -> Boolean {
        (self.get() | other.get()).into()
    }
    #[inline(always)]
    fn times(self, other: Boolean) -> Boolean {
        (self.get() & other.get()).into()
    }
    #[inline(always)]
    fn larger(self, other: Boolean) -> Boolean {
        self.plus(other)
    }
    #[inline(always)]
    fn smaller(self, other: Boolean) -> Boolean {
        self.times(other)
    }
}

/// A type whose sums and products are held in f64 until all is merged.
pub(super) trait Half: Merge {
    fn wide(self) -> f64;
    fn rounded(v: f64) -> Self;
}

impl Half for f16 {
    fn wide(self) -> f64 {
        self.to_f64()
    }
    fn rounded(v: f64) -> f16 {
        f16::from_f32(v as f32)
    }
}

impl Half for bf16 {
    fn wide(self) -> f64 {
        self.to_f64()
    }
    fn rounded(v: f64) -> bf16 {
        bf16::from_f32(v as f32)
    }
}

/// Runs `$body` with `$f` bound to the formula of an op on `$T`.
macro_rules! with_formula {
    ($op:expr, $T:ty, $f:ident => $body:expr) => {
        match $op {
            ScatterOp::Assign => {
                let $f = |_: $T, new: $T| new;
                $body
            }
            ScatterOp::Add => {
                let $f = <$T as Merge>::plus;
                $body
            }
            ScatterOp::Mul => {
                let $f = <$T as Merge>::times;
                $body
            }
            ScatterOp::Amax => {
                let $f = <$T as Merge>::larger;
                $body
            }
            ScatterOp::Amin => {
                let $f = <$T as Merge>::smaller;
                $body
            }
        }
    };
}
pub(super) use with_formula;

/// `to = op(to, from)` on slices of equal length.
struct Row<'a, T> {
    op: ScatterOp,
    to: &'a mut [T],
    from: &'a [T],
}

impl<T: Merge> Kernel for Row<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let Row { op, to, from } = self;
        with_formula!(op, T, f => to.iter_mut().zip(from).for_each(|(to, &from)| *to = f(*to, from)));
    }
}

/// `to = op(to, from)` on slices of equal length.
#[inline]
pub(super) fn merge_row<T: Merge>(level: Level, op: ScatterOp, to: &mut [T], from: &[T]) {
    if op == ScatterOp::Assign {
        to.copy_from_slice(from);
    } else {
        level.enter(Row { op, to, from });
    }
}

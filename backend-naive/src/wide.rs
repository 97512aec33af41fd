//! The numbers in which everything is computed: f64 for floats, i64 for integers, bool for bools.
//!
//! An element is widened, the formula is applied to the wide number, and the result is rounded (floats)
//! or wrapped (integers) once, as [`Element`] defines its casts. So each formula stands here once, and
//! its result depends on values alone. f64 holds every product of two f32 exactly and has more than
//! twice the bits of an f32, so that `+ - * /` and `sqrt` of f32, f16 and bf16 are rounded as if they
//! had been computed in f32 directly.

use rusttorch_backend::{Element, Scalar};

/// A number wide enough for every element of its category.
pub(crate) trait Wide: Copy {
    /// The element without loss.
    fn of<T: Element>(x: T) -> Self;
    /// Rounded, wrapped or tested, as the casts of [`Element`] say.
    fn to<T: Element>(self) -> T;
}

impl Wide for f64 {
    #[inline(always)]
    fn of<T: Element>(x: T) -> f64 {
        x.to_scalar().to_f64()
    }

    #[inline(always)]
    fn to<T: Element>(self) -> T {
        T::from_scalar(Scalar::Float(self))
    }
}

impl Wide for i64 {
    #[inline(always)]
    fn of<T: Element>(x: T) -> i64 {
        x.to_scalar().to_i64()
    }

    #[inline(always)]
    fn to<T: Element>(self) -> T {
        T::from_scalar(Scalar::Int(self))
    }
}

impl Wide for bool {
    #[inline(always)]
    fn of<T: Element>(x: T) -> bool {
        x.to_scalar().to_bool()
    }

    #[inline(always)]
    fn to<T: Element>(self) -> T {
        T::from_scalar(Scalar::Bool(self))
    }
}

/// A wide number that can be accumulated.
pub(crate) trait Number: Wide + PartialOrd {
    const ZERO: Self;
    const ONE: Self;
    /// Not above any number.
    const LOWEST: Self;
    /// Not below any number.
    const HIGHEST: Self;
    fn plus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    /// `self + a * b`; of floats rounded once.
    fn plus_product(self, a: Self, b: Self) -> Self;
    /// A parameter of an op.
    fn parameter(value: Scalar) -> Self;
    /// What `self.plus(other)` lost by rounding.
    fn lost(self, other: Self) -> Self;
    /// The larger one; NaN if either is NaN; -0 lies below +0.
    fn larger(self, other: Self) -> Self;
    /// The smaller one; NaN if either is NaN; -0 lies below +0.
    fn smaller(self, other: Self) -> Self;
}

impl Number for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    const LOWEST: f64 = f64::NEG_INFINITY;
    const HIGHEST: f64 = f64::INFINITY;

    #[inline(always)]
    fn plus(self, other: f64) -> f64 {
        self + other
    }

    #[inline(always)]
    fn times(self, other: f64) -> f64 {
        self * other
    }

    #[inline(always)]
    fn plus_product(self, a: f64, b: f64) -> f64 {
        a.mul_add(b, self)
    }

    fn parameter(value: Scalar) -> f64 {
        value.to_f64()
    }

    /// Knuth's two-sum (The Art of Computer Programming, volume 2, 4.2.2), exact in either order of
    /// magnitude. Infinities and NaN lose nothing: the sum says it all.
    #[inline(always)]
    fn lost(self, other: f64) -> f64 {
        let sum = self + other;
        let part = sum - self;
        let lost = (self - (sum - part)) + (other - part);
        if lost.is_finite() { lost } else { 0.0 }
    }

    #[inline(always)]
    fn larger(self, other: f64) -> f64 {
        let first = self > other || (self == other && self.is_sign_positive()) || self.is_nan();
        if first { self } else { other }
    }

    #[inline(always)]
    fn smaller(self, other: f64) -> f64 {
        let first = self < other || (self == other && self.is_sign_negative()) || self.is_nan();
        if first { self } else { other }
    }
}

impl Number for i64 {
    const ZERO: i64 = 0;
    const ONE: i64 = 1;
    const LOWEST: i64 = i64::MIN;
    const HIGHEST: i64 = i64::MAX;

    #[inline(always)]
    fn plus(self, other: i64) -> i64 {
        self.wrapping_add(other)
    }

    #[inline(always)]
    fn times(self, other: i64) -> i64 {
        self.wrapping_mul(other)
    }

    #[inline(always)]
    fn plus_product(self, a: i64, b: i64) -> i64 {
        self.plus(a.times(b))
    }

    fn parameter(value: Scalar) -> i64 {
        value.to_i64()
    }

    #[inline(always)]
    fn lost(self, _: i64) -> i64 {
        0
    }

    #[inline(always)]
    fn larger(self, other: i64) -> i64 {
        self.max(other)
    }

    #[inline(always)]
    fn smaller(self, other: i64) -> i64 {
        self.min(other)
    }
}

/// A running sum. Of floats it carries along what rounding lost (Neumaier's compensation), so that its
/// error does not grow with the number of terms; of integers it wraps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sum<W> {
    total: W,
    lost: W,
}

impl<W: Number> Sum<W> {
    pub(crate) const NOTHING: Sum<W> = Sum { total: W::ZERO, lost: W::ZERO };

    #[inline(always)]
    pub(crate) fn add(&mut self, x: W) {
        self.lost = self.lost.plus(self.total.lost(x));
        self.total = self.total.plus(x);
    }

    #[inline(always)]
    pub(crate) fn value(self) -> W {
        self.total.plus(self.lost)
    }

    /// Every term so far times `factor`.
    pub(crate) fn scaled(self, factor: W) -> Sum<W> {
        Sum { total: self.total.times(factor), lost: self.lost.times(factor) }
    }

    /// The sum of a sequence, in its order.
    #[inline]
    pub(crate) fn of(terms: impl Iterator<Item = W>) -> W {
        let mut sum = Self::NOTHING;
        terms.for_each(|x| sum.add(x));
        sum.value()
    }
}

/// Runs `$body` with `$T` bound to the element type of a dtype and `$W` to its [`Number`]: f64 for
/// floats, i64 for integers and bool. `numbers` leaves bool to `$other`.
macro_rules! match_wide {
    (numbers $dtype:expr, $T:ident, $W:ident => $body:expr, else $other:expr) => {
        ::rusttorch_backend::match_dtype!(floats $dtype, $T => {
            type $W = f64;
            $body
        }, else ::rusttorch_backend::match_dtype!(ints $dtype, $T => {
            type $W = i64;
            $body
        }, else $other))
    };
    ($dtype:expr, $T:ident, $W:ident => $body:expr) => {
        match_wide!(numbers $dtype, $T, $W => $body, else {
            type $T = ::rusttorch_backend::Boolean;
            type $W = i64;
            $body
        })
    };
}
pub(crate) use match_wide;

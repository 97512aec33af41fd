//! Hyperbolic functions.

use super::exponential::{exp, exp_parts, expm1};
use super::{Tables, Vector, polynomial, scale};

/// Hyperbolic tangent. 1.3 ulp.
#[inline(always)]
pub(crate) fn tanh<V: Vector>(isa: V::Isa, x: V) -> V {
    let (zero, one) = (V::constant(isa, 0.0), V::constant(isa, 1.0));
    let square = x.mul(x);
    let near = square.mul(x).mul_add(polynomial(isa, square, V::Scalar::TANH), x);
    // 1 - 2 / (e^2|x| + 1), with the sign of x.
    let size = x.max_or_second(zero.sub(x));
    let e = exp(isa, size.add(size));
    let far = one.sub(V::constant(isa, 2.0).div(e.add(one)));
    let far = far.or_else(zero.lt(x), zero.sub(far));
    let y = near.or_else(size.lt(V::constant(isa, 0.625)), far);
    x.or_else(x.unordered(x), y)
}

/// Hyperbolic cosine: `(e^|x| + e^-|x|) / 2`, where e^|x| may overflow although half of it does not.
#[inline(always)]
pub(crate) fn cosh<V: Vector>(isa: V::Isa, x: V) -> V {
    let (zero, half) = (V::constant(isa, 0.0), V::constant(isa, 0.5));
    let size = x.max_or_second(zero.sub(x));
    let (high, low, n) = exp_parts(isa, size);
    let up = scale(isa, high, n.sub(V::constant(isa, 1.0)));
    let low = scale(isa, low, n.sub(V::constant(isa, 1.0)));
    let quarter = V::constant(isa, 0.25);
    let down = quarter.div(up);
    let y = up.add(down.add(low));
    // Of an infinity the lost part is no number.
    let infinite = V::constant(isa, f64::INFINITY).eq(up);
    let y = up.or_else(infinite, y);
    let _ = half;
    x.or_else(x.unordered(x), y)
}

/// Hyperbolic sine, from `t = e^|x| - 1`: `(t + t / (t + 1)) / 2`, and for large x `e^(|x| / 2)^2 / 2`.
#[inline(always)]
pub(crate) fn sinh<V: Vector>(isa: V::Isa, x: V) -> V {
    let (zero, one, half) = (V::constant(isa, 0.0), V::constant(isa, 1.0), V::constant(isa, 0.5));
    let size = x.max_or_second(zero.sub(x));
    let t = expm1(isa, size);
    let near = t.add(t.div(t.add(one))).mul(half);
    let (high, low, n) = exp_parts(isa, size);
    let n = n.sub(one);
    let far = scale(isa, high.add(low), n);
    let y = near.or_else(size.lt(V::constant(isa, 20.0)), far);
    let y = y.or_else(zero.lt(x), zero.sub(y));
    x.or_else(x.unordered(x).or_zero(x, zero), y)
}

/// Masks that also hold where x is a zero, whose sign is kept.
trait OrZero<V> {
    fn or_zero(self, x: V, zero: V) -> Self;
}

impl<V: Vector> OrZero<V> for V::Mask {
    #[inline(always)]
    fn or_zero(self, x: V, zero: V) -> Self {
        use crate::arch::Mask;
        self.or(x.eq(zero))
    }
}

//! Hyperbolic functions.

use super::exponential::{exp, exp_parts};
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
    let zero = V::constant(isa, 0.0);
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
    x.or_else(x.unordered(x), y)
}

/// Hyperbolic sine: `(e^|x| - e^-|x|) / 2`, near zero a polynomial.
#[inline(always)]
pub(crate) fn sinh<V: Vector>(isa: V::Isa, x: V) -> V {
    let (zero, one) = (V::constant(isa, 0.0), V::constant(isa, 1.0));
    let size = x.max_or_second(zero.sub(x));
    let square = x.mul(x);
    let near = square.mul(x).mul_add(polynomial(isa, square, V::Scalar::SINH), x);
    let (high, low, n) = exp_parts(isa, size);
    let n = n.sub(one);
    let (up, low) = (scale(isa, high, n), scale(isa, low, n));
    let far = up.add(low.sub(V::constant(isa, 0.25).div(up)));
    // Of an infinity the lost part is no number.
    let far = up.or_else(V::constant(isa, f64::INFINITY).eq(up), far);
    let far = far.or_else(zero.lt(x), zero.sub(far));
    let y = near.or_else(size.lt(one), far);
    x.or_else(x.unordered(x), y)
}

//! Inverses of trigonometric and hyperbolic functions.

use super::logarithm::log1p_of_parts;
use super::{Tables, Vector, abs, constants, negative, polynomial, with_sign};
use crate::arch::Mask;

/// For |x| <= 1/2 `asin|x|`, else `asin(sqrt((1 - |x|) / 2))`, whose double is `acos|x|`, each as its first term and
/// the rest; and where it is the first.
#[inline(always)]
fn half_arc<V: Vector>(isa: V::Isa, size: V) -> (V, V, V::Mask) {
    let (one, half) = (V::constant(isa, 1.0), V::constant(isa, 0.5));
    let near = size.le(half);
    let square = size.mul(size).or_else(near, one.sub(size).mul(half));
    let root = size.or_else(near, square.sqrt());
    (root, square.mul(root).mul(polynomial(isa, square, V::Scalar::ASIN)), near)
}

/// Arc sine: near zero a polynomial, else `pi/2 - 2 asin(sqrt((1 - |x|) / 2))`. 1.2 ulp.
#[inline(always)]
pub(crate) fn asin<V: Vector>(isa: V::Isa, x: V) -> V {
    let (root, bend, near) = half_arc(isa, abs(x));
    let [high, low, _]: [V; 3] = constants(isa, V::Scalar::HALF_PI);
    let twice = root.add(root);
    let far = high.sub(twice);
    // What the difference lost, which is of the size of the result's last place.
    let lost = high.sub(far).sub(twice);
    let far = far.sub(bend.add(bend).sub(low.add(lost)));
    with_sign(root.add(bend).or_else(near, far), x)
}

/// Arc cosine, as [`asin`]. 1.1 ulp.
#[inline(always)]
pub(crate) fn acos<V: Vector>(isa: V::Isa, x: V) -> V {
    let (root, bend, near) = half_arc(isa, abs(x));
    let [high, low, _]: [V; 3] = constants(isa, V::Scalar::HALF_PI);
    let below = x.lt(V::constant(isa, 0.0));
    let arc = root.add(bend);
    let turned = negative(arc).or_else(below, arc);
    // pi/2 - asin(x), or 2 arc, or pi - 2 arc.
    let near_zero = high.sub(turned.sub(low));
    let twice = arc.add(arc);
    let far = high.add(high).sub(twice.sub(low.add(low))).or_else(below, twice);
    near_zero.or_else(near, far)
}

/// `atan(up / down)` for 0 <= up <= down, not both zero.
#[inline(always)]
fn arc_of_share<V: Vector>(isa: V::Isa, up: V, down: V) -> V {
    let t = up.div(down);
    let square = t.mul(t);
    square.mul(t).mul_add(polynomial(isa, square, V::Scalar::ATAN), t)
}

/// Arc tangent: a polynomial of x, and beyond 1 of `1 / x`. 1.4 ulp, f64 1.6.
#[inline(always)]
pub(crate) fn atan<V: Vector>(isa: V::Isa, x: V) -> V {
    let (size, one) = (abs(x), V::constant(isa, 1.0));
    let steep = one.lt(size);
    let arc = arc_of_share(isa, one.or_else(steep, size), size.or_else(steep, one));
    let [high, low, _]: [V; 3] = constants(isa, V::Scalar::HALF_PI);
    with_sign(high.sub(arc.sub(low)).or_else(steep, arc), x)
}

/// The angle of the point (x, y), in [-pi, pi]: the arc tangent of the quotient below 1. 1.5 ulp.
#[inline(always)]
pub(crate) fn atan2<V: Vector>(isa: V::Isa, y: V, x: V) -> V {
    let (zero, one) = (V::constant(isa, 0.0), V::constant(isa, 1.0));
    let (a, b) = (abs(y), abs(x));
    let steep = b.lt(a);
    let (up, down) = (b.or_else(steep, a), a.or_else(steep, b));
    let equal = a.eq(b);
    // Two zeros are an angle of 0, two infinities one of pi/4.
    let up = zero.or_else(down.eq(zero), one.or_else(equal, up));
    let arc = arc_of_share(isa, up, one.or_else(equal, down));
    let [high, low, _]: [V; 3] = constants(isa, V::Scalar::HALF_PI);
    let arc = high.sub(arc.sub(low)).or_else(steep, arc);
    // The sign of x, also of a zero.
    let left = with_sign(one, x).lt(zero);
    let arc = high.add(high).sub(arc.sub(low.add(low))).or_else(left, arc);
    let arc = with_sign(arc, y);
    x.add(y).or_else(x.unordered(y), arc)
}

/// `log(1 + g + low)`, for x beyond some large limit `log(2 x)`, where g may overflow.
#[inline(always)]
fn log_or_double<V: Vector>(isa: V::Isa, x: V, g: V, low: V) -> V {
    let (zero, one) = (V::constant(isa, 0.0), V::constant(isa, 1.0));
    // There 1 and its root no longer count.
    let large = V::constant(isa, V::Scalar::LIFT[0]).lt(x);
    let y = log1p_of_parts(isa, x.or_else(large, g), zero.or_else(large, low), one.or_else(large, zero));
    let infinity = V::constant(isa, f64::INFINITY);
    infinity.or_else(x.eq(infinity), y)
}

/// Inverse of the hyperbolic sine: `log(1 + a + a^2 / (1 + sqrt(1 + a^2)))` of a = |x|. 1.3 ulp.
#[inline(always)]
pub(crate) fn asinh<V: Vector>(isa: V::Isa, x: V) -> V {
    let one = V::constant(isa, 1.0);
    let a = abs(x);
    let square = a.mul(a);
    let root = square.add(one).sqrt();
    let share = square.div(one.add(root));
    let g = a.add(share);
    let y = log_or_double(isa, a, g, share.sub(g.sub(a)));
    let y = with_sign(abs(y), x);
    // Keeps subnormals.
    let tiny = square.lt(V::constant(isa, V::Scalar::TINY));
    x.or_else(tiny.or(x.unordered(x)), y)
}

/// Inverse of the hyperbolic cosine: `log(1 + t + sqrt(x^2 - 1))` with t = x - 1. 1.8 ulp.
#[inline(always)]
pub(crate) fn acosh<V: Vector>(isa: V::Isa, x: V) -> V {
    let one = V::constant(isa, 1.0);
    let t = x.sub(one);
    let root = x.mul_add(x, V::constant(isa, -1.0)).sqrt();
    let g = t.add(root);
    let y = log_or_double(isa, x, g, t.sub(g.sub(root)));
    V::constant(isa, f64::NAN).or_else(one.le(x).not(), y)
}

/// Inverse of the hyperbolic tangent: `log(1 + 2 a / (1 - a)) / 2` of a = |x|. 1.0 ulp.
#[inline(always)]
pub(crate) fn atanh<V: Vector>(isa: V::Isa, x: V) -> V {
    let (zero, one) = (V::constant(isa, 0.0), V::constant(isa, 1.0));
    let a = abs(x);
    let rest = one.sub(a);
    let lost = one.sub(rest).sub(a);
    let twice = a.add(a);
    let share = one.div(rest);
    let g = twice.mul(share);
    let minus_g = negative(g);
    // The quotient's remainder.
    let low = minus_g.mul_add(rest, twice).add(minus_g.mul(lost)).mul(share);
    let y = log1p_of_parts(isa, g, low, zero).mul(V::constant(isa, 0.5));
    let y = V::constant(isa, f64::INFINITY).or_else(a.eq(one), y);
    let y = with_sign(abs(y), x);
    let y = V::constant(isa, f64::NAN).or_else(a.le(one).not(), y);
    x.or_else(x.mul(x).lt(V::constant(isa, V::Scalar::TINY)), y)
}

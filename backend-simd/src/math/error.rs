//! The error function and its complement.

use super::exponential::exp_parts;
use super::{Tables, Vector, polynomial, scale};
use crate::arch::Mask;

/// `erfc(|x|)` for |x| of 0.5 and more: `e^(-x^2) t p(t)` with t = 2 / (2 + |x|); the square in two parts, since
/// an error in the exponent is one of the result.
#[inline(always)]
fn tail<V: Vector>(isa: V::Isa, size: V) -> V {
    let (zero, two) = (V::constant(isa, 0.0), V::constant(isa, 2.0));
    // Beyond, erfc is 0, and the square would overflow.
    let size = V::constant(isa, 28.0).min_or_second(size);
    let sum = size.add(two);
    let t = two.div(sum);
    // What t lacks, relative to it: the remainder of the quotient, and what the sum lost.
    let lost = size.sub(sum.sub(two));
    let lacks = t.mul_add(zero.sub(sum), two).sub(t.mul(lost)).mul(V::constant(isa, 0.5));
    let square = size.mul(size);
    let lost = size.mul_add(size, zero.sub(square));
    let (high, low, n) = exp_parts(isa, zero.sub(square));
    // e^(-square - lost) = (high + low)(1 - lost).
    let e = high.add(low.sub(high.mul(lost)));
    let p = polynomial(isa, t, V::Scalar::ERFC);
    let product = t.mul(p);
    // The logarithmic derivative of t p(t) is about 1 + 1.2 t.
    let slope = t.mul_add(V::constant(isa, 1.2), V::constant(isa, 1.0));
    let rest = t.mul_add(p, zero.sub(product)).add(product.mul(lacks.mul(slope)));
    let y = e.mul(product);
    let y = y.add(e.mul_add(product, zero.sub(y)).add(e.mul(rest)));
    scale(isa, y, n)
}

/// `erf(x)` for |x| up to 0.9.
#[inline(always)]
fn near_zero<V: Vector>(isa: V::Isa, x: V) -> V {
    let square = x.mul(x);
    let p = polynomial(isa, square, V::Scalar::ERF);
    x.mul_add(V::constant(isa, std::f64::consts::FRAC_2_SQRT_PI), square.mul(x).mul(p))
}

/// The error function.
#[inline(always)]
pub(crate) fn erf<V: Vector>(isa: V::Isa, x: V) -> V {
    let (zero, one) = (V::constant(isa, 0.0), V::constant(isa, 1.0));
    let size = x.max_or_second(zero.sub(x));
    let far = one.sub(tail(isa, size));
    let far = far.or_else(zero.lt(x), zero.sub(far));
    let y = near_zero(isa, x).or_else(size.lt(V::constant(isa, 0.9)), far);
    x.or_else(x.unordered(x), y)
}

/// The complement `1 - erf(x)`, exact in the tail.
#[inline(always)]
pub(crate) fn erfc<V: Vector>(isa: V::Isa, x: V) -> V {
    let (zero, one) = (V::constant(isa, 0.0), V::constant(isa, 1.0));
    let size = x.max_or_second(zero.sub(x));
    let tail = tail(isa, size);
    let far = tail.or_else(zero.lt(x), V::constant(isa, 2.0).sub(tail));
    let y = one.sub(near_zero(isa, x)).or_else(size.lt(V::constant(isa, 0.5)), far);
    x.or_else(x.unordered(x).and(x.unordered(x)), y)
}

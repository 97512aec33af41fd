//! Hyperbolic functions.

use super::exponential::{exp_parts, exp_rest, power_of_whole, scale_by_whole, split_by_ln_2};
use super::{Tables, Vector, abs, negative, polynomial, with_sign};

/// Hyperbolic tangent: near zero a polynomial, else `1 - 2 / (e^2|x| + 1)`. 1.2 ulp.
#[inline(always)]
pub(crate) fn tanh<V: Vector>(isa: V::Isa, x: V) -> V {
    let one = V::constant(isa, 1.0);
    let size = abs(x);
    let square = size.mul(size);
    let near = square.mul(size).mul_add(polynomial(isa, square, V::Scalar::TANH), size);
    // Beyond, it is 1.
    let bounded = V::constant(isa, V::Scalar::TANH_LIMIT).min_or_second(size);
    let (r, whole) = split_by_ln_2(isa, bounded.add(bounded));
    let power = power_of_whole(whole);
    let sum = exp_rest(isa, r).mul_add(power, power.add(one));
    let far = one.sub(V::constant(isa, 2.0).div(sum));
    with_sign(near.or_else(size.lt(V::constant(isa, 0.625)), far), x)
}

/// `e^|x| = 2 (high + low) 2^n`, `e^-|x| = 2 down 2^n`, with n + MAGIC.
#[inline(always)]
fn halves<V: Vector>(isa: V::Isa, size: V) -> (V, V, V, V) {
    let (high, low, whole) = exp_parts(isa, size);
    let less = whole.sub(V::constant(isa, 1.0));
    // 2^(-2n) / high, where it counts.
    let magic = V::constant(isa, V::Scalar::MAGIC);
    let n = V::constant(isa, 60.0).min_or_second(whole.sub(magic));
    let down = power_of_whole(n.mul_add(V::constant(isa, -2.0), magic)).div(high);
    (high, low, down, less)
}

/// Hyperbolic cosine: `(e^|x| + e^-|x|) / 2`. 1.0 ulp.
#[inline(always)]
pub(crate) fn cosh<V: Vector>(isa: V::Isa, x: V) -> V {
    let (high, low, down, n) = halves(isa, abs(x));
    scale_by_whole(isa, high.add(low.add(down)), n)
}

/// Hyperbolic sine: `(e^|x| - e^-|x|) / 2`, near zero a polynomial. 1.0 ulp.
#[inline(always)]
pub(crate) fn sinh<V: Vector>(isa: V::Isa, x: V) -> V {
    let square = x.mul(x);
    let near = square.mul(x).mul_add(polynomial(isa, square, V::Scalar::SINH), x);
    let size = abs(x);
    let (high, low, down, n) = halves(isa, size);
    let far = scale_by_whole(isa, high.add(low.add(negative(down))), n);
    near.or_else(size.lt(V::constant(isa, 1.0)), with_sign(far, x))
}

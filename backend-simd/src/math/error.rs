//! The error function, its complement, and the normal distribution.

use super::exponential::{exp_rest, lowering, power_of_whole, split_by_ln_2, split_from};
use super::{Tables, Vector, abs, negative, polynomial, with_sign};

/// `1 / (1 + c a)` for a >= 0, rounded once although the sum is rounded too.
#[inline(always)]
fn reciprocal_of_sum<V: Vector>(isa: V::Isa, a: V, c: f64) -> V {
    let (one, c) = (V::constant(isa, 1.0), V::constant(isa, c));
    let sum = a.mul_add(c, one);
    let t = one.div(sum);
    let lost = a.mul_add(c, one.sub(sum));
    let minus_t = negative(t);
    let remainder = minus_t.mul_add(lost, minus_t.mul_add(sum, one));
    remainder.mul_add(t, t)
}

/// A polynomial of `t - 9/16`, about the middle of where t lies: in t its terms would cancel.
#[inline(always)]
fn about_middle<V: Vector>(isa: V::Isa, t: V, coefficients: &'static [V::Scalar]) -> V {
    polynomial(isa, t.sub(V::constant(isa, 0.5625)), coefficients)
}

/// `e^(factor a^2) = (1 + rest) power`, for a factor of -1 or -1/2; power is lifted by 2^LIFTED. An error of the
/// exponent is one of the result, so the square is taken in two parts.
#[inline(always)]
fn gauss<V: Vector>(isa: V::Isa, a: V, factor: f64) -> (V, V) {
    let factor = V::constant(isa, factor);
    let square = a.mul(a);
    let lost = a.mul_add(a, negative(square));
    let (r, whole) = split_from(isa, square.mul(factor), V::Scalar::MAGIC + V::Scalar::LIFTED);
    (exp_rest(isa, lost.mul_add(factor, r)), power_of_whole(whole))
}

/// `x (1 + rest) power`.
#[inline(always)]
fn times<V: Vector>(x: V, (rest, power): (V, V)) -> V {
    x.mul_add(rest, x).mul(power)
}

/// The error function: near zero x times a polynomial, else `1 - e^p(|x|)`.
#[inline(always)]
pub(crate) fn erf<V: Vector>(isa: V::Isa, x: V) -> V {
    let near = polynomial(isa, x.mul(x), V::Scalar::ERF).mul_add(x, x);
    let size = abs(x);
    // Beyond, it is 1.
    let bounded = V::constant(isa, V::Scalar::ERF_LIMIT).min_or_second(size);
    let (r, whole) = split_by_ln_2(isa, polynomial(isa, bounded, V::Scalar::LOG_ERFC));
    let power = power_of_whole(whole);
    let one = V::constant(isa, 1.0);
    let far = negative(power).mul_add(exp_rest(isa, r), one.sub(power));
    near.or_else(size.lt(V::constant(isa, 0.9)), with_sign(far, x))
}

/// The complement `1 - erf(x)`: `e^(-x^2) t p(t)` with t = 1 / (1 + 3/8 x), and 2 minus it below zero.
#[inline(always)]
pub(crate) fn erfc<V: Vector>(isa: V::Isa, x: V) -> V {
    // Beyond, it has long been 0.
    let size = V::constant(isa, V::Scalar::ERFC_LIMIT).min_or_second(abs(x));
    let t = reciprocal_of_sum(isa, size, 0.375);
    let y = t.mul(about_middle(isa, t, V::Scalar::ERFC));
    let tail = times(y, gauss(isa, size, -1.0)).mul(lowering(isa));
    V::constant(isa, 2.0).sub(tail).or_else(x.lt(V::constant(isa, 0.0)), tail)
}

/// `P(-|x|) = e^(-x^2 / 2) t p(t)` with t = 1 / (1 + |x| / 4), as the factor of the exponential and that.
#[inline(always)]
fn normal_tail<V: Vector>(isa: V::Isa, x: V) -> (V, V, (V, V)) {
    // Beyond, it has long been 0.
    let size = V::constant(isa, V::Scalar::NORMAL_LIMIT).min_or_second(abs(x));
    let t = reciprocal_of_sum(isa, size, 0.25);
    (size, t.mul(about_middle(isa, t, V::Scalar::NORMAL)), gauss(isa, size, -0.5))
}

/// The distribution function of the normal distribution, and its density.
#[inline(always)]
pub(crate) fn normal<V: Vector>(isa: V::Isa, x: V) -> (V, V) {
    let (_, factor, e) = normal_tail(isa, x);
    let tail = times(factor, e).mul(lowering(isa));
    let above = V::constant(isa, 1.0).sub(tail);
    let root = std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2 * 0.5;
    let density = times(V::constant(isa, root), e).mul(lowering(isa));
    (tail.or_else(x.lt(V::constant(isa, 0.0)), above), density)
}

/// `x P(x)` with the normal distribution function, as `max(x, 0) - |x| P(-|x|)`: exact in the tail.
#[inline(always)]
pub(crate) fn gelu<V: Vector>(isa: V::Isa, x: V) -> V {
    let (size, factor, e) = normal_tail(isa, x);
    let share = times(factor.mul(size), e).mul(lowering(isa));
    // -inf times 0.
    let least = V::constant(isa, f64::NEG_INFINITY);
    let x = V::constant(isa, f64::NAN).or_else(x.eq(least), x);
    // Of two zeros the one of x.
    V::constant(isa, -0.0).max_or_second(x).sub(share)
}

//! The error function, its complement, its inverse, and the normal distribution.

use super::exponential::{
    exp_rest, exp2_lifted, lower, lowering, power_of_whole, split_by_ln_2, split_lifted,
};
use super::logarithm::log;
use super::{Tables, Vector, abs, negative, polynomial, with_sign};
use crate::arch::Mask;

/// `e^(factor a^2) = (1 + rest + part) power`; the power is lifted by 2^LIFTED.
#[derive(Clone, Copy)]
struct Gauss<V> {
    rest: V,
    part: V,
    power: V,
}

/// For a factor of -1 or -1/2. An error of the exponent is one of the result, so the square is taken in two parts.
#[inline(always)]
fn gauss<V: Vector>(isa: V::Isa, a: V, factor: f64) -> Gauss<V> {
    let factor = V::constant(isa, factor);
    let square = a.mul(a);
    let lost = a.mul_add(a, negative(square));
    let (r, whole) = split_lifted(isa, square.mul(factor));
    Gauss { rest: exp_rest(isa, r), part: lost.mul(factor), power: power_of_whole(whole) }
}

/// `x e t p(t - middle)` with t = 1 / (1 + c a) for a >= 0; where x is `None` without it. In t itself the terms of the
/// polynomial would cancel. What rounding takes on the way is gathered, up to the last sum.
#[inline(always)]
fn of_reciprocal<V: Vector>(
    isa: V::Isa,
    a: V,
    [c, middle]: [f64; 2],
    coefficients: &'static [V::Scalar],
    e: Gauss<V>,
    x: Option<V>,
) -> V {
    let (one, c) = (V::constant(isa, 1.0), V::constant(isa, c));
    let sum = a.mul_add(c, one);
    let t = one.div(sum);
    // The first coefficient is most of it.
    let (first, u) = (V::splat(isa, coefficients[0]), t.sub(V::constant(isa, middle)));
    let rest = polynomial(isa, u, &coefficients[1..]).mul(u);
    let p = first.add(rest);
    let p_low = rest.sub(p.sub(first));
    // The relative error of t, and the logarithmic derivative, which is about 1 + 2 t for both functions.
    let lost = a.mul_add(c, one.sub(sum));
    let minus_t = negative(t);
    let error = minus_t.mul_add(lost, minus_t.mul_add(sum, one));
    let slope = t.mul_add(V::constant(isa, 1.9), one);
    let part = error.mul_add(slope, e.part);
    let (mut y, mut low) = (t.mul(p), t.mul(p_low));
    low = low.add(t.mul_add(p, negative(y)));
    if let Some(x) = x {
        let product = y.mul(x);
        low = low.mul_add(x, y.mul_add(x, negative(product)));
        y = product;
    }
    low = y.mul_add(part, low);
    y.add(y.mul_add(e.rest, low.mul_add(e.rest, low))).mul(e.power)
}

/// The error function: near zero x times a polynomial, else `1 - e^p(|x|)`. 1.0 ulp.
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

/// The complement `1 - erf(x)`: `e^(-x^2) t p(t)` with t = 1 / (1 + 3/8 x), and 2 minus it below zero. 1.9 ulp, f64
/// 2.0.
#[inline(always)]
pub(crate) fn erfc<V: Vector>(isa: V::Isa, x: V) -> V {
    // Beyond, it has long been 0.
    let size = V::constant(isa, V::Scalar::ERFC_LIMIT).min_or_second(abs(x));
    let tail =
        of_reciprocal(isa, size, [0.375, 127.0 / 256.0], V::Scalar::ERFC, gauss(isa, size, -1.0), None);
    let tail = tail.mul(lowering(isa));
    V::constant(isa, 2.0).sub(tail).or_else(x.lt(V::constant(isa, 0.0)), tail)
}

/// Where the first polynomial of [`erfinv`] has its middle, and where it ends.
const INVERSE: [f64; 2] = [637.0 / 256.0, 5.0];

/// The inverse of `erf` on [-1, 1]: with `w = -log(1 - x^2)` up to 5 `x p(w)`, else `s + s q(s)` with s the root of w (after
/// Giles, "Approximating the erfinv function", 2011). 1.8 ulp, f64 2.4.
#[inline(always)]
pub(crate) fn erfinv<V: Vector>(isa: V::Isa, x: V) -> V {
    let (size, one) = (abs(x), V::constant(isa, 1.0));
    let w = negative(log(isa, negative(size).mul_add(size, one)));
    // What is rounded in the sum of the first coefficient, which is most of it, and the rest is kept.
    let [middle, limit] = INVERSE;
    let (first, t) = (V::splat(isa, V::Scalar::ERFINV[0]), w.sub(V::constant(isa, middle)));
    let rest = polynomial(isa, t, &V::Scalar::ERFINV[1..]).mul(t);
    let p = first.add(rest);
    let lost = rest.sub(p.sub(first));
    let y = size.mul(p);
    let mut y = y.add(size.mul_add(lost, size.mul_add(p, negative(y))));
    let far = V::constant(isa, limit).lt(w);
    if far.any() {
        let s = w.sqrt();
        let lost = negative(s).mul_add(s, w).div(s.add(s));
        let share = polynomial(isa, s.sub(V::constant(isa, 3.0)), V::Scalar::ERFINV_FAR);
        let root = s.add(s.mul_add(share, lost));
        y = V::constant(isa, f64::INFINITY).or_else(size.eq(one), root).or_else(far, y);
    }
    with_sign(y, x)
}

/// The factor of |x| and the middle of t.
const NORMAL: [f64; 2] = [0.25, 9.0 / 16.0];

/// Beyond it the normal distribution function has long been 0.
#[inline(always)]
fn bounded<V: Vector>(isa: V::Isa, x: V) -> V {
    V::constant(isa, V::Scalar::NORMAL_LIMIT).min_or_second(abs(x))
}

/// The distribution function of the normal distribution, `P(-|x|) = e^(-x^2 / 2) t p(t)` with t = 1 / (1 + |x| / 4),
/// and its density.
#[inline(always)]
pub(crate) fn normal<V: Vector>(isa: V::Isa, x: V) -> (V, V) {
    let size = bounded(isa, x);
    let e = gauss(isa, size, -0.5);
    let tail = of_reciprocal(isa, size, NORMAL, V::Scalar::NORMAL, e, None).mul(lowering(isa));
    let root = std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2 * 0.5;
    let root = V::constant(isa, root);
    let density = root.mul_add(e.rest.add(e.part), root).mul(e.power).mul(lowering(isa));
    (tail.or_else(x.lt(V::constant(isa, 0.0)), V::constant(isa, 1.0).sub(tail)), density)
}

/// `x P(x)` with the normal distribution function, as `max(x, 0) - |x| P(-|x|)`, so that nothing cancels in the tail.
/// 1.9 ulp from -3/4 on, f64 2.1.
///
/// In f32 `P(-|x|)` is `2^p(|x|)`, off by less than an ulp of 1/2. Below -3/4 that is more and more of itself: a part in
/// 10^4 at -5, one in 500 at -12.
#[inline(always)]
pub(crate) fn gelu<V: Vector>(isa: V::Isa, x: V) -> V {
    let size = bounded(isa, x);
    let share = if V::Scalar::LOG2_NORMAL.is_empty() {
        let e = gauss(isa, size, -0.5);
        of_reciprocal(isa, size, NORMAL, V::Scalar::NORMAL, e, Some(size)).mul(lowering(isa))
    } else {
        let (rest, whole) = exp2_lifted(isa, polynomial(isa, size, V::Scalar::LOG2_NORMAL));
        lower(isa, size.mul_add(rest, size), whole)
    };
    // -inf times 0.
    let least = V::constant(isa, f64::NEG_INFINITY);
    let x = V::constant(isa, f64::NAN).or_else(x.eq(least), x);
    // Of two zeros the one of x.
    V::constant(isa, -0.0).max_or_second(x).sub(share)
}

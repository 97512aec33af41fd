//! The logistic function and activations made of it.
//!
//! All start from `e^-a = (1 + rest) power` with a >= 0. A result is `base (1 + part)`, where the part gathers the
//! rest of the exponential and the error of a quotient, so that little but the last rounding is left. The power is
//! lifted, so that a product with it is no subnormal number before that.

use super::exponential::{exp_rest, lower, lower_where, lowering, power_of_whole, split_lifted};
use super::{Tables, Vector, abs, constants, negative, polynomial, with_sign};

/// `e^-a` for a >= 0: the rest, and the power lifted.
#[inline(always)]
fn decay<V: Vector>(isa: V::Isa, a: V) -> (V, V) {
    let x = V::constant(isa, V::Scalar::EXP_RANGE[0]).max_or_second(negative(a));
    let (r, whole) = split_lifted(isa, x);
    (exp_rest(isa, r), power_of_whole(whole))
}

/// `x / (1 + e)` or, below zero, `x e / (1 + e)`, of `e = e^-(a + low)`. If `FINE`, by an operation more and half an
/// ulp better.
#[inline(always)]
fn share<V: Vector, const FINE: bool>(isa: V::Isa, x: V, below: V::Mask, a: V, low: V) -> V {
    let (zero, one) = (V::constant(isa, 0.0), V::constant(isa, 1.0));
    let a = V::constant(isa, V::Scalar::EXP_RANGE[0]).max_or_second(negative(a));
    let (r, whole) = split_lifted(isa, a);
    let rest = exp_rest(isa, r.sub(low));
    let power = lower(isa, one, whole);
    let sum = rest.mul_add(power, power.add(one));
    let lost = rest.mul_add(power, power.sub(sum.sub(one)));
    // - 1 / sum, for what the sum lost, within a tenth or a third.
    let slope = V::constant(isa, 0.486);
    let inverse = if FINE { sum.mul_add(slope, V::constant(isa, -1.457)) } else { V::constant(isa, -0.75) };
    let part = lost.mul_add(inverse, rest.or_else(below, zero));
    let base = x.div(sum);
    lower_where(isa, base.mul_add(part, base), below, whole)
}

/// `1 / (1 + e^-x)`. 1.7 ulp.
#[inline(always)]
pub(crate) fn sigmoid<V: Vector>(isa: V::Isa, x: V) -> V {
    let (zero, one) = (V::constant(isa, 0.0), V::constant(isa, 1.0));
    share::<V, true>(isa, one, x.lt(zero), abs(x), zero)
}

/// `x sigmoid(x)`. 2.1 ulp.
#[inline(always)]
pub(crate) fn silu<V: Vector>(isa: V::Isa, x: V) -> V {
    logistic_product(isa, x, abs(x), V::constant(isa, 0.0))
}

/// `x sigmoid(z)`, where z has the sign of x; of the size of z in two parts.
#[inline(always)]
fn logistic_product<V: Vector>(isa: V::Isa, x: V, size: V, low: V) -> V {
    // Where e^z has long been 0 it is taken to be constant.
    let bounded = V::constant(isa, V::Scalar::EXP_RANGE[0]).max_or_second(x);
    of_infinities(isa, x, share::<V, false>(isa, bounded, x.lt(V::constant(isa, 0.0)), size, low))
}

/// y with the sign of x, which it has but for zeros; but inf where x is that, and NaN where it is -inf: a product of
/// it and 0.
#[inline(always)]
fn of_infinities<V: Vector>(isa: V::Isa, x: V, y: V) -> V {
    let infinity = V::constant(isa, f64::INFINITY);
    let y = x.or_else(x.eq(infinity), with_sign(y, x));
    V::constant(isa, f64::NAN).or_else(x.eq(negative(infinity)), y)
}

/// `log(1 + e^-a)` for a >= 0.
///
/// log(1 + e) = 2 atanh(s / 2) with s = 2 e / (2 + e) = e (1 - e / (2 + e)), which lies in [0, 2/3].
#[inline(always)]
pub(super) fn log1p_exp_negative<V: Vector>(isa: V::Isa, a: V) -> V {
    let (two, lowering) = (V::constant(isa, 2.0), lowering(isa));
    let (rest, lifted) = decay(isa, a);
    let power = lifted.mul(lowering);
    let sum = rest.mul_add(power, power.add(two));
    let lost = rest.mul_add(power, power.sub(sum.sub(two)));
    let share = two.div(sum);
    let minus = negative(share);
    let error = minus.mul_add(lost, minus.mul_add(sum, two));
    let part = error.mul_add(V::constant(isa, 0.5), rest);
    let base = share.mul(lifted);
    let s = base.mul_add(part, base);
    let true_s = s.mul(lowering);
    let square = true_s.mul(true_s);
    square.mul(s).mul_add(polynomial(isa, square, V::Scalar::LOG1P), s).mul(lowering)
}

/// `log(1 + e^x)`. 2.2 ulp.
#[inline(always)]
pub(crate) fn softplus<V: Vector>(isa: V::Isa, x: V) -> V {
    V::constant(isa, 0.0).max_or_second(x).add(log1p_exp_negative(isa, abs(x)))
}

/// `log(sigmoid(x))`. 2.2 ulp.
#[inline(always)]
pub(crate) fn log_sigmoid<V: Vector>(isa: V::Isa, x: V) -> V {
    V::constant(isa, -0.0).min_or_second(x).sub(log1p_exp_negative(isa, abs(x)))
}

/// `x tanh(log(1 + e^x)) = x n / (n + 2)` with n = e^x (e^x + 2).
///
/// In e = e^-|x|: above zero x (1 - 2 e^2 / ((1 + e)^2 + e^2)), below x e (1 - e (1 + e) / ((1 + e)^2 + 1)).
/// 2.6 ulp.
#[inline(always)]
pub(crate) fn mish<V: Vector>(isa: V::Isa, x: V) -> V {
    let (zero, one) = (V::constant(isa, 0.0), V::constant(isa, 1.0));
    let (rest, lifted) = decay(isa, abs(x));
    let power = lifted.mul(lowering(isa));
    let (e, below) = (rest.mul_add(power, power), x.lt(zero));
    let (more, square) = (e.add(one), e.mul(e));
    let up = e.mul(more).or_else(below, square.add(square));
    let part = up.div(more.mul_add(more, one.or_else(below, square)));
    let rest = rest.or_else(below, zero);
    let part = negative(part).mul_add(rest.add(one), rest);
    let bounded = V::constant(isa, V::Scalar::EXP_RANGE[0]).max_or_second(x);
    let base = bounded.mul(lifted.or_else(below, one));
    let y = base.mul_add(part, base).mul(lowering::<V>(isa).or_else(below, one));
    of_infinities(isa, x, y)
}

/// gelu in the form with tanh: `x sigmoid(z)` with `z = x (a + b x^2)`, a = 2 sqrt(2/pi), b = 0.044715 a.
///
/// An error of z is one of the result, so it is computed in two parts. 2.2 ulp.
#[inline(always)]
pub(crate) fn gelu_tanh<V: Vector>(isa: V::Isa, x: V) -> V {
    let [a, a_low]: [V; 2] = constants(isa, V::Scalar::GELU_LINE);
    let [b, b_low]: [V; 2] = constants(isa, V::Scalar::GELU_CUBE);
    // Beyond, e^-z has long been 0.
    let size = V::constant(isa, 25.0).min_or_second(abs(x));
    let square = size.mul(size);
    let square_low = size.mul_add(size, negative(square));
    let bend = square.mul(b);
    let bend_low = square.mul_add(b, negative(bend)).add(square.mul_add(b_low, square_low.mul(b)));
    // Knuth's TwoSum, since either may be the larger.
    let sum = bend.add(a);
    let seen = sum.sub(a);
    let lost = a.sub(sum.sub(seen)).add(bend.sub(seen));
    let low = lost.add(bend_low.add(a_low));
    let z = size.mul(sum);
    let z_low = size.mul_add(low, size.mul_add(sum, negative(z)));
    logistic_product(isa, x, z, z_low)
}

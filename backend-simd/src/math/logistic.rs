//! The logistic function and activations made of it.
//!
//! All start from `e^z = (1 + rest) power`, of which the part in brackets is not rounded by itself. The power is
//! lifted or lowered, so that neither it nor a product with it overflows or is a subnormal number before the end.

use super::exponential::{exp_rest, lowering, power_of_whole, split_from, split_lifted};
use super::{Tables, Vector, abs, constants, negative, polynomial, with_sign};

/// `e^-a` for a >= 0: the rest, and the power lifted.
#[inline(always)]
fn decay<V: Vector>(isa: V::Isa, a: V) -> (V, V) {
    let x = V::constant(isa, V::Scalar::EXP_RANGE[0]).max_or_second(negative(a));
    let (r, whole) = split_lifted(isa, x);
    (exp_rest(isa, r), power_of_whole(whole))
}

/// What `x / (1 + e^-(z + low))` is the quotient of, both times 2^-LIFTED: the sum, which then neither overflows nor
/// is subnormal, for z as [`bounded`] has it.
#[inline(always)]
fn lowered_sum<V: Vector>(isa: V::Isa, z: V, low: V) -> V {
    let (r, whole) = split_from(isa, negative(z), V::Scalar::MAGIC - V::Scalar::LIFTED);
    let rest = exp_rest(isa, r.sub(low));
    let power = power_of_whole(whole);
    // The product is the smaller one where it counts, so that its sum with 1 is off by less than that with the power.
    power.add(rest.mul_add(power, lowering(isa)))
}

/// From here on `1 + e^-x` is 1.
const SATURATED: f64 = 40.0;

/// x, but no less than where e^x has long been 0 and no more than where the logistic function has long been 1. NaN stays
/// NaN.
#[inline(always)]
fn bounded<V: Vector>(isa: V::Isa, x: V) -> V {
    V::constant(isa, SATURATED).min_or_second(V::constant(isa, V::Scalar::EXP_RANGE[0]).max_or_second(x))
}

/// `1 / (1 + e^-x)`. 2.0 ulp.
#[inline(always)]
pub(crate) fn sigmoid<V: Vector>(isa: V::Isa, x: V) -> V {
    lowering::<V>(isa).div(lowered_sum(isa, bounded(isa, x), V::constant(isa, 0.0)))
}

/// `x sigmoid(x)`. 2.0 ulp.
#[inline(always)]
pub(crate) fn silu<V: Vector>(isa: V::Isa, x: V) -> V {
    logistic_product(isa, x, x, V::constant(isa, 0.0))
}

/// `x sigmoid(z + low)`, where z has the sign of x and is no smaller; NaN where x is -inf, a product of it and 0.
#[inline(always)]
fn logistic_product<V: Vector>(isa: V::Isa, x: V, z: V, low: V) -> V {
    let sum = lowered_sum(isa, bounded(isa, z), low);
    let least = V::constant(isa, V::Scalar::EXP_RANGE[0]).max_or_second(x);
    let y = least.div(sum).mul(lowering(isa));
    let y = V::constant(isa, f64::NAN).or_else(x.eq(V::constant(isa, f64::NEG_INFINITY)), y);
    x.or_else(V::constant(isa, SATURATED).lt(x), y)
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
/// An error of z is one of the result, so it is computed in two parts. 2.0 ulp.
#[inline(always)]
pub(crate) fn gelu_tanh<V: Vector>(isa: V::Isa, x: V) -> V {
    let [a, a_low]: [V; 2] = constants(isa, V::Scalar::GELU_LINE);
    let [b, b_low]: [V; 2] = constants(isa, V::Scalar::GELU_CUBE);
    // Beyond, e^-z has long been 0.
    let near = V::constant(isa, -25.0).max_or_second(V::constant(isa, 25.0).min_or_second(x));
    let square = near.mul(near);
    let square_low = near.mul_add(near, negative(square));
    let bend = square.mul(b);
    let bend_low = square.mul_add(b, negative(bend)).add(square.mul_add(b_low, square_low.mul(b)));
    // Knuth's TwoSum, since either may be the larger.
    let sum = bend.add(a);
    let seen = sum.sub(a);
    let lost = a.sub(sum.sub(seen)).add(bend.sub(seen));
    let low = lost.add(bend_low.add(a_low));
    let z = near.mul(sum);
    let z_low = near.mul_add(low, near.mul_add(sum, negative(z)));
    logistic_product(isa, x, z, z_low)
}

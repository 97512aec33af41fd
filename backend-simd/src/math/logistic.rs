//! The logistic function and activations made of it.

use super::exponential::{exp_lifted_parts, lowering};
use super::{Tables, Vector, abs, constants, negative, polynomial};

/// What a quotient by `1 + e^-|z|` is made of.
struct Logistic<V> {
    /// Its reciprocal, rounded.
    share: V,
    /// Of z below zero `e^z 2^LIFTED` is a power of two times 1 + rest. Elsewhere 1.
    power: V,
    /// Such a rest, and the relative error of the reciprocal.
    rest: V,
    /// What undoes the lift.
    lowering: V,
}

/// All that is lost on the way is kept, so that one rounding is left.
#[inline(always)]
fn logistic<V: Vector>(isa: V::Isa, z: V) -> Logistic<V> {
    let (one, lowering) = (V::constant(isa, 1.0), lowering(isa));
    let (rest, lifted) = exp_lifted_parts(isa, negative(abs(z)));
    let power = lifted.mul(lowering);
    let sum = rest.mul_add(power, power.add(one));
    let lost = rest.mul_add(power, power.sub(sum.sub(one)));
    let share = one.div(sum);
    let minus = negative(share);
    let error = minus.mul_add(lost, minus.mul_add(sum, one));
    let below = z.lt(V::constant(isa, 0.0));
    Logistic {
        share,
        power: lifted.or_else(below, one),
        rest: error.add(rest).or_else(below, error),
        lowering: lowering.or_else(below, one),
    }
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub(crate) fn sigmoid<V: Vector>(isa: V::Isa, x: V) -> V {
    let l = logistic(isa, x);
    let share = l.share.mul(l.power);
    share.mul_add(l.rest, share).mul(l.lowering)
}

/// `x sigmoid(x)`.
#[inline(always)]
pub(crate) fn silu<V: Vector>(isa: V::Isa, x: V) -> V {
    logistic_product(isa, x, x)
}

/// `x / (1 + e^-z)` where z has the sign of x and is not much smaller.
#[inline(always)]
fn logistic_product<V: Vector>(isa: V::Isa, x: V, z: V) -> V {
    let l = logistic(isa, z);
    // Where e^z has long been 0 it is taken to be constant.
    let bounded = V::constant(isa, V::Scalar::EXP_RANGE[0]).max_or_second(x);
    let share = bounded.mul(l.power).mul(l.share);
    let y = share.mul_add(l.rest, share).mul(l.lowering);
    let y = x.or_else(x.eq(V::constant(isa, f64::INFINITY)), y);
    nan_of_negative_infinity(isa, x, y)
}

/// y, but NaN where x is -inf: a product of it and 0.
#[inline(always)]
pub(super) fn nan_of_negative_infinity<V: Vector>(isa: V::Isa, x: V, y: V) -> V {
    V::constant(isa, f64::NAN).or_else(x.eq(V::constant(isa, f64::NEG_INFINITY)), y)
}

/// `log(1 + e^-a)` for a >= 0.
///
/// log(1 + e) = 2 atanh(s / 2) with s = 2 e / (2 + e), which lies in [0, 2/3].
#[inline(always)]
pub(crate) fn log1p_exp_negative<V: Vector>(isa: V::Isa, a: V) -> V {
    let (two, lowering) = (V::constant(isa, 2.0), lowering(isa));
    let (rest, lifted) = exp_lifted_parts(isa, negative(a));
    let power = lifted.mul(lowering);
    let sum = rest.mul_add(power, power.add(two));
    let lost = rest.mul_add(power, power.sub(sum.sub(two)));
    let share = two.div(sum);
    let minus = negative(share);
    // Twice the relative error of the quotient.
    let error = minus.mul_add(lost, minus.mul_add(sum, two));
    let more = error.mul_add(V::constant(isa, 0.5), rest);
    // s in two parts, lifted.
    let first = share.mul(lifted);
    let s = first.mul_add(more, first);
    let low = first.mul_add(more, first.sub(s));
    let true_s = s.mul(lowering);
    let square = true_s.mul(true_s);
    let y = s.add(square.mul(s).mul_add(polynomial(isa, square, V::Scalar::LOG1P), low));
    y.mul(lowering)
}

/// `log(1 + e^x)`.
#[inline(always)]
pub(crate) fn softplus<V: Vector>(isa: V::Isa, x: V) -> V {
    V::constant(isa, 0.0).max_or_second(x).add(log1p_exp_negative(isa, abs(x)))
}

/// `log(sigmoid(x))`.
#[inline(always)]
pub(crate) fn log_sigmoid<V: Vector>(isa: V::Isa, x: V) -> V {
    V::constant(isa, -0.0).min_or_second(x).sub(log1p_exp_negative(isa, abs(x)))
}

/// `x tanh(log(1 + e^x)) = x n / (n + 2)` with n = e (e + 2), e = e^x.
#[inline(always)]
pub(crate) fn mish<V: Vector>(isa: V::Isa, x: V) -> V {
    let (two, lowering) = (V::constant(isa, 2.0), lowering(isa));
    // From here it is x.
    let limit = V::constant(isa, 2.0 * V::Scalar::TANH_LIMIT);
    let low = V::constant(isa, V::Scalar::EXP_RANGE[0]);
    let bounded = low.max_or_second(limit.min_or_second(x));
    let (rest, lifted) = exp_lifted_parts(isa, bounded);
    let power = lifted.mul(lowering);
    // e + 2, and n = power (sum + sum rest).
    let sum = rest.mul_add(power, power.add(two));
    let n = sum.mul_add(rest, sum).mul(power);
    let below = n.add(two);
    let share = bounded.div(below);
    let first = share.mul(sum).mul(lifted);
    let y = first.mul_add(rest, first).mul(lowering);
    nan_of_negative_infinity(isa, x, x.or_else(limit.lt(x), y))
}

/// `x / (1 + e^-z)` with `z = 2 sqrt(2/pi) (x + 0.044715 x^3)`, gelu in the form with tanh.
#[inline(always)]
pub(crate) fn gelu_tanh<V: Vector>(isa: V::Isa, x: V) -> V {
    let [a, b]: [V; 2] = constants(isa, [1.595_769_121_605_730_8, 0.071_354_816_272_600_25]);
    let z = x.mul(x.mul(x).mul_add(b, a));
    logistic_product(isa, x, z)
}

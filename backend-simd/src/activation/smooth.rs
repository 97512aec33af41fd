//! Slopes of the smooth activations, whose values are functions of `math`.

use std::f64::consts::{FRAC_2_SQRT_PI, SQRT_2};

use crate::math::{self, Vector};

/// `2 sqrt(2 / pi)`, the slope at 0 of what the sigmoid in the tanh form of GELU is taken of.
const GELU_SLOPE: f64 = SQRT_2 * FRAC_2_SQRT_PI;
/// The cubic coefficient of the tanh form of GELU: Hendrycks and Gimpel 2016.
const GELU_CUBIC: f64 = 0.044715;

/// `|x|`; NaN stays NaN.
#[inline(always)]
pub(super) fn size<V: Vector>(isa: V::Isa, x: V) -> V {
    x.max_or_second(V::constant(isa, 0.0).sub(x))
}

/// `e^-|x|`, which neither overflows nor, added to 1, cancels.
#[inline(always)]
fn decay<V: Vector>(isa: V::Isa, x: V) -> V {
    let zero = V::constant(isa, 0.0);
    math::exp_nonpositive(isa, x.min_or_second(zero.sub(x)))
}

/// The smaller and the larger of `sigmoid(x)` and `sigmoid(-x)`.
#[inline(always)]
fn shares<V: Vector>(isa: V::Isa, x: V) -> (V, V) {
    let one = V::constant(isa, 1.0);
    let e = decay(isa, x);
    let larger = one.div(e.add(one));
    (e.mul(larger), larger)
}

/// `sigmoid(x)`, a cheaper one than that of `math`: 2 ulp.
#[inline(always)]
pub(super) fn sigmoid<V: Vector>(isa: V::Isa, x: V) -> V {
    let (smaller, larger) = shares(isa, x);
    smaller.or_else(x.lt(V::constant(isa, 0.0)), larger)
}

/// `s (1 + x (1 - s)) = s + x s (1 - s)`, where `s (1 - s)` is the same on both sides and has no cancellation.
#[inline(always)]
pub(super) fn silu_slope<V: Vector>(isa: V::Isa, x: V) -> V {
    let (smaller, larger) = shares(isa, x);
    let s = smaller.or_else(x.lt(V::constant(isa, 0.0)), larger);
    x.mul(smaller).mul_add(larger, s)
}

/// `tanh(softplus(x))` as numerator and denominator, and `e^-|x|`.
///
/// With `e = e^x` it is `n / (n + 2)`, `n = e (e + 2)`; above zero both are taken times `e^-2x`.
#[inline(always)]
fn mish_parts<V: Vector>(isa: V::Isa, x: V) -> (V, V, V) {
    let (one, two) = (V::constant(isa, 1.0), V::constant(isa, 2.0));
    let negative = x.lt(V::constant(isa, 0.0));
    let e = decay(isa, x);
    // e (e + 2) and e (e + 2) + 2, or 2 e + 1 and 2 e^2 + (2 e + 1).
    let numerator = e.mul_add(e.or_else(negative, two), e.add(e).or_else(negative, one));
    let square = e.mul(e);
    let denominator = numerator.add(two.or_else(negative, square.add(square)));
    (numerator, denominator, e)
}

/// `t + x s (1 - t^2)` with `t = tanh(softplus(x))`, `s = sigmoid(x)`; `s (1 - t^2) = 4 e (e + 1) / (n + 2)^2`.
#[inline(always)]
pub(super) fn mish_slope<V: Vector>(isa: V::Isa, x: V) -> V {
    let one = V::constant(isa, 1.0);
    let (numerator, denominator, e) = mish_parts(isa, x);
    let inverse = one.div(denominator);
    let bend = e.mul_add(e, e).mul(V::constant(isa, 4.0));
    let bend = bend.mul(one.or_else(x.lt(V::constant(isa, 0.0)), e)).mul(inverse);
    // The factor that vanishes first, as x may be infinite.
    x.mul(bend).add(numerator).mul(inverse)
}

/// `Phi(x) + x phi(x)`.
#[inline(always)]
pub(super) fn gelu_slope<V: Vector>(isa: V::Isa, x: V) -> V {
    let (distribution, density) = math::normal(isa, x);
    x.mul_add(density, distribution)
}

/// `v = 2 sqrt(2/pi) (x + 0.044715 x^3)`, whose sigmoid is the `(1 + tanh) / 2` of the definition, and `x^2`.
#[inline(always)]
fn gelu_exponent<V: Vector>(isa: V::Isa, x: V) -> (V, V) {
    let square = x.mul(x);
    let line = V::constant(isa, GELU_SLOPE);
    (square.mul_add(V::constant(isa, GELU_SLOPE * GELU_CUBIC), line).mul(x), square)
}

/// `s + x s (1 - s) v'`.
#[inline(always)]
pub(super) fn gelu_tanh_slope<V: Vector>(isa: V::Isa, x: V) -> V {
    let (v, square) = gelu_exponent(isa, x);
    let (smaller, larger) = shares(isa, v);
    let s = smaller.or_else(v.lt(V::constant(isa, 0.0)), larger);
    // Where the square is larger the sigmoid is flat, and an infinite slope would make that NaN.
    let square = V::constant(isa, 1e8).min_or_second(square);
    let inner = V::constant(isa, 3.0 * GELU_SLOPE * GELU_CUBIC);
    let inner = square.mul_add(inner, V::constant(isa, GELU_SLOPE));
    x.mul(smaller).mul(larger).mul_add(inner, s)
}

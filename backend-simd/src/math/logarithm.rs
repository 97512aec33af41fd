//! Logarithms.

use super::{Tables, Vector, constants, polynomial};
use crate::arch::{Bits, Mask};

/// x as `2^n m` with m in [sqrt 1/2, sqrt 2), for positive normal x. `bias` is what n is found with: BIAS and MAGIC.
#[inline(always)]
pub(super) fn split_exponent<V: Vector>(isa: V::Isa, x: V, bias: V) -> (V, V) {
    let bits = x.bits();
    // From sqrt 1/2 to sqrt 2 this has the exponent of 1.
    let moved = bits.add(bits.splat_like(V::Scalar::ONE)).sub(bits.splat_like(V::Scalar::ROOT_HALF));
    let magic = V::constant(isa, V::Scalar::MAGIC);
    let n = moved.exponent_as_number().add(magic.bits()).real().sub(bias);
    let m = moved.and(bits.splat_like(V::Scalar::MANTISSA)).add(bits.splat_like(V::Scalar::ROOT_HALF));
    (n, m.real())
}

/// What is subtracted from the exponent field and MAGIC to give an exponent.
#[inline(always)]
fn ordinary_bias<V: Vector>(isa: V::Isa) -> V {
    V::constant(isa, V::Scalar::MAGIC + V::Scalar::BIAS)
}

/// The parts of x of [`split_exponent`] for any x, of which those that have no logarithm get something; and
/// whether there may be such.
#[inline(always)]
pub(super) fn split_any<V: Vector>(isa: V::Isa, x: V) -> (V, V, bool) {
    let ordinary = V::constant(isa, V::Scalar::TINY).le(x).and(x.lt(V::constant(isa, f64::INFINITY)));
    let special = ordinary.not().any();
    let (mut x, mut bias) = (x, ordinary_bias::<V>(isa));
    if special {
        let [lift, lifted] = V::Scalar::LIFT;
        let subnormal = x.lt(V::constant(isa, V::Scalar::TINY));
        x = x.mul(V::constant(isa, lift)).or_else(subnormal, x);
        bias = bias.add(V::constant(isa, lifted)).or_else(subnormal, bias);
    }
    let (n, m) = split_exponent(isa, x, bias);
    (n, m, special)
}

/// Natural logarithm. 0.84 ulp.
#[inline(always)]
pub(crate) fn log<V: Vector>(isa: V::Isa, x: V) -> V {
    let (n, m, special) = split_any(isa, x);
    let y = log_of_parts(isa, n, m.sub(V::constant(isa, 1.0)), V::constant(isa, 0.0));
    if special { special_logarithm(isa, x, y) } else { y }
}

/// `n ln 2 + log(1 + f) + c`, where 1 + f lies in [sqrt 1/2, sqrt 2] and c is a small correction.
///
/// log(1 + f) = f - (f^2/2 - s (f^2/2 + R)), s = f / (2 + f), R = log's series beyond 2 s: the arrangement of
/// Sun's fdlibm (e_log.c), where the leading f is exact.
#[inline(always)]
pub(super) fn log_of_parts<V: Vector>(isa: V::Isa, n: V, f: V, c: V) -> V {
    let s = f.div(f.add(V::constant(isa, 2.0)));
    let square = s.mul(s);
    let series = square.mul(polynomial(isa, square, V::Scalar::LOG));
    let half = f.mul(f).mul(V::constant(isa, 0.5));
    let [ln_2, rest] = V::Scalar::LN_2;
    let small = s.mul_add(half.add(series), n.mul_add(V::constant(isa, rest), c));
    n.mul_add(V::constant(isa, ln_2), f.sub(half.sub(small)))
}

/// What a logarithm is of zeros, negative numbers, infinity and NaN.
#[inline(always)]
fn special_logarithm<V: Vector>(isa: V::Isa, x: V, y: V) -> V {
    let zero = V::constant(isa, 0.0);
    let infinity = V::constant(isa, f64::INFINITY);
    let y = x.or_else(x.eq(infinity).or(x.unordered(x)), y);
    let y = V::constant(isa, f64::NAN).or_else(x.lt(zero), y);
    V::constant(isa, f64::NEG_INFINITY).or_else(x.eq(zero), y)
}

/// `log(1 + x)`, exact near zero. 0.86 ulp.
#[inline(always)]
pub(crate) fn log1p<V: Vector>(isa: V::Isa, x: V) -> V {
    let zero = V::constant(isa, 0.0);
    let y = log1p_of_parts(isa, x, zero, zero);
    let one = V::constant(isa, 1.0);
    let u = x.add(one);
    let ordinary = zero.lt(u).and(u.lt(V::constant(isa, f64::INFINITY)));
    let y = if ordinary.not().any() { special_logarithm(isa, u, y) } else { y };
    // Keeps the sign of zero and subnormals.
    x.or_else(x.mul(x).lt(V::constant(isa, V::Scalar::TINY)), y)
}

/// `log(1 + x + low) + n ln 2` for 1 + x positive and finite and low below the last place of x.
#[inline(always)]
pub(super) fn log1p_of_parts<V: Vector>(isa: V::Isa, x: V, low: V, more: V) -> V {
    let one = V::constant(isa, 1.0);
    let u = x.add(one);
    // What the sum lost, relative to it: log(u + c) = log(u) + c / u.
    let lost = x.sub(u.sub(one)).add(low);
    let (n, m) = split_exponent(isa, u, ordinary_bias(isa));
    log_of_parts(isa, n.add(more), m.sub(one), lost.div(u))
}

/// Logarithm to base 2 or 10: `n log_b(2) + log(m) / ln(b)`, the leading terms in two parts.
#[inline(always)]
fn log_to_base<V: Vector>(isa: V::Isa, x: V, of_two: [f64; 2], factor: [f64; 2]) -> V {
    let (n, m, special) = split_any(isa, x);
    let one = V::constant(isa, 1.0);
    // log(m) = f - bend, of which f is exact and the larger.
    let f = m.sub(one);
    let s = f.div(f.add(V::constant(isa, 2.0)));
    let square = s.mul(s);
    let series = square.mul(polynomial(isa, square, V::Scalar::LOG));
    let half = f.mul(f).mul(V::constant(isa, 0.5));
    let bend = half.sub(s.mul(half.add(series)));
    let [high, low]: [V; 2] = constants(isa, factor);
    let [two, two_low]: [V; 2] = constants(isa, of_two);
    let rest = f.mul(low).sub(bend.mul(high));
    // f high in two parts.
    let product = f.mul(high);
    let rest = rest.add(f.mul_add(high, product.mul(V::constant(isa, -1.0))));
    let rest = n.mul_add(two_low, rest);
    // The larger of n and f comes first: where n is not 0 it is.
    let sum = n.mul_add(two, product);
    let lost = n.mul_add(two, V::constant(isa, 0.0).sub(sum)).add(product);
    let y = sum.add(rest.add(lost));
    if special { special_logarithm(isa, x, y) } else { y }
}

/// Logarithm to base 2. 1.1 ulp.
#[inline(always)]
pub(crate) fn log2<V: Vector>(isa: V::Isa, x: V) -> V {
    log_to_base(isa, x, [1.0, 0.0], V::Scalar::LOG2_E)
}

/// Logarithm to base 10. 1.1 ulp.
#[inline(always)]
pub(crate) fn log10<V: Vector>(isa: V::Isa, x: V) -> V {
    log_to_base(isa, x, V::Scalar::LOG10_2, V::Scalar::LOG10_E)
}

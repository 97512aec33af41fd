//! Logarithms.

use super::{Tables, Vector, polynomial};
use crate::arch::{Bits, Mask};

/// x as `2^n m` with m in [1/sqrt 2, sqrt 2], for positive finite x.
#[inline(always)]
fn split_exponent<V: Vector>(isa: V::Isa, x: V) -> (V, V) {
    let subnormal = x.lt(V::constant(isa, V::Scalar::TINY));
    let [lift, lifted] = V::Scalar::LIFT;
    let x = x.mul(V::constant(isa, lift)).or_else(subnormal, x);
    let bits = x.bits();
    let one = bits.splat_like(V::Scalar::ONE);
    let m = bits.and(bits.splat_like(V::Scalar::MANTISSA)).or(one).real();
    let magic = V::constant(isa, V::Scalar::MAGIC);
    let exponent = bits.from_exponent().add(magic.bits()).real().sub(magic);
    let above = V::constant(isa, std::f64::consts::SQRT_2).lt(m);
    let m = m.mul(V::constant(isa, 0.5)).or_else(above, m);
    let zero = V::constant(isa, 0.0);
    let bias = V::constant(isa, V::Scalar::BIAS).sub(V::constant(isa, 1.0).or_else(above, zero));
    let bias = bias.add(V::constant(isa, lifted).or_else(subnormal, zero));
    (exponent.sub(bias), m)
}

/// Natural logarithm.
#[inline(always)]
pub(crate) fn log<V: Vector>(isa: V::Isa, x: V) -> V {
    let (n, m) = split_exponent(isa, x);
    let y = log_of_parts(isa, n, m.sub(V::constant(isa, 1.0)), V::constant(isa, 0.0));
    special_logarithm(isa, x, y)
}

/// `n ln 2 + log(1 + f) + c`, where 1 + f lies in [1/sqrt 2, sqrt 2] and c is a small correction.
///
/// log(1 + f) = f - (f^2/2 - s (f^2/2 + R)), s = f / (2 + f), R = log's series beyond 2 s: the arrangement of
/// Sun's fdlibm (e_log.c), where the leading f is exact.
#[inline(always)]
fn log_of_parts<V: Vector>(isa: V::Isa, n: V, f: V, c: V) -> V {
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

/// `log(1 + x)`, exact near zero.
#[inline(always)]
pub(crate) fn log1p<V: Vector>(isa: V::Isa, x: V) -> V {
    let one = V::constant(isa, 1.0);
    let u = x.add(one);
    // What the sum lost, relative to it: log(u + c) = log(u) + c / u.
    let lost = x.sub(u.sub(one)).div(u);
    let (n, m) = split_exponent(isa, u);
    let y = log_of_parts(isa, n, m.sub(one), lost);
    let y = special_logarithm(isa, u, y);
    let tiny = u.eq(one).and(x.mul(x).lt(V::constant(isa, V::Scalar::TINY)));
    x.or_else(tiny, y)
}

/// Logarithm to base 2 or 10: `n log_b(2) + log(m) / ln(b)`, where the first product is exact for base 2.
#[inline(always)]
fn log_to_base<V: Vector>(isa: V::Isa, x: V, of_two: f64, factor: f64) -> V {
    let (n, m) = split_exponent(isa, x);
    let zero = V::constant(isa, 0.0);
    let y = log_of_parts(isa, zero, m.sub(V::constant(isa, 1.0)), zero);
    let y = n.mul_add(V::constant(isa, of_two), y.mul(V::constant(isa, factor)));
    special_logarithm(isa, x, y)
}

/// Logarithm to base 2.
#[inline(always)]
pub(crate) fn log2<V: Vector>(isa: V::Isa, x: V) -> V {
    log_to_base(isa, x, 1.0, std::f64::consts::LOG2_E)
}

/// Logarithm to base 10.
#[inline(always)]
pub(crate) fn log10<V: Vector>(isa: V::Isa, x: V) -> V {
    log_to_base(isa, x, std::f64::consts::LOG10_2, std::f64::consts::LOG10_E)
}

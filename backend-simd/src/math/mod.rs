//! Elementary functions on vectors.
//!
//! Each is written once, for both widths and all instruction sets; `tables` holds the polynomials. The error in the
//! comment of a function is the largest over all f32 numbers, found by the ignored test of `tests.rs` against f64.

mod tables;

#[cfg(test)]
mod tests;

use crate::arch::{Bits, Mask, Real, Scalar};

/// The numbers that the functions need, for one width.
pub(crate) trait Tables: Scalar {
    const EXP: &'static [Self];
    const EXPM1: &'static [Self];
    const LOG: &'static [Self];
    const TANH: &'static [Self];
    /// ln 2 in two parts, of which the first has enough trailing zeros that its product with an exponent is exact.
    const LN_2: [f64; 2];
    /// Below it e^x is 0, above it infinite.
    const EXP_RANGE: [f64; 2];
    /// 1.5 * 2^(mantissa bits): the last bits of a sum with it are a whole number.
    const MAGIC: f64;
    /// The bits of 1.
    const ONE: Self::Word;
    /// Bits of the mantissa, without the hidden one.
    const MANTISSA: Self::Word;
    /// 2^(mantissa bits + 1), which lifts subnormals into the normal range, and its exponent.
    const LIFT: [f64; 2];
    /// The smallest normal number.
    const TINY: f64;
    /// The bias of the exponent.
    const BIAS: f64;
}

impl Tables for f32 {
    const EXP: &'static [f32] = &tables::EXP_F32;
    const EXPM1: &'static [f32] = &tables::EXPM1_F32;
    const LOG: &'static [f32] = &tables::LOG_F32;
    const TANH: &'static [f32] = &tables::TANH_F32;
    const LN_2: [f64; 2] = [0.693_359_375, -2.121_944_400_546_905_8e-4];
    const EXP_RANGE: [f64; 2] = [-105.0, 89.0];
    const MAGIC: f64 = 12_582_912.0;
    const ONE: u32 = 0x3f80_0000;
    const MANTISSA: u32 = 0x007f_ffff;
    const LIFT: [f64; 2] = [16_777_216.0, 24.0];
    const TINY: f64 = f32::MIN_POSITIVE as f64;
    const BIAS: f64 = 127.0;
}

impl Tables for f64 {
    const EXP: &'static [f64] = &tables::EXP_F64;
    const EXPM1: &'static [f64] = &tables::EXPM1_F64;
    const LOG: &'static [f64] = &tables::LOG_F64;
    const TANH: &'static [f64] = &tables::TANH_F64;
    const LN_2: [f64; 2] = [6.931_471_803_691_238_164_90e-1, 1.908_214_929_270_587_700_02e-10];
    const EXP_RANGE: [f64; 2] = [-746.0, 710.0];
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    const MANTISSA: u64 = 0x000f_ffff_ffff_ffff;
    const LIFT: [f64; 2] = [9_007_199_254_740_992.0, 53.0];
    const TINY: f64 = f64::MIN_POSITIVE;
    const BIAS: f64 = 1023.0;
}

/// A vector whose element has the tables.
pub(crate) trait Vector: Real<Scalar: Tables> {}
impl<V: Real<Scalar: Tables>> Vector for V {}

/// The polynomial with these coefficients, lowest power first, by Horner's rule.
#[inline(always)]
fn polynomial<V: Vector>(isa: V::Isa, x: V, coefficients: &'static [V::Scalar]) -> V {
    let mut terms = coefficients.iter().rev().map(|&c| V::splat(isa, c));
    let Some(mut sum) = terms.next() else { return x };
    for c in terms {
        sum = sum.mul_add(x, c);
    }
    sum
}

/// `2^n` for whole n within the range of normal numbers.
#[inline(always)]
fn power_of_two<V: Vector>(isa: V::Isa, n: V) -> V {
    let whole = n.add(V::constant(isa, V::Scalar::MAGIC)).bits().to_exponent();
    whole.add(whole.splat_like(V::Scalar::ONE)).real()
}

/// `x * 2^n` for whole n of up to twice the range of normal numbers, rounded once.
#[inline(always)]
fn scale<V: Vector>(isa: V::Isa, x: V, n: V) -> V {
    let half = n.mul(V::constant(isa, 0.5)).floor();
    x.mul(power_of_two(isa, half)).mul(power_of_two(isa, n.sub(half)))
}

/// x as `n ln 2 + r` with whole n and |r| <= ln 2 / 2; where x is so large that e^x is 0 or infinite, of
/// something just as large. NaN stays NaN.
#[inline(always)]
fn split_by_ln_2<V: Vector>(isa: V::Isa, x: V) -> (V, V) {
    let [low, high] = V::Scalar::EXP_RANGE;
    let x = V::constant(isa, low).max_or_second(x);
    let x = V::constant(isa, high).min_or_second(x);
    let n = x.mul(V::constant(isa, std::f64::consts::LOG2_E)).round();
    let [ln_2, rest] = V::Scalar::LN_2;
    let r = n.mul_add(V::constant(isa, -ln_2), x);
    (n, n.mul_add(V::constant(isa, -rest), r))
}

/// `e^x`.
#[inline(always)]
pub(crate) fn exp<V: Vector>(isa: V::Isa, x: V) -> V {
    let (n, r) = split_by_ln_2(isa, x);
    let p = polynomial(isa, r, V::Scalar::EXP);
    let e = r.mul(r).mul_add(p, r).add(V::constant(isa, 1.0));
    scale(isa, e, n)
}

/// `e^x - 1`.
#[inline(always)]
pub(crate) fn expm1<V: Vector>(isa: V::Isa, x: V) -> V {
    let (n, r) = split_by_ln_2(isa, x);
    let p = polynomial(isa, r, V::Scalar::EXPM1);
    let e = r.mul(r).mul_add(p, r);
    let one = V::constant(isa, 1.0);
    // 2^n e + (2^n - 1), and for the largest n half of it, doubled, since 2^n itself would overflow.
    let half = power_of_two(isa, n.sub(one).max_or_second(V::constant(isa, 1.0 - V::Scalar::BIAS)));
    let sum = half.mul_add(e, half.sub(V::constant(isa, 0.5)));
    let y = sum.add(sum);
    // Keeps the sign of zero and subnormals.
    let tiny = x.mul(x).eq(V::constant(isa, 0.0));
    x.or_else(tiny, y)
}

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

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub(crate) fn sigmoid<V: Vector>(isa: V::Isa, x: V) -> V {
    let one = V::constant(isa, 1.0);
    let zero = V::constant(isa, 0.0);
    // e^-|x| does not overflow, and for x below zero e^x / (1 + e^x) keeps the subnormals.
    let negative = x.lt(zero);
    let e = exp(isa, x.or_else(negative, zero.sub(x)));
    e.or_else(negative, one).div(e.add(one))
}

/// Hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh<V: Vector>(isa: V::Isa, x: V) -> V {
    let one = V::constant(isa, 1.0);
    let square = x.mul(x);
    let near = square.mul(x).mul_add(polynomial(isa, square, V::Scalar::TANH), x);
    // 1 - 2 / (e^2|x| + 1), with the sign of x.
    let size = x.max_or_second(V::constant(isa, 0.0).sub(x));
    let e = exp(isa, size.add(size));
    let far = one.sub(V::constant(isa, 2.0).div(e.add(one)));
    let far = far.or_else(V::constant(isa, 0.0).lt(x), V::constant(isa, 0.0).sub(far));
    let y = near.or_else(size.lt(V::constant(isa, 0.625)), far);
    x.or_else(x.unordered(x), y)
}

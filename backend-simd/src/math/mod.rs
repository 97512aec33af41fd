//! Elementary functions on vectors.
//!
//! Each is written once, for both widths and all instruction sets; `tables` holds the polynomials. The error in the
//! comment of a function is the largest over all f32 numbers, found by the ignored test of `tests.rs` against f64.

mod error;
mod exponential;
mod hyperbolic;
mod logarithm;
mod tables;
mod trigonometric;

#[cfg(test)]
mod tests;

use crate::arch::{Bits, Real, Scalar};

pub(crate) use error::{erf, erfc};
pub(crate) use exponential::{exp, exp_nonpositive, exp2, expm1, sigmoid};
pub(crate) use hyperbolic::{cosh, sinh, tanh};
pub(crate) use logarithm::{log, log1p, log2, log10};
pub(crate) use trigonometric::{cos, sin, tan};

/// The numbers that the functions need, for one width.
pub(crate) trait Tables: Scalar {
    const EXP: &'static [Self];
    const EXPM1: &'static [Self];
    const LOG: &'static [Self];
    const TANH: &'static [Self];
    const EXP2: &'static [Self];
    const SINH: &'static [Self];
    const SIN: &'static [Self];
    const COS: &'static [Self];
    const ERF: &'static [Self];
    const ERFC: &'static [Self];
    /// pi / 2 in three parts.
    const HALF_PI: [f64; 3];
    /// Up to here three parts are enough.
    const TRIGONOMETRIC_LIMIT: f64;
    /// The integers 1 and 2.
    const ALL_BITS: Self::Word;
    const WHOLE_ONE: Self::Word;
    const WHOLE_TWO: Self::Word;
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
    const EXP2: &'static [f32] = &tables::EXP2_F32;
    const SINH: &'static [f32] = &tables::SINH_F32;
    const SIN: &'static [f32] = &tables::SIN_F32;
    const COS: &'static [f32] = &tables::COS_F32;
    const ERF: &'static [f32] = &tables::ERF_F32;
    const ERFC: &'static [f32] = &tables::ERFC_F32;
    const HALF_PI: [f64; 3] =
        [1.570_796_370_506_286_6, -4.371_138_828_673_793e-8, -1.715_124_510_005_881_9e-15];
    const TRIGONOMETRIC_LIMIT: f64 = 100_000.0;
    const ALL_BITS: u32 = u32::MAX;
    const WHOLE_ONE: u32 = 1;
    const WHOLE_TWO: u32 = 2;
    const LN_2: [f64; 2] = [0.693_359_375, -2.121_944_400_546_905_8e-4];
    const EXP_RANGE: [f64; 2] = [-105.0, 90.0];
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
    const EXP2: &'static [f64] = &tables::EXP2_F64;
    const SINH: &'static [f64] = &tables::SINH_F64;
    const SIN: &'static [f64] = &tables::SIN_F64;
    const COS: &'static [f64] = &tables::COS_F64;
    const ERF: &'static [f64] = &tables::ERF_F64;
    const ERFC: &'static [f64] = &tables::ERFC_F64;
    const HALF_PI: [f64; 3] =
        [std::f64::consts::FRAC_PI_2, 6.123_233_995_736_766e-17, -1.497_384_904_859_169_8e-33];
    const TRIGONOMETRIC_LIMIT: f64 = 1e8;
    const ALL_BITS: u64 = u64::MAX;
    const WHOLE_ONE: u64 = 1;
    const WHOLE_TWO: u64 = 2;
    const LN_2: [f64; 2] = [6.931_471_803_691_238_164_90e-1, 1.908_214_929_270_587_700_02e-10];
    const EXP_RANGE: [f64; 2] = [-746.0, 711.0];
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

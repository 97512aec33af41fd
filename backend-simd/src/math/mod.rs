//! Elementary functions on vectors.
//!
//! | file | functions |
//! |---|---|
//! | `exponential`, `logarithm` | to base e, 2, 10, also near 1 |
//! | `hyperbolic`, `trigonometric`, `inverse` | these, and their inverses |
//! | `error` | error function and its inverse, normal distribution, GELU |
//! | `gamma` | logarithm of the gamma function, its derivative, sinc; in f64 alone |
//! | `logistic` | sigmoid, and the activations made of it |
//! | `power` | powers, and others of two operands |
//! | `tables` | polynomials, by `tools/minimax.py` |
//! | `points.txt` | values to test f64 by, by `tools/points.py` |
//!
//! Each is written once, for both widths and all instruction sets, and in fused operations, so that all sets give
//! the same bits. The error in the comment of a function is the largest over all f32 numbers, and holds in f64 where
//! nothing else is said; `make accuracy` finds it.

mod error;
mod exponential;
mod gamma;
mod hyperbolic;
mod inverse;
mod logarithm;
mod logistic;
mod power;
mod tables;
mod trigonometric;

#[cfg(test)]
mod tests;

use crate::arch::{Bits, Real, Scalar};

pub(crate) use error::{erf, erfc, erfinv, gelu, normal};
pub(crate) use exponential::{exp, exp_nonpositive, exp2, expm1};
pub(crate) use gamma::{digamma, lgamma, sinc};
pub(crate) use hyperbolic::{cosh, sinh, tanh};
pub(crate) use inverse::{acos, acosh, asin, asinh, atan, atan2, atanh};
pub(crate) use logarithm::{log, log1p, log2, log10};
pub(crate) use logistic::{gelu_tanh, log_sigmoid, mish, sigmoid, silu, softplus};
pub(crate) use power::{hypot, logaddexp, logaddexp2, pow, xlogy};
pub(crate) use trigonometric::{cos, sin, tan};

/// The numbers that the functions need, for one width.
pub(crate) trait Tables: Scalar {
    const EXP: &'static [Self];
    const EXPM1: &'static [Self];
    const EXP2: &'static [Self];
    const LOG: &'static [Self];
    const LOG1P: &'static [Self];
    const LOG_TAIL: &'static [Self];
    const TANH: &'static [Self];
    const SINH: &'static [Self];
    const SIN: &'static [Self];
    const COS: &'static [Self];
    const ASIN: &'static [Self];
    const ATAN: &'static [Self];
    const ERF: &'static [Self];
    const LOG_ERFC: &'static [Self];
    const ERFC: &'static [Self];
    const NORMAL: &'static [Self];
    /// Empty where [`NORMAL`](Self::NORMAL) serves in its place.
    const LOG2_NORMAL: &'static [Self];
    const ERFINV: &'static [Self];
    const ERFINV_FAR: &'static [Self];
    /// Empty in f32, as the three below: these functions are computed in f64.
    const LGAMMA: &'static [Self];
    const LGAMMA_FAR: &'static [Self];
    const DIGAMMA: &'static [Self];
    const DIGAMMA_FAR: &'static [Self];
    /// From here tanh is 1.
    const TANH_LIMIT: f64;
    /// From here erf is 1.
    const ERF_LIMIT: f64;
    /// From here erfc is 0.
    const ERFC_LIMIT: f64;
    /// From here x times the normal distribution function of -x is 0.
    const NORMAL_LIMIT: f64;
    /// pi / 2 in three parts.
    const HALF_PI: [f64; 3];
    /// Up to here three parts are enough.
    const TRIGONOMETRIC_LIMIT: f64;
    /// ln 2 in two parts, of which the first has enough trailing zeros that its product with an exponent is exact.
    const LN_2: [f64; 2];
    /// The logarithm of 2 to base 10, as ln 2.
    const LOG10_2: [f64; 2];
    /// 2 / 3 in two parts.
    const TWO_THIRDS: [f64; 2];
    /// 2 sqrt(2 / pi) in two parts.
    const GELU_LINE: [f64; 2];
    /// 0.044715 times it in two parts.
    const GELU_CUBE: [f64; 2];
    /// 1 / ln 2 in two parts.
    const LOG2_E: [f64; 2];
    /// 1 / ln 10 in two parts.
    const LOG10_E: [f64; 2];
    /// Below it e^x is 0, above it infinite.
    const EXP_RANGE: [f64; 2];
    /// What is added to the exponent of a power so that it does not become subnormal, for as long as it counts.
    const LIFTED: f64;
    /// 1.5 * 2^(mantissa bits): the last bits of a sum with it are a whole number.
    const MAGIC: f64;
    /// 2^(mantissa bits + 1), which lifts subnormals into the normal range, and its exponent.
    const LIFT: [f64; 2];
    /// The smallest normal number.
    const TINY: f64;
    /// The bias of the exponent.
    const BIAS: f64;
    /// The integers 1 and 2.
    const WHOLE_ONE: Self::Word;
    const WHOLE_TWO: Self::Word;
    /// The bits of 1 and of the root of 1/2.
    const ONE: Self::Word;
    const ROOT_HALF: Self::Word;
    /// Bits of the mantissa, without the hidden one; of the sign; all but the sign.
    const MANTISSA: Self::Word;
    const SIGN: Self::Word;
    const MAGNITUDE: Self::Word;
    const ALL_BITS: Self::Word;
}

macro_rules! polynomials {
    ($($name:ident = $table:ident;)*) => { $(const $name: &'static [Self] = &tables::$table;)* };
}

impl Tables for f32 {
    polynomials! {
        EXP = EXP_F32;
        EXPM1 = EXPM1_F32;
        EXP2 = EXP2_F32;
        LOG = LOG_F32;
        LOG1P = LOG1P_F32;
        LOG_TAIL = LOG_TAIL_F32;
        TANH = TANH_F32;
        SINH = SINH_F32;
        SIN = SIN_F32;
        COS = COS_F32;
        ASIN = ASIN_F32;
        ATAN = ATAN_F32;
        ERF = ERF_F32;
        LOG_ERFC = LOG_ERFC_F32;
        ERFC = ERFC_F32;
        NORMAL = NORMAL_F32;
        LOG2_NORMAL = LOG2_NORMAL_F32;
        ERFINV = ERFINV_F32;
        ERFINV_FAR = ERFINV_FAR_F32;
    }
    const LGAMMA: &'static [Self] = &[];
    const LGAMMA_FAR: &'static [Self] = &[];
    const DIGAMMA: &'static [Self] = &[];
    const DIGAMMA_FAR: &'static [Self] = &[];
    const TANH_LIMIT: f64 = 10.0;
    const ERF_LIMIT: f64 = 4.0;
    const ERFC_LIMIT: f64 = 10.5;
    const NORMAL_LIMIT: f64 = 14.5;
    const HALF_PI: [f64; 3] =
        [1.570_796_370_506_286_6, -4.371_138_828_673_793e-8, -1.715_124_510_005_881_9e-15];
    const TRIGONOMETRIC_LIMIT: f64 = 100_000.0;
    const LN_2: [f64; 2] = [0.693_359_375, -2.121_944_400_546_905_8e-4];
    const LOG10_2: [f64; 2] = [0.301_025_390_625, 4.605_039_066_518_657e-6];
    const TWO_THIRDS: [f64; 2] = [0.666_666_686_534_881_6, -1.986_821_551_724_915_5e-8];
    const GELU_LINE: [f64; 2] = [1.595_769_166_946_411_1, -4.534_068_054_340_423e-8];
    const GELU_CUBE: [f64; 2] = [0.071_354_813_873_767_85, 2.398_832_465_995_989_7e-9];
    const LOG2_E: [f64; 2] = [1.442_695_021_629_333_5, 1.925_963_033_500_011e-8];
    const LOG10_E: [f64; 2] = [0.434_294_492_006_301_9, -1.010_304_995_219_257_8e-8];
    const EXP_RANGE: [f64; 2] = [-110.0, 90.0];
    const LIFTED: f64 = 64.0;
    const MAGIC: f64 = 12_582_912.0;
    const LIFT: [f64; 2] = [16_777_216.0, 24.0];
    const TINY: f64 = f32::MIN_POSITIVE as f64;
    const BIAS: f64 = 127.0;
    const WHOLE_ONE: u32 = 1;
    const WHOLE_TWO: u32 = 2;
    const ONE: u32 = 0x3f80_0000;
    const ROOT_HALF: u32 = 0x3f35_04f3;
    const MANTISSA: u32 = 0x007f_ffff;
    const SIGN: u32 = 1 << 31;
    const MAGNITUDE: u32 = u32::MAX >> 1;
    const ALL_BITS: u32 = u32::MAX;
}

impl Tables for f64 {
    polynomials! {
        EXP = EXP_F64;
        EXPM1 = EXPM1_F64;
        EXP2 = EXP2_F64;
        LOG = LOG_F64;
        LOG1P = LOG1P_F64;
        LOG_TAIL = LOG_TAIL_F64;
        TANH = TANH_F64;
        SINH = SINH_F64;
        SIN = SIN_F64;
        COS = COS_F64;
        ASIN = ASIN_F64;
        ATAN = ATAN_F64;
        ERF = ERF_F64;
        LOG_ERFC = LOG_ERFC_F64;
        ERFC = ERFC_F64;
        NORMAL = NORMAL_F64;
        ERFINV = ERFINV_F64;
        ERFINV_FAR = ERFINV_FAR_F64;
        LGAMMA = LGAMMA_F64;
        LGAMMA_FAR = LGAMMA_FAR_F64;
        DIGAMMA = DIGAMMA_F64;
        DIGAMMA_FAR = DIGAMMA_FAR_F64;
    }
    const LOG2_NORMAL: &'static [Self] = &[];
    const TANH_LIMIT: f64 = 20.0;
    const ERF_LIMIT: f64 = 6.0;
    const ERFC_LIMIT: f64 = 27.5;
    const NORMAL_LIMIT: f64 = 39.0;
    const HALF_PI: [f64; 3] =
        [std::f64::consts::FRAC_PI_2, 6.123_233_995_736_766e-17, -1.497_384_904_859_169_8e-33];
    const TRIGONOMETRIC_LIMIT: f64 = 1e8;
    const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
    const LOG10_2: [f64; 2] = [0.301_029_995_663_952_83, 2.836_339_455_104_496_4e-14];
    const TWO_THIRDS: [f64; 2] = [2.0 / 3.0, 3.700_743_415_417_188e-17];
    const GELU_LINE: [f64; 2] = [1.595_769_121_605_730_8, -9.969_308_809_110_92e-17];
    const GELU_CUBE: [f64; 2] = [0.071_354_816_272_600_25, -6.175_149_918_155_315e-19];
    const LOG2_E: [f64; 2] = [std::f64::consts::LOG2_E, 2.035_527_374_093_103_3e-17];
    const LOG10_E: [f64; 2] = [std::f64::consts::LOG10_E, 1.098_319_650_216_765e-17];
    const EXP_RANGE: [f64; 2] = [-770.0, 711.0];
    const LIFTED: f64 = 512.0;
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    const LIFT: [f64; 2] = [9_007_199_254_740_992.0, 53.0];
    const TINY: f64 = f64::MIN_POSITIVE;
    const BIAS: f64 = 1023.0;
    const WHOLE_ONE: u64 = 1;
    const WHOLE_TWO: u64 = 2;
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    const ROOT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    const MANTISSA: u64 = 0x000f_ffff_ffff_ffff;
    const SIGN: u64 = 1 << 63;
    const MAGNITUDE: u64 = u64::MAX >> 1;
    const ALL_BITS: u64 = u64::MAX;
}

/// A vector whose element has the tables.
pub(crate) trait Vector: Real<Scalar: Tables> {}
impl<V: Real<Scalar: Tables>> Vector for V {}

/// `|x|`.
#[inline(always)]
fn abs<V: Vector>(x: V) -> V {
    let bits = x.bits();
    bits.and(bits.splat_like(V::Scalar::MAGNITUDE)).real()
}

/// `-x`, also of zeros.
#[inline(always)]
fn negative<V: Vector>(x: V) -> V {
    let bits = x.bits();
    bits.xor(bits.splat_like(V::Scalar::SIGN)).real()
}

/// A value with the sign of another, which must be its own unless it is positive.
#[inline(always)]
fn with_sign<V: Vector>(size: V, of: V) -> V {
    let bits = of.bits();
    size.bits().or(bits.and(bits.splat_like(V::Scalar::SIGN))).real()
}

/// The polynomial with these coefficients, lowest power first, by Horner's rule. Of long ones the powers behind the
/// second that leave the same remainder by 4 stand apart, and pairs of terms in one of [`PAIRED`], since each step waits for the
/// one before; short ones do not wait for those of the next vectors.
#[inline(always)]
fn polynomial<V: Vector>(isa: V::Isa, x: V, coefficients: &'static [V::Scalar]) -> V {
    if coefficients.len() < PAIRED {
        return every::<V, 1>(isa, x, coefficients, 0);
    }
    if coefficients.len() == PAIRED {
        return pairs(isa, x, coefficients);
    }
    let square = x.mul(x);
    let fourth = square.mul(square);
    let low =
        every::<V, 4>(isa, fourth, coefficients, 3).mul_add(x, every::<V, 4>(isa, fourth, coefficients, 2));
    let high =
        every::<V, 4>(isa, fourth, coefficients, 5).mul_add(x, every::<V, 4>(isa, fourth, coefficients, 4));
    let tail = high.mul_add(square, low);
    tail.mul_add(x, V::splat(isa, coefficients[1])).mul_add(x, V::splat(isa, coefficients[0]))
}

/// The length of polynomials that are added up by pairs of terms: that of LOG2_NORMAL_F32 alone, whose terms are large and
/// cancel. The scheme is part of a function's bits.
const PAIRED: usize = 14;

/// A polynomial in the square, whose coefficients are pairs of terms: half as many steps wait for each other, and large terms
/// that cancel are added up in the same order.
#[inline(always)]
fn pairs<V: Vector>(isa: V::Isa, x: V, coefficients: &'static [V::Scalar]) -> V {
    let square = x.mul(x);
    let mut k = PAIRED - 2;
    let mut sum = linear(isa, x, coefficients, k);
    while k > 2 {
        k -= 2;
        sum = sum.mul_add(square, linear(isa, x, coefficients, k));
    }
    // The lowest one by one: a pair of them would be rounded once more.
    sum.mul_add(x, V::splat(isa, coefficients[1])).mul_add(x, V::splat(isa, coefficients[0]))
}

/// The pair of terms from a coefficient on.
#[inline(always)]
fn linear<V: Vector>(isa: V::Isa, x: V, coefficients: &'static [V::Scalar], k: usize) -> V {
    x.mul_add(V::splat(isa, coefficients[k + 1]), V::splat(isa, coefficients[k]))
}

/// The polynomial whose coefficients are every `STEP`-th from the `first`. Without closures, which would be functions
/// that are not compiled for the instruction set.
#[inline(always)]
fn every<V: Vector, const STEP: usize>(
    isa: V::Isa,
    x: V,
    coefficients: &'static [V::Scalar],
    first: usize,
) -> V {
    let mut i = first + (coefficients.len() - 1 - first) / STEP * STEP;
    let mut sum = V::splat(isa, coefficients[i]);
    while i > first {
        i -= STEP;
        sum = sum.mul_add(x, V::splat(isa, coefficients[i]));
    }
    sum
}

/// The parts of a number as constants.
#[inline(always)]
fn constants<V: Vector, const N: usize>(isa: V::Isa, parts: [f64; N]) -> [V; N] {
    let mut vectors = [V::constant(isa, 0.0); N];
    let mut i = 0;
    while i < N {
        vectors[i] = V::constant(isa, parts[i]);
        i += 1;
    }
    vectors
}

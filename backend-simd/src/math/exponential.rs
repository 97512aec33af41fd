//! Exponentials.

use super::{Tables, Vector, abs, polynomial};
use crate::arch::Bits;

/// x as `n ln 2 + r` with whole n and |r| <= ln 2 / 2 (Cody and Waite; ln 2 in two parts): r, and n + MAGIC,
/// whose lowest bits are n.
#[inline(always)]
pub(super) fn split_by_ln_2<V: Vector>(isa: V::Isa, x: V) -> (V, V) {
    split_from(isa, x, V::Scalar::MAGIC)
}

/// As [`split_by_ln_2`], with another number in the place of MAGIC: MAGIC and a small whole number.
#[inline(always)]
pub(super) fn split_from<V: Vector>(isa: V::Isa, x: V, magic: f64) -> (V, V) {
    let magic = V::constant(isa, magic);
    let [ln_2, rest] = V::Scalar::LN_2;
    let whole = x.mul_add(V::constant(isa, std::f64::consts::LOG2_E), magic);
    let n = whole.sub(magic);
    let r = n.mul_add(V::constant(isa, -ln_2), x);
    (n.mul_add(V::constant(isa, -rest), r), whole)
}

/// x, but no larger and no smaller than where e^x has long been infinite or 0. NaN stays NaN.
#[inline(always)]
pub(super) fn clamp_exponent<V: Vector>(isa: V::Isa, x: V) -> V {
    let [low, high] = V::Scalar::EXP_RANGE;
    let x = V::constant(isa, low).max_or_second(x);
    V::constant(isa, high).min_or_second(x)
}

/// `e^r` for |r| <= ln 2 / 2.
#[inline(always)]
fn exp_of_rest<V: Vector>(isa: V::Isa, r: V) -> V {
    let one = V::constant(isa, 1.0);
    polynomial(isa, r, V::Scalar::EXP).mul_add(r, one).mul_add(r, one)
}

/// `e^r - 1` for |r| <= ln 2 / 2, to be added to 1: exact enough for that.
#[inline(always)]
pub(super) fn exp_rest<V: Vector>(isa: V::Isa, r: V) -> V {
    r.mul(r).mul_add(polynomial(isa, r, V::Scalar::EXP), r)
}

/// `2^n` from n + MAGIC, for n within the exponents of normal numbers.
#[inline(always)]
pub(super) fn power_of_whole<V: Vector>(whole: V) -> V {
    let bits = whole.bits().to_exponent();
    bits.add(bits.splat_like(V::Scalar::ONE)).real()
}

/// `x * 2^n` from n + MAGIC, for n within twice the exponents of normal numbers; rounded once.
#[inline(always)]
pub(super) fn scale_by_whole<V: Vector>(isa: V::Isa, x: V, whole: V) -> V {
    if let Some(y) = x.scale(whole.sub(V::constant(isa, V::Scalar::MAGIC))) {
        return y;
    }
    // The bits of MAGIC are far above what is left of them: its exponent and its highest digit shift out.
    let whole = whole.bits();
    let half = whole.shift_right::<1>();
    let other = whole.sub(half);
    let one = whole.splat_like(V::Scalar::ONE);
    x.mul(half.to_exponent().add(one).real()).mul(other.to_exponent().add(one).real())
}

/// `e^x`. 0.90 ulp.
#[inline(always)]
pub(crate) fn exp<V: Vector>(isa: V::Isa, x: V) -> V {
    let (r, whole) = split_by_ln_2(isa, clamp_exponent(isa, x));
    scale_by_whole(isa, exp_of_rest(isa, r), whole)
}

/// `2^-LIFTED`.
#[inline(always)]
pub(super) fn lowering<V: Vector>(isa: V::Isa) -> V {
    V::constant(isa, (-V::Scalar::LIFTED).exp2())
}

/// x as [`split_by_ln_2`] has it, with MAGIC + LIFTED in the place of MAGIC, for [`lower`].
#[inline(always)]
pub(super) fn split_lifted<V: Vector>(isa: V::Isa, x: V) -> (V, V) {
    split_from(isa, x, V::Scalar::MAGIC + V::Scalar::LIFTED)
}

/// `x 2^n` from n + MAGIC + LIFTED, for n of at most 0; rounded once, as the power is lifted so that a product with
/// it is a normal number. x must not overflow when it is lifted.
#[inline(always)]
pub(super) fn lower<V: Vector>(isa: V::Isa, x: V, whole: V) -> V {
    if let Some(y) = x.scale(whole.sub(V::constant(isa, V::Scalar::MAGIC + V::Scalar::LIFTED))) {
        return y;
    }
    x.mul(power_of_whole(whole)).mul(lowering(isa))
}

/// `e^x` for x of at most 0, as a softmax needs it; the bits of [`exp`], somewhat faster. NaN stays NaN.
#[inline(always)]
pub(crate) fn exp_nonpositive<V: Vector>(isa: V::Isa, x: V) -> V {
    let x = V::constant(isa, V::Scalar::EXP_RANGE[0]).max_or_second(x);
    let (r, whole) = split_lifted(isa, x);
    lower(isa, exp_of_rest(isa, r), whole)
}

/// `e^x = (high + low) 2^n`, low being what the sum of 1 and the rest lost, with n + MAGIC.
#[inline(always)]
pub(super) fn exp_parts<V: Vector>(isa: V::Isa, x: V) -> (V, V, V) {
    let one = V::constant(isa, 1.0);
    let (r, whole) = split_by_ln_2(isa, clamp_exponent(isa, x));
    let rest = exp_rest(isa, r);
    let high = rest.add(one);
    (high, rest.sub(high.sub(one)), whole)
}

/// `2^x`. 0.88 ulp.
#[inline(always)]
pub(crate) fn exp2<V: Vector>(isa: V::Isa, x: V) -> V {
    let log2_e = std::f64::consts::LOG2_E;
    let [low, high] = V::Scalar::EXP_RANGE;
    let x = V::constant(isa, low * log2_e).max_or_second(x);
    let x = V::constant(isa, high * log2_e).min_or_second(x);
    let magic = V::constant(isa, V::Scalar::MAGIC);
    let whole = x.add(magic);
    scale_by_whole(isa, exp2_of_rest(isa, x.sub(whole.sub(magic))), whole)
}

/// `2^r` for |r| <= 1/2.
#[inline(always)]
pub(super) fn exp2_of_rest<V: Vector>(isa: V::Isa, r: V) -> V {
    let p = polynomial(isa, r, V::Scalar::EXP2);
    p.mul_add(r, V::constant(isa, std::f64::consts::LN_2)).mul_add(r, V::constant(isa, 1.0))
}

/// `2^x = (1 + rest) 2^n` for x of at most 0 and not too far below: the rest, and n + MAGIC + LIFTED for [`lower`].
#[inline(always)]
pub(super) fn exp2_lifted<V: Vector>(isa: V::Isa, x: V) -> (V, V) {
    let magic = V::constant(isa, V::Scalar::MAGIC + V::Scalar::LIFTED);
    let whole = x.add(magic);
    let r = x.sub(whole.sub(magic));
    let p = polynomial(isa, r, V::Scalar::EXP2).mul_add(r, V::constant(isa, std::f64::consts::LN_2));
    (p.mul(r), whole)
}

/// `e^x - 1`. 1.3 ulp, f64 1.5.
#[inline(always)]
pub(crate) fn expm1<V: Vector>(isa: V::Isa, x: V) -> V {
    // Long before it e^x - 1 is -1.
    let y = V::constant(isa, -0.72 * V::Scalar::LIFT[1] - 3.0).max_or_second(x);
    // Just above it e^x is infinite.
    let top = (V::Scalar::BIAS + 1.0) * std::f64::consts::LN_2 + 0.2;
    let y = V::constant(isa, top).min_or_second(y);
    let (r, whole) = split_from(isa, y, V::Scalar::MAGIC - 1.0);
    let bend = r.mul(r).mul(polynomial(isa, r, V::Scalar::EXPM1));
    // Twice 2^(n - 1) (r + bend) + (2^(n - 1) - 1/2), which does not overflow where the result does not.
    let half = power_of_whole(whole);
    let y = half.mul_add(bend, half.mul_add(r, half.sub(V::constant(isa, 0.5))));
    // Keeps the sign of zero and subnormals.
    let tiny = abs(x).lt(V::constant(isa, V::Scalar::TINY * 4.0));
    x.or_else(tiny, y.add(y))
}

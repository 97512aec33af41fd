//! Exponentials.

use super::{Tables, Vector, polynomial, power_of_two, scale};
use crate::arch::Bits;

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

/// `e^x`. 0.98 ulp.
#[inline(always)]
pub(crate) fn exp<V: Vector>(isa: V::Isa, x: V) -> V {
    let (high, _, n) = exp_parts(isa, x);
    scale(isa, high, n)
}

/// `e^x` for x of at most 0, -inf or NaN, in fewer instructions than [`exp`]. 0.98 ulp.
#[inline(always)]
pub(crate) fn exp_nonpositive<V: Vector>(isa: V::Isa, x: V) -> V {
    let x = V::constant(isa, V::Scalar::EXP_RANGE[0]).max_or_second(x);
    let n = x.mul(V::constant(isa, std::f64::consts::LOG2_E)).round();
    let [ln_2, rest] = V::Scalar::LN_2;
    let r = n.mul_add(V::constant(isa, -rest), n.mul_add(V::constant(isa, -ln_2), x));
    let y = r.mul(r).mul_add(polynomial(isa, r, V::Scalar::EXP), r).add(V::constant(isa, 1.0));
    // 2^n lies below the normal numbers, perhaps. 2^(n + lift) does not, and one product with 2^-lift rounds once.
    let lift = (V::Scalar::BIAS + 1.0) / 2.0;
    let whole = n.add(V::constant(isa, V::Scalar::MAGIC + lift)).bits().to_exponent();
    let power = whole.add(whole.splat_like(V::Scalar::ONE)).real();
    y.mul(power).mul(V::constant(isa, 1.0 / lift.exp2()))
}

/// `e^x = (high + low) 2^n`, low being what the sum of 1 and the rest lost.
#[inline(always)]
pub(super) fn exp_parts<V: Vector>(isa: V::Isa, x: V) -> (V, V, V) {
    let one = V::constant(isa, 1.0);
    let (n, r) = split_by_ln_2(isa, x);
    let rest = r.mul(r).mul_add(polynomial(isa, r, V::Scalar::EXP), r);
    let high = rest.add(one);
    (high, rest.sub(high.sub(one)), n)
}

/// `2^x`.
#[inline(always)]
pub(crate) fn exp2<V: Vector>(isa: V::Isa, x: V) -> V {
    let [low, high] = V::Scalar::EXP_RANGE;
    let log2_e = std::f64::consts::LOG2_E;
    let x = V::constant(isa, low * log2_e).max_or_second(x);
    let x = V::constant(isa, high * log2_e).min_or_second(x);
    let n = x.round();
    let r = x.sub(n);
    let p = polynomial(isa, r, V::Scalar::EXP2);
    let line = r.mul_add(V::constant(isa, std::f64::consts::LN_2), V::constant(isa, 1.0));
    scale(isa, r.mul(r).mul_add(p, line), n)
}

/// `1 / (1 + e^-x)`. 0.6 ulp.
#[inline(always)]
pub(crate) fn sigmoid<V: Vector>(isa: V::Isa, x: V) -> V {
    let one = V::constant(isa, 1.0);
    let zero = V::constant(isa, 0.0);
    // e^-|x| does not overflow, and below zero e^x / (1 + e^x) keeps the subnormals.
    let negative = x.lt(zero);
    let (high, low, n) = exp_parts(isa, x.or_else(negative, zero.sub(x)));
    let (high, low) = (scale(isa, high, n), scale(isa, low, n));
    let below = high.add(one);
    // What the sum lost: the smaller operand is the exponential.
    let lost = high.sub(below.sub(one)).add(low);
    let share = one.div(below);
    // Quotients corrected by their remainders, (e - q (1 + e)) / (1 + e).
    let q = high.mul(share);
    let remainder = q.mul_add(zero.sub(below), high).add(low.sub(q.mul(lost)));
    let left = remainder.mul_add(share, q);
    let remainder = share.mul_add(zero.sub(below), one).sub(share.mul(lost));
    let right = remainder.mul_add(share, share);
    left.or_else(negative, right)
}

/// `e^x - 1`. 1.4 ulp.
#[inline(always)]
pub(crate) fn expm1<V: Vector>(isa: V::Isa, x: V) -> V {
    let (n, r) = split_by_ln_2(isa, x);
    let p = polynomial(isa, r, V::Scalar::EXPM1);
    let e = r.mul(r).mul_add(p, r);
    let one = V::constant(isa, 1.0);
    // 2^n e + (2^n - 1), and where the 1 no longer counts, which is before 2^n overflows, e^x.
    let small = n.lt(V::constant(isa, V::Scalar::BIAS * 0.5));
    let least = V::constant(isa, -60.0);
    let power = power_of_two(isa, least.max_or_second(n).or_else(small, V::constant(isa, 0.0)));
    let y = power.mul_add(e, power.sub(one));
    let y = y.or_else(small, scale(isa, e.add(one), n));
    // Keeps the sign of zero and subnormals.
    let tiny = x.mul(x).eq(V::constant(isa, 0.0));
    x.or_else(tiny, y)
}

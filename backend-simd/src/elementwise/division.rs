//! Remainders of floats and the quotients that go with them: exact, whatever the quotient.
//!
//! Where quotients are small, one step suffices: with `q = trunc(a / b)`, of which rounding makes at most one too
//! many, `a - q b` is a multiple of the last place of the smaller operand and no larger than b, so that a fused
//! multiply-add gives it exactly. Where a quotient of a vector is large, infinite or NaN, the exact `%` of each
//! element takes over; both give the same bits.

use super::Function2;
use crate::arch::{Bits, Mask, Scalar};
use crate::math::Vector;

/// Quotients up to here, in magnitude, are small: exact, with room for one more or less.
const SMALL: f64 = 4_194_304.0;

/// `a - b trunc(a / b)`, and `trunc(a / b)`. `None` where a quotient is not small.
#[inline(always)]
fn small<V: Vector>(isa: V::Isa, a: V, b: V) -> Option<(V, V)> {
    let sign = V::constant(isa, -0.0).bits();
    let magnitude = |x: V| x.bits().or(sign).xor(sign).real();
    let ratio = a.div(b);
    let is_small = magnitude(ratio).lt(V::constant(isa, SMALL));
    let is_finite = magnitude(b).lt(V::constant(isa, f64::INFINITY));
    if is_small.and(is_finite).not().any() {
        return None;
    }
    let quotient = ratio.trunc();
    let rest = quotient.bits().xor(sign).real().mul_add(b, a);
    // One too many: the remainder lies on the other side of zero than a.
    let zero = V::constant(isa, 0.0);
    let over = rest.lt(zero).and(zero.lt(a)).or(zero.lt(rest).and(a.lt(zero)));
    let a_sign = a.bits().and(sign);
    let back = magnitude(b).bits().or(a_sign).real();
    let step = V::constant(isa, 1.0).bits().or(ratio.bits().and(sign)).real();
    let rest = rest.add(back).or_else(over, rest);
    // A remainder of zero has the sign of a.
    let rest = magnitude(rest).bits().or(a_sign).real();
    Some((rest, quotient.sub(step).or_else(over, quotient)))
}

/// Where a remainder lies on the other side of zero than its divisor; a zero lies on both.
#[inline(always)]
fn signs_differ<V: Vector>(isa: V::Isa, rest: V, b: V) -> V::Mask {
    let zero = V::constant(isa, 0.0);
    rest.lt(zero).and(zero.lt(b)).or(zero.lt(rest).and(b.lt(zero)))
}

/// `f` of each pair of lanes, in f64.
#[inline(always)]
fn each<V: Vector>(isa: V::Isa, a: V, b: V, f: fn(f64, f64) -> f64) -> V {
    let (mut x, mut y) = (V::zeros(), V::zeros());
    a.store(&mut x);
    b.store(&mut y);
    for (x, y) in x.as_mut().iter_mut().zip(y.as_ref()) {
        *x = V::Scalar::from_f64(f(x.to_f64(), y.to_f64()));
    }
    V::load(isa, &x)
}

/// The remainder with the sign of a.
#[derive(Clone, Copy)]
pub(super) struct Fmod;

impl Function2 for Fmod {
    #[inline(always)]
    fn call<V: Vector>(self, isa: V::Isa, a: V, b: V) -> V {
        match small(isa, a, b) {
            Some((rest, _)) => rest,
            None => each(isa, a, b, |a, b| a % b),
        }
    }
}

/// The remainder with the sign of b.
#[derive(Clone, Copy)]
pub(super) struct Remainder;

impl Function2 for Remainder {
    #[inline(always)]
    fn call<V: Vector>(self, isa: V::Isa, a: V, b: V) -> V {
        // The sum is rounded once, in the type of the result, on either way.
        let rest = match small(isa, a, b) {
            Some((rest, _)) => rest,
            None => each(isa, a, b, |a, b| a % b),
        };
        rest.add(b).or_else(signs_differ(isa, rest, b), rest)
    }
}

/// `floor(a / b)`; of a divisor of zero `a / b`.
#[derive(Clone, Copy)]
pub(super) struct FloorDivide;

impl Function2 for FloorDivide {
    #[inline(always)]
    fn call<V: Vector>(self, isa: V::Isa, a: V, b: V) -> V {
        let Some((rest, quotient)) = small(isa, a, b) else { return each(isa, a, b, floor_divide) };
        let below = quotient.sub(V::constant(isa, 1.0));
        let floor = below.or_else(signs_differ(isa, rest, b), quotient);
        // A zero has the sign of the quotient.
        let sign = a.bits().xor(b.bits()).and(V::constant(isa, -0.0).bits());
        let zero = V::constant(isa, 0.0);
        zero.bits().or(sign).real().or_else(floor.eq(zero), floor)
    }
}

/// By the exact remainder: `a / b` alone may be rounded up to the next integer (`1 // 0.1` is 9).
fn floor_divide(a: f64, b: f64) -> f64 {
    if b == 0.0 {
        return a / b;
    }
    let rest = a % b;
    let differs = rest != 0.0 && (rest < 0.0) != (b < 0.0);
    // An integer but for rounding.
    let quotient = (a - rest) / b - f64::from(differs);
    if quotient == 0.0 { 0f64.copysign(a / b) } else { quotient.round_ties_even() }
}

//! Sine, cosine, tangent.

use super::{Tables, Vector, abs, constants, negative, polynomial};
use crate::arch::{Bits, Mask};

/// A value as a sum of two numbers, the second what the first lost.
type Parts<V> = (V, V);

/// x as `n pi/2 + r + low` with |r| of at most pi/4, and n + MAGIC (Cody and Waite; pi/2 in three parts). Right up to
/// TRIGONOMETRIC_LIMIT.
///
/// The first difference is exact: it is a multiple of the last place of the first part, and not larger than 1. The
/// second is rounded once, however much cancels. The third counts where r is tiny.
#[inline(always)]
fn split_by_half_pi<V: Vector>(isa: V::Isa, x: V) -> (V, V, V) {
    let magic = V::constant(isa, V::Scalar::MAGIC);
    let whole = x.mul_add(V::constant(isa, std::f64::consts::FRAC_2_PI), magic);
    let n = whole.sub(magic);
    let [a, b, c]: [V; 3] = constants(isa, V::Scalar::HALF_PI);
    let (a, b, c) = (negative(a), negative(b), negative(c));
    let first = n.mul_add(a, x);
    (n.mul_add(b, first), n.mul(c), whole)
}

/// The sine of r + low as r and the rest.
#[inline(always)]
fn sine_of_rest<V: Vector>(isa: V::Isa, (r, low): Parts<V>) -> Parts<V> {
    let square = r.mul(r);
    (r, square.mul(r).mul_add(polynomial(isa, square, V::Scalar::SIN), low))
}

/// The cosine of r + low as its first terms, rounded, and the rest.
#[inline(always)]
fn cosine_of_rest<V: Vector>(isa: V::Isa, (r, low): Parts<V>) -> Parts<V> {
    let (one, minus_half) = (V::constant(isa, 1.0), V::constant(isa, -0.5));
    let square = r.mul(r);
    let line = square.mul_add(minus_half, one);
    let lost = square.mul_add(minus_half, one.sub(line));
    let bend = square.mul(square).mul_add(polynomial(isa, square, V::Scalar::COS), lost);
    (line, negative(r).mul_add(low, bend))
}

/// The function of large elements, by the library for scalars.
#[inline(always)]
fn with_large<V: Vector>(isa: V::Isa, x: V, y: V, scalar: fn(f64) -> f64) -> V {
    let size = abs(x);
    let large = V::constant(isa, V::Scalar::TRIGONOMETRIC_LIMIT).lt(size);
    if !large.and(size.lt(V::constant(isa, f64::INFINITY))).any() {
        return y;
    }
    let (mut xs, mut ys) = (V::zeros(), V::zeros());
    x.store(&mut xs);
    y.store(&mut ys);
    replace_large(xs.as_ref(), ys.as_mut(), scalar);
    V::load(isa, &ys)
}

/// Element by element, and apart from the vectors, whose code it would swell.
#[cold]
#[inline(never)]
fn replace_large<T: Tables>(xs: &[T], ys: &mut [T], scalar: fn(f64) -> f64) {
    for (x, y) in xs.iter().zip(ys) {
        let wide = x.to_f64();
        if wide.is_finite() && wide.abs() > T::TRIGONOMETRIC_LIMIT {
            *y = T::from_f64(scalar(wide));
        }
    }
}

/// Where n is odd, from n + MAGIC.
#[inline(always)]
fn is_odd<V: Vector>(isa: V::Isa, whole: V) -> V::Mask {
    let bits = whole.bits();
    // The exponent bit makes a tiny number of 1 and a zero of 0.
    let odd = bits.and(bits.splat_like(V::Scalar::WHOLE_ONE)).to_exponent().real();
    V::constant(isa, 0.0).lt(odd)
}

/// y, negated where n has bit 1 set, from n + MAGIC.
#[inline(always)]
fn turned<V: Vector>(y: V, whole: V::Bits) -> V {
    let two = whole.splat_like(V::Scalar::WHOLE_TWO);
    y.bits().xor(whole.and(two).to_sign()).real()
}

/// Sine of radians. 1.6 ulp.
#[inline(always)]
pub(crate) fn sin<V: Vector>(isa: V::Isa, x: V) -> V {
    let (r, low, whole) = split_by_half_pi(isa, x);
    let (sin, sin_rest) = sine_of_rest(isa, (r, low));
    let (cos, cos_rest) = cosine_of_rest(isa, (r, low));
    let odd = is_odd(isa, whole);
    let y = cos.or_else(odd, sin).add(cos_rest.or_else(odd, sin_rest));
    let y = x.or_else(x.eq(V::constant(isa, 0.0)), turned(y, whole.bits()));
    with_large(isa, x, y, libm::sin)
}

/// Cosine of radians. 1.6 ulp.
#[inline(always)]
pub(crate) fn cos<V: Vector>(isa: V::Isa, x: V) -> V {
    let (r, low, whole) = split_by_half_pi(isa, x);
    let (sin, sin_rest) = sine_of_rest(isa, (r, low));
    let (cos, cos_rest) = cosine_of_rest(isa, (r, low));
    let odd = is_odd(isa, whole);
    let y = sin.or_else(odd, cos).add(sin_rest.or_else(odd, cos_rest));
    let whole = whole.bits();
    let y = turned(y, whole.add(whole.splat_like(V::Scalar::WHOLE_ONE)));
    with_large(isa, x, y, libm::cos)
}

/// Tangent of radians, the quotient of the two, corrected by its remainder. 1.9 ulp.
#[inline(always)]
pub(crate) fn tan<V: Vector>(isa: V::Isa, x: V) -> V {
    let (r, low, whole) = split_by_half_pi(isa, x);
    let odd = is_odd(isa, whole);
    let (sin, sin_low) = normalised(sine_of_rest(isa, (r, low)));
    let (cos, cos_low) = normalised(cosine_of_rest(isa, (r, low)));
    let (up, up_low) = (cos.or_else(odd, sin), cos_low.or_else(odd, sin_low));
    let (down, down_low) = (sin.or_else(odd, cos), sin_low.or_else(odd, cos_low));
    let share = V::constant(isa, 1.0).div(down);
    let q = up.mul(share);
    let minus_q = negative(q);
    let remainder = minus_q.mul_add(down, up).add(minus_q.mul_add(down_low, up_low));
    let y = remainder.mul_add(share, q);
    // Of an odd n it is -1 / tan.
    let y = negative(y).or_else(odd, y);
    let y = x.or_else(x.eq(V::constant(isa, 0.0)), y);
    with_large(isa, x, y, libm::tan)
}

/// The parts whose first is the sum, rounded.
#[inline(always)]
fn normalised<V: Vector>((high, low): Parts<V>) -> Parts<V> {
    let sum = high.add(low);
    (sum, low.sub(sum.sub(high)))
}

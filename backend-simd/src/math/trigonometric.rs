//! Sine, cosine, tangent.

use super::{Tables, Vector, polynomial};
use crate::arch::{Bits, Mask, Scalar};

/// A value as a sum of two numbers, the second what the first lost.
type Parts<V> = (V, V);

/// Sine and cosine of r = x - n pi/2 in [-pi/4, pi/4], and n as a whole number. Where x is too large for three
/// parts of pi/2, its own remainder is found by the C library's method, element by element.
#[inline(always)]
fn reduced<V: Vector>(isa: V::Isa, x: V) -> (Parts<V>, Parts<V>, V) {
    let n = x.mul(V::constant(isa, std::f64::consts::FRAC_2_PI)).round();
    let [a, b, c] = V::Scalar::HALF_PI;
    let first = n.mul_add(V::constant(isa, -a), x);
    // The second product in two parts, and what the difference lost (Knuth's TwoSum), which matters near a
    // multiple of pi/2, where the first difference is small.
    let p = n.mul(V::constant(isa, -b));
    let p_low = n.mul_add(V::constant(isa, -b), V::constant(isa, 0.0).sub(p));
    let r = first.add(p);
    let seen = r.sub(first);
    let lost = first.sub(r.sub(seen)).add(p.sub(seen));
    let low = n.mul_add(V::constant(isa, -c), lost.add(p_low));
    let square = r.mul(r);
    let bend = square.mul(r).mul_add(polynomial(isa, square, V::Scalar::SIN), low);
    let sin = r.add(bend);
    let sin = (sin, bend.sub(sin.sub(r)));
    let (one, half) = (V::constant(isa, 1.0), square.mul(V::constant(isa, 0.5)));
    let line = one.sub(half);
    let bend = square.mul(square).mul(polynomial(isa, square, V::Scalar::COS)).sub(r.mul(low));
    let rest = one.sub(line).sub(half).add(bend);
    let cos = line.add(rest);
    let cos = (cos, rest.sub(cos.sub(line)));
    (sin, cos, n)
}

/// The function of large elements, by the library for scalars.
#[inline(always)]
fn with_large<V: Vector>(isa: V::Isa, x: V, y: V, scalar: fn(f64) -> f64) -> V {
    let zero = V::constant(isa, 0.0);
    let size = x.max_or_second(zero.sub(x));
    let fits = size.le(V::constant(isa, V::Scalar::TRIGONOMETRIC_LIMIT));
    if !fits.not().any() {
        return y;
    }
    let (mut xs, mut ys) = (V::zeros(), V::zeros());
    x.store(&mut xs);
    y.store(&mut ys);
    for (x, y) in xs.as_ref().iter().zip(ys.as_mut()) {
        let wide = x.to_f64();
        // NaN and infinities too.
        if !(wide.abs() <= V::Scalar::TRIGONOMETRIC_LIMIT) {
            *y = V::Scalar::from_f64(scalar(wide));
        }
    }
    V::load(isa, &ys)
}

/// Chooses by the quadrant: where bit 0 of n is set `odd` else `even`, negated where `n + shift` has bit 1 set.
#[inline(always)]
fn by_quadrant<V: Vector>(isa: V::Isa, n: V, even: V, odd: V, shift: f64) -> V {
    let magic = V::constant(isa, V::Scalar::MAGIC);
    let whole = n.add(magic).bits();
    let one = whole.splat_like(V::Scalar::WHOLE_ONE);
    let is_odd = whole.and(one).to_exponent().real();
    // The exponent bit makes a tiny number of 1 and a zero of 0.
    let y = odd.or_else(V::constant(isa, 0.0).lt(is_odd), even);
    let turned = n.add(V::constant(isa, shift)).add(magic).bits();
    let two = turned.splat_like(V::Scalar::WHOLE_TWO);
    let sign = turned.and(two).to_sign();
    y.bits().xor(sign).real()
}

/// Sine of radians.
#[inline(always)]
pub(crate) fn sin<V: Vector>(isa: V::Isa, x: V) -> V {
    let ((sin, _), (cos, _), n) = reduced(isa, x);
    let y = by_quadrant(isa, n, sin, cos, 0.0);
    let y = x.or_else(x.eq(V::constant(isa, 0.0)), y);
    with_large(isa, x, y, libm::sin)
}

/// Cosine of radians.
#[inline(always)]
pub(crate) fn cos<V: Vector>(isa: V::Isa, x: V) -> V {
    let ((sin, _), (cos, _), n) = reduced(isa, x);
    let y = by_quadrant(isa, n, cos, sin, 1.0);
    with_large(isa, x, y, libm::cos)
}

/// Tangent of radians.
#[inline(always)]
pub(crate) fn tan<V: Vector>(isa: V::Isa, x: V) -> V {
    let (sin, cos, n) = reduced(isa, x);
    let up = by_quadrant(isa, n, sin.0, cos.0, 0.0);
    let up_low = by_quadrant(isa, n, sin.1, cos.1, 0.0);
    let down = by_quadrant(isa, n, cos.0, sin.0, 1.0);
    let down_low = by_quadrant(isa, n, cos.1, sin.1, 1.0);
    // The quotient, corrected by its remainder.
    let share = V::constant(isa, 1.0).div(down);
    let q = up.mul(share);
    let minus_q = V::constant(isa, 0.0).sub(q);
    let remainder = minus_q.mul_add(down, up).add(minus_q.mul_add(down_low, up_low));
    let y = x.or_else(x.eq(V::constant(isa, 0.0)), remainder.mul_add(share, q));
    with_large(isa, x, y, libm::tan)
}

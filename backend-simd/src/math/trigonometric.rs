//! Sine, cosine, tangent.

use super::{Tables, Vector, polynomial};
use crate::arch::{Bits, Mask, Scalar};

/// Sine and cosine of r = x - n pi/2 in [-pi/4, pi/4], and n as a whole number. Where x is too large for three
/// parts of pi/2, its own remainder is found by the C library's method, element by element.
#[inline(always)]
fn reduced<V: Vector>(isa: V::Isa, x: V) -> (V, V, V) {
    let n = x.mul(V::constant(isa, std::f64::consts::FRAC_2_PI)).round();
    let [a, b, c] = V::Scalar::HALF_PI;
    let r = n.mul_add(V::constant(isa, -a), x);
    let r = n.mul_add(V::constant(isa, -b), r);
    let r = n.mul_add(V::constant(isa, -c), r);
    let square = r.mul(r);
    let sin = square.mul(r).mul_add(polynomial(isa, square, V::Scalar::SIN), r);
    let line = square.mul_add(V::constant(isa, -0.5), V::constant(isa, 1.0));
    let cos = square.mul(square).mul_add(polynomial(isa, square, V::Scalar::COS), line);
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
    let (sin, cos, n) = reduced(isa, x);
    let y = by_quadrant(isa, n, sin, cos, 0.0);
    let y = x.or_else(x.eq(V::constant(isa, 0.0)), y);
    with_large(isa, x, y, libm::sin)
}

/// Cosine of radians.
#[inline(always)]
pub(crate) fn cos<V: Vector>(isa: V::Isa, x: V) -> V {
    let (sin, cos, n) = reduced(isa, x);
    let y = by_quadrant(isa, n, cos, sin, 1.0);
    with_large(isa, x, y, libm::cos)
}

/// Tangent of radians.
#[inline(always)]
pub(crate) fn tan<V: Vector>(isa: V::Isa, x: V) -> V {
    let (sin, cos, n) = reduced(isa, x);
    let up = by_quadrant(isa, n, sin, cos, 0.0);
    let down = by_quadrant(isa, n, cos, sin, 1.0);
    let y = x.or_else(x.eq(V::constant(isa, 0.0)), up.div(down));
    with_large(isa, x, y, libm::tan)
}

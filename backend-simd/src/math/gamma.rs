//! The logarithm of the gamma function, its derivative, and sin(pi x) / (pi x). In f64 alone: of f32 they are computed
//! there, since next to their zeros nothing but more digits helps.

use std::f64::consts::{FRAC_1_PI, PI};

use super::logarithm::log;
use super::trigonometric::{sin, tan};
use super::{Tables, Vector, abs, negative, polynomial};
use crate::arch::Mask;

/// From here on the asymptotic series serve.
const FAR: f64 = 8.0;

/// x in [5/2, 8) without its k steps down to [3/2, 5/2], the product `P = (x - 1) .. (x - k)`, and S so that S / P is the
/// sum of `1 / (x - i)`. Of a smaller x, which takes none: x, 1 and 0.
#[inline(always)]
fn descend<V: Vector>(isa: V::Isa, x: V) -> (V, V, V) {
    let (zero, one) = (V::constant(isa, 0.0), V::constant(isa, 1.0));
    let most = V::constant(isa, FAR - 2.0);
    let steps = most.min_or_second(zero.max_or_second(x.round().sub(V::constant(isa, 2.0))));
    let (mut product, mut sum) = (one, zero);
    if one.le(steps).any() {
        let mut i = 1.0;
        while i <= FAR - 2.0 {
            let (step, taken) = (V::constant(isa, i), V::constant(isa, i).le(steps));
            let factor = x.sub(step).or_else(taken, one);
            sum = sum.mul_add(factor, product.or_else(taken, zero));
            product = product.mul(factor);
            i += 1.0;
        }
    }
    (x.sub(steps), product, sum)
}

/// `log(|gamma(x)|)`. Of positive x 3 ulp, below zero that of the terms that cancel there.
///
/// From 5/4 to 5/2 (x - 2) times a polynomial; on both sides of it by `gamma(x + 1) = x gamma(x)`, up to 8, from where
/// on Stirling's series serves.
#[inline(always)]
pub(crate) fn lgamma<V: Vector>(isa: V::Isa, x: V) -> V {
    let (zero, one, infinity) =
        (V::constant(isa, 0.0), V::constant(isa, 1.0), V::constant(isa, f64::INFINITY));
    let size = abs(x);
    let far = V::constant(isa, FAR).le(size);
    // One step up below 5/4, from where on two terms would cancel, two below 1/2.
    let (up, up_twice) = (size.lt(V::constant(isa, 1.25)), size.lt(V::constant(isa, 0.5)));
    let (rest, product, _) = descend(isa, size);
    let product = size.mul_add(size, size).or_else(up_twice, size.or_else(up, product));
    let u = rest.sub(V::constant(isa, 2.0));
    let u = size.or_else(up_twice, size.sub(one).or_else(up, u));
    let log_of = log(isa, size.or_else(far, product));
    let near = u.mul(polynomial(isa, u, V::Scalar::LGAMMA));
    let mut y = near.add(negative(log_of).or_else(up, log_of));
    if far.any() {
        // (x - 1/2) (log(x) - 1) + (log(2 pi) - 1) / 2 + series / x
        let share = one.div(size);
        let series = polynomial(isa, share.mul(share), V::Scalar::LGAMMA_FAR);
        let half = V::constant(isa, 0.5);
        let constant = V::constant(isa, 0.418_938_533_204_672_7);
        let stirling = size.sub(half).mul_add(log_of.sub(one), series.mul_add(share, constant));
        y = infinity.or_else(size.eq(infinity), stirling).or_else(far, y);
    }
    let below = x.lt(zero);
    if below.any() {
        // gamma(x) gamma(-x) = -pi / (x sin(pi x))
        let sine = abs(sin(isa, size.sub(size.round()).mul(V::constant(isa, PI))));
        let reflected = negative(log(isa, size.mul(sine.mul(V::constant(isa, FRAC_1_PI))))).sub(y);
        // Closer to zero gamma(x) is 1 / x.
        let reflected = y.or_else(size.lt(V::constant(isa, 1e-17)), reflected);
        let pole = size.round().eq(size);
        y = infinity.or_else(pole, reflected).or_else(below, y);
    }
    y
}

/// The positive zero of digamma, as a number and the rest of it.
const ROOT: [f64; 2] = [1.461_632_144_968_362_2, 9.549_995_429_965_697e-17];

/// `gamma'(x) / gamma(x)`. Of positive x 3 ulp; below zero that of the terms that cancel there, below -3/2 and of 1 - x.
///
/// From 1 to 5/2 (x - its zero) times a polynomial; on both sides of it by `digamma(x + 1) = digamma(x) + 1 / x`, up to 8,
/// from where on the asymptotic series serves.
#[inline(always)]
pub(crate) fn digamma<V: Vector>(isa: V::Isa, x: V) -> V {
    let (zero, one, half) = (V::constant(isa, 0.0), V::constant(isa, 1.0), V::constant(isa, 0.5));
    let below = x.lt(zero);
    let size = one.sub(x).or_else(below, x);
    let (far, up) = (V::constant(isa, FAR).le(size), size.lt(one));
    let (rest, product, sum) = descend(isa, size);
    // That of x + 1 without rounding it, where that counts.
    let from = V::constant(isa, ROOT[0] - 1.0).or_else(up, V::constant(isa, ROOT[0]));
    let lost = one.sub(size).sub(x).or_else(below, zero);
    let h = rest.sub(from).add(lost.sub(V::constant(isa, ROOT[1])));
    let t = rest.sub(V::constant(isa, 0.75).or_else(up, V::constant(isa, 1.75)));
    let down = size.or_else(up.or(far), product);
    let share = one.or_else(far, V::constant(isa, -1.0).or_else(up, sum)).div(down);
    let mut y = h.mul_add(polynomial(isa, t, V::Scalar::DIGAMMA), share);
    if far.any() {
        let square = share.mul(share);
        let series = square.mul(polynomial(isa, square, V::Scalar::DIGAMMA_FAR));
        let asymptotic = log(isa, size).add(negative(half).mul_add(share, series));
        y = asymptotic.or_else(far, y);
    }
    if below.any() {
        // digamma(1 - x) - pi / tan(pi x). The distance to the nearest whole number is exact, and so is its difference to 1/2.
        let part = x.sub(x.round());
        let distance = abs(part);
        let beyond = V::constant(isa, 0.25).lt(distance);
        let angle = half.sub(distance).or_else(beyond, distance).mul(V::constant(isa, PI));
        let tangent = tan(isa, angle);
        let cotangent = tangent.or_else(beyond, one.div(tangent));
        let cotangent = negative(cotangent).or_else(part.lt(zero), cotangent);
        let reflected = negative(V::constant(isa, PI)).mul_add(cotangent, y);
        let pole = x.floor().eq(x);
        y = V::constant(isa, f64::NAN).or_else(pole, reflected).or_else(below, y);
    }
    y
}

/// `sin(pi x) / (pi x)`, and 1 at zero. The product is rounded, as PyTorch's is in f64.
#[inline(always)]
pub(crate) fn sinc<V: Vector>(isa: V::Isa, x: V) -> V {
    let angle = x.mul(V::constant(isa, PI));
    let y = sin(isa, angle).div(angle);
    V::constant(isa, 1.0).or_else(x.eq(V::constant(isa, 0.0)), y)
}

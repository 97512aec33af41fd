//! Powers and other functions of two operands.

use super::exponential::{exp2_of_rest, scale_by_whole};
use super::logarithm::{log, split_any};
use super::logistic::log1p_exp_negative;
use super::{Tables, Vector, abs, constants, negative, polynomial};
use crate::arch::{Bits, Mask, Scalar};

/// A value as a sum of two numbers, the second what the first lost.
type Parts<V> = (V, V);

/// The sum of two numbers, the first the larger, and what it lost (Dekker).
#[inline(always)]
fn sum_of<V: Vector>(a: V, b: V) -> Parts<V> {
    let sum = a.add(b);
    (sum, b.sub(sum.sub(a)))
}

/// The product of two numbers and what it lost.
#[inline(always)]
fn product_of<V: Vector>(a: V, b: V) -> Parts<V> {
    let product = a.mul(b);
    (product, a.mul_add(b, negative(product)))
}

/// The product of two numbers in two parts.
#[inline(always)]
fn product_of_parts<V: Vector>(a: Parts<V>, b: Parts<V>) -> Parts<V> {
    let (high, low) = product_of(a.0, b.0);
    (high, a.0.mul_add(b.1, a.1.mul_add(b.0, low)))
}

/// `log2(x)` in two parts, for x > 0: twice as many digits as a number has, less about 5 bits.
///
/// log(1 + f) = 2 s + s^3 (2/3 + s^2 R(s^2)) with s = f / (2 + f), all but R in two parts.
#[inline(always)]
fn log2_parts<V: Vector>(isa: V::Isa, x: V) -> Parts<V> {
    let (n, m, _) = split_any(isa, x);
    let (one, two) = (V::constant(isa, 1.0), V::constant(isa, 2.0));
    let f = m.sub(one);
    let (down, lost) = sum_of(two, f);
    let share = one.div(down);
    let s = f.mul(share);
    let minus_s = negative(s);
    let s = (s, minus_s.mul_add(lost, minus_s.mul_add(down, f)).mul(share));
    let (square, square_low) = product_of(s.0, s.0);
    let square = (square, s.0.add(s.0).mul_add(s.1, square_low));
    let [third, third_low]: [V; 2] = constants(isa, V::Scalar::TWO_THIRDS);
    let tail = square.0.mul(polynomial(isa, square.0, V::Scalar::LOG_TAIL));
    let (high, low) = sum_of(third, tail);
    let bend = product_of_parts(square, (high, low.add(third_low)));
    let bend = product_of_parts(bend, s);
    let (high, low) = sum_of(s.0.add(s.0), bend.0);
    let low = low.add(s.1.mul_add(two, bend.1));
    let [factor, factor_low]: [V; 2] = constants(isa, V::Scalar::LOG2_E);
    let (high, low) = product_of_parts((high, low), (factor, factor_low));
    // Where n is not 0 it is larger.
    let (sum, lost) = sum_of(n, high);
    sum_of(sum, lost.add(low))
}

/// An exponent whose power is a few operations.
#[derive(Clone, Copy)]
enum ShortPower {
    /// `1 / x`.
    Inverse,
    /// The root.
    Half,
    /// x itself.
    One,
    /// `x x`.
    Two,
    /// `x x x`.
    Three,
}

impl ShortPower {
    /// Every one with its exponent.
    const ALL: [(Self, f64); 5] = [
        (ShortPower::Inverse, -1.0),
        (ShortPower::Half, 0.5),
        (ShortPower::One, 1.0),
        (ShortPower::Two, 2.0),
        (ShortPower::Three, 3.0),
    ];

    /// The power of x.
    #[inline(always)]
    fn raise<V: Vector>(self, isa: V::Isa, x: V) -> V {
        match self {
            ShortPower::Inverse => V::constant(isa, 1.0).div(x),
            ShortPower::Half => {
                // By IEEE 754 the power of -inf is inf and that of -0 is 0.
                let infinite = x.eq(V::constant(isa, f64::NEG_INFINITY));
                let root = x.add(V::constant(isa, 0.0)).sqrt();
                negative(x).or_else(infinite, root)
            }
            ShortPower::One => x,
            ShortPower::Two => x.mul(x),
            ShortPower::Three => x.mul(x).mul(x),
        }
    }
}

/// `x^y`, with the special cases of IEEE 754: `2^(y log2|x|)`, the exponent in two parts. 0.92 ulp.
#[inline(always)]
pub(crate) fn pow<V: Vector>(isa: V::Isa, x: V, y: V) -> V {
    // Often all exponents are one number.
    let mut short = y.eq(V::constant(isa, ShortPower::ALL[0].1));
    for (_, exponent) in &ShortPower::ALL[1..] {
        short = short.or(y.eq(V::constant(isa, *exponent)));
    }
    let short = short.any();
    if short {
        for (power, exponent) in ShortPower::ALL {
            if !y.eq(V::constant(isa, exponent)).not().any() {
                return power.raise(isa, x);
            }
        }
    }
    let (zero, one) = (V::constant(isa, 0.0), V::constant(isa, 1.0));
    let infinity = V::constant(isa, f64::INFINITY);
    let size = abs(x);
    let log = log2_parts(isa, size);
    // The logarithm of what has none in two parts.
    let is_zero = size.eq(zero);
    let edge = is_zero.or(size.eq(infinity));
    let high = negative(infinity).or_else(is_zero, size.or_else(edge, log.0));
    let exponent = y.mul(high);
    let low = y.mul_add(log.1, y.mul_add(high, negative(exponent)));
    // Of exponents beyond these, and of infinite ones, the power is 0 or infinite.
    let limit = V::constant(isa, V::Scalar::BIAS + 2.0 * V::Scalar::LIFT[1]);
    let beyond = limit.lt(abs(exponent));
    let bounded = zero.or_else(beyond, exponent);
    let magic = V::constant(isa, V::Scalar::MAGIC);
    let whole = bounded.add(magic);
    let rest = bounded.sub(whole.sub(magic)).add(low);
    let power = scale_by_whole(isa, exp2_of_rest(isa, rest), whole);
    let power = infinity.or_else(zero.lt(exponent), zero).or_else(beyond, power);
    // Of a negative base: the sign for odd exponents, nothing for exponents that are not whole.
    let whole = y.trunc().eq(y);
    let half = y.mul(V::constant(isa, 0.5));
    let odd = half.trunc().eq(half).not().and(whole);
    let sign = x.bits().and(x.bits().splat_like(V::Scalar::SIGN)).real();
    let power = sign.or_else(odd, zero).bits().or(power.bits()).real();
    let none = x.lt(zero).and(whole.not()).and(edge.not());
    let power = V::constant(isa, f64::NAN).or_else(none, power);
    let power = x.add(y).or_else(x.unordered(y), power);
    // Whatever the other operand, NaN too; and -1 to an infinite exponent.
    let unit = y.eq(zero).or(x.eq(one)).or(size.eq(one).and(abs(y).eq(infinity)));
    let mut power = one.or_else(unit, power);
    if short {
        for (short, exponent) in ShortPower::ALL {
            power = short.raise(isa, x).or_else(y.eq(V::constant(isa, exponent)), power);
        }
    }
    power
}

/// `sqrt(a^2 + b^2)` without overflow on the way; infinite where either is, whatever the other. 1.0 ulp.
#[inline(always)]
pub(crate) fn hypot<V: Vector>(isa: V::Isa, a: V, b: V) -> V {
    let (one, infinity) = (V::constant(isa, 1.0), V::constant(isa, f64::INFINITY));
    let (a, b) = (abs(a), abs(b));
    let larger = a.max_or_second(b);
    // Powers of two that bring the squares into the middle of the range.
    let far = V::Scalar::BIAS * 0.5;
    let large = V::constant(isa, (far - 2.0).floor().exp2()).lt(larger);
    let small = larger.lt(V::constant(isa, (-far * 0.5).floor().exp2()));
    let (down, up) = ((-far - 4.0).floor().exp2(), (far + 26.0).floor().exp2());
    let factor = V::constant(isa, down).or_else(large, V::constant(isa, up).or_else(small, one));
    let back = V::constant(isa, 1.0 / down).or_else(large, V::constant(isa, 1.0 / up).or_else(small, one));
    let (x, y) = (a.mul(factor), b.mul(factor));
    // The larger square is the one that is not rounded by itself.
    let swap = x.lt(y);
    let (x, y) = (y.or_else(swap, x), x.or_else(swap, y));
    let root = x.mul_add(x, y.mul(y)).sqrt().mul(back);
    infinity.or_else(a.eq(infinity).or(b.eq(infinity)), root)
}

/// `log(e^a + e^b)`, from the larger one, of which no exponential is taken. Where the two cancel the error is
/// one of the larger.
#[inline(always)]
pub(crate) fn logaddexp<V: Vector>(isa: V::Isa, a: V, b: V) -> V {
    let top = a.max_or_second(b);
    let y = top.add(log1p_exp_negative(isa, abs(a.sub(b))));
    // Equal infinities have no difference.
    let y = top.or_else(abs(top).eq(V::constant(isa, f64::INFINITY)), y);
    a.add(b).or_else(a.unordered(b), y)
}

/// `log2(2^a + 2^b)`, as [`logaddexp`].
#[inline(always)]
pub(crate) fn logaddexp2<V: Vector>(isa: V::Isa, a: V, b: V) -> V {
    let top = a.max_or_second(b);
    // ln 2 in two parts: an error of the exponent is one of the result.
    let high = V::Scalar::from_f64(std::f64::consts::LN_2).to_f64();
    let low = (std::f64::consts::LN_2 - high) + 2.319_046_813_846_299_6e-17;
    // Beyond, the smaller one has long been nothing; an infinite difference would lose NaN.
    let difference = V::constant(isa, 4096.0).min_or_second(abs(a.sub(b)));
    let high = V::constant(isa, high);
    let distance = difference.mul(high);
    let lost = difference.mul_add(high, negative(distance)).add(difference.mul(V::constant(isa, low)));
    let y = log1p_exp_negative(isa, distance);
    // Where y is not about e^-distance, the distance is so small that nothing is lost.
    let y = negative(lost).mul_add(y, y).mul_add(V::constant(isa, std::f64::consts::LOG2_E), top);
    let y = top.or_else(abs(top).eq(V::constant(isa, f64::INFINITY)), y);
    a.add(b).or_else(a.unordered(b), y)
}

/// `a log(b)`, and 0 where a is 0, unless b is NaN. 1.8 ulp.
#[inline(always)]
pub(crate) fn xlogy<V: Vector>(isa: V::Isa, a: V, b: V) -> V {
    let zero = V::constant(isa, 0.0);
    let y = a.mul(log(isa, b));
    zero.or_else(a.eq(zero).and(b.eq(b)), y)
}

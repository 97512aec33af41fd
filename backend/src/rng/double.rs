//! Double precision functions of the Box-Muller pairs, bit for bit those that PyTorch calls.
//!
//! PyTorch calls the C library; on x86-64 with AVX2 and FMA, glibc 2.36 computes `log1p` as fdlibm
//! does (Sun Microsystems, s_log1p.c) and the sine and the cosine from a table and two short
//! polynomials (the IBM Accurate Mathematical Library), with those products and sums fused that the
//! compiler fused. Which ones was read off the machine code.

/// `ln(1 - x)` of `0 <= x < 1`.
///
/// `1 - x = 2^k (1 + f)` with `1 + f` in `[sqrt(1/2), sqrt(2))`; then, with `s = f / (2 + f)`,
/// `ln(1 + f) = f - f^2 / 2 + s (f^2 / 2 + P(s^2))`.
#[inline(always)]
pub(super) fn ln_one_minus(x: f64) -> f64 {
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const P: [f64; 7] = [
        6.666_666_666_666_735e-1,
        3.999_999_999_940_942e-1,
        2.857_142_874_366_239e-1,
        2.222_219_843_214_978_4e-1,
        1.818_357_216_161_805e-1,
        1.531_383_769_920_937_3e-1,
        1.479_819_860_511_658_6e-1,
    ];
    /// The high half of the bits of a number, by which the intervals are told apart.
    fn high(value: f64) -> u32 {
        (value.to_bits() >> 32) as u32
    }
    const TINY: u32 = 0x3c90_0000;
    const SMALL: u32 = 0x3e20_0000;
    const NO_SHIFT: u32 = 0x3fd2_bec3;
    const SQRT_2: u32 = 0x0006_a09e;
    const FRACTION: u32 = 0x000f_ffff;
    const LOW_HALF: u64 = 0xffff_ffff;

    let size = high(x);
    if size < TINY {
        return -x;
    }
    if size < SMALL {
        return (x * x).mul_add(-0.5, -x);
    }

    // `1 + f` is `2^-k` times the rounded `1 - x`; `correction` makes up for the rounding.
    let (f, k, correction, near_one) = if size <= NO_SHIFT {
        (-x, 0.0, 0.0, false)
    } else {
        let rounded = 1.0 - x;
        let correction = (-x - (rounded - 1.0)) / rounded;
        let fraction = high(rounded) & FRACTION;
        let exponent = (high(rounded) >> 20) as i32 - 1023;
        let upper = fraction >= SQRT_2;
        let head = u64::from(fraction | if upper { 0x3fe0_0000 } else { 0x3ff0_0000 });
        let scaled = f64::from_bits(head << 32 | rounded.to_bits() & LOW_HALF);
        let distance = if upper { (FRACTION + 1 - fraction) >> 2 } else { fraction };
        (scaled - 1.0, f64::from(exponent + i32::from(upper)), correction, distance == 0)
    };

    let half_square = 0.5 * f * f;
    if near_one {
        let low = k.mul_add(LN2_LOW, correction);
        if f == 0.0 {
            return k.mul_add(LN2_HIGH, low);
        }
        let rest = half_square * f.mul_add(-2.0 / 3.0, 1.0);
        return k.mul_add(LN2_HIGH, -((rest - low) - f));
    }
    let s = f / (f + 2.0);
    let z = s * s;
    let z2 = z * z;
    let z4 = z2 * z2;
    let [a, b, c] = [1, 3, 5].map(|index| z.mul_add(P[index + 1], P[index]));
    let sum = (z2 * z4).mul_add(c, z4.mul_add(b, z.mul_add(P[0], z2 * a)));
    let rest = s * (half_square + sum);
    if k == 0.0 {
        return f - (half_square - rest);
    }
    let low = k.mul_add(LN2_LOW, correction) + rest;
    k.mul_add(LN2_HIGH, -((half_square - low) - f))
}

/// The sine and the cosine of `0 <= x < 10^8`.
#[inline(always)]
pub(super) fn sin_cos(x: f64) -> (f64, f64) {
    // The bounds are those of the high half of the bits in the reference.
    const FIRST: u64 = 0x3feb_6000 << 32;
    const SECOND: u64 = 0x4003_68fd << 32;
    const TINY: u64 = 0x3e40_0000 << 32;
    const QUARTER: [f64; 2] = [std::f64::consts::FRAC_PI_2, 6.123_233_995_736_766e-17];

    /// Not a quadrant: the angle counts down from a quarter turn.
    const MIRRORED: u64 = 4;
    let (quadrant, high, low) = match x.to_bits() {
        ..TINY => return (x, 1.0),
        TINY..FIRST => (0, x, 0.0),
        FIRST..SECOND => {
            let rest = QUARTER[0] - x;
            let high = rest + QUARTER[1];
            (MIRRORED, high, (rest - high) + QUARTER[1])
        }
        SECOND.. => reduce(x),
    };
    let (sin, cos) = (sin_reduced(high, low), cos_reduced(high, low));
    match quadrant {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        3 => (-cos, sin),
        _ => (cos, sin),
    }
}

/// Takes the nearest multiple of `pi / 2` off: which one, modulo 4, and the rest as a sum.
#[inline(always)]
fn reduce(x: f64) -> (u64, f64, f64) {
    // pi / 2 as a sum of which all but the last are short.
    const QUARTER: [f64; 4] = [
        1.570_796_340_703_964_2,
        -1.390_906_756_437_715_3e-8,
        -4.978_996_231_479_91e-17,
        -1.903_488_962_019_326_6e-25,
    ];
    const ROUND: f64 = 6_755_399_441_055_744.0;

    let shifted = x.mul_add(std::f64::consts::FRAC_2_PI, ROUND);
    let multiple = -(shifted - ROUND);
    let first = multiple.mul_add(QUARTER[1], multiple.mul_add(QUARTER[0], x));
    let second = multiple.mul_add(QUARTER[2], first);
    let second_error = multiple.mul_add(QUARTER[2], first - second);
    let third = multiple.mul_add(QUARTER[3], second);
    let third_error = multiple.mul_add(QUARTER[3], second - third);
    (shifted.to_bits() & 3, third, second_error + third_error)
}

const SIN: [f64; 2] = [-1.666_666_666_666_648_8e-1, 8.333_332_142_857_223e-3];
const COS: [f64; 3] = [0.5, -4.166_666_666_666_644e-2, 1.388_888_740_079_376e-3];

/// The sine of `x + low`, `|x| < 0.86`: near zero a polynomial of degree 11, else the sum of the
/// angle of the table and a small one.
#[inline(always)]
fn sin_reduced(x: f64, low: f64) -> f64 {
    const TAYLOR: [f64; 5] = [
        -2.502_201_484_831_839_8e-8,
        2.755_729_806_860_771e-6,
        -1.984_126_983_441_464_2e-4,
        8.333_333_333_332_329e-3,
        -1.666_666_666_666_666_6e-1,
    ];
    if x.abs() < 0.126 {
        let square = x * x;
        let sum = TAYLOR[1..].iter().fold(TAYLOR[0], |sum, coefficient| sum.mul_add(square, *coefficient));
        let sum = sum.mul_add(x, -(0.5 * low));
        return x + square.mul_add(sum, low);
    }
    let low = if x > 0.0 { low } else { -low };
    let (entry, rest) = split(x);
    let square = rest * rest;
    let sin = (rest * square).mul_add(square.mul_add(SIN[1], SIN[0]), low) + rest;
    let one_minus_cos = low.mul_add(rest, square * square.mul_add(COS[2], COS[1]).mul_add(square, COS[0]));
    let correction = sin.mul_add(entry.cos[1], entry.sin[1]);
    let correction = one_minus_cos.mul_add(-entry.sin[0], correction);
    let correction = sin.mul_add(entry.cos[0], correction);
    (entry.sin[0] + correction).copysign(x)
}

/// The cosine of `x + low`, `|x| < 0.86`.
#[inline(always)]
fn cos_reduced(x: f64, low: f64) -> f64 {
    let low = if x < 0.0 { -low } else { low };
    let (entry, rest) = split(x);
    let rest = rest + low;
    let square = rest * rest;
    let sin = (rest * square).mul_add(square.mul_add(SIN[1], SIN[0]), rest);
    let one_minus_cos = square * square.mul_add(COS[2], COS[1]).mul_add(square, COS[0]);
    let correction = sin.mul_add(-entry.sin[1], entry.cos[1]);
    let correction = one_minus_cos.mul_add(-entry.cos[0], correction);
    let correction = sin.mul_add(-entry.sin[0], correction);
    entry.cos[0] + correction
}

/// The sine and the cosine of one angle, each the sum of two numbers.
#[derive(Clone, Copy)]
struct Entry {
    sin: [f64; 2],
    cos: [f64; 2],
}

/// The entry of the table next to `|x| < 0.86` and how far `|x|` lies beyond it.
#[inline(always)]
fn split(x: f64) -> (&'static Entry, f64) {
    const ROUND: f64 = 52_776_558_133_248.0;
    static TABLE: [Entry; TABLE_SIZE] = table();
    let shifted = ROUND + x.abs();
    let index = (shifted.to_bits() as usize & 0x7f).min(TABLE_SIZE - 1);
    (&TABLE[index], x.abs() - (shifted - ROUND))
}

/// Angles of the table: multiples of 1/128, up to 0.86.
const TABLE_SIZE: usize = 111;

/// Computes the table in fixed point, by the power series.
const fn table() -> [Entry; TABLE_SIZE] {
    /// The binary places; leaves room for the square of an index.
    const PLACES: u32 = 112;
    /// Splits a number in fixed point.
    const fn floats(value: i128) -> [f64; 2] {
        const UNIT: f64 = f64::from_bits((1023 - PLACES as u64) << 52);
        let high = value as f64;
        [high * UNIT, (value - high as i128) as f64 * UNIT]
    }
    let mut table = [Entry { sin: [0.0; 2], cos: [0.0; 2] }; TABLE_SIZE];
    let mut index = 0;
    while index < TABLE_SIZE {
        let mut sums = [0i128; 2];
        // (-1)^(n/2) x^n / n!, for n even into the cosine, for n odd into the sine.
        let mut terms = [1i128 << PLACES, (index as i128) << (PLACES - 7)];
        let mut n = 0;
        while terms[0] != 0 {
            sums[0] += terms[0];
            sums[1] += terms[1];
            let square = (index * index) as i128;
            terms[0] = -(terms[0] * square / (128 * 128 * (n + 1) * (n + 2)));
            terms[1] = -(terms[1] * square / (128 * 128 * (n + 2) * (n + 3)));
            n += 2;
        }
        table[index] = Entry { sin: floats(sums[1]), cos: floats(sums[0]) };
        index += 1;
    }
    table
}

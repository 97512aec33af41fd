//! The natural logarithm in double precision, correctly rounded but for one case in thousands.
//!
//! glibc's `log`, which PyTorch calls, is within 0.52 ulp of the true value by means of a table that
//! was searched for. This one is within about 0.5001 ulp by carrying the sum in two numbers; the two
//! agree in 99.9 % of all cases and differ by one ulp in the rest.
//!
//! `x = 2^k m` with `m` in `[11/16, 11/8)`; a short `c` near `1 / m` from a table, so that `c m` is
//! the sum of two numbers `1 + r` and `t`; then `ln x = k ln 2 - ln c + ln(1 + r + t)`.

/// `ln x` of a normal `x > 0`.
#[inline(always)]
pub(super) fn ln(x: f64) -> f64 {
    /// ln 2 as a sum; the first is a multiple of `2^-42`, as the first parts in the table are.
    const LN2: [f64; 2] = [f64::from_bits(0x3fe6_2e42_fefa_3800), 5.497_923_018_708_371e-14];
    /// `(ln(1 + r) - r + r^2 / 2) / r^3`.
    const SERIES: [f64; 9] = [
        1.0 / 11.0,
        -1.0 / 10.0,
        1.0 / 9.0,
        -1.0 / 8.0,
        1.0 / 7.0,
        -1.0 / 6.0,
        1.0 / 5.0,
        -1.0 / 4.0,
        1.0 / 3.0,
    ];
    static TABLE: [Entry; TABLE_SIZE] = table();

    let offset = x.to_bits().wrapping_sub(LOWEST);
    let k = (offset as i64 >> FRACTION_BITS) as f64;
    let m = f64::from_bits((offset & ((1 << FRACTION_BITS) - 1)) + LOWEST);
    let entry = &TABLE[(offset >> INDEX_SHIFT) as usize % TABLE_SIZE];

    let product = m * entry.factor;
    let t = m.mul_add(entry.factor, -product);
    let r = product - 1.0;
    let square = r * r;
    let square_error = r.mul_add(r, -square);
    let series = SERIES[1..].iter().fold(SERIES[0], |sum, coefficient| sum.mul_add(r, *coefficient));

    let exact = k * LN2[0] + entry.minus_ln[0];
    let (sum, error) = two_sum(exact, r);
    let (sum, second_error) = two_sum(sum, -0.5 * square);
    let small = k * LN2[1] + entry.minus_ln[1] + error + second_error;
    sum + (small + (t - r * t - 0.5 * square_error + square * r * series))
}

/// A sum and its rounding error, by Knuth.
#[inline(always)]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

/// What is known of one of the intervals of `m`.
#[derive(Clone, Copy)]
struct Entry {
    /// A multiple of 1/512 near the inverse of the interval; 1 next to 1.
    factor: f64,
    /// The negative logarithm of the factor as a sum.
    minus_ln: [f64; 2],
}

const FRACTION_BITS: u32 = 52;
const TABLE_SIZE: usize = 128;
const INDEX_SHIFT: u32 = FRACTION_BITS - TABLE_SIZE.ilog2();
/// The bits of 11/16.
const LOWEST: u64 = 0x3fe6_0000_0000_0000;

/// Computes the table in fixed point: `ln(n / d) = 2 artanh((n - d) / (n + d))`.
const fn table() -> [Entry; TABLE_SIZE] {
    /// The binary places; leaves room for the square of a numerator.
    const PLACES: u32 = 110;
    /// The binary places of the first part of a logarithm.
    const HIGH_PLACES: u32 = 42;
    const DENOMINATOR: i128 = 512;
    const fn power(exponent: u32) -> f64 {
        f64::from_bits((1023 - exponent as u64) << FRACTION_BITS)
    }
    let mut table = [Entry { factor: 1.0, minus_ln: [0.0; 2] }; TABLE_SIZE];
    let mut index = 0;
    while index < TABLE_SIZE {
        let middle = f64::from_bits(LOWEST + ((2 * index as u64 + 1) << (INDEX_SHIFT - 1)));
        if middle < 1.0 - 1.0 / 128.0 || middle > 1.0 + 1.0 / 128.0 {
            let numerator = (DENOMINATOR as f64 / middle + 0.5) as i128;
            let (difference, sum) = (numerator - DENOMINATOR, numerator + DENOMINATOR);
            let mut power_term = (difference << PLACES) / sum;
            let mut half_ln = 0;
            let mut n = 1;
            while power_term != 0 {
                half_ln += power_term / n;
                power_term = power_term * (difference * difference) / (sum * sum);
                n += 2;
            }
            let minus_ln = -2 * half_ln;
            let high = minus_ln >> (PLACES - HIGH_PLACES);
            let low = minus_ln - (high << (PLACES - HIGH_PLACES));
            table[index] = Entry {
                factor: numerator as f64 / DENOMINATOR as f64,
                minus_ln: [high as f64 * power(HIGH_PLACES), low as f64 * power(PLACES)],
            };
        }
        index += 1;
    }
    table
}

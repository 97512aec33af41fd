//! The exponential function in double precision.
//!
//! `e^x = 2^k e^r` with `r` in `[-ln 2 / 2, ln 2 / 2]`, and `e^r` from its series, whose sum is carried in two
//! numbers so that little more than the rounding at the end is lost: within 0.51 ulp, where the result is normal.

/// `e^x`; infinity and 0 beyond the range.
pub(super) fn exp(x: f64) -> f64 {
    /// ln 2 as a sum; the first has 32 trailing zeros.
    const LN2: [f64; 2] = [f64::from_bits(0x3fe6_2e42_fee0_0000), 1.908_214_929_270_587_7e-10];
    /// `1 / n!` from `n = 14` down to 2.
    const SERIES: [f64; 13] = [
        1.0 / 87_178_291_200.0,
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
    ];
    if x.is_nan() {
        return x;
    }
    // Beyond these the result is infinite or zero, and k stays small.
    let x = x.clamp(-750.0, 750.0);
    let k = (x * std::f64::consts::LOG2_E).round_ties_even();
    let high = (-k).mul_add(LN2[0], x);
    let low = -k * LN2[1];
    let r = high + low;
    let error = (high - r) + low;
    let series = SERIES[1..].iter().fold(SERIES[0], |sum, coefficient| sum.mul_add(r, *coefficient));
    let sum = 1.0 + r;
    let rest = (1.0 - sum) + r;
    // The error of r counts e^r times, which is near enough to 1 + r.
    let value = sum + (rest + error.mul_add(sum, r * r * series));
    // In two steps, since neither 2^k need be a normal number.
    let half = (k / 2.0).trunc();
    value * power_of_two(half) * power_of_two(k - half)
}

/// `2^k` of a whole `|k| < 1000`.
fn power_of_two(k: f64) -> f64 {
    f64::from_bits(((1023 + k as i64) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn is_within_one_unit_of_the_platforms() {
        let far = |a: f64, b: f64| a != b && (a.to_bits() as i64 - b.to_bits() as i64).abs() > 1;
        let mut differ = 0;
        for i in -700_000..700_000 {
            let x = f64::from(i) * 1.000_731e-3;
            let (ours, other) = (exp(x), x.exp());
            assert!(!far(ours, other), "exp({x}) = {ours}, not {other}");
            differ += u32::from(ours != other);
        }
        assert!(differ < 20_000, "{differ} of 1400000 differ");
    }

    #[test]
    fn ends() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f64::INFINITY), f64::INFINITY);
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
        assert_eq!(exp(710.0), f64::INFINITY);
        assert_eq!(exp(-746.0), 0.0);
        assert!(exp(f64::NAN).is_nan());
        assert!(exp(-745.0) > 0.0);
    }
}

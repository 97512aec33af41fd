//! Special functions that libm lacks: inverse error function, digamma, Hurwitz' zeta. Each from a published
//! series, in f64, within 2 units of the last place; on the negative axis within 2 units of the terms that cancel
//! there.

use crate::wide::{Number, Sum};
use std::f64::consts::{FRAC_2_SQRT_PI, PI};

/// The inverse of `erf` on [-1, 1].
///
/// Started with Winitzki's formula ("A handy approximation for the error function and its inverse", 2008; within
/// 0.2 %), then three steps of Halley's method, each of which cubes the relative error. The distance to the target is
/// measured by `erfc` above one half, where 1 - x is exact.
pub(crate) fn erfinv(x: f64) -> f64 {
    let target = x.abs();
    if target.is_nan() || target > 1.0 {
        return f64::NAN;
    }
    if target == 1.0 {
        return f64::INFINITY.copysign(x);
    }
    if target < 1e-8 {
        // The next term of the series is pi/12 x^2 times this one.
        return x / FRAC_2_SQRT_PI;
    }
    const A: f64 = 0.147;
    let log = libm::log((1.0 - target) * (1.0 + target));
    let half = 2.0 / (PI * A) + 0.5 * log;
    let mut y = ((half * half - log / A).sqrt() - half).sqrt();
    for _ in 0..3 {
        let beyond = if target > 0.5 { (1.0 - target) - libm::erfc(y) } else { libm::erf(y) - target };
        let step = beyond / (FRAC_2_SQRT_PI * libm::exp(-y * y));
        y -= step / (1.0 + y * step);
    }
    y.copysign(x)
}

/// `log(|gamma(x)|)`.
pub(crate) fn lgamma(x: f64) -> f64 {
    // libm's has poles at the negative integers only.
    if x == f64::NEG_INFINITY { f64::INFINITY } else { libm::lgamma(x) }
}

/// The positive zero of digamma, as a number and the rest of it.
const ROOT: (f64, f64) = (1.461_632_144_968_362_2, 9.549_995_429_965_697e-17);

/// Taylor's series of digamma about its positive zero `x0` (Abramowitz and Stegun 6.4.10): the coefficient of
/// `h^n` is `(-1)^(n + 1) zeta(n + 1, x0)`. For `-0.47 <= h <= 0.54`, where 40 terms leave an error of 2e-18.
const ABOUT_ROOT: [f64; 40] = [
    0.967_672_245_447_621_2,
    -0.442_763_168_983_592_1,
    0.258_499_760_955_651,
    -0.163_942_705_442_406_52,
    0.107_824_050_691_262_37,
    -0.072_199_561_256_454_71,
    0.048_804_288_164_143_11,
    -0.033_161_126_474_847_36,
    0.022_597_648_232_218_105,
    -0.015_424_765_904_948_96,
    0.010_538_791_616_612_175,
    -0.007_204_534_386_356_868,
    0.004_926_781_395_729_853,
    -0.003_369_801_655_439_328,
    0.002_305_126_326_734_928,
    -0.001_576_936_771_430_197_3,
    0.001_078_825_201_916_296_6,
    -0.000_738_070_938_996_005_1,
    0.000_504_953_265_834_602,
    -0.000_345_468_025_106_307_7,
    0.000_236_356_015_640_270_53,
    -0.000_161_706_220_919_748_03,
    0.000_110_633_727_687_474_1,
    -7.569_179_582_195_066e-5,
    5.178_575_795_222_081e-5,
    -3.543_007_094_765_961e-5,
    2.424_006_611_860_132e-5,
    -1.658_424_227_185_413_3e-5,
    1.134_638_458_466_385e-5,
    -7.762_817_668_462_094e-6,
    5.311_060_920_889_863e-6,
    -3.633_650_789_801_046e-6,
    2.486_022_733_129_538e-6,
    -1.700_853_885_433_260_7e-6,
    1.163_667_536_354_884_3e-6,
    -7.961_425_431_241_97e-7,
    5.446_941_930_669_445e-7,
    -3.726_616_138_343_823e-7,
    2.549_626_552_021_554e-7,
    -1.744_369_511_772_774_5e-7,
];

/// Digamma at `x0 + h`.
fn about_root(h: f64) -> f64 {
    h * ABOUT_ROOT.iter().rev().fold(0.0, |sum, &c| sum * h + c)
}

/// `-B(2k) / (2k)` for k from 1: the asymptotic series of digamma (Abramowitz and Stegun 6.3.18).
const ASYMPTOTIC: [f64; 8] = [
    -1.0 / 12.0,
    1.0 / 120.0,
    -1.0 / 252.0,
    1.0 / 240.0,
    -1.0 / 132.0,
    691.0 / 32760.0,
    -1.0 / 12.0,
    3617.0 / 8160.0,
];

/// `gamma'(x) / gamma(x)`.
pub(crate) fn digamma(x: f64) -> f64 {
    if x == 0.0 {
        return -1.0 / x;
    }
    if x < 0.0 {
        if x.floor() == x {
            return f64::NAN;
        }
        // Reflection. The distance to the nearest integer is exact, and so is its difference to one half.
        let part = x - x.round();
        let cotangent = match part.abs() > 0.25 {
            true => libm::tan(PI * (0.5 - part.abs())).copysign(part),
            false => 1.0 / libm::tan(PI * part),
        };
        return digamma(1.0 - x) - PI * cotangent;
    }
    if x < 1.0 {
        // digamma(x + 1), without rounding x + 1.
        return about_root((x - (ROOT.0 - 1.0)) - ROOT.1) - 1.0 / x;
    }
    if x < 10.0 {
        // Down to [1, 2); the differences are exact.
        let steps = x.floor() - 1.0;
        let mut sum = Sum::NOTHING;
        sum.add(about_root((x - steps - ROOT.0) - ROOT.1));
        (1..=steps as u32).for_each(|k| sum.add(1.0 / (x - f64::from(k))));
        return sum.value();
    }
    let square = 1.0 / (x * x);
    let series = square * ASYMPTOTIC.iter().rev().fold(0.0, |sum, &c| sum * square + c);
    libm::log(x) + (series - 0.5 / x)
}

/// `B(2k) / (2k)!` for k from 1, the coefficients of the formula of Euler and Maclaurin (Abramowitz and Stegun
/// 23.1.30).
const EULER_MACLAURIN: [f64; 15] = [
    0.083_333_333_333_333_33,
    -0.001_388_888_888_888_889,
    3.306_878_306_878_307e-5,
    -8.267_195_767_195_768e-7,
    2.087_675_698_786_81e-8,
    -5.284_190_138_687_493e-10,
    1.338_253_653_068_468e-11,
    -3.389_680_296_322_583e-13,
    8.586_062_056_277_845e-15,
    -2.174_868_698_558_062e-16,
    5.509_002_828_360_229_5e-18,
    -1.395_446_468_581_252_3e-19,
    3.534_707_039_629_467e-21,
    -8.953_517_427_037_547e-23,
    2.267_952_452_337_683e-24,
];

/// Hurwitz' zeta function `sum over k >= 0 of (q + k)^-s`, with PyTorch's answers at the edges of its domain.
pub(crate) fn zeta(s: f64, q: f64) -> f64 {
    if s == 1.0 {
        return f64::INFINITY;
    }
    if s < 1.0 {
        return f64::NAN;
    }
    if q <= 0.0 && q.floor() == q {
        return f64::INFINITY;
    }
    let whole = s.floor() == s;
    if s.is_nan() || q.is_nan() || q == f64::INFINITY || (q < 0.0 && !whole) {
        return f64::NAN;
    }
    if s == f64::INFINITY {
        return match q {
            1.0 => 1.0,
            q if q > 1.0 => f64::NAN,
            _ => f64::INFINITY,
        };
    }
    let below = -q.floor();
    if below <= 32.0 {
        return zeta_from(s, q);
    }
    // Many terms below zero are themselves the difference of two such sums.
    let first = q - q.floor();
    let sign = if s % 2.0 == 0.0 { 1.0 } else { -1.0 };
    zeta_from(s, first) + sign * (zeta_from(s, 1.0 - first) - zeta_from(s, 1.0 - q))
}

/// For `s > 1` and a `q` that is positive or, with a whole `s`, not far below zero: terms one by one until the rest
/// obeys the formula of Euler and Maclaurin, whose terms shrink by `((s + 2k) / (2 pi a))^2` or more.
fn zeta_from(s: f64, q: f64) -> f64 {
    let negligible = |term: f64, sum: f64| term.abs() <= sum.abs() * (f64::EPSILON / 8.0);
    let mut sum = Sum::NOTHING;
    let mut a = q;
    while a < f64::max(12.0, s) {
        let term = libm::pow(a, -s);
        sum.add(term);
        if term.is_infinite() || (a > 1.0 && negligible(term, sum.value())) {
            return sum.value();
        }
        a += 1.0;
    }
    let power = libm::pow(a, -s);
    sum.add(power * a / (s - 1.0));
    sum.add(0.5 * power);
    // s (s + 1) .. (s + 2k - 2) a^(-s - 2k + 1)
    let mut factor = power * s / a;
    for (k, coefficient) in (1..).zip(EULER_MACLAURIN) {
        let term = coefficient * factor;
        sum.add(term);
        if negligible(term, sum.value()) {
            break;
        }
        let next = s + f64::from(2 * k - 1);
        factor *= next / a * ((next + 1.0) / a);
    }
    sum.value()
}

/// `sin(pi x) / (pi x)`.
pub(crate) fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { libm::sin(PI * x) / (PI * x) }
}

/// `log(e^a + e^b)`, from the larger one, of which no exponential is taken.
pub(crate) fn logaddexp(a: f64, b: f64) -> f64 {
    let top = a.larger(b);
    if top.is_finite() { top + libm::log1p(libm::exp(-(a - b).abs())) } else { top }
}

/// `log2(2^a + 2^b)`, as [`logaddexp`].
pub(crate) fn logaddexp2(a: f64, b: f64) -> f64 {
    let top = a.larger(b);
    let rest = || libm::log1p(libm::exp2(-(a - b).abs())) / std::f64::consts::LN_2;
    if top.is_finite() { top + rest() } else { top }
}

/// `a log(b)`, which is 0 for `a = 0` although the logarithm may be infinite.
pub(crate) fn xlogy(a: f64, b: f64) -> f64 {
    if b.is_nan() {
        f64::NAN
    } else if a == 0.0 {
        0.0
    } else {
        a * libm::log(b)
    }
}

/// `a * 2^b`, whose product alone may overflow.
pub(crate) fn ldexp(a: f64, b: f64) -> f64 {
    if !b.is_finite() {
        return a * libm::exp2(b);
    }
    let whole = b.floor();
    let part = b - whole;
    let a = if part == 0.0 { a } else { a * libm::exp2(part) };
    // Beyond this everything but 0 and the infinities has over- or underflown.
    libm::scalbn(a, whole.clamp(-5000.0, 5000.0) as i32)
}

#[cfg(test)]
#[path = "special_tests.rs"]
mod tests;

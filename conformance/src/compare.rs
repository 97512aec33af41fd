//! Judging an output against the expected one, element by element.

use rusttorch_backend::DType;

use crate::call::Output;
use crate::dense::Dense;
use crate::tolerance::Tolerance;

/// The worst of an output that passed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measured {
    /// Largest absolute error.
    pub error: f64,
    /// The bound at that element.
    pub bound: f64,
    /// Largest error over bound. Above 1 fails; 0 where all is exact.
    pub ratio: f64,
    /// Largest error in units of the last place of the expected value.
    pub ulps: f64,
    /// Largest error in epsilons of the dtype times the magnitude.
    pub eps: f64,
}

impl Measured {
    /// The worse of two.
    #[must_use]
    pub fn worse(self, other: Measured) -> Measured {
        let worst = if other.ratio > self.ratio { other } else { self };
        Measured { ulps: self.ulps.max(other.ulps), eps: self.eps.max(other.eps), ..worst }
    }
}

impl Measured {
    /// The better of two: against either of two right answers.
    fn better(self, other: Measured) -> Measured {
        if other.ratio < self.ratio { other } else { self }
    }
}

/// Distance of neighbouring numbers of a float dtype at `x`.
pub fn ulp(x: f64, dtype: DType) -> f64 {
    let (mantissa, min_exponent) = match dtype {
        DType::F16 => (10, -14),
        DType::BF16 => (7, -126),
        DType::F32 => (23, -126),
        _ => (52, -1022),
    };
    // The exponent field of an f64; 0 for its own subnormals.
    let exponent = (((x.to_bits() >> 52) & 0x7ff) as i32 - 1023).max(min_exponent);
    scale2(exponent - mantissa)
}

/// `2^e`, down to the smallest subnormal.
fn scale2(e: i32) -> f64 {
    if e >= -1022 { f64::from_bits(((e + 1023) as u64) << 52) } else { f64::from_bits(1u64 << (e + 1074)) }
}

/// `2^-p` for a dtype with `p + 1` bits of precision.
pub fn epsilon(dtype: DType) -> f64 {
    ulp(1.0, dtype)
}

/// Compares an output with what is expected of it. Gives the worst that was measured, and what is wrong,
/// with the values.
pub fn compare(actual: &Dense, output: &Output) -> (Measured, Result<(), String>) {
    let (expected, tolerance) = (&output.expected, output.tolerance);
    if actual.dtype() != expected.dtype() {
        let what = format!("dtype: got {}, expected {}", actual.dtype(), expected.dtype());
        return (wrong(), Err(what));
    }
    if actual.shape() != expected.shape() {
        let what = format!("shape: got {:?}, expected {:?}", actual.shape(), expected.shape());
        return (wrong(), Err(what));
    }
    let mut worst = Measured::default();
    let mut failure: Option<(usize, f64, f64, Measured)> = None;
    let mut failures = 0;
    for i in 0..actual.numel() {
        if actual.element(i) == expected.element(i) {
            continue;
        }
        let measured = if actual.dtype().is_float() {
            let (a, e) = (actual.f64(i), expected.f64(i));
            let judge = |e: f64| {
                element(a, e, actual.dtype(), tolerance, output.magnitude.as_ref().map_or(e, |m| m[i]))
            };
            let first = judge(e);
            match &output.alternative {
                Some(other) if first.ratio > 0.0 => first.better(judge(other.f64(i))),
                _ => first,
            }
        } else if actual.scalar(i) == expected.scalar(i) {
            // Two bytes for one truth value.
            continue;
        } else {
            wrong()
        };
        worst = worst.worse(measured);
        if measured.ratio > 1.0 {
            failures += 1;
            if failure.is_none_or(|(.., m)| measured.ratio > m.ratio) {
                failure = Some((i, actual.f64(i), expected.f64(i), measured));
            }
        }
    }
    let verdict = match failure {
        None => Ok(()),
        Some((i, a, e, m)) => Err(format!(
            "{failures} of {} elements; worst at {i}: got {a:?}, expected {e:?}, error {:.3e} ({:.1} ulp), bound {:.3e}",
            actual.numel(),
            m.error,
            m.ulps,
            m.bound
        )),
    };
    (worst, verdict)
}

fn wrong() -> Measured {
    Measured { error: f64::INFINITY, ratio: f64::INFINITY, ..Measured::default() }
}

/// Two floats.
fn element(a: f64, e: f64, dtype: DType, tolerance: Tolerance, magnitude: f64) -> Measured {
    // NaN matches only NaN, and an infinity only itself, whatever the tolerance.
    if (a.is_nan() && e.is_nan()) || a.to_bits() == e.to_bits() {
        return Measured::default();
    }
    if !a.is_finite() || !e.is_finite() {
        return wrong();
    }
    if tolerance.ulp == 0.0 && tolerance.eps == 0.0 && a != e {
        return wrong();
    }
    if a == e {
        // Zeros of different sign: bits that differ with equal values.
        return if tolerance.signed_zero { wrong() } else { Measured::default() };
    }
    let magnitude = if magnitude.is_finite() { magnitude.abs().max(e.abs()) } else { e.abs() };
    // A factor that underflows is rounded to the smallest subnormal before the magnitude multiplies it.
    let underflow = 0.5 * ulp(0.0, dtype) * magnitude;
    let bound = tolerance.ulp * ulp(e, dtype) + tolerance.eps * epsilon(dtype) * magnitude + underflow;
    let error = (a - e).abs();
    let (ulps, eps) = (error / ulp(e, dtype), error / (epsilon(dtype) * magnitude));
    Measured { error, bound, ratio: error / bound, ulps, eps }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusttorch_backend::Scalar;

    fn f32s(values: &[f32]) -> Dense {
        Dense::from_fn(DType::F32, &[values.len()], |i| Scalar::Float(f64::from(values[i])))
    }

    fn output(expected: &Dense, tolerance: Tolerance) -> Output {
        Output { tolerance, ..Output::exact(expected.clone()) }
    }

    fn judge(a: f32, e: f32, t: Tolerance) -> bool {
        compare(&f32s(&[a]), &output(&f32s(&[e]), t)).1.is_ok()
    }

    #[test]
    fn nan_matches_only_nan_and_an_infinity_only_itself() {
        let loose = Tolerance::ulp(1e9, "a test");
        assert!(judge(f32::NAN, -f32::NAN, Tolerance::BITS));
        for x in [0.0, 1.0, f32::INFINITY, f32::MAX] {
            assert!(!judge(f32::NAN, x, loose) && !judge(x, f32::NAN, loose));
        }
        assert!(judge(f32::INFINITY, f32::INFINITY, Tolerance::BITS));
        assert!(!judge(f32::INFINITY, f32::NEG_INFINITY, loose));
        assert!(!judge(f32::MAX, f32::INFINITY, loose) && !judge(f32::INFINITY, f32::MAX, loose));
    }

    #[test]
    fn the_sign_of_zero_counts_unless_it_is_said_not_to() {
        assert!(!judge(0.0, -0.0, Tolerance::BITS) && !judge(-0.0, 0.0, Tolerance::ulp(2.0, "a test")));
        assert!(judge(0.0, -0.0, Tolerance::VALUE));
    }

    #[test]
    fn an_ulp_is_the_distance_to_the_neighbour() {
        for x in [1.0f32, 1.5, 3e-41, f32::MIN_POSITIVE, 1e30, 7.0] {
            let next = f32::from_bits(x.to_bits() + 1);
            assert_eq!(ulp(f64::from(x), DType::F32), f64::from(next) - f64::from(x));
            assert!(judge(next, x, Tolerance::ulp(1.0, "a test")));
            assert!(!judge(f32::from_bits(x.to_bits() + 2), x, Tolerance::ulp(1.0, "a test")));
            assert!(!judge(next, x, Tolerance::BITS));
        }
        assert_eq!(ulp(1.0, DType::F64), f64::EPSILON);
        assert_eq!(ulp(0.0, DType::F64), f64::from_bits(1));
        assert_eq!(ulp(1.0, DType::BF16), 2f64.powi(-7));
    }

    #[test]
    fn a_magnitude_widens_and_says_so() {
        let t = Tolerance::scaled(0.0, 1.0, "a test");
        let (a, e) = (f32s(&[1e-6]), f32s(&[0.0]));
        assert!(compare(&a, &output(&e, t)).1.is_err());
        let (m, verdict) = compare(&a, &output(&e, t).conditioned(vec![16.0]));
        assert!(verdict.is_ok());
        assert!((m.ratio - 1e-6 / (16.0 * f64::from(f32::EPSILON))).abs() < 1e-6);
    }
}

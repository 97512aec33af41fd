//! Tolerances as data: how far each op may be from the recorded value, per class of dtype, and why.

use rusttorch_backend::DType;

/// How far a value may be from the expected one:
/// `ulp * ulp(expected) + eps * epsilon(dtype) * magnitude`, where the magnitude conditions a sum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// In units of the last place of the expected value.
    pub ulp: f64,
    /// In units of the dtype's epsilon times the magnitude.
    pub eps: f64,
    /// Whether zeros of different sign differ.
    pub signed_zero: bool,
    /// Why.
    pub reason: &'static str,
}

impl Tolerance {
    /// The same bits; any NaN is any other.
    pub const BITS: Tolerance =
        Tolerance { ulp: 0.0, eps: 0.0, signed_zero: true, reason: "exact: a copy, a comparison, an integer or one rounding" };

    /// The same value: the sign of a zero is free.
    pub const VALUE: Tolerance =
        Tolerance { ulp: 0.0, eps: 0.0, signed_zero: false, reason: "exact, but the sign of a zero is free" };

    /// Some units of the last place.
    pub const fn ulp(ulp: f64, reason: &'static str) -> Tolerance {
        Tolerance { ulp, eps: 0.0, signed_zero: true, reason }
    }

    /// A bound conditioned by a magnitude; zeros may have either sign.
    pub const fn scaled(ulp: f64, eps: f64, reason: &'static str) -> Tolerance {
        Tolerance { ulp, eps, signed_zero: false, reason }
    }
}

/// No bound of the table is wider than this many ulp or epsilons.
pub const CAP: f64 = 16.0;

/// One line: an op (or several that share their reason) and its bounds for f32, f64 and the half types.
struct Row {
    ops: &'static [&'static str],
    f32: Tolerance,
    f64: Tolerance,
    half: Tolerance,
}

const TABLE: &[Row] = &[];

/// The bound of an op for a dtype. An op without a row, and every integer, must be exact.
pub fn of(op: &str, dtype: DType) -> Tolerance {
    if !dtype.is_float() {
        return Tolerance::BITS;
    }
    match TABLE.iter().find(|r| r.ops.contains(&op)) {
        None => Tolerance::BITS,
        Some(row) => match dtype {
            DType::F64 => row.f64,
            DType::F32 => row.f32,
            _ => row.half,
        },
    }
}

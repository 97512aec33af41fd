//! Elementwise ops of one operand: the formula of each op for floats, integers and bools.
//!
//! Transcendental functions are libm's, not those of std, which calls the platform's: so the bits are
//! the same everywhere. What is exact by IEEE 754 (`sqrt`, rounding) may be std's.

use rusttorch_backend::ops::UnaryOp;
use rusttorch_backend::{Boolean, Element, Result, View, ViewMut, match_dtype};

use crate::check::refused;
use crate::special;
use crate::walk::{map1, update1};
use crate::wide::Wide;

/// `out[i] = op(x[i])`.
pub(crate) fn unary(op: UnaryOp, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
    let dtype = x.dtype();
    if let Some(f) = predicate(op) {
        return match_dtype!(dtype, T => map1(op.name(), x, out, |x: T| Boolean::from(f(f64::of(x)))));
    }
    match_dtype!(floats dtype, T => map::<T, f64>(op, float(op), x, out),
        else match_dtype!(ints dtype, T => map::<T, i64>(op, int(op), x, out),
            else map::<Boolean, bool>(op, boolean(op), x, out)))
}

/// `io[i] = op(io[i])`.
pub(crate) fn unary_assign(op: UnaryOp, io: ViewMut<'_>) -> Result<()> {
    let dtype = io.dtype();
    match_dtype!(floats dtype, T => update::<T, f64>(op, float(op), io),
    else match_dtype!(ints dtype, T => update::<T, i64>(op, int(op), io),
        else match predicate(op) {
            Some(f) => update1(io, |x: Boolean| f(f64::of(x)).into()),
            None => update::<Boolean, bool>(op, boolean(op), io),
        }))
}

fn map<T: Element, W: Wide>(op: UnaryOp, f: Option<fn(W) -> W>, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
    let f = f.ok_or_else(|| refused(op.name(), x.dtype()))?;
    map1(op.name(), x, out, |x: T| f(W::of(x)).to::<T>())
}

fn update<T: Element, W: Wide>(op: UnaryOp, f: Option<fn(W) -> W>, io: ViewMut<'_>) -> Result<()> {
    let f = f.ok_or_else(|| refused(op.name(), io.dtype()))?;
    update1(io, |x: T| f(W::of(x)).to())
}

/// The formula for floats.
fn float(op: UnaryOp) -> Option<fn(f64) -> f64> {
    use UnaryOp::*;
    let f: fn(f64) -> f64 = match op {
        Abs => f64::abs,
        Neg => |x| -x,
        Sign => |x| f64::from(x > 0.0) - f64::from(x < 0.0),
        Ceil => f64::ceil,
        Floor => f64::floor,
        Round => f64::round_ties_even,
        Trunc => f64::trunc,
        Frac => |x| x - x.trunc(),
        Sqrt => f64::sqrt,
        Rsqrt => |x| 1.0 / x.sqrt(),
        Square => |x| x * x,
        Reciprocal => |x| 1.0 / x,
        Exp => libm::exp,
        Exp2 => libm::exp2,
        Expm1 => libm::expm1,
        Log => libm::log,
        Log2 => libm::log2,
        Log10 => libm::log10,
        Log1p => libm::log1p,
        Sin => libm::sin,
        Cos => libm::cos,
        Tan => libm::tan,
        Asin => libm::asin,
        Acos => libm::acos,
        Atan => libm::atan,
        Sinh => libm::sinh,
        Cosh => libm::cosh,
        Tanh => libm::tanh,
        Asinh => libm::asinh,
        // libm's gives numbers for large negative arguments, where there is none.
        Acosh => |x| if x < 1.0 { f64::NAN } else { libm::acosh(x) },
        Atanh => libm::atanh,
        Erf => libm::erf,
        Erfc => libm::erfc,
        Erfinv => special::erfinv,
        Lgamma => special::lgamma,
        Digamma => special::digamma,
        Sinc => special::sinc,
        Sigmoid => sigmoid,
        // Written so that NaN fails the test and stays.
        Relu => |x| if x < 0.0 { 0.0 } else { x },
        BitwiseNot | Isnan | Isinf | Isfinite | Isposinf | Isneginf | Signbit | LogicalNot => return None,
    };
    Some(f)
}

/// The formula for integers.
fn int(op: UnaryOp) -> Option<fn(i64) -> i64> {
    use UnaryOp::*;
    let f: fn(i64) -> i64 = match op {
        Abs => i64::wrapping_abs,
        Neg => i64::wrapping_neg,
        Sign => i64::signum,
        Ceil | Floor | Round | Trunc => |x| x,
        Square => |x| x.wrapping_mul(x),
        Relu => |x| x.max(0),
        BitwiseNot => |x| !x,
        Frac | Sqrt | Rsqrt | Reciprocal | Exp | Exp2 | Expm1 | Log | Log2 | Log10 | Log1p | Sin | Cos
        | Tan | Asin | Acos | Atan | Sinh | Cosh | Tanh | Asinh | Acosh | Atanh | Erf | Erfc | Erfinv
        | Lgamma | Digamma | Sinc | Sigmoid | Isnan | Isinf | Isfinite | Isposinf | Isneginf | Signbit
        | LogicalNot => return None,
    };
    Some(f)
}

/// The formula for bools.
fn boolean(op: UnaryOp) -> Option<fn(bool) -> bool> {
    use UnaryOp::*;
    let f: fn(bool) -> bool = match op {
        Sign => |x| x,
        BitwiseNot => |x| !x,
        Abs | Neg | Ceil | Floor | Round | Trunc | Frac | Sqrt | Rsqrt | Square | Reciprocal | Exp | Exp2
        | Expm1 | Log | Log2 | Log10 | Log1p | Sin | Cos | Tan | Asin | Acos | Atan | Sinh | Cosh | Tanh
        | Asinh | Acosh | Atanh | Erf | Erfc | Erfinv | Lgamma | Digamma | Sinc | Sigmoid | Relu | Isnan
        | Isinf | Isfinite | Isposinf | Isneginf | Signbit | LogicalNot => {
            return None;
        }
    };
    Some(f)
}

/// The ops whose result is bool. An integer of any size is as zero, and as finite, as the nearest f64.
fn predicate(op: UnaryOp) -> Option<fn(f64) -> bool> {
    use UnaryOp::*;
    let f: fn(f64) -> bool = match op {
        Isnan => f64::is_nan,
        Isinf => f64::is_infinite,
        Isfinite => f64::is_finite,
        Isposinf => |x| x == f64::INFINITY,
        Isneginf => |x| x == f64::NEG_INFINITY,
        Signbit => f64::is_sign_negative,
        LogicalNot => |x| x == 0.0,
        Abs | Neg | Sign | Ceil | Floor | Round | Trunc | Frac | Sqrt | Rsqrt | Square | Reciprocal | Exp
        | Exp2 | Expm1 | Log | Log2 | Log10 | Log1p | Sin | Cos | Tan | Asin | Acos | Atan | Sinh | Cosh
        | Tanh | Asinh | Acosh | Atanh | Erf | Erfc | Erfinv | Lgamma | Digamma | Sinc | Sigmoid | Relu
        | BitwiseNot => return None,
    };
    Some(f)
}

/// `1 / (1 + e^-x)` with an exponential that cannot overflow, so that the left tail keeps its digits.
pub(crate) fn sigmoid(x: f64) -> f64 {
    let e = libm::exp(-x.abs());
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

#[cfg(test)]
#[path = "unary_tests.rs"]
mod tests;

//! Elementwise ops of two operands: the formula of each op for floats, integers and bools.

use rusttorch_backend::ops::BinaryOp;
use rusttorch_backend::{Boolean, Element, ErrorKind, Result, TensorError, View, ViewMut, match_dtype};

use crate::check::refused;
use crate::walk::{map2, update2, visit};
use crate::wide::{Number, Wide};

/// `out[i] = op(a[i], b[i])`.
pub(crate) fn binary(op: BinaryOp, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
    let dtype = a.dtype();
    match_dtype!(floats dtype, T => map::<T, f64>(op, float(op), a, b, out),
        else match_dtype!(ints dtype, T => {
            no_zero_divisor::<T>(op, b)?;
            map::<T, i64>(op, int(op), a, b, out)
        }, else map::<Boolean, bool>(op, boolean(op), a, b, out)))
}

/// `io[i] = op(io[i], b[i])`.
pub(crate) fn binary_assign(op: BinaryOp, io: ViewMut<'_>, b: View<'_>) -> Result<()> {
    let dtype = io.dtype();
    match_dtype!(floats dtype, T => update::<T, f64>(op, float(op), io, b),
        else match_dtype!(ints dtype, T => {
            no_zero_divisor::<T>(op, b)?;
            update::<T, i64>(op, int(op), io, b)
        }, else update::<Boolean, bool>(op, boolean(op), io, b)))
}

/// A formula on wide numbers; `None` where the op does not take the dtype.
type Formula<W> = Option<fn(W, W) -> W>;

fn map<T: Element, W: Wide>(
    op: BinaryOp,
    f: Formula<W>,
    a: View<'_>,
    b: View<'_>,
    out: ViewMut<'_>,
) -> Result<()> {
    let f = f.ok_or_else(|| refused(op.name(), a.dtype()))?;
    map2(op.name(), a, b, out, |a: T, b: T| f(W::of(a), W::of(b)).to::<T>())
}

fn update<T: Element, W: Wide>(op: BinaryOp, f: Formula<W>, io: ViewMut<'_>, b: View<'_>) -> Result<()> {
    let f = f.ok_or_else(|| refused(op.name(), io.dtype()))?;
    update2(op.name(), io, b, |a: T, b: T| f(W::of(a), W::of(b)).to())
}

/// Looks for a zero divisor before anything is written. Error: `ZeroDivision`.
fn no_zero_divisor<T: Element>(op: BinaryOp, b: View<'_>) -> Result<()> {
    if !matches!(op, BinaryOp::FloorDivide | BinaryOp::Remainder | BinaryOp::Fmod) {
        return Ok(());
    }
    let mut zero = false;
    visit(b, |b: T| zero |= i64::of(b) == 0)?;
    if zero {
        return Err(TensorError::new(ErrorKind::ZeroDivision, op.name(), "integer division by zero")
            .with("dtype", b.dtype()));
    }
    Ok(())
}

/// The formula for floats.
pub(crate) fn float(op: BinaryOp) -> Formula<f64> {
    use BinaryOp::*;
    let f: fn(f64, f64) -> f64 = match op {
        Add => |a, b| a + b,
        Sub => |a, b| a - b,
        Mul => |a, b| a * b,
        Div => |a, b| a / b,
        FloorDivide => floor_divide,
        Remainder => remainder,
        // Exact, so that the platform's function may serve.
        Fmod => |a, b| a % b,
        Pow => libm::pow,
        Maximum => f64::larger,
        Minimum => f64::smaller,
        Fmax => |a, b| {
            if a.is_nan() {
                b
            } else if b.is_nan() {
                a
            } else {
                a.larger(b)
            }
        },
        Fmin => |a, b| {
            if a.is_nan() {
                b
            } else if b.is_nan() {
                a
            } else {
                a.smaller(b)
            }
        },
        Atan2 => libm::atan2,
        BitwiseAnd | BitwiseOr | BitwiseXor => return None,
    };
    Some(f)
}

/// The formula for integers. Divisors are not zero.
pub(crate) fn int(op: BinaryOp) -> Formula<i64> {
    use BinaryOp::*;
    let f: fn(i64, i64) -> i64 = match op {
        Add => i64::wrapping_add,
        Sub => i64::wrapping_sub,
        Mul => i64::wrapping_mul,
        FloorDivide => |a, b| a.wrapping_div(b) - i64::from(signs_differ(a.wrapping_rem(b), b)),
        Remainder => |a, b| {
            let rest = a.wrapping_rem(b);
            if signs_differ(rest, b) { rest + b } else { rest }
        },
        Fmod => i64::wrapping_rem,
        Pow => int_pow,
        Maximum | Fmax => i64::larger,
        Minimum | Fmin => i64::smaller,
        BitwiseAnd => |a, b| a & b,
        BitwiseOr => |a, b| a | b,
        BitwiseXor => |a, b| a ^ b,
        Div | Atan2 => return None,
    };
    Some(f)
}

/// The formula for bools.
pub(crate) fn boolean(op: BinaryOp) -> Formula<bool> {
    use BinaryOp::*;
    let f: fn(bool, bool) -> bool = match op {
        Add | Maximum | Fmax | BitwiseOr => |a, b| a | b,
        Mul | Minimum | Fmin | BitwiseAnd => |a, b| a & b,
        BitwiseXor => |a, b| a ^ b,
        Sub | Div | FloorDivide | Remainder | Fmod | Pow | Atan2 => return None,
    };
    Some(f)
}

/// Whether a remainder lies on the other side of zero than its divisor; a zero lies on both.
fn signs_differ<W: Number>(rest: W, divisor: W) -> bool {
    rest != W::ZERO && (rest < W::ZERO) != (divisor < W::ZERO)
}

/// `a - b * floor(a / b)`, from the exact truncated remainder.
fn remainder(a: f64, b: f64) -> f64 {
    let rest = a % b;
    if signs_differ(rest, b) { rest + b } else { rest }
}

/// `floor(a / b)` by the exact remainder, as Python has it: `a / b` alone may be rounded up to the
/// next integer (`1 // 0.1` is 9).
fn floor_divide(a: f64, b: f64) -> f64 {
    if b == 0.0 {
        return a / b;
    }
    let rest = a % b;
    // An integer but for rounding.
    let quotient = (a - rest) / b - f64::from(signs_differ(rest, b));
    if quotient == 0.0 { 0f64.copysign(a / b) } else { quotient.round_ties_even() }
}

/// `base ^ exponent` modulo 2^64, by squaring; of a negative exponent the quotient `1 / base^-exponent`
/// truncated, with 0 for the infinity of base 0.
fn int_pow(base: i64, exponent: i64) -> i64 {
    if exponent < 0 {
        return match base {
            1 => 1,
            -1 => 1 - 2 * (exponent & 1),
            _ => 0,
        };
    }
    let (mut power, mut square, mut bits) = (1i64, base, exponent);
    while bits != 0 {
        if bits & 1 == 1 {
            power = power.wrapping_mul(square);
        }
        square = square.wrapping_mul(square);
        bits >>= 1;
    }
    power
}

#[cfg(test)]
#[path = "binary_tests.rs"]
mod tests;

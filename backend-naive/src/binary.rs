//! Elementwise ops of two operands: the formula of each op for floats, integers and bools.

use rusttorch_backend::ops::BinaryOp;
use rusttorch_backend::{
    Boolean, DType, Element, ErrorKind, Result, TensorError, View, ViewMut, bf16, f16, match_dtype,
};

use crate::check::refused;
use crate::special;
use crate::walk::{map2, update2, visit};
use crate::wide::{Number, Wide};

/// `out[i] = op(a[i], b[i])`.
pub(crate) fn binary(op: BinaryOp, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
    let dtype = a.dtype();
    match_dtype!(floats dtype, T => map::<T, f64>(op, float::<T>(op), a, b, out),
        else match_dtype!(ints dtype, T => {
            no_zero_divisor::<T>(op, b)?;
            map::<T, i64>(op, int::<T>(op), a, b, out)
        }, else map::<Boolean, bool>(op, boolean(op), a, b, out)))
}

/// `io[i] = op(io[i], b[i])`.
pub(crate) fn binary_assign(op: BinaryOp, io: ViewMut<'_>, b: View<'_>) -> Result<()> {
    let dtype = io.dtype();
    match_dtype!(floats dtype, T => update::<T, f64>(op, float::<T>(op), io, b),
        else match_dtype!(ints dtype, T => {
            no_zero_divisor::<T>(op, b)?;
            update::<T, i64>(op, int::<T>(op), io, b)
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
    if !matches!(op, BinaryOp::FloorDivide | BinaryOp::TruncDivide | BinaryOp::Remainder | BinaryOp::Fmod) {
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

/// The formula for floats of type `T`.
pub(crate) fn float<T: Element>(op: BinaryOp) -> Formula<f64> {
    use BinaryOp::*;
    let f: fn(f64, f64) -> f64 = match op {
        Add => |a, b| a + b,
        Sub => |a, b| a - b,
        Mul => |a, b| a * b,
        Div => |a, b| a / b,
        FloorDivide => floor_divide,
        TruncDivide => |a, b| in_dtype::<T>(a / b).trunc(),
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
        Hypot => libm::hypot,
        Copysign => f64::copysign,
        Nextafter => nextafter::<T>,
        Logaddexp => special::logaddexp,
        Logaddexp2 => special::logaddexp2,
        Xlogy => special::xlogy,
        Ldexp => special::ldexp,
        Heaviside => |a, b| if a == 0.0 { b } else { f64::from(a > 0.0) },
        Zeta if !T::DTYPE.is_half() => special::zeta,
        Zeta | Gcd | Lcm | BitwiseAnd | BitwiseOr | BitwiseXor | BitwiseLeftShift | BitwiseRightShift => {
            return None;
        }
    };
    Some(f)
}

/// The formula for integers of type `T`. Divisors are not zero.
pub(crate) fn int<T: Element>(op: BinaryOp) -> Formula<i64> {
    use BinaryOp::*;
    let f: fn(i64, i64) -> i64 = match op {
        Add => i64::wrapping_add,
        Sub => i64::wrapping_sub,
        Mul => i64::wrapping_mul,
        FloorDivide => |a, b| a.wrapping_div(b) - i64::from(signs_differ(a.wrapping_rem(b), b)),
        TruncDivide => i64::wrapping_div,
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
        // Widened, every dtype runs out of bits where it should.
        BitwiseLeftShift => |a, b| if (0..64).contains(&b) { a << b } else { 0 },
        BitwiseRightShift => |a, b| a >> if (0..64).contains(&b) { b } else { 63 },
        Heaviside => |a, b| if a == 0 { b } else { i64::from(a > 0) },
        Gcd => gcd::<T>,
        Lcm => lcm::<T>,
        Div | Atan2 | Hypot | Copysign | Nextafter | Logaddexp | Logaddexp2 | Xlogy | Ldexp | Zeta => {
            return None;
        }
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
        Heaviside => |a, b| a | b,
        Sub | Div | FloorDivide | TruncDivide | Remainder | Fmod | Pow | Atan2 | Hypot | Copysign
        | Nextafter | Logaddexp | Logaddexp2 | Xlogy | Ldexp | Gcd | Lcm | Zeta | BitwiseLeftShift
        | BitwiseRightShift => {
            return None;
        }
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

/// Rounded as a result of type `T`.
fn in_dtype<T: Element>(x: f64) -> f64 {
    f64::of(x.to::<T>())
}

/// The number of type `T` next to `a` in the direction of `b`.
fn nextafter<T: Element>(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    if a == b {
        return b;
    }
    if a == 0.0 {
        let smallest = match T::DTYPE {
            DType::F64 => f64::from_bits(1),
            DType::F32 => f64::from(f32::from_bits(1)),
            DType::BF16 => bf16::from_bits(1).to_f64(),
            _ => f16::from_bits(1).to_f64(),
        };
        return smallest.copysign(b);
    }
    // Away from zero the pattern of bits grows.
    let away = (b > a) == (a > 0.0);
    macro_rules! next {
        ($bits:expr, $from:expr) => {
            f64::from($from(if away { $bits + 1 } else { $bits - 1 }))
        };
    }
    match T::DTYPE {
        DType::F64 => next!(a.to_bits(), f64::from_bits),
        DType::F32 => next!((a as f32).to_bits(), f32::from_bits),
        DType::BF16 => next!(bf16::from_f64(a).to_bits(), bf16::from_bits),
        _ => next!(f16::from_f64(a).to_bits(), f16::from_bits),
    }
}

/// Euclid's algorithm on the absolute values. That of the most negative number is negative itself, as it is in
/// PyTorch, and so may the result be.
fn gcd<T: Element>(a: i64, b: i64) -> i64 {
    let absolute = |x: i64| i64::of(x.wrapping_abs().to::<T>());
    let (mut a, mut b) = (absolute(a), absolute(b));
    while a != 0 {
        (a, b) = (b.wrapping_rem(a), a);
    }
    b
}

/// `|a / gcd * b|`, which wraps at 32 bits or, where it is wider, at those of the type before the absolute value
/// is taken, as in PyTorch.
fn lcm<T: Element>(a: i64, b: i64) -> i64 {
    let divisor = gcd::<T>(a, b);
    if divisor == 0 {
        return 0;
    }
    let product = a.wrapping_div(divisor).wrapping_mul(b);
    if T::DTYPE == DType::I64 { product.wrapping_abs() } else { i64::from((product as i32).wrapping_abs()) }
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

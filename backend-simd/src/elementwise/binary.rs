//! Ops of two operands.

use std::sync::atomic::{AtomicBool, Ordering};

use rusttorch_backend::ops::BinaryOp;
use rusttorch_backend::{
    Boolean, Capabilities, DType, DTypeSet, Element, ErrorKind, Family, Result, TensorError, View, ViewMut,
    bf16, f16, match_dtype,
};

use super::division::{FloorDivide, Fmod, Remainder};
use super::{Function2, loop2, map2, next};
use crate::arch::{Bits, Level};
use crate::drive;
use crate::float::{Float, Half, halves2};
use crate::math::{self, Vector};
use crate::tuning::Cost;

macro_rules! functions {
    (short: $short:literal; $($(#[$doc:meta])* $Name:ident = |$isa:ident, $a:ident, $b:ident| $body:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        struct $Name;
        impl Function2 for $Name {
            const SHORT: bool = $short;

            #[inline(always)]
            fn call<V: Vector>(self, $isa: V::Isa, $a: V, $b: V) -> V {
                $body
            }
        }
    )* };
}

functions! {
    short: true;
    Add = |_isa, a, b| a.add(b);
    Sub = |_isa, a, b| a.sub(b);
    Mul = |_isa, a, b| a.mul(b);
    Div = |_isa, a, b| a.div(b);
    TruncDivide = |_isa, a, b| a.div(b).trunc();
    Maximum = |_isa, a, b| larger(a, b);
    Minimum = |_isa, a, b| smaller(a, b);
    Fmax = |_isa, a, b| {
        let (a, b) = numbers(a, b);
        larger(a, b)
    };
    Fmin = |_isa, a, b| {
        let (a, b) = numbers(a, b);
        smaller(a, b)
    };
    Copysign = |isa, a, b| {
        let sign = V::constant(isa, -0.0).bits();
        let magnitude = a.bits().or(sign).xor(sign);
        magnitude.or(b.bits().and(sign)).real()
    };
    /// A NaN is not above zero.
    Heaviside = |isa, a, b| {
        let (zero, one) = (V::constant(isa, 0.0), V::constant(isa, 1.0));
        b.or_else(a.eq(zero), one.or_else(zero.lt(a), zero))
    };
}

functions! {
    short: false;
    Pow = |isa, a, b| math::pow(isa, a, b);
    Atan2 = |isa, a, b| math::atan2(isa, a, b);
    Hypot = |isa, a, b| math::hypot(isa, a, b);
    Logaddexp = |isa, a, b| math::logaddexp(isa, a, b);
    Logaddexp2 = |isa, a, b| math::logaddexp2(isa, a, b);
    Xlogy = |isa, a, b| math::xlogy(isa, a, b);
}

/// The larger one; NaN if either is NaN; -0 lies below +0.
#[inline(always)]
pub(super) fn larger<V: Vector>(a: V, b: V) -> V {
    // Of equal numbers the bits differ in the sign of a zero alone.
    let equal = a.bits().and(b.bits()).real();
    a.add(b).or_else(a.unordered(b), equal.or_else(a.eq(b), a.max_or_second(b)))
}

/// The smaller one; NaN if either is NaN; -0 lies below +0.
#[inline(always)]
pub(super) fn smaller<V: Vector>(a: V, b: V) -> V {
    let equal = a.bits().or(b.bits()).real();
    a.add(b).or_else(a.unordered(b), equal.or_else(a.eq(b), a.min_or_second(b)))
}

/// Each operand, but in place of a NaN the other.
#[inline(always)]
fn numbers<V: Vector>(a: V, b: V) -> (V, V) {
    let first = b.or_else(a.unordered(a), a);
    (first, first.or_else(b.unordered(b), b))
}

/// Runs `$body` with `$F` bound to the function of an op; `$other` for ops that have none.
macro_rules! with_function {
    ($op:expr, $F:ident => $body:expr, else $other:expr) => {
        with_function! { @arms $op, $F => $body, else $other;
            Add Sub Mul Div FloorDivide TruncDivide Remainder Fmod Maximum Minimum Fmax Fmin Copysign Heaviside Pow
            Atan2 Hypot Logaddexp Logaddexp2 Xlogy
        }
    };
    (@arms $op:expr, $F:ident => $body:expr, else $other:expr; $($Name:ident)*) => {
        match $op {
            $(BinaryOp::$Name => {
                let $F = $Name;
                $body
            })*
            _ => $other,
        }
    };
}

/// What an op costs.
fn cost(op: BinaryOp) -> Cost {
    use BinaryOp::*;
    match op {
        FloorDivide | TruncDivide | Remainder | Fmod | Hypot => Cost::MEDIUM,
        Pow | Atan2 | Logaddexp | Logaddexp2 | Xlogy | Gcd | Lcm => Cost::HEAVY,
        _ => Cost::LIGHT,
    }
}

/// Whether the op is computed in f32 in the half types: not where the quotient has to be rounded to them on the way.
fn takes_halves(op: BinaryOp) -> bool {
    op != BinaryOp::TruncDivide
}

/// The op; `None` where this backend has no kernel for it.
pub(crate) fn binary(
    level: Level,
    op: BinaryOp,
    a: &View<'_>,
    b: &View<'_>,
    out: &mut ViewMut<'_>,
) -> Option<Result<()>> {
    match a.dtype() {
        DType::F32 => {
            with_function!(op, f => Some(floats::<f32, _>(level, op, f, a, b, out)), else next::binary(level, op, a, b, out))
        }
        DType::F64 => {
            with_function!(op, f => Some(floats::<f64, _>(level, op, f, a, b, out)), else next::binary(level, op, a, b, out))
        }
        DType::F16 if takes_halves(op) => {
            with_function!(op, f => Some(halves::<f16, _>(level, op, f, a, b, out)), else next::binary(level, op, a, b, out))
        }
        DType::BF16 if takes_halves(op) => {
            with_function!(op, f => Some(halves::<bf16, _>(level, op, f, a, b, out)), else next::binary(level, op, a, b, out))
        }
        DType::F16 | DType::BF16 => next::binary(level, op, a, b, out),
        DType::Bool => {
            let f = truths(op)?;
            Some(drive::map2(
                op.name(),
                cost(op),
                a,
                b,
                out,
                &|a: &[Boolean], b: &[Boolean], out: &mut [Boolean]| {
                    f(level, a, b, out);
                },
            ))
        }
        dtype => match_dtype!(ints dtype, T => {
            let f = <T as Int>::function(op)?;
            let zero = AtomicBool::new(false);
            let done = drive::map2(op.name(), cost(op), a, b, out, &|a: &[T], b: &[T], out: &mut [T]| {
                f(level, a, b, out, &zero);
            });
            Some(done.and_then(|()| no_zero(op, &zero, dtype)))
        }, else None),
    }
}

/// The op in place, as [`binary`].
pub(crate) fn binary_assign(
    level: Level,
    op: BinaryOp,
    io: &mut ViewMut<'_>,
    b: &View<'_>,
) -> Option<Result<()>> {
    match io.dtype() {
        DType::F32 => {
            with_function!(op, f => Some(floats_assign::<f32, _>(level, op, f, io, b)), else next::binary_assign(level, op, io, b))
        }
        DType::F64 => {
            with_function!(op, f => Some(floats_assign::<f64, _>(level, op, f, io, b)), else next::binary_assign(level, op, io, b))
        }
        DType::F16 if takes_halves(op) => {
            with_function!(op, f => Some(halves_assign::<f16, _>(level, op, f, io, b)), else next::binary_assign(level, op, io, b))
        }
        DType::BF16 if takes_halves(op) => {
            with_function!(op, f => Some(halves_assign::<bf16, _>(level, op, f, io, b)), else next::binary_assign(level, op, io, b))
        }
        DType::F16 | DType::BF16 => next::binary_assign(level, op, io, b),
        DType::Bool => {
            let f = truths(op)?;
            Some(drive::assign2(
                op.name(),
                cost(op),
                io,
                b,
                &|a: &[Boolean], b: &[Boolean], out: &mut [Boolean]| {
                    f(level, a, b, out);
                },
            ))
        }
        dtype => match_dtype!(ints dtype, T => {
            let f = <T as Int>::function(op)?;
            let zero = AtomicBool::new(false);
            let done = drive::assign2(op.name(), cost(op), io, b, &|a: &[T], b: &[T], out: &mut [T]| {
                f(level, a, b, out, &zero);
            });
            Some(done.and_then(|()| no_zero(op, &zero, dtype)))
        }, else None),
    }
}

fn floats<T: Float, F: Function2>(
    level: Level,
    op: BinaryOp,
    f: F,
    a: &View<'_>,
    b: &View<'_>,
    out: &mut ViewMut<'_>,
) -> Result<()> {
    drive::stream2(op.name(), cost(op), a, b, out, &|a: &[T], b: &[T], out: &mut [T], way| {
        map2(level, f, a, b, out, way);
    })
}

fn halves<H: Half, F: Function2>(
    level: Level,
    op: BinaryOp,
    f: F,
    a: &View<'_>,
    b: &View<'_>,
    out: &mut ViewMut<'_>,
) -> Result<()> {
    drive::map2(op.name(), cost(op), a, b, out, &|a: &[H], b: &[H], out: &mut [H]| {
        halves2(a, b, out, |a, b, out| map2(level, f, a, b, out, false));
    })
}

fn floats_assign<T: Float, F: Function2>(
    level: Level,
    op: BinaryOp,
    f: F,
    io: &mut ViewMut<'_>,
    b: &View<'_>,
) -> Result<()> {
    drive::assign2(op.name(), cost(op), io, b, &|a: &[T], b: &[T], io: &mut [T]| {
        map2(level, f, a, b, io, false)
    })
}

fn halves_assign<H: Half, F: Function2>(
    level: Level,
    op: BinaryOp,
    f: F,
    io: &mut ViewMut<'_>,
    b: &View<'_>,
) -> Result<()> {
    drive::assign2(op.name(), cost(op), io, b, &|a: &[H], b: &[H], io: &mut [H]| {
        halves2(a, b, io, |a, b, io| map2(level, f, a, b, io, false));
    })
}

/// Error: `ZeroDivision` where a divisor was zero.
fn no_zero(op: BinaryOp, zero: &AtomicBool, dtype: DType) -> Result<()> {
    if zero.load(Ordering::Relaxed) {
        return Err(TensorError::new(ErrorKind::ZeroDivision, op.name(), "integer division by zero")
            .with("dtype", dtype));
    }
    Ok(())
}

/// An op on slices of integers, which notes whether a divisor was zero.
type Slices<T> = fn(Level, &[T], &[T], &mut [T], &AtomicBool);

/// Integers.
trait Int: Element {
    /// The op; `None` where there is no kernel.
    fn function(op: BinaryOp) -> Option<Slices<Self>>;
}

macro_rules! ints {
    ($($T:ident)*) => { $(
        impl Int for $T {
            fn function(op: BinaryOp) -> Option<Slices<$T>> {
                use BinaryOp::*;
                type T = $T;
                const ZERO: T = 0;
                /// What is left of a number of which all bits are shifted out.
                #[inline(always)]
                fn rest(a: T) -> T {
                    if T::MIN == ZERO { 0 } else { a >> (T::BITS - 1) }
                }
                #[inline(always)]
                fn differ(rest: T, b: T) -> bool {
                    rest != ZERO && (rest < ZERO) != (b < ZERO)
                }
                /// Modulo the range of the type, by squaring; of a negative exponent the quotient `1 / base^-exponent`
                /// truncated, with 0 for the infinity of base 0.
                #[inline(always)]
                fn power(base: T, exponent: T) -> T {
                    if exponent < ZERO {
                        let sign = if exponent & 1 == 1 { base } else { 1 };
                        return if base == 1 || base.wrapping_add(1) == 0 { sign } else { 0 };
                    }
                    let (mut power, mut square, mut bits): (T, T, T) = (1, base, exponent);
                    while bits != 0 {
                        if bits & 1 == 1 {
                            power = power.wrapping_mul(square);
                        }
                        square = square.wrapping_mul(square);
                        bits >>= 1;
                    }
                    power
                }
                #[inline(always)]
                fn absolute(a: T) -> T {
                    if a < ZERO { ZERO.wrapping_sub(a) } else { a }
                }
                /// By Euclid. The absolute value of the most negative number is negative itself, as in PyTorch.
                #[inline(always)]
                fn gcd(a: T, b: T) -> T {
                    let (mut a, mut b) = (absolute(a), absolute(b));
                    while a != 0 {
                        (a, b) = (b.wrapping_rem(a), a);
                    }
                    b
                }
                /// Wraps at 32 bits or, where it is wider, at those of the type before the absolute value is taken, as in
                /// PyTorch.
                #[inline(always)]
                fn lcm(a: T, b: T) -> T {
                    let divisor = gcd(a, b);
                    if divisor == 0 {
                        return 0;
                    }
                    let product = i64::from(a.wrapping_div(divisor)).wrapping_mul(i64::from(b));
                    if size_of::<T>() == 8 {
                        product.wrapping_abs() as T
                    } else {
                        (product as i32).wrapping_abs() as T
                    }
                }
                fn each(level: Level, a: &[T], b: &[T], out: &mut [T], f: impl Fn(T, T) -> T) {
                    loop2(level, f, a, b, out);
                }
                fn divide(
                    level: Level,
                    [a, b]: [&[T]; 2],
                    out: &mut [T],
                    zero: &AtomicBool,
                    f: impl Fn(T, T) -> T,
                ) {
                    if b.contains(&ZERO) {
                        return zero.store(true, Ordering::Relaxed);
                    }
                    // No divisor is zero, but the compiler does not know.
                    loop2(level, |a, b| if b == ZERO { b } else { f(a, b) }, a, b, out);
                }
                Some(match op {
                    Add => |l, a, b, out, _| each(l, a, b, out, T::wrapping_add),
                    Sub => |l, a, b, out, _| each(l, a, b, out, T::wrapping_sub),
                    Mul => |l, a, b, out, _| each(l, a, b, out, T::wrapping_mul),
                    Maximum | Fmax => |l, a, b, out, _| each(l, a, b, out, T::max),
                    Minimum | Fmin => |l, a, b, out, _| each(l, a, b, out, T::min),
                    BitwiseAnd => |l, a, b, out, _| each(l, a, b, out, |a, b| a & b),
                    BitwiseOr => |l, a, b, out, _| each(l, a, b, out, |a, b| a | b),
                    BitwiseXor => |l, a, b, out, _| each(l, a, b, out, |a, b| a ^ b),
                    BitwiseLeftShift => |l, a, b, out, _| {
                        let fits = |b: T| (0..i64::from(T::BITS)).contains(&i64::from(b));
                        each(l, a, b, out, |a, b| if fits(b) { a.wrapping_shl(b as u32) } else { 0 });
                    },
                    BitwiseRightShift => |l, a, b, out, _| {
                        let fits = |b: T| (0..i64::from(T::BITS)).contains(&i64::from(b));
                        each(l, a, b, out, |a, b| if fits(b) { a.wrapping_shr(b as u32) } else { rest(a) });
                    },
                    Heaviside => |l, a, b, out, _| {
                        each(l, a, b, out, |a, b| if a == 0 { b } else { T::from(a > ZERO) });
                    },
                    TruncDivide => |l, a, b, out, zero| divide(l, [a, b], out, zero, T::wrapping_div),
                    Fmod => |l, a, b, out, zero| divide(l, [a, b], out, zero, T::wrapping_rem),
                    FloorDivide => |l, a, b, out, zero| {
                        divide(l, [a, b], out, zero, |a, b| {
                            a.wrapping_div(b).wrapping_sub(T::from(differ(a.wrapping_rem(b), b)))
                        });
                    },
                    Remainder => |l, a, b, out, zero| {
                        divide(l, [a, b], out, zero, |a, b| {
                            let rest = a.wrapping_rem(b);
                            if differ(rest, b) { rest.wrapping_add(b) } else { rest }
                        });
                    },
                    Pow => |l, a, b, out, _| each(l, a, b, out, power),
                    Gcd => |l, a, b, out, _| each(l, a, b, out, gcd),
                    Lcm => |l, a, b, out, _| each(l, a, b, out, lcm),
                    _ => return None,
                })
            }
        }
    )* };
}
ints!(u8 i8 i16 i32 i64);

/// An op on slices of truth values.
type Truths = fn(Level, &[Boolean], &[Boolean], &mut [Boolean]);

/// The op on truth values; `None` where there is no kernel.
fn truths(op: BinaryOp) -> Option<Truths> {
    use BinaryOp::*;
    type B = Boolean;
    Some(match op {
        Add | Maximum | Fmax | BitwiseOr | Heaviside => {
            |l, a, b, out| loop2(l, |a: B, b: B| (a.get() | b.get()).into(), a, b, out)
        }
        Mul | Minimum | Fmin | BitwiseAnd => {
            |l, a, b, out| loop2(l, |a: B, b: B| (a.get() & b.get()).into(), a, b, out)
        }
        BitwiseXor => |l, a, b, out| loop2(l, |a: B, b: B| (a.get() ^ b.get()).into(), a, b, out),
        _ => return None,
    })
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims
        .with_ops(
            Family::Binary,
            &["add", "mul", "maximum", "minimum", "fmax", "fmin", "heaviside"],
            DTypeSet::ALL,
        )
        .with_ops(
            Family::Binary,
            &["sub", "floor_divide", "trunc_divide", "remainder", "fmod", "pow"],
            DTypeSet::NUMBERS,
        )
        .with_ops(
            Family::Binary,
            &["div", "copysign", "nextafter", "atan2", "hypot", "logaddexp", "logaddexp2", "xlogy"],
            DTypeSet::FLOATS,
        )
        .with_ops(Family::Binary, &["bitwise_and", "bitwise_or", "bitwise_xor"], DTypeSet::INTEGRAL)
        .with_ops(
            Family::Binary,
            &["bitwise_left_shift", "bitwise_right_shift", "gcd", "lcm"],
            DTypeSet::INTS,
        )
}

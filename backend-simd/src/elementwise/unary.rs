//! Ops of one operand.

use rusttorch_backend::ops::{DTypeRule, UnaryOp};
use rusttorch_backend::{Capabilities, DType, DTypeSet, Family, Result, View, ViewMut, bf16, f16};

use super::{Function1, integer, map1, predicate, special};
use crate::arch::{Bits, Level};
use crate::drive;
use crate::float::{Float, Half, halves1};
use crate::math::{self, Tables, Vector};
use crate::tuning::Cost;

macro_rules! functions {
    (short: $short:literal; $($(#[$doc:meta])* $Name:ident = |$isa:ident, $x:ident| $body:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        struct $Name;
        impl Function1 for $Name {
            const SHORT: bool = $short;

            #[inline(always)]
            fn call<V: Vector>(self, $isa: V::Isa, $x: V) -> V {
                $body
            }
        }
    )* };
}

#[inline(always)]
fn sign_bit<V: Vector>(isa: V::Isa) -> V::Bits {
    V::constant(isa, -0.0).bits()
}

functions! {
    short: true;
    Abs = |isa, x| x.bits().and(sign_bit::<V>(isa).xor(x.bits().splat_like(V::Scalar::ALL_BITS))).real();
    Neg = |isa, x| x.bits().xor(sign_bit::<V>(isa)).real();
    Sign = |isa, x| {
        let (zero, one) = (V::constant(isa, 0.0), V::constant(isa, 1.0));
        let below = V::constant(isa, -1.0).or_else(x.lt(zero), zero);
        one.or_else(zero.lt(x), below)
    };
    Ceil = |_isa, x| x.ceil();
    Floor = |_isa, x| x.floor();
    Round = |_isa, x| x.round();
    Trunc = |_isa, x| x.trunc();
    Frac = |_isa, x| x.sub(x.trunc());
    Sqrt = |_isa, x| x.sqrt();
    Rsqrt = |isa, x| V::constant(isa, 1.0).div(x.sqrt());
    Square = |_isa, x| x.mul(x);
    Reciprocal = |isa, x| V::constant(isa, 1.0).div(x);
    /// Zero only where x lies below: NaN and -0 stay.
    Relu = |isa, x| V::constant(isa, 0.0).or_else(x.lt(V::constant(isa, 0.0)), x);
}

functions! {
    short: false;
    Exp = |isa, x| math::exp(isa, x);
    Exp2 = |isa, x| math::exp2(isa, x);
    Expm1 = |isa, x| math::expm1(isa, x);
    Log = |isa, x| math::log(isa, x);
    Log2 = |isa, x| math::log2(isa, x);
    Log10 = |isa, x| math::log10(isa, x);
    Log1p = |isa, x| math::log1p(isa, x);
    Sin = |isa, x| math::sin(isa, x);
    Cos = |isa, x| math::cos(isa, x);
    Tan = |isa, x| math::tan(isa, x);
    Asin = |isa, x| math::asin(isa, x);
    Acos = |isa, x| math::acos(isa, x);
    Atan = |isa, x| math::atan(isa, x);
    Asinh = |isa, x| math::asinh(isa, x);
    Acosh = |isa, x| math::acosh(isa, x);
    Atanh = |isa, x| math::atanh(isa, x);
    Sinh = |isa, x| math::sinh(isa, x);
    Cosh = |isa, x| math::cosh(isa, x);
    Tanh = |isa, x| math::tanh(isa, x);
    Erf = |isa, x| math::erf(isa, x);
    Erfc = |isa, x| math::erfc(isa, x);
    Erfinv = |isa, x| math::erfinv(isa, x);
    Sigmoid = |isa, x| math::sigmoid(isa, x);
}

/// Runs `$body` with `$F` bound to the function of an op; `$other` for ops that have none.
macro_rules! with_function {
    ($op:expr, $F:ident => $body:expr, else $other:expr) => {
        with_function! { @arms $op, $F => $body, else $other;
            Abs Neg Sign Ceil Floor Round Trunc Frac Sqrt Rsqrt Square Reciprocal Exp Exp2 Expm1 Log Log2 Log10
            Log1p Sin Cos Tan Asin Acos Atan Asinh Acosh Atanh Sinh Cosh Tanh Erf Erfc Erfinv
            Sigmoid Relu
        }
    };
    (@arms $op:expr, $F:ident => $body:expr, else $other:expr; $($Name:ident)*) => {
        match $op {
            $(UnaryOp::$Name => {
                let $F = $Name;
                $body
            })*
            _ => $other,
        }
    };
}

/// What an op costs.
fn cost(op: UnaryOp) -> Cost {
    use UnaryOp::*;
    match op {
        Abs | Neg | Sign | Ceil | Floor | Round | Trunc | Frac | Sqrt | Rsqrt | Square | Reciprocal
        | Relu => Cost::LIGHT,
        _ => Cost::MEDIUM,
    }
}

/// The op; `None` where this backend has no kernel for it.
pub(crate) fn unary(level: Level, op: UnaryOp, x: &View<'_>, out: &mut ViewMut<'_>) -> Option<Result<()>> {
    if op.rule() == DTypeRule::Predicate {
        return predicate::unary(level, op, x, out);
    }
    if special::has(op) {
        return special::unary(level, op, x, out);
    }
    match x.dtype() {
        DType::F32 => with_function!(op, f => Some(floats::<f32, _>(level, op, f, x, out)), else None),
        DType::F64 => with_function!(op, f => Some(floats::<f64, _>(level, op, f, x, out)), else None),
        DType::F16 => with_function!(op, f => Some(halves::<f16, _>(level, op, f, x, out)), else None),
        DType::BF16 => with_function!(op, f => Some(halves::<bf16, _>(level, op, f, x, out)), else None),
        _ => integer::unary(level, op, x, out),
    }
}

/// The op in place, as [`unary`].
pub(crate) fn unary_assign(level: Level, op: UnaryOp, io: &mut ViewMut<'_>) -> Option<Result<()>> {
    if special::has(op) {
        return special::unary_assign(level, op, io);
    }
    match io.dtype() {
        DType::F32 => with_function!(op, f => Some(floats_assign::<f32, _>(level, op, f, io)), else None),
        DType::F64 => with_function!(op, f => Some(floats_assign::<f64, _>(level, op, f, io)), else None),
        DType::F16 => with_function!(op, f => Some(halves_assign::<f16, _>(level, op, f, io)), else None),
        DType::BF16 => with_function!(op, f => Some(halves_assign::<bf16, _>(level, op, f, io)), else None),
        _ => integer::unary_assign(level, op, io),
    }
}

fn floats<T: Float, F: Function1>(
    level: Level,
    op: UnaryOp,
    f: F,
    x: &View<'_>,
    out: &mut ViewMut<'_>,
) -> Result<()> {
    drive::stream1(op.name(), cost(op), x, out, &|x: &[T], out: &mut [T], way| map1(level, f, x, out, way))
}

fn halves<H: Half, F: Function1>(
    level: Level,
    op: UnaryOp,
    f: F,
    x: &View<'_>,
    out: &mut ViewMut<'_>,
) -> Result<()> {
    drive::map1(op.name(), cost(op), x, out, &|x: &[H], out: &mut [H]| {
        halves1(x, out, |x, out| map1(level, f, x, out, false));
    })
}

fn floats_assign<T: Float, F: Function1>(
    level: Level,
    op: UnaryOp,
    f: F,
    io: &mut ViewMut<'_>,
) -> Result<()> {
    drive::assign1(cost(op), io, &|x: &[T], io: &mut [T]| map1(level, f, x, io, false))
}

fn halves_assign<H: Half, F: Function1>(level: Level, op: UnaryOp, f: F, io: &mut ViewMut<'_>) -> Result<()> {
    drive::assign1(cost(op), io, &|x: &[H], io: &mut [H]| {
        halves1(x, io, |x, io| map1(level, f, x, io, false));
    })
}

/// The ops that [`unary`] computes.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    const OPS: &[&str] = &[
        "abs",
        "neg",
        "sign",
        "ceil",
        "floor",
        "round",
        "trunc",
        "frac",
        "sqrt",
        "rsqrt",
        "square",
        "reciprocal",
        "exp",
        "exp2",
        "expm1",
        "log",
        "log2",
        "log10",
        "log1p",
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "asinh",
        "acosh",
        "atanh",
        "sinh",
        "cosh",
        "tanh",
        "erf",
        "erfc",
        "erfinv",
        "sigmoid",
        "relu",
    ];
    const WHOLE: &[&str] = &["abs", "neg", "ceil", "floor", "round", "trunc", "square", "relu"];
    claims
        .with_ops(Family::Unary, OPS, DTypeSet::FLOATS)
        .with_ops(Family::Unary, special::OPS, DTypeSet::FLOATS)
        .with_ops(Family::Unary, WHOLE, DTypeSet::INTS)
        .with_ops(Family::Unary, &["sign", "bitwise_not"], DTypeSet::INTEGRAL)
        .with_ops(Family::Unary, predicate::OPS, DTypeSet::ALL)
}

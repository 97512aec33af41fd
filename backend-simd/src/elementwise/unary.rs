//! Ops of one operand.

use rusttorch_backend::ops::UnaryOp;
use rusttorch_backend::{DType, Result, View, ViewMut, bf16, f16};

use super::{Function1, Wide};
use crate::arch::{Bits, Level, Mask, Scalar};
use crate::drive;
use crate::math::{self, Tables, Vector};

macro_rules! functions {
    ($($(#[$doc:meta])* $Name:ident = |$isa:ident, $x:ident| $body:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        struct $Name;
        impl Function1 for $Name {
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
    Sinh = |isa, x| math::sinh(isa, x);
    Cosh = |isa, x| math::cosh(isa, x);
    Tanh = |isa, x| math::tanh(isa, x);
    Erf = |isa, x| math::erf(isa, x);
    Erfc = |isa, x| math::erfc(isa, x);
    Sigmoid = |isa, x| math::sigmoid(isa, x);
    /// Zero only where x lies below: NaN and -0 stay.
    Relu = |isa, x| V::constant(isa, 0.0).or_else(x.lt(V::constant(isa, 0.0)), x);
}

/// Runs `$body` with `$F` bound to the function of an op; `$other` for ops that have none.
macro_rules! with_function {
    ($op:expr, $F:ident => $body:expr, else $other:expr; $($Name:ident)*) => {
        match $op {
            $(UnaryOp::$Name => {
                let $F = $Name;
                $body
            })*
            _ => $other,
        }
    };
}

/// The op on floats; `None` where this backend has no kernel for it.
pub(crate) fn unary(level: Level, op: UnaryOp, x: View<'_>, out: ViewMut<'_>) -> Option<Result<()>> {
    with_function!(op, f => match x.dtype() {
        DType::F32 => Some(on::<f32, _>(level, op, f, x, out)),
        DType::F64 => Some(on::<f64, _>(level, op, f, x, out)),
        DType::F16 => Some(halves::<f16, _>(level, op, f, x, out)),
        DType::BF16 => Some(halves::<bf16, _>(level, op, f, x, out)),
        _ => None,
    }, else None;
        Abs Neg Sign Ceil Floor Round Trunc Frac Sqrt Rsqrt Square Reciprocal Exp Exp2 Expm1 Log Log2 Log10
        Log1p Sin Cos Tan Sinh Cosh Tanh Erf Erfc Sigmoid Relu
    )
}

fn on<T: Wide, F: Function1>(level: Level, op: UnaryOp, f: F, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
    drive::map1(op.name(), x, out, |x: &[T], out: &mut [T]| T::map1(level, f, x, out))
}

/// A half type, computed in f32 and rounded once.
pub(crate) trait Half: rusttorch_backend::Element {
    fn widen(self) -> f32;
    fn narrow(v: f32) -> Self;
}

impl Half for f16 {
    fn widen(self) -> f32 {
        self.to_f32()
    }
    fn narrow(v: f32) -> f16 {
        f16::from_f32(v)
    }
}

impl Half for bf16 {
    fn widen(self) -> f32 {
        self.to_f32()
    }
    fn narrow(v: f32) -> bf16 {
        bf16::from_f32(v)
    }
}

fn halves<H: Half, F: Function1>(level: Level, op: UnaryOp, f: F, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
    drive::map1(op.name(), x, out, |x: &[H], out: &mut [H]| {
        let (mut wide, mut result) = ([0f32; 256], [0f32; 256]);
        for (x, out) in x.chunks(256).zip(out.chunks_mut(256)) {
            let n = x.len();
            wide.iter_mut().zip(x).for_each(|(w, &x)| *w = x.widen());
            f32::map1(level, f, &wide[..n], &mut result[..n]);
            out.iter_mut().zip(&result).for_each(|(o, &r)| *o = H::narrow(r));
        }
    })
}

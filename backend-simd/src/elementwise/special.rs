//! Functions of one operand that f32 and the halves compute in f64.

use rusttorch_backend::ops::UnaryOp;
use rusttorch_backend::{DType, Result, View, ViewMut, bf16, f16};

use super::{Function1, loop1, map1};
use crate::arch::Level;
use crate::drive;
use crate::float::{Half, halves1};
use crate::math::{self, Vector};
use crate::tuning::Cost;

/// The ops that [`unary`] computes.
pub(super) const OPS: &[&str] = &["lgamma", "digamma", "sinc"];

/// Whether [`unary`] computes it.
#[inline]
pub(super) fn has(op: UnaryOp) -> bool {
    matches!(op, UnaryOp::Lgamma | UnaryOp::Digamma | UnaryOp::Sinc)
}

/// An op on slices of f64.
type Slices = fn(Level, &[f64], &mut [f64]);

macro_rules! functions {
    ($($Name:ident = $function:ident;)*) => {
        $(
            #[derive(Clone, Copy)]
            struct $Name;
            impl Function1 for $Name {
                #[inline(always)]
                fn call<V: Vector>(self, isa: V::Isa, x: V) -> V {
                    math::$function(isa, x)
                }
            }
        )*

        fn function(op: UnaryOp) -> Option<Slices> {
            Some(match op {
                $(UnaryOp::$Name => |level, x, out| map1(level, $Name, x, out, false),)*
                _ => return None,
            })
        }
    };
}
functions! {
    Lgamma = lgamma;
    Digamma = digamma;
    Sinc = sinc;
}

/// Elements of a tile: the f64 copies of operand and result stay in the first cache.
const TILE: usize = 512;

/// `out = f(x)` in f64, rounded once.
fn in_f64(level: Level, f: Slices, x: &[f32], out: &mut [f32]) {
    let (mut wide, mut result) = ([0f64; TILE], [0f64; TILE]);
    for (x, out) in x.chunks(TILE).zip(out.chunks_mut(TILE)) {
        let (wide, result) = (&mut wide[..x.len()], &mut result[..x.len()]);
        loop1(level, f64::from, x, wide);
        f(level, wide, result);
        loop1(level, |v| v as f32, result, out);
    }
}

/// The op; `None` where there is no kernel for it.
pub(super) fn unary(level: Level, op: UnaryOp, x: &View<'_>, out: &mut ViewMut<'_>) -> Option<Result<()>> {
    let f = function(op)?;
    let (name, cost) = (op.name(), Cost::HEAVY);
    Some(match x.dtype() {
        DType::F64 => drive::map1(name, cost, x, out, &|x: &[f64], out: &mut [f64]| f(level, x, out)),
        DType::F32 => drive::map1(name, cost, x, out, &|x: &[f32], out: &mut [f32]| in_f64(level, f, x, out)),
        DType::F16 => drive::map1(name, cost, x, out, &|x: &[f16], out: &mut [f16]| halves(level, f, x, out)),
        DType::BF16 => {
            drive::map1(name, cost, x, out, &|x: &[bf16], out: &mut [bf16]| halves(level, f, x, out))
        }
        _ => return None,
    })
}

/// The op in place, as [`unary`].
pub(super) fn unary_assign(level: Level, op: UnaryOp, io: &mut ViewMut<'_>) -> Option<Result<()>> {
    let f = function(op)?;
    let cost = Cost::HEAVY;
    Some(match io.dtype() {
        DType::F64 => drive::assign1(cost, io, &|x: &[f64], io: &mut [f64]| f(level, x, io)),
        DType::F32 => drive::assign1(cost, io, &|x: &[f32], io: &mut [f32]| in_f64(level, f, x, io)),
        DType::F16 => drive::assign1(cost, io, &|x: &[f16], io: &mut [f16]| halves(level, f, x, io)),
        DType::BF16 => drive::assign1(cost, io, &|x: &[bf16], io: &mut [bf16]| halves(level, f, x, io)),
        _ => return None,
    })
}

fn halves<H: Half>(level: Level, f: Slices, x: &[H], out: &mut [H]) {
    halves1(x, out, |x, out| in_f64(level, f, x, out));
}

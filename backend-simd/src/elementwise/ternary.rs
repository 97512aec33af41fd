//! Ops of three operands, in PyTorch's order of operations.

use rusttorch_backend::ops::TernaryOp;
use rusttorch_backend::{
    Capabilities, DType, DTypeSet, Family, Result, View, ViewMut, bf16, f16, match_dtype,
};

use super::{Function1, Function3, loop3, map1, map3};
use crate::arch::{Bits, Level};
use crate::drive;
use crate::float::{Float, Half, halves3};
use crate::math::Vector;
use crate::tuning::Cost;

/// `a + value b c`, the last product and the sum rounded once.
#[derive(Clone, Copy)]
struct Addcmul(f64);

impl Function3 for Addcmul {
    const SHORT: bool = true;

    #[inline(always)]
    fn call<V: Vector>(self, isa: V::Isa, a: V, b: V, c: V) -> V {
        V::constant(isa, self.0).mul(b).mul_add(c, a)
    }
}

/// `a + value b / c`.
#[derive(Clone, Copy)]
struct Addcdiv(f64);

impl Function3 for Addcdiv {
    const SHORT: bool = true;

    #[inline(always)]
    fn call<V: Vector>(self, isa: V::Isa, a: V, b: V, c: V) -> V {
        a.add(V::constant(isa, self.0).mul(b).div(c))
    }
}

/// From the nearer end, so that weight 0 gives `a` and weight 1 gives `b` exactly.
#[derive(Clone, Copy)]
struct Lerp;

impl Function3 for Lerp {
    const SHORT: bool = true;

    #[inline(always)]
    fn call<V: Vector>(self, isa: V::Isa, a: V, b: V, weight: V) -> V {
        let sign = V::constant(isa, -0.0).bits();
        let magnitude = weight.bits().or(sign).xor(sign).real();
        let from_a = weight.mul_add(b.sub(a), a);
        let from_b = a.sub(b).mul_add(V::constant(isa, 1.0).sub(weight), b);
        from_a.or_else(magnitude.lt(V::constant(isa, 0.5)), from_b)
    }
}

/// `min(max(a, low), high)`; NaN if any is NaN. Of a zero and a bound that is one it takes the operand's sign, as PyTorch
/// does; the reference takes -0 for less.
#[derive(Clone, Copy)]
struct Clamp;

impl Function3 for Clamp {
    const SHORT: bool = true;

    #[inline(always)]
    fn call<V: Vector>(self, _: V::Isa, a: V, low: V, high: V) -> V {
        low.add(high).or_else(low.unordered(high), between(a, low, high))
    }
}

/// [`Clamp`] by bounds of which none is NaN.
#[inline(always)]
fn between<V: Vector>(a: V, low: V, high: V) -> V {
    high.min_or_second(low.max_or_second(a))
}

/// [`Clamp`] by two numbers that are not NaN, of the type that is clamped.
#[derive(Clone, Copy)]
struct ClampTo([f64; 2]);

impl Function1 for ClampTo {
    const SHORT: bool = true;

    #[inline(always)]
    fn call<V: Vector>(self, isa: V::Isa, a: V) -> V {
        let [low, high] = self.0;
        between(a, V::constant(isa, low), V::constant(isa, high))
    }
}

/// The number that a view holds everywhere, if it is one and no NaN.
fn number<T: Float>(x: &View<'_>) -> Option<f64> {
    let layout = x.layout();
    if layout.strides().iter().any(|&stride| stride != 0) {
        return None;
    }
    let v = x.host::<T>().ok()?.get(layout.offset())?.to_f64();
    (!v.is_nan()).then_some(v)
}

/// [`Clamp`] to numbers that are the same everywhere; `None` for other bounds.
fn clamp_to<T: Float>(
    level: Level,
    op: TernaryOp,
    [a, low, high]: [&View<'_>; 3],
    out: &mut ViewMut<'_>,
) -> Option<Result<()>> {
    if op != TernaryOp::Clamp || [low, high].iter().any(|bound| !bound.layout().has_shape_of(out.layout())) {
        return None;
    }
    let f = ClampTo([number::<T>(low)?, number::<T>(high)?]);
    Some(drive::stream1(op.name(), Cost::LIGHT, a, out, &|a: &[T], out: &mut [T], way| {
        map1(level, f, a, out, way)
    }))
}

/// The op; `None` where this backend has no kernel for it.
pub(crate) fn ternary(
    level: Level,
    op: TernaryOp,
    a: &View<'_>,
    b: &View<'_>,
    c: &View<'_>,
    out: &mut ViewMut<'_>,
) -> Option<Result<()>> {
    let x = [a, b, c];
    match op {
        TernaryOp::Addcmul { value } => floats(level, op, Addcmul(value.to_f64()), x, out),
        TernaryOp::Addcdiv { value } => floats(level, op, Addcdiv(value.to_f64()), x, out),
        TernaryOp::Lerp => floats(level, op, Lerp, x, out),
        TernaryOp::Clamp => floats(level, op, Clamp, x, out),
    }
}

fn floats<F: Function3>(
    level: Level,
    op: TernaryOp,
    f: F,
    x: [&View<'_>; 3],
    out: &mut ViewMut<'_>,
) -> Option<Result<()>> {
    Some(match out.dtype() {
        DType::F32 => wide::<f32, F>(level, op, f, x, out),
        DType::F64 => wide::<f64, F>(level, op, f, x, out),
        DType::F16 => halves::<f16, F>(level, op, f, x, out),
        DType::BF16 => halves::<bf16, F>(level, op, f, x, out),
        _ => return ints(level, op, x, out),
    })
}

fn wide<T: Float, F: Function3>(
    level: Level,
    op: TernaryOp,
    f: F,
    [a, b, c]: [&View<'_>; 3],
    out: &mut ViewMut<'_>,
) -> Result<()> {
    if let Some(done) = clamp_to::<T>(level, op, [a, b, c], out) {
        return done;
    }
    drive::stream3(op.name(), Cost::LIGHT, a, b, c, out, &|a: &[T], b: &[T], c: &[T], out: &mut [T], way| {
        map3(level, f, a, b, c, out, way);
    })
}

fn halves<H: Half, F: Function3>(
    level: Level,
    op: TernaryOp,
    f: F,
    [a, b, c]: [&View<'_>; 3],
    out: &mut ViewMut<'_>,
) -> Result<()> {
    drive::map3(op.name(), Cost::LIGHT, a, b, c, out, &|a: &[H], b: &[H], c: &[H], out: &mut [H]| {
        halves3(a, b, c, out, |a, b, c, out| map3(level, f, a, b, c, out, false));
    })
}

fn ints(level: Level, op: TernaryOp, [a, b, c]: [&View<'_>; 3], out: &mut ViewMut<'_>) -> Option<Result<()>> {
    match_dtype!(ints out.dtype(), T => match op {
        TernaryOp::Addcmul { value } => {
            // As all products wrap, so may the factor.
            let value = value.to_i64() as T;
            let f = |a: T, b: T, c: T| a.wrapping_add(value.wrapping_mul(b).wrapping_mul(c));
            Some(drive::map3(op.name(), Cost::LIGHT, a, b, c, out, &|a: &[T], b: &[T], c: &[T], out: &mut [T]| {
                loop3(level, f, a, b, c, out);
            }))
        }
        TernaryOp::Clamp => {
            let f = |a: T, low: T, high: T| a.max(low).min(high);
            Some(drive::map3(op.name(), Cost::LIGHT, a, b, c, out, &|a: &[T], b: &[T], c: &[T], out: &mut [T]| {
                loop3(level, f, a, b, c, out);
            }))
        }
        _ => None,
    }, else None)
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims.with_ops(Family::Ternary, &["addcmul", "clamp"], DTypeSet::NUMBERS).with_ops(
        Family::Ternary,
        &["addcdiv", "lerp"],
        DTypeSet::FLOATS,
    )
}

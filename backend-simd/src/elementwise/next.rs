//! The next number in a direction, and quotients that are rounded to their type on the way: what of floats is neither a
//! function of vectors nor the same when it is computed in a wider type.

use rusttorch_backend::ops::BinaryOp;
use rusttorch_backend::{DType, Element, Result, View, ViewMut, bf16, f16};

use super::loop2;
use crate::arch::Level;
use crate::drive;
use crate::float::Half;
use crate::tuning::Cost;

/// What it takes to step from a number to the next.
trait Step: Element {
    /// As a type that compares.
    type Wide: Copy + PartialOrd;
    fn wide(self) -> Self::Wide;
    fn next(self, towards: Self) -> Self;
}

macro_rules! steps {
    ($($T:ty: $Wide:ty = $wide:expr;)*) => { $(
        impl Step for $T {
            type Wide = $Wide;

            #[inline(always)]
            fn wide(self) -> $Wide {
                $wide(self)
            }

            /// The number next to it in a direction; NaN where either is, and of equal numbers the second.
            #[inline(always)]
            fn next(self, towards: $T) -> $T {
                let (a, b, zero) = (self.wide(), towards.wide(), <$Wide>::default());
                if a.partial_cmp(&b).is_none() {
                    return <$T>::NAN;
                }
                if a == b {
                    return towards;
                }
                if a == zero {
                    let sign = !(<$T>::from_bits(0).to_bits().wrapping_sub(1) >> 1);
                    return <$T>::from_bits(1 | towards.to_bits() & sign);
                }
                // Away from zero the pattern of bits grows.
                let away = (b > a) == (a > zero);
                <$T>::from_bits(if away { self.to_bits() + 1 } else { self.to_bits() - 1 })
            }
        }
    )* };
}
steps! {
    f32: f32 = |v| v;
    f64: f64 = |v| v;
    f16: f32 = Half::widen;
    bf16: f32 = Half::widen;
}

/// Runs `$body` with `$f` bound to the op on single elements of the type `$T`; `None` for other ops.
macro_rules! with_function {
    ($op:expr, $dtype:expr, $T:ident, $f:ident => $body:expr) => {
        match ($op, $dtype) {
            (BinaryOp::Nextafter, DType::F32) => with_function!(@of f32, <f32 as Step>::next, $T, $f => $body),
            (BinaryOp::Nextafter, DType::F64) => with_function!(@of f64, <f64 as Step>::next, $T, $f => $body),
            (BinaryOp::Nextafter, DType::F16) => with_function!(@of f16, <f16 as Step>::next, $T, $f => $body),
            (BinaryOp::Nextafter, DType::BF16) => with_function!(@of bf16, <bf16 as Step>::next, $T, $f => $body),
            (BinaryOp::TruncDivide, DType::F16) => with_function!(@of f16, trunc_divide::<f16>, $T, $f => $body),
            (BinaryOp::TruncDivide, DType::BF16) => with_function!(@of bf16, trunc_divide::<bf16>, $T, $f => $body),
            _ => None,
        }
    };
    (@of $Type:ty, $function:expr, $T:ident, $f:ident => $body:expr) => {{
        type $T = $Type;
        let $f = $function;
        Some($body)
    }};
}

#[inline(always)]
fn trunc_divide<H: Half>(a: H, b: H) -> H {
    H::narrow(H::narrow(a.widen() / b.widen()).widen().trunc())
}

/// The op; `None` where there is no kernel for it here.
pub(super) fn binary(
    level: Level,
    op: BinaryOp,
    a: &View<'_>,
    b: &View<'_>,
    out: &mut ViewMut<'_>,
) -> Option<Result<()>> {
    with_function!(op, a.dtype(), T, f => {
        drive::map2(op.name(), Cost::MEDIUM, a, b, out, &|a: &[T], b: &[T], out: &mut [T]| loop2(level, f, a, b, out))
    })
}

/// The op in place, as [`binary`].
pub(super) fn binary_assign(
    level: Level,
    op: BinaryOp,
    io: &mut ViewMut<'_>,
    b: &View<'_>,
) -> Option<Result<()>> {
    with_function!(op, io.dtype(), T, f => {
        drive::assign2(op.name(), Cost::MEDIUM, io, b, &|a: &[T], b: &[T], io: &mut [T]| loop2(level, f, a, b, io))
    })
}

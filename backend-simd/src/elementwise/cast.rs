//! Casts between dtypes, as [`Element`] defines them.
//!
//! Between numbers of one, two, four and eight bytes there is a loop for each pair. The half types go through f32,
//! which holds them exactly and from which they are rounded anyway; a bool is a number, 0 or 1, once it is read.

use rusttorch_backend::{Boolean, DType, Element, Scalar, bf16, f16, match_dtype};

use super::loop1;
use crate::arch::Level;
use crate::arch::plain::{bytes_of, bytes_of_mut, elements_of, elements_of_mut};
use crate::float::{Half, narrow, widen};

/// Elements that are cast at a time where two steps are needed.
const STEP: usize = 512;

/// `out = x`, elementwise, as bytes. The dtypes differ.
pub(super) fn cast(level: Level, from: DType, x: &[u8], to: DType, out: &mut [u8]) {
    match from {
        DType::F16 => from_half::<f16>(level, elements_of(x), to, out),
        DType::BF16 => from_half::<bf16>(level, elements_of(x), to, out),
        DType::Bool => {
            let mut step = [0u8; STEP];
            for (x, out) in elements_of::<Boolean>(x).chunks(STEP).zip(out.chunks_mut(STEP * to.size())) {
                let step = &mut step[..x.len()];
                loop1(level, |x: Boolean| u8::from(x.get()), x, step);
                from_number::<u8>(level, step, to, out);
            }
        }
        DType::F32 => from_number::<f32>(level, elements_of(x), to, out),
        DType::F64 => from_number::<f64>(level, elements_of(x), to, out),
        _ => match_dtype!(ints from, X => from_number::<X>(level, elements_of(x), to, out), else ()),
    }
}

fn from_half<H: Half>(level: Level, x: &[H], to: DType, out: &mut [u8]) {
    if to == DType::F32 {
        return widen(x, elements_of_mut(out));
    }
    let mut step = [0f32; STEP];
    for (x, out) in x.chunks(STEP).zip(out.chunks_mut(STEP * to.size())) {
        let step = &mut step[..x.len()];
        widen(x, step);
        from_number::<f32>(level, step, to, out);
    }
}

fn from_number<X: Element + Number>(level: Level, x: &[X], to: DType, out: &mut [u8]) {
    match to {
        DType::F16 => to_half::<X, f16>(level, x, elements_of_mut(out)),
        DType::BF16 => to_half::<X, bf16>(level, x, elements_of_mut(out)),
        DType::Bool => loop1(level, |x: X| Boolean::from(x.differs_from_zero()), x, elements_of_mut(out)),
        DType::F32 => to_number::<X, f32>(level, x, out),
        DType::F64 => to_number::<X, f64>(level, x, out),
        _ => match_dtype!(ints to, O => to_number::<X, O>(level, x, out), else ()),
    }
}

fn to_number<X: Element, O: Element>(level: Level, x: &[X], out: &mut [u8]) {
    if X::DTYPE == O::DTYPE {
        // The second of two steps.
        return out.copy_from_slice(bytes_of(x));
    }
    let out = elements_of_mut::<O>(out);
    if X::DTYPE.is_float() && O::DTYPE.is_int() && O::DTYPE != DType::I64 {
        let limit = |i: i64| O::from_scalar(Scalar::Int(i)).to_scalar().to_f64();
        let (low, high) = match O::DTYPE {
            DType::U8 => (0.0, 255.0),
            _ => (limit(-1 << (8 * size_of::<O>() - 1)), limit((1 << (8 * size_of::<O>() - 1)) - 1)),
        };
        return loop1(level, |x: X| to_small::<O>(x.to_scalar().to_f64(), low, high), x, out);
    }
    loop1(level, |x: X| O::from_scalar(x.to_scalar()), x, out);
}

/// The saturating cast to an integer of up to 32 bits, in steps that there are on vectors.
#[inline(always)]
fn to_small<O: Element>(x: f64, low: f64, high: f64) -> O {
    let x = if x.is_nan() { 0.0 } else { x };
    let x = if x > low { x } else { low };
    let x = if x < high { x } else { high };
    // The last bits of a sum with 1.5 * 2^52 are a whole number.
    O::from_scalar(Scalar::Int((x.trunc() + 6_755_399_441_055_744.0).to_bits() as i64))
}

fn to_half<X: Element + Number, H: Half>(level: Level, x: &[X], out: &mut [H]) {
    if X::DTYPE == DType::F32 {
        return narrow(elements_of(bytes_of(x)), out);
    }
    let mut step = [0f32; STEP];
    for (x, out) in x.chunks(STEP).zip(out.chunks_mut(STEP)) {
        let step = &mut step[..x.len()];
        to_number::<X, f32>(level, x, bytes_of_mut(step));
        narrow(step, out);
    }
}

/// A number that is no half and no bool.
trait Number: Copy {
    fn differs_from_zero(self) -> bool;
}

macro_rules! numbers {
    ($($t:ty)*) => { $(
        impl Number for $t {
            #[inline(always)]
            fn differs_from_zero(self) -> bool {
                self != 0 as $t
            }
        }
    )* };
}
numbers!(u8 i8 i16 i32 i64 f32 f64);

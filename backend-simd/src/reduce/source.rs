//! What elements are computed in: floats and integers as they are, halves in f32.

use rusttorch_backend::{Boolean, Element, bf16, f16};

use crate::float::{self, Half, copy};

/// An element and the type that it is computed in.
pub(crate) trait Source: Element {
    /// The type of computation.
    type Wide: Element + Default;
    /// The value without loss.
    fn widen(self) -> Self::Wide;
    /// The value rounded.
    fn narrow(v: Self::Wide) -> Self;
    /// [`widen`](Self::widen) of slices, as far as both reach.
    fn widen_all(from: &[Self], to: &mut [Self::Wide]);
    /// [`narrow`](Self::narrow) of slices, as far as both reach.
    fn narrow_all(from: &[Self::Wide], to: &mut [Self]);
    /// The elements as they lie, where no conversion is needed.
    fn direct(x: &[Self]) -> Option<&[Self::Wide]>;
    /// As [`direct`](Self::direct).
    fn direct_mut(x: &mut [Self]) -> Option<&mut [Self::Wide]>;
}

macro_rules! itself {
    ($($t:ty)*) => { $(
        impl Source for $t {
            type Wide = $t;
            #[inline(always)]
            fn widen(self) -> $t {
                self
            }
            #[inline(always)]
            fn narrow(v: $t) -> $t {
                v
            }
            fn widen_all(from: &[$t], to: &mut [$t]) {
                copy(from, to);
            }
            fn narrow_all(from: &[$t], to: &mut [$t]) {
                copy(from, to);
            }
            fn direct(x: &[$t]) -> Option<&[$t]> {
                Some(x)
            }
            fn direct_mut(x: &mut [$t]) -> Option<&mut [$t]> {
                Some(x)
            }
        }
    )* };
}
itself!(f32 f64 i8 i16 i32 i64 u8 Boolean);

macro_rules! half {
    ($($t:ty)*) => { $(
        impl Source for $t {
            type Wide = f32;
            #[inline(always)]
            fn widen(self) -> f32 {
                Half::widen(self)
            }
            #[inline(always)]
            fn narrow(v: f32) -> $t {
                Half::narrow(v)
            }
            fn widen_all(from: &[$t], to: &mut [f32]) {
                float::widen(from, to);
            }
            fn narrow_all(from: &[f32], to: &mut [$t]) {
                float::narrow(from, to);
            }
            fn direct(_: &[$t]) -> Option<&[f32]> {
                None
            }
            fn direct_mut(_: &mut [$t]) -> Option<&mut [f32]> {
                None
            }
        }
    )* };
}
half!(f16 bf16);

/// Writes `n` elements from `from` on, `stride` apart, to `to`.
pub(super) fn gather<E: Source>(data: &[E], from: isize, stride: isize, to: &mut [E::Wide]) {
    let n = to.len();
    if n > 0 && stride == 1 {
        return E::widen_all(&data[from as usize..from as usize + n], to);
    }
    let mut at = from;
    for to in to {
        *to = data[at as usize].widen();
        at = at.wrapping_add(stride);
    }
}

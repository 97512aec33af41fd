//! The element types that kernels compute on.

use rusttorch_backend::{Element, bf16, f16};

use crate::arch::{Isa, Kernel, Level, half};
use crate::math::{Tables, Vector};

/// f32 and f64: a kernel generic over it is written once for both.
pub(crate) trait Float: Element + Tables {
    /// The vector of it.
    type V<I: Isa>: Vector<Isa = I, Scalar = Self>;
}

impl Float for f32 {
    type V<I: Isa> = I::F32;
}

impl Float for f64 {
    type V<I: Isa> = I::F64;
}

/// A half type: computed in f32 and rounded once. Its bits are the same on all levels.
pub(crate) trait Half: Element {
    fn widen(self) -> f32;
    fn narrow(v: f32) -> Self;
    /// [`widen`](Self::widen) of slices of one length.
    fn widen_all<I: Isa>(isa: I, from: &[Self], to: &mut [f32]);
    /// [`narrow`](Self::narrow) of slices of one length.
    fn narrow_all<I: Isa>(isa: I, from: &[f32], to: &mut [Self]);
}

impl Half for f16 {
    #[inline(always)]
    fn widen(self) -> f32 {
        half::widen(self)
    }

    #[inline(always)]
    fn narrow(v: f32) -> f16 {
        half::narrow(v)
    }

    #[inline(always)]
    fn widen_all<I: Isa>(isa: I, from: &[f16], to: &mut [f32]) {
        isa.widen_f16(from, to);
    }

    #[inline(always)]
    fn narrow_all<I: Isa>(isa: I, from: &[f32], to: &mut [f16]) {
        isa.narrow_f16(from, to);
    }
}

// Without branches, so that loops over them become vectors. A NaN stays a NaN.
impl Half for bf16 {
    #[inline(always)]
    fn widen(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }

    #[inline(always)]
    fn narrow(v: f32) -> bf16 {
        let bits = v.to_bits();
        let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
        let kept = bits >> 16 | 0x40;
        let is_nan = bits & 0x7fff_ffff > 0x7f80_0000;
        bf16::from_bits(if is_nan { kept } else { rounded } as u16)
    }

    #[inline(always)]
    fn widen_all<I: Isa>(_: I, from: &[bf16], to: &mut [f32]) {
        to.iter_mut().zip(from).for_each(|(to, &from)| *to = from.widen());
    }

    #[inline(always)]
    fn narrow_all<I: Isa>(_: I, from: &[f32], to: &mut [bf16]) {
        to.iter_mut().zip(from).for_each(|(to, &from)| *to = bf16::narrow(from));
    }
}

/// Elements of a tile of halves: the f32 copies of operands and result stay in the first cache.
const HALVES: usize = 512;

/// `out = body(x)` in f32.
pub(crate) fn halves1<H: Half>(x: &[H], out: &mut [H], body: impl Fn(&[f32], &mut [f32])) {
    let (mut wide, mut result) = ([0f32; HALVES], [0f32; HALVES]);
    for (x, out) in x.chunks(HALVES).zip(out.chunks_mut(HALVES)) {
        widen(x, &mut wide);
        body(&wide[..x.len()], &mut result[..x.len()]);
        narrow(&result, out);
    }
}

/// `out = body(a, b)` in f32.
pub(crate) fn halves2<H: Half>(a: &[H], b: &[H], out: &mut [H], body: impl Fn(&[f32], &[f32], &mut [f32])) {
    let (mut wide_a, mut wide_b, mut result) = ([0f32; HALVES], [0f32; HALVES], [0f32; HALVES]);
    for ((a, b), out) in a.chunks(HALVES).zip(b.chunks(HALVES)).zip(out.chunks_mut(HALVES)) {
        let n = out.len();
        widen(a, &mut wide_a);
        widen(b, &mut wide_b);
        body(&wide_a[..n], &wide_b[..n], &mut result[..n]);
        narrow(&result, out);
    }
}

/// `out = body(a, b, c)` in f32.
pub(crate) fn halves3<H: Half>(
    a: &[H],
    b: &[H],
    c: &[H],
    out: &mut [H],
    body: impl Fn(&[f32], &[f32], &[f32], &mut [f32]),
) {
    let (mut wide_a, mut wide_b, mut wide_c, mut result) =
        ([0f32; HALVES], [0f32; HALVES], [0f32; HALVES], [0f32; HALVES]);
    let inputs = a.chunks(HALVES).zip(b.chunks(HALVES)).zip(c.chunks(HALVES));
    for (((a, b), c), out) in inputs.zip(out.chunks_mut(HALVES)) {
        let n = out.len();
        widen(a, &mut wide_a);
        widen(b, &mut wide_b);
        widen(c, &mut wide_c);
        body(&wide_a[..n], &wide_b[..n], &wide_c[..n], &mut result[..n]);
        narrow(&result, out);
    }
}

/// `to = from`, as f32, as far as both reach. Its bits are the same on all levels, so it takes the best.
pub(crate) fn widen<H: Half>(from: &[H], to: &mut [f32]) {
    let n = from.len().min(to.len());
    Level::current().enter(Widen { from: &from[..n], to: &mut to[..n] });
}

/// `to = from`, rounded, as far as both reach. Its bits are the same on all levels, so it takes the best.
pub(crate) fn narrow<H: Half>(from: &[f32], to: &mut [H]) {
    let n = from.len().min(to.len());
    Level::current().enter(Narrow { from: &from[..n], to: &mut to[..n] });
}

struct Widen<'a, H> {
    from: &'a [H],
    to: &'a mut [f32],
}

impl<H: Half> Kernel for Widen<'_, H> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        H::widen_all(isa, self.from, self.to);
    }
}

struct Narrow<'a, H> {
    from: &'a [f32],
    to: &'a mut [H],
}

impl<H: Half> Kernel for Narrow<'_, H> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        H::narrow_all(isa, self.from, self.to);
    }
}

/// `out = body(x)` on f32 copies, for a body whose result is of another type.
pub(crate) fn widened1<H: Half, O>(x: &[H], out: &mut [O], body: impl Fn(&[f32], &mut [O])) {
    let mut wide = [0f32; HALVES];
    for (x, out) in x.chunks(HALVES).zip(out.chunks_mut(HALVES)) {
        widen(x, &mut wide);
        body(&wide[..x.len()], out);
    }
}

/// `out = body(a, b)` on f32 copies, for a body whose result is of another type.
pub(crate) fn widened2<H: Half, O>(a: &[H], b: &[H], out: &mut [O], body: impl Fn(&[f32], &[f32], &mut [O])) {
    let (mut wide_a, mut wide_b) = ([0f32; HALVES], [0f32; HALVES]);
    for ((a, b), out) in a.chunks(HALVES).zip(b.chunks(HALVES)).zip(out.chunks_mut(HALVES)) {
        let n = out.len();
        widen(a, &mut wide_a);
        widen(b, &mut wide_b);
        body(&wide_a[..n], &wide_b[..n], out);
    }
}

/// `to = from`, as far as both reach.
pub(crate) fn copy<T: Copy>(from: &[T], to: &mut [T]) {
    let n = from.len().min(to.len());
    to[..n].copy_from_slice(&from[..n]);
}

/// An element type and the type that it is computed in: f32 for halves, else its own.
pub(crate) trait Stored: Element {
    type Wide: Float;
    /// The elements as they lie, where they are of the type that they are computed in.
    fn as_wide(slice: &[Self]) -> Option<&[Self::Wide]>;
    fn as_wide_mut(slice: &mut [Self]) -> Option<&mut [Self::Wide]>;
    fn to_wide(self) -> Self::Wide;
    /// Rounded.
    fn of_wide(v: Self::Wide) -> Self;
    /// [`to_wide`](Self::to_wide) of slices, as far as both reach.
    fn all_to_wide(from: &[Self], to: &mut [Self::Wide]);
    /// [`of_wide`](Self::of_wide) of slices, as far as both reach.
    fn all_of_wide(from: &[Self::Wide], to: &mut [Self]);
}

macro_rules! stored {
    ($($T:ty as $Wide:ty, $as_wide:expr, $to_wide:expr, $of_wide:expr, $all_to_wide:expr, $all_of_wide:expr;)*) => { $(
        impl Stored for $T {
            type Wide = $Wide;
            #[inline(always)]
            fn as_wide(slice: &[$T]) -> Option<&[$Wide]> {
                $as_wide(slice)
            }
            #[inline(always)]
            fn as_wide_mut(slice: &mut [$T]) -> Option<&mut [$Wide]> {
                $as_wide(slice)
            }
            #[inline(always)]
            fn to_wide(self) -> $Wide {
                $to_wide(self)
            }
            #[inline(always)]
            fn of_wide(v: $Wide) -> $T {
                $of_wide(v)
            }
            fn all_to_wide(from: &[$T], to: &mut [$Wide]) {
                $all_to_wide(from, to);
            }
            fn all_of_wide(from: &[$Wide], to: &mut [$T]) {
                $all_of_wide(from, to);
            }
        }
    )* };
}
stored! {
    f32 as f32, Some, |v| v, |v| v, copy, copy;
    f64 as f64, Some, |v| v, |v| v, copy, copy;
    f16 as f32, |_| None, Half::widen, Half::narrow, widen, narrow;
    bf16 as f32, |_| None, Half::widen, Half::narrow, widen, narrow;
}

#[cfg(test)]
#[path = "float_tests.rs"]
mod tests;

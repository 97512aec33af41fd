//! The element types that kernels compute on.

use rusttorch_backend::{Element, bf16, f16};

use crate::arch::Isa;
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

/// A half type: computed in f32 and rounded once.
pub(crate) trait Half: Element {
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

/// `to = from`, as f32.
pub(crate) fn widen<H: Half>(from: &[H], to: &mut [f32]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = from.widen());
}

/// `to = from`, rounded.
pub(crate) fn narrow<H: Half>(from: &[f32], to: &mut [H]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = H::narrow(from));
}

//! Elementwise families: a function of vectors, applied to slices chunk by chunk.

pub(crate) mod unary;

use crate::arch::{Isa, Kernel, Level, Real};
use crate::math::Vector;

/// A function of one vector.
pub(crate) trait Function1: Copy {
    fn call<V: Vector>(self, isa: V::Isa, x: V) -> V;
}

/// `out = f(x)` on slices of equal length.
pub(crate) struct Map1<'a, F, T> {
    pub(crate) f: F,
    pub(crate) x: &'a [T],
    pub(crate) out: &'a mut [T],
}

macro_rules! map1_kernel {
    ($($t:ty => $V:ident),*) => { $(
        impl<F: Function1> Kernel for Map1<'_, F, $t> {
            type Output = ();

            #[inline(always)]
            fn run<I: Isa>(self, isa: I) {
                let (chunks, tail) = I::$V::chunks(self.x);
                let (outs, out_tail) = I::$V::chunks_mut(self.out);
                for (x, out) in chunks.iter().zip(outs) {
                    self.f.call(isa, I::$V::load(isa, x)).store(out);
                }
                if !tail.is_empty() {
                    // Through the same code, on a copy that fills the lanes.
                    let (mut x, mut out) = (I::$V::zeros(), I::$V::zeros());
                    x[..tail.len()].copy_from_slice(tail);
                    self.f.call(isa, I::$V::load(isa, &x)).store(&mut out);
                    out_tail.copy_from_slice(&out[..tail.len()]);
                }
            }
        }
    )* };
}
map1_kernel!(f32 => F32, f64 => F64);

/// An element that kernels compute on.
pub(crate) trait Wide: rusttorch_backend::Element {
    fn map1<F: Function1>(level: Level, f: F, x: &[Self], out: &mut [Self]);
}

macro_rules! wide {
    ($($t:ty),*) => { $(
        impl Wide for $t {
            fn map1<F: Function1>(level: Level, f: F, x: &[Self], out: &mut [Self]) {
                level.enter(Map1 { f, x, out });
            }
        }
    )* };
}
wide!(f32, f64);

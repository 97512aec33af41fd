//! Elementwise families: functions of vectors, applied to slices chunk by chunk.

pub(crate) mod binary;
mod cast;
pub(crate) mod compare;
pub(crate) mod copy;
mod division;
mod integer;
mod predicate;
pub(crate) mod select;
pub(crate) mod ternary;
pub(crate) mod unary;

#[cfg(test)]
mod tests;

use crate::arch::{Isa, Kernel, Level, Real};
use crate::float::Float;
use crate::math::Vector;

macro_rules! maps {
    ($($Function:ident $Map:ident $map:ident($($x:ident),+);)*) => { $(
        /// A function of vectors.
        pub(crate) trait $Function: Copy + Send + Sync {
            fn call<V: Vector>(self, isa: V::Isa, $($x: V),+) -> V;
        }

        /// `out = f(operands)` on slices of equal length.
        struct $Map<'a, F, T> {
            f: F,
            $($x: &'a [T],)+
            out: &'a mut [T],
            /// Whether the output is written past the caches.
            stream: bool,
        }

        impl<F: $Function, T: Float> Kernel for $Map<'_, F, T> {
            type Output = ();

            #[inline(always)]
            fn run<I: Isa>(self, isa: I) {
                $(let $x = T::V::<I>::chunks(self.$x);)+
                let (chunks, tail) = T::V::<I>::chunks_mut(self.out);
                // The last elements go through the same code, on copies that fill the lanes.
                $(let mut $x = ($x.0, T::V::<I>::zeros(), $x.1);)+
                $($x.1.as_mut()[..$x.2.len()].copy_from_slice($x.2);)+
                let mut last = T::V::<I>::zeros();
                let whole = chunks.len();
                for i in 0..whole + usize::from(!tail.is_empty()) {
                    let out = if i < whole { &mut chunks[i] } else { &mut last };
                    let y = self.f.call::<T::V<I>>(isa, $(Real::load(isa, $x.0.get(i).unwrap_or(&$x.1))),+);
                    if self.stream { y.stream(out) } else { y.store(out) }
                }
                if self.stream {
                    isa.finish_streams();
                }
                tail.copy_from_slice(&last.as_ref()[..tail.len()]);
            }
        }

        /// `out = f(operands)` on slices of equal length.
        pub(crate) fn $map<F: $Function, T: Float>(level: Level, f: F, $($x: &[T],)+ out: &mut [T], stream: bool) {
            level.enter($Map { f, $($x,)+ out, stream });
        }
    )* };
}
maps! {
    Function1 Map1 map1(x);
    Function2 Map2 map2(a, b);
    Function3 Map3 map3(a, b, c);
}

macro_rules! loops {
    ($($Loop:ident $loop:ident($($x:ident: $X:ident),+);)*) => { $(
        struct $Loop<'a, F, $($X,)+ O> {
            f: F,
            $($x: &'a [$X],)+
            out: &'a mut [O],
        }

        impl<F: Fn($($X),+) -> O, $($X: Copy,)+ O> Kernel for $Loop<'_, F, $($X,)+ O> {
            type Output = ();

            #[inline(always)]
            fn run<I: Isa>(self, _: I) {
                let n = self.out.len();
                $(let $x = &self.$x[..n];)+
                for i in 0..n {
                    self.out[i] = (self.f)($($x[i]),+);
                }
            }
        }

        /// `out = f(operands)` on slices of equal length, as a plain loop, of which the compiler makes vectors.
        pub(crate) fn $loop<$($X: Copy,)+ O>(level: Level, f: impl Fn($($X),+) -> O, $($x: &[$X],)+ out: &mut [O]) {
            level.enter($Loop { f, $($x,)+ out });
        }
    )* };
}
loops! {
    Loop1 loop1(x: X);
    Loop2 loop2(a: A, b: B);
    Loop3 loop3(a: A, b: B, c: C);
}

/// The last elements of a slice, and zeros.
#[inline(always)]
pub(crate) fn padded<V: Vector>(isa: V::Isa, tail: &[V::Scalar]) -> V {
    let mut lanes = V::zeros();
    lanes.as_mut()[..tail.len()].copy_from_slice(tail);
    V::load(isa, &lanes)
}

//! Elementwise families: functions of vectors, applied to slices chunk by chunk.

pub(crate) mod binary;
mod cast;
pub(crate) mod compare;
pub(crate) mod copy;
mod division;
mod integer;
mod next;
mod predicate;
pub(crate) mod select;
mod special;
pub(crate) mod ternary;
pub(crate) mod unary;

#[cfg(test)]
mod tests;

use crate::arch::{Isa, Kernel, Level, Real};
use crate::drive::Way;
use crate::float::Float;
use crate::math::Vector;

macro_rules! maps {
    ($($Function:ident $Map:ident $map:ident($($x:ident),+);)*) => { $(
        /// A function of vectors.
        pub(crate) trait $Function: Copy + Send + Sync {
            /// Whether it is a few instructions, so that its code may stand once more where that saves some.
            const SHORT: bool = false;

            fn call<V: Vector>(self, isa: V::Isa, $($x: V),+) -> V;
        }

        /// `out = f(operands)`; each operand a slice of as many elements as `out`, of one that is the same everywhere,
        /// or of those of a period, of which `out` has whole ones and which is that of every such operand; or, where the way
        /// has rows, of one for each row, or of a row where it says that there are such.
        struct $Map<'a, F, T> {
            f: F,
            $($x: &'a [T],)+
            out: &'a mut [T],
            way: Way,
        }

        impl<F: $Function, T: Float> Kernel for $Map<'_, F, T> {
            type Output = ();

            #[inline(always)]
            fn run<I: Isa>(self, isa: I) {
                let lanes = T::V::<I>::LANES;
                let Way { stream, row, shared } = self.way;
                let n = self.out.len();
                // So few elements are one vector, unless operands start again or have one for each row: most calls on scalars
                // end here.
                if const { F::SHORT } && n < lanes $(&& (self.$x.len() == n || self.$x.len() == 1))+ {
                    let y = self.f.call::<T::V<I>>(isa, $(some(isa, self.$x, true)),+);
                    return put_few(y, self.out);
                }
                let mut period = if row > 0 { row } else { n };
                $(if row == 0 && self.$x.len() > 1 {
                    period = period.min(self.$x.len());
                })+
                // Less than a vector.
                let few = period < lanes;
                for (i, out) in self.out.chunks_mut(period.max(1)).enumerate() {
                    // An element that is the same everywhere is copied to a vector. With a slice goes what is left of a
                    // position in it: all or nothing.
                    $(let mut copy = T::V::<I>::zeros();
                    let each = row > 0 && self.$x.len() > 1 && self.$x.len() < n && !(shared && self.$x.len() == row);
                    let x = if each { &self.$x[i..=i] } else { self.$x };
                    let $x = match x {
                        &[x] if !few => {
                            T::V::<I>::splat(isa, x).store(&mut copy);
                            (copy.as_ref(), 0)
                        }
                        x if x.len() == 1 => (x, 0),
                        x if x.len() > period => (&x[i * period..][..period], usize::MAX),
                        x => (x, usize::MAX),
                    };)+
                    // The vectors that are not part of the body begin here: less than one is all there is.
                    let (mut rest, mut last) = ([0; 3], 1);
                    if !few {
                        // All but the first and the last vector are stored at whole lines of the cache; these two overlap
                        // their neighbours instead of being shorter.
                        let skew = out.as_ptr().addr() / size_of::<T>() % lanes;
                        let head = if skew == 0 { 0 } else { lanes - skew };
                        last = usize::from(head > 0);
                        $(let $x = (T::V::<I>::chunks(&$x.0[head & $x.1..]).0, $x.1);)+
                        let (body, tail) = T::V::<I>::chunks_mut(&mut out[head..]);
                        let together = body.len() - body.len() % I::TOGETHER;
                        if const { I::TOGETHER == 2 } {
                            for (i, out) in body.as_chunks_mut::<2>().0.iter_mut().enumerate() {
                                let (i, j) = (2 * i, 2 * i + 1);
                                let y = self.f.call::<T::V<I>>(isa, $(T::V::<I>::load(isa, &$x.0[i & $x.1])),+);
                                let z = self.f.call::<T::V<I>>(isa, $(T::V::<I>::load(isa, &$x.0[j & $x.1])),+);
                                put(y, &mut out[0], stream);
                                put(z, &mut out[1], stream);
                            }
                        } else {
                            for (i, out) in body.iter_mut().enumerate() {
                                let y = self.f.call::<T::V<I>>(isa, $(T::V::<I>::load(isa, &$x.0[i & $x.1])),+);
                                put(y, out, stream);
                            }
                        }
                        if together < body.len() {
                            rest[last] = head + together * lanes;
                            last += 1;
                        }
                        if !tail.is_empty() {
                            rest[last] = head + body.len() * lanes + tail.len() - lanes;
                            last += 1;
                        }
                    }
                    for &at in &rest[..last] {
                        let y = self.f.call::<T::V<I>>(isa, $(some(isa, &$x.0[at & $x.1..], few)),+);
                        if few {
                            put_few(y, out);
                        } else if let Some(out) = T::V::<I>::chunks_mut(&mut out[at..]).0.first_mut() {
                            put(y, out, stream);
                        }
                    }
                }
                if stream {
                    isa.finish_streams();
                }
            }
        }

        /// `out = f(operands)`, an operand being of the length of the output, of one element that is the same
        /// everywhere, of a period of which the output has whole ones, or where the way has rows of one element for each or of a
        /// row.
        pub(crate) fn $map<F: $Function, T: Float>(level: Level, f: F, $($x: &[T],)+ out: &mut [T], way: impl Into<Way>) {
            level.enter($Map { f, $($x,)+ out, way: way.into() });
        }
    )* };
}
maps! {
    Function1 Map1 map1(x);
    Function2 Map2 map2(a, b);
    Function3 Map3 map3(a, b, c);
}

/// The first elements of a slice as a vector: all of them where there are but `few`, and a single one everywhere.
#[inline(always)]
fn some<V: Vector>(isa: V::Isa, x: &[V::Scalar], few: bool) -> V {
    match *x {
        [x] if few => V::splat(isa, x),
        _ if few => V::load_part(isa, x, V::constant(isa, 0.0)),
        _ => V::load(isa, &V::chunks(&x[..V::LANES]).0[0]),
    }
}

/// The first elements of a vector to a slice that is shorter. A single one by itself: what is read next is forwarded from
/// such a store, but not from one with a mask.
#[inline(always)]
fn put_few<V: Vector>(y: V, out: &mut [V::Scalar]) {
    if let [out] = out {
        let mut lanes = V::zeros();
        y.store(&mut lanes);
        *out = lanes.as_ref()[0];
    } else {
        y.store_part(out);
    }
}

/// A vector to its place, past the caches if `stream`.
#[inline(always)]
pub(crate) fn put<V: Vector>(y: V, out: &mut V::Array, stream: bool) {
    if stream { y.stream(out) } else { y.store(out) }
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

/// The last elements of a slice, less than a vector, and zeros.
#[inline(always)]
pub(crate) fn padded<V: Vector>(isa: V::Isa, tail: &[V::Scalar]) -> V {
    V::load_part(isa, tail, V::constant(isa, 0.0))
}

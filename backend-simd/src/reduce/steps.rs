//! What softmax and sums of exponentials do with each element, in rows and in tiles of columns.

use super::fold::{Number, load};
use crate::arch::{Isa, Real};
use crate::elementwise::{padded, put};
use crate::math::{self, Vector};

/// A function of two elements and two parameters, of which it may use some.
pub(super) trait Step: Copy {
    fn step<V: Vector>(self, isa: V::Isa, x: [V; 2], p: [V; 2]) -> V;
}

macro_rules! steps {
    ($($(#[$doc:meta])* $Name:ident |$isa:ident, [$x:ident, $y:ident], [$p:ident, $q:ident]| $body:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(super) struct $Name;
        impl Step for $Name {
            #[inline(always)]
            fn step<V: Vector>(self, $isa: V::Isa, [$x, $y]: [V; 2], [$p, $q]: [V; 2]) -> V {
                $body
            }
        }
    )* };
}
steps! {
    /// `e^(x - p)` for x of at most p.
    Exponential |isa, [x, _y], [p, _q]| math::exp_nonpositive(isa, x.sub(p));
    /// `x p`.
    Scaled |_isa, [x, _y], [p, _q]| x.mul(p);
    /// `(x - p) - q`.
    Shifted |_isa, [x, _y], [p, q]| x.sub(p).sub(q);
    /// `x y`.
    Product |_isa, [x, y], [_p, _q]| x.mul(y);
    /// `y (x - p)`.
    Centred |_isa, [x, y], [p, _q]| y.mul(x.sub(p));
    /// `x - e^y p`.
    Remainder |isa, [x, y], [p, _q]| x.sub(math::exp(isa, y).mul(p));
    /// `1 / x`.
    Reciprocal |isa, [x, _y], [_p, _q]| V::constant(isa, 1.0).div(x);
    /// `log(x)`.
    Logarithm |isa, [x, _y], [_p, _q]| math::log(isa, x);
}

/// A parameter of a row, or of each column.
pub(super) trait Param<T: Number>: Copy {
    /// For the elements from `from` on.
    fn at<I: Isa>(self, isa: I, from: usize) -> T::V<I>;
    /// The same for the last elements, which are less than a vector.
    fn tail<I: Isa>(self, isa: I, from: usize) -> T::V<I>;
}

/// The same for all elements.
#[derive(Clone, Copy)]
pub(super) struct One<T>(pub(super) T);

impl<T: Number> Param<T> for One<T> {
    #[inline(always)]
    fn at<I: Isa>(self, isa: I, _from: usize) -> T::V<I> {
        <T::V<I>>::splat(isa, self.0)
    }
    #[inline(always)]
    fn tail<I: Isa>(self, isa: I, _from: usize) -> T::V<I> {
        <T::V<I>>::splat(isa, self.0)
    }
}

/// Its own for each element.
#[derive(Clone, Copy)]
pub(super) struct Each<'a, T>(pub(super) &'a [T]);

impl<T: Number> Param<T> for Each<'_, T> {
    #[inline(always)]
    fn at<I: Isa>(self, isa: I, from: usize) -> T::V<I> {
        load(isa, &self.0[from..])
    }
    #[inline(always)]
    fn tail<I: Isa>(self, isa: I, from: usize) -> T::V<I> {
        padded(isa, &self.0[from..])
    }
}

/// `step` of one number, with the bits that it has within a vector.
#[inline(always)]
pub(super) fn alone<I: Isa, T: Number, S: Step>(isa: I, s: S, x: T) -> T {
    let x = <T::V<I>>::splat(isa, x);
    let mut lanes = <T::V<I>>::zeros();
    s.step(isa, [x, x], [x, x]).store(&mut lanes);
    lanes.as_ref()[0]
}

/// `out = step(x, y)`, of equal lengths; past the caches if `stream`.
#[inline(always)]
pub(super) fn each<I: Isa, T: Number, S: Step, P: Param<T>, Q: Param<T>>(
    isa: I,
    s: S,
    (x, y): (&[T], &[T]),
    (p, q): (P, Q),
    out: &mut [T],
    stream: bool,
) {
    let lanes = <T::V<I>>::LANES;
    let n = out.len();
    let (xs, x_tail) = <T::V<I>>::chunks(x);
    let (ys, y_tail) = <T::V<I>>::chunks(y);
    let (outs, tail) = <T::V<I>>::chunks_mut(out);
    for (i, ((x, y), out)) in xs.iter().zip(ys).zip(outs).enumerate() {
        let params = [p.at(isa, i * lanes), q.at(isa, i * lanes)];
        put(s.step(isa, [<T::V<I>>::load(isa, x), <T::V<I>>::load(isa, y)], params), out, stream);
    }
    if !tail.is_empty() {
        let params = [p.tail(isa, n - tail.len()), q.tail(isa, n - tail.len())];
        s.step(isa, [padded(isa, x_tail), padded(isa, y_tail)], params).store_part(tail);
    }
}

/// `io = step(io, io)`.
#[inline(always)]
pub(super) fn each_in_place<I: Isa, T: Number, S: Step, P: Param<T>, Q: Param<T>>(
    isa: I,
    s: S,
    (p, q): (P, Q),
    io: &mut [T],
) {
    let lanes = <T::V<I>>::LANES;
    let n = io.len();
    let (chunks, tail) = <T::V<I>>::chunks_mut(io);
    for (i, io) in chunks.iter_mut().enumerate() {
        let x = <T::V<I>>::load(isa, io);
        let params = [p.at(isa, i * lanes), q.at(isa, i * lanes)];
        s.step(isa, [x, x], params).store(io);
    }
    if !tail.is_empty() {
        let x = padded(isa, tail);
        let params = [p.tail(isa, n - tail.len()), q.tail(isa, n - tail.len())];
        s.step(isa, [x, x], params).store_part(tail);
    }
}

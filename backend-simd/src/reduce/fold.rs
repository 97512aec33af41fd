//! Folding a chunk of floats to one value: the tree that makes a sum the same wherever it is computed.
//!
//! Element `e` of a chunk belongs to lane `e % LANES`. A *block* is eight vectors, joined as a tree,
//! `((v0 v1) (v2 v3)) ((v4 v5) (v6 v7))`; the blocks of a chunk (16 of them) are chained, and the lanes are joined
//! neighbours first. So a row is folded with one accumulator, and columns with one per lane and column: lane `l` of a
//! block takes the rows `l`, `l + LANES`, .., and each row is read once, in stretches.
//!
//! What is missing in the last block is filled up with an element that changes nothing. No sum has more than
//! 3 + 15 + 4 roundings per chunk, and one more for each doubling of the number of chunks.

use std::ops::{Add, Div, Mul, Sub};

use super::forms::{Columns, Rows};
use crate::arch::{Bits, Isa, Kernel, Level, Mask, Real};
use crate::float::Float;
use crate::math::{Tables, Vector};

/// f32 and f64, with arithmetic.
pub(super) trait Number:
    Float + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
}
impl Number for f32 {}
impl Number for f64 {}

/// Vectors of a block.
pub(super) const BLOCK: usize = 8;

/// Elements of a block.
pub(super) const fn block<T>() -> usize {
    BLOCK * super::forms::lanes::<T>()
}

/// Columns of a tile, of which the accumulators stay in the first caches.
const fn tile<T>() -> usize {
    2048 / size_of::<T>()
}

/// A binary operation that joins elements, of which each is mapped before. `p` is a parameter of the sequence.
pub(super) trait Fold: Copy + Send + Sync {
    /// Whether there is a result.
    const LIVE: bool = true;
    /// An element that changes nothing.
    fn pad<V: Vector>(self, isa: V::Isa, p: V) -> V;
    #[inline(always)]
    fn map<V: Vector>(self, _isa: V::Isa, x: V, _p: V) -> V {
        x
    }
    fn join<V: Vector>(self, isa: V::Isa, a: V, b: V) -> V;
    /// As [`join`](Self::join), bit by bit.
    fn join_one<T: Number>(self, a: T, b: T) -> T;
    /// Eight mapped vectors joined as a tree.
    #[inline(always)]
    fn block<V: Vector>(self, isa: V::Isa, v: [V; BLOCK]) -> V {
        let j = |a, b| self.join(isa, a, b);
        j(j(j(v[0], v[1]), j(v[2], v[3])), j(j(v[4], v[5]), j(v[6], v[7])))
    }
}

macro_rules! sums {
    ($($(#[$doc:meta])* $Name:ident pads |$pi:ident, $pp:ident| $pad:expr, maps |$i:ident, $x:ident, $p:ident| $map:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(super) struct $Name;
        impl Fold for $Name {
            #[inline(always)]
            fn pad<V: Vector>(self, $pi: V::Isa, $pp: V) -> V {
                $pad
            }
            #[inline(always)]
            fn map<V: Vector>(self, $i: V::Isa, $x: V, $p: V) -> V {
                $map
            }
            #[inline(always)]
            fn join<V: Vector>(self, _isa: V::Isa, a: V, b: V) -> V {
                a.add(b)
            }
            #[inline(always)]
            fn join_one<T: Number>(self, a: T, b: T) -> T {
                a + b
            }
        }
    )* };
}
sums! {
    /// `sum x`. Padded with -0, as a sum with +0 would turn -0 to +0.
    Sum pads |isa, _p| V::constant(isa, -0.0), maps |_isa, x, _p| x;
    /// `sum (x - p)`.
    Deviations pads |_isa, p| p, maps |_isa, x, p| x.sub(p);
    /// `sum (x - p)^2`.
    SquaredDeviations pads |_isa, p| p, maps |_isa, x, p| { let d = x.sub(p); d.mul(d) };
    /// `sum |x|`.
    Absolutes pads |isa, _p| V::constant(isa, 0.0), maps |isa, x, _p| absolute(isa, x);
    /// `sum x^2`.
    Squares pads |isa, _p| V::constant(isa, 0.0), maps |_isa, x, _p| x.mul(x);
    /// How many differ from zero.
    NonZeros pads |isa, _p| V::constant(isa, 0.0), maps |isa, x, _p| {
        let zero = V::constant(isa, 0.0);
        zero.or_else(x.eq(zero), V::constant(isa, 1.0))
    };
}

#[inline(always)]
fn absolute<V: Vector>(isa: V::Isa, x: V) -> V {
    let sign = V::constant(isa, -0.0).bits();
    x.bits().and(sign.xor(sign.splat_like(V::Scalar::ALL_BITS))).real()
}

/// The product.
#[derive(Clone, Copy)]
pub(super) struct Product;
impl Fold for Product {
    #[inline(always)]
    fn pad<V: Vector>(self, isa: V::Isa, _p: V) -> V {
        V::constant(isa, 1.0)
    }
    #[inline(always)]
    fn join<V: Vector>(self, _isa: V::Isa, a: V, b: V) -> V {
        a.mul(b)
    }
    #[inline(always)]
    fn join_one<T: Number>(self, a: T, b: T) -> T {
        a * b
    }
}

macro_rules! extremes {
    ($($(#[$doc:meta])* $Name:ident $choose:ident $beats:tt $pad:expr, |$i:ident, $x:ident| $map:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(super) struct $Name;
        impl Fold for $Name {
            #[inline(always)]
            fn pad<V: Vector>(self, isa: V::Isa, _p: V) -> V {
                V::constant(isa, $pad)
            }
            #[inline(always)]
            fn map<V: Vector>(self, $i: V::Isa, $x: V, _p: V) -> V {
                $map
            }
            #[inline(always)]
            fn join<V: Vector>(self, _isa: V::Isa, a: V, b: V) -> V {
                // The choice is `b` where either is NaN.
                a.or_else(a.unordered(a), a.$choose(b))
            }
            #[inline(always)]
            fn join_one<T: Number>(self, a: T, b: T) -> T {
                // Without a branch, which nobody could foretell.
                #[allow(clippy::eq_op, reason = "a != a is NaN")]
                let first = (a $beats b) | (a != a);
                if first { a } else { b }
            }
            #[inline(always)]
            fn block<V: Vector>(self, isa: V::Isa, v: [V; BLOCK]) -> V {
                // One comparison finds the NaN of two vectors, and one choice per block sets them.
                let nan = |a: V, b: V| a.unordered(b);
                let nans = nan(v[0], v[1]).or(nan(v[2], v[3])).or(nan(v[4], v[5]).or(nan(v[6], v[7])));
                let j = |a: V, b: V| a.$choose(b);
                let best = j(j(j(v[0], v[1]), j(v[2], v[3])), j(j(v[4], v[5]), j(v[6], v[7])));
                V::constant(isa, f64::NAN).or_else(nans, best)
            }
        }
    )* };
}
extremes! {
    /// The largest; NaN if there is one.
    Max max_or_second > f64::NEG_INFINITY, |_isa, x| x;
    /// The smallest; NaN if there is one.
    Min min_or_second < f64::INFINITY, |_isa, x| x;
    /// The largest absolute value; NaN if there is one.
    MaxAbsolute max_or_second > 0.0, |isa, x| absolute(isa, x);
    /// The smallest absolute value; NaN if there is one.
    MinAbsolute min_or_second < f64::INFINITY, |isa, x| absolute(isa, x);
}

/// No result.
#[derive(Clone, Copy)]
pub(super) struct Nothing;
impl Fold for Nothing {
    const LIVE: bool = false;
    #[inline(always)]
    fn pad<V: Vector>(self, _isa: V::Isa, p: V) -> V {
        p
    }
    #[inline(always)]
    fn join<V: Vector>(self, _isa: V::Isa, a: V, _b: V) -> V {
        a
    }
    #[inline(always)]
    fn join_one<T: Number>(self, a: T, _b: T) -> T {
        a
    }
}

/// An array of eight, of an expression in the constant `$i`. Not by closures: one that is not inlined would be
/// compiled without the instruction set.
macro_rules! eight {
    (|$i:ident| $e:expr) => {
        [
            eight!($i = 0, $e),
            eight!($i = 1, $e),
            eight!($i = 2, $e),
            eight!($i = 3, $e),
            eight!($i = 4, $e),
            eight!($i = 5, $e),
            eight!($i = 6, $e),
            eight!($i = 7, $e),
        ]
    };
    ($i:ident = $n:literal, $e:expr) => {{
        const $i: usize = $n;
        $e
    }};
}

pub(super) use eight;

/// A block of `f`.
#[inline(always)]
fn mapped<V: Vector, F: Fold>(isa: V::Isa, f: F, v: [V; BLOCK], p: V) -> V {
    f.block(isa, eight!(|K| f.map(isa, v[K], p)))
}

/// The lanes as one.
#[inline(always)]
pub(super) fn join_lanes<V: Vector<Scalar: Number>, F: Fold>(f: F, v: V) -> V::Scalar {
    let mut lanes = V::zeros();
    v.store(&mut lanes);
    let lanes = lanes.as_mut();
    let mut step = 1;
    while step < V::LANES {
        for i in (0..V::LANES).step_by(2 * step) {
            lanes[i] = f.join_one(lanes[i], lanes[i + step]);
        }
        step *= 2;
    }
    lanes[0]
}

/// A last block, of which some vectors and the elements of a tail are there.
#[inline(always)]
fn last_block<V: Vector, F: Fold>(isa: V::Isa, f: F, whole: &[V::Array], tail: &[V::Scalar], p: V) -> V {
    let pad = f.pad(isa, p);
    let last = if tail.is_empty() { pad } else { V::load_part(isa, tail, pad) };
    let v = eight!(|K| match whole.get(K) {
        Some(x) => V::load(isa, x),
        None if whole.len() == K => last,
        None => pad,
    });
    mapped(isa, f, v, p)
}

/// Two folds of a row, which is not empty.
#[inline(always)]
pub(super) fn fold_row<I: Isa, T: Number, F: Fold, G: Fold>(isa: I, (f, g): (F, G), x: &[T], p: T) -> (T, T) {
    let p = <T::V<I>>::splat(isa, p);
    let (vectors, tail) = <T::V<I>>::chunks(x);
    let (blocks, rest) = vectors.as_chunks::<BLOCK>();
    let (first, blocks) = match blocks.split_first() {
        Some((first, blocks)) => (Some(first), blocks),
        None => (None, blocks),
    };
    let (mut a, mut b) = (p, p);
    if let Some(first) = first {
        let v = eight!(|K| <T::V<I>>::load(isa, &first[K]));
        (a, b) = (mapped(isa, f, v, p), mapped(isa, g, v, p));
        for block in blocks {
            let v = eight!(|K| <T::V<I>>::load(isa, &block[K]));
            a = f.join(isa, a, mapped(isa, f, v, p));
            b = g.join(isa, b, mapped(isa, g, v, p));
        }
    }
    if !rest.is_empty() || !tail.is_empty() {
        let c = last_block(isa, f, rest, tail, p);
        a = if first.is_some() { f.join(isa, a, c) } else { c };
        if G::LIVE {
            let c = last_block(isa, g, rest, tail, p);
            b = if first.is_some() { g.join(isa, b, c) } else { c };
        }
    }
    (join_lanes(f, a), if G::LIVE { join_lanes(g, b) } else { T::zeroed() })
}

/// Accumulators of columns: for each lane of the tree some vectors.
struct Accumulators<V: Vector> {
    sums: Vec<V::Array>,
    slots: usize,
}

impl<V: Vector> Accumulators<V> {
    fn new(live: bool, slots: usize) -> Self {
        Accumulators { sums: vec![V::zeros(); if live { V::LANES * slots } else { 0 }], slots }
    }

    /// Sets or joins.
    #[inline(always)]
    fn join<F: Fold>(&mut self, isa: V::Isa, f: F, fresh: bool, (lane, j): (usize, usize), x: V) {
        if F::LIVE {
            let sum = &mut self.sums[lane * self.slots + j];
            let x = if fresh { x } else { f.join(isa, V::load(isa, sum), x) };
            x.store(sum);
        }
    }

    /// The tree over the first `live` lanes: the others have no element.
    #[inline(always)]
    fn join_lanes<F: Fold>(&mut self, isa: V::Isa, f: F, live: usize) {
        if !F::LIVE {
            return;
        }
        let mut step = 1;
        while step < live {
            for lane in (0..live - step).step_by(2 * step) {
                let (low, high) = self.sums.split_at_mut((lane + step) * self.slots);
                let low = &mut low[lane * self.slots..][..self.slots];
                for (a, b) in low.iter_mut().zip(&high[..self.slots]) {
                    f.join(isa, V::load(isa, a), V::load(isa, b)).store(a);
                }
            }
            step *= 2;
        }
    }
}

/// The rows of one lane within a block of columns.
#[derive(Clone, Copy)]
struct LaneRows<'a, T> {
    data: &'a [T],
    /// From the lane's first row on.
    rows: &'a [usize],
    present: usize,
    at: usize,
    n: usize,
}

impl<'a, T: Number> LaneRows<'a, T> {
    #[inline(always)]
    fn row(&self, i: usize) -> &'a [T] {
        &self.data[self.rows[i * super::forms::lanes::<T>()] + self.at..][..self.n]
    }

    /// The block of the columns from `from` on, where rows may be missing.
    #[inline(always)]
    fn part<I: Isa, F: Fold>(&self, isa: I, f: F, from: usize, p: T::V<I>) -> T::V<I> {
        if self.present == 1 {
            return f.map(isa, load(isa, &self.row(0)[from..]), p);
        }
        let mut v = [f.pad(isa, p); BLOCK];
        for (i, v) in v.iter_mut().enumerate().take(self.present) {
            *v = load(isa, &self.row(i)[from..]);
        }
        mapped(isa, f, v, p)
    }
}

/// Two folds of each column, with a parameter for each or none at all.
#[inline(always)]
pub(super) fn fold_columns<I: Isa, T: Number, F: Fold, G: Fold>(
    isa: I,
    (f, g): (F, G),
    columns: &Columns<'_, T>,
    params: &[T],
    out: &mut [T],
    second: &mut [T],
) {
    let lanes = <T::V<I>>::LANES;
    let width = out.len();
    let most = width.min(tile::<T>()).div_ceil(lanes);
    let mut sums: Accumulators<T::V<I>> = Accumulators::new(true, most);
    let mut others: Accumulators<T::V<I>> = Accumulators::new(G::LIVE, most);
    let none = <T::V<I>>::splat(isa, T::zeroed());
    let mut at = 0;
    while at < width {
        let n = tile::<T>().min(width - at).max(lanes);
        // A last tile that is narrower than a vector takes columns again, to the same end.
        at = at.min(width - n);
        let slots = n.div_ceil(lanes);
        (sums.slots, others.slots) = (slots, slots);
        let params = if params.is_empty() { params } else { &params[at..at + n] };
        for (b, rows) in columns.rows.chunks(block::<T>()).enumerate() {
            for lane in 0..lanes.min(rows.len()) {
                let present = (rows.len() - lane).div_ceil(lanes);
                let lane_rows = LaneRows { data: columns.data, rows: &rows[lane..], present, at, n };
                let mut done = 0;
                if present == BLOCK {
                    let full = n / lanes;
                    let x: [&[<T::V<I> as Real>::Array]; BLOCK] =
                        eight!(|K| &<T::V<I>>::chunks(lane_rows.row(K)).0[..full]);
                    let p = <T::V<I>>::chunks(params).0;
                    for j in 0..full {
                        let v = eight!(|K| <T::V<I>>::load(isa, &x[K][j]));
                        let p = if p.is_empty() { none } else { <T::V<I>>::load(isa, &p[j]) };
                        sums.join(isa, f, b == 0, (lane, j), mapped(isa, f, v, p));
                        others.join(isa, g, b == 0, (lane, j), mapped(isa, g, v, p));
                    }
                    done = full;
                }
                for j in done..slots {
                    // A last vector that is not full takes columns again.
                    let from = (j * lanes).min(n - lanes);
                    let p = if params.is_empty() { none } else { load(isa, &params[from..]) };
                    sums.join(isa, f, b == 0, (lane, j), lane_rows.part(isa, f, from, p));
                    if G::LIVE {
                        others.join(isa, g, b == 0, (lane, j), lane_rows.part(isa, g, from, p));
                    }
                }
            }
        }
        let live = lanes.min(columns.rows.len());
        sums.join_lanes(isa, f, live);
        others.join_lanes(isa, g, live);
        for j in 0..slots {
            let from = at + (j * lanes).min(n - lanes);
            out[from..from + lanes].copy_from_slice(sums.sums[j].as_ref());
            if G::LIVE {
                second[from..from + lanes].copy_from_slice(others.sums[j].as_ref());
            }
        }
        at += n;
    }
}

/// The first elements of a slice that has enough.
#[inline(always)]
pub(super) fn load<V: Vector>(isa: V::Isa, x: &[V::Scalar]) -> V {
    V::load(isa, &V::chunks(&x[..V::LANES]).0[0])
}

struct FoldRows<'a, T, F> {
    f: F,
    rows: &'a Rows<'a, T>,
    out: &'a mut [T],
}

impl<T: Number, F: Fold> Kernel for FoldRows<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        for (i, out) in self.out.iter_mut().enumerate() {
            *out = fold_row(isa, (self.f, Nothing), self.rows.row(i), T::zeroed()).0;
        }
    }
}

struct FoldColumns<'a, T, F> {
    f: F,
    columns: &'a Columns<'a, T>,
    out: &'a mut [T],
}

impl<T: Number, F: Fold> Kernel for FoldColumns<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        fold_columns(isa, (self.f, Nothing), self.columns, &[], self.out, &mut []);
    }
}

/// `out[i]` = the fold of row `i`.
pub(super) fn rows<T: Number, F: Fold>(level: Level, f: F, rows: &Rows<'_, T>, out: &mut [T]) {
    level.enter(FoldRows { f, rows, out });
}

/// `out[i]` = the fold of column `i`.
pub(super) fn columns<T: Number, F: Fold>(level: Level, f: F, columns: &Columns<'_, T>, out: &mut [T]) {
    level.enter(FoldColumns { f, columns, out });
}

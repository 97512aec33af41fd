//! Sums in a fixed order, that of `reduce`: the element of number e belongs to lane e mod LANES; 8 vectors are added as
//! a tree, 16 of these blocks one after another, then the lanes as a tree, and such chunks pairwise by number.

use rusttorch_backend::Element;

use crate::arch::{Isa, Kernel, Level, Real};
use crate::elementwise::padded;
use crate::float::Float;
use crate::math::Vector;

/// Elements of a chunk of the type T.
pub(super) const fn chunk<T: Element>() -> usize {
    (1 << 13) / size_of::<T>()
}

/// The most elements of a chunk.
pub(super) const LARGEST_CHUNK: usize = 1 << 11;

/// Vectors of a block.
const BLOCK: usize = 8;

/// Vectors that are added. A trait and not a closure: a closure that is not inlined would be compiled without the
/// instruction set. Methods are to be marked `#[inline(always)]`.
pub(super) trait Terms<V: Real> {
    /// How many.
    fn len(&self) -> usize;
    /// The one of a number.
    fn at(&self, isa: V::Isa, i: usize) -> V;
    /// One more, of which the lanes without an element are -0.
    fn last(&self, isa: V::Isa) -> Option<V>;
}

/// `((v0 v1) (v2 v3)) ((v4 v5) (v6 v7))`.
#[inline(always)]
fn join<V: Real>(v: &[V; BLOCK]) -> V {
    let low = v[0].add(v[1]).add(v[2].add(v[3]));
    low.add(v[4].add(v[5]).add(v[6].add(v[7])))
}

/// The sum of up to one chunk; -0 of nothing, as it changes no sum.
#[inline(always)]
pub(super) fn sum<V: Real, S: Terms<V>>(isa: V::Isa, terms: &S) -> V::Scalar {
    let nothing = V::constant(isa, -0.0);
    let mut total = nothing;
    let (whole, rest) = (terms.len() / BLOCK, terms.len() % BLOCK);
    for block in 0..whole {
        let mut v = [nothing; BLOCK];
        for (i, slot) in v.iter_mut().enumerate() {
            *slot = terms.at(isa, block * BLOCK + i);
        }
        total = total.add(join(&v));
    }
    let mut v = [nothing; BLOCK];
    for (i, slot) in v.iter_mut().take(rest).enumerate() {
        *slot = terms.at(isa, whole * BLOCK + i);
    }
    if let Some(last) = terms.last(isa) {
        v[rest] = last;
    }
    total = total.add(join(&v));
    let mut lanes = V::zeros();
    total.store(&mut lanes);
    lanes_sum::<V>(&mut lanes)
}

/// The first `n` lanes, and -0 in the others.
#[inline(always)]
pub(super) fn first<V: Real>(isa: V::Isa, v: V, n: usize) -> V {
    let (mut lanes, mut nothing) = (V::zeros(), V::zeros());
    v.store(&mut lanes);
    V::constant(isa, -0.0).store(&mut nothing);
    lanes.as_mut()[n..].copy_from_slice(&nothing.as_ref()[n..]);
    V::load(isa, &lanes)
}

/// The lanes as a tree, neighbours first.
#[inline(always)]
fn lanes_sum<V: Real>(lanes: &mut V::Array) -> V::Scalar {
    let mut step = 1;
    while step < V::LANES {
        for i in (0..V::LANES).step_by(2 * step) {
            lanes.as_mut()[i] = plus(lanes.as_ref()[i], lanes.as_ref()[i + step]);
        }
        step *= 2;
    }
    lanes.as_ref()[0]
}

/// A sum of scalars.
#[inline(always)]
fn plus<S: crate::arch::Scalar>(a: S, b: S) -> S {
    // In f64 the sum of two f32 rounds to the one that f32 gives: it has more than twice the digits.
    S::from_f64(a.to_f64() + b.to_f64())
}

struct Chunk<'a, T>(&'a [T]);

impl<T: Float> Kernel for Chunk<'_, T> {
    type Output = T;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> T {
        sum_of_chunk(isa, self.0)
    }
}

/// The sum of up to one chunk, within a kernel.
#[inline(always)]
pub(super) fn sum_of_chunk<I: Isa, T: Float>(isa: I, x: &[T]) -> T {
    let (vectors, tail) = T::V::<I>::chunks(x);
    sum::<T::V<I>, _>(isa, &Elements { vectors, tail })
}

/// The chunk of a number.
#[inline(always)]
pub(super) fn chunk_of<T>(x: &[T], number: usize, length: usize) -> &[T] {
    &x[number * length..x.len().min((number + 1) * length)]
}

/// Elements themselves.
struct Elements<'a, V: Real> {
    vectors: &'a [V::Array],
    tail: &'a [V::Scalar],
}

impl<V: Vector> Terms<V> for Elements<'_, V> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.vectors.len()
    }
    #[inline(always)]
    fn at(&self, isa: V::Isa, i: usize) -> V {
        V::load(isa, &self.vectors[i])
    }
    #[inline(always)]
    fn last(&self, isa: V::Isa) -> Option<V> {
        let n = self.tail.len();
        if n == 0 { None } else { Some(first(isa, padded::<V>(isa, self.tail), n)) }
    }
}

/// The sum of up to one chunk.
pub(super) fn chunk_sum<T: Float>(level: Level, x: &[T]) -> T {
    level.enter(Chunk(x))
}

/// Chunks that come one by one, added pairwise by number.
pub(super) struct Pairwise<T> {
    /// Sums of 2^k chunks each, for the bits k of the count, the longest first.
    sums: [T; usize::BITS as usize],
    depth: usize,
    count: usize,
}

impl<T: Float> Pairwise<T> {
    pub(super) fn new() -> Self {
        Pairwise { sums: [T::zeroed(); usize::BITS as usize], depth: 0, count: 0 }
    }

    pub(super) fn push(&mut self, mut chunk: T) {
        self.count += 1;
        for _ in 0..self.count.trailing_zeros() {
            self.depth -= 1;
            chunk = plus(self.sums[self.depth], chunk);
        }
        self.sums[self.depth] = chunk;
        self.depth += 1;
    }

    /// The sum of all; 0 of none.
    pub(super) fn total(mut self) -> T {
        let Some(mut depth) = self.depth.checked_sub(1) else { return T::zeroed() };
        while depth > 0 {
            depth -= 1;
            self.sums[depth] = plus(self.sums[depth], self.sums[depth + 1]);
        }
        self.sums[0]
    }
}

/// The sum of any number of elements.
pub(super) fn sum_all<T: Float>(level: Level, x: &[T]) -> T {
    let mut sum = Pairwise::new();
    x.chunks(chunk::<T>()).for_each(|x| sum.push(chunk_sum(level, x)));
    sum.total()
}

/// The nearest number of a type.
pub(super) fn of<T: Float>(v: f64) -> T {
    T::from_f64(v)
}

/// `a - b`, as [`plus`].
#[inline(always)]
pub(super) fn minus<S: crate::arch::Scalar>(a: S, b: S) -> S {
    S::from_f64(a.to_f64() - b.to_f64())
}

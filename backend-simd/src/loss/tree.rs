//! Sums in a fixed order, that of `reduce`: the element of number e belongs to lane e mod LANES; 8 vectors are added as
//! a tree, 16 of these blocks one after another, then the lanes as a tree, and such chunks pairwise by number.

use rusttorch_backend::Element;

use crate::arch::{Isa, Kernel, Level, Real};
use crate::float::Float;

/// Elements of a chunk of the type T.
pub(super) const fn chunk<T: Element>() -> usize {
    (1 << 13) / size_of::<T>()
}

/// The most elements of a chunk.
pub(super) const LARGEST_CHUNK: usize = 1 << 11;

/// Vectors of a block.
const BLOCK: usize = 8;

/// The sum of `vectors` vectors and a last one.
#[inline(always)]
pub(super) fn sum<V: Real>(isa: V::Isa, vectors: usize, term: impl Fn(usize) -> V, last: Option<V>) -> V::Scalar {
    let tree = |v: [V; BLOCK]| {
        let low = v[0].add(v[1]).add(v[2].add(v[3]));
        low.add(v[4].add(v[5]).add(v[6].add(v[7])))
    };
    let zero = V::constant(isa, 0.0);
    let mut total = zero;
    let whole = vectors / BLOCK;
    for block in 0..whole {
        total = total.add(tree(std::array::from_fn(|i| term(block * BLOCK + i))));
    }
    let rest = vectors % BLOCK;
    if rest > 0 || last.is_some() {
        let mut block = [zero; BLOCK];
        for (i, slot) in block.iter_mut().take(rest).enumerate() {
            *slot = term(whole * BLOCK + i);
        }
        if let Some(last) = last {
            block[rest] = last;
        }
        total = total.add(tree(block));
    }
    let mut lanes = V::zeros();
    total.store(&mut lanes);
    lanes_sum::<V>(&mut lanes)
}

/// The lanes as a tree of halves.
#[inline(always)]
fn lanes_sum<V: Real>(lanes: &mut V::Array) -> V::Scalar {
    let mut n = V::LANES;
    while n > 1 {
        n /= 2;
        for i in 0..n {
            lanes.as_mut()[i] = plus(lanes.as_ref()[i], lanes.as_ref()[i + n]);
        }
    }
    lanes.as_ref()[0]
}

/// A sum of scalars.
fn plus<S: crate::arch::Scalar>(a: S, b: S) -> S {
    // In f64 the sum of two f32 rounds to the one that f32 gives: it has more than twice the digits.
    S::from_f64(a.to_f64() + b.to_f64())
}

struct Chunk<'a, T>(&'a [T]);

impl<T: Float> Kernel for Chunk<'_, T> {
    type Output = T;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> T {
        let (vectors, tail) = T::V::<I>::chunks(self.0);
        let last = (!tail.is_empty()).then(|| crate::elementwise::padded::<T::V<I>>(isa, tail));
        sum(isa, vectors.len(), |i| Real::load(isa, &vectors[i]), last)
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

//! A row of logits: its logarithm of a sum of exponentials, and what follows.

use super::tree::{self, Pairwise, Terms, chunk, chunk_of, minus};
use crate::arch::{Isa, Kernel, Real};
use crate::elementwise::padded;
use crate::float::Float;
use crate::math::{self, Vector};

/// What the log-probabilities of a row cost: that of the target, with the sign of a loss, and the sum of all times
/// their weights, with that sign; 0 where it is not asked for.
pub(super) struct Costs<'a, T> {
    pub(super) x: &'a [T],
    pub(super) class: usize,
    /// Whether the sum is asked for.
    pub(super) spread: bool,
    pub(super) weights: Option<&'a [T]>,
}

impl<T: Float> Kernel for Costs<'_, T> {
    type Output = (T, T);

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> (T, T) {
        let largest = largest::<I, T>(isa, self.x);
        let mut sum = Pairwise::new();
        for x in self.x.chunks(chunk::<T>()) {
            let (vectors, tail) = T::V::<I>::chunks(x);
            let exponentials = Exponentials { vectors, tail, largest: Real::splat(isa, largest) };
            sum.push(tree::sum::<T::V<I>, _>(isa, &exponentials));
        }
        let mut log = T::V::<I>::zeros();
        math::log(isa, <T::V<I> as Real>::splat(isa, sum.total())).store(&mut log);
        let log = log.as_ref()[0];
        // In this order: l = (x - largest) - log.
        let hit = minus(log, minus(self.x[self.class], largest));
        if !self.spread {
            return (hit, T::default());
        }
        let mut spread = Pairwise::new();
        let length = chunk::<T>();
        for (i, x) in self.x.chunks(length).enumerate() {
            let w = self.weights.map(|w| chunk_of(w, i, length));
            let (vectors, tail) = T::V::<I>::chunks(x);
            let logs = Logs {
                vectors,
                tail,
                largest: Real::splat(isa, largest),
                log: Real::splat(isa, log),
                weights: w.map(T::V::<I>::chunks),
            };
            spread.push(tree::sum::<T::V<I>, _>(isa, &logs));
        }
        (hit, minus(T::default(), spread.total()))
    }
}

/// The gradient of a row: `softmax(x) total - share`, where a class has its weight, or 1, times `each` as its share, and
/// the target `hit` besides.
pub(super) struct Slopes<'a, T> {
    pub(super) x: &'a [T],
    /// None in rows that are ignored.
    pub(super) target: Option<(usize, T)>,
    pub(super) each: T,
    pub(super) weights: Option<&'a [T]>,
    pub(super) total: T,
    pub(super) out: &'a mut [T],
}

impl<T: Float> Kernel for Slopes<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let largest: T::V<I> = Real::splat(isa, largest::<I, T>(isa, self.x));
        let mut sum = Pairwise::new();
        let length = chunk::<T>();
        for (x, out) in self.x.chunks(length).zip(self.out.chunks_mut(length)) {
            let (x, x_tail) = T::V::<I>::chunks(x);
            let (to, to_tail) = T::V::<I>::chunks_mut(out);
            for (x, to) in x.iter().zip(to) {
                math::exp_nonpositive(isa, <T::V<I> as Real>::load(isa, x).sub(largest)).store(to);
            }
            if !x_tail.is_empty() {
                let e = math::exp_nonpositive(isa, padded::<T::V<I>>(isa, x_tail).sub(largest));
                e.store_part(to_tail);
            }
            sum.push(tree::sum_of_chunk::<I, T>(isa, out));
        }
        let pull = tree::of::<T>(self.total.to_f64() / sum.total().to_f64());
        let pull: T::V<I> = Real::splat(isa, pull);
        let each: T::V<I> = Real::splat(isa, self.each);
        let (to, to_tail) = T::V::<I>::chunks_mut(self.out);
        match self.weights {
            None => {
                for to in to.iter_mut() {
                    <T::V<I> as Real>::load(isa, to).mul(pull).sub(each).store(to);
                }
                if !to_tail.is_empty() {
                    padded::<T::V<I>>(isa, to_tail).mul(pull).sub(each).store_part(to_tail);
                }
            }
            Some(w) => {
                let (w, w_tail) = T::V::<I>::chunks(w);
                for (to, w) in to.iter_mut().zip(w) {
                    let share = <T::V<I> as Real>::load(isa, w).mul(each);
                    <T::V<I> as Real>::load(isa, to).mul(pull).sub(share).store(to);
                }
                if !to_tail.is_empty() {
                    let share = padded::<T::V<I>>(isa, w_tail).mul(each);
                    padded::<T::V<I>>(isa, to_tail).mul(pull).sub(share).store_part(to_tail);
                }
            }
        }
        if let Some((class, hit)) = self.target {
            self.out[class] = minus(self.out[class], hit);
        }
    }
}

/// The largest element that is a number. A row with NaN has a sum that is NaN, whatever is subtracted.
#[inline(always)]
fn largest<I: Isa, T: Float>(isa: I, x: &[T]) -> T {
    let least = <T::V<I> as Real>::constant(isa, f64::NEG_INFINITY);
    let (vectors, tail) = T::V::<I>::chunks(x);
    let (fours, rest) = vectors.as_chunks::<4>();
    let mut best = [least; 4];
    for four in fours {
        for (best, x) in best.iter_mut().zip(four) {
            *best = <T::V<I> as Real>::load(isa, x).max_or_second(*best);
        }
    }
    for (best, x) in best.iter_mut().zip(rest) {
        *best = <T::V<I> as Real>::load(isa, x).max_or_second(*best);
    }
    if !tail.is_empty() {
        best[3] = <T::V<I> as Real>::load_part(isa, tail, least).max_or_second(best[3]);
    }
    let all = best[0].max_or_second(best[1]).max_or_second(best[2].max_or_second(best[3]));
    let mut lanes = T::V::<I>::zeros();
    all.store(&mut lanes);
    let lanes = lanes.as_mut();
    let mut step = <T::V<I> as Real>::LANES / 2;
    while step > 0 {
        for i in 0..step {
            lanes[i] = if lanes[i + step] > lanes[i] { lanes[i + step] } else { lanes[i] };
        }
        step /= 2;
    }
    lanes[0]
}

/// `e^(x - largest)`.
struct Exponentials<'a, V: Real> {
    vectors: &'a [V::Array],
    tail: &'a [V::Scalar],
    largest: V,
}

impl<V: Vector> Terms<V> for Exponentials<'_, V> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.vectors.len()
    }
    #[inline(always)]
    fn at(&self, isa: V::Isa, i: usize) -> V {
        math::exp_nonpositive(isa, V::load(isa, &self.vectors[i]).sub(self.largest))
    }
    #[inline(always)]
    fn last(&self, isa: V::Isa) -> Option<V> {
        let n = self.tail.len();
        if n == 0 {
            return None;
        }
        Some(tree::first(isa, math::exp_nonpositive(isa, padded::<V>(isa, self.tail).sub(self.largest)), n))
    }
}

/// Whole vectors, and what is left over.
type Chunks<'a, V> = (&'a [<V as Real>::Array], &'a [<V as Real>::Scalar]);

/// `(x - largest) - log`, times a weight if there are some.
struct Logs<'a, V: Real> {
    vectors: &'a [V::Array],
    tail: &'a [V::Scalar],
    largest: V,
    log: V,
    weights: Option<Chunks<'a, V>>,
}

impl<V: Vector> Terms<V> for Logs<'_, V> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.vectors.len()
    }
    #[inline(always)]
    fn at(&self, isa: V::Isa, i: usize) -> V {
        let l = V::load(isa, &self.vectors[i]).sub(self.largest).sub(self.log);
        match self.weights {
            None => l,
            Some((w, _)) => l.mul(V::load(isa, &w[i])),
        }
    }
    #[inline(always)]
    fn last(&self, isa: V::Isa) -> Option<V> {
        let n = self.tail.len();
        if n == 0 {
            return None;
        }
        let l = padded::<V>(isa, self.tail).sub(self.largest).sub(self.log);
        let l = match self.weights {
            None => l,
            Some((_, w)) => l.mul(padded(isa, w)),
        };
        Some(tree::first(isa, l, n))
    }
}

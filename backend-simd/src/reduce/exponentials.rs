//! Exponentials of a row and their sum, in one pass.

use super::fold::{BLOCK, Fold as _, Number, Sum, eight, join_lanes};
use crate::arch::{Isa, Real, prefetch_line};
use crate::math;

/// `sum e^(x - largest)` of a row of at most a chunk: the sum of `fold`. The terms are put to `out`, of the same
/// length, if `KEEP`. What lies `ahead` elements behind each is asked for, as it comes next.
#[inline(always)]
pub(super) fn sum_of_exponentials<I: Isa, T: Number, const KEEP: bool>(
    isa: I,
    x: &[T],
    largest: T,
    out: &mut [T],
    ahead: usize,
) -> T {
    let largest = <T::V<I>>::splat(isa, largest);
    let pad = Sum.pad(isa, largest);
    let (vectors, tail) = <T::V<I>>::chunks(x);
    let (blocks, rest) = vectors.as_chunks::<BLOCK>();
    let (out, out_tail) = <T::V<I>>::chunks_mut(if KEEP { out } else { &mut [] });
    let (out_blocks, out_rest) = out.as_chunks_mut::<BLOCK>();
    // What changes nothing comes first.
    let mut sum = pad;
    for (i, block) in blocks.iter().enumerate() {
        let v = eight!(|K| {
            prefetch_line(block[K].as_ref().as_ptr().wrapping_add(ahead));
            math::exp_nonpositive(isa, <T::V<I>>::load(isa, &block[K]).sub(largest))
        });
        if KEEP && let Some(out) = out_blocks.get_mut(i) {
            eight!(|K| v[K].store(&mut out[K]));
        }
        sum = sum.add(Sum.block(isa, v));
    }
    if !rest.is_empty() || !tail.is_empty() {
        let mut last = pad;
        if !tail.is_empty() {
            // What the tail lacks is e^-inf = +0, which changes no sum that has a term, as none of them is -0.
            let x = <T::V<I>>::load_part(isa, tail, <T::V<I>>::constant(isa, f64::NEG_INFINITY));
            last = math::exp_nonpositive(isa, x.sub(largest));
            if KEEP {
                last.store_part(out_tail);
            }
        }
        let v = eight!(|K| match rest.get(K) {
            Some(x) => math::exp_nonpositive(isa, <T::V<I>>::load(isa, x).sub(largest)),
            None if rest.len() == K => last,
            None => pad,
        });
        if KEEP {
            eight!(|K| if let Some(out) = out_rest.get_mut(K) {
                v[K].store(out);
            });
        }
        sum = sum.add(Sum.block(isa, v));
    }
    join_lanes(Sum, sum)
}

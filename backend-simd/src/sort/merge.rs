//! Sorting a long line on all threads: parts are sorted apart and merged, each output piece by itself.

use rusttorch_backend::Result;

use super::key::{Entry, Key, Sortable};
use super::radix::sort_entries;
use super::write;
use crate::arch::threads::{parallel_each, threads};
use crate::scratch::Scratch;
use crate::tuning::sort as tuning;

/// A part that is sorted by one thread, and what came of it.
struct Part<'a, T: Sortable> {
    line: &'a [T],
    base: usize,
    a: &'a mut [<T::Key as Key>::Entry],
    b: &'a mut [<T::Key as Key>::Entry],
}

/// Two runs, no longer than what they are merged into.
struct Pair<'a, E, O> {
    x: &'a [E],
    y: &'a [E],
    out: O,
}

/// Sorts a line by keys, inverted where `mask` says.
pub(super) fn sort_line<T: Sortable>(
    line: &[T],
    mask: T::Key,
    values: &mut [T],
    indices: &mut [i64],
) -> Result<()> {
    let n = line.len();
    let parts = threads().next_power_of_two().min(tuning::MOST_PARTS);
    let (mut a, mut b) = (Scratch::new(n)?, Scratch::new(n)?);
    let (mut a, mut b) = (a.slice()?, b.slice()?);
    let size = n.div_ceil(parts);
    let mut sorted: Vec<Part<'_, T>> = line
        .chunks(size)
        .zip(a.chunks_mut(size).zip(b.chunks_mut(size)))
        .enumerate()
        .map(|(i, (line, (a, b)))| Part { line, base: i * size, a, b })
        .collect();
    parallel_each(&mut sorted, |_, part| {
        sort_entries(part.line, mask, part.base, part.a, part.b, &mut Vec::new());
    });
    let mut run = size;
    while run * 2 < n {
        let mut pairs = Vec::new();
        for (from, to) in a.chunks(run * 2).zip(b.chunks_mut(run * 2)) {
            let (x, y) = from.split_at(run.min(from.len()));
            pieces(x, y, to, <[_]>::split_at_mut, &mut pairs);
        }
        parallel_each(&mut pairs, |_, pair| {
            let mut places = pair.out.iter_mut();
            merge(pair.x, pair.y, |entry| {
                if let Some(place) = places.next() {
                    *place = entry;
                }
            });
        });
        (a, b) = (b, a);
        run *= 2;
    }
    let (x, y) = a.split_at(run.min(n));
    let mut pairs = Vec::new();
    pieces(
        x,
        y,
        (values, indices),
        |(values, indices), n| {
            let ((v, values), (i, indices)) = (values.split_at_mut(n), indices.split_at_mut(n));
            ((v, i), (values, indices))
        },
        &mut pairs,
    );
    parallel_each(&mut pairs, |_, pair| {
        let (values, indices) = &mut pair.out;
        let mut places = values.iter_mut().zip(indices.iter_mut());
        merge(pair.x, pair.y, |entry| {
            if let Some((value, index)) = places.next() {
                write(line, mask, entry, value, index);
            }
        });
    });
    Ok(())
}

/// Cuts the merge of two runs into pieces that are merged apart.
fn pieces<'a, E: Ord, O>(
    mut x: &'a [E],
    mut y: &'a [E],
    mut out: O,
    split: impl Fn(O, usize) -> (O, O),
    pairs: &mut Vec<Pair<'a, E, O>>,
) {
    while x.len() + y.len() > tuning::PIECE {
        let from_x = share(x, y, tuning::PIECE);
        let ((x_now, x_rest), (y_now, y_rest)) = (x.split_at(from_x), y.split_at(tuning::PIECE - from_x));
        let (now, rest) = split(out, tuning::PIECE);
        pairs.push(Pair { x: x_now, y: y_now, out: now });
        (x, y, out) = (x_rest, y_rest, rest);
    }
    pairs.push(Pair { x, y, out });
}

/// How many of the smallest `n` of two runs are in the first.
fn share<E: Ord>(x: &[E], y: &[E], n: usize) -> usize {
    let (mut low, mut high) = (n.saturating_sub(y.len()), n.min(x.len()));
    while low < high {
        let middle = low + (high - low) / 2;
        if x[middle] < y[n - 1 - middle] { low = middle + 1 } else { high = middle }
    }
    low
}

/// Hands the entries of two runs to `put`, in order.
#[inline(always)]
fn merge<E: Entry>(x: &[E], y: &[E], mut put: impl FnMut(E)) {
    let (mut i, mut j) = (0, 0);
    // Without a branch on which is smaller: nobody could foretell it.
    while i < x.len() && j < y.len() {
        let (a, b) = (x[i], y[j]);
        let first = a < b;
        put(if first { a } else { b });
        i += usize::from(first);
        j += usize::from(!first);
    }
    x[i..].iter().for_each(|&e| put(e));
    y[j..].iter().for_each(|&e| put(e));
}

//! Selection by order, in linear time.

use super::key::{Entry, Key, Sortable};
use crate::arch::threads::{parallel_each, threads};
use crate::arch::{Isa, Kernel, Level};
use crate::tuning::sort as tuning;

/// Elements that are compared with the limit at once.
const BLOCK: usize = 128;

/// Digits of this many bits are counted.
const DIGIT: u32 = 11;
const SIZE: usize = 1 << DIGIT;

/// Collects the first `k` entries of the sorted order, `0 < k`.
struct Scan<'a, T: Sortable> {
    line: &'a [T],
    mask: T::Key,
    base: usize,
    k: usize,
    kept: &'a mut Vec<<T::Key as Key>::Entry>,
}

impl<T: Sortable> Kernel for Scan<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let Scan { line, mask, base, k, kept } = self;
        let room = (2 * k).max(64);
        // Keys up to it are candidates: among equal ones the first that came are kept.
        let mut limit = T::Key::ones(T::BITS);
        for (block, start) in line.chunks(BLOCK).zip((base..).step_by(BLOCK)) {
            let any = block.iter().fold(0u32, |any, x| any | u32::from(x.key().xor(mask) <= limit));
            if any == 0 {
                continue;
            }
            for (x, index) in block.iter().zip(start..) {
                let key = x.key().xor(mask);
                if key > limit {
                    continue;
                }
                kept.push(Entry::new(key, index));
                if kept.len() == room {
                    let (_, &mut last, _) = kept.select_nth_unstable(k - 1);
                    kept.truncate(k);
                    match last.key().before() {
                        Some(below) => limit = below,
                        None => return,
                    }
                }
            }
        }
        keep_first(kept, k);
    }
}

fn keep_first<E: Ord>(entries: &mut Vec<E>, k: usize) {
    if k < entries.len() {
        entries.select_nth_unstable(k);
        entries.truncate(k);
    }
}

/// The first `k` entries of the sorted order, in any order.
pub(super) fn first<T: Sortable>(
    level: Level,
    line: &[T],
    mask: T::Key,
    k: usize,
) -> Vec<<T::Key as Key>::Entry> {
    let mut kept = Vec::new();
    if k > 0 {
        level.enter(Scan { line, mask, base: 0, k, kept: &mut kept });
    }
    kept
}

/// As [`first`], on all threads.
pub(super) fn first_on_threads<T: Sortable>(
    level: Level,
    line: &[T],
    mask: T::Key,
    k: usize,
) -> Vec<<T::Key as Key>::Entry> {
    let size = line.len().div_ceil(threads());
    if k == 0 || size < 4 * k {
        return first(level, line, mask, k);
    }
    let mut parts: Vec<_> = line.chunks(size).map(|part| (part, Vec::new())).collect();
    parallel_each(&mut parts, |i, (line, kept)| {
        level.enter(Scan { line, mask, base: i * size, k, kept });
    });
    let mut kept: Vec<_> = parts.into_iter().flat_map(|(_, kept)| kept).collect();
    keep_first(&mut kept, k);
    kept
}

/// The entry at place `k` of the ascending order; the line is longer than that.
pub(super) fn nth<T: Sortable>(line: &[T], mut k: usize) -> <T::Key as Key>::Entry {
    let entry = |(i, x): (usize, &T)| <T::Key as Key>::Entry::new(x.key(), i);
    let mut entries: Vec<<T::Key as Key>::Entry>;
    let differing =
        if line.len() <= tuning::FEW_CANDIDATES { None } else { highest_digit(line.iter().map(|x| x.key())) };
    match differing {
        None => entries = line.iter().enumerate().map(entry).collect(),
        Some(shift) => {
            let (bucket, count) = bucket(line.iter().map(|x| x.key()), shift, &mut k);
            // One more than there are: each entry is written, and only those of the bucket stay.
            entries = vec![bytemuck::Zeroable::zeroed(); count + 1];
            let mut n = 0;
            for (i, x) in line.iter().enumerate() {
                entries[n.min(count)] = entry((i, x));
                n += usize::from(digit(x.key(), shift) == bucket);
            }
            entries.truncate(count);
        }
    }
    while entries.len() > tuning::FEW_CANDIDATES {
        let Some(shift) = highest_digit(entries.iter().map(|e| e.key())) else { return entries[k] };
        let (bucket, _) = bucket(entries.iter().map(|e| e.key()), shift, &mut k);
        entries.retain(|e| digit(e.key(), shift) == bucket);
    }
    let (_, &mut entry, _) = entries.select_nth_unstable(k);
    entry
}

#[inline(always)]
fn digit<K: Key>(key: K, shift: u32) -> usize {
    (key.wide() >> shift) as usize & (SIZE - 1)
}

/// Where the digit begins that has the highest bit in which keys differ; none if all are equal.
fn highest_digit<K: Key>(mut keys: impl Iterator<Item = K>) -> Option<u32> {
    let first = keys.next()?;
    let differ = keys.fold(K::default(), |differ, key| differ.or(key.xor(first)));
    Some((differ.wide().checked_ilog2()? + 1).saturating_sub(DIGIT))
}

/// The digit of the key at place `k` of the order and how many have it. `k` becomes the place among these.
fn bucket<K: Key>(keys: impl Iterator<Item = K>, shift: u32, k: &mut usize) -> (usize, usize) {
    let mut counts = vec![0usize; SIZE];
    keys.for_each(|key| counts[digit(key, shift)] += 1);
    for (bucket, &count) in counts.iter().enumerate() {
        if *k < count {
            return (bucket, count);
        }
        *k -= count;
    }
    (SIZE - 1, 0)
}

/// The entry in the middle, the lower of two. A line with NaN gives its first NaN, or where NaN is ignored the middle
/// of the numbers, if there are any. The line is not empty.
pub(super) fn median<T: Sortable>(line: &[T], ignore_nan: bool) -> <T::Key as Key>::Entry {
    let mut numbers = line.len();
    if let Some(at) = line.iter().position(|x| x.is_nan()) {
        numbers = line.iter().filter(|x| !x.is_nan()).count();
        if numbers == 0 || !ignore_nan {
            return Entry::new(line[at].key(), at);
        }
    }
    // NaN lies above the numbers, so that their middle is where it would be without.
    nth(line, (numbers - 1) / 2)
}

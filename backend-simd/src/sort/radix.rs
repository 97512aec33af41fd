//! Sorting a line of entries on one thread, digit by digit from the lowest.

use super::key::{Entry, Key, Sortable};
use crate::tuning::sort as tuning;

/// The most digits that a key has.
const MOST: usize = 8;

/// Leaves the entries of `line`, whose first index is `base` and whose keys are inverted where `mask` says, sorted
/// in `a`. `b` is as long; `counts` is room that is kept from one line to the next.
pub(super) fn sort_entries<T: Sortable>(
    line: &[T],
    mask: T::Key,
    base: usize,
    a: &mut [<T::Key as Key>::Entry],
    b: &mut [<T::Key as Key>::Entry],
    counts: &mut Vec<u32>,
) {
    let entries = || line.iter().zip(base..).map(|(x, i)| Entry::new(x.key().xor(mask), i));
    if line.len() <= tuning::COMPARED {
        a.iter_mut().zip(entries()).for_each(|(a, e)| *a = e);
        a.sort_unstable();
    } else if line.len() < tuning::WIDE_DIGITS || T::BITS <= 16 {
        by_digits::<T, 8, 256>(line, mask, base, a, b, counts);
    } else {
        by_digits::<T, 11, 2048>(line, mask, base, a, b, counts);
    }
}

#[inline(always)]
fn digit<K: Key, const DIGIT: u32, const SIZE: usize>(key: K, pass: usize) -> usize {
    (key.wide() >> (pass as u32 * DIGIT)) as usize & (SIZE - 1)
}

fn by_digits<T: Sortable, const DIGIT: u32, const SIZE: usize>(
    line: &[T],
    mask: T::Key,
    base: usize,
    a: &mut [<T::Key as Key>::Entry],
    b: &mut [<T::Key as Key>::Entry],
    counts: &mut Vec<u32>,
) {
    let passes = T::BITS.div_ceil(DIGIT) as usize;
    counts.clear();
    counts.resize(passes * SIZE, 0);
    let counts = &mut counts.as_chunks_mut::<SIZE>().0[..passes];
    let mut sorted = true;
    let mut last = T::Key::default();
    for x in line {
        let key = x.key().xor(mask);
        sorted &= last <= key;
        last = key;
        for pass in 0..passes {
            counts[pass][digit::<_, DIGIT, SIZE>(key, pass)] += 1;
        }
    }
    // A digit that is the same everywhere changes nothing.
    let (mut live, mut number) = ([0; MOST], 0);
    for pass in 0..passes {
        let varies = counts[pass][digit::<_, DIGIT, SIZE>(last, pass)] as usize != line.len();
        if varies && !sorted {
            live[number] = pass;
            number += 1;
        }
    }
    let entries = line.iter().zip(base..).map(|(x, i)| {
        let key = x.key().xor(mask);
        (key, <T::Key as Key>::Entry::new(key, i))
    });
    let Some((&lowest, higher)) = live[..number].split_first() else {
        a.iter_mut().zip(entries).for_each(|(a, (_, e))| *a = e);
        return;
    };
    // The last pass ends in `a`.
    let (mut to, mut from) = if number % 2 == 1 { (a, b) } else { (b, a) };
    let places = places(&mut counts[lowest]);
    for (key, entry) in entries {
        let place = &mut places[digit::<_, DIGIT, SIZE>(key, lowest)];
        to[*place as usize] = entry;
        *place += 1;
    }
    for &pass in higher {
        (to, from) = (from, to);
        let places = self::places(&mut counts[pass]);
        for &entry in from.iter() {
            let place = &mut places[digit::<_, DIGIT, SIZE>(entry.key(), pass)];
            to[*place as usize] = entry;
            *place += 1;
        }
    }
}

/// Where the first element of each digit goes.
fn places<const SIZE: usize>(counts: &mut [u32; SIZE]) -> &mut [u32; SIZE] {
    let mut total = 0;
    for count in counts.iter_mut() {
        (*count, total) = (total, total + *count);
    }
    counts
}

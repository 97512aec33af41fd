//! Order along an axis.
//!
//! | file | subject |
//! |---|---|
//! | `key` | elements as integers, with their indices |
//! | `radix` | sorting a line on one thread |
//! | `merge` | sorting a long line on all threads |
//! | `select` | the first elements, one element |
//! | `lines` | the lines of a tensor, on threads |
//! | `search` | binary search |

mod key;
mod lines;
mod merge;
mod radix;
mod search;
mod select;

use rusttorch_backend::ops::SortOp;
use rusttorch_backend::{Capabilities, DType, DTypeSet, Family, Result, View, ViewMut, match_dtype};

use crate::arch::Level;
use crate::scratch::{Scratch, with_dense};
use key::{Entry, Key, Sortable};

pub(crate) use search::searchsorted;

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims.with(Family::Sort, DTypeSet::ALL).with(Family::Searchsorted, DTypeSet::NUMBERS)
}

/// `None` for what breaks the contract, and for lines of 2^32 elements and more: places are counted in 32 bits.
pub(crate) fn sort(
    level: Level,
    op: SortOp,
    x: View<'_>,
    axis: usize,
    values: ViewMut<'_>,
    indices: ViewMut<'_>,
) -> Option<Result<()>> {
    let &n = x.shape().get(axis)?;
    let enough = match op {
        SortOp::Sort { .. } => true,
        SortOp::Topk { k, .. } => k <= n,
        SortOp::Kth { k } => k < n,
        SortOp::Median { .. } => n > 0,
    };
    let fits = (enough || values.numel() == 0)
        && values.shape() == indices.shape()
        && x.shape().len() == values.shape().len()
        && x.shape()
            .iter()
            .zip(values.shape())
            .enumerate()
            .all(|(d, (&n, &m))| m == if d == axis { op.gives(n) } else { n })
        && x.dtype() == values.dtype()
        && indices.dtype() == DType::I64;
    if !fits {
        return None;
    }
    if u32::try_from(n).is_err() {
        return None;
    }
    match_dtype!(x.dtype(), T => {
        Some(with_dense::<T>(values, |values| with_dense::<i64>(indices, |indices| {
            if values.is_empty() {
                return Ok(());
            }
            lines::each::<T>(level, op, x, axis, values, indices)
        })))
    })
}

/// Room for the entries of a line, kept from one line to the next.
struct Room<E> {
    a: Scratch<E>,
    b: Scratch<E>,
    counts: Vec<u32>,
}

/// Writes what the op makes of a line. On one thread.
fn arrange<T: Sortable>(
    level: Level,
    op: SortOp,
    line: &[T],
    room: &mut Option<Room<<T::Key as Key>::Entry>>,
    values: &mut [T],
    indices: &mut [i64],
) -> Result<()> {
    let mask = mask::<T>(op);
    match op {
        SortOp::Topk { k, sorted, .. } if few(k, line.len()) => {
            let mut entries = select::first(level, line, mask, k);
            if sorted {
                entries.sort_unstable();
            }
            put(line, mask, &entries, values, indices);
        }
        SortOp::Sort { .. } | SortOp::Topk { .. } => {
            let n = line.len();
            let Room { a, b, counts } = match room {
                Some(room) => room,
                None => room.insert(Room { a: Scratch::new(n)?, b: Scratch::new(n)?, counts: Vec::new() }),
            };
            let a = a.slice()?;
            radix::sort_entries(line, mask, 0, a, b.slice()?, counts);
            put(line, mask, a, values, indices);
        }
        SortOp::Kth { k } => put(line, mask, &[select::nth(line, k)], values, indices),
        SortOp::Median { ignore_nan } => {
            put(line, mask, &[select::median(line, ignore_nan)], values, indices);
        }
    }
    Ok(())
}

/// As [`arrange`], on all threads.
fn arrange_on_threads<T: Sortable>(
    level: Level,
    op: SortOp,
    line: &[T],
    values: &mut [T],
    indices: &mut [i64],
) -> Result<()> {
    let mask = mask::<T>(op);
    match op {
        SortOp::Sort { .. } => merge::sort_line(line, mask, values, indices),
        SortOp::Topk { k, sorted, .. } if few(k, line.len()) => {
            let mut entries = select::first_on_threads(level, line, mask, k);
            if sorted {
                entries.sort_unstable();
            }
            put(line, mask, &entries, values, indices);
            Ok(())
        }
        SortOp::Topk { k, .. } => {
            let n = line.len();
            let (mut all, mut from) = (Scratch::new(n)?, Scratch::new(n)?);
            let (all, from) = (all.slice()?, from.slice()?);
            merge::sort_line(line, mask, all, from)?;
            values.copy_from_slice(&all[..k]);
            indices.copy_from_slice(&from[..k]);
            Ok(())
        }
        SortOp::Kth { .. } | SortOp::Median { .. } => arrange(level, op, line, &mut None, values, indices),
    }
}

/// Whether `k` of `n` are so few that selecting them takes less time than sorting all.
fn few(k: usize, n: usize) -> bool {
    k < n / 4
}

/// What keys are inverted with: nothing, or all ones where the largest come first.
fn mask<T: Sortable>(op: SortOp) -> T::Key {
    match op {
        SortOp::Sort { descending: true } | SortOp::Topk { largest: true, .. } => T::Key::ones(T::BITS),
        _ => T::Key::default(),
    }
}

/// Writes the elements of entries, as many as there is room for.
fn put<T: Sortable>(
    line: &[T],
    mask: T::Key,
    entries: &[<T::Key as Key>::Entry],
    values: &mut [T],
    indices: &mut [i64],
) {
    for ((value, index), &entry) in values.iter_mut().zip(indices).zip(entries) {
        write(line, mask, entry, value, index);
    }
}

/// Writes an element of `line`, from its key where that says all: it is at hand.
#[inline(always)]
fn write<T: Sortable>(
    line: &[T],
    mask: T::Key,
    entry: <T::Key as Key>::Entry,
    value: &mut T,
    index: &mut i64,
) {
    *index = entry.index() as i64;
    *value = match T::restored(entry.key().xor(mask)) {
        Some(x) => x,
        None => line[entry.index()],
    };
}

#[cfg(test)]
mod tests;

//! Elements that move by index.
//!
//! Bits are only copied by gathers and assignments, so that these know words of 1, 2, 4 and 8 bytes rather than
//! dtypes. Where an index does not vary along the inner axes, as those of `index_select` and `embedding` do not,
//! whole rows are moved.

mod embedding;
mod gather;
mod merge;
mod scatter;

use std::sync::atomic::{AtomicBool, Ordering};

use rusttorch_backend::{
    Capabilities, DType, DTypeSet, ErrorKind, Family, Layout, Nest, Result, Shape, Strides, TensorError, View,
};

use crate::arch::threads::parallel;
use crate::arch::{Isa, Kernel, Level};
use crate::tuning::Cost;

pub(crate) use embedding::embedding;
pub(crate) use gather::gather;
pub(crate) use scatter::scatter;

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims
        .with(Family::Gather, DTypeSet::ALL)
        .with(Family::Scatter, DTypeSet::ALL)
        .with(Family::Embedding, DTypeSet::ALL)
}

/// Runs `$body` with `$T` bound to the element type of a dtype and `$W` to the word of its size.
macro_rules! match_word {
    ($dtype:expr, $T:ident, $W:ident => $body:expr) => {
        match_word!(@arms $dtype, $T, $W => $body; [
            Bool ::rusttorch_backend::Boolean, u8; U8 u8, u8; I8 i8, u8; I16 i16, u16; I32 i32, u32; I64 i64, u64;
            F16 ::rusttorch_backend::f16, u16; BF16 ::rusttorch_backend::bf16, u16; F32 f32, u32; F64 f64, u64;
        ])
    };
    (@arms $dtype:expr, $T:ident, $W:ident => $body:expr; [$($variant:ident $element:ty, $word:ty;)*]) => {
        match $dtype {
            $(::rusttorch_backend::DType::$variant => {
                type $T = $element;
                type $W = $word;
                $body
            })*
        }
    };
}
use match_word;

/// Whether `index` fits `x` along `axis` and `other` has its shape. What is wrong with a call that breaks the
/// contract, the next backend says.
fn fits(x: &Layout, axis: usize, index: View<'_>, other: &Layout) -> bool {
    let sizes = index.shape().iter().zip(x.shape()).enumerate();
    axis < x.rank()
        && x.rank() == index.layout().rank()
        && sizes.into_iter().all(|(d, (&i, &n))| d == axis || i <= n)
        && index.shape() == other.shape()
        && index.dtype() == DType::I64
}

/// The layout, of the shape of `index`, of the elements of `x` that have index 0 along `axis`.
fn starts(x: &Layout, axis: usize, index: &Layout) -> Result<Layout> {
    let mut strides = Strides::from_slice(x.strides());
    strides[axis] = 0;
    Layout::new("index", index.shape().into(), strides, x.offset())
}

/// Some axes as one: their number of elements and their strides; none where there is no such axis.
fn joined<const N: usize>(
    layouts: [&Layout; N],
    axes: std::ops::Range<usize>,
) -> Option<(usize, [isize; N])> {
    let mut one: Option<(usize, [isize; N])> = None;
    for axis in axes.rev() {
        let size = layouts[0].shape()[axis];
        if size == 1 {
            continue;
        }
        let strides = layouts.map(|l| l.strides()[axis]);
        one = match one {
            None => Some((size, strides)),
            Some((n, steps)) => {
                let follows = (0..N).all(|k| steps[k].checked_mul(n as isize) == Some(strides[k]));
                if !follows {
                    return None;
                }
                Some((n * size, steps))
            }
        };
    }
    Some(one.unwrap_or((1, [0; N])))
}

/// Whether all entries of a slice lie in `0..size`.
struct Within<'a> {
    index: &'a [i64],
    size: u64,
}

impl Kernel for Within<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Isa>(self, _: I) -> bool {
        let size = self.size;
        // Without a branch, so that vectors do it. A negative entry is a large one.
        self.index.iter().fold(0u64, |bad, &i| bad | u64::from(i as u64 >= size)) == 0
    }
}

/// Error: `IndexValue` for an entry outside of `0..size`, the first in row-major order.
fn in_bounds(level: Level, op: &'static str, index: View<'_>, size: usize) -> Result<()> {
    // Entries that repeat are looked at once.
    let layout = index.layout();
    let shape: Shape = layout
        .shape()
        .iter()
        .zip(layout.strides())
        .map(|(&n, &s)| if s == 0 { n.min(1) } else { n })
        .collect();
    let distinct = Layout::new(op, shape, layout.strides().into(), layout.offset())?;
    let data = index.host::<i64>()?;
    let bad = AtomicBool::new(false);
    match distinct.contiguous_range() {
        Some(range) => {
            let entries = &data[range];
            let chunk = Cost::LIGHT.chunk(entries.len()).max(1);
            parallel(entries.len().div_ceil(chunk), |i| {
                let index = &entries[i * chunk..entries.len().min((i + 1) * chunk)];
                if !level.enter(Within { index, size: size as u64 }) {
                    bad.store(true, Ordering::Relaxed);
                }
            });
        }
        None => Nest::new([&distinct]).for_each(|[i]| {
            if data[i] as u64 >= size as u64 {
                bad.store(true, Ordering::Relaxed);
            }
        }),
    }
    if bad.into_inner() { Err(outside(op, index, size)) } else { Ok(()) }
}

/// The error for the first entry outside of `0..size`.
#[cold]
fn outside(op: &'static str, index: View<'_>, size: usize) -> TensorError {
    let error = TensorError::new(ErrorKind::IndexValue, op, "index out of bounds");
    let data = match index.host::<i64>() {
        Ok(data) => data,
        Err(error) => return error,
    };
    let mut first = None;
    Nest::new([index.layout()]).for_each(|[i]| {
        if data[i] as u64 >= size as u64 {
            first.get_or_insert(data[i]);
        }
    });
    error.with("index", first.unwrap_or_default()).with("size", size)
}

#[cfg(test)]
mod tests;

//! Where values would be put into sorted lines.

use rusttorch_backend::{DType, Element, Nest, Result, View, ViewMut, match_dtype};

use crate::arch::threads::parallel_chunks_mut;
use crate::scratch::with_dense;
use crate::tuning::Cost;
use crate::tuning::sort as tuning;

/// `None` for bools and for what breaks the contract.
pub(crate) fn searchsorted(
    sorted: View<'_>,
    values: View<'_>,
    right: bool,
    out: ViewMut<'_>,
) -> Option<Result<()>> {
    let (&n, lines) = sorted.shape().split_last()?;
    let (_, leading) = values.shape().split_last()?;
    let fits = lines == leading
        && values.shape() == out.shape()
        && sorted.dtype() == values.dtype()
        && out.dtype() == DType::I64;
    if !fits {
        return None;
    }
    let dtype = sorted.dtype();
    match_dtype!(floats dtype, T => Some(search_all::<T>(sorted, values, n, right, out)),
        else match_dtype!(ints dtype, T => Some(search_all::<T>(sorted, values, n, right, out)), else None))
}

fn search_all<T: Element + PartialOrd>(
    sorted: View<'_>,
    values: View<'_>,
    n: usize,
    right: bool,
    out: ViewMut<'_>,
) -> Result<()> {
    if out.numel() == 0 {
        return Ok(());
    }
    let layouts = [sorted.layout(), values.layout()];
    let axis = layouts[0].rank() - 1;
    let m = layouts[1].shape()[axis];
    let [step, value_step] = layouts.map(|l| l.strides()[axis]);
    let lines = Nest::over(layouts, 0..axis);
    let (sorted, values) = (sorted.host::<T>()?, values.host::<T>()?);
    with_dense::<i64>(out, |out| {
        let steps = n.checked_ilog2().map_or(1, |bits| bits as usize + 1);
        let chunk = Cost(tuning::SEARCH_STEP * steps).chunk(out.len());
        parallel_chunks_mut(out, chunk, |task, mut out| {
            let mut at = task * chunk;
            while !out.is_empty() {
                let (line, first) = (at / m, at % m);
                let count = (m - first).min(out.len());
                let (now, rest) = out.split_at_mut(count);
                lines.for_each_run_in(line..line + 1, |[start, from], _, _| {
                    let value = |i: usize| values[(from + (first + i) as isize * value_step) as usize];
                    if step == 1 {
                        // An empty line may lie anywhere.
                        let line = if n == 0 { &[] } else { &sorted[start as usize..start as usize + n] };
                        search_line(n, |i| line[i], value, right, now);
                    } else {
                        let element = |i: usize| sorted[(start + i as isize * step) as usize];
                        search_line(n, element, value, right, now);
                    }
                });
                (out, at) = (rest, at + count);
            }
        });
        Ok(())
    })
}

/// Searches a line of `n` elements.
#[inline(always)]
fn search_line<T: Copy + PartialOrd>(
    n: usize,
    element: impl Fn(usize) -> T,
    value: impl Fn(usize) -> T,
    right: bool,
    out: &mut [i64],
) {
    let Some(last) = n.checked_sub(1) else { return out.fill(0) };
    for (group, out) in out.chunks_mut(tuning::SEARCHED_TOGETHER).enumerate() {
        // A group that is not full searches for its last value more than once.
        let x: [T; tuning::SEARCHED_TOGETHER] =
            std::array::from_fn(|g| value(group * tuning::SEARCHED_TOGETHER + g.min(out.len() - 1)));
        let (mut low, mut high) = ([0; tuning::SEARCHED_TOGETHER], [n; tuning::SEARCHED_TOGETHER]);
        for _ in 0..=n.ilog2() {
            for g in 0..tuning::SEARCHED_TOGETHER {
                let middle = low[g] + (high[g] - low[g]) / 2;
                let e = element(middle.min(last));
                let down = (e > x[g]) | (!right & (e == x[g]));
                let open = low[g] < high[g];
                high[g] = if open & down { middle } else { high[g] };
                low[g] = if open & !down { middle + 1 } else { low[g] };
            }
        }
        out.iter_mut().zip(low).for_each(|(out, low)| *out = low as i64);
    }
}

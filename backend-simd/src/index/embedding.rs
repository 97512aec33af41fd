//! `out[i.., :] = weight[index[i..], :]`.

use rusttorch_backend::{DType, Layout, Nest, Result, Strides, View, ViewMut};

use super::gather::{Table, rows, words};
use super::match_word;
use crate::arch::Level;

/// `None` for rows that do not lie side by side, which the composed form gathers, and for what breaks the contract.
pub(crate) fn embedding(
    level: Level,
    index: View<'_>,
    weight: View<'_>,
    out: ViewMut<'_>,
) -> Option<Result<()>> {
    let &[size, width] = weight.shape() else { return None };
    let (&last, leading) = out.shape().split_last()?;
    let &[stride, step] = weight.layout().strides() else { return None };
    let fits = last == width
        && leading == index.shape()
        && index.dtype() == DType::I64
        && weight.dtype() == out.dtype()
        && (step == 1 || width == 1);
    if !fits {
        return None;
    }
    Some(match_word!(weight.dtype(), T, W => words::<T, W>(out, |out| {
        let x: &[W] = bytemuck::cast_slice(weight.host::<T>()?);
        let strides = Strides::from_elem(0, index.shape().len());
        let starts = Layout::new("embedding", index.shape().into(), strides, weight.layout().offset())?;
        let nest = Nest::new([&starts, index.layout()]);
        rows(level, Table { x, size, stride, width }, &nest, index, out)
    })))
}

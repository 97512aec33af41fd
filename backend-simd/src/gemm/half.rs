//! f16 and bf16: widened to f32, multiplied there, and rounded once.

use rusttorch_backend::{DType, HostBuffer, Layout, Nest, Result, Shape, Strides, View, ViewMut};

use super::batch;
use crate::arch::Level;
use crate::arch::threads::parallel_chunks_mut;
use crate::float::{Half, narrow, widen};
use crate::tuning::Cost;

/// The products of a half type.
pub(super) fn products<H: Half>(level: Level, a: View<'_>, b: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
    let ((a, a_layout), (b, b_layout)) = (wide::<H>(a)?, wide::<H>(b)?);
    let to = Layout::contiguous("matmul", out.shape())?;
    let mut sums = HostBuffer::alloc(to.numel() * size_of::<f32>())?;
    batch::products::<f32>(
        level,
        View::new(&a, &a_layout, DType::F32)?,
        View::new(&b, &b_layout, DType::F32)?,
        ViewMut::new(&mut sums, &to, DType::F32)?,
    )?;
    let sums = View::new(&sums, &to, DType::F32)?.host::<f32>()?;
    let layout = out.layout();
    let out = out.host_mut::<H>()?;
    if let Some(range) = layout.contiguous_range() {
        let chunk = Cost::MEDIUM.chunk(range.len());
        parallel_chunks_mut(&mut out[range], chunk, |i, out| {
            narrow(&sums[i * chunk..i * chunk + out.len()], out);
        });
        return Ok(());
    }
    Nest::new([&to, layout]).for_each(|[from, to]| out[to] = H::narrow(sums[from]));
    Ok(())
}

/// A copy in f32, and its layout.
fn wide<H: Half>(x: View<'_>) -> Result<(HostBuffer, Layout)> {
    let (layout, data) = (x.layout(), x.host::<H>()?);
    // Where an axis repeats its elements, once is enough.
    let sizes: Shape = layout
        .shape()
        .iter()
        .zip(layout.strides())
        .map(|(&n, &s)| if s == 0 { n.min(1) } else { n })
        .collect();
    let strides: Strides = layout.strides().into();
    let once = Layout::new("matmul", sizes, strides.clone(), layout.offset())?;
    let low = once.shape().iter().zip(&strides).map(|(&n, &s)| s.min(0) * (n as isize - 1)).sum::<isize>();
    let low = if once.is_empty() { 0 } else { (layout.offset() as isize + low) as usize };
    let span = once.end() - low;
    if span <= 2 * once.numel() {
        // With few gaps, all that lies between the first and the last element.
        let mut copy = HostBuffer::alloc(span * size_of::<f32>())?;
        let all = Layout::contiguous("matmul", &[span])?;
        let chunk = Cost::MEDIUM.chunk(span);
        let mut to = ViewMut::new(&mut copy, &all, DType::F32)?;
        parallel_chunks_mut(&mut to.host_mut::<f32>()?[..span], chunk, |i, to| {
            widen(&data[low + i * chunk..low + i * chunk + to.len()], to);
        });
        let at = if once.is_empty() { 0 } else { layout.offset() - low };
        return Ok((copy, Layout::new("matmul", layout.shape().into(), strides, at)?));
    }
    let dense = Layout::contiguous("matmul", once.shape())?;
    let mut copy = HostBuffer::alloc(dense.numel() * size_of::<f32>())?;
    let mut to = ViewMut::new(&mut copy, &dense, DType::F32)?;
    let slots = to.host_mut::<f32>()?;
    Nest::new([&once, &dense]).for_each(|[from, to]| slots[to] = data[from].widen());
    let steps =
        dense.strides().iter().zip(&strides).map(|(&dense, &s)| if s == 0 { 0 } else { dense }).collect();
    Ok((copy, Layout::new("matmul", layout.shape().into(), steps, 0)?))
}

//! Memory for the time of a call: from the pool, so that it is recycled and its pages are there already.

use std::marker::PhantomData;

use bytemuck::Pod;
use rusttorch_backend::{Element, ErrorKind, HostBuffer, Nest, Result, TensorError, ViewMut};

/// Room for elements, whatever they hold at first.
pub(crate) struct Scratch<T> {
    buffer: HostBuffer,
    elements: PhantomData<T>,
}

impl<T: Pod> Scratch<T> {
    /// Room for `n` elements. Error: `Memory`.
    pub(crate) fn new(n: usize) -> Result<Scratch<T>> {
        let buffer = HostBuffer::alloc(n.saturating_mul(size_of::<T>()))?;
        Ok(Scratch { buffer, elements: PhantomData })
    }

    /// The elements.
    pub(crate) fn slice(&mut self) -> Result<&mut [T]> {
        bytemuck::try_cast_slice_mut(self.buffer.as_bytes_mut()?)
            .map_err(|_| TensorError::new(ErrorKind::Internal, "scratch", "memory is not aligned"))
    }
}

/// Hands the elements of `out`, in row-major order and side by side, to `write`: the memory itself where it has no
/// gaps, else some from which they are copied.
pub(crate) fn with_dense<T: Element>(
    mut out: ViewMut<'_>,
    write: impl FnOnce(&mut [T]) -> Result<()>,
) -> Result<()> {
    let layout = out.layout();
    let data = out.host_mut::<T>()?;
    if let Some(range) = layout.contiguous_range() {
        return write(&mut data[range]);
    }
    let mut dense = Scratch::new(layout.numel())?;
    let dense = dense.slice()?;
    write(dense)?;
    let mut values = dense.iter();
    Nest::new([layout]).for_each_run(|[to], n, [stride]| {
        for (i, &value) in (0..n).zip(values.by_ref()) {
            data[(to + i as isize * stride) as usize] = value;
        }
    });
    Ok(())
}

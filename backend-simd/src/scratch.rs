//! Memory for the time of a call: from the pool, so that it is recycled and its pages are there already.

use std::marker::PhantomData;

use bytemuck::Pod;
use rusttorch_backend::{ErrorKind, HostBuffer, Result, TensorError};

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

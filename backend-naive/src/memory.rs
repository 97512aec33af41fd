//! Memory: that of the host, from the contract's caching pool.

use std::ops::Range;

use rusttorch_backend::{Allocation, Buffer, ErrorKind, HostBuffer, Result, TensorError};

/// `bytes` bytes of the pool.
pub(crate) fn alloc(bytes: usize) -> Result<Allocation> {
    Ok(HostBuffer::alloc(bytes)?.into())
}

/// `dst[at..] = src`.
pub(crate) fn upload(src: &[u8], dst: &mut dyn Buffer, at: usize) -> Result<()> {
    let range = span("upload", at, src.len(), dst.len())?;
    let host = dst.as_host_mut().ok_or_else(|| foreign("upload"))?;
    host.as_bytes_mut()?[range].copy_from_slice(src);
    Ok(())
}

/// `dst = src[at..]`.
pub(crate) fn download(src: &dyn Buffer, at: usize, dst: &mut [u8]) -> Result<()> {
    let range = span("download", at, dst.len(), src.len())?;
    let host = src.as_host().ok_or_else(|| foreign("download"))?;
    dst.copy_from_slice(&host.as_bytes()[range]);
    Ok(())
}

/// `at..at + bytes`, if it lies within `len`. Error: `Index`.
fn span(op: &'static str, at: usize, bytes: usize, len: usize) -> Result<Range<usize>> {
    match at.checked_add(bytes) {
        Some(end) if end <= len => Ok(at..end),
        _ => Err(TensorError::new(ErrorKind::Index, op, "bytes reach past the end of the buffer")
            .with("at", at)
            .with("bytes", bytes)
            .with("len", len)),
    }
}

#[cold]
fn foreign(op: &'static str) -> TensorError {
    TensorError::new(ErrorKind::Backend, op, "the buffer is not host memory").with("backend", "naive")
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;

//! What a backend is handed: a buffer, a layout proved to lie inside of it, and a dtype.
//!
//! Inputs are [`View`]s, which share a buffer; an output is a [`ViewMut`], which borrows one
//! exclusively. The borrow checker therefore proves that no output overlaps an input.

use crate::buffer::{Allocation, Buffer};
use crate::dtype::DType;
use crate::element::Element;
use crate::error::{ErrorKind, Result, TensorError};
use crate::layout::Layout;

/// A read-only operand.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    buffer: &'a dyn Buffer,
    layout: &'a Layout,
    dtype: DType,
}

/// The operand that an op writes.
#[derive(Debug)]
pub struct ViewMut<'a> {
    buffer: &'a mut dyn Buffer,
    layout: &'a Layout,
    dtype: DType,
}

/// Whether a layout lies in a buffer of so many bytes.
#[inline]
fn check_bounds(bytes: usize, layout: &Layout, dtype: DType) -> Result<()> {
    if layout.end() > bytes / dtype.size() {
        return Err(out_of_bounds(bytes, layout, dtype));
    }
    Ok(())
}

#[cold]
fn out_of_bounds(bytes: usize, layout: &Layout, dtype: DType) -> TensorError {
    TensorError::new(ErrorKind::Index, "view", "layout reaches past the end of its buffer")
        .with("end", layout.end())
        .with("elements", bytes / dtype.size())
        .with("dtype", dtype)
}

impl<'a> View<'a> {
    /// Error: `Index` when the layout reaches past the end of the buffer.
    #[inline]
    pub fn new(buffer: &'a dyn Buffer, layout: &'a Layout, dtype: DType) -> Result<Self> {
        check_bounds(buffer.len(), layout, dtype)?;
        Ok(View { buffer, layout, dtype })
    }

    /// [`new`](Self::new) of what a backend allocated, whose size is found without a call where it is host memory.
    #[inline]
    pub fn of(memory: &'a Allocation, layout: &'a Layout, dtype: DType) -> Result<Self> {
        check_bounds(memory.bytes(), layout, dtype)?;
        Ok(View { buffer: &**memory, layout, dtype })
    }

    /// The memory, of which the view may be a part.
    pub fn buffer(&self) -> &'a dyn Buffer {
        self.buffer
    }

    /// Where the elements lie.
    pub fn layout(&self) -> &'a Layout {
        self.layout
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Sizes.
    pub fn shape(&self) -> &'a [usize] {
        self.layout.shape()
    }

    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.layout.numel()
    }

    /// The same memory under another layout. Error: `Index` when it reaches past the end.
    pub fn with_layout<'b>(&self, layout: &'b Layout) -> Result<View<'b>>
    where
        'a: 'b,
    {
        View::new(self.buffer, layout, self.dtype)
    }

    /// All elements of the host memory, which the layout's positions index.
    /// Errors: `Backend` for device memory, `DType` where `T` is not the view's type.
    #[inline]
    pub fn host<T: Element>(&self) -> Result<&'a [T]> {
        check_type::<T>(self.dtype)?;
        let host = self.buffer.as_host().ok_or_else(not_host)?;
        let bytes = host.as_bytes();
        let whole = bytes.len() - bytes.len() % size_of::<T>();
        bytemuck::try_cast_slice(&bytes[..whole]).map_err(|_| misaligned::<T>())
    }
}

impl<'a> ViewMut<'a> {
    /// Error: `Index` when the layout reaches past the end of the buffer.
    #[inline]
    pub fn new(buffer: &'a mut dyn Buffer, layout: &'a Layout, dtype: DType) -> Result<Self> {
        check_bounds(buffer.len(), layout, dtype)?;
        Ok(ViewMut { buffer, layout, dtype })
    }

    /// [`new`](Self::new) of what a backend allocated, whose size is found without a call where it is host memory.
    #[inline]
    pub fn of(memory: &'a mut Allocation, layout: &'a Layout, dtype: DType) -> Result<Self> {
        check_bounds(memory.bytes(), layout, dtype)?;
        Ok(ViewMut { buffer: &mut **memory, layout, dtype })
    }

    /// The memory, of which the view may be a part.
    pub fn buffer(&self) -> &dyn Buffer {
        self.buffer
    }

    /// The memory, to be written.
    pub fn buffer_mut(&mut self) -> &mut dyn Buffer {
        self.buffer
    }

    /// Where the elements lie.
    pub fn layout(&self) -> &'a Layout {
        self.layout
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Sizes.
    pub fn shape(&self) -> &'a [usize] {
        self.layout.shape()
    }

    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.layout.numel()
    }

    /// The same operand for a shorter time, to hand it to more than one call.
    pub fn reborrow(&mut self) -> ViewMut<'_> {
        ViewMut { buffer: self.buffer, layout: self.layout, dtype: self.dtype }
    }

    /// The same operand, to be read.
    pub fn as_view(&self) -> View<'_> {
        View { buffer: self.buffer, layout: self.layout, dtype: self.dtype }
    }

    /// The same memory under another layout. Error: `Index` when it reaches past the end.
    pub fn with_layout<'b>(&'b mut self, layout: &'b Layout) -> Result<ViewMut<'b>> {
        ViewMut::new(self.buffer, layout, self.dtype)
    }

    /// All elements of the host memory, which the layout's positions index.
    /// Errors: `Backend` for device memory, `DType` where `T` is not the view's type, `Alias` for
    /// read-only foreign memory.
    #[inline]
    pub fn host_mut<T: Element>(&mut self) -> Result<&mut [T]> {
        check_type::<T>(self.dtype)?;
        let host = self.buffer.as_host_mut().ok_or_else(not_host)?;
        let bytes = host.as_bytes_mut()?;
        let whole = bytes.len() - bytes.len() % size_of::<T>();
        bytemuck::try_cast_slice_mut(&mut bytes[..whole]).map_err(|_| misaligned::<T>())
    }
}

#[inline]
fn check_type<T: Element>(dtype: DType) -> Result<()> {
    if T::DTYPE != dtype {
        return Err(wrong_type(T::DTYPE, dtype));
    }
    Ok(())
}

#[cold]
fn wrong_type(asked: DType, dtype: DType) -> TensorError {
    TensorError::new(ErrorKind::DType, "view", "elements are of another dtype")
        .with("asked", asked)
        .with("dtype", dtype)
}

#[cold]
fn not_host() -> TensorError {
    TensorError::new(ErrorKind::Backend, "view", "memory of a device was asked for as host memory")
}

#[cold]
fn misaligned<T: Element>() -> TensorError {
    TensorError::new(ErrorKind::Memory, "view", "memory is not aligned for its dtype").with("dtype", T::DTYPE)
}

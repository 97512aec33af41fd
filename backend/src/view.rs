//! What a backend is handed: a buffer, a layout proved to lie inside of it, and a dtype.
//!
//! Inputs are [`View`]s, which share a buffer; an output is a [`ViewMut`], which borrows one
//! exclusively. The borrow checker therefore proves that no output overlaps an input.

use crate::buffer::{Allocation, Buffer, HostBuffer};
use crate::dtype::DType;
use crate::element::Element;
use crate::error::{ErrorKind, Result, TensorError};
use crate::layout::Layout;

/// A read-only operand.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    memory: Memory<'a>,
    layout: &'a Layout,
    dtype: DType,
}

/// The operand that an op writes.
#[derive(Debug)]
pub struct ViewMut<'a> {
    memory: MemoryMut<'a>,
    layout: &'a Layout,
    dtype: DType,
}

/// The memory of an operand. Mostly that it is the host's is known without a call: every kernel asks for every operand.
#[derive(Debug, Clone, Copy)]
enum Memory<'a> {
    Host(&'a HostBuffer),
    /// Of a device, unless `as_host` says otherwise.
    Any(&'a dyn Buffer),
}

/// The memory of an operand that is written.
#[derive(Debug)]
enum MemoryMut<'a> {
    Host(&'a mut HostBuffer),
    /// Of a device, unless `as_host_mut` says otherwise.
    Any(&'a mut dyn Buffer),
}

impl MemoryMut<'_> {
    fn get(&self) -> &dyn Buffer {
        match self {
            MemoryMut::Host(host) => *host,
            MemoryMut::Any(buffer) => *buffer,
        }
    }

    fn get_mut(&mut self) -> &mut dyn Buffer {
        match self {
            MemoryMut::Host(host) => *host,
            MemoryMut::Any(buffer) => *buffer,
        }
    }
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
        Ok(View { memory: Memory::Any(buffer), layout, dtype })
    }

    /// [`new`](Self::new) of host memory, which is then read without a call.
    #[inline]
    pub fn of_host(buffer: &'a HostBuffer, layout: &'a Layout, dtype: DType) -> Result<Self> {
        check_bounds(buffer.len(), layout, dtype)?;
        Ok(View { memory: Memory::Host(buffer), layout, dtype })
    }

    /// [`new`](Self::new) of what a backend allocated, as [`of_host`](Self::of_host) where it is host memory.
    #[inline]
    pub fn of(memory: &'a Allocation, layout: &'a Layout, dtype: DType) -> Result<Self> {
        match memory {
            Allocation::Host(buffer) => View::of_host(buffer, layout, dtype),
            Allocation::Device(buffer) => View::new(&**buffer, layout, dtype),
        }
    }

    /// The memory, of which the view may be a part.
    pub fn buffer(&self) -> &'a dyn Buffer {
        match self.memory {
            Memory::Host(host) => host,
            Memory::Any(buffer) => buffer,
        }
    }

    /// Whether the memory is the host's.
    #[inline]
    pub fn is_host(&self) -> bool {
        match self.memory {
            Memory::Host(_) => true,
            Memory::Any(buffer) => buffer.is_host(),
        }
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
        check_bounds(self.buffer().len(), layout, self.dtype)?;
        Ok(View { layout, ..*self })
    }

    /// All elements of the host memory, which the layout's positions index.
    /// Errors: `Backend` for device memory, `DType` where `T` is not the view's type.
    #[inline]
    pub fn host<T: Element>(&self) -> Result<&'a [T]> {
        check_type::<T>(self.dtype)?;
        let host = match self.memory {
            Memory::Host(host) => host,
            Memory::Any(buffer) => buffer.as_host().ok_or_else(not_host)?,
        };
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
        Ok(ViewMut { memory: MemoryMut::Any(buffer), layout, dtype })
    }

    /// [`new`](Self::new) of host memory, which is then written without a call.
    #[inline]
    pub fn of_host(buffer: &'a mut HostBuffer, layout: &'a Layout, dtype: DType) -> Result<Self> {
        check_bounds(buffer.len(), layout, dtype)?;
        Ok(ViewMut { memory: MemoryMut::Host(buffer), layout, dtype })
    }

    /// [`new`](Self::new) of what a backend allocated, as [`of_host`](Self::of_host) where it is host memory.
    #[inline]
    pub fn of(memory: &'a mut Allocation, layout: &'a Layout, dtype: DType) -> Result<Self> {
        match memory {
            Allocation::Host(buffer) => ViewMut::of_host(buffer, layout, dtype),
            Allocation::Device(buffer) => ViewMut::new(&mut **buffer, layout, dtype),
        }
    }

    /// The memory, of which the view may be a part.
    pub fn buffer(&self) -> &dyn Buffer {
        self.memory.get()
    }

    /// The memory, to be written.
    pub fn buffer_mut(&mut self) -> &mut dyn Buffer {
        self.memory.get_mut()
    }

    /// Whether the memory is the host's.
    #[inline]
    pub fn is_host(&self) -> bool {
        match &self.memory {
            MemoryMut::Host(_) => true,
            MemoryMut::Any(buffer) => buffer.is_host(),
        }
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
        let memory = match &mut self.memory {
            MemoryMut::Host(host) => MemoryMut::Host(host),
            MemoryMut::Any(buffer) => MemoryMut::Any(*buffer),
        };
        ViewMut { memory, layout: self.layout, dtype: self.dtype }
    }

    /// The same operand, to be read.
    pub fn as_view(&self) -> View<'_> {
        let memory = match &self.memory {
            MemoryMut::Host(host) => Memory::Host(host),
            MemoryMut::Any(buffer) => Memory::Any(*buffer),
        };
        View { memory, layout: self.layout, dtype: self.dtype }
    }

    /// The same memory under another layout. Error: `Index` when it reaches past the end.
    pub fn with_layout<'b>(&'b mut self, layout: &'b Layout) -> Result<ViewMut<'b>> {
        check_bounds(self.buffer().len(), layout, self.dtype)?;
        Ok(ViewMut { layout, ..self.reborrow() })
    }

    /// All elements of the host memory, which the layout's positions index.
    /// Errors: `Backend` for device memory, `DType` where `T` is not the view's type, `Alias` for
    /// read-only foreign memory.
    #[inline]
    pub fn host_mut<T: Element>(&mut self) -> Result<&mut [T]> {
        check_type::<T>(self.dtype)?;
        let host = match &mut self.memory {
            MemoryMut::Host(host) => &mut **host,
            MemoryMut::Any(buffer) => buffer.as_host_mut().ok_or_else(not_host)?,
        };
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

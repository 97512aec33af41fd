//! Memory of tensors: the opaque [`Buffer`], and [`HostBuffer`], which all CPU backends share.

use std::any::Any;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use crate::error::{ErrorKind, Result, TensorError};
use crate::memory::{ALIGN, ForeignBytes, Lease};

/// Opaque memory of some device.
///
/// A backend downcasts its own kind with [`as_any`](Buffer::as_any) and treats every other as foreign.
/// Sharing and locking are the frontend's: readers hold `&dyn Buffer`, a writer holds `&mut dyn Buffer`.
pub trait Buffer: Send + Sync + fmt::Debug + 'static {
    /// Size in bytes.
    fn len(&self) -> usize;

    /// Whether the size is zero.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The host memory, if this is some. Asked for by every kernel of a CPU backend, so it is a method of
    /// its own: a downcast would cost more than a small op does.
    fn as_host(&self) -> Option<&HostBuffer> {
        None
    }

    /// The host memory to be written, if this is some.
    fn as_host_mut(&mut self) -> Option<&mut HostBuffer> {
        None
    }

    /// Whether this is a [`HostBuffer`], which every CPU backend can use as it is.
    fn is_host(&self) -> bool {
        self.as_host().is_some()
    }

    /// For downcasts to the concrete type.
    fn as_any(&self) -> &dyn Any;

    /// For downcasts to the concrete type.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

/// Memory of the CPU.
///
/// Three kinds: a block of the pool (see [`memory`](crate::memory)), 64-byte aligned and given back to
/// the pool when dropped, on whichever thread; nothing, when the size is zero; or foreign memory, with
/// an owner that keeps it alive. The bytes of every kind are initialised at all times.
pub struct HostBuffer {
    /// Its address is valid for reads of `len` initialised bytes while `self` lives, and for writes too
    /// unless `foreign` says read-only or `self` is only lent ([`lend`](Self::lend)). The bytes are only
    /// reached through `self`; those of foreign memory by others, too, but as `from_foreign` allows, and
    /// those of lent memory by others that read.
    lease: Lease,
    len: usize,
    /// Boxed to keep the common case small: a buffer is moved several times per op.
    foreign: Option<Box<Foreign>>,
}

/// What keeps foreign memory alive.
struct Foreign {
    read_only: bool,
    _owner: Box<dyn Any + Send + Sync>,
    _count: ForeignBytes,
}

impl HostBuffer {
    /// `bytes` bytes of unspecified contents: zeros, or what an earlier buffer left behind.
    ///
    /// Fails with [`ErrorKind::Memory`] if the memory cannot be had, even after the pool gave back what
    /// it cached. It does not abort the process. A system that overcommits, as Linux does, may promise
    /// memory that turns out to be missing when it is written to; no allocator can tell.
    #[inline]
    pub fn alloc(bytes: usize) -> Result<HostBuffer> {
        Ok(Self::lease(bytes)?.0)
    }

    /// `bytes` zero bytes. Fails as [`alloc`](Self::alloc) does.
    ///
    /// Memory fresh from the system is zero already and is not written to; recycled memory is.
    #[inline]
    pub fn zeroed(bytes: usize) -> Result<HostBuffer> {
        let (mut buffer, zero) = Self::lease(bytes)?;
        if !zero {
            buffer.as_bytes_mut()?.fill(0);
        }
        Ok(buffer)
    }

    /// A copy of `bytes`. Fails as [`alloc`](Self::alloc) does.
    #[inline]
    pub fn from_bytes(bytes: &[u8]) -> Result<HostBuffer> {
        let mut buffer = Self::alloc(bytes.len())?;
        buffer.as_bytes_mut()?.copy_from_slice(bytes);
        Ok(buffer)
    }

    /// A buffer of the pool, and whether it is known to be all zeros.
    #[inline]
    fn lease(bytes: usize) -> Result<(HostBuffer, bool)> {
        if bytes == 0 {
            // Aligned too, so that an empty slice of any type can be made of it.
            #[repr(align(64))]
            struct Aligned;
            const { assert!(align_of::<Aligned>() == ALIGN) };
            let lease = Lease::nothing(NonNull::<Aligned>::dangling().cast());
            return Ok((HostBuffer { lease, len: 0, foreign: None }, true));
        }
        let (lease, zero) = Lease::new(bytes)?;
        Ok((HostBuffer { lease, len: bytes, foreign: None }, zero))
    }

    /// Foreign memory (NumPy, DLPack, a mapped file) that `owner` keeps alive.
    ///
    /// `owner` is dropped once, with the buffer, on whichever thread that happens. The alignment is
    /// whatever `ptr` has.
    ///
    /// # Safety
    /// Until `owner` is dropped, and from any thread,
    /// - `ptr` must be valid for reads of `bytes` bytes, and for writes too unless `read_only`;
    /// - these bytes must be initialised, and `bytes` at most `isize::MAX`;
    /// - nobody else may write them while a slice of [`as_bytes`](Self::as_bytes) lives, or access them
    ///   while one of [`as_bytes_mut`](Self::as_bytes_mut) does.
    pub unsafe fn from_foreign(
        ptr: NonNull<u8>,
        bytes: usize,
        read_only: bool,
        owner: Box<dyn Any + Send + Sync>,
    ) -> HostBuffer {
        let foreign = Foreign { read_only, _owner: owner, _count: ForeignBytes::new(bytes) };
        HostBuffer { lease: Lease::nothing(ptr), len: bytes, foreign: Some(Box::new(foreign)) }
    }

    /// Runs `body` with a buffer over bytes that are there already, for operands that live no longer than a call, such as
    /// a number on the stack: nothing is allocated. The alignment is whatever `bytes` has; they are read only, since
    /// `body` has the buffer on loan.
    #[inline]
    pub fn lend<R>(bytes: &[u8], body: impl FnOnce(&HostBuffer) -> R) -> R {
        let lease = Lease::nothing(NonNull::from(bytes).cast());
        body(&HostBuffer { lease, len: bytes.len(), foreign: None })
    }

    /// Size in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the size is zero.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: the address is valid for reads of `len` initialised bytes while `self` lives, and
        // writes need `&mut self`, which the returned borrow excludes.
        unsafe { std::slice::from_raw_parts(self.lease.ptr().as_ptr(), self.len) }
    }

    /// The bytes, to be written. Fails with [`ErrorKind::Alias`] for read-only foreign memory.
    #[inline]
    pub fn as_bytes_mut(&mut self) -> Result<&mut [u8]> {
        if self.is_read_only() {
            let error = TensorError::new(ErrorKind::Alias, "write", "foreign memory is read-only");
            return Err(error.with("bytes", self.len));
        }
        // SAFETY: not read-only, and not lent, since of a lent buffer there is no `&mut`; so the address is valid for
        // reads and writes of `len` initialised bytes while `self` lives, and `&mut self` makes this the only access.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.lease.ptr().as_ptr(), self.len) })
    }

    /// The address of the first byte, for handing the memory to foreign code (NumPy, DLPack). It stays
    /// the same for as long as the buffer lives, wherever that is moved.
    ///
    /// Whoever reads or writes through it must keep to the borrow rules of this type: no access while
    /// a slice of [`as_bytes_mut`](Self::as_bytes_mut) lives, no write while one of
    /// [`as_bytes`](Self::as_bytes) does, and no write at all to read-only memory. Empty buffers have an
    /// address that must not be accessed.
    #[inline]
    pub fn as_ptr(&self) -> NonNull<u8> {
        self.lease.ptr()
    }

    /// Whether somebody else owns the memory.
    #[inline]
    pub fn is_foreign(&self) -> bool {
        self.foreign.is_some()
    }

    /// Whether the memory may not be written. Only foreign memory can be so.
    #[inline]
    pub fn is_read_only(&self) -> bool {
        self.foreign.as_ref().is_some_and(|foreign| foreign.read_only)
    }
}

impl Buffer for HostBuffer {
    #[inline]
    fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn as_host(&self) -> Option<&HostBuffer> {
        Some(self)
    }

    #[inline]
    fn as_host_mut(&mut self) -> Option<&mut HostBuffer> {
        Some(self)
    }

    #[inline]
    fn as_any(&self) -> &dyn Any {
        self
    }

    #[inline]
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// What a backend allocates: host memory as a value, so that a tensor on the CPU costs one heap block less, or
/// memory of some other kind behind the trait.
#[derive(Debug)]
pub enum Allocation {
    /// Memory of the CPU.
    Host(HostBuffer),
    /// Any other.
    Device(Box<dyn Buffer>),
}

impl Allocation {
    /// Memory that is not the host's.
    pub fn device(buffer: impl Buffer) -> Self {
        Allocation::Device(Box::new(buffer))
    }

    /// Size in bytes.
    #[inline]
    pub fn bytes(&self) -> usize {
        match self {
            Allocation::Host(buffer) => buffer.len(),
            Allocation::Device(buffer) => buffer.len(),
        }
    }
}

impl From<HostBuffer> for Allocation {
    #[inline]
    fn from(buffer: HostBuffer) -> Self {
        Allocation::Host(buffer)
    }
}

impl Deref for Allocation {
    type Target = dyn Buffer;

    #[inline]
    fn deref(&self) -> &(dyn Buffer + 'static) {
        match self {
            Allocation::Host(buffer) => buffer,
            Allocation::Device(buffer) => &**buffer,
        }
    }
}

impl DerefMut for Allocation {
    #[inline]
    fn deref_mut(&mut self) -> &mut (dyn Buffer + 'static) {
        match self {
            Allocation::Host(buffer) => buffer,
            Allocation::Device(buffer) => &mut **buffer,
        }
    }
}

impl fmt::Debug for HostBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostBuffer")
            .field("len", &self.len)
            .field("foreign", &self.is_foreign())
            .field("read_only", &self.is_read_only())
            .finish()
    }
}

#[cfg(test)]
#[path = "buffer_tests.rs"]
mod tests;

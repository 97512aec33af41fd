//! Blocks from the operating system. The only `unsafe` of the pool.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

/// Alignment of every block in bytes: a cache line, and the widest vector register.
pub(crate) const ALIGN: usize = 64;

/// From this many bytes on blocks are mapped, not taken from the process's allocator: their zeros
/// cost no memset, and giving them back takes effect at once.
const MAP_FROM: usize = 256 << 10;

/// The size of a transparent huge page on x86-64, and on AArch64 with pages of 4 KiB.
pub(super) const HUGE: usize = 2 << 20;

/// Memory of its own: initialised (zero when new), aligned to [`ALIGN`], and of this value alone. Or,
/// with size zero, a mere address.
///
/// Dropping a block leaks it; [`Block::free`] does not.
#[derive(Debug)]
pub(super) struct Block {
    ptr: NonNull<u8>,
    /// Not zero: `ptr` came from `map` or `alloc_zeroed` with this size.
    size: usize,
}

// SAFETY: a block is plain memory, tied to no thread, and this value is its only owner.
unsafe impl Send for Block {}
// SAFETY: a `&Block` gives nothing but the address and the size; who dereferences the address answers
// for it.
unsafe impl Sync for Block {}

impl Block {
    /// `size` zero bytes; `None` if the system has none to give or `size` is not in `1..=isize::MAX`.
    pub(super) fn new(size: usize) -> Option<Block> {
        let layout = Layout::from_size_align(size, ALIGN).ok()?;
        if size >= MAP_FROM && mapped::AVAILABLE {
            return mapped::map(size).map(|ptr| Block { ptr, size });
        }
        if size == 0 {
            return None;
        }
        // SAFETY: the size of `layout` is not zero.
        let ptr = unsafe { alloc_zeroed(layout) };
        NonNull::new(ptr).map(|ptr| Block { ptr, size })
    }

    /// No memory, only an address.
    #[inline]
    pub(super) fn nothing(ptr: NonNull<u8>) -> Block {
        Block { ptr, size: 0 }
    }

    /// Moves the block out and leaves its address.
    #[inline]
    pub(super) fn take(&mut self) -> Block {
        let nothing = Block::nothing(self.ptr);
        std::mem::replace(self, nothing)
    }

    /// The first byte.
    #[inline]
    pub(super) fn ptr(&self) -> NonNull<u8> {
        self.ptr
    }

    /// Size in bytes.
    #[inline]
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Gives the memory back to the system.
    pub(super) fn free(self) {
        if self.size >= MAP_FROM && mapped::AVAILABLE {
            // SAFETY: a block of this size came from `map`, and this value owned it.
            return unsafe { mapped::unmap(self.ptr, self.size) };
        }
        if self.size > 0
            && let Ok(layout) = Layout::from_size_align(self.size, ALIGN)
        {
            // SAFETY: a block of this size came from `alloc_zeroed` with the same layout, and this
            // value owned it.
            unsafe { dealloc(self.ptr.as_ptr(), layout) }
        }
    }
}

#[cfg(all(any(target_os = "linux", target_os = "android", target_os = "macos"), not(miri)))]
mod mapped {
    use super::{HUGE, NonNull};

    pub(super) const AVAILABLE: bool = true;

    /// `size` bytes of zero pages, aligned to a page, and to a huge page from [`HUGE`] bytes on.
    pub(super) fn map(size: usize) -> Option<NonNull<u8>> {
        if size < HUGE || cfg!(target_os = "macos") {
            return anonymous(size);
        }
        // Since 6.7 Linux aligns large maps by itself; before, it takes a longer map and two cuts.
        let ptr = anonymous(size)?;
        let ptr = if ptr.addr().get().is_multiple_of(HUGE) {
            ptr
        } else {
            // SAFETY: `ptr` is the map of `size` bytes made above, and nobody knows it yet.
            unsafe { unmap(ptr, size) };
            aligned(size)?
        };
        advise(ptr, size);
        Some(ptr)
    }

    fn aligned(size: usize) -> Option<NonNull<u8>> {
        let long = anonymous(size.checked_add(HUGE)?)?;
        let head = long.addr().get().wrapping_neg() % HUGE;
        // SAFETY: `head < HUGE`, and the map has `size + HUGE` bytes.
        let ptr = unsafe { long.add(head) };
        // SAFETY: as above, `head + size < size + HUGE`.
        let tail = unsafe { ptr.add(size) };
        if head > 0 {
            // SAFETY: the first `head` bytes of the map; nobody knows them.
            unsafe { unmap(long, head) };
        }
        // SAFETY: what follows the `size` bytes at `ptr` in the map, at least one page; nobody knows it.
        unsafe { unmap(tail, HUGE - head) };
        Some(ptr)
    }

    fn anonymous(size: usize) -> Option<NonNull<u8>> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
        // SAFETY: a new private anonymous map at an address of the system's choice touches no
        // existing memory.
        let ptr = unsafe { libc::mmap(std::ptr::null_mut(), size, access, flags, -1, 0) };
        if ptr == libc::MAP_FAILED { None } else { NonNull::new(ptr.cast()) }
    }

    /// Asks for huge pages, which fault once per 2 MiB.
    ///
    /// Writing 64 MiB took 39 ms on fresh pages of 4 KiB, 7.2 ms on fresh huge pages, 2.5 ms on recycled
    /// ones; writing 4 MiB 1.86, 0.13 and 0.042 ms (medians, one thread of a virtual EPYC 9004, Linux
    /// 6.18). Classes below 8 MiB may end in up to 1.5 MiB of small pages: rounding these up as well
    /// would cost up to twice the memory for good, to save 0.45 ms per MiB once.
    #[cfg(not(target_os = "macos"))]
    fn advise(ptr: NonNull<u8>, size: usize) {
        // SAFETY: the range is a map of ours; the advice changes no contents. Where the kernel has no
        // huge pages it fails, and nothing is lost.
        unsafe { libc::madvise(ptr.as_ptr().cast(), size, libc::MADV_HUGEPAGE) };
    }

    #[cfg(target_os = "macos")]
    fn advise(_ptr: NonNull<u8>, _size: usize) {}

    /// Takes a map, or a part of one, out of the address space.
    ///
    /// # Safety
    /// The range must lie in a map from [`map`] or [`anonymous`], whole pages, and never be used again.
    pub(super) unsafe fn unmap(ptr: NonNull<u8>, size: usize) {
        // SAFETY: the caller gives up the range, which is ours.
        let failed = unsafe { libc::munmap(ptr.as_ptr().cast(), size) } != 0;
        if failed {
            // The process has too many maps to split one more. The addresses are lost, the memory
            // need not be.
            // SAFETY: the caller gives up the range, so that its contents may go.
            unsafe { libc::madvise(ptr.as_ptr().cast(), size, libc::MADV_DONTNEED) };
        }
    }
}

/// Elsewhere, and under Miri, every block is the allocator's.
#[cfg(not(all(any(target_os = "linux", target_os = "android", target_os = "macos"), not(miri))))]
mod mapped {
    use super::NonNull;

    pub(super) const AVAILABLE: bool = false;

    pub(super) fn map(_size: usize) -> Option<NonNull<u8>> {
        None
    }

    /// # Safety
    /// None needed: it does nothing and is never reached.
    pub(super) unsafe fn unmap(_ptr: NonNull<u8>, _size: usize) {}
}

/// Bytes of memory that this process may use: the machine's, or the container's if it has less.
/// `None` where the system does not say.
pub(super) fn memory_size() -> Option<usize> {
    if cfg!(miri) {
        return None;
    }
    // The limits of control groups 2 and 1; "max" or a huge number where there is none.
    let files = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let container = files.iter().filter(|_| cfg!(target_os = "linux")).find_map(|file| {
        let bytes: u64 = std::fs::read_to_string(file).ok()?.trim().parse().ok()?;
        usize::try_from(bytes).ok()
    });
    [physical(), container].into_iter().flatten().min()
}

#[cfg(unix)]
fn physical() -> Option<usize> {
    // SAFETY: `sysconf` only reads system constants.
    let pages = unsafe { libc::sysconf(libc::_SC_PHYS_PAGES) };
    // SAFETY: as above.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(pages).ok()?.checked_mul(usize::try_from(page).ok()?)
}

#[cfg(not(unix))]
fn physical() -> Option<usize> {
    None
}

//! Asking for memory before it is needed.

/// Bytes of a line of the caches.
pub(crate) const LINE: usize = 64;

/// Asks for the first bytes of `data` to be brought into the caches, four lines at most: beyond that the CPU sees
/// where it goes.
#[inline(always)]
pub(crate) fn prefetch<T>(data: &[T]) {
    let lines = size_of_val(data).div_ceil(LINE).min(4);
    for line in 0..lines {
        prefetch_line(data.as_ptr().cast::<i8>().wrapping_add(line * LINE));
    }
}

/// Asks for the line at an address, where nothing need be.
#[inline(always)]
pub(crate) fn prefetch_line<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing that the program could see and does not fault, whatever the address; every
    // x86-64 CPU has it.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast())
    };
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// The same, no nearer than the second cache.
#[inline(always)]
pub(crate) fn prefetch_far<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: as of `prefetch_line`.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(address.cast())
    };
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// The same, of a line that is to be written: it is fetched for this CPU alone, where another may hold it.
#[inline(always)]
pub(crate) fn prefetch_to_write<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: as of `prefetch_line`; a CPU that does not know the instruction does nothing. There is no intrinsic that is sure
    // to become it.
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) address, options(nostack, preserves_flags, readonly))
    };
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

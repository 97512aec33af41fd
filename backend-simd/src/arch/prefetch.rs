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

/// Asks for the line at an address, where nothing need be, to be brought into all caches.
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

/// As [`prefetch_line`], but no nearer than the second cache.
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

/// As [`prefetch_line`], of a line that is to be written: for this CPU alone, though another may hold it.
///
/// # Safety
///
/// The CPU has AVX2: those that have it know the instruction, or take it for one that does nothing.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) unsafe fn prefetch_to_write<T>(address: *const T) {
    // The intrinsic becomes another prefetch where the compiler is not told of this one.
    // SAFETY: as of `prefetch_line`, and the CPU knows the instruction.
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) address, options(nostack, preserves_flags, readonly))
    };
}

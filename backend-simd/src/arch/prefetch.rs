//! Asking for memory before it is needed.

/// Asks for the first bytes of `data` to be brought into the caches, four lines at most: beyond that the CPU sees
/// where it goes.
#[inline(always)]
pub(crate) fn prefetch<T>(data: &[T]) {
    const LINE: usize = 64;
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

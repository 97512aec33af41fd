//! Asking for memory before it is needed.

/// Asks for the first bytes of `data` to be brought into the caches, four lines at most: beyond that the CPU sees
/// where it goes.
#[inline(always)]
pub(crate) fn prefetch<T>(data: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        const LINE: usize = 64;
        let lines = size_of_val(data).div_ceil(LINE).min(4);
        for line in 0..lines {
            let address = data.as_ptr().cast::<i8>().wrapping_add(line * LINE);
            // SAFETY: a prefetch reads nothing that the program could see and does not fault, whatever the address;
            // every x86-64 CPU has it.
            unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = data;
}

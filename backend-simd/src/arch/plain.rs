//! Elements as bytes and back: loops that only move elements need not be compiled for every type.

use rusttorch_backend::Element;

/// The bytes of elements.
#[inline(always)]
pub(crate) fn bytes_of<T: Element>(x: &[T]) -> &[u8] {
    // SAFETY: an element is `Pod`, that is, without padding; a byte needs no alignment; the length is that of the
    // slice in bytes, and the lifetime is the same.
    unsafe { std::slice::from_raw_parts(x.as_ptr().cast(), size_of_val(x)) }
}

/// The bytes of elements, to be written.
#[inline(always)]
pub(crate) fn bytes_of_mut<T: Element>(x: &mut [T]) -> &mut [u8] {
    // SAFETY: as in `bytes_of`; an element is `Pod`, so that any bytes make one; the borrow stays exclusive.
    unsafe { std::slice::from_raw_parts_mut(x.as_mut_ptr().cast(), size_of_val(x)) }
}

/// The elements that lie in bytes which are aligned and hold whole ones.
#[inline(always)]
pub(crate) fn elements_of<T: Element>(bytes: &[u8]) -> &[T] {
    // SAFETY: an element is `Pod`: any bytes make one. `align_to` leaves out what is not aligned or not whole.
    let (before, elements, after) = unsafe { bytes.align_to::<T>() };
    debug_assert!(before.is_empty() && after.is_empty());
    elements
}

/// The elements that lie in bytes which are aligned and hold whole ones, to be written.
#[inline(always)]
pub(crate) fn elements_of_mut<T: Element>(bytes: &mut [u8]) -> &mut [T] {
    // SAFETY: an element is `Pod`: any bytes make one, and any element is bytes. `align_to_mut` leaves out what is
    // not aligned or not whole.
    let (before, elements, after) = unsafe { bytes.align_to_mut::<T>() };
    debug_assert!(before.is_empty() && after.is_empty());
    elements
}

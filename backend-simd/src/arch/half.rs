//! f16 and f32, where the CPU has no instruction for it: by arithmetic on bits, which gives the same bits.
//!
//! Written without branches, and without a question to the CPU for each element, so that loops over them become
//! vectors. A NaN keeps the leading bits of its mantissa and becomes quiet, as IEEE 754 recommends and x86 does.

use rusttorch_backend::f16;

#[inline(always)]
pub(crate) fn widen(v: f16) -> f32 {
    let bits = u32::from(v.to_bits());
    // In place of the exponent's 5 bits, 8: subnormals come out right by the product, which is exact.
    let scaled = f32::from_bits((bits & 0x7fff) << 13) * f32::from_bits((127 + 112) << 23);
    let special = if bits & 0x7c00 == 0x7c00 { 0x7f80_0000 } else { 0 };
    let quiet = if bits & 0x7fff > 0x7c00 { 0x0040_0000 } else { 0 };
    f32::from_bits(scaled.to_bits() | special | quiet | (bits & 0x8000) << 16)
}

/// To the nearest, halves to even.
#[inline(always)]
pub(crate) fn narrow(v: f32) -> f16 {
    let bits = v.to_bits();
    let magnitude = bits & 0x7fff_ffff;
    // Half an ulp less a bit, and the bit if the result would be odd. An overflow runs into the exponent, up to that of
    // infinity.
    let odd = (magnitude >> 13) & 1;
    let normal = magnitude.wrapping_sub(112 << 23).wrapping_add(0xfff + odd) >> 13;
    // The sum with 1/2 is rounded to multiples of the smallest half.
    let subnormal = (f32::from_bits(magnitude) + 0.5).to_bits().wrapping_sub(0.5f32.to_bits());
    let nan = 0x7e00 | (magnitude >> 13) & 0x3ff;
    let special = if magnitude > 0x7f80_0000 { nan } else { 0x7c00 };
    let small = magnitude < 113 << 23;
    let large = magnitude >= 143 << 23;
    let rounded = if large {
        special
    } else if small {
        subnormal
    } else {
        normal
    };
    f16::from_bits((rounded | (bits >> 16) & 0x8000) as u16)
}

/// `to = from`, element by element.
#[inline(always)]
pub(crate) fn widen_all(from: &[f16], to: &mut [f32]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = widen(from));
}

/// `to = from`, element by element, rounded.
#[inline(always)]
pub(crate) fn narrow_all(from: &[f32], to: &mut [f16]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = narrow(from));
}

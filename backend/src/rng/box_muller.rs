//! The Box-Muller transforms: uniform numbers in, normal numbers out.
//!
//! Box and Muller, "A note on the generation of random normal deviates", Ann. Math. Stat. 29 (1958)
//! 610-611. There are three of them because PyTorch has three: pairs in double precision (short
//! tensors of any dtype), blocks of 16 in double precision (long float64 tensors) and blocks of 16 in
//! single precision (long float32, float16 and bfloat16 tensors).
//!
//! No logarithm or sine of the platform's C library is called, so that the numbers are the same
//! everywhere.

use std::f64::consts::PI;

use super::double::{ln_one_minus, sin_cos};
use super::double_ln::ln;
use super::single::{ln_f32, sin_cos_f32};

/// Numbers that one block transform takes and gives.
pub(super) const BLOCK: usize = 16;
const HALF: usize = BLOCK / 2;

/// Two independent standard normal numbers from two uniform ones in `[0, 1)`:
/// `sqrt(-2 ln(1 - v))` times the cosine and times the sine of `2 pi u`.
pub(super) fn pair(u: f64, v: f64) -> (f64, f64) {
    let radius = (-2.0 * ln_one_minus(v)).sqrt();
    let (sin, cos) = sin_cos(2.0 * PI * u);
    (radius * cos, radius * sin)
}

/// Transforms a block of uniform numbers in `[0, 1)` in double precision: `block[j]` gives the
/// radius and `block[j + 8]` the angle of the pair that replaces the two.
#[inline(always)]
pub(super) fn block_f64(block: &mut [f64; BLOCK], mean: f64, std: f64) {
    let (radii, angles) = block.split_at_mut(HALF);
    for (first, second) in radii.iter_mut().zip(angles) {
        let radius = (-2.0 * ln(1.0 - *first)).sqrt();
        let (sin, cos) = sin_cos(2.0 * PI * *second);
        *first = (radius * cos).mul_add(std, mean);
        *second = (radius * sin).mul_add(std, mean);
    }
}

/// [`block_f64`] in single precision.
#[inline(always)]
pub(super) fn block_f32(block: &mut [f32; BLOCK], mean: f32, std: f32) {
    let (radii, angles) = block.split_at_mut(HALF);
    for (first, second) in radii.iter_mut().zip(angles) {
        let radius = (-2.0 * ln_f32(1.0 - *first)).sqrt();
        let (sin, cos) = sin_cos_f32(2.0 * std::f32::consts::PI * *second);
        *first = (radius * cos).mul_add(std, mean);
        *second = (radius * sin).mul_add(std, mean);
    }
}

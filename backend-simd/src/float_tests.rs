//! Conversions of halves against those of the crate `half`.

use rusttorch_backend::{bf16, f16};

use super::Half;
use crate::Level;
use crate::arch::{Isa, Kernel};

/// Conversions of whole slices, on the level that they are run on.
struct Convert<'a, H> {
    halves: &'a [H],
    wide: &'a mut [f32],
    floats: &'a [f32],
    rounded: &'a mut [H],
}

impl<H: Half> Kernel for Convert<'_, H> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        H::widen_all(isa, self.halves, self.wide);
        H::narrow_all(isa, self.floats, self.rounded);
    }
}

#[test]
fn halves_are_cast_as_the_reference_casts_them() {
    /// `nans`: whether those of the reference have the same bits, too.
    fn all<H: Half>(bits: fn(u16) -> H, to_f32: fn(H) -> f32, from_f32: fn(f32) -> H, nans: bool) {
        let same = |a: f32, b: f32| a.to_bits() == b.to_bits() || (!nans && a.is_nan() && b.is_nan());
        // Not a whole number of vectors.
        let every: Vec<H> = (0..=u16::MAX).chain(0..13).map(bits).collect();
        // Around every half, and between them.
        let step = 0x1fff;
        let near: Vec<f32> = (0..u32::MAX / step)
            .flat_map(|i| {
                [i * step, (i << 13) % (1 << 31) + 0x1000, i << 12, (i << 12) + 1, (i << 12).wrapping_sub(1)]
            })
            .chain([0x7f80_0001, 0xff80_2001, 0x7fff_ffff])
            .map(f32::from_bits)
            .collect();
        for level in Level::all() {
            let (mut wide, mut rounded) = (vec![0f32; every.len()], vec![bits(0); near.len()]);
            let (halves, floats) = (&every[..], &near[..]);
            level.enter(Convert { halves, wide: &mut wide, floats, rounded: &mut rounded });
            for (&h, &w) in every.iter().zip(&wide) {
                assert!(same(w, to_f32(h)) && same(h.widen(), w), "{level}: {h:?}");
            }
            for (&x, &h) in near.iter().zip(&rounded) {
                let (h, expected) = (to_f32(h), to_f32(from_f32(x)));
                assert!(
                    same(h, expected) && same(to_f32(H::narrow(x)), h),
                    "{level}: {x:e}: {h:e} {expected:e}"
                );
            }
        }
    }
    all::<f16>(f16::from_bits, f16::to_f32, f16::from_f32, true);
    all::<bf16>(bf16::from_bits, bf16::to_f32, bf16::from_f32, false);
}

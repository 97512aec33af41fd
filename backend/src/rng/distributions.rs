//! The dtype rules of the fills: what PyTorch 2.15 does with the words of the stream for each dtype.

use half::{bf16, f16};

use super::Generator;
use super::box_muller::{self, BLOCK};
use real::Real;
use whole::Whole;

/// A dtype that whole and Bernoulli numbers can be drawn into. Sealed: `bool`, the integers of 8 to
/// 64 bits and the floats of 16 to 64 bits.
pub trait RandomElement: Whole {}

impl<T: Whole> RandomElement for T {}

/// A dtype that real numbers can be drawn into. Sealed: `f16`, `bf16`, `f32` and `f64`.
pub trait RandomFloat: RandomElement + Real {}

impl<T: RandomElement + Real> RandomFloat for T {}

pub(super) mod whole {
    /// How PyTorch converts whole numbers to the dtype and which of them it accepts.
    pub trait Whole: Copy + PartialEq {
        /// Whether the dtype reaches as far as `value`.
        fn accepts(value: i64) -> bool;
        /// The lower end of a half-open range, moved up where the dtype would round below it.
        fn lower_end(from: i64) -> i64;
        /// The upper end of a half-open range, moved down where the dtype would round up to it.
        fn upper_end(to: i64) -> i64;
        /// C++'s conversion from `int64_t`.
        fn from_i64(value: i64) -> Self;
        /// 0 or 1.
        fn from_bit(bit: bool) -> Self;
        /// A real number; integers cut off and saturate.
        fn from_real(value: f64) -> Self;
        /// Whether the dtype holds fractions.
        const REAL: bool;
        /// Whether PyTorch draws all numbers of `i64` for the dtype.
        const HAS_ALL_OF_I64: bool;
        /// Whether a number without bounds takes two words.
        const WIDE: bool;
        /// What a number without bounds is taken modulo.
        const MODULUS: u64;
    }
}

pub(super) mod real {
    use super::Generator;

    /// How PyTorch draws real numbers of the dtype.
    pub trait Real: Copy + PartialEq {
        /// The largest finite number.
        const LARGEST: f64;
        /// C++'s conversion from `double`; the 16-bit dtypes round twice, through `float`.
        fn from_f64(value: f64) -> Self;
        /// The number without loss.
        fn to_f64(self) -> f64;
        /// Rounds to the dtype in which sums are kept: single precision for all but `f64`.
        fn round_wide(value: f64) -> f64 {
            f64::from(value as f32)
        }
        /// The next uniform number of `[0, 1)`, scaled to `[from, to)`.
        fn uniform(generator: &mut Generator, from: f64, to: f64) -> Self;
        /// The next test of a uniform number of `[0, 1)` being less than `self`.
        fn bernoulli(self, generator: &mut Generator) -> bool;
        /// Whether `self` lies in `[0, 1]`.
        fn is_probability(self) -> bool;
        /// Fills at least 16 elements with normal numbers, in blocks.
        fn fill_normal(generator: &mut Generator, out: &mut [Self], mean: f64, std: f64);
    }
}

macro_rules! integers {
    ($($int:ty, $wide:expr, $modulus:expr;)*) => {$(
        impl Whole for $int {
            const WIDE: bool = $wide;
            const MODULUS: u64 = $modulus;
            fn accepts(value: i64) -> bool {
                Self::try_from(value).is_ok()
            }
            fn lower_end(from: i64) -> i64 {
                from
            }
            fn upper_end(to: i64) -> i64 {
                to
            }
            fn from_i64(value: i64) -> Self {
                value as Self
            }
            fn from_bit(bit: bool) -> Self {
                Self::from(bit)
            }
            fn from_real(value: f64) -> Self {
                value as Self
            }
            const REAL: bool = false;
            const HAS_ALL_OF_I64: bool = $wide;
        }
    )*};
}

integers! {
    u8, false, 1 << 8;
    u16, false, 1 << 16;
    u32, false, 1 << 32;
    u64, true, 1 << 63;
    i8, false, 1 << 7;
    i16, false, 1 << 15;
    i32, false, 1 << 31;
    i64, true, 1 << 63;
}

impl Whole for bool {
    const WIDE: bool = false;
    const MODULUS: u64 = 2;
    fn accepts(value: i64) -> bool {
        (0..=1).contains(&value)
    }
    fn lower_end(from: i64) -> i64 {
        from
    }
    fn upper_end(to: i64) -> i64 {
        to
    }
    fn from_i64(value: i64) -> Self {
        value != 0
    }
    fn from_bit(bit: bool) -> Self {
        bit
    }
    fn from_real(value: f64) -> Self {
        value != 0.0
    }
    const REAL: bool = false;
    const HAS_ALL_OF_I64: bool = false;
}

macro_rules! floats {
    ($($float:ty, $digits:expr, $wide:expr, $from_i64:expr, $to_f64:expr;)*) => {$(
        impl Whole for $float {
            const WIDE: bool = $wide;
            const MODULUS: u64 = (1 << $digits) + 1;
            fn accepts(value: i64) -> bool {
                (value as f64).abs() <= <Self as Real>::LARGEST
            }
            fn lower_end(from: i64) -> i64 {
                let next = from.saturating_add(1);
                let rounded = truncate($to_f64(Self::from_i64(next)));
                if rounded < from { rounded.wrapping_add(spacing(next, $digits)) } else { from }
            }
            fn upper_end(to: i64) -> i64 {
                let last = to.saturating_sub(1);
                let rounded = truncate($to_f64(Self::from_i64(last)));
                if rounded >= to { rounded.wrapping_sub(spacing(last, $digits)) } else { to }
            }
            fn from_i64(value: i64) -> Self {
                $from_i64(value)
            }
            fn from_bit(bit: bool) -> Self {
                Self::from(u8::from(bit))
            }
            fn from_real(value: f64) -> Self {
                <Self as Real>::from_f64(value)
            }
            const REAL: bool = true;
            // f16 reaches no further than 65504.
            const HAS_ALL_OF_I64: bool = <Self as Real>::LARGEST > TWO_POW_63;
        }
    )*};
}

floats! {
    f64, 53, true, |value: i64| value as f64, |value: f64| value;
    f32, 24, false, |value: i64| value as f32, f64::from;
    f16, 11, false, |value: i64| f16::from_f32(value as f32), f64::from;
    bf16, 8, false, |value: i64| bf16::from_f32(value as f32), f64::from;
}

/// The x86-64 conversion from `double` to `int64_t`: what does not fit becomes the smallest number.
fn truncate(value: f64) -> i64 {
    if (-TWO_POW_63..TWO_POW_63).contains(&value) { value as i64 } else { i64::MIN }
}

const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;

/// The distance of neighbouring floats of `digits` bits near `value`.
fn spacing(value: i64, digits: u32) -> i64 {
    let exponent = value.unsigned_abs().checked_ilog2().unwrap_or(0);
    1 << (exponent + 1).saturating_sub(digits)
}

/// A uniform number of `[0, 1)` with 24 bits, from one word.
#[inline]
fn unit_f32(generator: &mut Generator) -> f32 {
    (generator.next_u32() & 0x00ff_ffff) as f32 * (1.0 / 16_777_216.0)
}

/// A uniform number of `[0, 1)` with 53 bits, from two words.
#[inline]
pub(super) fn unit_f64(generator: &mut Generator) -> f64 {
    (generator.next_u64() & ((1 << 53) - 1)) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

#[inline]
fn uniform_f32(generator: &mut Generator, from: f32, to: f32) -> f32 {
    unit_f32(generator).mul_add(to - from, from)
}

impl Real for f64 {
    const LARGEST: f64 = f64::MAX;
    fn from_f64(value: f64) -> Self {
        value
    }
    fn to_f64(self) -> f64 {
        self
    }
    fn round_wide(value: f64) -> f64 {
        value
    }
    #[inline]
    fn uniform(generator: &mut Generator, from: f64, to: f64) -> Self {
        let value = unit_f64(generator).mul_add(to - from, from);
        if value == to { from } else { value }
    }
    #[inline]
    fn bernoulli(self, generator: &mut Generator) -> bool {
        unit_f64(generator) < self
    }
    fn is_probability(self) -> bool {
        (0.0..=1.0).contains(&self)
    }
    fn fill_normal(generator: &mut Generator, out: &mut [Self], mean: f64, std: f64) {
        fill_blocks(generator, out, unit_f64, |block| box_muller::block_f64(block, mean, std));
    }
}

impl Real for f32 {
    const LARGEST: f64 = f32::MAX as f64;
    fn from_f64(value: f64) -> Self {
        value as f32
    }
    fn to_f64(self) -> f64 {
        self.into()
    }
    #[inline]
    fn uniform(generator: &mut Generator, from: f64, to: f64) -> Self {
        let value = uniform_f32(generator, from as f32, to as f32);
        if value == to as f32 { from as f32 } else { value }
    }
    #[inline]
    fn bernoulli(self, generator: &mut Generator) -> bool {
        unit_f32(generator) < self
    }
    fn is_probability(self) -> bool {
        (0.0..=1.0).contains(&self)
    }
    fn fill_normal(generator: &mut Generator, out: &mut [Self], mean: f64, std: f64) {
        let (mean, std) = (mean as f32, std as f32);
        fill_blocks(generator, out, unit_f32, |block| box_muller::block_f32(block, mean, std));
    }
}

macro_rules! half_floats {
    ($($half:ty, $largest:expr;)*) => {$(
        impl Real for $half {
            const LARGEST: f64 = $largest;
            fn from_f64(value: f64) -> Self {
                Self::from_f32(value as f32)
            }
            fn to_f64(self) -> f64 {
                self.to_f32().into()
            }
            #[inline]
            fn uniform(generator: &mut Generator, from: f64, to: f64) -> Self {
                let value = Self::from_f32(uniform_f32(generator, from as f32, to as f32));
                if value == Self::from_f64(to) { Self::from_f64(from) } else { value }
            }
            #[inline]
            fn bernoulli(self, generator: &mut Generator) -> bool {
                unit_f32(generator) < self.to_f32()
            }
            fn is_probability(self) -> bool {
                (0.0..=1.0).contains(&self.to_f32())
            }
            fn fill_normal(generator: &mut Generator, out: &mut [Self], mean: f64, std: f64) {
                let (mean, std) = (mean as f32, std as f32);
                let mut draw = |target: &mut [Self]| {
                    let mut block: [f32; BLOCK] = std::array::from_fn(|_| unit_f32(generator));
                    box_muller::block_f32(&mut block, mean, std);
                    for (slot, value) in target.iter_mut().zip(block) {
                        *slot = Self::from_f32(value);
                    }
                };
                let mut blocks = out.chunks_exact_mut(BLOCK);
                blocks.by_ref().for_each(&mut draw);
                if !blocks.into_remainder().is_empty() {
                    let start = out.len().saturating_sub(BLOCK);
                    draw(&mut out[start..]);
                }
            }
        }
    )*};
}

half_floats! {
    f16, 65504.0;
    bf16, 3.389_531_389_251_535_5e38;
}

/// Fills `out` with uniform numbers and transforms them block by block. A rest of less than a block
/// is made part of a last block that ends with `out`: those 16 elements are drawn once more, after
/// everything else.
fn fill_blocks<T>(
    generator: &mut Generator,
    out: &mut [T],
    unit: impl Fn(&mut Generator) -> T,
    transform: impl Fn(&mut [T; BLOCK]),
) {
    for slot in out.iter_mut() {
        *slot = unit(generator);
    }
    let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
    blocks.iter_mut().for_each(&transform);
    if !rest.is_empty()
        && let Some(last) = out.last_chunk_mut::<BLOCK>()
    {
        for slot in last.iter_mut() {
            *slot = unit(generator);
        }
        transform(last);
    }
}

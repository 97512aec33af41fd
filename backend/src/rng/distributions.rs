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
        /// The next uniform numbers of `[0, 1)`, scaled to `[from, to)`.
        fn fill_uniform(generator: &mut Generator, out: &mut [Self], from: f64, to: f64);
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
            #[inline]
            fn from_i64(value: i64) -> Self {
                value as Self
            }
            #[inline]
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
            #[inline]
            fn from_i64(value: i64) -> Self {
                $from_i64(value)
            }
            #[inline]
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
#[inline(always)]
fn unit_f32(word: u32) -> f32 {
    (word & 0x00ff_ffff) as i32 as f32 * (1.0 / 16_777_216.0)
}

/// A uniform number of `[0, 1)` with 53 bits, from two words.
#[inline(always)]
pub(super) fn unit_f64(words: u64) -> f64 {
    (words & ((1 << 53) - 1)) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

impl Real for f64 {
    const LARGEST: f64 = f64::MAX;
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
    fn to_f64(self) -> f64 {
        self
    }
    fn round_wide(value: f64) -> f64 {
        value
    }
    #[inline(always)]
    fn fill_uniform(generator: &mut Generator, out: &mut [Self], from: f64, to: f64) {
        generator.engine.fill_with_pairs(out, |words| {
            let value = unit_f64(words).mul_add(to - from, from);
            if value == to { from } else { value }
        });
    }
    #[inline]
    fn bernoulli(self, generator: &mut Generator) -> bool {
        unit_f64(generator.next_u64()) < self
    }
    fn is_probability(self) -> bool {
        (0.0..=1.0).contains(&self)
    }
    #[inline(always)]
    fn fill_normal(generator: &mut Generator, out: &mut [Self], mean: f64, std: f64) {
        fill_blocks(generator, out, mean, std);
    }
}

impl Real for f32 {
    const LARGEST: f64 = f32::MAX as f64;
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
    fn to_f64(self) -> f64 {
        self.into()
    }
    #[inline(always)]
    fn fill_uniform(generator: &mut Generator, out: &mut [Self], from: f64, to: f64) {
        let (from, to) = (from as f32, to as f32);
        generator.engine.fill_with(out, |word| {
            let value = unit_f32(word).mul_add(to - from, from);
            if value == to { from } else { value }
        });
    }
    #[inline]
    fn bernoulli(self, generator: &mut Generator) -> bool {
        unit_f32(generator.next_u32()) < self
    }
    fn is_probability(self) -> bool {
        (0.0..=1.0).contains(&self)
    }
    #[inline(always)]
    fn fill_normal(generator: &mut Generator, out: &mut [Self], mean: f64, std: f64) {
        fill_blocks(generator, out, mean as f32, std as f32);
    }
}

macro_rules! half_floats {
    ($($half:ty, $largest:expr;)*) => {$(
        impl Real for $half {
            const LARGEST: f64 = $largest;
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                Self::from_f32(value as f32)
            }
            fn to_f64(self) -> f64 {
                self.to_f32().into()
            }
            #[inline(always)]
            fn fill_uniform(generator: &mut Generator, out: &mut [Self], from: f64, to: f64) {
                let (lower, upper) = (Self::from_f64(from), Self::from_f64(to));
                let (from, to) = (from as f32, to as f32);
                generator.engine.fill_with(out, |word| {
                    let value = Self::from_f32(unit_f32(word).mul_add(to - from, from));
                    if value == upper { lower } else { value }
                });
            }
            #[inline]
            fn bernoulli(self, generator: &mut Generator) -> bool {
                unit_f32(generator.next_u32()) < self.to_f32()
            }
            fn is_probability(self) -> bool {
                (0.0..=1.0).contains(&self.to_f32())
            }
            #[inline(always)]
            fn fill_normal(generator: &mut Generator, out: &mut [Self], mean: f64, std: f64) {
                let (mean, std) = (mean as f32, std as f32);
                let mut wide = [0f32; TILE];
                // The rest itself is not drawn.
                let whole = out.len() - out.len() % BLOCK;
                let last = if whole == out.len() { whole } else { out.len().saturating_sub(BLOCK) };
                let starts = (0..whole).step_by(TILE).chain((last < out.len()).then_some(last));
                for start in starts {
                    let end = if start == last { out.len() } else { whole.min(start + TILE) };
                    let wide = &mut wide[..end - start];
                    fill_blocks(generator, wide, mean, std);
                    for (slot, &value) in out[start..end].iter_mut().zip(wide.iter()) {
                        *slot = Self::from_f32(value);
                    }
                }
            }
        }
    )*};
}

half_floats! {
    f16, 65504.0;
    bf16, 3.389_531_389_251_535_5e38;
}

/// Numbers that are drawn and then transformed: whole blocks that stay in the first cache.
const TILE: usize = 32 * BLOCK;

/// Fills `out` with uniform numbers and transforms them block by block. A rest of less than a block
/// is made part of a last block that ends with `out`: those 16 elements are drawn once more, after
/// everything else.
///
/// The transform is a type rather than a closure: closures cannot be told to be inlined, and this one
/// must be, to be compiled for the instruction set of the caller.
#[inline(always)]
fn fill_blocks<B: Block>(generator: &mut Generator, out: &mut [B], mean: B, std: B) {
    for tile in out.chunks_mut(TILE) {
        B::draw(generator, tile);
        for block in tile.as_chunks_mut::<BLOCK>().0 {
            B::transform(block, mean, std);
        }
    }
    if !out.len().is_multiple_of(BLOCK)
        && let Some(last) = out.last_chunk_mut::<BLOCK>()
    {
        B::draw(generator, last);
        B::transform(last, mean, std);
    }
}

/// What a block is computed in.
trait Block: Copy {
    /// Uniform numbers of `[0, 1)`.
    fn draw(generator: &mut Generator, out: &mut [Self]);
    /// Normal numbers of uniform ones.
    fn transform(block: &mut [Self; BLOCK], mean: Self, std: Self);
}

impl Block for f64 {
    #[inline(always)]
    fn draw(generator: &mut Generator, out: &mut [f64]) {
        generator.engine.fill_with_pairs(out, unit_f64);
    }
    #[inline(always)]
    fn transform(block: &mut [f64; BLOCK], mean: f64, std: f64) {
        box_muller::block_f64(block, mean, std);
    }
}

impl Block for f32 {
    #[inline(always)]
    fn draw(generator: &mut Generator, out: &mut [f32]) {
        generator.engine.fill_with(out, unit_f32);
    }
    #[inline(always)]
    fn transform(block: &mut [f32; BLOCK], mean: f32, std: f32) {
        box_muller::block_f32(block, mean, std);
    }
}

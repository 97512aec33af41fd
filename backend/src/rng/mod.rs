//! The random generator: the stream of PyTorch's CPU generator and the fills that PyTorch draws from
//! it, number for number.
//!
//! A seed gives the same numbers on every machine: the arithmetic below uses nothing but integer
//! operations and correctly rounded IEEE operations, among them the fused multiply-add
//! ([`f64::mul_add`]), which is one instruction where the target has it and a call elsewhere. The
//! logarithms, sines and cosines are our own.
//!
//! The reference is PyTorch 2.15.0 on x86-64 (`ATen/CPUGeneratorImpl`,
//! `ATen/core/DistributionsHelper.h`, `ATen/native/cpu/DistributionTemplates.h`). Each method states
//! what it takes from the stream, counted in words of 32 bits, because a later draw depends on it.
//! The numbers equal PyTorch's bit for bit, with one exception: among 16 and more normal numbers of
//! `f64`, one in about 2800 differs, by at most 2 ulp of the standard normal number. PyTorch itself
//! leaves the last bits of those to the C library and to the instruction set of the machine.
//!
//! Arguments are checked before the stream is touched: after an error the generator is unchanged.
//!
//! Orders of shuffled samplers (`torch.utils.data.RandomSampler`) are [`Generator::randperm`].

mod box_muller;
mod continuous;
mod distributions;
mod double;
mod double_exp;
mod double_ln;
#[cfg(test)]
mod fill_tests;
mod mt19937;
mod multinomial;
mod single;
mod state;
#[cfg(test)]
mod tests;

use std::fmt;

pub use distributions::{RandomElement, RandomFloat};
pub use state::{STATE_BYTES, StateError};

use distributions::unit_f64;
use double::ln_one_minus;
use mt19937::Mt19937;

/// The least range of whole numbers for which two words are drawn per number.
const WIDE_RANGE: u64 = 1 << 28;
/// The least length of a permutation for which two words are drawn per element.
const LONG_PERMUTATION: usize = (u32::MAX / 20) as usize;
/// The least length of a tensor that normal numbers are drawn into in blocks.
const LONG_NORMAL: usize = 16;

/// A pseudo-random generator: MT19937 and the second half of the last normal pair.
///
/// ```
/// # use rusttorch_backend::rng::Generator;
/// let mut generator = Generator::new(0);
/// let mut out = [0.0f32; 2];
/// generator.fill_uniform(&mut out, 0.0, 1.0)?;
/// assert_eq!(out, [0.49625659, 0.7682218]); // torch.manual_seed(0); torch.rand(2)
/// # Ok::<(), rusttorch_backend::rng::RandomError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Generator {
    engine: Mt19937,
    /// The second number of a pair of which only the first one was used.
    next_normal: Option<f64>,
    /// PyTorch's slot for the same in single precision. No fill uses it; it is kept so that a state
    /// survives being set and read.
    next_normal_f32: Option<f32>,
}

/// An argument outside of its domain.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum RandomError {
    /// The ends of a real range are out of order, or not finite in the dtype, or further apart than
    /// the largest number of the dtype.
    RealRange {
        /// The lower end.
        from: f64,
        /// The upper end.
        to: f64,
    },
    /// A range of whole numbers is empty, perhaps because of the rounding of the dtype, or not
    /// contained in the dtype.
    WholeRange {
        /// The lower end, included.
        from: i64,
        /// The upper end, excluded.
        to: i64,
    },
    /// A standard deviation that is negative or not a number.
    StandardDeviation(f64),
    /// A rate that is not positive.
    Rate(f64),
    /// A scale or a standard deviation that is not positive.
    Scale(f64),
    /// A probability outside of `[0, 1]`.
    Probability,
    /// A probability outside of `(0, 1)`.
    OpenProbability(f64),
    /// A weight that is negative, infinite or not a number.
    Weight,
    /// Weights of which none is positive.
    WeightSum,
    /// As many probabilities as elements are needed.
    ProbabilityCount {
        /// The number of elements.
        expected: usize,
        /// The number of probabilities.
        given: usize,
    },
}

impl fmt::Display for RandomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RealRange { from, to } => {
                write!(f, "not a range of real numbers of the dtype: from {from}, to {to}")
            }
            Self::WholeRange { from, to } => {
                write!(f, "not a range of whole numbers of the dtype: from {from}, to {to}")
            }
            Self::StandardDeviation(std) => write!(f, "standard deviation is not >= 0: std {std}"),
            Self::Rate(rate) => write!(f, "rate is not > 0: lambda {rate}"),
            Self::Scale(scale) => write!(f, "scale is not > 0: scale {scale}"),
            Self::Probability => write!(f, "probability is not in [0, 1]"),
            Self::OpenProbability(p) => write!(f, "probability is not in (0, 1): p {p}"),
            Self::Weight => write!(f, "a weight is negative or not finite"),
            Self::WeightSum => write!(f, "weights add up to zero"),
            Self::ProbabilityCount { expected, given } => {
                write!(f, "one probability per element: elements {expected}, probabilities {given}")
            }
        }
    }
}

impl std::error::Error for RandomError {}

impl Default for Generator {
    /// A generator with [`Generator::DEFAULT_SEED`].
    fn default() -> Self {
        Self::new(Self::DEFAULT_SEED)
    }
}

impl fmt::Debug for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generator")
            .field("initial_seed", &self.initial_seed())
            .field("next_index", &self.engine.next_index())
            .field("next_normal", &self.next_normal)
            .finish_non_exhaustive()
    }
}

impl Generator {
    /// The seed of a new `torch.Generator()`.
    pub const DEFAULT_SEED: u64 = 67_280_421_310_721;

    /// A generator seeded like `torch.manual_seed(seed)`.
    ///
    /// Only the low 32 bits of the seed enter the stream, as in PyTorch: seeds that are equal modulo
    /// `2^32` give the same numbers.
    pub fn new(seed: u64) -> Self {
        Self { engine: Mt19937::new(seed), next_normal: None, next_normal_f32: None }
    }

    /// Starts the stream of `seed` anew; a kept normal number is dropped.
    pub fn manual_seed(&mut self, seed: u64) {
        *self = Self::new(seed);
    }

    /// The whole 64-bit seed that the generator was last given.
    pub fn initial_seed(&self) -> u64 {
        self.engine.seed()
    }

    /// The next word of the stream. Takes one word.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        self.engine.next_u32()
    }

    /// The next two words of the stream, the first one in the high half. Takes two words.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.engine.next_u64()
    }

    /// Fills `out` with uniform numbers of `[from, to)`: `tensor.uniform_(from, to)`, and
    /// `torch.rand` with 0 and 1.
    ///
    /// A number is `x (to - from) + from` in the arithmetic of the dtype (single precision for the
    /// 16-bit dtypes), where `x` is the low 53 bits of two words over `2^53` for `f64` and the low 24
    /// bits of one word over `2^24` for the others. A number that rounds to `to` is replaced by
    /// `from`. Takes two words per element of `f64`, one of the others.
    ///
    /// # Errors
    ///
    /// [`RandomError::RealRange`] unless `from <= to`, both are finite in the dtype and `to - from`
    /// does not exceed its largest number.
    #[inline(always)]
    pub fn fill_uniform<T: RandomFloat>(
        &mut self,
        out: &mut [T],
        from: f64,
        to: f64,
    ) -> Result<(), RandomError> {
        let finite = from.abs() <= T::LARGEST && to.abs() <= T::LARGEST;
        let range = finite && from <= to && to - from <= T::LARGEST;
        if !range {
            return Err(RandomError::RealRange { from, to });
        }
        T::fill_uniform(self, out, from, to);
        Ok(())
    }

    /// Fills `out` with normal numbers: `tensor.normal_(mean, std)`, and `torch.randn` with 0 and 1.
    ///
    /// Fewer than 16 elements of any dtype are drawn in double precision, by Box-Muller: `u` and `v`
    /// are uniform, `r = sqrt(-2 log1p(-v))`, and `r cos(2 pi u)` and `r sin(2 pi u)`, times `std`
    /// plus `mean`, are two elements. Takes four words for two elements; the second number of a pair
    /// is kept for the next short fill, of whatever dtype.
    ///
    /// From 16 elements on, all elements are filled with uniform numbers (see
    /// [`Generator::fill_uniform`]; single precision for the 16-bit dtypes), and then each block of
    /// 16 turns its element `j < 8` into a radius `sqrt(-2 ln(1 - x))` and its element `j + 8` into an
    /// angle. A rest of less than a block is not transformed: the last 16 elements are drawn anew.
    /// Takes one word per element (two of `f64`), and those of 16 more elements where there is a
    /// rest; the 16-bit dtypes do not draw the rest itself. The kept number is neither used nor lost.
    ///
    /// # Errors
    ///
    /// [`RandomError::StandardDeviation`] unless `std >= 0`.
    #[inline(always)]
    pub fn fill_normal<T: RandomFloat>(
        &mut self,
        out: &mut [T],
        mean: f64,
        std: f64,
    ) -> Result<(), RandomError> {
        if std.is_nan() || std < 0.0 {
            return Err(RandomError::StandardDeviation(std));
        }
        if out.len() >= LONG_NORMAL {
            T::fill_normal(self, out, mean, std);
            return Ok(());
        }
        self.fill_normal_in_pairs(out, mean, std)
    }

    /// One standard normal number, the kept one if there is one.
    fn normal(&mut self) -> f64 {
        if let Some(kept) = self.next_normal.take() {
            return kept;
        }
        let angle = unit_f64(self.next_u64());
        let radius = unit_f64(self.next_u64());
        let (first, second) = box_muller::pair(angle, radius);
        self.next_normal = Some(second);
        first
    }

    /// Fills `out` with whole numbers of `[from, to)`: `torch.randint(from, to)` and
    /// `tensor.random_(from, to)`.
    ///
    /// A number is `word mod (to - from) + from`, converted to the dtype. For the float dtypes the
    /// ends of the range are first moved inwards where a number of the range would round out of it.
    /// Takes one word per element, or two (as [`Generator::next_u64`]) if the range holds `2^28`
    /// numbers or more, for every dtype.
    ///
    /// # Errors
    ///
    /// [`RandomError::WholeRange`] unless `from < to` and the dtype holds both `from` and `to - 1`.
    pub fn fill_randint<T: RandomElement>(
        &mut self,
        out: &mut [T],
        from: i64,
        to: i64,
    ) -> Result<(), RandomError> {
        let error = RandomError::WholeRange { from, to };
        if from >= to {
            return Err(error);
        }
        let (from, to) = (T::lower_end(from), T::upper_end(to));
        if from >= to || !T::accepts(from) || !T::accepts(to.wrapping_sub(1)) {
            return Err(error);
        }
        self.fill_range(out, from, to.wrapping_sub(from) as u64);
        Ok(())
    }

    /// Fills `out` with numbers of the `range` from `from` on.
    fn fill_range<T: RandomElement>(&mut self, out: &mut [T], from: i64, range: u64) {
        let number = |word: u64| T::from_i64(word.wrapping_add(from as u64) as i64);
        if range >= WIDE_RANGE {
            self.engine.fill_with_pairs(out, |words| number(words % range));
        } else {
            let range = range as u32;
            self.engine.fill_with(out, |word| number(u64::from(word % range)));
        }
    }

    /// Fills `out` with whole numbers from 0 up: `tensor.random_()`.
    ///
    /// The largest number is that of the dtype for the integers, and `2^p` for a float dtype with `p`
    /// bits of precision. Takes one word per element; two of `i64`, `u64` and `f64`. PyTorch has no
    /// such fill of `u16`, `u32` and `u64`; here `u64` follows `i64`.
    pub fn fill_random<T: RandomElement>(&mut self, out: &mut [T]) {
        let number = |word: u64| T::from_i64((word % T::MODULUS) as i64);
        if T::WIDE {
            self.engine.fill_with_pairs(out, number);
        } else {
            self.engine.fill_with(out, |word| number(u64::from(word)));
        }
    }

    /// A random permutation of `0..n`: `torch.randperm(n)`. See [`Generator::fill_permutation`].
    ///
    /// # Panics
    ///
    /// As `Vec` does, if the memory cannot be allocated; [`Generator::fill_permutation`] takes memory
    /// instead.
    pub fn randperm(&mut self, n: usize) -> Vec<i64> {
        let mut permutation = vec![0; n];
        self.fill_permutation(&mut permutation);
        permutation
    }

    /// Fills `out` with a random permutation of `0..n`, `n` being its length: `torch.randperm(n)`.
    ///
    /// Up to 214748363 elements, element `i` is swapped with the one `word mod (n - i)` places
    /// further on, for `i` from 0 to `n - 2`; takes `n - 1` words. Beyond that, element `i` is
    /// inserted at position `word mod (i + 1)`, and what was there moves to the end; takes `2 n` words.
    pub fn fill_permutation(&mut self, out: &mut [i64]) {
        for (index, slot) in (0..).zip(out.iter_mut()) {
            *slot = index;
        }
        let n = out.len();
        if n >= LONG_PERMUTATION {
            self.shuffle_inside_out(out);
            return;
        }
        for index in 0..n.saturating_sub(1) {
            let step = self.next_u32() as usize % (n - index);
            out.swap(index, index + step);
        }
    }

    /// The shuffle of long permutations.
    fn shuffle_inside_out(&mut self, out: &mut [i64]) {
        for index in 0..out.len() {
            let place = (self.next_u64() % (index as u64 + 1)) as usize;
            out.swap(index, place);
        }
    }

    /// Fills `out` with 1 with the probability `p`, else 0: `tensor.bernoulli_(p)`.
    ///
    /// An element is `x < p` with `x` of 53 bits as in [`Generator::fill_uniform`] of `f64`, whatever
    /// the dtype. Takes two words per element.
    ///
    /// # Errors
    ///
    /// [`RandomError::Probability`] unless `p` is in `[0, 1]`.
    pub fn fill_bernoulli<T: RandomElement>(&mut self, out: &mut [T], p: f64) -> Result<(), RandomError> {
        if !(0.0..=1.0).contains(&p) {
            return Err(RandomError::Probability);
        }
        self.engine.fill_with_pairs(out, |words| T::from_bit(unit_f64(words) < p));
        Ok(())
    }

    /// Fills `out[i]` with 1 with the probability `p[i]`, else 0: `torch.bernoulli(p)` and
    /// `tensor.bernoulli_(p)` of a tensor `p`.
    ///
    /// An element is `x < p[i]` with `x` of 53 bits for `p` of `f64` and of 24 bits for the others.
    /// Takes two words per element for `p` of `f64`, one for the others; the dtype of `out` does not
    /// matter.
    ///
    /// # Errors
    ///
    /// [`RandomError::ProbabilityCount`] unless there is one probability per element, and
    /// [`RandomError::Probability`] unless all of them are in `[0, 1]`. (PyTorch finds the second
    /// fault while it draws, and leaves the stream and the output half way.)
    pub fn fill_bernoulli_each<T: RandomElement, P: RandomFloat>(
        &mut self,
        out: &mut [T],
        p: &[P],
    ) -> Result<(), RandomError> {
        if out.len() != p.len() {
            return Err(RandomError::ProbabilityCount { expected: out.len(), given: p.len() });
        }
        if !p.iter().all(|p| p.is_probability()) {
            return Err(RandomError::Probability);
        }
        for (slot, p) in out.iter_mut().zip(p) {
            *slot = T::from_bit(p.bernoulli(self));
        }
        Ok(())
    }

    /// Fills `out` with exponential numbers of the rate `lambda`: `tensor.exponential_(lambda)`.
    ///
    /// A number is `-1 / lambda * log1p(-x)` in double precision with `x` of 53 bits, converted to
    /// the dtype, whatever it is. Takes two words per element.
    ///
    /// # Errors
    ///
    /// [`RandomError::Rate`] unless `lambda > 0`.
    #[inline(always)]
    pub fn fill_exponential<T: RandomFloat>(
        &mut self,
        out: &mut [T],
        lambda: f64,
    ) -> Result<(), RandomError> {
        if lambda.is_nan() || lambda <= 0.0 {
            return Err(RandomError::Rate(lambda));
        }
        let scale = -1.0 / lambda;
        let mut tile = [0.0; 64];
        for out in out.chunks_mut(tile.len()) {
            let tile = &mut tile[..out.len()];
            self.engine.fill_with_pairs(tile, unit_f64);
            for (slot, &x) in out.iter_mut().zip(tile.iter()) {
                *slot = T::from_f64(scale * ln_one_minus(x));
            }
        }
        Ok(())
    }
}

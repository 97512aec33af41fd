//! The 32-bit Mersenne Twister MT19937.
//!
//! Matsumoto and Nishimura, "Mersenne Twister: a 623-dimensionally equidistributed uniform
//! pseudo-random number generator", ACM TOMACS 8 (1998) 3-30, with the initialisation that its
//! authors published in 2002. The two counters are kept the way PyTorch keeps them, because they are
//! a part of the exchanged state.

/// Words of state.
pub(super) const STATE_WORDS: usize = 624;

/// The distance of the recurrence.
const SHIFT: usize = 397;
const MATRIX_A: u32 = 0x9908_b0df;
const UPPER_BIT: u32 = 0x8000_0000;
const INIT_MULTIPLIER: u32 = 1_812_433_253;

/// The engine: a block of 624 words and the position in it.
///
/// Invariant: `next + left <= 625`, `left >= 1`; so a word that is read lies inside of the block.
#[derive(Clone, PartialEq)]
pub(super) struct Mt19937 {
    words: [u32; STATE_WORDS],
    /// The seed as it was given; only its low 32 bits enter the state.
    seed: u64,
    /// One more than the number of words that can be read before the block is renewed.
    left: u32,
    /// The index of the word that is read next.
    next: u32,
}

impl Mt19937 {
    /// Seeds the engine. Only the low 32 bits of `seed` enter the state.
    pub(super) fn new(seed: u64) -> Self {
        let mut words = [0; STATE_WORDS];
        let mut word = seed as u32;
        for (index, slot) in (0u32..).zip(&mut words) {
            if index > 0 {
                word = INIT_MULTIPLIER.wrapping_mul(word ^ (word >> 30)).wrapping_add(index);
            }
            *slot = word;
        }
        Self { words, seed, left: 1, next: 0 }
    }

    /// Puts an engine together from its parts, or gives `None` where the counters would lead outside
    /// of the block.
    pub(super) fn from_parts(seed: u64, left: i32, next: u64, words: [u32; STATE_WORDS]) -> Option<Self> {
        let left = u32::try_from(left).ok().filter(|left| (1..=STATE_WORDS as u32).contains(left))?;
        let next = u32::try_from(next).ok().filter(|next| *next <= STATE_WORDS as u32 + 1 - left)?;
        Some(Self { words, seed, left, next })
    }

    /// The seed as it was given.
    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// The counter of words that are left, as [`Mt19937::from_parts`] takes it.
    pub(super) fn left(&self) -> u32 {
        self.left
    }

    /// The index of the word that is read next.
    pub(super) fn next_index(&self) -> u32 {
        self.next
    }

    /// The block.
    pub(super) fn words(&self) -> &[u32; STATE_WORDS] {
        &self.words
    }

    /// The next tempered word.
    #[inline]
    pub(super) fn next_u32(&mut self) -> u32 {
        self.left -= 1;
        if self.left == 0 {
            self.renew_apart();
        }
        let word = self.words[self.next as usize % STATE_WORDS];
        self.next += 1;
        temper(word)
    }

    /// The next two words, the first one in the high half.
    #[inline]
    pub(super) fn next_u64(&mut self) -> u64 {
        let high = self.next_u32();
        let low = self.next_u32();
        u64::from(high) << 32 | u64::from(low)
    }

    /// Fills `out` with what `of` makes of the next words, one each.
    ///
    /// Block by block and without a counter per word, so that the compiler makes vectors of it: of the instruction
    /// set of the caller, into which this is inlined.
    #[inline(always)]
    pub(super) fn fill_with<T>(&mut self, mut out: &mut [T], of: impl Fn(u32) -> T) {
        while !out.is_empty() {
            if self.left == 1 {
                self.renew();
                // The word that brings about a new block does not count.
                self.left += 1;
            }
            let count = out.len().min(self.left as usize - 1);
            let (now, later) = out.split_at_mut(count);
            let first = self.next as usize;
            for (slot, &word) in now.iter_mut().zip(&self.words[first..first + count]) {
                *slot = of(temper(word));
            }
            self.left -= count as u32;
            self.next += count as u32;
            out = later;
        }
    }

    /// Fills `out` with what `of` makes of the next words, two each, the first one in the high half.
    #[inline(always)]
    pub(super) fn fill_with_pairs<T>(&mut self, out: &mut [T], of: impl Fn(u64) -> T) {
        const PAIRS: usize = 64;
        let mut words = [[0u32; 2]; PAIRS];
        for out in out.chunks_mut(PAIRS) {
            let words = &mut words[..out.len()];
            self.fill_with(words.as_flattened_mut(), |word| word);
            for (slot, [high, low]) in out.iter_mut().zip(words) {
                *slot = of(u64::from(*high) << 32 | u64::from(*low));
            }
        }
    }

    #[inline(never)]
    fn renew_apart(&mut self) {
        self.renew();
    }

    /// Replaces the block by the next 624 words of the recurrence.
    #[inline(always)]
    fn renew(&mut self) {
        let words = &mut self.words;
        for index in 0..STATE_WORDS - SHIFT {
            words[index] = words[index + SHIFT] ^ twist(words[index], words[index + 1]);
        }
        for index in STATE_WORDS - SHIFT..STATE_WORDS - 1 {
            words[index] = words[index + SHIFT - STATE_WORDS] ^ twist(words[index], words[index + 1]);
        }
        words[STATE_WORDS - 1] = words[SHIFT - 1] ^ twist(words[STATE_WORDS - 1], words[0]);
        self.left = STATE_WORDS as u32;
        self.next = 0;
    }
}

/// The linear map of the recurrence: the highest bit of `upper` joined with the rest of `lower`.
#[inline(always)]
fn twist(upper: u32, lower: u32) -> u32 {
    let joined = (upper & UPPER_BIT) | (lower & !UPPER_BIT);
    (joined >> 1) ^ (MATRIX_A & (lower & 1).wrapping_neg())
}

/// What is given out for a word of the state.
#[inline(always)]
fn temper(mut word: u32) -> u32 {
    word ^= word >> 11;
    word ^= (word << 7) & 0x9d2c_5680;
    word ^= (word << 15) & 0xefc6_0000;
    word ^ (word >> 18)
}

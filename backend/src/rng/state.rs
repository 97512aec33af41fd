//! The state of a generator as bytes, in the layout of `torch.get_rng_state()`.
//!
//! | offset | content (little-endian) |
//! | --- | --- |
//! | 0 | the seed, `u64` |
//! | 8 | words left in the block plus one, `i32` |
//! | 12 | 1: seeded, `i32` |
//! | 16 | index of the next word, `u64` |
//! | 24 | the 624 words, each as `u64` |
//! | 5016 | unused, `f64` 0 |
//! | 5024 | the kept normal number or 0, `f64` |
//! | 5032 | unused, `f64` 0 |
//! | 5040 | whether there is a kept number, `i32` |
//! | 5044 | padding |
//! | 5048 | the kept number in single precision or 0, `f32` |
//! | 5052 | whether there is one, a byte |
//! | 5053 | padding |

use std::fmt;

use super::Generator;
use super::mt19937::{Mt19937, STATE_WORDS};

/// The size of a state in bytes.
pub const STATE_BYTES: usize = 5056;

const SEED: usize = 0;
const LEFT: usize = 8;
const SEEDED: usize = 12;
const NEXT: usize = 16;
const WORDS: usize = 24;
const NORMAL: usize = 5024;
const NORMAL_VALID: usize = 5040;
const NORMAL_F32: usize = 5048;
const NORMAL_F32_VALID: usize = 5052;

/// Bytes that are not the state of a generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateError {
    /// A state has [`STATE_BYTES`] bytes; this is the number given.
    Size(usize),
    /// The state of an engine that was not seeded.
    Unseeded,
    /// The counters lead outside of the block of words.
    Position,
    /// A word of the block has more than 32 bits; this is its index.
    Word(usize),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size(size) => write!(f, "size of a generator state: expected {STATE_BYTES}, bytes {size}"),
            Self::Unseeded => write!(f, "generator state was never seeded"),
            Self::Position => write!(f, "position outside of the words of a generator state"),
            Self::Word(index) => write!(f, "word of a generator state exceeds 32 bits: index {index}"),
        }
    }
}

impl std::error::Error for StateError {}

impl Generator {
    /// The state as bytes, [`STATE_BYTES`] of them: those of `torch.get_rng_state()`.
    pub fn state(&self) -> Vec<u8> {
        let mut bytes = vec![0; STATE_BYTES];
        put(&mut bytes, SEED, self.engine.seed().to_le_bytes());
        put(&mut bytes, LEFT, self.engine.left().to_le_bytes());
        put(&mut bytes, SEEDED, 1u32.to_le_bytes());
        put(&mut bytes, NEXT, u64::from(self.engine.next_index()).to_le_bytes());
        for (index, word) in self.engine.words().iter().enumerate() {
            put(&mut bytes, WORDS + 8 * index, u64::from(*word).to_le_bytes());
        }
        if let Some(normal) = self.next_normal {
            put(&mut bytes, NORMAL, normal.to_le_bytes());
            put(&mut bytes, NORMAL_VALID, 1u32.to_le_bytes());
        }
        if let Some(normal) = self.next_normal_f32 {
            put(&mut bytes, NORMAL_F32, normal.to_le_bytes());
            put(&mut bytes, NORMAL_F32_VALID, [1]);
        }
        bytes
    }

    /// Continues from a state: `torch.set_rng_state()`. States written by PyTorch and by
    /// [`Generator::state`] are interchangeable.
    ///
    /// # Errors
    ///
    /// A [`StateError`] if the bytes are not a state; the generator is unchanged then.
    pub fn set_state(&mut self, state: &[u8]) -> Result<(), StateError> {
        if state.len() != STATE_BYTES {
            return Err(StateError::Size(state.len()));
        }
        if get(state, SEEDED) == [0; 4] {
            return Err(StateError::Unseeded);
        }
        let mut words = [0; STATE_WORDS];
        for (index, word) in words.iter_mut().enumerate() {
            let wide = u64::from_le_bytes(get(state, WORDS + 8 * index));
            *word = u32::try_from(wide).map_err(|_| StateError::Word(index))?;
        }
        let seed = u64::from_le_bytes(get(state, SEED));
        let left = i32::from_le_bytes(get(state, LEFT));
        let next = u64::from_le_bytes(get(state, NEXT));
        let engine = Mt19937::from_parts(seed, left, next, words).ok_or(StateError::Position)?;

        let kept = get(state, NORMAL_VALID) != [0; 4];
        let kept_f32 = get(state, NORMAL_F32_VALID) != [0];
        *self = Self {
            engine,
            next_normal: kept.then(|| f64::from_le_bytes(get(state, NORMAL))),
            next_normal_f32: kept_f32.then(|| f32::from_le_bytes(get(state, NORMAL_F32))),
        };
        Ok(())
    }
}

/// Writes a field.
fn put<const N: usize>(bytes: &mut [u8], offset: usize, field: [u8; N]) {
    if let Some(slot) = bytes.get_mut(offset..).and_then(<[u8]>::first_chunk_mut) {
        *slot = field;
    }
}

/// Reads a field, zeros where the bytes end.
fn get<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    bytes.get(offset..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
}

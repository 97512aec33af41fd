//! Elements as unsigned integers of the same order.
//!
//! With its index an element becomes an entry, one integer, the key above and the index below. No two entries of a
//! line are equal, so that any way of sorting or selecting them is stable. A descending order is the ascending one
//! of the inverted keys.

use bytemuck::Pod;
use rusttorch_backend::{Boolean, Element, bf16, f16};

/// A key.
pub(super) trait Key: Copy + Ord + Default + Send + Sync + std::fmt::Debug + 'static {
    /// An entry that has it.
    type Entry: Entry<Key = Self>;
    fn xor(self, mask: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn wide(self) -> u64;
    /// The key before this one.
    fn before(self) -> Option<Self>;
    /// All ones in the lowest `bits` bits.
    fn ones(bits: u32) -> Self;
}

/// A key and an index.
pub(super) trait Entry: Copy + Ord + Pod + Send + Sync {
    type Key: Key<Entry = Self>;
    fn new(key: Self::Key, index: usize) -> Self;
    fn key(self) -> Self::Key;
    fn index(self) -> usize;
}

macro_rules! keys {
    ($($key:ty, $entry:ty, $index:ty;)*) => { $(
        impl Key for $key {
            type Entry = $entry;
            #[inline(always)]
            fn xor(self, mask: $key) -> $key {
                self ^ mask
            }
            #[inline(always)]
            fn or(self, other: $key) -> $key {
                self | other
            }
            #[inline(always)]
            fn wide(self) -> u64 {
                u64::from(self)
            }
            #[inline(always)]
            fn before(self) -> Option<$key> {
                self.checked_sub(1)
            }
            fn ones(bits: u32) -> $key {
                <$key>::MAX >> (<$key>::BITS - bits)
            }
        }

        impl Entry for $entry {
            type Key = $key;
            #[inline(always)]
            fn new(key: $key, index: usize) -> $entry {
                <$entry>::from(key) << <$index>::BITS | index as $entry
            }
            #[inline(always)]
            fn key(self) -> $key {
                (self >> <$index>::BITS) as $key
            }
            #[inline(always)]
            fn index(self) -> usize {
                self as $index as usize
            }
        }
    )* };
}
keys! {
    u32, u64, u32;
    u64, u128, u64;
}

/// An element that has a key.
pub(super) trait Sortable: Element {
    type Key: Key;
    /// How many bits the key has.
    const BITS: u32;
    /// Equal for elements that are tied: for the two zeros, and for all NaN, whose key is the largest.
    fn key(self) -> Self::Key;
    /// The element, where only one has the key.
    fn restored(key: Self::Key) -> Option<Self>;
    /// Whether it is NaN.
    fn is_nan(self) -> bool;
}

macro_rules! ints {
    ($($t:ty, $unsigned:ty, $key:ty;)*) => { $(
        impl Sortable for $t {
            type Key = $key;
            const BITS: u32 = <$t>::BITS;
            #[inline(always)]
            fn key(self) -> $key {
                // The smallest number becomes 0.
                <$key>::from((self as $unsigned).wrapping_sub(<$t>::MIN as $unsigned))
            }
            #[inline(always)]
            fn restored(key: $key) -> Option<$t> {
                Some((key as $unsigned).wrapping_add(<$t>::MIN as $unsigned) as $t)
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                false
            }
        }
    )* };
}
ints! {
    u8, u8, u32;
    i8, u8, u32;
    i16, u16, u32;
    i32, u32, u32;
    i64, u64, u64;
}

impl Sortable for Boolean {
    type Key = u32;
    const BITS: u32 = 8;
    #[inline(always)]
    fn key(self) -> u32 {
        u32::from(self.get())
    }
    #[inline(always)]
    fn restored(key: u32) -> Option<Boolean> {
        // Several bytes are true.
        (key == 0).then(|| Boolean::from(false))
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        false
    }
}

macro_rules! floats {
    ($($t:ty, $bits:ty, $key:ty, $infinity:expr;)*) => { $(
        impl Sortable for $t {
            type Key = $key;
            const BITS: u32 = <$bits>::BITS;
            #[inline(always)]
            fn key(self) -> $key {
                const SIGN: $bits = 1 << (<$bits>::BITS - 1);
                let bits = self.to_bits();
                let size = bits & !SIGN;
                // Of negative numbers the larger in size is the smaller.
                let key = if bits & SIGN == 0 { bits | SIGN } else { !bits };
                let key = if size == 0 { SIGN } else { key };
                <$key>::from(if size > $infinity { <$bits>::MAX } else { key })
            }
            #[inline(always)]
            fn restored(key: $key) -> Option<$t> {
                const SIGN: $bits = 1 << (<$bits>::BITS - 1);
                let key = key as $bits;
                let bits = if key & SIGN == 0 { !key } else { key & !SIGN };
                (key != SIGN && key != <$bits>::MAX).then(|| <$t>::from_bits(bits))
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                self != self
            }
        }
    )* };
}
floats! {
    f16, u16, u32, 0x7c00;
    bf16, u16, u32, 0x7f80;
    f32, u32, u32, 0x7f80_0000;
    f64, u64, u64, 0x7ff0_0000_0000_0000;
}

//! The level that every CPU has: arrays and loops. Also what the others are tested against.
//!
//! Its operations are functions that the compiler need not inline: a kernel of a hundred operations would be
//! thousands of instructions here, and most of the time that this crate takes to compile.

use super::lanes::{Bits, Isa, Kernel, Mask, Real};

/// The token of the scalar level; anyone may have one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

impl Isa for Portable {
    type F32 = Lanes<f32, 16>;
    type F64 = Lanes<f64, 8>;

    const ROWS: usize = 2;
    const COLUMNS: usize = 1;
    const TOGETHER: usize = 1;

    fn enter<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline]
    fn finish_streams(self) {}
}

/// `N` values of one type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lanes<T, const N: usize>([T; N]);

impl<T: Copy, const N: usize> Lanes<T, N> {
    #[inline]
    fn map<U>(self, f: impl Fn(T) -> U) -> Lanes<U, N> {
        Lanes(self.0.map(f))
    }

    #[inline]
    fn zip<U: Copy, V>(self, b: Lanes<U, N>, f: impl Fn(T, U) -> V) -> Lanes<V, N> {
        Lanes(std::array::from_fn(|i| f(self.0[i], b.0[i])))
    }
}

impl<const N: usize> Mask for Lanes<bool, N> {
    #[inline]
    fn and(self, b: Self) -> Self {
        self.zip(b, |a, b| a & b)
    }
    #[inline]
    fn or(self, b: Self) -> Self {
        self.zip(b, |a, b| a | b)
    }
    #[inline]
    fn not(self) -> Self {
        self.map(|a| !a)
    }
    #[inline]
    fn any(self) -> bool {
        self.0.contains(&true)
    }
}

macro_rules! portable {
    ($real:ty, $word:ty, $n:literal, $mantissa:literal, $sign:literal) => {
        impl Real for Lanes<$real, $n> {
            type Isa = Portable;
            type Scalar = $real;
            type Array = [$real; $n];
            type Mask = Lanes<bool, $n>;
            type Bits = Lanes<$word, $n>;
            const LANES: usize = $n;

            #[inline]
            fn splat(_: Portable, v: $real) -> Self {
                Lanes([v; $n])
            }
            #[inline]
            fn load(_: Portable, from: &[$real; $n]) -> Self {
                Lanes(*from)
            }
            #[inline]
            fn store(self, to: &mut [$real; $n]) {
                *to = self.0;
            }
            #[inline]
            fn stream(self, to: &mut [$real; $n]) {
                *to = self.0;
            }
            #[inline]
            fn add(self, b: Self) -> Self {
                self.zip(b, |a, b| a + b)
            }
            #[inline]
            fn sub(self, b: Self) -> Self {
                self.zip(b, |a, b| a - b)
            }
            #[inline]
            fn mul(self, b: Self) -> Self {
                self.zip(b, |a, b| a * b)
            }
            #[inline]
            fn div(self, b: Self) -> Self {
                self.zip(b, |a, b| a / b)
            }
            #[inline]
            fn mul_add(self, b: Self, c: Self) -> Self {
                Lanes(std::array::from_fn(|i| self.0[i].mul_add(b.0[i], c.0[i])))
            }
            #[inline]
            fn sqrt(self) -> Self {
                self.map(<$real>::sqrt)
            }
            #[inline]
            fn round(self) -> Self {
                self.map(<$real>::round_ties_even)
            }
            #[inline]
            fn floor(self) -> Self {
                self.map(<$real>::floor)
            }
            #[inline]
            fn ceil(self) -> Self {
                self.map(<$real>::ceil)
            }
            #[inline]
            fn trunc(self) -> Self {
                self.map(<$real>::trunc)
            }
            #[inline]
            fn max_or_second(self, b: Self) -> Self {
                self.zip(b, |a, b| if a > b { a } else { b })
            }
            #[inline]
            fn min_or_second(self, b: Self) -> Self {
                self.zip(b, |a, b| if a < b { a } else { b })
            }
            #[inline]
            fn lt(self, b: Self) -> Self::Mask {
                self.zip(b, |a, b| a < b)
            }
            #[inline]
            fn le(self, b: Self) -> Self::Mask {
                self.zip(b, |a, b| a <= b)
            }
            #[inline]
            fn eq(self, b: Self) -> Self::Mask {
                self.zip(b, |a, b| a == b)
            }
            #[inline]
            fn unordered(self, b: Self) -> Self::Mask {
                self.zip(b, |a, b| a.is_nan() | b.is_nan())
            }
            #[inline]
            fn or_else(self, mask: Self::Mask, b: Self) -> Self {
                Lanes(std::array::from_fn(|i| if mask.0[i] { self.0[i] } else { b.0[i] }))
            }
            #[inline]
            fn bits(self) -> Self::Bits {
                self.map(<$real>::to_bits)
            }
            #[inline]
            fn chunks(slice: &[$real]) -> (&[[$real; $n]], &[$real]) {
                slice.as_chunks()
            }
            #[inline]
            fn chunks_mut(slice: &mut [$real]) -> (&mut [[$real; $n]], &mut [$real]) {
                slice.as_chunks_mut()
            }
            #[inline]
            fn zeros() -> [$real; $n] {
                [0.0; $n]
            }
        }

        impl Bits for Lanes<$word, $n> {
            type Word = $word;
            type Real = Lanes<$real, $n>;

            #[inline]
            fn splat_like(self, v: $word) -> Self {
                Lanes([v; $n])
            }
            #[inline]
            fn add(self, b: Self) -> Self {
                self.zip(b, <$word>::wrapping_add)
            }
            #[inline]
            fn sub(self, b: Self) -> Self {
                self.zip(b, <$word>::wrapping_sub)
            }
            #[inline]
            fn and(self, b: Self) -> Self {
                self.zip(b, |a, b| a & b)
            }
            #[inline]
            fn or(self, b: Self) -> Self {
                self.zip(b, |a, b| a | b)
            }
            #[inline]
            fn xor(self, b: Self) -> Self {
                self.zip(b, |a, b| a ^ b)
            }
            #[inline]
            fn shift_left<const K: i32>(self) -> Self {
                self.map(|a| a << K)
            }
            #[inline]
            fn shift_right<const K: i32>(self) -> Self {
                self.map(|a| a >> K)
            }
            #[inline]
            fn to_exponent(self) -> Self {
                self.shift_left::<$mantissa>()
            }
            #[inline]
            fn to_sign(self) -> Self {
                self.shift_left::<$sign>()
            }
            #[inline]
            fn exponent_as_number(self) -> Self {
                self.shift_right::<$mantissa>()
            }
            #[inline]
            fn real(self) -> Lanes<$real, $n> {
                self.map(<$real>::from_bits)
            }
        }
    };
}
portable!(f32, u32, 16, 23, 30);
portable!(f64, u64, 8, 52, 62);

//! What a kernel may ask of a vector: only what kernels use, named by its rule for NaN.

use std::fmt::Debug;

use rusttorch_backend::f16;

use super::half;

/// An instruction set, as the token that proves that the CPU has it.
pub(crate) trait Isa: Copy + Debug + Send + Sync + 'static {
    /// 16 lanes.
    type F32: Real<Isa = Self, Scalar = f32, Array = [f32; 16]>;
    /// 8 lanes.
    type F64: Real<Isa = Self, Scalar = f64, Array = [f64; 8]>;

    /// Rows of the register tile of a matrix product: with [`COLUMNS`](Self::COLUMNS) as many accumulators as
    /// registers hold beside an operand or two.
    const ROWS: usize;
    /// Columns of the register tile of a matrix product, in vectors.
    const COLUMNS: usize;

    /// Vectors of a function that are computed side by side, 1 or 2: two where there are registers for them, since a
    /// function is a chain of operations each of which waits for the one before.
    const TOGETHER: usize;

    /// Runs a kernel in a function that is compiled for this instruction set.
    fn enter<K: Kernel>(self, kernel: K) -> K::Output;

    /// Makes what [`Real::stream`] wrote visible to other threads, once they synchronise with this one: the CPU
    /// does not order such stores by itself.
    fn finish_streams(self);

    /// `to = from`, element by element, for slices of one length.
    #[inline(always)]
    fn widen_f16(self, from: &[f16], to: &mut [f32]) {
        half::widen_all(from, to);
    }

    /// `to = from`, element by element, rounded to the nearest, for slices of one length.
    #[inline(always)]
    fn narrow_f16(self, from: &[f32], to: &mut [f16]) {
        half::narrow_all(from, to);
    }

    /// Asks for the line at an address, where nothing need be, to be written.
    #[inline(always)]
    fn prefetch_to_write<T>(self, address: *const T) {
        let _ = address;
    }
}

/// A computation that is compiled for every instruction set.
pub(crate) trait Kernel {
    type Output;
    /// To be marked `#[inline(always)]`.
    fn run<I: Isa>(self, isa: I) -> Self::Output;
}

/// The element of a vector.
pub(crate) trait Scalar:
    Copy + Debug + Default + PartialEq + PartialOrd + Send + Sync + 'static
{
    /// Its bits.
    type Word: Copy;
    /// The nearest number to an f64.
    fn from_f64(v: f64) -> Self;
    fn to_f64(self) -> f64;
}

impl Scalar for f32 {
    type Word = u32;
    fn from_f64(v: f64) -> f32 {
        v as f32
    }
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

impl Scalar for f64 {
    type Word = u64;
    fn from_f64(v: f64) -> f64 {
        v
    }
    fn to_f64(self) -> f64 {
        self
    }
}

/// A vector of floats.
pub(crate) trait Real: Copy {
    type Isa: Isa;
    type Scalar: Scalar;
    /// As many elements as there are lanes.
    type Array: Copy + AsRef<[Self::Scalar]> + AsMut<[Self::Scalar]>;
    type Mask: Mask;
    /// The lanes as unsigned integers of the same width.
    type Bits: Bits<Word = <Self::Scalar as Scalar>::Word, Real = Self>;
    const LANES: usize;

    fn splat(isa: Self::Isa, v: Self::Scalar) -> Self;
    fn load(isa: Self::Isa, from: &Self::Array) -> Self;
    fn store(self, to: &mut Self::Array);
    /// Stores past the caches, for outputs that will not be read soon, where `to` is aligned to a whole vector; else as
    /// [`store`](Self::store).
    fn stream(self, to: &mut Self::Array);

    fn add(self, b: Self) -> Self;
    fn sub(self, b: Self) -> Self;
    fn mul(self, b: Self) -> Self;
    fn div(self, b: Self) -> Self;
    /// `self * b + c`, rounded once.
    fn mul_add(self, b: Self, c: Self) -> Self;
    fn sqrt(self) -> Self;
    /// To the nearest whole number, halves to even.
    fn round(self) -> Self;
    fn floor(self) -> Self;
    fn ceil(self) -> Self;
    fn trunc(self) -> Self;
    /// The larger; `b` where either is NaN or both are zeros.
    fn max_or_second(self, b: Self) -> Self;
    /// The smaller; `b` where either is NaN or both are zeros.
    fn min_or_second(self, b: Self) -> Self;

    /// False where either is NaN.
    fn lt(self, b: Self) -> Self::Mask;
    /// False where either is NaN.
    fn le(self, b: Self) -> Self::Mask;
    /// False where either is NaN.
    fn eq(self, b: Self) -> Self::Mask;
    /// Where either is NaN.
    fn unordered(self, b: Self) -> Self::Mask;
    /// `self` where the mask is set, else `b`.
    fn or_else(self, mask: Self::Mask, b: Self) -> Self;

    fn bits(self) -> Self::Bits;

    // ---- derived, the same on every level ---------------------------------------------------------

    /// The chunks of a slice and what is left over.
    fn chunks(slice: &[Self::Scalar]) -> (&[Self::Array], &[Self::Scalar]);
    /// The chunks of a slice and what is left over.
    fn chunks_mut(slice: &mut [Self::Scalar]) -> (&mut [Self::Array], &mut [Self::Scalar]);

    /// A constant.
    #[inline(always)]
    fn constant(isa: Self::Isa, v: f64) -> Self {
        Self::splat(isa, Self::Scalar::from_f64(v))
    }

    /// `self 2^n` for whole n, rounded once, where the level has an instruction for it.
    #[inline(always)]
    fn scale(self, _n: Self) -> Option<Self> {
        None
    }
    /// An array of zeros.
    fn zeros() -> Self::Array;

    /// Adds to two sums, one product after the other, each rounded once, a chain per lane: lane `i` multiplies
    /// `n` elements of a row, a multiple of the lanes, with those of `x`.
    ///
    /// The rows of a sum begin `step` apart. If not `SPLIT`, there is one per lane, from the start of `from` on, and
    /// `x` starts at its start. If `SPLIT`, each row and `x` are cut into four parts that begin `gap` apart, and a
    /// quarter of the lanes goes to the first part of each row, the next quarter to the second part, and so on.
    #[inline(always)]
    fn add_columns<const SPLIT: bool>(
        isa: Self::Isa,
        sums: [Self; 2],
        from: [&[Self::Scalar]; 2],
        (n, step, gap): (usize, usize, usize),
        x: &[Self::Scalar],
    ) -> [Self; 2] {
        let rows = if SPLIT { Self::LANES / 4 } else { Self::LANES };
        let mut out = sums;
        for (sum, from) in out.iter_mut().zip(from) {
            for j in 0..n {
                let (mut factors, mut column) = (Self::zeros(), Self::zeros());
                for (i, (x_i, v)) in factors.as_mut().iter_mut().zip(column.as_mut()).enumerate() {
                    *x_i = x[i / rows * gap + j];
                    *v = from[i % rows * step + i / rows * gap + j];
                }
                *sum = Self::load(isa, &factors).mul_add(Self::load(isa, &column), *sum);
            }
        }
        out
    }

    /// A square of as many rows as there are lanes, a vector each: row `i` begins at `from[i * step]` and becomes
    /// column `i` of the rows that begin at `to[j * to_step]`.
    #[inline(always)]
    fn transpose(
        _isa: Self::Isa,
        from: &[Self::Scalar],
        step: usize,
        to: &mut [Self::Scalar],
        to_step: usize,
    ) {
        for i in 0..Self::LANES {
            let row = &from[i * step..i * step + Self::LANES];
            for (j, &v) in row.iter().enumerate() {
                to[j * to_step + i] = v;
            }
        }
    }

    /// The elements of a slice that is shorter than a vector, and behind them the lanes of `rest`.
    #[inline(always)]
    fn load_part(isa: Self::Isa, from: &[Self::Scalar], rest: Self) -> Self {
        let mut lanes = Self::zeros();
        rest.store(&mut lanes);
        for (lane, &v) in lanes.as_mut().iter_mut().zip(from) {
            *lane = v;
        }
        Self::load(isa, &lanes)
    }

    /// Stores the first lanes, as many as `to` has room for, which is less than a vector.
    #[inline(always)]
    fn store_part(self, to: &mut [Self::Scalar]) {
        let mut lanes = Self::zeros();
        self.store(&mut lanes);
        for (to, &v) in to.iter_mut().zip(lanes.as_ref()) {
            *to = v;
        }
    }
}

/// A choice per lane.
pub(crate) trait Mask: Copy {
    fn and(self, b: Self) -> Self;
    fn or(self, b: Self) -> Self;
    fn not(self) -> Self;
    fn any(self) -> bool;
}

/// A vector of unsigned integers; arithmetic wraps.
pub(crate) trait Bits: Copy {
    type Word;
    type Real;
    fn splat_like(self, v: Self::Word) -> Self;
    fn add(self, b: Self) -> Self;
    fn sub(self, b: Self) -> Self;
    fn and(self, b: Self) -> Self;
    fn or(self, b: Self) -> Self;
    fn xor(self, b: Self) -> Self;
    fn shift_left<const N: i32>(self) -> Self;
    fn shift_right<const N: i32>(self) -> Self;
    /// Shifts left by the width of a mantissa: a number to the place of the exponent.
    fn to_exponent(self) -> Self;
    /// Shifts bit 1 to the place of the sign and drops what was there.
    fn to_sign(self) -> Self;
    /// Shifts right by the width of a mantissa: the sign and the exponent to the place of a number.
    fn exponent_as_number(self) -> Self;
    fn real(self) -> Self::Real;
}

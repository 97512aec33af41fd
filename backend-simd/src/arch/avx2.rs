//! AVX2 with FMA and F16C: a vector is two registers.

use std::arch::x86_64::*;

use rusttorch_backend::f16;

use super::half;
use super::lanes::{Bits, Isa, Kernel, Mask, Real};
use super::prefetch::prefetch_to_write;

/// Proof that the CPU has AVX2, FMA and F16C.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Avx2> {
        let found = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        found.then_some(Avx2(()))
    }
}

impl Isa for Avx2 {
    type F32 = F32;
    type F64 = F64;

    const ROWS: usize = 6;
    const COLUMNS: usize = 1;
    const TOGETHER: usize = 1;

    fn enter<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma,f16c")]
        fn compiled<K: Kernel>(isa: Avx2, kernel: K) -> K::Output {
            kernel.run(isa)
        }
        // SAFETY: the token proves that the CPU has the features.
        unsafe { compiled(self, kernel) }
    }

    #[inline(always)]
    fn finish_streams(self) {
        // SAFETY: every x86-64 CPU has the instruction.
        unsafe { _mm_sfence() };
    }

    #[inline(always)]
    fn prefetch_to_write<T>(self, address: *const T) {
        // SAFETY: the token proves AVX2.
        unsafe { prefetch_to_write(address) };
    }

    #[inline(always)]
    fn widen_f16(self, from: &[f16], to: &mut [f32]) {
        let ((from, from_rest), (to, to_rest)) = (from.as_chunks::<8>(), to.as_chunks_mut::<8>());
        for (from, to) in from.iter().zip(to) {
            // SAFETY: the token proves the features; the array is as long as the register.
            let halves = unsafe { _mm_loadu_si128(from.as_ptr().cast()) };
            // SAFETY: the token proves F16C.
            let wide = unsafe { _mm256_cvtph_ps(halves) };
            // SAFETY: as for the load.
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), wide) };
        }
        half::widen_all(from_rest, to_rest);
    }

    #[inline(always)]
    fn narrow_f16(self, from: &[f32], to: &mut [f16]) {
        let ((from, from_rest), (to, to_rest)) = (from.as_chunks::<8>(), to.as_chunks_mut::<8>());
        for (from, to) in from.iter().zip(to) {
            // SAFETY: the token proves the features; the array is as long as the register.
            let wide = unsafe { _mm256_loadu_ps(from.as_ptr()) };
            // SAFETY: the token proves F16C.
            let halves = unsafe { _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(wide) };
            // SAFETY: as for the load.
            unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), halves) };
        }
        half::narrow_all(from_rest, to_rest);
    }
}

macro_rules! pair {
    ($f:ident($a:expr, $b:expr)) => {
        // SAFETY: a vector exists only where a token does, which proves the features.
        [unsafe { $f($a[0], $b[0]) }, unsafe { $f($a[1], $b[1]) }]
    };
    ($f:ident($a:expr)) => {
        // SAFETY: a vector exists only where a token does, which proves the features.
        [unsafe { $f($a[0]) }, unsafe { $f($a[1]) }]
    };
    ($f:ident::<$k:tt>($a:expr, $b:expr)) => {
        // SAFETY: a vector exists only where a token does, which proves the features.
        [unsafe { $f::<$k>($a[0], $b[0]) }, unsafe { $f::<$k>($a[1], $b[1]) }]
    };
    ($f:ident::<$k:tt>($a:expr)) => {
        // SAFETY: a vector exists only where a token does, which proves the features.
        [unsafe { $f::<$k>($a[0]) }, unsafe { $f::<$k>($a[1]) }]
    };
}

macro_rules! avx2 {
    (
        $V:ident $B:ident $M:ident $real:ty, $word:ty as $signed:ty, $n:literal, $mantissa:literal, $sign:literal, $reg:ty;
        $set1:ident $loadu:ident $storeu:ident $stream:ident $add:ident $sub:ident $mul:ident $div:ident $fmadd:ident
        $sqrt:ident $round:ident $max:ident $min:ident $cmp:ident $blendv:ident $and:ident $or:ident $xor:ident
        $movemask:ident $to_int:ident $from_int:ident;
        $iset1:ident $iadd:ident $isub:ident $slli:ident $srli:ident $transpose:ident $chain:ident
        $icmpgt:ident $maskload:ident $maskstore:ident
    ) => {
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $V([$reg; 2]);

        /// All bits of a lane set, or none.
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $M([$reg; 2]);

        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $B([__m256i; 2]);

        impl Mask for $M {
            #[inline(always)]
            fn and(self, b: Self) -> Self {
                $M(pair!($and(self.0, b.0)))
            }
            #[inline(always)]
            fn or(self, b: Self) -> Self {
                $M(pair!($or(self.0, b.0)))
            }
            #[inline(always)]
            fn not(self) -> Self {
                // SAFETY: a vector exists only where a token does, which proves the features.
                let ones = unsafe { $from_int(_mm256_set1_epi32(-1)) };
                $M(pair!($xor(self.0, [ones; 2])))
            }
            #[inline(always)]
            fn any(self) -> bool {
                let [a, b] = pair!($movemask(self.0));
                a | b != 0
            }
        }

        impl Real for $V {
            type Isa = Avx2;
            type Scalar = $real;
            type Array = [$real; $n];
            type Mask = $M;
            type Bits = $B;
            const LANES: usize = $n;

            #[inline(always)]
            fn splat(_: Avx2, v: $real) -> Self {
                // SAFETY: the token proves the features.
                $V([unsafe { $set1(v) }; 2])
            }
            #[inline(always)]
            fn load(_: Avx2, from: &[$real; $n]) -> Self {
                let (low, high) = from.split_at($n / 2);
                // SAFETY: the token proves the features; both halves are as long as a register.
                $V([unsafe { $loadu(low.as_ptr()) }, unsafe { $loadu(high.as_ptr()) }])
            }
            #[inline(always)]
            fn store(self, to: &mut [$real; $n]) {
                let (low, high) = to.split_at_mut($n / 2);
                // SAFETY: a vector exists only where a token does; the half is as long as a register.
                unsafe { $storeu(low.as_mut_ptr(), self.0[0]) };
                // SAFETY: as above.
                unsafe { $storeu(high.as_mut_ptr(), self.0[1]) };
            }
            #[inline(always)]
            fn stream(self, to: &mut [$real; $n]) {
                if !to.as_ptr().cast::<$reg>().is_aligned() {
                    return self.store(to);
                }
                let (low, high) = to.split_at_mut($n / 2);
                // SAFETY: as in `store`; the first half is aligned, as was checked, and so is the second.
                unsafe { $stream(low.as_mut_ptr(), self.0[0]) };
                // SAFETY: as above.
                unsafe { $stream(high.as_mut_ptr(), self.0[1]) };
            }
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                $V(pair!($add(self.0, b.0)))
            }
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                $V(pair!($sub(self.0, b.0)))
            }
            #[inline(always)]
            fn mul(self, b: Self) -> Self {
                $V(pair!($mul(self.0, b.0)))
            }
            #[inline(always)]
            fn div(self, b: Self) -> Self {
                $V(pair!($div(self.0, b.0)))
            }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: a vector exists only where a token does, which proves the features.
                $V(std::array::from_fn(|i| unsafe { $fmadd(self.0[i], b.0[i], c.0[i]) }))
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $V(pair!($sqrt(self.0)))
            }
            #[inline(always)]
            fn round(self) -> Self {
                $V(pair!($round::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0)))
            }
            #[inline(always)]
            fn floor(self) -> Self {
                $V(pair!($round::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(self.0)))
            }
            #[inline(always)]
            fn ceil(self) -> Self {
                $V(pair!($round::<{ _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC }>(self.0)))
            }
            #[inline(always)]
            fn trunc(self) -> Self {
                $V(pair!($round::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(self.0)))
            }
            #[inline(always)]
            fn max_or_second(self, b: Self) -> Self {
                $V(pair!($max(self.0, b.0)))
            }
            #[inline(always)]
            fn min_or_second(self, b: Self) -> Self {
                $V(pair!($min(self.0, b.0)))
            }
            #[inline(always)]
            fn lt(self, b: Self) -> $M {
                $M(pair!($cmp::<_CMP_LT_OQ>(self.0, b.0)))
            }
            #[inline(always)]
            fn le(self, b: Self) -> $M {
                $M(pair!($cmp::<_CMP_LE_OQ>(self.0, b.0)))
            }
            #[inline(always)]
            fn eq(self, b: Self) -> $M {
                $M(pair!($cmp::<_CMP_EQ_OQ>(self.0, b.0)))
            }
            #[inline(always)]
            fn unordered(self, b: Self) -> $M {
                $M(pair!($cmp::<_CMP_UNORD_Q>(self.0, b.0)))
            }
            #[inline(always)]
            fn or_else(self, mask: $M, b: Self) -> Self {
                // SAFETY: a vector exists only where a token does, which proves the features.
                $V(std::array::from_fn(|i| unsafe { $blendv(b.0[i], self.0[i], mask.0[i]) }))
            }
            #[inline(always)]
            fn bits(self) -> $B {
                $B(pair!($to_int(self.0)))
            }
            #[inline(always)]
            fn chunks(slice: &[$real]) -> (&[[$real; $n]], &[$real]) {
                slice.as_chunks()
            }
            #[inline(always)]
            fn chunks_mut(slice: &mut [$real]) -> (&mut [[$real; $n]], &mut [$real]) {
                slice.as_chunks_mut()
            }
            #[inline(always)]
            fn zeros() -> [$real; $n] {
                [0.0; $n]
            }
            #[inline(always)]
            fn transpose(_: Avx2, from: &[$real], step: usize, to: &mut [$real], to_step: usize) {
                // SAFETY: the token proves the features.
                unsafe { $transpose(from, step, to, to_step) };
            }
            #[inline(always)]
            fn add_columns<const SPLIT: bool>(
                _: Avx2,
                sums: [Self; 2],
                from: [&[$real]; 2],
                sizes: (usize, usize, usize),
                x: &[$real],
            ) -> [Self; 2] {
                // SAFETY: a vector exists only where a token does, which proves the features.
                unsafe { $chain::<SPLIT>(sums.map(|sum| sum.0), from, sizes, x) }.map($V)
            }
            #[inline(always)]
            fn load_part(_: Avx2, from: &[$real], rest: Self) -> Self {
                let mask = $B::first(from.len()).0;
                let (low, high) = (from.as_ptr(), from.as_ptr().wrapping_add($n / 2));
                // SAFETY: a vector exists only where a token does; lanes without a mask, which are those past the end,
                // are not read.
                let low = unsafe { $maskload(low, mask[0]) };
                // SAFETY: as above.
                let high = unsafe { $maskload(high, mask[1]) };
                $V([low, high]).or_else($M(pair!($from_int(mask))), rest)
            }
            #[inline(always)]
            fn store_part(self, to: &mut [$real]) {
                let mask = $B::first(to.len()).0;
                let (low, high) = (to.as_mut_ptr(), to.as_mut_ptr().wrapping_add($n / 2));
                // SAFETY: a vector exists only where a token does; lanes without a mask, which are those past the end,
                // are not written.
                unsafe { $maskstore(low, mask[0], self.0[0]) };
                // SAFETY: as above.
                unsafe { $maskstore(high, mask[1], self.0[1]) };
            }
        }

        impl $B {
            /// All bits of the first `n` lanes; only called where there are vectors.
            #[inline(always)]
            fn first(n: usize) -> $B {
                const NUMBERS: [$signed; $n] = {
                    let mut numbers = [0; $n];
                    let mut i = 0;
                    while i < $n {
                        numbers[i] = i as $signed;
                        i += 1;
                    }
                    numbers
                };
                let (low, high) = NUMBERS.split_at($n / 2);
                // SAFETY: the callers have vectors, which prove the features; the half is as long as a register.
                let low = unsafe { _mm256_loadu_si256(low.as_ptr().cast()) };
                // SAFETY: as above.
                let high = unsafe { _mm256_loadu_si256(high.as_ptr().cast()) };
                // SAFETY: as above.
                let n = unsafe { $iset1(n as $signed) };
                $B(pair!($icmpgt([n, n], [low, high])))
            }
        }

        impl Bits for $B {
            type Word = $word;
            type Real = $V;

            #[inline(always)]
            fn splat_like(self, v: $word) -> Self {
                // SAFETY: a vector exists only where a token does, which proves the features.
                $B([unsafe { $iset1(v as $signed) }; 2])
            }
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                $B(pair!($iadd(self.0, b.0)))
            }
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                $B(pair!($isub(self.0, b.0)))
            }
            #[inline(always)]
            fn and(self, b: Self) -> Self {
                $B(pair!(_mm256_and_si256(self.0, b.0)))
            }
            #[inline(always)]
            fn or(self, b: Self) -> Self {
                $B(pair!(_mm256_or_si256(self.0, b.0)))
            }
            #[inline(always)]
            fn xor(self, b: Self) -> Self {
                $B(pair!(_mm256_xor_si256(self.0, b.0)))
            }
            #[inline(always)]
            fn shift_left<const K: i32>(self) -> Self {
                $B(pair!($slli::<K>(self.0)))
            }
            #[inline(always)]
            fn shift_right<const K: i32>(self) -> Self {
                $B(pair!($srli::<K>(self.0)))
            }
            #[inline(always)]
            fn to_exponent(self) -> Self {
                self.shift_left::<$mantissa>()
            }
            #[inline(always)]
            fn to_sign(self) -> Self {
                self.shift_left::<$sign>()
            }
            #[inline(always)]
            fn exponent_as_number(self) -> Self {
                self.shift_right::<$mantissa>()
            }
            #[inline(always)]
            fn real(self) -> $V {
                $V(pair!($from_int(self.0)))
            }
        }
    };
}

avx2! {
    F32 U32 M32 f32, u32 as i32, 16, 23, 30, __m256;
    _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_stream_ps _mm256_add_ps _mm256_sub_ps _mm256_mul_ps _mm256_div_ps _mm256_fmadd_ps
    _mm256_sqrt_ps _mm256_round_ps _mm256_max_ps _mm256_min_ps _mm256_cmp_ps _mm256_blendv_ps _mm256_and_ps _mm256_or_ps _mm256_xor_ps
    _mm256_movemask_ps _mm256_castps_si256 _mm256_castsi256_ps;
    _mm256_set1_epi32 _mm256_add_epi32 _mm256_sub_epi32 _mm256_slli_epi32 _mm256_srli_epi32 transpose_f32 chains_f32
    _mm256_cmpgt_epi32 _mm256_maskload_ps _mm256_maskstore_ps
}
avx2! {
    F64 U64 M64 f64, u64 as i64, 8, 52, 62, __m256d;
    _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_stream_pd _mm256_add_pd _mm256_sub_pd _mm256_mul_pd _mm256_div_pd _mm256_fmadd_pd
    _mm256_sqrt_pd _mm256_round_pd _mm256_max_pd _mm256_min_pd _mm256_cmp_pd _mm256_blendv_pd _mm256_and_pd _mm256_or_pd _mm256_xor_pd
    _mm256_movemask_pd _mm256_castpd_si256 _mm256_castsi256_pd;
    _mm256_set1_epi64x _mm256_add_epi64 _mm256_sub_epi64 _mm256_slli_epi64 _mm256_srli_epi64 transpose_f64 chains_f64
    _mm256_cmpgt_epi64 _mm256_maskload_pd _mm256_maskstore_pd
}

/// Whether `n` rows of `n` elements, `step` apart, lie in a slice.
#[inline(always)]
fn holds<T>(slice: &[T], rows: usize, step: usize, n: usize) -> bool {
    step.checked_mul(rows - 1)
        .and_then(|reach| reach.checked_add(n))
        .is_some_and(|reach| reach <= slice.len())
}

/// Four columns of eight rows, four `step` apart and four more from `second` on. Each half of a register is taken
/// from a row of its own, so that no value crosses from one half to the other.
///
/// # Safety
/// `3 * step + 4` elements are there, of the first rows and of the second ones.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn columns_f32(first: *const f32, second: *const f32, step: usize) -> [__m256; 4] {
    let quads = |row: usize| {
        // SAFETY: row < 4.
        let low = unsafe { _mm_loadu_ps(first.wrapping_add(row * step)) };
        // SAFETY: row < 4.
        let high = unsafe { _mm_loadu_ps(second.wrapping_add(row * step)) };
        _mm256_set_m128(high, low)
    };
    let [a, b, c, d] = [quads(0), quads(1), quads(2), quads(3)];
    let low_ab = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
    let low_cd = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
    let high_ab = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
    let high_cd = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
    [
        _mm256_castpd_ps(_mm256_unpacklo_pd(low_ab, low_cd)),
        _mm256_castpd_ps(_mm256_unpackhi_pd(low_ab, low_cd)),
        _mm256_castpd_ps(_mm256_unpacklo_pd(high_ab, high_cd)),
        _mm256_castpd_ps(_mm256_unpackhi_pd(high_ab, high_cd)),
    ]
}

/// Two columns of four rows; see [`columns_f32`].
///
/// # Safety
/// `step + 2` elements are there, of the first rows and of the second ones.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn columns_f64(first: *const f64, second: *const f64, step: usize) -> [__m256d; 2] {
    let pairs = |row: usize| {
        // SAFETY: row < 2.
        let low = unsafe { _mm_loadu_pd(first.wrapping_add(row * step)) };
        // SAFETY: row < 2.
        let high = unsafe { _mm_loadu_pd(second.wrapping_add(row * step)) };
        _mm256_set_m128d(high, low)
    };
    let [a, b] = [pairs(0), pairs(1)];
    [_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b)]
}

macro_rules! squares {
    ($real:ty, $reg:ty, $n:literal, $together:literal, $columns:ident, $transpose:ident, $chains:ident,
     $set1:ident $storeu:ident $fmadd:ident $blend:ident $upper:literal) => {
        /// A square as [`Real::transpose`] has it.
        #[inline]
        #[target_feature(enable = "avx2")]
        pub(super) fn $transpose(from: &[$real], step: usize, to: &mut [$real], to_step: usize) {
            assert!(holds(from, $n, step, $n) && holds(to, $n, to_step, $n));
            for i in [0, $n / 2] {
                for j in (0..$n).step_by($together) {
                    let at = from.as_ptr().wrapping_add(i * step + j);
                    // SAFETY: half of the rows from row i on, and columns up to j + $together <= $n.
                    let columns = unsafe { $columns(at, at.wrapping_add($n / 4 * step), step) };
                    for (k, column) in columns.into_iter().enumerate() {
                        let at = to.as_mut_ptr().wrapping_add((j + k) * to_step + i);
                        // SAFETY: half a row from element i on, and j + k < $n.
                        unsafe { $storeu(at, column) };
                    }
                }
            }
        }

        /// Chains as [`Real::add_columns`] has them, the sums in halves.
        #[inline]
        #[target_feature(enable = "avx2,fma")]
        pub(super) fn $chains<const SPLIT: bool>(
            sums: [[$reg; 2]; 2],
            from: [&[$real]; 2],
            (n, step, gap): (usize, usize, usize),
            x: &[$real],
        ) -> [[$reg; 2]; 2] {
            // A part is a quarter of the lanes, wherever it lies.
            let (rows, part) = if SPLIT { ($n / 4, gap) } else { ($n, 0) };
            let reach = part.checked_mul(3);
            for from in from {
                assert!(reach.and_then(|at| from.get(at..)).is_some_and(|from| holds(from, rows, step, n)));
            }
            assert!(n.is_multiple_of($n) && reach.and_then(|at| x.get(at..)).is_some_and(|x| x.len() >= n));
            let next = if SPLIT { gap } else { $n / 4 * step };
            let factors = |j: usize, half: usize| -> [$reg; $together] {
                std::array::from_fn(|k| {
                    let at = half * 2 * part + j + k;
                    match SPLIT {
                        true => $blend::<$upper>($set1(x[at]), $set1(x[at + part])),
                        false => $set1(x[j + k]),
                    }
                })
            };
            let chain = |sum: $reg, from: &[$real], j: usize, half: usize, factors: [$reg; $together]| {
                let at = from.as_ptr().wrapping_add(half * 2 * next + j);
                // SAFETY: two quarters of the lanes, and columns up to j + $together <= n.
                let columns = unsafe { $columns(at, at.wrapping_add(next), step) };
                columns
                    .into_iter()
                    .zip(factors)
                    .fold(sum, |sum, (column, factor)| $fmadd(factor, column, sum))
            };
            // All chains take their turns, so that each has time to add up. Each has a name, that it may have a register.
            let ([[mut a, mut b], [mut c, mut d]], [first, second]) = (sums, from);
            for j in (0..n).step_by($together) {
                let (low, high) = (factors(j, 0), factors(j, 1));
                a = chain(a, first, j, 0, low);
                c = chain(c, second, j, 0, low);
                b = chain(b, first, j, 1, high);
                d = chain(d, second, j, 1, high);
            }
            [[a, b], [c, d]]
        }
    };
}
squares! {
    f32, __m256, 16, 4, columns_f32, transpose_f32, chains_f32,
    _mm256_set1_ps _mm256_storeu_ps _mm256_fmadd_ps _mm256_blend_ps 0b1111_0000
}
squares! {
    f64, __m256d, 8, 2, columns_f64, transpose_f64, chains_f64,
    _mm256_set1_pd _mm256_storeu_pd _mm256_fmadd_pd _mm256_blend_pd 0b1100
}

//! AVX-512: a vector is one register, a mask a register of its own.

use std::arch::x86_64::*;

use rusttorch_backend::f16;

use super::lanes::{Bits, Isa, Kernel, Mask, Real};
use super::prefetch::prefetch_to_write;
use super::{avx2, half};

/// Proof that the CPU has AVX-512 F, and AVX2 with FMA.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Avx512> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma");
        found.then_some(Avx512(()))
    }
}

impl Isa for Avx512 {
    type F32 = F32;
    type F64 = F64;

    const ROWS: usize = 12;
    const COLUMNS: usize = 2;
    const TOGETHER: usize = 2;

    fn enter<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx2,fma")]
        fn compiled<K: Kernel>(isa: Avx512, kernel: K) -> K::Output {
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
        let ((from, from_rest), (to, to_rest)) = (from.as_chunks::<16>(), to.as_chunks_mut::<16>());
        for (from, to) in from.iter().zip(to) {
            // SAFETY: the token proves the features; the array is as long as the register.
            let halves = unsafe { _mm256_loadu_si256(from.as_ptr().cast()) };
            // SAFETY: the token proves AVX-512 F.
            let wide = unsafe { _mm512_cvtph_ps(halves) };
            // SAFETY: as for the load.
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), wide) };
        }
        half::widen_all(from_rest, to_rest);
    }

    #[inline(always)]
    fn narrow_f16(self, from: &[f32], to: &mut [f16]) {
        let ((from, from_rest), (to, to_rest)) = (from.as_chunks::<16>(), to.as_chunks_mut::<16>());
        for (from, to) in from.iter().zip(to) {
            // SAFETY: the token proves the features; the array is as long as the register.
            let wide = unsafe { _mm512_loadu_ps(from.as_ptr()) };
            // SAFETY: the token proves AVX-512 F.
            let halves = unsafe { _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(wide) };
            // SAFETY: as for the load.
            unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), halves) };
        }
        half::narrow_all(from_rest, to_rest);
    }
}

/// A call of an instruction on vectors.
macro_rules! on {
    ($f:ident $(::<$k:tt>)? ($($a:expr),*)) => {
        // SAFETY: a vector exists only where a token does, which proves the features. Casts need no proof.
        #[allow(unused_unsafe, reason = "some of the functions are safe")]
        unsafe {
            $f $(::<$k>)? ($($a),*)
        }
    };
}

macro_rules! avx512 {
    (
        $V:ident $B:ident $M:ident $real:ty, $word:ty as $signed:ty, $n:literal, $mantissa:literal, $sign:literal, $reg:ty, $mask:ty;
        $set1:ident $loadu:ident $storeu:ident $stream:ident $add:ident $sub:ident $mul:ident $div:ident $fmadd:ident
        $sqrt:ident $round:ident $max:ident $min:ident $cmp:ident $blend:ident $to_int:ident $from_int:ident
        $mask_loadu:ident $mask_storeu:ident $scalef:ident;
        $iset1:ident $iadd:ident $isub:ident $sll:ident $srl:ident $iand:ident $ior:ident $ixor:ident $transpose:ident $chain:ident $halves:ident $whole:ident
    ) => {
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $V($reg);

        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $M($mask);

        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $B(__m512i);

        impl Mask for $M {
            #[inline(always)]
            fn and(self, b: Self) -> Self {
                $M(self.0 & b.0)
            }
            #[inline(always)]
            fn or(self, b: Self) -> Self {
                $M(self.0 | b.0)
            }
            #[inline(always)]
            fn not(self) -> Self {
                $M(!self.0)
            }
            #[inline(always)]
            fn any(self) -> bool {
                self.0 != 0
            }
        }

        impl Real for $V {
            type Isa = Avx512;
            type Scalar = $real;
            type Array = [$real; $n];
            type Mask = $M;
            type Bits = $B;
            const LANES: usize = $n;

            #[inline(always)]
            fn splat(_: Avx512, v: $real) -> Self {
                $V(on!($set1(v)))
            }
            #[inline(always)]
            fn load(_: Avx512, from: &[$real; $n]) -> Self {
                // SAFETY: the token proves the features; the array is as long as a register.
                $V(unsafe { $loadu(from.as_ptr()) })
            }
            #[inline(always)]
            fn store(self, to: &mut [$real; $n]) {
                // SAFETY: a vector exists only where a token does; the array is as long as a register.
                unsafe { $storeu(to.as_mut_ptr(), self.0) };
            }
            #[inline(always)]
            fn stream(self, to: &mut [$real; $n]) {
                if !to.as_ptr().cast::<$reg>().is_aligned() {
                    return self.store(to);
                }
                // SAFETY: as in `store`; and it is aligned, as was checked.
                unsafe { $stream(to.as_mut_ptr().cast(), self.0) };
            }
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                $V(on!($add(self.0, b.0)))
            }
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                $V(on!($sub(self.0, b.0)))
            }
            #[inline(always)]
            fn mul(self, b: Self) -> Self {
                $V(on!($mul(self.0, b.0)))
            }
            #[inline(always)]
            fn div(self, b: Self) -> Self {
                $V(on!($div(self.0, b.0)))
            }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                $V(on!($fmadd(self.0, b.0, c.0)))
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $V(on!($sqrt(self.0)))
            }
            #[inline(always)]
            fn round(self) -> Self {
                $V(on!($round::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0)))
            }
            #[inline(always)]
            fn floor(self) -> Self {
                $V(on!($round::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(self.0)))
            }
            #[inline(always)]
            fn ceil(self) -> Self {
                $V(on!($round::<{ _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC }>(self.0)))
            }
            #[inline(always)]
            fn trunc(self) -> Self {
                $V(on!($round::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(self.0)))
            }
            #[inline(always)]
            fn max_or_second(self, b: Self) -> Self {
                $V(on!($max(self.0, b.0)))
            }
            #[inline(always)]
            fn min_or_second(self, b: Self) -> Self {
                $V(on!($min(self.0, b.0)))
            }
            #[inline(always)]
            fn lt(self, b: Self) -> $M {
                $M(on!($cmp::<_CMP_LT_OQ>(self.0, b.0)))
            }
            #[inline(always)]
            fn le(self, b: Self) -> $M {
                $M(on!($cmp::<_CMP_LE_OQ>(self.0, b.0)))
            }
            #[inline(always)]
            fn eq(self, b: Self) -> $M {
                $M(on!($cmp::<_CMP_EQ_OQ>(self.0, b.0)))
            }
            #[inline(always)]
            fn unordered(self, b: Self) -> $M {
                $M(on!($cmp::<_CMP_UNORD_Q>(self.0, b.0)))
            }
            #[inline(always)]
            fn or_else(self, mask: $M, b: Self) -> Self {
                $V(on!($blend(mask.0, b.0, self.0)))
            }
            #[inline(always)]
            fn bits(self) -> $B {
                $B(on!($to_int(self.0)))
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
            fn transpose(_: Avx512, from: &[$real], step: usize, to: &mut [$real], to_step: usize) {
                // In halves of registers, which take fewer shuffles. SAFETY: the token proves the features.
                unsafe { avx2::$transpose(from, step, to, to_step) };
            }
            #[inline(always)]
            fn add_columns<const SPLIT: bool>(
                _: Avx512,
                sums: [Self; 2],
                from: [&[$real]; 2],
                sizes: (usize, usize, usize),
                x: &[$real],
            ) -> [Self; 2] {
                // SAFETY: a vector exists only where a token does, which proves the features.
                let halves = sums.map(|sum| unsafe { $halves(sum.0) });
                // SAFETY: as before.
                let halves = unsafe { avx2::$chain::<SPLIT>(halves, from, sizes, x) };
                // SAFETY: as before.
                halves.map(|halves| $V(unsafe { $whole(halves) }))
            }
            #[inline(always)]
            fn scale(self, n: Self) -> Option<Self> {
                // SAFETY: a vector exists only where a token does, which proves the features.
                Some($V(unsafe { $scalef(self.0, n.0) }))
            }
            #[inline(always)]
            fn load_part(_: Avx512, from: &[$real], rest: Self) -> Self {
                let mask = ((1u32 << from.len().min($n - 1)) - 1) as $mask;
                // SAFETY: the token proves the features; lanes without a mask bit, which are those past the end, are
                // not read.
                $V(unsafe { $mask_loadu(rest.0, mask, from.as_ptr()) })
            }
            #[inline(always)]
            fn store_part(self, to: &mut [$real]) {
                let mask = ((1u32 << to.len().min($n - 1)) - 1) as $mask;
                // SAFETY: a vector exists only where a token does; lanes without a mask bit, which are those past the
                // end, are not written.
                unsafe { $mask_storeu(to.as_mut_ptr(), mask, self.0) };
            }
        }

        impl Bits for $B {
            type Word = $word;
            type Real = $V;

            #[inline(always)]
            fn splat_like(self, v: $word) -> Self {
                $B(on!($iset1(v as $signed)))
            }
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                $B(on!($iadd(self.0, b.0)))
            }
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                $B(on!($isub(self.0, b.0)))
            }
            #[inline(always)]
            fn and(self, b: Self) -> Self {
                $B(on!($iand(self.0, b.0)))
            }
            #[inline(always)]
            fn or(self, b: Self) -> Self {
                $B(on!($ior(self.0, b.0)))
            }
            #[inline(always)]
            fn xor(self, b: Self) -> Self {
                $B(on!($ixor(self.0, b.0)))
            }
            #[inline(always)]
            fn shift_left<const K: i32>(self) -> Self {
                $B(on!($sll(self.0, on!(_mm_cvtsi32_si128(K)))))
            }
            #[inline(always)]
            fn shift_right<const K: i32>(self) -> Self {
                $B(on!($srl(self.0, on!(_mm_cvtsi32_si128(K)))))
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
                $V(on!($from_int(self.0)))
            }
        }
    };
}

avx512! {
    F32 U32 M32 f32, u32 as i32, 16, 23, 30, __m512, __mmask16;
    _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_stream_ps _mm512_add_ps _mm512_sub_ps _mm512_mul_ps _mm512_div_ps _mm512_fmadd_ps
    _mm512_sqrt_ps _mm512_roundscale_ps _mm512_max_ps _mm512_min_ps _mm512_cmp_ps_mask _mm512_mask_blend_ps _mm512_castps_si512 _mm512_castsi512_ps
    _mm512_mask_loadu_ps _mm512_mask_storeu_ps _mm512_scalef_ps;
    _mm512_set1_epi32 _mm512_add_epi32 _mm512_sub_epi32 _mm512_sll_epi32 _mm512_srl_epi32 _mm512_and_epi32 _mm512_or_epi32 _mm512_xor_epi32 transpose_f32 chains_f32 halves_f32 whole_f32
}
avx512! {
    F64 U64 M64 f64, u64 as i64, 8, 52, 62, __m512d, __mmask8;
    _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_stream_pd _mm512_add_pd _mm512_sub_pd _mm512_mul_pd _mm512_div_pd _mm512_fmadd_pd
    _mm512_sqrt_pd _mm512_roundscale_pd _mm512_max_pd _mm512_min_pd _mm512_cmp_pd_mask _mm512_mask_blend_pd _mm512_castpd_si512 _mm512_castsi512_pd
    _mm512_mask_loadu_pd _mm512_mask_storeu_pd _mm512_scalef_pd;
    _mm512_set1_epi64 _mm512_add_epi64 _mm512_sub_epi64 _mm512_sll_epi64 _mm512_srl_epi64 _mm512_and_epi64 _mm512_or_epi64 _mm512_xor_epi64 transpose_f64 chains_f64 halves_f64 whole_f64
}

#[inline]
#[target_feature(enable = "avx512f")]
fn halves_f64(v: __m512d) -> [__m256d; 2] {
    [_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd::<1>(v)]
}

#[inline]
#[target_feature(enable = "avx512f")]
fn whole_f64([low, high]: [__m256d; 2]) -> __m512d {
    _mm512_insertf64x4::<1>(_mm512_castpd256_pd512(low), high)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn halves_f32(v: __m512) -> [__m256; 2] {
    halves_f64(_mm512_castps_pd(v)).map(|half| _mm256_castpd_ps(half))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn whole_f32(halves: [__m256; 2]) -> __m512 {
    _mm512_castpd_ps(whole_f64(halves.map(|half| _mm256_castps_pd(half))))
}

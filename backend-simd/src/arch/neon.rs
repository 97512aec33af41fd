//! NEON of AArch64: a vector is four registers.

use std::arch::aarch64::*;

use super::lanes::{Bits, Isa, Kernel, Mask, Real};

/// Proof that the CPU has NEON. Every AArch64 CPU that Rust's standard library runs on has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neon(());

impl Neon {
    pub(crate) fn detect() -> Option<Neon> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Neon(()))
    }
}

impl Isa for Neon {
    type F32 = F32;
    type F64 = F64;

    const ROWS: usize = 6;
    const COLUMNS: usize = 1;
    const TOGETHER: usize = 1;

    fn enter<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "neon")]
        fn compiled<K: Kernel>(isa: Neon, kernel: K) -> K::Output {
            kernel.run(isa)
        }
        // SAFETY: the token proves that the CPU has the feature.
        unsafe { compiled(self, kernel) }
    }

    #[inline(always)]
    fn finish_streams(self) {}
}

/// An instruction on each of the four registers.
macro_rules! each {
    (|$i:ident| $f:ident $(::<$k:tt>)? ($($a:expr),*)) => {
        // SAFETY: a vector exists only where a token does, which proves the feature.
        std::array::from_fn(|$i| unsafe { $f $(::<$k>)? ($($a),*) })
    };
}

macro_rules! neon {
    (
        $V:ident $B:ident $M:ident $real:ty, $word:ty as $signed:ty, $n:literal, $mantissa:literal, $sign:literal, $lanes:literal, $reg:ty, $int:ty, $shift:ty;
        $dup:ident $ld1:ident $st1:ident $add:ident $sub:ident $mul:ident $div:ident $fma:ident
        $sqrt:ident $rndn:ident $rndm:ident $rndp:ident $rnd:ident $lt:ident $le:ident $eq:ident $gt:ident $bsl:ident
        $to_int:ident $from_int:ident;
        $idup:ident $iadd:ident $isub:ident $shl:ident $sdup:ident $iand:ident $ior:ident $ixor:ident
    ) => {
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $V([$reg; 4]);

        /// All bits of a lane set, or none.
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $M([$int; 4]);

        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $B([$int; 4]);

        impl Mask for $M {
            #[inline(always)]
            fn and(self, b: Self) -> Self {
                $M(each!(|i| $iand(self.0[i], b.0[i])))
            }
            #[inline(always)]
            fn or(self, b: Self) -> Self {
                $M(each!(|i| $ior(self.0[i], b.0[i])))
            }
            #[inline(always)]
            fn not(self) -> Self {
                // SAFETY: a vector exists only where a token does, which proves the feature.
                let ones = unsafe { $idup(<$word>::MAX) };
                $M(each!(|i| $ixor(self.0[i], ones)))
            }
            #[inline(always)]
            fn any(self) -> bool {
                let mut lanes = $V::zeros();
                $B(self.0).real().store(&mut lanes);
                lanes.iter().any(|v| v.to_bits() != 0)
            }
        }

        impl Real for $V {
            type Isa = Neon;
            type Scalar = $real;
            type Array = [$real; $n];
            type Mask = $M;
            type Bits = $B;
            const LANES: usize = $n;

            #[inline(always)]
            fn splat(_: Neon, v: $real) -> Self {
                // SAFETY: the token proves the feature.
                $V([unsafe { $dup(v) }; 4])
            }
            #[inline(always)]
            fn load(_: Neon, from: &[$real; $n]) -> Self {
                let parts = from.as_chunks::<$lanes>().0;
                $V(each!(|i| $ld1(parts[i].as_ptr())))
            }
            #[inline(always)]
            fn store(self, to: &mut [$real; $n]) {
                for (part, register) in to.as_chunks_mut::<$lanes>().0.iter_mut().zip(self.0) {
                    // SAFETY: a vector exists only where a token does; a part is as long as a register.
                    unsafe { $st1(part.as_mut_ptr(), register) };
                }
            }
            #[inline(always)]
            fn stream(self, to: &mut [$real; $n]) {
                self.store(to);
            }
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                $V(each!(|i| $add(self.0[i], b.0[i])))
            }
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                $V(each!(|i| $sub(self.0[i], b.0[i])))
            }
            #[inline(always)]
            fn mul(self, b: Self) -> Self {
                $V(each!(|i| $mul(self.0[i], b.0[i])))
            }
            #[inline(always)]
            fn div(self, b: Self) -> Self {
                $V(each!(|i| $div(self.0[i], b.0[i])))
            }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                $V(each!(|i| $fma(c.0[i], self.0[i], b.0[i])))
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $V(each!(|i| $sqrt(self.0[i])))
            }
            #[inline(always)]
            fn round(self) -> Self {
                $V(each!(|i| $rndn(self.0[i])))
            }
            #[inline(always)]
            fn floor(self) -> Self {
                $V(each!(|i| $rndm(self.0[i])))
            }
            #[inline(always)]
            fn ceil(self) -> Self {
                $V(each!(|i| $rndp(self.0[i])))
            }
            #[inline(always)]
            fn trunc(self) -> Self {
                $V(each!(|i| $rnd(self.0[i])))
            }
            #[inline(always)]
            fn max_or_second(self, b: Self) -> Self {
                self.or_else($M(each!(|i| $gt(self.0[i], b.0[i]))), b)
            }
            #[inline(always)]
            fn min_or_second(self, b: Self) -> Self {
                self.or_else(self.lt(b), b)
            }
            #[inline(always)]
            fn lt(self, b: Self) -> $M {
                $M(each!(|i| $lt(self.0[i], b.0[i])))
            }
            #[inline(always)]
            fn le(self, b: Self) -> $M {
                $M(each!(|i| $le(self.0[i], b.0[i])))
            }
            #[inline(always)]
            fn eq(self, b: Self) -> $M {
                $M(each!(|i| $eq(self.0[i], b.0[i])))
            }
            #[inline(always)]
            fn unordered(self, b: Self) -> $M {
                self.eq(self).and(b.eq(b)).not()
            }
            #[inline(always)]
            fn or_else(self, mask: $M, b: Self) -> Self {
                $V(each!(|i| $bsl(mask.0[i], self.0[i], b.0[i])))
            }
            #[inline(always)]
            fn bits(self) -> $B {
                $B(each!(|i| $to_int(self.0[i])))
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
        }

        impl Bits for $B {
            type Word = $word;
            type Real = $V;

            #[inline(always)]
            fn splat_like(self, v: $word) -> Self {
                // SAFETY: a vector exists only where a token does, which proves the feature.
                $B([unsafe { $idup(v) }; 4])
            }
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                $B(each!(|i| $iadd(self.0[i], b.0[i])))
            }
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                $B(each!(|i| $isub(self.0[i], b.0[i])))
            }
            #[inline(always)]
            fn and(self, b: Self) -> Self {
                $B(each!(|i| $iand(self.0[i], b.0[i])))
            }
            #[inline(always)]
            fn or(self, b: Self) -> Self {
                $B(each!(|i| $ior(self.0[i], b.0[i])))
            }
            #[inline(always)]
            fn xor(self, b: Self) -> Self {
                $B(each!(|i| $ixor(self.0[i], b.0[i])))
            }
            #[inline(always)]
            fn shift_left<const K: i32>(self) -> Self {
                // SAFETY: a vector exists only where a token does, which proves the feature.
                let by = unsafe { $sdup(K as $shift) };
                $B(each!(|i| $shl(self.0[i], by)))
            }
            #[inline(always)]
            fn shift_right<const K: i32>(self) -> Self {
                // SAFETY: a vector exists only where a token does, which proves the feature.
                let by = unsafe { $sdup(-(K as $shift)) };
                $B(each!(|i| $shl(self.0[i], by)))
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
                $V(each!(|i| $from_int(self.0[i])))
            }
        }
    };
}

neon! {
    F32 U32 M32 f32, u32 as i32, 16, 23, 30, 4, float32x4_t, uint32x4_t, i32;
    vdupq_n_f32 vld1q_f32 vst1q_f32 vaddq_f32 vsubq_f32 vmulq_f32 vdivq_f32 vfmaq_f32
    vsqrtq_f32 vrndnq_f32 vrndmq_f32 vrndpq_f32 vrndq_f32 vcltq_f32 vcleq_f32 vceqq_f32 vcgtq_f32 vbslq_f32
    vreinterpretq_u32_f32 vreinterpretq_f32_u32;
    vdupq_n_u32 vaddq_u32 vsubq_u32 vshlq_u32 vdupq_n_s32 vandq_u32 vorrq_u32 veorq_u32
}
neon! {
    F64 U64 M64 f64, u64 as i64, 8, 52, 62, 2, float64x2_t, uint64x2_t, i64;
    vdupq_n_f64 vld1q_f64 vst1q_f64 vaddq_f64 vsubq_f64 vmulq_f64 vdivq_f64 vfmaq_f64
    vsqrtq_f64 vrndnq_f64 vrndmq_f64 vrndpq_f64 vrndq_f64 vcltq_f64 vcleq_f64 vceqq_f64 vcgtq_f64 vbslq_f64
    vreinterpretq_u64_f64 vreinterpretq_f64_u64;
    vdupq_n_u64 vaddq_u64 vsubq_u64 vshlq_u64 vdupq_n_s64 vandq_u64 vorrq_u64 veorq_u64
}

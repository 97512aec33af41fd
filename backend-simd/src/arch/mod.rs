//! The machine: its instruction sets and its threads. The only folder of this crate, besides the gemm micro-kernel, that holds `unsafe`.
//!
//! # One body, many instruction sets
//!
//! A kernel is a struct that implements [`Kernel`]: its `run` is generic over an [`Isa`], and is compiled once
//! for each level, inside a function that carries the level's `#[target_feature]`. `run` and everything it calls
//! with vectors is `#[inline(always)]`, so that all of it ends up in that function.
//!
//! # Vectors of one width everywhere
//!
//! A vector has 16 lanes of f32 or 8 of f64 on every level: one register of AVX-512, two of AVX2, four of NEON, an
//! array on the scalar level. So lane `i` of a chunk holds element `16 k + i` wherever the code runs, a
//! reduction over lanes is one fixed tree, and with fused multiply-add on every level (the scalar one calls the
//! C library's where the CPU has none) all levels give the same bits by construction.
//!
//! # Safety
//!
//! An instruction may only run where the CPU has it. Proof is a token: a value of `Avx2` exists only where
//! `Avx2::detect` found the features, every vector is made from a token, and the operations take vectors. So
//! they are safe functions, each with an `unsafe` block whose argument is always this one.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod half;
mod lanes;
mod level;
#[cfg(target_arch = "aarch64")]
mod neon;
mod panels;
pub(crate) mod plain;
mod prefetch;
mod scalar;
pub(crate) mod threads;

#[cfg(test)]
mod tests;

pub(crate) use lanes::{Bits, Isa, Kernel, Mask, Real, Scalar};
pub use level::Level;
pub(crate) use panels::{Panel, panels};
pub(crate) use prefetch::{LINE, prefetch, prefetch_far, prefetch_line};

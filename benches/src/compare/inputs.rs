//! Inputs that both sides make alike: a hash of the position, so that nothing has to be sent.

use rusttorch::{DType, Result, Tensor};

/// 32 bits that look random. The finalizer of MurmurHash3 over a multiple of the position.
fn hash(i: usize, seed: u32) -> u32 {
    let mut h = (i as u32).wrapping_mul(0x9E37_79B1) ^ seed.wrapping_mul(0x85EB_CA6B);
    h = (h ^ (h >> 16)).wrapping_mul(0x85EB_CA6B);
    h = (h ^ (h >> 13)).wrapping_mul(0xC2B2_AE35);
    h ^ (h >> 16)
}

/// `n` numbers of `[low, high)`.
pub fn values(seed: u32, n: usize, low: f64, high: f64) -> impl Iterator<Item = f64> {
    let unit = f64::from(1 << 24);
    (0..n).map(move |i| low + (high - low) * (f64::from(hash(i, seed) >> 8) / unit))
}

/// A tensor of numbers of `[low, high)`, f32 or f64.
pub fn uniform(seed: u32, shape: &[usize], low: f64, high: f64, dtype: DType) -> Result<Tensor> {
    let values = values(seed, shape.iter().product(), low, high);
    match dtype {
        DType::F64 => Tensor::from_vec(values.collect::<Vec<f64>>(), shape),
        _ => Tensor::from_vec(values.map(|v| v as f32).collect::<Vec<f32>>(), shape),
    }
}

/// A tensor of indices below `bound`, i64.
pub fn indices(seed: u32, shape: &[usize], bound: usize) -> Result<Tensor> {
    let n: usize = shape.iter().product();
    Tensor::from_vec((0..n).map(|i| (hash(i, seed) as usize % bound) as i64).collect(), shape)
}

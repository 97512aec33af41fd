//! A backend of one's own: about ten lines that take memory from an existing backend, override one family
//! and leave the rest to the chain. It then runs all of RustTorch.
//!
//! ```text
//! cargo run --example own_backend
//! ```

#![allow(clippy::print_stdout, reason = "an example is a program")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusttorch::backend::{Allocation, Backend, Buffer, View, ViewMut};
use rusttorch::nn::functional::{CrossEntropy, cross_entropy};
use rusttorch::nn::{Linear, Module, ReLU, Sequential};
use rusttorch::optim::{Optimize, Sgd};
use rusttorch::{DType, Result, Tensor, backends, manual_seed};

/// Counts the multiply-adds of every matrix product, which it leaves to the base.
#[derive(Debug)]
struct Counting {
    base: Arc<dyn Backend>,
    multiply_adds: AtomicU64,
}

impl Backend for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }
    fn alloc(&self, bytes: usize) -> Result<Allocation> {
        self.base.alloc(bytes)
    }
    fn upload(&self, src: &[u8], dst: &mut dyn Buffer, at: usize) -> Result<()> {
        self.base.upload(src, dst, at)
    }
    fn download(&self, src: &dyn Buffer, at: usize, dst: &mut [u8]) -> Result<()> {
        self.base.download(src, at, dst)
    }
    fn next(&self) -> Option<&dyn Backend> {
        Some(&*self.base)
    }
    fn matmul(&self, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
        let inner = a.shape().last().copied().unwrap_or(0);
        self.multiply_adds.fetch_add((out.numel() * inner) as u64, Ordering::Relaxed);
        self.base.matmul(a, b, out)
    }
}

fn main() -> Result<()> {
    let own = Arc::new(Counting { base: backends::get("naive")?, multiply_adds: AtomicU64::new(0) });
    backends::register(own.clone())?;
    println!("backends: {}", backends::list().join(", "));

    backends::with_backend(own.clone(), || -> Result<()> {
        manual_seed(0);
        // Points of the plane, and whether they lie in the unit circle.
        let x = Tensor::randn(&[256, 2], DType::F32)?;
        let y = x.square()?.sum_dim(1, false)?.lt(1.0)?.to_dtype(DType::I64)?;
        let model = Sequential::new().push(Linear::new(2, 16)?).push(ReLU {}).push(Linear::new(16, 2)?);
        let mut optimizer = Sgd { lr: 0.5, momentum: 0.9, ..Sgd::default() }.over(model.parameters())?;
        for step in 0..=100 {
            let loss = cross_entropy(&model.forward(&x)?, &y, &CrossEntropy::default())?;
            optimizer.zero_grad()?;
            loss.backward()?;
            optimizer.step()?;
            if step % 25 == 0 {
                println!("step {step:>3}: loss {:.4}", loss.item_f64()?);
            }
        }
        Ok(())
    })?;

    println!("multiply-adds in matrix products: {}", own.multiply_adds.load(Ordering::Relaxed));
    println!("calls handed on to '{}':", own.base.name());
    for (family, calls) in backends::delegations(own.name()) {
        println!("  {:<20} {calls:>6}", family.name());
    }
    Ok(())
}

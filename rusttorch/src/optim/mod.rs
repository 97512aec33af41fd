//! Optimizers: hyper-parameters as a plain struct, which [`Optimize::over`] some parameters makes an
//! [`Optimizer`].
//!
//! ```
//! use rusttorch::nn::{Linear, Module};
//! use rusttorch::optim::{Adam, Optimize};
//! # use rusttorch::{DType, Tensor};
//! # fn main() -> rusttorch::Result<()> {
//! let model = Linear::new(4, 2)?;
//! let mut optimizer = Adam { lr: 1e-2, ..Adam::default() }.over(model.parameters())?;
//! let loss = model.forward(&Tensor::ones(&[3, 4], DType::F32)?)?.square()?.mean()?;
//! optimizer.zero_grad()?;
//! loss.backward()?;
//! optimizer.step()?;
//! # Ok(())
//! # }
//! ```
//!
//! All parameters of a step go to the backend together, so that it can update many small ones at once.

mod optimizer;
mod rules;

pub use optimizer::Optimizer;
pub use rules::{Adam, AdamW, Optimize, Sgd};

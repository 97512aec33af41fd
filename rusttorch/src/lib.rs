//! RustTorch: tensors with PyTorch's semantics whose arithmetic is a pluggable backend.
//!
//! ```
//! use rusttorch::{DType, Tensor};
//!
//! # fn main() -> rusttorch::Result<()> {
//! let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0], &[2, 2])?.requires_grad_(true)?;
//! let y = (&x * &x)?.sum()?;
//! y.backward()?;
//! assert_eq!(x.grad().expect("a leaf's gradient").to_vec::<f32>()?, [2.0, 4.0, 6.0, 8.0]);
//! # Ok(())
//! # }
//! ```
//!
//! | where | what |
//! |---|---|
//! | [`Tensor`] | the array: creation, views, arithmetic, reductions, indexing |
//! | [`catalogue`] | every op by PyTorch's name, for callers without types |
//! | [`autograd`] | gradients: `no_grad`, `grad`, hooks |
//! | `linalg` | decompositions and solvers of matrices, under the feature `linalg` |
//! | [`nn`] | modules, losses |
//! | [`optim`] | SGD, Adam, AdamW |
//! | [`data`] | CSV, normalisation, splits, batches |
//! | [`io`] | saving and loading parameters |
//! | [`backends`] | choosing who computes; adding a backend |
//! | [`backend`] | the contract a backend implements, re-exported |
#![forbid(unsafe_code)]

pub mod autograd;
pub mod backends;
pub mod catalogue;
pub mod data;
pub mod io;
#[cfg(feature = "linalg")]
pub mod linalg;
pub mod nn;
pub mod optim;

mod dispatch;
mod display;
mod fmt;
mod ops;
mod storage;
mod tensor;

/// The contract: what a backend implements and is handed.
pub use rusttorch_backend as backend;

pub use autograd::{enable_grad, no_grad};
pub use ops::generator::{get_rng_state, manual_seed, set_rng_state, with_default_generator, with_generator};
pub use ops::out::with_out;
pub use ops::{
    Bound, Dims, Index, IndexList, Interpolation, MeshIndexing, Operand, Repeats, Rhs, Rounding,
    ScatterReduce, Sections, Sides, Spacing, Unique,
};
pub use rusttorch_backend::ops::Reduction;
pub use rusttorch_backend::threads::{num_threads, set_num_threads};
pub use rusttorch_backend::{
    DType, Element, ErrorKind, Generator, Layout, Result, Scalar, TensorError, bf16, f16, memory,
};
pub use tensor::{Tensor, TensorElement};

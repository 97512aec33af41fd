//! The contract of RustTorch.
//!
//! A backend is memory and arithmetic behind one small dynamic trait, [`Backend`], whose methods are
//! families of ops: each takes an op of a table, strided read-only [`View`]s and a preallocated
//! [`ViewMut`]. A frontend promotes dtypes, broadcasts, checks and allocates; a backend only computes.
//!
//! | module | subject |
//! |---|---|
//! | [`backend`] | the trait and the call contract |
//! | [`ops`] | the op tables |
//! | [`composed`] | defaults of the composed families |
//! | [`call`] | calls as values: wrapping a backend, or handing on what it leaves out, in one place |
//! | [`decorators`] | backends around another one: timed, compared, checked |
//! | [`delegate`](mod@delegate) | the chain: handing a family to the next backend, counted |
//! | [`capabilities`] | what a backend says of itself |
//! | [`layout`], [`nest`] | shapes and signed strides as algebra; walking several layouts together |
//! | [`view`], [`buffer`], [`memory`] | operands, host memory, its caching pool |
//! | [`dtype`], [`element`] | element types and promotion; scalars, Rust types and casts |
//! | [`rng`] | PyTorch's CPU random generator |
//! | [`error`] | the error type |
//!
//! A minimal backend forwards the four memory methods and `next` to another one and overrides the
//! family that it does better.

pub mod backend;
pub mod buffer;
pub mod call;
pub mod capabilities;
pub mod composed;
pub mod decorators;
pub mod delegate;
pub mod dtype;
pub mod element;
pub mod error;
pub mod layout;
pub mod memory;
pub mod nest;
pub mod ops;
pub mod rng;
pub mod threads;
pub mod view;

pub use backend::{Backend, ParamStep};
pub use buffer::{Allocation, Buffer, HostBuffer};
pub use call::Call;
pub use capabilities::{Capabilities, Family};
pub use dtype::{Category, DType, DTypeSet, ResultType};
pub use element::{Boolean, Element, Scalar};
pub use error::{ErrorKind, Result, TensorError};
pub use half::{bf16, f16};
pub use layout::{Layout, Shape, Strides};
pub use nest::Nest;
pub use rng::Generator;
pub use view::{View, ViewMut};

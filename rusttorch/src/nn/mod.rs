//! Neural networks.
//!
//! | file | what |
//! |---|---|
//! | `module` | the [`Module`] trait: forward, parameters by name, state |
//! | `linear`, `activation` | layers |
//! | `sequential` | layers one after another |
//! | [`functional`] | losses and `linear` as functions |
//! | [`init`] | filling parameters |

pub mod functional;
pub mod init;

mod activation;
mod linear;
mod module;
mod sequential;

pub use activation::{
    ELU, GELU, LeakyReLU, LogSigmoid, LogSoftmax, Mish, ReLU, SELU, SiLU, Sigmoid, Softmax, Softplus,
    Softsign, Tanh,
};
pub use linear::Linear;
pub use module::Module;
pub use sequential::Sequential;

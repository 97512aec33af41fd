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
    CELU, ELU, GELU, GLU, GeluForm, Hardshrink, Hardsigmoid, Hardswish, Hardtanh, LeakyReLU, LogSigmoid,
    LogSoftmax, Mish, PReLU, ReLU, ReLU6, SELU, SiLU, Sigmoid, Softmax, Softmin, Softplus, Softshrink,
    Softsign, Tanh, Tanhshrink, Threshold,
};
pub use linear::Linear;
pub use module::Module;
pub use sequential::Sequential;

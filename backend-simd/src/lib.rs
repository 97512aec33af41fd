//! The hand-vectorised CPU backend.

mod arch;
mod math;

pub use arch::Level;

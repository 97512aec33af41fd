//! The hand-vectorised CPU backend.

mod arch;

pub use arch::Level;

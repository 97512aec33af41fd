//! The hand-vectorised CPU backend.

mod arch;
mod drive;
mod elementwise;
mod math;

pub use arch::Level;

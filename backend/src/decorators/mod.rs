//! Backends around another one, which they forward every call to.
//!
//! | decorator | what it adds |
//! |---|---|
//! | [`Traced`] | how often each family was called, and how long it took |
//! | [`Compared`] | a second backend makes every call, too; the first difference is an error |
//! | [`Checked`] | the caller's side of the [call contract](crate::backend) is verified before every call |
//!
//! Each is an ordinary [`Backend`](crate::Backend): it has a name of its own, the one it decorates is its
//! [`next`](crate::Backend::next), memory and capabilities are that one's, and decorators can be stacked. What a
//! backend composes of its own primitives is one call to them, as it is to the caller.

mod checked;
mod compared;
mod traced;

pub use checked::Checked;
pub use compared::{Compared, Tolerance};
pub use traced::{Trace, TraceRow, Traced};

#[cfg(test)]
mod tests;

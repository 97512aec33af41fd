//! Calls of a backend as values, so that who wraps or hands on backends does it once and not method by method.
//!
//! [`forward_calls!`](crate::forward_calls) implements every family of [`Backend`] by one function that is handed a
//! [`Call`]; the function may look at it, run it on another backend before or after something else, or refuse it.
//! [`forward_memory!`](crate::forward_memory) does the same for the methods about memory. A backend that counts what
//! another one computes:
//!
//! ```
//! use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
//! use rusttorch_backend::{Backend, Call, Capabilities, Result, forward_calls, forward_memory};
//!
//! #[derive(Debug)]
//! struct Counting<B> { inner: B, calls: AtomicU64 }
//!
//! impl<B: Backend> Counting<B> {
//!     fn call(&self, mut call: Call<'_>) -> Result<()> {
//!         self.calls.fetch_add(1, Relaxed);
//!         call.run(&self.inner)
//!     }
//! }
//!
//! impl<B: Backend> Backend for Counting<B> {
//!     fn name(&self) -> &'static str { "counting" }
//!     fn next(&self) -> Option<&dyn Backend> { Some(&self.inner) }
//!     fn capabilities(&self) -> Capabilities { self.inner.capabilities() }
//!     forward_memory!(inner);
//!     forward_calls!(Self::call);
//! }
//! ```

mod table;

use std::fmt;

use crate::backend::{Backend, ParamStep};
use crate::buffer::HostBuffer;
use crate::capabilities::Family;
use crate::delegate::delegate;
use crate::error::{ErrorKind, Result, TensorError};
use crate::rng::Generator;
use crate::view::{View, ViewMut};

crate::call_table! { define: }

/// Implements every family of [`Backend`] inside of its `impl`, by a function
/// `fn(&Self, Call<'_>) -> Result<()>`, given by its path. See [`call`](crate::call).
#[macro_export]
macro_rules! forward_calls {
    ($($through:tt)*) => { $crate::call_table! { forward ($($through)*): } };
}

/// Implements `alloc`, `upload`, `download` and `synchronize` of [`Backend`] inside of its `impl`, by those of the
/// backend in a field. See [`call`](crate::call).
#[macro_export]
macro_rules! forward_memory {
    ($field:tt) => {
        fn alloc(&self, bytes: usize) -> $crate::Result<$crate::Allocation> {
            self.$field.alloc(bytes)
        }

        fn upload(&self, src: &[u8], dst: &mut dyn $crate::Buffer, at: usize) -> $crate::Result<()> {
            self.$field.upload(src, dst, at)
        }

        fn download(&self, src: &dyn $crate::Buffer, at: usize, dst: &mut [u8]) -> $crate::Result<()> {
            self.$field.download(src, at, dst)
        }

        fn synchronize(&self) -> $crate::Result<()> {
            self.$field.synchronize()
        }
    };
}

impl Call<'_> {
    /// Hands the call to `from.next()`, counted and under the policy of [`delegate`](mod@crate::delegate). All memory
    /// must be the host's. Errors: `Unsupported` when there is no next backend or the policy refuses; and what the
    /// call gives.
    pub fn hand_on<B: Backend + ?Sized>(&mut self, from: &B) -> Result<()> {
        delegate(from, self.family(), [], [], |next, [], []| self.run(next))
    }
}

/// Copies of what a call writes, so that it can be made twice.
#[derive(Debug)]
pub(crate) struct Spare {
    buffers: Vec<HostBuffer>,
    generator: Option<Generator>,
}

impl Spare {
    /// Copies of the results of `call` as they are now. Error: `Backend` for memory of a device.
    pub(crate) fn of(call: &Call<'_>) -> Result<Spare> {
        let copy = |(name, view): (&'static str, View<'_>)| match view.buffer().as_host() {
            Some(host) => HostBuffer::from_bytes(host.as_bytes()),
            None => {
                Err(TensorError::new(ErrorKind::Backend, call.method(), "an operand is not in host memory")
                    .with("operand", name))
            }
        };
        let buffers = call.results().into_iter().map(copy).collect::<Result<_>>()?;
        Ok(Spare { buffers, generator: call.generator().cloned() })
    }

    /// Whether the generator has come as far as that of `call`.
    pub(crate) fn generator_agrees(&self, call: &Call<'_>) -> bool {
        self.generator.as_ref() == call.generator()
    }
}

fn lost() -> TensorError {
    TensorError::new(ErrorKind::Internal, "call", "operand count changed")
}

fn replaced<'s>(
    out: &'s ViewMut<'_>,
    buffers: &mut impl Iterator<Item = &'s mut HostBuffer>,
) -> Result<ViewMut<'s>> {
    ViewMut::new(buffers.next().ok_or_else(lost)?, out.layout(), out.dtype())
}

fn replaced_steps<'s>(
    steps: &'s [ParamStep<'_>],
    buffers: &mut impl Iterator<Item = &'s mut HostBuffer>,
) -> Result<Vec<ParamStep<'s>>> {
    let mut list = Vec::with_capacity(steps.len());
    for p in steps {
        let param = replaced(&p.param, buffers)?;
        let state = p.state.iter().map(|s| replaced(s, buffers)).collect::<Result<_>>()?;
        list.push(ParamStep { param, grad: p.grad, state, step: p.step });
    }
    Ok(list)
}

/// `x float32 [2, 3]`.
fn operand(name: &str, view: View<'_>) -> String {
    format!("{name} {} {:?}", view.dtype(), view.shape())
}

#[cfg(test)]
mod tests;

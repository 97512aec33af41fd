//! Defaults of the composed families: built from a backend's own primitives, so that data never leave
//! its memory. They are what a backend starts with and what its fused overrides are tested against.
//!
//! | file | families |
//! |---|---|
//! | `softmax` | softmax, log-softmax and their backward |
//! | `activation` | activations with a fused backward |
//! | `norm` | layer, batch, group, instance and root-mean-square norm |
//! | `loss`, `loss_backward` | losses and their gradients |
//! | `conv` | convolution and pooling |
//! | `attention` | embedding and scaled dot-product attention |
//! | `optimizer` | optimizer steps |
//! | `random` | random fills |
//! | `search` | binary search |
//!
//! Each function has the contract of the [`Backend`] method of its name. Half types are computed in
//! f32 temporaries and rounded once, when the result is written. Windows, broadcasts and transposes are
//! layouts, not copies. A result without elements is written by doing nothing, before any primitive runs.

mod activation;
mod attention;
mod calc;
mod conv;
mod loss;
mod loss_backward;
mod norm;
mod optimizer;
mod random;
mod search;
mod softmax;

pub use activation::{activation, activation_backward};
pub use attention::{attention, embedding};
pub use conv::{conv, pool};
pub use loss::loss;
pub use loss_backward::loss_backward;
pub use norm::norm;
pub use optimizer::optimizer_step;
pub use random::random;
pub use search::searchsorted;
pub use softmax::{softmax, softmax_backward};

use crate::backend::Backend;
use crate::buffer::Allocation;
use crate::dtype::DType;
use crate::error::Result;
use crate::layout::Layout;
use crate::view::{View, ViewMut};

/// A contiguous temporary in a backend's memory.
pub(crate) struct Temp {
    buffer: Allocation,
    layout: Layout,
    dtype: DType,
}

impl Temp {
    /// Unspecified contents. Error: `Memory`.
    pub(crate) fn new<B: Backend + ?Sized>(be: &B, shape: &[usize], dtype: DType) -> Result<Temp> {
        let layout = Layout::contiguous("temporary", shape)?;
        // A size that saturates here is one that no allocator has.
        let bytes = layout.numel().saturating_mul(dtype.size());
        Ok(Temp { buffer: be.alloc(bytes)?, layout, dtype })
    }

    /// A copy of `x`, cast to `dtype`.
    pub(crate) fn copy_of<B: Backend + ?Sized>(be: &B, x: View<'_>, dtype: DType) -> Result<Temp> {
        let mut temp = Temp::new(be, x.shape(), dtype)?;
        be.copy(x, temp.out()?)?;
        Ok(temp)
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) fn view(&self) -> Result<View<'_>> {
        View::new(&*self.buffer, &self.layout, self.dtype)
    }

    pub(crate) fn out(&mut self) -> Result<ViewMut<'_>> {
        ViewMut::new(&mut *self.buffer, &self.layout, self.dtype)
    }
}

/// The dtype in which a composition is computed: f32 for the half types, else the dtype itself.
pub(crate) fn wide(dtype: DType) -> DType {
    if dtype.is_half() { DType::F32 } else { dtype }
}

/// Runs an op whose output is one of its inputs through a temporary of the same dtype.
pub fn through_temporary<B: Backend + ?Sized>(
    be: &B,
    io: ViewMut<'_>,
    op: impl FnOnce(View<'_>, ViewMut<'_>) -> Result<()>,
) -> Result<()> {
    let mut temp = Temp::new(be, io.shape(), io.dtype())?;
    op(io.as_view(), temp.out()?)?;
    be.copy(temp.view()?, io)
}

//! Comparisons: two operands, result bool.

use rusttorch_backend::layout::broadcast_shapes;
use rusttorch_backend::ops::CompareOp;
use rusttorch_backend::{DType, Result, ResultType};

use super::args::Operand;
use super::binary::fits_in_place;
use crate::autograd::no_grad;
use crate::dispatch;
use crate::tensor::Tensor;

fn compare(op: CompareOp, a: &Tensor, b: Operand<'_>) -> Result<Tensor> {
    let dtype = b.join(ResultType::new().tensor(a.dtype(), a.rank())).dtype();
    if let (Operand::Scalar(number), true) = (b, dtype == a.dtype()) {
        return dispatch::compute_with_number(op.name(), a, number, DType::Bool, |be, [a, b], out| {
            be.compare(op, a, b, out)
        });
    }
    // Nothing is differentiated through a comparison.
    no_grad(|| {
        let (a, b) = (a.to_dtype(dtype)?, b.to_tensor(dtype, a.shape())?);
        let shape = broadcast_shapes(op.name(), a.shape(), b.shape())?;
        let (a, b) = (a.broadcast_to(&shape)?, b.broadcast_to(&shape)?);
        dispatch::compute(op.name(), [&a, &b], &shape, DType::Bool, |be, [a, b], out| {
            be.compare(op, a, b, out)
        })
    })
}

fn compare_in_place(op: CompareOp, a: &Tensor, b: Operand<'_>) -> Result<Tensor> {
    let value = compare(op, a, b)?;
    fits_in_place(op.name(), a, value.shape())?;
    a.copy_(&value)
}

macro_rules! compare_methods {
    ($($(#[$doc:meta])* $variant:ident $method:ident $assign:ident $torch:literal $rule:ident;)*) => {
        /// Comparisons of `a` (this tensor) with `b` (a tensor or a number), which are promoted to one dtype
        /// and broadcast to one shape. Error: `Shape` where they do not broadcast.
        impl Tensor {
            $(
                $(#[$doc])*
                ///
                #[doc = concat!("PyTorch: `", $torch, "`.")]
                pub fn $method<'a>(&self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
                    compare(CompareOp::$variant, self, other.into())
                }
                #[doc = concat!("In-place [`", stringify!($method), "`](Self::", stringify!($method), "): writes 0 and 1 in the tensor's own dtype.")]
                pub fn $assign<'a>(&self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
                    compare_in_place(CompareOp::$variant, self, other.into())
                }
            )*
        }
    };
}

rusttorch_backend::compare_table! { compare_methods }

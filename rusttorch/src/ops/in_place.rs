//! In-place forms of ops that have no kernel for it: the value is computed, then copied.

use rusttorch_backend::{DType, ErrorKind, Result, TensorError};

use crate::autograd::in_place;
use crate::dispatch;
use crate::tensor::Tensor;

/// Writes `value(target)` into `target`, cast to its dtype, and returns the target. `inputs` are the other
/// tensors that take part. Errors: `Shape` where the value has another shape, `DType` where its dtype is of a
/// higher category; those of `value`, and of in-place ops in general.
pub(crate) fn by_value(
    op: &'static str,
    target: &Tensor,
    inputs: &[&Tensor],
    value: &dyn Fn(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let fitting = |x: &Tensor| {
        let value = value(x)?;
        if value.shape() != target.shape() {
            return Err(TensorError::new(
                ErrorKind::Shape,
                op,
                "an in-place op cannot change the shape of its target",
            )
            .with("target", target.shape())
            .with("result", value.shape()));
        }
        category_fits(op, value.dtype(), target.dtype())?;
        value.to_dtype(target.dtype())
    };
    let direct = || {
        let value = fitting(&target.detach())?;
        dispatch::write_in_place(op, target, [&value], |b, io, [v]| b.copy(v, io))
    };
    in_place(op, target, inputs, direct, || fitting(&target.before_write()?))
}

/// Error: `DType` where a result of one dtype cannot be cast to another that is there already: a float to an
/// integer, a number to bool.
pub(crate) fn category_fits(op: &'static str, result: DType, target: DType) -> Result<()> {
    if result.category() <= target.category() {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::DType, op, "result cannot be cast to the dtype of what it is written to")
        .with("result", result)
        .with("target", target))
}

//! Softmax and log-softmax.

use rusttorch_backend::layout::normalize_dim;
use rusttorch_backend::ops::SoftmaxOp;
use rusttorch_backend::{ErrorKind, Result, TensorError};
use smallvec::smallvec;

use crate::autograd::{Saved, is_grad_enabled, record};
use crate::dispatch;
use crate::tensor::Tensor;

fn softmax(op: SoftmaxOp, x: &Tensor, dim: isize) -> Result<Tensor> {
    let name = op.name();
    let axis = normalize_dim(name, dim, x.rank())?;
    if !x.dtype().is_float() {
        return Err(TensorError::new(ErrorKind::NotImplemented, name, "needs a floating-point tensor")
            .with("dtype", x.dtype()));
    }
    if x.rank() == 0 {
        return softmax(op, &x.reshape([1])?, 0)?.reshape([]);
    }
    let out = dispatch::compute_like(name, [x], x.dtype(), |b, [x], out| b.softmax(op, x, axis, out))?;
    let title = match op {
        SoftmaxOp::Softmax => "Softmax",
        SoftmaxOp::LogSoftmax => "LogSoftmax",
    };
    Ok(record(title, out, [x], |y| {
        let y = Saved::output(y);
        Box::new(move |context, g| Ok(smallvec![Some(gradient(op, g, &y.unpack(context)?, axis)?)]))
    }))
}

/// Softmax `y * (g - sum(g y))`, log-softmax `g - e^y sum(g)`: fused where nothing is recorded, in `Tensor`
/// ops where it is.
fn gradient(op: SoftmaxOp, g: &Tensor, y: &Tensor, axis: usize) -> Result<Tensor> {
    if !is_grad_enabled() {
        return dispatch::compute_like("softmax_backward", [g, y], y.dtype(), |b, [g, y], out| {
            b.softmax_backward(op, g, y, axis, out)
        });
    }
    match op {
        SoftmaxOp::Softmax => y.mul(&g.sub(&g.mul(y)?.sum_dim(axis as isize, true)?)?),
        SoftmaxOp::LogSoftmax => g.sub(&y.exp()?.mul(&g.sum_dim(axis as isize, true)?)?),
    }
}

impl Tensor {
    /// `e^x / sum(e^x)` along `dim`, stable. A row of -inf gives NaN. PyTorch: `torch.softmax`.
    /// Errors: `Dim`, `NotImplemented` for integers and bool.
    pub fn softmax(&self, dim: isize) -> Result<Tensor> {
        softmax(SoftmaxOp::Softmax, self, dim)
    }

    /// `x - log(sum(e^x))` along `dim`, stable. PyTorch: `torch.log_softmax`.
    /// Errors: `Dim`, `NotImplemented` for integers and bool.
    pub fn log_softmax(&self, dim: isize) -> Result<Tensor> {
        softmax(SoftmaxOp::LogSoftmax, self, dim)
    }
}

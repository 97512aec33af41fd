//! Matrix products.

use rusttorch_backend::layout::broadcast_shapes;
use rusttorch_backend::{DType, ErrorKind, Result, TensorError};
use smallvec::{SmallVec, smallvec};

use crate::autograd::{Saved, record};
use crate::dispatch;
use crate::tensor::Tensor;

impl Tensor {
    /// Matrix product, by rank: `[K] x [K] -> []`, `[M, K] x [K] -> [M]`, `[K] x [K, N] -> [N]`,
    /// `[.., M, K] x [.., K, N] -> [.., M, N]` with the leading dimensions broadcast. K = 0 gives zeros;
    /// integers wrap. PyTorch: `torch.matmul`. Errors: `Shape` where the inner sizes differ, an operand is
    /// 0-d or the batches do not broadcast; `DType` where the dtypes differ; `NotImplemented` for bool.
    pub fn matmul(&self, other: &Tensor) -> Result<Tensor> {
        let (a, b) = (self, other);
        let fail =
            |kind, rule| TensorError::new(kind, "matmul", rule).with("lhs", a.shape()).with("rhs", b.shape());
        if a.dtype() != b.dtype() {
            return Err(TensorError::new(ErrorKind::DType, "matmul", "operands differ in dtype")
                .with("lhs", a.dtype())
                .with("rhs", b.dtype()));
        }
        if a.dtype() == DType::Bool {
            return Err(TensorError::new(
                ErrorKind::NotImplemented,
                "matmul",
                "not implemented for this dtype",
            )
            .with("dtype", a.dtype()));
        }
        if a.rank() == 0 || b.rank() == 0 {
            return Err(fail(ErrorKind::Shape, "both operands need at least 1 dimension"));
        }
        // A vector on the left is a row, on the right a column; its dimension is dropped at the end.
        let (row, column) = (a.rank() == 1, b.rank() == 1);
        let a = if row { &a.unsqueeze(0)? } else { a };
        let b = if column { &b.unsqueeze(1)? } else { b };
        let (m, k) = (a.size(-2)?, a.size(-1)?);
        let (k2, n) = (b.size(-2)?, b.size(-1)?);
        if k != k2 {
            return Err(fail(ErrorKind::Shape, "inner sizes differ"));
        }
        let (batch_a, batch_b) = (&a.shape()[..a.rank() - 2], &b.shape()[..b.rank() - 2]);
        let out = if batch_a == batch_b {
            product(a, b)?
        } else {
            let batch = broadcast_shapes("matmul", batch_a, batch_b)
                .map_err(|_| fail(ErrorKind::Shape, "leading sizes cannot be broadcast together"))?;
            let with = |tail: [usize; 2]| batch.iter().copied().chain(tail).collect::<SmallVec<[usize; 6]>>();
            product(&a.broadcast_to(&with([m, k]))?, &b.broadcast_to(&with([k, n]))?)?
        };
        match (row, column) {
            (false, false) => Ok(out),
            (true, false) => out.squeeze(-2),
            (false, true) => out.squeeze(-1),
            (true, true) => out.reshape([]),
        }
    }
}

/// `[.., M, K] x [.., K, N]` with equal leading sizes and dtypes.
fn product(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let mut shape: SmallVec<[usize; 6]> = a.shape().into();
    let last = shape.len() - 1;
    shape[last] = b.shape()[last];
    let out = dispatch::compute("matmul", [a, b], &shape, a.dtype(), |be, [a, b], out| be.matmul(a, b, out))?;
    if !out.dtype().is_float() {
        return Ok(out);
    }
    Ok(record("Mm", out, [a, b], |_| {
        // Each operand is needed for the gradient of the other.
        let kept_a = b.requires_grad().then(|| Saved::input(a));
        let kept_b = a.requires_grad().then(|| Saved::input(b));
        Box::new(move |context, g| {
            let of_a = kept_b.as_ref().map(|b| product(g, &b.unpack(context)?.mt()?)).transpose()?;
            let of_b = kept_a.as_ref().map(|a| product(&a.unpack(context)?.mt()?, g)).transpose()?;
            Ok(smallvec![of_a, of_b])
        })
    }))
}

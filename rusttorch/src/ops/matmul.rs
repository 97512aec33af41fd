//! Matrix products of two operands: the one kernel behind them, and `matmul`, which chooses by rank.

use rusttorch_backend::layout::{broadcast_shapes, numel};
use rusttorch_backend::{DType, ErrorKind, Result, TensorError};
use smallvec::{SmallVec, smallvec};

use crate::autograd::{Saved, record};
use crate::dispatch;
use crate::tensor::Tensor;

type Sizes = SmallVec<[isize; 6]>;

impl Tensor {
    /// Matrix product, by rank: `[K] x [K] -> []`, `[M, K] x [K] -> [M]`, `[K] x [K, N] -> [N]`,
    /// `[.., M, K] x [.., K, N] -> [.., M, N]` with the leading dimensions broadcast. K = 0 gives zeros;
    /// integers wrap. PyTorch: `torch.matmul`. Errors: `Shape` where the inner sizes differ, an operand is
    /// 0-d or the batches do not broadcast; `DType` where the dtypes differ; `NotImplemented` for bool.
    pub fn matmul(&self, other: &Tensor) -> Result<Tensor> {
        const OP: &str = "matmul";
        let (a, b) = (self, other);
        check_dtypes(OP, a, b)?;
        match (a.rank(), b.rank()) {
            (0, _) | (_, 0) => Err(fail(OP, "both operands need at least 1 dimension", a, b)),
            (1, 1) => dot(OP, "Dot", a, b),
            (2, 1) => mv(OP, a, b),
            (1, 2) => rows(OP, &a.unsqueeze(0)?, b, a, b)?.squeeze(0),
            (2, 2) => rows(OP, a, b, a, b),
            // All rows of a batch by one matrix: one product, and one gradient of the matrix rather than one
            // for every element of the batch.
            (_, 1 | 2) if b.requires_grad() || as_rows(a).is_some() => by_one(OP, a, b),
            (1 | 2, _) if a.requires_grad() => by_one_from_the_left(OP, a, b),
            _ => batches(OP, a, b),
        }
    }
}

fn fail(op: &'static str, rule: &'static str, a: &Tensor, b: &Tensor) -> TensorError {
    TensorError::new(ErrorKind::Shape, op, rule).with("lhs", a.shape()).with("rhs", b.shape())
}

/// Errors: `DType` where the dtypes differ; `NotImplemented` for bool.
pub(super) fn check_dtypes(op: &'static str, a: &Tensor, b: &Tensor) -> Result<()> {
    if a.dtype() != b.dtype() {
        return Err(TensorError::new(ErrorKind::DType, op, "operands differ in dtype")
            .with("lhs", a.dtype())
            .with("rhs", b.dtype()));
    }
    if a.dtype() == DType::Bool {
        return Err(TensorError::new(ErrorKind::NotImplemented, op, "not implemented for this dtype")
            .with("dtype", a.dtype()));
    }
    Ok(())
}

/// `[M, K] x [K, N]` of one dtype; an error names the operands that the user gave.
fn rows(op: &'static str, a: &Tensor, b: &Tensor, left: &Tensor, right: &Tensor) -> Result<Tensor> {
    if a.shape()[1] != b.shape()[0] {
        return Err(fail(op, "inner sizes differ", left, right));
    }
    product(op, a, b)
}

/// The sizes of a batch of matrices taken as the rows of one, if that is a view.
fn as_rows(a: &Tensor) -> Option<[usize; 2]> {
    let (&k, lead) = a.shape().split_last()?;
    let sizes = [numel("matmul", lead).ok()?, k];
    a.layout().reshape(&sizes).map(|_| sizes)
}

/// `[.., M, K]` by `[K, N]` or `[K]`.
fn by_one(op: &'static str, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let Some((&k, lead)) = a.shape().split_last() else { return batches(op, a, b) };
    if k != b.shape()[0] {
        return Err(fail(op, "inner sizes differ", a, b));
    }
    let flat = a.reshape([numel(op, lead)? as isize, k as isize])?;
    let out = if b.rank() == 1 { mv(op, &flat, b)? } else { product(op, &flat, b)? };
    let shape: Sizes = lead.iter().chain(&b.shape()[1..]).map(|&n| n as isize).collect();
    out.reshape(&shape)
}

/// `[M, K]` or `[K]` by `[.., K, N]`: the transpose of [`by_one`].
fn by_one_from_the_left(op: &'static str, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.shape().last() != Some(&b.size(-2)?) {
        return Err(fail(op, "inner sizes differ", a, b));
    }
    let out = by_one(op, &b.mt()?, &a.t()?)?;
    if a.rank() == 1 { Ok(out) } else { out.mt()?.contiguous() }
}

/// Any ranks from 1 on, by broadcasting the batches.
fn batches(op: &'static str, left: &Tensor, right: &Tensor) -> Result<Tensor> {
    // A vector on the left is a row, on the right a column; its dimension is dropped at the end.
    let (row, column) = (left.rank() == 1, right.rank() == 1);
    let a = if row { &left.unsqueeze(0)? } else { left };
    let b = if column { &right.unsqueeze(1)? } else { right };
    let (m, k) = (a.size(-2)?, a.size(-1)?);
    let (k2, n) = (b.size(-2)?, b.size(-1)?);
    if k != k2 {
        return Err(fail(op, "inner sizes differ", left, right));
    }
    let (batch_a, batch_b) = (&a.shape()[..a.rank() - 2], &b.shape()[..b.rank() - 2]);
    let out = if batch_a == batch_b {
        product(op, a, b)?
    } else {
        let batch = broadcast_shapes(op, batch_a, batch_b)
            .map_err(|_| fail(op, "leading sizes cannot be broadcast together", left, right))?;
        let with = |tail: [usize; 2]| batch.iter().copied().chain(tail).collect::<SmallVec<[usize; 6]>>();
        product(op, &a.broadcast_to(&with([m, k]))?, &b.broadcast_to(&with([k, n]))?)?
    };
    match (row, column) {
        (true, _) => out.squeeze(-2),
        (false, true) => out.squeeze(-1),
        (false, false) => Ok(out),
    }
}

/// The kernel, with nothing recorded: `[.., M, K] x [.., K, N]` with equal leading sizes and dtypes.
fn kernel(op: &'static str, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let mut shape: SmallVec<[usize; 6]> = a.shape().into();
    let last = shape.len() - 1;
    shape[last] = b.shape()[last];
    dispatch::compute(op, [a, b], &shape, a.dtype(), |be, [a, b], out| be.matmul(a, b, out))
}

/// `[.., M, K] x [.., K, N]` with equal leading sizes and dtypes.
pub(super) fn product(op: &'static str, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let out = kernel(op, a, b)?;
    if !out.dtype().is_float() {
        return Ok(out);
    }
    Ok(record(if a.rank() == 2 { "Mm" } else { "Bmm" }, out, [a, b], |_| {
        // Each operand is needed for the gradient of the other.
        let kept_a = b.requires_grad().then(|| Saved::input(a));
        let kept_b = a.requires_grad().then(|| Saved::input(b));
        Box::new(move |context, g| {
            let of_a = kept_b.as_ref().map(|b| product(op, g, &b.unpack(context)?.mt()?)).transpose()?;
            let of_b = kept_a.as_ref().map(|a| product(op, &a.unpack(context)?.mt()?, g)).transpose()?;
            Ok(smallvec![of_a, of_b])
        })
    }))
}

/// `[M, K] x [K]` of one dtype. Error: `Shape` where the inner sizes differ.
pub(super) fn mv(op: &'static str, a: &Tensor, v: &Tensor) -> Result<Tensor> {
    if a.shape()[1] != v.shape()[0] {
        return Err(fail(op, "inner sizes differ", a, v));
    }
    // Nothing is recorded yet, so dropping the dimension is no op of its own in the graph.
    let out = kernel(op, a, &v.detach().unsqueeze(1)?)?.squeeze(1)?.detach();
    if !out.dtype().is_float() {
        return Ok(out);
    }
    Ok(record("Mv", out, [a, v], |_| {
        let kept_a = v.requires_grad().then(|| Saved::input(a));
        let kept_v = a.requires_grad().then(|| Saved::input(v));
        Box::new(move |context, g| {
            let outer = |v: &Saved| g.unsqueeze(1)?.mul(&v.unpack(context)?);
            let of_a = kept_v.as_ref().map(outer).transpose()?;
            let of_v = kept_a.as_ref().map(|a| mv(op, &a.unpack(context)?.t()?, g)).transpose()?;
            Ok(smallvec![of_a, of_v])
        })
    }))
}

/// `[K] x [K]` of one dtype. Error: `Shape` where the sizes differ.
pub(super) fn dot(op: &'static str, title: &'static str, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.shape() != b.shape() {
        return Err(fail(op, "inner sizes differ", a, b));
    }
    let out = kernel(op, &a.detach().unsqueeze(0)?, &b.detach().unsqueeze(1)?)?.reshape([])?.detach();
    if !out.dtype().is_float() {
        return Ok(out);
    }
    Ok(record(title, out, [a, b], |_| {
        let kept_a = b.requires_grad().then(|| Saved::input(a));
        let kept_b = a.requires_grad().then(|| Saved::input(b));
        Box::new(move |context, g| {
            let of_a = kept_b.as_ref().map(|b| g.mul(&b.unpack(context)?)).transpose()?;
            let of_b = kept_a.as_ref().map(|a| g.mul(&a.unpack(context)?)).transpose()?;
            Ok(smallvec![of_a, of_b])
        })
    }))
}

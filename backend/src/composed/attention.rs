//! Embedding and scaled dot-product attention.

use smallvec::SmallVec;

use super::calc::{Calc, Operand};
use crate::backend::Backend;
use crate::element::Scalar;
use crate::error::{ErrorKind, Result, TensorError};
use crate::layout::Shape;
use crate::ops::{Attention, CompareOp, ReduceOp, SoftmaxOp};
use crate::view::{View, ViewMut};

/// Default of [`Backend::embedding`]: `out[i.., :] = weight[index[i..], :]`.
///
/// `index` i64 `[..]`, `weight` `[V, E]`, `out` `[.., E]` of the dtype of `weight`, any. Bits are kept.
/// Error: `IndexValue` for an index outside of `0..V`.
pub fn embedding<B: Backend + ?Sized>(
    be: &B,
    index: View<'_>,
    weight: View<'_>,
    out: ViewMut<'_>,
) -> Result<()> {
    const OP: &str = "embedding";
    if out.numel() == 0 {
        return Ok(());
    }
    let &[rows, width] = weight.shape() else {
        return Err(
            TensorError::new(ErrorKind::Shape, OP, "weight is not a matrix").with("weight", weight.shape())
        );
    };
    let out_layout = out.layout();
    // The table repeated over all axes of the index but the last, and the index repeated along the
    // rows: one gather, no copy. A 0-d index counts as one of one element.
    let (index_layout, out_layout) = if index.layout().rank() == 0 {
        (index.layout().unsqueeze(0)?, out_layout.unsqueeze(0)?)
    } else {
        (index.layout().clone(), out_layout.clone())
    };
    let axis = index_layout.rank() - 1;
    let mut table = Shape::from_slice(&index_layout.shape()[..axis]);
    table.extend([rows, width]);
    let table = weight.layout().broadcast_to(&table)?;
    let index_layout = index_layout.unsqueeze(-1)?.broadcast_to(out_layout.shape())?;
    let mut out = out;
    be.gather(
        weight.with_layout(&table)?,
        axis,
        index.with_layout(&index_layout)?,
        out.with_layout(&out_layout)?,
    )
}

/// Default of [`Backend::attention`]: `softmax(q k^T * scale + mask) v` with the softmax over the keys.
///
/// `q` `[.., L, E]`, `k` `[.., S, E]`, `v` `[.., S, F]`, `mask` `[.., L, S]`, `out` `[.., L, F]`, equal
/// leading sizes, one float dtype. A query whose scores are all -inf, or that has no keys, gives zeros;
/// NaN in its scores gives NaN.
pub fn attention<B: Backend + ?Sized>(
    be: &B,
    attention: Attention,
    q: View<'_>,
    k: View<'_>,
    v: View<'_>,
    mask: Option<View<'_>>,
    mut out: ViewMut<'_>,
) -> Result<()> {
    if out.numel() == 0 {
        return Ok(());
    }
    let (queries, keys) = (q.shape(), k.shape());
    if queries.len() < 2 || keys.len() != queries.len() {
        return Err(TensorError::new(ErrorKind::Shape, "attention", "operands are not matrices of one rank")
            .with("q", queries)
            .with("k", keys));
    }
    let last = queries.len() - 1;
    if keys[last - 1] == 0 {
        return be.fill(Scalar::Float(0.0), out);
    }
    let c = Calc::new(be, q.dtype());
    let (q, k, v) = (c.input(q)?, c.input(k)?, c.input(v)?);

    let mut shape: SmallVec<[usize; 6]> = SmallVec::from_slice(queries);
    shape[last] = keys[last - 1];
    let mut products = c.temp(&shape)?;
    let k = k.view()?;
    let transposed = k.layout().transpose(-2, -1)?;
    be.matmul(q.view()?, k.with_layout(&transposed)?, products.out()?)?;
    let mut scores = c.times(&products, attention.scale)?;
    drop(products);
    if let Some(mask) = mask {
        scores = c.add(&scores, &c.input(mask)?)?;
    }

    let mut shares = c.temp(&shape)?;
    be.softmax(SoftmaxOp::Softmax, scores.view()?, last, shares.out()?)?;
    // A maximum of -inf says that all of the row is -inf; its shares are NaN so far.
    let largest = c.reduce(ReduceOp::Amax, &scores, &[last])?;
    let masked = c.compare_with(CompareOp::Eq, &largest, f64::NEG_INFINITY)?;
    drop(scores);
    let mut weights = c.temp(&shape)?;
    c.select_to(&masked, &c.constant(0.0)?, &shares, weights.out()?)?;
    c.finish(out.reborrow(), |out| be.matmul(weights.view()?, v.view()?, out))
}

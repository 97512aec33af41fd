//! Matrix products, normalised as a frontend does: vectors get an axis, batches are broadcast.

use rusttorch_backend::Family;
use rusttorch_backend::layout::broadcast_shapes;

use super::{DTYPE_RULE, Plan, SHAPE_RULE, raised, values};
use crate::call::{Call, Operand, Output};
use crate::case::Case;
use crate::dense::Dense;

pub(super) fn matmul(case: &Case) -> Option<Plan<'_>> {
    if let Some(class) = raised(case) {
        return Some(Plan::Other(if class == "NotImplementedError" { DTYPE_RULE } else { SHAPE_RULE }));
    }
    let (a, b) = (case.tensor(0)?, case.tensor(1)?);
    let [expected] = values(case)? else { return None };
    let a = if a.shape().len() == 1 { a.reshaped(&[1, a.numel()])? } else { a.clone() };
    let b = if b.shape().len() == 1 { b.reshaped(&[b.numel(), 1])? } else { b.clone() };
    let (batch_a, [m, k]) = split(&a)?;
    let (batch_b, [_, n]) = split(&b)?;
    let batch = broadcast_shapes("case", batch_a, batch_b).ok()?.to_vec();
    let with = |rows: usize, columns: usize| [&batch[..], &[rows, columns]].concat();
    let expected = expected.reshaped(&with(m, n))?;
    let operands = vec![Operand { shape: with(m, k), dense: a }, Operand { shape: with(k, n), dense: b }];
    let magnitude = products(&operands, [m, k, n]);
    let dtype = expected.dtype();
    let output = Output::of("matmul", expected).or(case.alternative(0)).conditioned(magnitude);
    let used = (Family::Matmul, "matmul", dtype);
    let call = Call::new(vec![used], operands, vec![output], |be, x, mut outs| match outs.pop() {
        Some(out) => be.matmul(x[0], x[1], out),
        None => Ok(()),
    });
    Some(Plan::one(call))
}

/// Leading sizes and the last two.
fn split(dense: &Dense) -> Option<(&[usize], [usize; 2])> {
    let at = dense.shape().len().checked_sub(2)?;
    let (batch, last) = dense.shape().split_at(at);
    Some((batch, [last[0], last[1]]))
}

/// `|a| |b|`, which conditions the bound of a product.
fn products(operands: &[Operand], [m, k, n]: [usize; 3]) -> Vec<f64> {
    let flat =
        |o: &Operand| o.dense.broadcast_to(&o.shape).to_f64().into_iter().map(f64::abs).collect::<Vec<_>>();
    let (a, b) = (flat(&operands[0]), flat(&operands[1]));
    let batches: usize = operands[0].shape[..operands[0].shape.len() - 2].iter().product();
    let mut out = Vec::with_capacity(batches * m * n);
    for batch in 0..batches {
        for row in 0..m {
            for column in 0..n {
                let term = |i: usize| a[(batch * m + row) * k + i] * b[(batch * k + i) * n + column];
                out.push((0..k).map(term).sum());
            }
        }
    }
    out
}

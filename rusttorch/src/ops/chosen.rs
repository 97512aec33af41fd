//! Elements chosen along a dim, with the indices they came from: each gradient goes back to its element.

use rusttorch_backend::Result;
use rusttorch_backend::layout::normalize_dim;
use smallvec::{SmallVec, smallvec};

use crate::autograd::{Saved, record};
use crate::tensor::Tensor;

/// What a kernel chose from `x` along `dim`, given its place in the graph. `values` and `indices` have the
/// rank of `x`, where a 0-d tensor counts as a vector of one element; without `keepdim` they lose `dim`.
pub(crate) fn chosen(
    title: &'static str,
    x: &Tensor,
    dim: usize,
    (values, indices): (Tensor, Tensor),
    keepdim: bool,
) -> Result<(Tensor, Tensor)> {
    let given = if keepdim && x.rank() > 0 { indices.clone() } else { without(&indices, dim)? };
    let out = if keepdim && x.rank() > 0 { values } else { without(&values, dim)?.detach() };
    if !out.dtype().is_float() {
        return Ok((out, given));
    }
    let out = record(title, out, [x], |_| {
        let (layout, indices) = (x.layout().clone(), Saved::input(&indices));
        Box::new(move |context, g| {
            let indices = indices.unpack(context)?;
            let lines: &[usize] = if layout.rank() == 0 { &[1] } else { layout.shape() };
            let g = g.reshape(signed(indices.shape()))?;
            let spread = Tensor::zeros(lines, g.dtype())?.scatter_add(dim as isize, &indices, &g)?;
            Ok(smallvec![Some(spread.reshape(signed(layout.shape()))?)])
        })
    });
    Ok((out, given))
}

/// Without `dim` where it has one element, so that a 0-d tensor gets its shape back, too.
fn without(x: &Tensor, dim: usize) -> Result<Tensor> {
    x.squeeze(dim as isize)
}

fn signed(shape: &[usize]) -> SmallVec<[isize; 6]> {
    shape.iter().map(|&n| n as isize).collect()
}

/// `x` as the kernels that work along a dim want it, of rank 1 at least, with that dim counted from the front.
/// Error: `Dim`.
pub(crate) fn along(op: &'static str, x: &Tensor, dim: isize) -> Result<(Tensor, usize)> {
    let dim = normalize_dim(op, dim, x.rank())?;
    let x = x.detach();
    Ok((if x.rank() == 0 { x.reshape([1])? } else { x }, dim))
}

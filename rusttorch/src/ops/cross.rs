//! The vector product.

use rusttorch_backend::Result;
use smallvec::smallvec;

use crate::autograd::{Saved, no_grad, record};
use crate::tensor::Tensor;

/// `a x b` along a dimension of size 3, of equal shapes and dtypes.
pub(super) fn cross(a: &Tensor, b: &Tensor, dim: isize) -> Result<Tensor> {
    let out = no_grad(|| {
        let of = |t: &Tensor, i: isize| t.detach().select(dim, i);
        let component = |i: isize, j: isize| of(a, i)?.mul(&of(b, j)?)?.sub(&of(a, j)?.mul(&of(b, i)?)?);
        Tensor::stack(&[&component(1, 2)?, &component(2, 0)?, &component(0, 1)?], dim)
    })?;
    if !out.dtype().is_float() {
        return Ok(out);
    }
    Ok(record("LinalgCross", out, [a, b], |_| {
        let kept_a = b.requires_grad().then(|| Saved::input(a));
        let kept_b = a.requires_grad().then(|| Saved::input(b));
        Box::new(move |context, g| {
            let of_a = kept_b.as_ref().map(|b| cross(&b.unpack(context)?, g, dim)).transpose()?;
            let of_b = kept_a.as_ref().map(|a| cross(g, &a.unpack(context)?, dim)).transpose()?;
            Ok(smallvec![of_a, of_b])
        })
    }))
}

//! Change of dtype.

use std::borrow::Cow;

use rusttorch_backend::{DType, Result};
use smallvec::smallvec;

use crate::autograd::record;
use crate::dispatch;
use crate::tensor::Tensor;

impl Tensor {
    /// The elements cast to `dtype`; the tensor itself where it has that dtype. A float that does not fit
    /// an integer type saturates and NaN gives 0 (PyTorch leaves both undefined); integers wrap.
    #[inline]
    pub fn to_dtype(&self, dtype: DType) -> Result<Tensor> {
        self.as_dtype(dtype).map(Cow::into_owned)
    }

    /// [`to_dtype`](Self::to_dtype) without another handle where the tensor has that dtype: counting one takes part of
    /// the time of a small op.
    #[inline]
    pub(crate) fn as_dtype(&self, dtype: DType) -> Result<Cow<'_, Tensor>> {
        if self.dtype() == dtype { Ok(Cow::Borrowed(self)) } else { cast(self, dtype).map(Cow::Owned) }
    }
}

fn cast(x: &Tensor, dtype: DType) -> Result<Tensor> {
    let out = dispatch::convert("to", x, dtype)?;
    if !dtype.is_float() {
        return Ok(out);
    }
    let from = x.dtype();
    Ok(record("ToCopy", out, [x], |_| Box::new(move |_, g| Ok(smallvec![Some(g.to_dtype(from)?)]))))
}

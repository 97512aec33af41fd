//! Change of dtype.

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
        if self.dtype() == dtype { Ok(self.clone()) } else { cast(self, dtype) }
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

//! Variances, norms, and reductions that pass over NaN.

use rusttorch_backend::ops::{ReduceOp, UnaryOp};
use rusttorch_backend::{DType, ErrorKind, Result, ResultType, TensorError};
use smallvec::smallvec;

use super::args::Dims;
use super::reduce::{axes_of, not_of_nothing, reduce};
use crate::autograd::{Saved, record};
use crate::dispatch;
use crate::tensor::Tensor;

fn not_float(op: &'static str, dtype: DType) -> TensorError {
    TensorError::new(ErrorKind::NotImplemented, op, "needs a floating-point tensor").with("dtype", dtype)
}

/// Variances, norms, sums and means that pass over NaN. `dims` is one dimension, several, or [`Dims::all`];
/// with `keepdim` the reduced dimensions stay with size 1. Error of all: `Dim`.
impl Tensor {
    /// `sum((x - mean)^2) / max(0, n - correction)` along dims, floats only. The correction is 1 for the unbiased
    /// estimate (PyTorch's default). PyTorch: `torch.var`. Error: `NotImplemented`.
    pub fn var(&self, dims: impl Into<Dims>, correction: f64, keepdim: bool) -> Result<Tensor> {
        reduce(ReduceOp::Var { correction }, self, &dims.into(), keepdim)
    }

    /// Square root of [`var`](Self::var); its gradient where the variance is 0 is 0. PyTorch: `torch.std`.
    pub fn std(&self, dims: impl Into<Dims>, correction: f64, keepdim: bool) -> Result<Tensor> {
        if self.dtype().is_half() {
            // A variance of 300^2 is beyond f16, its root is not.
            return self.to_dtype(DType::F32)?.std(dims, correction, keepdim)?.to_dtype(self.dtype());
        }
        let var = self.var(dims, correction, keepdim)?;
        let root =
            dispatch::compute_like("std", [&var], var.dtype(), |b, [x], out| b.unary(UnaryOp::Sqrt, x, out))?;
        Ok(record("Std", root, [&var], |y| {
            let y = Saved::output(y);
            Box::new(move |context, g| {
                let y = y.unpack(context)?;
                Ok(smallvec![Some(g.div(&y.mul(2.0)?)?.masked_fill(&y.eq(0.0)?, 0.0)?)])
            })
        }))
    }

    /// [`var`](Self::var) and mean. PyTorch: `torch.var_mean`.
    pub fn var_mean(
        &self,
        dims: impl Into<Dims>,
        correction: f64,
        keepdim: bool,
    ) -> Result<(Tensor, Tensor)> {
        let dims = dims.into();
        Ok((self.var(dims.clone(), correction, keepdim)?, self.mean_dim(dims, keepdim)?))
    }

    /// [`std`](Self::std) and mean. PyTorch: `torch.std_mean`.
    pub fn std_mean(
        &self,
        dims: impl Into<Dims>,
        correction: f64,
        keepdim: bool,
    ) -> Result<(Tensor, Tensor)> {
        let dims = dims.into();
        Ok((self.std(dims.clone(), correction, keepdim)?, self.mean_dim(dims, keepdim)?))
    }

    /// [`vector_norm`](Self::vector_norm) without a dtype of its own. PyTorch: `torch.norm`, whose `p="fro"` is 2.
    pub fn norm(&self, p: f64, dims: impl Into<Dims>, keepdim: bool) -> Result<Tensor> {
        self.vector_norm(p, dims, keepdim, None)
    }

    /// `sum(|x|^ord)^(1/ord)` along dims, floats only. Of order infinity the largest `|x|`, of minus infinity the
    /// smallest, of order 0 the number of elements that differ from zero. NaN if there is one, except of
    /// order 0; of nothing 0. The gradient at 0 is 0. With `dtype`, which must hold the tensor's, the
    /// elements are cast to it first. PyTorch: `torch.linalg.vector_norm`.
    ///
    /// Errors: `NotImplemented` for integers and bool, `DType` for a dtype that is no float or narrower, `Shape`
    /// for a negative or infinite order of nothing.
    pub fn vector_norm(
        &self,
        ord: f64,
        dims: impl Into<Dims>,
        keepdim: bool,
        dtype: Option<DType>,
    ) -> Result<Tensor> {
        const OP: &str = "vector_norm";
        if !self.dtype().is_float() {
            return Err(not_float(OP, self.dtype()));
        }
        let dtype = dtype.unwrap_or(self.dtype());
        if ResultType::new().tensor(self.dtype(), 1).tensor(dtype, 1).dtype() != dtype || !dtype.is_float() {
            return Err(TensorError::new(
                ErrorKind::DType,
                OP,
                "dtype must be a float that holds the tensor's",
            )
            .with("dtype", dtype)
            .with("tensor", self.dtype()));
        }
        let dims = dims.into();
        if ord < 0.0 || ord.is_infinite() {
            not_of_nothing(OP, ErrorKind::Shape, self, &axes_of(OP, &dims, self.rank())?)?;
        }
        reduce(ReduceOp::Norm { p: ord }, &self.to_dtype(dtype)?, &dims, keepdim)
    }

    /// Sum along dims of the elements that are not NaN; the gradient of the others is 0. Integers and bool give
    /// i64; with `dtype` the elements are cast to it first and the result has it. PyTorch: `torch.nansum`.
    pub fn nansum(&self, dims: impl Into<Dims>, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
        if !self.dtype().is_float() {
            return self.sum_with(dims, keepdim, dtype);
        }
        let nan = self.isnan()?;
        let numbers = record("Nansum", self.detach().masked_fill(&nan, 0.0)?, [self], |_| {
            let kept = Saved::input(&nan);
            Box::new(move |context, g| {
                // A product, not a choice: the gradient of the mean of nothing is NaN.
                let numbers = kept.unpack(context)?.logical_not()?;
                Ok(smallvec![Some(g.mul(&numbers.to_dtype(g.dtype())?)?)])
            })
        });
        numbers.sum_with(dims, keepdim, dtype)
    }

    /// Mean along dims of the elements that are not NaN, floats only; of none NaN. With `dtype` the elements are
    /// cast to it first. PyTorch: `torch.nanmean`. Errors: `NotImplemented` for integers and bool, `DType` for a
    /// dtype that is no float.
    pub fn nanmean(&self, dims: impl Into<Dims>, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
        const OP: &str = "nanmean";
        if !self.dtype().is_float() {
            return Err(not_float(OP, self.dtype()));
        }
        let dtype = dtype.unwrap_or(self.dtype());
        if !dtype.is_float() {
            return Err(TensorError::new(ErrorKind::DType, OP, "dtype must be a float").with("dtype", dtype));
        }
        let dims = dims.into();
        let x = self.to_dtype(dtype)?;
        // The sum of halves may be beyond their range where the mean is not.
        let wide = if dtype.is_half() { DType::F32 } else { dtype };
        let count = x.isnan()?.logical_not()?.sum_dim(dims.clone(), keepdim)?;
        x.to_dtype(wide)?.nansum(dims, keepdim, None)?.div(&count)?.to_dtype(dtype)
    }

    /// How many elements along dims differ from zero (NaN does), as i64. PyTorch: `torch.count_nonzero`.
    pub fn count_nonzero(&self, dims: impl Into<Dims>) -> Result<Tensor> {
        self.ne(0i64)?.sum_dim(dims, false)
    }
}

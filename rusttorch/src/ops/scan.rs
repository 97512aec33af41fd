//! Running reductions along a dim.

use rusttorch_backend::layout::normalize_dim;
use rusttorch_backend::ops::ScanOp;
use rusttorch_backend::{DType, ErrorKind, Result, TensorError};
use smallvec::smallvec;

use super::chosen::{along, chosen};
use super::in_place::by_value;
use super::recurrence::from_behind;
use crate::autograd::{Rule, Saved, record};
use crate::dispatch;
use crate::tensor::Tensor;

/// `op` along `dim` with nothing recorded, where there are no indices.
fn scanned(op: ScanOp, x: &Tensor, dim: isize, dtype: DType) -> Result<Tensor> {
    let (lines, axis) = along(op.name(), x, dim)?;
    let out = dispatch::compute(op.name(), [&lines], lines.shape(), dtype, |b, [x], out| {
        b.scan(op, x, axis, out, None)
    })?;
    Ok(if x.rank() == 0 { out.reshape([])?.detach() } else { out })
}

/// Running sum or product: `x` cast to `dtype`, which the result has, too.
fn typed(
    op: ScanOp,
    x: &Tensor,
    dim: isize,
    dtype: Option<DType>,
    rule: fn(&Tensor, isize) -> Rule,
) -> Result<Tensor> {
    if dtype == Some(DType::Bool) {
        return Err(TensorError::new(ErrorKind::NotImplemented, op.name(), "not implemented for this dtype")
            .with("dtype", DType::Bool));
    }
    let x = match dtype {
        Some(dtype) => &x.to_dtype(dtype)?,
        None => x,
    };
    if x.dtype().is_float() {
        let out = scanned(op, x, dim, x.dtype())?;
        return Ok(record(title(op), out, [x], |_| rule(x, dim)));
    }
    scanned(op, x, dim, DType::I64)?.to_dtype(dtype.unwrap_or(DType::I64))
}

fn extremes(op: ScanOp, x: &Tensor, dim: isize) -> Result<(Tensor, Tensor)> {
    let (lines, axis) = along(op.name(), x, dim)?;
    let found = dispatch::compute_indexed(op.name(), &lines, lines.shape(), |b, x, values, indices| {
        b.scan(op, x, axis, values, Some(indices))
    })?;
    chosen(title(op), x, axis, found, true)
}

/// The name of the node.
fn title(op: ScanOp) -> &'static str {
    match op {
        ScanOp::Cumsum => "Cumsum",
        ScanOp::Cumprod => "Cumprod",
        ScanOp::Cummax => "Cummax",
        ScanOp::Cummin => "Cummin",
        ScanOp::Logcumsumexp => "Logcumsumexp",
    }
}

/// Every element is in the sums from its place on: those of the gradient, from behind.
fn cumsum_rule(_: &Tensor, dim: isize) -> Rule {
    Box::new(move |_, g| {
        if g.rank() == 0 {
            return Ok(smallvec![Some(g.clone())]);
        }
        Ok(smallvec![Some(g.flip([dim])?.cumsum(dim, None)?.flip([dim])?)])
    })
}

/// `g[i] + x[i+1] (g[i+1] + x[i+2] (..))` times the product of what stands before `i`.
fn cumprod_rule(x: &Tensor, dim: isize) -> Rule {
    let x = Saved::input(x);
    Box::new(move |context, g| {
        let x = x.unpack(context)?;
        if g.rank() == 0 || g.numel() == 0 {
            return Ok(smallvec![Some(g.clone())]);
        }
        let (lines, g) = (widened(&x.transpose(dim, -1)?)?, widened(&g.transpose(dim, -1)?)?);
        let n = lines.size(-1)?;
        let behind = from_behind(&lines.narrow(-1, 1, n - 1)?, &g)?;
        let first = Tensor::ones_like(&lines.narrow(-1, 0, 1)?)?;
        let before = Tensor::cat(&[&first, &lines.narrow(-1, 0, n - 1)?.cumprod(-1, None)?], -1)?;
        Ok(smallvec![Some(behind.mul(&before)?.to_dtype(x.dtype())?.transpose(dim, -1)?)])
    })
}

/// With the running result y, `e^(x[i] - y[i])` times `g[i] + e^(y[i] - y[i+1]) (g[i+1] + ..)`: no exponent is
/// positive, whatever the gradient's signs.
fn logcumsumexp_rule(x: &Tensor, y: &Tensor, dim: isize) -> Rule {
    let (x, y) = (Saved::input(x), Saved::output(y));
    Box::new(move |context, g| {
        let (x, y) = (x.unpack(context)?, y.unpack(context)?);
        if g.numel() == 0 {
            return Ok(smallvec![Some(g.clone())]);
        }
        let line = |t: &Tensor| widened(&if t.rank() == 0 { t.reshape([1])? } else { t.transpose(dim, -1)? });
        let (of_x, of_y, of_g) = (line(&x)?, line(&y)?, line(g)?);
        let n = of_y.size(-1)?;
        let (now, next) = (of_y.narrow(-1, 0, n - 1)?, of_y.narrow(-1, 1, n - 1)?);
        // Of two equal infinities the difference is no number, but nothing was added.
        let unmoved = now.isinf()?.logical_and(&now.eq(&next)?)?;
        let steps = now.sub(&next)?.masked_fill(&unmoved, 0.0)?.exp()?;
        let out = of_x.sub(&of_y)?.exp()?.mul(&from_behind(&steps, &of_g)?)?.to_dtype(x.dtype())?;
        Ok(smallvec![Some(if x.rank() == 0 { out.reshape([])? } else { out.transpose(dim, -1)? })])
    })
}

/// Halves as f32, so that a formula of many steps is rounded once.
fn widened(x: &Tensor) -> Result<Tensor> {
    if x.dtype().is_half() { x.to_dtype(DType::F32) } else { Ok(x.clone()) }
}

/// Running reductions along `dim`, each in linear time. Error of all: `Dim`.
impl Tensor {
    /// `out[i] = x[0] + .. + x[i]`. With `dtype` the elements are cast to it first and the result has it; without,
    /// integers and bool give i64. Integers wrap. PyTorch: `torch.cumsum`. Error: `NotImplemented` for bool as
    /// `dtype`.
    pub fn cumsum(&self, dim: isize, dtype: Option<DType>) -> Result<Tensor> {
        typed(ScanOp::Cumsum, self, dim, dtype, cumsum_rule)
    }

    /// `out[i] = x[0] * .. * x[i]`. `dtype` as in [`cumsum`](Self::cumsum). The gradient is right at zeros, too.
    /// PyTorch: `torch.cumprod`. Error: `NotImplemented` for bool as `dtype`.
    pub fn cumprod(&self, dim: isize, dtype: Option<DType>) -> Result<Tensor> {
        typed(ScanOp::Cumprod, self, dim, dtype, cumprod_rule)
    }

    /// In-place [`cumsum`](Self::cumsum), in the tensor's own dtype. Returns the tensor itself.
    pub fn cumsum_(&self, dim: isize) -> Result<Tensor> {
        by_value("cumsum", self, &[], &|x| x.cumsum(dim, Some(x.dtype())))
    }

    /// In-place [`cumprod`](Self::cumprod), in the tensor's own dtype. Returns the tensor itself.
    pub fn cumprod_(&self, dim: isize) -> Result<Tensor> {
        by_value("cumprod", self, &[], &|x| x.cumprod(dim, Some(x.dtype())))
    }

    /// The largest element so far and its index: of equals the latest; from the first NaN on the latest NaN.
    /// The gradient goes to that element. PyTorch: `torch.cummax`.
    pub fn cummax(&self, dim: isize) -> Result<(Tensor, Tensor)> {
        extremes(ScanOp::Cummax, self, dim)
    }

    /// The smallest element so far and its index, as [`cummax`](Self::cummax).
    pub fn cummin(&self, dim: isize) -> Result<(Tensor, Tensor)> {
        extremes(ScanOp::Cummin, self, dim)
    }

    /// `out[i] = log(e^x[0] + .. + e^x[i])`, stable; floats only. PyTorch: `torch.logcumsumexp`. Error:
    /// `NotImplemented` for integers and bool.
    pub fn logcumsumexp(&self, dim: isize) -> Result<Tensor> {
        const OP: ScanOp = ScanOp::Logcumsumexp;
        if !OP.accepts().contains(self.dtype()) {
            normalize_dim(OP.name(), dim, self.rank())?;
            return Err(TensorError::new(
                ErrorKind::NotImplemented,
                OP.name(),
                "not implemented for this dtype",
            )
            .with("dtype", self.dtype()));
        }
        let out = scanned(OP, self, dim, self.dtype())?;
        Ok(record(title(OP), out, [self], |y| logcumsumexp_rule(self, y, dim)))
    }
}

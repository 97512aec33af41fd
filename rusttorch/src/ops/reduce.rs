//! Reductions and arg-reductions.

use rusttorch_backend::layout::normalize_dims;
use rusttorch_backend::ops::{ArgReduceOp, ReduceOp};
use rusttorch_backend::{Category, DType, ErrorKind, Result, Shape, TensorError};
use smallvec::{SmallVec, smallvec};

use super::args::Dims;
use crate::autograd::{Rule, Saved, record};
use crate::dispatch;
use crate::tensor::Tensor;

type Axes = SmallVec<[usize; 6]>;

/// The axes that `dims` names; all of them for an empty list.
fn axes_of(op: &'static str, dims: &Dims, rank: usize) -> Result<Axes> {
    if dims.0.is_empty() {
        return Ok((0..rank).collect());
    }
    let axes = normalize_dims(op, &dims.0, rank)?;
    Ok(if rank == 0 { Axes::new() } else { axes })
}

fn kept_shape(shape: &[usize], axes: &[usize]) -> Shape {
    shape.iter().enumerate().map(|(d, &n)| if axes.contains(&d) { 1 } else { n }).collect()
}

/// The dtype in which `op` is computed on `x`, and that of its result. Error: `NotImplemented`.
fn dtypes(op: ReduceOp, x: DType) -> Result<(DType, DType)> {
    let integral = x.category() < Category::Float;
    match op {
        ReduceOp::Sum | ReduceOp::Prod if integral => Ok((x, DType::I64)),
        ReduceOp::Sum | ReduceOp::Prod | ReduceOp::Amax | ReduceOp::Amin => Ok((x, x)),
        // PyTorch's one exception: of u8 the result is u8.
        ReduceOp::All | ReduceOp::Any => Ok((x, DType::Bool)),
        ReduceOp::Logsumexp if integral => Ok((DType::DEFAULT_FLOAT, DType::DEFAULT_FLOAT)),
        ReduceOp::Mean | ReduceOp::Var { .. } if integral => {
            Err(TensorError::new(ErrorKind::NotImplemented, op.name(), "needs a floating-point tensor")
                .with("dtype", x))
        }
        ReduceOp::Mean | ReduceOp::Var { .. } | ReduceOp::Logsumexp => Ok((x, x)),
    }
}

pub(crate) fn reduce(
    op: ReduceOp,
    title: &'static str,
    x: &Tensor,
    dims: &Dims,
    keepdim: bool,
) -> Result<Tensor> {
    let axes = axes_of(op.name(), dims, x.rank())?;
    let (compute, result) = dtypes(op, x.dtype())?;
    let x = &x.to_dtype(compute)?;
    if matches!(op, ReduceOp::Amax | ReduceOp::Amin)
        && let Some(&axis) = axes.iter().find(|&&a| x.shape()[a] == 0)
    {
        // Of the whole tensor PyTorch speaks of an empty input, along dims of an empty dimension.
        let kind = if dims.0.is_empty() { ErrorKind::Shape } else { ErrorKind::Index };
        return Err(TensorError::new(kind, op.name(), "an empty dimension has no extreme element")
            .with("dim", axis)
            .with("shape", x.shape()));
    }
    let shape = kept_shape(x.shape(), &axes);
    let out = dispatch::compute(op.name(), [x], &shape, result, |b, [x], out| b.reduce(op, x, &axes, out))?;
    let out = if matches!(op, ReduceOp::All | ReduceOp::Any) && x.dtype() == DType::U8 {
        out.to_dtype(DType::U8)?
    } else {
        out
    };
    // Nothing is recorded yet, so losing dimensions is no op of its own in the graph.
    let out = if keepdim { out } else { drop_axes(&out, &axes)?.detach() };
    Ok(match out.dtype().is_float() {
        true => record(title, out, [x], |y| rule(op, title, x, y, &axes)),
        false => out,
    })
}

fn drop_axes(x: &Tensor, axes: &[usize]) -> Result<Tensor> {
    if axes.is_empty() {
        return Ok(x.clone());
    }
    let shape: SmallVec<[isize; 6]> =
        x.shape().iter().enumerate().filter(|(d, _)| !axes.contains(d)).map(|(_, &n)| n as isize).collect();
    x.reshape(&shape)
}

/// The gradient of a reduction, of shape `[.., 1, ..]`, spread over the elements it came from.
fn rule(op: ReduceOp, title: &'static str, x: &Tensor, y: &Tensor, axes: &[usize]) -> Rule {
    let layout = x.layout().clone();
    let kept: SmallVec<[isize; 6]> = kept_shape(x.shape(), axes).iter().map(|&n| n as isize).collect();
    let count = axes.iter().map(|&a| x.shape()[a] as f64).product::<f64>();
    let saved_x = match op {
        ReduceOp::Sum | ReduceOp::Mean | ReduceOp::All | ReduceOp::Any => None,
        ReduceOp::Prod | ReduceOp::Amax | ReduceOp::Amin | ReduceOp::Var { .. } | ReduceOp::Logsumexp => {
            Some(Saved::input(x))
        }
    };
    let saved_y = match op {
        ReduceOp::Amax | ReduceOp::Amin | ReduceOp::Logsumexp | ReduceOp::Prod => Some(Saved::output(y)),
        _ => None,
    };
    let axes: Axes = axes.into();
    Box::new(move |context, g| {
        let unpack = |s: &Option<Saved>| match s {
            Some(s) => s.unpack(context),
            None => Ok(g.clone()),
        };
        let (x, y) = (unpack(&saved_x)?, unpack(&saved_y)?.reshape(&kept)?);
        let g = &g.reshape(&kept)?;
        let dims = Dims(axes.iter().map(|&a| a as isize).collect());
        let gx = match op {
            ReduceOp::Sum => g.broadcast_to(layout.shape())?,
            ReduceOp::Mean => g.div(count)?.broadcast_to(layout.shape())?,
            ReduceOp::Prod => g.mul(&product_of_others(&x, &axes)?)?,
            // Spread evenly over equals.
            ReduceOp::Amax | ReduceOp::Amin => {
                let equal = x.eq(&y)?;
                // Of the whole tensor PyTorch shares the gradient among the NaN elements, along dims it does not.
                let hit = match title {
                    "Max" | "Min" => equal.logical_or(&x.isnan()?.logical_and(&y.isnan()?)?)?,
                    _ => equal,
                };
                let hit = hit.to_dtype(g.dtype())?;
                let ties = reduce(ReduceOp::Sum, "Sum", &hit, &dims, true)?;
                hit.mul(g)?.div(&ties)?
            }
            ReduceOp::Var { correction } => {
                let centred = x.sub(&reduce(ReduceOp::Mean, "Mean", &x, &dims, true)?)?;
                centred.mul(g)?.mul(2.0 / (count - correction).max(0.0))?
            }
            ReduceOp::Logsumexp => g.mul(&x.sub(&y)?.exp()?)?,
            ReduceOp::All | ReduceOp::Any => Tensor::zeros(layout.shape(), g.dtype())?,
        };
        Ok(smallvec![Some(gx)])
    })
}

/// For every element the product of the others along the axes, right also where some are zero, and
/// differentiable again: the product of those before and of those after, found by halving.
fn product_of_others(x: &Tensor, axes: &[usize]) -> Result<Tensor> {
    if x.numel() == 0 {
        return Ok(x.clone());
    }
    let rest: Vec<isize> = (0..x.rank()).filter(|d| !axes.contains(d)).map(|d| d as isize).collect();
    let order: Vec<isize> = rest.iter().copied().chain(axes.iter().map(|&a| a as isize)).collect();
    let moved = x.permute(&order)?;
    let shape: Vec<isize> = moved.shape().iter().map(|&n| n as isize).collect();
    let line: Vec<isize> = shape[..rest.len()]
        .iter()
        .copied()
        .chain([axes.iter().map(|&a| x.shape()[a] as isize).product()])
        .collect();
    let lines = moved.reshape(&line)?;
    let others = exclusive_products(&lines)?;
    let mut inverse = vec![0isize; order.len()];
    for (to, &from) in order.iter().enumerate() {
        inverse[from as usize] = to as isize;
    }
    others.reshape(&shape)?.permute(&inverse)
}

/// Along the last axis, for every element the product of all others. Padded with ones to a power of two,
/// products of pairs, of pairs of pairs and so on are built up; on the way down a node's two children
/// receive what stands outside of it times each other's product. n elements cost 2n products.
fn exclusive_products(lines: &Tensor) -> Result<Tensor> {
    let n = lines.size(-1)?;
    if n == 0 {
        return Ok(lines.clone());
    }
    let width = n.next_power_of_two();
    let mut pad: Vec<usize> = lines.shape().to_vec();
    let last = pad.len() - 1;
    pad[last] = width - n;
    let ones = Tensor::ones(&pad, lines.dtype())?;
    let mut levels = vec![Tensor::cat(&[lines, &ones], -1)?];
    let mut w = width;
    while w > 1 {
        let level = &levels[levels.len() - 1];
        levels.push(level.slice(-1, Some(0), None, 2)?.mul(&level.slice(-1, Some(1), None, 2)?)?);
        w /= 2;
    }
    let mut outside = Tensor::ones_like(&levels[levels.len() - 1])?;
    for level in levels.iter().rev().skip(1) {
        let left = level.slice(-1, Some(0), None, 2)?;
        let right = level.slice(-1, Some(1), None, 2)?;
        let pairs = Tensor::stack(&[&outside.mul(&right)?, &outside.mul(&left)?], -1)?;
        outside = pairs.flatten_dims(-2, -1)?;
    }
    outside.narrow(-1, 0, n)
}

/// Sums a gradient over the dimensions that broadcasting from `shape` added or stretched.
pub(crate) fn sum_to_shape(g: &Tensor, shape: &[usize]) -> Result<Tensor> {
    if g.shape() == shape {
        return Ok(g.clone());
    }
    let lead = g.rank() - shape.len();
    let axes: SmallVec<[isize; 4]> = (0..g.rank())
        .filter(|&d| d < lead || (shape[d - lead] == 1 && g.shape()[d] != 1))
        .map(|d| d as isize)
        .collect();
    let summed =
        if axes.is_empty() { g.clone() } else { reduce(ReduceOp::Sum, "Sum", g, &Dims(axes), true)? };
    let shape: SmallVec<[isize; 6]> = shape.iter().map(|&n| n as isize).collect();
    summed.reshape(&shape)
}

fn arg_reduce(op: ArgReduceOp, x: &Tensor, dim: Option<isize>, keepdim: bool) -> Result<Tensor> {
    let name = op.name();
    if x.dtype() == DType::Bool {
        return Err(TensorError::new(ErrorKind::NotImplemented, name, "not implemented for this dtype")
            .with("dtype", x.dtype()));
    }
    let Some(dim) = dim else {
        let flat = arg_reduce(op, &x.detach().flatten()?, Some(0), false)?;
        return if keepdim { flat.reshape(vec![1; x.rank()]) } else { Ok(flat) };
    };
    let axes = axes_of(name, &Dims::from(dim), x.rank())?;
    let Some(&axis) = axes.first() else { return Tensor::zeros(&[], DType::I64) };
    if x.shape()[axis] == 0 {
        return Err(TensorError::new(ErrorKind::Index, name, "an empty dimension has no extreme element")
            .with("dim", dim)
            .with("shape", x.shape()));
    }
    let shape = kept_shape(x.shape(), &axes);
    let out = dispatch::compute(name, [x], &shape, DType::I64, |b, [x], out| b.arg_reduce(op, x, axis, out))?;
    if keepdim { Ok(out) } else { drop_axes(&out, &axes) }
}

/// Reductions. `dims` is one dimension, several, or [`Dims::all`]; negative ones count from the end. With
/// `keepdim` the reduced dimensions stay with size 1. Error of all: `Dim`.
impl Tensor {
    /// Sum of all elements. Empty: 0. Integers and bool give i64. PyTorch: `torch.sum`.
    pub fn sum(&self) -> Result<Tensor> {
        self.sum_dim(Dims::all(), false)
    }

    /// Sum along dims.
    pub fn sum_dim(&self, dims: impl Into<Dims>, keepdim: bool) -> Result<Tensor> {
        reduce(ReduceOp::Sum, "Sum", self, &dims.into(), keepdim)
    }

    /// Mean of all elements, floats only. Empty: NaN. PyTorch: `torch.mean`. Error: `NotImplemented`.
    pub fn mean(&self) -> Result<Tensor> {
        self.mean_dim(Dims::all(), false)
    }

    /// Mean along dims.
    pub fn mean_dim(&self, dims: impl Into<Dims>, keepdim: bool) -> Result<Tensor> {
        reduce(ReduceOp::Mean, "Mean", self, &dims.into(), keepdim)
    }

    /// Product of all elements. Empty: 1. Integers and bool give i64. PyTorch: `torch.prod`.
    pub fn prod(&self) -> Result<Tensor> {
        reduce(ReduceOp::Prod, "Prod", self, &Dims::all(), false)
    }

    /// Product along a dim.
    pub fn prod_dim(&self, dim: isize, keepdim: bool) -> Result<Tensor> {
        reduce(ReduceOp::Prod, "Prod", self, &dim.into(), keepdim)
    }

    /// Largest element; NaN if there is one. The gradient is shared evenly by equals. PyTorch: `torch.max`.
    /// Error: `Shape` for an empty tensor.
    pub fn max(&self) -> Result<Tensor> {
        self.extreme_of_all("max", ReduceOp::Amax, "Max")
    }

    /// Smallest element; NaN if there is one. The gradient is shared evenly by equals. PyTorch: `torch.min`.
    /// Error: `Shape` for an empty tensor.
    pub fn min(&self) -> Result<Tensor> {
        self.extreme_of_all("min", ReduceOp::Amin, "Min")
    }

    fn extreme_of_all(&self, name: &'static str, op: ReduceOp, title: &'static str) -> Result<Tensor> {
        if self.numel() == 0 {
            return Err(TensorError::new(ErrorKind::Shape, name, "an empty tensor has no extreme element")
                .with("shape", self.shape()));
        }
        reduce(op, title, self, &Dims::all(), false)
    }

    /// Largest elements along dims. PyTorch: `torch.amax`. Error: `Index` for an empty dimension.
    pub fn amax(&self, dims: impl Into<Dims>, keepdim: bool) -> Result<Tensor> {
        reduce(ReduceOp::Amax, "Amax", self, &dims.into(), keepdim)
    }

    /// Smallest elements along dims. PyTorch: `torch.amin`. Error: `Index` for an empty dimension.
    pub fn amin(&self, dims: impl Into<Dims>, keepdim: bool) -> Result<Tensor> {
        reduce(ReduceOp::Amin, "Amin", self, &dims.into(), keepdim)
    }

    /// Largest elements along a dim and their indices: the first of equals, the first NaN. The gradient
    /// goes to that element alone. PyTorch: `torch.max(dim)`. Error: `Index` for an empty dimension.
    pub fn max_dim(&self, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        self.extreme_along(ArgReduceOp::Argmax, dim, keepdim)
    }

    /// Smallest elements along a dim and their indices, as [`max_dim`](Self::max_dim).
    pub fn min_dim(&self, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        self.extreme_along(ArgReduceOp::Argmin, dim, keepdim)
    }

    fn extreme_along(&self, op: ArgReduceOp, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        if self.dtype() == DType::Bool {
            let (values, indices) = self.to_dtype(DType::U8)?.extreme_along(op, dim, keepdim)?;
            return Ok((values.to_dtype(DType::Bool)?, indices));
        }
        let name = if op == ArgReduceOp::Argmax { "max" } else { "min" };
        let axes = axes_of(name, &dim.into(), self.rank())?;
        if axes.iter().any(|&axis| self.shape()[axis] == 0) {
            return Err(TensorError::new(
                ErrorKind::Index,
                name,
                "an empty dimension has no extreme element",
            )
            .with("dim", dim)
            .with("shape", self.shape()));
        }
        let indices = arg_reduce(op, &self.detach(), Some(dim), true)?;
        if axes.is_empty() {
            return Ok((self.alias()?, indices));
        }
        let values = self.gather(dim, &indices)?;
        if keepdim {
            return Ok((values, indices));
        }
        Ok((drop_axes(&values, &axes)?, drop_axes(&indices, &axes)?))
    }

    /// Index of the largest element, of all (row-major) or along a dim: the first of equals, the first NaN.
    /// PyTorch: `torch.argmax`. Errors: `Index` for an empty dimension, `NotImplemented` for bool.
    pub fn argmax(&self, dim: Option<isize>, keepdim: bool) -> Result<Tensor> {
        arg_reduce(ArgReduceOp::Argmax, self, dim, keepdim)
    }

    /// Index of the smallest element, as [`argmax`](Self::argmax).
    pub fn argmin(&self, dim: Option<isize>, keepdim: bool) -> Result<Tensor> {
        arg_reduce(ArgReduceOp::Argmin, self, dim, keepdim)
    }

    /// Whether all elements along dims differ from zero (NaN does). Empty: true. Of u8 the result is u8,
    /// else bool. PyTorch: `torch.all`.
    pub fn all(&self, dims: impl Into<Dims>, keepdim: bool) -> Result<Tensor> {
        reduce(ReduceOp::All, "All", self, &dims.into(), keepdim)
    }

    /// Whether any element along dims differs from zero (NaN does). Empty: false. Of u8 the result is u8,
    /// else bool. PyTorch: `torch.any`.
    pub fn any(&self, dims: impl Into<Dims>, keepdim: bool) -> Result<Tensor> {
        reduce(ReduceOp::Any, "Any", self, &dims.into(), keepdim)
    }

    /// `sum((x - mean)^2) / max(0, n - correction)` along dims, floats only. PyTorch: `torch.var`.
    /// Error: `NotImplemented`.
    pub fn var(&self, dims: impl Into<Dims>, correction: f64, keepdim: bool) -> Result<Tensor> {
        reduce(ReduceOp::Var { correction }, "Var", self, &dims.into(), keepdim)
    }

    /// Square root of [`var`](Self::var); its gradient where the variance is 0 is 0. PyTorch: `torch.std`.
    pub fn std(&self, dims: impl Into<Dims>, correction: f64, keepdim: bool) -> Result<Tensor> {
        if self.dtype().is_half() {
            // A variance of 300^2 is beyond f16, its root is not.
            return self.to_dtype(DType::F32)?.std(dims, correction, keepdim)?.to_dtype(self.dtype());
        }
        let var = self.var(dims, correction, keepdim)?;
        let root = dispatch::compute("std", [&var], var.shape(), var.dtype(), |b, [x], out| {
            b.unary(rusttorch_backend::ops::UnaryOp::Sqrt, x, out)
        })?;
        Ok(record("Std", root, [&var], |y| {
            let y = Saved::output(y);
            Box::new(move |context, g| {
                let y = y.unpack(context)?;
                Ok(smallvec![Some(g.div(&y.mul(2.0)?)?.masked_fill(&y.eq(0.0)?, 0.0)?)])
            })
        }))
    }

    /// `log(sum(e^x))` along dims, stable. Empty: -inf. PyTorch: `torch.logsumexp`.
    pub fn logsumexp(&self, dims: impl Into<Dims>, keepdim: bool) -> Result<Tensor> {
        reduce(ReduceOp::Logsumexp, "Logsumexp", self, &dims.into(), keepdim)
    }
}

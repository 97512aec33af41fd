//! Reductions along dims.

use rusttorch_backend::layout::normalize_dims;
use rusttorch_backend::ops::ReduceOp;
use rusttorch_backend::{Category, DType, ErrorKind, Result, Shape, TensorError};
use smallvec::{SmallVec, smallvec};

use super::args::Dims;
use super::recurrence::products_of_others;
use crate::autograd::{Rule, Saved, record};
use crate::dispatch;
use crate::tensor::Tensor;

pub(crate) type Axes = SmallVec<[usize; 6]>;

/// The axes that `dims` names; all of them where it names none.
pub(crate) fn axes_of(op: &'static str, dims: &Dims, rank: usize) -> Result<Axes> {
    match &dims.0 {
        Some(dims) if !dims.is_empty() => {
            let axes = normalize_dims(op, dims, rank)?;
            // A 0-d tensor counts as a vector of one element, whose reduction changes nothing.
            Ok(if rank == 0 { Axes::new() } else { axes })
        }
        _ => Ok((0..rank).collect()),
    }
}

fn dims_of(axes: &[usize]) -> Dims {
    Dims(Some(axes.iter().map(|&a| a as isize).collect()))
}

fn signed(shape: &[usize]) -> SmallVec<[isize; 6]> {
    shape.iter().map(|&n| n as isize).collect()
}

pub(crate) fn kept_shape(shape: &[usize], axes: &[usize]) -> Shape {
    shape.iter().enumerate().map(|(d, &n)| if axes.contains(&d) { 1 } else { n }).collect()
}

fn dropped_shape(shape: &[usize], axes: &[usize]) -> Shape {
    shape.iter().enumerate().filter(|(d, _)| !axes.contains(d)).map(|(_, &n)| n).collect()
}

/// Without the axes, which have size 1.
pub(crate) fn drop_axes(x: &Tensor, axes: &[usize]) -> Result<Tensor> {
    if axes.is_empty() {
        return Ok(x.clone());
    }
    x.reshape(signed(&dropped_shape(x.shape(), axes)))
}

/// What is computed, and what its node in a graph is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reduction {
    /// An op of the contract.
    Of(ReduceOp),
    /// `Amax` of a whole tensor as PyTorch's `max()`, whose gradient finds the NaN elements of a NaN.
    Max,
    /// `Amin` of a whole tensor, as `min()`.
    Min,
}

impl Reduction {
    fn op(self) -> ReduceOp {
        match self {
            Reduction::Of(op) => op,
            Reduction::Max => ReduceOp::Amax,
            Reduction::Min => ReduceOp::Amin,
        }
    }

    /// The name of the node.
    fn title(self) -> &'static str {
        match self {
            Reduction::Max => "Max",
            Reduction::Min => "Min",
            Reduction::Of(op) => match op {
                ReduceOp::Sum => "Sum",
                ReduceOp::Mean => "Mean",
                ReduceOp::Prod => "Prod",
                ReduceOp::Amax => "Amax",
                ReduceOp::Amin => "Amin",
                ReduceOp::All => "All",
                ReduceOp::Any => "Any",
                ReduceOp::Var { .. } => "Var",
                ReduceOp::Logsumexp => "Logsumexp",
                ReduceOp::Norm { .. } => "LinalgVectorNorm",
            },
        }
    }
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
        ReduceOp::Mean | ReduceOp::Var { .. } | ReduceOp::Norm { .. } if integral => {
            Err(TensorError::new(ErrorKind::NotImplemented, op.name(), "needs a floating-point tensor")
                .with("dtype", x))
        }
        ReduceOp::Mean | ReduceOp::Var { .. } | ReduceOp::Logsumexp | ReduceOp::Norm { .. } => Ok((x, x)),
    }
}

/// `op` along `dims`.
pub(crate) fn reduce(op: ReduceOp, x: &Tensor, dims: &Dims, keepdim: bool) -> Result<Tensor> {
    // Only these two make a difference between no list and an empty one.
    let nothing =
        matches!(op, ReduceOp::All | ReduceOp::Any) && dims.0.as_ref().is_some_and(|d| d.is_empty());
    let axes = if nothing { Axes::new() } else { axes_of(op.name(), dims, x.rank())? };
    if matches!(op, ReduceOp::Amax | ReduceOp::Amin) {
        // Of the whole tensor PyTorch speaks of an empty input, along dims of an empty dimension.
        let whole = dims.0.as_ref().is_none_or(|d| d.is_empty());
        let kind = if whole { ErrorKind::Shape } else { ErrorKind::Index };
        not_of_nothing(op.name(), kind, x, &axes)?;
    }
    reduce_axes(Reduction::Of(op), x, axes, keepdim)
}

/// Error where one of the axes is empty.
pub(crate) fn not_of_nothing(op: &'static str, kind: ErrorKind, x: &Tensor, axes: &[usize]) -> Result<()> {
    match axes.iter().find(|&&a| x.shape()[a] == 0) {
        None => Ok(()),
        Some(&axis) => Err(TensorError::new(kind, op, "an empty dimension has no element to choose")
            .with("dim", axis)
            .with("shape", x.shape())),
    }
}

fn reduce_axes(reduction: Reduction, x: &Tensor, axes: Axes, keepdim: bool) -> Result<Tensor> {
    let op = reduction.op();
    let (compute, result) = dtypes(op, x.dtype())?;
    let x = &*x.as_dtype(compute)?;
    let seen = kept_shape(x.shape(), &axes);
    // Nothing is recorded yet, so losing dimensions is no op of its own in the graph.
    let shape = if keepdim { seen.clone() } else { dropped_shape(x.shape(), &axes) };
    let out =
        dispatch::compute_seen(op.name(), x, &seen, &shape, result, |b, x, out| b.reduce(op, x, &axes, out))?;
    let out = if matches!(op, ReduceOp::All | ReduceOp::Any) && x.dtype() == DType::U8 {
        out.to_dtype(DType::U8)?
    } else {
        out
    };
    Ok(match out.dtype().is_float() {
        true => record(reduction.title(), out, [x], |y| rule(reduction, x, y, &axes)),
        false => out,
    })
}

/// The gradient of a reduction, of shape `[.., 1, ..]`, spread over the elements it came from.
fn rule(reduction: Reduction, x: &Tensor, y: &Tensor, axes: &[usize]) -> Rule {
    let op = reduction.op();
    let layout = x.layout().clone();
    let kept = signed(&kept_shape(x.shape(), axes));
    let count = axes.iter().map(|&a| x.shape()[a] as f64).product::<f64>();
    let keeps_x = !matches!(op, ReduceOp::Sum | ReduceOp::Mean | ReduceOp::All | ReduceOp::Any);
    let keeps_y = keeps_x && !matches!(op, ReduceOp::Var { .. } | ReduceOp::Prod);
    let saved_x = keeps_x.then(|| Saved::input(x));
    let saved_y = keeps_y.then(|| Saved::output(y));
    let axes: Axes = axes.into();
    Box::new(move |context, g| {
        let unpack = |s: &Option<Saved>| match s {
            Some(s) => s.unpack(context),
            None => Ok(g.clone()),
        };
        let (x, y) = (unpack(&saved_x)?, unpack(&saved_y)?.reshape(&kept)?);
        let g = &g.reshape(&kept)?;
        let gx = match op {
            ReduceOp::Sum => g.broadcast_to(layout.shape())?,
            ReduceOp::Mean => g.div(count)?.broadcast_to(layout.shape())?,
            ReduceOp::Prod => g.mul(&product_of_others(&x, &axes)?)?,
            ReduceOp::Amax | ReduceOp::Amin => {
                let among_nan = reduction != Reduction::Of(op);
                share_evenly(&x, &y, g, &axes, among_nan)?
            }
            ReduceOp::Var { correction } => {
                let centred = x.sub(&reduce(ReduceOp::Mean, &x, &dims_of(&axes), true)?)?;
                centred.mul(g)?.mul(2.0 / (count - correction).max(0.0))?
            }
            ReduceOp::Logsumexp => g.mul(&x.sub(&y)?.exp()?)?,
            ReduceOp::All | ReduceOp::Any => Tensor::zeros(layout.shape(), g.dtype())?,
            // How many differ from zero has no slope, and PyTorch gives none.
            ReduceOp::Norm { p: 0.0 } => return Ok(smallvec![None]),
            ReduceOp::Norm { p } => norm_gradient(p, &x, &y, g, &axes)?,
        };
        Ok(smallvec![Some(gx)])
    })
}

/// The gradient of an element `y` that several of `x` equal, in equal shares. Where `y` is NaN it goes to the
/// NaN elements, or (as PyTorch has it along dims) is NaN.
pub(crate) fn share_evenly(
    x: &Tensor,
    y: &Tensor,
    g: &Tensor,
    axes: &[usize],
    among_nan: bool,
) -> Result<Tensor> {
    let equal = x.eq(y)?;
    let hit = if among_nan { equal.logical_or(&x.isnan()?.logical_and(&y.isnan()?)?)? } else { equal };
    let hit = hit.to_dtype(g.dtype())?;
    // No axes here are those of a 0-d tensor.
    let ties = reduce_axes(Reduction::Of(ReduceOp::Sum), &hit, axes.into(), true)?;
    hit.mul(g)?.div(&ties)
}

/// The gradient of `y = sum(|x|^p)^(1/p)`: `sgn(x) (|x| / y)^(p - 1)`, written so that nothing is divided by a
/// zero norm, where it is 0.
fn norm_gradient(p: f64, x: &Tensor, y: &Tensor, g: &Tensor, axes: &[usize]) -> Result<Tensor> {
    let nothing = y.eq(0.0)?;
    if p == 1.0 {
        return x.sign()?.mul(g);
    }
    if p.is_infinite() {
        let size = x.abs()?;
        let hit = size.eq(y)?.logical_or(&size.isnan()?)?.to_dtype(g.dtype())?;
        let ties = reduce_axes(Reduction::Of(ReduceOp::Sum), &hit, axes.into(), true)?;
        return x.sign()?.mul(&g.div(&ties)?.mul(&hit)?);
    }
    if p == 2.0 {
        return x.div(&y.masked_fill(&nothing, 1.0)?)?.mul(g);
    }
    if p < 1.0 {
        let powers = x.abs()?.pow(p - 1.0)?.masked_fill(&x.eq(0.0)?, 0.0)?;
        return x.sign()?.mul(&powers)?.mul(g)?.mul(&y.pow(1.0 - p)?);
    }
    let scale = g.div(&y.masked_fill(&nothing, 1.0)?.pow(p - 1.0)?)?.masked_fill(&nothing, 0.0)?;
    let powers = match p < 2.0 {
        true => x.sign()?.mul(&x.abs()?.pow(p - 1.0)?)?,
        false => x.mul(&x.abs()?.pow(p - 2.0)?)?,
    };
    powers.mul(&scale)
}

/// For every element the product of the others along the axes, right also where some are zero.
fn product_of_others(x: &Tensor, axes: &[usize]) -> Result<Tensor> {
    if x.numel() == 0 {
        return Ok(x.clone());
    }
    let rest: Vec<isize> = (0..x.rank()).filter(|d| !axes.contains(d)).map(|d| d as isize).collect();
    let order: Vec<isize> = rest.iter().copied().chain(axes.iter().map(|&a| a as isize)).collect();
    let moved = x.permute(&order)?;
    let shape = signed(moved.shape());
    let line: Vec<isize> = shape[..rest.len()]
        .iter()
        .copied()
        .chain([axes.iter().map(|&a| x.shape()[a] as isize).product()])
        .collect();
    let others = products_of_others(&moved.reshape(&line)?)?;
    let mut inverse = vec![0isize; order.len()];
    for (to, &from) in order.iter().enumerate() {
        inverse[from as usize] = to as isize;
    }
    others.reshape(&shape)?.permute(&inverse)
}

/// Sums a gradient over the dimensions that broadcasting from `shape` added or stretched.
pub(crate) fn sum_to_shape(g: &Tensor, shape: &[usize]) -> Result<Tensor> {
    if g.shape() == shape {
        return Ok(g.clone());
    }
    let lead = g.rank() - shape.len();
    let axes: Axes =
        (0..g.rank()).filter(|&d| d < lead || (shape[d - lead] == 1 && g.shape()[d] != 1)).collect();
    let summed = if axes.is_empty() { g.clone() } else { reduce(ReduceOp::Sum, g, &dims_of(&axes), true)? };
    summed.reshape(signed(shape))
}

/// `op` of `x` cast to `dtype`, which the result has, too. An integer narrower than the one that accumulates
/// wraps, and a sum or product of bools is "or" or "and".
fn typed(op: ReduceOp, x: &Tensor, dims: &Dims, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    match dtype {
        None => reduce(op, x, dims, keepdim),
        Some(dtype) => reduce(op, &x.to_dtype(dtype)?, dims, keepdim)?.to_dtype(dtype),
    }
}

/// Reductions. `dims` is one dimension, several, or [`Dims::all`]; negative ones count from the end. With
/// `keepdim` the reduced dimensions stay with size 1. `dtype` is one to which the elements are cast first.
/// Errors of all: `Dim`, `Value` for a dimension named twice.
impl Tensor {
    /// Sum of all elements. Empty: 0. Integers and bool give i64. PyTorch: `torch.sum`.
    pub fn sum(&self) -> Result<Tensor> {
        self.sum_dim(Dims::all(), false)
    }

    /// Sum along dims.
    pub fn sum_dim(&self, dims: impl Into<Dims>, keepdim: bool) -> Result<Tensor> {
        reduce(ReduceOp::Sum, self, &dims.into(), keepdim)
    }

    /// Sum along dims in a dtype, which the result has: integers wrap in it, and of bools it is "or".
    pub fn sum_with(&self, dims: impl Into<Dims>, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
        typed(ReduceOp::Sum, self, &dims.into(), keepdim, dtype)
    }

    /// Mean of all elements, floats only. Empty: NaN. PyTorch: `torch.mean`. Error: `NotImplemented`.
    pub fn mean(&self) -> Result<Tensor> {
        self.mean_dim(Dims::all(), false)
    }

    /// Mean along dims.
    pub fn mean_dim(&self, dims: impl Into<Dims>, keepdim: bool) -> Result<Tensor> {
        reduce(ReduceOp::Mean, self, &dims.into(), keepdim)
    }

    /// Mean along dims in a float dtype, which makes it possible for integers.
    pub fn mean_with(&self, dims: impl Into<Dims>, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
        typed(ReduceOp::Mean, self, &dims.into(), keepdim, dtype)
    }

    /// Product of all elements. Empty: 1. Integers and bool give i64. PyTorch: `torch.prod`.
    pub fn prod(&self) -> Result<Tensor> {
        reduce(ReduceOp::Prod, self, &Dims::all(), false)
    }

    /// Product along a dim.
    pub fn prod_dim(&self, dim: isize, keepdim: bool) -> Result<Tensor> {
        reduce(ReduceOp::Prod, self, &dim.into(), keepdim)
    }

    /// Product along a dim, or of all elements, in a dtype, which the result has: integers wrap in it, and of
    /// bools it is "and".
    pub fn prod_with(&self, dim: Option<isize>, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
        typed(ReduceOp::Prod, self, &dim.map_or_else(Dims::all, Dims::from), keepdim, dtype)
    }

    /// Largest element; NaN if there is one. The gradient is shared evenly by equals. PyTorch: `torch.max`.
    /// Error: `Shape` for an empty tensor.
    pub fn max(&self) -> Result<Tensor> {
        self.extreme_of_all("max", Reduction::Max)
    }

    /// Smallest element; NaN if there is one. The gradient is shared evenly by equals. PyTorch: `torch.min`.
    /// Error: `Shape` for an empty tensor.
    pub fn min(&self) -> Result<Tensor> {
        self.extreme_of_all("min", Reduction::Min)
    }

    fn extreme_of_all(&self, name: &'static str, reduction: Reduction) -> Result<Tensor> {
        if self.numel() == 0 {
            return Err(TensorError::new(ErrorKind::Shape, name, "an empty tensor has no extreme element")
                .with("shape", self.shape()));
        }
        reduce_axes(reduction, self, (0..self.rank()).collect(), false)
    }

    /// Largest elements along dims. PyTorch: `torch.amax`. Error: `Index` for an empty dimension, `Shape` for an
    /// empty tensor where no dim is named.
    pub fn amax(&self, dims: impl Into<Dims>, keepdim: bool) -> Result<Tensor> {
        reduce(ReduceOp::Amax, self, &dims.into(), keepdim)
    }

    /// Smallest elements along dims. PyTorch: `torch.amin`. Error: `Index` for an empty dimension, `Shape` for an
    /// empty tensor where no dim is named.
    pub fn amin(&self, dims: impl Into<Dims>, keepdim: bool) -> Result<Tensor> {
        reduce(ReduceOp::Amin, self, &dims.into(), keepdim)
    }

    /// Whether all elements along dims differ from zero (NaN does). Empty: true. Of u8 the result is u8,
    /// else bool. An empty list of dims reduces nothing. PyTorch: `torch.all`.
    pub fn all(&self, dims: impl Into<Dims>, keepdim: bool) -> Result<Tensor> {
        reduce(ReduceOp::All, self, &dims.into(), keepdim)
    }

    /// Whether any element along dims differs from zero (NaN does). Empty: false. Of u8 the result is u8,
    /// else bool. An empty list of dims reduces nothing. PyTorch: `torch.any`.
    pub fn any(&self, dims: impl Into<Dims>, keepdim: bool) -> Result<Tensor> {
        reduce(ReduceOp::Any, self, &dims.into(), keepdim)
    }

    /// `log(sum(e^x))` along dims, stable. Empty: -inf. Integers and bool are cast to the default float.
    /// PyTorch: `torch.logsumexp`.
    pub fn logsumexp(&self, dims: impl Into<Dims>, keepdim: bool) -> Result<Tensor> {
        reduce(ReduceOp::Logsumexp, self, &dims.into(), keepdim)
    }
}

//! Elements by their place in the order: medians, the most frequent one, quantiles.

use rusttorch_backend::layout::normalize_dim;
use rusttorch_backend::ops::SortOp;
use rusttorch_backend::{DType, ErrorKind, Result, Scalar, TensorError};
use smallvec::smallvec;

use super::args::Operand;
use super::chosen::{along, chosen};
use super::reduce::{not_of_nothing, share_evenly};
use super::select::int_range;
use super::sort::{accepted, order};
use crate::autograd::{Saved, record};
use crate::tensor::Tensor;

/// What a quantile is that lies between two elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interpolation {
    /// As far between them as its rank is.
    #[default]
    Linear,
    /// The lower one.
    Lower,
    /// The higher one.
    Higher,
    /// Their mean.
    Midpoint,
    /// The nearer one; of two equally near the one whose rank is even.
    Nearest,
}

fn median_of_all(ignore_nan: bool, x: &Tensor) -> Result<Tensor> {
    let op = SortOp::Median { ignore_nan };
    accepted(op, x)?;
    if x.numel() == 0 {
        let nothing = match int_range(x.dtype()) {
            Some((lowest, _)) => Scalar::Int(lowest),
            None => Scalar::Float(f64::NAN),
        };
        return Tensor::full(&[], nothing, x.dtype());
    }
    let (value, _) = order(op, &x.detach().flatten()?, 0)?;
    let value = value.reshape([])?.detach();
    if !x.dtype().is_float() {
        return Ok(value);
    }
    Ok(record(if ignore_nan { "Nanmedian" } else { "Median" }, value, [x], |y| {
        let (x, y) = (Saved::input(x), Saved::output(y));
        Box::new(move |context, g| {
            let (x, y) = (x.unpack(context)?, y.unpack(context)?);
            let axes: Vec<usize> = (0..x.rank()).collect();
            Ok(smallvec![Some(share_evenly(&x, &y, g, &axes, true)?)])
        })
    }))
}

fn median_along(ignore_nan: bool, x: &Tensor, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
    let op = SortOp::Median { ignore_nan };
    let (lines, axis) = along(op.name(), x, dim)?;
    not_of_nothing(op.name(), ErrorKind::Index, &lines, &[axis])?;
    accepted(op, x)?;
    let title = if ignore_nan { "Nanmedian" } else { "Median" };
    chosen(title, x, axis, order(op, &lines, axis)?, keepdim)
}

/// The place that ends the longest run of equal elements along the last axis of sorted lines, of equally long
/// ones the first run. Every NaN is a run of its own.
fn longest_run(sorted: &Tensor) -> Result<Tensor> {
    let n = sorted.size(-1)?;
    let places = Tensor::arange(0, n as i64, 1, DType::I64)?.broadcast_to(sorted.shape())?;
    let moved = sorted.narrow(-1, 1, n - 1)?.ne(&sorted.narrow(-1, 0, n - 1)?)?;
    let first = Tensor::zeros(places.narrow(-1, 0, 1)?.shape(), DType::I64)?;
    let starts = Tensor::where_cond(&moved, &places.narrow(-1, 1, n - 1)?, 0i64)?;
    let starts = Tensor::cat(&[&first, &starts], -1)?;
    let (run_start, _) = starts.cummax(-1)?;
    places.sub(&run_start)?.argmax(Some(-1), true)
}

fn quantile(
    x: &Tensor,
    q: Operand<'_>,
    dim: Option<isize>,
    keepdim: bool,
    interpolation: Interpolation,
    ignore_nan: bool,
) -> Result<Tensor> {
    let op = if ignore_nan { "nanquantile" } else { "quantile" };
    let refuse = |kind, rule| TensorError::new(kind, op, rule);
    if !matches!(x.dtype(), DType::F32 | DType::F64) {
        return Err(refuse(ErrorKind::DType, "needs float32 or float64").with("dtype", x.dtype()));
    }
    if x.numel() == 0 {
        return Err(refuse(ErrorKind::Shape, "an empty tensor has no quantiles").with("shape", x.shape()));
    }
    let several = q.tensor().is_some_and(|q| q.rank() == 1);
    let q = match q {
        Operand::Scalar(q) => Tensor::full(&[1], q, x.dtype())?,
        Operand::Tensor(q) => {
            if q.rank() > 1 {
                return Err(refuse(ErrorKind::Shape, "q must be a number or a vector").with("q", q.shape()));
            }
            if q.dtype() != x.dtype() {
                return Err(refuse(ErrorKind::DType, "q and the tensor differ in dtype")
                    .with("q", q.dtype())
                    .with("tensor", x.dtype()));
            }
            q.reshape([-1])?
        }
    };
    let within = q.ge(0.0)?.logical_and(&q.le(1.0)?)?.all(super::Dims::all(), false)?;
    if !within.item()?.to_bool() {
        return Err(refuse(ErrorKind::Value, "q must lie in [0, 1]"));
    }
    let axis = dim.map(|dim| normalize_dim(op, dim, x.rank())).transpose()?;
    // Lines to the last axis.
    let lines = match axis {
        Some(axis) if x.rank() > 0 => x.movedim([axis as isize], [-1])?,
        _ => x.flatten()?,
    };
    let (sorted, _) = lines.sort(-1, false)?;
    let last = (sorted.size(-1)? - 1) as f64;
    let nan = sorted.detach().isnan()?;
    // In f64, as PyTorch has them: q f32 would misplace elements of long lines.
    let q = q.to_dtype(DType::F64)?;
    let ranks = if ignore_nan {
        let ranks = q.mul(&nan.logical_not()?.sum_dim(-1, true)?.sub(1i64)?)?;
        // Of a line without numbers the first NaN.
        ranks.masked_fill(&ranks.lt(0.0)?, 0.0)?
    } else {
        // A line with NaN has it at its end.
        Tensor::where_cond(&nan.any(-1, true)?, last, &q.mul(last)?)?
    };
    let at = |rank: &Tensor| sorted.gather(-1, &rank.detach().to_dtype(DType::I64)?);
    let found = match interpolation {
        Interpolation::Lower => at(&ranks.floor()?)?,
        Interpolation::Higher => at(&ranks.ceil()?)?,
        Interpolation::Nearest => at(&ranks.round()?)?,
        Interpolation::Linear | Interpolation::Midpoint => {
            let below = ranks.detach().floor()?;
            let weight = match interpolation {
                Interpolation::Midpoint => Tensor::full_like(&below, 0.5)?,
                _ => ranks.sub(&below)?,
            };
            at(&below)?.lerp(&at(&ranks.ceil()?)?, &weight.to_dtype(x.dtype())?)?
        }
    };
    // [.., q] -> [q, ..], with the dims that stay.
    let mut out = found.movedim([-1], [0])?;
    if keepdim {
        let shape: Vec<isize> = (0..x.rank())
            .map(|d| if axis.is_none_or(|axis| axis == d) { 1 } else { x.shape()[d] as isize })
            .collect();
        out = out.reshape([&[q.numel() as isize][..], &shape].concat())?;
    }
    if several { Ok(out) } else { out.squeeze(0) }
}

/// Elements by their place in the order. NaN counts as larger than every number. Along a dim, with `keepdim`
/// the dim stays with size 1; indices are those that sorting puts there.
impl Tensor {
    /// The element in the middle of all, the lower of two; NaN if there is one, and for an empty tensor (of
    /// integers the lowest number). The gradient is shared evenly by equals. Linear time. PyTorch:
    /// `torch.median`. Error: `NotImplemented` for bool.
    pub fn median(&self) -> Result<Tensor> {
        median_of_all(false, self)
    }

    /// The elements in the middle along `dim`, the lower of two, and their indices; the first NaN if there is one.
    /// The gradient goes to that element. Linear time. PyTorch: `torch.median`. Errors: `Dim`,
    /// `NotImplemented` for bool, `Index` for an empty dimension.
    pub fn median_dim(&self, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        median_along(false, self, dim, keepdim)
    }

    /// [`median`](Self::median) of the elements that are not NaN; of none NaN. PyTorch: `torch.nanmedian`.
    pub fn nanmedian(&self) -> Result<Tensor> {
        median_of_all(true, self)
    }

    /// [`median_dim`](Self::median_dim) of the elements that are not NaN; of none the first NaN. PyTorch:
    /// `torch.nanmedian`.
    pub fn nanmedian_dim(&self, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        median_along(true, self, dim, keepdim)
    }

    /// The most frequent element along `dim`, of several the smallest, and its last index. No NaN equals another.
    /// The gradient goes to that element. n log n. PyTorch: `torch.mode`. Errors: `Dim`, `Index` for an
    /// empty dimension.
    pub fn mode(&self, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        let (lines, axis) = along("mode", self, dim)?;
        not_of_nothing("mode", ErrorKind::Index, &lines, &[axis])?;
        let axis_dim = axis as isize;
        let (sorted, places) = lines.sort(axis_dim, false)?;
        let place = longest_run(&sorted.transpose(axis_dim, -1)?)?.transpose(axis_dim, -1)?;
        let found = (sorted.gather(axis_dim, &place)?, places.gather(axis_dim, &place)?);
        chosen("Mode", self, axis, found, keepdim)
    }

    /// The elements below which the shares `q` of all elements, or of those along `dim`, lie: at rank `q (n - 1)`
    /// of the order, from 0. `q` is a number, or a vector in the tensor's dtype, whose dimension then comes first.
    /// A line with NaN gives NaN. n log n. PyTorch: `torch.quantile`.
    ///
    /// Errors: `Dim`, `DType` for other dtypes than f32 and f64, `Shape` for an empty tensor, `Value` for a `q`
    /// outside of [0, 1].
    pub fn quantile<'a>(
        &self,
        q: impl Into<Operand<'a>>,
        dim: Option<isize>,
        keepdim: bool,
        interpolation: Interpolation,
    ) -> Result<Tensor> {
        quantile(self, q.into(), dim, keepdim, interpolation, false)
    }

    /// [`quantile`](Self::quantile) of the elements that are not NaN; of none NaN. PyTorch: `torch.nanquantile`.
    pub fn nanquantile<'a>(
        &self,
        q: impl Into<Operand<'a>>,
        dim: Option<isize>,
        keepdim: bool,
        interpolation: Interpolation,
    ) -> Result<Tensor> {
        quantile(self, q.into(), dim, keepdim, interpolation, true)
    }
}

//! Places in sorted lines, and membership.

use rusttorch_backend::{DType, ErrorKind, Result, ResultType, TensorError};

use super::args::Operand;
use crate::dispatch;
use crate::tensor::Tensor;

/// Operands cast to the dtype they promote to. Error: `NotImplemented` for bool.
fn common(op: &'static str, a: Operand<'_>, b: Operand<'_>) -> Result<(Tensor, Tensor)> {
    let dtype = b.join(a.join(ResultType::new())).dtype();
    if dtype == DType::Bool {
        return Err(TensorError::new(ErrorKind::NotImplemented, op, "not implemented for this dtype")
            .with("dtype", dtype));
    }
    Ok((a.to_tensor(dtype, &[])?.detach(), b.to_tensor(dtype, &[])?.detach()))
}

/// As [`Tensor::searchsorted`], with the name of the op.
pub(crate) fn searchsorted(
    op: &'static str,
    sorted: &Tensor,
    values: Operand<'_>,
    right: bool,
    sorter: Option<&Tensor>,
) -> Result<Tensor> {
    if let Some(sorter) = sorter {
        if sorter.shape() != sorted.shape() {
            return Err(TensorError::new(ErrorKind::Shape, op, "sorter and sequence differ in shape")
                .with("sorter", sorter.shape())
                .with("sequence", sorted.shape()));
        }
        if sorter.dtype() != DType::I64 {
            return Err(
                TensorError::new(ErrorKind::DType, op, "sorter must be int64").with("dtype", sorter.dtype())
            );
        }
    }
    let shape = values.tensor().map_or(&[][..], |v| v.layout().shape()).to_vec();
    let one_line = sorted.rank() == 1;
    let lead = |s: &[usize]| s.split_last().map(|(_, lead)| lead.to_vec());
    if !one_line && (sorted.rank() == 0 || lead(&shape) != lead(sorted.shape())) {
        return Err(TensorError::new(
            ErrorKind::Shape,
            op,
            "the sequence must be a vector, or agree with the values on all dimensions but the last",
        )
        .with("sequence", sorted.shape())
        .with("values", &shape[..]));
    }
    let (sorted, values) = common(op, sorted.into(), values)?;
    let sorted = match sorter {
        Some(sorter) if sorter.numel() > 0 => sorted.gather(-1, sorter)?,
        _ => sorted,
    };
    let lines = if one_line { values.reshape([-1])? } else { values };
    let found = dispatch::compute(op, [&sorted, &lines], lines.shape(), DType::I64, |b, [s, v], out| {
        b.searchsorted(s, v, right, out)
    })?;
    found.reshape(shape.iter().map(|&n| n as isize).collect::<Vec<_>>())
}

/// Whether each element is among `tests`: these are put in order and searched.
pub(crate) fn isin(elements: Operand<'_>, tests: Operand<'_>, invert: bool) -> Result<Tensor> {
    const OP: &str = "isin";
    let (elements, tests) = common(OP, elements, tests)?;
    let (sorted, _) = tests.flatten()?.sort(0, false)?;
    // NaN equals nothing, and would lead the search astray.
    let numbers = sorted.isnan()?.logical_not()?.sum()?.item()?.to_i64() as usize;
    if numbers == 0 {
        return Tensor::full(elements.shape(), invert, DType::Bool);
    }
    let sorted = sorted.narrow(0, 0, numbers)?;
    let place = searchsorted(OP, &sorted, (&elements).into(), false, None)?;
    // What lies above all of them is compared with the last one.
    let place = place.clamp_max(sorted.numel() as i64 - 1)?.flatten()?;
    let shape: Vec<isize> = elements.shape().iter().map(|&n| n as isize).collect();
    let nearest = sorted.gather(0, &place)?.reshape(&shape)?;
    if invert { nearest.ne(&elements) } else { nearest.eq(&elements) }
}

/// Search in log n a value. Values and lines are promoted to one dtype, numbers.
impl Tensor {
    /// Where `values` would be put into this sorted vector, as i64: before the elements equal to it, or, with
    /// `right`, behind them. Of a tensor of more dimensions each line along the last one is searched for the
    /// values that lie along the same line. NaN is put at the end; where a line holds NaN itself, values may be,
    /// too, as in PyTorch. `sorter` (i64) gives the order of a tensor that is not sorted itself, as
    /// [`argsort`](Tensor::argsort) does. PyTorch: `torch.searchsorted`.
    ///
    /// Errors: `Shape` where leading sizes differ, `NotImplemented` for bool, `DType` for a sorter that is not
    /// i64, `IndexValue` for one with an element out of bounds.
    pub fn searchsorted<'a>(
        &self,
        values: impl Into<Operand<'a>>,
        right: bool,
        sorter: Option<&Tensor>,
    ) -> Result<Tensor> {
        searchsorted("searchsorted", self, values.into(), right, sorter)
    }

    /// The number of the interval between sorted `boundaries` that each element lies in: 0 up to the first one,
    /// which belongs to it, or, with `right`, to the next. PyTorch: `torch.bucketize`. Errors: `Shape` for
    /// boundaries that are no vector, `NotImplemented` for bool.
    pub fn bucketize(&self, boundaries: &Tensor, right: bool) -> Result<Tensor> {
        const OP: &str = "bucketize";
        if boundaries.rank() != 1 {
            return Err(TensorError::new(ErrorKind::Shape, OP, "boundaries must be a vector")
                .with("boundaries", boundaries.shape()));
        }
        searchsorted(OP, boundaries, self.into(), right, None)
    }

    /// Whether each element is equal to one of `tests` (a tensor or a number), or, with `invert`, to none. NaN is
    /// equal to nothing. PyTorch: `torch.isin`. Error: `NotImplemented` for bool.
    pub fn isin<'a>(&self, tests: impl Into<Operand<'a>>, invert: bool) -> Result<Tensor> {
        isin(self.into(), tests.into(), invert)
    }
}

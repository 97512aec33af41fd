//! Counting.

use rusttorch_backend::{DType, DTypeSet, ErrorKind, Result, TensorError};

use crate::tensor::Tensor;

impl Tensor {
    /// How often each number from 0 on occurs in a vector of integers, up to the largest and at least
    /// `minlength` of them, as i64; with weights the sum of those of its occurrences, in f32 for f32 weights and
    /// else in f64. Linear time. No gradient. PyTorch: `torch.bincount`.
    ///
    /// Errors: `NotImplemented` for floats and bool, `Shape` for other ranks and weights of another length,
    /// `Value` for a negative element.
    pub fn bincount(&self, weights: Option<&Tensor>, minlength: usize) -> Result<Tensor> {
        const OP: &str = "bincount";
        if !DTypeSet::INTS.contains(self.dtype()) {
            return Err(TensorError::new(ErrorKind::NotImplemented, OP, "not implemented for this dtype")
                .with("dtype", self.dtype()));
        }
        if self.numel() == 0 && self.rank() == 1 {
            return Tensor::zeros(&[minlength], DType::I64);
        }
        if self.rank() != 1 {
            return Err(TensorError::new(ErrorKind::Shape, OP, "needs a vector").with("shape", self.shape()));
        }
        if let Some(weights) = weights.filter(|w| w.shape() != self.shape()) {
            return Err(TensorError::new(
                ErrorKind::Shape,
                OP,
                "weights must be a vector of the same length",
            )
            .with("weights", weights.shape())
            .with("tensor", self.shape()));
        }
        let (least, largest) = self.aminmax(None, false)?;
        if least.item()?.to_i64() < 0 {
            return Err(TensorError::new(ErrorKind::Value, OP, "needs numbers from 0 on")
                .with("least", least.item()?.to_i64()));
        }
        let bins = minlength.max((largest.item()?.to_i64() as usize).saturating_add(1));
        let src = match weights {
            None => Tensor::ones(&[1], DType::I64)?.broadcast_to(self.shape())?,
            Some(w) if w.dtype() == DType::F32 => w.detach(),
            Some(w) => w.detach().to_dtype(DType::F64)?,
        };
        Tensor::zeros(&[bins], src.dtype())?.scatter_add(0, &self.to_dtype(DType::I64)?, &src)
    }

    /// How many elements lie in each of `bins` equally wide intervals from `min` to `max`, in the tensor's dtype;
    /// the last one holds its upper end. Both 0, or equal: from the least to the largest element, and where these
    /// are equal one to either side. What lies outside is not counted, nor is NaN. Linear time. No gradient.
    /// PyTorch: `torch.histc`.
    ///
    /// Errors: `NotImplemented` for integers and bool, `Value` for no bins, for `min` above `max` and for ends that
    /// are not finite, `Memory` for more bins than memory.
    pub fn histc(&self, bins: usize, min: f64, max: f64) -> Result<Tensor> {
        const OP: &str = "histc";
        if !self.dtype().is_float() {
            return Err(TensorError::new(ErrorKind::NotImplemented, OP, "needs a floating-point tensor")
                .with("dtype", self.dtype()));
        }
        if bins == 0 {
            return Err(TensorError::new(ErrorKind::Value, OP, "needs at least one bin"));
        }
        // One bin more than that is needed, and its number as an index.
        let last = i64::try_from(bins).ok().filter(|&n| n < i64::MAX).ok_or_else(|| {
            TensorError::new(ErrorKind::Memory, OP, "number of bins overflows").with("bins", bins)
        })? - 1;
        let x = self.detach().flatten()?;
        let (mut low, mut high) = (min, max);
        if low == high && x.numel() > 0 {
            let (least, largest) = x.aminmax(None, false)?;
            (low, high) = (least.item_f64()?, largest.item_f64()?);
        }
        if low == high {
            (low, high) = (low - 1.0, high + 1.0);
        }
        if !low.is_finite() || !high.is_finite() {
            return Err(TensorError::new(ErrorKind::Value, OP, "the range is not finite")
                .with("min", low)
                .with("max", high));
        }
        if low > high {
            return Err(TensorError::new(ErrorKind::Value, OP, "max must be larger than min")
                .with("min", low)
                .with("max", high));
        }
        // Every step in the tensor's dtype, as PyTorch rounds it.
        let (low, high) = (Tensor::full(&[], low, x.dtype())?, Tensor::full(&[], high, x.dtype())?);
        let within = x.ge(&low)?.logical_and(&x.le(&high)?)?;
        let place = x.sub(&low)?.mul(bins as f64)?.div(&high.sub(&low)?)?;
        let bin = place.to_dtype(DType::I64)?.clamp_max(last)?;
        // What lies outside goes to one bin more, which is cut off.
        let bin = Tensor::where_cond(&within, &bin, last + 1)?;
        let ones = Tensor::ones(&[1], DType::I64)?.broadcast_to(x.shape())?;
        let counts = Tensor::zeros(&[bins + 1], DType::I64)?.scatter_add(0, &bin, &ones)?;
        counts.narrow(0, 0, bins)?.to_dtype(self.dtype())
    }
}

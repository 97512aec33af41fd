//! Activations that are composed of other ops, or have a gradient of their own.

use rusttorch_backend::ops::Activation;
use rusttorch_backend::{DType, ErrorKind, Result, TensorError};
use smallvec::{SmallVec, smallvec};

use super::activation::activation;
use super::in_place::by_value;
use crate::autograd::{Saved, no_grad, record};
use crate::tensor::Tensor;

const RELU6: Activation = Activation::Hardtanh { min_val: 0.0, max_val: 6.0 };

/// Error: `Value` unless two numbers bound the slope of [`Tensor::rrelu`].
fn check_slopes(lower: f64, upper: f64) -> Result<()> {
    if lower <= upper {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::Value, "rrelu", "lower is greater than upper")
        .with("lower", lower)
        .with("upper", upper))
}

/// What [`Tensor::rrelu`] is when not training.
fn mean_slope(lower: f64, upper: f64) -> Result<Activation> {
    check_slopes(lower, upper)?;
    Ok(Activation::LeakyRelu { negative_slope: (lower + upper) / 2.0 })
}

/// The factor of every element: 1, or for those up to 0 a draw between `lower` and `upper`, taken from the default
/// generator in logical order. As in PyTorch bounds and draws are rounded to the dtype, but drawn in f64.
fn drawn_slopes(x: &Tensor, lower: f64, upper: f64) -> Result<Tensor> {
    check_slopes(lower, upper)?;
    needs_float("rrelu", x)?;
    let x = x.detach();
    let left = x.le(0.0)?.to_vec::<bool>()?;
    let count = left.iter().filter(|&&l| l).count();
    let bound = |value| Tensor::full(&[], value, x.dtype())?.item_f64();
    let draws = Tensor::empty(&[count], DType::F64)?.uniform_(bound(lower)?, bound(upper)?)?;
    let mut draws = draws.to_vec::<f64>()?.into_iter();
    let slopes = left.into_iter().map(|l| if l { draws.next().unwrap_or(1.0) } else { 1.0 }).collect();
    Tensor::from_vec::<f64>(slopes, x.shape())?.to_dtype(x.dtype())
}

impl Tensor {
    /// `min(max(x, 0), 6)`. Numbers; at both bounds the gradient is 0. PyTorch: `torch.nn.functional.relu6`.
    /// Error: `NotImplemented` for bool.
    pub fn relu6(&self) -> Result<Tensor> {
        activation(RELU6, self)
    }

    /// In-place [`relu6`](Self::relu6). Returns the tensor itself.
    pub fn relu6_(&self) -> Result<Tensor> {
        by_value("relu6_", self, &[], &|x| activation(RELU6, x))
    }

    /// [`leaky_relu`](Self::leaky_relu) whose slope below zero is the mean of `lower` and `upper`: what the
    /// randomized form is when not training. PyTorch: `torch.rrelu(.., training=False)`, defaults 1/8 and 1/3.
    /// Errors: `Value` unless `lower <= upper`, `NotImplemented` for integers and bool.
    pub fn rrelu(&self, lower: f64, upper: f64) -> Result<Tensor> {
        activation(mean_slope(lower, upper)?, self)
    }

    /// In-place [`rrelu`](Self::rrelu). Returns the tensor itself.
    pub fn rrelu_(&self, lower: f64, upper: f64) -> Result<Tensor> {
        let op = mean_slope(lower, upper)?;
        by_value("rrelu_", self, &[], &|x| activation(op, x))
    }

    /// [`rrelu`](Self::rrelu) when training: every slope is drawn from the default generator, evenly between
    /// `lower` and `upper`. PyTorch: `torch.rrelu(.., training=True)`, with the same numbers for the same seed. Errors:
    /// as `rrelu`.
    pub fn rrelu_training(&self, lower: f64, upper: f64) -> Result<Tensor> {
        self.mul(&drawn_slopes(self, lower, upper)?)
    }

    /// In-place [`rrelu_training`](Self::rrelu_training). Returns the tensor itself.
    pub fn rrelu_training_(&self, lower: f64, upper: f64) -> Result<Tensor> {
        self.mul_(&drawn_slopes(self, lower, upper)?)
    }

    /// `x - tanh(x)`. Integers give the default float. PyTorch: `torch.nn.functional.tanhshrink`. Error:
    /// `NotImplemented` for bool.
    pub fn tanhshrink(&self) -> Result<Tensor> {
        self.sub(&self.tanh()?)
    }

    /// Softmax of `-x` along `dim`. PyTorch: `torch.nn.functional.softmin`. Errors: `Dim`, `NotImplemented`
    /// for integers and bool.
    pub fn softmin(&self, dim: isize) -> Result<Tensor> {
        self.neg()?.softmax(dim)
    }

    /// Gated linear unit: `a * sigmoid(b)` with the first half `a` and the second half `b` of the tensor along
    /// `dim`. Floats. PyTorch: `torch.nn.functional.glu`, default dim -1. Errors: `Dim`, `Shape` for an odd size
    /// or a 0-d tensor, `NotImplemented` for integers and bool.
    pub fn glu(&self, dim: isize) -> Result<Tensor> {
        const OP: &str = "glu";
        if self.rank() == 0 {
            return Err(TensorError::new(ErrorKind::Shape, OP, "a 0-d tensor has no halves")
                .with("shape", self.shape()));
        }
        let axis = rusttorch_backend::layout::normalize_dim(OP, dim, self.rank())?;
        let size = self.shape()[axis];
        if !size.is_multiple_of(2) {
            return Err(TensorError::new(ErrorKind::Shape, OP, "size along dim is odd")
                .with("size", size)
                .with("shape", self.shape()));
        }
        needs_float(OP, self)?;
        let (half, axis) = (size / 2, axis as isize);
        // One rounding, at the end.
        let wide = if self.dtype().is_half() { self.to_dtype(DType::F32)? } else { self.clone() };
        let gate = wide.narrow(axis, half as isize, half)?.sigmoid()?;
        wide.narrow(axis, 0, half)?.mul(&gate)?.to_dtype(self.dtype())
    }

    /// `x > 0 ? x : weight * x`, where the weight is one number or has one for each channel, which is
    /// dimension 1. Both are differentiated. PyTorch: `torch.prelu`. Errors: `Shape` for a weight that is no
    /// vector or differs in number from the channels, `DType` where the dtypes differ, `NotImplemented` for integers and
    /// bool.
    pub fn prelu(&self, weight: &Tensor) -> Result<Tensor> {
        const OP: &str = "prelu";
        if weight.dtype() != self.dtype() {
            return Err(TensorError::new(ErrorKind::DType, OP, "input and weight differ in dtype")
                .with("input", self.dtype())
                .with("weight", weight.dtype()));
        }
        let channels = self.shape().get(1).copied().unwrap_or(1);
        let of_channels = self.rank() > 0 && weight.numel() == channels;
        if weight.rank() > 1 || !(of_channels || weight.numel() == 1) {
            return Err(TensorError::new(
                ErrorKind::Shape,
                OP,
                "weight is neither one number nor one for each channel",
            )
            .with("input", self.shape())
            .with("weight", weight.shape()));
        }
        needs_float(OP, self)?;
        let mut along: SmallVec<[isize; 6]> = smallvec![1; self.rank()];
        if let Some(at) = along.get_mut(1) {
            *at = weight.numel() as isize;
        }
        prelu(self, &weight.reshape(&along)?.broadcast_to(self.shape())?)
    }
}

fn needs_float(op: &'static str, x: &Tensor) -> Result<()> {
    if x.dtype().is_float() {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::NotImplemented, op, "needs a floating-point tensor")
        .with("dtype", x.dtype()))
}

/// The weight has the shape of `x`. The gradient is a rule of its own, for that of a choice between products
/// would be NaN where the branch that is not taken holds an infinity.
fn prelu(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let out = no_grad(|| Tensor::where_cond(&x.gt(0.0)?, x, &weight.mul(x)?))?;
    Ok(record("PreluKernel", out, [x, weight], |_| {
        let kept = [x, weight].map(Saved::input);
        Box::new(move |context, g| {
            let (x, weight) = (kept[0].unpack(context)?, kept[1].unpack(context)?);
            let right = x.gt(0.0)?;
            let of_x = || Tensor::where_cond(&right, g, &weight.mul(g)?);
            let of_weight = || x.mul(g)?.masked_fill(&right, 0.0);
            Ok(smallvec![
                context.needs(0).then(of_x).transpose()?,
                context.needs(1).then(of_weight).transpose()?,
            ])
        })
    }))
}

//! Samples of distributions that tensors describe, and dropout.

use rusttorch_backend::layout::{broadcast_shapes, numel};
use rusttorch_backend::ops::Distribution;
use rusttorch_backend::{ErrorKind, Generator, Result, TensorError, match_dtype};

use super::args::Operand;
use super::create::reserve;
use super::generator::Source;
use super::random::{bernoulli_draw, draw_like, memory_order};
use crate::autograd::{no_grad, record_many};
use crate::tensor::Tensor;

/// The most weights of a row: as far as f32 counts.
const MOST_CATEGORIES: usize = 1 << 24;

/// A sample, through which PyTorch passes a gradient of zeros to the tensors that describe it.
fn sampled(title: &'static str, out: Tensor, inputs: &[&Tensor]) -> Tensor {
    record_many(title, out, inputs, |_| {
        let layouts: Vec<_> = inputs.iter().map(|t| (t.layout().clone(), t.dtype())).collect();
        Box::new(move |_, _| {
            layouts.iter().map(|(layout, dtype)| Tensor::zeros(layout.shape(), *dtype).map(Some)).collect()
        })
    })
}

impl Tensor {
    /// 1 with the probability that the element states, else 0, of the same float dtype.
    /// PyTorch: `torch.bernoulli(p)`; with one probability for all: `Tensor::empty_like(x)?.bernoulli_(p)`.
    /// Errors: `NotImplemented` for integers and bool; `Value` for an element outside of [0, 1].
    pub fn bernoulli(&self) -> Result<Tensor> {
        // Drawn row by row whatever the layout, as into a contiguous tensor.
        let out = no_grad(|| {
            let p = self.contiguous()?;
            bernoulli_draw("bernoulli", &p, &p)?.to_dtype(self.dtype())
        })?;
        Ok(sampled("Bernoulli", out, &[self]))
    }

    /// Normal with the means and standard deviations that tensors or numbers state, which broadcast: a standard
    /// normal number times `std` plus `mean`, of the dtype of the mean if that is a tensor, else of the standard
    /// deviation. Of numbers alone: `Tensor::empty(shape, dtype)?.normal_(mean, std)`. PyTorch: `torch.normal`.
    /// Errors: `NotImplemented` for integers and bool, `Shape`, `Value` for a negative or NaN deviation,
    /// `Argument` for two numbers.
    pub fn normal<'a, 'b>(mean: impl Into<Operand<'a>>, std: impl Into<Operand<'b>>) -> Result<Tensor> {
        const OP: &str = "normal";
        let (mean, std): (Operand<'_>, Operand<'_>) = (mean.into(), std.into());
        let (shape, dtype) = match (mean, std) {
            (Operand::Tensor(m), Operand::Tensor(s)) => {
                (broadcast_shapes(OP, m.shape(), s.shape())?, m.dtype())
            }
            (Operand::Tensor(t), _) | (_, Operand::Tensor(t)) => (t.shape().into(), t.dtype()),
            (Operand::Scalar(_), Operand::Scalar(_)) => {
                return Err(TensorError::new(ErrorKind::Argument, OP, "needs a tensor; use normal_"));
            }
        };
        if let Operand::Tensor(s) = std
            && s.numel() > 0
        {
            let least = s.min()?.item_f64()?;
            if least.is_nan() || least < 0.0 {
                return Err(TensorError::new(ErrorKind::Value, OP, "standard deviation is not >= 0")
                    .with("std", least));
            }
        }
        let out = no_grad(|| {
            let out = Tensor::empty(&shape, dtype)?;
            match std {
                Operand::Tensor(s) => out.normal_(0.0, 1.0)?.mul_(s)?,
                Operand::Scalar(s) => out.normal_(0.0, s.to_f64())?,
            };
            out.add_(mean)
        })?;
        let inputs: Vec<&Tensor> = [mean.tensor(), std.tensor()].into_iter().flatten().collect();
        Ok(sampled("Normal", out, &inputs))
    }

    /// Indices of weights, chosen with probabilities proportional to them: `[n]` weights give `[k]` i64 indices,
    /// `[m, n]` weights k indices a row, `[m, k]`. Without replacement the indices of a row differ and stand in
    /// the order in which they were chosen; weights of zero come last, in an order that PyTorch leaves to its
    /// sorting and that is ascending here. PyTorch: `torch.multinomial`.
    /// Errors: `DType` for integers and bool; `Shape` for other ranks; `Value` for weights that are negative or
    /// not finite, rows of zeros, and `k` that is zero or, without replacement, more than n.
    pub fn multinomial(&self, num_samples: usize, replacement: bool) -> Result<Tensor> {
        const OP: &str = "multinomial";
        let value = |rule| TensorError::new(ErrorKind::Value, OP, rule);
        if !self.dtype().is_float() {
            return Err(
                TensorError::new(ErrorKind::DType, OP, "weights must be floats").with("dtype", self.dtype())
            );
        }
        let (rows, n) = match self.shape() {
            [n] => (1, *n),
            [m, n] => (*m, *n),
            shape => {
                return Err(
                    TensorError::new(ErrorKind::Shape, OP, "needs 1 or 2 dimensions").with("shape", shape)
                );
            }
        };
        if num_samples == 0 {
            return Err(value("number of samples is zero"));
        }
        if !replacement && num_samples > n {
            return Err(value("more samples than weights, without replacement")
                .with("samples", num_samples)
                .with("weights", n));
        }
        if n > MOST_CATEGORIES {
            return Err(value("more than 2^24 weights").with("weights", n));
        }
        let shape = if self.rank() == 1 { vec![num_samples] } else { vec![rows, num_samples] };
        let count = numel(OP, &shape)?;
        let mut indices: Vec<i64> = reserve(OP, count)?;
        indices.resize(count, 0);
        if rows > 0 && n == 0 {
            return Err(value("there are no weights").with("shape", self.shape()));
        }
        let by_column = memory_order(self.layout()).is_some();
        let source = Source::current();
        match_dtype!(floats self.dtype(), T => {
            let weights = self.elements::<T>(OP)?;
            source.draw(|generator: &mut Generator| {
                let drawn = if replacement && num_samples > 1 {
                    generator.fill_multinomial(&mut indices, &weights, n)
                } else {
                    let order = (0..weights.len()).map(|i| match by_column {
                        true => i % rows * n + i / rows,
                        false => i,
                    });
                    generator.fill_multinomial_distinct(&mut indices, &weights, n, order)
                };
                drawn.map_err(|e| {
                    value("weights are negative, not finite or all zero").with("shape", self.shape()).caused_by(e)
                })
            })?;
        }, else return Err(TensorError::new(ErrorKind::Internal, OP, "dtype changed")));
        Tensor::from_vec(indices, &shape)
    }
}

/// Error: `Argument` for a probability outside of [0, 1].
fn check_probability(op: &'static str, p: f64) -> Result<()> {
    match p {
        _ if p.is_nan() => {
            Err(TensorError::new(ErrorKind::Value, op, "probability is not a number").with("p", p))
        }
        0.0..=1.0 => Ok(()),
        _ => Err(TensorError::new(ErrorKind::Argument, op, "probability is not in [0, 1]").with("p", p)),
    }
}

/// While `training`, every element zeroed with probability `p` and the others divided by `1 - p`; else the tensor
/// itself. With p = 1 every element is multiplied by zero, so NaN and infinities become NaN.
/// PyTorch: `torch.nn.functional.dropout`.
/// Errors: `Argument` for p outside of [0, 1]; `DType` for integers and bool while elements are dropped.
pub fn dropout(x: &Tensor, p: f64, training: bool) -> Result<Tensor> {
    const OP: &str = "dropout";
    check_probability(OP, p)?;
    if !training || p == 0.0 || x.numel() == 0 {
        return Ok(x.clone());
    }
    if p == 1.0 {
        return x.mul(&Tensor::zeros(&[], x.dtype())?);
    }
    if !x.dtype().is_float() {
        return Err(TensorError::new(ErrorKind::DType, OP, "needs a float dtype").with("dtype", x.dtype()));
    }
    let mask = draw_like(OP, Distribution::Bernoulli { p: 1.0 - p }, x, x.dtype())?;
    x.mul(&mask.div_(1.0 - p)?)
}

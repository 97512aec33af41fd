//! Random tensors, with PyTorch's numbers for PyTorch's seed.
//!
//! PyTorch fills memory in the order in which it lies: a transposed tensor is filled column by column, and normal
//! numbers of a tensor that is not contiguous are drawn in pairs at any length. So it is here.

use rusttorch_backend::ops::Distribution;
use rusttorch_backend::{DType, ErrorKind, Layout, Result, TensorError};
use smallvec::SmallVec;

use super::args::Operand;
use super::create::reserve;
use super::generator::Source;
use crate::autograd::in_place;
use crate::backends;
use crate::dispatch;
use crate::tensor::Tensor;

/// Error where PyTorch has no form of the distribution for the dtype.
fn check(op: &'static str, distribution: Distribution, dtype: DType) -> Result<()> {
    use Distribution::*;
    let (fits, kind) = match distribution {
        Uniform { .. } | Normal { .. } | NormalInPairs { .. } | LogNormal { .. } => {
            (dtype.is_float(), ErrorKind::NotImplemented)
        }
        Exponential { .. } | Cauchy { .. } => (dtype.is_float(), ErrorKind::DType),
        Geometric { .. } => (dtype != DType::Bool, ErrorKind::NotImplemented),
        RandInt { .. } | Random | RandomFrom { .. } | Bernoulli { .. } => (true, ErrorKind::NotImplemented),
    };
    if fits {
        return Ok(());
    }
    Err(TensorError::new(kind, op, "has no form for this dtype").with("dtype", dtype))
}

/// The axes of a layout from the outermost in memory to the innermost, by PyTorch's rule, where a dense tensor of
/// that order would not be contiguous; else `None`.
pub(super) fn memory_order(layout: &Layout) -> Option<SmallVec<[isize; 6]>> {
    if layout.is_contiguous() {
        return None;
    }
    // Innermost first. An axis of stride 0 says nothing of its place.
    let mut order: SmallVec<[usize; 6]> = (0..layout.rank()).rev().collect();
    let (shape, strides) = (layout.shape(), layout.strides());
    for i in 1..order.len() {
        let mut at = i;
        for other in (0..i).rev() {
            let (a, b) = (order[other], order[at]);
            let (inner, outer) = (strides[a].unsigned_abs(), strides[b].unsigned_abs());
            if inner == 0 || outer == 0 || inner == outer && shape[a] <= shape[b] {
                continue;
            }
            if inner < outer {
                break;
            }
            order.swap(other, at);
            at = other;
        }
    }
    let axes = order.iter().rev().filter(|&&d| shape[d] != 1);
    if axes.is_sorted() {
        return None;
    }
    Some(order.iter().rev().map(|&d| d as isize).collect())
}

/// What PyTorch draws for a tensor that is not contiguous.
fn piecewise(distribution: Distribution) -> Distribution {
    match distribution {
        Distribution::Normal { mean, std } => Distribution::NormalInPairs { mean, std },
        other => other,
    }
}

/// A new contiguous tensor, filled as a tensor with this order of axes in memory would be.
fn draw(
    op: &'static str,
    distribution: Distribution,
    shape: &[usize],
    dtype: DType,
    order: Option<&[isize]>,
) -> Result<Tensor> {
    check(op, distribution, dtype)?;
    let backend = backends::current()?;
    let source = Source::current();
    dispatch::fresh(op, &backend, shape, dtype, |mut out| {
        let permuted = match order {
            Some(order) => out.layout().permute(order)?,
            None => out.layout().clone(),
        };
        source.draw(|generator| backend.random(distribution, generator, out.with_layout(&permuted)?))
    })
}

/// A new contiguous tensor with the shape of `like` and the numbers that PyTorch gives a tensor made like it.
pub(super) fn draw_like(
    op: &'static str,
    distribution: Distribution,
    like: &Tensor,
    dtype: DType,
) -> Result<Tensor> {
    let order = memory_order(like.layout());
    let distribution = if order.is_some() { piecewise(distribution) } else { distribution };
    draw(op, distribution, like.shape(), dtype, order.as_deref())
}

/// What `distribution` fills the memory of `x` with, as a tensor of its own.
fn draw_for(op: &'static str, distribution: Distribution, x: &Tensor, dtype: DType) -> Result<Tensor> {
    let distribution = if x.is_contiguous() { distribution } else { piecewise(distribution) };
    draw(op, distribution, x.shape(), dtype, memory_order(x.layout()).as_deref())
}

fn draw_in_place(op: &'static str, distribution: Distribution, x: &Tensor) -> Result<Tensor> {
    check(op, distribution, x.dtype())?;
    in_place(
        op,
        x,
        &[],
        || {
            let order = memory_order(x.layout());
            let target = order.map(|order| x.detach().permute(order)).transpose()?;
            let distribution = if x.is_contiguous() { distribution } else { piecewise(distribution) };
            let source = Source::current();
            dispatch::write_in_place(op, target.as_ref().unwrap_or(x), [], |b, out, []| {
                source.draw(|generator| b.random(distribution, generator, out))
            })
        },
        || draw_for(op, distribution, x, x.dtype()),
    )
}

/// Random numbers of the default generator ([`manual_seed`](crate::manual_seed)), or of the one that
/// [`with_generator`](crate::with_generator) names; the same on every backend and thread count.
/// Error of all: `Value` for parameters outside of their domain.
impl Tensor {
    /// Uniform over [0, 1), of the default float for `None`. PyTorch: `torch.rand`. Error: `NotImplemented` for
    /// integers and bool.
    pub fn rand(shape: &[usize], dtype: impl Into<Option<DType>>) -> Result<Tensor> {
        let dtype = dtype.into().unwrap_or(DType::DEFAULT_FLOAT);
        draw("rand", Distribution::Uniform { from: 0.0, to: 1.0 }, shape, dtype, None)
    }

    /// Standard normal, of the default float for `None`. PyTorch: `torch.randn`. Error: `NotImplemented` for
    /// integers and bool.
    pub fn randn(shape: &[usize], dtype: impl Into<Option<DType>>) -> Result<Tensor> {
        let dtype = dtype.into().unwrap_or(DType::DEFAULT_FLOAT);
        draw("randn", Distribution::Normal { mean: 0.0, std: 1.0 }, shape, dtype, None)
    }

    /// Integers uniform over `low..high`, of any dtype, i64 for `None`. PyTorch: `torch.randint`.
    pub fn randint(low: i64, high: i64, shape: &[usize], dtype: impl Into<Option<DType>>) -> Result<Tensor> {
        draw("randint", Distribution::RandInt { low, high }, shape, dtype.into().unwrap_or(DType::I64), None)
    }

    /// [`rand`](Self::rand) of the shape of another tensor, and of its dtype for `None`. Where that tensor is not
    /// laid out row by row, the numbers are drawn in the order of its memory. PyTorch: `torch.rand_like`.
    pub fn rand_like(like: &Tensor, dtype: impl Into<Option<DType>>) -> Result<Tensor> {
        let dtype = dtype.into().unwrap_or(like.dtype());
        draw_like("rand_like", Distribution::Uniform { from: 0.0, to: 1.0 }, like, dtype)
    }

    /// [`randn`](Self::randn) of the shape of another tensor, and of its dtype for `None`; drawn as
    /// [`rand_like`](Self::rand_like). PyTorch: `torch.randn_like`.
    pub fn randn_like(like: &Tensor, dtype: impl Into<Option<DType>>) -> Result<Tensor> {
        let dtype = dtype.into().unwrap_or(like.dtype());
        draw_like("randn_like", Distribution::Normal { mean: 0.0, std: 1.0 }, like, dtype)
    }

    /// [`randint`](Self::randint) of the shape of another tensor, and of its dtype for `None`; drawn as
    /// [`rand_like`](Self::rand_like). PyTorch: `torch.randint_like`.
    pub fn randint_like(
        like: &Tensor,
        low: i64,
        high: i64,
        dtype: impl Into<Option<DType>>,
    ) -> Result<Tensor> {
        let dtype = dtype.into().unwrap_or(like.dtype());
        draw_like("randint_like", Distribution::RandInt { low, high }, like, dtype)
    }

    /// The numbers `0..n` in random order, as i64. PyTorch: `torch.randperm`; of another dtype:
    /// [`randperm_of`](Self::randperm_of).
    pub fn randperm(n: usize) -> Result<Tensor> {
        let mut order: Vec<i64> = reserve("randperm", n)?;
        order.resize(n, 0);
        Source::current().draw(|generator| {
            generator.fill_permutation(&mut order);
            Ok(())
        })?;
        Tensor::from_vec(order, &[n])
    }

    /// The numbers `0..n` in random order, of any dtype but bool. PyTorch: `torch.randperm` with a dtype.
    /// Errors: `NotImplemented` for bool, `Value` where the dtype does not hold all the numbers.
    pub fn randperm_of(n: usize, dtype: DType) -> Result<Tensor> {
        const OP: &str = "randperm";
        // One more than the largest number, so far that all below are held. PyTorch lets bf16 round.
        let most = match dtype {
            DType::Bool => {
                return Err(TensorError::new(ErrorKind::NotImplemented, OP, "has no form for this dtype")
                    .with("dtype", dtype));
            }
            DType::U8 => 1 << 8,
            DType::I8 => 1 << 7,
            DType::I16 => 1 << 15,
            DType::I32 => 1 << 31,
            DType::F16 => (1 << 11) + 1,
            DType::F32 => (1 << 24) + 1,
            DType::F64 => (1 << 53) + 1,
            DType::I64 | DType::BF16 => usize::MAX,
        };
        if n > most {
            return Err(TensorError::new(ErrorKind::Value, OP, "the dtype does not hold all the numbers")
                .with("n", n)
                .with("dtype", dtype));
        }
        Tensor::randperm(n)?.to_dtype(dtype)
    }

    /// In place: uniform over `[from, to)`. PyTorch: `Tensor.uniform_`. Error: `NotImplemented` for integers and
    /// bool.
    pub fn uniform_(&self, from: f64, to: f64) -> Result<Tensor> {
        draw_in_place("uniform_", Distribution::Uniform { from, to }, self)
    }

    /// In place: normal with this mean and standard deviation. PyTorch: `Tensor.normal_`. Error: `NotImplemented`
    /// for integers and bool.
    pub fn normal_(&self, mean: f64, std: f64) -> Result<Tensor> {
        draw_in_place("normal_", Distribution::Normal { mean, std }, self)
    }

    /// In place: 1 with probability `p`, else 0. `p` is a number, or a float tensor that broadcasts to this one.
    /// PyTorch: `Tensor.bernoulli_`. Errors: `NotImplemented` for a `p` of integers or bool, `Shape`.
    pub fn bernoulli_<'a>(&self, p: impl Into<Operand<'a>>) -> Result<Tensor> {
        const OP: &str = "bernoulli_";
        let p = match p.into() {
            Operand::Scalar(p) => {
                return draw_in_place(OP, Distribution::Bernoulli { p: p.to_f64() }, self);
            }
            Operand::Tensor(p) => p,
        };
        // The graph passes by the probabilities, whose gradient would be zero.
        let drawn = bernoulli_draw(OP, &p.detach().broadcast_to(self.shape())?, self)?;
        in_place(
            OP,
            self,
            &[],
            || dispatch::write_in_place(OP, self, [&drawn], |b, out, [v]| b.copy(v, out)),
            || drawn.to_dtype(self.dtype()),
        )
    }

    /// In place: exponential with rate `lambda`. PyTorch: `Tensor.exponential_`. Error: `DType` for integers and
    /// bool.
    pub fn exponential_(&self, lambda: f64) -> Result<Tensor> {
        draw_in_place("exponential_", Distribution::Exponential { lambda }, self)
    }

    /// In place: integers uniform over `from..to`; `None` is 0 and, included, the largest number of the dtype (of
    /// a float the largest up to which it holds all). PyTorch: `Tensor.random_`.
    pub fn random_(&self, from: impl Into<Option<i64>>, to: impl Into<Option<i64>>) -> Result<Tensor> {
        let distribution = match (from.into(), to.into()) {
            (None, None) => Distribution::Random,
            (Some(low), None) => Distribution::RandomFrom { low },
            (low, Some(high)) => Distribution::RandInt { low: low.unwrap_or(0), high },
        };
        draw_in_place("random_", distribution, self)
    }

    /// In place: the number of trials up to the first success, each of probability `p`. Integers saturate.
    /// PyTorch: `Tensor.geometric_`. Error: `NotImplemented` for bool.
    pub fn geometric_(&self, p: f64) -> Result<Tensor> {
        draw_in_place("geometric_", Distribution::Geometric { p }, self)
    }

    /// In place: Cauchy with this median, half of the numbers within `sigma` of it. PyTorch: `Tensor.cauchy_`.
    /// Error: `DType` for integers and bool.
    pub fn cauchy_(&self, median: f64, sigma: f64) -> Result<Tensor> {
        draw_in_place("cauchy_", Distribution::Cauchy { median, sigma }, self)
    }

    /// In place: numbers whose logarithm is normal with this mean and standard deviation.
    /// PyTorch: `Tensor.log_normal_`. Error: `NotImplemented` for integers and bool.
    pub fn log_normal_(&self, mean: f64, std: f64) -> Result<Tensor> {
        draw_in_place("log_normal_", Distribution::LogNormal { mean, std }, self)
    }
}

/// Whether a uniform number is below `p`, a tensor of the shape of `x`, drawn in the order of the memory of `x`.
pub(super) fn bernoulli_draw(op: &'static str, p: &Tensor, x: &Tensor) -> Result<Tensor> {
    if !p.dtype().is_float() {
        return Err(TensorError::new(
            ErrorKind::NotImplemented,
            op,
            "has no form for probabilities of this dtype",
        )
        .with("dtype", p.dtype()));
    }
    let p = if p.dtype().is_half() { p.to_dtype(DType::F32)? } else { p.clone() };
    if p.numel() > 0 {
        let (low, high) = (p.min()?.item_f64()?, p.max()?.item_f64()?);
        if !(0.0 <= low && high <= 1.0) {
            return Err(TensorError::new(ErrorKind::Value, op, "probability is not in [0, 1]")
                .with("min", low)
                .with("max", high));
        }
    }
    draw_for(op, Distribution::Uniform { from: 0.0, to: 1.0 }, x, p.dtype())?.lt(&p)
}

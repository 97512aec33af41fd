//! Reductions of scattered values: `scatter_reduce`, and `index_reduce` of whole slices.

use rusttorch_backend::ops::ScatterOp;
use rusttorch_backend::{Category, DType, ErrorKind, Result, Scalar, TensorError};
use smallvec::smallvec;

use super::gather::{Scattered, as_error_of, as_index_error, at_least_1d, gather, scatter, scatter_into};
use super::index_along::Slices;
use super::places::column;
use super::select::int_range;
use crate::autograd::{Rule, Saved, in_place, is_grad_enabled, record};
use crate::dispatch;
use crate::tensor::Tensor;

/// How values for one place are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScatterReduce {
    /// Their sum; `scatter_reduce` only.
    Sum,
    /// Their product.
    Prod,
    /// Their mean; of integers rounded down.
    Mean,
    /// The largest; NaN wins.
    Amax,
    /// The smallest; NaN wins.
    Amin,
}

impl ScatterReduce {
    /// From PyTorch's word for it.
    pub fn from_name(name: &str) -> Option<ScatterReduce> {
        Some(match name {
            "sum" => ScatterReduce::Sum,
            "prod" => ScatterReduce::Prod,
            "mean" => ScatterReduce::Mean,
            "amax" | "max" => ScatterReduce::Amax,
            "amin" | "min" => ScatterReduce::Amin,
            _ => return None,
        })
    }

    /// How two values are merged.
    fn op(self) -> ScatterOp {
        match self {
            ScatterReduce::Sum | ScatterReduce::Mean => ScatterOp::Add,
            ScatterReduce::Prod => ScatterOp::Mul,
            ScatterReduce::Amax => ScatterOp::Amax,
            ScatterReduce::Amin => ScatterOp::Amin,
        }
    }

    /// What merging starts from where the tensor's own value is left out.
    fn identity(self, dtype: DType) -> Scalar {
        let (low, high) = match (dtype.category(), int_range(dtype)) {
            (Category::Bool, _) => (Scalar::Bool(false), Scalar::Bool(true)),
            (_, Some((low, high))) => (Scalar::Int(low), Scalar::Int(high)),
            (_, None) => (Scalar::Float(f64::NEG_INFINITY), Scalar::Float(f64::INFINITY)),
        };
        match self {
            ScatterReduce::Sum | ScatterReduce::Mean => Scalar::Int(0),
            ScatterReduce::Prod => Scalar::Int(1),
            ScatterReduce::Amax => low,
            ScatterReduce::Amin => high,
        }
    }
}

/// A reduction, told apart from its tensor: operands are checked and not 0-d.
#[derive(Clone)]
struct Job {
    title: &'static str,
    reduce: ScatterReduce,
    dim: usize,
    index: Tensor,
    include_self: bool,
}

impl Job {
    /// Into `target` itself, with nothing recorded. A mean becomes a sum.
    fn merge_into(&self, target: &Tensor, src: &Tensor) -> Result<()> {
        if self.include_self {
            return scatter_into(self.reduce.op(), target, self.dim, &self.index, &src.detach());
        }
        // The first of two writes must not reach what the second reads.
        let apart = |t: &Tensor| match t.shares_storage(target) {
            true => dispatch::duplicate(t),
            false => Ok(t.detach()),
        };
        let (index, src) = (apart(&self.index)?, apart(src)?);
        let identity = Tensor::repeated(self.reduce.identity(target.dtype()), target.dtype(), index.shape())?;
        scatter_into(ScatterOp::Assign, target, self.dim, &index, &identity)?;
        scatter_into(self.reduce.op(), target, self.dim, &index, &src)
    }

    /// The value, with nothing recorded. Of halves a mean is rounded once.
    fn value(&self, x: &Tensor, src: &Tensor) -> Result<Tensor> {
        let x = x.detach();
        if self.reduce != ScatterReduce::Mean {
            let out = dispatch::duplicate(&x)?;
            self.merge_into(&out, src)?;
            return Ok(out);
        }
        let wide = if x.dtype().is_half() { DType::F32 } else { x.dtype() };
        let sum = dispatch::convert("to", &x, wide)?;
        self.merge_into(&sum, &src.detach().to_dtype(wide)?)?;
        let count = self.counts(x.shape(), wide)?;
        let mean = if wide.is_float() { sum.div(&count)? } else { sum.floor_divide(&count)? };
        mean.to_dtype(x.dtype())
    }

    /// How many values are joined at each place of `shape`, at least 1.
    fn counts(&self, shape: &[usize], dtype: DType) -> Result<Tensor> {
        let count = Tensor::full(shape, i64::from(self.include_self), dtype)?;
        let ones = Tensor::repeated(Scalar::Int(1), dtype, self.index.shape())?;
        scatter_into(ScatterOp::Add, &count, self.dim, &self.index, &ones)?;
        // Where nothing is joined; of a narrow integer dtype also where the count wraps to 0, as in PyTorch.
        count.masked_fill(&count.eq(0i64)?, 1i64)
    }

    fn recorded(&self, x: &Tensor, src: &Tensor) -> Result<Tensor> {
        let out = self.value(x, src)?;
        if !out.dtype().is_float() {
            return Ok(out);
        }
        Ok(record(self.title, out, [x, src], |y| self.rule(x, src, y)))
    }

    fn rule(&self, x: &Tensor, src: &Tensor, y: &Tensor) -> Rule {
        let job = self.clone();
        let index = Saved::input(&self.index);
        let looks = !matches!(self.reduce, ScatterReduce::Sum | ScatterReduce::Mean);
        let kept = looks.then(|| (Saved::input(x), Saved::input(src), Saved::output(y)));
        Box::new(move |context, g| {
            let job = Job { index: index.unpack(context)?, ..job.clone() };
            let (of_x, of_src) = match (&kept, job.reduce) {
                (None, ScatterReduce::Mean) => {
                    let wide = if g.dtype().is_half() { DType::F32 } else { g.dtype() };
                    let count = job.counts(g.shape(), wide)?.to_dtype(g.dtype())?;
                    let of_src = job.at(g)?.div(&job.at(&count)?)?;
                    (g.div(&count)?, of_src)
                }
                (None, _) => (g.clone(), job.at(g)?),
                (Some((x, src, y)), reduce) => {
                    let (x, src, y) = (x.unpack(context)?, src.unpack(context)?, y.unpack(context)?);
                    match reduce {
                        ScatterReduce::Prod => job.product_rule(g, &x, &src, &y)?,
                        _ => job.extreme_rule(g, &x, &src, &y)?,
                    }
                }
            };
            let of_x = if job.include_self { of_x } else { job.without(&of_x)? };
            Ok(smallvec![Some(of_x), Some(of_src)])
        })
    }

    /// What stands at the places.
    fn at(&self, x: &Tensor) -> Result<Tensor> {
        gather(x, self.dim, &self.index)
    }

    /// `x` with zeros at the places.
    fn without(&self, x: &Tensor) -> Result<Tensor> {
        let zero = Tensor::repeated(Scalar::Int(0), x.dtype(), self.index.shape())?;
        scatter(ScatterOp::Assign, x, self.dim, &self.index, &zero)
    }

    /// Shared evenly by equals: the tensor's own value is one of them, even where it does not take part.
    fn extreme_rule(&self, g: &Tensor, x: &Tensor, src: &Tensor, y: &Tensor) -> Result<(Tensor, Tensor)> {
        let own = x.eq(y)?.to_dtype(g.dtype())?;
        let scattered = src.eq(&self.at(y)?)?.to_dtype(g.dtype())?;
        let equals = scatter(ScatterOp::Add, &own, self.dim, &self.index, &scattered)?;
        let share = g.div(&equals)?;
        Ok((own.mul(&share)?, scattered.mul(&self.at(&share)?)?))
    }

    /// The product of the others: the product divided by the factor, and where that is 0 the product without
    /// it. Of several zeros for one place none has a gradient.
    fn product_rule(&self, g: &Tensor, x: &Tensor, src: &Tensor, y: &Tensor) -> Result<(Tensor, Tensor)> {
        let ones_for_zeros = x.masked_fill(&x.eq(0.0)?, 1.0)?;
        let of_x = g.mul(&self.recorded(&ones_for_zeros, src)?)?.div(&ones_for_zeros)?;
        let zero = src.eq(0.0)?;
        let none = Tensor::zeros(x.shape(), g.dtype())?;
        let zeros =
            self.at(&scatter(ScatterOp::Add, &none, self.dim, &self.index, &zero.to_dtype(g.dtype())?)?)?;
        let lone = zero.logical_and(&zeros.eq(1.0)?)?;
        let without_lone = self.recorded(x, &src.masked_fill(&lone, 1.0)?)?;
        let quotient = self.at(&g.mul(y)?)?.div(&src.masked_fill(&zero, 1.0)?)?;
        let of_src = Tensor::where_cond(&lone, &self.at(&g.mul(&without_lone)?)?, &quotient)?;
        if is_grad_enabled() && zeros.gt(1.0)?.any(super::Dims::all(), false)?.item()?.to_bool() {
            return Ok((of_x, once_only(&of_src)?));
        }
        Ok((of_x, of_src))
    }
}

/// A gradient that is right, but not differentiable by its formula.
fn once_only(g: &Tensor) -> Result<Tensor> {
    Ok(record("DelayedError", g.detach(), [g], |_| {
        Box::new(|_, _| {
            Err(TensorError::new(
                ErrorKind::Autograd,
                "scatter_reduce",
                "has no second gradient where several zeros of the source meet at one place",
            ))
        })
    }))
}

/// PyTorch has no mean of truth values.
fn check_dtype(op: &'static str, reduce: ScatterReduce, x: &Tensor) -> Result<()> {
    if reduce == ScatterReduce::Mean && x.dtype() == DType::Bool {
        return Err(
            TensorError::new(ErrorKind::NotImplemented, op, "no mean of this dtype").with("dtype", x.dtype())
        );
    }
    Ok(())
}

fn reduced(x: &Tensor, src: &Tensor, job: &Job) -> Result<Tensor> {
    job.recorded(&at_least_1d(x)?, src)?.with_shape(x.shape())
}

fn reduced_(op: &'static str, x: &Tensor, src: &Tensor, job: &Job) -> Result<Tensor> {
    let direct = || {
        let line = at_least_1d(&x.detach())?;
        if job.reduce == ScatterReduce::Mean {
            let value = job.value(&line, src)?;
            return dispatch::write_in_place(op, &line, [&value], |b, io, [v]| b.copy(v, io));
        }
        job.merge_into(&line, src)
    };
    in_place(op, x, &[src], direct, || reduced(&x.before_write()?, src, job))
}

fn scatter_job(
    op: &'static str,
    x: &Tensor,
    dim: isize,
    index: &Tensor,
    src: &Tensor,
    (reduce, include_self): (ScatterReduce, bool),
) -> Result<(Scattered, Job)> {
    let s = Scattered::new(op, x, dim, index, src.into())?;
    check_dtype(op, reduce, x)?;
    let index = s.index.clone();
    let job = Job { title: "ScatterReduce", reduce, dim: s.dim, index, include_self };
    Ok((s, job))
}

fn index_job(
    op: &'static str,
    x: &Tensor,
    dim: isize,
    index: &Tensor,
    source: &Tensor,
    (reduce, include_self): (ScatterReduce, bool),
) -> Result<(Tensor, Job)> {
    if reduce == ScatterReduce::Sum {
        return Err(TensorError::new(ErrorKind::Value, op, "reduce must be prod, mean, amax or amin"));
    }
    let slices = Slices::added(op, x, dim, index, source)?;
    check_dtype(op, reduce, x)?;
    // The same index at every place of the other dimensions: stride 0.
    let shape = slices.source.shape();
    let index = slices.index.with_shape(&column(shape, slices.dim))?.broadcast_to(shape)?;
    let job = Job { title: "IndexReduce", reduce, dim: slices.dim, index, include_self };
    Ok((slices.source, job))
}

impl Tensor {
    /// A copy in which the values of `src` that `index` sends to one place along `dim` are reduced, together with
    /// the value there unless `include_self` is false. Places to which nothing is sent stay as they are.
    /// PyTorch: `torch.scatter_reduce`. Errors: as [`scatter`](Self::scatter); `NotImplemented` for a mean of bool.
    pub fn scatter_reduce(
        &self,
        dim: isize,
        index: &Tensor,
        src: &Tensor,
        reduce: ScatterReduce,
        include_self: bool,
    ) -> Result<Tensor> {
        let (s, job) = scatter_job("scatter_reduce", self, dim, index, src, (reduce, include_self))?;
        if s.is_empty() {
            return s.untouched("ScatterReduce", self);
        }
        reduced(self, &s.src, &job).map_err(|e| as_error_of("scatter_reduce", e))
    }

    /// In-place [`scatter_reduce`](Self::scatter_reduce). Returns the tensor itself.
    pub fn scatter_reduce_(
        &self,
        dim: isize,
        index: &Tensor,
        src: &Tensor,
        reduce: ScatterReduce,
        include_self: bool,
    ) -> Result<Tensor> {
        const OP: &str = "scatter_reduce_";
        let (s, job) = scatter_job(OP, self, dim, index, src, (reduce, include_self))?;
        if s.is_empty() {
            return s.untouched_(OP, "ScatterReduce", self);
        }
        reduced_(OP, self, &s.src, &job).map_err(|e| as_error_of(OP, e))
    }

    /// A copy in which the slices of `source` along `dim` that `index`, a vector, sends to one place are reduced,
    /// together with the slice there unless `include_self` is false. PyTorch: `Tensor.index_reduce`.
    /// Errors: as [`index_add`](Self::index_add), with `Index` for an element out of bounds; `Value` for a sum.
    pub fn index_reduce(
        &self,
        dim: isize,
        index: &Tensor,
        source: &Tensor,
        reduce: ScatterReduce,
        include_self: bool,
    ) -> Result<Tensor> {
        const OP: &str = "index_reduce";
        let (source, job) = index_job(OP, self, dim, index, source, (reduce, include_self))?;
        reduced(self, &source, &job).map_err(|e| as_index_error(OP, e))
    }

    /// In-place [`index_reduce`](Self::index_reduce). Returns the tensor itself.
    pub fn index_reduce_(
        &self,
        dim: isize,
        index: &Tensor,
        source: &Tensor,
        reduce: ScatterReduce,
        include_self: bool,
    ) -> Result<Tensor> {
        const OP: &str = "index_reduce_";
        let (source, job) = index_job(OP, self, dim, index, source, (reduce, include_self))?;
        reduced_(OP, self, &source, &job).map_err(|e| as_index_error(OP, e))
    }
}

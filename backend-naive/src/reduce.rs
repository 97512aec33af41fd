//! Reductions.
//!
//! Each result is a formula over one [`Sequence`]: the elements along the reduced axes in row-major
//! order, widened to f64 or i64. It is walked strictly in that order, with one accumulator, so that a
//! result depends on the sequence alone and not on layout, neighbours or the number of axes (R2).

use rusttorch_backend::ops::{ArgReduceOp, ReduceOp};
use rusttorch_backend::{Boolean, Element, ErrorKind, Nest, Result, TensorError, View, ViewMut, match_dtype};

use crate::check::{reduced_shape, refused};
use crate::wide::{Number, Sum, Wide, match_wide};

/// Reduces `axes` of `x`.
pub(crate) fn reduce(op: ReduceOp, x: View<'_>, axes: &[usize], out: ViewMut<'_>) -> Result<()> {
    let dtype = x.dtype();
    let call = Call { op: op.name(), x, axes, out };
    let refuse = || Err(refused(op.name(), dtype));
    match op {
        ReduceOp::Sum => {
            match_dtype!(floats dtype, T => call.run(|s: &Sequence<'_, T>| s.sum::<f64>().to::<T>()),
            else match_dtype!(dtype, T => call.run(|s: &Sequence<'_, T>| s.sum::<i64>())))
        }
        ReduceOp::Prod => {
            match_dtype!(floats dtype, T => call.run(|s: &Sequence<'_, T>| s.prod::<f64>().to::<T>()),
            else match_dtype!(dtype, T => call.run(|s: &Sequence<'_, T>| s.prod::<i64>())))
        }
        ReduceOp::Mean => match_dtype!(floats dtype, T => call.run(|s: &Sequence<'_, T>| s.mean().to::<T>()),
            else refuse()),
        ReduceOp::Amax => {
            call.not_of_nothing()?;
            match_wide!(dtype, T, W => call.run(|s: &Sequence<'_, T>| s.fold(W::LOWEST, W::larger).to::<T>()))
        }
        ReduceOp::Amin => {
            call.not_of_nothing()?;
            match_wide!(dtype, T, W => call.run(|s: &Sequence<'_, T>| s.fold(W::HIGHEST, W::smaller).to::<T>()))
        }
        ReduceOp::All => match_dtype!(dtype, T => call.run(|s: &Sequence<'_, T>| s.all())),
        ReduceOp::Any => match_dtype!(dtype, T => call.run(|s: &Sequence<'_, T>| s.any())),
        ReduceOp::Var { correction } => match_dtype!(floats dtype, T => {
            call.run(|s: &Sequence<'_, T>| s.var(correction).to::<T>())
        }, else refuse()),
        ReduceOp::Logsumexp => match_dtype!(floats dtype, T => {
            call.run(|s: &Sequence<'_, T>| s.logsumexp().to::<T>())
        }, else refuse()),
        ReduceOp::Norm { p } => {
            if p < 0.0 || p.is_infinite() {
                call.not_of_nothing()?;
            }
            match_dtype!(floats dtype, T => call.run(|s: &Sequence<'_, T>| s.norm(p).to::<T>()), else refuse())
        }
    }
}

/// Index of the extreme element along `axis`.
pub(crate) fn arg_reduce(op: ArgReduceOp, x: View<'_>, axis: usize, out: ViewMut<'_>) -> Result<()> {
    let dtype = x.dtype();
    let call = Call { op: op.name(), x, axes: &[axis], out };
    call.not_of_nothing()?;
    match_wide!(numbers dtype, T, W => {
        let beats: fn(W, W) -> bool = match op {
            ArgReduceOp::Argmax => |x, best| x > best,
            ArgReduceOp::Argmin => |x, best| x < best,
        };
        call.run(|s: &Sequence<'_, T>| s.first_extreme(beats))
    }, else Err(refused(op.name(), dtype)))
}

/// The operands of a reduction.
struct Call<'a> {
    op: &'static str,
    x: View<'a>,
    axes: &'a [usize],
    out: ViewMut<'a>,
}

impl Call<'_> {
    /// An extreme needs an element wherever one is asked for. Error: `Shape`.
    fn not_of_nothing(&self) -> Result<()> {
        if self.x.numel() > 0 || self.out.numel() == 0 {
            return Ok(());
        }
        Err(TensorError::new(ErrorKind::Shape, self.op, "no element to choose from")
            .with("shape", self.x.shape()))
    }

    /// `out[kept] = formula(sequence at kept)`.
    fn run<T: Element, O: Element>(mut self, formula: impl Fn(&Sequence<'_, T>) -> O) -> Result<()> {
        let (from, to) = (self.x.layout(), self.out.layout());
        reduced_shape(self.op, from, self.axes, to)?;
        let (data, out) = (self.x.host::<T>()?, self.out.host_mut::<O>()?);
        if to.is_empty() {
            return Ok(());
        }
        // Sizes next to a zero may be huge, and a nest multiplies them; without elements there is nothing to walk.
        let nest = (!from.is_empty()).then(|| Nest::over([from], self.axes.iter().copied()));
        let len = from.numel() / to.numel();
        let kept = (0..to.rank()).filter(|axis| !self.axes.contains(axis));
        Nest::over([to, from], kept).for_each(|[o, start]| {
            out[o] = formula(&Sequence { data, nest: nest.as_ref(), start: start as isize, len });
        });
        Ok(())
    }
}

/// The elements that make one result, in row-major order of the reduced axes.
struct Sequence<'a, T> {
    data: &'a [T],
    /// Over the reduced axes; `None` where there is no element.
    nest: Option<&'a Nest<1>>,
    start: isize,
    len: usize,
}

impl<T: Element> Sequence<'_, T> {
    fn each<W: Wide>(&self, mut f: impl FnMut(W)) {
        if let Some(nest) = self.nest {
            nest.for_each_from([self.start], |[i]| f(W::of(self.data[i])));
        }
    }

    fn fold<W: Wide>(&self, first: W, f: impl Fn(W, W) -> W) -> W {
        let mut folded = first;
        self.each(|x| folded = f(folded, x));
        folded
    }

    /// `sum of f(x)`.
    fn sum_of<W: Number>(&self, f: impl Fn(W) -> W) -> W {
        let mut sum = Sum::NOTHING;
        self.each(|x| sum.add(f(x)));
        sum.value()
    }

    fn sum<W: Number>(&self) -> W {
        self.sum_of(|x| x)
    }

    fn prod<W: Number>(&self) -> W {
        self.fold(W::ONE, W::times)
    }

    /// Of nothing `0 / 0`, that is NaN.
    fn mean(&self) -> f64 {
        self.sum::<f64>() / self.len as f64
    }

    fn all(&self) -> Boolean {
        self.fold(true, |all, x: bool| all & x).into()
    }

    fn any(&self) -> Boolean {
        self.fold(false, |any, x: bool| any | x).into()
    }

    /// In two passes. The mean is taken relative to the first element, so that equal elements have a
    /// variance of exactly 0 and a common offset costs no digits.
    fn var(&self, correction: f64) -> f64 {
        let Some(origin) = self.first() else { return f64::NAN };
        let n = self.len as f64;
        let mean = origin + self.sum_of(|x: f64| x - origin) / n;
        let squares = self.sum_of(|x: f64| (x - mean) * (x - mean));
        squares / (n - correction).max(0.0)
    }

    /// `m + log(sum(e^(x - m)))` with the largest element m, which the others cannot make overflow. An
    /// infinite or NaN m says it all.
    fn logsumexp(&self) -> f64 {
        let max = self.fold(f64::LOWEST, f64::larger);
        if max.is_finite() { max + libm::log(self.sum_of(|x: f64| libm::exp(x - max))) } else { max }
    }

    /// `sum(|x|^p)^(1/p)`, or what that tends to.
    fn norm(&self, p: f64) -> f64 {
        match p {
            0.0 => self.sum_of(|x: f64| f64::from(x != 0.0)),
            1.0 => self.sum_of(f64::abs),
            2.0 => self.sum_of(|x: f64| x * x).sqrt(),
            f64::INFINITY => self.fold(0.0, |max: f64, x: f64| max.larger(x.abs())),
            f64::NEG_INFINITY => self.fold(f64::HIGHEST, |min: f64, x: f64| min.smaller(x.abs())),
            p => libm::pow(self.sum_of(|x: f64| libm::pow(x.abs(), p)), 1.0 / p),
        }
    }

    /// The first element that no other beats; the first NaN if there is one.
    #[allow(clippy::eq_op, reason = "x != x is NaN, for floats and integers alike")]
    fn first_extreme<W: Number>(&self, beats: fn(W, W) -> bool) -> i64 {
        let (mut index, mut best, mut at) = (0, None, 0);
        self.each(|x: W| {
            if best.is_none_or(|best: W| best == best && (x != x || beats(x, best))) {
                (best, at) = (Some(x), index);
            }
            index += 1;
        });
        at
    }

    fn first(&self) -> Option<f64> {
        let position = usize::try_from(self.start).ok().filter(|_| self.len > 0)?;
        self.data.get(position).map(|&x| f64::of(x))
    }
}

#[cfg(test)]
#[path = "reduce_tests.rs"]
mod tests;

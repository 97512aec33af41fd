//! Softmax and activations, forward and backward.

use rusttorch_backend::Family;
use rusttorch_backend::activation_table;
use rusttorch_backend::ops::{Activation, SoftmaxOp};

use super::{COMPOSED, DTYPE_RULE, Plan, SHAPE_RULE, at_least_1d, axis, raised, values};
use crate::call::{Call, Output};
use crate::case::{Arg, Case};
use crate::dense::Dense;

pub(super) fn softmax(case: &Case) -> Option<Plan<'_>> {
    if let Some(class) = raised(case) {
        return Some(Plan::Other(if class == "NotImplementedError" { DTYPE_RULE } else { SHAPE_RULE }));
    }
    if case.param("dtype").is_some() || case.inputs.len() < 2 || case.name() == "softmin" {
        return Some(Plan::Other(COMPOSED));
    }
    let op = *SoftmaxOp::ALL.iter().find(|op| op.name() == case.name())?;
    let x = at_least_1d(case.tensor(0)?);
    let dim = axis(case.inputs.get(1)?.int()?, x.shape().len())?;
    let y = at_least_1d(values(case)?.first()?);
    let dtype = x.dtype();
    let rows = Rows::of(&x, dim);
    let output =
        Output::of(op.name(), y.clone()).or(case.alternative(0)).conditioned(rows.forward(op, &x, &y));
    let used = (Family::Softmax, op.name(), dtype);
    let forward =
        Call::new(vec![used], vec![x.into()], vec![output], move |be, x, mut outs| match outs.pop() {
            Some(out) => be.softmax(op, x[0], dim, out),
            None => Ok(()),
        });
    let mut calls = vec![("", forward)];
    if let Some(gradients) = &case.gradients
        && let Some(Some(expected)) = gradients.inputs.first()
    {
        let go = at_least_1d(gradients.output()?);
        let magnitude = rows.backward(op, &go, &y);
        let name = match op {
            SoftmaxOp::Softmax => "softmax_backward",
            SoftmaxOp::LogSoftmax => "log_softmax_backward",
        };
        let output = Output::of(name, at_least_1d(expected))
            .or(gradients.alternatives.first().and_then(Option::as_ref))
            .conditioned(magnitude);
        let used = (Family::SoftmaxBackward, op.name(), dtype);
        let backward =
            Call::new(vec![used], vec![go.into(), y.into()], vec![output], move |be, x, mut outs| match outs
                .pop()
            {
                Some(out) => be.softmax_backward(op, x[0], x[1], dim, out),
                None => Ok(()),
            });
        calls.push(("backward", backward));
    }
    Some(Plan::Calls(calls))
}

/// The rows along an axis: for every element the indices of its row.
struct Rows {
    inner: usize,
    n: usize,
}

impl Rows {
    fn of(x: &Dense, axis: usize) -> Rows {
        Rows { inner: x.shape()[axis + 1..].iter().product(), n: x.shape()[axis] }
    }

    fn row(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        let first = i - (i / self.inner % self.n) * self.inner;
        (0..self.n).map(move |k| first + k * self.inner)
    }

    /// The distance to the largest of the row enters the exponent, so it conditions the result.
    fn forward(&self, op: SoftmaxOp, x: &Dense, y: &Dense) -> Vec<f64> {
        (0..x.numel())
            .map(|i| {
                let top = self.row(i).map(|k| x.f64(k)).fold(f64::NEG_INFINITY, f64::max);
                let distance = (x.f64(i) - top).abs();
                match op {
                    SoftmaxOp::Softmax => y.f64(i).abs() * (1.0 + distance),
                    SoftmaxOp::LogSoftmax => distance + (self.n as f64).ln(),
                }
            })
            .collect()
    }

    fn backward(&self, op: SoftmaxOp, go: &Dense, y: &Dense) -> Vec<f64> {
        (0..y.numel())
            .map(|i| match op {
                SoftmaxOp::Softmax => {
                    let sum: f64 = self.row(i).map(|k| (go.f64(k) * y.f64(k)).abs()).sum();
                    y.f64(i).abs() * (go.f64(i).abs() + sum)
                }
                SoftmaxOp::LogSoftmax => {
                    let sum: f64 = self.row(i).map(|k| go.f64(k).abs()).sum();
                    // The result's own rounding is a relative error of its exponential.
                    go.f64(i).abs() + y.f64(i).exp() * (1.0 + y.f64(i).abs()) * sum
                }
            })
            .collect()
    }
}

/// The row of a case.
fn parse(case: &Case) -> Option<Activation> {
    Some(match (case.name(), case.param("approximate").and_then(Arg::text)) {
        ("gelu", Some("tanh")) => Activation::GeluTanh,
        ("relu6", _) => Activation::Hardtanh { min_val: 0.0, max_val: 6.0 },
        (name, _) => Activation::named(name, |param, default| case.number(param, default))?,
    })
}

macro_rules! backward_names {
    ($($(#[$doc:meta])* $variant:ident $method:ident $assign:tt $title:ident $torch:literal $({ $($params:tt)* })?;)*) => {
        /// The name of an activation's gradient in the table of tolerances.
        fn backward_name(op: Activation) -> &'static str {
            match op { $(Activation::$variant { .. } => concat!(stringify!($method), "_backward"),)* }
        }
    };
}
activation_table! { backward_names }

/// The size of the terms of a slope: about 1, except that `1 - tanh^2` loses digits in the tanh form of gelu
/// before a factor that grows with the cube of `x`.
fn slope_terms(op: Activation, x: f64) -> f64 {
    match op {
        Activation::GeluTanh if x.abs() < 10.0 => 1.0 + x.abs() * (1.0 + 0.134 * x * x),
        _ => 1.0,
    }
}

pub(super) fn activation(case: &Case) -> Option<Plan<'_>> {
    let Some([expected]) = values(case) else { return Some(Plan::Other(DTYPE_RULE)) };
    let x = case.tensor(0)?;
    // Beyond the rows.
    if matches!(case.name(), "glu" | "prelu" | "relu" | "rrelu" | "softmin" | "tanhshrink")
        || !x.dtype().is_float()
    {
        return Some(Plan::Other(COMPOSED));
    }
    let dtype = x.dtype();
    // Parameters are rounded as a frontend hands them over.
    let (op, back) = (parse(case)?.rounded(dtype), parse(case)?.gradient_rounded(dtype));
    let magnitude = x.to_f64();
    let output = Output::of(op.name(), expected.clone()).or(case.alternative(0)).conditioned(magnitude);
    let used = (Family::Activation, op.name(), dtype);
    let forward = Call::new(vec![used], vec![x.clone().into()], vec![output], move |be, x, mut outs| {
        match outs.pop() {
            Some(out) => be.activation(op, x[0], out),
            None => Ok(()),
        }
    });
    let mut calls = vec![("", forward.pointwise())];
    if let Some(gradients) = &case.gradients
        && let Some(Some(expected)) = gradients.inputs.first()
    {
        let go = gradients.output()?.clone();
        let magnitude = (0..x.numel()).map(|i| go.f64(i).abs() * slope_terms(op, x.f64(i))).collect();
        let output = Output::of(backward_name(op), expected.clone())
            .or(gradients.alternatives.first().and_then(Option::as_ref))
            .conditioned(magnitude);
        let used = (Family::ActivationBackward, op.name(), dtype);
        let operands = vec![go.into(), x.clone().into()];
        let backward =
            Call::new(vec![used], operands, vec![output], move |be, x, mut outs| match outs.pop() {
                Some(out) => be.activation_backward(back, x[0], x[1], out),
                None => Ok(()),
            });
        calls.push(("backward", backward.pointwise()));
    }
    Some(Plan::Calls(calls))
}

//! Reductions, arg-reductions and scans.

use rusttorch_backend::ops::{ArgReduceOp, ReduceOp, ScanOp};
use rusttorch_backend::{DType, Family};

use super::{COMPOSED, DTYPE_RULE, Plan, SHAPE_RULE, at_least_1d, axis, raised, values};
use crate::call::{Call, Output};
use crate::case::{Arg, Case};
use crate::dense::{Dense, advance};

pub(super) fn reduce(case: &Case) -> Option<Plan<'_>> {
    let mut x = case.tensor(0)?.clone();
    if raised(case).is_some() {
        let refused = matches!(raised(case), Some("NotImplementedError"));
        return Some(Plan::Other(if refused { DTYPE_RULE } else { SHAPE_RULE }));
    }
    if let Some(dtype) = case.param("dtype").and_then(Arg::dtype) {
        x = x.cast(dtype);
    }
    let name = case.name();
    // The order of a norm stands before its dims.
    let dim = if name == "norm" { case.param("dim") } else { case.inputs.get(1) };
    if let Some(op) = arg_op(name) {
        return arg_reduce(case, op, &x, dim);
    }
    let op = match name {
        "sum" => ReduceOp::Sum,
        "mean" => ReduceOp::Mean,
        "prod" => ReduceOp::Prod,
        "amax" | "max" => ReduceOp::Amax,
        "amin" | "min" => ReduceOp::Amin,
        "all" => ReduceOp::All,
        "any" => ReduceOp::Any,
        "var" => ReduceOp::Var { correction: case.number("correction", 1.0) },
        "logsumexp" => ReduceOp::Logsumexp,
        "norm" => ReduceOp::Norm { p: case.inputs.get(1).and_then(Arg::scalar)?.to_f64() },
        "std" => return Some(Plan::Other(COMPOSED)),
        _ => return None,
    };
    if matches!(name, "max" | "min") && dim.is_some() {
        return extreme_along(case, op, &x, dim?.int()?);
    }
    let axes = axes_of(dim, x.shape().len())?;
    let result = match op {
        ReduceOp::All | ReduceOp::Any => DType::Bool,
        ReduceOp::Sum | ReduceOp::Prod if !x.dtype().is_float() => DType::I64,
        _ => x.dtype(),
    };
    let expected = kept(values(case)?.first()?, x.shape(), &axes)?;
    if expected.dtype() != result && result != DType::Bool {
        return Some(Plan::Other(COMPOSED)); // a sum in a narrow integer: the frontend casts the wide one
    }
    // A layer has the other norm.
    let bound = if name == "norm" { "vector_norm" } else { op.name() };
    let output = Output::of(bound, expected.cast(result)).or(case.alternative(0));
    let output = output.conditioned(magnitudes(op, &x, &axes));
    let used = (Family::Reduce, op.name(), x.dtype());
    let call = Call::new(vec![used], vec![x.into()], vec![output], move |be, x, mut outs| match outs.pop() {
        Some(out) => be.reduce(op, x[0], &axes, out),
        None => Ok(()),
    });
    Some(Plan::one(call))
}

fn arg_op(name: &str) -> Option<ArgReduceOp> {
    match name {
        "argmax" => Some(ArgReduceOp::Argmax),
        "argmin" => Some(ArgReduceOp::Argmin),
        _ => None,
    }
}

/// All axes, one or several. Of a 0-d tensor there are none.
fn axes_of(dim: Option<&Arg>, rank: usize) -> Option<Vec<usize>> {
    let Some(dims) = dim.filter(|d| !matches!(d, Arg::None)) else { return Some((0..rank).collect()) };
    let mut axes = dims.ints()?.into_iter().map(|d| axis(d, rank)).collect::<Option<Vec<_>>>()?;
    axes.retain(|&a| a < rank);
    axes.sort_unstable();
    Some(axes)
}

/// A result under the shape that a backend writes: size 1 at the reduced axes.
fn kept(result: &Dense, shape: &[usize], axes: &[usize]) -> Option<Dense> {
    let kept: Vec<usize> =
        shape.iter().enumerate().map(|(d, &n)| if axes.contains(&d) { 1 } else { n }).collect();
    result.reshaped(&kept)
}

/// `arg_reduce` along one axis. Over all elements the frontend hands a vector.
fn arg_reduce<'c>(case: &'c Case, op: ArgReduceOp, x: &Dense, dim: Option<&Arg>) -> Option<Plan<'c>> {
    let x = match dim {
        Some(_) => at_least_1d(x),
        None => x.reshaped(&[x.numel()])?,
    };
    let dim = axis(dim.and_then(Arg::int).unwrap_or(0), x.shape().len())?;
    let expected = kept(values(case)?.first()?, x.shape(), &[dim])?;
    let used = (Family::ArgReduce, op.name(), x.dtype());
    let call = Call::new(
        vec![used],
        vec![x.into()],
        vec![Output::exact(expected)],
        move |be, x, mut outs| match outs.pop() {
            Some(out) => be.arg_reduce(op, x[0], dim, out),
            None => Ok(()),
        },
    );
    Some(Plan::one(call))
}

/// `max(dim)` and `min(dim)`: the value by `reduce`, its place by `arg_reduce`.
fn extreme_along<'c>(case: &'c Case, op: ReduceOp, x: &Dense, dim: i64) -> Option<Plan<'c>> {
    let x = at_least_1d(x);
    let dim = axis(dim, x.shape().len())?;
    let [value, place] = values(case)? else { return None };
    let value = Output::of(op.name(), kept(value, x.shape(), &[dim])?);
    let used = (Family::Reduce, op.name(), x.dtype());
    let reduce =
        Call::new(vec![used], vec![x.clone().into()], vec![value], move |be, x, mut outs| match outs.pop() {
            Some(out) => be.reduce(op, x[0], &[dim], out),
            None => Ok(()),
        });
    let arg = if op == ReduceOp::Amax { ArgReduceOp::Argmax } else { ArgReduceOp::Argmin };
    if x.dtype() == DType::Bool {
        return Some(Plan::one(reduce)); // a bool has no arg-reduction; the frontend counts it as u8
    }
    let used = (Family::ArgReduce, arg.name(), x.dtype());
    let place = Output::exact(kept(place, x.shape(), &[dim])?);
    let arg = Call::new(vec![used], vec![x.into()], vec![place], move |be, x, mut outs| match outs.pop() {
        Some(out) => be.arg_reduce(arg, x[0], dim, out),
        None => Ok(()),
    });
    Some(Plan::Calls(vec![("value", reduce), ("index", arg)]))
}

/// What conditions the bound of each result: `sum |x|` of a sum, its n-th part of a mean, the largest
/// exponent of a log-sum-exp, and the result itself of the others.
fn magnitudes(op: ReduceOp, x: &Dense, axes: &[usize]) -> Vec<f64> {
    let shape = x.shape();
    let out: Vec<usize> =
        shape.iter().enumerate().map(|(d, &n)| if axes.contains(&d) { 1 } else { n }).collect();
    let cells = out.iter().product::<usize>();
    let mut sums = vec![0.0; cells];
    let mut index = vec![0; shape.len()];
    for i in 0..x.numel() {
        let cell = index.iter().zip(&out).fold(0, |at, (&i, &n)| at * n + if n == 1 { 0 } else { i });
        let v = x.f64(i).abs();
        match op {
            ReduceOp::Sum | ReduceOp::Mean => sums[cell] += v,
            ReduceOp::Logsumexp => sums[cell] = f64::max(sums[cell], v),
            _ => {}
        }
        advance(&mut index, shape);
    }
    let n = (x.numel() / cells.max(1)) as f64;
    match op {
        ReduceOp::Mean => sums.iter().map(|s| s / n).collect(),
        ReduceOp::Logsumexp => sums.iter().map(|s| s + 1.0).collect(),
        _ => sums,
    }
}

pub(super) fn scan(case: &Case) -> Option<Plan<'_>> {
    if raised(case).is_some() {
        return Some(Plan::Other(DTYPE_RULE));
    }
    let op = match case.name() {
        "cumsum" => ScanOp::Cumsum,
        "cumprod" => ScanOp::Cumprod,
        "cummax" => ScanOp::Cummax,
        "cummin" => ScanOp::Cummin,
        "logcumsumexp" => ScanOp::Logcumsumexp,
        _ => return None,
    };
    let x = at_least_1d(case.tensor(0)?);
    let dim = axis(case.inputs.get(1)?.int()?, x.shape().len())?;
    let mut outputs = Vec::new();
    for (i, value) in values(case)?.iter().enumerate() {
        let output = Output::of(op.name(), at_least_1d(value)).or(case.alternative(i));
        outputs.push(match op {
            ScanOp::Cumsum => output.conditioned(running(&x, dim, |a, b| a + b)),
            ScanOp::Logcumsumexp => {
                output.conditioned(running(&x, dim, f64::max).into_iter().map(|m| m + 1.0).collect())
            }
            _ => output,
        });
    }
    let used = (Family::Scan, op.name(), x.dtype());
    let call = Call::new(vec![used], vec![x.into()], outputs, move |be, x, outs| {
        let mut outs = outs.into_iter();
        let Some(out) = outs.next() else { return Ok(()) };
        be.scan(op, x[0], dim, out, outs.next())
    });
    Some(Plan::one(call))
}

/// Running combination of `|x|` along an axis.
fn running(x: &Dense, axis: usize, f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let inner: usize = x.shape()[axis + 1..].iter().product();
    let mut sums: Vec<f64> = x.to_f64().into_iter().map(f64::abs).collect();
    for i in 0..sums.len() {
        if !(i / inner).is_multiple_of(x.shape()[axis]) {
            sums[i] = f(sums[i - inner], sums[i]);
        }
    }
    sums
}

//! Norms, convolutions, pools, attention.

use rusttorch_backend::Family;
use rusttorch_backend::ops::{Attention, Conv, Norm, NormKind, Pool, PoolKind};

use super::{Plan, values};
use crate::call::{Call, Operand, Output};
use crate::case::{Arg, Case};
use crate::dense::Dense;

pub(super) fn norm(case: &Case) -> Option<Plan<'_>> {
    let x = case.tensor(0)?.clone();
    let rank = x.shape().len();
    let (kind, axes, weight, bias, eps) = match case.name() {
        "batch_norm" => {
            let axes = (0..rank).filter(|&d| d != 1).collect();
            // One weight a channel.
            let column = |i: usize| -> Option<Arg> {
                let mut shape = vec![1; rank];
                shape[1] = x.shape()[1];
                Some(Arg::Tensor(case.tensor(i)?.reshaped(&shape)?))
            };
            (NormKind::Standard, axes, column(1)?, column(2)?, case.inputs.get(3)?.scalar()?)
        }
        name => {
            let last = case.inputs.get(1)?.list()?.len();
            let rms = name == "rms_norm";
            let kind = if rms { NormKind::RootMeanSquare } else { NormKind::Standard };
            let weight = case.inputs.get(2)?.clone();
            let bias = if rms { Arg::None } else { case.inputs.get(3)?.clone() };
            (kind, (rank - last..rank).collect(), weight, bias, case.inputs.last()?.scalar()?)
        }
    };
    let norm = Norm { kind, axes, eps: eps.to_f64() };
    let [expected] = values(case)? else { return None };
    let mut operands: Vec<Operand> = vec![x.clone().into()];
    let (has_weight, has_bias) = (weight.tensor().is_some(), bias.tensor().is_some());
    for arg in [&weight, &bias] {
        operands.extend(arg.tensor().map(|t| Operand { dense: t.clone(), shape: x.shape().to_vec() }));
    }
    let dtype = x.dtype();
    // Terms of size 1 times the weight, and the bias, may cancel.
    let largest =
        |a: &Arg| a.tensor().map_or(1.0, |t| t.to_f64().into_iter().fold(0.0, |m: f64, v| m.max(v.abs())));
    let magnitude = vec![2.0 * largest(&weight) + largest(&bias); expected.numel()];
    let output = Output::of("normalization", expected.clone()).or(case.alternative(0)).conditioned(magnitude);
    let used = (Family::Norm, "norm", dtype);
    let call = Call::new(vec![used], operands, vec![output], move |be, x, mut outs| {
        let Some(out) = outs.pop() else { return Ok(()) };
        let mut rest = x[1..].iter().copied();
        let weight = if has_weight { rest.next() } else { None };
        let bias = if has_bias { rest.next() } else { None };
        be.norm(&norm, x[0], weight, bias, out)
    });
    Some(Plan::one(call))
}

/// A list of sizes.
fn sizes(arg: Option<&Arg>) -> Option<Vec<usize>> {
    arg?.ints()?.into_iter().map(|v| usize::try_from(v).ok()).collect()
}

pub(super) fn conv(case: &Case) -> Option<Plan<'_>> {
    let (x, weight) = (case.tensor(0)?, case.tensor(1)?);
    let bias = case.tensor(2);
    let conv = Conv {
        stride: sizes(case.inputs.get(3))?.into(),
        padding: sizes(case.inputs.get(4))?.into(),
        dilation: sizes(case.inputs.get(5))?.into(),
        groups: usize::try_from(case.inputs.get(6)?.int()?).ok()?,
    };
    let [expected] = values(case)? else { return None };
    let operands: Vec<Operand> =
        [Some(x), Some(weight), bias].into_iter().flatten().cloned().map(Into::into).collect();
    // No window sums more than all weights of an output channel times the largest input.
    let largest =
        |d: &Dense| d.to_f64().into_iter().filter(|v| v.is_finite()).fold(0.0, |m: f64, v| m.max(v.abs()));
    let taps = (weight.numel() / weight.shape()[0].max(1)) as f64;
    let size = taps.sqrt() * largest(x) * largest(weight) + bias.map_or(0.0, largest);
    let magnitude = vec![size; expected.numel()];
    let output = Output::of("conv", expected.clone()).or(case.alternative(0)).conditioned(magnitude);
    let used = (Family::Conv, "conv", x.dtype());
    let call = Call::new(vec![used], operands, vec![output], move |be, x, mut outs| match outs.pop() {
        Some(out) => be.conv(&conv, x[0], x[1], x.get(2).copied(), out),
        None => Ok(()),
    });
    Some(Plan::one(call))
}

pub(super) fn pool(case: &Case) -> Option<Plan<'_>> {
    let x = case.tensor(0)?;
    let kind = if case.name().starts_with("max") { PoolKind::Max } else { PoolKind::Average };
    let pool = Pool {
        kind,
        window: sizes(case.inputs.get(1))?.into(),
        stride: sizes(case.inputs.get(2))?.into(),
        padding: sizes(case.inputs.get(3))?.into(),
    };
    let [expected] = values(case)? else { return None };
    let name = if kind == PoolKind::Max { "max_pool" } else { "avg_pool" };
    let largest = x.to_f64().into_iter().filter(|v| v.is_finite()).fold(0.0, |m: f64, v| m.max(v.abs()));
    let magnitude = vec![largest; expected.numel()];
    let output = Output::of(name, expected.clone()).or(case.alternative(0)).conditioned(magnitude);
    let used = (Family::Pool, "pool", x.dtype());
    let call = Call::new(vec![used], vec![x.clone().into()], vec![output], move |be, x, mut outs| match outs
        .pop()
    {
        Some(out) => be.pool(&pool, x[0], out),
        None => Ok(()),
    });
    Some(Plan::one(call))
}

pub(super) fn attention(case: &Case) -> Option<Plan<'_>> {
    let tensors: Vec<Dense> = case.inputs.iter().filter_map(Arg::tensor).cloned().collect();
    let [q, k, v, ..] = &tensors[..] else { return None };
    let attention = Attention { scale: case.number("scale", 1.0) };
    let [expected] = values(case)? else { return None };
    let largest =
        |d: &Dense| d.to_f64().into_iter().filter(|v| v.is_finite()).fold(0.0, |m: f64, v| m.max(v.abs()));
    // An error of a logit is a relative error of its exponential.
    let depth = *q.shape().last()? as f64;
    let logits = 1.0 + depth.sqrt() * largest(q) * largest(k) * attention.scale.abs();
    let magnitude = vec![logits * largest(v); expected.numel()];
    let dtype = q.dtype();
    let output = Output::of("attention", expected.clone()).or(case.alternative(0)).conditioned(magnitude);
    let used = (Family::Attention, "attention", dtype);
    let mut operands: Vec<Operand> = tensors[..3].iter().cloned().map(Into::into).collect();
    if let Some(mask) = tensors.get(3) {
        operands.push(mask.clone().into());
    }
    let call = Call::new(vec![used], operands, vec![output], move |be, x, mut outs| match outs.pop() {
        Some(out) => be.attention(attention, x[0], x[1], x[2], x.get(3).copied(), out),
        None => Ok(()),
    });
    Some(Plan::one(call))
}

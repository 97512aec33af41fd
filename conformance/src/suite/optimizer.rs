//! Trajectories of optimizers: one call plays the first steps of a case, two parameters at a time.

use rusttorch_backend::ops::Optimizer;
use rusttorch_backend::{Allocation, Backend, Family, Layout, ParamStep, Result, View, ViewMut};

use super::{Plan, SHAPE_RULE, raised, values};
use crate::call::{Call, Output};
use crate::case::{Arg, Case};

fn parse(case: &Case) -> Option<Optimizer> {
    let lr = case.number("lr", 1e-3);
    if case.name() == "SGD" {
        return Some(Optimizer::Sgd {
            lr,
            momentum: case.number("momentum", 0.0),
            dampening: case.number("dampening", 0.0),
            weight_decay: case.number("weight_decay", 0.0),
            nesterov: case.number("nesterov", 0.0) != 0.0,
        });
    }
    let decoupled = case.name() == "AdamW";
    let betas = match case.param("betas").and_then(Arg::list) {
        Some([a, b]) => [a.scalar()?.to_f64(), b.scalar()?.to_f64()],
        _ => [0.9, 0.999],
    };
    Some(Optimizer::Adam {
        lr,
        beta1: betas[0],
        beta2: betas[1],
        eps: case.number("eps", 1e-8),
        weight_decay: case.number("weight_decay", if decoupled { 1e-2 } else { 0.0 }),
        decoupled,
    })
}

pub(super) fn optimizer(case: &Case) -> Option<Plan<'_>> {
    if raised(case).is_some() {
        return Some(Plan::Other(SHAPE_RULE));
    }
    let rule = parse(case)?;
    let start = case.tensor(0)?;
    let dtype = start.dtype();
    let mut calls = Vec::new();
    for (done, expected) in values(case)?.iter().enumerate() {
        let steps = done + 1;
        let grads = case.inputs[1..=steps].iter().filter_map(Arg::tensor).cloned().map(Into::into).collect();
        // A parameter may pass zero; the steps that led there condition it.
        let magnitude =
            expected.to_f64().iter().zip(start.to_f64()).map(|(e, s)| e.abs().max(s.abs())).collect();
        let mut output =
            Output::of("optimizer", expected.clone()).or(case.alternative(done)).conditioned(magnitude);
        output.initial = Some(start.clone());
        let used = (Family::OptimizerStep, rule.name(), dtype);
        let call =
            Call::new(vec![used], grads, vec![output.clone(), output], move |be, grads, mut params| {
                play(be, rule, grads, &mut params)
            });
        calls.push((STEP.get(done).copied().unwrap_or("step"), call));
    }
    Some(Plan::Calls(calls))
}

const STEP: [&str; 4] = ["step 1", "step 2", "step 3", "step 4"];

/// State tensors of one parameter.
fn zeros(be: &dyn Backend, layout: &Layout, bytes: usize, count: usize) -> Result<Vec<Allocation>> {
    debug_assert!(layout.is_contiguous());
    (0..count)
        .map(|_| {
            let mut buffer = be.alloc(bytes)?;
            be.upload(&vec![0; bytes], &mut *buffer, 0)?;
            Ok(buffer)
        })
        .collect()
}

fn play(be: &dyn Backend, rule: Optimizer, grads: &[View<'_>], params: &mut [ViewMut<'_>]) -> Result<()> {
    let Some(first) = params.first() else { return Ok(()) };
    let dtype = first.dtype();
    let layout = Layout::contiguous("state", first.shape())?;
    let bytes = layout.numel() * dtype.size();
    let mut states =
        params.iter().map(|_| zeros(be, &layout, bytes, rule.state_count())).collect::<Result<Vec<_>>>()?;
    for (i, &grad) in grads.iter().enumerate() {
        let mut steps = Vec::new();
        for (param, state) in params.iter_mut().zip(&mut states) {
            let mut views = Vec::new();
            for s in state {
                views.push(ViewMut::new(&mut **s, &layout, dtype)?);
            }
            steps.push(ParamStep { param: param.reborrow(), grad, state: views, step: i as u64 + 1 });
        }
        be.optimizer_step(rule, &mut steps)?;
    }
    Ok(())
}

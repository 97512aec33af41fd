//! Steps of optimizers over many parameters.

use rusttorch::DType::F32;
use rusttorch::optim::{Adam, AdamW, Optimize, Optimizer, Sgd};
use rusttorch::{Result, Tensor};

use super::{Case, Cost, Work, uniform, work};

type Rule = fn(Vec<Tensor>) -> Result<Optimizer>;

/// Name, numbers read and written per element of a parameter, hyper-parameters.
const RULES: [(&str, usize, usize, Rule); 4] = [
    ("sgd", 2, 1, |p| Sgd::default().over(p)),
    ("sgd_momentum", 3, 2, |p| Sgd { momentum: 0.9, ..Sgd::default() }.over(p)),
    ("adam", 4, 3, |p| Adam::default().over(p)),
    ("adamw", 4, 3, |p| AdamW::default().over(p)),
];

const PARAMETERS: usize = 100;

pub(super) fn add(cases: &mut Vec<Case>) {
    for (size, n) in [("100x100000", 100_000), ("100x1000", 1_000)] {
        for (op, reads, writes, rule) in RULES {
            let all = PARAMETERS * n;
            let cost = Cost::f32(reads * all, writes * all);
            cases.push(Case::new("optimizers", op, size, cost, move || stepping(rule, n)));
        }
    }
}

fn stepping(rule: Rule, n: usize) -> Result<Box<dyn Work>> {
    let mut parameters = Vec::new();
    for i in 0..PARAMETERS as u32 {
        let p = uniform(2 * i, &[n], -1.0, 1.0, F32)?.requires_grad_(true)?;
        p.set_grad(Some(uniform(2 * i + 1, &[n], -1.0, 1.0, F32)?))?;
        parameters.push(p);
    }
    let first = parameters[0].clone();
    let mut optimizer = rule(parameters)?;
    work(move || {
        optimizer.step()?;
        Ok(first.clone())
    })
}

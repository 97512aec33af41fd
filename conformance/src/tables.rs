//! The op tables as JSON: what `reference/generate.py` walks, so that no op can be forgotten.

use rusttorch_backend::ops::{
    Activation, ArgReduceOp, BinaryOp, CompareOp, DTypeRule, Loss, ReduceOp, ScanOp, TernaryOp, UnaryOp,
};
use serde_json::{Value, json};

use crate::case::short_name;

/// Losses carry parameters, so the contract lists no set of them; the `match` below forces this one.
const LOSSES: [Loss; 5] = [
    Loss::Mse,
    Loss::L1,
    Loss::SmoothL1 { beta: 1.0 },
    Loss::BinaryCrossEntropy,
    Loss::CrossEntropy { ignore_index: -100, label_smoothing: 0.0 },
];

const SCANS: [ScanOp; 4] = [ScanOp::Cumsum, ScanOp::Cumprod, ScanOp::Cummax, ScanOp::Cummin];

/// The scans of the contract.
pub fn scans() -> &'static [ScanOp] {
    &SCANS
}

/// The losses of the contract, with PyTorch's default parameters.
pub fn losses() -> &'static [Loss] {
    // A new loss does not compile here until it is listed above.
    const fn listed(loss: Loss) -> usize {
        match loss {
            Loss::Mse => 0,
            Loss::L1 => 1,
            Loss::SmoothL1 { .. } => 2,
            Loss::BinaryCrossEntropy => 3,
            Loss::CrossEntropy { .. } => 4,
        }
    }
    const { assert!(listed(LOSSES[LOSSES.len() - 1]) == LOSSES.len() - 1) };
    &LOSSES
}

fn row(name: &str, torch: &str, rule: DTypeRule) -> Value {
    let names = |set: rusttorch_backend::DTypeSet| set.iter().map(short_name).collect::<Vec<_>>();
    json!({
        "name": name,
        "torch": torch,
        "rule": format!("{rule:?}"),
        "accepts": names(rule.accepts()),
        "computes": names(rule.computes()),
    })
}

fn named<T: Copy>(ops: &[T], name: impl Fn(T) -> &'static str) -> Value {
    ops.iter().map(|&op| json!({ "name": name(op) })).collect()
}

/// Every table. Tables without dtype rules list names only; an op with several forms stands there once a form.
pub fn json() -> String {
    let tables = json!({
        "unary": UnaryOp::ALL.iter().map(|o| row(o.name(), o.torch(), o.rule())).collect::<Value>(),
        "binary": BinaryOp::ALL.iter().map(|o| row(o.name(), o.torch(), o.rule())).collect::<Value>(),
        "compare": CompareOp::ALL.iter().map(|o| row(o.name(), o.torch(), o.rule())).collect::<Value>(),
        "ternary": named(TernaryOp::ALL, TernaryOp::name),
        "reduce": named(ReduceOp::ALL, ReduceOp::name),
        "arg_reduce": named(ArgReduceOp::ALL, ArgReduceOp::name),
        "scan": named(scans(), ScanOp::name),
        "activation": named(Activation::ALL, Activation::name),
        "loss": named(losses(), Loss::name),
    });
    tables.to_string()
}

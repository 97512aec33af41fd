//! The op tables as JSON: what `reference/generate.py` walks, so that no op can be forgotten.

use rusttorch_backend::ops::{
    Activation, ArgReduceOp, BinaryOp, CompareOp, DTypeRule, Loss, ReduceOp, ScanOp, SortOp, TernaryOp,
    UnaryOp,
};
use serde_json::{Value, json};

use crate::case::short_name;

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
        "scan": named(ScanOp::ALL, ScanOp::name),
        "activation": Activation::ALL
            .iter()
            .map(|op| json!({ "name": op.name(), "torch": op.torch() }))
            .collect::<Value>(),
        "sort": named(SortOp::ALL, SortOp::name),
        "loss": named(Loss::ALL, Loss::name),
    });
    tables.to_string()
}

//! No row of an op table is without recorded cases, in any dtype that a backend may be handed.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, outside of the test functions"
)]

use std::collections::HashSet;

use rusttorch_backend::ops::{
    Activation, ArgReduceOp, BinaryOp, CompareOp, DTypeRule, Loss, ReduceOp, ScanOp, SoftmaxOp, SortOp,
    TernaryOp, UnaryOp,
};
use rusttorch_backend::{DType, DTypeSet, ResultType};
use rusttorch_conformance::case::{Arg, Case, Outcome};
use rusttorch_conformance::{FAMILIES, reference};

fn cases() -> Vec<Case> {
    FAMILIES.iter().flat_map(|f| reference::load(f).unwrap()).collect()
}

/// Ops with the dtypes that their operands promote to, of the cases that have outputs.
fn recorded(cases: &[Case]) -> HashSet<(String, DType)> {
    let mut seen = HashSet::new();
    for case in cases.iter().filter(|c| matches!(c.outcome, Outcome::Values(_))) {
        let promoted = case.inputs.iter().fold(ResultType::new(), |t, arg| match arg {
            Arg::Tensor(d) => t.tensor(d.dtype(), d.shape().len()),
            Arg::Scalar(s) => t.scalar(*s),
            _ => t,
        });
        // A mode of the quotient is a row of its own.
        let trunc = case.param("rounding_mode").and_then(Arg::text) == Some("trunc");
        let op = if trunc { BinaryOp::TruncDivide.torch().to_owned() } else { case.op.clone() };
        seen.insert((op.clone(), promoted.dtype()));
        // Where the operands differ in kind (an index, a target), the first one counts.
        let first = match case.inputs.first() {
            Some(Arg::List(list)) => list.first().and_then(Arg::tensor),
            first => first.and_then(Arg::tensor),
        };
        seen.extend(first.map(|d| (op, d.dtype())));
    }
    seen
}

#[test]
fn every_row_has_cases_in_every_dtype_that_it_computes() {
    let seen = recorded(&cases());
    let mut rows: Vec<(String, DTypeSet)> = Vec::new();
    let mut add = |torch: &str, rule: DTypeRule| rows.push((torch.to_owned(), rule.accepts()));
    UnaryOp::ALL.iter().for_each(|op| add(op.torch(), op.rule()));
    BinaryOp::ALL.iter().for_each(|op| add(op.torch(), op.rule()));
    CompareOp::ALL.iter().for_each(|op| add(op.torch(), op.rule()));
    let mut missing = Vec::new();
    for (torch, dtypes) in &rows {
        for dtype in dtypes.iter() {
            if !seen.contains(&(torch.clone(), dtype)) {
                missing.push(format!("{torch} {dtype}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn ops_with_parameters_have_cases_in_every_dtype_that_they_take() {
    let seen = recorded(&cases());
    let mut missing = Vec::new();
    let mut expect = |torch: String, dtypes: DTypeSet| {
        for dtype in dtypes.iter().filter(|&d| !seen.contains(&(torch.clone(), d))) {
            missing.push(format!("{torch} {dtype}"));
        }
    };
    for op in TernaryOp::ALL {
        let floats = matches!(op, TernaryOp::Addcdiv { .. } | TernaryOp::Lerp);
        expect(format!("torch.{}", op.name()), if floats { DTypeSet::FLOATS } else { DTypeSet::NUMBERS });
    }
    for op in ReduceOp::ALL {
        expect(format!("torch.{}", op.name()), op.accepts());
    }
    ArgReduceOp::ALL.iter().for_each(|op| expect(format!("torch.{}", op.name()), DTypeSet::NUMBERS));
    ScanOp::ALL.iter().for_each(|op| expect(format!("torch.{}", op.name()), op.accepts()));
    SortOp::ALL.iter().for_each(|op| expect(format!("torch.{}", op.name()), op.accepts()));
    SoftmaxOp::ALL.iter().for_each(|op| expect(format!("torch.{}", op.name()), DTypeSet::FLOATS));
    Activation::ALL.iter().for_each(|op| expect(op.torch().to_owned(), DTypeSet::FLOATS));
    for name in Loss::ALL.iter().map(|op| op.name()) {
        expect(format!("torch.nn.functional.{name}"), DTypeSet::FLOATS);
    }
    for (torch, dtypes) in [
        ("torch.matmul", DTypeSet::NUMBERS),
        ("torch.gather", DTypeSet::ALL),
        ("torch.index_select", DTypeSet::ALL),
        ("torch.scatter", DTypeSet::ALL),
        ("torch.scatter_add", DTypeSet::ALL),
        ("torch.where", DTypeSet::ALL),
        ("torch.searchsorted", DTypeSet::NUMBERS),
        ("torch.Tensor.to", DTypeSet::ALL),
        ("torch.cat", DTypeSet::ALL),
        ("torch.nn.functional.layer_norm", DTypeSet::FLOATS),
        ("torch.nn.functional.conv2d", DTypeSet::FLOATS),
        ("torch.nn.functional.max_pool2d", DTypeSet::FLOATS),
        ("torch.nn.functional.avg_pool2d", DTypeSet::FLOATS),
        ("torch.nn.functional.scaled_dot_product_attention", DTypeSet::FLOATS),
    ] {
        expect(torch.to_owned(), dtypes);
    }
    assert!(missing.is_empty(), "{missing:?}");
}

/// The list of numeric cases: each item with the ops it speaks of, every one of which has a case that names the
/// item. 43's other losses come later.
const NUMERICS: &[(u32, &[&str])] = &[
    (1, &["max", "amax"]),
    (2, &["argmax", "argmin"]),
    (3, &["cummax"]),
    (4, &["maximum", "fmax"]),
    (5, &["relu", "clamp"]),
    (6, &["sign"]),
    (7, &["sort", "topk", "median", "unique", "isclose", "equal"]),
    (8, &["relu6", "hardtanh", "hardswish", "leaky_relu", "matmul", "addmm"]),
    (9, &["relu"]),
    (10, &["minimum", "maximum"]),
    (11, &["round", "sqrt", "tanh", "remainder", "fmod", "rsqrt", "sign", "reciprocal", "add"]),
    (13, &["sum", "prod", "mean", "all", "any", "logsumexp", "std", "softmax"]),
    (14, &["max", "argmax", "amax"]),
    (15, &["matmul"]),
    (16, &["var"]),
    (17, &["argmax"]),
    (18, &["max", "amax", "maximum"]),
    (19, &["floor_divide", "remainder", "fmod", "div"]),
    (20, &["floor_divide", "remainder", "div"]),
    (21, &["floor_divide", "remainder"]),
    (22, &["add", "sub", "abs", "neg", "matmul"]),
    (23, &["sum", "prod", "cumsum", "mean"]),
    (24, &["pow"]),
    (25, &["sub", "neg", "argmax", "matmul", "softmax", "round", "add"]),
    (26, &["to"]),
    (27, &["to"]),
    (28, &["to"]),
    (29, &["round"]),
    (30, &["pow"]),
    (31, &["exp", "log"]),
    (32, &["sigmoid", "logsigmoid", "softplus", "logaddexp", "logsumexp"]),
    (33, &["softmax", "log_softmax", "scaled_dot_product_attention"]),
    (34, &["gelu"]),
    (35, &["silu", "elu", "relu6", "leaky_relu", "hardswish"]),
    (36, &["sum"]),
    (37, &["sum", "softmax", "mean", "matmul"]),
    (38, &["matmul", "dot", "addmm"]),
    (39, &["result_type", "add", "mul", "clamp", "sin", "any"]),
    (40, &["add", "reshape", "expand", "zeros"]),
    (41, &["select", "__getitem__", "gather", "index_select", "cross_entropy"]),
    (42, &["cross_entropy"]),
    (43, &["binary_cross_entropy", "smooth_l1_loss", "mse_loss"]),
    (44, &["relu", "abs", "sqrt", "norm", "std", "prod", "relu6", "hardtanh"]),
    (45, &["clamp"]),
    (46, &["SGD"]),
    (47, &["Adam", "AdamW"]),
];

/// Items that are no case but a property, and the tests that check it.
const PROPERTIES: &[(u32, &str, &str)] = &[
    (12, include_str!("../src/drive.rs"), "bits depend on position or length (R1)"),
    (48, include_str!("training.rs"), "fn six_steps_are_three_a_file_and_three"),
    (49, include_str!("training.rs"), "fn bits_do_not_depend_on_the_run_or_the_thread"),
    (50, include_str!("../src/suite/promise.rs"), "fn product_rows"),
];

#[test]
fn every_numeric_item_has_a_case_of_every_op_it_speaks_of() {
    let cases = cases();
    let seen: HashSet<(u32, &str)> =
        cases.iter().flat_map(|c| c.numerics.iter().map(|&n| (n, c.name()))).collect();
    let missing: Vec<_> = NUMERICS
        .iter()
        .flat_map(|&(n, ops)| ops.iter().map(move |&op| (n, op)))
        .filter(|item| !seen.contains(item))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    for n in 1..=50 {
        let property = PROPERTIES.iter().any(|&(item, source, text)| item == n && source.contains(text));
        assert!(property || NUMERICS.iter().any(|&(item, _)| item == n), "{n}");
    }
}

#[test]
fn an_override_states_its_reason() {
    // Numeric items that are overridden by rule name themselves; the others say what PyTorch does wrong.
    let overridden = cases().into_iter().filter_map(|c| c.why).collect::<HashSet<String>>();
    assert!(overridden.iter().all(|why| why.len() > 20), "{overridden:?}");
    assert!(overridden.iter().any(|why| why.contains("numerics 26")));
}

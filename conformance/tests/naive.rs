//! The suite against the naive backend, and against the composed defaults of the contract.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, outside of the test functions"
)]

use rusttorch_backend::Backend;
use rusttorch_backend_naive::Naive;
use rusttorch_conformance::minimal::Minimal;
use rusttorch_conformance::{Options, Report, run_family, suite};

fn judge(backend: &dyn Backend, families: &[&str]) {
    let mut report = Report::new(backend.name());
    for family in families {
        report.extend(run_family(backend, family, Options::default()).unwrap());
    }
    println!("{report}");
    assert!(report.passed());
}

fn judge_naive(families: &[&str]) {
    judge(&Naive::new(), families);
}

rusttorch_conformance::contract_tests!(judge_naive);

#[test]
fn bit_promise() {
    let report = suite::run_promise(&Naive::new());
    println!("{report}");
    assert!(report.passed());
}

#[test]
fn composed_defaults() {
    let families = [
        "softmax",
        "activation",
        "loss",
        "norm",
        "conv",
        "pool",
        "attention",
        "index",
        "sort",
        "optimizer",
        "random",
    ];
    judge(&Minimal(Naive::new()), &families);
}

//! The catalogue against what PyTorch has: nothing is missing, no dtype and no form, and `docs/ops.md` says so.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, outside of the test functions"
)]

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use rusttorch::catalogue;
use rusttorch_backend::Backend;
use rusttorch_backend_naive::Naive;
use rusttorch_conformance::frontend::{self, document, support};
use rusttorch_conformance::{Case, FAMILIES, reference};

fn cases() -> Vec<Case> {
    FAMILIES.iter().flat_map(|f| reference::load(f).unwrap()).collect()
}

fn rows() -> Vec<support::Row> {
    let naive: Arc<dyn Backend> = Arc::new(Naive::new());
    support::rows(&naive).unwrap()
}

fn expected() -> impl Iterator<Item = &'static str> {
    let list = include_str!("../reference/expected_ops.txt");
    list.lines().filter(|l| !l.starts_with('#')).flat_map(str::split_whitespace)
}

#[test]
fn every_op_that_is_expected_is_there() {
    let missing: Vec<_> = expected().filter(|op| frontend::find(op).is_none()).collect();
    assert!(missing.is_empty(), "{} ops are not in the catalogue: {missing:#?}", missing.len());
}

#[test]
fn every_op_of_the_catalogue_is_recorded() {
    let recorded: HashSet<&str> = cases().iter().filter_map(frontend::op_of).map(|op| op.path).collect();
    let missing: Vec<_> = catalogue::all().map(|op| op.path).filter(|op| !recorded.contains(op)).collect();
    assert!(missing.is_empty(), "{} ops have no recorded case: {missing:#?}", missing.len());
}

/// What is recorded and not in the catalogue is there for backends, each with its reason.
#[test]
fn every_recorded_op_is_in_the_catalogue() {
    let outside: BTreeSet<String> =
        cases().into_iter().filter(|case| !frontend::plays(case)).map(|case| case.op).collect();
    let stated: BTreeSet<String> = document::CONTRACT_ONLY.iter().map(|(op, _)| (*op).to_owned()).collect();
    assert_eq!(outside, stated);
}

#[test]
fn every_form_takes_what_pytorch_takes() {
    let rows = rows();
    let holes = document::holes(&rows);
    assert!(holes.is_empty(), "{} holes: {holes:#?}", holes.len());
    // What is left out on purpose is in PyTorch, and still not here.
    for absence in document::ABSENT {
        for op in absence.ops {
            let row = rows.iter().find(|r| r.op.path == *op).unwrap();
            assert!(row.holes(absence.form).iter().next().is_some(), "{op} {:?}", absence.form);
        }
    }
}

#[test]
fn the_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ops.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let now = document::document(&rows()).unwrap();
    assert!(written == now, "docs/ops.md is not current: run `make ops`");
}

//! Every deliberately wrong backend is caught, by a case that is about its mistake and that the right one
//! passes.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, outside of the test functions"
)]

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rusttorch_backend::Backend;
use rusttorch_backend_naive::Naive;
use rusttorch_conformance::faults::{Fault, Faulty};
use rusttorch_conformance::{Options, Report, frontend, run_family, suite};

fn report(backend: &dyn Backend, family: &str) -> Report {
    match family {
        "promise" => suite::run_promise(backend),
        _ => run_family(backend, family, Options::default()).unwrap(),
    }
}

#[test]
fn every_fault_is_caught() {
    let mut right: HashMap<&str, HashSet<String>> = HashMap::new();
    let mut missed = Vec::new();
    for &fault in Fault::ALL {
        let failing = right.entry(fault.family()).or_insert_with(|| {
            report(&Naive::new(), fault.family()).failures().map(|r| r.case.clone()).collect()
        });
        let found = report(&Faulty::new(Naive::new(), fault), fault.family());
        let mut caught =
            found.failures().filter(|r| r.case.contains(fault.case()) && !failing.contains(&r.case));
        match caught.next() {
            Some(r) => println!("{fault:?}: {} and {} more: {:?}", r.case, caught.count(), r.status),
            None => missed.push(fault),
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}

/// What tensors do not show: promises about bits, claims, what lies outside of a view, and families without a
/// frontend.
const BENEATH: &[Fault] = &[
    Fault::TailDiffers,
    Fault::WritesOutside,
    Fault::CopyLosesPayload,
    Fault::OrderByLayout,
    Fault::RowPathDiffers,
    Fault::SquaresEps,
    Fault::ConvLosesTaps,
    Fault::PoolCountsInside,
    Fault::AttentionMaskedNan,
    Fault::ClaimsWhatItDelegates,
    Fault::ComputesUnclaimed,
];

fn through_tensors(backend: Arc<dyn Backend>, family: &str) -> Report {
    frontend::run_family(&backend, family, Options::default()).unwrap()
}

/// A wrong kernel shows in the calls of its op through the catalogue.
#[test]
fn every_fault_is_caught_through_tensors() {
    let mut right: HashMap<&str, HashSet<String>> = HashMap::new();
    let mut missed = Vec::new();
    for &fault in Fault::ALL.iter().filter(|fault| !BENEATH.contains(fault)) {
        let failing = right.entry(fault.family()).or_insert_with(|| {
            let naive = Arc::new(Naive::new());
            through_tensors(naive, fault.family()).failures().map(|r| r.case.clone()).collect()
        });
        let found = through_tensors(Arc::new(Faulty::new(Naive::new(), fault)), fault.family());
        let caught = found.failures().any(|r| r.case.contains(fault.case()) && !failing.contains(&r.case));
        if !caught {
            missed.push(fault);
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}

//! Every deliberately wrong backend is caught, by a case that is about its mistake and that the right one
//! passes.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, outside of the test functions"
)]

use std::collections::{HashMap, HashSet};

use rusttorch_backend::Backend;
use rusttorch_backend_naive::Naive;
use rusttorch_conformance::faults::{Fault, Faulty};
use rusttorch_conformance::{Options, Report, run_family, suite};

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

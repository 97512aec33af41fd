//! Every deliberately wrong backend is caught.

#![forbid(unsafe_code)]

use rusttorch_backend_naive::Naive;
use rusttorch_conformance::faults::{Fault, Faulty};
use rusttorch_conformance::{Options, run_family, suite};

#[test]
fn every_fault_is_caught() {
    let mut missed = Vec::new();
    for &fault in Fault::ALL {
        let backend = Faulty::new(Naive::new(), fault);
        let caught = fault.families().iter().any(|&family| {
            let report = match family {
                "promise" => suite::run_promise(&backend),
                _ => run_family(&backend, family, Options::default()).unwrap(),
            };
            if let Some(r) = report.failures().next() {
                println!("{fault:?}: {} of {} cases, first {}: {:?}", report.failures().count(), report.records.len(), r.case, r.status);
            }
            !report.passed()
        });
        if !caught {
            missed.push(fault);
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}

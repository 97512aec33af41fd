//! The suite against decorated backends: nothing is lost on the way, and no legal call is refused.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, outside of the test functions"
)]

use std::sync::Arc;

use rusttorch_backend::Backend;
use rusttorch_backend::decorators::{Checked, Compared, Traced};
use rusttorch_backend_naive::Naive;
use rusttorch_backend_simd::Simd;
use rusttorch_conformance::faults::{Fault, Faulty};
use rusttorch_conformance::{CONTRACT_FAMILIES, FAMILIES, Options, Report, frontend, run_family};

#[test]
fn checked_and_traced_pass_as_what_they_decorate() {
    let traced = Arc::new(Traced::new(Arc::new(Simd::new())));
    let checked = Checked::new(traced.clone());
    let mut report = Report::new("checked");
    for family in CONTRACT_FAMILIES {
        report.extend(run_family(&checked, family, Options::default()).unwrap());
    }
    println!("{report}");
    println!("{}", traced.trace());
    assert!(report.passed());
    assert!(traced.trace().rows.len() > 25);
}

/// The frontend keeps to the contract in every recorded case.
#[test]
fn the_frontend_breaks_no_rule() {
    let checked: Arc<dyn Backend> = Arc::new(Checked::new(Arc::new(Simd::new())));
    let mut report = Report::new("checked");
    for family in FAMILIES {
        report.extend(frontend::run_family(&checked, family, Options::default()).unwrap());
    }
    println!("{report}");
    assert!(report.passed());
}

/// Compared with naive, simd passes; a backend with a mistake does not, and is named.
#[test]
fn compared_finds_a_mistake() {
    let judge = |second: Arc<dyn Backend>, family: &str| {
        run_family(&Compared::new(Arc::new(Naive::new()), second), family, Options::default()).unwrap()
    };
    for family in ["matmul", "optimizer", "index", "random", "ternary"] {
        let report = judge(Arc::new(Simd::new()), family);
        println!("{report}");
        assert!(report.passed(), "{family}");
    }
    let faulty = |fault| Arc::new(Faulty::new(Naive::new(), fault));
    for fault in [Fault::MatmulOverwrites, Fault::ScatterAddOverwrites, Fault::DampensFirstStep] {
        let report = judge(faulty(fault), fault.family());
        let found =
            report.failures().any(|r| format!("{:?}", r.status).contains("backends give different values"));
        assert!(found, "{fault:?}");
    }
}

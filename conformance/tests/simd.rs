//! The suite against the simd backend, on every instruction set of this CPU.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, outside of the test functions"
)]

use std::sync::Arc;

use rusttorch_backend::{Backend, threads};
use rusttorch_backend_simd::{Level, Simd};
use rusttorch_conformance::{FAMILIES, Options, Report, frontend, run_family, suite};

fn judge(families: &[&str]) {
    for level in Level::all() {
        let mut report = Report::new(level.name());
        for family in families {
            report.extend(run_family(&Simd::at(level), family, Options::default()).unwrap());
        }
        println!("{report}");
        assert!(report.passed(), "{level}");
    }
}

rusttorch_conformance::contract_tests!(judge);

#[test]
fn bit_promise() {
    for level in Level::all() {
        for count in [1, 2, 3, 8] {
            threads::set_num_threads(count);
            let report = suite::run_promise(&Simd::at(level));
            println!("{report}");
            assert!(report.passed(), "{level}, {count} threads");
        }
    }
}

/// The recorded cases through tensors and gradients; values and bits are those of every level, which the tests
/// of the backend's crate compare.
#[test]
fn every_family_through_the_catalogue() {
    let simd: Arc<dyn Backend> = Arc::new(Simd::new());
    let mut report = Report::new("simd");
    let only = std::env::var("RUSTTORCH_FAMILY").ok();
    for family in FAMILIES.iter().filter(|f| only.as_deref().is_none_or(|only| only == **f)) {
        report.extend(frontend::run_family(&simd, family, Options::default()).unwrap());
    }
    println!("{report}");
    assert!(report.passed());
}

#[test]
fn finite_differences() {
    let simd: Arc<dyn Backend> = Arc::new(Simd::new());
    let report = frontend::gradcheck(&simd);
    println!("{report}");
    assert!(report.passed());
}

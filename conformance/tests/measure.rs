//! What the naive backend measures, op by op, beside the bounds: the source of the table of tolerances.
//! `cargo test -p rusttorch-conformance --test measure -- --ignored --nocapture`

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, outside of the test functions"
)]

use rusttorch_backend_naive::Naive;
use rusttorch_conformance::case::short_name;
use rusttorch_conformance::{CONTRACT_FAMILIES, Options, Report, run_family};

#[test]
#[ignore = "prints a table"]
fn measurements() {
    let mut report = Report::new("naive");
    for family in CONTRACT_FAMILIES {
        report.extend(run_family(&Naive::new(), family, Options::default()).unwrap());
    }
    println!("{}", report.cases());
    println!("{:<22} {:<5} {:>9} {:>9} | {:>6} {:>6}  ratio", "op", "dtype", "ulp", "eps", "bound", "bound");
    for (bound, m) in report.measurements() {
        if m.ratio > 0.0 {
            let (t, dtype) = (bound.tolerance, short_name(bound.dtype));
            println!(
                "{:<22} {:<5} {:>9.3} {:>9.3} | {:>6} {:>6}  {:.2}",
                bound.op, dtype, m.ulps, m.eps, t.ulp, t.eps, m.ratio
            );
        }
    }
}

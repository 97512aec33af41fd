//! The suite against the blas backend, over each of those that may answer for what it leaves out.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, outside of the test functions"
)]

use std::sync::Arc;

use rusttorch_backend::delegate::{Fallback, with_fallback};
use rusttorch_backend::{Allocation, Backend, Buffer, Capabilities, DType, Result, View, ViewMut, threads};
use rusttorch_backend_blas::Blas;
use rusttorch_backend_naive::Naive;
use rusttorch_backend_simd::Simd;
use rusttorch_conformance::{Options, Report, frontend, run_family, suite};

fn judge(families: &[&str]) {
    for next in [Arc::new(Simd::new()) as Arc<dyn Backend>, Arc::new(Naive::new())] {
        let mut report = Report::new(next.name());
        let blas = Blas::over(next);
        for family in families {
            report.extend(run_family(&blas, family, Options::default()).unwrap());
        }
        println!("{report}");
        assert!(report.passed());
    }
}

rusttorch_conformance::contract_tests!(judge);

/// All of it but row invariance, which it does not promise and is not asked for.
#[test]
fn bit_promise() {
    let blas = Blas::over(Arc::new(Simd::new()));
    for count in [1, 2, 3] {
        threads::set_num_threads(count);
        let report = suite::run_promise(&blas);
        println!("{report}");
        assert!(report.passed(), "{count} threads");
        assert!(!report.records.iter().any(|r| r.case.starts_with("R3")));
    }
}

/// Its products are BLAS's: with delegation refused they are computed.
#[test]
fn products_are_not_delegated() {
    let report = run_family(&Blas::over(Arc::new(Naive::new())), "matmul", Options::default()).unwrap();
    let floats = report.records.iter().filter(|r| r.case.contains("(f32") || r.case.contains("(f64"));
    let (own, all) = floats.fold((0, 0), |(own, all), r| (own + usize::from(!r.delegated), all + 1));
    println!("{own} of {all}");
    assert!(all > 20 && own == all);
}

/// The backend with other claims than its own; if `moody`, with another last bit where there are several rows.
#[derive(Debug)]
struct Claiming {
    blas: Blas,
    claims: Capabilities,
    moody: bool,
}

impl Backend for Claiming {
    fn name(&self) -> &'static str {
        "claiming"
    }
    fn alloc(&self, bytes: usize) -> Result<Allocation> {
        self.blas.alloc(bytes)
    }
    fn upload(&self, src: &[u8], dst: &mut dyn Buffer, at: usize) -> Result<()> {
        self.blas.upload(src, dst, at)
    }
    fn download(&self, src: &dyn Buffer, at: usize, dst: &mut [u8]) -> Result<()> {
        self.blas.download(src, at, dst)
    }
    fn next(&self) -> Option<&dyn Backend> {
        self.blas.next()
    }
    fn capabilities(&self) -> Capabilities {
        self.claims.clone()
    }
    fn matmul(&self, a: View<'_>, b: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        self.blas.matmul(a, b, out.reborrow())?;
        let (first, shape) = (out.layout().offset(), out.shape());
        let several = shape.len() >= 2 && shape[shape.len() - 2] > 1 && !out.layout().is_empty();
        if self.moody && several && out.dtype() == DType::F32 {
            let first = &mut out.host_mut::<f32>()?[first];
            *first = f32::from_bits(first.to_bits() ^ 1);
        }
        Ok(())
    }
}

#[test]
fn lies_are_caught() {
    let blas = || Blas::over(Arc::new(Naive::new()));
    let honest = blas().capabilities();
    let judge = |claims: Capabilities| {
        let liar = Claiming { blas: blas(), claims, moody: false };
        let matmul = run_family(&liar, "matmul", Options::default()).unwrap();
        (matmul.passed(), with_fallback(Fallback::Allow, || suite::run_promise(&liar)).passed())
    };
    assert_eq!(judge(honest.clone()), (true, true));
    // Row invariance that it has not: BLAS itself may have it on some CPU.
    let liar = Claiming { blas: blas(), claims: honest.clone().row_invariant(), moody: true };
    assert!(!with_fallback(Fallback::Allow, || suite::run_promise(&liar)).passed());
    // What it hands on, and nothing of what it computes.
    let all = rusttorch_backend::DTypeSet::NUMBERS;
    assert!(!judge(honest.with(rusttorch_backend::Family::Matmul, all)).0);
    assert!(!judge(Capabilities::none()).0);
}

/// The families that hold products, through tensors and gradients.
#[test]
fn products_through_the_catalogue() {
    let blas: Arc<dyn Backend> = Arc::new(Blas::over(Arc::new(Simd::new())));
    let mut report = Report::new("blas");
    for family in ["matmul", "attention", "conv"] {
        report.extend(frontend::run_family(&blas, family, Options::default()).unwrap());
    }
    println!("{report}");
    assert!(report.passed());
}

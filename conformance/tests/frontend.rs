//! The suite through the catalogue on the naive backend: values, errors, gradients, gradients of gradients and
//! the other forms of each op.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, outside of the test functions"
)]

use std::sync::Arc;

use rusttorch::{DType, ErrorKind, Tensor};
use rusttorch_backend::Backend;
use rusttorch_backend_naive::Naive;
use rusttorch_conformance::{FAMILIES, Options, Report, frontend};

fn naive() -> Arc<dyn Backend> {
    Arc::new(Naive::new())
}

/// `RUSTTORCH_FAMILY` names one family to run instead of all.
#[test]
fn every_family_through_the_catalogue() {
    let mut report = Report::new("naive");
    let only = std::env::var("RUSTTORCH_FAMILY").ok();
    for family in FAMILIES.iter().filter(|f| only.as_deref().is_none_or(|only| only == **f)) {
        report.extend(frontend::run_family(&naive(), family, Options::default()).unwrap());
    }
    println!("{report}");
    assert!(report.passed());
}

#[test]
fn finite_differences() {
    let report = frontend::gradcheck(&naive());
    println!("{report}");
    assert!(report.passed());
}

/// Numeric cases of several ops each: 39, 40 and 44.
#[test]
fn numeric_items_of_several_ops() {
    rusttorch::backends::with_backend(naive(), several_ops);
}

fn several_ops() {
    let kind = |r: rusttorch::Result<Tensor>| r.map(|t| t.shape().to_vec()).unwrap_err().kind();
    let three = || Tensor::ones(&[3], DType::F32).unwrap();

    // 39: an in-place result does not change the category of its target.
    assert_eq!(kind(Tensor::ones(&[2], DType::I64).unwrap().add_(1.5)), ErrorKind::DType);

    // 40: neither does it grow it, nor write to memory that is there twice.
    assert_eq!(kind(three().add_(&Tensor::ones(&[2, 3], DType::F32).unwrap())), ErrorKind::Shape);
    let expanded = Tensor::ones(&[1], DType::F32).unwrap().expand([3]).unwrap();
    assert_eq!(kind(expanded.add_(&three())), ErrorKind::Alias);
    let transposed = Tensor::ones(&[2, 3], DType::F32).unwrap().transpose(0, 1).unwrap();
    assert_eq!(kind(transposed.view([6])), ErrorKind::Shape);
    assert_eq!(kind(Tensor::zeros(&[1 << 32, 1 << 32], DType::F32)), ErrorKind::Memory);
    assert_eq!(kind(Tensor::zeros(&[1 << 60], DType::U8)), ErrorKind::Memory);
    assert_eq!(three().sum().unwrap().item_f64().unwrap(), 3.0); // and the process lives on

    // 44: a root of a negative number behind a choice still spoils the gradient.
    let x = Tensor::from_vec(vec![-1.0f32, 4.0], &[2]).unwrap();
    x.requires_grad_(true).unwrap();
    let y = Tensor::where_cond(&x.gt(0.0).unwrap(), &x.sqrt().unwrap(), 0.0).unwrap();
    y.sum().unwrap().backward().unwrap();
    let g = x.grad().unwrap().to_f64_vec().unwrap();
    assert!(g[0].is_nan() && g[1] == 0.25, "{g:?}");

    // 13: an empty dimension keeps its shape through softmax.
    assert_eq!(Tensor::zeros(&[2, 0], DType::F32).unwrap().softmax(1).unwrap().shape(), [2, 0]);
}

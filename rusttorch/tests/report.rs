//! Each combination of the features `naive`, `simd` and `blas` has the backends that it claims, and they compute.
//! `make features` runs this for every one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use rusttorch::backends::decorators::Traced;
use rusttorch::backends::{current, get, list, report, with_backend};
use rusttorch::{DType, ErrorKind, Tensor, num_threads};

const SIMD: bool = cfg!(feature = "simd");
const BLAS: bool = cfg!(feature = "blas");
const NAIVE: bool = cfg!(feature = "naive");

/// The chain from a backend on.
fn chain(from: &str) -> Vec<&'static str> {
    ["blas", "simd", "naive"]
        .into_iter()
        .skip_while(|name| *name != from)
        .filter(|name| *name != "simd" || SIMD)
        .collect()
}

#[test]
fn what_is_registered_is_what_was_asked_for() {
    let present: Vec<&str> =
        [("simd", SIMD), ("blas", BLAS), ("naive", NAIVE)].iter().filter(|b| b.1).map(|b| b.0).collect();
    assert_eq!(list(), present);
    if !present.is_empty() {
        assert_eq!(present.last(), Some(&"naive"), "simd and blas bring naive along");
    }
    for name in ["simd", "blas", "naive"] {
        let missing = get(name).err().map(|e| e.kind());
        assert_eq!(missing, (!present.contains(&name)).then_some(ErrorKind::Backend), "{name}");
    }
}

#[test]
fn the_report_says_who_computes() {
    for name in list() {
        let report = with_backend(get(name).unwrap(), || {
            // An op of each kind: a product, which the backend or one behind it computes, and another.
            let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0], &[2, 2]).unwrap();
            let y = x.matmul(&x).unwrap().add(&x).unwrap();
            assert_eq!(y.to_vec::<f32>().unwrap(), [8.0, 12.0, 18.0, 26.0]);
            report().unwrap()
        });
        assert_eq!(report.backend, name);
        assert_eq!(report.chain, chain(name));
        assert_eq!(report.threads, num_threads());
        assert_eq!(report.registered, list());
        assert_eq!(report.simd().is_some(), SIMD && name != "naive");
        assert_eq!(report.blas().is_some(), name == "blas");
        if let Some(blas) = report.blas() {
            let words: Vec<&str> = blas.split_whitespace().collect();
            assert_eq!(words[0], "OpenBLAS");
            assert!(words[1].starts_with(|c: char| c.is_ascii_digit()), "{blas}");
        }
        let text = report.to_string();
        assert!(text.starts_with(&format!("backend: {name}\nchain: {name}")), "{text}");
        assert!(text.contains(&format!("\nthreads: {}", num_threads())), "{text}");
        assert_eq!(text.contains("\nsimd: "), report.simd().is_some(), "{text}");
        assert_eq!(text.contains("\nblas: OpenBLAS "), report.blas().is_some(), "{text}");
    }
}

#[test]
fn without_a_backend_the_report_is_an_error() {
    if list().is_empty() {
        assert_eq!(report().unwrap_err().kind(), ErrorKind::Backend);
        assert_eq!(Tensor::zeros(&[1], DType::F32).unwrap_err().kind(), ErrorKind::Backend);
    }
}

#[test]
fn a_decorator_stands_at_the_head_of_the_chain() {
    let Ok(backend) = current() else { return };
    let name = backend.name();
    let report = with_backend(Arc::new(Traced::new(backend)), || report().unwrap());
    assert_eq!(report.backend, "traced");
    assert_eq!(report.chain[1..], chain(name)[..]);
    assert_eq!(report.simd().is_some(), SIMD && name != "naive");
}

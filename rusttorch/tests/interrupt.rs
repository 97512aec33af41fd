//! A backward pass that is stopped from outside. In a file of its own, for who asks is asked in the whole process.

#![allow(clippy::unwrap_used, reason = "a failing test should stop")]

use std::sync::atomic::{AtomicUsize, Ordering};

use rusttorch::autograd::set_interrupt;
use rusttorch::{DType, ErrorKind, Result, Tensor, TensorError};

static LEFT: AtomicUsize = AtomicUsize::new(usize::MAX);

fn ask() -> Result<()> {
    match LEFT.fetch_sub(1, Ordering::Relaxed) {
        0 => Err(TensorError::new(ErrorKind::Autograd, "test", "stopped")),
        _ => Ok(()),
    }
}

fn chain(x: &Tensor, n: usize) -> Tensor {
    (0..n).fold(x.clone(), |y, _| y.mul(1.5).unwrap())
}

#[test]
fn a_pass_ends_before_the_node_that_is_asked_about() {
    let x = Tensor::ones(&[], DType::F64).unwrap().requires_grad_(true).unwrap();
    assert!(set_interrupt(ask));
    assert!(!set_interrupt(ask), "there is one already");

    let y = chain(&x, 100);
    LEFT.store(50, Ordering::Relaxed);
    let error = y.backward().unwrap_err();
    assert_eq!(error.rule(), "stopped");
    assert!(x.grad().is_none());

    LEFT.store(usize::MAX, Ordering::Relaxed);
    chain(&x, 3).backward().unwrap();
    assert_eq!(x.grad().unwrap().item().unwrap().to_f64(), 1.5 * 1.5 * 1.5);
    // One for each of the three nodes, and one for the leaf.
    assert_eq!(usize::MAX - LEFT.load(Ordering::Relaxed), 4);
}

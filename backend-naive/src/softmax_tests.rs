use proptest::prelude::*;
use rusttorch_backend::ops::SoftmaxOp::{self, *};
use rusttorch_backend::{Backend, DType, ErrorKind, f16};

use crate::Naive;
use crate::testing::{Array, INF, NAN, assert_close, assert_same, kind, result};

fn forward(op: SoftmaxOp, x: &Array, axis: usize) -> Array {
    result(x.shape(), x.view().dtype(), |out| Naive.softmax(op, x.view(), axis, out)).unwrap()
}

fn backward(op: SoftmaxOp, grad: &Array, y: &Array, axis: usize) -> Array {
    result(y.shape(), y.view().dtype(), |out| Naive.softmax_backward(op, grad.view(), y.view(), axis, out))
        .unwrap()
}

/// What PyTorch 2.15 gives.
#[test]
fn infinities() {
    let softmax = |x: [f64; 2]| forward(Softmax, &Array::of(&x), 0).floats();
    let log_softmax = |x: [f64; 2]| forward(LogSoftmax, &Array::of(&x), 0).floats();
    assert_same(&softmax([-INF, -INF]), &[NAN, NAN]);
    assert_same(&softmax([0.0, -INF]), &[1.0, 0.0]);
    assert_same(&softmax([INF, 0.0]), &[NAN, NAN]);
    assert_same(&log_softmax([0.0, 1000.0]), &[-1000.0, 0.0]);
    assert_same(&log_softmax([0.0, -INF]), &[0.0, -INF]);
    assert_same(&log_softmax([INF, 0.0]), &[NAN, NAN]);
    assert_same(&log_softmax([-INF, -INF]), &[NAN, NAN]);
    assert_same(&softmax([NAN, 0.0]), &[NAN, NAN]);
}

#[test]
fn any_axis_and_layout() {
    let x = Array::new(&[2, 3], &[1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
    let e = 1f64.exp();
    let (s, row) = (1.0 + e + e * e, [1.0, e, e * e]);
    for x in x.everyhow() {
        let expected: Vec<f64> = row.iter().chain(&row).map(|v| v / s).collect();
        assert_close(&forward(Softmax, &x, 1).floats(), &expected, 1e-15);
        assert_eq!(forward(Softmax, &x, 0).floats(), [0.5; 6]);
        assert_close(&forward(LogSoftmax, &x, 0).floats(), &[-std::f64::consts::LN_2; 6], 1e-15);
    }
    assert_eq!(forward(Softmax, &Array::garbage(&[2, 0], DType::F32), 1).shape(), [2, 0]);
}

#[test]
fn halves_are_computed_wide() {
    let x = Array::of(&[f16::from_f32(0.5); 1000]);
    let sum: f64 = forward(Softmax, &x, 0).floats().iter().sum();
    assert!((sum - 1.0).abs() < 1e-3);
}

#[test]
fn errors() {
    let (x, mut out) = (Array::of(&[1i32]), Array::of(&[1i32]));
    assert_eq!(kind(Naive.softmax(Softmax, x.view(), 0, out.out())), ErrorKind::DType);
    assert_eq!(kind(Naive.softmax_backward(Softmax, x.view(), x.view(), 0, out.out())), ErrorKind::DType);
    let (x, mut out) = (Array::of(&[1f32]), Array::of(&[1f32, 2.0]));
    assert_eq!(kind(Naive.softmax(Softmax, x.view(), 0, out.out())), ErrorKind::Shape);
    assert_eq!(kind(Naive.softmax(Softmax, x.view(), 1, out.out())), ErrorKind::Dim);
}

proptest! {
    /// The gradient against central differences of the weighted sum of the results.
    #[test]
    fn gradients(x in prop::collection::vec(-3.0..3.0f64, 1..8), seed in 0u32..100) {
        let n = x.len();
        let weights: Vec<f64> = (0..n as u32).map(|i| f64::from((i * 37 + seed) % 19) / 7.0 - 1.0).collect();
        for op in [Softmax, LogSoftmax] {
            let y = forward(op, &Array::of(&x), 0);
            let got = backward(op, &Array::of(&weights), &y, 0).floats();
            let value = |x: &[f64]| forward(op, &Array::of(x), 0).floats().iter().zip(&weights).map(|(a, b)| a * b).sum::<f64>();
            for i in 0..n {
                let moved = |h: f64| {
                    let mut x = x.clone();
                    x[i] += h;
                    value(&x)
                };
                let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                prop_assert!((got[i] - expected).abs() < 1e-8, "{} {} {}", op.name(), got[i], expected);
            }
        }
    }
}

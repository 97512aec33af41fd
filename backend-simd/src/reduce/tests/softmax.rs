//! Softmax and log-softmax: against naive, and the bit promise.

use rusttorch_backend::ops::SoftmaxOp;
use rusttorch_backend::{Backend, DType, Layout};
use rusttorch_backend_naive::Naive;

use super::{Array, FLOATS, INF, assert_close, layouts, rounded, specials, values};
use crate::{Level, Simd};

fn softmaxed(be: &dyn Backend, op: SoftmaxOp, x: &Array, axis: usize, layout: Layout) -> Array {
    let n = layout.numel();
    let mut out = Array::new(layout, x.dtype, &vec![77.0; n]);
    be.softmax(op, x.view(), axis, out.out()).unwrap();
    out
}

fn differentiated(be: &dyn Backend, op: SoftmaxOp, grad: &Array, y: &Array, axis: usize) -> Array {
    let mut out = Array::dense(y.layout.shape(), y.dtype, &y.values());
    be.softmax_backward(op, grad.view(), y.view(), axis, out.out()).unwrap();
    out
}

#[test]
fn softmaxes_are_those_of_naive() {
    let shapes: [&[usize]; 11] = [
        &[1],
        &[37],
        &[0, 3],
        &[7, 40],
        &[40, 3],
        &[5, 10, 20],
        &[300, 9],
        &[9, 300],
        &[4, 3, 2],
        &[2, 2500],
        &[2500, 2],
    ];
    for level in Level::all() {
        for dtype in FLOATS {
            for (s, shape) in shapes.iter().enumerate() {
                let n: usize = shape.iter().product();
                let far: Vec<f64> = values(n, s).into_iter().map(|v| v * 40.0).collect();
                let holes: Vec<f64> =
                    (0..n).map(|i| if i % 3 == 0 { -INF } else { i as f64 % 13.0 }).collect();
                for (v, x) in [values(n, s), far, holes, specials(n, s)].iter().enumerate() {
                    let x = rounded(x, dtype);
                    let all = layouts(shape);
                    for (l, layout) in all.iter().enumerate() {
                        let x = Array::new(layout.clone(), dtype, &x);
                        for axis in 0..shape.len() {
                            for &op in SoftmaxOp::ALL {
                                let to =
                                    if s % 2 == 0 { all[0].clone() } else { all[all.len() - 1 - l].clone() };
                                let be = Simd::at(level);
                                let got = softmaxed(&be, op, &x, axis, to);
                                let expected = softmaxed(&Naive::new(), op, &x, axis, all[0].clone());
                                let what = format!("{op:?} {dtype:?} {shape:?} {axis} {level} values {v}");
                                // The distance to the largest conditions the exponential.
                                let far = if v == 1 { 250.0 } else { 30.0 };
                                match op {
                                    SoftmaxOp::Softmax => assert_close(&got, &expected, far, 0.0, &what),
                                    SoftmaxOp::LogSoftmax => assert_close(&got, &expected, 2.0, 6.0, &what),
                                }
                                if v == 0 && l % 2 == 0 {
                                    let got = differentiated(&be, op, &x, &got, axis);
                                    let expected = differentiated(&Naive::new(), op, &x, &expected, axis);
                                    let terms = if op == SoftmaxOp::Softmax { 20.0 } else { 40.0 };
                                    assert_close(&got, &expected, 2.0, terms, &what);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// R2 as bits.
#[test]
fn a_softmax_depends_on_its_line_alone() {
    const ROWS: usize = 19;
    // The longest are not fetched while those before them are computed.
    for n in (1..=40).chain([63, 64, 65, 127, 128, 129, 1023, 1025, 2047, 2049, 4500, 33_000, 66_000]) {
        for dtype in [DType::F32, DType::F64] {
            let x = rounded(&values(ROWS * n, n), dtype);
            let turn =
                |x: &[f64]| -> Vec<f64> { (0..ROWS * n).map(|i| x[i % ROWS * n + i / ROWS]).collect() };
            for &op in SoftmaxOp::ALL {
                let dense = Layout::contiguous("test", &[ROWS, n]).unwrap();
                let across = Layout::contiguous("test", &[n, ROWS]).unwrap();
                let rows = Array::new(dense.clone(), dtype, &x);
                let columns = Array::new(across.clone(), dtype, &turn(&x));
                let first = Simd::at(Level::all()[0]);
                let expected = softmaxed(&first, op, &rows, 1, dense.clone());
                let gradient = differentiated(&first, op, &rows, &expected, 1);
                for level in Level::all() {
                    let be = Simd::at(level);
                    let got = softmaxed(&be, op, &rows, 1, dense.clone());
                    assert_eq!(got.bits(), expected.bits(), "{op:?} of {n} {level}");
                    assert_eq!(
                        differentiated(&be, op, &rows, &got, 1).bits(),
                        gradient.bits(),
                        "{op:?} of {n}"
                    );
                    let got = softmaxed(&be, op, &columns, 0, across.clone());
                    let expected: Vec<u64> = turn(&expected.values()).into_iter().map(f64::to_bits).collect();
                    assert_eq!(got.bits(), expected, "columns, {op:?} of {n} {level}");
                    let got = differentiated(&be, op, &columns, &got, 0);
                    let expected: Vec<u64> = turn(&gradient.values()).into_iter().map(f64::to_bits).collect();
                    assert_eq!(got.bits(), expected, "columns, gradient of {op:?} of {n} {level}");
                }
                let alone = Array::dense(&[1, n], dtype, &x[3 * n..4 * n]);
                let got = softmaxed(&Simd::new(), op, &alone, 1, alone.layout.clone());
                assert_eq!(got.bits(), expected.bits()[3 * n..4 * n], "alone, {op:?} of {n}");
                for layout in layouts(&[ROWS, n]) {
                    let rows = Array::new(layout, dtype, &x);
                    let got = softmaxed(&Simd::new(), op, &rows, 1, dense.clone());
                    assert_eq!(got.bits(), expected.bits(), "{op:?} of {n}");
                }
            }
        }
    }
}

/// R2 as bits, for results that are written past the caches.
#[test]
fn a_softmax_past_the_caches_depends_on_its_line_alone() {
    // Lines that begin at whole lines of the cache, and others.
    for n in [2048, 2001] {
        const ROWS: usize = 1600;
        let x = rounded(&values(ROWS * n, n), DType::F32);
        let whole = Array::dense(&[ROWS, n], DType::F32, &x);
        assert!(crate::tuning::lines::streams(ROWS * n * 4) && !crate::tuning::lines::streams(ROWS * n * 2));
        for level in Level::all() {
            let be = Simd::at(level);
            for &op in SoftmaxOp::ALL {
                let got = softmaxed(&be, op, &whole, 1, whole.layout.clone()).bits();
                for (half, got) in x.chunks(ROWS / 2 * n).zip(got.chunks(ROWS / 2 * n)) {
                    let half = Array::dense(&[ROWS / 2, n], DType::F32, half);
                    let expected = softmaxed(&be, op, &half, 1, half.layout.clone()).bits();
                    assert!(got == expected, "{op:?} of {n} {level}");
                }
            }
        }
    }
}

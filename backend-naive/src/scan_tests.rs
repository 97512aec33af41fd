use rusttorch_backend::ops::ScanOp::{self, *};
use rusttorch_backend::{Backend, DType, ErrorKind, ViewMut, f16};

use crate::Naive;
use crate::testing::{Array, NAN, assert_same, kind, result};

fn scanned(op: ScanOp, x: &Array, axis: usize) -> Array {
    let dtype = if x.view().dtype().is_float() { x.view().dtype() } else { DType::I64 };
    result(x.shape(), dtype, |out| Naive.scan(op, x.view(), axis, out, None)).unwrap()
}

fn extremes(op: ScanOp, x: &Array, axis: usize) -> (Array, Vec<i64>) {
    let mut indices = Array::garbage(x.shape(), DType::I64);
    let out = |out: ViewMut<'_>| Naive.scan(op, x.view(), axis, out, Some(indices.out()));
    let values = result(x.shape(), x.view().dtype(), out).unwrap();
    assert_eq!(indices.strayed(), 0);
    (values, indices.to_vec())
}

#[test]
fn sums_and_products() {
    assert_eq!(scanned(Cumsum, &Array::of(&[127i8, 1]), 0).to_vec::<i64>(), [127, 128]);
    assert_eq!(scanned(Cumsum, &Array::of(&[i64::MAX, 1]), 0).to_vec::<i64>(), [i64::MAX, i64::MIN]);
    assert_eq!(scanned(Cumprod, &Array::of(&[3u8, 100, 2]), 0).to_vec::<i64>(), [3, 300, 600]);
    assert_eq!(
        scanned(Cumsum, &Array::cast(&[3], &[1.0, 0.0, 1.0], DType::Bool), 0).floats(),
        [1.0, 1.0, 2.0]
    );
    assert_same(&scanned(Cumsum, &Array::of(&[1.0, NAN, 3.0]), 0).floats(), &[1.0, NAN, NAN]);
    // Accumulated wide: 2048 + 1 + 1 is 2050, though 2048 + 1 is not an f16.
    let x = Array::of(&[f16::from_f32(2048.0), f16::ONE, f16::ONE]);
    assert_eq!(scanned(Cumsum, &x, 0).floats(), [2048.0, 2048.0, 2050.0]);
}

/// What PyTorch 2.15 gives.
#[test]
fn extremes_have_the_latest_index_and_keep_nan() {
    let (values, indices) = extremes(Cummax, &Array::of(&[1.0, NAN, 5.0, NAN, 2.0]), 0);
    assert_same(&values.floats(), &[1.0, NAN, NAN, NAN, NAN]);
    assert_eq!(indices, [0, 1, 1, 3, 3]);
    let (values, indices) = extremes(Cummin, &Array::of(&[1.0, 1.0, 2.0, 1.0]), 0);
    assert_eq!((values.floats(), indices), (vec![1.0; 4], vec![0, 1, 1, 3]));
    let (values, indices) = extremes(Cummax, &Array::of(&[NAN, 1.0]), 0);
    assert_same(&values.floats(), &[NAN, NAN]);
    assert_eq!(indices, [0, 0]);
    let (values, indices) = extremes(Cummax, &Array::cast(&[3], &[1.0, 0.0, 1.0], DType::Bool), 0);
    assert_eq!((values.floats(), indices), (vec![1.0; 3], vec![0, 0, 2]));
}

#[test]
fn any_axis_and_layout() {
    let x = Array::new(&[2, 3], &[1f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
    for x in x.everyhow() {
        assert_eq!(scanned(Cumsum, &x, 0).floats(), [1.0, 2.0, 3.0, 5.0, 7.0, 9.0]);
        assert_eq!(scanned(Cumsum, &x, 1).floats(), [1.0, 3.0, 6.0, 4.0, 9.0, 15.0]);
        assert_eq!(extremes(Cummin, &x, 1).1, [0, 0, 0, 0, 0, 0]);
        assert_eq!(extremes(Cummax, &x, 0).1, [0, 0, 0, 1, 1, 1]);
    }
    assert_eq!(scanned(Cumsum, &Array::garbage(&[2, 0], DType::F32), 1).floats(), []);
    assert_eq!(extremes(Cummax, &Array::garbage(&[0, 2], DType::F32), 0).1, []);
}

#[test]
fn errors() {
    let (x, mut out, mut indices) = (Array::of(&[1f32]), Array::of(&[0f32]), Array::of(&[0i64]));
    assert_eq!(kind(Naive.scan(Cummax, x.view(), 0, out.out(), None)), ErrorKind::Internal);
    assert_eq!(kind(Naive.scan(Cumsum, x.view(), 0, out.out(), Some(indices.out()))), ErrorKind::Internal);
    assert_eq!(kind(Naive.scan(Cumsum, x.view(), 1, out.out(), None)), ErrorKind::Dim);
    assert_eq!(kind(Naive.scan(Cumsum, x.view(), 0, indices.out(), None)), ErrorKind::DType);
    let mut long = Array::of(&[0f32, 0.0]);
    assert_eq!(kind(Naive.scan(Cumsum, x.view(), 0, long.out(), None)), ErrorKind::Shape);
}

/// What PyTorch 2.15 gives.
#[test]
fn running_log_sums_are_stable() {
    use crate::testing::{INF, assert_close};
    let x = Array::of(&[-INF, -INF, 1000.0, 999.0, -1000.0, 1001.0]);
    let expected = [-INF, -INF, 1000.0, 1000.3132616875182, 1000.3132616875182, 1001.4076059644444];
    assert_close(&scanned(Logcumsumexp, &x, 0).floats(), &expected, 1e-15);
    let ends = scanned(Logcumsumexp, &Array::of(&[1.0, INF, 2.0, -INF, INF]), 0).floats();
    assert_same(&ends, &[1.0, INF, INF, INF, INF]);
    let nans = scanned(Logcumsumexp, &Array::of(&[-INF, INF, NAN, INF]), 0).floats();
    assert_same(&nans, &[-INF, INF, NAN, NAN]);
    let (ints, mut out) = (Array::of(&[1i32]), Array::of(&[0f32]));
    assert_eq!(kind(Naive.scan(Logcumsumexp, ints.view(), 0, out.out(), None)), ErrorKind::DType);
}

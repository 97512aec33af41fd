use proptest::prelude::*;
use rusttorch_backend::ops::ReduceOp::{self, *};
use rusttorch_backend::ops::{ArgReduceOp, ScanOp};
use rusttorch_backend::{Backend, DType, Element, ErrorKind, bf16, f16};

use crate::Naive;
use crate::testing::{Array, INF, NAN, assert_close, assert_same, kind, result};

/// The dtype that the contract gives a result.
fn result_dtype(op: ReduceOp, dtype: DType) -> DType {
    match op {
        Sum | Prod if !dtype.is_float() => DType::I64,
        All | Any => DType::Bool,
        _ => dtype,
    }
}

fn reduced(op: ReduceOp, x: &Array, axes: &[usize]) -> Array {
    let kept = |(axis, &n)| if axes.contains(&axis) { 1 } else { n };
    let shape: Vec<usize> = x.shape().iter().enumerate().map(kept).collect();
    result(&shape, result_dtype(op, x.view().dtype()), |out| Naive.reduce(op, x.view(), axes, out)).unwrap()
}

fn over_all<T: Element>(op: ReduceOp, x: &[T]) -> f64 {
    reduced(op, &Array::of(x), &[0]).floats()[0]
}

fn arg(op: ArgReduceOp, x: &Array, axis: usize) -> Vec<i64> {
    let mut shape = x.shape().to_vec();
    shape[axis] = 1;
    result(&shape, DType::I64, |out| Naive.arg_reduce(op, x.view(), axis, out)).unwrap().to_vec()
}

#[test]
fn nan_wins() {
    let x = [1.0, NAN, 3.0, NAN];
    assert_same(&[over_all(Amax, &x), over_all(Amin, &x)], &[NAN, NAN]);
    assert_same(&[over_all(Amax, &[NAN, 1.0]), over_all(Amin, &[1.0, NAN])], &[NAN, NAN]);
    for op in [ArgReduceOp::Argmax, ArgReduceOp::Argmin] {
        assert_eq!(arg(op, &Array::of(&x), 0), [1]);
        assert_eq!(arg(op, &Array::of(&[NAN, 1.0]), 0), [0]);
    }
}

#[test]
fn empty_sequences() {
    let none: [f64; 0] = [];
    assert_same(
        &[Sum, Prod, Mean, All, Any, Logsumexp, Var { correction: 1.0 }, Var { correction: 0.0 }]
            .map(|op| over_all(op, &none)),
        &[0.0, 1.0, NAN, 1.0, 0.0, -INF, NAN, NAN],
    );
    let x = Array::garbage(&[0, 3], DType::F32);
    assert_eq!(reduced(Sum, &x, &[0]).floats(), [0.0; 3]);
    assert_eq!(reduced(Sum, &x, &[1]).floats(), []);
    assert_eq!(reduced(Amax, &x, &[1]).floats(), []);
    assert_eq!(arg(ArgReduceOp::Argmax, &x, 1), []);
    assert_eq!(reduced(Prod, &Array::garbage(&[2, 0], DType::I32), &[1]).to_vec::<i64>(), [1, 1]);
    // A zero next to sizes whose product overflows.
    let x = Array::garbage(&[0, 1 << 40, 1 << 40], DType::F32);
    assert_eq!(reduced(Sum, &x, &[0, 1, 2]).floats(), [0.0]);
    assert_eq!(reduced(All, &x, &[1, 2]).floats(), []);
}

#[test]
fn an_extreme_of_nothing_is_an_error() {
    let x = Array::garbage(&[0, 3], DType::F32);
    let mut out = Array::garbage(&[1, 3], DType::F32);
    assert_eq!(kind(Naive.reduce(Amax, x.view(), &[0], out.out())), ErrorKind::Shape);
    assert_eq!(kind(Naive.reduce(Amin, x.view(), &[0], out.out())), ErrorKind::Shape);
    let mut out = Array::garbage(&[1, 3], DType::I64);
    assert_eq!(kind(Naive.arg_reduce(ArgReduceOp::Argmax, x.view(), 0, out.out())), ErrorKind::Shape);
}

#[test]
fn variances() {
    let var = |x: &[f64], correction| over_all(Var { correction }, x);
    assert_same(
        &[
            var(&[5.0], 1.0),
            var(&[5.0], 0.0),
            var(&[1.0, 2.0, 3.0], 3.0),
            var(&[1.0, 2.0], 5.0),
            var(&[1.0, 1.0], 5.0),
        ],
        &[NAN, 0.0, INF, INF, NAN],
    );
    assert_same(&[var(&[1.0, INF], 1.0), var(&[0.1; 1000], 1.0)], &[NAN, 0.0]);
    assert_eq!(over_all(Var { correction: 1.0 }, &[1e4f32; 1000]), 0.0);
    assert_eq!(var(&[1e8, 1e8 + 1.0, 1e8 + 2.0], 1.0), 1.0);
    assert_eq!(over_all(Var { correction: 1.0 }, &[1e4f32, 1e4 + 1.0, 1e4 + 2.0]), 1.0);
    assert_eq!(var(&[1.0, 2.0, 3.0, 4.0], 0.0), 1.25);
}

#[test]
fn ties_go_to_the_first() {
    for n in [16, 2001, 100_003] {
        assert_eq!(arg(ArgReduceOp::Argmax, &Array::of(&vec![1f32; n]), 0), [0]);
    }
    let x = Array::new(&[40, 900, 1], &vec![2f32; 36_000]);
    assert_eq!(arg(ArgReduceOp::Argmin, &x, 2), vec![0; 36_000]);
    assert_eq!(arg(ArgReduceOp::Argmin, &x, 1), vec![0; 40]);
    assert_eq!(arg(ArgReduceOp::Argmax, &Array::of(&[-0.0, 0.0]), 0), [0]);
    assert_eq!(arg(ArgReduceOp::Argmin, &Array::of(&[3i64, i64::MIN, i64::MIN]), 0), [1]);
    assert_eq!(over_all(Amax, &[-0.0, 0.0]).to_bits(), 0);
}

#[test]
fn integers_accumulate_in_i64() {
    assert_eq!(over_all(Sum, &[127i8, 127]), 254.0);
    assert_eq!(over_all(Prod, &[200u8, 200]), 40000.0);
    assert_eq!(reduced(Sum, &Array::of(&[i64::MAX, 1]), &[0]).to_vec::<i64>(), [i64::MIN]);
    assert_eq!(reduced(Prod, &Array::of(&[i64::MAX, 2]), &[0]).to_vec::<i64>(), [-2]);
    assert_eq!(over_all(Amin, &[-3i16, 4]), -3.0);
    let bools = Array::cast(&[3], &[1.0, 0.0, 1.0], DType::Bool);
    assert_eq!(reduced(Sum, &bools, &[0]).to_vec::<i64>(), [2]);
    assert_eq!(reduced(Prod, &bools, &[0]).to_vec::<i64>(), [0]);
    assert_eq!(reduced(Amax, &bools, &[0]).floats(), [1.0]);
    assert_eq!(reduced(Amin, &bools, &[0]).floats(), [0.0]);
}

#[test]
fn truth_of_nan_is_true() {
    assert_eq!([over_all(All, &[NAN, 1.0]), over_all(Any, &[NAN, 0.0])], [1.0, 1.0]);
    assert_eq!([over_all(All, &[-0.0, 1.0]), over_all(Any, &[-0.0, 0.0])], [0.0, 0.0]);
    assert_eq!([over_all(All, &[256i64, 1]), over_all(Any, &[256i64])], [1.0, 1.0]);
}

#[test]
fn logsumexp_is_stable() {
    assert_same(
        &[
            over_all(Logsumexp, &[-INF, -INF]),
            over_all(Logsumexp, &[INF, -INF]),
            over_all(Logsumexp, &[NAN, INF]),
        ],
        &[-INF, INF, NAN],
    );
    assert_close(&[over_all(Logsumexp, &[1000.0, 1000.0])], &[1_000.693_147_180_559_9], 1e-15);
    assert_close(&[over_all(Logsumexp, &[-1000.0, -1000.0])], &[-999.306_852_819_440_1], 1e-15);
}

#[test]
fn sums_keep_their_digits() {
    assert!((over_all(Sum, &vec![0.1f32; 1_000_000]) - 1e5).abs() < 0.01);
    assert_eq!(over_all(Sum, &[1e16, 1.0, -1e16]), 1.0);
    assert_eq!(over_all(Sum, &[1.0, 1e100, 1.0, -1e100]), 2.0);
    assert_same(
        &[over_all(Sum, &[INF, 1.0]), over_all(Sum, &[1.0, -INF, 3.0]), over_all(Sum, &[INF, -INF])],
        &[INF, -INF, NAN],
    );
    assert_same(&[over_all(Sum, &[1e308, 1e308]), over_all(Mean, &[INF, 1.0])], &[INF, INF]);
    assert_eq!(over_all(Sum, &[f16::ONE; 4096]), 4096.0);
    assert_eq!(over_all(Mean, &vec![f16::ONE; 70_000]), 1.0);
    assert_eq!(over_all(Sum, &vec![f16::ONE; 70_000]), INF);
    assert_eq!(over_all(Sum, &[bf16::ONE; 4096]), 4096.0);
}

#[test]
fn any_set_of_axes() {
    let x = Array::new(&[2, 3, 4], &(0..24).collect::<Vec<i32>>());
    assert_eq!(reduced(Sum, &x, &[0, 2]).to_vec::<i64>(), [60, 92, 124]);
    assert_eq!(reduced(Sum, &x, &[1]).to_vec::<i64>(), [12, 15, 18, 21, 48, 51, 54, 57]);
    assert_eq!(reduced(Sum, &x, &[0, 1, 2]).to_vec::<i64>(), [276]);
    assert_eq!(reduced(Sum, &x, &[]).floats(), x.floats());
    assert_eq!(arg(ArgReduceOp::Argmax, &x, 1), [2; 8]);
    assert_eq!(reduced(Mean, &Array::new(&[], &[3.0]), &[]).floats(), [3.0]);
    let stretched = Array::new(&[1, 2], &[1.0, 2.0]).map(|l| l.broadcast_to(&[5, 2]));
    assert_eq!(reduced(Sum, &stretched, &[0]).floats(), [5.0, 10.0]);
}

/// R2, as bits, for every op, layout and set of axes.
#[test]
fn a_result_depends_on_its_sequence_alone() {
    let values: Vec<f32> = (0..60).map(|i| ((i * 7919) % 113) as f32 * 1e-3 - 0.05).collect();
    let x = Array::new(&[3, 4, 5], &values);
    for &op in ReduceOp::ALL {
        for axes in [&[0][..], &[1], &[2], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2], &[]] {
            let expected = reduced(op, &x, axes).bits();
            for y in x.everyhow() {
                assert_eq!(reduced(op, &y, axes).bits(), expected, "{} over {axes:?}", op.name());
            }
        }
        let rows = reduced(op, &x, &[1, 2]).bits();
        for (i, row) in rows.into_iter().enumerate() {
            let part = Array::new(&[3, 4, 5], &values).map(|l| l.select(0, i as isize)).dense();
            assert_eq!(reduced(op, &part, &[0, 1]).bits(), [row]);
        }
    }
}

#[test]
fn errors() {
    let x = Array::new(&[2, 3], &[0i32; 6]);
    let mut out = Array::garbage(&[2, 1], DType::I32);
    for op in [Mean, Logsumexp, Var { correction: 1.0 }] {
        assert_eq!(kind(Naive.reduce(op, x.view(), &[1], out.out())), ErrorKind::DType);
    }
    assert_eq!(kind(Naive.reduce(Sum, x.view(), &[1], out.out())), ErrorKind::DType);
    assert_eq!(kind(Naive.reduce(Amax, x.view(), &[0], out.out())), ErrorKind::Shape);
    assert_eq!(kind(Naive.reduce(Amax, x.view(), &[2], out.out())), ErrorKind::Dim);
    assert_eq!(kind(Naive.reduce(Amax, x.view(), &[1, 0], out.out())), ErrorKind::Dim);
    let bools = Array::cast(&[2, 3], &[0.0; 6], DType::Bool);
    let mut out = Array::garbage(&[2, 1], DType::I64);
    assert_eq!(kind(Naive.arg_reduce(ArgReduceOp::Argmax, bools.view(), 1, out.out())), ErrorKind::DType);
    assert_eq!(kind(Naive.arg_reduce(ArgReduceOp::Argmax, x.view(), 2, out.out())), ErrorKind::Dim);
}

proptest! {
    /// Against exact integer arithmetic on values spread over forty binary orders of magnitude.
    #[test]
    fn a_sum_of_f64_is_within_an_ulp(terms in prop::collection::vec((-1_000_000i64..1_000_000, 0u32..40), 1..200)) {
        let exact: i128 = terms.iter().map(|&(m, e)| i128::from(m) << e).sum();
        let x: Vec<f64> = terms.iter().map(|&(m, e)| m as f64 * f64::from(e).exp2()).collect();
        let error = (over_all(Sum, &x) - exact as f64).abs();
        prop_assert!(error <= (exact as f64).abs() * f64::EPSILON);
    }

    /// The last element of a running sum is the sum, as bits.
    #[test]
    fn scans_end_in_the_reduction(x in prop::collection::vec(any::<f64>(), 1..50)) {
        for (scan, reduce) in [(ScanOp::Cumsum, Sum), (ScanOp::Cumprod, Prod)] {
            let array = Array::of(&x);
            let y = result(&[x.len()], DType::F64, |out| Naive.scan(scan, array.view(), 0, out, None)).unwrap();
            let (last, whole) = (y.floats()[x.len() - 1], over_all(reduce, &x));
            prop_assert!(last.to_bits() == whole.to_bits() || (last.is_nan() && whole.is_nan()));
        }
    }
}

/// What PyTorch 2.15 gives.
#[test]
fn norms() {
    let x = [1.0, -3.0, 0.0, 3.0];
    let of = [(0.0, 3.0), (1.0, 7.0), (INF, 3.0), (-INF, 0.0), (-1.0, 0.0), (3.0, 55f64.powf(1.0 / 3.0))];
    for (p, expected) in of {
        assert_close(&[over_all(Norm { p }, &x)], &[expected], 1e-15);
    }
    assert_eq!(over_all(Norm { p: 2.0 }, &x), 19f64.sqrt());
    assert_same(&[1.0, 2.0, INF, -INF, 0.5].map(|p| over_all(Norm { p }, &[1.0, NAN])), &[NAN; 5]);
    assert_eq!(over_all(Norm { p: 0.0 }, &[1.0, NAN]), 2.0);
    let none: [f64; 0] = [];
    assert_eq!([0.0, 0.5, 2.0].map(|p| over_all(Norm { p }, &none)), [0.0; 3]);
    for p in [-1.0, INF, -INF] {
        let mut out = Array::of(&[0.0]);
        let found = Naive.reduce(Norm { p }, Array::of(&none).view(), &[0], out.out());
        assert_eq!(kind(found), ErrorKind::Shape);
    }
    // The squares of halves are beyond their range, the norm is not.
    assert_eq!(over_all(Norm { p: 2.0 }, &[300.0, 400.0].map(f16::from_f32)), 500.0);
}

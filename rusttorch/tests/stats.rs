//! Reductions and scans against their definitions; the cases are what PyTorch 2.15 gives.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rusttorch::{DType, Dims, ErrorKind, Interpolation, Result, Tensor};

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;

fn vector(values: &[f64]) -> Tensor {
    Tensor::from_slice(values, &[values.len()]).unwrap()
}

#[track_caller]
fn kind<T>(found: Result<T>) -> ErrorKind {
    found.err().expect("an error").kind()
}

#[track_caller]
fn close(x: &Tensor, expected: &[f64]) {
    let found = x.to_f64_vec().unwrap();
    let near = |(a, b): (&f64, &f64)| {
        a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-12 * b.abs().max(1.0)
    };
    assert!(
        found.len() == expected.len() && found.iter().zip(expected).all(near),
        "got {found:?}, expected {expected:?}"
    );
}

fn values() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-40i32..40).prop_map(|v| f64::from(v) / 8.0), 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn diff_undoes_cumsum(x in values()) {
        let x = vector(&x);
        let zero = vector(&[0.0]);
        let sums = x.cumsum(0, None).unwrap();
        close(&sums.diff(1, 0, Some(&zero), None).unwrap(), &x.to_f64_vec().unwrap());
    }

    #[test]
    fn the_last_of_a_scan_is_the_reduction(x in values()) {
        let x = vector(&x);
        let last = |t: Tensor| t.select(0, -1).unwrap();
        let of = |t: Tensor| t.to_f64_vec().unwrap();
        close(&last(x.cumsum(0, None).unwrap()), &of(x.sum().unwrap()));
        close(&last(x.cumprod(0, None).unwrap()), &of(x.prod().unwrap()));
        close(&last(x.logcumsumexp(0).unwrap()), &of(x.logsumexp(0, false).unwrap()));
        close(&last(x.cummax(0).unwrap().0), &of(x.max().unwrap()));
        close(&last(x.cummin(0).unwrap().0), &of(x.min().unwrap()));
    }

    #[test]
    fn quantiles_are_places_in_the_order(x in values(), q in 0.0f64..=1.0) {
        let x = vector(&x);
        let sorted = x.sort(0, false).unwrap().0.to_f64_vec().unwrap();
        let rank = q * (sorted.len() - 1) as f64;
        let (low, high) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
        for (interpolation, expected) in [
            (Interpolation::Lower, low),
            (Interpolation::Higher, high),
            (Interpolation::Midpoint, (low + high) / 2.0),
            (Interpolation::Nearest, sorted[rank.round_ties_even() as usize]),
            (Interpolation::Linear, low + (rank - rank.floor()) * (high - low)),
        ] {
            close(&x.quantile(q, None, false, interpolation).unwrap(), &[expected]);
            let with_nan = Tensor::cat(&[&x, &vector(&[NAN, NAN])], 0).unwrap();
            close(&with_nan.nanquantile(q, Some(0), false, interpolation).unwrap(), &[expected]);
            close(&with_nan.quantile(q, Some(0), false, interpolation).unwrap(), &[NAN]);
        }
        close(&x.median().unwrap(), &[sorted[(sorted.len() - 1) / 2]]);
    }

    #[test]
    fn the_mode_is_most_frequent(x in prop::collection::vec(0i64..5, 1..20)) {
        let t = Tensor::from_slice(&x, &[x.len()]).unwrap();
        let (mode, place) = t.mode(0, false).unwrap();
        let (mode, place) = (mode.item().unwrap().to_i64(), place.item().unwrap().to_i64() as usize);
        let count = |v: i64| x.iter().filter(|&&e| e == v).count();
        prop_assert!((0..5).all(|v| count(v) < count(mode) || (count(v) == count(mode) && v >= mode)));
        prop_assert_eq!(x.iter().rposition(|&e| e == mode), Some(place));
    }

    #[test]
    fn norms_by_their_definition(x in values()) {
        let t = vector(&x);
        for p in [0.5, 1.0, 2.0, 3.0] {
            let expected = x.iter().map(|v| v.abs().powf(p)).sum::<f64>().powf(1.0 / p);
            close(&t.norm(p, Dims::all(), false).unwrap(), &[expected]);
        }
        let size = |f: fn(f64, f64) -> f64, start: f64| x.iter().map(|v| v.abs()).fold(start, f);
        close(&t.norm(INF, 0, false).unwrap(), &[size(f64::max, 0.0)]);
        close(&t.norm(-INF, 0, false).unwrap(), &[size(f64::min, INF)]);
        close(&t.norm(0.0, 0, false).unwrap(), &[x.iter().filter(|v| **v != 0.0).count() as f64]);
    }
}

#[test]
fn dims_none_and_none_of_them() {
    let x = Tensor::from_vec(vec![1.0, 2.0, 3.0, 4.0, 5.0, 7.0], &[2, 3]).unwrap();
    let none = || Dims::from(&[][..]);
    // To a sum no dims are all of them, to all() and any() none.
    close(&x.sum_dim(none(), false).unwrap(), &[22.0]);
    assert_eq!(x.amax(none(), true).unwrap().shape(), [1, 1]);
    assert_eq!(x.all(none(), false).unwrap().shape(), [2, 3]);
    assert_eq!(x.any(Dims::all(), false).unwrap().rank(), 0);
    assert_eq!(x.all([0, 1], true).unwrap().shape(), [1, 1]);
    assert_eq!(kind(x.sum_dim([0, 0], false)), ErrorKind::Shape);
    assert_eq!(kind(x.sum_dim(2, false)), ErrorKind::Dim);
    let number = Tensor::scalar(2.5).unwrap();
    assert_eq!(kind(number.sum_dim([0, -1], false)), ErrorKind::Shape);
    close(&number.sum_dim(-1, true).unwrap(), &[2.5]);
    close(&x.logsumexp([0, 1], false).unwrap(), &[7.1928119148004015]);
}

#[test]
fn a_dtype_is_cast_to_first() {
    let x = Tensor::from_vec(vec![100i8, 100, 100], &[3]).unwrap();
    assert_eq!(x.sum().unwrap().item().unwrap().to_i64(), 300);
    let narrow = x.sum_with(Dims::all(), false, Some(DType::I8)).unwrap();
    assert_eq!((narrow.dtype(), narrow.item().unwrap().to_i64()), (DType::I8, 44));
    assert!(x.sum_with(0, false, Some(DType::Bool)).unwrap().item().unwrap().to_bool());
    close(&x.mean_with(Dims::all(), false, Some(DType::F32)).unwrap(), &[100.0]);
    assert_eq!(kind(x.mean()), ErrorKind::NotImplemented);
    assert_eq!(kind(x.mean_with(Dims::all(), false, Some(DType::I32))), ErrorKind::NotImplemented);
    assert_eq!(x.prod_with(None, false, Some(DType::U8)).unwrap().item().unwrap().to_i64(), 64);
    assert_eq!(x.cumsum(0, Some(DType::I8)).unwrap().to_vec::<i8>().unwrap(), [100, -56, 44]);
    assert_eq!(x.cumsum(0, None).unwrap().to_vec::<i64>().unwrap(), [100, 200, 300]);
    assert_eq!(kind(x.cumprod(0, Some(DType::Bool))), ErrorKind::NotImplemented);
    close(&vector(&[1.7, 2.6, -3.9]).cumsum(0, Some(DType::I64)).unwrap(), &[1.0, 3.0, 0.0]);
    // Halves are summed wide: their own sum is beyond the range, the mean is not.
    let ones = Tensor::ones(&[70000], DType::F16).unwrap();
    close(&ones.sum().unwrap(), &[INF]);
    close(&ones.nanmean(Dims::all(), false, None).unwrap(), &[1.0]);
    let halves = Tensor::full(&[2], 300.0, DType::F16).unwrap();
    close(&halves.norm(2.0, 0, false).unwrap(), &[424.25]);
}

#[test]
fn in_place_scans_keep_the_dtype() {
    let x = Tensor::from_vec(vec![100i8, 100, 100], &[3]).unwrap();
    x.cumsum_(0).unwrap();
    assert_eq!(x.to_vec::<i8>().unwrap(), [100, -56, 44]);
    let bools = Tensor::ones(&[2], DType::Bool).unwrap();
    assert_eq!(kind(bools.cumprod_(0)), ErrorKind::NotImplemented);
    let x = vector(&[2.0, 3.0, 4.0]);
    x.requires_grad_(true).unwrap();
    let y = x.mul(1.0).unwrap();
    y.cumprod_(0).unwrap().sum().unwrap().backward().unwrap();
    close(&y.detach(), &[2.0, 6.0, 24.0]);
    close(&x.grad().unwrap(), &[16.0, 10.0, 6.0]);
}

#[test]
fn passing_over_nan() {
    let x = Tensor::from_vec(vec![1.0, NAN, 3.0, INF, -2.0, 0.0], &[2, 3]).unwrap();
    close(&x.nansum(1, false, None).unwrap(), &[4.0, INF]);
    close(&x.nanmean(1, true, None).unwrap(), &[2.0, INF]);
    close(&vector(&[NAN]).nanmean(0, false, None).unwrap(), &[NAN]);
    close(&x.count_nonzero(0).unwrap(), &[2.0, 2.0, 1.0]);
    assert_eq!(x.nansum(Dims::all(), false, Some(DType::I64)).unwrap().dtype(), DType::I64);
    let whole = Tensor::ones(&[2], DType::I32).unwrap();
    assert_eq!(whole.nansum(0, false, None).unwrap().item().unwrap().to_i64(), 2);
    assert_eq!(kind(whole.nanmean(0, false, Some(DType::F32))), ErrorKind::NotImplemented);
    assert_eq!(kind(x.nanmean(0, false, Some(DType::I64))), ErrorKind::DType);
    close(&x.median_dim(1, false).unwrap().0, &[NAN, 0.0]);
    close(&x.nanmedian_dim(1, false).unwrap().0, &[1.0, 0.0]);
    close(&x.nanmedian().unwrap(), &[1.0]);
    close(&vector(&[]).median().unwrap(), &[NAN]);
    assert_eq!(Tensor::zeros(&[0], DType::I16).unwrap().median().unwrap().item().unwrap().to_i64(), -32768);
    assert_eq!(kind(Tensor::zeros(&[0, 3], DType::F32).unwrap().median_dim(0, false)), ErrorKind::Index);
    assert_eq!(kind(Tensor::zeros(&[2], DType::Bool).unwrap().median()), ErrorKind::NotImplemented);
    let (mode, place) = vector(&[NAN, NAN, NAN, 1.0, 1.0]).mode(0, false).unwrap();
    assert_eq!((mode.item_f64().unwrap(), place.item_f64().unwrap()), (1.0, 4.0));
    assert_eq!(vector(&[NAN, NAN]).mode(0, false).unwrap().1.item_f64().unwrap(), 0.0);
}

#[test]
fn norms() {
    let (none, x) = (Tensor::zeros(&[0, 3], DType::F32).unwrap(), vector(&[3.0, -4.0]));
    close(&none.norm(2.0, 0, false).unwrap(), &[0.0; 3]);
    for p in [INF, -INF, -1.0] {
        assert_eq!(kind(none.norm(p, 0, false)), ErrorKind::Shape);
        assert_eq!(kind(none.norm(p, Dims::all(), false)), ErrorKind::Shape);
        assert_eq!(none.norm(p, 1, false).unwrap().shape(), [0]);
    }
    assert_eq!(kind(Tensor::ones(&[2], DType::I32).unwrap().norm(2.0, 0, false)), ErrorKind::NotImplemented);
    assert_eq!(kind(x.vector_norm(2.0, 0, false, Some(DType::F32))), ErrorKind::DType);
    assert_eq!(kind(x.vector_norm(2.0, 0, false, Some(DType::I64))), ErrorKind::DType);
    let half = x.to_dtype(DType::F16).unwrap();
    assert_eq!(kind(half.vector_norm(2.0, 0, false, Some(DType::BF16))), ErrorKind::DType);
    assert_eq!(half.vector_norm(2.0, 0, false, Some(DType::F64)).unwrap().item_f64().unwrap(), 5.0);
}

/// The gradient of the sum.
fn slope(x: &[f64], f: impl Fn(&Tensor) -> Result<Tensor>) -> Vec<f64> {
    let x = vector(x);
    x.requires_grad_(true).unwrap();
    f(&x).unwrap().sum().unwrap().backward().unwrap();
    x.grad().map_or_else(Vec::new, |g| g.to_f64_vec().unwrap())
}

#[test]
fn gradients_at_zeros_infinities_and_ties() {
    let norm = |p: f64| move |x: &Tensor| x.norm(p, 0, false);
    for p in [0.5, 1.0, 1.5, 2.0, 3.0, INF] {
        assert_eq!(slope(&[0.0, 0.0], norm(p)), [0.0, 0.0], "order {p}");
    }
    assert_eq!(slope(&[2.0, -2.0, 0.0], norm(INF)), [0.5, -0.5, 0.0]);
    assert_eq!(slope(&[1.0, NAN, 3.0], norm(1.0)), [1.0, 0.0, 1.0]);
    assert!(slope(&[1.0, 2.0], norm(0.0)).is_empty());
    assert_eq!(slope(&[3.0, 3.0], |x| x.std(0, 1.0, false)), [0.0, 0.0]);
    assert_eq!(slope(&[2.0, 3.0, 0.0], |x| x.prod()), [0.0, 0.0, 6.0]);
    assert_eq!(slope(&[2.0, 0.0, 3.0], |x| x.cumprod(0, None)), [1.0, 8.0, 0.0]);
    let logs = slope(&[-INF, -INF, 1.0], |x| x.logcumsumexp(0));
    assert!(logs[0].is_nan() && logs[1].is_nan() && logs[2] == 1.0, "{logs:?}");
    let logs = slope(&[INF, 1.0, 2.0], |x| x.logcumsumexp(0));
    assert!(logs[0].is_nan() && logs[1..] == [0.0, 0.0], "{logs:?}");
    assert_eq!(slope(&[1.0, NAN, NAN], |x| x.median()), [0.0, 0.5, 0.5]);
    assert_eq!(slope(&[1.0, NAN, NAN], |x| x.max()), [0.0, 0.5, 0.5]);
    assert!(slope(&[1.0, NAN, NAN], |x| x.amax(0, false)).iter().all(|v| v.is_nan()));
    assert_eq!(slope(&[1.0, NAN, 3.0], |x| x.nanmean(0, false, None)), [0.5, 0.0, 0.5]);
}

#[test]
fn areas() {
    let y = Tensor::from_vec(vec![1.0, 3.0, 3.0, 2.0, 2.0, 0.0], &[2, 3]).unwrap();
    close(&y.trapezoid(0.5, 0).unwrap(), &[0.75, 1.25, 0.75]);
    close(&y.trapezoid(&vector(&[1.0, 3.0, 7.0]), 1).unwrap(), &[16.0, 8.0]);
    close(&y.trapezoid(&y, -1).unwrap(), &[4.0, -2.0]);
    close(&y.trapezoid(&y.narrow(0, 0, 1).unwrap(), 1).unwrap(), &[4.0, 4.0]);
    close(&y.cumulative_trapezoid(2.0, 1).unwrap(), &[4.0, 10.0, 4.0, 6.0]);
    close(&y.cumulative_trapezoid(&vector(&[1.0, 3.0, 7.0]), 1).unwrap(), &[4.0, 16.0, 4.0, 8.0]);
    let whole = Tensor::from_vec(vec![3i64, 1, 2], &[3]).unwrap();
    close(&whole.trapezoid(1.0, 0).unwrap(), &[3.5]);
    close(&Tensor::zeros(&[2, 0], DType::F32).unwrap().trapezoid(1.0, 1).unwrap(), &[0.0, 0.0]);
    assert_eq!(kind(y.trapezoid(&vector(&[1.0, 3.0]), 1)), ErrorKind::Shape);
    assert_eq!(kind(Tensor::scalar(1.0).unwrap().trapezoid(1.0, -1)), ErrorKind::Dim);
    assert_eq!(kind(Tensor::ones(&[2], DType::Bool).unwrap().trapezoid(1.0, 0)), ErrorKind::NotImplemented);
}

#[test]
fn differences() {
    let y = Tensor::from_vec(vec![1.0, 3.0, 3.0, 2.0, 2.0, 0.0], &[2, 3]).unwrap();
    close(&y.diff(1, 0, None, None).unwrap(), &[1.0, -1.0, -3.0]);
    close(&y.diff(2, 1, None, None).unwrap(), &[-2.0, -2.0]);
    assert_eq!(y.diff(5, 1, None, None).unwrap().shape(), [2, 0]);
    close(&y.diff(0, 1, None, None).unwrap(), &[1.0, 3.0, 3.0, 2.0, 2.0, 0.0]);
    let bytes = Tensor::from_vec(vec![1u8, 255, 3], &[3]).unwrap();
    assert_eq!(bytes.diff(1, 0, None, None).unwrap().to_vec::<u8>().unwrap(), [254, 4]);
    let bools = Tensor::from_vec(vec![true, false, false], &[3]).unwrap();
    assert_eq!(bools.diff(2, 0, None, None).unwrap().to_vec::<bool>().unwrap(), [true]);
    let one = Tensor::zeros(&[2], DType::F64).unwrap();
    assert_eq!(kind(y.diff(1, 1, Some(&one), None)), ErrorKind::Shape);
    assert_eq!(kind(Tensor::scalar(1.0).unwrap().diff(1, 0, None, None)), ErrorKind::Shape);
    assert_eq!(Tensor::zeros(&[0], DType::F32).unwrap().diff(1, 0, None, None).unwrap().shape(), [0]);
}

#[test]
fn quantiles() {
    let x = Tensor::from_vec(vec![1.0, 3.0, 3.0, 2.0, 2.0, 0.0], &[2, 3]).unwrap();
    let linear = Interpolation::Linear;
    close(&x.quantile(0.3, Some(1), true, linear).unwrap(), &[2.2, 1.2]);
    let q = vector(&[0.3, 0.5]);
    let found = x.quantile(&q, Some(1), true, linear).unwrap();
    assert_eq!(found.shape(), [2, 2, 1]);
    close(&found, &[2.2, 1.2, 3.0, 2.0]);
    assert_eq!(x.quantile(&q, None, true, linear).unwrap().shape(), [2, 1, 1]);
    assert_eq!(x.quantile(&q, Some(0), false, linear).unwrap().shape(), [2, 3]);
    assert_eq!(x.quantile(&vector(&[]), None, false, linear).unwrap().shape(), [0]);
    let number = Tensor::scalar(2.5).unwrap();
    assert_eq!(number.quantile(&q, Some(0), true, linear).unwrap().shape(), [2]);
    assert_eq!(number.quantile(0.5, Some(0), true, linear).unwrap().rank(), 0);
    for bad in [-0.1, 1.5, NAN] {
        assert_eq!(kind(x.quantile(bad, None, false, linear)), ErrorKind::Value);
    }
    assert_eq!(kind(x.quantile(&q.to_dtype(DType::F32).unwrap(), None, false, linear)), ErrorKind::DType);
    assert_eq!(kind(x.quantile(&x, None, false, linear)), ErrorKind::Shape);
    assert_eq!(
        kind(Tensor::zeros(&[0], DType::F64).unwrap().quantile(0.5, None, false, linear)),
        ErrorKind::Shape
    );
    assert_eq!(kind(x.to_dtype(DType::F16).unwrap().quantile(0.5, None, false, linear)), ErrorKind::DType);
}

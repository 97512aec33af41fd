//! Order and search against their definitions; the cases are what PyTorch 2.15 gives.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rusttorch::{DType, ErrorKind, Operand, Result, Tensor};

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;

fn vector(values: &[f64]) -> Tensor {
    Tensor::from_slice(values, &[values.len()]).unwrap()
}

fn ints(x: &Tensor) -> Vec<i64> {
    x.to_vec::<i64>().unwrap()
}

#[track_caller]
fn kind<T>(found: Result<T>) -> ErrorKind {
    found.err().expect("an error").kind()
}

/// Equal numbers, NaN to NaN, with the sign of zeros.
#[track_caller]
fn same(x: &Tensor, expected: &[f64]) {
    let found = x.to_f64_vec().unwrap();
    let equal = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    assert!(
        found.len() == expected.len() && found.iter().zip(expected).all(equal),
        "got {found:?}, expected {expected:?}"
    );
}

// ---- algebra ---------------------------------------------------------------------------------------

/// NaN above all, NaN equal to NaN.
fn below(a: f64, b: f64) -> bool {
    a < b || (!a.is_nan() && b.is_nan())
}

/// Few distinct values, so that there are ties; now and then NaN.
fn values(least: usize) -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![8 => (-4i32..5).prop_map(f64::from), 1 => Just(NAN), 1 => Just(-0.0)];
    prop::collection::vec(value, least..24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sorting_is_a_stable_permutation_in_order(x in values(0), descending: bool) {
        let (sorted, places) = vector(&x).sort(0, descending).unwrap();
        let (sorted, places) = (sorted.to_f64_vec().unwrap(), ints(&places));
        let mut seen: Vec<i64> = places.clone();
        seen.sort_unstable();
        prop_assert!(seen.into_iter().eq(0..x.len() as i64));
        for (&value, &place) in sorted.iter().zip(&places) {
            prop_assert_eq!(value.to_bits(), x[place as usize].to_bits());
        }
        for i in 1..x.len() {
            let (a, b) = if descending { (sorted[i], sorted[i - 1]) } else { (sorted[i - 1], sorted[i]) };
            prop_assert!(!below(b, a));
            prop_assert!(below(a, b) || places[i - 1] < places[i]);
        }
        prop_assert_eq!(ints(&vector(&x).argsort(0, descending).unwrap()), places);
    }

    #[test]
    fn topk_and_kthvalue_are_parts_of_the_order(x in values(1), pick: prop::sample::Index, largest: bool) {
        let (k, x) = (pick.index(x.len()) + 1, vector(&x));
        let places = ints(&x.argsort(0, largest).unwrap());
        let (values, found) = x.topk(k, 0, largest, true).unwrap();
        prop_assert_eq!(&ints(&found)[..], &places[..k]);
        same(&values, &x.gather(0, &found).unwrap().to_f64_vec().unwrap());
        let mut some = ints(&x.topk(k, 0, largest, false).unwrap().1);
        some.sort_unstable();
        let mut wanted = places[..k].to_vec();
        wanted.sort_unstable();
        prop_assert_eq!(some, wanted);
        let ascending = ints(&x.argsort(0, false).unwrap());
        prop_assert_eq!(ints(&x.kthvalue(k, 0, true).unwrap().1)[0], ascending[k - 1]);
    }

    #[test]
    fn searching_is_counting(line in values(0), x in values(0), right: bool) {
        let line: Vec<f64> = line.into_iter().filter(|v| !v.is_nan()).collect();
        let (line, _) = vector(&line).sort(0, false).unwrap();
        let elements = line.to_f64_vec().unwrap();
        let count = |v: f64| elements.iter().filter(|&&e| if right { !below(v, e) } else { below(e, v) }).count();
        let expected: Vec<i64> = x.iter().map(|&v| count(v) as i64).collect();
        prop_assert_eq!(ints(&line.searchsorted(&vector(&x), right, None).unwrap()), expected.clone());
        prop_assert_eq!(ints(&vector(&x).bucketize(&line, right).unwrap()), expected);
    }

    #[test]
    fn the_inverse_of_unique_brings_the_elements_back(x in values(0)) {
        let x = vector(&x);
        let found = x.unique(true, true, None).unwrap();
        let (inverse, counts) = (found.inverse.unwrap(), found.counts.unwrap());
        let (back, given) = (found.values.gather(0, &inverse).unwrap(), x.to_f64_vec().unwrap());
        for (a, b) in back.to_f64_vec().unwrap().into_iter().zip(&given) {
            prop_assert!(a == *b || (a.is_nan() && b.is_nan()));
        }
        let groups = inverse.bincount(None, 0).unwrap();
        prop_assert_eq!(ints(&groups), ints(&counts));
        let values = found.values.to_f64_vec().unwrap();
        prop_assert!(values.windows(2).all(|w| below(w[0], w[1]) || w[1].is_nan()));
        // Runs of a sorted tensor are its groups.
        let (sorted, _) = x.sort(0, false).unwrap();
        let runs = sorted.unique_consecutive(true, true, None).unwrap();
        same(&runs.values, &values);
        prop_assert_eq!(ints(&runs.counts.unwrap()), ints(&counts));
    }

    #[test]
    fn distinct_rows_are_distinct_numbers(x in prop::collection::vec(0i64..3, 0..40), m in 1usize..5) {
        let n = x.len() / m;
        let x = Tensor::from_slice(&x[..n * m], &[n, m]).unwrap();
        let found = x.unique(true, true, Some(0)).unwrap();
        let mut rows: Vec<Vec<i64>> = ints(&x).chunks(m).map(<[i64]>::to_vec).collect();
        let given = rows.clone();
        rows.sort();
        rows.dedup();
        prop_assert_eq!(ints(&found.values), rows.concat());
        let (inverse, counts) = (ints(&found.inverse.unwrap()), ints(&found.counts.unwrap()));
        for (row, group) in given.iter().zip(&inverse) {
            prop_assert_eq!(row, &rows[*group as usize]);
        }
        for (group, count) in counts.iter().enumerate() {
            prop_assert_eq!(*count as usize, inverse.iter().filter(|&&i| i == group as i64).count());
        }
        // The same slices along the other dim.
        let columns = x.transpose(0, 1).unwrap().unique(true, false, Some(1)).unwrap();
        prop_assert_eq!(ints(&columns.values.transpose(0, 1).unwrap()), rows.concat());
        prop_assert_eq!(ints(&columns.inverse.unwrap()), inverse);
    }

    #[test]
    fn membership_is_any_equal(x in values(0), tests in values(0), invert: bool) {
        let expected: Vec<bool> = x.iter().map(|v| tests.contains(v) != invert).collect();
        let found = vector(&x).isin(&vector(&tests), invert).unwrap();
        prop_assert_eq!(found.to_vec::<bool>().unwrap(), expected);
    }

    #[test]
    fn histograms_count_everything_in_their_range(x in prop::collection::vec(-40i32..40, 1..30), bins in 1usize..9) {
        let x: Vec<f64> = x.into_iter().map(|v| f64::from(v) / 8.0).collect();
        let counts = vector(&x).histc(bins, -2.0, 3.0).unwrap().to_f64_vec().unwrap();
        let mut expected = vec![0.0; bins];
        for v in x.iter().filter(|v| (-2.0..=3.0).contains(*v)) {
            let bin = ((v + 2.0) * bins as f64 / 5.0) as usize;
            expected[bin.min(bins - 1)] += 1.0;
        }
        prop_assert_eq!(counts, expected);
    }
}

// ---- cases -----------------------------------------------------------------------------------------

#[test]
fn nan_is_largest_and_the_zeros_are_equal() {
    let x = vector(&[NAN, 1.0, -INF, INF, NAN, 0.0, -0.0]);
    let (up, places) = x.sort(0, false).unwrap();
    same(&up, &[-INF, 0.0, -0.0, 1.0, INF, NAN, NAN]);
    assert_eq!(ints(&places), [2, 5, 6, 1, 3, 0, 4]);
    let (down, places) = x.sort(-1, true).unwrap();
    same(&down, &[NAN, NAN, INF, 1.0, 0.0, -0.0, -INF]);
    assert_eq!(ints(&places), [0, 4, 3, 1, 5, 6, 2]);
    same(&x.topk(3, 0, true, true).unwrap().0, &[NAN, NAN, INF]);
    same(&x.kthvalue(6, 0, false).unwrap().0, &[NAN]);
    let found = vector(&[NAN, 1.0, NAN, 0.0, -0.0, 1.0]).unique(true, true, None).unwrap();
    same(&found.values, &[0.0, 1.0, NAN, NAN]);
    assert_eq!(ints(&found.inverse.unwrap()), [2, 1, 3, 0, 0, 1]);
    assert_eq!(ints(&found.counts.unwrap()), [2, 2, 1, 1]);
    let runs = vector(&[NAN, NAN, 1.0, 1.0, 0.0, -0.0, 1.0]).unique_consecutive(true, true, None).unwrap();
    same(&runs.values, &[NAN, NAN, 1.0, 0.0, 1.0]);
    assert_eq!(ints(&runs.inverse.unwrap()), [0, 1, 2, 2, 3, 3, 4]);
    assert_eq!(ints(&runs.counts.unwrap()), [1, 1, 2, 2, 1]);
    let rows = Tensor::from_vec(vec![NAN, 1.0, NAN, 1.0, 0.0, -0.0, -0.0, 0.0], &[4, 2]).unwrap();
    let found = rows.unique(true, true, Some(0)).unwrap();
    same(&found.values, &[0.0, -0.0, NAN, 1.0, NAN, 1.0]);
    assert_eq!(ints(&found.inverse.unwrap()), [1, 2, 0, 0]);
}

#[test]
fn numbers_and_nothing_have_an_order() {
    let number = Tensor::scalar(2.5f32).unwrap();
    for (values, places) in [
        number.sort(0, false).unwrap(),
        number.topk(1, -1, true, true).unwrap(),
        number.topk(0, 0, true, true).unwrap(),
        number.kthvalue(1, 0, true).unwrap(),
        number.kthvalue(1, 0, false).unwrap(),
    ] {
        assert_eq!((values.shape(), places.shape()), (&[][..], &[][..]));
        assert_eq!((values.item_f64().unwrap(), places.item_f64().unwrap()), (2.5, 0.0));
    }
    let found = number.unique(true, true, None).unwrap();
    assert_eq!((found.values.shape(), found.inverse.unwrap().shape()), (&[1][..], &[][..]));
    let empty = Tensor::zeros(&[0, 3], DType::F32).unwrap();
    assert_eq!(empty.sort(0, false).unwrap().0.shape(), [0, 3]);
    assert_eq!(empty.topk(1, 1, true, true).unwrap().0.shape(), [0, 1]);
    assert_eq!(empty.kthvalue(1, 1, false).unwrap().0.shape(), [0]);
    let found = empty.unique(true, true, None).unwrap();
    assert_eq!(found.values.shape(), [0]);
    assert_eq!((found.inverse.unwrap().shape(), found.counts.unwrap().shape()), (&[0, 3][..], &[0][..]));
    let found = empty.unique(true, true, Some(0)).unwrap();
    assert_eq!((found.values.shape(), found.inverse.unwrap().shape()), (&[0, 3][..], &[0][..]));
    assert_eq!(vector(&[]).isin(&vector(&[1.0]), false).unwrap().shape(), [0]);
    assert_eq!(ints(&vector(&[]).searchsorted(&vector(&[1.0, 2.0]), false, None).unwrap()), [0, 0]);
}

#[test]
fn refusals() {
    let x = Tensor::zeros(&[2, 3], DType::F32).unwrap();
    let bools = Tensor::zeros(&[2, 3], DType::Bool).unwrap();
    let empty = Tensor::zeros(&[0, 3], DType::F32).unwrap();
    let number = Tensor::scalar(2.5f32).unwrap();
    assert_eq!(kind(x.sort(2, false)), ErrorKind::Dim);
    assert_eq!(kind(x.topk(4, 1, true, true)), ErrorKind::Value);
    assert_eq!(kind(number.topk(2, 0, true, true)), ErrorKind::Value);
    assert_eq!(kind(bools.topk(1, 1, true, true)), ErrorKind::NotImplemented);
    assert_eq!(kind(x.kthvalue(0, 1, false)), ErrorKind::Value);
    assert_eq!(kind(x.kthvalue(4, 1, false)), ErrorKind::Value);
    assert_eq!(kind(empty.kthvalue(1, 0, false)), ErrorKind::Index);
    assert_eq!(kind(bools.kthvalue(1, 1, false)), ErrorKind::NotImplemented);
    assert_eq!(kind(empty.unique(false, false, Some(1))), ErrorKind::Shape);
    assert_eq!(kind(number.unique(false, false, Some(0))), ErrorKind::Dim);
    assert_eq!(kind(x.unique_consecutive(false, false, Some(5))), ErrorKind::Dim);
    assert_eq!(kind(x.searchsorted(&vector(&[1.0]), false, None)), ErrorKind::Shape);
    assert_eq!(kind(x.searchsorted(1.0, false, None)), ErrorKind::Shape);
    assert_eq!(kind(number.searchsorted(1.0, false, None)), ErrorKind::Shape);
    assert_eq!(kind(bools.searchsorted(&bools, false, None)), ErrorKind::NotImplemented);
    let order = Tensor::from_vec(vec![0i64, 1, 7], &[3]).unwrap();
    let line = vector(&[5.0, 1.0, 3.0]);
    assert_eq!(kind(line.searchsorted(1.0, false, Some(&order))), ErrorKind::IndexValue);
    assert_eq!(kind(line.searchsorted(1.0, false, Some(&order.narrow(0, 0, 2).unwrap()))), ErrorKind::Shape);
    let narrow = order.to_dtype(DType::I32).unwrap();
    assert_eq!(kind(line.searchsorted(1.0, false, Some(&narrow))), ErrorKind::DType);
    assert_eq!(kind(x.bucketize(&x, false)), ErrorKind::Shape);
    assert_eq!(kind(bools.isin(&bools, false)), ErrorKind::NotImplemented);
    assert_eq!(kind(x.bincount(None, 0)), ErrorKind::NotImplemented);
    let negative = Tensor::from_vec(vec![0i64, -1], &[2]).unwrap();
    assert_eq!(kind(negative.bincount(None, 0)), ErrorKind::Value);
    assert_eq!(kind(negative.reshape([1, 2]).unwrap().bincount(None, 0)), ErrorKind::Shape);
    assert_eq!(kind(order.bincount(Some(&vector(&[1.0])), 0)), ErrorKind::Shape);
    assert_eq!(kind(x.histc(usize::MAX, 0.0, 1.0)), ErrorKind::Memory);
    assert_eq!(kind(x.histc(i64::MAX as usize, 0.0, 1.0)), ErrorKind::Memory);
    assert_eq!(kind(x.histc(0, 0.0, 1.0)), ErrorKind::Value);
    assert_eq!(kind(x.histc(4, 2.0, 1.0)), ErrorKind::Value);
    assert_eq!(kind(x.histc(4, 0.0, INF)), ErrorKind::Value);
    assert_eq!(kind(vector(&[1.0, NAN]).histc(4, 0.0, 0.0)), ErrorKind::Value);
    assert_eq!(kind(order.histc(4, 0.0, 0.0)), ErrorKind::NotImplemented);
}

#[test]
fn searching_promotes_and_batches() {
    let line = Tensor::from_vec(vec![1i64, 3], &[2]).unwrap();
    assert_eq!(ints(&line.searchsorted(1.5, false, None).unwrap()), [1]);
    assert_eq!(line.searchsorted(1.5, false, None).unwrap().rank(), 0);
    let unsorted = vector(&[5.0, 1.0, 3.0]);
    let order = unsorted.argsort(0, false).unwrap();
    assert_eq!(ints(&unsorted.searchsorted(&vector(&[3.0, 4.0]), false, Some(&order)).unwrap()), [1, 2]);
    let rows = Tensor::from_vec(vec![1.0, 3.0, 3.0, 0.0, 2.0, 2.0], &[2, 3]).unwrap();
    let values = Tensor::from_vec(vec![1.0, 3.0, 4.0, 2.0, 2.0, -1.0], &[2, 3]).unwrap();
    assert_eq!(ints(&rows.searchsorted(&values, false, None).unwrap()), [0, 1, 3, 1, 1, 0]);
    assert_eq!(ints(&rows.searchsorted(&values, true, None).unwrap()), [1, 3, 3, 3, 3, 0]);
    let three: Operand<'_> = 3i64.into();
    assert_eq!(vector(&[1.0, 3.0]).isin(three, false).unwrap().to_vec::<bool>().unwrap(), [false, true]);
}

#[test]
fn counting() {
    let x = Tensor::from_vec(vec![0u8, 3, 3], &[3]).unwrap();
    assert_eq!(ints(&x.bincount(None, 6).unwrap()), [1, 0, 0, 2, 0, 0]);
    let weights = Tensor::from_vec(vec![0.5f32, 1.0, 0.25], &[3]).unwrap();
    let sums = x.bincount(Some(&weights), 0).unwrap();
    assert_eq!((sums.dtype(), sums.to_f64_vec().unwrap()), (DType::F32, vec![0.5, 0.0, 0.0, 1.25]));
    let whole = weights.to_dtype(DType::I32).unwrap();
    assert_eq!(x.bincount(Some(&whole), 0).unwrap().dtype(), DType::F64);
    let nothing = Tensor::zeros(&[0], DType::I32).unwrap();
    assert_eq!(ints(&nothing.bincount(Some(&vector(&[])), 2).unwrap()), [0, 0]);
    let x = vector(&[1.0, 2.0, 1.0, 5.0, -1.0, 3.0, 0.0, NAN]);
    same(&x.histc(4, 0.0, 3.0).unwrap(), &[1.0, 2.0, 1.0, 1.0]);
    same(&vector(&[1.0, 1.0, 1.0]).histc(4, 0.0, 0.0).unwrap(), &[0.0, 0.0, 3.0, 0.0]);
    same(&vector(&[]).histc(2, 0.0, 0.0).unwrap(), &[0.0, 0.0]);
}

#[test]
fn gradients_go_to_the_chosen_elements() {
    let x = Tensor::from_vec(vec![1.0, 3.0, 3.0, 2.0, 2.0, 0.0], &[2, 3]).unwrap();
    let weights = Tensor::from_vec(vec![1.0, 10.0, 100.0, 1e3, 1e4, 1e5], &[2, 3]).unwrap();
    let of = |f: &dyn Fn(&Tensor) -> Tensor| {
        let x = x.copy().unwrap().detach();
        x.requires_grad_(true).unwrap();
        let y = f(&x);
        y.mul(
            &weights
                .flatten()
                .unwrap()
                .narrow(0, 0, y.numel())
                .unwrap()
                .reshape(y.shape().iter().map(|&n| n as isize).collect::<Vec<_>>())
                .unwrap(),
        )
        .unwrap()
        .sum()
        .unwrap()
        .backward()
        .unwrap();
        (y.grad_fn().unwrap(), x.grad().unwrap().to_f64_vec().unwrap())
    };
    let sorted = of(&|x| x.sort(1, false).unwrap().0);
    assert_eq!(sorted, ("SortBackward0".to_owned(), vec![1.0, 10.0, 100.0, 1e4, 1e5, 1e3]));
    assert_eq!(of(&|x| x.sort(1, true).unwrap().0).1, [100.0, 1.0, 10.0, 1e3, 1e4, 1e5]);
    assert_eq!(of(&|x| x.topk(1, 1, true, true).unwrap().0).1, [0.0, 1.0, 0.0, 10.0, 0.0, 0.0]);
    assert_eq!(of(&|x| x.kthvalue(1, 0, false).unwrap().0).1, [1.0, 0.0, 0.0, 0.0, 10.0, 100.0]);
    assert_eq!(of(&|x| x.mode(1, false).unwrap().0).1, [0.0, 0.0, 1.0, 0.0, 10.0, 0.0]);
    assert_eq!(of(&|x| x.median().unwrap()).1, [0.0, 0.0, 0.0, 0.5, 0.5, 0.0]);
    assert_eq!(of(&|x| x.cummax(1).unwrap().0).1, [1.0, 10.0, 100.0, 1e3, 1.1e5, 0.0]);
}

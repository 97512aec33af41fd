use rusttorch_backend::ops::SortOp::{self, *};
use rusttorch_backend::{Backend, DType, ErrorKind, Result};

use crate::Naive;
use crate::testing::{Array, INF, NAN, assert_same, kind, result};

fn sorted(op: SortOp, x: &Array, axis: usize) -> Result<(Array, Vec<i64>)> {
    let mut shape = x.shape().to_vec();
    shape[axis] = op.gives(shape[axis]);
    let mut indices = Array::garbage(&shape, DType::I64);
    let values = result(&shape, x.view().dtype(), |out| Naive.sort(op, x.view(), axis, out, indices.out()))?;
    assert_eq!(indices.strayed(), 0);
    Ok((values, indices.to_vec()))
}

#[track_caller]
fn expect(op: SortOp, x: &[f64], values: &[f64], indices: &[i64]) {
    let (found, places) = sorted(op, &Array::of(x), 0).unwrap();
    assert_same(&found.floats(), values);
    assert_eq!(places, indices);
}

/// What PyTorch 2.15 gives.
#[test]
fn nan_is_largest_and_equals_keep_their_order() {
    let x = [NAN, 1.0, -INF, INF, NAN, 0.0, -0.0];
    let (up, down) = (Sort { descending: false }, Sort { descending: true });
    expect(up, &x, &[-INF, 0.0, -0.0, 1.0, INF, NAN, NAN], &[2, 5, 6, 1, 3, 0, 4]);
    expect(down, &x, &[NAN, NAN, INF, 1.0, 0.0, -0.0, -INF], &[0, 4, 3, 1, 5, 6, 2]);
    expect(Topk { k: 3, largest: true, sorted: true }, &x, &[NAN, NAN, INF], &[0, 4, 3]);
    expect(Topk { k: 2, largest: false, sorted: true }, &x, &[-INF, 0.0], &[2, 5]);
    expect(Topk { k: 0, largest: true, sorted: true }, &x, &[], &[]);
    expect(
        Topk { k: 7, largest: false, sorted: true },
        &x,
        &[-INF, 0.0, -0.0, 1.0, INF, NAN, NAN],
        &[2, 5, 6, 1, 3, 0, 4],
    );
    expect(Kth { k: 3 }, &x, &[1.0], &[1]);
    expect(Kth { k: 5 }, &x, &[NAN], &[0]);
}

/// What PyTorch 2.15 gives.
#[test]
fn medians() {
    let (plain, numbers) = (Median { ignore_nan: false }, Median { ignore_nan: true });
    expect(plain, &[4.0, 1.0, 3.0, 2.0], &[2.0], &[3]);
    expect(plain, &[4.0, NAN, 3.0, NAN], &[NAN], &[1]);
    expect(numbers, &[4.0, NAN, 3.0, NAN], &[3.0], &[2]);
    expect(numbers, &[NAN, NAN], &[NAN], &[0]);
    expect(numbers, &[5.0], &[5.0], &[0]);
    let (values, places) = sorted(plain, &Array::of(&[i64::MAX, i64::MIN, i64::MAX - 1]), 0).unwrap();
    assert_eq!((values.to_vec::<i64>(), places), (vec![i64::MAX - 1], vec![2]));
}

#[test]
fn any_axis_and_layout() {
    let x = Array::new(&[2, 3], &[3u8, 1, 2, 0, 5, 2]);
    for x in x.everyhow() {
        let rows = sorted(Sort { descending: false }, &x, 1).unwrap();
        assert_eq!((rows.0.floats(), rows.1), (vec![1.0, 2.0, 3.0, 0.0, 2.0, 5.0], vec![1, 2, 0, 0, 2, 1]));
        let columns = sorted(Kth { k: 1 }, &x, 0).unwrap();
        assert_eq!((columns.0.floats(), columns.1), (vec![3.0, 5.0, 2.0], vec![0, 1, 1]));
    }
    let x = Array::cast(&[3], &[1.0, 0.0, 1.0], DType::Bool);
    assert_eq!(sorted(Sort { descending: true }, &x, 0).unwrap().1, [0, 2, 1]);
    for shape in [[0, 2], [2, 0]] {
        let x = Array::garbage(&shape, DType::F32);
        assert_eq!(sorted(Sort { descending: false }, &x, 0).unwrap().1, []);
    }
    assert_eq!(sorted(Median { ignore_nan: false }, &Array::garbage(&[0, 2], DType::F32), 1).unwrap().1, []);
}

#[test]
fn selection_agrees_with_the_order() {
    let x: Vec<f32> = (0..500).map(|i| (i * 7919 % 101) as f32).collect();
    let x = Array::of(&x);
    let (values, places) = sorted(Sort { descending: true }, &x, 0).unwrap();
    for k in [1, 2, 77, 499, 500] {
        let top = sorted(Topk { k, largest: true, sorted: true }, &x, 0).unwrap();
        assert_eq!((&top.0.floats()[..], &top.1[..]), (&values.floats()[..k], &places[..k]));
        let (mut some, _) =
            sorted(Topk { k, largest: true, sorted: false }, &x, 0).map(|t| (t.1, ())).unwrap();
        some.sort_unstable();
        let mut wanted = places[..k].to_vec();
        wanted.sort_unstable();
        assert_eq!(some, wanted);
    }
    let (_, ascending) = sorted(Sort { descending: false }, &x, 0).unwrap();
    for k in [0, 1, 250, 499] {
        assert_eq!(sorted(Kth { k }, &x, 0).unwrap().1, [ascending[k]]);
    }
}

fn searched(sorted: &Array, values: &Array, right: bool) -> Vec<i64> {
    result(values.shape(), DType::I64, |out| Naive.searchsorted(sorted.view(), values.view(), right, out))
        .unwrap()
        .to_vec()
}

/// What PyTorch 2.15 gives.
#[test]
fn binary_search() {
    let line = Array::of(&[1.0, 3.0, 3.0, 5.0]);
    let values = Array::of(&[3.0, 0.0, 6.0, NAN, 1.0]);
    assert_eq!(searched(&line, &values, false), [1, 0, 4, 4, 0]);
    assert_eq!(searched(&line, &values, true), [3, 0, 4, 4, 1]);
    let with_nan = Array::of(&[1.0, 3.0, 5.0, NAN]);
    assert_eq!(searched(&with_nan, &Array::of(&[3.0, 6.0, NAN, INF]), false), [1, 4, 4, 4]);
    assert_eq!(searched(&Array::garbage(&[0], DType::F32), &Array::of(&[1f32, 2.0]), false), [0, 0]);
    let rows = Array::new(&[2, 3], &[1i32, 3, 5, 2, 2, 2]);
    let values = Array::new(&[2, 2], &[4, 5, 2, 3]);
    for (rows, values) in rows.everyhow().iter().zip(values.everyhow()) {
        assert_eq!(searched(rows, &values, true), [2, 3, 3, 3]);
    }
}

/// The composed default probes as the kernel does, also where the line is not sorted.
#[test]
fn the_composed_search_agrees() {
    let line: Vec<f64> = (0..37).map(|i| if i % 9 == 4 { NAN } else { f64::from(i * 31 % 40) }).collect();
    let values: Vec<f64> = (0..50).map(|i| if i == 7 { NAN } else { f64::from(i) - 4.5 }).collect();
    for n in [1, 2, 3, 16, 17, 37] {
        let (line, values) = (Array::of(&line[..n]), Array::of(&values));
        for right in [false, true] {
            let composed = result(&[50], DType::I64, |out| {
                rusttorch_backend::composed::searchsorted(&Naive, line.view(), values.view(), right, out)
            });
            assert_eq!(composed.unwrap().to_vec::<i64>(), searched(&line, &values, right));
        }
    }
}

#[test]
fn errors() {
    let (x, mut out, mut at) = (Array::of(&[1f32, 2.0]), Array::of(&[0f32, 0.0]), Array::of(&[0i64, 0]));
    let up = Sort { descending: false };
    assert_eq!(kind(Naive.sort(up, x.view(), 1, out.out(), at.out())), ErrorKind::Dim);
    assert_eq!(kind(Naive.sort(Kth { k: 0 }, x.view(), 0, out.out(), at.out())), ErrorKind::Shape);
    let (mut wrong, mut one) = (Array::of(&[0i32, 0]), Array::of(&[0i64]));
    assert_eq!(kind(Naive.sort(up, x.view(), 0, out.out(), wrong.out())), ErrorKind::DType);
    assert_eq!(kind(Naive.sort(up, x.view(), 0, out.out(), one.out())), ErrorKind::Shape);
    let mut single = Array::of(&[0f32]);
    assert_eq!(kind(Naive.sort(Kth { k: 2 }, x.view(), 0, single.out(), one.out())), ErrorKind::Shape);
    let bools = Array::cast(&[1], &[1.0], DType::Bool);
    assert_eq!(kind(Naive.searchsorted(bools.view(), bools.view(), false, one.out())), ErrorKind::DType);
}

use rusttorch_backend::ops::CompareOp::{self, *};
use rusttorch_backend::{Backend, Boolean, DType, Element, ErrorKind};

use crate::Naive;
use crate::testing::{Array, INF, NAN, kind, result};

fn apply<T: Element>(op: CompareOp, a: &[T], b: &[T]) -> Vec<bool> {
    let (a, b) = (Array::of(a), Array::of(b));
    let out = result(a.shape(), DType::Bool, |out| Naive.compare(op, a.view(), b.view(), out)).unwrap();
    out.to_vec::<Boolean>().into_iter().map(Boolean::get).collect()
}

#[test]
fn nan_is_in_no_order_and_zeros_are_equal() {
    let (a, b) = ([NAN, 1.0, NAN, 0.0, 1.0, INF], [NAN, NAN, 1.0, -0.0, 2.0, INF]);
    assert_eq!(apply(Eq, &a, &b), [false, false, false, true, false, true]);
    assert_eq!(apply(Ne, &a, &b), [true, true, true, false, true, false]);
    assert_eq!(apply(Lt, &a, &b), [false, false, false, false, true, false]);
    assert_eq!(apply(Le, &a, &b), [false, false, false, true, true, true]);
    assert_eq!(apply(Gt, &b, &a), [false, false, false, false, true, false]);
    assert_eq!(apply(Ge, &b, &a), [false, false, false, true, true, true]);
}

#[test]
fn truth_is_to_differ_from_zero() {
    let (a, b) = ([NAN, NAN, 0.0, -0.0, 2.0], [0.0, NAN, -0.0, 1.0, 3.0]);
    assert_eq!(apply(LogicalAnd, &a, &b), [false, true, false, false, true]);
    assert_eq!(apply(LogicalOr, &a, &b), [true, true, false, true, true]);
    assert_eq!(apply(LogicalXor, &a, &b), [true, false, false, true, false]);
}

#[test]
fn integers_are_compared_exactly() {
    let (a, b) = ([i64::MAX, i64::MAX - 1, -1], [i64::MAX - 1, i64::MAX - 1, 1]);
    assert_eq!(apply(Eq, &a, &b), [false, true, false]);
    assert_eq!(apply(Gt, &a, &b), [true, false, false]);
    assert_eq!(apply(Lt, &[200u8], &[100]), [false]);
    let bools = |v: [bool; 2]| v.map(Boolean::from);
    assert_eq!(apply(Lt, &bools([false, true]), &bools([true, true])), [true, false]);
}

#[test]
fn errors() {
    let a = Array::of(&[1f32]);
    let (mut float, mut long) = (Array::garbage(&[1], DType::F32), Array::garbage(&[2], DType::Bool));
    assert_eq!(kind(Naive.compare(Eq, a.view(), a.view(), float.out())), ErrorKind::DType);
    assert_eq!(kind(Naive.compare(Eq, a.view(), a.view(), long.out())), ErrorKind::Shape);
}

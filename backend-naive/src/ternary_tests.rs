use rusttorch_backend::ops::TernaryOp::{self, *};
use rusttorch_backend::{Backend, DType, Element, ErrorKind};

use crate::Naive;
use crate::testing::{Array, INF, NAN, assert_close, assert_same, kind, result};

fn apply<T: Element>(op: TernaryOp, a: &[T], b: &[T], c: &[T]) -> Vec<T> {
    let (a, b, c) = (Array::of(a), Array::of(b), Array::of(c));
    result(a.shape(), T::DTYPE, |out| Naive.ternary(op, a.view(), b.view(), c.view(), out)).unwrap().to_vec()
}

#[test]
fn products_and_quotients_are_added() {
    assert_same(&apply(Addcmul { value: 0.5.into() }, &[1.0, NAN], &[3.0, 1.0], &[4.0, 1.0]), &[7.0, NAN]);
    assert_same(&apply(Addcdiv { value: 2.0.into() }, &[1.0, 1.0], &[3.0, 1.0], &[4.0, 0.0]), &[2.5, INF]);
    assert_eq!(apply(Addcmul { value: 2.0.into() }, &[1i32, i32::MAX], &[2, 1], &[3, 1]), [13, i32::MIN + 1]);
    assert_eq!(apply(Addcmul { value: 1.0.into() }, &[i64::MAX], &[1], &[1]), [i64::MIN]);
    assert_eq!(apply(Addcmul { value: 1.0.into() }, &[250u8], &[2], &[4]), [2]);
}

#[test]
fn lerp_starts_from_the_nearer_end() {
    let y = apply(Lerp, &[1.0, 1.0, 0.1, 0.1], &[3.0, INF, 0.3, 0.3], &[0.5, 0.5, 0.0, 1.0]);
    assert_same(&y, &[2.0, NAN, 0.1, 0.3]);
    assert_close(&apply(Lerp, &[1.0], &[3.0], &[-0.7]), &[-0.4], 1e-15);
}

#[test]
fn clamp_lets_the_upper_bound_win_and_keeps_nan() {
    let (x, low, high) =
        ([5.0, -5.0, NAN, 2.0, 2.0, 0.0], [0.0, 0.0, 0.0, NAN, 0.0, 3.0], [1.0, 1.0, 1.0, 5.0, NAN, 2.0]);
    assert_same(&apply(Clamp, &x, &low, &high), &[1.0, 0.0, NAN, NAN, NAN, 2.0]);
    assert_eq!(apply(Clamp, &[1i64, i64::MIN], &[3, 0], &[2, 9]), [2, 0]);
}

#[test]
fn errors() {
    let (x, mut out) = (Array::of(&[1i32]), Array::of(&[0i32]));
    for op in [Lerp, Addcdiv { value: 1.0.into() }] {
        assert_eq!(kind(Naive.ternary(op, x.view(), x.view(), x.view(), out.out())), ErrorKind::DType);
    }
    let (x, mut out) = (Array::cast(&[1], &[1.0], DType::Bool), Array::garbage(&[1], DType::Bool));
    for op in [Clamp, Addcmul { value: 1.0.into() }] {
        assert_eq!(kind(Naive.ternary(op, x.view(), x.view(), x.view(), out.out())), ErrorKind::DType);
    }
    let (x, y, mut out) = (Array::of(&[1f32]), Array::of(&[1f32, 2.0]), Array::of(&[0f32]));
    assert_eq!(kind(Naive.ternary(Clamp, x.view(), x.view(), y.view(), out.out())), ErrorKind::Shape);
}

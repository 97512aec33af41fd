//! Views by their other names, and those that the model of `views.rs` does not have: shared memory, gradients
//! behind views of views, the bytes of another dtype, memory under strides.

#![allow(clippy::unwrap_used, reason = "a failing test should stop")]

use rusttorch::{DType, ErrorKind, Result, Tensor};

fn iota(shape: &[isize]) -> Tensor {
    let n: isize = shape.iter().product();
    Tensor::arange(0.0, n as f64, 1.0, DType::F32).unwrap().reshape(shape).unwrap()
}

fn f32s(t: &Tensor) -> Vec<f32> {
    t.to_vec().unwrap()
}

fn kind<T>(r: Result<T>) -> ErrorKind {
    r.map(drop).unwrap_err().kind()
}

#[test]
fn every_view_shares_its_memory() {
    let x = iota(&[2, 1, 6]);
    let other = iota(&[2, 2, 6]);
    let views = [
        x.swapaxes(0, 2),
        x.swapdims(0, 2),
        x.moveaxis([0], [2]),
        x.numpy_t(),
        x.mt(),
        x.mh(),
        x.squeeze_dims([1]),
        x.squeeze_dims([]),
        x.ravel(),
        x.unflatten(2, [2, -1]),
        x.expand_as(&other),
        x.view_as(&iota(&[6, 2])),
        x.reshape_as(&iota(&[3, 4])),
        x.atleast_3d(),
        x.view_dtype(DType::I32),
        Ok(x.tensor_split([1], 2).unwrap().remove(1)),
        Ok(x.hsplit(1).unwrap().remove(0)),
        Ok(x.vsplit(2).unwrap().remove(1)),
        Ok(x.dsplit([2, 3]).unwrap().remove(1)),
        Ok(x.split_with_sizes(&[1, 5], 2).unwrap().remove(1)),
        Ok(Tensor::broadcast_tensors(&[&x, &other]).unwrap().remove(0)),
    ];
    for view in views {
        assert!(view.unwrap().shares_storage(&x));
    }
    let zero = Tensor::scalar(1.0f32).unwrap();
    for view in
        [zero.atleast_1d(), zero.atleast_2d(), zero.atleast_3d(), zero.matrix_h(), zero.mt(), zero.t()]
    {
        assert!(view.unwrap().shares_storage(&zero));
    }
    // A part is written through to the whole.
    for (i, part) in x.tensor_split(4, 2).unwrap().iter().enumerate() {
        part.fill_(i as f64).unwrap();
    }
    assert_eq!(f32s(&x)[..6], [0.0, 0.0, 1.0, 1.0, 2.0, 3.0]);
}

#[test]
fn gradients_pass_through_parts_of_views() {
    let x = iota(&[4, 6]).requires_grad_(true).unwrap();
    let parts = x.numpy_t().unwrap().tensor_split([1, 4], 0).unwrap();
    let wide = parts[1].unflatten(0, [3, 1]).unwrap().swapaxes(0, 2).unwrap().squeeze_dims([1]).unwrap();
    assert_eq!(wide.shape(), [4, 3]);
    wide.mul(&wide).unwrap().sum().unwrap().backward().unwrap();
    let expected: Vec<f32> =
        (0..24).map(|i| if (1..4).contains(&(i % 6)) { 2.0 * i as f32 } else { 0.0 }).collect();
    assert_eq!(f32s(&x.grad().unwrap()), expected);
    // A write to one part is seen by the gradient of another view of the same memory.
    let y = x.mul(1.0).unwrap();
    let halves = y.hsplit(2).unwrap();
    halves[0].mul_(3.0).unwrap();
    x.set_grad(None).unwrap();
    y.sum().unwrap().backward().unwrap();
    let expected: Vec<f32> = (0..24).map(|i| if i % 6 < 3 { 3.0 } else { 1.0 }).collect();
    assert_eq!(f32s(&x.grad().unwrap()), expected);
}

#[test]
fn the_bytes_of_another_dtype() {
    let x = Tensor::from_vec(vec![1.0f32, -2.0, 0.5, 0.0], &[2, 2]).unwrap();
    let bits = x.view_dtype(DType::I32).unwrap();
    assert_eq!(bits.to_vec::<i32>().unwrap(), [0x3f80_0000, -0x4000_0000, 0x3f00_0000, 0]);
    let halves = x.view_dtype(DType::I16).unwrap();
    assert_eq!((halves.shape(), halves.strides()), (&[2, 4][..], &[4, 1][..]));
    assert_eq!(x.view_dtype(DType::I64).unwrap().shape(), [2, 1]);
    assert_eq!(x.view_dtype(DType::U8).unwrap().shape(), [2, 8]);
    // Written through, and back.
    bits.i((0, 0)).unwrap().fill_(0x4000_0000).unwrap();
    assert_eq!(f32s(&x), [2.0, -2.0, 0.5, 0.0]);
    assert_eq!(f32s(&halves.view_dtype(DType::F32).unwrap()), f32s(&x));
    // Any layout will do for a dtype of the same width.
    assert_eq!(x.t().unwrap().view_dtype(DType::I32).unwrap().strides(), [1, 2]);
    let columns = iota(&[2, 4]);
    assert_eq!(columns.narrow(1, 0, 2).unwrap().view_dtype(DType::I64).unwrap().shape(), [2, 1]);
    assert_eq!(columns.narrow(1, 2, 2).unwrap().view_dtype(DType::F64).unwrap().layout().offset(), 1);
    for refused in [
        columns.narrow(1, 1, 2).unwrap(),       // offset
        columns.narrow(1, 0, 3).unwrap(),       // size
        columns.t().unwrap(),                   // last stride
        iota(&[2, 3]).narrow(1, 0, 2).unwrap(), // other stride
        Tensor::scalar(1.0f32).unwrap(),
    ] {
        assert_eq!(kind(refused.view_dtype(DType::I64)), ErrorKind::Shape);
    }
    assert_eq!(kind(columns.t().unwrap().view_dtype(DType::U8)), ErrorKind::Shape);
    assert_eq!(iota(&[0]).view_dtype(DType::I64).unwrap().shape(), [0]);
    // No history comes along.
    let leaf = iota(&[2]).requires_grad_(true).unwrap();
    assert!(!leaf.view_dtype(DType::F64).unwrap().requires_grad());
    // Bytes that are neither 0 nor 1 are true.
    let bytes = Tensor::from_vec(vec![0u8, 2, 255], &[3]).unwrap();
    assert_eq!(bytes.view_dtype(DType::Bool).unwrap().to_vec::<bool>().unwrap(), [false, true, true]);
}

#[test]
fn memory_under_strides() {
    let x = iota(&[6]);
    assert_eq!(f32s(&x.as_strided(&[2, 2], &[1, 2], 2).unwrap()), [2.0, 4.0, 3.0, 5.0]);
    assert_eq!(f32s(&x.as_strided(&[3], &[-2], 5).unwrap()), [5.0, 3.0, 1.0]);
    assert_eq!(x.as_strided(&[0], &[1], 100).unwrap().shape(), [0]);
    assert_eq!(x.as_strided(&[7], &[0], 5).unwrap().numel(), 7);
    for (shape, strides, offset) in
        [(&[2usize, 2][..], &[1isize, 2][..], 3), (&[2], &[-1], 0), (&[7], &[1], 0), (&[1], &[1], 6)]
    {
        assert_eq!(kind(x.as_strided(shape, strides, offset)), ErrorKind::Value);
    }
    assert_eq!(kind(x.as_strided(&[2, 2], &[1], 0)), ErrorKind::Shape);
    // Elements that are met twice gather both gradients.
    let leaf = iota(&[4]).requires_grad_(true).unwrap();
    leaf.as_strided(&[3, 2], &[1, 1], 0).unwrap().sum().unwrap().backward().unwrap();
    assert_eq!(f32s(&leaf.grad().unwrap()), [1.0, 2.0, 2.0, 1.0]);
}

#[test]
fn what_views_refuse() {
    let (x, v, zero) = (iota(&[2, 3]), iota(&[3]), Tensor::scalar(1.0f32).unwrap());
    assert_eq!(kind(v.diagonal(0, 0, 1)), ErrorKind::Dim);
    assert_eq!(kind(zero.diagonal(0, 0, 1)), ErrorKind::Dim);
    assert_eq!(kind(v.mt()), ErrorKind::Shape);
    assert_eq!(kind(v.matrix_h()), ErrorKind::Shape);
    assert_eq!(kind(x.squeeze_dims([0, 2])), ErrorKind::Dim);
    assert_eq!(kind(x.squeeze_dims([0, -2])), ErrorKind::Shape);
    assert_eq!(kind(x.tensor_split(0, 0)), ErrorKind::Value);
    assert_eq!(kind(x.tensor_split(2, 2)), ErrorKind::Dim);
    assert_eq!(kind(zero.tensor_split(2, 0)), ErrorKind::Shape);
    assert_eq!(kind(x.split_with_sizes(&[1, 2], 0)), ErrorKind::Value);
    assert_eq!(kind(x.split_with_sizes(&[usize::MAX, 3], 0)), ErrorKind::Value);
    assert_eq!(kind(v.hsplit(2)), ErrorKind::Value);
    assert_eq!(kind(v.vsplit(1)), ErrorKind::Shape);
    assert_eq!(kind(x.dsplit(1)), ErrorKind::Shape);
    assert_eq!(kind(x.view_as(&v)), ErrorKind::Shape);
    assert_eq!(kind(x.t().unwrap().view_as(&iota(&[6]))), ErrorKind::Shape);
    assert_eq!(kind(Tensor::broadcast_tensors(&[&x, &iota(&[2])])), ErrorKind::Shape);
}

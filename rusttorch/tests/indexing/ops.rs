//! The ops with an index or a mask: layouts, aliasing, duplicates, and what each error says.

use rusttorch::{DType, ErrorKind, Index, Result, ScatterReduce, Tensor, f16};

fn floats(values: &[f32], shape: &[usize]) -> Tensor {
    Tensor::from_slice(values, shape).unwrap()
}

fn longs(values: &[i64]) -> Tensor {
    Tensor::from_slice(values, &[values.len()]).unwrap()
}

fn bools(values: &[bool]) -> Tensor {
    Tensor::from_slice(values, &[values.len()]).unwrap()
}

/// `[2, 3]`, the numbers from 1 to 6.
fn x() -> Tensor {
    floats(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3])
}

fn read(t: Result<Tensor>) -> Vec<f64> {
    t.unwrap().to_f64_vec().unwrap()
}

#[test]
fn of_several_values_for_one_place_the_last_stays() {
    let (twice, source) = (longs(&[1, 0, 1]), floats(&[7.0, 8.0, 9.0], &[3]));
    let zeros = || floats(&[0.0; 3], &[3]);
    assert_eq!(read(zeros().i_(&twice, &source)), [8.0, 9.0, 0.0]);
    assert_eq!(read(zeros().put(&twice, &source, false)), [8.0, 9.0, 0.0]);
    assert_eq!(read(zeros().index_copy(0, &twice, &source)), [8.0, 9.0, 0.0]);
    assert_eq!(read(zeros().scatter(0, &twice, &source)), [8.0, 9.0, 0.0]);
    assert_eq!(read(zeros().put(&twice, &source, true)), [8.0, 16.0, 0.0]);
    // Where every element has a position of its own, too: indexed dimensions that are no neighbours.
    let y = Tensor::zeros(&[2, 2, 2], DType::F32).unwrap();
    let values = floats(&[1.0, 2.0, 3.0, 4.0], &[2, 2]);
    y.i_((&longs(&[1, 1]), .., &longs(&[0, 0])), &values).unwrap();
    assert_eq!(read(Ok(y)), [0.0, 0.0, 0.0, 0.0, 3.0, 0.0, 4.0, 0.0]);
}

#[test]
fn any_layout_is_written_in_place() {
    let index = longs(&[0, -1]);
    for how in 0..4 {
        let target = || {
            let t = x();
            match how {
                0 => t,
                1 => t.transpose(0, 1).unwrap().copy().unwrap().transpose(0, 1).unwrap(),
                2 => t
                    .flip([0, 1])
                    .unwrap()
                    .slice(0, None, None, -1)
                    .unwrap()
                    .slice(1, None, None, -1)
                    .unwrap(),
                _ => Tensor::stack(&[&t, &t], 2).unwrap().select(2, 1).unwrap(),
            }
        };
        let t = target();
        t.put_(&longs(&[1, -1]), &floats(&[8.0, 9.0], &[2]), false).unwrap();
        assert_eq!(read(Ok(t)), [1.0, 8.0, 3.0, 4.0, 5.0, 9.0], "put_ {how}");
        let t = target();
        t.index_fill_(1, &index, 0.0).unwrap();
        assert_eq!(read(Ok(t)), [0.0, 2.0, 0.0, 0.0, 5.0, 0.0], "index_fill_ {how}");
        let t = target();
        t.masked_scatter_(&bools(&[true, false, true]), &floats(&[9.0, 8.0, 7.0, 6.0], &[4])).unwrap();
        assert_eq!(read(Ok(t)), [9.0, 2.0, 8.0, 7.0, 5.0, 6.0], "masked_scatter_ {how}");
        let t = target();
        t.index_add_(0, &longs(&[1]), &floats(&[1.0; 3], &[1, 3]), 10.0).unwrap();
        assert_eq!(read(Ok(t)), [1.0, 2.0, 3.0, 14.0, 15.0, 16.0], "index_add_ {how}");
        let t = target();
        t.i_((&longs(&[0, 1]), &longs(&[2, 0])), -1.0).unwrap();
        assert_eq!(read(Ok(t)), [1.0, 2.0, -1.0, -1.0, 5.0, 6.0], "i_ {how}");
        assert_eq!(read(target().take(&longs(&[3, -6]))), [4.0, 1.0], "take {how}");
    }
}

#[test]
fn operands_may_lie_in_the_memory_that_is_written() {
    let x = longs(&[2, 0, 1, 3]);
    // Index and value are the target itself, as it was.
    x.i_(&x, &x).unwrap();
    assert_eq!(read(Ok(x)), [0.0, 1.0, 2.0, 3.0]);
    let x = floats(&[1.0, 2.0, 3.0, 4.0], &[4]);
    x.i_(longs(&[1, 2, 3]), &x.narrow(0, 0, 3).unwrap()).unwrap();
    assert_eq!(read(Ok(x)), [1.0, 1.0, 2.0, 3.0]);
    let x = floats(&[1.0, 2.0, 3.0, 4.0], &[4]);
    let index = longs(&[3, 3, 0, 0]);
    x.scatter_reduce_(0, &index, &x, ScatterReduce::Amax, false).unwrap();
    assert_eq!(read(Ok(x)), [4.0, 2.0, 3.0, 2.0]);
}

#[test]
fn only_what_is_named_is_read_and_written() {
    // A view of one element of a large memory: the index never leaves it.
    let wide = Tensor::zeros(&[1000, 1000], DType::F32).unwrap();
    let corner = wide.i((990.., 990..)).unwrap();
    corner.i_((&longs(&[0, 9]), .., Index::NewAxis), 1.0).unwrap();
    assert_eq!(read(wide.sum()), [20.0]);
    corner.i_((&longs(&[-1, 0]), &longs(&[-1, 0])), 5.0).unwrap();
    assert_eq!(read(wide.sum()), [28.0]);
    assert_eq!(read(wide.i((-1, -1))), [5.0]);
}

#[test]
fn halves_are_rounded_when_all_is_added() {
    let start = Tensor::from_vec(vec![f16::from_f64(2048.0)], &[1]).unwrap();
    let ones = Tensor::ones(&[100], DType::F16).unwrap();
    let index = longs(&[0; 100]);
    assert_eq!(read(start.index_add(0, &index, &ones, 1.0)), [2148.0]);
    assert_eq!(read(start.scatter_add(0, &index, &ones)), [2148.0]);
    assert_eq!(read(start.index_put(&[Some(&index)], &ones, true)), [2148.0]);
    assert_eq!(read(start.put(&index, &ones, true)), [2148.0]);
    let far = Tensor::full(&[2000], 60000.0, DType::F16).unwrap();
    let same = longs(&[0; 2000]);
    assert_eq!(read(start.scatter_reduce(0, &same, &far, ScatterReduce::Mean, false)), [60000.0]);
}

#[test]
fn basic_indices_are_views_and_write_through() {
    let x = x();
    let zero_d = Tensor::scalar(1i64).unwrap();
    for view in
        [x.i((1, ..)), x.i(()), x.i((zero_d,)), x.i((Index::Ellipsis, 0..2)), x.i((Index::NewAxis, -1))]
    {
        assert!(view.unwrap().shares_storage(&x));
    }
    assert!(!x.i(true).unwrap().shares_storage(&x));
    assert!(!x.i(longs(&[0])).unwrap().shares_storage(&x));
    let version = x.version();
    assert!(x.i_((0, 1..), &floats(&[8.0, 9.0], &[1, 1, 2])).unwrap().is_same(&x));
    assert_eq!(read(Ok(x.clone())), [1.0, 8.0, 9.0, 4.0, 5.0, 6.0]);
    assert!(x.version() > version);
    // An index without elements is an in-place op all the same.
    let version = x.version();
    x.i_(longs(&[]), 0.0).unwrap();
    x.scatter_(1, &longs(&[]), 0.0).unwrap();
    assert_eq!(x.version(), version + 2);
}

/// A call, the kind of its error and what it says.
type Case = (fn() -> Result<Tensor>, ErrorKind, &'static str);

#[rustfmt::skip]
const WRONG: &[Case] = &[
    (|| x().i(longs(&[0, 2])), ErrorKind::Index, "index: index out of range: index 2, dim 0, size 2"),
    (|| x().i((.., &longs(&[0, -4]))), ErrorKind::Index, "index: index out of range: index -4, dim 1, size 3"),
    (|| x().i((&longs(&[0, 1]), &longs(&[0, 1, 2]))), ErrorKind::Index, "index: index tensors cannot be broadcast together: indices [2], index [3]"),
    (|| x().i(bools(&[true, false, true])), ErrorKind::Index, "index: mask does not have the shape of the dimensions it stands for: mask [3], shape [2, 3], dim 0"),
    (|| x().i(floats(&[0.0], &[1])), ErrorKind::Index, "index: tensors used as indices must be int64, int32, uint8 or bool: dtype float32"),
    (|| x().i((0, 0, &longs(&[0]))), ErrorKind::Index, "index: more indices than dimensions: indices 3, shape [2, 3]"),
    (|| x().i_(longs(&[2]), 0.0), ErrorKind::Index, "index_put_: index out of range: index 2, dim 0, size 2"),
    (|| x().i_(longs(&[0, 1]), &floats(&[1.0; 2], &[2])), ErrorKind::Shape, "index_put_: value cannot be broadcast to what the index stands for: value [2], indexed [2, 3]"),
    (|| x().i_(longs(&[0, 1]), &longs(&[1])), ErrorKind::DType, "index_put_: value and target differ in dtype: value int64, target float32"),
    (|| x().to_dtype(DType::U8)?.i_(0, 300i64), ErrorKind::Value, "index_put_: value lies outside of the dtype's range: value 300, dtype uint8"),
    (|| x().narrow(0, 0, 1)?.expand([2, 3])?.i_(longs(&[0]), 0.0), ErrorKind::Alias, "index_put_: elements of the written tensor share memory; copy() it first: shape [2, 3], strides [0, 1]"),
    (|| x().requires_grad_(true)?.i_(longs(&[0]), 0.0), ErrorKind::Autograd, "index_put_: a leaf tensor that requires grad is being used in an in-place operation; use no_grad: shape [2, 3]"),
    (|| x().index_put(&[Some(&longs(&[0])), None, None], &floats(&[1.0], &[]), false), ErrorKind::Index, "index_put: more indices than dimensions: indices 3, shape [2, 3]"),
    (|| x().index_put(&[None], &floats(&[1.0], &[]), false), ErrorKind::Value, "index_put: needs at least one index tensor"),
    (|| x().take(&longs(&[6])), ErrorKind::Index, "take: index out of range: index 6, dim 0, size 6"),
    (|| x().take(&x()), ErrorKind::DType, "take: index must be int64: dtype float32"),
    (|| x().put(&longs(&[0]), &floats(&[1.0; 2], &[2]), true), ErrorKind::Index, "put: source and index differ in number of elements: source 2, index 1"),
    (|| x().put_(&longs(&[0]), &longs(&[1]), true), ErrorKind::DType, "put_: source and tensor differ in dtype: source int64, tensor float32"),
    (|| x().take_along_dim(&longs(&[0]), Some(1)), ErrorKind::Shape, "take_along_dim: index and tensor differ in rank: index [1], tensor [2, 3]"),
    (|| x().masked_select(&longs(&[1, 0, 1])), ErrorKind::DType, "masked_select: mask is not bool: dtype int64"),
    (|| x().masked_scatter(&bools(&[true; 3]), &floats(&[1.0; 5], &[5])), ErrorKind::Shape, "masked_scatter: source has fewer elements than the mask has ones: source 5, ones 6"),
    (|| x().masked_scatter_(&bools(&[true; 2]), &x()), ErrorKind::Shape, "masked_scatter_: shapes cannot be broadcast together: lhs [2, 3], rhs [2]"),
    (|| x().index_select(1, &longs(&[3])), ErrorKind::Index, "index_select: index out of range: index 3, size 3"),
    (|| Tensor::zeros(&[3, 0], DType::F32)?.index_select(0, &longs(&[-1])), ErrorKind::Index, "index_select: index out of range: index -1, size 3"),
    (|| Tensor::scalar(1.0f32)?.index_select(0, &longs(&[0, 0])), ErrorKind::Shape, "index_select: a 0-d tensor takes one index: indices 2"),
    (|| x().index_add(1, &longs(&[0]), &x(), 1.0), ErrorKind::Shape, "index_add: number of indices differs from the source's size: indices 1, size 3"),
    (|| x().index_add(0, &longs(&[0]), &x().narrow(1, 0, 2)?, 1.0), ErrorKind::Shape, "index_add: source and tensor differ on another dimension: source [2, 2], tensor [2, 3], dim 0"),
    (|| x().index_add_(0, &longs(&[0, 2]), &x(), 1.0), ErrorKind::IndexValue, "index_add_: index out of bounds: index 2, size 2"),
    (|| x().index_copy(0, &longs(&[0, -1]), &x()), ErrorKind::Index, "index_copy: index out of range: index -1, size 2"),
    (|| x().index_copy(0, &longs(&[0]).to_dtype(DType::I32)?, &x()), ErrorKind::DType, "index_copy: index must be int64: dtype int32"),
    (|| x().index_fill(0, &longs(&[2]), 0.0), ErrorKind::Index, "index_fill: index out of range: index 2, dim 0, size 2"),
    (|| x().index_fill_(0, &longs(&[1]), &floats(&[1.0], &[1])), ErrorKind::Shape, "index_fill_: value must be a number or a 0-d tensor: value [1]"),
    (|| x().index_reduce(0, &longs(&[0, 1]), &x(), ScatterReduce::Sum, true), ErrorKind::Value, "index_reduce: reduce must be prod, mean, amax or amin"),
    (|| x().scatter(1, &longs(&[0]).unsqueeze(0)?, &longs(&[0])), ErrorKind::DType, "scatter: source and tensor differ in dtype: source int64, tensor float32"),
    (|| x().scatter_reduce(1, &longs(&[3]).unsqueeze(0)?, &x(), ScatterReduce::Prod, true), ErrorKind::IndexValue, "scatter_reduce: index out of bounds: index 3, size 3"),
    (|| x().gt(1.0)?.scatter_reduce(1, &longs(&[0]).unsqueeze(0)?, &x().gt(0.0)?, ScatterReduce::Mean, true), ErrorKind::NotImplemented, "scatter_reduce: no mean of this dtype: dtype bool"),
];

#[test]
fn every_error_names_the_op_the_rule_and_the_values() {
    for (call, kind, says) in WRONG {
        let error = call().unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (*kind, *says));
    }
}

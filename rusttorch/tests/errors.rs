//! Bad calls: each gives an error of its own kind whose message holds the numbers, and the process lives
//! on. The comment behind a case is the class that PyTorch 2.15 raises in the same place.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Debug;

use rusttorch::autograd::{GradOptions, grad};
use rusttorch::{DType, Dims, ErrorKind, Index, Result, Tensor};

fn z(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape, DType::F32).unwrap()
}

fn x() -> Tensor {
    z(&[2, 3])
}

fn i() -> Tensor {
    Tensor::zeros(&[2, 3], DType::I64).unwrap()
}

fn b() -> Tensor {
    Tensor::zeros(&[2, 3], DType::Bool).unwrap()
}

fn u() -> Tensor {
    Tensor::zeros(&[3], DType::U8).unwrap()
}

fn ids(values: &[i64]) -> Tensor {
    Tensor::from_slice(values, &[values.len()]).unwrap()
}

/// Whether this process is the child in which `test` measures memory: `memory::stats` counts for the whole
/// process, and other tests may run in this one. If it is not, runs the child.
fn alone(test: &str) -> bool {
    if std::env::var("RUSTTORCH_TEST_CHILD").is_ok_and(|t| t == test) {
        return true;
    }
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env("RUSTTORCH_TEST_CHILD", test);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    false
}

/// What the cases found, so that one run reports all of them.
struct Report {
    cases: usize,
    faults: Vec<String>,
}

impl Report {
    fn check<T: Debug>(&mut self, call: &str, result: Result<T>, kind: ErrorKind, message: &str) {
        self.cases += 1;
        let fault = match result {
            Ok(value) => format!("gave {value:?}"),
            Err(e) if e.kind() != kind => format!("is {:?}, not {kind:?}: {e}", e.kind()),
            Err(e) if e.to_string() != message => format!("says \"{e}\""),
            Err(_) => return,
        };
        self.faults.push(format!("{call}\n    {fault}"));
    }
}

/// The call as text and as code, the kind, the message.
macro_rules! case {
    ($r:ident, $call:expr, $kind:ident, $message:literal) => {
        $r.check(stringify!($call), $call, ErrorKind::$kind, $message)
    };
}

#[rustfmt::skip]
fn bad_broadcasting(r: &mut Report) {
    case!(r, x().add(&z(&[4])), Shape, // RuntimeError
        "add: shapes cannot be broadcast together: lhs [2, 3], rhs [4]");
    case!(r, z(&[0]).mul(&z(&[3])), Shape, // RuntimeError
        "mul: shapes cannot be broadcast together: lhs [0], rhs [3]");
    case!(r, z(&[3]).gt(&z(&[4])), Shape, // RuntimeError
        "gt: shapes cannot be broadcast together: lhs [3], rhs [4]");
    case!(r, z(&[2, 1, 3]).pow(&z(&[4, 2])), Shape, // RuntimeError
        "pow: shapes cannot be broadcast together: lhs [2, 1, 3], rhs [4, 2]");
    case!(r, Tensor::where_cond(&b(), &z(&[4]), &x()), Shape, // RuntimeError
        "where: shapes cannot be broadcast together: lhs [4], rhs [2, 3]");
    case!(r, x().clamp(&z(&[4]), &z(&[3])), Shape, // RuntimeError
        "clamp: shapes cannot be broadcast together: lhs [4], rhs [3]");
    case!(r, x().addcmul(&z(&[4]), &x(), 1.0), Shape, // RuntimeError
        "addcmul: shapes cannot be broadcast together: lhs [4], rhs [2, 3]");
    case!(r, x().lerp(&z(&[5]), 0.5), Shape, // RuntimeError
        "lerp: shapes cannot be broadcast together: lhs [5], rhs [2, 3]");
    case!(r, x().masked_fill(&ids(&[0, 0, 0, 0]).eq(0i64).unwrap(), 0.0), Shape, // RuntimeError
        "masked_fill: shapes cannot be broadcast together: lhs [4], rhs [2, 3]");
}

#[rustfmt::skip]
fn bad_in_place(r: &mut Report) {
    case!(r, x().add_(&z(&[4, 2, 3])), Shape, // RuntimeError
        "add_: an in-place op cannot change the shape of its target: target [2, 3], result [4, 2, 3]");
    case!(r, z(&[1]).add_(&z(&[3])), Shape, // RuntimeError
        "add_: an in-place op cannot change the shape of its target: target [1], result [3]");
    case!(r, x().eq_(&z(&[4, 2, 3])), Shape, // RuntimeError
        "eq: an in-place op cannot change the shape of its target: target [2, 3], result [4, 2, 3]");
    case!(r, x().copy_(&z(&[2, 2, 3])), Shape, // RuntimeError
        "copy_: an in-place op cannot change the shape of its target: target [2, 3], result [2, 2, 3]");
    case!(r, x().copy_(&z(&[4])), Shape, // RuntimeError
        "copy_: shapes cannot be broadcast together: lhs [2, 3], rhs [4]");
    case!(r, x().masked_fill_(&b().expand([2, 2, 3]).unwrap(), 0.0), Shape, // RuntimeError
        "masked_fill_: an in-place op cannot change the shape of its target: target [2, 3], result [2, 2, 3]");
    case!(r, i().add_(1.5), DType, // RuntimeError
        "add_: result cannot be cast to the dtype of what it is written to: result float32, target int64");
    case!(r, i().div_(2i64), DType, // RuntimeError
        "div_: result cannot be cast to the dtype of what it is written to: result float32, target int64");
    case!(r, i().mul_(&x()), DType, // RuntimeError
        "mul_: result cannot be cast to the dtype of what it is written to: result float32, target int64");
    case!(r, i().sin_(), DType, // RuntimeError
        "sin_: result cannot be cast to the dtype of what it is written to: result float32, target int64");
    case!(r, b().add_(1i64), DType, // RuntimeError
        "add_: result cannot be cast to the dtype of what it is written to: result int64, target bool");
    case!(r, z(&[1]).expand([3]).unwrap().add_(1.0), Alias, // RuntimeError
        "add_: elements of the written tensor share memory; copy() it first: shape [3], strides [0]");
    case!(r, z(&[1]).expand([2, 3]).unwrap().copy_(&x()), Alias, // RuntimeError
        "copy_: elements of the written tensor share memory; copy() it first: shape [2, 3], strides [0, 0]");
    case!(r, x().requires_grad_(true).unwrap().add_(1.0), Autograd, // RuntimeError
        "add_: a leaf tensor that requires grad is being used in an in-place operation; use no_grad: shape [2, 3]");
    case!(r, i().fill_(f64::NAN), Value, // RuntimeError
        "fill_: value lies outside of the dtype's range: value NaN, dtype int64");
    case!(r, u().fill_(300i64), Value, // RuntimeError
        "fill_: value lies outside of the dtype's range: value 300, dtype uint8");
    case!(r, u().fill_(-256i64), Value, // RuntimeError
        "fill_: value lies outside of the dtype's range: value -256, dtype uint8");
    case!(r, Tensor::full(&[2], 3_000_000_000i64, DType::I32), Value, // RuntimeError
        "full: value lies outside of the dtype's range: value 3000000000, dtype int32");
    case!(r, Tensor::full_like(&u(), -1.0), Value, // RuntimeError
        "full_like: value lies outside of the dtype's range: value -1, dtype uint8");
    case!(r, u().masked_fill(&b().narrow(0, 0, 1).unwrap(), 256i64), Value, // RuntimeError
        "masked_fill: value lies outside of the dtype's range: value 256, dtype uint8");
}

#[rustfmt::skip]
fn bad_dtypes(r: &mut Report) {
    case!(r, b().sub(&b()), NotImplemented, // NotImplementedError
        "sub: not implemented for these dtypes: lhs bool, rhs bool");
    case!(r, b().sub(1i64), NotImplemented, // NotImplementedError
        "sub: not implemented for these dtypes: lhs bool, rhs int64");
    case!(r, i().sub(&b()), NotImplemented, // NotImplementedError
        "sub: not implemented for these dtypes: lhs int64, rhs bool");
    case!(r, b().neg(), NotImplemented, // NotImplementedError
        "neg: not implemented for this dtype: dtype bool");
    case!(r, b().floor_divide(&b()), NotImplemented, // NotImplementedError
        "floor_divide: not implemented for these dtypes: lhs bool, rhs bool");
    case!(r, b().pow(&b()), NotImplemented, // NotImplementedError
        "pow: not implemented for these dtypes: lhs bool, rhs bool");
    case!(r, b().remainder(&b()), NotImplemented, // NotImplementedError
        "remainder: not implemented for these dtypes: lhs bool, rhs bool");
    case!(r, b().ceil(), NotImplemented, // NotImplementedError
        "ceil: not implemented for this dtype: dtype bool");
    case!(r, i().frac(), NotImplemented, // NotImplementedError
        "frac: not implemented for this dtype: dtype int64");
    case!(r, x().bitwise_and(&x()), NotImplemented, // NotImplementedError
        "bitwise_and: not implemented for these dtypes: lhs float32, rhs float32");
    case!(r, x().bitwise_not(), NotImplemented, // NotImplementedError
        "bitwise_not: not implemented for this dtype: dtype float32");
    case!(r, b().lerp(&b(), 0.5), NotImplemented, // NotImplementedError
        "lerp: not implemented for this dtype: dtype bool");
    case!(r, i().lerp(&i(), 1i64), NotImplemented, // NotImplementedError
        "lerp: not implemented for this dtype: dtype int64");
    case!(r, x().lerp(&x().to_dtype(DType::F64).unwrap(), 0.5), DType, // RuntimeError
        "lerp: operands differ in dtype: start float32, end float64, weight float32");
    case!(r, z(&[0]).amax(Dims::all(), false), Shape, // RuntimeError
        "amax: an empty dimension has no element to choose: dim 0, shape [0]");
    case!(r, z(&[2, 0]).min(), Shape, // RuntimeError
        "min: an empty tensor has no extreme element: shape [2, 0]");
    case!(r, i().addcdiv(&i(), &i(), 1.0), DType, // RuntimeError
        "addcdiv: the quotient of two integer tensors is not supported: numerator int64, denominator int64");
    case!(r, b().addcmul(&b(), &b(), 1.0), NotImplemented, // NotImplementedError
        "addcmul: not implemented for this dtype: dtype bool");
    case!(r, b().clamp_min(false), NotImplemented, // NotImplementedError
        "clamp: not implemented for this dtype: dtype bool");
    case!(r, i().mean(), NotImplemented, // NotImplementedError
        "mean: needs a floating-point tensor: dtype int64");
    case!(r, b().mean_dim(0, false), NotImplemented, // NotImplementedError
        "mean: needs a floating-point tensor: dtype bool");
    case!(r, i().var(0, 1.0, false), NotImplemented, // NotImplementedError
        "var: needs a floating-point tensor: dtype int64");
    case!(r, b().argmax(None, false), NotImplemented, // NotImplementedError
        "argmax: not implemented for this dtype: dtype bool");
    case!(r, i().softmax(0), NotImplemented, // NotImplementedError
        "softmax: needs a floating-point tensor: dtype int64");
    case!(r, i().log_softmax(0), NotImplemented, // NotImplementedError
        "log_softmax: needs a floating-point tensor: dtype int64");
    case!(r, i().leaky_relu(0.1), NotImplemented, // NotImplementedError
        "leaky_relu: needs a floating-point tensor: dtype int64");
    case!(r, i().gelu(), NotImplemented, // NotImplementedError
        "gelu: needs a floating-point tensor: dtype int64");
    case!(r, i().elu(1.0), NotImplemented, // NotImplementedError
        "elu: needs a floating-point tensor: dtype int64");
    case!(r, i().softplus(1.0, 20.0), NotImplemented, // NotImplementedError
        "softplus: needs a floating-point tensor: dtype int64");
    case!(r, i().silu(), NotImplemented, // NotImplementedError
        "silu: needs a floating-point tensor: dtype int64");
    case!(r, i().logsigmoid(), NotImplemented, // NotImplementedError
        "logsigmoid: needs a floating-point tensor: dtype int64");
    case!(r, Tensor::where_cond(&x(), &x(), &x()), DType, // RuntimeError
        "where: condition is not bool: dtype float32");
    case!(r, x().masked_fill(&x(), 0.0), DType, // RuntimeError
        "masked_fill: condition is not bool: dtype float32");
    case!(r, i().requires_grad_(true), DType, // RuntimeError
        "requires_grad_: only floating-point tensors can require gradients: dtype int64");
    case!(r, x().to_vec::<f64>(), DType, // RuntimeError
        "to_vec: elements are of another dtype: asked float64, dtype float32");
}

#[rustfmt::skip]
fn bad_division_and_powers(r: &mut Report) {
    case!(r, i().floor_divide(0i64), ZeroDivision, // RuntimeError
        "floor_divide: integer division by zero: dtype int64");
    case!(r, i().remainder(&i()), ZeroDivision, // RuntimeError
        "remainder: integer division by zero: dtype int64");
    case!(r, i().fmod(0i64), ZeroDivision, "fmod: integer division by zero: dtype int64"); // RuntimeError
    case!(r, i().pow(-1i64), Value, // RuntimeError
        "pow: integers to negative integer powers are not allowed: exponent -1");
}

#[rustfmt::skip]
fn bad_products(r: &mut Report) {
    case!(r, x().matmul(&x()), Shape, "matmul: inner sizes differ: lhs [2, 3], rhs [2, 3]"); // RuntimeError
    case!(r, x().matmul(&z(&[])), Shape, // RuntimeError
        "matmul: both operands need at least 1 dimension: lhs [2, 3], rhs []");
    case!(r, z(&[3]).matmul(&z(&[4])), Shape, "matmul: inner sizes differ: lhs [3], rhs [4]"); // RuntimeError
    case!(r, z(&[2, 3, 4]).matmul(&z(&[3, 4, 5])), Shape, // RuntimeError
        "matmul: leading sizes cannot be broadcast together: lhs [2, 3, 4], rhs [3, 4, 5]");
    case!(r, z(&[0, 3]).matmul(&z(&[0, 4])), Shape, // RuntimeError
        "matmul: inner sizes differ: lhs [0, 3], rhs [0, 4]");
    case!(r, x().matmul(&z(&[3]).to_dtype(DType::F64).unwrap()), DType, // RuntimeError
        "matmul: operands differ in dtype: lhs float32, rhs float64");
    case!(r, b().matmul(&b().t().unwrap()), NotImplemented, // NotImplementedError
        "matmul: not implemented for this dtype: dtype bool");
}

#[rustfmt::skip]
fn bad_reductions(r: &mut Report) {
    case!(r, x().sum_dim(2, false), Dim, "sum: dimension out of range: dim 2, rank 2"); // IndexError
    case!(r, x().sum_dim(-3, false), Dim, "sum: dimension out of range: dim -3, rank 2"); // IndexError
    case!(r, x().amax([0, -2], false), Shape, // RuntimeError
        "amax: dimension appears more than once: dim -2, dims [0, -2]");
    case!(r, z(&[]).sum_dim(1, false), Dim, "sum: dimension out of range: dim 1, rank 0"); // IndexError
    case!(r, z(&[0]).max(), Shape, "max: an empty tensor has no extreme element: shape [0]"); // RuntimeError
    case!(r, z(&[0, 3]).amax(0, false), Index, // IndexError
        "amax: an empty dimension has no element to choose: dim 0, shape [0, 3]");
    case!(r, z(&[0]).argmax(None, false), Index, // IndexError
        "argmax: an empty dimension has no element to choose: dim 0, shape [0]");
    case!(r, z(&[0, 3]).argmin(Some(0), false), Index, // IndexError
        "argmin: an empty dimension has no element to choose: dim 0, shape [0, 3]");
    case!(r, z(&[0, 3]).max_dim(0, false), Index, // IndexError
        "max: an empty dimension has no element to choose: dim 0, shape [0, 3]");
    case!(r, x().softmax(2), Dim, "softmax: dimension out of range: dim 2, rank 2"); // IndexError
    case!(r, z(&[]).softmax(1), Dim, "softmax: dimension out of range: dim 1, rank 0"); // IndexError
    case!(r, x().item(), Shape, "item: needs a tensor of one element: shape [2, 3]"); // RuntimeError
    case!(r, z(&[0]).item_f64(), Shape, "item: needs a tensor of one element: shape [0]"); // RuntimeError
}

#[rustfmt::skip]
fn bad_views(r: &mut Report) {
    case!(r, x().reshape([-1, 0]), Shape, // RuntimeError
        "reshape: number of elements differs: shape [2, 3], requested [-1, 0]");
    case!(r, z(&[2, 0]).reshape([-1, 0]), Shape, // RuntimeError
        "reshape: the size of -1 is ambiguous next to a size of 0: shape [2, 0], requested [-1, 0]");
    case!(r, x().reshape([7]), Shape, // RuntimeError
        "reshape: number of elements differs: shape [2, 3], requested [7]");
    case!(r, x().reshape([-1, -1]), Shape, // RuntimeError
        "reshape: only one size can be inferred: shape [2, 3], requested [-1, -1]");
    case!(r, x().reshape([-2, 3]), Shape, // RuntimeError
        "reshape: invalid size: shape [2, 3], requested [-2, 3]");
    case!(r, x().reshape([4, -1]), Shape, // RuntimeError
        "reshape: number of elements differs: shape [2, 3], requested [4, -1]");
    case!(r, x().reshape([isize::MAX, isize::MAX, 6]), Shape, // RuntimeError
        "reshape: number of elements overflows: shape [2, 3], requested [9223372036854775807, 9223372036854775807, 6]");
    case!(r, x().t().unwrap().view([6]), Shape, // RuntimeError
        "view: strides do not allow a view of this shape; use reshape: shape [3, 2], strides [1, 3], requested [6]");
    case!(r, x().permute([0]), Shape, // RuntimeError
        "permute: number of dims differs from the rank: dims [0], shape [2, 3]");
    case!(r, x().permute([0, 0]), Shape, // RuntimeError
        "permute: dimension appears more than once: dim 0, dims [0, 0]");
    case!(r, x().permute([0, 2]), Dim, "permute: dimension out of range: dim 2, rank 2"); // IndexError
    case!(r, x().transpose(0, 2), Dim, "transpose: dimension out of range: dim 2, rank 2"); // IndexError
    case!(r, z(&[2, 3, 4]).t(), Shape, "t: needs at most 2 dimensions: shape [2, 3, 4]"); // RuntimeError
    case!(r, z(&[3]).mt(), Shape, "mT: needs at least 2 dimensions: shape [3]"); // RuntimeError
    case!(r, x().movedim([0, 1], [0]), Shape, // RuntimeError
        "movedim: source and destination differ in number: source [0, 1], destination [0]");
    case!(r, x().movedim([0, 0], [0, 1]), Shape, // RuntimeError
        "movedim: dimension appears more than once: dim 0, dims [0, 0]");
    case!(r, x().movedim([0], [2]), Dim, "movedim: dimension out of range: dim 2, rank 2"); // IndexError
    case!(r, x().narrow(1, 2, 2), Shape, // RuntimeError
        "narrow: start and length exceed the size: start 2, length 2, size 3");
    case!(r, x().narrow(1, 4, 0), Index, // IndexError
        "narrow: start and length exceed the size: start 4, length 0, size 3");
    case!(r, x().narrow(1, -4, 1), Index, // IndexError
        "narrow: start and length exceed the size: start -4, length 1, size 3");
    case!(r, x().narrow(1, isize::MIN, usize::MAX), Index, // IndexError
        "narrow: start and length exceed the size: start -9223372036854775808, length 18446744073709551615, size 3");
    case!(r, z(&[]).narrow(0, 0, 1), Shape, "narrow: cannot be applied to a 0-d tensor"); // RuntimeError
    case!(r, x().select(1, 3), Index, "select: index out of range: index 3, dim 1, size 3"); // IndexError
    case!(r, x().select(0, -3), Index, "select: index out of range: index -3, dim 0, size 2"); // IndexError
    case!(r, z(&[]).select(0, 0), Dim, "select: cannot be applied to a 0-d tensor: dim 0"); // IndexError
    case!(r, x().slice(0, None, None, 0), Value, "slice: step is zero: dim 0"); // ValueError
    case!(r, x().slice(2, None, None, 1), Dim, "slice: dimension out of range: dim 2, rank 2"); // IndexError
    case!(r, x().i((0, 0, 0)), Index, // IndexError
        "index: more indices than dimensions: indices 3, shape [2, 3]");
    case!(r, x().i((0, 5)), Index, "select: index out of range: index 5, dim 0, size 3"); // IndexError
    case!(r, z(&[]).i(0), Index, "index: more indices than dimensions: indices 1, shape []"); // IndexError
    case!(r, x().i((Index::Ellipsis, Index::Ellipsis, 0)), Dim, // IndexError
        "select: dimension out of range: dim 2, rank 2");
    case!(r, x().expand([3, 3]), Shape, // RuntimeError
        "expand: a size other than 1 cannot be expanded: shape [2, 3], requested [3, 3]");
    case!(r, x().expand([3]), Shape, // RuntimeError
        "expand: fewer dimensions requested than there are: shape [2, 3], requested [3]");
    case!(r, x().expand([-1, 2, 3]), Shape, // RuntimeError
        "expand: a size other than 1 cannot be expanded: shape [2, 3], requested [-1, 2, 3]");
    case!(r, x().expand([2, -2]), Shape, // RuntimeError
        "expand: a size other than 1 cannot be expanded: shape [2, 3], requested [2, -2]");
    case!(r, x().squeeze(2), Dim, "squeeze: dimension out of range: dim 2, rank 2"); // IndexError
    case!(r, x().unsqueeze(3), Dim, "unsqueeze: dimension out of range: dim 3, rank 3"); // IndexError
    case!(r, x().unsqueeze(-4), Dim, "unsqueeze: dimension out of range: dim -4, rank 3"); // IndexError
    case!(r, x().unfold(1, 4, 1), Value, // RuntimeError
        "unfold: size exceeds the dimension or step is zero: size 4, step 1, dim size 3");
    case!(r, x().unfold(1, 2, 0), Value, // RuntimeError
        "unfold: size exceeds the dimension or step is zero: size 2, step 0, dim size 3");
    case!(r, x().unfold(2, 1, 1), Dim, "unfold: dimension out of range: dim 2, rank 2"); // IndexError
    case!(r, x().diagonal(0, 0, 0), Shape, // RuntimeError
        "diagonal: needs two different dimensions: dim0 0, dim1 0, rank 2");
    case!(r, x().diagonal(0, 0, 2), Dim, "diagonal: dimension out of range: dim 2, rank 2"); // IndexError
    case!(r, x().as_strided(&[2, 3], &[3, 1], 1), Value, // RuntimeError
        "as_strided: a position lies outside of the memory: shape [2, 3], strides [3, 1], offset 1, elements 6");
    case!(r, x().as_strided(&[2], &[-1], 0), Value, // RuntimeError
        "as_strided: a position lies outside of the memory: shape [2], strides [-1], offset 0, elements 6");
    case!(r, x().as_strided(&[2], &[3, 1], 0), Shape, // RuntimeError
        "as_strided: shape and strides differ in length: shape [2], strides [3, 1]");
    case!(r, x().split(0, 0), Value, "split: size is zero: dim 0"); // RuntimeError
    case!(r, z(&[]).split(1, 0), Shape, "split: a 0-d tensor has no dimension: dim 0"); // RuntimeError
    case!(r, x().chunk(0, 0), Value, "chunk: number of chunks is zero: dim 0"); // RuntimeError
    case!(r, z(&[]).chunk(1, 0), Shape, "chunk: a 0-d tensor has no dimension: dim 0"); // RuntimeError
    case!(r, x().chunk(2, 2), Dim, "chunk: dimension out of range: dim 2, rank 2"); // IndexError
    case!(r, x().unbind(2), Dim, "unbind: dimension out of range: dim 2, shape [2, 3]"); // IndexError
    case!(r, z(&[]).unbind(0), Dim, "unbind: a 0-d tensor has no dimension: dim 0, shape []"); // IndexError
    case!(r, x().flatten_dims(1, 0), Shape, // RuntimeError
        "flatten: start dim lies behind end dim: start 1, end 0");
    case!(r, x().unflatten(0, [3, -1]), Shape, // RuntimeError
        "unflatten: number of elements differs: shape [2], requested [3, -1]");
    case!(r, z(&[]).unflatten(0, [1]), Shape, // RuntimeError
        "unflatten: a 0-d tensor has no dimension: dim 0");
    case!(r, x().flip([0, 0]), Shape, // RuntimeError
        "flip: dimension appears more than once: dim 0, dims [0, 0]");
    case!(r, z(&[]).size(0), Dim, "size: a 0-d tensor has no dimension: dim 0"); // IndexError
    case!(r, x().size(-3), Dim, "size: dimension out of range: dim -3, rank 2"); // IndexError
}

#[rustfmt::skip]
fn bad_index_tensors(r: &mut Report) {
    case!(r, x().gather(2, &i()), Dim, "gather: dimension out of range: dim 2, rank 2"); // IndexError
    case!(r, x().gather(0, &ids(&[0])), Shape, // RuntimeError
        "gather: index and tensor differ in rank: index [1], tensor [2, 3], dim 0");
    case!(r, x().gather(1, &ids(&[0, 0, 0]).view([3, 1]).unwrap()), Shape, // RuntimeError
        "gather: index is larger on another dimension: index [3, 1], tensor [2, 3], dim 1");
    case!(r, x().gather(0, &ids(&[2, 0, 0]).view([1, 3]).unwrap()), IndexValue, // RuntimeError
        "gather: index out of bounds: index 2, size 2");
    case!(r, x().gather(0, &ids(&[-1, 0, 0]).view([1, 3]).unwrap()), IndexValue, // RuntimeError
        "gather: index out of bounds: index -1, size 2");
    case!(r, x().gather(0, &x()), DType, // RuntimeError
        "gather: index must be int64 or int32: dtype float32");
    case!(r, x().index_select(0, &ids(&[0, -1])), Index, // IndexError
        "index_select: index out of range: index -1, size 2");
    case!(r, x().index_select(0, &ids(&[2])), Index, // IndexError
        "index_select: index out of range: index 2, size 2");
    case!(r, x().index_select(0, &i()), Index, // IndexError
        "index_select: index must be a vector: index [2, 3]");
    case!(r, x().index_select(0, &x().select(0, 0).unwrap()), DType, // RuntimeError
        "index_select: index must be int64 or int32: dtype float32");
    case!(r, x().scatter(0, &i(), &x().to_dtype(DType::F64).unwrap()), DType, // RuntimeError
        "scatter: source and tensor differ in dtype: source float64, tensor float32");
    case!(r, x().scatter(0, &ids(&[0, 0, 2]).view([1, 3]).unwrap(), &x()), IndexValue, // RuntimeError
        "scatter: index out of bounds: index 2, size 2");
    case!(r, x().scatter(0, &ids(&[0]), &x()), Shape, // RuntimeError
        "scatter: index and tensor differ in rank: index [1], tensor [2, 3], dim 0");
    case!(r, x().scatter(1, &ids(&[0, 0, 0]).view([3, 1]).unwrap(), &z(&[3, 3])), Shape, // RuntimeError
        "scatter: index is larger on another dimension: index [3, 1], tensor [2, 3], dim 1");
    case!(r, x().scatter_add(0, &ids(&[0; 9]).view([3, 3]).unwrap(), &x()), Shape, // RuntimeError
        "scatter_add: index is larger on another dimension: index [3, 3], source [2, 3]");
    case!(r, x().scatter_add_(2, &i(), &x()), Dim, // IndexError
        "scatter_add: dimension out of range: dim 2, rank 2");
}

#[rustfmt::skip]
fn bad_joining(r: &mut Report) {
    case!(r, Tensor::cat(&[], 0), Argument, "cat: needs at least one tensor"); // ValueError
    case!(r, Tensor::cat(&[&z(&[]), &x()], 0), Shape, // RuntimeError
        "cat: a 0-d tensor cannot be joined: tensor 0");
    case!(r, Tensor::cat(&[&x(), &z(&[2, 2])], 0), Shape, // RuntimeError
        "cat: sizes differ on a dimension that is not joined: dim 0, tensor 1, shape [2, 2], first [2, 3]");
    case!(r, Tensor::cat(&[&x(), &z(&[3])], 0), Shape, // RuntimeError
        "cat: numbers of dimensions differ: dim 0, tensor 1, shape [3], first [2, 3]");
    case!(r, Tensor::cat(&[&x(), &x()], 2), Dim, "cat: dimension out of range: dim 2, rank 2"); // IndexError
    case!(r, Tensor::stack(&[], 0), Value, "stack: needs at least one tensor"); // RuntimeError
    case!(r, Tensor::stack(&[&x(), &z(&[3, 2])], 0), Shape, // RuntimeError
        "stack: shapes differ: tensor 1, shape [3, 2], first [2, 3]");
    case!(r, Tensor::stack(&[&x(), &x()], 3), Dim, // IndexError
        "stack: dimension out of range: dim 3, rank 3");
}

#[rustfmt::skip]
fn bad_creation(r: &mut Report) {
    case!(r, Tensor::from_vec(vec![1f32; 5], &[2, 3]), Shape, // RuntimeError
        "from_vec: number of elements differs from the shape's: elements 5, shape [2, 3]");
    case!(r, Tensor::arange(0i64, 5i64, 0i64, DType::I64), Value, // RuntimeError
        "arange: step is zero or leads away from the end: start 0, end 5, step 0");
    case!(r, Tensor::arange(5.0, 0.0, 1.0, DType::F32), Value, // RuntimeError
        "arange: step is zero or leads away from the end: start 5, end 0, step 1");
    case!(r, Tensor::arange(0.0, f64::INFINITY, 1.0, DType::F32), Value, // RuntimeError
        "arange: bounds and step are not finite: start 0, end inf, step 1");
    case!(r, Tensor::arange(0.0, 1.0, f64::INFINITY, DType::F32), Value, // RuntimeError
        "arange: bounds and step are not finite: start 0, end 1, step inf");
    case!(r, Tensor::randint(5, 5, &[3], DType::I64), Value, // RuntimeError
        "randint: range is empty or not contained in the dtype: low 5, high 5");
    case!(r, Tensor::randint(0, 300, &[3], DType::U8), Value, // RuntimeError
        "randint: range is empty or not contained in the dtype: low 0, high 300");
    case!(r, Tensor::rand(&[3], DType::I64), NotImplemented, // NotImplementedError
        "rand: has no form for this dtype: dtype int64");
    case!(r, x().uniform_(1.0, 0.0), Value, // RuntimeError
        "uniform: not a range of finite numbers of the dtype: from 1, to 0");
    case!(r, x().uniform_(f64::NAN, 1.0), Value, // RuntimeError
        "uniform: not a range of finite numbers of the dtype: from NaN, to 1");
    case!(r, x().normal_(0.0, -1.0), Value, "normal: standard deviation is not >= 0: std -1"); // RuntimeError
    case!(r, x().bernoulli_(1.5), Value, "bernoulli: probability is not in [0, 1]: p 1.5"); // RuntimeError
    case!(r, x().exponential_(0.0), Value, "exponential: rate is not > 0: lambda 0"); // RuntimeError
    case!(r, i().uniform_(0.0, 1.0), NotImplemented, // NotImplementedError
        "uniform_: has no form for this dtype: dtype int64");
}

#[rustfmt::skip]
fn bad_sizes(r: &mut Report) {
    case!(r, Tensor::zeros(&[1 << 32, 1 << 32], DType::U8), Memory, // RuntimeError
        "zeros: number of elements overflows: shape [4294967296, 4294967296]");
    case!(r, Tensor::zeros(&[1 << 60], DType::U8), Memory, // RuntimeError
        "alloc: out of memory: bytes 1152921504606846976");
    case!(r, Tensor::empty(&[1 << 57], DType::F64), Memory, // RuntimeError
        "alloc: out of memory: bytes 1152921504606846976");
    case!(r, Tensor::ones(&[1 << 61], DType::F64), Memory, // RuntimeError
        "ones: size in bytes overflows: shape [2305843009213693952], dtype float64");
    case!(r, Tensor::ones(&[1 << 62, 2], DType::U8), Memory, // RuntimeError
        "ones: number of elements overflows: shape [4611686018427387904, 2]");
    case!(r, Tensor::zeros(&[usize::MAX], DType::U8), Memory, // RuntimeError
        "zeros: number of elements overflows: shape [18446744073709551615]");
    case!(r, Tensor::zeros(&[0, usize::MAX], DType::U8), Memory, // RuntimeError
        "zeros: number of elements overflows: shape [0, 18446744073709551615]");
    case!(r, Tensor::eye(1 << 32, DType::F32), Memory, // RuntimeError
        "eye: number of elements overflows: shape [4294967296, 4294967296]");
    case!(r, Tensor::arange(0i64, i64::MAX, 1i64, DType::F64), Memory, // RuntimeError
        "arange: number of elements overflows: shape [9223372036854775808]");
    case!(r, Tensor::arange(i64::MIN, i64::MAX, 1i64, DType::U8), Memory, // RuntimeError
        "arange: number of elements overflows: elements 18446744073709552000");
    case!(r, Tensor::arange(-1e308, 1e308, 1e-300, DType::F64), Memory, // RuntimeError
        "arange: number of elements overflows: elements inf");
    case!(r, Tensor::randperm(1 << 60), Memory, // RuntimeError
        "randperm: allocation failed: elements 1152921504606846976");
    case!(r, x().expand([1 << 40, 1 << 40, 2, 3]), Memory, // RuntimeError
        "expand: number of elements overflows: shape [1099511627776, 1099511627776, 2, 3]");
    case!(r, z(&[1]).expand([1 << 60]).unwrap().copy(), Memory, // RuntimeError
        "alloc: out of memory: bytes 4611686018427387904");
    case!(r, z(&[1]).expand([1 << 60]).unwrap().exp(), Memory, // RuntimeError
        "alloc: out of memory: bytes 4611686018427387904");
    case!(r, z(&[1 << 30, 0]).matmul(&z(&[0, 1 << 30])), Memory, // RuntimeError
        "alloc: out of memory: bytes 4611686018427387904");
    case!(r, z(&[0, 1 << 40, 1 << 40]).flatten_dims(1, 2), Memory, // RuntimeError
        "flatten: number of elements overflows: shape [1099511627776, 1099511627776]");
    case!(r, z(&[0, 1 << 60]).sum_dim(0, false), Memory, // RuntimeError
        "alloc: out of memory: bytes 4611686018427387904");
}

#[rustfmt::skip]
fn bad_gradients(r: &mut Report) {
    case!(r, x().backward(), Autograd, // RuntimeError
        "backward: an output requires no gradient and has no grad_fn: output 0");
    case!(r, x().requires_grad_(true).unwrap().backward(), Autograd, // RuntimeError
        "backward: gradient can be created implicitly only for scalar outputs: shape [2, 3]");
    case!(r, x().register_hook(|_| Ok(None)), Autograd, // RuntimeError
        "register_hook: cannot register a hook on a tensor that requires no gradient");
    case!(r, x().retain_grad(), Autograd, // RuntimeError
        "retain_grad: cannot keep the gradient of a tensor that requires none");
    case!(r, x().set_grad(Some(z(&[3]))), Autograd, // RuntimeError
        "grad: gradient and tensor differ: gradient [3], tensor [2, 3], gradient dtype float32, tensor dtype float32");
    case!(r, x().requires_grad_(true).unwrap().exp().unwrap().requires_grad_(false), Autograd, // RuntimeError
        "requires_grad_: can be switched off for leaves only; detach() the tensor instead");
    case!(r, grad(&[], &[&x()], &[], GradOptions::default()), Autograd, // RuntimeError
        "grad: an input requires no gradient: input 0");
}

#[test]
fn every_bad_call_has_its_own_error_and_the_process_lives_on() {
    let mut r = Report { cases: 0, faults: Vec::new() };
    for part in [
        bad_broadcasting,
        bad_in_place,
        bad_dtypes,
        bad_division_and_powers,
        bad_products,
        bad_reductions,
        bad_views,
        bad_index_tensors,
        bad_joining,
        bad_creation,
        bad_sizes,
        bad_gradients,
    ] {
        part(&mut r);
    }
    assert!(r.cases >= 200, "{} cases", r.cases);
    assert!(r.faults.is_empty(), "{} of {} cases:\n{}", r.faults.len(), r.cases, r.faults.join("\n"));
    assert_eq!(x().add(1.0).unwrap().sum().unwrap().item_f64().unwrap(), 6.0);
}

#[test]
fn errors_carry_their_values_and_op_apart_from_the_text() {
    let e = x().matmul(&x()).unwrap_err();
    assert_eq!((e.op(), e.rule(), e.kind()), ("matmul", "inner sizes differ", ErrorKind::Shape));
    assert_eq!(e.value("lhs").unwrap().to_string(), "[2, 3]");
    assert!(e.value("nothing").is_none());
    // They travel as any error does, from any thread.
    let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(e);
    let text = std::thread::spawn(move || boxed.to_string()).join().unwrap();
    assert_eq!(text, "matmul: inner sizes differ: lhs [2, 3], rhs [2, 3]");
}

/// Sizes that PyTorch refuses as negative cannot be written down, and a request that fails leaves the
/// memory that there was.
#[test]
fn failed_allocations_leave_no_trace() {
    if !alone("failed_allocations_leave_no_trace") {
        return;
    }
    let before = rusttorch::memory::stats().in_use;
    for _ in 0..100 {
        Tensor::zeros(&[1 << 60], DType::U8).unwrap_err();
        z(&[1]).expand([1 << 60]).unwrap().mul(2.0).unwrap_err();
    }
    assert!(rusttorch::memory::stats().in_use <= before + 65536);
}

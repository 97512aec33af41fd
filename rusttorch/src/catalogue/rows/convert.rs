//! From what PyTorch's functions take to what the methods take, where types alone do not say it.

use rusttorch_backend::{DType, ErrorKind, Result, Scalar, Shape, TensorError};

use crate::catalogue::Value;
use crate::catalogue::value::{Parameter, TensorOrNumber};
use crate::ops::Sections;
use crate::tensor::Tensor;

/// Error: `Type`.
pub(super) fn wrong_kind(op: &'static str, name: &'static str, value: &Value) -> TensorError {
    TensorError::new(ErrorKind::Type, op, "argument of another kind")
        .with("argument", name)
        .with("given", value.kind())
}

/// A number that counts something. Error: `Value` where it is negative.
pub(super) fn count(op: &'static str, name: &'static str, n: isize) -> Result<usize> {
    usize::try_from(n).map_err(|_| TensorError::new(ErrorKind::Value, op, "is negative").with(name, n))
}

/// Sizes. Error: `Shape` where one is negative.
pub(super) fn sizes(op: &'static str, size: &[isize]) -> Result<Shape> {
    let one = |&n: &isize| {
        usize::try_from(n)
            .map_err(|_| TensorError::new(ErrorKind::Shape, op, "a size is negative").with("size", size))
    };
    size.iter().map(one).collect()
}

/// The sides of a matrix. Error: `Value` where one is negative.
pub(super) fn bounds_of_matrix(op: &'static str, rows: isize, columns: isize) -> Result<(usize, usize)> {
    Ok((count(op, "rows", rows)?, count(op, "columns", columns)?))
}

/// The number that a number or a 0-d tensor is. Error: `Shape` for other tensors.
pub(super) fn number(op: &'static str, value: &TensorOrNumber) -> Result<Scalar> {
    match value {
        TensorOrNumber::Number(s) => Ok(*s),
        TensorOrNumber::Tensor(t) if t.rank() == 0 => t.item(),
        TensorOrNumber::Tensor(t) => {
            Err(TensorError::new(ErrorKind::Shape, op, "needs a number or a 0-d tensor")
                .with("shape", t.shape()))
        }
    }
}

/// The start, end and step of `arange(end)` and `arange(start, end, step)`.
pub(super) fn range(start: &Value, end: &Value, step: &Value) -> Result<[Scalar; 3]> {
    const OP: &str = "arange";
    let read = |name: &'static str, value: &Value| {
        let given = TensorOrNumber::of(value).ok_or_else(|| wrong_kind(OP, name, value))?;
        number(OP, &given)
    };
    let (start, end) = match (start, end) {
        (end, Value::None) => (&Value::Scalar(Scalar::Int(0)), end),
        (Value::None, end) => (&Value::Scalar(Scalar::Int(0)), end),
        both => both,
    };
    Ok([read("start", start)?, read("end", end)?, read("step", step)?])
}

/// The bounds and the size of `randint(high, size)` and `randint(low, high, size)`.
pub(super) fn bounds_and_size(low: &Value, high: &Value, size: &Value) -> Result<(i64, i64, Shape)> {
    const OP: &str = "randint";
    let zero = Value::Scalar(Scalar::Int(0));
    let (low, high, size) = match (low, high, size) {
        (high, size, Value::None) => (&zero, high, size),
        (Value::None, high, size) => (&zero, high, size),
        all => all,
    };
    let whole = |name: &'static str, v: &Value| i64::of(v).ok_or_else(|| wrong_kind(OP, name, v));
    let listed = Vec::<isize>::of(size).ok_or_else(|| wrong_kind(OP, "size", size))?;
    Ok((whole("low", low)?, whole("high", high)?, sizes(OP, &listed)?))
}

/// Where a tensor is cut: a number of parts, or the indices between them; either may be a tensor.
/// Errors: `Value`, `Type`; `Shape` and `DType` for a tensor.
pub(super) fn sections(op: &'static str, value: &Value) -> Result<Sections> {
    if let Value::Tensor(t) = value {
        if t.dtype() != DType::I64 {
            return Err(TensorError::new(ErrorKind::DType, op, "a tensor of sections must be int64")
                .with("dtype", t.dtype()));
        }
        let listed = t.to_vec::<i64>()?;
        return match (t.rank(), &listed[..]) {
            (0, &[n]) => Ok(Sections::Count(count(op, "sections", n as isize)?)),
            (1, _) => Ok(Sections::At(listed.iter().map(|&i| i as isize).collect())),
            _ => Err(TensorError::new(ErrorKind::Shape, op, "a tensor of sections must be 0-d or a vector")
                .with("shape", t.shape())),
        };
    }
    match isize::of(value) {
        Some(n) => Ok(Sections::Count(count(op, "sections", n)?)),
        None => Vec::<isize>::of(value)
            .map(Sections::At)
            .ok_or_else(|| wrong_kind(op, "indices_or_sections", value)),
    }
}

/// The start of `narrow`: a number, or a 0-d tensor of integers. Errors: `Type`, `Value`.
pub(super) fn start(value: &Value) -> Result<isize> {
    const OP: &str = "narrow";
    match value {
        Value::Tensor(t) if t.rank() == 0 && t.dtype().is_int() => Ok(t.item()?.to_i64() as isize),
        Value::Tensor(t) => {
            Err(TensorError::new(ErrorKind::Value, OP, "start must be a 0-d tensor of integers")
                .with("shape", t.shape())
                .with("dtype", t.dtype()))
        }
        v => isize::of(v).ok_or_else(|| wrong_kind(OP, "start", v)),
    }
}

/// `torch.tensor(data)`: a copy of a tensor, or nested lists of numbers and tensors of one element. Errors:
/// `Argument` for lists that differ in length, `Type` for what is no number, `Value` for numbers that the dtype does
/// not hold.
pub(super) fn tensor_of(data: &Value, dtype: Option<DType>) -> Result<Tensor> {
    const OP: &str = "tensor";
    if let Value::Tensor(t) = data {
        return t.new_tensor(t, dtype.unwrap_or(t.dtype()));
    }
    let mut shape = Shape::new();
    let mut level = data;
    while let Value::List(items) = level {
        shape.push(items.len());
        match items.first() {
            Some(first) => level = first,
            None => break,
        }
    }
    let (mut numbers, mut joined) = (Vec::new(), None);
    collect(data, &shape, &mut numbers, &mut joined)?;
    let dtype = dtype.or(joined).unwrap_or(DType::DEFAULT_FLOAT);
    rusttorch_backend::match_dtype!(dtype, T => {
        let read = |&v: &Scalar| {
            // A list rounds to infinity what a constant of `full` may not be.
            let v = if dtype.is_float() { v } else { crate::ops::select::castable(OP, v, dtype)? };
            Ok(<T as rusttorch_backend::Element>::from_scalar(v))
        };
        let elements = numbers.iter().map(read).collect::<Result<Vec<T>>>()?;
        crate::ops::create::upload(OP, &elements, &shape)
    })
}

/// The numbers of nested lists of this shape in row-major order, and the dtype that holds them.
fn collect(
    data: &Value,
    shape: &[usize],
    numbers: &mut Vec<Scalar>,
    joined: &mut Option<DType>,
) -> Result<()> {
    const OP: &str = "tensor";
    let number = match (data, shape) {
        (Value::List(items), [n, rest @ ..]) if items.len() == *n => {
            return items.iter().try_for_each(|v| collect(v, rest, numbers, joined));
        }
        (Value::List(items), [n, ..]) => {
            return Err(TensorError::new(ErrorKind::Argument, OP, "lists differ in length")
                .with("expected", *n)
                .with("given", items.len()));
        }
        (Value::Scalar(s), []) => *s,
        (Value::Tensor(t), []) if t.numel() == 1 => t.item()?,
        (Value::None, _) => return Err(TensorError::new(ErrorKind::DType, OP, "None has no dtype")),
        (other, _) => return Err(wrong_kind(OP, "data", other)),
    };
    let dtype = match data {
        Value::Tensor(t) => t.dtype(),
        _ => number.dtype(),
    };
    *joined = Some(joined.map_or(dtype, |j| j.promote(dtype)));
    numbers.push(number);
    Ok(())
}

/// Each tensor of a list, or one tensor, made by `each`: `atleast_1d(*tensors)`.
pub(super) fn each(
    op: &'static str,
    tensors: &Value,
    each: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Value> {
    match tensors {
        Value::Tensor(t) => each(t).map(Value::from),
        list => {
            let list = Vec::<Tensor>::of(list).ok_or_else(|| wrong_kind(op, "tensors", list))?;
            Ok(list.iter().map(each).collect::<Result<Vec<_>>>()?.into())
        }
    }
}

/// Owned tensors as the methods take them.
pub(super) fn refs(tensors: &[Tensor]) -> Vec<&Tensor> {
    tensors.iter().collect()
}

//! Indexing.

use rusttorch_backend::{ErrorKind, Result, Scalar, TensorError};

use crate::catalogue::macros::rows;
use crate::catalogue::value::{Parameter, TensorOrNumber};
use crate::catalogue::{NONE, Value};
use crate::ops::{Index, ScatterReduce};
use crate::tensor::Tensor;

rows! { ROWS: Indexing;
    "torch.Tensor.__getitem__" (input: Tensor, index: Value) => input.i(entries("index", &index)?);
    "torch.Tensor.__setitem__" (input: Tensor, index: Value, value: TensorOrNumber)
        => input.i_(entries("index_put_", &index)?, &value);
    "torch.index_select" (input: Tensor, dim: isize, index: Tensor) out => input.index_select(dim, &index);
    "torch.gather" (input: Tensor, dim: isize, index: Tensor; sparse_grad: bool = false) out
        => dense(sparse_grad).and_then(|()| input.gather(dim, &index));
    "torch.take" (input: Tensor, index: Tensor) out => input.take(&index);
    "torch.take_along_dim" (input: Tensor, indices: Tensor, dim: Option<isize> = NONE) out
        => input.take_along_dim(&indices, dim);
    "torch.masked_select" (input: Tensor, mask: Tensor) out => input.masked_select(&mask);
    "torch.nonzero" (input: Tensor; as_tuple: bool = false) out => nonzero(&input, as_tuple);
    "torch.argwhere" (input: Tensor) => input.argwhere();
    "torch.scatter" (
        input: Tensor, dim: isize, index: Tensor, src: Option<TensorOrNumber> = NONE;
        value: Option<Scalar> = NONE, reduce: Option<String> = NONE
    ) out => Scatter::new(&input, &index, src, value, reduce)?.call(&input, dim, &index),
        in_place Scatter::new(&input, &index, src, value, reduce)?.call_(&input, dim, &index);
    "torch.scatter_add" (input: Tensor, dim: isize, index: Tensor, src: Tensor) out
        => input.scatter_add(dim, &index, &src), in_place input.scatter_add_(dim, &index, &src);
    "torch.scatter_reduce" (
        input: Tensor, dim: isize, index: Tensor, src: Tensor, reduce: String; include_self: bool = true
    ) out => input.scatter_reduce(dim, &index, &src, reduction("scatter_reduce", &reduce)?, include_self),
        in_place input.scatter_reduce_(dim, &index, &src, reduction("scatter_reduce_", &reduce)?, include_self);
    "torch.index_add" (input: Tensor, dim: isize, index: Tensor, source: Tensor; alpha: Scalar = 1i64) out
        => input.index_add(dim, &index, &source, alpha),
        in_place input.index_add_(dim, &index, &source, alpha);
    "torch.index_copy" (input: Tensor, dim: isize, index: Tensor, source: Tensor) out
        => input.index_copy(dim, &index, &source), in_place input.index_copy_(dim, &index, &source);
    "torch.index_fill" (input: Tensor, dim: isize, index: Tensor, value: TensorOrNumber)
        => input.index_fill(dim, &index, &value), in_place input.index_fill_(dim, &index, &value);
    "torch.index_reduce" (
        input: Tensor, dim: isize, index: Tensor, source: Tensor, reduce: String; include_self: bool = true
    ) out => input.index_reduce(dim, &index, &source, reduction("index_reduce", &reduce)?, include_self),
        in_place input.index_reduce_(dim, &index, &source, reduction("index_reduce_", &reduce)?, include_self);
    "torch.index_put" (
        input: Tensor, indices: Vec<Option<Tensor>>, values: Tensor, accumulate: bool = false
    ) => input.index_put(&borrowed(&indices), &values, accumulate),
        in_place input.index_put_(&borrowed(&indices), &values, accumulate);
    "torch.put" (input: Tensor, index: Tensor, source: Tensor, accumulate: bool = false)
        => input.put(&index, &source, accumulate), in_place input.put_(&index, &source, accumulate);
    "torch.masked_scatter" (input: Tensor, mask: Tensor, source: Tensor)
        => input.masked_scatter(&mask, &source), in_place input.masked_scatter_(&mask, &source);
}

/// What stands in square brackets: one entry, or a tuple of them.
fn entries(op: &'static str, index: &Value) -> Result<Vec<Index>> {
    match index {
        Value::List(items) => items.iter().map(|v| entry(op, v)).collect(),
        one => Ok(vec![entry(op, one)?]),
    }
}

fn entry(op: &'static str, value: &Value) -> Result<Index> {
    let refused = |kind, rule| Err(TensorError::new(kind, op, rule).with("given", value.kind()));
    Ok(match value {
        Value::None => Index::NewAxis,
        Value::Ellipsis => Index::Ellipsis,
        Value::Tensor(t) => Index::from(t),
        Value::Scalar(Scalar::Bool(all)) => Index::Bool(*all),
        Value::Scalar(Scalar::Int(i)) => Index::At(*i as isize),
        Value::Slice { step: Some(0), .. } => {
            return Err(TensorError::new(ErrorKind::Argument, op, "slice step is zero"));
        }
        Value::Slice { start, stop, step } => Index::Slice {
            start: start.map(|v| v as isize),
            stop: stop.map(|v| v as isize),
            step: step.unwrap_or(1) as isize,
        },
        Value::List(_) => Index::Tensor(nested(op, value)?),
        Value::Scalar(Scalar::Float(_)) => {
            return refused(
                ErrorKind::Index,
                "only integers, slices, ellipsis, None and tensors are indices",
            );
        }
        Value::Text(_) | Value::DType(_) => {
            return refused(ErrorKind::Type, "only integers, slices, ellipsis, None and tensors are indices");
        }
    })
}

/// A list of lists of integers, or of truth values, as an index tensor. Error: `Argument` where the lists
/// differ in length, `Type` for other items.
fn nested(op: &'static str, list: &Value) -> Result<Tensor> {
    let mut shape = Vec::new();
    let mut level = vec![list];
    while let [Value::List(first), ..] = level[..] {
        let width = first.len();
        let mut below = Vec::new();
        for items in &level {
            match items {
                Value::List(items) if items.len() == width => below.extend(items),
                _ => return Err(TensorError::new(ErrorKind::Argument, op, "lists differ in length")),
            }
        }
        shape.push(width);
        level = below;
    }
    let mixed = |v: &Value| {
        TensorError::new(ErrorKind::Type, op, "a list that is an index holds integers or truth values")
            .with("given", v.kind())
    };
    if let [Value::Scalar(Scalar::Bool(_)), ..] = level[..] {
        let of = |v: &&Value| match v {
            Value::Scalar(Scalar::Bool(b)) => Ok(*b),
            v => Err(mixed(v)),
        };
        return Tensor::from_vec(level.iter().map(of).collect::<Result<Vec<bool>>>()?, &shape);
    }
    let of = |v: &&Value| i64::of(v).ok_or_else(|| mixed(v));
    Tensor::from_vec(level.iter().map(of).collect::<Result<Vec<i64>>>()?, &shape)
}

fn borrowed(indices: &[Option<Tensor>]) -> Vec<Option<&Tensor>> {
    indices.iter().map(Option::as_ref).collect()
}

fn dense(sparse_grad: bool) -> Result<()> {
    if !sparse_grad {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::Unsupported, "gather", "there are no sparse gradients"))
}

fn nonzero(input: &Tensor, as_tuple: bool) -> Result<Value> {
    if as_tuple { Ok(input.nonzero_as_tuple()?.into()) } else { Ok(input.nonzero()?.into()) }
}

fn reduction(op: &'static str, name: &str) -> Result<ScatterReduce> {
    ScatterReduce::from_name(name).ok_or_else(|| {
        TensorError::new(ErrorKind::Value, op, "reduce must be sum, prod, mean, amax or amin")
            .with("reduce", name.to_owned())
    })
}

/// The forms of `scatter`: of a tensor or a number, and with the older word for a reduction.
struct Scatter {
    src: TensorOrNumber,
    reduce: Option<String>,
}

impl Scatter {
    fn new(
        input: &Tensor,
        index: &Tensor,
        src: Option<TensorOrNumber>,
        value: Option<Scalar>,
        reduce: Option<String>,
    ) -> Result<Scatter> {
        const OP: &str = "scatter";
        let src = match (src, value) {
            (Some(src), None) => src,
            (None, Some(value)) => TensorOrNumber::Number(value),
            _ => return Err(TensorError::new(ErrorKind::Type, OP, "takes src or value")),
        };
        let src = match (src, reduce.as_deref()) {
            (src, None) => src,
            (TensorOrNumber::Number(s), Some("add" | "multiply")) => {
                TensorOrNumber::Tensor(Tensor::full(index.shape(), s, input.dtype())?)
            }
            (src, Some("add" | "multiply")) => src,
            (_, Some(other)) => {
                return Err(TensorError::new(ErrorKind::Value, OP, "reduce must be add or multiply")
                    .with("reduce", other.to_owned()));
            }
        };
        Ok(Scatter { src, reduce })
    }

    fn call(&self, input: &Tensor, dim: isize, index: &Tensor) -> Result<Tensor> {
        match (&self.src, self.reduce.as_deref()) {
            (TensorOrNumber::Tensor(t), Some("add")) => input.scatter_add(dim, index, t),
            (TensorOrNumber::Tensor(t), Some(_)) => {
                input.scatter_reduce(dim, index, t, ScatterReduce::Prod, true)
            }
            (src, _) => input.scatter(dim, index, src),
        }
    }

    fn call_(&self, input: &Tensor, dim: isize, index: &Tensor) -> Result<Tensor> {
        match (&self.src, self.reduce.as_deref()) {
            (TensorOrNumber::Tensor(t), Some("add")) => input.scatter_add_(dim, index, t),
            (TensorOrNumber::Tensor(t), Some(_)) => {
                input.scatter_reduce_(dim, index, t, ScatterReduce::Prod, true)
            }
            (src, _) => input.scatter_(dim, index, src),
        }
    }
}

//! Creation.
//!
//! `device`, `layout`, `requires_grad`, `pin_memory` and `memory_format` are not parameters here: tensors lie in the
//! memory of the backend in force, in row-major order.

#![allow(non_snake_case, reason = "PyTorch's names of parameters")]

use rusttorch_backend::{DType, ErrorKind, Result, ResultType, Scalar, TensorError};

use super::convert::{bounds_of_matrix, count, number, range, refs, sizes, tensor_of, wrong_kind};
use crate::catalogue::macros::rows;
use crate::catalogue::value::{TensorOrNumber, Tensors};
use crate::catalogue::{NONE, Value};
use crate::nn::functional as nn;
use crate::ops::{MeshIndexing, Operand};
use crate::tensor::Tensor;

/// `torch.meshgrid`'s word.
fn indexing(word: Option<&str>) -> Result<MeshIndexing> {
    match word {
        None | Some("ij") => Ok(MeshIndexing::Ij),
        Some("xy") => Ok(MeshIndexing::Xy),
        Some(other) => Err(TensorError::new(ErrorKind::Value, "meshgrid", "indexing is neither ij nor xy")
            .with("indexing", other.to_owned())),
    }
}

/// `torch.nn.functional.one_hot`, -1 classes standing for as many as there must be.
fn one_hot(tensor: &Tensor, num_classes: isize) -> Result<Tensor> {
    match num_classes {
        -1 => nn::one_hot(tensor, None),
        // No number of classes is that small, which is found out as for 0.
        n => nn::one_hot(tensor, usize::try_from(n).unwrap_or(0)),
    }
}

/// `Tensor.to`: to a dtype, or to that of another tensor.
fn to(input: &Tensor, dtype: &Value, copy: bool) -> Result<Tensor> {
    let dtype = match dtype {
        Value::DType(d) => *d,
        Value::Tensor(t) => t.dtype(),
        Value::None => input.dtype(),
        other => return Err(wrong_kind("to", "dtype", other)),
    };
    let out = input.to_dtype(dtype)?;
    if copy && out.is_same(input) { out.copy() } else { Ok(out) }
}

fn result_type(a: &TensorOrNumber, b: &TensorOrNumber) -> Result<DType> {
    Ok([a, b].into_iter().fold(ResultType::new(), |r, v| Operand::from(v).join(r)).dtype())
}

rows! { ROWS: Creation;
    "torch.tensor" (data: Value; dtype: Option<DType> = NONE) => tensor_of(&data, dtype);
    "torch.scalar_tensor" (s: Scalar; dtype: Option<DType> = NONE) => Tensor::scalar_tensor(s, dtype);
    "torch.empty" (size: Vec<isize>; dtype: Option<DType> = NONE) out
        => Tensor::empty(&sizes("empty", &size)?, dtype);
    "torch.zeros" (size: Vec<isize>; dtype: Option<DType> = NONE) out
        => Tensor::zeros(&sizes("zeros", &size)?, dtype);
    "torch.ones" (size: Vec<isize>; dtype: Option<DType> = NONE) out
        => Tensor::ones(&sizes("ones", &size)?, dtype);
    "torch.full" (size: Vec<isize>, fill_value: TensorOrNumber; dtype: Option<DType> = NONE) out
        => Tensor::full(&sizes("full", &size)?, number("full", &fill_value)?, dtype);
    "torch.arange" (start: Value = NONE, end: Value = NONE, step: Value = 1; dtype: Option<DType> = NONE) out
        => range(&start, &end, &step).and_then(|[start, end, step]| Tensor::arange(start, end, step, dtype));
    "torch.linspace"
        (start: TensorOrNumber, end: TensorOrNumber, steps: isize; dtype: Option<DType> = NONE) out
        => Tensor::linspace(
            number("linspace", &start)?, number("linspace", &end)?, count("linspace", "steps", steps)?, dtype);
    "torch.logspace"
        (start: TensorOrNumber, end: TensorOrNumber, steps: isize, base: f64 = 10.0; dtype: Option<DType> = NONE) out
        => Tensor::logspace(
            number("logspace", &start)?, number("logspace", &end)?, count("logspace", "steps", steps)?, base, dtype);
    "torch.eye" (n: isize, m: Option<isize> = NONE; dtype: Option<DType> = NONE) out
        => Tensor::eye(bounds_of_matrix("eye", n, m.unwrap_or(n))?, dtype);
    "torch.tril_indices" (row: isize, col: isize, offset: isize = 0; dtype: Option<DType> = NONE)
        => bounds_of_matrix("tril_indices", row, col)
            .and_then(|(row, col)| Tensor::tril_indices(row, col, offset, dtype));
    "torch.triu_indices" (row: isize, col: isize, offset: isize = 0; dtype: Option<DType> = NONE)
        => bounds_of_matrix("triu_indices", row, col)
            .and_then(|(row, col)| Tensor::triu_indices(row, col, offset, dtype));
    "torch.empty_like" (input: Tensor; dtype: Option<DType> = NONE) => input.new_empty(input.shape(), dtype);
    "torch.zeros_like" (input: Tensor; dtype: Option<DType> = NONE) => input.new_zeros(input.shape(), dtype);
    "torch.ones_like" (input: Tensor; dtype: Option<DType> = NONE) => input.new_ones(input.shape(), dtype);
    "torch.full_like" (input: Tensor, fill_value: TensorOrNumber; dtype: Option<DType> = NONE)
        => input.new_full(input.shape(), number("full_like", &fill_value)?, dtype);
    "torch.Tensor.new_empty" (input: Tensor, size: Vec<isize>; dtype: Option<DType> = NONE)
        => input.new_empty(&sizes("new_empty", &size)?, dtype);
    "torch.Tensor.new_zeros" (input: Tensor, size: Vec<isize>; dtype: Option<DType> = NONE)
        => input.new_zeros(&sizes("new_zeros", &size)?, dtype);
    "torch.Tensor.new_ones" (input: Tensor, size: Vec<isize>; dtype: Option<DType> = NONE)
        => input.new_ones(&sizes("new_ones", &size)?, dtype);
    "torch.Tensor.new_full"
        (input: Tensor, size: Vec<isize>, fill_value: TensorOrNumber; dtype: Option<DType> = NONE)
        => input.new_full(&sizes("new_full", &size)?, number("new_full", &fill_value)?, dtype);
    "torch.Tensor.new_tensor" (input: Tensor, data: Value; dtype: Option<DType> = NONE)
        => tensor_of(&data, Some(dtype.unwrap_or(input.dtype())));
    "torch.meshgrid" (tensors: Tensors; indexing: Option<String> = NONE)
        => Tensor::meshgrid(&refs(&tensors.0), self::indexing(indexing.as_deref())?);
    "torch.cartesian_prod" (tensors: Tensors) => Tensor::cartesian_prod(&refs(&tensors.0));
    "torch.combinations" (input: Tensor, r: isize = 2, with_replacement: bool = false)
        => input.combinations(count("combinations", "r", r)?, with_replacement);
    "torch.vander" (x: Tensor, N: Option<isize> = NONE, increasing: bool = false)
        => x.vander(N.map(|n| count("vander", "N", n)).transpose()?, increasing);
    "torch.nn.functional.one_hot" (tensor: Tensor, num_classes: isize = -1) => one_hot(&tensor, num_classes);
    "torch.Tensor.to" (input: Tensor, dtype: Value = NONE, non_blocking: bool = false, copy: bool = false)
        => { let _ = non_blocking; to(&input, &dtype, copy) };
    "torch.result_type" (tensor1: TensorOrNumber, tensor2: TensorOrNumber) => result_type(&tensor1, &tensor2);
}

//! Sorting.

use rusttorch_backend::{DType, ErrorKind, Result, TensorError};

use super::natural;
use crate::catalogue::NONE;
use crate::catalogue::macros::rows;
use crate::catalogue::value::{TensorOrNumber, Value};
use crate::ops::search::{isin, searchsorted};
use crate::ops::{Operand, Unique};
use crate::tensor::Tensor;

// Sorting is stable here whatever is asked.
rows! { ROWS: Sorting;
    "torch.sort" (input: Tensor, dim: isize = -1, descending: bool = false; stable: Option<bool> = NONE) out
        => { let _ = stable; input.sort(dim, descending) };
    "torch.argsort" (input: Tensor, dim: isize = -1, descending: bool = false; stable: Option<bool> = NONE) out
        => { let _ = stable; input.argsort(dim, descending) };
    "torch.topk" (input: Tensor, k: i64, dim: isize = -1, largest: bool = true, sorted: bool = true) out
        => natural("topk", "k", k).and_then(|k| input.topk(k, dim, largest, sorted));
    "torch.kthvalue" (input: Tensor, k: i64, dim: isize = -1, keepdim: bool = false) out
        => natural("kthvalue", "k", k).and_then(|k| input.kthvalue(k, dim, keepdim));
    "torch.msort" (input: Tensor) out => input.msort();
    "torch.unique" (
        input: Tensor, sorted: bool = true, return_inverse: bool = false, return_counts: bool = false,
        dim: Option<isize> = NONE
    ) => { let _ = sorted; input.unique(return_inverse, return_counts, dim).map(found) };
    "torch.unique_consecutive" (
        input: Tensor, return_inverse: bool = false, return_counts: bool = false, dim: Option<isize> = NONE
    ) => input.unique_consecutive(return_inverse, return_counts, dim).map(found);
    "torch.searchsorted" (
        sorted_sequence: Tensor, input: TensorOrNumber;
        out_int32: bool = false, right: bool = false, side: Option<String> = NONE, sorter: Option<Tensor> = NONE
    ) out => side_of(right, side.as_deref())
        .and_then(|right| {
            searchsorted("searchsorted", &sorted_sequence, Operand::from(&input), right, sorter.as_ref())
        })
        .and_then(|places| indices(&places, out_int32));
    "torch.bucketize" (
        input: TensorOrNumber, boundaries: Tensor; out_int32: bool = false, right: bool = false
    ) out => match &input {
        TensorOrNumber::Tensor(x) => x.bucketize(&boundaries, right),
        number => searchsorted("bucketize", &boundaries, Operand::from(number), right, None),
    }.and_then(|places| indices(&places, out_int32));
    "torch.bincount" (input: Tensor, weights: Option<Tensor> = NONE, minlength: i64 = 0)
        => natural("bincount", "minlength", minlength).and_then(|n| input.bincount(weights.as_ref(), n));
    "torch.histc" (input: Tensor, bins: i64 = 100, min: f64 = 0.0, max: f64 = 0.0) out
        => natural("histc", "bins", bins).and_then(|bins| input.histc(bins, min, max));
    "torch.isin" (
        elements: TensorOrNumber, test_elements: TensorOrNumber; assume_unique: bool = false, invert: bool = false
    ) out => { let _ = assume_unique; isin(Operand::from(&elements), Operand::from(&test_elements), invert) };
}

/// The values alone, or followed by what else was asked for.
fn found(unique: Unique) -> Value {
    let asked: Vec<Tensor> = [unique.inverse, unique.counts].into_iter().flatten().collect();
    match asked.is_empty() {
        true => unique.values.into(),
        false => [vec![unique.values], asked].concat().into(),
    }
}

fn indices(places: &Tensor, narrow: bool) -> Result<Tensor> {
    places.to_dtype(if narrow { DType::I32 } else { DType::I64 })
}

/// Whether to search from the right, by the one of PyTorch's two parameters for it that is given.
fn side_of(right: bool, side: Option<&str>) -> Result<bool> {
    let refuse = |rule| TensorError::new(ErrorKind::Value, "searchsorted", rule);
    match side {
        None => Ok(right),
        Some("right") => Ok(true),
        Some("left") if !right => Ok(false),
        Some("left") => Err(refuse("side and right contradict each other")),
        Some(other) => Err(refuse("side must be left or right").with("side", other.to_owned())),
    }
}

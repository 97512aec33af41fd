//! Losses.

use rusttorch_backend::ops::{Loss, Reduction};
use rusttorch_backend::{DType, ErrorKind, Family};

use super::{COMPOSED, INDEX_VALUE, Plan, SHAPE_RULE, raised, unwritten, values};
use crate::call::{Call, Operand, Output};
use crate::case::{Arg, Case};
use crate::dense::Dense;

pub(super) fn loss(case: &Case) -> Option<Plan<'_>> {
    let (x, target) = (case.tensor(0)?, case.tensor(1)?);
    let op = match case.name() {
        "mse_loss" => Loss::Mse,
        "l1_loss" => Loss::L1,
        "smooth_l1_loss" => Loss::SmoothL1 { beta: case.number("beta", 1.0) },
        "binary_cross_entropy" => Loss::BinaryCrossEntropy,
        "cross_entropy" if target.dtype().is_float() => return Some(Plan::Other(COMPOSED)),
        "cross_entropy" => Loss::CrossEntropy {
            ignore_index: case.number("ignore_index", -100.0) as i64,
            label_smoothing: case.number("label_smoothing", 0.0),
        },
        _ => return None,
    };
    let reduction = match case.param("reduction").and_then(Arg::text).unwrap_or("mean") {
        "none" => Reduction::None,
        "mean" => Reduction::Mean,
        "sum" => Reduction::Sum,
        _ => return None,
    };
    let classes = matches!(op, Loss::CrossEntropy { .. });
    let weight = case.param("weight").and_then(Arg::tensor);
    // What a frontend promotes, broadcasts or composes.
    let normal = x.dtype().is_float()
        && match classes {
            false => {
                let fits = |d: &Dense| d.dtype() == x.dtype() && d.shape() == x.shape();
                fits(target) && weight.is_none_or(|w| w.dtype() == x.dtype())
            }
            true => {
                target.dtype() == DType::I64
                    && target.shape().len() + 1 == x.shape().len()
                    && weight.is_none_or(|w| w.dtype() == x.dtype() && w.shape() == [x.shape()[axis_of(x)]])
            }
        };
    let kinds: &[ErrorKind] = match raised(case) {
        None if !normal => return Some(Plan::Other(COMPOSED)),
        None => &[],
        Some("IndexError") if normal => INDEX_VALUE,
        Some("RuntimeError") if normal && op == Loss::BinaryCrossEntropy => {
            let spreads = |w: &Dense| w.shape().len() <= x.shape().len();
            match weight.is_none_or(spreads)
                && weight.is_none_or(|w| w.numel() == 1 || w.shape() == x.shape())
            {
                true => &[ErrorKind::Value],
                false => return Some(Plan::Other(SHAPE_RULE)),
            }
        }
        Some(_) => return Some(Plan::Other(SHAPE_RULE)),
    };
    let mut operands: Vec<Operand> = vec![x.clone().into(), target.clone().into()];
    if let Some(weight) = weight {
        let shape = if classes { weight.shape().to_vec() } else { x.shape().to_vec() };
        operands.push(Operand { dense: weight.clone(), shape });
    }
    let output = match values(case) {
        Some([expected]) => {
            let output = Output::of(op.name(), expected.clone()).or(case.alternative(0));
            if classes {
                let size = class_magnitude(x, weight)
                    * if reduction == Reduction::Sum { target.numel() as f64 } else { 1.0 };
                let n = expected.numel();
                output.conditioned(vec![size; n])
            } else {
                output
            }
        }
        _ => unwritten(x.dtype(), &[]),
    };
    let used = (Family::Loss, op.name(), x.dtype());
    let call = Call::new(vec![used], operands, vec![output], move |be, x, mut outs| match outs.pop() {
        Some(out) => be.loss(op, reduction, x[0], x[1], x.get(2).copied(), out),
        None => Ok(()),
    });
    Some(Plan::one(if kinds.is_empty() { call } else { call.raises(kinds) }))
}

/// Where the classes stand.
fn axis_of(x: &Dense) -> usize {
    (x.shape().len() > 1) as usize
}

/// The size of the log-probabilities that enter: their differences of logits, times the largest weight.
fn class_magnitude(x: &Dense, weight: Option<&Dense>) -> f64 {
    debug_assert!(x.dtype() != DType::Bool);
    let largest =
        |d: &Dense| d.to_f64().into_iter().filter(|v| v.is_finite()).fold(0.0, |m: f64, v| m.max(v.abs()));
    (2.0 * largest(x) + 2.0) * weight.map_or(1.0, largest)
}

//! Gather, index_select, scatter, embedding; sort.

use rusttorch_backend::ops::{ScatterOp, SortOp};
use rusttorch_backend::{DType, Family};

use super::{INDEX_VALUE, Plan, SHAPE_RULE, at_least_1d, axis, raised, unwritten, values};
use crate::call::{Call, Operand, Output};
use crate::case::{Arg, Case};
use crate::dense::Dense;

pub(super) fn index(case: &Case) -> Option<Plan<'_>> {
    if case.name() == "embedding" {
        return embedding(case);
    }
    let x = at_least_1d(case.tensor(0)?);
    let dim = case.inputs.get(1)?.int()?;
    let index = at_least_1d(case.tensor(2)?);
    let Some(dim) = axis(dim, x.shape().len()) else { return Some(Plan::Other(SHAPE_RULE)) };
    match case.name() {
        "gather" => {
            if index.shape().len() != x.shape().len() && index.numel() > 0 {
                return Some(Plan::Other(SHAPE_RULE));
            }
            let shape = index.shape().to_vec();
            gather(case, x, dim, Operand { dense: index, shape })
        }
        "index_select" => {
            // The index runs along one axis and repeats, with stride 0, on the others.
            let mut shape = x.shape().to_vec();
            shape[dim] = index.numel();
            let mut column = vec![1; x.shape().len()];
            column[dim] = index.numel();
            gather(case, x, dim, Operand { dense: index.reshaped(&column)?, shape })
        }
        _ => scatter(case, x, dim, index),
    }
}

fn gather(case: &Case, x: Dense, dim: usize, index: Operand) -> Option<Plan<'_>> {
    let output = match values(case) {
        Some([expected]) => Output::exact(expected.reshaped(&index.shape)?),
        _ => unwritten(x.dtype(), &index.shape),
    };
    let used = (Family::Gather, "gather", x.dtype());
    let call =
        Call::new(vec![used], vec![x.into(), index], vec![output], move |be, x, mut outs| match outs.pop() {
            Some(out) => be.gather(x[0], dim, x[1], out),
            None => Ok(()),
        });
    Some(Plan::one(if raised(case).is_some() { call.raises(INDEX_VALUE) } else { call }))
}

fn embedding(case: &Case) -> Option<Plan<'_>> {
    let (index, weight) = (case.tensor(0)?, case.tensor(1)?);
    let mut shape = index.shape().to_vec();
    shape.push(weight.shape()[1]);
    let output = match values(case) {
        Some([expected]) => Output::exact(expected.clone()),
        _ => unwritten(weight.dtype(), &shape),
    };
    let used = (Family::Embedding, "embedding", weight.dtype());
    let operands = vec![index.clone().into(), weight.clone().into()];
    let call = Call::new(vec![used], operands, vec![output], |be, x, mut outs| match outs.pop() {
        Some(out) => be.embedding(x[0], x[1], out),
        None => Ok(()),
    });
    Some(Plan::one(if raised(case).is_some() { call.raises(INDEX_VALUE) } else { call }))
}

fn scatter(case: &Case, x: Dense, dim: usize, index: Dense) -> Option<Plan<'_>> {
    let op = match (case.name(), case.param("reduce").and_then(Arg::text)) {
        ("scatter", None) => ScatterOp::Assign,
        ("scatter_add", None) => ScatterOp::Add,
        (_, Some("prod")) => ScatterOp::Mul,
        (_, Some("amax")) => ScatterOp::Amax,
        (_, Some("amin")) => ScatterOp::Amin,
        _ => return None,
    };
    let src = at_least_1d(case.tensor(3)?);
    let mut output = match values(case) {
        Some([expected]) => Output::of(op.name(), expected.clone()),
        _ => unwritten(x.dtype(), x.shape()),
    };
    output.initial = Some(x.clone());
    let used = (Family::Scatter, op.name(), x.dtype());
    let call =
        Call::new(
            vec![used],
            vec![index.into(), src.into()],
            vec![output],
            move |be, x, mut outs| match outs.pop() {
                Some(io) => be.scatter(op, io, dim, x[0], x[1]),
                None => Ok(()),
            },
        );
    Some(Plan::one(if raised(case).is_some() { call.raises(INDEX_VALUE) } else { call }))
}

pub(super) fn sort(case: &Case) -> Option<Plan<'_>> {
    if raised(case).is_some() {
        return Some(Plan::Other(SHAPE_RULE));
    }
    if case.name() == "searchsorted" {
        return searchsorted(case);
    }
    let x = at_least_1d(case.tensor(0)?);
    let dim = axis(case.param("dim")?.int()?, x.shape().len())?;
    let flag = |name: &str| case.number(name, 0.0) != 0.0;
    let count = |i: usize| case.inputs.get(i)?.int().and_then(|k| usize::try_from(k).ok());
    let op = match case.name() {
        "sort" => SortOp::Sort { descending: flag("descending") },
        "topk" => SortOp::Topk { k: count(1)?, largest: flag("largest"), sorted: true },
        "kthvalue" => SortOp::Kth { k: count(1)? - 1 },
        "median" => SortOp::Median { ignore_nan: false },
        "nanmedian" => SortOp::Median { ignore_nan: true },
        _ => return None,
    };
    let [sorted, places] = values(case)? else { return None };
    debug_assert_eq!(places.dtype(), DType::I64);
    let mut shape = x.shape().to_vec();
    shape[dim] = op.gives(shape[dim]);
    let outputs = vec![Output::exact(sorted.reshaped(&shape)?), Output::exact(places.reshaped(&shape)?)];
    let used = (Family::Sort, op.name(), x.dtype());
    let call = Call::new(vec![used], vec![x.into()], outputs, move |be, x, outs| {
        let mut outs = outs.into_iter();
        match (outs.next(), outs.next()) {
            (Some(sorted), Some(places)) => be.sort(op, x[0], dim, sorted, places),
            _ => Ok(()),
        }
    });
    Some(Plan::one(call))
}

fn searchsorted(case: &Case) -> Option<Plan<'_>> {
    let (line, places) = (case.tensor(0)?, values(case)?.first()?);
    // A vector is searched for all values at once.
    let shape = match line.shape() {
        [_] => vec![places.numel()],
        _ => places.shape().to_vec(),
    };
    let sought = case.tensor(1)?.reshaped(&shape)?;
    let right = case.number("right", 0.0) != 0.0;
    let used = (Family::Searchsorted, "searchsorted", line.dtype());
    let operands = vec![line.clone().into(), sought.into()];
    let outputs = vec![Output::exact(places.reshaped(&shape)?)];
    let call = Call::new(vec![used], operands, outputs, move |be, x, mut outs| match outs.pop() {
        Some(out) => be.searchsorted(x[0], x[1], right, out),
        None => Ok(()),
    });
    Some(Plan::one(call))
}

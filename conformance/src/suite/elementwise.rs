//! Unary, binary, compare and ternary ops, and `where`.

use rusttorch_backend::ops::{BinaryOp, CompareOp, DTypeRule, TernaryOp, UnaryOp};
use rusttorch_backend::{DType, ErrorKind, Family, Scalar};

use super::{
    COMPOSED, DTYPE_RULE, Plan, SHAPE_RULE, broadcast, operand, raised, result_type, unwritten, values,
};
use crate::call::{Call, Operand, Output};
use crate::case::{Arg, Case};

/// A pointwise call with one output.
fn pointwise<'c>(
    used: (Family, &'static str, DType),
    operands: Vec<Operand>,
    output: Output,
    body: impl Fn(
        &dyn rusttorch_backend::Backend,
        &[rusttorch_backend::View<'_>],
        rusttorch_backend::ViewMut<'_>,
    ) -> rusttorch_backend::Result<()>
    + 'c,
) -> Call<'c> {
    Call::new(vec![used], operands, vec![output], move |be, x, mut outs| match outs.pop() {
        Some(out) => body(be, x, out),
        None => Ok(()),
    })
    .pointwise()
}

pub(super) fn unary(case: &Case) -> Option<Plan<'_>> {
    let op = *UnaryOp::ALL.iter().find(|op| op.torch() == case.op)?;
    let Some([expected]) = values(case) else { return Some(Plan::Other(DTYPE_RULE)) };
    let x = case.tensor(0)?;
    let dtype = op.rule().compute(x.dtype());
    let x = x.cast(dtype);
    let output = Output::of(op.name(), expected.clone()).or(case.alternative(0));
    let mut call = pointwise((Family::Unary, op.name(), dtype), vec![x.into()], output, move |be, x, out| {
        be.unary(op, x[0], out)
    });
    if op.rule().result(dtype) == dtype {
        call = call.in_place(move |be, io, _| be.unary_assign(op, io));
    }
    Some(Plan::one(call))
}

/// A row of the binary or the compare table.
#[derive(Clone, Copy)]
enum PairOp {
    Binary(BinaryOp),
    Compare(CompareOp),
}

impl PairOp {
    fn find(case: &Case) -> Option<PairOp> {
        // PyTorch's quotient has modes where the table has ops.
        match (case.op.as_str(), case.param("rounding_mode").and_then(Arg::text)) {
            ("torch.div", Some("floor")) => return Some(PairOp::Binary(BinaryOp::FloorDivide)),
            ("torch.div", Some("trunc")) => return Some(PairOp::Binary(BinaryOp::TruncDivide)),
            _ => {}
        }
        let binary = BinaryOp::ALL.iter().find(|op| op.torch() == case.op).map(|&op| PairOp::Binary(op));
        binary
            .or_else(|| CompareOp::ALL.iter().find(|op| op.torch() == case.op).map(|&op| PairOp::Compare(op)))
    }

    fn rule(self) -> DTypeRule {
        match self {
            PairOp::Binary(op) => op.rule(),
            PairOp::Compare(op) => op.rule(),
        }
    }

    fn used(self, dtype: DType) -> (Family, &'static str, DType) {
        match self {
            PairOp::Binary(op) => (Family::Binary, op.name(), dtype),
            PairOp::Compare(op) => (Family::Compare, op.name(), dtype),
        }
    }
}

pub(super) fn pair(case: &Case) -> Option<Plan<'_>> {
    let op = PairOp::find(case)?;
    if case.params.keys().any(|name| name != "rounding_mode") {
        return Some(Plan::Other(COMPOSED)); // alpha
    }
    let floats = |i: usize| case.tensor(i).is_some_and(|t| t.dtype().is_float());
    if matches!(op, PairOp::Binary(BinaryOp::Ldexp)) && (!floats(0) || floats(1)) {
        return Some(Plan::Other(COMPOSED)); // a product with a power
    }
    let half = case.inputs.get(1).and_then(Arg::scalar).is_some_and(|s| s.to_f64().abs() == 0.5);
    if matches!(op, PairOp::Binary(BinaryOp::Pow)) && half {
        return Some(Plan::Other(COMPOSED)); // PyTorch's frontend takes a square root
    }
    let dtype = op.rule().compute(result_type(&case.inputs)?);
    let Some(shape) = broadcast(&case.inputs) else { return Some(Plan::Other(SHAPE_RULE)) };
    if raised(case).is_some() && !divides_by_zero(op, dtype, &case.inputs) {
        return Some(Plan::Other(if op.rule().accepts().contains(dtype) { SHAPE_RULE } else { DTYPE_RULE }));
    }
    let operands = case.inputs.iter().map(|a| operand(a, dtype, &shape)).collect::<Option<Vec<_>>>()?;
    let output = match values(case) {
        Some([expected]) => Output::of(op.used(dtype).1, expected.clone()).or(case.alternative(0)),
        _ => unwritten(op.rule().result(dtype), &shape),
    };
    let output = match op {
        PairOp::Binary(BinaryOp::Logaddexp | BinaryOp::Logaddexp2) => {
            let full: Vec<Vec<f64>> =
                operands.iter().map(|o| o.dense.broadcast_to(&shape).to_f64()).collect();
            let sizes = full[0].iter().zip(&full[1]).map(|(a, b)| 1.0 + a.abs().max(b.abs()));
            output.conditioned(sizes.map(|size| if size.is_finite() { size } else { 0.0 }).collect())
        }
        _ => output,
    };
    let mut call = pointwise(op.used(dtype), operands, output, move |be, x, out| match op {
        PairOp::Binary(op) => be.binary(op, x[0], x[1], out),
        PairOp::Compare(op) => be.compare(op, x[0], x[1], out),
    });
    if let PairOp::Binary(op) = op {
        call = call.in_place(move |be, io, b| be.binary_assign(op, io, b[0]));
    }
    if raised(case).is_some() {
        call = call.raises(&[ErrorKind::ZeroDivision]);
    }
    Some(Plan::one(call))
}

/// The one error that a kernel finds.
fn divides_by_zero(op: PairOp, dtype: DType, inputs: &[Arg]) -> bool {
    use BinaryOp::{FloorDivide, Fmod, Remainder, TruncDivide};
    let dividing =
        matches!(op, PairOp::Binary(FloorDivide | TruncDivide | Remainder | Fmod)) && dtype.is_int();
    let zero = match inputs.get(1) {
        Some(Arg::Tensor(b)) => (0..b.numel()).any(|i| b.f64(i) == 0.0),
        Some(Arg::Scalar(b)) => b.to_f64() == 0.0,
        _ => false,
    };
    dividing && zero
}

pub(super) fn triple(case: &Case) -> Option<Plan<'_>> {
    match case.name() {
        "where" => select(case),
        "clamp" => clamp(case),
        name @ ("addcmul" | "addcdiv" | "lerp") => fused(case, name),
        _ => None,
    }
}

fn fused<'c>(case: &'c Case, name: &str) -> Option<Plan<'c>> {
    let value = case.param("value").and_then(Arg::scalar).unwrap_or(Scalar::Int(1));
    let op = match name {
        "addcmul" => TernaryOp::Addcmul { value },
        "addcdiv" => TernaryOp::Addcdiv { value },
        _ => TernaryOp::Lerp,
    };
    let Some([expected]) = values(case) else { return Some(Plan::Other(DTYPE_RULE)) };
    let (dtype, shape) = (expected.dtype(), expected.shape());
    let operands = case.inputs.iter().map(|a| operand(a, dtype, shape)).collect::<Option<Vec<_>>>()?;
    let full: Vec<Vec<f64>> = operands.iter().map(|o| o.dense.broadcast_to(shape).to_f64()).collect();
    let magnitude = (0..expected.numel())
        .map(|i| {
            let (a, b, c) = (full[0][i], full[1][i], full[2][i]);
            match op {
                TernaryOp::Addcmul { value } => a.abs() + (value.to_f64() * b * c).abs(),
                TernaryOp::Addcdiv { value } => a.abs() + (value.to_f64() * b / c).abs(),
                _ => a.abs().max(b.abs()) * (1.0 + c.abs()),
            }
        })
        .collect();
    let output = Output::of(op.name(), expected.clone()).or(case.alternative(0)).conditioned(magnitude);
    Some(Plan::one(ternary(op, dtype, operands, output)))
}

fn ternary<'c>(op: TernaryOp, dtype: DType, operands: Vec<Operand>, output: Output) -> Call<'c> {
    pointwise((Family::Ternary, op.name(), dtype), operands, output, move |be, x, out| {
        be.ternary(op, x[0], x[1], x[2], out)
    })
}

/// With both ends the ternary op, with one `maximum` or `minimum`, which clamp by definition.
fn clamp(case: &Case) -> Option<Plan<'_>> {
    let Some([expected]) = values(case) else { return Some(Plan::Other(DTYPE_RULE)) };
    let at = |i: usize, name: &str| case.inputs.get(i).or_else(|| case.param(name)).cloned();
    let ends = [at(1, "min"), at(2, "max")];
    let args: Vec<Arg> =
        case.inputs.first().cloned().into_iter().chain(ends.iter().flatten().cloned()).collect();
    let (dtype, shape) = (expected.dtype(), expected.shape());
    if result_type(&args)? != dtype {
        return Some(Plan::Judged(Err(format!("promotes to {}, expected {dtype}", result_type(&args)?))));
    }
    let operands = args.iter().map(|a| operand(a, dtype, shape)).collect::<Option<Vec<_>>>()?;
    let output = Output::of("clamp", expected.clone());
    let pair = match ends {
        [Some(_), Some(_)] => return Some(Plan::one(ternary(TernaryOp::Clamp, dtype, operands, output))),
        [Some(_), None] => BinaryOp::Maximum,
        _ => BinaryOp::Minimum,
    };
    let call = pointwise((Family::Binary, pair.name(), dtype), operands, output, move |be, x, out| {
        be.binary(pair, x[0], x[1], out)
    });
    Some(Plan::one(call))
}

fn select(case: &Case) -> Option<Plan<'_>> {
    let Some([expected]) = values(case) else { return Some(Plan::Other(SHAPE_RULE)) };
    let (condition, chosen) = case.inputs.split_first()?;
    let dtype = result_type(chosen)?;
    let shape = broadcast(&case.inputs)?;
    let mut operands = vec![operand(condition, DType::Bool, &shape)?];
    for arg in chosen {
        operands.push(operand(arg, dtype, &shape)?);
    }
    let output = Output::exact(expected.clone());
    let call = pointwise((Family::Select, "select", dtype), operands, output, |be, x, out| {
        be.select(x[0], x[1], x[2], out)
    });
    Some(Plan::one(call))
}

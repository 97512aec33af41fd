//! From recorded cases to calls of a backend, a file a group of families.
//!
//! The recorded cases are of PyTorch's functions, which promote dtypes, broadcast shapes and take
//! numbers for tensors. A backend sees none of that, so the adapters here normalise as a frontend does, by
//! the contract's own functions. What only a frontend can judge (a refused dtype, a wrong dim) is
//! reported as belonging to the other level, never left out.

mod elementwise;
mod functions;
mod index;
mod layers;
mod loss;
mod matmul;
mod memory;
mod optimizer;
mod promise;
mod random;
mod reduce;

use rusttorch_backend::delegate::{Fallback, with_fallback};
use rusttorch_backend::layout::broadcast_shapes;
use rusttorch_backend::{Backend, DType, ErrorKind, ResultType};

use crate::call::{Call, Operand, Options, Output};
use crate::case::{Arg, Case, Outcome, raises};
use crate::compare::Measured;
use crate::dense::Dense;
use crate::drive::judge;
use crate::reference::{self, CONTRACT_FAMILIES, ReferenceError};
use crate::report::{Record, Report, Status};

/// What a case becomes at this level.
pub(crate) enum Plan<'c> {
    /// Calls of the backend, each with a word that tells it from the others.
    Calls(Vec<(&'static str, Call<'c>)>),
    /// A rule that needs no backend, already judged.
    Judged(Result<(), String>),
    /// Nothing: the frontend's to judge.
    Other(&'static str),
}

impl<'c> Plan<'c> {
    pub(crate) fn one(call: Call<'c>) -> Self {
        Plan::Calls(vec![("", call)])
    }
}

const DTYPE_RULE: &str = "a dtype that the frontend refuses before any kernel runs";
const SHAPE_RULE: &str = "a shape, dim or argument that the frontend refuses before any kernel runs";
const FRONTEND: &str = "recorded for the frontend";
const COMPOSED: &str = "composed of several ops by the frontend";

/// Runs every family of the contract and the checks of the bit promise. Error: a reference file is not the one that was
/// recorded.
pub fn run(backend: &dyn Backend, options: Options) -> Result<Report, ReferenceError> {
    let mut report = Report::new(backend.name());
    for family in CONTRACT_FAMILIES {
        report.extend(run_family(backend, family, options)?);
    }
    if options.bit_promise {
        report.extend(run_promise(backend));
    }
    Ok(report)
}

/// Runs one family of the reference. Error: as [`run`].
pub fn run_family(backend: &dyn Backend, family: &str, options: Options) -> Result<Report, ReferenceError> {
    let mut report = Report::new(backend.name());
    for case in reference::load(family)? {
        report.records.extend(play(backend, &case, options));
    }
    Ok(report)
}

/// Runs the checks of the bit promise that need inputs of their own (R2, R3, R4).
pub fn run_promise(backend: &dyn Backend) -> Report {
    let mut report = Report::new(backend.name());
    report.records = with_fallback(Fallback::Allow, || promise::run(backend));
    report
}

/// Plays one case.
pub fn play(backend: &dyn Backend, case: &Case, options: Options) -> Vec<Record> {
    let record = |status| Record {
        family: case.family.to_owned(),
        case: case.label(),
        status,
        measured: Measured::default(),
        calls: 0,
        delegated: false,
        bound: None,
    };
    let long = case.inputs.iter().filter_map(Arg::tensor).any(|t| t.numel() > 90_000);
    if long && !options.long {
        return Vec::new();
    }
    match plan(case) {
        Some(Plan::Calls(calls)) => calls
            .into_iter()
            .map(|(part, call)| {
                let label = if part.is_empty() { case.label() } else { format!("{} {part}", case.label()) };
                judge(backend, case.family, &label, &call, options)
            })
            .collect(),
        Some(Plan::Judged(Ok(()))) => vec![record(Status::Passed)],
        Some(Plan::Judged(Err(what))) => vec![record(Status::Failed(vec![what]))],
        Some(Plan::Other(why)) => vec![record(Status::OtherLevel(why))],
        None => vec![record(Status::Failed(vec!["the suite has no adapter for this case".to_owned()]))],
    }
}

pub(crate) fn plan(case: &Case) -> Option<Plan<'_>> {
    match case.family {
        "unary" => elementwise::unary(case),
        "binary" | "compare" => elementwise::pair(case),
        "ternary" => elementwise::triple(case),
        "cast" => memory::cast(case),
        "fill" => memory::fill(case),
        "promote" if case.name() == "result_type" => promote(case),
        "promote" => match case.name() {
            "sin" => elementwise::unary(case),
            "where" => elementwise::triple(case),
            _ => elementwise::pair(case),
        },
        "reduce" | "arg_reduce" if case.name() == "softmax" => functions::softmax(case),
        "reduce" | "arg_reduce" => reduce::reduce(case),
        "scan" => reduce::scan(case),
        "matmul" => matmul::matmul(case),
        "index" => index::index(case),
        "sort" => index::sort(case),
        "views" => memory::view(case),
        "join" => memory::join(case),
        "softmax" => functions::softmax(case),
        "activation" => functions::activation(case),
        "loss" => loss::loss(case),
        "norm" => layers::norm(case),
        "conv" => layers::conv(case),
        "pool" => layers::pool(case),
        "attention" => layers::attention(case),
        "optimizer" => optimizer::optimizer(case),
        "random" => random::random(case),
        _ => Some(Plan::Other(FRONTEND)),
    }
}

/// What each recorded output must be, how closely, under the shape that PyTorch gave it.
pub(crate) fn recorded_outputs(case: &Case) -> Vec<Output> {
    let Some(values) = values(case) else { return Vec::new() };
    let planned: Vec<Output> = match plan(case) {
        Some(Plan::Calls(calls)) if case.family == "optimizer" => {
            calls.into_iter().filter_map(|(_, call)| call.outputs.into_iter().next()).collect()
        }
        Some(Plan::Calls(calls)) => calls.into_iter().flat_map(|(_, call)| call.outputs).collect(),
        _ => Vec::new(),
    };
    values
        .iter()
        .enumerate()
        .map(|(i, value)| match planned.get(i) {
            Some(output) if output.expected.numel() == value.numel() => {
                let output = Output { expected: value.clone(), initial: None, ..output.clone() };
                let alternative = output.alternative.clone();
                output.or(alternative.as_ref())
            }
            _ => Output::of(frontend_name(case), value.clone()).or(case.alternative(i)),
        })
        .collect()
}

/// Ops that only a frontend has, by their name in the table of tolerances.
fn frontend_name(case: &Case) -> &'static str {
    match case.name() {
        "std" => "std",
        "cross_entropy" => "cross_entropy",
        "pow" => "pow",
        _ => "exact",
    }
}

/// The gradient of a family that has one of its own, as a backend is judged by it.
pub(crate) fn recorded_backward(case: &Case) -> Option<Output> {
    let Some(Plan::Calls(calls)) = plan(case) else { return None };
    let (_, call) = calls.into_iter().find(|(part, _)| *part == "backward")?;
    call.outputs.into_iter().next()
}

/// `torch.result_type`, which the contract answers by itself.
fn promote(case: &Case) -> Option<Plan<'_>> {
    let [wanted] = values(case)? else { return None };
    let (wanted, found) = (wanted.dtype(), result_type(&case.inputs)?);
    Some(Plan::Judged(if found == wanted {
        Ok(())
    } else {
        Err(format!("result_type: got {found}, expected {wanted}"))
    }))
}

/// The dtype that operands promote to. `None` where one is neither a tensor nor a number.
fn result_type(args: &[Arg]) -> Option<DType> {
    args.iter()
        .try_fold(ResultType::new(), |t, arg| match arg {
            Arg::Tensor(dense) => Some(t.tensor(dense.dtype(), dense.shape().len())),
            Arg::Scalar(scalar) => Some(t.scalar(*scalar)),
            _ => None,
        })
        .map(ResultType::dtype)
}

/// The shape that operands broadcast to.
fn broadcast(args: &[Arg]) -> Option<Vec<usize>> {
    let mut shape = Vec::new();
    for dense in args.iter().filter_map(Arg::tensor) {
        shape = broadcast_shapes("case", &shape, dense.shape()).ok()?.to_vec();
    }
    Some(shape)
}

/// An operand of one dtype, seen under one shape. A number becomes a 0-d tensor.
fn operand(arg: &Arg, dtype: DType, shape: &[usize]) -> Option<Operand> {
    let dense = match arg {
        Arg::Tensor(dense) => dense.cast(dtype),
        Arg::Scalar(scalar) => Dense::full(dtype, &[], *scalar),
        _ => return None,
    };
    Some(Operand { dense, shape: shape.to_vec() })
}

/// The recorded outputs, or `None` where an error was.
fn values(case: &Case) -> Option<&[Dense]> {
    match &case.outcome {
        Outcome::Values(values) => Some(values),
        Outcome::Raises(_) => None,
    }
}

/// The class of the recorded error.
fn raised(case: &Case) -> Option<&str> {
    match &case.outcome {
        Outcome::Values(_) => None,
        Outcome::Raises(class) => Some(class),
    }
}

/// A dim counted from the front. A 0-d tensor counts as a vector.
fn axis(dim: i64, rank: usize) -> Option<usize> {
    rusttorch_backend::layout::normalize_dim("case", isize::try_from(dim).ok()?, rank).ok()
}

/// A 0-d tensor as a vector of one, for families that want an axis.
fn at_least_1d(dense: &Dense) -> Dense {
    if dense.shape().is_empty() {
        dense.reshaped(&[1]).unwrap_or_else(|| dense.clone())
    } else {
        dense.clone()
    }
}

/// Judges a `Result` of the contract's own algebra against a recorded error class.
fn algebra_raises(found: rusttorch_backend::Result<()>, class: &str) -> Plan<'static> {
    Plan::Judged(match found {
        Ok(()) => Err(format!("no error, expected {class}")),
        Err(e) if raises(class, e.kind()) => Ok(()),
        Err(e) => Err(format!("error of kind {:?}, expected {class}: {e}", e.kind())),
    })
}

/// An output of a call that must fail: only its shape and dtype count.
fn unwritten(dtype: DType, shape: &[usize]) -> Output {
    Output::exact(Dense::zeros(dtype, shape))
}

/// The error that an element of an index tensor out of bounds is.
const INDEX_VALUE: &[ErrorKind] = &[ErrorKind::IndexValue];

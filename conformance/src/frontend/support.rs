//! Which dtypes each form of an op takes, here and in PyTorch: a sample call of each op, cast to every dtype.
//! `reference/support.py` says how a sample is chosen and cast.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rusttorch::autograd::{GradOptions, grad};
use rusttorch::backends::with_backend;
use rusttorch::catalogue::{self, Op, Value};
use rusttorch::{DType, Tensor, manual_seed};
use rusttorch_backend::{Backend, DTypeSet, Scalar};
use serde_json::Value as Json;

use super::arguments::{Arguments, flat, output};
use super::{op_of, writes};
use crate::case::{Arg, Case};
use crate::dense::Dense;
use crate::layouts::Class;
use crate::reference::{self, FAMILIES, ReferenceError};

/// A form of an op.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// The functional one.
    Forward,
    /// Its gradient.
    Gradient,
    /// The one that writes to its first operand.
    InPlace,
    /// The one that writes into given tensors.
    Out,
}

impl Form {
    /// Every form.
    pub const ALL: [Form; 4] = [Form::Forward, Form::Gradient, Form::InPlace, Form::Out];

    /// A heading.
    pub fn name(self) -> &'static str {
        match self {
            Form::Forward => "forward",
            Form::Gradient => "gradient",
            Form::InPlace => "in-place",
            Form::Out => "out",
        }
    }
}

/// What an op takes.
#[derive(Debug, Clone)]
pub struct Row {
    /// The op.
    pub op: &'static Op,
    /// How many cases are recorded of it.
    pub cases: usize,
    /// Per form, the dtypes that are taken here; none where there is no such form.
    pub here: [DTypeSet; 4],
    /// Per form, the dtypes that PyTorch takes.
    pub torch: [DTypeSet; 4],
}

impl Row {
    /// What PyTorch takes and this does not.
    pub fn holes(&self, form: Form) -> DTypeSet {
        minus(self.torch[form as usize], self.here[form as usize])
    }

    /// What this takes and PyTorch does not.
    pub fn more(&self, form: Form) -> DTypeSet {
        minus(self.here[form as usize], self.torch[form as usize])
    }
}

fn minus(a: DTypeSet, b: DTypeSet) -> DTypeSet {
    of(|dtype| a.contains(dtype) && !b.contains(dtype))
}

fn of(holds: impl Fn(DType) -> bool) -> DTypeSet {
    DTypeSet::of(&DType::ALL.into_iter().filter(|&d| holds(d)).collect::<Vec<_>>())
}

/// The order of the digits in `support.json`.
const ORDER: [DType; 10] = [
    DType::Bool,
    DType::U8,
    DType::I8,
    DType::I16,
    DType::I32,
    DType::I64,
    DType::F16,
    DType::BF16,
    DType::F32,
    DType::F64,
];

/// Every op of the catalogue that is recorded, in the catalogue's order. Error: a reference file is not the one
/// that was recorded.
pub fn rows(backend: &Arc<dyn Backend>) -> Result<Vec<Row>, ReferenceError> {
    let mut cases: HashMap<&str, Vec<Case>> = HashMap::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for family in FAMILIES {
        let loaded = reference::load(family)?;
        for op in loaded.iter().filter_map(op_of) {
            *counts.entry(op.path).or_default() += 1;
        }
        cases.insert(family, loaded);
    }
    let mut found: BTreeMap<&str, Row> = BTreeMap::new();
    for (family, index, torch) in samples()? {
        let Some(case) = cases.get(family.as_str()).and_then(|c| c.get(index)) else {
            return Err(ReferenceError::new("support", format!("no case {family}#{index}")));
        };
        let Some(op) = op_of(case) else { continue };
        // The in-place form under its own name is no sample of the op.
        if writes(&case.op) && !writes(op.path) {
            continue;
        }
        // A method may be recorded beside the function of the same name: the function counts.
        if found.contains_key(op.path) && case.op != op.path {
            continue;
        }
        let here = with_backend(backend.clone(), || {
            Form::ALL.map(|form| of(|dtype| takes(&**backend, op, &cast(case, dtype), form, dtype)))
        });
        let cases = counts.get(op.path).copied().unwrap_or(0);
        found.insert(op.path, Row { op, cases, here, torch });
    }
    Ok(catalogue::all().filter_map(|op| found.remove(op.path)).collect())
}

/// The samples by family and number, with what PyTorch takes.
fn samples() -> Result<Vec<(String, usize, [DTypeSet; 4])>, ReferenceError> {
    let fail = |rule: &str| ReferenceError::new("support", rule);
    let entries: Vec<Json> =
        serde_json::from_slice(reference::support()?).map_err(|e| ReferenceError::new("support", e))?;
    let read = |entry: &Json| {
        let case = entry.get("case")?.as_array()?;
        let (family, index) = (case.first()?.as_str()?.to_owned(), case.get(1)?.as_u64()? as usize);
        let mut torch = [DTypeSet::of(&[]); 4];
        for (set, name) in torch.iter_mut().zip(["forward", "gradient", "in_place", "out"]) {
            let digits = entry.get(name)?.as_str()?.as_bytes();
            *set = of(|dtype| {
                ORDER.iter().position(|&d| d == dtype).is_some_and(|i| digits.get(i) == Some(&b'1'))
            });
        }
        Some((family, index, torch))
    };
    entries.iter().map(|e| read(e).ok_or_else(|| fail("malformed entry"))).collect()
}

/// The dtype that a sample is cast from: that of the first float tensor, else of the first tensor.
fn primary(case: &Case) -> Option<DType> {
    case.tensors()
        .map(Dense::dtype)
        .find(|d| d.is_float())
        .or_else(|| case.tensors().next().map(Dense::dtype))
}

/// The sample with its primary operands in another dtype.
fn cast(case: &Case, dtype: DType) -> Case {
    let primary = primary(case);
    let mut cast = case.clone();
    cast.inputs.iter_mut().chain(cast.params.values_mut()).for_each(|arg| cast_arg(arg, primary, dtype));
    if primary.is_none()
        && let Some(Arg::DType(given)) = cast.params.get_mut("dtype")
    {
        *given = dtype;
    }
    cast
}

fn cast_arg(arg: &mut Arg, primary: Option<DType>, dtype: DType) {
    match arg {
        Arg::List(list) => list.iter_mut().for_each(|a| cast_arg(a, primary, dtype)),
        Arg::Tensor(dense) if Some(dense.dtype()) == primary && dense.dtype() != dtype => {
            *dense = if dtype.is_float() {
                dense.cast(dtype)
            } else {
                Dense::from_fn(dtype, dense.shape(), |i| match dense.f64(i) {
                    v if v.is_nan() => Scalar::Int(1),
                    v => Scalar::Int(v.abs().clamp(1.0, 100.0) as i64),
                })
            };
        }
        _ => {}
    }
}

/// Whether a form takes a sample.
fn takes(backend: &dyn Backend, op: &Op, case: &Case, form: Form, dtype: DType) -> bool {
    manual_seed(case.seed.unwrap_or(0));
    let arguments = |leaves| Arguments::new(backend, case, Class::Contiguous, leaves).ok();
    let call = |a: &Arguments| op.call(&a.positional, &a.named()).ok().map(flat);
    let taken = || -> Option<()> {
        match form {
            Form::Forward => {
                let outputs = call(&arguments(0)?)?;
                outputs.iter().try_for_each(|v| output(v).ok().map(drop))
            }
            Form::InPlace => {
                let a = arguments(0)?;
                op.call_in_place(&a.positional, &a.named()).ok().map(drop)
            }
            Form::Out => {
                let a = arguments(0)?;
                let outs: Vec<Tensor> = call(&a)?
                    .iter()
                    .map(|v| v.tensor().and_then(|t| Tensor::zeros(t.shape(), t.dtype()).ok()))
                    .collect::<Option<_>>()?;
                manual_seed(case.seed.unwrap_or(0));
                op.call_out(&a.positional, &a.named(), &outs).ok().map(drop)
            }
            // Parameters such as the weights of a loss are not differentiated in PyTorch either.
            Form::Gradient if dtype.is_float() => {
                let operands = Case { params: BTreeMap::new(), ..case.clone() };
                let operands = operands.tensors().filter(|t| t.dtype().is_float()).count();
                differentiated(op, arguments(usize::MAX)?)
                    .or_else(|| differentiated(op, arguments(operands)?))
            }
            Form::Gradient => None,
        }
    };
    taken().is_some()
}

fn differentiated(op: &Op, mut arguments: Arguments) -> Option<()> {
    if writes(op.path)
        && let Some(Value::Tensor(target)) = arguments.positional.first_mut()
    {
        *target = target.copy().ok()?;
    }
    let outputs = flat(op.call(&arguments.positional, &arguments.named()).ok()?);
    let outs: Vec<&Tensor> = outputs.iter().filter_map(Value::tensor).filter(|t| t.requires_grad()).collect();
    let ones: Vec<Tensor> =
        outs.iter().map(|t| Tensor::ones(t.shape(), t.dtype()).ok()).collect::<Option<_>>()?;
    let incoming: Vec<Option<&Tensor>> = ones.iter().map(Some).collect();
    let leaves: Vec<&Tensor> = arguments.leaves.iter().collect();
    let options = GradOptions { allow_unused: true, ..GradOptions::default() };
    let found = grad(&outs, &leaves, &incoming, options).ok()?;
    found.iter().any(Option::is_some).then_some(())
}

//! Calls of the catalogue's ops with Python's arguments.

use pyo3::exceptions::{PyNotImplementedError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use rusttorch::catalogue::{Family, Op, Param, Value};
use rusttorch::{Scalar, Tensor};
use smallvec::SmallVec;

use crate::device;
use crate::error::guard;
use crate::random::PyGenerator;
use crate::tables::FIELDS;
use crate::tensor::PyTensor;
use crate::value::{from_python, to_python};

/// From how many elements on other threads of Python may run meanwhile: some ten microseconds of the fastest op, beside
/// which it costs nothing to give the lock away and take it back.
const LONG: usize = 32 * 1024;

/// Which form of an op is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// Its result is new.
    Value,
    /// Its result is its first argument.
    InPlace,
}

/// Arguments that PyTorch's functions take beside those of the catalogue.
#[derive(Default)]
struct Extras<'py> {
    out: Option<Bound<'py, PyAny>>,
    generator: Option<Bound<'py, PyGenerator>>,
    requires_grad: bool,
    in_place: bool,
}

/// The values of the parameters, in their order, in a place of the caller: they are too large to be passed around.
#[derive(Default)]
struct Arguments {
    values: SmallVec<[Value; 6]>,
    /// Which of them were given: one bit each.
    given: u64,
}

impl Arguments {
    fn push(&mut self, value: Value) {
        self.given |= 1 << self.values.len();
        self.values.push(value);
    }

    fn has(&self, i: usize) -> bool {
        self.given & (1 << i) != 0
    }

    fn set(&mut self, i: usize, value: Value) {
        self.given |= 1 << i;
        if let Some(slot) = self.values.get_mut(i) {
            *slot = value;
        }
    }
}

/// Calls an op. `receiver` is the tensor whose method it is called as.
pub(crate) fn call<'py>(
    py: Python<'py>,
    op: &'static Op,
    form: Form,
    receiver: Option<&Bound<'py, PyAny>>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut arguments = Arguments::default();
    let extras = bind(op, receiver, args, kwargs, &mut arguments)?;
    // As they lie: so many values take a while to move.
    let values = &arguments.values;
    let form = if extras.in_place { Form::InPlace } else { form };
    let work = work(op, values);
    if let Some(out) = extras.out {
        return call_out(py, op, arguments.values.into_vec(), out, extras.generator.as_ref(), work);
    }
    let result = run(py, extras.generator.as_ref(), work, || match form {
        Form::Value => op.call_bound(values),
        Form::InPlace => op.call_in_place_bound(values),
    })?;
    if let (Value::Tensor(t), true) = (&result, extras.requires_grad) {
        guard(|| t.requires_grad_(true))?;
    }
    // What an op returns as it was given keeps its Python object.
    if let Value::Tensor(t) = &result {
        let first = receiver.cloned().or_else(|| args.get_item(0).ok());
        if let Some(first) = first.filter(|f| f.cast::<PyTensor>().is_ok_and(|f| f.get().0.is_same(t))) {
            return Ok(first);
        }
    }
    wrap(py, op, result)
}

/// A result, several with the names of their fields.
fn wrap<'py>(py: Python<'py>, op: &'static Op, result: Value) -> PyResult<Bound<'py, PyAny>> {
    let several = matches!(result, Value::List(_));
    let result = to_python(py, result)?;
    if several && FIELDS.iter().any(|(path, _)| *path == op.path) {
        static NAMED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        return NAMED.import(py, "rusttorch.return_types", "_named")?.call1((op.name(), result));
    }
    Ok(result)
}

fn call_out<'py>(
    py: Python<'py>,
    op: &'static Op,
    values: Vec<Value>,
    out: Bound<'py, PyAny>,
    generator: Option<&Bound<'py, PyGenerator>>,
    work: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let not_tensors =
        || PyTypeError::new_err(format!("{}(): out must be a Tensor or a tuple of Tensors", op.name()));
    let targets: Vec<Tensor> = match from_python(&out)? {
        Value::Tensor(t) => vec![t],
        Value::List(items) => {
            items.iter().map(|v| v.tensor().cloned()).collect::<Option<_>>().ok_or_else(not_tensors)?
        }
        _ => return Err(not_tensors()),
    };
    run(py, generator, work, || op.call_out_bound(values, &targets))?;
    Ok(out)
}

/// Runs a kernel: with the generator that was asked for, and without the interpreter's lock where it takes long.
fn run<R: Send>(
    py: Python<'_>,
    generator: Option<&Bound<'_, PyGenerator>>,
    work: usize,
    kernel: impl FnOnce() -> rusttorch::Result<R> + Send,
) -> PyResult<R> {
    match generator {
        Some(generator) => {
            let generator = generator.get();
            detached(py, work, || generator.with(kernel))
        }
        None => detached(py, work, kernel),
    }
}

/// Runs a kernel, without the interpreter's lock where it looks at so many elements that it takes long. Signals that came
/// meanwhile are answered then: a program that was interrupted stops, although what called the op may run no bytecode
/// between one op and the next.
#[inline]
pub(crate) fn detached<R: Send>(
    py: Python<'_>,
    work: usize,
    kernel: impl FnOnce() -> rusttorch::Result<R> + Send,
) -> PyResult<R> {
    if work < LONG {
        return guard(kernel);
    }
    let result = py.detach(|| guard(kernel))?;
    py.check_signals()?;
    Ok(result)
}

/// About how many elements an op looks at.
fn work(op: &'static Op, values: &[Value]) -> usize {
    let elements: usize = values.iter().map(elements).sum();
    match op.family {
        // Sizes are numbers here.
        Family::Creation | Family::Random => elements.max(values.first().map_or(0, product)),
        Family::Matrices if !values.iter().any(|v| matches!(v, Value::List(_))) => {
            let tensors = || values.iter().filter_map(Value::tensor);
            tensors().zip(tensors().skip(1)).map(|(a, b)| work_of_products(a, b)).fold(elements, usize::max)
        }
        // Each element takes part in as many products as a side is long.
        Family::Matrices | Family::LinearAlgebra => elements.saturating_mul(16),
        _ => elements,
    }
}

/// As many elements as take other ops as long as the product of two tensors does, about: one for so many
/// multiplications.
pub(crate) fn work_of_products(a: &Tensor, b: &Tensor) -> usize {
    const MULTIPLICATIONS: usize = 8;
    let longest = b.shape().iter().copied().max().unwrap_or(1);
    (a.numel().saturating_mul(longest) / MULTIPLICATIONS).max(a.numel()).max(b.numel())
}

fn elements(value: &Value) -> usize {
    match value {
        Value::Tensor(t) => t.numel(),
        Value::List(items) => items.iter().map(elements).sum(),
        _ => 0,
    }
}

fn product(value: &Value) -> usize {
    match value {
        Value::Scalar(Scalar::Int(n)) => usize::try_from(*n).unwrap_or(0),
        Value::List(items) => items.iter().map(product).fold(1, usize::saturating_mul),
        _ => 0,
    }
}

/// Fills in the arguments, defaults included.
fn bind<'py>(
    op: &'static Op,
    receiver: Option<&Bound<'py, PyAny>>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
    arguments: &mut Arguments,
) -> PyResult<Extras<'py>> {
    if let Some(receiver) = receiver {
        arguments.push(from_python(receiver)?);
    }
    by_place(op, args, arguments)?;
    let mut extras = Extras::default();
    if let Some(kwargs) = kwargs {
        arguments.values.resize(op.params.len(), Value::None);
        for (name, value) in kwargs.iter() {
            let name = name.cast::<PyString>()?;
            by_name(op, &name.to_cow()?, value, arguments, &mut extras)?;
        }
    }
    for (i, param) in op.params.iter().enumerate() {
        if arguments.has(i) {
            plain(&mut arguments.values[i], param)?;
            continue;
        }
        let default = param.default().ok_or_else(|| {
            PyTypeError::new_err(format!("{}() missing 1 required argument: '{}'", op.name(), param.name))
        })?;
        match arguments.values.get_mut(i) {
            Some(slot) => *slot = default,
            None => arguments.values.push(default),
        }
    }
    Ok(extras)
}

/// Whether the last positional parameter takes all that follow.
fn gathers(op: &'static Op, param: &Param) -> bool {
    const ANYTHING: [&str; 4] =
        ["torch.Tensor.view", "torch.atleast_1d", "torch.atleast_2d", "torch.atleast_3d"];
    param.gathers() || ANYTHING.contains(&op.path)
}

fn by_place(op: &'static Op, args: &Bound<'_, PyTuple>, arguments: &mut Arguments) -> PyResult<()> {
    let given = args.len();
    if given == 0 {
        return Ok(());
    }
    let first = arguments.values.len();
    let places = op.params.iter().take_while(|p| !p.keyword_only).count();
    for (i, argument) in args.iter_borrowed().enumerate() {
        let at = first + i;
        if at >= places {
            return Err(PyTypeError::new_err(format!(
                "{}() takes {} positional arguments but {given} were given",
                op.name(),
                places - first,
            )));
        }
        if at + 1 == places && given - i > 1 && gathers(op, &op.params[at]) {
            let rest = args.iter().skip(i).map(|v| from_python(&v)).collect::<PyResult<Vec<_>>>()?;
            let sizes = op.params[at].kind == "int[]" || op.path == "torch.Tensor.view";
            if rest.iter().all(|v| matches!(v, Value::Scalar(_)) || (sizes && is_number(v)))
                || rest.iter().all(|v| matches!(v, Value::Tensor(_)))
            {
                arguments.push(Value::List(rest));
                return Ok(());
            }
        }
        arguments.push(from_python(&argument)?);
    }
    Ok(())
}

/// NumPy's names of parameters, which PyTorch takes, too.
fn torch_name(name: &str) -> &str {
    match name {
        "axis" => "dim",
        "keepdims" => "keepdim",
        "x" | "a" | "x1" => "input",
        "x2" => "other",
        name => name,
    }
}

fn by_name<'py>(
    op: &'static Op,
    name: &str,
    value: Bound<'py, PyAny>,
    arguments: &mut Arguments,
    extras: &mut Extras<'py>,
) -> PyResult<()> {
    let place = |name: &str| op.params.iter().position(|p| p.name == name);
    if let Some(i) = place(name).or_else(|| place(torch_name(name))) {
        if arguments.has(i) {
            return Err(PyTypeError::new_err(format!(
                "{}() got multiple values for argument '{name}'",
                op.name()
            )));
        }
        arguments.set(i, from_python(&value)?);
        return Ok(());
    }
    let creates = matches!(op.family, Family::Creation | Family::Random);
    match name {
        "out" if op.has_out => extras.out = (!value.is_none()).then_some(value),
        "generator" if op.family == Family::Random => {
            if !value.is_none() {
                extras.generator = Some(value.cast_into::<PyGenerator>()?);
            }
        }
        "inplace" if op.has_in_place() => extras.in_place = value.is_truthy()?,
        "requires_grad" if creates => extras.requires_grad = value.is_truthy()?,
        "device" if creates => device::accept(&value)?,
        "pin_memory" if creates => {}
        "layout" if creates => dense(&value, &["torch.strided"])?,
        "memory_format" if creates || matches!(op.name(), "clone" | "contiguous") => {
            dense(&value, &["torch.contiguous_format", "torch.preserve_format"])?;
        }
        _ => {
            return Err(PyTypeError::new_err(format!(
                "{}() got an unexpected keyword argument '{name}'",
                op.name()
            )));
        }
    }
    Ok(())
}

/// Accepts the layout that tensors have. Error: `NotImplementedError` for others.
fn dense(value: &Bound<'_, PyAny>, allowed: &[&str]) -> PyResult<()> {
    let text = value.str()?;
    let text = text.to_cow()?;
    if value.is_none() || allowed.contains(&&*text) {
        return Ok(());
    }
    Err(PyNotImplementedError::new_err(format!("tensors are dense and in row-major order here, not {text}")))
}

fn is_number(value: &Value) -> bool {
    match value {
        Value::Scalar(_) => true,
        Value::Tensor(t) => t.rank() == 0,
        _ => false,
    }
}

/// A tensor of one number becomes that number where a number is what the parameter takes.
fn plain(value: &mut Value, param: &Param) -> PyResult<()> {
    match value {
        Value::Tensor(t) if t.rank() == 0 && !t.requires_grad() => {
            if matches!(param.kind, "int" | "float" | "Number" | "int[]") {
                *value = Value::Scalar(guard(|| t.item())?);
            }
        }
        Value::List(items) if param.kind == "int[]" && items.iter().all(is_number) => {
            for item in items {
                if let Value::Tensor(t) = item {
                    *item = Value::Scalar(guard(|| t.item())?);
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// The names of an op's parameters, defaults included, as a signature.
pub(crate) fn signature(op: &'static Op) -> String {
    let mut parts = Vec::new();
    let mut star = false;
    for p in op.params {
        if p.keyword_only && !star {
            parts.push("*".to_owned());
            star = true;
        }
        parts.push(match p.default() {
            None => p.name.to_owned(),
            Some(value) => format!("{}={}", p.name, text(&value)),
        });
    }
    if op.has_out {
        if !star {
            parts.push("*".to_owned());
        }
        parts.push("out=None".to_owned());
    }
    format!("{}({})", op.name(), parts.join(", "))
}

/// A default as Python writes it.
fn text(value: &Value) -> String {
    match value {
        Value::Scalar(Scalar::Bool(b)) => if *b { "True" } else { "False" }.to_owned(),
        Value::Scalar(Scalar::Float(v)) => format!("{v:?}"),
        Value::Scalar(s) => s.to_string(),
        Value::Text(t) => format!("'{t}'"),
        Value::DType(d) => d.name().to_owned(),
        Value::List(items) => format!("({})", items.iter().map(|v| text(v) + ",").collect::<String>()),
        _ => "None".to_owned(),
    }
}

/// Several Python objects as tensors. Error: `TypeError`.
pub(crate) fn tensors(list: &Bound<'_, PyAny>) -> PyResult<Vec<Tensor>> {
    if let Ok(one) = list.cast::<PyTensor>() {
        return Ok(vec![one.get().0.clone()]);
    }
    let one = |v: PyResult<Bound<'_, PyAny>>| Ok(v?.cast::<PyTensor>()?.get().0.clone());
    match list.cast::<PyList>() {
        Ok(list) => list.iter().map(|v| one(Ok(v))).collect(),
        Err(_) => list.try_iter()?.map(one).collect(),
    }
}

//! The ops as Python's functions and methods.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use rusttorch::catalogue::{self, Op};

use crate::call::{Form, call, signature};
use crate::direct::{self, Direct};
use crate::tables::{FIELDS, IN_PLACE_FUNCTIONAL, IN_PLACE_FUNCTIONS, NO_METHODS, OTHER_ORDER, PROPERTIES};
use crate::tensor::PyTensor;

/// An op as a function; on a class it is a method.
#[pyclass(name = "op", module = "rusttorch", frozen)]
pub(crate) struct PyOp {
    op: &'static Op,
    form: Form,
    method: bool,
    direct: Option<Direct>,
}

impl PyOp {
    fn new(op: &'static Op, form: Form, method: bool) -> PyOp {
        PyOp { op, form, method, direct: if method { None } else { direct::function(op, form) } }
    }
}

/// A method and its tensor.
#[pyclass(name = "bound_op", module = "rusttorch", frozen)]
struct BoundOp {
    op: &'static Op,
    form: Form,
    receiver: Py<PyAny>,
}

/// What makes a function anew, and the arguments for it.
type Reduced<'py> = (Bound<'py, PyAny>, (&'static str, bool, bool));

fn name(op: &'static Op, form: Form) -> String {
    match form {
        Form::InPlace => format!("{}_", op.name()),
        Form::Value => op.name().to_owned(),
    }
}

#[pymethods]
impl PyOp {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if let (Some(direct), None) = (self.direct, kwargs)
            && let Some(result) = direct(args)
        {
            return result;
        }
        call(py, self.op, self.form, None, args, kwargs)
    }

    fn __get__<'py>(
        slf: &Bound<'py, Self>,
        instance: Bound<'py, PyAny>,
        owner: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = owner;
        let PyOp { op, form, method, .. } = *slf.get();
        if !method || instance.is_none() {
            return Ok(slf.clone().into_any());
        }
        Ok(Bound::new(slf.py(), BoundOp { op, form, receiver: instance.unbind() })?.into_any())
    }

    #[getter]
    fn __name__(&self) -> String {
        name(self.op, self.form)
    }

    #[getter]
    fn __doc__(&self) -> String {
        signature(self.op)
    }

    fn __repr__(&self) -> String {
        format!("<op {}>", name(self.op, self.form))
    }

    /// By path and form.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        let make = slf.py().import("rusttorch._rusttorch")?.getattr("_op")?;
        let PyOp { op, form, method, .. } = slf.get();
        Ok((make, (op.path, *form == Form::InPlace, *method)))
    }
}

#[pymethods]
impl BoundOp {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        call(py, self.op, self.form, Some(self.receiver.bind(py)), args, kwargs)
    }

    #[getter]
    fn __name__(&self) -> String {
        name(self.op, self.form)
    }

    #[getter]
    fn __doc__(&self) -> String {
        signature(self.op)
    }

    #[getter]
    fn __self__(&self, py: Python<'_>) -> Py<PyAny> {
        self.receiver.clone_ref(py)
    }

    fn __repr__(&self) -> String {
        format!("<op {} of a Tensor>", name(self.op, self.form))
    }
}

/// The op of this path, as pickles name it.
#[pyfunction]
pub(crate) fn _op(path: &str, in_place: bool, method: bool) -> PyResult<PyOp> {
    let op = catalogue::find(path)
        .filter(|op| !in_place || op.has_in_place())
        .ok_or_else(|| pyo3::exceptions::PyAttributeError::new_err(format!("no op {path}")))?;
    Ok(PyOp::new(op, if in_place { Form::InPlace } else { Form::Value }, method))
}

/// The functions of a module of PyTorch's (`torch`, `torch.linalg`, ..) by name.
#[pyfunction]
pub(crate) fn _functions<'py>(py: Python<'py>, module: &str) -> PyResult<Bound<'py, PyDict>> {
    let functions = PyDict::new(py);
    for op in catalogue::all().filter(|op| op.path.rsplit_once('.').is_some_and(|(m, _)| m == module)) {
        functions.set_item(op.name(), PyOp::new(op, Form::Value, false).into_pyobject(py)?)?;
        let in_place = match module {
            "torch" => IN_PLACE_FUNCTIONS,
            "torch.nn.functional" => IN_PLACE_FUNCTIONAL,
            _ => &[],
        };
        if op.has_in_place() && in_place.contains(&op.name()) {
            let form = Form::InPlace;
            functions.set_item(name(op, form), PyOp::new(op, form, false).into_pyobject(py)?)?;
        }
    }
    Ok(functions)
}

/// The fields of several results, by the name of the op.
#[pyfunction]
pub(crate) fn _fields<'py>(py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    for (path, names) in FIELDS {
        fields.set_item(path.rsplit('.').next(), PyTuple::new(py, *names)?)?;
    }
    Ok(fields)
}

/// What the stubs are written from: path, parameters (name, kind, default as text, by name only), out, in-place, method.
#[pyfunction]
pub(crate) fn _catalogue(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyAny>>> {
    catalogue::all()
        .map(|op| {
            let params: Vec<_> = op
                .params
                .iter()
                .map(|p| (p.name, p.kind, p.default().is_some(), p.keyword_only, p.gathers()))
                .collect();
            (op.path, params, op.has_out, op.has_in_place(), is_method(op)).into_bound_py_any(py)
        })
        .collect()
}

/// Whether a function of the top level is a method of its first argument.
fn is_method(op: &'static Op) -> bool {
    let tensor = op.params.first().is_some_and(|p| {
        matches!(p.kind, "Tensor" | "Tensor or Number")
            && !matches!(p.name, "x1" | "a" | "start" | "end" | "mean")
    });
    let module = op.path.rsplit_once('.').map(|(m, _)| m);
    module == Some("torch") && tensor && !NO_METHODS.contains(&op.name()) && !OTHER_ORDER.contains(&op.name())
}

/// Gives the class of tensors its methods. What is written by hand in Rust stays.
pub(crate) fn add_methods(py: Python<'_>) -> PyResult<()> {
    let class = py.get_type::<PyTensor>();
    let own = class.getattr("__dict__")?;
    let set = |name: &str, value: Bound<'_, PyAny>| match own.contains(name)? {
        true => Ok(()),
        false => class.setattr(name, value),
    };
    let property = py.import("builtins")?.getattr("property")?;
    for op in catalogue::all() {
        let of_tensor = op.path.strip_prefix("torch.Tensor.");
        if of_tensor.is_none() && !is_method(op) {
            continue;
        }
        let function = PyOp::new(op, Form::Value, true).into_pyobject(py)?.into_any();
        match of_tensor {
            Some(name) if PROPERTIES.contains(&name) => set(name, property.call1((function,))?)?,
            _ => set(op.name(), function)?,
        }
        if op.has_in_place() && !op.name().ends_with('_') {
            let form = Form::InPlace;
            set(&name(op, form), PyOp::new(op, form, true).into_pyobject(py)?.into_any())?;
        }
    }
    Ok(())
}

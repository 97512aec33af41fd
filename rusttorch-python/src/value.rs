//! Python objects as the catalogue's values, and back.

use pyo3::PyTypeInfo;
use pyo3::exceptions::{PyOverflowError, PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyEllipsis, PyFloat, PyInt, PyList, PyRange, PySlice, PyString, PyTuple, PyType};
use rusttorch::catalogue::Value;
use rusttorch::{DType, Scalar, Tensor};

use crate::dtype::{self, PyDType};
use crate::numpy;
use crate::tensor::PyTensor;

/// An argument as a value. Errors: `TypeError` for what no op takes, `RuntimeError` for an integer beyond 64 bits.
pub(crate) fn from_python(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(t) = object.cast::<PyTensor>() {
        return Ok(Value::Tensor(t.get().0.clone()));
    }
    if let Some(s) = plain_number(object)? {
        return Ok(Value::Scalar(s));
    }
    if object.is_none() {
        return Ok(Value::None);
    }
    if let Ok(items) = object.cast::<PyTuple>() {
        return items.iter().map(|v| from_python(&v)).collect::<PyResult<_>>().map(Value::List);
    }
    if let Ok(items) = object.cast::<PyList>() {
        return items.iter().map(|v| from_python(&v)).collect::<PyResult<_>>().map(Value::List);
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(Value::Text(text.to_cow()?.into_owned()));
    }
    if let Ok(d) = object.cast::<PyDType>() {
        return Ok(Value::DType(d.get().0));
    }
    if let Ok(slice) = object.cast::<PySlice>() {
        let part = |name| slice.getattr(name).and_then(|v| bound(&v));
        return Ok(Value::Slice { start: part("start")?, stop: part("stop")?, step: part("step")? });
    }
    if object.cast::<PyEllipsis>().is_ok() {
        return Ok(Value::Ellipsis);
    }
    foreign(object)
}

/// What Python's own numbers are; `None` for everything else.
#[inline]
pub(crate) fn plain_number(object: &Bound<'_, PyAny>) -> PyResult<Option<Scalar>> {
    if let Ok(v) = object.cast::<PyFloat>() {
        return Ok(Some(Scalar::Float(v.value())));
    }
    if let Ok(v) = object.cast::<PyBool>() {
        return Ok(Some(Scalar::Bool(v.is_true())));
    }
    if object.cast::<PyInt>().is_ok() {
        return integer(object).map(|v| Some(Scalar::Int(v)));
    }
    Ok(None)
}

fn integer(object: &Bound<'_, PyAny>) -> PyResult<i64> {
    object.extract::<i64>().map_err(|e| match e.is_instance_of::<PyOverflowError>(object.py()) {
        true => PyRuntimeError::new_err("Overflow when unpacking long long"),
        false => e,
    })
}

/// A bound of a slice: an integer, or a tensor of one. As in Python, one beyond 64 bits is as good as the largest.
fn bound(object: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    if object.is_none() {
        return Ok(None);
    }
    let index = object.call_method0("__index__").map_err(|_| {
        PyTypeError::new_err("slice indices must be integers or None or have an __index__ method")
    })?;
    match index.extract::<i64>() {
        Ok(i) => Ok(Some(i)),
        Err(_) => Ok(Some(if index.lt(0)? { i64::MIN } else { i64::MAX })),
    }
}

/// Arrays and numbers of other packages, ranges, types that stand for dtypes.
#[cold]
fn foreign(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    if object.cast::<PyRange>().is_ok() {
        return object.try_iter()?.map(|v| from_python(&v?)).collect::<PyResult<_>>().map(Value::List);
    }
    if let Ok(class) = object.cast::<PyType>() {
        let dtype = match class {
            c if c.is(PyFloat::type_object(c.py())) => Some(DType::F64),
            c if c.is(PyBool::type_object(c.py())) => Some(DType::Bool),
            c if c.is(PyInt::type_object(c.py())) => Some(DType::I64),
            _ => None,
        };
        if let Some(dtype) = dtype {
            return Ok(Value::DType(dtype));
        }
    }
    let array = object.hasattr("__array_interface__")?;
    if array && object.getattr("ndim")?.extract::<usize>()? > 0 {
        return numpy::share(object).map(Value::Tensor);
    }
    if array && object.getattr("dtype")?.getattr("kind")?.eq("b")? {
        return Ok(Value::Scalar(Scalar::Bool(object.is_truthy()?)));
    }
    if object.hasattr("__index__")? {
        return integer(&object.call_method0("__index__")?).map(|v| Value::Scalar(Scalar::Int(v)));
    }
    if object.hasattr("__float__")? {
        return object.extract().map(|v| Value::Scalar(Scalar::Float(v)));
    }
    Err(PyTypeError::new_err(format!("no op takes a {}", object.get_type().name()?)))
}

/// A result as a Python object; several are a tuple.
pub(crate) fn to_python<'py>(py: Python<'py>, value: Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Tensor(t) => tensor(py, t)?,
        Value::None => py.None().into_bound(py),
        Value::Scalar(s) => scalar(py, s)?,
        Value::DType(d) => dtype::object(py, d)?.into_bound(py).into_any(),
        Value::Text(t) => PyString::new(py, &t).into_any(),
        Value::List(items) => {
            let items = items.into_iter().map(|v| to_python(py, v)).collect::<PyResult<Vec<_>>>()?;
            PyTuple::new(py, items)?.into_any()
        }
        Value::Ellipsis | Value::Slice { .. } => {
            return Err(PyRuntimeError::new_err(
                "this is a bug in RustTorch, please report it: an op returned an index",
            ));
        }
    })
}

/// A tensor as a Python object.
#[inline]
pub(crate) fn tensor(py: Python<'_>, t: Tensor) -> PyResult<Bound<'_, PyAny>> {
    Ok(Bound::new(py, PyTensor::of(t))?.into_any())
}

/// A number as Python's.
pub(crate) fn scalar(py: Python<'_>, s: Scalar) -> PyResult<Bound<'_, PyAny>> {
    Ok(match s {
        Scalar::Bool(v) => PyBool::new(py, v).to_owned().into_any(),
        Scalar::Int(v) => v.into_pyobject(py)?.into_any(),
        Scalar::Float(v) => PyFloat::new(py, v).into_any(),
    })
}

/// `torch.Size` of these sizes.
pub(crate) fn size<'py>(py: Python<'py>, shape: &[usize]) -> PyResult<Bound<'py, PyAny>> {
    static SIZE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    SIZE.import(py, "rusttorch._size", "Size")?.call1((PyTuple::new(py, shape)?,))
}

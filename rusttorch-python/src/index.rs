//! Square brackets, `len`, iteration and `in`.

use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyIterator, PyList, PyTuple};
use rusttorch::catalogue::{self, Value};
use rusttorch::{Scalar, Tensor};

use crate::call::detached;
use crate::error::{carry, guard};
use crate::tensor::PyTensor;
use crate::value::{from_python, tensor};

/// The catalogue's call of an op that is known to be there.
fn catalogue_call(path: &'static str, arguments: &[Value]) -> rusttorch::Result<Value> {
    let op = catalogue::find(path).ok_or_else(|| carry(PyTypeError::new_err(path)))?;
    op.call_bound(arguments)
}

/// What stands in square brackets: a tuple is several entries, a list is one, or, as old programs have it, several where an
/// item of it is more than a number.
fn entries(index: &Bound<'_, PyAny>) -> PyResult<Value> {
    let value = from_python(index)?;
    Ok(match &value {
        Value::List(items)
            if index.is_instance_of::<PyList>() && items.iter().all(|v| matches!(v, Value::Scalar(_))) =>
        {
            Value::List(vec![value])
        }
        _ => value,
    })
}

#[pymethods]
impl PyTensor {
    fn __getitem__<'py>(slf: &Bound<'py, Self>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let t = &slf.get().0;
        // The commonest first: a row by its number.
        if index.is_exact_instance_of::<PyInt>()
            && t.rank() > 0
            && let Ok(i) = index.extract::<isize>()
        {
            return tensor(py, guard(|| t.select(0, i))?);
        }
        if t.rank() == 0 && index.is_exact_instance_of::<PyInt>() {
            return Err(PyIndexError::new_err(
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python to convert a 0-dim tensor to a number",
            ));
        }
        let index = entries(index)?;
        let value =
            detached(py, t.numel(), || catalogue_call("torch.Tensor.__getitem__", &[t.into(), index]))?;
        crate::value::to_python(py, value)
    }

    fn __setitem__(
        slf: &Bound<'_, Self>,
        index: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let t = &slf.get().0;
        let (index, value) = (entries(index)?, from_python(value)?);
        let call = || catalogue_call("torch.Tensor.__setitem__", &[t.into(), index, value]);
        detached(slf.py(), t.numel(), call).map(drop)
    }

    fn __len__(&self) -> PyResult<usize> {
        self.0.shape().first().copied().ok_or_else(|| PyTypeError::new_err("len() of a 0-d tensor"))
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        if self.0.rank() == 0 {
            return Err(PyTypeError::new_err("iteration over a 0-d tensor"));
        }
        let rows = guard(|| self.0.unbind(0))?;
        let rows = rows.into_iter().map(|t| tensor(py, t)).collect::<PyResult<Vec<_>>>()?;
        PyTuple::new(py, rows)?.try_iter()
    }

    fn __contains__(&self, py: Python<'_>, element: &Bound<'_, PyAny>) -> PyResult<bool> {
        let found = |x: &Tensor, value: &Value| {
            let equal = match value {
                Value::Tensor(t) => x.eq(t)?,
                Value::Scalar(s) => x.eq(*s)?,
                other => {
                    let error =
                        format!("Tensor.__contains__ takes a number or a Tensor, not {}", other.kind());
                    return Err(carry(PyTypeError::new_err(error)));
                }
            };
            Ok(equal.any(rusttorch::Dims::all(), false)?.item()? == Scalar::Bool(true))
        };
        let value = from_python(element)?;
        detached(py, self.0.numel(), || found(&self.0, &value))
    }
}

//! What calls a `Module`: the part of it that every layer of every forward pass goes through.

use pyo3::exceptions::PyAttributeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// The base of `torch.nn.Module`, which has everything but the call from Python.
#[pyclass(name = "_Callable", module = "rusttorch", subclass, frozen)]
pub(crate) struct PyCallable;

#[pymethods]
impl PyCallable {
    /// Takes what a subclass is made with.
    #[new]
    #[pyo3(signature = (*args, **kwargs))]
    fn new(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> PyCallable {
        let _ = (args, kwargs);
        PyCallable
    }

    /// Calls `forward`, and hooks if there are some.
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        // One look at the attributes: a class with __getattr__ takes its time for each.
        let own = slf.getattr(intern!(py, "__dict__"))?.cast_into::<PyDict>()?;
        for kind in [intern!(py, "_forward_pre_hooks"), intern!(py, "_forward_hooks")] {
            let hooks = own.get_item(kind)?.ok_or_else(|| {
                PyAttributeError::new_err("cannot call a module before Module.__init__() call")
            })?;
            if !hooks.cast::<PyDict>().is_ok_and(|hooks| hooks.is_empty()) {
                return slf.getattr(intern!(py, "_call_with_hooks"))?.call(args, kwargs);
            }
        }
        slf.getattr(intern!(py, "forward"))?.call(args, kwargs)
    }
}

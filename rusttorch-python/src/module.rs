//! What calls a `Module`: the part of it that every layer of every forward pass goes through.
//!
//! It is a class made by hand: one of PyO3's has a `__new__`, and then those of other bases of a user's class would never be
//! called, nor could `object.__new__` make one.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use pyo3::exceptions::PyAttributeError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::error::panicked;

/// The class `_Callable`, the base of `torch.nn.Module`, which has everything but the call from Python.
pub(crate) fn class(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let mut slots = [
        ffi::PyType_Slot { slot: ffi::Py_tp_call, pfunc: call as *mut c_void },
        ffi::PyType_Slot { slot: 0, pfunc: ptr::null_mut() },
    ];
    let mut spec = ffi::PyType_Spec {
        name: c"rusttorch._rusttorch._Callable".as_ptr(),
        // That of `object`: with other bases it fits any.
        basicsize: 0,
        itemsize: 0,
        flags: (ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_BASETYPE) as _,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: the interpreter is attached, and reads the specification, which ends with an empty slot, during this call; the
    // function in it has the signature that its slot calls for.
    let class = unsafe { ffi::PyType_FromSpec(&raw mut spec) };
    // SAFETY: a new reference, or none and an exception.
    unsafe { Bound::from_owned_ptr_or_err(py, class) }
}

/// The slot.
extern "C" fn call(
    module: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    kwargs: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: whoever calls a slot is attached to the interpreter.
    let py = unsafe { Python::assume_attached() };
    let result = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller has a reference to it for as long as the call takes.
        let module = unsafe { Borrowed::from_ptr(py, module) };
        // SAFETY: as before.
        let args = unsafe { Borrowed::from_ptr(py, args) };
        // SAFETY: as before, or none.
        let kwargs = unsafe { Bound::from_borrowed_ptr_or_opt(py, kwargs) };
        let kwargs = kwargs.map(|kwargs| kwargs.cast_into::<PyDict>()).transpose()?;
        forward(&module, &*args.cast::<PyTuple>()?, kwargs.as_ref())
    }));
    match result.unwrap_or_else(|payload| Err(panicked(&*payload))) {
        Ok(value) => value.into_ptr(),
        Err(error) => {
            error.restore(py);
            ptr::null_mut()
        }
    }
}

/// Calls `forward`, and hooks if there are some.
fn forward<'py>(
    module: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = module.py();
    // One look at the attributes: a class with __getattr__ takes its time for each.
    let own = module.getattr(intern!(py, "__dict__"))?.cast_into::<PyDict>()?;
    for kind in [intern!(py, "_forward_pre_hooks"), intern!(py, "_forward_hooks")] {
        let hooks = own
            .get_item(kind)?
            .ok_or_else(|| PyAttributeError::new_err("cannot call a module before Module.__init__() call"))?;
        if !hooks.cast::<PyDict>().is_ok_and(|hooks| hooks.is_empty()) {
            return module.getattr(intern!(py, "_call_with_hooks"))?.call(args, kwargs);
        }
    }
    module.getattr(intern!(py, "forward"))?.call(args, kwargs)
}

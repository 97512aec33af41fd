//! Who computes.

use std::collections::HashMap;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rusttorch::backends::{self, Fallback};

use crate::error::guard;

/// The names of the backends, the preferred one first.
#[pyfunction]
pub(crate) fn list() -> Vec<&'static str> {
    backends::list()
}

/// The name of the backend on which ops of this thread run.
#[pyfunction]
pub(crate) fn current() -> PyResult<&'static str> {
    guard(|| backends::current().map(|b| b.name()))
}

/// Makes a backend the default of the process.
#[pyfunction]
pub(crate) fn set_default(name: &str) -> PyResult<()> {
    guard(|| backends::set_default(name))
}

/// Opens a scope on this thread.
#[pyfunction]
pub(crate) fn _enter(name: &str) -> PyResult<()> {
    backends::enter(guard(|| backends::get(name))?);
    Ok(())
}

/// Closes the innermost scope of this thread.
#[pyfunction]
pub(crate) fn _leave() {
    backends::leave();
}

/// What `rusttorch::backends::report` says: the backend in force, its chain and what the backends of that say of themselves,
/// all backends, threads; the policy for what a backend leaves out, and how many calls of each family it handed on since
/// the process began.
#[pyfunction]
pub(crate) fn report(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let found = guard(backends::report)?;
    let report = PyDict::new(py);
    report.set_item("current", found.backend)?;
    report.set_item("chain", &found.chain)?;
    report.set_item("facts", found.facts.iter().cloned().collect::<HashMap<_, _>>())?;
    report.set_item("backends", &found.registered)?;
    report.set_item("threads", found.threads)?;
    let policy = match backends::fallback() {
        Fallback::Allow => "allow",
        Fallback::Warn => "warn",
        Fallback::Error => "error",
    };
    report.set_item("fallback", policy)?;
    let counts = PyDict::new(py);
    for backend in found.registered {
        for (family, count) in backends::delegations(backend) {
            counts.set_item((backend, family.name()), count)?;
        }
    }
    report.set_item("delegations", counts)?;
    Ok(report)
}

#[pyfunction]
pub(crate) fn get_num_threads() -> usize {
    rusttorch::num_threads()
}

/// Error: `RuntimeError` below 1.
#[pyfunction]
pub(crate) fn set_num_threads(threads: isize) -> PyResult<()> {
    match usize::try_from(threads) {
        Ok(n) if n > 0 => {
            rusttorch::set_num_threads(n);
            Ok(())
        }
        _ => Err(PyRuntimeError::new_err("set_num_threads expects a positive integer")),
    }
}

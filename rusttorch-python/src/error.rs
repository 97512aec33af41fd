//! Errors as the exceptions that PyTorch raises, and panics as errors.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::PyErr;
use pyo3::exceptions::{
    PyIndexError, PyNotImplementedError, PyOSError, PyRuntimeError, PyTypeError, PyValueError,
};
use rusttorch::{ErrorKind, Result, TensorError};

pyo3::create_exception!(
    rusttorch.linalg,
    LinAlgError,
    PyRuntimeError,
    "A matrix that is singular, not positive definite, or whose decomposition does not converge."
);

/// The exception of the class that PyTorch raises in the same place.
#[cold]
pub(crate) fn raise(error: TensorError) -> PyErr {
    let mut message = error.to_string();
    match error.kind() {
        ErrorKind::Dim | ErrorKind::Index => PyIndexError::new_err(message),
        ErrorKind::Type => PyTypeError::new_err(message),
        ErrorKind::NotImplemented | ErrorKind::Unsupported => PyNotImplementedError::new_err(message),
        ErrorKind::Argument | ErrorKind::Format => PyValueError::new_err(message),
        ErrorKind::LinAlg => LinAlgError::new_err(message),
        ErrorKind::Io => PyOSError::new_err(message),
        ErrorKind::Backend => {
            if lacks_blas(&error) {
                message += "; pip install 'rusttorch[blas]' adds it";
            }
            PyRuntimeError::new_err(message)
        }
        ErrorKind::Internal => bug(&message),
        ErrorKind::Autograd => from_python(error).unwrap_or_else(|| PyRuntimeError::new_err(message)),
        _ => PyRuntimeError::new_err(message),
    }
}

/// Whether what was asked for is the one backend that another wheel has.
fn lacks_blas(error: &TensorError) -> bool {
    let named = error.value("name").is_some_and(|name| name.to_string() == "blas");
    named && error.value("present").is_some()
}

/// A Python exception on its way through the frontend, as hooks and functions of the user raise them.
#[cold]
pub(crate) fn carry(error: PyErr) -> TensorError {
    TensorError::new(ErrorKind::Autograd, "python", "a Python function raised").caused_by(error)
}

/// The exception that [`carry`] wrapped.
fn from_python(error: TensorError) -> Option<PyErr> {
    let source = std::error::Error::source(&error)?.downcast_ref::<PyErr>()?;
    Some(pyo3::Python::attach(|py| source.clone_ref(py)))
}

#[cold]
fn bug(message: &str) -> PyErr {
    PyRuntimeError::new_err(format!("this is a bug in RustTorch, please report it: {message}"))
}

/// Runs what must not panic: a panic becomes an exception that names itself a bug.
#[inline]
pub(crate) fn guard<R>(body: impl FnOnce() -> Result<R>) -> Result<R, PyErr> {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(raise(error)),
        Err(payload) => Err(panicked(&*payload)),
    }
}

/// The exception for a panic.
#[cold]
pub(crate) fn panicked(payload: &(dyn Any + Send)) -> PyErr {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    bug(text.unwrap_or("a panic without a message"))
}

/// Panics inside of the guard of every call, for the test of what becomes of panics.
#[pyo3::pyfunction]
pub(crate) fn _panic() -> Result<(), PyErr> {
    let planted = std::hint::black_box(true);
    guard(|| {
        assert!(!planted, "a planted panic");
        Ok(())
    })
}

//! `torch.device`: there is one, and programs may name it.

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyString;

/// Where a tensor lies. Others than the CPU can be named but not used.
#[pyclass(name = "device", module = "rusttorch", frozen, eq, hash)]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct PyDevice {
    kind: String,
    index: Option<u32>,
}

/// What PyTorch knows by name.
const KINDS: &[&str] = &["cpu", "cuda", "mps", "xpu", "meta", "hpu", "mtia", "xla", "ipu", "hip"];

impl PyDevice {
    pub(crate) fn cpu() -> PyDevice {
        PyDevice { kind: "cpu".to_owned(), index: None }
    }

    fn parse(text: &str) -> PyResult<PyDevice> {
        let wrong = || PyRuntimeError::new_err(format!("Invalid device string: '{text}'"));
        let (kind, index) = match text.split_once(':') {
            Some((kind, index)) => (kind, Some(index.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        if !KINDS.contains(&kind) {
            return Err(PyRuntimeError::new_err(format!(
                "Expected one of {} device type at start of device string: {kind}",
                KINDS.join(", ")
            )));
        }
        Ok(PyDevice { kind: kind.to_owned(), index })
    }

    /// Error: `RuntimeError` unless it is the CPU.
    fn usable(&self) -> PyResult<()> {
        if self.kind == "cpu" {
            return Ok(());
        }
        Err(PyRuntimeError::new_err(format!(
            "device {} is not available: RustTorch computes on the CPU",
            self.name()
        )))
    }

    fn name(&self) -> String {
        match self.index {
            Some(i) => format!("{}:{i}", self.kind),
            None => self.kind.clone(),
        }
    }
}

/// Accepts a `device=` argument. Errors: `RuntimeError` unless it names the CPU, `TypeError`.
pub(crate) fn accept(argument: &Bound<'_, PyAny>) -> PyResult<()> {
    if argument.is_none() {
        return Ok(());
    }
    if let Ok(device) = argument.cast::<PyDevice>() {
        return device.get().usable();
    }
    match argument.cast::<PyString>() {
        Ok(text) => PyDevice::parse(&text.to_cow()?)?.usable(),
        Err(_) => Err(PyTypeError::new_err(format!(
            "device must be a torch.device or str, not {}",
            argument.get_type().name()?
        ))),
    }
}

#[pymethods]
impl PyDevice {
    #[new]
    #[pyo3(signature = (device, index = None))]
    fn new(device: &Bound<'_, PyAny>, index: Option<u32>) -> PyResult<PyDevice> {
        if let Ok(other) = device.cast::<PyDevice>() {
            let other = other.get();
            return Ok(PyDevice { kind: other.kind.clone(), index: other.index });
        }
        let text =
            device.cast::<PyString>().map_err(|_| PyTypeError::new_err("device must be named by a str"))?;
        let parsed = PyDevice::parse(&text.to_cow()?)?;
        match (parsed.index, index) {
            (Some(_), Some(_)) => {
                Err(PyRuntimeError::new_err(format!("type (string) must not include an index: '{text}'")))
            }
            (a, b) => Ok(PyDevice { kind: parsed.kind, index: a.or(b) }),
        }
    }

    #[getter]
    fn r#type(&self) -> &str {
        &self.kind
    }

    #[getter]
    fn index(&self) -> Option<u32> {
        self.index
    }

    fn __repr__(&self) -> String {
        match self.index {
            Some(i) => format!("device(type='{}', index={i})", self.kind),
            None => format!("device(type='{}')", self.kind),
        }
    }

    fn __str__(&self) -> String {
        self.name()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyAny>, (String,)) {
        (slf.get_type().into_any(), (slf.get().name(),))
    }
}

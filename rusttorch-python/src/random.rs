//! Generators of random numbers.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use rusttorch::{DType, Generator, Result, Tensor};

use crate::device::PyDevice;
use crate::error::guard;
use crate::tensor::PyTensor;

/// A generator of one's own, or the default one of the process: `torch.Generator`.
#[pyclass(name = "Generator", module = "rusttorch", frozen)]
pub(crate) struct PyGenerator {
    /// `None` for the default one.
    own: Option<Mutex<Generator>>,
}

impl PyGenerator {
    /// Runs a kernel that draws from this generator. Another thread that draws from it meanwhile waits.
    pub(crate) fn with<R>(&self, kernel: impl FnOnce() -> Result<R>) -> Result<R> {
        match &self.own {
            Some(own) => rusttorch::with_generator(&mut lock(own), kernel),
            None => kernel(),
        }
    }

    fn on<R>(&self, body: impl FnOnce(&mut Generator) -> R) -> R {
        match &self.own {
            Some(own) => body(&mut lock(own)),
            None => rusttorch::with_default_generator(body),
        }
    }
}

fn lock(generator: &Mutex<Generator>) -> MutexGuard<'_, Generator> {
    generator.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A seed as PyTorch reads it: 64 bits, negative numbers from their end.
pub(crate) fn seed(value: &Bound<'_, PyAny>) -> PyResult<u64> {
    let value = value.call_method0("__int__").map_err(|_| {
        PyRuntimeError::new_err(format!("manual_seed expected a long, but got {}", value.get_type()))
    })?;
    if let Ok(seed) = value.extract::<u64>() {
        return Ok(seed);
    }
    value.extract::<i64>().map(|seed| seed as u64).map_err(|_| {
        PyRuntimeError::new_err(format!("Overflow when unpacking long: a seed has 64 bits: {value}"))
    })
}

#[pymethods]
impl PyGenerator {
    #[new]
    #[pyo3(signature = (device = None))]
    fn new(device: Option<&Bound<'_, PyAny>>) -> PyResult<PyGenerator> {
        device.map_or(Ok(()), crate::device::accept)?;
        Ok(PyGenerator { own: Some(Mutex::new(Generator::new(Generator::DEFAULT_SEED))) })
    }

    fn manual_seed<'py>(slf: &Bound<'py, Self>, seed: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        let seed = self::seed(seed)?;
        slf.get().on(|g| g.manual_seed(seed));
        Ok(slf.clone())
    }

    fn initial_seed(&self) -> u64 {
        self.on(|g| g.initial_seed())
    }

    /// The state as PyTorch's generators have it, in a tensor of bytes.
    fn get_state(&self) -> PyResult<PyTensor> {
        let state = self.on(|g| g.state());
        guard(|| Tensor::from_slice(&state, &[state.len()])).map(PyTensor::of)
    }

    fn set_state<'py>(
        slf: &Bound<'py, Self>,
        new_state: &Bound<'py, PyTensor>,
    ) -> PyResult<Bound<'py, Self>> {
        let state = &new_state.get().0;
        if state.dtype() != DType::U8 {
            return Err(PyTypeError::new_err(format!(
                "the state must be a tensor of bytes, not of {}",
                state.dtype()
            )));
        }
        let state = guard(|| state.to_vec::<u8>())?;
        slf.get()
            .on(|g| g.set_state(&state))
            .map_err(|e| PyRuntimeError::new_err(format!("set_state: {e}")))?;
        Ok(slf.clone())
    }

    #[getter]
    fn device(&self) -> PyDevice {
        PyDevice::cpu()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        format!("<rusttorch.Generator object at {:p}>", slf.as_ptr())
    }
}

/// The generator that draws take their numbers from where no other is named.
#[pyfunction]
pub(crate) fn _default_generator() -> PyGenerator {
    PyGenerator { own: None }
}

//! Gradients: `backward`, `grad`, hooks, and functions whose gradient is written in Python.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use rusttorch::Tensor;
use rusttorch::autograd::{self, GradOptions, HookHandle};

use crate::call::tensors;
use crate::error::{carry, guard};
use crate::tensor::PyTensor;
use crate::value::tensor;

/// How long a backward pass goes on before Python is asked whether it is to stop: to ask takes the interpreter's lock.
const PATIENCE: Duration = Duration::from_millis(100);

/// Has backward passes end where a signal's handler raises, as that of Ctrl-C does, between nodes of the graph.
pub(crate) fn watch_signals() {
    thread_local! {
        static ASKED: Cell<Option<Instant>> = const { Cell::new(None) };
    }
    autograd::set_interrupt(|| {
        let now = Instant::now();
        match ASKED.get() {
            Some(last) if now < last + PATIENCE => Ok(()),
            _ => {
                ASKED.set(Some(now));
                Python::attach(|py| py.check_signals()).map_err(carry)
            }
        }
    });
}

/// Whether ops are recorded on this thread.
#[pyfunction]
pub(crate) fn is_grad_enabled() -> bool {
    autograd::is_grad_enabled()
}

/// Switches recording on or off and returns what it was.
#[pyfunction]
pub(crate) fn _set_grad_enabled(enabled: bool) -> bool {
    autograd::set_grad_enabled(enabled)
}

/// A list whose items are tensors or None; a tensor alone is a list of one.
fn optional(list: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<Option<Tensor>>> {
    let Some(list) = list.filter(|l| !l.is_none()) else { return Ok(Vec::new()) };
    if let Ok(one) = list.cast::<PyTensor>() {
        return Ok(vec![Some(one.get().0.clone())]);
    }
    let one = |v: PyResult<Bound<'_, PyAny>>| {
        let v = v?;
        if v.is_none() { Ok(None) } else { Ok(Some(v.cast::<PyTensor>()?.get().0.clone())) }
    };
    list.try_iter()?.map(one).collect()
}

/// `torch.autograd.grad` with every argument given.
#[pyfunction]
pub(crate) fn _grad<'py>(
    py: Python<'py>,
    outputs: &Bound<'py, PyAny>,
    inputs: &Bound<'py, PyAny>,
    grad_outputs: Option<&Bound<'py, PyAny>>,
    retain_graph: bool,
    create_graph: bool,
    allow_unused: bool,
) -> PyResult<Bound<'py, PyTuple>> {
    let (outputs, inputs, weights) = (tensors(outputs)?, tensors(inputs)?, optional(grad_outputs)?);
    let options = GradOptions { retain_graph, create_graph, allow_unused };
    let found = py.detach(|| {
        guard(|| {
            let weights: Vec<Option<&Tensor>> = weights.iter().map(Option::as_ref).collect();
            let (outputs, inputs): (Vec<&Tensor>, Vec<&Tensor>) =
                (outputs.iter().collect(), inputs.iter().collect());
            autograd::grad(&outputs, &inputs, &weights, options)
        })
    })?;
    let found = found.into_iter().map(|g| match g {
        Some(g) => tensor(py, g),
        None => Ok(py.None().into_bound(py)),
    });
    PyTuple::new(py, found.collect::<PyResult<Vec<_>>>()?)
}

/// The one static string of each name, as nodes of the graph want it.
fn interned(name: &str) -> &'static str {
    static NAMES: Mutex<Option<HashMap<String, &'static str>>> = Mutex::new(None);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let names = names.get_or_insert_default();
    if let Some(known) = names.get(name) {
        return known;
    }
    let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(name.to_owned(), kept);
    kept
}

/// Gives an output a place in the graph: `rule(output, grad)` returns the gradients of the inputs, one each.
#[pyfunction]
pub(crate) fn _record(
    name: &str,
    output: &Bound<'_, PyTensor>,
    inputs: &Bound<'_, PyAny>,
    rule: Py<PyAny>,
) -> PyResult<PyTensor> {
    let inputs = tensors(inputs)?;
    let output = output.get().0.clone();
    let call = move |output: &Tensor, grad: &Tensor| {
        Python::attach(|py| -> PyResult<Vec<Option<Tensor>>> {
            let arguments = (tensor(py, output.clone())?, tensor(py, grad.clone())?);
            optional(Some(&rule.bind(py).call1(arguments)?))
        })
        .map_err(carry)
    };
    let refs: Vec<&Tensor> = inputs.iter().collect();
    guard(|| autograd::record_custom(interned(name), output, &refs, call)).map(PyTensor::of)
}

/// A hook that was registered, by which it is removed.
#[pyclass(name = "RemovableHandle", module = "rusttorch.utils.hooks", frozen)]
struct PyHook(Mutex<Option<HookHandle>>);

#[pymethods]
impl PyHook {
    /// Removes the hook; a second time does nothing.
    fn remove(&self) {
        if let Some(handle) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            handle.remove();
        }
    }

    fn __enter__<'py>(slf: &Bound<'py, Self>) -> Bound<'py, Self> {
        slf.clone()
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(&self, _args: &Bound<'_, PyTuple>) {
        self.remove();
    }
}

#[pymethods]
impl PyTensor {
    /// Adds the gradient of this tensor to the `.grad` of leaves, or of `inputs` alone.
    #[pyo3(signature = (gradient = None, retain_graph = None, create_graph = false, inputs = None))]
    fn backward(
        &self,
        py: Python<'_>,
        gradient: Option<&Bound<'_, PyTensor>>,
        retain_graph: Option<bool>,
        create_graph: bool,
        inputs: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let retain_graph = retain_graph.unwrap_or(create_graph);
        let options = GradOptions { retain_graph, create_graph, allow_unused: true };
        let gradient = gradient.map(|g| g.get().0.clone());
        let Some(inputs) = inputs else {
            return py.detach(|| guard(|| self.0.backward_with(gradient.as_ref(), options)));
        };
        let inputs = tensors(inputs)?;
        py.detach(|| {
            guard(|| {
                let refs: Vec<&Tensor> = inputs.iter().collect();
                let found = autograd::grad(&[&self.0], &refs, &[gradient.as_ref()], options)?;
                for (input, grad) in inputs.iter().zip(found) {
                    let sum = match (input.grad(), grad) {
                        (Some(old), Some(grad)) => Some(old.add(&grad)?),
                        (old, grad) => grad.or(old),
                    };
                    input.set_grad(sum)?;
                }
                Ok(())
            })
        })
    }

    /// Calls `hook(grad)` with every gradient of this tensor; what it returns takes the gradient's place.
    fn register_hook(&self, hook: Py<PyAny>) -> PyResult<PyHook> {
        let call = move |grad: &Tensor| {
            Python::attach(|py| -> PyResult<Option<Tensor>> {
                let replaced = hook.bind(py).call1((tensor(py, grad.clone())?,))?;
                if replaced.is_none() {
                    return Ok(None);
                }
                match replaced.cast::<PyTensor>() {
                    Ok(t) => Ok(Some(t.get().0.clone())),
                    Err(_) => Err(PyTypeError::new_err(format!(
                        "hook of Tensor: a Tensor or None is to be returned, not {}",
                        replaced.get_type().name()?
                    ))),
                }
            })
            .map_err(carry)
        };
        let handle = guard(|| self.0.register_hook(call))?;
        Ok(PyHook(Mutex::new(Some(handle))))
    }

    fn retain_grad(&self) -> PyResult<()> {
        guard(|| self.0.retain_grad())
    }
}

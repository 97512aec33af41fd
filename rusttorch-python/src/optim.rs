//! The update rules of the optimizers. Groups and their options are Python's business.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rusttorch::optim::{Adam, AdamW, Optimize, Optimizer, Sgd};

use crate::error::guard;
use crate::tensor::PyTensor;
use crate::value::tensor;

/// Parameters under one rule with one set of options.
#[pyclass(name = "Rule", module = "rusttorch.optim", frozen)]
pub(crate) struct PyRule(Mutex<Optimizer>);

impl PyRule {
    fn lock(&self) -> MutexGuard<'_, Optimizer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PyRule {
    /// `options` are those of the rule in the order of its fields.
    #[new]
    fn new(name: &str, parameters: Vec<Bound<'_, PyTensor>>, options: Vec<f64>) -> PyResult<PyRule> {
        let parameters = parameters.iter().map(|p| p.get().0.clone()).collect();
        let made = match (name, &options[..]) {
            ("SGD", &[lr, momentum, dampening, weight_decay, nesterov]) => {
                let rule = Sgd { lr, momentum, dampening, weight_decay, nesterov: nesterov != 0.0 };
                guard(|| rule.over(parameters))
            }
            ("Adam", &[lr, b1, b2, eps, weight_decay]) => {
                guard(|| Adam { lr, betas: (b1, b2), eps, weight_decay }.over(parameters))
            }
            ("AdamW", &[lr, b1, b2, eps, weight_decay]) => {
                guard(|| AdamW { lr, betas: (b1, b2), eps, weight_decay }.over(parameters))
            }
            _ => Err(PyValueError::new_err(format!("no rule {name} with {} options", options.len()))),
        };
        Ok(PyRule(Mutex::new(made?)))
    }

    fn step(&self, py: Python<'_>) -> PyResult<()> {
        // The lock is taken without the interpreter's, which its holder may be waiting for.
        py.detach(|| guard(|| self.lock().step()))
    }

    fn set_lr(&self, lr: f64) -> PyResult<()> {
        guard(|| self.lock().set_lr(lr))
    }

    /// The tensors of the state by name: `0.step`, `0.exp_avg`, ..
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
        let state = py.detach(|| guard(|| self.lock().state()))?;
        state.into_iter().map(|(name, t)| Ok((name, tensor(py, t)?))).collect()
    }

    fn load_state(&self, state: Vec<(String, Bound<'_, PyTensor>)>) -> PyResult<()> {
        let state: Vec<_> = state.into_iter().map(|(name, t)| (name, t.get().0.clone())).collect();
        guard(|| self.lock().load_state(&state))
    }
}

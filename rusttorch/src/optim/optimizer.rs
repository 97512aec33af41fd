//! Parameters under an update rule, with the state the rule keeps for each.

use std::collections::{HashMap, HashSet};

use rusttorch_backend::ops::Optimizer as Rule;
use rusttorch_backend::{ErrorKind, Result, TensorError};
use triomphe::Arc;

use crate::dispatch::{self, Step};
use crate::tensor::Tensor;

/// Parameters under an update rule. Made by [`Optimize::over`](super::Optimize::over).
#[derive(Debug)]
pub struct Optimizer {
    rule: Rule,
    slots: Vec<Slot>,
}

#[derive(Debug)]
struct Slot {
    parameter: Tensor,
    /// Steps taken: those for which there was a gradient.
    steps: u64,
    /// Made at the first step: a parameter without a gradient has none.
    state: Vec<Tensor>,
}

impl Optimizer {
    pub(super) fn new(rule: Rule, parameters: Vec<Tensor>) -> Result<Optimizer> {
        let fail = |kind, text| TensorError::new(kind, rule.name(), text);
        if parameters.is_empty() {
            return Err(fail(ErrorKind::Argument, "there are no parameters to optimize"));
        }
        let mut seen = HashSet::with_capacity(parameters.len());
        for (i, p) in parameters.iter().enumerate() {
            if !p.dtype().is_float() {
                return Err(fail(ErrorKind::DType, "parameters must be floats")
                    .with("parameter", i)
                    .with("dtype", p.dtype()));
            }
            if !p.is_leaf() {
                return Err(fail(ErrorKind::Argument, "a parameter is not a leaf").with("parameter", i));
            }
            if !seen.insert(Arc::as_ptr(&p.0)) {
                return Err(fail(ErrorKind::Argument, "a parameter appears twice").with("parameter", i));
            }
        }
        let slots =
            parameters.into_iter().map(|parameter| Slot { parameter, steps: 0, state: Vec::new() }).collect();
        Ok(Optimizer { rule, slots })
    }

    /// Updates every parameter that has a gradient, in place.
    pub fn step(&mut self) -> Result<()> {
        let count = self.rule.state_count();
        let mut gradients = Vec::with_capacity(self.slots.len());
        for slot in &mut self.slots {
            let gradient = slot.parameter.grad();
            if gradient.is_some() && slot.state.is_empty() {
                slot.state =
                    (0..count).map(|_| Tensor::zeros_like(&slot.parameter)).collect::<Result<_>>()?;
            }
            gradients.push(gradient);
        }
        let steps: Vec<Step<'_>> = self
            .slots
            .iter()
            .zip(&gradients)
            .filter_map(|(slot, gradient)| {
                let gradient = gradient.as_ref()?;
                Some(Step {
                    parameter: &slot.parameter,
                    gradient,
                    state: &slot.state,
                    number: slot.steps + 1,
                })
            })
            .collect();
        dispatch::optimizer_step(self.rule, &steps)?;
        for (slot, _) in self.slots.iter_mut().zip(&gradients).filter(|(_, g)| g.is_some()) {
            slot.steps += 1;
        }
        Ok(())
    }

    /// Drops the accumulated gradient of every parameter.
    pub fn zero_grad(&self) -> Result<()> {
        self.slots.iter().try_for_each(|s| s.parameter.set_grad(None))
    }

    /// The learning rate.
    pub fn lr(&self) -> f64 {
        match self.rule {
            Rule::Sgd { lr, .. } | Rule::Adam { lr, .. } => lr,
        }
    }

    /// Another learning rate from the next step on. Error: `Argument` below 0.
    pub fn set_lr(&mut self, value: f64) -> Result<()> {
        if value.is_nan() || value < 0.0 {
            return Err(TensorError::new(
                ErrorKind::Argument,
                self.rule.name(),
                "hyper-parameter must be at least 0",
            )
            .with("lr", value));
        }
        match &mut self.rule {
            Rule::Sgd { lr, .. } | Rule::Adam { lr, .. } => *lr = value,
        }
        Ok(())
    }

    /// PyTorch's names of the rule's state tensors.
    fn state_names(&self) -> &'static [&'static str] {
        match self.rule {
            Rule::Sgd { .. } => &["momentum_buffer"],
            Rule::Adam { .. } => &["exp_avg", "exp_avg_sq"],
        }
    }

    /// The state of every parameter that has taken a step, to be saved: `0.step` (i64, 0-d), `0.exp_avg`, ..
    pub fn state(&self) -> Result<Vec<(String, Tensor)>> {
        let mut out = Vec::new();
        for (i, slot) in self.slots.iter().enumerate().filter(|(_, s)| s.steps > 0) {
            out.push((format!("{i}.{STEP}"), Tensor::scalar(slot.steps as i64)?));
            for (name, tensor) in self.state_names().iter().zip(&slot.state) {
                out.push((format!("{i}.{name}"), tensor.copy()?));
            }
        }
        Ok(out)
    }

    /// Puts a saved state back; parameters it does not name start anew. All is checked before anything
    /// is taken over. Errors: `Argument` for a name that is unknown, missing or there twice and for a number of steps
    /// that is none; `Shape` and `DType` for a tensor that does not fit its parameter.
    pub fn load_state(&mut self, state: &[(String, Tensor)]) -> Result<()> {
        let names = &self.state_names()[..self.rule.state_count()];
        let given = self.by_parameter(state, names)?;
        let mut loaded = Vec::with_capacity(self.slots.len());
        for (i, (slot, given)) in self.slots.iter().zip(given).enumerate() {
            if given.is_empty() {
                loaded.push((0, Vec::new()));
                continue;
            }
            let get = |name: &str| {
                given.get(name).copied().ok_or_else(|| {
                    TensorError::new(ErrorKind::Argument, LOAD, "a state tensor is missing")
                        .with("name", format!("{i}.{name}"))
                })
            };
            let mut tensors = Vec::with_capacity(names.len());
            for &name in names {
                tensors.push(fitting(get(name)?, &slot.parameter, i, name)?);
            }
            loaded.push((count(get(STEP)?, i)?, tensors));
        }
        for (slot, (steps, tensors)) in self.slots.iter_mut().zip(loaded) {
            slot.steps = steps;
            slot.state = tensors;
        }
        Ok(())
    }

    /// The tensors of a saved state by name, for each parameter. Error: `Argument` for a name that is not
    /// written as [`state`](Self::state) writes it, or that comes twice.
    fn by_parameter<'a>(
        &self,
        state: &'a [(String, Tensor)],
        names: &[&str],
    ) -> Result<Vec<HashMap<&'a str, &'a Tensor>>> {
        let mut given = vec![HashMap::new(); self.slots.len()];
        for (full, tensor) in state {
            let fail = |rule| {
                Err(TensorError::new(ErrorKind::Argument, LOAD, rule)
                    .with("name", full.clone())
                    .with("parameters", self.slots.len()))
            };
            let place = full.split_once('.').and_then(|(digits, name)| {
                // Not `+1` or `01`, which would be two names of one parameter.
                let i = digits.parse::<usize>().ok().filter(|i| i.to_string() == digits)?;
                (name == STEP || names.contains(&name)).then_some((i, name))
            });
            let Some((slot, name)) = place.and_then(|(i, name)| Some((given.get_mut(i)?, name))) else {
                return fail("the optimizer has no such state");
            };
            if slot.insert(name, tensor).is_some() {
                return fail("a state tensor is there twice");
            }
        }
        Ok(given)
    }
}

const LOAD: &str = "load_state";

/// The name of the number of steps.
const STEP: &str = "step";

/// A copy of a loaded state tensor. Errors: `Shape`, `DType`.
fn fitting(state: &Tensor, parameter: &Tensor, i: usize, name: &str) -> Result<Tensor> {
    let fail =
        |kind| TensorError::new(kind, LOAD, "state and parameter differ").with("name", format!("{i}.{name}"));
    if state.shape() != parameter.shape() {
        return Err(fail(ErrorKind::Shape).with("state", state.shape()).with("parameter", parameter.shape()));
    }
    if state.dtype() != parameter.dtype() {
        return Err(fail(ErrorKind::DType).with("state", state.dtype()).with("parameter", parameter.dtype()));
    }
    state.detach().copy()
}

/// A loaded number of steps. Errors: `Shape` unless it is one number, `Argument` unless that is whole and above 0.
fn count(step: &Tensor, i: usize) -> Result<u64> {
    let steps = step.item_f64()?;
    if steps >= 1.0 && steps.trunc() == steps && steps <= MOST_STEPS {
        return Ok(steps as u64);
    }
    Err(TensorError::new(ErrorKind::Argument, LOAD, "number of steps is not a whole number above 0")
        .with("name", format!("{i}.{STEP}"))
        .with("step", steps))
}

/// As far as f64 counts.
const MOST_STEPS: f64 = (1u64 << f64::MANTISSA_DIGITS) as f64;

//! Parameters under an update rule, with the state the rule keeps for each.

use rusttorch_backend::ops::Optimizer as Rule;
use rusttorch_backend::{DType, ErrorKind, Result, TensorError};

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
        for (i, p) in parameters.iter().enumerate() {
            if !p.dtype().is_float() {
                return Err(fail(ErrorKind::DType, "parameters must be floats")
                    .with("parameter", i)
                    .with("dtype", p.dtype()));
            }
            if !p.is_leaf() {
                return Err(fail(ErrorKind::Autograd, "a parameter is not a leaf").with("parameter", i));
            }
            if parameters[..i].iter().any(|q| q.is_same(p)) {
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
            out.push((format!("{i}.step"), Tensor::scalar(slot.steps as i64)?));
            for (name, tensor) in self.state_names().iter().zip(&slot.state) {
                out.push((format!("{i}.{name}"), tensor.copy()?));
            }
        }
        Ok(out)
    }

    /// Puts a saved state back; parameters it does not name start anew. All is checked before anything
    /// is taken over. Errors: `Argument` for a name that is unknown or missing, `Shape`, `DType`.
    pub fn load_state(&mut self, state: &[(String, Tensor)]) -> Result<()> {
        const OP: &str = "load_state";
        let names = &self.state_names()[..self.rule.state_count()];
        let known = |full: &str| {
            full.split_once('.').is_some_and(|(i, name)| {
                i.parse::<usize>().is_ok_and(|i| i < self.slots.len())
                    && (name == "step" || names.contains(&name))
            })
        };
        if let Some((name, _)) = state.iter().find(|(n, _)| !known(n)) {
            return Err(TensorError::new(ErrorKind::Argument, OP, "the optimizer has no such state")
                .with("name", name.clone())
                .with("parameters", self.slots.len()));
        }
        let find = |full: &str| state.iter().find(|(n, _)| n == full).map(|(_, t)| t);
        let mut loaded = Vec::with_capacity(self.slots.len());
        for (i, slot) in self.slots.iter().enumerate() {
            let Some(step) = find(&format!("{i}.step")) else {
                loaded.push((0, Vec::new()));
                continue;
            };
            let mut tensors = Vec::new();
            for name in names {
                let full = format!("{i}.{name}");
                let Some(t) = find(&full) else {
                    return Err(TensorError::new(ErrorKind::Argument, OP, "a state tensor is missing")
                        .with("name", full));
                };
                if t.shape() != slot.parameter.shape() || t.dtype() != slot.parameter.dtype() {
                    return Err(TensorError::new(ErrorKind::Shape, OP, "state and parameter differ")
                        .with("name", full)
                        .with("state", t.shape())
                        .with("parameter", slot.parameter.shape())
                        .with("state dtype", t.dtype())
                        .with("parameter dtype", slot.parameter.dtype()));
                }
                tensors.push(t.detach().copy()?);
            }
            let count = step.to_dtype(DType::I64)?.item()?.to_i64();
            if count < 0 {
                return Err(TensorError::new(ErrorKind::Argument, OP, "number of steps is negative")
                    .with("step", count));
            }
            loaded.push((count as u64, tensors));
        }
        for (slot, (steps, tensors)) in self.slots.iter_mut().zip(loaded) {
            slot.steps = steps;
            slot.state = tensors;
        }
        Ok(())
    }
}

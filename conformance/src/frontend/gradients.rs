//! Gradients and gradients of gradients against the recorded ones.

use rusttorch::autograd::{GradOptions, grad};
use rusttorch::catalogue::Value;
use rusttorch::{ErrorKind, Result, Tensor, TensorError};

use super::arguments::{Arguments, dense, tensor};
use super::{Player, bounds};
use crate::case::{Gradients, Second};
use crate::layouts::Class;

impl Player<'_> {
    pub(super) fn backward(&mut self, class: Class, gradients: &Gradients) -> Result<()> {
        let mut arguments = Arguments::new(self.backend, self.case, class, gradients.inputs.len())?;
        if self.writes()
            && let Some(Value::Tensor(target)) = arguments.positional.first_mut()
        {
            // A leaf that is differentiated cannot be written to.
            *target = target.copy()?;
        }
        let values = self.call(&arguments)?;
        let (mut outs, mut incoming) = (Vec::new(), Vec::new());
        for (value, go) in values.iter().zip(&gradients.outputs) {
            let Some(go) = go else { continue };
            let Some(out) = value.tensor() else {
                return Err(TensorError::new(ErrorKind::Internal, "conformance", "an output is no tensor"));
            };
            outs.push(out);
            incoming.push(tensor(self.backend, go, Class::Contiguous)?);
        }
        let leaves: Vec<&Tensor> = arguments.leaves.iter().collect();
        let second = gradients.second.as_ref().filter(|_| class == Class::Contiguous);
        let options =
            GradOptions { create_graph: second.is_some(), allow_unused: true, ..GradOptions::default() };
        let incoming: Vec<Option<&Tensor>> = incoming.iter().map(Some).collect();
        let found = grad(&outs, &leaves, &incoming, options)?;
        let wanted = bounds::gradients(self.subject.op(), self.case, gradients);
        if found.len() != wanted.len() {
            self.fail("gradient", format!("{} inputs, {} recorded", found.len(), wanted.len()));
        }
        for (i, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
            let form = format!("gradient {i}, {class}");
            match (found, wanted) {
                (Some(found), Some(wanted)) => self.judge(&form, &found.into(), wanted),
                (Some(found), None) => self.expect_zero(&form, found),
                (None, Some(wanted)) if wanted.expected.to_f64().iter().all(|&v| v == 0.0) => {}
                (None, Some(_)) => self.fail(&form, "there is none"),
                (None, None) => {}
            }
        }
        if let Some(second) = second {
            self.second(&leaves, &found, second)?;
        }
        Ok(())
    }

    /// PyTorch has no gradient where ours may be zeros.
    fn expect_zero(&mut self, form: &str, found: &Tensor) {
        if !dense(found).is_ok_and(|d| d.to_f64().iter().all(|&v| v == 0.0)) {
            self.fail(form, "expected none");
        }
    }

    fn second(&mut self, leaves: &[&Tensor], first: &[Option<Tensor>], second: &Second) -> Result<()> {
        let mut total: Option<Tensor> = None;
        for (g, w) in first.iter().zip(&second.weights) {
            if let (Some(g), Some(w)) = (g, w) {
                let term = g.mul(&tensor(self.backend, w, Class::Contiguous)?)?.sum()?;
                total = Some(match total {
                    Some(sum) => sum.add(&term)?,
                    None => term,
                });
            }
        }
        let Some(total) = total else { return Ok(()) };
        if !total.requires_grad() {
            let zero = second.inputs.iter().flatten().all(|d| d.to_f64().iter().all(|&v| v == 0.0));
            if !zero {
                self.fail("second gradient", "the gradient is not differentiable");
            }
            return Ok(());
        }
        let options = GradOptions { allow_unused: true, ..GradOptions::default() };
        let found = grad(&[&total], leaves, &[], options)?;
        for (i, (found, wanted)) in found.iter().zip(&second.inputs).enumerate() {
            let form = format!("second gradient {i}");
            match (found, wanted) {
                (Some(found), Some(wanted)) => {
                    let wanted = bounds::second(self.subject.op(), self.case, wanted);
                    self.judge(&form, &found.into(), &wanted);
                }
                (Some(found), None) => self.expect_zero(&form, found),
                (None, Some(wanted)) if bounds::largest(wanted) > 0.0 => self.fail(&form, "there is none"),
                (None, _) => {}
            }
        }
        Ok(())
    }
}

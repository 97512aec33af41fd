//! The same cases through the methods of `Tensor`: promotion, broadcasting, shape rules, errors, gradients
//! and gradients of gradients, on any backend.

mod apply;
mod gradcheck;
mod methods;
mod tensors;

use std::sync::Arc;

use rusttorch::autograd::{GradOptions, grad};
use rusttorch::backends::with_backend;
use rusttorch::{Tensor, TensorError};
use rusttorch_backend::Backend;

use crate::call::{Options, Output};
use crate::case::{Case, Gradients, Outcome, Second, raises};
use crate::compare::{Measured, compare};
use crate::dense::Dense;
use crate::layouts::Class;
use crate::reference::{self, FAMILIES, ReferenceError};
use crate::report::{Bound, Record, Report, Status};
use crate::suite::recorded_outputs;

pub use gradcheck::gradcheck;
use tensors::{Input, Inputs, dense};

const NO_METHOD: &str = "not a method of the frontend";

/// Runs every family through `Tensor`, and finite differences. Error: as [`run`](crate::run).
pub fn run(backend: &Arc<dyn Backend>, options: Options) -> Result<Report, ReferenceError> {
    let mut report = Report::new(backend.name());
    for family in FAMILIES {
        report.extend(run_family(backend, family, options)?);
    }
    report.extend(gradcheck(backend));
    Ok(report)
}

/// Runs one family through `Tensor`. Error: as [`run`].
pub fn run_family(
    backend: &Arc<dyn Backend>,
    family: &str,
    options: Options,
) -> Result<Report, ReferenceError> {
    let mut report = Report::new(backend.name());
    for case in reference::load(family)? {
        let long = case.inputs.iter().filter_map(|a| a.tensor()).any(|t| t.numel() > 90_000);
        if options.long || !long {
            report.records.push(with_backend(backend.clone(), || play(backend, &case)));
        }
    }
    Ok(report)
}

/// One case under judgement.
struct Player<'a> {
    backend: &'a dyn Backend,
    case: &'a Case,
    failures: Vec<String>,
    measured: Measured,
    calls: usize,
}

fn play(backend: &Arc<dyn Backend>, case: &Case) -> Record {
    let mut player =
        Player { backend: &**backend, case, failures: Vec::new(), measured: Measured::default(), calls: 0 };
    let played = player.play();
    let status = match played {
        None => Status::OtherLevel(NO_METHOD),
        Some(()) if player.failures.is_empty() => Status::Passed,
        Some(()) => Status::Failed(player.failures),
    };
    let output = recorded_outputs(case).into_iter().next();
    Record {
        family: case.family.to_owned(),
        case: case.label(),
        status,
        measured: player.measured,
        calls: player.calls,
        delegated: false,
        bound: output.map(|o| Bound { op: o.op, dtype: o.expected.dtype(), tolerance: o.tolerance }),
    }
}

impl Player<'_> {
    fn fail(&mut self, form: &str, what: impl std::fmt::Display) {
        self.failures.push(format!("{form}: {what}"));
    }

    /// `None` where the frontend has no such method.
    fn play(&mut self) -> Option<()> {
        for class in [Class::Contiguous, Class::Mixed] {
            self.forward(class)?;
        }
        self.in_place();
        if let Some(gradients) = &self.case.gradients {
            for class in [Class::Contiguous, Class::Mixed] {
                if let Err(e) = self.backward(class, gradients) {
                    self.fail(&format!("gradient, {class}"), format!("error: {e}"));
                }
            }
        }
        Some(())
    }

    fn forward(&mut self, class: Class) -> Option<()> {
        let form = class.to_string();
        let inputs = match Inputs::new(self.backend, self.case, class, false) {
            Ok(inputs) => inputs,
            Err(e) => {
                self.fail(&form, format!("a tensor could not be made: {e}"));
                return Some(());
            }
        };
        let ended = apply::apply(self.case, &inputs)?;
        self.calls += 1;
        match (ended, &self.case.outcome) {
            (Err(e), Outcome::Raises(class)) if raises(class, e.kind()) => {}
            (Err(e), Outcome::Raises(class)) => {
                self.fail(&form, format!("error of kind {:?}, expected {class}: {e}", e.kind()));
            }
            (Ok(_), Outcome::Raises(class)) => self.fail(&form, format!("no error, expected {class}")),
            (Err(e), Outcome::Values(_)) => self.fail(&form, format!("error: {e}")),
            (Ok(values), Outcome::Values(wanted)) if values.len() != wanted.len() => {
                self.fail(&form, format!("{} outputs, expected {}", values.len(), wanted.len()));
            }
            (Ok(values), Outcome::Values(_)) => {
                for (i, (value, output)) in values.iter().zip(recorded_outputs(self.case)).enumerate() {
                    self.judge(&format!("{form}: output {i}"), value, &output);
                }
            }
        }
        Some(())
    }

    fn judge(&mut self, form: &str, value: &Tensor, output: &Output) {
        match dense(value) {
            Err(e) => self.fail(form, format!("cannot be read: {e}")),
            Ok(value) => {
                let (measured, verdict) = compare(&value, output);
                self.measured = self.measured.worse(measured);
                if let Err(what) = verdict {
                    self.fail(form, what);
                }
            }
        }
    }

    /// The in-place form of a table's row gives what the functional form gives, cast to the tensor's dtype,
    /// or refuses: to grow, or to change the dtype's category.
    fn in_place(&mut self) {
        let Ok(inputs) = Inputs::new(self.backend, self.case, Class::Contiguous, false) else { return };
        let Some(Ok(values)) = apply::apply(self.case, &inputs) else { return };
        let (Some(out), Some(Input::Tensor(x))) = (values.first(), inputs.list.first()) else { return };
        let Ok(target) = x.copy() else { return };
        let Some(ended) = methods::in_place(self.case, &target, inputs.list.get(1)) else { return };
        self.calls += 1;
        let form = "in place";
        let predicate = out.dtype() == rusttorch::DType::Bool;
        let refused =
            out.shape() != x.shape() || (!predicate && out.dtype().category() > x.dtype().category());
        match (ended, refused) {
            (Err(_), true) => {}
            (Ok(_), true) => self.fail(form, "no error though the target would have to change"),
            (Err(e), false) => self.fail(form, format!("error: {e}")),
            (Ok(_), false) => {
                let pair = out.to_dtype(x.dtype()).and_then(|o| Ok((dense(&o)?, dense(&target)?)));
                match pair {
                    Ok((wanted, got)) if got.same_bits(&wanted) => {}
                    Ok(_) => self.fail(form, "differs from the functional form"),
                    Err(e) => self.fail(form, format!("cannot be read: {e}")),
                }
            }
        }
    }

    fn backward(&mut self, class: Class, gradients: &Gradients) -> Result<(), TensorError> {
        let inputs = Inputs::new(self.backend, self.case, class, true)?;
        let Some(values) = apply::apply(self.case, &inputs) else { return Ok(()) };
        let values = values?;
        let Some(out) = values.first() else { return Ok(()) };
        let go = tensors::tensor(self.backend, &gradients.output, Class::Contiguous)?;
        let leaves: Vec<&Tensor> = inputs.leaves.iter().collect();
        let second = gradients.second.as_ref().filter(|_| class == Class::Contiguous);
        let options =
            GradOptions { create_graph: second.is_some(), allow_unused: true, ..GradOptions::default() };
        let found = grad(&[out], &leaves, &[Some(&go)], options)?;
        self.calls += 1;
        let outputs = gradient_outputs(self.case, gradients);
        for (i, (found, wanted)) in found.iter().zip(&outputs).enumerate() {
            let form = format!("gradient {i}, {class}");
            match (found, wanted) {
                (Some(found), Some(wanted)) => self.judge(&form, found, wanted),
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

    fn second(
        &mut self,
        leaves: &[&Tensor],
        first: &[Option<Tensor>],
        second: &Second,
    ) -> Result<(), TensorError> {
        let mut total: Option<Tensor> = None;
        for (g, w) in first.iter().zip(&second.weights) {
            if let (Some(g), Some(w)) = (g, w) {
                let term = g.mul(&tensors::tensor(self.backend, w, Class::Contiguous)?)?.sum()?;
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
                    let size = largest(wanted).max(1.0);
                    let output =
                        Output::of("second_gradient", wanted.clone()).conditioned(vec![size; wanted.numel()]);
                    self.judge(&form, found, &output);
                }
                (Some(found), None) => self.expect_zero(&form, found),
                (None, Some(wanted)) if largest(wanted) > 0.0 => self.fail(&form, "there is none"),
                (None, _) => {}
            }
        }
        Ok(())
    }
}

/// The largest finite size of the elements.
fn largest(d: &Dense) -> f64 {
    d.to_f64().into_iter().filter(|v| v.is_finite()).fold(0.0, |m, v| m.max(v.abs()))
}

/// What each gradient must be, how closely. An elementwise slope is conditioned by the incoming gradient, a
/// sum over many by the largest element.
fn gradient_outputs(case: &Case, gradients: &Gradients) -> Vec<Option<Output>> {
    let elementwise = matches!(case.family, "unary" | "binary" | "ternary" | "activation");
    let name = if elementwise { "gradient" } else { "summed_gradient" };
    let of = |i: usize, wanted: &Dense| {
        let alternative = gradients.alternatives.get(i).and_then(Option::as_ref);
        let output = Output::of(name, wanted.clone()).or(alternative);
        if elementwise && wanted.shape() == gradients.output.shape() {
            let magnitude = gradients.output.to_f64().into_iter().map(f64::abs).collect();
            return output.conditioned(magnitude);
        }
        let size = largest(wanted).max(largest(&gradients.output));
        output.conditioned(vec![size; wanted.numel()])
    };
    let mut outputs: Vec<Option<Output>> =
        gradients.inputs.iter().enumerate().map(|(i, g)| g.as_ref().map(|g| of(i, g))).collect();
    // Where a backend has the gradient as a family of its own, its bound holds here, too.
    if let Some(native) = crate::suite::recorded_backward(case)
        && let Some(Some(first)) = outputs.first_mut()
    {
        let expected = first.expected.clone();
        let alternative = first.alternative.clone();
        *first = Output { expected, alternative, ..native };
    }
    outputs
}

#[cfg(test)]
mod tests {
    use crate::tolerance;

    #[test]
    fn gradients_have_bounds() {
        for name in ["gradient", "summed_gradient", "second_gradient"] {
            assert_ne!(tolerance::of(name, rusttorch::DType::F64), tolerance::Tolerance::BITS);
        }
    }
}

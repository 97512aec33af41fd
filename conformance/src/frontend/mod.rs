//! The same cases through the catalogue of ops: promotion, broadcasting, shape rules, errors, gradients and
//! gradients of gradients, in-place forms and results written into given tensors, on any backend.

mod arguments;
mod bounds;
pub mod document;
mod forms;
mod gradcheck;
mod gradients;
mod special;
pub mod support;

use std::collections::HashSet;
use std::sync::Arc;

use rusttorch::backends::with_backend;
use rusttorch::catalogue::{self, Family, Op, Value};
use rusttorch::{Tensor, manual_seed};
use rusttorch_backend::Backend;

use crate::call::{Options, Output};
use crate::case::{Case, Outcome, raises};
use crate::compare::{Measured, compare};
use crate::dense::Dense;
use crate::layouts::Class;
use crate::reference::{self, FAMILIES, ReferenceError};
use crate::report::{Bound, Record, Report, Status};
use crate::suite::recorded_outputs;

use arguments::{Arguments, flat, output};
pub use gradcheck::gradcheck;

/// Why a case is not played here.
pub const NO_OP: &str = "not an op of the catalogue";

/// Runs every family through the catalogue, and finite differences. Error: as [`run`](crate::run).
pub fn run(backend: &Arc<dyn Backend>, options: Options) -> Result<Report, ReferenceError> {
    let mut report = Report::new(backend.name());
    for family in FAMILIES {
        report.extend(run_family(backend, family, options)?);
    }
    report.extend(gradcheck(backend));
    Ok(report)
}

/// Runs one family through the catalogue. Error: as [`run`].
pub fn run_family(
    backend: &Arc<dyn Backend>,
    family: &str,
    options: Options,
) -> Result<Report, ReferenceError> {
    let mut report = Report::new(backend.name());
    let mut met = HashSet::new();
    for case in reference::load(family)? {
        let long = case.tensors().any(|t| t.numel() > 90_000);
        if options.long || !long {
            // Of every op one case in every layout, with everything that may be asked of its forms.
            let small = case.tensors().map(Dense::numel).sum::<usize>() < 10_000;
            let thorough = small && matches!(case.outcome, Outcome::Values(_)) && met.insert(case.op.clone());
            report.records.push(with_backend(backend.clone(), || play(backend, &case, thorough)));
        }
    }
    Ok(report)
}

/// The op of the catalogue that a case calls: what is a method in the recording may be a function there, and a
/// function may be in another module; `add_` is the in-place form of `add`.
pub fn op_of(case: &Case) -> Option<&'static Op> {
    find(&case.op).or_else(|| find(case.op.strip_suffix('_')?).filter(|op| op.has_in_place()))
}

/// The op with a path, in whichever of PyTorch's modules and classes the catalogue has it.
pub fn find(path: &str) -> Option<&'static Op> {
    catalogue::find(path).or_else(|| {
        let (module, name) = path.rsplit_once('.')?;
        let modules = ["torch", "torch.Tensor", "torch.nn.functional"];
        if !modules.contains(&module) {
            return None;
        }
        modules.iter().find_map(|module| catalogue::find(&format!("{module}.{name}")))
    })
}

/// Whether a case is played here.
pub fn plays(case: &Case) -> bool {
    op_of(case).is_some() || special::find(case).is_some()
}

/// Whether an op writes to its first operand, by its name.
fn writes(op: &str) -> bool {
    op.ends_with(".__setitem__") || (op.ends_with('_') && !op.ends_with("__"))
}

/// A hash of what every case of a family gives, those that draw random numbers aside: equal wherever the bits
/// are. Error: as [`run`].
pub fn digest(backend: &Arc<dyn Backend>, family: &str) -> Result<String, ReferenceError> {
    let mut bytes = Vec::new();
    for case in reference::load(family)? {
        let Some(op) = op_of(&case).filter(|_| case.seed.is_none()) else { continue };
        // A case that cannot be played is judged elsewhere.
        let outputs = with_backend(backend.clone(), || -> rusttorch::Result<Vec<Dense>> {
            let arguments = Arguments::new(&**backend, &case, Class::Contiguous, 0)?;
            flat(op.call(&arguments.positional, &arguments.named())?).iter().map(output).collect()
        });
        outputs.iter().flatten().filter(|_| !case.undefined).for_each(|dense| bytes.extend(dense.bytes()));
    }
    Ok(reference::sha256(&bytes))
}

/// What is judged: an op of the catalogue, or steps that are none.
trait Subject {
    /// The op, if it is one.
    fn op(&self) -> Option<&'static Op>;

    /// Calls it.
    fn call(&self, arguments: &Arguments) -> rusttorch::Result<Value>;

    /// Whether there is a form that writes to the first operand.
    fn has_in_place(&self) -> bool {
        self.op().is_some_and(Op::has_in_place)
    }

    /// Calls that form.
    fn call_in_place(&self, arguments: &Arguments) -> rusttorch::Result<Value> {
        match self.op() {
            Some(op) => op.call_in_place(&arguments.positional, &arguments.named()),
            None => Ok(Value::None),
        }
    }

    /// Whether there is a form that writes into given tensors.
    fn has_out(&self) -> bool {
        self.op().is_some_and(|op| op.has_out)
    }

    /// Calls that form.
    fn call_out(&self, arguments: &Arguments, out: &[Tensor]) -> rusttorch::Result<()> {
        match self.op() {
            Some(op) => op.call_out(&arguments.positional, &arguments.named(), out).map(drop),
            None => Ok(()),
        }
    }
}

impl Subject for &'static Op {
    fn op(&self) -> Option<&'static Op> {
        Some(self)
    }

    fn call(&self, arguments: &Arguments) -> rusttorch::Result<Value> {
        Op::call(self, &arguments.positional, &arguments.named())
    }
}

/// The in-place form of an op, recorded by its own name.
struct InPlace(&'static Op);

impl Subject for InPlace {
    fn op(&self) -> Option<&'static Op> {
        Some(self.0)
    }

    fn call(&self, arguments: &Arguments) -> rusttorch::Result<Value> {
        self.0.call_in_place(&arguments.positional, &arguments.named())
    }

    fn has_in_place(&self) -> bool {
        false
    }

    fn has_out(&self) -> bool {
        false
    }
}

/// One case under judgement.
struct Player<'a> {
    backend: &'a dyn Backend,
    case: &'a Case,
    subject: &'a dyn Subject,
    /// What the outputs must be.
    wanted: Vec<Output>,
    failures: Vec<String>,
    measured: Measured,
    calls: usize,
}

fn play(backend: &Arc<dyn Backend>, case: &Case, thorough: bool) -> Record {
    if let Some(op) = op_of(case) {
        if writes(&case.op) && !writes(op.path) {
            return judge(&**backend, case, &InPlace(op), thorough);
        }
        return judge(&**backend, case, &op, thorough);
    }
    match special::find(case) {
        Some(play) => judge(&**backend, case, &special::Steps { play, case }, thorough),
        None => Record {
            family: case.family.to_owned(),
            case: case.label(),
            status: Status::OtherLevel(NO_OP),
            measured: Measured::default(),
            calls: 0,
            delegated: false,
            bound: None,
        },
    }
}

/// Judges a subject by a case.
fn judge(backend: &dyn Backend, case: &Case, subject: &dyn Subject, thorough: bool) -> Record {
    let wanted = recorded_outputs(case).into_iter();
    let wanted = wanted.map(|output| bounds::value(subject.op(), case, output)).collect();
    let (failures, measured) = (Vec::new(), Measured::default());
    let mut player = Player { backend, case, subject, wanted, failures, measured, calls: 0 };
    player.play(thorough);
    let first = player.wanted.first();
    let bound = first.map(|o| Bound { op: o.op, dtype: o.expected.dtype(), tolerance: o.tolerance });
    Record {
        family: case.family.to_owned(),
        case: case.label(),
        status: if player.failures.is_empty() { Status::Passed } else { Status::Failed(player.failures) },
        measured: player.measured,
        calls: player.calls,
        delegated: false,
        bound,
    }
}

impl Player<'_> {
    fn fail(&mut self, form: &str, what: impl std::fmt::Display) {
        self.failures.push(format!("{form}: {what}"));
    }

    /// Whether the op means the memory, not the elements: a view that strides must allow, and draws, which fill
    /// memory in the order in which it lies. Such an op is judged on contiguous operands alone.
    fn means_memory(&self) -> bool {
        const VIEWS: [&str; 3] = ["torch.Tensor.view", "torch.Tensor.view_as", "torch.as_strided"];
        self.subject.op().is_some_and(|op| op.family == Family::Random || VIEWS.contains(&op.path))
    }

    /// The layouts of an ordinary case.
    fn classes(&self) -> &'static [Class] {
        if self.means_memory() { &[Class::Contiguous] } else { &[Class::Contiguous, Class::Mixed] }
    }

    /// Whether the op writes to its first operand.
    fn writes(&self) -> bool {
        self.subject.op().is_some() && writes(&self.case.op)
    }

    /// The generator is where it was when the case was recorded.
    fn seed(&self) {
        manual_seed(self.case.seed.unwrap_or(0));
    }

    /// Calls the op; the outputs as they are recorded.
    fn call(&mut self, arguments: &Arguments) -> rusttorch::Result<Vec<Value>> {
        self.seed();
        self.calls += 1;
        let result = flat(self.subject.call(arguments)?);
        // An assignment gives nothing back.
        Ok(match arguments.positional.first() {
            Some(target) if result.is_empty() && self.writes() => vec![target.clone()],
            _ => result,
        })
    }

    fn play(&mut self, thorough: bool) {
        let thoroughly = thorough && !self.means_memory();
        let classes = if thoroughly { &Class::ALL[..] } else { self.classes() };
        for &class in classes {
            self.forward(class);
        }
        if self.subject.has_in_place() {
            self.classes().iter().for_each(|&class| self.in_place(class));
        }
        if self.subject.has_out() {
            self.out(thorough);
        }
        if let Some(gradients) = &self.case.gradients {
            for &class in self.classes() {
                if let Err(e) = self.backward(class, gradients) {
                    self.fail(&format!("gradient, {class}"), format!("error: {e}"));
                }
            }
        }
    }

    /// The arguments in a layout; without them there is nothing to judge.
    fn arguments(&mut self, form: &str, class: Class) -> Option<Arguments> {
        match Arguments::new(self.backend, self.case, class, 0) {
            Ok(arguments) => Some(arguments),
            Err(e) => {
                self.fail(form, format!("a tensor could not be made: {e}"));
                None
            }
        }
    }

    fn forward(&mut self, class: Class) {
        let form = class.to_string();
        let Some(arguments) = self.arguments(&form, class) else { return };
        match (self.call(&arguments), &self.case.outcome) {
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
                for (i, (value, output)) in values.iter().zip(self.wanted.clone()).enumerate() {
                    self.judge(&format!("{form}: output {i}"), value, &output);
                }
            }
        }
        if class == Class::Contiguous && !self.writes() {
            match arguments.changed() {
                Ok(None) => {}
                Ok(Some(i)) => self.fail(&form, format!("tensor {i} of the arguments was written to")),
                Err(e) => self.fail(&form, format!("an argument cannot be read: {e}")),
            }
        }
    }

    fn judge(&mut self, form: &str, value: &Value, wanted: &Output) {
        match output(value) {
            Err(e) => self.fail(form, format!("cannot be read: {e}")),
            Ok(mut value) => {
                if self.case.undefined {
                    value = Dense::zeros(value.dtype(), value.shape());
                }
                let (measured, verdict) = compare(&value, wanted);
                self.measured = self.measured.worse(measured);
                if let Err(what) = verdict {
                    self.fail(form, what);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;

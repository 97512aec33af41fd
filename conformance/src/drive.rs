//! Driving a backend through one call, in every form: layouts of inputs and outputs, in place, other
//! positions and lengths. What is checked of each:
//!
//! - the values, within the tolerance;
//! - the bytes around the output, which must stay as they were;
//! - the inputs, too;
//! - bits: every form of a call gives what the contiguous one gave;
//! - the claims: what a backend claims it computes itself, and nothing else.

use std::fmt;

use rusttorch_backend::delegate::{Fallback, fallback, with_fallback};
use rusttorch_backend::{Backend, ErrorKind, Family, Result, TensorError};

use crate::call::{Call, Operand, Options, Use};
use crate::compare::{Measured, compare};
use crate::dense::Dense;
use crate::layouts::{Class, high_rank, place, place_broadcast};
use crate::placed::{Classes, Ended, Placed, finish, refused, run_assign, run_form, run_placed};
use crate::report::{Bound, Record, Status};

/// Inputs with more elements than this are judged in few forms.
const LONG: usize = 20_000;

/// The forms of a call: the class of the `i`-th operand is `inputs[i mod len]`, and of the outputs.
const FORMS: [(&[Class], Class); 9] = [
    (&[Class::Contiguous], Class::Contiguous),
    (&[Class::Transposed], Class::Contiguous),
    (&[Class::Sliced], Class::Sliced),
    (&[Class::Stepped], Class::Contiguous),
    (&[Class::Flipped], Class::Stepped),
    (&[Class::Contiguous], Class::Flipped),
    (&[Class::Mixed, Class::Contiguous, Class::Flipped], Class::Transposed),
    (&[Class::Contiguous, Class::Stepped, Class::Transposed], Class::Mixed),
    (&[Class::SizeOne], Class::SizeOne),
];

/// Lengths at which R1 is tried: about the widths of vector registers.
const LENGTHS: [usize; 7] = [1, 3, 8, 15, 17, 33, 67];

/// One case under judgement.
struct Judge<'a, 'c> {
    be: &'a dyn Backend,
    call: &'a Call<'c>,
    failures: Vec<String>,
    measured: Measured,
    calls: usize,
    /// What the contiguous form gave.
    base: Option<Vec<Dense>>,
    /// Whether all forms must give the same bits.
    bits: bool,
}

/// Judges a call in all its forms.
pub fn judge(be: &dyn Backend, family: &str, case: &str, call: &Call<'_>, options: Options) -> Record {
    // R3 holds where it is promised; sums of products hide in these families.
    let products = call.uses.iter().any(|u| matches!(u.0, Family::Matmul | Family::Conv | Family::Attention));
    let bits = options.bit_promise && (!products || be.capabilities().row_invariant);
    let (failures, measured) = (Vec::new(), Measured::default());
    let mut judge = Judge { be, call, failures, measured, calls: 0, base: None, bits };
    let (delegated, unsupported) = judge.claims();
    if unsupported.is_none() {
        let policy = if delegated { Fallback::Allow } else { fallback() };
        with_fallback(policy, || judge.forms());
    }
    let first = call.outputs.first();
    let bound = first.map(|o| Bound { op: o.op, dtype: o.expected.dtype(), tolerance: o.tolerance });
    let status = match unsupported {
        Some(reason) if judge.failures.is_empty() => Status::Unsupported(reason),
        _ if judge.failures.is_empty() => Status::Passed,
        _ => Status::Failed(judge.failures),
    };
    Record {
        family: family.to_owned(),
        case: case.to_owned(),
        status,
        measured: judge.measured,
        calls: judge.calls,
        delegated,
        bound,
    }
}

fn is_unsupported(e: &TensorError) -> bool {
    e.kind() == ErrorKind::Unsupported
}

/// Families with a default built from the backend's own primitives: without a claim they may run on it.
pub(crate) fn is_composed(family: Family) -> bool {
    !matches!(
        family,
        Family::Fill
            | Family::Copy
            | Family::Unary
            | Family::Binary
            | Family::Ternary
            | Family::Compare
            | Family::Select
            | Family::Reduce
            | Family::ArgReduce
            | Family::Scan
            | Family::Matmul
            | Family::Gather
            | Family::Scatter
            | Family::Sort
    )
}

impl Judge<'_, '_> {
    fn fail(&mut self, form: &str, what: impl fmt::Display) {
        self.failures.push(format!("{form}: {what}"));
    }

    /// Holds the claims against a run in which delegation is refused. Returns whether another backend has
    /// to answer, and the reason where none does.
    fn claims(&mut self) -> (bool, Option<String>) {
        let capabilities = self.be.capabilities();
        let claimed = |&(family, op, dtype): &Use| capabilities.is_native(family, op, dtype);
        let all = self.call.uses.iter().all(claimed);
        let may_compose = self.call.uses.iter().filter(|u| !claimed(u)).all(|u| is_composed(u.0));
        let form: Classes<'_> = (&[Class::Contiguous], Class::Contiguous);
        let alone = with_fallback(Fallback::Error, || run_form(self.be, self.call, form));
        match alone {
            Ok(Ended::Error(e)) if is_unsupported(&e) => {
                if all {
                    self.fail("claims", format!("claimed as native, but refused: {e}"));
                    return (true, None);
                }
                let asked = with_fallback(Fallback::Allow, || run_form(self.be, self.call, form));
                match asked {
                    Ok(Ended::Error(e)) if is_unsupported(&e) => (false, Some(e.to_string())),
                    _ => (true, None),
                }
            }
            Ok(_) if !all && !may_compose => {
                let missing: Vec<String> =
                    self.call.uses.iter().filter(|u| !claimed(u)).map(|u| format!("{u:?}")).collect();
                self.fail(
                    "claims",
                    format!("computed without delegation, but not claimed: {}", missing.join(", ")),
                );
                (false, None)
            }
            _ => (false, None),
        }
    }

    fn forms(&mut self) {
        let size = self.call.operands.iter().map(|o| o.dense.numel()).max().unwrap_or(0);
        let forms: &[Classes<'_>] = if size > LONG { &FORMS[..2] } else { &FORMS };
        for &(inputs, output) in forms {
            let name = match inputs {
                [one] => format!("{one} -> {output}"),
                several => {
                    format!(
                        "{} -> {output}",
                        several.iter().map(Class::to_string).collect::<Vec<_>>().join("/")
                    )
                }
            };
            let ended = run_form(self.be, self.call, (inputs, output));
            self.settle(&name, ended);
        }
        if size > LONG || self.call.raises.is_some() {
            return;
        }
        self.broadcast();
        if self.call.pointwise {
            self.other_rank();
            self.other_lengths();
        }
        self.in_place();
    }

    /// Judges how one form ended.
    fn settle(&mut self, form: &str, ended: Result<Ended>) {
        self.calls += 1;
        match (ended, &self.call.raises) {
            (Err(e), _) => self.fail(form, format!("the memory of the backend failed: {e}")),
            (Ok(Ended::Trespass(what)), _) => self.fail(form, what),
            (Ok(Ended::Error(e)), Some(kinds)) => {
                if !kinds.contains(&e.kind()) {
                    let kind = e.kind();
                    self.fail(form, format!("error of kind {kind:?}, expected one of {kinds:?}: {e}"));
                }
            }
            (Ok(Ended::Error(e)), None) => self.fail(form, format!("error: {e}")),
            (Ok(Ended::Values(_)), Some(kinds)) => {
                self.fail(form, format!("no error, expected one of {kinds:?}"))
            }
            (Ok(Ended::Values(values)), None) => self.values(form, values),
        }
    }

    fn values(&mut self, form: &str, values: Vec<Dense>) {
        for (i, (value, out)) in values.iter().zip(&self.call.outputs).enumerate() {
            let (measured, verdict) = compare(value, out);
            self.measured = self.measured.worse(measured);
            if let Err(what) = verdict {
                self.fail(form, format!("output {i}: {what}"));
            }
        }
        match &self.base {
            None => self.base = Some(values),
            Some(base) if self.bits => {
                for (i, (value, base)) in values.iter().zip(base).enumerate() {
                    if value.shape() == base.shape() && !value.same_bits(base) {
                        let text = format!("{form}: output {i}: bits differ from the contiguous form's");
                        self.failures.push(text);
                        break;
                    }
                }
            }
            Some(_) => {}
        }
    }

    /// Operands that repeat along an axis, with stride 0 there.
    fn broadcast(&mut self) {
        let repeated: Vec<Vec<bool>> = self.call.operands.iter().map(|o| repeated_axes(&o.dense)).collect();
        if !repeated.iter().flatten().any(|&r| r) {
            return;
        }
        let placed = self.call.operands.iter().zip(&repeated).map(|(operand, axes)| {
            let placement = place_broadcast(operand.dense.shape(), axes).ok_or_else(refused)?;
            let mut placed = Placed::new(self.be, operand.dense.dtype(), placement, Some(&operand.dense))?;
            if operand.dense.shape() != operand.shape {
                placed.layout = placed.layout.broadcast_to(&operand.shape)?;
            }
            Ok(placed)
        });
        let ended = placed
            .collect::<Result<Vec<_>>>()
            .and_then(|operands| run_placed(self.be, self.call, &operands, Class::Contiguous));
        self.settle("broadcast -> contiguous", ended);
    }

    /// The same elements as a tensor of rank 8.
    fn other_rank(&mut self) {
        let Some(out) = self.call.outputs.first() else { return };
        let shape = high_rank(out.expected.numel());
        let placed = self.call.operands.iter().map(|o| {
            let dense = o.dense.broadcast_to(&o.shape).reshaped(&shape).ok_or_else(refused)?;
            Placed::operand(self.be, &Operand::from(dense), Class::Mixed)
        });
        let ended = placed.collect::<Result<Vec<_>>>().and_then(|operands| {
            let outputs = self.reshaped_outputs(&shape).ok_or_else(refused)?;
            self.run_with(&operands, &outputs, Class::Flipped)
        });
        let flat = match ended {
            Ok(Ended::Values(values)) => {
                let own: Option<Vec<Dense>> = values
                    .iter()
                    .zip(&self.call.outputs)
                    .map(|(v, o)| v.reshaped(o.expected.shape()))
                    .collect();
                own.map(Ended::Values).ok_or_else(refused)
            }
            other => other,
        };
        self.settle("rank 8", flat);
    }

    fn reshaped_outputs(&self, shape: &[usize]) -> Option<Vec<Dense>> {
        self.call.outputs.iter().map(|o| o.expected.reshaped(shape)).collect()
    }

    /// Runs the body on operands and outputs of another shape.
    fn run_with(&self, operands: &[Placed], outputs: &[Dense], class: Class) -> Result<Ended> {
        let mut outs = Vec::new();
        for out in outputs {
            let placement = place(out.shape(), class).ok_or_else(refused)?;
            outs.push(Placed::new(self.be, out.dtype(), placement, None)?);
        }
        let views = operands.iter().map(Placed::view).collect::<Result<Vec<_>>>()?;
        let targets = outs.iter_mut().map(Placed::out).collect::<Result<Vec<_>>>()?;
        let ended = (self.call.body)(self.be, &views, targets).and_then(|()| self.be.synchronize());
        finish(self.be, ended, operands, &outs)
    }

    /// R1: the same elements at other positions of vectors of other lengths give the same bits.
    fn other_lengths(&mut self) {
        if !self.bits {
            return;
        }
        let Some(base) = self.base.clone() else { return };
        let Some(n) = base.first().map(Dense::numel).filter(|&n| n > 0) else { return };
        let whole: Vec<Dense> = self.call.operands.iter().map(|o| o.dense.broadcast_to(&o.shape)).collect();
        let mut start = 0;
        for length in LENGTHS {
            let pick: Vec<usize> = (0..length).map(|i| (start + i) % n).collect();
            start += length.min(n);
            self.calls += 1;
            let ended = (|| {
                let operands = whole
                    .iter()
                    .map(|d| {
                        Placed::operand(
                            self.be,
                            &Operand::from(d.pick(pick.iter().copied())),
                            Class::Contiguous,
                        )
                    })
                    .collect::<Result<Vec<_>>>()?;
                let outputs: Vec<Dense> = base.iter().map(|d| d.pick(pick.iter().copied())).collect();
                Ok((self.run_with(&operands, &outputs, Class::Contiguous)?, outputs))
            })();
            let form = format!("length {length}");
            match ended {
                Ok((Ended::Values(values), wanted)) => {
                    if let Some(i) = values.iter().zip(&wanted).position(|(v, w)| !v.same_bits(w)) {
                        self.fail(&form, format!("output {i}: bits depend on position or length (R1)"));
                    }
                }
                Ok((Ended::Trespass(what), _)) => self.fail(&form, what),
                Ok((Ended::Error(e), _)) | Err(e) => self.fail(&form, format!("error: {e}")),
            }
        }
    }

    fn in_place(&mut self) {
        let Some(assign) = &self.call.assign else { return };
        let classes = [
            (Class::Contiguous, Class::Contiguous),
            (Class::Transposed, Class::Sliced),
            (Class::Stepped, Class::Transposed),
            (Class::Flipped, Class::Mixed),
        ];
        for (io, others) in classes {
            let ended =
                with_fallback(Fallback::Allow, || run_assign(self.be, self.call, assign, (io, others)));
            self.settle(&format!("in place, {io} by {others}"), ended);
        }
    }
}

/// The axes, longer than 1, along which a tensor's elements repeat.
fn repeated_axes(dense: &Dense) -> Vec<bool> {
    let shape = dense.shape();
    (0..shape.len())
        .map(|axis| {
            let inner: usize = shape[axis + 1..].iter().product();
            let n = shape[axis];
            n > 1
                && dense.numel() > 0
                && (0..dense.numel()).all(|i| {
                    let first = i - (i / inner % n) * inner;
                    dense.element(i) == dense.element(first)
                })
        })
        .collect()
}

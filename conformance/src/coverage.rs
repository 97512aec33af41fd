//! Which op and dtype a backend computes itself: every recorded call is played with delegation refused, in several
//! layouts and in place, and what is refused is counted.
//!
//! What is delegated is measured. What is not is *native* where the backend claims it and *composed* where it does
//! not and the family has a default built from other families; the suite holds the claims to be true.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use rusttorch_backend::delegate::{Fallback, with_fallback};
use rusttorch_backend::{Backend, DType, DTypeSet, ErrorKind, Family, Result, TensorError};

use crate::call::{Call, Use};
use crate::case::Arg;
use crate::drive::is_composed;
use crate::frontend::document::words;
use crate::frontend::support::{self, Form};
use crate::layouts::Class;
use crate::placed::{Classes, Ended, run_assign, run_form};
use crate::reference::{self, CONTRACT_FAMILIES, ReferenceError};
use crate::suite::{Plan, plan};

/// Who computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// The backend, by a kernel of its own.
    Native,
    /// The backend, by a default built from its other kernels.
    Composed,
    /// Another backend, in some of the calls.
    Partly,
    /// Another backend.
    Delegated,
}

impl Means {
    /// Every one, in the order of the columns.
    pub const ALL: [Means; 4] = [Means::Native, Means::Composed, Means::Partly, Means::Delegated];

    /// A heading.
    pub fn name(self) -> &'static str {
        match self {
            Means::Native => "native",
            Means::Composed => "composed",
            Means::Partly => "partly delegated",
            Means::Delegated => "delegated",
        }
    }
}

/// What was counted of an op and a dtype.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    claimed: bool,
    own: usize,
    delegated: usize,
}

/// An op of a family, by dtype.
#[derive(Debug, Clone)]
pub struct Row {
    /// The family.
    pub family: Family,
    /// The op, by its name in the family's table.
    pub op: &'static str,
    counts: BTreeMap<DType, Count>,
}

impl Row {
    /// Who computes it for this dtype. `None` where no call is recorded, or none of the chain computes it.
    pub fn means(&self, dtype: DType) -> Option<Means> {
        let count = self.counts.get(&dtype)?;
        match (count.own, count.delegated) {
            (0, 0) => None,
            (0, _) => Some(Means::Delegated),
            (_, 0) if count.claimed || !is_composed(self.family) => Some(Means::Native),
            (_, 0) => Some(Means::Composed),
            _ => Some(Means::Partly),
        }
    }

    /// The dtypes for which it is computed so.
    pub fn dtypes(&self, means: Means) -> DTypeSet {
        set(|dtype| self.means(dtype) == Some(means))
    }
}

fn set(holds: impl Fn(DType) -> bool) -> DTypeSet {
    DTypeSet::of(&DType::ALL.into_iter().filter(|&d| holds(d)).collect::<Vec<_>>())
}

/// The layouts in which each call is played: of the operands in turn, and of the outputs.
const FORMS: [Classes<'static>; 4] = [
    (&[Class::Contiguous], Class::Contiguous),
    (&[Class::Mixed, Class::Contiguous, Class::Flipped], Class::Transposed),
    (&[Class::Stepped], Class::Sliced),
    (&[Class::Transposed], Class::Contiguous),
];

/// Inputs with more elements than this are left out: a large call is computed as a small one is.
const LONG: usize = 20_000;

/// Every op of every family, in the order of the trait. Error: a reference file is not the one that was recorded.
pub fn rows(backend: &dyn Backend) -> std::result::Result<Vec<Row>, ReferenceError> {
    let mut rows: Vec<Row> = Vec::new();
    for family in CONTRACT_FAMILIES {
        for case in reference::load(family)? {
            if case.inputs.iter().filter_map(Arg::tensor).any(|t| t.numel() > LONG) {
                continue;
            }
            let Some(Plan::Calls(calls)) = plan(&case) else { continue };
            for (_, call) in calls {
                play(backend, &call, &mut rows);
            }
        }
    }
    rows.sort_by_key(|row| Family::ALL.iter().position(|&f| f == row.family));
    Ok(rows)
}

fn play(backend: &dyn Backend, call: &Call<'_>, rows: &mut Vec<Row>) {
    // A call that must fail may fail before anybody is asked, and of nothing nobody need be asked.
    if call.raises.is_some() || call.outputs.iter().all(|o| o.expected.numel() == 0) {
        return;
    }
    let forms = FORMS.iter().map(|&form| refused(backend, || run_form(backend, call, form)));
    let assign = call.assign.iter().map(|assign| {
        refused(backend, || run_assign(backend, call, assign, (Class::Contiguous, Class::Contiguous)))
    });
    for ended in forms.chain(assign).flatten() {
        for &used in &call.uses {
            note(backend, used, &call.uses, ended, rows);
        }
    }
}

/// The family that was handed on, if one was. `None` where the call fails or nobody computes it.
fn refused(backend: &dyn Backend, run: impl Fn() -> Result<Ended>) -> Option<Option<&'static str>> {
    let unsupported = |ended: &Result<Ended>| match ended {
        Ok(Ended::Error(e)) | Err(e) if e.kind() == ErrorKind::Unsupported => Some(TensorError::op(e)),
        _ => None,
    };
    let alone = with_fallback(Fallback::Error, &run);
    match (unsupported(&alone), alone) {
        (Some(family), _) if backend.next().is_some() => {
            let asked = with_fallback(Fallback::Allow, run);
            matches!(asked, Ok(Ended::Values(_))).then_some(Some(family))
        }
        (None, Ok(Ended::Values(_))) => Some(None),
        _ => None,
    }
}

/// Counts how a call ended for one of the ops it uses.
fn note(backend: &dyn Backend, used: Use, all: &[Use], refused: Option<&'static str>, rows: &mut Vec<Row>) {
    let (family, op, dtype) = used;
    let own = match refused {
        None => true,
        Some(name) if name == family.name() => false,
        // Another op of the same call was refused: nothing is known of this one.
        Some(name) if all.iter().any(|(f, _, _)| f.name() == name) => return,
        // A part of a composed default was.
        Some(_) => false,
    };
    let at = rows.iter().position(|r| (r.family, r.op) == (family, op)).unwrap_or_else(|| {
        rows.push(Row { family, op, counts: BTreeMap::new() });
        rows.len() - 1
    });
    let count = rows[at].counts.entry(dtype).or_default();
    count.claimed = backend.capabilities().is_native(family, op, dtype);
    *(if own { &mut count.own } else { &mut count.delegated }) += 1;
}

const HEAD: &str = "\
# Who computes what

Written by `make coverage`; do not edit. The backend is `BACKEND`.

Measured: every recorded call of the conformance suite is played with delegation refused, contiguous, in three other
layouts and in place. *Native* is computed by a kernel of the backend, *composed* by a default built from its other
kernels, *delegated* by the next backend of the chain, *partly delegated* in some layouts or with some parameters.
`floats` are f16 bf16 f32 f64, `ints` u8 i8 i16 i32 i64, `numbers` both, `all` bool, too; – means none. The dtype is
that of the first operand.
";

/// The document. Error: a reference file is not the one that was recorded.
pub fn document(backend: &Arc<dyn Backend>) -> std::result::Result<String, ReferenceError> {
    let rows = rows(&**backend)?;
    let mut text = HEAD.replace("BACKEND", backend.name());
    let totals = Means::ALL.map(|means| rows.iter().map(|r| r.dtypes(means).iter().count()).sum::<usize>());
    let _ = write!(text, "\nOf {} pairs of op and dtype ", totals.iter().sum::<usize>());
    let counted: Vec<String> =
        Means::ALL.iter().zip(totals).map(|(m, n)| format!("{n} are {}", m.name())).collect();
    let _ = writeln!(text, "{}.\n", counted.join(", "));
    text.push_str("## The contract\n\n");
    heading(&mut text, &["family", "op"].into_iter().chain(Means::ALL.map(Means::name)).collect::<Vec<_>>());
    for row in &rows {
        let cells = Means::ALL.map(|means| cell(row.dtypes(means))).join(" | ");
        let _ = writeln!(text, "| `{}` | {} | {cells} |", row.family, row.op);
    }
    frontend(backend, &mut text)?;
    Ok(text)
}

fn heading(text: &mut String, names: &[&str]) {
    let _ = writeln!(text, "| {} |\n|{}", names.join(" | "), "---|".repeat(names.len()));
}

fn cell(dtypes: DTypeSet) -> String {
    let words = words(dtypes);
    if words.is_empty() { "–".to_owned() } else { words }
}

/// The ops that users call, of which a part is delegated.
fn frontend(backend: &Arc<dyn Backend>, text: &mut String) -> std::result::Result<(), ReferenceError> {
    let alone = with_fallback(Fallback::Error, || support::rows(backend))?;
    let asked = with_fallback(Fallback::Allow, || support::rows(backend))?;
    let mut lines = Vec::new();
    for (alone, asked) in alone.iter().zip(&asked) {
        let parts = Form::ALL.map(|form| {
            let (own, all) = (alone.here[form as usize], asked.here[form as usize]);
            set(|dtype| all.contains(dtype) && !own.contains(dtype))
        });
        if parts.iter().any(|p| p.iter().next().is_some()) {
            lines.push(format!("| `{}` | {} |", asked.op.path, parts.map(cell).join(" | ")));
        }
    }
    let whole = asked.len() - lines.len();
    let _ = writeln!(
        text,
        "\n## What users call\n\n{whole} of {} ops run without the next backend in every dtype and form that they \
         take, by the sample\ncalls of `docs/ops.md`. Of the others these dtypes do not:\n",
        asked.len()
    );
    heading(text, &["op"].into_iter().chain(Form::ALL.map(Form::name)).collect::<Vec<_>>());
    lines.iter().for_each(|line| {
        let _ = writeln!(text, "{line}");
    });
    Ok(())
}

//! `docs/ops.md`: the table of ops, dtypes and forms, and what of it differs from PyTorch.

use std::fmt::Write;

use rusttorch::DType;
use rusttorch::catalogue;
use rusttorch_backend::DTypeSet;

use super::op_of;
use super::support::{Form, Row};
use crate::case::short_name;
use crate::reference::{self, FAMILIES, ReferenceError};

/// Why a name of PyTorch is not there, or a form of an op.
#[derive(Debug, Clone, Copy)]
pub struct Absence {
    /// The ops, by their paths in the catalogue; the form's name is in the reason.
    pub ops: &'static [&'static str],
    /// The form.
    pub form: Form,
    /// Why.
    pub reason: &'static str,
}

/// Forms that are left out on purpose.
pub const ABSENT: &[Absence] = &[
    Absence {
        ops: &[
            "torch.transpose",
            "torch.squeeze",
            "torch.unsqueeze",
            "torch.swapaxes",
            "torch.swapdims",
            "torch.t",
            "torch.as_strided",
        ],
        form: Form::InPlace,
        reason: "A tensor's shape and strides never change: the view is a tensor of its own.",
    },
    Absence {
        ops: &["torch.detach"],
        form: Form::InPlace,
        reason: "A tensor is not cut from its history: what is detached is a tensor of its own.",
    },
    Absence {
        ops: &["torch.bernoulli", "torch.normal"],
        form: Form::InPlace,
        reason: "The method with the underscore is another op, `torch.Tensor.bernoulli_` and `torch.Tensor.normal_`.",
    },
];

/// Ops that are recorded for backends alone: the frontend has no function for them yet.
pub const CONTRACT_ONLY: &[(&str, &str)] = &[
    ("torch.nn.functional.embedding", "Layers come later; backends have the family."),
    ("torch.nn.functional.layer_norm", "Norms come later; backends have the family."),
    ("torch.nn.functional.rms_norm", "Norms come later; backends have the family."),
    ("torch.nn.functional.batch_norm", "Norms come later; backends have the family."),
    ("torch.nn.functional.conv1d", "Convolutions come later; backends have the family."),
    ("torch.nn.functional.conv2d", "Convolutions come later; backends have the family."),
    ("torch.nn.functional.conv3d", "Convolutions come later; backends have the family."),
    ("torch.nn.functional.max_pool1d", "Pooling comes later; backends have the family."),
    ("torch.nn.functional.max_pool2d", "Pooling comes later; backends have the family."),
    ("torch.nn.functional.max_pool3d", "Pooling comes later; backends have the family."),
    ("torch.nn.functional.avg_pool1d", "Pooling comes later; backends have the family."),
    ("torch.nn.functional.avg_pool2d", "Pooling comes later; backends have the family."),
    ("torch.nn.functional.avg_pool3d", "Pooling comes later; backends have the family."),
    ("torch.nn.functional.scaled_dot_product_attention", "Layers come later; backends have the family."),
];

/// Whether a form that PyTorch has is left out on purpose.
pub fn is_absent(row: &Row, form: Form) -> bool {
    ABSENT.iter().any(|a| a.form == form && a.ops.contains(&row.op.path))
}

/// The forms that PyTorch takes and this does not, without those that are left out on purpose.
pub fn holes(rows: &[Row]) -> Vec<String> {
    let mut found = Vec::new();
    for row in rows {
        for form in Form::ALL {
            let missing = row.holes(form);
            if missing.iter().next().is_some() && !is_absent(row, form) {
                found.push(format!("{} {}: {}", row.op.path, form.name(), words(missing)));
            }
        }
    }
    found
}

/// A set of dtypes in few words.
pub(crate) fn words(set: DTypeSet) -> String {
    if DType::ALL.into_iter().all(|d| set.contains(d)) {
        return "all".to_owned();
    }
    let whole = |part: DTypeSet| part.iter().all(|d| set.contains(d));
    let mut parts: Vec<&str> = Vec::new();
    if whole(DTypeSet::NUMBERS) {
        parts.push("numbers");
    } else {
        for (part, word) in [(DTypeSet::FLOATS, "floats"), (DTypeSet::INTS, "ints")] {
            match whole(part) {
                true => parts.push(word),
                false => parts.extend(part.iter().filter(|&d| set.contains(d)).map(short_name)),
            }
        }
    }
    if set.contains(DType::Bool) {
        parts.push("bool");
    }
    parts.join(" ")
}

fn cell(row: &Row, form: Form) -> String {
    let here = words(row.here[form as usize]);
    let mut text = if here.is_empty() { "–".to_owned() } else { here };
    let (holes, more) = (row.holes(form), row.more(form));
    if holes.iter().next().is_some() && !is_absent(row, form) {
        let _ = write!(text, " **hole: {}**", words(holes));
    }
    if more.iter().next().is_some() && text != "–" {
        let _ = write!(text, " (more: {})", words(more));
    }
    text
}

const HEAD: &str = "\
# The operations

Written by `make ops` from the catalogue of ops and from what PyTorch 2.15 answered; do not edit.

A cell lists the dtypes of the first float operand (else of the first operand, else of the result) with which one
sample call of the op succeeds, here on the naive backend: `floats` are f16 bf16 f32 f64, `ints` u8 i8 i16 i32 i64,
`numbers` both, `all` bool, too; – means that there is no such form. *gradient* is that of the first order; *in-place*
writes to the first operand, *out* into given tensors. **hole** names dtypes that PyTorch takes and RustTorch does not,
*more* the reverse. Results, gradients, errors and forms are judged by the recorded cases, whose number stands in the
last column.
";

/// The document. Error: a reference file is not the one that was recorded.
pub fn document(rows: &[Row]) -> Result<String, ReferenceError> {
    let mut text = HEAD.to_owned();
    let mut families: Vec<catalogue::Family> = rows.iter().map(|r| r.op.family).collect();
    families.sort();
    families.dedup();
    for family in families {
        let _ = write!(text, "\n## {}\n\n", family.title());
        text.push_str("| op | forward | gradient | in-place | out | cases |\n|---|---|---|---|---|---|\n");
        for row in rows.iter().filter(|r| r.op.family == family) {
            let cells = Form::ALL.map(|form| cell(row, form)).join(" | ");
            let _ = writeln!(text, "| `{}` | {cells} | {} |", row.op.path, row.cases);
        }
    }
    text.push_str("\n## Left out on purpose\n\n");
    for absence in ABSENT {
        let ops = absence.ops.iter().map(|op| format!("`{op}`")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "- {} form of {ops}: {}", absence.form.name(), absence.reason);
    }
    for (op, reason) in CONTRACT_ONLY {
        let _ = writeln!(text, "- `{op}`: {reason}");
    }
    text.push_str("\n## In all\n\n");
    totals(rows, &mut text)?;
    Ok(text)
}

fn totals(rows: &[Row], text: &mut String) -> Result<(), ReferenceError> {
    let having = |form: Form| rows.iter().filter(|r| r.here[form as usize].iter().next().is_some()).count();
    let _ = writeln!(
        text,
        "{} ops: {} with a gradient, {} with an in-place form, {} with an out form.\n",
        rows.len(),
        having(Form::Gradient),
        having(Form::InPlace),
        having(Form::Out)
    );
    let (mut cases, mut played, mut gradients, mut second, mut errors) = (0, 0, 0, 0, 0);
    for family in FAMILIES {
        for case in reference::load(family)? {
            cases += 1;
            played += usize::from(op_of(&case).is_some());
            gradients += usize::from(case.gradients.is_some());
            second += usize::from(case.gradients.is_some_and(|g| g.second.is_some()));
            errors += usize::from(matches!(case.outcome, crate::case::Outcome::Raises(_)));
        }
    }
    let _ = writeln!(
        text,
        "{cases} recorded cases, {played} of them calls of these ops: {gradients} with gradients, {second} with \
         gradients of gradients, {errors} with an error."
    );
    Ok(())
}

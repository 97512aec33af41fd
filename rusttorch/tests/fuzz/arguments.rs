//! Random arguments that mostly fit an op's signature.

use rusttorch::catalogue::{Family, Op, Param, Value};
use rusttorch::{DType, Scalar, Tensor};

use crate::operands::{FLOATS, INTS, Operands, Tape};

/// Arguments by name.
#[derive(Clone)]
pub(crate) struct Arguments(pub(crate) Vec<(&'static str, Value)>);

impl Arguments {
    pub(crate) fn new(tape: &mut Tape<'_>, op: &Op, float_only: bool) -> Arguments {
        let matrices = matches!(op.family, Family::Matrices | Family::LinearAlgebra);
        let operands = match matrices && tape.below(4) > 0 {
            true => Operands::matrices(tape),
            false => Operands::new(tape, float_only),
        };
        let mut maker = Maker { operands, used: 0 };
        let mut list = Vec::new();
        for param in op.params {
            if param.default().is_some() && tape.below(3) == 0 {
                continue;
            }
            list.push((param.name, maker.value(tape, param)));
        }
        Arguments(list)
    }

    /// The same with every tensor replaced.
    pub(crate) fn map(&self, change: &mut dyn FnMut(&Tensor) -> Tensor) -> Arguments {
        Arguments(self.0.iter().map(|(name, v)| (*name, map(v, change))).collect())
    }

    /// The same with contiguous tensors, each in memory of its own.
    pub(crate) fn contiguous(&self) -> Arguments {
        self.map(&mut |t| t.copy().unwrap())
    }

    /// What the op would write in place.
    pub(crate) fn target(&self, op: &Op) -> Option<Tensor> {
        let first = op.params.first()?.name;
        self.0.iter().find(|(name, _)| *name == first)?.1.tensor().cloned()
    }
}

fn map(value: &Value, change: &mut dyn FnMut(&Tensor) -> Tensor) -> Value {
    match value {
        Value::Tensor(t) => Value::Tensor(change(t)),
        Value::List(items) => Value::List(items.iter().map(|v| map(v, change)).collect()),
        other => other.clone(),
    }
}

struct Maker {
    operands: Operands,
    /// How many of the operands are taken.
    used: usize,
}

impl Maker {
    fn next(&mut self) -> Tensor {
        self.used += 1;
        self.operands.x[(self.used - 1) % 3].clone()
    }

    fn value(&mut self, tape: &mut Tape<'_>, param: &Param) -> Value {
        // It makes a function write to its operand: the in-place form, which is judged by itself.
        if param.name == "inplace" {
            return false.into();
        }
        if tape.rarely(60) {
            return self.any(tape);
        }
        let rank = self.operands.x[0].rank();
        let is_dim = param.name.starts_with("dim") || matches!(param.name, "source" | "destination" | "axis");
        let int = |tape: &mut Tape<'_>| Value::from(if is_dim { tape.dim(rank) } else { tape.int() });
        match param.kind {
            "Tensor" => match param.name {
                "index" | "indices" => self.operands.index.clone().into(),
                "target" if tape.below(2) == 0 => self.operands.index.clone().into(),
                "mask" | "condition" => self.operands.mask.clone().into(),
                _ => self.next().into(),
            },
            "Tensor or Number" if tape.below(2) == 0 => self.next().into(),
            "Tensor or Number" | "Number" => number(tape).into(),
            "Tensor[]" => (0..tape.below(4)).map(|_| self.next()).collect::<Vec<_>>().into(),
            "Tensor?[]" | "object[]" | "object" => self.index(tape),
            "int" if param.name == "dim" => self.operands.dim.into(),
            "int" => int(tape),
            "int[]" if !is_dim && tape.below(3) == 0 => {
                Value::List(self.operands.x[0].shape().iter().map(|&n| Value::from(n)).collect())
            }
            "int[]" => Value::List((0..tape.below(4)).map(|_| int(tape)).collect()),
            "float" => tape.one_of(&FLOATS).into(),
            "float[]" => Value::List((0..tape.below(3)).map(|_| tape.one_of(&FLOATS).into()).collect()),
            "Number[]" => Value::List((0..tape.below(3)).map(|_| number(tape).into()).collect()),
            "bool" => (tape.below(2) == 0).into(),
            "dtype" => tape.one_of(&DType::ALL).into(),
            "str" => word(tape, param.name).into(),
            kind => panic!("the fuzzer knows no parameter of kind {kind}: teach it"),
        }
    }

    /// An index as square brackets take it.
    fn index(&mut self, tape: &mut Tape<'_>) -> Value {
        let entry = |tape: &mut Tape<'_>| match tape.below(8) {
            0 => Value::None,
            1 => Value::Ellipsis,
            2 => tape.int().into(),
            3 => (tape.below(2) == 0).into(),
            4 => self.operands.index.clone().into(),
            5 => self.operands.mask.clone().into(),
            _ => Value::Slice {
                start: (tape.below(2) == 0).then(|| tape.int()),
                stop: (tape.below(2) == 0).then(|| tape.int()),
                step: (tape.below(3) == 0).then(|| tape.int()),
            },
        };
        match tape.below(4) {
            0 => entry(tape),
            n => Value::List((0..n).map(|_| entry(tape)).collect()),
        }
    }

    /// Anything at all.
    fn any(&mut self, tape: &mut Tape<'_>) -> Value {
        match tape.below(8) {
            0 => Value::None,
            1 => number(tape).into(),
            2 => word(tape, "").into(),
            3 => tape.one_of(&DType::ALL).into(),
            4 => self.next().into(),
            5 => Value::List(vec![tape.int().into(), self.next().into()]),
            6 => Value::List(vec![]),
            _ => Value::Ellipsis,
        }
    }
}

fn number(tape: &mut Tape<'_>) -> Scalar {
    match tape.below(3) {
        0 => Scalar::Int(tape.one_of(&INTS)),
        1 => Scalar::Float(tape.one_of(&FLOATS)),
        _ => Scalar::Bool(tape.below(2) == 0),
    }
}

/// A word that the parameter may know.
fn word(tape: &mut Tape<'_>, parameter: &str) -> &'static str {
    let words: &[&str] = match parameter {
        "reduction" => &["none", "mean", "sum"],
        "reduce" => &["sum", "prod", "mean", "amax", "amin"],
        "rounding_mode" => &["floor", "trunc"],
        "indexing" => &["ij", "xy"],
        "approximate" => &["none", "tanh"],
        "mode" => &["constant", "reflect", "replicate", "circular", "reduced", "complete", "r"],
        "interpolation" => &["linear", "lower", "higher", "midpoint", "nearest"],
        "side" => &["left", "right"],
        "equation" => &[
            "i,i->",
            "ij,jk",
            "ij->ji",
            "...i,...i->...",
            "ii",
            "i,j->ij",
            "ij,kj->ik",
            "i->",
            "bij,bjk->bik",
        ],
        "ord" | "p" => &["fro", "nuc"],
        "UPLO" => &["L", "U"],
        _ => &[],
    };
    match tape.below(12) {
        0..11 if !words.is_empty() => tape.one_of(words),
        n => ["", "mean", "no such word", "->", "ü"][n % 5],
    }
}

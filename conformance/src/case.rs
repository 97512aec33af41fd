//! A case: an op, its inputs, and what it must give. Cases are data; they come from the
//! [`reference`](mod@crate::reference) files.

use std::collections::BTreeMap;

use rusttorch_backend::{DType, ErrorKind, Scalar};

use crate::dense::Dense;

/// An operand or parameter of a case.
#[derive(Debug, Clone)]
pub enum Arg {
    /// Python's `None`.
    None,
    /// A tensor.
    Tensor(Dense),
    /// A Python number: in promotion it counts by its category alone.
    Scalar(Scalar),
    /// A word, for example the name of a reduction.
    Text(String),
    /// An element type.
    DType(DType),
    /// Python's `start:stop:step`, in an index.
    Slice([Option<i64>; 3]),
    /// Python's `...`, in an index.
    Ellipsis,
    /// A list or tuple: of dims, of tensors.
    List(Vec<Arg>),
}

impl Arg {
    /// The tensor, if it is one.
    pub fn tensor(&self) -> Option<&Dense> {
        match self {
            Arg::Tensor(dense) => Some(dense),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn scalar(&self) -> Option<Scalar> {
        match self {
            Arg::Scalar(scalar) => Some(*scalar),
            _ => None,
        }
    }

    /// The number as an integer.
    pub fn int(&self) -> Option<i64> {
        self.scalar().map(Scalar::to_i64)
    }

    /// The word, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Arg::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The dtype, if it is one.
    pub fn dtype(&self) -> Option<DType> {
        match self {
            Arg::DType(dtype) => Some(*dtype),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub fn list(&self) -> Option<&[Arg]> {
        match self {
            Arg::List(list) => Some(list),
            _ => None,
        }
    }

    /// A list of integers; a single integer is a list of one.
    pub fn ints(&self) -> Option<Vec<i64>> {
        match self {
            Arg::Scalar(scalar) => Some(vec![scalar.to_i64()]),
            Arg::List(list) => list.iter().map(Arg::int).collect(),
            _ => None,
        }
    }
}

/// What a case must end in.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// These outputs.
    Values(Vec<Dense>),
    /// An exception of this Python class.
    Raises(String),
}

/// Gradients of a case's inputs, in the order of its float tensors.
#[derive(Debug, Clone)]
pub struct Gradients {
    /// Gradients of the outputs; `None` where an output is not differentiated.
    pub outputs: Vec<Option<Dense>>,
    /// Gradients of the operands, then of the parameters; `None` where one has no say. Those of the
    /// parameters may be missing at the end.
    pub inputs: Vec<Option<Dense>>,
    /// A second right answer of some.
    pub alternatives: Vec<Option<Dense>>,
    /// Weights of the gradients and the gradients of their weighted sum, for a chosen few.
    pub second: Option<Second>,
}

impl Gradients {
    /// Gradient of the first output that is differentiated.
    pub fn output(&self) -> Option<&Dense> {
        self.outputs.iter().flatten().next()
    }
}

/// Gradients of gradients: of `sum_i sum(weights_i * gradient_i)`.
#[derive(Debug, Clone)]
pub struct Second {
    /// One weight a gradient.
    pub weights: Vec<Option<Dense>>,
    /// One gradient an input.
    pub inputs: Vec<Option<Dense>>,
}

/// One case of the reference.
#[derive(Debug, Clone)]
pub struct Case {
    /// The file it comes from.
    pub family: &'static str,
    /// Its place in that file, from 0.
    pub index: usize,
    /// PyTorch's qualified name of the op.
    pub op: String,
    /// Operands.
    pub inputs: Vec<Arg>,
    /// Named parameters.
    pub params: BTreeMap<String, Arg>,
    /// Operands, by position, and parameters, by name, that are not differentiated though they are floats.
    pub constants: Vec<Arg>,
    /// Seed of the generator right before the call.
    pub seed: Option<u64>,
    /// What must come out.
    pub outcome: Outcome,
    /// Whether only dtypes and shapes of the outputs count.
    pub undefined: bool,
    /// A second right answer of some outputs: where PyTorch's kernel of a narrow dtype loses what the
    /// dtype could hold, or a function has no agreed limit. An element may agree with either.
    pub alternatives: Vec<Option<Dense>>,
    /// Gradients, where they are recorded.
    pub gradients: Option<Gradients>,
    /// The items of the list of numeric cases that it comes from.
    pub numerics: Vec<u32>,
    /// Why the expected value is stated by hand, where it is.
    pub why: Option<String>,
}

impl Case {
    /// The op's name without its module: `gelu` of `torch.nn.functional.gelu`.
    pub fn name(&self) -> &str {
        self.op.rsplit('.').next().unwrap_or(&self.op)
    }

    /// A parameter.
    pub fn param(&self, name: &str) -> Option<&Arg> {
        self.params.get(name)
    }

    /// A numeric parameter, or its default.
    pub fn number(&self, name: &str, default: f64) -> f64 {
        self.param(name).and_then(Arg::scalar).map_or(default, Scalar::to_f64)
    }

    /// Every tensor of the operands and parameters, lists included.
    pub fn tensors(&self) -> impl Iterator<Item = &Dense> {
        fn collect<'a>(arg: &'a Arg, into: &mut Vec<&'a Dense>) {
            match arg {
                Arg::Tensor(dense) => into.push(dense),
                Arg::List(list) => list.iter().for_each(|a| collect(a, into)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        self.inputs.iter().chain(self.params.values()).for_each(|arg| collect(arg, &mut found));
        found.into_iter()
    }

    /// A tensor operand.
    pub fn tensor(&self, index: usize) -> Option<&Dense> {
        self.inputs.get(index).and_then(Arg::tensor)
    }

    /// The second right answer of an output, if there is one.
    pub fn alternative(&self, output: usize) -> Option<&Dense> {
        self.alternatives.get(output).and_then(Option::as_ref)
    }

    /// How a report names it.
    pub fn label(&self) -> String {
        let inputs: Vec<String> = self.inputs.iter().map(short).collect();
        let params: Vec<String> = self.params.iter().map(|(k, v)| format!(", {k}={}", short(v))).collect();
        format!("{}#{} {}({}{})", self.family, self.index, self.name(), inputs.join(", "), params.concat())
    }
}

fn short(arg: &Arg) -> String {
    match arg {
        Arg::None => "None".to_owned(),
        Arg::Tensor(dense) => format!("{}{:?}", short_name(dense.dtype()), dense.shape()),
        Arg::Scalar(scalar) => scalar.to_string(),
        Arg::Text(text) => text.clone(),
        Arg::DType(dtype) => short_name(*dtype).to_owned(),
        Arg::Slice(ends) => ends.map(|end| end.map(|v| v.to_string()).unwrap_or_default()).join(":"),
        Arg::Ellipsis => "...".to_owned(),
        Arg::List(list) => format!("[{}]", list.iter().map(short).collect::<Vec<_>>().join(", ")),
    }
}

const SHORT: [(DType, &str); 10] = [
    (DType::Bool, "bool"),
    (DType::U8, "u8"),
    (DType::I8, "i8"),
    (DType::I16, "i16"),
    (DType::I32, "i32"),
    (DType::I64, "i64"),
    (DType::F16, "f16"),
    (DType::BF16, "bf16"),
    (DType::F32, "f32"),
    (DType::F64, "f64"),
];

/// The name of a dtype in the reference files.
pub fn short_name(dtype: DType) -> &'static str {
    SHORT.iter().find(|&&(d, _)| d == dtype).map_or("?", |&(_, name)| name)
}

/// The dtype with this name in the reference files.
pub fn from_short_name(name: &str) -> Option<DType> {
    SHORT.iter().find(|&&(_, n)| n == name).map(|&(d, _)| d)
}

/// Whether an error of this kind is what Python raises as `class`.
pub fn raises(class: &str, kind: ErrorKind) -> bool {
    use ErrorKind::*;
    // Subclasses that RustTorch does not tell apart.
    let class = match class {
        "OutOfMemoryError" => "RuntimeError",
        class => class,
    };
    let found = match kind {
        Dim | Index => "IndexError",
        NotImplemented | Unsupported => "NotImplementedError",
        Argument | Format => "ValueError",
        Type => "TypeError",
        Io => "OSError",
        LinAlg => "LinAlgError",
        // Shape, IndexValue, DType, Value, ZeroDivision, Alias, Autograd, Backend, Memory, Internal.
        _ => "RuntimeError",
    };
    found == class
}

//! From recorded operands to values of the catalogue, and from results back to dense data.

use rusttorch::catalogue::Value;
use rusttorch::{DType, ErrorKind, Tensor, TensorError, bf16, f16};
use rusttorch_backend::{Backend, Scalar};

use crate::case::{Arg, Case};
use crate::dense::Dense;
use crate::layouts::{Class, place};
use crate::placed::Placed;

/// The arguments of a case, its tensors made in a layout class.
#[derive(Debug)]
pub(super) struct Arguments {
    /// By position.
    pub(super) positional: Vec<Value>,
    /// By name.
    pub(super) keywords: Vec<(String, Value)>,
    /// The float tensors that are differentiated, in the order of the recording.
    pub(super) leaves: Vec<Tensor>,
    /// Every tensor, with what it held at first.
    made: Vec<(Tensor, Dense)>,
}

impl Arguments {
    /// Makes the tensors; the first `leaves` float ones require a gradient.
    pub(super) fn new(
        backend: &dyn Backend,
        case: &Case,
        class: Class,
        leaves: usize,
    ) -> Result<Arguments, TensorError> {
        let mut maker = Maker { backend, class, wanted: leaves, leaves: Vec::new(), made: Vec::new() };
        let mut positional = Vec::new();
        for (i, arg) in case.inputs.iter().enumerate() {
            let constant = case.constants.iter().any(|c| c.int() == Some(i as i64));
            positional.push(maker.value(arg, constant)?);
        }
        let mut keywords = Vec::new();
        for (name, arg) in &case.params {
            let constant = case.constants.iter().any(|c| c.text() == Some(name));
            keywords.push((name.clone(), maker.value(arg, constant)?));
        }
        Ok(Arguments { positional, keywords, leaves: maker.leaves, made: maker.made })
    }

    /// The keywords as a call takes them.
    pub(super) fn named(&self) -> Vec<(&str, Value)> {
        self.keywords.iter().map(|(name, value)| (name.as_str(), value.clone())).collect()
    }

    /// A positional tensor.
    pub(super) fn tensor(&self, i: usize) -> Option<&Tensor> {
        self.positional.get(i).and_then(Value::tensor)
    }

    /// The same with another first operand.
    pub(super) fn with_first(&self, first: Tensor) -> Arguments {
        let rest = self.positional.iter().skip(1).cloned();
        let positional = std::iter::once(Value::Tensor(first)).chain(rest).collect();
        Arguments { positional, keywords: self.keywords.clone(), leaves: Vec::new(), made: Vec::new() }
    }

    /// The first tensor that does not hold any more what it was made with.
    pub(super) fn changed(&self) -> Result<Option<usize>, TensorError> {
        for (i, (tensor, before)) in self.made.iter().enumerate() {
            if !dense(tensor)?.same_bits(before) {
                return Ok(Some(i));
            }
        }
        Ok(None)
    }
}

struct Maker<'a> {
    backend: &'a dyn Backend,
    class: Class,
    wanted: usize,
    leaves: Vec<Tensor>,
    made: Vec<(Tensor, Dense)>,
}

impl Maker<'_> {
    fn value(&mut self, arg: &Arg, constant: bool) -> Result<Value, TensorError> {
        Ok(match arg {
            Arg::None => Value::None,
            Arg::Scalar(scalar) => Value::Scalar(*scalar),
            Arg::Text(text) => Value::Text(text.clone()),
            Arg::DType(dtype) => Value::DType(*dtype),
            Arg::Slice([start, stop, step]) => Value::Slice { start: *start, stop: *stop, step: *step },
            Arg::Ellipsis => Value::Ellipsis,
            Arg::List(list) => {
                Value::List(list.iter().map(|a| self.value(a, constant)).collect::<Result<_, _>>()?)
            }
            Arg::Tensor(dense) => {
                let t = tensor(self.backend, dense, self.class)?;
                if t.dtype().is_float() && !constant && self.leaves.len() < self.wanted {
                    t.requires_grad_(true)?;
                    self.leaves.push(t.clone());
                }
                self.made.push((t.clone(), dense.clone()));
                Value::Tensor(t)
            }
        })
    }
}

/// The outputs that a result consists of, as they are recorded: lists flattened, nothing left out but `None`.
pub(super) fn flat(value: Value) -> Vec<Value> {
    match value {
        Value::None => Vec::new(),
        Value::List(items) => items.into_iter().flat_map(flat).collect(),
        one => vec![one],
    }
}

/// One output as dense data: a number as a tensor of rank 0, a dtype as a zero of it.
pub(super) fn output(value: &Value) -> Result<Dense, TensorError> {
    match value {
        Value::Tensor(t) => dense(t),
        Value::Scalar(s @ Scalar::Bool(_)) => Ok(Dense::full(DType::Bool, &[], *s)),
        Value::Scalar(s @ Scalar::Int(_)) => Ok(Dense::full(DType::I64, &[], *s)),
        Value::Scalar(s @ Scalar::Float(_)) => Ok(Dense::full(DType::F64, &[], *s)),
        Value::DType(dtype) => Ok(Dense::zeros(*dtype, &[])),
        other => Err(TensorError::new(ErrorKind::Internal, "conformance", "an output of no recorded kind")
            .with("kind", other.kind())),
    }
}

/// A tensor in a backend's memory, laid out by a class.
pub(super) fn tensor(be: &dyn Backend, dense: &Dense, class: Class) -> Result<Tensor, TensorError> {
    let lost = || TensorError::new(ErrorKind::Internal, "conformance", "a layout was refused");
    let placement = place(dense.shape(), class).ok_or_else(lost)?;
    let placed = Placed::new(be, dense.dtype(), placement, Some(dense))?;
    Tensor::from_buffer(placed.buffer, placed.layout, dense.dtype())
}

/// The elements of a tensor.
pub(super) fn dense(t: &Tensor) -> Result<Dense, TensorError> {
    fn bytes<const N: usize, T>(values: Vec<T>, one: impl Fn(T) -> [u8; N]) -> Vec<u8> {
        values.into_iter().flat_map(one).collect()
    }
    let t = &t.detach();
    let bytes = match t.dtype() {
        DType::Bool => bytes(t.to_vec::<bool>()?, |v| [u8::from(v)]),
        DType::U8 => bytes(t.to_vec::<u8>()?, u8::to_le_bytes),
        DType::I8 => bytes(t.to_vec::<i8>()?, i8::to_le_bytes),
        DType::I16 => bytes(t.to_vec::<i16>()?, i16::to_le_bytes),
        DType::I32 => bytes(t.to_vec::<i32>()?, i32::to_le_bytes),
        DType::I64 => bytes(t.to_vec::<i64>()?, i64::to_le_bytes),
        DType::F16 => bytes(t.to_vec::<f16>()?, f16::to_le_bytes),
        DType::BF16 => bytes(t.to_vec::<bf16>()?, bf16::to_le_bytes),
        DType::F32 => bytes(t.to_vec::<f32>()?, f32::to_le_bytes),
        DType::F64 => bytes(t.to_vec::<f64>()?, f64::to_le_bytes),
    };
    Dense::new(t.dtype(), t.shape(), &bytes)
        .ok_or_else(|| TensorError::new(ErrorKind::Internal, "conformance", "elements and shape disagree"))
}

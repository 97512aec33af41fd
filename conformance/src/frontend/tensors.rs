//! Between dense data and tensors of the frontend.

use rusttorch::{DType, ErrorKind, Tensor, TensorError, bf16, f16};
use rusttorch_backend::{Backend, Scalar};

use crate::case::{Arg, Case};
use crate::dense::Dense;
use crate::layouts::{Class, place};
use crate::placed::Placed;

/// An operand of a case, its tensors made.
#[derive(Debug, Clone)]
pub(super) enum Input {
    None,
    Tensor(Tensor),
    Scalar(Scalar),
    List(Vec<Input>),
    /// A word, or what only the case itself says.
    Other,
}

/// The operands of a case.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) list: Vec<Input>,
    /// The float tensors that are differentiated, in the order of the recording.
    pub(super) leaves: Vec<Tensor>,
    /// Tensors among the parameters, by name.
    pub(super) params: Vec<(String, Tensor)>,
}

impl Inputs {
    /// Makes the tensors, in a layout class; the float ones require a gradient if asked for.
    pub(super) fn new(
        be: &dyn Backend,
        case: &Case,
        class: Class,
        differentiate: bool,
    ) -> Result<Inputs, TensorError> {
        let mut leaves = Vec::new();
        let mut list = Vec::new();
        for arg in &case.inputs {
            list.push(make(be, arg, class, differentiate, &mut leaves)?);
        }
        let mut params = Vec::new();
        for (name, arg) in &case.params {
            if let Arg::Tensor(dense) = arg {
                params.push((name.clone(), tensor(be, dense, class)?));
            }
        }
        Ok(Inputs { list, leaves, params })
    }

    pub(super) fn tensor(&self, i: usize) -> Option<&Tensor> {
        match self.list.get(i) {
            Some(Input::Tensor(t)) => Some(t),
            _ => None,
        }
    }

    pub(super) fn param(&self, name: &str) -> Option<&Tensor> {
        self.params.iter().find(|(n, _)| n == name).map(|(_, t)| t)
    }
}

fn make(
    be: &dyn Backend,
    arg: &Arg,
    class: Class,
    differentiate: bool,
    leaves: &mut Vec<Tensor>,
) -> Result<Input, TensorError> {
    Ok(match arg {
        Arg::None => Input::None,
        Arg::Scalar(scalar) => Input::Scalar(*scalar),
        Arg::Text(_) => Input::Other,
        Arg::List(list) => Input::List(
            list.iter().map(|a| make(be, a, class, differentiate, leaves)).collect::<Result<_, _>>()?,
        ),
        Arg::Tensor(dense) => {
            let t = tensor(be, dense, class)?;
            if differentiate && t.dtype().is_float() {
                t.requires_grad_(true)?;
                leaves.push(t.clone());
            }
            Input::Tensor(t)
        }
    })
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

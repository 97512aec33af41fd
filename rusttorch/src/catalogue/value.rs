//! Values as a caller without types hands them over, and the parameter types of the rows.

use rusttorch_backend::{DType, ErrorKind, Result, Scalar, TensorError};
use smallvec::SmallVec;

use crate::ops::{Dims, Operand};
use crate::tensor::Tensor;

/// An argument or a result.
#[derive(Debug, Clone)]
pub enum Value {
    /// Python's `None`.
    None,
    /// A number or truth value without a tensor.
    Scalar(Scalar),
    /// A word: a reduction, a rounding mode, an equation.
    Text(String),
    /// An element type.
    DType(DType),
    /// A tensor.
    Tensor(Tensor),
    /// A list or tuple.
    List(Vec<Value>),
    /// Python's `start:stop:step`, in an index.
    Slice {
        /// First position.
        start: Option<i64>,
        /// Position before which it ends.
        stop: Option<i64>,
        /// Step.
        step: Option<i64>,
    },
    /// Python's `...`, in an index.
    Ellipsis,
}

/// The default of a parameter that may be left out.
pub const NONE: Value = Value::None;

impl Value {
    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::None => "None",
            Value::Scalar(Scalar::Bool(_)) => "bool",
            Value::Scalar(Scalar::Int(_)) => "int",
            Value::Scalar(Scalar::Float(_)) => "float",
            Value::Text(_) => "str",
            Value::DType(_) => "dtype",
            Value::Tensor(_) => "Tensor",
            Value::List(_) => "list",
            Value::Slice { .. } => "slice",
            Value::Ellipsis => "ellipsis",
        }
    }

    /// The tensor, if it is one.
    pub fn tensor(&self) -> Option<&Tensor> {
        match self {
            Value::Tensor(t) => Some(t),
            _ => None,
        }
    }

    /// Every tensor in it, lists included.
    pub(crate) fn collect_tensors<'a>(&'a self, into: &mut Vec<&'a Tensor>) {
        match self {
            Value::Tensor(t) => into.push(t),
            Value::List(items) => items.iter().for_each(|v| v.collect_tensors(into)),
            _ => {}
        }
    }
}

macro_rules! value_from {
    ($($t:ty => |$v:ident| $to:expr;)*) => { $(
        impl From<$t> for Value {
            fn from($v: $t) -> Self { $to }
        }
    )* };
}
value_from! {
    Tensor => |v| Value::Tensor(v);
    &Tensor => |v| Value::Tensor(v.clone());
    Scalar => |v| Value::Scalar(v);
    bool => |v| Value::Scalar(Scalar::Bool(v));
    i32 => |v| Value::Scalar(Scalar::Int(i64::from(v)));
    i64 => |v| Value::Scalar(Scalar::Int(v));
    usize => |v| Value::Scalar(Scalar::Int(v as i64));
    f64 => |v| Value::Scalar(Scalar::Float(v));
    &str => |v| Value::Text(v.to_owned());
    DType => |v| Value::DType(v);
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(v: Vec<T>) -> Self {
        Value::List(v.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Self {
        v.map_or(Value::None, Into::into)
    }
}

impl<A: Into<Value>, B: Into<Value>> From<(A, B)> for Value {
    fn from((a, b): (A, B)) -> Self {
        Value::List(vec![a.into(), b.into()])
    }
}

impl<A: Into<Value>, B: Into<Value>, C: Into<Value>> From<(A, B, C)> for Value {
    fn from((a, b, c): (A, B, C)) -> Self {
        Value::List(vec![a.into(), b.into(), c.into()])
    }
}

impl<A: Into<Value>, B: Into<Value>, C: Into<Value>, D: Into<Value>> From<(A, B, C, D)> for Value {
    fn from((a, b, c, d): (A, B, C, D)) -> Self {
        Value::List(vec![a.into(), b.into(), c.into(), d.into()])
    }
}

/// The type of a row's parameter.
pub(crate) trait Parameter: Sized {
    /// How a signature names it.
    const KIND: &'static str;
    /// Whether the last positional parameter of this type takes all that follow: `x.permute(1, 0)`.
    const GATHERS: bool = false;
    /// The value as this type; `None` where it is of another kind.
    fn of(value: &Value) -> Option<Self>;
}

macro_rules! parameter {
    ($($t:ty, $kind:literal, |$v:ident| $of:expr;)*) => { $(
        impl Parameter for $t {
            const KIND: &'static str = $kind;
            fn of($v: &Value) -> Option<Self> { $of }
        }
    )* };
}
parameter! {
    Value, "object", |v| Some(v.clone());
    Tensor, "Tensor", |v| v.tensor().cloned();
    Scalar, "Number", |v| match v { Value::Scalar(s) => Some(*s), _ => None };
    bool, "bool", |v| match v { Value::Scalar(Scalar::Bool(b)) => Some(*b), _ => None };
    i64, "int", |v| match v {
        Value::Scalar(Scalar::Int(i)) => Some(*i),
        Value::Scalar(Scalar::Bool(b)) => Some(i64::from(*b)),
        _ => None,
    };
    isize, "int", |v| i64::of(v).and_then(|i| isize::try_from(i).ok());
    usize, "int", |v| i64::of(v).and_then(|i| usize::try_from(i).ok());
    f64, "float", |v| match v { Value::Scalar(s) => Some(s.to_f64()), _ => None };
    String, "str", |v| match v { Value::Text(t) => Some(t.clone()), _ => None };
    DType, "dtype", |v| match v { Value::DType(d) => Some(*d), _ => None };
    Dims, "int[]", |v| match v {
        Value::None => Some(Dims::all()),
        v => Vec::<isize>::of(v).map(|d| Dims::from(&d[..])),
    };
}

impl<T: Parameter> Parameter for Option<T> {
    const KIND: &'static str = T::KIND;
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::None => Some(None),
            value => T::of(value).map(Some),
        }
    }
}

/// A list; a single item of a list of numbers is a list of one.
macro_rules! list_parameter {
    ($($t:ty, $kind:literal, $gathers:literal;)*) => { $(
        impl Parameter for Vec<$t> {
            const KIND: &'static str = $kind;
            const GATHERS: bool = $gathers;
            fn of(value: &Value) -> Option<Self> {
                match value {
                    Value::List(items) => items.iter().map(<$t>::of).collect(),
                    value if $gathers => Some(vec![<$t>::of(value)?]),
                    _ => None,
                }
            }
        }
    )* };
}
list_parameter! {
    Tensor, "Tensor[]", false;
    Option<Tensor>, "Tensor?[]", false;
    Value, "object[]", false;
    Scalar, "Number[]", false;
    isize, "int[]", true;
    usize, "int[]", true;
    i64, "int[]", true;
    f64, "float[]", true;
}

/// Tensors as an op takes them that has them as its arguments: `torch.block_diag(a, b)`. A list of them will do.
#[derive(Debug, Clone)]
pub(crate) struct Tensors(pub(crate) Vec<Tensor>);

impl Parameter for Tensors {
    const KIND: &'static str = "Tensor[]";
    const GATHERS: bool = true;
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Tensor(t) => Some(Tensors(vec![t.clone()])),
            value => Vec::<Tensor>::of(value).map(Tensors),
        }
    }
}

/// A tensor or a number, owned.
#[derive(Debug, Clone)]
pub(crate) enum TensorOrNumber {
    Tensor(Tensor),
    Number(Scalar),
}

impl Parameter for TensorOrNumber {
    const KIND: &'static str = "Tensor or Number";
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Tensor(t) => Some(TensorOrNumber::Tensor(t.clone())),
            Value::Scalar(s) => Some(TensorOrNumber::Number(*s)),
            _ => None,
        }
    }
}

impl TensorOrNumber {
    /// The tensor that an in-place form writes. Error: `Type` for a number.
    pub(crate) fn tensor(&self, op: &'static str) -> Result<&Tensor> {
        match self {
            TensorOrNumber::Tensor(t) => Ok(t),
            TensorOrNumber::Number(_) => {
                Err(TensorError::new(ErrorKind::Type, op, "writes in place and was given a number"))
            }
        }
    }
}

impl<'a> From<&'a TensorOrNumber> for Operand<'a> {
    fn from(v: &'a TensorOrNumber) -> Self {
        match v {
            TensorOrNumber::Tensor(t) => Operand::Tensor(t),
            TensorOrNumber::Number(s) => Operand::Scalar(*s),
        }
    }
}

/// Sizes as the methods that take `&[isize]` want them.
impl From<Dims> for Value {
    fn from(dims: Dims) -> Self {
        let list = |dims: SmallVec<[isize; 4]>| dims.into_iter().map(|d| Value::from(d as i64)).collect();
        dims.0.map_or(Value::None, |dims| Value::List(list(dims)))
    }
}

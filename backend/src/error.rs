//! The one error type of RustTorch.
//!
//! Every failure carries a [`ErrorKind`], the op, the rule that was violated and the values that
//! violated it, and prints as `op: rule: name value, name value`, for example
//! `matmul: inner sizes differ: lhs [2, 3], rhs [2, 3]`. A [`TensorError`] is one word wide, so that
//! `Result<Tensor, TensorError>` costs nothing on the path where nothing fails.

use std::borrow::Cow;
use std::fmt;

use smallvec::SmallVec;

use crate::dtype::DType;
use crate::layout::Shape;

/// `Result` with a [`TensorError`].
pub type Result<T, E = TensorError> = std::result::Result<T, E>;

/// What went wrong, coarsely enough to be matched on.
///
/// The Python classes are those that PyTorch 2.15 raises in the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Shapes that do not fit together or do not suit the op. Python: `RuntimeError`.
    Shape,
    /// A dimension number outside of `-rank..rank`, or named twice. Python: `IndexError`.
    Dim,
    /// An index outside of the size it indexes, found before any kernel ran. Python: `IndexError`.
    Index,
    /// An index tensor with an element out of bounds, found while gathering. Python: `RuntimeError`.
    IndexValue,
    /// A dtype the op does not accept, or two that cannot be combined. Python: `RuntimeError`.
    DType,
    /// A dtype for which PyTorch has no kernel either. Python: `NotImplementedError`.
    NotImplemented,
    /// An argument outside of its domain. Python: `RuntimeError`.
    Value,
    /// An optimizer, module or loader constructed with a hyper-parameter outside of its domain.
    /// Python: `ValueError`.
    Argument,
    /// An argument of another kind than the parameter takes, missing, or not known. Python: `TypeError`.
    Type,
    /// A matrix that is singular, not positive definite, or whose decomposition does not converge.
    /// Python: `torch.linalg.LinAlgError`, a `RuntimeError`.
    LinAlg,
    /// Integer division or remainder by zero. Python: `RuntimeError` ("ZeroDivisionError").
    ZeroDivision,
    /// Memory that is written and read, or written twice, by one op. Python: `RuntimeError`.
    Alias,
    /// A rule of differentiation: backward of a non-scalar, a graph used twice, a saved tensor that
    /// was overwritten. Python: `RuntimeError`.
    Autograd,
    /// No backend of the chain implements the family. Python: `NotImplementedError`.
    Unsupported,
    /// A backend name that is not registered, or a buffer of another device. Python: `RuntimeError`.
    Backend,
    /// A size that overflows, or an allocation that failed. Python: `RuntimeError`.
    Memory,
    /// A file that cannot be read or written. Python: `OSError`.
    Io,
    /// A file or text whose content breaks its format. Python: `ValueError`.
    Format,
    /// A broken promise inside of RustTorch or a backend: a bug. Python: `RuntimeError`.
    Internal,
}

/// One value that an error quotes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// An integer: a size, a dimension, an index, a line number.
    Int(i128),
    /// A real number.
    Float(f64),
    /// A shape, or any list of sizes.
    Shape(Shape),
    /// A list of signed numbers: strides, dims, a requested shape that may hold -1.
    Ints(SmallVec<[isize; 6]>),
    /// An element type.
    DType(DType),
    /// A name or a piece of the offending input.
    Text(Cow<'static, str>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Int(v) => write!(f, "{v}"),
            Value::Float(v) => write!(f, "{v}"),
            Value::Shape(v) => write!(f, "{v:?}"),
            Value::Ints(v) => write!(f, "{v:?}"),
            Value::DType(v) => write!(f, "{v}"),
            Value::Text(v) => f.write_str(v),
        }
    }
}

macro_rules! value_from {
    ($($from:ty => |$v:ident| $to:expr;)*) => { $(
        impl From<$from> for Value {
            fn from($v: $from) -> Self { $to }
        }
    )* };
}
value_from! {
    usize => |v| Value::Int(v as i128);
    isize => |v| Value::Int(v as i128);
    i64 => |v| Value::Int(v as i128);
    u64 => |v| Value::Int(v as i128);
    i32 => |v| Value::Int(v as i128);
    i128 => |v| Value::Int(v);
    f64 => |v| Value::Float(v);
    DType => |v| Value::DType(v);
    &[usize] => |v| Value::Shape(Shape::from_slice(v));
    &Shape => |v| Value::Shape(v.clone());
    &[isize] => |v| Value::Ints(SmallVec::from_slice(v));
    &[i64] => |v| Value::Ints(v.iter().map(|&x| x as isize).collect());
    &'static str => |v| Value::Text(Cow::Borrowed(v));
    String => |v| Value::Text(Cow::Owned(v));
}

/// The error of every fallible operation of RustTorch. See the [module](self) for its form.
pub struct TensorError(Box<Detail>);

#[derive(Debug)]
struct Detail {
    kind: ErrorKind,
    op: &'static str,
    rule: &'static str,
    values: SmallVec<[(&'static str, Value); 3]>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl TensorError {
    /// An error of `op`, which broke `rule`. Add the offending values with [`with`](Self::with).
    #[cold]
    pub fn new(kind: ErrorKind, op: &'static str, rule: &'static str) -> Self {
        TensorError(Box::new(Detail { kind, op, rule, values: SmallVec::new(), source: None }))
    }

    /// Quotes a value under a name.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.values.push((name, value.into()));
        self
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The coarse class of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The operation that failed, by its PyTorch name where it has one.
    pub fn op(&self) -> &'static str {
        self.0.op
    }

    /// The rule that was violated.
    pub fn rule(&self) -> &'static str {
        self.0.rule
    }

    /// The value quoted under `name`, if there is one.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.values.iter().find(|(n, _)| *n == name).map(|(_, v)| v)
    }
}

impl fmt::Display for TensorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let d = &*self.0;
        write!(f, "{}: {}", d.op, d.rule)?;
        for (i, (name, value)) in d.values.iter().enumerate() {
            f.write_str(if i == 0 { ": " } else { ", " })?;
            write!(f, "{name} {value}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for TensorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TensorError")
            .field("kind", &self.0.kind)
            .field("message", &self.to_string())
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for TensorError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|e| e.as_ref() as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_has_op_rule_and_both_values() {
        let e = TensorError::new(ErrorKind::Shape, "matmul", "inner sizes differ")
            .with("lhs", &[2usize, 3][..])
            .with("rhs", &[2usize, 3][..]);
        assert_eq!(e.to_string(), "matmul: inner sizes differ: lhs [2, 3], rhs [2, 3]");
        assert_eq!(e.kind(), ErrorKind::Shape);
        assert_eq!(e.value("rhs"), Some(&Value::Shape(Shape::from_slice(&[2, 3]))));
    }

    #[test]
    fn an_error_is_one_word() {
        assert_eq!(size_of::<TensorError>(), size_of::<usize>());
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }
}

//! The methods of the tables, by the tables: a row without its method does not compile.

use rusttorch::{Operand, Result, Tensor};

use super::tensors::Input;
use crate::case::Case;

/// Calls an in-place method, or says that the row has none.
macro_rules! assign {
    (- $x:ident) => {
        None
    };
    ($name:ident $x:ident) => {
        Some($x.$name())
    };
    (- $x:ident $b:ident) => {
        None
    };
    ($name:ident $x:ident $b:ident) => {
        Some($x.$name($b))
    };
}

macro_rules! unary_rows {
    ($($(#[$doc:meta])* $variant:ident $method:ident $assign:tt $torch:literal $rule:ident;)*) => {
        /// The unary op with this PyTorch name.
        pub(super) fn unary(torch: &str, x: &Tensor) -> Option<Result<Tensor>> {
            match torch {
                $($torch => Some(x.$method()),)*
                _ => None,
            }
        }

        fn unary_in_place(torch: &str, x: &Tensor) -> Option<Result<Tensor>> {
            match torch {
                $($torch => assign!($assign x),)*
                _ => None,
            }
        }
    };
}
rusttorch_backend::unary_table! { unary_rows }

macro_rules! pair_rows {
    ($functional:ident $in_place:ident: $($(#[$doc:meta])* $variant:ident $method:ident $assign:tt $torch:literal $rule:ident;)*) => {
        /// The op of two operands with this PyTorch name.
        pub(super) fn $functional(torch: &str, a: &Tensor, b: Operand<'_>) -> Option<Result<Tensor>> {
            match torch {
                $($torch => Some(a.$method(b)),)*
                _ => None,
            }
        }

        fn $in_place(torch: &str, a: &Tensor, b: Operand<'_>) -> Option<Result<Tensor>> {
            match torch {
                $($torch => assign!($assign a b),)*
                _ => None,
            }
        }
    };
}
rusttorch_backend::binary_table! { pair_rows binary binary_in_place: }
rusttorch_backend::compare_table! { pair_rows compare compare_in_place: }

/// An operand that may be a number.
pub(super) fn operand(input: Option<&Input>) -> Option<Operand<'_>> {
    match input {
        Some(Input::Tensor(t)) => Some(Operand::Tensor(t)),
        Some(Input::Scalar(s)) => Some(Operand::Scalar(*s)),
        _ => None,
    }
}

/// The in-place form of a row, on `x`.
pub(super) fn in_place(case: &Case, x: &Tensor, other: Option<&Input>) -> Option<Result<Tensor>> {
    if !case.params.is_empty() {
        return None;
    }
    match operand(other) {
        None if case.inputs.len() == 1 => unary_in_place(&case.op, x),
        None => None,
        Some(b) => binary_in_place(&case.op, x, b).or_else(|| compare_in_place(&case.op, x, b)),
    }
}

//! The rows that the contract's tables of elementwise ops declare, and those of their second names.

use rusttorch_backend::ops::BinaryOp;

use crate::catalogue::macros::{call, optional, params};
use crate::catalogue::op::Param;
use crate::catalogue::value::TensorOrNumber;
use crate::catalogue::{Family, Op};
use crate::ops::aliases::alias_table;
use crate::ops::binary::binary_of;
use crate::tensor::Tensor;

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    a.len() == b.len() && i == a.len()
}

const fn among(path: &str, list: &[&str]) -> bool {
    let mut i = 0;
    while i < list.len() {
        if same(path, list[i]) {
            return true;
        }
        i += 1;
    }
    false
}

/// Whether PyTorch's function takes `out=`. These few do not.
const fn has_out(path: &str) -> bool {
    !among(path, &["torch.relu", "torch.isnan", "torch.isinf", "torch.isfinite"])
}

/// What PyTorch's function takes for operands.
#[derive(Clone, Copy)]
enum Takes {
    /// Two tensors.
    Tensors,
    /// Two tensors, of which the second has a name of its own.
    Values,
    /// A number for the second.
    Number,
    /// A number for either.
    Numbers,
    /// A number for either; the second has a name of its own.
    Exponent,
}

const fn takes(path: &str) -> Takes {
    const TENSORS: &[&str] = &[
        "torch.maximum",
        "torch.minimum",
        "torch.fmax",
        "torch.fmin",
        "torch.atan2",
        "torch.hypot",
        "torch.nextafter",
        "torch.logaddexp",
        "torch.logaddexp2",
        "torch.ldexp",
        "torch.gcd",
        "torch.lcm",
        "torch.logical_and",
        "torch.logical_or",
        "torch.logical_xor",
    ];
    const NUMBERS: &[&str] = &[
        "torch.mul",
        "torch.floor_divide",
        "torch.remainder",
        "torch.xlogy",
        "torch.special.zeta",
        "torch.bitwise_and",
        "torch.bitwise_or",
        "torch.bitwise_xor",
        "torch.bitwise_left_shift",
        "torch.bitwise_right_shift",
    ];
    match path {
        _ if among(path, TENSORS) => Takes::Tensors,
        _ if among(path, NUMBERS) => Takes::Numbers,
        _ if same(path, "torch.heaviside") => Takes::Values,
        _ if same(path, "torch.pow") => Takes::Exponent,
        _ => Takes::Number,
    }
}

const fn params_of(takes: Takes) -> &'static [Param] {
    const TENSORS: &[Param] = params!((input: Tensor, other: Tensor));
    const VALUES: &[Param] = params!((input: Tensor, values: Tensor));
    const NUMBER: &[Param] = params!((input: Tensor, other: TensorOrNumber));
    const NUMBERS: &[Param] = params!((input: TensorOrNumber, other: TensorOrNumber));
    const EXPONENT: &[Param] = params!((input: TensorOrNumber, exponent: TensorOrNumber));
    match takes {
        Takes::Tensors => TENSORS,
        Takes::Values => VALUES,
        Takes::Number => NUMBER,
        Takes::Numbers => NUMBERS,
        Takes::Exponent => EXPONENT,
    }
}

/// The in-place form of a row, or none where the row has a dash.
macro_rules! in_place {
    (- $params:tt $target:ident ($($argument:expr)?)) => {
        optional!()
    };
    ($method:ident $params:tt $target:ident ($($argument:expr)?)) => {
        optional!(call!($params $target.$method($($argument)?)))
    };
}

macro_rules! unary_op {
    ($path:expr, $method:ident $assign:tt) => {
        Op {
            path: $path,
            family: Family::Unary,
            params: params!((input: Tensor)),
            has_out: has_out($path),
            value: call!((input: Tensor) input.$method()),
            in_place: in_place!($assign (input: Tensor) input ()),
        }
    };
}

/// An op of two operands; `$numbers` calls it with numbers on both sides.
macro_rules! binary_op {
    ($path:expr, $method:ident $assign:tt, $numbers:expr) => {
        Op {
            path: $path,
            family: Family::Elementwise,
            params: params_of(takes($path)),
            has_out: has_out($path),
            value: match takes($path) {
                Takes::Tensors | Takes::Values => call!((input: Tensor, other: Tensor) input.$method(&other)),
                Takes::Number => call!((input: Tensor, other: TensorOrNumber) input.$method(&other)),
                Takes::Numbers | Takes::Exponent => $numbers,
            },
            in_place: match takes($path) {
                Takes::Tensors | Takes::Values => {
                    in_place!($assign (input: Tensor, other: Tensor) input (&other))
                }
                _ => in_place!($assign (input: Tensor, other: TensorOrNumber) input (&other)),
            },
        }
    };
}

/// Collects the rows behind `@` one by one; those that have further parameters in PyTorch stand in
/// `elementwise`.
macro_rules! unary_rows {
    (@ [$($ops:expr),*]) => {
        pub(super) const UNARY: &[Op] = &[$($ops),*];
    };
    (@ $ops:tt $(#[$doc:meta])* Round $method:ident $assign:tt $torch:literal $rule:ident; $($rest:tt)*) => {
        unary_rows! { @ $ops $($rest)* }
    };
    (@ [$($ops:expr),*] $(#[$doc:meta])* $variant:ident $method:ident $assign:tt $torch:literal $rule:ident; $($rest:tt)*) => {
        unary_rows! { @ [$($ops,)* unary_op!($torch, $method $assign)] $($rest)* }
    };
}
rusttorch_backend::unary_table! { unary_rows @ [] }

macro_rules! binary_rows {
    (@ [$($ops:expr),*]) => {
        pub(super) const BINARY: &[Op] = &[$($ops),*];
    };
    (@ $ops:tt $(#[$doc:meta])* Add $method:ident $assign:tt $torch:literal $rule:ident; $($rest:tt)*) => {
        binary_rows! { @ $ops $($rest)* }
    };
    (@ $ops:tt $(#[$doc:meta])* Sub $method:ident $assign:tt $torch:literal $rule:ident; $($rest:tt)*) => {
        binary_rows! { @ $ops $($rest)* }
    };
    (@ $ops:tt $(#[$doc:meta])* Div $method:ident $assign:tt $torch:literal $rule:ident; $($rest:tt)*) => {
        binary_rows! { @ $ops $($rest)* }
    };
    // A mode of `div`.
    (@ $ops:tt $(#[$doc:meta])* TruncDivide $method:ident $assign:tt $torch:literal $rule:ident; $($rest:tt)*) => {
        binary_rows! { @ $ops $($rest)* }
    };
    (@ [$($ops:expr),*] $(#[$doc:meta])* $variant:ident $method:ident $assign:tt $torch:literal $rule:ident; $($rest:tt)*) => {
        binary_rows! { @ [$($ops,)* binary_op!($torch, $method $assign,
            call!((input: TensorOrNumber, other: TensorOrNumber)
                binary_of(BinaryOp::$variant, (&input).into(), (&other).into()))
        )] $($rest)* }
    };
}
rusttorch_backend::binary_table! { binary_rows @ [] }

/// An op whose first operand is a tensor.
macro_rules! tensor_first {
    ($path:expr, $method:ident $assign:tt) => {
        binary_op!($path, $method $assign, call!((input: Tensor, other: TensorOrNumber) input.$method(&other)))
    };
}

macro_rules! compare_rows {
    ($($(#[$doc:meta])* $variant:ident $method:ident $assign:ident $torch:literal $rule:ident;)*) => {
        pub(super) const COMPARE: &[Op] = &[$(tensor_first!($torch, $method $assign)),*];
    };
}
rusttorch_backend::compare_table! { compare_rows }

macro_rules! alias_rows {
    (
        unary { $($one:ident $one_:ident => $method:ident $method_:ident;)* }
        binary { $($two:ident $two_:ident => $op:ident $op_:ident;)* }
    ) => {
        pub(super) const ALIASES: &[Op] = &[
            $(unary_op!(concat!("torch.", stringify!($one)), $one $one_),)*
            $(tensor_first!(concat!("torch.", stringify!($two)), $two $two_),)*
        ];
    };
}
alias_table! { alias_rows }

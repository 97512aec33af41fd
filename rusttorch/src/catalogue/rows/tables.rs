//! The rows that the contract's tables of elementwise ops declare.

use crate::catalogue::macros::{call, optional, params};
use crate::catalogue::value::TensorOrNumber;
use crate::catalogue::{Family, Op};
use crate::tensor::Tensor;

/// Whether PyTorch's function takes `out=`. These few do not.
const fn has_out(path: &str) -> bool {
    const WITHOUT: &[&str] = &["torch.relu", "torch.isnan", "torch.isinf", "torch.isfinite"];
    let mut i = 0;
    while i < WITHOUT.len() {
        if same(path, WITHOUT[i]) {
            return false;
        }
        i += 1;
    }
    true
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    a.len() == b.len() && i == a.len()
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

macro_rules! unary_rows {
    ($($(#[$doc:meta])* $variant:ident $method:ident $assign:tt $torch:literal $rule:ident;)*) => {
        pub(super) const UNARY: &[Op] = &[$(Op {
            path: $torch,
            family: Family::Unary,
            params: params!((input: Tensor)),
            has_out: has_out($torch),
            value: call!((input: Tensor) input.$method()),
            in_place: in_place!($assign (input: Tensor) input ()),
        }),*];
    };
}
rusttorch_backend::unary_table! { unary_rows }

macro_rules! binary_rows {
    ($list:ident; $($(#[$doc:meta])* $variant:ident $method:ident $assign:tt $torch:literal $rule:ident;)*) => {
        pub(super) const $list: &[Op] = &[$(Op {
            path: $torch,
            family: Family::Elementwise,
            params: params!((input: Tensor, other: TensorOrNumber)),
            has_out: has_out($torch),
            value: call!((input: Tensor, other: TensorOrNumber) input.$method(&other)),
            in_place: in_place!($assign (input: Tensor, other: TensorOrNumber) input (&other)),
        }),*];
    };
}
rusttorch_backend::binary_table! { binary_rows BINARY; }
rusttorch_backend::compare_table! { binary_rows COMPARE; }

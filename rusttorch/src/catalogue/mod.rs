//! Every op under PyTorch's name, callable with values whose types are found out at run time.
//!
//! This is what a binding, an interpreter or a test calls, where Rust code calls the methods of
//! [`Tensor`](crate::Tensor). A row declares an op once: PyTorch's path, its parameters with names and
//! defaults, and which forms there are. The rows of elementwise ops come from the contract's tables.
//!
//! ```
//! use rusttorch::catalogue::{self, Value};
//! use rusttorch::{DType, Tensor};
//!
//! # fn main() -> rusttorch::Result<()> {
//! let x = Tensor::from_vec(vec![3.0f32, 1.0, 2.0], &[3])?;
//! let sum = catalogue::find("torch.sum").expect("an op of the catalogue");
//! let total = sum.call(&[Value::from(&x)], &[("dtype", DType::F64.into())])?;
//! assert_eq!(total.tensor().expect("one result").item_f64()?, 6.0);
//! # Ok(())
//! # }
//! ```

mod macros;
mod op;
mod rows;
mod value;

use std::collections::HashMap;
use std::sync::LazyLock;

pub use op::{Family, Op, Param};
pub use value::{NONE, Value};

/// Every op, by family and then in the order of its rows.
pub fn all() -> impl Iterator<Item = &'static Op> {
    rows::LISTS.iter().copied().flatten()
}

/// The op with this path.
pub fn find(path: &str) -> Option<&'static Op> {
    static BY_PATH: LazyLock<HashMap<&'static str, &'static Op>> =
        LazyLock::new(|| all().map(|op| (op.path, op)).collect());
    BY_PATH.get(path).copied()
}

#[cfg(test)]
mod tests;

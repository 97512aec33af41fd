//! The operations of `Tensor`: shape and dtype rules, the call of the backend, and beside it the rule of
//! the gradient. One file a family.

pub(crate) mod activation;
pub(crate) mod aliases;
pub(crate) mod arithmetic;
pub(crate) mod binary;
mod binary_rules;
pub(crate) mod cast;
pub(crate) mod clamp;
mod close;
pub(crate) mod compare;
pub(crate) mod create;
pub(crate) mod cross_entropy;
pub(crate) mod dims;
pub(crate) mod gates;
pub(crate) mod gather;
pub(crate) mod generator;
pub(crate) mod grids;
pub(crate) mod in_place;
pub(crate) mod index;
pub(crate) mod index_along;
pub(crate) mod join;
pub(crate) mod loss;
pub(crate) mod matmul;
pub(crate) mod nonzero;
pub(crate) mod out;
pub(crate) mod pad;
mod parametric;
pub(crate) mod random;
pub(crate) mod ranges;
pub(crate) mod reduce;
pub(crate) mod reorder;
pub(crate) mod sample;
pub(crate) mod scatter_reduce;
pub(crate) mod select;
pub(crate) mod softmax;
pub(crate) mod split;
pub(crate) mod take;
pub(crate) mod ternary;
pub(crate) mod tile;
pub(crate) mod unary;
pub(crate) mod view;

mod args;
mod operators;
mod places;

pub use args::{Bound, Dims, Operand};
pub use arithmetic::Rounding;
pub use grids::{MeshIndexing, Sides};
pub use index::{Index, IndexList};
pub use operators::Rhs;
pub use scatter_reduce::ScatterReduce;
pub use split::Sections;
pub use tile::Repeats;

//! The op tables: what there is to compute, one row an op.
//!
//! A row states an op once: its variant, its method on `Tensor`, its PyTorch name, the dtypes it
//! takes, and, in its doc line, its formula with the rule for NaN and zero. The macro of a table
//! ([`unary_table!`](crate::unary_table) and its kin) hands the rows to whoever needs them: this crate
//! makes the enum, the frontend its methods, the conformance suite its cases. No op can therefore
//! exist untested. A new op of a table is one row here, an arm in the naive backend and a gradient
//! rule in the frontend; the last two are forced by exhaustive `match`es.
//!
//! Ops with parameters carry them in the variant.

mod activation;
mod binary;
mod composed;
mod index;
mod reduce;
mod unary;

pub use activation::{Activation, Rounding};
pub use binary::{BinaryOp, CompareOp, TernaryOp};
pub use composed::{Attention, Conv, Loss, Norm, NormKind, Optimizer, Pool, PoolKind, Reduction, SoftmaxOp};
pub use index::{Distribution, ScatterOp, SortOp};
pub use reduce::{ArgReduceOp, ReduceOp, ScanOp};
pub use unary::UnaryOp;

use crate::dtype::{DType, DTypeSet};

/// The dtypes an op takes and what its result has. The frontend applies the rule; a backend sees
/// only what it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DTypeRule {
    /// Every dtype, result of the same.
    Any,
    /// Integers and floats, result of the same; bool is refused.
    Number,
    /// Integers and floats, result of the same; bool is cast to i64 first.
    Counted,
    /// Floats, result of the same; integers and bool are refused, as PyTorch has no kernel for them.
    Float,
    /// Integers and bool are cast to the default float first; result a float.
    ToFloat,
    /// As `ToFloat`, but the half types are refused, as PyTorch has no kernel for them.
    Wide,
    /// Integers and bool, result of the same; floats are refused.
    Integral,
    /// Integers, result of the same; floats and bool are refused.
    Int,
    /// Every dtype, result bool.
    Predicate,
}

impl DTypeRule {
    /// The dtypes a user may pass.
    pub const fn accepts(self) -> DTypeSet {
        match self {
            DTypeRule::Any | DTypeRule::Counted | DTypeRule::ToFloat | DTypeRule::Predicate => DTypeSet::ALL,
            DTypeRule::Number => DTypeSet::NUMBERS,
            DTypeRule::Float => DTypeSet::FLOATS,
            DTypeRule::Wide => DTypeSet::INTEGRAL.union(DTypeSet::WIDE),
            DTypeRule::Integral => DTypeSet::INTEGRAL,
            DTypeRule::Int => DTypeSet::INTS,
        }
    }

    /// The dtype in which the op is computed, that is, of the inputs a backend sees.
    pub const fn compute(self, dtype: DType) -> DType {
        match self {
            DTypeRule::ToFloat | DTypeRule::Wide => dtype.or_float(),
            DTypeRule::Counted if matches!(dtype, DType::Bool) => DType::I64,
            _ => dtype,
        }
    }

    /// The dtype of the result.
    pub const fn result(self, dtype: DType) -> DType {
        match self {
            DTypeRule::Predicate => DType::Bool,
            _ => self.compute(dtype),
        }
    }

    /// The dtypes a backend is handed.
    pub const fn computes(self) -> DTypeSet {
        match self {
            DTypeRule::Counted => DTypeSet::NUMBERS,
            DTypeRule::ToFloat => DTypeSet::FLOATS,
            DTypeRule::Wide => DTypeSet::WIDE,
            _ => self.accepts(),
        }
    }
}

/// Makes the enum of a table of ops without parameters. A row:
/// `/// doc` `Variant method method_ "torch.name" Rule;` where the third column names the in-place method,
/// or is `-` where PyTorch has none.
macro_rules! define_ops {
    ($(#[$enum_doc:meta])* $name:ident: $($(#[$doc:meta])* $variant:ident $method:ident $assign:tt $torch:literal $rule:ident;)*) => {
        $(#[$enum_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// Every op of the table, in its order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The name of the method on `Tensor`, which is PyTorch's.
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => stringify!($method),)* }
            }

            /// The name of the variant, as nodes of a graph carry it.
            pub const fn title(self) -> &'static str {
                match self { $($name::$variant => stringify!($variant),)* }
            }

            /// Whether there is an in-place method, whose name ends in an underscore.
            pub const fn has_in_place(self) -> bool {
                match self { $($name::$variant => stringify!($assign).len() > 1,)* }
            }

            /// The name of the in-place method, or that of the other where there is none.
            pub const fn in_place_name(self) -> &'static str {
                match self {
                    $($name::$variant if self.has_in_place() => stringify!($assign),)*
                    _ => self.name(),
                }
            }

            /// The qualified name of the PyTorch function that it must agree with.
            pub const fn torch(self) -> &'static str {
                match self { $($name::$variant => $torch,)* }
            }

            /// Accepted dtypes and the dtype of the result.
            pub const fn rule(self) -> $crate::ops::DTypeRule {
                match self { $($name::$variant => $crate::ops::DTypeRule::$rule,)* }
            }
        }
    };
}
pub(crate) use define_ops;

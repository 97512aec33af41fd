//! What a backend says of itself.

use std::fmt;

use crate::dtype::{DType, DTypeSet};

macro_rules! families {
    ($($variant:ident $name:literal,)*) => {
        /// The families of [`Backend`](crate::Backend), one per method.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Family {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Family {
            /// Every family, in the order of the trait.
            pub const ALL: &'static [Family] = &[$(Family::$variant,)*];

            /// The name of the trait's method.
            pub const fn name(self) -> &'static str {
                match self { $(Family::$variant => $name,)* }
            }
        }
    };
}
families! {
    Fill "fill", Copy "copy", Unary "unary", Binary "binary", Ternary "ternary", Compare "compare",
    Select "select", Reduce "reduce", ArgReduce "arg_reduce", Scan "scan", Matmul "matmul",
    Gather "gather", Scatter "scatter", Sort "sort", Searchsorted "searchsorted", Random "random", Softmax "softmax",
    SoftmaxBackward "softmax_backward", Activation "activation",
    ActivationBackward "activation_backward", Norm "norm", Loss "loss", LossBackward "loss_backward", Conv "conv", Pool "pool",
    Embedding "embedding", Attention "attention", OptimizerStep "optimizer_step",
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which ops of a family a claim is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ops {
    All,
    Named(&'static [&'static str]),
}

/// What a backend computes itself (op x dtype), and what it promises. The conformance suite selects
/// its cases by it and catches a wrong claim in both directions: what is claimed must not be
/// delegated, and what is delegated must not be claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Row `i` of a matrix product has the same bits whatever the other rows, the batch or the layout
    /// (R3 of the bit promise).
    pub row_invariant: bool,
    native: Vec<(Family, Ops, DTypeSet)>,
}

impl Capabilities {
    /// Nothing is native, nothing is promised.
    pub const fn none() -> Self {
        Capabilities { row_invariant: false, native: Vec::new() }
    }

    /// Claims a whole family for some dtypes.
    #[must_use]
    pub fn with(mut self, family: Family, dtypes: DTypeSet) -> Self {
        self.native.push((family, Ops::All, dtypes));
        self
    }

    /// Claims some ops of a family, by the names of their tables, for some dtypes.
    #[must_use]
    pub fn with_ops(mut self, family: Family, ops: &'static [&'static str], dtypes: DTypeSet) -> Self {
        self.native.push((family, Ops::Named(ops), dtypes));
        self
    }

    /// Promises R3.
    #[must_use]
    pub fn row_invariant(mut self) -> Self {
        self.row_invariant = true;
        self
    }

    /// Whether `op` of `family` is claimed as native for `dtype`, that of the first operand.
    pub fn is_native(&self, family: Family, op: &str, dtype: DType) -> bool {
        self.native.iter().any(|(f, ops, dtypes)| {
            *f == family
                && dtypes.contains(dtype)
                && match ops {
                    Ops::All => true,
                    Ops::Named(names) => names.contains(&op),
                }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_covers_its_ops_and_dtypes_only() {
        let c = Capabilities::none().with(Family::Copy, DTypeSet::ALL).with_ops(
            Family::Unary,
            &["exp"],
            DTypeSet::FLOATS,
        );
        assert!(c.is_native(Family::Copy, "copy", DType::Bool));
        assert!(c.is_native(Family::Unary, "exp", DType::F16));
        assert!(!c.is_native(Family::Unary, "log", DType::F16));
        assert!(!c.is_native(Family::Unary, "exp", DType::I32));
        assert!(!c.row_invariant);
    }
}

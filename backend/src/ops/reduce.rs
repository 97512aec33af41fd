//! Ops along axes: reductions, arg-reductions, scans.

use crate::dtype::DTypeSet;

/// A reduction over a set of axes. The sequence that is reduced is the elements along those axes in
/// row-major order; no axis or an empty one reduces an empty or one-element sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ReduceOp {
    /// Sum. Empty: 0. Integers and bool: the result is i64 and wraps.
    Sum,
    /// Arithmetic mean, floats only. Empty: NaN.
    Mean,
    /// Product. Empty: 1. Integers and bool: the result is i64 and wraps.
    Prod,
    /// Largest element. NaN if there is one. Empty is an error, raised by the frontend.
    Amax,
    /// Smallest element. NaN if there is one. Empty is an error, raised by the frontend.
    Amin,
    /// Whether all differ from zero, as bool. Empty: true. NaN counts as true.
    All,
    /// Whether any differs from zero, as bool. Empty: false. NaN counts as true.
    Any,
    /// `sum((x - mean)^2) / max(0, n - correction)`, floats only. A quotient by zero is NaN for a
    /// zero sum and else an infinity.
    Var {
        /// Subtracted from the element count; 1 for the unbiased estimate.
        correction: f64,
    },
    /// `log(sum(e^x))`, stable, floats only. Empty: -inf; an infinity dominates.
    Logsumexp,
    /// `sum(|x|^p)^(1/p)`, floats only. `p` an infinity: the largest or smallest `|x|`; 0: how many differ
    /// from zero (NaN does). NaN if there is one, unless `p` is 0. Empty: 0; for a negative or infinite `p`
    /// an error, raised by the frontend.
    Norm {
        /// The order, of any sign; 2 for the length of a vector.
        p: f64,
    },
}

impl ReduceOp {
    /// One op of each kind, with the default parameter.
    pub const ALL: &'static [ReduceOp] = &[
        ReduceOp::Sum,
        ReduceOp::Mean,
        ReduceOp::Prod,
        ReduceOp::Amax,
        ReduceOp::Amin,
        ReduceOp::All,
        ReduceOp::Any,
        ReduceOp::Var { correction: 1.0 },
        ReduceOp::Logsumexp,
        ReduceOp::Norm { p: 2.0 },
    ];

    /// The name of the method on `Tensor`, which is PyTorch's.
    pub const fn name(self) -> &'static str {
        match self {
            ReduceOp::Sum => "sum",
            ReduceOp::Mean => "mean",
            ReduceOp::Prod => "prod",
            ReduceOp::Amax => "amax",
            ReduceOp::Amin => "amin",
            ReduceOp::All => "all",
            ReduceOp::Any => "any",
            ReduceOp::Var { .. } => "var",
            ReduceOp::Logsumexp => "logsumexp",
            ReduceOp::Norm { .. } => "norm",
        }
    }

    /// The dtypes a backend is handed.
    pub const fn accepts(self) -> DTypeSet {
        match self {
            ReduceOp::Mean | ReduceOp::Var { .. } | ReduceOp::Logsumexp | ReduceOp::Norm { .. } => {
                DTypeSet::FLOATS
            }
            ReduceOp::Sum
            | ReduceOp::Prod
            | ReduceOp::Amax
            | ReduceOp::Amin
            | ReduceOp::All
            | ReduceOp::Any => DTypeSet::ALL,
        }
    }
}

/// The index of an extreme element along one axis, as i64. The first of equals; the first NaN if
/// there is one. An empty axis is an error, raised by the frontend. Bool is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArgReduceOp {
    /// Of the largest.
    Argmax,
    /// Of the smallest.
    Argmin,
}

impl ArgReduceOp {
    /// Both.
    pub const ALL: &'static [ArgReduceOp] = &[ArgReduceOp::Argmax, ArgReduceOp::Argmin];

    /// The name of the method on `Tensor`, which is PyTorch's.
    pub const fn name(self) -> &'static str {
        match self {
            ArgReduceOp::Argmax => "argmax",
            ArgReduceOp::Argmin => "argmin",
        }
    }
}

/// A running reduction along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScanOp {
    /// Running sum. Integers and bool: the result is i64 and wraps.
    Cumsum,
    /// Running product. Integers and bool: the result is i64 and wraps.
    Cumprod,
    /// Running maximum and its latest index. From the first NaN on, NaN.
    Cummax,
    /// Running minimum and its latest index. From the first NaN on, NaN.
    Cummin,
    /// Running `log(sum(e^x))`, stable, floats only. -inf adds nothing; from the first +inf on +inf, from the
    /// first NaN on NaN.
    Logcumsumexp,
}

impl ScanOp {
    /// All of them.
    pub const ALL: &'static [ScanOp] =
        &[ScanOp::Cumsum, ScanOp::Cumprod, ScanOp::Cummax, ScanOp::Cummin, ScanOp::Logcumsumexp];

    /// The name of the method on `Tensor`, which is PyTorch's.
    pub const fn name(self) -> &'static str {
        match self {
            ScanOp::Cumsum => "cumsum",
            ScanOp::Cumprod => "cumprod",
            ScanOp::Cummax => "cummax",
            ScanOp::Cummin => "cummin",
            ScanOp::Logcumsumexp => "logcumsumexp",
        }
    }

    /// Whether it gives the index of each result beside it.
    pub const fn has_indices(self) -> bool {
        matches!(self, ScanOp::Cummax | ScanOp::Cummin)
    }

    /// The dtypes a backend is handed.
    pub const fn accepts(self) -> DTypeSet {
        match self {
            ScanOp::Logcumsumexp => DTypeSet::FLOATS,
            ScanOp::Cumsum | ScanOp::Cumprod | ScanOp::Cummax | ScanOp::Cummin => DTypeSet::ALL,
        }
    }
}

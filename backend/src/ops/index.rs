//! Ops that move elements by index or order, and the random distributions.

use crate::dtype::DTypeSet;

/// What `scatter` does with an element that meets the one already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScatterOp {
    /// Takes its place; of several for one place the last in row-major order stays.
    Assign,
    /// Is added to it, in row-major order. Integers wrap; bool is "or"; f16 and bf16 are rounded when all is
    /// added.
    Add,
    /// Is multiplied into it, in row-major order; f16 and bf16 are rounded when all is multiplied.
    Mul,
    /// The larger one stays; NaN wins.
    Amax,
    /// The smaller one stays; NaN wins.
    Amin,
}

impl ScatterOp {
    /// The name of PyTorch's method or of its `reduce` argument.
    pub const fn name(self) -> &'static str {
        match self {
            ScatterOp::Assign => "scatter",
            ScatterOp::Add => "scatter_add",
            ScatterOp::Mul => "prod",
            ScatterOp::Amax => "amax",
            ScatterOp::Amin => "amin",
        }
    }
}

/// Ordering along an axis. NaN counts as larger than every number and all NaN as equal, as the two zeros do.
/// Equal elements stay in their original order, descending ones too; so each op has one right answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SortOp {
    /// All elements.
    Sort {
        /// Largest first.
        descending: bool,
    },
    /// The first `k` of the sorted order, in linear time but for the order of the `k`.
    Topk {
        /// How many.
        k: usize,
        /// The largest rather than the smallest.
        largest: bool,
        /// Whether the result must be in order.
        sorted: bool,
    },
    /// The element at one place of the ascending order, in linear time.
    Kth {
        /// The place, from 0.
        k: usize,
    },
    /// The element in the middle of the ascending order, the lower of two, in linear time. A line with NaN has
    /// its first NaN.
    Median {
        /// The middle is that of the numbers alone; a line of NaN alone has its first one.
        ignore_nan: bool,
    },
}

impl SortOp {
    /// One op of each kind.
    pub const ALL: &'static [SortOp] = &[
        SortOp::Sort { descending: false },
        SortOp::Topk { k: 1, largest: true, sorted: true },
        SortOp::Kth { k: 0 },
        SortOp::Median { ignore_nan: false },
        SortOp::Median { ignore_nan: true },
    ];

    /// The name of the method on `Tensor`, which is PyTorch's.
    pub const fn name(self) -> &'static str {
        match self {
            SortOp::Sort { .. } => "sort",
            SortOp::Topk { .. } => "topk",
            SortOp::Kth { .. } => "kthvalue",
            SortOp::Median { ignore_nan: false } => "median",
            SortOp::Median { ignore_nan: true } => "nanmedian",
        }
    }

    /// How many elements of a line of `n` it gives.
    pub const fn gives(self, n: usize) -> usize {
        match self {
            SortOp::Sort { .. } => n,
            SortOp::Topk { k, .. } => k,
            SortOp::Kth { .. } | SortOp::Median { .. } => 1,
        }
    }

    /// The dtypes a user may pass.
    pub const fn accepts(self) -> DTypeSet {
        match self {
            SortOp::Sort { .. } => DTypeSet::ALL,
            SortOp::Topk { .. } | SortOp::Kth { .. } | SortOp::Median { .. } => DTypeSet::NUMBERS,
        }
    }
}

/// What `random` draws. Each consumes PyTorch's CPU stream as PyTorch does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Distribution {
    /// Uniform over `[from, to)`; floats.
    Uniform {
        /// Lower end, included.
        from: f64,
        /// Upper end, excluded.
        to: f64,
    },
    /// Normal; floats.
    Normal {
        /// Expectation.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// Normal, drawn in pairs at any length, as PyTorch draws for a tensor that is not contiguous; floats.
    NormalInPairs {
        /// Expectation.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// Integers uniform over `low..high`, of any dtype.
    RandInt {
        /// Lower end, included.
        low: i64,
        /// Upper end, excluded.
        high: i64,
    },
    /// 1 with probability `p`, else 0; any dtype.
    Bernoulli {
        /// Probability of a one.
        p: f64,
    },
    /// Exponential with rate `lambda`; floats.
    Exponential {
        /// Rate, above 0.
        lambda: f64,
    },
    /// Integers from 0 to the largest of the dtype (of a float the largest up to which all are held); any dtype.
    Random,
    /// Integers from `low` to the largest of the dtype; any dtype.
    RandomFrom {
        /// Lower end, included.
        low: i64,
    },
    /// Cauchy; floats.
    Cauchy {
        /// Median.
        median: f64,
        /// Half of the distance of the quartiles, above 0.
        sigma: f64,
    },
    /// The exponential of a normal number; floats.
    LogNormal {
        /// Expectation of the logarithm.
        mean: f64,
        /// Standard deviation of the logarithm, above 0.
        std: f64,
    },
    /// The number of trials up to the first success; any dtype but bool.
    Geometric {
        /// Probability of a success, between 0 and 1.
        p: f64,
    },
}

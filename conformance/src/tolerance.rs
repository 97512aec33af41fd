//! Tolerances as data: how far each op may be from the recorded value, per class of dtype, and why.

use rusttorch_backend::DType;

/// How far a value may be from the expected one:
/// `ulp * ulp(expected) + eps * epsilon(dtype) * magnitude`, where the magnitude conditions a sum, and half of
/// the smallest subnormal times the magnitude.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// In units of the last place of the expected value.
    pub ulp: f64,
    /// In units of the dtype's epsilon times the magnitude.
    pub eps: f64,
    /// Whether zeros of different sign differ.
    pub signed_zero: bool,
    /// Why.
    pub reason: &'static str,
}

impl Tolerance {
    /// The same bits; any NaN is any other.
    pub const BITS: Tolerance = Tolerance {
        ulp: 0.0,
        eps: 0.0,
        signed_zero: true,
        reason: "exact: a copy, a comparison, an integer or one rounding",
    };

    /// The same value: the sign of a zero is free.
    pub const VALUE: Tolerance =
        Tolerance { ulp: 0.0, eps: 0.0, signed_zero: false, reason: "exact, but the sign of a zero is free" };

    /// Some units of the last place.
    pub const fn ulp(ulp: f64, reason: &'static str) -> Tolerance {
        Tolerance { ulp, eps: 0.0, signed_zero: true, reason }
    }

    /// A bound conditioned by a magnitude; zeros may have either sign.
    pub const fn scaled(ulp: f64, eps: f64, reason: &'static str) -> Tolerance {
        Tolerance { ulp, eps, signed_zero: false, reason }
    }
}

/// No bound of the table is wider than this many ulp or epsilons.
pub const CAP: f64 = 8.0;

/// One line: ops that share a bound for f32, for f64 and for the half types, with its reason.
struct Row {
    ops: &'static [&'static str],
    f32: (f64, f64),
    f64: (f64, f64),
    half: (f64, f64),
    signed_zero: bool,
    reason: &'static str,
}

/// Bounds as (ulp, eps). They were derived from what a nearly correctly rounded backend measures against
/// PyTorch (`cargo test -p rusttorch-conformance --test measure -- --ignored --nocapture`), so they hold
/// PyTorch's own error, up to 1 ulp, and leave a backend about one more.
const TABLE: &[Row] = &[
    Row {
        ops: &["maximum", "minimum"],
        f32: (0.0, 0.0),
        f64: (0.0, 0.0),
        half: (0.0, 0.0),
        signed_zero: true,
        reason: "a choice; -0 lies below +0 (numerics 10)",
    },
    Row {
        ops: &[
            "relu",
            "fmax",
            "fmin",
            "clamp",
            "amax",
            "amin",
            "cummax",
            "cummin",
            "hardtanh",
            "hardtanh_backward",
            "hardshrink",
            "hardshrink_backward",
            "softshrink_backward",
            "threshold",
            "threshold_backward",
        ],
        f32: (0.0, 0.0),
        f64: (0.0, 0.0),
        half: (0.0, 0.0),
        signed_zero: false,
        reason: "a choice; which of two zeros is free (numerics 9)",
    },
    Row {
        ops: &[
            "exp",
            "exp2",
            "expm1",
            "log",
            "log2",
            "log10",
            "log1p",
            "sin",
            "cos",
            "tan",
            "asin",
            "acos",
            "atan",
            "sinh",
            "cosh",
            "tanh",
            "asinh",
            "acosh",
            "atanh",
            "erf",
            "erfc",
            "sigmoid",
            "rsqrt",
            "pow",
            "atan2",
            "erfinv",
            "hypot",
            "logit",
            "float_power",
        ],
        f32: (2.0, 0.0),
        f64: (2.0, 0.0),
        half: (1.0, 0.0),
        signed_zero: true,
        reason: "PyTorch's vector functions are within 1 ulp and a backend has 1 more; halves are rounded once from f32",
    },
    Row {
        ops: &["sinc"],
        f32: (2.0, 0.0),
        f64: (2.0, 0.0),
        half: (1.0, 0.0),
        signed_zero: false,
        reason: "as a sine; at a whole number of a half the sign of the rounding of pi decides",
    },
    Row {
        ops: &["lgamma", "digamma", "zeta"],
        f32: (4.0, 0.0),
        f64: (8.0, 0.0),
        half: (1.0, 0.0),
        signed_zero: true,
        reason: "PyTorch's series are some units off in double precision, by which f32 is judged too",
    },
    Row {
        ops: &["xlogy"],
        f32: (2.0, 0.0),
        f64: (2.0, 0.0),
        half: (2.0, 0.0),
        signed_zero: true,
        reason: "a product with a logarithm, which PyTorch rounds to a half before the product",
    },
    Row {
        ops: &["logaddexp", "logaddexp2"],
        f32: (1.0, 1.0),
        f64: (1.0, 1.0),
        half: (1.0, 0.01),
        signed_zero: false,
        reason: "the larger operand plus a logarithm, which may cancel it: over 1 plus the larger operand",
    },
    Row {
        ops: &["addcmul", "addcdiv", "lerp"],
        f32: (1.0, 1.5),
        f64: (1.0, 1.5),
        half: (1.0, 0.01),
        signed_zero: false,
        reason: "two or three roundings, or fused; the magnitude is that of the terms, which may cancel",
    },
    Row {
        ops: &["sum", "mean"],
        f32: (1.0, 1.0),
        f64: (1.0, 1.0),
        half: (1.0, 0.01),
        signed_zero: false,
        reason: "a tree or a compensated sum over sum |x|; a plain loop breaks it at 10^6 terms (numerics 36)",
    },
    Row {
        ops: &["cumsum"],
        f32: (1.0, 1.0),
        f64: (1.0, 1.0),
        half: (1.0, 0.01),
        signed_zero: false,
        reason: "as a sum, over the running sum of |x|",
    },
    Row {
        ops: &["prod", "cumprod"],
        f32: (2.0, 4.0),
        f64: (2.0, 4.0),
        half: (1.0, 0.1),
        signed_zero: false,
        reason: "67 roundings in any order stay below 4 epsilons in practice",
    },
    Row {
        ops: &["var"],
        f32: (3.0, 0.0),
        f64: (6.0, 0.0),
        half: (1.0, 0.0),
        signed_zero: false,
        reason: "two passes; PyTorch's own running update is up to 4 ulp off in f64 at 5000 elements",
    },
    Row {
        ops: &["logsumexp"],
        f32: (1.0, 1.0),
        f64: (1.0, 1.0),
        half: (1.0, 0.1),
        signed_zero: false,
        reason: "one exponential, one logarithm; the magnitude is that of the largest exponent",
    },
    Row {
        ops: &["vector_norm"],
        f32: (2.0, 0.0),
        f64: (5.0, 0.0),
        half: (1.0, 0.0),
        signed_zero: false,
        reason: "a root of a sum of like signs; PyTorch's f64 sum is plain, and the root of a small order magnifies its error",
    },
    Row {
        ops: &["logcumsumexp"],
        f32: (1.0, 1.0),
        f64: (1.0, 1.0),
        half: (1.0, 0.1),
        signed_zero: false,
        reason: "as logsumexp; the magnitude is that of the largest exponent so far",
    },
    Row {
        ops: &["matmul"],
        f32: (1.0, 1.5),
        f64: (1.0, 1.5),
        half: (1.0, 0.05),
        signed_zero: false,
        reason: "a sum of products over |a| |b|, in any order; halves accumulate in f32 (numerics 37, 38)",
    },
    Row {
        ops: &["conv"],
        f32: (1.0, 1.0),
        f64: (1.0, 1.0),
        half: (1.0, 0.05),
        signed_zero: false,
        reason: "a sum of products over sqrt(taps) max |x| max |w|",
    },
    Row {
        ops: &["attention"],
        f32: (1.0, 0.5),
        f64: (1.0, 0.5),
        half: (1.0, 0.05),
        signed_zero: false,
        reason: "two products and a softmax, over the size of the logits times max |v|",
    },
    Row {
        ops: &["avg_pool"],
        f32: (1.0, 0.5),
        f64: (1.0, 0.5),
        half: (1.0, 0.01),
        signed_zero: false,
        reason: "a mean over max |x|",
    },
    Row {
        ops: &["normalization"],
        f32: (2.0, 1.0),
        f64: (2.0, 1.0),
        half: (1.0, 0.05),
        signed_zero: false,
        reason: "a centred value of size 1 to 2 times the weight, plus the bias",
    },
    Row {
        ops: &["softmax"],
        f32: (1.0, 1.0),
        f64: (1.0, 1.0),
        half: (1.0, 0.1),
        signed_zero: true,
        reason: "the distance to the row's largest enters the exponent and conditions it",
    },
    Row {
        ops: &["log_softmax"],
        f32: (1.0, 1.0),
        f64: (1.0, 1.0),
        half: (1.0, 0.1),
        signed_zero: false,
        reason: "distance to the row's largest plus log n",
    },
    Row {
        ops: &["softmax_backward"],
        f32: (1.0, 1.5),
        f64: (1.0, 1.5),
        half: (1.0, 0.1),
        signed_zero: false,
        reason: "y (g - sum g y) over the size of its terms",
    },
    Row {
        ops: &["log_softmax_backward"],
        f32: (1.0, 0.5),
        f64: (1.0, 0.5),
        half: (1.0, 0.1),
        signed_zero: false,
        reason: "g - e^y sum g over the size of its terms",
    },
    Row {
        ops: &["leaky_relu", "softsign", "softshrink", "hardsigmoid", "hardsigmoid_backward"],
        f32: (1.0, 0.0),
        f64: (1.0, 0.0),
        half: (1.0, 0.0),
        signed_zero: false,
        reason: "one or two roundings",
    },
    Row {
        ops: &["elu", "celu", "selu", "softplus", "logsigmoid"],
        f32: (2.0, 0.0),
        f64: (2.0, 0.0),
        half: (1.0, 0.0),
        signed_zero: false,
        reason: "one exponential or logarithm and two roundings",
    },
    Row {
        ops: &["silu", "mish", "hardswish"],
        f32: (3.0, 0.0),
        f64: (3.0, 0.0),
        half: (1.0, 0.0),
        signed_zero: false,
        reason: "a product with a function that is itself 1 to 2 ulp off",
    },
    Row {
        ops: &["gelu", "gelu_tanh"],
        f32: (2.0, 1.0),
        f64: (2.0, 1.0),
        half: (1.0, 0.05),
        signed_zero: false,
        reason: "x (1 + erf) / 2 cancels below zero: absolute, over |x| (numerics 34)",
    },
    Row {
        ops: &["leaky_relu_backward"],
        f32: (1.0, 0.0),
        f64: (1.0, 0.0),
        half: (1.0, 0.0),
        signed_zero: false,
        reason: "one product",
    },
    Row {
        ops: &[
            "elu_backward",
            "celu_backward",
            "selu_backward",
            "mish_backward",
            "gelu_backward",
            "gelu_tanh_backward",
            "hardswish_backward",
            "softplus_backward",
            "softsign_backward",
            "logsigmoid_backward",
        ],
        f32: (2.0, 2.0),
        f64: (2.0, 2.0),
        half: (1.0, 0.1),
        signed_zero: false,
        reason: "sums of terms of the size of the incoming gradient, which cancel where the slope crosses zero",
    },
    Row {
        ops: &["silu_backward"],
        f32: (2.0, 2.0),
        f64: (8.0, 8.0),
        half: (1.0, 0.1),
        signed_zero: false,
        reason: "as its kin; and PyTorch's own f64 value computes x (1 - s), which loses half an epsilon times x, until s is 1 from x = 37 on",
    },
    Row {
        ops: &["mse_loss", "l1_loss", "smooth_l1_loss", "binary_cross_entropy"],
        f32: (2.0, 1.0),
        f64: (2.0, 1.0),
        half: (1.0, 0.1),
        signed_zero: false,
        reason: "a sum or mean of positive terms",
    },
    Row {
        ops: &["cross_entropy"],
        f32: (1.0, 0.5),
        f64: (1.0, 0.5),
        half: (1.0, 0.1),
        signed_zero: false,
        reason: "differences of logits times the weights",
    },
    Row {
        ops: &["optimizer"],
        f32: (2.0, 3.0),
        f64: (2.0, 3.0),
        half: (2.0, 3.0),
        signed_zero: false,
        reason: "up to ten roundings a step, over the larger of start and present value",
    },
    Row {
        ops: &["std"],
        f32: (3.0, 0.0),
        f64: (6.0, 0.0),
        half: (1.0, 0.0),
        signed_zero: false,
        reason: "the root of a variance",
    },
    Row {
        ops: &["gradient"],
        f32: (4.0, 4.0),
        f64: (4.0, 4.0),
        half: (1.0, 1.0),
        signed_zero: false,
        reason: "a formula of several roundings, over the incoming gradient",
    },
    Row {
        ops: &["summed_gradient"],
        f32: (4.0, 4.0),
        f64: (4.0, 4.0),
        half: (1.0, 1.0),
        signed_zero: false,
        reason: "a sum of several terms, over the largest element",
    },
    Row {
        ops: &["second_gradient"],
        f32: (8.0, 8.0),
        f64: (8.0, 8.0),
        half: (1.0, 1.0),
        signed_zero: false,
        reason: "a sum of formulas, over the largest element",
    },
];

/// The bound of an op for a dtype. An op without a row, and every integer, must be exact.
pub fn of(op: &str, dtype: DType) -> Tolerance {
    if !dtype.is_float() {
        return Tolerance::BITS;
    }
    let Some(row) = TABLE.iter().find(|r| r.ops.contains(&op)) else { return Tolerance::BITS };
    let (ulp, eps) = match dtype {
        DType::F64 => row.f64,
        DType::F32 => row.f32,
        _ => row.half,
    };
    Tolerance { ulp, eps, signed_zero: row.signed_zero, reason: row.reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bound_is_wider_than_the_cap_and_no_op_has_two() {
        let mut seen = Vec::new();
        for row in TABLE {
            for (ulp, eps) in [row.f32, row.f64, row.half] {
                assert!(ulp <= CAP && eps <= CAP, "{:?}", row.ops);
            }
            assert!(!row.reason.is_empty());
            for op in row.ops {
                assert!(!seen.contains(op), "{op}");
                seen.push(op);
            }
        }
    }

    #[test]
    fn what_is_not_in_the_table_is_exact() {
        for op in ["add", "sub", "mul", "div", "sqrt", "fmod", "remainder", "floor_divide", "round", "copy"] {
            assert_eq!(of(op, DType::F32), Tolerance::BITS);
        }
        assert_eq!(of("exp", DType::I32), Tolerance::BITS);
    }
}

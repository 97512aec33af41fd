//! How closely an op of the catalogue must agree: the bounds of ops that the contract does not have, and of
//! gradients.
//!
//! An op is looked up here by its path, then by its name in the [contract's table](crate::tolerance), and is
//! exact where neither has a row. A bound is as there: units of the last place, and epsilons of the dtype
//! times a magnitude.

use rusttorch::DType;
use rusttorch::catalogue::{Family, Op};

use crate::call::Output;
use crate::case::{Case, Gradients};
use crate::dense::Dense;
use crate::tolerance::Tolerance;

/// What a bound's epsilons multiply.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Over {
    /// The expected element itself.
    Element,
    /// The largest element of the float inputs and of the output.
    Inputs,
    /// The element of the first input at the same place.
    Operand,
}

/// A line: ops by path, their bounds as (ulp, eps), and why.
struct Row {
    ops: &'static [&'static str],
    f32: (f64, f64),
    f64: (f64, f64),
    half: (f64, f64),
    over: Over,
    reason: &'static str,
}

// The bounds of values, a list a family of the catalogue.
const ELEMENTWISE: &[Row] = &[
    Row {
        ops: &[
            "torch.arccosh",
            "torch.arcsinh",
            "torch.arctanh",
            "torch.arccos",
            "torch.arcsin",
            "torch.arctan",
        ],
        f32: (2.0, 0.0),
        f64: (2.0, 0.0),
        half: (1.0, 0.0),
        over: Over::Element,
        reason: "functions of the contract by another name",
    },
    Row {
        ops: &["torch.arctan2", "torch.special.expit", "torch.special.gammaln", "torch.special.psi"],
        f32: (2.0, 0.0),
        f64: (4.0, 0.0),
        half: (1.0, 0.0),
        over: Over::Element,
        reason: "functions of the contract by another name",
    },
    Row {
        ops: &["torch.ldexp"],
        f32: (2.0, 0.0),
        f64: (2.0, 0.0),
        half: (1.0, 0.0),
        over: Over::Element,
        reason: "a product with a power of two whose exponent need not be whole",
    },
    Row {
        ops: &["torch.polygamma", "torch.Tensor.polygamma", "torch.special.polygamma"],
        f32: (3.0, 0.0),
        f64: (8.0, 0.0),
        half: (1.0, 0.0),
        over: Over::Element,
        reason: "zeta times a factorial",
    },
];

const REDUCTIONS: &[Row] = &[
    Row {
        ops: &["torch.var_mean", "torch.std_mean"],
        f32: (3.0, 0.0),
        f64: (6.0, 0.0),
        half: (1.0, 0.0),
        over: Over::Element,
        reason: "as var and std; PyTorch takes the mean from its running update, too",
    },
    Row {
        ops: &["torch.norm"],
        f32: (2.0, 0.0),
        f64: (5.0, 0.0),
        half: (1.0, 0.0),
        over: Over::Element,
        reason: "as the contract's row vector_norm; the nuclear norm is a sum of singular values",
    },
    Row {
        ops: &["torch.nansum", "torch.nanmean"],
        f32: (1.0, 1.0),
        f64: (1.0, 1.0),
        half: (1.0, 0.01),
        over: Over::Inputs,
        reason: "as sum and mean; PyTorch rounds the sum of halves before it divides",
    },
];

const MATRICES: &[Row] = &[
    Row {
        ops: &[
            "torch.mm",
            "torch.bmm",
            "torch.mv",
            "torch.dot",
            "torch.vdot",
            "torch.linalg.vecdot",
            "torch.linalg.matmul",
            "torch.inner",
            "torch.tensordot",
            "torch.einsum",
            "torch.chain_matmul",
            "torch.linalg.multi_dot",
            "torch.matrix_power",
            "torch.linalg.matrix_power",
            "torch.nn.functional.linear",
        ],
        f32: (1.0, 2.0),
        f64: (1.0, 2.0),
        half: (1.0, 0.05),
        over: Over::Inputs,
        reason: "a few products of small numbers, added in any order",
    },
    Row {
        ops: &["torch.addmm", "torch.addmv", "torch.addbmm", "torch.baddbmm"],
        f32: (1.0, 2.0),
        f64: (1.0, 2.0),
        half: (1.0, 0.05),
        over: Over::Inputs,
        reason: "as the product; PyTorch rounds the halves of addbmm after each matrix",
    },
    Row {
        ops: &["torch.cross", "torch.linalg.cross"],
        f32: (1.0, 1.0),
        f64: (1.0, 1.0),
        half: (1.0, 0.0),
        over: Over::Inputs,
        reason: "a difference of products, of which PyTorch's compiler fuses one",
    },
    Row {
        ops: &["torch.cdist"],
        f32: (4.0, 0.0),
        f64: (4.0, 0.0),
        half: (1.0, 0.0),
        over: Over::Element,
        reason: "a power of a sum of powers, or the root of a sum of squares",
    },
];

/// Whichever way a well-conditioned matrix is factored, the errors are a few epsilons of the largest element.
const LINEAR_ALGEBRA: &[Row] = &[Row {
    ops: &[
        "torch.linalg.det",
        "torch.det",
        "torch.linalg.slogdet",
        "torch.slogdet",
        "torch.logdet",
        "torch.linalg.inv",
        "torch.inverse",
        "torch.linalg.solve",
        "torch.linalg.solve_triangular",
        "torch.linalg.cholesky",
        "torch.cholesky_solve",
        "torch.cholesky_inverse",
        "torch.linalg.qr",
        "torch.linalg.lu",
        "torch.linalg.lu_factor",
        "torch.linalg.lu_solve",
        "torch.linalg.svd",
        "torch.linalg.svdvals",
        "torch.svd",
        "torch.linalg.eigh",
        "torch.linalg.eigvalsh",
        "torch.linalg.pinv",
        "torch.pinverse",
        "torch.linalg.lstsq",
        "torch.linalg.matrix_norm",
        "torch.linalg.norm",
        "torch.linalg.cond",
    ],
    f32: (2.0, 4.0),
    f64: (2.0, 4.0),
    half: (1.0, 0.0),
    over: Over::Inputs,
    reason: "other orders of the same eliminations, reflections and rotations of a well-conditioned matrix",
}];

const ACTIVATIONS: &[Row] = &[
    Row {
        ops: &["torch.nn.functional.tanhshrink"],
        f32: (1.0, 2.0),
        f64: (1.0, 2.0),
        half: (1.0, 1.0),
        over: Over::Operand,
        reason: "x - tanh(x) cancels near 0, and the tangent is up to 2 ulp off",
    },
    Row {
        ops: &["torch.nn.functional.glu"],
        f32: (3.0, 0.0),
        f64: (3.0, 0.0),
        half: (1.0, 0.0),
        over: Over::Element,
        reason: "a product with a sigmoid that is itself 2 ulp off",
    },
    Row {
        ops: &["torch.nn.functional.softmin"],
        f32: (3.0, 0.0),
        f64: (3.0, 0.0),
        half: (1.0, 0.0),
        over: Over::Element,
        reason: "an exponential and a quotient of small exponents",
    },
];

const LOSSES: &[Row] = &[Row {
    ops: &["torch.nn.functional.cross_entropy"],
    f32: (1.0, 1.0),
    f64: (1.0, 1.0),
    half: (1.0, 0.1),
    over: Over::Inputs,
    reason: "differences of logits times weights, which may cancel where probabilities are signed",
}];

const VALUES: &[&[Row]] = &[ELEMENTWISE, REDUCTIONS, MATRICES, LINEAR_ALGEBRA, ACTIVATIONS, LOSSES];

/// The bounds of gradients and of gradients of gradients, where those of `gradient`, `summed_gradient` and
/// `second_gradient` in the contract's table are too narrow.
const GRADIENTS: &[Row] = &[Row {
    ops: &["torch.linalg.pinv", "torch.pinverse", "torch.linalg.lstsq"],
    f32: (8.0, 8.0),
    f64: (8.0, 8.0),
    half: (1.0, 1.0),
    over: Over::Inputs,
    reason: "three terms of four factors each, two of which cancel where the matrix is regular",
}];

/// Activations whose gradient takes in a whole row.
const ROWWISE: &[&str] = &["softmax", "log_softmax", "softmin", "glu", "prelu"];

impl Row {
    fn tolerance(&self, dtype: DType) -> Tolerance {
        let (ulp, eps) = match dtype {
            DType::F64 => self.f64,
            DType::F32 => self.f32,
            DType::F16 | DType::BF16 => self.half,
            _ => return Tolerance::BITS,
        };
        Tolerance::scaled(ulp, eps, self.reason)
    }

    fn output(&self, op: &'static str, case: &Case, expected: Dense) -> Output {
        let size = match self.over {
            Over::Element => None,
            Over::Inputs => Some(inputs(case).fold(largest(&expected), f64::max)),
            Over::Operand => None,
        };
        let operand = case.tensor(0).filter(|_| self.over == Over::Operand).map(Dense::to_f64);
        let mut output = Output::of(op, expected);
        output.tolerance = self.tolerance(output.expected.dtype());
        match (size, operand) {
            (Some(size), _) => {
                let n = output.expected.numel();
                output.conditioned(vec![size; n])
            }
            (None, Some(operand)) => output.conditioned(operand.into_iter().map(f64::abs).collect()),
            (None, None) => output,
        }
    }
}

fn find(rows: &[&'static [Row]], op: &Op) -> Option<&'static Row> {
    rows.iter().copied().flatten().find(|row| row.ops.contains(&op.path))
}

/// The largest element of each float input.
fn inputs(case: &Case) -> impl Iterator<Item = f64> {
    case.tensors().filter(|d| d.dtype().is_float()).map(largest)
}

/// The largest finite size of the elements.
pub(super) fn largest(d: &Dense) -> f64 {
    d.to_f64().into_iter().filter(|v| v.is_finite()).fold(0.0, |m, v| m.max(v.abs()))
}

/// What an output must be. `planned` is what the contract says of the same case.
pub(super) fn value(op: Option<&Op>, case: &Case, planned: Output) -> Output {
    let Some(op) = op else { return planned };
    let alternative = planned.alternative.clone();
    if let Some(row) = find(VALUES, op) {
        return row.output(op.path, case, planned.expected).or(alternative.as_ref());
    }
    if planned.tolerance != Tolerance::BITS || planned.magnitude.is_some() {
        return planned;
    }
    let mut output = Output::of(op.name(), planned.expected).or(alternative.as_ref());
    if output.tolerance.eps > 0.0 {
        let size = largest(&output.expected);
        let n = output.expected.numel();
        output = output.conditioned(vec![size; n]);
    }
    output
}

/// What each gradient must be. An elementwise slope is conditioned by the incoming gradient, a sum over many by
/// the largest element.
pub(super) fn gradients(op: Option<&Op>, case: &Case, gradients: &Gradients) -> Vec<Option<Output>> {
    let pointwise = |op: &Op| {
        matches!(op.family, Family::Unary | Family::Elementwise | Family::Activations)
            && !ROWWISE.contains(&op.name())
    };
    let elementwise = op.is_some_and(pointwise);
    let name = if elementwise { "gradient" } else { "summed_gradient" };
    let row = op.and_then(|op| find(&[GRADIENTS], op));
    let incoming = gradients.outputs.iter().flatten().map(largest).fold(0.0, f64::max);
    let of = |i: usize, wanted: &Dense| {
        let alternative = gradients.alternatives.get(i).and_then(Option::as_ref);
        if let Some(row) = row {
            let size = inputs(case).fold(incoming.max(largest(wanted)), f64::max);
            let output = row.output(name, case, wanted.clone()).or(alternative);
            return match row.over {
                Over::Inputs => output.conditioned(vec![size; wanted.numel()]),
                _ => output,
            };
        }
        let output = Output::of(name, wanted.clone()).or(alternative);
        let first = gradients.output();
        if let Some(first) = first.filter(|g| elementwise && wanted.shape() == g.shape()) {
            return output.conditioned(first.to_f64().into_iter().map(f64::abs).collect());
        }
        output.conditioned(vec![largest(wanted).max(incoming); wanted.numel()])
    };
    let mut outputs: Vec<Option<Output>> =
        gradients.inputs.iter().enumerate().map(|(i, g)| g.as_ref().map(|g| of(i, g))).collect();
    // Where a backend has the gradient as a family of its own, its bound holds here, too.
    if let Some(native) = crate::suite::recorded_backward(case)
        && let Some(Some(first)) = outputs.first_mut()
    {
        let expected = first.expected.clone();
        let alternative = first.alternative.clone();
        *first = Output { expected, alternative, ..native };
    }
    outputs
}

/// What a gradient of gradients must be.
pub(super) fn second(op: Option<&Op>, case: &Case, wanted: &Dense) -> Output {
    let size = largest(wanted).max(1.0);
    let output = match op.and_then(|op| find(&[GRADIENTS], op)) {
        Some(row) => row.output("second_gradient", case, wanted.clone()),
        None => Output::of("second_gradient", wanted.clone()),
    };
    output.conditioned(vec![size; wanted.numel()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tolerance;

    #[test]
    fn every_row_is_of_an_op_and_has_a_reason() {
        for lists in [VALUES, &[GRADIENTS]] {
            let mut seen: Vec<&str> = Vec::new();
            for row in lists.iter().copied().flatten() {
                assert!(!row.reason.is_empty());
                for (ulp, eps) in [row.f32, row.f64, row.half] {
                    assert!(ulp <= tolerance::CAP && eps <= tolerance::CAP, "{:?}", row.ops);
                }
                for &op in row.ops {
                    assert!(rusttorch::catalogue::find(op).is_some(), "{op} is not in the catalogue");
                    assert!(!seen.contains(&op), "{op} has two rows");
                    seen.push(op);
                }
            }
        }
    }

    #[test]
    fn gradients_have_bounds() {
        for name in ["gradient", "summed_gradient", "second_gradient"] {
            assert_ne!(tolerance::of(name, DType::F64), Tolerance::BITS);
        }
    }
}

//! Softmax and losses, the latter also with their gradients.

use rusttorch::DType::F32;
use rusttorch::nn::functional::{
    CrossEntropy, binary_cross_entropy, cross_entropy, l1_loss, mse_loss, smooth_l1_loss,
};
use rusttorch::{Reduction, Result, Tensor};

use super::{Case, Cost, Work, indices, uniform, work};

type Two = fn(&Tensor, &Tensor) -> Result<Tensor>;
type Inputs = fn() -> Result<(Tensor, Tensor)>;

const N: usize = 1_000_000;

/// Losses: group, name, size, numbers read in a forward pass, inputs and call.
const LOSSES: [(&str, &str, &str, usize, Inputs, Two); 5] = [
    ("softmax", "cross_entropy", "1024x1000", 1_024_000, classes, |x, t| {
        cross_entropy(x, t, &CrossEntropy::default())
    }),
    ("softmax", "bce", "1e6", 2 * N, probabilities, |x, t| binary_cross_entropy(x, t, None, Reduction::Mean)),
    ("losses", "mse", "1e6", 2 * N, pair, |x, t| mse_loss(x, t, Reduction::Mean)),
    ("losses", "l1", "1e6", 2 * N, pair, |x, t| l1_loss(x, t, Reduction::Mean)),
    ("losses", "smooth_l1", "1e6", 2 * N, pair, |x, t| smooth_l1_loss(x, t, 1.0, Reduction::Mean)),
];

fn classes() -> Result<(Tensor, Tensor)> {
    Ok((uniform(1, &[1024, 1000], -3.0, 3.0, F32)?, indices(2, &[1024], 1000)?))
}

fn probabilities() -> Result<(Tensor, Tensor)> {
    Ok((uniform(1, &[N], 0.05, 0.95, F32)?, uniform(2, &[N], 0.05, 0.95, F32)?))
}

fn pair() -> Result<(Tensor, Tensor)> {
    Ok((uniform(1, &[N], -3.0, 3.0, F32)?, uniform(2, &[N], -3.0, 3.0, F32)?))
}

pub(super) fn add(cases: &mut Vec<Case>) {
    for (size, rows, columns) in [("1000x1000", 1000, 1000), ("128x32000", 128, 32_000)] {
        let cost = Cost::f32(rows * columns, rows * columns);
        let input = move || uniform(1, &[rows, columns], -3.0, 3.0, F32);
        cases.push(Case::new("softmax", "softmax", size, cost, move || {
            let x = input()?;
            work(move || x.softmax(1))
        }));
        cases.push(Case::new("softmax", "log_softmax", size, cost, move || {
            let x = input()?;
            work(move || x.log_softmax(1))
        }));
    }
    for (group, op, size, read, inputs, f) in LOSSES {
        cases.push(Case::new(group, op, size, Cost::f32(read, 1), move || {
            let (x, t) = inputs()?;
            work(move || f(&x, &t))
        }));
        // The gradient reads the same again, and writes as much as the input has.
        let written = if op == "cross_entropy" { read } else { N };
        let cost = Cost::f32(2 * read, written);
        let case = Case::new(group, format!("{op}_backward"), size, cost, move || backward(inputs, f));
        cases.push(case.recorded());
    }
}

/// Value and gradient.
fn backward(inputs: Inputs, f: Two) -> Result<Box<dyn Work>> {
    let (x, t) = inputs()?;
    let x = x.requires_grad_(true)?;
    work(move || {
        f(&x, &t)?.backward()?;
        let gradient = x.grad().ok_or_else(|| missing("gradient"))?;
        x.set_grad(None)?;
        Ok(gradient)
    })
}

fn missing(what: &'static str) -> rusttorch::TensorError {
    rusttorch::TensorError::new(rusttorch::ErrorKind::Internal, "benches", what)
}

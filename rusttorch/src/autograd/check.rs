//! Gradients against finite differences.

use rusttorch_backend::{DType, ErrorKind, Result, TensorError};

use super::engine::{GradOptions, grad};
use super::mode::no_grad;
use crate::tensor::Tensor;

/// A function of several tensors.
type Function<'a> = &'a dyn Fn(&[Tensor]) -> Result<Tensor>;

/// Half the width of the central difference, in the unit of the input.
const STEP: f64 = 1e-6;
/// How far the two gradients may be apart: the error of the difference quotient, about `STEP^2` times the
/// third derivative plus the rounding of f64 divided by `STEP`, with room for both.
const ABSOLUTE: f64 = 1e-6;
const RELATIVE: f64 = 1e-5;

/// Compares the gradient of `function` at `inputs` (f64) with central differences, element by element of
/// every input. The function's result may have any shape: it is weighted by fixed numbers of both signs
/// and summed. PyTorch: `torch.autograd.gradcheck`.
///
/// Errors: `Autograd`, naming input, element and both values, where they disagree by more than
/// 1e-6 + 1e-5 of the value; `DType` for inputs that are not f64; those of the function.
pub fn gradcheck(function: Function<'_>, inputs: &[Tensor]) -> Result<()> {
    let inputs = inputs.iter().map(leaf).collect::<Result<Vec<_>>>()?;
    let analytic = gradients(function, &inputs, GradOptions { allow_unused: true, ..Default::default() })?;
    for (i, (x, g)) in inputs.iter().zip(&analytic).enumerate() {
        let values = x.to_vec::<f64>()?;
        let g = match g {
            Some(g) => g.to_vec::<f64>()?,
            None => vec![0.0; values.len()],
        };
        for (k, &analytic) in g.iter().enumerate() {
            let at = |step: f64| -> Result<f64> {
                let mut moved = values.clone();
                moved[k] += step;
                let mut all = inputs.to_vec();
                all[i] = Tensor::from_vec(moved, x.shape())?;
                no_grad(|| weighted(&function(&all)?)?.item_f64())
            };
            let numeric = (at(STEP)? - at(-STEP)?) / (2.0 * STEP);
            // Written so that a NaN is a disagreement.
            let agree = (analytic - numeric).abs() <= ABSOLUTE + RELATIVE * numeric.abs();
            if !agree {
                return Err(TensorError::new(
                    ErrorKind::Autograd,
                    "gradcheck",
                    "gradient and finite difference disagree",
                )
                .with("input", i)
                .with("element", k)
                .with("gradient", analytic)
                .with("difference", numeric));
            }
        }
    }
    Ok(())
}

/// [`gradcheck`] of the gradient of `function`: its second derivatives.
/// PyTorch: `torch.autograd.gradgradcheck`.
pub fn gradgradcheck(function: Function<'_>, inputs: &[Tensor]) -> Result<()> {
    let gradient = |inputs: &[Tensor]| -> Result<Tensor> {
        // Under no_grad the inputs are plain values, whose first gradient is still wanted.
        super::mode::enable_grad(|| {
            let inputs = inputs.iter().map(|x| if x.requires_grad() { Ok(x.clone()) } else { leaf(x) });
            let inputs = inputs.collect::<Result<Vec<_>>>()?;
            let options = GradOptions { create_graph: true, allow_unused: true, ..Default::default() };
            let parts = gradients(function, &inputs, options)?.into_iter().flatten();
            let parts = parts.map(|g| g.flatten()).collect::<Result<Vec<_>>>()?;
            Tensor::cat(&parts.iter().collect::<Vec<_>>(), 0)
        })
    };
    gradcheck(&gradient, inputs)
}

/// A leaf of its own with the elements of `x`.
fn leaf(x: &Tensor) -> Result<Tensor> {
    if x.dtype() != DType::F64 {
        return Err(TensorError::new(ErrorKind::DType, "gradcheck", "needs f64").with("dtype", x.dtype()));
    }
    x.detach().copy()?.requires_grad_(true)
}

fn gradients(function: Function<'_>, inputs: &[Tensor], options: GradOptions) -> Result<Vec<Option<Tensor>>> {
    let sum = weighted(&function(inputs)?)?;
    if !sum.requires_grad() {
        return Ok(vec![None; inputs.len()]);
    }
    grad(&[&sum], &inputs.iter().collect::<Vec<_>>(), &[], options)
}

/// `sum(w y)` with weights between -1 and 1 that differ from element to element.
fn weighted(y: &Tensor) -> Result<Tensor> {
    let weights: Vec<f64> = (0..y.numel()).map(|i| (1.0 + 2.3 * i as f64).sin()).collect();
    y.to_dtype(DType::F64)?.mul(&Tensor::from_vec(weights, y.shape())?)?.sum()
}

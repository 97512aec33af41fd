//! Functions whose gradient is written outside of this crate.

use rusttorch_backend::{ErrorKind, Result, TensorError};

use super::meta::record_many;
use super::node::Grads;
use super::saved::Saved;
use crate::tensor::Tensor;

/// Gives `output`, which was computed from `inputs` without being recorded, a place in the graph: `rule` turns the
/// output and its gradient into the gradients of the inputs, one each, `None` where there is none. Nothing happens where
/// no input requires a gradient or nothing is recorded. `name` is what [`grad_fn`](Tensor::grad_fn) tells.
/// PyTorch: `torch.autograd.Function`.
///
/// The rule is handed the output rather than keeping it, because a node that owns its own output would never be freed.
/// A rule written in tensor ops can be differentiated again.
///
/// ```
/// use rusttorch::autograd::{no_grad, record_custom};
/// use rusttorch::{DType, Tensor};
///
/// # fn main() -> rusttorch::Result<()> {
/// let x = Tensor::full(&[2], 1.5, DType::F32)?.requires_grad_(true)?;
/// let y = record_custom("MyExpBackward", no_grad(|| x.exp())?, &[&x], |y, g| Ok(vec![Some(g.mul(y)?)]))?;
/// y.sum()?.backward()?;
/// assert_eq!(x.grad().expect("a gradient").to_vec::<f32>()?, y.to_vec::<f32>()?);
/// # Ok(())
/// # }
/// ```
///
/// Errors: `Autograd` where the output has a history of its own already; of the backward pass: `Autograd` where the rule
/// returns another number of gradients or the output was overwritten since, `Shape` for a gradient of another shape.
pub fn record_custom(
    name: &'static str,
    output: Tensor,
    inputs: &[&Tensor],
    rule: impl Fn(&Tensor, &Tensor) -> Result<Vec<Option<Tensor>>> + Send + Sync + 'static,
) -> Result<Tensor> {
    if output.requires_grad() {
        return Err(TensorError::new(ErrorKind::Autograd, name, "the output was recorded already"));
    }
    let shapes: Vec<Vec<usize>> = inputs.iter().map(|t| t.shape().to_vec()).collect();
    Ok(record_many(name, output, inputs, |out| {
        let out = Saved::output(out);
        Box::new(move |context, g| {
            let grads = rule(&out.unpack(context)?, g)?;
            if grads.len() != shapes.len() {
                return Err(TensorError::new(ErrorKind::Autograd, name, "wrong number of gradients")
                    .with("expected", shapes.len())
                    .with("given", grads.len()));
            }
            for (i, (grad, shape)) in grads.iter().zip(&shapes).enumerate() {
                if let Some(grad) = grad
                    && grad.shape() != shape
                {
                    return Err(TensorError::new(
                        ErrorKind::Shape,
                        name,
                        "gradient and input differ in shape",
                    )
                    .with("input", i)
                    .with("gradient", grad.shape())
                    .with("expected", &shape[..]));
                }
            }
            Ok(grads.into_iter().collect::<Grads>())
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;
    use crate::autograd::{GradOptions, gradgradcheck, no_grad};

    fn exp(x: &Tensor) -> Result<Tensor> {
        record_custom("MyExpBackward", no_grad(|| x.exp())?, &[x], |y, g| Ok(vec![Some(g.mul(y)?)]))
    }

    #[test]
    fn gradients_of_gradients_go_through_the_output() {
        let x = Tensor::from_vec(vec![0.3f64, -1.2], &[2]).unwrap();
        gradgradcheck(&|x| exp(&x[0]), &[x]).unwrap();
    }

    #[test]
    fn rules_are_held_to_their_inputs() {
        let x = Tensor::ones(&[2], DType::F32).unwrap().requires_grad_(true).unwrap();
        let with = |rule: fn(&Tensor) -> Vec<Option<Tensor>>| {
            let y = record_custom("F", x.detach().copy().unwrap(), &[&x], move |_, g| Ok(rule(g))).unwrap();
            y.backward_with(Some(&y.detach()), GradOptions::default())
        };
        assert_eq!(with(|_| vec![]).unwrap_err().kind(), ErrorKind::Autograd);
        assert_eq!(with(|g| vec![Some(g.sum().unwrap())]).unwrap_err().kind(), ErrorKind::Shape);
        assert!(with(|_| vec![None]).is_ok() && x.grad().is_none());
        let y = exp(&x).unwrap();
        assert_eq!(y.grad_fn().as_deref(), Some("MyExpBackward"));
        assert_eq!(record_custom("F", y, &[&x], |_, _| Ok(vec![])).unwrap_err().kind(), ErrorKind::Autograd);
    }
}

//! Results written into tensors that are there already: PyTorch's `out=`.

use rusttorch_backend::{ErrorKind, Layout, Result, TensorError};

use super::in_place::category_fits;
use crate::autograd::{is_grad_enabled, no_grad};
use crate::dispatch;
use crate::storage::swap_whole;
use crate::tensor::Tensor;

/// Writes what `compute` returns into `targets`, one tensor each, as PyTorch's functions do with `out=`.
/// `inputs` are the tensors that `compute` reads; `op` names it in messages. Nothing is recorded.
///
/// ```
/// # use rusttorch::{DType, Tensor, with_out};
/// # fn main() -> rusttorch::Result<()> {
/// let (a, b) = (Tensor::ones(&[2], DType::F32)?, Tensor::ones(&[2], DType::F32)?);
/// let sum = Tensor::empty(&[2], DType::F32)?;
/// with_out("add", &[&sum], &[&a, &b], || Ok(vec![a.add(&b)?]))?;
/// assert_eq!(sum.to_vec::<f32>()?, [2.0, 2.0]);
/// # Ok(())
/// # }
/// ```
///
/// A target may be one of the inputs. Where target and result lie dense in memory of their own nothing is
/// copied: they exchange it. Errors: `Shape` where a target has another shape than its result (PyTorch resizes
/// it with a warning), `DType` where the result's dtype cannot be cast to the target's, `Alias` where a target
/// overlaps an input in part or itself, `Autograd` where a gradient is recorded for an input or a target.
pub fn with_out(
    op: &'static str,
    targets: &[&Tensor],
    inputs: &[&Tensor],
    compute: impl FnOnce() -> Result<Vec<Tensor>>,
) -> Result<()> {
    if is_grad_enabled() && targets.iter().chain(inputs).any(|t| t.requires_grad()) {
        return Err(TensorError::new(
            ErrorKind::Autograd,
            op,
            "an op with out= is not differentiated, but an argument requires grad",
        ));
    }
    for (i, target) in targets.iter().enumerate() {
        let others = targets[i + 1..].iter().chain(inputs);
        for other in others.filter(|o| o.shares_storage(target)) {
            if overlap_in_part(target.layout(), other.layout()) {
                return Err(TensorError::new(ErrorKind::Alias, op, "out overlaps another argument in part")
                    .with("out", target.shape())
                    .with("argument", other.shape()));
            }
        }
        if target.layout().may_overlap_itself() {
            return Err(TensorError::new(ErrorKind::Alias, op, "elements of out share memory")
                .with("shape", target.shape())
                .with("strides", target.strides()));
        }
    }
    let results = no_grad(compute)?;
    if results.len() != targets.len() {
        return Err(TensorError::new(ErrorKind::Type, op, "number of out tensors differs from the results'")
            .with("out", targets.len())
            .with("results", results.len()));
    }
    // All are judged before one is written.
    for (target, result) in targets.iter().zip(&results) {
        if target.shape() != result.shape() {
            return Err(TensorError::new(ErrorKind::Shape, op, "out has another shape than the result")
                .with("out", target.shape())
                .with("result", result.shape()));
        }
        category_fits(op, result.dtype(), target.dtype())?;
    }
    results.into_iter().zip(targets).try_for_each(|(result, target)| store(op, target, result))
}

fn store(op: &'static str, target: &Tensor, result: Tensor) -> Result<()> {
    let whole = |t: &Tensor| {
        t.is_contiguous() && t.layout().offset() == 0 && t.numel() * t.dtype().size() == t.storage().bytes()
    };
    let exchangeable =
        target.dtype() == result.dtype() && result.is_uniquely_owned() && whole(target) && whole(&result);
    if exchangeable && swap_whole(target.storage(), result.storage()) {
        target.storage().bump_version();
        return Ok(());
    }
    dispatch::write_in_place(op, target, [&result], |b, out, [x]| b.copy(x, out))
}

/// Whether two layouts of one memory share some positions but are not the same. Layouts with gaps may
/// interleave; they pass, as in PyTorch, for results are computed before any is written.
fn overlap_in_part(a: &Layout, b: &Layout) -> bool {
    if a.numel() == 0 || b.numel() == 0 {
        return false;
    }
    let ((a_low, a_end), (b_low, b_end)) = (span(a), span(b));
    if a_end - a_low != a.numel() || b_end - b_low != b.numel() {
        return false;
    }
    let apart = a_end <= b_low || b_end <= a_low;
    let same = a.offset() == b.offset() && a.shape() == b.shape() && a.strides() == b.strides();
    !(apart || same)
}

/// The lowest position of a layout that is not empty, and one past its highest.
fn span(layout: &Layout) -> (usize, usize) {
    let back = |(&n, &stride): (&usize, &isize)| stride.min(0).unsigned_abs() * (n - 1);
    let lowest = layout.offset() - layout.shape().iter().zip(layout.strides()).map(back).sum::<usize>();
    (lowest, layout.end())
}

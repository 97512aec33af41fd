//! The caller's side of the call contract.

use std::sync::Arc;

use crate::backend::{Backend, ParamStep};
use crate::call::Call;
use crate::capabilities::Capabilities;
use crate::dtype::{DType, DTypeSet};
use crate::error::{ErrorKind, Result, TensorError};
use crate::ops::{Conv, Distribution, Loss, Pool, ReduceOp, Reduction, ScanOp, SortOp};
use crate::view::View;

/// Verifies before every call of another backend what the docs of [`Backend`]'s methods ask of the caller: shapes,
/// dtypes, axes, operands that belong to the op, and outputs no two indices of which share a position.
///
/// A call that breaks a rule is an error of kind `Internal` and does not reach the backend: what breaks it is a bug of
/// the frontend, not of its user. That layouts lie inside of their memory and outputs overlap no input needs no check:
/// the types see to it.
#[derive(Debug)]
pub struct Checked {
    inner: Arc<dyn Backend>,
}

impl Checked {
    /// `inner`, checked.
    pub fn new(inner: Arc<dyn Backend>) -> Self {
        Checked { inner }
    }

    fn call(&self, mut call: Call<'_>) -> Result<()> {
        let broken = verify(&call).err().or_else(|| {
            let results = call.results();
            let shared = results.iter().find(|(_, v)| v.layout().may_overlap_itself())?;
            Some(Broken("an output's indices share positions", shared.0))
        });
        if let Some(Broken(rule, about)) = broken {
            return Err(TensorError::new(ErrorKind::Internal, call.method(), rule)
                .with("operands", about)
                .with("call", call.to_string()));
        }
        call.run(&*self.inner)
    }
}

impl Backend for Checked {
    fn name(&self) -> &'static str {
        "checked"
    }

    fn next(&self) -> Option<&dyn Backend> {
        Some(&*self.inner)
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    crate::forward_memory!(inner);
    crate::forward_calls!(Self::call);
}

/// A rule, and the operands that break it.
struct Broken(&'static str, &'static str);

type Verdict = std::result::Result<(), Broken>;

fn require(holds: bool, rule: &'static str, about: &'static str) -> Verdict {
    if holds { Ok(()) } else { Err(Broken(rule, about)) }
}

fn shapes(views: &[View<'_>], about: &'static str) -> Verdict {
    require(views.windows(2).all(|w| w[0].shape() == w[1].shape()), "shapes differ", about)
}

fn dtypes(views: &[View<'_>], about: &'static str) -> Verdict {
    require(views.windows(2).all(|w| w[0].dtype() == w[1].dtype()), "dtypes differ", about)
}

/// Equal shapes and dtypes.
fn alike(views: &[View<'_>], about: &'static str) -> Verdict {
    shapes(views, about)?;
    dtypes(views, about)
}

fn dtype(view: View<'_>, dtype: DType, about: &'static str) -> Verdict {
    require(view.dtype() == dtype, "another dtype is due", about)
}

fn one_of(view: View<'_>, set: DTypeSet, about: &'static str) -> Verdict {
    require(set.contains(view.dtype()), "the op does not compute this dtype", about)
}

fn shape(view: View<'_>, due: &[usize], about: &'static str) -> Verdict {
    require(view.shape() == due, "another shape is due", about)
}

/// An axis of `x`; a 0-d operand counts as one of one element.
fn axis(x: View<'_>, axis: usize) -> Verdict {
    require(axis < x.shape().len().max(1), "the axis is not below the rank", "axis")
}

fn axes(x: View<'_>, axes: &[usize]) -> Verdict {
    let rank = x.shape().len();
    let legal = axes.windows(2).all(|w| w[0] < w[1]) && axes.last().is_none_or(|&last| last < rank);
    require(legal, "axes are distinct, ascending and below the rank", "axes")
}

/// The shape of `x` with another size at some axes.
fn with_size(x: View<'_>, axes: &[usize], size: usize) -> Vec<usize> {
    x.shape().iter().enumerate().map(|(d, &n)| if axes.contains(&d) { size } else { n }).collect()
}

/// The dtype of a sum of `dtype`.
fn summed(dtype: DType) -> DType {
    if dtype.is_float() { dtype } else { DType::I64 }
}

/// Splits the sizes of the last `N` axes off.
fn tail<'a, const N: usize>(
    view: View<'a>,
    about: &'static str,
) -> std::result::Result<(&'a [usize], [usize; N]), Broken> {
    let (lead, last) = view.shape().split_last_chunk::<N>().ok_or(Broken("the rank is too low", about))?;
    Ok((lead, *last))
}

fn verify(call: &Call<'_>) -> Verdict {
    match call {
        Call::Fill { .. } => Ok(()),
        Call::Copy { x, out } => shapes(&[*x, out.as_view()], "x and out"),
        Call::Unary { op, x, out } => {
            shapes(&[*x, out.as_view()], "x and out")?;
            one_of(*x, op.rule().computes(), "x")?;
            dtype(out.as_view(), op.rule().result(x.dtype()), "out")
        }
        Call::UnaryAssign { op, io } => {
            one_of(io.as_view(), op.rule().computes(), "io")?;
            dtype(io.as_view(), op.rule().result(io.dtype()), "io")
        }
        Call::Binary { op, a, b, out } => {
            shapes(&[*a, *b, out.as_view()], "a, b and out")?;
            dtypes(&[*a, *b], "a and b")?;
            one_of(*a, op.rule().computes(), "a")?;
            dtype(out.as_view(), op.rule().result(a.dtype()), "out")
        }
        Call::BinaryAssign { op, io, b } => {
            alike(&[io.as_view(), *b], "io and b")?;
            one_of(*b, op.rule().computes(), "b")?;
            dtype(io.as_view(), op.rule().result(b.dtype()), "io")
        }
        Call::Ternary { a, b, c, out, .. } => alike(&[*a, *b, *c, out.as_view()], "a, b, c and out"),
        Call::Compare { a, b, out, .. } => {
            shapes(&[*a, *b, out.as_view()], "a, b and out")?;
            dtypes(&[*a, *b], "a and b")?;
            dtype(out.as_view(), DType::Bool, "out")
        }
        Call::Select { condition, a, b, out } => {
            shapes(&[*condition, *a, *b, out.as_view()], "condition, a, b and out")?;
            dtypes(&[*a, *b, out.as_view()], "a, b and out")?;
            dtype(*condition, DType::Bool, "condition")
        }
        Call::Reduce { op, x, axes: over, out } => {
            axes(*x, over)?;
            one_of(*x, op.accepts(), "x")?;
            shape(out.as_view(), &with_size(*x, over, 1), "out")?;
            let empty = over.iter().any(|&d| x.shape()[d] == 0) && out.numel() > 0;
            let extreme = matches!(op, ReduceOp::Amax | ReduceOp::Amin);
            require(!(extreme && empty), "an empty sequence has no extreme", "x")?;
            let due = match op {
                ReduceOp::Sum | ReduceOp::Prod => summed(x.dtype()),
                ReduceOp::All | ReduceOp::Any => DType::Bool,
                _ => x.dtype(),
            };
            dtype(out.as_view(), due, "out")
        }
        Call::ArgReduce { x, axis: d, out, .. } => {
            axis(*x, *d)?;
            shape(out.as_view(), &with_size(*x, &[*d], 1), "out")?;
            require(x.numel() > 0 || out.numel() == 0, "an empty axis has no extreme", "x")?;
            dtype(out.as_view(), DType::I64, "out")
        }
        Call::Scan { op, x, axis: d, out, indices } => {
            axis(*x, *d)?;
            one_of(*x, op.accepts(), "x")?;
            shapes(&[*x, out.as_view()], "x and out")?;
            let sums = matches!(op, ScanOp::Cumsum | ScanOp::Cumprod);
            dtype(out.as_view(), if sums { summed(x.dtype()) } else { x.dtype() }, "out")?;
            require(
                indices.is_some() == op.has_indices(),
                "indices are there for extremes alone",
                "indices",
            )?;
            let Some(indices) = indices else { return Ok(()) };
            shapes(&[*x, indices.as_view()], "x and indices")?;
            dtype(indices.as_view(), DType::I64, "indices")
        }
        Call::Matmul { a, b, out } => {
            let (lead, [m, k]) = tail::<2>(*a, "a")?;
            let (lead_b, [l, n]) = tail::<2>(*b, "b")?;
            require(k == l, "inner sizes differ", "a and b")?;
            require(lead == lead_b, "leading sizes differ", "a and b")?;
            shape(out.as_view(), &[lead, &[m, n]].concat(), "out")?;
            dtypes(&[*a, *b, out.as_view()], "a, b and out")?;
            one_of(*a, DTypeSet::NUMBERS, "a")
        }
        Call::Gather { x, axis: d, index, out } => {
            axis(*x, *d)?;
            dtypes(&[*x, out.as_view()], "x and out")?;
            shapes(&[*index, out.as_view()], "index and out")?;
            indexes(*index, *x, *d)
        }
        Call::Scatter { io, axis: d, index, src, .. } => {
            axis(io.as_view(), *d)?;
            dtypes(&[io.as_view(), *src], "io and src")?;
            shapes(&[*index, *src], "index and src")?;
            indexes(*index, io.as_view(), *d)
        }
        Call::Sort { op, x, axis: d, values, indices } => {
            axis(*x, *d)?;
            one_of(*x, op.accepts(), "x")?;
            dtypes(&[*x, values.as_view()], "x and values")?;
            dtype(indices.as_view(), DType::I64, "indices")?;
            let n = x.shape().get(*d).copied().unwrap_or(1);
            let legal = match *op {
                SortOp::Topk { k, .. } => k <= n,
                SortOp::Kth { k } => k < n,
                SortOp::Median { .. } => n > 0,
                SortOp::Sort { .. } => true,
            };
            require(
                legal || x.numel() == 0 && n > 0,
                "the axis has fewer elements than are asked for",
                "op",
            )?;
            shape(values.as_view(), &with_size(*x, &[*d], op.gives(n)), "values")?;
            shapes(&[values.as_view(), indices.as_view()], "values and indices")
        }
        Call::Searchsorted { sorted, values, out, .. } => {
            let ((lead, _), (lead_v, _)) = (tail::<1>(*sorted, "sorted")?, tail::<1>(*values, "values")?);
            require(lead == lead_v, "leading sizes differ", "sorted and values")?;
            dtypes(&[*sorted, *values], "sorted and values")?;
            one_of(*sorted, DTypeSet::NUMBERS, "sorted")?;
            shapes(&[*values, out.as_view()], "values and out")?;
            dtype(out.as_view(), DType::I64, "out")
        }
        Call::Random { distribution, out, .. } => match distribution {
            Distribution::Uniform { .. }
            | Distribution::Normal { .. }
            | Distribution::NormalInPairs { .. } => one_of(out.as_view(), DTypeSet::FLOATS, "out"),
            _ => Ok(()),
        },
        Call::Softmax { x, axis: d, out, .. } => {
            axis(*x, *d)?;
            floats(&[*x, out.as_view()], "x and out")
        }
        Call::SoftmaxBackward { grad, y, axis: d, out, .. } => {
            axis(*y, *d)?;
            floats(&[*grad, *y, out.as_view()], "grad, y and out")
        }
        Call::Activation { x, out, .. } => floats(&[*x, out.as_view()], "x and out"),
        Call::ActivationBackward { grad, x, out, .. } => {
            floats(&[*grad, *x, out.as_view()], "grad, x and out")
        }
        Call::Norm { norm, x, weight, bias, out } => {
            axes(*x, &norm.axes)?;
            let optional = weight.iter().chain(bias).copied();
            floats(
                &[*x, out.as_view()].into_iter().chain(optional).collect::<Vec<_>>(),
                "x, weight, bias and out",
            )
        }
        Call::Loss { op, reduction, x, target, weight, out } => {
            let result = loss(*op, *reduction, *x, *target, *weight)?;
            shape(out.as_view(), &result, "out")?;
            dtypes(&[*x, out.as_view()], "x and out")
        }
        Call::LossBackward { op, reduction, grad, x, target, weight, out } => {
            let result = loss(*op, *reduction, *x, *target, *weight)?;
            shape(*grad, &result, "grad")?;
            dtypes(&[*x, *grad], "x and grad")?;
            alike(&[*x, out.as_view()], "x and out")
        }
        Call::Conv { conv: how, x, weight, bias, out } => conv(how, *x, *weight, *bias, out.as_view()),
        Call::Pool { pool: how, x, out } => pool(how, *x, out.as_view()),
        Call::Embedding { index, weight, out } => {
            dtype(*index, DType::I64, "index")?;
            dtypes(&[*weight, out.as_view()], "weight and out")?;
            let (lead, [_, width]) = tail::<2>(*weight, "weight")?;
            require(lead.is_empty(), "a matrix is due", "weight")?;
            shape(out.as_view(), &[index.shape(), &[width]].concat(), "out")
        }
        Call::Attention { q, k, v, mask, out, .. } => {
            let (lead, [l, e]) = tail::<2>(*q, "q")?;
            let (lead_k, [s, e_k]) = tail::<2>(*k, "k")?;
            let (lead_v, [s_v, f]) = tail::<2>(*v, "v")?;
            require(lead == lead_k && lead == lead_v, "leading sizes differ", "q, k and v")?;
            require(e == e_k && s == s_v, "inner sizes differ", "q, k and v")?;
            shape(out.as_view(), &[lead, &[l, f]].concat(), "out")?;
            dtypes(&[*q, *k, *v, out.as_view()], "q, k, v and out")?;
            one_of(*q, DTypeSet::FLOATS, "q")?;
            let Some(mask) = mask else { return Ok(()) };
            dtypes(&[*q, *mask], "q and mask")?;
            shape(*mask, &[lead, &[l, s]].concat(), "mask")
        }
        Call::OptimizerStep { optimizer, params } => {
            params.iter().try_for_each(|p| parameter(optimizer.state_count(), p))
        }
    }
}

/// Equal shapes and dtypes, floats.
fn floats(views: &[View<'_>], about: &'static str) -> Verdict {
    alike(views, about)?;
    views.iter().try_for_each(|v| one_of(*v, DTypeSet::FLOATS, about))
}

/// `index` is i64, and on the other axes than `axis` at most as long as `x`.
fn indexes(index: View<'_>, x: View<'_>, axis: usize) -> Verdict {
    dtype(index, DType::I64, "index")?;
    require(index.shape().len() == x.shape().len(), "ranks differ", "index")?;
    let mut sizes = index.shape().iter().zip(x.shape()).enumerate();
    let fits = index.numel() == 0 || sizes.all(|(d, (i, n))| d == axis || i <= n);
    require(fits, "an axis is longer than the one it indexes", "index")
}

/// The shape of the result of a loss.
fn loss(
    op: Loss,
    reduction: Reduction,
    x: View<'_>,
    target: View<'_>,
    weight: Option<View<'_>>,
) -> std::result::Result<Vec<usize>, Broken> {
    one_of(x, DTypeSet::FLOATS, "x")?;
    let each = match op {
        Loss::CrossEntropy { .. } => {
            dtype(target, DType::I64, "target")?;
            let at = usize::from(x.shape().len() > 1);
            let classes = *x.shape().get(at).ok_or(Broken("the rank is too low", "x"))?;
            let mut due = x.shape().to_vec();
            due.remove(at);
            shape(target, &due, "target")?;
            if let Some(weight) = weight {
                shape(weight, &[classes], "weight")?;
                dtypes(&[x, weight], "x and weight")?;
            }
            due
        }
        _ => {
            alike(&[x, target], "x and target")?;
            if let Some(weight) = weight {
                alike(&[x, weight], "x and weight")?;
            }
            x.shape().to_vec()
        }
    };
    Ok(if reduction == Reduction::None { each } else { Vec::new() })
}

/// The places of windows of `window` elements, which reach over `span`, along an axis of `n`.
fn places(n: usize, padding: usize, span: usize, stride: usize) -> Option<usize> {
    let padded = padding.checked_mul(2)?.checked_add(n)?;
    Some(padded.checked_sub(span)?.checked_div(stride)? + 1)
}

fn conv(how: &Conv, x: View<'_>, weight: View<'_>, bias: Option<View<'_>>, out: View<'_>) -> Verdict {
    let ([batch, channels, space @ ..], [outputs, inputs, taps @ ..]) = (x.shape(), weight.shape()) else {
        return Err(Broken("the rank is too low", "x and weight"));
    };
    let rank = space.len();
    let lists = [how.stride.len(), how.padding.len(), how.dilation.len(), taps.len()];
    require(lists.iter().all(|&n| n == rank), "one entry per spatial axis is due", "conv")?;
    require(
        how.groups > 0
            && outputs.is_multiple_of(how.groups)
            && inputs.checked_mul(how.groups) == Some(*channels),
        "groups do not fit",
        "weight",
    )?;
    let mut due = vec![*batch, *outputs];
    for d in 0..rank {
        let span = taps[d]
            .checked_sub(1)
            .and_then(|n| n.checked_mul(how.dilation[d]))
            .and_then(|n| n.checked_add(1));
        let fits = span.and_then(|span| places(space[d], how.padding[d], span, how.stride[d]));
        due.push(fits.ok_or(Broken("a window does not fit", "conv"))?);
    }
    shape(out, &due, "out")?;
    dtypes(&[x, weight, out], "x, weight and out")?;
    one_of(x, DTypeSet::FLOATS, "x")?;
    let Some(bias) = bias else { return Ok(()) };
    dtypes(&[x, bias], "x and bias")?;
    shape(bias, &[*outputs], "bias")
}

fn pool(how: &Pool, x: View<'_>, out: View<'_>) -> Verdict {
    let [batch, channels, space @ ..] = x.shape() else { return Err(Broken("the rank is too low", "x")) };
    let lists = [how.window.len(), how.stride.len(), how.padding.len()];
    require(lists.iter().all(|&n| n == space.len()), "one entry per spatial axis is due", "pool")?;
    let mut due = vec![*batch, *channels];
    for (d, &n) in space.iter().enumerate() {
        let fits = places(n, how.padding[d], how.window[d], how.stride[d]);
        due.push(fits.ok_or(Broken("a window does not fit", "pool"))?);
    }
    shape(out, &due, "out")?;
    dtypes(&[x, out], "x and out")?;
    one_of(x, DTypeSet::FLOATS, "x")
}

fn parameter(states: usize, p: &ParamStep<'_>) -> Verdict {
    require(p.state.len() == states, "another number of states is due", "state")?;
    require(p.step > 0, "steps are counted from 1", "step")?;
    floats(&[p.param.as_view(), p.grad], "param and grad")?;
    p.state.iter().try_for_each(|s| alike(&[p.param.as_view(), s.as_view()], "param and state"))
}

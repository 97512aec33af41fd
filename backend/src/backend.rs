//! The `Backend` trait: everything that computes, in families.
//!
//! # The call contract
//!
//! The frontend normalises, the backend computes. Whoever calls a method guarantees, and a backend
//! may rely on:
//!
//! - every layout lies inside of its buffer (a [`View`] cannot be made otherwise);
//! - shapes are as the method's doc states, broadcasting already done (stride 0);
//! - dtypes are as the method's doc states, promotion already done;
//! - the output overlaps no input (the borrow checker sees to it) and, where it is written, not itself:
//!   no two of its indices share a position;
//! - axes are distinct, ascending and below the rank.
//!
//! A backend guarantees in return: any strides work (positive, negative, 0), any rank, any size down to
//! zero elements (then nothing is written and the result is `Ok`); every output element is written, and
//! nothing else; no panic; NaN, signed zero and overflow as the op's row in [`ops`](crate::ops) says.
//! `f16` and `bf16` are computed in f32 or wider and rounded once per op.
//!
//! A rule that only the data can break is an error of the backend: integer division by zero
//! (`ZeroDivision`), an element of an index out of bounds (`IndexValue`). What the output then
//! holds is unspecified.
//!
//! # Families
//!
//! A *primitive* family without an implementation is handed to [`next`](Backend::next); without a
//! next backend it is the error `Unsupported`. A *composed* family has a default built from this
//! backend's own primitives, so that data never leave a device; overriding it with a fused kernel is
//! how a backend gets fast.

use std::fmt;

use crate::buffer::{Allocation, Buffer};
use crate::capabilities::{Capabilities, Family};
use crate::composed;
use crate::delegate::delegate;
use crate::element::Scalar;
use crate::error::Result;
use crate::ops::{
    Activation, ArgReduceOp, Attention, BinaryOp, CompareOp, Conv, Distribution, Loss, Norm, Optimizer, Pool,
    ReduceOp, Reduction, ScanOp, ScatterOp, SoftmaxOp, SortOp, TernaryOp, UnaryOp,
};
use crate::rng::Generator;
use crate::view::{View, ViewMut};

/// One parameter of a multi-tensor optimizer step.
#[derive(Debug)]
pub struct ParamStep<'a> {
    /// The parameter, updated in place.
    pub param: ViewMut<'a>,
    /// Its gradient, of the same shape and dtype.
    pub grad: View<'a>,
    /// The rule's state tensors ([`Optimizer::state_count`] of them), updated in place. They hold zeros
    /// before the first step.
    pub state: Vec<ViewMut<'a>>,
    /// The number of this step, from 1.
    pub step: u64,
}

impl ParamStep<'_> {
    /// The same step for a shorter time, to hand it to more than one call.
    pub fn reborrow(&mut self) -> ParamStep<'_> {
        ParamStep {
            param: self.param.reborrow(),
            grad: self.grad,
            state: self.state.iter_mut().map(ViewMut::reborrow).collect(),
            step: self.step,
        }
    }
}

/// Memory and arithmetic. See the [module](self) for the contract between caller and backend.
pub trait Backend: Send + Sync + fmt::Debug {
    // ---- identity and memory -------------------------------------------------------------------

    /// A short lower-case name, unique in a process.
    fn name(&self) -> &'static str;

    /// `bytes` bytes of this backend's memory, initialised with unspecified values.
    /// Error: `Memory`.
    fn alloc(&self, bytes: usize) -> Result<Allocation>;

    /// Copies host bytes to byte position `at` of a buffer. Errors: `Index`, `Backend`, `Alias`.
    fn upload(&self, src: &[u8], dst: &mut dyn Buffer, at: usize) -> Result<()>;

    /// Copies bytes from byte position `at` of a buffer to the host. Errors: `Index`, `Backend`.
    fn download(&self, src: &dyn Buffer, at: usize, dst: &mut [u8]) -> Result<()>;

    /// The backend that answers for what this one leaves out.
    fn next(&self) -> Option<&dyn Backend> {
        None
    }

    /// What this backend computes itself, and what it promises. The default claims nothing.
    fn capabilities(&self) -> Capabilities {
        Capabilities::none()
    }

    /// What a report says of this backend alone, as name and value: an instruction set, a library and its version.
    fn facts(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Waits for work that the backend may have queued. Errors of such work may surface here.
    fn synchronize(&self) -> Result<()> {
        Ok(())
    }

    // ---- primitive families --------------------------------------------------------------------

    /// `out[..] = value`, cast to the dtype of `out`.
    fn fill(&self, value: Scalar, out: ViewMut<'_>) -> Result<()> {
        delegate(self, Family::Fill, [], [out], |b, [], [out]| b.fill(value, out))
    }

    /// `out[..] = x[..]`, cast to the dtype of `out` as [`Element`](crate::Element) defines it. Equal
    /// shapes, any two dtypes. Bits are kept where the dtypes are equal.
    fn copy(&self, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
        delegate(self, Family::Copy, [x], [out], |b, [x], [out]| b.copy(x, out))
    }

    /// `out[i] = op(x[i])`. Equal shapes; dtypes by [`UnaryOp::rule`].
    fn unary(&self, op: UnaryOp, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
        delegate(self, Family::Unary, [x], [out], |b, [x], [out]| b.unary(op, x, out))
    }

    /// `io[i] = op(io[i])`, for ops whose result has the dtype of the operand.
    fn unary_assign(&self, op: UnaryOp, io: ViewMut<'_>) -> Result<()> {
        composed::through_temporary(self, io, |x, out| self.unary(op, x, out))
    }

    /// `out[i] = op(a[i], b[i])`. Equal shapes and dtypes, by [`BinaryOp::rule`].
    /// Error: `ZeroDivision` for an integer quotient by zero.
    fn binary(&self, op: BinaryOp, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
        delegate(self, Family::Binary, [a, b], [out], |be, [a, b], [out]| be.binary(op, a, b, out))
    }

    /// `io[i] = op(io[i], b[i])`. Equal shapes and dtypes. Error: as [`binary`](Self::binary); then `io`
    /// may be partly written.
    fn binary_assign(&self, op: BinaryOp, io: ViewMut<'_>, b: View<'_>) -> Result<()> {
        composed::through_temporary(self, io, |a, out| self.binary(op, a, b, out))
    }

    /// `out[i] = op(a[i], b[i], c[i])`. Equal shapes and dtypes; which dtypes, the op says.
    fn ternary(&self, op: TernaryOp, a: View<'_>, b: View<'_>, c: View<'_>, out: ViewMut<'_>) -> Result<()> {
        delegate(self, Family::Ternary, [a, b, c], [out], |be, [a, b, c], [out]| be.ternary(op, a, b, c, out))
    }

    /// `out[i] = op(a[i], b[i])` as bool. Equal shapes; `a` and `b` of one dtype, any.
    fn compare(&self, op: CompareOp, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
        delegate(self, Family::Compare, [a, b], [out], |be, [a, b], [out]| be.compare(op, a, b, out))
    }

    /// `out[i] = condition[i] ? a[i] : b[i]`. Equal shapes; bool condition; `a`, `b` and `out` of one
    /// dtype, any. Bits are kept, a NaN that is not chosen has no say.
    fn select(&self, condition: View<'_>, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
        delegate(self, Family::Select, [condition, a, b], [out], |be, [c, a, b], [out]| {
            be.select(c, a, b, out)
        })
    }

    /// Reduces `axes` of `x`. `out` has the rank of `x` with size 1 at those axes. Its dtype: i64 for
    /// `Sum` and `Prod` of integers and bool, bool for `All` and `Any`, else that of `x`. The result
    /// depends on the sequence along the reduced axes alone (R2). No axes: a sequence of one element.
    fn reduce(&self, op: ReduceOp, x: View<'_>, axes: &[usize], out: ViewMut<'_>) -> Result<()> {
        delegate(self, Family::Reduce, [x], [out], |b, [x], [out]| b.reduce(op, x, axes, out))
    }

    /// Index along `axis` of the extreme element, as i64. `out` has the shape of `x` with size 1 at
    /// `axis`; the axis is not empty.
    fn arg_reduce(&self, op: ArgReduceOp, x: View<'_>, axis: usize, out: ViewMut<'_>) -> Result<()> {
        delegate(self, Family::ArgReduce, [x], [out], |b, [x], [out]| b.arg_reduce(op, x, axis, out))
    }

    /// Running reduction along `axis`. `out` has the shape of `x` and the dtype that the matching
    /// reduction has. `indices` (i64, same shape) is there for `Cummax` and `Cummin` and only then.
    fn scan(
        &self,
        op: ScanOp,
        x: View<'_>,
        axis: usize,
        out: ViewMut<'_>,
        indices: Option<ViewMut<'_>>,
    ) -> Result<()> {
        match indices {
            None => delegate(self, Family::Scan, [x], [out], |b, [x], [out]| b.scan(op, x, axis, out, None)),
            Some(indices) => delegate(self, Family::Scan, [x], [out, indices], |b, [x], [out, indices]| {
                b.scan(op, x, axis, out, Some(indices))
            }),
        }
    }

    /// `out[.., m, n] = sum over k of a[.., m, k] * b[.., k, n]`, shapes `[.., M, K] x [.., K, N] ->
    /// [.., M, N]` with equal leading sizes (rank at least 2). One dtype, any number type; integers wrap.
    /// K = 0 gives zeros; zeros are not skipped, so `0 * inf` is NaN. Row `m` of the result depends on
    /// row `m` of `a`, on `b` and on K alone where the backend promises `row_invariant` (R3).
    fn matmul(&self, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
        delegate(self, Family::Matmul, [a, b], [out], |be, [a, b], [out]| be.matmul(a, b, out))
    }

    /// `out[.., i, ..] = x[.., index[.., i, ..], ..]` along `axis`. `index` is i64 and has the shape of
    /// `out`; on the other axes that is at most the shape of `x`. `index_select` and `embedding` come
    /// here with an index of stride 0 on the other axes. Error: `IndexValue` outside of `0..size`.
    fn gather(&self, x: View<'_>, axis: usize, index: View<'_>, out: ViewMut<'_>) -> Result<()> {
        delegate(self, Family::Gather, [x, index], [out], |b, [x, index], [out]| {
            b.gather(x, axis, index, out)
        })
    }

    /// `io[.., index[.., i, ..], ..] = op(that, src[.., i, ..])` along `axis`, in row-major order of
    /// `index`. `index` is i64 and has the shape of `src`; on the other axes that is at most the shape
    /// of `io`. `src` has the dtype of `io`. Error: `IndexValue` outside of `0..size`.
    fn scatter(
        &self,
        op: ScatterOp,
        io: ViewMut<'_>,
        axis: usize,
        index: View<'_>,
        src: View<'_>,
    ) -> Result<()> {
        delegate(self, Family::Scatter, [index, src], [io], |b, [index, src], [io]| {
            b.scatter(op, io, axis, index, src)
        })
    }

    /// Sorts along `axis`: `values` have the dtype of `x`, `indices` (i64) say where each came from. Both
    /// have the shape of `x` with size [`SortOp::gives`] at `axis`. The `k` of `Topk` is at most the size of the
    /// axis, that of `Kth` below it, and `Median` is not asked of an empty one.
    fn sort(
        &self,
        op: SortOp,
        x: View<'_>,
        axis: usize,
        values: ViewMut<'_>,
        indices: ViewMut<'_>,
    ) -> Result<()> {
        delegate(self, Family::Sort, [x], [values, indices], |b, [x], [values, indices]| {
            b.sort(op, x, axis, values, indices)
        })
    }

    // ---- composed families ---------------------------------------------------------------------

    /// Where `values` would be put into the lines of `sorted` along the last axis, as i64. `sorted` is
    /// `[.., N]`, `values` and `out` are `[.., M]`, of equal leading sizes (rank at least 1); `sorted` and
    /// `values` of one dtype, numbers.
    ///
    /// The place is found by halving: with `low = 0` and `high = N`, while `low < high`, the element at
    /// `low + (high - low) / 2` moves `high` there if it is not below the value (with `right`: if it is above
    /// it), else `low` past it. So NaN, as an element or as a value, moves `low`, and lines that are not
    /// sorted have one answer, too.
    fn searchsorted(&self, sorted: View<'_>, values: View<'_>, right: bool, out: ViewMut<'_>) -> Result<()> {
        composed::searchsorted(self, sorted, values, right, out)
    }

    /// Draws `out` in row-major order from PyTorch's CPU stream, whatever the layout, so that a seed
    /// gives the same numbers on every backend (R4). Default: drawn on the host and uploaded.
    fn random(&self, distribution: Distribution, generator: &mut Generator, out: ViewMut<'_>) -> Result<()> {
        composed::random(self, distribution, generator, out)
    }

    /// Softmax or log-softmax along `axis`. Equal shapes and dtypes, floats. An empty axis gives an empty
    /// result.
    fn softmax(&self, op: SoftmaxOp, x: View<'_>, axis: usize, out: ViewMut<'_>) -> Result<()> {
        composed::softmax(self, op, x, axis, out)
    }

    /// Gradient of [`softmax`](Self::softmax): from the gradient of the result and the result `y`, that of
    /// the input. Softmax `y * (g - sum(g * y))`, log-softmax `g - e^y * sum(g)`.
    fn softmax_backward(
        &self,
        op: SoftmaxOp,
        grad: View<'_>,
        y: View<'_>,
        axis: usize,
        out: ViewMut<'_>,
    ) -> Result<()> {
        composed::softmax_backward(self, op, grad, y, axis, out)
    }

    /// `out[i] = op(x[i])`. Equal shapes and dtypes, floats. The parameters come
    /// [rounded](Activation::rounded) to what they meet.
    fn activation(&self, op: Activation, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
        composed::activation(self, op, x, out)
    }

    /// `out[i] = grad[i] * op'(x[i])`. Equal shapes and dtypes, floats. Kinks as PyTorch has them: see
    /// [`composed::activation_backward`]. The parameters come [rounded](Activation::gradient_rounded).
    fn activation_backward(
        &self,
        op: Activation,
        grad: View<'_>,
        x: View<'_>,
        out: ViewMut<'_>,
    ) -> Result<()> {
        composed::activation_backward(self, op, grad, x, out)
    }

    /// `out = (x - mean) / sqrt(var + eps) * weight + bias` over `norm.axes`. `weight` and `bias` come
    /// expanded to the shape of `x`. One dtype, floats.
    fn norm(
        &self,
        norm: &Norm,
        x: View<'_>,
        weight: Option<View<'_>>,
        bias: Option<View<'_>>,
        out: ViewMut<'_>,
    ) -> Result<()> {
        composed::norm(self, norm, x, weight, bias, out)
    }

    /// A loss. Elementwise losses: `target` and `weight` have shape and dtype of `x`; so has `out` where
    /// the reduction is `None`, else it is 0-d. Cross-entropy: `x` is `[N, C, d..]` or `[C]`, `target`
    /// i64 `[N, d..]` or `[]`, `weight` `[C]`; `out` as `target`, or 0-d.
    /// Error: `IndexValue` for a class outside of `0..C` that is not `ignore_index`; `Value` for a
    /// `binary_cross_entropy` input outside of [0, 1].
    fn loss(
        &self,
        op: Loss,
        reduction: Reduction,
        x: View<'_>,
        target: View<'_>,
        weight: Option<View<'_>>,
        out: ViewMut<'_>,
    ) -> Result<()> {
        composed::loss(self, op, reduction, x, target, weight, out)
    }

    /// Gradient of [`loss`](Self::loss) by `x`: from the gradient of the result, which has the shape of the
    /// result, and the operands, that of the input, of its shape and dtype. Kinks and NaN: see
    /// [`composed::loss_backward`]. The operands are those of a call of `loss` that succeeded.
    /// Error: `IndexValue` for a class outside of `0..C` that is not `ignore_index`.
    #[allow(clippy::too_many_arguments, reason = "those of a loss and its gradient")]
    fn loss_backward(
        &self,
        op: Loss,
        reduction: Reduction,
        grad: View<'_>,
        x: View<'_>,
        target: View<'_>,
        weight: Option<View<'_>>,
        out: ViewMut<'_>,
    ) -> Result<()> {
        composed::loss_backward(self, op, reduction, grad, x, target, weight, out)
    }

    /// `x [N, C, S..] * weight [O, C / groups, K..] + bias [O] -> out [N, O, P..]` with
    /// `P = (S + 2 padding - dilation (K - 1) - 1) / stride + 1` per spatial axis. One dtype, floats.
    fn conv(
        &self,
        conv: &Conv,
        x: View<'_>,
        weight: View<'_>,
        bias: Option<View<'_>>,
        out: ViewMut<'_>,
    ) -> Result<()> {
        composed::conv(self, conv, x, weight, bias, out)
    }

    /// `x [N, C, S..] -> out [N, C, P..]` with `P = (S + 2 padding - window) / stride + 1` per spatial
    /// axis. One dtype, floats.
    fn pool(&self, pool: &Pool, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
        composed::pool(self, pool, x, out)
    }

    /// `out[i.., :] = weight[index[i..], :]`: index i64 `[..]`, weight `[V, E]`, out `[.., E]`.
    /// Error: `IndexValue`.
    fn embedding(&self, index: View<'_>, weight: View<'_>, out: ViewMut<'_>) -> Result<()> {
        composed::embedding(self, index, weight, out)
    }

    /// `softmax(q k^T * scale + mask) v`: q `[.., L, E]`, k `[.., S, E]`, v `[.., S, F]`, mask `[.., L, S]`
    /// added, out `[.., L, F]`, equal leading sizes. One dtype, floats. A fully masked row gives zeros.
    fn attention(
        &self,
        attention: Attention,
        q: View<'_>,
        k: View<'_>,
        v: View<'_>,
        mask: Option<View<'_>>,
        out: ViewMut<'_>,
    ) -> Result<()> {
        composed::attention(self, attention, q, k, v, mask, out)
    }

    /// One step of `optimizer` on every parameter, in place. Floats.
    fn optimizer_step(&self, optimizer: Optimizer, params: &mut [ParamStep<'_>]) -> Result<()> {
        composed::optimizer_step(self, optimizer, params)
    }
}

//! The readable reference backend: what every other backend is judged against, and what a chain of
//! backends ends in.
//!
//! One thread, no `unsafe`, and each formula once, in the plainest code that is right. A file is a
//! family:
//!
//! | file | families |
//! |---|---|
//! | `unary`, `binary`, `ternary`, `compare` | elementwise arithmetic |
//! | `special` | functions of these that libm lacks |
//! | `copy` | fill, copy with a cast, select |
//! | `reduce`, `scan` | reductions, arg-reductions, running reductions |
//! | `matmul` | matrix products |
//! | `index` | gather, scatter |
//! | `sort` | order along an axis, binary search |
//! | `softmax`, `activation` | these two with their gradients, as a second opinion on the contract's compositions |
//! | `wide`, `walk`, `check`, `memory` | numbers, loops, malformed calls, host memory |
//!
//! **Numbers.** Floats of any width are computed in f64 and rounded once, integers in i64 and wrapped
//! once (`wide`). Sums of floats are compensated. Functions are libm's, so that the bits are the same
//! on every platform.
//!
//! **The bit promise.** Every element is computed by the same code whatever its position, its layout and
//! its neighbours; reductions and products are one chain each, in logical order. R1 to R3 follow.
//!
//! No primitive family is left out; composed ones that are run on the contract's defaults, thus on the
//! primitives here.

#![forbid(unsafe_code)]

mod activation;
mod binary;
mod check;
mod compare;
mod copy;
mod index;
mod matmul;
mod memory;
mod reduce;
mod scan;
mod softmax;
mod sort;
mod special;
mod ternary;
mod unary;
mod walk;
mod wide;

#[cfg(test)]
mod promise_tests;
#[cfg(test)]
mod testing;

use rusttorch_backend::ops::{
    Activation, ArgReduceOp, BinaryOp, CompareOp, DTypeRule, ReduceOp, ScanOp, ScatterOp, SoftmaxOp, SortOp,
    TernaryOp, UnaryOp,
};
use rusttorch_backend::{
    Allocation, Backend, Buffer, Capabilities, DTypeSet, Family, Result, Scalar, View, ViewMut, binary_table,
    compare_table, unary_table,
};

/// The reference backend, named `naive`. See the [crate](self).
#[derive(Debug, Clone, Copy, Default)]
pub struct Naive;

impl Naive {
    /// The backend. It has no state.
    pub const fn new() -> Self {
        Naive
    }
}

impl Backend for Naive {
    fn name(&self) -> &'static str {
        "naive"
    }

    fn alloc(&self, bytes: usize) -> Result<Allocation> {
        memory::alloc(bytes)
    }

    fn upload(&self, src: &[u8], dst: &mut dyn Buffer, at: usize) -> Result<()> {
        memory::upload(src, dst, at)
    }

    fn download(&self, src: &dyn Buffer, at: usize, dst: &mut [u8]) -> Result<()> {
        memory::download(src, at, dst)
    }

    fn capabilities(&self) -> Capabilities {
        capabilities()
    }

    fn fill(&self, value: Scalar, out: ViewMut<'_>) -> Result<()> {
        copy::fill(value, out)
    }

    fn copy(&self, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
        copy::copy(x, out)
    }

    fn unary(&self, op: UnaryOp, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
        unary::unary(op, x, out)
    }

    fn unary_assign(&self, op: UnaryOp, io: ViewMut<'_>) -> Result<()> {
        unary::unary_assign(op, io)
    }

    fn binary(&self, op: BinaryOp, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
        binary::binary(op, a, b, out)
    }

    fn binary_assign(&self, op: BinaryOp, io: ViewMut<'_>, b: View<'_>) -> Result<()> {
        binary::binary_assign(op, io, b)
    }

    fn ternary(&self, op: TernaryOp, a: View<'_>, b: View<'_>, c: View<'_>, out: ViewMut<'_>) -> Result<()> {
        ternary::ternary(op, a, b, c, out)
    }

    fn compare(&self, op: CompareOp, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
        compare::compare(op, a, b, out)
    }

    fn select(&self, condition: View<'_>, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
        copy::select(condition, a, b, out)
    }

    fn reduce(&self, op: ReduceOp, x: View<'_>, axes: &[usize], out: ViewMut<'_>) -> Result<()> {
        reduce::reduce(op, x, axes, out)
    }

    fn arg_reduce(&self, op: ArgReduceOp, x: View<'_>, axis: usize, out: ViewMut<'_>) -> Result<()> {
        reduce::arg_reduce(op, x, axis, out)
    }

    fn scan(
        &self,
        op: ScanOp,
        x: View<'_>,
        axis: usize,
        out: ViewMut<'_>,
        indices: Option<ViewMut<'_>>,
    ) -> Result<()> {
        scan::scan(op, x, axis, out, indices)
    }

    fn matmul(&self, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
        matmul::matmul(a, b, out)
    }

    fn gather(&self, x: View<'_>, axis: usize, index: View<'_>, out: ViewMut<'_>) -> Result<()> {
        index::gather(x, axis, index, out)
    }

    fn scatter(
        &self,
        op: ScatterOp,
        io: ViewMut<'_>,
        axis: usize,
        index: View<'_>,
        src: View<'_>,
    ) -> Result<()> {
        index::scatter(op, io, axis, index, src)
    }

    fn sort(
        &self,
        op: SortOp,
        x: View<'_>,
        axis: usize,
        values: ViewMut<'_>,
        indices: ViewMut<'_>,
    ) -> Result<()> {
        sort::sort(op, x, axis, values, indices)
    }

    fn searchsorted(&self, sorted: View<'_>, values: View<'_>, right: bool, out: ViewMut<'_>) -> Result<()> {
        sort::searchsorted(sorted, values, right, out)
    }

    fn softmax(&self, op: SoftmaxOp, x: View<'_>, axis: usize, out: ViewMut<'_>) -> Result<()> {
        softmax::softmax(op, x, axis, out)
    }

    fn softmax_backward(
        &self,
        op: SoftmaxOp,
        grad: View<'_>,
        y: View<'_>,
        axis: usize,
        out: ViewMut<'_>,
    ) -> Result<()> {
        softmax::backward(op, grad, y, axis, out)
    }

    fn activation(&self, op: Activation, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
        activation::activation(op, x, out)
    }

    fn activation_backward(
        &self,
        op: Activation,
        grad: View<'_>,
        x: View<'_>,
        out: ViewMut<'_>,
    ) -> Result<()> {
        activation::backward(op, grad, x, out)
    }
}

/// Claims each row of a table of elementwise ops for the dtypes that its rule lets a backend see.
macro_rules! claim {
    ($claims:ident, $family:ident: $($(#[$doc:meta])* $variant:ident $method:ident $assign:tt $torch:literal $rule:ident;)*) => {
        $claims $(.with_ops(Family::$family, &[stringify!($method)], DTypeRule::$rule.computes()))*
    };
}

fn capabilities() -> Capabilities {
    let claims = Capabilities::none()
        .row_invariant()
        .with(Family::Fill, DTypeSet::ALL)
        .with(Family::Copy, DTypeSet::ALL)
        .with_ops(Family::Ternary, &["addcmul", "clamp"], DTypeSet::NUMBERS)
        .with_ops(Family::Ternary, &["addcdiv", "lerp"], DTypeSet::FLOATS)
        .with(Family::Select, DTypeSet::ALL)
        .with_ops(Family::Reduce, &["sum", "prod", "amax", "amin", "all", "any"], DTypeSet::ALL)
        .with_ops(Family::Reduce, &["mean", "var", "logsumexp", "norm"], DTypeSet::FLOATS)
        .with(Family::ArgReduce, DTypeSet::NUMBERS)
        .with_ops(Family::Scan, &["cumsum", "cumprod", "cummax", "cummin"], DTypeSet::ALL)
        .with_ops(Family::Scan, &["logcumsumexp"], DTypeSet::FLOATS)
        .with(Family::Matmul, DTypeSet::NUMBERS)
        .with(Family::Gather, DTypeSet::ALL)
        .with(Family::Scatter, DTypeSet::ALL)
        .with(Family::Sort, DTypeSet::ALL)
        .with(Family::Searchsorted, DTypeSet::NUMBERS)
        .with(Family::Softmax, DTypeSet::FLOATS)
        .with(Family::SoftmaxBackward, DTypeSet::FLOATS)
        .with(Family::Activation, DTypeSet::FLOATS)
        .with(Family::ActivationBackward, DTypeSet::FLOATS);
    let claims = unary_table! { claim claims, Unary: };
    let claims = binary_table! { claim claims, Binary: };
    compare_table! { claim claims, Compare: }
}

//! The hand-vectorised CPU backend: one kernel body for every instruction set, chosen at run time, and threads.
//!
//! | folder or file | subject |
//! |---|---|
//! | `arch` | instruction sets behind one trait, threads: all that is `unsafe` but for the micro-kernel of `gemm` |
//! | `math` | elementary functions of vectors |
//! | `drive` | from views of any strides to slices, in chunks on threads |
//! | `elementwise` | unary, binary, ternary, compare, select, copy, fill |
//! | `reduce` | reductions, arg-reductions, scans, softmax |
//! | `activation`, `loss`, `optimizer` | these, each a pass |
//! | `gemm` | matrix products |
//! | `index`, `sort` | gather, scatter, embedding; order along an axis |
//! | `random` | random fills |
//! | `scratch` | memory for the time of a call |
//! | `tuning` | thresholds, each with its measurement |
//!
//! What has no kernel here is handed, visibly, to [`Naive`].
//!
//! # The bit promise
//!
//! An elementwise result depends on the values of its operands alone, a reduction on the sequence of its elements
//! along the reduced axes alone, `(a @ b)[i, j]` on row i of a, column j of b and their length alone: not on
//! position, layout, batch, or number of threads. All instruction sets give the same bits, as all have vectors
//! of one logical width and fused multiply-add (`arch`).

mod activation;
mod arch;
mod drive;
mod elementwise;
mod float;
mod gemm;
mod index;
mod loss;
mod math;
mod optimizer;
mod random;
mod reduce;
mod scratch;
mod sort;
#[cfg(test)]
mod tensors;
#[cfg(test)]
mod testing;
mod tuning;

use rusttorch_backend::ops::{
    Activation, ArgReduceOp, BinaryOp, CompareOp, Distribution, Loss, Optimizer, ReduceOp, Reduction, ScanOp,
    ScatterOp, SoftmaxOp, SortOp, TernaryOp, UnaryOp,
};
use rusttorch_backend::{
    Allocation, Backend, Buffer, Capabilities, Family, Generator, ParamStep, Result, Scalar, View, ViewMut,
    composed, delegate,
};
use rusttorch_backend_naive::Naive;

pub use arch::Level;

static NAIVE: Naive = Naive::new();

/// The backend, named `simd`. See the [crate](self).
#[derive(Debug, Clone, Copy)]
pub struct Simd {
    level: Level,
}

impl Simd {
    /// The backend on the best instruction set of this CPU, or on the one that `RUSTTORCH_SIMD` caps it to.
    pub fn new() -> Self {
        Simd { level: Level::current() }
    }

    /// The backend on one instruction set.
    pub const fn at(level: Level) -> Self {
        Simd { level }
    }

    /// The instruction set.
    pub const fn level(&self) -> Level {
        self.level
    }
}

impl Default for Simd {
    fn default() -> Self {
        Simd::new()
    }
}

/// The result of a kernel, or of `$else` where there is none for the call.
macro_rules! kernel_or {
    ($kernel:expr, $else:expr) => {
        match $kernel {
            Some(result) => result,
            None => $else,
        }
    };
}

impl Backend for Simd {
    fn name(&self) -> &'static str {
        "simd"
    }

    fn alloc(&self, bytes: usize) -> Result<Allocation> {
        NAIVE.alloc(bytes)
    }

    fn upload(&self, src: &[u8], dst: &mut dyn Buffer, at: usize) -> Result<()> {
        NAIVE.upload(src, dst, at)
    }

    fn download(&self, src: &dyn Buffer, at: usize, dst: &mut [u8]) -> Result<()> {
        NAIVE.download(src, at, dst)
    }

    fn next(&self) -> Option<&dyn Backend> {
        Some(&NAIVE)
    }

    fn capabilities(&self) -> Capabilities {
        [
            elementwise::unary::claims,
            elementwise::binary::claims,
            elementwise::ternary::claims,
            elementwise::compare::claims,
            elementwise::select::claims,
            elementwise::copy::claims,
            reduce::claims,
            reduce::arg::claims,
            reduce::scan::claims,
            reduce::softmax::claims,
            activation::claims,
            loss::claims,
            optimizer::claims,
            gemm::claims,
            index::claims,
            sort::claims,
        ]
        .iter()
        .fold(Capabilities::none().row_invariant(), |claims, more| more(claims))
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        vec![("simd", self.level.name().to_owned())]
    }

    fn fill(&self, value: Scalar, mut out: ViewMut<'_>) -> Result<()> {
        kernel_or!(
            elementwise::copy::fill(self.level, value, &mut out),
            delegate::delegate(self, Family::Fill, [], [out], |b, [], [out]| b.fill(value, out))
        )
    }

    fn copy(&self, x: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        kernel_or!(
            elementwise::copy::copy(self.level, &x, &mut out),
            delegate::delegate(self, Family::Copy, [x], [out], |b, [x], [out]| b.copy(x, out))
        )
    }

    fn unary(&self, op: UnaryOp, x: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        kernel_or!(
            elementwise::unary::unary(self.level, op, &x, &mut out),
            delegate::delegate(self, Family::Unary, [x], [out], |b, [x], [out]| b.unary(op, x, out))
        )
    }

    fn unary_assign(&self, op: UnaryOp, mut io: ViewMut<'_>) -> Result<()> {
        kernel_or!(
            elementwise::unary::unary_assign(self.level, op, &mut io),
            composed::through_temporary(self, io, |x, out| self.unary(op, x, out))
        )
    }

    fn binary(&self, op: BinaryOp, a: View<'_>, b: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        kernel_or!(
            elementwise::binary::binary(self.level, op, &a, &b, &mut out),
            delegate::delegate(self, Family::Binary, [a, b], [out], |be, [a, b], [out]| be
                .binary(op, a, b, out))
        )
    }

    fn binary_assign(&self, op: BinaryOp, mut io: ViewMut<'_>, b: View<'_>) -> Result<()> {
        kernel_or!(
            elementwise::binary::binary_assign(self.level, op, &mut io, &b),
            composed::through_temporary(self, io, |a, out| self.binary(op, a, b, out))
        )
    }

    fn ternary(
        &self,
        op: TernaryOp,
        a: View<'_>,
        b: View<'_>,
        c: View<'_>,
        mut out: ViewMut<'_>,
    ) -> Result<()> {
        kernel_or!(
            elementwise::ternary::ternary(self.level, op, &a, &b, &c, &mut out),
            delegate::delegate(self, Family::Ternary, [a, b, c], [out], |be, [a, b, c], [out]| be
                .ternary(op, a, b, c, out))
        )
    }

    fn compare(&self, op: CompareOp, a: View<'_>, b: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        kernel_or!(
            elementwise::compare::compare(self.level, op, &a, &b, &mut out),
            delegate::delegate(self, Family::Compare, [a, b], [out], |be, [a, b], [out]| be
                .compare(op, a, b, out))
        )
    }

    fn select(&self, condition: View<'_>, a: View<'_>, b: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        kernel_or!(
            elementwise::select::select(self.level, &condition, &a, &b, &mut out),
            delegate::delegate(self, Family::Select, [condition, a, b], [out], |be, [c, a, b], [out]| be
                .select(c, a, b, out))
        )
    }

    fn reduce(&self, op: ReduceOp, x: View<'_>, axes: &[usize], mut out: ViewMut<'_>) -> Result<()> {
        kernel_or!(
            reduce::reduce(self.level, op, x, axes, out.reborrow()),
            delegate::delegate(self, Family::Reduce, [x], [out], |b, [x], [out]| b.reduce(op, x, axes, out))
        )
    }

    fn arg_reduce(&self, op: ArgReduceOp, x: View<'_>, axis: usize, mut out: ViewMut<'_>) -> Result<()> {
        kernel_or!(
            reduce::arg::arg_reduce(self.level, op, x, axis, out.reborrow()),
            delegate::delegate(self, Family::ArgReduce, [x], [out], |b, [x], [out]| b
                .arg_reduce(op, x, axis, out))
        )
    }

    fn scan(
        &self,
        op: ScanOp,
        x: View<'_>,
        axis: usize,
        mut out: ViewMut<'_>,
        mut indices: Option<ViewMut<'_>>,
    ) -> Result<()> {
        kernel_or!(
            reduce::scan::scan(
                self.level,
                op,
                x,
                axis,
                out.reborrow(),
                indices.as_mut().map(ViewMut::reborrow)
            ),
            match indices {
                None => delegate::delegate(self, Family::Scan, [x], [out], |b, [x], [out]| b
                    .scan(op, x, axis, out, None)),
                Some(indices) =>
                    delegate::delegate(self, Family::Scan, [x], [out, indices], |b, [x], [out, indices]| b
                        .scan(op, x, axis, out, Some(indices))),
            }
        )
    }

    fn matmul(&self, a: View<'_>, b: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        kernel_or!(
            gemm::matmul(self.level, a, b, out.reborrow()),
            delegate::delegate(self, Family::Matmul, [a, b], [out], |be, [a, b], [out]| be.matmul(a, b, out))
        )
    }

    fn gather(&self, x: View<'_>, axis: usize, index: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        kernel_or!(
            index::gather(self.level, x, axis, index, out.reborrow()),
            delegate::delegate(self, Family::Gather, [x, index], [out], |b, [x, index], [out]| b
                .gather(x, axis, index, out))
        )
    }

    fn scatter(
        &self,
        op: ScatterOp,
        mut io: ViewMut<'_>,
        axis: usize,
        index: View<'_>,
        src: View<'_>,
    ) -> Result<()> {
        kernel_or!(
            index::scatter(self.level, op, io.reborrow(), axis, index, src),
            delegate::delegate(self, Family::Scatter, [index, src], [io], |b, [index, src], [io]| b
                .scatter(op, io, axis, index, src))
        )
    }

    fn sort(
        &self,
        op: SortOp,
        x: View<'_>,
        axis: usize,
        mut values: ViewMut<'_>,
        mut indices: ViewMut<'_>,
    ) -> Result<()> {
        kernel_or!(
            sort::sort(self.level, op, x, axis, values.reborrow(), indices.reborrow()),
            delegate::delegate(self, Family::Sort, [x], [values, indices], |b, [x], [values, indices]| b
                .sort(op, x, axis, values, indices))
        )
    }

    fn searchsorted(
        &self,
        sorted: View<'_>,
        values: View<'_>,
        right: bool,
        mut out: ViewMut<'_>,
    ) -> Result<()> {
        kernel_or!(
            sort::searchsorted(sorted, values, right, out.reborrow()),
            composed::searchsorted(self, sorted, values, right, out)
        )
    }

    fn random(
        &self,
        distribution: Distribution,
        generator: &mut Generator,
        mut out: ViewMut<'_>,
    ) -> Result<()> {
        kernel_or!(
            random::random(self.level, distribution, generator, out.reborrow()),
            composed::random(self, distribution, generator, out)
        )
    }

    fn softmax(&self, op: SoftmaxOp, x: View<'_>, axis: usize, mut out: ViewMut<'_>) -> Result<()> {
        kernel_or!(
            reduce::softmax::softmax(self.level, op, x, axis, out.reborrow()),
            composed::softmax(self, op, x, axis, out)
        )
    }

    fn softmax_backward(
        &self,
        op: SoftmaxOp,
        grad: View<'_>,
        y: View<'_>,
        axis: usize,
        mut out: ViewMut<'_>,
    ) -> Result<()> {
        kernel_or!(
            reduce::softmax::backward(self.level, op, grad, y, axis, out.reborrow()),
            composed::softmax_backward(self, op, grad, y, axis, out)
        )
    }

    fn activation(&self, op: Activation, x: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        kernel_or!(
            activation::activation(self.level, op, &x, &mut out),
            composed::activation(self, op, x, out)
        )
    }

    fn activation_backward(
        &self,
        op: Activation,
        grad: View<'_>,
        x: View<'_>,
        mut out: ViewMut<'_>,
    ) -> Result<()> {
        kernel_or!(
            activation::backward(self.level, op, &grad, &x, &mut out),
            composed::activation_backward(self, op, grad, x, out)
        )
    }

    fn loss(
        &self,
        op: Loss,
        reduction: Reduction,
        x: View<'_>,
        target: View<'_>,
        weight: Option<View<'_>>,
        mut out: ViewMut<'_>,
    ) -> Result<()> {
        kernel_or!(
            loss::loss(self.level, op, reduction, x, target, weight, out.reborrow()),
            composed::loss(self, op, reduction, x, target, weight, out)
        )
    }

    fn loss_backward(
        &self,
        op: Loss,
        reduction: Reduction,
        grad: View<'_>,
        x: View<'_>,
        target: View<'_>,
        weight: Option<View<'_>>,
        mut out: ViewMut<'_>,
    ) -> Result<()> {
        kernel_or!(
            loss::backward(self.level, op, reduction, grad, x, target, weight, out.reborrow()),
            composed::loss_backward(self, op, reduction, grad, x, target, weight, out)
        )
    }

    fn embedding(&self, index: View<'_>, weight: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        kernel_or!(
            index::embedding(self.level, index, weight, out.reborrow()),
            composed::embedding(self, index, weight, out)
        )
    }

    fn optimizer_step(&self, optimizer: Optimizer, params: &mut [ParamStep<'_>]) -> Result<()> {
        optimizer::step(self, self.level, optimizer, params)
    }
}

//! A backend of memory and primitives alone, so that every composed family runs on its default.

use rusttorch_backend::ops::{
    ArgReduceOp, BinaryOp, CompareOp, ReduceOp, ScanOp, ScatterOp, SortOp, TernaryOp, UnaryOp,
};
use rusttorch_backend::{Allocation, Backend, Buffer, Capabilities, Result, Scalar, View, ViewMut};

/// The memory and the primitives of another backend. It claims what that one claims: a composed default
/// is computed here, too.
#[derive(Debug)]
pub struct Minimal<B>(pub B);

impl<B: Backend> Backend for Minimal<B> {
    fn name(&self) -> &'static str {
        "minimal"
    }

    fn alloc(&self, bytes: usize) -> Result<Allocation> {
        self.0.alloc(bytes)
    }

    fn upload(&self, src: &[u8], dst: &mut dyn Buffer, at: usize) -> Result<()> {
        self.0.upload(src, dst, at)
    }

    fn download(&self, src: &dyn Buffer, at: usize, dst: &mut [u8]) -> Result<()> {
        self.0.download(src, at, dst)
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn fill(&self, value: Scalar, out: ViewMut<'_>) -> Result<()> {
        self.0.fill(value, out)
    }

    fn copy(&self, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
        self.0.copy(x, out)
    }

    fn unary(&self, op: UnaryOp, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
        self.0.unary(op, x, out)
    }

    fn binary(&self, op: BinaryOp, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
        self.0.binary(op, a, b, out)
    }

    fn ternary(&self, op: TernaryOp, a: View<'_>, b: View<'_>, c: View<'_>, out: ViewMut<'_>) -> Result<()> {
        self.0.ternary(op, a, b, c, out)
    }

    fn compare(&self, op: CompareOp, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
        self.0.compare(op, a, b, out)
    }

    fn select(&self, condition: View<'_>, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
        self.0.select(condition, a, b, out)
    }

    fn reduce(&self, op: ReduceOp, x: View<'_>, axes: &[usize], out: ViewMut<'_>) -> Result<()> {
        self.0.reduce(op, x, axes, out)
    }

    fn arg_reduce(&self, op: ArgReduceOp, x: View<'_>, axis: usize, out: ViewMut<'_>) -> Result<()> {
        self.0.arg_reduce(op, x, axis, out)
    }

    fn scan(
        &self,
        op: ScanOp,
        x: View<'_>,
        axis: usize,
        out: ViewMut<'_>,
        indices: Option<ViewMut<'_>>,
    ) -> Result<()> {
        self.0.scan(op, x, axis, out, indices)
    }

    fn matmul(&self, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
        self.0.matmul(a, b, out)
    }

    fn gather(&self, x: View<'_>, axis: usize, index: View<'_>, out: ViewMut<'_>) -> Result<()> {
        self.0.gather(x, axis, index, out)
    }

    fn scatter(
        &self,
        op: ScatterOp,
        io: ViewMut<'_>,
        axis: usize,
        index: View<'_>,
        src: View<'_>,
    ) -> Result<()> {
        self.0.scatter(op, io, axis, index, src)
    }

    fn sort(
        &self,
        op: SortOp,
        x: View<'_>,
        axis: usize,
        values: ViewMut<'_>,
        indices: ViewMut<'_>,
    ) -> Result<()> {
        self.0.sort(op, x, axis, values, indices)
    }
}

//! Writing a formula down: a [`Calc`] evaluates one primitive at a time into temporaries of one
//! dtype and broadcasts operands as a frontend would.

use super::{Temp, wide};
use crate::backend::Backend;
use crate::dtype::DType;
use crate::element::Scalar;
use crate::error::Result;
use crate::layout::{Layout, Shape, broadcast_shapes};
use crate::ops::{BinaryOp, CompareOp, ReduceOp, TernaryOp, UnaryOp};
use crate::view::{View, ViewMut};

/// What a step of a formula reads.
pub(super) trait Operand {
    fn view(&self) -> Result<View<'_>>;
}

impl Operand for View<'_> {
    fn view(&self) -> Result<View<'_>> {
        Ok(*self)
    }
}

impl Operand for Temp {
    fn view(&self) -> Result<View<'_>> {
        Temp::view(self)
    }
}

/// An input in the dtype of the computation: as it was given, or a cast of it.
pub(super) enum Input<'a> {
    Given(View<'a>),
    /// The cast of the distinct elements, and the layout that repeats them as the input did.
    Cast(Box<(Temp, Layout)>),
}

impl Operand for Input<'_> {
    fn view(&self) -> Result<View<'_>> {
        match self {
            Input::Given(view) => Ok(*view),
            Input::Cast(cast) => cast.0.view()?.with_layout(&cast.1),
        }
    }
}

/// A backend and the dtype in which it shall compute.
pub(super) struct Calc<'b, B: ?Sized> {
    pub(super) be: &'b B,
    pub(super) dtype: DType,
}

impl<'b, B: Backend + ?Sized> Calc<'b, B> {
    /// For operands of `dtype`; half types are computed in f32.
    pub(super) fn new(be: &'b B, dtype: DType) -> Self {
        Calc { be, dtype: wide(dtype) }
    }

    /// `x` in the dtype of the computation. Broadcast axes are cast once, not once per repetition.
    pub(super) fn input<'a>(&self, x: View<'a>) -> Result<Input<'a>> {
        if x.dtype() == self.dtype {
            return Ok(Input::Given(x));
        }
        let mut distinct = x.layout().clone();
        for (axis, (&n, &stride)) in x.shape().iter().zip(x.layout().strides()).enumerate() {
            if stride == 0 && n > 1 {
                distinct = distinct.narrow(axis as isize, 0, 1)?;
            }
        }
        let temp = Temp::copy_of(self.be, x.with_layout(&distinct)?, self.dtype)?;
        let layout = temp.layout().broadcast_to(x.shape())?;
        Ok(Input::Cast(Box::new((temp, layout))))
    }

    /// A 0-d constant.
    pub(super) fn constant(&self, value: f64) -> Result<Temp> {
        let mut temp = self.temp(&[])?;
        self.be.fill(Scalar::Float(value), temp.out()?)?;
        Ok(temp)
    }

    pub(super) fn temp(&self, shape: &[usize]) -> Result<Temp> {
        Temp::new(self.be, shape, self.dtype)
    }

    /// Runs the last step of a formula: straight into `out`, or, where that is of a half type, into a
    /// temporary that is rounded into it.
    pub(super) fn finish(
        &self,
        out: ViewMut<'_>,
        step: impl FnOnce(ViewMut<'_>) -> Result<()>,
    ) -> Result<()> {
        if out.dtype() == self.dtype {
            return step(out);
        }
        let mut temp = self.temp(out.shape())?;
        step(temp.out()?)?;
        self.be.copy(temp.view()?, out)
    }

    pub(super) fn unary(&self, op: UnaryOp, x: &impl Operand) -> Result<Temp> {
        let x = x.view()?;
        let mut out = self.temp(x.shape())?;
        self.be.unary(op, x, out.out()?)?;
        Ok(out)
    }

    pub(super) fn binary(&self, op: BinaryOp, a: &impl Operand, b: &impl Operand) -> Result<Temp> {
        let shape = broadcast_shapes(op.name(), a.view()?.shape(), b.view()?.shape())?;
        let mut out = self.temp(&shape)?;
        self.binary_to(op, a, b, out.out()?)?;
        Ok(out)
    }

    /// As [`binary`](Self::binary), the result being the last of a formula.
    pub(super) fn binary_to(
        &self,
        op: BinaryOp,
        a: &impl Operand,
        b: &impl Operand,
        out: ViewMut<'_>,
    ) -> Result<()> {
        let (a, b) = (a.view()?, b.view()?);
        let la = a.layout().broadcast_to(out.shape())?;
        let lb = b.layout().broadcast_to(out.shape())?;
        self.be.binary(op, a.with_layout(&la)?, b.with_layout(&lb)?, out)
    }

    pub(super) fn add(&self, a: &impl Operand, b: &impl Operand) -> Result<Temp> {
        self.binary(BinaryOp::Add, a, b)
    }

    pub(super) fn sub(&self, a: &impl Operand, b: &impl Operand) -> Result<Temp> {
        self.binary(BinaryOp::Sub, a, b)
    }

    pub(super) fn mul(&self, a: &impl Operand, b: &impl Operand) -> Result<Temp> {
        self.binary(BinaryOp::Mul, a, b)
    }

    pub(super) fn div(&self, a: &impl Operand, b: &impl Operand) -> Result<Temp> {
        self.binary(BinaryOp::Div, a, b)
    }

    /// `x + value`.
    pub(super) fn plus(&self, x: &impl Operand, value: f64) -> Result<Temp> {
        self.binary(BinaryOp::Add, x, &self.constant(value)?)
    }

    /// `x * value`.
    pub(super) fn times(&self, x: &impl Operand, value: f64) -> Result<Temp> {
        self.binary(BinaryOp::Mul, x, &self.constant(value)?)
    }

    /// `value - x`.
    pub(super) fn minus_from(&self, value: f64, x: &impl Operand) -> Result<Temp> {
        self.binary(BinaryOp::Sub, &self.constant(value)?, x)
    }

    /// Operands of the shape of `a`, to which the others broadcast.
    pub(super) fn ternary(
        &self,
        op: TernaryOp,
        a: &impl Operand,
        b: &impl Operand,
        c: &impl Operand,
    ) -> Result<Temp> {
        let (a, b, c) = (a.view()?, b.view()?, c.view()?);
        let mut out = self.temp(a.shape())?;
        let lb = b.layout().broadcast_to(a.shape())?;
        let lc = c.layout().broadcast_to(a.shape())?;
        self.be.ternary(op, a, b.with_layout(&lb)?, c.with_layout(&lc)?, out.out()?)?;
        Ok(out)
    }

    /// `a + value * b`, which the ternary op rounds no more than once where a backend fuses it.
    pub(super) fn add_scaled(&self, a: &impl Operand, value: f64, b: &impl Operand) -> Result<Temp> {
        self.ternary(TernaryOp::Addcmul { value: value.into() }, a, b, &self.constant(1.0)?)
    }

    /// A bool of the shape of `a`, to which `b` broadcasts; both of one dtype.
    pub(super) fn compare(&self, op: CompareOp, a: &impl Operand, b: &impl Operand) -> Result<Temp> {
        let (a, b) = (a.view()?, b.view()?);
        let mut out = Temp::new(self.be, a.shape(), DType::Bool)?;
        let lb = b.layout().broadcast_to(a.shape())?;
        self.be.compare(op, a, b.with_layout(&lb)?, out.out()?)?;
        Ok(out)
    }

    /// `x op value`.
    pub(super) fn compare_with(&self, op: CompareOp, x: &impl Operand, value: f64) -> Result<Temp> {
        self.compare(op, x, &self.constant(value)?)
    }

    /// All operands broadcast to the shape of `out`.
    pub(super) fn select_to(
        &self,
        condition: &impl Operand,
        a: &impl Operand,
        b: &impl Operand,
        out: ViewMut<'_>,
    ) -> Result<()> {
        let (condition, a, b) = (condition.view()?, a.view()?, b.view()?);
        let lc = condition.layout().broadcast_to(out.shape())?;
        let la = a.layout().broadcast_to(out.shape())?;
        let lb = b.layout().broadcast_to(out.shape())?;
        self.be.select(condition.with_layout(&lc)?, a.with_layout(&la)?, b.with_layout(&lb)?, out)
    }

    /// `x` between two numbers; `out` has its shape.
    pub(super) fn clamp_to(&self, x: &impl Operand, low: f64, high: f64, out: ViewMut<'_>) -> Result<()> {
        let (low, high) = (self.constant(low)?, self.constant(high)?);
        let (x, low, high) = (x.view()?, low.view()?, high.view()?);
        let (below, above) = (low.layout().broadcast_to(x.shape())?, high.layout().broadcast_to(x.shape())?);
        self.be.ternary(TernaryOp::Clamp, x, low.with_layout(&below)?, high.with_layout(&above)?, out)
    }

    /// Reduces `axes`, which stay with size 1.
    pub(super) fn reduce(&self, op: ReduceOp, x: &impl Operand, axes: &[usize]) -> Result<Temp> {
        let x = x.view()?;
        let kept: Shape =
            x.shape().iter().enumerate().map(|(d, &n)| if axes.contains(&d) { 1 } else { n }).collect();
        let mut out = self.temp(&kept)?;
        self.be.reduce(op, x, axes, out.out()?)?;
        Ok(out)
    }
}

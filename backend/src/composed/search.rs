//! Binary search.

use super::Temp;
use super::calc::{Calc, Operand};
use crate::backend::Backend;
use crate::dtype::DType;
use crate::element::Scalar;
use crate::error::Result;
use crate::ops::{BinaryOp, CompareOp};
use crate::view::{View, ViewMut};

/// Default of [`Backend::searchsorted`]: every value halves its own range, all of them in step, in as many
/// rounds as N has bits.
pub fn searchsorted<B: Backend + ?Sized>(
    be: &B,
    sorted: View<'_>,
    values: View<'_>,
    right: bool,
    mut out: ViewMut<'_>,
) -> Result<()> {
    if out.numel() == 0 {
        return Ok(());
    }
    let n = sorted.shape().last().copied().unwrap_or(0);
    be.fill(Scalar::Int(0), out.reborrow())?;
    if n == 0 {
        return Ok(());
    }
    let c = Calc::new(be, DType::I64);
    let (one, two, last) = (constant(&c, 1)?, constant(&c, 2)?, constant(&c, n - 1)?);
    let mut low = Temp::copy_of(be, out.as_view(), DType::I64)?;
    let mut high = c.temp(out.shape())?;
    be.fill(Scalar::Int(n as i64), high.out()?)?;
    let stays = if right { CompareOp::Gt } else { CompareOp::Ge };
    for _ in 0..=n.ilog2() {
        let middle = c.binary(BinaryOp::FloorDivide, &c.add(&low, &high)?, &two)?;
        // A range that is empty may lie behind the last element; what is read for it has no say.
        let at = c.binary(BinaryOp::Minimum, &middle, &last)?;
        let mut element = Temp::new(be, out.shape(), sorted.dtype())?;
        be.gather(sorted, out.shape().len() - 1, at.view()?, element.out()?)?;
        let open = c.compare(CompareOp::Lt, &low, &high)?;
        let down = c.compare(stays, &element, &values)?;
        let closing = c.compare(CompareOp::LogicalAnd, &open, &down)?;
        let raising = c.compare(CompareOp::Gt, &open, &down)?;
        high = select(&c, &closing, &middle, &high)?;
        low = select(&c, &raising, &c.add(&middle, &one)?, &low)?;
    }
    be.copy(low.view()?, out)
}

fn constant<B: Backend + ?Sized>(c: &Calc<'_, B>, value: usize) -> Result<Temp> {
    let mut temp = c.temp(&[])?;
    c.be.fill(Scalar::Int(value as i64), temp.out()?)?;
    Ok(temp)
}

fn select<B: Backend + ?Sized>(
    c: &Calc<'_, B>,
    condition: &impl Operand,
    a: &impl Operand,
    b: &impl Operand,
) -> Result<Temp> {
    let mut out = c.temp(a.view()?.shape())?;
    c.select_to(condition, a, b, out.out()?)?;
    Ok(out)
}

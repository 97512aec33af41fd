//! Normalisation over a set of axes.

use super::calc::{Calc, Operand};
use crate::backend::Backend;
use crate::error::Result;
use crate::ops::{BinaryOp, Norm, NormKind, ReduceOp, UnaryOp};
use crate::view::{View, ViewMut};

/// Default of [`Backend::norm`]. Over `norm.axes`, standard norm is
/// `(x - mean) / sqrt(var + eps) * weight + bias` with the biased variance, root-mean-square norm
/// `x / sqrt(mean(x^2) + eps) * weight + bias`.
///
/// `x`, `weight`, `bias` and `out` have one shape (`weight` and `bias` come expanded to it) and one float
/// dtype. A NaN or an infinity makes its whole group NaN; so does a constant group with `eps` 0.
pub fn norm<B: Backend + ?Sized>(
    be: &B,
    norm: &Norm,
    x: View<'_>,
    weight: Option<View<'_>>,
    bias: Option<View<'_>>,
    out: ViewMut<'_>,
) -> Result<()> {
    if out.numel() == 0 {
        return Ok(());
    }
    let c = Calc::new(be, x.dtype());
    let x = c.input(x)?;
    let (centred, spread) = match norm.kind {
        // The backend's own variance, which is stable; the squares of `x - mean` would keep the error of
        // the rounded mean.
        NormKind::Standard => (
            Some(c.sub(&x, &c.reduce(ReduceOp::Mean, &x, &norm.axes)?)?),
            c.reduce(ReduceOp::Var { correction: 0.0 }, &x, &norm.axes)?,
        ),
        NormKind::RootMeanSquare => {
            (None, c.reduce(ReduceOp::Mean, &c.unary(UnaryOp::Square, &x)?, &norm.axes)?)
        }
    };
    let numerator = match &centred {
        Some(centred) => centred.view()?,
        None => x.view()?,
    };
    let root = c.unary(UnaryOp::Sqrt, &c.plus(&spread, norm.eps)?)?;
    let normal = |out: ViewMut<'_>| c.binary_to(BinaryOp::Div, &numerator, &root, out);
    let (op, factor, last) = match (weight, bias) {
        (None, None) => return c.finish(out, normal),
        (Some(weight), None) => (BinaryOp::Mul, None, weight),
        (factor, Some(bias)) => (BinaryOp::Add, factor, bias),
    };
    let mut y = c.temp(out.shape())?;
    normal(y.out()?)?;
    if let Some(weight) = factor {
        y = c.mul(&y, &c.input(weight)?)?;
    }
    let last = c.input(last)?;
    c.finish(out, |out| c.binary_to(op, &y, &last, out))
}

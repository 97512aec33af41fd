//! The gradient rules of the ops of two operands.

use std::f64::consts::LN_2;

use rusttorch_backend::ops::BinaryOp;
use rusttorch_backend::{ErrorKind, Result, TensorError};

use crate::autograd::{Context, Saved};
use crate::tensor::Tensor;

/// The tensors that the rules of an op look at; the others are dropped with the forward pass.
pub(super) struct Kept {
    a: Option<Saved>,
    b: Option<Saved>,
    y: Option<Saved>,
}

impl Kept {
    pub(super) fn new(op: BinaryOp, a: &Tensor, b: &Tensor, y: &Tensor) -> Kept {
        use BinaryOp::*;
        let (for_a, for_b) = (a.requires_grad(), b.requires_grad());
        let (a_wanted, b_wanted, y_wanted) = match op {
            Add | Sub | FloorDivide | TruncDivide | Heaviside | Gcd | Lcm | BitwiseAnd | BitwiseOr
            | BitwiseXor | BitwiseLeftShift | BitwiseRightShift => (false, false, false),
            Mul => (for_b, for_a, false),
            Hypot => (for_a, for_b, true),
            Copysign => (for_a, false, for_a),
            Nextafter | Logaddexp | Logaddexp2 | Xlogy | Zeta => (true, true, false),
            Ldexp => (false, for_a, for_b),
            Div => (for_b, true, false),
            Remainder | Fmod => (for_b, for_b, false),
            Pow => (true, true, for_b),
            Maximum | Minimum | Fmax | Fmin | Atan2 => (true, true, false),
        };
        Kept {
            a: a_wanted.then(|| Saved::input(a)),
            b: b_wanted.then(|| Saved::input(b)),
            y: y_wanted.then(|| Saved::output(y)),
        }
    }

    pub(super) fn unpack(&self, context: &Context<'_>) -> Result<(KeptOperand, KeptOperand, KeptOperand)> {
        let unpack = |s: &Option<Saved>| s.as_ref().map(|s| s.unpack(context)).transpose().map(KeptOperand);
        Ok((unpack(&self.a)?, unpack(&self.b)?, unpack(&self.y)?))
    }
}

/// A kept tensor, or nothing where the rule has no use for it.
pub(super) struct KeptOperand(Option<Tensor>);

impl KeptOperand {
    fn get(&self) -> Result<&Tensor> {
        self.0.as_ref().ok_or_else(|| {
            TensorError::new(ErrorKind::Internal, "backward", "a rule looks at a tensor that was not kept")
        })
    }
}

/// The gradient of the first operand.
pub(super) fn gradient_a(
    op: BinaryOp,
    a: &KeptOperand,
    b: &KeptOperand,
    y: &KeptOperand,
    g: &Tensor,
) -> Result<Tensor> {
    use BinaryOp::*;
    match op {
        Add | Sub | Remainder | Fmod => Ok(g.clone()),
        Mul => g.mul(b.get()?),
        Div => g.div(b.get()?),
        // b * a^(b-1), and 0 where b is 0 although a^-1 may be infinite.
        Pow => {
            let (a, b) = (a.get()?, b.get()?);
            let slope = g.mul(&b.mul(&a.pow(&b.sub(1.0)?)?)?)?;
            slope.masked_fill(&b.eq(0.0)?, 0.0)
        }
        Maximum => share(g, &a.get()?.eq(b.get()?)?, &a.get()?.lt(b.get()?)?),
        Minimum => share(g, &a.get()?.eq(b.get()?)?, &a.get()?.gt(b.get()?)?),
        Fmax => share_unless_nan(g, a.get()?, b.get()?, &a.get()?.gt(b.get()?)?, true),
        Fmin => share_unless_nan(g, a.get()?, b.get()?, &a.get()?.lt(b.get()?)?, true),
        Atan2 => g.mul(b.get()?)?.mul(&inverse_square_sum(a.get()?, b.get()?)?),
        TruncDivide => Tensor::zeros_like(g),
        Hypot => g.mul(&a.get()?.div(y.get()?)?),
        // The slope is the quotient of the signs; 0 at 0.
        Copysign => g.mul(&y.get()?.div(a.get()?)?.masked_fill(&a.get()?.eq(0.0)?, 0.0)?),
        Nextafter => g.masked_fill(&a.get()?.eq(b.get()?)?, 0.0),
        Logaddexp => g.div(&b.get()?.sub(a.get()?)?.exp()?.add(1.0)?),
        Logaddexp2 => g.div(&b.get()?.sub(a.get()?)?.exp2()?.add(1.0)?),
        // g log(b), and 0 where the product is 0 whatever its first operand is next to 0.
        Xlogy => {
            let flat = a.get()?.eq(0.0)?.logical_and(&b.get()?.le(0.0)?)?;
            g.xlogy(b.get()?)?.masked_fill(&flat, 0.0)
        }
        Ldexp => g.ldexp(b.get()?),
        // As in PyTorch, which has no formula for it.
        Zeta => Err(TensorError::new(ErrorKind::NotImplemented, "zeta", "the first operand has no gradient")),
        FloorDivide | Heaviside => Err(no_gradient(op)),
        Gcd | Lcm | BitwiseAnd | BitwiseOr | BitwiseXor | BitwiseLeftShift | BitwiseRightShift => {
            Tensor::zeros_like(g)
        }
    }
}

/// The gradient of the second operand.
pub(super) fn gradient_b(
    op: BinaryOp,
    a: &KeptOperand,
    b: &KeptOperand,
    y: &KeptOperand,
    g: &Tensor,
) -> Result<Tensor> {
    use BinaryOp::*;
    match op {
        Add => Ok(g.clone()),
        Sub => g.neg(),
        Mul => g.mul(a.get()?),
        Div => g.neg()?.mul(&a.get()?.div(b.get()?)?.div(b.get()?)?),
        Remainder => g.neg()?.mul(&a.get()?.div(b.get()?)?.floor()?),
        Fmod => g.neg()?.mul(&a.get()?.div(b.get()?)?.trunc()?),
        // y * log(a), and 0 for the base 0 with an exponent of 0 or more, where the logarithm is -inf.
        Pow => {
            let (a, b, y) = (a.get()?, b.get()?, y.get()?);
            let flat = a.eq(0.0)?.logical_and(&b.ge(0.0)?)?;
            g.mul(&y.mul(&a.log()?)?)?.masked_fill(&flat, 0.0)
        }
        Maximum => share(g, &a.get()?.eq(b.get()?)?, &a.get()?.gt(b.get()?)?),
        Minimum => share(g, &a.get()?.eq(b.get()?)?, &a.get()?.lt(b.get()?)?),
        Fmax => share_unless_nan(g, a.get()?, b.get()?, &a.get()?.gt(b.get()?)?, false),
        Fmin => share_unless_nan(g, a.get()?, b.get()?, &a.get()?.lt(b.get()?)?, false),
        Atan2 => g.mul(&a.get()?.neg()?)?.mul(&inverse_square_sum(a.get()?, b.get()?)?),
        TruncDivide | Copysign | Nextafter => Tensor::zeros_like(g),
        Hypot => g.mul(&b.get()?.div(y.get()?)?),
        Logaddexp => g.div(&a.get()?.sub(b.get()?)?.exp()?.add(1.0)?),
        Logaddexp2 => g.div(&a.get()?.sub(b.get()?)?.exp2()?.add(1.0)?),
        Xlogy => g.mul(a.get()?)?.div(b.get()?),
        Ldexp => g.mul(&y.get()?.mul(LN_2)?),
        Zeta => {
            let (a, b) = (a.get()?, b.get()?);
            g.mul(&a.neg()?.mul(&a.add(1.0)?.zeta(b)?)?)
        }
        FloorDivide | Heaviside => Err(no_gradient(op)),
        Gcd | Lcm | BitwiseAnd | BitwiseOr | BitwiseXor | BitwiseLeftShift | BitwiseRightShift => {
            Tensor::zeros_like(g)
        }
    }
}

/// PyTorch records a floor division or a step and refuses to go back through it.
fn no_gradient(op: BinaryOp) -> TensorError {
    TensorError::new(ErrorKind::Autograd, op.name(), "has no gradient")
}

/// Half of the gradient where the operands are equal, none where this one lost.
fn share(g: &Tensor, equal: &Tensor, lost: &Tensor) -> Result<Tensor> {
    Tensor::where_cond(equal, &g.div(2.0)?, g)?.masked_fill(lost, 0.0)
}

/// The gradient of one operand of `fmax` or `fmin`, where `a_wins` says which is the result: half of it where
/// they are equal; where one is NaN, all to the other; where both are, all to the first.
fn share_unless_nan(g: &Tensor, a: &Tensor, b: &Tensor, a_wins: &Tensor, of_a: bool) -> Result<Tensor> {
    let a_wins = a_wins.logical_or(&b.isnan()?)?;
    let lost = if of_a { a_wins.logical_not()? } else { a_wins };
    Tensor::where_cond(&a.eq(b)?, &g.div(2.0)?, &g.masked_fill(&lost, 0.0)?)
}

/// `1 / (a^2 + b^2)`, and 0 at the origin.
fn inverse_square_sum(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let origin = a.eq(0.0)?.logical_and(&b.eq(0.0)?)?;
    a.mul(a)?.add(&b.mul(b)?)?.reciprocal()?.masked_fill(&origin, 0.0)
}

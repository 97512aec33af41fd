//! Elementwise ops of two operands, by the contract's table: promotion, broadcasting, gradients.

use rusttorch_backend::layout::broadcast_shapes;
use rusttorch_backend::ops::{BinaryOp, UnaryOp};
use rusttorch_backend::{DType, ErrorKind, Result, ResultType, Scalar, Shape, TensorError};
use smallvec::smallvec;

use super::args::Operand;
use crate::autograd::{Context, Saved, in_place, record};
use crate::dispatch;
use crate::tensor::Tensor;

/// The dtype in which `op` computes on these operands. Errors: `NotImplemented`; `Value` for an integer
/// power with a negative exponent.
fn compute_dtype(op: BinaryOp, a: &Tensor, b: &Operand<'_>) -> Result<DType> {
    let joined = b.join(ResultType::new().tensor(a.dtype(), a.rank())).dtype();
    let bool_operand = a.dtype() == DType::Bool || b.join(ResultType::new()).dtype() == DType::Bool;
    let refused = match op {
        // PyTorch refuses a bool operand of a difference even next to a number.
        BinaryOp::Sub => bool_operand,
        _ => !op.rule().accepts().contains(joined),
    };
    if refused {
        return Err(TensorError::new(
            ErrorKind::NotImplemented,
            op.name(),
            "not implemented for these dtypes",
        )
        .with("lhs", a.dtype())
        .with("rhs", b.join(ResultType::new()).dtype()));
    }
    if op == BinaryOp::Pow
        && joined.is_int()
        && let Operand::Scalar(s) = b
        && s.to_i64() < 0
    {
        return Err(TensorError::new(
            ErrorKind::Value,
            "pow",
            "integers to negative integer powers are not allowed",
        )
        .with("exponent", s.to_i64()));
    }
    Ok(op.rule().compute(joined))
}

/// `op(a, b)` with promotion and broadcasting.
#[inline]
pub(crate) fn binary(op: BinaryOp, a: &Tensor, b: Operand<'_>) -> Result<Tensor> {
    let dtype = compute_dtype(op, a, &b)?;
    if let Some(special) = Special::of(op, dtype, &b) {
        return special.apply(op, dtype, a, b);
    }
    same_dtype(op, &a.to_dtype(dtype)?, &b.to_tensor(dtype, a.shape())?)
}

/// Operands that PyTorch treats in a way of their own.
enum Special {
    /// Floats to the power of a number.
    Power(f64),
    /// A half-precision tensor by a number, or by a 0-d tensor of a wider float: the number is not rounded
    /// to the half type first.
    Wide,
}

impl Special {
    fn of(op: BinaryOp, dtype: DType, b: &Operand<'_>) -> Option<Special> {
        match (op, b) {
            (BinaryOp::Pow, Operand::Scalar(exponent)) if dtype.is_float() => {
                Some(Special::Power(exponent.to_f64()))
            }
            (BinaryOp::Mul | BinaryOp::Div | BinaryOp::FloorDivide, b) if dtype.is_half() => match b {
                Operand::Scalar(_) => Some(Special::Wide),
                Operand::Tensor(t) if t.rank() == 0 && t.dtype() != dtype && t.dtype().is_float() => {
                    Some(Special::Wide)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The value, of `dtype`.
    fn apply(&self, op: BinaryOp, dtype: DType, a: &Tensor, b: Operand<'_>) -> Result<Tensor> {
        match *self {
            Special::Power(exponent) => power(&a.to_dtype(dtype)?, exponent),
            Special::Wide => {
                let b = b.to_tensor(DType::F32, a.shape())?;
                same_dtype(op, &a.to_dtype(DType::F32)?, &b)?.to_dtype(dtype)
            }
        }
    }
}

/// A power with a number as exponent. For ±0.5 PyTorch takes roots, which of -0 and -inf give what a power
/// does not; its gradient `exponent * x^(exponent - 1)` is such a power again.
fn power(x: &Tensor, exponent: f64) -> Result<Tensor> {
    let root = match exponent {
        0.5 => Some(UnaryOp::Sqrt),
        -0.5 => Some(UnaryOp::Rsqrt),
        _ => None,
    };
    let out = match root {
        Some(root) => {
            dispatch::compute("pow", [x], x.shape(), x.dtype(), |b, [x], out| b.unary(root, x, out))?
        }
        None => {
            let e = &Tensor::repeated(Scalar::Float(exponent), x.dtype(), x.shape())?;
            dispatch::compute("pow", [x, e], x.shape(), x.dtype(), |b, [x, e], out| {
                b.binary(BinaryOp::Pow, x, e, out)
            })?
        }
    };
    Ok(record("Pow", out, [x], |_| {
        let x = Saved::input(x);
        Box::new(move |context, g| {
            // Not 0 * x^-1, which is NaN at 0.
            let slope = match exponent {
                0.0 => Tensor::zeros_like(g)?,
                e => g.mul(&power(&x.unpack(context)?, e - 1.0)?.mul(e)?)?,
            };
            Ok(smallvec![Some(slope)])
        })
    }))
}

/// `op(a, b)` of two tensors of one dtype.
#[inline]
fn same_dtype(op: BinaryOp, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.shape() == b.shape() {
        return same_shape(op, a, b);
    }
    let shape = broadcast_shapes(op.name(), a.shape(), b.shape())?;
    same_shape(op, &a.broadcast_to(&shape)?, &b.broadcast_to(&shape)?)
}

#[inline]
fn same_shape(op: BinaryOp, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let out = dispatch::compute(op.name(), [a, b], a.shape(), a.dtype(), |be, [a, b], out| {
        be.binary(op, a, b, out)
    })?;
    if !out.dtype().is_float() {
        return Ok(out);
    }
    Ok(record(op.title(), out, [a, b], |y| {
        let kept = Kept::new(op, a, b, y);
        Box::new(move |context, g| {
            let (a, b, y) = kept.unpack(context)?;
            let of_a = context.needs(0).then(|| gradient_a(op, &a, &b, g)).transpose()?;
            let of_b = context.needs(1).then(|| gradient_b(op, &a, &b, &y, g)).transpose()?;
            Ok(smallvec![of_a, of_b])
        })
    }))
}

/// The tensors that the rules of an op look at; the others are dropped with the forward pass.
struct Kept {
    a: Option<Saved>,
    b: Option<Saved>,
    y: Option<Saved>,
}

impl Kept {
    fn new(op: BinaryOp, a: &Tensor, b: &Tensor, y: &Tensor) -> Kept {
        use BinaryOp::*;
        let (for_a, for_b) = (a.requires_grad(), b.requires_grad());
        let (a_wanted, b_wanted, y_wanted) = match op {
            Add | Sub | FloorDivide | BitwiseAnd | BitwiseOr | BitwiseXor => (false, false, false),
            Mul => (for_b, for_a, false),
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

    fn unpack(&self, context: &Context<'_>) -> Result<(KeptOperand, KeptOperand, KeptOperand)> {
        let unpack = |s: &Option<Saved>| s.as_ref().map(|s| s.unpack(context)).transpose().map(KeptOperand);
        Ok((unpack(&self.a)?, unpack(&self.b)?, unpack(&self.y)?))
    }
}

/// A kept tensor, or nothing where the rule has no use for it.
struct KeptOperand(Option<Tensor>);

impl KeptOperand {
    fn get(&self) -> Result<&Tensor> {
        self.0.as_ref().ok_or_else(|| {
            TensorError::new(ErrorKind::Internal, "backward", "a rule looks at a tensor that was not kept")
        })
    }
}

/// The gradient of the first operand.
fn gradient_a(op: BinaryOp, a: &KeptOperand, b: &KeptOperand, g: &Tensor) -> Result<Tensor> {
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
        FloorDivide => Err(no_gradient(op)),
        BitwiseAnd | BitwiseOr | BitwiseXor => Tensor::zeros_like(g),
    }
}

/// The gradient of the second operand.
fn gradient_b(op: BinaryOp, a: &KeptOperand, b: &KeptOperand, y: &KeptOperand, g: &Tensor) -> Result<Tensor> {
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
        FloorDivide => Err(no_gradient(op)),
        BitwiseAnd | BitwiseOr | BitwiseXor => Tensor::zeros_like(g),
    }
}

/// PyTorch records a floor division and refuses to go back through it.
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

/// `a = op(a, b)` in place: `b` broadcasts to `a`, and the result's dtype must fit that of `a`.
pub(crate) fn binary_in_place(op: BinaryOp, a: &Tensor, b: Operand<'_>) -> Result<Tensor> {
    let dtype = compute_dtype(op, a, &b)?;
    if dtype.category() > a.category() {
        return Err(TensorError::new(
            ErrorKind::DType,
            op.name(),
            "result cannot be cast to the tensor's dtype in place",
        )
        .with("result", dtype)
        .with("tensor", a.dtype()));
    }
    if let Some(special) = Special::of(op, dtype, &b) {
        return in_place(
            op.name(),
            a,
            b.tensor().as_slice(),
            || {
                let value = special.apply(op, dtype, &a.detach(), b)?;
                dispatch::write_in_place(op.name(), a, [&value], |be, io, [v]| be.copy(v, io))
            },
            || special.apply(op, dtype, &a.before_write()?, b)?.to_dtype(a.dtype()),
        );
    }
    let other = b.to_tensor(dtype, a.shape())?;
    fits_in_place(op.name(), a, other.shape())?;
    let other = if other.shape() == a.shape() { other } else { other.broadcast_to(a.shape())? };
    let inputs: &[&Tensor] = &[&other];
    in_place(
        op.name(),
        a,
        inputs,
        || {
            if dtype == a.dtype() {
                dispatch::write_in_place(op.name(), a, [&other], |be, io, [b]| be.binary_assign(op, io, b))
            } else {
                let value = same_shape(op, &a.to_dtype(dtype)?, &other)?;
                dispatch::write_in_place(op.name(), a, [&value], |be, io, [v]| be.copy(v, io))
            }
        },
        || same_shape(op, &a.before_write()?.to_dtype(dtype)?, &other)?.to_dtype(a.dtype()),
    )
}

/// Error: `Shape` when a shape does not broadcast to that of the tensor written in place.
pub(crate) fn fits_in_place(op: &'static str, target: &Tensor, shape: &[usize]) -> Result<()> {
    let joined: Shape = broadcast_shapes(op, target.shape(), shape)?;
    if joined[..] != *target.shape() {
        return Err(TensorError::new(
            ErrorKind::Shape,
            op,
            "an in-place op cannot change the shape of its target",
        )
        .with("target", target.shape())
        .with("result", &joined));
    }
    Ok(())
}

/// The in-place method of a row, or nothing where the row has none.
macro_rules! in_place_method {
    (-, $variant:ident, $method:ident) => {};
    ($name:ident, $variant:ident, $method:ident) => {
        #[doc = concat!("In-place [`", stringify!($method), "`](Self::", stringify!($method), "). Returns the tensor itself.")]
        pub fn $name<'a>(&self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
            binary_in_place(BinaryOp::$variant, self, other.into())
        }
    };
}

macro_rules! binary_methods {
    ($($(#[$doc:meta])* $variant:ident $method:ident $assign:tt $torch:literal $rule:ident;)*) => {
        /// Elementwise ops of two operands `a` (this tensor) and `b` (a tensor or a number), which are
        /// promoted to one dtype and broadcast to one shape. Errors: `Shape` where they do not broadcast,
        /// `NotImplemented` where the dtype is refused; of the in-place forms `DType` where the result's dtype is
        /// of a higher category than the tensor's.
        impl Tensor {
            $(
                $(#[$doc])*
                ///
                #[doc = concat!("PyTorch: `", $torch, "`.")]
                #[inline]
                pub fn $method<'a>(&self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
                    binary(BinaryOp::$variant, self, other.into())
                }
                in_place_method!($assign, $variant, $method);
            )*
        }
    };
}

rusttorch_backend::binary_table! { binary_methods }

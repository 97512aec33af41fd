//! Elementwise ops of two operands, by the contract's table: promotion, broadcasting, gradients.

use rusttorch_backend::layout::broadcast_shapes;
use rusttorch_backend::ops::{BinaryOp, UnaryOp};
use rusttorch_backend::{DType, DTypeSet, ErrorKind, Result, ResultType, Scalar, Shape, TensorError};
use smallvec::smallvec;

use super::args::Operand;
use super::binary_rules::{Kept, gradient_a, gradient_b};
use super::in_place::{by_value, category_fits};
use super::select::castable;
use crate::autograd::{Saved, in_place, record, records};
use crate::dispatch;
use crate::tensor::Tensor;

/// The dtype to which the operands of `op` are promoted, called `name` in messages. Errors: `NotImplemented` for
/// a difference with a bool; `DType` for a step between two dtypes; `Value` for an integer power with a negative
/// exponent, or one that the integers cannot hold.
fn promoted(op: BinaryOp, name: &'static str, a: &Operand<'_>, b: &Operand<'_>) -> Result<DType> {
    let joined = b.join(a.join(ResultType::new())).dtype();
    let own = |x: &Operand<'_>| x.join(ResultType::new()).dtype();
    match op {
        // PyTorch refuses a bool operand of a difference even next to a number.
        BinaryOp::Sub if own(a) == DType::Bool || own(b) == DType::Bool => Err(refused(name, a, b)),
        BinaryOp::Ldexp if own(a).is_float() && own(b) == DType::Bool => Err(refused(name, a, b)),
        BinaryOp::Heaviside if own(a) != own(b) && a.tensor().is_some() && b.tensor().is_some() => {
            Err(TensorError::new(ErrorKind::DType, name, "operands differ in dtype")
                .with("lhs", own(a))
                .with("rhs", own(b)))
        }
        BinaryOp::Pow if joined.is_int() => {
            let Operand::Scalar(exponent) = *b else { return Ok(joined) };
            if exponent.to_i64() < 0 {
                let rule = "integers to negative integer powers are not allowed";
                return Err(
                    TensorError::new(ErrorKind::Value, name, rule).with("exponent", exponent.to_i64())
                );
            }
            castable(name, exponent, joined).map(|_| joined)
        }
        _ => Ok(joined),
    }
}

/// The dtype in which `op` computes on operands that are promoted to `joined`. Error: `NotImplemented`.
fn accepted(
    op: BinaryOp,
    name: &'static str,
    joined: DType,
    a: &Operand<'_>,
    b: &Operand<'_>,
) -> Result<DType> {
    // A bool to the power of a number that is one.
    let logic = op == BinaryOp::Pow && matches!((a, b), (Operand::Tensor(_), Operand::Scalar(_)));
    match op.rule().accepts().contains(joined) || (logic && joined == DType::Bool) {
        true => Ok(op.rule().compute(joined)),
        false => Err(refused(name, a, b)),
    }
}

#[cold]
fn refused(name: &'static str, a: &Operand<'_>, b: &Operand<'_>) -> TensorError {
    TensorError::new(ErrorKind::NotImplemented, name, "not implemented for these dtypes")
        .with("lhs", a.join(ResultType::new()).dtype())
        .with("rhs", b.join(ResultType::new()).dtype())
}

/// `op(a, b)` with promotion and broadcasting.
#[inline]
pub(crate) fn binary(op: BinaryOp, a: &Tensor, b: Operand<'_>) -> Result<Tensor> {
    // The common cases, where there is nothing to promote, to cast or to expand.
    let dtype = a.dtype();
    let plain = !matches!(op, BinaryOp::Pow | BinaryOp::Ldexp)
        && op.rule().accepts().contains(dtype)
        && op.rule().compute(dtype) == dtype;
    match b {
        Operand::Tensor(b) if plain && b.dtype() == dtype && a.layout().has_shape_of(b.layout()) => {
            return same_shape(op, a, b);
        }
        Operand::Scalar(number @ (Scalar::Int(_) | Scalar::Float(_)))
            if plain && DTypeSet::WIDE.contains(dtype) && !records(&[a]) =>
        {
            return with_number(op, a, number, dtype);
        }
        _ => {}
    }
    let left = Operand::Tensor(a);
    let dtype = accepted(op, op.name(), promoted(op, op.name(), &left, &b)?, &left, &b)?;
    if let Some(special) = Special::of(op, dtype, a, &b) {
        return special.apply(op, dtype, a, b);
    }
    match b {
        // What is recorded keeps tensors.
        Operand::Scalar(number) if dtype == a.dtype() && !records(&[a]) => with_number(op, a, number, dtype),
        Operand::Tensor(b) => same_dtype(op, &*a.as_dtype(dtype)?, &*b.as_dtype(dtype)?),
        b => same_dtype(op, &*a.as_dtype(dtype)?, &b.to_tensor(dtype, a.shape())?),
    }
}

/// `op(a, number)` where nothing is recorded.
fn with_number(op: BinaryOp, a: &Tensor, number: Scalar, dtype: DType) -> Result<Tensor> {
    dispatch::compute_with_number(op.name(), a, number, dtype, |be, [a, b], out| be.binary(op, a, b, out))
}

/// [`binary`] with a number on the left, too. As in PyTorch such a number counts by its category alone, and is
/// rounded to the dtype of the result.
pub(crate) fn binary_of(op: BinaryOp, a: Operand<'_>, b: Operand<'_>) -> Result<Tensor> {
    if let Operand::Tensor(a) = a {
        return binary(op, a, b);
    }
    let dtype = accepted(op, op.name(), promoted(op, op.name(), &a, &b)?, &a, &b)?;
    let b = b.to_tensor(dtype, &[])?;
    same_dtype(op, &a.to_tensor(dtype, b.shape())?, &b)
}

/// Operands that PyTorch treats in a way of their own.
enum Special {
    /// Floats to the power of a number.
    Power(f64),
    /// Bools to the power of one.
    Logic(bool),
    /// A half-precision tensor by a number, or by a 0-d tensor of a wider float: the number is not rounded
    /// to the half type first.
    Wide,
    /// Integers times a power of two, or a power whose exponent need not be whole: rounded before the product.
    Scale,
    /// Halves times a power of two with a whole exponent, which a half may not hold.
    ScaleHalf,
}

impl Special {
    fn of(op: BinaryOp, dtype: DType, a: &Tensor, b: &Operand<'_>) -> Option<Special> {
        use BinaryOp::*;
        match (op, b) {
            (Pow, Operand::Scalar(exponent)) if dtype.is_float() => Some(Special::Power(exponent.to_f64())),
            (Pow, Operand::Scalar(exponent)) if a.dtype() == DType::Bool && dtype == DType::Bool => {
                Some(Special::Logic(exponent.to_bool()))
            }
            (Mul | Div | FloorDivide | TruncDivide, b) if dtype.is_half() => match b {
                Operand::Scalar(_) => Some(Special::Wide),
                Operand::Tensor(t) if t.rank() == 0 && t.dtype() != dtype && t.dtype().is_float() => {
                    Some(Special::Wide)
                }
                _ => None,
            },
            (Ldexp, b) if !a.dtype().is_float() || b.join(ResultType::new()).dtype().is_float() => {
                Some(Special::Scale)
            }
            (Ldexp, _) if dtype.is_half() => Some(Special::ScaleHalf),
            _ => None,
        }
    }

    /// The value, of `dtype`.
    fn apply(&self, op: BinaryOp, dtype: DType, a: &Tensor, b: Operand<'_>) -> Result<Tensor> {
        match *self {
            Special::Power(exponent) => power(&a.to_dtype(dtype)?, exponent),
            Special::Logic(true) => a.copy(),
            Special::Logic(false) => Tensor::ones_like(a),
            Special::Wide | Special::ScaleHalf => {
                let b = b.to_tensor(DType::F32, a.shape())?;
                same_dtype(op, &a.to_dtype(DType::F32)?, &b)?.to_dtype(dtype)
            }
            Special::Scale => {
                let power = b.to_tensor(dtype, a.shape())?.exp2()?;
                same_dtype(BinaryOp::Mul, &a.to_dtype(dtype)?, &power)
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
        Some(root) => dispatch::compute_like("pow", [x], x.dtype(), |b, [x], out| b.unary(root, x, out))?,
        None => {
            let exponent = Scalar::Float(exponent);
            dispatch::compute_with_number("pow", x, exponent, x.dtype(), |b, [x, e], out| {
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
    let out =
        dispatch::compute_like(op.name(), [a, b], a.dtype(), |be, [a, b], out| be.binary(op, a, b, out))?;
    if !out.dtype().is_float() {
        return Ok(out);
    }
    Ok(record(op.title(), out, [a, b], |y| {
        let kept = Kept::new(op, a, b, y);
        Box::new(move |context, g| {
            let (a, b, y) = kept.unpack(context)?;
            let of_a = context.needs(0).then(|| gradient_a(op, &a, &b, &y, g)).transpose()?;
            let of_b = context.needs(1).then(|| gradient_b(op, &a, &b, &y, g)).transpose()?;
            Ok(smallvec![of_a, of_b])
        })
    }))
}

/// `a = op(a, b)` in place: `b` broadcasts to `a`, and the result's dtype must fit that of `a`.
pub(crate) fn binary_in_place(op: BinaryOp, a: &Tensor, b: Operand<'_>) -> Result<Tensor> {
    let name = op.in_place_name();
    let left = Operand::Tensor(a);
    let joined = promoted(op, name, &left, &b)?;
    category_fits(name, op.rule().compute(joined), a.dtype())?;
    let dtype = accepted(op, name, joined, &left, &b)?;
    if let Some(special) = Special::of(op, dtype, a, &b) {
        return by_value(name, a, b.tensor().as_slice(), &|x| special.apply(op, dtype, x, b));
    }
    if let (Operand::Scalar(number), true) = (b, dtype == a.dtype()) {
        return in_place(
            name,
            a,
            &[],
            || dispatch::write_number_in_place(name, a, number, |be, io, b| be.binary_assign(op, io, b)),
            || same_shape(op, &a.before_write()?, &b.to_tensor(dtype, a.shape())?),
        );
    }
    let other = b.to_tensor(dtype, a.shape())?;
    fits_in_place(name, a, other.shape())?;
    let other = if other.shape() == a.shape() { other } else { other.broadcast_to(a.shape())? };
    let inputs: &[&Tensor] = &[&other];
    in_place(
        name,
        a,
        inputs,
        || {
            if dtype == a.dtype() {
                dispatch::write_in_place(name, a, [&other], |be, io, [b]| be.binary_assign(op, io, b))
            } else {
                let value = same_shape(op, &a.to_dtype(dtype)?, &other)?;
                dispatch::write_in_place(name, a, [&value], |be, io, [v]| be.copy(v, io))
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

//! Elementwise ops of one operand, by the contract's table.

use std::f64::consts::{FRAC_2_SQRT_PI, LN_2, LN_10, PI};

use rusttorch_backend::ops::UnaryOp;
use rusttorch_backend::{DType, ErrorKind, Result, TensorError};
use smallvec::smallvec;

use super::in_place::category_fits;
use crate::autograd::{Saved, in_place, record};
use crate::dispatch;
use crate::tensor::Tensor;

fn check_dtype(op: UnaryOp, name: &'static str, dtype: DType) -> Result<()> {
    if op.rule().accepts().contains(dtype) {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::NotImplemented, name, "not implemented for this dtype")
        .with("dtype", dtype))
}

pub(crate) fn unary(op: UnaryOp, x: &Tensor) -> Result<Tensor> {
    check_dtype(op, op.name(), x.dtype())?;
    let dtype = op.rule().compute(x.dtype());
    let x = &*x.as_dtype(dtype)?;
    let out =
        dispatch::compute_like(op.name(), [x], op.rule().result(dtype), |b, [x], out| b.unary(op, x, out))?;
    if !out.dtype().is_float() {
        return Ok(out);
    }
    Ok(record(op.title(), out, [x], |y| {
        let (x, y) = match needs(op) {
            Needs::Nothing => (None, None),
            Needs::Input => (Some(Saved::input(x)), None),
            Needs::Output => (None, Some(Saved::output(y))),
        };
        Box::new(move |context, g| {
            let kept = match (&x, &y) {
                (Some(saved), _) | (_, Some(saved)) => saved.unpack(context)?,
                // The rules of these ops look at the gradient alone.
                _ => g.clone(),
            };
            Ok(smallvec![Some(gradient(op, &kept, g)?)])
        })
    }))
}

pub(crate) fn unary_in_place(op: UnaryOp, x: &Tensor) -> Result<Tensor> {
    let name = op.in_place_name();
    check_dtype(op, name, x.dtype())?;
    let result = op.rule().compute(x.dtype());
    category_fits(name, result, x.dtype())?;
    if op.rule().result(result) != result {
        // A predicate writes 0 or 1 into whatever dtype there is.
        let value = unary(op, x)?.to_dtype(x.dtype())?;
        return x.copy_(&value);
    }
    in_place(
        name,
        x,
        &[],
        || dispatch::write_in_place(name, x, [], |b, io, []| b.unary_assign(op, io)),
        || unary(op, &x.before_write()?),
    )
}

/// What the gradient rule of an op looks at.
#[derive(PartialEq)]
enum Needs {
    Nothing,
    Input,
    Output,
}

fn needs(op: UnaryOp) -> Needs {
    use UnaryOp::*;
    match op {
        Neg | Sign | Ceil | Floor | Round | Trunc | Frac | Isnan | Isinf | Isfinite | Isposinf | Isneginf
        | Signbit | LogicalNot | BitwiseNot => Needs::Nothing,
        Abs | Square | Log | Log2 | Log10 | Log1p | Sin | Cos | Asin | Acos | Atan | Sinh | Cosh | Asinh
        | Acosh | Atanh | Erf | Erfc | Erfinv | Lgamma | Digamma | Sinc => Needs::Input,
        Sqrt | Rsqrt | Reciprocal | Exp | Exp2 | Expm1 | Tan | Tanh | Sigmoid | Relu => Needs::Output,
    }
}

/// The gradient of the input from that of the result. `v` is the input or the result, whichever
/// [`needs`] names. Each line is `g * f'`, in PyTorch's form where the form decides about NaN and
/// infinities.
fn gradient(op: UnaryOp, v: &Tensor, g: &Tensor) -> Result<Tensor> {
    use UnaryOp::*;
    match op {
        Abs => g.mul(&v.sign()?),
        Neg => g.neg(),
        Sign | Ceil | Floor | Round | Trunc => Tensor::zeros_like(g),
        Frac => Ok(g.clone()),
        Sqrt => g.div(&v.mul(2.0)?),
        Rsqrt => g.mul(-0.5)?.mul(&v.pow(3)?),
        Square => g.mul(&v.mul(2.0)?),
        Reciprocal => g.neg()?.mul(&v.mul(v)?),
        Exp => g.mul(v),
        Exp2 => g.mul(&v.mul(LN_2)?),
        Expm1 => g.mul(&v.add(1.0)?),
        Log => g.div(v),
        Log2 => g.div(&v.mul(LN_2)?),
        Log10 => g.div(&v.mul(LN_10)?),
        Log1p => g.div(&v.add(1.0)?),
        Sin => g.mul(&v.cos()?),
        Cos => g.mul(&v.sin()?.neg()?),
        Tan => g.mul(&v.square()?.add(1.0)?),
        Asin => g.mul(&one_minus_square(v)?.rsqrt()?),
        Acos => g.mul(&one_minus_square(v)?.rsqrt()?.neg()?),
        Atan => g.div(&v.square()?.add(1.0)?),
        Sinh => g.mul(&v.cosh()?),
        Cosh => g.mul(&v.sinh()?),
        Tanh => g.mul(&one_minus_square(v)?),
        Asinh => g.mul(&v.square()?.add(1.0)?.rsqrt()?),
        Acosh => g.mul(&v.square()?.sub(1.0)?.rsqrt()?),
        Atanh => g.div(&one_minus_square(v)?),
        Erf => gauss(v)?.mul(FRAC_2_SQRT_PI)?.mul(g),
        Erfc => gauss(v)?.mul(-FRAC_2_SQRT_PI)?.mul(g),
        Erfinv => v.erfinv()?.square()?.exp()?.mul(1.0 / FRAC_2_SQRT_PI)?.mul(g),
        Lgamma => g.mul(&v.digamma()?),
        Digamma => g.mul(&v.polygamma(1)?),
        Sinc => g.mul(&sinc_slope(v)?),
        Sigmoid => g.mul(&v.mul(-1.0)?.add(1.0)?)?.mul(v),
        // Zero at 0; a NaN lets the gradient through.
        Relu => g.masked_fill(&v.le(0.0)?, 0.0),
        // Their results are not floats, so they are never recorded.
        Isnan | Isinf | Isfinite | Isposinf | Isneginf | Signbit | LogicalNot | BitwiseNot => {
            Tensor::zeros_like(g)
        }
    }
}

/// `1 - v^2`
fn one_minus_square(v: &Tensor) -> Result<Tensor> {
    v.square()?.neg()?.add(1.0)
}

/// `(pi v cos(pi v) - sin(pi v)) / (pi v^2)`, and 0 at 0.
fn sinc_slope(v: &Tensor) -> Result<Tensor> {
    let angle = v.mul(PI)?;
    let below = v.square()?.mul(PI)?;
    let slope = angle.mul(&angle.cos()?)?.sub(&angle.sin()?)?.div(&below)?;
    slope.masked_fill(&below.eq(0.0)?, 0.0)
}

/// `e^(-v^2)`
fn gauss(v: &Tensor) -> Result<Tensor> {
    v.square()?.neg()?.exp()
}

/// The in-place method of a row, or nothing where the row has none.
macro_rules! in_place_method {
    (-, $variant:ident, $method:ident) => {};
    ($name:ident, $variant:ident, $method:ident) => {
        #[doc = concat!("In-place [`", stringify!($method), "`](Self::", stringify!($method), "). Returns the tensor itself.")]
        pub fn $name(&self) -> Result<Tensor> {
            unary_in_place(UnaryOp::$variant, self)
        }
    };
}

macro_rules! unary_methods {
    ($($(#[$doc:meta])* $variant:ident $method:ident $assign:tt $torch:literal $rule:ident;)*) => {
        /// Elementwise ops of one operand. Every shape; an empty tensor gives an empty one. Where the dtype
        /// is not accepted the error is `NotImplemented`; of the in-place forms it is `DType` where the result would
        /// be a float and the tensor is none.
        impl Tensor {
            $(
                $(#[$doc])*
                ///
                #[doc = concat!("PyTorch: `", $torch, "`.")]
                pub fn $method(&self) -> Result<Tensor> {
                    unary(UnaryOp::$variant, self)
                }
                in_place_method!($assign, $variant, $method);
            )*
        }
    };
}

rusttorch_backend::unary_table! { unary_methods }

//! `+ - * / %`, `& | ^ << >>`, `-` and `!`. They return `Result`, as the methods do, and chain over it:
//! `(&a + &b * 2.0)?`, `(&a * &b + &c)?`.

use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Rem, Shl, Shr, Sub};

use rusttorch_backend::ops::BinaryOp;
use rusttorch_backend::{Result, Scalar};

use super::args::Operand;
use super::binary::{binary, binary_of};
use crate::tensor::Tensor;

/// The right-hand side of an operator: a tensor, a reference to one, the result of another operator, or a
/// number.
pub trait Rhs {
    /// Hands the operand over, or the error it already is.
    fn apply(self, f: impl FnOnce(Operand<'_>) -> Result<Tensor>) -> Result<Tensor>;
}

impl Rhs for &Tensor {
    fn apply(self, f: impl FnOnce(Operand<'_>) -> Result<Tensor>) -> Result<Tensor> {
        f(self.into())
    }
}

impl Rhs for Tensor {
    fn apply(self, f: impl FnOnce(Operand<'_>) -> Result<Tensor>) -> Result<Tensor> {
        f((&self).into())
    }
}

impl Rhs for Result<Tensor> {
    fn apply(self, f: impl FnOnce(Operand<'_>) -> Result<Tensor>) -> Result<Tensor> {
        f((&self?).into())
    }
}

macro_rules! scalar_rhs {
    ($($t:ty),*) => { $(
        impl Rhs for $t {
            fn apply(self, f: impl FnOnce(Operand<'_>) -> Result<Tensor>) -> Result<Tensor> {
                f(Operand::Scalar(self.into()))
            }
        }
    )* };
}
scalar_rhs!(f64, f32, i64, i32, Scalar);

macro_rules! operators {
    ($($trait:ident $method:ident $op:ident;)*) => { $(
        impl<R: Rhs> $trait<R> for &Tensor {
            type Output = Result<Tensor>;
            fn $method(self, rhs: R) -> Result<Tensor> {
                rhs.apply(|b| binary(BinaryOp::$op, self, b))
            }
        }
        impl<R: Rhs> $trait<R> for Tensor {
            type Output = Result<Tensor>;
            fn $method(self, rhs: R) -> Result<Tensor> {
                $trait::$method(&self, rhs)
            }
        }
        impl $trait<&Tensor> for Result<Tensor> {
            type Output = Result<Tensor>;
            fn $method(self, rhs: &Tensor) -> Result<Tensor> {
                $trait::$method(&self?, rhs)
            }
        }
        impl $trait<Tensor> for Result<Tensor> {
            type Output = Result<Tensor>;
            fn $method(self, rhs: Tensor) -> Result<Tensor> {
                $trait::$method(&self?, &rhs)
            }
        }
        // One float and one integer: with a second, the type of the literal in `(2.0 * &a)?` were open.
        scalar_on_the_left!($trait $method $op: f64, i64);
    )* };
}

macro_rules! scalar_on_the_left {
    ($trait:ident $method:ident $op:ident: $($t:ty),*) => { $(
        impl $trait<&Tensor> for $t {
            type Output = Result<Tensor>;
            fn $method(self, rhs: &Tensor) -> Result<Tensor> {
                use BinaryOp::*;
                match BinaryOp::$op {
                    // As in PyTorch's operators, on the right a number keeps more digits beside a half, and a quotient
                    // is taken of one.
                    op @ (Add | Mul | BitwiseAnd | BitwiseOr | BitwiseXor) => binary(op, rhs, self.into()),
                    Div => rhs.reciprocal()?.mul(self),
                    op => binary_of(op, self.into(), rhs.into()),
                }
            }
        }
        impl $trait<Tensor> for $t {
            type Output = Result<Tensor>;
            fn $method(self, rhs: Tensor) -> Result<Tensor> {
                $trait::$method(self, &rhs)
            }
        }
    )* };
}

operators! {
    Add add Add;
    Sub sub Sub;
    Mul mul Mul;
    Div div Div;
    Rem rem Remainder;
    BitAnd bitand BitwiseAnd;
    BitOr bitor BitwiseOr;
    BitXor bitxor BitwiseXor;
    Shl shl BitwiseLeftShift;
    Shr shr BitwiseRightShift;
}

impl Neg for &Tensor {
    type Output = Result<Tensor>;
    fn neg(self) -> Result<Tensor> {
        Tensor::neg(self)
    }
}

impl Neg for Tensor {
    type Output = Result<Tensor>;
    fn neg(self) -> Result<Tensor> {
        Tensor::neg(&self)
    }
}

impl Not for &Tensor {
    type Output = Result<Tensor>;
    fn not(self) -> Result<Tensor> {
        self.bitwise_not()
    }
}

impl Not for Tensor {
    type Output = Result<Tensor>;
    fn not(self) -> Result<Tensor> {
        self.bitwise_not()
    }
}

//! PyTorch's second names of elementwise ops.

use rusttorch_backend::Result;

use super::args::{Bound, Operand};
use crate::tensor::Tensor;

/// Hands the rows of the table of second names to `$use!`: the alias, its in-place method or a dash, and the method
/// it stands for with its in-place method; of one operand, then of two.
macro_rules! alias_table {
    ($use:ident) => {
        $use! {
            unary {
                absolute absolute_ => abs abs_;
                negative negative_ => neg neg_;
                sgn sgn_ => sign sign_;
                fix fix_ => trunc trunc_;
                arccos arccos_ => acos acos_;
                arccosh arccosh_ => acosh acosh_;
                arcsin arcsin_ => asin asin_;
                arcsinh arcsinh_ => asinh asinh_;
                arctan arctan_ => atan atan_;
                arctanh arctanh_ => atanh atanh_;
            }
            binary {
                multiply multiply_ => mul mul_;
                true_divide true_divide_ => div div_;
                arctan2 arctan2_ => atan2 atan2_;
                greater greater_ => gt gt_;
                greater_equal greater_equal_ => ge ge_;
                less less_ => lt lt_;
                less_equal less_equal_ => le le_;
                not_equal not_equal_ => ne ne_;
            }
        }
    };
}
pub(crate) use alias_table;

macro_rules! alias_methods {
    (
        unary { $($one:ident $one_:ident => $method:ident $method_:ident;)* }
        binary { $($two:ident $two_:ident => $op:ident $op_:ident;)* }
    ) => {
        /// PyTorch's second names.
        impl Tensor {
            $(
                #[doc = concat!("[`", stringify!($method), "`](Self::", stringify!($method), ") by another name.")]
                pub fn $one(&self) -> Result<Tensor> {
                    self.$method()
                }
                #[doc = concat!("[`", stringify!($method_), "`](Self::", stringify!($method_), ") by another name.")]
                pub fn $one_(&self) -> Result<Tensor> {
                    self.$method_()
                }
            )*
            $(
                #[doc = concat!("[`", stringify!($op), "`](Self::", stringify!($op), ") by another name.")]
                pub fn $two<'a>(&self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
                    self.$op(other)
                }
                #[doc = concat!("[`", stringify!($op_), "`](Self::", stringify!($op_), ") by another name.")]
                pub fn $two_<'a>(&self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
                    self.$op_(other)
                }
            )*

            /// [`sub`](Self::sub) by another name.
            pub fn subtract<'a>(&self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
                self.sub(other)
            }

            /// [`sub_`](Self::sub_) by another name.
            pub fn subtract_<'a>(&self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
                self.sub_(other)
            }

            /// [`div`](Self::div) by another name.
            pub fn divide<'a>(&self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
                self.div(other)
            }

            /// [`div_`](Self::div_) by another name.
            pub fn divide_<'a>(&self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
                self.div_(other)
            }

            /// [`clamp`](Self::clamp) by another name.
            pub fn clip<'a, 'b>(&self, low: impl Into<Bound<'a>>, high: impl Into<Bound<'b>>) -> Result<Tensor> {
                self.clamp(low, high)
            }

            /// [`clamp_`](Self::clamp_) by another name.
            pub fn clip_<'a, 'b>(&self, low: impl Into<Bound<'a>>, high: impl Into<Bound<'b>>) -> Result<Tensor> {
                self.clamp_(low, high)
            }
        }
    };
}
alias_table! { alias_methods }

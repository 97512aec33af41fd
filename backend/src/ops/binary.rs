//! Elementwise ops of two and three operands.

use super::define_ops;

/// Hands the rows of the table of binary ops to `$use!`, after whatever is passed behind it.
#[macro_export]
macro_rules! binary_table {
    ($use:ident $($head:tt)*) => { $use! { $($head)*
        /// `a + b`. Integers wrap; bool is "or".
        Add add add_ "torch.add" Any;
        /// `a - b`. Integers wrap; bool is refused.
        Sub sub sub_ "torch.sub" Number;
        /// `a * b`. Integers wrap; bool is "and".
        Mul mul mul_ "torch.mul" Any;
        /// `a / b` as floats. Division by zero gives an infinity or NaN, of integers too.
        Div div div_ "torch.div" ToFloat;
        /// `floor(a / b)`, exactly. Integer division by zero is an error (`ZeroDivision`); of floats an
        /// infinity or NaN. The most negative integer by -1 wraps.
        FloorDivide floor_divide floor_divide_ "torch.floor_divide" Number;
        /// `a - b * floor(a / b)`: has the sign of `b`. Integer division by zero is an error.
        Remainder remainder remainder_ "torch.remainder" Number;
        /// `a - b * trunc(a / b)`: has the sign of `a`. Integer division by zero is an error.
        Fmod fmod fmod_ "torch.fmod" Number;
        /// `a ^ b`. `0^0`, `nan^0` and `1^nan` are 1; a negative base with a fractional exponent gives
        /// NaN. Integers wrap; a negative exponent gives 0 except of the bases 1 and -1.
        Pow pow pow_ "torch.pow" Number;
        /// The larger one. NaN if either is NaN; -0 lies below +0.
        Maximum maximum - "torch.maximum" Any;
        /// The smaller one. NaN if either is NaN; -0 lies below +0.
        Minimum minimum - "torch.minimum" Any;
        /// The larger one. NaN only if both are NaN.
        Fmax fmax - "torch.fmax" Any;
        /// The smaller one. NaN only if both are NaN.
        Fmin fmin - "torch.fmin" Any;
        /// The angle of the point `(b, a)` in radians, in [-pi, pi].
        Atan2 atan2 atan2_ "torch.atan2" ToFloat;
        /// Bits set in both; of bools "and".
        BitwiseAnd bitwise_and bitwise_and_ "torch.bitwise_and" Integral;
        /// Bits set in either; of bools "or".
        BitwiseOr bitwise_or bitwise_or_ "torch.bitwise_or" Integral;
        /// Bits set in one only; of bools "exclusive or".
        BitwiseXor bitwise_xor bitwise_xor_ "torch.bitwise_xor" Integral;
    } };
}

binary_table! { define_ops
    /// An elementwise op of two operands of one dtype, result of the same dtype.
    BinaryOp:
}

/// Hands the rows of the table of comparisons to `$use!`, after whatever is passed behind it.
#[macro_export]
macro_rules! compare_table {
    ($use:ident $($head:tt)*) => { $use! { $($head)*
        /// `a == b`. False if either is NaN; the zeros are equal.
        Eq eq eq_ "torch.eq" Predicate;
        /// `a != b`. True if either is NaN.
        Ne ne ne_ "torch.ne" Predicate;
        /// `a < b`. False if either is NaN.
        Lt lt lt_ "torch.lt" Predicate;
        /// `a <= b`. False if either is NaN.
        Le le le_ "torch.le" Predicate;
        /// `a > b`. False if either is NaN.
        Gt gt gt_ "torch.gt" Predicate;
        /// `a >= b`. False if either is NaN.
        Ge ge ge_ "torch.ge" Predicate;
        /// Both differ from zero. NaN does.
        LogicalAnd logical_and logical_and_ "torch.logical_and" Predicate;
        /// Either differs from zero. NaN does.
        LogicalOr logical_or logical_or_ "torch.logical_or" Predicate;
        /// Exactly one differs from zero. NaN does.
        LogicalXor logical_xor logical_xor_ "torch.logical_xor" Predicate;
    } };
}

compare_table! { define_ops
    /// An elementwise op of two operands of one dtype, result bool.
    CompareOp:
}

/// An elementwise op of three operands of one dtype, result of the same dtype.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TernaryOp {
    /// `a + value * b * c` (`torch.addcmul`). Integers wrap.
    Addcmul {
        /// The factor.
        value: f64,
    },
    /// `a + value * b / c` (`torch.addcdiv`); floats only.
    Addcdiv {
        /// The factor.
        value: f64,
    },
    /// `a + c * (b - a)` (`torch.lerp`), from the nearer end as PyTorch does; floats only.
    Lerp,
    /// `min(max(a, b), c)` (`torch.clamp` with tensors). NaN if any is NaN; `b > c` gives c.
    Clamp,
}

impl TernaryOp {
    /// One op of each kind, with the default parameter.
    pub const ALL: &'static [TernaryOp] = &[
        TernaryOp::Addcmul { value: 1.0 },
        TernaryOp::Addcdiv { value: 1.0 },
        TernaryOp::Lerp,
        TernaryOp::Clamp,
    ];

    /// The name of the method on `Tensor`.
    pub const fn name(self) -> &'static str {
        match self {
            TernaryOp::Addcmul { .. } => "addcmul",
            TernaryOp::Addcdiv { .. } => "addcdiv",
            TernaryOp::Lerp => "lerp",
            TernaryOp::Clamp => "clamp",
        }
    }
}

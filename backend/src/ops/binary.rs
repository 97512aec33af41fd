//! Elementwise ops of two and three operands.

use super::define_ops;
use crate::element::Scalar;

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
        /// `trunc(a / b)` of the rounded quotient. Division by zero as for `floor_divide`; the most negative
        /// integer by -1 wraps.
        TruncDivide trunc_divide trunc_divide_ "torch.div(rounding_mode='trunc')" Number;
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
        /// `sqrt(a^2 + b^2)` without overflow on the way. An infinity wins over NaN.
        Hypot hypot hypot_ "torch.hypot" Float;
        /// `|a|` with the sign of `b`, that of zeros and NaN included.
        Copysign copysign copysign_ "torch.copysign" ToFloat;
        /// The number of the dtype next to `a` on the way to `b`; `b` itself where they are equal.
        Nextafter nextafter nextafter_ "torch.nextafter" Float;
        /// `log(e^a + e^b)`, stable. Of two equal infinities it is that infinity.
        Logaddexp logaddexp - "torch.logaddexp" Float;
        /// `log2(2^a + 2^b)`, stable. Of two equal infinities it is that infinity.
        Logaddexp2 logaddexp2 - "torch.logaddexp2" Float;
        /// `a log(b)`, and 0 for `a = 0` unless `b` is NaN.
        Xlogy xlogy xlogy_ "torch.xlogy" ToFloat;
        /// `a * 2^b`, without overflow on the way where `b` is finite.
        Ldexp ldexp ldexp_ "torch.ldexp" ToFloat;
        /// 0 for `a < 0`, `b` for `a = 0`, 1 above; 0 for NaN.
        Heaviside heaviside heaviside_ "torch.heaviside" Any;
        /// The greatest common divisor, not negative where the dtype holds it; `gcd(0, 0)` is 0.
        Gcd gcd gcd_ "torch.gcd" Int;
        /// The least common multiple, which wraps; 0 if either is 0.
        Lcm lcm lcm_ "torch.lcm" Int;
        /// Hurwitz' zeta function `sum over k >= 0 of (b + k)^-a`: a pole (inf) at `a = 1` and where `b` is 0 or a
        /// negative integer; NaN for `a < 1`, and for negative `b` unless `a` is whole.
        Zeta zeta - "torch.special.zeta" Wide;
        /// Bits set in both; of bools "and".
        BitwiseAnd bitwise_and bitwise_and_ "torch.bitwise_and" Integral;
        /// Bits set in either; of bools "or".
        BitwiseOr bitwise_or bitwise_or_ "torch.bitwise_or" Integral;
        /// Bits set in one only; of bools "exclusive or".
        BitwiseXor bitwise_xor bitwise_xor_ "torch.bitwise_xor" Integral;
        /// `a * 2^b`, losing the upper bits. A `b` that is negative or not below the number of bits gives 0.
        BitwiseLeftShift bitwise_left_shift bitwise_left_shift_ "torch.bitwise_left_shift" Int;
        /// `floor(a / 2^b)`. A `b` that is negative or not below the number of bits gives 0, or -1 for `a < 0`.
        BitwiseRightShift bitwise_right_shift bitwise_right_shift_ "torch.bitwise_right_shift" Int;
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
    /// `a + value * b * c` (`torch.addcmul`). Integers wrap. Of floats the last product and the sum may be rounded
    /// together, as PyTorch's are.
    Addcmul {
        /// The factor, cast to the dtype where that is an integer.
        value: Scalar,
    },
    /// `a + value * b / c` (`torch.addcdiv`); floats only.
    Addcdiv {
        /// The factor.
        value: Scalar,
    },
    /// `a + c * (b - a)` (`torch.lerp`), from the nearer end as PyTorch does; floats only.
    Lerp,
    /// `min(max(a, b), c)` (`torch.clamp` with tensors). NaN if any is NaN; `b > c` gives c.
    Clamp,
}

impl TernaryOp {
    /// One op of each kind, with the default parameter.
    pub const ALL: &'static [TernaryOp] = &[
        TernaryOp::Addcmul { value: Scalar::Int(1) },
        TernaryOp::Addcdiv { value: Scalar::Int(1) },
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

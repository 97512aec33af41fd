//! Elementwise ops of one operand.

use super::define_ops;

/// Hands the rows of the table of unary ops to `$use!`, after whatever is passed behind it.
#[macro_export]
macro_rules! unary_table {
    ($use:ident $($head:tt)*) => { $use! { $($head)*
        /// `|x|`. NaN stays NaN; the most negative integer wraps to itself.
        Abs abs abs_ "torch.abs" Number;
        /// `-x`. Integers wrap.
        Neg neg neg_ "torch.neg" Number;
        /// -1, 0 or 1 by the sign of `x`. NaN gives 0 and so do both zeros (+0).
        Sign sign sign_ "torch.sign" Any;
        /// Smallest integer not below `x`. NaN, infinities and -0 stay; integers are returned as they are.
        Ceil ceil ceil_ "torch.ceil" Number;
        /// Largest integer not above `x`. NaN, infinities and -0 stay; integers are returned as they are.
        Floor floor floor_ "torch.floor" Number;
        /// Nearest integer, halves to even. Keeps the sign of zero.
        Round round round_ "torch.round" Number;
        /// The integer part. Keeps the sign of zero.
        Trunc trunc trunc_ "torch.trunc" Number;
        /// `x - trunc(x)`. NaN and infinities give NaN.
        Frac frac frac_ "torch.frac" Float;
        /// `sqrt(x)`. Below zero NaN; -0 stays -0.
        Sqrt sqrt sqrt_ "torch.sqrt" ToFloat;
        /// `1 / sqrt(x)`. A zero gives the infinity of its sign; below zero NaN.
        Rsqrt rsqrt rsqrt_ "torch.rsqrt" ToFloat;
        /// `x * x`. Integers wrap; bool becomes i64.
        Square square square_ "torch.square" Counted;
        /// `1 / x`. A zero gives the infinity of its sign.
        Reciprocal reciprocal reciprocal_ "torch.reciprocal" ToFloat;
        /// `e^x`. NaN stays NaN.
        Exp exp exp_ "torch.exp" ToFloat;
        /// `2^x`. NaN stays NaN.
        Exp2 exp2 exp2_ "torch.exp2" ToFloat;
        /// `e^x - 1`, exact near zero. Keeps the sign of zero.
        Expm1 expm1 expm1_ "torch.expm1" ToFloat;
        /// Natural logarithm. Both zeros give -inf, below zero NaN.
        Log log log_ "torch.log" ToFloat;
        /// Logarithm to base 2. Both zeros give -inf, below zero NaN.
        Log2 log2 log2_ "torch.log2" ToFloat;
        /// Logarithm to base 10. Both zeros give -inf, below zero NaN.
        Log10 log10 log10_ "torch.log10" ToFloat;
        /// `log(1 + x)`, exact near zero. Keeps the sign of zero; -1 gives -inf, below NaN.
        Log1p log1p log1p_ "torch.log1p" ToFloat;
        /// Sine of `x` radians. Infinities give NaN.
        Sin sin sin_ "torch.sin" ToFloat;
        /// Cosine of `x` radians. Infinities give NaN.
        Cos cos cos_ "torch.cos" ToFloat;
        /// Tangent of `x` radians. Infinities give NaN.
        Tan tan tan_ "torch.tan" ToFloat;
        /// Arc sine in radians. Outside of [-1, 1] NaN.
        Asin asin asin_ "torch.asin" ToFloat;
        /// Arc cosine in radians. Outside of [-1, 1] NaN.
        Acos acos acos_ "torch.acos" ToFloat;
        /// Arc tangent in radians.
        Atan atan atan_ "torch.atan" ToFloat;
        /// Hyperbolic sine.
        Sinh sinh sinh_ "torch.sinh" ToFloat;
        /// Hyperbolic cosine.
        Cosh cosh cosh_ "torch.cosh" ToFloat;
        /// Hyperbolic tangent. Keeps the sign of zero.
        Tanh tanh tanh_ "torch.tanh" ToFloat;
        /// Inverse hyperbolic sine.
        Asinh asinh asinh_ "torch.asinh" ToFloat;
        /// Inverse hyperbolic cosine. Below 1 NaN.
        Acosh acosh acosh_ "torch.acosh" ToFloat;
        /// Inverse hyperbolic tangent. ±1 give ±inf, beyond NaN.
        Atanh atanh atanh_ "torch.atanh" ToFloat;
        /// The error function `2/sqrt(pi) * integral of e^(-t^2) over 0..x`.
        Erf erf erf_ "torch.erf" ToFloat;
        /// `1 - erf(x)`, exact in the tail.
        Erfc erfc erfc_ "torch.erfc" ToFloat;
        /// The inverse of `erf`. ±1 give ±inf, beyond NaN. Keeps the sign of zero.
        Erfinv erfinv erfinv_ "torch.erfinv" ToFloat;
        /// `log(|gamma(x)|)`. The poles (zeros and negative integers) and both infinities give inf.
        Lgamma lgamma lgamma_ "torch.lgamma" ToFloat;
        /// `gamma'(x) / gamma(x)`. +0 gives -inf and -0 inf; negative integers and -inf give NaN.
        Digamma digamma digamma_ "torch.digamma" ToFloat;
        /// `sin(pi x) / (pi x)`, and 1 at zero. Infinities give NaN.
        Sinc sinc sinc_ "torch.sinc" ToFloat;
        /// The logistic function `1 / (1 + e^-x)`, stable at both ends.
        Sigmoid sigmoid sigmoid_ "torch.sigmoid" ToFloat;
        /// `max(x, 0)`. NaN stays NaN; -0 may stay -0.
        Relu relu relu_ "torch.relu" Number;
        /// Whether `x` is NaN; false for integers.
        Isnan isnan - "torch.isnan" Predicate;
        /// Whether `x` is an infinity; false for integers.
        Isinf isinf - "torch.isinf" Predicate;
        /// Whether `x` is neither NaN nor an infinity; true for integers.
        Isfinite isfinite - "torch.isfinite" Predicate;
        /// Whether `x` is +inf; false for integers.
        Isposinf isposinf - "torch.isposinf" Predicate;
        /// Whether `x` is -inf; false for integers.
        Isneginf isneginf - "torch.isneginf" Predicate;
        /// Whether the sign of `x` is set: that of -0 is, and that of a NaN may be.
        Signbit signbit - "torch.signbit" Predicate;
        /// Whether `x` equals zero. NaN does not.
        LogicalNot logical_not logical_not_ "torch.logical_not" Predicate;
        /// The complement of every bit; of a bool its negation.
        BitwiseNot bitwise_not bitwise_not_ "torch.bitwise_not" Integral;
    } };
}

unary_table! { define_ops
    /// An elementwise op of one operand.
    UnaryOp:
}

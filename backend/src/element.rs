//! Numbers: scalars as Python has them, the Rust types that lie in buffers, and every cast between them.

use std::fmt;

use bytemuck::{Pod, Zeroable};
use half::{bf16, f16};

use crate::dtype::DType;

/// A number without a tensor, as a Python `bool`, `int` or `float` is: it takes part in promotion
/// by its category alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar {
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A real number.
    Float(f64),
}

impl Scalar {
    /// The dtype that a tensor made of this scalar alone has.
    pub const fn dtype(self) -> DType {
        match self {
            Scalar::Bool(_) => DType::Bool,
            Scalar::Int(_) => DType::I64,
            Scalar::Float(_) => DType::DEFAULT_FLOAT,
        }
    }

    /// The nearest f64.
    pub const fn to_f64(self) -> f64 {
        match self {
            Scalar::Bool(v) => v as u8 as f64,
            Scalar::Int(v) => v as f64,
            Scalar::Float(v) => v,
        }
    }

    /// The value truncated towards zero and saturated; NaN is 0.
    pub const fn to_i64(self) -> i64 {
        match self {
            Scalar::Bool(v) => v as i64,
            Scalar::Int(v) => v,
            Scalar::Float(v) => v as i64,
        }
    }

    /// Whether it differs from zero. NaN does.
    pub const fn to_bool(self) -> bool {
        match self {
            Scalar::Bool(v) => v,
            Scalar::Int(v) => v != 0,
            Scalar::Float(v) => v != 0.0,
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Bool(v) => write!(f, "{v}"),
            Scalar::Int(v) => write!(f, "{v}"),
            Scalar::Float(v) => write!(f, "{v}"),
        }
    }
}

macro_rules! scalar_from {
    ($($from:ty => $variant:ident as $to:ty;)*) => { $(
        impl From<$from> for Scalar {
            fn from(v: $from) -> Self { Scalar::$variant(<$to>::from(v)) }
        }
    )* };
}
scalar_from! {
    bool => Bool as bool;
    u8 => Int as i64; i8 => Int as i64; i16 => Int as i64; i32 => Int as i64; i64 => Int as i64;
    f16 => Float as f64; bf16 => Float as f64; f32 => Float as f64; f64 => Float as f64;
}

/// A truth value as it lies in a buffer: one byte, 0 is false and everything else true.
///
/// Rust's `bool` is undefined for bytes other than 0 and 1, which foreign memory may hold.
#[derive(Clone, Copy, Default, Zeroable, Pod)]
#[repr(transparent)]
pub struct Boolean(u8);

impl Boolean {
    /// The truth value.
    pub const fn get(self) -> bool {
        self.0 != 0
    }
}

impl From<bool> for Boolean {
    fn from(v: bool) -> Self {
        Boolean(v as u8)
    }
}

impl PartialEq for Boolean {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl fmt::Debug for Boolean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// A Rust type that lies in a tensor's buffer.
///
/// The two conversions define every cast of the framework: float to integer truncates, saturates
/// and turns NaN into 0 (PyTorch leaves the last two undefined); integer to integer wraps; anything
/// to bool is `!= 0`; to a half type goes through f32, as PyTorch's does.
pub trait Element: Pod + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// The dtype whose elements these are.
    const DTYPE: DType;
    /// The value without loss.
    fn to_scalar(self) -> Scalar;
    /// The value cast to this type.
    fn from_scalar(value: Scalar) -> Self;
}

macro_rules! int_element {
    ($($t:ty => $d:ident),*) => { $(
        impl Element for $t {
            const DTYPE: DType = DType::$d;
            #[inline(always)]
            fn to_scalar(self) -> Scalar { Scalar::Int(self as i64) }
            #[inline(always)]
            fn from_scalar(value: Scalar) -> Self {
                match value {
                    Scalar::Bool(v) => v as $t,
                    Scalar::Int(v) => v as $t,
                    Scalar::Float(v) => v as $t,
                }
            }
        }
    )* };
}
int_element!(u8 => U8, i8 => I8, i16 => I16, i32 => I32, i64 => I64);

macro_rules! float_element {
    ($($t:ty => $d:ident, |$i:ident| $from_int:expr, |$f:ident| $from_float:expr;)*) => { $(
        impl Element for $t {
            const DTYPE: DType = DType::$d;
            #[inline(always)]
            fn to_scalar(self) -> Scalar { Scalar::Float(f64::from(self)) }
            #[inline(always)]
            fn from_scalar(value: Scalar) -> Self {
                match value {
                    Scalar::Bool(v) => { let $i = v as i64; $from_int }
                    Scalar::Int($i) => $from_int,
                    Scalar::Float($f) => $from_float,
                }
            }
        }
    )* };
}
float_element! {
    f64 => F64, |i| i as f64, |f| f;
    f32 => F32, |i| i as f32, |f| f as f32;
    f16 => F16, |i| f16::from_f32(i as f32), |f| f16::from_f32(f as f32);
    bf16 => BF16, |i| bf16::from_f32(i as f32), |f| bf16::from_f32(f as f32);
}

impl Element for Boolean {
    const DTYPE: DType = DType::Bool;
    #[inline(always)]
    fn to_scalar(self) -> Scalar {
        Scalar::Bool(self.get())
    }
    #[inline(always)]
    fn from_scalar(value: Scalar) -> Self {
        value.to_bool().into()
    }
}

/// Runs `$body` with `$T` bound to the [`Element`] type of a [`DType`].
///
/// `match_dtype!(dtype, T => f::<T>(x))` covers all ten; `match_dtype!(floats dtype, T => .., else e)`
/// and `ints` cover a category and evaluate `e` for the others.
#[macro_export]
macro_rules! match_dtype {
    ($dtype:expr, $T:ident => $body:expr) => {
        $crate::match_dtype!(@arms $dtype, $T => $body; [
            Bool $crate::Boolean; U8 u8; I8 i8; I16 i16; I32 i32; I64 i64;
            F16 $crate::f16; BF16 $crate::bf16; F32 f32; F64 f64;
        ])
    };
    (floats $dtype:expr, $T:ident => $body:expr, else $other:expr) => {
        $crate::match_dtype!(@arms $dtype, $T => $body; [
            F16 $crate::f16; BF16 $crate::bf16; F32 f32; F64 f64;
        ] _ => $other)
    };
    (ints $dtype:expr, $T:ident => $body:expr, else $other:expr) => {
        $crate::match_dtype!(@arms $dtype, $T => $body; [U8 u8; I8 i8; I16 i16; I32 i32; I64 i64;] _ => $other)
    };
    (@arms $dtype:expr, $T:ident => $body:expr; [$($variant:ident $element:ty;)*] $($rest:tt)*) => {
        match $dtype {
            $($crate::DType::$variant => {
                type $T = $element;
                $body
            })*
            $($rest)*
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts_saturate_truncate_and_round_to_even() {
        let f = |v: f64| Scalar::Float(v);
        assert_eq!(u8::from_scalar(f(300.7)), 255);
        assert_eq!(u8::from_scalar(f(-1.0)), 0);
        assert_eq!(i32::from_scalar(f(f64::NAN)), 0);
        assert_eq!(i32::from_scalar(f(-1.9)), -1);
        assert_eq!(i8::from_scalar(Scalar::Int(300)), 44);
        assert!(Boolean::from_scalar(f(f64::NAN)).get());
        assert_eq!(f32::from_scalar(f(1e39)), f32::INFINITY);
        assert_eq!(f32::from_scalar(Scalar::Int((1 << 24) + 1)), 16777216.0);
        assert_eq!(f16::from_scalar(f(65520.0)), f16::INFINITY);
        assert_eq!(f16::from_scalar(f(65519.0)).to_f32(), 65504.0);
        assert_eq!(f16::from_scalar(f(1e-8)).to_f32(), 0.0);
        assert_eq!(f16::from_scalar(f(5.96e-8)).to_bits(), 1);
        assert_eq!(bf16::from_scalar(f(1.00390625)).to_f32(), 1.0);
        assert_eq!(bf16::from_scalar(f(1.01171875)).to_f32(), 1.015625);
    }
}

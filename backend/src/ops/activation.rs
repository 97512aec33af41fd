//! Activations with a fused backward.

use crate::dtype::DType;
use crate::element::{Element, Scalar};

/// Hands the rows of the table of activations to `$use!`, after whatever is passed behind it. A row:
/// `/// doc` `Variant method method_ Title "torch.name"`, where the third column names the in-place method, or
/// is `-` where PyTorch has none, and the fourth the node of a graph; then, in braces, its parameters:
/// `/// doc` `name: Rounding = default`, by the [`Rounding`](crate::ops::Rounding) that PyTorch gives them, with
/// its default, or where it has none some ordinary value.
#[macro_export]
macro_rules! activation_table {
    ($use:ident $($head:tt)*) => { $use! { $($head)*
        /// `x > 0 ? x : negative_slope * x`.
        LeakyRelu leaky_relu leaky_relu_ LeakyRelu "torch.nn.functional.leaky_relu" {
            /// Slope below zero.
            negative_slope: Wide = 0.01
        };
        /// `x > 0 ? x : alpha * (e^x - 1)`.
        Elu elu elu_ Elu "torch.nn.functional.elu" {
            /// Negated limit at -inf.
            alpha: Wide = 1.0
        };
        /// `x > 0 ? x : alpha * (e^(x / alpha) - 1)`, whose slope at zero is 1.
        Celu celu celu_ Celu "torch.celu" {
            /// Negated limit at -inf.
            alpha: Wide = 1.0
        };
        /// `scale * (x > 0 ? x : alpha * (e^x - 1))` with the constants of Klambauer et al. 2017.
        Selu selu selu_ Elu "torch.selu";
        /// `x * sigmoid(x)`, also called swish.
        Silu silu silu_ Silu "torch.nn.functional.silu";
        /// `x * tanh(softplus(x))`.
        Mish mish mish_ Mish "torch.nn.functional.mish";
        /// Gaussian error linear unit `x * Phi(x)` with the normal distribution function.
        Gelu gelu - Gelu "torch.nn.functional.gelu";
        /// `x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))`: gelu with `approximate="tanh"`.
        GeluTanh gelu_tanh - Gelu "torch.nn.functional.gelu";
        /// `log(1 + e^(beta x)) / beta`; `x` itself where `beta x > threshold`.
        Softplus softplus - Softplus "torch.nn.functional.softplus" {
            /// Sharpness.
            beta: Wide = 1.0,
            /// Where the function becomes the identity.
            threshold: Wide = 20.0
        };
        /// `x / (1 + |x|)`.
        Softsign softsign - Div "torch.nn.functional.softsign";
        /// `log(sigmoid(x))`, stable.
        LogSigmoid logsigmoid - LogSigmoid "torch.nn.functional.logsigmoid";
        /// `min(max(x, min_val), max_val)`; relu6 is the one from 0 to 6.
        Hardtanh hardtanh hardtanh_ Hardtanh "torch.nn.functional.hardtanh" {
            /// The least value.
            min_val: Bound = -1.0,
            /// The greatest value.
            max_val: Bound = 1.0
        };
        /// `min(max(x + 3, 0), 6) / 6`.
        Hardsigmoid hardsigmoid hardsigmoid_ Hardsigmoid "torch.nn.functional.hardsigmoid";
        /// `x * min(max(x + 3, 0), 6) / 6`.
        Hardswish hardswish hardswish_ Hardswish "torch.nn.functional.hardswish";
        /// `-lambd <= x <= lambd ? 0 : x`.
        Hardshrink hardshrink - Hardshrink "torch.hardshrink" {
            /// Half the width of the gap.
            lambd: Element = 0.5
        };
        /// `x > lambd ? x - lambd : x < -lambd ? x + lambd : 0`.
        Softshrink softshrink - Softshrink "torch.nn.functional.softshrink" {
            /// Half the width of the gap, at least 0.
            lambd: Element = 0.5
        };
        /// `x <= threshold ? value : x`.
        Threshold threshold threshold_ Threshold "torch.threshold" {
            /// Up to where the value takes the place of the input.
            threshold: Wide = 0.5,
            /// What takes its place.
            value: Element = 2.0
        };
    } };
}

/// To what dtype a parameter is rounded before it takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// The tensor's own.
    Element,
    /// That of the computation: f32 for the half types.
    Wide,
    /// The tensor's own in the value, that of the computation in the gradient.
    Bound,
}

impl Rounding {
    /// The dtype in the value, for an input of `dtype`.
    pub const fn dtype(self, dtype: DType) -> DType {
        match self {
            Rounding::Wide if dtype.is_half() => DType::F32,
            _ => dtype,
        }
    }

    /// The dtype in the gradient.
    pub const fn gradient_dtype(self, dtype: DType) -> DType {
        match self {
            Rounding::Bound => Rounding::Wide.dtype(dtype),
            _ => self.dtype(dtype),
        }
    }
}

macro_rules! define_activations {
    ($($(#[$doc:meta])* $variant:ident $method:ident $assign:tt $title:ident $torch:literal
        $({ $($(#[$param_doc:meta])* $param:ident: $rounding:ident = $default:expr),* })?;)*) => {
        /// An activation with a fused backward. Floats only; NaN stays NaN.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum Activation {
            $($(#[$doc])* $variant $({ $($(#[$param_doc])* $param: f64),* })?,)*
        }

        impl Activation {
            /// Every row, with PyTorch's default parameters.
            pub const ALL: &'static [Activation] =
                &[$(Activation::$variant $({ $($param: $default),* })?,)*];

            /// The name of the method on `Tensor`.
            pub const fn name(self) -> &'static str {
                match self { $(Activation::$variant { .. } => stringify!($method),)* }
            }

            /// The name of the node in a graph, which is PyTorch's.
            pub const fn title(self) -> &'static str {
                match self { $(Activation::$variant { .. } => stringify!($title),)* }
            }

            /// The qualified name of the PyTorch function that it must agree with.
            pub const fn torch(self) -> &'static str {
                match self { $(Activation::$variant { .. } => $torch,)* }
            }

            /// The row of a method, with the parameters that `value` gives for a name and its default.
            pub fn named(name: &str, mut value: impl FnMut(&'static str, f64) -> f64) -> Option<Activation> {
                // A row without parameters does not ask.
                let _ = &mut value;
                match name {
                    $(stringify!($method) => Some(Activation::$variant $({
                        $($param: value(stringify!($param), $default)),*
                    })?),)*
                    _ => None,
                }
            }

            /// The same op with every parameter replaced.
            pub fn map(self, mut f: impl FnMut(&'static str, Rounding, f64) -> f64) -> Activation {
                match self {
                    $(Activation::$variant $({ $($param),* })? => Activation::$variant $({
                        $($param: f(stringify!($param), Rounding::$rounding, $param)),*
                    })?,)*
                }
            }
        }
    };
}
activation_table! { define_activations }

impl Activation {
    /// `scale` of SELU: Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    pub const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
    /// `alpha` of SELU, from the same paper.
    pub const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

    /// With its parameters rounded as they take part in the value for an input of `dtype`: what a backend is
    /// handed.
    pub fn rounded(self, dtype: DType) -> Activation {
        self.map(|_, rounding, value| round(value, rounding.dtype(dtype)))
    }

    /// The same for the gradient.
    pub fn gradient_rounded(self, dtype: DType) -> Activation {
        self.map(|_, rounding, value| round(value, rounding.gradient_dtype(dtype)))
    }
}

/// The nearest number of a float dtype.
fn round(value: f64, dtype: DType) -> f64 {
    let scalar = Scalar::Float(value);
    crate::match_dtype!(floats dtype, T => T::from_scalar(scalar).to_scalar().to_f64(), else value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_rounded_to_what_they_meet() {
        let threshold = Activation::Threshold { threshold: 0.1, value: 0.1 };
        let Activation::Threshold { threshold, value } = threshold.rounded(DType::F16) else {
            unreachable!()
        };
        assert_eq!(threshold, f64::from(0.1f32));
        assert_eq!(value, crate::f16::from_f64(0.1).to_f64());
        let hardtanh = Activation::Hardtanh { min_val: -1.0, max_val: 0.1 };
        let max_of = |op| if let Activation::Hardtanh { max_val, .. } = op { max_val } else { f64::NAN };
        assert_eq!(max_of(hardtanh.rounded(DType::F16)), crate::f16::from_f64(0.1).to_f64());
        assert_eq!(max_of(hardtanh.gradient_rounded(DType::F16)), f64::from(0.1f32));
        let elu = Activation::Elu { alpha: 0.1 };
        assert_eq!(elu.rounded(DType::F64), elu);
        assert_eq!(elu.rounded(DType::F32), Activation::Elu { alpha: f64::from(0.1f32) });
        assert_eq!(Activation::Silu.rounded(DType::BF16), Activation::Silu);
    }

    #[test]
    fn a_row_is_found_by_its_name() {
        for &op in Activation::ALL {
            assert_eq!(Activation::named(op.name(), |_, default| default), Some(op));
        }
        let op = Activation::named("softplus", |name, default| if name == "beta" { 3.0 } else { default });
        assert_eq!(op, Some(Activation::Softplus { beta: 3.0, threshold: 20.0 }));
        assert_eq!(Activation::named("relu7", |_, default| default), None);
    }
}

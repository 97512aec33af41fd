//! Activations as modules.

use rusttorch_backend::Result;
use rusttorch_backend::ops::GeluForm;

use super::module::Module;
use crate::tensor::Tensor;

/// One row a module: its doc, name, fields with PyTorch's defaults, and what it computes.
macro_rules! activations {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr),* } |$s:ident, $x:ident| $body:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                $name { $($field: $default,)* }
            }
        }

        impl Module for $name {
            fn forward(&self, $x: &Tensor) -> Result<Tensor> {
                let $s = self;
                $body
            }
        }
    )* };
}

activations! {
    /// `max(x, 0)`; NaN stays NaN.
    ReLU {} |_s, x| x.relu();
    /// `x > 0 ? x : negative_slope * x`.
    LeakyReLU {
        /// Slope below zero.
        negative_slope: f64 = 0.01
    } |s, x| x.leaky_relu(s.negative_slope);
    /// `x > 0 ? x : alpha * (e^x - 1)`.
    ELU {
        /// Negated limit at -inf.
        alpha: f64 = 1.0
    } |s, x| x.elu(s.alpha);
    /// Scaled ELU with the constants of Klambauer et al. 2017.
    SELU {} |_s, x| x.selu();
    /// `1 / (1 + e^-x)`.
    Sigmoid {} |_s, x| x.sigmoid();
    /// `log(sigmoid(x))`.
    LogSigmoid {} |_s, x| x.logsigmoid();
    /// Hyperbolic tangent.
    Tanh {} |_s, x| x.tanh();
    /// `x * sigmoid(x)`.
    SiLU {} |_s, x| x.silu();
    /// `x * tanh(softplus(x))`.
    Mish {} |_s, x| x.mish();
    /// `x * Phi(x)`, exact or by tanh.
    GELU {
        /// Which formula.
        form: GeluForm = GeluForm::Erf
    } |s, x| match s.form {
        GeluForm::Erf => x.gelu(),
        GeluForm::Tanh => x.gelu_tanh(),
    };
    /// `log(1 + e^(beta x)) / beta`, and `x` where `beta x > threshold`.
    Softplus {
        /// Sharpness.
        beta: f64 = 1.0,
        /// Where the function becomes the identity.
        threshold: f64 = 20.0
    } |s, x| x.softplus(s.beta, s.threshold);
    /// `x / (1 + |x|)`.
    Softsign {} |_s, x| x.softsign();
    /// `e^x / sum(e^x)` along a dimension.
    Softmax {
        /// The dimension.
        dim: isize = -1
    } |s, x| x.softmax(s.dim);
    /// `x - log(sum(e^x))` along a dimension.
    LogSoftmax {
        /// The dimension.
        dim: isize = -1
    } |s, x| x.log_softmax(s.dim);
}

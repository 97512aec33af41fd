//! Activations as modules.

use rusttorch_backend::{DType, Result};

use super::module::Module;
use crate::tensor::Tensor;

/// Which formula [`GELU`] uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GeluForm {
    /// `x * Phi(x)` with the normal distribution function: PyTorch's `approximate="none"`.
    Erf,
    /// `approximate="tanh"`.
    Tanh,
}

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
    /// Softmax of `-x` along a dimension.
    Softmin {
        /// The dimension.
        dim: isize = -1
    } |s, x| x.softmin(s.dim);
    /// `min(max(x, 0), 6)`.
    ReLU6 {} |_s, x| x.relu6();
    /// `min(max(x, min_val), max_val)`.
    Hardtanh {
        /// The least value.
        min_val: f64 = -1.0,
        /// The greatest value.
        max_val: f64 = 1.0
    } |s, x| x.hardtanh(s.min_val, s.max_val);
    /// `min(max(x + 3, 0), 6) / 6`.
    Hardsigmoid {} |_s, x| x.hardsigmoid();
    /// `x * min(max(x + 3, 0), 6) / 6`.
    Hardswish {} |_s, x| x.hardswish();
    /// `-lambd <= x <= lambd ? 0 : x`.
    Hardshrink {
        /// Half the width of the gap.
        lambd: f64 = 0.5
    } |s, x| x.hardshrink(s.lambd);
    /// `x > lambd ? x - lambd : x < -lambd ? x + lambd : 0`.
    Softshrink {
        /// Half the width of the gap, at least 0.
        lambd: f64 = 0.5
    } |s, x| x.softshrink(s.lambd);
    /// `x - tanh(x)`.
    Tanhshrink {} |_s, x| x.tanhshrink();
    /// `x > 0 ? x : alpha * (e^(x / alpha) - 1)`.
    CELU {
        /// Negated limit at -inf, not 0.
        alpha: f64 = 1.0
    } |s, x| x.celu(s.alpha);
    /// `a * sigmoid(b)` with the two halves of the input along a dimension.
    GLU {
        /// The dimension.
        dim: isize = -1
    } |s, x| x.glu(s.dim);
}

/// `x <= threshold ? value : x`. PyTorch: `torch.nn.Threshold`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// Up to where the value takes the place of the input.
    pub threshold: f64,
    /// What takes its place.
    pub value: f64,
}

impl Module for Threshold {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.threshold(self.threshold, self.value)
    }
}

/// `x > 0 ? x : weight * x` with a learned weight `[1]` or `[channels]`, channels being dimension 1. PyTorch:
/// `torch.nn.PReLU`.
#[derive(Debug, Clone)]
pub struct PReLU {
    weight: Tensor,
}

impl PReLU {
    /// With `parameters` weights, 1 or one for each channel, all starting as `init` (in PyTorch 1 and 0.25). f32.
    /// Error: `Memory`.
    pub fn new(parameters: usize, init: f64) -> Result<PReLU> {
        let weight = Tensor::full(&[parameters], init, DType::F32)?.requires_grad_(true)?;
        Ok(PReLU { weight })
    }

    /// The vector of slopes.
    pub fn weight(&self) -> &Tensor {
        &self.weight
    }
}

impl Module for PReLU {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.prelu(&self.weight)
    }

    fn own_parameters(&self) -> Vec<(&str, &Tensor)> {
        vec![("weight", &self.weight)]
    }
}

//! Ops that a backend gets for nothing, composed from its primitives, and may override with a fused
//! kernel.

use smallvec::SmallVec;

/// Normalised exponentials along one axis, floats only. A row of -inf gives NaN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SoftmaxOp {
    /// `e^x / sum(e^x)`, stable.
    Softmax,
    /// `x - log(sum(e^x))`, stable.
    LogSoftmax,
}

impl SoftmaxOp {
    /// Both.
    pub const ALL: &'static [SoftmaxOp] = &[SoftmaxOp::Softmax, SoftmaxOp::LogSoftmax];

    /// The name of the method on `Tensor`, which is PyTorch's.
    pub const fn name(self) -> &'static str {
        match self {
            SoftmaxOp::Softmax => "softmax",
            SoftmaxOp::LogSoftmax => "log_softmax",
        }
    }
}

/// Which normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NormKind {
    /// `(x - mean) / sqrt(var + eps)` with the biased variance.
    Standard,
    /// `x / sqrt(mean(x^2) + eps)`.
    RootMeanSquare,
}

/// Normalisation over a set of axes: layer, batch (training), group and instance norm, by the choice
/// of axes and of the view.
#[derive(Debug, Clone, PartialEq)]
pub struct Norm {
    /// The formula.
    pub kind: NormKind,
    /// Over which axes mean and variance are taken, ascending.
    pub axes: SmallVec<[usize; 6]>,
    /// Added to the variance.
    pub eps: f64,
}

/// How a loss ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// One value an element.
    None,
    /// Their mean; of weighted classes the sum divided by the sum of the weights used.
    Mean,
    /// Their sum.
    Sum,
}

/// A loss between an input and a target. Floats only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// `(x - t)^2`.
    Mse,
    /// `|x - t|`.
    L1,
    /// `d^2 / (2 beta)` where `d = |x - t| < beta`, else `d - beta/2`. With beta 0 it is L1.
    SmoothL1 {
        /// Where the parabola ends, at least 0.
        beta: f64,
    },
    /// `-(t log x + (1 - t) log(1 - x))` with the logarithms clamped at -100; x in [0, 1].
    BinaryCrossEntropy,
    /// `-log_softmax(x)[t]` for class indices `t` along axis 1 (axis 0 of a vector).
    CrossEntropy {
        /// Target that counts for nothing.
        ignore_index: i64,
        /// Share of the target spread evenly over all classes, in [0, 1].
        label_smoothing: f64,
    },
}

impl Loss {
    /// One of each kind, with PyTorch's default parameters.
    pub const ALL: &'static [Loss] = &[
        Loss::Mse,
        Loss::L1,
        Loss::SmoothL1 { beta: 1.0 },
        Loss::BinaryCrossEntropy,
        Loss::CrossEntropy { ignore_index: -100, label_smoothing: 0.0 },
    ];

    /// The name of the function in PyTorch's `nn.functional`.
    pub const fn name(self) -> &'static str {
        match self {
            Loss::Mse => "mse_loss",
            Loss::L1 => "l1_loss",
            Loss::SmoothL1 { .. } => "smooth_l1_loss",
            Loss::BinaryCrossEntropy => "binary_cross_entropy",
            Loss::CrossEntropy { .. } => "cross_entropy",
        }
    }
}

/// A convolution (cross-correlation, as in PyTorch) over 1, 2 or 3 spatial axes. Each list has one
/// entry per spatial axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv {
    /// Step between windows, in elements, at least 1.
    pub stride: SmallVec<[usize; 3]>,
    /// Zeros added at both ends, in elements.
    pub padding: SmallVec<[usize; 3]>,
    /// Step between the taps of a window, in elements, at least 1.
    pub dilation: SmallVec<[usize; 3]>,
    /// Into how many independent groups the channels fall.
    pub groups: usize,
}

/// What a pool takes of its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PoolKind {
    /// The largest element; padding counts as -inf; NaN wins.
    Max,
    /// The mean; padding counts as zeros (`count_include_pad=True`).
    Average,
}

/// Pooling over 1, 2 or 3 spatial axes. Each list has one entry per spatial axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// What is taken of a window.
    pub kind: PoolKind,
    /// Window sizes, in elements, at least 1.
    pub window: SmallVec<[usize; 3]>,
    /// Step between windows, in elements, at least 1.
    pub stride: SmallVec<[usize; 3]>,
    /// Elements added at both ends, at most half of the window.
    pub padding: SmallVec<[usize; 3]>,
}

/// Scaled dot-product attention.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attention {
    /// Factor of the products; usually `1 / sqrt(E)`.
    pub scale: f64,
}

/// An optimizer's update rule, with its hyper-parameters and the number of the step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimizer {
    /// `g += weight_decay * p; m = momentum * m + (1 - dampening) * g` (at the first step `m = g`);
    /// `g = nesterov ? g + momentum * m : m; p -= lr * g`. One state tensor `m` where momentum is not 0.
    Sgd {
        /// Learning rate.
        lr: f64,
        /// Share of the last step that is kept.
        momentum: f64,
        /// Share of the gradient that the momentum leaves out.
        dampening: f64,
        /// L2 penalty.
        weight_decay: f64,
        /// Look ahead by one momentum step.
        nesterov: bool,
    },
    /// Kingma and Ba 2015, with PyTorch's order: `m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
    /// p -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)`. Two state tensors `m`, `v`.
    Adam {
        /// Learning rate.
        lr: f64,
        /// Decay of the first moment.
        beta1: f64,
        /// Decay of the second moment.
        beta2: f64,
        /// Added to the root, after bias correction.
        eps: f64,
        /// L2 penalty, or with `decoupled` the decay of the parameter itself.
        weight_decay: f64,
        /// Loshchilov and Hutter 2019 (AdamW): `p *= 1 - lr * weight_decay` before the step.
        decoupled: bool,
    },
}

impl Optimizer {
    /// How many state tensors, each of the parameter's shape and dtype, the rule keeps.
    pub const fn state_count(&self) -> usize {
        match self {
            Optimizer::Sgd { momentum, .. } => (*momentum != 0.0) as usize,
            Optimizer::Adam { .. } => 2,
        }
    }

    /// PyTorch's name.
    pub const fn name(&self) -> &'static str {
        match self {
            Optimizer::Sgd { .. } => "SGD",
            Optimizer::Adam { decoupled: false, .. } => "Adam",
            Optimizer::Adam { decoupled: true, .. } => "AdamW",
        }
    }
}

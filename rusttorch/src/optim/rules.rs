//! Update rules and their hyper-parameters, with PyTorch's names and defaults.

use rusttorch_backend::ops::Optimizer as Rule;
use rusttorch_backend::{ErrorKind, Result, TensorError};

use super::optimizer::Optimizer;
use crate::tensor::Tensor;

/// Hyper-parameters that can be put to work on some parameters.
pub trait Optimize {
    /// An optimizer of these parameters. Errors: `Argument` for a hyper-parameter outside of its domain, no
    /// parameters, one that stands there twice or is not a leaf; `DType` for one that is not a float.
    fn over(self, parameters: Vec<Tensor>) -> Result<Optimizer>;
}

/// Stochastic gradient descent, with momentum. PyTorch: `torch.optim.SGD`.
///
/// `g += weight_decay p`, `m = momentum m + (1 - dampening) g` (first step: `m = g`),
/// `g = nesterov ? g + momentum m : m`, `p -= lr g`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// Learning rate, at least 0.
    pub lr: f64,
    /// Share of the last step that is kept, at least 0.
    pub momentum: f64,
    /// Share of the gradient that the momentum leaves out.
    pub dampening: f64,
    /// L2 penalty, at least 0.
    pub weight_decay: f64,
    /// Look ahead by one momentum step. Needs momentum and no dampening.
    pub nesterov: bool,
}

impl Default for Sgd {
    fn default() -> Self {
        Sgd { lr: 1e-3, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false }
    }
}

/// Kingma and Ba 2015. PyTorch: `torch.optim.Adam`.
///
/// `g += weight_decay p`, `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`,
/// `p -= lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    /// Learning rate, at least 0.
    pub lr: f64,
    /// Decays of the two moments, each in [0, 1).
    pub betas: (f64, f64),
    /// Added to the root, at least 0.
    pub eps: f64,
    /// L2 penalty, at least 0.
    pub weight_decay: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Adam { lr: 1e-3, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 0.0 }
    }
}

/// Adam with decoupled weight decay, Loshchilov and Hutter 2019: `p *= 1 - lr weight_decay` takes the
/// place of the L2 penalty. PyTorch: `torch.optim.AdamW`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamW {
    /// Learning rate, at least 0.
    pub lr: f64,
    /// Decays of the two moments, each in [0, 1).
    pub betas: (f64, f64),
    /// Added to the root, at least 0.
    pub eps: f64,
    /// Decay of the parameters, at least 0.
    pub weight_decay: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        AdamW { lr: 1e-3, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 1e-2 }
    }
}

fn at_least_zero(op: &'static str, name: &'static str, value: f64) -> Result<()> {
    if value >= 0.0 {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::Argument, op, "hyper-parameter must be at least 0").with(name, value))
}

impl Optimize for Sgd {
    fn over(self, parameters: Vec<Tensor>) -> Result<Optimizer> {
        let Sgd { lr, momentum, dampening, weight_decay, nesterov } = self;
        at_least_zero("SGD", "lr", lr)?;
        at_least_zero("SGD", "momentum", momentum)?;
        at_least_zero("SGD", "weight_decay", weight_decay)?;
        if nesterov && (momentum <= 0.0 || dampening != 0.0) {
            return Err(TensorError::new(
                ErrorKind::Argument,
                "SGD",
                "nesterov needs momentum above 0 and dampening 0",
            )
            .with("momentum", momentum)
            .with("dampening", dampening));
        }
        Optimizer::new(Rule::Sgd { lr, momentum, dampening, weight_decay, nesterov }, parameters)
    }
}

fn adam(
    lr: f64,
    betas: (f64, f64),
    eps: f64,
    weight_decay: f64,
    decoupled: bool,
    parameters: Vec<Tensor>,
) -> Result<Optimizer> {
    let rule = Rule::Adam { lr, beta1: betas.0, beta2: betas.1, eps, weight_decay, decoupled };
    let op = rule.name();
    at_least_zero(op, "lr", lr)?;
    at_least_zero(op, "eps", eps)?;
    at_least_zero(op, "weight_decay", weight_decay)?;
    for (name, beta) in [("beta1", betas.0), ("beta2", betas.1)] {
        if !(0.0..1.0).contains(&beta) {
            return Err(
                TensorError::new(ErrorKind::Argument, op, "decay lies outside of [0, 1)").with(name, beta)
            );
        }
    }
    Optimizer::new(rule, parameters)
}

impl Optimize for Adam {
    fn over(self, parameters: Vec<Tensor>) -> Result<Optimizer> {
        adam(self.lr, self.betas, self.eps, self.weight_decay, false, parameters)
    }
}

impl Optimize for AdamW {
    fn over(self, parameters: Vec<Tensor>) -> Result<Optimizer> {
        adam(self.lr, self.betas, self.eps, self.weight_decay, true, parameters)
    }
}

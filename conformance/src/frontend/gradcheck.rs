//! Finite differences in f64: the gradient of every differentiable op against the slope of its own values.

use std::sync::Arc;

use rusttorch::autograd::{GradOptions, grad};
use rusttorch::backends::with_backend;
use rusttorch::catalogue::{self, Value};
use rusttorch::nn::functional::{self as nn, CrossEntropy};
use rusttorch::{DType, ErrorKind, Reduction, Result, Tensor, TensorError};
use rusttorch_backend::activation_table;
use rusttorch_backend::ops::{BinaryOp, UnaryOp};
use rusttorch_backend::{Backend, Scalar};

use super::arguments::{dense, tensor};
use crate::compare::Measured;
use crate::dense::Dense;
use crate::layouts::Class;
use crate::report::{Record, Report, Status};

/// Step of the central difference: its error is about `h^2` plus `eps / h`, both near 1e-10 here.
const STEP: f64 = 1e-5;
/// Bound of the difference between slope and gradient, relative to 1 and the gradient.
const BOUND: f64 = 1e-7;

type Function = Box<dyn Fn(&[Tensor]) -> Result<Tensor>>;

/// A function and its inputs, smooth about them.
struct Check {
    name: String,
    function: Function,
    /// The inputs; integers are not differentiated.
    inputs: Vec<Dense>,
    /// Further operands, not differentiated either.
    constants: Vec<Dense>,
}

/// Checks every row of the tables of unary and binary ops, and the other differentiable methods.
pub fn gradcheck(backend: &Arc<dyn Backend>) -> Report {
    let mut report = Report::new(backend.name());
    for check in checks() {
        let found = with_backend(backend.clone(), || run(&**backend, &check));
        let (status, measured) = match found {
            Ok(m) if m.ratio <= 1.0 => (Status::Passed, m),
            Ok(m) => {
                let what =
                    format!("gradient differs from the slope by {:.3e}, bound {:.3e}", m.error, m.bound);
                (Status::Failed(vec![what]), m)
            }
            Err(e) => (Status::Failed(vec![format!("error: {e}")]), Measured::default()),
        };
        let (family, case) = ("gradcheck".to_owned(), check.name);
        report.records.push(Record {
            family,
            case,
            status,
            measured,
            calls: 1,
            delegated: false,
            bound: None,
        });
    }
    report
}

fn run(backend: &dyn Backend, check: &Check) -> Result<Measured> {
    let make = |inputs: &[Dense]| -> Result<Vec<Tensor>> {
        inputs.iter().map(|d| tensor(backend, d, Class::Contiguous)).collect()
    };
    let constants = make(&check.constants)?;
    let leaves = make(&check.inputs)?;
    for leaf in leaves.iter().filter(|t| t.dtype().is_float()) {
        leaf.requires_grad_(true)?;
    }
    let call = |inputs: &[Tensor]| (check.function)(&[inputs, &constants[..]].concat());
    let out = call(&leaves)?;
    // A weighting without symmetry, so that no error cancels.
    let weights = Dense::from_fn(DType::F64, out.shape(), |i| Scalar::Float(1.0 + 0.37 * i as f64));
    let weights = tensor(backend, &weights, Class::Contiguous)?;
    let wanted: Vec<&Tensor> = leaves.iter().filter(|t| t.dtype().is_float()).collect();
    let options = GradOptions { allow_unused: true, ..GradOptions::default() };
    let found = grad(&[&out], &wanted, &[Some(&weights)], options)?;

    let total = |inputs: &[Dense]| -> Result<f64> { call(&make(inputs)?)?.mul(&weights)?.sum()?.item_f64() };
    let mut worst = Measured::default();
    let mut gradients = found.iter();
    for (i, input) in check.inputs.iter().enumerate().filter(|(_, d)| d.dtype().is_float()) {
        let gradient = match gradients.next() {
            Some(Some(g)) => dense(g)?.to_f64(),
            _ => vec![0.0; input.numel()],
        };
        for (at, &g) in gradient.iter().enumerate() {
            let moved = |by: f64| {
                let mut inputs = check.inputs.clone();
                inputs[i] = Dense::from_fn(input.dtype(), input.shape(), |k| {
                    Scalar::Float(input.f64(k) + if k == at { by } else { 0.0 })
                });
                total(&inputs)
            };
            let slope = (moved(STEP)? - moved(-STEP)?) / (2.0 * STEP);
            let (error, bound) = ((g - slope).abs(), BOUND * (1.0 + g.abs()));
            let ratio = if error.is_nan() { f64::INFINITY } else { error / bound };
            worst = worst.worse(Measured { error, bound, ratio, ..Measured::default() });
        }
    }
    Ok(worst)
}

fn values(shape: &[usize], list: &[f64]) -> Dense {
    Dense::from_fn(DType::F64, shape, |i| {
        Scalar::Float(list[i % list.len()] + 0.01 * (i / list.len()) as f64)
    })
}

fn indices(shape: &[usize], list: &[i64]) -> Dense {
    Dense::from_fn(DType::I64, shape, |i| Scalar::Int(list[i % list.len()]))
}

fn checks() -> Vec<Check> {
    let mut all = tables();
    let mut add = |name: &str, inputs: Vec<Dense>, function: Function| {
        all.push(Check { name: name.to_owned(), function, inputs, constants: Vec::new() });
    };
    // Inside of every domain, off every kink, no two alike.
    let x = || values(&[2, 3], &[0.35, -0.62, 1.41, -1.83, 0.94, 2.27]);
    let y = || values(&[3, 2], &[1.21, 0.83, -0.47, 0.66, -1.15, 0.29]);
    let z = || values(&[2, 3], &[0.42, 0.77, -0.31, 1.08, -0.55, 0.16]);

    add(
        "addcmul",
        vec![x(), z(), values(&[3], &[0.7, -0.4, 1.3])],
        Box::new(|t| t[0].addcmul(&t[1], &t[2], 0.5)),
    );
    add(
        "addcdiv",
        vec![x(), z(), values(&[3], &[0.7, -0.4, 1.3])],
        Box::new(|t| t[0].addcdiv(&t[1], &t[2], 0.5)),
    );
    add("lerp", vec![x(), z(), values(&[2, 1], &[0.3, 0.8])], Box::new(|t| t[0].lerp(&t[1], &t[2])));
    add("clamp", vec![x()], Box::new(|t| t[0].clamp(-0.5, 1.2)));
    add(
        "clamp by tensors",
        vec![x(), values(&[3], &[-0.7, -0.2, 0.1]), values(&[3], &[0.2, 0.9, 1.6])],
        Box::new(|t| t[0].clamp(&t[1], &t[2])),
    );
    add("zeta", vec![values(&[3], &[0.7, 1.4, 3.3])], Box::new(|t| t[0].rzeta(2.5)));
    add("clamp_min", vec![x()], Box::new(|t| t[0].clamp_min(0.1)));
    add("clamp_max", vec![x(), values(&[3], &[0.3, 0.1, 0.8])], Box::new(|t| t[0].clamp_max(&t[1])));
    add("where", vec![x(), z()], Box::new(|t| Tensor::where_cond(&t[0].gt(&t[1])?, &t[0], &t[1])));
    add("masked_fill", vec![x()], Box::new(|t| t[0].masked_fill(&t[0].gt(0.0)?, 2.0)));

    for dims in [vec![], vec![0], vec![1], vec![0, 1]] {
        let dims = move || rusttorch::Dims::from(&dims[..]);
        let label = format!("{:?}", dims());
        let all = [
            (
                "sum",
                Box::new({
                    let d = dims.clone();
                    move |t: &[Tensor]| t[0].sum_dim(d(), false)
                }) as Function,
            ),
            (
                "mean",
                Box::new({
                    let d = dims.clone();
                    move |t: &[Tensor]| t[0].mean_dim(d(), true)
                }),
            ),
            (
                "amax",
                Box::new({
                    let d = dims.clone();
                    move |t: &[Tensor]| t[0].amax(d(), false)
                }),
            ),
            (
                "amin",
                Box::new({
                    let d = dims.clone();
                    move |t: &[Tensor]| t[0].amin(d(), true)
                }),
            ),
            (
                "var",
                Box::new({
                    let d = dims.clone();
                    move |t: &[Tensor]| t[0].var(d(), 1.0, false)
                }),
            ),
            (
                "std",
                Box::new({
                    let d = dims.clone();
                    move |t: &[Tensor]| t[0].std(d(), 0.0, false)
                }),
            ),
            (
                "logsumexp",
                Box::new({
                    let d = dims.clone();
                    move |t: &[Tensor]| t[0].logsumexp(d(), false)
                }),
            ),
            (
                "norm of order 2",
                Box::new({
                    let d = dims.clone();
                    move |t: &[Tensor]| t[0].norm(2.0, d(), false)
                }),
            ),
            (
                "norm of order 3",
                Box::new({
                    let d = dims.clone();
                    move |t: &[Tensor]| t[0].norm(3.0, d(), true)
                }),
            ),
        ];
        for (name, function) in all {
            add(&format!("{name} {label}"), vec![x()], function);
        }
    }
    add("prod", vec![x()], Box::new(|t| t[0].prod()));
    add("prod along 1", vec![x()], Box::new(|t| t[0].prod_dim(1, false)));
    add("max", vec![x()], Box::new(|t| t[0].max()));
    add("min", vec![x()], Box::new(|t| t[0].min()));
    add("max along 1", vec![x()], Box::new(|t| Ok(t[0].max_dim(1, false)?.0)));
    add("min along 0", vec![x()], Box::new(|t| Ok(t[0].min_dim(0, true)?.0)));
    add("median", vec![x()], Box::new(|t| t[0].median()));
    add("sort", vec![x()], Box::new(|t| Ok(t[0].sort(1, true)?.0)));
    add("topk", vec![x()], Box::new(|t| Ok(t[0].topk(2, 1, true, true)?.0)));
    add("kthvalue", vec![x()], Box::new(|t| Ok(t[0].kthvalue(2, 1, false)?.0)));
    add("cumsum", vec![x()], Box::new(|t| t[0].cumsum(1, None)));
    add("cumprod", vec![x()], Box::new(|t| t[0].cumprod(0, None)));
    add("cummax", vec![x()], Box::new(|t| Ok(t[0].cummax(1)?.0)));
    add("logcumsumexp", vec![x()], Box::new(|t| t[0].logcumsumexp(1)));

    add("matmul", vec![x(), y()], Box::new(|t| t[0].matmul(&t[1])));
    add("matmul by a vector", vec![x(), values(&[3], &[0.4, -1.2, 0.9])], Box::new(|t| t[0].matmul(&t[1])));
    add(
        "matmul of vectors",
        vec![values(&[3], &[0.4, -1.2, 0.9]), values(&[3], &[1.1, 0.2, -0.6])],
        Box::new(|t| t[0].matmul(&t[1])),
    );
    add(
        "matmul of batches",
        vec![
            values(&[2, 1, 2, 3], &[0.4, -1.2, 0.9, 0.1, 0.7]),
            values(&[3, 3, 2], &[1.1, 0.2, -0.6, 0.5, -0.9]),
        ],
        Box::new(|t| t[0].matmul(&t[1])),
    );
    add(
        "linear",
        vec![x(), values(&[4, 3], &[0.3, -0.8, 0.6, 1.1, -0.2]), values(&[4], &[0.1, 0.2, -0.3, 0.4])],
        Box::new(|t| nn::linear(&t[0], &t[1], Some(&t[2]))),
    );

    add("gather", vec![x(), indices(&[2, 2], &[0, 2, 1, 1])], Box::new(|t| t[0].gather(1, &t[1])));
    add("index_select", vec![x(), indices(&[4], &[1, 0, 2, 1])], Box::new(|t| t[0].index_select(1, &t[1])));
    add(
        "scatter",
        vec![x(), indices(&[2, 2], &[0, 2, 1, 0]), values(&[2, 2], &[0.3, 0.9, -0.4, 1.2])],
        Box::new(|t| t[0].scatter(1, &t[1], &t[2])),
    );
    add(
        "scatter_add",
        vec![x(), indices(&[2, 2], &[0, 0, 1, 0]), values(&[2, 2], &[0.3, 0.9, -0.4, 1.2])],
        Box::new(|t| t[0].scatter_add(1, &t[1], &t[2])),
    );

    add("narrow", vec![x()], Box::new(|t| t[0].narrow(1, 1, 2)));
    add("select", vec![x()], Box::new(|t| t[0].select(0, 1)));
    add("slice", vec![x()], Box::new(|t| t[0].slice(1, None, None, 2)));
    add("transpose", vec![x()], Box::new(|t| t[0].transpose(0, 1)));
    add("reshape", vec![x()], Box::new(|t| t[0].transpose(0, 1)?.reshape([6])));
    add("expand", vec![values(&[2, 1], &[0.3, 0.9])], Box::new(|t| t[0].expand([3, 2, 4])));
    add("unfold", vec![values(&[5], &[0.3, 0.9, -0.4, 1.2, 0.6])], Box::new(|t| t[0].unfold(0, 3, 1)));
    add("diagonal", vec![x()], Box::new(|t| t[0].diagonal(1, 0, 1)));
    add("flip", vec![x()], Box::new(|t| t[0].flip([0, 1])));
    add("cat", vec![x(), z()], Box::new(|t| Tensor::cat(&[&t[0], &t[1], &t[0]], 1)));
    add("stack", vec![x(), z()], Box::new(|t| Tensor::stack(&[&t[0], &t[1]], 1)));
    add("to f64", vec![x()], Box::new(|t| t[0].to_dtype(DType::F64)));
    add(
        "an in-place op on a view",
        vec![x(), z()],
        Box::new(|t| {
            let copy = t[0].copy()?;
            copy.narrow(1, 0, 2)?.mul_(&t[1].narrow(1, 1, 2)?)?;
            copy.mul(&t[0])
        }),
    );

    add("softmax", vec![x()], Box::new(|t| t[0].softmax(1)));
    add("log_softmax", vec![x()], Box::new(|t| t[0].log_softmax(0)));
    add("softmin", vec![x()], Box::new(|t| t[0].softmin(1)));
    add("relu6", vec![x()], Box::new(|t| t[0].mul(4.0)?.relu6()));
    add("elu with alpha", vec![x()], Box::new(|t| t[0].elu(0.7)));
    add("celu with alpha", vec![x()], Box::new(|t| t[0].celu(0.7)));
    add("softplus with beta", vec![x()], Box::new(|t| t[0].softplus(1.5, 20.0)));
    add("tanhshrink", vec![x()], Box::new(|t| t[0].tanhshrink()));
    add("glu", vec![x()], Box::new(|t| t[0].glu(0)));
    add("prelu", vec![x(), values(&[3], &[0.4, -1.2, 0.9])], Box::new(|t| t[0].prelu(&t[1])));
    add("prelu by one number", vec![x(), values(&[], &[0.4])], Box::new(|t| t[0].prelu(&t[1])));

    for reduction in [Reduction::None, Reduction::Mean, Reduction::Sum] {
        let name = |op: &str| format!("{op} {reduction:?}");
        add(&name("mse_loss"), vec![x(), z()], Box::new(move |t| nn::mse_loss(&t[0], &t[1], reduction)));
        add(&name("l1_loss"), vec![x(), z()], Box::new(move |t| nn::l1_loss(&t[0], &t[1], reduction)));
        add(
            &name("smooth_l1_loss"),
            vec![x(), z()],
            Box::new(move |t| nn::smooth_l1_loss(&t[0], &t[1], 0.8, reduction)),
        );
        let w = || values(&[2, 3], &[0.5, 2.0, 1.3, 0.8, 1.1, 0.2]);
        add(
            &name("weighted_mse_loss"),
            vec![x(), z(), w()],
            Box::new(move |t| nn::weighted_mse_loss(&t[0], &t[1], &t[2], reduction)),
        );
        add(
            &name("weighted_l1_loss"),
            vec![x(), z(), w()],
            Box::new(move |t| nn::weighted_l1_loss(&t[0], &t[1], &t[2], reduction)),
        );
        add(
            &name("cross_entropy of probabilities"),
            vec![x(), z(), values(&[3], &[0.5, 2.0, 1.3])],
            Box::new(move |t| {
                let options = CrossEntropy { weight: Some(&t[2]), reduction, ..CrossEntropy::default() };
                nn::cross_entropy(&t[0], &t[1], &options)
            }),
        );
    }
    all.extend(activations());
    all.extend(weighted_losses());
    all
}

macro_rules! activation_checks {
    ($($(#[$doc:meta])* $variant:ident $method:ident $assign:tt $title:ident $torch:literal
        $({ $($(#[$param_doc:meta])* $param:ident: $rounding:ident = $default:expr),* })?;)*) => {
        /// The rows of the table of activations, with its parameters.
        fn activations() -> Vec<Check> {
            // Off every kink.
            let inputs = || vec![values(&[2, 3], &[0.35, -0.62, 1.41, -1.83, 0.94, 2.27])];
            vec![$(Check {
                name: stringify!($method).to_owned(),
                function: Box::new(|t| t[0].$method($($($default),*)?)),
                inputs: inputs(),
                constants: Vec::new(),
            }),*]
        }
    };
}
activation_table! { activation_checks }

/// Losses whose targets and weights are constants.
fn weighted_losses() -> Vec<Check> {
    let mut checks = Vec::new();
    for reduction in [Reduction::None, Reduction::Mean, Reduction::Sum] {
        checks.push(Check {
            name: format!("binary_cross_entropy {reduction:?}"),
            inputs: vec![values(&[4], &[0.2, 0.7, 0.4, 0.9])],
            constants: vec![values(&[4], &[0.0, 1.0, 0.3, 0.6]), values(&[4], &[0.5, 2.0, 1.0, 0.7])],
            function: Box::new(move |t| nn::binary_cross_entropy(&t[0], &t[1], Some(&t[2]), reduction)),
        });
        checks.push(Check {
            name: format!("cross_entropy {reduction:?}"),
            inputs: vec![values(&[2, 3], &[0.35, -0.62, 1.41, -1.83, 0.94, 2.27])],
            constants: vec![indices(&[2], &[2, 0]), values(&[3], &[0.5, 2.0, 1.3])],
            function: Box::new(move |t| {
                let options = CrossEntropy {
                    weight: Some(&t[2]),
                    label_smoothing: 0.1,
                    reduction,
                    ..CrossEntropy::default()
                };
                nn::cross_entropy(&t[0], &t[1], &options)
            }),
        });
    }
    checks
}

/// The rows of the tables, at points of their domains where they are smooth.
/// Calls an op of the catalogue that takes tensors and gives one.
fn by_name(op: &'static str, tensors: &[Tensor]) -> Result<Tensor> {
    let missing = || TensorError::new(ErrorKind::Internal, op, "not in the catalogue, or gives no tensor");
    let positional: Vec<Value> = tensors.iter().map(Value::from).collect();
    let result = catalogue::find(op).ok_or_else(missing)?.call(&positional, &[])?;
    result.tensor().cloned().ok_or_else(missing)
}

fn tables() -> Vec<Check> {
    let mut checks = Vec::new();
    for op in UnaryOp::ALL.iter().filter(|op| op.rule().accepts().contains(DType::F64)) {
        let shift = if *op == UnaryOp::Acosh { 1.0 } else { 0.0 };
        let torch = op.torch();
        if op.rule().result(DType::F64) == DType::Bool {
            continue;
        }
        let inputs = vec![values(&[3], &[0.35 + shift, 0.62 + shift, 0.81 + shift])];
        let function: Function = Box::new(move |t| by_name(torch, t));
        checks.push(Check { name: op.name().to_owned(), function, inputs, constants: Vec::new() });
    }
    for op in BinaryOp::ALL.iter().filter(|op| op.rule().accepts().contains(DType::F64)) {
        if matches!(op, BinaryOp::FloorDivide | BinaryOp::TruncDivide | BinaryOp::Heaviside | BinaryOp::Zeta)
        {
            continue; // PyTorch has no gradient for them either, or zero
        }
        let torch = op.torch();
        let inputs =
            vec![values(&[2, 3], &[1.35, 0.62, 2.81, 0.44, 3.1, 1.7]), values(&[3], &[0.92, 1.3, 0.57])];
        let function: Function = Box::new(move |t| by_name(torch, t));
        checks.push(Check { name: op.name().to_owned(), function, inputs, constants: Vec::new() });
    }
    checks
}

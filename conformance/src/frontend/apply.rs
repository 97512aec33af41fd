//! From a case to the methods of `Tensor` that a user would call.

use rusttorch::nn::functional::{self as nn, CrossEntropy};
use rusttorch::optim::{Adam, AdamW, Optimize, Sgd};
use rusttorch::{DType, Dims, Operand, Reduction, Result, Tensor, manual_seed};

use super::methods;
use super::tensors::{Input, Inputs};
use crate::case::{Arg, Case, from_short_name};

/// Plays a case. `None` where the frontend has no such method.
pub(super) fn apply(case: &Case, inputs: &Inputs) -> Option<Result<Vec<Tensor>>> {
    match case.family {
        "optimizer" => return optimizer(case, inputs),
        "random" => return random(case),
        "fill" => return full(case).map(|r| r.map(|t| vec![t])),
        "join" => return join(case, inputs).map(|r| r.map(|t| vec![t])),
        _ => {}
    }
    if let Some(pair) = extremes(case, inputs) {
        return Some(pair.map(|(values, indices)| vec![values, indices]));
    }
    one(case, inputs).map(|r| r.map(|t| vec![t]))
}

fn one(case: &Case, inputs: &Inputs) -> Option<Result<Tensor>> {
    let plain = case.params.is_empty();
    let x = inputs.tensor(0)?;
    let b = methods::operand(inputs.list.get(1));
    if plain
        && case.inputs.len() == 1
        && let Some(found) = methods::unary(&case.op, x)
    {
        return Some(found);
    }
    if plain
        && let Some(b) = b
        && let Some(found) = methods::binary(&case.op, x, b).or_else(|| methods::compare(&case.op, x, b))
    {
        return Some(found);
    }
    let found = match case.family {
        "ternary" | "promote" => ternary(case, inputs, x),
        "cast" => Some(x.to_dtype(case.param("dtype")?.text().and_then(from_short_name)?)),
        "reduce" | "arg_reduce" => reduce(case, x),
        "matmul" => Some(x.matmul(inputs.tensor(1)?)),
        "index" => index(case, inputs, x),
        "views" => view(case, x),
        "activation" => activation(case, x),
        "loss" => loss(case, inputs, x),
        _ => None,
    };
    found.or_else(|| softmax(case, x))
}

fn int(case: &Case, i: usize) -> Option<isize> {
    case.inputs.get(i)?.int().map(|v| v as isize)
}

fn param(case: &Case, name: &str) -> Option<isize> {
    case.param(name)?.int().map(|v| v as isize)
}

fn ints(arg: Option<&Arg>) -> Option<Vec<isize>> {
    Some(arg?.ints()?.into_iter().map(|v| v as isize).collect())
}

fn flag(case: &Case, name: &str) -> bool {
    case.number(name, 0.0) != 0.0
}

fn ternary(case: &Case, inputs: &Inputs, x: &Tensor) -> Option<Result<Tensor>> {
    let at = |i: usize| methods::operand(inputs.list.get(i));
    match case.name() {
        "addcmul" => Some(x.addcmul(inputs.tensor(1)?, inputs.tensor(2)?, case.number("value", 1.0))),
        "addcdiv" => Some(x.addcdiv(inputs.tensor(1)?, inputs.tensor(2)?, case.number("value", 1.0))),
        "lerp" => Some(x.lerp(inputs.tensor(1)?, at(2)?)),
        "where" => Some(Tensor::where_cond(x, at(1)?, at(2)?)),
        "clamp" => {
            let end = |i: usize, name: &str| -> Option<Operand<'_>> {
                at(i)
                    .or_else(|| inputs.param(name).map(Operand::Tensor))
                    .or_else(|| case.param(name).and_then(Arg::scalar).map(Operand::Scalar))
            };
            match (end(1, "min"), end(2, "max")) {
                (Some(low), Some(high)) => Some(x.clamp(low, high)),
                (Some(low), None) => Some(x.clamp_min(low)),
                (None, Some(high)) => Some(x.clamp_max(high)),
                (None, None) => None,
            }
        }
        _ => None,
    }
}

/// The dims of a reduction: one, several, or all where there are none.
fn dims(case: &Case) -> Option<Dims> {
    match case.inputs.get(1) {
        None | Some(Arg::None) => Some(Dims::all()),
        given => Some(Dims::from(&ints(given)?[..])),
    }
}

fn reduce(case: &Case, x: &Tensor) -> Option<Result<Tensor>> {
    let cast;
    let x = match case.param("dtype").and_then(Arg::text).and_then(from_short_name) {
        // A narrow accumulator is an argument that these methods do not have.
        Some(dtype) if !dtype.is_float() => return None,
        Some(dtype) => {
            cast = match x.to_dtype(dtype) {
                Ok(t) => t,
                Err(e) => return Some(Err(e)),
            };
            &cast
        }
        None => x,
    };
    let (dims, keep) = (dims(case)?, flag(case, "keepdim"));
    let whole = case.inputs.len() == 1;
    let correction = case.number("correction", 1.0);
    Some(match case.name() {
        "sum" => x.sum_dim(dims, keep),
        "mean" => x.mean_dim(dims, keep),
        "prod" if whole => x.prod(),
        "prod" => x.prod_dim(int(case, 1)?, keep),
        "amax" => x.amax(dims, keep),
        "amin" => x.amin(dims, keep),
        "all" => x.all(dims, keep),
        "any" => x.any(dims, keep),
        "var" => x.var(dims, correction, keep),
        "std" => x.std(dims, correction, keep),
        "logsumexp" => x.logsumexp(dims, keep),
        "max" if whole => x.max(),
        "min" if whole => x.min(),
        "argmax" => x.argmax(int(case, 1), keep),
        "argmin" => x.argmin(int(case, 1), keep),
        _ => return None,
    })
}

fn extremes(case: &Case, inputs: &Inputs) -> Option<Result<(Tensor, Tensor)>> {
    if case.family != "reduce" || case.inputs.len() < 2 {
        return None;
    }
    let (x, dim, keep) = (inputs.tensor(0)?, int(case, 1), flag(case, "keepdim"));
    match case.name() {
        "max" => Some(x.max_dim(dim?, keep)),
        "min" => Some(x.min_dim(dim?, keep)),
        _ => None,
    }
}

fn softmax(case: &Case, x: &Tensor) -> Option<Result<Tensor>> {
    match case.name() {
        "softmax" => Some(x.softmax(int(case, 1)?)),
        "log_softmax" => Some(x.log_softmax(int(case, 1)?)),
        _ => None,
    }
}

fn index(case: &Case, inputs: &Inputs, x: &Tensor) -> Option<Result<Tensor>> {
    let (dim, i) = (int(case, 1)?, inputs.tensor(2)?);
    match case.name() {
        "gather" => Some(x.gather(dim, i)),
        "index_select" => Some(x.index_select(dim, i)),
        "scatter" => Some(x.scatter(dim, i, inputs.tensor(3)?)),
        "scatter_add" => Some(x.scatter_add(dim, i, inputs.tensor(3)?)),
        _ => None,
    }
}

fn view(case: &Case, x: &Tensor) -> Option<Result<Tensor>> {
    let (of, list) = (|name: &str| param(case, name), |name: &str| ints(case.param(name)));
    Some(match case.name() {
        "narrow" => x.narrow(of("dim")?, of("start")?, usize::try_from(of("length")?).ok()?),
        "select" => x.select(of("dim")?, of("index")?),
        "transpose" => x.transpose(of("dim0")?, of("dim1")?),
        "permute" => x.permute(list("dims")?),
        "reshape" => x.reshape(list("shape")?),
        "expand" => x.expand(list("size")?),
        "squeeze" => match of("dim") {
            Some(dim) => x.squeeze(dim),
            None => x.squeeze_all(),
        },
        "unsqueeze" => x.unsqueeze(of("dim")?),
        "flip" => x.flip(list("dims")?),
        "unfold" => {
            x.unfold(of("dimension")?, usize::try_from(of("size")?).ok()?, usize::try_from(of("step")?).ok()?)
        }
        "diagonal" => x.diagonal(of("offset")?, of("dim1")?, of("dim2")?),
        "flatten" => x.flatten_dims(of("start_dim").unwrap_or(0), -1),
        "__getitem__" => x.slice(of("dim")?, of("start"), of("stop"), of("step")?),
        _ => return None,
    })
}

fn join(case: &Case, inputs: &Inputs) -> Option<Result<Tensor>> {
    let parts: Vec<&Tensor> = match inputs.list.first() {
        Some(Input::List(list)) => list.iter().filter_map(as_tensor).collect(),
        _ => inputs.list.iter().filter_map(as_tensor).collect(),
    };
    let dim = param(case, "dim")?;
    match case.name() {
        "cat" => Some(Tensor::cat(&parts, dim)),
        "stack" => Some(Tensor::stack(&parts, dim)),
        _ => None,
    }
}

fn as_tensor(input: &Input) -> Option<&Tensor> {
    match input {
        Input::Tensor(t) => Some(t),
        _ => None,
    }
}

fn full(case: &Case) -> Option<Result<Tensor>> {
    let shape: Vec<usize> = case.inputs.first()?.ints()?.into_iter().map(|n| n as usize).collect();
    let dtype: DType = case.param("dtype")?.text().and_then(from_short_name)?;
    Some(Tensor::full(&shape, case.inputs.get(1)?.scalar()?, dtype))
}

fn activation(case: &Case, x: &Tensor) -> Option<Result<Tensor>> {
    let number = |name: &str, default: f64| case.number(name, default);
    Some(match case.name() {
        "leaky_relu" => x.leaky_relu(number("negative_slope", 0.01)),
        "elu" => x.elu(number("alpha", 1.0)),
        "selu" => x.selu(),
        "silu" => x.silu(),
        "mish" => x.mish(),
        "gelu" if case.param("approximate").and_then(Arg::text) == Some("tanh") => x.gelu_tanh(),
        "gelu" => x.gelu(),
        "softplus" => x.softplus(number("beta", 1.0), number("threshold", 20.0)),
        "softsign" => x.softsign(),
        "logsigmoid" => x.logsigmoid(),
        // Clamps under another name, with the same gradient at their ends.
        "relu6" => x.clamp(0.0, 6.0),
        "hardtanh" => x.clamp(number("min_val", -1.0), number("max_val", 1.0)),
        _ => return None,
    })
}

fn loss(case: &Case, inputs: &Inputs, x: &Tensor) -> Option<Result<Tensor>> {
    let target = inputs.tensor(1)?;
    let reduction = match case.param("reduction").and_then(Arg::text) {
        Some("none") => Reduction::None,
        Some("sum") => Reduction::Sum,
        _ => Reduction::Mean,
    };
    let weight = inputs.param("weight");
    Some(match case.name() {
        "mse_loss" => nn::mse_loss(x, target, reduction),
        "l1_loss" => nn::l1_loss(x, target, reduction),
        "smooth_l1_loss" => nn::smooth_l1_loss(x, target, case.number("beta", 1.0), reduction),
        "binary_cross_entropy" => nn::binary_cross_entropy(x, target, weight, reduction),
        "cross_entropy" => {
            let ignore_index = case.param("ignore_index").and_then(Arg::int).unwrap_or(-100);
            let label_smoothing = case.number("label_smoothing", 0.0);
            nn::cross_entropy(x, target, &CrossEntropy { weight, ignore_index, label_smoothing, reduction })
        }
        _ => return None,
    })
}

fn optimizer(case: &Case, inputs: &Inputs) -> Option<Result<Vec<Tensor>>> {
    let number = |name: &str, default: f64| case.number(name, default);
    let betas = match case.param("betas").and_then(Arg::list) {
        Some([a, b]) => (a.scalar()?.to_f64(), b.scalar()?.to_f64()),
        _ => (0.9, 0.999),
    };
    let (lr, eps) = (number("lr", 1e-3), number("eps", 1e-8));
    let parameter = inputs.tensor(0)?;
    let run = || -> Result<Vec<Tensor>> {
        let parameter = parameter.copy()?.detach();
        parameter.requires_grad_(true)?;
        let over = vec![parameter.clone()];
        let mut optimizer = match case.name() {
            "SGD" => Sgd {
                lr,
                momentum: number("momentum", 0.0),
                dampening: number("dampening", 0.0),
                weight_decay: number("weight_decay", 0.0),
                nesterov: flag(case, "nesterov"),
            }
            .over(over)?,
            "Adam" => Adam { lr, betas, eps, weight_decay: number("weight_decay", 0.0) }.over(over)?,
            _ => AdamW { lr, betas, eps, weight_decay: number("weight_decay", 1e-2) }.over(over)?,
        };
        let mut steps = Vec::new();
        for gradient in inputs.list[1..].iter().filter_map(as_tensor) {
            parameter.set_grad(Some(gradient.clone()))?;
            optimizer.step()?;
            steps.push(parameter.detach().copy()?);
        }
        Ok(steps)
    };
    Some(run())
}

/// Draws longer than this are recorded by their first and last `HEAD` elements.
const WHOLE: usize = 128;
const HEAD: usize = 40;

fn random(case: &Case) -> Option<Result<Vec<Tensor>>> {
    let seed = case.inputs.first()?.int()? as u64;
    let steps = case.inputs.get(1)?.list()?;
    manual_seed(seed);
    steps.iter().map(draw).collect::<Option<Result<Vec<_>>>>()
}

fn draw(step: &Arg) -> Option<Result<Tensor>> {
    let [kind, n, dtype, rest @ ..] = step.list()? else { return None };
    let n = usize::try_from(n.int()?).ok()?;
    let dtype: DType = dtype.text().and_then(from_short_name)?;
    let number = |i: usize| rest.get(i).and_then(Arg::scalar).map(|s| s.to_f64());
    let whole = |i: usize| rest.get(i).and_then(Arg::int);
    let empty = || Tensor::empty(&[n], dtype);
    let drawn = match kind.text()? {
        "rand" => Tensor::rand(&[n], dtype),
        "randn" => Tensor::randn(&[n], dtype),
        "randint" => Tensor::randint(whole(0)?, whole(1)?, &[n], dtype),
        "randperm" => Tensor::randperm(n),
        "bernoulli" => number(0).map(|p| empty().and_then(|t| t.bernoulli_(p)))?,
        "uniform_" => number(0).zip(number(1)).map(|(a, b)| empty().and_then(|t| t.uniform_(a, b)))?,
        "normal_" => number(0).zip(number(1)).map(|(m, s)| empty().and_then(|t| t.normal_(m, s)))?,
        "exponential_" => number(0).map(|l| empty().and_then(|t| t.exponential_(l)))?,
        _ => return None,
    };
    if n <= WHOLE {
        return Some(drawn);
    }
    Some(drawn.and_then(|t| {
        let tail = t.narrow(0, -(HEAD as isize), HEAD)?;
        Tensor::cat(&[&t.narrow(0, 0, HEAD)?, &tail], 0)
    }))
}

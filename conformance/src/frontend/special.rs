//! Cases that are not calls of an op: optimizers' steps and sequences of draws.

use rusttorch::catalogue::{Op, Value};
use rusttorch::optim::{Adam, AdamW, Optimize, Sgd};
use rusttorch::{DType, Result, Tensor, manual_seed};

use super::Subject;
use super::arguments::Arguments;
use crate::case::{Arg, Case, from_short_name};

/// Plays a case; `None` where it is malformed.
pub(super) type Play = fn(&Case, &Arguments) -> Option<Result<Vec<Tensor>>>;

/// Steps that are no op, as a subject.
pub(super) struct Steps<'a> {
    pub(super) play: Play,
    pub(super) case: &'a Case,
}

impl Subject for Steps<'_> {
    fn op(&self) -> Option<&'static Op> {
        None
    }

    fn call(&self, arguments: &Arguments) -> Result<Value> {
        (self.play)(self.case, arguments).unwrap_or_else(|| Ok(Vec::new())).map(Value::from)
    }
}

/// How a case that is not an op of the catalogue is played.
pub(super) fn find(case: &Case) -> Option<Play> {
    match case.family {
        "optimizer" => Some(optimizer),
        "random" => Some(random),
        _ => None,
    }
}

fn optimizer(case: &Case, inputs: &Arguments) -> Option<Result<Vec<Tensor>>> {
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
                nesterov: number("nesterov", 0.0) != 0.0,
            }
            .over(over)?,
            "Adam" => Adam { lr, betas, eps, weight_decay: number("weight_decay", 0.0) }.over(over)?,
            _ => AdamW { lr, betas, eps, weight_decay: number("weight_decay", 1e-2) }.over(over)?,
        };
        let mut steps = Vec::new();
        for gradient in inputs.positional[1..].iter().filter_map(Value::tensor) {
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

fn random(case: &Case, _: &Arguments) -> Option<Result<Vec<Tensor>>> {
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
        "normal_in_pairs" => {
            // What is drawn for a tensor with gaps.
            let gaps = Tensor::empty(&[n, 2], dtype).and_then(|t| t.select(1, 0));
            number(0).zip(number(1)).map(|(m, s)| gaps.and_then(|t| t.normal_(m, s)))?
        }
        "cauchy_" => number(0).zip(number(1)).map(|(m, s)| empty().and_then(|t| t.cauchy_(m, s)))?,
        "log_normal_" => number(0).zip(number(1)).map(|(m, s)| empty().and_then(|t| t.log_normal_(m, s)))?,
        "geometric_" => number(0).map(|p| empty().and_then(|t| t.geometric_(p)))?,
        "random_" => empty().and_then(|t| t.random_(None, None)),
        "random_from" => whole(0).map(|low| empty().and_then(|t| t.random_(low, None)))?,
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

//! Optimizers: training that is saved and goes on as if it had not stopped, state that is refused, what a step
//! leaves alone. Trajectories against PyTorch's are conformance cases.

#![allow(clippy::unwrap_used, reason = "a failing test should stop")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusttorch::backend::ops::Optimizer as Rule;
use rusttorch::backend::{Allocation, Backend, Buffer, ParamStep, composed};
use rusttorch::backends::with_backend;
use rusttorch::data::{Batches, Generator};
use rusttorch::nn::functional::mse_loss;
use rusttorch::nn::{Linear, Module, Sequential, Tanh};
use rusttorch::optim::{Adam, AdamW, Optimize, Optimizer, Sgd};
use rusttorch::{DType, ErrorKind, Reduction, Result, Tensor, io, manual_seed, with_default_generator};
use rusttorch_backend_naive::Naive;

const SGD: Sgd = Sgd { lr: 0.1, momentum: 0.9, dampening: 0.0, weight_decay: 0.01, nesterov: true };
const ADAM: Adam = Adam { lr: 0.05, betas: (0.8, 0.95), eps: 1e-8, weight_decay: 0.1 };
const ADAM_W: AdamW = AdamW { lr: 0.05, betas: (0.8, 0.95), eps: 1e-8, weight_decay: 0.1 };

fn parameter(values: &[f32], gradient: Option<&[f32]>) -> Tensor {
    let p = Tensor::from_slice(values, &[values.len()]).unwrap().requires_grad_(true).unwrap();
    p.set_grad(gradient.map(|g| Tensor::from_slice(g, &[g.len()]).unwrap())).unwrap();
    p
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.err().unwrap().kind()
}

/// A training with everything that a checkpoint has to hold.
struct Training {
    model: Sequential,
    optimizer: Optimizer,
    order: Generator,
}

impl Training {
    fn new(rule: fn(Vec<Tensor>) -> Result<Optimizer>) -> Training {
        let model =
            Sequential::new().push(Linear::new(3, 4).unwrap()).push(Tanh {}).push(Linear::new(4, 1).unwrap());
        let optimizer = rule(model.parameters()).unwrap();
        Training { model, optimizer, order: Generator::new(3) }
    }

    /// An epoch of three steps, in a shuffled order and with noise from the default generator.
    fn epoch(&mut self) {
        let x = Tensor::arange(0, 18, 1, DType::F32).unwrap().reshape([6, 3]).unwrap().mul(0.1).unwrap();
        let y = x.square().unwrap().sum_dim(1, true).unwrap();
        let batches = Batches::new((&x, &y), 2).unwrap();
        for batch in batches.shuffled(&mut self.order).unwrap() {
            let (x, y) = batch.unwrap();
            let noise = Tensor::randn(x.shape(), DType::F32).unwrap().mul(0.1).unwrap();
            let out = self.model.forward(&x.add(&noise).unwrap()).unwrap();
            self.optimizer.zero_grad().unwrap();
            mse_loss(&out, &y, Reduction::Mean).unwrap().backward().unwrap();
            self.optimizer.step().unwrap();
        }
    }

    fn save(&self, path: &Path) {
        let bytes = |state: Vec<u8>| Tensor::from_slice(&state, &[state.len()]).unwrap();
        let model = self.model.named_parameters().into_iter().map(|(n, t)| (format!("model.{n}"), t));
        let optimizer =
            self.optimizer.state().unwrap().into_iter().map(|(n, t)| (format!("optimizer.{n}"), t));
        let generators = [
            ("order".to_owned(), bytes(self.order.state().to_vec())),
            ("draws".to_owned(), bytes(with_default_generator(|g| g.state().to_vec()))),
        ];
        io::save(path, model.chain(optimizer).chain(generators)).unwrap();
    }

    fn load(&mut self, path: &Path) {
        let tensors = io::load(path).unwrap();
        let part = |prefix: &str| -> Vec<(String, Tensor)> {
            let named =
                tensors.iter().filter_map(|(n, t)| Some((n.strip_prefix(prefix)?.to_owned(), t.clone())));
            named.collect()
        };
        self.model.load_state(&part("model.")).unwrap();
        self.optimizer.load_state(&part("optimizer.")).unwrap();
        self.order.set_state(&tensors["order"].to_vec::<u8>().unwrap()).unwrap();
        let draws = tensors["draws"].to_vec::<u8>().unwrap();
        with_default_generator(|g| g.set_state(&draws)).unwrap();
    }

    fn bits(&self) -> Vec<u32> {
        let values = |p: Tensor| p.to_vec::<f32>().unwrap().into_iter().map(f32::to_bits);
        self.model.parameters().into_iter().flat_map(values).collect()
    }
}

/// Numerics 48.
#[test]
fn three_steps_saved_and_three_more_are_six() {
    // The default generator is everybody's; no other test of this file draws from it.
    let folder = tempfile::tempdir().unwrap();
    let rules: [fn(Vec<Tensor>) -> Result<Optimizer>; 3] =
        [|p| SGD.over(p), |p| ADAM.over(p), |p| ADAM_W.over(p)];
    for (i, rule) in rules.into_iter().enumerate() {
        let path = folder.path().join(format!("{i}.safetensors"));
        manual_seed(1);
        let mut whole = Training::new(rule);
        whole.epoch();
        whole.save(&path);
        let half = whole.bits();
        whole.epoch();

        manual_seed(2);
        let mut resumed = Training::new(rule);
        resumed.order.next_u64();
        resumed.load(&path);
        assert_eq!(resumed.bits(), half);
        resumed.epoch();
        assert_eq!(resumed.bits(), whole.bits(), "rule {i}");
        assert_eq!(resumed.order, whole.order);
    }
}

#[test]
fn a_loaded_state_belongs_to_the_optimizer_alone() {
    let p = parameter(&[1.0, 2.0], Some(&[0.5, -0.5]));
    let mut optimizer = ADAM.over(vec![p]).unwrap();
    optimizer.step().unwrap();
    let saved = optimizer.state().unwrap();
    let before: Vec<_> = saved.iter().map(|(n, t)| (n.clone(), t.to_f64_vec().unwrap())).collect();
    optimizer.load_state(&saved).unwrap();
    optimizer.step().unwrap();
    let after: Vec<_> = saved.iter().map(|(n, t)| (n.clone(), t.to_f64_vec().unwrap())).collect();
    assert_eq!(before, after);
    assert_eq!(before[0], ("0.step".to_owned(), vec![1.0]));
}

#[test]
fn a_parameter_that_is_not_named_starts_anew() {
    let parameters = || vec![parameter(&[1.0], Some(&[0.5])), parameter(&[1.0], Some(&[0.5]))];
    let mut whole = SGD.over(parameters()).unwrap();
    whole.step().unwrap();
    let second: Vec<_> = whole.state().unwrap().into_iter().filter(|(n, _)| n.starts_with("1.")).collect();
    let mut other = SGD.over(parameters()).unwrap();
    other.step().unwrap();
    other.load_state(&second).unwrap();
    let names: Vec<String> = other.state().unwrap().into_iter().map(|(n, _)| n).collect();
    assert_eq!(names, ["1.step", "1.momentum_buffer"]);
    other.load_state(&[]).unwrap();
    assert!(other.state().unwrap().is_empty());
}

#[test]
fn a_state_that_does_not_fit_is_refused_whole() {
    let mut optimizer = ADAM.over(vec![parameter(&[1.0, 2.0], Some(&[0.5, 0.5]))]).unwrap();
    optimizer.step().unwrap();
    let good = optimizer.state().unwrap();
    let seen = || good.iter().map(|(_, t)| t.to_f64_vec().unwrap()).collect::<Vec<_>>();
    let with = |name: &str, tensor: Option<Tensor>| -> Vec<(String, Tensor)> {
        let rest = good.iter().filter(|(n, _)| n != name).cloned();
        rest.chain(tensor.map(|t| (name.to_owned(), t))).collect()
    };
    let number = |v: f64| Some(Tensor::scalar(v).unwrap());
    let zeros = |n: usize, dtype| Some(Tensor::zeros(&[n], dtype).unwrap());
    let mut twice = good.clone();
    twice.push(good[1].clone());
    let cases = [
        ("no step", with("0.step", None), ErrorKind::Argument),
        ("no average", with("0.exp_avg", None), ErrorKind::Argument),
        ("twice", twice, ErrorKind::Argument),
        ("another rule's", with("0.momentum_buffer", zeros(2, DType::F32)), ErrorKind::Argument),
        ("another parameter's", with("1.step", number(1.0)), ErrorKind::Argument),
        ("without a dot", with("step", number(1.0)), ErrorKind::Argument),
        ("another way to write 0", with("00.exp_avg", zeros(2, DType::F32)), ErrorKind::Argument),
        ("with a sign", with("+0.exp_avg", zeros(2, DType::F32)), ErrorKind::Argument),
        ("of another shape", with("0.exp_avg", zeros(3, DType::F32)), ErrorKind::Shape),
        ("of another dtype", with("0.exp_avg", zeros(2, DType::F64)), ErrorKind::DType),
        ("no step taken", with("0.step", number(0.0)), ErrorKind::Argument),
        ("less than none", with("0.step", number(-1.0)), ErrorKind::Argument),
        ("half a step", with("0.step", number(1.5)), ErrorKind::Argument),
        ("not a number of steps", with("0.step", number(f64::NAN)), ErrorKind::Argument),
        ("endless", with("0.step", number(f64::INFINITY)), ErrorKind::Argument),
        ("two steps", with("0.step", zeros(2, DType::I64)), ErrorKind::Shape),
    ];
    for (what, state, expected) in cases {
        let before: Vec<_> =
            optimizer.state().unwrap().iter().map(|(_, t)| t.to_f64_vec().unwrap()).collect();
        assert_eq!(kind(optimizer.load_state(&state)), expected, "{what}");
        let after: Vec<_> = optimizer.state().unwrap().iter().map(|(_, t)| t.to_f64_vec().unwrap()).collect();
        assert_eq!(before, after, "{what}: something was taken over");
    }
    optimizer.load_state(&good).unwrap();
    // PyTorch counts its steps in floats.
    optimizer.load_state(&with("0.step", Some(Tensor::scalar(1.0f32).unwrap()))).unwrap();
    assert_eq!(seen()[0], [1.0]);
}

/// Numerics 47: the end of it.
#[test]
fn no_gradient_leaves_all_and_a_zero_one_the_parameter() {
    let still = parameter(&[1.0, -2.0], None);
    let zero = parameter(&[1.0, -2.0], Some(&[0.0, 0.0]));
    let plain = Adam { weight_decay: 0.0, ..ADAM };
    let mut optimizer = plain.over(vec![still.clone(), zero.clone()]).unwrap();
    for _ in 0..3 {
        optimizer.step().unwrap();
    }
    for p in [&still, &zero] {
        assert_eq!(p.to_vec::<f32>().unwrap(), [1.0, -2.0]);
    }
    let names: Vec<String> = optimizer.state().unwrap().into_iter().map(|(n, _)| n).collect();
    assert_eq!(names, ["1.step", "1.exp_avg", "1.exp_avg_sq"]);
    optimizer.zero_grad().unwrap();
    assert!(zero.grad().is_none());
}

#[test]
fn what_cannot_be_optimized() {
    let p = || vec![parameter(&[1.0], None)];
    let argument = [
        Sgd { nesterov: true, ..Sgd::default() }.over(p()),
        Sgd { dampening: 0.5, ..SGD }.over(p()),
        Sgd { momentum: -0.1, nesterov: false, ..SGD }.over(p()),
        Sgd { lr: -0.1, ..SGD }.over(p()),
        Sgd { lr: f64::NAN, ..SGD }.over(p()),
        Sgd { weight_decay: -1.0, ..SGD }.over(p()),
        Adam { betas: (1.0, 0.9), ..ADAM }.over(p()),
        Adam { betas: (0.9, -0.1), ..ADAM }.over(p()),
        Adam { eps: -1e-8, ..ADAM }.over(p()),
        AdamW { weight_decay: -1.0, ..ADAM_W }.over(p()),
        SGD.over(Vec::new()),
        SGD.over(vec![p()[0].clone(); 2]),
        SGD.over(vec![p()[0].mul(2.0).unwrap()]),
    ];
    for (i, result) in argument.into_iter().enumerate() {
        assert_eq!(result.err().map(|e| e.kind()), Some(ErrorKind::Argument), "case {i}");
    }
    let ints = Tensor::zeros(&[2], DType::I64).unwrap();
    assert_eq!(kind(SGD.over(vec![ints])), ErrorKind::DType);
}

/// Counts its steps and the parameters in them.
#[derive(Debug, Default)]
struct Counting {
    base: Naive,
    calls: AtomicUsize,
    parameters: AtomicUsize,
}

impl Backend for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn alloc(&self, bytes: usize) -> Result<Allocation> {
        self.base.alloc(bytes)
    }

    fn upload(&self, src: &[u8], dst: &mut dyn Buffer, at: usize) -> Result<()> {
        self.base.upload(src, dst, at)
    }

    fn download(&self, src: &dyn Buffer, at: usize, dst: &mut [u8]) -> Result<()> {
        self.base.download(src, at, dst)
    }

    fn next(&self) -> Option<&dyn Backend> {
        Some(&self.base)
    }

    fn optimizer_step(&self, optimizer: Rule, params: &mut [ParamStep<'_>]) -> Result<()> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.parameters.fetch_add(params.len(), Ordering::Relaxed);
        composed::optimizer_step(&self.base, optimizer, params)
    }
}

#[test]
fn a_step_of_many_parameters_is_one_call() {
    let counting = Arc::new(Counting::default());
    with_backend(counting.clone(), || {
        let parameters: Vec<Tensor> = (0..50).map(|i| parameter(&[i as f32; 3], Some(&[1.0; 3]))).collect();
        parameters[7].set_grad(None).unwrap();
        let mut optimizer = ADAM_W.over(parameters).unwrap();
        optimizer.step().unwrap();
        optimizer.step().unwrap();
    });
    assert_eq!(counting.calls.load(Ordering::Relaxed), 2);
    assert_eq!(counting.parameters.load(Ordering::Relaxed), 2 * 49);
}

#[test]
fn a_step_raises_the_version_of_what_it_changes() {
    let p = parameter(&[1.0, 2.0], Some(&[1.0, 1.0]));
    let y = p.square().unwrap().sum().unwrap();
    SGD.over(vec![p.clone()]).unwrap().step().unwrap();
    assert_eq!(kind(y.backward()), ErrorKind::Autograd);
}

#[test]
fn parameters_of_any_layout_and_dtype() {
    for dtype in [DType::F16, DType::BF16, DType::F32, DType::F64] {
        let base = Tensor::ones(&[3, 2], dtype).unwrap();
        let p = base.transpose(0, 1).unwrap().detach().requires_grad_(true).unwrap();
        let empty = Tensor::zeros(&[0, 2], dtype).unwrap().requires_grad_(true).unwrap();
        let scalar = Tensor::ones(&[], dtype).unwrap().requires_grad_(true).unwrap();
        let all = vec![p.clone(), empty.clone(), scalar.clone()];
        for p in &all {
            p.set_grad(Some(Tensor::full(p.shape(), 0.5, dtype).unwrap())).unwrap();
        }
        let plain = Adam { lr: 0.25, weight_decay: 0.0, ..ADAM };
        plain.over(all).unwrap().step().unwrap();
        let near = |v: f64| (v - 0.75).abs() < 1e-2;
        assert!(base.to_f64_vec().unwrap().into_iter().all(near), "{dtype}: the memory was not written");
        assert!(near(scalar.item_f64().unwrap()));
        assert_eq!(empty.numel(), 0);
    }
}

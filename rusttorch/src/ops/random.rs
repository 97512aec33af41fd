//! Random tensors, with PyTorch's numbers for PyTorch's seed.

use std::cell::RefCell;
use std::sync::LazyLock;

use parking_lot::ReentrantMutex;
use rusttorch_backend::ops::Distribution;
use rusttorch_backend::{DType, ErrorKind, Generator, Result, TensorError};

use crate::autograd::in_place;
use crate::backends;
use crate::dispatch;
use crate::tensor::Tensor;

/// Taken before the locks of any storage, since a thread that holds it may read tensors.
static DEFAULT: LazyLock<ReentrantMutex<RefCell<Generator>>> =
    LazyLock::new(|| ReentrantMutex::new(RefCell::new(Generator::new(Generator::DEFAULT_SEED))));

/// Seeds the default generator. PyTorch: `torch.manual_seed`.
pub fn manual_seed(seed: u64) {
    DEFAULT.lock().borrow_mut().manual_seed(seed);
}

/// Runs `body` with the default generator, for example to save and restore its state. Other threads that
/// draw wait meanwhile. What this thread draws inside of `body` by other means does not move the generator.
pub fn with_default_generator<R>(body: impl FnOnce(&mut Generator) -> R) -> R {
    let default = DEFAULT.lock();
    // `body` works on a copy, so that it may call what draws from the default generator too.
    let mut generator = default.borrow().clone();
    let result = body(&mut generator);
    default.replace(generator);
    result
}

fn check(op: &'static str, distribution: Distribution, dtype: DType) -> Result<()> {
    let float_only = matches!(
        distribution,
        Distribution::Uniform { .. } | Distribution::Normal { .. } | Distribution::Exponential { .. }
    );
    if float_only && !dtype.is_float() {
        return Err(TensorError::new(ErrorKind::NotImplemented, op, "needs a floating-point dtype")
            .with("dtype", dtype));
    }
    Ok(())
}

fn draw(op: &'static str, distribution: Distribution, shape: &[usize], dtype: DType) -> Result<Tensor> {
    check(op, distribution, dtype)?;
    let backend = backends::current()?;
    let default = DEFAULT.lock();
    dispatch::fresh(op, &backend, shape, dtype, |out| {
        backend.random(distribution, &mut default.borrow_mut(), out)
    })
}

fn draw_in_place(op: &'static str, distribution: Distribution, x: &Tensor) -> Result<Tensor> {
    check(op, distribution, x.dtype())?;
    in_place(
        op,
        x,
        &[],
        || {
            let default = DEFAULT.lock();
            dispatch::write_in_place(op, x, [], |b, out, []| {
                b.random(distribution, &mut default.borrow_mut(), out)
            })
        },
        || draw(op, distribution, x.shape(), x.dtype()),
    )
}

/// Random numbers of the default generator ([`manual_seed`]), the same on every backend and thread count.
/// Error of all: `Value` for parameters outside of their domain.
impl Tensor {
    /// Uniform over [0, 1). PyTorch: `torch.rand`. Error: `NotImplemented` for integers and bool.
    pub fn rand(shape: &[usize], dtype: DType) -> Result<Tensor> {
        draw("rand", Distribution::Uniform { from: 0.0, to: 1.0 }, shape, dtype)
    }

    /// Standard normal. PyTorch: `torch.randn`. Error: `NotImplemented` for integers and bool.
    pub fn randn(shape: &[usize], dtype: DType) -> Result<Tensor> {
        draw("randn", Distribution::Normal { mean: 0.0, std: 1.0 }, shape, dtype)
    }

    /// Integers uniform over `low..high`, of any dtype. PyTorch: `torch.randint`.
    pub fn randint(low: i64, high: i64, shape: &[usize], dtype: DType) -> Result<Tensor> {
        draw("randint", Distribution::RandInt { low, high }, shape, dtype)
    }

    /// The numbers `0..n` in random order, as i64. PyTorch: `torch.randperm`.
    pub fn randperm(n: usize) -> Result<Tensor> {
        let mut order: Vec<i64> = Vec::new();
        order.try_reserve_exact(n).map_err(|e| {
            TensorError::new(ErrorKind::Memory, "randperm", "allocation failed")
                .with("elements", n)
                .caused_by(e)
        })?;
        order.resize(n, 0);
        DEFAULT.lock().borrow_mut().fill_permutation(&mut order);
        Tensor::from_vec(order, &[n])
    }

    /// In place: uniform over `[from, to)`. PyTorch: `Tensor.uniform_`.
    pub fn uniform_(&self, from: f64, to: f64) -> Result<Tensor> {
        draw_in_place("uniform_", Distribution::Uniform { from, to }, self)
    }

    /// In place: normal with this mean and standard deviation. PyTorch: `Tensor.normal_`.
    pub fn normal_(&self, mean: f64, std: f64) -> Result<Tensor> {
        draw_in_place("normal_", Distribution::Normal { mean, std }, self)
    }

    /// In place: 1 with probability `p`, else 0. PyTorch: `Tensor.bernoulli_`.
    pub fn bernoulli_(&self, p: f64) -> Result<Tensor> {
        draw_in_place("bernoulli_", Distribution::Bernoulli { p }, self)
    }

    /// In place: exponential with rate `lambda`. PyTorch: `Tensor.exponential_`.
    pub fn exponential_(&self, lambda: f64) -> Result<Tensor> {
        draw_in_place("exponential_", Distribution::Exponential { lambda }, self)
    }
}

//! Bad calls: each gives an error of its own kind whose message holds the numbers, and the process lives
//! on. The comment behind a case is the class that PyTorch 2.15 raises in the same place.

use std::fmt::Debug;

use rusttorch::autograd::{GradOptions, grad};
use rusttorch::{DType, ErrorKind, Index, Result, Tensor, backends};

fn z(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape, DType::F32).unwrap()
}

fn x() -> Tensor {
    z(&[2, 3])
}

fn i() -> Tensor {
    Tensor::zeros(&[2, 3], DType::I64).unwrap()
}

fn b() -> Tensor {
    Tensor::zeros(&[2, 3], DType::Bool).unwrap()
}

fn u() -> Tensor {
    Tensor::zeros(&[3], DType::U8).unwrap()
}

fn ids(values: &[i64]) -> Tensor {
    Tensor::from_slice(values, &[values.len()]).unwrap()
}

/// What the cases found, so that one run reports all of them.
struct Report {
    cases: usize,
    faults: Vec<String>,
}

impl Report {
    fn check<T: Debug>(&mut self, call: &str, result: Result<T>, kind: ErrorKind, message: &str) {
        self.cases += 1;
        let fault = match result {
            Ok(value) => format!("gave {value:?}"),
            Err(e) if e.kind() != kind => format!("is {:?}, not {kind:?}: {e}", e.kind()),
            Err(e) if e.to_string() != message => format!("says \"{e}\""),
            Err(_) => return,
        };
        self.faults.push(format!("{call}\n    {fault}"));
    }
}

/// The call as text and as code, the kind, the message.
macro_rules! case {
    ($r:ident, $call:expr, $kind:ident, $message:literal) => {
        $r.check(stringify!($call), $call, ErrorKind::$kind, $message)
    };
}

fn bad_broadcasting(r: &mut Report) {
    case!(r, x().add(&z(&[4])), Shape, "?"); // RuntimeError
    case!(r, z(&[0]).mul(&z(&[3])), Shape, "?"); // RuntimeError
    case!(r, z(&[3]).gt(&z(&[4])), Shape, "?"); // RuntimeError
    case!(r, z(&[2, 1, 3]).pow(&z(&[4, 2])), Shape, "?"); // RuntimeError
    case!(r, Tensor::where_cond(&b(), &z(&[4]), &x()), Shape, "?"); // RuntimeError
    case!(r, x().clamp(&z(&[4]), &z(&[3])), Shape, "?"); // RuntimeError
    case!(r, x().addcmul(&z(&[4]), &x(), 1.0), Shape, "?"); // RuntimeError
    case!(r, x().lerp(&z(&[5]), 0.5), Shape, "?"); // RuntimeError
    case!(r, x().masked_fill(&ids(&[0, 0, 0, 0]).eq(0i64).unwrap(), 0.0), Shape, "?"); // RuntimeError
}

fn bad_in_place(r: &mut Report) {
    case!(r, x().add_(&z(&[4, 2, 3])), Shape, "?"); // RuntimeError
    case!(r, z(&[1]).add_(&z(&[3])), Shape, "?"); // RuntimeError
    case!(r, x().eq_(&z(&[4, 2, 3])), Shape, "?"); // RuntimeError
    case!(r, x().copy_(&z(&[2, 2, 3])), Shape, "?"); // RuntimeError
    case!(r, x().copy_(&z(&[4])), Shape, "?"); // RuntimeError
    case!(r, x().masked_fill_(&b().expand([2, 2, 3]).unwrap(), 0.0), Shape, "?"); // RuntimeError
    case!(r, i().add_(1.5), DType, "?"); // RuntimeError
    case!(r, i().div_(2i64), DType, "?"); // RuntimeError
    case!(r, i().mul_(&x()), DType, "?"); // RuntimeError
    case!(r, i().sin_(), DType, "?"); // RuntimeError
    case!(r, b().add_(1i64), DType, "?"); // RuntimeError
    case!(r, z(&[1]).expand([3]).unwrap().add_(1.0), Alias, "?"); // RuntimeError
    case!(r, z(&[1]).expand([2, 3]).unwrap().copy_(&x()), Alias, "?"); // RuntimeError
    case!(r, x().requires_grad_(true).unwrap().add_(1.0), Autograd, "?"); // RuntimeError
    case!(r, i().fill_(f64::NAN), Value, "?"); // RuntimeError
    case!(r, u().fill_(300i64), Value, "?"); // RuntimeError
    case!(r, u().fill_(-256i64), Value, "?"); // RuntimeError
    case!(r, Tensor::full(&[2], 3_000_000_000i64, DType::I32), Value, "?"); // RuntimeError
    case!(r, Tensor::full_like(&u(), -1.0), Value, "?"); // RuntimeError
    case!(r, u().masked_fill(&b().narrow(0, 0, 1).unwrap(), 256i64), Value, "?"); // RuntimeError
}

fn bad_dtypes(r: &mut Report) {
    case!(r, b().sub(&b()), NotImplemented, "?"); // NotImplementedError
    case!(r, b().sub(1i64), NotImplemented, "?"); // NotImplementedError
    case!(r, i().sub(&b()), NotImplemented, "?"); // NotImplementedError
    case!(r, b().neg(), NotImplemented, "?"); // NotImplementedError
    case!(r, b().floor_divide(&b()), NotImplemented, "?"); // NotImplementedError
    case!(r, b().pow(&b()), NotImplemented, "?"); // NotImplementedError
    case!(r, b().remainder(&b()), NotImplemented, "?"); // NotImplementedError
    case!(r, b().ceil(), NotImplemented, "?"); // NotImplementedError
    case!(r, i().frac(), NotImplemented, "?"); // NotImplementedError
    case!(r, x().bitwise_and(&x()), NotImplemented, "?"); // NotImplementedError
    case!(r, x().bitwise_not(), NotImplemented, "?"); // NotImplementedError
    case!(r, b().lerp(&b(), 0.5), NotImplemented, "?"); // NotImplementedError
    case!(r, i().lerp(&i(), 1i64), NotImplemented, "?"); // NotImplementedError
    case!(r, i().addcdiv(&i(), &i(), 1.0), DType, "?"); // RuntimeError
    case!(r, b().addcmul(&b(), &b(), 1.0), NotImplemented, "?"); // NotImplementedError
    case!(r, b().clamp_min(false), NotImplemented, "?"); // NotImplementedError
    case!(r, i().mean(), NotImplemented, "?"); // NotImplementedError
    case!(r, b().mean_dim(0, false), NotImplemented, "?"); // NotImplementedError
    case!(r, i().var(0, 1.0, false), NotImplemented, "?"); // NotImplementedError
    case!(r, b().argmax(None, false), NotImplemented, "?"); // NotImplementedError
    case!(r, i().softmax(0), NotImplemented, "?"); // NotImplementedError
    case!(r, i().log_softmax(0), NotImplemented, "?"); // NotImplementedError
    case!(r, i().leaky_relu(0.1), NotImplemented, "?"); // NotImplementedError
    case!(r, i().gelu(), NotImplemented, "?"); // NotImplementedError
    case!(r, i().elu(1.0), NotImplemented, "?"); // NotImplementedError
    case!(r, i().softplus(1.0, 20.0), NotImplemented, "?"); // NotImplementedError
    case!(r, i().silu(), NotImplemented, "?"); // NotImplementedError
    case!(r, i().logsigmoid(), NotImplemented, "?"); // NotImplementedError
    case!(r, Tensor::where_cond(&x(), &x(), &x()), DType, "?"); // RuntimeError
    case!(r, x().masked_fill(&x(), 0.0), DType, "?"); // RuntimeError
    case!(r, i().requires_grad_(true), DType, "?"); // RuntimeError
    case!(r, x().to_vec::<f64>(), DType, "?"); // RuntimeError
}

fn bad_division_and_powers(r: &mut Report) {
    case!(r, i().floor_divide(0i64), ZeroDivision, "?"); // RuntimeError
    case!(r, i().remainder(&i()), ZeroDivision, "?"); // RuntimeError
    case!(r, i().fmod(0i64), ZeroDivision, "?"); // RuntimeError
    case!(r, i().pow(-1i64), Value, "?"); // RuntimeError
}

fn bad_products(r: &mut Report) {
    case!(r, x().matmul(&x()), Shape, "?"); // RuntimeError
    case!(r, x().matmul(&z(&[])), Shape, "?"); // RuntimeError
    case!(r, z(&[3]).matmul(&z(&[4])), Shape, "?"); // RuntimeError
    case!(r, z(&[2, 3, 4]).matmul(&z(&[3, 4, 5])), Shape, "?"); // RuntimeError
    case!(r, z(&[0, 3]).matmul(&z(&[0, 4])), Shape, "?"); // RuntimeError
    case!(r, x().matmul(&z(&[3]).to_dtype(DType::F64).unwrap()), DType, "?"); // RuntimeError
    case!(r, b().matmul(&b().t().unwrap()), NotImplemented, "?"); // NotImplementedError
}

fn bad_reductions(r: &mut Report) {
    case!(r, x().sum_dim(2, false), Dim, "?"); // IndexError
    case!(r, x().sum_dim(-3, false), Dim, "?"); // IndexError
    case!(r, x().amax([0, -2], false), Shape, "?"); // RuntimeError
    case!(r, z(&[]).sum_dim(1, false), Dim, "?"); // IndexError
    case!(r, z(&[0]).max(), Shape, "?"); // RuntimeError
    case!(r, z(&[0, 3]).amax(0, false), Index, "?"); // IndexError
    case!(r, z(&[0]).argmax(None, false), Index, "?"); // IndexError
    case!(r, z(&[0, 3]).argmin(Some(0), false), Index, "?"); // IndexError
    case!(r, z(&[0, 3]).max_dim(0, false), Index, "?"); // IndexError
    case!(r, x().softmax(2), Dim, "?"); // IndexError
    case!(r, z(&[]).softmax(1), Dim, "?"); // IndexError
    case!(r, x().item(), Shape, "?"); // RuntimeError
    case!(r, z(&[0]).item_f64(), Shape, "?"); // RuntimeError
}

fn bad_views(r: &mut Report) {
    case!(r, x().reshape([-1, 0]), Shape, "?"); // RuntimeError
    case!(r, z(&[2, 0]).reshape([-1, 0]), Shape, "?"); // RuntimeError
    case!(r, x().reshape([7]), Shape, "?"); // RuntimeError
    case!(r, x().reshape([-1, -1]), Shape, "?"); // RuntimeError
    case!(r, x().reshape([-2, 3]), Shape, "?"); // RuntimeError
    case!(r, x().reshape([4, -1]), Shape, "?"); // RuntimeError
    case!(r, x().reshape([isize::MAX, isize::MAX, 6]), Shape, "?"); // RuntimeError
    case!(r, x().t().unwrap().view([6]), Shape, "?"); // RuntimeError
    case!(r, x().permute([0]), Shape, "?"); // RuntimeError
    case!(r, x().permute([0, 0]), Shape, "?"); // RuntimeError
    case!(r, x().permute([0, 2]), Dim, "?"); // IndexError
    case!(r, x().transpose(0, 2), Dim, "?"); // IndexError
    case!(r, z(&[2, 3, 4]).t(), Shape, "?"); // RuntimeError
    case!(r, z(&[3]).mt(), Shape, "?"); // RuntimeError
    case!(r, x().movedim([0, 1], [0]), Shape, "?"); // RuntimeError
    case!(r, x().movedim([0, 0], [0, 1]), Shape, "?"); // RuntimeError
    case!(r, x().movedim([0], [2]), Dim, "?"); // IndexError
    case!(r, x().narrow(1, 2, 2), Shape, "?"); // RuntimeError
    case!(r, x().narrow(1, 4, 0), Index, "?"); // IndexError
    case!(r, x().narrow(1, -4, 1), Index, "?"); // IndexError
    case!(r, x().narrow(1, isize::MIN, usize::MAX), Index, "?"); // IndexError
    case!(r, z(&[]).narrow(0, 0, 1), Shape, "?"); // RuntimeError
    case!(r, x().select(1, 3), Index, "?"); // IndexError
    case!(r, x().select(0, -3), Index, "?"); // IndexError
    case!(r, z(&[]).select(0, 0), Dim, "?"); // IndexError
    case!(r, x().slice(0, None, None, 0), Value, "?"); // ValueError
    case!(r, x().slice(2, None, None, 1), Dim, "?"); // IndexError
    case!(r, x().i((0, 0, 0)), Index, "?"); // IndexError
    case!(r, x().i((0, 5)), Index, "?"); // IndexError
    case!(r, z(&[]).i(0), Index, "?"); // IndexError
    case!(r, x().i((Index::Ellipsis, Index::Ellipsis)), Index, "?"); // none: PyTorch takes the second for a full slice
    case!(r, x().expand([3, 3]), Shape, "?"); // RuntimeError
    case!(r, x().expand([3]), Shape, "?"); // RuntimeError
    case!(r, x().expand([-1, 2, 3]), Shape, "?"); // RuntimeError
    case!(r, x().expand([2, -2]), Shape, "?"); // RuntimeError
    case!(r, x().squeeze(2), Dim, "?"); // IndexError
    case!(r, x().unsqueeze(3), Dim, "?"); // IndexError
    case!(r, x().unsqueeze(-4), Dim, "?"); // IndexError
    case!(r, x().unfold(1, 4, 1), Value, "?"); // RuntimeError
    case!(r, x().unfold(1, 2, 0), Value, "?"); // RuntimeError
    case!(r, x().unfold(2, 1, 1), Dim, "?"); // IndexError
    case!(r, x().diagonal(0, 0, 0), Shape, "?"); // RuntimeError
    case!(r, x().diagonal(0, 0, 2), Dim, "?"); // IndexError
    case!(r, x().as_strided(&[2, 3], &[3, 1], 1), Index, "?"); // RuntimeError
    case!(r, x().as_strided(&[2], &[-1], 0), Index, "?"); // RuntimeError
    case!(r, x().as_strided(&[2], &[3, 1], 0), Shape, "?"); // RuntimeError
    case!(r, x().split(0, 0), Value, "?"); // RuntimeError
    case!(r, z(&[]).split(1, 0), Shape, "?"); // RuntimeError
    case!(r, x().chunk(0, 0), Value, "?"); // RuntimeError
    case!(r, z(&[]).chunk(1, 0), Shape, "?"); // RuntimeError
    case!(r, x().chunk(2, 2), Dim, "?"); // IndexError
    case!(r, x().unbind(2), Dim, "?"); // IndexError
    case!(r, z(&[]).unbind(0), Dim, "?"); // IndexError
    case!(r, x().flatten_dims(1, 0), Shape, "?"); // RuntimeError
    case!(r, x().unflatten(0, [3, -1]), Shape, "?"); // RuntimeError
    case!(r, z(&[]).unflatten(0, [1]), Shape, "?"); // RuntimeError
    case!(r, x().flip([0, 0]), Shape, "?"); // RuntimeError
    case!(r, z(&[]).size(0), Dim, "?"); // IndexError
    case!(r, x().size(-3), Dim, "?"); // IndexError
}

fn bad_index_tensors(r: &mut Report) {
    case!(r, x().gather(2, &i()), Dim, "?"); // IndexError
    case!(r, x().gather(0, &ids(&[0])), Shape, "?"); // RuntimeError
    case!(r, x().gather(1, &ids(&[0, 0, 0]).view([3, 1]).unwrap()), Shape, "?"); // RuntimeError
    case!(r, x().gather(0, &ids(&[2, 0, 0]).view([1, 3]).unwrap()), IndexValue, "?"); // RuntimeError
    case!(r, x().gather(0, &ids(&[-1, 0, 0]).view([1, 3]).unwrap()), IndexValue, "?"); // RuntimeError
    case!(r, x().gather(0, &x()), DType, "?"); // RuntimeError
    case!(r, x().index_select(0, &ids(&[0, -1])), Index, "?"); // IndexError
    case!(r, x().index_select(0, &ids(&[2])), Index, "?"); // IndexError
    case!(r, x().index_select(0, &i()), Index, "?"); // IndexError
    case!(r, x().index_select(0, &x().select(0, 0).unwrap()), DType, "?"); // RuntimeError
    case!(r, x().scatter(0, &i(), &x().to_dtype(DType::F64).unwrap()), DType, "?"); // RuntimeError
    case!(r, x().scatter(0, &ids(&[0, 0, 2]).view([1, 3]).unwrap(), &x()), IndexValue, "?"); // RuntimeError
    case!(r, x().scatter(0, &ids(&[0]), &x()), Shape, "?"); // RuntimeError
    case!(r, x().scatter(1, &ids(&[0, 0, 0]).view([3, 1]).unwrap(), &z(&[3, 3])), Shape, "?"); // RuntimeError
    case!(r, x().scatter_add(0, &ids(&[0; 9]).view([3, 3]).unwrap(), &x()), Shape, "?"); // RuntimeError
    case!(r, x().scatter_add_(2, &i(), &x()), Dim, "?"); // IndexError
}

fn bad_joining(r: &mut Report) {
    case!(r, Tensor::cat(&[], 0), Argument, "?"); // ValueError
    case!(r, Tensor::cat(&[&z(&[]), &x()], 0), Shape, "?"); // RuntimeError
    case!(r, Tensor::cat(&[&x(), &z(&[2, 2])], 0), Shape, "?"); // RuntimeError
    case!(r, Tensor::cat(&[&x(), &z(&[3])], 0), Shape, "?"); // RuntimeError
    case!(r, Tensor::cat(&[&x(), &x()], 2), Dim, "?"); // IndexError
    case!(r, Tensor::stack(&[], 0), Value, "?"); // RuntimeError
    case!(r, Tensor::stack(&[&x(), &z(&[3, 2])], 0), Shape, "?"); // RuntimeError
    case!(r, Tensor::stack(&[&x(), &x()], 3), Dim, "?"); // IndexError
}

fn bad_creation(r: &mut Report) {
    case!(r, Tensor::from_vec(vec![1f32; 5], &[2, 3]), Shape, "?"); // RuntimeError
    case!(r, Tensor::arange(0i64, 5i64, 0i64, DType::I64), Value, "?"); // RuntimeError
    case!(r, Tensor::arange(5.0, 0.0, 1.0, DType::F32), Value, "?"); // RuntimeError
    case!(r, Tensor::arange(0.0, f64::INFINITY, 1.0, DType::F32), Value, "?"); // RuntimeError
    case!(r, Tensor::arange(0.0, 1.0, f64::INFINITY, DType::F32), Value, "?"); // RuntimeError
    case!(r, Tensor::randint(5, 5, &[3], DType::I64), Value, "?"); // RuntimeError
    case!(r, Tensor::randint(0, 300, &[3], DType::U8), Value, "?"); // RuntimeError
    case!(r, Tensor::rand(&[3], DType::I64), NotImplemented, "?"); // NotImplementedError
    case!(r, x().uniform_(1.0, 0.0), Value, "?"); // RuntimeError
    case!(r, x().uniform_(f64::NAN, 1.0), Value, "?"); // RuntimeError
    case!(r, x().normal_(0.0, -1.0), Value, "?"); // RuntimeError
    case!(r, x().bernoulli_(1.5), Value, "?"); // RuntimeError
    case!(r, x().exponential_(0.0), Value, "?"); // RuntimeError
    case!(r, i().uniform_(0.0, 1.0), NotImplemented, "?"); // NotImplementedError
}

fn bad_sizes(r: &mut Report) {
    case!(r, Tensor::zeros(&[1 << 32, 1 << 32], DType::U8), Memory, "?"); // RuntimeError
    case!(r, Tensor::zeros(&[1 << 60], DType::U8), Memory, "?"); // RuntimeError
    case!(r, Tensor::empty(&[1 << 57], DType::F64), Memory, "?"); // RuntimeError
    case!(r, Tensor::ones(&[1 << 61], DType::F64), Memory, "?"); // RuntimeError
    case!(r, Tensor::ones(&[1 << 62, 2], DType::U8), Memory, "?"); // RuntimeError
    case!(r, Tensor::zeros(&[usize::MAX], DType::U8), Memory, "?"); // RuntimeError
    case!(r, Tensor::zeros(&[0, usize::MAX], DType::U8), Memory, "?"); // RuntimeError
    case!(r, Tensor::eye(1 << 32, DType::F32), Memory, "?"); // RuntimeError
    case!(r, Tensor::arange(0i64, i64::MAX, 1i64, DType::F64), Memory, "?"); // RuntimeError
    case!(r, Tensor::arange(i64::MIN, i64::MAX, 1i64, DType::U8), Memory, "?"); // RuntimeError
    case!(r, Tensor::arange(-1e308, 1e308, 1e-300, DType::F64), Memory, "?"); // RuntimeError
    case!(r, Tensor::randperm(1 << 60), Memory, "?"); // RuntimeError
    case!(r, x().expand([1 << 40, 1 << 40, 2, 3]), Memory, "?"); // RuntimeError
    case!(r, z(&[1]).expand([1 << 60]).unwrap().copy(), Memory, "?"); // RuntimeError
    case!(r, z(&[1]).expand([1 << 60]).unwrap().exp(), Memory, "?"); // RuntimeError
    case!(r, z(&[1 << 30, 0]).matmul(&z(&[0, 1 << 30])), Memory, "?"); // RuntimeError
    case!(r, z(&[0, 1 << 40, 1 << 40]).flatten_dims(1, 2), Memory, "?"); // RuntimeError
    case!(r, z(&[0, 1 << 60]).sum_dim(0, false), Memory, "?"); // RuntimeError
}

fn bad_gradients_and_backends(r: &mut Report) {
    case!(r, x().backward(), Autograd, "?"); // RuntimeError
    case!(r, x().requires_grad_(true).unwrap().backward(), Autograd, "?"); // RuntimeError
    case!(r, x().register_hook(|_| Ok(None)), Autograd, "?"); // RuntimeError
    case!(r, x().retain_grad(), Autograd, "?"); // RuntimeError
    case!(r, x().set_grad(Some(z(&[3]))), Autograd, "?"); // RuntimeError
    case!(r, x().requires_grad_(true).unwrap().exp().unwrap().requires_grad_(false), Autograd, "?"); // RuntimeError
    case!(r, grad(&[], &[&x()], &[], GradOptions::default()), Autograd, "?"); // RuntimeError
    case!(r, backends::get("tpu").map(|_| ()), Backend, "?"); // RuntimeError
    case!(r, backends::set_default("tpu"), Backend, "?"); // RuntimeError
}

#[test]
fn every_bad_call_has_its_own_error_and_the_process_lives_on() {
    let mut r = Report { cases: 0, faults: Vec::new() };
    for part in [
        bad_broadcasting,
        bad_in_place,
        bad_dtypes,
        bad_division_and_powers,
        bad_products,
        bad_reductions,
        bad_views,
        bad_index_tensors,
        bad_joining,
        bad_creation,
        bad_sizes,
        bad_gradients_and_backends,
    ] {
        part(&mut r);
    }
    assert!(r.cases >= 200, "{} cases", r.cases);
    assert!(r.faults.is_empty(), "{} of {} cases:\n{}", r.faults.len(), r.cases, r.faults.join("\n"));
    assert_eq!(x().add(1.0).unwrap().sum().unwrap().item_f64().unwrap(), 6.0);
}

#[test]
fn errors_carry_their_values_and_op_apart_from_the_text() {
    let e = x().matmul(&x()).unwrap_err();
    assert_eq!((e.op(), e.rule(), e.kind()), ("matmul", "inner sizes differ", ErrorKind::Shape));
    assert_eq!(e.value("lhs").unwrap().to_string(), "[2, 3]");
    assert!(e.value("nothing").is_none());
    // They travel as any error does, from any thread.
    let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(e);
    let text = std::thread::spawn(move || boxed.to_string()).join().unwrap();
    assert_eq!(text, "matmul: inner sizes differ: lhs [2, 3], rhs [2, 3]");
}

/// Sizes that PyTorch refuses as negative cannot be written down, and a request that fails leaves the
/// memory that there was.
#[test]
fn failed_allocations_leave_no_trace() {
    let before = rusttorch::memory::stats().in_use;
    for _ in 0..100 {
        Tensor::zeros(&[1 << 60], DType::U8).unwrap_err();
        z(&[1]).expand([1 << 60]).unwrap().mul(2.0).unwrap_err();
    }
    assert!(rusttorch::memory::stats().in_use <= before + 65536);
}

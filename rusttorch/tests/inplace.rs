//! In-place ops: memory, version counters, dtype and shape rules, and their place in the graph. Every
//! number here was measured with PyTorch 2.15; where the behaviour differs on purpose a comment says so.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rusttorch::autograd::{GradOptions, enable_grad, grad};
use rusttorch::{DType, ErrorKind, Result, Tensor, TensorError, memory, no_grad};

fn f32s(values: &[f32]) -> Tensor {
    Tensor::from_slice(values, &[values.len()]).unwrap()
}

fn i64s(values: &[i64]) -> Tensor {
    Tensor::from_slice(values, &[values.len()]).unwrap()
}

/// The leaf `[1, 2, .., n]` of this shape.
fn leaf(shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    let x = Tensor::arange(1, n as i64 + 1, 1, DType::F32).unwrap();
    let x = x.reshape(shape.iter().map(|&n| n as isize).collect::<Vec<_>>()).unwrap();
    x.copy().unwrap().requires_grad_(true).unwrap()
}

fn values(t: &Tensor) -> Vec<f32> {
    t.to_vec::<f32>().unwrap()
}

fn grad_of(t: &Tensor) -> Vec<f32> {
    values(&t.grad().expect("a gradient"))
}

fn backward(t: &Tensor) -> Result<()> {
    t.sum()?.backward()
}

/// A non-leaf with the same elements.
fn through(t: &Tensor) -> Tensor {
    (t * 1.0).unwrap()
}

#[track_caller]
fn refused<T>(result: Result<T>, kind: ErrorKind, part: &str) -> TensorError {
    let Err(e) = result else { panic!("expected an error with '{part}'") };
    assert_eq!(e.kind(), kind, "{e}");
    assert!(e.to_string().contains(part), "{e}");
    e
}

/// Whether this process is the child in which `test` measures memory: `memory::stats` counts for the whole
/// process, and other tests may run in this one. If it is not, runs the child.
fn alone(test: &str) -> bool {
    if std::env::var("RUSTTORCH_TEST_CHILD").is_ok_and(|t| t == test) {
        return true;
    }
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env("RUSTTORCH_TEST_CHILD", test);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    false
}

const LEAF: &str = "a leaf tensor that requires grad is being used in an in-place operation";
const LEAF_VIEW: &str = "a view of a leaf tensor that requires grad is being used in an in-place operation";
const NO_GRAD_VIEW: &str = "a view made under no_grad is being modified in place";
const STALE: &str = "a tensor needed for the gradient was modified by an in-place operation";

// ---- memory and versions ---------------------------------------------------------------------------

#[test]
fn every_in_place_op_returns_the_tensor_itself_and_counts_once() {
    let a = Tensor::zeros(&[4], DType::F32).unwrap();
    let ops: [(&str, Result<Tensor>); 12] = [
        ("add_", a.add_(1.0)),
        ("fill_", a.fill_(2.0)),
        ("copy_", a.copy_(&Tensor::ones(&[1], DType::F64).unwrap())),
        ("zero_", a.zero_()),
        ("sin_", a.sin_()),
        ("masked_fill_", a.masked_fill_(&a.ge(0.0).unwrap(), 1.0)),
        ("uniform_", a.uniform_(0.0, 1.0)),
        ("eq_", a.eq_(0.0)),
        ("logical_not_", a.logical_not_()),
        ("scatter_", a.scatter_(0, &i64s(&[0]), &f32s(&[5.0]))),
        ("scatter_add_", a.scatter_add_(0, &i64s(&[0]), &f32s(&[5.0]))),
        ("div_", a.div_(&a)),
    ];
    let n = ops.len() as u64;
    for (name, result) in ops {
        assert!(result.unwrap().is_same(&a), "{name}");
    }
    assert_eq!(a.version(), n);
    // Views and detached handles share the counter.
    let (view, detached) = (a.narrow(0, 1, 2).unwrap(), a.detach());
    view.add_(1.0).unwrap();
    detached.add_(1.0).unwrap();
    assert_eq!([a.version(), view.version(), detached.version()], [n + 2; 3]);
    assert_eq!(a.copy().unwrap().version(), 0);
}

#[test]
fn a_refused_op_leaves_elements_and_version_alone() {
    let a = f32s(&[1.0, 2.0, 3.0]);
    let i = i64s(&[1, 2, 3]);
    refused(a.add_(&f32s(&[1.0, 2.0])), ErrorKind::Shape, "add");
    refused(a.scatter_(0, &i64s(&[0, 3]), &f32s(&[9.0, 9.0])), ErrorKind::IndexValue, "index 3, size 3");
    refused(a.masked_fill_(&a, 0.0), ErrorKind::DType, "bool");
    refused(a.exponential_(-1.0), ErrorKind::Value, "lambda");
    refused(i.floor_divide_(0i64), ErrorKind::ZeroDivision, "zero");
    refused(i.remainder_(&i64s(&[1, 0, 1])), ErrorKind::ZeroDivision, "zero");
    refused(i.fill_(1e30), ErrorKind::Value, "range");
    assert_eq!(values(&a), [1.0, 2.0, 3.0]);
    assert_eq!(i.to_vec::<i64>().unwrap(), [1, 2, 3]);
    assert_eq!((a.version(), i.version()), (0, 0));
}

#[test]
fn the_result_must_fit_shape_and_category_of_the_target() {
    let (i, f, b) = (i64s(&[7, 8]), f32s(&[7.0, 8.0]), i64s(&[0, 1]).to_dtype(DType::Bool).unwrap());
    // PyTorch: "result type Float can't be cast to the desired output type Long".
    for e in [i.add_(1.5), i.add_(&f), i.div_(2i64), i.sin_(), i.pow_(0.5), b.add_(1i64), b.mul_(&f)] {
        refused(e, ErrorKind::DType, "result cannot be cast to the dtype of what it is written to: result");
    }
    // Within a category the target's dtype wins.
    let u = Tensor::from_slice(&[250u8, 5], &[2]).unwrap();
    assert_eq!(u.add_(&i64s(&[10, 10])).unwrap().to_vec::<u8>().unwrap(), [4, 15]);
    assert_eq!(u.sub_(300i64).unwrap().to_vec::<u8>().unwrap(), [216, 227]);
    let h = f.to_dtype(DType::F16).unwrap();
    assert_eq!(h.mul_(&f.to_dtype(DType::F64).unwrap()).unwrap().dtype(), DType::F16);
    assert_eq!(f.add_(&i).unwrap().dtype(), DType::F32);
    // A comparison writes 0 and 1 in the dtype of its target; copy_ casts everything.
    assert_eq!(values(&f.gt_(14.0).unwrap()), [0.0, 1.0]);
    assert_eq!(i.copy_(&f32s(&[-1.9, f32::NAN])).unwrap().to_vec::<i64>().unwrap(), [-1, 0]);
    assert_eq!(i.fill_(2.9).unwrap().to_vec::<i64>().unwrap(), [2, 2]);

    let one = Tensor::zeros(&[1], DType::F32).unwrap();
    for e in [
        one.add_(&f),
        one.copy_(&f),
        one.masked_fill_(&b, 0.0),
        one.eq_(&f),
        Tensor::scalar(1f32).unwrap().add_(&one),
    ] {
        refused(e, ErrorKind::Shape, "an in-place op cannot change the shape of its target: target [");
    }
    let m = Tensor::zeros(&[2, 3], DType::F32).unwrap();
    refused(m.add_(&Tensor::zeros(&[4], DType::F32).unwrap()), ErrorKind::Shape, "lhs [2, 3], rhs [4]");
    // Smaller ones broadcast.
    m.add_(&f32s(&[1.0, 2.0, 3.0])).unwrap().add_(&Tensor::ones(&[2, 1], DType::I32).unwrap()).unwrap();
    assert_eq!(values(&m), [2.0, 3.0, 4.0, 2.0, 3.0, 4.0]);
}

#[test]
fn overlapping_targets_are_refused_and_overlapping_sources_copied() {
    let one = Tensor::zeros(&[1], DType::F32).unwrap();
    let wide = one.expand([3]).unwrap();
    let windows = Tensor::zeros(&[5], DType::F32).unwrap().unfold(0, 3, 1).unwrap();
    for target in [&wide, &windows] {
        let same = Tensor::ones(target.shape(), DType::F32).unwrap();
        // PyTorch lets fill_ and the windows through.
        for e in [
            target.add_(1.0),
            target.copy_(&same),
            target.fill_(1.0),
            target.sin_(),
            target.uniform_(0.0, 1.0),
        ] {
            refused(
                e,
                ErrorKind::Alias,
                "elements of the written tensor share memory; copy() it first: shape",
            );
        }
    }
    assert_eq!(values(&one), [0.0]);
    // Stride 0 over a single element is no overlap, and neither is an empty tensor.
    one.expand([1]).unwrap().add_(1.0).unwrap();
    one.expand([0]).unwrap().add_(1.0).unwrap();
    assert_eq!(values(&one), [1.0]);

    // PyTorch refuses these three; here the source is read before anything is written.
    let a = Tensor::from_slice(&[1f32, 2.0, 3.0, 4.0], &[2, 2]).unwrap();
    a.add_(&a.t().unwrap()).unwrap();
    assert_eq!(values(&a), [2.0, 5.0, 5.0, 8.0]);
    let b = f32s(&[1.0, 2.0, 3.0, 4.0]);
    b.narrow(0, 1, 3).unwrap().copy_(&b.narrow(0, 0, 3).unwrap()).unwrap();
    assert_eq!(values(&b), [1.0, 1.0, 2.0, 3.0]);
    b.copy_(&b.slice(0, None, None, -1).unwrap()).unwrap();
    assert_eq!(values(&b), [3.0, 2.0, 1.0, 1.0]);
    // The same elements on both sides.
    b.mul_(&b).unwrap().sub_(&b.narrow(0, 3, 1).unwrap()).unwrap();
    assert_eq!(values(&b), [8.0, 3.0, 0.0, 0.0]);
    let i = i64s(&[2, 0, 1]);
    i.scatter_(0, &i, &i).unwrap();
    assert_eq!(i.to_vec::<i64>().unwrap(), [0, 1, 2]);
}

#[test]
fn strided_and_reversed_targets_are_written_in_their_order() {
    let a = Tensor::zeros(&[2, 3], DType::F32).unwrap();
    a.t().unwrap().copy_(&Tensor::arange(0, 6, 1, DType::F32).unwrap().reshape([3, 2]).unwrap()).unwrap();
    assert_eq!(values(&a), [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
    a.flatten().unwrap().slice(0, None, None, -2).unwrap().add_(&f32s(&[100.0, 200.0, 300.0])).unwrap();
    assert_eq!(values(&a), [0.0, 302.0, 4.0, 201.0, 3.0, 105.0]);
    a.diagonal(0, 0, 1).unwrap().neg_().unwrap();
    assert_eq!(values(&a), [0.0, 302.0, 4.0, 201.0, -3.0, 105.0]);
}

// ---- leaves ----------------------------------------------------------------------------------------

#[test]
fn leaves_that_require_grad_and_their_views_are_protected() {
    let x = leaf(&[3]);
    let mask = x.gt(1.0).unwrap();
    let index = i64s(&[0]);
    let source = f32s(&[1.0]);
    let on = |t: &Tensor| {
        [
            t.add_(1.0),
            t.fill_(1.0),
            t.zero_(),
            t.copy_(&source),
            t.exp_(),
            t.eq_(1.0),
            t.uniform_(0.0, 1.0),
            t.masked_fill_(&mask.narrow(0, 0, t.numel()).unwrap(), 0.0),
            t.scatter_(0, &index, &source),
            t.scatter_add_(0, &index, &source),
        ]
    };
    for e in on(&x) {
        refused(e, ErrorKind::Autograd, LEAF);
    }
    for view in
        [x.narrow(0, 0, 2), x.reshape([3]), x.i(..), x.unsqueeze(0).unwrap().squeeze(0), x.narrow(0, 1, 2)]
    {
        for e in on(&view.unwrap()) {
            refused(e, ErrorKind::Autograd, LEAF_VIEW);
        }
    }
    // A source that requires a gradient does not protect; a leaf that is only the source is fine.
    assert_eq!(values(&x), [1.0, 2.0, 3.0]);
    assert_eq!(x.version(), 0);
    no_grad(|| on(&x).into_iter().chain(on(&x.narrow(0, 0, 2).unwrap())).for_each(|r| drop(r.unwrap())));
    assert!(x.requires_grad() && x.is_leaf());
    assert_eq!(x.version(), 20);
    // A detached handle is no leaf that requires grad.
    x.detach().fill_(4.0).unwrap();
    assert_eq!(values(&x), [4.0; 3]);
    // A detached one that was made a leaf is.
    let y = through(&x).detach().requires_grad_(true).unwrap();
    refused(y.add_(1.0), ErrorKind::Autograd, LEAF);
}

#[test]
fn views_of_a_leaf_that_is_itself_a_view_are_protected() {
    let base = f32s(&[1.0, 2.0, 3.0, 4.0]);
    let x = base.reshape([2, 2]).unwrap().requires_grad_(true).unwrap();
    refused(x.mul_(2.0), ErrorKind::Autograd, LEAF);
    for view in [x.narrow(0, 0, 1), x.reshape([4]), x.reshape([4]).unwrap().narrow(0, 1, 2)] {
        refused(view.unwrap().mul_(2.0), ErrorKind::Autograd, LEAF_VIEW);
    }
    assert_eq!(values(&base), [1.0, 2.0, 3.0, 4.0]);
    // What the leaf was taken from is not protected, nor are other views of it.
    base.narrow(0, 3, 1).unwrap().mul_(2.0).unwrap();
    no_grad(|| x.narrow(0, 0, 1).unwrap().mul_(2.0)).unwrap();
    assert_eq!(values(&x), [2.0, 4.0, 3.0, 8.0]);
    backward(&x.narrow(0, 0, 1).unwrap()).unwrap();
    assert_eq!(grad_of(&x), [1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn a_leaf_updated_under_no_grad_keeps_learning() {
    let x = leaf(&[2]);
    for step in 1..=3 {
        (&x * &x).unwrap().sum().unwrap().backward().unwrap();
        no_grad(|| x.sub_(&(x.grad().unwrap() * 0.25).unwrap())).unwrap();
        x.set_grad(None).unwrap();
        assert_eq!(values(&x), [0.5f32.powi(step), 2.0 * 0.5f32.powi(step)]);
    }
    // Inside of no_grad, enable_grad protects again.
    refused(no_grad(|| enable_grad(|| x.add_(1.0))), ErrorKind::Autograd, LEAF);
}

// ---- gradients through in-place ops ----------------------------------------------------------------

#[test]
fn in_place_ops_have_the_gradients_of_their_out_of_place_forms() {
    type Op = fn(&Tensor) -> Result<Tensor>;
    let pairs: [(&str, Op, Op); 16] = [
        ("add", |a| a.add_(2.0), |a| a.add(2.0)),
        ("mul", |a| a.mul_(3.0), |a| a.mul(3.0)),
        ("div", |a| a.div_(4.0), |a| a.div(4.0)),
        ("pow", |a| a.pow_(2.0), |a| a.pow(2.0)),
        ("sin", Tensor::sin_, Tensor::sin),
        ("exp", Tensor::exp_, Tensor::exp),
        ("log", Tensor::log_, Tensor::log),
        ("sqrt", Tensor::sqrt_, Tensor::sqrt),
        ("tanh", Tensor::tanh_, Tensor::tanh),
        ("sigmoid", Tensor::sigmoid_, Tensor::sigmoid),
        ("relu", Tensor::relu_, Tensor::relu),
        ("abs", Tensor::abs_, Tensor::abs),
        ("neg", Tensor::neg_, Tensor::neg),
        ("reciprocal", Tensor::reciprocal_, Tensor::reciprocal),
        ("remainder", |a| a.remainder_(2.0), |a| a.remainder(2.0)),
        ("square", Tensor::square_, Tensor::square),
    ];
    for (name, in_place, plain) in pairs {
        let (x, y) = (leaf(&[3]), leaf(&[3]));
        let a = through(&x);
        let result = in_place(&a).unwrap();
        assert!(result.is_same(&a), "{name}");
        backward(&a).unwrap();
        let b = plain(&through(&y)).unwrap();
        backward(&b).unwrap();
        assert_eq!(values(&a), values(&b), "{name}");
        assert_eq!(grad_of(&x), grad_of(&y), "{name}");
        // The same where the other operand is tracked and the target is not.
        let w = leaf(&[3]);
        let target = Tensor::ones(&[3], DType::F32).unwrap();
        target.mul_(&w).unwrap();
        in_place(&target).unwrap();
        backward(&target).unwrap();
        assert_eq!(grad_of(&w), grad_of(&y), "{name}");
    }
}

#[test]
fn both_operands_of_an_in_place_op_get_their_gradients() {
    let (x, w) = (leaf(&[3]), leaf(&[3]));
    let a = through(&x);
    a.mul_(&(&w + 1.0).unwrap()).unwrap();
    a.div_(&w).unwrap();
    a.sub_(&(&w * &w).unwrap()).unwrap();
    // a = x (w + 1) / w - w^2
    backward(&a).unwrap();
    assert_eq!(grad_of(&x), [2.0, 1.5, 4.0 / 3.0]);
    let expected: Vec<f32> = [1.0f32, 2.0, 3.0].iter().map(|w| -w / (w * w) - 2.0 * w).collect();
    let close = grad_of(&w).iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5);
    assert!(close, "{:?} {expected:?}", grad_of(&w));
}

#[test]
fn writes_of_constants_cut_the_gradient() {
    type Op = fn(&Tensor) -> Result<Tensor>;
    let cuts: [(&str, Op); 6] = [
        ("fill_", |a| a.fill_(7.0)),
        ("zero_", Tensor::zero_),
        ("uniform_", |a| a.uniform_(0.0, 1.0)),
        ("eq_", |a| a.eq_(2.0)),
        ("copy_", |a| a.copy_(&Tensor::ones(&[3], DType::F32).unwrap())),
        ("logical_not_", Tensor::logical_not_),
    ];
    for (name, cut) in cuts {
        let x = leaf(&[3]);
        let a = through(&x);
        cut(&a).unwrap();
        // PyTorch keeps the tensor in the graph and passes zeros on.
        assert!(a.requires_grad(), "{name}");
        backward(&a).unwrap();
        assert_eq!(grad_of(&x), [0.0; 3], "{name}");
    }
    // What a tracked source overwrites has a gradient of zero, not none.
    let (x, y) = (leaf(&[3]), leaf(&[3]));
    let a = through(&x);
    a.copy_(&y).unwrap();
    assert_eq!(a.grad_fn().unwrap(), "CopyBackwards");
    backward(&a).unwrap();
    assert_eq!((grad_of(&x), grad_of(&y)), (vec![0.0; 3], vec![1.0; 3]));
    // Part of it.
    let x = leaf(&[3]);
    let a = through(&x);
    a.masked_fill_(&Tensor::from_slice(&[true, false, false], &[3]).unwrap(), 7.0).unwrap();
    backward(&a).unwrap();
    assert_eq!(grad_of(&x), [0.0, 1.0, 1.0]);
    // In-place under no_grad changes the value and leaves the graph as it is.
    let x = leaf(&[3]);
    let a = through(&x);
    no_grad(|| a.mul_(5.0)).unwrap();
    assert!(a.requires_grad());
    backward(&a).unwrap();
    assert_eq!(grad_of(&x), [1.0; 3]);
}

#[test]
fn scatter_in_place_has_gradients_for_target_and_source() {
    let weights = f32s(&[1.0, 2.0, 3.0]);
    let (x, s) = (leaf(&[3]), leaf(&[2]));
    let a = through(&x);
    a.scatter_add_(0, &i64s(&[0, 0]), &(&s * 2.0).unwrap()).unwrap();
    backward(&(&a * &weights).unwrap()).unwrap();
    assert_eq!(
        (values(&a), grad_of(&x), grad_of(&s)),
        (vec![7.0, 2.0, 3.0], vec![1.0, 2.0, 3.0], vec![2.0, 2.0])
    );

    let (x, s) = (leaf(&[3]), leaf(&[2]));
    let a = through(&x);
    a.scatter_(0, &i64s(&[0, 2]), &(&s * 2.0).unwrap()).unwrap();
    backward(&(&a * &weights).unwrap()).unwrap();
    assert_eq!(
        (values(&a), grad_of(&x), grad_of(&s)),
        (vec![2.0, 2.0, 4.0], vec![0.0, 2.0, 0.0], vec![2.0, 6.0])
    );

    // Of a 0-d tensor, which counts as one element.
    let x = leaf(&[1]);
    let a = through(&x).squeeze(0).unwrap();
    a.scatter_add_(0, &Tensor::scalar(0i64).unwrap(), &Tensor::scalar(4f32).unwrap()).unwrap();
    assert_eq!(a.item_f64().unwrap(), 5.0);
}

#[test]
fn an_integer_target_takes_no_gradient_from_a_tracked_source() {
    let x = leaf(&[3]);
    let i = i64s(&[0, 0, 0]);
    i.copy_(&x).unwrap();
    assert!(!i.requires_grad());
    assert_eq!(i.to_vec::<i64>().unwrap(), [1, 2, 3]);
    assert!(!x.to_dtype(DType::I64).unwrap().requires_grad());
    // Through a float of another width it does.
    let d = Tensor::zeros(&[3], DType::F64).unwrap();
    d.copy_(&x).unwrap();
    backward(&d).unwrap();
    assert_eq!(grad_of(&x), [1.0; 3]);
}

// ---- saved tensors ---------------------------------------------------------------------------------

#[test]
fn overwriting_what_a_gradient_needs_is_found_in_backward() {
    type Write = fn(&Tensor) -> Result<Tensor>;
    let writes: [Write; 7] = [
        |y| y.add_(1.0),
        |y| no_grad(|| y.zero_()),
        |y| y.detach().fill_(0.0),
        |y| y.narrow(0, 0, 1)?.mul_(2.0),
        |y| y.detach().narrow(0, 2, 1)?.fill_(9.0),
        |y| y.copy_(&y.detach().copy()?),
        |y| no_grad(|| y.masked_fill_(&y.gt(1e9)?, 0.0)),
    ];
    for (i, write) in writes.into_iter().enumerate() {
        // The rule of exp looks at its result.
        let x = leaf(&[3]);
        let y = x.exp().unwrap();
        write(&y).unwrap();
        let e = refused(backward(&y), ErrorKind::Autograd, STALE);
        assert!(e.to_string().contains("node Exp, shape [3], version 1, expected 0"), "{i}: {e}");
        // That of mul at its operands, of which the leaf is one.
        let x = leaf(&[3]);
        let y = (&x * &x).unwrap();
        no_grad(|| x.add_(1.0)).unwrap();
        refused(backward(&y), ErrorKind::Autograd, "node Mul, shape [3], version 1, expected 0");
        // That of add at nothing.
        let x = leaf(&[3]);
        let y = (&x + 1.0).unwrap();
        write(&y).unwrap();
        backward(&y).unwrap();
    }
    // An index and a mask are saved too.
    let (x, index) = (leaf(&[3]), i64s(&[2, 0]));
    let y = x.gather(0, &index).unwrap();
    index.fill_(1i64).unwrap();
    refused(backward(&y), ErrorKind::Autograd, STALE);
    let x = leaf(&[3]);
    let mask = x.gt(1.0).unwrap();
    let y = Tensor::where_cond(&mask, &x, 0.0).unwrap();
    mask.logical_not_().unwrap();
    refused(backward(&y), ErrorKind::Autograd, STALE);
    // A view that was saved shares the counter of its base.
    let x = leaf(&[4]);
    let a = through(&x);
    let v = a.narrow(0, 0, 2).unwrap();
    let y = (&v * &v).unwrap();
    a.mul_(3.0).unwrap();
    refused(backward(&y), ErrorKind::Autograd, STALE);
}

#[test]
fn an_op_whose_operand_is_its_own_target_is_stale_as_in_pytorch() {
    let x = leaf(&[3]);
    let a = through(&x);
    a.mul_(&a).unwrap();
    assert_eq!(values(&a), [1.0, 4.0, 9.0]);
    refused(backward(&a), ErrorKind::Autograd, STALE);
    // Where the rule looks at no operand there is nothing stale.
    let a = through(&x);
    a.add_(&a).unwrap();
    backward(&a).unwrap();
    assert_eq!(grad_of(&x), [2.0; 3]);
    let m = through(&leaf(&[2, 2]));
    m.add_(&m.t().unwrap()).unwrap();
    assert_eq!(values(&m), [2.0, 5.0, 5.0, 8.0]);
}

#[test]
fn results_saved_before_the_in_place_op_stay_valid() {
    // PyTorch saves the target of exp_ itself and refuses; here the rule has a result of its own.
    let x = leaf(&[2]);
    let a = through(&x);
    a.exp_().unwrap();
    a.add_(1.0).unwrap();
    backward(&a).unwrap();
    let e = [1f32.exp(), 2f32.exp()];
    assert!(grad_of(&x).iter().zip(e).all(|(g, e)| (g - e).abs() < 1e-5));
}

// ---- views -----------------------------------------------------------------------------------------

#[test]
fn an_in_place_op_on_a_view_changes_the_gradient_of_its_base() {
    let x = leaf(&[4]);
    let a = through(&x);
    let (v, w) = (a.narrow(0, 0, 2).unwrap(), a.narrow(0, 1, 3).unwrap());
    v.mul_(10.0).unwrap();
    w.add_(5.0).unwrap();
    assert_eq!(a.grad_fn().unwrap(), "CopySlices");
    assert_eq!(v.grad_fn().unwrap(), "AsStridedBackward0");
    backward(&(&a * &f32s(&[1.0, 2.0, 3.0, 4.0])).unwrap()).unwrap();
    assert_eq!(values(&a), [10.0, 25.0, 8.0, 9.0]);
    assert_eq!(grad_of(&x), [10.0, 20.0, 3.0, 4.0]);
}

#[test]
fn other_views_and_the_base_see_each_others_changes() {
    // Base in place, then an old view.
    let x = leaf(&[4]);
    let a = through(&x);
    let v = a.narrow(0, 0, 2).unwrap();
    a.mul_(3.0).unwrap();
    backward(&v).unwrap();
    assert_eq!(grad_of(&x), [3.0, 3.0, 0.0, 0.0]);
    // One view in place, then another that overlaps it.
    let x = leaf(&[4]);
    let a = through(&x);
    let (v, w) = (a.slice(0, None, None, 2).unwrap(), a.slice(0, None, None, -1).unwrap());
    v.mul_(7.0).unwrap();
    backward(&(&w * &f32s(&[1.0, 10.0, 100.0, 1000.0])).unwrap()).unwrap();
    assert_eq!(grad_of(&x), [7000.0, 100.0, 70.0, 1.0]);
    // A view of an untracked base, after the base got a history.
    let (b, p) = (Tensor::zeros(&[4], DType::F32).unwrap(), leaf(&[4]));
    let v = b.narrow(0, 0, 2).unwrap();
    assert!(!v.requires_grad());
    b.add_(&p).unwrap();
    assert!(v.requires_grad() && !v.is_leaf());
    assert_eq!(v.grad_fn().unwrap(), "AsStridedBackward0");
    backward(&(&v * 3.0).unwrap()).unwrap();
    assert_eq!(grad_of(&p), [3.0, 3.0, 0.0, 0.0]);
}

#[test]
fn views_of_views_reach_the_base() {
    let x = leaf(&[4]);
    let a = through(&x);
    let column = a.view([2, 2]).unwrap().t().unwrap().select(0, 0).unwrap();
    column.mul_(3.0).unwrap();
    backward(&a).unwrap();
    assert_eq!(grad_of(&x), [3.0, 1.0, 3.0, 1.0]);

    // w = [1, 2, 3, 4]; a = w; a[1..3] *= 2; a[..3] += w[..3]; sum of squares. Measured.
    let w = leaf(&[4]);
    let a = through(&w);
    let v1 = a.narrow(0, 0, 3).unwrap();
    let v2 = v1.narrow(0, 1, 2).unwrap();
    v2.mul_(2.0).unwrap();
    v1.add_(&w.narrow(0, 0, 3).unwrap()).unwrap();
    assert_eq!(values(&a), [2.0, 6.0, 9.0, 4.0]);
    backward(&(&a * &a).unwrap()).unwrap();
    assert_eq!(grad_of(&w), [8.0, 36.0, 54.0, 8.0]);

    // a = w; a.T *= [[1, 2], [3, 4], [5, 6]]; a[0].exp_(); sum(a * a.T.T). Measured.
    let w = leaf(&[2, 3]);
    let a = through(&w);
    let v = a.t().unwrap();
    v.mul_(&Tensor::arange(1, 7, 1, DType::F32).unwrap().reshape([3, 2]).unwrap()).unwrap();
    a.select(0, 0).unwrap().exp_().unwrap();
    backward(&(&a * &v.t().unwrap()).unwrap()).unwrap();
    let expected = [1.4778e1f32, 9.7653e5, 1.0686e14, 3.2e1, 1.6e2, 4.32e2];
    assert!(grad_of(&w).iter().zip(expected).all(|(g, e)| (g / e - 1.0).abs() < 1e-4), "{:?}", grad_of(&w));
}

#[test]
fn a_tracked_source_makes_an_untracked_base_part_of_the_graph() {
    let (x, b) = (leaf(&[2]), Tensor::zeros(&[4], DType::F32).unwrap());
    let v = b.narrow(0, 1, 2).unwrap();
    v.copy_(&x).unwrap();
    assert!(b.requires_grad() && v.requires_grad() && !b.is_leaf());
    backward(&(&b * &f32s(&[1.0, 2.0, 3.0, 4.0])).unwrap()).unwrap();
    assert_eq!(grad_of(&x), [2.0, 3.0]);
    // Rows of a matrix, each from an expression of the same leaf.
    let (w, rows) = (leaf(&[3]), Tensor::zeros(&[2, 3], DType::F32).unwrap());
    rows.i(0).unwrap().copy_(&w).unwrap();
    rows.i(1).unwrap().copy_(&(&w * 2.0).unwrap()).unwrap();
    backward(&(&rows * &rows).unwrap()).unwrap();
    assert_eq!(grad_of(&w), [10.0, 20.0, 30.0]);
    // Every kind of view of a base.
    type View = fn(&Tensor) -> Result<Tensor>;
    let views: [View; 8] = [
        |b| b.t(),
        |b| b.slice(1, None, None, -1),
        |b| b.diagonal(1, 0, 1),
        |b| b.view([6, 2]),
        |b| b.permute([1, 0]),
        |b| b.as_strided(&[2, 2], &[5, 2], 1),
        |b| b.unfold(1, 2, 2),
        |b| b.i((1, -1..)),
    ];
    for (i, view) in views.into_iter().enumerate() {
        let w = leaf(&[1]);
        let b = Tensor::zeros(&[3, 4], DType::F32).unwrap();
        let v = view(&b).unwrap();
        let n = v.numel() as f32;
        v.add_(&w).unwrap();
        backward(&b).unwrap();
        assert_eq!(grad_of(&w), [n], "view {i}");
        assert_eq!(values(&b).iter().sum::<f32>(), n, "view {i}");
    }
}

#[test]
fn views_made_under_no_grad_are_refused_where_gradients_are_at_stake() {
    let x = leaf(&[4]);
    let a = through(&x);
    let v = no_grad(|| a.narrow(0, 0, 2)).unwrap();
    assert!(!v.requires_grad());
    refused(v.mul_(2.0), ErrorKind::Autograd, NO_GRAD_VIEW);
    refused(v.narrow(0, 0, 1).unwrap().mul_(2.0), ErrorKind::Autograd, NO_GRAD_VIEW);
    no_grad(|| v.mul_(2.0)).unwrap();
    assert_eq!(values(&a), [2.0, 4.0, 3.0, 4.0]);
    // Of an untracked base it is the tracked source that is refused.
    let b = Tensor::zeros(&[4], DType::F32).unwrap();
    let v = no_grad(|| b.narrow(0, 0, 4)).unwrap();
    refused(v.copy_(&x), ErrorKind::Autograd, NO_GRAD_VIEW);
    v.add_(1.0).unwrap();
    assert!(!b.requires_grad() && !v.requires_grad());
    assert_eq!(values(&b), [1.0; 4]);
}

#[test]
fn detached_handles_share_memory_but_not_history() {
    let x = leaf(&[3]);
    let a = through(&x);
    let d = a.detach();
    assert!(d.shares_storage(&a) && !d.requires_grad() && d.is_leaf());
    d.mul_(2.0).unwrap();
    assert_eq!(values(&a), [2.0, 4.0, 6.0]);
    backward(&(&a * 2.0).unwrap()).unwrap();
    assert_eq!(grad_of(&x), [2.0; 3]);
    // A view of a detached handle is a view of nothing tracked.
    a.detach().narrow(0, 0, 1).unwrap().fill_(-1.0).unwrap();
    assert_eq!(values(&a), [-1.0, 4.0, 6.0]);
    let own = a.detach().requires_grad_(true).unwrap();
    backward(&(&own * 3.0).unwrap()).unwrap();
    assert_eq!((grad_of(&own), grad_of(&x)), (vec![3.0; 3], vec![2.0; 3]));
}

#[test]
fn requires_grad_switched_on_after_a_view_was_taken_is_seen_by_the_view() {
    let b = Tensor::zeros(&[4], DType::F32).unwrap();
    let v = b.narrow(0, 1, 2).unwrap();
    b.requires_grad_(true).unwrap();
    assert!(v.requires_grad() && !v.is_leaf());
    refused(v.add_(1.0), ErrorKind::Autograd, LEAF_VIEW);
    backward(&v).unwrap();
    assert_eq!(grad_of(&b), [0.0, 1.0, 1.0, 0.0]);
    // A view may be a leaf itself while its base requires nothing.
    let b = Tensor::zeros(&[4], DType::F32).unwrap();
    let v = b.narrow(0, 0, 2).unwrap().requires_grad_(true).unwrap();
    assert!(v.is_leaf() && v.requires_grad() && !b.requires_grad());
    refused(v.add_(1.0), ErrorKind::Autograd, LEAF);
    backward(&(&v * 2.0).unwrap()).unwrap();
    assert_eq!(grad_of(&v), [2.0; 2]);
}

#[test]
fn retained_gradients_follow_the_last_value() {
    let x = leaf(&[3]);
    let a = through(&x);
    a.retain_grad().unwrap();
    a.mul_(2.0).unwrap();
    backward(&a).unwrap();
    assert_eq!((grad_of(&a), grad_of(&x)), (vec![1.0; 3], vec![2.0; 3]));
    // Hooks stay with the value they were registered for, so the newer one runs first.
    let x = leaf(&[3]);
    let a = through(&x);
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    for round in 0..2 {
        let log = seen.clone();
        a.register_hook(move |g| {
            log.lock().unwrap().push((round, g.to_vec::<f32>()?[0]));
            Ok(None)
        })
        .unwrap();
        a.mul_(2.0).unwrap();
    }
    backward(&a).unwrap();
    assert_eq!(*seen.lock().unwrap(), [(1, 2.0), (0, 4.0)]);
}

#[test]
fn second_derivatives_pass_through_in_place_ops_and_views() {
    // a = x; a[1..] *= a[..2] (a copy of it); sum(a^2), with a = [x0, x1 x0, x2 x1].
    let f = |x: &Tensor| -> Result<Tensor> {
        let a = (x * 1.0)?;
        let head = a.narrow(0, 0, 2)?.copy()?;
        a.narrow(0, 1, 2)?.mul_(&head)?;
        (&a * &a)?.sum()
    };
    let x = Tensor::from_slice(&[1.0f64, 2.0, 3.0], &[3]).unwrap().requires_grad_(true).unwrap();
    let create = GradOptions { create_graph: true, ..GradOptions::default() };
    let g = grad(&[&f(&x).unwrap()], &[&x], &[], create).unwrap().remove(0).unwrap();
    // [2 x0 + 2 x0 x1^2, 2 x1 x0^2 + 2 x1 x2^2, 2 x2 x1^2]
    assert_eq!(g.to_vec::<f64>().unwrap(), [10.0, 40.0, 24.0]);
    let h = grad(&[&g.sum().unwrap()], &[&x], &[], create).unwrap().remove(0).unwrap();
    // Row sums of the Hessian.
    assert_eq!(h.to_vec::<f64>().unwrap(), [2.0 + 8.0 + 8.0, 8.0 + 2.0 + 18.0 + 24.0, 24.0 + 8.0]);
}

#[test]
fn in_place_ops_leave_nothing_behind_even_where_the_graph_leads_back_to_their_target() {
    if !alone("in_place_ops_leave_nothing_behind_even_where_the_graph_leads_back_to_their_target") {
        return;
    }
    // Each of these once kept the target alive through its own gradient rule.
    type Op = fn(&Tensor, &Tensor) -> Result<Tensor>;
    let ops: [Op; 7] = [
        |a, w| a.mul_(w),
        |a, _| a.sin_(),
        |a, _| a.mul_(a),
        |a, w| a.add_(&a.mul(w)?),
        |a, w| a.narrow(0, 0, 1)?.mul_(&w.narrow(0, 0, 1)?.mul(&a.narrow(0, 1, 1)?)?),
        |a, w| a.narrow(0, 0, 1)?.mul_(&a.narrow(0, 1, 1)?.mul(&w.narrow(0, 0, 1)?)?),
        |a, _| {
            a.retain_grad()?;
            a.exp_()
        },
    ];
    let w = leaf(&[4096]);
    let run = |op: Op| {
        let tracked = through(&w);
        op(&tracked, &w).unwrap();
        let untracked = Tensor::ones(&[4096], DType::F32).unwrap();
        drop(op(&untracked, &w));
    };
    for (i, op) in ops.into_iter().enumerate() {
        run(op);
        let before = memory::stats().in_use;
        (0..20).for_each(|_| run(op));
        let after = memory::stats().in_use;
        assert!(after <= before + 65536, "op {i}: {before} -> {after}");
    }
}

//! The tape: accumulation, freeing, hooks, higher derivatives, modes, depth, leaks and threads. Behaviour
//! measured with PyTorch 2.15; where it differs on purpose a comment says so.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use proptest::prelude::*;
use rusttorch::autograd::{GradOptions, grad, is_grad_enabled, with_grad_mode};
use rusttorch::{DType, ErrorKind, Result, Tensor, TensorError, enable_grad, memory, no_grad};

const RETAIN: GradOptions = GradOptions { retain_graph: true, create_graph: false, allow_unused: false };
const CREATE: GradOptions = GradOptions { retain_graph: false, create_graph: true, allow_unused: false };
const UNUSED: GradOptions = GradOptions { retain_graph: false, create_graph: false, allow_unused: true };

fn leaf(values: &[f64]) -> Tensor {
    Tensor::from_slice(values, &[values.len()]).unwrap().requires_grad_(true).unwrap()
}

fn scalar(value: f64) -> Tensor {
    Tensor::scalar(value).unwrap().requires_grad_(true).unwrap()
}

fn values(t: &Tensor) -> Vec<f64> {
    t.to_vec::<f64>().unwrap()
}

fn grad_of(t: &Tensor) -> Vec<f64> {
    values(&t.grad().expect("a gradient"))
}

#[track_caller]
fn refused<T>(result: Result<T>, part: &str) -> TensorError {
    let Err(e) = result else { panic!("expected an error with '{part}'") };
    assert_eq!(e.kind(), ErrorKind::Autograd, "{e}");
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

const FREED: &str = "trying to go backward through the graph a second time";

// ---- accumulation ----------------------------------------------------------------------------------

#[test]
fn gradients_accumulate_in_place_until_they_are_taken_away() {
    let x = leaf(&[1.0, 2.0]);
    assert!(x.grad().is_none());
    let loss = || (&x * &x).unwrap().sum().unwrap();
    loss().backward().unwrap();
    let first = x.grad().unwrap();
    loss().backward().unwrap();
    assert_eq!(grad_of(&x), [4.0, 8.0]);
    // The same tensor, as in PyTorch: whoever holds it sees the sum.
    assert!(first.is_same(&x.grad().unwrap()));
    assert!(!first.requires_grad());
    x.set_grad(None).unwrap();
    loss().backward().unwrap();
    assert_eq!((grad_of(&x), values(&first)), (vec![2.0, 4.0], vec![4.0, 8.0]));
    // One that shares memory with itself cannot be added to in place (PyTorch refuses it).
    x.set_grad(Some(Tensor::ones(&[1], DType::F64).unwrap().expand([2]).unwrap())).unwrap();
    loss().backward().unwrap();
    assert_eq!(grad_of(&x), [3.0, 5.0]);
    refused(x.set_grad(Some(leaf(&[1.0]))), "gradient [1], tensor [2]");
    refused(
        x.set_grad(Some(Tensor::zeros(&[2], DType::F32).unwrap())),
        "gradient dtype float32, tensor dtype float64",
    );
}

#[test]
fn gradients_share_memory_with_nothing() {
    let weight = Tensor::ones(&[2], DType::F64).unwrap();
    for options in [GradOptions::default(), RETAIN, CREATE] {
        let (x, y) = (leaf(&[1.0, 2.0]), leaf(&[3.0, 4.0]));
        // Both operands of a sum are handed the very tensor that came in.
        (&x + &y).unwrap().backward_with(Some(&weight), options).unwrap();
        let (gx, gy) = (x.grad().unwrap(), y.grad().unwrap());
        assert!(!gx.shares_storage(&gy), "{options:?}");
        assert!(!gx.shares_storage(&weight) && !gy.shares_storage(&weight), "{options:?}");
        gx.detach().fill_(9.0).unwrap();
        assert_eq!((values(&gy), values(&weight)), (vec![1.0; 2], vec![1.0; 2]), "{options:?}");
        // A leaf that is the output itself.
        let z = leaf(&[1.0, 2.0]);
        z.backward_with(Some(&weight), options).unwrap();
        assert!(!z.grad().unwrap().shares_storage(&weight), "{options:?}");
    }
    // The same leaf twice, and both ways through a view.
    let x = leaf(&[1.0, 2.0]);
    (&x + &x).unwrap().backward_with(Some(&weight), RETAIN).unwrap();
    assert_eq!((grad_of(&x), values(&weight)), (vec![2.0; 2], vec![1.0; 2]));
    let x = leaf(&[1.0, 2.0, 3.0, 4.0]);
    let (a, b) = (x.view([2, 2]).unwrap(), x.view([2, 2]).unwrap().t().unwrap());
    (&a * &b).unwrap().sum().unwrap().backward().unwrap();
    assert_eq!(grad_of(&x), [2.0, 6.0, 4.0, 8.0]);
    // A gradient kept by a hook does not change when the leaf's is added to.
    let x = leaf(&[1.0, 2.0]);
    let kept = Arc::new(Mutex::new(None));
    let slot = kept.clone();
    x.register_hook(move |g| {
        slot.lock().unwrap().get_or_insert(g.clone());
        Ok(None)
    })
    .unwrap();
    for _ in 0..3 {
        (&x * 5.0).unwrap().sum().unwrap().backward().unwrap();
    }
    assert_eq!(grad_of(&x), [15.0; 2]);
    assert_eq!(values(kept.lock().unwrap().as_ref().unwrap()), [5.0; 2]);
}

#[test]
fn a_switched_off_leaf_gets_nothing() {
    let x = leaf(&[1.0, 2.0]);
    let (y, view) = ((&x * 2.0).unwrap(), x.narrow(0, 0, 1).unwrap());
    x.requires_grad_(false).unwrap();
    assert!(y.requires_grad() && view.requires_grad());
    y.sum().unwrap().backward().unwrap();
    view.sum().unwrap().backward().unwrap();
    assert!(x.grad().is_none());
}

#[test]
fn diamonds_sum_over_all_paths() {
    // y = x; 20 times y = y + y: 2^20 paths, 20 nodes.
    let x = scalar(3.0);
    let mut y = (&x * 1.0).unwrap();
    for _ in 0..20 {
        y = (&y + &y).unwrap();
    }
    y.backward().unwrap();
    assert_eq!(grad_of(&x), [1_048_576.0]);
    // Branches of different lengths: each is complete before it goes on.
    let x = scalar(2.0);
    let a = (&x * 3.0).unwrap();
    let long = ((((&a * 1.0).unwrap() * 1.0).unwrap() * 1.0).unwrap() * &a).unwrap();
    (long + &a + &x).unwrap().backward().unwrap();
    // 9 x^2 + 3 x + x
    assert_eq!(grad_of(&x), [18.0 * 2.0 + 4.0]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// A random graph of sums, products and views of earlier values has the gradient that forward
    /// differentiation with dual numbers gives.
    #[test]
    fn random_graphs_agree_with_forward_differentiation(ops in prop::collection::vec((0..6u8, any::<u16>(), any::<u16>()), 1..30)) {
        const N: usize = 3;
        let start = [0.5, -1.25, 2.0];
        let x = leaf(&start);
        // Value and derivative by the sum over the leaf's direction e_k, for every k.
        type Dual = (Vec<f64>, Vec<[f64; N]>);
        let unit = |k: usize| std::array::from_fn(|i| f64::from(u8::from(i == k)));
        let mut tensors = vec![x.clone()];
        let mut duals: Vec<Dual> = vec![(start.to_vec(), (0..N).map(unit).collect())];
        let zip = |a: &Dual, b: &Dual, f: fn(f64, f64) -> f64, d: fn(f64, f64, f64, f64) -> f64| -> Dual {
            let value = a.0.iter().zip(&b.0).map(|(&a, &b)| f(a, b)).collect();
            let slope = (0..N).map(|i| std::array::from_fn(|k| d(a.0[i], a.1[i][k], b.0[i], b.1[i][k]))).collect();
            (value, slope)
        };
        for (op, i, j) in ops {
            let (i, j) = (i as usize % tensors.len(), j as usize % tensors.len());
            let (a, b) = (tensors[i].clone(), tensors[j].clone());
            let (da, db) = (duals[i].clone(), duals[j].clone());
            let (t, d) = match op {
                0 => (&a + &b, zip(&da, &db, |a, b| a + b, |_, da, _, db| da + db)),
                1 => (&a - &b, zip(&da, &db, |a, b| a - b, |_, da, _, db| da - db)),
                2 => (a.mul(&b).and_then(|p| p.tanh()), zip(&da, &db, |a, b| (a * b).tanh(), |a, da, b, db| (1.0 - (a * b).tanh().powi(2)) * (a * db + b * da))),
                3 => (a.slice(0, None, None, -1), (da.0.iter().rev().copied().collect(), da.1.iter().rev().copied().collect())),
                4 => {
                    // In place on a copy: half of it multiplied by two.
                    let c = (&a * 1.0).unwrap();
                    c.narrow(0, 1, 2).unwrap().mul_(2.0).unwrap();
                    let scale = |i: usize| if i == 0 { 1.0 } else { 2.0 };
                    let value = da.0.iter().enumerate().map(|(i, v)| v * scale(i)).collect();
                    (Ok(c), (value, (0..N).map(|i| da.1[i].map(|v| v * scale(i))).collect()))
                }
                _ => (a.sin(), zip(&da, &da, |a, _| a.sin(), |a, da, _, _| a.cos() * da)),
            };
            tensors.push(t.unwrap());
            duals.push(d);
        }
        let (last, dual) = (&tensors[tensors.len() - 1], &duals[duals.len() - 1]);
        last.sum().unwrap().backward().unwrap();
        for k in 0..N {
            let expected: f64 = dual.1.iter().map(|slopes| slopes[k]).sum();
            let found = grad_of(&x)[k];
            prop_assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{} {}", found, expected);
        }
    }
}

// ---- graphs are freed, or kept ---------------------------------------------------------------------

#[test]
fn a_second_backward_is_refused_unless_the_graph_is_retained() {
    let x = leaf(&[1.0, 2.0, 3.0]);
    let y = (&x * &x).unwrap().sum().unwrap();
    y.backward_with(None, RETAIN).unwrap();
    y.backward().unwrap();
    assert_eq!(grad_of(&x), [4.0, 8.0, 12.0]);
    let e = refused(y.backward(), FREED);
    assert!(e.to_string().contains("retain_graph"), "{e}");
    // The part that two graphs have in common is freed by the first.
    let a = (&x * &x).unwrap();
    let (p, q) = (a.sum().unwrap(), (&a * 2.0).unwrap().sum().unwrap());
    p.backward().unwrap();
    refused(q.backward(), FREED);
    // Ops that keep nothing can run again, as in PyTorch.
    x.set_grad(None).unwrap();
    let z = (&x + 1.0).unwrap().sum().unwrap();
    z.backward().unwrap();
    z.backward().unwrap();
    assert_eq!(grad_of(&x), [2.0; 3]);
    // A failed pass adds nothing further down, and a leaf without history can be asked again and again.
    x.set_grad(None).unwrap();
    refused(q.backward(), FREED);
    assert!(x.grad().is_none());
    let leaf = scalar(2.0);
    leaf.backward().unwrap();
    leaf.backward().unwrap();
    assert_eq!(grad_of(&leaf), [2.0]);
}

#[test]
fn backward_needs_a_scalar_or_a_fitting_gradient() {
    let x = leaf(&[1.0, 2.0, 3.0]);
    let y = (&x * 2.0).unwrap();
    refused(y.backward(), "gradient can be created implicitly only for scalar outputs: shape [3]");
    refused(y.backward_with(Some(&leaf(&[1.0])), GradOptions::default()), "gradient [1], output [3]");
    refused(Tensor::zeros(&[1], DType::F64).unwrap().backward(), "requires no gradient and has no grad_fn");
    // One element in any shape is a scalar, and a gradient of another dtype is cast.
    y.narrow(0, 0, 1).unwrap().reshape([1, 1]).unwrap().backward().unwrap();
    assert_eq!(grad_of(&x), [2.0, 0.0, 0.0]);
    let weights = Tensor::from_slice(&[1i64, 0, 2], &[3]).unwrap();
    (&x * 2.0).unwrap().backward_with(Some(&weights), GradOptions::default()).unwrap();
    assert_eq!(grad_of(&x), [4.0, 0.0, 4.0]);
    // Ops whose results are no floats end the graph; a floor division refuses.
    assert!(!x.gt(1.0).unwrap().requires_grad());
    assert!(!x.argmax(None, false).unwrap().requires_grad());
    assert!(!x.to_dtype(DType::I64).unwrap().requires_grad());
    assert!(x.round().unwrap().requires_grad() && x.sign().unwrap().requires_grad());
    let q = x.floor_divide(2.0).unwrap();
    assert!(q.requires_grad());
    refused(q.sum().unwrap().backward(), "floor_divide: has no gradient");
}

// ---- grad() ----------------------------------------------------------------------------------------

#[test]
fn grad_returns_gradients_and_touches_no_leaf() {
    let (x, z) = (leaf(&[1.0, 2.0]), leaf(&[5.0, 6.0]));
    let y = (&x * &x).unwrap();
    let s = y.sum().unwrap();
    let [gx, gy]: [Option<Tensor>; 2] = grad(&[&s], &[&x, &y], &[], RETAIN).unwrap().try_into().unwrap();
    assert_eq!((values(&gx.unwrap()), values(&gy.unwrap())), (vec![2.0, 4.0], vec![1.0, 1.0]));
    assert!(x.grad().is_none() && y.grad().is_none());
    // The same input twice; the output itself; several outputs with weights.
    let twice = grad(&[&s], &[&x, &x], &[], RETAIN).unwrap();
    assert!(twice.iter().all(|g| values(g.as_ref().unwrap()) == [2.0, 4.0]));
    let own = grad(&[&s], &[&s], &[], RETAIN).unwrap().remove(0).unwrap();
    assert_eq!(own.item_f64().unwrap(), 1.0);
    let w = Tensor::from_slice(&[10.0, 100.0], &[2]).unwrap();
    let both = grad(&[&s, &y], &[&x], &[None, Some(&w)], RETAIN).unwrap().remove(0).unwrap();
    assert_eq!(values(&both), [22.0, 404.0]);

    refused(
        grad(&[&s], &[&x, &z], &[], RETAIN),
        "an input was not used in the graph; allow_unused gives None for it: input 1",
    );
    let unused = grad(&[&s], &[&z, &x], &[], GradOptions { retain_graph: true, ..UNUSED }).unwrap();
    assert!(unused[0].is_none() && unused[1].is_some());
    refused(
        grad(&[&s], &[&Tensor::zeros(&[2], DType::F64).unwrap()], &[], RETAIN),
        "an input requires no gradient: input 0",
    );
    refused(grad(&[&s], &[&x], &[None, None], RETAIN), "outputs 1, grad_outputs 2");
    refused(grad(&[&x.detach()], &[&x], &[], RETAIN), "output 0");
    refused(grad(&[], &[&x], &[], RETAIN), "input 0");
    // The graph is freed without retain_graph, but only where the pass went.
    let t = (&y * &y).unwrap().sum().unwrap();
    grad(&[&t], &[&y], &[], GradOptions::default()).unwrap();
    refused(grad(&[&t], &[&x], &[], RETAIN), FREED);
    y.sum().unwrap().backward().unwrap();
    assert_eq!(grad_of(&x), [2.0, 4.0]);
}

#[test]
fn derivatives_of_higher_order_match_closed_forms() {
    type F = fn(&Tensor) -> Result<Tensor>;
    type D = fn(f64) -> [f64; 3];
    let cases: [(&str, F, D); 9] = [
        ("x^3", |x| x.pow(3.0), |v| [3.0 * v * v, 6.0 * v, 6.0]),
        ("x x x", |x| x.mul(x)?.mul(x), |v| [3.0 * v * v, 6.0 * v, 6.0]),
        ("exp(2x)", |x| x.mul(2.0)?.exp(), |v| [2.0, 4.0, 8.0].map(|k| k * (2.0 * v).exp())),
        ("sin", |x| x.sin(), |v| [v.cos(), -v.sin(), -v.cos()]),
        ("log", |x| x.log(), |v| [1.0 / v, -1.0 / (v * v), 2.0 / (v * v * v)]),
        ("1/x", |x| x.reciprocal(), |v| [-v.powi(-2), 2.0 * v.powi(-3), -6.0 * v.powi(-4)]),
        ("sqrt", |x| x.sqrt(), |v| [0.5 * v.powf(-0.5), -0.25 * v.powf(-1.5), 0.375 * v.powf(-2.5)]),
        (
            "sigmoid",
            |x| x.sigmoid(),
            |v| {
                let s = 1.0 / (1.0 + (-v).exp());
                let d = s * (1.0 - s);
                [d, d * (1.0 - 2.0 * s), d * (1.0 - 6.0 * s + 6.0 * s * s)]
            },
        ),
        ("x e^x", |x| x.mul(&x.exp()?), |v| [1.0, 2.0, 3.0].map(|k| (v + k) * v.exp())),
    ];
    let points = [0.3, 1.0, 1.7];
    for (name, f, d) in cases {
        let x = leaf(&points);
        let mut y = f(&x).unwrap();
        for order in 0..3 {
            y = grad(&[&y.sum().unwrap()], &[&x], &[], CREATE).unwrap().remove(0).unwrap();
            for (found, v) in values(&y).into_iter().zip(points) {
                let expected = d(v)[order];
                assert!(
                    (found - expected).abs() < 1e-9 * expected.abs().max(1.0),
                    "{name} order {}: {found} {expected}",
                    order + 1
                );
            }
        }
    }
    // Through a matrix product, a softmax and a reduction: the Hessian of log-sum-exp is diag(p) - p p^T.
    let x = leaf(&[0.1, 0.5, -0.4]);
    let p = x.softmax(0).unwrap().detach();
    let g = grad(&[&x.logsumexp(0, false).unwrap()], &[&x], &[], CREATE).unwrap().remove(0).unwrap();
    for k in 0..3 {
        let row = grad(&[&g.select(0, k).unwrap()], &[&x], &[], RETAIN).unwrap().remove(0).unwrap();
        for (j, found) in values(&row).into_iter().enumerate() {
            let (pk, pj) = (values(&p)[k as usize], values(&p)[j]);
            let expected = if k as usize == j { pk * (1.0 - pk) } else { -pk * pj };
            assert!((found - expected).abs() < 1e-12);
        }
    }
}

#[test]
fn create_graph_adds_recorded_gradients_to_leaves() {
    let x = leaf(&[2.0]);
    let y = x.pow(3.0).unwrap().sum().unwrap();
    y.backward_with(None, CREATE).unwrap();
    let g = x.grad().unwrap();
    assert!(g.requires_grad());
    // A gradient penalty: d/dx (3x^2)^2 = 36 x^3.
    x.set_grad(None).unwrap();
    (&g * &g).unwrap().sum().unwrap().backward().unwrap();
    assert_eq!(grad_of(&x), [288.0]);
    // Recorded gradients accumulate out of place, so that the older sum stays what it was.
    let x = leaf(&[2.0]);
    let y = x.pow(3.0).unwrap().sum().unwrap();
    y.backward_with(None, CREATE).unwrap();
    let first = x.grad().unwrap();
    y.backward_with(None, CREATE).unwrap();
    assert_eq!((grad_of(&x), values(&first)), (vec![24.0], vec![12.0]));
    // Break the cycle leaf -> gradient -> graph -> leaf, which PyTorch warns of.
    x.set_grad(None).unwrap();
}

// ---- hooks -----------------------------------------------------------------------------------------

#[test]
fn hooks_run_in_order_replace_the_gradient_and_can_be_removed() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str, factor: Option<f64>| {
        let log = log.clone();
        move |g: &Tensor| {
            log.lock().unwrap().push((name, values(g)[0]));
            factor.map(|f| g * f).transpose()
        }
    };
    // On a leaf and on a result; each sees what the one before made of the gradient.
    for of_leaf in [true, false] {
        let x = leaf(&[1.0, 2.0]);
        let y = (&x * 1.0).unwrap();
        let target = if of_leaf { &x } else { &y };
        let doubles = target.register_hook(note("double", Some(2.0))).unwrap();
        target.register_hook(note("look", None)).unwrap();
        target.register_hook(note("triple", Some(3.0))).unwrap();
        let go = || y.sum().unwrap().backward_with(None, RETAIN).unwrap();
        go();
        assert_eq!(*log.lock().unwrap(), [("double", 1.0), ("look", 2.0), ("triple", 2.0)]);
        assert_eq!(grad_of(&x), [6.0; 2]);
        log.lock().unwrap().clear();
        doubles.remove();
        go();
        assert_eq!(*log.lock().unwrap(), [("look", 1.0), ("triple", 1.0)]);
        assert_eq!(grad_of(&x), [9.0; 2]);
        log.lock().unwrap().clear();
    }
    // The hooks of a leaf outlive its graphs, and run once per pass on the whole gradient.
    let x = leaf(&[1.0]);
    x.register_hook(note("leaf", Some(10.0))).unwrap();
    for _ in 0..2 {
        ((&x * 2.0).unwrap() + (&x * 3.0).unwrap()).unwrap().sum().unwrap().backward().unwrap();
    }
    assert_eq!(*log.lock().unwrap(), [("leaf", 5.0), ("leaf", 5.0)]);
    assert_eq!(grad_of(&x), [100.0]);
    refused(
        x.detach().register_hook(|_| Ok(None)),
        "cannot register a hook on a tensor that requires no gradient",
    );
}

#[test]
fn grad_returns_what_the_hooks_made_of_a_gradient() {
    for of_leaf in [true, false] {
        let x = leaf(&[1.0, 2.0]);
        let y = (&x * 1.0).unwrap();
        let target = if of_leaf { &x } else { &y };
        target.register_hook(|g| (g * 7.0).map(Some)).unwrap();
        let g = grad(&[&(&y * 3.0).unwrap().sum().unwrap()], &[target], &[], GradOptions::default()).unwrap();
        assert_eq!(values(g[0].as_ref().unwrap()), [21.0; 2]);
    }
}

#[test]
fn hooks_must_keep_shape_and_dtype_and_may_fail() {
    type Hook = fn(&Tensor) -> Result<Option<Tensor>>;
    let cases: [(Hook, &str); 3] = [
        (|g| g.narrow(0, 0, 1).map(Some), "hook: the gradient changed its shape: before [2], after [1]"),
        (
            |g| g.to_dtype(DType::F32).map(Some),
            "hook: the gradient changed its dtype: before float64, after float32",
        ),
        (|_| Err(TensorError::new(ErrorKind::Autograd, "mine", "no")), "mine: no"),
    ];
    for (hook, message) in cases {
        for of_leaf in [true, false] {
            let x = leaf(&[1.0, 2.0]);
            let y = (&x * 1.0).unwrap();
            if of_leaf { &x } else { &y }.register_hook(hook).unwrap();
            let e = refused(y.sum().unwrap().backward(), "");
            assert_eq!(e.to_string(), message);
            assert!(x.grad().is_none());
        }
    }
}

#[test]
fn a_hook_may_use_the_library_and_change_the_list_it_stands_in() {
    let x = leaf(&[1.0, 2.0]);
    let seen = Arc::new(AtomicUsize::new(0));
    let (inner, count) = (Arc::downgrade(&seen), seen.clone());
    let again = x.clone();
    let handle = Arc::new(Mutex::new(None));
    let own = handle.clone();
    *handle.lock().unwrap() = Some(
        x.register_hook(move |g| {
            count.fetch_add(1, Ordering::Relaxed);
            // A backward pass of its own, a new hook, and its own removal.
            let z = Tensor::scalar(3.0f64)?.requires_grad_(true)?;
            enable_grad(|| (&z * &z)?.backward())?;
            let inner = inner.clone();
            again.register_hook(move |_| {
                inner.upgrade().map(|c| c.fetch_add(100, Ordering::Relaxed));
                Ok(None)
            })?;
            if let Some(own) = own.lock().unwrap().take() {
                rusttorch::autograd::HookHandle::remove(own);
            }
            (g * &z.grad().expect("6")).map(Some)
        })
        .unwrap(),
    );
    let go = || (&x * 1.0).unwrap().sum().unwrap().backward().unwrap();
    go();
    assert_eq!((grad_of(&x), seen.load(Ordering::Relaxed)), (vec![6.0; 2], 1));
    go();
    assert_eq!((grad_of(&x), seen.load(Ordering::Relaxed)), (vec![7.0; 2], 101));
}

#[test]
fn retain_grad_keeps_what_the_hooks_leave() {
    let x = leaf(&[1.0, 2.0]);
    let y = (&x * 2.0).unwrap();
    // Twice is once, and its place among the hooks is the last.
    y.retain_grad().unwrap();
    y.retain_grad().unwrap();
    y.register_hook(|g| (g * 10.0).map(Some)).unwrap();
    let go = || (&y * 3.0).unwrap().sum().unwrap().backward_with(None, RETAIN).unwrap();
    go();
    assert_eq!((grad_of(&y), grad_of(&x)), (vec![30.0; 2], vec![60.0; 2]));
    assert!(!y.grad().unwrap().requires_grad());
    go();
    assert_eq!(grad_of(&y), [60.0; 2]);
    // grad() fills none.
    y.set_grad(None).unwrap();
    grad(&[&(&y * 3.0).unwrap().sum().unwrap()], &[&x], &[], RETAIN).unwrap();
    assert!(y.grad().is_none());
    // Of a leaf it says nothing new.
    x.retain_grad().unwrap();
    refused(x.detach().retain_grad(), "retain_grad: cannot keep the gradient of a tensor that requires none");
    // The tensor may be gone.
    let z = (&x * 2.0).unwrap();
    z.retain_grad().unwrap();
    let end = z.sum().unwrap();
    drop(z);
    end.backward().unwrap();
}

// ---- modes and leaves ------------------------------------------------------------------------------

#[test]
fn modes_nest_and_survive_panics() {
    assert!(is_grad_enabled());
    no_grad(|| {
        assert!(!is_grad_enabled());
        enable_grad(|| {
            assert!(is_grad_enabled());
            no_grad(|| assert!(!is_grad_enabled()));
            assert!(is_grad_enabled());
        });
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            enable_grad(|| no_grad(|| enable_grad(|| panic!("on purpose"))))
        }));
        assert!(unwound.is_err());
        assert!(!is_grad_enabled());
        // Modes are a thread's own.
        thread::spawn(|| assert!(is_grad_enabled())).join().unwrap();
        with_grad_mode(true, || assert!(is_grad_enabled()));
    });
    assert!(is_grad_enabled());
    let x = leaf(&[1.0, 2.0]);
    let y = no_grad(|| &x * 2.0).unwrap();
    assert!(!y.requires_grad() && y.is_leaf() && y.grad_fn().is_none());
    let v = no_grad(|| x.narrow(0, 0, 1)).unwrap();
    assert!(!v.requires_grad() && v.is_leaf() && !(&v * 2.0).unwrap().requires_grad());
    // A panic in a hook leaves mode, locks and graph usable.
    let y = (&x * 2.0).unwrap();
    let handle = y.register_hook(|_| panic!("on purpose")).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| y.sum().unwrap().backward_with(None, RETAIN))).is_err());
    assert!(is_grad_enabled());
    handle.remove();
    y.sum().unwrap().backward().unwrap();
    assert_eq!(grad_of(&x), [2.0; 2]);
}

#[test]
fn leaves_are_what_no_recorded_op_made() {
    let plain = Tensor::zeros(&[2, 2], DType::F64).unwrap();
    assert!(plain.is_leaf() && !plain.requires_grad());
    let x = plain.copy().unwrap().requires_grad_(true).unwrap();
    assert!(x.is_leaf() && x.requires_grad() && x.grad_fn().is_none());
    for y in [x.t(), x.copy(), x.exp(), x.to_dtype(DType::F32), x.reshape([4])] {
        let y = y.unwrap();
        assert!(!y.is_leaf() && y.requires_grad() && y.grad_fn().is_some());
        assert!(y.detach().is_leaf());
        refused(y.requires_grad_(false), "can be switched off for leaves only");
        assert!(y.requires_grad_(true).unwrap().is_same(&y));
    }
    // What is already there is the same tensor, a leaf still.
    assert!(x.contiguous().unwrap().is_leaf() && x.to_dtype(DType::F64).unwrap().is_leaf());
    assert!(!x.requires_grad_(false).unwrap().requires_grad());
    let e = Tensor::zeros(&[1], DType::I64).unwrap().requires_grad_(true).err().unwrap();
    assert_eq!(e.kind(), ErrorKind::DType);
    assert_eq!(
        e.to_string(),
        "requires_grad_: only floating-point tensors can require gradients: dtype int64"
    );
    assert_eq!(x.exp().map(|y| y.grad_fn()).unwrap(), None);
}

// ---- depth -----------------------------------------------------------------------------------------

const DEEP: usize = 1_000_000;

/// Runs `body` on a thread with a stack of 256 KiB.
fn on_a_small_stack(body: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(256 * 1024).spawn(body).unwrap().join().unwrap();
}

#[test]
fn a_chain_of_a_million_ops_is_walked_and_dropped_on_a_small_stack() {
    on_a_small_stack(|| {
        let x = scalar(1.0);
        let build = || (0..DEEP).fold((&x * 1.0).unwrap(), |y, _| (y + 1.0).unwrap());
        let y = build();
        y.backward().unwrap();
        assert_eq!((grad_of(&x), y.item_f64().unwrap()), (vec![1.0], 1.0 + DEEP as f64));
        drop(y);
        // Dropped without ever being walked.
        drop(build());
    });
}

#[test]
fn deep_graphs_of_products_in_place_ops_and_views_are_dropped_on_a_small_stack() {
    const N: usize = DEEP / 20;
    on_a_small_stack(|| {
        type Step = fn(Tensor) -> Result<Tensor>;
        let steps: [Step; 6] = [
            // Each node keeps the tensor before it, and with it the node before it.
            |y| y.mul(&y.detach()),
            |y| y.tanh(),
            |y| y.add_(1.0),
            |y| y.mul_(0.5),
            |y| y.view([1, 1])?.t()?.reshape([1]),
            |y| {
                y.narrow(0, 0, 1)?.mul_(1.0)?;
                Ok(y)
            },
        ];
        for (i, step) in steps.into_iter().enumerate() {
            for walk in [true, false] {
                let x = leaf(&[0.5]);
                let mut y = (&x * 1.0).unwrap();
                for _ in 0..N {
                    y = step(y).unwrap();
                }
                if walk {
                    y.sum().unwrap().backward().unwrap();
                    assert!(x.grad().is_some(), "{i}");
                }
            }
        }
        // Hooks that hold the tensor before them.
        let x = leaf(&[0.5]);
        let mut y = (&x * 1.0).unwrap();
        for _ in 0..N {
            let next = (&y * 1.0).unwrap();
            let held = y;
            next.register_hook(move |_| Ok(Some(held.copy()?)).map(|_| None)).unwrap();
            y = next;
        }
        drop(y);
        // Gradients of gradients: a deep graph made by a backward pass.
        let x = leaf(&[0.5]);
        let y = (0..N / 10).fold((&x * 1.0).unwrap(), |y, _| (y * 1.0).unwrap());
        let g = grad(&[&y], &[&x], &[None], CREATE).unwrap().remove(0).unwrap();
        drop((y, g));
    });
}

#[test]
fn graphs_are_dropped_from_several_threads() {
    let x = scalar(1.0);
    let trunk = (0..10_000).fold((&x * 1.0).unwrap(), |y, _| (y + 1.0).unwrap());
    let start = Arc::new(Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|i| {
            let (trunk, start) = (trunk.clone(), start.clone());
            let branch = (0..10_000).fold(trunk, |y, _| (y * 1.0).unwrap());
            thread::Builder::new()
                .stack_size(256 * 1024)
                .spawn(move || {
                    start.wait();
                    let other = (0..10 * i).fold(branch.clone(), |y, _| (y + 1.0).unwrap());
                    drop(branch);
                    drop(other);
                })
                .unwrap()
        })
        .collect();
    drop(trunk);
    threads.into_iter().for_each(|t| t.join().unwrap());
    (&x * 2.0).unwrap().backward().unwrap();
    assert_eq!(grad_of(&x), [2.0]);
}

// ---- leaks -----------------------------------------------------------------------------------------

#[test]
fn nothing_is_left_of_a_graph_once_its_tensors_are_gone() {
    if !alone("nothing_is_left_of_a_graph_once_its_tensors_are_gone") {
        return;
    }
    type Step = fn(&Tensor) -> Result<()>;
    let steps: [(&str, Step); 9] = [
        ("exp, softmax, backward", |x| x.exp()?.softmax(0)?.sum()?.backward()),
        ("never walked", |x| x.exp()?.tanh()?.sigmoid()?.sqrt()?.log_softmax(0).map(drop)),
        ("walked by grad", |x| grad(&[&x.exp()?.sum()?], &[x], &[], CREATE).map(drop)),
        ("twice differentiated", |x| {
            let g = grad(&[&x.tanh()?.sum()?], &[x], &[], CREATE)?.remove(0).expect("a gradient");
            grad(&[&g.sum()?], &[x], &[], GradOptions::default()).map(drop)
        }),
        ("backward twice", |x| {
            let y = x.exp()?.std(0, 1.0, false)?;
            y.backward_with(None, RETAIN)?;
            y.backward()
        }),
        ("retained", |x| {
            let y = x.exp()?;
            y.retain_grad()?;
            y.sum()?.backward()
        }),
        ("hooked", |x| {
            let y = x.exp()?;
            y.register_hook(|g| Ok(Some(g.mul(2.0)?)))?;
            y.sum()?.backward()
        }),
        ("views in place", |x| {
            let a = x.mul(1.0)?;
            let v = a.narrow(0, 0, 1)?;
            v.exp_()?;
            a.mul_(2.0)?;
            v.add_(1.0)?;
            a.sum()?.backward()
        }),
        ("refused", |x| {
            let y = x.exp()?;
            y.add_(1.0)?;
            y.sum()?.backward().unwrap_err();
            Ok(())
        }),
    ];
    for (name, step) in steps {
        let x = leaf(&vec![0.1; 512]);
        (0..10).for_each(|_| step(&x).unwrap());
        let before = memory::stats().in_use;
        // 10^4 rounds of one leaked buffer would be 40 MB.
        (0..10_000 / 8).for_each(|_| step(&x).unwrap());
        let after = memory::stats().in_use;
        assert!(after <= before + 2 * 65536, "{name}: {before} -> {after}");
    }
    let x = leaf(&vec![0.1; 512]);
    let step = || x.exp().unwrap().softmax(0).unwrap().sum().unwrap().backward().unwrap();
    step();
    let before = memory::stats().in_use;
    (0..10_000).for_each(|_| step());
    assert!(memory::stats().in_use <= before + 65536);
}

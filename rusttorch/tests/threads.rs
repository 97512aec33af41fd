//! Several threads on shared tensors, and the choice of a backend per thread and process.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking")]

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use rusttorch::autograd::{GradOptions, grad};
use rusttorch::backend::ops::BinaryOp;
use rusttorch::backend::{Allocation, Backend, Buffer, View, ViewMut};
use rusttorch::backends;
use rusttorch::optim::{Optimize, Sgd};
use rusttorch::{DType, ErrorKind, Result, Tensor, manual_seed, no_grad, with_default_generator};

const THREADS: usize = 8;

/// Runs `body` in another thread and fails if it is not through in time: a deadlock is a failure, not a
/// test that hangs.
fn in_time(body: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let worker = thread::spawn(move || {
        body();
        let _ = done.send(());
    });
    match wait.recv_timeout(Duration::from_secs(60)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("deadlock"),
        _ => worker.join().unwrap(),
    }
}

/// Runs `body(i)` on every thread at once.
fn on_all(body: impl Fn(usize) + Sync) {
    let start = Barrier::new(THREADS);
    thread::scope(|s| {
        for i in 0..THREADS {
            let (body, start) = (&body, &start);
            s.spawn(move || {
                start.wait();
                body(i);
            });
        }
    });
}

/// The default generator and the default backend are one for all tests of a process, so what needs them for
/// itself runs in a process of its own.
fn in_a_child(test: &str, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env("RUSTTORCH_TEST_CHILD", test);
    command.env_remove("RUSTTORCH_BACKEND").envs(variables.iter().copied());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("child is done"), "{text}");
}

/// Whether this process is the child of this test.
fn is_child(test: &str) -> bool {
    std::env::var("RUSTTORCH_TEST_CHILD").is_ok_and(|t| t == test)
}

// ---- shared tensors --------------------------------------------------------------------------------

#[test]
fn tensors_are_read_and_written_by_all_threads_at_once() {
    in_time(|| {
        let tensors: Vec<Tensor> = (0..4).map(|_| Tensor::ones(&[16, 16], DType::F32).unwrap()).collect();
        let views: Vec<Tensor> = tensors.iter().map(|t| t.t().unwrap()).collect();
        on_all(|i| {
            for round in 0..300 {
                // Every order of two tensors is locked by some thread.
                let (a, b) = (&tensors[(i + round) % 4], &tensors[(i * 3 + round / 2) % 4]);
                let (va, vb) = (&views[(i + round) % 4], &views[(i * 5 + round) % 4]);
                let results = [
                    a.add(b),
                    a.mul_(1.0),
                    a.copy_(b),
                    b.copy_(va),
                    va.maximum(vb),
                    a.matmul(vb),
                    va.add_(a).and_then(|t| t.clamp(-1e6, 1e6)),
                    a.fill_(1.0),
                    Tensor::where_cond(&a.ge(b).unwrap(), va, vb),
                    a.narrow(0, 3, 5).and_then(|t| t.zero_()),
                    a.uniform_(0.0, 1.0),
                    a.softmax(1),
                    Tensor::cat(&[a, b, va], 0),
                    a.scatter_add_(0, &Tensor::zeros(&[1, 1], DType::I64).unwrap(), b),
                ];
                results.into_iter().for_each(|r| drop(r.unwrap()));
                assert!(!a.to_string().is_empty());
            }
        });
        assert!(tensors.iter().all(|t| t.version() > 0));
    });
}

#[test]
fn every_optimizer_step_of_every_thread_counts() {
    in_time(|| {
        let parameters: Vec<Tensor> = (0..8)
            .map(|_| {
                let p = Tensor::zeros(&[16], DType::F64).unwrap().requires_grad_(true).unwrap();
                p.set_grad(Some(Tensor::ones(&[16], DType::F64).unwrap())).unwrap();
                p
            })
            .collect();
        on_all(|i| {
            // In all orders, so that each would wait for another one that waits for it.
            let mut own = parameters.clone();
            own.rotate_left(i % 8);
            if i % 2 == 1 {
                own.reverse();
            }
            let mut optimizer = Sgd { lr: 1.0, ..Sgd::default() }.over(own).unwrap();
            (0..200).for_each(|_| optimizer.step().unwrap());
        });
        let all = vec![-200.0 * THREADS as f64; 16];
        assert!(parameters.iter().all(|p| p.to_f64_vec().unwrap() == all));
    });
}

#[test]
fn who_reads_gets_a_turn_where_others_write_in_a_loop() {
    in_time(|| {
        let [x, y] = [0, 1].map(|_| Tensor::zeros(&[1 << 20], DType::F32).unwrap());
        let done = AtomicBool::new(false);
        thread::scope(|s| {
            for t in [&x, &y] {
                s.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        t.add_(1.0).unwrap();
                    }
                });
            }
            for _ in 0..20 {
                x.sum().unwrap();
                x.add(&y).unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
    });
}

#[test]
fn every_in_place_addition_of_every_thread_counts() {
    in_time(|| {
        let (sum, one) =
            (Tensor::zeros(&[64], DType::I64).unwrap(), Tensor::ones(&[64], DType::I64).unwrap());
        on_all(|i| {
            for _ in 0..500 {
                match i % 3 {
                    0 => sum.add_(1i64),
                    1 => sum.add_(&one),
                    _ => sum.slice(0, None, None, -1).unwrap().add_(&one),
                }
                .unwrap();
            }
        });
        assert_eq!(sum.to_vec::<i64>().unwrap(), [500 * THREADS as i64; 64]);
        assert_eq!(sum.version(), 500 * THREADS as u64);
    });
}

#[test]
fn a_reader_never_sees_half_of_a_write() {
    in_time(|| {
        let x = Tensor::zeros(&[1000], DType::I64).unwrap();
        let stop = AtomicBool::new(false);
        thread::scope(|s| {
            s.spawn(|| {
                for k in 0..2000i64 {
                    x.fill_(k).unwrap();
                }
                stop.store(true, Ordering::Release);
            });
            for _ in 0..3 {
                s.spawn(|| {
                    while !stop.load(Ordering::Acquire) {
                        let seen = x.to_vec::<i64>().unwrap();
                        assert!(seen.iter().all(|&v| v == seen[0]));
                    }
                });
            }
        });
    });
}

#[test]
fn views_and_gradients_of_one_tensor_are_made_by_all_threads() {
    in_time(|| {
        let x = Tensor::ones(&[8, 8], DType::F64).unwrap().requires_grad_(true).unwrap();
        let inner = (&x * 1.0).unwrap();
        let shared = inner.t().unwrap();
        on_all(|i| {
            for _ in 0..100 {
                let y = shared.select(0, i as isize).unwrap().exp().unwrap().sum().unwrap();
                drop(y);
                let z = x.select(1, i as isize).unwrap();
                (&z * &z).unwrap().sum().unwrap().backward().unwrap();
                no_grad(|| assert!(!(&x * 2.0).unwrap().requires_grad()));
            }
        });
        assert_eq!(x.grad().unwrap().to_vec::<f64>().unwrap(), [200.0; 64]);
    });
}

#[test]
fn the_default_generator_is_shared_and_may_be_used_inside_of_itself() {
    const TEST: &str = "the_default_generator_is_shared_and_may_be_used_inside_of_itself";
    if !is_child(TEST) {
        return in_a_child(TEST, &[]);
    }
    in_time(|| {
        // Together the threads draw each number of the stream exactly once.
        manual_seed(7);
        let mut expected: Vec<u64> = (0..THREADS * 50)
            .flat_map(|_| Tensor::rand(&[4], DType::F64).unwrap().to_vec::<f64>().unwrap())
            .map(f64::to_bits)
            .collect();
        manual_seed(7);
        let (send, receive) = mpsc::channel();
        on_all(|_| {
            for _ in 0..50 {
                send.send(Tensor::rand(&[4], DType::F64).unwrap().to_vec::<f64>().unwrap()).unwrap();
            }
        });
        drop(send);
        let mut found: Vec<u64> = receive.into_iter().flatten().map(f64::to_bits).collect();
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected);

        // Drawing, seeding and borrowing while it is borrowed neither hangs nor moves it.
        manual_seed(3);
        let first = Tensor::rand(&[3], DType::F64).unwrap().to_vec::<f64>().unwrap();
        manual_seed(3);
        with_default_generator(|_| {
            Tensor::rand(&[3], DType::F32).unwrap().normal_(0.0, 1.0).unwrap();
            Tensor::randperm(5).unwrap();
            with_default_generator(|_| manual_seed(99));
        });
        assert_eq!(Tensor::rand(&[3], DType::F64).unwrap().to_vec::<f64>().unwrap(), first);
        // A thread that holds the generator reads what others fill.
        let x = Tensor::zeros(&[64], DType::F64).unwrap();
        on_all(|i| {
            for _ in 0..50 {
                match i % 2 {
                    0 => drop(x.uniform_(0.0, 1.0).unwrap()),
                    _ => with_default_generator(|_| {
                        thread::yield_now();
                        drop(x.to_vec::<f64>().unwrap());
                    }),
                }
            }
        });
    });
    println!("child is done");
}

// ---- gradients -------------------------------------------------------------------------------------

const RETAIN: GradOptions = GradOptions { retain_graph: true, create_graph: false, allow_unused: false };
const CREATE: GradOptions = GradOptions { retain_graph: false, create_graph: true, allow_unused: false };

fn leaf(values: &[f64]) -> Tensor {
    Tensor::from_slice(values, &[values.len()]).unwrap().requires_grad_(true).unwrap()
}

fn grad_of(x: &Tensor) -> Vec<f64> {
    x.grad().expect("a gradient").to_vec::<f64>().unwrap()
}

#[test]
fn backward_from_several_threads_adds_up_in_one_leaf() {
    for (options, rounds) in [(GradOptions::default(), 2000), (CREATE, 20)] {
        let x = leaf(&[1.0; 64]);
        on_all(|_| {
            for _ in 0..rounds {
                (&x * 2.0).unwrap().sum().unwrap().backward_with(None, options).unwrap();
            }
        });
        assert_eq!(grad_of(&x), [2.0 * (THREADS * rounds) as f64; 64]);
        x.set_grad(None).unwrap();
    }
}

#[test]
fn the_first_gradient_of_a_leaf_is_not_lost_to_another_thread() {
    // Large, and in use elsewhere, so that each thread is a while busy with its copy.
    let weight = Tensor::ones(&[20_000], DType::F64).unwrap();
    for _ in 0..100 {
        let x = Tensor::zeros(&[20_000], DType::F64).unwrap().requires_grad_(true).unwrap();
        on_all(|_| x.backward_with(Some(&weight), GradOptions::default()).unwrap());
        assert!(grad_of(&x).iter().all(|&g| g == THREADS as f64));
    }
}

#[test]
fn one_graph_is_walked_by_several_threads() {
    let x = leaf(&[1.0, 2.0, 3.0]);
    let y = (0..50).fold((&x * 1.0).unwrap(), |y, _| (y.sin().unwrap() * 1.5).unwrap());
    let y = y.sum().unwrap();
    let gradient = || {
        let g = grad(&[&y], &[&x], &[], RETAIN).unwrap().remove(0).unwrap();
        g.to_vec::<f64>().unwrap()
    };
    let expected = gradient();
    on_all(|_| (0..20).for_each(|_| assert_eq!(gradient(), expected)));
    // Without retain_graph at most one of them gets through.
    let won = AtomicUsize::new(0);
    on_all(|_| match y.backward() {
        Ok(()) => drop(won.fetch_add(1, Ordering::Relaxed)),
        Err(e) => assert!(e.to_string().contains("backward through the graph a second time"), "{e}"),
    });
    assert!(won.load(Ordering::Relaxed) <= 1);
}

// ---- backends --------------------------------------------------------------------------------------

/// A backend that adds one too many, to tell who computed.
#[derive(Debug)]
struct OffByOne {
    name: &'static str,
    base: Arc<dyn Backend>,
    calls: AtomicUsize,
}

impl OffByOne {
    fn new(name: &'static str) -> Arc<OffByOne> {
        let base = backends::get(backends::list()[0]).unwrap();
        Arc::new(OffByOne { name, base, calls: AtomicUsize::new(0) })
    }
}

impl Backend for OffByOne {
    fn name(&self) -> &'static str {
        self.name
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
        Some(&*self.base)
    }
    fn binary(&self, op: BinaryOp, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match op {
            BinaryOp::Add => self.base.binary(BinaryOp::Mul, a, b, out),
            _ => self.base.binary(op, a, b, out),
        }
    }
}

/// 2 + 3 on the backend in force: 5, or 6 where `OffByOne` computes it.
fn two_plus_three() -> f64 {
    let (a, b) = (Tensor::scalar(2f32).unwrap(), Tensor::scalar(3f32).unwrap());
    (a + b).unwrap().item_f64().unwrap()
}

#[test]
fn scopes_choose_the_backend_of_their_thread_and_end_with_a_panic_too() {
    let own = OffByOne::new("scoped");
    let base = own.base.clone();
    assert_eq!(two_plus_three(), 5.0);
    backends::with_backend(own.clone(), || {
        assert_eq!(backends::current().unwrap().name(), "scoped");
        assert_eq!(two_plus_three(), 6.0);
        backends::with_backend(base, || assert_eq!(two_plus_three(), 5.0));
        assert_eq!(two_plus_three(), 6.0);
        // Other threads go on as before.
        thread::spawn(|| assert_eq!(two_plus_three(), 5.0)).join().unwrap();
        let unwound = std::panic::catch_unwind(|| {
            backends::with_backend(OffByOne::new("inner"), || panic!("on purpose"))
        });
        assert!(unwound.is_err());
        assert_eq!(backends::current().unwrap().name(), "scoped");
    });
    assert_eq!(two_plus_three(), 5.0);
    assert_eq!(own.calls.load(Ordering::Relaxed), 2);
    // A scope needs no registration, and leaves none.
    assert_eq!(backends::get("scoped").unwrap_err().kind(), ErrorKind::Backend);
}

#[test]
fn each_thread_has_scopes_of_its_own() {
    in_time(|| {
        let own = OffByOne::new("of this test");
        on_all(|i| {
            for round in 0..200 {
                if (i + round) % 2 == 0 {
                    backends::with_backend(own.clone(), || assert_eq!(two_plus_three(), 6.0));
                }
                assert_eq!(two_plus_three(), 5.0);
            }
        });
        // The backward pass runs where it is called, whoever recorded.
        let x = Tensor::ones(&[3], DType::F32).unwrap().requires_grad_(true).unwrap();
        let y = backends::with_backend(own.clone(), || &x * 2.0).unwrap();
        let before = own.calls.load(Ordering::Relaxed);
        y.sum().unwrap().backward().unwrap();
        assert_eq!(own.calls.load(Ordering::Relaxed), before);
    });
}

#[test]
fn third_parties_register_at_run_time_and_may_become_the_default() {
    const TEST: &str = "third_parties_register_at_run_time_and_may_become_the_default";
    if !is_child(TEST) {
        return in_a_child(TEST, &[]);
    }
    let first = backends::list();
    let own = OffByOne::new("third party");
    // A thread that has looked the default up must notice that it changes.
    let (go, wait) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let watcher = {
        let (go, wait) = (go.clone(), wait.clone());
        thread::spawn(move || {
            assert_eq!(two_plus_three(), 5.0);
            go.wait();
            wait.wait();
            assert_eq!(two_plus_three(), 6.0);
        })
    };
    go.wait();
    assert_eq!(two_plus_three(), 5.0);
    backends::register(own.clone()).unwrap();
    assert_eq!(backends::list(), [&first[..], &["third party"]].concat());
    assert_eq!(two_plus_three(), 5.0, "registering changes no default");
    assert_eq!(backends::get("third party").unwrap().name(), "third party");

    let e = backends::register(own).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Backend);
    assert_eq!(e.to_string(), "backends::register: a backend of this name is registered: name third party");
    for e in [backends::get("tpu").err().unwrap(), backends::set_default("tpu").unwrap_err()] {
        assert_eq!(e.kind(), ErrorKind::Backend);
        let present = backends::list().join(", ");
        assert_eq!(e.to_string(), format!("backends: no backend of this name: name tpu, present {present}"));
    }

    backends::set_default("third party").unwrap();
    wait.wait();
    watcher.join().unwrap();
    assert_eq!(two_plus_three(), 6.0);
    // A scope beats the default; afterwards it is in force again.
    backends::with_backend(backends::get(first[0]).unwrap(), || {
        assert_eq!(two_plus_three(), 5.0);
        backends::set_default("third party").unwrap();
        assert_eq!(two_plus_three(), 5.0);
    });
    assert_eq!(two_plus_three(), 6.0);
    backends::set_default(first[0]).unwrap();
    assert_eq!(two_plus_three(), 5.0);
    // Many threads, many changes.
    on_all(|i| {
        for round in 0..200 {
            if i == 0 {
                backends::set_default(if round % 2 == 0 { "third party" } else { first[0] }).unwrap();
            }
            assert!([5.0, 6.0].contains(&two_plus_three()));
        }
    });
    println!("child is done");
}

#[test]
fn the_environment_names_the_default() {
    const TEST: &str = "the_environment_names_the_default";
    if !is_child(TEST) {
        in_a_child(TEST, &[("RUSTTORCH_BACKEND", "from the environment")]);
        return in_a_child(TEST, &[("RUSTTORCH_BACKEND", backends::list()[0])]);
    }
    if std::env::var("RUSTTORCH_BACKEND").unwrap() != "from the environment" {
        assert_eq!(two_plus_three(), 5.0);
        return println!("child is done");
    }
    // Nothing runs on a backend that is not there, and the error says what is.
    let present = backends::list().join(", ");
    let expected = format!("backends: no backend of this name: name from the environment, present {present}");
    for e in [Tensor::scalar(1f32).unwrap_err(), backends::current().err().unwrap()] {
        assert_eq!(e.kind(), ErrorKind::Backend);
        assert_eq!(e.to_string(), expected);
    }
    // A scope or a default of the program's own helps.
    backends::with_backend(backends::get(backends::list()[0]).unwrap(), || assert_eq!(two_plus_three(), 5.0));
    // It may be registered later, before the first use or after a failed one.
    backends::register(OffByOne::new("from the environment")).unwrap();
    assert_eq!(two_plus_three(), 6.0);
    backends::set_default(backends::list()[0]).unwrap();
    assert_eq!(two_plus_three(), 5.0);
    println!("child is done");
}

/// What a hook owns is dropped with the node of a view that gets another one, and may ask for the gradient of that view.
#[test]
fn what_hooks_own_may_look_at_the_tensor_when_it_is_dropped() {
    struct Looks(Tensor, Arc<AtomicBool>);
    impl Drop for Looks {
        fn drop(&mut self) {
            self.1.store(self.0.grad().is_none(), Ordering::Release);
        }
    }
    in_time(|| {
        let looked = Arc::new(AtomicBool::new(false));
        let x = Tensor::ones(&[4], DType::F32).unwrap().requires_grad_(true).unwrap();
        let base = x.mul(1.0).unwrap();
        let view = base.narrow(0, 0, 2).unwrap();
        let looks = Looks(view.clone(), looked.clone());
        view.register_hook(move |_| {
            let _ = &looks;
            Ok(None)
        })
        .unwrap();
        base.mul_(2.0).unwrap();
        assert!(!looked.load(Ordering::Acquire));
        // The view's node is derived anew.
        assert_eq!(view.grad_fn().as_deref(), Some("AsStridedBackward0"));
        assert!(looked.load(Ordering::Acquire));
    });
}

/// What a hook owns is dropped with the hook, and may register another one on the same tensor.
#[test]
fn what_a_removed_hook_owns_may_register_another() {
    struct Registers(Tensor, Arc<AtomicBool>);
    impl Drop for Registers {
        fn drop(&mut self) {
            self.1.store(self.0.register_hook(|_| Ok(None)).is_ok(), Ordering::Release);
        }
    }
    in_time(|| {
        let registered = Arc::new(AtomicBool::new(false));
        let x = Tensor::ones(&[4], DType::F32).unwrap().requires_grad_(true).unwrap();
        let y = x.mul(1.0).unwrap();
        let registers = Registers(y.clone(), registered.clone());
        let hook = y.register_hook(move |_| {
            let _ = &registers;
            Ok(None)
        });
        hook.unwrap().remove();
        assert!(registered.load(Ordering::Acquire));
    });
}

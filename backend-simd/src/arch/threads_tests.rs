use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rusttorch_backend::threads::set_num_threads;

use super::*;

/// Tests that set the number of threads take turns.
static TURN: Mutex<()> = Mutex::new(());

fn with_threads<R>(n: usize, body: impl FnOnce() -> R) -> R {
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    set_num_threads(n);
    let result = body();
    set_num_threads(0);
    result
}

#[test]
fn every_task_runs_once() {
    for threads in [1, 2, 3, 8] {
        with_threads(threads, || {
            for tasks in [0, 1, 2, 3, 7, 100, 1000] {
                let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                parallel(tasks, |i| {
                    counts[i].fetch_add(1, Ordering::Relaxed);
                });
                assert!(
                    counts.iter().all(|c| c.load(Ordering::Relaxed) == 1),
                    "{threads} threads, {tasks} tasks"
                );
            }
        });
    }
}

#[test]
fn chunks_cover_the_slice() {
    with_threads(3, || {
        for n in [0, 1, 99, 100, 101, 1000, 1001] {
            let mut data = vec![usize::MAX; n];
            parallel_chunks_mut(&mut data, 100, |i, chunk| {
                assert!(chunk.len() <= 100);
                chunk.iter_mut().enumerate().for_each(|(k, slot)| *slot = i * 100 + k);
            });
            assert!(data.iter().copied().eq(0..n));
        }
    });
}

#[test]
fn many_calls_in_a_row_and_after_pauses() {
    with_threads(4, || {
        let mut data = vec![0u64; 64];
        for call in 0..20_000u64 {
            parallel_each(&mut data, |i, slot| *slot += i as u64);
            if call % 5000 == 0 {
                // Long enough for the workers to park.
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        assert!(data.iter().enumerate().all(|(i, &v)| v == 20_000 * i as u64));
    });
}

#[test]
fn nested_and_concurrent_calls_finish() {
    with_threads(3, || {
        let total = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        parallel(5, |_| {
                            parallel(3, |_| {
                                total.fetch_add(1, Ordering::Relaxed);
                            })
                        });
                    }
                });
            }
        });
        assert_eq!(total.load(Ordering::Relaxed), 4 * 200 * 15);
    });
}

#[test]
fn a_panic_reaches_the_caller_after_all_tasks() {
    with_threads(3, || {
        let done = AtomicUsize::new(0);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            parallel(50, |i| {
                if i == 7 {
                    panic!("task seven");
                }
                done.fetch_add(1, Ordering::Relaxed);
            });
        }));
        assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"task seven"));
        assert_eq!(done.load(Ordering::Relaxed), 49);
        // The pool still works.
        parallel(10, |_| {
            done.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(done.load(Ordering::Relaxed), 59);
    });
}

#[cfg(unix)]
#[test]
fn a_forked_child_has_workers_of_its_own() {
    with_threads(3, || {
        parallel(10, |_| {});
        // SAFETY: the child only computes, and leaves by `_exit`.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let count = AtomicUsize::new(0);
            for _ in 0..100 {
                parallel(10, |_| {
                    count.fetch_add(1, Ordering::Relaxed);
                });
            }
            let right = count.load(Ordering::Relaxed) == 1000 && !CURRENT.load(Ordering::Relaxed).is_null();
            // SAFETY: ends the child without touching what it shares with its parent.
            unsafe { libc::_exit(if right { 0 } else { 1 }) };
        }
        let mut status = 1;
        // SAFETY: the child is ours, and the status a valid place to write.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!((waited, status), (child, 0));
    });
}

/// In a pool of its own, which other tests do not wake.
#[test]
fn idle_workers_park() {
    let pool: &'static Pool = Box::leak(Box::new(Pool::new()));
    assert!(pool.run(100, 2, &|_| {}));
    let parked = |i: usize| pool.workers[i].get().is_some_and(|w| w.parked.0.load(Ordering::SeqCst));
    // However busy the machine is, they park once they have run.
    while !(parked(0) && parked(1)) {
        std::thread::sleep(Duration::from_millis(1));
    }
    // And wake for the next call, or leave it to the caller.
    let done = AtomicUsize::new(0);
    assert!(pool.run(100, 2, &|_| {
        done.fetch_add(1, Ordering::Relaxed);
    }));
    assert_eq!(done.load(Ordering::Relaxed), 100);
}

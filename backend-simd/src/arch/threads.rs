//! Fork and join in about a microsecond.
//!
//! An op of 10 µs cannot pay the 15 µs that it takes to wake a parked thread. So a worker that has run out of
//! work watches for the next call for `SPIN`, and only then parks; a call that finds it watching hands over in
//! a fraction of a microsecond, and one that finds it parked wakes it and meanwhile works alone.
//!
//! A call is a number of tasks in as many shares as threads may come: the first tasks are the calling thread's, the
//! next ones the first worker's, and so on. Each takes its own share one by one, then what the others have left, so
//! that a worker that is late or that the system has suspended delays nothing but the task it holds, and one that
//! is not finds in its cache what it touched in the call before. Who computes what is thus left to chance, and no
//! result may depend on it.
//!
//! One call at a time has the workers. A second one, be it nested or from another thread, runs its tasks itself.
//! After `fork` the child starts workers of its own.

use std::cell::UnsafeCell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, TryLockError};
use std::thread::Thread;
use std::time::Instant;

use crate::tuning::threads as tuning;
use rusttorch_backend::threads::{available_cpus, num_threads};

/// The most workers that are ever started.
const MAX_WORKERS: usize = 255;

/// The most shares of a call; further threads begin with the share of another.
const MAX_SHARES: usize = 32;

/// How many threads a call may use, itself included.
pub(crate) fn threads() -> usize {
    num_threads().min(MAX_WORKERS + 1)
}

/// Runs `body(0)`, .., `body(tasks - 1)`, each exactly once, on up to [`threads`] threads, and returns when all are
/// done. A panic of a task is passed on after that.
pub(crate) fn parallel(tasks: usize, body: impl Fn(usize) + Sync) {
    let helpers = threads().min(tasks).saturating_sub(1);
    if helpers > 0
        && let Some(pool) = Pool::current()
        && pool.run(tasks, helpers, &body)
    {
        return;
    }
    (0..tasks).for_each(body);
}

/// Splits `out` into chunks of `chunk` elements, the last one shorter, and runs `body(index, chunk)` for each.
pub(crate) fn parallel_chunks_mut<T: Send>(
    out: &mut [T],
    chunk: usize,
    body: impl Fn(usize, &mut [T]) + Sync,
) {
    let chunk = chunk.max(1);
    if out.len() <= chunk {
        if !out.is_empty() {
            body(0, out);
        }
        return;
    }
    let whole = Shared(out.as_mut_ptr());
    let length = out.len();
    parallel(length.div_ceil(chunk), |i| {
        let start = i * chunk;
        let n = chunk.min(length - start);
        // SAFETY: `start + n` is at most the length of the slice that `out` borrows for the whole call.
        let first = unsafe { whole.get().add(start) };
        // SAFETY: each index comes once, and the chunks of two indices share no element.
        body(i, unsafe { std::slice::from_raw_parts_mut(first, n) });
    });
}

/// Some columns of a matrix that is written by rows.
pub(crate) struct ColumnsMut<'a, T> {
    first: *mut T,
    stride: usize,
    rows: usize,
    width: usize,
    /// What it borrows.
    of: std::marker::PhantomData<&'a mut [T]>,
}

impl<T> ColumnsMut<'_, T> {
    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// The part of row `i` that lies in these columns.
    pub(crate) fn row(&mut self, i: usize) -> &mut [T] {
        assert!(i < self.rows, "row {i} of {}", self.rows);
        // SAFETY: `first` is an element of the matrix, and so is the one `i` rows below it.
        let start = unsafe { self.first.add(i * self.stride) };
        // SAFETY: the columns lie within the row, nobody else has them, and `self` is borrowed for as long.
        unsafe { std::slice::from_raw_parts_mut(start, self.width) }
    }
}

/// Takes `out` for matrices of `rows` rows and `columns` columns, one after the other, splits each into parts of
/// `width` columns, the last one narrower, and runs `body(matrix, first column, part)` for each part.
pub(crate) fn parallel_columns_mut<T: Send>(
    out: &mut [T],
    (rows, columns): (usize, usize),
    width: usize,
    body: impl Fn(usize, usize, ColumnsMut<'_, T>) + Sync,
) {
    let size = rows * columns;
    if size == 0 {
        return;
    }
    let width = width.clamp(1, columns);
    let (matrices, parts) = (out.len() / size, columns.div_ceil(width));
    let whole = Shared(out.as_mut_ptr());
    parallel(matrices * parts, |task| {
        let (matrix, column) = (task / parts, task % parts * width);
        // SAFETY: `matrix * size + column` is less than the length of the slice that `out` borrows for the call.
        let first = unsafe { whole.get().add(matrix * size + column) };
        let width = width.min(columns - column);
        // Each task comes once, and no two have a column of one matrix in common.
        body(
            matrix,
            column,
            ColumnsMut { first, stride: columns, rows, width, of: std::marker::PhantomData },
        );
    });
}

/// Runs `body(index, item)` for every item, each a task.
pub(crate) fn parallel_each<T: Send>(items: &mut [T], body: impl Fn(usize, &mut T) + Sync) {
    parallel_chunks_mut(items, 1, |i, item| {
        for item in item {
            body(i, item);
        }
    });
}

/// An address that tasks share.
struct Shared<T>(*mut T);

impl<T> Shared<T> {
    fn get(&self) -> *mut T {
        self.0
    }
}

// SAFETY: it is only an address; who dereferences it argues for that. `T: Send` as elements are written by
// other threads.
unsafe impl<T: Send> Sync for Shared<T> {}

/// A call, on the stack of the thread that makes it.
struct Call<'a> {
    body: &'a (dyn Fn(usize) + Sync),
    tasks: usize,
    shares: usize,
    /// How many tasks of each share have been taken, or asked for in vain.
    taken: [AtomicUsize; MAX_SHARES],
    panicked: Mutex<Option<Box<dyn std::any::Any + Send>>>,
}

impl<'a> Call<'a> {
    fn new(body: &'a (dyn Fn(usize) + Sync), tasks: usize, threads: usize) -> Call<'a> {
        let shares = threads.clamp(1, MAX_SHARES);
        Call {
            body,
            tasks,
            shares,
            taken: [const { AtomicUsize::new(0) }; MAX_SHARES],
            panicked: Mutex::new(None),
        }
    }

    /// The tasks of a share.
    fn share(&self, i: usize) -> Range<usize> {
        let (each, longer) = (self.tasks / self.shares, self.tasks % self.shares);
        let start = i * each + i.min(longer);
        start..start + each + usize::from(i < longer)
    }

    /// Takes tasks until none is left, those of the thread's own share first.
    fn work(&self, thread: usize) {
        for i in 0..self.shares {
            let share = (thread + i) % self.shares;
            let tasks = self.share(share);
            while let Some(task) = tasks.clone().nth(self.taken[share].fetch_add(1, Ordering::Relaxed)) {
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (self.body)(task)))
                    && let Ok(mut first) = self.panicked.lock()
                {
                    first.get_or_insert(panic);
                }
            }
        }
    }
}

/// The gate to the current call: how many workers may still come in, and how many are inside.
///
/// Bits 0 to 15 count the workers inside, bits 16 to 31 the tickets left; the rest numbers the calls, so that a
/// worker sees that a call is another one.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Gate(u64);

impl Gate {
    const TICKET: u64 = 1 << 16;
    const CALL: u64 = 1 << 32;

    fn inside(self) -> u64 {
        self.0 & 0xffff
    }
    fn tickets(self) -> u64 {
        (self.0 >> 16) & 0xffff
    }
    /// A ticket less, a worker more.
    fn entered(self) -> Gate {
        Gate(self.0 - Gate::TICKET + 1)
    }
    /// No tickets.
    fn closed(self) -> Gate {
        Gate(self.0 & !(0xffff << 16))
    }
    /// The next call, with tickets.
    fn opened(self, tickets: usize) -> Gate {
        Gate((self.closed().0 & !0xffff).wrapping_add(Gate::CALL) | (tickets as u64) << 16)
    }
}

/// A line of the cache for each, as one side writes and the other watches.
#[repr(align(128))]
struct Line<T>(T);

struct Pool {
    /// Held by the call that has the workers.
    busy: Mutex<()>,
    gate: Line<AtomicU64>,
    /// The current call. Read only by workers that are inside of the gate, written only while none is.
    call: UnsafeCell<*const Call<'static>>,
    workers: [OnceLock<Worker>; MAX_WORKERS],
}

// SAFETY: `call` is written by the holder of `busy` while no worker is inside of the gate, and read by workers
// that came in after that through a release and acquire of the gate.
unsafe impl Sync for Pool {}

struct Worker {
    thread: OnceLock<Thread>,
    parked: Line<AtomicBool>,
}

static CURRENT: AtomicPtr<Pool> = AtomicPtr::new(ptr::null_mut());

impl Pool {
    fn new() -> Pool {
        Pool {
            busy: Mutex::new(()),
            gate: Line(AtomicU64::new(0)),
            call: UnsafeCell::new(ptr::null()),
            workers: [const { OnceLock::new() }; MAX_WORKERS],
        }
    }

    /// The pool of this process; none if one cannot be set up. A pool is never freed.
    fn current() -> Option<&'static Pool> {
        let mut pool = CURRENT.load(Ordering::Acquire);
        if pool.is_null() {
            pool = Pool::start();
        }
        // SAFETY: made by `start` from a box that is never freed.
        unsafe { pool.as_ref() }
    }

    #[cold]
    fn start() -> *mut Pool {
        forget_after_fork();
        let fresh = Box::into_raw(Box::new(Pool::new()));
        match CURRENT.compare_exchange(ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => fresh,
            Err(other) => {
                // SAFETY: made above, and nobody else has seen it.
                drop(unsafe { Box::from_raw(fresh) });
                other
            }
        }
    }

    /// Runs a call with some helpers. False if another call has the workers.
    fn run(&'static self, tasks: usize, helpers: usize, body: &(dyn Fn(usize) + Sync)) -> bool {
        let _busy = match self.busy.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(guard)) => guard.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        let helpers = (0..helpers).take_while(|&i| self.worker(i).is_some()).count();
        let call = Call::new(body, tasks, helpers + 1);
        // SAFETY: the lifetime is erased, but no worker reads the call after `close`, which comes before its end.
        let erased = unsafe { std::mem::transmute::<*const Call<'_>, *const Call<'static>>(&raw const call) };
        // SAFETY: `busy` is held, and the last call left no worker inside.
        unsafe { *self.call.get() = erased };
        let gate = &self.gate.0;
        gate.store(Gate(gate.load(Ordering::Relaxed)).opened(helpers).0, Ordering::SeqCst);
        for worker in self.workers[..helpers].iter().filter_map(OnceLock::get) {
            // Either this sees the mark, or the worker that has set it sees the open gate: both are in the one
            // order of sequentially consistent operations.
            if worker.parked.0.load(Ordering::SeqCst) {
                worker.parked.0.store(false, Ordering::SeqCst);
                if let Some(thread) = worker.thread.get() {
                    thread.unpark();
                }
            }
        }
        call.work(0);
        self.close();
        if let Ok(mut panicked) = call.panicked.lock()
            && let Some(panic) = panicked.take()
        {
            resume_unwind(panic);
        }
        true
    }

    /// Lets no further worker in and waits until those inside have left.
    fn close(&self) {
        let gate = &self.gate.0;
        let mut seen = gate.fetch_and(Gate(u64::MAX).closed().0, Ordering::AcqRel);
        let mut turns = 0u32;
        while Gate(seen).inside() > 0 {
            // A worker that was suspended by the system needs this CPU, perhaps.
            turns += 1;
            if turns.is_multiple_of(4096) {
                std::thread::yield_now()
            } else {
                std::hint::spin_loop()
            }
            seen = gate.load(Ordering::Acquire);
        }
    }

    /// The worker of a number, started if need be; none if the system has no thread for it.
    fn worker(&'static self, index: usize) -> Option<&'static Worker> {
        let slot = self.workers.get(index)?;
        if let Some(worker) = slot.get() {
            return worker.thread.get().is_some().then_some(worker);
        }
        let worker =
            slot.get_or_init(|| Worker { thread: OnceLock::new(), parked: Line(AtomicBool::new(false)) });
        let built = std::thread::Builder::new().name(format!("rusttorch-{}", index + 1)).spawn(move || {
            self.serve(index, worker);
        });
        worker.thread.set(built.ok()?.thread().clone()).ok()?;
        Some(worker)
    }

    /// The life of a worker.
    fn serve(&self, index: usize, worker: &Worker) {
        // More watchers than CPUs would take time from each other, and from the calling thread.
        let watches = index + 1 < available_cpus();
        let mut since = Instant::now();
        let mut turns = 0u32;
        loop {
            if self.try_enter(index) {
                since = Instant::now();
                continue;
            }
            turns = turns.wrapping_add(1);
            std::hint::spin_loop();
            if watches && (!turns.is_multiple_of(64) || since.elapsed() < tuning::SPIN) {
                continue;
            }
            worker.parked.0.store(true, Ordering::SeqCst);
            while worker.parked.0.load(Ordering::SeqCst) {
                if self.try_enter(index) {
                    worker.parked.0.store(false, Ordering::SeqCst);
                    break;
                }
                std::thread::park();
            }
            since = Instant::now();
        }
    }

    /// Has a worker work on the current call if that has a ticket left.
    fn try_enter(&self, index: usize) -> bool {
        let gate = &self.gate.0;
        let seen = Gate(gate.load(Ordering::SeqCst));
        if seen.tickets() == 0 {
            return false;
        }
        let entered = gate.compare_exchange(seen.0, seen.entered().0, Ordering::AcqRel, Ordering::Relaxed);
        if entered.is_err() {
            return true;
        }
        // SAFETY: inside of the gate, where the address is that of the call which opened it.
        let call = unsafe { *self.call.get() };
        // SAFETY: the call lives until the workers inside have left.
        unsafe { &*call }.work(index + 1);
        gate.fetch_sub(1, Ordering::Release);
        true
    }
}

/// Has a child of `fork` start anew, for it inherits no threads.
fn forget_after_fork() {
    #[cfg(unix)]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        extern "C" fn in_child() {
            CURRENT.store(ptr::null_mut(), Ordering::Release);
        }
        ONCE.call_once(|| {
            // SAFETY: the handler only stores to an atomic, which is allowed after a fork.
            unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        });
    }
}

#[cfg(test)]
#[path = "threads_tests.rs"]
mod tests;

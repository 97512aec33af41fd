//! How many threads BLAS uses: those of [`rusttorch_backend::threads`].
//!
//! OpenBLAS with threads of its own has one number for the process, which must not change while a product runs. So every
//! product holds a gate open, and the number is changed behind the closed gate, when it is another one than is wanted: a
//! product that wants another number waits for those that run. Other libraries, and OpenBLAS built for OpenMP, cannot be
//! governed so, and follow their own settings.
//!
//! Small products run on the calling thread: the smallest by the libraries' own choice, others by asking for one thread. A
//! large one takes all threads, so of the large ones one runs at a time: more would only wait for CPUs, and with a library that has
//! a team of threads for each caller (OpenMP's) they would be more threads than CPUs.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock, RwLockWriteGuard};

use crate::provider::Provider;

/// Held shared by every product, exclusively to change the number.
static GATE: RwLock<()> = RwLock::new(());
/// Held by a product, or a batch of them, that uses several threads. Always taken before the gate.
static TEAM: Mutex<()> = Mutex::new(());
/// The number last asked for, and what the library then had, as it may cap what it is asked for; 0 before the first
/// time. Others may change the library's number, too.
static ASKED: AtomicUsize = AtomicUsize::new(0);
static GIVEN: AtomicUsize = AtomicUsize::new(0);

/// Multiplications of a product of matrices from which OpenBLAS may use several threads (`interface/gemm.c`).
const MATRICES: usize = 1 << 18;
/// The same of a matrix and a vector (`interface/gemv.c`), and of two vectors.
const VECTORS: usize = 9216;

/// Whether BLAS may use several threads for a product `[m, k] x [k, n]`.
pub(crate) fn may_share([m, k, n]: [usize; 3]) -> bool {
    let multiplications = m.saturating_mul(k).saturating_mul(n);
    multiplications >= if m == 1 || n == 1 { VECTORS } else { MATRICES }
}

/// Multiplications of a product of matrices, and of others, that are worth several threads (OpenBLAS 0.3.21, f32, two
/// CPUs). `[128, 128] x [128, 128]`, which is 2^21, takes 28 to 53 µs on two threads and 42 on one. OpenBLAS shares out from less
/// on, and pays for it where CPUs are busy: `[64, 64] x [64, 128]` (2^19) took 7 µs on one thread and 800 on two beside
/// other work.
const WORTH: [usize; 2] = [1 << 21, 1 << 20];

/// How many of `threads` threads a product `[m, k] x [k, n]` gets.
pub(crate) fn worth([m, k, n]: [usize; 3], threads: usize) -> usize {
    let multiplications = m.saturating_mul(k).saturating_mul(n);
    if multiplications >= WORTH[usize::from(m == 1 || n == 1)] { threads } else { 1 }
}

/// Runs `body`, whose products BLAS computes on at most `threads` threads each. `share`: whether any of them
/// [may share](may_share). `team`: whether `body` uses several threads itself.
pub(crate) fn govern<R>(
    provider: &impl Provider,
    threads: usize,
    share: bool,
    team: bool,
    body: impl FnOnce() -> R,
) -> R {
    let _team = (team || share && threads > 1 && provider.shares()).then(|| TEAM.lock());
    let mut gate = GATE.read();
    let asked = || (ASKED.load(Ordering::Relaxed), GIVEN.load(Ordering::Relaxed));
    if share && provider.threads().is_some_and(|current| asked() != (threads, current)) {
        drop(gate);
        let alone = GATE.write();
        provider.set_threads(threads);
        ASKED.store(threads, Ordering::Relaxed);
        GIVEN.store(provider.threads().unwrap_or(0), Ordering::Relaxed);
        gate = RwLockWriteGuard::downgrade(alone);
    }
    let result = body();
    drop(gate);
    result
}

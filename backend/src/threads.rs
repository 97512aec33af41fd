//! How many threads an op may use: one number for the process, which every CPU backend follows.
//!
//! No result of a backend that keeps the bit promise depends on it: see the doc of [`Backend`](crate::Backend).

use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// 0: not set, the machine decides.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// The CPUs that this process may run on: affinity mask and CPU quota of the control group count. At least
/// 1; found out once.
pub fn available_cpus() -> usize {
    static CPUS: OnceLock<usize> = OnceLock::new();
    *CPUS.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZeroUsize::get))
}

/// The number of threads an op may use, the calling one included: what [`set_num_threads`] said, else
/// `RUSTTORCH_NUM_THREADS` at the start of the process, else [`available_cpus`].
///
/// PyTorch: `torch.get_num_threads`.
#[inline]
pub fn num_threads() -> usize {
    match THREADS.load(Relaxed) {
        0 => from_environment(),
        n => n,
    }
}

/// Sets the number of threads an op may use, the calling one included. `0` puts the default back.
///
/// PyTorch: `torch.set_num_threads`.
pub fn set_num_threads(threads: usize) {
    THREADS.store(threads, Relaxed);
}

#[cold]
fn from_environment() -> usize {
    static DEFAULT: OnceLock<usize> = OnceLock::new();
    *DEFAULT.get_or_init(|| {
        let Ok(text) = std::env::var("RUSTTORCH_NUM_THREADS") else { return available_cpus() };
        match text.trim().parse() {
            Ok(0) => available_cpus(),
            Ok(n) => n,
            Err(_) => {
                log::warn!("RUSTTORCH_NUM_THREADS is '{text}', not a number; all CPUs are used");
                available_cpus()
            }
        }
    })
}

//! Thresholds, each with the measurement that set it. None of them changes a bit of any result.

use crate::arch::threads::threads;

/// Work that takes less than this, in nanoseconds, stays on the calling thread: a fork and join costs about one
/// microsecond with watching workers, and a few more when they have to be woken.
const ALONE: usize = 8_000;

/// The least that a task is worth, in nanoseconds; taking one costs some tens of them.
const TASK: usize = 4_000;

/// The most tasks per thread. Several, as a thread may be suspended, or its CPU be slower.
const TASKS_PER_THREAD: usize = 16;

/// Chunks are multiples of this many elements: whole vectors and whole cache lines, so that threads share none.
const GRAIN: usize = 1024;

/// What an op costs, in picoseconds per element on one thread, from the tables of docs/benchmarks.md.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost(pub(crate) usize);

impl Cost {
    /// Reads, a few instructions and a write.
    pub(crate) const LIGHT: Cost = Cost(150);
    /// A polynomial.
    pub(crate) const MEDIUM: Cost = Cost(500);
    /// Several of them.
    pub(crate) const HEAVY: Cost = Cost(2000);

    /// Into how many tasks `items` items of `elements` elements each are split; 1: not at all.
    pub(crate) fn tasks(self, items: usize, elements: usize) -> usize {
        let total = items.saturating_mul(elements).saturating_mul(self.0) / 1000;
        if total < ALONE {
            return 1;
        }
        let threads = threads();
        if threads == 1 {
            return 1;
        }
        // As many for each thread.
        (total / TASK).next_multiple_of(threads).min(TASKS_PER_THREAD * threads).clamp(1, items.max(1))
    }

    /// Elements per task for an op over `elements` elements.
    pub(crate) fn chunk(self, elements: usize) -> usize {
        match self.tasks(elements, 1) {
            1 => elements.max(1),
            tasks => elements.div_ceil(tasks).next_multiple_of(GRAIN),
        }
    }
}

/// Outputs from this many bytes on are written past the caches: they would push out everything else, and the
/// line that a normal store first reads is a third of the traffic of an add.
const STREAM: usize = 24 << 20;

/// Whether an output of `bytes` bytes is written past the caches.
pub(crate) fn streams(bytes: usize) -> bool {
    bytes >= STREAM
}

/// Matrix products. Work is counted in bytes: multiplications times the size of an element.
pub(crate) mod gemm {
    /// Work that is worth a task: about 4 µs at the peak of one thread.
    pub(crate) const TASK: usize = 512 << 10;
    /// The most tasks per thread.
    pub(crate) const TASKS_PER_THREAD: usize = 8;
    /// Work of a product that several threads share even where it is one of a batch.
    pub(crate) const LARGE: usize = 64 << 20;
    /// Up to this many rows a product is split by columns: as many as the second cache holds for a block of k.
    pub(crate) const FEW_ROWS: usize = 256;
    /// The most rows of a task: their block of k takes up less than half of the second cache.
    pub(crate) const MOST_ROWS: usize = 192;
    /// Columns whose panels are copied together.
    pub(crate) const COLUMNS: usize = 4096;
    /// Bytes of copies that are kept at a time, in the third cache.
    pub(crate) const COPIES: usize = 4 << 20;
    /// A copy of `a` pays from this many columns on ..
    pub(crate) const COPY_COLUMNS: usize = 128;
    /// .. where the steps from row to row are longer than this many elements.
    pub(crate) const NEAR: usize = 257;
    /// Bytes of a matrix that are worth a task of a product with a row.
    pub(crate) const VECTOR_TASK: usize = 128 << 10;
    /// Columns of a segment: its sums take up a quarter of the first cache.
    pub(crate) const SEGMENT: usize = 2048;
    /// How far ahead columns are fetched, in elements.
    pub(crate) const FETCH: usize = 64;
}

//! Thresholds, each with what it rests on: a measurement where one is named, else the sizes of caches and lines and
//! what a call costs. None of them changes a bit of any result.

use crate::arch::threads::threads;

/// Work that takes less than this, in nanoseconds, stays on the calling thread: a fork and join costs about one
/// microsecond with watching workers, and a few more when they have to be woken.
const ALONE: usize = 8_000;

/// No more threads than have so much work each, in nanoseconds.
const LEAST: usize = 4_000;

/// What a task is worth, in nanoseconds, where there are enough: to begin one costs a quarter of a microsecond, most of it
/// until memory comes as fast as it can. An add of 10^6 elements by two threads takes 70 us in 2 or 4 tasks, 75 in 8 to 32.
const TASK: usize = 32_000;

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
    #[inline]
    pub(crate) fn tasks(self, items: usize, elements: usize) -> usize {
        let total = items.saturating_mul(elements).saturating_mul(self.0);
        // In the unit of the cost, as a division would be a good part of the smallest calls.
        if total < ALONE * 1000 {
            return 1;
        }
        let total = total / 1000;
        let threads = threads().min(total / LEAST);
        if threads == 1 {
            return 1;
        }
        // As many for each thread.
        let tasks = (total / TASK).next_multiple_of(threads).clamp(threads, TASKS_PER_THREAD * threads);
        tasks.clamp(1, items.max(1))
    }

    /// Elements per task for an op over `elements` elements.
    #[inline]
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
    /// From so many bytes on, `b` does not stay in the second cache, and its next panel or rows are asked for. On one thread
    /// 32 rows by 768x3072 take 0.85 of the time without, and a row by 4096x4096 0.82; where `b` is near it takes time: 64
    /// rows by 64x64 would take 1.02.
    pub(crate) const FAR: usize = 768 << 10;
    /// Rows of `b` within so many bytes are read where they lie, not copied: half of the first cache.
    pub(crate) const AT_HAND: usize = 16 << 10;
    /// Bytes of a matrix that are worth a task of a product with a row.
    pub(crate) const VECTOR_TASK: usize = 128 << 10;
    /// Columns of a segment: its sums take up a quarter of the first cache.
    pub(crate) const SEGMENT: usize = 2048;
    /// Sums over at least so many k leave time to ask for the place of their tile even where it is near: without, those of
    /// 256x8x256 take 0.86 of the time, and those of 64x64x64 as long.
    pub(crate) const DEEP: usize = 32;
    /// Rows of `b` between the one that is read and the one that is fetched. Products of 512x512 and 1024x1024 f64 take 0.98 of
    /// the time with 8 between.
    pub(crate) const AHEAD: usize = 16;
    /// How far ahead columns are fetched, in elements: a multiple of the lanes.
    pub(crate) const FETCH: usize = 64;
}

/// Walks over operands with gaps.
pub(crate) mod drive {
    /// Runs from this length on are handed over piece by piece; shorter ones are collected until a tile is full, since
    /// a call of a body costs 20 to 30 ns (docs/benchmarks.md: `add_column` beside `add_scalar`).
    pub(crate) const LONG: usize = 64;
    /// Operands that start again after at least as many elements are read as they lie; a copy of several periods in a
    /// tile saves the turns of shorter ones, of about 5 ns each.
    pub(crate) const LONG_PERIOD: usize = 128;
    /// An axis of at least so many elements is worth blocks: shorter ones leave lines of the cache half used, but
    /// the next pass over them comes soon.
    pub(crate) const WORTH_BLOCKS: usize = 8;
    /// Rows that lie a multiple of so many bytes apart fall on one or two of the sets of a first cache: those of a square push
    /// each other out. Written line by line, through the caches, a transpose of 2048 rows of 2048 takes 0.59 of the time on one
    /// thread, and one of 2000 rows 1.44.
    pub(crate) const SAME_SETS: usize = 2048;
    /// Bytes of a row of the output that is long enough to be written past the caches: shorter ones would wait for that.
    pub(crate) const LONG_ROW: usize = 1024;
    /// Transposes of so many bytes are written past the caches, where their rows are long and of whole lines: with their operand
    /// they take up most of the third one. On one thread and on two 2048 rows of 2048 take 0.83 and 0.86 of the time then, 2000
    /// rows of 2000 0.45 and 0.81, and 1400 rows, which are fewer bytes, 1.6 and 2.
    const TURNED: usize = 12_000_000;

    /// Whether a transpose of so many bytes is better written past the caches.
    pub(crate) fn turns_past(bytes: usize) -> bool {
        bytes >= TURNED
    }

    /// Short runs are taken many at a time where there are this many elements beside each other, else one by one.
    pub(crate) const WORTH_ROWS: usize = 256;
}

/// Ops along an axis that give a result for each element: softmax, scans.
pub(crate) mod lines {
    /// Lines of fewer elements are computed side by side.
    pub(crate) const SHORT: usize = 32;
    /// The most elements of a line across of which whole tiles are gathered.
    pub(crate) const ACROSS: usize = 2048;
    /// Elements of a tile: operands and result stay in the second cache.
    pub(crate) const TILE: usize = 64 * 1024;
    /// Longer lines are copied one by one: tiles of them would take as much memory as the operands.
    pub(crate) const LONG: usize = 64 * 1024;
    /// Lines of up to so many bytes are fetched while the one before is computed: both and a result stay in a second cache of
    /// 1 MiB. Softmax over 128 lines of 32000 takes 0.84 of the time without, on one thread and on two.
    pub(crate) const NEXT: usize = 256 << 10;
    /// Results from this many bytes on are written past the caches by a pass that is the last to need them, where a line begins
    /// at a whole line of the cache: with their operand they take up most of the third cache. Log-softmax of 96 to 128 lines of
    /// 32000 takes 0.81 of the time on one thread and as long on two, that of 64 0.89 and 1.29, and that of 16384 lines of 1024
    /// 0.87 and 0.75.
    const STREAM: usize = 12_000_000;

    /// Whether results of so many bytes are written past the caches.
    pub(crate) fn streams(bytes: usize) -> bool {
        bytes >= STREAM
    }

    /// The most columns of a tile, and how many vectors a tile has at least where there are as many: memory is read
    /// and written in stretches of a row.
    pub(crate) const WIDEST: usize = 256;
    pub(crate) const STRETCH: usize = 4;
    /// The most bytes that a thread keeps: the scratch of a tile, not that of long lines.
    pub(crate) const KEPT: usize = 4 << 20;
}

/// Reductions.
pub(crate) mod sequences {
    use crate::arch::threads::threads;

    /// Sequences of fewer elements than this are reduced side by side: a line of its own is not worth it.
    pub(crate) const SHORT: usize = 32;
    /// Elements of a tile of gathered columns, which stays in the first cache unless the columns are long, and the most
    /// of them.
    pub(crate) const TILE: usize = 8192;
    pub(crate) const SIDE: usize = 256;
    /// Outputs that are finished together: their parts stay in the first cache.
    pub(crate) const BATCH: usize = 512;
    /// Vectors of neighbouring columns of a task: memory is read in stretches as long. The sums of 1000 columns take 32 us in
    /// two tasks of 512, and 35 in four of 256.
    const WIDE: usize = 32;

    /// How many of some neighbouring columns a task has, where there are to be so many tasks: wide ones, and whole vectors,
    /// though no thread is left without for that.
    pub(crate) fn columns(items: usize, tasks: usize, lanes: usize) -> usize {
        let tasks = tasks.min((items / (WIDE * lanes)).max(threads()));
        let even = items.div_ceil(tasks.max(1));
        let whole = |vectors: usize| even.next_multiple_of(vectors * lanes);
        [WIDE, WIDE / 2, WIDE / 8].map(whole).into_iter().find(|&n| n <= even + even / 8).unwrap_or(whole(1))
    }
    /// Columns of a tile of exponentials: with the 1024 to 2048 rows of a chunk it stays in the second cache.
    pub(crate) const EXPONENTIALS: usize = 64;
}

/// Sorting, selecting, searching.
pub(crate) mod sort {
    /// Lines up to this length are sorted by comparing: the counts of the digits would cost more.
    pub(crate) const COMPARED: usize = 256;
    /// From this length on digits have 11 bits: fewer passes, and larger counts.
    pub(crate) const WIDE_DIGITS: usize = 1 << 15;
    /// Values that are searched for together, so that one does not wait for the memory of another.
    pub(crate) const SEARCHED_TOGETHER: usize = 8;
    /// What a step of a search costs, in ps.
    pub(crate) const SEARCH_STEP: usize = 1500;
    /// Fewer candidates than this are selected from by comparing.
    pub(crate) const FEW_CANDIDATES: usize = 512;
    /// The most parts: beyond that, merging costs more than threads gain.
    pub(crate) const MOST_PARTS: usize = 16;
    /// Elements of an output piece: the pieces it is merged from stay in the second cache.
    pub(crate) const PIECE: usize = 1 << 14;
    /// Lines from this length on are worth all threads.
    pub(crate) const LONG_LINE: usize = 1 << 16;
    /// Columns of a panel: as many as share a cache line, so that what one line of the tensor brings in serves the next.
    pub(crate) const PANEL_COLUMNS: usize = 16;
}

/// Indexing.
pub(crate) mod index {
    /// Rows from this many bytes on are asked for ahead of time.
    pub(crate) const AHEAD: usize = 128;
    /// Rows below this many elements are copied by a loop: a call would cost more.
    pub(crate) const SHORT_ROW: usize = 8;
    /// The least width of a panel into which whole rows are merged: narrower pieces cost more than a thread gains.
    pub(crate) const ROW_PANEL: usize = 128;
    /// The least width of a panel into which single elements are merged: threads share no cache line.
    pub(crate) const ELEMENT_PANEL: usize = 64;
}

/// Fork and join.
pub(crate) mod threads {
    use std::time::Duration;

    /// How long a worker watches before it parks. Long enough to last from one op of a program to its next, short
    /// enough that an idle program uses no CPU: waking a parked thread takes 12 to 15 µs, seeing a watching one 0.13.
    pub(crate) const SPIN: Duration = Duration::from_micros(200);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusttorch_backend::threads::set_num_threads;

    #[test]
    fn work_is_split_evenly_and_never_too_finely() {
        for n in (1..=65).step_by(4) {
            set_num_threads(n);
            for cost in [Cost::LIGHT, Cost::HEAVY, Cost(usize::MAX)] {
                for items in [0, 1, 2, 3, 100, 100_000, 1 << 40] {
                    for elements in [0, 1, 1000, usize::MAX] {
                        let tasks = cost.tasks(items, elements);
                        let work = items.saturating_mul(elements).saturating_mul(cost.0) / 1000;
                        assert!((1..=items.max(1)).contains(&tasks) && tasks <= TASKS_PER_THREAD * n);
                        assert!(tasks == 1 || work / tasks >= LEAST / 2, "{tasks} tasks of {work} ns");
                    }
                }
            }
            for columns in [1, 16, 100, 544, 1000, 2560, 4096, 100_000] {
                for tasks in [1, 2, 7, 32, 1000] {
                    let wide = sequences::columns(columns, tasks, 16);
                    assert!(wide.is_multiple_of(16) && wide > 0);
                    // No thread has more than an eighth above its share, whole vectors apart.
                    let share = columns.div_ceil(tasks.min(n.max(columns / 512)));
                    assert!(wide <= share + share / 8 + 16, "{wide} of {columns} columns in {tasks} tasks");
                }
            }
        }
        set_num_threads(1);
    }
}

//! The memory pool behind [`HostBuffer`](crate::buffer::HostBuffer).
//!
//! The fresh output of a large eager op costs a page fault per 4 KiB, several times what the arithmetic
//! costs; recycled memory costs nothing. So freed blocks are kept, within bounds:
//!
//! - **Size classes.** A request is rounded up to a multiple of 64 bytes with three significant bits:
//!   64, 128, 192, 256, 320, .., 512, 640, 768, 896, 1024, .., four classes per doubling. A block is
//!   larger than its request by less than 64 bytes or by less than 25 %. From 256 KiB on it is mapped
//!   by itself (Linux, Android, macOS), and the pages that no request reached take no memory.
//! - **A front cache per thread**, without locks, for blocks of up to 32 KiB: 2 to 16 blocks per class,
//!   less than 1 MiB in all. A thread that ends hands its blocks to the shared pool.
//! - **A shared pool**, one lock per class, at most 4096 blocks per class and [`set_limit`] bytes in all.
//!   A block that does not fit pushes out blocks of the class that was idle for longest.
//!
//! The system zeroes every block before its first use and safe code only ever writes bytes to it, so
//! that its contents are initialised whatever its history.
//!
//! Every function here may be called from any thread at any time. As with any lock, a process that
//! forks while another of its threads is inside the pool leaves a locked class to the child.

use std::cell::RefCell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::error::{ErrorKind, Result, TensorError};

mod front;
mod system;

use front::{FRONT_CLASSES, Front, Tally};
pub(crate) use system::ALIGN;
use system::Block;

/// Classes of the shared pool: blocks of up to 256 GiB. Larger ones go straight back to the system.
const CLASSES: usize = 124;
const MAX_PER_CLASS: usize = 4096;
const LIMIT_UNSET: usize = usize::MAX;
/// The default limit where the size of the memory is unknown.
const LIMIT_BLIND: usize = 1 << 30;

static POOL: Pool = Pool::new(LIMIT_UNSET);

thread_local! {
    static FRONT: RefCell<Front<'static>> = RefCell::new(Front::new(&POOL));
}

/// What the pool holds, and what it has done since the process started. See [`stats`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Bytes of the blocks that live buffers hold, rounded up to their size classes.
    pub in_use: usize,
    /// Bytes of the free blocks kept for reuse, front caches of all threads included.
    pub cached: usize,
    /// The most that `in_use` has been, in bytes; too low by less than 64 KiB per thread.
    pub peak: usize,
    /// Bytes of live foreign memory (NumPy, DLPack, mapped files), which the pool does not own.
    pub foreign: usize,
    /// Number of allocations that succeeded. Empty and foreign buffers do not count.
    pub allocations: u64,
    /// Number of allocations that a recycled block served.
    pub hits: u64,
    /// Number of allocations that the system served: `hits + misses == allocations`.
    pub misses: u64,
}

/// The counts of the whole process.
///
/// They are exact if no other thread allocates or frees meanwhile; otherwise each may stem from a
/// slightly different moment, and `in_use` may be off by less than 64 KiB per thread.
pub fn stats() -> Stats {
    POOL.stats()
}

/// Gives the free blocks of the shared pool and of this thread's front cache back to the system, and
/// returns how many bytes these were.
///
/// The front caches of other threads, less than 1 MiB each, stay until those threads end.
pub fn trim() -> usize {
    with_front(|front| front.map_or(0, Front::release)) + POOL.shrink(0, None)
}

/// Sets how many bytes of free blocks the shared pool may keep, and at once gives back what is more.
///
/// Live buffers and front caches do not count. `0` turns caching off altogether, and front caches of
/// other threads keep only what they have. `usize::MAX` restores the default: a quarter of the memory
/// of the machine, or of the container (control group) if that is less; 1 GiB where neither is known.
pub fn set_limit(bytes: usize) {
    POOL.limit.0.store(bytes, Relaxed);
    if bytes == 0 {
        trim();
    } else {
        POOL.shrink(POOL.limit(), None);
    }
}

/// Memory on loan from the pool: initialised, aligned to [`ALIGN`], and the holder's alone until the
/// lease is dropped. Or a mere address with nothing to give back.
#[derive(Debug)]
pub(crate) struct Lease(Block);

impl Lease {
    /// A lease of `bytes` bytes, not zero, and whether they are fresh from the system, thus zero.
    ///
    /// Fails with [`ErrorKind::Memory`] if the system has no such block, even with everything free
    /// given back to it.
    #[inline]
    pub(crate) fn new(bytes: usize) -> Result<(Lease, bool)> {
        let (class, _) = class_of(bytes);
        if class < FRONT_CLASSES {
            let block = FRONT.try_with(|front| front.try_borrow_mut().ok()?.pop(class));
            if let Ok(Some(block)) = block {
                return Ok((Lease(block), false));
            }
        }
        Self::new_slow(bytes)
    }

    #[inline(never)]
    fn new_slow(bytes: usize) -> Result<(Lease, bool)> {
        with_front(|front| POOL.alloc(bytes, front)).map(|(block, fresh)| (Lease(block), fresh))
    }

    #[inline(never)]
    fn drop_slow(&mut self) {
        with_front(|front| POOL.free(self.0.take(), front));
    }

    /// No memory, only an address.
    #[inline]
    pub(crate) fn nothing(ptr: NonNull<u8>) -> Lease {
        Lease(Block::nothing(ptr))
    }

    /// The first byte.
    #[inline]
    pub(crate) fn ptr(&self) -> NonNull<u8> {
        self.0.ptr()
    }
}

impl Drop for Lease {
    #[inline]
    fn drop(&mut self) {
        if self.0.size() == 0 {
            return;
        }
        let kept = FRONT.try_with(|front| front.try_borrow_mut().is_ok_and(|mut f| f.push(&mut self.0)));
        if kept != Ok(true) {
            self.drop_slow();
        }
    }
}

/// Counts foreign bytes for as long as it lives.
#[derive(Debug)]
pub(crate) struct ForeignBytes(usize);

impl ForeignBytes {
    pub(crate) fn new(bytes: usize) -> Self {
        POOL.foreign.fetch_add(bytes, Relaxed);
        ForeignBytes(bytes)
    }
}

impl Drop for ForeignBytes {
    fn drop(&mut self) {
        POOL.foreign.fetch_sub(self.0, Relaxed);
    }
}

/// Runs `f` with this thread's front cache, or without one: a thread that is being torn down has none.
fn with_front<R>(mut f: impl FnMut(Option<&mut Front<'static>>) -> R) -> R {
    match FRONT.try_with(|front| Some(f(Some(&mut *front.try_borrow_mut().ok()?)))) {
        Ok(Some(r)) => r,
        _ => f(None),
    }
}

/// The class of a request and the size of its blocks, both in order of size.
#[inline]
fn class_of(bytes: usize) -> (usize, usize) {
    let last = bytes.saturating_sub(1) / ALIGN;
    let step = (last | 4).ilog2() - 2;
    let lead = last >> step;
    (4 * step as usize + lead, ((lead + 1) << step).saturating_mul(ALIGN))
}

/// The free blocks of one class.
struct Shelf {
    blocks: Vec<Block>,
    /// When it was last used, in ticks of the pool.
    used: u64,
}

/// Keeps its cache lines to itself: every thread reads the limit whenever it frees.
#[repr(align(128))]
struct Apart<T>(T);

/// What all threads share.
struct Pool {
    shelves: [Mutex<Shelf>; CLASSES],
    limit: Apart<AtomicUsize>,
    /// Bytes on the shelves, added before a block gets there and taken off after it has left.
    shelved: AtomicUsize,
    tick: AtomicU64,
    /// Bytes obtained from the system and not given back.
    held: AtomicUsize,
    /// Bytes in use, but for what the tallies have not told.
    in_use: AtomicI64,
    peak: AtomicI64,
    foreign: AtomicUsize,
    /// Allocations, but for those of the tallies.
    allocations: AtomicU64,
    misses: AtomicU64,
    /// One per thread that has a front cache.
    tallies: Mutex<Vec<Arc<Tally>>>,
}

impl Pool {
    const fn new(limit: usize) -> Self {
        Pool {
            shelves: [const { Mutex::new(Shelf { blocks: Vec::new(), used: 0 }) }; CLASSES],
            limit: Apart(AtomicUsize::new(limit)),
            shelved: AtomicUsize::new(0),
            tick: AtomicU64::new(0),
            held: AtomicUsize::new(0),
            in_use: AtomicI64::new(0),
            peak: AtomicI64::new(0),
            foreign: AtomicUsize::new(0),
            allocations: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            tallies: Mutex::new(Vec::new()),
        }
    }

    fn limit(&self) -> usize {
        static DEFAULT: OnceLock<usize> = OnceLock::new();
        match self.limit.0.load(Relaxed) {
            LIMIT_UNSET => {
                *DEFAULT.get_or_init(|| system::memory_size().map_or(LIMIT_BLIND, |bytes| bytes / 4))
            }
            limit => limit,
        }
    }

    /// A block of at least `bytes`, and whether it is fresh.
    fn alloc(&self, bytes: usize, mut front: Option<&mut Front<'_>>) -> Result<(Block, bool)> {
        let (class, size) = class_of(bytes);
        let recycled = match front.as_deref_mut() {
            Some(front) if class < FRONT_CLASSES => front.refill(class),
            _ => self.take(class),
        };
        let fresh = recycled.is_none();
        let block = recycled.or_else(|| self.fresh(bytes, size, front.as_deref_mut()));
        let block = block.ok_or_else(|| {
            TensorError::new(ErrorKind::Memory, "alloc", "out of memory").with("bytes", bytes)
        })?;
        match front {
            Some(front) => front.count(&block),
            None => {
                self.allocations.fetch_add(1, Relaxed);
                self.account(block.size() as i64);
            }
        }
        Ok((block, fresh))
    }

    /// A block from the system. If it has none, once more after everything free was given back to it,
    /// and then without rounding up to the class: that helps requests near the size of the memory.
    fn fresh(&self, bytes: usize, size: usize, front: Option<&mut Front<'_>>) -> Option<Block> {
        let block = Block::new(size).or_else(|| {
            front.map(Front::release);
            self.shrink(0, None);
            let exact = bytes.checked_next_multiple_of(system::HUGE).filter(|&exact| exact < size);
            Block::new(size).or_else(|| Block::new(exact?))
        })?;
        self.misses.fetch_add(1, Relaxed);
        self.held.fetch_add(block.size(), Relaxed);
        Some(block)
    }

    /// Takes back a block that the front cache has no room for.
    fn free(&self, block: Block, front: Option<&mut Front<'_>>) {
        match front {
            Some(front) => {
                front.uncount(&block);
                front.spill(block.size());
            }
            None => self.account(-(block.size() as i64)),
        }
        self.put(block);
    }

    fn release(&self, block: Block) {
        self.held.fetch_sub(block.size(), Relaxed);
        block.free();
    }

    fn take(&self, class: usize) -> Option<Block> {
        let mut shelf = self.shelves.get(class)?.lock();
        let block = shelf.blocks.pop()?;
        shelf.used = self.tick.fetch_add(1, Relaxed);
        drop(shelf);
        self.shelved.fetch_sub(block.size(), Relaxed);
        Some(block)
    }

    /// Keeps a free block, or gives it back to the system where a bound says so.
    fn put(&self, block: Block) {
        let (size, limit) = (block.size(), self.limit());
        let (class, rounded) = class_of(size);
        // A block that could not be rounded up is too small for its class.
        let shelf = self.shelves.get(class).filter(|_| size <= limit && size == rounded);
        let Some(shelf) = shelf else {
            return self.release(block);
        };
        if self.shelved.fetch_add(size, Relaxed) + size > limit {
            self.shrink(limit, Some(class));
        }
        if self.shelved.load(Relaxed) <= limit {
            let mut shelf = shelf.lock();
            shelf.used = self.tick.fetch_add(1, Relaxed);
            if shelf.blocks.len() < MAX_PER_CLASS && shelf.blocks.try_reserve(1).is_ok() {
                return shelf.blocks.push(block);
            }
        }
        self.shelved.fetch_sub(size, Relaxed);
        self.release(block);
    }

    /// Gives back blocks of the classes idle for longest, but none of `keep`, until `limit` bytes are
    /// left on the shelves. Returns the bytes given back.
    fn shrink(&self, limit: usize, keep: Option<usize>) -> usize {
        let mut given = 0;
        while self.shelved.load(Relaxed) > limit {
            let idle = self.shelves.iter().enumerate().filter_map(|(class, shelf)| {
                let guard = shelf.lock();
                let usable = Some(class) != keep && !guard.blocks.is_empty();
                usable.then_some((guard.used, class, shelf))
            });
            let Some((_, _, shelf)) = idle.min_by_key(|&(used, class, _)| (used, class)) else { break };
            while self.shelved.load(Relaxed) > limit {
                // A statement of its own, so that the lock is open while the system works.
                let block = shelf.lock().blocks.pop();
                let Some(block) = block else { break };
                self.shelved.fetch_sub(block.size(), Relaxed);
                given += block.size();
                self.release(block);
            }
        }
        given
    }

    #[inline(never)]
    fn account(&self, bytes: i64) {
        let now = self.in_use.fetch_add(bytes, Relaxed).wrapping_add(bytes);
        if now > self.peak.load(Relaxed) {
            self.peak.fetch_max(now, Relaxed);
        }
    }

    fn stats(&self) -> Stats {
        let tallies = self.tallies.lock();
        let mut in_use = self.in_use.load(Relaxed);
        let mut allocations = self.allocations.load(Relaxed);
        for tally in tallies.iter() {
            in_use = in_use.wrapping_add(tally.in_use.load(Relaxed));
            allocations = allocations.wrapping_add(tally.allocations.load(Relaxed));
        }
        drop(tallies);
        let peak = self.peak.fetch_max(in_use, Relaxed).max(in_use).max(0) as usize;
        let (in_use, misses) = (in_use.max(0) as usize, self.misses.load(Relaxed));
        Stats {
            in_use,
            cached: self.held.load(Relaxed).saturating_sub(in_use),
            peak,
            foreign: self.foreign.load(Relaxed),
            allocations,
            hits: allocations.saturating_sub(misses),
            misses,
        }
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;

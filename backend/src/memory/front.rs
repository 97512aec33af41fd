//! The free blocks and the counters that a thread keeps to itself, so that a small allocation takes
//! no lock and no locked instruction.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use super::system::{ALIGN, Block};
use super::{Pool, class_of};

/// Classes kept here: up to 32 KiB.
pub(super) const FRONT_CLASSES: usize = 32;
const SLOTS: usize = 16;
/// Bytes in use that a thread may leave untold.
const QUANTUM: i64 = 64 << 10;

/// How many blocks of each class are kept: 32 KiB, but at least 2 blocks and at most 16.
pub(super) const ROOM: [usize; FRONT_CLASSES] = {
    let mut room = [0; FRONT_CLASSES];
    let (mut class, mut size) = (0, 0);
    while class < FRONT_CLASSES {
        size += if class < 4 { ALIGN } else { ALIGN << ((class - 4) / 4) };
        let fit = (32 << 10) / size;
        room[class] = if fit < 2 { 2 } else { fit };
        room[class] = if fit > SLOTS { SLOTS } else { room[class] };
        class += 1;
    }
    room
};

/// What a thread has done and not yet told the pool.
///
/// Written by that thread alone, so that plain loads and stores do, and read by [`Pool::stats`].
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Tally {
    pub(super) allocations: AtomicU64,
    pub(super) in_use: AtomicI64,
}

impl Tally {
    #[inline]
    fn add(&self, pool: &Pool, bytes: i64) {
        // Large amounts are told at once, so that no reader is ever wrong by more than the quantum.
        if bytes.abs() >= QUANTUM {
            return pool.account(bytes);
        }
        let sum = self.in_use.load(Relaxed) + bytes;
        if sum.abs() < QUANTUM {
            self.in_use.store(sum, Relaxed);
        } else {
            self.in_use.store(0, Relaxed);
            pool.account(sum);
        }
    }
}

/// The free blocks of one class. The last one freed goes out first: the CPU's cache still has it.
struct Stack {
    len: usize,
    slots: [Option<Block>; SLOTS],
}

/// The front cache of one thread.
pub(super) struct Front<'p> {
    pool: &'p Pool,
    tally: Arc<Tally>,
    stacks: [Stack; FRONT_CLASSES],
}

impl<'p> Front<'p> {
    pub(super) fn new(pool: &'p Pool) -> Self {
        let tally = Arc::new(Tally::default());
        pool.tallies.lock().push(tally.clone());
        let empty = |_| Stack { len: 0, slots: [const { None }; SLOTS] };
        Front { pool, tally, stacks: std::array::from_fn(empty) }
    }

    /// A recycled block of the class, counted as an allocation.
    #[inline]
    pub(super) fn pop(&mut self, class: usize) -> Option<Block> {
        let stack = self.stacks.get_mut(class)?;
        let top = stack.len.checked_sub(1)?;
        let block = stack.slots.get_mut(top)?.take()?;
        stack.len = top;
        self.count(&block);
        Some(block)
    }

    /// Takes a block that is no longer in use, if there is room for it.
    #[inline]
    pub(super) fn push(&mut self, block: &mut Block) -> bool {
        let size = block.size();
        let kept = self.pool.limit.0.load(Relaxed) > 0 && self.keep(block);
        if kept {
            self.tally.add(self.pool, -(size as i64));
        }
        kept
    }

    #[inline]
    fn keep(&mut self, block: &mut Block) -> bool {
        let (class, _) = class_of(block.size());
        let (Some(stack), Some(&room)) = (self.stacks.get_mut(class), ROOM.get(class)) else {
            return false;
        };
        match stack.slots.get_mut(stack.len) {
            Some(slot) if stack.len < room => {
                *slot = Some(block.take());
                stack.len += 1;
                true
            }
            _ => false,
        }
    }

    /// Counts an allocation.
    #[inline]
    pub(super) fn count(&self, block: &Block) {
        self.tally.allocations.store(self.tally.allocations.load(Relaxed) + 1, Relaxed);
        self.tally.add(self.pool, block.size() as i64);
    }

    /// Counts the end of an allocation.
    #[inline]
    pub(super) fn uncount(&self, block: &Block) {
        self.tally.add(self.pool, -(block.size() as i64));
    }

    /// Takes a block from the shared pool, and more to keep here for half of the room.
    pub(super) fn refill(&mut self, class: usize) -> Option<Block> {
        let first = self.pool.take(class)?;
        for _ in 0..ROOM.get(class)? / 2 {
            let Some(mut block) = self.pool.take(class) else { break };
            if !self.keep(&mut block) {
                self.pool.put(block);
                break;
            }
        }
        Some(first)
    }

    /// Hands half of the blocks of a class to the shared pool, so that a thread that frees what others
    /// allocate does so only now and then.
    pub(super) fn spill(&mut self, size: usize) {
        if let Some(stack) = self.stacks.get_mut(class_of(size).0) {
            let half = stack.len / 2;
            for block in stack.slots.iter_mut().take(stack.len).skip(half).filter_map(Option::take) {
                self.pool.put(block);
            }
            stack.len = half;
        }
    }

    /// Gives every block back to the system. Returns the bytes.
    pub(super) fn release(&mut self) -> usize {
        let mut given = 0;
        for stack in &mut self.stacks {
            stack.len = 0;
            for block in stack.slots.iter_mut().filter_map(Option::take) {
                given += block.size();
                self.pool.release(block);
            }
        }
        given
    }
}

impl Drop for Front<'_> {
    fn drop(&mut self) {
        for stack in &mut self.stacks {
            stack.len = 0;
            for block in stack.slots.iter_mut().filter_map(Option::take) {
                self.pool.put(block);
            }
        }
        // Under the lock, so that `stats` sees the amounts exactly once.
        let mut tallies = self.pool.tallies.lock();
        tallies.retain(|tally| !Arc::ptr_eq(tally, &self.tally));
        self.pool.allocations.fetch_add(self.tally.allocations.load(Relaxed), Relaxed);
        self.pool.account(self.tally.in_use.load(Relaxed));
    }
}

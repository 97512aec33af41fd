//! Tests of the pool. They make pools and front caches of their own, because the global ones serve
//! every test of the process at once.

use std::collections::HashSet;
use std::sync::mpsc;
use std::thread;

use super::front::ROOM;
use super::*;

const MIB: usize = 1 << 20;

/// A pool with the limit in bytes.
fn pool(limit: usize) -> Pool {
    Pool::new(limit)
}

/// What a lease does when dropped, but with a pool of the test's own.
fn drop_into(pool: &Pool, front: &mut Front<'_>, mut block: Block) {
    if !front.push(&mut block) {
        pool.free(block, Some(front));
    }
}

/// What `Lease::new` does, with a pool of the test's own.
fn alloc(pool: &Pool, front: &mut Front<'_>, bytes: usize) -> Block {
    match front.pop(class_of(bytes).0) {
        Some(block) => block,
        None => pool.alloc(bytes, Some(front)).expect("memory").0,
    }
}

#[test]
fn classes_are_in_order_and_waste_little() {
    let powers = (12..usize::BITS.min(40) - 1).map(|k| 1 << k);
    for bytes in (1..if cfg!(miri) { 500 } else { 5000 })
        .chain(powers.flat_map(|p: usize| [p - 1, p, p + 1, p + p / 2]))
    {
        let (class, size) = class_of(bytes);
        assert!(size >= bytes && size.is_multiple_of(ALIGN), "{bytes} -> {size}");
        assert!(size - bytes < 64 || (size - bytes) * 4 < bytes, "{bytes} -> {size}");
        assert_eq!(class_of(size), (class, size), "a class size is its own class");
        assert_eq!(class_of(size + 1).0, class + 1, "the next class follows at once");
        assert!(class_of(size + 1).1 > size);
    }
    assert_eq!(class_of(32 << 10), (FRONT_CLASSES - 1, 32 << 10));
    assert_eq!(class_of((32 << 10) + 1).0, FRONT_CLASSES);
    #[cfg(target_pointer_width = "64")]
    assert_eq!(class_of(256 << 30), (CLASSES - 1, 256 << 30));
}

#[test]
fn classes_of_absurd_sizes_do_not_overflow() {
    for bytes in [0, 1, isize::MAX as usize, isize::MAX as usize + 1, usize::MAX] {
        let (_, size) = class_of(bytes);
        assert!(size >= bytes || size == usize::MAX);
    }
}

#[test]
fn a_front_cache_stays_below_one_mib() {
    let size_of = |class| (64..=32 << 10).step_by(64).map(class_of).find(|c| c.0 == class).map_or(0, |c| c.1);
    let total: usize = ROOM.iter().enumerate().map(|(class, room)| room * size_of(class)).sum();
    assert!(total < MIB, "{total}");
    assert!(ROOM.iter().all(|room| (2..=16).contains(room)));
}

#[test]
fn blocks_are_zero_aligned_and_large_ones_fit_huge_pages() {
    let sizes = [64, 128, 32 << 10, 256 << 10, MIB, 2 * MIB, 3 * MIB, 10 * MIB];
    for size in sizes.into_iter().take(if cfg!(miri) { 3 } else { 8 }) {
        let block = Block::new(size).expect("memory");
        assert_eq!(block.ptr().addr().get() % ALIGN, 0);
        if size >= system::HUGE && cfg!(all(target_os = "linux", not(miri))) {
            assert_eq!(block.ptr().addr().get() % system::HUGE, 0, "{size}");
        }
        // SAFETY: the block owns `size` initialised bytes.
        let bytes = unsafe { std::slice::from_raw_parts(block.ptr().as_ptr(), size) };
        assert!(bytes.iter().all(|&b| b == 0));
        block.free();
    }
    assert!(Block::new(0).is_none());
    assert!(Block::new(usize::MAX).is_none());
    Block::nothing(NonNull::dangling()).free();
}

#[test]
fn a_freed_block_comes_back() {
    let pool = pool(64 * MIB);
    let mut front = Front::new(&pool);
    for bytes in [4, 4096, 100_000, MIB, 5 * MIB] {
        let first = alloc(&pool, &mut front, bytes);
        let address = first.ptr();
        drop_into(&pool, &mut front, first);
        let second = alloc(&pool, &mut front, bytes - 1);
        assert_eq!(second.ptr(), address, "{bytes}");
        drop_into(&pool, &mut front, second);
    }
    assert_eq!((pool.stats().hits, pool.stats().misses), (5, 5));
    front.release();
    pool.shrink(0, None);
}

#[test]
fn stats_add_up() {
    let pool = pool(64 * MIB);
    let mut front = Front::new(&pool);
    let a = alloc(&pool, &mut front, 4);
    let b = alloc(&pool, &mut front, 65);
    let c = alloc(&pool, &mut front, MIB);
    let live = 64 + 128 + MIB;
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.cached, stats.peak), (live, 0, live));
    assert_eq!((stats.allocations, stats.hits, stats.misses), (3, 0, 3));

    drop_into(&pool, &mut front, c);
    drop_into(&pool, &mut front, a);
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.cached, stats.peak), (128, 64 + MIB, live));

    let a = alloc(&pool, &mut front, 1);
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.cached, stats.hits, stats.misses), (192, MIB, 1, 3));

    drop_into(&pool, &mut front, a);
    drop_into(&pool, &mut front, b);
    assert_eq!(front.release(), 192);
    assert_eq!(pool.shrink(0, None), MIB);
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.cached, stats.peak), (0, 0, live));
}

#[test]
fn many_small_blocks_are_counted_exactly_and_in_the_peak() {
    let pool = pool(64 * MIB);
    let mut front = Front::new(&pool);
    let blocks: Vec<Block> = (0..3000).map(|_| alloc(&pool, &mut front, 64)).collect();
    assert_eq!(pool.stats().in_use, 3000 * 64);
    for block in blocks {
        drop_into(&pool, &mut front, block);
    }
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.cached, stats.allocations), (0, 3000 * 64, 3000));
    assert_eq!(stats.peak, 3000 * 64);
    drop(front);
    assert_eq!(pool.stats(), stats, "the end of a thread changes no count");
    assert_eq!(pool.shrink(0, None), 3000 * 64);
}

#[test]
fn the_limit_bounds_the_shelves_and_evicts_the_idle_class() {
    let pool = pool(4 * MIB);
    let block = |bytes| pool.alloc(bytes, None).expect("memory").0;
    let (a, b, c) = (block(2 * MIB), block(2 * MIB), block(MIB));
    pool.free(a, None);
    pool.free(b, None);
    assert_eq!(pool.stats().cached, 4 * MIB);
    pool.free(c, None);
    assert_eq!(pool.stats().cached, 3 * MIB, "one idle block of 2 MiB made room");
    let big = block(8 * MIB);
    pool.free(big, None);
    assert_eq!(pool.stats().cached, 3 * MIB, "a block above the limit is not kept");
    let more: Vec<Block> = (0..6).map(|_| block(MIB)).collect();
    more.into_iter().for_each(|block| pool.free(block, None));
    assert_eq!(pool.stats().cached, 4 * MIB);
    assert_eq!(pool.shelved.load(Relaxed), 4 * MIB);
    assert_eq!(pool.shrink(MIB, None), 3 * MIB);
    assert_eq!(pool.shrink(0, None), MIB);
}

#[test]
fn a_class_keeps_a_bounded_number_of_blocks() {
    let pool = pool(64 * MIB);
    let blocks: Vec<Block> =
        (0..MAX_PER_CLASS + 10).map(|_| pool.alloc(1, None).expect("memory").0).collect();
    blocks.into_iter().for_each(|block| pool.free(block, None));
    assert_eq!(pool.stats().cached, MAX_PER_CLASS * 64);
    pool.shrink(0, None);
}

#[test]
fn limit_zero_keeps_nothing() {
    let pool = pool(0);
    let mut front = Front::new(&pool);
    for bytes in [1, 1000, MIB] {
        let block = alloc(&pool, &mut front, bytes);
        drop_into(&pool, &mut front, block);
        assert_eq!(pool.stats().cached, 0);
    }
}

#[test]
fn a_block_smaller_than_its_class_is_not_kept() {
    let pool = pool(64 * MIB);
    let bytes = 9 * MIB;
    let block = pool.fresh(bytes, bytes, None).expect("memory");
    assert_ne!(class_of(bytes).1, bytes);
    pool.put(block);
    assert_eq!((pool.stats().cached, pool.held.load(Relaxed)), (0, 0));
}

#[test]
fn failure_is_an_error_that_names_the_size_and_frees_the_cache() {
    let pool = pool(64 * MIB);
    let mut front = Front::new(&pool);
    for bytes in [isize::MAX as usize - 100, isize::MAX as usize, isize::MAX as usize + 1, usize::MAX] {
        let (small, large) = (alloc(&pool, &mut front, 4), alloc(&pool, &mut front, MIB));
        drop_into(&pool, &mut front, small);
        drop_into(&pool, &mut front, large);
        assert_eq!(pool.stats().cached, 64 + MIB);
        let error = pool.alloc(bytes, Some(&mut front)).expect_err("no machine has it");
        assert_eq!(error.kind(), ErrorKind::Memory);
        assert_eq!(error.to_string(), format!("alloc: out of memory: bytes {bytes}"));
        let stats = pool.stats();
        assert_eq!((stats.cached, stats.in_use), (0, 0), "trimmed, and nothing counted");
    }
    assert_eq!(pool.stats().allocations, 8);
}

#[test]
fn threads_pass_blocks_around_and_nothing_is_lost() {
    let pool = pool(8 * MIB);
    let rounds: usize = if cfg!(miri) { 40 } else { 4000 };
    let (mut senders, mut receivers) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let (sender, receiver) = mpsc::channel::<Block>();
        senders.push(sender);
        receivers.push(receiver);
    }
    // Thread i allocates and hands to thread i + 1, which frees what it gets.
    senders.rotate_left(1);
    thread::scope(|scope| {
        for (i, (sender, receiver)) in senders.into_iter().zip(receivers).enumerate() {
            let pool = &pool;
            scope.spawn(move || {
                let mut front = Front::new(pool);
                for round in 0..rounds {
                    let bytes = [1, 70, 1000, 5000, 40_000, 300_000][(round * 7 + i) % 6];
                    let block = alloc(pool, &mut front, bytes);
                    if round % 3 == 0 {
                        drop_into(pool, &mut front, block);
                    } else {
                        let _ = sender.send(block);
                    }
                    for block in receiver.try_iter() {
                        drop_into(pool, &mut front, block);
                    }
                    if round % 500 == 0 {
                        pool.shrink(MIB, None);
                        pool.stats();
                    }
                }
                drop(sender);
                for block in receiver {
                    drop_into(pool, &mut front, block);
                }
            });
        }
    });
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.allocations), (0, 4 * rounds as u64));
    assert_eq!(stats.cached, pool.shelved.load(Relaxed));
    assert!(stats.cached <= 8 * MIB && pool.tallies.lock().is_empty());
    let shelves: Vec<Vec<Block>> =
        pool.shelves.iter().map(|shelf| std::mem::take(&mut shelf.lock().blocks)).collect();
    let addresses: HashSet<_> = shelves.iter().flatten().map(|block| block.ptr().addr()).collect();
    assert_eq!(addresses.len(), shelves.iter().map(Vec::len).sum::<usize>(), "no block is kept twice");
    shelves.into_iter().flatten().for_each(|block| pool.release(block));
    assert_eq!(pool.held.load(Relaxed), 0);
}

#[test]
fn the_public_functions_reach_the_global_pool() {
    let before = stats();
    let lease = Lease::new(MIB).expect("memory").0;
    let during = stats();
    assert!(during.allocations > before.allocations);
    // Other tests run, so the count may be off by 64 KiB per thread.
    assert!(during.in_use >= MIB / 2 && during.peak >= during.in_use);
    drop(lease);
    set_limit(usize::MAX);
    assert!(POOL.limit() >= 64 * MIB);
    // Another test may take the block first, so that only a small one, of this thread, is sure.
    drop(Lease::new(4).expect("memory"));
    assert!(trim() >= 64);
}

#[test]
fn the_memory_size_is_plausible() {
    let size = system::memory_size();
    assert!(size.is_none_or(|size| size >= 16 * MIB), "{size:?}");
    assert!(size.is_some() || cfg!(any(not(unix), miri)));
}

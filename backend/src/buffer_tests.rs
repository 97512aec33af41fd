//! Tests of host buffers.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use super::*;
use crate::memory;

/// Without the large ones under Miri, which takes a second per MiB.
const SIZES: &[usize] = {
    const ALL: [usize; 16] = [
        1, 4, 63, 64, 65, 255, 257, 1000, 4096, 4097, 32_768, 32_769, 262_144, 1_048_576, 2_097_152,
        5_242_883,
    ];
    if cfg!(miri) { ALL.split_at(12).0 } else { &ALL }
};

fn alloc(bytes: usize) -> HostBuffer {
    HostBuffer::alloc(bytes).expect("memory")
}

/// An owner that counts how often it was dropped.
struct Owner {
    drops: Arc<AtomicUsize>,
    memory: Vec<u8>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.memory.fill(0xEE);
        self.drops.fetch_add(1, Ordering::SeqCst);
    }
}

/// Foreign memory of `len` bytes counted up from 0, and the number of times its owner was dropped.
fn foreign(len: usize, read_only: bool) -> (HostBuffer, Arc<AtomicUsize>) {
    let drops = Arc::new(AtomicUsize::new(0));
    let mut owner = Box::new(Owner { drops: drops.clone(), memory: (0..len).map(|i| i as u8).collect() });
    let ptr = NonNull::new(owner.memory.as_mut_ptr()).expect("a vector's address");
    // SAFETY: the vector has `len` initialised bytes, lives as long as `owner`, and nobody else knows it.
    let buffer = unsafe { HostBuffer::from_foreign(ptr, len, read_only, owner) };
    (buffer, drops)
}

#[test]
fn every_size_is_aligned_and_writable_to_the_last_byte() {
    for &bytes in SIZES {
        let mut buffer = alloc(bytes);
        assert_eq!(buffer.len(), bytes);
        assert_eq!(buffer.as_bytes().as_ptr().addr() % 64, 0, "{bytes}");
        let view = buffer.as_bytes_mut().expect("own memory");
        view.fill(7);
        assert_eq!(view.len(), bytes);
        assert!(buffer.as_bytes().iter().all(|&b| b == 7));
    }
}

#[test]
fn a_dropped_buffer_is_reused_by_the_thread() {
    for bytes in [1, 100, 4096, 32_768] {
        let address = alloc(bytes).as_ptr();
        assert_eq!(alloc(bytes).as_ptr(), address, "{bytes}");
    }
}

#[test]
fn live_buffers_do_not_overlap() {
    let mut live: Vec<HostBuffer> = Vec::new();
    let rounds = if cfg!(miri) { 36 } else { 2000 };
    for round in 0..rounds {
        let mut buffer = alloc(SIZES[round % 12]);
        buffer.as_bytes_mut().expect("own memory").fill(round as u8);
        live.push(buffer);
        if round % 3 == 2 {
            live.swap_remove(round * 31 % live.len());
        }
    }
    let mut ranges: Vec<_> =
        live.iter().map(|b| b.as_bytes().as_ptr_range()).map(|r| (r.start.addr(), r.end.addr())).collect();
    ranges.sort_unstable();
    assert!(ranges.windows(2).all(|pair| pair[0].1 <= pair[1].0));
    for buffer in &live {
        let first = buffer.as_bytes()[0];
        assert!(buffer.as_bytes().iter().all(|&b| b == first), "nobody else wrote here");
    }
}

#[test]
fn zeroed_is_zero_on_fresh_and_recycled_memory() {
    for &bytes in SIZES {
        for _ in 0..3 {
            let mut buffer = HostBuffer::zeroed(bytes).expect("memory");
            assert!(buffer.as_bytes().iter().all(|&b| b == 0), "{bytes}");
            buffer.as_bytes_mut().expect("own memory").fill(0xFF);
        }
    }
}

#[test]
fn from_bytes_copies() {
    for bytes in [0, 1, 64, 1000] {
        let source: Vec<u8> = (0..bytes).map(|i| i as u8).collect();
        let buffer = HostBuffer::from_bytes(&source).expect("memory");
        assert_eq!(buffer.as_bytes(), source);
        assert!(source.is_empty() || buffer.as_bytes().as_ptr() != source.as_ptr());
    }
}

#[test]
fn an_empty_buffer_owns_nothing_and_is_aligned() {
    for mut buffer in [alloc(0), HostBuffer::zeroed(0).expect("memory")] {
        assert!(buffer.is_empty() && !buffer.is_foreign() && !buffer.is_read_only());
        assert_eq!(buffer.as_bytes(), &[] as &[u8]);
        assert_eq!(buffer.as_bytes_mut().expect("own memory").len(), 0);
        assert_eq!(buffer.as_ptr().addr().get() % 64, 0);
        assert_eq!(bytemuck::cast_slice::<u8, f64>(buffer.as_bytes()), &[] as &[f64]);
    }
    assert_eq!(alloc(0).as_ptr(), alloc(0).as_ptr());
}

#[test]
fn an_allocation_that_cannot_be_had_is_an_error() {
    let mut sizes = vec![usize::MAX, isize::MAX as usize + 1, isize::MAX as usize];
    if !cfg!(miri) {
        // Miri stops where a system says no.
        sizes.push(isize::MAX as usize / 4);
    }
    for bytes in sizes {
        for result in [HostBuffer::alloc(bytes), HostBuffer::zeroed(bytes)] {
            let error = result.expect_err("no machine has it");
            assert_eq!(error.kind(), ErrorKind::Memory);
            assert!(error.to_string().ends_with(&format!("bytes {bytes}")), "{error}");
        }
    }
    assert_eq!(alloc(4).len(), 4);
}

#[test]
fn a_foreign_owner_is_dropped_once_with_the_buffer() {
    let (mut buffer, drops) = foreign(100, false);
    assert!(buffer.is_foreign() && !buffer.is_read_only());
    buffer.as_bytes_mut().expect("writable")[0] = 42;
    assert_eq!(&buffer.as_bytes()[..3], &[42, 1, 2]);
    let boxed: Box<dyn Buffer> = Box::new(buffer);
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    thread::spawn(move || drop(boxed)).join().expect("no panic");
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn read_only_foreign_memory_is_not_written() {
    let (mut buffer, drops) = foreign(10, true);
    assert!(buffer.is_foreign() && buffer.is_read_only());
    let error = buffer.as_bytes_mut().expect_err("read-only");
    assert_eq!(error.kind(), ErrorKind::Alias);
    assert_eq!(error.to_string(), "write: foreign memory is read-only: bytes 10");
    assert_eq!(buffer.as_bytes()[9], 9);
    drop(buffer);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn empty_foreign_memory_still_has_an_owner() {
    let (buffer, drops) = foreign(0, false);
    assert!(buffer.is_empty() && buffer.is_foreign());
    drop(buffer);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn foreign_bytes_are_counted() {
    let (buffer, _) = foreign(3000, true);
    assert!(memory::stats().foreign >= 3000);
    drop(buffer);
}

#[test]
fn a_buffer_is_a_trait_object() {
    let mut boxed: Box<dyn Buffer> = Box::new(HostBuffer::from_bytes(&[1, 2, 3]).expect("memory"));
    assert!(boxed.is_host() && !boxed.is_empty());
    assert_eq!(boxed.len(), 3);
    let host = boxed.as_host_mut().expect("a host buffer");
    host.as_bytes_mut().expect("own memory")[1] = 9;
    let host = boxed.as_host().expect("a host buffer");
    assert_eq!(host.as_bytes(), &[1, 9, 3]);
    assert_eq!(format!("{boxed:?}"), "HostBuffer { len: 3, foreign: false, read_only: false }");
}

#[test]
fn a_buffer_is_four_words() {
    assert_eq!(size_of::<HostBuffer>(), 4 * size_of::<usize>());
}

#[test]
fn threads_allocate_free_and_exchange_buffers() {
    let rounds: usize = if cfg!(miri) { 30 } else { 5000 };
    let (sender, receiver) = mpsc::channel::<HostBuffer>();
    thread::scope(|scope| {
        for id in 0..4u8 {
            let sender = sender.clone();
            scope.spawn(move || {
                for round in 0..rounds {
                    let bytes = SIZES[(round + id as usize) % 12];
                    let mut buffer = alloc(bytes);
                    let view = buffer.as_bytes_mut().expect("own memory");
                    (view[0], view[bytes - 1]) = (id, id);
                    thread::yield_now();
                    assert_eq!((buffer.as_bytes()[0], buffer.as_bytes()[bytes - 1]), (id, id));
                    if round % 2 == 0 {
                        let _ = sender.send(buffer);
                    }
                    if round % 1000 == 999 {
                        memory::trim();
                    }
                }
            });
        }
        drop(sender);
        scope.spawn(move || {
            for buffer in receiver {
                assert_eq!(buffer.as_bytes()[0], buffer.as_bytes()[buffer.len() - 1]);
            }
        });
    });
}

#[test]
fn a_buffer_may_outlive_the_front_cache_of_its_thread() {
    thread_local! {
        static LATE: RefCell<Vec<HostBuffer>> = const { RefCell::new(Vec::new()) };
    }
    for early in [true, false] {
        let run = move || {
            // Destructors run in one order or the other, whichever of the two was used first.
            if early {
                LATE.with_borrow_mut(|late| late.reserve(1));
                drop(alloc(4));
            }
            let buffers = [4, 100, 40_000, 1 << 20].map(alloc);
            LATE.with_borrow_mut(|late| late.extend(buffers));
        };
        thread::spawn(run).join().expect("no panic");
    }
}

#[test]
fn a_destructor_that_allocates_is_served() {
    struct Late;
    impl Drop for Late {
        fn drop(&mut self) {
            let buffer = HostBuffer::zeroed(100).expect("memory");
            assert!(buffer.as_bytes().iter().all(|&b| b == 0));
            memory::stats();
            memory::trim();
        }
    }
    thread_local! {
        static LATE: Late = const { Late };
    }
    let run = || {
        LATE.with(|_| ());
        drop(alloc(4));
    };
    thread::spawn(run).join().expect("no panic");
}

#[test]
fn bytes_on_the_stack_are_lent() {
    let word = [7u32, 8];
    let (bytes, at) = HostBuffer::lend(bytemuck::cast_slice(&word), |buffer| {
        assert!(!buffer.is_foreign() && buffer.is_host() && Buffer::len(buffer) == 8);
        (buffer.as_bytes().to_vec(), buffer.as_ptr())
    });
    assert_eq!((bytes, at.as_ptr() as *const u32), (bytemuck::cast_slice(&word).to_vec(), word.as_ptr()));
    assert_eq!(HostBuffer::lend(&[], |buffer| buffer.as_bytes().len()), 0);
}

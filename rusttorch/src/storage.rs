//! Memory that tensors share.
//!
//! Views of one tensor share one [`Storage`]: a buffer behind a lock, and a version counter that every
//! in-place op raises. The lock makes data races impossible in safe code; a call that has
//! to wait for one of its locks holds of these only such of lower addresses, so that no two calls wait for each other.

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use rusttorch_backend::{Allocation, Backend, Buffer, ErrorKind, Result, TensorError, View};
use smallvec::SmallVec;

use crate::tensor::Tensor;

/// A storage that tensors share. Without the count of weak references that `std`'s has, which would be counted down, too.
pub(crate) type SharedStorage = triomphe::Arc<Storage>;

/// A buffer behind a lock.
pub(crate) struct Storage {
    buffer: RwLock<Allocation>,
    bytes: usize,
    version: AtomicU64,
    /// Foreign code holds its address, so the memory stays where it is.
    exported: AtomicBool,
    /// The backend whose memory it is; `None` for host memory, which every host backend can use.
    device: Option<Arc<dyn Backend>>,
}

impl Storage {
    /// Wraps a buffer that `backend` allocated.
    pub(crate) fn new(buffer: Allocation, backend: &Arc<dyn Backend>) -> Storage {
        let (bytes, device) = (buffer.bytes(), Storage::owner(&buffer, backend));
        Storage::owned(buffer, bytes, device)
    }

    /// The owner of memory that `backend` allocated; `None` for the host's.
    #[inline]
    pub(crate) fn owner(buffer: &Allocation, backend: &Arc<dyn Backend>) -> Option<Arc<dyn Backend>> {
        match buffer {
            Allocation::Host(_) => None,
            Allocation::Device(memory) => (!memory.is_host()).then(|| backend.clone()),
        }
    }

    /// Wraps a buffer of this size and owner. Does not look at it, so that it is moved in one piece.
    #[inline]
    pub(crate) fn owned(buffer: Allocation, bytes: usize, device: Option<Arc<dyn Backend>>) -> Storage {
        Storage {
            bytes,
            buffer: RwLock::new(buffer),
            version: AtomicU64::new(0),
            exported: AtomicBool::new(false),
            device,
        }
    }

    /// Its size.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many in-place ops have written to it.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Counts an in-place op.
    pub(crate) fn bump_version(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// The address of its first byte, which stays what it is from now on, and whether it may only be read. Error:
    /// `Backend` for device memory.
    pub(crate) fn export(&self) -> Result<(NonNull<u8>, bool)> {
        // The lock excludes an exchange of memory that is under way.
        let buffer = self.buffer.write();
        let host = buffer.as_host().ok_or_else(|| {
            let device = self.device.as_ref().map_or("unknown", |b| b.name());
            TensorError::new(ErrorKind::Backend, "export", "memory is not the host's").with("device", device)
        })?;
        self.exported.store(true, Ordering::Release);
        Ok((host.as_ptr(), host.is_read_only()))
    }

    /// The owner of device memory.
    pub(crate) fn device(&self) -> Option<&Arc<dyn Backend>> {
        self.device.as_ref()
    }
}

/// Exchanges the memory of two storages of equal size. False, and nothing done, where that could be noticed:
/// for foreign memory, whose owner sees the elements, for memory whose address was given out, and for device memory.
pub(crate) fn swap_whole(a: &SharedStorage, b: &SharedStorage) -> bool {
    let (first, second) = if SharedStorage::as_ptr(a) < SharedStorage::as_ptr(b) { (a, b) } else { (b, a) };
    if SharedStorage::ptr_eq(a, b) || a.bytes != b.bytes {
        return false;
    }
    let (mut first, mut second) = (first.buffer.write(), second.buffer.write());
    let own = |buffer: &dyn Buffer| buffer.as_host().is_some_and(|host| !host.is_foreign());
    let exported = a.exported.load(Ordering::Acquire) || b.exported.load(Ordering::Acquire);
    if exported || !own(&**first) || !own(&**second) {
        return false;
    }
    std::mem::swap(&mut *first, &mut *second);
    true
}

type ReadGuard<'a> = RwLockReadGuard<'a, Allocation>;

/// A number of operands.
pub(crate) struct Count<const N: usize>;

/// What is done with as many operands. By a macro, not by a loop over an array: an array stays in memory, which takes a small op
/// longer than its arithmetic.
pub(crate) trait Operands<const N: usize> {
    /// Whether all of the memory is the host's.
    fn in_host_memory(tensors: [&Tensor; N]) -> bool;

    /// Runs `body` on views of the tensors, whose storages are locked for reading meanwhile. A thread may hold several locks of a
    /// storage: as two operands of a call, or in a backend whose kernel calls back into the frontend.
    fn read<R>(tensors: [&Tensor; N], body: impl FnOnce([View<'_>; N]) -> Result<R>) -> Result<R>;
}

macro_rules! operands {
    ($($n:literal: $($t:ident $guard:ident)*;)*) => { $(
        impl Operands<$n> for Count<$n> {
            #[inline(always)]
            fn in_host_memory([$($t),*]: [&Tensor; $n]) -> bool {
                $($t.storage().device().is_none())&&*
            }

            #[inline(always)]
            fn read<R>(
                tensors: [&Tensor; $n],
                body: impl FnOnce([View<'_>; $n]) -> Result<R>,
            ) -> Result<R> {
                let [$($t),*] = tensors;
                // Mostly nobody writes. Where somebody does, what is locked already is let go of before anything is waited for.
                let locked = 'attempt: {
                    $(let Some($guard) = $t.storage().buffer.try_read_recursive() else { break 'attempt None };)*
                    Some([$($guard),*])
                };
                let [$($guard),*] = match locked {
                    Some(guards) => guards,
                    None => in_order(tensors),
                };
                body([$(View::of(&$guard, $t.layout(), $t.dtype())?),*])
            }
        }
    )* };
}
operands! {
    1: a first;
    2: a first b second;
    3: a first b second c third;
    4: a first b second c third d fourth;
}

/// Waits for the locks in the order of their addresses, and keeps those that it has: who let go of them to try again would
/// come too late time after time where others write in a loop.
#[cold]
fn in_order<'a, const N: usize>(tensors: [&'a Tensor; N]) -> [ReadGuard<'a>; N] {
    let mut order = tensors.map(Tensor::storage);
    order.sort_unstable_by_key(|&storage| SharedStorage::as_ptr(storage));
    let held = order.map(|storage| storage.buffer.read_recursive());
    // What is held is locked again without waiting.
    let guards = tensors.map(|t| t.storage().buffer.read_recursive());
    drop(held);
    guards
}

/// A write lock on one tensor's storage together with read locks on others', none of which may share
/// it.
pub(crate) struct Writing<'a, const N: usize> {
    pub(crate) target: RwLockWriteGuard<'a, Allocation>,
    guards: [Option<ReadGuard<'a>>; N],
    tensors: [&'a Tensor; N],
    /// For a tensor whose storage an earlier one already locked: which.
    same_as: [usize; N],
}

impl<'a, const N: usize> Writing<'a, N> {
    /// Locks. Error: `Internal` when an input shares the target's storage; the dispatcher copies first.
    pub(crate) fn lock(target: &'a Tensor, inputs: [&'a Tensor; N]) -> Result<Self> {
        let address = |t: &Tensor| SharedStorage::as_ptr(t.storage());
        if inputs.iter().any(|t| address(t) == address(target)) {
            return Err(TensorError::new(
                ErrorKind::Internal,
                "lock",
                "an input shares the memory that is written",
            ));
        }
        let same_as = std::array::from_fn(|i| {
            inputs.iter().position(|t| address(t) == address(inputs[i])).unwrap_or(i)
        });
        let mut order: SmallVec<[(*const Storage, Option<usize>); 4]> =
            (0..N).filter(|&i| same_as[i] == i).map(|i| (address(inputs[i]), Some(i))).collect();
        order.push((address(target), None));
        order.sort_unstable_by_key(|&(at, _)| at);
        let mut guards = [const { None }; N];
        let mut write = None;
        for (_, which) in order {
            match which {
                Some(i) => guards[i] = Some(inputs[i].storage().buffer.read_recursive()),
                None => write = Some(target.storage().buffer.write()),
            }
        }
        let target =
            write.ok_or_else(|| TensorError::new(ErrorKind::Internal, "lock", "target was not locked"))?;
        Ok(Writing { target, guards, tensors: inputs, same_as })
    }

    /// The view of input `i` and the target's buffer, borrowed together.
    pub(crate) fn split(&mut self) -> Result<(&mut Allocation, [View<'_>; N])> {
        let mut views: SmallVec<[View<'_>; 3]> = SmallVec::new();
        for (i, t) in self.tensors.iter().enumerate() {
            let guard = self.guards[self.same_as[i]]
                .as_ref()
                .ok_or_else(|| TensorError::new(ErrorKind::Internal, "lock", "input was not locked"))?;
            views.push(View::of(guard, t.layout(), t.dtype())?);
        }
        let views = views[..].try_into().map_err(|_| not_locked())?;
        Ok((&mut *self.target, views))
    }
}

/// Locks on any number of storages: write locks, and read locks on others.
pub(crate) struct LockedMany<'a> {
    /// In the order in which the tensors were given.
    written: Vec<RwLockWriteGuard<'a, Allocation>>,
    read: Vec<ReadGuard<'a>>,
}

impl<'a> LockedMany<'a> {
    /// Locks. `None`, and nothing locked, where a storage would be written twice, or written and read.
    pub(crate) fn new(written: &[&'a Tensor], read: &[&'a Tensor]) -> Option<Self> {
        // Mostly nobody else is there, and no storage comes twice.
        Self::attempt(written, read).or_else(|| Self::in_order(written, read))
    }

    fn attempt(written: &[&'a Tensor], read: &[&'a Tensor]) -> Option<Self> {
        let written = written.iter().map(|t| t.storage().buffer.try_write()).collect::<Option<_>>()?;
        let read = read.iter().map(|t| t.storage().buffer.try_read_recursive()).collect::<Option<_>>()?;
        Some(LockedMany { written, read })
    }

    /// Waits for one lock after the other, in the order of their addresses.
    #[cold]
    fn in_order(written: &[&'a Tensor], read: &[&'a Tensor]) -> Option<Self> {
        let all = written.iter().chain(read).enumerate();
        // Of equal addresses the written one comes first.
        let mut order: Vec<_> = all.map(|(i, t)| (SharedStorage::as_ptr(t.storage()), i)).collect();
        order.sort_unstable();
        if order.windows(2).any(|w| w[0].0 == w[1].0 && w[0].1 < written.len()) {
            return None;
        }
        let mut writes: Vec<_> = written.iter().map(|_| None).collect();
        let mut reads: Vec<_> = read.iter().map(|_| None).collect();
        for (_, i) in order {
            match i.checked_sub(written.len()) {
                None => writes[i] = Some(written[i].storage().buffer.write()),
                Some(i) => reads[i] = Some(read[i].storage().buffer.read_recursive()),
            }
        }
        let (written, read) =
            (writes.into_iter().collect::<Option<_>>()?, reads.into_iter().collect::<Option<_>>()?);
        Some(LockedMany { written, read })
    }

    /// The written buffers in the order of their tensors, and the views of the read tensors.
    pub(crate) fn split<'s>(
        &'s mut self,
        read: &[&'s Tensor],
    ) -> Result<(impl Iterator<Item = &'s mut Allocation>, Vec<View<'s>>)> {
        let views = self.read.iter().zip(read).map(|(guard, t)| View::of(guard, t.layout(), t.dtype()));
        Ok((self.written.iter_mut().map(|guard| &mut **guard), views.collect::<Result<_>>()?))
    }
}

#[cold]
pub(crate) fn not_locked() -> TensorError {
    TensorError::new(ErrorKind::Internal, "lock", "a buffer was not locked, or taken twice")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusttorch_backend::HostBuffer;

    use crate::{DType, with_out};

    #[test]
    fn memory_whose_address_was_given_out_stays_where_it_is() {
        let (x, y) = (Tensor::ones(&[4], DType::F32).unwrap(), Tensor::zeros(&[4], DType::F32).unwrap());
        let address = || y.storage().buffer.read().as_host().map(HostBuffer::as_ptr);
        let before = address();
        with_out("add", &[&y], &[&x], || Ok(vec![x.add(1.0)?])).unwrap();
        assert_ne!(address(), before, "dense results are exchanged otherwise");
        let (exported, read_only) = y.export().unwrap();
        assert!(!read_only && address() == Some(exported));
        with_out("add", &[&y], &[&x], || Ok(vec![x.add(2.0)?])).unwrap();
        assert_eq!(address(), Some(exported));
        assert_eq!(y.to_vec::<f32>().unwrap(), [3.0; 4]);
    }
}

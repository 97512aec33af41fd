//! Handing a family to the next backend of a chain, visibly.
//!
//! A delegation is counted per backend and family ([`delegations`]) and governed by a policy:
//! `RUSTTORCH_FALLBACK=allow|warn|error` at the start of the process, [`set_fallback`] later,
//! [`with_fallback`] for a scope. `warn` writes one line per backend and family to the `log` crate's
//! logger; `error` makes the call fail with `Unsupported`.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crate::backend::Backend;
use crate::buffer::{Buffer, HostBuffer};
use crate::capabilities::Family;
use crate::error::{ErrorKind, Result, TensorError};
use crate::view::{View, ViewMut};

/// What happens when a backend leaves a call to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Fallback {
    /// It is counted.
    Allow = 1,
    /// It is counted, and logged the first time for each backend and family.
    Warn = 2,
    /// It is refused.
    Error = 3,
}

impl Fallback {
    const NAMES: [(&'static str, Fallback); 3] =
        [("allow", Fallback::Allow), ("warn", Fallback::Warn), ("error", Fallback::Error)];

    fn from_code(code: u8) -> Option<Fallback> {
        Self::NAMES.iter().map(|&(_, f)| f).find(|&f| f as u8 == code)
    }
}

/// 0: not set, the environment decides.
static POLICY: AtomicU8 = AtomicU8::new(0);

thread_local! {
    static SCOPED: Cell<Option<Fallback>> = const { Cell::new(None) };
}

/// The policy in force on this thread.
pub fn fallback() -> Fallback {
    static FROM_ENVIRONMENT: OnceLock<Fallback> = OnceLock::new();
    SCOPED.get().or_else(|| Fallback::from_code(POLICY.load(Ordering::Relaxed))).unwrap_or_else(|| {
        *FROM_ENVIRONMENT.get_or_init(|| {
            let Ok(name) = std::env::var("RUSTTORCH_FALLBACK") else { return Fallback::Allow };
            match Fallback::NAMES.iter().find(|(n, _)| *n == name) {
                Some(&(_, policy)) => policy,
                None => {
                    log::warn!("RUSTTORCH_FALLBACK is '{name}', not allow, warn or error; taken as allow");
                    Fallback::Allow
                }
            }
        })
    })
}

/// Sets the policy of the process.
pub fn set_fallback(policy: Fallback) {
    POLICY.store(policy as u8, Ordering::Relaxed);
}

/// Runs `body` under a policy of its own on this thread.
pub fn with_fallback<R>(policy: Fallback, body: impl FnOnce() -> R) -> R {
    /// Puts the old policy back even when `body` unwinds.
    struct Restore(Option<Fallback>);
    impl Drop for Restore {
        fn drop(&mut self) {
            SCOPED.set(self.0);
        }
    }
    let _restore = Restore(SCOPED.replace(Some(policy)));
    body()
}

/// Counters of one backend. A table of fixed size keeps counting lock-free; backends past its end are
/// counted together in the last slot.
struct Slot {
    name: OnceLock<&'static str>,
    counts: [AtomicU64; Family::ALL.len()],
}

const SLOTS: usize = 16;
static TABLE: [Slot; SLOTS] =
    [const { Slot { name: OnceLock::new(), counts: [const { AtomicU64::new(0) }; Family::ALL.len()] } };
        SLOTS];

fn slot(backend: &'static str) -> &'static Slot {
    TABLE.iter().find(|s| *s.name.get_or_init(|| backend) == backend).unwrap_or(&TABLE[SLOTS - 1])
}

/// How often a backend handed a family to the next one, since the start of the process or the last
/// [`reset_delegations`]. Families that were never delegated are left out.
pub fn delegations(backend: &str) -> Vec<(Family, u64)> {
    let Some(slot) = TABLE.iter().find(|s| s.name.get().is_some_and(|n| *n == backend)) else {
        return Vec::new();
    };
    let count = |&f: &Family| (f, slot.counts[f as usize].load(Ordering::Relaxed));
    Family::ALL.iter().map(count).filter(|&(_, n)| n > 0).collect()
}

/// Sets the counters of all backends to zero.
pub fn reset_delegations() {
    for count in TABLE.iter().flat_map(|s| &s.counts) {
        count.store(0, Ordering::Relaxed);
    }
}

/// Hands a call to `from.next()`. Host memory passes straight through; device memory is downloaded,
/// computed upon and uploaded. Errors: `Unsupported` when there is no next backend or the policy
/// refuses; and what the call gives.
pub fn delegate<B: Backend + ?Sized, const N: usize, const M: usize>(
    from: &B,
    family: Family,
    inputs: [View<'_>; N],
    outputs: [ViewMut<'_>; M],
    call: impl FnOnce(&dyn Backend, [View<'_>; N], [ViewMut<'_>; M]) -> Result<()>,
) -> Result<()> {
    let unsupported =
        |rule| TensorError::new(ErrorKind::Unsupported, family.name(), rule).with("backend", from.name());
    let next = from.next().ok_or_else(|| unsupported("not implemented, and no next backend to ask"))?;
    let policy = fallback();
    if policy == Fallback::Error {
        return Err(unsupported("delegation refused by RUSTTORCH_FALLBACK=error").with("next", next.name()));
    }
    let before = slot(from.name()).counts[family as usize].fetch_add(1, Ordering::Relaxed);
    if policy == Fallback::Warn && before == 0 {
        log::warn!("backend '{}' hands {family} to '{}'", from.name(), next.name());
    }
    let on_host = inputs.iter().all(|v| v.is_host()) && outputs.iter().all(|v| v.is_host());
    if on_host { call(next, inputs, outputs) } else { staged(from, next, inputs, outputs, call) }
}

/// Runs `call` on host copies of device operands.
fn staged<B: Backend + ?Sized, const N: usize, const M: usize>(
    from: &B,
    next: &dyn Backend,
    inputs: [View<'_>; N],
    mut outputs: [ViewMut<'_>; M],
    call: impl FnOnce(&dyn Backend, [View<'_>; N], [ViewMut<'_>; M]) -> Result<()>,
) -> Result<()> {
    let fetch = |buffer: &dyn Buffer| -> Result<HostBuffer> {
        let mut host = HostBuffer::alloc(buffer.len())?;
        from.download(buffer, 0, host.as_bytes_mut()?)?;
        Ok(host)
    };
    // An output may be an in-place operand or cover its buffer in part, so its bytes are fetched too.
    let ins = inputs.iter().map(|v| fetch(v.buffer())).collect::<Result<Vec<_>>>()?;
    let mut outs = outputs.iter().map(|v| fetch(v.buffer())).collect::<Result<Vec<_>>>()?;

    let mut in_views = Vec::with_capacity(N);
    for (view, host) in inputs.iter().zip(&ins) {
        in_views.push(View::new(host, view.layout(), view.dtype())?);
    }
    let mut out_views = Vec::with_capacity(M);
    for (view, host) in outputs.iter().zip(&mut outs) {
        out_views.push(ViewMut::new(host, view.layout(), view.dtype())?);
    }
    let lost = || TensorError::new(ErrorKind::Internal, "delegate", "operand count changed");
    let in_views: [View<'_>; N] = in_views.try_into().map_err(|_| lost())?;
    let out_views: [ViewMut<'_>; M] = out_views.try_into().map_err(|_| lost())?;
    call(next, in_views, out_views)?;

    for (view, host) in outputs.iter_mut().zip(&outs) {
        from.upload(host.as_bytes(), view.buffer_mut(), 0)?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "delegate_tests.rs"]
mod tests;

//! Choosing who computes.
//!
//! Backends are registered by name: those compiled in by cargo features, and any that [`register`] adds
//! at run time. An op runs on the backend of the innermost [`with_backend`] scope of its thread, else on
//! the process default: [`set_default`], else `RUSTTORCH_BACKEND`, else the first compiled in.
//! CPU backends share host memory, so a tensor moves between them without a copy; a tensor in a
//! device's memory is computed upon by that device. [`report`] says who computes, and on what.

mod report;

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use rusttorch_backend::{Backend, ErrorKind, Result, TensorError};

pub use report::{Report, report};
pub use rusttorch_backend::decorators;
pub use rusttorch_backend::delegate::{
    Fallback, delegations, fallback, reset_delegations, set_fallback, with_fallback,
};

struct Registry {
    backends: Vec<Arc<dyn Backend>>,
    default: Option<Arc<dyn Backend>>,
}

/// The backends compiled in, the preferred one first: one line for each cargo feature. `simd` stands before `blas`:
/// that somebody's crate asks for BLAS must not cost another one the bits that are promised.
fn compiled_in() -> Vec<Arc<dyn Backend>> {
    let backends: &[fn() -> Arc<dyn Backend>] = &[
        #[cfg(feature = "simd")]
        || Arc::new(rusttorch_backend_simd::Simd::new()),
        #[cfg(all(feature = "blas", feature = "simd"))]
        || Arc::new(rusttorch_backend_blas::Blas::over(Arc::new(rusttorch_backend_simd::Simd::new()))),
        #[cfg(all(feature = "blas", not(feature = "simd")))]
        || Arc::new(rusttorch_backend_blas::Blas::over(Arc::new(rusttorch_backend_naive::Naive::new()))),
        #[cfg(feature = "naive")]
        || Arc::new(rusttorch_backend_naive::Naive::new()),
    ];
    backends.iter().map(|make| make()).collect()
}

static REGISTRY: LazyLock<RwLock<Registry>> =
    LazyLock::new(|| RwLock::new(Registry { backends: compiled_in(), default: None }));

/// Counts changes of the process default, so that a thread knows when its copy of it is stale.
static DEFAULT_EPOCH: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static SCOPES: RefCell<Vec<Arc<dyn Backend>>> = const { RefCell::new(Vec::new()) };
    /// The backend in force, if it was looked up and no call has it ([`InForce`]).
    static CURRENT: Cell<Option<Arc<dyn Backend>>> = const { Cell::new(None) };
    /// The epoch in which it was looked up; 0 once a scope has changed.
    static CURRENT_EPOCH: Cell<u64> = const { Cell::new(0) };
}

/// Adds a backend. Error: `Backend` when one of this name is there already.
pub fn register(backend: Arc<dyn Backend>) -> Result<()> {
    let mut registry = REGISTRY.write();
    if registry.backends.iter().any(|b| b.name() == backend.name()) {
        return Err(TensorError::new(
            ErrorKind::Backend,
            "backends::register",
            "a backend of this name is registered",
        )
        .with("name", backend.name()));
    }
    registry.backends.push(backend);
    DEFAULT_EPOCH.fetch_add(1, Ordering::Release);
    Ok(())
}

/// The names of the registered backends, those compiled in first.
pub fn list() -> Vec<&'static str> {
    REGISTRY.read().backends.iter().map(|b| b.name()).collect()
}

/// The backend of this name. Error: `Backend`, which lists those present.
pub fn get(name: &str) -> Result<Arc<dyn Backend>> {
    find(&REGISTRY.read(), name)
}

fn find(registry: &Registry, name: &str) -> Result<Arc<dyn Backend>> {
    registry.backends.iter().find(|b| b.name() == name).cloned().ok_or_else(|| {
        let present: Vec<_> = registry.backends.iter().map(|b| b.name()).collect();
        TensorError::new(ErrorKind::Backend, "backends", "no backend of this name")
            .with("name", name.to_string())
            .with("present", if present.is_empty() { "none".to_string() } else { present.join(", ") })
    })
}

/// Makes a registered backend the default of the process. Error: `Backend`.
pub fn set_default(name: &str) -> Result<()> {
    let mut registry = REGISTRY.write();
    registry.default = Some(find(&registry, name)?);
    DEFAULT_EPOCH.fetch_add(1, Ordering::Release);
    Ok(())
}

/// The backend on which ops of this thread run now. Error: `Backend` when `RUSTTORCH_BACKEND` names
/// none that is registered, or when none is registered at all.
#[inline]
pub fn current() -> Result<Arc<dyn Backend>> {
    on(None, |backend| Ok(backend.clone()))
}

/// Runs `body` with `owner`, or without one with the backend in force, which the thread's copy of it is taken from for as
/// long: to count references would take longer than the rest of the choice.
#[inline]
pub(crate) fn on<R>(
    owner: Option<Arc<dyn Backend>>,
    body: impl FnOnce(&Arc<dyn Backend>) -> Result<R>,
) -> Result<R> {
    let chosen = owner.is_none();
    let kept = match chosen && CURRENT_EPOCH.get() == DEFAULT_EPOCH.load(Ordering::Acquire) {
        true => CURRENT.take(),
        false => owner,
    };
    let backend = match kept {
        Some(backend) => backend,
        None => look_up()?,
    };
    let epoch = CURRENT_EPOCH.get();
    let result = body(&backend);
    // Unless another one has come into force meanwhile.
    if chosen && CURRENT_EPOCH.get() == epoch {
        // Not `LocalKey::set`, which is a call.
        CURRENT.with(|current| current.set(Some(backend)));
    }
    result
}

/// Looks the backend in force up.
#[cold]
fn look_up() -> Result<Arc<dyn Backend>> {
    let epoch = DEFAULT_EPOCH.load(Ordering::Acquire);
    let scoped = SCOPES.with_borrow(|s| s.last().cloned());
    let backend = match scoped {
        Some(backend) => backend,
        None => process_default()?,
    };
    CURRENT_EPOCH.set(epoch);
    Ok(backend)
}

fn process_default() -> Result<Arc<dyn Backend>> {
    let registry = REGISTRY.read();
    if let Some(backend) = &registry.default {
        return Ok(backend.clone());
    }
    if let Some(name) = std::env::var("RUSTTORCH_BACKEND").ok().filter(|name| !name.is_empty()) {
        return find(&registry, &name);
    }
    registry.backends.first().cloned().ok_or_else(|| {
        TensorError::new(
            ErrorKind::Backend,
            "backends",
            "no backend is compiled in: enable a cargo feature such as `simd`, or register one",
        )
    })
}

/// Opens a scope of [`with_backend`] that [`leave`] closes, for callers whose scopes are not closures, such as a binding's
/// context managers.
pub fn enter(backend: Arc<dyn Backend>) {
    SCOPES.with_borrow_mut(|s| s.push(backend));
    CURRENT_EPOCH.set(0);
}

/// Closes the innermost scope of this thread, which must be one that [`enter`] opened, not one of [`with_backend`]. Without
/// any nothing happens.
pub fn leave() {
    SCOPES.with_borrow_mut(|s| s.pop());
    CURRENT_EPOCH.set(0);
}

/// Runs `body` with `backend` in force on this thread. Scopes nest.
pub fn with_backend<R>(backend: Arc<dyn Backend>, body: impl FnOnce() -> R) -> R {
    /// Leaves the scope even when `body` unwinds.
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            leave();
        }
    }
    enter(backend);
    let _leave = Leave;
    body()
}

#[cfg(all(test, feature = "naive"))]
mod tests {
    use super::*;

    #[test]
    fn scopes_without_closures_nest() {
        let naive = get("naive").unwrap();
        let outside = current().unwrap().name();
        enter(naive.clone());
        with_backend(naive, || assert_eq!(current().unwrap().name(), "naive"));
        assert_eq!(current().unwrap().name(), "naive");
        leave();
        assert_eq!(current().unwrap().name(), outside);
        leave();
        assert_eq!(current().unwrap().name(), outside);
    }
}

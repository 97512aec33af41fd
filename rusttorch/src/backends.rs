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

/// A registered backend, which lives as long as the process: none is ever taken out of the registry.
type Registered = &'static Arc<dyn Backend>;

struct Registry {
    backends: Vec<Registered>,
    default: Option<Registered>,
}

fn keep(backend: Arc<dyn Backend>) -> Registered {
    Box::leak(Box::new(backend))
}

/// The backends compiled in, the preferred one first: one line for each cargo feature. `simd` stands before `blas`:
/// that somebody's crate asks for BLAS must not cost another one the bits that are promised.
fn compiled_in() -> Vec<Registered> {
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
    backends.iter().map(|make| keep(make())).collect()
}

static REGISTRY: LazyLock<RwLock<Registry>> =
    LazyLock::new(|| RwLock::new(Registry { backends: compiled_in(), default: None }));

/// The backend of a scope.
#[derive(Clone)]
enum Scope {
    Registered(Registered),
    Other(Arc<dyn Backend>),
}

/// Counts changes of the process default, so that a thread knows when its copy of it is stale.
static DEFAULT_EPOCH: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static SCOPES: RefCell<Vec<Scope>> = const { RefCell::new(Vec::new()) };
    /// The backend in force, if it was looked up and is a registered one.
    static CURRENT: Cell<Option<Registered>> = const { Cell::new(None) };
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
    registry.backends.push(keep(backend));
    DEFAULT_EPOCH.fetch_add(1, Ordering::Release);
    Ok(())
}

/// The names of the registered backends, those compiled in first.
pub fn list() -> Vec<&'static str> {
    REGISTRY.read().backends.iter().map(|b| b.name()).collect()
}

/// The backend of this name. Error: `Backend`, which lists those present.
pub fn get(name: &str) -> Result<Arc<dyn Backend>> {
    find(&REGISTRY.read(), name).cloned()
}

fn find(registry: &Registry, name: &str) -> Result<Registered> {
    registry.backends.iter().find(|b| b.name() == name).copied().ok_or_else(|| {
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

/// Runs `body` with `owner`, or without one with the backend in force. A registered one is not counted as referred to: that
/// would take longer than the rest of the choice.
#[inline]
pub(crate) fn on<R>(
    owner: Option<Arc<dyn Backend>>,
    body: impl FnOnce(&Arc<dyn Backend>) -> Result<R>,
) -> Result<R> {
    let known = owner.is_none() && CURRENT_EPOCH.get() == DEFAULT_EPOCH.load(Ordering::Acquire);
    let found;
    let backend = match CURRENT.get() {
        Some(backend) if known => backend,
        _ => {
            found = look_up(owner)?;
            &found
        }
    };
    body(backend)
}

/// The owner, or without one the backend in force.
#[cold]
fn look_up(owner: Option<Arc<dyn Backend>>) -> Result<Arc<dyn Backend>> {
    if let Some(owner) = owner {
        return Ok(owner);
    }
    let epoch = DEFAULT_EPOCH.load(Ordering::Acquire);
    let backend = match SCOPES.with_borrow(|scopes| scopes.last().cloned()) {
        None => process_default()?,
        Some(Scope::Registered(backend)) => backend,
        Some(Scope::Other(backend)) => return Ok(backend),
    };
    CURRENT.set(Some(backend));
    CURRENT_EPOCH.set(epoch);
    Ok(backend.clone())
}

fn process_default() -> Result<Registered> {
    let registry = REGISTRY.read();
    if let Some(backend) = registry.default {
        return Ok(backend);
    }
    if let Some(name) = std::env::var("RUSTTORCH_BACKEND").ok().filter(|name| !name.is_empty()) {
        return find(&registry, &name);
    }
    registry.backends.first().copied().ok_or_else(|| {
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
    let registered = REGISTRY.read().backends.iter().copied().find(|b| Arc::ptr_eq(b, &backend));
    let scope = registered.map_or(Scope::Other(backend), Scope::Registered);
    SCOPES.with_borrow_mut(|scopes| scopes.push(scope));
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

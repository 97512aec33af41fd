//! The generators that draws take their numbers from: the default one of the process, and one that a scope names.

use std::cell::RefCell;
use std::sync::LazyLock;

use parking_lot::{ReentrantMutex, ReentrantMutexGuard};
use rusttorch_backend::{ErrorKind, Generator, Result, TensorError};

type Shared = ReentrantMutex<RefCell<Generator>>;

/// Taken before the locks of any storage, since a thread that holds it may read tensors.
static DEFAULT: LazyLock<Shared> =
    LazyLock::new(|| ReentrantMutex::new(RefCell::new(Generator::new(Generator::DEFAULT_SEED))));

thread_local! {
    /// The generator of the innermost [`with_generator`].
    static SCOPED: RefCell<Option<Generator>> = const { RefCell::new(None) };
}

/// Seeds the default generator. PyTorch: `torch.manual_seed`.
pub fn manual_seed(seed: u64) {
    DEFAULT.lock().borrow_mut().manual_seed(seed);
}

/// The state of the default generator as bytes. PyTorch: `torch.get_rng_state`.
pub fn get_rng_state() -> Vec<u8> {
    DEFAULT.lock().borrow().state()
}

/// Continues the default generator from a state that [`get_rng_state`] or PyTorch gave.
/// PyTorch: `torch.set_rng_state`. Error: `Value` for bytes that are no state; the generator is unchanged then.
pub fn set_rng_state(state: &[u8]) -> Result<()> {
    DEFAULT.lock().borrow_mut().set_state(state).map_err(|e| {
        TensorError::new(ErrorKind::Value, "set_rng_state", "not the state of a generator")
            .with("bytes", state.len())
            .caused_by(e)
    })
}

/// Runs `body` with the default generator, for example to save and restore its state. Other threads that
/// draw wait meanwhile. What this thread draws inside of `body` by other means does not move the generator.
pub fn with_default_generator<R>(body: impl FnOnce(&mut Generator) -> R) -> R {
    let default = DEFAULT.lock();
    // `body` works on a copy, so that it may call what draws from the default generator too.
    let mut generator = default.borrow().clone();
    let result = body(&mut generator);
    default.replace(generator);
    result
}

/// Runs `body`, in which everything that this thread draws comes from `generator` instead of the default one:
/// PyTorch's `generator=` argument, for every op that draws. Scopes nest.
///
/// ```
/// use rusttorch::{DType, Generator, Tensor, with_generator};
///
/// # fn main() -> rusttorch::Result<()> {
/// let mut generator = Generator::new(0);
/// let a = with_generator(&mut generator, || Tensor::rand(&[2], DType::F32))?;
/// assert_eq!(a.to_vec::<f32>()?, [0.49625659, 0.7682218]); // torch.rand(2, generator=g) of g.manual_seed(0)
/// # Ok(())
/// # }
/// ```
pub fn with_generator<R>(generator: &mut Generator, body: impl FnOnce() -> R) -> R {
    /// Takes the generator back and makes room for the outer one, even when `body` unwinds.
    struct Restore<'a> {
        generator: &'a mut Generator,
        outer: Option<Generator>,
    }
    impl Drop for Restore<'_> {
        fn drop(&mut self) {
            if let Some(used) = SCOPED.replace(self.outer.take()) {
                *self.generator = used;
            }
        }
    }
    let outer = SCOPED.replace(Some(generator.clone()));
    let _restore = Restore { generator, outer };
    body()
}

/// The generator in force on this thread. It is made before any storage is locked.
pub(super) struct Source {
    /// The lock of the default generator, unless a scope names another one.
    default: Option<ReentrantMutexGuard<'static, RefCell<Generator>>>,
}

impl Source {
    pub(super) fn current() -> Source {
        let scoped = SCOPED.with_borrow(Option::is_some);
        Source { default: (!scoped).then(|| DEFAULT.lock()) }
    }

    /// Draws. Error: `Internal` where a draw is under way on this thread.
    pub(super) fn draw<R>(&self, body: impl FnOnce(&mut Generator) -> Result<R>) -> Result<R> {
        let busy = || TensorError::new(ErrorKind::Internal, "random", "the generator is in use");
        match &self.default {
            Some(default) => body(&mut *default.try_borrow_mut().map_err(|_| busy())?),
            None => SCOPED.with(|scoped| match scoped.try_borrow_mut() {
                Ok(mut generator) => body(generator.as_mut().ok_or_else(busy)?),
                Err(_) => Err(busy()),
            }),
        }
    }
}

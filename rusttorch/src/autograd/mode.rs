//! Whether ops are recorded on this thread.

use std::cell::Cell;

thread_local! {
    static ENABLED: Cell<bool> = const { Cell::new(true) };
}

/// Whether ops on this thread are recorded for differentiation.
#[inline]
pub fn is_grad_enabled() -> bool {
    ENABLED.get()
}

/// Switches recording on or off on this thread and returns what it was, for callers whose scopes are not closures, such as
/// a binding's context managers. Rust code has [`no_grad`] and its kin, which put the old mode back by themselves.
pub fn set_grad_enabled(enabled: bool) -> bool {
    ENABLED.replace(enabled)
}

/// Runs `body` without recording: its results need no gradient, and in-place ops on leaves are allowed.
pub fn no_grad<R>(body: impl FnOnce() -> R) -> R {
    with_grad_mode(false, body)
}

/// Runs `body` with recording, inside of a [`no_grad`] too.
pub fn enable_grad<R>(body: impl FnOnce() -> R) -> R {
    with_grad_mode(true, body)
}

/// Runs `body` with recording switched on or off.
pub fn with_grad_mode<R>(enabled: bool, body: impl FnOnce() -> R) -> R {
    /// Puts the old mode back even when `body` unwinds.
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            ENABLED.set(self.0);
        }
    }
    let _restore = Restore(ENABLED.replace(enabled));
    body()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_is_switched_and_the_old_one_returned() {
        assert!(set_grad_enabled(false));
        assert!(!is_grad_enabled());
        enable_grad(|| assert!(is_grad_enabled()));
        assert!(!set_grad_enabled(true));
        assert!(is_grad_enabled());
    }
}

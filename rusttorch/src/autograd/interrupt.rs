//! Stopping a backward pass from outside of it.

use std::sync::OnceLock;

use rusttorch_backend::Result;

/// What is asked between nodes of the graph.
pub type Interrupt = fn() -> Result<()>;

static ASKED: OnceLock<Interrupt> = OnceLock::new();

/// Has every backward pass of the process call `ask` before each node of the graph, on the thread that it runs on: an error
/// ends the pass, which returns it. It is for a binding whose user can interrupt programs, and only the first one counts:
/// `false` when there is one already.
pub fn set_interrupt(ask: Interrupt) -> bool {
    ASKED.set(ask).is_ok()
}

/// Asks, if there is anybody to ask.
#[inline]
pub(crate) fn ask() -> Result<()> {
    match ASKED.get() {
        Some(ask) => ask(),
        None => Ok(()),
    }
}

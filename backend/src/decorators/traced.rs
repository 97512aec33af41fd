//! Calls and time per family.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::backend::Backend;
use crate::call::Call;
use crate::capabilities::{Capabilities, Family};
use crate::error::Result;

/// Counts the calls of another backend and takes their time, per family, over all threads.
///
/// A call that ends in an error counts, too. The time is that of the call itself; what a device still has queued when
/// it returns is not in it.
#[derive(Debug)]
pub struct Traced {
    inner: Arc<dyn Backend>,
    /// Calls and nanoseconds, in the order of [`Family::ALL`].
    counts: [[AtomicU64; 2]; Family::ALL.len()],
}

impl Traced {
    /// `inner`, traced from now on.
    pub fn new(inner: Arc<dyn Backend>) -> Self {
        Traced { inner, counts: [const { [const { AtomicU64::new(0) }; 2] }; Family::ALL.len()] }
    }

    /// What was counted so far.
    pub fn trace(&self) -> Trace {
        let row = |(&family, [calls, time]): (&Family, &[AtomicU64; 2])| TraceRow {
            family,
            calls: calls.load(Relaxed),
            time: Duration::from_nanos(time.load(Relaxed)),
        };
        let mut rows: Vec<TraceRow> =
            Family::ALL.iter().zip(&self.counts).map(row).filter(|row| row.calls > 0).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.time));
        Trace { backend: self.inner.name(), rows }
    }

    /// Counts from zero again.
    pub fn reset(&self) {
        self.counts.iter().flatten().for_each(|count| count.store(0, Relaxed));
    }

    fn call(&self, mut call: Call<'_>) -> Result<()> {
        let [calls, time] = &self.counts[call.family() as usize];
        let start = Instant::now();
        let result = call.run(&*self.inner);
        let elapsed = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        calls.fetch_add(1, Relaxed);
        time.fetch_add(elapsed, Relaxed);
        result
    }
}

impl Backend for Traced {
    fn name(&self) -> &'static str {
        "traced"
    }

    fn next(&self) -> Option<&dyn Backend> {
        Some(&*self.inner)
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    crate::forward_memory!(inner);
    crate::forward_calls!(Self::call);
}

/// What [`Traced`] counted, the family that took longest first. Prints as a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The backend that computed.
    pub backend: &'static str,
    /// The families that were called.
    pub rows: Vec<TraceRow>,
}

/// A family in a [`Trace`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceRow {
    /// The family.
    pub family: Family,
    /// How many calls ended.
    pub calls: u64,
    /// How long they took together, over all threads.
    pub time: Duration,
}

impl Trace {
    /// The row of a family, if it was called.
    pub fn row(&self, family: Family) -> Option<&TraceRow> {
        self.rows.iter().find(|row| row.family == family)
    }

    /// The sums over all families.
    pub fn total(&self) -> (u64, Duration) {
        (self.rows.iter().map(|row| row.calls).sum(), self.rows.iter().map(|row| row.time).sum())
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (calls, time) = self.total();
        let title = format!("backend {}", self.backend);
        writeln!(f, "{title:<20} {:>9} {:>12} {:>12} {:>7}", "calls", "total ms", "us / call", "share")?;
        let mut line = |name: &str, n: u64, t: Duration| {
            let (seconds, all) = (t.as_secs_f64(), time.as_secs_f64());
            let share = if all > 0.0 { 100.0 * seconds / all } else { 0.0 };
            let each = 1e6 * seconds / n.max(1) as f64;
            writeln!(f, "{name:<20} {n:>9} {:>12.3} {each:>12.2} {share:>6.1}%", 1e3 * seconds)
        };
        for row in &self.rows {
            line(row.family.name(), row.calls, row.time)?;
        }
        line("all", calls, time)
    }
}

//! Samples of the time of a call.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use rusttorch::Result;

use super::Work;

/// How long a call is tried.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Number of samples.
    pub samples: usize,
    /// How long a sample takes at least.
    pub sample: Duration,
    /// How long the warm-up takes at least.
    pub warm_up: Duration,
    /// And how many calls it makes at least.
    pub warm_up_calls: u64,
}

/// Nanoseconds per call, one number a sample.
pub fn measure(work: &mut dyn Work, plan: Plan) -> Result<Vec<f64>> {
    let mut timed = |calls: u64| -> Result<Duration> {
        let start = Instant::now();
        work.repeat(calls)?;
        Ok(start.elapsed())
    };
    // Batches that double, so that short calls are not drowned in reads of the clock.
    let (mut calls, mut batch) = (0, 1);
    let mut spent = Duration::ZERO;
    let mut last = timed(batch)?;
    loop {
        calls += batch;
        spent += last;
        if calls >= plan.warm_up_calls && spent >= plan.warm_up {
            break;
        }
        if last * 4 < plan.warm_up {
            batch *= 2;
        }
        last = timed(batch)?;
    }
    let one = (last.as_secs_f64() / batch as f64).max(1e-9);
    let repeats = (plan.sample.as_secs_f64() / one).ceil().max(1.0) as u64;
    (0..plan.samples).map(|_| Ok(timed(repeats)?.as_secs_f64() * 1e9 / repeats as f64)).collect()
}

/// How much a second thread adds now: 2 where two threads compute twice as much as one, about 1 where both CPUs
/// are one physical core or another process has the second.
pub fn second_thread() -> f64 {
    const ROUNDS: u32 = 200_000;
    let alone = [(); 2].map(|()| busy(ROUNDS)).into_iter().min().unwrap_or_default();
    let barrier = Barrier::new(2);
    let together = std::thread::scope(|scope| {
        let timed = || {
            barrier.wait();
            busy(ROUNDS)
        };
        let other = scope.spawn(timed);
        let own = timed();
        own.max(other.join().unwrap_or(own))
    });
    2.0 * alone.as_secs_f64() / together.as_secs_f64().max(1e-9)
}

/// Independent products and sums that keep the floating point units of a core busy.
fn busy(rounds: u32) -> Duration {
    let start = Instant::now();
    let mut lanes = black_box([1.0f32; 64]);
    let (factor, term) = black_box((0.999_9f32, 1e-4f32));
    for _ in 0..rounds {
        for lane in &mut lanes {
            *lane = *lane * factor + term;
        }
    }
    black_box(lanes);
    start.elapsed()
}

//! What the machine allows: bandwidth of caches and memory, peak of fused multiply-adds, by one thread and by more.
//!
//! Plain loops that the compiler vectorises: to be built for the CPU it runs on, with `-C target-cpu=native`, as
//! `make bench-pytorch` does. A line a limit: level, kernel, threads, best and median value, unit. Bandwidth counts
//! the bytes that the kernel names, not what a cache fetches besides; `copy` and `fill` are the system's, which stream
//! past the caches where that is faster.
//!
//! The argument is the number of threads beside one, 2 where there is none.

#![forbid(unsafe_code)]

use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use bytemuck::cast_slice_mut;
use rusttorch::backend::HostBuffer;

const SAMPLES: usize = 9;
const SAMPLE: Duration = Duration::from_millis(20);

fn main() -> Result<(), Box<dyn Error>> {
    let many = std::env::args().nth(1).map_or(Ok(2), |n| n.parse())?;
    let mut out = std::io::stdout().lock();
    let counts = if many > 1 { vec![1, many] } else { vec![1] };
    for &threads in &counts {
        let flops = |lanes: usize| (2 * lanes * CHAINS) as f64 * f64::from(FMA_ROUNDS);
        let f32_peak = sampled(threads, |_| Ok(fma::<f32, { VECTOR / 4 }>))?;
        line(&mut out, "core fma_f32", threads, flops(VECTOR / 4) * threads as f64, &f32_peak, "GFLOP/s")?;
        let f64_peak = sampled(threads, |_| Ok(fma::<f64, { VECTOR / 8 }>))?;
        line(&mut out, "core fma_f64", threads, flops(VECTOR / 8) * threads as f64, &f64_peak, "GFLOP/s")?;
    }
    let [l1, l2, l3] = [cache(1, 32 << 10), cache(2, 512 << 10), cache(3, 8 << 20)];
    for &threads in &counts {
        // Three arrays a thread. The second level is a core's own, the third is shared.
        let levels = [
            ("L1", l1 / 2 / 3),
            ("L2", l2 / 2 / 3),
            ("L3", (2 * l2).max(l3 / 4 / threads) / 3),
            ("memory", (64 << 20).max(2 * l3) / threads),
        ];
        for (level, bytes) in levels {
            bandwidths(&mut out, level, threads, bytes / 256 * 256)?;
        }
    }
    Ok(())
}

/// The size of a cache in bytes, that of the first CPU; Linux says it.
fn cache(level: u32, otherwise: usize) -> usize {
    let at = |index: u32, file: &str| {
        let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{file}");
        std::fs::read_to_string(path).map(|text| text.trim().to_owned())
    };
    let found = (0..8).find(|&i| {
        at(i, "level").is_ok_and(|l| l == level.to_string())
            && at(i, "type").is_ok_and(|t| t != "Instruction")
    });
    let size =
        found.and_then(|i| at(i, "size").ok()).and_then(|s| s.trim_end_matches('K').parse::<usize>().ok());
    size.map_or(otherwise, |kib| kib << 10)
}

fn line(
    out: &mut impl Write,
    what: &str,
    threads: usize,
    amount: f64,
    times: &[f64],
    unit: &str,
) -> std::io::Result<()> {
    let (best, median) = (amount / times[0] / 1e9, amount / times[times.len() / 2] / 1e9);
    writeln!(out, "{what} {threads} {best:.2} {median:.2} {unit}")
}

/// Seconds of one pass by so many threads at once, ascending. `make` gives each its pass.
fn sampled<F: FnMut()>(
    threads: usize,
    make: impl Fn(usize) -> Result<F, Box<dyn Error + Send + Sync>> + Sync,
) -> Result<Vec<f64>, Box<dyn Error>> {
    let barrier = Barrier::new(threads);
    let times = std::thread::scope(|scope| {
        let spawn = |index| {
            let (make, barrier) = (&make, &barrier);
            scope.spawn(move || make(index).map(|mut pass| timed(&mut pass, barrier)))
        };
        let workers: Vec<_> = (0..threads).map(spawn).collect();
        let joined = workers.into_iter().map(|w| w.join().map_err(|_| "a thread panicked")?);
        joined.collect::<Result<Vec<Vec<f64>>, Box<dyn Error + Send + Sync>>>()
    });
    let times = times.map_err(|e| e.to_string())?;
    // The slowest thread's time is the pass's.
    let slowest = |i: usize| times.iter().map(|t| t[i]).fold(0.0, f64::max);
    let mut slowest: Vec<f64> = (0..SAMPLES).map(slowest).collect();
    slowest.sort_by(f64::total_cmp);
    Ok(slowest)
}

fn timed(pass: &mut impl FnMut(), barrier: &Barrier) -> Vec<f64> {
    pass();
    let start = Instant::now();
    pass();
    let one = start.elapsed().as_secs_f64().max(1e-9);
    let repeats = (SAMPLE.as_secs_f64() / one).ceil().max(1.0) as u32;
    let sample = |_| {
        barrier.wait();
        let start = Instant::now();
        for _ in 0..repeats {
            pass();
        }
        start.elapsed().as_secs_f64() / f64::from(repeats)
    };
    (0..SAMPLES).map(sample).collect()
}

/// The bytes of a vector register.
const VECTOR: usize = if cfg!(target_feature = "avx512f") {
    64
} else if cfg!(target_feature = "avx") {
    32
} else {
    16
};

/// Independent chains: as many as hide the latency of two units and fit into the registers. In two halves, since the
/// compiler does not keep more than about a hundred numbers of one array in registers.
const CHAINS: usize = if cfg!(target_feature = "avx512f") { 8 } else { 12 };
const FMA_ROUNDS: u32 = 20_000;

trait Fused: Copy + From<f32> {
    fn fused(self, factor: Self, term: Self) -> Self;
}

macro_rules! fused {
    ($($t:ty),*) => { $(
        impl Fused for $t {
            #[inline(always)]
            fn fused(self, factor: $t, term: $t) -> $t {
                if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
                    self.mul_add(factor, term)
                } else {
                    self * factor + term
                }
            }
        }
    )* };
}
fused!(f32, f64);

/// Multiply-adds in registers alone.
fn fma<T: Fused, const LANES: usize>() {
    let mut half = black_box([[T::from(1.0); LANES]; CHAINS / 2]);
    let mut other = black_box([[T::from(1.0); LANES]; CHAINS / 2]);
    let (factor, term) = (black_box([T::from(0.5); LANES]), black_box([T::from(0.5); LANES]));
    for _ in 0..FMA_ROUNDS {
        half = half.map(|sum| step(sum, factor, term));
        other = other.map(|sum| step(sum, factor, term));
    }
    black_box((half, other));
}

#[inline(always)]
fn step<T: Fused, const LANES: usize>(sum: [T; LANES], factor: [T; LANES], term: [T; LANES]) -> [T; LANES] {
    std::array::from_fn(|lane| sum[lane].fused(factor[lane], term[lane]))
}

/// Bandwidths of arrays of so many bytes, three for each thread.
fn bandwidths(out: &mut impl Write, level: &str, threads: usize, bytes: usize) -> Result<(), Box<dyn Error>> {
    let n = bytes / 4;
    // Memory as the tensors have it.
    let array = move || -> Result<HostBuffer, Box<dyn Error + Send + Sync>> {
        let mut buffer = HostBuffer::alloc(bytes)?;
        cast_slice_mut::<u8, f32>(buffer.as_bytes_mut()?).fill(0.5);
        Ok(buffer)
    };
    let mut report = |kernel: &str, streams: usize, times: Vec<f64>| {
        let amount = (streams * 4 * n * threads) as f64;
        line(out, &format!("{level} {kernel}"), threads, amount, &times, "GB/s")
    };
    let times = sampled(threads, |_| {
        let mut a = array()?;
        Ok(move || {
            let Ok(a) = a.as_bytes_mut() else { return };
            let a: &[u32] = cast_slice_mut(black_box(a));
            black_box(a.iter().fold(0u32, |sum, &v| sum.wrapping_add(v)));
        })
    })?;
    report("read", 1, times)?;
    let times = sampled(threads, |_| {
        let mut a = array()?;
        Ok(move || {
            if let Ok(a) = a.as_bytes_mut() {
                black_box(a).fill(1);
            }
        })
    })?;
    report("fill", 1, times)?;
    let times = sampled(threads, |_| {
        let (mut a, b) = (array()?, array()?);
        Ok(move || {
            if let Ok(a) = a.as_bytes_mut() {
                black_box(a).copy_from_slice(black_box(b.as_bytes()));
            }
        })
    })?;
    report("copy", 2, times)?;
    let times = sampled(threads, |_| {
        let (mut a, mut b, mut c) = (array()?, array()?, array()?);
        Ok(move || {
            let (Ok(a), Ok(b), Ok(c)) = (a.as_bytes_mut(), b.as_bytes_mut(), c.as_bytes_mut()) else {
                return;
            };
            triad(black_box(cast_slice_mut(a)), black_box(cast_slice_mut(b)), black_box(cast_slice_mut(c)));
        })
    })?;
    report("triad", 3, times)?;
    Ok(())
}

/// `a = b + 0.5 c`
fn triad(a: &mut [f32], b: &[f32], c: &[f32]) {
    for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
        *a = b.fused(0.5, *c);
    }
}

//! Writes `docs/accuracy.md`: how far every function of one operand is from the exact value, over all f32 numbers, on
//! recorded points and on many points of f64; functions of two operands on many pairs; and whether all instruction
//! sets of this CPU gave the same bits.
//!
//! `cargo run --release -p rusttorch-backend-simd --example accuracy [step]`, where a step of 1, the default, takes
//! every f32 number, and a larger one every so manieth.

#![forbid(unsafe_code)]

use std::error::Error;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, PI};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use rusttorch_backend::ops::{Activation, BinaryOp, UnaryOp};
use rusttorch_backend::threads::set_num_threads;
use rusttorch_backend::{Backend, Element, HostBuffer, Layout, Result, View, ViewMut};
use rusttorch_backend_simd::{Level, Simd};

/// Values by mpmath: see `tools/points.py`.
const POINTS: &str = include_str!("../src/math/points.txt");
/// Elements of a call.
const CHUNK: usize = 1 << 16;
/// On how many pairs a function of two operands is looked at, and on how many points one of f64.
const PAIRS: usize = 1 << 26;
const DENSE: usize = 1 << 22;

#[derive(Clone, Copy)]
enum Op {
    Unary(UnaryOp),
    Activation(Activation),
}

/// What f and its reflection have to do with each other: then half of the numbers need a reference.
#[derive(Clone, Copy, PartialEq)]
enum Symmetry {
    None,
    Odd,
    Even,
}

/// Which f32 numbers are looked at, and what an error is measured by.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    All,
    /// From -3/4 on.
    Upper,
    /// Below -3/4, where `x P(x)` is small beside x: in units of the last place of x.
    Lower,
}

/// An op, its value in f64, and where f64 is looked at.
struct Function {
    part: Part,
    op: Op,
    exact: fn(f64) -> f64,
    symmetry: Symmetry,
    range: (f64, f64),
}

fn functions() -> Vec<Function> {
    use Symmetry::{Even, Odd};
    use UnaryOp as U;
    let of = |op, exact, symmetry, range| Function { part: Part::All, op, exact, symmetry, range };
    let unary = |op, exact: fn(f64) -> f64, range| of(Op::Unary(op), exact, Symmetry::None, range);
    let odd = |op, exact: fn(f64) -> f64, range| of(Op::Unary(op), exact, Odd, range);
    let even = |op, exact: fn(f64) -> f64, range| of(Op::Unary(op), exact, Even, range);
    let activation = |op, exact: fn(f64) -> f64, range| of(Op::Activation(op), exact, Symmetry::None, range);
    vec![
        unary(U::Exp, f64::exp, (-745.0, 709.0)),
        unary(U::Exp2, f64::exp2, (-1074.0, 1023.0)),
        unary(U::Expm1, f64::exp_m1, (-40.0, 40.0)),
        unary(U::Log, f64::ln, (0.0, 10.0)),
        unary(U::Log2, f64::log2, (0.0, 10.0)),
        unary(U::Log10, f64::log10, (0.0, 10.0)),
        unary(U::Log1p, f64::ln_1p, (-1.0, 10.0)),
        odd(U::Sin, f64::sin, (-100.0, 100.0)),
        even(U::Cos, f64::cos, (-100.0, 100.0)),
        odd(U::Tan, f64::tan, (-100.0, 100.0)),
        odd(U::Asin, f64::asin, (-1.0, 1.0)),
        unary(U::Acos, f64::acos, (-1.0, 1.0)),
        odd(U::Atan, f64::atan, (-20.0, 20.0)),
        odd(U::Sinh, f64::sinh, (-20.0, 20.0)),
        even(U::Cosh, f64::cosh, (-20.0, 20.0)),
        odd(U::Tanh, f64::tanh, (-20.0, 20.0)),
        odd(U::Asinh, libm::asinh, (-20.0, 20.0)),
        unary(U::Acosh, |x| if x < 1.0 { f64::NAN } else { libm::acosh(x) }, (1.0, 20.0)),
        odd(U::Atanh, libm::atanh, (-1.0, 1.0)),
        odd(U::Erf, libm::erf, (-6.0, 6.0)),
        unary(U::Erfc, libm::erfc, (-6.0, 27.0)),
        odd(U::Erfinv, erfinv, (-1.0, 1.0)),
        unary(U::Lgamma, lgamma, (0.0, 20.0)),
        unary(U::Digamma, digamma, (2.0, 20.0)),
        even(U::Sinc, |x| if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }, (-0.5, 0.5)),
        unary(U::Sigmoid, sigmoid, (-40.0, 40.0)),
        activation(Activation::Silu, |x| x * sigmoid(x), (-40.0, 40.0)),
        activation(Activation::Mish, mish, (-40.0, 40.0)),
        Function { part: Part::Upper, ..activation(Activation::Gelu, gelu, (-0.75, 6.0)) },
        Function { part: Part::Lower, ..activation(Activation::Gelu, gelu, (-6.0, -0.75)) },
        activation(Activation::GeluTanh, gelu_tanh, (-6.0, 6.0)),
        activation(Activation::Softplus { beta: 1.0, threshold: f64::MAX }, softplus, (-40.0, 40.0)),
        activation(Activation::LogSigmoid, |x| -softplus(-x), (-40.0, 40.0)),
    ]
}

/// A function of two operands: the op, its value, and draws of operands.
type Function2 = (BinaryOp, fn(f64, f64) -> f64, fn(&mut Numbers) -> (f64, f64));

const BINARY: &[Function2] = &[
    (BinaryOp::Pow, f64::powf, |n| match n.below(3) {
        0 => (n.uniform(0.0, 10.0), n.uniform(-40.0, 40.0)),
        1 => (n.any(), n.uniform(-4.0, 4.0)),
        _ => (n.uniform(0.99, 1.01), n.uniform(-8000.0, 8000.0)),
    }),
    (BinaryOp::Atan2, f64::atan2, Numbers::either),
    (BinaryOp::Hypot, f64::hypot, Numbers::either),
    (
        BinaryOp::Xlogy,
        |a, b| if a == 0.0 && !b.is_nan() { 0.0 } else { a * b.ln() },
        |n| (n.any(), n.any().abs()),
    ),
];

fn sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

/// By Newton's method, from a number that is right to a few digits (Winitzki, 2008).
fn erfinv(x: f64) -> f64 {
    let size = x.abs();
    if size >= 1.0 || x == 0.0 {
        return if size > 1.0 { f64::NAN } else { x / (1.0 - size) };
    }
    let log = ((1.0 - size) * (1.0 + size)).ln();
    let half = 2.0 / (PI * 0.147) + 0.5 * log;
    let mut y = ((half * half - log / 0.147).sqrt() - half).sqrt();
    for _ in 0..4 {
        // From the end of the range that is nearer, where the difference is exact.
        let beyond = if size > 0.5 { (1.0 - size) - libm::erfc(y) } else { libm::erf(y) - size };
        y -= beyond / (FRAC_2_SQRT_PI * (-y * y).exp());
    }
    // Of small numbers the logarithm is nothing.
    if size < 1e-7 { x / FRAC_2_SQRT_PI } else { y.copysign(x) }
}

fn lgamma(x: f64) -> f64 {
    if x == f64::NEG_INFINITY { f64::INFINITY } else { libm::lgamma(x) }
}

/// The positive zero of digamma, as a number and the rest of it, and the coefficients of the series about it.
const DIGAMMA_ROOT: [f64; 2] = [1.461_632_144_968_362_2, 9.549_995_429_965_697e-17];
const ABOUT_DIGAMMA_ROOT: [f64; 9] = [
    0.0,
    0.967_672_245_447_621_2,
    -0.442_763_168_983_592_1,
    0.258_499_760_955_651,
    -0.163_942_705_442_406_52,
    0.107_824_050_691_262_37,
    -0.072_199_561_256_454_71,
    0.048_804_288_164_143_11,
    -0.033_161_126_474_847_36,
];

/// By steps up to where four terms of the asymptotic series suffice; next to its zero, where they cancel, by the series there.
fn digamma(x: f64) -> f64 {
    let h = x - DIGAMMA_ROOT[0] - DIGAMMA_ROOT[1];
    if h.abs() < 1.0 / 32.0 {
        return ABOUT_DIGAMMA_ROOT.iter().rev().fold(0.0, |y, c| y * h + c);
    }
    if x < 0.0 {
        return if x.floor() == x { f64::NAN } else { digamma(1.0 - x) - PI / (PI * (x - x.round())).tan() };
    }
    let (mut y, mut sum) = (x, 0.0);
    while y < 60.0 {
        sum += 1.0 / y;
        y += 1.0;
    }
    let square = 1.0 / (y * y);
    let series = square * (1.0 / 12.0 - square * (1.0 / 120.0 - square * (1.0 / 252.0 - square / 240.0)));
    y.ln() - 0.5 / y - series - sum
}

fn softplus(x: f64) -> f64 {
    if x.is_nan() { x } else { x.max(0.0) + (-x.abs()).exp().ln_1p() }
}

fn mish(x: f64) -> f64 {
    // From there on the hyperbolic tangent is its argument, which is the exponential.
    if x < -30.0 { x * x.exp() } else { x * softplus(x).tanh() }
}

fn gelu(x: f64) -> f64 {
    x * 0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

fn gelu_tanh(x: f64) -> f64 {
    x * sigmoid(2.0 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * (x + 0.044715 * x * x * x))
}

/// The function of elements by the backend.
fn apply<T: Element>(level: Level, op: Op, x: &[T]) -> Result<Vec<T>> {
    let simd = Simd::at(level);
    computed(&[x], |views, out| match op {
        Op::Unary(op) => simd.unary(op, views[0], out),
        Op::Activation(op) => simd.activation(op, views[0], out),
    })
}

fn computed<T: Element>(
    operands: &[&[T]],
    op: impl FnOnce(&[View<'_>], ViewMut<'_>) -> Result<()>,
) -> Result<Vec<T>> {
    let layout = Layout::contiguous("accuracy", &[operands[0].len()])?;
    let filled = |x: &[T]| -> Result<HostBuffer> {
        let mut buffer = HostBuffer::zeroed(size_of_val(x))?;
        ViewMut::new(&mut buffer, &layout, T::DTYPE)?.host_mut::<T>()?.copy_from_slice(x);
        Ok(buffer)
    };
    let buffers: Vec<HostBuffer> = operands.iter().map(|x| filled(x)).collect::<Result<_>>()?;
    let views: Vec<View<'_>> =
        buffers.iter().map(|b| View::new(b, &layout, T::DTYPE)).collect::<Result<_>>()?;
    let mut out = HostBuffer::zeroed(size_of_val(operands[0]))?;
    op(&views, ViewMut::new(&mut out, &layout, T::DTYPE)?)?;
    Ok(ViewMut::new(&mut out, &layout, T::DTYPE)?.host_mut::<T>()?.to_vec())
}

/// The unit in the last place of an f32 or f64 of the size of a value.
fn unit(exact: f64, digits: i32, least: i32) -> f64 {
    let exponent = ((exact.abs().to_bits() >> 52) as i32 - 1023).max(least);
    2f64.powi((exponent - digits + 1).max(-1022)) * 2f64.powi((exponent - digits + 1 + 1022).min(0))
}

/// The error in units of the last place; infinite where one is no number and the other is.
fn error_f32(found: f32, exact: f64) -> f64 {
    let rounded = exact as f32;
    if (found.is_nan() && exact.is_nan()) || (found == rounded && !rounded.is_finite()) {
        return 0.0;
    }
    if found.is_nan() || exact.is_nan() || (found.is_infinite() && exact.abs() < f64::from(f32::MAX)) {
        return f64::INFINITY;
    }
    if found == 0.0 && exact == 0.0 && found.is_sign_negative() != exact.is_sign_negative() {
        return f64::INFINITY;
    }
    // Next to the largest number infinity counts as the power of two that follows it.
    let found =
        if found.is_infinite() { 2f64.powi(128).copysign(f64::from(found)) } else { f64::from(found) };
    (found - exact).abs() / unit(exact.clamp(f64::from(f32::MIN), f64::from(f32::MAX)), 24, -126)
}

/// The same of f64, of which the exact value is a number and more units of its last place.
fn error_f64(found: f64, nearest: f64, lacks: f64) -> f64 {
    if (found.is_nan() && nearest.is_nan()) || found == nearest {
        return lacks.abs();
    }
    ((found - nearest) / unit(nearest, 53, -1022) - lacks).abs()
}

/// What was found out.
#[derive(Clone, Copy, Default)]
struct Worst {
    error: f64,
    at: f32,
    looked_at: u64,
    not_nearest: u64,
    asymmetric: u64,
}

impl Worst {
    fn see(&mut self, part: Part, x: f32, y: f32, exact: f64) {
        if (part == Part::Upper && x < -0.75) || (part == Part::Lower && !(x < -0.75 && x.is_finite())) {
            return;
        }
        let error = match part {
            Part::Lower => (f64::from(y) - exact).abs() / unit(f64::from(x), 24, -126),
            _ => error_f32(y, exact),
        };
        self.looked_at += 1;
        self.not_nearest += u64::from(error > 0.5 && y != exact as f32);
        if error > self.error {
            (self.error, self.at) = (error, x);
        }
    }

    fn and(self, other: Worst) -> Worst {
        let larger = if other.error > self.error { other } else { self };
        Worst {
            looked_at: self.looked_at + other.looked_at,
            not_nearest: self.not_nearest + other.not_nearest,
            asymmetric: self.asymmetric + other.asymmetric,
            ..larger
        }
    }
}

/// Beyond it sine, cosine and tangent are those of f64, rounded, so that every 64th will do.
const TRIGONOMETRIC_LIMIT: f32 = 100_000.0;

/// Every `step`-th f32 number.
fn all_of_f32(f: &Function, step: u64) -> Result<Worst> {
    let trigonometric = matches!(f.op, Op::Unary(UnaryOp::Sin | UnaryOp::Cos | UnaryOp::Tan));
    // The numbers without sign, then those with it.
    let half = (1u64 << 31) / step;
    let end = if f.symmetry == Symmetry::None { 2 * half } else { half };
    let next = AtomicU64::new(0);
    let found = Mutex::new(Vec::new());
    let work = || -> Result<Worst> {
        let mut worst = Worst::default();
        loop {
            let start = next.fetch_add(CHUNK as u64, Ordering::Relaxed);
            if start >= end {
                return Ok(worst);
            }
            let stop = (start + CHUNK as u64).min(end);
            let number = |i: u64| f32::from_bits(((i % half * step) as u32) | (u32::from(i >= half) << 31));
            let mut x: Vec<f32> = (start..stop).map(number).collect();
            if trigonometric {
                let large = |x: f32| x.abs() > TRIGONOMETRIC_LIMIT;
                x.retain(|&x| !large(x) || (x.to_bits() / step as u32).is_multiple_of(64));
                if x.is_empty() {
                    continue;
                }
            }
            let y = apply(Level::current(), f.op, &x)?;
            x.iter().zip(&y).for_each(|(&x, &y)| worst.see(f.part, x, y, (f.exact)(f64::from(x))));
            if f.symmetry != Symmetry::None {
                let mirrored: Vec<f32> = x.iter().map(|x| -x).collect();
                let z = apply(Level::current(), f.op, &mirrored)?;
                let same = |y: f32, z: f32| {
                    let expected = if f.symmetry == Symmetry::Odd { -y } else { y };
                    z.to_bits() == expected.to_bits() || (z.is_nan() && y.is_nan())
                };
                worst.asymmetric += y.iter().zip(&z).filter(|(y, z)| !same(**y, **z)).count() as u64;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let mine = work();
                found.lock().unwrap_or_else(PoisonError::into_inner).push(mine);
            });
        }
    });
    let found: Vec<Worst> =
        found.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect::<Result<_>>()?;
    Ok(found.into_iter().fold(Worst::default(), Worst::and))
}

/// The largest error of f64 on the recorded points of an op, and how many there are.
fn recorded(name: &str, value: impl Fn(&[f64]) -> Result<f64>) -> Result<(f64, usize)> {
    let (mut worst, mut n) = (0f64, 0);
    for line in POINTS.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let (Some((&op, rest)), Some(Ok(lacks))) =
            (words.split_first(), words.last().map(|w| w.parse::<f64>()))
        else {
            continue;
        };
        if op == name {
            let numbers =
                rest.iter().filter_map(|w| u64::from_str_radix(w, 16).ok().filter(|_| w.len() == 16));
            let numbers: Vec<f64> = numbers.map(f64::from_bits).collect();
            if let Some((&exact, operands)) = numbers.split_last() {
                worst = worst.max(error_f64(value(operands)?, exact, lacks));
                n += 1;
            }
        }
    }
    Ok((worst, n))
}

/// Numbers from a seed.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 20) % n
    }

    fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 * 2f64.powi(-53)
    }

    /// A finite f32 of any size.
    fn any(&mut self) -> f64 {
        let v = f32::from_bits(self.next() as u32);
        if v.is_finite() { f64::from(v) } else { 0.0 }
    }

    fn either(&mut self) -> (f64, f64) {
        if self.below(2) == 0 {
            (self.any(), self.any())
        } else {
            (self.uniform(-8.0, 8.0), self.uniform(-8.0, 8.0))
        }
    }
}

/// The largest difference in f64 to the C library, on points of a range.
fn dense(f: &Function) -> Result<f64> {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut worst = 0f64;
    for _ in 0..DENSE / CHUNK {
        let x: Vec<f64> = (0..CHUNK).map(|_| numbers.uniform(f.range.0, f.range.1)).collect();
        let y = apply(Level::current(), f.op, &x)?;
        let errors = x.iter().zip(&y).map(|(&x, &y)| error_f64(y, (f.exact)(x), 0.0));
        worst = errors.fold(worst, f64::max);
    }
    Ok(worst)
}

/// Whether all levels give the same bits, on numbers of all sizes.
fn levels_agree(op: Op) -> Result<bool> {
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let single: Vec<f32> = (0..CHUNK).map(|_| f32::from_bits(numbers.next() as u32)).collect();
    let ordinary: Vec<f32> = (0..CHUNK).map(|_| numbers.uniform(-30.0, 30.0) as f32).collect();
    let double: Vec<f64> = ordinary.iter().map(|_| numbers.uniform(-30.0, 30.0)).collect();
    let mut seen: Vec<Vec<u64>> = Vec::new();
    for level in Level::all() {
        let mut bits = Vec::new();
        for x in [&single, &ordinary] {
            let y = apply(level, op, x)?;
            bits.extend(y.iter().map(|y| if y.is_nan() { u64::MAX } else { u64::from(y.to_bits()) }));
        }
        bits.extend(
            apply(level, op, &double)?.iter().map(|y| if y.is_nan() { u64::MAX } else { y.to_bits() }),
        );
        seen.push(bits);
    }
    Ok(seen.windows(2).all(|pair| pair[0] == pair[1]))
}

/// Pairs of f32 numbers.
fn pairs((op, exact, draw): &Function2) -> Result<Worst> {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut worst = Worst::default();
    for _ in 0..PAIRS / CHUNK {
        let (a, b): (Vec<f32>, Vec<f32>) = (0..CHUNK)
            .map(|_| {
                let (a, b) = draw(&mut numbers);
                (a as f32, b as f32)
            })
            .unzip();
        let simd = Simd::new();
        let y = computed(&[&a, &b], |views, out| simd.binary(*op, views[0], views[1], out))?;
        for ((&a, &b), &y) in a.iter().zip(&b).zip(&y) {
            worst.see(Part::All, a, y, exact(f64::from(a), f64::from(b)));
        }
    }
    Ok(worst)
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let step = std::env::args().nth(1).map_or(Ok(1), |s| s.parse::<u64>())?.max(1);
    set_num_threads(1);
    let levels: Vec<&str> = Level::all().iter().map(|l| l.name()).collect();
    let mut text = format!(
        "# How exact the functions of backend-simd are\n\n\
         Written by `make accuracy`, on a CPU with the levels {}. An error is the distance of a result from the exact \
         value in units of the last place of the exact value; 0.5 is the best that rounding can do.\n\n\
         f32: every {}number, against f64 (sine, cosine and tangent beyond 1e5, where they are those of f64, every \
         64th). \"Not nearest\" is the share of results that are not the nearest number. f64: values that mpmath \
         computed (`tools/points.py`), and 2^22 points of a range against the C library, whose own errors, of up to \
         1, count as differences. Levels: whether all gave the same bits, in f32 and f64.\n\n\
         | op | f32: largest error | at x | not nearest | f64: recorded points | f64: largest error | range | \
         largest difference | levels |\n\
         |---|---:|---:|---:|---:|---:|---|---:|---|\n",
        levels.join(", "),
        if step == 1 { String::new() } else { format!("{step}th ") },
    );
    let mut stderr = io::stderr();
    for f in functions() {
        let name = match f.op {
            Op::Unary(op) => op.name(),
            Op::Activation(op) => op.name(),
        };
        let title = match f.part {
            Part::All => name.to_string(),
            Part::Upper => format!("{name}, x >= -0.75"),
            Part::Lower => format!("{name}, x < -0.75, in ulp of x"),
        };
        let worst = all_of_f32(&f, step)?;
        let (largest, n) =
            recorded(name, |x| Ok(apply(Level::current(), f.op, x)?.first().copied().unwrap_or(f64::NAN)))?;
        let agree = if levels_agree(f.op)? { "same bits" } else { "**differ**" };
        let share = 100.0 * worst.not_nearest as f64 / worst.looked_at as f64;
        let asymmetric = if worst.asymmetric > 0 { " **asymmetric**" } else { "" };
        writeln!(
            text,
            "| {title} | {:.3}{asymmetric} | {:e} | {share:.2} % | {n} | {largest:.3} | {} to {} | {:.2} | {agree} |",
            worst.error,
            worst.at,
            f.range.0,
            f.range.1,
            dense(&f)?
        )?;
        writeln!(stderr, "{title}: {:.3} ulp at {:e}", worst.error, worst.at)?;
    }
    text += "\nTwo operands, of f32 2^26 pairs of ordinary numbers and of numbers of all sizes.\n\n\
             | op | f32: largest error | not nearest | f64: recorded points | f64: largest error |\n\
             |---|---:|---:|---:|---:|\n";
    for f in BINARY {
        let worst = pairs(f)?;
        let simd = Simd::new();
        let (largest, n) = recorded(f.0.name(), |x| {
            let y = computed(&[&x[..1], &x[1..]], |views, out| simd.binary(f.0, views[0], views[1], out))?;
            Ok(y.first().copied().unwrap_or(f64::NAN))
        })?;
        let share = 100.0 * worst.not_nearest as f64 / worst.looked_at as f64;
        writeln!(text, "| {} | {:.3} | {share:.2} % | {n} | {largest:.3} |", f.0.name(), worst.error)?;
        writeln!(stderr, "{}: {:.3} ulp", f.0.name(), worst.error)?;
    }
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    std::fs::create_dir_all(&docs)?;
    std::fs::write(docs.join("accuracy.md"), text)?;
    Ok(())
}

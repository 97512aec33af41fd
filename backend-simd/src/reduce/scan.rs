//! Running reductions.
//!
//! Each line is gone through in its order, with one accumulator (f64 for floats, i64 for integers), so that a
//! result has one rounding. Lines that lie across are gone through together, row by row, which vectorises; of
//! others four at a time, as one chain of additions leaves the CPU idle.

use rusttorch_backend::ops::ScanOp;
use rusttorch_backend::{
    Boolean, Capabilities, DTypeSet, Element, ErrorKind, Family, Layout, Nest, Result, TensorError, View,
    ViewMut, bf16, f16, match_dtype,
};

use super::lines::{Shape3, check, spread};
use super::refused;
use crate::arch::threads::{parallel_chunks_mut, parallel_columns_mut};
use crate::arch::{Isa, Kernel, Level};
use crate::tuning::Cost;

/// `None` where there is no kernel for the call.
pub(crate) fn scan(
    level: Level,
    op: ScanOp,
    x: View<'_>,
    axis: usize,
    out: ViewMut<'_>,
    indices: Option<ViewMut<'_>>,
) -> Option<Result<()>> {
    let dtype = x.dtype();
    let call = Call { level, op, x, axis };
    Some(match (op, indices) {
        (ScanOp::Cumsum, None) => match_dtype!(floats dtype, T => call.run(Sums::<T>::NEW, out),
            else match_dtype!(ints dtype, T => call.run(WholeSums::<T>::NEW, out),
            else call.run(WholeSums::<Boolean>::NEW, out))),
        (ScanOp::Cumprod, None) => match_dtype!(floats dtype, T => call.run(Products::<T>::NEW, out),
            else match_dtype!(ints dtype, T => call.run(WholeProducts::<T>::NEW, out),
            else call.run(WholeProducts::<Boolean>::NEW, out))),
        (ScanOp::Cummax | ScanOp::Cummin, Some(indices)) => match_dtype!(dtype, T => {
            let least = op == ScanOp::Cummin;
            // One output at a time: two lists of tasks are simpler than one of pairs.
            call.run(Extremes::<T, false> { least, _of: Of::NEW }, out)
                .and_then(|()| call.run(Extremes::<T, true> { least, _of: Of::NEW }, indices))
        }),
        (ScanOp::Logcumsumexp, None) => match_dtype!(floats dtype, T => call.run(LogSums::<T>::NEW, out),
            else Err(refused(op.name(), dtype))),
        _ => Err(TensorError::new(
            ErrorKind::Internal,
            op.name(),
            "indices are of cummax and cummin, and only of them",
        )),
    })
}

/// What is computed here: all of it.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    const ALL: &[&str] = &["cumsum", "cumprod", "cummax", "cummin"];
    claims.with_ops(Family::Scan, ALL, DTypeSet::ALL).with_ops(
        Family::Scan,
        &["logcumsumexp"],
        DTypeSet::FLOATS,
    )
}

/// A state that goes along a line, and what it gives at each element.
trait Running: Copy + Sync {
    type In: Element;
    type Out: Element;
    type State: Copy + Send;
    const COST: Cost;
    fn start(self) -> Self::State;
    fn step(self, state: Self::State, x: Self::In) -> (Self::State, Self::Out);
}

/// The element type of a running reduction.
#[derive(Debug)]
struct Of<T>(std::marker::PhantomData<fn(T)>);

impl<T> Of<T> {
    const NEW: Self = Of(std::marker::PhantomData);
}

impl<T> Clone for Of<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Of<T> {}

macro_rules! running {
    ($($(#[$doc:meta])* $Name:ident<$T:ident: $bound:path> -> $Out:ty, $State:ty, $cost:literal, $start:expr, |$s:ident, $x:ident| $step:expr;)*) => { $(
        $(#[$doc])*
        struct $Name<T>(#[allow(dead_code, reason = "a type")] Of<T>);
        impl<T> $Name<T> {
            const NEW: Self = $Name(Of::NEW);
        }
        impl<T> Clone for $Name<T> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<T> Copy for $Name<T> {}
        impl<$T: $bound> Running for $Name<$T> {
            type In = $T;
            type Out = $Out;
            type State = $State;
            const COST: Cost = Cost($cost);
            #[inline(always)]
            fn start(self) -> $State {
                $start
            }
            #[inline(always)]
            fn step(self, $s: $State, $x: $T) -> ($State, $Out) {
                $step
            }
        }
    )* };
}
running! {
    Sums<T: Float> -> T, T::Sum, 1000, T::Sum::default(), |sum, x| {
        let sum = T::add(sum, x.wide());
        (sum, T::rounded(T::total(sum)))
    };
    Products<T: Float> -> T, f64, 1000, 1.0, |product, x| {
        let product = product * x.wide();
        (product, T::rounded(product))
    };
    WholeSums<T: Element> -> i64, i64, 500, 0, |sum, x| {
        let sum = sum.wrapping_add(x.to_scalar().to_i64());
        (sum, sum)
    };
    WholeProducts<T: Element> -> i64, i64, 800, 1, |product, x| {
        let product = product.wrapping_mul(x.to_scalar().to_i64());
        (product, product)
    };
    /// The largest so far and the sum of `e^(x - largest)`, which is scaled down when a larger one comes. An
    /// infinity or NaN says it all.
    LogSums<T: Float> -> T, (f64, Compensated), 30_000, (f64::NEG_INFINITY, Compensated::default()), |state, x| {
        let (largest, mut sum) = state;
        let x = x.wide();
        let now = if x > largest || x.is_nan() { x } else { largest };
        if !now.is_finite() {
            return ((now, sum), T::rounded(now));
        }
        if now > largest {
            let factor = libm::exp(largest - now);
            sum = Compensated { total: sum.total * factor, lost: sum.lost * factor };
        }
        let sum = sum.add(libm::exp(x - now));
        ((now, sum), T::rounded(now + libm::log(sum.total + sum.lost)))
    };
}

/// A float with an accumulator: f64 has twice the bits of f32, and for itself carries along what rounding lost.
trait Float: Element {
    type Sum: Copy + Default + Send;
    fn wide(self) -> f64;
    fn rounded(v: f64) -> Self;
    fn add(sum: Self::Sum, x: f64) -> Self::Sum;
    fn total(sum: Self::Sum) -> f64;
}

macro_rules! float {
    ($($t:ty)*) => { $(
        impl Float for $t {
            type Sum = f64;
            #[inline(always)]
            fn wide(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn rounded(v: f64) -> $t {
                <$t>::from_scalar(v.into())
            }
            #[inline(always)]
            fn add(sum: f64, x: f64) -> f64 {
                sum + x
            }
            #[inline(always)]
            fn total(sum: f64) -> f64 {
                sum
            }
        }
    )* };
}
float!(f16 bf16 f32);

impl Float for f64 {
    type Sum = Compensated;
    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }
    #[inline(always)]
    fn rounded(v: f64) -> f64 {
        v
    }
    #[inline(always)]
    fn add(sum: Compensated, x: f64) -> Compensated {
        sum.add(x)
    }
    #[inline(always)]
    fn total(sum: Compensated) -> f64 {
        sum.total + sum.lost
    }
}

/// A sum and what its rounding lost (Neumaier).
#[derive(Debug, Clone, Copy, Default)]
struct Compensated {
    total: f64,
    lost: f64,
}

impl Compensated {
    /// By Knuth's two-sum (The Art of Computer Programming, volume 2, 4.2.2). Infinities and NaN lose nothing.
    #[inline(always)]
    fn add(self, x: f64) -> Compensated {
        let total = self.total + x;
        let part = total - self.total;
        let lost = (self.total - (total - part)) + (x - part);
        Compensated { total, lost: self.lost + if lost.is_finite() { lost } else { 0.0 } }
    }
}

/// The extreme so far, or its place. Of equals the latest; from the first NaN on the latest NaN.
#[derive(Debug)]
struct Extremes<T, const PLACES: bool> {
    least: bool,
    _of: Of<T>,
}

impl<T, const PLACES: bool> Clone for Extremes<T, PLACES> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T, const PLACES: bool> Copy for Extremes<T, PLACES> {}

/// The extreme so far, its place and the number of elements; nothing at first.
type Extreme<T> = (Option<T>, i64, i64);

impl<T: Ordered, const PLACES: bool> Extremes<T, PLACES> {
    #[inline(always)]
    fn next(self, (best, place, n): Extreme<T>, x: T) -> Extreme<T> {
        let replaces = match best {
            None => true,
            Some(best) => x.is_nan() || (!best.is_nan() && if self.least { x.le(best) } else { best.le(x) }),
        };
        if replaces { (Some(x), n, n + 1) } else { (best, place, n + 1) }
    }
}

impl<T: Ordered> Running for Extremes<T, false> {
    type In = T;
    type Out = T;
    type State = Extreme<T>;
    const COST: Cost = Cost(1000);
    #[inline(always)]
    fn start(self) -> Extreme<T> {
        (None, 0, 0)
    }
    #[inline(always)]
    fn step(self, state: Extreme<T>, x: T) -> (Extreme<T>, T) {
        let state = self.next(state, x);
        (state, state.0.unwrap_or(x))
    }
}

impl<T: Ordered> Running for Extremes<T, true> {
    type In = T;
    type Out = i64;
    type State = Extreme<T>;
    const COST: Cost = Cost(1000);
    #[inline(always)]
    fn start(self) -> Extreme<T> {
        (None, 0, 0)
    }
    #[inline(always)]
    fn step(self, state: Extreme<T>, x: T) -> (Extreme<T>, i64) {
        let state = self.next(state, x);
        (state, state.1)
    }
}

/// An element with an order.
trait Ordered: Element {
    fn is_nan(self) -> bool;
    fn le(self, b: Self) -> bool;
}

macro_rules! ordered {
    ($($t:ty: |$x:ident| $nan:expr;)*) => { $(
        impl Ordered for $t {
            #[inline(always)]
            fn is_nan(self) -> bool {
                let $x = self;
                $nan
            }
            #[inline(always)]
            fn le(self, b: Self) -> bool {
                self <= b
            }
        }
    )* };
}
ordered! {
    f16: |x| x.is_nan();
    bf16: |x| x.is_nan();
    f32: |x| x.is_nan();
    f64: |x| x.is_nan();
    i8: |_x| false;
    i16: |_x| false;
    i32: |_x| false;
    i64: |_x| false;
    u8: |_x| false;
}

impl Ordered for Boolean {
    #[inline(always)]
    fn is_nan(self) -> bool {
        false
    }
    #[inline(always)]
    fn le(self, b: Self) -> bool {
        self.get() <= b.get()
    }
}

/// A call, for one of its outputs.
#[derive(Clone, Copy)]
struct Call<'a> {
    level: Level,
    op: ScanOp,
    x: View<'a>,
    axis: usize,
}

/// Columns that are gone through together.
const TILE: usize = 512;

/// Fewer columns than this are lines of their own.
const NARROW: usize = 8;

/// Lines that are gone through together.
const GROUP: usize = 4;

impl Call<'_> {
    fn run<R: Running>(self, running: R, mut out: ViewMut<'_>) -> Result<()> {
        let (from, to) = (self.x.layout(), out.layout());
        check(self.op.name(), &[from, to], self.axis)?;
        let (data, out) = (self.x.host::<R::In>()?, out.host_mut::<R::Out>()?);
        if to.is_empty() {
            return Ok(());
        }
        if let Some(range) = to.contiguous_range() {
            self.write(running, data, from, &mut out[range]);
        } else {
            let mut results = vec![zero::<R::Out>(); to.numel()];
            self.write(running, data, from, &mut results);
            spread(to, results, out);
        }
        Ok(())
    }

    fn write<R: Running>(self, running: R, data: &[R::In], layout: &Layout, out: &mut [R::Out]) {
        let Shape3 { outer, n, inner } = Shape3::of(layout.shape(), self.axis);
        let starts = Nest::over([layout], (0..layout.rank()).filter(|&d| d != self.axis));
        let stride = layout.strides().get(self.axis).copied().unwrap_or(1);
        let tasks = R::COST.tasks(outer * inner, n);
        if inner >= NARROW {
            // Not too few: memory is read and written in stretches of a row.
            let width = (outer * inner).div_ceil(tasks).clamp((TILE / 2).min(inner), TILE);
            parallel_columns_mut(out, (n, inner), width, |block, column, mut out| {
                let width = out.width();
                let mut states = [running.start(); TILE];
                let states = &mut states[..width];
                let mut row = [zero::<R::In>(); TILE];
                for i in 0..n {
                    let mut done = 0;
                    let first = block * inner + column;
                    starts.for_each_run_in(first..first + width, |[start], count, [step]| {
                        copy(data, start + i as isize * stride, step, &mut row[done..done + count]);
                        done += count;
                    });
                    self.level.enter(Step { running, states, x: &row[..width], out: out.row(i) });
                }
            });
            return;
        }
        let per = outer.div_ceil(tasks);
        parallel_chunks_mut(out, per * n * inner, |i, out| {
            let lines = out.len() / n;
            let mut places = Vec::with_capacity(lines);
            starts.for_each_run_in(i * per * inner..i * per * inner + lines, |[start], count, [step]| {
                places.extend((0..count as isize).map(|i| start + i * step));
            });
            if inner == 1 && stride == 1 {
                for (out, places) in out.chunks_mut(GROUP * n).zip(places.chunks(GROUP)) {
                    group(running, data, places, n, out);
                }
                return;
            }
            for (line, &start) in places.iter().enumerate() {
                let (block, column) = (line / inner, line % inner);
                let mut state = running.start();
                let to = &mut out[block * n * inner + column..];
                for (i, to) in to.iter_mut().step_by(inner).take(n).enumerate() {
                    (state, *to) = running.step(state, data[(start + i as isize * stride) as usize]);
                }
            }
        });
    }
}

/// Some lines of `n` elements, side by side in time.
fn group<R: Running>(running: R, data: &[R::In], places: &[isize], n: usize, out: &mut [R::Out]) {
    let line = |place: isize| &data[place as usize..place as usize + n];
    if let &[a, b, c, d] = places {
        let (first, second) = out.split_at_mut(2 * n);
        let ((p, q), (r, s)) = (first.split_at_mut(n), second.split_at_mut(n));
        let (a, b, c, d) = (line(a), line(b), line(c), line(d));
        let mut states = [running.start(); GROUP];
        for i in 0..n {
            (states[0], p[i]) = running.step(states[0], a[i]);
            (states[1], q[i]) = running.step(states[1], b[i]);
            (states[2], r[i]) = running.step(states[2], c[i]);
            (states[3], s[i]) = running.step(states[3], d[i]);
        }
        return;
    }
    for (&place, out) in places.iter().zip(out.chunks_mut(n)) {
        let mut state = running.start();
        for (out, &x) in out.iter_mut().zip(line(place)) {
            (state, *out) = running.step(state, x);
        }
    }
}

fn zero<T: Element>() -> T {
    T::zeroed()
}

/// Copies elements that lie `stride` apart.
fn copy<T: Element>(data: &[T], from: isize, stride: isize, to: &mut [T]) {
    if stride == 1 {
        to.copy_from_slice(&data[from as usize..from as usize + to.len()]);
        return;
    }
    for (i, to) in to.iter_mut().enumerate() {
        *to = data[(from + i as isize * stride) as usize];
    }
}

/// One step of some columns.
struct Step<'a, R: Running> {
    running: R,
    states: &'a mut [R::State],
    x: &'a [R::In],
    out: &'a mut [R::Out],
}

impl<R: Running> Kernel for Step<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, _isa: I) {
        for ((state, &x), out) in self.states.iter_mut().zip(self.x).zip(self.out) {
            (*state, *out) = self.running.step(*state, x);
        }
    }
}

//! Losses that compare element by element: values, sums and gradients, each in one pass.

use std::sync::atomic::{AtomicBool, Ordering};

use rusttorch_backend::ops::{Loss, Reduction};
use rusttorch_backend::{ErrorKind, Result, TensorError, View, ViewMut};

use super::Call;
use super::operands::{Operands, filled, scalar, store, wide2, wide3};
use super::tree::{self, Pairwise, Terms, chunk, chunk_sum};
use crate::arch::{Isa, Kernel, Level, Real, Scalar, threads};
use crate::drive;
use crate::elementwise::{Function2, Function3, map2, map3, padded};
use crate::float::{Float, Stored};
use crate::math::{self, Vector};
use crate::tuning::{Cost, streams};

/// Where `binary_cross_entropy` clamps logarithms, so that an exact 0 or 1 costs a finite loss.
const LOG_FLOOR: f64 = -100.0;
/// The least denominator of its gradient, which is PyTorch's.
const LEAST_VARIANCE: f64 = 1e-12;

/// Functions of input and target.
macro_rules! functions {
    ($($(#[$doc:meta])* $Name:ident { $($param:ident),* } = |$isa:ident, $x:ident, $t:ident| $body:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        struct $Name { $($param: f64),* }

        impl Function2 for $Name {
            #[inline(always)]
            fn call<V: Vector>(self, $isa: V::Isa, $x: V, $t: V) -> V {
                let $Name { $($param),* } = self;
                $body
            }
        }
    )* };
}

functions! {
    Square {} = |_isa, x, t| {
        let d = x.sub(t);
        d.mul(d)
    };
    Distance {} = |isa, x, t| distance(isa, x.sub(t));
    /// NaN takes the second branch. `scale` is `1 / (2 beta)`.
    Smooth { beta, scale } = |isa, x, t| {
        let d = distance(isa, x.sub(t));
        let line = d.sub(V::constant(isa, 0.5 * beta));
        d.mul(V::constant(isa, scale)).mul(d).or_else(d.lt(V::constant(isa, beta)), line)
    };
    /// `(t - 1) max(log(1 - x), -100) - t max(log x, -100)`.
    Binary {} = |isa, x, t| {
        let (one, floor) = (V::constant(isa, 1.0), V::constant(isa, LOG_FLOOR));
        let hit = floor.max_or_second(math::log(isa, x));
        let miss = floor.max_or_second(math::log1p(isa, V::constant(isa, 0.0).sub(x)));
        t.sub(one).mul(miss).sub(t.mul(hit))
    };

    SquareSlope {} = |isa, x, t| x.sub(t).mul(V::constant(isa, 2.0));
    DistanceSlope {} = |isa, x, t| sign(isa, x.sub(t));
    /// In this order, so that NaN stays NaN.
    SmoothSlope { beta } = |isa, x, t| {
        let (d, beta) = (x.sub(t), V::constant(isa, beta));
        sign(isa, d).or_else(beta.le(distance(isa, d)), d.div(beta))
    };
    /// `(x - t) / (x (1 - x))`.
    BinarySlope {} = |isa, x, t| {
        let variance = V::constant(isa, 1.0).sub(x).mul(x);
        x.sub(t).div(V::constant(isa, LEAST_VARIANCE).max_or_second(variance))
    };
}

/// `|d|`; NaN stays NaN.
#[inline(always)]
fn distance<V: Vector>(isa: V::Isa, d: V) -> V {
    d.max_or_second(V::constant(isa, 0.0).sub(d))
}

/// 1, -1, or 0 of zeros and NaN.
#[inline(always)]
fn sign<V: Vector>(isa: V::Isa, d: V) -> V {
    let (zero, one) = (V::constant(isa, 0.0), V::constant(isa, 1.0));
    let below = V::constant(isa, -1.0).or_else(d.lt(zero), zero);
    one.or_else(zero.lt(d), below)
}

/// `f(x, t)` times a number.
#[derive(Clone, Copy)]
struct Scaled<F> {
    f: F,
    share: f64,
}

impl<F: Function2> Function2 for Scaled<F> {
    #[inline(always)]
    fn call<V: Vector>(self, isa: V::Isa, x: V, t: V) -> V {
        V::constant(isa, self.share).mul(self.f.call(isa, x, t))
    }
}

impl<F: Function2> Function3 for Scaled<F> {
    /// Times a weight, too, which comes first.
    #[inline(always)]
    fn call<V: Vector>(self, isa: V::Isa, w: V, x: V, t: V) -> V {
        V::constant(isa, self.share).mul(w).mul(self.f.call(isa, x, t))
    }
}

impl Call<'_> {
    /// The loss; `None` where there is no kernel for the call.
    pub(super) fn elementwise_value<H: Stored>(self, out: ViewMut<'_>) -> Option<Result<()>> {
        Some(match self.op {
            Loss::Mse => self.value_of::<H, _>(Cost::LIGHT, Square {}, out),
            Loss::SmoothL1 { beta } if beta > 0.0 => {
                // Of a beta that is this small there is no inverse.
                let scale = 0.5 / beta;
                if !tree::of::<H::Wide>(scale).to_f64().is_finite() {
                    return None;
                }
                self.value_of::<H, _>(Cost::LIGHT, Smooth { beta, scale }, out)
            }
            Loss::BinaryCrossEntropy => self.value_of::<H, _>(Cost::HEAVY, Binary {}, out),
            Loss::L1 | Loss::SmoothL1 { .. } => self.value_of::<H, _>(Cost::LIGHT, Distance {}, out),
            Loss::CrossEntropy { .. } => return None,
        })
    }

    /// The gradient; `None` where there is no kernel for the call.
    pub(super) fn elementwise_gradient<H: Stored>(
        self,
        grad: View<'_>,
        out: ViewMut<'_>,
    ) -> Option<Result<()>> {
        if self.reduction == Reduction::None && self.weight.is_some() {
            return None;
        }
        Some(match self.op {
            Loss::Mse => self.gradient_of::<H, _>(Cost::LIGHT, SquareSlope {}, grad, out),
            Loss::SmoothL1 { beta } if beta > 0.0 => {
                self.gradient_of::<H, _>(Cost::LIGHT, SmoothSlope { beta }, grad, out)
            }
            Loss::BinaryCrossEntropy => self.gradient_of::<H, _>(Cost::LIGHT, BinarySlope {}, grad, out),
            Loss::L1 | Loss::SmoothL1 { .. } => {
                self.gradient_of::<H, _>(Cost::LIGHT, DistanceSlope {}, grad, out)
            }
            Loss::CrossEntropy { .. } => return None,
        })
    }

    fn value_of<H: Stored, F: Function2>(self, cost: Cost, f: F, mut out: ViewMut<'_>) -> Result<()> {
        let Call { level, op, reduction, x, target, weight } = self;
        let checks = (op == Loss::BinaryCrossEntropy).then(Inside::default);
        let total = match (reduction, weight) {
            (Reduction::None, None) => {
                let stream = streams(out.numel() * size_of::<H>());
                drive::map2(op.name(), cost, &x, &target, &mut out, &|x: &[H], t: &[H], out: &mut [H]| {
                    wide2(x, t, out, |x, t, out| {
                        Inside::check(&checks, level, x, t);
                        map2(level, f, x, t, out, stream);
                    });
                })?;
                return Inside::verdict(&checks);
            }
            (Reduction::None, Some(w)) => {
                let f = Scaled { f, share: 1.0 };
                drive::map3(
                    op.name(),
                    cost,
                    &w,
                    &x,
                    &target,
                    &mut out,
                    &|w: &[H], x: &[H], t: &[H], out: &mut [H]| {
                        wide3(w, x, t, out, |w, x, t, out| {
                            Inside::check(&checks, level, x, t);
                            map3(level, f, w, x, t, out, false);
                        });
                    },
                )?;
                return Inside::verdict(&checks);
            }
            (_, None) => sum(op, cost, Operands::<H, 2>::new([x, target])?, x.numel(), |[x, t]| {
                Inside::check(&checks, level, x, t);
                level.enter(Sum { f, x, t, w: None })
            })?,
            (_, Some(w)) => sum(op, cost, Operands::<H, 3>::new([x, target, w])?, x.numel(), |[x, t, w]| {
                Inside::check(&checks, level, x, t);
                level.enter(Sum { f, x, t, w: Some(w) })
            })?,
        };
        Inside::verdict(&checks)?;
        store::<H>(&[tree::of(total.to_f64() / self.divisor::<H>()?)], out)
    }

    fn gradient_of<H: Stored, F: Function2>(
        self,
        cost: Cost,
        f: F,
        grad: View<'_>,
        mut out: ViewMut<'_>,
    ) -> Result<()> {
        let Call { level, op, reduction, x, target, weight } = self;
        let (factor, share) = match reduction {
            Reduction::None => (Some(grad), 1.0),
            _ => {
                let share: H::Wide = tree::of(scalar::<H>(grad)?.to_f64() / self.divisor::<H>()?);
                (weight, share.to_f64())
            }
        };
        let f = Scaled { f, share };
        let stream = streams(out.numel() * size_of::<H>());
        match factor {
            None => {
                drive::map2(op.name(), cost, &x, &target, &mut out, &|x: &[H], t: &[H], out: &mut [H]| {
                    wide2(x, t, out, |x, t, out| map2(level, f, x, t, out, stream));
                })
            }
            Some(w) => drive::map3(
                op.name(),
                cost,
                &w,
                &x,
                &target,
                &mut out,
                &|w: &[H], x: &[H], t: &[H], out: &mut [H]| {
                    wide3(w, x, t, out, |w, x, t, out| map3(level, f, w, x, t, out, stream));
                },
            ),
        }
    }

    /// What the sum of the losses is divided by.
    fn divisor<H: Stored>(self) -> Result<f64> {
        Ok(match (self.reduction, self.op, self.weight) {
            (Reduction::Mean, Loss::Mse | Loss::L1, Some(w)) => {
                let weights = Operands::<H, 1>::new([w])?;
                sum(self.op, Cost::LIGHT, weights, w.numel(), |[w]| chunk_sum(self.level, w))?.to_f64()
            }
            (Reduction::Mean, _, _) => self.x.numel() as f64,
            _ => 1.0,
        })
    }
}

/// The sum over chunks of the operands, of which `of` gives those of one.
fn sum<H: Stored, const N: usize>(
    op: Loss,
    cost: Cost,
    operands: Operands<'_, H, N>,
    n: usize,
    of: impl Fn([&[H::Wide]; N]) -> H::Wide + Sync,
) -> Result<H::Wide> {
    let length = chunk::<H::Wide>();
    if n <= length {
        return Ok(if n == 0 { H::Wide::default() } else { operands.with(0, n, &of) });
    }
    let mut sums = filled(op.name(), n.div_ceil(length), H::Wide::default())?;
    let per_task = cost.chunk(n).div_ceil(length);
    threads::parallel_chunks_mut(&mut sums, per_task, |task, sums| {
        for (i, sum) in sums.iter_mut().enumerate() {
            let start = (task * per_task + i) * length;
            *sum = operands.with(start, length.min(n - start), &of);
        }
    });
    let mut total = Pairwise::new();
    sums.into_iter().for_each(|sum| total.push(sum));
    Ok(total.total())
}

/// The sum of `f(x, t)`, times a weight if there is one, over a chunk.
struct Sum<'a, F, T> {
    f: F,
    x: &'a [T],
    t: &'a [T],
    w: Option<&'a [T]>,
}

impl<F: Function2, T: Float> Kernel for Sum<'_, F, T> {
    type Output = T;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> T {
        let (x, t) = (T::V::<I>::chunks(self.x), T::V::<I>::chunks(self.t));
        match self.w {
            None => tree::sum::<T::V<I>, _>(isa, &Losses { f: self.f, x, t }),
            Some(w) => {
                let losses = Losses { f: self.f, x, t };
                tree::sum::<T::V<I>, _>(isa, &Weighted { losses, w: T::V::<I>::chunks(w) })
            }
        }
    }
}

/// Whole vectors, and what is left over.
type Chunks<'a, V> = (&'a [<V as Real>::Array], &'a [<V as Real>::Scalar]);

struct Losses<'a, F, V: Real> {
    f: F,
    x: Chunks<'a, V>,
    t: Chunks<'a, V>,
}

impl<F: Function2, V: Vector> Losses<'_, F, V> {
    /// Of what is left over, with something in the lanes behind.
    #[inline(always)]
    fn tail(&self, isa: V::Isa) -> V {
        self.f.call(isa, padded::<V>(isa, self.x.1), padded(isa, self.t.1))
    }
}

impl<F: Function2, V: Vector> Terms<V> for Losses<'_, F, V> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.x.0.len()
    }
    #[inline(always)]
    fn at(&self, isa: V::Isa, i: usize) -> V {
        self.f.call(isa, V::load(isa, &self.x.0[i]), V::load(isa, &self.t.0[i]))
    }
    #[inline(always)]
    fn last(&self, isa: V::Isa) -> Option<V> {
        let n = self.x.1.len();
        if n == 0 { None } else { Some(tree::first(isa, self.tail(isa), n)) }
    }
}

struct Weighted<'a, F, V: Real> {
    losses: Losses<'a, F, V>,
    w: Chunks<'a, V>,
}

impl<F: Function2, V: Vector> Terms<V> for Weighted<'_, F, V> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.losses.len()
    }
    #[inline(always)]
    fn at(&self, isa: V::Isa, i: usize) -> V {
        self.losses.at(isa, i).mul(V::load(isa, &self.w.0[i]))
    }
    #[inline(always)]
    fn last(&self, isa: V::Isa) -> Option<V> {
        let n = self.w.1.len();
        if n == 0 {
            None
        } else {
            Some(tree::first(isa, self.losses.tail(isa).mul(padded(isa, self.w.1)), n))
        }
    }
}

/// Whether all inputs and targets of `binary_cross_entropy` were in [0, 1], which NaN is not.
#[derive(Default)]
struct Inside {
    input_strays: AtomicBool,
    target_strays: AtomicBool,
}

impl Inside {
    fn check<T: Float>(checks: &Option<Inside>, level: Level, x: &[T], t: &[T]) {
        let Some(checks) = checks else { return };
        for (slice, strays) in [(x, &checks.input_strays), (t, &checks.target_strays)] {
            if !level.enter(InUnit(slice)) {
                strays.store(true, Ordering::Relaxed);
            }
        }
    }

    fn verdict(checks: &Option<Inside>) -> Result<()> {
        let Some(checks) = checks else { return Ok(()) };
        let rule = if checks.input_strays.load(Ordering::Relaxed) {
            "elements of the input lie outside of [0, 1]"
        } else if checks.target_strays.load(Ordering::Relaxed) {
            "elements of the target lie outside of [0, 1]"
        } else {
            return Ok(());
        };
        Err(TensorError::new(ErrorKind::Value, Loss::BinaryCrossEntropy.name(), rule))
    }
}

/// Whether all elements lie in [0, 1].
struct InUnit<'a, T>(&'a [T]);

impl<T: Float> Kernel for InUnit<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Isa>(self, _: I) -> bool {
        let (zero, one) = (T::from_f64(0.0), T::from_f64(1.0));
        let mut inside = true;
        for &v in self.0 {
            inside &= (v >= zero) & (v <= one);
        }
        inside
    }
}

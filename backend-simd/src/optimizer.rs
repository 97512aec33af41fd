//! Optimizer steps over all parameters of a call, a pass each and one fork and join for all.
//!
//! The order of operations is that of the [definition](rusttorch_backend::composed::optimizer_step). Parameters that
//! lie without gaps, with a gradient and states that do, are cut into pieces, and small ones gathered, so that a task
//! is worth its while; others go through copies without gaps, so that their bits are the same.

use rusttorch_backend::ops::Optimizer;
use rusttorch_backend::{
    Allocation, Backend, Capabilities, DType, DTypeSet, ErrorKind, Family, Layout, ParamStep, Result,
    TensorError, View, ViewMut, bf16, composed, f16,
};

use crate::arch::{Isa, Kernel, Level, Real, threads};
use crate::elementwise::padded;
use crate::float::{Float, Stored};
use crate::math::Vector;
use crate::tuning::Cost;

/// One step on all parameters.
pub(crate) fn step<B: Backend + ?Sized>(
    be: &B,
    level: Level,
    optimizer: Optimizer,
    params: &mut [ParamStep<'_>],
) -> Result<()> {
    let count = optimizer.state_count();
    for p in &*params {
        if p.state.len() != count {
            let rule = "wrong number of state tensors";
            return Err(TensorError::new(ErrorKind::Internal, optimizer.name(), rule)
                .with("expected", count)
                .with("given", p.state.len()));
        }
    }
    // Mostly all are of one type and dense.
    let mut dense: [Vec<&mut ParamStep<'_>>; 4] = Default::default();
    for p in params {
        let of = match p.param.dtype() {
            DType::F32 => 0,
            DType::F64 => 1,
            DType::F16 => 2,
            _ => 3,
        };
        if is_dense(p) { dense[of].push(p) } else { strided(be, level, optimizer, p)? }
    }
    let [singles, doubles, halves, brains] = dense;
    step_of::<f32>(level, optimizer, singles)?;
    step_of::<f64>(level, optimizer, doubles)?;
    step_of::<f16>(level, optimizer, halves)?;
    step_of::<bf16>(level, optimizer, brains)
}

/// A step on a parameter with gaps.
fn strided<B: Backend + ?Sized>(
    be: &B,
    level: Level,
    optimizer: Optimizer,
    p: &mut ParamStep<'_>,
) -> Result<()> {
    let dtype = p.param.dtype();
    let layout = Layout::contiguous(optimizer.name(), p.param.shape())?;
    let dense = |x: View<'_>| -> Result<Allocation> {
        let mut fresh = be.alloc(layout.numel().saturating_mul(dtype.size()))?;
        be.copy(x, ViewMut::new(&mut *fresh, &layout, dtype)?)?;
        Ok(fresh)
    };
    let (mut param, grad) = (dense(p.param.as_view())?, dense(p.grad)?);
    let mut states = p.state.iter().map(|s| dense(s.as_view())).collect::<Result<Vec<_>>>()?;
    let mut state = Vec::with_capacity(states.len());
    for s in &mut states {
        state.push(ViewMut::new(&mut **s, &layout, dtype)?);
    }
    let mut copy = ParamStep {
        param: ViewMut::new(&mut *param, &layout, dtype)?,
        grad: View::new(&*grad, &layout, dtype)?,
        state,
        step: p.step,
    };
    let one = vec![&mut copy];
    match dtype {
        DType::F32 => step_of::<f32>(level, optimizer, one)?,
        DType::F64 => step_of::<f64>(level, optimizer, one)?,
        DType::F16 => step_of::<f16>(level, optimizer, one)?,
        DType::BF16 => step_of::<bf16>(level, optimizer, one)?,
        _ => return composed::optimizer_step(be, optimizer, std::slice::from_mut(p)),
    }
    be.copy(copy.param.as_view(), p.param.reborrow())?;
    for (from, to) in copy.state.iter().zip(&mut p.state) {
        be.copy(from.as_view(), to.reborrow())?;
    }
    Ok(())
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims.with(Family::OptimizerStep, DTypeSet::FLOATS)
}

/// Whether all tensors of a parameter lie without gaps and have one shape and float dtype.
fn is_dense(p: &ParamStep<'_>) -> bool {
    let (layout, dtype) = (p.param.layout(), p.param.dtype());
    let fits =
        |other: &Layout, of: DType| other.is_contiguous() && other.shape() == layout.shape() && of == dtype;
    dtype.is_float()
        && layout.is_contiguous()
        && fits(p.grad.layout(), p.grad.dtype())
        && p.state.iter().all(|s| fits(s.layout(), s.dtype()))
}

/// The step on parameters of one type, all dense.
fn step_of<H: Stored>(level: Level, optimizer: Optimizer, params: Vec<&mut ParamStep<'_>>) -> Result<()> {
    let total: usize = params.iter().map(|p| p.param.numel()).sum();
    if total == 0 {
        return Ok(());
    }
    let cost = match optimizer {
        Optimizer::Sgd { .. } => SGD,
        Optimizer::Adam { .. } => ADAM,
    };
    let size = cost.chunk(total);
    let mut pieces: Vec<Piece<'_, H>> = Vec::with_capacity(params.len() + total / size);
    // Its powers take longer than a small parameter, and most have taken as many steps as the one before.
    let mut last = None;
    for p in params {
        let rule = match last {
            Some((step, rule)) if step == p.step => rule,
            _ => Rule::new(optimizer, p.step),
        };
        last = Some((p.step, rule));
        let ParamStep { param, grad, state, .. } = p;
        let range = |layout: &Layout| layout.contiguous_range().unwrap_or(0..0);
        let (at, from) = (range(param.layout()), range(grad.layout()));
        let mut param = &mut param.host_mut::<H>()?[at];
        let mut grad = &grad.host::<H>()?[from];
        let mut states: [&mut [H]; 2] = [&mut [], &mut []];
        for (slot, state) in states.iter_mut().zip(state) {
            let at = range(state.layout());
            *slot = &mut state.host_mut::<H>()?[at];
        }
        while !param.is_empty() {
            let n = size.min(param.len());
            let (head, rest) = std::mem::take(&mut param).split_at_mut(n);
            let (grad_head, grad_rest) = grad.split_at(n);
            let heads = states.each_mut().map(|state| {
                // A rule without this state has none of its elements.
                let n = n.min(state.len());
                let (head, rest) = std::mem::take(state).split_at_mut(n);
                *state = rest;
                head
            });
            pieces.push(Piece { rule, param: head, grad: grad_head, states: heads });
            (param, grad) = (rest, grad_rest);
        }
    }
    let mut tasks = Vec::with_capacity(total.div_ceil(size) + 1);
    let mut rest = &mut pieces[..];
    while !rest.is_empty() {
        let (mut elements, mut n) = (0, 0);
        while n < rest.len() && (n == 0 || elements + rest[n].param.len() <= size) {
            elements += rest[n].param.len();
            n += 1;
        }
        let (task, others) = std::mem::take(&mut rest).split_at_mut(n);
        tasks.push(task);
        rest = others;
    }
    threads::parallel_each(&mut tasks, |_, pieces| pieces.iter_mut().for_each(|piece| piece.step(level)));
    Ok(())
}

/// What an element costs while its memory is near.
const SGD: Cost = Cost(250);
const ADAM: Cost = Cost(1000);

/// Neighbouring elements of a parameter, and those of its gradient and states.
struct Piece<'a, H> {
    rule: Rule,
    param: &'a mut [H],
    grad: &'a [H],
    states: [&'a mut [H]; 2],
}

/// Elements of a tile of halves, of which there are up to four.
const TILE: usize = 512;

impl<H: Stored> Piece<'_, H> {
    fn step(&mut self, level: Level) {
        let [first, second] = &mut self.states;
        let rule = self.rule;
        if let (Some(param), Some(grad), Some(first), Some(second)) =
            (H::as_wide_mut(self.param), H::as_wide(self.grad), H::as_wide_mut(first), H::as_wide_mut(second))
        {
            level.enter(Step { rule, param, grad, first, second });
            return;
        }
        let mut tiles = [[H::Wide::default(); TILE]; 4];
        for start in (0..self.param.len()).step_by(TILE) {
            let range = start..self.param.len().min(start + TILE);
            // States that are not there stay empty.
            let part = |state: &[H]| range.start.min(state.len())..range.end.min(state.len());
            let (one, two) = (part(first), part(second));
            let [param, grad, m, v] = &mut tiles;
            let (param, grad) = (&mut param[..range.len()], &mut grad[..range.len()]);
            let (m, v) = (&mut m[..one.len()], &mut v[..two.len()]);
            H::all_to_wide(&self.param[range.clone()], param);
            H::all_to_wide(&self.grad[range.clone()], grad);
            H::all_to_wide(&first[one.clone()], m);
            H::all_to_wide(&second[two.clone()], v);
            level.enter(Step { rule, param, grad, first: m, second: v });
            H::all_of_wide(param, &mut self.param[range.clone()]);
            H::all_of_wide(m, &mut first[one]);
            H::all_of_wide(v, &mut second[two]);
        }
    }
}

/// A rule at some step: what does not depend on the element.
#[derive(Clone, Copy)]
enum Rule {
    Sgd(Sgd),
    Momentum(Momentum),
    Adam(Adam),
}

#[derive(Clone, Copy)]
struct Sgd {
    lr: f64,
    weight_decay: f64,
}

#[derive(Clone, Copy)]
struct Momentum {
    sgd: Sgd,
    momentum: f64,
    /// Share of the gradient that is added.
    share: f64,
    nesterov: bool,
    /// The first step keeps the whole gradient: dampening has nothing to damp yet.
    first: bool,
}

#[derive(Clone, Copy)]
struct Adam {
    beta1: f64,
    beta2: f64,
    eps: f64,
    /// `lr / (1 - beta1^t)`.
    step_size: f64,
    /// `sqrt(1 - beta2^t)`.
    correction: f64,
    /// L2 penalty; 0: none.
    weight_decay: f64,
    /// What the parameter is multiplied by before the step; 1: nothing.
    shrink: f64,
}

impl Rule {
    fn new(optimizer: Optimizer, step: u64) -> Rule {
        match optimizer {
            Optimizer::Sgd { lr, momentum, dampening, weight_decay, nesterov } => {
                let sgd = Sgd { lr, weight_decay };
                if momentum == 0.0 {
                    return Rule::Sgd(sgd);
                }
                let first = step == 1;
                Rule::Momentum(Momentum { sgd, momentum, share: 1.0 - dampening, nesterov, first })
            }
            Optimizer::Adam { lr, beta1, beta2, eps, weight_decay, decoupled } => {
                // In f64, from the step alone. By libm, not std: its bits do not depend on the platform.
                let t = step as f64;
                Rule::Adam(Adam {
                    beta1,
                    beta2,
                    eps,
                    step_size: lr / (1.0 - libm::pow(beta1, t)),
                    correction: (1.0 - libm::pow(beta2, t)).sqrt(),
                    weight_decay: if decoupled { 0.0 } else { weight_decay },
                    shrink: if decoupled { 1.0 - lr * weight_decay } else { 1.0 },
                })
            }
        }
    }
}

/// An update of vectors: parameter and states after the step.
trait Update: Copy {
    /// How many states there are.
    const STATES: usize;
    fn call<V: Vector>(self, isa: V::Isa, p: V, g: V, first: V, second: V) -> (V, V, V);
}

impl Sgd {
    /// `grad + weight_decay * param`. Without decay not `grad + 0 * param`: an infinite parameter must not turn its
    /// gradient into NaN.
    #[inline(always)]
    fn decayed<V: Vector>(weight_decay: f64, isa: V::Isa, p: V, g: V) -> V {
        if weight_decay == 0.0 { g } else { p.mul_add(V::constant(isa, weight_decay), g) }
    }
}

impl Update for Sgd {
    const STATES: usize = 0;

    #[inline(always)]
    fn call<V: Vector>(self, isa: V::Isa, p: V, g: V, first: V, second: V) -> (V, V, V) {
        let g = Sgd::decayed(self.weight_decay, isa, p, g);
        (g.mul_add(V::constant(isa, -self.lr), p), first, second)
    }
}

impl Update for Momentum {
    const STATES: usize = 1;

    #[inline(always)]
    fn call<V: Vector>(self, isa: V::Isa, p: V, g: V, buffer: V, second: V) -> (V, V, V) {
        let g = Sgd::decayed(self.sgd.weight_decay, isa, p, g);
        let momentum = V::constant(isa, self.momentum);
        let next = if self.first { g } else { g.mul_add(V::constant(isa, self.share), buffer.mul(momentum)) };
        let g = if self.nesterov { next.mul_add(momentum, g) } else { next };
        (g.mul_add(V::constant(isa, -self.sgd.lr), p), next, second)
    }
}

impl Update for Adam {
    const STATES: usize = 2;

    #[inline(always)]
    fn call<V: Vector>(self, isa: V::Isa, p: V, g: V, m: V, v: V) -> (V, V, V) {
        let g = Sgd::decayed(self.weight_decay, isa, p, g);
        // From the nearer end, as `lerp` does.
        let weight = 1.0 - self.beta1;
        let m = if weight.abs() < 0.5 {
            g.sub(m).mul_add(V::constant(isa, weight), m)
        } else {
            m.sub(g).mul_add(V::constant(isa, self.beta1), g)
        };
        let kept = v.mul(V::constant(isa, self.beta2));
        let v = g.mul(V::constant(isa, 1.0 - self.beta2)).mul_add(g, kept);
        let denominator = v.sqrt().div(V::constant(isa, self.correction)).add(V::constant(isa, self.eps));
        let p = if self.shrink == 1.0 { p } else { p.mul(V::constant(isa, self.shrink)) };
        (m.div(denominator).mul_add(V::constant(isa, -self.step_size), p), m, v)
    }
}

/// A step on slices: states that the rule does not have are empty.
struct Step<'a, T> {
    rule: Rule,
    param: &'a mut [T],
    grad: &'a [T],
    first: &'a mut [T],
    second: &'a mut [T],
}

impl<T: Float> Kernel for Step<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        match self.rule {
            Rule::Sgd(rule) => self.by(isa, rule),
            Rule::Momentum(rule) => self.by(isa, rule),
            Rule::Adam(rule) => self.by(isa, rule),
        }
    }
}

impl<T: Float> Step<'_, T> {
    #[inline(always)]
    fn by<I: Isa, U: Update>(self, isa: I, rule: U) {
        let (param, param_tail) = T::V::<I>::chunks_mut(self.param);
        let (grad, grad_tail) = T::V::<I>::chunks(self.grad);
        let (first, first_tail) = T::V::<I>::chunks_mut(self.first);
        let (second, second_tail) = T::V::<I>::chunks_mut(self.second);
        let none = <T::V<I> as Real>::constant(isa, 0.0);
        for (i, (p, g)) in param.iter_mut().zip(grad).enumerate() {
            let m = if U::STATES > 0 { Real::load(isa, &first[i]) } else { none };
            let v = if U::STATES > 1 { Real::load(isa, &second[i]) } else { none };
            let (param, m, v) = rule.call::<T::V<I>>(isa, Real::load(isa, p), Real::load(isa, g), m, v);
            param.store(p);
            if U::STATES > 0 {
                m.store(&mut first[i]);
            }
            if U::STATES > 1 {
                v.store(&mut second[i]);
            }
        }
        if !param_tail.is_empty() {
            // Through the same code, on copies that fill the lanes.
            let (p, g) = (padded::<T::V<I>>(isa, param_tail), padded(isa, grad_tail));
            let (p, m, v) = rule.call(isa, p, g, padded(isa, first_tail), padded(isa, second_tail));
            store_tail(p, param_tail);
            store_tail(m, first_tail);
            store_tail(v, second_tail);
        }
    }
}

/// As many elements of a vector as there is room for.
#[inline(always)]
fn store_tail<V: Real>(v: V, out: &mut [V::Scalar]) {
    let mut lanes = V::zeros();
    v.store(&mut lanes);
    out.copy_from_slice(&lanes.as_ref()[..out.len()]);
}

#[cfg(test)]
#[path = "optimizer_tests.rs"]
mod tests;

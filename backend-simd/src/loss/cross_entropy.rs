//! Cross-entropy by class indices: a row of logits at a time, whatever the layout, so that a row's loss depends on its
//! logits alone.

use rusttorch_backend::ops::{Loss, Reduction};
use rusttorch_backend::{ErrorKind, Layout, Nest, Result, Shape, Strides, TensorError, View, ViewMut};

use super::operands::{collect, filled, scalar, store, take};
use super::rows::{Costs, Slopes};
use super::tree::{of, sum_all};
use crate::arch::{Level, Scalar, threads};
use crate::float::Stored;
use crate::tuning::Cost;

const OP: &str = "cross_entropy";

/// An exponential, and reading twice.
const COST: Cost = Cost::MEDIUM;

/// A call, and its rows.
pub(super) struct Call<'a, H: Stored> {
    level: Level,
    label_smoothing: f64,
    reduction: Reduction,
    /// All logits.
    data: &'a [H],
    classes: usize,
    /// From class to class.
    stride: isize,
    rows: Vec<Row>,
    /// Rows that stand side by side behind the axis of the classes: one element of each after the other.
    beside: usize,
    weights: Option<Vec<H::Wide>>,
}

/// A row: where it starts, and its target, unless that is to be ignored.
#[derive(Clone, Copy)]
struct Row {
    from: isize,
    class: Option<usize>,
}

/// What a row costs: its target, all classes together, and the weight that counts.
#[derive(Clone, Copy, Default)]
struct Cost3<T> {
    hit: T,
    spread: T,
    used: T,
}

impl<'a, H: Stored> Call<'a, H> {
    /// `None` for what is not cross-entropy, or has no logits. Errors: `IndexValue`; `Memory`.
    pub(super) fn new(
        level: Level,
        op: Loss,
        reduction: Reduction,
        x: View<'a>,
        target: View<'_>,
        weight: Option<View<'_>>,
    ) -> Result<Option<Self>> {
        let Loss::CrossEntropy { ignore_index, label_smoothing } = op else { return Ok(None) };
        let (shape, strides) = (x.layout().shape(), x.layout().strides());
        if x.numel() == 0 || target.layout().rank() + 1 != shape.len() {
            return Ok(None);
        }
        let axis = (shape.len() > 1) as usize;
        let classes = shape[axis];
        let (mut kept, mut steps) = (Shape::from_slice(shape), Strides::from_slice(strides));
        kept.remove(axis);
        steps.remove(axis);
        let starts = Layout::new(OP, kept, steps, x.layout().offset())?;
        if starts.shape() != target.layout().shape() {
            return Ok(None);
        }
        let targets = target.host::<i64>()?;
        let mut rows = filled(OP, target.numel(), Row { from: 0, class: None })?;
        let mut slots = rows.iter_mut();
        let mut outside = None;
        Nest::new([&starts, target.layout()]).for_each(|[from, at]| {
            let Some(slot) = slots.next() else { return };
            slot.from = from as isize;
            let target = targets[at];
            if target != ignore_index {
                slot.class = usize::try_from(target).ok().filter(|&c| c < classes);
                if slot.class.is_none() {
                    outside.get_or_insert(target);
                }
            }
        });
        if let Some(index) = outside {
            return Err(TensorError::new(ErrorKind::IndexValue, OP, "index out of bounds")
                .with("index", index)
                .with("size", classes));
        }
        let weights = weight.map(|w| collect::<H>(OP, w)).transpose()?;
        if weights.as_ref().is_some_and(|w| w.len() != classes) {
            return Ok(None);
        }
        let (data, stride, beside) = (x.host()?, strides[axis], shape[axis + 1..].iter().product());
        Ok(Some(Call { level, label_smoothing, reduction, data, classes, stride, rows, beside, weights }))
    }

    /// The logits of a row: as they lie, or gathered.
    fn logits<'b>(&'b self, row: Row, gathered: &'b mut Vec<H::Wide>) -> &'b [H::Wide] {
        if self.stride == 1 {
            let from = row.from as usize;
            if let Some(x) = H::as_wide(&self.data[from..from + self.classes]) {
                return x;
            }
        }
        gathered.resize(self.classes, H::Wide::default());
        take(self.data, row.from, self.stride, gathered);
        gathered
    }

    /// What a target counts for.
    fn used(&self, class: usize) -> H::Wide {
        self.weights.as_ref().map_or(of(1.0), |w| w[class])
    }

    /// The sum of the weights of all targets.
    fn all_used(&self) -> Result<f64> {
        let mut used = filled(OP, self.rows.len(), H::Wide::default())?;
        for (used, row) in used.iter_mut().zip(&self.rows) {
            *used = row.class.map_or(of(0.0), |class| self.used(class));
        }
        Ok(sum_all(self.level, &used).to_f64())
    }

    pub(super) fn value(&self, out: ViewMut<'_>) -> Result<()> {
        let n = self.rows.len();
        let mut costs = filled(OP, n, Cost3::default())?;
        let per_task = n.div_ceil(COST.tasks(n, self.classes));
        threads::parallel_chunks_mut(&mut costs, per_task, |task, costs| {
            let mut gathered = Vec::new();
            for (cost, &row) in costs.iter_mut().zip(&self.rows[task * per_task..]) {
                let Some(class) = row.class else { continue };
                let (hit, spread) = self.level.enter(Costs {
                    x: self.logits(row, &mut gathered),
                    class,
                    spread: self.label_smoothing > 0.0,
                    weights: self.weights.as_deref(),
                });
                let used = self.used(class);
                // Once more for the unweighted: a product with 1 changes nothing.
                *cost = Cost3 { hit: of(hit.to_f64() * used.to_f64()), spread, used };
            }
        });
        let share = of::<H::Wide>(1.0 - self.label_smoothing).to_f64();
        let each = of::<H::Wide>(self.label_smoothing / self.classes as f64).to_f64();
        let smoothed = self.label_smoothing > 0.0;
        let total = |hit: H::Wide, spread: H::Wide| match smoothed {
            true => of((hit.to_f64() * share) + spread.to_f64() * each),
            false => hit,
        };
        let mut column = filled(OP, n, H::Wide::default())?;
        if self.reduction == Reduction::None {
            column.iter_mut().zip(&costs).for_each(|(to, c)| *to = total(c.hit, c.spread));
            return store::<H>(&column, out);
        }
        let mut sum = |of: fn(&Cost3<H::Wide>) -> H::Wide| {
            column.iter_mut().zip(&costs).for_each(|(to, c)| *to = of(c));
            sum_all(self.level, &column).to_f64()
        };
        let hits = sum(|c| c.hit);
        let spreads = if smoothed { sum(|c| c.spread) } else { 0.0 };
        let used = if self.reduction == Reduction::Mean { sum(|c| c.used) } else { 1.0 };
        store::<H>(&[total(of(hits / used), of(spreads / used))], out)
    }

    /// `None` where the output has gaps.
    pub(super) fn gradient(&self, grad: View<'_>, mut out: ViewMut<'_>) -> Option<Result<()>> {
        let range = out.layout().contiguous_range()?;
        let write = || {
            let grads = match self.reduction {
                Reduction::None => Grads::Each(collect::<H>(OP, grad)?),
                Reduction::Sum => Grads::All(scalar::<H>(grad)?.to_f64()),
                Reduction::Mean => {
                    Grads::All(of::<H::Wide>(scalar::<H>(grad)?.to_f64() / self.all_used()?).to_f64())
                }
            };
            self.write_gradient(&grads, &mut out.host_mut::<H>()?[range])
        };
        Some(write())
    }

    fn write_gradient(&self, grads: &Grads<H::Wide>, out: &mut [H]) -> Result<()> {
        let beside = self.beside;
        let blocks = self.rows.len() / beside;
        let share = of::<H::Wide>(1.0 - self.label_smoothing).to_f64();
        let each = self.label_smoothing / self.classes as f64;
        let weights = self.weights.as_deref();
        let all = match weights {
            _ if self.label_smoothing <= 0.0 => 0.0,
            None => self.classes as f64,
            Some(w) => sum_all(self.level, w).to_f64(),
        };
        let per_task = blocks.div_ceil(COST.tasks(blocks, beside * self.classes));
        threads::parallel_chunks_mut(out, per_task * beside * self.classes, |task, out| {
            let (mut gathered, mut slopes) = (Vec::new(), Vec::new());
            for (i, block) in out.chunks_mut(beside * self.classes).enumerate() {
                let start = (task * per_task + i) * beside;
                for (j, &row) in self.rows[start..start + beside].iter().enumerate() {
                    let (target, each) = match row.class {
                        None => (None, 0.0),
                        Some(class) => {
                            let g = grads.of(start + j);
                            let hit: H::Wide = of(self.used(class).to_f64() * share * g);
                            // Not 0 times a gradient that may be infinite, as one through a mean over nothing is.
                            (Some((class, hit)), if self.label_smoothing > 0.0 { each * g } else { 0.0 })
                        }
                    };
                    let hit = target.map_or(0.0, |(_, hit)| hit.to_f64());
                    let total = match weights {
                        _ if each == 0.0 => of(hit),
                        // Infinities of both signs are NaN, which their product with the sum would not be.
                        Some(w) if !each.is_finite() => {
                            of(hit + w.iter().map(|w| w.to_f64() * each).sum::<f64>())
                        }
                        _ => of(hit + each * all),
                    };
                    let x = self.logits(row, &mut gathered);
                    let weights =
                        if self.label_smoothing > 0.0 && row.class.is_some() { weights } else { None };
                    let each = of(each);
                    let kernel = |out| Slopes { x, target, each, weights, total, out };
                    if beside == 1
                        && let Some(out) = H::as_wide_mut(block)
                    {
                        self.level.enter(kernel(out));
                        continue;
                    }
                    slopes.resize(self.classes, H::Wide::default());
                    self.level.enter(kernel(&mut slopes));
                    for (slot, &v) in block[j..].iter_mut().step_by(beside).zip(&slopes) {
                        *slot = H::of_wide(v);
                    }
                }
            }
        });
        Ok(())
    }
}

/// The gradients of the rows.
enum Grads<T> {
    All(f64),
    Each(Vec<T>),
}

impl<T: Scalar> Grads<T> {
    fn of(&self, row: usize) -> f64 {
        match self {
            Grads::All(g) => *g,
            Grads::Each(g) => g[row].to_f64(),
        }
    }
}

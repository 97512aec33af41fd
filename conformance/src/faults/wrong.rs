//! What the mistakes are made of: slow, readable and wrong on purpose.

use rusttorch_backend::ops::{Conv, ReduceOp, ScatterOp, SortOp};
use rusttorch_backend::{Allocation, Backend, DType, Layout, Result, Scalar, Strides, View, ViewMut};

use crate::dense::{Dense, advance};
use crate::layouts::positions;

/// The elements of a view.
pub(super) fn read(be: &dyn Backend, x: View<'_>) -> Result<Dense> {
    let size = x.dtype().size();
    let mut bytes = vec![0; x.buffer().len()];
    be.download(x.buffer(), 0, &mut bytes)?;
    let at = positions(x.layout());
    let elements: Vec<u8> = at.iter().flat_map(|&p| bytes[p * size..][..size].iter().copied()).collect();
    Ok(Dense::new(x.dtype(), x.shape(), &elements).unwrap_or_else(|| Dense::zeros(x.dtype(), x.shape())))
}

/// Writes the elements of a view.
pub(super) fn write(be: &dyn Backend, out: ViewMut<'_>, values: &Dense) -> Result<()> {
    write_bytes(be, out, values.bytes())
}

pub(super) fn write_bytes(be: &dyn Backend, mut out: ViewMut<'_>, elements: &[u8]) -> Result<()> {
    let size = out.dtype().size();
    let layout = out.layout().clone();
    for (p, element) in positions(&layout).into_iter().zip(elements.chunks_exact(size)) {
        be.upload(element, out.buffer_mut(), p * size)?;
    }
    Ok(())
}

/// Replaces each element.
pub(super) fn replace(
    be: &dyn Backend,
    out: ViewMut<'_>,
    value: impl Fn(usize, Scalar) -> Scalar,
) -> Result<()> {
    let old = read(be, out.as_view())?;
    let new = Dense::from_fn(old.dtype(), old.shape(), |i| value(i, old.scalar(i)));
    write(be, out, &new)
}

/// Replaces each element that `value` changes, as f64.
pub(super) fn edit(be: &dyn Backend, out: ViewMut<'_>, value: impl Fn(usize, f64) -> f64) -> Result<()> {
    replace(be, out, |i, v| {
        let new = value(i, v.to_f64());
        // Unchanged bits stay, so that a large integer is not rounded on the way.
        if new.to_bits() == v.to_f64().to_bits() { v } else { Scalar::Float(new) }
    })
}

/// The layout that a kernel sees which forgets the strides, or (keeping them) the offset.
pub(super) fn relayout(layout: &Layout, keep_strides: bool) -> Option<Layout> {
    if keep_strides {
        return Layout::new("fault", layout.shape().into(), Strides::from_slice(layout.strides()), 0).ok();
    }
    let plain = Layout::contiguous("fault", layout.shape()).ok()?;
    Layout::new("fault", layout.shape().into(), Strides::from_slice(plain.strides()), layout.offset()).ok()
}

/// A contiguous temporary.
pub(super) struct Held {
    buffer: Allocation,
    layout: Layout,
    dtype: DType,
}

impl Held {
    pub(super) fn of(be: &dyn Backend, values: &Dense) -> Result<Held> {
        let mut buffer = be.alloc(values.bytes().len())?;
        be.upload(values.bytes(), &mut *buffer, 0)?;
        Ok(Held { buffer, layout: Layout::contiguous("fault", values.shape())?, dtype: values.dtype() })
    }

    pub(super) fn like(be: &dyn Backend, out: &ViewMut<'_>) -> Result<Held> {
        Held::of(be, &Dense::zeros(out.dtype(), out.shape()))
    }

    pub(super) fn view(&self) -> Result<View<'_>> {
        View::new(&*self.buffer, &self.layout, self.dtype)
    }

    pub(super) fn out(&mut self) -> Result<ViewMut<'_>> {
        ViewMut::new(&mut *self.buffer, &self.layout, self.dtype)
    }
}

/// Calls with a dense tensor as a view.
pub(super) fn with_dense(
    be: &dyn Backend,
    values: &Dense,
    call: impl FnOnce(View<'_>) -> Result<()>,
) -> Result<()> {
    let held = Held::of(be, values)?;
    call(held.view()?)
}

/// Changes the element behind the last one of a view.
pub(super) fn write_past(be: &dyn Backend, mut out: ViewMut<'_>) -> Result<()> {
    let (end, size) = (out.layout().end(), out.dtype().size());
    if (end + 1) * size > out.buffer().len() {
        return Ok(());
    }
    be.upload(&vec![0x77; size], out.buffer_mut(), end * size)
}

/// The row-major index of the result cell that each element of `shape` falls into.
fn cells(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    (0..shape.iter().product::<usize>())
        .map(|_| {
            let cell = shape
                .iter()
                .enumerate()
                .fold(0, |at, (d, &n)| if axes.contains(&d) { at } else { at * n + index[d] });
            advance(&mut index, shape);
            cell
        })
        .collect()
}

/// A sum that is rounded to the dtype after every term.
pub(super) fn running_sum(be: &dyn Backend, x: View<'_>, axes: &[usize], out: ViewMut<'_>) -> Result<()> {
    let x = read(be, x)?;
    let round = |v: f64| Dense::full(x.dtype(), &[], Scalar::Float(v)).f64(0);
    let mut sums = vec![0.0; out.numel()];
    for (i, cell) in cells(x.shape(), axes).into_iter().enumerate() {
        sums[cell] = if x.dtype() == DType::F32 {
            f64::from((sums[cell] + x.f64(i)) as f32)
        } else {
            round(sums[cell] + x.f64(i))
        };
    }
    edit(be, out, |i, _| sums[i])
}

/// `(sum x^2 - (sum x)^2 / n) / (n - correction)` in the dtype's precision.
pub(super) fn var_of_squares(
    be: &dyn Backend,
    correction: f64,
    x: View<'_>,
    axes: &[usize],
    mut out: ViewMut<'_>,
) -> Result<()> {
    be.reduce(ReduceOp::Var { correction }, x, axes, out.reborrow())?;
    let x = read(be, x)?;
    let n = (x.numel() / out.numel().max(1)) as f64;
    let (mut sums, mut squares) = (vec![0.0f64; out.numel()], vec![0.0f64; out.numel()]);
    for (i, cell) in cells(x.shape(), axes).into_iter().enumerate() {
        let v = x.f64(i);
        sums[cell] = f64::from((sums[cell] + v) as f32);
        squares[cell] = f64::from((squares[cell] + v * v) as f32);
    }
    edit(be, out, |i, v| {
        let new = (squares[i] - sums[i] * sums[i] / n) / (n - correction);
        if v.is_finite() && n > correction { new } else { v }
    })
}

/// A product by a rule of accumulation.
pub(super) fn product(
    be: &dyn Backend,
    a: View<'_>,
    b: View<'_>,
    out: ViewMut<'_>,
    add: impl Fn(f64, f64, f64) -> f64,
) -> Result<()> {
    let (a, b) = (read(be, a)?, read(be, b)?);
    let rank = a.shape().len();
    let (m, k, n) = (a.shape()[rank - 2], a.shape()[rank - 1], b.shape()[rank - 1]);
    edit(be, out, |i, _| {
        let (batch, row, column) = (i / (m * n), i / n % m, i % n);
        (0..k).fold(0.0, |sum, j| {
            add(sum, a.f64((batch * m + row) * k + j), b.f64((batch * k + j) * n + column))
        })
    })
}

/// scatter_add where of several values for one place only the last is added.
pub(super) fn scatter_add_once(
    be: &dyn Backend,
    mut io: ViewMut<'_>,
    axis: usize,
    index: View<'_>,
    src: View<'_>,
) -> Result<()> {
    let start = read(be, io.as_view())?;
    be.scatter(ScatterOp::Assign, io.reborrow(), axis, index, src)?;
    let touched = {
        let mut held = Held::of(be, &Dense::zeros(start.dtype(), start.shape()))?;
        let ones = Held::of(be, &Dense::full(src.dtype(), src.shape(), Scalar::Int(1)))?;
        be.scatter(ScatterOp::Assign, held.out()?, axis, index, ones.view()?)?;
        read(be, held.view()?)?
    };
    edit(be, io, |i, v| if touched.f64(i) != 0.0 { v + start.f64(i) } else { v })
}

/// What of a line's order is wrong.
#[derive(Clone, Copy)]
pub(super) enum Disorder {
    /// NaN below every number.
    NanFirst,
    /// Equal elements in the reverse of their original order.
    EqualsReversed,
    /// Each index that of the place in the order, not of the element.
    PlacesForIndices,
}

/// A sort or selection with a mistake.
pub(super) fn disordered(
    be: &dyn Backend,
    disorder: Disorder,
    op: SortOp,
    x: View<'_>,
    axis: usize,
    (values, indices): (ViewMut<'_>, ViewMut<'_>),
) -> Result<()> {
    let x = read(be, x)?;
    let inner: usize = x.shape()[axis + 1..].iter().product();
    let n = x.shape()[axis];
    let (descending, skipped) = match op {
        SortOp::Sort { descending } => (descending, 0),
        SortOp::Topk { largest, .. } => (largest, 0),
        SortOp::Kth { k } => (false, k),
        SortOp::Median { .. } => (false, n.saturating_sub(1) / 2),
    };
    let k = op.gives(n);
    let nan = if matches!(disorder, Disorder::NanFirst) { f64::NEG_INFINITY } else { f64::NAN };
    // The place in the order, and where in `x` the element that has it lies.
    let place = |i: usize| -> (usize, usize) {
        let (outer, rank, offset) = (i / (inner * k), i / inner % k + skipped, i % inner);
        let at = |j: usize| (outer * n + j) * inner + offset;
        let mut order: Vec<usize> = (0..n).collect();
        if matches!(disorder, Disorder::EqualsReversed) {
            order.reverse();
        }
        let key = |j: usize| match x.f64(at(j)) {
            v if v.is_nan() => nan,
            v => v + 0.0,
        };
        order
            .sort_by(|&a, &b| if descending { key(b).total_cmp(&key(a)) } else { key(a).total_cmp(&key(b)) });
        (rank, at(order[rank]))
    };
    replace(be, values, |i, _| x.scalar(place(i).1))?;
    replace(be, indices, |i, _| {
        let (rank, at) = place(i);
        let index = if matches!(disorder, Disorder::PlacesForIndices) { rank } else { at / inner % n };
        Scalar::Int(index as i64)
    })
}

/// A convolution of which only the first tap of each window counts.
pub(super) fn conv_of_first_taps(
    be: &dyn Backend,
    conv: &Conv,
    x: View<'_>,
    weight: View<'_>,
    bias: Option<View<'_>>,
    mut out: ViewMut<'_>,
) -> Result<()> {
    let mut held = Held::of(be, &read(be, weight)?)?;
    let taps: usize = weight.shape()[2..].iter().product();
    edit(be, held.out()?, |i, v| if i % taps == 0 { v } else { 0.0 })?;
    be.conv(conv, x, held.view()?, bias, out.reborrow())
}

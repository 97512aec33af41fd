//! Convolution and pooling: a padded copy, a strided view of all its windows, and one primitive over them.

use smallvec::SmallVec;

use super::Temp;
use super::calc::{Calc, Operand};
use crate::backend::Backend;
use crate::element::Scalar;
use crate::error::{ErrorKind, Result, TensorError};
use crate::layout::{Layout, Shape, Strides, numel};
use crate::ops::{BinaryOp, Conv, Pool, PoolKind, ReduceOp};
use crate::view::{View, ViewMut};

/// Windows along the spatial axes, checked to lie inside of the padded input.
struct Windows {
    /// Sizes of the padded input.
    padded: Shape,
    padding: SmallVec<[usize; 3]>,
    window: SmallVec<[usize; 3]>,
    stride: SmallVec<[usize; 3]>,
    dilation: SmallVec<[usize; 3]>,
    /// How many windows there are.
    count: SmallVec<[usize; 3]>,
}

impl Windows {
    /// Error: `Shape` where lists or sizes do not fit together.
    fn new(
        op: &'static str,
        input: &[usize],
        window: &[usize],
        count: &[usize],
        [stride, padding, dilation]: [&[usize]; 3],
    ) -> Result<Self> {
        let rank = input.len();
        let broken = || {
            TensorError::new(ErrorKind::Shape, op, "windows do not lie inside of the padded input")
                .with("input", input)
                .with("window", window)
                .with("windows", count)
                .with("stride", stride)
                .with("padding", padding)
                .with("dilation", dilation)
        };
        if [window.len(), count.len(), stride.len(), padding.len(), dilation.len()] != [rank; 5] {
            return Err(broken());
        }
        let mut padded = Shape::new();
        for d in 0..rank {
            let size = padding[d].checked_mul(2).and_then(|p| p.checked_add(input[d])).ok_or_else(broken)?;
            let span = |n: usize, step: usize| n.checked_sub(1).and_then(|n| n.checked_mul(step));
            // Without a tap or a window nothing is read.
            if let (Some(taps), Some(steps)) = (span(window[d], dilation[d]), span(count[d], stride[d])) {
                let reach = taps.checked_add(steps).ok_or_else(broken)?;
                if reach >= size {
                    return Err(broken());
                }
            } else if window[d] > 0 && count[d] > 0 {
                return Err(broken());
            }
            padded.push(size);
        }
        let list = SmallVec::from_slice;
        Ok(Windows {
            padded,
            padding: list(padding),
            window: list(window),
            stride: list(stride),
            dilation: list(dilation),
            count: list(count),
        })
    }

    fn is_padded(&self) -> bool {
        self.padding.iter().any(|&p| p > 0)
    }

    /// A temporary for the padded input with `lead` axes in front, filled with `value`; none is needed
    /// without padding.
    fn pad<B: Backend + ?Sized>(&self, c: &Calc<'_, B>, lead: &[usize], value: f64) -> Result<Option<Temp>> {
        if !self.is_padded() {
            return Ok(None);
        }
        let shape: Shape = lead.iter().chain(&self.padded).copied().collect();
        let mut temp = c.temp(&shape)?;
        c.be.fill(Scalar::Float(value), temp.out()?)?;
        Ok(Some(temp))
    }

    /// Copies `x` into the middle of the padded temporary.
    fn fill<B: Backend + ?Sized>(&self, c: &Calc<'_, B>, x: View<'_>, padded: &mut Temp) -> Result<()> {
        let lead = x.layout().rank() - self.padding.len();
        let mut middle = padded.layout().clone();
        for (d, &p) in self.padding.iter().enumerate() {
            middle = middle.narrow((lead + d) as isize, p as isize, x.shape()[lead + d])?;
        }
        c.be.copy(x, padded.out()?.with_layout(&middle)?)
    }

    /// Every window of a (padded) input: `[lead.., S..]` becomes `[lead.., taps.., windows..]`, or with
    /// `taps_last` `[lead.., windows.., taps..]`.
    fn view(&self, op: &'static str, input: &Layout, taps_last: bool) -> Result<Layout> {
        let lead = input.rank() - self.window.len();
        let (mut shape, mut strides) = (Shape::new(), Strides::new());
        shape.extend_from_slice(&input.shape()[..lead]);
        strides.extend_from_slice(&input.strides()[..lead]);
        let taps = (&self.window, &self.dilation);
        let windows = (&self.count, &self.stride);
        for (sizes, steps) in if taps_last { [windows, taps] } else { [taps, windows] } {
            for (d, &n) in sizes.iter().enumerate() {
                shape.push(n);
                // The step of a single element leads nowhere, so it may saturate; the others were checked.
                let step = isize::try_from(steps[d]).unwrap_or(isize::MAX);
                strides.push(input.strides()[lead + d].saturating_mul(step));
            }
        }
        Layout::new(op, shape, strides, input.offset())
    }
}

/// Default of [`Backend::conv`]: the cross-correlation
/// `out[n, o, p..] = bias[o] + sum over c, k.. of x[n, c', p * stride + k * dilation - padding] * weight[o, c, k..]`,
/// where `c'` is channel `c` of the group of `o`, and `x` is 0 outside of its bounds.
///
/// `x` `[N, C, S..]`, `weight` `[O, C / groups, K..]`, `bias` `[O]`, `out` `[N, O, P..]`, one float
/// dtype. Per sample and group one matrix product with the windows as columns, so that a sample's
/// result depends on no other sample. NaN spreads over the windows it lies in.
/// Error: `Shape` where sizes do not fit together.
pub fn conv<B: Backend + ?Sized>(
    be: &B,
    conv: &Conv,
    x: View<'_>,
    weight: View<'_>,
    bias: Option<View<'_>>,
    mut out: ViewMut<'_>,
) -> Result<()> {
    const OP: &str = "conv";
    let (sizes, kernel, result) = (x.shape(), weight.shape(), out.shape());
    let (groups, rank) = (conv.groups, sizes.len());
    let broken = || {
        TensorError::new(ErrorKind::Shape, OP, "input, weight, output and groups do not fit together")
            .with("input", sizes)
            .with("weight", kernel)
            .with("output", result)
            .with("groups", groups)
    };
    if rank < 2 || kernel.len() != rank || result.len() != rank || groups == 0 {
        return Err(broken());
    }
    let (samples, channels, outputs) = (sizes[0], sizes[1], kernel[0]);
    let fits = channels % groups == 0 && outputs % groups == 0 && kernel[1] == channels / groups;
    if !fits || result[..2] != [samples, outputs] {
        return Err(broken());
    }
    if out.numel() == 0 {
        return Ok(());
    }
    let lists: [&[usize]; 3] = [&conv.stride, &conv.padding, &conv.dilation];
    let windows = Windows::new(OP, &sizes[2..], &kernel[2..], &result[2..], lists)?;

    let c = Calc::new(be, x.dtype());
    let (taps, places) = (numel(OP, &kernel[1..])?, numel(OP, &result[2..])?);
    let weight = c.input(weight)?;
    let weight = weight.view()?;
    let matrix = [groups, outputs / groups, taps];
    // A view of the weight as matrices, or, where its strides forbid that, of a copy.
    let (weight_copy, weight_layout) = match weight.layout().reshape(&matrix) {
        Some(layout) => (None, layout),
        None => (Some(Temp::copy_of(be, weight, c.dtype)?), Layout::contiguous(OP, &matrix)?),
    };
    let weight = match &weight_copy {
        Some(copy) => copy.view()?.with_layout(&weight_layout)?,
        None => weight.with_layout(&weight_layout)?,
    };
    let bias = bias.map(|b| c.input(b)).transpose()?;
    let bias_layout = match &bias {
        Some(bias) => {
            let mut layout = bias.view()?.layout().clone();
            for _ in 2..rank {
                layout = layout.unsqueeze(-1)?;
            }
            Some(layout)
        }
        None => None,
    };

    let x = c.input(x)?;
    let x = x.view()?;
    let mut padded = windows.pad(&c, &sizes[1..2], 0.0)?;
    let mut columns = c.temp(&[groups, taps, places])?;
    let mut product = c.temp(&[groups, outputs / groups, places])?;
    let product_layout = Layout::contiguous(OP, &result[1..])?;
    for n in 0..samples as isize {
        let sample = x.layout().select(0, n)?;
        let mut sample = x.with_layout(&sample)?;
        if let Some(padded) = &mut padded {
            windows.fill(&c, sample, padded)?;
        }
        if let Some(padded) = &padded {
            sample = padded.view()?;
        }
        let view = windows.view(OP, sample.layout(), false)?;
        let shape = Layout::contiguous(OP, view.shape())?;
        be.copy(sample.with_layout(&view)?, columns.out()?.with_layout(&shape)?)?;
        be.matmul(weight, columns.view()?, product.out()?)?;

        let place = out.layout().select(0, n)?;
        let place = out.with_layout(&place)?;
        let product = product.view()?.with_layout(&product_layout)?;
        match (&bias, &bias_layout) {
            (Some(bias), Some(layout)) => {
                let bias = bias.view()?.with_layout(layout)?;
                c.finish(place, |place| c.binary_to(BinaryOp::Add, &product, &bias, place))?;
            }
            _ => be.copy(product, place)?,
        }
    }
    Ok(())
}

/// Default of [`Backend::pool`]: the largest element or the mean of every window.
///
/// `x` `[N, C, S..]` (any number of axes in front of the spatial ones), `out` `[N, C, P..]`, one float
/// dtype. Max: padding counts as -inf, a NaN in the window wins. Average: padding counts as zeros, the
/// divisor is the size of the window. Error: `Shape` where sizes do not fit together.
pub fn pool<B: Backend + ?Sized>(be: &B, pool: &Pool, x: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
    let (op, reduction, value) = match pool.kind {
        PoolKind::Max => ("max_pool", ReduceOp::Amax, f64::NEG_INFINITY),
        PoolKind::Average => ("avg_pool", ReduceOp::Mean, 0.0),
    };
    let (spatial, rank) = (pool.window.len(), x.layout().rank());
    let lead = rank.saturating_sub(spatial);
    let fits = rank >= spatial && out.layout().rank() == rank && out.shape()[..lead] == x.shape()[..lead];
    if !fits || pool.window.contains(&0) {
        return Err(TensorError::new(ErrorKind::Shape, op, "input, output and window do not fit together")
            .with("input", x.shape())
            .with("output", out.shape())
            .with("window", &pool.window[..]));
    }
    if out.numel() == 0 {
        return Ok(());
    }
    let dilation: SmallVec<[usize; 3]> = SmallVec::from_elem(1, spatial);
    let lists: [&[usize]; 3] = [&pool.stride, &pool.padding, &dilation];
    let windows = Windows::new(op, &x.shape()[lead..], &pool.window, &out.shape()[lead..], lists)?;
    // One primitive computes the result, and it rounds once by itself: no need for a wider dtype.
    let c = Calc { be, dtype: x.dtype() };
    let mut padded = windows.pad(&c, &x.shape()[..lead], value)?;
    if let Some(padded) = &mut padded {
        windows.fill(&c, x, padded)?;
    }
    let x = match &padded {
        Some(padded) => padded.view()?,
        None => x,
    };
    let view = windows.view(op, x.layout(), true)?;
    let mut kept = out.layout().clone();
    for _ in 0..spatial {
        kept = kept.unsqueeze(-1)?;
    }
    let axes: SmallVec<[usize; 6]> = (rank..rank + spatial).collect();
    be.reduce(reduction, x.with_layout(&view)?, &axes, out.with_layout(&kept)?)
}

//! Padding: borders of a constant, of mirrored, repeated or wrapped elements; negative widths cut off.

use rusttorch_backend::{DType, ErrorKind, Result, Scalar, Shape, TensorError};
use smallvec::{SmallVec, smallvec};

use super::select::castable;
use crate::autograd::{no_grad, record};
use crate::tensor::Tensor;

/// What [`pad`] fills a border with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PadMode {
    /// One value.
    #[default]
    Constant,
    /// The elements next to the edge, mirrored at it; the edge itself is not repeated.
    Reflect,
    /// The element at the edge.
    Replicate,
    /// The elements at the other end.
    Circular,
}

const OP: &str = "pad";

/// How wide the borders are.
#[derive(Clone)]
struct Widths {
    /// The first padded dimension; all behind it are padded, too.
    first: usize,
    /// The widths before and after each of them.
    ends: SmallVec<[(isize, isize); 6]>,
}

impl Widths {
    /// From pairs in PyTorch's order, the last dimension first. Error: `Shape`.
    fn new(x: &Tensor, pad: &[isize]) -> Result<Widths> {
        let fail =
            |rule| TensorError::new(ErrorKind::Shape, OP, rule).with("pad", pad).with("shape", x.shape());
        if !pad.len().is_multiple_of(2) {
            return Err(fail("needs a width before and one after each dimension"));
        }
        let first = x.rank().checked_sub(pad.len() / 2).ok_or_else(|| fail("more widths than dimensions"))?;
        Ok(Widths { first, ends: pad.rchunks_exact(2).map(|p| (p[0], p[1])).collect() })
    }

    /// The widths of dimension `d`.
    fn of(&self, d: usize) -> (isize, isize) {
        d.checked_sub(self.first).map_or((0, 0), |i| self.ends[i])
    }

    fn negated(&self) -> Widths {
        Widths { first: self.first, ends: self.ends.iter().map(|&(a, b)| (-a, -b)).collect() }
    }

    /// The size of dimension `d` of `n` elements with its borders. Error: `Shape` where it is negative.
    fn size(&self, x: &Tensor, d: usize) -> Result<usize> {
        let (before, after) = self.of(d);
        let n = x.shape()[d] as i128 + before as i128 + after as i128;
        usize::try_from(n).ok().filter(|&n| n <= isize::MAX as usize).ok_or_else(|| {
            TensorError::new(ErrorKind::Shape, OP, "a padded size is negative or too large")
                .with("dim", d)
                .with("size", x.shape()[d])
                .with("before", before)
                .with("after", after)
        })
    }
}

/// The part of `t` that lies within the positive widths of a border, or that negative ones leave.
fn inner(t: &Tensor, widths: &Widths, inwards: impl Fn(isize) -> isize) -> Result<Tensor> {
    let mut out = t.clone();
    for d in 0..t.rank() {
        let (before, after) = widths.of(d);
        let (before, after) = (inwards(before).max(0), inwards(after).max(0));
        if (before, after) == (0, 0) {
            continue;
        }
        let n = t.shape()[d];
        let left = usize::try_from(before).ok().zip(usize::try_from(after).ok());
        let length = left.and_then(|(a, b)| n.checked_sub(a)?.checked_sub(b)).ok_or_else(|| {
            TensorError::new(ErrorKind::Shape, OP, "cuts off more than there is")
                .with("dim", d)
                .with("size", n)
                .with("before", widths.of(d).0)
                .with("after", widths.of(d).1)
        })?;
        out = out.narrow(d as isize, before, length)?;
    }
    Ok(out)
}

/// `x` with borders of a constant.
fn constant(x: &Tensor, widths: Widths, value: Scalar) -> Result<Tensor> {
    let out = no_grad(|| -> Result<Tensor> {
        let core = inner(&x.detach(), &widths, |w| w.saturating_neg())?;
        if widths.ends.iter().all(|&(a, b)| a <= 0 && b <= 0) {
            return core.copy();
        }
        let shape = (0..x.rank()).map(|d| widths.size(x, d)).collect::<Result<Shape>>()?;
        let out = x.new_full(&shape, castable(OP, value, x.dtype())?, None)?;
        inner(&out.detach(), &widths, |w| w)?.copy_(&core)?;
        Ok(out)
    })?;
    Ok(record("ConstantPadNd", out, [x], |_| {
        let back = widths.negated();
        Box::new(move |_, g| Ok(smallvec![Some(constant(g, back.clone(), Scalar::Int(0))?)]))
    }))
}

/// Which element of a dimension of `n` elements each one of the padded dimension is.
fn sources(mode: PadMode, n: isize, before: isize, after: isize) -> Vec<i64> {
    let cut = before.saturating_neg().max(0);
    let core = n.saturating_sub(cut).saturating_sub(after.saturating_neg().max(0));
    let source = |j: isize| match mode {
        // The right end of the unpadded elements, which a negative width may have cut off.
        _ if mode != PadMode::Circular && j >= n + before && j >= before => match mode {
            PadMode::Reflect => 2 * (n - 1) + before - j,
            _ => n - 1,
        },
        PadMode::Reflect if j < before => before - j,
        PadMode::Replicate if j < before => 0,
        // Borders repeat what is left of the elements.
        PadMode::Circular => (j - before.max(0)).rem_euclid(core.max(1)) + cut,
        _ => j - before,
    };
    (0..n + before + after).map(|j| source(j) as i64).collect()
}

/// `x` with borders of its own elements.
fn from_elements(x: &Tensor, widths: &Widths, mode: PadMode) -> Result<Tensor> {
    let fail = |kind, rule| TensorError::new(kind, OP, rule).with("shape", x.shape());
    let padded = widths.ends.len();
    if !(1..=3).contains(&padded) || !(1..=2).contains(&widths.first) {
        return Err(fail(
            ErrorKind::NotImplemented,
            "this mode pads the last 1 of 2 or 3, 2 of 3 or 4, or 3 of 4 or 5 dimensions",
        )
        .with("padded dimensions", padded));
    }
    let circular = mode == PadMode::Circular;
    if !circular {
        if x.dtype() == DType::Bool {
            return Err(
                fail(ErrorKind::NotImplemented, "not implemented for this dtype").with("dtype", x.dtype())
            );
        }
        // Only a batch may be empty.
        if x.shape()[widths.first - 1..].contains(&0) {
            return Err(fail(ErrorKind::Shape, "a dimension other than the batch is empty"));
        }
    }
    for d in widths.first..x.rank() {
        let (n, (before, after)) = (x.shape()[d] as isize, widths.of(d));
        let size = widths.size(x, d)?;
        let widest = before.max(after);
        let too_wide = match mode {
            PadMode::Reflect => widest >= n,
            PadMode::Circular => widest > n,
            _ => false,
        };
        // PyTorch reads what it has not written yet, or refuses it by another rule.
        let core = n.saturating_add(before.min(0)).saturating_add(after.min(0));
        let wraps_twice = circular && size > 0 && widest > core;
        if too_wide || wraps_twice {
            return Err(fail(ErrorKind::Value, "a border is wider than the elements it is taken from")
                .with("dim", d)
                .with("before", before)
                .with("after", after));
        }
        if size == 0 && !circular {
            return Err(fail(ErrorKind::Shape, "a padded size is zero")
                .with("dim", d)
                .with("before", before)
                .with("after", after));
        }
    }
    let mut out = x.clone();
    for d in (widths.first..x.rank()).rev() {
        let (before, after) = widths.of(d);
        if (before, after) != (0, 0) {
            let index = sources(mode, x.shape()[d] as isize, before, after);
            let length = index.len();
            out = out.index_select(d as isize, &Tensor::from_vec(index, &[length])?)?;
        }
    }
    // PyTorch copies even where there is nothing to pad.
    if out.is_same(x) { x.copy() } else { Ok(out) }
}

/// With borders around the last dimensions: `pad` holds a width before and one after the last dimension, then those
/// of the last but one, and so on; a negative width cuts off. Borders of a constant go around any number of
/// dimensions and hold `value`, cast to the dtype; the others go around the last dimension of `[C, W]` or `[N, C, W]`,
/// the last two of `[C, H, W]` or `[N, C, H, W]`, or the last three of `[C, D, H, W]` or `[N, C, D, H, W]`, and
/// `value` is 0. Mirrored borders are narrower than the dimension, wrapped ones no wider.
/// PyTorch: `torch.nn.functional.pad`.
///
/// Errors: `Shape` for widths that do not fit the dimensions; `Value` for a border that is too wide, a `value` that
/// the dtype does not hold or the mode does not take; `NotImplemented` for another number of dimensions, and for bool
/// in mirrored and repeated borders.
pub fn pad(x: &Tensor, pad: &[isize], mode: PadMode, value: f64) -> Result<Tensor> {
    let widths = Widths::new(x, pad)?;
    if mode == PadMode::Constant {
        return constant(x, widths, Scalar::Float(value));
    }
    if value != 0.0 {
        return Err(
            TensorError::new(ErrorKind::Value, OP, "only constant borders have a value").with("value", value)
        );
    }
    from_elements(x, &widths, mode)
}

impl Tensor {
    /// Borders of `value` as [`pad`] makes them. PyTorch: `torch.constant_pad_nd`.
    pub fn constant_pad_nd(&self, pad: &[isize], value: impl Into<Scalar>) -> Result<Tensor> {
        constant(self, Widths::new(self, pad)?, value.into())
    }
}

//! Distances between all pairs of rows.

use rusttorch_backend::layout::{broadcast_shapes, numel};
use rusttorch_backend::{ErrorKind, Result, TensorError};
use smallvec::smallvec;

use super::args::Dims;
use super::products::signed;
use crate::autograd::{Saved, no_grad, record};
use crate::tensor::Tensor;

const OP: &str = "cdist";

/// How many differences of coordinates are held at a time, such that they stay in the second cache: pairs times
/// coordinates may be far more than inputs and result together.
const BLOCK: usize = 1 << 16;

impl Tensor {
    /// `(sum_k |x[i, k] - y[j, k]|^p)^(1/p)` for all pairs of rows: `[.., P, M] x [.., R, M] -> [.., P, R]`, the
    /// leading sizes broadcast. `p` 0 counts the coordinates that differ, infinity takes the largest difference
    /// (and there a NaN is passed over). Of equal rows the gradient is 0. Always computed from the differences,
    /// never through a matrix product. PyTorch: `torch.cdist`.
    /// Errors: `Shape`; `Value` for a negative or NaN `p`; `DType` for integers, bool, and dtypes that differ;
    /// `NotImplemented` for halves.
    pub fn cdist(&self, other: &Tensor, p: f64) -> Result<Tensor> {
        let (x, y) = (self, other);
        let fail =
            |rule| TensorError::new(ErrorKind::Shape, OP, rule).with("x1", x.shape()).with("x2", y.shape());
        for t in [x, y] {
            if !t.dtype().is_float() {
                return Err(TensorError::new(ErrorKind::DType, OP, "needs floating-point tensors")
                    .with("dtype", t.dtype()));
            }
        }
        if x.rank() < 2 || y.rank() < 2 {
            return Err(fail("needs at least 2 dimensions"));
        }
        let ([lead_x @ .., rows, m], [lead_y @ .., columns, k]) = (x.shape(), y.shape()) else {
            return Err(fail("needs at least 2 dimensions"));
        };
        if m != k {
            return Err(fail("numbers of coordinates differ"));
        }
        if p.is_nan() || p < 0.0 {
            return Err(TensorError::new(ErrorKind::Value, OP, "p is negative or NaN").with("p", p));
        }
        let lead = broadcast_shapes(OP, lead_x, lead_y)?;
        if x.dtype() != y.dtype() {
            return Err(TensorError::new(ErrorKind::DType, OP, "operands differ in dtype")
                .with("x1", x.dtype())
                .with("x2", y.dtype()));
        }
        if x.dtype().is_half() {
            return Err(TensorError::new(ErrorKind::NotImplemented, OP, "not implemented for this dtype")
                .with("dtype", x.dtype()));
        }
        let batch = numel(OP, &lead)?;
        let flat = |t: &Tensor, n: usize| {
            let full: Vec<usize> = lead.iter().copied().chain([n, *m]).collect();
            t.broadcast_to(&full)?.reshape(signed([batch, n, *m]))
        };
        let pairs = pairs(&flat(x, *rows)?, &flat(y, *columns)?, p)?;
        pairs.reshape(signed(lead.iter().copied().chain([*rows, *columns])))
    }
}

/// `[B, P, M] x [B, R, M] -> [B, P, R]`.
fn pairs(x: &Tensor, y: &Tensor, p: f64) -> Result<Tensor> {
    let (m, columns) = (x.shape()[2], y.shape()[1]);
    let out = no_grad(|| {
        if m == 0 {
            return Tensor::zeros(&[x.shape()[0], x.shape()[1], columns], x.dtype());
        }
        in_blocks(&[x.detach()], &[y.detach()], columns * m, |x, y| length(&differences(&x[0], &y[0])?, p))
    })?;
    Ok(record("Cdist", out, [x, y], |out| {
        let (x, y, out) = (Saved::input(x), Saved::input(y), Saved::output(out));
        Box::new(move |context, g| {
            let (x, y, distance) = (x.unpack(context)?, y.unpack(context)?, out.unpack(context)?);
            let slope = |g: &Tensor, x: &Tensor, y: &Tensor, distance: &Tensor| {
                let along = slope(&differences(x, y)?, &distance.unsqueeze(-1)?, p)?;
                g.unsqueeze(-1)?.mul(&along)?.sum_dim(Dims::from(-2), false)
            };
            let zero = m == 0 || p == 0.0 || columns == 0 || x.shape()[1] == 0;
            let of = |i: usize, x: &Tensor, y: &Tensor, g: &Tensor, distance: &Tensor| {
                if !context.needs(i) {
                    return Ok(None);
                }
                if zero {
                    return Tensor::zeros_like(x).map(Some);
                }
                let each = y.shape()[1] * m;
                let x = [x.clone(), g.clone(), distance.clone()];
                in_blocks(&x, std::slice::from_ref(y), each, |x, y| slope(&x[1], &x[0], &y[0], &x[2]))
                    .map(Some)
            };
            let of_x = of(0, &x, &y, g, &distance)?;
            // The distance is the same from the other side.
            let of_y = of(1, &y, &x, &g.mt()?, &distance.mt()?)?;
            Ok(smallvec![of_x, of_y])
        })
    }))
}

/// Applies `f` to blocks of rows of `x` (dimension 1 of each) with all of `y`, so that about [`BLOCK`] elements are
/// held at a time where one row needs `each` of them, and joins the results.
fn in_blocks(
    x: &[Tensor],
    y: &[Tensor],
    each: usize,
    f: impl Fn(&[Tensor], &[Tensor]) -> Result<Tensor>,
) -> Result<Tensor> {
    let [batch, rows, ..] = *x[0].shape() else { return f(x, y) };
    if batch.saturating_mul(rows).saturating_mul(each) <= BLOCK {
        return f(x, y);
    }
    let height = (BLOCK / each.max(1)).clamp(1, rows);
    let mut done = Vec::new();
    for b in 0..batch {
        let one = |t: &Tensor| t.narrow(0, b as isize, 1);
        let y = y.iter().map(one).collect::<Result<Vec<_>>>()?;
        let mut parts = Vec::new();
        for start in (0..rows).step_by(height) {
            let part = |t: &Tensor| one(t)?.narrow(1, start as isize, height.min(rows - start));
            let x = x.iter().map(part).collect::<Result<Vec<_>>>()?;
            parts.push(f(&x, &y)?);
        }
        done.push(Tensor::cat(&parts.iter().collect::<Vec<_>>(), 1)?);
    }
    Tensor::cat(&done.iter().collect::<Vec<_>>(), 0)
}

/// `x[b, i, k] - y[b, j, k]` as `[B, P, R, M]`.
fn differences(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    x.unsqueeze(2)?.sub(&y.unsqueeze(1)?)
}

/// The length of the vectors in the last dimension, which is not empty.
fn length(d: &Tensor, p: f64) -> Result<Tensor> {
    let sum = |t: &Tensor| t.sum_dim(Dims::from(-1), false);
    match p {
        // Of NaN NaN.
        0.0 => sum(&d.abs()?.ceil()?.clamp_max(1.0)?),
        1.0 => sum(&d.abs()?),
        2.0 => sum(&d.square()?)?.sqrt(),
        f64::INFINITY => d.abs()?.masked_fill(&d.isnan()?, 0.0)?.amax(Dims::from(-1), false),
        p => sum(&d.abs()?.pow(p)?)?.pow(1.0 / p),
    }
}

/// The derivative of [`length`] by each coordinate. Where it is undefined, 0.
fn slope(d: &Tensor, length: &Tensor, p: f64) -> Result<Tensor> {
    // Unlike `sign`, NaN of NaN.
    let sign = || Tensor::where_cond(&d.isnan()?, d, &d.sign()?);
    match p {
        1.0 => sign(),
        f64::INFINITY => sign()?.masked_fill(&d.abs()?.ne(length)?, 0.0),
        p => {
            let nowhere = length.eq(0.0)?;
            // A one in place of the zero, so that no infinity meets a zero in the second derivative.
            let length = length.masked_fill(&nowhere, 1.0)?;
            let (along, nowhere) = if p == 2.0 {
                (d.clone(), nowhere)
            } else if p > 2.0 {
                (d.mul(&d.abs()?.pow(p - 2.0)?)?, nowhere)
            } else if p > 1.0 {
                (sign()?.mul(&d.abs()?.pow(p - 1.0)?)?, nowhere)
            } else {
                let flat = d.eq(0.0)?;
                let size = d.abs()?.masked_fill(&flat, 1.0)?;
                (sign()?.mul(&size.pow(p - 1.0)?)?, flat.logical_or(&nowhere)?)
            };
            along.div(&length.pow(p - 1.0)?)?.masked_fill(&nowhere, 0.0)
        }
    }
}

/// What PyTorch's `compute_mode` may say. The result is that of the differences in any case.
/// Error: `Argument`.
pub(crate) fn check_compute_mode(mode: &str) -> Result<()> {
    const MODES: [&str; 3] =
        ["use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"];
    match MODES.contains(&mode) {
        true => Ok(()),
        false => Err(TensorError::new(ErrorKind::Argument, OP, "not a compute_mode")
            .with("compute_mode", mode.to_owned())),
    }
}

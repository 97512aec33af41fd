//! Errors for calls that break the contract.
//!
//! The frontend raises everything a user can do wrong before a backend is called. These checks are
//! for backend authors and decorators that hand on a malformed call: it is an error, never a panic.

use rusttorch_backend::{DType, ErrorKind, Layout, Result, TensorError};

/// Equal shapes. Error: `Shape`.
#[inline]
pub(crate) fn same_shape(op: &'static str, a: &Layout, b: &Layout) -> Result<()> {
    // By iterators: comparing slices calls `memcmp`, which costs 2 ns too much for a one-element op.
    if a.shape().iter().eq(b.shape()) { Ok(()) } else { Err(shapes_differ(op, a, b)) }
}

#[cold]
fn shapes_differ(op: &'static str, a: &Layout, b: &Layout) -> TensorError {
    TensorError::new(ErrorKind::Shape, op, "shapes differ").with("lhs", a.shape()).with("rhs", b.shape())
}

/// `axis` below the rank of `layout`. Error: `Dim`.
#[inline]
pub(crate) fn axis_exists(op: &'static str, axis: usize, layout: &Layout) -> Result<()> {
    if axis < layout.rank() {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::Dim, op, "axis not below the rank")
        .with("axis", axis)
        .with("shape", layout.shape()))
}

/// `out` is `x` with size 1 at `axes`, which are distinct, ascending and below the rank.
/// Errors: `Dim`, `Shape`.
pub(crate) fn reduced_shape(op: &'static str, x: &Layout, axes: &[usize], out: &Layout) -> Result<()> {
    if axes.windows(2).any(|w| w[0] >= w[1]) || axes.last().is_some_and(|&last| last >= x.rank()) {
        let axes: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
        return Err(TensorError::new(ErrorKind::Dim, op, "axes not ascending and below the rank")
            .with("axes", &axes[..])
            .with("shape", x.shape()));
    }
    let kept = |axis: usize, n: usize| if axes.contains(&axis) { 1 } else { n };
    let fits = x.rank() == out.rank()
        && x.shape().iter().zip(out.shape()).enumerate().all(|(axis, (&n, &m))| m == kept(axis, n));
    if fits { Ok(()) } else { Err(shapes_differ(op, x, out)) }
}

/// `index` has the rank of `x` and at most its size on every axis but `axis`, which exists.
/// Errors: `Dim`, `Shape`.
pub(crate) fn indexed_shape(op: &'static str, x: &Layout, axis: usize, index: &Layout) -> Result<()> {
    axis_exists(op, axis, x)?;
    let fits = x.rank() == index.rank()
        && index.shape().iter().zip(x.shape()).enumerate().all(|(d, (&i, &n))| d == axis || i <= n);
    if fits { Ok(()) } else { Err(shapes_differ(op, x, index)) }
}

/// `out` is `x` with size `n` at `axis`, which exists. Errors: `Dim`, `Shape`.
pub(crate) fn resized_shape(op: &'static str, x: &Layout, axis: usize, n: usize, out: &Layout) -> Result<()> {
    axis_exists(op, axis, x)?;
    let fits = x.rank() == out.rank()
        && x.shape()
            .iter()
            .zip(out.shape())
            .enumerate()
            .all(|(d, (&a, &b))| b == if d == axis { n } else { a });
    if fits { Ok(()) } else { Err(shapes_differ(op, x, out)) }
}

/// A dtype that `op` does not take.
#[cold]
pub(crate) fn refused(op: &'static str, dtype: DType) -> TensorError {
    TensorError::new(ErrorKind::DType, op, "not defined for the dtype").with("dtype", dtype)
}

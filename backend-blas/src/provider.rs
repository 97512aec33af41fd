//! The seam to BLAS, so that tests can see what reaches it.

use std::ffi::c_int;

use rusttorch_backend::Result;

use crate::ffi::Real;
use crate::matrix::{Matrix, MatrixMut, Vector, VectorMut};

/// What is asked of BLAS. With `add` the product is added to what is there (beta = 1), else what is there is not read
/// (beta = 0). Errors: `Internal` for sizes that do not belong together.
pub(crate) trait Provider: Sync {
    /// `c = a b`, or `c += a b`.
    fn gemm<T: Real>(&self, a: Matrix<'_, T>, b: Matrix<'_, T>, c: MatrixMut<'_, T>, add: bool)
    -> Result<()>;

    /// `y = a x`, or `y += a x`.
    fn gemv<T: Real>(&self, a: Matrix<'_, T>, x: Vector<'_, T>, y: VectorMut<'_, T>, add: bool)
    -> Result<()>;

    /// The sum of the products of the elements.
    fn dot<T: Real>(&self, x: Vector<'_, T>, y: Vector<'_, T>) -> Result<T>;

    /// The largest size, step and leading dimension.
    fn limit(&self) -> usize {
        c_int::MAX as usize
    }

    /// Whether a large product may use several threads at all.
    fn shares(&self) -> bool;

    /// How many threads a product may use: one number for the process, which [`set_threads`](Self::set_threads) changes.
    /// `None` where the library has no such number.
    fn threads(&self) -> Option<usize>;

    /// Has products use so many threads. Not beside a product.
    fn set_threads(&self, threads: usize);
}

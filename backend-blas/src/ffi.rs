//! The foreign functions: all of this crate that is `unsafe`.

use std::ffi::c_int;

use cblas_sys::{CBLAS_LAYOUT, CBLAS_TRANSPOSE};
use rusttorch_backend::{Element, ErrorKind, Result, TensorError};

use crate::matrix::{Matrix, MatrixMut, Vector, VectorMut};
use crate::provider::Provider;

// Nothing of these is called: they tell the linker where the functions are.
#[cfg(any(feature = "accelerate", feature = "blis", feature = "intel-mkl", feature = "netlib"))]
use blas_src as _;
#[cfg(feature = "blis")]
use blis_src as _;
#[cfg(feature = "netlib")]
use netlib_src as _;
#[cfg(feature = "openblas")]
use openblas_src as _;

type Gemm<T> = unsafe extern "C" fn(
    CBLAS_LAYOUT,
    CBLAS_TRANSPOSE,
    CBLAS_TRANSPOSE,
    c_int,
    c_int,
    c_int,
    T,
    *const T,
    c_int,
    *const T,
    c_int,
    T,
    *mut T,
    c_int,
);
type Gemv<T> = unsafe extern "C" fn(
    CBLAS_LAYOUT,
    CBLAS_TRANSPOSE,
    c_int,
    c_int,
    T,
    *const T,
    c_int,
    *const T,
    c_int,
    T,
    *mut T,
    c_int,
);
type Dot<T> = unsafe extern "C" fn(c_int, *const T, c_int, *const T, c_int) -> T;

/// The elements that BLAS computes: f32 and f64.
pub(crate) trait Real: Element + std::ops::Add<Output = Self> + std::ops::Mul<Output = Self> {
    const ZERO: Self;
    const ONE: Self;
    #[doc(hidden)]
    const GEMM: Gemm<Self>;
    #[doc(hidden)]
    const GEMV: Gemv<Self>;
    #[doc(hidden)]
    const DOT: Dot<Self>;
}

impl Real for f32 {
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
    const GEMM: Gemm<f32> = cblas_sys::cblas_sgemm;
    const GEMV: Gemv<f32> = cblas_sys::cblas_sgemv;
    const DOT: Dot<f32> = cblas_sys::cblas_sdot;
}

impl Real for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    const GEMM: Gemm<f64> = cblas_sys::cblas_dgemm;
    const GEMV: Gemv<f64> = cblas_sys::cblas_dgemv;
    const DOT: Dot<f64> = cblas_sys::cblas_ddot;
}

/// The BLAS that is linked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct System;

/// A size or step as BLAS takes it. Those of `matrix` fit.
fn int(size: usize) -> Result<c_int> {
    c_int::try_from(size).map_err(|_| {
        TensorError::new(ErrorKind::Internal, "matmul", "a size exceeds what BLAS takes").with("size", size)
    })
}

fn transpose<T>(matrix: Matrix<'_, T>) -> CBLAS_TRANSPOSE {
    if matrix.transposed() { CBLAS_TRANSPOSE::CblasTrans } else { CBLAS_TRANSPOSE::CblasNoTrans }
}

fn mismatch(rule: &'static str) -> TensorError {
    TensorError::new(ErrorKind::Internal, "matmul", rule)
}

impl Provider for System {
    fn gemm<T: Real>(
        &self,
        a: Matrix<'_, T>,
        b: Matrix<'_, T>,
        mut c: MatrixMut<'_, T>,
        add: bool,
    ) -> Result<()> {
        if (a.rows(), b.columns()) != (c.rows(), c.columns()) || a.columns() != b.rows() {
            return Err(mismatch("gemm: sizes differ"));
        }
        let [m, n, k] = [int(c.rows())?, int(c.columns())?, int(a.columns())?];
        let [lda, ldb, ldc] = [int(a.leading())?, int(b.leading())?, int(c.leading())?];
        let beta = if add { T::ONE } else { T::ZERO };
        // SAFETY: the constructors of `Matrix` and `MatrixMut` have checked that every element of a matrix of these
        // sizes and this leading dimension lies inside of its slice, and that the leading dimension is at least the
        // length of a stored row; the sizes have just been found to agree. `c` is borrowed exclusively, so it overlaps
        // neither `a` nor `b`. The function keeps no pointer.
        unsafe {
            T::GEMM(
                CBLAS_LAYOUT::CblasRowMajor,
                transpose(a),
                transpose(b),
                m,
                n,
                k,
                T::ONE,
                a.as_ptr(),
                lda,
                b.as_ptr(),
                ldb,
                beta,
                c.as_mut_ptr(),
                ldc,
            );
        }
        Ok(())
    }

    fn gemv<T: Real>(
        &self,
        a: Matrix<'_, T>,
        x: Vector<'_, T>,
        mut y: VectorMut<'_, T>,
        add: bool,
    ) -> Result<()> {
        if (a.rows(), a.columns()) != (y.len(), x.len()) {
            return Err(mismatch("gemv: sizes differ"));
        }
        // Those of the matrix as it is stored.
        let (rows, columns) = if a.transposed() { (a.columns(), a.rows()) } else { (a.rows(), a.columns()) };
        let (rows, columns, lda) = (int(rows)?, int(columns)?, int(a.leading())?);
        let (incx, incy) = (int(x.step())?, int(y.step())?);
        let beta = if add { T::ONE } else { T::ZERO };
        // SAFETY: as for gemm: `Matrix`, `Vector` and `VectorMut` have checked that all elements lie inside of their
        // slices, the lengths agree, the steps are positive, and `y` is borrowed exclusively.
        unsafe {
            T::GEMV(
                CBLAS_LAYOUT::CblasRowMajor,
                transpose(a),
                rows,
                columns,
                T::ONE,
                a.as_ptr(),
                lda,
                x.as_ptr(),
                incx,
                beta,
                y.as_mut_ptr(),
                incy,
            );
        }
        Ok(())
    }

    fn dot<T: Real>(&self, x: Vector<'_, T>, y: Vector<'_, T>) -> Result<T> {
        if x.len() != y.len() {
            return Err(mismatch("dot: sizes differ"));
        }
        let (n, incx, incy) = (int(x.len())?, int(x.step())?, int(y.step())?);
        // SAFETY: `Vector` has checked that all elements lie inside of their slices; the lengths agree and the steps
        // are positive.
        Ok(unsafe { T::DOT(n, x.as_ptr(), incx, y.as_ptr(), incy) })
    }

    fn shares(&self) -> bool {
        governor::shares()
    }

    fn threads(&self) -> Option<usize> {
        governor::threads()
    }

    fn set_threads(&self, threads: usize) {
        governor::set_threads(threads);
    }
}

/// What the library says of its version and build, where it can be asked.
pub(crate) fn config() -> Option<String> {
    governor::config()
}

/// OpenBLAS's own functions, which the header of CBLAS does not have.
#[cfg(feature = "openblas")]
mod governor {
    use std::ffi::{CStr, c_char, c_int};
    use std::sync::OnceLock;

    unsafe extern "C" {
        fn openblas_get_num_threads() -> c_int;
        fn openblas_get_parallel() -> c_int;
        fn openblas_set_num_threads(threads: c_int);
        fn openblas_get_config() -> *const c_char;
    }

    /// What [`parallel`] is without threads, and with threads of its own; those of OpenMP are another number.
    const NO_THREADS: c_int = 0;
    const OWN_THREADS: c_int = 1;

    fn parallel() -> c_int {
        // SAFETY: takes nothing and gives a constant of the library.
        unsafe { openblas_get_parallel() }
    }

    pub(super) fn shares() -> bool {
        parallel() != NO_THREADS
    }

    /// `None` also with OpenMP, which has a number for each caller.
    pub(super) fn threads() -> Option<usize> {
        if parallel() != OWN_THREADS {
            return None;
        }
        // SAFETY: takes nothing and reads one integer of the library.
        let threads = unsafe { openblas_get_num_threads() };
        usize::try_from(threads).ok()
    }

    pub(super) fn set_threads(threads: usize) {
        let threads = c_int::try_from(threads).unwrap_or(c_int::MAX);
        // SAFETY: takes any number, which it caps. It must not run beside a product, which `threads` sees to.
        unsafe { openblas_set_num_threads(threads) };
    }

    pub(super) fn config() -> Option<String> {
        // The library writes the text anew in every call, in one place: it is asked once.
        static CONFIG: OnceLock<Option<String>> = OnceLock::new();
        let ask = || {
            // SAFETY: takes nothing and gives the address of a text that is the library's, or null. Only one thread of this
            // crate calls it, once.
            let text = unsafe { openblas_get_config() };
            if text.is_null() {
                return None;
            }
            // SAFETY: not null, so it is a text that ends in NUL, and it is copied before anyone here asks again.
            let text = unsafe { CStr::from_ptr(text) };
            Some(text.to_string_lossy().trim().to_owned())
        };
        CONFIG.get_or_init(ask).clone()
    }
}

#[cfg(not(feature = "openblas"))]
mod governor {
    /// Of these libraries the reference implementation alone has no threads.
    pub(super) fn shares() -> bool {
        !cfg!(feature = "netlib")
    }

    pub(super) fn threads() -> Option<usize> {
        None
    }

    pub(super) fn set_threads(_: usize) {}

    pub(super) fn config() -> Option<String> {
        None
    }
}

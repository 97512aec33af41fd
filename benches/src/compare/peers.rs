//! Matrix products of others.
//!
//! Other crates: `gemm` through faer and `matrixmultiply` through ndarray, each into a fresh buffer. As many threads as
//! the process was started for: both read it once, from `RAYON_NUM_THREADS` and `MATMUL_NUM_THREADS`.
//!
//! The other backends, `blas` and `naive`, as users call them.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use ndarray::{Array2, ArrayView2, LinalgScalar, ShapeBuilder};
use rusttorch::{DType, Result};

use super::matmul::{Product, multiplied_on, products};
use super::{Case, Outcome, Work, values, work};

pub(super) fn add(cases: &mut Vec<Case>) {
    for product in products().into_iter().filter(|p| p.batch == 1) {
        for (peer, single, double) in [
            ("gemm", gemm::<f32> as fn(Product) -> Result<Box<dyn Work>>, gemm::<f64> as fn(Product) -> _),
            ("matrixmultiply", matrixmultiply::<f32>, matrixmultiply::<f64>),
        ] {
            let run = if product.dtype == DType::F64 { double } else { single };
            let case = Case::new("matmul", product.op, product.size, product.cost(), move || run(product));
            let case = case.of(product.dtype);
            cases.push(Case { peer: Some(peer), ..case });
        }
    }
    for product in products() {
        for backend in ["blas", "naive"] {
            // The largest takes naive seconds: once is enough.
            if backend == "naive" && product.cost().flops > NAIVE && product.dtype != DType::F32 {
                continue;
            }
            let run = move || multiplied_on(backend, product);
            let case = Case::new("matmul", product.op, product.size, product.cost(), run);
            cases.push(Case { peer: Some(backend), ..case.of(product.dtype) });
        }
    }
}

/// Operations of the largest product that the naive backend computes in every dtype.
const NAIVE: usize = 2 << 30;

/// The elements of the peers.
trait Real: LinalgScalar + faer::traits::ComplexField {
    fn of(value: f64) -> Self;
}

impl Real for f32 {
    fn of(value: f64) -> f32 {
        value as f32
    }
}

impl Real for f64 {
    fn of(value: f64) -> f64 {
        value
    }
}

fn operand<T: Real>(seed: u32, n: usize) -> Vec<T> {
    values(seed, n, -1.0, 1.0).map(T::of).collect()
}

fn gemm<T: Real>(p: Product) -> Result<Box<dyn Work>>
where
    Vec<T>: Outcome,
{
    let (ta, tb) = p.transposed();
    let (a, b) = (operand::<T>(1, p.m * p.k), operand::<T>(2, p.k * p.n));
    let threads = rayon_threads();
    let par = if threads > 1 { Par::rayon(threads) } else { Par::Seq };
    work(move || {
        let mut out = vec![T::of(0.0); p.m * p.n];
        let (lhs, rhs) = (matrix(&a, p.m, p.k, ta), matrix(&b, p.k, p.n, tb));
        let target = MatMut::from_row_major_slice_mut(&mut out, p.m, p.n);
        matmul(target, Accum::Replace, lhs, rhs, T::of(1.0), par);
        Ok(out)
    })
}

fn rayon_threads() -> usize {
    std::env::var("RAYON_NUM_THREADS").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

fn matrix<T>(data: &[T], rows: usize, columns: usize, transposed: bool) -> MatRef<'_, T> {
    if transposed {
        MatRef::from_column_major_slice(data, rows, columns)
    } else {
        MatRef::from_row_major_slice(data, rows, columns)
    }
}

fn matrixmultiply<T: Real>(p: Product) -> Result<Box<dyn Work>>
where
    Vec<T>: Outcome,
{
    let (ta, tb) = p.transposed();
    let (a, b) = (operand::<T>(1, p.m * p.k), operand::<T>(2, p.k * p.n));
    work(move || {
        let product: Array2<T> = array(&a, p.m, p.k, ta)?.dot(&array(&b, p.k, p.n, tb)?);
        Ok(product.into_raw_vec_and_offset().0)
    })
}

fn array<T>(data: &[T], rows: usize, columns: usize, transposed: bool) -> Result<ArrayView2<'_, T>> {
    ArrayView2::from_shape((rows, columns).set_f(transposed), data).map_err(|e| {
        rusttorch::TensorError::new(rusttorch::ErrorKind::Internal, "ndarray", "shape")
            .with("error", e.to_string())
    })
}

//! The backend on the BLAS that is linked.

use std::sync::Barrier;

use parking_lot::Mutex;

use rusttorch_backend::delegate::{Fallback, delegations, with_fallback};
use rusttorch_backend::ops::{Activation, Attention, BinaryOp, SoftmaxOp};
use rusttorch_backend::threads::set_num_threads;
use rusttorch_backend::{Element, ErrorKind, HostBuffer, Layout};
use rusttorch_backend_naive::Naive;
use rusttorch_backend_simd::Simd;

use super::*;
use crate::matrix::{Matrix, MatrixMut, Vector, VectorMut};
use crate::provider::Provider;
use crate::threads::govern;

/// Contiguous elements with a layout.
struct Array {
    buffer: HostBuffer,
    layout: Layout,
    dtype: DType,
}

impl Array {
    fn new<T: Element>(shape: &[usize], values: impl IntoIterator<Item = T>) -> Array {
        let values: Vec<T> = values.into_iter().collect();
        let layout = Layout::contiguous("test", shape).unwrap();
        assert_eq!(values.len(), layout.numel());
        Array {
            buffer: HostBuffer::from_bytes(bytemuck::cast_slice(&values)).unwrap(),
            layout,
            dtype: T::DTYPE,
        }
    }
    /// Numbers of [-1, 1] with full mantissas.
    fn random(shape: &[usize], seed: usize) -> Array {
        let n: usize = shape.iter().product();
        Array::new(shape, (0..n).map(|i| ((i + seed) * 7919 % 2003) as f32 / 1001.5 - 1.0))
    }
    fn like(shape: &[usize], value: f32) -> Array {
        Array::new(shape, vec![value; shape.iter().product()])
    }
    fn view(&self) -> View<'_> {
        View::new(&self.buffer, &self.layout, self.dtype).unwrap()
    }
    fn out(&mut self) -> ViewMut<'_> {
        ViewMut::new(&mut self.buffer, &self.layout, self.dtype).unwrap()
    }
    fn values<T: Element>(&self) -> Vec<T> {
        self.view().host::<T>().unwrap()[..self.layout.numel()].to_vec()
    }
}

fn blas() -> Blas {
    Blas::over(Arc::new(Naive::new()))
}

fn matmul(backend: &dyn Backend, a: &Array, b: &Array) -> Vec<f32> {
    let (m, n) = (a.view().shape()[0], b.view().shape()[1]);
    // Beta is 0: what the output held has no say.
    let mut out = Array::like(&[m, n], f32::NAN);
    backend.matmul(a.view(), b.view(), out.out()).unwrap();
    out.values()
}

/// The values, and not the sign of rounding.
fn assert_near(got: &[f32], wanted: &[f32]) {
    let largest = wanted.iter().fold(1.0f32, |m, v| m.max(v.abs()));
    for (i, (x, y)) in got.iter().zip(wanted).enumerate() {
        assert!((x - y).abs() <= 1e-5 * largest || x.is_nan() && y.is_nan(), "{i}: {x} {y}");
    }
}

#[test]
fn products_are_those_of_naive() {
    for (m, k, n) in [(1, 1, 1), (1, 9, 1), (5, 9, 1), (1, 9, 7), (5, 9, 7), (64, 300, 65), (3, 1, 4)] {
        let (a, b) = (Array::random(&[m, k], 0), Array::random(&[k, n], 3));
        assert_near(&matmul(&blas(), &a, &b), &matmul(&Naive::new(), &a, &b));
    }
}

#[test]
fn zeros_are_not_skipped() {
    for shape in [[1, 2], [3, 2]] {
        let a = Array::like(&shape, 0.0);
        for n in [1, 4] {
            let b = Array::like(&[2, n], f32::INFINITY);
            assert!(matmul(&blas(), &a, &b).iter().all(|v| v.is_nan()), "{shape:?} {n}");
        }
    }
}

#[test]
fn other_dtypes_and_families_go_to_next() {
    let blas = blas();
    let count = |family| delegations("blas").into_iter().find(|d| d.0 == family).map_or(0, |d| d.1);
    let before = count(Family::Matmul);
    let ints = Array::new(&[2, 2], [1i32, 2, 3, 4]);
    let mut out = Array::new(&[2, 2], [0i32; 4]);
    blas.matmul(ints.view(), ints.view(), out.out()).unwrap();
    assert_eq!(out.values::<i32>(), [7, 10, 15, 22]);
    assert!(count(Family::Matmul) > before);

    let x = Array::random(&[2, 3], 0);
    let mut out = Array::like(&[2, 3], 0.0);
    let refused = |result: Result<()>| assert_eq!(result.unwrap_err().kind(), ErrorKind::Unsupported);
    with_fallback(Fallback::Error, || {
        blas.matmul(Array::random(&[2, 3], 0).view(), Array::random(&[3, 3], 0).view(), out.out()).unwrap();
        refused(blas.binary(BinaryOp::Add, x.view(), x.view(), out.out()));
        refused(blas.matmul(ints.view(), ints.view(), Array::new(&[2, 2], [0i32; 4]).out()));
    });
    // A wrong shape is for the next one to refuse.
    assert_eq!(blas.matmul(x.view(), x.view(), out.out()).unwrap_err().kind(), ErrorKind::Shape);
}

/// Fused kernels are the next backend's, with its bits.
#[test]
fn composed_families_are_the_kernels_of_next() {
    let simd = Simd::new();
    let blas = Blas::over(Arc::new(simd));
    let x = Array::random(&[5, 33], 1);
    let run = |backend: &dyn Backend| {
        let (mut soft, mut gelu) = (Array::like(&[5, 33], 0.0), Array::like(&[5, 33], 0.0));
        backend.softmax(SoftmaxOp::Softmax, x.view(), 1, soft.out()).unwrap();
        backend.activation(Activation::Gelu, x.view(), gelu.out()).unwrap();
        (soft.values::<f32>(), gelu.values::<f32>())
    };
    let count = || delegations("blas").into_iter().find(|d| d.0 == Family::Softmax).map_or(0, |d| d.1);
    let before = count();
    assert_eq!(run(&blas), run(&simd));
    assert!(count() > before);
}

/// The products inside of attention are BLAS's.
#[test]
fn attention_is_composed_of_its_own_products() {
    let [q, k, v] = [1, 2, 3].map(|seed| Array::random(&[2, 5, 4], seed));
    let attention = |backend: &dyn Backend| {
        let mut out = Array::like(&[2, 5, 4], 0.0);
        backend.attention(Attention { scale: 0.5 }, q.view(), k.view(), v.view(), None, out.out()).unwrap();
        out.values::<f32>()
    };
    assert_near(&attention(&blas()), &attention(&Naive::new()));
}

/// 64 callers at once, each with 10^4 small products, and one that computes large ones in between and changes the number
/// of threads.
#[test]
fn many_callers_get_equal_and_right_results() {
    const CALLERS: usize = 64;
    let blas = blas();
    let (a, b) = (Array::random(&[8, 6], 1), Array::random(&[6, 5], 2));
    let (large_a, large_b) = (Array::random(&[160, 160], 3), Array::random(&[160, 160], 4));
    let (wanted, large) = (matmul(&blas, &a, &b), matmul(&blas, &large_a, &large_b));
    assert_near(&wanted, &matmul(&Naive::new(), &a, &b));
    assert_near(&large, &matmul(&Naive::new(), &large_a, &large_b));
    let start = Barrier::new(CALLERS + 1);
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                start.wait();
                let mut out = Array::like(&[8, 5], f32::NAN);
                for _ in 0..10_000 {
                    blas.matmul(a.view(), b.view(), out.out()).unwrap();
                    assert_eq!(out.values::<f32>(), wanted);
                }
            });
        }
        scope.spawn(|| {
            start.wait();
            for i in 0..20 {
                set_num_threads(1 + i % 3);
                assert_near(&matmul(&blas, &large_a, &large_b), &large);
            }
            set_num_threads(0);
        });
    });
}

/// BLAS, which notes what number of threads it has while a product runs.
#[derive(Default)]
struct Watched(Mutex<Vec<Option<usize>>>);

impl Provider for Watched {
    fn gemm<T: Real>(
        &self,
        a: Matrix<'_, T>,
        b: Matrix<'_, T>,
        c: MatrixMut<'_, T>,
        add: bool,
    ) -> Result<()> {
        self.0.lock().push(System.threads());
        System.gemm(a, b, c, add)
    }
    fn gemv<T: Real>(
        &self,
        a: Matrix<'_, T>,
        x: Vector<'_, T>,
        y: VectorMut<'_, T>,
        add: bool,
    ) -> Result<()> {
        System.gemv(a, x, y, add)
    }
    fn dot<T: Real>(&self, x: Vector<'_, T>, y: Vector<'_, T>) -> Result<T> {
        System.dot(x, y)
    }
    fn shares(&self) -> bool {
        System.shares()
    }
    fn threads(&self) -> Option<usize> {
        System.threads()
    }
    fn set_threads(&self, threads: usize) {
        System.set_threads(threads);
    }
}

/// Where the library can be governed, it has the number that is wanted while a large product runs, and 1 while those of a
/// batch do, whatever others have set meanwhile.
#[test]
fn the_number_of_threads_governs_blas() {
    if System.threads().is_none() {
        return;
    }
    let (one, many) = ([1, 160, 160], [64, 128, 128]);
    for (shape, threads, wanted) in [(one, 1, 1), (one, 2, 2), (many, 2, 1), (one, 3, 3), (one, 1, 1)] {
        // A number that is wanted nowhere here.
        govern(&System, 4, true, false, || ());
        let (a, b) = (Array::random(&shape, 3), Array::random(&shape, 4));
        let mut out = vec![f32::NAN; shape.iter().product()];
        let watched = Watched::default();
        let layouts = [a.view().layout(), b.view().layout(), a.view().layout()];
        let (x, y) = (a.values::<f32>(), b.values::<f32>());
        Batch::new(layouts).run_on(threads, &watched, &x, &y, &mut out).unwrap();
        assert_eq!(*watched.0.lock(), vec![Some(wanted); shape[0]], "{shape:?} on {threads}");
    }
}

/// However many are asked for, for a batch that is shared out and for a product.
#[test]
fn absurd_numbers_of_threads() {
    for (a, b, out) in
        [([600, 20, 20], [600, 20, 20], [600, 20, 20]), ([1, 160, 160], [1, 160, 160], [1, 160, 160])]
    {
        let (a, b) = (Array::random(&a, 3), Array::random(&b, 4));
        let product = |backend: &dyn Backend| {
            let mut out = Array::like(&out, f32::NAN);
            backend.matmul(a.view(), b.view(), out.out()).unwrap();
            out.values::<f32>()
        };
        let wanted = product(&Naive::new());
        for threads in [usize::MAX, 1 << 63] {
            set_num_threads(threads);
            assert_near(&product(&blas()), &wanted);
        }
        set_num_threads(0);
    }
}

#[test]
fn it_says_what_it_is() {
    let blas = blas();
    let claims = blas.capabilities();
    assert!(!claims.row_invariant);
    assert!(claims.is_native(Family::Matmul, "matmul", DType::F64));
    assert!(!claims.is_native(Family::Matmul, "matmul", DType::F16));
    assert_eq!(blas.next().map(Backend::name), Some("naive"));
    let library = library();
    if library.provider == "openblas" {
        assert!(library.to_string().starts_with("OpenBLAS"), "{library}");
        assert!(library.version().is_some(), "{library}");
    }
    assert_eq!(blas.facts(), [("blas", library.to_string())]);
}

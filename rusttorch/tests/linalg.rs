//! Linear algebra by what its results must satisfy.

#![cfg(feature = "linalg")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rusttorch::autograd::{GradOptions, grad, gradcheck, gradgradcheck};
use rusttorch::linalg::{self, Driver, MatrixNorm, QrMode, Tolerance, Uplo};
use rusttorch::{DType, Dims, ErrorKind, Result, Tensor, no_grad};

fn tensor(values: &[f64], shape: &[usize]) -> Tensor {
    Tensor::from_slice(values, shape).unwrap()
}

fn rough(shape: &[usize], seed: usize) -> Tensor {
    let n: usize = shape.iter().product();
    let values: Vec<f64> =
        (0..n).map(|i| (1.0 + 2.3 * i as f64 + 0.9 * (i * i % 7) as f64 + seed as f64).sin()).collect();
    tensor(&values, shape)
}

fn eye(n: usize) -> Tensor {
    Tensor::eye(n, DType::F64).unwrap()
}

/// `A A^T + I`.
fn definite(shape: &[usize], seed: usize) -> Tensor {
    let a = rough(shape, seed);
    a.matmul(&a.mt().unwrap()).unwrap().add(&eye(shape[shape.len() - 1])).unwrap()
}

/// Well away from singular.
fn regular(shape: &[usize], seed: usize) -> Tensor {
    rough(shape, seed).add(&eye(shape[shape.len() - 1]).mul(2.5).unwrap()).unwrap()
}

fn largest(x: &Tensor) -> f64 {
    if x.numel() == 0 { 0.0 } else { x.abs().unwrap().max().unwrap().item_f64().unwrap() }
}

fn close(what: &str, a: &Tensor, b: &Tensor, bound: f64) {
    assert_eq!(a.shape(), b.shape(), "{what}");
    let off = largest(&a.sub(b).unwrap());
    assert!(off <= bound, "{what}: {off:e}");
}

fn both(name: &str, f: &dyn Fn(&[Tensor]) -> Result<Tensor>, inputs: &[Tensor]) {
    gradcheck(f, inputs).unwrap_or_else(|e| panic!("{name}: {e}"));
    gradgradcheck(f, inputs).unwrap_or_else(|e| panic!("{name}, second derivative: {e}"));
}

fn kind<T>(found: Result<T>) -> ErrorKind {
    found.err().expect("an error").kind()
}

fn orthonormal_columns(what: &str, q: &Tensor, bound: f64) {
    let gram = q.mt().unwrap().matmul(q).unwrap();
    let one = Tensor::eye(q.size(-1).unwrap(), q.dtype()).unwrap().broadcast_to(gram.shape()).unwrap();
    close(what, &gram, &one, bound);
}

fn times(u: &Tensor, s: &Tensor, vh: &Tensor) -> Tensor {
    u.mul(&s.unsqueeze(-2).unwrap()).unwrap().matmul(vh).unwrap()
}

/// A batch of matrices, in one of several layouts and dtypes.
fn matrices() -> impl Strategy<Value = (Tensor, f64)> {
    (0usize..4, 0usize..9, 0usize..9, 0usize..100, 0usize..4, any::<bool>()).prop_map(
        |(batch, m, n, seed, layout, single)| {
            let x = match layout {
                0 => rough(&[batch, m, n], seed),
                1 => rough(&[batch, n, m], seed).mt().unwrap(),
                2 => rough(&[m, n], seed),
                _ => rough(&[n, batch, 2 * m], seed)
                    .permute([1, 2, 0])
                    .unwrap()
                    .slice(1, None, None, 2)
                    .unwrap(),
            };
            if single { (x.to_dtype(DType::F32).unwrap(), 2e-5) } else { (x, 1e-13) }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn qr_gives_back_the_matrix((a, bound) in matrices()) {
        for mode in [QrMode::Reduced, QrMode::Complete] {
            let (q, r) = linalg::qr(&a, mode).unwrap();
            close("QR", &q.matmul(&r).unwrap(), &a, bound * 10.0);
            orthonormal_columns("Q", &q, bound);
            prop_assert_eq!(largest(&r.tril(-1).unwrap()), 0.0);
        }
        let (_, r) = linalg::qr(&a, QrMode::Reduced).unwrap();
        let (nothing, alone) = linalg::qr(&a, QrMode::R).unwrap();
        prop_assert_eq!(nothing.shape(), &[0]);
        prop_assert_eq!(alone.to_f64_vec().unwrap(), r.to_f64_vec().unwrap());
    }

    #[test]
    fn svd_gives_back_the_matrix((a, bound) in matrices()) {
        let (u, s, vh) = linalg::svd(&a, false).unwrap();
        close("USV", &times(&u, &s, &vh), &a, bound * 10.0);
        orthonormal_columns("U", &u, bound);
        orthonormal_columns("V", &vh.mt().unwrap(), bound);
        let k = s.size(-1).unwrap();
        if k > 1 {
            let steps = s.narrow(-1, 0, k - 1).unwrap().sub(&s.narrow(-1, 1, k - 1).unwrap()).unwrap();
            prop_assert!(steps.ge(0.0).unwrap().all(Dims::all(), false).unwrap().item().unwrap().to_bool());
        }
        prop_assert!(s.ge(0.0).unwrap().all(Dims::all(), false).unwrap().item().unwrap().to_bool());
        close("singular values", &linalg::svdvals(&a).unwrap(), &s, bound * 10.0);
        let (whole_u, whole_s, whole_vh) = linalg::svd(&a, true).unwrap();
        prop_assert_eq!(whole_u.size(-1).unwrap(), a.size(-2).unwrap());
        prop_assert_eq!(whole_vh.size(-2).unwrap(), a.size(-1).unwrap());
        orthonormal_columns("U", &whole_u, bound);
        orthonormal_columns("V", &whole_vh.mt().unwrap(), bound);
        let part = times(&whole_u.narrow(-1, 0, k).unwrap(), &whole_s, &whole_vh.narrow(-2, 0, k).unwrap());
        close("USV, full", &part, &a, bound * 10.0);
    }

    #[test]
    fn lu_gives_back_the_matrix((a, bound) in matrices()) {
        let (p, l, u) = linalg::lu(&a).unwrap();
        close("PLU", &p.matmul(&l).unwrap().matmul(&u).unwrap(), &a, bound * 10.0);
        prop_assert_eq!(largest(&u.tril(-1).unwrap()), 0.0);
        prop_assert_eq!(largest(&l.triu(1).unwrap()), 0.0);
        // Partial pivoting.
        prop_assert!(largest(&l) <= 1.0);
        orthonormal_columns("P", &p, 0.0);
    }

    #[test]
    fn eigenvalues_of_symmetric_matrices((batch, n, seed) in (0usize..3, 0usize..9, 0usize..100), upper in any::<bool>()) {
        let a = rough(&[batch, n, n], seed);
        let a = a.add(&a.mt().unwrap()).unwrap();
        // The other triangle does not count.
        let junk = if upper { a.triu(0).unwrap() } else { a.tril(0).unwrap() };
        let half = if upper { Uplo::Upper } else { Uplo::Lower };
        let (w, v) = linalg::eigh(&junk, half).unwrap();
        close("V w V^T", &times(&v, &w, &v.mt().unwrap()), &a, 1e-12);
        orthonormal_columns("V", &v, 1e-13);
        close("eigenvalues", &linalg::eigvalsh(&junk, half).unwrap(), &w, 1e-12);
        if n > 1 {
            let steps = w.narrow(-1, 1, n - 1).unwrap().sub(&w.narrow(-1, 0, n - 1).unwrap()).unwrap();
            prop_assert!(steps.ge(0.0).unwrap().all(Dims::all(), false).unwrap().item().unwrap().to_bool());
        }
        let det = linalg::det(&a).unwrap();
        close("det", &det, &w.prod_dim(-1, false).unwrap(), 1e-10 * (1.0 + largest(&det)));
        close("trace", &a.diagonal(0, -2, -1).unwrap().sum_dim(-1, false).unwrap(), &w.sum_dim(-1, false).unwrap(), 1e-12);
    }

    #[test]
    fn systems((batch, n, k, seed) in (0usize..3, 0usize..8, 0usize..4, 0usize..100)) {
        let a = regular(&[batch, n, n], seed);
        // Of rank 3: a matrix of the shape of a batch of vectors is one.
        let b = rough(&[1, n, k], seed + 1);
        let x = linalg::solve(&a, &b, true).unwrap();
        let spread = b.broadcast_to(x.shape()).unwrap();
        close("A X", &a.matmul(&x).unwrap(), &spread, 1e-11);
        let right = linalg::solve(&a, &b.mt().unwrap(), false).unwrap();
        close("X A", &right.matmul(&a).unwrap(), &spread.mt().unwrap(), 1e-11);
        let inverse = linalg::inv(&a).unwrap();
        close("A^-1", &a.matmul(&inverse).unwrap(), &eye(n).broadcast_to(a.shape()).unwrap(), 1e-11);
        close("A^-2", &a.matrix_power(-2).unwrap(), &inverse.matmul(&inverse).unwrap(), 1e-11);
        let (sign, log) = linalg::slogdet(&a).unwrap();
        let det = linalg::det(&a).unwrap();
        close("slogdet", &sign.mul(&log.exp().unwrap()).unwrap(), &det, 1e-11 * (1.0 + largest(&det)));
        if n > 0 {
            let (lu, pivots) = linalg::lu_factor(&a).unwrap();
            close("lu_solve", &linalg::lu_solve(&lu, &pivots, &spread, true, false).unwrap(), &x, 1e-11);
            let rows = spread.mt().unwrap();
            close("lu_solve, right", &linalg::lu_solve(&lu, &pivots, &rows, false, false).unwrap(), &right, 1e-11);
            let other = linalg::solve(&a.mt().unwrap(), &spread, true).unwrap();
            close("lu_solve, adjoint", &linalg::lu_solve(&lu, &pivots, &spread, true, true).unwrap(), &other, 1e-11);
        }
        for upper in [false, true] {
            for unit in [false, true] {
                let mut triangle = if upper { a.triu(0).unwrap() } else { a.tril(0).unwrap() };
                if unit {
                    triangle = triangle.sub(&triangle.diagonal(0, -2, -1).unwrap().diag_embed(0, -2, -1).unwrap()).unwrap();
                    triangle = triangle.add(&eye(n)).unwrap();
                }
                let x = linalg::solve_triangular(&a, &b, upper, true, unit).unwrap();
                close("T X", &triangle.matmul(&x).unwrap(), &spread, 1e-10 * (1.0 + largest(&x)));
                let x = linalg::solve_triangular(&a, &b.mt().unwrap(), upper, false, unit).unwrap();
                close("X T", &x.matmul(&triangle).unwrap(), &spread.mt().unwrap(), 1e-10 * (1.0 + largest(&x)));
            }
        }
    }

    #[test]
    fn cholesky_gives_back_the_matrix((batch, n, seed) in (0usize..3, 0usize..9, 0usize..100)) {
        let a = definite(&[batch, n, n], seed);
        let l = linalg::cholesky(&a.tril(0).unwrap(), false).unwrap();
        close("L L^T", &l.matmul(&l.mt().unwrap()).unwrap(), &a, 1e-12);
        prop_assert_eq!(largest(&l.triu(1).unwrap()), 0.0);
        let u = linalg::cholesky(&a.triu(0).unwrap(), true).unwrap();
        close("U", &u, &l.mt().unwrap(), 1e-13);
        let b = rough(&[1, n, 2], seed);
        let x = linalg::solve(&a, &b, true).unwrap();
        close("cholesky_solve", &linalg::cholesky_solve(&b, &l, false).unwrap(), &x, 1e-11);
        close("cholesky_solve, upper", &linalg::cholesky_solve(&b, &u, true).unwrap(), &x, 1e-11);
        close("cholesky_inverse", &linalg::cholesky_inverse(&l, false).unwrap(), &linalg::inv(&a).unwrap(), 1e-11);
    }

    #[test]
    fn pseudoinverses((m, n, r, seed) in (0usize..7, 0usize..7, 0usize..7, 0usize..100)) {
        // Of rank r at most.
        let a = rough(&[2, m, r], seed).matmul(&rough(&[2, r, n], seed + 5)).unwrap();
        let tolerance = Tolerance { absolute: Some(1e-9), relative: None };
        let p = linalg::pinv(&a, tolerance, false).unwrap();
        let (ap, pa) = (a.matmul(&p).unwrap(), p.matmul(&a).unwrap());
        let bound = 1e-9 * (1.0 + largest(&p)) * (1.0 + largest(&p));
        close("A P A", &ap.matmul(&a).unwrap(), &a, bound);
        close("P A P", &pa.matmul(&p).unwrap(), &p, bound);
        close("A P", &ap.mt().unwrap(), &ap, bound);
        close("P A", &pa.mt().unwrap(), &pa, bound);
        let rank = linalg::matrix_rank(&a, tolerance, false).unwrap().to_vec::<i64>().unwrap();
        prop_assert!(rank.iter().all(|&found| found as usize <= m.min(n).min(r)));
        let b = rough(&[2, m, 3], seed);
        let x = linalg::lstsq(&a, &b, Some(1e-10), Driver::Gelsd).unwrap();
        close("least squares", &x.solution, &p.matmul(&b).unwrap(), bound);
        prop_assert_eq!(x.rank.to_vec::<i64>().unwrap(), rank);
    }
}

// ---- singular matrices and the ends of the range ------------------------------------------------------

#[test]
fn elimination_goes_on_behind_a_zero_pivot() {
    let cases = [
        (vec![0.0, 0.0, 0.0, 0.0], [2, 2]),
        (vec![0.0, 1.0, 0.0, 2.0], [2, 2]),
        (vec![1.0; 16], [4, 4]),
        (vec![1.0; 12], [3, 4]),
        (vec![1.0; 12], [4, 3]),
        (vec![1.0, 2.0, 3.0, 2.0, 4.0, 6.0, 1.0, 0.0, 1.0], [3, 3]),
        // Zero columns between others, and two stops.
        (
            vec![
                0.0, 1.0, 1.0, 2.0, 3.0, 0.0, 2.0, 2.0, 4.0, 1.0, 0.0, 3.0, 3.0, 6.0, 2.0, 0.0, 4.0, 4.0,
                8.0, 7.0,
            ],
            [4, 5],
        ),
        (vec![2.0, 4.0, 0.0, 6.0, 1.0, 2.0, 0.0, 5.0, 3.0, 6.0, 0.0, 1.0, 4.0, 8.0, 0.0, 2.0], [4, 4]),
    ];
    for (values, shape) in cases {
        let a = tensor(&values, &shape);
        let (p, l, u) = linalg::lu(&a).unwrap();
        close("PLU", &p.matmul(&l).unwrap().matmul(&u).unwrap(), &a, 1e-14);
        assert!(largest(&l) <= 1.0);
        if shape[0] == shape[1] {
            assert_eq!(linalg::det(&a).unwrap().item_f64().unwrap(), 0.0);
            let (sign, log) = linalg::slogdet(&a).unwrap();
            assert_eq!(sign.item_f64().unwrap(), 0.0);
            assert_eq!(log.item_f64().unwrap(), f64::NEG_INFINITY);
            assert_eq!(kind(linalg::inv(&a)), ErrorKind::LinAlg);
            assert_eq!(kind(linalg::solve(&a, &eye(shape[0]), true)), ErrorKind::LinAlg);
            assert_eq!(kind(linalg::lu_factor(&a)), ErrorKind::Value);
            let cond = linalg::cond(&a, Some(MatrixNorm::Order(1.0))).unwrap().item_f64().unwrap();
            assert_eq!(cond, f64::INFINITY);
        }
    }
    // The pivots that are there are LAPACK's.
    let (p, _, u) = linalg::lu(&tensor(&[0.0, 1.0, 0.0, 2.0], &[2, 2])).unwrap();
    assert_eq!(p.to_vec::<f64>().unwrap(), [1.0, 0.0, 0.0, 1.0]);
    assert_eq!(u.to_vec::<f64>().unwrap(), [0.0, 1.0, 0.0, 2.0]);
}

proptest! {
    #[test]
    fn elimination_of_random_singular_matrices(
        (m, n) in (1usize..9, 1usize..9),
        values in prop::collection::vec(-1i32..2, 81),
        zeros in prop::collection::vec(0usize..4, 9),
    ) {
        // Whole numbers and equal columns give exact zeros.
        let mut a = vec![0.0; m * n];
        for i in 0..m {
            for j in 0..n {
                a[i * n + j] = j.checked_div(zeros[j]).map_or(0.0, |k| f64::from(values[i * 9 + k]));
            }
        }
        let a = tensor(&a, &[m, n]);
        let (p, l, u) = linalg::lu(&a).unwrap();
        close("PLU", &p.matmul(&l).unwrap().matmul(&u).unwrap(), &a, 1e-13);
        prop_assert!(largest(&l) <= 1.0);
    }
}

/// The exchange of rows takes no part in the arithmetic: an infinity comes through it, as in PyTorch.
#[test]
fn lu_solve_exchanges_rows_and_nothing_else() {
    let solved = |a: &Tensor, b: &[f64]| {
        let (lu, pivots) = linalg::lu_factor(a).unwrap();
        let b = tensor(b, &[b.len(), 1]);
        linalg::lu_solve(&lu, &pivots, &b, true, false).unwrap().to_vec::<f64>().unwrap()
    };
    let exchanging = tensor(&[0.0, 1.0, 2.0, 0.0], &[2, 2]);
    assert_eq!(solved(&exchanging, &[6.0, 3.0]), [1.5, 6.0]);
    assert_eq!(solved(&exchanging, &[f64::INFINITY, 3.0])[1], f64::INFINITY);
    assert_eq!(solved(&eye(3), &[1.0, 2.0, f64::INFINITY])[2], f64::INFINITY);
}

/// What is neither positive definite nor finite is refused, not turned into NaN.
#[test]
fn cholesky_refuses_what_is_not_finite() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    for values in [[inf, 0.0, 0.0, 1.0], [1.0, nan, nan, 1.0], [1.0, inf, inf, 1.0], [nan, 0.0, 0.0, 1.0]] {
        let refused = linalg::cholesky(&tensor(&values, &[2, 2]), false).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::LinAlg, "{values:?}");
    }
}

#[test]
fn numbers_at_the_ends_of_the_range() {
    for factor in [1e-320, 1e-200, 1e200, 1e307] {
        let a = tensor(&[3.0, 1.0, 1.0, 3.0], &[2, 2]).mul(factor).unwrap();
        let s = linalg::svdvals(&a).unwrap().to_vec::<f64>().unwrap();
        let w = linalg::eigvalsh(&a, Uplo::Lower).unwrap().to_vec::<f64>().unwrap();
        for (found, expected) in [(s[0], 4.0), (s[1], 2.0), (w[0], 2.0), (w[1], 4.0)] {
            // Of subnormals few digits are left.
            let off = (found / factor - expected).abs();
            assert!(off <= if factor < 1e-300 { 1e-3 } else { 1e-14 }, "{factor:e}: {found:e}");
        }
    }
    for bad in [f64::NAN, f64::INFINITY] {
        let a = eye(3).mul(bad).unwrap();
        assert_eq!(kind(linalg::svd(&a, true)), ErrorKind::LinAlg);
        assert_eq!(kind(linalg::svdvals(&a)), ErrorKind::LinAlg);
        assert_eq!(kind(linalg::eigh(&a, Uplo::Lower)), ErrorKind::LinAlg);
        assert_eq!(kind(linalg::cholesky(&a, false)), ErrorKind::LinAlg);
        assert_eq!(kind(linalg::pinv(&a, Tolerance::default(), false)), ErrorKind::LinAlg);
        assert_eq!(kind(linalg::matrix_norm(&a, 2.0, [-2, -1], false, None)), ErrorKind::LinAlg);
    }
    // What is not computed from singular values carries NaN on.
    let nan = Tensor::full(&[2, 2], f64::NAN, DType::F64).unwrap();
    assert!(linalg::det(&nan).unwrap().item_f64().unwrap().is_nan());
    assert!(linalg::inv(&nan).unwrap().to_vec::<f64>().unwrap().iter().all(|x| x.is_nan()));
}

#[test]
fn empty_matrices_and_batches() {
    let z = |shape: &[usize]| Tensor::zeros(shape, DType::F64).unwrap();
    assert_eq!(linalg::det(&z(&[0, 0])).unwrap().to_vec::<f64>().unwrap(), [1.0]);
    assert_eq!(linalg::det(&z(&[3, 0, 0])).unwrap().to_vec::<f64>().unwrap(), [1.0; 3]);
    assert_eq!(linalg::det(&z(&[0, 2, 2])).unwrap().shape(), [0]);
    assert_eq!(linalg::inv(&z(&[0, 0])).unwrap().shape(), [0, 0]);
    assert_eq!(linalg::solve(&z(&[0, 0]), &z(&[0, 3]), true).unwrap().shape(), [0, 3]);
    assert_eq!(linalg::solve(&eye(2), &z(&[2, 0]), true).unwrap().shape(), [2, 0]);
    let (q, r) = linalg::qr(&z(&[2, 0]), QrMode::Complete).unwrap();
    close("Q", &q, &eye(2), 0.0);
    assert_eq!(r.shape(), [2, 0]);
    let (u, s, vh) = linalg::svd(&z(&[0, 2]), true).unwrap();
    assert_eq!((u.shape(), s.shape()), (&[0usize, 0][..], &[0usize][..]));
    close("V", &vh, &eye(2), 0.0);
    let (p, l, u) = linalg::lu(&z(&[2, 0])).unwrap();
    close("P", &p, &eye(2), 0.0);
    assert_eq!((l.shape(), u.shape()), (&[2usize, 0][..], &[0usize, 0][..]));
    assert_eq!(linalg::eigh(&z(&[3, 0, 0]), Uplo::Lower).unwrap().0.shape(), [3, 0]);
    assert_eq!(linalg::pinv(&z(&[0, 3]), Tolerance::default(), false).unwrap().shape(), [3, 0]);
    assert_eq!(
        linalg::matrix_rank(&z(&[0, 3]), Tolerance::default(), false).unwrap().to_vec::<i64>().unwrap(),
        [0]
    );
    let found = linalg::lstsq(&z(&[0, 2]), &z(&[0, 3]), None, Driver::Gelsy).unwrap();
    close("least squares", &found.solution, &z(&[2, 3]), 0.0);
    assert_eq!(linalg::cond(&z(&[0, 0]), None).unwrap().item_f64().unwrap(), 0.0);
    for ord in [MatrixNorm::Frobenius, MatrixNorm::Nuclear, 1.0.into(), 2.0.into(), f64::INFINITY.into()] {
        assert_eq!(
            linalg::matrix_norm(&z(&[2, 0]), ord, [-2, -1], false, None).unwrap().item_f64().unwrap(),
            0.0
        );
    }
    assert_eq!(kind(linalg::matrix_norm(&z(&[2, 0]), -1.0, [-2, -1], false, None)), ErrorKind::Index);
}

// ---- values that PyTorch gives -------------------------------------------------------------------------

#[test]
fn signs_are_those_of_lapack() {
    let (q, r) = linalg::qr(&tensor(&[3.0, 1.0, 4.0, 2.0], &[2, 2]), QrMode::Reduced).unwrap();
    close("Q", &q, &tensor(&[-0.6, -0.8, -0.8, 0.6], &[2, 2]), 1e-15);
    close("R", &r, &tensor(&[-5.0, -2.2, 0.0, 0.4], &[2, 2]), 1e-15);
    // What is triangular already stays as it is.
    let a = tensor(&[-3.0, 1.0, 0.0, -2.0], &[2, 2]);
    let (q, r) = linalg::qr(&a, QrMode::Reduced).unwrap();
    close("Q", &q, &eye(2), 0.0);
    close("R", &r, &a, 0.0);
}

#[test]
fn norms() {
    let a = tensor(&[1.0, -2.0, 3.0, 4.0], &[2, 2]);
    let norm =
        |ord: MatrixNorm| linalg::matrix_norm(&a, ord, [0, 1], false, None).unwrap().item_f64().unwrap();
    let expected = [
        (MatrixNorm::Frobenius, 5.477225575051661),
        (MatrixNorm::Nuclear, 7.0710678118654755),
        (1.0.into(), 6.0),
        ((-1.0).into(), 4.0),
        (2.0.into(), 5.116672736016927),
        ((-2.0).into(), 1.9543950758485487),
        (f64::INFINITY.into(), 7.0),
        (f64::NEG_INFINITY.into(), 3.0),
    ];
    for (ord, value) in expected {
        assert!((norm(ord) - value).abs() < 1e-14, "{ord:?}");
    }
    let cube = rough(&[2, 3, 4], 1);
    for ord in [MatrixNorm::Frobenius, MatrixNorm::Nuclear, 1.0.into(), 2.0.into(), f64::INFINITY.into()] {
        let kept = linalg::matrix_norm(&cube, ord, [2, 0], true, None).unwrap();
        assert_eq!(kept.shape(), [1, 3, 1]);
        let apart =
            linalg::matrix_norm(&cube.permute([1, 2, 0]).unwrap(), ord, [-2, -1], false, None).unwrap();
        close("dims", &kept.flatten().unwrap(), &apart, 1e-14);
    }
    let cond = |p: Option<MatrixNorm>| linalg::cond(&a, p).unwrap().item_f64().unwrap();
    assert!((cond(None) - 2.6180339887498936).abs() < 1e-13);
    assert!((cond(Some((-2.0).into())) - 0.3819660112501053).abs() < 1e-13);
    assert!((cond(Some(1.0.into())) - 4.2).abs() < 1e-13);
    let ones = Tensor::ones(&[2, 2], DType::F64).unwrap();
    let pair = Tensor::stack(&[&a, &ones], 0).unwrap();
    let found = linalg::cond(&pair, Some(1.0.into())).unwrap().to_vec::<f64>().unwrap();
    assert!((found[0] - 4.2).abs() < 1e-13);
    assert_eq!(found[1], f64::INFINITY);
}

#[test]
fn tolerances() {
    let a = tensor(&[1.0, 0.0, 0.0, 0.1], &[2, 2]);
    let rank = |absolute, relative| {
        let tolerance = Tolerance { absolute, relative };
        let p = linalg::pinv(&a, tolerance, false).unwrap();
        let rank = linalg::matrix_rank(&a, tolerance, false).unwrap().item_f64().unwrap();
        assert_eq!(p.gt(0.5).unwrap().to_dtype(DType::F64).unwrap().sum().unwrap().item_f64().unwrap(), rank);
        rank
    };
    assert_eq!(rank(None, None), 2.0);
    assert_eq!(rank(Some(0.5), None), 1.0);
    assert_eq!(rank(None, Some(0.5)), 1.0);
    assert_eq!(rank(Some(0.05), Some(0.2)), 1.0);
    // What is as large as the bound counts as zero.
    assert_eq!(rank(None, Some(0.1)), 1.0);
    let sign = tensor(&[1.0, 0.0, 0.0, -0.5], &[2, 2]);
    let p = linalg::pinv(&sign, Tolerance::default(), true).unwrap();
    close("hermitian", &p, &tensor(&[1.0, 0.0, 0.0, -2.0], &[2, 2]), 1e-15);
    assert_eq!(linalg::matrix_rank(&sign, Tolerance::default(), true).unwrap().item_f64().unwrap(), 2.0);
}

#[test]
fn vectors_on_the_right_hand_side() {
    let a = regular(&[3, 2, 2], 1);
    let b = rough(&[3, 2], 2);
    let x = linalg::solve(&a, &b, true).unwrap();
    assert_eq!(x.shape(), [3, 2]);
    close("A x", &a.matmul(&x.unsqueeze(-1).unwrap()).unwrap().squeeze(-1).unwrap(), &b, 1e-12);
    let one = linalg::solve(&a, &b.select(0, 0).unwrap(), true).unwrap();
    assert_eq!(one.shape(), [3, 2]);
    let tall = rough(&[3, 4, 2], 1);
    let found = linalg::lstsq(&tall, &rough(&[3, 4], 2), None, Driver::Gelsd).unwrap();
    assert_eq!(found.solution.shape(), [3, 2]);
    assert_eq!(found.residuals.shape(), [3, 1]);
}

#[test]
fn what_the_drivers_leave_out() {
    let (a, b) = (rough(&[4, 2], 1), rough(&[4, 3], 2));
    let shapes = |driver| {
        let found = linalg::lstsq(&a, &b, None, driver).unwrap();
        [found.residuals, found.rank, found.singular_values].map(|t| t.shape().to_vec())
    };
    assert_eq!(shapes(Driver::Gelsy), [vec![0], vec![], vec![0]]);
    assert_eq!(shapes(Driver::Gels), [vec![3], vec![0], vec![0]]);
    assert_eq!(shapes(Driver::Gelsd), [vec![3], vec![], vec![2]]);
    assert_eq!(shapes(Driver::Gelss), [vec![3], vec![], vec![2]]);
    let thin = Tensor::ones(&[3, 2], DType::F64).unwrap();
    let b = tensor(&[1.0, 2.0, 3.0], &[3, 1]);
    let found = linalg::lstsq(&thin, &b, None, Driver::Gelsd).unwrap();
    close("shortest", &found.solution, &tensor(&[1.0, 1.0], &[2, 1]), 1e-14);
    assert_eq!(found.residuals.shape(), [0]);
    assert_eq!(kind(linalg::lstsq(&thin, &b, None, Driver::Gels)), ErrorKind::LinAlg);
}

// ---- gradients ------------------------------------------------------------------------------------------

#[test]
fn gradients_of_determinants_and_systems() {
    let a = regular(&[2, 3, 3], 1);
    both("det", &|t| linalg::det(&t[0]), std::slice::from_ref(&a));
    both("slogdet", &|t| Ok(linalg::slogdet(&t[0])?.1), std::slice::from_ref(&a));
    both("logdet", &|t| linalg::logdet(&t[0]), &[definite(&[2, 3, 3], 1)]);
    both("inv", &|t| linalg::inv(&t[0]), std::slice::from_ref(&a));
    both("matrix_power", &|t| t[0].matrix_power(-2), std::slice::from_ref(&a));
    let b = rough(&[3, 2], 2);
    both("solve", &|t| linalg::solve(&t[0], &t[1], true), &[a.clone(), b.clone()]);
    both("solve, right", &|t| linalg::solve(&t[0], &t[1], false), &[a.clone(), rough(&[1, 2, 3], 3)]);
    both("solve, vector", &|t| linalg::solve(&t[0], &t[1], true), &[a.clone(), rough(&[2, 3], 3)]);
    for (upper, unit) in [(false, false), (true, false), (false, true), (true, true)] {
        let f = |left| move |t: &[Tensor]| linalg::solve_triangular(&t[0], &t[1], upper, left, unit);
        both("solve_triangular", &f(true), &[a.clone(), b.clone()]);
        both("solve_triangular, right", &f(false), &[a.clone(), rough(&[2, 3], 3)]);
    }
    both(
        "cholesky_solve",
        &|t| linalg::cholesky_solve(&t[1], &t[0].tril(0)?, false),
        &[a.clone(), b.clone()],
    );
    both(
        "cholesky_solve, upper",
        &|t| linalg::cholesky_solve(&t[1], &t[0].triu(0)?, true),
        &[a.clone(), b.clone()],
    );
    both("cholesky_inverse", &|t| linalg::cholesky_inverse(&t[0].tril(0)?, false), std::slice::from_ref(&a));
    both(
        "cholesky_inverse, upper",
        &|t| linalg::cholesky_inverse(&t[0].triu(0)?, true),
        std::slice::from_ref(&a),
    );
    let f = |adjoint| {
        move |t: &[Tensor]| {
            let (lu, pivots) = linalg::lu_factor(&t[0])?;
            linalg::lu_solve(&lu, &pivots, &t[1].expand([2, -1, -1])?, true, adjoint)
        }
    };
    both("lu_solve", &f(false), &[a.clone(), b.clone()]);
    both("lu_solve, adjoint", &f(true), &[a, b]);
}

#[test]
fn gradients_of_factors() {
    for shape in [&[3, 3][..], &[4, 3], &[3, 4], &[2, 3, 2]] {
        let a = rough(shape, 4);
        both("Q", &|t| Ok(linalg::qr(&t[0], QrMode::Reduced)?.0), std::slice::from_ref(&a));
        both("R", &|t| Ok(linalg::qr(&t[0], QrMode::Reduced)?.1), std::slice::from_ref(&a));
        both(
            "Q and R",
            &|t| {
                let (q, r) = linalg::qr(&t[0], QrMode::Reduced)?;
                q.square()?.matmul(&r.square()?)
            },
            std::slice::from_ref(&a),
        );
        both("L", &|t| Ok(linalg::lu(&t[0])?.1), std::slice::from_ref(&a));
        both("U", &|t| Ok(linalg::lu(&t[0])?.2), std::slice::from_ref(&a));
        both("LU", &|t| Ok(linalg::lu_factor(&t[0])?.0), std::slice::from_ref(&a));
    }
    both("complete", &|t| Ok(linalg::qr(&t[0], QrMode::Complete)?.1), &[rough(&[2, 3], 4)]);
    for upper in [false, true] {
        both("cholesky", &|t| linalg::cholesky(&t[0].add(&t[0].mt()?)?, upper), &[definite(&[2, 3, 3], 1)]);
    }
}

#[test]
fn gradients_of_values_and_vectors() {
    for shape in [&[3, 3][..], &[4, 3], &[3, 4], &[2, 3, 2]] {
        let a = rough(shape, 4);
        both("singular values", &|t| linalg::svdvals(&t[0]), std::slice::from_ref(&a));
        // Free of signs.
        both("U", &|t| linalg::svd(&t[0], false)?.0.square(), std::slice::from_ref(&a));
        both("V", &|t| linalg::svd(&t[0], true)?.2.narrow(-2, 0, 2)?.square(), std::slice::from_ref(&a));
        both(
            "all of svd",
            &|t| {
                let (u, s, vh) = linalg::svd(&t[0], false)?;
                u.mul(&s.square()?.unsqueeze(-2)?)?.matmul(&vh)
            },
            std::slice::from_ref(&a),
        );
        both("pinv", &|t| linalg::pinv(&t[0], Tolerance::default(), false), std::slice::from_ref(&a));
    }
    let a = rough(&[2, 3, 3], 5);
    let symmetric = |t: &Tensor| t.add(&t.mt()?);
    both("eigenvalues", &|t| linalg::eigvalsh(&symmetric(&t[0])?, Uplo::Lower), std::slice::from_ref(&a));
    both(
        "all of eigh",
        &|t| {
            let (w, v) = linalg::eigh(&symmetric(&t[0])?, Uplo::Upper)?;
            v.square()?.mul(&w.exp()?.unsqueeze(-2)?)?.matmul(&v.square()?.mt()?)
        },
        std::slice::from_ref(&a),
    );
    both(
        "pinv, symmetric",
        &|t| linalg::pinv(&symmetric(&t[0])?, Tolerance::default(), true),
        std::slice::from_ref(&a),
    );
}

#[test]
fn gradients_of_least_squares_and_norms() {
    for (m, n) in [(4, 2), (3, 3), (2, 4)] {
        let pair = [rough(&[m, n], 4), rough(&[m, 2], 5)];
        both("lstsq", &|t| Ok(linalg::lstsq(&t[0], &t[1], None, Driver::Gelsy)?.solution), &pair);
    }
    let pair = [rough(&[4, 2], 4), rough(&[4], 5)];
    both("residuals", &|t| Ok(linalg::lstsq(&t[0], &t[1], None, Driver::Gelsd)?.residuals), &pair);
    let a = rough(&[2, 3, 3], 4);
    for ord in [
        MatrixNorm::Frobenius,
        MatrixNorm::Nuclear,
        1.0.into(),
        (-1.0).into(),
        2.0.into(),
        (-2.0).into(),
        f64::INFINITY.into(),
    ] {
        both(
            &format!("norm {ord:?}"),
            &|t| linalg::matrix_norm(&t[0], ord, [0, -1], true, None),
            std::slice::from_ref(&a),
        );
        both(&format!("cond {ord:?}"), &|t| linalg::cond(&t[0], Some(ord)), std::slice::from_ref(&a));
    }
}

/// The gradient of the sum of an output.
fn slope(a: &Tensor, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let a = a.detach().copy()?.requires_grad_(true)?;
    let sum = f(&a)?.sum()?;
    Ok(grad(&[&sum], &[&a], &[], GradOptions::default())?[0].clone().unwrap())
}

#[test]
fn gradients_at_singular_matrices() {
    // The cofactors.
    let a = tensor(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], &[3, 3]);
    let cofactors = tensor(&[-3.0, 6.0, -3.0, 6.0, -12.0, 6.0, -3.0, 6.0, -3.0], &[3, 3]);
    close("det", &slope(&a, linalg::det).unwrap(), &cofactors, 1e-12);
    let ones = Tensor::ones(&[2, 2], DType::F64).unwrap();
    let pair = Tensor::stack(&[&ones, &tensor(&[1.0, 2.0, 3.0, 4.0], &[2, 2]), &ones], 0).unwrap();
    let found = slope(&pair, linalg::det).unwrap();
    let expected = tensor(&[1.0, -1.0, -1.0, 1.0, 4.0, -3.0, -2.0, 1.0, 1.0, -1.0, -1.0, 1.0], &[3, 2, 2]);
    close("det of a batch", &found, &expected, 1e-13);
    both("det of a batch", &|t| linalg::det(&t[0]), &[pair]);
    assert_eq!(
        slope(&Tensor::zeros(&[3, 3], DType::F64).unwrap(), linalg::det).unwrap().to_vec::<f64>().unwrap(),
        [0.0; 9]
    );
    let found = slope(&ones, |a| Ok(linalg::slogdet(a)?.1)).unwrap();
    assert_eq!(found.abs().unwrap().to_vec::<f64>().unwrap(), [f64::INFINITY; 4]);
    // Values alone have a gradient where vectors have none.
    let one = eye(2);
    close("svdvals", &slope(&one, linalg::svdvals).unwrap(), &one, 1e-15);
    close(
        "nuc",
        &slope(&one, |a| linalg::matrix_norm(a, MatrixNorm::Nuclear, [0, 1], false, None)).unwrap(),
        &one,
        1e-15,
    );
    assert!(largest(&slope(&one, |a| Ok(linalg::svd(a, false)?.0)).unwrap()).is_nan());
    let zero = Tensor::zeros(&[2, 2], DType::F64).unwrap();
    for ord in [MatrixNorm::Frobenius, 1.0.into(), f64::INFINITY.into()] {
        let found = slope(&zero, |a| linalg::matrix_norm(a, ord, [0, 1], false, None)).unwrap();
        assert_eq!(found.to_vec::<f64>().unwrap(), [0.0; 4], "{ord:?}");
    }
}

#[test]
fn gradients_that_there_are_not() {
    let tall = rough(&[3, 2], 1);
    assert_eq!(kind(slope(&tall, |a| Ok(linalg::qr(a, QrMode::Complete)?.1))), ErrorKind::Autograd);
    assert_eq!(kind(slope(&tall, |a| Ok(linalg::qr(a, QrMode::R)?.1))), ErrorKind::Autograd);
    let beyond = slope(&tall, |a| linalg::svd(a, true)?.0.narrow(-1, 2, 1)).unwrap();
    assert_eq!(beyond.to_vec::<f64>().unwrap(), [0.0; 6]);
    let rank = linalg::matrix_rank(&tall.requires_grad_(true).unwrap(), Tolerance::default(), false).unwrap();
    assert!(!rank.requires_grad());
}

#[test]
fn results_stand_in_the_graph_as_pytorch_names_them() {
    let a = regular(&[3, 3], 1).requires_grad_(true).unwrap();
    let name = |t: Tensor| t.grad_fn().unwrap();
    assert_eq!(name(linalg::det(&a).unwrap()), "LinalgDetBackward0");
    assert_eq!(name(linalg::inv(&a).unwrap()), "LinalgInvExBackward0");
    assert_eq!(name(linalg::svd(&a, true).unwrap().1), "LinalgSvdBackward0");
    assert_eq!(name(linalg::svdvals(&a).unwrap()), "LinalgSvdBackward0");
    assert_eq!(name(linalg::eigh(&a, Uplo::Lower).unwrap().0), "LinalgEighBackward0");
    assert_eq!(name(linalg::qr(&a, QrMode::Reduced).unwrap().0), "LinalgQrBackward0");
    let (p, l, _) = linalg::lu(&a).unwrap();
    assert!(!p.requires_grad());
    assert_eq!(name(l), "LinalgLuBackward0");
    // A result that is written over is missed by the gradient of another.
    let (u, s, _) = linalg::svd(&a, true).unwrap();
    no_grad(|| u.detach().fill_(0.0)).unwrap();
    assert_eq!(kind(s.sum().unwrap().backward()), ErrorKind::Autograd);
}

// ---- errors ---------------------------------------------------------------------------------------------

#[test]
fn refusals() {
    let z = |shape: &[usize]| Tensor::zeros(shape, DType::F32).unwrap();
    let i = |shape: &[usize]| Tensor::zeros(shape, DType::I32).unwrap();
    let h = |shape: &[usize]| Tensor::zeros(shape, DType::F16).unwrap();
    use ErrorKind::{Argument, DType as Type, Dim, LinAlg, NotImplemented, Shape, Value};
    let one =
        |f: &dyn Fn(&Tensor) -> ErrorKind| [f(&z(&[2, 3])), f(&z(&[2])), f(&i(&[2, 2])), f(&h(&[2, 2]))];
    let square = [Shape, Shape, NotImplemented, NotImplemented];
    assert_eq!(one(&|a| kind(linalg::det(a))), square);
    assert_eq!(one(&|a| kind(linalg::slogdet(a))), square);
    assert_eq!(one(&|a| kind(linalg::inv(a))), square);
    assert_eq!(one(&|a| kind(linalg::solve(a, a, true))), square);
    assert_eq!(one(&|a| kind(linalg::solve_triangular(a, a, true, true, false))), square);
    assert_eq!(one(&|a| kind(linalg::cholesky(a, false))), square);
    assert_eq!(one(&|a| kind(linalg::eigh(a, Uplo::Lower))), square);
    assert_eq!(one(&|a| kind(a.matrix_power(-1))), square);
    for f in [
        &|a: &Tensor| kind(linalg::qr(a, QrMode::Reduced)) as ErrorKind,
        &|a: &Tensor| kind(linalg::svd(a, true)),
        &|a: &Tensor| kind(linalg::lu(a)),
    ] as [&dyn Fn(&Tensor) -> ErrorKind; 3]
    {
        assert_eq!([f(&z(&[2])), f(&i(&[2, 2])), f(&h(&[2, 2]))], [Shape, NotImplemented, NotImplemented]);
    }
    assert_eq!(kind(linalg::pinv(&i(&[2, 2]), Tolerance::default(), false)), Type);
    assert_eq!(kind(linalg::matrix_rank(&h(&[2, 2]), Tolerance::default(), false)), Type);
    assert_eq!(kind(linalg::lstsq(&h(&[2, 2]), &h(&[2, 2]), None, Driver::Gelsy)), Type);

    let e = Tensor::eye(2, DType::F32).unwrap();
    assert_eq!(kind(linalg::solve(&e, &z(&[3, 1]), true)), Shape);
    assert_eq!(kind(linalg::solve(&e, &z(&[1, 3]), false)), Shape);
    assert_eq!(kind(linalg::solve(&e, &z(&[2]), false)), Shape);
    assert_eq!(kind(linalg::solve(&e, &z(&[]), true)), Shape);
    assert_eq!(kind(linalg::solve(&e, &eye(2), true)), Type);
    assert_eq!(kind(linalg::solve(&e.expand([3, 2, 2]).unwrap(), &z(&[2, 2, 1]), true)), Shape);
    assert_eq!(kind(linalg::solve_triangular(&e, &z(&[2]), true, true, false)), Shape);
    assert_eq!(kind(linalg::cholesky_solve(&z(&[3, 1]), &e, false)), Shape);
    assert_eq!(kind(linalg::cholesky(&z(&[2, 2]), false)), LinAlg);
    assert_eq!(kind(linalg::cholesky_inverse(&z(&[2, 2]), false)), LinAlg);
    let (lu, pivots) = linalg::lu_factor(&e).unwrap();
    assert_eq!(kind(linalg::lu_solve(&lu, &pivots.to_dtype(DType::I64).unwrap(), &e, true, false)), Type);
    assert_eq!(kind(linalg::lu_solve(&lu, &pivots.narrow(0, 0, 1).unwrap(), &e, true, false)), Shape);
    assert_eq!(kind(linalg::lu_solve(&lu, &i(&[2]), &e, true, false)), Value);
    assert_eq!(kind(linalg::lstsq(&z(&[4, 2]), &z(&[3, 1]), None, Driver::Gelsy)), Shape);
    assert_eq!(kind(linalg::lstsq(&z(&[4, 2]), &z(&[3, 4, 2]), None, Driver::Gelsy)), Shape);

    let norm = |a: &Tensor, ord: MatrixNorm, dims| kind(linalg::matrix_norm(a, ord, dims, false, None));
    assert_eq!(norm(&e, 3.0.into(), [0, 1]), Value);
    assert_eq!(norm(&e, 1.0.into(), [0, 0]), Shape);
    assert_eq!(norm(&e, 1.0.into(), [0, 2]), Dim);
    assert_eq!(norm(&z(&[2]), 1.0.into(), [0, 1]), Shape);
    assert_eq!(norm(&i(&[2, 2]), 1.0.into(), [0, 1]), NotImplemented);
    assert_eq!(norm(&h(&[2, 2]), 2.0.into(), [0, 1]), NotImplemented);
    assert_eq!(kind(linalg::matrix_norm(&eye(2), 1.0, [0, 1], false, Some(DType::F32))), Type);
    assert_eq!(kind(linalg::cond(&e, Some(3.0.into()))), Argument);
    assert_eq!(kind(linalg::cond(&z(&[2, 3]), Some(1.0.into()))), Shape);

    let singular = Tensor::stack(&[&eye(2), &Tensor::ones(&[2, 2], DType::F64).unwrap()], 0).unwrap();
    // Empty matrices, and more of them than numbers go.
    let many = z(&[0, 0]).expand([1 << 40, 1 << 40, 0, 0]).unwrap();
    assert_eq!(kind(linalg::det(&many)), ErrorKind::Memory);
    assert_eq!(kind(linalg::svdvals(&many)), ErrorKind::Memory);
    let e = linalg::inv(&singular).unwrap_err();
    assert_eq!(e.to_string(), "inv: the matrix is singular: matrix 1");
}

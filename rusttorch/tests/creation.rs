//! Tensors from sizes and numbers: what dtype they have, and what must hold of ranges and grids whatever their
//! size. Single values are judged by PyTorch's in the conformance suite.

#![allow(clippy::unwrap_used, reason = "a failing test should stop")]

use proptest::prelude::*;
use rusttorch::nn::functional::one_hot;
use rusttorch::{DType, ErrorKind, MeshIndexing, Tensor};

fn f64s(t: &Tensor) -> Vec<f64> {
    t.to_f64_vec().unwrap()
}

#[test]
fn dtypes_are_inferred_as_in_torch() {
    use DType::*;
    let dtype = |t: rusttorch::Result<Tensor>| t.unwrap().dtype();
    assert_eq!(dtype(Tensor::full(&[2], 3, None)), I64);
    assert_eq!(dtype(Tensor::full(&[2], true, None)), Bool);
    assert_eq!(dtype(Tensor::full(&[2], 1.5, None)), F32);
    assert_eq!(dtype(Tensor::full(&[2], 1.5, F16)), F16);
    assert_eq!(dtype(Tensor::zeros(&[2], None)), F32);
    assert_eq!(dtype(Tensor::scalar_tensor(3, None)), F32);
    assert_eq!(dtype(Tensor::arange(0, 3, 1, None)), I64);
    assert_eq!(dtype(Tensor::arange(0, 3, 1.0, None)), F32);
    assert_eq!(dtype(Tensor::randint(0, 3, &[2], None)), I64);
    assert_eq!(dtype(Tensor::eye(2, None)), F32);
    let bytes = Tensor::zeros(&[2], U8).unwrap();
    assert_eq!(dtype(bytes.new_full(&[3], 7, None)), U8);
    assert_eq!(dtype(bytes.new_zeros(&[3], F64)), F64);
    assert_eq!(dtype(bytes.new_tensor(&Tensor::ones(&[2], F32).unwrap(), None)), U8);
    assert_eq!(bytes.new_full(&[3], 300, None).unwrap_err().kind(), ErrorKind::Value);
}

#[test]
fn new_tensors_have_no_history() {
    let x = Tensor::ones(&[2], DType::F32).unwrap().requires_grad_(true).unwrap();
    let y = x.mul(2.0).unwrap();
    for t in
        [y.new_zeros(&[2], None), y.new_tensor(&y, None), Tensor::zeros_like(&y), Tensor::rand_like(&y, None)]
    {
        assert!(!t.unwrap().requires_grad());
    }
    assert!(!y.new_tensor(&y, None).unwrap().shares_storage(&y));
}

#[test]
fn sizes_beyond_memory_are_errors() {
    let far = 1usize << 60;
    let kind = |t: rusttorch::Result<Tensor>| t.unwrap_err().kind();
    assert_eq!(kind(Tensor::linspace(0, 1, far, None)), ErrorKind::Memory);
    assert_eq!(kind(Tensor::logspace(0, 1, far, 10.0, None)), ErrorKind::Memory);
    assert_eq!(kind(Tensor::eye((far, far), None)), ErrorKind::Memory);
    assert_eq!(kind(Tensor::tril_indices(far, far, 0, None)), ErrorKind::Memory);
    assert_eq!(kind(Tensor::triu_indices(usize::MAX, usize::MAX, isize::MIN, None)), ErrorKind::Memory);
    assert_eq!(Tensor::tril_indices(far, 0, 0, None).unwrap().shape(), [2, 0]);
    assert_eq!(Tensor::tril_indices(far, 3, isize::MIN, None).unwrap().shape(), [2, 0]);
    let two = Tensor::ones(&[2], None).unwrap();
    assert_eq!(kind(two.combinations(far, true)), ErrorKind::Memory);
    assert_eq!(two.combinations(far, false).unwrap().shape(), [0, far]);
    assert_eq!(kind(two.vander(far, false)), ErrorKind::Memory);
    assert_eq!(kind(one_hot(&Tensor::scalar(i64::MAX).unwrap(), None)), ErrorKind::Memory);
}

#[test]
fn grids_are_views() {
    let x = Tensor::arange(0.0, 2.0, 1.0, None).unwrap();
    let y = Tensor::arange(0.0, 3.0, 1.0, None).unwrap();
    let grid = Tensor::meshgrid(&[&x, &y], MeshIndexing::Xy).unwrap();
    assert!(grid[0].shares_storage(&x) && grid[1].shares_storage(&y));
    assert_eq!(grid[0].shape(), [3, 2]);
    x.fill_(7.0).unwrap();
    assert_eq!(f64s(&grid[0]), [7.0; 6]);
}

proptest! {
    #[test]
    fn arange_counts_and_steps(start in -50i64..50, span in -50i64..50, step in 1i64..9) {
        let step = if span < 0 { -step } else { step };
        let t = Tensor::arange(start, start + span, step, None).unwrap();
        let expected: Vec<i64> = std::iter::successors(Some(start), |v| Some(v + step))
            .take_while(|v| if step > 0 { *v < start + span } else { *v > start + span })
            .collect();
        prop_assert_eq!(t.to_vec::<i64>().unwrap(), expected.clone());
        let floats = Tensor::arange(start as f64, (start + span) as f64, step as f64, DType::F64).unwrap();
        prop_assert_eq!(f64s(&floats), expected.iter().map(|&v| v as f64).collect::<Vec<_>>());
    }

    #[test]
    fn linspace_meets_both_ends_and_mirrors(a in -1e3f64..1e3, b in -1e3f64..1e3, n in 2usize..60, single in any::<bool>()) {
        let dtype = if single { DType::F32 } else { DType::F64 };
        let (a, b) = if single { (f64::from(a as f32), f64::from(b as f32)) } else { (a, b) };
        let there = f64s(&Tensor::linspace(a, b, n, dtype).unwrap());
        prop_assert_eq!((there[0], there[n - 1]), (a, b));
        let mut back = f64s(&Tensor::linspace(b, a, n, dtype).unwrap());
        back.reverse();
        // The middle of an odd number belongs to the second half, from either side.
        for i in (0..n).filter(|&i| 2 * i + 1 != n) {
            prop_assert_eq!(there[i], back[i]);
        }
        let ordered = there.windows(2).all(|w| if a <= b { w[0] <= w[1] } else { w[0] >= w[1] });
        prop_assert!(ordered);
    }

    #[test]
    fn triangles_cover_a_matrix_once(rows in 0usize..7, columns in 0usize..7, offset in -8isize..8) {
        let below = Tensor::tril_indices(rows, columns, offset, None).unwrap();
        let above = Tensor::triu_indices(rows, columns, offset + 1, None).unwrap();
        let pairs = |t: &Tensor| {
            let all = t.to_vec::<i64>().unwrap();
            let (r, c) = all.split_at(t.shape()[1]);
            r.iter().copied().zip(c.iter().copied()).collect::<Vec<_>>()
        };
        let (below, above) = (pairs(&below), pairs(&above));
        prop_assert!(below.iter().all(|&(r, c)| c - r <= offset as i64));
        prop_assert!(above.iter().all(|&(r, c)| c - r > offset as i64));
        prop_assert!(below.is_sorted() && above.is_sorted());
        let mut both = [below, above].concat();
        both.sort_unstable();
        let all: Vec<_> = (0..rows as i64).flat_map(|r| (0..columns as i64).map(move |c| (r, c))).collect();
        prop_assert_eq!(both, all);
    }

    #[test]
    fn choices_are_ascending_and_counted(n in 0usize..7, r in 1usize..5, again in any::<bool>()) {
        let x = Tensor::arange(0, n as i64, 1, None).unwrap();
        let chosen = x.combinations(r, again).unwrap();
        let rows = chosen.to_vec::<i64>().unwrap();
        let rows: Vec<&[i64]> = rows.chunks(r).collect();
        prop_assert!(rows.windows(2).all(|w| w[0] < w[1]));
        let ordered = |w: &[i64]| w[0] < w[1] || again && w[0] == w[1];
        prop_assert!(rows.iter().all(|row| row.windows(2).all(ordered)));
        let choose = |n: usize, r: usize| if r > n { 0 } else { (0..r).fold(1, |c, i| c * (n - i) / (i + 1)) };
        let count = if again && n > 0 { choose(n + r - 1, r) } else if again { 0 } else { choose(n, r) };
        prop_assert_eq!(rows.len(), count);
    }

    #[test]
    fn one_hot_is_undone_by_argmax(classes in prop::collection::vec(0i64..9, 1..20)) {
        let x = Tensor::from_slice(&classes, &[classes.len()]).unwrap();
        let hot = one_hot(&x, 9).unwrap();
        prop_assert_eq!(hot.shape(), [classes.len(), 9]);
        prop_assert_eq!(hot.argmax(Some(1), false).unwrap().to_vec::<i64>().unwrap(), classes.clone());
        prop_assert_eq!(f64s(&hot.sum_dim(1, false).unwrap()), vec![1.0; classes.len()]);
    }
}

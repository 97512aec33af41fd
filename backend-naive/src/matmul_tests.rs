use proptest::prelude::*;
use rusttorch_backend::{Backend, DType, Element, ErrorKind, f16};

use crate::Naive;
use crate::testing::{Array, INF, NAN, assert_same, kind, result};

fn product(a: &Array, b: &Array) -> Array {
    let (lead, n) = (a.shape().len() - 1, b.shape()[b.shape().len() - 1]);
    let shape = [&a.shape()[..lead], &[n]].concat();
    result(&shape, a.view().dtype(), |out| Naive.matmul(a.view(), b.view(), out)).unwrap()
}

fn of<T: Element>(shape: &[usize], value: impl Fn(usize) -> T) -> Array {
    let n = shape.iter().product();
    Array::new(shape, &(0..n).map(value).collect::<Vec<T>>())
}

/// Numbers without a pattern, over a few orders of magnitude.
fn noise(seed: usize) -> impl Fn(usize) -> f32 {
    move |i| {
        let x = (i + 1).wrapping_mul(2_654_435_761).wrapping_add(seed.wrapping_mul(40_503)) >> 7;
        (x % 2001) as f32 / 1000.0 - 1.0
    }
}

#[test]
fn small_products() {
    let (a, b) = (of(&[2, 3], |i| i as i32 + 1), of(&[3, 2], |i| i as i32 + 1));
    assert_eq!(product(&a, &b).to_vec::<i32>(), [22, 28, 49, 64]);
    assert_eq!(product(&of(&[1, 1], |_| 2f32), &of(&[1, 1], |_| 3f32)).floats(), [6.0]);
    let (a, b) = (of(&[2, 1, 2], |i| i as f64), of(&[2, 2, 1], |i| i as f64));
    assert_eq!(product(&a, &b).floats(), [1.0, 13.0]);
}

#[test]
fn degenerate_sizes() {
    assert_eq!(product(&of(&[2, 0], |_| 0f32), &of(&[0, 3], |_| 0f32)).floats(), [0.0; 6]);
    assert_eq!(product(&of(&[0, 4], |_| 0f32), &of(&[4, 3], |_| 0f32)).shape(), [0, 3]);
    assert_eq!(product(&of(&[2, 3, 4], |_| 1f32), &of(&[2, 4, 0], |_| 0f32)).shape(), [2, 3, 0]);
    assert_eq!(product(&of(&[0, 3, 4], |_| 1f32), &of(&[0, 4, 2], |_| 0f32)).shape(), [0, 3, 2]);
}

#[test]
fn zeros_are_not_skipped() {
    let a = Array::new(&[2, 2], &[0.0, 1.0, 0.0, 1.0]);
    let b = Array::new(&[2, 2], &[INF, NAN, 1.0, 1.0]);
    assert_same(&product(&a, &b).floats(), &[NAN; 4]);
}

#[test]
fn integers_wrap() {
    assert_eq!(product(&of(&[1, 2], |_| 100u8), &of(&[2, 1], |_| 3u8)).to_vec::<u8>(), [88]);
    assert_eq!(product(&of(&[1, 2], |_| i64::MAX), &of(&[2, 1], |_| 1i64)).to_vec::<i64>(), [-2]);
    assert_eq!(product(&of(&[1, 1], |_| i32::MIN), &of(&[1, 1], |_| -1)).to_vec::<i32>(), [i32::MIN]);
}

#[test]
fn narrow_floats_accumulate_wide() {
    let ones = |shape: &[usize]| of(shape, |_| f16::ONE);
    assert_eq!(product(&ones(&[1, 4096]), &ones(&[4096, 1])).floats(), [4096.0]);
    // Cancellation: an f32 chain would lose the 1.
    let a = Array::new(&[1, 3], &[1e8f32, 1.0, -1e8]);
    assert_eq!(product(&a, &of(&[3, 1], |_| 1f32)).floats(), [1.0]);
}

/// R3, as bits: every row by itself, batched or not, in any layout, with any number of columns.
#[test]
fn a_row_depends_on_its_row_alone() {
    for (m, k, n) in [(1, 1, 1), (3, 2, 5), (4, 17, 16), (2, 33, 17), (5, 7, 40)] {
        let (a, b) = (of(&[m, k], noise(1)), of(&[k, n], noise(2)));
        let whole = product(&a, &b).bits();
        for a in a.everyhow() {
            for b in b.everyhow() {
                assert_eq!(product(&a, &b).bits(), whole);
            }
        }
        for i in 0..m {
            let row = of(&[m, k], noise(1)).map(|l| l.narrow(0, i as isize, 1));
            assert_eq!(product(&row, &b).bits(), whole[i * n..(i + 1) * n]);
        }
        for j in 0..n {
            let column = of(&[k, n], noise(2)).map(|l| l.narrow(1, j as isize, 1));
            let expected: Vec<_> = (0..m).map(|i| whole[i * n + j].clone()).collect();
            assert_eq!(product(&a, &column).bits(), expected);
        }
        let batched = product(
            &of(&[m, k], noise(1)).map(|l| l.broadcast_to(&[3, m, k])),
            &of(&[k, n], noise(2)).map(|l| l.broadcast_to(&[3, k, n])),
        );
        assert_eq!(batched.bits(), [&whole[..], &whole, &whole].concat());
    }
}

#[test]
fn errors() {
    let (a, mut out) = (of(&[2, 3], noise(1)), of(&[2, 2], noise(2)));
    let error = Naive.matmul(a.view(), a.view(), out.out()).unwrap_err();
    assert_eq!(error.to_string(), "matmul: inner sizes differ: lhs [2, 3], rhs [2, 3], out [2, 2]");
    assert_eq!(error.kind(), ErrorKind::Shape);
    let b = of(&[3, 4], noise(1));
    assert_eq!(kind(Naive.matmul(a.view(), b.view(), out.out())), ErrorKind::Shape);
    let c = of(&[1, 3, 2], noise(1));
    assert_eq!(kind(Naive.matmul(a.view(), c.view(), out.out())), ErrorKind::Shape);
    let d = of(&[3], noise(1));
    assert_eq!(kind(Naive.matmul(d.view(), d.view(), out.out())), ErrorKind::Shape);
    let bools = Array::cast(&[2, 2], &[1.0; 4], DType::Bool);
    let mut out = Array::garbage(&[2, 2], DType::Bool);
    assert_eq!(kind(Naive.matmul(bools.view(), bools.view(), out.out())), ErrorKind::DType);
}

proptest! {
    /// Against the definition, exactly: small integers are exact in every number type.
    #[test]
    fn equals_the_definition(m in 0usize..6, k in 0usize..20, n in 0usize..20, seed in 0i64..1000) {
        let value = |i: usize, s: i64| ((i as i64 * 7 + s) % 11) - 5;
        let (x, y) = (of(&[m, k], |i| value(i, seed)), of(&[k, n], |i| value(i, seed + 3)));
        let mut expected = vec![0f64; m * n];
        for i in 0..m {
            for j in 0..n {
                expected[i * n + j] = (0..k).map(|l| value(i * k + l, seed) * value(l * n + j, seed + 3)).sum::<i64>() as f64;
            }
        }
        for dtype in [DType::I64, DType::I16, DType::F32, DType::F64, DType::F16, DType::BF16] {
            let (a, b) = (Array::cast(&[m, k], &x.floats(), dtype), Array::cast(&[k, n], &y.floats(), dtype));
            let rounded = Array::cast(&[m, n], &expected, dtype).floats();
            prop_assert_eq!(product(&a, &b).floats(), rounded);
        }
    }
}

use rusttorch_backend::ops::Activation;
use rusttorch_backend::threads::set_num_threads;
use rusttorch_backend::{Backend, Element, Layout, bf16, f16};
use rusttorch_backend_naive::Naive;

use crate::testing::{Array, Numbers, assert_near, contiguous, layouts, result, result_in, rounded};
use crate::{Level, Simd};

const SPECIAL: &[f64] = &[
    0.0,
    -0.0,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    1e-40,
    -1e-40,
    1e-30,
    -1e-30,
    1e30,
    -1e30,
    3e38,
    -3e38,
    0.5,
    -0.5,
    1.0,
    -1.0,
    3.0,
    -3.0,
    6.0,
    20.0,
    20.5,
    88.0,
    -88.0,
    -100.0,
    -104.0,
    1000.0,
    -1000.0,
];

/// Every row, and some with other parameters.
fn rows() -> Vec<Activation> {
    use Activation::*;
    let mut rows = Activation::ALL.to_vec();
    rows.extend([
        LeakyRelu { negative_slope: -0.5 },
        Elu { alpha: 2.5 },
        Elu { alpha: -1.0 },
        Celu { alpha: 0.3 },
        Celu { alpha: -2.0 },
        Softplus { beta: 2.0, threshold: 3.0 },
        Softplus { beta: -1.5, threshold: 20.0 },
        Hardtanh { min_val: 0.0, max_val: 6.0 },
        Hardtanh { min_val: -0.0, max_val: 0.0 },
        Hardtanh { min_val: -2.0, max_val: -0.0 },
        Hardshrink { lambd: -1.0 },
        Softshrink { lambd: 0.0 },
        Threshold { threshold: -1.0, value: 20.0 },
    ]);
    rows
}

fn operand<T: Element>(n: usize) -> Vec<T> {
    let mut numbers = Numbers::new(n as u64 + 1);
    let mut x = SPECIAL.to_vec();
    for bound in [1.0, 5.0, 20.0, 110.0] {
        x.extend(numbers.many(n.div_ceil(4), -bound, bound));
    }
    rounded(&x)
}

fn is_exact(op: Activation) -> bool {
    use Activation::*;
    matches!(op, Hardtanh { .. } | Hardshrink { .. } | Threshold { .. })
}

/// The size of the terms of `op(x)`, where it is larger than the result.
fn size_of_terms(op: Activation, x: f64, y: f64) -> f64 {
    match op {
        // The tails of these cancel in PyTorch, and the bound of the conformance suite is over |x|.
        Activation::Gelu | Activation::GeluTanh if x.is_finite() => x.abs().min(10.0) * 0.2,
        // The product or quotient inside is rounded.
        Activation::Softplus { beta, .. } if beta != 1.0 => y.abs() * (x * beta).abs().clamp(1.0, 200.0),
        // A factor may be subnormal.
        _ if x.is_finite() => x.abs().min(1000.0) * f64::from(f32::MIN_POSITIVE),
        _ => 0.0,
    }
}

fn agrees<T: Element>(ulp: f64) {
    let x = operand::<T>(2000);
    let g: Vec<T> = rounded(&Numbers::new(5).many(x.len(), -2.0, 2.0));
    for level in Level::all() {
        // The scalar level may have to compute its fused operations.
        let n = if level.name() == "scalar" { 300 } else { x.len() };
        let (x, g) = (Array::of(&x[..n]), Array::of(&g[..n]));
        let (xs, gs, be) = (x.floats(), g.floats(), Simd::at(level));
        for op in rows() {
            let what = format!("{op:?} {:?} {level}", T::DTYPE);
            let (op, slope) = (op.rounded(T::DTYPE), op.gradient_rounded(T::DTYPE));
            let got = result::<T>(&[n], |out| be.activation(op, x.view(), out));
            let expected = result::<T>(&[n], |out| Naive.activation(op, x.view(), out));
            if is_exact(op) {
                assert_eq!(got.bits(), expected.bits(), "{what}");
            }
            let sizes: Vec<f64> =
                xs.iter().zip(expected.floats()).map(|(&x, y)| size_of_terms(op, x, y)).collect();
            let mut expected = expected.floats();
            if op == Activation::Hardswish {
                // Six times a large x overflows, as it does in PyTorch.
                let most = if size_of::<T>() == 8 { f64::MAX } else { f64::from(f32::MAX) };
                xs.iter()
                    .zip(&mut expected)
                    .filter(|(x, _)| **x > most / 6.0)
                    .for_each(|(_, y)| *y = f64::INFINITY);
            }
            assert_near::<T>(&got.floats(), &expected, ulp, &sizes, &xs, &what);

            let got = result::<T>(&[n], |out| be.activation_backward(slope, g.view(), x.view(), out));
            let expected = result::<T>(&[n], |out| Naive.activation_backward(slope, g.view(), x.view(), out));
            let sizes: Vec<f64> = gs.iter().map(|g| 2.0 * g.abs()).collect();
            assert_near::<T>(
                &got.floats(),
                &expected.floats(),
                ulp,
                &sizes,
                &xs,
                &format!("{what} backward"),
            );
        }
    }
}

#[test]
fn rows_agree_with_the_definitions_f32() {
    agrees::<f32>(3.0);
}

#[test]
fn rows_agree_with_the_definitions_f64() {
    // As exact as the definitions are in f64, where `1 - s` cancels before it is multiplied.
    agrees::<f64>(40.0);
}

#[test]
fn rows_agree_with_the_definitions_halves() {
    agrees::<f16>(1.0);
    agrees::<bf16>(1.0);
}

/// Layouts of every class, of operand and output.
#[test]
fn strides_change_no_bit() {
    let be = Simd::new();
    let shape = [5, 7, 9];
    let all = operand::<f32>(400);
    let (x, g) = (&all[..315], &all[50..365]);
    let repeated = |layout: Layout| (layout.clone(), Array::<f32>::with(&layout, &all[..layout.numel()]));
    for op in rows() {
        let (dense_x, dense_g) = (Array::with(&contiguous(&shape), x), Array::with(&contiguous(&shape), g));
        let value = result::<f32>(&shape, |out| be.activation(op, dense_x.view(), out)).bits();
        let slope =
            result::<f32>(&shape, |out| be.activation_backward(op, dense_g.view(), dense_x.view(), out))
                .bits();
        for (i, layout) in layouts(&shape).iter().enumerate() {
            let (x, g) = (Array::with(layout, x), Array::with(&layouts(&shape)[(i + 2) % 5], g));
            let to = &layouts(&shape)[(i + 1) % 5];
            assert_eq!(result_in::<f32>(to, |out| be.activation(op, x.view(), out)).bits(), value, "{op:?}");
            let got = result_in::<f32>(to, |out| be.activation_backward(op, g.view(), x.view(), out)).bits();
            assert_eq!(got, slope, "{op:?} backward");
        }
    }
    // Repeated elements.
    let (line, row) = repeated(contiguous(&[1, 7, 1]));
    let spread = line.broadcast_to(&shape).unwrap();
    let view = row.view();
    let view = view.with_layout(&spread).unwrap();
    let copied: Vec<f32> = (0..315).map(|i| all[i / 9 % 7]).collect();
    let dense = Array::with(&contiguous(&shape), &copied);
    let op = Activation::Mish;
    let expected = result::<f32>(&shape, |out| be.activation(op, dense.view(), out)).bits();
    assert_eq!(result::<f32>(&shape, |out| be.activation(op, view, out)).bits(), expected);
    // Nothing, and one element.
    let op = Activation::Hardshrink { lambd: 0.25 };
    for shape in [&[0, 3][..], &[]] {
        let x = Array::<f32>::with(&contiguous(shape), &all[15..15 + contiguous(shape).numel()]);
        assert_eq!(
            result::<f32>(shape, |out| be.activation(op, x.view(), out)).floats(),
            result::<f32>(shape, |out| Naive.activation(op, x.view(), out)).floats()
        );
    }
}

/// Neither length, offset, threads nor instruction set change a bit.
#[test]
fn an_element_depends_on_its_operand_alone() {
    let all = operand::<f32>(100_003);
    let all = &all[..100_003];
    let whole = Array::of(all);
    for op in rows() {
        let expected =
            result::<f32>(&[all.len()], |out| Simd::new().activation(op, whole.view(), out)).bits();
        let slope = result::<f32>(&[all.len()], |out| {
            Simd::new().activation_backward(op, whole.view(), whole.view(), out)
        })
        .bits();
        for level in Level::all() {
            let be = Simd::at(level);
            for n in (0..=129).step_by(if level.name() == "scalar" { 13 } else { 3 }) {
                let x = Array::of(&all[n..2 * n]);
                let got = result::<f32>(&[n], |out| be.activation(op, x.view(), out)).bits();
                assert_eq!(got, expected[4 * n..8 * n], "{op:?} {level} {n}");
                let got =
                    result::<f32>(&[n], |out| be.activation_backward(op, x.view(), x.view(), out)).bits();
                assert_eq!(got, slope[4 * n..8 * n], "{op:?} backward {level} {n}");
            }
        }
        for threads in [1, 2, 3, 8] {
            set_num_threads(threads);
            let got = result::<f32>(&[all.len()], |out| Simd::new().activation(op, whole.view(), out)).bits();
            assert!(got == expected, "{op:?} on {threads} threads");
        }
        set_num_threads(0);
    }
}

use rusttorch_backend::ops::{Loss, ReduceOp, Reduction};
use rusttorch_backend::threads::set_num_threads;
use rusttorch_backend::{Backend, Element, ErrorKind, View, bf16, composed, f16};
use rusttorch_backend_naive::Naive;

use crate::testing::{Array, Numbers, assert_near, contiguous, layouts, result, result_in, rounded};
use crate::{Level, Simd};

const REDUCTIONS: [Reduction; 3] = [Reduction::None, Reduction::Mean, Reduction::Sum];

fn elementwise() -> Vec<Loss> {
    let mut all: Vec<Loss> =
        Loss::ALL.iter().copied().filter(|op| !matches!(op, Loss::CrossEntropy { .. })).collect();
    all.extend([Loss::SmoothL1 { beta: 0.3 }, Loss::SmoothL1 { beta: 0.0 }]);
    all
}

/// Input, target, weight and gradient.
fn operands<T: Element>(op: Loss, n: usize) -> [Vec<T>; 4] {
    let mut numbers = Numbers::new(n as u64 + 3);
    let low = if op == Loss::BinaryCrossEntropy { 0.0 } else { -1.0 };
    let (mut x, mut t) = (numbers.many(n, low, 1.0), numbers.many(n, low, 1.0));
    if n > 8 && op == Loss::BinaryCrossEntropy {
        (x[1], x[2], x[3], t[4], t[5]) = (0.0, 1.0, 1e-30, 0.0, 1.0);
    } else if n > 8 {
        (x[1], t[2]) = (t[1], x[2]);
    }
    [rounded(&x), rounded(&t), rounded(&numbers.many(n, 0.1, 2.0)), rounded(&numbers.many(n, -1.0, 1.0))]
}

fn out_shape(reduction: Reduction, shape: &[usize]) -> Vec<usize> {
    if reduction == Reduction::None { shape.to_vec() } else { Vec::new() }
}

fn value<T: Element>(
    be: &dyn Backend,
    (op, reduction): (Loss, Reduction),
    x: View<'_>,
    target: View<'_>,
    weight: Option<View<'_>>,
    shape: &[usize],
) -> Array<T> {
    result::<T>(&out_shape(reduction, shape), |out| be.loss(op, reduction, x, target, weight, out))
}

fn agrees<T: Element>(ulp: f64) {
    for op in elementwise() {
        for n in [0, 1, 7, 300, 5000] {
            let [x, t, w, g] = operands::<T>(op, n).map(|v| Array::of(&v));
            for reduction in REDUCTIONS {
                let g = if reduction == Reduction::None {
                    g.view().with_layout(g.view().layout()).unwrap()
                } else if n == 0 {
                    continue;
                } else {
                    g.view()
                };
                let scalar = contiguous(&[]);
                let g = if reduction == Reduction::None { g } else { g.with_layout(&scalar).unwrap() };
                for weight in [None, Some(w.view())] {
                    let call = (op, reduction);
                    let what =
                        format!("{op:?} {reduction:?} {:?} {n} weighted {}", T::DTYPE, weight.is_some());
                    let expected = value::<T>(&Naive, call, x.view(), t.view(), weight, &[n]).floats();
                    let slope = |be: &dyn Backend| {
                        result::<T>(&[n], |out| {
                            be.loss_backward(op, reduction, g, x.view(), t.view(), weight, out)
                        })
                        .floats()
                    };
                    let expected_slope = slope(&Naive);
                    for level in Level::all() {
                        let be = Simd::at(level);
                        let got = value::<T>(&be, call, x.view(), t.view(), weight, &[n]).floats();
                        let sizes = vec![0.0; n.max(1)];
                        assert_near::<T>(&got, &expected, ulp, &sizes, &sizes, &format!("{what} {level}"));
                        let got = slope(&be);
                        assert_near::<T>(
                            &got,
                            &expected_slope,
                            ulp,
                            &sizes,
                            &x.floats(),
                            &format!("{what} {level} gradient"),
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn elementwise_losses_agree_with_the_definitions() {
    agrees::<f32>(4.0);
    agrees::<f64>(4.0);
    agrees::<f16>(1.0);
    agrees::<bf16>(1.0);
}

#[test]
fn special_values() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let x = Array::of(&[inf, -inf, nan, 1.0, 1.0, inf, 0.0, -0.0, 3e38, 1e-45]);
    let t = Array::of(&[1.0, 1.0, 1.0, nan, inf, inf, -0.0, 0.0, -3e38, 0.0]);
    let g = Array::of(&[1.0f32; 10]);
    for op in elementwise().into_iter().filter(|op| *op != Loss::BinaryCrossEntropy) {
        let of = |be: &dyn Backend| {
            let none = (op, Reduction::None);
            let value = value::<f32>(be, none, x.view(), t.view(), None, &[10]).floats();
            let slope = result::<f32>(&[10], |out| {
                be.loss_backward(op, Reduction::None, g.view(), x.view(), t.view(), None, out)
            });
            (value, slope.floats())
        };
        let (expected, got) = (of(&Naive), of(&Simd::new()));
        assert_eq!(format!("{got:?}"), format!("{expected:?}"), "{op:?}");
    }
}

#[test]
fn probabilities_are_required() {
    for (x, t) in [(1.5f32, 0.5), (-0.1, 0.5), (f32::NAN, 0.5), (0.5, 1.1), (0.5, f32::NAN)] {
        let (x, t) = (Array::of(&[0.5, x, 0.5]), Array::of(&[0.5, t, 0.5]));
        for reduction in REDUCTIONS {
            let error = |be: &dyn Backend| {
                let mut out = Array::<f32>::garbage(&contiguous(&out_shape(reduction, &[3])));
                be.loss(Loss::BinaryCrossEntropy, reduction, x.view(), t.view(), None, out.out()).unwrap_err()
            };
            let got = error(&Simd::new());
            assert_eq!(got.kind(), ErrorKind::Value);
            assert_eq!(got.to_string(), error(&Naive).to_string());
        }
    }
}

/// Neither layout, threads nor instruction set change a bit.
#[test]
fn a_loss_depends_on_its_operands_alone() {
    let shape = [5, 31, 70];
    let n: usize = shape.iter().product();
    for op in elementwise() {
        let dense = operands::<f32>(op, n);
        for reduction in REDUCTIONS {
            for weighted in [false, true] {
                let of = |be: &Simd, at: usize| {
                    let all = layouts(&shape);
                    let layout = |k: usize| &all[(k * at) % 5];
                    let x = Array::with(layout(1), &dense[0]);
                    let t = Array::with(layout(2), &dense[1]);
                    let w = Array::with(layout(3), &dense[2]);
                    let g = Array::with(layout(4), &dense[3]);
                    let weight = weighted.then(|| w.view());
                    let scalar = contiguous(&[]);
                    let none = reduction == Reduction::None;
                    let to = if none { layout(3) } else { &scalar };
                    let value =
                        result_in::<f32>(to, |out| be.loss(op, reduction, x.view(), t.view(), weight, out));
                    let one = Array::of(&dense[3][..1]);
                    let g = if none { g.view() } else { one.view().with_layout(&scalar).unwrap() };
                    let slope = result_in::<f32>(layout(3), |out| {
                        be.loss_backward(op, reduction, g, x.view(), t.view(), weight, out)
                    });
                    (value.bits(), slope.bits())
                };
                let expected = of(&Simd::new(), 0);
                for level in Level::all() {
                    assert!(of(&Simd::at(level), 0) == expected, "{op:?} {reduction:?} {level}");
                }
                for at in 1..5 {
                    let got = of(&Simd::new(), at);
                    assert!(got.0 == expected.0, "{op:?} {reduction:?} layouts {at}");
                    // Weighted gradients that are not reduced are composed.
                    assert!(got.1 == expected.1, "{op:?} {reduction:?} gradient, layouts {at}");
                }
                for threads in [1, 2, 3, 8] {
                    set_num_threads(threads);
                    assert!(of(&Simd::new(), 0) == expected, "{op:?} {reduction:?} on {threads} threads");
                }
                set_num_threads(0);
            }
        }
    }
}

fn entropies() -> Vec<Loss> {
    let of = |ignore_index, label_smoothing| Loss::CrossEntropy { ignore_index, label_smoothing };
    vec![of(-100, 0.0), of(2, 0.0), of(-100, 0.1), of(1, 0.7), of(-100, 1.0)]
}

fn agrees_by_rows<T: Element>(ulp: f64) {
    for shape in [&[1][..], &[7], &[4, 5], &[3, 70], &[2, 3000], &[2, 9, 5], &[3, 20, 2, 3], &[1, 1]] {
        let axis = (shape.len() > 1) as usize;
        let classes = shape[axis];
        let mut rows = shape.to_vec();
        rows.remove(axis);
        let (n, count) = (shape.iter().product::<usize>(), rows.iter().product::<usize>());
        let mut numbers = Numbers::new(n as u64);
        let x = Array::<T>::with(&contiguous(shape), &rounded(&numbers.many(n, -6.0, 6.0)));
        let target: Vec<i64> = (0..count).map(|_| numbers.whole(classes) as i64).collect();
        let w = Array::<T>::of(&rounded(&numbers.many(classes, 0.1, 2.0)));
        let g = Array::<T>::with(&contiguous(&rows), &rounded(&numbers.many(count, 0.2, 1.0)));
        let one = Array::<T>::with(&contiguous(&[]), &rounded(&[0.7]));
        for op in entropies() {
            let Loss::CrossEntropy { ignore_index, .. } = op else { continue };
            let mut target = target.clone();
            if ignore_index < 0 && count > 1 {
                target[1] = ignore_index;
            }
            let t = Array::<i64>::with(&contiguous(&rows), &target);
            for reduction in REDUCTIONS {
                let g = if reduction == Reduction::None { g.view() } else { one.view() };
                for weight in [None, Some(w.view())] {
                    let what = format!(
                        "{op:?} {reduction:?} {:?} {shape:?} weighted {}",
                        T::DTYPE,
                        weight.is_some()
                    );
                    let value = |be: &dyn Backend| {
                        value::<T>(be, (op, reduction), x.view(), t.view(), weight, &rows).floats()
                    };
                    let slope = |be: &dyn Backend| {
                        result::<T>(shape, |out| {
                            be.loss_backward(op, reduction, g, x.view(), t.view(), weight, out)
                        })
                        .floats()
                    };
                    let (expected, expected_slope) = (value(&Naive), slope(&Naive));
                    for level in Level::all() {
                        let be = Simd::at(level);
                        let got = value(&be);
                        let size = if reduction == Reduction::Sum { 12.0 * count as f64 } else { 12.0 };
                        let sizes = vec![size; got.len()];
                        assert_near::<T>(&got, &expected, ulp, &sizes, &sizes, &format!("{what} {level}"));
                        let got = slope(&be);
                        let sizes = vec![1.0; got.len()];
                        assert_near::<T>(
                            &got,
                            &expected_slope,
                            ulp,
                            &sizes,
                            &sizes,
                            &format!("{what} {level} gradient"),
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn cross_entropy_agrees_with_the_definition() {
    agrees_by_rows::<f32>(2.0);
    agrees_by_rows::<f64>(2.0);
    agrees_by_rows::<f16>(1.0);
    agrees_by_rows::<bf16>(1.0);
}

#[test]
fn cross_entropy_of_special_rows() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    #[rustfmt::skip]
    let x = Array::with(&contiguous(&[7, 3]), &[
        -inf, -inf, -inf,
        -inf, 1.0, 2.0,
        1.0, -inf, 2.0,
        inf, 1.0, 2.0,
        nan, 1.0, 2.0,
        3e38, -3e38, 0.0,
        inf, inf, nan,
    ]);
    // The last row is ignored.
    let t = Array::of(&[0i64, 0, 0, 1, 1, 1, 9]);
    let g = Array::of(&[1.0f32; 7]);
    for smoothing in [0.0, 0.25] {
        let op = Loss::CrossEntropy { ignore_index: 9, label_smoothing: smoothing };
        let of = |be: &dyn Backend| {
            let value = value::<f32>(be, (op, Reduction::None), x.view(), t.view(), None, &[7]).floats();
            let slope = result::<f32>(&[7, 3], |out| {
                be.loss_backward(op, Reduction::None, g.view(), x.view(), t.view(), None, out)
            });
            (value, slope.floats())
        };
        let (expected, got) = (of(&Naive), of(&Simd::new()));
        let sizes = [1.0; 21];
        assert_near::<f32>(&got.0, &expected.0, 2.0, &sizes, &sizes, "value");
        assert_near::<f32>(&got.1, &expected.1, 2.0, &sizes, &sizes, "gradient");
    }
}

#[test]
fn classes_out_of_range() {
    let x = Array::with(&contiguous(&[2, 3]), &[0.5f32; 6]);
    let op = Loss::CrossEntropy { ignore_index: -100, label_smoothing: 0.0 };
    for class in [3i64, -1, i64::MAX, i64::MIN] {
        let t = Array::of(&[0, class]);
        let mut out = Array::<f32>::garbage(&contiguous(&[]));
        let error = Simd::new().loss(op, Reduction::Mean, x.view(), t.view(), None, out.out()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IndexValue);
    }
    // All ignored, no rows, and no classes.
    for (shape, targets, expected) in
        [(&[2, 3][..], &[-100i64, -100][..], f64::NAN), (&[0, 3], &[], f64::NAN)]
    {
        let x = Array::with(&contiguous(shape), &vec![0.5f32; shape.iter().product()]);
        let t = Array::of(targets);
        let got = value::<f32>(&Simd::new(), (op, Reduction::Mean), x.view(), t.view(), None, &[]).floats();
        assert!(got[0] == expected || got[0].is_nan() && expected.is_nan());
    }
}

/// A row's loss and gradient depend on its logits and its target alone.
#[test]
fn rows_have_their_bits_everywhere() {
    let (n, classes, beside) = (6, 2500, 3);
    let mut numbers = Numbers::new(9);
    let values: Vec<f32> = rounded(&numbers.many(n * classes * beside, -9.0, 9.0));
    let targets: Vec<i64> = (0..n * beside).map(|_| numbers.whole(classes) as i64).collect();
    let shape = [n, classes, beside];
    for op in entropies() {
        for reduction in REDUCTIONS {
            let rows = [n, beside];
            let of = |be: &Simd, at: usize| {
                let x = Array::with(&layouts(&shape)[at], &values);
                let t = Array::with(&layouts(&rows)[(2 * at) % 5], &targets);
                let one = Array::with(&contiguous(&[]), &[0.5f32]);
                let each = Array::with(&contiguous(&rows), &[0.5f32; 18]);
                let none = reduction == Reduction::None;
                let value = value::<f32>(be, (op, reduction), x.view(), t.view(), None, &rows);
                let g = if none { each.view() } else { one.view() };
                let slope = result::<f32>(&shape, |out| {
                    be.loss_backward(op, reduction, g, x.view(), t.view(), None, out)
                });
                (value.bits(), slope.bits())
            };
            let expected = of(&Simd::new(), 0);
            for at in 1..5 {
                assert!(of(&Simd::new(), at) == expected, "{op:?} {reduction:?} layout {at}");
            }
            for level in Level::all() {
                assert!(of(&Simd::at(level), 0) == expected, "{op:?} {reduction:?} {level}");
            }
            for threads in [1, 2, 3, 8] {
                set_num_threads(threads);
                assert!(of(&Simd::new(), 0) == expected, "{op:?} {reduction:?} on {threads} threads");
            }
            set_num_threads(0);
            // A row alone.
            if reduction == Reduction::None {
                let row: Vec<f32> = (0..classes).map(|c| values[c * beside]).collect();
                let (row, target) = (Array::of(&row), Array::with(&contiguous(&[]), &targets[..1]));
                let alone = value::<f32>(&Simd::new(), (op, reduction), row.view(), target.view(), None, &[]);
                assert_eq!(alone.bits(), expected.0[..4]);
            }
        }
    }
}

/// The contract's default on this backend, as a second opinion on what is composed.
#[test]
fn weighted_gradients_are_composed() {
    let op = Loss::BinaryCrossEntropy;
    let [x, t, w, g] = operands::<f32>(op, 50).map(|v| Array::of(&v));
    let (x, t, w, g) = (x.view(), t.view(), Some(w.view()), g.view());
    let got = result::<f32>(&[50], |out| Simd::new().loss_backward(op, Reduction::None, g, x, t, w, out));
    let expected =
        result::<f32>(&[50], |out| composed::loss_backward(&Naive, op, Reduction::None, g, x, t, w, out));
    assert_near::<f32>(&got.floats(), &expected.floats(), 4.0, &[0.0; 50], &[0.0; 50], "gradient");
}

/// `loss(sum)` is the sum of `loss(none)`, bit by bit: the trees are the same.
#[test]
fn a_sum_is_that_of_the_reduction() {
    let be = Simd::new();
    for n in [1, 5, 16, 129, 2048, 2049, 100_003] {
        for op in elementwise() {
            let [x, t, ..] = operands::<f32>(op, n).map(|v| Array::of(&v));
            let each = value::<f32>(&be, (op, Reduction::None), x.view(), t.view(), None, &[n]);
            for (reduction, reduce) in [(Reduction::Sum, ReduceOp::Sum), (Reduction::Mean, ReduceOp::Mean)] {
                let expected = result::<f32>(&[1], |out| be.reduce(reduce, each.view(), &[0], out));
                let got = value::<f32>(&be, (op, reduction), x.view(), t.view(), None, &[n]);
                assert_eq!(got.bits(), expected.bits(), "{op:?} {reduction:?} {n}");
            }
        }
    }
}

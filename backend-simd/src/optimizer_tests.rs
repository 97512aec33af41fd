use rusttorch_backend::ops::Optimizer;
use rusttorch_backend::threads::set_num_threads;
use rusttorch_backend::{Backend, Element, ErrorKind, Layout, ParamStep, bf16, f16};
use rusttorch_backend_naive::Naive;

use crate::testing::{Array, Numbers, assert_near, contiguous, layouts, rounded};
use crate::{Level, Simd};

fn rules() -> Vec<Optimizer> {
    let sgd = |momentum, dampening, weight_decay, nesterov| Optimizer::Sgd {
        lr: 0.1,
        momentum,
        dampening,
        weight_decay,
        nesterov,
    };
    let adam = |beta1, weight_decay, decoupled| Optimizer::Adam {
        lr: 0.01,
        beta1,
        beta2: 0.99,
        eps: 1e-8,
        weight_decay,
        decoupled,
    };
    vec![
        sgd(0.0, 0.0, 0.0, false),
        sgd(0.0, 0.0, 0.1, false),
        sgd(0.9, 0.0, 0.0, false),
        sgd(0.9, 0.3, 0.1, false),
        sgd(0.8, 0.0, 0.1, true),
        adam(0.9, 0.0, false),
        adam(0.9, 0.1, false),
        adam(0.3, 0.1, true),
        adam(0.9, 0.0, true),
    ]
}

/// Parameter, gradient and states.
type Tensors<T> = [Array<T>; 4];

fn tensors<T: Element>(layout: &Layout, grad: &Layout, seed: u64) -> Tensors<T> {
    let n = layout.numel();
    let mut numbers = Numbers::new(seed);
    let mut of = |layout: &Layout, low, high| Array::with(layout, &rounded::<T>(&numbers.many(n, low, high)));
    [of(layout, -1.0, 1.0), of(grad, -1.0, 1.0), of(layout, 0.0, 0.0), of(layout, 0.0, 0.0)]
}

/// Three steps; the parameters and states after them.
fn play<T: Element>(be: &dyn Backend, rule: Optimizer, all: &mut [Tensors<T>]) {
    for number in 1..=3 {
        let mut steps: Vec<ParamStep<'_>> = all
            .iter_mut()
            .map(|[param, grad, first, second]| ParamStep {
                param: param.out(),
                grad: grad.view(),
                state: [first, second].into_iter().take(rule.state_count()).map(|s| s.out()).collect(),
                step: number,
            })
            .collect();
        be.optimizer_step(rule, &mut steps).unwrap();
    }
    assert!(all.iter().flatten().all(|array| array.strayed() == 0));
}

const SIZES: [usize; 9] = [0, 1, 5, 16, 33, 1000, 129, 20_000, 3];

fn start<T: Element>() -> Vec<Tensors<T>> {
    let of = |(i, &n): (usize, &usize)| tensors(&contiguous(&[n]), &contiguous(&[n]), i as u64 + 1);
    SIZES.iter().enumerate().map(of).collect()
}

fn agrees<T: Element>(ulp: f64) {
    for rule in rules() {
        let mut expected = start::<T>();
        play(&Naive, rule, &mut expected);
        for level in Level::all() {
            let mut got = start::<T>();
            play(&Simd::at(level), rule, &mut got);
            for (got, expected) in got.iter().flatten().zip(expected.iter().flatten()) {
                let sizes = vec![0.5; got.floats().len()];
                let what = format!("{rule:?} {:?} {level}", T::DTYPE);
                assert_near::<T>(&got.floats(), &expected.floats(), ulp, &sizes, &sizes, &what);
            }
        }
    }
}

#[test]
fn steps_agree_with_the_definition() {
    agrees::<f32>(8.0);
    agrees::<f64>(8.0);
}

#[test]
fn steps_of_halves_agree_with_the_definition() {
    agrees::<f16>(1.5);
    agrees::<bf16>(1.5);
}

/// Neither threads, instruction set, neighbours nor layout change a bit.
#[test]
fn an_element_steps_alone() {
    let bits = |all: &[Tensors<f32>]| -> Vec<Vec<u8>> { all.iter().flatten().map(Array::bits).collect() };
    for rule in rules() {
        let mut expected = start::<f32>();
        play(&Simd::new(), rule, &mut expected);
        for level in Level::all() {
            let mut got = start();
            play(&Simd::at(level), rule, &mut got);
            assert!(bits(&got) == bits(&expected), "{rule:?} {level}");
        }
        for threads in [1, 2, 3, 8] {
            set_num_threads(threads);
            let mut got = start();
            play(&Simd::new(), rule, &mut got);
            assert!(bits(&got) == bits(&expected), "{rule:?} on {threads} threads");
        }
        set_num_threads(0);
        for (alone, expected) in start().into_iter().zip(expected) {
            let mut alone = [alone];
            play(&Simd::new(), rule, &mut alone);
            assert!(bits(&alone) == bits(&[expected]), "{rule:?} alone");
        }
    }
}

#[test]
fn strides_are_composed() {
    let shape = [4, 3, 5];
    for rule in rules() {
        let mut expected = vec![tensors::<f32>(&contiguous(&shape), &contiguous(&shape), 1)];
        play(&Naive, rule, &mut expected);
        for (i, layout) in layouts(&shape).iter().enumerate() {
            // Beside one that is dense.
            let mut got = vec![
                tensors::<f32>(layout, &layouts(&shape)[(i + 2) % 5], 1),
                tensors(&contiguous(&[7]), &contiguous(&[7]), 2),
            ];
            play(&Simd::new(), rule, &mut got);
            for (got, expected) in got[0].iter().zip(&expected[0]) {
                let sizes = [0.5; 60];
                assert_near::<f32>(
                    &got.floats(),
                    &expected.floats(),
                    8.0,
                    &sizes,
                    &sizes,
                    &format!("{rule:?}"),
                );
            }
        }
    }
}

#[test]
fn special_values() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    for rule in rules() {
        let of = |be: &dyn Backend| {
            let mut all = [[
                Array::of(&[inf, 1.0, nan, 1.0, 3e38, 0.0]),
                Array::of(&[1.0, inf, 1.0, nan, 3e38, 0.0]),
                Array::of(&[0.0f32; 6]),
                Array::of(&[0.0f32; 6]),
            ]];
            play(be, rule, &mut all);
            all[0]
                .iter()
                .map(|a| a.floats().into_iter().map(|v| (v.is_nan(), v.is_infinite())).collect())
                .collect()
        };
        let (got, expected): (Vec<Vec<_>>, Vec<Vec<_>>) = (of(&Simd::new()), of(&Naive));
        assert_eq!(got, expected, "{rule:?}");
    }
}

#[test]
fn states_are_counted() {
    let mut all = tensors::<f32>(&contiguous(&[3]), &contiguous(&[3]), 1);
    let [param, grad, ..] = &mut all;
    let mut steps = [ParamStep { param: param.out(), grad: grad.view(), state: Vec::new(), step: 1 }];
    let error = Simd::new().optimizer_step(rules()[5], &mut steps).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
}

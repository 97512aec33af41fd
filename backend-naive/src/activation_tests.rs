use rusttorch_backend::ops::{Activation, GeluForm};
use rusttorch_backend::{Backend, DType, ErrorKind};

use crate::Naive;
use crate::testing::{Array, INF, NAN, kind, result};

const X: [f64; 16] =
    [-INF, -1000.0, -88.0, -20.0, -6.0, -1.0, -0.0, 0.0, 1.0, 6.0, 20.0, 20.5, 100.0, 1000.0, INF, NAN];

fn value(op: Activation, x: &[f64]) -> Vec<f64> {
    let x = Array::of(x);
    result(x.shape(), DType::F64, |out| Naive.activation(op, x.view(), out)).unwrap().floats()
}

fn derivative(op: Activation, x: &[f64]) -> Vec<f64> {
    let (x, ones) = (Array::of(x), Array::of(&vec![1.0; x.len()]));
    result(x.shape(), DType::F64, |out| Naive.activation_backward(op, ones.view(), x.view(), out))
        .unwrap()
        .floats()
}

/// Values and gradients at [`X`] from PyTorch 2.15 in f64, but for digits that its `1 + erf` and
/// `1 + tanh` forms lose in the left tail.
#[rustfmt::skip]
#[allow(clippy::approx_constant, reason = "results, as they were printed")]
fn recorded() -> Vec<(Activation, [f64; 16], [f64; 16])> {
    use Activation::*;
    vec![
        (LeakyRelu { negative_slope: 0.01 },
         [-INF, -10.0, -0.88, -0.2, -0.06, -0.01, -0.0, 0.0, 1.0, 6.0, 20.0, 20.5, 100.0, 1000.0, INF, NAN],
         [0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.01]),
        (Elu { alpha: 1.0 },
         [-1.0, -1.0, -1.0, -0.9999999979388464, -0.9975212478233336, -0.6321205588285577, -0.0, 0.0, 1.0, 6.0, 20.0, 20.5, 100.0, 1000.0, INF, NAN],
         [0.0, 0.0, 6.054601895401186e-39, 2.061153622438558e-09, 0.0024787521766663585, 0.36787944117144233, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, NAN]),
        (Selu,
         [-1.7580993408473766, -1.7580993408473766, -1.7580993408473766, -1.758099337223664, -1.7537414482794556, -1.1113307378125625, -0.0, 0.0, 1.0507009873554805, 6.304205924132883, 21.014019747109607, 21.53937024078735, 105.07009873554804, 1050.7009873554805, INF, NAN],
         [0.0, 0.0, 1.0644591601398102e-38, 3.6237128249944113e-09, 0.0043578925679211246, 0.646768603034814, 1.7580993408473766, 1.7580993408473766, 1.0507009873554805, 1.0507009873554805, 1.0507009873554805, 1.0507009873554805, 1.0507009873554805, 1.0507009873554805, 1.0507009873554805, NAN]),
        (Silu,
         [NAN, -0.0, -5.328049667953044e-37, -4.122307236380407e-08, -0.014835738939808647, -0.2689414213699951, -0.0, 0.0, 0.7310585786300049, 5.985164261060192, 19.999999958776925, 20.499999974371867, 100.0, 1000.0, INF, NAN],
         [NAN, -0.0, -5.267503648999031e-37, -3.9161918660646786e-08, -0.012326432591525513, 0.07232948812851325, 0.5, 0.5, 0.9276705118714869, 1.0123264325915249, 1.0000000391619202, 1.000000024377981, 1.0, 1.0, NAN, NAN]),
        (Mish,
         [NAN, -0.0, -5.328049667953043e-37, -4.122307240628762e-08, -0.014854080479424991, -0.30340146137410895, -0.0, 0.0, 0.8650983882673103, 5.999926634065252, 20.0, 20.5, 100.0, 1000.0, INF, NAN],
         [NAN, 0.0, -5.267503648999031e-37, -3.916191874348969e-08, -0.01235996793178131, 0.059216755877395014, 0.6, 0.6, 1.0490362200997922, 1.00013414050621, 1.0, 1.0, 1.0, 1.0, NAN, NAN]),
        (Gelu { form: GeluForm::Erf },
         [NAN, -0.0, -0.0, -0.0, -5.919525869479969e-09, -0.15865525393145702, -0.0, 0.0, 0.841344746068543, 5.999999994080474, 20.0, 20.5, 100.0, 1000.0, INF, NAN],
         [NAN, 0.0, 0.0, -1.1041896724319527e-86, -3.546870945402639e-08, -0.08331547058768635, 0.5, 0.5, 1.0833154705876864, 1.0000000354687093, 1.0, 1.0, 1.0, 1.0, NAN, NAN]),
        (Gelu { form: GeluForm::Tanh },
         [NAN, -0.0, -0.0, -0.0, -8.43964897967453e-11, -0.1588080093917233, -0.0, 0.0, 0.8411919906082768, 5.9999999999156035, 20.0, 20.5, 100.0, 1000.0, INF, NAN],
         [NAN, 0.0, 0.0, 0.0, -7.709973930953707e-10, -0.08296408384578258, 0.5, 0.5, 1.0829640838457826, 1.0000000007709977, 1.0, 1.0, 1.0, 1.0, NAN, NAN]),
        (Softplus { beta: 1.0, threshold: 20.0 },
         [0.0, 0.0, 6.054601895401186e-39, 2.061153620314381e-09, 0.0024756851377304495, 0.31326168751822286, 0.6931471805599453, 0.6931471805599453, 1.3132616875182228, 6.00247568513773, 20.000000002061153, 20.5, 100.0, 1000.0, INF, NAN],
         [0.0, 0.0, 6.054601895401186e-39, 2.0611536181902033e-09, 0.0024726231566347748, 0.2689414213699951, 0.5, 0.5, 0.7310585786300049, 0.9975273768433652, 0.9999999979388464, 1.0, 1.0, 1.0, 1.0, NAN]),
        (LogSigmoid,
         [-INF, -1000.0, -88.0, -20.000000002061153, -6.00247568513773, -1.3132616875182228, -0.6931471805599453, -0.6931471805599453, -0.31326168751822286, -0.0024756851377304495, -2.061153620314381e-09, -1.2501528656053017e-09, -3.720075976020836e-44, 0.0, 0.0, NAN],
         [1.0, 1.0, 1.0, 0.9999999979388464, 0.9975273768433652, 0.7310585786300049, 0.5, 0.5, 0.2689414213699951, 0.0024726231566347748, 2.0611536181902033e-09, 1.2501528648238605e-09, 3.720075976020836e-44, 0.0, 0.0, NAN]),
        // At the infinities PyTorch's gradient is NaN, because it is that of a composition.
        (Softsign,
         [NAN, -0.999000999000999, -0.9887640449438202, -0.9523809523809523, -0.8571428571428571, -0.5, -0.0, 0.0, 0.5, 0.8571428571428571, 0.9523809523809523, 0.9534883720930233, 0.9900990099009901, 0.999000999000999, NAN, NAN],
         [0.0, 9.98002996005021e-07, 0.00012624668602449242, 0.0022675736961451226, 0.020408163265306117, 0.25, 1.0, 1.0, 0.25, 0.020408163265306117, 0.0022675736961451226, 0.002163331530557054, 9.80296049406925e-05, 9.98002996005021e-07, 0.0, NAN]),
    ]
}

#[test]
fn values_and_gradients_are_those_of_pytorch() {
    for (op, values, gradients) in recorded() {
        for (got, expected) in [(value(op, &X), values), (derivative(op, &X), gradients)] {
            for ((&x, g), e) in X.iter().zip(got).zip(expected) {
                let close = g == e || (g.is_nan() && e.is_nan()) || (g - e).abs() <= 2e-14 * e.abs() + 2e-16;
                assert!(close, "{op:?} at {x}: got {g}, PyTorch {e}");
            }
        }
    }
}

#[test]
fn gelu_is_never_positive_on_the_left() {
    let x: Vec<f64> = (1..400).map(|i| -0.1 * f64::from(i)).collect();
    for form in [GeluForm::Erf, GeluForm::Tanh] {
        assert!(value(Activation::Gelu { form }, &x).into_iter().all(|y| y <= 0.0));
    }
}

#[test]
fn parameters_count() {
    let softplus = Activation::Softplus { beta: 2.0, threshold: 1.0 };
    assert_eq!(value(softplus, &[0.6, 0.0]), [0.6, std::f64::consts::LN_2 / 2.0]);
    assert_eq!(derivative(softplus, &[0.6, 0.0]), [1.0, 0.5]);
    assert_eq!(value(Activation::Elu { alpha: 2.0 }, &[-INF]), [-2.0]);
    assert_eq!(value(Activation::LeakyRelu { negative_slope: -1.0 }, &[-2.0]), [2.0]);
    assert_eq!(derivative(Activation::LeakyRelu { negative_slope: 0.5 }, &[0.0]), [0.5]);
}

#[test]
fn derivatives_agree_with_central_differences() {
    for &op in Activation::ALL {
        for i in -40..40 {
            // Off the kink at zero.
            let x = 0.17 * f64::from(i) + 0.05;
            let [high, low]: [f64; 2] = value(op, &[x + 1e-6, x - 1e-6]).try_into().unwrap();
            let (got, expected) = (derivative(op, &[x])[0], (high - low) / 2e-6);
            assert!((got - expected).abs() < 1e-8, "{op:?} at {x}: {got}, difference {expected}");
        }
    }
}

#[test]
fn errors() {
    let (x, mut out) = (Array::of(&[1i32]), Array::of(&[1i32]));
    for &op in Activation::ALL {
        assert_eq!(kind(Naive.activation(op, x.view(), out.out())), ErrorKind::DType);
        assert_eq!(kind(Naive.activation_backward(op, x.view(), x.view(), out.out())), ErrorKind::DType);
    }
}

//! Values computed with 60 digits (zeta with 300), rounded to f64.

use super::*;
use crate::testing::{INF, NAN, assert_same};

/// Within 2 units of the last place.
#[track_caller]
fn close(what: &str, got: f64, expected: f64) {
    let unit = expected.abs().next_up() - expected.abs();
    assert!((got - expected).abs() <= 2.0 * unit, "{what}: {got:e}, expected {expected:e}");
}

#[test]
fn inverse_error_function() {
    for (x, y) in [
        (0.001, 0.0008862271574665521),
        (-0.3, -0.2724627147267543),
        (0.5, 0.4769362762044699),
        (0.7, 0.7328690779592167),
        (-0.9, -1.1630871536766743),
        (0.99, 1.8213863677184494),
        (0.999999, 3.458910737275499),
        (0.9999999999999999, 5.8635847487551676),
        (1e-09, 8.86226925452758e-10),
        (-1e-300, -8.86226925452758e-301),
    ] {
        close(&format!("erfinv({x})"), erfinv(x), y);
    }
    let x = [1.0, -1.0, 0.0, -0.0, 1.5, -INF, NAN];
    assert_same(&x.map(erfinv), &[INF, -INF, 0.0, -0.0, NAN, NAN, NAN]);
}

#[test]
fn digamma_on_both_sides_of_its_zero() {
    for (x, y) in [
        (1e-10, -10000000000.577215),
        (0.25, -4.2274535333762655),
        (0.5, -1.9635100260214235),
        (1.0, -0.5772156649015329),
        (1.4616321449683622, -9.241265521729427e-17),
        (1.4616321449683625, 1.2245374622004068e-16),
        (1.5, 0.03648997397857652),
        (2.0, 0.42278433509846713),
        (3.7, 1.1671535393615113),
        (9.99, 2.250700372831201),
        (10.0, 2.251752589066721),
        (123.456, 4.811829323828985),
        (1e+20, 46.051701859880914),
        (-0.25, 2.9141391202135276),
        (-1.5, 0.7031566406452432),
        (-2.7, -1.1153471291406896),
        (-100.3, 6.895643124860435),
    ] {
        close(&format!("digamma({x})"), digamma(x), y);
    }
    let x = [0.0, -0.0, -1.0, -2.0, -1e30, INF, -INF, NAN, 1e-310];
    assert_same(&x.map(digamma), &[-INF, INF, NAN, NAN, NAN, INF, NAN, NAN, -INF]);
}

#[test]
fn log_of_gamma() {
    for (x, y) in [
        (1e-10, 23.025850929882736),
        (0.5, 0.5723649429247001),
        (1.5, -0.12078223763524522),
        (3.0, std::f64::consts::LN_2),
        (50.5, 146.51925549072064),
        (1000000000000000.0, 3.3538776394910668e+16),
        (-0.5, 1.2655121234846454),
        (-3.7, -1.3797399049658245),
        (-100.5, -364.90096830942736),
    ] {
        close(&format!("lgamma({x})"), lgamma(x), y);
    }
    let x = [0.0, -0.0, 1.0, 2.0, -1.0, -1e30, INF, -INF, NAN];
    assert_same(&x.map(lgamma), &[INF, INF, 0.0, 0.0, INF, INF, INF, INF, NAN]);
}

#[test]
fn zeta_of_every_range() {
    for (s, q, y) in [
        (2.0, 1.0, 1.6449340668482264),
        (3.0, 1.0, 1.2020569031595942),
        (2.0, 0.25, 17.19732915450711),
        (1.0000001, 0.5, 10000001.95767149),
        (1.5, 30.0, 0.3682166281870004),
        (7.0, 0.001, 9.999999999999999e+20),
        (30.0, 2.5, 1.1529691685630237e-12),
        (39.0, 477.07, 4.4800589685590964e-104),
        (2.0, 1e10, 1.00000000005e-10),
        (50.0, 12.0, 1.1194415577850898e-54),
        (200.0, 1.5, 6.049899898193749e-36),
        (300.0, 1.0, 1.0),
        (2.0, -0.5, 8.934802200544679),
        (3.0, -1.25, -61.86068339183118),
        (4.0, -40.3, 128.17014748246208),
        (2.0, -1000000.25, 19.739207802179468),
    ] {
        close(&format!("zeta({s}, {q})"), zeta(s, q), y);
    }
}

/// PyTorch's answers.
#[test]
fn edges_of_zeta() {
    let (s, q): (Vec<f64>, Vec<f64>) = [
        (1.0, NAN),
        (0.5, 1.0),
        (NAN, 0.0),
        (NAN, 1.0),
        (2.0, 0.0),
        (2.0, -3.0),
        (2.5, -0.5),
        (2.0, INF),
        (2.0, -INF),
        (INF, 1.0),
        (INF, 0.5),
        (INF, 2.0),
        (200.0, 1e-10),
        (200.0, 100.0),
        (1e9, 1.5),
    ]
    .into_iter()
    .unzip();
    let found: Vec<f64> = s.into_iter().zip(q).map(|(s, q)| zeta(s, q)).collect();
    let expected = [INF, NAN, INF, NAN, INF, INF, NAN, NAN, INF, 1.0, INF, NAN, INF, 0.0, 0.0];
    assert_same(&found, &expected);
}

#[test]
fn sums_of_exponentials() {
    close("logaddexp", logaddexp(1.0, 2.0), 2.313_261_687_518_223);
    close("logaddexp2", logaddexp2(1.0, 2.0), 2.584_962_500_721_156);
    let pairs = [(INF, INF), (-INF, -INF), (-INF, INF), (-INF, 3.0), (1e300, -1e300), (NAN, INF), (INF, NAN)];
    let expected = [INF, -INF, INF, 3.0, 1e300, NAN, NAN];
    assert_same(&pairs.map(|(a, b)| logaddexp(a, b)), &expected);
    assert_same(&pairs.map(|(a, b)| logaddexp2(a, b)), &expected);
    assert_eq!(logaddexp2(-1.0, -1.0), 0.0);
}

#[test]
fn products_with_logarithms_and_powers_of_two() {
    let pairs = [(0.0, 0.0), (0.0, NAN), (0.0, -1.0), (2.0, 0.0), (-1.0, 1.0), (NAN, 1.0), (0.0, INF)];
    assert_same(&pairs.map(|(a, b)| xlogy(a, b)), &[0.0, NAN, 0.0, -INF, -0.0, NAN, 0.0]);
    let pairs =
        [(0.0, 5000.0), (INF, -9e9), (0.0, INF), (INF, -INF), (1.0, -INF), (1.5, -1074.0), (1e-300, 2000.0)];
    let expected = [0.0, INF, NAN, NAN, 0.0, 1e-323, 1e-300 * 2f64.powi(1000) * 2f64.powi(1000)];
    assert_same(&pairs.map(|(a, b)| ldexp(a, b)), &expected);
    close("ldexp", ldexp(3.0, 2.5), 16.970_562_748_477_14);
    assert_same(&[0.0, 0.5, INF, NAN].map(sinc), &[1.0, 2.0 / PI, NAN, NAN]);
}

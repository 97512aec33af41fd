use rusttorch_backend::{Backend, DType, ErrorKind, Scalar, bf16, f16};

use crate::Naive;
use crate::testing::{Array, INF, NAN, assert_same, kind, result};

fn copied(x: &Array, dtype: DType) -> Array {
    result(x.shape(), dtype, |out| Naive.copy(x.view(), out)).unwrap()
}

#[test]
fn floats_to_integers_truncate_and_saturate() {
    let x = Array::of(&[2.9, -2.9, 300.0, -1.0, NAN, INF, -INF, 1e30]);
    assert_eq!(copied(&x, DType::U8).to_vec::<u8>(), [2, 0, 255, 0, 0, 255, 0, 255]);
    let (low, high) = (i32::MIN, i32::MAX);
    assert_eq!(copied(&x, DType::I32).to_vec::<i32>(), [2, -2, 300, -1, 0, high, low, high]);
    let x = Array::of(&[2.9f32, 300.0, f32::NAN]);
    assert_eq!(copied(&x, DType::U8).to_vec::<u8>(), [2, 255, 0]);
    assert_eq!(copied(&x, DType::Bool).floats(), [1.0, 1.0, 1.0]);
}

#[test]
fn casts_round_to_even() {
    let x = Array::of(&[1e39, 65520.0, 65519.0, 1e-8, 5.96e-8, 1.00390625, 1.01171875]);
    assert_eq!(copied(&x, DType::F32).floats()[0], INF);
    assert_eq!(copied(&x, DType::F16).floats()[1..5], [INF, 65504.0, 0.0, f16::from_bits(1).to_f64()]);
    assert_eq!(copied(&x, DType::BF16).floats()[5..], [1.0, 1.015625]);
    assert_eq!(copied(&Array::of(&[(1i64 << 24) + 1]), DType::F32).floats(), [16777216.0]);
    assert_eq!(copied(&Array::of(&[300i64, -1]), DType::I8).to_vec::<i8>(), [44, -1]);
    assert_eq!(copied(&Array::of(&[300i64, 0, 256]), DType::Bool).floats(), [1.0, 0.0, 1.0]);
}

#[test]
fn equal_dtypes_keep_every_bit() {
    let payload = f64::from_bits(0x7FF0_0000_0000_0001);
    assert_eq!(copied(&Array::of(&[payload]), DType::F64).bits(), Array::of(&[payload]).bits());
    let payload = f16::from_bits(0x7C01);
    assert_eq!(copied(&Array::of(&[payload]), DType::F16).bits(), Array::of(&[payload]).bits());
    // Foreign memory may hold a bool of 2.
    let twos = Array::garbage(&[3], DType::Bool);
    assert_eq!(copied(&twos, DType::Bool).bits(), twos.bits());
    assert_eq!(copied(&twos, DType::I32).to_vec::<i32>(), [1, 1, 1]);
}

#[test]
fn every_pair_of_dtypes_has_a_cast() {
    for from in DType::ALL {
        for to in DType::ALL {
            let y = copied(&Array::cast(&[2], &[0.0, 1.0], from), to);
            assert_eq!(y.floats(), [0.0, 1.0], "{from} to {to}");
        }
    }
}

#[test]
fn fill_casts_its_value() {
    let filled = |value, dtype| result(&[2], dtype, |out| Naive.fill(value, out)).unwrap().floats();
    assert_eq!(filled(Scalar::Float(2.5), DType::F32), [2.5, 2.5]);
    assert_eq!(filled(Scalar::Float(-2.5), DType::U8), [0.0, 0.0]);
    assert_eq!(filled(Scalar::Int(300), DType::U8), [44.0, 44.0]);
    assert_eq!(filled(Scalar::Bool(true), DType::BF16), [1.0, 1.0]);
    assert_eq!(filled(Scalar::Float(NAN), DType::Bool), [1.0, 1.0]);
    assert_eq!(result(&[], DType::I64, |out| Naive.fill(Scalar::Int(7), out)).unwrap().floats(), [7.0]);
}

#[test]
fn select_moves_bits() {
    let c = Array::cast(&[4], &[1.0, 0.0, 1.0, 0.0], DType::Bool);
    let (a, b) = (Array::of(&[1.0, NAN, -0.0, 4.0]), Array::of(&[NAN, 2.0, NAN, -0.0]));
    let y = result(&[4], DType::F64, |out| Naive.select(c.view(), a.view(), b.view(), out)).unwrap();
    assert_same(&y.to_vec::<f64>(), &[1.0, 2.0, -0.0, -0.0]);
    let (a, b) = (Array::of(&[bf16::from_bits(0x7F81); 4]), Array::of(&[bf16::ONE; 4]));
    let y = result(&[4], DType::BF16, |out| Naive.select(c.view(), a.view(), b.view(), out)).unwrap();
    assert_eq!(
        y.to_vec::<bf16>().into_iter().map(bf16::to_bits).collect::<Vec<_>>(),
        [0x7F81, 0x3F80, 0x7F81, 0x3F80]
    );
}

#[test]
fn errors() {
    let (x, mut long) = (Array::of(&[1f32]), Array::of(&[0f32, 0.0]));
    assert_eq!(kind(Naive.copy(x.view(), long.out())), ErrorKind::Shape);
    // A condition that is not bool.
    let mut out = Array::of(&[0f32]);
    assert_eq!(kind(Naive.select(x.view(), x.view(), x.view(), out.out())), ErrorKind::DType);
}

use rusttorch_backend::delegate::{Fallback, with_fallback};
use rusttorch_backend::ops::SortOp::*;
use rusttorch_backend::{Backend, Element, ErrorKind, Layout, Scalar, bf16, f16};
use rusttorch_backend_naive::Naive;

use super::*;
use crate::Simd;
use crate::tensors::{Dice, Tensor, contiguous, with_threads};

fn backends() -> Vec<Simd> {
    Level::all().into_iter().map(Simd::at).collect()
}

/// Values and indices.
fn sorted(backend: &dyn Backend, op: SortOp, x: &Tensor, axis: usize, outs: [Layout; 2]) -> [Tensor; 2] {
    let [values, indices] = outs;
    let mut values = Tensor::garbage(values, x.view().dtype());
    let mut indices = Tensor::garbage(indices, DType::I64);
    backend.sort(op, x.view(), axis, values.out(), indices.out()).unwrap();
    assert_eq!([values.strayed(), indices.strayed()], [0, 0]);
    [values, indices]
}

/// Whether two results are the same as bits; those of a selection that need not be in order, as sets.
#[track_caller]
fn assert_same(op: SortOp, got: &[Tensor; 2], expected: &[Tensor; 2], axis: usize, what: &str) {
    if !matches!(op, Topk { sorted: false, .. }) {
        assert!(got[0].bits() == expected[0].bits(), "values {op:?} {what}");
        assert!(got[1].bits() == expected[1].bits(), "indices {op:?} {what}");
        return;
    }
    let shape = got[0].shape();
    let (k, width) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
    let lines = |of: &[Tensor; 2]| {
        let (values, indices) = (of[0].bits(), of[1].bits());
        let mut lines = vec![Vec::new(); values.len() / k.max(1)];
        for (i, pair) in values.into_iter().zip(indices).enumerate() {
            lines[i / (k * width) * width + i % width].push(pair);
        }
        lines.iter_mut().for_each(|line| line.sort_unstable());
        lines
    };
    assert!(lines(got) == lines(expected), "{op:?} {what}");
}

fn op(dice: &mut Dice, n: usize) -> Option<SortOp> {
    Some(match dice.below(5) {
        0 | 1 => Sort { descending: dice.below(2) == 0 },
        2 => Topk { k: dice.below(n + 1), largest: dice.below(2) == 0, sorted: dice.below(3) > 0 },
        3 if n > 0 => Kth { k: dice.below(n) },
        4 if n > 0 => Median { ignore_nan: dice.below(2) == 0 },
        _ => return None,
    })
}

#[test]
fn orders_as_naive_does() {
    let mut dice = Dice::new(1);
    with_fallback(Fallback::Error, || {
        for round in 0..1500 {
            let dtype = DType::ALL[round % DType::ALL.len()];
            let rank = 1 + dice.below(4);
            let mut shape = dice.shape(rank, [130, 40, 9, 5][rank - 1]);
            let axis = dice.below(rank);
            if dice.below(12) == 0 {
                shape[dice.below(rank)] = 0;
            }
            let Some(op) = op(&mut dice, shape[axis]) else { continue };
            let layout = dice.layout(&shape);
            let x = dice.tensor(layout, dtype);
            shape[axis] = op.gives(shape[axis]);
            let expected = sorted(&Naive, op, &x, axis, [contiguous(&shape), contiguous(&shape)]);
            for simd in backends() {
                let strided = [dice.layout(&shape), dice.layout(&shape)];
                for outs in [[contiguous(&shape), contiguous(&shape)], strided] {
                    let got = sorted(&simd, op, &x, axis, outs);
                    assert_same(op, &got, &expected, axis, &format!("{dtype:?} {axis} {x:?}"));
                }
            }
        }
    });
}

/// Lines that try a sort: random, few values, sorted, reversed, equal, sorted but for the end, NaN and zeros.
fn lines(dice: &mut Dice, n: usize) -> Vec<Vec<f64>> {
    let mut random = || f64::from(dice.word() as i32);
    let many: Vec<f64> = (0..n).map(|_| random()).collect();
    let few: Vec<f64> = many.iter().map(|x| (x % 3.0).trunc()).collect();
    let up: Vec<f64> = (0..n).map(|i| i as f64 - n as f64 / 2.0).collect();
    let down: Vec<f64> = up.iter().rev().copied().collect();
    let mut almost = up.clone();
    if let Some(last) = almost.last_mut() {
        *last = -1e9;
    }
    let zeros: Vec<f64> = many.iter().map(|&x| if x < 0.0 { -0.0 } else { 0.0 }).collect();
    let odd: Vec<f64> = many
        .iter()
        .enumerate()
        .map(|(i, &x)| match i % 5 {
            0 => f64::NAN,
            1 => -f64::NAN,
            2 => f64::INFINITY.copysign(x),
            3 => 0.0f64.copysign(x),
            _ => x / 65536.0,
        })
        .collect();
    vec![many, few, up, down, almost, zeros, odd, vec![f64::NAN; n], vec![-7.0; n]]
}

fn cast<T: Element>(line: &[f64]) -> Tensor {
    let values: Vec<T> = line.iter().map(|&x| T::from_scalar(Scalar::Float(x))).collect();
    Tensor::of(&[line.len()], &values)
}

/// All ops on a line, as naive has them.
fn check(x: &Tensor, threads: &[usize], what: &str) {
    let n = x.shape()[0];
    let mut ops = vec![Sort { descending: false }, Sort { descending: true }];
    let mut ks = vec![0, n.min(1), n / 50, n / 3, n];
    ks.dedup();
    for k in ks {
        for (largest, sorted) in [(true, true), (false, true), (true, false)] {
            ops.push(Topk { k, largest, sorted });
        }
    }
    if n > 0 {
        ops.extend([0, n / 7, n / 2, n - 1].map(|k| Kth { k }));
        ops.extend([false, true].map(|ignore_nan| Median { ignore_nan }));
    }
    for op in ops {
        let outs = || [contiguous(&[op.gives(n)]), contiguous(&[op.gives(n)])];
        let expected = sorted(&Naive, op, x, 0, outs());
        for &threads in threads {
            with_threads(threads, || {
                let got = sorted(&Simd::new(), op, x, 0, outs());
                assert_same(op, &got, &expected, 0, &format!("{what}, {n} elements, {threads} threads"));
            });
        }
    }
}

#[test]
fn every_length() {
    let mut dice = Dice::new(2);
    for n in (0..130).chain([255, 256, 257, 500, 512, 513, 700, 1000, 3000]) {
        for (i, line) in lines(&mut dice, n).into_iter().enumerate() {
            check(&cast::<f32>(&line), &[2], &format!("f32, line {i}"));
            if n % 16 < 2 || n > 129 {
                check(&cast::<f64>(&line), &[2], &format!("f64, line {i}"));
                check(&cast::<i64>(&line), &[2], &format!("i64, line {i}"));
                check(&cast::<i16>(&line), &[2], &format!("i16, line {i}"));
                check(&cast::<f16>(&line), &[2], &format!("f16, line {i}"));
                check(&cast::<bf16>(&line), &[2], &format!("bf16, line {i}"));
                check(&cast::<u8>(&line), &[2], &format!("u8, line {i}"));
            }
        }
    }
}

#[test]
fn long_lines_on_any_number_of_threads() {
    let mut dice = Dice::new(3);
    for (i, line) in lines(&mut dice, 100_003).into_iter().enumerate() {
        let threads: &[usize] = if [0, 6].contains(&i) { &[1, 2, 3, 8] } else { &[2] };
        check(&cast::<f32>(&line), threads, &format!("f32, line {i}"));
    }
    check(&cast::<f64>(&lines(&mut dice, 70_001)[6]), &[3], "f64");
    let line = &lines(&mut dice, 70_001)[0];
    check(&cast::<i64>(line), &[3], "i64");
    check(&cast::<i32>(line), &[2], "i32");
    check(&cast::<i8>(line), &[2], "i8");
    check(&cast::<bf16>(line), &[8], "bf16");
}

#[test]
fn many_lines_on_any_number_of_threads() {
    let mut dice = Dice::new(4);
    for (shape, axis) in
        [(&[400, 300][..], 1), (&[300, 400], 0), (&[7, 200, 50], 1), (&[900, 5, 7], 1), (&[2, 70_000], 0)]
    {
        let x = dice.tensor(contiguous(shape), DType::F32);
        let n = shape[axis];
        for op in [
            Sort { descending: true },
            Topk { k: 2, largest: false, sorted: true },
            Median { ignore_nan: true },
        ] {
            let mut shape = shape.to_vec();
            shape[axis] = op.gives(n);
            let outs = || [contiguous(&shape), contiguous(&shape)];
            let expected = sorted(&Naive, op, &x, axis, outs());
            for threads in [1, 2, 3, 8] {
                with_threads(threads, || {
                    let got = sorted(&Simd::new(), op, &x, axis, outs());
                    assert_same(op, &got, &expected, axis, &format!("{shape:?} {axis} {threads}"));
                });
            }
        }
    }
}

#[test]
fn bytes_of_bools_are_kept() {
    let x = Tensor::of(&[6], &[3u8, 0, 1, 0, 255, 2]);
    let x = View::new(x.view().buffer(), x.view().layout(), DType::Bool).unwrap();
    let mut values = Tensor::garbage(contiguous(&[6]), DType::Bool);
    let mut indices = Tensor::garbage(contiguous(&[6]), DType::I64);
    Simd::new().sort(Sort { descending: true }, x, 0, values.out(), indices.out()).unwrap();
    assert_eq!(values.bits(), [3, 1, 255, 2, 0, 0]);
    assert_eq!(indices.bits(), [0, 2, 4, 5, 1, 3]);
}

#[test]
fn bits_of_ties_are_kept() {
    let nans = [0x7fc0_0001, 0xffc0_0002, 0x7fc0_0003].map(f32::from_bits);
    let x = Tensor::of(&[6], &[nans[0], -0.0, nans[1], 0.0, 1.0, nans[2]]);
    let [values, indices] =
        sorted(&Simd::new(), Sort { descending: false }, &x, 0, [contiguous(&[6]), contiguous(&[6])]);
    let bits: Vec<u32> = values.values::<f32>().into_iter().map(f32::to_bits).collect();
    assert_eq!(bits, [-0.0f32, 0.0, 1.0, nans[0], nans[1], nans[2]].map(f32::to_bits));
    assert_eq!(indices.values::<i64>(), [1, 3, 4, 0, 2, 5]);
}

#[test]
fn searches_as_naive_does() {
    let mut dice = Dice::new(5);
    with_fallback(Fallback::Error, || {
        for round in 0..1000 {
            let dtype = DType::ALL[round % DType::ALL.len()];
            if dtype == DType::Bool {
                continue;
            }
            let rank = 1 + dice.below(3);
            let mut shape = dice.shape(rank, 9);
            shape[rank - 1] = dice.below(70);
            let mut asked = shape.clone();
            asked[rank - 1] = dice.below(40);
            let layouts = [dice.layout(&shape), dice.layout(&asked)];
            let [line, values] = layouts.map(|layout| dice.tensor(layout, dtype));
            let line = match dice.below(3) {
                // Not sorted: that has an answer, too.
                0 => line,
                _ => {
                    let outs = [line.view().layout().clone(), contiguous(&shape)];
                    let [values, _] = sorted(&Naive, Sort { descending: false }, &line, rank - 1, outs);
                    values
                }
            };
            for right in [false, true] {
                let mut expected = Tensor::garbage(contiguous(&asked), DType::I64);
                Naive.searchsorted(line.view(), values.view(), right, expected.out()).unwrap();
                for layout in [contiguous(&asked), dice.layout(&asked)] {
                    let mut out = Tensor::garbage(layout, DType::I64);
                    Simd::new().searchsorted(line.view(), values.view(), right, out.out()).unwrap();
                    assert_eq!(out.bits(), expected.bits());
                    assert_eq!(out.strayed(), 0);
                }
            }
        }
    });
    let sorted = Tensor::with(contiguous(&[30_001]), |i| (i / 3) as f32);
    let values = dice.tensor(contiguous(&[20_000]), DType::F32);
    let mut expected = Tensor::garbage(contiguous(&[20_000]), DType::I64);
    Naive.searchsorted(sorted.view(), values.view(), true, expected.out()).unwrap();
    for threads in [1, 2, 3, 8] {
        with_threads(threads, || {
            let mut out = Tensor::garbage(contiguous(&[20_000]), DType::I64);
            Simd::new().searchsorted(sorted.view(), values.view(), true, out.out()).unwrap();
            assert_eq!(out.bits(), expected.bits());
        });
    }
}

#[test]
fn what_breaks_the_contract_is_an_error() {
    let simd = Simd::new();
    let (x, mut out, mut at) =
        (Tensor::of(&[2], &[1f32, 2.0]), Tensor::of(&[2], &[0f32; 2]), Tensor::of(&[2], &[0i64; 2]));
    let kind = |r: Result<()>| r.unwrap_err().kind();
    let up = Sort { descending: false };
    assert_eq!(kind(simd.sort(up, x.view(), 1, out.out(), at.out())), ErrorKind::Dim);
    assert_eq!(kind(simd.sort(Kth { k: 0 }, x.view(), 0, out.out(), at.out())), ErrorKind::Shape);
    let (mut wrong, mut one) = (Tensor::of(&[2], &[0i32; 2]), Tensor::of(&[1], &[0i64]));
    assert_eq!(kind(simd.sort(up, x.view(), 0, out.out(), wrong.out())), ErrorKind::DType);
    assert_eq!(kind(simd.sort(up, x.view(), 0, out.out(), one.out())), ErrorKind::Shape);
    let mut single = Tensor::of(&[1], &[0f32]);
    assert_eq!(kind(simd.sort(Kth { k: 2 }, x.view(), 0, single.out(), one.out())), ErrorKind::Shape);
}

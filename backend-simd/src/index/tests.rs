use rusttorch_backend::delegate::{Fallback, with_fallback};
use rusttorch_backend::ops::ScatterOp::{self, *};
use rusttorch_backend::{Backend, DType, ErrorKind, Shape};
use rusttorch_backend_naive::Naive;

use super::*;
use crate::Simd;
use crate::tensors::{Dice, Tensor, contiguous, with_threads};

const OPS: [ScatterOp; 5] = [Assign, Add, Mul, Amax, Amin];

fn backends() -> Vec<Simd> {
    Level::all().into_iter().map(Simd::at).collect()
}

/// An index of a shape along an axis of a size, in some layout; now and then repeated along axes behind or before.
fn index(dice: &mut Dice, shape: &[usize], axis: usize, size: usize) -> Tensor {
    let mut own: Shape = shape.into();
    match dice.below(3) {
        0 => own[axis + 1..].fill(1),
        1 => own.iter_mut().enumerate().filter(|&(d, _)| d != axis).for_each(|(_, n)| *n = 1),
        _ => {}
    }
    let layout = dice.layout(&own);
    Tensor::with(layout, |_| dice.below(size) as i64).map(|l| l.broadcast_to(shape))
}

/// A case: the shape of what is indexed, the axis, the index.
fn case(dice: &mut Dice) -> (Shape, usize, Tensor) {
    let rank = 1 + dice.below(4);
    let largest = *dice.of(&[2, 5, 9, 40]);
    let shape = dice.shape(rank, if rank > 2 { largest.min(9) } else { largest });
    let axis = dice.below(rank);
    let mut indexed = shape.clone();
    indexed[axis] = dice.below(12);
    if dice.below(4) == 0 {
        indexed.iter_mut().enumerate().filter(|&(d, _)| d != axis).for_each(|(_, n)| *n = 1 + dice.below(*n));
    }
    let index = index(dice, &indexed, axis, shape[axis]);
    (shape, axis, index)
}

#[test]
fn gathers_as_naive_does() {
    let mut dice = Dice::new(1);
    with_fallback(Fallback::Error, || {
        for round in 0..600 {
            let dtype = DType::ALL[round % DType::ALL.len()];
            let (shape, axis, index) = case(&mut dice);
            let layout = dice.layout(&shape);
            let x = dice.tensor(layout, dtype);
            let mut expected = Tensor::garbage(contiguous(index.shape()), dtype);
            Naive.gather(x.view(), axis, index.view(), expected.out()).unwrap();
            for simd in backends() {
                for layout in [contiguous(index.shape()), dice.layout(index.shape())] {
                    let mut out = Tensor::garbage(layout, dtype);
                    simd.gather(x.view(), axis, index.view(), out.out()).unwrap();
                    assert_eq!(out.bits(), expected.bits(), "{dtype:?} {:?} {axis} {index:?}", x.view());
                    assert_eq!(out.strayed(), 0);
                }
            }
        }
    });
}

#[test]
fn scatters_as_naive_does() {
    let mut dice = Dice::new(2);
    with_fallback(Fallback::Error, || {
        for round in 0..1500 {
            let (dtype, op) = (DType::ALL[round % DType::ALL.len()], *dice.of(&OPS));
            let (shape, axis, index) = case(&mut dice);
            let (layout, from) = (dice.layout(&shape), dice.layout(index.shape()));
            let (start, src) = (dice.tensor(layout, dtype), dice.tensor(from, dtype));
            let mut expected = start.laid(contiguous(&shape));
            Naive.scatter(op, expected.out(), axis, index.view(), src.view()).unwrap();
            for simd in backends() {
                for layout in [contiguous(&shape), dice.layout(&shape)] {
                    let mut io = start.laid(layout);
                    simd.scatter(op, io.out(), axis, index.view(), src.view()).unwrap();
                    assert_eq!(io.bits(), expected.bits(), "{op:?} {dtype:?} {axis} {start:?} {index:?}");
                    assert_eq!(io.strayed(), 0);
                }
            }
        }
    });
}

#[test]
fn embeds_as_naive_does() {
    let mut dice = Dice::new(3);
    with_fallback(Fallback::Error, || {
        for round in 0..300 {
            let dtype = DType::ALL[round % DType::ALL.len()];
            let (size, width) = (1 + dice.below(20), dice.below(70));
            let layout = dice.layout(&[size, width]);
            let weight = dice.tensor(layout, dtype);
            let rank = dice.below(4);
            let mut shape = dice.shape(rank, 6);
            let layout = dice.layout(&shape);
            let index = Tensor::with(layout, |_| dice.below(size) as i64);
            shape.push(width);
            let mut expected = Tensor::garbage(contiguous(&shape), dtype);
            Naive.embedding(index.view(), weight.view(), expected.out()).unwrap();
            for simd in backends() {
                for layout in [contiguous(&shape), dice.layout(&shape)] {
                    let mut out = Tensor::garbage(layout, dtype);
                    simd.embedding(index.view(), weight.view(), out.out()).unwrap();
                    assert_eq!(out.bits(), expected.bits());
                    assert_eq!(out.strayed(), 0);
                }
            }
        }
    });
}

#[test]
fn large_ones_on_any_number_of_threads() {
    let mut dice = Dice::new(4);
    // Rows, single elements along each axis, lines, a matrix that is repeated, a single line.
    for (shape, axis, count, own) in [
        (&[300, 130][..], 0, 500, [true, false]),
        (&[100, 1000], 0, 90, [true, true]),
        (&[1000, 100], 1, 120, [true, true]),
        (&[3, 50, 700], 1, 60, [true, false]),
        (&[40, 30, 50], 1, 33, [true, true]),
        (&[3000, 7], 0, 9000, [true, false]),
        (&[100_000], 0, 100_003, [true, true]),
    ] {
        let mut indexed: Shape = shape.into();
        indexed[axis] = count;
        let mut inner = indexed.clone();
        if !own[1] {
            inner[axis + 1..].fill(1);
        }
        let index = Tensor::with(contiguous(&inner), |_| dice.below(shape[axis]) as i64)
            .map(|l| l.broadcast_to(&indexed));
        for dtype in [DType::F32, DType::BF16] {
            let x = dice.tensor(contiguous(shape), dtype);
            let src = dice.tensor(contiguous(&indexed), dtype);
            let mut expected = Tensor::garbage(contiguous(&indexed), dtype);
            Naive.gather(x.view(), axis, index.view(), expected.out()).unwrap();
            let expected = expected.bits();
            let merged: Vec<Vec<u64>> = OPS
                .map(|op| {
                    let mut io = x.laid(contiguous(shape));
                    Naive.scatter(op, io.out(), axis, index.view(), src.view()).unwrap();
                    io.bits()
                })
                .into();
            for threads in [1, 2, 3, 8] {
                with_threads(threads, || {
                    let simd = Simd::new();
                    let mut out = Tensor::garbage(contiguous(&indexed), dtype);
                    simd.gather(x.view(), axis, index.view(), out.out()).unwrap();
                    assert!(out.bits() == expected, "gather {dtype:?} {shape:?} {threads}");
                    for (op, merged) in OPS.into_iter().zip(&merged) {
                        let mut io = x.laid(contiguous(shape));
                        simd.scatter(op, io.out(), axis, index.view(), src.view()).unwrap();
                        assert!(io.bits() == *merged, "{op:?} {dtype:?} {shape:?} {threads}");
                    }
                });
            }
        }
    }
}

#[test]
fn the_first_index_out_of_bounds_is_named() {
    let mut dice = Dice::new(5);
    for round in 0..300 {
        let (shape, axis, index) = case(&mut dice);
        if index.shape().contains(&0) {
            continue;
        }
        let bad = *dice.of(&[-1, shape[axis] as i64, i64::MIN, i64::MAX, 1 << 32]);
        let wrong = dice.below(2) as i64;
        let indexed: Shape = index.shape().into();
        let at = dice.below(4);
        let mut values = index.values::<i64>();
        let n = values.len();
        values[(at * 7) % n] = bad;
        values[(at * 11 + 3) % n] = bad.wrapping_add(if bad > 0 { wrong } else { -wrong }).max(bad);
        let index = Tensor::of(&indexed, &values);
        let x = dice.tensor(contiguous(&shape), DType::F32);
        let src = dice.tensor(contiguous(&indexed), DType::F32);
        let mut out = Tensor::garbage(contiguous(&indexed), DType::F32);
        let expected = Naive.gather(x.view(), axis, index.view(), out.out()).unwrap_err().to_string();
        for simd in backends() {
            let error = simd.gather(x.view(), axis, index.view(), out.out()).unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert_eq!(error.kind(), ErrorKind::IndexValue);
            let mut io = x.laid(contiguous(&shape));
            let op = OPS[round % OPS.len()];
            let expected =
                Naive.scatter(op, io.out(), axis, index.view(), src.view()).unwrap_err().to_string();
            let error = simd.scatter(op, io.out(), axis, index.view(), src.view()).unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert_eq!(io.bits(), x.bits(), "nothing is written");
        }
    }
    let (empty, none) = (Tensor::of::<f32>(&[0], &[]), Tensor::of(&[1], &[0i64]));
    let mut out = Tensor::of(&[1], &[0f32]);
    let error = Simd::new().gather(empty.view(), 0, none.view(), out.out()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IndexValue);
    let (weight, index) = (Tensor::of(&[2, 2], &[1f32, 2.0, 3.0, 4.0]), Tensor::of(&[2], &[0i64, 2]));
    let mut out = Tensor::garbage(contiguous(&[2, 2]), DType::F32);
    let expected = Naive.embedding(index.view(), weight.view(), out.out()).unwrap_err().to_string();
    let error = Simd::new().embedding(index.view(), weight.view(), out.out()).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn what_breaks_the_contract_is_an_error() {
    let simd = Simd::new();
    let (x, index) = (Tensor::of(&[2, 2], &[0f32; 4]), Tensor::of(&[2, 1], &[0i64; 2]));
    let mut out = Tensor::of(&[2, 1], &[0f32; 2]);
    let kind = |r: Result<()>| r.unwrap_err().kind();
    assert_eq!(kind(simd.gather(x.view(), 2, index.view(), out.out())), ErrorKind::Dim);
    assert_eq!(kind(simd.gather(x.view(), 0, x.view(), out.out())), ErrorKind::Shape);
    let wrong = Tensor::of(&[2, 1], &[0i32; 2]);
    assert_eq!(kind(simd.gather(x.view(), 0, wrong.view(), out.out())), ErrorKind::DType);
    let mut doubles = Tensor::of(&[2, 1], &[0f64; 2]);
    assert_eq!(kind(simd.gather(x.view(), 0, index.view(), doubles.out())), ErrorKind::DType);
    let mut io = Tensor::of(&[2, 2], &[0f32; 4]);
    assert_eq!(kind(simd.scatter(Add, io.out(), 1, index.view(), doubles.view())), ErrorKind::DType);
    assert_eq!(kind(simd.scatter(Add, io.out(), 1, index.view(), x.view())), ErrorKind::Shape);
}

use rusttorch_backend::ops::ScatterOp::{self, *};
use rusttorch_backend::{Backend, Boolean, DType, Element, ErrorKind, Result, bf16, f16};

use crate::Naive;
use crate::testing::{Array, NAN, assert_same, kind, result};

fn gathered(x: &Array, axis: usize, index: &Array) -> Result<Array> {
    result(index.shape(), x.view().dtype(), |out| Naive.gather(x.view(), axis, index.view(), out))
}

fn scattered<T: Element>(op: ScatterOp, start: &[T], index: &[i64], src: &[T]) -> Vec<T> {
    let mut io = Array::of(start);
    Naive.scatter(op, io.out(), 0, Array::of(index).view(), Array::of(src).view()).unwrap();
    assert_eq!(io.strayed(), 0);
    io.to_vec()
}

#[test]
fn gather_in_any_layout() {
    let x = Array::new(&[2, 3], &[0f32, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let index = Array::new(&[2, 2], &[2i64, 0, 1, 1]);
    for x in x.everyhow() {
        for index in index.everyhow() {
            assert_eq!(gathered(&x, 1, &index).unwrap().floats(), [2.0, 0.0, 4.0, 4.0]);
        }
        let rows = Array::new(&[4, 1], &[1i64, 0, 1, 1]);
        assert_eq!(gathered(&x, 0, &rows).unwrap().floats(), [3.0, 0.0, 3.0, 3.0]);
        // As embedding and index_select come: an index of stride 0 on the other axes.
        let rows = Array::new(&[2, 1], &[1i64, 0]).map(|l| l.broadcast_to(&[2, 3]));
        assert_eq!(gathered(&x, 0, &rows).unwrap().floats(), [3.0, 4.0, 5.0, 0.0, 1.0, 2.0]);
    }
}

#[test]
fn gather_keeps_bits_of_every_dtype() {
    for dtype in DType::ALL {
        let x = Array::cast(&[3], &[0.0, 1.0, 1.0], dtype);
        assert_eq!(gathered(&x, 0, &Array::of(&[2i64, 0, 1, 2])).unwrap().floats(), [1.0, 0.0, 1.0, 1.0]);
    }
    assert_eq!(
        gathered(&Array::garbage(&[0, 3], DType::F32), 0, &Array::garbage(&[0, 2], DType::I64))
            .unwrap()
            .floats(),
        []
    );
    assert_eq!(
        gathered(&Array::garbage(&[3, 0], DType::F32), 0, &Array::garbage(&[5, 0], DType::I64))
            .unwrap()
            .floats(),
        []
    );
}

#[test]
fn scatter_combines_in_order() {
    assert_eq!(scattered(Assign, &[0, 0, 0], &[1, 1, 2], &[5, 6, 7]), [0, 6, 7]);
    assert_eq!(scattered(Add, &[1.0, 1.0], &[1, 1, 1], &[1.0, 2.0, 3.0]), [1.0, 7.0]);
    assert_eq!(scattered(Mul, &[2i32, 3], &[0, 0], &[4, 5]), [40, 3]);
    assert_eq!(scattered(Amax, &[2, 3], &[0, 1], &[4, 1]), [4, 3]);
    assert_eq!(scattered(Amin, &[2u8, 3], &[0, 1], &[4, 1]), [2, 1]);
    assert_same(&scattered(Amax, &[1.0, NAN], &[0, 1], &[NAN, 1.0]), &[NAN, NAN]);
    assert_same(&scattered(Amin, &[1.0, NAN], &[0, 1], &[NAN, 1.0]), &[NAN, NAN]);
    assert_eq!(scattered(Add, &[i64::MAX, 0], &[0], &[1]), [i64::MIN, 0]);
    let bools = |v: [bool; 2]| v.map(Boolean::from);
    assert_eq!(scattered(Add, &bools([false, true]), &[0, 0], &bools([true, true])), bools([true, true]));
}

#[test]
fn scatter_rounds_halves_once() {
    // In f16 a sum of ones ends at 2048, and 1 + 2^-12 is 1.
    let (one, tiny) = (f16::ONE, f16::from_f64(2f64.powi(-12)));
    assert_eq!(scattered(Add, &[one, one], &[0; 4095], &[one; 4095]), [f16::from_f64(4096.0), one]);
    assert_eq!(scattered(Add, &[one], &[0; 4], &[tiny; 4]), [f16::from_f64(1.0 + 2f64.powi(-10))]);
    let (huge, small) = (bf16::from_f64(2f64.powi(127)), bf16::from_f64(2f64.powi(-3)));
    assert_eq!(
        scattered(Mul, &[huge], &[0, 0], &[bf16::from_f64(4.0), small]),
        [bf16::from_f64(2f64.powi(126))]
    );
    assert_eq!(scattered(Amax, &[one, tiny], &[1, 1], &[one, tiny]), [one, one]);
}

#[test]
fn scatter_in_any_layout() {
    let zeros = Array::new(&[2, 3], &[0f64; 6]);
    let (index, src) = (Array::new(&[2, 2], &[2i64, 0, 1, 1]), Array::new(&[2, 2], &[1.0, 2.0, 3.0, 4.0]));
    for mut io in zeros.everyhow() {
        for index in index.everyhow() {
            for src in src.everyhow() {
                Naive.fill(0.0.into(), io.out()).unwrap();
                Naive.scatter(Add, io.out(), 1, index.view(), src.view()).unwrap();
                assert_eq!(io.floats(), [2.0, 0.0, 1.0, 0.0, 7.0, 0.0]);
                assert_eq!(io.strayed(), 0);
            }
        }
    }
}

#[test]
fn an_index_out_of_bounds_writes_nothing() {
    let x = Array::of(&[1f32, 2.0, 3.0]);
    for bad in [3, -1, i64::MIN, i64::MAX] {
        let index = Array::of(&[0, bad]);
        let error = gathered(&x, 0, &index).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IndexValue);
        assert_eq!(error.to_string(), format!("gather: index out of bounds: index {bad}, size 3"));
        let mut io = Array::of(&[7f32, 8.0, 9.0]);
        let src = Array::of(&[1f32, 1.0]);
        assert_eq!(kind(Naive.scatter(Assign, io.out(), 0, index.view(), src.view())), ErrorKind::IndexValue);
        assert_eq!(kind(Naive.scatter(Add, io.out(), 0, index.view(), src.view())), ErrorKind::IndexValue);
        assert_eq!(io.floats(), [7.0, 8.0, 9.0]);
    }
    assert_eq!(
        kind(gathered(&Array::garbage(&[0], DType::F32), 0, &Array::of(&[0i64]))),
        ErrorKind::IndexValue
    );
}

#[test]
fn errors() {
    let (x, index) = (Array::new(&[2, 2], &[0f32; 4]), Array::new(&[2, 1], &[0i64; 2]));
    assert_eq!(kind(gathered(&x, 2, &index)), ErrorKind::Dim);
    assert_eq!(kind(gathered(&x, 0, &Array::of(&[0i64]))), ErrorKind::Shape);
    assert_eq!(kind(gathered(&x, 1, &Array::new(&[3, 1], &[0i64; 3]))), ErrorKind::Shape);
    assert_eq!(kind(gathered(&x, 1, &Array::new(&[2, 1], &[0i32; 2]))), ErrorKind::DType);
    let mut io = Array::new(&[2, 2], &[0f32; 4]);
    assert_eq!(kind(Naive.scatter(Add, io.out(), 0, index.view(), x.view())), ErrorKind::Shape);
    let src = Array::new(&[2, 1], &[0f64; 2]);
    assert_eq!(kind(Naive.scatter(Add, io.out(), 0, index.view(), src.view())), ErrorKind::DType);
}

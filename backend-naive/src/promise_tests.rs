//! What holds for every op: layouts, positions and in-place forms change no bit, empty operands are
//! fine, and the capabilities claim what is there.

use rusttorch_backend::ops::{
    Activation, ArgReduceOp, BinaryOp, CompareOp, ReduceOp, ScanOp, ScatterOp, SoftmaxOp, SortOp, TernaryOp,
    UnaryOp,
};
use rusttorch_backend::{Backend, DType, ErrorKind, Family, Layout, Result, View, ViewMut};

use crate::Naive;
use crate::testing::{Array, Device, INF, NAN, kind, result};

/// Ordinary and extraordinary values, none an integer zero divisor where `nonzero` asks for that.
fn values(dtype: DType, nonzero: bool) -> Vec<f64> {
    let ints = [1.0, -7.0, 2.0, 127.0, -128.0, 3.0, -1.0, 100.0, 5.0, -3.0, 0.0, 77.0];
    let floats = [0.0, -0.0, 1.5, -2.5, INF, -INF, NAN, 1e-40, 3e38, -0.3, 1e-8, 700.0];
    let mut values = if dtype.is_float() { floats } else { ints }.to_vec();
    if nonzero && !dtype.is_float() {
        // A negative value saturates to 0 where there is no sign.
        let is_zero = |v: f64| v == 0.0 || (v < 0.0 && dtype == DType::U8);
        values.iter_mut().filter(|v| is_zero(**v)).for_each(|v| *v = 9.0);
    }
    values
}

type Call<'a> = &'a dyn Fn(&[View<'_>], ViewMut<'_>) -> Result<()>;

/// R1: every layout of the operands and of the output, and every element by itself, gives equal bits.
fn elementwise(name: &str, operands: &[Array], to: DType, call: Call<'_>) {
    let run = |operands: &[&Array]| {
        let views: Vec<View<'_>> = operands.iter().map(|x| x.view()).collect();
        result(operands[0].shape(), to, |out| call(&views, out)).unwrap_or_else(|e| panic!("{name}: {e}"))
    };
    let all: Vec<&Array> = operands.iter().collect();
    let expected = run(&all).bits();
    let arranged: Vec<Vec<Array>> = operands.iter().map(Array::everyhow).collect();
    for way in 0..arranged[0].len() {
        // Each operand in another layout than its neighbour.
        let mixed: Vec<&Array> =
            arranged.iter().enumerate().map(|(i, ways)| &ways[(way + i) % ways.len()]).collect();
        assert_eq!(run(&mixed).bits(), expected, "{name}");
        let views: Vec<View<'_>> = mixed.iter().map(|x| x.view()).collect();
        for mut out in Array::garbage(operands[0].shape(), to).everyhow() {
            call(&views, out.out()).unwrap();
            assert_eq!((out.bits(), out.strayed()), (expected.clone(), 0), "{name}");
        }
    }
    for (n, bits) in expected.chunks(1).enumerate() {
        let element = |x: &Array| {
            let (rows, columns) = (x.shape()[0], x.shape()[1]);
            assert!(n < rows * columns);
            let at = [(n / columns) as isize, (n % columns) as isize];
            x.dense().map(|l| l.select(0, at[0])?.select(0, at[1]))
        };
        let single: Vec<Array> = operands.iter().map(element).collect();
        assert_eq!(run(&single.iter().collect::<Vec<_>>()).bits(), bits, "{name}");
    }
}

fn operand(dtype: DType, rotate: usize, nonzero: bool) -> Array {
    let mut values = values(dtype, nonzero);
    values.rotate_left(rotate);
    Array::cast(&[3, 4], &values, dtype)
}

#[test]
fn layouts_change_no_bit() {
    for dtype in DType::ALL {
        let (x, y, z) = (operand(dtype, 0, false), operand(dtype, 5, true), operand(dtype, 7, false));
        let condition = operand(DType::Bool, 3, false);
        elementwise("copy", &[x.dense()], dtype, &|v, out| Naive.copy(v[0], out));
        elementwise("cast", &[x.dense()], DType::F16, &|v, out| Naive.copy(v[0], out));
        elementwise("fill", &[x.dense()], dtype, &|_, out| Naive.fill(1.0.into(), out));
        elementwise("where", &[condition, x.dense(), y.dense()], dtype, &|v, out| {
            Naive.select(v[0], v[1], v[2], out)
        });
        for &op in UnaryOp::ALL {
            if op.rule().computes().contains(dtype) {
                elementwise(op.name(), &[x.dense()], op.rule().result(dtype), &|v, out| {
                    Naive.unary(op, v[0], out)
                });
            }
        }
        for &op in BinaryOp::ALL {
            if op.rule().computes().contains(dtype) {
                elementwise(op.name(), &[x.dense(), y.dense()], dtype, &|v, out| {
                    Naive.binary(op, v[0], v[1], out)
                });
            }
        }
        for &op in CompareOp::ALL {
            elementwise(op.name(), &[x.dense(), y.dense()], DType::Bool, &|v, out| {
                Naive.compare(op, v[0], v[1], out)
            });
        }
        for &op in TernaryOp::ALL {
            if Naive.capabilities().is_native(Family::Ternary, op.name(), dtype) {
                elementwise(op.name(), &[x.dense(), y.dense(), z.dense()], dtype, &|v, out| {
                    Naive.ternary(op, v[0], v[1], v[2], out)
                });
            }
        }
        for &op in Activation::ALL.iter().filter(|_| dtype.is_float()) {
            elementwise(op.name(), &[x.dense()], dtype, &|v, out| Naive.activation(op, v[0], out));
            elementwise(op.name(), &[y.dense(), x.dense()], dtype, &|v, out| {
                Naive.activation_backward(op, v[0], v[1], out)
            });
        }
    }
}

#[test]
fn in_place_is_out_of_place() {
    for dtype in DType::ALL {
        let (x, y) = (operand(dtype, 0, false), operand(dtype, 5, true));
        for &op in UnaryOp::ALL {
            if op.rule().computes().contains(dtype) && op.rule().result(dtype) == dtype {
                let expected = result(x.shape(), dtype, |out| Naive.unary(op, x.view(), out)).unwrap().bits();
                for mut io in x.everyhow() {
                    Naive.unary_assign(op, io.out()).unwrap();
                    assert_eq!((io.bits(), io.strayed()), (expected.clone(), 0), "{}", op.name());
                }
            }
        }
        for &op in BinaryOp::ALL {
            if op.rule().computes().contains(dtype) {
                let out = |out: ViewMut<'_>| Naive.binary(op, x.view(), y.view(), out);
                let expected = result(x.shape(), dtype, out).unwrap().bits();
                for (mut io, y) in x.everyhow().into_iter().zip(y.everyhow().into_iter().rev()) {
                    Naive.binary_assign(op, io.out(), y.view()).unwrap();
                    assert_eq!((io.bits(), io.strayed()), (expected.clone(), 0), "{}", op.name());
                }
            }
        }
    }
}

#[test]
fn broadcast_operands_are_walked_in_place() {
    let row = Array::of(&[1.0, 2.0, 3.0]).map(|l| l.broadcast_to(&[2, 3]));
    let column = Array::new(&[2, 1], &[10.0, 20.0]).map(|l| l.broadcast_to(&[2, 3]));
    let add = |out: ViewMut<'_>| Naive.binary(BinaryOp::Add, row.view(), column.view(), out);
    assert_eq!(result(&[2, 3], DType::F64, add).unwrap().floats(), [11.0, 12.0, 13.0, 21.0, 22.0, 23.0]);
    let mut io = Array::new(&[2, 3], &[1.0; 6]);
    Naive.binary_assign(BinaryOp::Mul, io.out(), row.view()).unwrap();
    assert_eq!(io.floats(), [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
}

#[test]
fn many_axes_are_fine() {
    let shape = [2; 9];
    let values: Vec<f32> = (0..512).map(|i| i as f32).collect();
    let x = Array::new(&shape, &values);
    for x in x.everyhow() {
        let neg = result(&shape, DType::F32, |out| Naive.unary(UnaryOp::Neg, x.view(), out)).unwrap();
        assert_eq!(neg.floats(), x.floats().iter().map(|v| -v).collect::<Vec<_>>());
    }
}

#[test]
fn empty_operands_are_fine() {
    for shape in [&[0][..], &[2, 0], &[0, 1 << 40, 1 << 40]] {
        let x = Array::garbage(shape, DType::F32);
        let mut y = Array::garbage(shape, DType::F32);
        let mut z = Array::garbage(shape, DType::Bool);
        let mut at = Array::garbage(shape, DType::I64);
        Naive.fill(1.0.into(), y.out()).unwrap();
        Naive.copy(x.view(), y.out()).unwrap();
        Naive.unary(UnaryOp::Exp, x.view(), y.out()).unwrap();
        Naive.unary_assign(UnaryOp::Exp, y.out()).unwrap();
        Naive.binary(BinaryOp::Add, x.view(), x.view(), y.out()).unwrap();
        Naive.binary_assign(BinaryOp::Add, y.out(), x.view()).unwrap();
        Naive.ternary(TernaryOp::Lerp, x.view(), x.view(), x.view(), y.out()).unwrap();
        Naive.compare(CompareOp::Eq, x.view(), x.view(), z.out()).unwrap();
        Naive.select(z.view(), x.view(), x.view(), y.out()).unwrap();
        Naive.scan(ScanOp::Cumsum, x.view(), 0, y.out(), None).unwrap();
        Naive.scan(ScanOp::Cummax, x.view(), 0, y.out(), Some(at.out())).unwrap();
        Naive.softmax(SoftmaxOp::Softmax, x.view(), 0, y.out()).unwrap();
        Naive.softmax_backward(SoftmaxOp::Softmax, x.view(), x.view(), 0, y.out()).unwrap();
        Naive.sort(SortOp::Sort { descending: true }, x.view(), 0, y.out(), at.out()).unwrap();
        Naive.searchsorted(x.view(), x.view(), false, at.out()).unwrap();
        Naive.gather(x.view(), 0, at.view(), y.out()).unwrap();
        Naive.scatter(ScatterOp::Add, y.out(), 0, at.view(), x.view()).unwrap();
    }
}

/// A call is native exactly where it is claimed; elsewhere it is refused by its dtype.
#[test]
fn claims_are_kept_and_complete() {
    let claims = Naive.capabilities();
    assert!(claims.row_invariant);
    let check = |family: Family, op: &str, dtype: DType, outcome: Result<()>| match (
        claims.is_native(family, op, dtype),
        outcome,
    ) {
        (true, Ok(())) => {}
        (false, Err(e)) if e.kind() == ErrorKind::DType => {}
        (claimed, outcome) => panic!("{family} {op} {dtype}: claimed {claimed}, {outcome:?}"),
    };
    for dtype in DType::ALL {
        let (x, bools) =
            (Array::cast(&[2, 2], &[1.0; 4], dtype), Array::cast(&[2, 2], &[1.0; 4], DType::Bool));
        let (mut y, mut truth) = (Array::garbage(&[2, 2], dtype), Array::garbage(&[2, 2], DType::Bool));
        let (mut line, mut sums) = (Array::garbage(&[2, 1], dtype), Array::garbage(&[2, 1], DType::I64));
        let (mut wide, mut lines) =
            (Array::garbage(&[2, 2], DType::I64), Array::garbage(&[2, 1], DType::Bool));
        let index = Array::new(&[2, 2], &[0i64; 4]);
        let x = x.view();
        check(Family::Fill, "fill", dtype, Naive.fill(1i64.into(), y.out()));
        check(Family::Copy, "copy", dtype, Naive.copy(x, y.out()));
        check(Family::Select, "where", dtype, Naive.select(bools.view(), x, x, y.out()));
        check(Family::Matmul, "matmul", dtype, Naive.matmul(x, x, y.out()));
        check(Family::Gather, "gather", dtype, Naive.gather(x, 0, index.view(), y.out()));
        for &op in UnaryOp::ALL {
            let out = if op.rule().result(dtype) == DType::Bool { &mut truth } else { &mut y };
            check(Family::Unary, op.name(), dtype, Naive.unary(op, x, out.out()));
        }
        for &op in BinaryOp::ALL {
            check(Family::Binary, op.name(), dtype, Naive.binary(op, x, x, y.out()));
        }
        for &op in TernaryOp::ALL {
            check(Family::Ternary, op.name(), dtype, Naive.ternary(op, x, x, x, y.out()));
        }
        for &op in CompareOp::ALL {
            check(Family::Compare, op.name(), dtype, Naive.compare(op, x, x, truth.out()));
        }
        for &op in ReduceOp::ALL {
            let out = match op {
                ReduceOp::Sum | ReduceOp::Prod if !dtype.is_float() => &mut sums,
                ReduceOp::All | ReduceOp::Any => &mut lines,
                _ => &mut line,
            };
            check(Family::Reduce, op.name(), dtype, Naive.reduce(op, x, &[1], out.out()));
        }
        for &op in ArgReduceOp::ALL {
            check(Family::ArgReduce, op.name(), dtype, Naive.arg_reduce(op, x, 1, sums.out()));
        }
        for &op in ScanOp::ALL {
            let ended = match op.has_indices() {
                true => Naive.scan(op, x, 0, y.out(), Some(wide.out())),
                false if dtype.is_float() => Naive.scan(op, x, 0, y.out(), None),
                false => Naive.scan(op, x, 0, wide.out(), None),
            };
            check(Family::Scan, op.name(), dtype, ended);
        }
        for &op in SortOp::ALL {
            let (values, indices) =
                if op.gives(2) == 2 { (&mut y, &mut wide) } else { (&mut line, &mut sums) };
            check(Family::Sort, op.name(), dtype, Naive.sort(op, x, 1, values.out(), indices.out()));
        }
        check(Family::Searchsorted, "searchsorted", dtype, Naive.searchsorted(x, x, false, wide.out()));
        for op in [ScatterOp::Assign, ScatterOp::Add, ScatterOp::Mul, ScatterOp::Amax, ScatterOp::Amin] {
            check(Family::Scatter, op.name(), dtype, Naive.scatter(op, y.out(), 0, index.view(), x));
        }
        for &op in SoftmaxOp::ALL {
            check(Family::Softmax, op.name(), dtype, Naive.softmax(op, x, 0, y.out()));
            check(Family::SoftmaxBackward, op.name(), dtype, Naive.softmax_backward(op, x, x, 0, y.out()));
        }
        for &op in Activation::ALL {
            check(Family::Activation, op.name(), dtype, Naive.activation(op, x, y.out()));
            check(Family::ActivationBackward, op.name(), dtype, Naive.activation_backward(op, x, x, y.out()));
        }
    }
}

#[test]
fn memory_of_a_device_is_refused() {
    let layout = Layout::contiguous("test", &[2]).unwrap();
    let x = View::new(&Device, &layout, DType::F32).unwrap();
    let mut out = Array::of(&[0f32, 0.0]);
    assert_eq!(kind(Naive.unary(UnaryOp::Abs, x, out.out())), ErrorKind::Backend);
    let mut device = Device;
    let io = ViewMut::new(&mut device, &layout, DType::F32).unwrap();
    assert_eq!(kind(Naive.unary_assign(UnaryOp::Abs, io)), ErrorKind::Backend);
}

#[test]
fn shapes_that_differ_are_refused() {
    let (x, mut out) = (Array::of(&[1f32, 2.0]), Array::of(&[0f32]));
    let y = Array::of(&[1f32]);
    assert_eq!(kind(Naive.unary(UnaryOp::Abs, x.view(), out.out())), ErrorKind::Shape);
    assert_eq!(kind(Naive.binary(BinaryOp::Add, y.view(), x.view(), out.out())), ErrorKind::Shape);
    assert_eq!(kind(Naive.binary(BinaryOp::Add, x.view(), x.view(), out.out())), ErrorKind::Shape);
    assert_eq!(kind(Naive.binary_assign(BinaryOp::Add, out.out(), x.view())), ErrorKind::Shape);
}

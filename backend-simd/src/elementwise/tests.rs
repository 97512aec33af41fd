//! Against the reference over layouts, dtypes and levels, and the bit promise as bits.

use rusttorch_backend::delegate::{Fallback, with_fallback};
use rusttorch_backend::ops::{BinaryOp, CompareOp, DTypeRule, TernaryOp, UnaryOp};
use rusttorch_backend::threads::set_num_threads;
use rusttorch_backend::{
    Backend, Boolean, DType, Element, ErrorKind, Family, Layout, Result, Scalar, View, ViewMut, bf16, f16,
    match_dtype,
};

use crate::drive::tests::{Array, Random};
use crate::{Level, NAIVE, Simd};

/// An element made from a number of the tests.
fn element<T: Element>(i: usize) -> T {
    let floats = [
        0.0,
        -0.0,
        1.5,
        -2.5,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        1e-40,
        3e38,
        -0.3,
        1e-8,
        700.0,
        0.1,
        -7.0,
        65519.0,
        65520.0,
        6e-8,
        -1e-310,
        5e9,
        2.0,
    ];
    let ints = [1, -7, 2, 127, -128, 3, -1, 100, 5, -3, 0, 77, i64::MAX, i64::MIN, 40000, 63, 64, 8];
    let n = i.wrapping_mul(2_654_435_761) >> 7;
    if T::DTYPE.is_float() {
        let ordinary = (n % 4001) as f64 / 97.0 - 20.0;
        T::from_scalar(Scalar::Float(if n.is_multiple_of(3) {
            floats[n / 3 % floats.len()]
        } else {
            ordinary
        }))
    } else {
        T::from_scalar(Scalar::Int(ints[n % ints.len()].wrapping_add((n % 5) as i64)))
    }
}

fn array<T: Element>(layout: Layout, shift: usize) -> Array<T> {
    Array::new(layout, |i| element(i + shift))
}

/// The same, without an integer zero.
fn divisors<T: Element>(layout: Layout, shift: usize) -> Array<T> {
    Array::new(layout, |i| {
        let v = element::<T>(i + shift);
        let zero = !T::DTYPE.is_float() && v.to_scalar().to_i64() == 0;
        if zero { T::from_scalar(Scalar::Int(3)) } else { v }
    })
}

/// Equal, or within some units in the last place of the dtype and `scale`.
#[track_caller]
fn close<T: Element>(got: &[T], expected: &[T], scale: &[f64], what: &str) {
    let epsilon = match T::DTYPE {
        DType::F64 => f64::EPSILON,
        DType::F32 => f64::from(f32::EPSILON),
        DType::F16 => 9.8e-4,
        DType::BF16 => 7.9e-3,
        _ => 0.0,
    };
    // The smallest numbers have fewer digits.
    let tiny = match T::DTYPE {
        DType::F16 => 6e-8,
        DType::F64 => 1e-323,
        _ => 1e-44,
    };
    assert_eq!(got.len(), expected.len());
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        let (g, e) = (g.to_scalar(), e.to_scalar());
        let (x, y) = (g.to_f64(), e.to_f64());
        let room = 4.0 * epsilon * y.abs().max(scale.get(i).copied().unwrap_or(0.0)) + 2.0 * tiny;
        let equal = g == e && x.is_sign_negative() == y.is_sign_negative();
        let near = T::DTYPE.is_float() && ((x.is_nan() && y.is_nan()) || (x - y).abs() <= room);
        assert!(equal || near, "{what} {}: number {i} is {g}, expected {e}", T::DTYPE);
    }
}

/// The results of a call on this backend and on the reference, into equal memory.
fn both<T: Element>(
    level: Level,
    layout: Layout,
    scale: &[f64],
    what: &str,
    call: impl Fn(&dyn Backend, ViewMut<'_>) -> Result<()>,
) {
    let (mut got, mut expected) = (array::<T>(layout.clone(), 5), array::<T>(layout, 5));
    let native = with_fallback(Fallback::Error, || call(&Simd::at(level), got.out()));
    if let Err(e) = native {
        panic!("{what} {} on {level}: {e}", T::DTYPE);
    }
    call(&NAIVE, expected.out()).unwrap();
    close(&got.values(), &expected.values(), scale, what);
    // What is not an element of the output has not been touched.
    for array in [&mut got, &mut expected] {
        for p in array.positions() {
            array.memory()[p] = T::from_scalar(Scalar::Int(0));
        }
    }
    let bits = |array: &mut Array<T>| format!("{:?}", array.memory());
    assert_eq!(bits(&mut got), bits(&mut expected), "{what} {}", T::DTYPE);
}

/// Some layouts of some shape, the last one for an output.
fn layouts(random: &mut Random) -> [Layout; 4] {
    let mut shape = random.shape();
    while shape.iter().product::<usize>() > 3000 {
        shape = random.shape();
    }
    [
        random.layout(&shape, true),
        random.layout(&shape, true),
        random.layout(&shape, true),
        random.layout(&shape, false),
    ]
}

fn claimed(family: Family, op: &str, dtype: DType) -> bool {
    Simd::new().capabilities().is_native(family, op, dtype)
}

#[test]
fn unary_ops_agree_with_the_reference() {
    let mut random = Random::new(1);
    for level in Level::all() {
        for dtype in DType::ALL {
            for &op in UnaryOp::ALL.iter().filter(|op| claimed(Family::Unary, op.name(), dtype)) {
                let [x, _, _, to] = layouts(&mut random);
                // Below zero these cancel terms of about this size. The tests of the functions themselves are stricter.
                let scale = match op {
                    UnaryOp::Lgamma | UnaryOp::Digamma => vec![3.0; to.numel()],
                    _ => Vec::new(),
                };
                match_dtype!(dtype, T => {
                    let x = array::<T>(x, 0);
                    if op.rule().result(dtype) == dtype {
                        both::<T>(level, to.clone(), &scale, op.name(), |b, out| b.unary(op, x.view(), out));
                        both::<T>(level, to, &scale, op.name(), |b, io| b.unary_assign(op, io));
                    } else {
                        both::<Boolean>(level, to, &[], op.name(), |b, out| b.unary(op, x.view(), out));
                    }
                });
            }
        }
    }
}

/// What the errors of an op are measured by besides its results: `logaddexp` and `logaddexp2` add to the larger operand,
/// and what is lost there shows where the sum is near 0.
fn scale_of<T: Element>(op: BinaryOp, a: &mut Array<T>, b: &mut Array<T>) -> Vec<f64> {
    match op {
        BinaryOp::Logaddexp | BinaryOp::Logaddexp2 => {
            let size = |v: &T| Some(v.to_scalar().to_f64().abs()).filter(|v| v.is_finite()).unwrap_or(0.0);
            a.values().iter().zip(&b.values()).map(|(a, b)| size(a).max(size(b))).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn binary_ops_agree_with_the_reference() {
    let mut random = Random::new(2);
    for level in Level::all() {
        for dtype in DType::ALL {
            for &op in BinaryOp::ALL.iter().filter(|op| claimed(Family::Binary, op.name(), dtype)) {
                for _ in 0..3 {
                    let [a, b, _, to] = layouts(&mut random);
                    match_dtype!(dtype, T => {
                        let (mut a, mut b) = (array::<T>(a, 0), divisors::<T>(b, 3));
                        let scale = scale_of(op, &mut a, &mut b);
                        both::<T>(level, to.clone(), &scale, op.name(), |be, out| {
                            be.binary(op, a.view(), b.view(), out)
                        });
                        let scale = scale_of(op, &mut array::<T>(to.clone(), 5), &mut b);
                        both::<T>(level, to, &scale, op.name(), |be, io| be.binary_assign(op, io, b.view()));
                    });
                }
            }
        }
    }
}

#[test]
fn comparisons_agree_with_the_reference() {
    let mut random = Random::new(3);
    for level in Level::all() {
        for dtype in DType::ALL {
            for &op in CompareOp::ALL {
                let [a, b, _, to] = layouts(&mut random);
                match_dtype!(dtype, T => {
                    let (a, b) = (array::<T>(a, 0), array::<T>(b, random.below(3)));
                    both::<Boolean>(level, to, &[], op.name(), |be, out| be.compare(op, a.view(), b.view(), out));
                });
            }
        }
    }
}

#[test]
fn a_clamp_to_numbers_is_that_to_tensors_of_them() {
    fn check<T: Element + Into<f64>>(bound: impl Fn(f64) -> T) {
        let shape = [3, 50];
        let one = Layout::contiguous("test", &[]).unwrap().broadcast_to(&shape).unwrap();
        let x = array::<T>(Layout::contiguous("test", &shape).unwrap(), 0);
        let bounds = [-1.5, 0.0, -0.0, 2.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        for (low, high) in bounds.into_iter().flat_map(|low| bounds.map(|high| (low, high))) {
            let clamped = |[low, high]: [&Array<T>; 2]| {
                let mut out = array::<T>(Layout::contiguous("test", &shape).unwrap(), 1);
                Simd::new().ternary(TernaryOp::Clamp, x.view(), low.view(), high.view(), out.out()).unwrap();
                out.values().into_iter().map(|v| v.into().to_bits()).collect::<Vec<u64>>()
            };
            let whole = |v: f64| Array::<T>::new(Layout::contiguous("test", &shape).unwrap(), |_| bound(v));
            let number = |v: f64| Array::<T>::new(one.clone(), |_| bound(v));
            let found = clamped([&number(low), &number(high)]);
            let is_nan = |bits: &u64| f64::from_bits(*bits).is_nan();
            for (a, b) in found.iter().zip(&clamped([&whole(low), &whole(high)])) {
                assert!(a == b || (is_nan(a) && is_nan(b)), "{low} {high}: {a:x} {b:x}");
            }
            both::<T>(
                Level::current(),
                Layout::contiguous("test", &shape).unwrap(),
                &[],
                "clamp",
                |be, out| {
                    be.ternary(TernaryOp::Clamp, x.view(), number(low).view(), number(high).view(), out)
                },
            );
        }
    }
    check::<f32>(|v| v as f32);
    check::<f64>(|v| v);
}

/// A column beside a row, of which whole rows are handed over, as many as a row has elements among them.
#[test]
fn outer_sums_agree_with_the_reference() {
    fn check<T: Element>() {
        for [rows, n] in [[1, 64], [2, 64], [64, 64], [65, 64], [100, 100], [3, 4000], [300, 301]] {
            let wide = |shape: &[usize]| {
                Layout::contiguous("test", shape).unwrap().broadcast_to(&[rows, n]).unwrap()
            };
            let (column, row) = (array::<T>(wide(&[rows, 1]), 0), array::<T>(wide(&[n]), 3));
            for [a, b] in [[&column, &row], [&row, &column]] {
                both::<T>(Level::current(), wide(&[rows, n]), &[], "outer sum", |be, out| {
                    be.binary(BinaryOp::Sub, a.view(), b.view(), out)
                });
            }
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn ternary_ops_agree_with_the_reference() {
    let mut random = Random::new(4);
    let ops = [
        TernaryOp::Addcmul { value: Scalar::Int(3) },
        TernaryOp::Addcdiv { value: Scalar::Float(0.5) },
        TernaryOp::Lerp,
        TernaryOp::Clamp,
    ];
    // Products in f32 overflow where those in f64 do not: numbers of ordinary size.
    fn moderate<T: Element>(layout: Layout, shift: usize) -> Array<T> {
        let small = |v: T| match v.to_scalar() {
            Scalar::Float(x) if x.is_finite() && x != 0.0 => {
                T::from_scalar(Scalar::Float(x.signum() * (0.5 + x.abs() % 20.0)))
            }
            _ => v,
        };
        Array::new(layout, |i| small(element(i + shift)))
    }
    for level in Level::all() {
        for dtype in DType::ALL {
            for op in ops.into_iter().filter(|op| claimed(Family::Ternary, op.name(), dtype)) {
                let [a, b, c, to] = layouts(&mut random);
                match_dtype!(dtype, T => {
                    let (mut a, mut b, mut c) = (moderate::<T>(a, 0), moderate::<T>(b, 5), moderate::<T>(c, 9));
                    let magnitude = |x: &mut Array<T>| {
                        x.values().iter().map(|v| v.to_scalar().to_f64().abs()).filter(|v| v.is_finite()).fold(1.0, f64::max)
                    };
                    let scale = magnitude(&mut a) + magnitude(&mut b) * magnitude(&mut c);
                    let scale = if matches!(op, TernaryOp::Clamp) { vec![] } else { vec![scale; to.numel()] };
                    both::<T>(level, to, &scale, op.name(), |be, out| {
                        be.ternary(op, a.view(), b.view(), c.view(), out)
                    });
                });
            }
        }
    }
}

#[test]
fn copies_and_fills_agree_with_the_reference() {
    let mut random = Random::new(5);
    for level in Level::all() {
        for from in DType::ALL {
            for to in DType::ALL {
                let [x, _, _, layout] = layouts(&mut random);
                match_dtype!(from, X => {
                    let x = array::<X>(x, 0);
                    match_dtype!(to, O => exactly::<O>(level, layout, "copy", |b, out| b.copy(x.view(), out)));
                });
            }
            for value in [Scalar::Int(300), Scalar::Float(-0.1), Scalar::Float(f64::NAN), Scalar::Bool(true)]
            {
                let [_, _, _, layout] = layouts(&mut random);
                match_dtype!(from, T => exactly::<T>(level, layout, "fill", |b, out| b.fill(value, out)));
            }
        }
    }
}

#[test]
fn a_fill_reaches_every_element_and_nothing_else() {
    // From the middle of a line of the cache to the middle of a line, and shorter than one.
    let fill = |value: u8, n: usize, offset: usize, level: Level| {
        let layout =
            Layout::new("test", [n].into_iter().collect(), [1].into_iter().collect(), offset).unwrap();
        let mut out = Array::new(layout, |_| 77u8);
        Simd::at(level).fill(Scalar::Int(i64::from(value)), out.out()).unwrap();
        let memory = out.memory();
        let (before, rest) = memory.split_at(offset);
        let (filled, after) = rest.split_at(n);
        assert!(filled.iter().all(|&v| v == value), "{level} {n} {offset}");
        assert!(before.iter().chain(after).all(|&v| v == 77), "{level} {n} {offset}");
    };
    for level in Level::all() {
        for threads in [1, 3] {
            set_num_threads(threads);
            fill(5, (5 << 20) + 13, 7, level);
            for n in [1, 63, 64, 65, 130, 100_003] {
                fill(6, n, 64 - 9, level);
                fill(7, n, 0, level);
            }
        }
    }
}

#[test]
fn choices_agree_with_the_reference() {
    let mut random = Random::new(6);
    for level in Level::all() {
        for dtype in DType::ALL {
            let [c, a, b, layout] = layouts(&mut random);
            let c = array::<Boolean>(c, 0);
            match_dtype!(dtype, T => {
                let (a, b) = (array::<T>(a, 0), array::<T>(b, 5));
                exactly::<T>(level, layout, "where", |be, out| be.select(c.view(), a.view(), b.view(), out));
            });
        }
    }
}

/// As [`both`], without any room.
fn exactly<T: Element>(
    level: Level,
    layout: Layout,
    what: &str,
    call: impl Fn(&dyn Backend, ViewMut<'_>) -> Result<()>,
) {
    let (mut got, mut expected) = (array::<T>(layout.clone(), 5), array::<T>(layout, 5));
    with_fallback(Fallback::Error, || call(&Simd::at(level), got.out())).unwrap();
    call(&NAIVE, expected.out()).unwrap();
    let bits = |array: &mut Array<T>| format!("{:?}", array.memory());
    assert_eq!(bits(&mut got), bits(&mut expected), "{what} {}", T::DTYPE);
}

#[test]
fn remainders_are_exact_whatever_the_quotient() {
    let pairs: Vec<(f64, f64)> = (0..6000usize)
        .map(|i| {
            let n = i.wrapping_mul(2_654_435_761) % 100_003;
            let a = (n as f64 - 50_000.0) * [1.0, 0.1, 1e6, 1e30, 1e-40][i % 5];
            let b = ((n * 7 % 1009) as f64 - 500.0) * [0.3, 1.0, 1e-3, 1e5, 1e-42, 7.0][i % 6];
            (a, b)
        })
        .collect();
    fn check<T: Element>(level: Level, pairs: &[(f64, f64)]) {
        let line = Layout::contiguous("test", &[pairs.len()]).unwrap();
        let a =
            Array::new(line.clone(), |i| T::from_scalar(Scalar::Float(pairs.get(i).map_or(1.0, |p| p.0))));
        let b =
            Array::new(line.clone(), |i| T::from_scalar(Scalar::Float(pairs.get(i).map_or(1.0, |p| p.1))));
        for op in [BinaryOp::Fmod, BinaryOp::Remainder, BinaryOp::FloorDivide] {
            both::<T>(level, line.clone(), &[], op.name(), |be, out| be.binary(op, a.view(), b.view(), out));
        }
        exactly::<T>(level, line.clone(), "fmod", |be, out| {
            be.binary(BinaryOp::Fmod, a.view(), b.view(), out)
        });
    }
    for level in Level::all() {
        check::<f32>(level, &pairs);
        check::<f64>(level, &pairs);
    }
}

#[test]
fn an_integer_zero_divisor_is_an_error() {
    let line = || Layout::contiguous("test", &[100]).unwrap();
    let a = Array::new(line(), |_| 7i32);
    let b = Array::new(line(), |i| i as i32 - 50);
    for op in [BinaryOp::FloorDivide, BinaryOp::TruncDivide, BinaryOp::Remainder, BinaryOp::Fmod] {
        let mut out = Array::new(line(), |_| 0i32);
        let error = Simd::new().binary(op, a.view(), b.view(), out.out()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ZeroDivision);
        let error = Simd::new().binary_assign(op, out.out(), b.view()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ZeroDivision);
    }
}

/// The bits of every element; all NaN are one, since which of two an instruction keeps is the compiler's choice.
fn bits<T: Element>(values: &[T]) -> Vec<u64> {
    let bits = |v: &T| match v.to_scalar() {
        Scalar::Float(x) if x.is_nan() => u64::MAX,
        Scalar::Float(x) => x.to_bits(),
        v => v.to_i64() as u64,
    };
    values.iter().map(bits).collect()
}

const LONG: usize = 100_003;

/// Operands of the promise: three lines of more elements than any call takes.
struct Lines<T>([Array<T>; 3]);

impl<T: Element> Lines<T> {
    fn new() -> Lines<T> {
        Lines([0, 3, 7].map(|shift| divisors::<T>(line(2 * LONG, 0, 1), shift)))
    }

    /// R1: an element has the same bits at every position, in every length and layout, on any number of threads and
    /// on any level.
    fn promise<O: Element>(
        &self,
        what: &str,
        call: impl Fn(&Simd, [View<'_>; 3], ViewMut<'_>) -> Result<()>,
    ) {
        let run = |simd: &Simd, n: usize, from: usize, stride: isize| {
            let to = line(n, from, if from.is_multiple_of(2) { 1 } else { 2 });
            let layout = line(n, from, stride);
            let views = [0, 1, 2].map(|k| self.0[k].view().with_layout(&layout).unwrap());
            let mut out = Array::<O>::new(to, |_| O::from_scalar(Scalar::Int(1)));
            call(simd, views, out.out()).unwrap_or_else(|e| panic!("{what}: {e}"));
            bits(&out.values())
        };
        let best = Simd::at(Level::current());
        set_num_threads(1);
        let all = run(&best, 2 * LONG, 0, 1);
        for level in Level::all() {
            let simd = Simd::at(level);
            for n in 0..=129 {
                let from = n * 7 % 40 + 1;
                assert_eq!(run(&simd, n, from, 1), all[from..from + n], "{what} {} {level} {n}", T::DTYPE);
            }
            let stepped: Vec<u64> = (0..LONG).map(|i| all[2 * i]).collect();
            assert_eq!(run(&simd, LONG, 0, 2), stepped, "{what} {} {level}", T::DTYPE);
        }
        let flipped: Vec<u64> = (0..LONG).map(|i| all[LONG - i]).collect();
        for threads in [1, 2, 3, 8] {
            set_num_threads(threads);
            assert_eq!(run(&best, LONG, 2, 1), all[2..LONG + 2], "{what} {} {threads}", T::DTYPE);
            match threads {
                2 => assert_eq!(run(&best, LONG, LONG, -1), flipped, "{what} {}", T::DTYPE),
                3 => assert_eq!(run(&best, LONG, 4, 0), vec![all[4]; LONG], "{what} {}", T::DTYPE),
                _ => {}
            }
        }
    }
}

fn line(n: usize, from: usize, stride: isize) -> Layout {
    Layout::new("test", [n].into_iter().collect(), [stride].into_iter().collect(), from).unwrap()
}

#[test]
fn unary_ops_keep_the_bit_promise() {
    let lines = Lines::<f32>::new();
    for &op in UnaryOp::ALL.iter().filter(|op| claimed(Family::Unary, op.name(), DType::F32)) {
        if op.rule() == DTypeRule::Predicate {
            lines.promise::<Boolean>(op.name(), |b, [x, _, _], out| b.unary(op, x, out));
        } else {
            lines.promise::<f32>(op.name(), |b, [x, _, _], out| b.unary(op, x, out));
        }
    }
}

#[test]
fn unary_ops_of_other_types_keep_the_bit_promise() {
    let lines = Lines::<f64>::new();
    for &op in UnaryOp::ALL.iter().filter(|op| claimed(Family::Unary, op.name(), DType::F64)) {
        if op.rule() != DTypeRule::Predicate {
            lines.promise::<f64>(op.name(), |b, [x, _, _], out| b.unary(op, x, out));
        }
    }
    Lines::<f16>::new().promise::<f16>("exp", |b, [x, _, _], out| b.unary(UnaryOp::Exp, x, out));
    Lines::<bf16>::new().promise::<bf16>("tanh", |b, [x, _, _], out| b.unary(UnaryOp::Tanh, x, out));
    Lines::<i16>::new().promise::<i16>("abs", |b, [x, _, _], out| b.unary(UnaryOp::Abs, x, out));
}

#[test]
fn binary_ops_keep_the_bit_promise() {
    for dtype in [DType::F32, DType::F64, DType::F16, DType::I32, DType::U8] {
        match_dtype!(dtype, T => {
            let lines = Lines::<T>::new();
            for &op in BinaryOp::ALL.iter().filter(|op| claimed(Family::Binary, op.name(), dtype)) {
                lines.promise::<T>(op.name(), |be, [a, b, _], out| be.binary(op, a, b, out));
            }
        });
    }
}

#[test]
fn the_other_ops_keep_the_bit_promise() {
    let (single, half) = (Lines::<f32>::new(), Lines::<bf16>::new());
    for &op in TernaryOp::ALL {
        single.promise::<f32>(op.name(), |be, [a, b, c], out| be.ternary(op, a, b, c, out));
        half.promise::<bf16>(op.name(), |be, [a, b, c], out| be.ternary(op, a, b, c, out));
    }
    for &op in CompareOp::ALL {
        single.promise::<Boolean>(op.name(), |be, [a, b, _], out| be.compare(op, a, b, out));
    }
    single.promise::<i64>("copy", |be, [x, _, _], out| be.copy(x, out));
    single.promise::<f16>("copy", |be, [x, _, _], out| be.copy(x, out));
    half.promise::<bf16>("copy", |be, [x, _, _], out| be.copy(x, out));
    Lines::<i64>::new().promise::<f32>("copy", |be, [x, _, _], out| be.copy(x, out));
}

//! Against naive, and the bit promise: a result depends on its sequence alone.

mod softmax;

use rusttorch_backend::ops::{ArgReduceOp, ReduceOp, ScanOp};
use rusttorch_backend::threads::set_num_threads;
use rusttorch_backend::{Backend, DType, HostBuffer, Layout, Nest, Scalar, View, ViewMut, match_dtype};
use rusttorch_backend_naive::Naive;

use crate::{Level, Simd};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;
const FLOATS: [DType; 4] = [DType::F32, DType::F64, DType::F16, DType::BF16];

/// A buffer with a layout.
struct Array {
    buffer: HostBuffer,
    layout: Layout,
    dtype: DType,
}

impl Array {
    fn new(layout: Layout, dtype: DType, values: &[f64]) -> Array {
        let bytes = vec![0xFD; (layout.end() + 1) * dtype.size()];
        let mut buffer = HostBuffer::from_bytes(&bytes).unwrap();
        match_dtype!(dtype, T => {
            let mut view = ViewMut::new(&mut buffer, &layout, dtype).unwrap();
            let data = view.host_mut::<T>().unwrap();
            let mut values = values.iter();
            Nest::new([&layout]).for_each(|[i]| data[i] = <T as rusttorch_backend::Element>::from_scalar(Scalar::Float(*values.next().unwrap())));
        });
        Array { buffer, layout, dtype }
    }

    fn dense(shape: &[usize], dtype: DType, values: &[f64]) -> Array {
        Array::new(Layout::contiguous("test", shape).unwrap(), dtype, values)
    }

    fn view(&self) -> View<'_> {
        View::new(&self.buffer, &self.layout, self.dtype).unwrap()
    }

    fn out(&mut self) -> ViewMut<'_> {
        ViewMut::new(&mut self.buffer, &self.layout, self.dtype).unwrap()
    }

    fn values(&self) -> Vec<f64> {
        let mut values = Vec::new();
        match_dtype!(self.dtype, T => {
            let data = self.view().host::<T>().unwrap();
            Nest::new([&self.layout]).for_each(|[i]| {
                values.push(rusttorch_backend::Element::to_scalar(data[i]).to_f64());
            });
        });
        values
    }

    /// The bits of the values, all NaN being one.
    fn bits(&self) -> Vec<u64> {
        self.values().into_iter().map(|v| if v.is_nan() { NAN.to_bits() } else { v.to_bits() }).collect()
    }
}

/// Ways to lay out a shape without overlap.
fn layouts(shape: &[usize]) -> Vec<Layout> {
    let dense = Layout::contiguous("test", shape).unwrap();
    let dims: Vec<isize> = (0..shape.len() as isize).collect();
    let backwards: Vec<isize> = dims.iter().rev().copied().collect();
    let reversed: Vec<usize> = shape.iter().rev().copied().collect();
    let doubled: Vec<usize> = shape.iter().map(|n| 2 * n + 1).collect();
    let mut stepped = Layout::contiguous("test", &doubled).unwrap();
    for (d, &n) in dims.iter().zip(shape) {
        stepped = stepped.slice(*d, Some(1), Some(2 * n as isize + 1), 2).unwrap();
    }
    let behind = Layout::new("test", shape.into(), dense.strides().into(), 7).unwrap();
    let flipped = dense.flip(&dims).unwrap();
    let transposed = Layout::contiguous("test", &reversed).unwrap().permute(&backwards).unwrap();
    vec![dense, behind, stepped, flipped, transposed]
}

/// Values with full mantissas, of both signs.
fn values(n: usize, shift: usize) -> Vec<f64> {
    (0..n).map(|i| ((((i + shift) * 7919) % 1009) as f64 - 504.0) / 177.0).collect()
}

/// Values with specials among them.
fn specials(n: usize, shift: usize) -> Vec<f64> {
    const S: [f64; 12] = [0.0, -0.0, INF, 1.0, -1.0, 1e-40, NAN, 3.5, -INF, 2.0, 2.0, 300.0];
    (0..n)
        .map(
            |i| {
                if (i + shift).is_multiple_of(5) { S[(i * 7 + shift) % 12] } else { ((i + shift) % 7) as f64 }
            },
        )
        .collect()
}

/// `values` as `dtype` holds them.
fn rounded(values: &[f64], dtype: DType) -> Vec<f64> {
    Array::dense(&[values.len()], dtype, values).values()
}

fn epsilon(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => f64::EPSILON,
        DType::F32 => f64::from(f32::EPSILON),
        DType::F16 => 1.0 / 1024.0,
        DType::BF16 => 1.0 / 128.0,
        _ => 0.0,
    }
}

/// The smallest number above zero.
fn least(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 5e-324,
        DType::F32 => 1.5e-45,
        DType::F16 => 6e-8,
        DType::BF16 => 1e-40,
        _ => 0.0,
    }
}

fn result_dtype(op: ReduceOp, dtype: DType) -> DType {
    match op {
        ReduceOp::Sum | ReduceOp::Prod if !dtype.is_float() => DType::I64,
        ReduceOp::All | ReduceOp::Any => DType::Bool,
        _ => dtype,
    }
}

fn kept(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    shape.iter().enumerate().map(|(d, &n)| if axes.contains(&d) { 1 } else { n }).collect()
}

fn reduced_to(be: &dyn Backend, op: ReduceOp, x: &Array, axes: &[usize], layout: Layout) -> Array {
    let n = layout.numel();
    let mut out = Array::new(layout, result_dtype(op, x.dtype), &vec![77.0; n]);
    be.reduce(op, x.view(), axes, out.out()).unwrap();
    out
}

fn reduced(be: &dyn Backend, op: ReduceOp, x: &Array, axes: &[usize]) -> Array {
    let shape = kept(x.layout.shape(), axes);
    reduced_to(be, op, x, axes, Layout::contiguous("test", &shape).unwrap())
}

#[track_caller]
fn assert_close(got: &Array, expected: &Array, relative: f64, absolute: f64, what: &str) {
    let e = epsilon(got.dtype);
    for (i, (a, b)) in got.values().into_iter().zip(expected.values()).enumerate() {
        let bound = e * (relative * b.abs() + absolute) + 2.0 * least(got.dtype);
        let close = a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= bound;
        assert!(close, "{what}: got {a:e}, expected {b:e} at {i}, bound {bound:e}");
    }
}

const OPS: &[ReduceOp] = &[
    ReduceOp::Sum,
    ReduceOp::Mean,
    ReduceOp::Prod,
    ReduceOp::Amax,
    ReduceOp::Amin,
    ReduceOp::All,
    ReduceOp::Any,
    ReduceOp::Var { correction: 1.0 },
    ReduceOp::Var { correction: 0.0 },
    ReduceOp::Logsumexp,
    ReduceOp::Norm { p: 2.0 },
    ReduceOp::Norm { p: 1.0 },
    ReduceOp::Norm { p: 0.0 },
    ReduceOp::Norm { p: INF },
    ReduceOp::Norm { p: -INF },
    ReduceOp::Norm { p: 3.5 },
];

/// Bounds in epsilons: relative, and absolute for a sequence of `n` elements of size 1 to 3.
fn bound(op: ReduceOp, n: usize) -> (f64, f64) {
    match op {
        ReduceOp::Sum => (1.0, 1.5 * n as f64),
        // As many roundings as factors, which wander.
        ReduceOp::Prod => (60f64.max(2.0 * (n as f64).sqrt()), 0.0),
        ReduceOp::Var { .. } => (3.0, 0.0),
        ReduceOp::Logsumexp => (1.0, 4.0),
        ReduceOp::Mean => (1.0, 1.5),
        ReduceOp::Norm { .. } => (2.0, 0.0),
        _ => (0.0, 0.0),
    }
}

const SHAPES: [&[usize]; 14] = [
    &[],
    &[1],
    &[5],
    &[129],
    &[3, 4],
    &[40, 33],
    &[2, 150],
    &[150, 19],
    &[3, 4, 5],
    &[6, 5, 17],
    &[2, 3, 70],
    &[70, 3, 2],
    &[0, 3],
    &[3, 0, 2],
];

fn subsets(rank: usize) -> Vec<Vec<usize>> {
    (0..1 << rank).map(|mask| (0..rank).filter(|axis| mask >> axis & 1 == 1).collect()).collect()
}

#[test]
fn reductions_are_those_of_naive() {
    for level in Level::all() {
        let be = Simd::at(level);
        for dtype in DType::ALL {
            for (s, shape) in SHAPES.iter().enumerate() {
                let n = shape.iter().product();
                let mut x = rounded(&values(n, s), dtype);
                if s % 2 == 1 && dtype.is_float() {
                    x = rounded(&specials(n, s), dtype);
                }
                for layout in layouts(shape) {
                    let x = Array::new(layout, dtype, &x);
                    for axes in subsets(shape.len()) {
                        for &op in OPS.iter().filter(|op| op.accepts().contains(dtype)) {
                            let chooses = matches!(op, ReduceOp::Amax | ReduceOp::Amin)
                                || matches!(op, ReduceOp::Norm { p } if p.is_infinite());
                            if chooses && n == 0 {
                                continue;
                            }
                            let (got, expected) =
                                (reduced(&be, op, &x, &axes), reduced(&Naive::new(), op, &x, &axes));
                            let length = n / got.layout.numel().max(1);
                            let (relative, absolute) = bound(op, length);
                            let what = format!("{op:?} {dtype:?} {shape:?} {axes:?} {level}");
                            assert_close(&got, &expected, relative, absolute, &what);
                        }
                    }
                }
            }
        }
    }
}

/// Several chunks, on several threads.
#[test]
fn long_sequences_are_those_of_naive() {
    for dtype in [DType::F32, DType::F64, DType::BF16, DType::I32, DType::U8, DType::Bool] {
        for (shape, axes) in [
            (&[100_003][..], &[0][..]),
            (&[3, 5001], &[1]),
            (&[5001, 20], &[0]),
            (&[5001, 3], &[0]),
            (&[2, 3000, 40], &[0, 1]),
            (&[300, 4, 30], &[0, 2]),
            (&[2000, 7], &[1]),
            (&[700, 3, 5], &[1]),
        ] {
            let values = values(shape.iter().product(), 3);
            // A long product of others overflows in one order of its factors and vanishes in another.
            let factors: Vec<f64> = values.iter().map(|v| 1.0 + v.clamp(-1.0, 1.0) / 1024.0).collect();
            let (values, factors) = (rounded(&values, dtype), rounded(&factors, dtype));
            for (l, layout) in layouts(shape).into_iter().enumerate() {
                let (values, factors) =
                    (Array::new(layout.clone(), dtype, &values), Array::new(layout, dtype, &factors));
                for &op in OPS.iter().filter(|op| op.accepts().contains(dtype)) {
                    if matches!(op, ReduceOp::Norm { p: 3.5 }) && l > 0 {
                        continue;
                    }
                    let x = if matches!(op, ReduceOp::Prod) { &factors } else { &values };
                    let (got, expected) =
                        (reduced(&Simd::new(), op, x, axes), reduced(&Naive::new(), op, x, axes));
                    let length = x.layout.numel() / got.layout.numel();
                    let (relative, absolute) = bound(op, length);
                    let what = format!("{op:?} {dtype:?} {shape:?} {axes:?} layout {l}");
                    assert_close(&got, &expected, relative, absolute, &what);
                }
            }
        }
    }
}

/// R2 as bits: alone or among others, as rows and as columns, in any layout, on any level and any threads.
#[test]
fn a_result_depends_on_its_sequence_alone() {
    const ROWS: usize = 19;
    let lengths = (1..=129).chain([1023, 1025, 2047, 2049, 4500]);
    for n in lengths {
        let dtypes = if n % 8 == 0 { &FLOATS[..] } else { &FLOATS[..2] };
        for &dtype in dtypes {
            let x = rounded(&values(ROWS * n, n), dtype);
            let across: Vec<f64> = (0..ROWS * n).map(|i| x[i % ROWS * n + i / ROWS]).collect();
            for &op in OPS.iter().filter(|op| !matches!(op, ReduceOp::Norm { p: 3.5 })) {
                let rows = Array::dense(&[ROWS, n], dtype, &x);
                let expected = reduced(&Simd::at(Level::all()[0]), op, &rows, &[1]).bits();
                let what = || format!("{op:?} {dtype:?} of {n}");
                for level in Level::all() {
                    let be = Simd::at(level);
                    assert_eq!(reduced(&be, op, &rows, &[1]).bits(), expected, "rows, {} {level}", what());
                    let columns = Array::dense(&[n, ROWS], dtype, &across);
                    assert_eq!(
                        reduced(&be, op, &columns, &[0]).bits(),
                        expected,
                        "columns, {} {level}",
                        what()
                    );
                }
                let be = Simd::new();
                for row in [0, ROWS - 1] {
                    let alone = Array::dense(&[n], dtype, &x[row * n..(row + 1) * n]);
                    assert_eq!(reduced(&be, op, &alone, &[0]).bits()[0], expected[row], "alone, {}", what());
                }
                for layout in layouts(&[ROWS, n]) {
                    let rows = Array::new(layout, dtype, &x);
                    assert_eq!(reduced(&be, op, &rows, &[1]).bits(), expected, "layouts, {}", what());
                }
                for layout in layouts(&[n, ROWS]) {
                    let columns = Array::new(layout, dtype, &across);
                    assert_eq!(
                        reduced(&be, op, &columns, &[0]).bits(),
                        expected,
                        "layouts across, {}",
                        what()
                    );
                }
                if n % 4 == 0 {
                    let cube = Array::dense(&[ROWS, n / 4, 4], dtype, &x);
                    assert_eq!(reduced(&be, op, &cube, &[1, 2]).bits(), expected, "two axes, {}", what());
                }
            }
        }
    }
}

#[test]
fn threads_and_levels_change_no_bit() {
    for (shape, axes) in
        [(&[100_003][..], &[0][..]), (&[100_003 / 20, 20], &[0]), (&[20, 5001], &[1]), (&[3000, 33], &[1])]
    {
        for dtype in [DType::F32, DType::F64] {
            let x = Array::dense(shape, dtype, &values(shape.iter().product(), 1));
            for &op in &OPS[..13] {
                let expected = reduced(&Simd::at(Level::all()[0]), op, &x, axes).bits();
                for threads in [1, 2, 3, 8] {
                    set_num_threads(threads);
                    for level in Level::all() {
                        let got = reduced(&Simd::at(level), op, &x, axes).bits();
                        assert_eq!(got, expected, "{op:?} {shape:?} {threads} threads {level}");
                    }
                }
                set_num_threads(0);
            }
        }
    }
}

#[test]
fn an_output_may_have_strides() {
    let x = Array::dense(&[30, 50], DType::F32, &values(1500, 0));
    for (axes, shape) in [(&[1][..], [30, 1]), (&[0], [1, 50])] {
        let expected = reduced(&Naive::new(), ReduceOp::Amax, &x, axes).values();
        for layout in layouts(&shape) {
            assert_eq!(reduced_to(&Simd::new(), ReduceOp::Amax, &x, axes, layout).values(), expected);
        }
    }
    let stretched = Array::dense(&[1, 50], DType::F32, &values(50, 0));
    let layout = stretched.layout.broadcast_to(&[40, 50]).unwrap();
    let stretched = Array { layout, ..stretched };
    for axes in [&[0][..], &[1], &[0, 1]] {
        let got = reduced(&Simd::new(), ReduceOp::Sum, &stretched, axes);
        assert_close(&got, &reduced(&Naive::new(), ReduceOp::Sum, &stretched, axes), 1.0, 500.0, "stretched");
    }
}

fn over_all(op: ReduceOp, dtype: DType, x: &[f64]) -> f64 {
    reduced(&Simd::new(), op, &Array::dense(&[x.len()], dtype, x), &[0]).values()[0]
}

#[test]
fn variances_keep_their_digits() {
    let var = ReduceOp::Var { correction: 1.0 };
    for dtype in [DType::F32, DType::F64] {
        assert_eq!(over_all(var, dtype, &[0.1; 5000]), 0.0);
        assert_eq!(over_all(var, dtype, &[1e4; 1000]), 0.0);
        assert_eq!(over_all(var, dtype, &[1e4, 1e4 + 1.0, 1e4 + 2.0]), 1.0);
        assert!(over_all(var, dtype, &[1.0, INF, 2.0]).is_nan());
        assert!(over_all(var, dtype, &[5.0]).is_nan());
        // A first block that is no sample of the rest, a ramp, an outlier, an offset, and squares that overflow.
        let mut leap = vec![0.0; 200];
        leap.extend((0..5000).map(|i| 1e5 + (i % 7) as f64));
        let ramp: Vec<f64> = (0..5000).map(|i| i as f64).collect();
        let mut outlier = values(5000, 0);
        outlier[0] = 1e6;
        let offset: Vec<f64> = (0..5000).map(|i| 1e6 + (i % 5) as f64).collect();
        let large: Vec<f64> = (0..5000).map(|i| if i % 2 == 0 { 1e18 } else { -1e18 }).collect();
        let small: Vec<f64> = (0..5000).map(|i| (i % 3) as f64 * 1e-18).collect();
        for (i, x) in [leap, ramp, outlier, offset, large, small].iter().enumerate() {
            let columns: Vec<f64> = x.iter().flat_map(|&v| [v; 16]).collect();
            let columns = Array::dense(&[x.len(), 16], dtype, &columns);
            let x = Array::dense(&[x.len()], dtype, x);
            let expected = reduced(&Naive::new(), var, &x, &[0]);
            assert_close(
                &reduced(&Simd::new(), var, &x, &[0]),
                &expected,
                4.0,
                0.0,
                &format!("{dtype:?} {i}"),
            );
            let got = reduced(&Simd::new(), var, &columns, &[0]).bits();
            assert_eq!(got, [reduced(&Simd::new(), var, &x, &[0]).bits()[0]; 16], "{dtype:?} {i}");
        }
    }
}

#[test]
fn norms_neither_overflow_nor_vanish() {
    for x in [1e30, 1e-30] {
        for columns in [1, 20] {
            let values = vec![x; 3000 * columns];
            let x = Array::dense(&[3000, columns], DType::F32, &values);
            for op in [ReduceOp::Norm { p: 2.0 }, ReduceOp::Norm { p: 1.0 }] {
                let (got, expected) =
                    (reduced(&Simd::new(), op, &x, &[0]), reduced(&Naive::new(), op, &x, &[0]));
                assert_close(&got, &expected, 2.0, 0.0, "norm");
            }
        }
    }
}

#[test]
fn sums_of_zeros_and_of_nothing() {
    for dtype in FLOATS {
        for n in [0, 1, 5, 40, 3000] {
            assert_eq!(over_all(ReduceOp::Sum, dtype, &vec![-0.0; n]).to_bits(), 0, "{n}");
        }
        assert_eq!(over_all(ReduceOp::Logsumexp, dtype, &[-INF; 40]), -INF);
        assert_eq!(over_all(ReduceOp::Logsumexp, dtype, &[1.0, INF, -INF]), INF);
        assert!(over_all(ReduceOp::Mean, dtype, &[]).is_nan());
    }
    let error = |op| {
        let x = Array::dense(&[0, 3], DType::F32, &[]);
        let mut out = Array::dense(&[1, 3], DType::F32, &[0.0; 3]);
        Simd::new().reduce(op, x.view(), &[0], out.out()).unwrap_err().kind()
    };
    assert_eq!(error(ReduceOp::Amax), rusttorch_backend::ErrorKind::Shape);
    assert_eq!(error(ReduceOp::Norm { p: -1.0 }), rusttorch_backend::ErrorKind::Shape);
    let huge = Array::dense(&[0, 1 << 40, 1 << 40], DType::F32, &[]);
    assert_eq!(reduced(&Simd::new(), ReduceOp::Mean, &huge, &[0, 1, 2]).values().len(), 1);
    assert_eq!(reduced(&Simd::new(), ReduceOp::All, &huge, &[1, 2]).values(), []);
}

/// Sums of 10^6 equal or like-signed numbers, whose roundings would add up in a plain loop.
#[test]
fn long_sums_keep_their_digits() {
    let tenth = rounded(&[0.1], DType::F32)[0];
    let sum = over_all(ReduceOp::Sum, DType::F32, &vec![0.1; 1_000_000]);
    assert!((sum - tenth * 1e6).abs() <= 1.5 * f64::from(f32::EPSILON) * 1e5, "{sum}");
    assert_eq!(over_all(ReduceOp::Mean, DType::BF16, &vec![1.0; 70_000]), 1.0);
    assert_eq!(over_all(ReduceOp::Sum, DType::F16, &vec![1.0; 4096]), 4096.0);
}

fn placed(be: &dyn Backend, op: ArgReduceOp, x: &Array, axis: usize) -> Vec<f64> {
    let shape = kept(x.layout.shape(), &[axis]);
    let mut out = Array::dense(&shape, DType::I64, &vec![77.0; shape.iter().product()]);
    be.arg_reduce(op, x.view(), axis, out.out()).unwrap();
    out.values()
}

#[test]
fn places_are_those_of_naive() {
    let shapes: [&[usize]; 10] = [
        &[1],
        &[37],
        &[5001],
        &[3, 40],
        &[40, 3],
        &[5, 100, 20],
        &[3000, 18],
        &[18, 3000],
        &[700, 5],
        &[4, 3, 2],
    ];
    for level in Level::all() {
        for dtype in DType::ALL.into_iter().filter(|&d| d != DType::Bool) {
            for (s, shape) in shapes.iter().enumerate() {
                let n: usize = shape.iter().product();
                if n > 10_000 && !matches!(dtype, DType::F32 | DType::I32) {
                    continue;
                }
                let few: Vec<f64> = (0..n).map(|i| ((i * 7919 + s) % 11) as f64).collect();
                let nans: Vec<f64> = specials(n, s);
                for x in [values(n, s), few, nans, vec![1.0; n]] {
                    let x = rounded(&x, dtype);
                    for layout in layouts(shape) {
                        let x = Array::new(layout, dtype, &x);
                        for axis in 0..shape.len() {
                            for &op in ArgReduceOp::ALL {
                                let got = placed(&Simd::at(level), op, &x, axis);
                                let expected = placed(&Naive::new(), op, &x, axis);
                                assert_eq!(got, expected, "{op:?} {dtype:?} {shape:?} {axis} {level}");
                            }
                        }
                    }
                }
            }
        }
    }
}

fn scanned(be: &dyn Backend, op: ScanOp, x: &Array, axis: usize, layout: Layout) -> (Array, Array) {
    let dtype = match op {
        ScanOp::Cumsum | ScanOp::Cumprod if !x.dtype.is_float() => DType::I64,
        _ => x.dtype,
    };
    let n = layout.numel();
    let mut out = Array::new(layout, dtype, &vec![77.0; n]);
    let mut indices = Array::dense(x.layout.shape(), DType::I64, &vec![0.0; n]);
    be.scan(op, x.view(), axis, out.out(), op.has_indices().then(|| indices.out())).unwrap();
    (out, indices)
}

#[test]
fn scans_are_those_of_naive() {
    let shapes: [&[usize]; 9] =
        [&[1], &[37], &[0, 3], &[7, 40], &[40, 3], &[5, 10, 20], &[300, 9], &[9, 300], &[4, 3, 2]];
    for level in Level::all() {
        for dtype in DType::ALL {
            for (s, shape) in shapes.iter().enumerate() {
                let n: usize = shape.iter().product();
                for x in [values(n, s), specials(n, s)] {
                    let x = rounded(&x, dtype);
                    let all = layouts(shape);
                    for (l, layout) in all.iter().enumerate() {
                        let x = Array::new(layout.clone(), dtype, &x);
                        for axis in 0..shape.len() {
                            for &op in ScanOp::ALL.iter().filter(|op| op.accepts().contains(dtype)) {
                                let to =
                                    if s % 2 == 0 { all[0].clone() } else { all[all.len() - 1 - l].clone() };
                                let got = scanned(&Simd::at(level), op, &x, axis, to);
                                let expected = scanned(&Naive::new(), op, &x, axis, all[0].clone());
                                let what = format!("{op:?} {dtype:?} {shape:?} {axis} {level}");
                                assert_close(&got.0, &expected.0, 1.0, 0.0, &what);
                                assert_eq!(got.1.values(), expected.1.values(), "{what}");
                            }
                        }
                    }
                }
            }
        }
    }
}

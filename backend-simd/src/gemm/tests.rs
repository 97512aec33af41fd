use rusttorch_backend::threads::set_num_threads;
use rusttorch_backend::{Backend, DType, Element, HostBuffer, Layout, Scalar, View, ViewMut, bf16, f16};
use rusttorch_backend_naive::Naive;

use super::micro::DEPTH;
use super::*;

/// A buffer with a layout. What the layout leaves out holds NaN, or 0xFD.
struct Array {
    buffer: HostBuffer,
    layout: Layout,
    dtype: DType,
}

impl Array {
    fn unwritten<T: Element>(layout: Layout) -> Array {
        let bytes = vec![0xFD; (layout.end() + 3) * size_of::<T>()];
        Array { buffer: HostBuffer::from_bytes(&bytes).unwrap(), layout, dtype: T::DTYPE }
    }

    fn new<T: Element>(layout: Layout, values: &[T]) -> Array {
        let mut array = Array::unwritten::<T>(layout);
        let positions = array.positions();
        assert_eq!(positions.len(), values.len());
        let mut out = array.out();
        let data = out.host_mut::<T>().unwrap();
        positions.iter().zip(values).for_each(|(&p, &v)| data[p] = v);
        array
    }

    fn dense<T: Element>(shape: &[usize], values: &[T]) -> Array {
        Array::new(Layout::contiguous("test", shape).unwrap(), values)
    }

    fn view(&self) -> View<'_> {
        View::new(&self.buffer, &self.layout, self.dtype).unwrap()
    }

    fn out(&mut self) -> ViewMut<'_> {
        ViewMut::new(&mut self.buffer, &self.layout, self.dtype).unwrap()
    }

    fn positions(&self) -> Vec<usize> {
        let mut positions = Vec::new();
        rusttorch_backend::Nest::new([&self.layout]).for_each(|[p]| positions.push(p));
        positions
    }

    fn values<T: Element>(&self) -> Vec<T> {
        let data = self.view().host::<T>().unwrap();
        self.positions().into_iter().map(|p| data[p]).collect()
    }
}

/// Ways to lay out a matrix, with leading dimensions or without.
fn layouts(shape: &[usize]) -> Vec<Layout> {
    let dense = Layout::contiguous("test", shape).unwrap();
    let rank = shape.len() as isize;
    let mut swapped = shape.to_vec();
    swapped.swap(shape.len() - 1, shape.len() - 2);
    let transposed = Layout::contiguous("test", &swapped).unwrap().transpose(-1, -2).unwrap();
    let wider: Vec<usize> = shape.iter().map(|n| n + 3).collect();
    let doubled: Vec<usize> = shape.iter().map(|n| 2 * n + 1).collect();
    let (mut part, mut stepped) =
        (Layout::contiguous("test", &wider).unwrap(), Layout::contiguous("test", &doubled).unwrap());
    for d in 0..rank {
        let n = shape[d as usize] as isize;
        part = part.slice(d, Some(2), Some(n + 2), 1).unwrap();
        stepped = stepped.slice(d, Some(1), Some(2 * n + 1), 2).unwrap();
    }
    let dims: Vec<isize> = (0..rank).collect();
    let flipped = dense.flip(&dims).unwrap();
    vec![dense, transposed, part, stepped, flipped]
}

trait Float: Element {
    fn of(v: f64) -> Self;
    fn fma(self, b: Self, c: Self) -> Self;
    fn plus(self, b: Self) -> Self;
    /// NaN has one set of bits here: which of several NaN an instruction hands on is left open.
    fn bits(self) -> u64;
}

macro_rules! float {
    ($($t:ty),*) => { $(
        impl Float for $t {
            fn of(v: f64) -> $t { v as $t }
            fn fma(self, b: $t, c: $t) -> $t { self.mul_add(b, c) }
            fn plus(self, b: $t) -> $t { self + b }
            fn bits(self) -> u64 { if self.is_nan() { u64::MAX } else { self.to_bits().into() } }
        }
    )* };
}
float!(f32, f64);

fn bits<T: Float>(values: &[T]) -> Vec<u64> {
    values.iter().map(|v| v.bits()).collect()
}

/// Numbers without a pattern, over a few orders of magnitude.
fn noise<T: Float>(n: usize, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..n).map(|_| T::of((next() % 20001) as f64 / 10000.0 - 1.0)).collect()
}

/// The definition: blocks of fused multiply-adds, added in order.
fn reference<T: Float>(a: &[T], b: &[T], [m, k, n]: [usize; 3]) -> Vec<T> {
    let mut out = vec![T::of(0.0); m * n];
    for (i, row) in out.chunks_mut(n.max(1)).enumerate() {
        for from in (0..k).step_by(DEPTH) {
            let mut sums = vec![T::of(0.0); n];
            for l in from..k.min(from + DEPTH) {
                for (sum, &y) in sums.iter_mut().zip(&b[l * n..(l + 1) * n]) {
                    *sum = a[i * k + l].fma(y, *sum);
                }
            }
            for (to, &sum) in row.iter_mut().zip(&sums) {
                *to = if from == 0 { sum } else { to.plus(sum) };
            }
        }
    }
    out
}

fn run(level: Level, a: &Array, b: &Array, out: &mut Array) {
    matmul(level, a.view(), b.view(), out.out()).unwrap().unwrap();
}

fn check<T: Float>(level: Level, a: &Array, b: &Array, out: Layout, expected: &[u64], what: &str) {
    let mut c = Array::unwritten::<T>(out);
    run(level, a, b, &mut c);
    let got = bits(&c.values::<T>());
    let wrong = got.iter().zip(expected).position(|(a, b)| a != b);
    assert!(got.len() == expected.len() && wrong.is_none(), "{level} {what}: element {wrong:?}");
    // Nothing else was written.
    let mut bytes = c.buffer.as_bytes().to_vec();
    for p in c.positions() {
        bytes[p * size_of::<T>()..(p + 1) * size_of::<T>()].fill(0xFD);
    }
    assert!(bytes.iter().all(|&b| b == 0xFD), "{level} {what}: a write beside the output");
}

fn dense_is_the_definition<T: Float>(sizes: &[[usize; 3]]) {
    for &[m, k, n] in sizes {
        let (x, y) = (noise::<T>(m * k, 1), noise::<T>(k * n, 2));
        let expected = bits(&reference(&x, &y, [m, k, n]));
        let (a, b) = (Array::dense(&[m, k], &x), Array::dense(&[k, n], &y));
        for level in Level::all() {
            let out = Layout::contiguous("test", &[m, n]).unwrap();
            check::<T>(level, &a, &b, out, &expected, &format!("{m}x{k}x{n}"));
        }
    }
}

/// All sizes around the edges of tiles, panels and blocks.
#[test]
fn sizes() {
    let edges = [0, 1, 2, 4, 5, 6, 7, 11, 12, 13, 15, 16, 17, 24, 25, 31, 32, 33, 48, 65];
    let mut sizes = Vec::new();
    for &m in &edges {
        for &n in &edges {
            sizes.push([m, (m * 7 + n * 3) % 23, n]);
        }
    }
    for k in [0, 1, 2, 15, 16, 17, 255, 256, 257, 511, 512, 513, 1000] {
        sizes.extend([
            [1, k, 1],
            [1, k, 3],
            [1, k, 40],
            [7, k, 1],
            [33, k, 1],
            [13, k, 37],
            [6, k, 32],
            [2, k, 5],
        ]);
    }
    dense_is_the_definition::<f32>(&sizes);
    dense_is_the_definition::<f64>(&sizes);
}

#[test]
fn large_sizes() {
    let sizes = [
        [1, 5000, 1],
        [1, 4096, 9],
        [1, 700, 5000],
        [3000, 300, 1],
        [300, 270, 70],
        [70, 600, 300],
        [520, 30, 33],
        // Columns of as many blocks as there are lanes, of more, and of twice as many.
        [40, 4096, 1],
        [17, 4352, 1],
        [16, 8192, 1],
    ];
    dense_is_the_definition::<f32>(&sizes);
    dense_is_the_definition::<f64>(&sizes);
}

fn every_layout<T: Float>(sizes: &[[usize; 3]]) {
    for &[m, k, n] in sizes {
        let (x, y) = (noise::<T>(m * k, 3), noise::<T>(k * n, 4));
        let expected = bits(&reference(&x, &y, [m, k, n]));
        for (i, a) in layouts(&[m, k]).into_iter().enumerate() {
            let a = Array::new(a, &x);
            for (j, b) in layouts(&[k, n]).into_iter().enumerate() {
                let b = Array::new(b, &y);
                for (l, out) in layouts(&[m, n]).into_iter().enumerate() {
                    // Not all of the many combinations for each level.
                    for level in Level::all().into_iter().skip((i + j + l) % 3) {
                        check::<T>(level, &a, &b, out.clone(), &expected, &format!("{m}x{k}x{n} {i}{j}{l}"));
                    }
                }
            }
        }
    }
}

#[test]
fn layouts_of_every_operand() {
    let sizes = [
        [1, 40, 1],
        [1, 300, 50],
        [50, 300, 1],
        [1, 300, 7],
        [13, 20, 35],
        [40, 270, 20],
        [3, 17, 70],
        [70, 17, 3],
    ];
    every_layout::<f32>(&sizes);
    every_layout::<f64>(&sizes[..5]);
}

#[test]
fn layouts_of_large_operands() {
    every_layout::<f32>(&[[260, 40, 150], [30, 520, 140], [1, 4352, 17]]);
    every_layout::<f64>(&[[17, 2304, 1]]);
}

/// R3: each row and each column by itself, and with others.
#[test]
fn a_row_depends_on_its_row_alone() {
    for level in Level::all() {
        for [m, k, n] in [[5, 300, 40], [14, 64, 7], [20, 530, 33]] {
            let (x, y) = (noise::<f32>(m * k, 5), noise::<f32>(k * n, 6));
            let (a, b) = (Array::dense(&[m, k], &x), Array::dense(&[k, n], &y));
            let mut whole = Array::unwritten::<f32>(Layout::contiguous("test", &[m, n]).unwrap());
            run(level, &a, &b, &mut whole);
            let whole = bits(&whole.values::<f32>());
            for i in 0..m {
                let row = Array::dense(&[1, k], &x[i * k..(i + 1) * k]);
                let out = Layout::contiguous("test", &[1, n]).unwrap();
                check::<f32>(level, &row, &b, out, &whole[i * n..(i + 1) * n], "row");
            }
            for j in 0..n {
                let column: Vec<f32> = (0..k).map(|l| y[l * n + j]).collect();
                let expected: Vec<u64> = (0..m).map(|i| whole[i * n + j]).collect();
                let out = Layout::contiguous("test", &[m, 1]).unwrap();
                check::<f32>(level, &a, &Array::dense(&[k, 1], &column), out, &expected, "column");
            }
        }
    }
}

#[test]
fn batches() {
    for level in Level::all() {
        for [m, k, n] in [[1, 30, 20], [7, 20, 18], [3, 300, 1], [20, 5, 40], [1, 40, 1]] {
            for lead in [&[3][..], &[2, 3], &[2, 1, 3], &[0, 2], &[40]] {
                let count: usize = lead.iter().product();
                let (x, y) = (noise::<f32>(count * m * k, 7), noise::<f32>(count * k * n, 8));
                let with = |r, c| [lead, &[r, c]].concat();
                let expected: Vec<u64> = (0..count)
                    .flat_map(|i| {
                        let (x, y) = (&x[i * m * k..(i + 1) * m * k], &y[i * k * n..(i + 1) * k * n]);
                        bits(&reference(x, y, [m, k, n]))
                    })
                    .collect();
                for (i, a) in layouts(&with(m, k)).into_iter().enumerate() {
                    let (a, b) = (Array::new(a, &x), Array::new(layouts(&with(k, n)).swap_remove(i), &y));
                    for out in layouts(&with(m, n)) {
                        check::<f32>(level, &a, &b, out, &expected, &format!("{lead:?} {m}x{k}x{n} {i}"));
                    }
                }
                if count == 0 {
                    continue;
                }
                // One operand for all.
                let expected: Vec<u64> = (0..count)
                    .flat_map(|i| bits(&reference(&x[i * m * k..(i + 1) * m * k], &y[..k * n], [m, k, n])))
                    .collect();
                for b in layouts(&[k, n]) {
                    let mut b = Array::new(b, &y[..k * n]);
                    b.layout = b.layout.broadcast_to(&with(k, n)).unwrap();
                    for (a, out) in layouts(&with(m, k)).into_iter().zip(layouts(&with(m, n))) {
                        check::<f32>(level, &Array::new(a, &x), &b, out, &expected, "shared rhs");
                    }
                }
                let expected: Vec<u64> = (0..count)
                    .flat_map(|i| bits(&reference(&x[..m * k], &y[i * k * n..(i + 1) * k * n], [m, k, n])))
                    .collect();
                let mut a = Array::dense(&[m, k], &x[..m * k]);
                a.layout = a.layout.broadcast_to(&with(m, k)).unwrap();
                let out = Layout::contiguous("test", &with(m, n)).unwrap();
                check::<f32>(level, &a, &Array::dense(&with(k, n), &y), out, &expected, "shared lhs");
            }
        }
    }
}

/// An operand that repeats one element, one row or one column.
#[test]
fn zero_strides() {
    for level in Level::all() {
        for [m, k, n] in [[5, 20, 40], [1, 300, 30], [40, 300, 1], [1, 600, 1]] {
            for (from_a, from_b) in [([1, 1], [k, n]), ([m, 1], [1, n]), ([1, k], [k, 1]), ([m, k], [1, 1])] {
                let [(a, x), (b, y)] = [(from_a, [m, k], 1), (from_b, [k, n], 2)].map(|(from, to, seed)| {
                    let mut array = Array::dense(&from, &noise::<f64>(from[0] * from[1], seed));
                    array.layout = array.layout.broadcast_to(&to).unwrap();
                    let values = array.values::<f64>();
                    (array, values)
                });
                let expected = bits(&reference(&x, &y, [m, k, n]));
                let out = Layout::contiguous("test", &[m, n]).unwrap();
                check::<f64>(level, &a, &b, out, &expected, &format!("{m}x{k}x{n} {from_a:?} {from_b:?}"));
            }
        }
    }
}

/// Zeros are not skipped, signs of zero and what is tiny follow from the definition.
#[test]
fn special_values() {
    let special = [0.0, -0.0, f64::INFINITY, f64::NAN, 1e-30, -1e-30, 1e-45, 3e38, -1.0, f64::NEG_INFINITY];
    for [m, k, n] in
        [[1, 7, 1], [1, 270, 3], [3, 33, 20], [1, 40, 40], [40, 40, 1], [13, 260, 37], [1, 700, 1]]
    {
        for rare in [1, 3, 50] {
            let mut x = noise::<f32>(m * k, 9);
            let mut y = noise::<f32>(k * n, 10);
            for (seed, values) in [(1, &mut x), (5, &mut y)] {
                for (i, v) in values.iter_mut().enumerate() {
                    if (i * 7 + seed) % rare == 0 {
                        *v = special[(i * 3 + i / 10 + seed) % special.len()] as f32;
                    }
                }
            }
            // Tiny and negative: a sum that is -0.
            for tiny in [false, true] {
                if tiny {
                    x.fill(-1e-30);
                    y.fill(1e-30);
                }
                let expected = bits(&reference(&x, &y, [m, k, n]));
                for level in Level::all() {
                    for (a, b) in layouts(&[m, k]).into_iter().zip(layouts(&[k, n])) {
                        let out = Layout::contiguous("test", &[m, n]).unwrap();
                        let (a, b) = (Array::new(a, &x), Array::new(b, &y));
                        check::<f32>(level, &a, &b, out, &expected, &format!("{m}x{k}x{n}"));
                    }
                }
            }
        }
    }
}

/// Halves: f32 over all of K, rounded once; every layout.
fn halves<H: Element>() {
    let cast = |v: f32| H::from_scalar(Scalar::Float(v.into()));
    for [m, k, n] in [[1, 300, 1], [1, 30, 40], [5, 600, 20], [40, 3, 1], [4, 0, 3]] {
        let x: Vec<H> = noise::<f32>(m * k, 11).into_iter().map(cast).collect();
        let y: Vec<H> = noise::<f32>(k * n, 12).into_iter().map(cast).collect();
        let wide = |v: &[H]| v.iter().map(|v| v.to_scalar().to_f64() as f32).collect::<Vec<_>>();
        let expected: Vec<H> = reference(&wide(&x), &wide(&y), [m, k, n]).into_iter().map(cast).collect();
        for level in Level::all() {
            for ((a, b), out) in layouts(&[m, k]).into_iter().zip(layouts(&[k, n])).zip(layouts(&[m, n])) {
                let mut c = Array::unwritten::<H>(out);
                run(level, &Array::new(a, &x), &Array::new(b, &y), &mut c);
                assert_eq!(c.values::<H>(), expected, "{level} {m}x{k}x{n}");
            }
        }
        let mut b = Array::dense(&[k, n], &y);
        b.layout = b.layout.broadcast_to(&[2, k, n]).unwrap();
        let a = Array::dense(&[2, m, k], &[&x[..], &x].concat());
        let mut c = Array::unwritten::<H>(Layout::contiguous("test", &[2, m, n]).unwrap());
        run(Level::current(), &a, &b, &mut c);
        assert_eq!(c.values::<H>(), [&expected[..], &expected].concat());
    }
}

#[test]
fn half_types() {
    halves::<f16>();
    halves::<bf16>();
}

fn integers<T: Element>() {
    let cast = |v: f64| T::from_scalar(Scalar::Int((v * 1e15) as i64));
    for [m, k, n] in [[1, 300, 1], [3, 5, 17], [5, 600, 20], [33, 3, 40], [4, 0, 3], [0, 4, 3]] {
        let x: Vec<T> = noise::<f64>(m * k, 13).into_iter().map(cast).collect();
        let y: Vec<T> = noise::<f64>(k * n, 14).into_iter().map(cast).collect();
        let (a, b) = (Array::dense(&[m, k], &x), Array::dense(&[k, n], &y));
        let mut expected = Array::unwritten::<T>(Layout::contiguous("test", &[m, n]).unwrap());
        Naive::new().matmul(a.view(), b.view(), expected.out()).unwrap();
        for level in Level::all() {
            for ((a, b), out) in layouts(&[m, k]).into_iter().zip(layouts(&[k, n])).zip(layouts(&[m, n])) {
                let mut c = Array::unwritten::<T>(out);
                run(level, &Array::new(a, &x), &Array::new(b, &y), &mut c);
                assert_eq!(c.values::<T>(), expected.values::<T>(), "{level} {m}x{k}x{n}");
            }
        }
    }
}

#[test]
fn integer_types() {
    integers::<u8>();
    integers::<i8>();
    integers::<i16>();
    integers::<i32>();
    integers::<i64>();
}

/// The error of an element, over the sum of the magnitudes of its products.
#[test]
fn close_to_naive() {
    let [m, k, n] = [20, 3000, 30];
    let (x, y) = (noise::<f32>(m * k, 15), noise::<f32>(k * n, 16));
    let (a, b) = (Array::dense(&[m, k], &x), Array::dense(&[k, n], &y));
    let absolute = |v: &[f32]| v.iter().map(|v| v.abs()).collect::<Vec<_>>();
    let layout = || Layout::contiguous("test", &[m, n]).unwrap();
    let (mut got, mut exact) = (Array::unwritten::<f32>(layout()), Array::unwritten::<f32>(layout()));
    run(Level::current(), &a, &b, &mut got);
    Naive::new().matmul(a.view(), b.view(), exact.out()).unwrap();
    let scale = reference(&absolute(&x), &absolute(&y), [m, k, n]);
    let worst = got
        .values::<f32>()
        .into_iter()
        .zip(exact.values::<f32>())
        .zip(scale)
        .map(|((got, exact), scale)| (got - exact).abs() / scale)
        .fold(0.0, f32::max);
    assert!(worst < 4.0 * f32::EPSILON, "{worst}");
}

/// Any number of threads, in one test, as their number is the process's.
#[test]
fn threads_change_no_bit() {
    let before = rusttorch_backend::threads::num_threads();
    for [m, k, n] in [
        [300, 300, 200],
        [40, 600, 300],
        [1, 3000, 300],
        [300, 3000, 1],
        [1, 100_003, 1],
        [260, 30, 17],
        // `b` is far.
        [40, 300, 1000],
        [5, 300, 1000],
        [1, 300, 1000],
    ] {
        let (x, y) = (noise::<f32>(m * k, 17), noise::<f32>(k * n, 18));
        let expected = bits(&reference(&x, &y, [m, k, n]));
        for (a, b) in layouts(&[m, k]).into_iter().zip(layouts(&[k, n])).take(3) {
            let (a, b) = (Array::new(a, &x), Array::new(b, &y));
            for threads in [1, 2, 3, 8] {
                set_num_threads(threads);
                let out = Layout::contiguous("test", &[m, n]).unwrap();
                check::<f32>(Level::current(), &a, &b, out, &expected, &format!("{m}x{k}x{n} {threads}"));
            }
        }
    }
    set_num_threads(before);
}

/// The step of an axis of one element may be anything.
#[test]
fn a_step_that_is_not_taken_is_of_no_account() {
    for (m, n, step) in [1, 5, 40, 300].into_iter().flat_map(|m| {
        [32, 33].into_iter().flat_map(move |n| [isize::MAX, isize::MIN + 1, 0].map(|step| (m, n, step)))
    }) {
        let (x, y) = (noise::<f32>(m, 19), noise::<f32>(n, 20));
        let expected = bits(&reference(&x, &y, [m, 1, n]));
        let far = Layout::as_strided(n, &[1, n], &[step, 1], 0).unwrap();
        let (a, b) = (Array::dense(&[m, 1], &x), Array::new(far, &y));
        for level in Level::all() {
            let out = Layout::contiguous("test", &[m, n]).unwrap();
            check::<f32>(level, &a, &b, out, &expected, &format!("{m}x1x{n} {step}"));
        }
    }
}

#[test]
fn what_is_not_covered() {
    let (a, b) = (Array::dense(&[2, 3], &[1f32; 6]), Array::dense(&[2, 3], &[1f32; 6]));
    let mut c = Array::dense(&[2, 2], &[1f32; 4]);
    assert!(matmul(Level::current(), a.view(), b.view(), c.out()).is_none());
}

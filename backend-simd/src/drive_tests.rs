use rusttorch_backend::threads::set_num_threads;
use rusttorch_backend::{Buffer, HostBuffer, Shape, Strides};

use super::*;

/// Numbers without a pattern.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// A shape of up to four axes and some ten thousand elements.
    pub(crate) fn shape(&mut self) -> Vec<usize> {
        let sizes = [1, 2, 3, 5, 8, 32, 33, 64, 70, 100];
        let mut shape: Vec<usize> = Vec::new();
        for _ in 0..self.below(5) {
            let size = sizes[self.below(sizes.len())];
            if shape.iter().product::<usize>() * size <= 40_000 {
                shape.push(size);
            }
        }
        if self.chance(10) {
            shape = vec![1 + self.below(50_000)];
        }
        if self.chance(3) {
            shape.push(0);
        }
        shape
    }

    /// A layout of a shape: axes in any order in memory, with gaps, flipped, and, for inputs, repeated.
    pub(crate) fn layout(&mut self, shape: &[usize], input: bool) -> Layout {
        if self.chance(25) {
            return Layout::contiguous("test", shape).unwrap();
        }
        let mut order: Vec<usize> = (0..shape.len()).rev().collect();
        if self.chance(60) {
            for i in (1..order.len()).rev() {
                order.swap(i, self.below(i + 1));
            }
        }
        let (gaps, flips, repeats) = (self.chance(30), self.chance(25), input && self.chance(40));
        let mut strides = vec![0isize; shape.len()];
        let (mut step, mut offset) = (if gaps && self.chance(30) { 2 } else { 1 }, self.below(5) as isize);
        for &axis in &order {
            let size = shape[axis] as isize;
            if repeats && self.chance(50) {
                continue;
            }
            strides[axis] = step;
            if flips && self.chance(40) && size > 0 {
                offset += step * (size - 1);
                strides[axis] = -step;
            }
            step *= size.max(1);
            if gaps && self.chance(50) {
                step += self.below(7) as isize;
            }
        }
        Layout::new("test", Shape::from_slice(shape), Strides::from_slice(&strides), offset as usize).unwrap()
    }
}

/// A buffer with a layout.
pub(crate) struct Array<T> {
    pub(crate) buffer: HostBuffer,
    pub(crate) layout: Layout,
    kind: std::marker::PhantomData<T>,
}

impl<T: Element> Array<T> {
    pub(crate) fn new(layout: Layout, value: impl Fn(usize) -> T) -> Array<T> {
        let buffer = HostBuffer::from_bytes(&vec![0; (layout.end() + 3) * size_of::<T>()]).unwrap();
        let mut array = Array { buffer, layout, kind: std::marker::PhantomData };
        for (i, v) in array.memory().iter_mut().enumerate() {
            *v = value(i);
        }
        array
    }

    pub(crate) fn view(&self) -> View<'_> {
        View::new(&self.buffer, &self.layout, T::DTYPE).unwrap()
    }

    pub(crate) fn out(&mut self) -> ViewMut<'_> {
        ViewMut::new(&mut self.buffer, &self.layout, T::DTYPE).unwrap()
    }

    /// All of the memory.
    pub(crate) fn memory(&mut self) -> &mut [T] {
        elements_of_mut(self.buffer.as_host_mut().unwrap().as_bytes_mut().unwrap())
    }

    /// Where each element lies, in row-major order.
    pub(crate) fn positions(&self) -> Vec<usize> {
        let shape = self.layout.shape();
        let mut at = vec![self.layout.offset() as isize];
        for (axis, &size) in shape.iter().enumerate() {
            let stride = self.layout.strides()[axis];
            at = at.iter().flat_map(|&p| (0..size as isize).map(move |i| p + i * stride)).collect();
        }
        at.into_iter().map(|p| p as usize).collect()
    }

    pub(crate) fn values(&mut self) -> Vec<T> {
        let positions = self.positions();
        let memory = self.memory();
        positions.into_iter().map(|p| memory[p]).collect()
    }
}

/// A cost that splits even small operands.
const SPLIT: Cost = Cost(100_000);

/// Everything that was not an element of the output is what it was; elements are as expected.
fn check<T: Element + PartialEq>(out: &mut Array<T>, before: Vec<T>, expected: &[T], what: &str) {
    let mut memory = before;
    for (p, &v) in out.positions().into_iter().zip(expected) {
        memory[p] = v;
    }
    let same = out.memory().iter().zip(&memory).position(|(a, b)| a != b);
    assert_eq!(same, None, "{what} {:?}", out.layout);
}

#[test]
fn every_way_gives_every_element_its_operands() {
    for seed in 0..400 {
        let mut random = Random::new(seed);
        set_num_threads(1 + random.below(4));
        let shape = random.shape();
        let mut a = Array::new(random.layout(&shape, true), |i| i as i32);
        let mut b = Array::new(random.layout(&shape, true), |i| (7 * i % 251) as u8);
        let mut c = Array::new(random.layout(&shape, true), |i| 3 * i as i64);
        let mut out = Array::new(random.layout(&shape, false), |i| -(i as i32));
        let (x, y, z) = (a.values(), b.values(), c.values());
        let old = out.values();
        let before = out.memory().to_vec();
        let cost = if random.chance(70) { SPLIT } else { Cost::LIGHT };

        map1("test", cost, &a.view(), &mut out.out(), &|a: &[i32], out: &mut [i32]| {
            assert_eq!(a.len(), out.len());
            out.iter_mut().zip(a).for_each(|(o, a)| *o = a ^ 5);
        })
        .unwrap();
        check(&mut out, before.clone(), &x.iter().map(|a| a ^ 5).collect::<Vec<_>>(), "map1");

        map2("test", cost, &a.view(), &b.view(), &mut out.out(), &|a: &[i32], b: &[u8], out: &mut [i32]| {
            out.iter_mut().zip(a.iter().zip(b)).for_each(|(o, (a, b))| *o = a * 3 + i32::from(*b));
        })
        .unwrap();
        let expected: Vec<i32> = x.iter().zip(&y).map(|(a, b)| a * 3 + i32::from(*b)).collect();
        check(&mut out, before.clone(), &expected, "map2");

        let body = |a: &[i32], b: &[u8], c: &[i64], out: &mut [i32]| {
            assert!(a.len() == out.len() && b.len() == out.len() && c.len() == out.len());
            for (i, o) in out.iter_mut().enumerate() {
                *o = a[i] - i32::from(b[i]) + c[i] as i32;
            }
        };
        map3("test", cost, &a.view(), &b.view(), &c.view(), &mut out.out(), &body).unwrap();
        let expected: Vec<i32> = (0..x.len()).map(|i| x[i] - i32::from(y[i]) + z[i] as i32).collect();
        check(&mut out, before.clone(), &expected, "map3");

        map0("test", cost, &mut out.out(), &|out: &mut [i32]| out.fill(9)).unwrap();
        check(&mut out, before.clone(), &vec![9; x.len()], "map0");

        out.memory().copy_from_slice(&before);
        assign1(cost, &mut out.out(), &|x: &[i32], io: &mut [i32]| {
            io.iter_mut().zip(x).for_each(|(o, x)| *o = x * 2 + 1);
        })
        .unwrap();
        check(&mut out, before.clone(), &old.iter().map(|x| x * 2 + 1).collect::<Vec<_>>(), "assign1");

        out.memory().copy_from_slice(&before);
        assign2("test", cost, &mut out.out(), &a.view(), &|x: &[i32], b: &[i32], io: &mut [i32]| {
            io.iter_mut().zip(x.iter().zip(b)).for_each(|(o, (x, b))| *o = x - 2 * b);
        })
        .unwrap();
        let expected: Vec<i32> = old.iter().zip(&x).map(|(o, a)| o - 2 * a).collect();
        check(&mut out, before, &expected, "assign2");
    }
}

/// The element of a short operand that belongs to element `i` of an output of `n`.
fn pick<T: Copy>(x: &[T], i: usize, n: usize, way: Way) -> T {
    match x.len() {
        1 => x[0],
        length if length == n => x[i],
        length if way.shared && length == way.row => x[i % length],
        length if way.row > 0 => {
            assert_eq!(length * way.row, n);
            x[i / way.row]
        }
        length => {
            assert!(n.is_multiple_of(length));
            x[i % length]
        }
    }
}

#[test]
fn rows_may_have_one_element_of_an_operand_each() {
    let mut in_rows = 0;
    let tried = std::sync::Mutex::new(&mut in_rows);
    for (rows, n) in [(1, 100), (2, 64), (3, 65), (64, 64), (100, 100), (3, 4000), (300, 70), (5, 63)] {
        for (kind, threads, cost) in
            (0..8).flat_map(|k| [(k, 1, Cost::LIGHT), (k, 2, SPLIT), (k, 3, SPLIT), (k, 3, Cost(2000))])
        {
            set_num_threads(threads);
            let shape = [rows, n];
            let dense = Layout::contiguous("test", &shape).unwrap();
            let column = Layout::contiguous("test", &[rows, 1]).unwrap().broadcast_to(&shape).unwrap();
            let single = Layout::contiguous("test", &[]).unwrap().broadcast_to(&shape).unwrap();
            let row = Layout::contiguous("test", &[n]).unwrap().broadcast_to(&shape).unwrap();
            let moved = |x: &Layout| {
                Layout::new("test", Shape::from_slice(&shape), Strides::from_slice(x.strides()), 7).unwrap()
            };
            // An output that lies elsewhere, one that is flipped, operands of all kinds.
            let to = if kind % 2 == 0 { moved(&dense) } else { dense.flip(&[0]).unwrap() };
            let first = if kind < 6 { moved(&dense) } else { column.clone() };
            let third = [&column, &single, &row, &dense][kind / 2];
            let mut a = Array::new(first, |i| i as i32);
            let mut b = Array::new(moved(&column), |i| (7 * i % 251) as u8);
            let mut c = Array::new(third.clone(), |i| 3 * i as i64);
            let mut out = Array::new(to, |i| -(i as i32));
            let (x, y, z) = (a.values(), b.values(), c.values());
            let before = out.memory().to_vec();
            let body = |a: &[i32], b: &[u8], c: &[i64], out: &mut [i32], way: Way| {
                let n = out.len();
                if way.row > 0 {
                    assert!(!way.shared || n != way.row * way.row);
                    **tried.lock().unwrap() += 1;
                    assert!(n.is_multiple_of(way.row));
                }
                for (i, o) in out.iter_mut().enumerate() {
                    *o = pick(a, i, n, way) - i32::from(pick(b, i, n, way)) + pick(c, i, n, way) as i32;
                }
            };
            stream3("test", cost, &a.view(), &b.view(), &c.view(), &mut out.out(), &body).unwrap();
            let expected: Vec<i32> = (0..x.len()).map(|i| x[i] - i32::from(y[i]) + z[i] as i32).collect();
            check(&mut out, before, &expected, "stream3");
        }
    }
    assert!(in_rows > 100, "rows were taken {in_rows} times");
}

/// Copies a matrix whose columns lie side by side, `gap` elements apart from each other, to rows that lie `apart`. How
/// often the body was needed.
fn turned<T: Element + PartialEq>(
    [rows, columns]: [usize; 2],
    (gap, apart, offset): (usize, usize, usize),
    value: impl Fn(usize) -> T,
) -> usize {
    let layout = |strides: [usize; 2]| {
        let strides = strides.map(|stride| stride as isize);
        Layout::new("test", Shape::from_slice(&[rows, columns]), Strides::from_slice(&strides), offset)
            .unwrap()
    };
    let mut x = Array::new(layout([1, rows + gap]), &value);
    let mut out = Array::new(layout([columns + apart, 1]), |i| value(i + 1));
    let (expected, before) = (x.values(), out.memory().to_vec());
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let body = |inputs: &[&[u8]], out: &mut [u8], _: Way| {
        calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        out.copy_from_slice(inputs[0]);
    };
    bytes("copy", (SPLIT, true), [&x.view()], &mut out.out(), &body).unwrap();
    check(&mut out, before, &expected, "copy");
    calls.into_inner()
}

#[test]
fn rectangles_are_turned_square_by_square() {
    for (rows, columns) in
        [8, 15, 16, 17, 64, 65, 70, 131].into_iter().flat_map(|m| [9, 16, 33, 64, 200].map(|n| (m, n)))
    {
        for (gap, apart, offset) in [(1, 0, 0), (3, 5, 2), (500, 512 - columns, 0), (1, 1024 - columns, 1)] {
            for threads in [1, 3] {
                set_num_threads(threads);
                let (shape, way) = ([rows, columns], (gap, apart, offset));
                turned(shape, way, |i| i as u8);
                turned(shape, way, |i| i as i16);
                let calls =
                    [turned(shape, way, |i| i as i32), turned(shape, way, |i| i as i64 * 3_000_000_000)];
                if rows.is_multiple_of(64) && columns >= 16 {
                    assert_eq!(calls, [0, 0], "{shape:?} {way:?}");
                }
            }
        }
    }
    // So many bytes are written past the caches at whole lines, which the first have.
    for (apart, offset) in [(0, 0), (7, 3)] {
        assert_eq!(turned([1792, 1696], (5, apart, offset), |i| i as i32), 0);
        assert_eq!(turned([896, 1696], (5, apart, offset), |i| i as i64), 0);
    }
}

#[test]
fn copies_of_all_layouts_keep_every_element() {
    fn copy<T: Element + PartialEq>(random: &mut Random, shape: &[usize], value: impl Fn(usize) -> T) {
        let mut x = Array::new(random.layout(shape, true), &value);
        let mut out = Array::new(random.layout(shape, false), |i| value(i + 1));
        let (expected, before) = (x.values(), out.memory().to_vec());
        let body = |inputs: &[&[u8]], out: &mut [u8], _: Way| out.copy_from_slice(inputs[0]);
        bytes("copy", (SPLIT, true), [&x.view()], &mut out.out(), &body).unwrap();
        check(&mut out, before, &expected, "copy");
    }
    let mut random = Random::new(11);
    let sizes = [1, 2, 3, 8, 16, 17, 33, 64, 70];
    for turn in 0..1500 {
        set_num_threads(1 + turn % 3);
        let rank = 2 + random.below(3);
        let mut shape: Vec<usize> = (0..rank).map(|_| sizes[random.below(sizes.len())]).collect();
        while shape.iter().product::<usize>() > 60_000 {
            let axis = random.below(rank);
            shape[axis] = shape[axis].div_ceil(2);
        }
        copy(&mut random, &shape, |i| i as i32);
        copy(&mut random, &shape, |i| i as i64 * 3_000_000_000);
        copy(&mut random, &shape, |i| i as i16);
    }
}

#[test]
fn an_output_whose_elements_interleave_is_walked_alone() {
    // Positions 0 2 4 and 3 5 7: no two are one, but neither row lies before the other.
    let layout = Layout::new("test", Shape::from_slice(&[2, 3]), Strides::from_slice(&[3, 2]), 0).unwrap();
    let mut out = Array::new(layout, |_| 0i32);
    let x = Array::new(Layout::contiguous("test", &[2, 3]).unwrap(), |i| i as i32 + 1);
    map1("test", Cost(1 << 40), &x.view(), &mut out.out(), &|x: &[i32], out: &mut [i32]| {
        out.copy_from_slice(x)
    })
    .unwrap();
    assert_eq!(out.memory()[..8], [1, 0, 2, 4, 3, 5, 0, 6]);
}

#[test]
fn a_body_may_call_again() {
    // The tiles are with the outer call; the inner ones have tiles of their own.
    let transposed = |n: usize| Layout::contiguous("test", &[n, n]).unwrap().transpose(0, 1).unwrap();
    let x = Array::new(transposed(40), |i| i as i32);
    let mut out = Array::new(Layout::contiguous("test", &[40, 40]).unwrap(), |_| 0i32);
    map1("test", SPLIT, &x.view(), &mut out.out(), &|x: &[i32], out: &mut [i32]| {
        let y = Array::new(transposed(10), |i| i as i32);
        let mut inner = Array::new(Layout::contiguous("test", &[10, 10]).unwrap(), |_| 0i32);
        map1("test", SPLIT, &y.view(), &mut inner.out(), &|y: &[i32], inner: &mut [i32]| {
            inner.copy_from_slice(y)
        })
        .unwrap();
        assert_eq!(inner.memory()[1], 10);
        out.copy_from_slice(x);
    })
    .unwrap();
    assert_eq!(out.memory()[1..3], [40, 80]);
}

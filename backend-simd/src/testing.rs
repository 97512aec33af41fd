//! Tensors for tests: a buffer with a layout, made from plain values.

use rusttorch_backend::{DType, Element, HostBuffer, Layout, Result, Scalar, View, ViewMut};

/// What memory holds before it is written: NaN as a float, unlike any expected value as an integer.
const GARBAGE: u8 = 0xFD;

/// A buffer with a layout. Memory that the layout leaves out holds [`GARBAGE`].
#[derive(Debug)]
pub(crate) struct Array<T> {
    buffer: HostBuffer,
    layout: Layout,
    of: std::marker::PhantomData<T>,
}

impl<T: Element> Array<T> {
    /// These elements, in row-major order, in a layout.
    pub(crate) fn with(layout: &Layout, values: &[T]) -> Array<T> {
        let mut array = Array::garbage(layout);
        let positions = array.positions();
        assert_eq!(positions.len(), values.len());
        let mut out = array.out();
        let data = out.host_mut::<T>().unwrap();
        positions.into_iter().zip(values).for_each(|(p, &v)| data[p] = v);
        array
    }

    /// Contiguous.
    pub(crate) fn of(values: &[T]) -> Array<T> {
        Array::with(&contiguous(&[values.len()]), values)
    }

    /// Unwritten.
    pub(crate) fn garbage(layout: &Layout) -> Array<T> {
        // One element more than the layout reaches, so that a write past the end shows.
        let bytes = vec![GARBAGE; (layout.end() + 1) * size_of::<T>()];
        let buffer = HostBuffer::from_bytes(&bytes).unwrap();
        Array { buffer, layout: layout.clone(), of: std::marker::PhantomData }
    }

    pub(crate) fn view(&self) -> View<'_> {
        View::new(&self.buffer, &self.layout, T::DTYPE).unwrap()
    }

    pub(crate) fn out(&mut self) -> ViewMut<'_> {
        ViewMut::new(&mut self.buffer, &self.layout, T::DTYPE).unwrap()
    }

    /// The positions of all elements, in row-major order, counted by hand.
    fn positions(&self) -> Vec<usize> {
        let shape = self.layout.shape();
        let position = |n: usize| {
            let mut rest = n;
            let mut at = self.layout.offset() as isize;
            for axis in (0..shape.len()).rev() {
                at += (rest % shape[axis]) as isize * self.layout.strides()[axis];
                rest /= shape[axis];
            }
            at as usize
        };
        (0..self.layout.numel()).map(position).collect()
    }

    /// All elements in row-major order.
    pub(crate) fn values(&self) -> Vec<T> {
        let data = self.view().host::<T>().unwrap();
        self.positions().into_iter().map(|p| data[p]).collect()
    }

    /// All elements in row-major order, as f64.
    pub(crate) fn floats(&self) -> Vec<f64> {
        self.values().into_iter().map(|v| v.to_scalar().to_f64()).collect()
    }

    /// All elements in row-major order, as bytes; every NaN as the same one.
    pub(crate) fn bits(&self) -> Vec<u8> {
        let (size, bytes) = (size_of::<T>(), self.buffer.as_bytes());
        let of = |(p, v): (usize, f64)| match v.is_nan() {
            true => vec![0xff; size],
            false => bytes[p * size..(p + 1) * size].to_vec(),
        };
        self.positions().into_iter().zip(self.floats()).flat_map(of).collect()
    }

    /// How many bytes outside of the elements were written.
    pub(crate) fn strayed(&self) -> usize {
        let size = size_of::<T>();
        let mut bytes = self.buffer.as_bytes().to_vec();
        for p in self.positions() {
            bytes[p * size..(p + 1) * size].fill(GARBAGE);
        }
        bytes.iter().filter(|&&b| b != GARBAGE).count()
    }
}

/// The numbers, rounded to an element type.
pub(crate) fn rounded<T: Element>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&v| T::from_scalar(Scalar::Float(v))).collect()
}

/// What an op writes into a contiguous output, checked to have written nothing else.
pub(crate) fn result<T: Element>(shape: &[usize], op: impl FnOnce(ViewMut<'_>) -> Result<()>) -> Array<T> {
    result_in(&contiguous(shape), op)
}

/// What an op writes into an output of a layout, checked to have written nothing else.
pub(crate) fn result_in<T: Element>(layout: &Layout, op: impl FnOnce(ViewMut<'_>) -> Result<()>) -> Array<T> {
    let mut out = Array::garbage(layout);
    op(out.out()).unwrap();
    assert_eq!(out.strayed(), 0);
    out
}

pub(crate) fn contiguous(shape: &[usize]) -> Layout {
    Layout::contiguous("test", shape).unwrap()
}

/// Ways to lay out a shape without overlap: dense, dense behind an offset, stepped, flipped, transposed.
pub(crate) fn layouts(shape: &[usize]) -> Vec<Layout> {
    let dense = contiguous(shape);
    let dims: Vec<isize> = (0..shape.len() as isize).collect();
    let backwards: Vec<isize> = dims.iter().rev().copied().collect();
    let reversed: Vec<usize> = shape.iter().rev().copied().collect();
    let doubled: Vec<usize> = shape.iter().map(|n| 2 * n + 1).collect();

    let mut stepped = contiguous(&doubled);
    for (d, &n) in dims.iter().zip(shape) {
        stepped = stepped.slice(*d, Some(1), Some(2 * n as isize + 1), 2).unwrap();
    }
    let behind = Layout::new("test", shape.into(), dense.strides().into(), 7).unwrap();
    let flipped = dense.flip(&dims).unwrap();
    let transposed = contiguous(&reversed).permute(&backwards).unwrap();
    vec![dense, behind, stepped, flipped, transposed]
}

/// Numbers from a seed, of all sizes but mostly of moderate ones.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Numbers {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn whole(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) as usize) % below.max(1)
    }

    /// Between two numbers.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.whole(1 << 40) as f64 / (1u64 << 40) as f64)
    }

    pub(crate) fn many(&mut self, n: usize, low: f64, high: f64) -> Vec<f64> {
        (0..n).map(|_| self.between(low, high)).collect()
    }
}

/// Within some ulp of the dtype T, relative to the larger of the `sizes` and the numbers themselves. NaN to NaN. `of`
/// is what they were computed from.
#[track_caller]
pub(crate) fn assert_near<T: Element>(
    got: &[f64],
    expected: &[f64],
    ulp: f64,
    sizes: &[f64],
    of: &[f64],
    what: &str,
) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let (epsilon, tiny) = match T::DTYPE {
        DType::F64 => (f64::EPSILON, f64::from_bits(1)),
        DType::F32 => (f64::from(f32::EPSILON), f64::from(f32::from_bits(1))),
        DType::F16 => (2f64.powi(-10), 2f64.powi(-24)),
        _ => (2f64.powi(-7), 2f64.powi(-133)),
    };
    for (i, (&g, &e)) in got.iter().zip(expected).enumerate() {
        let unit = (epsilon * e.abs().max(sizes[i])).max(tiny);
        let near = g == e || (g.is_nan() && e.is_nan()) || (g - e).abs() <= ulp * unit;
        assert!(near, "{what} of {:e}: got {g:e}, expected {e:e}, {} ulp", of[i], (g - e).abs() / unit);
    }
}

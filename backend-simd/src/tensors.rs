//! Tensors of any dtype for tests: bytes with a layout.

use rusttorch_backend::threads::set_num_threads;
use rusttorch_backend::{
    Boolean, DType, Element, HostBuffer, Layout, Result, Scalar, Shape, View, ViewMut, match_dtype,
};

/// What memory holds before it is written.
const GARBAGE: u8 = 0xFD;

/// A buffer with a layout.
#[derive(Debug)]
pub(crate) struct Tensor {
    buffer: HostBuffer,
    layout: Layout,
    dtype: DType,
}

impl Tensor {
    /// Unwritten.
    pub(crate) fn garbage(layout: Layout, dtype: DType) -> Tensor {
        // One element more than the layout reaches, so that a write past the end shows.
        let bytes = vec![GARBAGE; (layout.end() + 1) * dtype.size()];
        Tensor { buffer: HostBuffer::from_bytes(&bytes).unwrap(), layout, dtype }
    }

    /// Elements in row-major order.
    pub(crate) fn with<T: Element>(layout: Layout, mut values: impl FnMut(usize) -> T) -> Tensor {
        let mut tensor = Tensor::garbage(layout, T::DTYPE);
        let positions = tensor.positions();
        let mut out = tensor.out();
        let data = out.host_mut::<T>().unwrap();
        positions.into_iter().enumerate().for_each(|(i, p)| data[p] = values(i));
        tensor
    }

    /// Contiguous.
    pub(crate) fn of<T: Element>(shape: &[usize], values: &[T]) -> Tensor {
        Tensor::with(contiguous(shape), |i| values[i])
    }

    /// The same elements in another layout of the shape.
    pub(crate) fn laid(&self, layout: Layout) -> Tensor {
        match_dtype!(self.dtype, T => {
            let values = self.values::<T>();
            Tensor::with(layout, |i| values[i])
        })
    }

    /// The same memory under another layout.
    pub(crate) fn map(mut self, layout: impl FnOnce(&Layout) -> Result<Layout>) -> Tensor {
        self.layout = layout(&self.layout).unwrap();
        self
    }

    pub(crate) fn view(&self) -> View<'_> {
        View::new(&self.buffer, &self.layout, self.dtype).unwrap()
    }

    pub(crate) fn out(&mut self) -> ViewMut<'_> {
        ViewMut::new(&mut self.buffer, &self.layout, self.dtype).unwrap()
    }

    pub(crate) fn shape(&self) -> &[usize] {
        self.layout.shape()
    }

    /// The positions of all elements, in row-major order.
    fn positions(&self) -> Vec<usize> {
        let (shape, strides) = (self.layout.shape(), self.layout.strides());
        let mut positions = vec![self.layout.offset() as isize];
        for (&n, &stride) in shape.iter().zip(strides) {
            positions =
                positions.iter().flat_map(|&p| (0..n as isize).map(move |i| p + i * stride)).collect();
        }
        positions.into_iter().map(|p| p as usize).collect()
    }

    /// All elements in row-major order.
    pub(crate) fn values<T: Element>(&self) -> Vec<T> {
        let data = self.view().host::<T>().unwrap();
        self.positions().into_iter().map(|p| data[p]).collect()
    }

    /// All elements in row-major order as bits, every NaN as the same one.
    pub(crate) fn bits(&self) -> Vec<u64> {
        let size = self.dtype.size();
        let bytes = self.buffer.as_bytes();
        let word = |p: usize| {
            let mut word = [0; 8];
            word[..size].copy_from_slice(&bytes[p * size..(p + 1) * size]);
            u64::from_le_bytes(word)
        };
        let nan = |p: usize| {
            match_dtype!(floats self.dtype, T => {
                self.view().host::<T>().unwrap()[p].to_scalar().to_f64().is_nan()
            }, else false)
        };
        self.positions().into_iter().map(|p| if nan(p) { u64::MAX } else { word(p) }).collect()
    }

    /// How many bytes outside of the elements were written.
    pub(crate) fn strayed(&self) -> usize {
        let size = self.dtype.size();
        let mut bytes = self.buffer.as_bytes().to_vec();
        for p in self.positions() {
            bytes[p * size..(p + 1) * size].fill(GARBAGE);
        }
        bytes.iter().filter(|&&b| b != GARBAGE).count()
    }
}

pub(crate) fn contiguous(shape: &[usize]) -> Layout {
    Layout::contiguous("test", shape).unwrap()
}

/// Numbers from a seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn word(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.word() >> 33) as usize % n.max(1)
    }

    /// One of some.
    pub(crate) fn of<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// A shape of some rank, of sizes up to `largest`.
    pub(crate) fn shape(&mut self, rank: usize, largest: usize) -> Shape {
        (0..rank).map(|_| 1 + self.below(largest)).collect()
    }

    /// A layout of a shape without overlap: dense, behind an offset, stepped, flipped, transposed.
    pub(crate) fn layout(&mut self, shape: &[usize]) -> Layout {
        let mut order: Vec<usize> = (0..shape.len()).collect();
        if self.below(3) == 0 {
            for i in (1..order.len()).rev() {
                order.swap(i, self.below(i + 1));
            }
        }
        let mut strides = vec![0isize; shape.len()];
        let mut step = 1;
        for &axis in order.iter().rev() {
            let gap = if self.below(4) == 0 { 2 } else { 1 };
            strides[axis] = step * gap;
            step *= gap * shape[axis].max(1) as isize + isize::from(self.below(6) == 0);
        }
        let mut offset = self.below(2) * 3;
        for (stride, &n) in strides.iter_mut().zip(shape) {
            if self.below(8) == 0 {
                offset += *stride as usize * n.saturating_sub(1);
                *stride = -*stride;
            }
        }
        Layout::new("test", shape.into(), strides.as_slice().into(), offset).unwrap()
    }

    /// Small numbers with ties, zeros of both signs, and now and then NaN, infinities and extremes.
    pub(crate) fn tensor(&mut self, layout: Layout, dtype: DType) -> Tensor {
        const SPECIAL: [f64; 6] = [f64::NAN, -0.0, f64::INFINITY, f64::NEG_INFINITY, 1e300, 1e-300];
        let boolean = |v: f64| Boolean::from(v > 1.0);
        let n = layout.numel();
        let values: Vec<f64> = (0..n)
            .map(|_| match self.below(12) {
                0 => *self.of(&SPECIAL),
                1..4 => self.below(9) as f64 - 4.0,
                4 => f64::from(self.word() as i32) * 1e6,
                _ => f64::from(self.word() as i32) / f64::from(1 << 24),
            })
            .collect();
        if dtype == DType::Bool {
            return Tensor::with(layout, |i| boolean(values[i]));
        }
        match_dtype!(dtype, T => Tensor::with(layout, |i| T::from_scalar(Scalar::Float(values[i]))))
    }
}

/// Runs `body` with a number of threads. Who else sets the number meanwhile changes no result.
pub(crate) fn with_threads<R>(n: usize, body: impl FnOnce() -> R) -> R {
    set_num_threads(n);
    let result = body();
    set_num_threads(0);
    result
}

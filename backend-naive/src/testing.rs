//! Tensors for tests: a buffer with a layout, made from plain values.

use rusttorch_backend::{
    Buffer, DType, Element, ErrorKind, HostBuffer, Layout, Result, Scalar, View, ViewMut, match_dtype,
};

/// A buffer with a layout. Memory that the layout leaves out holds [`GARBAGE`].
#[derive(Debug)]
pub(crate) struct Array {
    buffer: HostBuffer,
    layout: Layout,
    dtype: DType,
}

/// What memory holds before it is written: NaN as a float, unlike any expected value as an integer.
const GARBAGE: u8 = 0xFD;

impl Array {
    /// Contiguous, from values in row-major order.
    pub(crate) fn new<T: Element>(shape: &[usize], values: &[T]) -> Array {
        let mut array = Array::garbage(shape, T::DTYPE);
        assert_eq!(array.layout.numel(), values.len());
        array.out().host_mut::<T>().unwrap()[..values.len()].copy_from_slice(values);
        array
    }

    /// One dimension.
    pub(crate) fn of<T: Element>(values: &[T]) -> Array {
        Array::new(&[values.len()], values)
    }

    /// Contiguous, from values cast to `dtype`.
    pub(crate) fn cast(shape: &[usize], values: &[f64], dtype: DType) -> Array {
        match_dtype!(dtype, T => {
            let values: Vec<T> = values.iter().map(|&v| T::from_scalar(Scalar::Float(v))).collect();
            Array::new(shape, &values)
        })
    }

    /// Contiguous and unwritten.
    pub(crate) fn garbage(shape: &[usize], dtype: DType) -> Array {
        Array::unwritten(Layout::contiguous("test", shape).unwrap(), dtype)
    }

    fn unwritten(layout: Layout, dtype: DType) -> Array {
        // One element more than the layout reaches, so that a write past the end shows.
        let bytes = vec![GARBAGE; (layout.end() + 1) * dtype.size()];
        Array { buffer: HostBuffer::from_bytes(&bytes).unwrap(), layout, dtype }
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

    /// The same memory under another layout.
    pub(crate) fn map(mut self, layout: impl FnOnce(&Layout) -> Result<Layout>) -> Array {
        self.layout = layout(&self.layout).unwrap();
        self
    }

    /// The positions of all elements, in row-major order, counted by hand.
    fn positions(&self) -> Vec<usize> {
        let shape = self.layout.shape();
        (0..self.layout.numel())
            .map(|n| {
                let mut rest = n;
                let mut index = vec![0; shape.len()];
                for axis in (0..shape.len()).rev() {
                    index[axis] = rest % shape[axis];
                    rest /= shape[axis];
                }
                self.layout.position("test", &index).unwrap()
            })
            .collect()
    }

    /// All elements in row-major order.
    pub(crate) fn to_vec<T: Element>(&self) -> Vec<T> {
        let data = self.view().host::<T>().unwrap();
        self.positions().into_iter().map(|p| data[p]).collect()
    }

    /// All elements in row-major order, as the nearest f64.
    pub(crate) fn floats(&self) -> Vec<f64> {
        match_dtype!(self.dtype, T => self.to_vec::<T>().into_iter().map(|x| x.to_scalar().to_f64()).collect())
    }

    /// All elements in row-major order, as bytes.
    pub(crate) fn bits(&self) -> Vec<Vec<u8>> {
        let size = self.dtype.size();
        let bytes = self.buffer.as_bytes();
        self.positions().into_iter().map(|p| bytes[p * size..(p + 1) * size].to_vec()).collect()
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

    /// The same elements, contiguous.
    pub(crate) fn dense(&self) -> Array {
        let mut dense = Array::garbage(self.shape(), self.dtype);
        dense.write(&self.bits());
        dense
    }

    fn write(&mut self, elements: &[Vec<u8>]) {
        let size = self.dtype.size();
        let positions = self.positions();
        let bytes = self.buffer.as_bytes_mut().unwrap();
        for (p, element) in positions.into_iter().zip(elements) {
            bytes[p * size..(p + 1) * size].copy_from_slice(element);
        }
    }

    /// The same elements in each of the [`layouts`].
    pub(crate) fn everyhow(&self) -> Vec<Array> {
        let arrange = |layout: Layout| {
            let mut array = Array::unwritten(layout, self.dtype);
            array.write(&self.bits());
            array
        };
        layouts(self.shape()).into_iter().map(arrange).collect()
    }
}

/// Ways to lay out a shape without overlap: dense, dense behind an offset, stepped, flipped, transposed.
pub(crate) fn layouts(shape: &[usize]) -> Vec<Layout> {
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

/// `values` of a result of `shape` and `dtype`, checked to have been written and nothing else.
pub(crate) fn result(
    shape: &[usize],
    dtype: DType,
    op: impl FnOnce(ViewMut<'_>) -> Result<()>,
) -> Result<Array> {
    let mut out = Array::garbage(shape, dtype);
    op(out.out())?;
    assert_eq!(out.strayed(), 0);
    Ok(out)
}

/// Equal as numbers, NaN to NaN, and with equal signs of zero.
#[track_caller]
pub(crate) fn assert_same(got: &[f64], expected: &[f64]) {
    let same = |a: &f64, b: &f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    let equal = got.len() == expected.len() && got.iter().zip(expected).all(|(a, b)| same(a, b));
    assert!(equal, "got {got:?}, expected {expected:?}");
}

/// Within a relative error, NaN to NaN and infinities to themselves.
#[track_caller]
pub(crate) fn assert_close(got: &[f64], expected: &[f64], relative: f64) {
    let close =
        |a: &f64, b: &f64| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= relative * b.abs();
    let equal = got.len() == expected.len() && got.iter().zip(expected).all(|(a, b)| close(a, b));
    assert!(equal, "got {got:?}, expected {expected:?}");
}

/// The kind of an error.
#[track_caller]
pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

/// A buffer that is not host memory.
#[derive(Debug)]
pub(crate) struct Device;

impl Buffer for Device {
    fn len(&self) -> usize {
        1024
    }

    fn is_host(&self) -> bool {
        false
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn std::any::Any {
        self
    }
}

pub(crate) const INF: f64 = f64::INFINITY;
pub(crate) const NAN: f64 = f64::NAN;

//! Dense tensors: a dtype, a shape and the bytes of the elements in row-major order. What cases hold and
//! what is gathered from a backend's output.

use std::fmt;
use std::sync::Arc;

use bytemuck::Pod;
use rusttorch_backend::{DType, Element, Scalar, match_dtype};

/// A dense tensor, cheap to clone.
#[derive(Clone, PartialEq)]
pub struct Dense {
    dtype: DType,
    shape: Arc<[usize]>,
    bytes: Arc<[u8]>,
}

impl Dense {
    /// Elements as bytes. `None` where their number does not fit the shape.
    pub fn new(dtype: DType, shape: &[usize], bytes: &[u8]) -> Option<Dense> {
        let wanted = shape.iter().product::<usize>() * dtype.size();
        (bytes.len() == wanted).then(|| Dense { dtype, shape: shape.into(), bytes: bytes.into() })
    }

    /// Elements computed from their row-major index.
    pub fn from_fn(dtype: DType, shape: &[usize], value: impl Fn(usize) -> Scalar) -> Dense {
        let n = shape.iter().product::<usize>();
        let bytes = match_dtype!(dtype, T => bytes_of((0..n).map(|i| T::from_scalar(value(i)))));
        Dense { dtype, shape: shape.into(), bytes: bytes.into() }
    }

    /// One element everywhere.
    pub fn full(dtype: DType, shape: &[usize], value: Scalar) -> Dense {
        Dense::from_fn(dtype, shape, |_| value)
    }

    /// Zeros.
    pub fn zeros(dtype: DType, shape: &[usize]) -> Dense {
        Dense::full(dtype, shape, Scalar::Int(0))
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Sizes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.bytes.len() / self.dtype.size()
    }

    /// The elements' bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of one element.
    pub fn element(&self, index: usize) -> &[u8] {
        let size = self.dtype.size();
        &self.bytes[index * size..][..size]
    }

    /// One element without loss.
    pub fn scalar(&self, index: usize) -> Scalar {
        match_dtype!(self.dtype, T => bytemuck::pod_read_unaligned::<T>(self.element(index)).to_scalar())
    }

    /// One element as f64.
    pub fn f64(&self, index: usize) -> f64 {
        self.scalar(index).to_f64()
    }

    /// All elements as f64.
    pub fn to_f64(&self) -> Vec<f64> {
        (0..self.numel()).map(|i| self.f64(i)).collect()
    }

    /// The same elements under another shape of as many. `None` where their number differs.
    pub fn reshaped(&self, shape: &[usize]) -> Option<Dense> {
        (shape.iter().product::<usize>() == self.numel())
            .then(|| Dense { shape: shape.into(), ..self.clone() })
    }

    /// The elements cast as the contract defines it.
    pub fn cast(&self, dtype: DType) -> Dense {
        if dtype == self.dtype {
            return self.clone();
        }
        Dense::from_fn(dtype, &self.shape, |i| self.scalar(i))
    }

    /// Elements picked by their row-major index, as a vector.
    pub fn pick(&self, indices: impl IntoIterator<Item = usize>) -> Dense {
        let bytes: Vec<u8> = indices.into_iter().flat_map(|i| self.element(i).iter().copied()).collect();
        let n = bytes.len() / self.dtype.size();
        Dense { dtype: self.dtype, shape: [n].as_slice().into(), bytes: bytes.into() }
    }

    /// The elements broadcast to a shape, written out. The shapes must fit.
    pub fn broadcast_to(&self, shape: &[usize]) -> Dense {
        let lead = shape.len() - self.shape.len();
        let mut index = vec![0; shape.len()];
        let n = shape.iter().product::<usize>();
        let picked = (0..n).map(|_| {
            let mut at = 0;
            for (d, &size) in self.shape.iter().enumerate() {
                at = at * size + if size == 1 { 0 } else { index[lead + d] };
            }
            advance(&mut index, shape);
            at
        });
        let flat = self.pick(picked.collect::<Vec<_>>());
        Dense { shape: shape.into(), ..flat }
    }

    /// Whether the two agree in shape, dtype and bits, any NaN counting as any other.
    pub fn same_bits(&self, other: &Dense) -> bool {
        self.dtype == other.dtype
            && self.shape == other.shape
            && (self.bytes == other.bytes || (0..self.numel()).all(|i| same_element(self, other, i)))
    }
}

fn same_element(a: &Dense, b: &Dense, i: usize) -> bool {
    a.element(i) == b.element(i) || (a.f64(i).is_nan() && b.f64(i).is_nan())
}

fn bytes_of<T: Pod>(values: impl Iterator<Item = T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for v in values {
        bytes.extend_from_slice(bytemuck::bytes_of(&v));
    }
    bytes
}

/// The next index of a shape in row-major order.
pub(crate) fn advance(index: &mut [usize], shape: &[usize]) {
    for (i, &n) in index.iter_mut().zip(shape).rev() {
        *i += 1;
        if *i < n {
            return;
        }
        *i = 0;
    }
}

impl fmt::Debug for Dense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.dtype, self.shape)
    }
}

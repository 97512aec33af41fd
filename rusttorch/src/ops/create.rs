//! Making tensors.

use rusttorch_backend::layout::numel;
use rusttorch_backend::{Allocation, DType, ErrorKind, Layout, Result, Scalar, TensorError};

use super::select::castable;
use crate::backends;
use crate::dispatch;
use crate::storage::{SharedStorage, Storage};
use crate::tensor::{Memory, Tensor, TensorElement};

/// A contiguous tensor of `shape` with the elements of `data`, already in the buffer's form.
pub(crate) fn upload<E: rusttorch_backend::Element>(
    op: &'static str,
    data: &[E],
    shape: &[usize],
) -> Result<Tensor> {
    let n = numel(op, shape)?;
    if n != data.len() {
        return Err(TensorError::new(ErrorKind::Shape, op, "number of elements differs from the shape's")
            .with("elements", data.len())
            .with("shape", shape));
    }
    let backend = backends::current()?;
    dispatch::fresh(op, &backend, shape, E::DTYPE, |mut out| {
        backend.upload(bytemuck::cast_slice(data), out.buffer_mut(), 0)
    })
}

/// A vector of `n` elements that `write` sets, in the backend's memory if that is the host's, else on the way to it.
pub(crate) fn written<E: rusttorch_backend::Element>(
    op: &'static str,
    n: usize,
    write: impl FnOnce(&mut [E]),
) -> Result<Tensor> {
    let backend = backends::current()?;
    dispatch::fresh(op, &backend, &[n], E::DTYPE, |mut out| {
        if let Some(data) = out.host_mut::<E>().ok().and_then(|data| data.get_mut(..n)) {
            write(data);
            return Ok(());
        }
        let mut data = reserve(op, n)?;
        data.resize(n, E::zeroed());
        write(&mut data);
        backend.upload(bytemuck::cast_slice(&data), out.buffer_mut(), 0)
    })
}

/// An empty vector with room for `n` elements. Error: `Memory`, where `Vec` would end the process.
pub(crate) fn reserve<T>(op: &'static str, n: usize) -> Result<Vec<T>> {
    let mut out = Vec::new();
    match out.try_reserve_exact(n) {
        Ok(()) => Ok(out),
        Err(e) => {
            Err(TensorError::new(ErrorKind::Memory, op, "allocation failed").with("elements", n).caused_by(e))
        }
    }
}

/// Creation. New tensors are contiguous and lie in the memory of the backend in force. Errors of all:
/// `Memory` for sizes that overflow or an allocation that fails.
impl Tensor {
    /// From elements in row-major order. Error: `Shape` where their number is not that of the shape.
    pub fn from_vec<T: TensorElement>(data: Vec<T>, shape: &[usize]) -> Result<Tensor> {
        Self::from_slice(&data, shape)
    }

    /// From elements in row-major order. Error: `Shape` where their number is not that of the shape.
    pub fn from_slice<T: TensorElement>(data: &[T], shape: &[usize]) -> Result<Tensor> {
        let data: Vec<T::Element> = data.iter().map(|&v| v.to_element()).collect();
        upload("from_vec", &data, shape)
    }

    /// A 0-d tensor with the dtype of the number's Rust type.
    pub fn scalar<T: TensorElement>(value: T) -> Result<Tensor> {
        upload("tensor", &[value.to_element()], &[])
    }

    /// Raw little-endian elements in row-major order, as files hold them. Error: `Shape` where their number
    /// is not that of the shape.
    pub(crate) fn from_bytes(bytes: &[u8], shape: &[usize], dtype: DType) -> Result<Tensor> {
        let n = numel("from_bytes", shape)?;
        if n.checked_mul(dtype.size()) != Some(bytes.len()) {
            return Err(TensorError::new(
                ErrorKind::Shape,
                "from_bytes",
                "number of bytes differs from the shape's",
            )
            .with("bytes", bytes.len())
            .with("shape", shape)
            .with("dtype", dtype));
        }
        let backend = backends::current()?;
        dispatch::fresh("from_bytes", &backend, shape, dtype, |mut out| {
            backend.upload(bytes, out.buffer_mut(), 0)
        })
    }

    /// The elements in row-major order as raw bytes.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        rusttorch_backend::match_dtype!(self.dtype(), T => {
            Ok(bytemuck::cast_slice(&self.elements::<T>("to_bytes")?).to_vec())
        })
    }

    /// A 0-d tensor of any dtype, the default float for `None`. PyTorch: `torch.scalar_tensor`. Error: `Value`
    /// beyond the range of an integer dtype.
    pub fn scalar_tensor(value: impl Into<Scalar>, dtype: impl Into<Option<DType>>) -> Result<Tensor> {
        Self::full(&[], value, dtype.into().unwrap_or(DType::DEFAULT_FLOAT))
    }

    /// Unspecified elements, of the default float for `None`. PyTorch: `torch.empty`.
    pub fn empty(shape: &[usize], dtype: impl Into<Option<DType>>) -> Result<Tensor> {
        let dtype = dtype.into().unwrap_or(DType::DEFAULT_FLOAT);
        dispatch::fresh("empty", &backends::current()?, shape, dtype, |_| Ok(()))
    }

    /// Every element `value`, cast to `dtype`; for `None` that is the number's own: bool, i64 or the default
    /// float. PyTorch: `torch.full`. Error: `Value` beyond the range of an integer dtype.
    #[inline]
    pub fn full(
        shape: &[usize],
        value: impl Into<Scalar>,
        dtype: impl Into<Option<DType>>,
    ) -> Result<Tensor> {
        let value = value.into();
        let dtype = dtype.into().unwrap_or(value.dtype());
        Self::filled("full", shape, castable("full", value, dtype)?, dtype)
    }

    #[inline]
    fn filled(op: &'static str, shape: &[usize], value: Scalar, dtype: DType) -> Result<Tensor> {
        let backend = backends::current()?;
        dispatch::fresh(op, &backend, shape, dtype, |out| backend.fill(value, out))
    }

    /// One element in memory that stride 0 repeats over `shape`.
    #[inline]
    pub(crate) fn repeated(value: Scalar, dtype: DType, shape: &[usize]) -> Result<Tensor> {
        let backend = backends::current()?;
        let one = Layout::scalar();
        let mut buffer = backend.alloc(dtype.size())?;
        backend.fill(value, rusttorch_backend::ViewMut::new(&mut *buffer, &one, dtype)?)?;
        let layout = if shape.is_empty() { one } else { one.broadcast_to(shape)? };
        Ok(Tensor::from_parts(Memory::Own(SharedStorage::new(Storage::new(buffer, &backend))), layout, dtype))
    }

    /// Zeros, of the default float for `None`. PyTorch: `torch.zeros`.
    pub fn zeros(shape: &[usize], dtype: impl Into<Option<DType>>) -> Result<Tensor> {
        Self::filled("zeros", shape, Scalar::Int(0), dtype.into().unwrap_or(DType::DEFAULT_FLOAT))
    }

    /// Ones, of the default float for `None`. PyTorch: `torch.ones`.
    pub fn ones(shape: &[usize], dtype: impl Into<Option<DType>>) -> Result<Tensor> {
        Self::filled("ones", shape, Scalar::Int(1), dtype.into().unwrap_or(DType::DEFAULT_FLOAT))
    }

    /// Zeros of the shape and dtype of another tensor. PyTorch: `torch.zeros_like`; of another dtype:
    /// [`new_zeros`](Self::new_zeros).
    pub fn zeros_like(like: &Tensor) -> Result<Tensor> {
        Self::full_like(like, 0i64)
    }

    /// Ones of the shape and dtype of another tensor. PyTorch: `torch.ones_like`; of another dtype:
    /// [`new_ones`](Self::new_ones).
    pub fn ones_like(like: &Tensor) -> Result<Tensor> {
        Self::full_like(like, 1i64)
    }

    /// A constant of the shape and dtype of another tensor. PyTorch: `torch.full_like`; of another dtype:
    /// [`new_full`](Self::new_full). Error: `Value` beyond the range of an integer dtype.
    pub fn full_like(like: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        like.new_filled("full_like", like.shape(), value.into(), like.dtype())
    }

    /// Unspecified elements of the shape and dtype of another tensor. PyTorch: `torch.empty_like`; of another
    /// dtype: [`new_empty`](Self::new_empty).
    pub fn empty_like(like: &Tensor) -> Result<Tensor> {
        like.new_empty(like.shape(), None)
    }

    /// Unspecified elements on the device of this tensor, of its dtype for `None`.
    /// PyTorch: `Tensor.new_empty`.
    pub fn new_empty(&self, shape: &[usize], dtype: impl Into<Option<DType>>) -> Result<Tensor> {
        let dtype = dtype.into().unwrap_or(self.dtype());
        dispatch::fresh("empty", &dispatch::backend_of([self])?, shape, dtype, |_| Ok(()))
    }

    /// A constant on the device of this tensor, of its dtype for `None`. PyTorch: `Tensor.new_full`.
    /// Error: `Value` beyond the range of an integer dtype.
    pub fn new_full(
        &self,
        shape: &[usize],
        value: impl Into<Scalar>,
        dtype: impl Into<Option<DType>>,
    ) -> Result<Tensor> {
        self.new_filled("full", shape, value.into(), dtype.into().unwrap_or(self.dtype()))
    }

    /// Zeros on the device of this tensor, of its dtype for `None`. PyTorch: `Tensor.new_zeros`.
    pub fn new_zeros(&self, shape: &[usize], dtype: impl Into<Option<DType>>) -> Result<Tensor> {
        self.new_full(shape, 0i64, dtype)
    }

    /// Ones on the device of this tensor, of its dtype for `None`. PyTorch: `Tensor.new_ones`.
    pub fn new_ones(&self, shape: &[usize], dtype: impl Into<Option<DType>>) -> Result<Tensor> {
        self.new_full(shape, 1i64, dtype)
    }

    /// A copy of the elements of `data`, without its history, cast to the dtype of this tensor for `None`.
    /// PyTorch: `Tensor.new_tensor`.
    pub fn new_tensor(&self, data: &Tensor, dtype: impl Into<Option<DType>>) -> Result<Tensor> {
        dispatch::convert("new_tensor", data, dtype.into().unwrap_or(self.dtype()))
    }

    #[inline]
    fn new_filled(&self, op: &'static str, shape: &[usize], value: Scalar, dtype: DType) -> Result<Tensor> {
        let value = castable(op, value, dtype)?;
        let backend = dispatch::backend_of([self])?;
        dispatch::fresh(op, &backend, shape, dtype, |out| backend.fill(value, out))
    }

    /// Wraps a buffer that a backend made or that foreign memory backs. Error: `Index` where the layout
    /// reaches past its end.
    pub fn from_buffer(buffer: impl Into<Allocation>, layout: Layout, dtype: DType) -> Result<Tensor> {
        let buffer = buffer.into();
        rusttorch_backend::View::new(&*buffer, &layout, dtype)?;
        Ok(Tensor::from_parts(
            Memory::Own(SharedStorage::new(Storage::new(buffer, &backends::current()?))),
            layout,
            dtype,
        ))
    }
}

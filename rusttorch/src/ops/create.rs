//! Making tensors.

use rusttorch_backend::layout::numel;
use rusttorch_backend::{Buffer, DType, ErrorKind, Layout, Result, Scalar, TensorError};

use super::select::castable;
use crate::backends;
use crate::dispatch;
use crate::storage::Storage;
use crate::tensor::{Memory, Tensor, TensorElement};

/// A contiguous tensor of `shape` with the elements of `data`, already in the buffer's form.
fn upload<E: rusttorch_backend::Element>(op: &'static str, data: &[E], shape: &[usize]) -> Result<Tensor> {
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

    /// Unspecified elements. PyTorch: `torch.empty`.
    pub fn empty(shape: &[usize], dtype: DType) -> Result<Tensor> {
        dispatch::fresh("empty", &backends::current()?, shape, dtype, |_| Ok(()))
    }

    /// Every element `value`, cast to `dtype`. PyTorch: `torch.full`. Error: `Value` beyond the range of an
    /// integer dtype.
    #[inline]
    pub fn full(shape: &[usize], value: impl Into<Scalar>, dtype: DType) -> Result<Tensor> {
        Self::filled("full", shape, castable("full", value.into(), dtype)?, dtype)
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
        Ok(Tensor::from_parts(Memory::Own(Storage::new(buffer, &backend)), layout, dtype))
    }

    /// Zeros. PyTorch: `torch.zeros`.
    pub fn zeros(shape: &[usize], dtype: DType) -> Result<Tensor> {
        Self::filled("zeros", shape, Scalar::Int(0), dtype)
    }

    /// Ones. PyTorch: `torch.ones`.
    pub fn ones(shape: &[usize], dtype: DType) -> Result<Tensor> {
        Self::filled("ones", shape, Scalar::Int(1), dtype)
    }

    /// Zeros of the shape and dtype of another tensor. PyTorch: `torch.zeros_like`.
    pub fn zeros_like(like: &Tensor) -> Result<Tensor> {
        Self::full_like(like, 0i64)
    }

    /// Ones of the shape and dtype of another tensor. PyTorch: `torch.ones_like`.
    pub fn ones_like(like: &Tensor) -> Result<Tensor> {
        Self::full_like(like, 1i64)
    }

    /// A constant of the shape and dtype of another tensor. PyTorch: `torch.full_like`. Error: `Value` beyond
    /// the range of an integer dtype.
    pub fn full_like(like: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        let value = castable("full_like", value.into(), like.dtype())?;
        let backend = dispatch::backend_of([like])?;
        dispatch::fresh("full_like", &backend, like.shape(), like.dtype(), |out| backend.fill(value, out))
    }

    /// Unspecified elements of the shape and dtype of another tensor. PyTorch: `torch.empty_like`.
    pub fn empty_like(like: &Tensor) -> Result<Tensor> {
        dispatch::fresh("empty_like", &dispatch::backend_of([like])?, like.shape(), like.dtype(), |_| Ok(()))
    }

    /// `start, start + step, ..` before `end`: `ceil((end - start) / step)` elements. PyTorch: `torch.arange`.
    /// Error: `Value` for step 0, a step away from `end`, or bounds and steps that are not finite.
    pub fn arange(
        start: impl Into<Scalar>,
        end: impl Into<Scalar>,
        step: impl Into<Scalar>,
        dtype: DType,
    ) -> Result<Tensor> {
        const OP: &str = "arange";
        let (start, end, step) = (start.into(), end.into(), step.into());
        let (a, b, s) = (start.to_f64(), end.to_f64(), step.to_f64());
        let fail = |rule| {
            TensorError::new(ErrorKind::Value, OP, rule).with("start", a).with("end", b).with("step", s)
        };
        if !(a.is_finite() && b.is_finite() && s.is_finite()) {
            return Err(fail("bounds and step are not finite"));
        }
        if s == 0.0 || (b - a) * s < 0.0 {
            return Err(fail("step is zero or leads away from the end"));
        }
        let whole = [start, end, step].iter().all(|v| !matches!(v, Scalar::Float(_)));
        let count = if whole {
            let span = end.to_i64() as i128 - start.to_i64() as i128;
            let step = step.to_i64() as i128;
            ((span + step - step.signum()) / step) as f64
        } else {
            ((b - a) / s).ceil()
        };
        if count > isize::MAX as f64 {
            return Err(TensorError::new(ErrorKind::Memory, OP, "number of elements overflows")
                .with("elements", count));
        }
        let count = count as usize;
        rusttorch_backend::match_dtype!(dtype, T => {
            // Reserved by hand, so that a size beyond memory is an error.
            let mut data: Vec<T> = Vec::new();
            data.try_reserve_exact(count).map_err(|e| {
                TensorError::new(ErrorKind::Memory, OP, "allocation failed").with("elements", count).caused_by(e)
            })?;
            for i in 0..count {
                let value = if whole {
                    Scalar::Int(start.to_i64().wrapping_add((i as i64).wrapping_mul(step.to_i64())))
                } else {
                    Scalar::Float(a + i as f64 * s)
                };
                data.push(<T as rusttorch_backend::Element>::from_scalar(value));
            }
            upload(OP, &data, &[count])
        })
    }

    /// The identity matrix `[n, n]`. PyTorch: `torch.eye`.
    pub fn eye(n: usize, dtype: DType) -> Result<Tensor> {
        let out = Self::filled("eye", &[n, n], Scalar::Int(0), dtype)?;
        out.detach().diagonal(0, 0, 1)?.fill_(1i64)?;
        Ok(out)
    }

    /// Wraps a buffer that a backend made or that foreign memory backs. Error: `Index` where the layout
    /// reaches past its end.
    pub fn from_buffer(buffer: Box<dyn Buffer>, layout: Layout, dtype: DType) -> Result<Tensor> {
        rusttorch_backend::View::new(&*buffer, &layout, dtype)?;
        Ok(Tensor::from_parts(Memory::Own(Storage::new(buffer, &backends::current()?)), layout, dtype))
    }
}

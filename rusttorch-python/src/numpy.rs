//! Tensors in memory that Python objects with the buffer protocol own, NumPy's arrays above all.
//!
//! Neither side locks the other out: as between NumPy and PyTorch, it is the program's business that an array is not written
//! on one thread while an op runs on it on another.

use std::any::Any;
use std::ptr::NonNull;

use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use rusttorch::backend::HostBuffer;
use rusttorch::backend::layout::{Shape, Strides};
use rusttorch::{DType, Layout, Tensor};

use crate::error::guard;
use crate::tensor::PyTensor;

/// Where foreign elements lie.
pub(crate) struct Place {
    /// The address of the element whose indices are all 0. Not read where there are no elements.
    pub(crate) first: *mut u8,
    pub(crate) shape: Shape,
    /// In elements.
    pub(crate) strides: Strides,
    pub(crate) dtype: DType,
    pub(crate) read_only: bool,
}

/// A tensor in the memory of somebody else, which `owner` keeps alive. Error: `ValueError` for elements that are not
/// aligned.
///
/// # Safety
/// Until `owner` is dropped, from any thread, the elements of `place` must be valid for reads, and for writes unless it says
/// read-only, and initialised. That nobody else accesses them during an op is the program's business.
pub(crate) unsafe fn adopt(place: Place, owner: Box<dyn Any + Send + Sync>) -> PyResult<Tensor> {
    let Place { first, shape, strides, dtype, read_only } = place;
    let size = dtype.size();
    let empty = shape.contains(&0);
    let reach = |sign: isize| {
        let step = |(&n, &stride): (&usize, &isize)| (stride * sign).max(0).unsigned_abs() * (n.max(1) - 1);
        if empty { 0 } else { shape.iter().zip(&strides).map(step).sum::<usize>() }
    };
    let (below, above) = (reach(-1), reach(1));
    let bytes = if empty { 0 } else { (below + above + 1) * size };
    let lowest = first.wrapping_sub(below * size);
    if bytes > 0 && lowest.addr() % size != 0 {
        return Err(PyValueError::new_err("the elements are not aligned; copy the array first"));
    }
    // That of no elements is aligned for those of every dtype.
    let nowhere = NonNull::<u64>::dangling().cast::<u8>();
    let lowest = NonNull::new(lowest).filter(|_| bytes > 0).unwrap_or(nowhere);
    // SAFETY: the caller vouches for every element of `place`; the range is the smallest that holds all of them. Gaps
    // between them belong to the same allocation of the owner, which has to be initialised as far as Rust reads it: kernels
    // read elements alone.
    let buffer = unsafe { HostBuffer::from_foreign(lowest, bytes, read_only, owner) };
    guard(|| Tensor::from_buffer(buffer, Layout::new("from_foreign", shape, strides, below)?, dtype))
}

/// The dtype of elements of a format of Python's `struct`.
fn dtype_of(format: &str, size: usize) -> Option<DType> {
    let native = if cfg!(target_endian = "big") { '>' } else { '<' };
    let code = format.strip_prefix(['@', '=', native]).unwrap_or(format);
    Some(match (code, size) {
        ("?", 1) => DType::Bool,
        ("B", 1) => DType::U8,
        ("b", 1) => DType::I8,
        ("h", 2) => DType::I16,
        ("i" | "l" | "q", 4) => DType::I32,
        ("l" | "q", 8) => DType::I64,
        ("e", 2) => DType::F16,
        ("f", 4) => DType::F32,
        ("d", 8) => DType::F64,
        _ => return None,
    })
}

/// A tensor in the memory of an object that has the buffer protocol. Errors: `TypeError` for objects without it and for
/// elements that no dtype describes, `ValueError` for strides that are no multiples of the elements' size.
pub(crate) fn share(object: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    let refused = || {
        let class = object.get_type().name().map_or_else(|_| "object".to_owned(), |n| n.to_string());
        let dtype = object
            .getattr("dtype")
            .and_then(|d| d.str())
            .map_or_else(|_| "unknown".to_owned(), |d| d.to_string());
        PyTypeError::new_err(format!("can't convert {class} of type {dtype} to a tensor"))
    };
    // The view of a 0-d array has no shape, which is not every reader's taste; that of a 1-d one in its memory has.
    let scalar = object.getattr("ndim").and_then(|n| n.extract::<usize>()).is_ok_and(|n| n == 0);
    let viewed = if scalar { object.call_method1("reshape", (1,))? } else { object.clone() };
    let buffer = PyUntypedBuffer::get(&viewed).map_err(|_| refused())?;
    let size = buffer.item_size();
    let dtype = buffer.format().to_str().ok().and_then(|f| dtype_of(f, size)).ok_or_else(refused)?;
    let step = |&stride: &isize| {
        let size = size as isize;
        let whole = stride % size == 0;
        whole.then_some(stride / size).ok_or_else(|| {
            PyValueError::new_err(format!(
                "strides must be multiples of the elements' size: {stride} bytes, {size}"
            ))
        })
    };
    let place = Place {
        first: buffer.buf_ptr().cast(),
        shape: if scalar { Shape::new() } else { buffer.shape().iter().copied().collect() },
        strides: match buffer.item_count() {
            _ if scalar => Strides::new(),
            // Strides of an empty array mean nothing, and need not be multiples.
            0 => rusttorch::backend::layout::contiguous_strides(buffer.shape()),
            _ => buffer.strides().iter().map(step).collect::<PyResult<_>>()?,
        },
        dtype,
        read_only: buffer.readonly(),
    };
    // SAFETY: the buffer protocol keeps the memory valid until the buffer is released, which dropping the owner does.
    unsafe { adopt(place, Box::new(buffer)) }
}

/// `torch.from_numpy`: a tensor that shares the memory of an array. A read-only array gives a tensor that cannot be written.
#[pyfunction]
pub(crate) fn from_numpy(array: &Bound<'_, PyAny>) -> PyResult<PyTensor> {
    // Whoever has an array has imported NumPy.
    if !array.hasattr("__array_interface__")?
        || !array.is_instance(&array.py().import("numpy")?.getattr("ndarray")?)?
    {
        return Err(PyTypeError::new_err(format!("expected np.ndarray (got {})", array.get_type().name()?)));
    }
    share(array).map(PyTensor::of)
}

/// `torch.frombuffer`: a 1-d tensor that shares the memory of any object with the buffer protocol.
#[pyfunction]
#[pyo3(signature = (buffer, *, dtype, count = -1, offset = 0))]
pub(crate) fn frombuffer(
    buffer: &Bound<'_, PyAny>,
    dtype: &Bound<'_, crate::dtype::PyDType>,
    count: isize,
    offset: usize,
) -> PyResult<PyTensor> {
    let dtype = dtype.get().0;
    let bytes = PyUntypedBuffer::get(buffer)?;
    if !bytes.is_c_contiguous() {
        return Err(PyValueError::new_err("frombuffer(): the buffer must be contiguous"));
    }
    let rest = bytes.len_bytes().checked_sub(offset).ok_or_else(|| {
        PyValueError::new_err(format!(
            "frombuffer(): offset {offset} is beyond the buffer's {} bytes",
            bytes.len_bytes()
        ))
    })?;
    let n = match usize::try_from(count) {
        Ok(n) if n.checked_mul(dtype.size()).is_some_and(|need| need <= rest) => n,
        Ok(n) => {
            return Err(PyValueError::new_err(format!(
                "frombuffer(): {n} elements of {dtype} do not fit in {rest} bytes"
            )));
        }
        Err(_) if rest % dtype.size() == 0 => rest / dtype.size(),
        Err(_) => {
            return Err(PyValueError::new_err(format!(
                "frombuffer(): {rest} bytes are no whole number of {dtype}"
            )));
        }
    };
    let place = Place {
        first: bytes.buf_ptr().cast::<u8>().wrapping_add(offset),
        shape: [n].into_iter().collect(),
        strides: [1].into_iter().collect(),
        dtype,
        read_only: bytes.readonly(),
    };
    // SAFETY: `n` elements lie in the buffer, whose memory is valid until it is released with the owner. Every bit pattern is
    // an element of every dtype.
    unsafe { adopt(place, Box::new(bytes)) }.map(PyTensor::of)
}

//! The buffer protocol: tensors as memory that NumPy and `memoryview` read and write.

use std::ffi::{CStr, c_int, c_void};
use std::ptr;

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use rusttorch::{DType, Tensor};

use crate::error::guard;
use crate::tensor::PyTensor;

/// What a view of a tensor refers to, for as long as somebody holds it.
struct Exported {
    /// Keeps the memory.
    _tensor: Tensor,
    shape: Vec<ffi::Py_ssize_t>,
    /// In bytes.
    strides: Vec<ffi::Py_ssize_t>,
}

/// The format by which Python's `struct` knows a dtype; there is none for bfloat16.
fn format_of(dtype: DType) -> Option<&'static CStr> {
    Some(match dtype {
        DType::Bool => c"?",
        DType::U8 => c"B",
        DType::I8 => c"b",
        DType::I16 => c"h",
        DType::I32 => c"i",
        DType::I64 => c"q",
        DType::F16 => c"e",
        DType::F32 => c"f",
        DType::F64 => c"d",
        DType::BF16 => return None,
    })
}

/// A tensor's memory, with what a consumer asks for. Error: `BufferError` where it cannot be had.
fn describe(t: &Tensor, flags: c_int) -> PyResult<(Exported, *mut u8, bool, &'static CStr)> {
    let format = format_of(t.dtype()).ok_or_else(|| {
        PyBufferError::new_err(format!("the buffer protocol has no format for {}", t.dtype()))
    })?;
    if t.requires_grad() {
        return Err(PyBufferError::new_err(
            "a tensor that requires grad gives no buffer; use tensor.detach()",
        ));
    }
    let (base, read_only) = guard(|| t.export())?;
    if read_only && flags & ffi::PyBUF_WRITABLE != 0 {
        return Err(PyBufferError::new_err("the tensor is read-only"));
    }
    let wants_strides = flags & ffi::PyBUF_STRIDES == ffi::PyBUF_STRIDES;
    let c_order = flags & ffi::PyBUF_C_CONTIGUOUS == ffi::PyBUF_C_CONTIGUOUS;
    if (!wants_strides || c_order) && !t.is_contiguous() {
        return Err(PyBufferError::new_err("the tensor is not contiguous"));
    }
    let f_order = flags & ffi::PyBUF_F_CONTIGUOUS == ffi::PyBUF_F_CONTIGUOUS;
    if f_order && !fortran(t) {
        return Err(PyBufferError::new_err("the tensor is not contiguous in column-major order"));
    }
    let size = t.dtype().size();
    let exported = Exported {
        _tensor: t.clone(),
        shape: t.shape().iter().map(|&n| n as ffi::Py_ssize_t).collect(),
        strides: t.strides().iter().map(|&s| s * size as isize).collect(),
    };
    let first = base.as_ptr().wrapping_add(t.layout().offset() * size);
    Ok((exported, first, read_only, format))
}

/// Whether the elements lie in column-major order without gaps.
fn fortran(t: &Tensor) -> bool {
    let mut expected = 1isize;
    t.numel() == 0
        || t.shape().iter().zip(t.strides()).all(|(&n, &stride)| {
            let fits = n == 1 || stride == expected;
            expected *= n as isize;
            fits
        })
}

#[pymethods]
impl PyTensor {
    /// # Safety
    /// As the buffer protocol has it: `view` is null or a place for a view that is not in use.
    #[allow(clippy::multiple_unsafe_ops_per_block, reason = "one struct is filled in, under one argument")]
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("there is no place for the view"));
        }
        let t = &slf.get().0;
        let filled = describe(t, flags);
        let (exported, first, read_only, format) = match filled {
            Ok(filled) => filled,
            Err(e) => {
                // SAFETY: `view` is not null, and a view that could not be had has no object.
                unsafe { (*view).obj = ptr::null_mut() };
                return Err(e);
            }
        };
        let (rank, bytes) = (t.rank() as c_int, (t.numel() * t.dtype().size()) as ffi::Py_ssize_t);
        let exported = Box::into_raw(Box::new(exported));
        let wanted = |flag: c_int| flags & flag == flag;
        // SAFETY: `view` is not null and the consumer's to be filled. `exported` is a live box; its vectors stay where they
        // are until `__releasebuffer__` drops it, and `first` is an address in memory that its tensor keeps alive. The view
        // owns the reference to the tensor that `into_ptr` gives up.
        unsafe {
            (*view).obj = slf.clone().into_any().into_ptr();
            (*view).buf = first.cast::<c_void>();
            (*view).len = bytes;
            (*view).readonly = c_int::from(read_only);
            (*view).itemsize = t.dtype().size() as ffi::Py_ssize_t;
            (*view).format =
                if wanted(ffi::PyBUF_FORMAT) { format.as_ptr().cast_mut() } else { ptr::null_mut() };
            (*view).ndim = rank;
            (*view).shape =
                if wanted(ffi::PyBUF_ND) { (*exported).shape.as_mut_ptr() } else { ptr::null_mut() };
            (*view).strides =
                if wanted(ffi::PyBUF_STRIDES) { (*exported).strides.as_mut_ptr() } else { ptr::null_mut() };
            (*view).suboffsets = ptr::null_mut();
            (*view).internal = exported.cast::<c_void>();
        }
        Ok(())
    }

    /// # Safety
    /// As the buffer protocol has it: `view` was filled in by `__getbuffer__` and is released once.
    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: `view` is one that `__getbuffer__` filled in.
        let exported = unsafe { (*view).internal }.cast::<Exported>();
        // SAFETY: `__getbuffer__` made it of a box, and views are released once.
        drop(unsafe { Box::from_raw(exported) });
    }
}

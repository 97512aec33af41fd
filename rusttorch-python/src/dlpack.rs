//! DLPack, both ways, versioned and legacy: tensors that share memory with any other package that speaks it.
//!
//! The structs are those of `dlpack.h`, version 1.0.

use std::ffi::{CStr, c_void};
use std::ptr::{self, NonNull};

use pyo3::exceptions::{PyBufferError, PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyTuple};
use rusttorch::{DType, Tensor};

use crate::error::guard;
use crate::numpy::{Place, adopt};
use crate::tensor::PyTensor;

const CPU: i32 = 1;
/// Host memory that a GPU can reach.
const CPU_PINNED: i32 = 3;
const READ_ONLY: u64 = 1;
const COPIED: u64 = 2;

const LEGACY: &CStr = c"dltensor";
const LEGACY_USED: &CStr = c"used_dltensor";
const VERSIONED: &CStr = c"dltensor_versioned";
const VERSIONED_USED: &CStr = c"used_dltensor_versioned";

#[repr(C)]
#[derive(Clone, Copy)]
struct Device {
    kind: i32,
    id: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct DataType {
    code: u8,
    bits: u8,
    lanes: u16,
}

#[repr(C)]
struct DlTensor {
    data: *mut c_void,
    device: Device,
    ndim: i32,
    dtype: DataType,
    shape: *mut i64,
    /// Null for row-major order.
    strides: *mut i64,
    byte_offset: u64,
}

#[repr(C)]
struct Legacy {
    tensor: DlTensor,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Legacy)>,
}

#[repr(C)]
struct Versioned {
    major: u32,
    minor: u32,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Versioned)>,
    flags: u64,
    tensor: DlTensor,
}

/// What an exported tensor refers to.
struct Exported {
    /// Keeps the memory.
    _tensor: Tensor,
    shape: Vec<i64>,
    strides: Vec<i64>,
}

/// Codes and widths of the dtypes.
const DTYPES: [(DType, u8, u8); 10] = [
    (DType::Bool, 6, 8),
    (DType::U8, 1, 8),
    (DType::I8, 0, 8),
    (DType::I16, 0, 16),
    (DType::I32, 0, 32),
    (DType::I64, 0, 64),
    (DType::F16, 2, 16),
    (DType::BF16, 4, 16),
    (DType::F32, 2, 32),
    (DType::F64, 2, 64),
];

/// The description of a tensor, and what it refers to.
fn describe(t: &Tensor) -> PyResult<(DlTensor, Box<Exported>, bool)> {
    let (base, read_only) = guard(|| t.export())?;
    let mut exported = Box::new(Exported {
        _tensor: t.clone(),
        shape: t.shape().iter().map(|&n| n as i64).collect(),
        strides: t.strides().iter().map(|&s| s as i64).collect(),
    });
    let (code, bits) =
        DTYPES.iter().find(|(d, ..)| *d == t.dtype()).map_or((0, 0), |&(_, code, bits)| (code, bits));
    let offset = t.layout().offset() * t.dtype().size();
    let data = if t.numel() == 0 { ptr::null_mut() } else { base.as_ptr().wrapping_add(offset) };
    let tensor = DlTensor {
        data: data.cast(),
        device: Device { kind: CPU, id: 0 },
        ndim: t.rank() as i32,
        dtype: DataType { code, bits, lanes: 1 },
        shape: exported.shape.as_mut_ptr(),
        strides: exported.strides.as_mut_ptr(),
        byte_offset: 0,
    };
    Ok((tensor, exported, read_only))
}

/// Frees what [`describe`] made.
///
/// # Safety
/// `context` must be the box of an [`Exported`] that nobody has freed.
unsafe fn free_exported(context: *mut c_void) {
    // SAFETY: the caller vouches for it.
    drop(unsafe { Box::from_raw(context.cast::<Exported>()) });
}

unsafe extern "C" fn delete_legacy(managed: *mut Legacy) {
    // SAFETY: DLPack calls the deleter once, with the pointer that was exported, which `export_legacy` made of a box.
    let managed = unsafe { Box::from_raw(managed) };
    // SAFETY: `export_legacy` made the context of a box.
    unsafe { free_exported(managed.context) };
}

unsafe extern "C" fn delete_versioned(managed: *mut Versioned) {
    // SAFETY: DLPack calls the deleter once, with the pointer that was exported, which `export_versioned` made of a box.
    let managed = unsafe { Box::from_raw(managed) };
    // SAFETY: `export_versioned` made the context of a box.
    unsafe { free_exported(managed.context) };
}

/// Runs when a capsule dies: if nobody consumed it, nobody else will free what it holds.
unsafe extern "C" fn drop_legacy(capsule: *mut ffi::PyObject) {
    // SAFETY: `capsule` is a capsule that is being destroyed, and the name a constant.
    if unsafe { ffi::PyCapsule_IsValid(capsule, LEGACY.as_ptr()) } == 0 {
        return;
    }
    // SAFETY: it is valid under this name, so it holds what was put in.
    let managed = unsafe { ffi::PyCapsule_GetPointer(capsule, LEGACY.as_ptr()) };
    // SAFETY: a capsule that still has its first name was not consumed, so its deleter has not run.
    unsafe { delete_legacy(managed.cast()) };
}

/// As [`drop_legacy`].
unsafe extern "C" fn drop_versioned(capsule: *mut ffi::PyObject) {
    // SAFETY: `capsule` is a capsule that is being destroyed, and the name a constant.
    if unsafe { ffi::PyCapsule_IsValid(capsule, VERSIONED.as_ptr()) } == 0 {
        return;
    }
    // SAFETY: it is valid under this name, so it holds what was put in.
    let managed = unsafe { ffi::PyCapsule_GetPointer(capsule, VERSIONED.as_ptr()) };
    // SAFETY: a capsule that still has its first name was not consumed, so its deleter has not run.
    unsafe { delete_versioned(managed.cast()) };
}

fn export_legacy<'py>(py: Python<'py>, t: &Tensor) -> PyResult<Bound<'py, PyCapsule>> {
    let (tensor, exported, read_only) = describe(t)?;
    if read_only {
        return Err(PyBufferError::new_err("a read-only tensor needs DLPack 1.0 (max_version)"));
    }
    let context = Box::into_raw(exported).cast();
    let managed =
        NonNull::from(Box::leak(Box::new(Legacy { tensor, context, deleter: Some(delete_legacy) })));
    // SAFETY: `managed` stays valid until its deleter runs, which the destructor calls unless a consumer has it.
    unsafe { PyCapsule::new_with_pointer_and_destructor(py, managed.cast(), LEGACY, Some(drop_legacy)) }
}

fn export_versioned<'py>(py: Python<'py>, t: &Tensor, copied: bool) -> PyResult<Bound<'py, PyCapsule>> {
    let (tensor, exported, read_only) = describe(t)?;
    let flags = if read_only { READ_ONLY } else { 0 } | if copied { COPIED } else { 0 };
    let context = Box::into_raw(exported).cast();
    let managed = Versioned { major: 1, minor: 0, context, deleter: Some(delete_versioned), flags, tensor };
    let managed = NonNull::from(Box::leak(Box::new(managed)));
    // SAFETY: `managed` stays valid until its deleter runs, which the destructor calls unless a consumer has it.
    unsafe { PyCapsule::new_with_pointer_and_destructor(py, managed.cast(), VERSIONED, Some(drop_versioned)) }
}

#[pymethods]
impl PyTensor {
    #[pyo3(signature = (*, stream = None, max_version = None, dl_device = None, copy = None))]
    fn __dlpack__<'py>(
        &self,
        py: Python<'py>,
        stream: Option<&Bound<'py, PyAny>>,
        max_version: Option<(u32, u32)>,
        dl_device: Option<(i32, i32)>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        if stream.is_some_and(|s| !s.is_none()) {
            return Err(PyBufferError::new_err("the CPU has no streams"));
        }
        if dl_device.is_some_and(|(kind, _)| kind != CPU) {
            return Err(PyBufferError::new_err(
                "the tensor lies on the CPU and cannot be exported to another device",
            ));
        }
        if self.0.requires_grad() {
            return Err(PyBufferError::new_err(
                "Can't export tensors that require gradient, use tensor.detach()",
            ));
        }
        let copied = copy == Some(true);
        let t = if copied { guard(|| self.0.detach().copy())? } else { self.0.clone() };
        match max_version {
            Some((major, _)) if major >= 1 => export_versioned(py, &t, copied),
            _ => export_legacy(py, &t),
        }
    }

    fn __dlpack_device__(&self) -> (i32, i32) {
        (CPU, 0)
    }
}

/// What somebody else exported; dropping it runs their deleter, once.
struct Imported<T> {
    managed: NonNull<T>,
    delete: fn(NonNull<T>),
}

// SAFETY: DLPack lets the deleter run on any thread, and nothing else is done with the pointer.
unsafe impl<T> Send for Imported<T> {}
// SAFETY: a shared `Imported` gives access to nothing.
unsafe impl<T> Sync for Imported<T> {}

impl<T> Drop for Imported<T> {
    fn drop(&mut self) {
        (self.delete)(self.managed);
    }
}

fn run_legacy(managed: NonNull<Legacy>) {
    // SAFETY: what a producer exported is valid until its deleter runs, and `Imported` alone runs it.
    let deleter = unsafe { managed.as_ref() }.deleter;
    if let Some(deleter) = deleter {
        // SAFETY: as above: this is the one call.
        unsafe { deleter(managed.as_ptr()) };
    }
}

fn run_versioned(managed: NonNull<Versioned>) {
    // SAFETY: what a producer exported is valid until its deleter runs, and `Imported` alone runs it.
    let deleter = unsafe { managed.as_ref() }.deleter;
    if let Some(deleter) = deleter {
        // SAFETY: as above: this is the one call.
        unsafe { deleter(managed.as_ptr()) };
    }
}

/// Takes what a capsule holds and marks it as consumed, so that its destructor leaves it alone.
fn take<T>(capsule: &Bound<'_, PyCapsule>, name: &'static CStr, used: &'static CStr) -> PyResult<NonNull<T>> {
    let managed = capsule.pointer_checked(Some(name))?.cast::<T>();
    // SAFETY: it is a capsule, and the name a constant.
    let failed = unsafe { ffi::PyCapsule_SetName(capsule.as_ptr(), used.as_ptr()) };
    if failed == 0 { Ok(managed) } else { Err(PyErr::fetch(capsule.py())) }
}

/// Where the elements of an imported tensor lie. Error: `BufferError` for another device and for elements that no dtype
/// describes.
///
/// # Safety
/// `tensor` must be as DLPack describes it: `shape` and `strides` point to `ndim` numbers, or are null.
unsafe fn place_of(tensor: &DlTensor, read_only: bool) -> PyResult<Place> {
    if !matches!(tensor.device.kind, CPU | CPU_PINNED) {
        return Err(PyBufferError::new_err(format!("device type {} is not the CPU", tensor.device.kind)));
    }
    let DataType { code, bits, lanes } = tensor.dtype;
    let dtype = DTYPES.iter().find(|(_, c, b)| (*c, *b) == (code, bits) && lanes == 1).ok_or_else(|| {
        PyBufferError::new_err(format!("no dtype has DLPack code {code} with {bits} bits and {lanes} lanes"))
    })?;
    let rank = usize::try_from(tensor.ndim).map_err(|_| PyBufferError::new_err("ndim is negative"))?;
    let list = |start: *mut i64| match rank {
        0 => Vec::new(),
        // SAFETY: the caller vouches for `rank` numbers where the pointer is not null, which is checked before.
        n => unsafe { std::slice::from_raw_parts(start, n) }.to_vec(),
    };
    if rank > 0 && tensor.shape.is_null() {
        return Err(PyBufferError::new_err("shape is null"));
    }
    let shape = list(tensor.shape);
    let sizes =
        shape.iter().map(|&n| usize::try_from(n)).collect::<Result<rusttorch::backend::layout::Shape, _>>();
    let shape = sizes.map_err(|_| PyBufferError::new_err("a size is negative"))?;
    let strides = match tensor.strides.is_null() || shape.contains(&0) {
        true => rusttorch::backend::layout::contiguous_strides(&shape),
        false => list(tensor.strides).into_iter().map(|s| s as isize).collect(),
    };
    let first = tensor.data.cast::<u8>().wrapping_add(tensor.byte_offset as usize);
    Ok(Place { first, shape, strides, dtype: dtype.0, read_only })
}

/// A tensor that shares the memory of what a capsule holds. Errors: `BufferError`.
fn import(capsule: &Bound<'_, PyCapsule>) -> PyResult<Tensor> {
    if capsule.is_valid_checked(Some(VERSIONED)) {
        let managed = take::<Versioned>(capsule, VERSIONED, VERSIONED_USED)?;
        let owner = Imported { managed, delete: run_versioned };
        // SAFETY: the producer keeps what it exported valid until the deleter runs, which `owner` does. Only the version
        // may be looked at before it is known.
        let major = unsafe { (*managed.as_ptr()).major };
        if major != 1 {
            return Err(PyBufferError::new_err(format!("DLPack {major} is not known here")));
        }
        // SAFETY: as above, and it is a version whose struct this is.
        let it = unsafe { managed.as_ref() };
        // SAFETY: a producer fills the struct in as DLPack describes it.
        let place = unsafe { place_of(&it.tensor, it.flags & READ_ONLY != 0) }?;
        // SAFETY: DLPack has the elements valid until the deleter runs, which dropping the owner does.
        return unsafe { adopt(place, Box::new(owner)) };
    }
    if capsule.is_valid_checked(Some(LEGACY)) {
        let managed = take::<Legacy>(capsule, LEGACY, LEGACY_USED)?;
        let owner = Imported { managed, delete: run_legacy };
        // SAFETY: the producer keeps what it exported valid until the deleter runs, which `owner` does.
        let it = unsafe { managed.as_ref() };
        // SAFETY: a producer fills the struct in as DLPack describes it.
        let place = unsafe { place_of(&it.tensor, false) }?;
        // SAFETY: DLPack has the elements valid until the deleter runs, which dropping the owner does.
        return unsafe { adopt(place, Box::new(owner)) };
    }
    Err(PyBufferError::new_err("the capsule holds no DLPack tensor, or one that was consumed already"))
}

/// `torch.from_dlpack`: a tensor that shares the memory of any object with `__dlpack__`, or of a capsule.
#[pyfunction]
#[pyo3(signature = (ext_tensor, *, device = None, copy = None))]
pub(crate) fn from_dlpack(
    ext_tensor: &Bound<'_, PyAny>,
    device: Option<&Bound<'_, PyAny>>,
    copy: Option<bool>,
) -> PyResult<PyTensor> {
    device.map_or(Ok(()), crate::device::accept)?;
    let py = ext_tensor.py();
    if let Ok(capsule) = ext_tensor.cast::<PyCapsule>() {
        return import(capsule).map(PyTensor::of);
    }
    if !ext_tensor.hasattr("__dlpack__")? {
        return Err(PyRuntimeError::new_err(format!("{} has no __dlpack__", ext_tensor.get_type().name()?)));
    }
    let (kind, _): (i32, i32) = ext_tensor.call_method0("__dlpack_device__")?.extract()?;
    if !matches!(kind, CPU | CPU_PINNED) {
        return Err(PyBufferError::new_err(format!("device type {kind} is not the CPU")));
    }
    let keywords = PyDict::new(py);
    keywords.set_item("max_version", PyTuple::new(py, [1, 0])?)?;
    if let Some(copy) = copy {
        keywords.set_item("copy", copy)?;
    }
    let capsule = match ext_tensor.call_method("__dlpack__", (), Some(&keywords)) {
        // An older producer, which knows no versions.
        Err(e) if e.is_instance_of::<PyTypeError>(py) && copy.is_none() => {
            ext_tensor.call_method0("__dlpack__")?
        }
        other => other?,
    };
    import(&capsule.cast_into::<PyCapsule>()?).map(PyTensor::of)
}

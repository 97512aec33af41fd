//! The class `Tensor`: what it is made of and what it says about itself.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyIndexError, PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyWeakrefMethods, PyWeakrefReference};
use rusttorch::catalogue::Value;
use rusttorch::{DType, Tensor};

use crate::device::PyDevice;
use crate::dtype::{self, PyDType};
use crate::error::guard;
use crate::value::{from_python, size, tensor};

/// An n-dimensional array of one dtype: `torch.Tensor`.
#[pyclass(name = "Tensor", module = "rusttorch", subclass, frozen, weakref)]
pub(crate) struct PyTensor(pub(crate) Tensor, Seen);

/// The object that stands for a gradient, while anybody has it, so that `x.grad is x.grad`.
#[derive(Default)]
struct Seen(Mutex<Option<Py<PyWeakrefReference>>>);

impl Seen {
    fn lock(&self) -> MutexGuard<'_, Option<Py<PyWeakrefReference>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object of this tensor. What runs in Python meanwhile may ask for it, too, so nothing is locked then.
    fn find<'py>(&self, py: Python<'py>, grad: &Tensor) -> Option<Bound<'py, PyAny>> {
        let kept = self.lock().as_ref().map(|kept| kept.clone_ref(py))?;
        kept.bind(py)
            .upgrade()
            .filter(|object| object.cast::<PyTensor>().is_ok_and(|t| t.get().0.is_same(grad)))
    }

    fn keep(&self, object: &Bound<'_, PyAny>) -> PyResult<()> {
        let kept = PyWeakrefReference::new(object)?.unbind();
        let before = self.lock().replace(kept);
        drop(before);
        Ok(())
    }
}

impl PyTensor {
    pub(crate) fn of(t: Tensor) -> PyTensor {
        PyTensor(t, Seen::default())
    }
}

/// What made a tensor that is no leaf.
#[pyclass(name = "Node", module = "rusttorch.autograd.graph", frozen)]
struct PyNode(String);

#[pymethods]
impl PyNode {
    fn name(&self) -> &str {
        &self.0
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        format!("<{} object at {:p}>", slf.get().0, slf.as_ptr())
    }
}

#[pymethods]
impl PyTensor {
    /// `Tensor(2, 3)` has these sizes, `Tensor([1, 2])` these elements, both as float32; `Tensor(t)` is another handle of
    /// the memory of `t`.
    #[new]
    #[pyo3(signature = (*args, device = None))]
    fn new(args: &Bound<'_, PyTuple>, device: Option<&Bound<'_, PyAny>>) -> PyResult<PyTensor> {
        device.map_or(Ok(()), crate::device::accept)?;
        let find = |path| rusttorch::catalogue::find(path).ok_or_else(|| PyRuntimeError::new_err(path));
        if args.len() == 1 {
            match from_python(&args.get_item(0)?)? {
                Value::Tensor(t) => return guard(|| t.detach().requires_grad_(false)).map(PyTensor::of),
                list @ Value::List(_) => {
                    let float = [("dtype", Value::DType(DType::F32))];
                    let made =
                        guard(|| find("torch.tensor").map_err(crate::error::carry)?.call(&[list], &float))?;
                    return made
                        .tensor()
                        .cloned()
                        .map(PyTensor::of)
                        .ok_or_else(|| PyTypeError::new_err("Tensor()"));
                }
                _ => {}
            }
        }
        let sizes = args.iter().map(|v| v.extract::<usize>()).collect::<PyResult<Vec<_>>>()?;
        let shape = if sizes.is_empty() { vec![0] } else { sizes };
        guard(|| Tensor::empty(&shape, DType::F32)).map(PyTensor::of)
    }

    #[classmethod]
    fn __class_getitem__<'py>(
        class: &Bound<'py, pyo3::types::PyType>,
        _item: &Bound<'py, PyAny>,
    ) -> Bound<'py, pyo3::types::PyType> {
        class.clone()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        crate::call::detached(py, self.0.numel(), || Ok(self.0.to_string()))
    }

    /// A tensor is equal to itself alone, as keys of dictionaries go.
    fn __hash__(slf: &Bound<'_, Self>) -> isize {
        slf.as_ptr() as isize >> 4
    }

    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        size(py, self.0.shape())
    }

    #[pyo3(name = "size", signature = (dim = None))]
    fn py_size<'py>(&self, py: Python<'py>, dim: Option<isize>) -> PyResult<Bound<'py, PyAny>> {
        match dim {
            None => size(py, self.0.shape()),
            Some(dim) => Ok(guard(|| self.0.size(dim))?.into_pyobject(py)?.into_any()),
        }
    }

    #[pyo3(signature = (dim = None))]
    fn stride<'py>(&self, py: Python<'py>, dim: Option<isize>) -> PyResult<Bound<'py, PyAny>> {
        let strides = self.0.strides();
        match dim {
            None => Ok(PyTuple::new(py, strides)?.into_any()),
            Some(dim) => {
                let rank = strides.len() as isize;
                let at = if dim < 0 { dim + rank } else { dim };
                let stride = usize::try_from(at).ok().and_then(|at| strides.get(at)).ok_or_else(|| {
                    PyIndexError::new_err(format!("stride: dimension out of range: dim {dim}, rank {rank}"))
                })?;
                Ok(stride.into_pyobject(py)?.into_any())
            }
        }
    }

    fn storage_offset(&self) -> usize {
        self.0.layout().offset()
    }

    /// The address of the first element.
    fn data_ptr(&self) -> PyResult<usize> {
        if self.0.numel() == 0 {
            return Ok(0);
        }
        let (base, _) = guard(|| self.0.export())?;
        Ok(base.as_ptr().addr() + self.0.layout().offset() * self.0.dtype().size())
    }

    #[getter]
    fn dtype(&self, py: Python<'_>) -> PyResult<Py<PyDType>> {
        dtype::object(py, self.0.dtype())
    }

    #[getter]
    fn device(&self) -> PyDevice {
        PyDevice::cpu()
    }

    #[getter]
    fn ndim(&self) -> usize {
        self.0.rank()
    }

    fn dim(&self) -> usize {
        self.0.rank()
    }

    fn ndimension(&self) -> usize {
        self.0.rank()
    }

    fn numel(&self) -> usize {
        self.0.numel()
    }

    fn nelement(&self) -> usize {
        self.0.numel()
    }

    fn element_size(&self) -> usize {
        self.0.dtype().size()
    }

    #[getter]
    fn itemsize(&self) -> usize {
        self.0.dtype().size()
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.0.dtype().size() * self.0.numel()
    }

    #[pyo3(signature = (memory_format = None))]
    fn is_contiguous(&self, memory_format: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let other = memory_format.map(|f| f.str()).transpose()?;
        match other.as_ref().map(|f| f.to_cow()).transpose()?.as_deref() {
            None | Some("torch.contiguous_format" | "torch.preserve_format") => Ok(self.0.is_contiguous()),
            Some(_) => Ok(false),
        }
    }

    fn is_floating_point(&self) -> bool {
        self.0.dtype().is_float()
    }

    fn is_complex(&self) -> bool {
        false
    }

    fn is_signed(&self) -> bool {
        !matches!(self.0.dtype(), DType::Bool | DType::U8)
    }

    fn is_same_size(&self, other: &Bound<'_, PyTensor>) -> bool {
        self.0.shape() == other.get().0.shape()
    }

    #[getter]
    fn is_cuda(&self) -> bool {
        false
    }

    #[getter]
    fn is_cpu(&self) -> bool {
        true
    }

    #[getter]
    fn is_sparse(&self) -> bool {
        false
    }

    #[getter]
    fn is_quantized(&self) -> bool {
        false
    }

    #[getter]
    fn is_meta(&self) -> bool {
        false
    }

    #[getter]
    fn is_leaf(&self) -> bool {
        self.0.is_leaf()
    }

    #[getter]
    fn _version(&self) -> u64 {
        self.0.version()
    }

    #[getter]
    fn grad_fn(&self) -> Option<PyNode> {
        self.0.grad_fn().map(PyNode)
    }

    /// Whether both lie in the same memory.
    fn _shares_storage(&self, other: &Bound<'_, PyTensor>) -> bool {
        self.0.shares_storage(&other.get().0)
    }

    #[getter]
    fn get_requires_grad(&self) -> bool {
        self.0.requires_grad()
    }

    #[setter]
    fn set_requires_grad(&self, value: bool) -> PyResult<()> {
        guard(|| self.0.requires_grad_(value)).map(drop)
    }

    #[pyo3(name = "requires_grad_", signature = (requires_grad = true))]
    fn requires_grad_in_place<'py>(
        slf: &Bound<'py, Self>,
        requires_grad: bool,
    ) -> PyResult<Bound<'py, Self>> {
        guard(|| slf.get().0.requires_grad_(requires_grad))?;
        Ok(slf.clone())
    }

    #[getter]
    fn get_grad<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(grad) = self.0.grad() else { return Ok(None) };
        if let Some(object) = self.1.find(py, &grad) {
            return Ok(Some(object));
        }
        let object = tensor(py, grad)?;
        self.1.keep(&object)?;
        Ok(Some(object))
    }

    #[setter]
    fn set_grad(&self, value: Option<&Bound<'_, PyTensor>>) -> PyResult<()> {
        guard(|| self.0.set_grad(value.map(|t| t.get().0.clone())))?;
        value.map_or(Ok(()), |object| self.1.keep(object))
    }

    #[deleter]
    fn delete_grad(&self) -> PyResult<()> {
        guard(|| self.0.set_grad(None))
    }

    /// The same memory without history.
    #[getter]
    fn get_data(&self) -> PyTensor {
        PyTensor::of(self.0.detach())
    }

    /// Copies the elements of another tensor, whose history is not recorded. The memory stays this tensor's own.
    #[setter]
    fn set_data(&self, value: &Bound<'_, PyTensor>) -> PyResult<()> {
        let value = &value.get().0;
        if value.shape() != self.0.shape() || value.dtype() != self.0.dtype() {
            return Err(PyRuntimeError::new_err(format!(
                "data: shape and dtype of a tensor are fixed: tensor {:?} {}, data {:?} {}",
                self.0.shape(),
                self.0.dtype(),
                value.shape(),
                value.dtype()
            )));
        }
        guard(|| self.0.detach().copy_(&value.detach())).map(drop)
    }

    // ---- what the catalogue has no rows for ---------------------------------------------------------------------

    /// `sum()` of everything, the call that training loops make, goes straight to the kernel.
    #[pyo3(signature = (*args, **kwargs))]
    fn sum<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if args.is_empty() && kwargs.is_none() {
            let t = &slf.get().0;
            return tensor(py, crate::call::detached(py, t.numel(), || t.sum())?);
        }
        let op =
            rusttorch::catalogue::find("torch.sum").ok_or_else(|| PyRuntimeError::new_err("torch.sum"))?;
        crate::call::call(py, op, crate::call::Form::Value, Some(slf.as_any()), args, kwargs)
    }

    #[pyo3(signature = (src, non_blocking = false))]
    fn copy_<'py>(
        slf: &Bound<'py, Self>,
        src: &Bound<'py, PyTensor>,
        non_blocking: bool,
    ) -> PyResult<Bound<'py, Self>> {
        let _ = non_blocking;
        let (t, src) = (&slf.get().0, &src.get().0);
        crate::call::detached(slf.py(), t.numel(), || t.copy_(src))?;
        Ok(slf.clone())
    }

    fn fill_<'py>(slf: &Bound<'py, Self>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        let t = &slf.get().0;
        let value = match from_python(value)? {
            Value::Scalar(s) => s,
            Value::Tensor(v) if v.rank() == 0 => guard(|| v.item())?,
            other => {
                return Err(PyTypeError::new_err(format!(
                    "fill_(): value must be a number, not {}",
                    other.kind()
                )));
            }
        };
        crate::call::detached(slf.py(), t.numel(), || t.fill_(value))?;
        Ok(slf.clone())
    }

    fn zero_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        let t = &slf.get().0;
        crate::call::detached(slf.py(), t.numel(), || t.fill_(0i64))?;
        Ok(slf.clone())
    }
}

//! From tensors to Python's numbers and lists, and to other dtypes.

#![allow(
    unsafe_op_in_unsafe_fn,
    reason = "what PyO3 generates looks like ours where a macro of ours names the methods"
)]

use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use rusttorch::{DType, Result, Scalar, Tensor};

use crate::call::detached;
use crate::device::{self, PyDevice};
use crate::dtype::PyDType;
use crate::error::guard;
use crate::tensor::PyTensor;
use crate::value::scalar;

/// The elements in row-major order.
fn numbers(t: &Tensor) -> Result<Vec<Scalar>> {
    macro_rules! read {
        ($($dtype:ident $rust:ty),*) => {
            match t.dtype() {
                $(DType::$dtype => t.to_vec::<$rust>()?.into_iter().map(Scalar::from).collect(),)*
            }
        };
    }
    Ok(
        read!(Bool bool, U8 u8, I8 i8, I16 i16, I32 i32, I64 i64, F16 rusttorch::f16, BF16 rusttorch::bf16, F32 f32, F64 f64),
    )
}

/// Nested lists of this shape from numbers in row-major order.
fn nested<'py>(
    py: Python<'py>,
    shape: &[usize],
    numbers: &mut impl Iterator<Item = Scalar>,
) -> PyResult<Bound<'py, PyAny>> {
    match shape {
        [] => scalar(py, numbers.next().unwrap_or(Scalar::Int(0))),
        [n, rest @ ..] => {
            let items = (0..*n).map(|_| nested(py, rest, numbers)).collect::<PyResult<Vec<_>>>()?;
            Ok(PyList::new(py, items)?.into_any())
        }
    }
}

/// The only element. Error: PyTorch's for tensors of another number of elements.
fn only(t: &Tensor) -> PyResult<Scalar> {
    match t.numel() {
        1 => guard(|| t.item()),
        n => {
            Err(PyRuntimeError::new_err(format!("a Tensor with {n} elements cannot be converted to Scalar")))
        }
    }
}

/// [`only`] for Python's conversions, which raise another class.
fn number(t: &Tensor) -> PyResult<Scalar> {
    match t.numel() {
        1 => guard(|| t.item()),
        _ => Err(PyValueError::new_err("only one element tensors can be converted to Python scalars")),
    }
}

/// A tensor in another dtype; the same object where it has that already.
fn cast<'py>(slf: &Bound<'py, PyTensor>, dtype: DType, copy: bool) -> PyResult<Bound<'py, PyTensor>> {
    let t = &slf.get().0;
    if t.dtype() == dtype && !copy {
        return Ok(slf.clone());
    }
    let cast = || if t.dtype() == dtype { t.copy() } else { t.to_dtype(dtype) };
    Bound::new(slf.py(), PyTensor::of(detached(slf.py(), t.numel(), cast)?))
}

const TYPES: [(&str, DType); 10] = [
    ("torch.BoolTensor", DType::Bool),
    ("torch.ByteTensor", DType::U8),
    ("torch.CharTensor", DType::I8),
    ("torch.ShortTensor", DType::I16),
    ("torch.IntTensor", DType::I32),
    ("torch.LongTensor", DType::I64),
    ("torch.HalfTensor", DType::F16),
    ("torch.BFloat16Tensor", DType::BF16),
    ("torch.FloatTensor", DType::F32),
    ("torch.DoubleTensor", DType::F64),
];

/// Methods named by a dtype.
macro_rules! casts {
    ($($name:literal $rust:ident $dtype:ident;)*) => {
        #[pymethods]
        impl PyTensor {
            $(
                #[pyo3(name = $name, signature = (memory_format = None))]
                fn $rust<'py>(slf: &Bound<'py, Self>, memory_format: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, Self>> {
                    let _ = memory_format;
                    cast(slf, DType::$dtype, false)
                }
            )*
        }
    };
}

#[pymethods]
impl PyTensor {
    fn item<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        scalar(py, only(&self.0)?)
    }

    fn tolist<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let numbers = detached(py, self.0.numel(), || numbers(&self.0))?;
        nested(py, self.0.shape(), &mut numbers.into_iter())
    }

    fn __bool__(&self) -> PyResult<bool> {
        match self.0.numel() {
            1 => guard(|| self.0.item()).map(Scalar::to_bool),
            0 => Err(PyRuntimeError::new_err("Boolean value of Tensor with no values is ambiguous")),
            _ => {
                Err(PyRuntimeError::new_err("Boolean value of Tensor with more than one value is ambiguous"))
            }
        }
    }

    fn __float__(&self) -> PyResult<f64> {
        number(&self.0).map(Scalar::to_f64)
    }

    fn __int__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // Python's own conversion knows what to say about nan and inf.
        scalar(py, number(&self.0)?)?.call_method0("__int__")
    }

    fn __index__(&self) -> PyResult<i64> {
        match self.0.dtype() {
            d if !d.is_float() && self.0.numel() == 1 => guard(|| self.0.item()).map(Scalar::to_i64),
            _ => Err(PyTypeError::new_err(
                "only integer tensors of a single element can be converted to an index",
            )),
        }
    }

    fn __complex__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, pyo3::types::PyComplex>> {
        Ok(pyo3::types::PyComplex::from_doubles(py, number(&self.0)?.to_f64(), 0.0))
    }

    /// `to(dtype)`, `to(device)`, `to(device, dtype)`, `to(other)`, with the same names as keywords.
    #[pyo3(signature = (*args, **kwargs))]
    fn to<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, Self>> {
        let mut dtype = slf.get().0.dtype();
        let mut flags = Vec::new();
        let mut take = |argument: &Bound<'py, PyAny>| -> PyResult<()> {
            if let Ok(d) = argument.cast::<PyDType>() {
                dtype = d.get().0;
            } else if let Ok(other) = argument.cast::<PyTensor>() {
                dtype = other.get().0.dtype();
            } else if argument.cast::<PyDevice>().is_ok() || argument.cast::<PyString>().is_ok() {
                device::accept(argument)?;
            } else if let Ok(flag) = argument.extract::<bool>() {
                flags.push(flag);
            } else if !argument.is_none() {
                let class = argument.get_type().name()?;
                return Err(PyTypeError::new_err(format!(
                    "to() received an invalid argument of type {class}"
                )));
            }
            Ok(())
        };
        args.iter().try_for_each(|a| take(&a))?;
        let mut copy = None;
        for (name, value) in kwargs.into_iter().flat_map(|k| k.iter()) {
            match &*name.cast::<PyString>()?.to_cow()? {
                "dtype" | "other" => take(&value)?,
                "device" => device::accept(&value)?,
                "copy" => copy = Some(value.extract()?),
                "non_blocking" | "memory_format" => {}
                name => {
                    return Err(PyTypeError::new_err(format!(
                        "to() got an unexpected keyword argument '{name}'"
                    )));
                }
            }
        }
        // By place they are non_blocking and copy.
        cast(slf, dtype, copy.unwrap_or(flags.get(1).copied().unwrap_or(false)))
    }

    #[pyo3(signature = (memory_format = None))]
    fn cpu<'py>(slf: &Bound<'py, Self>, memory_format: Option<&Bound<'py, PyAny>>) -> Bound<'py, Self> {
        let _ = memory_format;
        slf.clone()
    }

    #[pyo3(signature = (*_args, **_kwargs))]
    fn cuda(&self, _args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        Err(PyRuntimeError::new_err("cuda is not available: RustTorch computes on the CPU"))
    }

    fn type_as<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        cast(slf, other.get().0.dtype(), false)
    }

    /// The name of the type, or the tensor as another type.
    #[pyo3(signature = (dtype = None))]
    fn r#type<'py>(slf: &Bound<'py, Self>, dtype: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let Some(dtype) = dtype else {
            let own = slf.get().0.dtype();
            let name = TYPES.iter().find(|(_, d)| *d == own).map_or("torch.Tensor", |(n, _)| n);
            return Ok(PyString::new(py, name).into_any());
        };
        if let Ok(d) = dtype.cast::<PyDType>() {
            return Ok(cast(slf, d.get().0, false)?.into_any());
        }
        let name = dtype.str()?;
        let name = name.to_cow()?;
        match TYPES.iter().find(|(n, _)| *n == name) {
            Some((_, d)) => Ok(cast(slf, *d, false)?.into_any()),
            None => Err(PyTypeError::new_err(format!("invalid type: '{name}'"))),
        }
    }
}

casts! {
    "float" to_float F32;
    "double" to_double F64;
    "half" to_half F16;
    "bfloat16" to_bfloat16 BF16;
    "int" to_int I32;
    "long" to_long I64;
    "short" to_short I16;
    "char" to_char I8;
    "byte" to_byte U8;
    "bool" to_bool Bool;
}

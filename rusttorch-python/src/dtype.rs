//! `torch.dtype` and its kin.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use rusttorch::DType;

/// An element type. There is one object for each, so that `is` compares them.
#[pyclass(name = "dtype", module = "rusttorch", frozen)]
pub(crate) struct PyDType(pub(crate) DType);

static OBJECTS: [PyOnceLock<Py<PyDType>>; DType::ALL.len()] = [const { PyOnceLock::new() }; DType::ALL.len()];

/// The object of this dtype.
pub(crate) fn object(py: Python<'_>, dtype: DType) -> PyResult<Py<PyDType>> {
    OBJECTS[dtype as usize].get_or_try_init(py, || Py::new(py, PyDType(dtype))).map(|o| o.clone_ref(py))
}

#[pymethods]
impl PyDType {
    fn __repr__(&self) -> String {
        format!("torch.{}", self.0.name())
    }

    /// Pickled by its name in the package.
    fn __reduce__(&self) -> &'static str {
        self.0.name()
    }

    #[getter]
    fn is_floating_point(&self) -> bool {
        self.0.is_float()
    }

    #[getter]
    fn is_complex(&self) -> bool {
        false
    }

    #[getter]
    fn is_signed(&self) -> bool {
        !matches!(self.0, DType::Bool | DType::U8)
    }

    #[getter]
    fn itemsize(&self) -> usize {
        self.0.size()
    }
}

/// `torch.promote_types`.
#[pyfunction]
pub(crate) fn promote_types(
    py: Python<'_>,
    a: &Bound<'_, PyDType>,
    b: &Bound<'_, PyDType>,
) -> PyResult<Py<PyDType>> {
    object(py, a.get().0.promote(b.get().0))
}

/// `torch.can_cast`: no category may be lost.
#[pyfunction]
pub(crate) fn can_cast(from: &Bound<'_, PyDType>, to: &Bound<'_, PyDType>) -> bool {
    from.get().0.category() <= to.get().0.category()
}

/// The numbers of `torch.finfo`: bits, eps, max, smallest normal, smallest subnormal, decimal digits.
#[pyfunction]
pub(crate) fn _finfo(dtype: &Bound<'_, PyDType>) -> PyResult<(usize, f64, f64, f64, f64, f64)> {
    let of = |bits: usize, mantissa: i32, max: f64, least: i32, resolution: f64| {
        (bits, 2f64.powi(-mantissa), max, 2f64.powi(least), 2f64.powi(least - mantissa), resolution)
    };
    match dtype.get().0 {
        DType::F16 => Ok(of(16, 10, 65504.0, -14, 1e-3)),
        DType::BF16 => Ok(of(16, 7, (2.0 - 2f64.powi(-7)) * 2f64.powi(127), -126, 1e-2)),
        DType::F32 => Ok(of(32, 23, f32::MAX.into(), -126, 1e-6)),
        // 2^-1074 is beyond `powi` by way of the reciprocal.
        DType::F64 => Ok((64, f64::EPSILON, f64::MAX, f64::MIN_POSITIVE, f64::from_bits(1), 1e-15)),
        _ => Err(PyTypeError::new_err(
            "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'",
        )),
    }
}

/// The numbers of `torch.iinfo`: bits, min, max.
#[pyfunction]
pub(crate) fn _iinfo(dtype: &Bound<'_, PyDType>) -> PyResult<(usize, i64, i64)> {
    let dtype = dtype.get().0;
    let bits = 8 * dtype.size();
    match dtype {
        DType::U8 => Ok((8, 0, 255)),
        _ if dtype.is_int() => Ok((bits, i64::MIN >> (64 - bits), i64::MAX >> (64 - bits))),
        _ => Err(PyTypeError::new_err(
            "torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'",
        )),
    }
}

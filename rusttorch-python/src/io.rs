//! Files of tensors.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rusttorch::backend::HostBuffer;
use rusttorch::io::{self, Metadata, Tensors};
use rusttorch::{Layout, Tensor};

use crate::dtype::PyDType;
use crate::error::guard;
use crate::tensor::PyTensor;
use crate::value::tensor;

/// Writes named tensors and texts as a safetensors file.
#[pyfunction]
pub(crate) fn _save(
    py: Python<'_>,
    path: PathBuf,
    tensors: Vec<(String, Bound<'_, PyTensor>)>,
    metadata: Metadata,
) -> PyResult<()> {
    let tensors: Vec<(String, Tensor)> = tensors.into_iter().map(|(n, t)| (n, t.get().0.clone())).collect();
    py.detach(|| guard(|| io::save_with_metadata(path, tensors, &metadata)))
}

fn named(
    py: Python<'_>,
    (tensors, metadata): (Tensors, Metadata),
) -> PyResult<(Bound<'_, PyDict>, Metadata)> {
    let out = PyDict::new(py);
    for (name, t) in tensors {
        out.set_item(name, tensor(py, t)?)?;
    }
    Ok((out, metadata))
}

/// The tensors and texts of a safetensors file.
#[pyfunction]
pub(crate) fn _load(py: Python<'_>, path: PathBuf) -> PyResult<(Bound<'_, PyDict>, Metadata)> {
    let read = py.detach(|| guard(|| io::load_with_metadata(path)))?;
    named(py, read)
}

/// The tensors and texts in the bytes of a safetensors file.
#[pyfunction]
pub(crate) fn _decode<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<(Bound<'py, PyDict>, Metadata)> {
    named(py, guard(|| io::decode(bytes))?)
}

/// A tensor of these bytes, as files hold elements: row by row, the lowest byte first.
#[pyfunction]
pub(crate) fn _from_bytes(bytes: &[u8], dtype: &Bound<'_, PyDType>, shape: Vec<usize>) -> PyResult<PyTensor> {
    let dtype = dtype.get().0;
    let make = || {
        let layout = Layout::contiguous("from_bytes", &shape)?;
        if layout.numel().checked_mul(dtype.size()) != Some(bytes.len()) {
            let error = rusttorch::TensorError::new(
                rusttorch::ErrorKind::Shape,
                "from_bytes",
                "number of bytes differs from the shape's",
            );
            return Err(error.with("bytes", bytes.len()).with("shape", &shape[..]).with("dtype", dtype));
        }
        let mut bytes = bytes.to_vec();
        if cfg!(target_endian = "big") {
            bytes.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse);
        }
        Tensor::from_buffer(HostBuffer::from_bytes(&bytes)?, layout, dtype)
    };
    guard(make).map(PyTensor::of)
}

//! Reading safetensors files.

use std::path::Path;

use rusttorch_backend::{DType, ErrorKind, Result, TensorError};
use safetensors::{Dtype, SafeTensorError, SafeTensors};

use super::header::{broken_rule, fault, repeated_name};
use super::{Metadata, PREFIX, Tensors};
use crate::tensor::Tensor;

/// Longest header that the format allows.
const LONGEST_HEADER: u64 = 100_000_000;

/// The tensors of a safetensors file, in the memory of the backend in force. At its peak the memory holds
/// the file and its tensors once.
///
/// Errors: `Io` for a file that cannot be read; `Format` for one that is cut short, or whose header is no
/// valid JSON, names a tensor twice, an unknown dtype, or sizes and offsets that do not fit each other and
/// the file; `DType` for a dtype of the format that tensors do not have (unsigned integers beyond 8 bits,
/// floats of 8 bits and less, complex); `Memory`. All name the path.
pub fn load(path: impl AsRef<Path>) -> Result<Tensors> {
    load_with_metadata(path).map(|(tensors, _)| tensors)
}

/// The tensors of a safetensors file and its metadata, which are empty where it has none. Errors as
/// [`load`].
pub fn load_with_metadata(path: impl AsRef<Path>) -> Result<(Tensors, Metadata)> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|e| {
        TensorError::new(ErrorKind::Io, "io::load", "cannot read the file")
            .with("reason", e.to_string())
            .caused_by(e)
    });
    bytes.and_then(|bytes| decode(&bytes)).map_err(|e| e.with("path", path.display().to_string()))
}

/// The tensors and metadata in the bytes of a safetensors file. Errors as [`load`], without `Io` and the
/// path.
pub fn decode(bytes: &[u8]) -> Result<(Tensors, Metadata)> {
    let (length, rest) = bytes
        .split_first_chunk::<PREFIX>()
        .ok_or_else(|| fault("file is shorter than the length of its header").with("bytes", bytes.len()))?;
    let length = u64::from_le_bytes(*length);
    let parts = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
    let (header, data) = parts.ok_or_else(|| {
        fault("header reaches past the end of the file")
            .with("header_bytes", length)
            .with("file_bytes", bytes.len())
    })?;
    if length > LONGEST_HEADER {
        return Err(fault("header is too long").with("header_bytes", length).with("most", LONGEST_HEADER));
    }
    let header = std::str::from_utf8(header)
        .map_err(|e| fault("header is not UTF-8").with("valid_bytes", e.valid_up_to()).caused_by(e))?;
    let (_, parsed) = SafeTensors::read_metadata(bytes).map_err(|e| explain(e, header, data.len()))?;
    if let Some(name) = repeated_name(header) {
        return Err(fault("a name stands twice in the header").with("name", format!("{name:?}")));
    }

    let mut tensors = Tensors::new();
    for (name, info) in parsed.tensors() {
        let (start, end) = info.data_offsets;
        let elements = data
            .get(start..end)
            .ok_or_else(|| {
                fault("offsets of a tensor reach past the end of the file").with("offsets", &[start, end][..])
            })
            .and_then(|bytes| tensor(info.dtype, &info.shape, bytes));
        tensors.insert(name.clone(), elements.map_err(|e| e.with("tensor", format!("{name:?}")))?);
    }
    let metadata =
        parsed.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    Ok((tensors, metadata))
}

/// The crate's error with the numbers that it lacks.
fn explain(error: SafeTensorError, header: &str, data: usize) -> TensorError {
    if let SafeTensorError::InvalidHeaderDeserialization(e) = &error {
        let reason: String = e.to_string().chars().take(300).collect();
        return fault("header is not as the format prescribes").with("reason", reason).caused_by(error);
    }
    // The crate's own names of its dtypes, which it tells only by way of `Display`.
    let bits = |name: &str| DTYPES.iter().find(|d| d.to_string() == name).map(|d| d.bitsize());
    match broken_rule(header, data, bits) {
        Some(rule) => rule.caused_by(error),
        None => {
            fault("header and data do not fit each other").with("reason", error.to_string()).caused_by(error)
        }
    }
}

/// The dtypes of the format, for their sizes in errors.
const DTYPES: [Dtype; 22] = {
    use Dtype::*;
    [
        BOOL,
        F4,
        F6_E2M3,
        F6_E3M2,
        U8,
        I8,
        F8_E5M2,
        F8_E4M3,
        F8_E8M0,
        F8_E4M3FNUZ,
        F8_E5M2FNUZ,
        I16,
        U16,
        F16,
        BF16,
        I32,
        U32,
        F32,
        C64,
        F64,
        I64,
        U64,
    ]
};

fn tensor(dtype: Dtype, shape: &[usize], bytes: &[u8]) -> Result<Tensor> {
    let dtype = match dtype {
        Dtype::BOOL => DType::Bool,
        Dtype::U8 => DType::U8,
        Dtype::I8 => DType::I8,
        Dtype::I16 => DType::I16,
        Dtype::I32 => DType::I32,
        Dtype::I64 => DType::I64,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::F32 => DType::F32,
        Dtype::F64 => DType::F64,
        other => {
            return Err(TensorError::new(ErrorKind::DType, "io::load", "no tensor has this dtype")
                .with("dtype", other.to_string()));
        }
    };
    if dtype == DType::Bool && bytes.iter().any(|&b| b > 1) {
        // Any byte but 0 is true; in our memory true is 1.
        let bytes: Vec<u8> = bytes.iter().map(|&b| u8::from(b != 0)).collect();
        return Tensor::from_bytes(&bytes, shape, dtype);
    }
    if cfg!(target_endian = "big") {
        let mut bytes = bytes.to_vec();
        bytes.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse);
        return Tensor::from_bytes(&bytes, shape, dtype);
    }
    Tensor::from_bytes(bytes, shape, dtype)
}

//! Writing safetensors files.

use std::borrow::{Borrow, Cow};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rusttorch_backend::{DType, ErrorKind, Result, TensorError};
use safetensors::{Dtype, SafeTensorError, View};

use super::header::members;
use super::{METADATA, Metadata, PREFIX};
use crate::tensor::Tensor;

const OP: &str = "io::save";

/// Writes named tensors of any dtype as a safetensors file: the elements in row-major order, whatever the
/// strides. The same tensors give the same bytes, in whatever order they come. At its peak the memory holds
/// copies of one tensor.
///
/// The file is written beside `path`, flushed to the disk and renamed: `path` has its old content until it
/// has all of the new one. An existing file keeps its permissions, and a link leads to the new file.
///
/// Errors: `Argument` for two tensors of one name, or one named `__metadata__`; `Io`, which names the path,
/// where the folder is missing or the file cannot be written.
pub fn save<N, T>(path: impl AsRef<Path>, tensors: impl IntoIterator<Item = (N, T)>) -> Result<()>
where
    N: AsRef<str>,
    T: Borrow<Tensor>,
{
    save_with_metadata(path, tensors, &Metadata::new())
}

/// [`save`] with texts that describe the tensors, such as the number of epochs they were trained for.
pub fn save_with_metadata<N, T>(
    path: impl AsRef<Path>,
    tensors: impl IntoIterator<Item = (N, T)>,
    metadata: &Metadata,
) -> Result<()>
where
    N: AsRef<str>,
    T: Borrow<Tensor>,
{
    let tensors: Vec<(String, Tensor)> = tensors
        .into_iter()
        .map(|(name, tensor)| (name.as_ref().to_owned(), tensor.borrow().detach()))
        .collect();
    let mut names = BTreeSet::new();
    for (name, _) in &tensors {
        let fail = |rule| TensorError::new(ErrorKind::Argument, OP, rule).with("name", format!("{name:?}"));
        if name == METADATA {
            return Err(fail("this name is reserved for metadata"));
        }
        if !names.insert(name) {
            return Err(fail("two tensors of one name"));
        }
    }
    let mut total = 0usize;
    for (name, tensor) in &tensors {
        let bytes = tensor.numel().checked_mul(tensor.dtype().size()).and_then(|b| total.checked_add(b));
        total = bytes.filter(|&b| b <= isize::MAX as usize).ok_or_else(|| {
            TensorError::new(ErrorKind::Memory, OP, "size in bytes overflows")
                .with("name", format!("{name:?}"))
                .with("shape", tensor.shape())
                .with("dtype", tensor.dtype())
        })?;
    }
    let path = path.as_ref();
    write(path, &tensors, metadata).map_err(|e| e.with("path", path.display().to_string()))
}

fn failed(rule: &'static str) -> impl Fn(io::Error) -> TensorError {
    move |e| TensorError::new(ErrorKind::Io, OP, rule).with("reason", e.to_string()).caused_by(e)
}

fn write(path: &Path, tensors: &[(String, Tensor)], metadata: &Metadata) -> Result<()> {
    let target = target(path)?;
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(TensorError::new(ErrorKind::Io, OP, "folder does not exist")
            .with("folder", folder.display().to_string()));
    }

    // Dropped before it is renamed, it is removed.
    let beside = beside(folder).map_err(failed("cannot create a file beside the target"))?;
    // Those of a new file; what the crate writes below only its owner can read.
    let permissions = fs::metadata(&target).or_else(|_| fs::metadata(&beside)).map(|m| m.permissions());

    let failure = RefCell::new(None);
    let items = tensors.iter().map(|(name, tensor)| (name, Item { tensor, failure: &failure }));
    let info = (!metadata.is_empty()).then(|| metadata.iter().map(|(k, v)| (k.clone(), v.clone())).collect());
    let written = safetensors::serialize_to_file(items, info, &beside);
    if let Some(e) = failure.into_inner() {
        return Err(e);
    }
    written.map_err(|e| match e {
        SafeTensorError::IoError(e) => failed("cannot write the file")(e),
        e => TensorError::new(ErrorKind::Format, OP, "the format does not allow this")
            .with("reason", e.to_string())
            .caused_by(e),
    })?;

    finish(&beside, metadata)
        .and_then(|file| {
            file.set_permissions(permissions?)?;
            file.sync_all()
        })
        .map_err(failed("cannot write the file"))?;
    beside.persist(&target).map_err(|e| failed("cannot replace the file")(e.error))?;
    // The name is on the disk when the folder is; not every system lets one ask for that.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// The file that `path` leads to, or `path` where there is none yet.
fn target(path: &Path) -> Result<PathBuf> {
    match fs::canonicalize(path) {
        Ok(target) if target.is_file() => Ok(target),
        Ok(_) => Err(TensorError::new(ErrorKind::Io, OP, "path leads to something that is not a file")),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        Err(e) => Err(failed("cannot reach the file")(e)),
    }
}

/// An empty file with a name of its own and the permissions of a new file.
fn beside(folder: &Path) -> io::Result<tempfile::TempPath> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    Ok(builder.tempfile_in(folder)?.into_temp_path())
}

/// Opens what the crate has written and puts the metadata in the order of their names, as the crate leaves
/// them in that of a hash map.
fn finish(path: &Path, metadata: &Metadata) -> io::Result<File> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    if metadata.len() < 2 {
        return Ok(file);
    }
    let mut length = [0; PREFIX];
    file.read_exact(&mut length)?;
    let mut header = Vec::new();
    Read::by_ref(&mut file).take(u64::from_le_bytes(length)).read_to_end(&mut header)?;
    let header = std::str::from_utf8(&header).map_err(io::Error::other)?;
    let Some((_, value)) = members(header).into_iter().find(|(key, _)| key.trim_matches('"') == METADATA)
    else {
        return Ok(file);
    };
    let mut sorted: Vec<String> = members(value).into_iter().map(|(k, v)| format!("{k}:{v}")).collect();
    sorted.sort_unstable();
    let sorted = format!("{{{}}}", sorted.join(","));
    let at = value.as_ptr().addr() - header.as_ptr().addr();
    if sorted.len() == value.len() {
        file.seek(SeekFrom::Start((PREFIX + at) as u64))?;
        file.write_all(sorted.as_bytes())?;
    }
    Ok(file)
}

/// A tensor as the crate wants to see it.
struct Item<'a> {
    tensor: &'a Tensor,
    /// The crate has no place for an error of a tensor.
    failure: &'a RefCell<Option<TensorError>>,
}

impl View for Item<'_> {
    fn dtype(&self) -> Dtype {
        match self.tensor.dtype() {
            DType::Bool => Dtype::BOOL,
            DType::U8 => Dtype::U8,
            DType::I8 => Dtype::I8,
            DType::I16 => Dtype::I16,
            DType::I32 => Dtype::I32,
            DType::I64 => Dtype::I64,
            DType::F16 => Dtype::F16,
            DType::BF16 => Dtype::BF16,
            DType::F32 => Dtype::F32,
            DType::F64 => Dtype::F64,
        }
    }

    fn shape(&self) -> &[usize] {
        self.tensor.shape()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let bytes = self.tensor.to_bytes().map(|mut bytes| {
            if cfg!(target_endian = "big") {
                bytes.chunks_exact_mut(self.tensor.dtype().size()).for_each(<[u8]>::reverse);
            }
            bytes
        });
        Cow::Owned(bytes.unwrap_or_else(|e| {
            self.failure.borrow_mut().get_or_insert(e);
            Vec::new()
        }))
    }

    fn data_len(&self) -> usize {
        // The sizes were checked before anything was written.
        self.tensor.numel().saturating_mul(self.tensor.dtype().size())
    }
}

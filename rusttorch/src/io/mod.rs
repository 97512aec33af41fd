//! Saving and loading parameters.
//!
//! The format is [safetensors](https://github.com/huggingface/safetensors): names, dtypes and shapes as
//! JSON, then the plain little-endian elements. Files go to and come from PyTorch through Python's
//! `safetensors` package. A file is written beside its target and renamed, so that no reader ever sees half
//! of one and a save that fails leaves the old file as it was.
//!
//! ```
//! use rusttorch::{DType, Tensor, io};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("model.safetensors");
//! let weight = Tensor::ones(&[2, 3], DType::F32)?;
//! let bias = Tensor::zeros(&[2], DType::F64)?;
//! io::save(&path, [("weight", &weight), ("bias", &bias)])?;
//!
//! let tensors = io::load(&path)?;
//! assert_eq!(tensors["weight"].shape(), [2, 3]);
//! # Ok(())
//! # }
//! ```
//!
//! | what | does | in Python |
//! |---|---|---|
//! | [`save`], [`save_with_metadata`] | writes named tensors, and texts about them | `safetensors.torch.save_file` |
//! | [`load`], [`load_with_metadata`] | reads a file | `safetensors.torch.load_file` |
//! | [`decode`] | reads bytes, such as those of `include_bytes!` | `safetensors.torch.load` |

mod header;
mod load;
mod save;

use std::collections::BTreeMap;

pub use load::{decode, load, load_with_metadata};
pub use save::{save, save_with_metadata};

use crate::Tensor;

/// The tensors of a file by name.
pub type Tensors = BTreeMap<String, Tensor>;

/// The texts that a file holds beside its tensors, by name.
pub type Metadata = BTreeMap<String, String>;

/// The key of a header under which the metadata stand.
const METADATA: &str = "__metadata__";

/// The bytes that hold the length of the header.
const PREFIX: usize = 8;

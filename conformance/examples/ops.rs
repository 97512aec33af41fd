//! Writes `docs/ops.md`: which dtypes each form of each op takes, here and in PyTorch.

#![forbid(unsafe_code)]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use rusttorch_backend::Backend;
use rusttorch_backend_naive::Naive;
use rusttorch_conformance::frontend::{document, support};

fn main() -> Result<(), Box<dyn Error>> {
    let naive: Arc<dyn Backend> = Arc::new(Naive::new());
    let rows = support::rows(&naive)?;
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    std::fs::create_dir_all(&docs)?;
    std::fs::write(docs.join("ops.md"), document::document(&rows)?)?;
    Ok(())
}

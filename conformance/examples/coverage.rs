//! Writes `docs/coverage.md`: which op and dtype the backend `simd` computes itself; `naive` as argument, which that one
//! does.

#![forbid(unsafe_code)]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use rusttorch_backend::Backend;
use rusttorch_backend_naive::Naive;
use rusttorch_backend_simd::Simd;
use rusttorch_conformance::coverage;

fn main() -> Result<(), Box<dyn Error>> {
    let backend: Arc<dyn Backend> = match std::env::args().nth(1).as_deref() {
        None | Some("simd") => Arc::new(Simd::new()),
        Some("naive") => Arc::new(Naive::new()),
        Some(other) => return Err(format!("no backend '{other}': simd or naive").into()),
    };
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    std::fs::create_dir_all(&docs)?;
    std::fs::write(docs.join("coverage.md"), coverage::document(&backend)?)?;
    Ok(())
}

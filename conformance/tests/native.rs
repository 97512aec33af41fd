//! What the coverage report says of backends whose answer is known, and that `docs/coverage.md` is current.

#![forbid(unsafe_code)]

use std::path::Path;
use std::sync::Arc;

use rusttorch_backend::ops::UnaryOp;
use rusttorch_backend::{
    Allocation, Backend, Buffer, Capabilities, DType, DTypeSet, Family, Result, View, ViewMut, delegate,
};
use rusttorch_backend_naive::Naive;
use rusttorch_backend_simd::Simd;
use rusttorch_conformance::coverage::{Means, document, rows};

/// Computes `exp` of f32 by itself, and in other layouts than the contiguous one only `sin`.
#[derive(Debug)]
struct Two(Naive);

impl Backend for Two {
    fn name(&self) -> &'static str {
        "two"
    }

    fn alloc(&self, bytes: usize) -> Result<Allocation> {
        self.0.alloc(bytes)
    }

    fn upload(&self, src: &[u8], dst: &mut dyn Buffer, at: usize) -> Result<()> {
        self.0.upload(src, dst, at)
    }

    fn download(&self, src: &dyn Buffer, at: usize, dst: &mut [u8]) -> Result<()> {
        self.0.download(src, at, dst)
    }

    fn next(&self) -> Option<&dyn Backend> {
        Some(&self.0)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::none().with_ops(Family::Unary, &["exp"], DTypeSet::of(&[DType::F32]))
    }

    fn copy(&self, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
        self.0.copy(x, out)
    }

    fn unary(&self, op: UnaryOp, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
        let own = match op {
            UnaryOp::Exp => x.dtype() == DType::F32,
            UnaryOp::Sin => !x.layout().is_contiguous(),
            _ => false,
        };
        if own {
            return self.0.unary(op, x, out);
        }
        delegate::delegate(self, Family::Unary, [x], [out], |b, [x], [out]| b.unary(op, x, out))
    }
}

#[test]
fn the_report_tells_who_computes() {
    let rows = rows(&Two(Naive::new())).unwrap();
    let means = |family: Family, op: &str, dtype| {
        rows.iter().find(|r| (r.family, r.op) == (family, op)).and_then(|r| r.means(dtype))
    };
    assert_eq!(means(Family::Unary, "exp", DType::F32), Some(Means::Native));
    assert_eq!(means(Family::Unary, "exp", DType::F64), Some(Means::Delegated));
    assert_eq!(means(Family::Unary, "sin", DType::F32), Some(Means::Partly));
    assert_eq!(means(Family::Unary, "sin", DType::I32), None);
    assert_eq!(means(Family::Binary, "add", DType::F32), Some(Means::Delegated));
    // Built from primitives that it does not have.
    assert_eq!(means(Family::Softmax, "softmax", DType::F32), Some(Means::Delegated));
    // Drawn on the host and copied.
    assert_eq!(means(Family::Random, "random", DType::F32), Some(Means::Composed));
}

#[test]
fn naive_delegates_nothing() {
    for row in rows(&Naive::new()).unwrap() {
        let none = |means| row.dtypes(means).iter().next().is_none();
        assert!(none(Means::Partly) && none(Means::Delegated), "{} {}", row.family, row.op);
    }
}

#[test]
fn the_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/coverage.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let simd: Arc<dyn Backend> = Arc::new(Simd::new());
    assert!(written == document(&simd).unwrap(), "docs/coverage.md is not current: run `make coverage`");
}

//! Matrix products.

use rusttorch::DType::{F32, F64};
#[cfg(feature = "peers")]
use rusttorch::backends::{get, with_backend};
use rusttorch::{DType, Result, Tensor};

use super::{Case, Cost, Work, uniform, work};

/// A product `[batch, m, k] x [batch, k, n]`. The letters of `op` say how the operands lie in memory: `n` row by row,
/// `t` column by column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Product {
    pub op: &'static str,
    pub size: &'static str,
    pub dtype: DType,
    pub batch: usize,
    pub m: usize,
    pub k: usize,
    pub n: usize,
}

impl Product {
    const fn square(op: &'static str, size: &'static str, n: usize, dtype: DType) -> Product {
        Product { op, size, dtype, batch: 1, m: n, k: n, n }
    }

    pub(super) fn transposed(&self) -> (bool, bool) {
        (self.op.starts_with('t'), self.op.ends_with('t'))
    }

    pub(super) fn cost(&self) -> Cost {
        let Product { batch, m, k, n, .. } = *self;
        let size = self.dtype.size();
        Cost {
            reads: size * batch * (m * k + k * n),
            writes: size * batch * m * n,
            flops: 2 * batch * m * k * n,
        }
    }
}

const SKINNY: [Product; 4] = [
    Product { op: "nn", size: "1x4096x4096", dtype: F32, batch: 1, m: 1, k: 4096, n: 4096 },
    Product { op: "nn", size: "4096x4096x1", dtype: F32, batch: 1, m: 4096, k: 4096, n: 1 },
    Product { op: "nn", size: "32x768x3072", dtype: F32, batch: 1, m: 32, k: 768, n: 3072 },
    Product { op: "batched", size: "16x128x64x128", dtype: F32, batch: 16, m: 128, k: 64, n: 128 },
];

pub(super) fn products() -> Vec<Product> {
    const SIZES: [(&str, usize); 6] =
        [("64", 64), ("128", 128), ("256", 256), ("512", 512), ("1024", 1024), ("2048", 2048)];
    let mut products = Vec::new();
    for dtype in [F32, F64] {
        products.extend(SIZES.map(|(size, n)| Product::square("nn", size, n, dtype)));
    }
    for dtype in [F32, F64] {
        products.extend(["nt", "tn", "tt"].map(|op| Product::square(op, "512", 512, dtype)));
    }
    products.extend(SKINNY);
    products
}

pub(super) fn add(cases: &mut Vec<Case>) {
    for product in products() {
        let case = Case::new("matmul", product.op, product.size, product.cost(), move || multiplied(product));
        cases.push(case.of(product.dtype));
    }
}

fn multiplied(p: Product) -> Result<Box<dyn Work>> {
    let (a, b) = operands(p)?;
    work(move || a.matmul(&b))
}

fn operands(p: Product) -> Result<(Tensor, Tensor)> {
    let (ta, tb) = p.transposed();
    Ok((operand(1, p, p.m, p.k, ta)?, operand(2, p, p.k, p.n, tb)?))
}

/// The same on a backend that is not the default.
#[cfg(feature = "peers")]
pub(super) fn multiplied_on(backend: &'static str, p: Product) -> Result<Box<dyn Work>> {
    let (a, b) = operands(p)?;
    let backend = get(backend)?;
    // A scope costs some tens of nanoseconds a call.
    work(move || with_backend(backend.clone(), || a.matmul(&b)))
}

/// `[rows, columns]`, or that of every batch, seen through a transpose where it lies column by column.
fn operand(seed: u32, p: Product, rows: usize, columns: usize, transposed: bool) -> Result<Tensor> {
    let (r, c) = if transposed { (columns, rows) } else { (rows, columns) };
    let whole = [p.batch, r, c];
    let shape = if p.batch == 1 { &whole[1..] } else { &whole };
    let x = uniform(seed, shape, -1.0, 1.0, p.dtype)?;
    if transposed { x.transpose(-2, -1) } else { Ok(x) }
}

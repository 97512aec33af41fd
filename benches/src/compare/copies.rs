//! Copies into another order, joins, indexing, sorting.

use rusttorch::DType::F32;
use rusttorch::Tensor;

use super::{Case, Cost, indices, uniform, work};

pub(super) fn add(cases: &mut Vec<Case>) {
    let copied = |n: usize| Cost::f32(n, n);
    cases.push(Case::new("copies", "transpose", "2048x2048", copied(2048 * 2048), || {
        let x = uniform(1, &[2048, 2048], -3.0, 3.0, F32)?;
        work(move || x.transpose(0, 1)?.contiguous())
    }));
    cases.push(Case::new("copies", "permute", "64x256x256", copied(64 * 256 * 256), || {
        let x = uniform(1, &[64, 256, 256], -3.0, 3.0, F32)?;
        work(move || x.permute([2, 0, 1])?.contiguous())
    }));
    for (op, dim) in [("cat_dim0", 0), ("cat_dim1", 1)] {
        cases.push(Case::new("copies", op, "2x1000x1000", copied(2_000_000), move || {
            let (a, b) =
                (uniform(1, &[1000, 1000], -3.0, 3.0, F32)?, uniform(2, &[1000, 1000], -3.0, 3.0, F32)?);
            work(move || Tensor::cat(&[&a, &b], dim))
        }));
    }
    for (op, dim) in [("gather_dim0", 0), ("gather_dim1", 1)] {
        // An index has eight bytes.
        cases.push(Case::new("copies", op, "1000x1000", Cost::f32(3_000_000, 1_000_000), move || {
            let x = uniform(1, &[1000, 1000], -3.0, 3.0, F32)?;
            let index = indices(2, &[1000, 1000], 1000)?;
            work(move || x.gather(dim, &index))
        }));
    }
    // Rows of a table: in PyTorch `index_select` and `embedding`, here one call.
    for op in ["index_select", "embedding"] {
        cases.push(Case::new("copies", op, "10000x512[4096]", copied(4096 * 512), || {
            let table = uniform(1, &[10_000, 512], -3.0, 3.0, F32)?;
            let index = indices(2, &[4096], 10_000)?;
            work(move || table.index_select(0, &index))
        }));
    }
    cases.push(Case::new("sort", "sort", "1e6", Cost::f32(1_000_000, 3_000_000), || {
        let x = uniform(1, &[1_000_000], -3.0, 3.0, F32)?;
        work(move || x.sort(0, false))
    }));
    cases.push(Case::new("sort", "topk", "1e6[100]", Cost::f32(1_000_000, 300), || {
        let x = uniform(1, &[1_000_000], -3.0, 3.0, F32)?;
        work(move || x.topk(100, 0, true, true))
    }));
}

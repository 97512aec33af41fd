//! What a call costs when there is next to nothing to compute: the price of the boundary between the
//! frontend and a backend. Targets: 1-element add at most 150 ns, `narrow` at most 40 ns.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![allow(clippy::unwrap_used, reason = "a failing benchmark should stop")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rusttorch::Result;
use rusttorch_benches::{counting, parameter};

fn overhead(c: &mut Criterion) {
    let backend = rusttorch::backends::current().unwrap().name();
    let mut group = c.benchmark_group(format!("overhead/{backend}"));

    let (a, b) = (counting(&[1]).unwrap(), counting(&[1]).unwrap());
    group.bench_function("add_1", |bench| bench.iter(|| black_box(&a).add(black_box(&b))));
    group.bench_function("add_1_scalar", |bench| bench.iter(|| black_box(&a).add(black_box(2.0))));
    group.bench_function("add_assign_1", |bench| bench.iter(|| black_box(&a).add_(black_box(&b))));
    let leaf = parameter(&[1]).unwrap();
    group.bench_function("add_1_recorded", |bench| bench.iter(|| black_box(&leaf).add(black_box(&b))));

    let m = counting(&[8, 8]).unwrap();
    group.bench_function("matmul_8x8", |bench| bench.iter(|| black_box(&m).matmul(black_box(&m))));

    group.bench_function("narrow", |bench| bench.iter(|| black_box(&m).narrow(0, 2, 4)));
    group.bench_function("transpose", |bench| bench.iter(|| black_box(&m).transpose(0, 1)));
    group.bench_function("reshape", |bench| bench.iter(|| black_box(&m).reshape([4, 16])));

    let chain = || -> Result<()> {
        let mut x = black_box(&leaf).mul(&b)?;
        for _ in 0..9 {
            x = x.mul(&b)?;
        }
        x.backward()
    };
    group.bench_function("chain_of_10_with_backward", |bench| bench.iter(chain));
    group.finish();
}

criterion_group!(benches, overhead);
criterion_main!(benches);

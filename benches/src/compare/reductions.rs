//! Reductions of matrices: over all elements, over the rows, over the columns.

use rusttorch::DType::F32;
use rusttorch::{Dims, Result, Tensor};

use super::{Case, Cost, uniform, work};

const SIZES: [(&str, usize); 2] = [("1000x1000", 1000), ("4096x4096", 4096)];

type Reduce = fn(&Tensor, Dims) -> Result<Tensor>;

const OPS: [(&str, Reduce); 5] = [
    ("sum", |x, dims| x.sum_dim(dims, false)),
    ("mean", |x, dims| x.mean_dim(dims, false)),
    ("max", |x, dims| x.amax(dims, false)),
    ("min", |x, dims| x.amin(dims, false)),
    ("var", |x, dims| x.var(dims, 1.0, false)),
];

/// All dims, the first, the second.
fn dims() -> [(&'static str, Dims, Option<isize>); 3] {
    [("all", Dims::all(), None), ("dim0", Dims::from(0isize), Some(0)), ("dim1", Dims::from(1isize), Some(1))]
}

pub(super) fn add(cases: &mut Vec<Case>) {
    for (size, n) in SIZES {
        let input = move || uniform(1, &[n, n], -3.0, 3.0, F32);
        let cost = |axis: Option<isize>| Cost::f32(n * n, if axis.is_some() { n } else { 1 });
        let mut push = |op: &str, name: &str, axis, make: Box<dyn Fn() -> Result<Box<dyn super::Work>>>| {
            cases.push(Case::new("reductions", format!("{op}_{name}"), size, cost(axis), make));
        };
        for (op, f) in OPS {
            for (name, dims, axis) in dims() {
                let make = move || {
                    let (x, dims) = (input()?, dims.clone());
                    work(move || f(&x, dims.clone()))
                };
                push(op, name, axis, Box::new(make));
            }
        }
        for (name, _, axis) in dims() {
            let make = move || {
                let x = input()?;
                work(move || x.argmax(axis, false))
            };
            push("argmax", name, axis, Box::new(make));
        }
        for (name, _, axis) in dims().into_iter().skip(1) {
            let make = move || {
                let x = input()?;
                let axis = axis.unwrap_or(0);
                work(move || x.max_dim(axis, false))
            };
            push("max_index", name, axis, Box::new(make));
        }
    }
}

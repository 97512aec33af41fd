//! Reading and writing by index, against a slow model and against numbers worked out by hand.

#![allow(clippy::unwrap_used, reason = "a failing test should stop")]

#[path = "indexing/gradients.rs"]
mod gradients;
#[path = "indexing/model.rs"]
mod model;
#[path = "indexing/ops.rs"]
mod ops;
#[path = "support/gradients.rs"]
mod support;

use model::Model;
use proptest::prelude::*;
use rusttorch::autograd::{GradOptions, grad};
use rusttorch::{DType, ErrorKind, Index, Tensor};

fn bools(values: &[bool], shape: &[usize]) -> Tensor {
    Tensor::from_slice(values, shape).unwrap()
}

// ---- random indices against the model ----------------------------------------------------------------

/// Random numbers that are read one after another; 0 past the end.
struct Tape {
    raw: std::vec::IntoIter<u32>,
}

impl Tape {
    fn below(&mut self, n: usize) -> usize {
        self.raw.next().unwrap_or(0) as usize % n.max(1)
    }

    fn one_of<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    fn int(&mut self) -> isize {
        self.one_of(&[0, 1, -1, 2, -2, 3, 4, -5, 9])
    }

    fn shape(&mut self) -> Vec<usize> {
        let rank = self.one_of(&[0, 1, 2, 2, 3, 3, 3, 4, 4]);
        (0..rank).map(|_| if self.below(30) == 0 { 0 } else { self.one_of(&[1, 2, 3, 3, 4]) }).collect()
    }
}

/// The same elements in another layout.
fn laid_out(x: &Tensor, how: usize) -> Tensor {
    let rank = x.rank();
    let reversed: Vec<isize> = (0..rank as isize).rev().collect();
    match how % 5 {
        1 => x.permute(&reversed).unwrap().copy().unwrap().permute(&reversed).unwrap(),
        2 if rank > 0 => {
            x.slice(-1, None, None, -1).unwrap().copy().unwrap().slice(-1, None, None, -1).unwrap()
        }
        3 if rank > 0 => {
            // Every second element of a memory twice as large, behind an offset.
            let wide = Tensor::stack(&[x, x], rank as isize).unwrap();
            wide.select(-1, 1).unwrap()
        }
        4 if rank > 0 => {
            let twice = Tensor::cat(&[x, x, x], 0).unwrap();
            twice.narrow(0, x.shape()[0] as isize, x.shape()[0]).unwrap()
        }
        _ => x.copy().unwrap(),
    }
}

/// Elements that all differ.
fn numbered(shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    Tensor::from_vec((0..n).map(|i| i as f64 + 1.0).collect(), shape).unwrap()
}

/// An index tensor for a dimension of `n`, now and then out of range. `joint` is what most of them broadcast to.
fn positions(tape: &mut Tape, joint: &[usize], n: usize) -> Tensor {
    let from = tape.below(joint.len() + 1);
    let mut shape: Vec<usize> = joint[from..].to_vec();
    for size in &mut shape {
        if tape.below(3) == 0 {
            *size = 1;
        }
    }
    let count: usize = shape.iter().product();
    let range = 2 * n as i64;
    let values = (0..count).map(|_| match tape.below(200) {
        199 => n as i64,
        _ if range == 0 => 0,
        _ => tape.below(range as usize) as i64 - n as i64,
    });
    let t = Tensor::from_vec(values.collect(), &shape).unwrap();
    let t = laid_out(&t, tape.below(8));
    if tape.below(4) == 0 { t.to_dtype(DType::I32).unwrap() } else { t }
}

/// A mask, now and then of a wrong shape. Mostly as many of it are true as the other indices have in a row.
fn mask(tape: &mut Tape, joint: &[usize], shape: &[usize]) -> Tensor {
    let mut shape = shape.to_vec();
    if tape.below(30) == 0 {
        shape[0] += 1;
    }
    let count: usize = shape.iter().product();
    let wanted = match tape.below(4) {
        0 => tape.below(count + 1),
        1 => 1,
        _ => joint.last().copied().unwrap_or(1),
    };
    let mut values = vec![false; count];
    for _ in 0..wanted.min(count) {
        let mut at = tape.below(count);
        while values[at] {
            at = (at + 1) % count;
        }
        values[at] = true;
    }
    laid_out(&Tensor::from_vec(values, &shape).unwrap(), tape.below(8))
}

/// Entries for a tensor of this shape; a few are wrong.
fn entries(tape: &mut Tape, shape: &[usize]) -> Vec<Index> {
    let joint: Vec<usize> =
        (0..tape.one_of(&[1, 1, 2, 3])).map(|_| tape.one_of(&[2, 3, 2, 3, 2, 3, 1, 0])).collect();
    let mut out = Vec::new();
    let (mut dim, mut ellipsis) = (0, false);
    let free = |dim: usize| shape.len() - dim;
    for _ in 0..1 + tape.below(7) {
        match tape.below(17) {
            0 => out.push(Index::NewAxis),
            1 if tape.below(2) == 0 => out.push(Index::Bool(tape.below(4) > 0)),
            2 if !ellipsis => {
                out.push(Index::Ellipsis);
                ellipsis = true;
                dim += tape.below(free(dim) + 1);
            }
            3 if free(dim) > 0 => {
                let n = shape[dim].max(1);
                out.push(Index::At(tape.below(2 * n) as isize - n as isize));
                dim += 1;
            }
            4 if free(dim) > 0 => {
                let n = shape[dim].max(1);
                let at = Tensor::scalar(tape.below(2 * n) as i64 - n as i64).unwrap();
                out.push(Index::Tensor(at));
                dim += 1;
            }
            5 | 6 if free(dim) > 0 => {
                let mut end = || (tape.below(3) > 0).then(|| tape.int());
                let (start, stop) = (end(), end());
                out.push(Index::Slice { start, stop, step: tape.one_of(&[1, 1, 2, -1, 3, -2]) });
                dim += 1;
            }
            7..=9 if free(dim) > 0 => {
                let rank = 1 + tape.below(free(dim));
                out.push(Index::Tensor(mask(tape, &joint, &shape[dim..dim + rank])));
                dim += rank;
            }
            10 if tape.below(4) == 0 => out.push(Index::Tensor(bools(&[tape.below(2) == 0], &[]))),
            10.. if free(dim) > 0 => {
                out.push(Index::Tensor(positions(tape, &joint, shape[dim])));
                dim += 1;
            }
            _ => {}
        }
    }
    out
}

/// Whether the index has tensors in it, so that reading copies.
fn is_advanced(entries: &[Index]) -> bool {
    entries.iter().any(|e| match e {
        Index::Bool(_) => true,
        Index::Tensor(t) => t.rank() > 0 || t.dtype() == DType::Bool,
        _ => false,
    })
}

fn reading(raw: Vec<u32>) {
    let mut tape = Tape { raw: raw.into_iter() };
    let shape = tape.shape();
    let x = numbered(&shape);
    let x = laid_out(&x, tape.below(5));
    let entries = entries(&mut tape, &shape);
    let found = x.i(&entries[..]);
    let Some(want) = Model::of(&x).get(&entries) else {
        let kind = found.map(drop).map_err(|e| e.kind());
        assert!(matches!(kind, Err(ErrorKind::Index | ErrorKind::Dim)), "{shape:?} {entries:?}: {kind:?}");
        return;
    };
    let found = found.unwrap_or_else(|e| panic!("{shape:?} {entries:?}: {e}"));
    assert_eq!(Model::of(&found), want, "{shape:?} {entries:?}");
    assert_eq!(found.shares_storage(&x), !is_advanced(&entries), "{shape:?} {entries:?}");
    // The gradient is the same index, added to.
    let leaf = x.detach().requires_grad_(true).unwrap();
    let y = leaf.i(&entries[..]).unwrap();
    let weights = numbered(y.shape()).mul(&numbered(y.shape())).unwrap();
    let options = GradOptions { create_graph: true, ..GradOptions::default() };
    let slope = grad(&[&y], &[&leaf], &[Some(&weights)], options).unwrap().remove(0).unwrap();
    let mut want = Model { shape: shape.clone(), data: vec![0.0; x.numel()] };
    want.set(&entries, &Model::of(&weights), true).unwrap();
    assert_eq!(Model::of(&slope), want, "gradient, {shape:?} {entries:?}");
}

/// A value that broadcasts to a shape, or now and then does not.
fn value(tape: &mut Tape, shape: &[usize]) -> Tensor {
    let mut own: Vec<usize> = shape[tape.below(shape.len() + 1)..].to_vec();
    for size in &mut own {
        match tape.below(12) {
            0..4 => *size = 1,
            11 => *size += 1,
            _ => {}
        }
    }
    if tape.below(4) == 0 {
        own.insert(0, 1);
    }
    let x = numbered(&own).mul(100.0).unwrap();
    laid_out(&x, tape.below(5))
}

fn writing(raw: Vec<u32>) {
    let mut tape = Tape { raw: raw.into_iter() };
    let shape = tape.shape();
    let start = numbered(&shape);
    let how = tape.below(5);
    let x = laid_out(&start, how);
    let entries = entries(&mut tape, &shape);
    let result = model::places(&shape, &entries).map_or(vec![], |(shape, _)| shape);
    let value = value(&mut tape, &result);
    let (mut want, from) = (Model::of(&start), Model::of(&value));
    let fits = want.set(&entries, &from, false).is_some();
    let done = x.i_(&entries[..], &value);
    match (&done, fits) {
        (Ok(_), true) => assert_eq!(Model::of(&x), want, "{shape:?} {entries:?} = {:?}", value.shape()),
        (Err(e), true) => panic!("{shape:?} {entries:?} = {:?}: {e}", value.shape()),
        (Ok(_), false) => panic!("{shape:?} {entries:?} = {:?}: no error", value.shape()),
        (Err(e), false) => {
            let kinds = [ErrorKind::Index, ErrorKind::Dim, ErrorKind::Shape];
            assert!(kinds.contains(&e.kind()), "{shape:?} {entries:?}: {e}");
            assert_eq!(Model::of(&x), Model::of(&start), "a refused write changed something");
        }
    }
    if !fits || done.is_err() {
        return;
    }
    // Recorded: the target's gradient is cut where it was written, the value's is what was written last.
    let (leaf, source) = (start.requires_grad_(true).unwrap(), value.detach().requires_grad_(true).unwrap());
    let y = laid_out(&leaf.mul(1.0).unwrap(), if how == 0 { 0 } else { 1 + how % 2 });
    y.i_(&entries[..], &source).unwrap();
    assert_eq!(Model::of(&y.detach()), want, "recorded, {shape:?} {entries:?}");
    let weights = numbered(&shape);
    let options = GradOptions { allow_unused: true, ..GradOptions::default() };
    if !y.requires_grad() {
        return;
    }
    let slopes = grad(&[&y], &[&leaf, &source], &[Some(&weights)], options).unwrap();
    let mut cut = Model::of(&weights);
    cut.set(&entries, &Model { shape: vec![], data: vec![0.0] }, false).unwrap();
    if let Some(slope) = &slopes[0] {
        assert_eq!(Model::of(slope), cut, "target's gradient, {shape:?} {entries:?}");
    }
    let given = Model::of(&weights).get(&entries).unwrap().data.iter().sum::<f64>();
    let once = !is_advanced(&entries) || value.numel() != 1;
    if let Some(slope) = &slopes[1]
        && once
    {
        assert_eq!(
            Model::of(slope).data.iter().sum::<f64>(),
            given,
            "value's gradient, {shape:?} {entries:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_is_that_of_the_model(raw in proptest::collection::vec(any::<u32>(), 120)) {
        reading(raw);
    }

    #[test]
    fn writing_is_that_of_the_model(raw in proptest::collection::vec(any::<u32>(), 120)) {
        writing(raw);
    }
}

#[test]
fn nonzero_counts_and_places() {
    let x = Tensor::from_slice(&[0.0f32, -0.0, 1.0, f32::NAN, 0.0, -2.0], &[2, 3]).unwrap();
    let found = x.nonzero().unwrap();
    assert_eq!((found.shape(), found.to_vec::<i64>().unwrap()), (&[3, 2][..], vec![0, 2, 1, 0, 1, 2]));
    // The same elements in the order of another layout.
    let found = x.transpose(0, 1).unwrap().nonzero().unwrap();
    assert_eq!(found.to_vec::<i64>().unwrap(), [0, 1, 2, 0, 2, 1]);
    let columns = x.nonzero_as_tuple().unwrap();
    assert_eq!(columns[0].to_vec::<i64>().unwrap(), [0, 1, 1]);
    assert_eq!(columns[1].to_vec::<i64>().unwrap(), [2, 0, 2]);
    for (values, shape, want) in [
        (&[true][..], &[][..], &[1, 0][..]),
        (&[false], &[], &[0, 0]),
        (&[], &[2, 0], &[0, 2]),
        (&[false, false], &[2], &[0, 1]),
        (&[true, true], &[2, 1], &[2, 2]),
    ] {
        assert_eq!(bools(values, shape).nonzero().unwrap().shape(), want, "{shape:?}");
        assert_eq!(bools(values, shape).argwhere().unwrap().dtype(), DType::I64);
    }
    assert_eq!(bools(&[true], &[]).nonzero_as_tuple().unwrap()[0].to_vec::<i64>().unwrap(), [0]);
    assert_eq!(bools(&[], &[0, 2]).nonzero_as_tuple().unwrap().len(), 2);
}

//! How batches are folded and shared out.

use super::*;
use crate::product::tests::Mock;
use rusttorch_backend::threads::set_num_threads;

fn layout(shape: &[usize]) -> Layout {
    Layout::contiguous("test", shape).unwrap()
}

/// Computes a batch of whole numbers and holds it against the definition.
fn play(provider: &impl Provider, a: &Layout, b: &Layout, out: &Layout) {
    let values = |layout: &Layout, seed: usize| -> Vec<f64> {
        (0..layout.end()).map(|i| ((i * 5 + seed) % 7) as f64 - 3.0).collect()
    };
    let (x, y) = (values(a, 1), values(b, 2));
    let mut z = vec![f64::NAN; out.end()];
    Batch::new([a, b, out]).run(provider, &x, &y, &mut z).unwrap();
    let rank = out.rank();
    let mut index = vec![0; rank];
    loop {
        let place = |l: &Layout, row: usize, column: usize| {
            let mut at = index.clone();
            (at[rank - 2], at[rank - 1]) = (row, column);
            l.position("test", &at).unwrap()
        };
        let (i, j) = (index[rank - 2], index[rank - 1]);
        let sum: f64 = (0..a.shape()[rank - 1]).map(|l| x[place(a, i, l)] * y[place(b, l, j)]).sum();
        assert_eq!(z[place(out, i, j)], sum, "{index:?}");
        let Some(axis) = (0..rank).rev().find(|&d| index[d] + 1 < out.shape()[d]) else { return };
        index[axis] += 1;
        index[axis + 1..].fill(0);
    }
}

#[test]
fn a_shared_right_side_makes_one_product_of_more_rows() {
    let b = layout(&[3, 4]).broadcast_to(&[5, 3, 4]).unwrap();
    let mock = Mock::new();
    play(&mock, &layout(&[5, 2, 3]), &b, &layout(&[5, 2, 4]));
    assert_eq!(mock.sizes(), [[10, 3, 4]]);
    // One row each: the rows of one product, even where they lie apart.
    let a = layout(&[5, 2, 3]).narrow(1, 0, 1).unwrap();
    let mock = Mock::new();
    play(&mock, &a, &b, &layout(&[5, 1, 4]));
    assert_eq!(mock.sizes(), [[5, 3, 4]]);
}

#[test]
fn other_batches_are_products_of_their_own() {
    let mock = Mock::new();
    play(&mock, &layout(&[2, 3, 2, 3]), &layout(&[2, 3, 3, 4]), &layout(&[2, 3, 2, 4]));
    assert_eq!(mock.sizes(), [[2, 3, 4]; 6]);
    // A shared left side, batches of other orders, flipped outputs.
    let a = layout(&[2, 3]).broadcast_to(&[5, 2, 3]).unwrap();
    play(&mock, &a, &layout(&[5, 3, 4]), &layout(&[5, 2, 4]).flip(&[0]).unwrap());
    let a = layout(&[3, 2, 2, 3]).transpose(0, 1).unwrap();
    play(&mock, &a, &layout(&[2, 3, 3, 4]), &layout(&[2, 3, 2, 4]));
}

#[test]
fn empty_batches_are_nothing() {
    for (a, b, out) in [
        ([0, 2, 3], [0, 3, 4], [0, 2, 4]),
        ([5, 0, 3], [5, 3, 4], [5, 0, 4]),
        ([5, 2, 3], [5, 3, 0], [5, 2, 0]),
    ] {
        let mock = Mock::new();
        let (a, b, out) = (layout(&a), layout(&b), layout(&out));
        Batch::new([&a, &b, &out]).run::<f32>(&mock, &[1.0; 99], &[1.0; 99], &mut []).unwrap();
        assert!(mock.functions().is_empty());
    }
    let mock = Mock::new();
    let mut out = [f32::NAN; 6];
    let layouts = [layout(&[3, 2, 0]), layout(&[3, 0, 1]), layout(&[3, 2, 1])];
    Batch::new([&layouts[0], &layouts[1], &layouts[2]]).run(&mock, &[], &[], &mut out).unwrap();
    assert_eq!(out, [0.0; 6]);
}

#[test]
fn a_batch_shared_out_to_threads_has_every_product() {
    let mock = Mock::new();
    // 66 products of 2^16 multiplications are worth threads.
    let shape = |rows, columns| layout(&[66, rows, columns]);
    set_num_threads(3);
    play(&mock, &shape(32, 64), &shape(64, 32), &shape(32, 32));
    assert_eq!(mock.sizes(), [[32, 64, 32]; 66]);
    // With gaps between the outputs, and one that cannot be split.
    let gaps = layout(&[66, 40, 32]).narrow(1, 3, 32).unwrap();
    play(&mock, &shape(32, 64), &shape(64, 32), &gaps);
    let interleaved = layout(&[32, 66, 32]).transpose(0, 1).unwrap();
    play(&mock, &shape(32, 64), &shape(64, 32), &interleaved);
    set_num_threads(0);
    assert_eq!(mock.sizes().len(), 3 * 66);
}

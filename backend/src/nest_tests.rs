use proptest::prelude::*;

use super::*;
use crate::layout::{Shape, Strides};

fn layout(shape: &[usize], strides: &[isize], offset: usize) -> Layout {
    Layout::new("test", Shape::from_slice(shape), Strides::from_slice(strides), offset).unwrap()
}

fn contiguous(shape: &[usize]) -> Layout {
    Layout::contiguous("test", shape).unwrap()
}

/// The offsets of every index of some axes in row-major order, by plain counting from `base`.
fn counted<const N: usize>(layouts: [&Layout; N], axes: &[usize], base: [isize; N]) -> Vec<[usize; N]> {
    let mut offsets = vec![base];
    for &axis in axes {
        let grown = |o: &[isize; N]| {
            let o = *o;
            (0..layouts[0].shape()[axis] as isize).map(move |i| {
                let mut o = o;
                (0..N).for_each(|k| o[k] += i * layouts[k].strides()[axis]);
                o
            })
        };
        offsets = offsets.iter().flat_map(grown).collect();
    }
    offsets.into_iter().map(|o| o.map(|v| usize::try_from(v).unwrap())).collect()
}

/// The elements that the runs of a nest list.
fn listed<const N: usize>(nest: &Nest<N>, base: Option<[isize; N]>) -> Vec<[usize; N]> {
    let mut out = vec![];
    let each_run = |offsets: [isize; N], length: usize, strides: [isize; N]| {
        assert!(length > 0, "an empty run");
        for i in 0..length as isize {
            let at = |k: usize| usize::try_from(offsets[k] + i * strides[k]).unwrap();
            out.push(std::array::from_fn(at));
        }
    };
    match base {
        None => nest.for_each_run(each_run),
        Some(base) => nest.for_each_run_from(base, each_run),
    }
    out
}

/// Checks every way to walk layouts against plain counting.
fn check<const N: usize>(layouts: [&Layout; N]) {
    let all: Vec<usize> = (0..layouts[0].rank()).collect();
    let base = layouts.map(|l| l.offset() as isize);
    let expected = counted(layouts, &all, base);
    let nest = Nest::new(layouts);
    assert_eq!(listed(&nest, None), expected);
    let mut each = vec![];
    nest.for_each(|o| each.push(o));
    assert_eq!(each, expected);

    let moved = base.map(|b| b + 5);
    let expected = counted(layouts, &all, moved);
    assert_eq!(listed(&nest, Some(moved)), expected);
    let mut each = vec![];
    nest.for_each_from(moved, |o| each.push(o));
    assert_eq!(each, expected);

    // Some of the axes, forwards and backwards.
    for keep in [|d: usize| d.is_multiple_of(2), |d: usize| !d.is_multiple_of(2), |d: usize| d > 0] {
        let mut axes: Vec<usize> = all.iter().copied().filter(|&d| keep(d)).collect();
        for _ in 0..2 {
            // Far enough from the start for the negative strides of any subset.
            let far = base.map(|b| b + 1000);
            let nest = Nest::over(layouts, axes.iter().copied());
            assert_eq!(listed(&nest, Some(far)), counted(layouts, &axes, far), "axes {axes:?}");
            axes.reverse();
        }
    }
}

fn runs<const N: usize>(nest: &Nest<N>) -> Vec<usize> {
    let mut lengths = vec![];
    nest.for_each_run(|_, length, _| lengths.push(length));
    lengths
}

#[test]
fn a_0d_layout_is_one_element() {
    check([&Layout::scalar()]);
    check([&Layout::scalar(), &layout(&[], &[], 9)]);
    assert_eq!(runs(&Nest::new([&Layout::scalar()])), [1]);
}

#[test]
fn an_empty_layout_has_no_run() {
    for shape in [&[0][..], &[0, 3], &[3, 0], &[2, 0, 3], &[1, 0], &[0, 0]] {
        let l = contiguous(shape);
        check([&l]);
        assert!(runs(&Nest::new([&l])).is_empty());
    }
}

#[test]
fn sizes_beside_a_zero_may_overflow() {
    let l = contiguous(&[1 << 40, 1 << 40, 0]);
    assert!(runs(&Nest::new([&l])).is_empty());
    let _ = Nest::over([&l], [0, 1]);
}

#[test]
fn axes_of_size_one_are_dropped() {
    let l = layout(&[1, 3, 1, 4, 1], &[99, 4, -7, 1, 0], 0);
    check([&l, &contiguous(&[1, 3, 1, 4, 1])]);
    assert_eq!(runs(&Nest::new([&l])), [12]);
    assert_eq!(runs(&Nest::new([&contiguous(&[1, 1])])), [1]);
}

#[test]
fn jointly_contiguous_axes_become_one_run() {
    let a = contiguous(&[2, 3, 4]);
    assert_eq!(runs(&Nest::new([&a, &a])), [24]);
    // A flipped layout is as regular as one that is not.
    assert_eq!(runs(&Nest::new([&a.flip(&[0, 1, 2]).unwrap()])), [24]);
    // One operand that breaks between axes 0 and 1 breaks the run of all.
    let b = layout(&[2, 3, 4], &[100, 4, 1], 0);
    assert_eq!(runs(&Nest::new([&a, &b])), [12, 12]);
    // A scalar that is broadcast never breaks a run.
    let scalar = Layout::scalar().broadcast_to(&[2, 3, 4]).unwrap();
    assert_eq!(runs(&Nest::new([&a, &scalar])), [24]);
    assert_eq!(runs(&Nest::new([&scalar])), [24]);
}

#[test]
fn the_order_of_axes_is_kept() {
    // Columns first in memory: merging or sorting axes would change the logical order.
    let l = contiguous(&[3, 4]).transpose(0, 1).unwrap();
    check([&l]);
    assert_eq!(runs(&Nest::new([&l])), [3; 4]);
}

#[test]
fn broadcast_flipped_and_high_rank_layouts() {
    let a = layout(&[3, 4], &[0, 1], 0);
    let b = layout(&[3, 4], &[-4, -1], 11);
    let c = layout(&[3, 4], &[1, 3], 2);
    check([&a, &b, &c]);
    check([&c, &a]);
    let nine = [2, 1, 2, 3, 1, 2, 2, 1, 2];
    let l = contiguous(&nine);
    check([&l]);
    check([&l, &l.flip(&[0, 3, 8]).unwrap(), &Layout::scalar().broadcast_to(&nine).unwrap()]);
    let turned = contiguous(&[2, 1, 2, 2, 1, 3, 2, 1, 2]).permute(&[8, 7, 6, 5, 4, 3, 2, 1, 0]).unwrap();
    check([&l, &turned]);
}

#[test]
fn no_axes_are_one_element() {
    let l = contiguous(&[3, 4]);
    assert_eq!(listed(&Nest::over([&l], []), None), [[0]]);
    // Also of an empty layout: the kept position decides, not the axes that were left out.
    assert_eq!(listed(&Nest::over([&contiguous(&[0, 4])], [1]), None).len(), 4);
}

proptest! {
    #[test]
    fn walks_agree_with_counting(
        shape in prop::collection::vec(0..4usize, 0..6),
        steps in prop::collection::vec(prop::collection::vec(-6..7isize, 6), 3),
        kinds in prop::collection::vec(0..3u8, 3),
    ) {
        let make = |k: usize| {
            let rows: Strides = contiguous(&shape).strides().into();
            let strides: Strides = match kinds[k] {
                0 => rows,
                // Broadcast along every second axis.
                1 => rows.iter().enumerate().map(|(d, &s)| if d % 2 == 0 { 0 } else { s }).collect(),
                _ => steps[k].iter().copied().take(shape.len()).collect(),
            };
            let offset: usize = shape.iter().zip(&strides).map(|(&n, s)| n * s.unsigned_abs()).sum();
            layout(&shape, &strides, offset)
        };
        let (a, b, c) = (make(0), make(1), make(2));
        check([&a]);
        check([&a, &b]);
        check([&a, &b, &c]);
    }
}

#[test]
fn merged_axes_are_given_away() {
    let of = |l: &Layout, m: &Layout, axes: Range<usize>| Nest::over([l, m], axes).into_axes().to_vec();
    let l = contiguous(&[2, 1, 3, 5]);
    assert_eq!(of(&l, &l, 0..3), [(6, [5, 5])]);
    assert_eq!(of(&l, &layout(&[2, 1, 3, 5], &[0, 7, 5, 1], 0), 0..3), [(2, [15, 0]), (3, [5, 5])]);
    // One index alone has no axis.
    assert_eq!(of(&l, &l, 1..2), []);
    assert_eq!(of(&l, &l, 0..0), []);
}

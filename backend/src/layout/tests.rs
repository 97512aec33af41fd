use proptest::prelude::*;

use super::*;

fn layout(shape: &[usize], strides: &[isize], offset: usize) -> Layout {
    Layout::new("test", Shape::from_slice(shape), Strides::from_slice(strides), offset).unwrap()
}

fn contiguous(shape: &[usize]) -> Layout {
    Layout::contiguous("test", shape).unwrap()
}

/// Every index of a shape in row-major order, counted independently of the code under test.
fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    shape.iter().fold(vec![vec![]], |prefixes, &n| {
        let longer = |p: &Vec<usize>| {
            let p = p.clone();
            (0..n).map(move |i| p.iter().copied().chain([i]).collect())
        };
        prefixes.iter().flat_map(longer).collect()
    })
}

/// The positions of all elements in row-major order.
fn positions(l: &Layout) -> Vec<usize> {
    let at = |index: Vec<usize>| {
        let steps: isize = index.iter().zip(l.strides()).map(|(&i, &s)| i as isize * s).sum();
        usize::try_from(l.offset() as isize + steps).unwrap()
    };
    indices(l.shape()).into_iter().map(at).collect()
}

/// Checks what a layout says of itself against its listed positions.
fn check(l: &Layout) {
    let listed = positions(l);
    assert_eq!(l.numel(), listed.len(), "{l:?}");
    assert_eq!(l.end(), listed.iter().max().map_or(0, |p| p + 1), "{l:?}");
    assert_eq!(l.rank(), l.shape().len());
    assert_eq!(l.is_empty(), listed.is_empty());
    let gapless = listed.windows(2).all(|w| w[1] == w[0].wrapping_add(1));
    assert_eq!(l.is_contiguous(), gapless, "{l:?}");
    match l.contiguous_range() {
        Some(range) => assert_eq!(range.collect::<Vec<_>>(), listed, "{l:?}"),
        None => assert!(!gapless, "{l:?}"),
    }
    for (index, &position) in indices(l.shape()).iter().zip(&listed) {
        assert_eq!(l.position("test", index).unwrap(), position);
    }
}

/// Checks that `out` has a shape and that its element `i` is element `source(i)` of `base`.
fn check_view(out: Layout, base: &Layout, shape: &[usize], source: impl Fn(&[usize]) -> Vec<usize>) {
    check(&out);
    assert_eq!(out.shape(), shape, "view of {base:?}");
    for index in indices(shape) {
        let from = base.position("test", &source(&index)).unwrap();
        assert_eq!(out.position("test", &index).unwrap(), from, "{out:?} at {index:?} of {base:?}");
    }
}

/// Layouts of all classes: contiguous, transposed, offset, stepped, flipped, broadcast, size 1, empty, 0-d.
fn bases() -> Vec<Layout> {
    vec![
        Layout::scalar(),
        layout(&[], &[], 7),
        contiguous(&[5]),
        layout(&[5], &[-2], 9),
        layout(&[5], &[0], 3),
        contiguous(&[0]),
        contiguous(&[1]),
        contiguous(&[3, 4]),
        layout(&[4, 3], &[1, 4], 0),
        layout(&[3, 4], &[-4, -1], 20),
        layout(&[3, 4], &[0, 1], 2),
        layout(&[3, 4], &[16, 3], 5),
        contiguous(&[2, 0, 3]),
        contiguous(&[2, 3, 4]),
        layout(&[2, 3, 4], &[1, -2, 6], 4),
        layout(&[2, 1, 3], &[3, 77, 1], 1),
        contiguous(&[2, 1, 3, 2, 1, 2, 1, 2]),
    ]
}

fn dims(rank: usize) -> std::ops::Range<isize> {
    let n = rank.max(1) as isize;
    -n..n
}

fn front(dim: isize, rank: usize) -> usize {
    if dim < 0 { (dim + rank.max(1) as isize) as usize } else { dim as usize }
}

fn kind<T: fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn bases_say_the_truth_of_themselves() {
    bases().iter().for_each(check);
}

#[test]
fn numel_counts_and_refuses_overflow() {
    assert_eq!(numel("t", &[]).unwrap(), 1);
    assert_eq!(numel("t", &[2, 3, 4]).unwrap(), 24);
    assert_eq!(numel("t", &[1 << 40, 0, 1 << 40]).unwrap(), 0);
    assert_eq!(numel("t", &[1 << 62]).unwrap(), 1 << 62);
    assert_eq!(kind(numel("t", &[1 << 32, 1 << 32])), ErrorKind::Memory);
    assert_eq!(kind(numel("t", &[1 << 62, 2])), ErrorKind::Memory);
    assert_eq!(kind(numel("t", &[usize::MAX])), ErrorKind::Memory);
    assert_eq!(kind(numel("t", &[0, usize::MAX])), ErrorKind::Memory);
}

#[test]
fn dims_are_normalised_as_in_pytorch() {
    assert_eq!(normalize_dim("t", -1, 3).unwrap(), 2);
    assert_eq!(normalize_dim("t", 0, 0).unwrap(), 0);
    assert_eq!(normalize_dim("t", -1, 0).unwrap(), 0);
    for (dim, rank) in [(3, 3), (-4, 3), (1, 0), (-2, 0), (isize::MIN, 2), (isize::MAX, 2)] {
        assert_eq!(kind(normalize_dim("t", dim, rank)), ErrorKind::Dim);
    }
    assert_eq!(&normalize_dims("t", &[-1, 0], 3).unwrap()[..], [0, 2]);
    assert_eq!(kind(normalize_dims("t", &[1, -2], 3)), ErrorKind::Shape);
    assert_eq!(kind(normalize_dims("t", &[3], 3)), ErrorKind::Dim);
}

#[test]
fn shapes_broadcast_from_the_right() {
    let b = |x: &[usize], y: &[usize]| broadcast_shapes("t", x, y).map(|s| s.to_vec());
    assert_eq!(b(&[], &[]).unwrap(), [0usize; 0]);
    assert_eq!(b(&[2, 1, 3], &[4, 1]).unwrap(), [2, 4, 3]);
    assert_eq!(b(&[0, 3], &[1, 3]).unwrap(), [0, 3]);
    assert_eq!(b(&[1], &[0]).unwrap(), [0]);
    assert_eq!(kind(b(&[3], &[4])), ErrorKind::Shape);
    assert_eq!(kind(b(&[0], &[3])), ErrorKind::Shape);
}

#[test]
fn the_constructor_proves_every_position() {
    let new = |shape: &[usize], strides: &[isize], offset| {
        Layout::new("t", Shape::from_slice(shape), Strides::from_slice(strides), offset)
    };
    assert_eq!(kind(new(&[2], &[1, 1], 0)), ErrorKind::Shape);
    assert_eq!(kind(new(&[3], &[-1], 1)), ErrorKind::Index);
    assert_eq!(kind(new(&[2, 2], &[1, -1], 0)), ErrorKind::Index);
    assert_eq!(kind(new(&[3], &[isize::MAX], 0)), ErrorKind::Memory);
    assert_eq!(kind(new(&[2, 2], &[isize::MAX, 1], 0)), ErrorKind::Memory);
    assert_eq!(kind(new(&[1], &[1], usize::MAX)), ErrorKind::Memory);
    assert_eq!(kind(new(&[1 << 40, 1 << 40], &[0, 0], 0)), ErrorKind::Memory);
    // One element needs no stride, none needs nothing.
    assert_eq!(new(&[1], &[isize::MIN], 3).unwrap().end(), 4);
    assert_eq!(new(&[0, 2], &[isize::MIN, isize::MAX], usize::MAX).unwrap().end(), 0);
    // The last position may be the last one there is.
    assert_eq!(new(&[2], &[isize::MAX], 0).unwrap().end(), 1 << 63);
}

#[test]
fn position_checks_its_index() {
    let l = contiguous(&[2, 3]);
    assert_eq!(l.position("t", &[1, 2]).unwrap(), 5);
    for index in [&[2, 0][..], &[0, 3], &[0], &[0, 0, 0]] {
        assert_eq!(kind(l.position("t", index)), ErrorKind::Index);
    }
}

#[test]
fn contiguous_strides_are_pytorch_s() {
    assert_eq!(&contiguous_strides(&[2, 0, 3])[..], [3, 3, 1]);
    assert_eq!(&contiguous_strides(&[2, 3, 4])[..], [12, 4, 1]);
    assert_eq!(contiguous_strides(&[2, 1 << 62, 1 << 62, 0])[0], isize::MAX);
    assert_eq!(kind(Layout::contiguous("t", &[1 << 33, 1 << 33])), ErrorKind::Memory);
}

#[test]
fn permute_and_transpose_reorder_axes() {
    for base in bases() {
        let rank = base.rank();
        let mut order: Vec<isize> = (0..rank as isize).collect();
        order.rotate_left(rank.min(1));
        if let [.., last] = &mut order[..] {
            *last -= rank as isize;
        }
        let from: Vec<usize> = order.iter().map(|&d| front(d, rank)).collect();
        let shape: Vec<usize> = from.iter().map(|&d| base.shape()[d]).collect();
        let source = |index: &[usize]| {
            let mut out = vec![0; rank];
            from.iter().zip(index).for_each(|(&d, &i)| out[d] = i);
            out
        };
        check_view(base.permute(&order).unwrap(), &base, &shape, source);
        for (a, b) in dims(rank).flat_map(|a| dims(rank).map(move |b| (a, b))) {
            let swap = |v: &[usize]| {
                let mut v = v.to_vec();
                if rank > 0 {
                    v.swap(front(a, rank), front(b, rank));
                }
                v
            };
            check_view(base.transpose(a, b).unwrap(), &base, &swap(base.shape()), swap);
        }
    }
    let l = contiguous(&[2, 3]);
    assert_eq!(kind(l.permute(&[0])), ErrorKind::Shape);
    assert_eq!(kind(l.permute(&[0, 0])), ErrorKind::Shape);
    assert_eq!(kind(l.permute(&[0, 2])), ErrorKind::Dim);
    assert_eq!(kind(l.transpose(0, 2)), ErrorKind::Dim);
}

/// `base` with axis `d` replaced by the listed indices of it.
fn check_along(out: Layout, base: &Layout, d: usize, taken: &[usize]) {
    let mut shape = base.shape().to_vec();
    shape[d] = taken.len();
    check_view(out, base, &shape, |index| {
        let mut index = index.to_vec();
        index[d] = taken[index[d]];
        index
    });
}

#[test]
fn narrow_takes_a_range() {
    for base in bases().iter().filter(|b| b.rank() > 0) {
        for dim in dims(base.rank()) {
            let d = front(dim, base.rank());
            let n = base.shape()[d];
            for (start, length) in (0..=n).flat_map(|s| (0..=n - s).map(move |l| (s, l))) {
                let taken: Vec<usize> = (start..start + length).collect();
                check_along(base.narrow(dim, start as isize, length).unwrap(), base, d, &taken);
                if start < n {
                    let from_end = start as isize - n as isize;
                    check_along(base.narrow(dim, from_end, length).unwrap(), base, d, &taken);
                }
            }
            let start_fails = base.narrow(dim, n as isize + 1, 0);
            assert_eq!(kind(start_fails), ErrorKind::Index);
            assert_eq!(kind(base.narrow(dim, -(n as isize) - 1, 0)), ErrorKind::Index);
            assert_eq!(kind(base.narrow(dim, 0, n + 1)), ErrorKind::Shape);
            assert_eq!(kind(base.narrow(dim, isize::MIN, 1)), ErrorKind::Index);
            assert_eq!(kind(base.narrow(dim, 0, usize::MAX)), ErrorKind::Shape);
        }
        assert_eq!(kind(base.narrow(9, 0, 0)), ErrorKind::Dim);
    }
    assert_eq!(kind(Layout::scalar().narrow(0, 0, 1)), ErrorKind::Shape);
}

/// What Python's `range(n)[start:stop:step]` lists.
fn python_slice(n: isize, start: Option<isize>, stop: Option<isize>, step: isize) -> Vec<usize> {
    let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
    let bound = |v: isize| (if v < 0 { v.saturating_add(n) } else { v }).clamp(low, high);
    let mut i = start.map_or(if step > 0 { low } else { high }, bound);
    let stop = stop.map_or(if step > 0 { high } else { low }, bound);
    let mut out = vec![];
    while if step > 0 { i < stop } else { i > stop } {
        out.push(i as usize);
        i = i.saturating_add(step);
    }
    out
}

#[test]
fn slice_is_python_s() {
    let ends =
        [None, Some(isize::MIN), Some(-6), Some(-3), Some(-1), Some(0), Some(1), Some(2), Some(4), Some(5)];
    let ends = || ends.into_iter().chain([Some(6), Some(isize::MAX)]);
    for base in bases().iter().filter(|b| b.rank() > 0) {
        for d in 0..base.rank() {
            for (start, stop) in ends().flat_map(|a| ends().map(move |b| (a, b))) {
                for step in [1, 2, 3, isize::MAX, -1, -2, -7, isize::MIN] {
                    let taken = python_slice(base.shape()[d] as isize, start, stop, step);
                    check_along(base.slice(d as isize, start, stop, step).unwrap(), base, d, &taken);
                }
            }
        }
    }
    let l = contiguous(&[4]);
    assert_eq!(kind(l.slice(0, None, None, 0)), ErrorKind::Value);
    assert_eq!(kind(l.slice(1, None, None, 1)), ErrorKind::Dim);
    assert_eq!(kind(Layout::scalar().slice(0, None, None, 1)), ErrorKind::Dim);
}

#[test]
fn select_drops_an_axis() {
    for base in bases().iter().filter(|b| b.rank() > 0) {
        for dim in dims(base.rank()) {
            let d = front(dim, base.rank());
            let n = base.shape()[d] as isize;
            let mut shape = base.shape().to_vec();
            shape.remove(d);
            for i in -n..n {
                check_view(base.select(dim, i).unwrap(), base, &shape, |index| {
                    let mut index = index.to_vec();
                    index.insert(d, if i < 0 { i + n } else { i } as usize);
                    index
                });
            }
            assert_eq!(kind(base.select(dim, n)), ErrorKind::Index);
            assert_eq!(kind(base.select(dim, -n - 1)), ErrorKind::Index);
        }
        assert_eq!(kind(base.select(9, 0)), ErrorKind::Dim);
    }
    assert_eq!(kind(Layout::scalar().select(0, 0)), ErrorKind::Dim);
}

#[test]
fn expand_repeats_with_stride_zero() {
    for base in bases() {
        let mut shape: Vec<usize> = base.shape().iter().map(|&n| if n == 1 { 3 } else { n }).collect();
        shape.insert(0, 2);
        let source = |index: &[usize]| -> Vec<usize> {
            index[1..].iter().zip(base.shape()).map(|(&i, &n)| if n == 1 { 0 } else { i }).collect()
        };
        check_view(base.broadcast_to(&shape).unwrap(), &base, &shape, source);
        let mut keep: Vec<isize> = shape.iter().map(|&n| n as isize).collect();
        keep.iter_mut().skip(1).zip(base.shape()).for_each(|(k, &n)| *k = if n == 1 { *k } else { -1 });
        check_view(base.expand(&keep).unwrap(), &base, &shape, source);
        assert_eq!(base.broadcast_to(base.shape()).unwrap(), base);
    }
    let one = contiguous(&[2, 1]);
    assert_eq!(one.expand(&[2, 0]).unwrap().shape(), [2, 0]);
    for wrong in [&[2][..], &[3, 1], &[2, -2], &[-1, 2, 1], &[0, 1]] {
        assert_eq!(kind(one.expand(wrong)), ErrorKind::Shape);
    }
    assert_eq!(kind(one.broadcast_to(&[2, usize::MAX])), ErrorKind::Memory);
    assert_eq!(kind(one.expand(&[isize::MAX, 2, 1])), ErrorKind::Memory);
}

#[test]
fn squeeze_and_unsqueeze_move_axes_of_size_one() {
    for base in bases() {
        let rank = base.rank();
        for dim in dims(rank) {
            let d = front(dim, rank);
            let mut shape = base.shape().to_vec();
            let goes = shape.get(d) == Some(&1);
            if goes {
                shape.remove(d);
            }
            check_view(base.squeeze(dim).unwrap(), &base, &shape, |index| {
                let mut index = index.to_vec();
                if goes {
                    index.insert(d, 0);
                }
                index
            });
        }
        for dim in -(rank as isize) - 1..=rank as isize {
            let d = front(dim, rank + 1);
            let mut shape = base.shape().to_vec();
            shape.insert(d, 1);
            check_view(base.unsqueeze(dim).unwrap(), &base, &shape, |index| {
                let mut index = index.to_vec();
                index.remove(d);
                index
            });
        }
        assert_eq!(kind(base.unsqueeze(rank as isize + 1)), ErrorKind::Dim);
        assert_eq!(kind(base.squeeze(9)), ErrorKind::Dim);
    }
    assert_eq!(contiguous(&[2, 3]).unsqueeze(1).unwrap().strides(), [3, 3, 1]);
}

#[test]
fn flip_reverses_axes() {
    for base in bases() {
        let rank = base.rank();
        let all: Vec<isize> = (0..rank as isize).collect();
        for flipped in [vec![], all.clone(), all.iter().copied().take(1).collect(), vec![-1]] {
            let at: Vec<usize> = flipped.iter().map(|&d| front(d, rank)).collect();
            check_view(base.flip(&flipped).unwrap(), &base, base.shape(), |index| {
                let turn =
                    |(d, &i): (usize, &usize)| if at.contains(&d) { base.shape()[d] - 1 - i } else { i };
                index.iter().enumerate().map(turn).collect()
            });
        }
    }
    let l = contiguous(&[2, 3]);
    assert_eq!(kind(l.flip(&[0, -2])), ErrorKind::Shape);
    assert_eq!(kind(l.flip(&[2])), ErrorKind::Dim);
    // The stride of a single element may be anything.
    check(&layout(&[1, 2], &[isize::MIN, 1], 0).flip(&[0, 1]).unwrap());
}

#[test]
fn unfold_makes_windows() {
    for base in bases() {
        let rank = base.rank();
        for dim in dims(rank) {
            let d = front(dim, rank);
            let n = if rank == 0 { 1 } else { base.shape()[d] };
            for (size, step) in (0..=n).flat_map(|s| [1, 2, 3, usize::MAX].map(move |t| (s, t))) {
                let mut shape = base.shape().to_vec();
                if rank > 0 {
                    shape[d] = (n - size) / step + 1;
                }
                shape.push(size);
                check_view(base.unfold(dim, size, step).unwrap(), &base, &shape, |index| {
                    let (tap, index) = index.split_last().unwrap();
                    let mut index = index.to_vec();
                    if rank > 0 {
                        index[d] = index[d] * step + tap;
                    }
                    index
                });
            }
            assert_eq!(kind(base.unfold(dim, n + 1, 1)), ErrorKind::Value);
            assert_eq!(kind(base.unfold(dim, n, 0)), ErrorKind::Value);
        }
        assert_eq!(kind(base.unfold(9, 1, 1)), ErrorKind::Dim);
    }
}

#[test]
fn diagonal_runs_along_two_axes() {
    for base in bases().iter().filter(|b| b.rank() > 1) {
        let rank = base.rank();
        for (a, b) in (0..rank).flat_map(|a| (0..rank).map(move |b| (a, b))).filter(|(a, b)| a != b) {
            for offset in [isize::MIN, -5, -2, -1, 0, 1, 2, 3, 5, isize::MAX] {
                let (rows, cols) = (base.shape()[a] as isize, base.shape()[b] as isize);
                let on = |i: &isize| (0..cols).contains(&i.saturating_add(offset));
                let taken: Vec<isize> = (0..rows).filter(on).collect();
                let others: Vec<usize> = (0..rank).filter(|&d| d != a && d != b).collect();
                let mut shape: Vec<usize> = others.iter().map(|&d| base.shape()[d]).collect();
                shape.push(taken.len());
                let out = base.diagonal(offset, a as isize, b as isize - rank as isize).unwrap();
                check_view(out, base, &shape, |index| {
                    let (&last, rest) = index.split_last().unwrap();
                    let mut from = vec![0; rank];
                    others.iter().zip(rest).for_each(|(&d, &i)| from[d] = i);
                    from[a] = taken[last] as usize;
                    from[b] = (taken[last] + offset) as usize;
                    from
                });
            }
        }
        assert_eq!(kind(base.diagonal(0, 1, 1)), ErrorKind::Shape);
        assert_eq!(kind(base.diagonal(0, 0, 9)), ErrorKind::Dim);
    }
    assert_eq!(kind(contiguous(&[3]).diagonal(0, 0, -1)), ErrorKind::Shape);
}

#[test]
fn as_strided_stays_inside_of_the_memory() {
    let l = Layout::as_strided(10, &[2, 3], &[4, 2], 1).unwrap();
    assert_eq!(positions(&l), [1, 3, 5, 5, 7, 9]);
    assert_eq!(kind(Layout::as_strided(9, &[2, 3], &[4, 2], 1)), ErrorKind::Index);
    assert_eq!(kind(Layout::as_strided(9, &[2], &[-1], 0)), ErrorKind::Index);
    assert_eq!(kind(Layout::as_strided(9, &[2], &[], 0)), ErrorKind::Shape);
    assert_eq!(Layout::as_strided(0, &[0, 5], &[100, 100], 1000).unwrap().end(), 0);
}

#[test]
fn reshape_needs_equal_counts() {
    let l = contiguous(&[2, 3]);
    assert_eq!(l.reshape(&[7]), None);
    assert_eq!(l.reshape(&[1 << 33, 1 << 33]), None);
    assert_eq!(contiguous(&[0, 3]).reshape(&[5, 0]).unwrap().shape(), [5, 0]);
    assert_eq!(layout(&[], &[], 4).reshape(&[1, 1]).unwrap(), layout(&[1, 1], &[1, 1], 4));
    assert_eq!(layout(&[2, 2], &[isize::MAX - 1, 1], 0).reshape(&[4]), None);
}

/// A layout made of `shape` by a list of view ops, each chosen by three numbers. With `any_stride`
/// it starts from strides that no view algebra gives.
fn made_by(shape: &[usize], ops: &[(u8, usize, usize)], any_stride: Option<&[isize]>) -> Layout {
    let mut l = match any_stride {
        None => contiguous(shape),
        Some(strides) => {
            let strides: Strides = strides.iter().copied().cycle().take(shape.len()).collect();
            let back: usize = shape.iter().zip(&strides).map(|(&n, s)| n * s.unsigned_abs()).sum();
            Layout::new("test", Shape::from_slice(shape), strides, back).unwrap()
        }
    };
    for &(op, a, b) in ops {
        let rank = l.rank();
        let (d, e) = ((a % rank.max(1)) as isize, (b % rank.max(1)) as isize);
        let next = match op % 8 {
            0 => l.transpose(d, e),
            1 => l.flip(&[d]),
            2 => l.slice(d, None, None, [2, -1, 3, -2][b % 4]),
            3 => l.slice(d, Some(b as isize % 3), None, 1),
            4 if rank < 6 => l.unsqueeze(d),
            5 => l.squeeze(d),
            6 => l.diagonal(b as isize % 2, d, (d + 1) % rank.max(1) as isize),
            7 => {
                let grown = |(i, &n): (usize, &usize)| if n == 1 && i == d as usize { 2 } else { n };
                let shape: Shape = l.shape().iter().enumerate().map(grown).collect();
                l.broadcast_to(&shape)
            }
            _ => Ok(l.clone()),
        };
        // Ops that the layout at hand does not allow are skipped.
        if let Ok(next) = next {
            l = next;
        }
    }
    l
}

/// A shape with `numel` elements, chosen by a list of numbers.
fn factored(mut numel: usize, choices: &[usize]) -> Shape {
    let mut shape = Shape::new();
    for &choice in choices {
        let divisors: Vec<usize> = (1..=numel.max(1)).filter(|d| numel.is_multiple_of(*d)).collect();
        let size = divisors[choice % divisors.len()];
        numel /= size;
        shape.push(size);
    }
    shape.push(numel);
    shape
}

type Ops = Vec<(u8, usize, usize)>;

fn any_ops() -> impl Strategy<Value = Ops> {
    prop::collection::vec((any::<u8>(), 0..6usize, 0..6usize), 0..8)
}

proptest! {
    #[test]
    fn reshape_is_a_view_exactly_where_it_can_be_one(
        shape in prop::collection::vec(0..5usize, 0..5),
        ops in any_ops(),
        strides in prop::option::of(prop::collection::vec(-7..8isize, 1..5)),
        choices in prop::collection::vec(0..6usize, 0..5),
    ) {
        let base = made_by(&shape, &ops, strides.as_deref());
        check(&base);
        let wanted = factored(base.numel(), &choices);
        let listed = positions(&base);
        match base.reshape(&wanted) {
            Some(view) => {
                check(&view);
                prop_assert_eq!(view.shape(), &wanted[..]);
                prop_assert_eq!(positions(&view), listed);
            }
            None => {
                // No strides at all would have listed the same positions.
                let at = |index: &[usize]| {
                    let n = index.iter().zip(&wanted).fold(0, |n, (i, size)| n * size + i);
                    listed[n] as isize
                };
                let origin = at(&vec![0; wanted.len()]);
                let strides: Strides = (0..wanted.len()).map(|d| {
                    let mut index = vec![0; wanted.len()];
                    index[d] = 1;
                    if wanted[d] > 1 { at(&index) - origin } else { 0 }
                }).collect();
                let candidate = Layout::new("test", wanted.clone(), strides, origin as usize);
                let same = candidate.is_ok_and(|c| positions(&c) == listed);
                prop_assert!(!same, "{:?} could be viewed as {:?}", base, wanted);
            }
        }
    }

    #[test]
    fn views_know_whether_they_overlap_themselves(
        shape in prop::collection::vec(0..5usize, 0..5),
        ops in any_ops(),
    ) {
        let l = made_by(&shape, &ops, None);
        let mut listed = positions(&l);
        listed.sort_unstable();
        let overlaps = listed.windows(2).any(|w| w[0] == w[1]);
        prop_assert_eq!(l.may_overlap_itself(), overlaps, "{:?}", l);
    }

    #[test]
    fn no_overlap_is_missed(
        shape in prop::collection::vec(0..5usize, 0..5),
        ops in any_ops(),
        strides in prop::collection::vec(-9..10isize, 1..5),
    ) {
        let l = made_by(&shape, &ops, Some(&strides));
        let mut listed = positions(&l);
        listed.sort_unstable();
        let overlaps = listed.windows(2).any(|w| w[0] == w[1]);
        prop_assert!(l.may_overlap_itself() || !overlaps, "{:?}", l);
    }
}

#[test]
fn one_position_stands_for_every_index() {
    let more = contiguous(&[2, 1, 1, 3, 1, 1, 2, 1]);
    let cases = [contiguous(&[]), contiguous(&[0, 3]), contiguous(&[1, 1]), more, layout(&[4], &[2], 5)];
    for base in bases().iter().chain(&cases) {
        let (one, expected) = (base.of_one(), layout(base.shape(), &vec![0; base.rank()], 0));
        assert_eq!(one, expected);
        assert_eq!((one.numel(), one.end()), (expected.numel(), expected.end()));
        assert_eq!(one.is_contiguous(), expected.is_contiguous());
        assert!(one.has_shape_of(base) && base.has_shape_of(&one));
    }
}

#[test]
fn packed_is_the_contiguous_layout_of_the_shape() {
    let more = contiguous(&[2, 1, 1, 3, 1, 1, 2, 1]).transpose(0, 3).unwrap();
    // Sizes whose product would overflow but for the zero.
    let empty = contiguous(&[0, usize::MAX >> 1, usize::MAX >> 1]);
    let cases = [contiguous(&[]), contiguous(&[0, 3]), empty, more, layout(&[4, 1], &[2, 7], 5)];
    for base in bases().iter().chain(&cases) {
        let (packed, expected) = (base.packed(), contiguous(base.shape()));
        assert_eq!(packed, expected);
        assert_eq!((packed.numel(), packed.end()), (expected.numel(), expected.end()));
        assert!(packed.is_packed() || packed.is_empty() || packed.rank() > 6);
        assert!(packed.is_contiguous() && packed.has_shape_of(base));
        assert!(!base.is_packed() || *base == expected);
    }
}

#[test]
fn shapes_differ_in_sizes_or_in_rank() {
    let shapes: [&[usize]; 8] =
        [&[], &[1], &[2, 3], &[3, 2], &[2, 3, 0], &[0], &[1, 1, 1, 1, 1, 1, 2], &[1, 1, 1, 1, 1, 1, 3]];
    for a in shapes {
        for b in shapes {
            assert_eq!(contiguous(a).has_shape_of(&contiguous(b)), a == b, "{a:?} {b:?}");
        }
    }
}

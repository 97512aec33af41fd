//! Views against a brute-force model: every view of an index tensor is a list of positions of its base.
//!
//! A chain of random views is applied to `arange` and, by plain index arithmetic, to a list of positions.
//! The elements must be equal, writing through the view must change the base at exactly those positions,
//! and writing to the base must be seen through the view.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rusttorch::{DType, ErrorKind, Index, Result, Tensor, no_grad};

fn iota(n: usize) -> Tensor {
    Tensor::arange(0, n as i64, 1, DType::I64).unwrap()
}

fn isizes(shape: &[usize]) -> Vec<isize> {
    shape.iter().map(|&n| n as isize).collect()
}

// ---- the model -----------------------------------------------------------------------------------

/// A shape and, in row-major order, the position of every element in the base.
#[derive(Debug, Clone, PartialEq)]
struct Model {
    shape: Vec<usize>,
    at: Vec<usize>,
}

/// All indices of a shape in row-major order.
fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut out = vec![vec![]];
    for &n in shape {
        out = out.iter().flat_map(|i| (0..n).map(|k| [&i[..], &[k]].concat())).collect();
    }
    out
}

impl Model {
    fn new(n: usize, shape: &[usize]) -> Model {
        Model { shape: shape.to_vec(), at: (0..n).collect() }
    }

    fn rank(&self) -> usize {
        self.shape.len()
    }

    /// A view of `shape` whose element `i` is the element `from(i)` of this one.
    fn remap(&self, shape: Vec<usize>, from: impl Fn(&[usize]) -> Vec<usize>) -> Model {
        let flat = |i: Vec<usize>| i.iter().zip(&self.shape).fold(0, |f, (&k, &n)| f * n + k);
        let at = indices(&shape).iter().map(|i| self.at[flat(from(i))]).collect();
        Model { shape, at }
    }

    /// Axis `d` replaced by the listed indices of it.
    fn take(&self, d: usize, list: &[usize]) -> Model {
        let mut shape = self.shape.clone();
        shape[d] = list.len();
        self.remap(shape, |i| {
            let mut i = i.to_vec();
            i[d] = list[i[d]];
            i
        })
    }

    fn without(&self, d: usize, k: usize) -> Model {
        let mut out = self.take(d, &[k]);
        out.shape.remove(d);
        out
    }

    fn reshaped(&self, shape: &[usize]) -> Model {
        assert_eq!(shape.iter().product::<usize>(), self.at.len());
        Model { shape: shape.to_vec(), at: self.at.clone() }
    }

    fn overlaps(&self) -> bool {
        let mut seen = self.at.clone();
        seen.sort_unstable();
        seen.windows(2).any(|w| w[0] == w[1])
    }

    /// Whether one stride per dimension leads to all positions, which is when a view of this shape exists.
    fn is_affine(&self) -> bool {
        let Some(&origin) = self.at.first() else { return true };
        let mut block = self.at.len();
        let strides: Vec<i64> = self
            .shape
            .iter()
            .map(|&n| {
                block /= n;
                if n > 1 { self.at[block] as i64 - origin as i64 } else { 0 }
            })
            .collect();
        indices(&self.shape).iter().zip(&self.at).all(|(i, &at)| {
            let steps: i64 = i.iter().zip(&strides).map(|(&k, &s)| k as i64 * s).sum();
            origin as i64 + steps == at as i64
        })
    }
}

/// Python's `range(n)[start:stop:step]`, found by walking.
fn python_slice(n: usize, start: Option<isize>, stop: Option<isize>, step: isize) -> Vec<usize> {
    let n = n as isize;
    let place = |v: isize| if v < 0 { v + n } else { v };
    let (start, stop) = (start.map(place), stop.map(place));
    let mut out = Vec::new();
    if step > 0 {
        let mut k = start.unwrap_or(0).max(0);
        while k < n && stop.is_none_or(|s| k < s) {
            out.push(k as usize);
            k += step;
        }
    } else {
        let mut k = start.unwrap_or(n - 1).min(n - 1);
        while k >= 0 && stop.is_none_or(|s| k > s) {
            out.push(k as usize);
            k += step;
        }
    }
    out
}

// ---- random views ----------------------------------------------------------------------------------

/// The raw material of a random view: which one, and numbers from which its arguments are made.
type Step = (u8, [u16; 4]);

const KINDS: u8 = 24;

/// Applies one view to the tensor and to the model. `None` where the kind does not suit the shape.
fn apply(x: &Tensor, m: &Model, (kind, raw): Step) -> Option<Result<(Tensor, Model)>> {
    let rank = m.rank();
    let pick = |i: usize, n: usize| raw[i] as usize % n.max(1);
    // A dimension, half of the time counted from the end.
    let dim = |i: usize| {
        let d = pick(i, rank);
        (d, if raw[3] & 1 == 0 { d as isize } else { d as isize - rank as isize })
    };
    let needs_dim = !matches!(kind, 5 | 6 | 8 | 12 | 17 | 20 | 23);
    if needs_dim && rank == 0 {
        return None;
    }
    let keep = |x: Result<Tensor>, m: Model| x.map(|x| (x, m));
    Some(match kind {
        0 => {
            let (d, signed) = dim(0);
            let start = pick(1, m.shape[d] + 1);
            let length = pick(2, m.shape[d] - start + 1);
            let list: Vec<usize> = (start..start + length).collect();
            keep(x.narrow(signed, start as isize, length), m.take(d, &list))
        }
        1..=3 => {
            let (d, signed) = dim(0);
            let n = m.shape[d] as isize;
            let bound = |r: u16| (!r.is_multiple_of(4)).then_some(r as isize / 4 % (2 * n + 5) - n - 2);
            let step = [1, 2, 3, -1, -2, -3, 100, -100][pick(3, 8)];
            let (start, stop) = (bound(raw[1]), bound(raw[2]));
            keep(x.slice(signed, start, stop, step), m.take(d, &python_slice(m.shape[d], start, stop, step)))
        }
        4 => {
            let (d, signed) = dim(0);
            if m.shape[d] == 0 {
                return None;
            }
            let k = pick(1, m.shape[d]);
            let index = if raw[2] & 1 == 0 { k as isize } else { k as isize - m.shape[d] as isize };
            keep(x.select(signed, index), m.without(d, k))
        }
        5 => {
            if rank >= 9 {
                return None;
            }
            let d = pick(0, rank + 1);
            let signed = if raw[3] & 1 == 0 { d as isize } else { d as isize - rank as isize - 1 };
            let mut shape = m.shape.clone();
            shape.insert(d, 1);
            keep(x.unsqueeze(signed), m.reshaped(&shape))
        }
        6 => {
            let shape: Vec<usize> = m.shape.iter().copied().filter(|&n| n != 1).collect();
            keep(x.squeeze_all(), m.reshaped(&shape))
        }
        7 => {
            let (d, signed) = dim(0);
            let mut shape = m.shape.clone();
            if shape[d] == 1 {
                shape.remove(d);
            }
            keep(x.squeeze(signed), m.reshaped(&shape))
        }
        8 => {
            // Sizes of 1 stretched, and up to two new leading dimensions.
            let mut shape: Vec<usize> =
                m.shape.iter().enumerate().map(|(d, &n)| if n == 1 { pick(d % 4, 4) } else { n }).collect();
            for i in 0..pick(3, 3).min(9 - rank.min(9)) {
                shape.insert(0, pick(i, 3));
            }
            let lead = shape.len() - rank;
            let model = m.remap(shape.clone(), |i| {
                i[lead..].iter().zip(&m.shape).map(|(&k, &n)| if n == 1 { 0 } else { k }).collect()
            });
            let mut asked = isizes(&shape);
            if raw[1] & 1 == 0 {
                // -1 keeps a size.
                (lead..shape.len()).filter(|&d| shape[d] == m.shape[d - lead]).for_each(|d| asked[d] = -1);
            }
            keep(x.expand(&asked), model)
        }
        9 => {
            let ((a, sa), (b, sb)) = (dim(0), dim(1));
            let mut shape = m.shape.clone();
            shape.swap(a, b);
            let model = m.remap(shape, |i| {
                let mut i = i.to_vec();
                i.swap(a, b);
                i
            });
            keep(x.transpose(sa, sb), model)
        }
        10 | 11 => {
            // A permutation by sorting on hashed keys.
            let mut order: Vec<usize> = (0..rank).collect();
            order.sort_by_key(|&d| (raw[d % 4] as usize).wrapping_mul(2 * d + 40503) % 1009);
            let shape = order.iter().map(|&d| m.shape[d]).collect();
            let model = m.remap(shape, |i| {
                let mut own = vec![0; rank];
                order.iter().zip(i).for_each(|(&d, &k)| own[d] = k);
                own
            });
            let signed: Vec<isize> = order
                .iter()
                .map(|&d| if raw[0] & 1 == 0 { d as isize } else { d as isize - rank as isize })
                .collect();
            if kind == 10 {
                keep(x.permute(&signed), model)
            } else {
                // The same by movedim: source dim order[i] goes to place i.
                keep(x.movedim(&signed, (0..rank as isize).collect::<Vec<_>>()), model)
            }
        }
        12 => {
            if rank > 2 {
                return None;
            }
            let model = match rank {
                2 => m.remap(vec![m.shape[1], m.shape[0]], |i| vec![i[1], i[0]]),
                _ => m.clone(),
            };
            keep(x.t(), model)
        }
        13 => {
            if rank < 2 {
                return None;
            }
            let mut shape = m.shape.clone();
            shape.swap(rank - 1, rank - 2);
            let model = m.remap(shape, |i| {
                let mut i = i.to_vec();
                i.swap(rank - 1, rank - 2);
                i
            });
            keep(x.mt(), model)
        }
        14 => {
            let (d, signed) = dim(0);
            if rank >= 9 {
                return None;
            }
            let size = pick(1, m.shape[d] + 1);
            let step = 1 + pick(2, 3);
            let mut shape = m.shape.clone();
            shape[d] = (m.shape[d] - size) / step + 1;
            shape.push(size);
            let model = m.remap(shape, |i| {
                let mut own = i[..rank].to_vec();
                own[d] = i[d] * step + i[rank];
                own
            });
            keep(x.unfold(signed, size, step), model)
        }
        15 => {
            let ((a, sa), (b, sb)) = (dim(0), dim(1));
            if a == b {
                return None;
            }
            let offset = pick(2, 7) as isize - 3;
            let mut pairs = Vec::new();
            for r in 0..m.shape[a] {
                for c in 0..m.shape[b] {
                    if c as isize - r as isize == offset {
                        pairs.push((r, c));
                    }
                }
            }
            let rest: Vec<usize> = (0..rank).filter(|&d| d != a && d != b).collect();
            let mut shape: Vec<usize> = rest.iter().map(|&d| m.shape[d]).collect();
            shape.push(pairs.len());
            let model = m.remap(shape, |i| {
                let mut own = vec![0; rank];
                rest.iter().zip(i).for_each(|(&d, &k)| own[d] = k);
                (own[a], own[b]) = pairs[i[rest.len()]];
                own
            });
            keep(x.diagonal(offset, sa, sb), model)
        }
        16 => {
            // A piece of split, chunk or unbind.
            let (d, signed) = dim(0);
            let n = m.shape[d];
            let size = 1 + pick(1, 3);
            let (pieces, width) = match pick(2, 2) {
                0 => (x.split(size, signed), size),
                _ if n > 0 => (x.chunk(size, signed), n.div_ceil(size)),
                _ => return None,
            };
            let pieces = match pieces {
                Ok(pieces) => pieces,
                Err(e) => return Some(Err(e)),
            };
            assert_eq!(pieces.len(), n.div_ceil(width).max(1));
            let k = pick(3, pieces.len());
            let list: Vec<usize> = (k * width..((k + 1) * width).min(n)).collect();
            keep(Ok(pieces[k].clone()), m.take(d, &list))
        }
        17 => {
            // Without copies only: reshape is tested by itself.
            let model = m.reshaped(&[m.at.len()]);
            if !model.is_affine() || m.at.is_empty() {
                return None;
            }
            keep(x.view([-1]), model)
        }
        18 => {
            let (d, signed) = dim(0);
            let n = m.shape[d];
            let k = (1..=n).filter(|k| n.is_multiple_of(*k)).nth(pick(1, 3))?;
            if rank >= 9 {
                return None;
            }
            let mut shape = m.shape.clone();
            shape.splice(d..=d, [k, n / k]);
            let sizes = if raw[2] & 1 == 0 { [k as isize, -1] } else { [-1, (n / k) as isize] };
            keep(x.unflatten(signed, sizes), m.reshaped(&shape))
        }
        19 => {
            let (d, _) = dim(0);
            if m.shape[d] == 0 {
                return None;
            }
            let k = pick(1, m.shape[d]);
            let pieces = match x.unbind(d as isize) {
                Ok(pieces) => pieces,
                Err(e) => return Some(Err(e)),
            };
            assert_eq!(pieces.len(), m.shape[d]);
            keep(Ok(pieces[k].clone()), m.without(d, k))
        }
        20 => keep(Ok(x.detach()), m.clone()),
        21 => {
            // Basic indexing of the leading dimensions.
            let n = m.shape[0];
            if n == 0 {
                return None;
            }
            let k = pick(0, n);
            let mut model = m.without(0, k);
            let mut list = vec![Index::At(k as isize)];
            if rank > 1 {
                let step = if raw[1] & 1 == 0 { 1 } else { -1 };
                let last = rank - 2;
                let kept = python_slice(model.shape[last], None, None, step);
                model = model.take(last, &kept);
                list.extend([Index::Ellipsis, Index::Slice { start: None, stop: None, step }]);
            }
            keep(x.i(list), model)
        }
        22 => {
            let (a, b) = (pick(0, rank), pick(1, rank));
            let (a, b) = (a.min(b), a.max(b));
            let mut shape = m.shape[..a].to_vec();
            shape.push(m.shape[a..=b].iter().product());
            shape.extend(&m.shape[b + 1..]);
            let model = m.reshaped(&shape);
            if !model.is_affine() {
                return None;
            }
            keep(x.flatten_dims(a as isize, b as isize), model)
        }
        _ => keep(no_grad(|| x.view(isizes(&m.shape))), m.clone()),
    })
}

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((0..KINDS, any::<[u16; 4]>()), 0..=most)
}

fn shapes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1 => Just(0usize), 2 => Just(1usize), 8 => 2..5usize], 0..6)
}

/// The base, and what the chain of views makes of it.
fn build(shape: &[usize], chain: &[Step]) -> (Tensor, Tensor, Model) {
    let n: usize = shape.iter().product();
    let base = iota(n).reshape(isizes(shape)).unwrap().copy().unwrap();
    let (mut x, mut m) = (base.clone(), Model::new(n, shape));
    for &step in chain {
        let Some(next) = apply(&x, &m, step) else { continue };
        let (view, model) = next.unwrap_or_else(|e| panic!("{step:?} on {:?}: {e}", m.shape));
        // Windows and expansions multiply; beyond this size nothing new happens.
        if model.at.len() > 2000 {
            break;
        }
        assert_eq!(view.shape(), model.shape, "{step:?} on {:?}", m.shape);
        (x, m) = (view, model);
    }
    (base, x, m)
}

fn read(t: &Tensor) -> Vec<i64> {
    t.to_vec::<i64>().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The elements, the contiguous copy and the printed sizes of a chain of views are the model's.
    #[test]
    fn a_chain_of_views_reads_the_positions_of_the_model(shape in shapes(), chain in steps(6)) {
        let (base, x, m) = build(&shape, &chain);
        let expected: Vec<i64> = m.at.iter().map(|&p| p as i64).collect();
        prop_assert_eq!(read(&x), &expected[..]);
        prop_assert_eq!(read(&x.copy().unwrap()), &expected[..]);
        prop_assert_eq!(x.numel(), expected.len());
        prop_assert!(x.shares_storage(&base));
        prop_assert!(!x.copy().unwrap().shares_storage(&base));
        let dense = x.contiguous().unwrap();
        prop_assert!(dense.is_contiguous());
        prop_assert_eq!(dense.is_same(&x), x.is_contiguous());
        prop_assert_eq!(read(&dense), expected);
    }

    /// Writing through a view changes the base at the view's positions and nowhere else; where two
    /// elements share a position it is refused.
    #[test]
    fn writes_go_through_a_view_to_its_base_and_back(shape in shapes(), chain in steps(6)) {
        let (base, x, m) = build(&shape, &chain);
        let before = read(&base);
        let version = base.version();
        let values = (iota(m.at.len()) + 10_000i64).unwrap().reshape(isizes(&m.shape)).unwrap();
        match x.copy_(&values) {
            Ok(same) => {
                prop_assert!(!m.overlaps());
                prop_assert!(same.is_same(&x));
                let mut expected = before;
                m.at.iter().enumerate().for_each(|(i, &p)| expected[p] = 10_000 + i as i64);
                prop_assert_eq!(read(&base), expected);
                prop_assert_eq!(base.version(), version + 1);
            }
            Err(e) => {
                prop_assert_eq!(e.kind(), ErrorKind::Alias);
                // The contract lets the check err, but only for windows; here they are the only source.
                prop_assert!(m.overlaps() || chain.iter().any(|s| s.0 == 14), "{}", e);
                prop_assert_eq!(read(&base), before);
                prop_assert_eq!(base.version(), version);
            }
        }
        base.mul_(-3i64).unwrap();
        let whole = read(&base);
        let seen: Vec<i64> = m.at.iter().map(|&p| whole[p]).collect();
        prop_assert_eq!(read(&x), seen);
    }

    /// `reshape` is a view exactly where the strides allow one, and `view` succeeds exactly then.
    #[test]
    fn reshape_copies_only_where_view_is_refused(
        shape in shapes(), chain in steps(4), cuts in prop::collection::vec(any::<u16>(), 0..4), hole in any::<u16>(),
    ) {
        let (base, x, m) = build(&shape, &chain);
        let n = m.at.len();
        // A random factorisation of the element count, with ones in between.
        let (mut target, mut rest) = (Vec::new(), n);
        for cut in cuts {
            let divisors: Vec<usize> = (1..=rest.max(1)).filter(|d| rest.is_multiple_of(*d)).collect();
            let d = divisors[cut as usize % divisors.len()];
            target.push(d);
            rest /= d;
        }
        target.push(rest);
        let model = m.reshaped(&target);
        let mut asked = isizes(&target);
        if n > 0 && hole & 1 == 0 {
            let d = hole as usize / 2 % asked.len();
            asked[d] = -1;
        }
        let y = x.reshape(&asked).unwrap();
        prop_assert_eq!(y.shape(), &target[..]);
        prop_assert_eq!(read(&y), model.at.iter().map(|&p| p as i64).collect::<Vec<_>>());
        prop_assert_eq!(y.shares_storage(&base), model.is_affine(), "{:?} -> {:?}", x.strides(), target);
        match x.view(&asked) {
            Ok(v) => {
                prop_assert!(model.is_affine());
                prop_assert_eq!(read(&v), read(&y));
            }
            Err(e) => {
                prop_assert!(!model.is_affine());
                prop_assert_eq!(e.kind(), ErrorKind::Shape);
            }
        }
    }

    /// The gradient of a chain of views counts how often it shows each element of the base.
    #[test]
    fn the_gradient_of_a_view_goes_to_its_positions(shape in shapes(), chain in steps(5)) {
        // Neither `detach` nor a view under `no_grad`, which pass none on.
        let chain: Vec<Step> = chain.into_iter().filter(|s| s.0 != 20 && s.0 != 23).collect();
        let n: usize = shape.iter().product();
        let leaf = Tensor::zeros(&shape, DType::F64).unwrap().requires_grad_(true).unwrap();
        let (mut x, mut m) = (leaf.clone(), Model::new(n, &shape));
        for &step in &chain {
            let Some(next) = apply(&x, &m, step) else { continue };
            let (view, model) = next.unwrap();
            if model.at.len() > 500 {
                break;
            }
            (x, m) = (view, model);
        }
        prop_assert!(x.requires_grad());
        let weights = (Tensor::arange(0, m.at.len() as i64, 1, DType::F64).unwrap() + 1.0).unwrap();
        let weights = weights.reshape(isizes(&m.shape)).unwrap();
        x.backward_with(Some(&weights), Default::default()).unwrap();
        let mut expected = vec![0.0; n];
        m.at.iter().enumerate().for_each(|(i, &p)| expected[p] += (i + 1) as f64);
        prop_assert_eq!(leaf.grad().unwrap().to_vec::<f64>().unwrap(), expected);
    }
}

// ---- fixed cases -----------------------------------------------------------------------------------

const fn s(start: Option<isize>, stop: Option<isize>, step: isize) -> Index {
    Index::Slice { start, stop, step }
}

/// `np.arange(24).reshape(2, 3, 4)[..]`, recorded from NumPy (PyTorch gives the same, negative steps aside,
/// which it refuses).
#[rustfmt::skip]
#[test]
fn indexing_is_that_of_python() {
    use Index::{At, Ellipsis, NewAxis};
    type Case = (&'static [Index], &'static [usize], &'static [i64]);
    const CASES: &[Case] = &[
        (&[At(0)], &[3, 4], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        (&[At(-1)], &[3, 4], &[12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]),
        (&[At(1), At(2), At(3)], &[], &[23]),
        (&[At(-2), At(-3), At(-4)], &[], &[0]),
        (&[s(None, None, 1), At(1)], &[2, 4], &[4, 5, 6, 7, 16, 17, 18, 19]),
        (&[s(None, None, 1), s(None, None, 1), At(-1)], &[2, 3], &[3, 7, 11, 15, 19, 23]),
        (&[s(Some(1), Some(3), 1)], &[1, 3, 4], &[12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]),
        (&[s(Some(0), Some(1), 1), s(Some(1), Some(3), 1)], &[1, 2, 4], &[4, 5, 6, 7, 8, 9, 10, 11]),
        (&[s(None, None, 1), s(None, None, 2)], &[2, 2, 4], &[0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23]),
        (&[s(None, None, 1), s(None, None, -1)], &[2, 3, 4], &[8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3, 20, 21, 22, 23, 16, 17, 18, 19, 12, 13, 14, 15]),
        (&[s(None, None, -1), s(None, None, -1), s(None, None, -1)], &[2, 3, 4], &[23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        (&[s(None, None, 1), s(None, None, 1), s(Some(3), Some(0), -2)], &[2, 3, 2], &[3, 1, 7, 5, 11, 9, 15, 13, 19, 17, 23, 21]),
        (&[s(None, None, 1), s(None, None, 1), s(Some(-1), Some(-4), -1)], &[2, 3, 3], &[3, 2, 1, 7, 6, 5, 11, 10, 9, 15, 14, 13, 19, 18, 17, 23, 22, 21]),
        (&[s(None, None, 1), s(Some(5), Some(9), 1)], &[2, 0, 4], &[]),
        (&[s(None, None, 1), s(Some(-9), Some(2), 1)], &[2, 2, 4], &[0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, 16, 17, 18, 19]),
        (&[s(None, None, 1), s(Some(2), Some(1), 1)], &[2, 0, 4], &[]),
        (&[s(None, None, 1), s(None, None, 1), s(None, Some(-1), 1)], &[2, 3, 3], &[0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18, 20, 21, 22]),
        (&[s(None, None, 1), s(None, None, 1), s(Some(-2), None, 1)], &[2, 3, 2], &[2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23]),
        (&[Ellipsis, At(0)], &[2, 3], &[0, 4, 8, 12, 16, 20]),
        (&[At(0), Ellipsis], &[3, 4], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        (&[Ellipsis], &[2, 3, 4], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]),
        (&[At(0), Ellipsis, At(1)], &[3], &[1, 5, 9]),
        (&[Ellipsis, s(Some(1), Some(2), 1), At(0)], &[2, 1], &[4, 16]),
        (&[NewAxis], &[1, 2, 3, 4], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]),
        (&[NewAxis, At(0)], &[1, 3, 4], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        (&[At(0), NewAxis], &[1, 3, 4], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        (&[s(None, None, 1), NewAxis, At(1)], &[2, 1, 4], &[4, 5, 6, 7, 16, 17, 18, 19]),
        (&[Ellipsis, NewAxis], &[2, 3, 4, 1], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]),
        (&[NewAxis, Ellipsis, NewAxis], &[1, 2, 3, 4, 1], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]),
        (&[At(0), NewAxis, At(1), NewAxis, At(2), NewAxis], &[1, 1, 1], &[6]),
        (&[Ellipsis, At(1), At(2), At(3)], &[], &[23]),
        (&[At(1), At(2), At(3), Ellipsis], &[], &[23]),
        (&[s(None, None, 1), s(None, None, 1), s(None, None, 1), Ellipsis], &[2, 3, 4], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]),
        (&[s(Some(-100), Some(100), 7)], &[1, 3, 4], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        (&[s(None, None, 1), s(None, None, 1), s(Some(100), Some(-100), -3)], &[2, 3, 2], &[3, 0, 7, 4, 11, 8, 15, 12, 19, 16, 23, 20]),
        (&[s(Some(1), Some(1), 1)], &[0, 3, 4], &[]),
        (&[s(None, None, 1), s(None, None, 1), s(Some(0), Some(4), 4)], &[2, 3, 1], &[0, 4, 8, 12, 16, 20]),
        (&[s(None, None, 1), s(None, None, 1), s(Some(0), Some(4), 9223372036854775807)], &[2, 3, 1], &[0, 4, 8, 12, 16, 20]),
        (&[s(None, None, 1), s(None, None, 1), s(None, None, -9223372036854775807)], &[2, 3, 1], &[3, 7, 11, 15, 19, 23]),
    ];
    let x = iota(24).reshape([2, 3, 4]).unwrap();
    for &(index, shape, elements) in CASES {
        let y = x.i(index).unwrap();
        assert_eq!(y.shape(), shape, "{index:?}");
        assert_eq!(read(&y), elements, "{index:?}");
        assert!(y.shares_storage(&x), "{index:?}");
    }
}

#[test]
fn indexing_takes_rust_ranges_and_tuples() {
    let x = iota(24).reshape([2, 3, 4]).unwrap();
    let same = |a: Result<Tensor>, list: &[Index]| {
        let (a, b) = (a.unwrap(), x.i(list).unwrap());
        assert_eq!((a.shape(), read(&a)), (b.shape(), read(&b)), "{list:?}");
    };
    let full = || s(None, None, 1);
    same(x.i(1), &[Index::At(1)]);
    same(x.i((.., 1)), &[full(), Index::At(1)]);
    same(x.i((0, .., 1..3)), &[Index::At(0), full(), s(Some(1), Some(3), 1)]);
    same(x.i((.., 1.., ..-1)), &[full(), s(Some(1), None, 1), s(None, Some(-1), 1)]);
    // An inclusive end names the last position, of which there is none after -1.
    same(x.i((.., 0..=1, ..=-1)), &[full(), s(Some(0), Some(2), 1), full()]);
    same(x.i((.., .., -3..=-2)), &[full(), full(), s(Some(-3), Some(-1), 1)]);
    same(x.i((Index::Ellipsis, 0, Index::NewAxis)), &[Index::Ellipsis, Index::At(0), Index::NewAxis]);
    same(x.i(vec![Index::At(0)]), &[Index::At(0)]);
    // Writing goes through the view.
    x.i((0, 0)).unwrap().fill_(-1i64).unwrap();
    assert_eq!(read(&x)[..5], [-1, -1, -1, -1, 4]);
}

#[test]
fn a_view_of_rank_nine_and_of_rank_zero_share_memory() {
    let x = iota(512).reshape([2; 9]).unwrap();
    let reversed = x.permute([8, 7, 6, 5, 4, 3, 2, 1, 0]).unwrap();
    assert_eq!(reversed.i((1, 0, 0, 0, 0, 0)).unwrap().i((0, 0, 0)).unwrap().item().unwrap().to_i64(), 1);
    reversed.select(0, 1).unwrap().fill_(-1i64).unwrap();
    assert_eq!(read(&x)[..4], [0, -1, 2, -1]);
    let zero = x.i((0, 0, 0, 0, 0, 0)).unwrap().i((0, 0, 0)).unwrap();
    assert_eq!(zero.rank(), 0);
    zero.add_(7i64).unwrap();
    assert_eq!(read(&x)[0], 7);
    for y in [zero.unsqueeze(0), zero.expand([1]), zero.reshape([1, 1]), zero.flatten(), zero.unfold(0, 1, 1)]
    {
        let y = y.unwrap();
        assert!(y.shares_storage(&x));
        y.add_(1i64).unwrap();
    }
    assert_eq!(read(&x)[0], 12);
    for y in [zero.permute([]), zero.transpose(0, -1), zero.t(), zero.squeeze(-1), zero.movedim([0], [-1])] {
        assert_eq!(y.unwrap().rank(), 0);
    }
}

#[test]
fn copies_do_not_share_memory() {
    let x = iota(6).reshape([2, 3]).unwrap();
    let copies = [
        x.copy(),
        x.flip([0]),
        x.t().unwrap().contiguous(),
        x.t().unwrap().reshape([6]),
        x.t().unwrap().flatten(),
        Tensor::cat(&[&x], 0),
        x.to_dtype(DType::I32).unwrap().to_dtype(DType::I64),
    ];
    for (i, y) in copies.into_iter().enumerate() {
        let y = y.unwrap();
        assert!(!y.shares_storage(&x), "copy {i}");
        y.fill_(-1i64).unwrap();
    }
    assert_eq!(read(&x), [0, 1, 2, 3, 4, 5]);
    // What need not copy does not.
    for y in [x.contiguous(), x.to_dtype(DType::I64), x.reshape([3, 2]), x.flatten(), x.broadcast_to(&[2, 3])]
    {
        assert!(y.unwrap().shares_storage(&x));
    }
}

#[test]
fn as_strided_reaches_all_of_the_memory_and_no_more() {
    let x = iota(12);
    let part = x.narrow(0, 4, 4).unwrap();
    // Positions count from the start of the memory, not of the view, as PyTorch's storage_offset does.
    assert_eq!(read(&part.as_strided(&[2, 3], &[6, 1], 0).unwrap()), [0, 1, 2, 6, 7, 8]);
    assert_eq!(read(&part.as_strided(&[3], &[-5], 10).unwrap()), [10, 5, 0]);
    assert_eq!(part.as_strided(&[2, 2], &[0, 1], 11).unwrap_err().kind(), ErrorKind::Value);
    assert_eq!(part.as_strided(&[3], &[6], 0).unwrap_err().kind(), ErrorKind::Value);
    assert_eq!(part.as_strided(&[3], &[-6], 11).unwrap_err().kind(), ErrorKind::Value);
    assert_eq!(part.as_strided(&[2], &[isize::MAX], 1).unwrap_err().kind(), ErrorKind::Memory);
    assert_eq!(part.as_strided(&[1], &[isize::MIN], 11).unwrap().shape(), [1]);
    assert_eq!(part.as_strided(&[0, 1 << 40], &[isize::MAX, 1], 99).unwrap().numel(), 0);
}

#[test]
fn views_of_views_keep_the_memory_alive() {
    let view = {
        let base = iota(1000);
        base.narrow(0, 500, 10).unwrap().slice(0, None, None, -1).unwrap()
    };
    let noise: Vec<Tensor> = (0..50).map(|_| Tensor::zeros(&[1000], DType::I64).unwrap()).collect();
    assert_eq!(read(&view), (500..510).rev().collect::<Vec<_>>());
    drop(noise);
}

#[test]
fn sizes_that_do_not_fit_the_address_space_are_errors() {
    let huge = Tensor::zeros(&[0, 1 << 40, 1 << 40], DType::F32).unwrap();
    assert_eq!(huge.flatten_dims(1, 2).unwrap_err().kind(), ErrorKind::Memory);
    assert_eq!(huge.flatten().unwrap().shape(), [0]);
    assert_eq!(huge.transpose(0, 2).unwrap().shape(), [1 << 40, 1 << 40, 0]);
    assert_eq!(huge.unflatten(1, [1 << 20, -1]).unwrap().shape(), [0, 1 << 20, 1 << 20, 1 << 40]);
    let one = Tensor::zeros(&[1, 1], DType::F32).unwrap();
    assert_eq!(one.expand([1 << 40, 1 << 40]).unwrap_err().kind(), ErrorKind::Memory);
    // An expansion within the address space costs nothing, and neither do views of it.
    let wide = one.expand([1 << 30, 1 << 30]).unwrap();
    assert_eq!(wide.select(0, -1).unwrap().narrow(0, 5, 2).unwrap().to_vec::<f32>().unwrap(), [0.0, 0.0]);
    assert_eq!(wide.unflatten(0, [1 << 10, -1]).unwrap().shape(), [1 << 10, 1 << 20, 1 << 30]);
    assert_eq!(wide.copy().unwrap_err().kind(), ErrorKind::Memory);
}

//! Python's `x[..]` and `x[..] = v` by definition: one coordinate after another, no strides, no shortcuts.

use rusttorch::{DType, Index, Tensor};

/// Elements in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Model {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f64>,
}

/// What may become of one dimension of the result.
enum Item {
    /// These positions of a dimension.
    Slice(usize, Vec<usize>),
    /// A new dimension.
    New,
    /// One position of a dimension, which disappears.
    At(usize, usize),
    /// An index tensor: its shape, its positions, `OUTSIDE` where there is no such, and the dimension, or none
    /// for a truth value.
    Index(Vec<usize>, Vec<usize>, Option<usize>),
}

const OUTSIDE: usize = usize::MAX;

/// The coordinates of every element of a shape, in row-major order.
pub(crate) fn coordinates(shape: &[usize]) -> Vec<Vec<usize>> {
    shape.iter().fold(vec![vec![]], |list, &n| {
        list.iter().flat_map(|c| (0..n).map(move |i| [&c[..], &[i]].concat())).collect()
    })
}

fn position(shape: &[usize], at: &[usize]) -> usize {
    shape.iter().zip(at).fold(0, |p, (&n, &i)| p * n + i)
}

/// `at`, a coordinate of what `shape` was broadcast to, in `shape` itself.
fn unbroadcast(shape: &[usize], at: &[usize]) -> Vec<usize> {
    let lead = at.len() - shape.len();
    shape.iter().zip(&at[lead..]).map(|(&n, &i)| if n == 1 { 0 } else { i }).collect()
}

pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size = |s: &[usize], i: usize| if i + s.len() < rank { 1 } else { s[i + s.len() - rank] };
    (0..rank)
        .map(|i| match (size(a, i), size(b, i)) {
            (m, n) if m == n || n == 1 => Some(m),
            (1, n) => Some(n),
            _ => None,
        })
        .collect()
}

fn wrapped(i: i64, n: usize) -> Option<usize> {
    let i = if i < 0 { i + n as i64 } else { i };
    usize::try_from(i).ok().filter(|&i| i < n)
}

/// Python's `range(*slice.indices(n))`.
fn slice(start: Option<isize>, stop: Option<isize>, step: isize, n: usize) -> Vec<usize> {
    let n = n as isize;
    let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
    let clamp = |v: isize| (if v < 0 { v + n } else { v }).clamp(low, high);
    let mut at = start.map_or(if step > 0 { low } else { high }, clamp);
    let stop = stop.map_or(if step > 0 { high } else { low }, clamp);
    let mut out = Vec::new();
    while if step > 0 { at < stop } else { at > stop } {
        out.push(at as usize);
        at += step;
    }
    out
}

/// How many dimensions an entry stands for.
fn consumes(entry: &Index) -> usize {
    match entry {
        Index::At(_) | Index::Slice { .. } => 1,
        Index::NewAxis | Index::Ellipsis | Index::Bool(_) => 0,
        Index::Tensor(t) if t.dtype() == DType::Bool => t.rank(),
        Index::Tensor(_) => 1,
    }
}

/// The items of an index, or `None` where it is wrong.
fn items(shape: &[usize], entries: &[Index]) -> Option<Vec<Item>> {
    let consumed: usize = entries.iter().map(consumes).sum();
    let free = shape.len().checked_sub(consumed)?;
    let mut items = Vec::new();
    let mut dim = 0;
    let mut seen = false;
    for entry in entries {
        match entry {
            Index::At(i) => {
                items.push(Item::At(dim, wrapped(*i as i64, shape[dim])?));
                dim += 1;
            }
            Index::Slice { start, stop, step } => {
                items.push(Item::Slice(dim, slice(*start, *stop, *step, shape[dim])));
                dim += 1;
            }
            Index::NewAxis => items.push(Item::New),
            Index::Ellipsis => {
                assert!(!std::mem::replace(&mut seen, true), "the model knows one ellipsis");
                items.extend((dim..dim + free).map(|d| Item::Slice(d, (0..shape[d]).collect())));
                dim += free;
            }
            Index::Bool(all) => {
                items.push(Item::Index(vec![usize::from(*all)], vec![0; usize::from(*all)], None))
            }
            Index::Tensor(t) if t.dtype() == DType::Bool => {
                let values = t.to_vec::<bool>().unwrap();
                if t.rank() == 0 {
                    let n = usize::from(values[0]);
                    items.push(Item::Index(vec![n], vec![0; n], None));
                    continue;
                }
                if shape[dim..dim + t.rank()] != *t.shape() {
                    return None;
                }
                let all = coordinates(t.shape());
                let found: Vec<_> = all.into_iter().zip(values).filter(|(_, v)| *v).map(|(c, _)| c).collect();
                for d in 0..t.rank() {
                    items.push(Item::Index(
                        vec![found.len()],
                        found.iter().map(|c| c[d]).collect(),
                        Some(dim + d),
                    ));
                }
                dim += t.rank();
            }
            Index::Tensor(t) => {
                let values = t.to_dtype(DType::I64).unwrap().to_vec::<i64>().unwrap();
                let positions: Vec<usize> =
                    values.iter().map(|&i| wrapped(i, shape[dim]).unwrap_or(OUTSIDE)).collect();
                match t.rank() {
                    0 => items.push(Item::At(dim, positions.into_iter().find(|&i| i != OUTSIDE)?)),
                    _ => items.push(Item::Index(t.shape().to_vec(), positions, Some(dim))),
                }
                dim += 1;
            }
        }
    }
    items.extend((dim..shape.len()).map(|d| Item::Slice(d, (0..shape[d]).collect())));
    Some(items)
}

/// The shape of the result, and for each of its elements the coordinate of the tensor's.
pub(crate) fn places(shape: &[usize], entries: &[Index]) -> Option<(Vec<usize>, Vec<Vec<usize>>)> {
    let items = items(shape, entries)?;
    let mut joint = Vec::new();
    for item in &items {
        if let Item::Index(s, ..) = item {
            joint = broadcast(&joint, s)?;
        }
    }
    // Positions that disappear do not part index tensors.
    let visible: Vec<&Item> = items.iter().filter(|i| !matches!(i, Item::At(..))).collect();
    let tensors: Vec<usize> = (0..visible.len()).filter(|&i| matches!(visible[i], Item::Index(..))).collect();
    let adjacent = tensors.windows(2).all(|w| w[0] + 1 == w[1]);
    let before = match (tensors.first(), adjacent) {
        (Some(&first), true) => first,
        _ => 0,
    };
    let sizes: Vec<usize> = visible
        .iter()
        .filter_map(|item| match item {
            Item::Slice(_, list) => Some(list.len()),
            Item::New => Some(1),
            _ => None,
        })
        .collect();
    let rank = if tensors.is_empty() { 0 } else { joint.len() };
    let result: Vec<usize> = [&sizes[..before], &joint[..rank], &sizes[before..]].concat();
    // Positions are not looked at where nothing is read, unless there is none in the dimension.
    let wrong = |item: &&Item| match item {
        Item::Index(s, list, Some(d)) if !joint.contains(&0) => {
            !s.contains(&0) && (shape[*d] == 0 || (!result.contains(&0) && list.contains(&OUTSIDE)))
        }
        _ => false,
    };
    if items.iter().any(|i| wrong(&i)) {
        return None;
    }
    let origins = coordinates(&result).into_iter().map(|at| {
        let (index, mut others) =
            (&at[before..before + rank], [&at[..before], &at[before + rank..]].concat().into_iter());
        let mut origin = vec![0; shape.len()];
        for item in &items {
            match item {
                Item::Slice(d, list) => origin[*d] = list[others.next().unwrap()],
                Item::New => drop(others.next()),
                Item::At(d, i) => origin[*d] = *i,
                Item::Index(s, list, Some(d)) => origin[*d] = list[position(s, &unbroadcast(s, index))],
                Item::Index(_, _, None) => {}
            }
        }
        origin
    });
    let origins = origins.collect();
    Some((result, origins))
}

impl Model {
    pub(crate) fn of(t: &Tensor) -> Model {
        Model { shape: t.shape().to_vec(), data: t.to_f64_vec().unwrap() }
    }

    /// `x[..]`.
    pub(crate) fn get(&self, entries: &[Index]) -> Option<Model> {
        let (shape, origins) = places(&self.shape, entries)?;
        let data = origins.iter().map(|at| self.data[position(&self.shape, at)]).collect();
        Some(Model { shape, data })
    }

    /// `x[..] = value`, or `x[..] += value` place by place.
    pub(crate) fn set(&mut self, entries: &[Index], value: &Model, accumulate: bool) -> Option<()> {
        let (shape, origins) = places(&self.shape, entries)?;
        let ones = value.shape.iter().take_while(|&&n| n == 1).count();
        let from = &value.shape[ones..];
        if broadcast(&shape, from)? != shape {
            return None;
        }
        for (at, origin) in coordinates(&shape).iter().zip(origins) {
            let new = value.data[position(from, &unbroadcast(from, at))];
            let place = &mut self.data[position(&self.shape, &origin)];
            *place = if accumulate { *place + new } else { new };
        }
        Some(())
    }
}

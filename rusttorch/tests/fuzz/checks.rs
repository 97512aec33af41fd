//! What must hold of a call, whatever its arguments.

use rusttorch::autograd::{GradOptions, grad};
use rusttorch::catalogue::{Family, Op, Value};
use rusttorch::{DType, ErrorKind, Result, Tensor, bf16, f16, manual_seed};

use crate::arguments::Arguments;
use crate::operands::elements;

/// Results larger than this are not compared.
const LARGE: usize = 5000;

/// Ops whose result depends on strides, on memory that nobody wrote, or whose arguments are about memory.
const OF_THE_LAYOUT: &[&str] = &[
    "view",
    "view_as",
    "as_strided",
    "empty",
    "empty_like",
    "new_empty",
    "empty_strided",
    "is_contiguous",
    "stride",
];

/// Those, and draws, which fill memory in the order in which it lies.
fn of_the_layout(op: &Op) -> bool {
    op.family == Family::Random || OF_THE_LAYOUT.contains(&op.name())
}

/// Whether calling the op writes to its first argument.
fn writes(op: &Op, form: Form) -> bool {
    let name = op.name();
    form == Form::InPlace || name == "__setitem__" || (name.ends_with('_') && !name.ends_with("__"))
}

/// The elements as bits, where one NaN is as good as another.
pub(crate) fn bits(t: &Tensor) -> Vec<u64> {
    fn floats(v: impl Iterator<Item = f64>) -> Vec<u64> {
        v.map(|v| if v.is_nan() { u64::MAX } else { v.to_bits() }).collect()
    }
    match t.dtype() {
        DType::F16 => floats(t.to_vec::<f16>().unwrap().into_iter().map(f64::from)),
        DType::BF16 => floats(t.to_vec::<bf16>().unwrap().into_iter().map(f64::from)),
        DType::F32 => floats(t.to_vec::<f32>().unwrap().into_iter().map(f64::from)),
        DType::F64 => floats(t.to_vec::<f64>().unwrap().into_iter()),
        DType::I64 => t.to_vec::<i64>().unwrap().into_iter().map(|v| v as u64).collect(),
        _ => t.to_f64_vec().unwrap().into_iter().map(f64::to_bits).collect(),
    }
}

/// A gradient may arrive in parts, and `0 + -0` is `0`.
fn without_zero_signs(t: &Tensor) -> Vec<u64> {
    let zero = (-0f64).to_bits();
    bits(t).into_iter().map(|b| if b == zero { 0 } else { b }).collect()
}

fn tensors(value: &Value) -> Vec<Tensor> {
    match value {
        Value::Tensor(t) => vec![t.clone()],
        Value::List(items) => items.iter().flat_map(tensors).collect(),
        _ => vec![],
    }
}

fn call(op: &Op, arguments: &Arguments) -> Result<Value> {
    manual_seed(1);
    op.call(&[], &arguments.0)
}

/// Two results are the same in shape, dtype and bits.
fn assert_same(op: &Op, a: &Value, b: &Value) {
    match (a, b) {
        (Value::Tensor(a), Value::Tensor(b)) => {
            assert_eq!((a.shape(), a.dtype()), (b.shape(), b.dtype()), "{op:?}");
            if a.numel() <= LARGE {
                assert_eq!(bits(a), bits(b), "{op:?}");
            }
        }
        (Value::List(a), Value::List(b)) => {
            assert_eq!(a.len(), b.len(), "{op:?}");
            a.iter().zip(b).for_each(|(a, b)| assert_same(op, a, b));
        }
        (a, b) => assert_eq!(format!("{a:?}"), format!("{b:?}"), "{op:?}"),
    }
}

/// A call on views and on contiguous copies of them: the same results, or errors of one kind. What it
/// returns can be read. Whether there was a result.
pub(crate) fn forward(op: &Op, strided: &Arguments) -> bool {
    let contiguous = strided.contiguous();
    let a = call(op, strided);
    if let Ok(value) = &a {
        for y in tensors(value).iter().filter(|y| y.numel() <= LARGE) {
            assert_eq!(bits(y).len(), y.shape().iter().fold(1, |n: usize, &s| n.wrapping_mul(s)), "{op:?}");
        }
    }
    let ended = a.is_ok();
    // Of an expanded target a part may be written, and another part follows.
    let expanded = |t: Tensor| writes(op, Form::Function) && t.layout().may_overlap_itself();
    if of_the_layout(op) || strided.target(op).is_some_and(expanded) {
        return ended;
    }
    match (a, call(op, &contiguous)) {
        (Ok(a), Ok(b)) => assert_same(op, &a, &b),
        (Err(a), Err(b)) => assert_eq!(a.kind(), b.kind(), "{op:?}: {a} | {b}"),
        // An op that writes refuses an expanded target for its strides alone.
        (Err(a), Ok(_)) if a.kind() == ErrorKind::Alias => {}
        (a, b) => panic!("{op:?}: {:?} | {:?}", a.err(), b.err()),
    }
    ended
}

/// The in-place form writes what the function returns, cast, into its target and nothing else; where it
/// refuses the target is as it was.
pub(crate) fn in_place(op: &Op, arguments: &Arguments) {
    let Some(target) = arguments.target(op) else { return };
    let before = bits(&target);
    let version = target.version();
    let copies = arguments.contiguous();
    let copied = copies.target(op).unwrap();
    let value = call(op, &copies);
    manual_seed(1);
    let b = op.call_in_place(&[], &copies.0);
    manual_seed(1);
    match (op.call_in_place(&[], &arguments.0), b) {
        (Ok(a), Ok(_)) => {
            assert!(a.tensor().is_some_and(|a| a.is_same(&target)), "{op:?}");
            if !of_the_layout(op) {
                assert_eq!(bits(&target), bits(&copied), "{op:?}");
            }
            assert!(target.version() > version, "{op:?}");
            let wanted = value.unwrap();
            let wanted = wanted.tensor().unwrap().to_dtype(target.dtype()).unwrap();
            assert_eq!(bits(&copied), bits(&wanted), "{op:?}: in place and functional");
        }
        (Err(a), b) => {
            let expected = |b: ErrorKind| a.kind() == b || a.kind() == ErrorKind::Alias;
            match b {
                Ok(_) => assert_eq!(a.kind(), ErrorKind::Alias, "{op:?}: {a}"),
                Err(b) => assert!(expected(b.kind()), "{op:?}: {a} | {b}"),
            }
            assert_eq!(bits(&target), before, "{op:?}: {a}");
            assert_eq!(target.version(), version, "{op:?}");
        }
        (Ok(_), Err(b)) => panic!("{op:?}: Ok | {b}"),
    }
}

/// Results written into tensors of odd strides are those that are returned.
pub(crate) fn out(op: &Op, arguments: &Arguments) {
    let Ok(value) = call(op, arguments) else { return };
    let results = tensors(&value);
    if of_the_layout(op) || results.iter().any(|r| r.numel() > LARGE) {
        return;
    }
    let targets: Vec<Tensor> = results
        .iter()
        .map(|r| {
            let reversed: Vec<usize> = r.shape().iter().rev().copied().collect();
            let order: Vec<isize> = (0..r.rank() as isize).rev().collect();
            Tensor::zeros(&reversed, r.dtype()).unwrap().permute(&order).unwrap()
        })
        .collect();
    manual_seed(1);
    op.call_out(&[], &arguments.0, &targets).unwrap_or_else(|e| panic!("{op:?}: {e}"));
    for (target, result) in targets.iter().zip(&results) {
        assert_eq!(bits(target), bits(result), "{op:?}: out");
    }
}

/// Backward from leaves behind the views: gradients have the shapes of their leaves, and are those of the
/// contiguous form bit for bit.
pub(crate) fn gradient(op: &Op, form: Form, arguments: &Arguments, create_graph: bool) {
    let options = GradOptions { create_graph, ..GradOptions::default() };
    let gradients = |contiguous: bool| -> Result<Vec<Option<Tensor>>> {
        let mut leaves = Vec::new();
        let seen = arguments.map(&mut |x| {
            if !x.dtype().is_float() {
                return x.copy().unwrap();
            }
            // The leaf has the transposed shape, so that what the op sees is a view with odd strides.
            let order: Vec<isize> = (0..x.rank() as isize).rev().collect();
            let leaf = x.permute(&order).unwrap().copy().unwrap().requires_grad_(true).unwrap();
            let inner = if writes(op, form) { leaf.mul(1.0).unwrap() } else { leaf.clone() };
            leaves.push(leaf);
            let seen = inner.permute(&order).unwrap();
            if contiguous { seen.copy().unwrap() } else { seen }
        });
        manual_seed(1);
        let value = match form {
            Form::Function => op.call(&[], &seen.0)?,
            Form::InPlace => op.call_in_place(&[], &seen.0)?,
        };
        let results = tensors(&value);
        let Some(y) = results.iter().find(|y| y.requires_grad() && y.numel() <= LARGE) else {
            return Ok(vec![]);
        };
        assert!(y.dtype().is_float(), "{op:?}");
        let weights = elements(y.numel(), y.dtype(), 7, true).reshape(crate::operands::sizes_of(y))?;
        y.backward_with(Some(&weights), options)?;
        let found: Vec<_> = leaves.iter().map(Tensor::grad).collect();
        for (leaf, g) in leaves.iter().zip(&found) {
            let Some(g) = g else { continue };
            assert_eq!((g.shape(), g.dtype()), (leaf.shape(), leaf.dtype()), "{op:?}");
            if create_graph && g.requires_grad() && g.numel() > 0 {
                let options = GradOptions { allow_unused: true, ..GradOptions::default() };
                let ones = Tensor::ones_like(g)?;
                if let Ok(again) = grad(&[g], &[leaf], &[Some(&ones)], options) {
                    again.iter().flatten().for_each(|h| assert_eq!(h.shape(), leaf.shape(), "{op:?}"));
                }
            }
            // Breaks the cycle of a gradient that is part of the graph of its leaf.
            leaf.set_grad(None)?;
        }
        Ok(found)
    };
    match (gradients(false), gradients(true)) {
        _ if op.family == Family::Random => {}
        (Ok(a), Ok(b)) => {
            for pair in a.iter().zip(&b) {
                match pair {
                    (Some(a), Some(b)) => assert_eq!(without_zero_signs(a), without_zero_signs(b), "{op:?}"),
                    (None, None) => {}
                    _ => panic!("{op:?}: one gradient is missing"),
                }
            }
        }
        _ if of_the_layout(op) => {}
        (Err(a), Err(b)) => assert_eq!(a.kind(), b.kind(), "{op:?}: {a} | {b}"),
        (a, b) => panic!("{op:?}: {:?} | {:?}", a.err(), b.err()),
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Form {
    Function,
    InPlace,
}

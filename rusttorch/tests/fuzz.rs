//! Random calls: any op, shapes, strides, dtypes and values give `Ok` or a typed error, never a panic.
//!
//! A case is a tape of random numbers, from which operands and arguments are made. Each call runs twice:
//! on operands that are views (permuted, stepped, reversed, expanded, overlapping, sharing one base) and on
//! contiguous copies of them. Both must give the same elements bit for bit, or errors of one kind; shapes
//! and dtypes must be what the op's family promises; a refused in-place op must leave its target alone.
//!
//! 200 000 cases in four tests. `RUSTTORCH_FUZZ_CASES` sets a smaller or larger number per test (never
//! smaller where `CI` is set), `RUSTTORCH_FUZZ_SEED` other numbers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestRng, TestRunner};
use rusttorch::autograd::{GradOptions, grad};
use rusttorch::backend::layout::broadcast_shapes;
use rusttorch::nn::functional as F;
use rusttorch::{DType, Dims, ErrorKind, Index, Reduction, Result, Scalar, Tensor, bf16, f16};

const CASES: u32 = 50_000;
const TAPE: usize = 80;

fn cases() -> u32 {
    let asked = std::env::var("RUSTTORCH_FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(CASES);
    if std::env::var_os("CI").is_some() { asked.max(CASES) } else { asked }
}

fn seed() -> u64 {
    std::env::var("RUSTTORCH_FUZZ_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(0)
}

// ---- operands --------------------------------------------------------------------------------------

/// Random numbers that are read one after another; 0 past the end.
struct Tape<'a> {
    raw: &'a [u32],
}

impl Tape<'_> {
    fn next(&mut self) -> usize {
        let Some((&first, rest)) = self.raw.split_first() else { return 0 };
        self.raw = rest;
        first as usize
    }

    fn below(&mut self, n: usize) -> usize {
        self.next() % n.max(1)
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// A small signed number, now and then an extreme one.
    fn int(&mut self) -> isize {
        match self.below(40) {
            n @ 0..37 => [0, 1, 2, 1, 3, -1, 4, 2, -2][n % 9],
            37 => isize::MIN,
            38 => isize::MAX,
            _ => 1 << 60,
        }
    }

    /// A dimension of a tensor of this rank, now and then one out of range.
    fn dim(&mut self, rank: usize) -> isize {
        match self.below(12) {
            11 => self.int(),
            _ => self.below(2 * rank.max(1)) as isize - rank.max(1) as isize,
        }
    }
}

const FLOATS: [f64; 20] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    3.0,
    -2.5,
    1.5,
    88.8,
    -104.0,
    65504.0,
    1e30,
    -1e39,
    1e-40,
    5e-324,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];
const INTS: [i64; 14] = [0, 1, -1, 2, 3, -2, 5, 127, -128, 255, 40_000, i32::MIN as i64, i64::MAX, i64::MIN];

/// A tensor of `n` pseudo-random elements. `tame` ones are few and harmless, as indices and divisors are.
fn elements(n: usize, dtype: DType, mut state: u64, tame: bool) -> Tensor {
    let mut draw = move |m: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % m
    };
    let t = if dtype.is_float() {
        let values: Vec<f64> = match tame {
            true => (0..n).map(|_| draw(16) as f64 / 4.0 - 1.5).collect(),
            false => (0..n).map(|_| FLOATS[draw(FLOATS.len())]).collect(),
        };
        Tensor::from_slice(&values, &[n])
    } else {
        let values: Vec<i64> = match tame {
            true => (0..n).map(|_| draw(4) as i64).collect(),
            false => (0..n).map(|_| INTS[draw(INTS.len())]).collect(),
        };
        Tensor::from_slice(&values, &[n])
    };
    t.unwrap().to_dtype(dtype).unwrap()
}

fn shape(tape: &mut Tape<'_>) -> Vec<usize> {
    let rank = tape.one_of(&[0, 1, 1, 2, 2, 2, 3, 3, 4, 5]);
    (0..rank).map(|_| tape.one_of(&[0, 1, 1, 2, 2, 3, 3, 4, 5])).collect()
}

/// A random view of `x`, of at most a few hundred elements.
fn view(tape: &mut Tape<'_>, x: &Tensor) -> Tensor {
    let rank = x.rank();
    let (kind, d) = (tape.below(9), tape.below(rank) as isize);
    let y = match kind {
        0 => x.transpose(d, tape.below(rank) as isize),
        1 => x.slice(d, None, None, tape.one_of(&[-1, 2, -2])),
        2 => x.slice(d, Some(1), None, 1),
        3 => x.unsqueeze(d),
        4 => x.expand(x.shape().iter().map(|&n| if n == 1 { 3 } else { n as isize }).collect::<Vec<_>>()),
        5 => x.unfold(d, 2, 1),
        6 => x.select(d, -1),
        7 => x.diagonal(tape.below(3) as isize - 1, 0, 1),
        _ => x.unsqueeze(0).and_then(|x| x.expand([[2].as_slice(), &vec![-1; rank]].concat())),
    };
    y.ok().filter(|y| y.numel() <= 300 && y.rank() <= 7).unwrap_or_else(|| x.clone())
}

fn dtype(tape: &mut Tape<'_>) -> DType {
    tape.one_of(&DType::ALL)
}

/// Operands and arguments of a call.
struct Call {
    /// Views; the second or third may be a view of the first one's memory.
    x: [Tensor; 3],
    index: Tensor,
    mask: Tensor,
    dtype: DType,
    scalar: Scalar,
    float: f64,
    ints: [isize; 4],
    dims: Vec<isize>,
    /// Mostly a permutation of the dimensions.
    order: Vec<isize>,
    sizes: Vec<isize>,
    flag: bool,
}

impl Call {
    fn new(tape: &mut Tape<'_>, float_only: bool) -> Call {
        let own = |tape: &mut Tape<'_>, shape: &[usize], dtype: DType| {
            let n = shape.iter().product();
            let tame = tape.below(3) > 0;
            let t = elements(n, dtype, tape.next() as u64, tame);
            t.reshape(shape.iter().map(|&n| n as isize).collect::<Vec<_>>()).unwrap().copy().unwrap()
        };
        let any = |tape: &mut Tape<'_>| {
            if float_only {
                tape.one_of(&[DType::F32, DType::F64, DType::F16, DType::BF16])
            } else {
                dtype(tape)
            }
        };
        let first_shape = shape(tape);
        let first_dtype = any(tape);
        let base = own(tape, &first_shape, first_dtype);
        let mut x = [base.clone(), base.clone(), base.clone()];
        for (i, slot) in x.iter_mut().enumerate() {
            if i > 0 {
                // Of the first one's memory, of its shape, or of its own.
                let dtype = if tape.below(3) > 0 { first_dtype } else { any(tape) };
                match tape.below(6) {
                    0 => {}
                    1..4 => *slot = own(tape, &first_shape, dtype),
                    _ => {
                        let shape = shape(tape);
                        *slot = own(tape, &shape, dtype);
                    }
                }
            }
            for _ in 0..tape.below(3) {
                *slot = view(tape, slot);
            }
        }
        let rank = x[0].rank();
        let ints = [tape.dim(rank), tape.dim(rank), tape.int(), tape.int()];
        let index_shape = if tape.below(3) == 0 { shape(tape) } else { x[0].shape().to_vec() };
        let index_dtype = tape.one_of(&[DType::I64, DType::I64, DType::I64, DType::I32, DType::F32]);
        let numel = index_shape.iter().product();
        let index = elements(numel, index_dtype, tape.next() as u64, true);
        // Mostly within the size of the dimension that it will index.
        let index = match (x[0].size(ints[0]), tape.below(6)) {
            (Ok(n), 0..5) => index.remainder(n.max(1) as i64).unwrap(),
            (_, 3..) => index.sub(1i64).unwrap(),
            _ => index,
        };
        let index = index.reshape(index_shape.iter().map(|&n| n as isize).collect::<Vec<_>>()).unwrap();
        let index = if tape.below(2) == 0 { view(tape, &index) } else { index };
        let mask_dtype = if tape.below(10) == 0 { DType::U8 } else { DType::Bool };
        let mask = elements(x[0].numel(), mask_dtype, tape.next() as u64, true);
        let mask = mask.reshape(x[0].shape().iter().map(|&n| n as isize).collect::<Vec<_>>()).unwrap();
        let mask = if tape.below(4) == 0 { view(tape, &mask) } else { mask };
        let scalar = match tape.below(3) {
            0 => Scalar::Int(tape.one_of(&INTS)),
            1 => Scalar::Float(tape.one_of(&FLOATS)),
            _ => Scalar::Bool(tape.below(2) == 0),
        };
        let dims = (0..tape.below(3)).map(|_| tape.dim(rank)).collect();
        let mut order: Vec<isize> = (0..rank as isize).collect();
        order.rotate_left(tape.below(rank));
        if tape.below(2) == 0 {
            order.reverse();
        }
        if tape.below(8) == 7 {
            order.pop();
        }
        let sizes = match tape.below(3) {
            0 => (0..tape.below(4)).map(|_| tape.int()).collect(),
            1 => vec![-1],
            _ => [1, -1].into_iter().chain(x[0].shape().iter().rev().take(1).map(|&n| n as isize)).collect(),
        };
        Call {
            x,
            index,
            mask,
            dtype: any(tape),
            scalar,
            float: tape.one_of(&FLOATS),
            ints,
            dims,
            order,
            sizes,
            flag: tape.below(2) == 0,
        }
    }

    /// The same with contiguous operands, each in memory of its own.
    fn contiguous(&self) -> Call {
        let copy = |t: &Tensor| t.copy().unwrap();
        Call {
            x: [copy(&self.x[0]), copy(&self.x[1]), copy(&self.x[2])],
            index: copy(&self.index),
            mask: copy(&self.mask),
            dims: self.dims.clone(),
            order: self.order.clone(),
            sizes: self.sizes.clone(),
            ..*self
        }
    }
}

// ---- ops -------------------------------------------------------------------------------------------

/// What a family promises of a result's shape and dtype.
#[derive(Clone, Copy, PartialEq)]
enum Promise {
    Nothing,
    /// The shape of the first operand.
    Same,
    /// Shape and dtype of the first operand.
    SameType,
    /// The broadcast shape of the first two operands.
    Broadcast,
    /// The same, and bool.
    Bool,
    /// The dtype of the first operand, as copies and views have it.
    Type,
    Int64,
    /// Depends on strides or memory, so that contiguous operands tell nothing.
    Layout,
}
use Promise::*;

type Run = fn(&Call) -> Result<Vec<Tensor>>;
type Op = (&'static str, Promise, Run);

macro_rules! ops {
    ($($promise:ident { $($name:ident($c:ident) $body:expr;)* })*) => {
        &[$($((stringify!($name), $promise, |$c: &Call| $body)),*),*]
    };
}
macro_rules! unary {
    ($($promise:ident: $($name:ident)*;)*) => {
        &[$($((stringify!($name), $promise, |c: &Call| c.x[0].$name().map(one))),*),*]
    };
}
/// Two lists: the second operand a tensor, or a number.
macro_rules! binary {
    ($tensor:ident $number:ident: $($promise:ident $with_number:ident: $($name:ident)*;)*) => {
        const $tensor: &[Op] = &[$($((stringify!($name), $promise, |c: &Call| c.x[0].$name(&c.x[1]).map(one))),*),*];
        const $number: &[Op] = &[$($((stringify!($name), $with_number, |c: &Call| c.x[0].$name(c.scalar).map(one))),*),*];
    };
}

fn one(t: Tensor) -> Vec<Tensor> {
    vec![t]
}

fn two((a, b): (Tensor, Tensor)) -> Vec<Tensor> {
    vec![a, b]
}

fn size(v: isize) -> usize {
    v.max(0) as usize
}

fn dims(c: &Call) -> Dims {
    Dims::from(&c.dims[..])
}

fn reduction(c: &Call) -> Reduction {
    [Reduction::Mean, Reduction::Sum, Reduction::None][c.dims.len() % 3]
}

const UNARY: &[Op] = unary! {
    Same: abs neg sign ceil floor round trunc frac sqrt rsqrt square reciprocal exp exp2 expm1 log log2 log10
        log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc sigmoid relu isnan isinf
        isfinite logical_not bitwise_not selu silu mish gelu gelu_tanh softsign logsigmoid;
    SameType: copy contiguous;
};
binary! { BINARY NUMBER:
    Broadcast Same: add sub mul div floor_divide remainder fmod pow maximum minimum fmax fmin atan2 bitwise_and
        bitwise_or bitwise_xor;
    Bool Same: eq ne lt le gt ge logical_and logical_or logical_xor;
}
const MORE_ELEMENTWISE: &[Op] = ops! {
    Same {
        leaky_relu(c) c.x[0].leaky_relu(c.float).map(one);
        elu(c) c.x[0].elu(c.float).map(one);
        softplus(c) c.x[0].softplus(c.float, 20.0).map(one);
        softmax(c) c.x[0].softmax(c.ints[0]).map(one);
        log_softmax(c) c.x[0].log_softmax(c.ints[0]).map(one);
        to_dtype(c) c.x[0].to_dtype(c.dtype).map(one);
        clamp(c) c.x[0].clamp(c.scalar, c.float).map(one);
        clamp_min(c) c.x[0].clamp_min(c.scalar).map(one);
        clamp_max(c) c.x[0].clamp_max(c.scalar).map(one);
        add_operator(c) (&c.x[0] + c.scalar).map(one);
        sub_operator(c) (c.float - &c.x[0]).map(one);
        rem_operator(c) (c.ints[2] as i64 % &c.x[0]).map(one);
        neg_operator(c) (-&c.x[0]).map(one);
    }
    SameType {
        ones_like(c) Tensor::ones_like(&c.x[0]).map(one);
        full_like(c) Tensor::full_like(&c.x[0], c.scalar).map(one);
    }
    Broadcast {
        div_operator(c) (&c.x[0] / &c.x[1]).map(one);
        mse_loss(c) F::mse_loss(&c.x[0], &c.x[1], Reduction::None).map(one);
        l1_loss(c) F::l1_loss(&c.x[0], &c.x[1], Reduction::None).map(one);
        smooth_l1_loss(c) F::smooth_l1_loss(&c.x[0], &c.x[1], c.float, Reduction::None).map(one);
    }
    Nothing {
        where_cond(c) Tensor::where_cond(&c.mask, &c.x[0], &c.x[1]).map(one);
        where_scalar(c) Tensor::where_cond(&c.mask, c.scalar, &c.x[1]).map(one);
        masked_fill(c) c.x[0].masked_fill(&c.mask, c.scalar).map(one);
        addcmul(c) c.x[0].addcmul(&c.x[1], &c.x[2], c.float).map(one);
        addcdiv(c) c.x[0].addcdiv(&c.x[1], &c.x[2], c.float).map(one);
        lerp(c) c.x[0].lerp(&c.x[1], &c.x[2]).map(one);
        lerp_scalar(c) c.x[0].lerp(&c.x[1], c.float).map(one);
        clamp_tensors(c) c.x[0].clamp(&c.x[1], &c.x[2]).map(one);
        chained_operators(c) (&c.x[0] * &c.x[1] - &c.x[2]).map(one);
    }
};

// The first operand is the target.
binary! { IN_PLACE IN_PLACE_NUMBER:
    SameType SameType: add_ sub_ mul_ div_ floor_divide_ remainder_ fmod_ pow_ atan2_ bitwise_and_ bitwise_or_
        bitwise_xor_ eq_ ne_ lt_ le_ gt_ ge_ logical_and_ logical_or_ logical_xor_;
}
const IN_PLACE_UNARY: &[Op] = unary! {
    SameType: abs_ neg_ sign_ ceil_ floor_ round_ trunc_ frac_ sqrt_ rsqrt_ square_ reciprocal_ exp_ exp2_
        expm1_ log_ log2_ log10_ log1p_ sin_ cos_ tan_ asin_ acos_ atan_ sinh_ cosh_ tanh_ asinh_ acosh_
        atanh_ erf_ erfc_ sigmoid_ relu_ logical_not_ bitwise_not_ zero_;
};
const IN_PLACE_MORE: &[Op] = ops! {
    SameType {
        fill_(c) c.x[0].fill_(c.scalar).map(one);
        copy_(c) c.x[0].copy_(&c.x[1]).map(one);
        copy_of_itself(c) c.x[0].copy_(&c.x[0]).map(one);
        masked_fill_(c) c.x[0].masked_fill_(&c.mask, c.scalar).map(one);
        scatter_(c) c.x[0].scatter_(c.ints[0], &c.index, &c.x[1]).map(one);
        scatter_add_(c) c.x[0].scatter_add_(c.ints[0], &c.index, &c.x[1]).map(one);
        uniform_(c) { rusttorch::manual_seed(1); c.x[0].uniform_(-1.0, c.float) }.map(one);
        normal_(c) { rusttorch::manual_seed(1); c.x[0].normal_(c.float, 2.0) }.map(one);
        bernoulli_(c) { rusttorch::manual_seed(1); c.x[0].bernoulli_(c.float) }.map(one);
        exponential_(c) { rusttorch::manual_seed(1); c.x[0].exponential_(c.float) }.map(one);
    }
};

const VIEWS: &[Op] = ops! {
    Type {
        reshape(c) c.x[0].reshape(&c.sizes).map(one);
        flatten(c) c.x[0].flatten().map(one);
        flatten_dims(c) c.x[0].flatten_dims(c.ints[0], c.ints[1]).map(one);
        unflatten(c) c.x[0].unflatten(c.ints[0], &c.sizes).map(one);
        permute(c) c.x[0].permute(&c.order).map(one);
        permute_raw(c) c.x[0].permute(&c.dims).map(one);
        transpose(c) c.x[0].transpose(c.ints[0], c.ints[1]).map(one);
        t(c) c.x[0].t().map(one);
        mt(c) c.x[0].mt().map(one);
        movedim(c) c.x[0].movedim(&c.dims, [c.ints[0], c.ints[1]].get(..c.dims.len()).unwrap_or(&[])).map(one);
        narrow(c) c.x[0].narrow(c.ints[0], c.ints[2], size(c.ints[3])).map(one);
        slice(c) c.x[0].slice(c.ints[0], Some(c.ints[2]), c.flag.then_some(c.ints[1]), c.ints[3]).map(one);
        select(c) c.x[0].select(c.ints[0], c.ints[2]).map(one);
        expand_small(c) c.x[0].expand([&[2][..], &vec![-1; c.x[0].rank()]].concat()).map(one);
        squeeze(c) c.x[0].squeeze(c.ints[0]).map(one);
        squeeze_all(c) c.x[0].squeeze_all().map(one);
        unsqueeze(c) c.x[0].unsqueeze(c.ints[0]).map(one);
        unfold(c) c.x[0].unfold(c.ints[0], size(c.ints[2]), size(c.ints[3])).map(one);
        diagonal(c) c.x[0].diagonal(c.ints[2], c.ints[0], c.ints[1]).map(one);
        split(c) c.x[0].split(size(c.ints[2]), c.ints[0]);
        chunk(c) c.x[0].chunk(size(c.ints[2]) % 1000, c.ints[0]);
        unbind(c) c.x[0].unbind(c.ints[0]);
        flip(c) c.x[0].flip(&c.dims).map(one);
        index(c) c.x[0].i(vec![
            if c.flag { Index::At(c.ints[0]) } else { Index::NewAxis },
            Index::Ellipsis,
            Index::Slice { start: Some(c.ints[1]), stop: None, step: c.ints[3] },
        ]).map(one);
        detach(c) Ok(one(c.x[0].detach()));
    }
    Layout {
        view(c) c.x[0].view(&c.sizes).map(one);
        expand(c) c.x[0].expand(&c.sizes).map(|y| { assert_eq!(y.rank(), c.sizes.len()); vec![] });
        as_strided(c) c.x[0].as_strided(
            &c.sizes.iter().map(|&n| size(n)).collect::<Vec<_>>(), &c.ints[..c.sizes.len().min(4)], size(c.ints[3]),
        ).map(one);
    }
};
const REDUCTIONS: &[Op] = ops! {
    Nothing {
        sum(c) c.x[0].sum_dim(dims(c), c.flag).map(one);
        mean(c) c.x[0].mean_dim(dims(c), c.flag).map(one);
        prod(c) c.x[0].prod_dim(c.ints[0], c.flag).map(one);
        prod_all(c) c.x[0].prod().map(one);
        var(c) c.x[0].var(dims(c), c.float, c.flag).map(one);
        std(c) c.x[0].std(dims(c), 1.0, c.flag).map(one);
        logsumexp(c) c.x[0].logsumexp(dims(c), c.flag).map(one);
        all(c) c.x[0].all(dims(c), c.flag).map(one);
        any(c) c.x[0].any(dims(c), c.flag).map(one);
        max_dim(c) c.x[0].max_dim(c.ints[0], c.flag).map(two);
        min_dim(c) c.x[0].min_dim(c.ints[0], c.flag).map(two);
    }
    Type {
        max(c) c.x[0].max().map(one);
        min(c) c.x[0].min().map(one);
        amax(c) c.x[0].amax(dims(c), c.flag).map(one);
        amin(c) c.x[0].amin(dims(c), c.flag).map(one);
    }
    Int64 {
        argmax(c) c.x[0].argmax((c.ints[1] % 3 != 0).then_some(c.ints[0]), c.flag).map(one);
        argmin(c) c.x[0].argmin((c.ints[1] % 3 != 0).then_some(c.ints[0]), c.flag).map(one);
    }
};
const INDEXING: &[Op] = ops! {
    Type {
        matmul(c) c.x[0].matmul(&c.x[1]).map(one);
        matmul_mt(c) c.x[0].matmul(&c.x[0].mt()?).map(one);
        gather(c) c.x[0].gather(c.ints[0], &c.index).map(one);
        index_select(c) c.x[0].index_select(c.ints[0], &c.index.flatten()?).map(one);
        index_select_raw(c) c.x[0].index_select(c.ints[0], &c.index).map(one);
        scatter(c) c.x[0].scatter(c.ints[0], &c.index, &c.x[1]).map(one);
        scatter_add(c) c.x[0].scatter_add(c.ints[0], &c.index, &c.x[1]).map(one);
    }
    Nothing {
        cat(c) Tensor::cat(&[&c.x[0], &c.x[1], &c.x[2]][..c.ints[1].unsigned_abs() % 4], c.ints[0]).map(one);
        cat_same(c) Tensor::cat(&[&c.x[0], &c.x[0]], c.ints[0]).map(one);
        stack(c) Tensor::stack(&[&c.x[0], &c.x[1]], c.ints[0]).map(one);
        linear(c) F::linear(&c.x[0], &c.x[1], c.flag.then_some(&c.x[2])).map(one);
        cross_entropy(c) F::cross_entropy(&c.x[0], &c.index, &F::CrossEntropy {
            reduction: reduction(c), ignore_index: 1, ..Default::default() }).map(one);
        cross_entropy_classes(c) {
            let rows = c.x[0].argmax(Some(if c.x[0].rank() > 1 { 1 } else { 0 }), false)?;
            F::cross_entropy(&c.x[0], &rows, &F::CrossEntropy {
                reduction: reduction(c), label_smoothing: if c.flag { 0.1 } else { c.float }, ..Default::default() }).map(one)
        };
        cross_entropy_probabilities(c) F::cross_entropy(&c.x[0], &c.x[1], &F::CrossEntropy {
            reduction: reduction(c), ..Default::default() }).map(one);
        binary_cross_entropy(c) F::binary_cross_entropy(&c.x[0].sigmoid()?, &c.x[1].sigmoid()?, None, reduction(c)).map(one);
        binary_cross_entropy_raw(c) F::binary_cross_entropy(&c.x[0], &c.x[1], Some(&c.x[2]), reduction(c)).map(one);
        mse_loss_reduced(c) F::mse_loss(&c.x[0], &c.x[1], reduction(c)).map(one);
        smooth_l1_reduced(c) F::smooth_l1_loss(&c.x[0], &c.x[1], c.float, reduction(c)).map(one);
        item(c) Tensor::scalar(c.x[0].item_f64()?).map(one);
        display(c) Tensor::scalar(c.x[0].to_string().len() as i64).map(one);
        set_grad(c) c.x[0].set_grad(Some(c.x[1].clone())).map(|()| vec![]);
    }
    Layout {
        full(c) Tensor::full(&c.sizes.iter().map(|&n| size(n)).collect::<Vec<_>>(), c.scalar, c.x[0].dtype()).map(one);
        arange(c) Tensor::arange(c.ints[0].clamp(-9, 9) as i64, c.ints[2].clamp(-99, 99) as i64, c.float, c.x[0].dtype())
            .map(|y| { assert_eq!(y.rank(), 1); vec![] });
        eye(c) Tensor::eye(size(c.ints[2]), c.x[0].dtype()).map(one);
        randint(c) Tensor::randint(c.ints[2] as i64, c.ints[3] as i64, c.x[0].shape(), c.x[0].dtype()).map(one);
        randperm(c) Tensor::randperm(size(c.ints[2])).map(one);
        from_slice(c) Tensor::from_slice(&[1u8; 6], &c.sizes.iter().map(|&n| size(n)).collect::<Vec<_>>()).map(one);
    }
};

// ---- checks ----------------------------------------------------------------------------------------

/// The elements as bits, where one NaN is as good as another.
fn bits(t: &Tensor) -> Vec<u64> {
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

fn check_promise(name: &str, promise: Promise, c: &Call, y: &Tensor) {
    let (x, shape) = (&c.x[0], c.x[0].shape());
    let joined = || broadcast_shapes("test", shape, c.x[1].shape()).unwrap();
    match promise {
        Same => assert_eq!(y.shape(), shape, "{name}"),
        SameType => assert_eq!((y.shape(), y.dtype()), (shape, x.dtype()), "{name}"),
        Broadcast => assert_eq!(y.shape(), &joined()[..], "{name}"),
        Bool => assert_eq!((y.shape(), y.dtype()), (&joined()[..], DType::Bool), "{name}"),
        Type => assert_eq!(y.dtype(), x.dtype(), "{name}"),
        Int64 => assert_eq!(y.dtype(), DType::I64, "{name}"),
        Nothing | Layout => {}
    }
    // Whatever it is, it can be read, and its sizes fit its elements.
    if y.numel() <= 5000 {
        assert_eq!(bits(y).len(), y.shape().iter().fold(1, |n: usize, &s| n.wrapping_mul(s)), "{name}");
    }
}

/// Runs an op on views and on contiguous copies of them.
fn check((name, promise, run): Op, strided: &Call) {
    let contiguous = strided.contiguous();
    let a = run(strided);
    if let Ok(results) = &a {
        results.iter().for_each(|y| check_promise(name, promise, strided, y));
    }
    if promise == Layout {
        return;
    }
    match (a, run(&contiguous)) {
        (Ok(a), Ok(b)) => {
            assert_eq!(a.len(), b.len(), "{name}");
            for (a, b) in a.iter().zip(&b) {
                assert_eq!((a.shape(), a.dtype()), (b.shape(), b.dtype()), "{name}");
                if a.numel() <= 5000 {
                    assert_eq!(bits(a), bits(b), "{name}");
                }
            }
        }
        (Err(a), Err(b)) => assert_eq!(a.kind(), b.kind(), "{name}: {a} | {b}"),
        // An expanded target is refused for its strides alone.
        (Err(a), Ok(_)) if a.kind() == ErrorKind::Alias => {}
        (a, b) => panic!("{name}: {:?} | {:?}", a.err(), b.err()),
    }
}

/// The same for an op that writes its first operand.
fn check_in_place(op: Op, c: &Call) {
    let before = bits(&c.x[0]);
    let version = c.x[0].version();
    let target = c.x[0].clone();
    let run = op.2;
    // A run on copies first, since the other one may write to operands that share memory.
    let copies = c.contiguous();
    let b = run(&copies);
    match (run(c), b) {
        (Ok(a), Ok(_)) => {
            assert!(a.iter().all(|a| a.is_same(&target)), "{}", op.0);
            assert_eq!(bits(&target), bits(&copies.x[0]), "{}", op.0);
            assert!(target.version() > version, "{}", op.0);
        }
        (Err(a), b) => {
            match b {
                Ok(_) => assert_eq!(a.kind(), ErrorKind::Alias, "{}: {a}", op.0),
                Err(b) => {
                    assert!(a.kind() == b.kind() || a.kind() == ErrorKind::Alias, "{}: {a} | {b}", op.0)
                }
            }
            assert_eq!(bits(&target), before, "{}: {a}", op.0);
            assert_eq!(target.version(), version, "{}", op.0);
        }
        (Ok(_), Err(b)) => panic!("{}: Ok | {b}", op.0),
    }
}

/// Backward through an op from leaves behind the views: gradients have the shapes of their leaves, and are
/// those of the contiguous form bit for bit.
fn check_gradient((name, promise, run): Op, in_place: bool, c: &Call, create_graph: bool) {
    let options = GradOptions { create_graph, ..GradOptions::default() };
    let gradients = |contiguous: bool| -> Result<Vec<Option<Tensor>>> {
        let mut call = c.contiguous();
        let mut leaves = Vec::new();
        for (i, x) in c.x.iter().enumerate() {
            if !x.dtype().is_float() {
                continue;
            }
            // The leaf has the transposed shape, so that what the op sees is a view with odd strides.
            let rank = x.rank() as isize;
            let order: Vec<isize> = (0..rank).rev().collect();
            let leaf = x.permute(&order)?.copy()?.requires_grad_(true)?;
            let inner = if in_place { leaf.mul(1.0)? } else { leaf.clone() };
            let seen = inner.permute(&order)?;
            call.x[i] = if contiguous { seen.copy()? } else { seen };
            leaves.push(leaf);
        }
        let results = run(&call)?;
        let Some(y) = results.iter().find(|y| y.requires_grad() && y.numel() <= 5000) else {
            return Ok(vec![]);
        };
        assert!(y.dtype().is_float(), "{name}");
        let weights = elements(y.numel(), y.dtype(), 7, true)
            .reshape(y.shape().iter().map(|&n| n as isize).collect::<Vec<_>>())?;
        y.backward_with(Some(&weights), options)?;
        let found: Vec<_> = leaves.iter().map(|l| l.grad()).collect();
        for (leaf, g) in leaves.iter().zip(&found) {
            let Some(g) = g else { continue };
            assert_eq!((g.shape(), g.dtype()), (leaf.shape(), leaf.dtype()), "{name}");
            if create_graph && g.requires_grad() && g.numel() > 0 {
                // Once more; PyTorch's leak warning does not apply, since the cycle is broken below.
                let again = grad(
                    &[g],
                    &[leaf],
                    &[Some(&Tensor::ones_like(g)?)],
                    GradOptions { allow_unused: true, ..GradOptions::default() },
                );
                if let Ok(again) = again {
                    again.iter().flatten().for_each(|h| assert_eq!(h.shape(), leaf.shape(), "{name}"));
                }
            }
            leaf.set_grad(None)?;
        }
        Ok(found)
    };
    match (gradients(false), gradients(true)) {
        (Ok(a), Ok(b)) => {
            for (a, b) in a.iter().zip(&b) {
                match (a, b) {
                    (Some(a), Some(b)) => assert_eq!(without_zero_signs(a), without_zero_signs(b), "{name}"),
                    (None, None) => {}
                    _ => panic!("{name}: one gradient is missing"),
                }
            }
        }
        (Err(a), Err(b)) if promise != Layout => assert_eq!(a.kind(), b.kind(), "{name}: {a} | {b}"),
        (a, b) if promise != Layout => panic!("{name}: {:?} | {:?}", a.err(), b.err()),
        _ => {}
    }
}

fn fuzz(test: u8, case: impl Fn(&mut Tape<'_>)) {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed().to_le_bytes());
    key[8] = test;
    let config = Config {
        cases: cases(),
        failure_persistence: None,
        max_shrink_iters: 2000,
        rng_seed: RngSeed::Fixed(seed()),
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &key));
    let tapes = prop::array::uniform::<_, TAPE>(any::<u32>());
    runner
        .run(&tapes, |raw| {
            case(&mut Tape { raw: &raw });
            Ok(())
        })
        .unwrap_or_else(|e| panic!("{e}"));
}

fn pick(tape: &mut Tape<'_>, families: &[&[Op]]) -> Op {
    // Every op is as likely as any other.
    let all: usize = families.iter().map(|f| f.len()).sum();
    let mut k = tape.below(all);
    for family in families {
        match family.get(k) {
            Some(&op) => return op,
            None => k -= family.len(),
        }
    }
    families[0][0]
}

#[test]
fn elementwise_ops_never_panic_and_ignore_strides() {
    fuzz(0, |tape| {
        let op = pick(tape, &[UNARY, BINARY, NUMBER, MORE_ELEMENTWISE]);
        check(op, &Call::new(tape, false));
    });
}

#[test]
fn in_place_ops_never_panic_and_ignore_strides() {
    fuzz(1, |tape| {
        let op = pick(tape, &[IN_PLACE, IN_PLACE_NUMBER, IN_PLACE_UNARY, IN_PLACE_MORE, IN_PLACE_MORE]);
        check_in_place(op, &Call::new(tape, false));
    });
}

#[test]
fn views_reductions_and_indexing_never_panic_and_ignore_strides() {
    fuzz(2, |tape| {
        let op = pick(tape, &[VIEWS, REDUCTIONS, INDEXING]);
        check(op, &Call::new(tape, false));
    });
}

#[test]
fn backward_never_panics_and_ignores_strides() {
    fuzz(3, |tape| {
        let create_graph = tape.below(3) == 0;
        let in_place = tape.below(4) == 0;
        let op = match in_place {
            true => pick(tape, &[IN_PLACE, IN_PLACE_NUMBER, IN_PLACE_UNARY, IN_PLACE_MORE]),
            false => pick(tape, &[UNARY, BINARY, NUMBER, MORE_ELEMENTWISE, VIEWS, REDUCTIONS, INDEXING]),
        };
        check_gradient(op, in_place, &Call::new(tape, true), create_graph);
    });
}

/// The budget of CI cannot be talked down.
#[test]
fn the_budget_is_at_least_a_hundred_thousand_cases() {
    const { assert!(4 * CASES >= 100_000) };
    if std::env::var_os("CI").is_some() {
        assert!(cases() >= CASES);
    }
}

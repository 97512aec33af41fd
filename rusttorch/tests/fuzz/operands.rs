//! Random numbers, and the tensors made from them.

use rusttorch::{DType, Tensor};

/// Random numbers that are read one after another; 0 past the end.
pub(crate) struct Tape<'a> {
    pub(crate) raw: &'a [u32],
}

impl Tape<'_> {
    pub(crate) fn next(&mut self) -> usize {
        let Some((&first, rest)) = self.raw.split_first() else { return 0 };
        self.raw = rest;
        first as usize
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.next() % n.max(1)
    }

    /// True once in `n` times.
    pub(crate) fn rarely(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    pub(crate) fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// A small signed number, now and then an extreme one.
    pub(crate) fn int(&mut self) -> i64 {
        match self.below(40) {
            n @ 0..37 => [0, 1, 2, 1, 3, -1, 4, 2, -2][n % 9],
            37 => i64::MIN,
            38 => i64::MAX,
            _ => 1 << 60,
        }
    }

    /// A dimension of a tensor of this rank, now and then one out of range.
    pub(crate) fn dim(&mut self, rank: usize) -> i64 {
        match self.below(12) {
            11 => self.int(),
            _ => self.below(2 * rank.max(1)) as i64 - rank.max(1) as i64,
        }
    }
}

pub(crate) const FLOATS: [f64; 20] = [
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
pub(crate) const INTS: [i64; 14] =
    [0, 1, -1, 2, 3, -2, 5, 127, -128, 255, 40_000, i32::MIN as i64, i64::MAX, i64::MIN];

/// A tensor of `n` pseudo-random elements. `tame` ones are few and harmless, as indices and divisors are.
pub(crate) fn elements(n: usize, dtype: DType, mut state: u64, tame: bool) -> Tensor {
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

pub(crate) fn sizes_of(t: &Tensor) -> Vec<isize> {
    t.shape().iter().map(|&n| n as isize).collect()
}

pub(crate) fn shape(tape: &mut Tape<'_>) -> Vec<usize> {
    let rank = tape.one_of(&[0, 1, 1, 2, 2, 2, 3, 3, 4, 5]);
    (0..rank).map(|_| tape.one_of(&[0, 1, 1, 2, 2, 3, 3, 4, 5])).collect()
}

/// A random view of `x`, of at most a few hundred elements.
pub(crate) fn view(tape: &mut Tape<'_>, x: &Tensor) -> Tensor {
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

/// Three operands, and tensors to index and mask the first.
pub(crate) struct Operands {
    /// Views; the second or third may be a view of the first one's memory.
    pub(crate) x: [Tensor; 3],
    pub(crate) index: Tensor,
    pub(crate) mask: Tensor,
    /// A dimension of the first, mostly, within whose size the index lies, mostly.
    pub(crate) dim: i64,
}

impl Operands {
    /// For ops of matrices: mostly square ones of one side, in f32 or f64, and often with a large diagonal, so
    /// that they can be inverted.
    pub(crate) fn matrices(tape: &mut Tape<'_>) -> Operands {
        let mut all = Operands::new(tape, true);
        let dtype = if tape.below(2) == 0 { DType::F32 } else { DType::F64 };
        let side = tape.one_of(&[1, 2, 2, 3, 4]);
        let batch: &[usize] = tape.one_of(&[&[], &[], &[2], &[1, 3]]);
        for slot in &mut all.x {
            let columns = if tape.rarely(3) { tape.one_of(&[1, 2, 3]) } else { side };
            let shape = [if tape.below(3) == 0 { &[] } else { batch }, &[side, columns]].concat();
            let n = shape.iter().product();
            let x = elements(n, dtype, tape.next() as u64, true);
            let x = x.reshape(shape.iter().map(|&n| n as isize).collect::<Vec<_>>()).unwrap();
            let x = match tape.below(3) {
                0 if columns == side => x.matmul(&x.mt().unwrap()).unwrap(),
                _ => x,
            };
            let diagonal = Tensor::eye(side, dtype).unwrap().mul(tape.below(4) as f64 * 2.0).unwrap();
            let x = if columns == side { x.add(&diagonal).unwrap() } else { x };
            *slot = match tape.below(4) {
                0 => x.select(-1, 0).unwrap(),
                1 => x.mt().unwrap().copy().unwrap().mt().unwrap(),
                _ => x,
            };
        }
        all
    }

    pub(crate) fn new(tape: &mut Tape<'_>, float_only: bool) -> Operands {
        let own = |tape: &mut Tape<'_>, shape: &[usize], dtype: DType| {
            let n = shape.iter().product();
            let tame = tape.below(3) > 0;
            let t = elements(n, dtype, tape.next() as u64, tame);
            t.reshape(shape.iter().map(|&n| n as isize).collect::<Vec<_>>()).unwrap().copy().unwrap()
        };
        let any = |tape: &mut Tape<'_>| match float_only {
            true => tape.one_of(&[DType::F32, DType::F64, DType::F16, DType::BF16]),
            false => tape.one_of(&DType::ALL),
        };
        let first_shape = shape(tape);
        let first_dtype = any(tape);
        let base = own(tape, &first_shape, first_dtype);
        let mut x = [base.clone(), base.clone(), base];
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
        let dim = tape.dim(x[0].rank());
        let index_shape = if tape.below(3) == 0 { shape(tape) } else { x[0].shape().to_vec() };
        let index_dtype = tape.one_of(&[DType::I64, DType::I64, DType::I64, DType::I32, DType::F32]);
        let index = elements(index_shape.iter().product(), index_dtype, tape.next() as u64, true);
        let index = match (x[0].size(dim as isize), tape.below(6)) {
            (Ok(n), 0..5) => index.remainder(n.max(1) as i64).unwrap(),
            (_, 3..) => index.sub(1i64).unwrap(),
            _ => index,
        };
        let index = index.reshape(index_shape.iter().map(|&n| n as isize).collect::<Vec<_>>()).unwrap();
        let index = if tape.below(2) == 0 { view(tape, &index) } else { index };
        let mask_dtype = if tape.rarely(10) { DType::U8 } else { DType::Bool };
        let mask = elements(x[0].numel(), mask_dtype, tape.next() as u64, true);
        let mask = mask.reshape(sizes_of(&x[0])).unwrap();
        let mask = if tape.below(4) == 0 { view(tape, &mask) } else { mask };
        Operands { x, index, mask, dim }
    }
}

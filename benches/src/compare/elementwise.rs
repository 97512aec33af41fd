//! Elementwise ops of one, two and three operands, and calls on next to nothing.

use rusttorch::DType::F32;
use rusttorch::{Result, Tensor};

use super::{Case, Cost, uniform, work};

type One = fn(&Tensor) -> Result<Tensor>;
type Two = fn(&Tensor, &Tensor) -> Result<Tensor>;

/// Number of elements, by its name in the report, and as a matrix for broadcasts.
const SIZES: [(&str, usize, [usize; 2]); 4] = [
    ("1e3", 1_000, [10, 100]),
    ("1e5", 100_000, [100, 1000]),
    ("1e6", 1_000_000, [1000, 1000]),
    ("1.6e7", 16_000_000, [4000, 4000]),
];

const PAIRS: [(&str, Two); 4] =
    [("add", |a, b| a.add(b)), ("sub", |a, b| a.sub(b)), ("mul", |a, b| a.mul(b)), ("div", |a, b| a.div(b))];

const SCALARS: [(&str, One); 2] = [("add_scalar", |x| x.add(1.5)), ("mul_scalar", |x| x.mul(1.5))];

/// Functions of one operand with the range of their inputs.
const FUNCTIONS: [(&str, (f64, f64), One); 18] = [
    ("relu", RANGE, |x| x.relu()),
    ("leaky_relu", RANGE, |x| x.leaky_relu(0.01)),
    ("elu", RANGE, |x| x.elu(1.0)),
    ("selu", RANGE, |x| x.selu()),
    ("silu", RANGE, |x| x.silu()),
    ("mish", RANGE, |x| x.mish()),
    ("gelu", RANGE, |x| x.gelu()),
    ("gelu_tanh", RANGE, |x| x.gelu_tanh()),
    ("sigmoid", RANGE, |x| x.sigmoid()),
    ("tanh", RANGE, |x| x.tanh()),
    ("softplus", RANGE, |x| x.softplus(1.0, 20.0)),
    ("softsign", RANGE, |x| x.softsign()),
    ("hardswish", RANGE, |x| x.hardswish()),
    ("exp", RANGE, |x| x.exp()),
    ("log", POSITIVE, |x| x.log()),
    ("sqrt", POSITIVE, |x| x.sqrt()),
    ("sin", RANGE, |x| x.sin()),
    ("pow_scalar", POSITIVE, |x| x.pow(2.5)),
];

const RANGE: (f64, f64) = (-3.0, 3.0);
const POSITIVE: (f64, f64) = (0.1, 3.0);

pub(super) fn add(cases: &mut Vec<Case>) {
    for (size, n, matrix) in SIZES {
        arithmetic(cases, size, n);
        broadcasts(cases, size, matrix);
    }
    for (size, n, _) in SIZES {
        for (op, range, f) in FUNCTIONS {
            cases.push(Case::new("functions", op, size, Cost::f32(n, n), move || one(f, n, range)));
        }
        cases.push(Case::new("functions", "pow", size, Cost::f32(2 * n, n), move || {
            let a = uniform(1, &[n], POSITIVE.0, POSITIVE.1, F32)?;
            let b = uniform(2, &[n], RANGE.0, RANGE.1, F32)?;
            work(move || a.pow(&b))
        }));
    }
    overhead(cases);
}

fn one(f: One, n: usize, (low, high): (f64, f64)) -> Result<Box<dyn super::Work>> {
    let x = uniform(1, &[n], low, high, F32)?;
    work(move || f(&x))
}

fn arithmetic(cases: &mut Vec<Case>, size: &str, n: usize) {
    for (op, f) in PAIRS {
        // Away from zero, where a quotient would be infinite.
        let low = if op == "div" { 0.5 } else { -3.0 };
        cases.push(Case::new("elementwise", op, size, Cost::f32(2 * n, n), move || {
            let (a, b) = (uniform(1, &[n], -3.0, 3.0, F32)?, uniform(2, &[n], low, 3.0, F32)?);
            work(move || f(&a, &b))
        }));
    }
    for (op, f) in SCALARS {
        cases.push(Case::new("elementwise", op, size, Cost::f32(n, n), move || one(f, n, RANGE)));
    }
    cases.push(Case::new("elementwise", "addcmul", size, Cost::f32(3 * n, n), move || {
        let a = uniform(1, &[n], -3.0, 3.0, F32)?;
        let (b, c) = (uniform(2, &[n], -3.0, 3.0, F32)?, uniform(3, &[n], -3.0, 3.0, F32)?);
        work(move || a.addcmul(&b, &c, 0.5))
    }));
}

fn broadcasts(cases: &mut Vec<Case>, size: &str, [rows, columns]: [usize; 2]) {
    let n = rows * columns;
    for (op, other) in [("add_row", [1, columns]), ("add_column", [rows, 1])] {
        cases.push(Case::new("elementwise", op, size, Cost::f32(n, n), move || {
            let a = uniform(1, &[rows, columns], -3.0, 3.0, F32)?;
            let b = uniform(2, &other, -3.0, 3.0, F32)?;
            work(move || a.add(&b))
        }));
    }
}

fn overhead(cases: &mut Vec<Case>) {
    let none = Cost::default();
    cases.push(Case::new("overhead", "add", "1", none, || {
        let (a, b) = (uniform(1, &[1], -3.0, 3.0, F32)?, uniform(2, &[1], -3.0, 3.0, F32)?);
        work(move || a.add(&b))
    }));
    cases.push(Case::new("overhead", "mul_scalar", "1", none, || one(|x| x.mul(1.5), 1, RANGE)));
    cases.push(Case::new("overhead", "relu", "1", none, || one(|x| x.relu(), 1, RANGE)));
    cases.push(Case::new("overhead", "matmul", "8x8", none, || {
        let (a, b) = (uniform(1, &[8, 8], -1.0, 1.0, F32)?, uniform(2, &[8, 8], -1.0, 1.0, F32)?);
        work(move || a.matmul(&b))
    }));
}

//! Random calls: any op of the catalogue, on any shapes, strides, dtypes and values, gives `Ok` or a typed
//! error, never a panic.
//!
//! A case is a tape of random numbers, from which an op and its arguments are made. Each call runs twice: on
//! operands that are views (permuted, stepped, reversed, expanded, overlapping, sharing one base) and on
//! contiguous copies of them. Both must give the same elements bit for bit, or errors of one kind; in-place and
//! out forms must give what the function gives, a refused one must leave its target alone; gradients must not
//! depend on strides either.
//!
//! 50 000 cases a test. `RUSTTORCH_FUZZ_CASES` sets a smaller or larger number per test (never
//! smaller where `CI` is set), `RUSTTORCH_FUZZ_SEED` other numbers, `RUSTTORCH_FUZZ_OP` one op (its path).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod arguments;
mod checks;
mod operands;

use std::cell::RefCell;
use std::collections::HashSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestRng, TestRunner};
use rusttorch::Tensor;
use rusttorch::catalogue::{self, Op};

use arguments::Arguments;
use checks::Form;
use operands::{Operands, Tape};

const CASES: u32 = 50_000;
const TAPE: usize = 120;

fn cases() -> u32 {
    let asked = std::env::var("RUSTTORCH_FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(CASES);
    if std::env::var_os("CI").is_some() { asked.max(CASES) } else { asked }
}

fn seed() -> u64 {
    std::env::var("RUSTTORCH_FUZZ_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// The ops for which `wanted` holds; of those only the one that the environment asks for, if it does.
fn ops(wanted: impl Fn(&Op) -> bool) -> Vec<&'static Op> {
    let only = std::env::var("RUSTTORCH_FUZZ_OP").ok();
    let asked = |op: &&Op| wanted(op) && only.as_ref().is_none_or(|path| op.path == path);
    catalogue::all().filter(asked).collect()
}

fn fuzz(test: u8, ops: &[&'static Op], case: impl Fn(&mut Tape<'_>, &Op)) {
    if ops.is_empty() {
        return;
    }
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
    let played = runner.run(&tapes, |raw| {
        let mut tape = Tape { raw: &raw };
        let op = tape.one_of(ops);
        case(&mut tape, op);
        Ok(())
    });
    played.unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn calls_never_panic_and_ignore_strides() {
    let succeeded = RefCell::new(HashSet::new());
    let all = ops(|_| true);
    fuzz(0, &all, |tape, op| {
        if checks::forward(op, &Arguments::new(tape, op, false)) {
            succeeded.borrow_mut().insert(op.path);
        }
    });
    // A fuzzer whose arguments never fit would find nothing. Of a few ops (three matrices that fit each other,
    // positive definite ones) they hardly ever do; those are called for errors that must be errors.
    let succeeded = succeeded.into_inner();
    let never: Vec<_> = all.iter().filter(|op| !succeeded.contains(op.path)).collect();
    assert!(never.len() * 20 <= all.len() || cases() < CASES, "no call succeeded of {never:?}");
}

#[test]
fn in_place_forms_write_what_the_function_returns() {
    fuzz(1, &ops(Op::has_in_place), |tape, op| checks::in_place(op, &Arguments::new(tape, op, false)));
}

#[test]
fn out_forms_write_what_the_function_returns() {
    fuzz(2, &ops(|op| op.has_out), |tape, op| checks::out(op, &Arguments::new(tape, op, false)));
}

#[test]
fn backward_never_panics_and_ignores_strides() {
    fuzz(3, &ops(|_| true), |tape, op| {
        let create_graph = tape.below(3) == 0;
        let form = if op.has_in_place() && tape.below(4) == 0 { Form::InPlace } else { Form::Function };
        checks::gradient(op, form, &Arguments::new(tape, op, true), create_graph);
    });
}

/// What is not an op of the catalogue: reading and printing.
#[test]
fn reading_and_printing_never_panic() {
    let any_op = [catalogue::find("torch.add").unwrap()];
    fuzz(4, &any_op, |tape, _| {
        let x: Tensor = Operands::new(tape, false).x[0].clone();
        assert_eq!(x.item().is_ok(), x.numel() == 1);
        assert!(x.to_string().starts_with("tensor("));
        assert_eq!(x.to_f64_vec().unwrap().len(), x.numel());
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

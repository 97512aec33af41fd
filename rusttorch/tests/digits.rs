//! The network of the example `digits` learns the same on every backend compiled in.

#![cfg(feature = "naive")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rusttorch::backends::{get, list, with_backend};
use rusttorch::data::{Batches, Csv, Generator, Standardize};
use rusttorch::nn::functional::{CrossEntropy, cross_entropy};
use rusttorch::nn::{Linear, Module, ReLU, Sequential};
use rusttorch::optim::{Adam, Optimize};
use rusttorch::{DType, Result, manual_seed};

/// The mean loss of every epoch.
fn losses(epochs: usize) -> Result<Vec<f64>> {
    manual_seed(0);
    let mut generator = Generator::new(0);
    let table = Csv::new().read(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/digits/digits.csv"))?;
    let pixels = table.without(&["digit"])?.narrow(0, 0, 640)?;
    let digits = table.column("digit")?.to_dtype(DType::I64)?.narrow(0, 0, 640)?;
    let x = Standardize::fit(&pixels)?.apply(&pixels)?;
    let model = Sequential::new().push(Linear::new(64, 128)?).push(ReLU {}).push(Linear::new(128, 10)?);
    let mut optimizer = Adam { lr: 2e-3, ..Adam::default() }.over(model.parameters())?;
    let batches = Batches::new((&x, &digits), 64)?;
    let smoothed = CrossEntropy { label_smoothing: 0.1, ..CrossEntropy::default() };
    let mut means = Vec::new();
    for _ in 0..epochs {
        let mut total = 0.0;
        for batch in batches.shuffled(&mut generator)? {
            let (x, y) = batch?;
            let loss = cross_entropy(&model.forward(&x)?, &y, &smoothed)?;
            optimizer.zero_grad()?;
            loss.backward()?;
            optimizer.step()?;
            total += loss.item_f64()?;
        }
        means.push(total / batches.len() as f64);
    }
    Ok(means)
}

// One test, as the default generator is one for the process.
#[test]
fn the_losses_of_all_backends_agree() {
    let all: Vec<(&str, Vec<f64>)> = list()
        .into_iter()
        .map(|name| (name, with_backend(get(name).unwrap(), || losses(4)).unwrap()))
        .collect();
    let (first, wanted) = &all[0];
    assert!(wanted[3] < 1.0 && wanted.windows(2).all(|w| w[1] < w[0]), "{first} does not learn: {wanted:?}");
    for (name, got) in &all[1..] {
        let apart = got.iter().zip(wanted).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
        assert!(apart < 1e-4, "{name} {got:?}, {first} {wanted:?}");
    }
}

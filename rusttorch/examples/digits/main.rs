//! Trains a classifier of handwritten digits and prints its accuracy on a fifth that training never saw.
//!
//! ```text
//! cargo run --release --example digits -- --backend naive --epochs 30 --seed 0
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::exit, reason = "an example is a program")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use rusttorch::backends::decorators::Traced;
use rusttorch::backends::{self, with_backend};
use rusttorch::data::{Batches, Csv, Generator, Standardize, random_split};
use rusttorch::nn::functional::{CrossEntropy, cross_entropy};
use rusttorch::nn::{Linear, Module, ReLU, Sequential};
use rusttorch::optim::{Adam, Optimize};
use rusttorch::{DType, ErrorKind, Result, Tensor, TensorError, io, manual_seed, no_grad};

/// Recognises handwritten digits: 8x8 pixels in, one of ten classes out.
#[derive(Parser)]
struct Arguments {
    /// The backend that computes; one of those this program was built with.
    #[arg(long)]
    backend: Option<String>,
    /// How often the training part is gone through.
    #[arg(long, default_value_t = 30)]
    epochs: usize,
    /// Seed of the split, the initial parameters and the shuffling.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print at the end how often each family of ops was called, and how long that took.
    #[arg(long)]
    trace: bool,
    /// Where to save the trained parameters, as safetensors.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Parameters to start from, as --save wrote them; with --epochs 0 they are only tested.
    #[arg(long, value_name = "FILE")]
    load: Option<PathBuf>,
    /// The data: a header, then 64 pixels of 0 to 16 and the digit in each row.
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/digits/digits.csv"))]
    data: PathBuf,
}

/// Images `[n, 64]` and their digits `[n]`.
struct Part {
    x: Tensor,
    y: Tensor,
}

fn main() {
    if let Err(e) = run(&Arguments::parse()) {
        eprintln!("error: {e}");
        std::process::exit(1);
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if let Some(name) = &arguments.backend {
        backends::set_default(name)?;
    }
    let backend = backends::current()?;
    let name = backend.name();
    if !arguments.trace {
        return learn(arguments, name);
    }
    let traced = Arc::new(Traced::new(backend));
    with_backend(traced.clone(), || learn(arguments, name))?;
    print!("{}", traced.trace());
    Ok(())
}

fn learn(arguments: &Arguments, backend: &str) -> Result<()> {
    if let Some(folder) =
        arguments.save.as_ref().and_then(|p| p.parent()).filter(|f| !f.as_os_str().is_empty())
        && !folder.is_dir()
    {
        // Found out now rather than after the training.
        return Err(TensorError::new(ErrorKind::Io, "--save", "folder does not exist")
            .with("folder", folder.display().to_string()));
    }
    let start = Instant::now();
    manual_seed(arguments.seed);
    let mut generator = Generator::new(arguments.seed);

    let table = Csv::new().read(&arguments.data)?;
    let (pixels, digits) = (table.without(&["digit"])?, table.column("digit")?.to_dtype(DType::I64)?);
    let [training, validation, test] = random_split(table.rows(), [0.7, 0.1, 0.2], &mut generator)?;
    // Only the training part may say what is normal.
    let normalize = Standardize::fit(&pixels.index_select(0, &training)?)?;
    let part = |rows: &Tensor| -> Result<Part> {
        let x = normalize.apply(&pixels.index_select(0, rows)?)?;
        Ok(Part { x, y: digits.index_select(0, rows)? })
    };
    let (training, validation, test) = (part(&training)?, part(&validation)?, part(&test)?);

    let model = Sequential::new().push(Linear::new(64, 128)?).push(ReLU {}).push(Linear::new(128, 10)?);
    if let Some(path) = &arguments.load {
        model.load_state(&io::load(path)?.into_iter().collect::<Vec<_>>())?;
    }
    train(&model, &training, &validation, arguments.epochs, &mut generator)?;
    if let Some(path) = &arguments.save {
        io::save(path, model.named_parameters())?;
    }
    let accuracy = accuracy(&model, &test)?;
    println!("test accuracy: {accuracy:.4} (backend: {backend}, {:.1} s)", start.elapsed().as_secs_f64());
    Ok(())
}

fn train(
    model: &impl Module,
    training: &Part,
    validation: &Part,
    epochs: usize,
    generator: &mut Generator,
) -> Result<()> {
    let batches = Batches::new((&training.x, &training.y), 64)?;
    // Smoothed labels keep so small a training part from being learnt by heart.
    let smoothed = CrossEntropy { label_smoothing: 0.1, ..CrossEntropy::default() };
    let mut optimizer = Adam { lr: 2e-3, ..Adam::default() }.over(model.parameters())?;
    for epoch in 1..=epochs {
        let bar = bar(epoch, epochs, batches.len());
        let mut total = 0.0;
        for batch in batches.shuffled(generator)? {
            let (x, y) = batch?;
            let loss = cross_entropy(&model.forward(&x)?, &y, &smoothed)?;
            optimizer.zero_grad()?;
            loss.backward()?;
            optimizer.step()?;
            total += loss.item_f64()? * y.numel() as f64;
            bar.inc(1);
        }
        let loss = total / training.y.numel() as f64;
        let report = format!("train loss {loss:.4}  validation accuracy {:.4}", accuracy(model, validation)?);
        if bar.is_hidden() {
            // Not a terminal: a plain line an epoch.
            println!("epoch {epoch:>3}/{epochs}  {report}");
        }
        bar.finish_with_message(report);
    }
    Ok(())
}

fn bar(epoch: usize, epochs: usize, steps: usize) -> ProgressBar {
    // The template is a constant; were it wrong, the default style would do.
    let style = ProgressStyle::with_template("{prefix} [{bar:30}] {pos:>2}/{len} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    ProgressBar::new(steps as u64).with_style(style).with_prefix(format!("epoch {epoch:>3}/{epochs}"))
}

/// The share of images whose most likely class is their digit.
fn accuracy(model: &impl Module, part: &Part) -> Result<f64> {
    no_grad(|| {
        let guess = model.forward(&part.x)?.argmax(Some(1), false)?;
        guess.eq(&part.y)?.to_dtype(DType::F64)?.mean()?.item_f64()
    })
}

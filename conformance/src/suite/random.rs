//! Seeded draws: one call plays all steps of a sequence on one generator.

use rusttorch_backend::ops::Distribution;
use rusttorch_backend::{Backend, DType, Family, Generator, Layout, Result, View, ViewMut};

use super::{Plan, values};
use crate::call::{Call, Output};
use crate::case::{Arg, Case, from_short_name};

/// Draws longer than this are recorded by their first and last `HEAD` elements.
const WHOLE: usize = 128;
const HEAD: usize = 40;

/// One step of a sequence.
struct Step {
    n: usize,
    dtype: DType,
    draw: Draw,
}

enum Draw {
    From(Distribution),
    Permutation,
}

fn parse(arg: &Arg) -> Option<Step> {
    let [kind, n, dtype, rest @ ..] = arg.list()? else { return None };
    let number = |i: usize| rest.get(i).and_then(Arg::scalar).map(|s| s.to_f64());
    let whole = |i: usize| rest.get(i).and_then(Arg::int);
    let draw = match kind.text()? {
        "rand" => Draw::From(Distribution::Uniform { from: 0.0, to: 1.0 }),
        "randn" => Draw::From(Distribution::Normal { mean: 0.0, std: 1.0 }),
        "uniform_" => Draw::From(Distribution::Uniform { from: number(0)?, to: number(1)? }),
        "normal_" => Draw::From(Distribution::Normal { mean: number(0)?, std: number(1)? }),
        "normal_in_pairs" => Draw::From(Distribution::NormalInPairs { mean: number(0)?, std: number(1)? }),
        "cauchy_" => Draw::From(Distribution::Cauchy { median: number(0)?, sigma: number(1)? }),
        "log_normal_" => Draw::From(Distribution::LogNormal { mean: number(0)?, std: number(1)? }),
        "geometric_" => Draw::From(Distribution::Geometric { p: number(0)? }),
        "random_" => Draw::From(Distribution::Random),
        "random_from" => Draw::From(Distribution::RandomFrom { low: whole(0)? }),
        "exponential_" => Draw::From(Distribution::Exponential { lambda: number(0)? }),
        "randint" => Draw::From(Distribution::RandInt { low: whole(0)?, high: whole(1)? }),
        "bernoulli" => Draw::From(Distribution::Bernoulli { p: number(0)? }),
        "randperm" => Draw::Permutation,
        _ => return None,
    };
    Some(Step { n: usize::try_from(n.int()?).ok()?, dtype: from_short_name(dtype.text()?)?, draw })
}

pub(super) fn random(case: &Case) -> Option<Plan<'_>> {
    let seed = case.inputs.first()?.int()? as u64;
    let steps = case.inputs.get(1)?.list()?.iter().map(parse).collect::<Option<Vec<_>>>()?;
    let uses = steps.iter().map(|s| (Family::Random, "random", s.dtype)).collect();
    let outputs = values(case)?.iter().cloned().map(Output::exact).collect();
    let call = Call::new(uses, vec![], outputs, move |be, _, outs| {
        let mut generator = Generator::new(seed);
        for (step, out) in steps.iter().zip(outs) {
            play(be, step, &mut generator, out)?;
        }
        Ok(())
    });
    Some(Plan::one(call))
}

fn play(be: &dyn Backend, step: &Step, generator: &mut Generator, out: ViewMut<'_>) -> Result<()> {
    match step.draw {
        Draw::From(distribution) if step.n <= WHOLE => be.random(distribution, generator, out),
        Draw::From(distribution) => {
            let layout = Layout::contiguous("random", &[step.n])?;
            let mut buffer = be.alloc(step.n * step.dtype.size())?;
            be.random(distribution, generator, ViewMut::new(&mut *buffer, &layout, step.dtype)?)?;
            ends(be, View::new(&*buffer, &layout, step.dtype)?, out)
        }
        Draw::Permutation => {
            let bytes: Vec<u8> = generator.randperm(step.n).iter().flat_map(|v| v.to_le_bytes()).collect();
            let layout = Layout::contiguous("random", &[step.n])?;
            let mut buffer = be.alloc(bytes.len())?;
            be.upload(&bytes, &mut *buffer, 0)?;
            let whole = View::new(&*buffer, &layout, DType::I64)?;
            if step.n <= WHOLE { be.copy(whole, out) } else { ends(be, whole, out) }
        }
    }
}

/// The first and the last elements of a long draw.
fn ends(be: &dyn Backend, drawn: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
    let tail = (drawn.numel() - HEAD) as isize;
    for (from, to) in [(0, 0), (tail, HEAD as isize)] {
        let source = drawn.layout().narrow(0, from, HEAD)?;
        let target = out.layout().narrow(0, to, HEAD)?;
        be.copy(drawn.with_layout(&source)?, out.with_layout(&target)?)?;
    }
    Ok(())
}

//! Random fills whose arithmetic gains from vectors or fused multiply-add.
//!
//! The fills are those of the generator, inlined into a function of the instruction set; so the numbers are the same.

use rusttorch_backend::ops::Distribution;
use rusttorch_backend::rng::{RandomError, RandomFloat};
use rusttorch_backend::{Element, Generator, Result, ViewMut, match_dtype};

use crate::arch::{Isa, Kernel, Level};
use crate::scratch::with_dense;

struct Fill<'a, T> {
    distribution: Distribution,
    generator: &'a mut Generator,
    out: &'a mut [T],
}

impl<T: RandomFloat> Kernel for Fill<'_, T> {
    type Output = std::result::Result<bool, RandomError>;

    /// Whether the fill is one of those.
    #[inline(always)]
    fn run<I: Isa>(self, _: I) -> Self::Output {
        let Fill { distribution, generator, out } = self;
        match distribution {
            Distribution::Uniform { from, to } => generator.fill_uniform(out, from, to)?,
            Distribution::Normal { mean, std } => generator.fill_normal(out, mean, std)?,
            Distribution::Exponential { lambda } => generator.fill_exponential(out, lambda)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// `None` for other fills, and for parameters outside of their domain: the stream is untouched then.
pub(crate) fn random(
    level: Level,
    distribution: Distribution,
    generator: &mut Generator,
    out: ViewMut<'_>,
) -> Option<Result<()>> {
    let float = matches!(
        distribution,
        Distribution::Uniform { .. } | Distribution::Normal { .. } | Distribution::Exponential { .. }
    );
    if !float {
        return None;
    }
    match_dtype!(floats out.dtype(), T => fill::<T>(level, distribution, generator, out), else None)
}

fn fill<T: Element + RandomFloat>(
    level: Level,
    distribution: Distribution,
    generator: &mut Generator,
    out: ViewMut<'_>,
) -> Option<Result<()>> {
    let mut drawn = false;
    let result = with_dense::<T>(out, |out| {
        drawn = matches!(level.enter(Fill { distribution, generator, out }), Ok(true));
        Ok(())
    });
    if drawn || result.is_err() { Some(result) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Simd;
    use crate::tensors::{Dice, Tensor, contiguous};
    use rusttorch_backend::{Backend, DType};
    use rusttorch_backend_naive::Naive;

    #[test]
    fn draws_as_the_generator_does() {
        let mut dice = Dice::new(1);
        for round in 0..400 {
            let distribution = *dice.of(&[
                Distribution::Uniform { from: 0.0, to: 1.0 },
                Distribution::Uniform { from: -3.0, to: 0.1 },
                Distribution::Normal { mean: 0.5, std: 2.0 },
                Distribution::Exponential { lambda: 0.3 },
                Distribution::Bernoulli { p: 0.3 },
                Distribution::RandInt { low: 0, high: 50 },
                Distribution::Normal { mean: 0.0, std: -1.0 },
            ]);
            let dtype = *dice.of(&[DType::F32, DType::F64, DType::F16, DType::BF16]);
            let shape = [dice.below(40), dice.below(60)];
            let strided = dice.layout(&shape);
            let mut expected = Tensor::garbage(contiguous(&shape), dtype);
            let mut reference = Generator::new(round);
            let outcome = Naive.random(distribution, &mut reference, expected.out());
            for level in Level::all() {
                for layout in [contiguous(&shape), strided.clone()] {
                    let mut generator = Generator::new(round);
                    let mut out = Tensor::garbage(layout, dtype);
                    let got = Simd::at(level).random(distribution, &mut generator, out.out());
                    assert_eq!(got.is_ok(), outcome.is_ok());
                    assert_eq!(out.strayed(), 0);
                    if got.is_ok() {
                        assert!(out.bits() == expected.bits(), "{distribution:?} {dtype:?} {shape:?}");
                    }
                    assert!(generator == reference, "the stream after {distribution:?} {dtype:?} {shape:?}");
                }
            }
        }
    }
}

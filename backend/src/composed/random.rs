//! Random fills.

use std::ops::Range;

use crate::backend::Backend;
use crate::buffer::HostBuffer;
use crate::dtype::DType;
use crate::element::Boolean;
use crate::error::{ErrorKind, Result, TensorError};
use crate::layout::Layout;
use crate::match_dtype;
use crate::ops::Distribution;
use crate::rng::{Generator, RandomError};
use crate::view::{View, ViewMut};

/// Default of [`Backend::random`]: draws on the host, in row-major order of `out` whatever its strides,
/// and brings the numbers to the memory of `out`. A contiguous `out` on the host is written directly.
///
/// Which dtypes a distribution fills, [`Distribution`] says. How many words
/// of the stream each takes, the methods of [`Generator`] say. An empty `out` takes none.
/// Errors: `NotImplemented` for a dtype the distribution has no form for; `Value` for a parameter
/// outside of its domain. In both cases the stream is untouched.
pub fn random<B: Backend + ?Sized>(
    be: &B,
    distribution: Distribution,
    generator: &mut Generator,
    mut out: ViewMut<'_>,
) -> Result<()> {
    if let Some(range) = out.layout().contiguous_range()
        && out.buffer().as_any().is::<HostBuffer>()
    {
        return draw(distribution, generator, &mut out, range);
    }
    let layout = Layout::contiguous("random", out.shape())?;
    let bytes = layout.numel().saturating_mul(out.dtype().size());
    let mut host = HostBuffer::alloc(bytes)?;
    let mut numbers = ViewMut::new(&mut host, &layout, out.dtype())?;
    draw(distribution, generator, &mut numbers, 0..layout.numel())?;
    let mut moved = be.alloc(bytes)?;
    be.upload(host.as_bytes(), &mut *moved, 0)?;
    be.copy(View::new(&*moved, &layout, out.dtype())?, out)
}

/// Runs `$fill` on the elements `range` of `$out` with `$T` bound to their type, a bool as the byte 0 or 1.
macro_rules! any {
    ($out:ident, $range:ident, $T:ident, $slice:ident => $fill:expr) => {
        any!($out, $range, $T, $slice => $fill, else {
            type $T = u8;
            let $slice: &mut [$T] = &mut bytes($out)?[$range];
            $fill
        })
    };
    ($out:ident, $range:ident, $T:ident, $slice:ident => $fill:expr, else $bool:expr) => {
        match_dtype!(floats $out.dtype(), $T => {
            let $slice = &mut $out.host_mut::<$T>()?[$range];
            $fill
        }, else match_dtype!(ints $out.dtype(), $T => {
            let $slice = &mut $out.host_mut::<$T>()?[$range];
            $fill
        }, else $bool))
    };
}

/// Fills the positions `range` of host memory, in ascending order.
fn draw(
    distribution: Distribution,
    generator: &mut Generator,
    out: &mut ViewMut<'_>,
    range: Range<usize>,
) -> Result<()> {
    let dtype = out.dtype();
    macro_rules! floats {
        ($name:literal, $slice:ident => $fill:expr) => {
            match_dtype!(floats dtype, T => {
                let $slice = &mut out.host_mut::<T>()?[range];
                $fill
            }, else return Err(no_form($name, dtype)))
        };
    }
    let drawn = match distribution {
        Distribution::Uniform { from, to } => {
            floats!("uniform", x => generator.fill_uniform(x, from, to))
        }
        Distribution::Normal { mean, std } => floats!("normal", x => generator.fill_normal(x, mean, std)),
        Distribution::NormalInPairs { mean, std } => {
            floats!("normal", x => generator.fill_normal_in_pairs(x, mean, std))
        }
        Distribution::Exponential { lambda } => {
            floats!("exponential", x => generator.fill_exponential(x, lambda))
        }
        Distribution::Cauchy { median, sigma } => {
            floats!("cauchy", x => generator.fill_cauchy(x, median, sigma))
        }
        Distribution::LogNormal { mean, std } => {
            floats!("log_normal", x => generator.fill_log_normal(x, mean, std))
        }
        // A truth value is drawn as the byte that it is; the byte would accept more.
        Distribution::RandInt { low, high } if dtype == DType::Bool && (low < 0 || high > 2) => {
            Err(RandomError::WholeRange { from: low, to: high })
        }
        Distribution::RandInt { low, high } => any!(out, range, T, x => generator.fill_randint(x, low, high)),
        Distribution::Random => any!(out, range, T, x => { generator.fill_random(x); Ok(()) }, else {
            generator.fill_randint(&mut bytes(out)?[range], 0, 2)
        }),
        Distribution::RandomFrom { low } => {
            any!(out, range, T, x => generator.fill_random_from(x, low), else match low {
                0 | 1 => generator.fill_randint(&mut bytes(out)?[range], low, 2),
                _ => Err(RandomError::WholeRange { from: low, to: 1 }),
            })
        }
        Distribution::Bernoulli { p } => any!(out, range, T, x => generator.fill_bernoulli(x, p)),
        Distribution::Geometric { p } => {
            any!(out, range, T, x => generator.fill_geometric(x, p), else return Err(no_form("geometric", dtype)))
        }
    };
    drawn.map_err(|e| outside_of_domain(distribution, e))
}

/// The elements of a bool view as the bytes 0 and 1.
fn bytes<'a>(out: &'a mut ViewMut<'_>) -> Result<&'a mut [u8]> {
    Ok(bytemuck::cast_slice_mut(out.host_mut::<Boolean>()?))
}

#[cold]
fn no_form(op: &'static str, dtype: DType) -> TensorError {
    TensorError::new(ErrorKind::NotImplemented, op, "has no form for this dtype").with("dtype", dtype)
}

/// The error of the generator with the parameters of the call.
#[cold]
fn outside_of_domain(distribution: Distribution, error: RandomError) -> TensorError {
    let new = |op, rule| TensorError::new(ErrorKind::Value, op, rule);
    match distribution {
        Distribution::Uniform { from, to } => {
            new("uniform", "not a range of finite numbers of the dtype").with("from", from).with("to", to)
        }
        Distribution::Normal { std, .. } | Distribution::NormalInPairs { std, .. } => {
            new("normal", "standard deviation is not >= 0").with("std", std)
        }
        Distribution::Exponential { lambda } => new("exponential", "rate is not > 0").with("lambda", lambda),
        Distribution::RandInt { low, high } => {
            new("randint", "range is empty or not contained in the dtype").with("low", low).with("high", high)
        }
        Distribution::Random => new("random", "range is empty"),
        Distribution::RandomFrom { low } => {
            new("random", "range is empty or not contained in the dtype").with("low", low)
        }
        Distribution::Cauchy { sigma, .. } => new("cauchy", "sigma is not > 0").with("sigma", sigma),
        Distribution::LogNormal { std, .. } => {
            new("log_normal", "standard deviation is not > 0").with("std", std)
        }
        Distribution::Geometric { p } => new("geometric", "probability is not in (0, 1)").with("p", p),
        Distribution::Bernoulli { p } => new("bernoulli", "probability is not in [0, 1]").with("p", p),
    }
    .caused_by(error)
}

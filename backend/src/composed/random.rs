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
/// `Uniform`, `Normal` and `Exponential` fill floats; `RandInt` and `Bernoulli` any dtype. How many words
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

/// Fills the positions `range` of host memory, in ascending order.
fn draw(
    distribution: Distribution,
    generator: &mut Generator,
    out: &mut ViewMut<'_>,
    range: Range<usize>,
) -> Result<()> {
    let dtype = out.dtype();
    let drawn = match distribution {
        Distribution::Uniform { from, to } => match_dtype!(floats dtype,
            T => generator.fill_uniform(&mut out.host_mut::<T>()?[range], from, to),
            else return Err(no_form("uniform", dtype))),
        Distribution::Normal { mean, std } => match_dtype!(floats dtype,
            T => generator.fill_normal(&mut out.host_mut::<T>()?[range], mean, std),
            else return Err(no_form("normal", dtype))),
        Distribution::Exponential { lambda } => match_dtype!(floats dtype,
            T => generator.fill_exponential(&mut out.host_mut::<T>()?[range], lambda),
            else return Err(no_form("exponential", dtype))),
        Distribution::RandInt { low, high } => match_dtype!(floats dtype,
        T => generator.fill_randint(&mut out.host_mut::<T>()?[range], low, high),
        else match_dtype!(ints dtype,
            T => generator.fill_randint(&mut out.host_mut::<T>()?[range], low, high),
            // A truth value is drawn as the byte that it is; the byte would accept more.
            else if low < 0 || high > 2 {
                Err(RandomError::WholeRange { from: low, to: high })
            } else {
                generator.fill_randint(&mut bytes(out)?[range], low, high)
            })),
        Distribution::Bernoulli { p } => match_dtype!(floats dtype,
            T => generator.fill_bernoulli(&mut out.host_mut::<T>()?[range], p),
            else match_dtype!(ints dtype,
                T => generator.fill_bernoulli(&mut out.host_mut::<T>()?[range], p),
                else generator.fill_bernoulli(&mut bytes(out)?[range], p))),
    };
    drawn.map_err(|e| outside_of_domain(distribution, e))
}

/// The elements of a bool view as the bytes 0 and 1.
fn bytes<'a>(out: &'a mut ViewMut<'_>) -> Result<&'a mut [u8]> {
    Ok(bytemuck::cast_slice_mut(out.host_mut::<Boolean>()?))
}

#[cold]
fn no_form(op: &'static str, dtype: DType) -> TensorError {
    TensorError::new(ErrorKind::NotImplemented, op, "draws floats only").with("dtype", dtype)
}

/// The error of the generator with the parameters of the call.
#[cold]
fn outside_of_domain(distribution: Distribution, error: RandomError) -> TensorError {
    let new = |op, rule| TensorError::new(ErrorKind::Value, op, rule);
    match distribution {
        Distribution::Uniform { from, to } => {
            new("uniform", "not a range of finite numbers of the dtype").with("from", from).with("to", to)
        }
        Distribution::Normal { std, .. } => new("normal", "standard deviation is not >= 0").with("std", std),
        Distribution::Exponential { lambda } => new("exponential", "rate is not > 0").with("lambda", lambda),
        Distribution::RandInt { low, high } => {
            new("randint", "range is empty or not contained in the dtype").with("low", low).with("high", high)
        }
        Distribution::Bernoulli { p } => new("bernoulli", "probability is not in [0, 1]").with("p", p),
    }
    .caused_by(error)
}

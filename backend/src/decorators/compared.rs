//! Two backends side by side.

use std::sync::Arc;

use crate::backend::Backend;
use crate::call::{Call, Spare};
use crate::capabilities::Capabilities;
use crate::dtype::DType;
use crate::element::{Element, Scalar};
use crate::error::{ErrorKind, Result, TensorError, Value};
use crate::layout::Shape;
use crate::nest::Nest;
use crate::view::View;

/// How far two values of a dtype may be apart: `|a - b| <= absolute + relative * max(|a|, |b|)`. Integers and bool must
/// be equal, NaN must meet NaN, an infinity the same one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// A share of the larger value, at least 0.
    pub relative: f64,
    /// A distance, at least 0.
    pub absolute: f64,
}

impl Tolerance {
    /// Equal values, whatever the sign of a zero.
    pub const EXACT: Tolerance = Tolerance { relative: 0.0, absolute: 0.0 };

    /// The default for a dtype: some hundred roundings, as between two orders of a sum of a thousand terms of size 1.
    pub const fn of(dtype: DType) -> Tolerance {
        match dtype {
            DType::F64 => Tolerance { relative: 1e-10, absolute: 1e-12 },
            DType::F32 => Tolerance { relative: 1e-4, absolute: 1e-5 },
            DType::F16 => Tolerance { relative: 5e-3, absolute: 1e-3 },
            DType::BF16 => Tolerance { relative: 3e-2, absolute: 1e-2 },
            _ => Tolerance::EXACT,
        }
    }

    fn admits(self, a: f64, b: f64) -> bool {
        a == b
            || (a.is_nan() && b.is_nan())
            || (a - b).abs() <= self.absolute + self.relative * a.abs().max(b.abs())
                && a.is_finite()
                && b.is_finite()
    }
}

/// Has two backends make every call and returns what the first one computes. Where the second one differs by more than
/// a [`Tolerance`], in an error, or in what it takes from the random generator, the call is an error of kind `Internal`
/// that names the call with its op and shapes, the operand, the index, and both values.
///
/// Both must share host memory, which is the first one's; memory of a device is an error of kind `Backend`. Every call
/// copies what it writes, so this is for finding faults, not for production.
#[derive(Debug)]
pub struct Compared {
    first: Arc<dyn Backend>,
    second: Arc<dyn Backend>,
    tolerance: Option<Tolerance>,
}

impl Compared {
    /// `first`, compared with `second` by the default tolerances.
    pub fn new(first: Arc<dyn Backend>, second: Arc<dyn Backend>) -> Self {
        Compared { first, second, tolerance: None }
    }

    /// The same with one tolerance for all floats.
    #[must_use]
    pub fn within(mut self, tolerance: Tolerance) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    fn call(&self, mut call: Call<'_>) -> Result<()> {
        let mut spare = Spare::of(&call)?;
        let theirs = call.on(&mut spare)?.run(&*self.second);
        let ours = call.run(&*self.first);
        let outcome = |r: &Result<()>| r.as_ref().map_or_else(|e| Some(e.kind()), |()| None);
        if outcome(&ours) != outcome(&theirs) {
            let text =
                |r: &Result<()>| r.as_ref().map_or_else(TensorError::to_string, |()| "no error".to_owned());
            return Err(self
                .divergence(&call, "one backend fails and the other does not, or otherwise")
                .with("first", text(&ours))
                .with("second", text(&theirs)));
        }
        // What an output holds after an error is unspecified.
        ours?;
        if !spare.generator_agrees(&call) {
            return Err(self.divergence(&call, "backends take different amounts from the generator"));
        }
        let results: Vec<(&'static str, Shape)> =
            call.results().iter().map(|(name, v)| (*name, Shape::from_slice(v.shape()))).collect();
        let found = {
            let twin = call.on(&mut spare)?;
            let mine = call.results();
            let other = twin.results();
            let mut found = None;
            for (i, ((_, a), (_, b))) in mine.iter().zip(&other).enumerate() {
                if let Some(difference) = self.difference(*a, *b)? {
                    found = Some((i, difference));
                    break;
                }
            }
            found
        };
        let Some((i, (at, first, second))) = found else { return Ok(()) };
        let (name, shape) = &results[i];
        Err(self
            .divergence(&call, "backends give different values")
            .with("operand", *name)
            .with("index", Value::Shape(index(at, shape)))
            .with("first", first.to_string())
            .with("second", second.to_string()))
    }

    fn divergence(&self, call: &Call<'_>, rule: &'static str) -> TensorError {
        TensorError::new(ErrorKind::Internal, call.method(), rule)
            .with("call", call.to_string())
            .with("backends", format!("{} and {}", self.first.name(), self.second.name()))
    }

    /// The first pair in row-major order that the tolerance does not admit: its number and values.
    fn difference(&self, a: View<'_>, b: View<'_>) -> Result<Option<(usize, Scalar, Scalar)>> {
        let dtype = a.dtype();
        let tolerance = match self.tolerance {
            Some(tolerance) if dtype.is_float() => tolerance,
            _ => Tolerance::of(dtype),
        };
        crate::match_dtype!(dtype, T => first_difference::<T>(a, b, tolerance))
    }
}

fn first_difference<T: Element>(
    a: View<'_>,
    b: View<'_>,
    tolerance: Tolerance,
) -> Result<Option<(usize, Scalar, Scalar)>> {
    let (x, y) = (a.host::<T>()?, b.host::<T>()?);
    let (mut number, mut found) = (0, None);
    Nest::new([a.layout(), b.layout()]).for_each(|[i, j]| {
        if found.is_none() {
            let (p, q) = (x[i].to_scalar(), y[j].to_scalar());
            // Not by f64 alone, which cannot tell large i64 apart.
            if p != q && !(T::DTYPE.is_float() && tolerance.admits(p.to_f64(), q.to_f64())) {
                found = Some((number, p, q));
            }
        }
        number += 1;
    });
    Ok(found)
}

/// The index of the element of a row-major number.
fn index(mut number: usize, shape: &[usize]) -> Shape {
    let mut index = Shape::from_elem(0, shape.len());
    for (digit, &n) in index.iter_mut().zip(shape).rev() {
        *digit = number % n.max(1);
        number /= n.max(1);
    }
    index
}

impl Backend for Compared {
    fn name(&self) -> &'static str {
        "compared"
    }

    fn next(&self) -> Option<&dyn Backend> {
        Some(&*self.first)
    }

    fn capabilities(&self) -> Capabilities {
        self.first.capabilities()
    }

    crate::forward_memory!(first);
    crate::forward_calls!(Self::call);
}

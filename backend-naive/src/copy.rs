//! Ops that move elements without arithmetic: fill, copy (with a cast) and select.

use rusttorch_backend::{Boolean, Element, Result, Scalar, View, ViewMut, match_dtype};

use crate::walk::{self, map1, map3};

/// `out[i] = value`, cast.
pub(crate) fn fill(value: Scalar, out: ViewMut<'_>) -> Result<()> {
    match_dtype!(out.dtype(), O => walk::fill(O::from_scalar(value), out))
}

/// `out[i] = x[i]`, cast. Equal dtypes keep every bit: NaN payloads, and bytes of a bool.
pub(crate) fn copy(x: View<'_>, out: ViewMut<'_>) -> Result<()> {
    if x.dtype() == out.dtype() {
        return match_dtype!(x.dtype(), T => map1("copy", x, out, |x: T| x));
    }
    match_dtype!(x.dtype(), X => cast::<X>(x, out))
}

fn cast<X: Element>(x: View<'_>, out: ViewMut<'_>) -> Result<()> {
    match_dtype!(out.dtype(), O => map1("copy", x, out, |x: X| O::from_scalar(x.to_scalar())))
}

/// `out[i] = condition[i] ? a[i] : b[i]`, bits kept.
pub(crate) fn select(condition: View<'_>, a: View<'_>, b: View<'_>, out: ViewMut<'_>) -> Result<()> {
    match_dtype!(a.dtype(), T => {
        map3("where", [condition, a, b], out, |c: Boolean, a: T, b: T| if c.get() { a } else { b })
    })
}

#[cfg(test)]
#[path = "copy_tests.rs"]
mod tests;

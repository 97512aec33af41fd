//! Fill, and copies with a cast.

use rusttorch_backend::{
    Capabilities, DTypeSet, Element, Family, Result, Scalar, View, ViewMut, match_dtype,
};

use super::cast::cast;
use crate::arch::Level;
use crate::drive;
use crate::tuning::Cost;

/// The fill, of any dtype.
pub(crate) fn fill(_level: Level, value: Scalar, out: &mut ViewMut<'_>) -> Option<Result<()>> {
    Some(match_dtype!(out.dtype(), T => {
        let value = T::from_scalar(value);
        drive::map0("fill", Cost::LIGHT, out, &|out: &mut [T]| out.fill(value))
    }))
}

/// The copy, between any dtypes. Of one dtype it keeps every bit.
pub(crate) fn copy(level: Level, x: &View<'_>, out: &mut ViewMut<'_>) -> Option<Result<()>> {
    let (from, to) = (x.dtype(), out.dtype());
    Some(drive::bytes("copy", (Cost::LIGHT, from == to), [x], out, &|inputs, out, _| {
        let [x] = inputs else { return };
        if from == to {
            out.copy_from_slice(x);
        } else {
            cast(level, from, x, to, out);
        }
    }))
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims.with(Family::Fill, DTypeSet::ALL).with(Family::Copy, DTypeSet::ALL)
}

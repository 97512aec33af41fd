//! Choice by a condition.

use rusttorch_backend::{Boolean, Capabilities, DTypeSet, Element, Family, Result, View, ViewMut};

use super::loop3;
use crate::arch::Level;
use crate::arch::plain::{elements_of, elements_of_mut};
use crate::drive;
use crate::tuning::Cost;

/// The choice, of any dtype: bits are moved, so their number is all that matters.
pub(crate) fn select(
    level: Level,
    condition: &View<'_>,
    a: &View<'_>,
    b: &View<'_>,
    out: &mut ViewMut<'_>,
) -> Option<Result<()>> {
    let choose = match out.dtype().size() {
        1 => choose::<u8>,
        2 => choose::<i16>,
        4 => choose::<i32>,
        _ => choose::<i64>,
    };
    Some(drive::bytes("where", (Cost::LIGHT, false), [condition, a, b], out, &|inputs, out, _| {
        choose(level, inputs, out)
    }))
}

fn choose<W: Element>(level: Level, inputs: &[&[u8]], out: &mut [u8]) {
    let [condition, a, b] = inputs else { return };
    let f = |c: Boolean, a: W, b: W| if c.get() { a } else { b };
    loop3(level, f, elements_of(condition), elements_of(a), elements_of(b), elements_of_mut(out));
}

/// What is computed here.
pub(crate) fn claims(claims: Capabilities) -> Capabilities {
    claims.with(Family::Select, DTypeSet::ALL)
}

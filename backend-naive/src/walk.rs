//! Walking elements: the loops that all families share.
//!
//! Operands without gaps are walked as slices, all others through a [`Nest`], both in row-major order
//! and with the same formula on each element, so that no result depends on a layout. Nothing here
//! allocates.

use std::ops::Range;

use rusttorch_backend::{Element, Layout, Nest, Result, View, ViewMut};

use crate::check::{axis_exists, same_shape};

/// The positions of every operand, if all of them lie without gaps.
#[inline]
fn ranges<const N: usize>(layouts: [&Layout; N]) -> Option<[Range<usize>; N]> {
    let mut ranges = [const { 0..0 }; N];
    for (range, layout) in ranges.iter_mut().zip(layouts) {
        *range = layout.contiguous_range()?;
    }
    Some(ranges)
}

/// `f(x[i])` for every element, in row-major order.
pub(crate) fn visit<T: Element>(x: View<'_>, mut f: impl FnMut(T)) -> Result<()> {
    let data = x.host::<T>()?;
    match ranges([x.layout()]) {
        Some([r]) => data[r].iter().for_each(|&x| f(x)),
        None => Nest::new([x.layout()]).for_each(|[i]| f(data[i])),
    }
    Ok(())
}

/// `out[i] = value`.
pub(crate) fn fill<O: Element>(value: O, mut out: ViewMut<'_>) -> Result<()> {
    let layout = out.layout();
    let out = out.host_mut::<O>()?;
    match ranges([layout]) {
        Some([r]) => out[r].fill(value),
        None => Nest::new([layout]).for_each(|[i]| out[i] = value),
    }
    Ok(())
}

/// `out[i] = f(x[i])`.
#[inline]
pub(crate) fn map1<X: Element, O: Element>(
    op: &'static str,
    x: View<'_>,
    mut out: ViewMut<'_>,
    f: impl Fn(X) -> O,
) -> Result<()> {
    let layouts = [x.layout(), out.layout()];
    same_shape(op, layouts[0], layouts[1])?;
    let (x, out) = (x.host::<X>()?, out.host_mut::<O>()?);
    match ranges(layouts) {
        Some([rx, ro]) => out[ro].iter_mut().zip(&x[rx]).for_each(|(o, &x)| *o = f(x)),
        None => Nest::new(layouts).for_each(|[i, o]| out[o] = f(x[i])),
    }
    Ok(())
}

/// `out[i] = f(a[i], b[i])`.
#[inline]
pub(crate) fn map2<A: Element, B: Element, O: Element>(
    op: &'static str,
    a: View<'_>,
    b: View<'_>,
    mut out: ViewMut<'_>,
    f: impl Fn(A, B) -> O,
) -> Result<()> {
    let layouts = [a.layout(), b.layout(), out.layout()];
    same_shape(op, layouts[0], layouts[1])?;
    same_shape(op, layouts[0], layouts[2])?;
    let (a, b, out) = (a.host::<A>()?, b.host::<B>()?, out.host_mut::<O>()?);
    match ranges(layouts) {
        Some([ra, rb, ro]) => {
            out[ro].iter_mut().zip(&a[ra]).zip(&b[rb]).for_each(|((o, &a), &b)| *o = f(a, b));
        }
        None => Nest::new(layouts).for_each(|[i, j, o]| out[o] = f(a[i], b[j])),
    }
    Ok(())
}

/// `out[i] = f(a[i], b[i], c[i])`.
#[inline]
pub(crate) fn map3<A: Element, B: Element, C: Element, O: Element>(
    op: &'static str,
    [a, b, c]: [View<'_>; 3],
    mut out: ViewMut<'_>,
    f: impl Fn(A, B, C) -> O,
) -> Result<()> {
    let layouts = [a.layout(), b.layout(), c.layout(), out.layout()];
    for other in &layouts[1..] {
        same_shape(op, layouts[0], other)?;
    }
    let (a, b, c, out) = (a.host::<A>()?, b.host::<B>()?, c.host::<C>()?, out.host_mut::<O>()?);
    match ranges(layouts) {
        Some([ra, rb, rc, ro]) => {
            let operands = a[ra].iter().zip(&b[rb]).zip(&c[rc]);
            out[ro].iter_mut().zip(operands).for_each(|(o, ((&a, &b), &c))| *o = f(a, b, c));
        }
        None => Nest::new(layouts).for_each(|[i, j, k, o]| out[o] = f(a[i], b[j], c[k])),
    }
    Ok(())
}

/// `io[i] = f(io[i])`.
#[inline]
pub(crate) fn update1<T: Element>(mut io: ViewMut<'_>, f: impl Fn(T) -> T) -> Result<()> {
    let layout = io.layout();
    let io = io.host_mut::<T>()?;
    match ranges([layout]) {
        Some([r]) => io[r].iter_mut().for_each(|x| *x = f(*x)),
        None => Nest::new([layout]).for_each(|[i]| io[i] = f(io[i])),
    }
    Ok(())
}

/// `io[i] = f(io[i], b[i])`.
#[inline]
pub(crate) fn update2<T: Element, B: Element>(
    op: &'static str,
    mut io: ViewMut<'_>,
    b: View<'_>,
    f: impl Fn(T, B) -> T,
) -> Result<()> {
    let layouts = [io.layout(), b.layout()];
    same_shape(op, layouts[0], layouts[1])?;
    let (io, b) = (io.host_mut::<T>()?, b.host::<B>()?);
    match ranges(layouts) {
        Some([ri, rb]) => io[ri].iter_mut().zip(&b[rb]).for_each(|(x, &b)| *x = f(*x, b)),
        None => Nest::new(layouts).for_each(|[i, j]| io[i] = f(io[i], b[j])),
    }
    Ok(())
}

/// Calls `line(starts)` for every line along `axis`, with the position of its first element in each
/// operand. Operands of equal shape, of at least one element. Errors: `Dim`, `Shape`.
pub(crate) fn lines<const N: usize>(
    op: &'static str,
    layouts: [&Layout; N],
    axis: usize,
    line: impl FnMut([usize; N]),
) -> Result<()> {
    for layout in layouts {
        axis_exists(op, axis, layout)?;
        same_shape(op, layouts[0], layout)?;
    }
    if layouts.iter().all(|l| !l.is_empty()) {
        Nest::over(layouts, (0..layouts[0].rank()).filter(|&d| d != axis)).for_each(line);
    }
    Ok(())
}

/// The position of element `i` of a line.
#[inline(always)]
pub(crate) fn along(start: usize, i: usize, stride: isize) -> usize {
    (start as isize + i as isize * stride) as usize
}

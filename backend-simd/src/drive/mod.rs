//! From views to slices: the loops that elementwise families share.
//!
//! A body computes on slices of equal length. Operands without gaps are handed to it as they lie, in chunks, each
//! on some thread. Others are walked ([`walk`]) in the order in which the output lies in memory, and what does not
//! lie side by side is gathered into tiles, so that there is one body whatever the strides. No result depends on
//! which way it went, since an element's value depends on its operands alone. Rectangles that a copy turns round
//! ([`turn`]) go straight to their place.
//!
//! All of it sees bytes and is compiled once, not once per op or type; only the thin functions here know types.

mod loops;
mod tile;
mod turn;
mod walk;

use rusttorch_backend::{Element, ErrorKind, Layout, Result, TensorError, View, ViewMut, match_dtype};

use crate::arch::plain::{bytes_of, bytes_of_mut, elements_of, elements_of_mut};
use crate::tuning::drive::turns_past;
use crate::tuning::{Cost, streams};
use tile::Aside;
use walk::{Body, Kind, Operand, Output, walk};

/// How a body is to compute a piece.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    /// Whether the output is better written past the caches.
    pub(crate) stream: bool,
    /// Elements of a row of the output, where operands that are shorter than the output have one element for each row, unless
    /// they have a single one; else 0.
    pub(crate) row: usize,
    /// Whether an operand as long as a row is the same for every row. There are then not as many rows as elements of one.
    pub(crate) shared: bool,
}

impl Way {
    /// The same, but past the caches only `if` so.
    const fn streams_if(self, stream: bool) -> Way {
        Way { stream: self.stream && stream, ..self }
    }
}

impl From<bool> for Way {
    fn from(stream: bool) -> Way {
        Way { stream, row: 0, shared: false }
    }
}

/// Error: `Internal` for a call that breaks the contract.
#[inline(always)]
pub(crate) fn same_shape(op: &'static str, a: &Layout, out: &Layout) -> Result<()> {
    if a.has_shape_of(out) { Ok(()) } else { Err(differ(op, a, out)) }
}

#[cold]
fn differ(op: &'static str, a: &Layout, out: &Layout) -> TensorError {
    TensorError::new(ErrorKind::Internal, op, "operand and output differ in shape")
        .with("operand", a.shape())
        .with("out", out.shape())
}

impl<'a> Operand<'a> {
    fn new<T: Element>(view: &View<'a>) -> Result<Operand<'a>> {
        Ok(Operand { data: bytes_of(view.host::<T>()?), size: size_of::<T>(), layout: view.layout() })
    }
}

/// How many elements there are if they lie without gaps, 1 if `ones` and they are one, else 0.
#[inline]
fn piece(layout: &Layout, ones: bool) -> usize {
    if layout.is_contiguous() { layout.numel() } else { usize::from(ones && is_one(layout)) }
}

/// Whether all indices have one position. Not inlined, to keep what most calls do together.
#[inline(never)]
fn is_one(layout: &Layout) -> bool {
    layout.strides().iter().all(|&stride| stride == 0)
}

macro_rules! maps {
    ($($name:ident $streamed:ident $any:ident($($input:ident: $I:ident),*);)*) => { $(
        /// `out = body(inputs)`, elementwise. What the body finds in its output is unspecified.
        #[allow(dead_code, reason = "one for each number of operands")]
        pub(crate) fn $name<$($I: Element,)* O: Element>(
            op: &'static str,
            cost: Cost,
            $($input: &View<'_>,)*
            out: &mut ViewMut<'_>,
            body: &(dyn Fn($(&[$I],)* &mut [O]) + Sync),
        ) -> Result<()> {
            let body = &|$($input: &[$I],)* out: &mut [O], _: Way| body($($input,)* out);
            $any(op, (cost, false), $($input,)* out, body)
        }

        /// The same for a body that is told which way to go. It takes a slice of one element for an operand that is the same
        /// everywhere, and one of a period for operands that all start again after as many elements, of which the output
        /// then has whole periods; or one element for each row of the output, whose rows are then whole, and a row that is the same
        /// for all of them.
        #[allow(dead_code, reason = "one for each number of operands")]
        pub(crate) fn $streamed<$($I: Element,)* O: Element>(
            op: &'static str,
            cost: Cost,
            $($input: &View<'_>,)*
            out: &mut ViewMut<'_>,
            body: &(dyn Fn($(&[$I],)* &mut [O], Way) + Sync),
        ) -> Result<()> {
            $any(op, (cost, true), $($input,)* out, body)
        }

        /// `ones`: whether the body takes shorter slices, as those of the function above.
        fn $any<$($I: Element,)* O: Element>(
            op: &'static str,
            (cost, ones): (Cost, bool),
            $($input: &View<'_>,)*
            out: &mut ViewMut<'_>,
            body: &(dyn Fn($(&[$I],)* &mut [O], Way) + Sync),
        ) -> Result<()> {
            let to = out.layout();
            // Without inputs there is nothing to say.
            let _ = op;
            $(same_shape(op, $input.layout(), to)?;)*
            let n = to.numel();
            if n == 0 {
                return Ok(());
            }
            let stream = streams(n * size_of::<O>());
            #[allow(non_snake_case, reason = "a length has the name of its type")]
            let ($($I,)*) = ($(piece($input.layout(), ones),)*);
            if to.is_contiguous() && $($I > 0 &&)* cost.chunk(n) >= n {
                body(
                    $(&$input.host::<$I>()?[$input.layout().offset()..][..$I],)*
                    &mut out.host_mut::<O>()?[to.offset()..][..n],
                    stream.into(),
                );
                return Ok(());
            }
            let inputs = [$(Operand::new::<$I>($input)?,)*];
            let out = Output { data: bytes_of_mut(out.host_mut::<O>()?), size: size_of::<O>(), layout: to, read: false };
            let kind = if ones { Kind::Ones } else { Kind::Even };
            walk(cost, &inputs, out, kind, &|inputs, out, way| {
                // Always so; the pattern gives them names.
                let [$($input,)*] = inputs else { return };
                body($(elements_of($input),)* elements_of_mut(out), way.streams_if(stream));
            });
            Ok(())
        }
    )* };
}
maps! {
    map0 stream0 any0();
    map1 stream1 any1(a: A);
    map2 stream2 any2(a: A, b: B);
    map3 stream3 any3(a: A, b: B, c: C);
}

/// `out = body(inputs)`, elementwise, for a body that knows the types and takes bytes; its last argument as that of
/// [`stream1`]. At most three inputs; or a single one whose bytes it `moves` as they are.
pub(crate) fn bytes<const N: usize>(
    op: &'static str,
    (cost, moves): (Cost, bool),
    inputs: [&View<'_>; N],
    out: &mut ViewMut<'_>,
    body: &Body<'_>,
) -> Result<()> {
    debug_assert!(!moves || N == 1);
    let to = out.layout();
    let mut operands = [Operand { data: &[], size: 1, layout: to }; N];
    for (operand, input) in operands.iter_mut().zip(inputs) {
        same_shape(op, input.layout(), to)?;
        *operand = match_dtype!(input.dtype(), T => Operand::new::<T>(input)?);
    }
    if to.is_empty() {
        return Ok(());
    }
    let (n, size) = (to.numel(), out.dtype().size());
    let stream = streams(n * size);
    let data = match_dtype!(out.dtype(), T => bytes_of_mut(out.host_mut::<T>()?));
    let dense = operands.iter().all(|operand| operand.layout.is_contiguous());
    if let (Some(range), true) = (to.contiguous_range(), dense && cost.chunk(n) >= n) {
        let slices =
            operands.map(|Operand { data, size, layout }| &data[layout.offset() * size..][..n * size]);
        body(&slices, &mut data[range.start * size..range.end * size], stream.into());
        return Ok(());
    }
    let out = Output { data, size, layout: to, read: false };
    let kind = if moves { Kind::Moves { stream: turns_past(n * size) } } else { Kind::Even };
    walk(cost, &operands, out, kind, &|inputs, out, way| body(inputs, out, way.streams_if(stream)));
    Ok(())
}

/// `io = body(io)`, by a body that has its operand apart.
pub(crate) fn assign1<T: Element>(
    cost: Cost,
    io: &mut ViewMut<'_>,
    body: &(dyn Fn(&[T], &mut [T]) + Sync),
) -> Result<()> {
    let layout = io.layout();
    let n = layout.numel();
    if n == 0 {
        return Ok(());
    }
    let apart = |io: &mut [T]| {
        let mut aside = Aside::take();
        let aside = aside.elements::<T>();
        for io in io.chunks_mut(aside.len()) {
            let x = &mut aside[..io.len()];
            x.copy_from_slice(io);
            body(x, io);
        }
    };
    let data = io.host_mut::<T>()?;
    if let (Some(range), true) = (layout.contiguous_range(), cost.chunk(n) >= n) {
        apart(&mut data[range]);
        return Ok(());
    }
    let out = Output { data: bytes_of_mut(data), size: size_of::<T>(), layout, read: true };
    walk(cost, &[], out, Kind::Even, &|_, io, _| apart(elements_of_mut(io)));
    Ok(())
}

/// A body in place of [`assign2`].
type Apart<'a, T, B> = dyn Fn(&[T], &[B], &mut [T]) + Sync + 'a;

/// `io = body(io, b)`, by a body that has its operands apart.
pub(crate) fn assign2<T: Element, B: Element>(
    op: &'static str,
    cost: Cost,
    io: &mut ViewMut<'_>,
    b: &View<'_>,
    body: &Apart<'_, T, B>,
) -> Result<()> {
    let layout = io.layout();
    same_shape(op, b.layout(), layout)?;
    let n = layout.numel();
    if n == 0 {
        return Ok(());
    }
    let apart = |b: &[B], io: &mut [T]| {
        let mut aside = Aside::take();
        let aside = aside.elements::<T>();
        for (io, b) in io.chunks_mut(aside.len()).zip(b.chunks(aside.len())) {
            let a = &mut aside[..io.len()];
            a.copy_from_slice(io);
            body(a, b, io);
        }
    };
    let data = io.host_mut::<T>()?;
    if let (Some(range), Some(from), true) =
        (layout.contiguous_range(), b.layout().contiguous_range(), cost.chunk(n) >= n)
    {
        apart(&b.host::<B>()?[from], &mut data[range]);
        return Ok(());
    }
    let inputs = [Operand::new::<B>(b)?];
    let out = Output { data: bytes_of_mut(data), size: size_of::<T>(), layout, read: true };
    walk(cost, &inputs, out, Kind::Even, &|inputs, io, _| {
        let [b] = inputs else { return };
        apart(elements_of(b), elements_of_mut(io));
    });
    Ok(())
}

#[cfg(test)]
#[path = "../drive_tests.rs"]
pub(crate) mod tests;

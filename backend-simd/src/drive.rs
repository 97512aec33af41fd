//! From views to slices: the loops that elementwise families share.
//!
//! A body computes on slices of equal length. Operands without gaps are handed to it as they lie, in chunks, each
//! on some thread. Others are walked run by run ([`Nest`]): a long run without gaps is handed over as it lies, and
//! the rest is gathered into tiles on the stack, so that there is one body whatever the strides. No result
//! depends on which way it went, since an element's value depends on its operands alone.
//!
//! Bodies are trait objects: the loops here are compiled once per combination of element types, not once per op.

use rusttorch_backend::{Element, ErrorKind, Layout, Nest, Result, TensorError, View, ViewMut};

use crate::arch::threads::parallel_chunks_mut;
use crate::tuning::Cost;

/// Elements of a tile: a few KiB each for operands and result, which stay in the first cache.
const TILE: usize = 1024;

/// The tile of ops that are so small that zeroing a large one would cost more than they do.
const SMALL: usize = 64;

/// Runs from this length on are handed over piece by piece; shorter ones are collected until a tile is full.
const LONG: usize = 64;

/// Error: `Internal` for a call that breaks the contract.
pub(crate) fn same_shape(op: &'static str, a: &Layout, out: &Layout) -> Result<()> {
    if a.shape() == out.shape() {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::Internal, op, "operand and output differ in shape")
        .with("operand", a.shape())
        .with("out", out.shape()))
}

/// Copies of operand elements that do not lie side by side.
struct Tile<T, const N: usize>([T; N]);

impl<T: Element, const N: usize> Tile<T, N> {
    fn new() -> Self {
        Tile([T::zeroed(); N])
    }

    /// Takes `n` elements from `from` on, `stride` apart, to place `at`.
    fn gather(&mut self, at: usize, data: &[T], from: isize, stride: isize, n: usize) {
        let slots = &mut self.0[at..at + n];
        match stride {
            1 => slots.copy_from_slice(&data[from as usize..from as usize + n]),
            0 => slots.fill(data[from as usize]),
            _ => {
                for (i, slot) in slots.iter_mut().enumerate() {
                    *slot = data[(from + i as isize * stride) as usize];
                }
            }
        }
    }

    /// `n` elements, as they lie or copied. A value that repeats is copied once, for the first piece of its run.
    fn piece<'a>(&'a mut self, data: &'a [T], from: isize, stride: isize, n: usize, first: bool) -> &'a [T] {
        if stride == 1 {
            return &data[from as usize..from as usize + n];
        }
        if stride != 0 || first {
            self.gather(0, data, from, stride, n);
        }
        &self.0[..n]
    }
}

/// Puts `values` into `out`, `stride` apart.
fn scatter<T: Element>(values: &[T], out: &mut [T], to: isize, stride: isize) {
    if stride == 1 {
        out[to as usize..to as usize + values.len()].copy_from_slice(values);
        return;
    }
    for (i, &v) in values.iter().enumerate() {
        out[(to + i as isize * stride) as usize] = v;
    }
}

/// A pending piece of a tile: where it starts in the output, its stride, its length.
type Piece = (isize, isize, usize);

/// Puts the pieces of a tile where they belong, and forgets them.
fn scatter_pieces<T: Element>(values: &[T], out: &mut [T], pieces: &mut Vec<Piece>) {
    let mut at = 0;
    for (to, stride, n) in pieces.drain(..) {
        scatter(&values[at..at + n], out, to, stride);
        at += n;
    }
}

macro_rules! maps {
    ($($name:ident $part:ident $strided:ident of $n:literal($($input:ident: $I:ident),+);)*) => { $(
        /// `out = body(inputs)`, elementwise. What the body finds in its output is what `out` held.
        pub(crate) fn $name<$($I: Element,)+ O: Element>(
            op: &'static str,
            cost: Cost,
            $($input: View<'_>,)+
            mut out: ViewMut<'_>,
            body: &(dyn Fn($(&[$I],)+ &mut [O]) + Sync),
        ) -> Result<()> {
            let to = out.layout();
            $(same_shape(op, $input.layout(), to)?;)+
            let n = to.numel();
            if n == 0 {
                return Ok(());
            }
            let layouts = [$($input.layout(),)+];
            let dense = ($($input.layout().contiguous_range(),)+);
            let Some(range) = to.contiguous_range() else {
                let nest = Nest::new([$($input.layout(),)+ to]);
                $strided(&nest, $($input.host::<$I>()?,)+ out.host_mut::<O>()?, body);
                return Ok(());
            };
            $(let $input = $input.host::<$I>()?;)+
            let out = &mut out.host_mut::<O>()?[range];
            let chunk = cost.chunk(n);
            #[allow(non_snake_case, reason = "a range has the name of its type")]
            if let ($(Some($I),)+) = dense {
                $(let $input = &$input[$I];)+
                parallel_chunks_mut(out, chunk, |i, out| {
                    let range = i * chunk..i * chunk + out.len();
                    body($(&$input[range.clone()],)+ out);
                });
                return Ok(());
            }
            let nest = Nest::new(layouts);
            if n <= SMALL {
                $part::<$($I,)+ O, SMALL>(&nest, 0, $($input,)+ out, body);
            } else {
                parallel_chunks_mut(out, chunk, |i, out| {
                    $part::<$($I,)+ O, TILE>(&nest, i * chunk, $($input,)+ out, body);
                });
            }
            Ok(())
        }

        /// The elements from number `start` on, as many as `out` has room for.
        fn $part<$($I: Element,)+ O: Element, const T: usize>(
            nest: &Nest<$n>,
            start: usize,
            $($input: &[$I],)+
            out: &mut [O],
            body: &(dyn Fn($(&[$I],)+ &mut [O]) + Sync),
        ) {
            $(let mut $input = ($input, Tile::<$I, T>::new());)+
            // Elements that are written, and behind them those that wait in the tiles.
            let (mut done, mut filled) = (0, 0);
            nest.for_each_run_in(start..start + out.len(), |offsets, length, strides| {
                if length >= LONG {
                    body($(&$input.1.0[..filled],)+ &mut out[done..done + filled]);
                    (done, filled) = (done + filled, 0);
                    let step = if strides == [1; $n] { length } else { T };
                    for at in (0..length).step_by(step) {
                        let n = step.min(length - at);
                        let mut k = 0;
                        $(
                            let from = offsets[k] + at as isize * strides[k];
                            let $input = $input.1.piece($input.0, from, strides[k], n, at == 0);
                            k += 1;
                        )+
                        debug_assert_eq!(k, $n);
                        body($($input,)+ &mut out[done..done + n]);
                        done += n;
                    }
                    return;
                }
                if filled + length > T {
                    body($(&$input.1.0[..filled],)+ &mut out[done..done + filled]);
                    (done, filled) = (done + filled, 0);
                }
                let mut k = 0;
                $(
                    $input.1.gather(filled, $input.0, offsets[k], strides[k], length);
                    k += 1;
                )+
                debug_assert_eq!(k, $n);
                filled += length;
            });
            body($(&$input.1.0[..filled],)+ &mut out[done..done + filled]);
        }

        /// The same for an output with strides: rare, and on one thread.
        fn $strided<$($I: Element,)+ O: Element>(
            nest: &Nest<{ $n + 1 }>,
            $($input: &[$I],)+
            out: &mut [O],
            body: &(dyn Fn($(&[$I],)+ &mut [O]) + Sync),
        ) {
            $(let mut $input = ($input, Tile::<$I, TILE>::new());)+
            let mut results = Tile::<O, TILE>::new();
            let mut pieces: Vec<Piece> = Vec::new();
            let mut filled = 0;
            nest.for_each_run(|offsets, length, strides| {
                let mut at = 0;
                while at < length {
                    let n = (length - at).min(TILE - filled);
                    let mut k = 0;
                    $(
                        let from = offsets[k] + at as isize * strides[k];
                        $input.1.gather(filled, $input.0, from, strides[k], n);
                        k += 1;
                    )+
                    let to = offsets[k] + at as isize * strides[k];
                    results.gather(filled, out, to, strides[k], n);
                    pieces.push((to, strides[k], n));
                    (filled, at) = (filled + n, at + n);
                    if filled == TILE {
                        body($(&$input.1.0[..filled],)+ &mut results.0[..filled]);
                        scatter_pieces(&results.0, out, &mut pieces);
                        filled = 0;
                    }
                }
            });
            body($(&$input.1.0[..filled],)+ &mut results.0[..filled]);
            scatter_pieces(&results.0, out, &mut pieces);
        }
    )* };
}
maps! {
    map1 part1 strided1 of 1(a: A);
    map2 part2 strided2 of 2(a: A, b: B);
    map3 part3 strided3 of 3(a: A, b: B, c: C);
}

/// `io = body(io)`, elementwise.
pub(crate) fn map0<T: Element>(
    cost: Cost,
    mut io: ViewMut<'_>,
    body: &(dyn Fn(&mut [T]) + Sync),
) -> Result<()> {
    let layout = io.layout();
    let data = io.host_mut::<T>()?;
    if let Some(range) = layout.contiguous_range() {
        let data = &mut data[range];
        let chunk = cost.chunk(data.len());
        parallel_chunks_mut(data, chunk, |_, part| body(part));
        return Ok(());
    }
    let mut tile = Tile::<T, TILE>::new();
    Nest::new([layout]).for_each_run(|[start], length, [stride]| {
        for at in (0..length).step_by(TILE) {
            let n = TILE.min(length - at);
            let from = start + at as isize * stride;
            tile.gather(0, data, from, stride, n);
            body(&mut tile.0[..n]);
            scatter(&tile.0[..n], data, from, stride);
        }
    });
    Ok(())
}

/// `io = body(io)`, by a body that has its operand apart.
pub(crate) fn assign1<T: Element>(
    cost: Cost,
    io: ViewMut<'_>,
    body: &(dyn Fn(&[T], &mut [T]) + Sync),
) -> Result<()> {
    map0(cost, io, &|io: &mut [T]| {
        let mut tile = Tile::<T, TILE>::new();
        for io in io.chunks_mut(TILE) {
            let x = &mut tile.0[..io.len()];
            x.copy_from_slice(io);
            body(x, io);
        }
    })
}

/// `io = body(io, b)`, by a body that has its operands apart.
pub(crate) fn assign2<T: Element, B: Element>(
    op: &'static str,
    cost: Cost,
    io: ViewMut<'_>,
    b: View<'_>,
    body: &(dyn Fn(&[T], &[B], &mut [T]) + Sync),
) -> Result<()> {
    map1(op, cost, b, io, &|b: &[B], io: &mut [T]| {
        let mut tile = Tile::<T, TILE>::new();
        for (b, io) in b.chunks(TILE).zip(io.chunks_mut(TILE)) {
            let a = &mut tile.0[..io.len()];
            a.copy_from_slice(io);
            body(a, b, io);
        }
    })
}

#[cfg(test)]
#[path = "drive_tests.rs"]
mod tests;

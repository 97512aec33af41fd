//! From views to slices: the loops that elementwise families share.
//!
//! Operands without gaps run as slices. Others are walked run by run ([`Nest`]); what has strides is gathered
//! into a tile on the stack, computed there by the same body, and scattered. No result depends on which way it
//! went, since an element's value depends on its operands alone.

use rusttorch_backend::{Element, ErrorKind, Layout, Nest, Result, TensorError, View, ViewMut};

/// Elements of a tile: a few KiB each for operands and result, which stay in the first cache.
const TILE: usize = 512;

/// Error: `Internal` for a call that breaks the contract.
pub(crate) fn same_shape(op: &'static str, a: &Layout, out: &Layout) -> Result<()> {
    if a.shape() == out.shape() {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::Internal, op, "operand and output differ in shape")
        .with("operand", a.shape())
        .with("out", out.shape()))
}

/// Elements of one operand, collected from runs until a tile is full.
struct Tile<T>([T; TILE]);

impl<T: Element> Tile<T> {
    fn new() -> Self {
        Tile([T::zeroed(); TILE])
    }

    /// Takes `n` elements from `from`, `stride` apart, to place `at`.
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

macro_rules! maps {
    ($($name:ident($($input:ident: $I:ident),+) of $n:literal;)*) => { $(
        /// `out = body(inputs)`, elementwise.
        pub(crate) fn $name<$($I: Element,)+ O: Element>(
            op: &'static str,
            $($input: View<'_>,)+
            mut out: ViewMut<'_>,
            body: impl Fn($(&[$I],)+ &mut [O]),
        ) -> Result<()> {
            let to = out.layout();
            $(same_shape(op, $input.layout(), to)?;)+
            let layouts = [$($input.layout(),)+ to];
            let ($($input,)+) = ($(($input.host::<$I>()?, $input.layout().contiguous_range()),)+);
            let out = out.host_mut::<O>()?;
            if let ($(Some($I),)+ Some(range)) = ($($input.1.clone(),)+ to.contiguous_range()) {
                body($(&$input.0[$I],)+ &mut out[range]);
                return Ok(());
            }
            let mut tiles = ($(Tile::<$I>::new(),)+);
            let mut results = Tile::<O>::new();
            let mut pieces: [Piece; TILE] = [(0, 0, 0); TILE];
            let (mut filled, mut count) = (0, 0);
            let mut flush = |tiles: &mut ($(Tile<$I>,)+), pieces: &[Piece], filled: usize| {
                #[allow(non_snake_case, reason = "a tile has the name of its type")]
                let ($($I,)+) = tiles;
                body($(&$I.0[..filled],)+ &mut results.0[..filled]);
                let mut at = 0;
                for &(start, stride, n) in pieces {
                    scatter(&results.0[at..at + n], out, start, stride);
                    at += n;
                }
            };
            Nest::new(layouts).for_each_run(|offsets, length, strides| {
                let mut done = 0;
                while done < length {
                    let n = (length - done).min(TILE - filled);
                    let mut k = 0;
                    {
                        #[allow(non_snake_case, reason = "a tile has the name of its type")]
                        let ($($I,)+) = &mut tiles;
                        $(
                            $I.gather(filled, $input.0, offsets[k] + done as isize * strides[k], strides[k], n);
                            k += 1;
                        )+
                    }
                    pieces[count] = (offsets[k] + done as isize * strides[k], strides[k], n);
                    (filled, count, done) = (filled + n, count + 1, done + n);
                    if filled == TILE {
                        flush(&mut tiles, &pieces[..count], filled);
                        (filled, count) = (0, 0);
                    }
                }
            });
            flush(&mut tiles, &pieces[..count], filled);
            Ok(())
        }
    )* };
}
maps! {
    map1(a: A) of 1;
    map2(a: A, b: B) of 2;
    map3(a: A, b: B, c: C) of 3;
}

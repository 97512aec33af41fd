//! Operands of any strides and dtype as slices of the type that they are computed in.

use rusttorch_backend::{ErrorKind, Nest, Result, TensorError, View, ViewMut};

use super::tree::LARGEST_CHUNK;
use crate::float::Stored;

/// N operands of one shape.
pub(super) struct Operands<'a, H, const N: usize> {
    data: [&'a [H]; N],
    /// Where the first elements lie, if all lie without gaps.
    dense: Option<[usize; N]>,
    nest: Nest<N>,
}

impl<'a, H: Stored, const N: usize> Operands<'a, H, N> {
    pub(super) fn new(views: [View<'a>; N]) -> Result<Self> {
        let mut data = [&[] as &[H]; N];
        for (data, view) in data.iter_mut().zip(&views) {
            *data = view.host()?;
        }
        let starts = views.map(|v| v.layout().contiguous_range().map(|r| r.start));
        let dense = starts.iter().all(Option::is_some).then(|| starts.map(Option::unwrap_or_default));
        Ok(Operands { data, dense, nest: Nest::new(views.map(|v| v.layout())) })
    }

    /// Hands over the elements from number `start` on, as many as `n`, at most a chunk.
    #[inline]
    pub(super) fn with<R>(&self, start: usize, n: usize, body: impl FnOnce([&[H::Wide]; N]) -> R) -> R {
        if let Some(from) = self.dense {
            let slice = |k: usize| H::as_wide(&self.data[k][from[k] + start..from[k] + start + n]);
            let slices: [Option<&[H::Wide]>; N] = std::array::from_fn(slice);
            if slices.iter().all(Option::is_some) {
                return body(slices.map(Option::unwrap_or_default));
            }
        }
        self.gathered(start, n, body)
    }

    #[inline(never)]
    fn gathered<R>(&self, start: usize, n: usize, body: impl FnOnce([&[H::Wide]; N]) -> R) -> R {
        let mut tiles = [[H::Wide::default(); LARGEST_CHUNK]; N];
        let mut filled = 0;
        self.nest.for_each_run_in(start..start + n, |offsets, length, strides| {
            for k in 0..N {
                let slots = &mut tiles[k][filled..filled + length];
                take(self.data[k], offsets[k], strides[k], slots);
            }
            filled += length;
        });
        body(tiles.each_ref().map(|tile| &tile[..n]))
    }
}

/// Elements `stride` apart, from `from` on, as many as there are slots.
#[inline]
pub(super) fn take<H: Stored>(data: &[H], from: isize, stride: isize, slots: &mut [H::Wide]) {
    match stride {
        1 => {
            H::all_to_wide(&data[from as usize..from as usize + slots.len()], slots);
        }
        0 => slots.fill(data[from as usize].to_wide()),
        _ => {
            for (i, slot) in slots.iter_mut().enumerate() {
                *slot = data[(from + i as isize * stride) as usize].to_wide();
            }
        }
    }
}

/// All elements, in row-major order.
pub(super) fn collect<H: Stored>(op: &'static str, x: View<'_>) -> Result<Vec<H::Wide>> {
    let data = x.host::<H>()?;
    let mut all = filled(op, x.numel(), H::Wide::default())?;
    let mut done = 0;
    Nest::new([x.layout()]).for_each_run(|[from], length, [stride]| {
        take(data, from, stride, &mut all[done..done + length]);
        done += length;
    });
    Ok(all)
}

/// The only element of a 0-d operand.
pub(super) fn scalar<H: Stored>(x: View<'_>) -> Result<H::Wide> {
    let data = x.host::<H>()?;
    data.get(x.layout().offset()).map(|v| v.to_wide()).ok_or_else(|| misfit("scalar"))
}

/// `out[..] = values`, in row-major order, rounded.
pub(super) fn store<H: Stored>(values: &[H::Wide], mut out: ViewMut<'_>) -> Result<()> {
    if out.numel() != values.len() {
        return Err(misfit("store"));
    }
    let layout = out.layout();
    let data = out.host_mut::<H>()?;
    let mut done = 0;
    Nest::new([layout]).for_each_run(|[to], length, [stride]| {
        for (i, &v) in values[done..done + length].iter().enumerate() {
            data[(to + i as isize * stride) as usize] = H::of_wide(v);
        }
        done += length;
    });
    Ok(())
}

/// Error: `Internal` for a call that breaks the contract.
#[cold]
fn misfit(op: &'static str) -> TensorError {
    TensorError::new(ErrorKind::Internal, op, "operands of a loss do not fit together")
}

/// n times a value. Error: `Memory`.
pub(super) fn filled<T: Copy>(op: &'static str, n: usize, value: T) -> Result<Vec<T>> {
    let mut all = Vec::new();
    all.try_reserve_exact(n)
        .map_err(|_| TensorError::new(ErrorKind::Memory, op, "no memory for the losses").with("losses", n))?;
    all.resize(n, value);
    Ok(all)
}

/// Elements of a tile of halves: the f32 copies stay in the first cache.
const TILE: usize = 512;

macro_rules! wides {
    ($($name:ident($($x:ident),+);)*) => { $(
        /// `out = body(operands)` in the type that they are computed in.
        pub(super) fn $name<H: Stored>(
            $($x: &[H],)+
            out: &mut [H],
            body: impl Fn($(take_type!($x &[H::Wide]),)+ &mut [H::Wide]),
        ) {
            if let ($(Some($x),)+ Some(out)) = ($(H::as_wide($x),)+ H::as_wide_mut(out)) {
                return body($($x,)+ out);
            }
            $(let mut $x = ($x.chunks(TILE), [H::Wide::default(); TILE]);)+
            let mut result = [H::Wide::default(); TILE];
            for out in out.chunks_mut(TILE) {
                let n = out.len();
                $(take($x.0.next().unwrap_or_default(), 0, 1, &mut $x.1[..n]);)+
                body($(&$x.1[..n],)+ &mut result[..n]);
                H::all_of_wide(&result, out);
            }
        }
    )* };
}
macro_rules! take_type {
    ($x:ident $T:ty) => {
        $T
    };
}
wides! {
    wide2(a, b);
    wide3(a, b, c);
}

//! From tensors to a backend: which backend, fresh outputs, locks, in-place rules.
//!
//! Everything a user can get wrong has been found before a function of this file calls a kernel, or is
//! found here (memory that overlaps, operands on two devices). Shapes and dtypes are the ops' business.

use std::sync::Arc;

use rusttorch_backend::ops::Optimizer;
use rusttorch_backend::{
    Allocation, Backend, DType, Element, ErrorKind, HostBuffer, Layout, ParamStep, Result, Scalar,
    TensorError, View, ViewMut, match_dtype,
};

use crate::backends;
use crate::storage::{Count, LockedMany, Operands, SharedStorage, Storage, Writing, not_locked};
use crate::tensor::{Memory, Tensor};

/// The backend that computes on these tensors: the owner of device memory if there is some, else the
/// one in force. Error: `Backend` for memory of two devices.
#[inline]
pub(crate) fn backend_of<const N: usize>(tensors: [&Tensor; N]) -> Result<Arc<dyn Backend>> {
    match owner_of(&tensors)? {
        Some(owner) => Ok(owner),
        None => backends::current(),
    }
}

/// The owner of the device memory of these tensors; none where all of it is the host's. Error: as [`backend_of`].
#[inline]
fn owner_of(tensors: &[&Tensor]) -> Result<Option<Arc<dyn Backend>>> {
    match tensors.iter().all(|t| t.storage().device().is_none()) {
        true => Ok(None),
        false => device_of(tensors).map(Some),
    }
}

#[cold]
fn device_of(tensors: &[&Tensor]) -> Result<Arc<dyn Backend>> {
    let mut found: Option<&Arc<dyn Backend>> = None;
    for t in tensors {
        match (found, t.storage().device()) {
            (Some(a), Some(b)) if a.name() != b.name() => return Err(two_devices(a.name(), b.name())),
            (_, Some(b)) => found = Some(b),
            (_, None) => {}
        }
    }
    let Some(device) = found else { return backends::current() };
    match tensors.iter().any(|t| t.storage().device().is_none()) {
        true => Err(two_devices("cpu", device.name())),
        false => Ok(device.clone()),
    }
}

fn two_devices(a: &'static str, b: &'static str) -> TensorError {
    TensorError::new(ErrorKind::Backend, "dispatch", "operands lie on two devices")
        .with("first", a)
        .with("second", b)
}

/// A contiguous tensor of this shape whose elements `write` sets, with nothing recorded.
#[inline]
pub(crate) fn fresh(
    op: &'static str,
    backend: &Arc<dyn Backend>,
    shape: &[usize],
    dtype: DType,
    write: impl FnOnce(ViewMut<'_>) -> Result<()>,
) -> Result<Tensor> {
    fill_new(op, backend, &Layout::contiguous(op, shape)?, None, dtype, write)
}

/// A tensor of this layout in memory of its own, which `write` sees as `seen` if that is another one.
///
/// The memory stays in the result that it came in until the kernel is done: what was written a few instructions ago is slow
/// to be moved, as it is read in larger pieces than it was written in, which takes a CPU as long as much of a small op.
#[inline(always)]
fn fill_new(
    op: &'static str,
    backend: &Arc<dyn Backend>,
    layout: &Layout,
    seen: Option<&Layout>,
    dtype: DType,
    write: impl FnOnce(ViewMut<'_>) -> Result<()>,
) -> Result<Tensor> {
    let mut memory = allocate(op, &**backend, layout, dtype);
    let (mut bytes, mut device) = (0, None);
    if let Ok(buffer) = &mut memory {
        (bytes, device) = (buffer.bytes(), Storage::owner(buffer, backend));
        write(ViewMut::of(buffer, seen.unwrap_or(layout), dtype)?)?;
    }
    let storage = SharedStorage::new(Storage::owned(memory?, bytes, device));
    let layout = layout.clone();
    Ok(Tensor::from_parts(Memory::Own(storage), layout, dtype))
}

#[inline]
fn allocate(op: &'static str, backend: &dyn Backend, layout: &Layout, dtype: DType) -> Result<Allocation> {
    let bytes =
        layout.numel().checked_mul(dtype.size()).filter(|&b| b <= isize::MAX as usize).ok_or_else(|| {
            TensorError::new(ErrorKind::Memory, op, "size in bytes overflows")
                .with("shape", layout.shape())
                .with("dtype", dtype)
        })?;
    backend.alloc(bytes)
}

/// What `body` makes of the views of `inputs` and of the backend that computes on them.
#[inline]
fn on_views<const N: usize>(
    inputs: [&Tensor; N],
    body: impl FnOnce(&Arc<dyn Backend>, [View<'_>; N]) -> Result<Tensor>,
) -> Result<Tensor>
where
    Count<N>: Operands<N>,
{
    let owner = if Count::<N>::in_host_memory(inputs) { None } else { Some(device_of(&inputs)?) };
    backends::on(owner, |backend| Count::<N>::read(inputs, |views| body(backend, views)))
}

/// A fresh tensor computed from `inputs`, with nothing recorded.
#[inline]
pub(crate) fn compute<const N: usize>(
    op: &'static str,
    inputs: [&Tensor; N],
    shape: &[usize],
    dtype: DType,
    kernel: impl FnOnce(&dyn Backend, [View<'_>; N], ViewMut<'_>) -> Result<()>,
) -> Result<Tensor>
where
    Count<N>: Operands<N>,
{
    on_views(inputs, |backend, views| fresh(op, backend, shape, dtype, |out| kernel(&**backend, views, out)))
}

/// [`compute`] where the result has the shape of the first input.
#[inline]
pub(crate) fn compute_like<const N: usize>(
    op: &'static str,
    inputs: [&Tensor; N],
    dtype: DType,
    kernel: impl FnOnce(&dyn Backend, [View<'_>; N], ViewMut<'_>) -> Result<()>,
) -> Result<Tensor>
where
    Count<N>: Operands<N>,
{
    on_views(inputs, |backend, views| {
        let (like, own) = (inputs[0].layout(), &mut None);
        fill_new(op, backend, packed(like, own), None, dtype, |out| kernel(&**backend, views, out))
    })
}

/// The packed layout of the same shape: the same one if it is that, else one that is kept in `own`.
#[inline]
fn packed<'a>(like: &'a Layout, own: &'a mut Option<Layout>) -> &'a Layout {
    if like.is_packed() { like } else { own.insert(like.packed()) }
}

/// [`compute`] for kernels that see the output in the shape `seen`, of as many elements: reductions keep the dims that the
/// result has not.
#[inline]
pub(crate) fn compute_seen(
    op: &'static str,
    x: &Tensor,
    seen: &[usize],
    shape: &[usize],
    dtype: DType,
    kernel: impl FnOnce(&dyn Backend, View<'_>, ViewMut<'_>) -> Result<()>,
) -> Result<Tensor> {
    let seen = Layout::contiguous(op, seen)?;
    on_views([x], |backend, [x]| {
        let layout = Layout::contiguous(op, shape)?;
        fill_new(op, backend, &layout, Some(&seen), dtype, |out| kernel(&**backend, x, out))
    })
}

/// [`compute`] from a tensor and a number, which the kernel sees as an operand of the tensor's shape and dtype. In host
/// memory no tensor is made of the number: that would take longer than a small op.
#[inline]
pub(crate) fn compute_with_number(
    op: &'static str,
    x: &Tensor,
    number: Scalar,
    dtype: DType,
    kernel: impl FnOnce(&dyn Backend, [View<'_>; 2], ViewMut<'_>) -> Result<()>,
) -> Result<Tensor> {
    if x.storage().device().is_some() {
        let number = Tensor::repeated(number, x.dtype(), x.shape())?;
        return compute_like(op, [x, &number], dtype, kernel);
    }
    lend(number, x, |number| {
        on_views([x], |backend, [x]| {
            let own = &mut None;
            fill_new(op, backend, packed(x.layout(), own), None, dtype, |out| {
                kernel(&**backend, [x, number], out)
            })
        })
    })
}

/// [`compute`] for kernels that give i64 indices of the same shape beside the values.
pub(crate) fn compute_indexed(
    op: &'static str,
    x: &Tensor,
    shape: &[usize],
    kernel: impl FnOnce(&dyn Backend, View<'_>, ViewMut<'_>, ViewMut<'_>) -> Result<()>,
) -> Result<(Tensor, Tensor)> {
    let mut values = None;
    let indices = on_views([x], |backend, [x]| {
        fresh(op, backend, shape, DType::I64, |indices| {
            let write = |out: ViewMut<'_>| kernel(&**backend, x, out, indices);
            values = Some(fresh(op, backend, shape, x.dtype(), write)?);
            Ok(())
        })
    })?;
    values
        .map(|values| (values, indices))
        .ok_or_else(|| TensorError::new(ErrorKind::Internal, op, "no values"))
}

/// Error: `Alias` when two elements of the target share memory.
pub(crate) fn writable(op: &'static str, target: &Tensor) -> Result<()> {
    if target.layout().may_overlap_itself() {
        return Err(TensorError::new(
            ErrorKind::Alias,
            op,
            "elements of the written tensor share memory; copy() it first",
        )
        .with("shape", target.shape())
        .with("strides", target.strides()));
    }
    Ok(())
}

/// Counts an in-place op that finds nothing to write. Error: `Alias` as for one that does.
pub(crate) fn write_nothing(op: &'static str, target: &Tensor) -> Result<()> {
    writable(op, target)?;
    target.storage().bump_version();
    Ok(())
}

/// Writes `target` in place from `inputs`, raises its version, records nothing. Inputs that share
/// the target's memory are copied first. Error: `Alias` when two elements of the target share memory.
pub(crate) fn write_in_place<const N: usize>(
    op: &'static str,
    target: &Tensor,
    inputs: [&Tensor; N],
    kernel: impl FnOnce(&dyn Backend, ViewMut<'_>, [View<'_>; N]) -> Result<()>,
) -> Result<()> {
    writable(op, target)?;
    let mut copies: [Option<Tensor>; N] = [const { None }; N];
    for (copy, input) in copies.iter_mut().zip(inputs) {
        if input.shares_storage(target) {
            *copy = Some(duplicate(input)?);
        }
    }
    let inputs: [&Tensor; N] = std::array::from_fn(|i| copies[i].as_ref().unwrap_or(inputs[i]));
    let mut owner = owner_of(&[target])?;
    for input in inputs {
        owner = owner_of(&[target, input])?.or(owner);
    }
    backends::on(owner, |backend| {
        let mut writing = Writing::lock(target, inputs)?;
        let (buffer, views) = writing.split()?;
        kernel(&**backend, ViewMut::of(buffer, target.layout(), target.dtype())?, views)
    })?;
    target.storage().bump_version();
    Ok(())
}

/// [`write_in_place`] from a number, which the kernel sees as an operand of the target's shape and dtype.
pub(crate) fn write_number_in_place(
    op: &'static str,
    target: &Tensor,
    number: Scalar,
    kernel: impl FnOnce(&dyn Backend, ViewMut<'_>, View<'_>) -> Result<()>,
) -> Result<()> {
    if target.storage().device().is_some() {
        let number = Tensor::repeated(number, target.dtype(), target.shape())?;
        return write_in_place(op, target, [&number], |b, io, [number]| kernel(b, io, number));
    }
    lend(number, target, |number| write_in_place(op, target, [], |b, io, []| kernel(b, io, number)))
}

/// Runs `body` with a view of a number of the dtype of `like` that stands for every element of its shape. The bytes lie
/// on the stack.
#[inline]
fn lend<R>(number: Scalar, like: &Tensor, body: impl FnOnce(View<'_>) -> Result<R>) -> Result<R> {
    let (layout, dtype) = (like.layout().of_one(), like.dtype());
    let mut word = [0u64];
    match_dtype!(dtype, T => bytemuck::cast_slice_mut::<u64, T>(&mut word)[0] = T::from_scalar(number));
    HostBuffer::lend(bytemuck::cast_slice(&word), |buffer| body(View::of_host(buffer, &layout, dtype)?))
}

/// A contiguous copy of the elements, with nothing recorded.
pub(crate) fn duplicate(x: &Tensor) -> Result<Tensor> {
    convert("clone", x, x.dtype())
}

/// A contiguous copy of the elements cast to `dtype`, with nothing recorded.
pub(crate) fn convert(op: &'static str, x: &Tensor, dtype: DType) -> Result<Tensor> {
    compute_like(op, [x], dtype, |b, [x], out| b.copy(x, out))
}

/// One parameter of an optimizer step.
#[derive(Clone, Copy)]
pub(crate) struct Step<'a> {
    pub(crate) parameter: &'a Tensor,
    pub(crate) gradient: &'a Tensor,
    pub(crate) state: &'a [Tensor],
    pub(crate) number: u64,
}

/// Updates parameters and their state in place, all in one call where no two share memory.
pub(crate) fn optimizer_step(rule: Optimizer, steps: &[Step<'_>]) -> Result<()> {
    let op = rule.name();
    let Some(first) = steps.first() else { return Ok(()) };
    let host = |t: &Tensor| t.storage().device().is_none();
    for s in steps {
        if s.parameter.layout().may_overlap_itself() {
            return Err(TensorError::new(ErrorKind::Alias, op, "elements of a parameter share memory")
                .with("shape", s.parameter.shape())
                .with("strides", s.parameter.strides()));
        }
        if !host(first.parameter) || !host(s.parameter) || !host(s.gradient) {
            device_of(&[first.parameter, s.parameter, s.gradient])?;
        }
    }
    let written: Vec<&Tensor> =
        steps.iter().flat_map(|s| std::iter::once(s.parameter).chain(s.state)).collect();
    let read: Vec<&Tensor> = steps.iter().map(|s| s.gradient).collect();
    let Some(mut locked) = LockedMany::new(&written, &read) else {
        return match steps {
            // A gradient in its own parameter's memory can only be the parameter itself; the update reads a copy.
            [s] if s.gradient.shares_storage(s.parameter) => {
                optimizer_step(rule, &[Step { gradient: &duplicate(s.gradient)?, ..*s }])
            }
            [_] => Err(not_locked()),
            // Tied memory: one after another, as a loop over the parameters would.
            _ => steps.iter().try_for_each(|s| optimizer_step(rule, std::slice::from_ref(s))),
        };
    };
    let backend = backend_of([first.parameter])?;
    let (mut buffers, views) = locked.split(&read)?;
    let mut params = Vec::with_capacity(steps.len());
    for (s, grad) in steps.iter().zip(views) {
        let mut next = || buffers.next().ok_or_else(not_locked);
        let param = ViewMut::of(next()?, s.parameter.layout(), s.parameter.dtype())?;
        let state = s.state.iter().map(|t| ViewMut::of(next()?, t.layout(), t.dtype()));
        params.push(ParamStep { param, grad, state: state.collect::<Result<_>>()?, step: s.number });
    }
    backend.optimizer_step(rule, &mut params)?;
    for s in steps {
        s.parameter.storage().bump_version();
    }
    Ok(())
}

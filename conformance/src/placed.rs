//! Operands in a backend's memory, and running one form of a call on them.

use rusttorch_backend::{Allocation, Backend, DType, ErrorKind, Layout, Result, TensorError, View, ViewMut};

use crate::call::{Assign, Call, Operand};
use crate::dense::Dense;
use crate::layouts::{Class, Placement, place, positions};

/// An operand in a backend's memory.
pub(crate) struct Placed {
    pub(crate) buffer: Allocation,
    pub(crate) layout: Layout,
    dtype: DType,
    /// The bytes that were uploaded.
    bytes: Vec<u8>,
}

/// What the bytes outside of a view hold: nothing that a forgotten stride could take for zeros.
fn canary(i: usize) -> u8 {
    (i as u8).wrapping_mul(31) ^ 0xa5
}

impl Placed {
    pub(crate) fn new(
        be: &dyn Backend,
        dtype: DType,
        placement: Placement,
        values: Option<&Dense>,
    ) -> Result<Placed> {
        let size = dtype.size();
        let mut bytes: Vec<u8> = (0..placement.elements * size).map(canary).collect();
        if let Some(dense) = values {
            for (i, at) in positions(&placement.layout).into_iter().enumerate() {
                bytes[at * size..][..size].copy_from_slice(dense.element(i));
            }
        }
        let mut buffer = be.alloc(bytes.len())?;
        be.upload(&bytes, &mut *buffer, 0)?;
        Ok(Placed { buffer, layout: placement.layout, dtype, bytes })
    }

    /// An operand: laid out in its own shape and broadcast from there.
    pub(crate) fn operand(be: &dyn Backend, operand: &Operand, class: Class) -> Result<Placed> {
        let placement = place(operand.dense.shape(), class).ok_or_else(refused)?;
        let mut placed = Placed::new(be, operand.dense.dtype(), placement, Some(&operand.dense))?;
        if operand.dense.shape() != operand.shape {
            placed.layout = placed.layout.broadcast_to(&operand.shape)?;
        }
        Ok(placed)
    }

    pub(crate) fn view(&self) -> Result<View<'_>> {
        View::new(&*self.buffer, &self.layout, self.dtype)
    }

    pub(crate) fn out(&mut self) -> Result<ViewMut<'_>> {
        ViewMut::new(&mut *self.buffer, &self.layout, self.dtype)
    }

    pub(crate) fn download(&self, be: &dyn Backend) -> Result<Vec<u8>> {
        let mut bytes = vec![0; self.bytes.len()];
        be.download(&*self.buffer, 0, &mut bytes)?;
        Ok(bytes)
    }

    /// The elements, and the first byte outside of the view that changed.
    pub(crate) fn gather(&self, be: &dyn Backend) -> Result<(Dense, Option<usize>)> {
        let after = self.download(be)?;
        let size = self.dtype.size();
        let at = positions(&self.layout);
        let mut inside = vec![false; after.len()];
        let mut elements = Vec::with_capacity(at.len() * size);
        for &p in &at {
            elements.extend_from_slice(&after[p * size..][..size]);
            inside[p * size..][..size].fill(true);
        }
        let changed = (0..after.len()).find(|&i| !inside[i] && after[i] != self.bytes[i]);
        let dense = Dense::new(self.dtype, self.layout.shape(), &elements).ok_or_else(refused)?;
        Ok((dense, changed))
    }
}

pub(crate) fn refused() -> TensorError {
    TensorError::new(ErrorKind::Internal, "conformance", "a case could not be laid out")
}

/// How a single form of a call ended.
pub(crate) enum Ended {
    Values(Vec<Dense>),
    Error(TensorError),
    /// The backend touched what it must not.
    Trespass(String),
}

/// The classes of one form.
pub(crate) type Classes<'a> = (&'a [Class], Class);

/// Runs one form.
pub(crate) fn run_form(be: &dyn Backend, call: &Call<'_>, (inputs, output): Classes<'_>) -> Result<Ended> {
    let mut operands = Vec::new();
    for (i, operand) in call.operands.iter().enumerate() {
        operands.push(Placed::operand(be, operand, inputs[i % inputs.len()])?);
    }
    run_placed(be, call, &operands, output)
}

pub(crate) fn run_placed(
    be: &dyn Backend,
    call: &Call<'_>,
    operands: &[Placed],
    output: Class,
) -> Result<Ended> {
    let mut outs = Vec::new();
    for out in &call.outputs {
        let placement = place(out.expected.shape(), output).ok_or_else(refused)?;
        outs.push(Placed::new(be, out.expected.dtype(), placement, out.initial.as_ref())?);
    }
    let views = operands.iter().map(Placed::view).collect::<Result<Vec<_>>>()?;
    let targets = outs.iter_mut().map(Placed::out).collect::<Result<Vec<_>>>()?;
    let ended = (call.body)(be, &views, targets).and_then(|()| be.synchronize());
    finish(be, ended, operands, &outs)
}

pub(crate) fn finish(
    be: &dyn Backend,
    ended: Result<()>,
    operands: &[Placed],
    outs: &[Placed],
) -> Result<Ended> {
    for (i, operand) in operands.iter().enumerate() {
        if operand.download(be)? != operand.bytes {
            return Ok(Ended::Trespass(format!("input {i} was written to")));
        }
    }
    let mut values = Vec::new();
    for (i, out) in outs.iter().enumerate() {
        let (dense, changed) = out.gather(be)?;
        if let Some(byte) = changed {
            return Ok(Ended::Trespass(format!("byte {byte} outside of output {i} was written to")));
        }
        values.push(dense);
    }
    Ok(match ended {
        Ok(()) => Ended::Values(values),
        Err(e) => Ended::Error(e),
    })
}

/// The in-place form: the first operand, written out, is the output.
pub(crate) fn run_assign(
    be: &dyn Backend,
    call: &Call<'_>,
    assign: &Assign<'_>,
    (io, others): (Class, Class),
) -> Result<Ended> {
    let Some((first, rest)) = call.operands.split_first() else { return Err(refused()) };
    let start = first.dense.broadcast_to(&first.shape);
    let placement = place(start.shape(), io).ok_or_else(refused)?;
    let mut target = Placed::new(be, start.dtype(), placement, Some(&start))?;
    let rest = rest.iter().map(|o| Placed::operand(be, o, others)).collect::<Result<Vec<_>>>()?;
    let views = rest.iter().map(Placed::view).collect::<Result<Vec<_>>>()?;
    let ended = assign(be, target.out()?, &views).and_then(|()| be.synchronize());
    finish(be, ended, &rest, std::slice::from_ref(&target))
}

//! Matrices of any strides, and their way to what BLAS takes: as they lie, or copied.

use bytemuck::{cast_slice, cast_slice_mut};
use rusttorch_backend::{ErrorKind, HostBuffer, Result, TensorError};

use crate::ffi::Real;
use crate::matrix::{Matrix, MatrixMut, Vector, VectorMut};

/// Sizes and steps of a matrix, and where its first element lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plane {
    pub(crate) at: usize,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) row: isize,
    pub(crate) column: isize,
}

impl Plane {
    pub(crate) fn transposed(self) -> Plane {
        Plane { rows: self.columns, columns: self.rows, row: self.column, column: self.row, ..self }
    }

    /// `[rows, columns]` of it from row `i` and column `j` on.
    pub(crate) fn part(self, i: usize, rows: usize, j: usize, columns: usize) -> Plane {
        Plane { at: self.position(i, j), rows, columns, ..self }
    }

    pub(crate) fn position(self, i: usize, j: usize) -> usize {
        self.at.wrapping_add_signed(self.row * i as isize + self.column * j as isize)
    }

    /// The leading dimension, if it lies row by row, each with its elements side by side, and the rows in order without
    /// overlap. The step along an axis of one element has no say.
    pub(crate) fn leading(self, limit: usize) -> Option<usize> {
        let dense = self.columns == 1 || self.column == 1;
        let leading = if self.rows == 1 { self.columns } else { usize::try_from(self.row).ok()? };
        (dense && leading >= self.columns.max(1) && leading <= limit).then_some(leading)
    }

    /// The step of its only column, if its elements lie in order without overlap.
    fn step(self, limit: usize) -> Option<usize> {
        let step = if self.rows == 1 { 1 } else { usize::try_from(self.row).ok()? };
        (step > 0 && step <= limit).then_some(step)
    }
}

pub(crate) fn outside() -> TensorError {
    TensorError::new(ErrorKind::Internal, "matmul", "an operand lies outside of its memory")
}

/// Memory for copies, kept from one product to the next.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    memory: Option<HostBuffer>,
    /// Of what it holds a copy.
    holds: Option<Plane>,
}

impl Copies {
    /// Room for `n` elements. Error: `Memory`.
    pub(crate) fn room<T: Real>(&mut self, n: usize) -> Result<&mut [T]> {
        self.holds = None;
        let bytes = n.saturating_mul(size_of::<T>());
        let memory = match self.memory.take().filter(|m| m.len() >= bytes) {
            Some(memory) => memory,
            None => HostBuffer::alloc(bytes)?,
        };
        // Of the pool, so it is aligned and may be written. A block may be longer than what is asked for.
        let memory = self.memory.insert(memory).as_bytes_mut()?;
        cast_slice_mut::<u8, T>(&mut memory[..bytes]).get_mut(..n).ok_or_else(outside)
    }

    /// A copy of a matrix, in the order in which it lies: the elements, and whether they are its transpose's. A second
    /// product with the same operand finds it copied.
    fn of<T: Real>(&mut self, data: &[T], plane: Plane) -> Result<(&[T], bool)> {
        let transposed = plane.row.unsigned_abs() < plane.column.unsigned_abs();
        let n = plane.rows.saturating_mul(plane.columns);
        if self.holds != Some(plane) {
            let source = if transposed { plane.transposed() } else { plane };
            let room = self.room::<T>(n)?;
            for (i, line) in room.chunks_exact_mut(source.columns).enumerate() {
                for (j, x) in line.iter_mut().enumerate() {
                    *x = *data.get(source.position(i, j)).ok_or_else(outside)?;
                }
            }
            self.holds = Some(plane);
        }
        let bytes = self.memory.as_ref().map_or(&[][..], HostBuffer::as_bytes);
        Ok((cast_slice(&bytes[..n * size_of::<T>()]), transposed))
    }
}

/// A matrix to be read, as it lies where BLAS can take it so, else a copy.
pub(crate) fn matrix<'a, T: Real>(
    data: &'a [T],
    plane: Plane,
    limit: usize,
    copies: &'a mut Copies,
) -> Result<Matrix<'a, T>> {
    let Plane { at, rows, columns, .. } = plane;
    let rest = data.get(at..).ok_or_else(outside)?;
    if let Some(leading) = plane.leading(limit) {
        return Matrix::new(rest, rows, columns, leading, false).ok_or_else(outside);
    }
    if let Some(leading) = plane.transposed().leading(limit) {
        return Matrix::new(rest, rows, columns, leading, true).ok_or_else(outside);
    }
    let (copy, transposed) = copies.of(data, plane)?;
    Matrix::new(copy, rows, columns, if transposed { rows } else { columns }, transposed).ok_or_else(outside)
}

/// The only column of a matrix, as it lies where BLAS can take it so, else a copy.
pub(crate) fn column<'a, T: Real>(
    data: &'a [T],
    plane: Plane,
    limit: usize,
    copies: &'a mut Copies,
) -> Result<Vector<'a, T>> {
    if let Some(step) = plane.step(limit) {
        return Vector::new(data.get(plane.at..).ok_or_else(outside)?, plane.rows, step).ok_or_else(outside);
    }
    let (copy, _) = copies.of(data, plane)?;
    Vector::new(copy, plane.rows, 1).ok_or_else(outside)
}

/// A matrix to be written row by row, if it lies so.
pub(crate) fn target<T>(data: &mut [T], plane: Plane, limit: usize) -> Option<MatrixMut<'_, T>> {
    let leading = plane.leading(limit)?;
    MatrixMut::new(data.get_mut(plane.at..)?, plane.rows, plane.columns, leading)
}

/// A column to be written, if it lies in order.
pub(crate) fn target_column<T>(data: &mut [T], plane: Plane, limit: usize) -> Option<VectorMut<'_, T>> {
    let step = plane.step(limit)?;
    VectorMut::new(data.get_mut(plane.at..)?, plane.rows, step)
}

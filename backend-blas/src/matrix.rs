//! Operands as BLAS takes them. Whoever holds one has the proof that BLAS stays inside of its slice: the constructors
//! check it, and nothing changes it afterwards.

use std::ffi::c_int;

/// No size or step is larger.
const MOST: usize = c_int::MAX as usize;

/// Where the last element of `rows` stored rows of `columns` lies, if that and the sizes are legal.
fn last(rows: usize, columns: usize, leading: usize) -> Option<usize> {
    if rows == 0 || columns == 0 || leading < columns || rows > MOST || leading > MOST {
        return None;
    }
    (rows - 1).checked_mul(leading)?.checked_add(columns - 1)
}

/// A matrix `[rows, columns]` to be read: row by row, each `leading` elements after the last one, or, transposed, column
/// by column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    data: &'a [T],
    rows: usize,
    columns: usize,
    leading: usize,
    transposed: bool,
}

impl<'a, T> Matrix<'a, T> {
    /// `None` where an element would lie outside of `data`, a size is 0 or too large, or rows overlap.
    pub(crate) fn new(
        data: &'a [T],
        rows: usize,
        columns: usize,
        leading: usize,
        transposed: bool,
    ) -> Option<Self> {
        let end = if transposed { last(columns, rows, leading) } else { last(rows, columns, leading) };
        (end? < data.len()).then_some(Matrix { data, rows, columns, leading, transposed })
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// The distance of stored rows.
    pub(crate) fn leading(&self) -> usize {
        self.leading
    }

    /// Whether it is stored column by column.
    pub(crate) fn transposed(&self) -> bool {
        self.transposed
    }

    pub(crate) fn as_ptr(&self) -> *const T {
        self.data.as_ptr()
    }

    #[cfg(test)]
    pub(crate) fn at(&self, i: usize, j: usize) -> &T {
        &self.data[if self.transposed { j * self.leading + i } else { i * self.leading + j }]
    }
}

/// A matrix `[rows, columns]` to be written, row by row.
#[derive(Debug)]
pub(crate) struct MatrixMut<'a, T> {
    data: &'a mut [T],
    rows: usize,
    columns: usize,
    leading: usize,
}

impl<'a, T> MatrixMut<'a, T> {
    /// `None` as for [`Matrix::new`].
    pub(crate) fn new(data: &'a mut [T], rows: usize, columns: usize, leading: usize) -> Option<Self> {
        let end = last(rows, columns, leading)?;
        (end < data.len()).then_some(MatrixMut { data, rows, columns, leading })
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// The distance of rows.
    pub(crate) fn leading(&self) -> usize {
        self.leading
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut T {
        self.data.as_mut_ptr()
    }

    #[cfg(test)]
    pub(crate) fn at_mut(&mut self, i: usize, j: usize) -> &mut T {
        &mut self.data[i * self.leading + j]
    }
}

fn last_of(len: usize, step: usize) -> Option<usize> {
    if len == 0 || step == 0 || len > MOST || step > MOST {
        return None;
    }
    (len - 1).checked_mul(step)
}

/// `len` elements to be read, each `step` after the last one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vector<'a, T> {
    data: &'a [T],
    len: usize,
    step: usize,
}

impl<'a, T> Vector<'a, T> {
    /// `None` where an element would lie outside of `data`, or a size is 0 or too large.
    pub(crate) fn new(data: &'a [T], len: usize, step: usize) -> Option<Self> {
        (last_of(len, step)? < data.len()).then_some(Vector { data, len, step })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn step(&self) -> usize {
        self.step
    }

    pub(crate) fn as_ptr(&self) -> *const T {
        self.data.as_ptr()
    }

    #[cfg(test)]
    pub(crate) fn at(&self, i: usize) -> &T {
        &self.data[i * self.step]
    }
}

/// `len` elements to be written, each `step` after the last one.
#[derive(Debug)]
pub(crate) struct VectorMut<'a, T> {
    data: &'a mut [T],
    len: usize,
    step: usize,
}

impl<'a, T> VectorMut<'a, T> {
    /// `None` as for [`Vector::new`].
    pub(crate) fn new(data: &'a mut [T], len: usize, step: usize) -> Option<Self> {
        (last_of(len, step)? < data.len()).then_some(VectorMut { data, len, step })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn step(&self) -> usize {
        self.step
    }

    /// Sets every element.
    pub(crate) fn fill(&mut self, value: T)
    where
        T: Copy,
    {
        self.data.iter_mut().step_by(self.step).take(self.len).for_each(|y| *y = value);
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut T {
        self.data.as_mut_ptr()
    }

    #[cfg(test)]
    pub(crate) fn at_mut(&mut self, i: usize) -> &mut T {
        &mut self.data[i * self.step]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_past_its_slice() {
        let data = [0.0f32; 12];
        assert!(Matrix::new(&data, 3, 4, 4, false).is_some());
        assert!(Matrix::new(&data, 3, 4, 5, false).is_none());
        assert!(Matrix::new(&data, 2, 4, 8, false).is_some());
        assert!(Matrix::new(&data, 4, 3, 4, true).is_some());
        assert!(Matrix::new(&data, 4, 3, 5, true).is_none());
        assert!(Vector::new(&data, 4, 3).is_some());
        assert!(Vector::new(&data, 5, 3).is_none());
        let mut data = data;
        assert!(MatrixMut::new(&mut data, 3, 4, 4).is_some());
        assert!(MatrixMut::new(&mut data, 4, 4, 4).is_none());
        assert!(VectorMut::new(&mut data, 12, 1).is_some());
        assert!(VectorMut::new(&mut data, 13, 1).is_none());
    }

    #[test]
    fn overlaps_and_sizes_beyond_c_int_are_refused() {
        let data = [0.0f32; 12];
        assert!(Matrix::new(&data, 3, 4, 3, false).is_none(), "rows overlap");
        assert!(Matrix::new(&data, 0, 4, 4, false).is_none());
        assert!(Matrix::new(&data, 1, 4, MOST, false).is_some());
        assert!(Matrix::new(&data, 1, 4, MOST + 1, false).is_none());
        assert!(Matrix::new(&data, usize::MAX, 4, usize::MAX, false).is_none());
        assert!(Vector::new(&data, 2, 0).is_none());
        assert!(Vector::new(&data, 1, MOST + 1).is_none());
    }
}

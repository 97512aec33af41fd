//! Matrices cut into panels of columns, each to be written by a thread of its own.
//!
//! Rows that are scattered to may be written by any index, so that two threads cannot share them out. Columns they
//! can.

use std::marker::PhantomData;

/// Some columns of a matrix, held exclusively.
#[derive(Debug)]
pub(crate) struct Panel<'a, T> {
    /// The first element. Row `r < rows` is the `columns` elements from `r * stride` on; they lie in a slice that
    /// is borrowed for `'a`, and no other panel has any of them.
    first: *mut T,
    rows: usize,
    stride: usize,
    columns: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: a panel is an exclusive borrow of its elements, as `&mut [T]` is.
unsafe impl<T: Send> Send for Panel<'_, T> {}

impl<'a, T> Panel<'a, T> {
    /// A whole matrix of `columns` columns, row after row.
    pub(crate) fn whole(matrix: &'a mut [T], columns: usize) -> Panel<'a, T> {
        let rows = matrix.len().checked_div(columns).unwrap_or(0);
        Panel { first: matrix.as_mut_ptr(), rows, stride: columns, columns, borrow: PhantomData }
    }

    /// How many columns it has.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// All elements, where the matrix has but one column.
    pub(crate) fn line(&mut self) -> Option<&mut [T]> {
        // SAFETY: rows are one element each and lie side by side, so that these are the elements of the slice that
        // all are this panel's; `self` is borrowed as long as the result.
        (self.stride == 1).then(|| unsafe { std::slice::from_raw_parts_mut(self.first, self.rows) })
    }

    /// A row, which must be one of the matrix.
    #[inline(always)]
    pub(crate) fn row(&mut self, row: usize) -> &mut [T] {
        assert!(row < self.rows, "a row of the panel");
        // SAFETY: the row exists, so that its first element lies in the slice.
        let first = unsafe { self.first.add(row * self.stride) };
        // SAFETY: the elements of the row are this panel's alone, and `self` is borrowed as long as the result.
        unsafe { std::slice::from_raw_parts_mut(first, self.columns) }
    }
}

/// The matrices of `rows` times `columns` elements that `data` holds one after another, each cut into panels of
/// `width` columns, the last one narrower; in order.
pub(crate) fn panels<T>(data: &mut [T], rows: usize, columns: usize, width: usize) -> Vec<Panel<'_, T>> {
    let mut panels = Vec::new();
    if rows == 0 || columns == 0 {
        return panels;
    }
    for matrix in data.chunks_exact_mut(rows * columns) {
        let first = matrix.as_mut_ptr();
        for column in (0..columns).step_by(width.max(1)) {
            // SAFETY: `column` is below the length of the first row.
            let first = unsafe { first.add(column) };
            let columns_here = width.max(1).min(columns - column);
            panels.push(Panel { first, rows, stride: columns, columns: columns_here, borrow: PhantomData });
        }
    }
    panels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::threads::parallel_each;

    #[test]
    fn panels_share_out_every_element() {
        for (outer, rows, columns, width) in
            [(1, 3, 10, 4), (2, 2, 3, 1), (3, 1, 7, 100), (2, 5, 1, 1), (0, 1, 1, 1), (1, 4, 6, 0)]
        {
            let mut data = vec![0usize; outer * rows * columns];
            let mut parts = panels(&mut data, rows, columns, width);
            parallel_each(&mut parts, |i, panel| {
                for row in 0..rows {
                    for (at, slot) in panel.row(row).iter_mut().enumerate() {
                        *slot += 1 + (i * rows + row) * 1000 + at;
                    }
                }
            });
            let width = width.max(1);
            let per_matrix = columns.div_ceil(width);
            for (n, &got) in data.iter().enumerate() {
                let (matrix, row, column) = (n / (rows * columns), n / columns % rows, n % columns);
                let panel = matrix * per_matrix + column / width;
                assert_eq!(got, 1 + (panel * rows + row) * 1000 + column % width);
            }
        }
        assert!(panels(&mut [0u8; 0], 0, 5, 2).is_empty());
        assert!(panels(&mut [0u8; 0], 5, 0, 2).is_empty());
    }

    #[test]
    fn a_whole_matrix_is_a_panel() {
        let mut data = [1, 2, 3, 4, 5, 6];
        let mut panel = Panel::whole(&mut data, 2);
        assert_eq!(panel.columns(), 2);
        panel.row(2)[1] = 7;
        assert_eq!(panel.row(2), [5, 7]);
        assert!(panel.line().is_none());
        assert_eq!(Panel::whole(&mut [1, 2, 3], 1).line(), Some(&mut [1, 2, 3][..]));
    }

    #[test]
    #[should_panic(expected = "a row of the panel")]
    fn no_row_past_the_end() {
        Panel::whole(&mut [1, 2, 3, 4], 2).row(2);
    }
}

//! What reaches BLAS, by a provider that notes it and computes by itself.

use parking_lot::Mutex;

use super::*;
use crate::matrix::{Matrix, Vector};

/// One call, with the addresses of its operands.
#[derive(Debug, Clone, PartialEq)]
struct Note {
    function: &'static str,
    /// `[m, k, n]`.
    sizes: [usize; 3],
    /// Of `a` and `b`: the address, the leading dimension or step, whether transposed.
    operands: [(usize, usize, bool); 2],
    /// Of the output: the address, the leading dimension or step.
    out: (usize, usize),
    add: bool,
}

#[derive(Debug)]
pub(crate) struct Mock {
    notes: Mutex<Vec<Note>>,
    limit: usize,
}

impl Mock {
    pub(crate) fn new() -> Mock {
        Mock { notes: Mutex::new(Vec::new()), limit: i32::MAX as usize }
    }

    pub(crate) fn functions(&self) -> Vec<&'static str> {
        self.notes.lock().iter().map(|note| note.function).collect()
    }

    pub(crate) fn sizes(&self) -> Vec<[usize; 3]> {
        self.notes.lock().iter().map(|note| note.sizes).collect()
    }
}

impl Provider for Mock {
    fn gemm<T: Real>(
        &self,
        a: Matrix<'_, T>,
        b: Matrix<'_, T>,
        mut c: MatrixMut<'_, T>,
        add: bool,
    ) -> Result<()> {
        assert_eq!((a.rows(), b.columns(), a.columns()), (c.rows(), c.columns(), b.rows()));
        self.notes.lock().push(Note {
            function: "gemm",
            sizes: [a.rows(), a.columns(), b.columns()],
            operands: [
                (a.as_ptr().addr(), a.leading(), a.transposed()),
                (b.as_ptr().addr(), b.leading(), b.transposed()),
            ],
            out: (c.as_mut_ptr().addr(), c.leading()),
            add,
        });
        for i in 0..c.rows() {
            for j in 0..c.columns() {
                let sum = (0..a.columns()).fold(T::ZERO, |sum, l| sum + *a.at(i, l) * *b.at(l, j));
                let place = c.at_mut(i, j);
                *place = if add { *place + sum } else { sum };
            }
        }
        Ok(())
    }

    fn gemv<T: Real>(
        &self,
        a: Matrix<'_, T>,
        x: Vector<'_, T>,
        mut y: VectorMut<'_, T>,
        add: bool,
    ) -> Result<()> {
        assert_eq!((a.rows(), a.columns()), (y.len(), x.len()));
        self.notes.lock().push(Note {
            function: "gemv",
            sizes: [a.rows(), a.columns(), 1],
            operands: [
                (a.as_ptr().addr(), a.leading(), a.transposed()),
                (x.as_ptr().addr(), x.step(), false),
            ],
            out: (y.as_mut_ptr().addr(), y.step()),
            add,
        });
        for i in 0..y.len() {
            let sum = (0..x.len()).fold(T::ZERO, |sum, l| sum + *a.at(i, l) * *x.at(l));
            // A careless BLAS multiplies by beta even where that is 0.
            let place = y.at_mut(i);
            *place = *place * (if add { T::ONE } else { T::ZERO }) + sum;
        }
        Ok(())
    }

    fn dot<T: Real>(&self, x: Vector<'_, T>, y: Vector<'_, T>) -> Result<T> {
        self.notes.lock().push(Note {
            function: "dot",
            sizes: [1, x.len(), 1],
            operands: [(x.as_ptr().addr(), x.step(), false), (y.as_ptr().addr(), y.step(), false)],
            out: (0, 0),
            add: false,
        });
        Ok((0..x.len()).fold(T::ZERO, |sum, i| sum + *x.at(i) * *y.at(i)))
    }

    fn limit(&self) -> usize {
        self.limit
    }

    fn shares(&self) -> bool {
        true
    }

    fn threads(&self) -> Option<usize> {
        None
    }

    fn set_threads(&self, _: usize) {}
}

/// Memory of small whole numbers that holds a plane.
fn memory(seed: usize, plane: Plane) -> Vec<f32> {
    let corners = [(0, 0), (plane.rows - 1, 0), (0, plane.columns - 1), (plane.rows - 1, plane.columns - 1)];
    let end = corners.map(|(i, j)| plane.position(i, j)).into_iter().max().unwrap();
    (0..=end + 3).map(|i| ((i * 7 + seed) % 11) as f32 - 5.0).collect()
}

fn plane(at: usize, rows: usize, columns: usize, row: isize, column: isize) -> Plane {
    Plane { at, rows, columns, row, column }
}

/// Row by row.
fn rows(rows: usize, columns: usize) -> Plane {
    plane(0, rows, columns, columns as isize, 1)
}

/// Computes a product, holds every element against the definition and what lies around the output against what was
/// there, and gives the one call that reached BLAS with the addresses of the operands.
fn play(a: Plane, b: Plane, out: Plane) -> (Note, [usize; 3]) {
    let mock = Mock::new();
    let addresses = check(&mock, a, b, out);
    let notes = mock.notes.into_inner();
    assert_eq!(notes.len(), 1);
    (notes[0].clone(), addresses)
}

fn check(mock: &Mock, a: Plane, b: Plane, out: Plane) -> [usize; 3] {
    let (x, y) = (memory(1, a), memory(2, b));
    let mut z = vec![f32::NAN; memory(0, out).len()];
    product(mock, &x, &y, &mut z, Planes { a, b, out }, &mut Scratch::default()).unwrap();
    let mut written = vec![false; z.len()];
    for i in 0..out.rows {
        for j in 0..out.columns {
            let term = |l: usize| x[a.position(i, l)] * y[b.position(l, j)];
            let at = out.position(i, j);
            assert_eq!(z[at], (0..a.columns).map(term).sum::<f32>(), "{i} {j} of {a:?} {b:?} {out:?}");
            written[at] = true;
        }
    }
    assert!(z.iter().zip(written).all(|(v, written)| written || v.is_nan()), "wrote beside {out:?}");
    [x.as_ptr().addr(), y.as_ptr().addr(), z.as_ptr().addr()]
}

#[test]
fn eligible_layouts_reach_gemm_as_they_lie() {
    // Row by row; column by column; a part of a larger matrix, of either kind.
    let lefts = [
        (rows(4, 3), 3, false),
        (plane(0, 4, 3, 1, 4), 4, true),
        (plane(2, 4, 3, 9, 1), 9, false),
        (plane(5, 4, 3, 1, 7), 7, true),
    ];
    let rights = [
        (rows(3, 5), 5, false),
        (plane(0, 3, 5, 1, 3), 3, true),
        (plane(1, 3, 5, 8, 1), 8, false),
        (plane(4, 3, 5, 1, 6), 6, true),
    ];
    for (a, lda, ta) in lefts {
        for (b, ldb, tb) in rights {
            for (out, ldc) in [(rows(4, 5), 5), (plane(3, 4, 5, 6, 1), 6)] {
                let (note, [x, y, z]) = play(a, b, out);
                let at = |base: usize, p: Plane| base + 4 * p.at;
                assert_eq!(
                    note,
                    Note {
                        function: "gemm",
                        sizes: [4, 3, 5],
                        operands: [(at(x, a), lda, ta), (at(y, b), ldb, tb)],
                        out: (at(z, out), ldc),
                        add: false,
                    }
                );
            }
            // Into columns: the transposed product, still without a copy.
            let (note, [x, y, z]) = play(a, b, plane(2, 4, 5, 1, 4));
            assert_eq!(note.sizes, [5, 3, 4]);
            assert_eq!(note.operands, [(y + 4 * b.at, ldb, !tb), (x + 4 * a.at, lda, !ta)]);
            assert_eq!(note.out, (z + 8, 4));
        }
    }
}

#[test]
fn other_layouts_are_copied() {
    let flipped = plane(9, 4, 3, -3, 1);
    let stepped = plane(0, 4, 3, 14, 2);
    let repeated_row = plane(1, 4, 3, 0, 1);
    let overlapping = plane(0, 4, 3, 2, 1);
    for a in [flipped, stepped, repeated_row, overlapping] {
        let (note, [x, y, _]) = play(a, rows(3, 5), rows(4, 5));
        assert_eq!(note.function, "gemm");
        assert!(!(x..x + 4 * memory(1, a).len()).contains(&note.operands[0].0), "{a:?}");
        assert_eq!(note.operands[1], (y, 5, false));
    }
    for out in [plane(15, 4, 5, -5, 1), plane(0, 4, 5, 40, 3)] {
        let (note, [_, _, z]) = play(rows(4, 3), rows(3, 5), out);
        assert_eq!(note.sizes, [4, 3, 5]);
        assert!(!(z..z + 4 * memory(0, out).len()).contains(&note.out.0));
    }
}

#[test]
fn vectors_go_to_gemv_and_dot() {
    // A matrix by a column, which is a column of a larger matrix.
    let (note, [x, y, z]) = play(rows(4, 3), plane(2, 3, 1, 6, 1), plane(1, 4, 1, 5, 1));
    assert_eq!((note.function, note.sizes), ("gemv", [4, 3, 1]));
    assert_eq!(note.operands, [(x, 3, false), (y + 8, 6, false)]);
    assert_eq!(note.out, (z + 4, 5));
    // A row by a matrix: the transposed matrix by the row.
    let (note, [x, y, z]) = play(rows(1, 3), rows(3, 5), rows(1, 5));
    assert_eq!((note.function, note.sizes), ("gemv", [5, 3, 1]));
    assert_eq!(note.operands, [(y, 5, true), (x, 1, false)]);
    assert_eq!(note.out, (z, 1));
    // A row by a column.
    let (note, [x, y, _]) = play(plane(1, 1, 3, 9, 2), plane(2, 3, 1, 4, 1), plane(3, 1, 1, 7, 7));
    assert_eq!((note.function, note.operands), ("dot", [(x + 4, 2, false), (y + 8, 4, false)]));
    // Steps that BLAS does not take.
    for b in [plane(8, 3, 1, -4, 1), plane(1, 3, 1, 0, 1)] {
        assert_eq!(play(rows(4, 3), b, plane(12, 4, 1, -4, 1)).0.function, "gemv");
        assert_eq!(play(rows(1, 3), b, rows(1, 1)).0.function, "dot");
    }
}

#[test]
fn steps_along_an_axis_of_one_element_have_no_say() {
    let odd = [0, -7, 3, isize::MAX];
    for step in odd {
        let (note, [x, _, _]) = play(plane(0, 2, 1, 1, step), plane(0, 1, 3, step, 1), rows(2, 3));
        assert_eq!((note.function, note.operands[0]), ("gemm", (x, 1, false)));
        assert_eq!(note.operands[1].1, 3, "the leading dimension of one row is its length");
        assert_eq!(play(plane(0, 1, 1, step, step), rows(1, 1), rows(1, 1)).0.function, "dot");
    }
}

#[test]
fn no_terms_give_zeros_and_no_elements_give_nothing() {
    let mock = Mock::new();
    let mut out = [f32::NAN; 8];
    let planes = Planes { a: rows(2, 0), b: rows(0, 3), out: plane(0, 2, 3, 4, 1) };
    product(&mock, &[], &[], &mut out, planes, &mut Scratch::default()).unwrap();
    assert!(out[3].is_nan() && out[7].is_nan());
    assert_eq!((&out[..3], &out[4..7]), (&[0.0; 3][..], &[0.0; 3][..]));
    for (m, n) in [(0, 3), (3, 0), (0, 0)] {
        let planes = Planes { a: rows(m, 2), b: rows(2, n), out: rows(m, n) };
        product(&mock, &[1.0; 6], &[1.0; 6], &mut out, planes, &mut Scratch::default()).unwrap();
    }
    assert!(mock.notes.lock().is_empty());
}

#[test]
fn sizes_beyond_what_blas_takes_are_cut() {
    for (a, b, out) in [
        (rows(7, 8), rows(8, 9), rows(7, 9)),
        (plane(0, 7, 8, 1, 7), plane(70, 8, 9, -9, 1), plane(0, 7, 9, 30, 3)),
        (rows(1, 8), rows(8, 9), plane(0, 1, 9, 1, 2)),
        (rows(1, 8), rows(8, 1), rows(1, 1)),
        (plane(0, 7, 8, 100, 1), rows(8, 1), plane(12, 7, 1, -2, 1)),
    ] {
        let mock = Mock { limit: 3, ..Mock::new() };
        check(&mock, a, b, out);
        let notes = mock.notes.into_inner();
        assert!(notes.iter().all(|n| n.sizes.iter().all(|&size| size <= 3)));
        assert!(notes.iter().all(|n| n.operands.iter().all(|o| o.1 <= 3)), "leading dimensions, too");
    }
}

#[test]
fn a_copy_is_made_once_for_several_products() {
    let mock = Mock::new();
    let mut scratch = Scratch::default();
    let odd = plane(9, 4, 3, -3, 1);
    let planes = Planes { a: odd, b: rows(3, 2), out: rows(4, 2) };
    let (x, y) = (memory(1, odd), memory(2, planes.b));
    let mut once = vec![0.0f32; 8];
    product(&mock, &x, &y, &mut once, planes, &mut scratch).unwrap();
    // The copy is there already.
    let mut again = vec![0.0f32; 8];
    product(&mock, &x, &y, &mut again, planes, &mut scratch).unwrap();
    assert_eq!(once, again);
    let addresses: Vec<usize> = mock.notes.lock().iter().map(|n| n.operands[0].0).collect();
    assert_eq!(addresses[0], addresses[1]);
}

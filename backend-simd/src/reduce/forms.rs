//! The forms in which elements come to a reduction, and what a reduction is.

/// The bytes of a chunk, which fits the first cache.
const CHUNK: usize = 8192;

/// Elements of a chunk.
pub(super) const fn chunk<W>() -> usize {
    CHUNK / size_of::<W>()
}

/// Columns come at least so many: the lanes of a vector.
pub(super) const fn lanes<W>() -> usize {
    64 / size_of::<W>()
}

/// The chunks of some sequences, each without gaps.
pub(super) struct Rows<'a, W> {
    pub(super) data: &'a [W],
    pub(super) start: usize,
    pub(super) stride: isize,
    pub(super) length: usize,
    pub(super) first: usize,
    pub(super) step: usize,
}

impl<'a, W> Rows<'a, W> {
    /// The elements of row `i`.
    #[inline(always)]
    pub(super) fn row(&self, i: usize) -> &'a [W] {
        let at = (self.start as isize + i as isize * self.stride) as usize;
        &self.data[at..at + self.length]
    }

    /// The number in its sequence of the first element of row `i`.
    #[inline(always)]
    pub(super) fn first(&self, i: usize) -> usize {
        self.first + i * self.step
    }
}

/// The chunks of sequences that lie side by side, [`lanes`] of them at least.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a, W> {
    pub(super) data: &'a [W],
    /// Where each row starts.
    pub(super) rows: &'a [usize],
    /// The number of the first row in its sequences.
    pub(super) first: usize,
}

impl<'a, W> Columns<'a, W> {
    /// The elements of a column.
    pub(super) fn column(&self, i: usize) -> impl Iterator<Item = &'a W> + Clone {
        let (data, rows) = (self.data, self.rows);
        rows.iter().map(move |&row| &data[row + i])
    }
}

/// A way to reduce a sequence to a value.
pub(super) trait Reduction<W>: Sync {
    /// What is known of a part of a sequence.
    type Part: Copy + Default + Send + Sync;
    /// `out[i]` = the part that row `i` is.
    fn rows(&self, rows: &Rows<'_, W>, out: &mut [Self::Part]);
    /// `out[i]` = the part that column `i` is.
    fn columns(&self, columns: &Columns<'_, W>, out: &mut [Self::Part]);
    /// Two neighbouring parts, with their lengths, as one.
    fn merge(&self, a: (Self::Part, usize), b: (Self::Part, usize)) -> Self::Part;
    /// An empty sequence.
    fn nothing(&self) -> Self::Part;
}

/// Merges parts pairwise by their number, as they come.
pub(super) struct Merger<P> {
    waiting: Vec<(P, usize)>,
    count: usize,
}

impl<P: Copy> Merger<P> {
    pub(super) fn new() -> Self {
        Merger { waiting: Vec::new(), count: 0 }
    }

    /// Takes the next part, with its length.
    pub(super) fn push(&mut self, part: P, length: usize, merge: impl Fn((P, usize), (P, usize)) -> P) {
        self.count += 1;
        let mut last = (part, length);
        for _ in 0..self.count.trailing_zeros() {
            let Some(before) = self.waiting.pop() else { break };
            last = (merge(before, last), before.1 + last.1);
        }
        self.waiting.push(last);
    }

    /// All of them as one; none if there was none. It may then be used again.
    pub(super) fn finish(&mut self, merge: impl Fn((P, usize), (P, usize)) -> P) -> Option<P> {
        self.count = 0;
        let mut last = self.waiting.pop()?;
        while let Some(before) = self.waiting.pop() {
            last = (merge(before, last), before.1 + last.1);
        }
        Some(last.0)
    }
}

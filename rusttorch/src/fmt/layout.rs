//! Which elements are shown, and how brackets, line breaks and `...` are put around them.

use super::formatter::Cells;
use super::{EDGE_ITEMS, LINE_WIDTH, THRESHOLD};

/// Selects the elements of a shape that are printed: all of them, or only both ends of each long axis when
/// the tensor is large.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    axes: Vec<Axis>,
}

impl Shown {
    /// The selection for a tensor of this shape.
    pub(crate) fn of(shape: &[usize]) -> Self {
        // Saturating, because an expanded view may claim more elements than a usize counts.
        let count = if shape.contains(&0) {
            0
        } else {
            shape.iter().fold(1, |n: usize, &size| n.saturating_mul(size))
        };
        let summarise = count > THRESHOLD;
        let axes = shape.iter().map(|&size| Axis { size, cut: summarise && size > 2 * EDGE_ITEMS }).collect();
        Self { axes }
    }

    /// Whether the tensor has no elements.
    pub(crate) fn is_empty(&self) -> bool {
        self.axes.iter().any(|axis| axis.size == 0)
    }

    /// Reads the shown elements in row-major order, calling `get` with the index of each in the whole tensor.
    pub(crate) fn gather<T>(&self, mut get: impl FnMut(&[usize]) -> T) -> Vec<T> {
        let mut values = Vec::new();
        if self.is_empty() {
            return values;
        }
        let mut index = vec![0; self.axes.len()];
        loop {
            values.push(get(&index));
            if !self.advance(&mut index) {
                return values;
            }
        }
    }

    /// Steps to the next shown index; false after the last one.
    fn advance(&self, index: &mut [usize]) -> bool {
        for (axis, position) in self.axes.iter().zip(index).rev() {
            if let Some(next) = axis.after(*position) {
                *position = next;
                return true;
            }
            *position = 0;
        }
        false
    }
}

/// One axis of a shape.
#[derive(Clone, Copy, Debug)]
struct Axis {
    size: usize,
    /// Whether the middle is left out; only ever set on axes longer than both ends together.
    cut: bool,
}

impl Axis {
    /// The shown position after this one.
    fn after(self, position: usize) -> Option<usize> {
        let next = position + 1;
        let next = if self.cut && next == EDGE_ITEMS { self.size - EDGE_ITEMS } else { next };
        (next < self.size).then_some(next)
    }

    /// What is printed along the axis, from its start.
    fn slots(self) -> impl Iterator<Item = Slot> {
        let count = if self.cut { 2 * EDGE_ITEMS + 1 } else { self.size };
        (0..count).map(move |n| if self.cut && n == EDGE_ITEMS { Slot::Gap } else { Slot::Item })
    }
}

/// A place along a printed axis.
enum Slot {
    /// An element, or a block of the axes below.
    Item,
    /// The mark for what is left out.
    Gap,
}

/// Appends the values with their brackets. `indent` is the column where they start.
pub(super) fn write(out: &mut String, shown: &Shown, cells: &Cells, indent: usize) {
    let mut block = Blocks { out, width: cells.width, texts: cells.texts.iter() };
    block.write(&shown.axes, indent);
}

/// Appends `count` spaces.
pub(super) fn push_spaces(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n(' ', count));
}

/// Writes nested blocks while drawing element texts in order.
struct Blocks<'a> {
    out: &'a mut String,
    width: usize,
    texts: std::slice::Iter<'a, String>,
}

impl<'a> Blocks<'a> {
    fn write(&mut self, axes: &[Axis], indent: usize) {
        match axes {
            [] => {
                let text = self.next_text();
                self.out.push_str(text);
            }
            [row] => self.write_row(*row, indent),
            [outer, inner @ ..] => self.write_block(*outer, inner, indent),
        }
    }

    /// Writes one block per slot, each on a new line, with a blank line more for every axis between.
    fn write_block(&mut self, outer: Axis, inner: &[Axis], indent: usize) {
        self.out.push('[');
        for (n, slot) in outer.slots().enumerate() {
            if n > 0 {
                self.out.push(',');
                self.out.extend(std::iter::repeat_n('\n', inner.len()));
                push_spaces(self.out, indent + 1);
            }
            match slot {
                Slot::Item => self.write(inner, indent + 1),
                Slot::Gap => self.out.push_str("..."),
            }
        }
        self.out.push(']');
    }

    /// Writes the elements of the last axis, as many to a line as fit.
    fn write_row(&mut self, row: Axis, indent: usize) {
        const SEPARATOR: usize = ", ".len();
        let per_line = (LINE_WIDTH.saturating_sub(indent) / (self.width + SEPARATOR)).max(1);
        self.out.push('[');
        for (n, slot) in row.slots().enumerate() {
            if n > 0 && n % per_line == 0 {
                self.out.push_str(",\n");
                push_spaces(self.out, indent + 1);
            } else if n > 0 {
                self.out.push_str(", ");
            }
            // Within a row PyTorch puts a space before the mark; between blocks it doesn't.
            let text = match slot {
                Slot::Item => self.next_text(),
                Slot::Gap => " ...",
            };
            self.out.push_str(text);
        }
        self.out.push(']');
    }

    fn next_text(&mut self) -> &'a str {
        self.texts.next().map_or("?", String::as_str)
    }
}

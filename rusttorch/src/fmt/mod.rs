//! The text of a tensor, byte for byte what `print(t)` shows in PyTorch 2.15 under its default options.
//!
//! Nothing here knows the tensor type. A caller asks [`Shown`] which elements a shape prints, reads only
//! those (a summarised tensor of any size needs at most six per axis), and hands them to [`format`].

mod formatter;
mod layout;
#[cfg(test)]
mod tests;

pub(crate) use layout::Shown;

use formatter::Cells;

/// Digits after the decimal point of a float.
const PRECISION: usize = 4;
/// A tensor with more elements than this is summarised.
const THRESHOLD: usize = 1000;
/// Elements kept at either end of a summarised axis.
const EDGE_ITEMS: usize = 3;
/// Columns a line should stay within.
const LINE_WIDTH: usize = 80;
/// The dtype of floats whose text alone tells it, so that it is never named.
const DEFAULT_FLOAT: &str = "torch.float32";

/// The values to print, widened: every float dtype to `f64`, every integer dtype to `i64`.
///
/// Row-major over the elements that [`Shown`] keeps.
#[derive(Clone, Debug)]
pub(crate) enum Elements {
    /// Values of any float dtype.
    Float(Vec<f64>),
    /// Values of any integer dtype.
    Int(Vec<i64>),
    /// Truth values.
    Bool(Vec<bool>),
}

/// What the text says about a tensor besides its values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Described<'a> {
    /// The whole tensor's shape, not just the part that is shown.
    pub(crate) shape: &'a [usize],
    /// PyTorch's name of the dtype, such as `torch.float32`. Always given: whether it is printed also
    /// depends on the shape.
    pub(crate) dtype: &'a str,
    /// The device as PyTorch names it, such as `cuda:0`; `None` for the CPU, which is never named.
    pub(crate) device: Option<&'a str>,
    /// Whether the tensor records gradients.
    pub(crate) requires_grad: bool,
    /// The name of the operation that made the tensor, such as `AddBackward0`. It implies, and is printed
    /// instead of, `requires_grad`.
    pub(crate) grad_fn: Option<&'a str>,
}

/// The text of a tensor.
///
/// `elements` are those that `Shown::of(described.shape)` keeps, in its order. Surplus ones are not
/// printed and a missing one prints as `?`, so a caller's mistake is visible without a panic.
pub(crate) fn format(described: &Described<'_>, elements: &Elements) -> String {
    const PREFIX: &str = "tensor(";
    let mut out = String::from(PREFIX);
    let shown = Shown::of(described.shape);
    if shown.is_empty() {
        out.push_str("[]");
    } else {
        layout::write(&mut out, &shown, &Cells::of(elements), PREFIX.len());
    }
    write_suffixes(&mut out, &suffixes(described, shown.is_empty()), PREFIX.len());
    out.push(')');
    out
}

/// The remarks after the values, in the order they are printed.
fn suffixes(described: &Described<'_>, is_empty: bool) -> Vec<String> {
    let mut list = Vec::new();
    if let Some(device) = described.device {
        list.push(format!("device='{device}'"));
    }
    if is_empty && described.shape.len() != 1 {
        let sizes: Vec<String> = described.shape.iter().map(usize::to_string).collect();
        list.push(format!("size=({})", sizes.join(", ")));
    }
    // With no element to look at, integers and bools can't be told from floats.
    let told_by_elements = !is_empty && matches!(described.dtype, "torch.int64" | "torch.bool");
    if described.dtype != DEFAULT_FLOAT && !told_by_elements {
        list.push(format!("dtype={}", described.dtype));
    }
    if let Some(name) = described.grad_fn {
        list.push(format!("grad_fn=<{name}>"));
    } else if described.requires_grad {
        list.push("requires_grad=True".to_owned());
    }
    list
}

/// Appends the remarks, each on the last line if it fits there and otherwise on a line of its own.
fn write_suffixes(out: &mut String, suffixes: &[String], indent: usize) {
    let last_line = out.rsplit('\n').next().map_or(0, |line| line.chars().count());
    // PyTorch counts two columns more than the last line of values has; line breaks depend on it.
    let mut used = last_line + 2;
    for suffix in suffixes {
        let length = suffix.chars().count();
        if used + length + 2 > LINE_WIDTH {
            out.push_str(",\n");
            layout::push_spaces(out, indent);
            used = indent + length;
        } else {
            out.push_str(", ");
            used += length + 2;
        }
        out.push_str(suffix);
    }
}

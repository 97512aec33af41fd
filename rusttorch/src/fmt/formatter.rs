//! The text of single elements: one notation and width for the whole tensor, numbers as Python writes them.

use super::{Elements, PRECISION};

/// The shown elements as text, each padded to a common width.
pub(super) struct Cells {
    /// One text for each element.
    pub(super) texts: Vec<String>,
    /// The width the texts are padded to. Some may be wider: see [`Cells::of_floats`].
    pub(super) width: usize,
}

impl Cells {
    /// Formats the elements.
    pub(super) fn of(elements: &Elements) -> Self {
        match elements {
            Elements::Float(values) => Self::of_floats(values),
            Elements::Int(values) => Self::aligned(values.iter().map(i64::to_string).collect()),
            Elements::Bool(values) => Self::aligned(
                values.iter().map(|&value| if value { "True" } else { "False" }.to_owned()).collect(),
            ),
        }
    }

    /// The width is that of the widest finite non-zero element: PyTorch measures no others, so a `-0.` or an
    /// `-inf` among narrow numbers sticks out.
    fn of_floats(values: &[f64]) -> Self {
        let notation = Notation::of(values);
        let texts: Vec<String> = values.iter().map(|&value| notation.text(value)).collect();
        let measured = texts.iter().zip(values).filter(|&(_, &value)| is_measured(value));
        let width = measured.map(|(text, _)| text.len()).max().unwrap_or(1);
        Self::padded(texts, width)
    }

    fn aligned(texts: Vec<String>) -> Self {
        let width = texts.iter().map(String::len).max().unwrap_or(1);
        Self::padded(texts, width)
    }

    fn padded(mut texts: Vec<String>, width: usize) -> Self {
        for text in &mut texts {
            *text = format!("{text:>width$}");
        }
        Self { texts, width }
    }
}

/// Whether a value takes part in choosing the notation and the width.
fn is_measured(value: f64) -> bool {
    value.is_finite() && value != 0.0
}

/// How the floats of a tensor are written.
#[derive(Clone, Copy)]
enum Notation {
    /// `12.`, when all values are whole.
    Whole,
    /// `12.5000`.
    Fixed,
    /// `1.2500e+01`, when the values span too wide a range for the others.
    Scientific,
}

impl Notation {
    /// Chooses by the finite non-zero values; with none of them it is [`Notation::Whole`].
    fn of(values: &[f64]) -> Self {
        let (mut smallest, mut largest, mut whole) = (f64::INFINITY, 0.0_f64, true);
        for value in values.iter().copied().filter(|&value| is_measured(value)) {
            smallest = smallest.min(value.abs());
            largest = largest.max(value.abs());
            whole &= value == value.ceil();
        }
        if largest / smallest > 1e3 || largest > 1e8 || smallest < 1e-4 {
            Self::Scientific
        } else if whole {
            Self::Whole
        } else {
            Self::Fixed
        }
    }

    /// Text of one value. Rust and Python both round the exact binary value half to even, so digits agree.
    fn text(self, value: f64) -> String {
        if value.is_nan() {
            // Python drops the sign of a nan.
            return "nan".to_owned();
        }
        if value.is_infinite() {
            return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
        }
        match self {
            Self::Whole => format!("{value:.0}."),
            Self::Fixed => format!("{value:.PRECISION$}"),
            Self::Scientific => python_exponent(&format!("{value:.PRECISION$e}")),
        }
    }
}

/// Turns Rust's exponent (`1.0e3`) into Python's, which has a sign and at least two digits (`1.0e+03`).
fn python_exponent(text: &str) -> String {
    let Some((digits, exponent)) = text.split_once('e') else { return text.to_owned() };
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>2}")
}

//! A call of a backend: operands, what must come out, and how to make it. A case becomes one or more.

use std::fmt;

use rusttorch_backend::{Backend, DType, ErrorKind, Family, Result, View, ViewMut};

use crate::dense::Dense;
use crate::tolerance::{self, Tolerance};

/// An operand: a dense tensor, seen under a shape it broadcasts to.
#[derive(Debug, Clone)]
pub struct Operand {
    /// What is stored.
    pub dense: Dense,
    /// What the backend sees.
    pub shape: Vec<usize>,
}

impl From<Dense> for Operand {
    fn from(dense: Dense) -> Self {
        Operand { shape: dense.shape().to_vec(), dense }
    }
}

/// An output: what it must hold, how closely.
#[derive(Debug, Clone)]
pub struct Output {
    /// The op's name in the table of tolerances.
    pub op: &'static str,
    /// The expected values; for a call that must fail only shape and dtype count.
    pub expected: Dense,
    /// A second right answer; an element may agree with either.
    pub alternative: Option<Dense>,
    /// How far off they may be.
    pub tolerance: Tolerance,
    /// What conditions the bound of each element.
    pub magnitude: Option<Vec<f64>>,
    /// What it holds before the call, where the op updates it.
    pub initial: Option<Dense>,
}

impl Output {
    /// Values that must be exact.
    pub fn exact(expected: Dense) -> Self {
        let tolerance = Tolerance::BITS;
        Output { op: "exact", expected, alternative: None, tolerance, magnitude: None, initial: None }
    }

    /// Values within the tolerance of an op.
    pub fn of(op: &'static str, expected: Dense) -> Self {
        let tolerance = tolerance::of(op, expected.dtype());
        Output { op, expected, alternative: None, tolerance, magnitude: None, initial: None }
    }

    /// Or these values, which take shape and dtype of the expected ones.
    #[must_use]
    pub fn or(mut self, alternative: Option<&Dense>) -> Self {
        self.alternative = alternative
            .and_then(|a| a.reshaped(self.expected.shape()))
            .map(|a| a.cast(self.expected.dtype()));
        self
    }

    /// With the magnitudes that condition the bound.
    #[must_use]
    pub fn conditioned(mut self, magnitude: Vec<f64>) -> Self {
        self.magnitude = Some(magnitude);
        self
    }
}

/// A family, the name of an op of it and the dtype of the operand that counts: what a claim is about.
pub type Use = (Family, &'static str, DType);

/// Calls the backend.
pub type Body<'c> = Box<dyn Fn(&dyn Backend, &[View<'_>], Vec<ViewMut<'_>>) -> Result<()> + 'c>;
/// Calls the in-place form: the first operand is the output.
pub type Assign<'c> = Box<dyn Fn(&dyn Backend, ViewMut<'_>, &[View<'_>]) -> Result<()> + 'c>;

/// One call with its operands and what it must give.
pub struct Call<'c> {
    /// What it exercises.
    pub uses: Vec<Use>,
    /// The inputs.
    pub operands: Vec<Operand>,
    /// The outputs.
    pub outputs: Vec<Output>,
    /// The kinds of error, one of which it must end in, instead of outputs.
    pub raises: Option<Vec<ErrorKind>>,
    /// Whether each output element depends on the input elements at its index alone, so that shape,
    /// position and length are free (R1).
    pub pointwise: bool,
    /// The call.
    pub body: Body<'c>,
    /// The in-place form, where there is one.
    pub assign: Option<Assign<'c>>,
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("uses", &self.uses)
            .field("operands", &self.operands)
            .finish_non_exhaustive()
    }
}

/// What a run asks beyond values.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Check that all forms of a call give the same bits (R1, R2 and, where it is claimed, R3).
    pub bit_promise: bool,
    /// Run the cases with long inputs (10^5 elements and more).
    pub long: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { bit_promise: true, long: true }
    }
}

impl<'c> Call<'c> {
    /// A call that must end in these outputs.
    pub fn new(
        uses: Vec<Use>,
        operands: Vec<Operand>,
        outputs: Vec<Output>,
        body: impl Fn(&dyn Backend, &[View<'_>], Vec<ViewMut<'_>>) -> Result<()> + 'c,
    ) -> Self {
        Call { uses, operands, outputs, raises: None, pointwise: false, body: Box::new(body), assign: None }
    }

    /// Each output element depends on the input elements at its index alone.
    #[must_use]
    pub fn pointwise(mut self) -> Self {
        self.pointwise = true;
        self
    }

    /// With an in-place form.
    #[must_use]
    pub fn in_place(
        mut self,
        assign: impl Fn(&dyn Backend, ViewMut<'_>, &[View<'_>]) -> Result<()> + 'c,
    ) -> Self {
        self.assign = Some(Box::new(assign));
        self
    }

    /// It must end in an error of one of these kinds instead.
    #[must_use]
    pub fn raises(mut self, kinds: &[ErrorKind]) -> Self {
        self.raises = Some(kinds.to_vec());
        self
    }
}

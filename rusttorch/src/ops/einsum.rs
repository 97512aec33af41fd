//! Einstein's summation convention, as a chain of products of two operands each.
//!
//! The operands are taken from left to right. A label that only one of two has and nobody needs later is
//! summed away first; labels that both have and nobody needs later become the K of a batch of matrix products,
//! the others its B, M and N. Where nothing is summed the product is elementwise. So no intermediate result has a
//! label that is not needed any more, and nothing is as large as the product of all sizes unless the result is.

use rusttorch_backend::layout::{broadcast_shapes, numel};
use rusttorch_backend::{ErrorKind, Result, Shape, TensorError};
use smallvec::SmallVec;

use super::matmul::{check_dtypes, product};
use super::products::signed;
use crate::tensor::Tensor;

const OP: &str = "einsum";

fn fail(kind: ErrorKind, rule: &'static str) -> TensorError {
    TensorError::new(kind, OP, rule)
}

/// A dimension of an operand: a letter, or one that the ellipsis covers, counted from the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Covered(usize),
    Letter(u8),
}

type Labels = SmallVec<[Label; 8]>;

/// An operand with its dimensions named, each name once.
#[derive(Clone)]
struct Term {
    tensor: Tensor,
    labels: Labels,
}

impl Tensor {
    /// The sum of products that an equation such as `"bij,bjk->bik"` names: every letter is a dimension, the same
    /// letter the same index, and letters that do not stand behind the arrow are summed over. Without an arrow those
    /// that stand once remain, in alphabetical order, capitals first. A letter twice in one operand takes its
    /// diagonal. `...` covers the dimensions left over, which are broadcast. Spaces are passed over, sizes of 1 are
    /// stretched. Where one operand is only rearranged the result is a view of it. PyTorch: `torch.einsum`.
    ///
    /// Errors: `Value` for an equation that is not one; `Shape` for sizes that do not fit it; `Argument` without
    /// operands; those of [`matmul`](Self::matmul).
    pub fn einsum(equation: &str, operands: &[&Tensor]) -> Result<Tensor> {
        if operands.is_empty() {
            return Err(fail(ErrorKind::Argument, "needs at least one operand"));
        }
        let equation = Equation::parse(equation)?;
        let terms = equation.terms(operands)?;
        let output = equation.output(&terms);
        contract(terms, &output)
    }
}

/// The parts of an equation, `None` standing for the ellipsis.
struct Equation {
    inputs: Vec<Vec<Option<u8>>>,
    output: Option<Vec<Option<u8>>>,
}

impl Equation {
    fn parse(text: &str) -> Result<Equation> {
        let bad = |rule| fail(ErrorKind::Value, rule).with("equation", text.to_owned());
        let (left, right) = match text.split_once("->") {
            Some((left, right)) => (left, Some(right)),
            None => (text, None),
        };
        let part = |text: &str| {
            let mut labels = Vec::new();
            let mut rest = text.as_bytes();
            while let Some((&c, behind)) = rest.split_first() {
                rest = behind;
                match c {
                    b' ' => {}
                    b'a'..=b'z' | b'A'..=b'Z' => labels.push(Some(c)),
                    b'.' if labels.contains(&None) => return Err(bad("a second ellipsis")),
                    b'.' => {
                        rest =
                            rest.strip_prefix(b"..").ok_or_else(|| bad("a point outside of an ellipsis"))?;
                        labels.push(None);
                    }
                    _ => return Err(bad("a subscript is not a letter")),
                }
            }
            Ok(labels)
        };
        let inputs = left.split(',').map(part).collect::<Result<Vec<_>>>()?;
        let output = right.map(part).transpose()?;
        if let Some(output) = &output {
            for (i, label) in output.iter().enumerate() {
                if let Some(letter) = label
                    && output[..i].contains(label)
                {
                    return Err(bad("a letter stands twice in the output")
                        .with("letter", char::from(*letter).to_string()));
                }
                if let Some(letter) = label
                    && !inputs.iter().flatten().any(|l| l == label)
                {
                    return Err(bad("a letter of the output is none of the inputs'")
                        .with("letter", char::from(*letter).to_string()));
                }
            }
        }
        Ok(Equation { inputs, output })
    }

    /// The operands with their dimensions named and diagonals taken.
    fn terms(&self, operands: &[&Tensor]) -> Result<Vec<Term>> {
        if self.inputs.len() != operands.len() {
            return Err(fail(ErrorKind::Value, "number of operands differs from the equation's")
                .with("operands", operands.len())
                .with("equation", self.inputs.len()));
        }
        let mut sizes: Vec<(u8, usize)> = Vec::new();
        let mut covered = Shape::new();
        let mut terms = Vec::new();
        for (i, (tensor, labels)) in operands.iter().zip(&self.inputs).enumerate() {
            let letters = labels.iter().flatten().count();
            let ellipsis = labels.contains(&None);
            if tensor.rank() < letters || (!ellipsis && tensor.rank() > letters) {
                return Err(fail(
                    ErrorKind::Shape,
                    "number of subscripts differs from the operand's dimensions",
                )
                .with("operand", i)
                .with("subscripts", letters)
                .with("shape", tensor.shape()));
            }
            let extra = tensor.rank() - letters;
            let mut named = Labels::new();
            for label in labels {
                match label {
                    Some(letter) => named.push(Label::Letter(*letter)),
                    None => named.extend((0..extra).rev().map(Label::Covered)),
                }
            }
            let term = Term::with_diagonals((*tensor).clone(), named, i)?;
            for (label, &n) in term.labels.iter().zip(term.tensor.shape()) {
                let Label::Letter(letter) = *label else { continue };
                match sizes.iter_mut().find(|(l, _)| *l == letter) {
                    Some((_, seen)) if *seen == 1 => *seen = n,
                    Some((_, seen)) if *seen != n && n != 1 => {
                        return Err(fail(ErrorKind::Shape, "a letter has two sizes")
                            .with("letter", char::from(letter).to_string())
                            .with("operand", i)
                            .with("size", n)
                            .with("before", *seen));
                    }
                    Some(_) => {}
                    None => sizes.push((letter, n)),
                }
            }
            let of_ellipsis: Shape = term
                .labels
                .iter()
                .zip(term.tensor.shape())
                .filter(|(l, _)| matches!(l, Label::Covered(_)))
                .map(|(_, &n)| n)
                .collect();
            covered = broadcast_shapes(OP, &covered, &of_ellipsis)?;
            terms.push(term);
        }
        Ok(terms)
    }

    /// The labels of the result.
    fn output(&self, terms: &[Term]) -> Labels {
        let rank = |t: &Term| t.labels.iter().filter(|l| matches!(l, Label::Covered(_))).count();
        let covered = terms.iter().map(rank).max().unwrap_or(0);
        let ellipsis = || (0..covered).rev().map(Label::Covered);
        let mut output = Labels::new();
        match &self.output {
            Some(labels) => {
                for label in labels {
                    match label {
                        Some(letter) => output.push(Label::Letter(*letter)),
                        None => output.extend(ellipsis()),
                    }
                }
            }
            None => {
                let count = |l: u8| self.inputs.iter().flatten().filter(|&&x| x == Some(l)).count();
                output.extend(ellipsis());
                output.extend((b'A'..=b'z').filter(|&l| count(l) == 1).map(Label::Letter));
            }
        }
        output
    }
}

impl Term {
    /// Replaces dimensions of one name by their diagonal.
    fn with_diagonals(mut tensor: Tensor, mut labels: Labels, operand: usize) -> Result<Term> {
        let mut at = 0;
        while at < labels.len() {
            let Some(first) = labels[..at].iter().position(|l| *l == labels[at]) else {
                at += 1;
                continue;
            };
            let (m, n) = (tensor.shape()[first], tensor.shape()[at]);
            if m != n {
                return Err(fail(ErrorKind::Shape, "a letter that an operand repeats has two sizes")
                    .with("operand", operand)
                    .with("size", n)
                    .with("before", m));
            }
            // The diagonal comes last; it belongs where the name stood first.
            tensor = tensor.diagonal(0, first as isize, at as isize)?.movedim([-1], [first as isize])?;
            labels.remove(at);
        }
        Ok(Term { tensor, labels })
    }

    fn size(&self, label: Label) -> usize {
        self.labels.iter().position(|l| *l == label).map_or(1, |d| self.tensor.shape()[d])
    }

    /// Summed over labels that are not needed any more.
    fn summed(mut self, gone: &[Label]) -> Result<Term> {
        let dims = self.order(gone);
        if !dims.is_empty() {
            self.tensor = self.tensor.sum_dim(&dims[..], false)?;
            self.labels.retain(|l| !gone.contains(l));
        }
        Ok(self)
    }

    /// Without labels of size 1 that are not needed any more: no sum, which would widen integers.
    fn squeezed(mut self, needed: impl Fn(&Label) -> bool) -> Result<Term> {
        for d in (0..self.labels.len()).rev() {
            if self.tensor.shape()[d] == 1 && !needed(&self.labels[d]) {
                self.tensor = self.tensor.squeeze(d as isize)?;
                self.labels.remove(d);
            }
        }
        Ok(self)
    }

    /// With the dimensions in the order of `labels`, those that it lacks with size 1.
    fn aligned(&self, labels: &[Label]) -> Result<Tensor> {
        let own: Vec<Label> = labels.iter().copied().filter(|l| self.labels.contains(l)).collect();
        let mut tensor = self.tensor.permute(self.order(&own))?;
        for (d, label) in labels.iter().enumerate() {
            if !self.labels.contains(label) {
                tensor = tensor.unsqueeze(d as isize)?;
            }
        }
        Ok(tensor)
    }

    /// Where the labels stand.
    fn order(&self, labels: &[Label]) -> SmallVec<[isize; 6]> {
        let place = |l: &Label| self.labels.iter().position(|x| x == l).map(|d| d as isize);
        labels.iter().filter_map(place).collect()
    }

    /// As a batch of matrices: the dimensions of each group merged. Labels that it lacks have size 1.
    fn matrices(&self, groups: [&[Label]; 3], sizes: [usize; 3]) -> Result<Tensor> {
        self.aligned(&groups.concat())?.reshape(signed(sizes))
    }
}

/// The sum of products of the terms, with the labels of the output in its order.
fn contract(terms: Vec<Term>, output: &[Label]) -> Result<Tensor> {
    let mut rest = terms.into_iter();
    let Some(mut total) = rest.next() else {
        return Err(fail(ErrorKind::Argument, "needs at least one operand"));
    };
    while let Some(next) = rest.next() {
        let needed = |l: &Label| output.contains(l) || rest.as_slice().iter().any(|t| t.labels.contains(l));
        total = pair(total, next, needed)?;
    }
    let gone: Labels = total.labels.iter().copied().filter(|l| !output.contains(l)).collect();
    let total = total.summed(&gone)?;
    total.tensor.permute(total.order(output))
}

/// The product of two terms, summed over the labels that are not needed any more.
fn pair(a: Term, b: Term, needed: impl Fn(&Label) -> bool) -> Result<Term> {
    let (a, b) = (a.squeezed(&needed)?, b.squeezed(&needed)?);
    let mut all = a.labels.clone();
    all.extend(b.labels.iter().copied().filter(|l| !a.labels.contains(l)));
    let gone = |t: &Term, other: &Term| -> Labels {
        t.labels.iter().copied().filter(|l| !needed(l) && other.size(*l) == 1).collect()
    };
    let (gone_a, gone_b) = (gone(&a, &b), gone(&b, &a));
    let (a, b) = (a.summed(&gone_a)?, b.summed(&gone_b)?);
    all.retain(|l| a.labels.contains(l) || b.labels.contains(l));
    let (mut batch, mut rows, mut columns, mut inner) =
        (Labels::new(), Labels::new(), Labels::new(), Labels::new());
    for &label in &all {
        let in_both = a.size(label) != 1 && b.size(label) != 1;
        match (needed(&label), in_both) {
            (false, _) => inner.push(label),
            (true, true) => batch.push(label),
            (true, false) if a.size(label) != 1 => rows.push(label),
            (true, false) => columns.push(label),
        }
    }
    if inner.is_empty() {
        return Ok(Term { tensor: a.aligned(&all)?.mul(&b.aligned(&all)?)?, labels: all });
    }
    check_dtypes(OP, &a.tensor, &b.tensor)?;
    let sizes = |t: &Term, labels: &[Label]| labels.iter().map(|l| t.size(*l)).collect::<Shape>();
    let [b_sizes, m_sizes, n_sizes] = [sizes(&a, &batch), sizes(&a, &rows), sizes(&b, &columns)];
    let count = |sizes: &[usize]| numel(OP, sizes);
    let (bs, m, n, k) = (count(&b_sizes)?, count(&m_sizes)?, count(&n_sizes)?, count(&sizes(&a, &inner))?);
    // Labels of one side alone have size 1 on the other, where they change nothing.
    let left = a.matrices([&batch, &rows, &[&inner[..], &columns].concat()], [bs, m, k])?;
    let right = b.matrices([&batch, &[&inner[..], &rows].concat(), &columns], [bs, k, n])?;
    let out = match batch.is_empty() {
        true => product(OP, &left.squeeze(0)?, &right.squeeze(0)?)?,
        false => product(OP, &left, &right)?,
    };
    let shape = b_sizes.into_iter().chain(m_sizes).chain(n_sizes);
    Ok(Term { tensor: out.reshape(signed(shape))?, labels: [batch, rows, columns].concat().into() })
}

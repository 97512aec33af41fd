//! The in-place form of an op and the one that writes into given tensors: both give what the functional form
//! gives, or refuse.

use rusttorch::catalogue::{Family, Value};
use rusttorch::{DType, ErrorKind, Result, Tensor, TensorError};

use super::Player;
use super::arguments::{Arguments, dense};
use crate::case::Outcome;
use crate::layouts::Class;

/// Ops whose in-place form wants the dtype of the result, not only its category.
const SAME_DTYPE: &[&str] = &["torch.float_power"];

/// Ops whose in-place form refuses a `dtype` that is not the target's.
const OWN_DTYPE: &[&str] = &["torch.cumsum", "torch.cumprod"];

impl Player<'_> {
    /// The in-place form gives the functional result, cast to the target's dtype, or refuses: to grow, or to
    /// raise the dtype's category.
    pub(super) fn in_place(&mut self, class: Class) {
        let form = format!("in place, {class}");
        let Some(arguments) = self.arguments(&form, class) else { return };
        let functional = self.call(&arguments);
        // A second set, for the functional result may be a view of the first.
        let Some(arguments) = self.arguments(&form, class) else { return };
        let Some(target) = arguments.tensor(0) else { return };
        self.seed();
        self.calls += 1;
        let ended = self.subject.call_in_place(&arguments);
        let functional = match functional {
            Err(_) => {
                if ended.is_ok() {
                    self.fail(&form, "no error though the functional form is one");
                }
                return;
            }
            Ok(outputs) => outputs,
        };
        let Some(Value::Tensor(value)) = functional.into_iter().next() else { return };
        let asked = |(name, value): &(&str, Value)| {
            *name == "dtype" && matches!(value, Value::DType(dtype) if *dtype != target.dtype())
        };
        let path = self.subject.op().map_or("", |op| op.path);
        let dtypes_differ = SAME_DTYPE.contains(&path) && value.dtype() != target.dtype()
            || OWN_DTYPE.contains(&path) && arguments.named().iter().any(asked);
        let refused = value.shape() != target.shape()
            || value.dtype().category() > target.dtype().category()
            || dtypes_differ;
        match (ended, refused) {
            (Err(_), true) => {}
            (Ok(_), true) => self.fail(&form, "no error though the target would have to change"),
            (Err(e), false) => self.fail(&form, format!("error: {e}")),
            (Ok(returned), false) => {
                if !returned.tensor().is_some_and(|t| t.is_same(target)) {
                    self.fail(&form, "does not return its target");
                }
                let same = value.to_dtype(target.dtype()).and_then(|v| same(&v, target));
                self.expect_same(&form, same);
            }
        }
    }

    fn expect_same(&mut self, form: &str, same: Result<bool>) {
        match same {
            Ok(true) => {}
            Ok(false) => self.fail(form, "differs from the functional form"),
            Err(e) => self.fail(form, format!("error: {e}")),
        }
    }

    /// Results written into given tensors.
    pub(super) fn out(&mut self, thorough: bool) {
        if self.case.undefined || !matches!(self.case.outcome, Outcome::Values(_)) {
            return;
        }
        let form = "out";
        let Some(arguments) = self.arguments(form, Class::Contiguous) else { return };
        // That they agree with PyTorch's is judged elsewhere.
        let Ok(values) = self.call(&arguments) else { return };
        let Some(values) = values.iter().map(|v| v.tensor().cloned()).collect::<Option<Vec<Tensor>>>() else {
            return self.fail(form, "a result that is no tensor cannot be written anywhere");
        };
        let fresh = |dtype: Option<DType>| -> Result<Vec<Tensor>> {
            values.iter().map(|v| Tensor::zeros(v.shape(), dtype.unwrap_or(v.dtype()))).collect()
        };
        let same = self.written(&arguments, &values, fresh(None));
        self.expect_same(form, same);
        if !thorough || values.is_empty() {
            return;
        }
        let same = self.strided(&arguments, &values);
        self.expect_same("strided out", same);
        // What is made from nothing is made in the dtype of its target, not cast to it.
        let made = self.subject.op().is_some_and(|op| matches!(op.family, Family::Creation | Family::Random));
        if !made && values.iter().all(|v| v.dtype() == DType::F32) {
            let same = self.written(&arguments, &values, fresh(Some(DType::F64)));
            self.expect_same("out of a wider dtype", same);
        }
        let refused = self.other_shape(&arguments, &values);
        self.expect_refusal("out of another shape", refused, ErrorKind::Shape);
        if let Some(refused) = self.overlapping(&arguments, &values) {
            self.expect_refusal("out that overlaps an operand in part", refused, ErrorKind::Alias);
        }
    }

    fn call_out(&mut self, arguments: &Arguments, out: &[Tensor]) -> Result<()> {
        self.seed();
        self.calls += 1;
        self.subject.call_out(arguments, out)
    }

    fn written(
        &mut self,
        arguments: &Arguments,
        values: &[Tensor],
        out: Result<Vec<Tensor>>,
    ) -> Result<bool> {
        let out = out?;
        self.call_out(arguments, &out)?;
        for (value, out) in values.iter().zip(&out) {
            if !same(&value.to_dtype(out.dtype())?, out)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Every second element of the last dim, in a tensor whose others must stay zero.
    fn strided(&mut self, arguments: &Arguments, values: &[Tensor]) -> Result<bool> {
        let (mut outs, mut others) = (Vec::new(), Vec::new());
        for value in values {
            let mut shape = value.shape().to_vec();
            let Some(last) = shape.last_mut() else { return Ok(true) };
            *last *= 2;
            let whole = Tensor::zeros(&shape, value.dtype())?;
            outs.push(whole.slice(-1, None, None, 2)?);
            others.push(whole.slice(-1, Some(1), None, 2)?);
        }
        let same = self.written(arguments, values, Ok(outs))?;
        for other in &others {
            if other.to_f64_vec()?.into_iter().any(|v| v != 0.0) {
                return Err(TensorError::new(
                    ErrorKind::Internal,
                    "conformance",
                    "elements beside out changed",
                ));
            }
        }
        Ok(same)
    }

    fn other_shape(&mut self, arguments: &Arguments, values: &[Tensor]) -> Result<()> {
        let larger = |value: &Tensor| {
            let mut shape = value.shape().to_vec();
            match shape.first_mut() {
                Some(first) => *first += 1,
                None => shape.push(2),
            }
            Tensor::zeros(&shape, value.dtype())
        };
        let outs = values.iter().map(larger).collect::<Result<Vec<_>>>()?;
        self.call_out(arguments, &outs)
    }

    /// The first operand and the result lie one element apart in one memory. `None` where they cannot.
    fn overlapping(&mut self, arguments: &Arguments, values: &[Tensor]) -> Option<Result<()>> {
        let ([value], Some(x)) = (values, arguments.tensor(0)) else { return None };
        if x.shape() != value.shape() || x.dtype() != value.dtype() || x.numel() < 2 {
            return None;
        }
        let views = || -> Result<(Tensor, Tensor)> {
            let n = x.numel();
            let sizes: Vec<isize> = x.shape().iter().map(|&n| n as isize).collect();
            let memory = Tensor::zeros(&[n + 1], x.dtype())?;
            let operand = memory.narrow(0, 0, n)?.view(&sizes)?;
            operand.copy_(x)?;
            Ok((operand, memory.narrow(0, 1, n)?.view(&sizes)?))
        };
        Some(views().and_then(|(operand, out)| self.call_out(&arguments.with_first(operand), &[out])))
    }

    fn expect_refusal(&mut self, form: &str, ended: Result<()>, kind: ErrorKind) {
        match ended {
            Err(e) if e.kind() == kind => {}
            Err(e) => self.fail(form, format!("error of kind {:?}, expected {kind:?}: {e}", e.kind())),
            Ok(()) => self.fail(form, "was not refused"),
        }
    }
}

fn same(a: &Tensor, b: &Tensor) -> Result<bool> {
    Ok(dense(a)?.same_bits(&dense(b)?))
}

//! The judge under judgement: ops that are wrong in one way each, every one of which it must catch.

use super::*;
use crate::reference::load;
use rusttorch::catalogue::Value;
use rusttorch::{DType, ErrorKind, Result, TensorError};
use rusttorch_backend_naive::Naive;

/// A way for an op to be wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mistake {
    None,
    // Values.
    OneUnitOff,
    OtherDtype,
    OtherShape,
    OneOutputMore,
    NoOutput,
    WrongWhereStrided,
    WritesToOperand,
    // Errors.
    NoError,
    OtherError,
    // Gradients.
    NoGradient,
    DoubledGradient,
    NoSecondGradient,
    // In place.
    InPlaceLeavesTarget,
    InPlaceReturnsCopy,
    InPlaceNeverRefuses,
    InPlaceAlwaysRefuses,
    // Given tensors.
    OutUnwritten,
    OutFillsGaps,
    OutTakesAnyShape,
    OutTakesAnyDtype,
    OutTakesOverlap,
    OutRefuses,
}
use Mistake::*;

/// `torch.mul`, or another op, with a mistake.
struct Wrong(&'static Op, Mistake);

fn refuse(kind: ErrorKind) -> Result<Value> {
    Err(TensorError::new(kind, "mul", "refused by mistake"))
}

impl Wrong {
    /// The value, spoilt.
    fn spoilt(&self, arguments: &Arguments) -> Result<Value> {
        let right = Op::call(self.0, &arguments.positional, &arguments.named())?;
        let (Some(y), Some(x)) = (right.tensor(), arguments.tensor(0)) else { return Ok(right) };
        Ok(match self.1 {
            OneUnitOff => y.mul(1.0 + f64::from(f32::EPSILON))?.into(),
            OtherDtype => y.to_dtype(DType::F64)?.into(),
            OtherShape => y.unsqueeze(0)?.into(),
            OneOutputMore => vec![y.clone(), y.clone()].into(),
            NoOutput => Value::None,
            WrongWhereStrided if !x.is_contiguous() => y.add(1.0)?.into(),
            WritesToOperand => {
                x.detach().fill_(0.5)?;
                right
            }
            NoGradient => y.detach().into(),
            DoubledGradient => y.add(&y.sub(&y.detach())?)?.into(),
            NoSecondGradient => self.linear(arguments, y)?.into(),
            _ => right,
        })
    }

    /// `a b` about this point: the same value and gradient, which itself is constant.
    fn linear(&self, arguments: &Arguments, y: &Tensor) -> Result<Tensor> {
        let (Some(a), Some(b)) = (arguments.tensor(0), arguments.tensor(1)) else { return Ok(y.clone()) };
        let slope = a.sub(&a.detach())?.mul(&b.detach())?.add(&b.sub(&b.detach())?.mul(&a.detach())?)?;
        y.detach().add(&slope)
    }
}

impl Subject for Wrong {
    fn op(&self) -> Option<&'static Op> {
        Some(self.0)
    }

    fn call(&self, arguments: &Arguments) -> Result<Value> {
        let ended = self.spoilt(arguments);
        match self.1 {
            NoError if ended.is_err() => Ok(Value::from(&arguments.tensor(0).unwrap().detach())),
            OtherError if ended.is_err() => refuse(ErrorKind::Index),
            _ => ended,
        }
    }

    fn call_in_place(&self, arguments: &Arguments) -> Result<Value> {
        let target = arguments.tensor(0).unwrap();
        let right = || self.0.call_in_place(&arguments.positional, &arguments.named());
        match self.1 {
            InPlaceLeavesTarget => Ok(target.into()),
            InPlaceReturnsCopy => right().map(|_| target.copy().unwrap().into()),
            InPlaceNeverRefuses => right().or_else(|_| Ok(target.into())),
            InPlaceAlwaysRefuses => refuse(ErrorKind::Shape),
            _ => right(),
        }
    }

    fn call_out(&self, arguments: &Arguments, out: &[Tensor]) -> Result<()> {
        let right = || self.0.call_out(&arguments.positional, &arguments.named(), out).map(drop);
        let value = || Op::call(self.0, &arguments.positional, &arguments.named());
        match self.1 {
            OutUnwritten => Ok(()),
            OutRefuses => refuse(ErrorKind::Value).map(drop),
            OutTakesAnyShape if out[0].shape() != value()?.tensor().unwrap().shape() => Ok(()),
            OutTakesAnyDtype if out[0].dtype() != value()?.tensor().unwrap().dtype() => Ok(()),
            OutTakesOverlap if out[0].shares_storage(arguments.tensor(0).unwrap()) => Ok(()),
            OutFillsGaps if !out[0].is_contiguous() => {
                right()?;
                let gaps = out[0].numel() * 2 - 1;
                out[0].as_strided(&[gaps], &[1], 0)?.fill_(7.0).map(drop)
            }
            _ => right(),
        }
    }
}

/// The first recorded case of an op that is as wanted.
fn case(family: &str, op: &str, wanted: impl Fn(&Case) -> bool) -> Case {
    load(family).unwrap().into_iter().find(|c| c.op == op && wanted(c)).unwrap()
}

fn failures(case: &Case, mistake: Mistake) -> Vec<String> {
    let naive: Arc<dyn Backend> = Arc::new(Naive::new());
    let subject = Wrong(op_of(case).unwrap(), mistake);
    match with_backend(naive.clone(), || judge(&*naive, case, &subject, true)).status {
        Status::Failed(lines) => lines,
        _ => Vec::new(),
    }
}

fn is_f32(case: &Case) -> bool {
    let tensors: Vec<_> = case.tensors().collect();
    tensors.iter().all(|t| t.dtype() == DType::F32 && t.shape().len() == 1 && t.numel() > 2)
}

#[test]
fn every_mistake_is_caught() {
    let values = case("binary", "torch.mul", |c| is_f32(c) && c.gradients.is_some());
    let errors = case("binary", "torch.mul", |c| matches!(c.outcome, Outcome::Raises(_)));
    let second = case("binary", "torch.mul", |c| c.gradients.as_ref().is_some_and(|g| g.second.is_some()));
    let grows = case("binary", "torch.mul", |c| match (&c.outcome, c.tensor(0)) {
        (Outcome::Values(v), Some(x)) => v[0].shape() != x.shape(),
        _ => false,
    });
    for case in [&values, &errors, &second, &grows] {
        assert_eq!(failures(case, None), Vec::<String>::new(), "{}", case.label());
    }
    for (case, mistake, said) in [
        (&values, OneUnitOff, "contiguous: output 0"),
        (&values, OtherDtype, "dtype: got float64"),
        (&values, OtherShape, "shape: got [1, "),
        (&values, OneOutputMore, "2 outputs, expected 1"),
        (&values, NoOutput, "0 outputs, expected 1"),
        (&values, WrongWhereStrided, "mixed: output 0"),
        (&values, WritesToOperand, "tensor 0 of the arguments was written to"),
        (&errors, NoError, "no error, expected RuntimeError"),
        (&errors, OtherError, "error of kind Index, expected RuntimeError"),
        (&values, NoGradient, "gradient"),
        (&values, DoubledGradient, "gradient 0, contiguous"),
        (&second, NoSecondGradient, "second gradient"),
        (&values, InPlaceLeavesTarget, "in place, contiguous: differs from the functional form"),
        (&values, InPlaceReturnsCopy, "in place, mixed: does not return its target"),
        (&grows, InPlaceNeverRefuses, "no error though the target would have to change"),
        (&errors, InPlaceNeverRefuses, "no error though the functional form is one"),
        (&values, InPlaceAlwaysRefuses, "in place, contiguous: error"),
        (&values, OutUnwritten, "out: differs from the functional form"),
        (&values, OutFillsGaps, "elements beside out changed"),
        (&values, OutTakesAnyShape, "out of another shape: was not refused"),
        (&values, OutTakesAnyDtype, "out of a wider dtype: differs"),
        (&values, OutTakesOverlap, "out that overlaps an operand in part: was not refused"),
        (&values, OutRefuses, "out: error"),
    ] {
        let found = failures(case, mistake);
        assert!(found.iter().any(|line| line.contains(said)), "{mistake:?}: {found:#?}");
    }
}

#[test]
fn a_number_is_judged_as_a_tensor_of_rank_zero() {
    for (value, dtype) in
        [(Value::from(true), DType::Bool), (3i64.into(), DType::I64), (0.5.into(), DType::F64)]
    {
        let dense = output(&value).unwrap();
        assert_eq!((dense.dtype(), dense.shape()), (dtype, &[][..]));
    }
    let nested: Value =
        vec![Value::None, vec![Value::from(1i64), 2i64.into()].into(), DType::F16.into()].into();
    assert_eq!(flat(nested).len(), 3);
}

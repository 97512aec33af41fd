//! Functions that take their arguments without the catalogue's way from Python's objects to values, which for a small layer
//! takes as long as the layer itself.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use rusttorch::catalogue::Op;
use rusttorch::nn::functional;

use crate::call::{Form, detached, work_of_products};
use crate::tensor::PyTensor;
use crate::value::tensor;

/// The op on positional arguments; `None` for arguments that it leaves to the catalogue.
pub(crate) type Direct = for<'py> fn(&Bound<'py, PyTuple>) -> Option<PyResult<Bound<'py, PyAny>>>;

/// The function of an op, if it has one.
pub(crate) fn function(op: &'static Op, form: Form) -> Option<Direct> {
    match (op.path, form) {
        ("torch.nn.functional.linear", Form::Value) => Some(linear),
        _ => None,
    }
}

fn linear<'py>(args: &Bound<'py, PyTuple>) -> Option<PyResult<Bound<'py, PyAny>>> {
    let py = args.py();
    let mut args = args.iter_borrowed();
    let (x, weight, bias) = (args.next()?, args.next()?, args.next().filter(|bias| !bias.is_none()));
    if args.next().is_some() {
        return None;
    }
    let (x, weight) = (&x.cast::<PyTensor>().ok()?.get().0, &weight.cast::<PyTensor>().ok()?.get().0);
    let bias = match &bias {
        Some(bias) => Some(&bias.cast::<PyTensor>().ok()?.get().0),
        None => None,
    };
    let out = detached(py, work_of_products(x, weight), || functional::linear(x, weight, bias));
    Some(out.and_then(|out| tensor(py, out)))
}

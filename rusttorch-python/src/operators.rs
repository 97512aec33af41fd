//! Python's operators.

#![allow(
    unsafe_op_in_unsafe_fn,
    reason = "what PyO3 generates looks like ours where a macro of ours names the methods"
)]

use pyo3::basic::CompareOp;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use rusttorch::{Operand, Result, Tensor};

use crate::call::{Form, call, detached, work_of_products};
use crate::tensor::PyTensor;
use crate::value::{plain_number, tensor};

/// `x op other` by a method of the frontend, without a detour: the operators that programs are made of.
#[inline]
fn direct<'py>(
    x: &Bound<'py, PyTensor>,
    other: &Bound<'py, PyAny>,
    op: impl Fn(&Tensor, Operand<'_>) -> Result<Tensor> + Send + Sync,
) -> PyResult<Bound<'py, PyAny>> {
    let py = x.py();
    let x = &x.get().0;
    if let Ok(other) = other.cast::<PyTensor>() {
        let other = &other.get().0;
        let work = x.numel().max(other.numel());
        return tensor(py, detached(py, work, || op(x, Operand::Tensor(other)))?);
    }
    match plain_number(other)? {
        Some(s) => tensor(py, detached(py, x.numel(), || op(x, Operand::Scalar(s)))?),
        None => other_number(x, other, op),
    }
}

/// Numbers of other packages take part as Python's do; the rest is for the other operand to answer.
#[cold]
fn other_number<'py>(
    x: &Tensor,
    other: &Bound<'py, PyAny>,
    op: impl Fn(&Tensor, Operand<'_>) -> Result<Tensor> + Send + Sync,
) -> PyResult<Bound<'py, PyAny>> {
    let py = other.py();
    match crate::value::from_python(other) {
        Ok(rusttorch::catalogue::Value::Scalar(s)) => {
            tensor(py, detached(py, x.numel(), || op(x, Operand::Scalar(s)))?)
        }
        Ok(rusttorch::catalogue::Value::Tensor(t)) => {
            tensor(py, detached(py, x.numel(), || op(x, Operand::Tensor(&t)))?)
        }
        _ => Ok(py.NotImplemented().into_bound(py)),
    }
}

/// An operator by its op of the catalogue.
fn by_path<'py>(
    path: &'static str,
    form: Form,
    arguments: [&Bound<'py, PyAny>; 2],
) -> PyResult<Bound<'py, PyAny>> {
    let py = arguments[0].py();
    // Whatever is no operand of ops is for its own class to answer for.
    for argument in arguments {
        if argument.cast::<PyTensor>().is_err() && !is_operand(argument) {
            return Ok(py.NotImplemented().into_bound(py));
        }
    }
    let op = rusttorch::catalogue::find(path).ok_or_else(|| {
        PyRuntimeError::new_err(format!("this is a bug in RustTorch, please report it: {path}"))
    })?;
    call(py, op, form, None, &PyTuple::new(py, arguments)?, None)
}

fn is_operand(argument: &Bound<'_, PyAny>) -> bool {
    use rusttorch::catalogue::Value;
    matches!(crate::value::from_python(argument), Ok(Value::Scalar(_) | Value::Tensor(_)))
}

/// Methods that call an op with the tensor on the left, on the right, or as the target.
macro_rules! operators {
    ($($name:ident => $path:literal, $form:ident, $order:ident;)*) => {
        #[pymethods]
        impl PyTensor {
            $(
                fn $name<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
                    by_path($path, Form::$form, operators!(@ $order slf other))
                }
            )*
        }
    };
    (@ left $slf:ident $other:ident) => { [$slf.as_any(), $other] };
    (@ right $slf:ident $other:ident) => { [$other, $slf.as_any()] };
}

operators! {
    __floordiv__ => "torch.floor_divide", Value, left;
    __rfloordiv__ => "torch.floor_divide", Value, right;
    __mod__ => "torch.remainder", Value, left;
    __rmod__ => "torch.remainder", Value, right;
    __and__ => "torch.bitwise_and", Value, left;
    __rand__ => "torch.bitwise_and", Value, right;
    __or__ => "torch.bitwise_or", Value, left;
    __ror__ => "torch.bitwise_or", Value, right;
    __xor__ => "torch.bitwise_xor", Value, left;
    __rxor__ => "torch.bitwise_xor", Value, right;
    __lshift__ => "torch.bitwise_left_shift", Value, left;
    __rlshift__ => "torch.bitwise_left_shift", Value, right;
    __rshift__ => "torch.bitwise_right_shift", Value, left;
    __rrshift__ => "torch.bitwise_right_shift", Value, right;
    __rmatmul__ => "torch.matmul", Value, right;
}

/// The in-place operators, whose result takes the place of the left operand by itself.
macro_rules! in_place_operators {
    ($($name:ident => $path:literal;)*) => {
        #[pymethods]
        impl PyTensor {
            $(
                fn $name<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<()> {
                    let out = by_path($path, Form::InPlace, [slf.as_any(), other])?;
                    if out.is(slf) { Ok(()) } else { Err(unsupported($path, other)) }
                }
            )*
        }
    };
}

#[cold]
fn unsupported(path: &str, other: &Bound<'_, PyAny>) -> PyErr {
    let class = other.get_type().name().map_or_else(|_| "object".to_owned(), |n| n.to_string());
    pyo3::exceptions::PyTypeError::new_err(format!("{path} in place: unsupported operand of type '{class}'"))
}

in_place_operators! {
    __iadd__ => "torch.add";
    __isub__ => "torch.sub";
    __imul__ => "torch.mul";
    __itruediv__ => "torch.div";
    __ifloordiv__ => "torch.floor_divide";
    __imod__ => "torch.remainder";
    __iand__ => "torch.bitwise_and";
    __ior__ => "torch.bitwise_or";
    __ixor__ => "torch.bitwise_xor";
    __ilshift__ => "torch.bitwise_left_shift";
    __irshift__ => "torch.bitwise_right_shift";
}

#[pymethods]
impl PyTensor {
    fn __add__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        direct(slf, other, |x, other| x.add(other))
    }

    fn __radd__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        direct(slf, other, |x, other| x.add(other))
    }

    fn __sub__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        direct(slf, other, |x, other| x.sub(other))
    }

    fn __rsub__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        direct(slf, other, |x, other| x.rsub(other, 1i64))
    }

    fn __mul__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        direct(slf, other, |x, other| x.mul(other))
    }

    fn __rmul__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        direct(slf, other, |x, other| x.mul(other))
    }

    fn __truediv__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        direct(slf, other, |x, other| x.div(other))
    }

    fn __rtruediv__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        direct(slf, other, |x, other| x.reciprocal()?.mul(other))
    }

    fn __matmul__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let Ok(other) = other.cast::<PyTensor>() else { return Ok(py.NotImplemented().into_bound(py)) };
        let (a, b) = (&slf.get().0, &other.get().0);
        tensor(py, detached(py, work_of_products(a, b), || a.matmul(b))?)
    }

    fn __pow__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        modulo: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = modulo;
        by_path("torch.pow", Form::Value, [slf.as_any(), other])
    }

    fn __rpow__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        modulo: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = modulo;
        by_path("torch.pow", Form::Value, [other, slf.as_any()])
    }

    fn __ipow__(
        slf: &Bound<'_, Self>,
        other: &Bound<'_, PyAny>,
        modulo: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let _ = modulo;
        let out = by_path("torch.pow", Form::InPlace, [slf.as_any(), other])?;
        if out.is(slf) { Ok(()) } else { Err(unsupported("torch.pow", other)) }
    }

    fn __neg__(&self, py: Python<'_>) -> PyResult<PyTensor> {
        detached(py, self.0.numel(), || self.0.neg()).map(PyTensor::of)
    }

    fn __pos__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        crate::error::guard(|| slf.get().0.positive())?;
        Ok(slf.clone())
    }

    fn __abs__(&self, py: Python<'_>) -> PyResult<PyTensor> {
        detached(py, self.0.numel(), || self.0.abs()).map(PyTensor::of)
    }

    fn __invert__(&self, py: Python<'_>) -> PyResult<PyTensor> {
        detached(py, self.0.numel(), || self.0.bitwise_not()).map(PyTensor::of)
    }

    fn __richcmp__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        op: CompareOp,
    ) -> PyResult<Bound<'py, PyAny>> {
        match op {
            CompareOp::Lt => direct(slf, other, |x, other| x.lt(other)),
            CompareOp::Le => direct(slf, other, |x, other| x.le(other)),
            CompareOp::Eq => direct(slf, other, |x, other| x.eq(other)),
            CompareOp::Ne => direct(slf, other, |x, other| x.ne(other)),
            CompareOp::Gt => direct(slf, other, |x, other| x.gt(other)),
            CompareOp::Ge => direct(slf, other, |x, other| x.ge(other)),
        }
    }
}

//! Activations beyond the recorded cases: in-place forms and their gradients, the `inplace` of the catalogue,
//! modules, and what errors say.

#![allow(clippy::unwrap_used, reason = "a failing test should stop")]

use rusttorch::autograd::{GradOptions, grad};
use rusttorch::backend::ops::Activation;
use rusttorch::catalogue::{self, Value};
use rusttorch::nn::{GLU, Module, PReLU, Threshold};
use rusttorch::{DType, ErrorKind, Result, Tensor, manual_seed};

fn x() -> Tensor {
    Tensor::from_slice(&[-4.0, -1.3, -0.2, 0.0, 0.3, 0.9, 2.5, 7.0], &[2, 4]).unwrap()
}

type Form = fn(&Tensor) -> Result<Tensor>;

/// A function and its in-place form.
macro_rules! pairs {
    ($($method:ident $assign:ident ($($arg:expr),*);)*) => {
        [$((stringify!($method), (|t: &Tensor| t.$method($($arg),*)) as Form, (|t: &Tensor| t.$assign($($arg),*)) as Form)),*]
    };
}

#[test]
fn in_place_forms_write_the_same_and_have_the_same_gradient() {
    let forms = pairs! {
        relu relu_ ();
        relu6 relu6_ ();
        leaky_relu leaky_relu_ (0.1);
        rrelu rrelu_ (0.125, 0.25);
        elu elu_ (-0.5);
        celu celu_ (1.5);
        selu selu_ ();
        silu silu_ ();
        mish mish_ ();
        hardtanh hardtanh_ (-1.0, 2.0);
        hardsigmoid hardsigmoid_ ();
        hardswish hardswish_ ();
        threshold threshold_ (0.5, 3.0);
    };
    for (name, value, in_place) in forms {
        let target = x();
        assert!(in_place(&target).unwrap().is_same(&target), "{name}");
        assert_eq!(target.to_vec::<f64>().unwrap(), value(&x()).unwrap().to_vec::<f64>().unwrap(), "{name}");

        let gradient = |form: Form| {
            let leaf = x().requires_grad_(true).unwrap();
            // A view of what is no leaf, and an op before that needs the value which is overwritten.
            let made = leaf.mul(1.5).unwrap();
            let y = form(&made.narrow(1, 1, 3).unwrap()).unwrap();
            let g =
                grad(&[&y.square().unwrap().sum().unwrap()], &[&leaf], &[], GradOptions::default()).unwrap();
            g[0].as_ref().unwrap().to_vec::<f64>().unwrap()
        };
        assert_eq!(gradient(in_place), gradient(value), "{name}");
    }
}

#[test]
fn integers_keep_their_dtype_in_place() {
    let ints = || Tensor::from_slice(&[-4i8, -1, 0, 3, 9], &[5]).unwrap();
    assert_eq!(ints().relu6_().unwrap().to_vec::<i8>().unwrap(), [0, 0, 0, 3, 6]);
    assert_eq!(ints().hardtanh_(-1.5, 3.9).unwrap().to_vec::<i8>().unwrap(), [-1, -1, 0, 3, 3]);
    assert_eq!(ints().threshold_(0.9, -7.0).unwrap().to_vec::<i8>().unwrap(), [-7, -7, -7, 3, 9]);
}

#[test]
fn inplace_by_name_writes_its_operand() {
    for path in [
        "relu",
        "relu6",
        "hardtanh",
        "hardswish",
        "hardsigmoid",
        "elu",
        "celu",
        "selu",
        "silu",
        "mish",
        "leaky_relu",
        "rrelu",
    ] {
        let op = catalogue::find(&format!("torch.nn.functional.{path}")).unwrap();
        let wanted = op.call(&[x().into()], &[]).unwrap();
        let target = x();
        let result = op.call(&[(&target).into()], &[("inplace", true.into())]).unwrap();
        assert!(result.tensor().unwrap().is_same(&target), "{path}");
        let values = |v: &Value| v.tensor().unwrap().to_vec::<f64>().unwrap();
        assert_eq!(values(&result), values(&wanted), "{path}");
    }
}

#[test]
fn rrelu_draws_what_is_not_positive_in_logical_order() {
    let draws = |t: &Tensor| {
        manual_seed(5);
        t.rrelu_training(0.25, 0.75).unwrap().to_vec::<f64>().unwrap()
    };
    let straight = draws(&x());
    let turned = x().transpose(0, 1).unwrap().contiguous().unwrap().transpose(0, 1).unwrap();
    assert!(!turned.is_contiguous());
    assert_eq!(draws(&turned), straight);
    for (y, x) in straight.iter().zip(x().to_vec::<f64>().unwrap()) {
        let slope = y / x;
        assert!(if x > 0.0 { slope == 1.0 } else { x == 0.0 || (0.25..0.75).contains(&slope) });
    }
    let target = x();
    manual_seed(5);
    target.rrelu_training_(0.25, 0.75).unwrap();
    assert_eq!(target.to_vec::<f64>().unwrap(), straight);
}

#[test]
fn modules() {
    let prelu = PReLU::new(4, 0.25).unwrap();
    let names: Vec<String> = prelu.named_parameters().into_iter().map(|(n, _)| n).collect();
    assert_eq!(names, ["weight"]);
    let input = x().to_dtype(DType::F32).unwrap();
    prelu.forward(&input).unwrap().sum().unwrap().backward().unwrap();
    assert_eq!(prelu.weight().grad().unwrap().to_vec::<f32>().unwrap(), [-4.0, -1.3, -0.2, 0.0]);
    assert_eq!(GLU::default().forward(&x()).unwrap().shape(), [2, 2]);
    let step = Threshold { threshold: 0.5, value: 0.0 };
    assert_eq!(step.forward(&x()).unwrap().to_vec::<f64>().unwrap()[5..], [0.9, 2.5, 7.0]);
}

#[test]
fn errors_name_the_op_the_rule_and_the_values() {
    let message = |r: Result<Tensor>, kind: ErrorKind| {
        let e = r.unwrap_err();
        assert_eq!(e.kind(), kind, "{e}");
        e.to_string()
    };
    assert_eq!(
        message(x().hardtanh(2.0, -1.0), ErrorKind::Argument),
        "hardtanh: min_val is greater than max_val: min_val 2, max_val -1"
    );
    assert_eq!(
        message(x().glu(0).unwrap().glu(0), ErrorKind::Shape),
        "glu: size along dim is odd: size 1, shape [1, 4]"
    );
    assert_eq!(
        message(x().prelu(&Tensor::ones(&[3], DType::F64).unwrap()), ErrorKind::Shape),
        "prelu: weight is neither one number nor one for each channel: input [2, 4], weight [3]"
    );
    let half = x().to_dtype(DType::F16).unwrap();
    let beyond = message(half.hardshrink(1e6), ErrorKind::Value);
    assert!(beyond.starts_with("hardshrink: ") && beyond.ends_with("parameter lambd"), "{beyond}");
    let bools = x().gt(0.0).unwrap();
    for &op in Activation::ALL {
        let op = catalogue::find(op.torch()).unwrap();
        let given: Vec<Value> = match op.name() {
            "threshold" => vec![(&bools).into(), 0.0.into(), 1.0.into()],
            _ => vec![(&bools).into()],
        };
        assert_eq!(op.call(&given, &[]).unwrap_err().kind(), ErrorKind::NotImplemented, "{op:?}");
    }
}

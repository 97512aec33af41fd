//! Activations.

use rusttorch_backend::{DType, ErrorKind, Result, TensorError};

use crate::catalogue::NONE;
use crate::catalogue::macros::rows;
use crate::tensor::Tensor;

/// The formula of gelu by its name.
fn gelu(input: &Tensor, approximate: &str) -> Result<Tensor> {
    match approximate {
        "none" => input.gelu(),
        "tanh" => input.gelu_tanh(),
        other => Err(TensorError::new(ErrorKind::Value, "gelu", "approximate is neither none nor tanh")
            .with("approximate", other.to_owned())),
    }
}

/// The dtype in which a softmax is computed: what was asked for, else the input's.
fn computed(input: &Tensor, dtype: Option<DType>) -> Result<Tensor> {
    match dtype {
        Some(dtype) => input.to_dtype(dtype),
        None => Ok(input.clone()),
    }
}

/// The dimension where none is given, as PyTorch still has it.
fn implicit(input: &Tensor, dim: Option<isize>) -> isize {
    dim.unwrap_or(match input.rank() {
        0 | 1 | 3 => 0,
        _ => 1,
    })
}

rows! { ROWS: Activations;
    "torch.celu" (input: Tensor, alpha: f64 = 1.0) => input.celu(alpha), in_place input.celu_(alpha);
    "torch.selu" (input: Tensor) => input.selu(), in_place input.selu_();
    "torch.hardshrink" (input: Tensor, lambd: f64 = 0.5) out => input.hardshrink(lambd);
    "torch.threshold" (input: Tensor, threshold: f64, value: f64) out
        => input.threshold(threshold, value), in_place input.threshold_(threshold, value);
    "torch.rrelu" (input: Tensor, lower: f64 = 1.0 / 8.0, upper: f64 = 1.0 / 3.0, training: bool = false)
        => if training { input.rrelu_training(lower, upper) } else { input.rrelu(lower, upper) },
        in_place if training { input.rrelu_training_(lower, upper) } else { input.rrelu_(lower, upper) };
    "torch.prelu" (input: Tensor, weight: Tensor) => input.prelu(&weight);
    "torch.softmax" (input: Tensor, dim: isize, dtype: Option<DType> = NONE) out
        => computed(&input, dtype).and_then(|x| x.softmax(dim));
    "torch.log_softmax" (input: Tensor, dim: isize, dtype: Option<DType> = NONE) out
        => computed(&input, dtype).and_then(|x| x.log_softmax(dim));

    "torch.nn.functional.relu" (input: Tensor, inplace: bool = false)
        => if inplace { input.relu_() } else { input.relu() }, in_place input.relu_();
    "torch.nn.functional.relu6" (input: Tensor, inplace: bool = false)
        => if inplace { input.relu6_() } else { input.relu6() }, in_place input.relu6_();
    "torch.nn.functional.hardtanh"
        (input: Tensor, min_val: f64 = -1.0, max_val: f64 = 1.0, inplace: bool = false)
        => if inplace { input.hardtanh_(min_val, max_val) } else { input.hardtanh(min_val, max_val) },
        in_place input.hardtanh_(min_val, max_val);
    "torch.nn.functional.hardsigmoid" (input: Tensor, inplace: bool = false)
        => if inplace { input.hardsigmoid_() } else { input.hardsigmoid() }, in_place input.hardsigmoid_();
    "torch.nn.functional.hardswish" (input: Tensor, inplace: bool = false)
        => if inplace { input.hardswish_() } else { input.hardswish() }, in_place input.hardswish_();
    "torch.nn.functional.softshrink" (input: Tensor, lambd: f64 = 0.5) out => input.softshrink(lambd);
    "torch.nn.functional.tanhshrink" (input: Tensor) => input.tanhshrink();
    "torch.nn.functional.threshold" (input: Tensor, threshold: f64, value: f64, inplace: bool = false)
        => if inplace { input.threshold_(threshold, value) } else { input.threshold(threshold, value) },
        in_place input.threshold_(threshold, value);
    "torch.nn.functional.leaky_relu" (input: Tensor, negative_slope: f64 = 0.01, inplace: bool = false)
        => if inplace { input.leaky_relu_(negative_slope) } else { input.leaky_relu(negative_slope) },
        in_place input.leaky_relu_(negative_slope);
    "torch.nn.functional.rrelu"
        (input: Tensor, lower: f64 = 1.0 / 8.0, upper: f64 = 1.0 / 3.0, training: bool = false, inplace: bool = false)
        => match (training, inplace) {
            (false, false) => input.rrelu(lower, upper),
            (false, true) => input.rrelu_(lower, upper),
            (true, false) => input.rrelu_training(lower, upper),
            (true, true) => input.rrelu_training_(lower, upper),
        },
        in_place if training { input.rrelu_training_(lower, upper) } else { input.rrelu_(lower, upper) };
    "torch.nn.functional.elu" (input: Tensor, alpha: f64 = 1.0, inplace: bool = false)
        => if inplace { input.elu_(alpha) } else { input.elu(alpha) }, in_place input.elu_(alpha);
    "torch.nn.functional.celu" (input: Tensor, alpha: f64 = 1.0, inplace: bool = false)
        => if inplace { input.celu_(alpha) } else { input.celu(alpha) }, in_place input.celu_(alpha);
    "torch.nn.functional.selu" (input: Tensor, inplace: bool = false)
        => if inplace { input.selu_() } else { input.selu() }, in_place input.selu_();
    "torch.nn.functional.silu" (input: Tensor, inplace: bool = false)
        => if inplace { input.silu_() } else { input.silu() }, in_place input.silu_();
    "torch.nn.functional.mish" (input: Tensor, inplace: bool = false)
        => if inplace { input.mish_() } else { input.mish() }, in_place input.mish_();
    "torch.nn.functional.gelu" (input: Tensor; approximate: String = "none") out => gelu(&input, &approximate);
    "torch.nn.functional.softplus" (input: Tensor, beta: f64 = 1.0, threshold: f64 = 20.0) out
        => input.softplus(beta, threshold);
    "torch.nn.functional.softsign" (input: Tensor) => input.softsign();
    "torch.nn.functional.logsigmoid" (input: Tensor) out => input.logsigmoid();
    "torch.nn.functional.glu" (input: Tensor, dim: isize = -1) => input.glu(dim);
    "torch.nn.functional.softmax"
        (input: Tensor, dim: Option<isize> = NONE, _stacklevel: i64 = 3, dtype: Option<DType> = NONE)
        => computed(&input, dtype).and_then(|x| x.softmax(implicit(&x, dim)));
    "torch.nn.functional.log_softmax"
        (input: Tensor, dim: Option<isize> = NONE, _stacklevel: i64 = 3, dtype: Option<DType> = NONE)
        => computed(&input, dtype).and_then(|x| x.log_softmax(implicit(&x, dim)));
    "torch.nn.functional.softmin"
        (input: Tensor, dim: Option<isize> = NONE, _stacklevel: i64 = 3, dtype: Option<DType> = NONE)
        => input.neg().and_then(|x| computed(&x, dtype)).and_then(|x| x.softmax(implicit(&x, dim)));
}

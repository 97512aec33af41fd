//! Rearranging.

use rusttorch_backend::{ErrorKind, Result, Scalar, Shape, TensorError};

use super::convert::{count, refs, sizes, wrong_kind};
use crate::catalogue::macros::rows;
use crate::catalogue::value::{Parameter, Tensors};
use crate::catalogue::{NONE, Value};
use crate::nn::functional::{self as nn, PadMode};
use crate::ops::{Dims, Repeats};
use crate::tensor::Tensor;

/// How often something is repeated. Error: `Shape` where it is negative.
fn repeats(op: &'static str, repeats: &[isize]) -> Result<Shape> {
    sizes(op, repeats)
}

/// `torch.repeat_interleave(input, repeats, dim)`, and `torch.repeat_interleave(repeats)`.
fn repeat_interleave(
    input: &Tensor,
    repeats: &Value,
    dim: Option<isize>,
    output_size: Option<usize>,
) -> Result<Tensor> {
    const OP: &str = "repeat_interleave";
    match repeats {
        Value::None if dim.is_none() => input.repeats_to_index(output_size),
        Value::Tensor(t) => input.repeat_interleave(t, dim, output_size),
        n => {
            let n = isize::of(n).ok_or_else(|| wrong_kind(OP, "repeats", n))?;
            input.repeat_interleave(Repeats::Times(count(OP, "repeats", n)?), dim, output_size)
        }
    }
}

/// Two dims to rotate in. Error: `Shape` for another number of them.
fn plane(dims: &[isize]) -> Result<[isize; 2]> {
    dims.try_into()
        .map_err(|_| TensorError::new(ErrorKind::Shape, "rot90", "needs two dimensions").with("dims", dims))
}

/// Shifts and dims of `torch.roll`.
fn roll(input: &Tensor, shifts: &[isize], dims: Option<Vec<isize>>) -> Result<Tensor> {
    input.roll(shifts, dims.map_or_else(Dims::all, |d| Dims::from(&d[..])))
}

/// `torch.nn.functional.pad`'s word. Error: `NotImplemented`.
fn mode(word: &str) -> Result<PadMode> {
    Ok(match word {
        "constant" => PadMode::Constant,
        "reflect" => PadMode::Reflect,
        "replicate" => PadMode::Replicate,
        "circular" => PadMode::Circular,
        other => {
            return Err(TensorError::new(ErrorKind::NotImplemented, "pad", "unknown mode")
                .with("mode", other.to_owned()));
        }
    })
}

rows! { ROWS: Rearranging;
    "torch.cat" (tensors: Vec<Tensor>, dim: isize = 0) out => Tensor::cat(&refs(&tensors), dim);
    "torch.concat" (tensors: Vec<Tensor>, dim: isize = 0) out => Tensor::cat(&refs(&tensors), dim);
    "torch.concatenate" (tensors: Vec<Tensor>, dim: isize = 0) out => Tensor::cat(&refs(&tensors), dim);
    "torch.stack" (tensors: Vec<Tensor>, dim: isize = 0) out => Tensor::stack(&refs(&tensors), dim);
    "torch.hstack" (tensors: Vec<Tensor>) out => Tensor::hstack(&refs(&tensors));
    "torch.vstack" (tensors: Vec<Tensor>) out => Tensor::vstack(&refs(&tensors));
    "torch.row_stack" (tensors: Vec<Tensor>) out => Tensor::vstack(&refs(&tensors));
    "torch.dstack" (tensors: Vec<Tensor>) out => Tensor::dstack(&refs(&tensors));
    "torch.column_stack" (tensors: Vec<Tensor>) out => Tensor::column_stack(&refs(&tensors));
    "torch.block_diag" (tensors: Tensors) => Tensor::block_diag(&refs(&tensors.0));
    "torch.tile" (input: Tensor, dims: Vec<isize>) => input.tile(&repeats("tile", &dims)?);
    "torch.Tensor.repeat" (input: Tensor, repeats: Vec<isize>)
        => input.repeat(&self::repeats("repeat", &repeats)?);
    "torch.repeat_interleave"
        (input: Tensor, repeats: Value = NONE, dim: Option<isize> = NONE; output_size: Option<usize> = NONE)
        => repeat_interleave(&input, &repeats, dim, output_size);
    "torch.flip" (input: Tensor, dims: Vec<isize>) => input.flip(dims);
    "torch.fliplr" (input: Tensor) => input.fliplr();
    "torch.flipud" (input: Tensor) => input.flipud();
    "torch.roll" (input: Tensor, shifts: Vec<isize>, dims: Option<Vec<isize>> = NONE)
        => roll(&input, &shifts, dims);
    "torch.rot90" (input: Tensor, k: isize = 1, dims: Vec<isize> = vec![0, 1])
        => input.rot90(k, plane(&dims)?);
    "torch.nn.functional.pad"
        (input: Tensor, pad: Vec<isize>, mode: String = "constant", value: Option<f64> = NONE)
        => nn::pad(&input, &pad, self::mode(&mode)?, value.unwrap_or(0.0));
    "torch.constant_pad_nd" (input: Tensor, pad: Vec<isize>, value: Scalar = 0)
        => input.constant_pad_nd(&pad, value);
}

//! Views.

use rusttorch_backend::{Result, Strides};

use super::convert::{count, each, refs, sections, sizes, start, wrong_kind};
use crate::catalogue::macros::rows;
use crate::catalogue::value::{Parameter, Tensors};
use crate::catalogue::{NONE, Value};
use crate::tensor::Tensor;

/// `torch.split`: pieces of one size, or of a list of sizes.
fn split(tensor: &Tensor, size: &Value, dim: isize) -> Result<Vec<Tensor>> {
    match isize::of(size) {
        Some(n) => tensor.split(count("split", "size", n)?, dim),
        None => {
            let list = Vec::<isize>::of(size).ok_or_else(|| wrong_kind("split", "sizes", size))?;
            tensor.split_with_sizes(&sizes("split", &list)?, dim)
        }
    }
}

/// `Tensor.view`: another shape, or another dtype.
fn view(input: &Tensor, to: &Value) -> Result<Tensor> {
    match to {
        Value::DType(dtype) => input.view_dtype(*dtype),
        shape => input.view(Vec::<isize>::of(shape).ok_or_else(|| wrong_kind("view", "shape", shape))?),
    }
}

fn as_strided(
    input: &Tensor,
    size: &[isize],
    stride: Vec<isize>,
    storage_offset: Option<isize>,
) -> Result<Tensor> {
    let offset = match storage_offset {
        Some(offset) => count("as_strided", "storage_offset", offset)?,
        None => input.layout().offset(),
    };
    input.as_strided(&sizes("as_strided", size)?, &Strides::from(stride), offset)
}

rows! { ROWS: Views;
    "torch.reshape" (input: Tensor, shape: Vec<isize>) => input.reshape(shape);
    "torch.Tensor.view" (input: Tensor, shape: Value) => view(&input, &shape);
    "torch.Tensor.view_as" (input: Tensor, other: Tensor) => input.view_as(&other);
    "torch.Tensor.reshape_as" (input: Tensor, other: Tensor) => input.reshape_as(&other);
    "torch.flatten" (input: Tensor, start_dim: isize = 0, end_dim: isize = -1)
        => input.flatten_dims(start_dim, end_dim);
    "torch.ravel" (input: Tensor) => input.ravel();
    "torch.unflatten" (input: Tensor, dim: isize, sizes: Vec<isize>) => input.unflatten(dim, sizes);
    "torch.transpose" (input: Tensor, dim0: isize, dim1: isize) => input.transpose(dim0, dim1);
    "torch.swapaxes" (input: Tensor, axis0: isize, axis1: isize) => input.swapaxes(axis0, axis1);
    "torch.swapdims" (input: Tensor, dim0: isize, dim1: isize) => input.swapdims(dim0, dim1);
    "torch.permute" (input: Tensor, dims: Vec<isize>) => input.permute(dims);
    "torch.movedim" (input: Tensor, source: Vec<isize>, destination: Vec<isize>)
        => input.movedim(source, destination);
    "torch.moveaxis" (input: Tensor, source: Vec<isize>, destination: Vec<isize>)
        => input.moveaxis(source, destination);
    "torch.t" (input: Tensor) => input.t();
    "torch.Tensor.T" (input: Tensor) => input.numpy_t();
    "torch.Tensor.mT" (input: Tensor) => input.mt();
    "torch.Tensor.H" (input: Tensor) => input.matrix_h();
    "torch.Tensor.mH" (input: Tensor) => input.mh();
    "torch.adjoint" (input: Tensor) => input.mh();
    "torch.squeeze" (input: Tensor, dim: Option<Vec<isize>> = NONE)
        => match dim { Some(dims) => input.squeeze_dims(dims), None => input.squeeze_all() };
    "torch.unsqueeze" (input: Tensor, dim: isize) => input.unsqueeze(dim);
    "torch.atleast_1d" (tensors: Value) => each("atleast_1d", &tensors, Tensor::atleast_1d);
    "torch.atleast_2d" (tensors: Value) => each("atleast_2d", &tensors, Tensor::atleast_2d);
    "torch.atleast_3d" (tensors: Value) => each("atleast_3d", &tensors, Tensor::atleast_3d);
    "torch.Tensor.expand" (input: Tensor, size: Vec<isize>) => input.expand(size);
    "torch.Tensor.expand_as" (input: Tensor, other: Tensor) => input.expand_as(&other);
    "torch.broadcast_to" (input: Tensor, size: Vec<isize>) => input.expand(size);
    "torch.broadcast_tensors" (tensors: Tensors) => Tensor::broadcast_tensors(&refs(&tensors.0));
    "torch.narrow" (input: Tensor, dim: isize, start: Value, length: isize)
        => input.narrow(dim, self::start(&start)?, count("narrow", "length", length)?);
    "torch.select" (input: Tensor, dim: isize, index: isize) => input.select(dim, index);
    "torch.split" (tensor: Tensor, split_size_or_sections: Value, dim: isize = 0)
        => split(&tensor, &split_size_or_sections, dim);
    "torch.split_with_sizes" (input: Tensor, split_sizes: Vec<isize>, dim: isize = 0)
        => input.split_with_sizes(&sizes("split", &split_sizes)?, dim);
    "torch.chunk" (input: Tensor, chunks: isize, dim: isize = 0)
        => input.chunk(count("chunk", "chunks", chunks)?, dim);
    "torch.tensor_split" (input: Tensor, indices_or_sections: Value, dim: isize = 0)
        => input.tensor_split(sections("tensor_split", &indices_or_sections)?, dim);
    "torch.hsplit" (input: Tensor, indices_or_sections: Value)
        => input.hsplit(sections("hsplit", &indices_or_sections)?);
    "torch.vsplit" (input: Tensor, indices_or_sections: Value)
        => input.vsplit(sections("vsplit", &indices_or_sections)?);
    "torch.dsplit" (input: Tensor, indices_or_sections: Value)
        => input.dsplit(sections("dsplit", &indices_or_sections)?);
    "torch.unbind" (input: Tensor, dim: isize = 0) => input.unbind(dim);
    "torch.diagonal" (input: Tensor, offset: isize = 0, dim1: isize = 0, dim2: isize = 1)
        => input.diagonal(offset, dim1, dim2);
    "torch.Tensor.unfold" (input: Tensor, dimension: isize, size: isize, step: isize)
        => input.unfold(dimension, count("unfold", "size", size)?, count("unfold", "step", step)?);
    "torch.as_strided"
        (input: Tensor, size: Vec<isize>, stride: Vec<isize>, storage_offset: Option<isize> = NONE)
        => as_strided(&input, &size, stride, storage_offset);
    "torch.Tensor.contiguous" (input: Tensor) => input.contiguous();
    "torch.clone" (input: Tensor) => input.copy();
    "torch.detach" (input: Tensor) => Ok(input.detach());
}

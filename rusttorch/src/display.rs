//! `Display`: a tensor prints as PyTorch prints it.

use std::fmt;

use rusttorch_backend::{Category, DType, Scalar};

use crate::fmt::{Described, Elements, Shown, format};
use crate::tensor::Tensor;

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = Shown::of(self.shape());
        let read = |index: &[usize]| -> Scalar {
            let mut cell = Ok(self.detach());
            for &i in index {
                cell = cell.and_then(|c| c.select(0, i as isize));
            }
            // An element that cannot be read (a lost device) prints as nan rather than not at all.
            cell.and_then(|c| c.item()).unwrap_or(Scalar::Float(f64::NAN))
        };
        let elements = match self.category() {
            Category::Float => Elements::Float(shown.gather(|i| read(i).to_f64())),
            Category::Int => Elements::Int(shown.gather(|i| read(i).to_i64())),
            Category::Bool => Elements::Bool(shown.gather(|i| read(i).to_bool())),
        };
        let grad_fn = self.grad_fn();
        let device = self.device();
        f.write_str(&format(
            &Described {
                shape: self.shape(),
                dtype: torch_name(self.dtype()),
                device: (device != "cpu").then_some(device),
                requires_grad: self.requires_grad(),
                grad_fn: grad_fn.as_deref(),
            },
            &elements,
        ))
    }
}

fn torch_name(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool => "torch.bool",
        DType::U8 => "torch.uint8",
        DType::I8 => "torch.int8",
        DType::I16 => "torch.int16",
        DType::I32 => "torch.int32",
        DType::I64 => "torch.int64",
        DType::F16 => "torch.float16",
        DType::BF16 => "torch.bfloat16",
        DType::F32 => "torch.float32",
        DType::F64 => "torch.float64",
    }
}

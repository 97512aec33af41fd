//! Reductions.

use crate::catalogue::NONE;
use crate::catalogue::macros::rows;
use crate::ops::Dims;
use crate::tensor::Tensor;

rows! { ROWS: Reductions;
    "torch.amax" (input: Tensor, dim: Dims = NONE, keepdim: bool = false) out => input.amax(dim, keepdim);
}

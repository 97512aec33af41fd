//! Matrices.

use rusttorch_backend::{ErrorKind, Result, Scalar, TensorError};

use crate::catalogue::NONE;
use crate::catalogue::macros::rows;
use crate::catalogue::op::argument;
use crate::catalogue::value::{Parameter, Tensors, Value};
use crate::nn::functional::linear;
use crate::ops::distance::check_compute_mode;
use crate::tensor::Tensor;

rows! { ROWS: Matrices;
    "torch.matmul" (input: Tensor, other: Tensor) out => input.matmul(&other);
    "torch.linalg.matmul" (input: Tensor, other: Tensor) out => input.matmul(&other);
    "torch.mm" (input: Tensor, mat2: Tensor) out => input.mm(&mat2);
    "torch.bmm" (input: Tensor, mat2: Tensor) out => input.bmm(&mat2);
    "torch.mv" (input: Tensor, vec: Tensor) out => input.mv(&vec);
    "torch.dot" (input: Tensor, tensor: Tensor) out => input.dot(&tensor);
    "torch.vdot" (input: Tensor, other: Tensor) out => input.vdot(&other);
    "torch.linalg.vecdot" (x: Tensor, y: Tensor; dim: isize = -1i64) out => x.vecdot(&y, dim);
    "torch.outer" (input: Tensor, vec2: Tensor) out => input.outer(&vec2);
    "torch.ger" (input: Tensor, vec2: Tensor) out => input.outer(&vec2);
    "torch.inner" (input: Tensor, other: Tensor) out => input.inner(&other);
    "torch.addmm" (input: Tensor, mat1: Tensor, mat2: Tensor; beta: Scalar = 1i64, alpha: Scalar = 1i64) out
        => input.addmm(&mat1, &mat2, beta, alpha), in_place input.addmm_(&mat1, &mat2, beta, alpha);
    "torch.addmv" (input: Tensor, mat: Tensor, vec: Tensor; beta: Scalar = 1i64, alpha: Scalar = 1i64) out
        => input.addmv(&mat, &vec, beta, alpha), in_place input.addmv_(&mat, &vec, beta, alpha);
    "torch.addbmm" (input: Tensor, batch1: Tensor, batch2: Tensor; beta: Scalar = 1i64, alpha: Scalar = 1i64) out
        => input.addbmm(&batch1, &batch2, beta, alpha), in_place input.addbmm_(&batch1, &batch2, beta, alpha);
    "torch.baddbmm" (input: Tensor, batch1: Tensor, batch2: Tensor; beta: Scalar = 1i64, alpha: Scalar = 1i64) out
        => input.baddbmm(&batch1, &batch2, beta, alpha), in_place input.baddbmm_(&batch1, &batch2, beta, alpha);
    "torch.addr" (input: Tensor, vec1: Tensor, vec2: Tensor; beta: Scalar = 1i64, alpha: Scalar = 1i64) out
        => input.addr(&vec1, &vec2, beta, alpha), in_place input.addr_(&vec1, &vec2, beta, alpha);
    "torch.einsum" (equation: String, operands: Tensors = Vec::<Value>::new())
        => Tensor::einsum(&equation, &refs(&operands.0));
    "torch.tensordot" (a: Tensor, b: Tensor, dims: Value = 2i64) out => tensordot(&a, &b, &dims);
    "torch.kron" (input: Tensor, other: Tensor) out => input.kron(&other);
    "torch.chain_matmul" (matrices: Tensors = Vec::<Value>::new()) out => Tensor::chain_matmul(&refs(&matrices.0));
    "torch.linalg.multi_dot" (tensors: Vec<Tensor>) out => Tensor::multi_dot(&refs(&tensors));
    "torch.matrix_power" (input: Tensor, n: i64) out => input.matrix_power(n);
    "torch.linalg.matrix_power" (input: Tensor, n: i64) out => input.matrix_power(n);
    "torch.tril" (input: Tensor, diagonal: i64 = 0i64) out => input.tril(diagonal), in_place input.tril_(diagonal);
    "torch.triu" (input: Tensor, diagonal: i64 = 0i64) out => input.triu(diagonal), in_place input.triu_(diagonal);
    "torch.diag" (input: Tensor, diagonal: isize = 0i64) out => input.diag(diagonal);
    "torch.diag_embed" (input: Tensor, offset: isize = 0i64, dim1: isize = -2i64, dim2: isize = -1i64)
        => input.diag_embed(offset, dim1, dim2);
    "torch.diagflat" (input: Tensor, offset: isize = 0i64) => input.diagflat(offset);
    "torch.trace" (input: Tensor) => input.trace();
    "torch.cross" (input: Tensor, other: Tensor, dim: Option<isize> = NONE) out => input.cross(&other, dim);
    "torch.linalg.cross" (input: Tensor, other: Tensor; dim: isize = -1i64) out => input.cross(&other, Some(dim));
    "torch.cdist" (x1: Tensor, x2: Tensor, p: f64 = 2.0, compute_mode: String = "use_mm_for_euclid_dist_if_necessary")
        => check_compute_mode(&compute_mode).and_then(|()| x1.cdist(&x2, p));
    "torch.nn.functional.linear" (input: Tensor, weight: Tensor, bias: Option<Tensor> = NONE) out
        => linear(&input, &weight, bias.as_ref());
}

fn refs(tensors: &[Tensor]) -> Vec<&Tensor> {
    tensors.iter().collect()
}

/// `dims`: a number, or a pair of lists.
fn tensordot(a: &Tensor, b: &Tensor, dims: &Value) -> Result<Tensor> {
    const OP: &str = "tensordot";
    let Value::List(pair) = dims else { return a.tensordot(b, argument(OP, "dims", dims)?) };
    match pair.as_slice() {
        [left, right] => match (Vec::<isize>::of(left), Vec::<isize>::of(right)) {
            (Some(left), Some(right)) => a.tensordot_dims(b, left, right),
            _ => Err(TensorError::new(ErrorKind::Type, OP, "dims are not two lists of integers")),
        },
        _ => Err(TensorError::new(ErrorKind::Type, OP, "dims are not two lists").with("lists", pair.len())),
    }
}

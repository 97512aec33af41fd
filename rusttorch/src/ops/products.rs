//! Products of vectors and matrices, by name.

use rusttorch_backend::layout::{broadcast_shapes, normalize_dim, normalize_dims, numel};
use rusttorch_backend::{ErrorKind, Result, TensorError};
use smallvec::SmallVec;

use super::args::Dims;
use super::matmul::{check_dtypes, dot, mv, product};
use crate::tensor::Tensor;

type Sizes = SmallVec<[isize; 6]>;

fn fail(op: &'static str, rule: &'static str, a: &Tensor, b: &Tensor) -> TensorError {
    TensorError::new(ErrorKind::Shape, op, rule).with("lhs", a.shape()).with("rhs", b.shape())
}

/// Error: `Shape` where an operand has another number of dimensions than the op takes.
pub(super) fn check_ranks(op: &'static str, rule: &'static str, operands: &[(&Tensor, usize)]) -> Result<()> {
    match operands.iter().find(|(t, rank)| t.rank() != *rank) {
        Some((t, _)) => Err(TensorError::new(ErrorKind::Shape, op, rule).with("shape", t.shape())),
        None => Ok(()),
    }
}

/// As signed sizes, for `reshape`.
pub(super) fn signed(shape: impl IntoIterator<Item = usize>) -> Sizes {
    shape.into_iter().map(|n| n as isize).collect()
}

/// Products. Integers wrap, K = 0 gives zeros, and both operands are of one dtype. Errors of all: `Shape`; `DType`
/// where the dtypes differ; `NotImplemented` for bool.
impl Tensor {
    /// `[M, K] x [K, N] -> [M, N]`. PyTorch: `torch.mm`.
    pub fn mm(&self, other: &Tensor) -> Result<Tensor> {
        const OP: &str = "mm";
        check_ranks(OP, "an operand is not a matrix", &[(self, 2), (other, 2)])?;
        if self.shape()[1] != other.shape()[0] {
            return Err(fail(OP, "inner sizes differ", self, other));
        }
        check_dtypes(OP, self, other)?;
        product(OP, self, other)
    }

    /// `[B, M, K] x [B, K, N] -> [B, M, N]`; nothing is broadcast. PyTorch: `torch.bmm`.
    pub fn bmm(&self, other: &Tensor) -> Result<Tensor> {
        const OP: &str = "bmm";
        check_ranks(OP, "an operand is not a batch of matrices", &[(self, 3), (other, 3)])?;
        if self.shape()[0] != other.shape()[0] {
            return Err(fail(OP, "numbers of matrices differ", self, other));
        }
        if self.shape()[2] != other.shape()[1] {
            return Err(fail(OP, "inner sizes differ", self, other));
        }
        check_dtypes(OP, self, other)?;
        product(OP, self, other)
    }

    /// `[M, K] x [K] -> [M]`. PyTorch: `torch.mv`.
    pub fn mv(&self, vector: &Tensor) -> Result<Tensor> {
        const OP: &str = "mv";
        check_ranks(OP, "needs a matrix and a vector", &[(self, 2), (vector, 1)])?;
        check_dtypes(OP, self, vector)?;
        mv(OP, self, vector)
    }

    /// `[K] x [K] -> []`. PyTorch: `torch.dot`.
    pub fn dot(&self, other: &Tensor) -> Result<Tensor> {
        const OP: &str = "dot";
        check_ranks(OP, "needs two vectors", &[(self, 1), (other, 1)])?;
        check_dtypes(OP, self, other)?;
        dot(OP, "Dot", self, other)
    }

    /// [`dot`](Self::dot), which of real numbers is the same. PyTorch: `torch.vdot`.
    pub fn vdot(&self, other: &Tensor) -> Result<Tensor> {
        const OP: &str = "vdot";
        check_ranks(OP, "needs two vectors", &[(self, 1), (other, 1)])?;
        check_dtypes(OP, self, other)?;
        dot(OP, "Vdot", self, other)
    }

    /// `x[i] y[j]`: `[M] x [N] -> [M, N]`, promoted, bool as "and". PyTorch: `torch.outer`, `torch.ger`.
    /// Error: `Shape`.
    pub fn outer(&self, other: &Tensor) -> Result<Tensor> {
        check_ranks("outer", "needs two vectors", &[(self, 1), (other, 1)])?;
        self.unsqueeze(1)?.mul(other)
    }

    /// Sums over the last dimension of both: `[.., K] x [.., K] -> [.., ..]`; a 0-d operand multiplies.
    /// PyTorch: `torch.inner`.
    pub fn inner(&self, other: &Tensor) -> Result<Tensor> {
        const OP: &str = "inner";
        if self.rank() == 0 || other.rank() == 0 {
            return self.mul(other);
        }
        if self.shape().last() != other.shape().last() {
            return Err(fail(OP, "last sizes differ", self, other));
        }
        contract(OP, self, other, &[self.rank() - 1], &[other.rank() - 1])
    }

    /// Sums over the products of the last `dims` dimensions of this tensor and the first of the other; 0 gives
    /// all products. A size of 1 is stretched. PyTorch: `torch.tensordot` with a number.
    pub fn tensordot(&self, other: &Tensor, dims: isize) -> Result<Tensor> {
        const OP: &str = "tensordot";
        let bad = |rule| fail(OP, rule, self, other).with("dims", dims);
        let n = usize::try_from(dims).map_err(|_| bad("number of dimensions is negative"))?;
        if n > self.rank() || n > other.rank() {
            return Err(bad("an operand has fewer dimensions"));
        }
        let (a, b): (Vec<usize>, Vec<usize>) = ((self.rank() - n..self.rank()).collect(), (0..n).collect());
        contract(OP, self, other, &a, &b)
    }

    /// Sums over the products of the dimensions `dims_a` of this tensor and `dims_b` of the other, in their
    /// order. The rest stands in the result, that of this tensor first. A size of 1 is stretched.
    /// PyTorch: `torch.tensordot` with two lists. Error: also `Dim`.
    pub fn tensordot_dims(
        &self,
        other: &Tensor,
        dims_a: impl AsRef<[isize]>,
        dims_b: impl AsRef<[isize]>,
    ) -> Result<Tensor> {
        const OP: &str = "tensordot";
        let (a, b) = (dims_a.as_ref(), dims_b.as_ref());
        if a.len() != b.len() {
            return Err(TensorError::new(ErrorKind::Shape, OP, "lists of dimensions differ in length")
                .with("lhs", a)
                .with("rhs", b));
        }
        let wrap = |dims: &[isize], rank| {
            if let (0, Some(&dim)) = (rank, dims.first()) {
                return Err(
                    TensorError::new(ErrorKind::Dim, OP, "a 0-d tensor has no dimension").with("dim", dim)
                );
            }
            normalize_dims(OP, dims, rank)?;
            dims.iter().map(|&d| normalize_dim(OP, d, rank)).collect::<Result<Vec<_>>>()
        };
        contract(OP, self, other, &wrap(a, self.rank())?, &wrap(b, other.rank())?)
    }

    /// The Kronecker product: blocks `a[i, j] * b`, of any rank, promoted. PyTorch: `torch.kron`.
    pub fn kron(&self, other: &Tensor) -> Result<Tensor> {
        let rank = self.rank().max(other.rank());
        let padded = |t: &Tensor| -> Vec<usize> {
            std::iter::repeat_n(1, rank - t.rank()).chain(t.shape().iter().copied()).collect()
        };
        let (a, b) = (padded(self), padded(other));
        let left = self.reshape(signed(a.iter().flat_map(|&n| [n, 1])))?;
        let right = other.reshape(signed(b.iter().flat_map(|&n| [1, n])))?;
        let sizes = a.iter().zip(&b).map(|(&m, &n)| numel("kron", &[m, n])).collect::<Result<Vec<_>>>()?;
        left.mul(&right)?.reshape(signed(sizes))
    }

    /// `sum_k x[.., k] y[.., k]` along `dim`, broadcast; floats only. Of two vectors the dimension is not looked
    /// at. PyTorch: `torch.linalg.vecdot`.
    /// Error: also `Dim`.
    pub fn vecdot(&self, other: &Tensor, dim: isize) -> Result<Tensor> {
        const OP: &str = "vecdot";
        if !self.dtype().is_float() {
            return Err(TensorError::new(ErrorKind::NotImplemented, OP, "needs a floating-point tensor")
                .with("dtype", self.dtype()));
        }
        check_dtypes(OP, self, other)?;
        if self.rank() == 1 && other.rank() == 1 {
            return dot(OP, "Vdot", self, other);
        }
        let shape = broadcast_shapes(OP, self.shape(), other.shape())?;
        let last = |t: &Tensor| t.broadcast_to(&shape)?.movedim([dim], [-1]);
        if shape.is_empty() {
            normalize_dim(OP, dim, 0)?;
            return self.mul(other);
        }
        let out = product(OP, &last(self)?.unsqueeze(-2)?, &last(other)?.unsqueeze(-1)?)?;
        out.squeeze(-1)?.squeeze(-1)
    }

    /// The vector product along a dimension of size 3, the other sizes broadcast. `dim` `None` is the first
    /// dimension of size 3. PyTorch: `torch.cross`; with `Some(-1)` as default `torch.linalg.cross`.
    /// Error: also `Dim`.
    pub fn cross(&self, other: &Tensor, dim: Option<isize>) -> Result<Tensor> {
        const OP: &str = "cross";
        if self.rank() != other.rank() {
            return Err(fail(OP, "numbers of dimensions differ", self, other));
        }
        let d = match dim {
            Some(dim) if self.rank() == 0 => {
                return Err(
                    TensorError::new(ErrorKind::Dim, OP, "a 0-d tensor has no dimension").with("dim", dim)
                );
            }
            Some(dim) => normalize_dim(OP, dim, self.rank())?,
            None => self
                .shape()
                .iter()
                .position(|&n| n == 3)
                .ok_or_else(|| fail(OP, "no dimension of size 3", self, other))?,
        };
        if self.shape()[d] != 3 || other.shape()[d] != 3 {
            return Err(fail(OP, "the dimension is not of size 3", self, other).with("dim", d));
        }
        let shape = broadcast_shapes(OP, self.shape(), other.shape())?;
        check_dtypes(OP, self, other)?;
        let (a, b) = (self.broadcast_to(&shape)?, other.broadcast_to(&shape)?);
        crate::ops::cross::cross(&a, &b, d as isize)
    }

    /// The matrix, or every matrix of a batch, to an integer power; 0 gives identities. Negative powers are
    /// those of the inverse, which needs the feature `linalg`. PyTorch: `torch.linalg.matrix_power`.
    /// Errors: `Shape` unless the last two sizes are equal; of a negative power those of `inv`.
    pub fn matrix_power(&self, n: i64) -> Result<Tensor> {
        const OP: &str = "matrix_power";
        let [.., rows, columns] = self.shape() else {
            return Err(TensorError::new(ErrorKind::Shape, OP, "needs at least 2 dimensions")
                .with("shape", self.shape()));
        };
        if rows != columns {
            return Err(
                TensorError::new(ErrorKind::Shape, OP, "matrices are not square").with("shape", self.shape())
            );
        }
        match n {
            0 => Tensor::eye(*rows, self.dtype())?.broadcast_to(self.shape())?.copy(),
            1 => self.copy(),
            n if n < 0 => inverse(self)?.matrix_power(n.checked_neg().unwrap_or(i64::MAX)),
            3 => self.matmul(self)?.matmul(self),
            _ => {
                // Squares, and the product of those that stand in n, from the lowest.
                let (mut square, mut result, mut left) = (self.clone(), None::<Tensor>, n);
                loop {
                    if left & 1 == 1 {
                        result = Some(match result {
                            Some(r) => r.matmul(&square)?,
                            None => square.clone(),
                        });
                    }
                    left >>= 1;
                    match result {
                        Some(result) if left == 0 => return Ok(result),
                        _ => square = square.matmul(&square)?,
                    }
                }
            }
        }
    }

    /// The product of two or more matrices in the order of multiplications that costs least; the first and
    /// the last may be vectors. PyTorch: `torch.linalg.multi_dot`.
    pub fn multi_dot(tensors: &[&Tensor]) -> Result<Tensor> {
        const OP: &str = "multi_dot";
        let fail = |rule| TensorError::new(ErrorKind::Shape, OP, rule);
        let [first, middle @ .., last] = tensors else {
            return Err(fail("needs at least two tensors").with("tensors", tensors.len()));
        };
        let bad = [first, last].into_iter().find(|t| !matches!(t.rank(), 1 | 2));
        if let Some(t) = bad {
            return Err(fail("the first and the last must be vectors or matrices").with("shape", t.shape()));
        }
        if let Some(t) = middle.iter().find(|t| t.rank() != 2) {
            return Err(fail("all between the first and the last must be matrices").with("shape", t.shape()));
        }
        let mut matrices: Vec<Tensor> = tensors.iter().map(|&t| t.clone()).collect();
        let end = matrices.len() - 1;
        if first.rank() == 1 {
            matrices[0] = first.unsqueeze(0)?;
        }
        if last.rank() == 1 {
            matrices[end] = last.unsqueeze(1)?;
        }
        let out = chain(OP, &matrices)?;
        match (first.rank(), last.rank()) {
            (1, 1) => out.reshape([]),
            (1, _) => out.squeeze(0),
            (_, 1) => out.squeeze(1),
            _ => Ok(out),
        }
    }

    /// The product of one or more matrices in the order of multiplications that costs least.
    /// PyTorch: `torch.chain_matmul`.
    pub fn chain_matmul(matrices: &[&Tensor]) -> Result<Tensor> {
        const OP: &str = "chain_matmul";
        let ranks: Vec<(&Tensor, usize)> = matrices.iter().map(|&t| (t, 2)).collect();
        check_ranks(OP, "an operand is not a matrix", &ranks)?;
        match matrices {
            [] => Err(TensorError::new(ErrorKind::Argument, OP, "needs at least one matrix")),
            [one] => Ok((*one).clone()),
            more => chain(OP, &more.iter().map(|&t| t.clone()).collect::<Vec<_>>()),
        }
    }
}

#[cfg(feature = "linalg")]
fn inverse(x: &Tensor) -> Result<Tensor> {
    crate::linalg::inv(x)
}

#[cfg(not(feature = "linalg"))]
fn inverse(_: &Tensor) -> Result<Tensor> {
    Err(TensorError::new(
        ErrorKind::Unsupported,
        "matrix_power",
        "a negative power needs the crate's feature `linalg`",
    ))
}

/// `a` and `b` summed over the products of the dimensions `left` and `right`.
fn contract(op: &'static str, a: &Tensor, b: &Tensor, left: &[usize], right: &[usize]) -> Result<Tensor> {
    let (mut a, mut b) = (a.clone(), b.clone());
    let mut summed = 1;
    for (&l, &r) in left.iter().zip(right) {
        let (m, n) = (a.shape()[l], b.shape()[r]);
        if m == n {
            summed = numel(op, &[summed, m])?;
        } else if m == 1 {
            b = b.sum_dim(Dims::from(r as isize), true)?.to_dtype(b.dtype())?;
        } else if n == 1 {
            a = a.sum_dim(Dims::from(l as isize), true)?.to_dtype(a.dtype())?;
        } else {
            return Err(fail(op, "sizes that are summed over differ", &a, &b)
                .with("lhs dim", l)
                .with("rhs dim", r));
        }
    }
    check_dtypes(op, &a, &b)?;
    let rest = |t: &Tensor, gone: &[usize]| -> SmallVec<[usize; 6]> {
        (0..t.rank()).filter(|d| !gone.contains(d)).collect()
    };
    let (rest_a, rest_b) = (rest(&a, left), rest(&b, right));
    let sizes =
        |t: &Tensor, dims: &[usize]| -> SmallVec<[usize; 6]> { dims.iter().map(|&d| t.shape()[d]).collect() };
    let (free_a, free_b) = (sizes(&a, &rest_a), sizes(&b, &rest_b));
    let matrix = |t: &Tensor, first: &[usize], then: &[usize], shape: [usize; 2]| {
        t.permute(signed(first.iter().chain(then).copied()))?.reshape(signed(shape))
    };
    let left = matrix(&a, &rest_a, left, [numel(op, &free_a)?, summed])?;
    let right = matrix(&b, right, &rest_b, [summed, numel(op, &free_b)?])?;
    product(op, &left, &right)?.reshape(signed(free_a.into_iter().chain(free_b)))
}

/// The product of matrices, of which there is one at least, in the order that costs least.
fn chain(op: &'static str, matrices: &[Tensor]) -> Result<Tensor> {
    for pair in matrices.windows(2) {
        if pair[0].shape()[1] != pair[1].shape()[0] {
            return Err(fail(op, "neighbours cannot be multiplied", &pair[0], &pair[1]));
        }
        check_dtypes(op, &pair[0], &pair[1])?;
    }
    // cost[i][j]: the least number of multiplications for i..=j, and where it is divided.
    let n = matrices.len();
    let rows = |i: usize| matrices[i].shape()[0] as f64;
    let columns = |i: usize| matrices[i].shape()[1] as f64;
    let mut cost = vec![vec![(0.0f64, 0usize); n]; n];
    for length in 1..n {
        for i in 0..n - length {
            let j = i + length;
            let of = |k: usize| cost[i][k].0 + cost[k + 1][j].0 + rows(i) * columns(k) * columns(j);
            let mut best = (of(i), i);
            for k in i + 1..j {
                if of(k) < best.0 {
                    best = (of(k), k);
                }
            }
            cost[i][j] = best;
        }
    }
    divide(op, matrices, &cost, 0, n - 1)
}

fn divide(
    op: &'static str,
    matrices: &[Tensor],
    cost: &[Vec<(f64, usize)>],
    i: usize,
    j: usize,
) -> Result<Tensor> {
    if i == j {
        return Ok(matrices[i].clone());
    }
    let k = cost[i][j].1;
    product(op, &divide(op, matrices, cost, i, k)?, &divide(op, matrices, cost, k + 1, j)?)
}

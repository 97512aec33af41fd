"""The extension for linear algebra."""

from __future__ import annotations

from typing import NamedTuple

from .. import Tensor
from .. import _rusttorch as _C
from .. import dtype as _DType
from ._dtypes import promoted
from ._products import matmul, matrix_transpose, tensordot, vecdot

_torch = _C._functions("torch")
_linalg = _C._functions("torch.linalg")

__all__ = [
    "cholesky", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "matmul", "matrix_norm", "matrix_power", "matrix_rank",
    "matrix_transpose", "outer", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot", "trace", "vecdot", "vector_norm",
]


class EighResult(NamedTuple):
    """What ``eigh`` returns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class QRResult(NamedTuple):
    """What ``qr`` returns."""

    Q: Tensor
    R: Tensor


class SlogdetResult(NamedTuple):
    """What ``slogdet`` returns."""

    sign: Tensor
    logabsdet: Tensor


class SVDResult(NamedTuple):
    """What ``svd`` returns."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def cholesky(x: Tensor, /, *, upper: bool = False) -> Tensor:
    """The triangular factor of positive definite matrices."""
    return _linalg["cholesky"](x, upper=upper)


def cross(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """The vectors at right angles to two others in space."""
    x1, x2 = _torch["broadcast_tensors"](*promoted(x1, x2))
    return _linalg["cross"](x1, x2, dim=axis)


def det(x: Tensor, /) -> Tensor:
    """Determinants."""
    return _linalg["det"](x)


def diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """The diagonals of matrices, or the ones above."""
    return x.diagonal(offset, -2, -1)


def eigh(x: Tensor, /) -> EighResult:
    """Eigenvalues in order, and eigenvectors, of symmetric matrices."""
    return EighResult(*_linalg["eigh"](x))


def eigvalsh(x: Tensor, /) -> Tensor:
    """Eigenvalues in order, of symmetric matrices."""
    return _linalg["eigvalsh"](x)


def inv(x: Tensor, /) -> Tensor:
    """Inverses."""
    return _linalg["inv"](x)


def matrix_norm(x: Tensor, /, *, keepdims: bool = False, ord: float | str | None = "fro") -> Tensor:
    """Norms of matrices."""
    return _linalg["matrix_norm"](x, "fro" if ord is None else ord, keepdim=keepdims)


def matrix_power(x: Tensor, n: int, /) -> Tensor:
    """Powers of matrices; negative ones are those of the inverses."""
    return _linalg["matrix_power"](x, n)


def matrix_rank(x: Tensor, /, *, rtol: float | Tensor | None = None) -> Tensor:
    """How many singular values are above the tolerance, which is relative to the largest one."""
    return _linalg["matrix_rank"](x) if rtol is None else _linalg["matrix_rank"](x, rtol=rtol)


def outer(x1: Tensor, x2: Tensor, /) -> Tensor:
    """All products of an element of one vector and one of the other."""
    return _torch["outer"](*promoted(x1, x2))


def pinv(x: Tensor, /, *, rtol: float | Tensor | None = None) -> Tensor:
    """Inverses as far as there are any."""
    return _linalg["pinv"](x) if rtol is None else _linalg["pinv"](x, rtol=rtol)


def qr(x: Tensor, /, *, mode: str = "reduced") -> QRResult:
    """An orthogonal and a triangular factor."""
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: the mode is reduced or complete, not {mode!r}")
    return QRResult(*_linalg["qr"](x, mode))


def slogdet(x: Tensor, /) -> SlogdetResult:
    """The sign of determinants, and the logarithm of their size."""
    return SlogdetResult(*_linalg["slogdet"](x))


def solve(x1: Tensor, x2: Tensor, /) -> Tensor:
    """Solutions of linear equations. One dimension on the right is a vector, more are matrices."""
    x1, x2 = promoted(x1, x2)
    if x2.ndim == 1:
        return _linalg["solve"](x1, x2.unsqueeze(-1)).squeeze(-1)
    if x2.ndim < x1.ndim:
        # Else PyTorch might take it for a stack of vectors.
        x2 = x2.reshape((1,) * (x1.ndim - x2.ndim) + tuple(x2.shape))
    return _linalg["solve"](x1, x2)


def svd(x: Tensor, /, *, full_matrices: bool = True) -> SVDResult:
    """Singular values, and the orthogonal factors around them."""
    return SVDResult(*_linalg["svd"](x, full_matrices))


def svdvals(x: Tensor, /) -> Tensor:
    """Singular values."""
    return _linalg["svdvals"](x)


def trace(x: Tensor, /, *, offset: int = 0, dtype: _DType | None = None) -> Tensor:
    """Sums of diagonals."""
    return _torch["sum"](x.diagonal(offset, -2, -1), -1, dtype=dtype)


def vector_norm(
    x: Tensor, /, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False, ord: float = 2
) -> Tensor:
    """Norms of vectors that lie along axes."""
    if axis == () and x.ndim:
        return _linalg["vector_norm"](x.unsqueeze(-1), ord, -1)
    return _linalg["vector_norm"](x, ord, axis, keepdims)

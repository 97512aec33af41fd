"""Products that every namespace has."""

from __future__ import annotations

from collections.abc import Sequence

from .. import Tensor
from .. import _rusttorch as _C
from ._dtypes import promoted

_torch = _C._functions("torch")


def matmul(x1: Tensor, x2: Tensor, /) -> Tensor:
    """The product of matrices, or of stacks of them."""
    return _torch["matmul"](*promoted(x1, x2))


def matrix_transpose(x: Tensor, /) -> Tensor:
    """Rows as columns, in every matrix of a stack. Error: ``ValueError`` for fewer than two dimensions."""
    if x.ndim < 2:
        raise ValueError(f"matrix_transpose: two dimensions are needed, not {x.ndim}")
    return x.mT


def tensordot(x1: Tensor, x2: Tensor, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Tensor:
    """Sums of products over the last axes of one and the first of the other, or over those that are named."""
    return _torch["tensordot"](*promoted(x1, x2), axes)


def vecdot(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """Products of the vectors that lie along an axis, counted from the last one."""
    x1, x2 = promoted(x1, x2)
    if not -min(x1.ndim, x2.ndim) <= axis < 0:
        raise ValueError(f"vecdot: the axis is counted from the last one, so not {axis} of {x1.ndim} and {x2.ndim}")
    if x1.shape[axis] != x2.shape[axis]:
        raise ValueError(f"vecdot: sizes differ: {x1.shape[axis]} and {x2.shape[axis]}")
    return _torch["sum"](x1 * x2, axis, dtype=x1.dtype)

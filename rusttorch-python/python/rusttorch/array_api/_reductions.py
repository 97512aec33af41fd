"""Statistics, searching, sorting, sets and truth."""

from __future__ import annotations

import builtins
from typing import NamedTuple

from .. import Tensor
from .. import _rusttorch as _C
from .. import dtype as _DType
from ._dtypes import promoted

_torch = _C._functions("torch")
_Axis = int | tuple[int, ...] | None


def _dims(x, axis):
    """Axes as a tuple; None is all."""
    if axis is None:
        return tuple(range(x.ndim))
    return (axis,) if isinstance(axis, int) else tuple(axis)


def _over(op, x, axis, keepdims, **options):
    """An op over some axes. Over no axes it sees each element alone, which PyTorch's ops take for all axes."""
    dims = _dims(x, axis)
    if dims or x.ndim == 0:
        return op(x, dims, keepdim=keepdims, **options)
    return op(x.unsqueeze(-1), (-1,), keepdim=False, **options)


# ---- statistics -----------------------------------------------------------------------------------------------------


def sum(x: Tensor, /, *, axis: _Axis = None, dtype: _DType | None = None, keepdims: bool = False) -> Tensor:
    """Sums. Those of integers are int64, unless a dtype is named."""
    return _over(_torch["sum"], x, axis, keepdims, dtype=dtype)


def prod(x: Tensor, /, *, axis: _Axis = None, dtype: _DType | None = None, keepdims: bool = False) -> Tensor:
    """Products. Those of integers are int64, unless a dtype is named."""

    def op(x, dims, keepdim, dtype):
        if x.ndim == 0:
            return _torch["prod"](x, dtype=dtype)
        # One after another, the last axis first, so that the others keep their numbers.
        for dim in sorted((d % x.ndim for d in dims), reverse=True):
            x = _torch["prod"](x, dim, keepdim, dtype=dtype)
        return x

    # An axis that is not there, or there twice, is an error before anything else.
    dims = _dims(x, axis)
    for a in dims:
        x.size(a)
    if x.ndim and len({a % x.ndim for a in dims}) < len(dims):
        raise RuntimeError(f"prod: dimension appears more than once in {dims}")
    return _over(op, x, axis, keepdims, dtype=dtype)


def mean(x: Tensor, /, *, axis: _Axis = None, keepdims: bool = False) -> Tensor:
    """Means."""
    return _over(_torch["mean"], x, axis, keepdims)


def var(x: Tensor, /, *, axis: _Axis = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """Variances, with the number of elements less the correction as divisor."""
    return _over(_torch["var"], x, axis, keepdims, correction=correction)


def std(x: Tensor, /, *, axis: _Axis = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """Square roots of the variances."""
    return _over(_torch["std"], x, axis, keepdims, correction=correction)


def max(x: Tensor, /, *, axis: _Axis = None, keepdims: bool = False) -> Tensor:
    """The largest elements."""
    return _over(_torch["amax"], x, axis, keepdims)


def min(x: Tensor, /, *, axis: _Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest elements."""
    return _over(_torch["amin"], x, axis, keepdims)


def _cumulative(op, x, axis, dtype, include_initial, initial):
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"an axis is needed for {x.ndim} dimensions")
        axis = 0
    out = op(x, axis, dtype=dtype)
    if include_initial:
        shape = [*out.shape]
        shape[axis] = 1
        out = _torch["cat"]([_torch["full"](shape, initial, dtype=out.dtype), out], axis)
    return out


def cumulative_sum(
    x: Tensor, /, *, axis: int | None = None, dtype: _DType | None = None, include_initial: bool = False
) -> Tensor:
    """The sum of each element and those before it; with ``include_initial`` a 0 comes first."""
    return _cumulative(_torch["cumsum"], x, axis, dtype, include_initial, 0)


def cumulative_prod(
    x: Tensor, /, *, axis: int | None = None, dtype: _DType | None = None, include_initial: bool = False
) -> Tensor:
    """The product of each element and those before it; with ``include_initial`` a 1 comes first."""
    return _cumulative(_torch["cumprod"], x, axis, dtype, include_initial, 1)


def diff(
    x: Tensor, /, *, axis: int = -1, n: int = 1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """The differences of neighbours, ``n`` times."""
    return _torch["diff"](x, n, axis, prepend, append)


# ---- searching ------------------------------------------------------------------------------------------------------


def _place(op, x, axis, keepdims):
    if axis is not None:
        return op(x, axis, keepdims)
    out = op(x)
    return out.reshape((1,) * x.ndim) if keepdims else out


def argmax(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the largest element is, the first of equal ones."""
    return _place(_torch["argmax"], x, axis, keepdims)


def argmin(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the smallest element is, the first of equal ones."""
    return _place(_torch["argmin"], x, axis, keepdims)


def count_nonzero(x: Tensor, /, *, axis: _Axis = None, keepdims: bool = False) -> Tensor:
    """How many elements are not 0."""
    return _over(_torch["sum"], x.bool(), axis, keepdims)


def nonzero(x: Tensor, /) -> tuple[Tensor, ...]:
    """The places of elements that are not 0, one array for each dimension."""
    if x.ndim == 0:
        raise ValueError("nonzero: an array without dimensions has no places")
    return tuple(x.nonzero(as_tuple=True))


def searchsorted(
    x1: Tensor, x2: Tensor, /, *, side: str = "left", sorter: Tensor | None = None
) -> Tensor:
    """Where elements of the second array go in the first one, so that its order stays."""
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: the side is left or right, not {side!r}")
    x1, x2 = promoted(x1, x2)
    return _torch["searchsorted"](x1, x2, side=side, sorter=sorter)


def where(condition: Tensor, x1: Tensor | float, x2: Tensor | float, /) -> Tensor:
    """Elements of one array where the condition is true, else of the other."""
    return _torch["where"](condition, *promoted(x1, x2))


# ---- sorting --------------------------------------------------------------------------------------------------------


def sort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The elements in order."""
    return _torch["sort"](x, axis, descending, stable=stable)[0]


def argsort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The places of the elements, in the order of these."""
    return _torch["sort"](x, axis, descending, stable=stable)[1]


# ---- sets -----------------------------------------------------------------------------------------------------------


class UniqueAll(NamedTuple):
    """What ``unique_all`` returns."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """What ``unique_counts`` returns."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """What ``unique_inverse`` returns."""

    values: Tensor
    inverse_indices: Tensor


def unique_all(x: Tensor, /) -> UniqueAll:
    """Each value once in order, where it is first, which value each element is, and how often each is there."""
    values, inverse, counts = _torch["unique"](x, return_inverse=True, return_counts=True)
    # Among elements in the order of their values each value begins where those before it end.
    order = _torch["sort"](inverse.reshape(-1), stable=True)[1]
    indices = _torch["index_select"](order, 0, counts.cumsum(0) - counts)
    return UniqueAll(values, indices, inverse, counts)


def unique_counts(x: Tensor, /) -> UniqueCounts:
    """Each value once in order, and how often it is there."""
    return UniqueCounts(*_torch["unique"](x, return_counts=True))


def unique_inverse(x: Tensor, /) -> UniqueInverse:
    """Each value once in order, and which value each element is."""
    return UniqueInverse(*_torch["unique"](x, return_inverse=True))


def unique_values(x: Tensor, /) -> Tensor:
    """Each value once, in order."""
    return _torch["unique"](x)


# ---- truth ----------------------------------------------------------------------------------------------------------


def all(x: Tensor, /, *, axis: _Axis = None, keepdims: builtins.bool = False) -> Tensor:
    """Whether all elements are true, or not 0."""
    return _over(_torch["all"], x.bool(), axis, keepdims)


def any(x: Tensor, /, *, axis: _Axis = None, keepdims: builtins.bool = False) -> Tensor:
    """Whether any element is true, or not 0."""
    return _over(_torch["any"], x.bool(), axis, keepdims)

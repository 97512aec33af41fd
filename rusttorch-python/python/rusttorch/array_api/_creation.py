"""New arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _functions
from .. import Tensor
from .. import _rusttorch as _C
from .. import dtype as _DType

_torch = _C._functions("torch")
_Shape = int | Sequence[int]


def asarray(
    obj: Any, /, *, dtype: _DType | None = None, device: object = None, copy: bool | None = None
) -> Tensor:
    """An array of numbers, of sequences of them, or of what shares its memory."""
    return _functions.asarray(obj, dtype=dtype, device=device, copy=copy)


def arange(
    start: float, /, stop: float | None = None, step: float = 1, *, dtype: _DType | None = None, device: object = None
) -> Tensor:
    """Numbers from ``start`` on, below ``stop``, at the same distance; none where the step leads away."""
    if stop is None:
        start, stop = 0, start
    if step != 0 and (stop - start) * step <= 0:
        like = dtype if dtype is not None else _torch["arange"](start, start, step).dtype
        return _torch["empty"](0, dtype=like, device=device)
    return _torch["arange"](start, stop, step, dtype=dtype, device=device)


def linspace(
    start: float, stop: float, /, num: int, *, dtype: _DType | None = None, device: object = None, endpoint: bool = True
) -> Tensor:
    """So many numbers at the same distance, the last of them ``stop`` unless ``endpoint`` is false."""
    if endpoint or num == 0:
        return _torch["linspace"](start, stop, num, dtype=dtype, device=device)
    return _torch["linspace"](start, stop, num + 1, dtype=dtype, device=device)[:num]


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: _DType | None = None, device: object = None
) -> Tensor:
    """A matrix with ones on its diagonal, or on the k-th above it."""
    n_cols = n_rows if n_cols is None else n_cols
    if k == 0:
        return _torch["eye"](n_rows, n_cols, dtype=dtype, device=device)
    out = _torch["zeros"]((n_rows, n_cols), dtype=dtype, device=device)
    if -n_rows < k < n_cols:
        out.diagonal(k).fill_(1)
    return out


def empty(shape: _Shape, *, dtype: _DType | None = None, device: object = None) -> Tensor:
    """An array whose elements are whatever they are."""
    return _torch["empty"](shape, dtype=dtype, device=device)


def zeros(shape: _Shape, *, dtype: _DType | None = None, device: object = None) -> Tensor:
    """Zeros."""
    return _torch["zeros"](shape, dtype=dtype, device=device)


def ones(shape: _Shape, *, dtype: _DType | None = None, device: object = None) -> Tensor:
    """Ones."""
    return _torch["ones"](shape, dtype=dtype, device=device)


def full(shape: _Shape, fill_value: float, *, dtype: _DType | None = None, device: object = None) -> Tensor:
    """The same number everywhere, of its own dtype."""
    return _torch["full"]((shape,) if isinstance(shape, int) else shape, fill_value, dtype=dtype, device=device)


def empty_like(x: Tensor, /, *, dtype: _DType | None = None, device: object = None) -> Tensor:
    """As ``empty``, of the shape and dtype of another one."""
    return _torch["empty_like"](x, dtype=dtype, device=device)


def zeros_like(x: Tensor, /, *, dtype: _DType | None = None, device: object = None) -> Tensor:
    """As ``zeros``, of the shape and dtype of another one."""
    return _torch["zeros_like"](x, dtype=dtype, device=device)


def ones_like(x: Tensor, /, *, dtype: _DType | None = None, device: object = None) -> Tensor:
    """As ``ones``, of the shape and dtype of another one."""
    return _torch["ones_like"](x, dtype=dtype, device=device)


def full_like(x: Tensor, /, fill_value: float, *, dtype: _DType | None = None, device: object = None) -> Tensor:
    """As ``full``, of the shape and dtype of another one."""
    return _torch["full_like"](x, fill_value, dtype=dtype, device=device)


def meshgrid(*arrays: Tensor, indexing: str = "xy") -> tuple[Tensor, ...]:
    """Coordinates of the points of a grid."""
    return _torch["meshgrid"](*arrays, indexing=indexing) if arrays else ()


def tril(x: Tensor, /, *, k: int = 0) -> Tensor:
    """Without what lies above the k-th diagonal."""
    return _torch["tril"](x, k)


def triu(x: Tensor, /, *, k: int = 0) -> Tensor:
    """Without what lies below the k-th diagonal."""
    return _torch["triu"](x, k)

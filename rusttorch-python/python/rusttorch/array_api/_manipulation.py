"""Shapes, arrays of arrays, and taking elements by their places."""

from __future__ import annotations

from collections.abc import Sequence

from .. import Tensor
from .. import _rusttorch as _C
from ._dtypes import promoted

_torch = _C._functions("torch")


def broadcast_arrays(*arrays: Tensor) -> list[Tensor]:
    """Views of the arrays in one shape."""
    return [*_torch["broadcast_tensors"](*arrays)] if arrays else []


def broadcast_to(x: Tensor, /, shape: Sequence[int]) -> Tensor:
    """A view of the array in a larger shape."""
    return _torch["broadcast_to"](x, tuple(shape))


def concat(arrays: Sequence[Tensor], /, *, axis: int | None = 0) -> Tensor:
    """One after another; without an axis as rows of numbers."""
    arrays = promoted(*arrays)
    if axis is None:
        arrays, axis = [x.reshape(-1) for x in arrays], 0
    return _torch["cat"](arrays, axis)


def stack(arrays: Sequence[Tensor], /, *, axis: int = 0) -> Tensor:
    """Along a new axis."""
    return _torch["stack"](promoted(*arrays), axis)


def unstack(x: Tensor, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The parts along an axis, without it."""
    return tuple(x.unbind(axis))


def expand_dims(x: Tensor, /, *, axis: int = 0) -> Tensor:
    """With one more axis of size 1. Error: ``IndexError`` beyond the shape."""
    return x.unsqueeze(axis)


def squeeze(x: Tensor, /, axis: int | tuple[int, ...]) -> Tensor:
    """Without axes of size 1. Error: ``ValueError`` where the size is another one."""
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    for a in axes:
        if x.shape[a] != 1:
            raise ValueError(f"squeeze: axis {a} has size {x.shape[a]}, not 1")
    return x.squeeze(axes) if axes else x


def flip(x: Tensor, /, *, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """In reverse order along axes, by default along all."""
    if axis is None:
        axis = tuple(range(x.ndim))
    return x.flip((axis,) if isinstance(axis, int) else axis)


def moveaxis(x: Tensor, source: int | tuple[int, ...], destination: int | tuple[int, ...], /) -> Tensor:
    """With axes at other places."""
    return x.movedim(source, destination)


def permute_dims(x: Tensor, /, axes: tuple[int, ...]) -> Tensor:
    """With the axes in another order."""
    return x.permute(tuple(axes))


def repeat(x: Tensor, repeats: int | Tensor, /, *, axis: int | None = None) -> Tensor:
    """Each element so many times in a row."""
    return _torch["repeat_interleave"](x, repeats, axis)


def tile(x: Tensor, repetitions: tuple[int, ...], /) -> Tensor:
    """The array so many times beside itself."""
    return _torch["tile"](x, tuple(repetitions))


def reshape(x: Tensor, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Tensor:
    """The elements in another shape. Error: ``ValueError`` where that needs a copy that is not allowed."""
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if copy:
        return x.clone().reshape(shape)
    out = x.reshape(shape)
    if copy is False and x.numel() and not out._shares_storage(x):
        raise ValueError(f"reshape: from {tuple(x.shape)} to {shape} the elements have to be copied")
    return out


def roll(x: Tensor, /, shift: int | tuple[int, ...], *, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """Moved along axes, and what falls off comes in at the other end."""
    if isinstance(axis, tuple) and isinstance(shift, int):
        shift = (shift,) * len(axis)
    return _torch["roll"](x, shift) if axis is None else _torch["roll"](x, shift, axis)


def take(x: Tensor, indices: Tensor, /, *, axis: int | None = None) -> Tensor:
    """Parts along an axis, by their places. The axis may be left out for one dimension."""
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"take: an axis is needed for {x.ndim} dimensions")
        axis = 0
    return _torch["index_select"](x, axis, indices)


def take_along_axis(x: Tensor, indices: Tensor, /, *, axis: int = -1) -> Tensor:
    """Elements along an axis, with places of their own for every other place."""
    return _torch["take_along_dim"](x, indices, axis)

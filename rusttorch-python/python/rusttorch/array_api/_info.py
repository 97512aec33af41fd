"""What the namespace says of itself."""

from __future__ import annotations

from typing import Any

from .. import _rusttorch as _C
from .. import device as _Device
from .. import dtype as _DType
from ._dtypes import accept, isdtype

_CPU = _C.device("cpu")
_DTYPES = {
    name: getattr(_C, name) for name in ("bool", "int8", "int16", "int32", "int64", "uint8", "float32", "float64")
}


class Info:
    """What ``__array_namespace_info__`` returns."""

    __slots__ = ()

    def capabilities(self) -> dict[str, Any]:
        """Masks as indices, shapes that depend on elements, any number of dimensions."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": None}

    def default_device(self) -> _Device:
        """The CPU."""
        return _CPU

    def default_dtypes(self, *, device: object = None) -> dict[str, _DType]:
        """Those of new arrays. Without complex dtypes, which are not there."""
        accept(device)
        return {"real floating": _C.float32, "integral": _C.int64, "indexing": _C.int64}

    def devices(self) -> list[_Device]:
        """The CPU alone."""
        return [_CPU]

    def dtypes(self, *, device: object = None, kind: str | tuple[str, ...] | None = None) -> dict[str, _DType]:
        """The dtypes of the standard that are there, or those of a kind."""
        accept(device)
        return {name: d for name, d in _DTYPES.items() if kind is None or isdtype(d, kind)}


def __array_namespace_info__() -> Info:
    """What the namespace has: dtypes, devices, capabilities."""
    return Info()

"""Dtypes: promotion by the standard, questions about them, and what they can hold."""

from __future__ import annotations

from .. import Tensor
from .. import _rusttorch as _C
from .. import dtype as _DType

_tensor = _C._functions("torch")["tensor"]

_SIGNED = (_C.int8, _C.int16, _C.int32, _C.int64)
_FLOATING = (_C.float16, _C.bfloat16, _C.float32, _C.float64)
_KINDS = {
    "bool": (_C.bool,),
    "signed integer": _SIGNED,
    "unsigned integer": (_C.uint8,),
    "integral": (*_SIGNED, _C.uint8),
    "real floating": _FLOATING,
    "complex floating": (),
    "numeric": (*_SIGNED, _C.uint8, *_FLOATING),
}


def _of_scalar(value, beside):
    """The dtype of Python's number beside arrays of a dtype: theirs, unless it is of a kind that they cannot hold."""
    if isinstance(value, bool):
        own = _C.bool
    elif isinstance(value, int):
        own = _C.int64
    elif isinstance(value, float):
        own = _C.float32
    else:
        raise TypeError(f"no array, dtype or real number: {type(value).__name__}")
    if beside is None:
        return own
    rank = [_KINDS["bool"], _KINDS["integral"], _KINDS["real floating"]]
    of = [next(i for i, kind in enumerate(rank) if d in kind) for d in (own, beside)]
    return beside if of[0] <= of[1] else own


def result_type(*arrays_and_dtypes: Tensor | _DType | bool | int | float) -> _DType:
    """The dtype of what an op makes of these. It does not depend on shapes; Python's numbers take the dtype of the others."""
    if not arrays_and_dtypes:
        raise ValueError("result_type: at least one array or dtype is needed")
    found, scalars = None, []
    for item in arrays_and_dtypes:
        if isinstance(item, Tensor):
            item = item.dtype
        if not isinstance(item, _DType):
            scalars.append(item)
        else:
            found = item if found is None else _C.promote_types(found, item)
    # The standard wants one that is no number; without any they are as new arrays.
    for item in scalars:
        found = _of_scalar(item, found)
    return found


def promoted(*values):
    """Arrays and Python's numbers as arrays of one dtype. Error: ``TypeError`` without an array."""
    if not any(isinstance(v, Tensor) for v in values):
        raise TypeError("at least one argument must be an array")
    to = result_type(*values)
    return tuple(v.to(to) if isinstance(v, Tensor) else _tensor(v, dtype=to) for v in values)


def accept(device):
    """Takes the one device that there is. Error: ``RuntimeError`` for another one."""
    _tensor(0).to(device)


def astype(x: Tensor, dtype: _DType, /, *, copy: bool = True, device: object = None) -> Tensor:
    """The elements in another dtype. Without ``copy`` an array of that dtype is returned as it is."""
    accept(device)
    return x.to(dtype, copy=copy)


def can_cast(from_: _DType | Tensor, to: _DType, /) -> bool:
    """Whether the promotion of both is the second. From one kind to another it says no, as the standard has no rule for it."""
    from_ = from_.dtype if isinstance(from_, Tensor) else from_
    kinds = ("bool", "integral", "real floating")
    same = any(from_ in _KINDS[kind] and to in _KINDS[kind] for kind in kinds)
    return same and _C.promote_types(from_, to) is to


def isdtype(dtype: _DType, kind: _DType | str | tuple[_DType | str, ...]) -> bool:
    """Whether a dtype is of a kind, by its name or as a dtype; of several it may be of any."""
    if isinstance(kind, tuple):
        return any(isdtype(dtype, k) for k in kind)
    if not isinstance(kind, str):
        return dtype is kind
    if kind not in _KINDS:
        raise ValueError(f"isdtype: {kind!r} is no kind of dtypes, but {', '.join(_KINDS)}")
    return dtype in _KINDS[kind]


class finfo:
    """What a floating-point dtype can hold."""

    __slots__ = ("bits", "dtype", "eps", "max", "min", "smallest_normal")
    bits: int
    dtype: _DType
    eps: float
    max: float
    min: float
    smallest_normal: float

    def __init__(self, type: _DType | Tensor, /) -> None:
        self.dtype = type.dtype if isinstance(type, Tensor) else type
        self.bits, self.eps, self.max, self.smallest_normal, _, _ = _C._finfo(self.dtype)
        self.min = -self.max

    def __repr__(self) -> str:
        return f"finfo({self.dtype}, eps={self.eps}, max={self.max}, smallest_normal={self.smallest_normal})"


class iinfo:
    """What an integer dtype can hold."""

    __slots__ = ("bits", "dtype", "max", "min")
    bits: int
    dtype: _DType
    max: int
    min: int

    def __init__(self, type: _DType | Tensor, /) -> None:
        self.dtype = type.dtype if isinstance(type, Tensor) else type
        self.bits, self.min, self.max = _C._iinfo(self.dtype)

    def __repr__(self) -> str:
        return f"iinfo({self.dtype}, min={self.min}, max={self.max})"

"""Functions of elements, by a table of PyTorch's names for them. ``stubs.py`` writes their types from it."""

from .. import Tensor
from .. import _rusttorch as _C
from ._dtypes import promoted

_torch = _C._functions("torch")

# Of one array, by PyTorch's name.
UNARY = {
    **{name: name for name in (
        "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "exp", "expm1", "floor", "isfinite",
        "isinf", "isnan", "log", "log1p", "log2", "log10", "logical_not", "negative", "positive", "reciprocal", "round", "signbit",
         "sin", "sinh", "sqrt", "square", "tan", "tanh", "trunc",
    )},
    "bitwise_invert": "bitwise_not",
}
# Of two arrays, or of one and a number of Python.
BINARY = {
    **{name: name for name in (
        "add", "atan2", "bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "copysign",
        "floor_divide", "hypot", "logaddexp", "logical_and", "logical_or", "logical_xor", "maximum", "minimum", "nextafter",
        "pow", "remainder",
    )},
    "divide": "div",
    "equal": "eq",
    "greater": "gt",
    "greater_equal": "ge",
    "less": "lt",
    "less_equal": "le",
    "multiply": "mul",
    "not_equal": "ne",
    "subtract": "sub",
}

__all__ = [*UNARY, *BINARY, "clip", "sign"]


def _unary(name, op):
    def function(x, /):
        return op(x)

    return _named(function, name, op)


def _binary(name, op):
    def function(x1, x2, /):
        if type(x1) is Tensor and type(x2) is Tensor and x1.dtype is x2.dtype:
            return op(x1, x2)
        return op(*promoted(x1, x2))

    return _named(function, name, op)


def _named(function, name, op):
    function.__name__ = function.__qualname__ = name
    function.__module__ = __package__
    function.__doc__ = f"``torch.{op.__name__}``, element by element."
    return function


globals().update({name: _unary(name, _torch[of]) for name, of in UNARY.items()})
globals().update({name: _binary(name, _torch[of]) for name, of in BINARY.items()})


def clip(x, /, min=None, max=None):
    """Elements below ``min`` become it, those above ``max`` become that. The dtype is that of the array."""
    if min is None and max is None:
        return x.clone()
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        # Of numbers beside arrays the op wants arrays.
        min, max = (b if b is None or isinstance(b, Tensor) else _torch["full_like"](x, b) for b in (min, max))
    return _torch["clamp"](x, min, max).to(x.dtype)


def sign(x, /):
    """-1, 0 or 1; nan for nan, where PyTorch has 0."""
    out = _torch["sign"](x)
    return _torch["where"](x.isnan(), x, out) if x.is_floating_point() else out

"""RustTorch: PyTorch's API on a CPU, in a few megabytes.

``import rusttorch as torch`` runs programs that keep to what is there; everything else says what is missing by name.
"""

from ._extension import _rusttorch  # first: it says which module that name stands for
from ._rusttorch import (
    Generator,
    Tensor,
    bfloat16,
    bool,
    can_cast,
    device,
    dtype,
    float16,
    float32,
    float64,
    from_dlpack,
    from_numpy,
    frombuffer,
    get_num_threads,
    int8,
    int16,
    int32,
    int64,
    is_grad_enabled,
    promote_types,
    set_num_threads,
    uint8,
)

globals().update(_rusttorch._functions("torch"))

from . import _tensor  # noqa: E402, F401
from ._functions import *  # noqa: E402, F403
from ._functions import asarray, where  # noqa: E402
from ._grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled  # noqa: E402
from ._size import Size  # noqa: E402
from ._types import (  # noqa: E402
    channels_last,
    channels_last_3d,
    contiguous_format,
    finfo,
    iinfo,
    layout,
    memory_format,
    preserve_format,
    sparse_coo,
    strided,
)
from ._version import __version__  # noqa: E402

Tensor.__module__ = "rusttorch"

# Names of dtypes in older programs.
float, double, half = float32, float64, float16
short, int, long = int16, int32, int64

from math import e, inf, nan, pi  # noqa: E402

newaxis = None

# Imported when they are first named.
_MODULES = frozenset((
    "array_api", "autograd", "backends", "cuda", "linalg", "nn", "optim", "return_types", "serialization", "special", "testing", "utils",
    "version",
))
_FROM = {"save": "serialization", "load": "serialization"}


def __getattr__(name):
    if name in _MODULES:
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    if name in _FROM:
        from importlib import import_module

        value = getattr(import_module(f"{__name__}.{_FROM[name]}"), name)
        globals()[name] = value
        return value
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}: either PyTorch has none, or RustTorch does not have it yet"
    )


def __dir__():
    return sorted({*globals(), *_MODULES, *_FROM})
